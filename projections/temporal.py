"""Intervals on two axes: true from-to (business date), known from-to (position in the log).

A row says: from business date `from_on` until before `to_on` this was so. It was known from
position `known_from` until before `known_to`; its end was learned at position `closed_by`.
What is so still has no row of its own: the list of what is now says since when. An event in
order ends that and writes it down, once and for all. A late event or a reversal supersedes what
it changes and adds what is known now, so that every past answer stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Subquery,
    Table,
    Text,
    and_,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from domain.decider import Lifecycle
from ledger.entry import Entry
from projections.writing import Writer

FOREVER = "9999-12-31"
NEVER = 2**40  # a position no log reaches
Columns: TypeAlias = Callable[[str, Any], "tuple[Any, ...] | None"]
HEAD = 8  # row, id, position, from_on, to_on, closed_by, known_from, known_to
OPEN = ("position", "from_on", "known_from")  # in a list of what is now: since when it is so
# A row is numbered by the position that ended it: rows are only ever appended. What a late event
# or a reversal wrote is numbered by that one's position, below zero. The numbers are the same
# whether lists followed the log or were rebuilt.
RETOLD_BITS = 20
Line = list[tuple[Entry, Any]]
_number_of = itemgetter(0)


def ended_table(
    name: str, metadata: MetaData, columns: Callable[[], Sequence[Column[Any]]]
) -> Table:
    """Return a table of intervals that have ended, with these columns beside the two axes."""
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
        *columns(),
    )


def open_columns() -> tuple[Column[Any], ...]:
    """Return the columns by which a list of what is now says since when it is so."""
    return (
        Column("position", BigInteger, nullable=False),
        Column("from_on", Text, nullable=False),
        Column("known_from", BigInteger, nullable=False),
    )


def seen(
    name: str,
    ended: Sequence[Table],
    *current: Table,
    only: Callable[[Table], ColumnElement[bool]] | None = None,
) -> Subquery:
    """Return all intervals: those that have ended, and what lists of what is now say of today.

    `only` says which rows of each table are wanted, where that is better asked of the table.
    """
    asked = () if only is None else (only,)
    never = literal_column(str(NEVER), BigInteger)
    forever = literal_column(f"'{FOREVER}'", Text)
    still = [
        select(
            c.position.label("row"),
            c.id,
            c.position,
            c.from_on,
            forever.label("to_on"),
            never.label("closed_by"),
            c.known_from,
            never.label("known_to"),
            *(c[column.name] for column in list(ended[0].columns)[HEAD:]),
        ).where(*(only(table) for only in asked))
        for table, c in ((table, table.c) for table in current)
    ]
    over = [select(table).where(*(only(table) for only in asked)) for table in ended]
    return union_all(*over, *still).subquery(name)


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


class Thing:
    """One thing and its interval that has not ended; `values` is None when there is none."""

    __slots__ = ("from_on", "id", "known_from", "opened", "values")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.values: tuple[Any, ...] | None = None
        self.opened, self.from_on, self.known_from = 0, "", 0

    def open(self, values: tuple[Any, ...] | None, position: int, on: str, known: int) -> None:
        """Say what is so from now on."""
        if values is None:
            position, on, known = 0, "", 0
        self.values, self.opened, self.from_on, self.known_from = values, position, on, known


Row = list[Any]


class Intervals:
    """The pending rows of one temporal table in one batch."""

    def __init__(self, table: Table, columns: Columns) -> None:
        self.table, self.columns = table, columns
        self.ended: list[tuple[Any, ...]] = []  # not yet written

    def follow(self, thing: Thing, values: tuple[Any, ...] | None, position: int, on: str) -> None:
        """Record that an event in order changed what is so."""
        before = thing.values
        if before is not None:
            head = (
                position, thing.id, thing.opened, thing.from_on, on, position, thing.known_from,
                NEVER,
            )  # fmt: skip
            self.ended.append(head + before)
        if values is None:
            thing.open(None, 0, "", 0)
            return
        thing.values, thing.from_on = values, on
        thing.opened = thing.known_from = position

    def flush(self, writer: Writer) -> None:
        """Write what is pending."""
        self.ended.sort(key=_number_of)  # what is appended in order costs least
        writer.insert(self.table, self.ended)
        self.ended.clear()

    def retell(self, writer: Writer, thing: Thing, line: Line, known: int) -> None:
        """Replace what is known now about one thing by another line of events and states.

        Everything pending must have been written.
        """
        told = [list(row) for row in writer.select("*", self.table, "id", [thing.id])]
        gone, fresh = self._changed([row for row in told if row[7] == NEVER], thing, line, known)
        writer.supersede(self.table, known, [row[0] for row in gone])
        writer.insert(self.table, fresh)

    def tell(
        self,
        thing: Thing,
        told: Sequence[Entry],
        fold: Callable[[Sequence[Entry]], Line],
        life: Lifecycle[Any],
    ) -> list[Row]:
        """Return all rows of one thing at once, as following and retelling would have left them.

        `told` is everything recorded of it, oldest first. `fold` makes a line of what stands
        of them; a fact in order needs only `life` to say what it means.
        """
        rows: list[Row] = []
        alone = Intervals(self.table, self.columns)
        state, last_on = life.state(), ""
        thing.open(None, 0, "", 0)
        for count, entry in enumerate(told, start=1):
            if entry.corrects is None and entry.effective_on >= last_on:
                state, last_on = life.evolve(state, entry.event), entry.effective_on
                values = self.columns(thing.id, state)
                if values != thing.values:
                    alone.follow(thing, values, entry.position, last_on)
                    rows += map(list, alone.ended)
                    alone.ended.clear()
            else:
                line = fold(told[:count])
                state, last_on = (
                    (line[-1][1], line[-1][0].effective_on) if line else (life.state(), "")
                )
                live = [row for row in rows if row[7] == NEVER]
                gone, fresh = self._changed(live, thing, line, entry.position)
                for row in gone:
                    row[7] = entry.position
                rows += fresh
        return rows

    def _changed(
        self, live: list[Row], thing: Thing, line: Line, known: int
    ) -> tuple[list[Row], list[Row]]:
        """Compare what is known now with a new line: rows gone and rows new; open the last.

        What was open and is so no more becomes a row, known until now.
        """
        wanted = {_said(row): row for row in self._line(thing.id, line, known)}
        there = {_said(row): row for row in live}
        still = _open(thing)
        open_ = next(reversed(wanted.values()), None)
        if open_ is None or open_[4] != FOREVER:
            open_ = None
        gone = [row for said, row in there.items() if said not in wanted]
        fresh = [row for said, row in wanted.items() if said not in there and row is not open_]
        if still is not None and (open_ is None or _said(still) != _said(open_)):
            still[7] = known
            fresh.append(still)
        for number, row in enumerate(fresh):
            row[0] = -(known << RETOLD_BITS | number)
        if open_ is None:
            thing.open(None, 0, "", 0)
        elif still is None or _said(still) != _said(open_):
            thing.open(tuple(open_[HEAD:]), open_[2], open_[3], known)
        return gone, fresh

    def _line(self, id_: str, line: Line, known: int) -> list[Row]:
        rows: list[Row] = []
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


def _open(thing: Thing) -> Row | None:
    """Return the interval of a thing that has not ended, as a row."""
    if thing.values is None:
        return None
    return [
        0, thing.id, thing.opened, thing.from_on, FOREVER, NEVER, thing.known_from, NEVER,
        *thing.values,
    ]  # fmt: skip


def _said(row: Row) -> tuple[Any, ...]:
    """Return what a row says, leaving out how and when that became known."""
    return (row[2], row[3], row[4], *row[HEAD:])
