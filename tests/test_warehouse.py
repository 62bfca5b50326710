"""Into the public warehouse, physical or virtual, with or without the books (#23-#27)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from given import Ledger, given

from domain import asset, holding, warehouse
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Event
from domain.holding import HeldForProcess
from domain.use import DeclaredIdle, IdleGround, IssuedToUser, RepairStarted
from domain.warehouse import (
    Books,
    DelistedFromReuse,
    IntakeApplied,
    IntakeApproved,
    IntakeGround,
    IntakeItemReceived,
    IntakeRefused,
    IntakeStatus,
    IntakeWithdrawn,
    ListedForReuse,
    ReceivedIntoWarehouse,
    Refurbished,
)

INTAKE = "intake/X"
intake = partial(given, warehouse.lifecycle)
thing = partial(given, asset.lifecycle)

applied = IntakeApplied(
    applicant="u_clerk",
    unit="o_a",
    ground=IntakeGround.IDLE,
    warehouse="p_wh",
    assets=("DESK1", "DESK2"),
)
approved = IntakeApproved(keeper_unit="o_wh", virtual=False, books=Books.CUSTODY_ONLY)
received1 = IntakeItemReceived(asset="DESK1", condition="完好")
received2 = IntakeItemReceived(asset="DESK2", condition="完好")

carded = AssetRegistered(
    asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a", place="p_101"
)
idle = DeclaredIdle()
held = HeldForProcess(case=INTAKE, lock=Lock.APPROVAL)
stored = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_wh")
virtual = ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)

ask_for: dict[str, Any] = {
    "unit": "o_a",
    "ground": "idle",
    "warehouse": "p_wh",
    "assets": ["DESK1", "DESK2"],
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# The intake -------------------------------------------------------------------


def test_an_application_holds_every_piece() -> None:
    form = {"case": INTAKE, "unit": "o_a"}
    intake().at(by="u_clerk").when(warehouse.apply, **ask_for).then(
        applied,
        Ask("asset/DESK1", "hold_for_intake", form),
        Ask("asset/DESK2", "hold_for_intake", form),
    ).then_state(status=IntakeStatus.APPLIED)
    intake(applied).when(warehouse.apply, **ask_for).then_refused(warehouse.NEW)
    intake().when(warehouse.apply, **ask_for | {"assets": []}).then_refused(holding.LIST_FILLED)


def test_the_answer_says_how_and_moves_nothing() -> None:
    intake(applied).when(warehouse.approve, keeper_unit="o_wh").then(approved).then_state(
        status=IntakeStatus.APPROVED, waiting=frozenset({"DESK1", "DESK2"})
    )


def test_a_refusal_or_withdrawal_frees_every_piece() -> None:
    form = {"case": INTAKE, "reason": "仓满"}
    frees = (Ask("asset/DESK1", "release", form), Ask("asset/DESK2", "release", form))
    intake(applied).when(warehouse.refuse, reason="仓满").then(
        IntakeRefused(reason="仓满"), *frees
    ).then_state(status=IntakeStatus.REFUSED, waiting=frozenset())
    for history in ([applied], [applied, approved]):
        intake(*history).when(warehouse.withdraw, reason="仓满").then(
            IntakeWithdrawn(reason="仓满"), *frees
        ).then_state(status=IntakeStatus.WITHDRAWN, waiting=frozenset())


def test_what_has_begun_or_ended_is_not_withdrawn() -> None:
    for history in ([], [applied, approved, received1], [applied, IntakeRefused(reason="满")]):
        intake(*history).when(warehouse.withdraw, reason="无").then_refused(
            warehouse.NOTHING_RECEIVED
        )


def test_nobody_decides_their_own_intake() -> None:
    for verb, form in (
        (warehouse.approve, {"keeper_unit": "o_wh"}),
        (warehouse.refuse, {"reason": "无"}),
    ):
        intake(applied).at(by="u_clerk").when(verb, **form).then_refused(holding.OTHER_PERSON)
        for history in ([], [applied, approved], [applied, IntakeRefused(reason="满")]):
            intake(*history).when(verb, **form).then_refused(warehouse.APPLIED)


def test_each_piece_is_counted_in_and_its_card_follows() -> None:
    answer = intake(applied, approved).when(
        warehouse.receive, asset="DESK1", shelf="A-1", difference="少一抽屉", receipt="收1"
    )
    answer.then(
        IntakeItemReceived(asset="DESK1", condition="完好", difference="少一抽屉", receipt="收1"),
        Ask(
            "asset/DESK1",
            "enter_warehouse",
            {
                "case": INTAKE,
                "warehouse": "p_wh",
                "virtual": False,
                "keeper_unit": "o_wh",
                "accounting_unit": None,
                "shelf": "A-1",
                "condition": "完好",
            },
        ),
    ).then_state(status=IntakeStatus.APPROVED, received=frozenset({"DESK1"}))
    intake(applied, approved, received1).when(warehouse.receive, asset="DESK2").then_state(
        status=IntakeStatus.RECEIVED, waiting=frozenset()
    )


def test_nothing_is_received_before_the_answer_or_off_the_list() -> None:
    for history in ([], [applied], [applied, approved, received1, received2]):
        intake(*history).when(warehouse.receive, asset="DESK1").then_refused(warehouse.APPROVED)
    for piece in ("DESK1", "DESK9"):
        intake(applied, approved, received1).when(warehouse.receive, asset=piece).then_refused(
            holding.ON_THE_LIST
        )


# What it means for the asset --------------------------------------------------


@pytest.mark.parametrize("history", [[], [idle], [DeclaredIdle(ground=IdleGround.UNDER_USED)]])
def test_what_its_custodian_can_spare_is_held(history: list[Event]) -> None:
    thing(carded, *history).when(warehouse.hold_for_intake, case=INTAKE, unit="o_a").then(
        held
    ).then_state(lock=Lock.APPROVAL, case=INTAKE)
    thing(carded, *history).when(warehouse.hold_for_intake, case=INTAKE, unit="o_z").then_refused(
        warehouse.HOLDER_OFFERS
    )


def test_what_is_used_away_or_held_is_not_offered_to_the_warehouse() -> None:
    in_use = IssuedToUser(unit="o_a", user="u_wang")
    form = {"case": INTAKE, "unit": "o_a"}
    for fact in (in_use, RepairStarted(fault="坏"), stored, virtual):
        thing(carded, fact).when(warehouse.hold_for_intake, **form).then_refused(warehouse.TO_SPARE)
    thing(carded, held).when(warehouse.hold_for_intake, **form).then_refused(asset.UNLOCKED)
    thing().when(warehouse.hold_for_intake, **form).then_refused(asset.ON_BOOKS)


def test_only_the_intake_that_holds_it_takes_it_in() -> None:
    form = {"warehouse": "p_wh", "virtual": False, "keeper_unit": "o_wh"}
    thing(carded).when(warehouse.enter_warehouse, case=INTAKE, **form).then_refused(
        holding.HELD_BY_CASE
    )
    thing(carded, held).when(warehouse.enter_warehouse, case="intake/Y", **form).then_refused(
        holding.HELD_BY_CASE
    )
    thing().when(warehouse.enter_warehouse, case=INTAKE, **form).then_refused(asset.ON_BOOKS)


def test_the_warehouse_makes_things_usable_again() -> None:
    thing(carded, stored).when(
        warehouse.refurbish, result="换台面", condition="九成新", cost=8_000
    ).then(Refurbished(result="换台面", condition="九成新", cost=8_000)).then_state(grade="九成新")
    for history in ([carded], [carded, idle]):
        thing(*history).when(warehouse.refurbish, result="换台面").then_refused(
            warehouse.IN_WAREHOUSE
        )
    thing().when(warehouse.refurbish, result="换台面").then_refused(asset.ON_BOOKS)


@pytest.mark.parametrize(
    "history", [[idle], [DeclaredIdle(ground=IdleGround.UNDER_USED)], [stored], [virtual]]
)
def test_what_nobody_needs_is_listed_and_delisted(history: list[Event]) -> None:
    thing(carded, *history).when(warehouse.list_for_reuse, description="可用").then(
        ListedForReuse(description="可用")
    ).then_state(listed=True, lock=Lock.NONE)
    thing(carded, *history, ListedForReuse()).when(warehouse.delist, reason="已送人").then(
        DelistedFromReuse(reason="已送人")
    ).then_state(listed=False)


def test_only_what_can_be_had_is_listed_and_only_once() -> None:
    in_use = IssuedToUser(unit="o_a", user="u_wang")
    for history in ([carded], [carded, in_use]):
        thing(*history).when(warehouse.list_for_reuse).then_refused(warehouse.OFFERABLE)
    thing(carded, idle, ListedForReuse()).when(warehouse.list_for_reuse).then_refused(
        warehouse.NOT_LISTED
    )
    thing(carded, idle, held).when(warehouse.list_for_reuse).then_refused(asset.UNLOCKED)
    thing(carded, idle).when(warehouse.delist, reason="无").then_refused(warehouse.LISTED)
    for verb, form in ((warehouse.list_for_reuse, {}), (warehouse.delist, {"reason": "无"})):
        thing().when(verb, **form).then_refused(asset.ON_BOOKS)


# On a database ----------------------------------------------------------------


@pytest.mark.target("T28")
@pytest.mark.parametrize("where", ["physical", "virtual"])
@pytest.mark.parametrize("books", ["custody_only", "transfer"])
def test_four_ways_in_give_the_right_books_keeper_and_place(
    ledger: Ledger, where: str, books: str
) -> None:
    """The thing moves only physically; the books move only by transfer; each by itself."""
    ledger.card("DESK1", name="会议桌", kind="furniture", place="p_101")
    ledger.ask("u_clerk", "asset/DESK1", "declare_idle")
    ledger.ask("u_clerk", "intake/I", "apply", **ask_for | {"assets": ["DESK1"]})
    ledger.refuses(asset.UNLOCKED, "u_clerk", "asset/DESK1", "issue", user="u_wang")
    ledger.ask(
        "u_office",
        "intake/I",
        "approve",
        keeper_unit="o_wh",
        virtual=where == "virtual",
        books=books,
        approval_no="入1",
    )
    before = ledger.state("asset/DESK1")
    assert (before.custody, before.place) == (Custody.IDLE, "p_101")
    ledger.ask("u_keeper", "intake/I", "receive", asset="DESK1", shelf="A-1")
    desk = ledger.state("asset/DESK1")
    physical = where == "physical"
    assert desk.custody is (Custody.WAREHOUSE if physical else Custody.VIRTUAL)
    assert desk.place == ("p_wh" if physical else "p_101")
    assert desk.custodian == ("o_wh" if physical else "o_a")
    assert desk.accounting_unit == ("o_wh" if books == "transfer" else "o_a")
    assert desk.owner == "o_a"
    assert desk.lock is Lock.NONE
    assert ledger.state("intake/I").status is IntakeStatus.RECEIVED


def test_a_stay_in_the_warehouse_from_intake_to_a_loan_and_back(ledger: Ledger) -> None:
    for piece in ("DESK1", "DESK2"):
        ledger.card(piece, name="会议桌", kind="furniture", place="p_101")
    ledger.ask("u_clerk", "intake/I", "apply", **ask_for)
    ledger.ask("u_office", "intake/I", "approve", keeper_unit="o_wh")
    ledger.ask("u_keeper", "intake/I", "receive", asset="DESK1", difference="少一抽屉")
    assert ledger.state("asset/DESK2").lock is Lock.APPROVAL
    ledger.ask("u_keeper", "intake/I", "receive", asset="DESK2")
    ledger.ask("u_keeper", "asset/DESK1", "refurbish", result="补抽屉", cost=3_000)
    ledger.ask("u_keeper", "asset/DESK1", "list_for_reuse", description="可用五年")
    ledger.ask(
        "u_event",
        "loan/L",
        "request",
        lender="o_wh",
        borrower="o_event",
        assets=["DESK1"],
        due="2025-07-31",
        purpose="大型会议",
    )
    ledger.ask("u_office", "loan/L", "approve", approval_no="借1")
    ledger.ask("u_keeper", "loan/L", "hand_over", asset="DESK1")
    assert ledger.state("asset/DESK1").custody is Custody.WAREHOUSE_LENT
    ledger.ask("u_keeper", "loan/L", "inspect_return", asset="DESK1", result="sound")
    desk = ledger.state("asset/DESK1")
    assert (desk.custody, desk.accounting_unit) == (Custody.WAREHOUSE, "o_a")
