"""What changed between two dates: the statement adds up, and equals a fold of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from api.changing import restatements
from domain.asset import Asset, AssetRegistered, Kind, ValueCorrected, ValueType
from domain.asset import Book as Standing
from domain.asset import lifecycle as assets
from domain.decider import EntryReversed, Event
from domain.leaving import Derecognised
from domain.reallocation import BooksMoved
from domain.use import DeclaredIdle, IssuedToUser
from ledger.book import Book, new_id
from ledger.entry import Corrects, Draft, standing
from projections import changes
from projections.changes import FIGURES, GROUP, Only, Span
from projections.scope import EVERYTHING, BadCursor, Scope
from projections.store import ReadModels

DAY = date(2026, 3, 1)
Sums = dict[tuple[str, str, str], Counter[str]]


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


def on(day: int) -> str:
    return (DAY + timedelta(days=day)).isoformat()


def drafted(stream: str, facts: list[tuple[Event, int]]) -> list[Draft]:
    return [
        Draft(
            stream=stream,
            seq=seq,
            event=fact,
            actor="u_1",
            cause="cmd_test",
            effective_at=f"{on(day)}T00:00:00+08:00",
            corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
        )
        for seq, (fact, day) in enumerate(facts, 1)
    ]


def registered(number: str = "", unit: str = "o_1", value: int | None = 100) -> AssetRegistered:
    return AssetRegistered(
        asset_no=number, name="台式计算机", kind=Kind.COMPUTER, unit=unit, value=value
    )


later = st.one_of(
    st.builds(BooksMoved, unit=st.sampled_from(["o_1", "o_2"]), gross=st.just(0)),
    st.builds(
        ValueCorrected,
        value=st.sampled_from([0, 100, 250]),
        value_type=st.just(ValueType.COST),
        reason=st.just("更正"),
    ),
    st.builds(Derecognised, voucher=st.just("记1")),
    st.builds(DeclaredIdle, since=st.just(DAY)),
    st.builds(IssuedToUser, unit=st.just("o_2"), user=st.just("u_7")),
    st.builds(EntryReversed, seq=st.integers(1, 8), reason=st.just("错")),
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Event, int]]:
    """Return a registration and what follows, in any order of dates, with reversals."""
    value = draw(st.sampled_from([None, 100, 999]))
    facts: list[tuple[Event, int]] = [(registered(value=value), draw(st.integers(-2, 3)))]
    gone: set[int] = set()
    for fact in draw(st.lists(later, max_size=7)):
        day = draw(st.integers(-3, 6))
        if isinstance(fact, EntryReversed):
            if fact.seq > len(facts) or fact.seq in gone:
                continue
            gone.add(fact.seq)
            day = facts[fact.seq - 1][1]
        facts.append((fact, day))
    return facts


# The same statement, folded from entries alone -----------------------------------


def group(card: Asset) -> tuple[str, str, str] | None:
    if card.book in (Standing.NONE, Standing.GONE):
        return None
    return card.accounting_unit, card.kind.value, card.currency


def add(sums: Sums, key: tuple[str, str, str] | None, what: str, n: int, v: int) -> None:
    if key is not None:
        sums.setdefault(key, Counter()).update({f"{what}.n": n, f"{what}.v": v})


def folded(book: Book, streams: list[str], span: Span) -> Sums:
    """Tell the statement with no list at all: state by state, event by event."""
    sums: Sums = {}
    then = span.known if span.then is None else span.then
    for stream in streams:
        before = book.state_at(stream, span.start, then)
        now = book.state_at(stream, span.start, span.known)
        after = book.state_at(stream, span.end, span.known)
        add(sums, group(before), "opening", 1, before.value or 0)
        add(sums, group(after), "closing", 1, after.value or 0)
        add(sums, group(now), "restated", 1, now.value or 0)
        add(sums, group(before), "restated", -1, -(before.value or 0))
        state = assets.state()
        told = [
            e for e in book.stream(stream).entries if span.known is None or e.position <= span.known
        ]
        for entry in standing(told):
            was, state = state, assets.evolve(state, entry.event)
            if not span.start < entry.effective_on <= span.end:
                continue
            came, left, worth = group(state), group(was), state.value or 0
            if came != left:
                add(sums, left, "out", -1, -(was.value or 0))
                add(sums, came, "in", 1, (was.value or 0) if left else worth)
            if came and left:
                add(sums, came, "adjusted", 0, worth - (was.value or 0))
    return said(sums)


def said(sums: Sums) -> Sums:
    """Leave out what is nothing."""
    kept = {key: Counter({k: v for k, v in sum_.items() if v}) for key, sum_ in sums.items()}
    return {key: sum_ for key, sum_ in kept.items() if sum_}


def stated(models: ReadModels, span: Span, only: Only = changes.EVERYTHING) -> Sums:
    sums: Sums = {}
    for row in models.rows(changes.figures(EVERYTHING, span, only)):
        add(sums, tuple(row[name] for name in GROUP), row["what"], row["n"], row["v"])
    return said(sums)


@pytest.mark.target("T15")
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    many=st.lists(histories(), min_size=1, max_size=4),
    days=st.tuples(st.integers(-4, 7), st.integers(0, 8)),
    cut=st.tuples(st.integers(0, 12), st.integers(0, 12)),
)
def test_opening_and_movements_come_to_the_closing_and_equal_a_fold(
    book: Book,
    models: ReadModels,
    many: list[list[tuple[Event, int]]],
    days: tuple[int, int],
    cut: tuple[int, int],
) -> None:
    """Late entries, reversals, transfers, corrections, on both axes, to the fen and the piece."""
    mine = new_id()  # one database for all examples: each has a data set of its own
    streams = [f"asset/{new_id()}" for _ in many]
    before = book.head()[0]
    for stream, [(first, day), *rest] in zip(streams, many, strict=True):
        facts = [(replace(first, dataset=mine), day), *rest]
        book.append(drafted(stream, facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    size = book.head()[0]
    known, late = before + min(cut), before + max(cut)
    only = Only(dataset=mine)
    for then, until in ((None, None), (known, None), (known, min(late, size)), (size, size)):
        span = Span(start=on(days[0]), end=on(days[0] + days[1]), then=then, known=until)
        found = stated(models, span, only)
        assert found == folded(book, streams, span), span
        assert found == opened_up(book, models, span, only), span
        for key, sum_ in found.items():
            for unit in ("n", "v"):
                parts = (sum_[f"{what}.{unit}"] for what in FIGURES[:-1])
                assert sum(parts) == sum_[f"closing.{unit}"], (span, key)


def opened_up(book: Book, models: ReadModels, span: Span, only: Only) -> Sums:
    """Sum the events of every figure, page by page: a figure is nothing else."""
    sums: Sums = {}
    for what in FIGURES:
        for row in pages(book, models, span, what, only):
            add(sums, tuple(row[n] for n in GROUP), what, row["n"], row["v"])
            (entry,) = book.entries(row["position"], row["position"])
            assert entry.stream == f"asset/{row['id']}", what  # a figure opens its own events
            if what == "restated":
                assert span.then is not None and entry.position > span.then
                assert entry.effective_on <= span.start
    return said(sums)


def pages(book: Book, models: ReadModels, span: Span, what: str, only: Only) -> Iterator[Any]:
    """Yield the events of a figure, three at a time."""
    after, more = "", True
    while more:
        if what == "restated":
            rows = models.rows(changes.restated(EVERYTHING, span, only, after=after, limit=3))
            for row in rows:
                yield from (found for found, _ in restatements(book, row["id"], span))
            after = rows[-1]["id"] if rows else ""
        else:
            query = changes.events(EVERYTHING, span, what, only, after=after, limit=3)
            rows = models.rows(query)
            yield from map(dict, rows)
            after = changes.cursor(rows[-1]) if rows else ""
        more = len(rows) == 3


def test_a_statement_shows_only_what_its_reader_may_see(book: Book, models: ReadModels) -> None:
    """Property that moves to a unit out of sight is out, and in there for whoever sees that one."""
    facts = [(registered(), 0), (BooksMoved(unit="o_2", gross=100), 2)]
    book.append(drafted("asset/A", facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    span = Span(start=on(1), end=on(3))

    def seen(units: set[str]) -> list[tuple[str, str, int]]:
        rows = models.rows(changes.figures(Scope(frozenset(units)), span))
        return [(row["unit"], row["what"], row["n"]) for row in rows]

    assert seen({"o_1"}) == [("o_1", "opening", 1), ("o_1", "out", -1)]
    assert seen({"o_2"}) == [("o_2", "closing", 1), ("o_2", "in", 1)]
    assert seen(set()) == []


def test_a_cursor_nobody_gave_out_is_refused() -> None:
    span = Span(start=on(0), end=on(1))
    for wrong in ("x", "W10=", "WzEsMiwzLDRd"):
        with pytest.raises(BadCursor):
            changes.events(EVERYTHING, span, "in", after=wrong)
