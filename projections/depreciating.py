"""What a unit had on its books at the end of a day, card by card: the rows that are written off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import literal, select

from domain.asset import Asset, Book
from projections.following import MEMORY, streams
from projections.history import history
from projections.scope import Rows, among
from projections.temporal import at

Look: TypeAlias = Callable[[Rows], Sequence[Any]]
CARRIED = (Book.ON_BOOKS.value, Book.TO_DISPOSE.value)


class Carried(NamedTuple):
    """A card on the books at the end of a day; `asset` is None where it has changed since."""

    id: str
    value: int
    asset: Asset | None


def carried(unit: str, on: str) -> Rows:
    """Return the cards that a unit accounted for at the end of a day, with what is known of each."""
    h = history.c
    query: Rows = (
        select(h.id, h.value, streams.c.remembered)
        .join(streams, streams.c.stream == literal("asset/").concat(h.id))
        .where(at(history, on, None), h.accounting_unit == unit, h.book.in_(CARRIED))
    )
    return query


def told(rows: Iterable[Any], on: str) -> Iterator[Carried]:
    """Yield the cards of such rows by their ids, which need no reading where nothing came after."""
    state_of = MEMORY["asset"].state_of
    for row in sorted(rows, key=lambda row: str(row["id"])):
        last_on, asset = state_of(row["remembered"])
        yield Carried(row["id"], row["value"] or 0, asset if last_on <= on else None)


def costs(unit: str, on: str) -> Rows:
    """Return what the inventory says that the cards of a unit cost at the end of a day."""
    h = history.c
    query: Rows = select(h.id, h.value).where(
        at(history, on, None), h.accounting_unit == unit, h.book.in_(CARRIED)
    )
    return query


def units_then(ids: Iterable[str], on: str) -> Rows:
    """Return who accounted for some cards at the end of a day; at most a few thousand."""
    h = history.c
    query: Rows = select(h.id, h.accounting_unit).where(at(history, on, None), among(h.id, ids))
    return query
