"""Opening + increases − decreases = closing, of cost, depreciation and value, whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from booked import City
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from api import journal
from api.booking import Sweep
from domain import booking
from domain.asset import AssetRegistered, Kind, Mode, ValueCorrected, ValueType
from domain.booking import Row
from domain.decider import EntryReversed, Event
from domain.depreciating import (
    CostAdded,
    month_of,
)
from domain.exchanging import BookedInExchange
from domain.journal import Omitted, together
from domain.leaving import Derecognised, Form, LeftForGood
from domain.reallocation import BooksMoved
from domain.splitting import DepreciationStated
from domain.vouchers import Side
from ledger.book import Book, new_id
from projections.changes import Only, Span
from projections.scope import EVERYTHING
from projections.store import ReadModels

FIRST = month_of("2024-01")
MONTHS = 6


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    book = Book.open(database)
    yield book
    book.close()


@pytest.fixture
def models(database: str, book: Book) -> Iterator[ReadModels]:
    models = ReadModels.open(database)
    yield models
    models.close()


def said(rows: list[Row], which: str) -> Counter[tuple[str, str, str, str]]:
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows:
        for figure in ("count", "cost"):
            sums[(row.unit, row.kind, row.currency, figure)] += getattr(getattr(row, which), figure)
    return +sums


happens = st.one_of(
    st.builds(BooksMoved, unit=st.sampled_from("ab"), gross=st.just(0)),
    st.builds(
        BooksMoved, unit=st.sampled_from("ab"), gross=st.just(0), accumulated=st.integers(0, 500)
    ),
    st.builds(
        BookedInExchange,
        unit=st.sampled_from("ab"), value=st.integers(0, 9_000), voucher=st.just("V"),
    ),
    st.builds(
        ValueCorrected,
        value=st.integers(0, 9_000), value_type=st.just(ValueType.COST), reason=st.just("x"),
    ),
    st.builds(CostAdded, amount=st.integers(1, 999), voucher=st.just("V"), reason=st.just("x")),
    st.builds(
        DepreciationStated,
        accumulated=st.integers(0, 900), until=st.just(date(2023, 12, 31)), residual=st.just(0),
    ),
    st.builds(LeftForGood, form=st.sampled_from(list(Form)), case=st.just("disposal/X")),
    st.builds(Derecognised, voucher=st.just("V")),
    st.builds(EntryReversed, seq=st.integers(1, 6), reason=st.just("x")),
)  # fmt: skip
DAYS = st.dates(date(2024, 1, 1), date(2024, 7, 31))
HISTORIES = st.lists(
    st.tuples(
        st.builds(
            AssetRegistered,
            asset_no=st.just(""),
            name=st.just("示例"),
            kind=st.sampled_from([Kind.COMPUTER, Kind.FURNITURE, Kind.LAND]),
            unit=st.sampled_from("ab"),
            value=st.none() | st.integers(0, 9_999),
            acquired=st.none() | DAYS,
            mode=st.sampled_from(list(Mode)),
        ),
        DAYS,
        st.lists(st.tuples(happens, DAYS, st.integers(0, MONTHS)), max_size=5),
    ),
    min_size=1,
    max_size=4,
)


def of_city(city: City, fact: Any) -> Any:
    return replace(fact, unit=city.units["ab".index(fact.unit)]) if hasattr(fact, "unit") else fact


@pytest.mark.target("T15", "T104")
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(many=HISTORIES, posts=st.lists(st.booleans(), min_size=2, max_size=2), days=st.data())
def test_for_any_history_the_movements_lead_from_day_to_day_and_the_inventory_says_the_same(
    book: Book, models: ReadModels, many: Any, posts: list[bool], days: st.DataObject
) -> None:
    """Late facts, reversals, transfers, exchanges, half-told depreciation, with and without runs."""
    city = City(book, models)
    before = book.head()[0]
    told: dict[str, list[tuple[Event, date]]] = {}
    for first, on, rest in many:
        stream = f"asset/{new_id()}"
        told[stream] = [(of_city(city, first), on)]
        city.append(stream, told[stream])
        for fact, day, _ in (one for one in rest if one[2] == 0):
            happen(city, stream, told[stream], fact, day)
    for month in range(MONTHS):
        for unit, does in zip(city.units, posts, strict=True):
            if does:
                city.post(unit, FIRST + month)
        for stream, (_, _, rest) in zip(told, many, strict=True):
            for fact, day, when in rest:
                if when == month + 1:
                    happen(city, stream, told[stream], fact, day)
    cut = sorted(days.draw(st.lists(DAYS, min_size=3, max_size=3)))
    since = days.draw(st.none() | st.integers(0, 40))
    known = None if since is None else min(before + since, book.head()[0])
    whole, first_, second = (
        city.table(a, b, known) for a, b in ((cut[0], cut[2]), (cut[0], cut[1]), (cut[1], cut[2]))
    )
    for rows in (whole, first_, second):
        for row in rows:
            assert row.opening + row.increases + -row.decreases == row.closing
            for sum_ in (row.opening, row.closing, *row.up.values(), *row.down.values()):
                assert min(sum_.count, sum_.cost, sum_.worn) >= 0
            assert row.opening.net == row.opening.cost - row.opening.worn
            assert row.closing.net == row.closing.cost - row.closing.worn
    assert said(whole, "opening") == city.folded(cut[0], known)
    assert said(whole, "closing") == city.folded(cut[2], known)
    for unit in city.units:
        held_by_accounts(city, unit, cut[0], cut[2], known)
    # What closes one span opens the next, with everything written off.
    ends = {(r.unit, r.kind): r.closing for r in first_ if r.closing != booking.NOTHING}
    begins = {(r.unit, r.kind): r.opening for r in second if r.opening != booking.NOTHING}
    assert ends == begins
    starts = {(r.unit, r.kind): r.opening for r in whole}
    assert {(r.unit, r.kind): r.opening for r in first_ if r.opening != booking.NOTHING} == {
        key: sum_ for key, sum_ in starts.items() if sum_ != booking.NOTHING
    }


def happen(city: City, stream: str, told: list[tuple[Event, date]], fact: Event, day: date) -> None:
    """Record one more fact; a reversal is of one that stands, on the day of that."""
    if isinstance(fact, EntryReversed):
        taken = {one.seq for one, _ in told if isinstance(one, EntryReversed)}
        if fact.seq > len(told) or fact.seq in taken:
            return
        if isinstance(told[fact.seq - 1][0], EntryReversed):
            return
        day = told[fact.seq - 1][1]
    told.append((of_city(city, fact), day))
    city.append(stream, told[-1:])


def held_by_accounts(city: City, unit: str, start: date, end: date, known: int | None) -> None:
    """Every voucher balances, and the accounts move by what the cards moved by (T104)."""
    span = Span(start=start.isoformat(), end=end.isoformat(), known=known)
    sweep = Sweep(city.booking, EVERYTHING, span, Only(unit=unit))
    opening = [one for one in sweep.standing.values() if one.unit == unit]
    parts, omitted = [], []
    for moment in sweep.moments():
        for found in journal.parts(moment, (False, False)):
            if isinstance(found, Omitted):
                omitted += [found.leg] if found.leg.unit == unit else []
            elif found.unit == unit:
                parts.append(found)
    closing = [one for one in sweep.standing.values() if one.unit == unit]
    sums: Counter[str] = Counter()
    for voucher in together(parts, ()):
        assert voucher.total(Side.DEBIT) == voucher.total(Side.CREDIT)
        for line in voucher.lines:
            sums[line.code] += line.amount if line.side is Side.DEBIT else -line.amount
    for leg in omitted:
        sums["1601"] += leg.cost
        sums["1602"] -= leg.worn
    # Gross or net, as the template of the taker says: what is left is the same.
    net = [sum(o.cost - o.worn for o in many) for many in (opening, closing)]
    assert sums["1601"] + sums["1602"] == net[1] - net[0]
