"""Who holds which role in which unit, and for whom: on any day, as known on any other (T30).

Reads every event of `person/` streams. A row holds all powers of a person as one text; which of
them run on a day is a question to the days in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Column, Integer, Table, Text, or_, select

from domain.person import Person, Power
from projections.inventory import metadata
from projections.scope import Rows
from projections.temporal import Thing, at, by_id, ended_table, open_columns, seen

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("powers", Text, nullable=False),  # JSON: what they may do, past, present and to come
    Column("delegated", Text, nullable=False),  # JSON: what others may do in their stead
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *open_columns(),
)
ended = ended_table(
    "powers",
    metadata,
    lambda: (
        Column("powers", Text, nullable=False),
        Column("delegated", Text, nullable=False),
    ),
)
power = seen("powers_seen", [ended], person)
indexes = (by_id(ended),)
_read = msgspec.json.Decoder(tuple[Power, ...]).decode


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """One power of one person; `delegator` is whose it is when it was delegated."""

    person: str
    unit: str
    role: str
    since: str
    until: str
    delegator: str


def columns(_: str, state: Person) -> tuple[Any, ...] | None:
    """Return the powers of a person as texts."""
    return _text(state.powers), _text(state.delegated)


def row(thing: Thing, state: Person, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a person, None while nothing stands of them."""
    if not thing.opened:
        return None
    powers, delegated = _text(state.powers), _text(state.delegated)
    opened = (thing.opened, thing.from_on, thing.known_from)
    return (thing.id, powers, delegated, changed_on, version, *opened)


def people_at(on: str, known: int | None = None, *, unit: str = "", person: str = "") -> Rows:
    """Return the people as of a day, known at a position (None: known now), for `holders`."""
    query = select(power.c.id, power.c.powers).where(at(power, on, known))
    if unit:
        query = query.where(power.c.powers.contains(f'"unit":"{unit}"', autoescape=True))
    if person:
        said = power.c.powers.contains(f'"delegator":"{person}"', autoescape=True)
        query = query.where(or_(power.c.id == person, said))
    return query.order_by(power.c.id)


def holders(
    rows: Iterable[Mapping[Any, Any]], on: date | None = None, *, unit: str = ""
) -> Iterator[Holder]:
    """Yield the powers in rows that run on a day (None: all of them), in one unit or in any."""
    for line in rows:
        for one in _read(line["powers"]):
            if (on is None or one.runs(on)) and unit in ("", one.unit):
                yield Holder(
                    person=line["id"],
                    unit=one.unit,
                    role=one.role.value,
                    since=one.since.isoformat(),
                    until=one.until.isoformat() if one.until is not None else "",
                    delegator=one.delegator,
                )


def _text(values: Any) -> str:
    return msgspec.json.encode(values, order="sorted").decode()
