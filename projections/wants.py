"""What units want: one row for each want, with what ranking and allocation must know of it.

Reads every event of `demand/` streams.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Column, Index, Integer, Table, Text, select

from domain.demand import OPEN_STATUSES, Demand, DemandStatus
from domain.values import quantity as decimal
from projections.inventory import metadata
from projections.scope import EVERYTHING, Rows, Scope, in_units

wants = Table(
    "wants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("class_scheme", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("specification", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("remaining", Text, nullable=False),  # still wanted; 0 once it is over
    Column("measure", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("needed_by", Text, nullable=False),
    Column("need", Text, nullable=False),
    Column("rank", Integer, nullable=False),  # 0 goes first
    Column("purpose", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("offered", Integer, nullable=False),  # things that fit and wait for an answer
    Column("declined", Text, nullable=False),  # JSON: ids of things that will not do
    Column("number", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("opened_on", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
indexes = (Index("wants_open", wants.c.kind, wants.c.status, wants.c.opened_on),)


def row(
    id_: str, demand: Demand, opened_on: str, changed_on: str, version: int
) -> tuple[Any, ...] | None:
    """Return the row of a want, None while nobody has published it."""
    if demand.status is DemandStatus.NONE:
        return None
    return (
        id_,
        demand.unit,
        demand.status.value,
        demand.kind.value,
        demand.class_code,
        demand.class_scheme,
        demand.item,
        demand.specification,
        demand.quantity,
        decimal(demand.left),
        demand.measure,
        demand.place,
        demand.needed_by.isoformat() if demand.needed_by else "",
        demand.need.value if demand.need else "",
        demand.rank,
        demand.purpose,
        demand.plan,
        len(demand.offered),
        msgspec.json.encode(sorted(demand.declined)).decode(),
        demand.number,
        demand.dataset,
        opened_on,
        changed_on,
        version,
    )


def still_wanted(scope: Scope = EVERYTHING, *, kind: str = "", limit: int | None = None) -> Rows:
    """Return the wants that are not met yet: who goes first by the rules, then who waits longest."""
    c = wants.c
    query = select(wants).where(
        c.status.in_(sorted(status.value for status in OPEN_STATUSES)), c.remaining != "0"
    )
    if scope.units is not None:
        query = query.where(in_units(scope, c.unit))
    if kind:
        query = query.where(c.kind == kind)
    return query.order_by(c.rank, c.opened_on, c.id).limit(limit)


def one(id_: str) -> Rows:
    """Return one want."""
    return select(wants).where(wants.c.id == id_)
