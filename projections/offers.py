"""What is on offer: the cards that are listed, as of a day, a page at a time.

Reads no events of its own: the rows are those of `inventory`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from projections.inventory import inventory
from projections.scope import Filters, Rows, Scope, among, on_day, page, where
from projections.scope import free as unheld


def listing(
    scope: Scope,
    on: date,
    *,
    text: str = "",
    class_code: str = "",
    available: date | None = None,
    free: bool = False,
    kind: str = "",
    custodian: str = "",
    place: str = "",
    after: str | None = None,
    limit: int = 25,
) -> Rows:
    """Return what is offered on a day, by its number.

    `available`: to be had on that day at the latest; `free`: no claim holds it on the day; a class
    is asked for by the beginning of its code.
    """
    c, day = inventory.c, on.isoformat()
    filters = Filters(
        text=text,
        book="on_books",
        listed=True,
        kind=kind,
        custodian=custodian,
        place=place,
        today=day,
    )
    conditions: list[Any] = [
        where(inventory, scope, filters),
        or_(c.offer_until == "", c.offer_until >= day),
    ]
    if class_code:
        conditions.append(c.class_code.startswith(class_code, autoescape=True))
    if available is not None:
        conditions.append(or_(c.available_from == "", c.available_from <= available.isoformat()))
    if free:
        conditions.append(unheld(inventory, day))
    return page(
        select(*on_day(inventory, day)).where(*conditions), inventory, filters, after, limit
    )


def occurring(scope: Scope) -> Rows:
    """Return which kinds, holders and places occur together among what is offered."""
    c = inventory.c
    shown = select(c.kind, c.custodian, c.place)
    return shown.where(where(inventory, scope, Filters(book="on_books", listed=True))).distinct()


def cards(ids: Iterable[str], numbers: Iterable[str]) -> Rows:
    """Return the cards of some ids or numbers that the books still carry, and which are listed."""
    c = inventory.c
    shown = select(c.id, c.asset_no, c.name, c.listed)
    known = or_(among(c.id, ids), among(c.asset_no, numbers))
    return shown.where(known, c.book != "gone")
