"""What there is to count: the cards of a unit or of places, and what moved since they were listed.

Every answer about the list says the position of the log at which it was given.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import and_, select

from domain.asset import Book, Custody
from projections.inventory import inventory
from projections.scope import Rows, among
from projections.store import progress_table
from projections.units import place

# What is with somebody else, or on its way, cannot be seen on one's own premises.
ELSEWHERE = frozenset(
    {
        Custody.NONE,
        Custody.LENT,
        Custody.LEASED,
        Custody.WAREHOUSE_LENT,
        Custody.TRANSIT,
        Custody.REPAIR,
        Custody.LEFT,
    }
)
COUNTED = frozenset({Book.ON_BOOKS, Book.TO_DISPOSE})


def to_count(unit: str, places: Iterable[str]) -> Rows:
    """Return the position, and each card to be counted, by id; one row without a card if none."""
    c = inventory.c
    there = and_(
        c.accounting_unit == unit,
        c.book.in_(sorted(book.value for book in COUNTED)),
        c.custody.not_in(sorted(custody.value for custody in ELSEWHERE)),
    )
    named = sorted(places)
    if named:
        there = and_(there, c.place.in_(named))
    return (
        select(
            progress_table.c.position.label("seen_at"),
            *(c.id, c.asset_no, c.name, c.place, c.label, c.quantity, c.value),
        )
        .select_from(progress_table.outerjoin(inventory, there))
        .order_by(c.id)
    )


def labelled(unit: str) -> Rows:
    """Return each card of a unit with the labels and the tag in force."""
    c = inventory.c
    return select(c.id, c.giai, c.label, c.label_issue, c.tag).where(c.accounting_unit == unit)


def changed_since(position: int) -> Rows:
    """Return where the books have each card of which anything was recorded after a position."""
    c = inventory.c
    return select(c.id, c.place, c.book, c.custody).where(c.known_from > position).order_by(c.id)


def cards(ids: Iterable[str]) -> Rows:
    """Return number, name, place and standing of some cards; ask for a thousand at a time."""
    c = inventory.c
    query = select(c.id, c.asset_no, c.name, c.place, c.book)
    return query.where(among(c.id, ids)).order_by(c.id)


def named(ids: Iterable[str]) -> Rows:
    """Return the names of some places."""
    return select(place.c.id, place.c.name, place.c.name_en).where(place.c.id.in_(sorted(ids)))
