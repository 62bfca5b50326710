"""Who is who and where is where: units and places now, and their names on any day (T11).

Reads every event of `unit/` and `place/` streams.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, Table, Text, and_, func, or_, select

from domain.asset import Book
from domain.place import Place
from domain.unit import Unit, UnitKind
from projections.inventory import inventory, metadata
from projections.scope import Rows, Scope, in_units, on_day
from projections.temporal import Thing, at, by_id, ended_table, open_columns, seen

unit = Table(
    "unit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("uscc", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("located", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("example", Integer, nullable=False),
    Column("dissolved", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("competent", Text, nullable=False),
    Column("ends_on", Text, nullable=False),  # the last day of a temporary body
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *open_columns(),
)
place = Table(
    "place",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("part_of", Text, nullable=False),  # of a branch: its main warehouse
    Column("example", Integer, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *open_columns(),
)
ended = ended_table(
    "name",
    metadata,
    lambda: (Column("name", Text, nullable=False), Column("name_en", Text, nullable=False)),
)
name = seen("names", [ended], unit, place)
indexes = (by_id(ended),)


def unit_row(thing: Thing, state: Unit, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a unit, None while it does not exist."""
    if not state.name:
        return None
    return (
        thing.id,
        state.name,
        state.name_en,
        state.kind.value,
        state.uscc,
        state.parent,
        state.located,
        state.zone,
        int(state.example),
        int(state.dissolved),
        state.level.value if state.level is not None else "",
        state.region,
        state.competent,
        state.ends_on.isoformat() if state.ends_on is not None else "",
        changed_on,
        version,
        thing.opened,
        thing.from_on,
        thing.known_from,
    )


def place_row(thing: Thing, state: Place, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a place, None while it does not exist."""
    if not state.name:
        return None
    return (
        thing.id,
        state.name,
        state.name_en,
        state.kind.value,
        state.unit,
        state.part_of,
        int(state.example),
        changed_on,
        version,
        thing.opened,
        thing.from_on,
        thing.known_from,
    )


def called(_: str, state: Unit | Place) -> tuple[Any, ...] | None:
    """Return what a unit or place is called, None while it does not exist."""
    return (state.name, state.name_en) if state.name else None


def all_units() -> Rows:
    """Return every unit, the example city's first."""
    return select(unit).order_by(unit.c.example.desc(), unit.c.name, unit.c.id)


def all_places() -> Rows:
    """Return every place."""
    return select(place).order_by(place.c.example.desc(), place.c.name, place.c.id)


# Who decides for others in a region (DOMAIN.md c).
AUTHORITIES = (UnitKind.OFFICES, UnitKind.FINANCE, UnitKind.GOVERNMENT)


def authorities() -> Rows:
    """Return the units that decide for others somewhere, also those that exist no more."""
    c = unit.c
    query = select(c.id, c.kind, c.level, c.region, c.dissolved)
    return query.where(c.kind.in_([kind.value for kind in AUTHORITIES])).order_by(c.id)


def left_behind(scope: Scope, on: str) -> Rows:
    """Return units in sight that exist no more on a day but still have property in the books.

    Unfinished hand-overs after a reform are a standard finding of audits (DOMAIN.md i.14).
    """
    c, i = unit.c, inventory.c
    gone = or_(c.dissolved == 1, and_(c.ends_on != "", c.ends_on < on))
    return (
        select(c.id, c.name, c.name_en, c.ends_on, c.changed_on, func.count().label("assets"))
        .join(inventory, i.accounting_unit == c.id)
        .where(gone, i.book != Book.GONE.value, in_units(scope, c.id))
        .group_by(c.id, c.name, c.name_en, c.ends_on, c.changed_on)
        .order_by(c.id)
    )


def held_by(id_: str, on: str) -> Rows:
    """Return what a unit has in the books, in custody or in title, in the order of ids.

    A claim's hold that ended before the day holds nothing, told or not.
    """
    i = inventory.c
    shown = {column.name: column for column in on_day(inventory, on)}
    mine = or_(i.accounting_unit == id_, i.custodian == id_, i.owner == id_)
    still = i.book.notin_([Book.GONE.value, Book.NONE.value])
    query = select(*(shown[name] for name in ("id", "asset_no", "book", "custody", "lock", "case")))
    return query.where(mine, still).order_by(i.id)


def names_now() -> Rows:
    """Return the names of all units and places as they are known now (id, name, name_en)."""
    return names_at("9999-12-30")


def names_at(on: str, known: int | None = None) -> Rows:
    """Return the names that held on a day, as known at a position (None: known now)."""
    return select(name.c.id, name.c.name, name.c.name_en).where(at(name, on, known))


def names_of(id_: str) -> Rows:
    """Return every name a unit or place ever had, oldest first."""
    return select(name).where(name.c.id == id_).order_by(name.c.from_on, name.c.position)
