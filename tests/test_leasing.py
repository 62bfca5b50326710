"""Leasing out: approved, agreed and delivered on paper; the rent belongs to the treasury."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import asset, handover, holding, lease_terms, leasing, lending
from domain.approval import LAST_STEP, Endorsed, RouteLaid, Stage
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Document, Event
from domain.duties import INCOMPATIBLE
from domain.handover import CalledBack, CameBackUndelivered, HandedOut, PutInTransit
from domain.holding import HeldForProcess, ItemsDeclined
from domain.lease_terms import (
    LeaseCutShort,
    LeaseEndedEarly,
    LeaseExtended,
    LeaseExtensionApproved,
    LeaseExtensionRequested,
    LeaseExtensionWithdrawn,
    LeaseTermExtended,
)
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
gave1 = HandedOut(asset="M1", giver="u_keeper")
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


def test_nothing_is_given_out_before_the_agreement_or_without_evidence() -> None:
    for history in ([requested], [requested, approved]):
        lease(*history).when(leasing.hand_out, assets=["M1"]).then_refused(leasing.SIGNED)
    ready = lease(requested, approved, signed).at(by="u_keeper")
    ready.when(leasing.hand_out, assets=["M1"]).then_refused(handover.WAY_PROVED)
    form = {"to_unit": None, "case": CASE, "scanned": "ZC-1"}
    ready.when(leasing.hand_out, assets=["M1"], scanned="ZC-1").then(
        HandedOut(asset="M1", giver="u_keeper", scanned="ZC-1"), Ask("asset/M1", "hand_out", form)
    ).then_state(status=LeaseStatus.SIGNED, out=frozenset(), sent=frozenset({("M1", "u_keeper")}))
    ready.when(leasing.hand_out, assets=["M3"]).then_refused(holding.ON_THE_LIST)
    ready.at(unit="o_z").when(leasing.hand_out, assets=["M1"]).then_refused(handover.GIVING_SIDE)


@pytest.mark.target("T23", "T24")
def test_another_person_records_that_the_lessee_signed_for_it() -> None:
    sent = lease(requested, approved, signed, gave1).at(by="u_clerk")
    sent.when(leasing.confirm_delivery, assets=["M1"]).then_refused(leasing.SLIP_SIGNED)
    with_slip = sent.at(docs=(slip,))
    for who in ({"by": "u_keeper"}, {"behalf": "u_keeper"}):
        lease(requested, approved, signed, gave1).at(docs=(slip,), **who).when(
            leasing.confirm_delivery, assets=["M1"]
        ).then_refused(handover.TWO_PEOPLE)
    form = {"lessee": "示例印务有限公司", "due": DUE, "case": CASE, "scanned": ""}
    with_slip.when(leasing.confirm_delivery, assets=["M1"]).then(
        LeaseDelivered(asset="M1"), Ask("asset/M1", "lease_out", form)
    ).then_state(
        status=LeaseStatus.RUNNING, out=frozenset({"M1"}), waiting=frozenset({"M2"}),
        sent=frozenset(),
    )  # fmt: skip
    with_slip.when(leasing.confirm_delivery, assets=["M2"]).then_refused(holding.ON_THE_LIST)
    lease(requested, approved, signed).when(leasing.confirm_delivery, assets=["M1"]).then_refused(
        handover.SOMETHING_SENT
    )
    sent.when(leasing.withdraw, reason="无").then_refused(leasing.NOT_BEGUN)


@pytest.mark.target("T24")
def test_what_the_lessee_did_not_take_goes_back_to_who_gave_it() -> None:
    lease(requested, approved, signed, gave1).at(by="u_keeper").when(
        handover.call_back, assets=["M1"], reason="无人在场"
    ).then(
        CalledBack(asset="M1", reason="无人在场"),
        Ask("asset/M1", "come_back_undelivered", {"case": CASE, "reason": "无人在场"}),
    ).then_state(sent=frozenset(), waiting=frozenset({"M1", "M2"}))


def test_what_was_not_delivered_is_let_go() -> None:
    lease(requested, approved, signed, out1).when(leasing.withdraw_rest, reason="够用").then(
        LeaseRestWithdrawn(reason="够用"),
        Ask("asset/M2", "release", {"case": CASE, "reason": "够用"}),
    ).then_state(status=LeaseStatus.RUNNING, waiting=frozenset())
    for history, rule in (([], leasing.RUNNING), ([out1, out2], leasing.REST_WAITING)):
        lease(requested, approved, signed, *history).when(
            leasing.withdraw_rest, reason="无"
        ).then_refused(rule)


def test_each_piece_comes_back_by_the_slip_and_with_its_own_result() -> None:
    out = lease(requested, approved, signed, out1, out2).at(by="u_clerk")
    out.when(leasing.hand_back, assets=["M1"], scanned="ZC-1").then_refused(leasing.SLIP_SIGNED)
    out.when(leasing.take_back, assets=["M1"], result="sound").then_refused(leasing.COMING_BACK)
    asked = {"to_unit": "o_a", "case": CASE, "scanned": ""}
    out.at(docs=(slip,)).when(leasing.hand_back, assets=["M1"]).then(
        HandedOut(asset="M1", giver="u_clerk"), Ask("asset/M1", "hand_out", asked)
    )
    gave = [HandedOut(asset=a, giver="u_clerk") for a in ("M1", "M2")]
    both = lease(requested, approved, signed, out1, out2, *gave).at(by="u_keeper", docs=(slip,))
    form = {"case": CASE, "result": ReturnResult.DAMAGED, "note": "缺件", "scanned": ""}
    damaged = {"result": "damaged", "note": "缺件", "compensation": 9_000}
    both.when(leasing.take_back, assets=["M1"], **damaged).then(
        LeaseItemReturned(asset="M1", result=ReturnResult.DAMAGED, note="缺件", compensation=9_000),
        Ask("asset/M1", "end_lease", form),
    ).then_state(status=LeaseStatus.RUNNING)
    lease(requested, approved, signed, out1, out2, *gave).at(by="u_clerk", docs=(slip,)).when(
        leasing.take_back, assets=["M1"], result="sound"
    ).then_refused(handover.TWO_PEOPLE)
    both.when(leasing.take_back, assets=["M1", "M2"], **damaged).then_refused(
        lending.ONE_COMPENSATED
    )
    both.when(leasing.take_back, assets=["M1", "M2"], result="sound").then_state(
        status=LeaseStatus.CLOSED
    )
    lease(requested, approved, signed, out1, back1, LeaseRestWithdrawn(reason="够用")).when(
        leasing.hand_back, assets=["M1"]
    ).then_refused(leasing.RUNNING)
    lease(requested, approved, signed, out1, back1).when(
        leasing.hand_back, assets=["M1"]
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
    sent = [*idle, PutInTransit(case=CASE)]
    thing(*sent).when(leasing.lease_out, **form).then(leased).then_state(
        custody=Custody.LEASED, home=Custody.IDLE, lock=Lock.NONE, due=DUE, accounting_unit="o_a"
    )
    thing(*sent).when(leasing.lease_out, **form, scanned="ZC-9").then_refused(handover.SCANNED_THAT)
    thing(*idle).when(leasing.lease_out, **form).then_refused(handover.TAKEN_FROM_TRANSIT)
    out = [*sent, leased]
    thing(*out).when(handover.hand_out, case=CASE, to_unit="o_a").then(
        PutInTransit(case=CASE, to_unit="o_a")
    ).then_state(custody=Custody.TRANSIT, home=Custody.IDLE)
    thing(*out).when(handover.hand_out, case="lease/Y").then_refused(holding.HELD_BY_CASE)
    coming = [*out, PutInTransit(case=CASE, to_unit="o_a")]
    thing(*coming).when(leasing.end_lease, case=CASE, result="worn").then(
        LeaseEnded(result=ReturnResult.WORN)
    ).then_state(custody=Custody.IDLE, home=Custody.NONE, due=None, case="", grade="正常磨损")
    thing(*coming).when(leasing.end_lease, case="lease/Y", result="worn").then_refused(
        holding.HELD_BY_CASE
    )
    thing(*out).when(leasing.end_lease, case=CASE, result="worn").then_refused(
        handover.TAKEN_FROM_TRANSIT
    )


@pytest.mark.target("T24")
def test_a_failed_hand_over_leaves_it_where_it_was_on_both_ways() -> None:
    back = CameBackUndelivered(case=CASE, reason="无人")
    idle: list[Event] = [carded, DeclaredIdle(), held, PutInTransit(case=CASE)]
    thing(*idle, back).then_state(custody=Custody.IDLE, home=Custody.NONE, lock=Lock.RESERVED)
    out = [*idle, leased, PutInTransit(case=CASE, to_unit="o_a")]
    thing(*out, back).then_state(custody=Custody.LEASED, home=Custody.IDLE, due=DUE)


# The term ---------------------------------------------------------------------

LATER = date(2026, 12, 31)
PER = Policy(name="place", version=3, lease_days_max=366, lease_extensions_max=1)
running: list[Event] = [requested, approved, signed, out1, out2]
longer = LeaseExtensionRequested(applicant="u_two", due=LATER, rent=50_000, reason="业务需要")
granted = LeaseExtensionApproved(approval_no="续1")
extended = LeaseExtended(agreement="协2", rent=50_000, due=LATER)
want: dict[str, Any] = {"due": LATER, "rent": 50_000, "reason": "业务需要"}


def test_a_lease_is_no_longer_than_the_place_allows() -> None:
    last = TODAY + timedelta(days=366)
    for due, rule in ((last, None), (last + timedelta(days=1), leasing.WITHIN_TERM)):
        answer = lease().at(policy=PER).when(leasing.request, **ask_for | {"due": due})
        answer.then_refused(rule) if rule else answer.then_granted()
    lease().when(leasing.request, **ask_for | {"due": date(2099, 1, 1)}).then_granted()


def test_a_longer_term_is_asked_for_within_the_limits_of_the_place() -> None:
    asking = lease(*running).at(by="u_two")
    asking.when(lease_terms.request_extension, **want).then(longer).then_state(
        extended_due=LATER, extended_rent=50_000, due=DUE
    )
    for due, rule in ((DUE, lending.DUE_AHEAD), (DUE + timedelta(days=1), None)):
        answer = asking.when(lease_terms.request_extension, **want | {"due": due})
        answer.then_refused(rule) if rule else answer.then_granted()
    asking.when(lease_terms.request_extension, **want | {"rent": 0}).then_refused(
        leasing.RENT_ASKED
    )
    last = TODAY + timedelta(days=366)
    limited = lease(*running).at(by="u_two", policy=PER)
    limited.when(lease_terms.request_extension, **want | {"due": last}).then_granted()
    limited.when(
        lease_terms.request_extension, **want | {"due": last + timedelta(days=1)}
    ).then_refused(leasing.WITHIN_TERM)
    lease(*running, longer, granted, extended).at(policy=PER).when(
        lease_terms.request_extension, **want | {"due": LATER + timedelta(days=1)}
    ).then_refused(lease_terms.EXTENSIONS_LEFT)
    lease(*running, longer).when(lease_terms.request_extension, **want).then_refused(
        lease_terms.NOT_ASKED
    )
    lease(requested, approved, signed).when(lease_terms.request_extension, **want).then_refused(
        leasing.RUNNING
    )


def test_a_longer_term_goes_the_route_of_the_place_like_the_lease_itself() -> None:
    steps = (Step(role=Role.HEAD, body=Body.OWN), Step(role=Role.FINANCE, body=Body.FINANCE))
    place = Policy(name="place", version=1, routes=(Route(action=Action.LEASE, steps=steps),))
    laid = RouteLaid(
        policy="place@1",
        stages=(Stage(role="head", unit="o_a"), Stage(role="finance", unit="o_f")),
    )
    once = [requested, laid, Endorsed(), approved, signed, out1, out2]
    asking = lease(*once).at(by="u_two", policy=place, bodies={"own": "o_a", "finance": "o_f"})
    asking.when(lease_terms.request_extension, **want).then(longer, laid)
    decide = {"approval_no": "续1"}
    lease(*once, longer, laid).at(role="head").when(
        lease_terms.approve_extension, **decide
    ).then_refused(LAST_STEP)
    lease(*once, longer, laid).at(role="finance", unit="o_f").when(
        lease_terms.approve_extension, **decide
    ).then_refused(leasing.MY_TURN)
    lease(*once, longer, laid, Endorsed()).at(role="finance", unit="o_f").when(
        lease_terms.approve_extension, **decide
    ).then(granted)


@pytest.mark.target("T30")
def test_nobody_decides_the_extension_they_asked_for() -> None:
    for verb, form in (
        (lease_terms.approve_extension, {"approval_no": "续1"}),
        (lease_terms.refuse_extension, {"reason": "另有安排"}),
    ):
        lease(*running, longer).at(by="u_two").when(verb, **form).then_refused(
            lease_terms.OTHERS_EXTENSION
        )
        lease(*running, longer).at(by="u_clerk").when(verb, **form).then_refused(
            holding.OTHER_PERSON
        )
        lease(*running, longer).at(by="u_office").when(verb, **form).then_granted()
        lease(*running).at(by="u_office").when(verb, **form).then_refused(lease_terms.ASKED)
    lease(*running, longer).at(by="u_office").when(
        lease_terms.refuse_extension, reason="另有安排"
    ).then_state(extended_due=None, due=DUE)


def test_the_longer_term_holds_when_the_lessee_has_signed_and_never_worse_than_approved() -> None:
    form: dict[str, Any] = {"agreement": "协2", "rent": 50_000, "due": LATER}
    lease(*running, longer).when(lease_terms.sign_extension, **form).then_refused(
        lease_terms.APPROVED
    )
    ready = lease(*running, longer, granted)
    ready.when(lease_terms.sign_extension, **form).then(
        extended, *(Ask(f"asset/{a}", "extend_lease", {"due": LATER}) for a in ("M1", "M2"))
    ).then_state(due=LATER, agreement="协2", extensions=1, extended_due=None)
    for worse in ({"rent": 49_999}, {"due": LATER + timedelta(days=1)}):
        ready.when(lease_terms.sign_extension, **form | worse).then_refused(leasing.NOT_WORSE)
    ready.when(lease_terms.sign_extension, **form | {"due": DUE}).then_refused(lending.DUE_AHEAD)
    coming = lease(*running, longer, granted, HandedOut(asset="M1", giver="u_clerk"))
    coming.when(lease_terms.sign_extension, **form).then(
        extended, Ask("asset/M2", "extend_lease", {"due": LATER})
    )
    out: list[Event] = [carded, held, PutInTransit(case=CASE), leased]
    thing(*out).when(lease_terms.extend_lease, due=LATER).then(
        LeaseTermExtended(due=LATER)
    ).then_state(due=LATER)
    thing(carded).when(lease_terms.extend_lease, due=LATER).then_refused(lease_terms.ON_LEASE)


def test_an_extension_is_withdrawn_until_it_is_signed_and_ends_with_the_lease() -> None:
    gone = LeaseExtensionWithdrawn(reason="不续")
    for history in ([longer], [longer, granted]):
        lease(*running, *history).when(lease_terms.withdraw_extension, reason="不续").then(
            gone
        ).then_state(extended_due=None, extension_no="")
    lease(*running).when(lease_terms.withdraw_extension, reason="不续").then_refused(
        lease_terms.OPEN
    )
    back2 = LeaseItemReturned(asset="M2", result=ReturnResult.SOUND)
    lease(*running, longer, back1, back2).then_state(status=LeaseStatus.CLOSED, extended_due=None)


def test_a_lease_ends_early_by_a_paper_and_what_waits_is_let_go() -> None:
    paper = Document(type="agreement", number="终1")
    part = lease(requested, approved, signed, out1).at(by="u_head", docs=(paper,))
    ended = LeaseEndedEarly(last_day=TODAY, reason="单位需用")
    early = {"last_day": TODAY, "reason": "单位需用"}
    part.when(lease_terms.end_early, **early).then(
        ended,
        Ask("asset/M2", "release", {"case": CASE, "reason": "单位需用"}),
        Ask("asset/M1", "cut_lease_short", {"due": TODAY}),
    ).then_state(due=TODAY, waiting=frozenset(), out=frozenset({"M1"}), status=LeaseStatus.RUNNING)
    part.at(docs=()).when(lease_terms.end_early, **early).then_refused(lease_terms.END_AGREED)
    for day, fits in (
        (TODAY - timedelta(days=1), False),
        (TODAY, True),
        (DUE - timedelta(days=1), True),
        (DUE, False),
    ):
        answer = part.at(docs=(paper,)).when(lease_terms.end_early, last_day=day, reason="需用")
        answer.then_granted() if fits else answer.then_refused(lease_terms.EARLIER)
    part.at(by="u_clerk").when(lease_terms.end_early, **early).then_refused(holding.OTHER_PERSON)
    out: list[Event] = [carded, held, PutInTransit(case=CASE), leased]
    thing(*out).when(lease_terms.cut_lease_short, due=TODAY).then(
        LeaseCutShort(due=TODAY)
    ).then_state(due=TODAY)


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
    ledger.refuses(INCOMPATIBLE, "u_office", "lease/L", "hand_out", **both)
    ledger.ask("u_keeper", "lease/L", "hand_out", **both)
    assert ledger.state("asset/M2").custody is Custody.TRANSIT
    ledger.refuses(handover.TWO_PEOPLE, "u_keeper", "lease/L", "confirm_delivery", **both)
    ledger.ask("u_clerk", "lease/L", "confirm_delivery", **both)
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
    ledger.ask("u_clerk", "lease/L", "request_extension", due=LATER, rent=50_000, reason="续")
    ledger.ask("u_office", "lease/L", "approve_extension", approval_no="续1")
    ledger.ask("u_clerk", "lease/L", "sign_extension", agreement="协2", rent=50_000, due=LATER)
    assert ledger.state("asset/M2").due == LATER
    ledger.ask("u_office", "lease/L", "end_early", last_day=TODAY, reason="单位需用")
    assert ledger.state("asset/M1").due == TODAY
    ledger.ask("u_clerk", "lease/L", "hand_back", **both)
    ledger.refuses(handover.TWO_PEOPLE, "u_clerk", "lease/L", "take_back", **both, result="sound")
    ledger.ask("u_keeper", "lease/L", "take_back", **both, result="sound")
    assert ledger.state("lease/L").status is LeaseStatus.CLOSED
    assert ledger.state("asset/M1").custody is Custody.STORE
