"""Read a workbook in a process of its own, with little memory and time (threat T15 of the design).

Whatever a file does to the one who reads it ends there: the office goes on, and the file is refused.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from api.reading_problems import Problem, Unreadable, refuse

if TYPE_CHECKING:
    from api.reading_sheets import Sheet

MEMORY_BYTES_MAX: Final = 1_500_000_000  # of addresses; the largest workbook taken needs a third
CPU_SECONDS_MAX: Final = 30
SECONDS_MAX: Final = 60
# The same modules as here, whatever else lies in the working directory.
WORK: Final = (
    "import sys, msgspec;"
    "asked = msgspec.msgpack.decode(sys.stdin.buffer.read());"
    "sys.path[:] = asked.pop('path');"
    "from api.reading_apart import work;"
    "work(**asked)"
)


def rows(
    content: bytes, file: str, *, memory_bytes: int = MEMORY_BYTES_MAX
) -> list[tuple[str, ...]]:
    """Return the rows of the first sheet that holds anything; raise `Unreadable`."""
    answer = _asked(content, file, memory_bytes, None)
    return [tuple(row) for row in answer["rows"]]


def sheet(
    content: bytes, file: str, name: str = "", *, memory_bytes: int = MEMORY_BYTES_MAX
) -> Sheet:
    """Return the sheet of this name, or the first that holds anything; raise `Unreadable`."""
    from api.reading_sheets import Sheet  # only whoever reads a workbook needs its parser

    answer = _asked(content, file, memory_bytes, name)
    return msgspec.convert(answer["sheet"], Sheet)


def _asked(content: bytes, file: str, memory_bytes: int, name: str | None) -> dict[str, Any]:
    said = {"path": sys.path, "content": content, "file": file, "memory_bytes": memory_bytes}
    asked = msgspec.msgpack.encode(said | {"name": name})
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", WORK],
            input=asked,
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _exhausted(file) from error
    if done.returncode:
        raise _exhausted(file)
    answer: dict[str, Any] = msgspec.msgpack.decode(done.stdout)
    if answer["problems"]:
        raise Unreadable([Problem(*each) for each in answer["problems"]])
    return answer


def _exhausted(file: str) -> Unreadable:
    return refuse(
        file,
        "workbook-too-costly",
        "读取这份工作簿超过了内存或时间限制，出于安全未读取。请另存为 CSV 后再导入。",
        "Reading this workbook took more memory or time than is allowed; for safety it was not read."
        " Save it as CSV and import that.",
    )


def work(content: bytes, file: str, memory_bytes: int, name: str | None = None) -> None:
    """Read a workbook here, where nothing else is; answer on the standard output."""
    from api import reading_sheets  # its parsers are what this process is for

    limit(memory_bytes)
    answer: dict[str, Any] = {"rows": [], "problems": []}
    try:
        if name is None:
            answer["rows"] = reading_sheets.rows(content, file)
        else:
            answer["sheet"] = reading_sheets.sheet(content, file, name)
    except Unreadable as error:
        answer["problems"] = [told(each) for each in error.problems]
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


def told(problem: Problem) -> tuple[Any, ...]:
    """Return a problem as it is handed over."""
    return (
        problem.file,
        problem.line,
        problem.column,
        problem.slug,
        problem.zh,
        problem.en,
    )


def limit(memory_bytes: int) -> None:
    """Set what this process may use, where the system has such limits."""
    with suppress(ImportError):
        import resource  # only there where such limits are

        for what, most in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (most, most))
