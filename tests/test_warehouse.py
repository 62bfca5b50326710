"""Into the public warehouse, physical or virtual, with or without the books (#23-#27)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import asset, handover, holding, warehouse
from domain.approval import (
    LAST_STEP,
    Endorsed,
    Resubmitted,
    ReturnedForCorrection,
    RouteLaid,
    Stage,
)
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import Ask, Event
from domain.handover import HandedOut, PutInTransit
from domain.holding import HeldForProcess, ItemsDeclined
from domain.policy import Action, Body, Policy, Route, Step
from domain.use import DeclaredIdle, IdleGround, IssuedToUser, RepairStarted
from domain.warehouse import (
    Books,
    DelistedFromReuse,
    IntakeApplied,
    IntakeApproved,
    IntakeGround,
    IntakeItemReceived,
    IntakeRefused,
    IntakeRestWithdrawn,
    IntakeStatus,
    IntakeWithdrawn,
    ListedForReuse,
    ReceivedIntoWarehouse,
    Refurbished,
)
from domain.words import Role

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
out1, out2 = (HandedOut(asset=a, giver="u_clerk") for a in ("DESK1", "DESK2"))
received1 = IntakeItemReceived(asset="DESK1", condition="完好")
received2 = IntakeItemReceived(asset="DESK2", condition="完好")

carded = AssetRegistered(
    asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a", place="p_101"
)
idle = DeclaredIdle()
held = HeldForProcess(case=INTAKE, lock=Lock.APPROVAL)
on_way = PutInTransit(case=INTAKE, to_unit="o_wh")
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
    form = {"case": INTAKE, "unit": "o_a", "ground": IntakeGround.IDLE}
    intake().at(by="u_clerk").when(warehouse.apply, **ask_for).then(
        applied,
        Ask("place/p_wh", "take_property_in", {}),
        Ask("asset/DESK1", "hold_for_intake", form),
        Ask("asset/DESK2", "hold_for_intake", form),
    ).then_state(status=IntakeStatus.APPLIED)
    intake(applied).when(warehouse.apply, **ask_for).then_refused(warehouse.NEW)
    intake().when(warehouse.apply, **ask_for | {"assets": []}).then_refused(holding.LIST_FILLED)


def test_the_answer_says_how_and_moves_nothing() -> None:
    intake(applied).when(warehouse.approve, keeper_unit="o_wh").then(approved).then_state(
        status=IntakeStatus.APPROVED, waiting=frozenset({"DESK1", "DESK2"})
    )


@pytest.mark.parametrize(("named", "let_go"), [(["DESK1"], ("DESK2",)), (["DESK2"], ("DESK1",))])
def test_the_answer_may_take_only_part_of_the_list(
    named: list[str], let_go: tuple[str, ...]
) -> None:
    form: dict[str, Any] = {"keeper_unit": "o_wh", "assets": named}
    intake(applied).when(warehouse.approve, **form).then_refused(holding.REST_EXPLAINED)
    intake(applied).when(warehouse.approve, **form, reason="仓位不足").then(
        approved,
        ItemsDeclined(assets=let_go, reason="仓位不足"),
        Ask(f"asset/{let_go[0]}", "release", {"case": INTAKE, "reason": "仓位不足"}),
    ).then_state(waiting=frozenset(named))


def test_the_policy_of_the_place_says_who_decides_an_intake() -> None:
    steps = (Step(role=Role.HEAD, body=Body.OWN, days=5), Step(role=Role.OFFICE, body=Body.OFFICES))
    place = Policy(name="place", version=3, routes=(Route(action=Action.INTAKE, steps=steps),))
    laid = RouteLaid(
        policy="place@3",
        stages=(Stage(role="head", unit="o_a", days=5), Stage(role="office", unit="o_goa")),
    )
    bodies = {"own": "o_a", "offices": "o_goa"}
    answer = intake().at(by="u_clerk", policy=place, bodies=bodies).when(warehouse.apply, **ask_for)
    assert answer.then_granted().answers[1] == laid
    form = {"keeper_unit": "o_wh"}
    routed = intake(applied, laid)
    routed.at(role="office", unit="o_goa").when(warehouse.approve, **form).then_refused(
        warehouse.MY_TURN
    )
    routed.at(role="head", unit="o_a").when(warehouse.approve, **form).then_refused(LAST_STEP)
    later = intake(applied, laid, Endorsed())
    later.at(role="office", unit="o_goa").when(warehouse.approve, **form).then_granted()
    for rule, refuser in ((warehouse.MY_TURN, "head"), (None, "office")):
        unit = {"head": "o_a", "office": "o_goa"}[refuser]
        answer = later.at(role=refuser, unit=unit).when(warehouse.refuse, reason="无")
        answer.then_granted() if rule is None else answer.then_refused(rule)


def test_what_is_returned_for_correction_is_mended_or_withdrawn() -> None:
    mended = intake(applied, ReturnedForCorrection(reason="补照片"))
    mended.at(role="office").when(warehouse.approve, keeper_unit="o_wh").then_refused(
        warehouse.MY_TURN
    )
    mended.at(role="clerk").when(warehouse.withdraw, reason="不交了").then_granted()
    again = intake(applied, ReturnedForCorrection(reason="补照片"), Resubmitted(note="已补"))
    again.when(warehouse.approve, keeper_unit="o_wh").then_granted()


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
    for history in (
        [],
        [applied, approved, out1],
        [applied, approved, received1],
        [applied, IntakeRefused(reason="满")],
    ):
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


def test_the_unit_gives_out_and_the_warehouse_takes_in() -> None:
    form = {"case": INTAKE, "to_unit": "o_wh", "scanned": "ZC-1"}
    scan = {"assets": ["DESK1"], "scanned": "ZC-1"}
    intake(applied, approved).at(by="u_clerk").when(warehouse.hand_out, **scan).then(
        HandedOut(asset="DESK1", giver="u_clerk", scanned="ZC-1"),
        Ask("asset/DESK1", "hand_out", form),
    ).then_state(sent=frozenset({("DESK1", "u_clerk")}))
    sent = intake(applied, approved, out1).at(unit="o_wh", by="u_keeper")
    sent.when(warehouse.take_in, **scan, shelf="A-1", difference="少一抽屉", receipt="收1").then(
        IntakeItemReceived(
            asset="DESK1", condition="完好", difference="少一抽屉", receipt="收1", scanned="ZC-1"
        ),
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
                "scanned": "ZC-1",
            },
        ),
    ).then_state(status=IntakeStatus.APPROVED, received=frozenset({"DESK1"}), sent=frozenset())
    intake(applied, approved, received1, out2).at(unit="o_wh").when(
        warehouse.take_in, assets=["DESK2"], scanned="ZC-2"
    ).then_state(status=IntakeStatus.RECEIVED, waiting=frozenset())


@pytest.mark.target("T24")
def test_each_side_of_an_intake_confirms_its_own_part() -> None:
    scan = {"assets": ["DESK1"], "scanned": "ZC-1"}
    intake(applied, approved).at(unit="o_wh").when(warehouse.hand_out, **scan).then_refused(
        handover.GIVING_SIDE
    )
    sent = intake(applied, approved, out1)
    sent.at(unit="o_a").when(warehouse.take_in, **scan).then_refused(handover.TAKING_SIDE)
    sent.at(unit="o_wh", by="u_clerk").when(warehouse.take_in, **scan).then_refused(
        handover.TWO_PEOPLE
    )


def test_what_comes_in_virtually_is_received_where_it_stands() -> None:
    virtually = IntakeApproved(keeper_unit="o_wh", virtual=True, books=Books.CUSTODY_ONLY)
    scan = {"assets": ["DESK1"], "scanned": "ZC-1"}
    intake(applied, virtually).when(warehouse.hand_out, **scan).then_refused(warehouse.PHYSICAL)
    keeper = intake(applied, virtually).at(unit="o_wh")
    keeper.when(warehouse.take_in, **scan).then_state(received=frozenset({"DESK1"}))
    keeper.when(warehouse.take_in, assets=["DESK1"]).then_refused(handover.WAY_PROVED)
    keeper.when(warehouse.take_in, assets=["DESK9"]).then_refused(holding.ON_THE_LIST)


def test_nothing_is_received_before_the_answer_or_before_it_was_given_out() -> None:
    for history in ([], [applied], [applied, approved, received1, received2]):
        intake(*history).when(warehouse.take_in, assets=["DESK1"]).then_refused(warehouse.APPROVED)
        intake(*history).when(warehouse.hand_out, assets=["DESK1"]).then_refused(warehouse.APPROVED)
    at_warehouse = intake(applied, approved).at(unit="o_wh")
    at_warehouse.when(warehouse.take_in, assets=["DESK1"]).then_refused(warehouse.ARRIVING)
    for piece in ("DESK1", "DESK9"):
        intake(applied, approved, received1, out2).at(unit="o_wh").when(
            warehouse.take_in, assets=[piece], scanned="x"
        ).then_refused(holding.ON_THE_LIST)
        intake(applied, approved, received1).when(
            warehouse.hand_out, assets=[piece], scanned="x"
        ).then_refused(holding.ON_THE_LIST)


def test_what_is_not_given_out_may_stay_with_its_unit_after_all() -> None:
    intake(applied, approved, received1).when(warehouse.withdraw_rest, reason="又要用").then(
        IntakeRestWithdrawn(reason="又要用"),
        Ask("asset/DESK2", "release", {"case": INTAKE, "reason": "又要用"}),
    ).then_state(status=IntakeStatus.RECEIVED, waiting=frozenset())
    intake(applied, approved).when(warehouse.withdraw_rest, reason="无").then_refused(
        warehouse.SOME_RECEIVED
    )
    intake(applied, approved, received1, out2).when(
        warehouse.withdraw_rest, reason="无"
    ).then_refused(warehouse.REST_TO_GIVE)


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
    thing(carded, held, on_way).when(
        warehouse.enter_warehouse, case="intake/Y", **form
    ).then_refused(holding.HELD_BY_CASE)
    thing(carded, held).when(warehouse.enter_warehouse, case=INTAKE, **form).then_refused(
        handover.TAKEN_FROM_TRANSIT
    )
    thing(carded, held, on_way).when(warehouse.enter_warehouse, case=INTAKE, **form).then_state(
        custody=Custody.WAREHOUSE, home=Custody.NONE, lock=Lock.NONE
    )
    for code, rule in (("ZC-1", None), ("ZC-2", handover.SCANNED_THAT)):
        answer = thing(carded, held).when(
            warehouse.enter_warehouse,
            case=INTAKE,
            warehouse="p_wh",
            virtual=True,
            keeper_unit="o_wh",
            scanned=code,
        )
        answer.then_granted() if rule is None else answer.then_refused(rule)
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
        ListedForReuse(description="可用", listed_on=TODAY)
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
    scan = {"assets": ["DESK1"], "scanned": "ZC-DESK1"}
    if where == "physical":
        ledger.ask("u_clerk", "intake/I", "hand_out", **scan)
        assert ledger.state("asset/DESK1").custody is Custody.TRANSIT
    ledger.ask("u_keeper", "intake/I", "take_in", **scan, shelf="A-1")
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
    one, two = ({"assets": [a], "scanned": f"ZC-{a}"} for a in ("DESK1", "DESK2"))
    both = {"assets": ["DESK1", "DESK2"], "scanned": "ZC-DESK1\nZC-DESK2"}
    ledger.ask("u_clerk", "intake/I", "hand_out", **both)
    ledger.ask("u_keeper", "intake/I", "take_in", **one, difference="少一抽屉")
    assert ledger.state("asset/DESK2").lock is Lock.APPROVAL
    ledger.ask("u_keeper", "intake/I", "take_in", **two)
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
    ledger.ask("u_keeper", "loan/L", "hand_out", **one)
    ledger.ask("u_event", "loan/L", "take_in", **one)
    assert ledger.state("asset/DESK1").custody is Custody.WAREHOUSE_LENT
    ledger.ask("u_event", "loan/L", "hand_back", **one)
    ledger.ask("u_keeper", "loan/L", "inspect_return", **one, result="sound")
    desk = ledger.state("asset/DESK1")
    assert (desk.custody, desk.accounting_unit) == (Custody.WAREHOUSE, "o_a")
