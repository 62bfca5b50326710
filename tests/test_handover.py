"""A hand-over takes two people and a proof; one missing side leaves the thing in transit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from given import Ledger, given

from domain import asset, handover, holding, lending
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Document
from domain.duties import INCOMPATIBLE
from domain.handover import CalledBack, CameBackUndelivered, HandedOut, PutInTransit
from domain.holding import HeldForProcess
from domain.labelling import LabelBound
from domain.lending import AssetLent, LoanApproved, LoanHandedOver, LoanRequested, LoanStatus
from domain.use import RepairStarted

DUE = date(2025, 8, 31)
CASE = "loan/X"
loan = partial(given, lending.lifecycle)
thing = partial(given, asset.lifecycle)

requested = LoanRequested(
    applicant="u_b", lender="o_a", borrower="o_b", assets=("A", "B"), due=DUE, purpose="培训"
)
approved = LoanApproved(approval_no="借1")
out_a, out_b = (HandedOut(asset=a, giver="u_giver") for a in ("A", "B"))
slip = Document(type="hand_over_slip", number="交1")

carded = AssetRegistered(asset_no="ZC-1", name="台式计算机", kind=Kind.COMPUTER, unit="o_a")
labelled = LabelBound(label="GW-1")
held = HeldForProcess(case=CASE, lock=Lock.RESERVED)
on_way = PutInTransit(case=CASE, to_unit="o_b")
lent = AssetLent(borrower="o_b", due=DUE, case=CASE)

ask_for: dict[str, Any] = {
    "lender": "o_a",
    "borrower": "o_b",
    "assets": ["A", "B"],
    "due": DUE,
    "purpose": "培训",
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# Two people -------------------------------------------------------------------


@pytest.mark.target("T24")
def test_one_person_does_not_confirm_both_sides() -> None:
    sent = loan(requested, approved, out_a)
    form = {"assets": ["A"], "scanned": "ZC-1"}
    sent.at(unit="o_b", by="u_giver").when(lending.take_in, **form).then_refused(
        handover.TWO_PEOPLE
    )
    sent.at(unit="o_b", by="u_taker").when(lending.take_in, **form).then_granted()


@pytest.mark.target("T24")
def test_nobody_confirms_both_sides_through_a_delegation() -> None:
    form = {"assets": ["A"], "scanned": "ZC-1"}
    sent = loan(requested, approved, out_a).at(unit="o_b", by="u_other", behalf="u_giver")
    sent.when(lending.take_in, **form).then_refused(handover.TWO_PEOPLE)
    stead = HandedOut(asset="A", giver="u_other", giver_for="u_giver")
    loan(requested, approved).at(by="u_other", behalf="u_giver").when(
        lending.hand_out, **form
    ).then_state(sent=frozenset({("A", "u_other"), ("A", "u_giver")}))
    for person in ("u_other", "u_giver"):
        loan(requested, approved, stead).at(unit="o_b", by=person).when(
            lending.take_in, **form
        ).then_refused(handover.TWO_PEOPLE)


def test_who_approved_does_not_hand_over(ledger: Ledger) -> None:
    for piece in ("A", "B"):
        ledger.card(piece)
    ledger.ask("u_b", "loan/L", "request", **ask_for)
    ledger.ask("u_head", "loan/L", "approve", approval_no="借1")
    form = {"assets": ["A"], "scanned": "ZC-A"}
    ledger.refuses(INCOMPATIBLE, "u_head", "loan/L", "hand_out", **form)
    ledger.ask("u_giver", "loan/L", "hand_out", **form)
    ledger.refuses(INCOMPATIBLE, "u_head", "loan/L", "take_in", **form)


# A proof ----------------------------------------------------------------------


@pytest.mark.target("T24")
def test_each_side_scans_or_signs() -> None:
    ready = loan(requested, approved)
    ready.when(lending.hand_out, assets=["A", "B"], scanned="ZC-1").then_refused(
        handover.WAY_PROVED
    )
    ready.when(lending.hand_out, assets=["A", "B"], scanned="ZC-1\nZC-2").then_granted()
    ready.at(docs=(slip,)).when(lending.hand_out, assets=["A", "B"]).then_granted()
    sent = loan(requested, approved, out_a).at(unit="o_b")
    sent.when(lending.take_in, assets=["A"]).then_refused(handover.WAY_PROVED)
    sent.at(docs=(slip,)).when(lending.take_in, assets=["A"]).then_granted()


def test_codes_are_told_apart_by_what_they_say_not_by_their_order() -> None:
    cards = tuple(
        asset.Asset(asset_no=f"ZC-{n}", label=f"GW-{n}", book=asset.Book.ON_BOOKS) for n in (1, 2)
    )
    ready = loan(requested, approved).at(by="u_giver", listed=cards)
    ready.when(lending.hand_out, assets=["A", "B"], scanned="GW-2，ZC-1").then(
        HandedOut(asset="A", giver="u_giver", scanned="ZC-1"),
        HandedOut(asset="B", giver="u_giver", scanned="GW-2"),
        Ask("asset/A", "hand_out", {"case": CASE, "to_unit": "o_b", "scanned": "ZC-1"}),
        Ask("asset/B", "hand_out", {"case": CASE, "to_unit": "o_b", "scanned": "GW-2"}),
    )
    ready.when(lending.hand_out, assets=["A", "B"], scanned="GW-1\nGW-9").then_refused(
        handover.SCANNED_LISTED
    )


def test_a_code_that_is_not_the_things_own_stops_the_hand_over() -> None:
    here = thing(carded, labelled, held)
    for code in ("ZC-1", "GW-1", ""):
        here.when(handover.hand_out, case=CASE, to_unit="o_b", scanned=code).then(
            PutInTransit(case=CASE, to_unit="o_b")
        )
    here.when(handover.hand_out, case=CASE, scanned="GW-2").then_refused(handover.SCANNED_THAT)
    gone = thing(carded, labelled, held, on_way)
    gone.when(lending.lend, borrower="o_b", due=DUE, case=CASE, scanned="GW-2").then_refused(
        handover.SCANNED_THAT
    )


# In transit -------------------------------------------------------------------


@pytest.mark.target("T23")
def test_approval_moves_nothing_and_two_confirmations_do(ledger: Ledger) -> None:
    for piece in ("A", "B"):
        ledger.card(piece)
    ledger.ask("u_b", "loan/L", "request", **ask_for)
    custody = [ledger.state("asset/A").custody]
    ledger.ask("u_head", "loan/L", "approve", approval_no="借1")
    custody.append(ledger.state("asset/A").custody)
    form = {"assets": ["A"], "scanned": "ZC-A"}
    ledger.ask("u_giver", "loan/L", "hand_out", **form)
    custody.append(ledger.state("asset/A").custody)
    ledger.ask("u_b", "loan/L", "take_in", **form)
    custody.append(ledger.state("asset/A").custody)
    assert custody == [Custody.STORE, Custody.STORE, Custody.TRANSIT, Custody.LENT]


def test_only_the_case_that_holds_or_lent_it_moves_it() -> None:
    for history in ([carded], [carded, HeldForProcess(case="loan/Y", lock=Lock.RESERVED)]):
        thing(*history).when(handover.hand_out, case=CASE).then_refused(holding.HELD_BY_CASE)
    thing(carded, lent).when(handover.hand_out, case=CASE).then_state(custody=Custody.TRANSIT)
    thing(carded, lent).when(handover.hand_out, case="loan/Y").then_refused(holding.HELD_BY_CASE)


def test_what_is_not_at_hand_is_not_given_out() -> None:
    for fact in (on_way, RepairStarted(fault="坏")):
        thing(carded, held, fact).when(handover.hand_out, case=CASE).then_refused(handover.AT_HAND)
    thing().when(handover.hand_out, case=CASE).then_refused(asset.STILL_OURS)


def test_what_was_given_out_cannot_be_withdrawn_any_more() -> None:
    loan(requested, approved, out_a).when(lending.withdraw, reason="不需要").then_refused(
        lending.NOT_BEGUN
    )
    running = loan(requested, approved, LoanHandedOver(asset="A"), out_b)
    running.when(lending.withdraw_rest, reason="够用").then_refused(lending.REST_WAITING)


# A failed hand-over -----------------------------------------------------------


def test_the_giver_calls_back_what_nobody_took_in() -> None:
    form = {"assets": ["A"], "reason": "对方无人接收"}
    sent = loan(requested, approved, out_a)
    sent.at(by="u_giver", role="clerk").when(handover.call_back, **form).then(
        CalledBack(asset="A", reason="对方无人接收"),
        Ask("asset/A", "come_back_undelivered", {"case": CASE, "reason": "对方无人接收"}),
    ).then_state(sent=frozenset(), waiting=frozenset({"A", "B"}), status=LoanStatus.APPROVED)
    sent.at(by="u_x", role="clerk").when(handover.call_back, **form).then_refused(
        handover.GIVER_CALLS_BACK
    )
    sent.at(by="u_x", role="office").when(handover.call_back, **form).then_granted()
    sent.when(handover.call_back, assets=["B"], reason="无").then_refused(holding.ON_THE_LIST)
    loan(requested, approved).when(handover.call_back, **form).then_refused(handover.SOMETHING_SENT)


def test_what_is_called_back_is_where_it_was() -> None:
    form = {"case": CASE, "reason": "对方无人接收"}
    back = CameBackUndelivered(case=CASE, reason="对方无人接收")
    thing(carded, held, on_way).when(handover.come_back_undelivered, **form).then(back).then_state(
        custody=Custody.STORE, home=Custody.NONE, lock=Lock.RESERVED, case=CASE
    )
    thing(carded, held, on_way, lent, on_way).when(handover.come_back_undelivered, **form).then(
        back
    ).then_state(custody=Custody.LENT, home=Custody.STORE, borrower="o_b", case=CASE)
    thing(carded, held).when(handover.come_back_undelivered, **form).then_refused(
        handover.TAKEN_FROM_TRANSIT
    )
    thing(carded, held, on_way).when(
        handover.come_back_undelivered, case="loan/Y", reason="无"
    ).then_refused(holding.HELD_BY_CASE)
