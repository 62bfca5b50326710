"""What there was: the inventory as it stood on any day, as it was known at any time.

Reads every event of `asset/` streams. "As of" is an index lookup, not a replay.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, select

from domain.asset import Asset, Book
from projections.inventory import NUMBER, counts_of, inventory, metadata, totals_of
from projections.scope import Filters, Rows, Scope, on_day, page, where
from projections.temporal import at, by_id, ended_table, seen

KIND = "asset"
# Kept in parts by the last character of the id, a digit of chance, so that as many processors
# can tell them anew, each with its indexes.
PARTS = 4
_NONE = Book.NONE  # looked up once: an enumeration answers slowly


def _card() -> tuple[Column[Any], ...]:
    return (
        Column("asset_no", NUMBER, nullable=False),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("book", Text, nullable=False),
        Column("custody", Text, nullable=False),
        Column("lock", Text, nullable=False),
        Column("accounting_unit", Text, nullable=False),
        Column("custodian", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column("value", BigInteger),
        Column("currency", Text, nullable=False),
        Column("quantity", Text, nullable=False),
        Column("listed", Integer, nullable=False),
        Column("held_until", Text, nullable=False),
        Column("dataset", Text, nullable=False),
    )


def _alive(ended: Table) -> Index:
    """Return the index that alone tells who was alive on a day; only those cards are looked at."""
    c = ended.c
    return Index(f"{ended.name}_alive", c.to_on, c.from_on, c.known_to, c.closed_by, c.known_from)


ended = tuple(ended_table(f"history_{part}", metadata, _card) for part in range(PARTS))
history = seen("history", ended, inventory)
indexes = tuple(index for table in ended for index in (by_id(table), _alive(table)))


def columns(_: str, asset: Asset) -> tuple[Any, ...] | None:
    """Return what an interval says of an asset, None while it does not exist."""
    book = asset.book
    if book is _NONE:
        return None
    return (
        asset.asset_no,
        asset.name,
        asset.kind._value_,
        book._value_,
        asset.custody._value_,
        asset.lock._value_,
        asset.accounting_unit,
        asset.custodian,
        asset.user,
        asset.owner,
        asset.place,
        asset.value,
        asset.currency,
        asset.quantity,
        1 if asset.listed else 0,
        asset.held_until.isoformat() if asset.held_until else "",
        asset.dataset,
    )


def held_on(filters: Filters, on: str) -> Filters:
    """Return the question with the day on which holds are looked at: that of the list, unless said."""
    return filters if filters.today else replace(filters, today=on)


def as_of(
    scope: Scope,
    filters: Filters,
    *,
    on: str,
    known: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Rows:
    """Return the cards as they stood on a day, a page at a time."""
    if filters.sort == "changed_on":
        raise ValueError("a past inventory is not sorted by its last change")
    filters = held_on(filters, on)
    query = select(*on_day(history, filters.today)).where(
        at(history, on, known), where(history, scope, filters)
    )
    return page(query, history, filters, after, limit)


def totals_as_of(scope: Scope, filters: Filters, *, on: str, known: int | None = None) -> Rows:
    """Count and value per currency as they stood on a day."""
    filters = held_on(filters, on)
    return totals_of(history).where(at(history, on, known), where(history, scope, filters))


def counts_as_of(
    scope: Scope, by: str, filters: Filters, *, on: str, known: int | None = None
) -> Rows:
    """Count and value per value of one column as they stood on a day."""
    filters = held_on(filters, on)
    return counts_of(history, by, filters.today).where(
        at(history, on, known), where(history, scope, filters)
    )


def one_as_of(id_: str, *, on: str, known: int | None = None) -> Rows:
    """Return one card as it stood on a day."""
    return select(*on_day(history, on)).where(history.c.id == id_, at(history, on, known))


def intervals(id_: str) -> Rows:
    """Return everything ever known about one asset, oldest knowledge first."""
    return (
        select(history)
        .where(history.c.id == id_)
        .order_by(history.c.known_from, history.c.from_on, history.c.position)
    )
