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

from ledger.entry import Entry
from projections.writing import Writer

FOREVER = "9999-12-31"
NEVER = 2**62  # a position no log reaches
Columns: TypeAlias = Callable[[str, Any], "tuple[Any, ...] | None"]
HEAD = 8  # row, id, position, from_on, to_on, closed_by, known_from, known_to
RETOLD = 2**40  # rows of what was told anew are numbered from here; others by their position


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
    return Index(f"{table.name}_by_id", table.c.id, table.c.from_on)


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
        wanted = self._line(id_, line, known)
        told = writer.select("*", self.table, "id", [id_])
        live = {_said(row): row for row in told if row[7] == NEVER}
        fresh = {_said(row): row for row in wanted}
        writer.supersede(
            self.table, known, [row[0] for said, row in live.items() if said not in fresh]
        )
        number = max(writer.highest(self.table), RETOLD)
        for said, row in fresh.items():
            if said not in live:
                number += 1
                row[0] = number
        writer.insert(self.table, [row for said, row in fresh.items() if said not in live])
        if not wanted or wanted[-1][4] != FOREVER:
            return None
        last = live.get(_said(wanted[-1]), wanted[-1])
        return Open(last[0], tuple(last[HEAD:]))

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
