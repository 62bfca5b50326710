"""A verification census is not over before the books follow all that was found (#55)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, given

from domain import census, holding
from domain.approval import ReturnedForCorrection, RouteLaid
from domain.census import (
    AdjustmentBooked,
    CensusStatus,
    ResultsRuledOn,
    ResultsSubmitted,
    Trigger,
    VerificationClosed,
    VerificationOpened,
)
from domain.open_steps import open_step
from domain.policy import GENERIC, Action, Body, Route, Step
from domain.words import Role

past = partial(given, census.lifecycle)
DUE = TODAY + timedelta(days=60)
opened = VerificationOpened(unit="o_a", trigger=Trigger.DISTORTED, base_date=TODAY, due=DUE)
results = ResultsSubmitted(
    applicant="u_clerk", report_no="查1", cards=120, surplus=2, shortage=3, amount=900_000
)
ruled = ResultsRuledOn(ruling_no="核1")
REPORT: dict[str, Any] = {
    "report_no": "查1",
    "cards": 120,
    "surplus": 2,
    "shortage": 3,
    "amount": 900_000,
}


def test_a_census_is_opened_for_one_of_six_reasons_as_of_a_day() -> None:
    assert len(Trigger) == 6
    form: dict[str, Any] = {"unit": "o_a", "trigger": "distorted", "base_date": TODAY}
    past().when(census.open_census, **form, due=DUE).then(opened).then_state(
        status=CensusStatus.OPENED
    )
    past().when(census.open_census, **form, due=TODAY).then_granted()
    past().when(census.open_census, **form, due=TODAY - timedelta(days=1)).then_refused(
        census.IN_TIME
    )
    past(opened).when(census.open_census, **form, due=DUE).then_refused(census.NEW)


def test_the_unit_itself_submits_what_it_found() -> None:
    past(opened).at(by="u_clerk").when(census.submit_results, **REPORT).then(results)
    past(opened).at(unit="o_b").when(census.submit_results, **REPORT).then_refused(census.OWN_UNIT)
    past(opened, results).when(census.submit_results, **REPORT).then_refused(census.BEING_TAKEN)
    returned = ReturnedForCorrection(reason="漏报")
    past(opened, results, returned).when(census.submit_results, **REPORT).then_granted()


def test_the_ruling_follows_the_route_of_the_place() -> None:
    route = Route(action=Action.WRITE_DOWN, steps=(Step(role=Role.FINANCE, body=Body.FINANCE),))
    place = msgspec.structs.replace(GENERIC, routes=(route,))
    answers = past(opened).at(policy=place).when(census.submit_results, **REPORT).answers
    assert isinstance(answers[1], RouteLaid)
    waiting = past(opened, results, answers[1])
    waiting.at(role=Role.OFFICE).when(census.rule_on, ruling_no="核1").then_refused(census.MY_TURN)
    waiting.at(role=Role.FINANCE).when(census.rule_on, ruling_no="核1").then(ruled)


def test_nobody_rules_on_their_own_results() -> None:
    past(opened, results).at(by="u_clerk").when(census.rule_on, ruling_no="核1").then_refused(
        holding.OTHER_PERSON
    )


def test_the_books_follow_what_was_found_and_no_more() -> None:
    past(opened, results).when(census.book_adjustment, voucher="记1", surplus=1).then_refused(
        census.RULED
    )
    known = past(opened, results, ruled)
    known.when(census.book_adjustment, voucher="记1", surplus=2, shortage=3).then_granted()
    for wrong in ({"surplus": 3}, {"shortage": 4}, {}):
        known.when(census.book_adjustment, voucher="记1", **wrong).then_refused(census.AS_FOUND)


def test_a_census_is_closed_when_everything_is_booked() -> None:
    part = AdjustmentBooked(voucher="记1", surplus=2)
    rest = AdjustmentBooked(voucher="记2", shortage=3)
    past(opened, results, ruled, part).when(census.close, report_no="结1").then_refused(
        census.ADJUSTED
    )
    past(opened, results, ruled, part, rest).when(census.close, report_no="结1").then(
        VerificationClosed(report_no="结1")
    ).then_state(status=CensusStatus.CLOSED)
    nothing = msgspec.structs.replace(results, surplus=0, shortage=0)
    past(opened, nothing, ruled).when(census.close, report_no="结1").then_granted()


@pytest.mark.target("T34")
def test_every_step_of_a_census_waits_for_somebody() -> None:
    history = [opened, results, ruled, AdjustmentBooked(voucher="记", surplus=2, shortage=3)]
    steps = [open_step(past(*history[: n + 1]).state) for n in range(len(history))]
    assert [step and step.verb for step in steps] == [
        "submit_results",
        "rule_on",
        "book_adjustment",
        "close",
    ]
    assert steps[0] is not None
    assert steps[0].due == DUE
    assert open_step(past(*history, VerificationClosed(report_no="结")).state) is None
