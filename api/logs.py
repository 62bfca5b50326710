"""Lines of JSON for whoever gathers logs, with nothing in them that came from a person.

What the code says is written as it stands in the code; what was put into it only where it is a
number or the name of a request. Of an exception the kind and the lines of code are told, not its
sentence: a database repeats what was typed.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

FORMS: Final = ("text", "json")
FRAMES_MAX: Final = 30
_REQUEST: Final = re.compile(r"[0-9a-f]{16}")


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message(record),
        }
        line |= getattr(record, "said", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def message(record: logging.LogRecord) -> str:
    """Return what the code says, with numbers and names of requests in it and nothing else."""
    template, given = str(record.msg), record.args
    if isinstance(record.msg, BaseException) or not isinstance(given, tuple | Mapping):
        return type(record.msg).__name__ if isinstance(record.msg, BaseException) else template
    if isinstance(given, Mapping):
        return template
    try:
        return template % tuple(map(_harmless, given))
    except (TypeError, ValueError):
        return template


class _Withheld:
    """Stands for what was left out, whatever the place it is put into asks for."""

    def __str__(self) -> str:
        return "…"

    __repr__ = __str__


def _harmless(value: object) -> object:
    if isinstance(value, bool | int | float) or (
        isinstance(value, str) and _REQUEST.fullmatch(value)
    ):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else _Withheld()


def error(found: BaseException | None) -> dict[str, Any]:
    """Return the kinds of an exception and of what caused it, and where in the code."""
    kinds, frames = list[str](), list[str]()
    while found is not None and len(kinds) < FRAMES_MAX:
        kinds.append(f"{type(found).__module__}.{type(found).__qualname__}")
        walked = traceback.walk_tb(found.__traceback__)
        frames += [f"{f.f_code.co_filename}:{number} {f.f_code.co_name}" for f, number in walked]
        found = found.__cause__ or found.__context__
    return {"kinds": kinds, "at": frames[-FRAMES_MAX:]}


def begin(form: str, stream: TextIO | None = None) -> None:
    """Write JSON from here on, where that is asked for; text stays what the terminal has."""
    if form != "json":
        return
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gongwu.access").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):  # they say when they start and stop
        logging.getLogger(name).setLevel(logging.INFO)
