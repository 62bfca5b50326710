"""A file of settings, for whoever does not set the environment: NAME=value, one a line.

The same form as an EnvironmentFile of systemd. What the environment says counts before it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from ledger.notes import Unproven

IN_ENVIRONMENT: Final = "GONGWU_SETTINGS"
LINE: Final = re.compile(r"(GONGWU_[A-Z0-9_]+)=(.*)")
_taken: dict[str, str] = {}  # what came from the file, by name


def load() -> None:
    """Take over what the file says and the environment does not; raise Unproven for a bad file."""
    named = os.environ.get(IN_ENVIRONMENT, "")
    if not named:
        return
    for name, value in read(Path(named)).items():
        if not os.environ.get(name):
            os.environ[name] = _taken[name] = value


def read(file: Path) -> dict[str, str]:
    """Return what a file of settings says."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "UTF-8"
        raise Unproven(
            f"读不到设置文件 {file}（{IN_ENVIRONMENT}）：{why}。",
            f"Cannot read the file of settings {file} ({IN_ENVIRONMENT}): {why}.",
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None or match[1] == IN_ENVIRONMENT:
            # The line itself may hold a secret: it is not repeated.
            raise Unproven(
                f"设置文件 {file} 第 {number} 行须写成 GONGWU_名称=值。",
                f"Line {number} of the file of settings {file} must be GONGWU_NAME=value.",
            )
        value = match[2].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[match[1]] = value[1:-1] if quoted else value
    return found


def holds(name: str) -> bool:
    """Tell whether a variable has its value from the file."""
    return name in _taken and os.environ.get(name) == _taken[name]
