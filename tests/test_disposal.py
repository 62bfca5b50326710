"""Disposal: decision, execution, books and money are four dated facts (#34-#48)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given

from domain import asset, disposal, executing, holding, leaving, settling, use
from domain.asset import AssetRegistered, Book, Custody, Kind, Lock
from domain.decider import Ask, Event
from domain.disposal import (
    AssetDerecognised,
    Deduction,
    DisposalApproved,
    DisposalProposed,
    DisposalRejected,
    DisposalStatus,
    DisposalWithdrawn,
    GivenAway,
    IncomeAssessed,
    LossWrittenOff,
    RemittedToTreasury,
    Scrapped,
    Sold,
)
from domain.holding import HeldForProcess
from domain.leaving import (
    ConsignedForAuction,
    Derecognised,
    Form,
    Ground,
    LeftBook,
    LeftForGood,
    PutUpForDisposal,
)
from domain.use import DeclaredIdle, IssuedToUser, RepairStarted
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse

CASE = "disposal/X"
case = partial(given, disposal.lifecycle)
thing = partial(given, asset.lifecycle)


def proposed(form: Form = Form.AUCTION) -> DisposalProposed:
    return DisposalProposed(
        applicant="u_clerk",
        unit="o_a",
        form=form,
        ground=Ground.OTHER,
        remark="见纪要",
        minutes_no="纪要3",
        assets=("CAR1", "CAR2"),
    )


approved = DisposalApproved(approval_no="批1", assets=("CAR1", "CAR2"))
half = DisposalApproved(approval_no="批1", assets=("CAR1",))
sold1 = Sold(asset="CAR1", price=300, buyer="买1", deal_no="成1")
sold2 = Sold(asset="CAR2", price=200, buyer="买1", deal_no="成1")
assessed = IncomeAssessed(gross=500, net=450)

carded = AssetRegistered(asset_no="ZC-1", name="轿车", kind=Kind.VEHICLE, unit="o_a")
held = HeldForProcess(case=CASE, lock=Lock.APPROVAL)
put_up = PutUpForDisposal(case=CASE, approval_no="批1")
left = LeftForGood(form=Form.AUCTION, case=CASE)
gone = Derecognised(voucher="记-9")

ask_for: dict[str, Any] = {
    "unit": "o_a",
    "form": "auction",
    "ground": "other_ground",
    "remark": "见纪要",
    "minutes_no": "纪要3",
    "assets": ["CAR1", "CAR2"],
}
sale: dict[str, Any] = {"price": 300, "buyer": "买1", "deal_no": "成1"}
gift: dict[str, Any] = {"recipient": "示例希望小学", "agreement": "赠1"}
scrap: dict[str, Any] = {"recycler": "示例再生资源", "certificate": "回1"}
loss: dict[str, Any] = {"ruling_no": "核1", "evidence": "盘点记录与公安回执"}
EXECUTIONS: dict[Form, tuple[Callable[..., Any], dict[str, Any]]] = {
    Form.SALE: (executing.sell, sale),
    Form.AUCTION: (executing.sell, sale),
    Form.ASSIGNMENT: (executing.give_away, gift),
    Form.DONATION: (executing.give_away, gift),
    Form.EXCHANGE: (executing.give_away, gift),
    Form.SCRAP: (executing.scrap, scrap),
    Form.TAKE_BACK: (executing.scrap, scrap),
    Form.WRITE_OFF: (executing.write_off, loss),
}
BELONGS = {
    executing.sell: executing.BY_SALE,
    executing.give_away: executing.BY_GIFT,
    executing.scrap: executing.BY_SCRAPPING,
    executing.write_off: executing.BY_WRITE_OFF,
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# Proposal and decision --------------------------------------------------------


def test_a_proposal_holds_every_piece() -> None:
    case().at(by="u_clerk").when(disposal.propose, **ask_for).then(
        proposed(),
        Ask("asset/CAR1", "hold_for_disposal", {"case": CASE, "unit": "o_a", "form": Form.AUCTION}),
        Ask("asset/CAR2", "hold_for_disposal", {"case": CASE, "unit": "o_a", "form": Form.AUCTION}),
    ).then_state(status=DisposalStatus.PROPOSED)


def test_a_proposal_rests_on_minutes_and_a_list_and_is_made_once() -> None:
    with pytest.raises(msgspec.ValidationError):
        case().when(disposal.propose, **ask_for | {"minutes_no": ""})
    case().when(disposal.propose, **ask_for | {"assets": []}).then_refused(holding.LIST_FILLED)
    case(proposed()).when(disposal.propose, **ask_for).then_refused(disposal.NEW)


def test_an_approval_puts_all_up() -> None:
    form = {"case": CASE, "approval_no": "批1"}
    case(proposed()).when(disposal.approve, approval_no="批1").then(
        approved,
        Ask("asset/CAR1", "put_up_for_disposal", form),
        Ask("asset/CAR2", "put_up_for_disposal", form),
    ).then_state(status=DisposalStatus.APPROVED, approval_no="批1")


def test_an_approval_in_part_lets_the_rest_go() -> None:
    case(proposed()).when(
        disposal.approve, approval_no="批1", assets=["CAR1", "CAR1"], amount=500
    ).then(
        DisposalApproved(approval_no="批1", assets=("CAR1",), amount=500),
        Ask("asset/CAR1", "put_up_for_disposal", {"case": CASE, "approval_no": "批1"}),
        Ask("asset/CAR2", "release", {"case": CASE, "reason": "批1"}),
    ).then_state(approved=frozenset({"CAR1"}))


@pytest.mark.target("T91")
def test_nothing_is_approved_that_nobody_proposed() -> None:
    case(proposed()).when(
        disposal.approve, approval_no="批1", assets=["CAR1", "CAR3"]
    ).then_refused(disposal.APPROVED_PART)


def test_a_rejection_or_withdrawal_frees_every_piece() -> None:
    form = {"case": CASE, "reason": "仍可使用"}
    frees = (Ask("asset/CAR1", "release", form), Ask("asset/CAR2", "release", form))
    case(proposed()).when(disposal.reject, reason="仍可使用").then(
        DisposalRejected(reason="仍可使用"), *frees
    ).then_state(status=DisposalStatus.REJECTED)
    case(proposed()).when(disposal.withdraw, reason="仍可使用").then(
        DisposalWithdrawn(reason="仍可使用"), *frees
    ).then_state(status=DisposalStatus.WITHDRAWN)


def test_nobody_decides_their_own_proposal_and_only_an_open_one() -> None:
    for verb, form in (
        (disposal.approve, {"approval_no": "批1"}),
        (disposal.reject, {"reason": "无"}),
    ):
        case(proposed()).at(by="u_clerk").when(verb, **form).then_refused(holding.OTHER_PERSON)
        for history in ([], [proposed(), approved], [proposed(), DisposalRejected(reason="无")]):
            case(*history).when(verb, **form).then_refused(disposal.PROPOSED)
    for history in ([], [proposed(), approved]):
        case(*history).when(disposal.withdraw, reason="无").then_refused(disposal.PROPOSED)


# Execution --------------------------------------------------------------------


@pytest.mark.parametrize("form", list(Form))
def test_every_form_is_carried_out_by_its_own_step_and_no_other(form: Form) -> None:
    mine, details = EXECUTIONS[form]
    case(proposed(form), approved).when(mine, asset="CAR1", **details).then_state(
        executed=frozenset({"CAR1"}), status=DisposalStatus.APPROVED
    )
    for verb, rest in (v for v in EXECUTIONS.values() if v[0] is not mine):
        case(proposed(form), approved).when(verb, asset="CAR1", **rest).then_refused(BELONGS[verb])


def test_each_execution_says_what_it_rests_on_and_the_asset_leaves() -> None:
    def leaves(form: Form) -> Ask:
        return Ask("asset/CAR1", "leave_for_good", {"form": form, "case": CASE})

    facts: dict[Form, Event] = {
        Form.AUCTION: sold1,
        Form.DONATION: GivenAway(asset="CAR1", **gift),
        Form.SCRAP: Scrapped(asset="CAR1", **scrap),
        Form.WRITE_OFF: LossWrittenOff(asset="CAR1", **loss),
    }
    for form, fact in facts.items():
        verb, details = EXECUTIONS[form]
        case(proposed(form), approved).when(verb, asset="CAR1", **details).then(fact, leaves(form))


@pytest.mark.target("T91")
@pytest.mark.parametrize("form", list(Form))
def test_what_is_executed_was_approved_and_not_executed_before(form: Form) -> None:
    verb, details = EXECUTIONS[form]
    for piece in ("CAR2", "CAR9"):  # proposed but not approved; never proposed
        case(proposed(form), half).when(verb, asset=piece, **details).then_refused(
            holding.ON_THE_LIST
        )
    one = {
        executing.sell: sold1,
        executing.give_away: GivenAway(asset="CAR1", **gift),
        executing.scrap: Scrapped(asset="CAR1", **scrap),
        executing.write_off: LossWrittenOff(asset="CAR1", **loss),
    }[verb]
    case(proposed(form), approved, one).when(verb, asset="CAR1", **details).then_refused(
        holding.ON_THE_LIST
    )
    for history in ([], [proposed(form)], [proposed(form), half, one]):
        case(*history).when(verb, asset="CAR1", **details).then_refused(disposal.APPROVED)


def test_an_approval_is_in_force_to_its_last_day() -> None:
    for days, rule in ((0, None), (1, None), (-1, executing.IN_FORCE)):
        until = TODAY + timedelta(days=days)
        dated = DisposalApproved(approval_no="批1", assets=("CAR1",), valid_until=until)
        answer = case(proposed(), dated).when(executing.sell, asset="CAR1", **sale)
        if rule is None:
            answer.then_granted()
        else:
            answer.then_refused(rule)


# Books ------------------------------------------------------------------------


def test_the_books_let_go_of_what_was_carried_out() -> None:
    case(proposed(), approved, sold1).when(settling.derecognise, asset="CAR1", voucher="记-9").then(
        AssetDerecognised(asset="CAR1", voucher="记-9"),
        Ask("asset/CAR1", "derecognise_asset", {"voucher": "记-9"}),
    ).then_state(derecognised=frozenset({"CAR1"}))


def test_the_books_keep_what_is_still_here_or_let_go_already() -> None:
    once = AssetDerecognised(asset="CAR1", voucher="记-9")
    form = {"voucher": "记-9"}
    for history in ([], [proposed(), approved], [proposed(), approved, sold1, once]):
        case(*history).when(settling.derecognise, asset="CAR1", **form).then_refused(
            settling.SOMETHING_EXECUTED
        )
    case(proposed(), approved, sold1).when(settling.derecognise, asset="CAR2", **form).then_refused(
        holding.ON_THE_LIST
    )


# Money ------------------------------------------------------------------------


def test_the_income_is_what_was_got_less_what_the_lines_say() -> None:
    fees = [{"type": "评估费", "amount": 30}, {"type": "拍卖佣金", "amount": 20}]
    case(proposed(), approved, sold1, sold2).when(
        settling.assess_income, gross=500, deductions=fees
    ).then(
        IncomeAssessed(
            gross=500,
            deductions=(
                Deduction(type="评估费", amount=30),
                Deduction(type="拍卖佣金", amount=20),
            ),
            net=450,
        )
    ).then_state(status=DisposalStatus.ASSESSED, net=450)


@pytest.mark.parametrize(
    ("gross", "deducted", "right"),
    [(500, 500, True), (500, 501, False), (499, 0, False), (501, 0, False)],
)
def test_the_income_adds_up_to_the_fen(gross: int, deducted: int, right: bool) -> None:
    answer = case(proposed(), approved, sold1, sold2).when(
        settling.assess_income, gross=gross, deductions=[{"type": "费用", "amount": deducted}]
    )
    if right:
        answer.then_granted()
    else:
        answer.then_refused(settling.SUM_RIGHT)


def test_income_is_assessed_once_and_only_when_all_is_carried_out() -> None:
    for history in ([], [proposed(), approved, sold1], [proposed(), half, sold1, assessed]):
        case(*history).when(settling.assess_income, gross=300).then_refused(settling.EXECUTED)


def test_where_nothing_is_owed_the_case_is_closed_with_the_same_step() -> None:
    given_away = GivenAway(asset="CAR1", **gift)
    case(proposed(Form.DONATION), half, given_away).when(
        settling.assess_income, gross=0
    ).then_state(status=DisposalStatus.REMITTED, net=0)


def test_money_reaches_the_treasury_in_one_or_several_sums() -> None:
    ready = [proposed(), approved, sold1, sold2, assessed]
    form = {"voucher": "缴1", "treasury_on": TODAY}
    part = RemittedToTreasury(amount=449, voucher="缴1", treasury_on=TODAY, unit="o_a")
    case(*ready).when(settling.remit, amount=449, **form).then(part).then_state(
        status=DisposalStatus.ASSESSED, remitted=449
    )
    case(*ready, part).when(settling.remit, amount=1, **form).then_state(
        status=DisposalStatus.REMITTED
    )
    case(*ready, part).when(settling.remit, amount=2, **form).then_refused(settling.NOT_TOO_MUCH)
    case(*ready).when(settling.remit, amount=0, **form).then_refused(settling.SOMETHING_PAID)


def test_money_cannot_have_arrived_tomorrow() -> None:
    ready = [proposed(), approved, sold1, sold2, assessed]
    late = {"voucher": "缴1", "treasury_on": TODAY + timedelta(days=1)}
    case(*ready).when(settling.remit, amount=450, **late).then_refused(settling.PAID_ALREADY)


def test_only_assessed_income_is_remitted() -> None:
    form = {"amount": 1, "voucher": "缴1", "treasury_on": TODAY}
    paid = RemittedToTreasury(amount=450, voucher="缴1", treasury_on=TODAY)
    for history in ([], [proposed(), approved, sold1, sold2], [proposed(), assessed, paid]):
        case(*history).when(settling.remit, **form).then_refused(settling.ASSESSED)
    unknown = IncomeAssessed(gross=500)  # a source that states no deductions
    case(unknown).when(settling.remit, **form).then_refused(settling.ASSESSED)


# What it means for the asset --------------------------------------------------


def test_only_what_is_at_hand_and_free_is_proposed() -> None:
    spare: list[list[Event]] = [
        [],
        [DeclaredIdle()],
        [ReceivedIntoWarehouse(warehouse="p_wh", virtual=False)],
        [ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)],
    ]
    for history in spare:
        thing(carded, *history).when(
            leaving.hold_for_disposal, case=CASE, unit="o_a", form="auction"
        ).then(held)
    for fact in (IssuedToUser(unit="o_a"), RepairStarted(fault="坏")):
        thing(carded, fact).when(
            leaving.hold_for_disposal, case=CASE, unit="o_a", form="auction"
        ).then_refused(leaving.DISPOSABLE)
    thing(carded, held).when(
        leaving.hold_for_disposal, case=CASE, unit="o_a", form="auction"
    ).then_refused(asset.UNLOCKED)
    thing().when(leaving.hold_for_disposal, case=CASE, unit="o_a", form="auction").then_refused(
        asset.ON_BOOKS
    )


def test_only_who_accounts_for_it_or_keeps_it_proposes_it() -> None:
    kept = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_wh")
    for unit in ("o_a", "o_wh"):
        thing(carded, kept).when(
            leaving.hold_for_disposal, case=CASE, unit=unit, form="auction"
        ).then_granted()
    thing(carded, kept).when(
        leaving.hold_for_disposal, case=CASE, unit="o_z", form="auction"
    ).then_refused(leaving.OURS)


def test_approval_leaves_the_thing_where_it_is() -> None:
    form = {"case": CASE, "approval_no": "批1"}
    thing(carded, DeclaredIdle(), ListedForReuse(), held).when(
        leaving.put_up_for_disposal, **form
    ).then(put_up).then_state(
        book=Book.TO_DISPOSE, custody=Custody.IDLE, lock=Lock.NONE, listed=False
    )
    thing(carded).when(leaving.put_up_for_disposal, **form).then_refused(holding.HELD_BY_CASE)
    thing(carded, put_up).when(leaving.put_up_for_disposal, **form).then_refused(asset.ON_BOOKS)


def test_what_awaits_disposal_leaves_once_and_then_the_books_let_go() -> None:
    form = {"form": "auction", "case": CASE}
    thing(carded, put_up).when(leaving.leave_for_good, **form).then(left).then_state(
        book=Book.TO_DISPOSE, custody=Custody.LEFT, executed=True
    )
    thing(carded, put_up, left).when(leaving.leave_for_good, **form).then_refused(use.STILL_HERE)
    thing(carded).when(leaving.leave_for_good, **form).then_refused(leaving.TO_DISPOSE)
    thing(carded, put_up, left).when(leaving.derecognise_asset, voucher="记-9").then(
        gone, Ask("quota/o_a", "give_place", {"asset": "X", "reason": "核销"})
    ).then_state(book=Book.GONE, custody=Custody.LEFT)
    thing(carded, put_up).when(leaving.derecognise_asset, voucher="记-9").then_refused(leaving.GONE)
    thing(carded, put_up, left, gone).when(leaving.derecognise_asset, voucher="记-9").then_refused(
        leaving.TO_DISPOSE
    )


def test_damage_to_what_has_left_is_not_ours_to_record() -> None:
    thing(carded, put_up, left).when(use.record_damage, text="坏").then_refused(use.STILL_HERE)


def test_what_a_published_register_says_has_its_meaning() -> None:
    thing(carded, ConsignedForAuction(auctioneer="拍卖行")).then_state(custody=Custody.WAREHOUSE)
    thing(carded, LeftBook(reason="下年登记册未列")).then_state(
        book=Book.GONE, custody=Custody.LEFT
    )


# On a database ----------------------------------------------------------------


def sell_all(ledger: Ledger, cars: list[str], price: int) -> None:
    for car in cars:
        ledger.ask(
            "u_clerk", "disposal/D", "sell", asset=car, price=price, buyer="买1", deal_no="成1"
        )


@pytest.mark.target("T91")
def test_from_the_meeting_to_the_treasury(ledger: Ledger) -> None:
    """Ten cars proposed, eight approved, eight sold; the books and the money follow."""
    cars = [f"CAR{n}" for n in range(10)]
    for car in cars:
        ledger.card(car, name="轿车", kind="vehicle", value=10_000_000)
    ledger.ask("u_clerk", "disposal/D", "propose", **ask_for | {"assets": cars})
    ledger.refuses(asset.UNLOCKED, "u_clerk", "asset/CAR9", "issue", user="u_wang")
    ledger.refuses(holding.OTHER_PERSON, "u_clerk", "disposal/D", "approve", approval_no="批1")
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1", assets=cars[:8])
    assert ledger.state("asset/CAR0").book is Book.TO_DISPOSE
    assert ledger.state("asset/CAR9").book is Book.ON_BOOKS
    assert ledger.state("asset/CAR9").lock is Lock.NONE
    sell_all(ledger, cars[:7], 5_000_000)
    ledger.refuses(holding.ON_THE_LIST, "u_clerk", "disposal/D", "sell", asset="CAR9", **sale)
    ledger.refuses(settling.EXECUTED, "u_fin", "disposal/D", "assess_income", gross=35_000_000)
    sell_all(ledger, cars[7:8], 5_000_000)
    for car in cars[:8]:
        assert ledger.state(f"asset/{car}").custody is Custody.LEFT
        ledger.ask("u_accountant", "disposal/D", "derecognise", asset=car, voucher="记-9")
    ledger.ask(
        "u_accountant",
        "disposal/D",
        "assess_income",
        gross=40_000_000,
        deductions=[{"type": "评估费", "amount": 200_000}],
    )
    ledger.ask(
        "u_treasury",
        "disposal/D",
        "remit",
        amount=39_800_000,
        voucher="缴1",
        treasury_on=date(2025, 6, 30),
    )
    end = ledger.state("disposal/D")
    assert (end.status, end.remitted) == (DisposalStatus.REMITTED, 39_800_000)
    last = ledger.state("asset/CAR0")
    assert (last.book, last.asset_no) == (Book.GONE, "ZC-CAR0")
    refused = ledger.refuses(
        asset.NOT_YET_KNOWN,
        "u_clerk",
        "asset/CAR0",
        "receive",
        name="轿车",
        kind="vehicle",
        unit="o_a",
    )
    assert refused.sentence("zh").endswith("目前没有可办理的事项。")


@pytest.mark.parametrize("form", [f for f in Form if f not in (Form.AUCTION, Form.EXCHANGE)])
def test_every_other_form_reaches_the_end_of_the_books(ledger: Ledger, form: Form) -> None:
    ledger.card("CAR1", kind="office")
    ledger.ask(
        "u_clerk", "disposal/D", "propose", **ask_for | {"assets": ["CAR1"], "form": form.value}
    )
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")
    verb, details = EXECUTIONS[form]
    ledger.ask("u_clerk", "disposal/D", verb.__name__, asset="CAR1", **details)
    ledger.ask("u_accountant", "disposal/D", "derecognise", asset="CAR1", voucher="记-9")
    gross = 300 if form is Form.SALE else 0
    ledger.ask("u_accountant", "disposal/D", "assess_income", gross=gross)
    assert ledger.state("asset/CAR1").book is Book.GONE
    status = DisposalStatus.ASSESSED if gross else DisposalStatus.REMITTED
    assert ledger.state("disposal/D").status is status


def test_a_list_from_which_everything_was_taken_off_has_no_value_to_state():
    """Whoever corrects a list keeps something on it; the value of nothing is not made up either."""
    answer = case(proposed()).when(disposal.lay_anew, assets=()).then_granted()
    assert not [a for a in answer.answers if isinstance(a, disposal.ListValued)]
