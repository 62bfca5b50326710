"""Reallocation: two confirmations by two people, then two vouchers (#29-#32)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given

from domain import asset, handover, holding, kinds, reallocation, splitting, unit
from domain.approval import RouteLaid, Stage
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.decider import UPCASTERS, Ask, Document, Event
from domain.handover import CalledBack, HandedOut, PutInTransit
from domain.holding import HeldForProcess, ItemsDeclined
from domain.leaving import PutUpForDisposal
from domain.lending import AssetLent
from domain.policy import Action, Body, Policy, Route, Step
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
    ScopeWorkedOut,
    TransferInConfirmed,
    TransferOutConfirmed,
    TransferredIn,
)
from domain.splitting import DepreciationStated
from domain.use import DeclaredIdle, IssuedToUser, RepairStarted
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse
from domain.words import Role

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
moving = PutInTransit(to_unit="o_b", case=CASE)
slip = Document(type="hand_over_slip", number="交1")

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
    compared = {"case": CASE, "taker": "o_b", "asked": None, "assets": ("DESK1", "DESK2")}
    case().at(by="u_taker").when(reallocation.request, **ask_for).then(
        requested,
        Ask("unit/o_a", "compare_belonging", compared),
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
    form = {"case": CASE, "to_unit": "o_b", "scanned": ""}
    case(requested, approved).at(by="u_giver", docs=(slip,)).when(
        reallocation.confirm_out, assets=["DESK1"]
    ).then(out1, Ask("asset/DESK1", "hand_out", form)).then_state(
        status=ReallocationStatus.SHIPPED,
        waiting=frozenset({"DESK2"}),
        moving=frozenset({"DESK1"}),
    )


def test_a_hand_over_is_scanned_or_signed() -> None:
    for verb, history, at in (
        (reallocation.confirm_out, [requested, approved], {"by": "u_giver"}),
        (reallocation.confirm_in, [requested, approved, out1], {"unit": "o_b"}),
    ):
        now = case(*history).at(**at)
        now.when(verb, assets=["DESK1"]).then_refused(handover.WAY_PROVED)
        now.when(verb, assets=["DESK1"], scanned="ZC-1").then_granted()
        now.at(docs=(slip,)).when(verb, assets=["DESK1"]).then_granted()


def test_each_side_confirms_for_its_own_unit() -> None:
    scan = {"assets": ["DESK1"], "scanned": "ZC-1"}
    case(requested, approved).at(unit="o_b").when(reallocation.confirm_out, **scan).then_refused(
        handover.GIVING_SIDE
    )
    case(requested, approved, out1).at(unit="o_a").when(
        reallocation.confirm_in, **scan
    ).then_refused(handover.TAKING_SIDE)


def test_nothing_is_sent_without_approval_or_off_the_list() -> None:
    for history in ([], [requested], [requested, refused]):
        case(*history).when(reallocation.confirm_out, assets=["DESK1"]).then_refused(
            reallocation.APPROVED
        )
    for piece in ("DESK1", "DESK9"):
        case(requested, approved, out1).when(reallocation.confirm_out, assets=[piece]).then_refused(
            holding.ON_THE_LIST
        )


def test_the_taking_side_confirms_each_piece() -> None:
    form = {"unit": "o_b", "place": "p_201", "case": CASE, "scanned": "ZC-1"}
    taking = {"unit": "o_b", "by": "u_taker"}
    case(requested, approved, out1).at(**taking).when(
        reallocation.confirm_in, assets=["DESK1"], place="p_201", scanned="ZC-1"
    ).then(
        TransferInConfirmed(asset="DESK1", place="p_201", scanned="ZC-1"),
        Ask("asset/DESK1", "transfer_in", form),
    ).then_state(
        status=ReallocationStatus.SHIPPED, moving=frozenset(), arrived=frozenset({"DESK1"})
    )
    case(requested, approved, out1, out2, in1).at(**taking).when(
        reallocation.confirm_in, assets=["DESK2"], scanned="ZC-2"
    ).then_state(status=ReallocationStatus.RECEIVED)


@pytest.mark.target("T24")
def test_who_sent_a_piece_does_not_also_receive_it() -> None:
    """Judged piece by piece: another person's sending of another piece changes nothing."""
    both = case(requested, approved, out1, out2).at(unit="o_b")
    for by, piece, allowed in (
        ("u_giver", "DESK1", False),
        ("u_other", "DESK2", False),
        ("u_giver", "DESK2", True),
    ):
        answer = both.at(by=by).when(reallocation.confirm_in, assets=[piece], scanned="ZC-1")
        if allowed:
            answer.then_granted()
        else:
            answer.then_refused(handover.TWO_PEOPLE)


@pytest.mark.target("T24")
def test_not_through_delegation_either() -> None:
    stead = TransferOutConfirmed(asset="DESK1", sender="u_deputy", sender_for="u_giver")
    case(requested, approved, stead).at(by="u_giver", unit="o_b").when(
        reallocation.confirm_in, assets=["DESK1"], scanned="ZC-1"
    ).then_refused(handover.TWO_PEOPLE)


def test_only_what_is_on_the_way_arrives() -> None:
    for history in ([], [requested, approved], [requested, approved, out1, in1]):
        case(*history).at(unit="o_b").when(
            reallocation.confirm_in, assets=["DESK1"], scanned="ZC-1"
        ).then_refused(reallocation.ON_THE_WAY)
    case(requested, approved, out1).at(unit="o_b").when(
        reallocation.confirm_in, assets=["DESK2"], scanned="ZC-2"
    ).then_refused(holding.ON_THE_LIST)


def test_what_nobody_took_in_goes_back_to_wait() -> None:
    back = CalledBack(asset="DESK1", reason="无人接收")
    case(requested, approved, out1, back).then_state(
        status=ReallocationStatus.APPROVED,
        waiting=frozenset({"DESK1", "DESK2"}),
        moving=frozenset(),
        sent=frozenset(),
    )
    again = HandedOut(asset="DESK1", giver="u_giver")
    case(requested, approved, out1, back, again).then_state(moving=frozenset({"DESK1"}))


# Who decides ------------------------------------------------------------------

NEAR = Route(
    action=Action.REALLOCATION,
    scopes=frozenset({"within"}),
    steps=(Step(Role.HEAD, Body.OWN),),
)
FAR = Route(
    action=Action.REALLOCATION,
    steps=(Step(Role.OFFICE, Body.OFFICES), Step(Role.FINANCE, Body.FINANCE)),
)
PLACE = Policy(name="place", version=3, routes=(NEAR, FAR))


@pytest.mark.parametrize(
    ("giver", "taker", "scope"),
    [
        (("county", "150100", "d1"), ("county", "150100", "d1"), Scope.WITHIN),
        (("county", "150100", "d1"), ("county", "150100", "d2"), Scope.DEPARTMENTS),
        (("county", "150100", "d1"), ("county", "150200", "d1"), Scope.REGIONS),
        (("county", "150100", "d1"), ("province", "150000", "d1"), Scope.LEVELS),
        (("county", "", ""), ("county", "150100", "d1"), None),
        ((None, "", ""), ("county", "150100", "d1"), None),
    ],
)
def test_how_far_it_goes_is_worked_out_from_where_both_belong(
    giver: tuple[Any, str, str], taker: tuple[Any, str, str], scope: Scope | None
) -> None:
    one, other = (
        unit.Unit(level=unit.Level(at[0]) if at[0] else None, region=at[1], competent=at[2])
        for at in (giver, taker)
    )
    assert reallocation.between(one, other) is scope
    assert reallocation.between(other, one) is scope


def test_the_scope_chooses_the_route_and_the_wider_one_wins() -> None:
    for found, asked, scope, steps in (
        ("within", None, Scope.WITHIN, 1),
        ("within", "levels", Scope.LEVELS, 2),
        ("levels", "within", Scope.LEVELS, 2),
        (None, "within", Scope.WITHIN, 1),
    ):
        case(requested).at(policy=PLACE).when(
            reallocation.lay_route, found=found, asked=asked, assets=["DESK1", "DESK2"]
        ).then_state(scope=scope)
        laid = (
            case(requested)
            .at(policy=PLACE)
            .when(reallocation.lay_route, found=found, asked=asked, assets=["DESK1", "DESK2"])
        )
        assert [len(a.stages) for a in laid.answers if isinstance(a, RouteLaid)] == [steps]


def test_where_nobody_says_how_far_the_general_route_decides_and_who_approves_says_it() -> None:
    laid = (
        case(requested)
        .at(policy=PLACE)
        .when(reallocation.lay_route, found=None, asked=None, assets=["DESK1", "DESK2"])
    )
    (route,) = laid.answers
    assert isinstance(route, RouteLaid) and len(route.stages) == 2
    case(requested).when(reallocation.approve, approval_no="调1").then_refused(
        reallocation.SCOPE_NAMED
    )


def test_what_was_routed_for_one_scope_is_not_approved_for_another() -> None:
    near = ScopeWorkedOut(scope=Scope.WITHIN)
    laid = RouteLaid(policy="place@3", stages=(Stage(role="head"),))
    now = case(requested, near, laid).at(role="head")
    now.when(reallocation.approve, approval_no="调1", scope="levels").then_refused(
        reallocation.SCOPE_AS_LAID
    )
    now.when(reallocation.approve, approval_no="调1").then(
        ReallocationApproved(scope=Scope.WITHIN, approval_no="调1")
    )


def test_a_part_of_the_list_may_be_approved() -> None:
    case(requested).when(
        reallocation.approve,
        scope="within",
        approval_no="调1",
        assets=["DESK1"],
        reason="另一张仍需使用",
    ).then(
        ReallocationApproved(scope=Scope.WITHIN, approval_no="调1"),
        ItemsDeclined(assets=("DESK2",), reason="另一张仍需使用"),
        Ask("asset/DESK2", "release", {"case": CASE, "reason": "另一张仍需使用"}),
    ).then_state(waiting=frozenset({"DESK1"}))


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


def test_both_sides_book_the_same_and_what_the_card_says() -> None:
    arrived = case(requested, approved, out1, out2, in1, in2)
    arrived.when(
        reallocation.move_books, asset="DESK1", in_gross=100, fees=5, **vouchers
    ).then_granted()
    arrived.when(reallocation.move_books, asset="DESK1", in_gross=99, **vouchers).then_refused(
        reallocation.BOTH_SIDES
    )
    arrived.when(reallocation.move_books, asset="DESK1", accumulated=101, **vouchers).then_refused(
        reallocation.NOT_MORE
    )
    valued = msgspec.structs.replace(carded, value=100)
    for gross in (99, 100, 101):
        answer = thing(valued).when(reallocation.move_books_to, unit="o_b", gross=gross)
        if gross == 100:
            answer.then_granted()
        else:
            answer.then_refused(reallocation.AS_CARD)


def test_a_lot_is_booked_under_two_vouchers_with_the_totals_of_its_cards() -> None:
    cards = (asset.Asset(value=100, accumulated=40), asset.Asset(value=50))
    arrived = case(requested, approved, out1, out2, in1, in2).at(listed=cards)
    lot = {"assets": ["DESK1", "DESK2"], "out_voucher": "出1", "in_voucher": "入1"}
    total = {"gross": 150, "accumulated": 40}
    answer = arrived.when(reallocation.move_books_lot, **lot, **total)
    answer.then_state(status=ReallocationStatus.BOOKED)
    booked = [a.gross for a in answer.answers if isinstance(a, AccountingTransferred)]
    assert booked == [100, 50]
    arrived.when(reallocation.move_books_lot, **lot, **total | {"gross": 149}).then_refused(
        reallocation.AS_CARD
    )
    arrived.when(reallocation.move_books_lot, **lot, **total | {"accumulated": 0}).then_refused(
        reallocation.WORN_AS_CARDS
    )
    case(requested, approved, out1, in1).when(
        reallocation.move_books_lot, **lot, **total
    ).then_refused(holding.ON_THE_LIST)


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
    thing(carded).when(handover.hand_out, case=CASE, **out).then_refused(holding.HELD_BY_CASE)
    thing(carded, held, moving).when(
        reallocation.transfer_in, case="reallocation/Y", **arrive
    ).then_refused(holding.HELD_BY_CASE)
    thing(carded, held).when(reallocation.transfer_in, case=CASE, **arrive).then_refused(
        reallocation.IN_TRANSIT
    )
    thing(carded, held, moving).when(handover.hand_out, case=CASE, **out).then_refused(
        handover.AT_HAND
    )
    put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
    for verb, form in (
        (reallocation.transfer_in, {"case": CASE} | arrive),
        (reallocation.move_books_to, {"unit": "o_b", "gross": 1}),
    ):
        thing(carded, put_up).when(verb, **form).then_refused(asset.ON_BOOKS)


def test_on_the_way_it_is_nobody_s_and_on_arrival_the_taker_s() -> None:
    history = [carded, DeclaredIdle(), ListedForReuse(), held]
    thing(*history).when(handover.hand_out, case=CASE, to_unit="o_b").then(moving).then_state(
        custody=Custody.TRANSIT, lock=Lock.RESERVED, listed=False
    )
    thing(*history, moving).when(
        reallocation.transfer_in, case=CASE, unit="o_b", place="p_201"
    ).then(TransferredIn(unit="o_b", place="p_201")).then_state(
        custody=Custody.STORE,
        custodian="o_b",
        place="p_201",
        lock=Lock.NONE,
        home=Custody.NONE,
        idle_since=None,
        accounting_unit="o_a",
    )
    thing(*history, moving, TransferredIn(unit="o_b")).when(
        reallocation.move_books_to, unit="o_b", gross=100
    ).then(BooksMoved(unit="o_b", gross=100)).then_state(accounting_unit="o_b")


def test_the_card_takes_over_the_depreciation_that_was_booked_and_keeps_its_own_otherwise() -> None:
    valued = msgspec.structs.replace(carded, value=100)
    stated = DepreciationStated(accumulated=30, residual=5, until=TODAY)
    form: dict[str, Any] = {"unit": "o_b", "gross": 100}
    worn = thing(valued, stated)
    worn.when(reallocation.move_books_to, **form, accumulated=40).then_state(
        accounting_unit="o_b", accumulated=40, residual=5
    )
    worn.when(reallocation.move_books_to, **form).then_state(accumulated=30)
    thing(valued).when(reallocation.move_books_to, **form).then_state(accumulated=None)
    worn.when(reallocation.move_books_to, **form, accumulated=95).then_granted()
    worn.when(reallocation.move_books_to, **form, accumulated=96).then_refused(
        splitting.WITHIN_COST
    )
    relic = msgspec.structs.replace(valued, kind=Kind.RELIC)
    thing(relic).when(reallocation.move_books_to, **form, accumulated=1).then_refused(
        kinds.DEPRECIABLE
    )
    thing(relic).when(reallocation.move_books_to, **form, accumulated=0).then_granted()


def test_an_amount_that_the_first_release_wrote_beside_the_card_stays_beside_it() -> None:
    upcast = UPCASTERS["asset.books_moved", 1]
    assert upcast({"unit": "o_b", "gross": 100, "accumulated": 40})["accumulated"] is None


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
    ledger.ask("u_keeper", "intake/I", "take_in", assets=["DESK1"], scanned="L1")
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
    scan: dict[str, Any] = {"assets": ["DESK1"], "scanned": "L1"}
    ledger.ask("u_giver", "reallocation/R", "confirm_out", **scan)
    assert ledger.state(desk).custody is Custody.TRANSIT
    ledger.refuses(handover.TWO_PEOPLE, "u_giver", "reallocation/R", "confirm_in", **scan)
    ledger.ask("u_taker", "reallocation/R", "confirm_in", place="p_201", **scan)
    there = ledger.state(desk)
    assert (there.custodian, there.accounting_unit) == ("o_b", "o_a")
    ledger.ask("u_accountant", "reallocation/R", "move_books", asset="DESK1", **vouchers)
    there = ledger.state(desk)
    assert (there.accounting_unit, there.label, there.value) == ("o_b", "L1", 100)
    assert ledger.state("reallocation/R").status is ReallocationStatus.BOOKED
