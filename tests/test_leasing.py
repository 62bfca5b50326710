"""Leasing out: approved, agreed and delivered on paper; the rent belongs to the treasury."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import asset, handover, holding, leasing, lending
from domain.approval import LAST_STEP, Endorsed, RouteLaid, Stage
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Document, Event
from domain.duties import INCOMPATIBLE
from domain.holding import HeldForProcess, ItemsDeclined
from domain.leasing import (
    AgreementSigned,
    AssetLeased,
    LeaseApproved,
    LeaseDelivered,
    LeaseEnded,
    LeaseItemReturned,
    LeaseRefused,
    LeaseRequested,
    LeaseRestWithdrawn,
    LeaseStatus,
    LeaseWithdrawn,
    RentAssessed,
    RentPeriod,
    RentRemitted,
)
from domain.lending import ReturnResult
from domain.policy import Action, Body, Policy, Route, Step
from domain.use import DeclaredIdle, IssuedToUser
from domain.words import Role

DUE = date(2026, 6, 30)
CASE = "lease/X"
lease = partial(given, leasing.lifecycle)
thing = partial(given, asset.lifecycle)
slip = Document(type="hand_over_slip", number="交1")

requested = LeaseRequested(
    applicant="u_clerk",
    lessor="o_a",
    lessee="示例印务有限公司",
    assets=("M1", "M2"),
    due=DUE,
    rent=50_000,
    per=RentPeriod.MONTH,
    purpose="闲置",
)
approved = LeaseApproved(approval_no="租1")
signed = AgreementSigned(agreement="协1", rent=50_000, per=RentPeriod.MONTH, due=DUE)
out1, out2 = LeaseDelivered(asset="M1"), LeaseDelivered(asset="M2")
back1 = LeaseItemReturned(asset="M1", result=ReturnResult.SOUND)
carded = AssetRegistered(asset_no="ZC-1", name="印刷机", kind=Kind.INSTRUMENT, unit="o_a")
held = HeldForProcess(case=CASE, lock=Lock.RESERVED)
leased = AssetLeased(lessee="示例印务有限公司", due=DUE, case=CASE)

ask_for: dict[str, Any] = {
    "lessor": "o_a",
    "lessee": "示例印务有限公司",
    "assets": ["M1", "M2"],
    "due": DUE,
    "rent": 50_000,
    "per": "month",
    "purpose": "闲置",
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# The request and its answer ---------------------------------------------------


def test_a_request_reserves_every_piece() -> None:
    form = {"case": CASE, "lessor": "o_a"}
    lease().at(by="u_clerk").when(leasing.request, **ask_for).then(
        requested, Ask("asset/M1", "hold_for_lease", form), Ask("asset/M2", "hold_for_lease", form)
    )
    lease(requested).when(leasing.request, **ask_for).then_refused(leasing.NEW)


def test_a_lease_has_a_term_ahead_and_a_rent() -> None:
    lease().when(leasing.request, **ask_for | {"due": TODAY + timedelta(days=1)}).then_granted()
    lease().when(leasing.request, **ask_for | {"due": TODAY}).then_refused(lending.DUE_AHEAD)
    lease().when(leasing.request, **ask_for | {"rent": 1}).then_granted()
    lease().when(leasing.request, **ask_for | {"rent": 0}).then_refused(leasing.RENT_ASKED)


def test_the_policy_of_the_place_says_who_decides_a_lease() -> None:
    steps = (Step(role=Role.HEAD, body=Body.OWN), Step(role=Role.FINANCE, body=Body.FINANCE))
    place = Policy(name="place", version=1, routes=(Route(action=Action.LEASE, steps=steps),))
    laid = RouteLaid(
        policy="place@1",
        stages=(Stage(role="head", unit="o_a"), Stage(role="finance", unit="o_f")),
    )
    asking = lease().at(by="u_clerk", policy=place, bodies={"own": "o_a", "finance": "o_f"})
    answers = asking.when(leasing.request, **ask_for).then_granted().answers
    assert answers[1] == laid
    form = {"approval_no": "租1"}
    lease(requested, laid).at(role="head").when(leasing.approve, **form).then_refused(LAST_STEP)
    lease(requested, laid).at(role="finance", unit="o_f").when(
        leasing.approve, **form
    ).then_refused(leasing.MY_TURN)
    lease(requested, laid, Endorsed()).at(role="finance", unit="o_f").when(
        leasing.approve, **form
    ).then(approved)


def test_nobody_decides_their_own_lease_and_only_an_open_one_is_decided() -> None:
    for verb, form in (
        (leasing.approve, {"approval_no": "租1"}),
        (leasing.refuse, {"reason": "无"}),
    ):
        lease(requested).at(by="u_clerk").when(verb, **form).then_refused(holding.OTHER_PERSON)
        for history in ([], [requested, approved], [requested, LeaseRefused(reason="无")]):
            lease(*history).when(verb, **form).then_refused(leasing.REQUESTED)


def test_a_refusal_a_withdrawal_or_a_partial_approval_lets_go() -> None:
    form = {"case": CASE, "reason": "另有安排"}
    frees = (Ask("asset/M1", "release", form), Ask("asset/M2", "release", form))
    lease(requested).when(leasing.refuse, reason="另有安排").then(
        LeaseRefused(reason="另有安排"), *frees
    )
    for history in ([requested], [requested, approved], [requested, approved, signed]):
        lease(*history).when(leasing.withdraw, reason="另有安排").then(
            LeaseWithdrawn(reason="另有安排"), *frees
        )
    lease(requested, approved, signed, out1).when(leasing.withdraw, reason="无").then_refused(
        leasing.NOT_BEGUN
    )
    lease(requested).when(
        leasing.approve, approval_no="租1", assets=["M1"], reason="另有安排"
    ).then(approved, ItemsDeclined(assets=("M2",), reason="另有安排"), frees[1])


# The agreement ----------------------------------------------------------------


def test_the_agreement_is_on_the_approved_terms_or_better() -> None:
    form: dict[str, Any] = {"agreement": "协1", "rent": 50_000, "due": DUE}
    lease(requested, approved).when(leasing.sign, **form).then(signed).then_state(
        status=LeaseStatus.SIGNED, agreement="协1"
    )
    lease(requested, approved).when(leasing.sign, **form | {"rent": 60_000}).then_granted()
    lease(requested, approved).when(leasing.sign, **form | {"rent": 49_999}).then_refused(
        leasing.NOT_WORSE
    )
    later = {"due": DUE + timedelta(days=1)}
    lease(requested, approved).when(leasing.sign, **form | later).then_refused(leasing.NOT_WORSE)
    for history in ([requested], [requested, approved, signed]):
        lease(*history).when(leasing.sign, **form).then_refused(leasing.APPROVED)
    lease(requested, approved).at(unit="o_z").when(leasing.sign, **form).then_refused(
        handover.GIVING_SIDE
    )


# Delivery and return ----------------------------------------------------------


def test_nothing_is_delivered_before_the_agreement_or_without_the_signed_slip() -> None:
    for history in ([requested], [requested, approved]):
        lease(*history).when(leasing.deliver, assets=["M1"]).then_refused(leasing.SIGNED)
    ready = lease(requested, approved, signed)
    ready.when(leasing.deliver, assets=["M1"], scanned="ZC-1").then_refused(leasing.SLIP_SIGNED)
    form = {"lessee": "示例印务有限公司", "due": DUE, "case": CASE, "scanned": "ZC-1"}
    ready.at(docs=(slip,)).when(leasing.deliver, assets=["M1"], scanned="ZC-1").then(
        LeaseDelivered(asset="M1", scanned="ZC-1"), Ask("asset/M1", "lease_out", form)
    ).then_state(status=LeaseStatus.RUNNING, out=frozenset({"M1"}), waiting=frozenset({"M2"}))
    ready.when(leasing.deliver, assets=["M3"]).then_refused(holding.ON_THE_LIST)


def test_what_was_not_delivered_is_let_go() -> None:
    lease(requested, approved, signed, out1).when(leasing.withdraw_rest, reason="够用").then(
        LeaseRestWithdrawn(reason="够用"),
        Ask("asset/M2", "release", {"case": CASE, "reason": "够用"}),
    ).then_state(status=LeaseStatus.RUNNING, waiting=frozenset())
    for history, rule in (([], leasing.RUNNING), ([out1, out2], leasing.REST_WAITING)):
        lease(requested, approved, signed, *history).when(
            leasing.withdraw_rest, reason="无"
        ).then_refused(rule)


def test_each_piece_comes_back_with_its_own_result() -> None:
    both = lease(requested, approved, signed, out1, out2).at(docs=(slip,))
    form = {"case": CASE, "result": ReturnResult.DAMAGED, "note": "缺件", "scanned": ""}
    damaged = {"result": "damaged", "note": "缺件", "compensation": 9_000}
    both.when(leasing.take_back, assets=["M1"], **damaged).then(
        LeaseItemReturned(asset="M1", result=ReturnResult.DAMAGED, note="缺件", compensation=9_000),
        Ask("asset/M1", "end_lease", form),
    ).then_state(status=LeaseStatus.RUNNING)
    both.when(leasing.take_back, assets=["M1", "M2"], **damaged).then_refused(
        lending.ONE_COMPENSATED
    )
    both.when(leasing.take_back, assets=["M1", "M2"], result="sound").then_state(
        status=LeaseStatus.CLOSED
    )
    lease(requested, approved, signed, out1, back1, LeaseRestWithdrawn(reason="够用")).when(
        leasing.take_back, assets=["M1"], result="sound"
    ).then_refused(leasing.RUNNING)
    lease(requested, approved, signed, out1, back1).when(
        leasing.take_back, assets=["M1"], result="sound"
    ).then_refused(leasing.OUT)


# Rent -------------------------------------------------------------------------


def test_rent_is_assessed_for_a_period_and_remitted_up_to_that() -> None:
    running = [requested, approved, signed, out1]
    first = RentAssessed(amount=50_000, since=date(2025, 7, 1), until=date(2025, 7, 31))
    form = {"amount": 50_000, "since": date(2025, 7, 1), "until": date(2025, 7, 31)}
    lease(*running).when(leasing.assess_rent, **form).then(first).then_state(rent_assessed=50_000)
    lease(*running).when(leasing.assess_rent, **form | {"until": date(2025, 6, 30)}).then_refused(
        leasing.PERIOD_FORWARD
    )
    lease(requested, approved, signed).when(leasing.assess_rent, **form).then_refused(
        leasing.HAS_BEGUN
    )
    paid = {"amount": 50_000, "voucher": "缴1"}
    lease(*running).when(leasing.remit_rent, **paid).then_refused(leasing.RENT_OPEN)
    lease(*running, first).when(leasing.remit_rent, **paid).then(
        RentRemitted(amount=50_000, voucher="缴1")
    ).then_state(rent_remitted=50_000)
    lease(*running, first).when(leasing.remit_rent, **paid | {"amount": 50_001}).then_refused(
        leasing.NO_MORE_THAN_ASSESSED
    )
    lease(*running, first, RentRemitted(amount=50_000, voucher="缴1")).when(
        leasing.remit_rent, **paid
    ).then_refused(leasing.RENT_OPEN)


# What it means for the asset --------------------------------------------------


@pytest.mark.target("T27")
@pytest.mark.parametrize("kind", [Kind.VEHICLE, Kind.PREMISES])
def test_kinds_that_are_never_lent_are_never_leased_either(kind: Kind) -> None:
    car = AssetRegistered(asset_no="ZC-2", name="轿车", kind=kind, unit="o_a")
    form = {"case": CASE, "lessor": "o_a"}
    thing(car).when(leasing.hold_for_lease, **form).then_refused(leasing.LEASABLE)
    lenient = Policy(name="place", version=2, never_lent=frozenset())
    thing(car).at(policy=lenient).when(leasing.hold_for_lease, **form).then_granted()


def test_only_spare_things_of_the_lessor_are_held() -> None:
    form = {"case": CASE, "lessor": "o_a"}
    for history in ([], [DeclaredIdle()]):
        thing(carded, *history).when(leasing.hold_for_lease, **form).then(held)
    thing(carded).when(leasing.hold_for_lease, case=CASE, lessor="o_z").then_refused(
        leasing.HOLDER_LEASES
    )
    in_use = IssuedToUser(unit="o_a", user="u_wang")
    thing(carded, in_use).when(leasing.hold_for_lease, **form).then_refused(
        lending.LENDABLE_CUSTODY
    )
    thing(carded, held).when(leasing.hold_for_lease, **form).then_refused(asset.UNLOCKED)


def test_a_lease_moves_custody_and_never_the_books() -> None:
    form: dict[str, Any] = {"lessee": "示例印务有限公司", "due": DUE, "case": CASE}
    idle: list[Event] = [carded, DeclaredIdle(), held]
    thing(*idle).when(leasing.lease_out, **form).then(leased).then_state(
        custody=Custody.LEASED, home=Custody.IDLE, lock=Lock.NONE, due=DUE, accounting_unit="o_a"
    )
    thing(*idle).when(leasing.lease_out, **form, scanned="ZC-9").then_refused(handover.SCANNED_THAT)
    thing(carded).when(leasing.lease_out, **form).then_refused(holding.HELD_BY_CASE)
    thing(*idle, leased).when(leasing.end_lease, case=CASE, result="worn").then(
        LeaseEnded(result=ReturnResult.WORN)
    ).then_state(custody=Custody.IDLE, home=Custody.NONE, due=None, case="", grade="正常磨损")
    thing(*idle, leased).when(leasing.end_lease, case="lease/Y", result="worn").then_refused(
        holding.HELD_BY_CASE
    )
    thing(*idle).when(leasing.end_lease, case=CASE, result="worn").then_refused(leasing.LEASED)


# On a database ----------------------------------------------------------------


def test_a_lease_from_the_request_to_the_treasury(ledger: Ledger) -> None:
    for piece in ("M1", "M2"):
        ledger.card(piece, kind="instrument")
    ledger.ask("u_clerk", "lease/L", "request", **ask_for)
    ledger.ask("u_office", "lease/L", "approve", approval_no="租1")
    assert ledger.state("asset/M1").custody is Custody.STORE
    ledger.ask("u_clerk", "lease/L", "sign", agreement="协1", rent=50_000, due=DUE)
    ledger.docs = (slip,)
    both = {"assets": ["M1", "M2"], "scanned": "ZC-M1"}
    ledger.refuses(INCOMPATIBLE, "u_office", "lease/L", "deliver", **both)
    ledger.ask("u_keeper", "lease/L", "deliver", **both)
    assert ledger.state("asset/M2").custody is Custody.LEASED
    ledger.ask(
        "u_accountant",
        "lease/L",
        "assess_rent",
        amount=50_000,
        since="2025-07-01",
        until="2025-07-31",
    )
    rent = {"amount": 50_000, "voucher": "缴1"}
    ledger.refuses(INCOMPATIBLE, "u_accountant", "lease/L", "remit_rent", **rent)
    ledger.ask("u_cashier", "lease/L", "remit_rent", **rent)
    ledger.ask("u_keeper", "lease/L", "take_back", **both, result="sound")
    assert ledger.state("lease/L").status is LeaseStatus.CLOSED
    assert ledger.state("asset/M1").custody is Custody.STORE
