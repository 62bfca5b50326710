"""Read a whole table into typed records that carry their evidence and a stable key.

Pure parsing: no domain, no database. Each reader takes a path or bytes, checks the whole file,
and either raises `Unreadable` with every problem or yields every row in the order of the file.
Rows left out (all cells empty) are told to `notices`. Nothing that a row does not say is added.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec

from api.reading_bytes import Source
from api.reading_problems import Problem, Unreadable
from api.reading_text import Column, Evidence, table
from api.reading_values import Cells

SAMPLE: Final = Path(__file__).parent / "sample"
"""The published files that travel with the program; `sample/SOURCES.md` says whose they are."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all records share: the row, the key of the thing it is about, and how often so far.

    `key` is the same for every row about the same thing, in every import; `occurrence` counts
    the rows with this key within one file from 1. The pair is what makes importing twice harmless.
    """

    evidence: Evidence
    key: str
    occurrence: int = 1


Keyed: TypeAlias = Callable[[str], tuple[str, int]]
"""Give a key back together with how often it was seen in this file, from 1."""

R = TypeVar("R", bound=Record)
_QUARTER: Final = re.compile(r"(?:19|20)[0-9]{2}Q[1-4]")


def quarter_of(path: Path) -> str:
    """Find the calendar quarter in a file's name, `2019Q4`; raise ValueError without one."""
    match = _QUARTER.search(path.name)
    if match is None:
        raise ValueError(path.name)
    return match[0]


def read(
    source: Source,
    columns: tuple[Column, ...],
    build: Callable[[Cells, Keyed], R],
    file: str | None,
    notices: list[Problem] | None,
) -> Iterator[R]:
    """Read all rows, then yield all or raise all problems: half a file is never imported."""
    found = table(source, columns, file)
    problems = list(found.problems)
    cells = Cells(found, {column: at for at, column in enumerate(found.header)}, problems)
    seen: Counter[str] = Counter()

    def keyed(key: str) -> tuple[str, int]:
        seen[key] += 1
        return key, seen[key]

    records = [build(cells.turn_to(row), keyed) for row in found.rows]
    if problems:
        raise Unreadable(problems)
    if notices is not None:
        notices.extend(found.notices)
    yield from records
