"""What anybody may see of what is on offer: the rows of `inventory` that are free and still offered.

Only what a public catalogue shows is read; whoever asks filters words by what it shows, never by
numbers or plates.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import and_, func, or_, select

from domain.asset import Book, Lock
from projections.inventory import inventory
from projections.scope import Rows
from projections.units import unit

SHOWN = (
    "id", "kind", "class_code", "name", "grade", "quantity", "measure", "available_from",
    "offer_until", "listed_on", "offer", "dataset", "serial", "plate", "asset_no", "label",
)  # fmt: skip


def offered(
    on: date, *, kind: str = "", class_code: str = "", region: str = "", words: tuple[str, ...] = ()
) -> Any:
    """Return the condition for what is offered to whoever may come, and held by nobody, on a day."""
    c, day = inventory.c, on.isoformat()
    conditions: list[Any] = [
        c.listed == 1,
        c.book == Book.ON_BOOKS.value,
        or_(c.offer_until == "", c.offer_until >= day),
        or_(c.lock == Lock.NONE.value, and_(c.held_until != "", c.held_until < day)),
    ]
    if kind:
        conditions.append(c.kind == kind)
    if class_code:
        conditions.append(c.class_code.startswith(class_code, autoescape=True))
    if region:
        conditions.append(unit.c.region.startswith(region, autoescape=True))
    for word in words:
        code = func.lower(c.class_code).startswith(word, autoescape=True)
        conditions.append(or_(c.search.contains(word, autoescape=True), code))
    return and_(*conditions)


def listing(condition: Any, *, skip: int, limit: int) -> Rows:
    """Return what is offered, class by class, with the division it is in."""
    c = inventory.c
    shown = [c[name] for name in SHOWN]
    return (
        select(*shown, unit.c.region)
        .select_from(inventory.outerjoin(unit, unit.c.id == c.custodian))
        .where(condition)
        .order_by(c.kind, c.class_code, c.id)
        .offset(skip)
        .limit(limit)
    )


def counted(condition: Any) -> Rows:
    """Return how many that is."""
    joined = inventory.outerjoin(unit, unit.c.id == inventory.c.custodian)
    return select(func.count().label("count")).select_from(joined).where(condition)


def one(id_: str, condition: Any) -> Rows:
    """Return one card, when it is offered."""
    return listing(and_(inventory.c.id == id_, condition), skip=0, limit=1)


def occurring(condition: Any) -> Rows:
    """Return which kinds and divisions occur together."""
    joined = inventory.outerjoin(unit, unit.c.id == inventory.c.custodian)
    shown = select(inventory.c.kind, unit.c.region).select_from(joined).where(condition)
    return shown.distinct()
