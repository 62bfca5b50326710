"""Intervals on two axes: true from-to (business date), known from-to (position in the log).

A row says: from business date `from_on` until before `to_on` this was so. It was known from
position `known_from` until before `known_to`; its end was learned at position `closed_by`.
An event in order closes one row and opens one. A late event or a reversal supersedes what it
changes and adds what is known now, so that every past answer stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, and_, or_
from sqlalchemy.sql.elements import ColumnElement

from ledger.entry import Entry
from projections.writing import Writer

FOREVER = "9999-12-31"
NEVER = 2**62  # a position no log reaches
Columns: TypeAlias = Callable[[str, Any], "tuple[Any, ...] | None"]
HEAD = 7  # id, position, from_on, to_on, closed_by, known_from, known_to


def temporal_table(name: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """Return a table of intervals with these columns beside the two axes."""
    return Table(
        name,
        metadata,
        Column("id", Text, nullable=False),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("from_on", Text, nullable=False),
        Column("to_on", Text, nullable=False),
        Column("closed_by", BigInteger, nullable=False),
        Column("known_from", BigInteger, primary_key=True, autoincrement=False),
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
        self.opened: dict[int, list[Any]] = {}  # rows not yet written, by position
        self.closed: list[tuple[str, int, int, int]] = []

    def follow(
        self, id_: str, before: Open | None, entry_position: int, on: str, state: Any
    ) -> Open | None:
        """Record what an event in order changed; return the row that is open now."""
        values = self.columns(id_, state)
        if before is not None:
            if before.values == values:
                return before
            pending = self.opened.get(before.position)
            if pending is not None:
                pending[3], pending[4] = on, entry_position
            else:
                self.closed.append((on, entry_position, before.position, before.known_from))
        if values is None:
            return None
        self.opened[entry_position] = [
            id_, entry_position, on, FOREVER, NEVER, entry_position, NEVER, *values
        ]  # fmt: skip
        return Open(entry_position, entry_position, values)

    def flush(self, writer: Writer) -> None:
        """Write what is pending."""
        writer.close(self.table, self.closed)
        writer.insert(self.table, list(self.opened.values()))
        self.opened, self.closed = {}, []

    def retell(
        self, writer: Writer, id_: str, line: Sequence[tuple[Entry, Any]], known: int
    ) -> Open | None:
        """Replace what is known now about one thing by another line of events and states.

        Everything pending must have been written. Return the row that is open now.
        """
        wanted = self._line(id_, line, known)
        live = {
            (row[1], *row[2:4], *row[HEAD:]): row
            for row in map(tuple, writer.select("*", self.table, [id_]))
            if row[6] == NEVER
        }
        fresh = {(row[1], *row[2:4], *row[HEAD:]): row for row in wanted}
        gone = [(row[1], row[5]) for key, row in live.items() if key not in fresh]
        if gone:
            writer.supersede(self.table, known, gone)
        writer.insert(self.table, [row for key, row in fresh.items() if key not in live])
        if not wanted or wanted[-1][3] != FOREVER:
            return None
        last = wanted[-1]
        kept = live.get((last[1], *last[2:4], *last[HEAD:]), last)
        return Open(kept[1], kept[5], tuple(kept[HEAD:]))

    def _line(self, id_: str, line: Sequence[tuple[Entry, Any]], known: int) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for entry, state in line:
            values = self.columns(id_, state)
            last = rows[-1] if rows and rows[-1][3] == FOREVER else None
            if last is not None:
                if tuple(last[HEAD:]) == values:
                    continue
                last[3], last[4] = entry.effective_on, entry.position
            if values is not None:
                rows.append(
                    [id_, entry.position, entry.effective_on, FOREVER, NEVER, known, NEVER, *values]
                )
        return rows


class Open:
    """The interval of a thing that has not ended."""

    __slots__ = ("known_from", "position", "values")

    def __init__(self, position: int, known_from: int, values: tuple[Any, ...]) -> None:
        self.position, self.known_from, self.values = position, known_from, values
