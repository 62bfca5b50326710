"""Use: issue and hand-back, the person who answers, places, repair, idleness (#14-#19)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

import msgspec
import pytest
from given import TODAY, Ledger, given

from domain import asset, use
from domain.asset import AssetRegistered, Book, Custody, Kind, Lock
from domain.holding import HeldForProcess
from domain.leaving import Derecognised, PutUpForDisposal
from domain.lending import AssetLent
from domain.policy import Policy
from domain.reallocation import TransferredOut
from domain.use import (
    CustodianChanged,
    DamageFound,
    DeclaredIdle,
    IdleGround,
    IssuedToUser,
    PutBackToUse,
    Relocated,
    RepairCompleted,
    RepairStarted,
    ReturnedByUser,
)
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse

past = partial(given, asset.lifecycle)

carded = AssetRegistered(
    asset_no="ZC-1", name="台式计算机", kind=Kind.COMPUTER, unit="o_a", place="p_store"
)
issued = IssuedToUser(unit="o_a", user="u_wang", place="p_101")
idle = DeclaredIdle(since=date(2025, 1, 1))
under_used = DeclaredIdle(ground=IdleGround.UNDER_USED, since=date(2025, 1, 1))
listed = ListedForReuse()
repairing = RepairStarted(fault="无法开机")
held = HeldForProcess(case="loan/L", lock=Lock.RESERVED)
lent = AssetLent(borrower="o_b", due=date(2025, 12, 1), case="loan/L")
stored = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_wh")
virtual = ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)
moving = TransferredOut(to_unit="o_b", case="reallocation/R")
put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
gone = Derecognised(voucher="记-9")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# Issue and hand-back ----------------------------------------------------------


def test_an_asset_is_issued_to_a_person_of_its_custodian() -> None:
    past(carded).when(use.issue, user="u_wang", place="p_101", purpose="办公").then(
        IssuedToUser(unit="o_a", user="u_wang", place="p_101", purpose="办公")
    ).then_state(custody=Custody.IN_USE, user="u_wang", place="p_101", custodian="o_a")


def test_an_issue_that_names_no_place_moves_nothing() -> None:
    past(carded).when(use.issue, user="u_wang").then_state(place="p_store")


@pytest.mark.parametrize("history", [[idle], [under_used]])
def test_what_was_idle_is_idle_no_more_once_issued(history: list[DeclaredIdle]) -> None:
    past(carded, *history, listed).when(use.issue, user="u_wang").then_state(
        custody=Custody.IN_USE, idle_since=None, listed=False
    )


@pytest.mark.parametrize(
    "history", [[issued], [repairing], [lent], [stored], [virtual], [moving]], ids=repr
)
def test_only_what_is_in_store_or_spare_is_issued(history: list[asset.Event]) -> None:
    past(carded, *history).when(use.issue, user="u_wang").then_refused(use.IN_STORE)


def test_what_a_process_holds_is_not_issued() -> None:
    past(carded, held).when(use.issue, user="u_wang").then_refused(asset.UNLOCKED)


def test_what_the_books_do_not_carry_is_not_used() -> None:
    for history in ([], [carded, put_up], [carded, put_up, gone]):
        asks = past(*history).when
        asks(use.issue, user="u_wang").then_refused(asset.ON_BOOKS)
        asks(use.take_back).then_refused(asset.ON_BOOKS)
        asks(use.hand_over_to, user="u_li").then_refused(asset.ON_BOOKS)
        asks(use.send_for_repair, fault="坏").then_refused(asset.ON_BOOKS)
        asks(use.complete_repair, result="好").then_refused(asset.ON_BOOKS)
        asks(use.declare_idle).then_refused(asset.ON_BOOKS)
        asks(use.put_back_to_use, reason="需要").then_refused(asset.ON_BOOKS)


def test_handing_back_frees_the_user_and_keeps_the_condition() -> None:
    past(carded, issued).when(use.take_back, condition="轻微磨损", reason="调离").then(
        ReturnedByUser(condition="轻微磨损", reason="调离")
    ).then_state(custody=Custody.STORE, user="", grade="轻微磨损", place="p_101")


def test_what_was_under_used_and_is_handed_back_is_simply_in_store() -> None:
    past(carded, issued, under_used, listed).when(use.take_back).then_state(
        custody=Custody.STORE, idle_since=None, listed=False
    )


def test_only_what_somebody_uses_is_handed_back_or_over() -> None:
    for history in ([], [idle], [repairing], [lent], [stored], [moving]):
        past(carded, *history).when(use.take_back).then_refused(use.IN_USE)
        past(carded, *history).when(use.hand_over_to, user="u_li").then_refused(use.IN_USE)
    past(carded, issued, held).when(use.take_back).then_refused(asset.UNDISTURBED)


def test_another_person_can_answer_for_it_without_its_moving() -> None:
    past(carded, issued).when(use.hand_over_to, user="u_li", reason="王某调离").then(
        CustodianChanged(user="u_li", reason="王某调离")
    ).then_state(user="u_li", custody=Custody.IN_USE, place="p_101")


# Places -----------------------------------------------------------------------


def test_moving_forgets_the_shelf() -> None:
    past(carded, stored).when(use.relocate, place="p_hall").then(
        Relocated(place="p_hall")
    ).then_state(place="p_hall", shelf="", custody=Custody.WAREHOUSE)


def test_what_awaits_disposal_still_moves_and_still_breaks() -> None:
    past(carded, put_up).when(use.relocate, place="p_yard").then_state(place="p_yard")
    past(carded, put_up).when(use.record_damage, text="雨淋").then_granted()
    for history in ([], [carded, put_up, gone]):
        past(*history).when(use.relocate, place="p_yard").then_refused(asset.STILL_OURS)
        past(*history).when(use.record_damage, text="雨淋").then_refused(asset.STILL_OURS)


@pytest.mark.parametrize("history", [[repairing], [lent], [stored, lent], [moving]], ids=repr)
def test_what_is_away_is_not_moved_by_us_but_damage_is_a_fact_anywhere(
    history: list[asset.Event],
) -> None:
    past(carded, *history).when(use.relocate, place="p_101").then_refused(use.ON_SITE)
    past(carded, *history).when(use.record_damage, text="运输中摔坏").then(
        DamageFound(text="运输中摔坏")
    )


# Repair -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "home"),
    [
        ([], Custody.STORE),
        ([issued], Custody.IN_USE),
        ([idle], Custody.IDLE),
        ([under_used], Custody.UNDER_USED),
        ([stored], Custody.WAREHOUSE),
    ],
)
def test_repair_ends_where_it_began(history: list[asset.Event], home: Custody) -> None:
    sent = past(carded, *history).when(use.send_for_repair, fault="无法开机", vendor="维修部")
    sent.then(RepairStarted(fault="无法开机", vendor="维修部")).then_state(
        custody=Custody.REPAIR, home=home
    )
    past(carded, *history, repairing).when(use.complete_repair, result="换电源", cost=0).then(
        RepairCompleted(result="换电源", cost=0)
    ).then_state(custody=home, home=Custody.NONE)


def test_only_what_is_at_hand_is_sent_for_repair() -> None:
    for history in ([repairing], [lent], [virtual], [moving]):
        past(carded, *history).when(use.send_for_repair, fault="坏").then_refused(use.REPAIRABLE)
    past(carded, held).when(use.send_for_repair, fault="坏").then_refused(asset.UNLOCKED)


def test_only_what_is_under_repair_comes_back_from_it() -> None:
    for history in ([], [issued], [lent], [stored]):
        past(carded, *history).when(use.complete_repair, result="好").then_refused(use.UNDER_REPAIR)


@pytest.mark.parametrize("cost", [-1, 2**53])
def test_a_cost_is_fen_that_the_log_can_hold(cost: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        past(carded, repairing).when(use.complete_repair, result="好", cost=cost)
    past(carded, repairing).when(use.complete_repair, result="好", cost=2**53 - 1).then_granted()


# Idleness ---------------------------------------------------------------------


def test_idle_since_today_is_the_last_day_that_can_be_said() -> None:
    past(carded).when(use.declare_idle, since=TODAY).then(DeclaredIdle(since=TODAY))
    past(carded).when(use.declare_idle, since=TODAY + timedelta(days=1)).then_refused(use.NOT_LATER)


def test_a_place_may_say_after_how_many_days_something_is_idle() -> None:
    half_a_year = Policy(name="place", version=1, idle_days=183)
    asks = past(carded).at(policy=half_a_year).when
    asks(use.declare_idle, since=TODAY - timedelta(days=183)).then_granted()
    asks(use.declare_idle, since=TODAY - timedelta(days=182)).then_refused(use.IDLE_LONG_ENOUGH)
    asks(use.declare_idle).then_refused(use.IDLE_LONG_ENOUGH)
    for ground in ("under_used", "over_standard"):
        asks(use.declare_idle, ground=ground).then_granted()


def test_idle_without_a_date_is_idle_from_today() -> None:
    past(carded).when(use.declare_idle).then_state(custody=Custody.IDLE, idle_since=TODAY)


@pytest.mark.parametrize("ground", list(IdleGround))
def test_every_ground_leads_to_idle_but_under_use(ground: IdleGround) -> None:
    expected = Custody.UNDER_USED if ground is IdleGround.UNDER_USED else Custody.IDLE
    past(carded, issued).when(use.declare_idle, ground=ground.value).then_state(custody=expected)


def test_only_what_is_in_store_or_in_use_is_declared_idle() -> None:
    for history in ([idle], [under_used], [repairing], [lent], [stored], [virtual], [moving]):
        past(carded, *history).when(use.declare_idle).then_refused(use.USED_OR_STORED)
    past(carded, held).when(use.declare_idle).then_refused(asset.UNDISTURBED)


def test_the_declaration_can_be_withdrawn_and_the_user_keeps_it() -> None:
    withdraw = {"reason": "新项目需要"}
    past(carded, idle, listed).when(use.put_back_to_use, **withdraw).then(
        PutBackToUse(reason="新项目需要")
    ).then_state(custody=Custody.STORE, idle_since=None, listed=False)
    past(carded, issued, idle).when(use.put_back_to_use, **withdraw).then_state(
        custody=Custody.IN_USE, user="u_wang"
    )


def test_only_what_is_idle_can_be_idle_no_more() -> None:
    for history in ([], [issued], [lent], [stored]):
        past(carded, *history).when(use.put_back_to_use, reason="需要").then_refused(use.IDLE)
    past(carded, idle, held).when(use.put_back_to_use, reason="需要").then_refused(asset.UNLOCKED)


# On a database ----------------------------------------------------------------


def test_a_life_in_use(ledger: Ledger) -> None:
    """Store, user, another user, repair, hand-back, idle, needed after all."""
    pc = "asset/PC"
    ledger.card("PC")
    ledger.ask("u_clerk", pc, "issue", user="u_wang", place="p_101")
    ledger.ask("u_clerk", pc, "hand_over_to", user="u_li")
    ledger.ask("u_clerk", pc, "send_for_repair", fault="无法开机")
    refused = ledger.refuses(use.IN_STORE, "u_clerk", pc, "issue", user="u_zhao")
    assert "修复取回" in refused.sentence("zh")
    ledger.ask("u_clerk", pc, "complete_repair", result="更换电源", cost=32_000)
    assert ledger.state(pc).user == "u_li"
    ledger.ask("u_clerk", pc, "take_back", condition="完好")
    ledger.ask("u_clerk", pc, "relocate", place="p_store")
    ledger.ask("u_clerk", pc, "declare_idle")
    ledger.ask("u_clerk", pc, "put_back_to_use", reason="新项目需要")
    ledger.ask("u_clerk", pc, "record_damage", text="外壳划伤")
    state = ledger.state(pc)
    assert (state.book, state.custody, state.place) == (Book.ON_BOOKS, Custody.STORE, "p_store")
    assert len(ledger.facts(pc)) == 10


def test_what_is_asked_for_a_past_day_must_be_right_then_and_now(ledger: Ledger) -> None:
    pc = "asset/PC"
    ledger.on = date(2025, 3, 1)
    ledger.card("PC")
    ledger.on = date(2025, 5, 1)
    ledger.ask("u_clerk", pc, "issue", user="u_wang")
    ledger.on = date(2025, 4, 1)  # not in use then
    ledger.refuses(use.IN_USE, "u_clerk", pc, "take_back")
    ledger.refuses(use.IN_STORE, "u_clerk", pc, "issue", user="u_li")  # in use now
    ledger.on = date(2025, 2, 1)  # before the card
    ledger.refuses(asset.STILL_OURS, "u_clerk", pc, "relocate", place="p_x")


def test_what_everybody_uses_is_in_use_and_in_nobodys_name() -> None:
    past(carded).when(use.put_to_common_use, place="p_101", purpose="会议室").then(
        IssuedToUser(unit="o_a", place="p_101", purpose="会议室")
    ).then_state(custody=Custody.IN_USE, custodian="o_a", user="", place="p_101")
    past(carded, issued).when(use.put_to_common_use).then_refused(use.IN_STORE)
    past(carded, held).when(use.put_to_common_use).then_refused(asset.UNLOCKED)
