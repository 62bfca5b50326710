"""How people like their lists: the columns somebody chose, and views with a name.

Beside the log, with the log-ins: nothing here is about property, and nothing is evidence. A view is
an address of ours without its page; whoever opens it asks with their own eyes, so that a view
shared with a unit shows nobody more than they may see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Boolean, Column, Engine, Integer, String, Table, delete, func, insert, select

from api.vaulting import metadata

NAME_CHARS_MAX = 60
QUERY_CHARS_MAX = 2_000
VIEWS_MAX = 50  # of one person for one list

columns_ = Table(
    "list_columns",
    metadata,
    Column("person", String(80), primary_key=True),
    Column("list", String(80), primary_key=True),
    Column("columns", String(1_000), nullable=False),
)
view_ = Table(
    "list_view",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("list", String(80), nullable=False, index=True),
    Column("name", String(NAME_CHARS_MAX), nullable=False),
    Column("person", String(80), nullable=False),
    Column("unit", String(80), nullable=False),  # whom it is shared with
    Column("shared", Boolean, nullable=False),
    Column("query", String(QUERY_CHARS_MAX), nullable=False),
    Column("kept_at", String(32), nullable=False),
)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A list with its filters, columns and order under a name."""

    id: int
    name: str
    person: str
    shared: bool
    query: str


class KeptLists:
    """The choices of everybody who signs in."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock

    def columns(self, person: str, of: str) -> tuple[str, ...]:
        """Return the columns somebody chose for a list, in their order; empty: none chosen."""
        c = columns_.c
        with self.engine.connect() as connection:
            said = connection.execute(
                select(c.columns).where(c.person == person, c.list == of)
            ).scalar()
        return tuple(said.split()) if said else ()

    def choose(self, person: str, of: str, columns: Sequence[str]) -> None:
        """Remember the columns of a list; none: those that everybody sees."""
        c = columns_.c
        with self.engine.begin() as connection:
            connection.execute(delete(columns_).where(c.person == person, c.list == of))
            if columns:
                connection.execute(
                    insert(columns_).values(person=person, list=of, columns=" ".join(columns))
                )

    def views(self, person: str, unit: str, of: str) -> list[View]:
        """Return the views of a list: one's own, and those shared with the unit acted for."""
        c = view_.c
        mine = (c.person == person) | (c.shared & (c.unit == unit))
        query = select(c.id, c.name, c.person, c.shared, c.query).where(c.list == of, mine)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(func.lower(c.name), c.id)).mappings()
            return [View(**row) for row in rows]

    def keep(self, person: str, unit: str, of: str, name: str, query: str, *, shared: bool) -> bool:
        """Keep a view; one of one's own with the same name is replaced. False: there are too many."""
        c = view_.c
        mine = (c.person == person) & (c.list == of)
        with self.engine.begin() as connection:
            connection.execute(delete(view_).where(mine, c.name == name))
            count = connection.execute(select(func.count()).where(mine)).scalar_one()
            if count >= VIEWS_MAX:
                connection.rollback()
                return False
            connection.execute(
                insert(view_).values(
                    list=of,
                    name=name,
                    person=person,
                    unit=unit,
                    shared=shared,
                    query=query,
                    kept_at=self.clock().isoformat(timespec="seconds"),
                )
            )
        return True

    def forget(self, person: str, id_: int) -> bool:
        """Forget a view of one's own; False where it is none."""
        c = view_.c
        with self.engine.begin() as connection:
            gone = connection.execute(delete(view_).where(c.id == id_, c.person == person))
        return bool(gone.rowcount)
