"""Reallocation: two confirmations by two people, then two vouchers (#29-#32)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from given import Ledger, given

from domain import asset, holding, reallocation
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Event
from domain.holding import HeldForProcess
from domain.leaving import PutUpForDisposal
from domain.lending import AssetLent
from domain.reallocation import (
    AccountingTransferred,
    BooksMoved,
    ConsignmentShipped,
    ReallocationApproved,
    ReallocationRefused,
    ReallocationRequested,
    ReallocationStatus,
    ReallocationWithdrawn,
    Scope,
    TransferInConfirmed,
    TransferOutConfirmed,
    TransferredIn,
    TransferredOut,
)
from domain.use import DeclaredIdle, IssuedToUser, RepairStarted
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse

CASE = "reallocation/X"
case = partial(given, reallocation.lifecycle)
thing = partial(given, asset.lifecycle)

requested = ReallocationRequested(
    applicant="u_taker",
    from_unit="o_a",
    to_unit="o_b",
    item="会议桌",
    quantity="2",
    assets=("DESK1", "DESK2"),
)
approved = ReallocationApproved(scope=Scope.DEPARTMENTS, approval_no="调1")
refused = ReallocationRefused(reason="另有安排")
out1 = TransferOutConfirmed(asset="DESK1", sender="u_giver")
out2 = TransferOutConfirmed(asset="DESK2", sender="u_other")
in1, in2 = TransferInConfirmed(asset="DESK1"), TransferInConfirmed(asset="DESK2")
booked1 = AccountingTransferred(asset="DESK1", out_voucher="出1", in_voucher="入1", gross=100)

carded = AssetRegistered(
    asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a", place="p_101"
)
held = HeldForProcess(case=CASE, lock=Lock.RESERVED)
moving = TransferredOut(to_unit="o_b", case=CASE)

ask_for: dict[str, Any] = {
    "from_unit": "o_a",
    "to_unit": "o_b",
    "item": "会议桌",
    "assets": ["DESK1", "DESK2"],
}
vouchers: dict[str, Any] = {"out_voucher": "出1", "in_voucher": "入1", "gross": 100}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# The request and its answer ---------------------------------------------------


def test_a_request_reserves_every_piece() -> None:
    form = {"case": CASE, "from_unit": "o_a"}
    case().at(by="u_taker").when(reallocation.request, **ask_for).then(
        requested,
        Ask("asset/DESK1", "hold_for_reallocation", form),
        Ask("asset/DESK2", "hold_for_reallocation", form),
    ).then_state(status=ReallocationStatus.REQUESTED)


def test_a_request_names_two_units_and_some_assets_and_is_made_once() -> None:
    case().when(reallocation.request, **ask_for | {"to_unit": "o_a"}).then_refused(
        reallocation.DIFFERENT_UNITS
    )
    case().when(reallocation.request, **ask_for | {"assets": []}).then_refused(holding.LIST_FILLED)
    case(requested).when(reallocation.request, **ask_for).then_refused(reallocation.NEW)


@pytest.mark.parametrize("scope", list(Scope))
def test_approval_moves_nothing(scope: Scope) -> None:
    case(requested).when(reallocation.approve, scope=scope.value, approval_no="调1").then(
        ReallocationApproved(scope=scope, approval_no="调1")
    ).then_state(status=ReallocationStatus.APPROVED, moving=frozenset())


def test_a_refusal_or_withdrawal_frees_every_piece() -> None:
    form = {"case": CASE, "reason": "另有安排"}
    frees = (Ask("asset/DESK1", "release", form), Ask("asset/DESK2", "release", form))
    case(requested).when(reallocation.refuse, reason="另有安排").then(refused, *frees).then_state(
        status=ReallocationStatus.REFUSED, waiting=frozenset()
    )
    for history in ([requested], [requested, approved]):
        case(*history).when(reallocation.withdraw, reason="另有安排").then(
            ReallocationWithdrawn(reason="另有安排"), *frees
        ).then_state(status=ReallocationStatus.WITHDRAWN, waiting=frozenset())


def test_a_long_reason_is_kept_whole() -> None:
    reason = "不" * 2000
    case(requested).when(reallocation.refuse, reason=reason).then_state(reason=reason)


def test_what_has_begun_or_ended_is_not_withdrawn() -> None:
    shipped = ConsignmentShipped(item="会议桌", quantity="2")
    for history in ([], [requested, refused], [requested, approved, out1], [requested, shipped]):
        case(*history).when(reallocation.withdraw, reason="无").then_refused(
            reallocation.NOTHING_SENT
        )


def test_nobody_decides_their_own_request_and_only_an_open_one() -> None:
    for verb, form in (
        (reallocation.approve, {"scope": "within", "approval_no": "调1"}),
        (reallocation.refuse, {"reason": "无"}),
    ):
        case(requested).at(by="u_taker").when(verb, **form).then_refused(holding.OTHER_PERSON)
        for history in ([], [requested, approved], [requested, refused]):
            case(*history).when(verb, **form).then_refused(reallocation.REQUESTED)


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (80, True), (81, False)])
def test_a_document_number_has_one_to_eighty_characters(length: int, fits: bool) -> None:
    form = {"scope": "within", "approval_no": "9" * length}
    if fits:
        case(requested).when(reallocation.approve, **form).then_granted()
    else:
        with pytest.raises(msgspec.ValidationError):
            case(requested).when(reallocation.approve, **form)


# Two sides --------------------------------------------------------------------


def test_the_giving_side_confirms_each_piece() -> None:
    case(requested, approved).at(by="u_giver").when(reallocation.confirm_out, asset="DESK1").then(
        out1, Ask("asset/DESK1", "transfer_out", {"to_unit": "o_b", "case": CASE})
    ).then_state(
        status=ReallocationStatus.SHIPPED,
        waiting=frozenset({"DESK2"}),
        moving=frozenset({"DESK1"}),
    )


def test_nothing_is_sent_without_approval_or_off_the_list() -> None:
    for history in ([], [requested], [requested, refused]):
        case(*history).when(reallocation.confirm_out, asset="DESK1").then_refused(
            reallocation.APPROVED
        )
    for piece in ("DESK1", "DESK9"):
        case(requested, approved, out1).when(reallocation.confirm_out, asset=piece).then_refused(
            holding.ON_THE_LIST
        )


def test_the_taking_side_confirms_each_piece() -> None:
    form = {"unit": "o_b", "place": "p_201", "case": CASE}
    case(requested, approved, out1).when(
        reallocation.confirm_in, asset="DESK1", place="p_201"
    ).then(
        TransferInConfirmed(asset="DESK1", place="p_201"),
        Ask("asset/DESK1", "transfer_in", form),
    ).then_state(
        status=ReallocationStatus.SHIPPED, moving=frozenset(), arrived=frozenset({"DESK1"})
    )
    case(requested, approved, out1, out2, in1).when(
        reallocation.confirm_in, asset="DESK2"
    ).then_state(status=ReallocationStatus.RECEIVED)


@pytest.mark.target("T24")
def test_who_sent_a_piece_does_not_also_receive_it() -> None:
    """Judged piece by piece: another person's sending of another piece changes nothing."""
    alone = case(requested, approved, out1).at(by="u_giver")
    alone.when(reallocation.confirm_in, asset="DESK1").then_refused(reallocation.TWO_SIDES)
    both = case(requested, approved, out1, out2)
    both.at(by="u_giver").when(reallocation.confirm_in, asset="DESK1").then_refused(
        reallocation.TWO_SIDES
    )
    both.at(by="u_other").when(reallocation.confirm_in, asset="DESK2").then_refused(
        reallocation.TWO_SIDES
    )
    both.at(by="u_giver").when(reallocation.confirm_in, asset="DESK2").then_granted()


def test_only_what_is_on_the_way_arrives() -> None:
    for history in ([], [requested, approved], [requested, approved, out1, in1]):
        case(*history).when(reallocation.confirm_in, asset="DESK1").then_refused(
            reallocation.ON_THE_WAY
        )
    case(requested, approved, out1).when(reallocation.confirm_in, asset="DESK2").then_refused(
        holding.ON_THE_LIST
    )


# The books --------------------------------------------------------------------


def test_the_books_follow_piece_by_piece_with_two_vouchers() -> None:
    arrived = [requested, approved, out1, out2, in1, in2]
    case(*arrived).when(reallocation.move_books, asset="DESK1", accumulated=40, **vouchers).then(
        AccountingTransferred(
            asset="DESK1", out_voucher="出1", in_voucher="入1", gross=100, accumulated=40
        ),
        Ask("asset/DESK1", "move_books_to", {"unit": "o_b", "gross": 100, "accumulated": 40}),
    ).then_state(status=ReallocationStatus.RECEIVED, arrived=frozenset({"DESK2"}))
    case(*arrived, booked1).when(reallocation.move_books, asset="DESK2", **vouchers).then_state(
        status=ReallocationStatus.BOOKED, arrived=frozenset()
    )


def test_the_books_do_not_move_before_the_thing_or_twice() -> None:
    for history in ([], [requested, approved, out1], [requested, approved, out1, in1, booked1]):
        case(*history).when(reallocation.move_books, asset="DESK1", **vouchers).then_refused(
            reallocation.ARRIVED
        )
    case(requested, approved, out1, out2, in1).when(
        reallocation.move_books, asset="DESK2", **vouchers
    ).then_refused(holding.ON_THE_LIST)


# What a published requisition says --------------------------------------------


def test_a_source_may_name_a_quantity_and_no_single_asset() -> None:
    bare = ReallocationRequested(to_unit="o_agency", item="TRUCK", quantity="3", dataset="leso")
    case(bare).then_state(applicant="", from_unit="", waiting=frozenset())
    case(bare, ConsignmentShipped(item="TRUCK", quantity="3")).then_state(
        status=ReallocationStatus.SHIPPED
    )


# What it means for the asset --------------------------------------------------


def test_what_its_custodian_can_spare_is_reserved() -> None:
    spare: list[list[Event]] = [
        [],
        [DeclaredIdle()],
        [ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)],
        [ReceivedIntoWarehouse(warehouse="p_wh", virtual=False)],
    ]
    for history in spare:
        thing(carded, *history).when(
            reallocation.hold_for_reallocation, case=CASE, from_unit="o_a"
        ).then(held).then_state(lock=Lock.RESERVED)
    thing(carded).when(reallocation.hold_for_reallocation, case=CASE, from_unit="o_z").then_refused(
        reallocation.GIVER_HOLDS
    )


def test_what_is_used_away_or_held_is_not_reserved() -> None:
    form = {"case": CASE, "from_unit": "o_a"}
    lent = AssetLent(borrower="o_z", due=msgspec.convert("2025-12-31", type=Any), case="loan/L")
    for fact in (IssuedToUser(unit="o_a"), RepairStarted(fault="坏"), lent, moving):
        thing(carded, fact).when(reallocation.hold_for_reallocation, **form).then_refused(
            reallocation.SPARE
        )
    thing(carded, held).when(reallocation.hold_for_reallocation, **form).then_refused(
        asset.UNLOCKED
    )
    thing().when(reallocation.hold_for_reallocation, **form).then_refused(asset.ON_BOOKS)


def test_only_the_case_that_holds_it_moves_it() -> None:
    out, arrive = {"to_unit": "o_b"}, {"unit": "o_b"}
    thing(carded).when(reallocation.transfer_out, case=CASE, **out).then_refused(
        holding.HELD_BY_CASE
    )
    thing(carded, held, moving).when(
        reallocation.transfer_in, case="reallocation/Y", **arrive
    ).then_refused(holding.HELD_BY_CASE)
    thing(carded, held).when(reallocation.transfer_in, case=CASE, **arrive).then_refused(
        reallocation.IN_TRANSIT
    )
    thing(carded, held, moving).when(reallocation.transfer_out, case=CASE, **out).then_refused(
        reallocation.SPARE
    )
    put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
    for verb, form in (
        (reallocation.transfer_out, {"case": CASE} | out),
        (reallocation.transfer_in, {"case": CASE} | arrive),
        (reallocation.move_books_to, {"unit": "o_b", "gross": 1}),
    ):
        thing(carded, put_up).when(verb, **form).then_refused(asset.ON_BOOKS)


def test_on_the_way_it_is_nobody_s_and_on_arrival_the_taker_s() -> None:
    history = [carded, DeclaredIdle(), ListedForReuse(), held]
    thing(*history).when(reallocation.transfer_out, case=CASE, to_unit="o_b").then(
        moving
    ).then_state(custody=Custody.TRANSIT, lock=Lock.RESERVED, listed=False, idle_since=None)
    thing(*history, moving).when(
        reallocation.transfer_in, case=CASE, unit="o_b", place="p_201"
    ).then(TransferredIn(unit="o_b", place="p_201")).then_state(
        custody=Custody.STORE,
        custodian="o_b",
        place="p_201",
        lock=Lock.NONE,
        accounting_unit="o_a",
    )
    thing(*history, moving, TransferredIn(unit="o_b")).when(
        reallocation.move_books_to, unit="o_b", gross=100
    ).then(BooksMoved(unit="o_b", gross=100)).then_state(accounting_unit="o_b")


# On a database ----------------------------------------------------------------


@pytest.mark.target("T23")
def test_from_idle_in_one_unit_to_the_books_of_another(ledger: Ledger) -> None:
    """Virtual intake, request, approval, two confirmations, two vouchers; the label stays."""
    desk = "asset/DESK1"
    ledger.card("DESK1", name="会议桌", kind="furniture", place="p_101", value=100)
    ledger.ask("u_clerk", desk, "bind_label", label="L1")
    ledger.ask("u_clerk", desk, "declare_idle")
    intake = {"unit": "o_a", "ground": "idle", "warehouse": "p_wh", "assets": ["DESK1"]}
    ledger.ask("u_clerk", "intake/I", "apply", **intake)
    ledger.ask("u_office", "intake/I", "approve", keeper_unit="o_wh", virtual=True)
    ledger.ask("u_keeper", "intake/I", "receive", asset="DESK1")
    ledger.ask("u_keeper", desk, "list_for_reuse")
    form = ask_for | {"assets": ["DESK1"]}
    ledger.ask("u_taker", "reallocation/R", "request", **form)
    second = ledger.refuses(asset.UNLOCKED, "u_late", "reallocation/S", "request", **form)
    assert "预留" in second.sentence("zh")
    ledger.refuses(
        holding.OTHER_PERSON,
        "u_taker",
        "reallocation/R",
        "approve",
        scope="levels",
        approval_no="调1",
    )
    ledger.ask("u_finance", "reallocation/R", "approve", scope="levels", approval_no="调1")
    assert ledger.state(desk).custody is Custody.VIRTUAL  # approval moved nothing
    ledger.ask("u_giver", "reallocation/R", "confirm_out", asset="DESK1")
    assert ledger.state(desk).custody is Custody.TRANSIT
    ledger.refuses(reallocation.TWO_SIDES, "u_giver", "reallocation/R", "confirm_in", asset="DESK1")
    ledger.ask("u_taker", "reallocation/R", "confirm_in", asset="DESK1", place="p_201")
    there = ledger.state(desk)
    assert (there.custodian, there.accounting_unit) == ("o_b", "o_a")
    ledger.ask("u_accountant", "reallocation/R", "move_books", asset="DESK1", **vouchers)
    there = ledger.state(desk)
    assert (there.accounting_unit, there.label, there.value) == ("o_b", "L1", 100)
    assert ledger.state("reallocation/R").status is ReallocationStatus.BOOKED
