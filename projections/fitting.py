"""What ranking and allocation are told of wants and of what is on offer: rows of lists, as plain values.

Offers are the cards that are listed and that nothing holds on the day. The windows of each are told
with it, so that nobody is proposed what is not open to them; what a unit may not have by its
standards and quotas, `rooms` say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace
from sqlalchemy import or_, select

from domain.asset import Book
from domain.exceeding import each
from domain.screening import openings
from domain.searching import Thing
from projections.inventory import inventory, offer_of
from projections.matching import Index, Listing, Match, Miss, Terms, Want, pieces, weigh
from projections.scope import Rows, free, on_day
from projections.units import unit
from projections.wants import still_wanted

RULES: Final = "matching@1"  # how points are given; another number when they are given otherwise
LOOKED_AT_MAX: Final = 20_000  # offers of a kind and class that one ranking compares
WINDOWS_MAX: Final = 400  # days that all windows of an offer together may last
Look: TypeAlias = Callable[[Rows], Sequence[Any]]
Units: TypeAlias = Mapping[str, Any]
Allowed: TypeAlias = Callable[[Mapping[str, Any], Want], Want]
MONTHS = re.compile(r"(\d{1,4})\s*(?:个月|月|months?)")
YEARS = re.compile(r"(\d{1,3})\s*(?:年|years?)")


def offers(
    on: date,
    kind: str = "",
    begins: Collection[str] = (),
    *,
    limit: int | None = LOOKED_AT_MAX,
) -> Rows:
    """Return the cards on offer of a kind that nothing holds on a day, by id.

    `begins`: how class codes begin that may be the one asked for, of any version of the standard;
    a card that states none may be of any.
    """
    c = inventory.c
    today = on.isoformat()
    query = select(*on_day(inventory, today)).where(
        c.listed == 1, c.book == Book.ON_BOOKS.value, free(inventory, today)
    )
    if kind:
        query = query.where(c.kind == kind)
    if begins:
        wider = {begin[:size] for begin in begins for size in range(len(begin))}  # with ""
        near = (c.class_code.startswith(begin, autoescape=True) for begin in sorted(begins))
        query = query.where(or_(c.class_code.in_(sorted(wider)), *near))
    return query.order_by(c.id).limit(limit)


def all_units() -> Rows:
    """Return where units belong."""
    c = unit.c
    return select(c.id, c.level, c.region, c.competent)


def units_of(look: Look) -> Units:
    """Return where each unit belongs, by id."""
    return {row["id"]: row for row in look(all_units())}


def life_months(text: str) -> int | None:
    """Return the remaining life that a listing states in words, in months; None when it says none."""
    if found := MONTHS.search(text):
        return int(found[1])
    found = YEARS.search(text)
    return int(found[1]) * 12 if found else None


def listing_of(
    row: Mapping[str, Any], units: Units, turned_down: frozenset[str] = frozenset()
) -> Listing:
    """Return a card on offer as ranking knows it; `turned_down`: what some want will not have."""
    at = units.get(row["custodian"])
    offer = offer_of(row)
    return Listing(
        id=row["id"],
        name=row["name"],
        quantity=pieces(row["quantity"]),
        kind=row["kind"],
        class_code=row["class_code"],
        class_scheme=row["class_scheme"] if row["class_code"] else "",
        specification=" ".join(filter(None, (row["model"], offer.description))),
        measure=row["measure"],
        condition=row["grade"],
        delivered=offer.delivers,
        life_months=life_months(offer.remaining_life),
        unit=row["custodian"],
        books=row["accounting_unit"],
        department=at["competent"] if at else "",
        level=at["level"] if at else "",
        region=at["region"] if at else "",
        place=row["place"],
        available_from=_day(row.get("available_from", "")),
        offer_until=_day(row.get("offer_until", "")),
        listed_on=_day(row.get("listed_on", "") or row["changed_on"]),
        windows=openings(offer),
        turned_down=row["id"] if row["id"] in turned_down else "",
        unit_price=price_of(row),
    )


def price_of(row: Mapping[str, Any]) -> int | None:
    """Return what one piece on a card cost, in fen; None when it is not stated."""
    return each(Thing(row["kind"], row["class_code"], row["quantity"], row["value"]))


def want_of(row: Mapping[str, Any], units: Units) -> Want:
    """Return a want as ranking knows it: what is still wanted of it."""
    at = units.get(row["unit"])
    return Want(
        id=row["id"],
        name=row["item"],
        quantity=pieces(row["remaining"]),
        kind=row["kind"],
        class_code=row["class_code"],
        class_scheme=row["class_scheme"],
        specification=row["specification"],
        measure=row["measure"],
        unit=row["unit"],
        department=at["competent"] if at else "",
        level=at["level"] if at else "",
        region=at["region"] if at else "",
        place=row["place"],
        needed_by=_day(row["needed_by"]),
        priority=row["rank"],
        since=_day(row["opened_on"]),
        turned_down=frozenset(msgspec.json.decode(row["declined"])),
    )


def _day(text: str) -> date | None:
    """Return a day; what a form says wrongly is none here, the step itself refuses it."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A want and something on offer, with every score, and the rows they were told from."""

    match: Match
    want: Mapping[str, Any]
    card: Mapping[str, Any]
    opens_on: date | None = None  # where it is kept for others first


def unlimited(_: Mapping[str, Any], want: Want) -> Want:
    """Let a unit have as much as it asks for."""
    return want


def for_want(
    look: Look,
    row: Mapping[str, Any],
    terms: Terms,
    limit: int = 20,
    allowed: Allowed = unlimited,
) -> list[Fit]:
    """Return what fits a want best of all that other units offer and that it did not turn down.

    `allowed` says how much of it, and at which price, its unit may have; without, as it asks.
    """
    want = allowed(row, want_of(row, units := units_of(look)))
    if not want.quantity:
        return []
    declined = want.turned_down
    begins = terms.classes.beginnings(row["class_scheme"], row["class_code"])
    cards = {
        card["id"]: card
        for card in look(offers(terms.on, row["kind"], begins))
        if card["custodian"] != row["unit"] and card["id"] not in declined
    }
    listed = Index(terms.classes, (listing_of(card, units) for card in cards.values()))
    found = listed.best(want, terms, limit)
    return [Fit(match=match, want=row, card=cards[match.listing]) for match in found]


class _Waiting:
    """The wants of other units that something on offer might meet; read once."""

    def __init__(self, look: Look, card: Mapping[str, Any], terms: Terms) -> None:
        units = units_of(look)
        self.card, self.terms, self.listing = card, terms, listing_of(card, units)
        self.rows = {row["id"]: row for row in _others(look(still_wanted(kind=card["kind"])), card)}
        self.index = Index(terms.classes, (want_of(row, units) for row in self.rows.values()))

    def now(self, limit: int, allowed: Allowed) -> list[Fit]:
        """Return whom it fits and is open to: who is served first, first."""
        found: list[Fit] = []
        for match in self.index.waiting(self.listing, self.terms):
            if len(found) == limit:
                break
            row, want = self.rows[match.want], self.index.get(match.want)
            assert want is not None
            # Standards are asked for those alone that are told, the first of many.
            mine = allowed(row, want)
            again = match if mine == want else weigh(mine, self.listing, self.terms)
            if mine.quantity and isinstance(again, Match):
                found.append(Fit(match=again, want=row, card=self.card))
        return found

    def ahead(self, limit: int, allowed: Allowed) -> list[Fit]:
        """Return whom it fits, but not before its window opens to them.

        Each is weighed as on that day: who may come first is first, then who is served first.
        """
        if not self.listing.windows:
            return []
        found: list[tuple[Any, Want, Fit]] = []
        for want in self.index.candidates(self.listing, self.terms):
            opens = opening(want, self.listing, self.terms)
            if opens is None:
                continue
            then = weigh(want, self.listing, replace(self.terms, on=opens))
            if isinstance(then, Match):
                order = (opens, want.priority, want.since or date.max, then.best_first)
                row = self.rows[want.id]
                found.append(
                    (order, want, Fit(match=then, want=row, card=self.card, opens_on=opens))
                )
        told: list[Fit] = []
        for _, want, fit in sorted(found, key=lambda one: one[0]):
            if len(told) == limit:
                break
            assert fit.opens_on is not None
            mine, day = allowed(fit.want, want), replace(self.terms, on=fit.opens_on)
            if mine.quantity and isinstance(weigh(mine, self.listing, day), Match):
                told.append(fit)
        return told


def for_card(
    look: Look,
    card: Mapping[str, Any],
    terms: Terms,
    limit: int = 20,
    allowed: Allowed = unlimited,
) -> list[Fit]:
    """Return the wants of other units that something on offer fits: who is served first, first."""
    return _Waiting(look, card, terms).now(limit, allowed)


def told_of_card(
    look: Look, card: Mapping[str, Any], terms: Terms, limit: int, allowed: Allowed
) -> tuple[list[Fit], list[Fit]]:
    """Return whom something on offer fits now, and whom from the day its window opens to them."""
    waiting = _Waiting(look, card, terms)
    return waiting.now(limit, allowed), waiting.ahead(limit, allowed)


def opening(want: Want, listing: Listing, terms: Terms) -> date | None:
    """Return the day on which a thing opens to a want; None when nothing or more than that stops it."""
    miss = weigh(want, listing, terms)
    if not isinstance(miss, Miss) or miss.failed != ("window",) or miss.opens is None:
        return None
    return miss.opens


def ahead_of_want(
    look: Look,
    row: Mapping[str, Any],
    terms: Terms,
    limit: int = 20,
    allowed: Allowed = unlimited,
) -> list[Fit]:
    """Return what is listed and will fit a want once its window opens, the first to open first."""
    begins = terms.classes.beginnings(row["class_scheme"], row["class_code"])
    cards = {card["id"]: card for card in look(screened(terms.on, row["kind"], begins))}
    if not cards:
        return []
    want = allowed(row, want_of(row, units := units_of(look)))
    if not want.quantity:
        return []
    listed = Index(terms.classes, (listing_of(card, units) for card in cards.values()))
    found: list[tuple[Any, Fit]] = []
    for listing in listed.candidates(want, terms):
        opens = opening(want, listing, terms)
        if opens is None or listing.unit == want.unit:
            continue
        then = weigh(want, listing, replace(terms, on=opens))
        if isinstance(then, Match):
            fit = Fit(match=then, want=row, card=cards[listing.id], opens_on=opens)
            found.append(((opens, then.best_first), fit))
    return [fit for _, fit in sorted(found, key=lambda pair: pair[0])[:limit]]


def screened(on: date, kind: str, begins: Collection[str]) -> Rows:
    """Return the cards on offer that may still be kept for some tiers first."""
    c = inventory.c
    since = (on - timedelta(days=WINDOWS_MAX)).isoformat()
    kept = c.offer.contains('"windows":[{', autoescape=True)
    return offers(on, kind, begins).where(c.listed_on >= since, kept)


def _others(rows: Iterable[Any], card: Mapping[str, Any]) -> Iterator[Any]:
    for row in rows:
        declined = msgspec.json.decode(row["declined"])
        if row["unit"] != card["custodian"] and card["id"] not in declined:
            yield row
