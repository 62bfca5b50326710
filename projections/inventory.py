"""What there is now: one row for each asset, its card, holder, place and value.

Reads every event of `asset/` streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any
from unicodedata import normalize

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    func,
    or_,
    select,
)

from domain.asset import Asset, Book, Offer
from projections.naming import initials
from projections.scope import Filters, Rows, Scope, among, number, on_day, page, where
from projections.temporal import OPEN, Thing, open_columns

KIND = "asset"
# Numbers sort by their bytes on both databases, whatever the server's language is.
NUMBER = Text().with_variant(Text(collation="C"), "postgresql")
metadata = MetaData()
inventory = Table(
    "inventory",
    metadata,
    Column("id", Text, primary_key=True),
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
    Column("shelf", Text, nullable=False),
    Column("value", BigInteger),
    Column("currency", Text, nullable=False),
    Column("value_type", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("class_scheme", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("plate", Text, nullable=False),
    Column("acquired", Text, nullable=False),
    Column("acquired_year", Integer),
    Column("used_from", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("borrower", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("label_issue", Integer, nullable=False),  # of the label in force; those below are void
    Column("giai", Text, nullable=False),
    Column("tag", Text, nullable=False),  # content of the radio tag in force, hexadecimal
    Column("tag_tid", Text, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("listed_on", Text, nullable=False),  # empty when it is not offered, or not known
    Column("available_from", Text, nullable=False),  # empty: at once
    Column("offer_until", Text, nullable=False),  # the last day; empty: until it is taken off
    Column("held_until", Text, nullable=False),  # the last day of a claim's hold; empty: no claim
    Column("offer", Text, nullable=False),  # the rest of the offer as JSON; empty: not offered
    Column("idle_since", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("case", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *open_columns(),
    sqlite_with_rowid=False,
)
SOUGHT = (
    "search", "asset_no", "name", "label", "serial", "plate", "book", "accounting_unit", "custodian",
)  # fmt: skip
# Every index is paid for by every event; a listing by unit runs along the numbers instead.
indexes = (
    Index("inventory_by_no", number(inventory), inventory.c.id),
    Index(
        "inventory_listed",
        inventory.c.kind,
        inventory.c.class_code,
        inventory.c.id,
        sqlite_where=inventory.c.listed == 1,
        postgresql_where=inventory.c.listed == 1,
    ),
    # What a search reads of every card, side by side: a file is read by the page, and the rest of
    # a card is ten times as much. A server's index takes no texts of any length.
    Index(
        "inventory_sought",
        *(inventory.c[name] for name in SOUGHT),
    ).ddl_if(dialect="sqlite"),
)


# What the card says is told once or twice in a life; only the rest is written at every step.
CARD = (
    "asset_no", "name", "kind", "owner", "value", "currency", "value_type", "quantity", "measure",
    "class_code", "class_scheme", "model", "serial", "plate", "acquired", "acquired_year", "used_from",
    "mode", "label", "label_issue", "giai", "tag", "tag_tid", "dataset",
)  # fmt: skip
MOVING = (
    "book", "custody", "lock", "accounting_unit", "custodian", "user", "place", "shelf",
    "borrower", "due", "listed", "listed_on", "available_from", "offer_until", "held_until", "offer",
    "idle_since", "grade", "case", "changed_on", "version", *OPEN,
)  # fmt: skip
facts = attrgetter(*CARD)  # of an asset; while they stay equal, the card need not be written
_written = ("id", *CARD, "search", *MOVING)
_ordered = itemgetter(*(_written.index(column.name) for column in inventory.columns))


def row(thing: Thing, asset: Asset, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of an asset, None while it does not exist."""
    if asset.book is Book.NONE:
        return None
    written: tuple[Any, ...] = _ordered(
        (
            thing.id,
            asset.asset_no,
            asset.name,
            asset.kind._value_,
            asset.owner,
            asset.value,
            asset.currency,
            asset.value_type._value_,
            asset.quantity,
            asset.measure,
            asset.class_code,
            asset.class_scheme,
            asset.model,
            asset.serial,
            asset.plate,
            asset.acquired.isoformat() if asset.acquired else "",
            asset.acquired_year,
            asset.used_from.isoformat() if asset.used_from else "",
            asset.mode._value_,
            asset.label,
            asset.label_issue,
            asset.giai,
            asset.tag,
            asset.tag_tid,
            asset.dataset,
            searchable(asset),
            *moving(thing, asset, changed_on, version),
        )
    )
    return written


def moving(thing: Thing, asset: Asset, changed_on: str, version: int) -> tuple[Any, ...]:
    """Return what a step of life may change in the row, in the order of MOVING."""
    return (
        asset.book._value_,
        asset.custody._value_,
        asset.lock._value_,
        asset.accounting_unit,
        asset.custodian,
        asset.user,
        asset.place,
        asset.shelf,
        asset.borrower,
        asset.due.isoformat() if asset.due else "",
        int(asset.listed),
        *offered(asset),
        asset.idle_since.isoformat() if asset.idle_since else "",
        asset.grade,
        asset.case,
        changed_on,
        version,
        thing.opened,
        thing.from_on,
        thing.known_from,
    )


def by_numbers(numbers: Iterable[str]) -> Rows:
    """Return the cards that have some numbers, whatever became of them."""
    return select(inventory).where(among(inventory.c.asset_no, numbers))


def offered(asset: Asset) -> tuple[str, str, str, str, str]:
    """Return on which terms a card is offered: since when, from and until when, and all the rest."""
    held = asset.held_until.isoformat() if asset.held_until else ""
    offer = asset.offer
    if offer is None or not asset.listed:
        return "", "", "", held, ""
    days = (offer.listed_on, offer.available_from, offer.offer_until)
    listed_on, available, until = (day.isoformat() if day else "" for day in days)
    return listed_on, available, until, held, _json(offer).decode()


def offer_of(row: Any) -> Offer:
    """Return the offer that a row of the inventory tells."""
    return _offer(row["offer"]) if row["offer"] else Offer()


_json = msgspec.json.Encoder(order="deterministic").encode
_offer = msgspec.json.Decoder(Offer).decode


def searchable(asset: Asset) -> str:
    """Return what a person may type to find the asset: its words, its name by pinyin initials."""
    words = (asset.asset_no, asset.name, asset.model, asset.serial, asset.plate, asset.label)
    said = normalize("NFKC", " ".join(word for word in words if word)).casefold()
    return said if asset.name.isascii() else f"{said} {initials(asset.name)}"


def listing(scope: Scope, filters: Filters, *, after: str | None = None, limit: int = 50) -> Rows:
    """Return the cards that match, a page at a time."""
    query = select(*on_day(inventory, filters.today)).where(where(inventory, scope, filters))
    return page(query, inventory, filters, after, limit)


def totals(scope: Scope, filters: Filters) -> Rows:
    """Count and value per currency; what has no stated value is counted apart."""
    return totals_of(inventory).where(where(inventory, scope, filters))


def totals_of(table: Any) -> Rows:
    """Count and value per currency of a table of cards."""
    return (
        select(
            table.c.currency,
            func.count().label("assets"),
            cast(func.coalesce(func.sum(table.c.value), 0), BigInteger).label("value"),
            (func.count() - func.count(table.c.value)).label("unvalued"),
        )
        .group_by(table.c.currency)
        .order_by(table.c.currency)
    )


def counts(scope: Scope, by: str, filters: Filters) -> Rows:
    """Count and value per value of one column, and currency."""
    return counts_of(inventory, by, filters.today).where(where(inventory, scope, filters))


def counts_of(table: Any, by: str, today: str = "") -> Rows:
    """Count and value per value of one column of a table of cards, as it stands on a day."""
    key = next(column for column in on_day(table, today) if column.name == by)
    return (
        select(
            key.label("key"),
            table.c.currency,
            func.count().label("assets"),
            cast(func.coalesce(func.sum(table.c.value), 0), BigInteger).label("value"),
        )
        .group_by(key, table.c.currency)
        .order_by(key, table.c.currency)
    )


def occurring(scope: Scope, filters: Filters, columns: Sequence[str]) -> Rows:
    """Return what occurs together in some columns of the cards that match, in one look."""
    query: Rows = select(*(inventory.c[name] for name in columns))
    return query.where(where(inventory, scope, filters)).distinct()


def find(scope: Scope, code: str) -> Rows:
    """Return the assets a code may mean: number, label, id, serial or plate, in any case."""
    code = code.strip().casefold()
    c = inventory.c
    fits = or_(*(func.lower(col) == code for col in (c.asset_no, c.label, c.id, c.serial, c.plate)))
    return (
        select(inventory)
        .where(where(inventory, scope, Filters(book="any")), fits)
        .order_by(c.asset_no, c.id)
        .limit(20)
    )


def coded(scope: Scope, schemes: Iterable[str], filters: Filters) -> Rows:
    """Return the cards whose class code is of one of these versions, by their numbers."""
    c = inventory.c
    return (
        select(c.id, c.asset_no, c.name, c.class_scheme, c.class_code)
        .where(where(inventory, scope, filters))
        .where(c.class_scheme.in_(sorted(schemes)), c.class_code != "")
        .order_by(c.asset_no, c.id)
    )


def of_ids(scope: Scope, ids: Iterable[str]) -> Rows:
    """Return number, name, place and labels of cards, as far as they may be seen; at most a few thousand."""
    c = inventory.c
    condition = where(inventory, scope, Filters(book="any"))
    shown = (c.id, c.asset_no, c.name, c.book, c.place, c.label, c.giai, c.tag, c.tag_tid)
    return select(*shown).where(condition, among(c.id, ids))


def whole(scope: Scope, ids: Iterable[str]) -> Rows:
    """Return some cards with all that the list holds of them; at most a few thousand."""
    condition = where(inventory, scope, Filters(book="any"))
    return select(inventory).where(condition, among(inventory.c.id, ids))


def one(id_: str) -> Rows:
    """Return one card."""
    return select(inventory).where(inventory.c.id == id_)
