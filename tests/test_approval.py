"""Who decides, in which order, and who may not: routes are data, and duties are kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import msgspec
import pytest
from given import Ledger, given

from domain import approval, lending
from domain.approval import Approval, Endorsed, ReturnedForCorrection, RouteLaid, Stage
from domain.decider import Ask, Document, Occasion, Refused
from domain.duties import INCOMPATIBLE
from domain.policy import Action, Body, Policy, Route, Step
from domain.words import Role
from ledger.auditing import violations

DUE = date(2025, 8, 31)
LOAN = "loan/L1"
BODIES = {"own": "o_b", "competent": "o_dept", "offices": "o_goa", "finance": "o_fin"}
TWO_STEPS = Policy(
    name="place",
    version=3,
    routes=(
        Route(
            action=Action.LOAN,
            steps=(
                Step(role=Role.HEAD, body=Body.OWN, days=5),
                Step(role=Role.OFFICE, body=Body.OFFICES),
            ),
            documents=("agreement",),
            cites=("000-18",),
        ),
    ),
)
AGREEMENT = Document(type="协议编号", number="协1")
loan = partial(given, lending.lifecycle)
ask_for: dict[str, Any] = {
    "lender": "o_a",
    "borrower": "o_b",
    "assets": ["PC1"],
    "due": DUE,
    "purpose": "培训",
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    for unit in ("o_a", "o_b"):
        book.ask("u_admin", f"unit/{unit}", "establish", name=unit, kind="organ")
    book.card("PC1", value=5_000_00)
    yield book
    book.close()


def asked(
    ledger: Ledger,
    by: str,
    verb: str,
    /,
    role: str = Role.CLERK,
    unit: str = "o_b",
    policy: Policy = TWO_STEPS,
    behalf: str = "",
    docs: tuple[Document, ...] = (),
    **form: Any,
) -> None:
    """Ask the loan as a person in a unit, under the policy."""
    occasion = Occasion(
        by=by,
        behalf=behalf,
        on=ledger.on,
        unit=unit,
        role=role,
        policy=policy,
        bodies=BODIES,
        docs=docs,
    )
    ledger.book.act([Ask(LOAN, verb, form)], occasion)


def refused(rule: Any, *arguments: Any, **form: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        asked(*arguments, **form)
    assert caught.value.rule.slug == (rule if isinstance(rule, str) else rule.slug)
    return caught.value


# The route ------------------------------------------------------------------------


def test_a_case_takes_its_steps_from_the_policy_and_its_bodies_from_the_unit() -> None:
    occasion: dict[str, Any] = {"policy": TWO_STEPS, "bodies": BODIES, "docs": (AGREEMENT,)}
    granted = loan().at(**occasion).when(lending.request, **ask_for)
    granted.then_state(
        approval=Approval(
            policy="place@3",
            stages=(
                Stage(role="head", unit="o_b", days=5),
                Stage(role="office", unit="o_goa"),
            ),
            documents=("agreement",),
        )
    )


def test_a_paper_the_route_demands_must_be_attached() -> None:
    loan().at(policy=TWO_STEPS).when(lending.request, **ask_for).then_refused(
        approval.DOCUMENTS_ATTACHED
    )


@pytest.mark.target("T20")
def test_each_step_decides_in_its_turn_and_only_the_last_approves(ledger: Ledger) -> None:
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), **ask_for)
    office: dict[str, Any] = {"role": Role.OFFICE, "unit": "o_goa"}
    head: dict[str, Any] = {"role": Role.HEAD}
    refused("not-your-turn", ledger, "u_office", "approve", approval_no="借1", **office)
    refused("not-your-turn", ledger, "u_other", "endorse", role=Role.HEAD, unit="o_c")
    said = refused(approval.LAST_STEP, ledger, "u_head", "approve", approval_no="借1", **head)
    assert "第1步，共2步" in said.sentence("zh")
    assert "step 1 of 2" in said.sentence("en")
    asked(ledger, "u_head", "endorse", note="同意", **head)
    refused(approval.MORE_STEPS, ledger, "u_office", "endorse", **office)
    asked(ledger, "u_office", "approve", approval_no="借1", **office)
    assert ledger.facts(LOAN) == [
        "loan.requested",
        "case.units_verified",
        "case.route_laid",
        "case.endorsed",
        "loan.approved",
    ]


def test_a_returned_case_waits_for_its_applicant_and_starts_again(ledger: Ledger) -> None:
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), **ask_for)
    asked(ledger, "u_head", "endorse", role=Role.HEAD)
    office: dict[str, Any] = {"role": Role.OFFICE, "unit": "o_goa"}
    asked(ledger, "u_office", "send_back", reason="缺用途说明", **office)
    refused("not-your-turn", ledger, "u_head", "endorse", role=Role.HEAD)
    asked(ledger, "u_clerk", "resubmit", note="已补充")
    refused("not-your-turn", ledger, "u_office", "approve", approval_no="借1", **office)
    asked(ledger, "u_head", "endorse", role=Role.HEAD)
    asked(ledger, "u_office", "approve", approval_no="借1", **office)


@pytest.mark.target("T29")
def test_a_rule_changed_later_alters_nothing_under_way(ledger: Ledger) -> None:
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), **ask_for)
    one_step = msgspec.structs.replace(TWO_STEPS, version=4, routes=())
    refused(
        approval.LAST_STEP,
        *(ledger, "u_head", "approve"),
        role=Role.HEAD,
        policy=one_step,
        approval_no="借1",
    )
    assert ledger.state(LOAN).approval.policy == "place@3"


def test_an_amount_nobody_states_takes_the_stricter_route() -> None:
    strict = Route(
        action=Action.LOAN, at_least=10_000_00, steps=(Step(role=Role.FINANCE, body=Body.FINANCE),)
    )
    policy = Policy(name="place", version=1, routes=(strict,))
    card = lending.Asset(value=9_000_00)
    below = loan().at(policy=policy, listed=(card,)).when(lending.request, **ask_for)
    below.then_state(approval=Approval())
    for listed in ((card, card), (card, lending.Asset()), ()):
        above = loan().at(policy=policy, listed=listed).when(lending.request, **ask_for)
        above.then_state(approval=Approval(policy="place@1", stages=(Stage(role="finance"),)))


# Duties -----------------------------------------------------------------------------


@pytest.mark.target("T30")
@pytest.mark.parametrize(
    ("by", "behalf"), [("u_clerk", ""), ("u_deputy", "u_clerk"), ("u_clerk", "u_head")]
)
def test_nobody_decides_their_own_case_not_even_through_a_delegate(
    ledger: Ledger, by: str, behalf: str
) -> None:
    """In another role, by who acts for them, or in somebody else's stead."""
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), **ask_for)
    said = refused(INCOMPATIBLE, ledger, by, "endorse", role=Role.HEAD, behalf=behalf)
    assert "申请" in said.sentence("zh")
    assert "u_clerk" in said.sentence("en")


@pytest.mark.target("T30")
def test_who_approved_does_not_hand_over(ledger: Ledger) -> None:
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), **ask_for)
    asked(ledger, "u_head", "endorse", role=Role.HEAD)
    asked(ledger, "u_office", "approve", role=Role.OFFICE, unit="o_goa", approval_no="借1")
    endorsed = Endorsed()
    assert endorsed.duty == "approve"
    refused(
        INCOMPATIBLE,
        ledger,
        "u_head",
        "hand_out",
        role=Role.KEEPER,
        unit="o_a",
        assets=["PC1"],
        scanned="ZC-PC1",
    )


@pytest.mark.target("T30")
def test_the_log_alone_shows_who_broke_the_rule(ledger: Ledger) -> None:
    """Recorded under rules that allowed it; judged by rules that do not."""
    lax = msgspec.structs.replace(TWO_STEPS, exclusions=())
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), policy=lax, **ask_for)
    asked(ledger, "u_clerk", "endorse", role=Role.HEAD, policy=lax)
    assert list(violations(ledger.book, lambda _: lax)) == []
    (found,) = violations(ledger.book, lambda _: TWO_STEPS)
    assert (found.stream, found.before, found.duty, found.person) == (
        LOAN,
        "apply",
        "approve",
        "u_clerk",
    )
    assert next(iter(ledger.book.entries(found.position))).event == Endorsed()


def test_what_was_taken_back_is_nobodys_duty(ledger: Ledger) -> None:
    lax = msgspec.structs.replace(TWO_STEPS, exclusions=())
    asked(ledger, "u_clerk", "request", docs=(AGREEMENT,), policy=lax, **ask_for)
    asked(ledger, "u_clerk", "endorse", role=Role.HEAD, policy=lax)
    boss = Occasion(by="u_boss", on=ledger.on, role=Role.OFFICE)
    ledger.book.reverse(LOAN, ledger.book.stream(LOAN).version, boss, reason="误批")
    assert list(violations(ledger.book, lambda _: TWO_STEPS)) == []


def test_every_step_can_be_read_back() -> None:
    laid = RouteLaid(policy="place@3", stages=(Stage(role="head"),))
    given(lending.lifecycle, laid, ReturnedForCorrection(reason="x")).then_state(
        approval=Approval(policy="place@3", stages=(Stage(role="head"),), returned=True)
    )
