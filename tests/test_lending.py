"""Lending: approval reserves, the hand-over lends, each piece comes back by itself (#20-#22, #33)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given

from domain import asset, handover, holding, lending, use
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Event
from domain.handover import HandedOut, PutInTransit
from domain.holding import HeldForProcess, ItemsDeclined, ReleasedFromProcess
from domain.leaving import PutUpForDisposal
from domain.lending import (
    AssetLent,
    LoanApproved,
    LoanExtended,
    LoanHandedOver,
    LoanItemReturned,
    LoanRefused,
    LoanRequested,
    LoanRestWithdrawn,
    LoanStatus,
    LoanTermExtended,
    LoanWithdrawn,
    ReturnInspected,
    ReturnResult,
)
from domain.policy import Policy
from domain.reallocation import TransferredOut
from domain.unit import BEFORE_ITS_END
from domain.use import DeclaredIdle, IdleGround, IssuedToUser, RepairStarted
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse

DUE = date(2025, 8, 31)
LOAN = "loan/X"  # the stream whose verb is asked
loan = partial(given, lending.lifecycle)
thing = partial(given, asset.lifecycle)

requested = LoanRequested(
    applicant="u_borrower",
    lender="o_a",
    borrower="o_b",
    assets=("PC1", "PC2"),
    due=DUE,
    purpose="培训",
)
approved = LoanApproved(approval_no="借1")
out1, out2 = (HandedOut(asset=a, giver="u_keeper", scanned=f"ZC-{a}") for a in ("PC1", "PC2"))
sent_back1 = HandedOut(asset="PC1", giver="u_borrower", scanned="ZC-PC1")
sent_back2 = HandedOut(asset="PC2", giver="u_borrower", scanned="ZC-PC2")
handed1, handed2 = LoanHandedOver(asset="PC1"), LoanHandedOver(asset="PC2")
back1 = LoanItemReturned(asset="PC1", result=ReturnResult.SOUND)
back2 = LoanItemReturned(asset="PC2", result=ReturnResult.DAMAGED)

carded = AssetRegistered(asset_no="ZC-1", name="台式计算机", kind=Kind.COMPUTER, unit="o_a")
held = HeldForProcess(case=LOAN, lock=Lock.RESERVED)
on_way = PutInTransit(case=LOAN, to_unit="o_b")
lent = AssetLent(borrower="o_b", due=DUE, case=LOAN)
stored = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_wh")
virtual = ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)

ask_for: dict[str, Any] = {
    "lender": "o_a",
    "borrower": "o_b",
    "assets": ["PC1", "PC2"],
    "due": DUE,
    "purpose": "培训",
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# The request and its answer ---------------------------------------------------


def test_a_request_reserves_every_piece() -> None:
    form = {"case": LOAN, "lender": "o_a"}
    loan().at(by="u_borrower").when(lending.request, **ask_for).then(
        requested,
        Ask("unit/o_b", "give_back_by", {"due": DUE}),
        Ask("asset/PC1", "hold_for_loan", form),
        Ask("asset/PC2", "hold_for_loan", form),
    )


def test_the_earliest_due_date_is_tomorrow() -> None:
    loan().when(lending.request, **ask_for | {"due": TODAY + timedelta(days=1)}).then_granted()
    for due in (TODAY, TODAY - timedelta(days=1)):
        loan().when(lending.request, **ask_for | {"due": due}).then_refused(lending.DUE_AHEAD)


def test_a_term_ends_where_the_policy_of_the_place_ends_it() -> None:
    half_a_year = Policy(name="place", version=1, loan_days_max=180)
    last = TODAY + timedelta(days=180)
    ask = loan().at(policy=half_a_year).when
    ask(lending.request, **ask_for | {"due": last}).then_granted()
    ask(lending.request, **ask_for | {"due": last + timedelta(days=1)}).then_refused(
        lending.WITHIN_TERM
    )


def test_where_the_law_gives_no_limit_there_is_none() -> None:
    loan().when(lending.request, **ask_for | {"due": date(2035, 1, 1)}).then_granted()


@pytest.mark.parametrize("assets", [[], ["PC1", "PC1"], [f"P{n}" for n in range(2001)]])
def test_a_list_names_one_to_two_thousand_different_assets(assets: list[str]) -> None:
    loan().when(lending.request, **ask_for | {"assets": assets}).then_refused(holding.LIST_FILLED)
    full = [f"P{n}" for n in range(2000)]
    loan().when(lending.request, **ask_for | {"assets": full}).then_granted()


def test_a_unit_does_not_lend_to_itself() -> None:
    loan().when(lending.request, **ask_for | {"borrower": "o_a"}).then_refused(lending.TWO_UNITS)


def test_a_loan_is_requested_once() -> None:
    for history in ([requested], [requested, approved], [requested, LoanRefused(reason="无")]):
        loan(*history).when(lending.request, **ask_for).then_refused(lending.NEW)


def test_approval_moves_nothing() -> None:
    loan(requested).when(lending.approve, approval_no="借1").then(approved).then_state(
        status=LoanStatus.APPROVED, waiting=frozenset({"PC1", "PC2"}), out=frozenset()
    )


def test_a_refusal_frees_every_piece() -> None:
    form = {"case": LOAN, "reason": "另有安排"}
    loan(requested).when(lending.refuse, reason="另有安排").then(
        LoanRefused(reason="另有安排"),
        Ask("asset/PC1", "release", form),
        Ask("asset/PC2", "release", form),
    ).then_state(status=LoanStatus.REFUSED, waiting=frozenset())


def test_nobody_decides_their_own_request() -> None:
    mine = loan(requested).at(by="u_borrower")
    mine.when(lending.approve, approval_no="借1").then_refused(holding.OTHER_PERSON)
    mine = loan(requested).at(by="u_borrower")
    mine.when(lending.refuse, reason="无").then_refused(holding.OTHER_PERSON)


def test_only_an_open_request_is_decided() -> None:
    for history in ([], [requested, approved], [requested, LoanWithdrawn(reason="无")]):
        loan(*history).when(lending.approve, approval_no="借1").then_refused(lending.REQUESTED)
        loan(*history).when(lending.refuse, reason="无").then_refused(lending.REQUESTED)


@pytest.mark.parametrize("history", [[requested], [requested, approved]])
def test_a_loan_is_withdrawn_until_the_first_piece_is_out(history: list[Event]) -> None:
    form = {"case": LOAN, "reason": "不需要"}
    loan(*history).when(lending.withdraw, reason="不需要").then(
        LoanWithdrawn(reason="不需要"),
        Ask("asset/PC1", "release", form),
        Ask("asset/PC2", "release", form),
    ).then_state(status=LoanStatus.WITHDRAWN)
    for begun in ([], [requested, approved, handed1], [requested, LoanRefused(reason="无")]):
        loan(*begun).when(lending.withdraw, reason="不需要").then_refused(lending.NOT_BEGUN)


def test_what_still_waits_when_the_loan_runs_can_be_let_go() -> None:
    loan(requested, approved, handed1).when(lending.withdraw_rest, reason="已够用").then(
        LoanRestWithdrawn(reason="已够用"),
        Ask("asset/PC2", "release", {"case": LOAN, "reason": "已够用"}),
    ).then_state(status=LoanStatus.RUNNING, waiting=frozenset(), out=frozenset({"PC1"}))
    loan(requested, approved, handed1, back1).when(
        lending.withdraw_rest, reason="已够用"
    ).then_state(status=LoanStatus.CLOSED)
    loan(requested, approved).when(lending.withdraw_rest, reason="无").then_refused(lending.RUNNING)
    loan(requested, approved, handed1, handed2).when(
        lending.withdraw_rest, reason="无"
    ).then_refused(lending.REST_WAITING)


# Hand-over --------------------------------------------------------------------


def test_giving_a_piece_out_puts_it_in_transit() -> None:
    form = {"case": LOAN, "to_unit": "o_b", "scanned": "ZC-PC1"}
    loan(requested, approved).at(by="u_keeper").when(
        lending.hand_out, assets=["PC1"], scanned="ZC-PC1"
    ).then(out1, Ask("asset/PC1", "hand_out", form)).then_state(
        status=LoanStatus.APPROVED,
        waiting=frozenset({"PC1", "PC2"}),
        sent=frozenset({("PC1", "u_keeper")}),
    )


def test_taking_it_in_lends_the_asset() -> None:
    form = {"borrower": "o_b", "due": DUE, "case": LOAN, "need": None, "scanned": "ZC-PC1"}
    loan(requested, approved, out1).at(unit="o_b").when(
        lending.take_in, assets=["PC1"], scanned="ZC-PC1"
    ).then(
        LoanHandedOver(asset="PC1", scanned="ZC-PC1"), Ask("asset/PC1", "lend", form)
    ).then_state(
        status=LoanStatus.RUNNING,
        waiting=frozenset({"PC2"}),
        out=frozenset({"PC1"}),
        sent=frozenset(),
    )


def test_nothing_is_given_out_without_approval() -> None:
    for history in ([], [requested], [requested, LoanRefused(reason="无")]):
        loan(*history).when(lending.hand_out, assets=["PC1"]).then_refused(lending.AGREED)


@pytest.mark.parametrize("piece", ["PC1", "PC3"])
def test_only_what_is_on_the_list_and_waits_is_given_out(piece: str) -> None:
    for history in ([handed1], [out1]):
        loan(requested, approved, *history).when(
            lending.hand_out, assets=[piece], scanned="x"
        ).then_refused(holding.ON_THE_LIST)


@pytest.mark.parametrize("piece", ["PC2", "PC3"])
def test_only_what_was_given_out_is_taken_in(piece: str) -> None:
    loan(requested, approved, out1).at(unit="o_b").when(
        lending.take_in, assets=[piece], scanned="x"
    ).then_refused(holding.ON_THE_LIST)
    loan(requested, approved).at(unit="o_b").when(lending.take_in, assets=[piece]).then_refused(
        handover.SOMETHING_SENT
    )


def test_each_side_confirms_its_own_part() -> None:
    """The lender gives and inspects, the borrower takes and hands back."""
    running = [requested, approved, out1, handed1]
    for history, verb, side, rule in (
        ([requested, approved], lending.hand_out, "o_a", handover.GIVING_SIDE),
        ([requested, approved, out1], lending.take_in, "o_b", handover.TAKING_SIDE),
        (running, lending.hand_back, "o_b", handover.TAKING_SIDE),
    ):
        form = {"assets": ["PC1"], "scanned": "ZC-PC1"}
        loan(*history).at(unit=side).when(verb, **form).then_granted()
        other = {"o_a": "o_b", "o_b": "o_a"}[side]
        for unit in (other, "o_z"):
            loan(*history).at(unit=unit).when(verb, **form).then_refused(rule)
    back = {"assets": ["PC1"], "scanned": "ZC-PC1", "result": "sound"}
    loan(*running, sent_back1).at(unit="o_a").when(lending.inspect_return, **back).then_granted()
    loan(*running, sent_back1).at(unit="o_b").when(lending.inspect_return, **back).then_refused(
        handover.GIVING_SIDE
    )


def test_only_part_of_the_list_is_approved_with_a_reason_for_the_rest() -> None:
    form = {"approval_no": "借1", "assets": ["PC1"]}
    loan(requested).when(lending.approve, **form).then_refused(holding.REST_EXPLAINED)
    loan(requested).when(lending.approve, **form, reason="另有安排").then(
        approved,
        ItemsDeclined(assets=("PC2",), reason="另有安排"),
        Ask("asset/PC2", "release", {"case": LOAN, "reason": "另有安排"}),
    ).then_state(waiting=frozenset({"PC1"}), status=LoanStatus.APPROVED)
    loan(requested).when(lending.approve, approval_no="借1", assets=["PC1", "PC2"]).then(approved)
    loan(requested).when(lending.approve, approval_no="借1", assets=["PC3"]).then_refused(
        holding.ON_THE_LIST
    )


# Extension --------------------------------------------------------------------


def test_an_extension_reaches_every_piece_that_is_out() -> None:
    later = DUE + timedelta(days=1)
    loan(requested, approved, handed1, handed2, back1).when(
        lending.extend, due=later, reason="延期"
    ).then(
        LoanExtended(due=later, reason="延期"),
        Ask("unit/o_b", "give_back_by", {"due": later}),
        Ask("asset/PC2", "extend_loan", {"due": later}),
    ).then_state(due=later, extensions=1)


def test_an_extension_makes_the_term_longer() -> None:
    running = loan(requested, approved, handed1)
    running.when(lending.extend, due=DUE, reason="延期").then_refused(lending.DUE_AHEAD)


def test_extensions_are_counted_where_the_place_limits_them() -> None:
    twice = Policy(name="place", version=1, loan_extensions_max=2, loan_days_max=180)
    running = [requested, approved, handed1]
    more = [LoanExtended(due=DUE + timedelta(days=n), reason="延") for n in (1, 2)]
    later = {"due": DUE + timedelta(days=9), "reason": "延期"}
    loan(*running, more[0]).at(policy=twice).when(lending.extend, **later).then_granted()
    loan(*running, *more).at(policy=twice).when(lending.extend, **later).then_refused(
        lending.EXTENSIONS_LEFT
    )
    loan(*running, *more).when(lending.extend, **later).then_granted()
    too_long = {"due": TODAY + timedelta(days=181), "reason": "延期"}
    loan(*running).at(policy=twice).when(lending.extend, **too_long).then_refused(
        lending.WITHIN_TERM
    )


def test_only_what_is_out_is_extended_or_returned() -> None:
    for history in ([], [requested], [requested, approved, handed1, handed2, back1, back2]):
        asks = loan(*history).when
        asks(lending.extend, due=DUE + timedelta(days=1), reason="延").then_refused(lending.RUNNING)
        asks(lending.hand_back, assets=["PC1"]).then_refused(lending.RUNNING)
        asks(lending.inspect_return, assets=["PC1"], result="sound").then_refused(lending.RUNNING)
    waiting = loan(requested, approved, handed1, back1).when
    waiting(lending.extend, due=DUE + timedelta(days=1), reason="延").then_refused(lending.OUT)
    waiting(lending.hand_back, assets=["PC2"]).then_refused(lending.OUT)
    waiting(lending.inspect_return, assets=["PC2"], result="sound").then_refused(
        lending.COMING_BACK
    )


def test_what_is_on_its_way_back_is_not_extended() -> None:
    later = {"due": DUE + timedelta(days=1), "reason": "延"}
    both = [requested, approved, handed1, handed2]
    loan(*both, sent_back1).when(lending.extend, **later).then(
        LoanExtended(**later),
        Ask("unit/o_b", "give_back_by", {"due": later["due"]}),
        Ask("asset/PC2", "extend_loan", {"due": later["due"]}),
    )
    loan(*both, sent_back1, sent_back2).when(lending.extend, **later).then_refused(lending.OUT)


def test_nobody_extends_what_they_asked_for() -> None:
    loan(requested, approved, handed1).at(by="u_borrower").when(
        lending.extend, due=DUE + timedelta(days=1), reason="延"
    ).then_refused(holding.OTHER_PERSON)


# Return -----------------------------------------------------------------------


@pytest.mark.target("T25")
def test_each_piece_comes_back_with_its_own_result() -> None:
    some = loan(requested, approved, handed1, handed2, sent_back2).when(
        lending.inspect_return,
        assets=["PC2"],
        result="damaged",
        note="屏碎",
        compensation=50_000,
        scanned="ZC-PC2",
    )
    broken = {"result": ReturnResult.DAMAGED, "note": "屏碎"}
    some.then(
        LoanItemReturned(asset="PC2", **broken, compensation=50_000, scanned="ZC-PC2"),
        Ask("asset/PC2", "come_back", {"case": LOAN, **broken, "scanned": "ZC-PC2"}),
    ).then_state(status=LoanStatus.RUNNING, out=frozenset({"PC1"}), back=frozenset({"PC2"}))
    loan(requested, approved, handed1, handed2, back2, sent_back1).when(
        lending.inspect_return, assets=["PC1"], result="sound", scanned="ZC-PC1"
    ).then_state(status=LoanStatus.CLOSED, out=frozenset(), sent=frozenset())


def test_compensation_is_recorded_piece_by_piece() -> None:
    both = loan(requested, approved, handed1, handed2, sent_back1, sent_back2)
    form = {"assets": ["PC1", "PC2"], "result": "damaged", "scanned": "ZC-PC1\nZC-PC2"}
    both.when(lending.inspect_return, **form, compensation=1).then_refused(lending.ONE_COMPENSATED)
    both.when(lending.inspect_return, **form).then_granted()


def test_what_is_not_out_does_not_come_back() -> None:
    for piece in ("PC2", "PC3"):
        running = loan(requested, approved, handed1)
        running.at(unit="o_b").when(lending.hand_back, assets=[piece], scanned="x").then_refused(
            holding.ON_THE_LIST
        )
        loan(requested, approved, handed1, sent_back1).when(
            lending.inspect_return, assets=[piece], result="sound", scanned="x"
        ).then_refused(holding.ON_THE_LIST)


# What it means for the asset --------------------------------------------------


@pytest.mark.target("T27")
@pytest.mark.parametrize("kind", [Kind.VEHICLE, Kind.PREMISES])
def test_vehicles_and_premises_are_never_lent(kind: Kind) -> None:
    car = msgspec.structs.replace(carded, kind=kind)
    form = {"case": LOAN, "lender": "o_a"}
    thing(car).when(lending.hold_for_loan, **form).then_refused(lending.LENDABLE)
    lenient = Policy(name="place", version=2, never_lent=frozenset())
    thing(car).at(policy=lenient).when(lending.hold_for_loan, **form).then_granted()


def test_an_asset_is_held_for_the_loan_its_custodian_is_asked_for() -> None:
    thing(carded).when(lending.hold_for_loan, case=LOAN, lender="o_a").then(held).then_state(
        lock=Lock.RESERVED, case=LOAN, custody=Custody.STORE
    )
    thing(carded).when(lending.hold_for_loan, case=LOAN, lender="o_z").then_refused(
        lending.HOLDER_LENDS
    )
    thing(carded, held).when(lending.hold_for_loan, case="loan/Y", lender="o_a").then_refused(
        asset.UNLOCKED
    )


def test_only_what_is_at_hand_and_spare_is_held() -> None:
    away: list[Event] = [
        IssuedToUser(unit="o_a", user="u_wang"),
        RepairStarted(fault="坏"),
        lent,
        TransferredOut(to_unit="o_b", case="reallocation/R"),
    ]
    for fact in away:
        thing(carded, fact).when(lending.hold_for_loan, case=LOAN, lender="o_a").then_refused(
            lending.LENDABLE_CUSTODY
        )
    for fact in (DeclaredIdle(), DeclaredIdle(ground=IdleGround.UNDER_USED), virtual):
        thing(carded, fact).when(lending.hold_for_loan, case=LOAN, lender="o_a").then_granted()


def test_only_what_is_on_the_books_is_lent() -> None:
    put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
    for history in ([], [carded, put_up]):
        asks = thing(*history).when
        asks(lending.hold_for_loan, case=LOAN, lender="o_a").then_refused(asset.ON_BOOKS)
        asks(lending.lend, borrower="o_b", due=DUE, case=LOAN).then_refused(asset.ON_BOOKS)


def test_only_the_loan_that_holds_it_lends_or_frees_it() -> None:
    form: dict[str, Any] = {"borrower": "o_b", "due": DUE}
    thing(carded, held).when(lending.lend, case=LOAN, **form).then_refused(
        handover.TAKEN_FROM_TRANSIT
    )
    thing(carded, held, on_way).when(lending.lend, case="loan/Y", **form).then_refused(
        holding.HELD_BY_CASE
    )
    thing(carded, held).when(holding.release, case="loan/Y").then_refused(holding.HELD_BY_CASE)
    thing(carded, held).when(holding.release, case=LOAN, reason="不需要").then(
        ReleasedFromProcess(case=LOAN, reason="不需要")
    ).then_state(lock=Lock.NONE, case="")


@pytest.mark.parametrize(
    ("history", "out", "home"),
    [
        ([], Custody.LENT, Custody.STORE),
        ([DeclaredIdle()], Custody.LENT, Custody.IDLE),
        ([stored], Custody.WAREHOUSE_LENT, Custody.WAREHOUSE),
        ([virtual], Custody.WAREHOUSE_LENT, Custody.VIRTUAL),
    ],
)
def test_a_loan_moves_custody_and_never_the_books(
    history: list[Event], out: Custody, home: Custody
) -> None:
    thing(carded, *history, ListedForReuse(), held, on_way).when(
        lending.lend, borrower="o_b", due=DUE, case=LOAN
    ).then(lent).then_state(
        custody=out,
        home=home,
        lock=Lock.NONE,
        borrower="o_b",
        due=DUE,
        accounting_unit="o_a",
        listed=False,
    )
    back = PutInTransit(case=LOAN, to_unit="o_a")
    returning = thing(carded, *history, held, on_way, lent, back).when
    returning(lending.come_back, case=LOAN, result="worn").then(
        ReturnInspected(result=ReturnResult.WORN)
    ).then_state(custody=home, home=Custody.NONE, borrower="", due=None, case="", grade="正常磨损")


def test_only_what_is_on_loan_is_kept_longer_or_comes_back() -> None:
    later = DUE + timedelta(days=1)
    thing(carded, lent).when(lending.extend_loan, due=later).then(
        LoanTermExtended(due=later)
    ).then_state(due=later)
    thing(carded).when(lending.extend_loan, due=later).then_refused(lending.OUT_ON_LOAN)
    thing(carded, lent).when(lending.come_back, case=LOAN, result="sound").then_refused(
        handover.TAKEN_FROM_TRANSIT
    )


# On a database ----------------------------------------------------------------


def test_a_loan_from_the_request_to_the_last_return(ledger: Ledger) -> None:
    """Five pieces asked for, four handed over, extended, returned one by one."""
    pieces = [f"PC{n}" for n in range(5)]
    for piece in pieces:
        ledger.card(piece)
    form = ask_for | {"assets": pieces}
    ledger.ask("u_borrower", "loan/L", "request", **form)
    refused = ledger.refuses(asset.UNLOCKED, "u_clerk", "asset/PC0", "issue", user="u_wang")
    assert "预留" in refused.sentence("zh")
    ledger.refuses(asset.UNLOCKED, "u_other", "loan/M", "request", **form)
    ledger.ask("u_head", "loan/L", "approve", approval_no="借1")
    assert ledger.state("asset/PC0").custody is Custody.STORE
    numbers = {piece: f"ZC-{piece}" for piece in pieces}
    out = {"assets": pieces[:4], "scanned": "\n".join(numbers[p] for p in reversed(pieces[:4]))}
    assert ledger.ask("u_keeper", "loan/L", "hand_out", **out).count == 8
    assert ledger.state("asset/PC0").custody is Custody.TRANSIT
    assert ledger.ask("u_borrower", "loan/L", "take_in", **out).count == 8
    ledger.ask("u_keeper", "loan/L", "withdraw_rest", reason="四台够用")
    assert ledger.state("asset/PC4").lock is Lock.NONE
    ledger.ask("u_head", "loan/L", "extend", due=date(2025, 9, 30), reason="延期")
    assert ledger.state("asset/PC3").due == date(2025, 9, 30)
    for piece, result in zip(pieces[:4], ("sound", "sound", "worn", "damaged"), strict=True):
        one = {"assets": [piece], "scanned": numbers[piece]}
        ledger.ask("u_borrower", "loan/L", "hand_back", **one)
        ledger.ask("u_keeper", "loan/L", "inspect_return", **one, result=result)
    assert ledger.state("loan/L").status is LoanStatus.CLOSED
    cards = [ledger.state(f"asset/{piece}") for piece in pieces]
    assert {card.custody for card in cards} == {Custody.STORE}
    assert [card.grade for card in cards] == ["完好", "完好", "正常磨损", "损坏", ""]
    ledger.ask("u_clerk", "asset/PC0", "issue", user="u_wang")
    ledger.refuses(use.IN_STORE, "u_clerk", "asset/PC0", "issue", user="u_li")


def test_a_temporary_body_gives_back_what_it_borrows_by_its_last_day(ledger: Ledger) -> None:
    """Asked for, extended or corrected beyond it: refused; both sides of the day."""
    last, after = date(2025, 9, 30), date(2025, 10, 1)
    body = {"name": "示例博览会筹备组", "ends_on": last, "approval_no": "编1"}
    ledger.ask("u_office", "unit/o_fair", "establish_temporary", **body)
    for piece in ("PC1", "PC2"):
        ledger.card(piece)
    form = ask_for | {"borrower": "o_fair", "need": "major_event"}
    ledger.refuses(BEFORE_ITS_END, "u_fair", "loan/L", "request", **form | {"due": after})
    ledger.ask("u_fair", "loan/L", "request", **form | {"due": last - timedelta(days=9)})
    ledger.ask("u_office", "loan/L", "send_back", reason="期限太短")
    again = {"note": "已改", "due": after}
    ledger.refuses(BEFORE_ITS_END, "u_fair", "loan/L", "resubmit", **again)
    ledger.ask("u_fair", "loan/L", "resubmit", note="已改", due=last - timedelta(days=1))
    ledger.ask("u_head", "loan/L", "approve", approval_no="借1")
    scan = {"assets": ["PC1"], "scanned": "ZC-PC1"}
    ledger.ask("u_keeper", "loan/L", "hand_out", **scan)
    ledger.ask("u_fair", "loan/L", "take_in", **scan)
    longer = {"due": after, "reason": "延期"}
    ledger.refuses(BEFORE_ITS_END, "u_head", "loan/L", "extend", **longer)
    ledger.ask("u_head", "loan/L", "extend", due=last, reason="延期")
    ledger.ask("u_office", "unit/o_fair", "extend_term", ends_on=after, approval_no="编2")
    ledger.ask("u_head", "loan/L", "extend", **longer)
    assert ledger.state("asset/PC1").due == after


def test_one_piece_that_cannot_be_lent_refuses_the_whole_request(ledger: Ledger) -> None:
    ledger.card("PC1")
    ledger.card("CAR", kind="vehicle")
    refused = ledger.refuses(
        lending.LENDABLE,
        "u_borrower",
        "loan/L",
        "request",
        **ask_for | {"assets": ["PC1", "CAR"]},
    )
    assert refused.stream == "asset/CAR"
    assert "《机关事务管理条例》第23、25条" in refused.sentence("zh")
    assert "art. 23, 25" in refused.sentence("en")
    assert ledger.state("asset/PC1").lock is Lock.NONE
