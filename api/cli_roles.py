"""From the command line: what a PostgreSQL administrator says once, for a role that is held back."""

from __future__ import annotations

import re

from api.cli_terminal import USAGE, Stop, Terminal
from domain.words import Words
from projections.rows_in_sight import setting_up

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
BAD_NAME = Words(
    "名称只含小写字母、数字和下划线，以字母开头，最多 63 个字符。",
    "A name has small letters, digits and underscores, begins with a letter, at most 63 characters.",
)


def print_(terminal: Terminal, role: str, database: str) -> None:
    """Print the SQL; nothing is asked of any server."""
    for name in (role, database):
        if not NAME.fullmatch(name):
            raise Stop(BAD_NAME, USAGE)
    sentences = setting_up(role, database)
    if terminal.json:
        terminal.answer({"sql": list(sentences)})
        return
    for sentence in sentences:
        terminal.say(f"{sentence};", f"{sentence};")
