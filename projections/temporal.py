"""Intervals on two axes: true from-to (business date), known from-to (position in the log).

A row says: from business date `from_on` until before `to_on` this was so. It was known from
position `known_from` until before `known_to`; its end was learned at position `closed_by`.
An event in order closes one row and opens one. A late event or a reversal supersedes what it
changes and adds what is known now, so that every past answer stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, and_, or_
from sqlalchemy.sql.elements import ColumnElement

from domain.decider import Lifecycle
from ledger.entry import Entry
from projections.writing import Writer

FOREVER = "9999-12-31"
NEVER = 2**40  # a position no log reaches
Columns: TypeAlias = Callable[[str, Any], "tuple[Any, ...] | None"]
HEAD = 8  # row, id, position, from_on, to_on, closed_by, known_from, known_to
# A row is numbered by the position that opened it; what was told anew, by the position at which
# it became known, below zero: the same numbers whether lists followed the log or were rebuilt.
RETOLD_BITS = 20
Line = list[tuple[Entry, Any]]


def temporal_table(name: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """Return a table of intervals with these columns beside the two axes."""
    return Table(
        name,
        metadata,
        # An INTEGER key on SQLite is the row's own place in the file: appending costs nothing.
        Column(
            "row",
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("id", Text, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("from_on", Text, nullable=False),
        Column("to_on", Text, nullable=False),
        Column("closed_by", BigInteger, nullable=False),
        Column("known_from", BigInteger, nullable=False),
        Column("known_to", BigInteger, nullable=False),
        *columns,
    )


def by_id(table: Table) -> Index:
    """Return the index by which one thing's history is found."""
    return Index(f"{table.name}_by_id", table.c.id)


def at(table: Any, on: str, known: int | None) -> ColumnElement[bool]:
    """Return the condition: true on a business date, known at a position (None: known now)."""
    c = table.c
    if known is None:
        return and_(c.known_to == NEVER, c.from_on <= on, c.to_on > on)
    return and_(
        c.from_on <= on,
        c.known_from <= known,
        c.known_to > known,
        or_(c.to_on > on, c.closed_by > known),
    )


class Intervals:
    """The pending rows of one temporal table in one batch."""

    def __init__(self, table: Table, columns: Columns) -> None:
        self.table, self.columns = table, columns
        self.opened: dict[int, list[Any]] = {}  # open rows not yet written, by their number
        self.ended: list[list[Any]] = []  # rows not yet written that have ended
        self.closed: list[tuple[str, int, int]] = []

    def follow(
        self, id_: str, before: Open | None, position: int, on: str, state: Any
    ) -> Open | None:
        """Record what an event in order changed; return the row that is open now."""
        values = self.columns(id_, state)
        if before is not None:
            if before.values == values:
                return before
            pending = self.opened.pop(before.row, None)
            if pending is not None:
                pending[4], pending[5] = on, position
                self.ended.append(pending)
            else:
                self.closed.append((on, position, before.row))
        if values is None:
            return None
        self.opened[position] = [
            position, id_, position, on, FOREVER, NEVER, position, NEVER, *values
        ]  # fmt: skip
        return Open(position, values)

    def flush(self, writer: Writer, *, all_: bool = True) -> None:
        """Write what is pending; in a rebuild what is still open can wait for its end."""
        writer.close(self.table, self.closed)
        if all_:
            self.ended += self.opened.values()
            self.opened = {}
        self.ended.sort()  # by row: neighbours in the file are written together
        writer.insert(self.table, self.ended)
        self.ended, self.closed = [], []

    def retell(
        self, writer: Writer, id_: str, line: Sequence[tuple[Entry, Any]], known: int
    ) -> Open | None:
        """Replace what is known now about one thing by another line of events and states.

        Everything pending must have been written. Return the row that is open now.
        """
        told = writer.select("*", self.table, "id", [id_])
        gone, fresh, open_ = self._changed([r for r in told if r[7] == NEVER], id_, line, known)
        writer.supersede(self.table, known, [row[0] for row in gone])
        writer.insert(self.table, fresh)
        return open_

    def tell(
        self,
        id_: str,
        told: Sequence[Entry],
        fold: Callable[[Sequence[Entry]], Line],
        life: Lifecycle[Any],
    ) -> tuple[list[list[Any]], Open | None]:
        """Return all rows of one thing at once, as following and retelling would have left them.

        `told` is everything recorded of it, oldest first. `fold` makes a line of what stands
        of them; a fact in order needs only `life` to say what it means.
        """
        rows: list[list[Any]] = []
        state, last_on, open_ = life.state(), "", None
        for count, entry in enumerate(told, start=1):
            if entry.corrects is None and entry.effective_on >= last_on:
                state, last_on = life.evolve(state, entry.event), entry.effective_on
                opened = self.follow(id_, open_, entry.position, entry.effective_on, state)
                for on, position, row in self.closed:
                    ended = next(r for r in rows if r[0] == row)
                    ended[4], ended[5] = on, position
                rows += self.opened.values()
                self.opened, self.closed, open_ = {}, [], opened
            else:
                line = fold(told[:count])
                state, last_on = (
                    (line[-1][1], line[-1][0].effective_on) if line else (life.state(), "")
                )
                live = [r for r in rows if r[7] == NEVER]
                gone, fresh, open_ = self._changed(live, id_, line, entry.position)
                for row in gone:
                    row[7] = entry.position
                rows += fresh
        return rows, open_

    def _changed(
        self, live: Sequence[Any], id_: str, line: Sequence[tuple[Entry, Any]], known: int
    ) -> tuple[list[Any], list[list[Any]], Open | None]:
        """Compare what is known now with a new line: rows gone, rows new, and the open one."""
        wanted = {_said(row): row for row in self._line(id_, line, known)}
        there = {_said(row): row for row in live}
        gone = [row for said, row in there.items() if said not in wanted]
        fresh = [row for said, row in wanted.items() if said not in there]
        for number, row in enumerate(fresh):
            row[0] = -(known << RETOLD_BITS | number)
        last = next(reversed(wanted.values()), None)
        if last is None or last[4] != FOREVER:
            return gone, fresh, None
        last = there.get(_said(last), last)
        return gone, fresh, Open(last[0], tuple(last[HEAD:]))

    def _line(self, id_: str, line: Sequence[tuple[Entry, Any]], known: int) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for entry, state in line:
            values = self.columns(id_, state)
            last = rows[-1] if rows and rows[-1][4] == FOREVER else None
            if last is not None:
                if tuple(last[HEAD:]) == values:
                    continue
                last[4], last[5] = entry.effective_on, entry.position
            if values is not None:
                position, on = entry.position, entry.effective_on
                rows.append([0, id_, position, on, FOREVER, NEVER, known, NEVER, *values])
        return rows


def _said(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return what a row says, leaving out how and when that became known."""
    return (row[2], row[3], row[4], *row[HEAD:])


class Open:
    """The interval of a thing that has not ended."""

    __slots__ = ("row", "values")

    def __init__(self, row: int, values: tuple[Any, ...]) -> None:
        self.row, self.values = row, values
