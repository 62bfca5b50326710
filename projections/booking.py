"""Which cards the books carried at some time in a span, and what the inventory says on its days."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, and_, case, cast, func, literal, select

from domain.asset import Book
from projections.changes import Only, Span
from projections.following import streams
from projections.history import history
from projections.scope import Rows, Scope, in_units
from projections.temporal import FOREVER, NEVER, at

CARRIED = (Book.ON_BOOKS.value, Book.TO_DISPOSE.value)


def cards(scope: Scope, span: Span, only: Only) -> Rows:
    """Return the cards that units of a scope carried on some day of a span, and what is known of each."""
    h = history.c
    if span.known is None:
        known: Any = h.known_to == NEVER
        until: Any = h.to_on
    else:
        known = and_(h.known_from <= span.known, h.known_to > span.known)
        until = case((h.closed_by > span.known, FOREVER), else_=h.to_on)
    wanted = [known, h.from_on <= span.end, until >= span.start, h.book.in_(CARRIED)]
    if scope.units is not None:
        wanted.append(in_units(scope, h.accounting_unit))
    if only.unit:
        wanted.append(h.accounting_unit == only.unit)
    if only.dataset:
        wanted.append(h.dataset == only.dataset)
    some = select(h.id).where(*wanted).distinct().subquery("some")
    query: Rows = select(some.c.id, streams.c.remembered).join(
        streams, streams.c.stream == literal("asset/").concat(some.c.id)
    )
    return query


def totals(scope: Scope, on: str, known: int | None, only: Only) -> Rows:
    """Return how many cards the inventory shows on a day, and what they cost, by unit and class."""
    h = history.c
    wanted = [at(history, on, known), h.book.in_(CARRIED)]
    wanted += [
        column == value
        for column, value in (
            (h.accounting_unit, only.unit), (h.kind, only.kind), (h.currency, only.currency),
            (h.dataset, only.dataset),
        )
        if value
    ]  # fmt: skip
    if scope.units is not None:
        wanted.append(in_units(scope, h.accounting_unit))
    key: list[Any] = [h.accounting_unit.label("unit"), h.kind, h.currency]
    query: Rows = (
        select(
            *key,
            cast(func.count(), Integer).label("n"),
            cast(func.coalesce(func.sum(h.value), 0), BigInteger).label("v"),
        )
        .where(*wanted)
        .group_by(h.accounting_unit, h.kind, h.currency)
    )
    return query


def listed(unit: str, on: str) -> Rows:
    """Return the cards in yuan that the inventory shows of a unit on a day: class and cost."""
    h = history.c
    query: Rows = select(h.id, h.kind, h.value).where(
        at(history, on, None),
        h.accounting_unit == unit,
        h.book.in_(CARRIED),
        h.currency == "CNY",
    )
    return query
