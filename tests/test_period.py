"""Two persons close a period; what is recorded later counts in the next, and closed figures stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from given import TODAY, Given, given
from hypothesis import HealthCheck, settings
from hypothesis import given as each
from hypothesis import strategies as st

from api.changing import BEGINNING, restatements
from domain import period
from domain.asset import AssetRegistered, Kind, ValueCorrected, ValueType
from domain.decider import Ask, EntryReversed, Event, Occasion, Refused
from domain.duties import INCOMPATIBLE
from domain.leaving import Derecognised
from domain.period import CloseDeclined, CloseProposed, PeriodClosed
from domain.policy import GENERIC
from domain.reallocation import BooksMoved
from domain.words import Role
from ledger.auditing import violations
from ledger.book import CLOSED_STAYS, LAST_FIRST, REVERSED_ALREADY, Book, new_id
from ledger.entry import Corrects, Draft, Via
from ledger.findings import findings
from projections import changes
from projections.changes import FIGURES, Only, Span
from projections.scope import EVERYTHING
from projections.store import ReadModels


def past(*facts: Event) -> Given:
    """Begin with the periods of the unit that asks."""
    return given(period.lifecycle, *facts).at(stream="period/o_a")


YESTERDAY = TODAY - timedelta(days=1)
EARLIER = TODAY - timedelta(days=30)
proposed = CloseProposed(proposer="u_1", until=EARLIER)
closed = PeriodClosed(until=EARLIER)


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    book = Book.open(database, clock=lambda: datetime(2025, 6, 30, 4, tzinfo=UTC))
    yield book
    book.close()


@pytest.fixture
def models(database: str, book: Book) -> Iterator[ReadModels]:
    models = ReadModels.open(database)
    yield models
    models.close()


# The close ------------------------------------------------------------------------


@pytest.mark.target("T98")
def test_a_period_is_proposed_by_one_person_and_closed_by_another() -> None:
    past().at(by="u_1").when(period.propose_close, until=EARLIER).then(proposed)
    past(proposed).at(by="u_2").when(period.close).then(closed)
    past(proposed).at(by="u_1").when(period.close).then_refused(period.ANOTHER_CHECKS)
    past(proposed).at(by="u_1").when(period.decline, reason="x").then_refused(period.ANOTHER_CHECKS)
    past(proposed).at(by="u_2").when(period.decline, reason="缺折旧").then(
        CloseDeclined(until=EARLIER, reason="缺折旧")
    )
    past(proposed, CloseDeclined(until=EARLIER, reason="x")).when(
        period.propose_close, until=EARLIER
    ).then_granted()


def test_only_what_is_over_is_closed_and_only_forward() -> None:
    past().when(period.propose_close, until=YESTERDAY).then_granted()
    past().when(period.propose_close, until=TODAY).then_refused(period.OVER)
    past(proposed, closed).when(period.propose_close, until=EARLIER).then_refused(period.FORWARD)
    past(proposed, closed).when(
        period.propose_close, until=EARLIER + timedelta(days=1)
    ).then_granted()
    past(proposed).when(period.propose_close, until=YESTERDAY).then_refused(period.NOTHING_ASKED)
    past().when(period.close).then_refused(period.ASKED)
    past(proposed, closed).when(period.close).then_refused(period.ASKED)


def test_a_unit_closes_its_own_books() -> None:
    own, other = "period/o_a", "period/o_b"
    past().at(stream=own).when(period.propose_close, until=EARLIER).then_granted()
    past().at(stream=other).when(period.propose_close, until=EARLIER).then_refused(period.OWN_BOOKS)
    checker = past(proposed).at(by="u_2", stream=other)
    checker.at(role=Role.HEAD).when(period.close).then_refused(period.OWN_BOOKS)
    checker.at(role=Role.FINANCE).when(period.close).then_granted()


def test_next_year_the_two_may_change_places(book: Book) -> None:
    """Each close is a matter of its own; within one, another account does not help."""

    def ask(verb: str, by: str, role: Role, **form: Any) -> None:
        on = date(2025, 6, 30)
        occasion = Occasion(by=by, on=on, role=role)
        book.act([Ask("period/o_1", verb, form)], occasion)

    ask("propose_close", "u_1", Role.ACCOUNTANT, until="2025-01-31")
    with pytest.raises(Refused) as no:
        ask("close", "u_1", Role.HEAD)
    assert no.value.rule in (INCOMPATIBLE, period.ANOTHER_CHECKS)
    ask("close", "u_2", Role.HEAD)
    ask("propose_close", "u_2", Role.ACCOUNTANT, until="2025-02-28")
    ask("close", "u_1", Role.HEAD)
    assert book.stream("period/o_1").state.last == date(2025, 2, 28)
    assert list(violations(book, lambda _: GENERIC)) == []


@pytest.mark.target("T98")
def test_a_closed_period_is_never_opened_again(book: Book) -> None:
    write(book, "period/o_1", [(proposed, TODAY), (closed, TODAY)])
    with pytest.raises(Refused) as no:
        book.reverse("period/o_1", 2, Occasion(by="u_2", on=TODAY), reason="x")
    assert no.value.rule is CLOSED_STAYS


# What is recorded later -------------------------------------------------------------


def write(book: Book, stream: str, facts: list[tuple[Event, date]]) -> int:
    """Record facts, one request each; return the last position."""
    last = 0
    for fact, on in facts:
        version = book.stream(stream).version
        draft = Draft(
            stream=stream,
            seq=version + 1,
            event=fact,
            actor="u_1",
            cause=new_id("cmd"),
            effective_at=f"{on}T00:00:00+08:00",
            via=Via(unit="o_1", role="clerk", channel="web", policy="generic@1"),
            corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
        )
        last = book.append([draft], actor="u_1", cause=draft.cause).last
    return last


def card(dataset: str, value: int = 100) -> AssetRegistered:
    return AssetRegistered(
        asset_no="", name="车", kind=Kind.VEHICLE, unit="o_1", value=value, dataset=dataset
    )


def told(models: ReadModels, span: Span, only: Only) -> dict[tuple[str, str], tuple[int, int]]:
    rows = models.rows(changes.figures(EVERYTHING, span, only))
    return {
        (row["unit"], row["what"]): (int(row["n"]), int(row["v"]))
        for row in rows
        if row["n"] or row["v"]
    }


later = st.one_of(
    st.builds(BooksMoved, unit=st.sampled_from(["o_1", "o_2"]), gross=st.just(0)),
    st.builds(
        ValueCorrected, value=st.sampled_from([1, 250]), value_type=st.just(ValueType.COST),
        reason=st.just("更正"),
    ),
    st.builds(Derecognised, voucher=st.just("记1")),
)  # fmt: skip
events = st.lists(st.tuples(later, st.integers(0, 40)), max_size=5)


@pytest.mark.target("T98")
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@each(before=events, after=events, undo=st.booleans())
def test_closed_figures_stay_and_the_next_period_takes_what_came_late(
    book: Book,
    models: ReadModels,
    before: list[tuple[Event, int]],
    after: list[tuple[Event, int]],
    undo: bool,
) -> None:
    """Whatever is recorded after a close, at whatever date: the statement stays to the fen."""
    mine, start = new_id(), date(2025, 1, 1)
    stream, only = f"asset/{new_id()}", Only(dataset=mine)
    day = lambda n: start + timedelta(days=n)  # noqa: E731 - shorter than its name
    write(book, stream, [(card(mine), day(0)), *((fact, day(n)) for fact, n in before)])
    until = day(20)
    at = write(book, f"period/{mine}", [(PeriodClosed(until=until), day(60))])
    models.catch_up(book)
    period_ = Span(start=BEGINNING, end=until.isoformat(), then=0, known=at)
    figures = told(models, period_, only)

    write(book, stream, [(fact, day(n)) for fact, n in after])
    if undo:
        last = book.stream(stream).entries[-1]
        write(
            book, stream,
            [(EntryReversed(seq=last.seq, reason="错"), date.fromisoformat(last.effective_on))],
        )  # fmt: skip
    end = write(book, f"period/{mine}", [(PeriodClosed(until=day(45)), day(60))])
    models.catch_up(book)
    assert told(models, period_, only) == figures

    following = Span(start=until.isoformat(), end=day(45).isoformat(), then=at, known=end)
    next_ = told(models, following, only)
    for unit in ("o_1", "o_2"):
        closing = figures.get((unit, "closing"), (0, 0))
        assert next_.get((unit, "opening"), (0, 0)) == closing
        for part in (0, 1):
            sums = [next_.get((unit, what), (0, 0))[part] for what in FIGURES]
            assert sum(sums[:-1]) == sums[-1]


@pytest.mark.target("T98")
def test_a_late_event_keeps_its_true_date_and_is_told_as_late(
    book: Book, models: ReadModels
) -> None:
    write(book, "asset/A", [(card("d"), date(2025, 1, 5))])
    at = write(book, "period/o_1", [(PeriodClosed(until=date(2025, 1, 31)), TODAY)])
    corrected = ValueCorrected(value=70, value_type=ValueType.COST, reason="评估")
    late = write(book, "asset/A", [(corrected, date(2025, 1, 20))])
    models.catch_up(book)
    january = Span(start=BEGINNING, end="2025-01-31", then=0, known=at)
    assert told(models, january, Only())["o_1", "closing"] == (1, 100)
    february = Span(start="2025-01-31", end="2025-02-28", then=at)
    figures = told(models, february, Only())
    assert figures["o_1", "opening"] == (1, 100)
    assert figures["o_1", "restated"] == (0, -30)
    assert figures["o_1", "closing"] == (1, 70)
    (row,) = models.rows(changes.restated(EVERYTHING, february))
    ((event, entry),) = restatements(book, row["id"], february)
    assert (entry.position, event["v"]) == (late, -30)
    assert next(book.entries(late, late)).effective_on == "2025-01-20"
    found = [f for f in findings(book, TODAY).found if f.check == "closed-period"]
    assert [(f.position, f.details["until"]) for f in found] == [(late, "2025-01-31")]


# Red reversals ----------------------------------------------------------------------


@pytest.mark.target("T10")
def test_a_reversal_may_be_reversed_once_and_in_order(book: Book, models: ReadModels) -> None:
    """Double reversal is refused; the reversal of a reversal brings the entry back."""
    write(book, "asset/A", [(card("d"), date(2025, 1, 5))])
    corrected = ValueCorrected(value=70, value_type=ValueType.COST, reason="评估")
    write(book, "asset/A", [(corrected, date(2025, 1, 20))])
    by = Occasion(by="u_2", on=TODAY)

    def value() -> int | None:
        return book.stream("asset/A").state.value

    book.reverse("asset/A", 2, by, reason="误")
    assert value() == 100
    with pytest.raises(Refused) as no:
        book.reverse("asset/A", 2, by, reason="再")
    assert no.value.rule is REVERSED_ALREADY
    book.reverse("asset/A", 3, by, reason="红冲有误")
    assert value() == 70
    with pytest.raises(Refused) as no:
        book.reverse("asset/A", 1, by, reason="误")
    assert no.value.rule is LAST_FIRST
    book.reverse("asset/A", 2, by, reason="还是错")
    assert value() == 100
    models.catch_up(book)
    size = book.head()[0]
    net = Span(start="2025-01-05", end="2025-12-31", then=size, known=size)
    assert told(models, net, Only()).keys() == {("o_1", "opening"), ("o_1", "closing")}
