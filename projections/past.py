"""Lists as they stood on any day, as known at any time, where no list of intervals is kept.

What is asked of them now is asked of tables of the same shape, filled with nothing but the
entries of that knowledge up to that day: the same questions, and by its making the answer of a
fold. Cases and registers are told in a moment; what is told is kept for the next page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import RowMapping, create_engine
from sqlalchemy.pool import StaticPool

from domain.decider import LIFECYCLES
from ledger.book import Book
from ledger.entry import decode, standing
from ledger.replaying import collector_off
from projections.following import BESIDE, CURRENT, Kept, List, metadata, remark
from projections.scope import Rows

KEPT_MAX: Final = 6  # days that are remembered
ROWS: Final = 5_000
Asked: TypeAlias = "tuple[tuple[str, ...], str, int]"  # kinds of streams, day, size of the log


class Past:
    """Some lists, as of a day, in memory."""

    def __init__(self, book: Book, kinds: Sequence[str], on: str, known: int) -> None:
        self._engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        self._lock = threading.Lock()
        shown = [
            (kind, list_)
            for kind in kinds
            for list_ in (CURRENT[kind], BESIDE.get(kind))
            if list_ is not None
        ]
        tables = {list_.table.name: list_.table for _, list_ in shown}
        metadata.create_all(self._engine, tables=list(tables.values()))
        with collector_off(), self._engine.begin() as c:
            for kind, list_ in shown:
                table = list_.table
                names = [column.name for column in table.columns]
                batch: list[dict[str, Any]] = []
                for row in _rows(book, kind, list_, on, known):
                    batch.append(dict(zip(names, row, strict=True)))
                    if len(batch) == ROWS:
                        c.execute(table.insert(), batch)
                        batch = []
                if batch:
                    c.execute(table.insert(), batch)

    def rows(self, query: Rows) -> list[RowMapping]:
        """Return all rows of a query."""
        with self._lock, self._engine.connect() as c:
            return list(c.execute(query).mappings().all())

    def close(self) -> None:
        """Forget it all."""
        with self._lock:
            self._engine.dispose()


class Pasts:
    """The days that were asked for lately."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kept: dict[Asked, Past] = {}
        self._lock = threading.Lock()

    def at(self, kinds: Iterable[str], on: str, known: int | None = None) -> Past:
        """Return the lists of some kinds of streams as of a day, known at a position (None: now)."""
        size = self._book.log.head()[0]
        asked = (tuple(kinds), on, size if known is None else min(known, size))
        with self._lock:  # whoever asks for the same meanwhile waits rather than telling it twice
            found = self._kept.pop(asked, None)
            if found is None:
                found = Past(self._book, *asked)
            self._kept[asked] = found  # the latest is the last to be forgotten
            while len(self._kept) > KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))
        return found


def _rows(book: Book, kind: str, list_: List, on: str, known: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one kind of stream: each a fold of what stands of it up to the day."""
    life = LIFECYCLES[kind]
    for stream, rows in groupby(book.log.kind_rows(kind, known), itemgetter(1)):
        entries = [decode(*row) for row in rows]
        told = [entry for entry in standing(entries) if entry.effective_on <= on]
        if not told:
            continue
        kept = Kept(stream, {})
        kept.state = life.fold(entry.event for entry in told)
        remark(kept, told)
        kept.version = entries[-1].seq
        kept.first_on, kept.last_on = told[0].effective_on, told[-1].effective_on
        kept.opened = kept.known_from = told[-1].position
        kept.from_on = kept.last_on
        row = list_.row(kept)
        if row is not None:
            yield row
