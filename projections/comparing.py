"""Rebuild the lists to a position in a file of their own, and hold the live ones against them.

What is kept on two axes of time is compared as it was known at that position; what is only of now
is compared when the live lists stand exactly there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, case, literal_column, select, text

from ledger.book import Book
from projections import history, people, units
from projections.following import LISTS
from projections.scope import Rows
from projections.store import Progress, ReadModels
from projections.temporal import FOREVER, NEVER

NAMED_MAX: Final = 100  # rows that are named in one list; all are counted
ROWS: Final = 5_000  # rows read at once
OVER_TIME: Final = {
    "history": history.history,
    "names": units.name,
    "powers": people.power,
}


class Row(msgspec.Struct, frozen=True):
    """One row that only one side has: its first columns, enough to find it."""

    key: tuple[str, ...]
    live: bool  # the live lists have it, the rebuilt ones do not


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How one list compares: rows on both sides, and those that only one side has."""

    table: str
    live: int
    rebuilt: int
    only_live: int
    only_rebuilt: int
    rows: tuple[Row, ...] = ()

    @property
    def same(self) -> bool:
        return not (self.only_live or self.only_rebuilt)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The lists rebuilt to a position, and the live ones: `at_head` when all could be compared."""

    size: int
    position: int
    at_head: bool
    lists: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        return all(one.same for one in self.lists)


def compare(
    book: Book, live: ReadModels, size: int | None = None, progress: Progress | None = None
) -> Comparison:
    """Tell the log anew up to a size (None: where the live lists stand), and compare.

    Raise ValueError for a size that the live lists have not reached.
    """
    with live.engine.connect() as c:
        if live.sqlite:
            c.exec_driver_sql("BEGIN")  # what is read below is of one moment
        else:
            c.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        position = int(c.execute(text("SELECT position FROM projected")).scalar_one())
        upto = position if size is None else size
        if not 0 <= upto <= position:
            raise ValueError(f"the lists stand at {position}, not at {upto}")
        with tempfile.TemporaryDirectory(prefix="gongwu-replay-") as folder:
            rebuilt = ReadModels.open(f"sqlite:///{Path(folder) / 'lists.db'}")
            try:
                rebuilt.rebuild(book, progress, until=upto)
                with rebuilt.engine.connect() as other:
                    return _compared(c, other, upto, position)
            finally:
                rebuilt.close()


def _compared(live: Connection, rebuilt: Connection, size: int, position: int) -> Comparison:
    at_head = size == position
    if at_head:
        queries: dict[str, Rows] = {f"{table.name}": select(table) for table in LISTS}
    else:
        queries = {name: _known(seen, size) for name, seen in OVER_TIME.items()}
    return Comparison(
        size=size,
        position=position,
        at_head=at_head,
        lists=tuple(
            _difference(name, live, rebuilt, query) for name, query in sorted(queries.items())
        ),
    )


def _known(seen: Any, size: int) -> Rows:
    """Return all intervals as they were known at a size of the log."""
    c = seen.c
    open_ = c.closed_by > size
    said = [
        c.id,
        c.position,
        c.from_on,
        case((open_, FOREVER), else_=c.to_on).label("to_on"),
        case((open_, literal_column(str(NEVER))), else_=c.closed_by).label("closed_by"),
        c.known_from,
        case((c.known_to > size, literal_column(str(NEVER))), else_=c.known_to).label("known_to"),
    ]
    rest = [column for column in c if column.name not in {"row", *(s.name for s in said)}]
    columns: list[Any] = [*said, *rest]
    return select(*columns).where(c.known_from <= size)


def _difference(name: str, live: Connection, rebuilt: Connection, query: Rows) -> Difference:
    """Compare two answers as bags of rows; a row is known by a hash of all it says."""
    there: dict[bytes, int] = {}
    count = 0
    for row in _rows(live, query):
        mark = _mark(row)
        there[mark] = there.get(mark, 0) + 1
        count += 1
    found: list[Row] = []
    mine = only = 0
    for row in _rows(rebuilt, query):
        mine += 1
        mark = _mark(row)
        left = there.get(mark, 0)
        if left == 0:
            only += 1
            if len(found) < NAMED_MAX:
                found.append(Row(_key(row), live=False))
        elif left == 1:
            del there[mark]
        else:
            there[mark] = left - 1
    gone = sum(there.values())
    if gone:
        for row in _rows(live, query):
            if len(found) >= 2 * NAMED_MAX:
                break
            if _mark(row) in there:
                found.append(Row(_key(row), live=True))
    return Difference(
        table=name,
        live=count,
        rebuilt=mine,
        only_live=gone,
        only_rebuilt=only,
        rows=tuple(found),
    )


def _rows(c: Connection, query: Rows) -> Iterator[tuple[Any, ...]]:
    result = c.execution_options(yield_per=ROWS).execute(query)
    for row in result:
        yield tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)


def _mark(row: tuple[Any, ...]) -> bytes:
    return blake2b(repr(row).encode(), digest_size=16).digest()


def _key(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(value)[:80] for value in row[:3])
