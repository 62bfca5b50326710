"""Small proposals that together would have gone another way are told to whoever decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import disposal, watching
from domain.asset import Asset, Kind
from domain.decider import Ask
from domain.disposal import Flag, SplittingWarned
from domain.policy import Action, Body, Measure, Policy, Route, Step
from domain.watching import ProposalCounted, ProposalDropped
from domain.words import Role

watch = partial(given, watching.lifecycle)
FINANCE, OFFICE = (Step(Role.FINANCE, Body.FINANCE),), (Step(Role.OFFICE, Body.OFFICES),)
LIMIT = Route(action=Action.DISPOSAL, at_least=1000, steps=FINANCE)
REST = Route(action=Action.DISPOSAL, steps=OFFICE)
PLACE = Policy(name="place", version=1, splitting_days=30, routes=(LIMIT, REST))


def counted(case: str, amount: int, on: date = TODAY, kind: str = "office") -> ProposalCounted:
    return ProposalCounted(
        case=f"disposal/{case}", kind=kind, amount=amount, counted_on=on, days=30
    )


def form(amount: int, kind: str = "office") -> dict[str, Any]:
    return {
        "case": "disposal/NEW",
        "form": "scrap",
        "kind": kind,
        "amount": amount,
        "dearest": amount,
    }


def warned(amount: int, *cases: str) -> Ask:
    names = tuple(f"disposal/{case}" for case in cases)
    return Ask(
        "disposal/NEW",
        "warn_of_splitting",
        {"kind": "office", "amount": amount, "days": 30, "cases": names, "acknowledged": False},
    )


@pytest.mark.parametrize(("amount", "crosses"), [(400, True), (399, False)])
def test_a_sum_that_reaches_the_limit_warns(amount: int, crosses: bool) -> None:
    answer = watch(counted("A", 300), counted("B", 300)).at(policy=PLACE)
    facts = [counted("NEW", amount), *([warned(600 + amount, "A", "B")] * crosses)]
    answer.when(watching.count, **form(amount)).then(*facts)


@pytest.mark.parametrize(("days", "counts"), [(30, True), (31, False)])
def test_only_what_was_proposed_within_the_window_counts(days: int, counts: bool) -> None:
    before = counted("A", 900, TODAY - timedelta(days=days))
    facts = [counted("NEW", 900), *([warned(1800, "A")] * counts)]
    watch(before).at(policy=PLACE).when(watching.count, **form(900)).then(*facts)


def test_another_kind_or_a_withdrawn_proposal_does_not_count() -> None:
    for history in (
        [counted("A", 900, kind="computer")],
        [counted("A", 900), ProposalDropped(case="disposal/A")],
        [],
    ):
        watch(*history).at(policy=PLACE).when(watching.count, **form(900)).then(counted("NEW", 900))


def test_what_goes_the_stricter_way_by_itself_needs_no_warning() -> None:
    watch(counted("A", 900)).at(policy=PLACE).when(watching.count, **form(1000)).then(
        counted("NEW", 1000)
    )
    dear = Route(action=Action.DISPOSAL, at_least=1000, measure=Measure.UNIT, steps=FINANCE)
    each = Policy(name="place", version=1, splitting_days=30, routes=(dear, REST))
    watch(counted("A", 900)).at(policy=each).when(watching.count, **form(900)).then(
        counted("NEW", 900)
    )  # where each item is measured, several lists are no way around


def test_a_list_is_counted_kind_by_kind_as_far_as_its_values_are_known() -> None:
    cards = (
        Asset(kind=Kind.OFFICE, value=5),
        Asset(kind=Kind.OFFICE, value=7),
        Asset(kind=Kind.COMPUTER, value=None),
    )
    now = given(disposal.lifecycle).at(policy=PLACE, listed=cards)
    asks = watching.counting(now.occasion, "o_a", "scrap")
    assert [(a.stream, a.form["kind"], a.form["amount"], a.form["dearest"]) for a in asks] == [
        ("watch/o_a.scrap", "office", 12, 7)
    ]
    none = now.at(policy=Policy(name="place", version=2))
    assert watching.counting(none.occasion, "o_a", "scrap") == ()


# On a database ----------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def test_the_warning_is_kept_with_the_case_and_with_the_log(ledger: Ledger) -> None:
    ledger.policy = PLACE
    propose: dict[str, Any] = {
        "unit": "o_a",
        "form": "scrap",
        "ground": "life_over",
        "minutes_no": "纪要3",
    }
    for name in ("A", "B", "C"):
        ledger.card(name, kind="office", value=600)
    ledger.ask("u_clerk", "disposal/A", "propose", **propose, assets=["A"])
    assert ledger.state("disposal/A").flags == ()
    ledger.ask("u_clerk", "disposal/A", "withdraw", reason="改期")
    ledger.ask("u_clerk", "disposal/B", "propose", **propose, assets=["B"])
    assert ledger.state("disposal/B").flags == ()  # the withdrawn one counts no longer
    ledger.ask("u_clerk", "disposal/C", "propose", **propose, assets=["C"])
    assert ledger.state("disposal/C").flags == (Flag.SPLITTING,)
    told = [e.event for e in ledger.book.stream("disposal/C").entries]
    assert SplittingWarned(kind="office", amount=1200, days=30, cases=("disposal/B",)) in told
    assert len(ledger.state("watch/o_a.scrap").counted) == 2
