"""Money owed to the treasury: from the deal to the books, nothing made and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, able, given

from domain import due
from domain import unit as units
from domain.decider import LIFECYCLES, Ask, Event, Refused
from domain.disposal import Deduction
from domain.due import (
    Due,
    DueAssessed,
    DueRemitted,
    DueStatus,
    Income,
    Means,
    NoticeIssued,
    PaymentReceived,
    RefundGround,
    TransferRecorded,
    TreasuryRefunded,
)
from domain.duties import INCOMPATIBLE
from domain.policy import Policy, RemitFrom, Remittance

past = partial(given, due.lifecycle)
FEE = Deduction(type="拍卖佣金", amount=100)


def owed(amount: int = 1_000, **more: Any) -> DueAssessed:
    said: dict[str, Any] = {
        "origin": None,
        "income": Income.OTHER,
        "unit": "o_a",
        "biller": "u_biller",
        "gross": amount,
        "net": amount,
        "assessed_on": TODAY,
    }
    return DueAssessed(**said | more)


paid = TransferRecorded(amount=1_000, payer="买1", reference="银1")
sent = DueRemitted(amount=1_000, voucher="缴1", treasury_on=TODAY)
CASH = {"payer": "买1", "reference": "收1"}

# What is owed ---------------------------------------------------------------------


def test_the_day_is_the_place_s_and_none_is_invented() -> None:
    form = {"origin": "disposal/D", "income": "disposal_income", "unit": "o_a"}
    form |= {"gross": 5, "net": 5}
    open_ended = past().when(due.assess, **form)
    open_ended.then_state(owed=(due.Owed(amount=5, on=TODAY),))
    ten = Policy(name="p", version=1, remit_days=10)
    by = TODAY + timedelta(days=10)
    past().at(policy=ten).when(due.assess, **form).then_state(
        owed=(due.Owed(amount=5, on=TODAY, remit_by=by),)
    )


# Days counted from the receipt ----------------------------------------------------

RECEIVED = Policy(name="p", version=1, remit_days=10, remit_from=RemitFrom.RECEIVED)
counted = partial(owed, days_from_receipt=10)


def came_in(amount: int, after: int, **more: Any) -> TransferRecorded:
    """Say that money came in so many days after it was assessed."""
    on = TODAY + timedelta(days=after)
    return TransferRecorded(amount=amount, payer="买1", reference="银", received_on=on, **more)


def days_left(*facts: Event) -> int | None:
    """Return how many days after its assessment something is to be remitted by, None for no day."""
    by = past(*facts).state.remit_by()
    return None if by is None else (by - TODAY).days


def test_the_rules_of_the_assessment_say_from_when_the_days_count() -> None:
    form = {"origin": "disposal/D", "income": "disposal_income", "unit": "o_a"}
    form |= {"gross": 5, "net": 5}
    told = past().at(policy=RECEIVED).when(due.assess, **form)
    told.then_state(owed=(due.Owed(amount=5, on=TODAY, days=10),))
    nothing = msgspec.structs.replace(RECEIVED, remit_days=None)
    past().at(policy=nothing).when(due.assess, **form).then_state(
        owed=(due.Owed(amount=5, on=TODAY),)
    )
    # What was assessed with a day keeps it, whenever it comes in; old entries say no day of receipt.
    by = TODAY + timedelta(days=3)
    assert days_left(owed(remit_by=by)) == days_left(owed(remit_by=by), came_in(1_000, 2)) == 3
    assert days_left(owed(), came_in(1_000, 2)) is None
    assert days_left(counted(), paid) is None


def test_each_way_in_says_its_day() -> None:
    on = TODAY + timedelta(days=4)
    later = past(counted()).at(on=on)
    for verb, form in (
        (due.take_cash, CASH | {"amount": 5}),
        (due.offset_deposit, CASH | {"amount": 5}),
        (due.record_transfer, CASH | {"amount": 5}),
    ):
        later.when(verb, **form).then_state(receipts=(due.Receipt(amount=5, on=on),))
    line = {"line": "行1", "counts": "payment", "amount": 5}
    booked = later.when(due.confirm, **line, treasury_on=TODAY)
    booked.then_state(receipts=(due.Receipt(amount=5, on=TODAY, line="行1"),))
    later.when(due.confirm, **line).then_state(receipts=(due.Receipt(amount=5, on=on, line="行1"),))
    known = past(counted(), came_in(5, 1)).at(on=on).when(due.confirm, **line)
    known.then_state(receipts=(due.Receipt(amount=5, on=TODAY + timedelta(days=1)),))


def test_no_day_until_it_came_in_and_each_sum_its_own() -> None:
    first, second = came_in(400, 2), came_in(600, 7)
    assert days_left(counted()) is None
    assert days_left(counted(), first) == days_left(counted(), first, second) == 12
    assert days_left(counted(), second, first) == 12  # told in another order
    part = DueRemitted(amount=400, voucher="缴1", treasury_on=TODAY)
    assert days_left(counted(), first, part) is None  # what came in is remitted
    assert days_left(counted(), first, part, second) == 17
    some = msgspec.structs.replace(part, amount=399)
    assert days_left(counted(), first, second, some) == 12
    assert days_left(counted(), first, second, sent) is None


def test_what_never_was_in_hand_has_no_day() -> None:
    assert days_left(counted(), sent) is None  # paid to the treasury directly
    kept = due.IncomeKept(amount=400, basis="规定", approval_no="批3")
    assert days_left(counted(), came_in(400, 2), kept) is None
    # What was paid too much is the payer's.
    assert days_left(counted(), sent, came_in(5, 2, overpaid=5)) is None


def test_what_is_given_back_or_taken_back_moves_the_day() -> None:
    line = due.LineConfirmed(
        line="行1", counts=due.Counts.PAYMENT, amount=400, fresh=400, received_on=TODAY
    )
    gone = due.LineReleased(line="行1", reason="误勾")
    assert days_left(counted(), line, came_in(600, 7)) == 10
    assert days_left(counted(), line, came_in(600, 7), gone) == 17
    assert days_left(counted(), line, gone) is None
    all_in, back = came_in(1_000, 2), {"approval_no": "退1", "voucher": "退1", "reason": "误"}
    again = TreasuryRefunded(amount=300, ground=RefundGround.TECHNICAL, **back)
    assert days_left(counted(), all_in, sent, again) == 12  # it is to be remitted once more
    theirs = TreasuryRefunded(amount=300, ground=RefundGround.CHANGED, **back)
    assert days_left(counted(), all_in, sent, theirs) is None
    off = due.BasisFellAway(amount=1_000, payer="买1", reason="违约")
    assert days_left(counted(), all_in, off) is None


def test_a_receipt_reversed_in_the_book_takes_its_day_along(ledger: Ledger) -> None:
    ledger.policy = RECEIVED
    ledger.ask("u_bill", "due/D", "record", unit="o_a", gross=1_000, note="残值")
    assert ledger.state("due/D").remit_by() is None
    ledger.ask("u_acc", "due/D", "record_transfer", amount=400, payer="买1", reference="银1")
    assert ledger.state("due/D").remit_by() == TODAY + timedelta(days=10)
    last = ledger.book.stream("due/D").version
    ledger.book.reverse("due/D", last, ledger.occasion("u_acc", ""), reason="重复登记")
    assert ledger.state("due/D").remit_by() is None
    assert ledger.state("due/D").receipts == ()


def test_deductions_are_lines_flagged_until_approved_and_where_the_rules_say_gross() -> None:
    form = {"origin": "disposal/D", "income": "disposal_income", "unit": "o_a"}
    form |= {"gross": 1_000, "net": 900, "deductions": [{"type": "拍卖佣金", "amount": 100}]}
    plain = past().when(due.assess, **form)
    plain.then_state(deductions=(FEE,), withheld=0, unapproved=100, net=900)
    gross = Policy(name="p", version=1, remittance=Remittance.GROSS)
    past().at(policy=gross).when(due.assess, **form).then_state(withheld=100, unapproved=100)
    flagged = past(owed(net=900, deductions=(FEE,), rule=Remittance.GROSS))
    assert "规定全额上缴而有扣除" in flagged.state.describe("zh")
    assert "deductions where the rules say gross" in flagged.state.describe("en")
    flagged.when(due.approve_deductions, approval_no="批1").then_state(unapproved=0, withheld=100)
    flagged.at(by="u_biller").when(due.approve_deductions, approval_no="批1").then_refused(
        due.ANOTHER_APPROVES
    )
    past(owed()).when(due.approve_deductions, approval_no="批1").then_refused(due.DEDUCTIONS_OPEN)


def test_income_without_a_case_is_recorded_with_every_line() -> None:
    form = {"unit": "o_a", "gross": 1_000, "note": "报废车辆补贴"}
    past().when(due.record, **form).then_state(status=DueStatus.ASSESSED, net=1_000)
    past().when(due.record, **form, deductions=[FEE]).then_state(net=900)
    past().when(due.record, **form | {"gross": 99}, deductions=[FEE]).then_refused(due.ADDS_UP)
    past().at(unit="o_b", role="accountant").when(due.record, **form).then_refused(due.OWN)
    past().at(unit="o_b", role="finance").when(due.record, **form).then_granted()
    past(owed()).when(due.record, **form).then_refused(due.NEW)


def test_zero_income_closes_with_evidence_and_only_when_nothing_is_owed() -> None:
    past(owed(0)).when(due.close_at_zero, evidence="回收企业出具的无残值证明").then_state(
        status=DueStatus.ZERO
    )
    past(owed(1)).when(due.close_at_zero, evidence="无").then_refused(due.NOTHING_OWED)


def test_a_unit_handles_its_own_money_and_the_finance_department_that_of_all() -> None:
    form = {"payment_code": "码1", "payer": "买1"}
    past(owed()).at(unit="o_b", role="accountant").when(due.issue_notice, **form).then_refused(
        due.OWN
    )
    past(owed()).at(unit="o_b", role="finance").when(due.issue_notice, **form).then_granted()
    collected = past(owed(), due.RevenueItemNamed(collector="o_b", revenue_item="103070601"))
    collected.at(unit="o_b", role="accountant").when(due.issue_notice, **form).then_granted()


# Billed and paid ------------------------------------------------------------------


def test_instalments_have_a_code_each_up_to_what_is_owed() -> None:
    first = NoticeIssued(payment_code="码1", payer="买1", amount=600)
    form = {"payment_code": "码2", "payer": "买1"}
    past(owed(), first).when(due.issue_notice, **form).then(
        NoticeIssued(payment_code="码2", payer="买1", amount=400)
    ).then_state(status=DueStatus.BILLED)
    past(owed(), first).when(due.issue_notice, **form, amount=401).then_refused(due.WITHIN)
    past(owed(), first).when(due.issue_notice, **form, amount=0).then_refused(due.SOME)
    void = past(owed(), first).when(due.void_notice, payment_code="码1", reason="收入项目有误")
    void.then_state(status=DueStatus.ASSESSED, notices=())
    past(owed(), first).when(due.void_notice, payment_code="码9", reason="误").then_refused(
        due.KNOWN_NOTICE
    )


def test_who_was_billed_and_does_not_pay_leaves_the_money_owed() -> None:
    first = NoticeIssued(payment_code="码1", payer="买1", amount=600)
    failed = past(owed(), first).when(due.record_default, payment_code="码1", reason="逾期")
    failed.then(due.PayerDefaulted(payment_code="码1", payer="买1", reason="逾期"))
    failed.then_state(defaulted=True, notices=(), status=DueStatus.ASSESSED)


def test_less_is_a_part_and_more_belongs_to_the_payer() -> None:
    past(owed()).when(due.take_cash, amount=999, **CASH).then_state(
        status=DueStatus.PART_PAID, paid_in=999, overpaid=0
    )
    past(owed()).when(due.take_cash, amount=1_000, **CASH).then_state(status=DueStatus.PAID)
    more = past(owed()).when(due.take_cash, amount=1_001, **CASH)
    more.then_state(status=DueStatus.PAID, paid_in=1_000, overpaid=1)
    twice = past(owed(), paid).when(due.record_transfer, amount=5, payer="买2", reference="银2")
    twice.then_state(paid_in=1_000, overpaid=5)
    again = past(owed(), paid, TransferRecorded(amount=5, payer="买2", reference="银2", overpaid=5))
    again.when(due.return_excess, amount=5, voucher="记-1").then_state(overpaid=0, given_back=5)
    again.when(due.return_excess, amount=6, voucher="记-1").then_refused(due.WITHIN)
    past(owed()).when(due.return_excess, amount=1, voucher="记-1").then_refused(due.PAID_TOO_MUCH)


def test_a_deposit_counts_up_to_what_is_owed() -> None:
    past(owed()).when(due.offset_deposit, amount=300, **CASH).then(
        PaymentReceived(
            amount=300, means=Means.DEPOSIT, payer="买1", reference="收1", received_on=TODAY
        )
    ).then_state(paid_in=300)
    past(owed()).when(due.offset_deposit, amount=1_001, **CASH).then_refused(due.WITHIN)


def test_money_under_an_unknown_code_is_refused() -> None:
    past(owed()).when(due.take_cash, amount=5, payment_code="码9", **CASH).then_refused(
        due.KNOWN_NOTICE
    )


# With the treasury ------------------------------------------------------------------


def test_it_is_remitted_up_to_what_is_owed_and_then_booked() -> None:
    form = {"voucher": "缴1", "treasury_on": TODAY}
    past(owed(), paid).when(due.remit, amount=1_000, **form).then(sent).then_state(
        status=DueStatus.REMITTED, left=0
    )
    past(owed(), paid).when(due.remit, amount=400, **form).then_state(
        status=DueStatus.PART_REMITTED
    )
    past(owed(), paid).when(due.remit, amount=1_001, **form).then_refused(due.WITHIN)
    past(owed(), paid, sent).when(due.remit, amount=1, **form).then_refused(due.UNREMITTED)
    ahead = form | {"treasury_on": TODAY + timedelta(days=1)}
    past(owed()).when(due.remit, amount=5, **ahead).then_refused(due.NOT_AHEAD)
    out = {"side": "remittance", "voucher": "记-2"}
    past(owed(), paid, sent).when(due.book, amount=1_000, **out).then_state(status=DueStatus.POSTED)
    past(owed(), paid, sent).when(due.book, amount=1_001, **out).then_refused(due.WITHIN)


def test_what_reached_the_treasury_without_a_receipt_is_a_gap() -> None:
    past(owed(), sent).then_state(gap=1_000)
    past(owed(), paid, sent).then_state(gap=0)


@pytest.mark.parametrize(
    ("ground", "left", "whole", "given_back"),
    [
        ("technical_error", 300, 1_000, 0),
        ("mistaken_payment", 0, 700, 300),
        ("changed_basis", 0, 700, 300),
    ],
)
def test_a_refund_is_owed_again_after_an_error_and_else_goes_to_the_payer(
    ground: str, left: int, whole: int, given_back: int
) -> None:
    form = {"approval_no": "退1", "voucher": "退书1", "reason": "多缴"}
    back = past(owed(), paid, sent).when(due.refund, amount=300, ground=ground, **form)
    back.then_state(left=left, whole=whole, given_back=given_back, refunded=300)
    past(owed(), paid).when(due.refund, amount=1, ground=ground, **form).then_refused(
        due.WITH_TREASURY
    )
    past(owed(), paid, sent).when(due.refund, amount=1_001, ground=ground, **form).then_refused(
        due.WITHIN
    )


def test_what_was_refunded_for_an_error_is_remitted_again_by_the_due_itself() -> None:
    of_case = owed(origin="disposal/D", income=Income.DISPOSAL)
    back = TreasuryRefunded(
        amount=300, ground=RefundGround.TECHNICAL, approval_no="退1", voucher="退2", reason="错"
    )
    form = {"voucher": "缴2", "treasury_on": TODAY}
    whole = past(of_case, paid, sent, back)
    whole.when(due.remit, amount=300, **form).then_state(again=0, remitted=1_000)
    asked = {"amount": 5, "voucher": "缴2", "treasury_on": TODAY, "unit": "o_a"}
    past(of_case, paid).when(due.remit, amount=5, **form).then(Ask("disposal/D", "remit", asked))


def test_an_institution_keeps_income_only_by_a_named_rule() -> None:
    form = {"basis": "《XX办法》第3条", "approval_no": "批3"}
    past(owed(), paid).when(due.keep, amount=1_000, **form).then_state(status=DueStatus.KEPT)
    past(owed(), paid).when(due.keep, amount=1_001, **form).then_refused(due.WITHIN)


# A deal that is off -----------------------------------------------------------------

OFF = {"payer": "买1", "reason": "违约"}


def test_what_was_paid_for_a_deal_that_is_off_belongs_to_its_payer() -> None:
    half = TransferRecorded(amount=400, payer="买1", reference="银1")
    notice = NoticeIssued(payment_code="码1", payer="买1", amount=600)
    off = past(owed(), half, notice).when(due.fall_away, amount=1_000, **OFF)
    off.then(due.BasisFellAway(amount=1_000, **OFF))
    off.then_state(
        status=DueStatus.FALLEN, whole=0, paid_in=0, overpaid=400, notices=(), defaulted=True
    )
    rest = past(owed(), half).when(due.fall_away, amount=700, **OFF)
    rest.then_state(whole=300, paid_in=300, overpaid=100, status=DueStatus.PAID)
    anew = past(owed(), half, due.BasisFellAway(amount=1_000, **OFF), owed(900))
    anew.then_state(whole=900, paid_in=0, overpaid=400, unpaid=900)  # another buyer's is another's
    past().when(due.fall_away, amount=5, **OFF).then()
    past(owed()).when(due.fall_away, amount=0, **OFF).then()


def test_what_the_treasury_has_of_it_is_refunded_before_a_deal_is_off() -> None:
    part = DueRemitted(amount=400, voucher="缴1", treasury_on=TODAY)
    sent_part = past(owed(), paid, part)
    sent_part.when(due.fall_away, amount=600, **OFF).then_granted()
    sent_part.when(due.fall_away, amount=601, **OFF).then_refused(due.REFUND_FIRST)


def test_a_line_taken_back_takes_what_it_brought_wherever_it_counts_now() -> None:
    line = due.LineConfirmed(line="行1", counts=due.Counts.PAYMENT, amount=400, fresh=400)
    off = due.BasisFellAway(amount=1_000, **OFF)
    past(owed(), line, off).then_state(paid_in=0, overpaid=400)
    past(owed(), line, off).when(due.release, line="行1", reason="误勾").then_state(
        paid_in=0, overpaid=0
    )
    by_line = {"line": "行2", "counts": "remittance", "amount": 400, "voucher": "缴9"}
    sent_by = past(owed()).when(due.confirm, **by_line, treasury_on=TODAY)
    facts = [fact for fact in sent_by.answers if isinstance(fact, Event)]
    back = TreasuryRefunded(
        amount=1, ground=RefundGround.CHANGED, approval_no="退1", voucher="退1", reason="误"
    )
    past(owed(), *facts).when(due.release, line="行2", reason="误勾").then_state(remitted=0)
    past(owed(), *facts, back).when(due.release, line="行2", reason="误勾").then_refused(
        due.REFUNDED_SINCE
    )
    no_more = past(owed(0)).when(due.issue_notice, payment_code="码1", payer="买1")
    no_more.then_refused(due.UNPAID)


# Who does what (T97) ----------------------------------------------------------------

TAKE = ("collect", "take_cash", {"amount": 5, **CASH})
BOOK = ("book", "book", {"side": "payment", "amount": 5, "voucher": "记-1"})
CONFIRM = ("reconcile", "remit", {"amount": 5, "voucher": "缴1", "treasury_on": TODAY})


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    told = Ledger(database)
    yield told
    told.close()


def asked(
    ledger: Ledger, by: str, stream: str, verb: str, /, behalf: str = "", **form: Any
) -> None:
    occasion = ledger.occasion(by, "")
    occasion = msgspec.structs.replace(occasion, behalf=behalf)
    known = LIFECYCLES[stream.partition("/")[0]].verbs[verb]
    occasion = able(known, ledger.state(stream), occasion)
    ledger.book.act([Ask(stream, verb, form)], occasion)


@pytest.mark.target("T97")
@pytest.mark.parametrize(
    ("first", "second"),
    [(TAKE, BOOK), (TAKE, CONFIRM), (BOOK, CONFIRM)],
    ids=["takes-and-books", "takes-and-reconciles", "books-and-reconciles"],
)
def test_who_takes_the_money_neither_books_nor_reconciles_it(
    ledger: Ledger, first: Any, second: Any
) -> None:
    """The Michigan test: one person took deposits, recorded them and reconciled the bank."""
    ledger.ask("u_biller", "due/M", "record", unit="o_a", gross=5, note="残值")
    if first is BOOK:
        asked(ledger, "u_other", "due/M", "take_cash", amount=5, **CASH)
    asked(ledger, "u_one", "due/M", first[1], **first[2])
    for by, behalf in (("u_one", ""), ("u_two", "u_one")):
        before = ledger.book.head()
        with pytest.raises(Refused) as caught:
            asked(ledger, by, "due/M", second[1], behalf=behalf, **second[2])
        assert caught.value.rule is INCOMPATIBLE
        assert ledger.book.head() == before
    asked(ledger, "u_three", "due/M", second[1], **second[2])


def test_only_an_institution_keeps_income_and_no_organ(ledger: Ledger) -> None:
    form = {"amount": 5, "basis": "《XX办法》第3条", "approval_no": "批3"}
    for unit, kind in (("o_organ", "organ"), ("o_school", "institution")):
        ledger.ask("u_admin", f"unit/{unit}", "establish", name=f"示例{unit}", kind=kind)
        ledger.ask("u_biller", f"due/{unit}", "record", unit=unit, gross=5, note="残值")
    ledger.refuses(units.AN_INSTITUTION, "u_fin", "due/o_organ", "keep", **form)
    ledger.ask("u_fin", "due/o_school", "keep", **form)
    assert ledger.state("due/o_school").status is DueStatus.KEPT


# From the case ----------------------------------------------------------------------


@pytest.mark.target("T93")
def test_a_sale_is_owed_billed_paid_remitted_and_booked(ledger: Ledger) -> None:
    """Every step by somebody who may, each told once and known on both sides."""
    ledger.card("CAR", name="轿车", kind="vehicle", value=10_000)
    listed = {"unit": "o_a", "form": "sale", "ground": "idle", "minutes_no": "纪要1"}
    ledger.ask("u_clerk", "disposal/D", "propose", assets=["CAR"], **listed)
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")
    deal = {"price": 8_000, "buyer": "买1", "deal_no": "成1"}
    ledger.ask("u_clerk", "disposal/D", "sell", asset="CAR", **deal)
    ledger.ask("u_acc", "disposal/D", "derecognise", asset="CAR", voucher="记-1")
    fee = {"type": "评估费", "amount": 500}
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=8_000, deductions=[fee])
    stream = "due/disposal.D"
    state: Due = ledger.state(stream)
    assert (state.status, state.origin, state.unit) == (DueStatus.ASSESSED, "disposal/D", "o_a")
    assert (state.gross, state.net, state.deductions) == (8_000, 7_500, (Deduction(**fee),))
    ledger.ask("u_acc", stream, "issue_notice", payment_code="码1", payer="买1")
    ledger.ask("u_cash", stream, "take_cash", amount=7_500, payment_code="码1", **CASH)
    # On either side: what the due remits the case hears of, and the other way round.
    form = {"voucher": "缴1", "treasury_on": date(2025, 6, 30)}
    ledger.ask("u_fin", stream, "remit", amount=7_000, **form)
    ledger.ask("u_fin", "disposal/D", "remit", amount=500, **form | {"voucher": "缴2"})
    assert ledger.state("disposal/D").status.value == "remitted"
    assert ledger.state(stream).status is DueStatus.REMITTED
    ledger.refuses(due.UNREMITTED, "u_fin", stream, "remit", amount=1, **form)
    for side, amount in (("payment", 7_500), ("remittance", 7_500)):
        ledger.ask("u_book", stream, "book", side=side, amount=amount, voucher=f"记-{side}")
    assert ledger.state(stream).status is DueStatus.POSTED
    told = ["assessed", "notice_issued", "payment_received", "remitted", "remitted"]
    assert ledger.facts(stream) == [f"due.{fact}" for fact in (*told, "booked", "booked")]


def test_taking_back_the_assessment_takes_back_what_is_owed(ledger: Ledger) -> None:
    ledger.ask("u_keeper", "confiscated/G", "take_in", **GOODS)
    ledger.ask("u_office", "confiscated/G", "sell", price=900, deal_no="成1")
    assert ledger.state("due/confiscated.G").left == 900
    last = ledger.book.stream("confiscated/G").version
    ledger.book.reverse("confiscated/G", last, ledger.occasion("u_office", ""), reason="重复登记")
    assert ledger.state("due/confiscated.G") == Due()


GOODS = {
    "item": "渔船",
    "quantity": "1",
    "unit": "o_a",
    "order_no": "罚1",
    "forfeited": True,
}


def test_what_confiscated_goods_bring_is_owed_whole(ledger: Ledger) -> None:
    ledger.ask("u_keeper", "confiscated/G", "take_in", **GOODS)
    ledger.ask("u_office", "confiscated/G", "sell", price=900, deal_no="成1")
    form = {"voucher": "缴1", "treasury_on": TODAY}
    ledger.ask("u_fin", "due/confiscated.G", "remit", amount=900, **form)
    assert ledger.state("confiscated/G").status.value == "remitted"
    assert ledger.state("due/confiscated.G").income is Income.CONFISCATED
