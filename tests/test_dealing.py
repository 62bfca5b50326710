"""A deal binds a buyer and moves nothing; a buyer who defaults loses the deposit and all is for sale
again, and no fen of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import dealing, disposal, executing, refunding, selling, settling
from domain import due as dues
from domain.apportioning import Basis, LotShared, UnitPart, UnitsStated
from domain.dealing import DealStruck, DepositForfeited, IncomeFellAway
from domain.decider import Document, Event
from domain.disposal import (
    DisposalApproved,
    DisposalProposed,
    DisposalStatus,
    Flag,
    IncomeAssessed,
    ListValued,
    Sold,
    TermsLaid,
)
from domain.due import DueStatus, Income
from domain.leaving import Form, Ground
from domain.requiring import PAPERS_ATTACHED, Need
from domain.selling import Appraised, AuctionFailed, PutOnMarket

past = partial(given, disposal.lifecycle)
SOON = TODAY + timedelta(days=30)
LOT = ("A", "B")


def approved(form: Form = Form.AUCTION, *terms: Event, amount: int | None = None) -> list[Event]:
    return [
        DisposalProposed(
            applicant="u_clerk",
            unit="o_a",
            form=form,
            ground=Ground.IDLE,
            minutes_no="纪1",
            assets=LOT,
        ),
        ListValued(values=(700, 300), kinds=("vehicle",) * 2, amount=1_000),
        *terms,
        DisposalApproved(approval_no="批1", assets=LOT, amount=amount),
    ]


appraised = Appraised(
    assets=LOT, appraiser="评", value=1_000, base_date=TODAY, report_no="评1", filing_no="备1"
)
listed = PutOnMarket(platform="平台", project_no="项1", reserve=1_000)
BUYER = {"buyer": "买1", "deal_no": "成1"}
BOTH: dict[str, Any] = {"assets": list(LOT), "price": 1_001, **BUYER}
deal = DealStruck(
    deal_no="成1",
    buyer="买1",
    assets=LOT,
    prices=(701, 300),
    price=1_001,
    divided_by=Basis.APPRAISAL,
    deposit=200,
    pay_by=SOON,
)
on_sale = [*approved(), appraised, listed]
sold = [*on_sale, deal]
OFF = {"deal_no": "成1", "reason": "逾期未付款", "next_step_by": SOON}


def test_a_deal_binds_the_buyer_and_moves_nothing() -> None:
    form = BOTH | {"deposit": 200, "pay_by": SOON}
    answer = past(*on_sale).when(dealing.strike_deal, **form).then(deal)
    answer.then_state(
        status=DisposalStatus.APPROVED,
        executed=frozenset(),
        dealt=frozenset(LOT),
        unsold=frozenset(),
        proceeds=1_001,
        on_market=False,
    )
    again = past(*sold)
    for verb, more in (
        (dealing.strike_deal, BOTH),
        (executing.sell_lot, BOTH),
        (executing.sell, {"asset": "A", "price": 5, **BUYER}),
    ):
        again.when(verb, **more).then_refused(executing.ON_THE_LIST)
    again.when(selling.put_on_market, platform="平台", project_no="项2", reserve=1).then_refused(
        selling.SOMETHING_UNSOLD
    )
    again.when(executing.keep_rest, reason="不卖了").then_refused(selling.SOMETHING_UNSOLD)
    again.when(executing.report_excess, assets=["A"], reason="已交付").then_refused(
        executing.ON_THE_LIST
    )
    step = settling.next_step(again.state)
    assert step is not None and (step.verb, step.due) == ("hand_over_deal", SOON)


def test_a_deal_holds_to_approval_price_and_day_as_a_sale_does() -> None:
    floor = TermsLaid(policy="p@1", appraisal=True, floor_percent=90)
    held = [*approved(Form.AUCTION, floor), appraised]
    past(*held).when(dealing.strike_deal, **BOTH | {"price": 900}).then_granted()
    past(*held).when(dealing.strike_deal, **BOTH | {"price": 899}).then_refused(selling.PRICE_HOLDS)
    past(*approved(Form.AUCTION, floor)).when(dealing.strike_deal, **BOTH).then_refused(
        selling.APPRAISED
    )
    past(*on_sale).when(dealing.strike_deal, **BOTH, pay_by=TODAY - timedelta(days=1)).then_refused(
        dealing.PAY_AHEAD
    )
    part = [*approved(amount=700), appraised]
    one = {"assets": ["A"], "price": 700, **BUYER}
    past(*part).when(dealing.strike_deal, **one).then_granted()
    first = DealStruck(
        deal_no="成1",
        buyer="买1",
        assets=("A",),
        prices=(700,),
        price=700,
        divided_by=Basis.ORIGINAL,
    )
    more = {"assets": ["B"], "price": 300, "buyer": "买2"}
    past(*part, first).when(dealing.strike_deal, deal_no="成2", **more).then_refused(
        executing.WITHIN_AMOUNT
    )
    past(*approved(), first).when(dealing.strike_deal, deal_no="成1", **more).then_refused(
        dealing.NEW_DEAL
    )
    past(*approved(Form.SCRAP)).when(dealing.strike_deal, **BOTH).then_refused(executing.BY_SALE)


def test_the_things_go_to_the_buyer_with_the_papers_of_their_form() -> None:
    needs = (Need(kind="vehicle", documents=("sale_contract", "deal_confirmation")),)
    laid = [*approved(Form.SALE, TermsLaid(policy="p@1", needs=needs)), appraised, deal]
    past(*laid).when(dealing.hand_over_deal, deal_no="成1").then_refused(PAPERS_ATTACHED)
    by_hand = past(*laid).at(docs=(Document(type="sale_contract"),))
    by_hand.when(dealing.hand_over_deal, deal_no="成1").then_granted()
    contract = {"deal_no": "成1", "contract_no": "合1", "signed_on": TODAY}
    past(*laid).when(dealing.sign_contract, **contract).then(dealing.ContractSigned(**contract))
    signed = past(*laid, dealing.ContractSigned(**contract))
    gone = signed.when(dealing.hand_over_deal, deal_no="成1")
    assert gone.answers[:2] == (
        Sold(asset="A", price=701, buyer="买1", deal_no="成1"),
        Sold(asset="B", price=300, buyer="买1", deal_no="成1"),
    )
    gone.then_state(status=DisposalStatus.EXECUTED, proceeds=1_001, deals={}, executed_amount=1_000)
    for verb, form in ((dealing.hand_over_deal, {}), (dealing.sign_contract, contract)):
        past(*laid).when(verb, **form | {"deal_no": "成9"}).then_refused(dealing.KNOWN_DEAL)
        past(*on_sale).when(verb, **form | {"deal_no": "成1"}).then_refused(dealing.DEAL_OPEN)


def test_what_a_deal_brings_is_assessed_before_or_after_it_is_handed_over() -> None:
    fee = disposal.Deduction(type="佣金", amount=100)
    past(*on_sale).when(settling.assess_income, gross=1_001).then_refused(settling.EXECUTED)
    early = past(*sold).when(settling.assess_income, gross=1_001, deductions=[fee])
    early.then_state(status=DisposalStatus.ASSESSED, net=901, billed=1_001)
    fact = IncomeAssessed(gross=1_001, deductions=(fee,), net=901)
    past(*sold, fact).when(settling.assess_income, gross=0).then_refused(settling.EXECUTED)
    past(*sold, fact).when(dealing.hand_over_deal, deal_no="成1").then_state(
        status=DisposalStatus.ASSESSED, proceeds=1_001, net=901
    )
    step = settling.next_step(past(*sold, fact).state)
    assert step is not None and step.verb == "hand_over_deal"


@pytest.mark.target("T92")
def test_a_buyer_who_defaults_loses_the_deposit_and_all_is_for_sale_again() -> None:
    form = OFF | {"deposit_forfeited": 200}
    off = past(*sold).when(dealing.record_buyer_default, **form)
    off.then(
        dealing.BuyerDefaulted(buyer="买1", **OFF),
        DepositForfeited(
            deal_no="成1", buyer="买1", amount=200, parts=(UnitPart(unit="o_a", amount=200),)
        ),
    )
    off.then_state(
        status=DisposalStatus.APPROVED,
        proceeds=0,
        deals={},
        unsold=frozenset(LOT),
        flags=(Flag.DEFAULTED,),
        next_step_by=SOON,
        rounds_failed=0,
    )
    past(*sold).when(dealing.record_buyer_default, **OFF | {"deposit_forfeited": 201}).then_refused(
        dealing.DEPOSIT_WITHIN
    )
    early = TODAY - timedelta(days=1)
    past(*sold).when(dealing.record_buyer_default, **OFF | {"next_step_by": early}).then_refused(
        selling.NEXT_AHEAD
    )
    after = past(*sold, dealing.BuyerDefaulted(buyer="买1", **OFF))
    step = settling.next_step(after.state)
    assert step is not None and (step.verb, step.due) == ("put_on_market", SOON)
    after.when(selling.put_on_market, platform="平台", project_no="项2", reserve=999).then_refused(
        selling.RESERVE_HIGH
    )  # a default is no failed round: the appraisal still holds
    after.when(dealing.strike_deal, **BOTH | {"deal_no": "成2"}).then_granted()
    after.when(executing.keep_rest, reason="不卖了").then_state(status=DisposalStatus.WITHDRAWN)


def test_what_was_assessed_of_a_broken_deal_falls_away_and_its_costs_stay() -> None:
    fee = disposal.Deduction(type="佣金", amount=100)
    assessed = [*sold, IncomeAssessed(gross=1_001, deductions=(fee,), net=901)]
    off = past(*assessed).when(dealing.record_buyer_default, **OFF)
    [fell] = [fact for fact in off.answers if isinstance(fact, IncomeFellAway)]
    assert (fell.gross, fell.net) == (1_001, 901)
    off.then_state(net=0, billed=0, proceeds=0, status=DisposalStatus.APPROVED)
    granted = [fact for fact in off.answers if isinstance(fact, Event)]
    again = {**BOTH, "deal_no": "成2", "buyer": "买2", "price": 1_200}
    second = past(*assessed, *granted).when(dealing.strike_deal, **again)
    resold = [fact for fact in second.answers if isinstance(fact, Event)]
    anew = past(*assessed, *granted, *resold)
    anew.when(settling.assess_income, gross=1_201).then_refused(settling.SUM_RIGHT)
    anew.when(settling.assess_income, gross=1_200, deductions=[fee]).then_state(
        net=1_100, billed=1_200, proceeds=1_200, status=DisposalStatus.ASSESSED
    )


def test_a_listing_may_be_withdrawn_and_has_a_next_step_too() -> None:
    form = {"reason": "评估报告过期", "next_step_by": SOON}
    past(*on_sale).when(selling.take_off_market, **form).then(
        selling.TakenOffMarket(**form)
    ).then_state(on_market=False, next_step_by=SOON, rounds_failed=0)
    past(*approved()).when(selling.take_off_market, **form).then_refused(selling.ON_MARKET)
    past(*on_sale).when(
        selling.take_off_market, **form | {"next_step_by": TODAY - timedelta(days=1)}
    ).then_refused(selling.NEXT_AHEAD)


def test_after_a_failed_round_it_may_be_appraised_again_and_the_floor_follows() -> None:
    floor = TermsLaid(policy="p@1", appraisal=True, floor_percent=90)
    first = [*approved(Form.AUCTION, floor), appraised, listed]
    failed = [*first, AuctionFailed(reason="无人报名", next_step_by=SOON)]
    low = {"assets": list(LOT), "price": 800, **BUYER}
    past(*failed).when(dealing.strike_deal, **low).then_refused(selling.PRICE_HOLDS)
    anew = past(*failed).when(
        selling.record_appraisal,
        assets=list(LOT),
        appraiser="评",
        value=880,
        base_date=TODAY,
        report_no="评2",
        filing_no="备2",
    )
    anew.then_state(appraisals={"A": 616, "B": 264}, floors={"A": 555, "B": 238})
    facts = [fact for fact in anew.answers if isinstance(fact, Event)]
    past(*failed, *facts).when(dealing.strike_deal, **low).then_granted()
    past(*sold).when(
        selling.record_appraisal,
        assets=["A"],
        appraiser="评",
        value=1,
        base_date=TODAY,
        report_no="评3",
    ).then_refused(selling.ON_THE_LIST)  # what is sold is not appraised again


def test_a_deal_of_several_units_says_whose_part_is_whose() -> None:
    stated = UnitsStated(units=("o_1", "o_2"), owners=("o_1", "o_2"))
    several = [*approved(Form.AUCTION, stated), appraised]
    struck = past(*several).when(dealing.strike_deal, **BOTH, deposit=101)
    facts = [fact for fact in struck.answers if isinstance(fact, Event)]
    [lot] = [fact for fact in facts if isinstance(fact, LotShared)]
    assert [(p.unit, p.amount) for p in lot.parts] == [("o_1", 701), ("o_2", 300)]
    assessed = past(*several, *facts).when(settling.assess_income, gross=1_001)
    facts += [fact for fact in assessed.answers if isinstance(fact, Event)]
    off = past(*several, *facts).when(
        dealing.record_buyer_default, **OFF | {"deposit_forfeited": 101}
    )
    [kept] = [fact for fact in off.answers if isinstance(fact, DepositForfeited)]
    assert [(p.unit, p.amount) for p in kept.parts] == [("o_1", 71), ("o_2", 30)]
    off.then_state(
        due_by={"o_1": 0, "o_2": 0}, billed_by={"o_1": 0, "o_2": 0}, earned={"o_1": 0, "o_2": 0}
    )


# On a database ----------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    told = Ledger(database)
    yield told
    told.close()


def offered(ledger: Ledger) -> None:
    ledger.card("CAR", name="轿车", kind="vehicle", value=10_000)
    form = {"unit": "o_a", "form": "auction", "ground": "idle", "minutes_no": "纪要1"}
    ledger.ask("u_clerk", "disposal/D", "propose", assets=["CAR"], **form)
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")


def struck(ledger: Ledger, no: str, buyer: str, price: int, deposit: int) -> None:
    form = {"price": price, "buyer": buyer, "deal_no": no, "deposit": deposit, "pay_by": SOON}
    ledger.ask("u_clerk", "disposal/D", "strike_deal", assets=["CAR"], **form)


def test_instalment_default_forfeited_deposit_and_the_second_auction(ledger: Ledger) -> None:
    """Paid in part, never finished: the deposit is ours, the instalment the buyer's, the car sold again."""
    offered(ledger)
    struck(ledger, "成1", "买1", 8_000, 1_000)
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=8_000)
    main, kept = "due/disposal.D", "due/disposal.D.deposit"
    ledger.ask("u_acc", main, "issue_notice", payment_code="码1", payer="买1", amount=3_000)
    ledger.ask("u_acc", main, "issue_notice", payment_code="码2", payer="买1")
    paid = {"payer": "买1", "reference": "收1", "payment_code": "码1"}
    ledger.ask("u_cash", main, "take_cash", amount=3_000, **paid)
    ledger.ask("u_fin", main, "remit", amount=2_000, voucher="缴1", treasury_on=TODAY)
    off = {"deal_no": "成1", "reason": "尾款逾期", "next_step_by": SOON, "deposit_forfeited": 600}
    ledger.refuses(dues.REFUND_FIRST, "u_clerk", "disposal/D", "record_buyer_default", **off)
    back = {"ground": "changed_basis", "approval_no": "退1", "voucher": "退书1", "reason": "违约"}
    ledger.ask("u_fin2", main, "refund", amount=2_000, **back)
    now = ledger.state("disposal/D")
    assert (now.net, now.remitted) == (6_000, 0)
    ledger.ask("u_clerk", "disposal/D", "record_buyer_default", **off)
    assert ledger.state("asset/CAR").custody.value == "store"  # it never left
    state = ledger.state(main)
    assert (state.status, state.whole, state.notices) == (DueStatus.REFUNDED, 0, ())
    # 3,000 came in: 2,000 went back through the treasury, 1,000 wait here for their payer.
    assert (state.paid_in, state.overpaid, state.given_back) == (0, 1_000, 2_000)
    ledger.ask("u_book", main, "return_excess", amount=1_000, voucher="记-1")
    forfeited = ledger.state(kept)
    assert (forfeited.income, forfeited.net, forfeited.unit) == (Income.DEPOSIT, 600, "o_a")
    deposit = {"payer": "买1", "reference": "保证金1"}
    ledger.ask("u_cash", kept, "offset_deposit", amount=600, **deposit)
    ledger.ask("u_fin", kept, "remit", amount=600, voucher="缴2", treasury_on=TODAY)
    # Again: the second buyer pays, has the car, and the case ends.
    listing = {"platform": "平台", "project_no": "项2", "reserve": 7_000}
    ledger.ask("u_clerk", "disposal/D", "put_on_market", **listing)
    struck(ledger, "成2", "买2", 7_000, 0)
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=7_000)
    ledger.ask("u_clerk", "disposal/D", "hand_over_deal", deal_no="成2")
    ledger.ask("u_acc", "disposal/D", "derecognise", asset="CAR", voucher="记-9")
    second = {"payer": "买2", "reference": "收2"}
    ledger.ask("u_cash", main, "take_cash", amount=7_000, **second)
    ledger.ask("u_fin", main, "remit", amount=7_000, voucher="缴3", treasury_on=TODAY)
    end, last = ledger.state("disposal/D"), ledger.state(main)
    assert (end.status, end.net, end.remitted) == (DisposalStatus.REMITTED, 7_000, 7_000)
    assert (last.status, last.remitted, last.gap) == (DueStatus.REMITTED, 7_000, 0)
    assert ledger.state("asset/CAR").book.value == "gone"


def test_a_refund_of_a_lot_is_divided_again_to_the_fen(ledger: Ledger) -> None:
    """Two units, 701 and 300 of 1,001: of 100 back from the treasury 70 and 30 are theirs."""
    for asset, unit, value in (("A", "o_1", 701), ("B", "o_2", 300)):
        ledger.card(asset, unit=unit, value=value)
        form = {"warehouse": "W", "ground": "idle", "unit": unit}
        ledger.ask("u_clerk", f"intake/{unit}", "apply", assets=[asset], **form)
        ledger.ask("u_office", f"intake/{unit}", "approve", keeper_unit="o_wh")
        seen = {"assets": [asset], "scanned": f"ZC-{asset}"}
        ledger.ask("u_giver", f"intake/{unit}", "hand_out", **seen)
        ledger.ask("u_keeper", f"intake/{unit}", "take_in", **seen)
    form = {"unit": "o_wh", "form": "auction", "ground": "idle", "minutes_no": "纪要1"}
    ledger.ask("u_clerk", "disposal/D", "propose", assets=list(LOT), **form)
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")
    ledger.ask("u_clerk", "disposal/D", "sell_lot", **BOTH)
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=1_001)
    for unit, amount in (("o_1", 701), ("o_2", 300)):
        paid = {"unit": unit, "amount": amount, "voucher": f"缴{unit}", "treasury_on": TODAY}
        ledger.ask("u_fin", "disposal/D", "remit", **paid)
    back: dict[str, Any] = {"ground": "changed_basis", "approval_no": "退1", "voucher": "退书1"}
    back["reason"] = "里程表不符，减价"
    ledger.refuses(
        refunding.SOMETHING_SENT, "u_fin2", "disposal/D", "refund_lot", amount=1_002, **back
    )
    ledger.ask("u_fin2", "disposal/D", "refund_lot", amount=100, **back)
    parts = [e.event for e in ledger.book.stream("disposal/D").entries][-3:]
    assert isinstance(parts[0], refunding.RefundShared)
    assert [(p.unit, p.amount) for p in parts[0].parts] == [("o_1", 70), ("o_2", 30)]
    end = ledger.state("disposal/D")
    assert (end.net, end.due_by) == (901, {"o_1": 631, "o_2": 270})
    assert (end.remitted, end.remitted_by) == (901, {"o_1": 631, "o_2": 270})
    for unit, left, back_to_payer in (("o_1", 631, 70), ("o_2", 270, 30)):
        due = ledger.state(f"due/disposal.D.{unit}")
        assert (due.whole, due.remitted, due.given_back) == (left, left, back_to_payer)


def test_what_an_institution_keeps_the_case_owes_no_longer(ledger: Ledger) -> None:
    ledger.ask("u_admin", "unit/o_a", "establish", name="示例学校", kind="institution")
    offered(ledger)
    deal = {"price": 8_000, "buyer": "买1", "deal_no": "成1"}
    ledger.ask("u_clerk", "disposal/D", "sell", asset="CAR", **deal)
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=8_000)
    keep = {"basis": "《XX办法》第3条", "approval_no": "批3"}
    ledger.ask("u_fin", "due/disposal.D", "keep", amount=3_000, **keep)
    paid = {"voucher": "缴1", "treasury_on": TODAY}
    ledger.refuses(settling.NOT_TOO_MUCH, "u_fin", "disposal/D", "remit", amount=5_001, **paid)
    ledger.ask("u_fin", "disposal/D", "remit", amount=5_000, **paid)
    assert ledger.state("disposal/D").status is DisposalStatus.REMITTED
    assert ledger.state("due/disposal.D").left == 0


def test_a_refund_for_an_error_and_a_part_never_remitted_both_arrive(ledger: Ledger) -> None:
    """The case waits for what never was with the treasury; what comes again is the due's own."""
    offered(ledger)
    deal = {"price": 100, "buyer": "买1", "deal_no": "成1"}
    ledger.ask("u_clerk", "disposal/D", "sell", asset="CAR", **deal)
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=100)
    paid = {"treasury_on": TODAY}
    ledger.ask("u_fin", "due/disposal.D", "remit", amount=60, voucher="缴1", **paid)
    error = {
        "ground": "technical_error",
        "approval_no": "退1",
        "voucher": "退1",
        "reason": "账号错",
    }
    ledger.ask("u_fin2", "due/disposal.D", "refund", amount=20, **error)
    ledger.ask("u_fin", "due/disposal.D", "remit", amount=60, voucher="缴2", **paid)
    due = ledger.state("due/disposal.D")
    assert (due.left, due.again, due.remitted) == (0, 0, 100)
    assert ledger.state("disposal/D").status is DisposalStatus.REMITTED
