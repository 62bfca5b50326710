"""Money owed to the treasury (应缴财政款): billed, received, remitted, booked; every fen accounted for.

One stream for each income of a case and each unit that owes it. It is born with the fact that
assesses the income (`owing`) and told further there; what reaches the treasury in a case is told
to it in the same act, and the other way round (国令738 第25、26条; DOMAIN.md h, #45-#49).

Money moves between payer, unit and treasury and is never made: what came in is counted or held
as paid too much; what is counted is in hand, remitted or kept by a rule; a refund takes it back.
No period of payment is invented: where a place sets none, what is owed has an age and no day. Where
it counts its days from the receipt, nothing has a day before money came in (DOMAIN.md h, Deadlines).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.disposal import Deduction
from domain.policy import RemitFrom, Remittance
from domain.values import (
    Code,
    Currency,
    Fen,
    Given,
    PersonId,
    Reference,
    Stream,
    Text,
    UnitId,
    yuan,
)
from domain.words import Role, Term, Words


class Income(Term):
    """What the money was got for."""

    DISPOSAL = "disposal_income", "处置收入", "disposal income"
    RENT = "lease_rent", "出租收入", "rent"
    BALANCE = "exchange_balance", "置换补价", "balance of an exchange"
    CONFISCATED = "confiscated_proceeds", "罚没物品变卖收入", "proceeds of confiscated goods"
    COMPENSATION = "damage_compensation", "损坏赔偿", "compensation for damage"
    DEPOSIT = "forfeited_deposit", "违约不退的保证金", "forfeited deposit"
    OTHER = "other_income", "其他收入", "other income"


class DueStatus(Term):
    """How far the money has come."""

    NONE = "none", "未确认", "not assessed"
    ASSESSED = "assessed", "已确认应缴，待通知缴款", "assessed, to be billed"
    BILLED = "billed", "已通知缴款，待到账", "billed, to be paid"
    PART_PAID = "part_paid", "部分到账", "paid in part"
    PAID = "paid", "已到账，待上缴", "paid, to be remitted"
    PART_REMITTED = "part_remitted", "部分上缴", "remitted in part"
    REMITTED = "remitted", "已上缴，待记账", "remitted, to be booked"
    POSTED = "posted", "已上缴并记账", "remitted and booked"
    KEPT = "kept", "按规定留归单位", "kept by rule"
    REFUNDED = "refunded", "已退付", "refunded"
    FALLEN = "fallen_away", "应缴依据不再成立", "owed no longer"
    ZERO = "closed_at_zero", "零收入结案", "closed without income"


class Means(Term):
    """How money came in."""

    CASH = "cash", "现金", "cash"
    BANK = "bank", "银行转账", "bank transfer"
    DEPOSIT = "deposit", "保证金抵缴", "offset against a deposit"


class Counts(Term):
    """What a line of a statement shows of a due."""

    PAYMENT = "payment", "到账", "payment"
    REMITTANCE = "remittance", "上缴", "remittance"


class RefundGround(Term):
    """Why the treasury gives money back."""

    TECHNICAL = "technical_error", "技术性差错", "technical error"
    MISTAKEN = "mistaken_payment", "误缴、多缴", "paid by mistake or too much"
    CHANGED = "changed_basis", "收入依据变更", "the basis of the income changed"


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One payment code that stands: to whom, for how much (fen), payable until when."""

    payment_code: str
    payer: str
    amount: int
    pay_by: date | None = None


class Owed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One assessment: its net in fen, its day, and the day by which it must be remitted.

    `days` where the rules count from each receipt instead: so many after it.
    """

    amount: int
    on: date
    remit_by: date | None = None
    days: int | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came in on a day, in fen; `line` where a line of a statement alone says so."""

    amount: int
    on: date
    line: str = ""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a line of a statement confirms: of which `fresh` fen were known from it alone."""

    line: str
    counts: Counts
    amount: int
    fresh: int = 0


class Carried(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A remittance that is on record because a line of a statement showed it, in fen."""

    line: str
    amount: int
    voucher: str


class Due(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One income on its way. Amounts in fen.

    `paid_in` counts towards what is owed, `overpaid` is what was paid beyond it and not yet given
    back. `remitted` is what the treasury holds now; `reduced` what is owed no longer because its
    basis changed. `again` was refunded for an error and must be remitted once more. `withheld`:
    deductions where the rules say gross (坐支); `unapproved`: deductions nobody approved yet.
    """

    status: DueStatus = DueStatus.NONE
    origin: str = ""
    income: Income = Income.OTHER
    unit: str = ""
    collector: str = ""
    revenue_item: str = ""
    biller: str = ""
    currency: str = "CNY"
    gross: int = 0
    net: int = 0
    deductions: tuple[Deduction, ...] = ()
    withheld: int = 0
    unapproved: int = 0
    owed: tuple[Owed, ...] = ()
    notices: tuple[Notice, ...] = ()
    paid_in: int = 0
    receipts: tuple[Receipt, ...] = ()
    overpaid: int = 0
    given_back: int = 0
    remitted: int = 0
    again: int = 0
    reduced: int = 0
    refunded: int = 0
    kept: int = 0
    booked_in: int = 0
    booked_out: int = 0
    shown_by: tuple[Confirmed, ...] = ()
    carried: tuple[Carried, ...] = ()
    vouchers: tuple[str, ...] = ()
    defaulted: bool = False
    evidence: str = ""

    @property
    def whole(self) -> int:
        """Return what is owed in all."""
        return self.net - self.reduced

    @property
    def unpaid(self) -> int:
        """Return what has not come in yet."""
        return max(0, self.whole - self.paid_in)

    @property
    def left(self) -> int:
        """Return what is neither with the treasury nor kept by a rule."""
        return self.whole - self.remitted - self.kept

    @property
    def never_remitted(self) -> int:
        """Return what is left and never was with the treasury: the case that brought it waits for it."""
        return max(0, self.left - self.again)

    @property
    def gap(self) -> int:
        """Return what was remitted or kept though no receipt of it is recorded."""
        return max(0, self.remitted + self.kept - self.paid_in)

    def shown(self, counts: Counts) -> int:
        """Return how much of a sort statements confirm."""
        return sum(one.amount for one in self.shown_by if one.counts is counts)

    @property
    def awaited(self) -> int:
        """Return what statements have yet to show of payments: known, or still to come."""
        known = self.paid_in + self.overpaid + self.given_back
        return max(0, known - self.shown(Counts.PAYMENT)) + self.unpaid

    @property
    def unshown(self) -> int:
        """Return what statements have yet to show of remittances that are on record."""
        return max(0, self.remitted + self.refunded - self.shown(Counts.REMITTANCE))

    def oldest(self) -> Owed | None:
        """Return the first assessment of which something is left; first assessed is first paid."""
        paid = self.remitted + self.kept + self.reduced
        for one in self.owed:
            paid -= one.amount
            if paid < 0:
                return one
        return None

    def in_hand(self) -> tuple[Receipt, ...]:
        """Return what of each receipt is to be remitted, the first first; it is remitted in that order.

        What came in on a day that is not on record is not among it.
        """
        rest = min(self.left, self.paid_in - self.remitted - self.kept)
        found: list[Receipt] = []
        for one in sorted(self.receipts, key=lambda each: each.on, reverse=True):
            if rest <= 0:
                break
            found.append(replace(one, amount=min(rest, one.amount)))
            rest -= one.amount
        return tuple(reversed(found))

    def remit_by(self) -> date | None:
        """Return the day by which something must be remitted, as the rules of its assessment set it."""
        owed = self.oldest()
        if owed is None or owed.days is None:
            return None if owed is None else owed.remit_by
        held = self.in_hand()
        return held[0].on + timedelta(days=owed.days) if held else None

    def describe(self, lang: Lang) -> str:
        """Say how far the money has come."""
        sums = [yuan(n) for n in (self.whole, self.paid_in, self.remitted)]
        if lang == "zh":
            flags = "；注意：规定全额上缴而有扣除" if self.withheld else ""
            return (
                f"应缴财政款（{self.income.words.zh}）{self.status.words.zh}，"
                "应缴{}元、到账{}元、上缴{}元".format(*sums)
                + flags
            )
        flags = "; note: deductions where the rules say gross" if self.withheld else ""
        return (
            f"The money due ({self.income.words.en}) is {self.status.words.en}: "
            "{} yuan owed, {} received, {} remitted".format(*sums)
            + flags
        )


lifecycle: Lifecycle[Due] = Lifecycle("due", Due, Words("应缴财政款", "Due to the treasury"))

# What happened ----------------------------------------------------------------


class DueAssessed(
    Event,
    name="due.assessed",
    zh="确认{unit}应缴{income}：总额{gross}，应缴净额{net}",
    en="{income} of {unit} due: gross {gross}, net {net}",
    duty="bill",
):
    """#45 So much is owed, every deduction on its own line, in fen; of a lease again for each period.

    `rule` is what the rules of the place say of deductions, None where they say nothing;
    `remit_by` is None where they set no day. `days_from_receipt`: within so many of each receipt
    it is to be remitted, None where the rules count from the assessment.
    """

    origin: Stream | None
    income: Income
    unit: UnitId
    biller: PersonId
    gross: Fen
    net: Fen
    assessed_on: date
    deductions: tuple[Deduction, ...] = ()
    currency: Currency = "CNY"
    remit_by: date | None = None
    rule: Remittance | None = None
    note: Text = ""
    days_from_receipt: int | None = None


class DeductionsApproved(
    Event,
    name="due.deductions_approved",
    zh="同意所列扣除，文号{approval_no}",
    en="Deductions approved: {approval_no}",
    duty="approve",
):
    """#45 Who may decide about it agreed that the costs are taken off."""

    approval_no: Code


class RevenueItemNamed(
    Event,
    name="due.item_named",
    zh="执收单位{collector}，收入项目{revenue_item}",
    en="Collected by {collector} under revenue item {revenue_item}",
    duty="bill",
):
    """#45 Who collects it, and under which revenue item; told again when the item was wrong."""

    collector: UnitId
    revenue_item: Code


class NoticeIssued(
    Event,
    name="due.notice_issued",
    zh="开具缴款通知：缴款码{payment_code}，缴款人{payer}，金额{amount}",
    en="Payment notice issued: code {payment_code}, payer {payer}, amount {amount}",
    duty="bill",
    claims=("payment_code",),
):
    """#46 A payer was told the code to pay under, the amount in fen and the day, if any."""

    payment_code: Code
    payer: Code
    amount: Fen
    pay_by: date | None = None


class NoticeVoided(
    Event,
    name="due.notice_voided",
    zh="缴款通知{payment_code}作废：{reason}",
    en="Payment notice {payment_code} void: {reason}",
    duty="bill",
):
    """#46 Nothing is paid under this code any more, as when the revenue item was wrong."""

    payment_code: Code
    reason: Text


class PayerDefaulted(
    Event,
    name="due.payer_defaulted",
    zh="缴款人{payer}逾期未缴：{reason}",
    en="The payer {payer} did not pay: {reason}",
    duty="bill",
):
    """#46 What was billed does not come; the notice is void, the money stays owed."""

    payment_code: Code
    payer: Code
    reason: Text


class PaymentReceived(
    Event,
    name="due.payment_received",
    zh="收到{means}{amount}（{reference}），多收{overpaid}",
    en="Received {amount} by {means} ({reference}), of it too much: {overpaid}",
    duty="collect",
):
    """#47 Money came in, in fen; `overpaid` is what goes beyond what is owed and belongs to the payer.

    `reference` names the receipt given for cash or the deposit that was offset; `received_on` is
    None in entries that do not say the day by themselves.
    """

    amount: Fen
    means: Means
    payer: Code
    reference: Code
    payment_code: Code = ""
    overpaid: Fen = 0
    received_on: date | None = None


class TransferRecorded(
    Event,
    name="due.transfer_recorded",
    zh="登记银行到账{amount}（{reference}），多收{overpaid}",
    en="Bank transfer of {amount} recorded ({reference}), of it too much: {overpaid}",
    duty="book",
):
    """#47 The bank advised money before a statement came; who keeps the books wrote it down. In fen."""

    amount: Fen
    payer: Code
    reference: Code
    payment_code: Code = ""
    overpaid: Fen = 0
    received_on: date | None = None


class LineConfirmed(
    Event,
    name="due.line_confirmed",
    zh="对账单条目{line}证实{counts}{amount}，其中首次入账{fresh}",
    en="Statement line {line} confirms a {counts} of {amount}, {fresh} of it not known before",
    duty="reconcile",
):
    """#49 A line of a bank statement shows it, in fen; `received_on` is the bank's day of what is new."""

    line: Code
    counts: Counts
    amount: Fen
    fresh: Fen = 0
    received_on: date | None = None


class RemittedByLine(
    Event,
    name="due.remitted_by_line",
    zh="上缴{amount}（缴款书{voucher}）由对账单条目{line}首次得知",
    en="Remittance of {amount} (voucher {voucher}) first known from statement line {line}",
    duty="reconcile",
):
    """#48 Should the line turn out to show something else, so much is taken back, in fen."""

    line: Code
    amount: Fen
    voucher: Code


class LineReleased(
    Event,
    name="due.line_released",
    zh="撤销与对账单条目{line}的勾对：{reason}",
    en="No longer matched with statement line {line}: {reason}",
    duty="reconcile",
):
    """#49 The match was wrong; what was known from that line alone is not received any more."""

    line: Code
    reason: Text


class ExcessReturned(
    Event,
    name="due.excess_returned",
    zh="退还多收款{amount}，凭证{voucher}",
    en="Paid too much, given back: {amount}, voucher {voucher}",
    duty="book",
):
    """#49 The payer has back what was paid too much, in fen."""

    amount: Fen
    voucher: Code


class DueRemitted(
    Event,
    name="due.remitted",
    zh="上缴国库{amount}，缴款书{voucher}，入库{treasury_on}",
    en="Remitted to the treasury: {amount}, voucher {voucher}, treasury date {treasury_on}",
    duty="reconcile",
):
    """#48 Money reached the treasury, in fen; `treasury_on` is None where the source does not say."""

    amount: Fen
    voucher: Code
    treasury_on: date | None = None


class RemittanceWithdrawn(
    Event,
    name="due.remittance_withdrawn",
    zh="撤回误记的上缴{amount}（缴款书{voucher}）：{reason}",
    en="Remittance of {amount} was recorded by mistake ({voucher}) and is taken back: {reason}",
    duty="reconcile",
):
    """#48 What a statement line was thought to show never reached the treasury, in fen."""

    amount: Fen
    voucher: Code
    reason: Text


class TreasuryRefunded(
    Event,
    name="due.refunded",
    zh="国库退付{amount}（{ground}），文号{approval_no}：{reason}",
    en="Refunded by the treasury: {amount} ({ground}), {approval_no}: {reason}",
    duty="approve",
):
    """#49 退付: in fen. After an error it is remitted again; else it went back to the payer."""

    amount: Fen
    ground: RefundGround
    approval_no: Code
    voucher: Code
    reason: Text


class IncomeKept(
    Event,
    name="due.kept",
    zh="按规定留归单位{amount}，依据：{basis}（{approval_no}）",
    en="Kept by the unit: {amount}, by: {basis} ({approval_no})",
    duty="approve",
):
    """#45 A rule lets the institution keep it, in fen (国令738 第25条)."""

    amount: Fen
    basis: Text
    approval_no: Code


class DueBooked(
    Event,
    name="due.booked",
    zh="{side}记账{amount}，凭证{voucher}",
    en="The {side} is in the books: {amount}, voucher {voucher}",
    duty="book",
):
    """#49 The accounting system of the unit has it, in fen; this ledger only says under which voucher."""

    side: Counts
    amount: Fen
    voucher: Code


class BasisFellAway(
    Event,
    name="due.basis_fell_away",
    zh="应缴依据不再成立，减少应缴{amount}：{reason}",
    en="Its basis fell away, {amount} is owed no longer: {reason}",
    duty="bill",
):
    """#46 The deal it came from is off, in fen; what the payer had paid beyond the rest is theirs."""

    amount: Fen
    payer: Code
    reason: Text


class ClosedAtZero(
    Event,
    name="due.closed_at_zero",
    zh="零收入结案：{evidence}",
    en="Closed without income: {evidence}",
    duty="bill",
):
    """#45 Nothing is owed, and this is what shows it."""

    evidence: Text


DueEvent: TypeAlias = (
    DueAssessed
    | DeductionsApproved
    | RevenueItemNamed
    | NoticeIssued
    | NoticeVoided
    | PayerDefaulted
    | PaymentReceived
    | TransferRecorded
    | LineConfirmed
    | RemittedByLine
    | LineReleased
    | ExcessReturned
    | DueRemitted
    | RemittanceWithdrawn
    | TreasuryRefunded
    | IncomeKept
    | DueBooked
    | BasisFellAway
    | ClosedAtZero
)

# Where that leaves us ---------------------------------------------------------


def evolve(due: Due, event: DueEvent) -> Due:
    """What an event means. Never refuses: it already happened."""
    moved = moving(due, event)
    return replace(moved, status=standing(moved))


def moving(due: Due, event: DueEvent) -> Due:
    """Return the sums after an event."""
    match event:
        case DueAssessed():
            return assessed(due, event)
        case DeductionsApproved():
            return replace(due, unapproved=0)
        case RevenueItemNamed(collector=collector, revenue_item=item):
            return replace(due, collector=collector, revenue_item=item)
        case NoticeIssued():
            notice = Notice(
                payment_code=event.payment_code,
                payer=event.payer,
                amount=event.amount,
                pay_by=event.pay_by,
            )
            return replace(due, notices=(*due.notices, notice), defaulted=False)
        case NoticeVoided(payment_code=code):
            return replace(due, notices=without(due.notices, code))
        case PayerDefaulted(payment_code=code):
            return replace(due, notices=without(due.notices, code), defaulted=True)
        case PaymentReceived() | TransferRecorded():
            counted = event.amount - event.overpaid
            return replace(
                due,
                paid_in=due.paid_in + counted,
                receipts=with_receipt(due, counted, event.received_on),
                overpaid=due.overpaid + event.overpaid,
            )
        case LineConfirmed():
            one = Confirmed(
                line=event.line, counts=event.counts, amount=event.amount, fresh=event.fresh
            )
            return replace(
                due,
                shown_by=(*due.shown_by, one),
                paid_in=due.paid_in + event.fresh,
                receipts=with_receipt(due, event.fresh, event.received_on, event.line),
            )
        case RemittedByLine():
            by = Carried(line=event.line, amount=event.amount, voucher=event.voucher)
            return replace(due, carried=(*due.carried, by))
        case LineReleased(line=line):
            gone = [one for one in due.shown_by if one.line == line]
            rest = tuple(one for one in due.shown_by if one.line != line)
            return replace(
                less_here(due, sum(one.fresh for one in gone)),
                shown_by=rest,
                receipts=tuple(one for one in due.receipts if one.line != line),
                carried=tuple(one for one in due.carried if one.line != line),
            )
        case ExcessReturned(amount=amount):
            return replace(due, overpaid=due.overpaid - amount, given_back=due.given_back + amount)
        case DueRemitted(amount=amount, voucher=voucher):
            again = max(0, amount - due.never_remitted)
            return replace(
                due,
                remitted=due.remitted + amount,
                again=max(0, due.again - again),
                vouchers=(*due.vouchers, voucher),
            )
        case RemittanceWithdrawn(amount=amount, voucher=voucher):
            at = due.vouchers.index(voucher) if voucher in due.vouchers else len(due.vouchers)
            return replace(
                due,
                remitted=due.remitted - amount,
                vouchers=(*due.vouchers[:at], *due.vouchers[at + 1 :]),
            )
        case TreasuryRefunded():
            return refunded(due, event)
        case IncomeKept(amount=amount):
            again = max(0, amount - due.never_remitted)
            return replace(due, kept=due.kept + amount, again=max(0, due.again - again))
        case DueBooked(side=Counts.PAYMENT, amount=amount):
            return replace(due, booked_in=due.booked_in + amount)
        case DueBooked(amount=amount):
            return replace(due, booked_out=due.booked_out + amount)
        case ClosedAtZero(evidence=evidence):
            return replace(due, evidence=evidence)
        case BasisFellAway():
            return fallen_away(due, event)
        case _:
            assert_never(event)


def with_receipt(due: Due, amount: int, on: date | None, line: str = "") -> tuple[Receipt, ...]:
    """Return the receipts with one more, where something counts and its day is on record."""
    if on is None or amount <= 0:
        return due.receipts
    return (*due.receipts, Receipt(amount=amount, on=on, line=line))


def assessed(due: Due, event: DueAssessed) -> Due:
    """Return a due of which so much more is owed."""
    taken = event.gross - event.net
    return replace(
        due,
        origin=event.origin or "",
        income=event.income,
        unit=event.unit,
        collector=due.collector or event.unit,
        biller=event.biller,
        currency=event.currency,
        gross=due.gross + event.gross,
        net=due.net + event.net,
        deductions=(*due.deductions, *event.deductions),
        withheld=due.withheld + (taken if event.rule is Remittance.GROSS else 0),
        unapproved=due.unapproved + taken,
        owed=(
            *due.owed,
            Owed(
                amount=event.net,
                on=event.assessed_on,
                remit_by=event.remit_by,
                days=event.days_from_receipt,
            ),
        ),
        evidence="",
    )


def fallen_away(due: Due, event: BasisFellAway) -> Due:
    """Return a due of which so much is owed no longer; money beyond the rest waits for its payer."""
    fallen = replace(
        due,
        reduced=due.reduced + event.amount,
        notices=tuple(one for one in due.notices if one.payer != event.payer),
        defaulted=True,
    )
    over = max(0, due.paid_in - max(0, fallen.whole))
    return replace(
        fallen,
        paid_in=due.paid_in - over,
        overpaid=due.overpaid + over,
        again=min(due.again, max(0, fallen.left)),
    )


def less_here(due: Due, amount: int) -> Due:
    """Return a due of which so much less came in: what counted first, then what was too much."""
    held = min(due.overpaid, max(0, amount - max(0, due.paid_in)))
    return replace(due, paid_in=due.paid_in - amount + held, overpaid=due.overpaid - held)


def refunded(due: Due, event: TreasuryRefunded) -> Due:
    """Return a due of which the treasury gave something back, to the unit or to the payer."""
    amount = event.amount
    back = replace(due, remitted=due.remitted - amount, refunded=due.refunded + amount)
    match event.ground:
        case RefundGround.TECHNICAL:
            return replace(back, again=due.again + amount)
        case RefundGround.MISTAKEN | RefundGround.CHANGED:
            return replace(
                less_here(back, amount),
                given_back=due.given_back + amount,
                reduced=due.reduced + amount,
            )
        case _:
            assert_never(event.ground)


def without(notices: Iterable[Notice], payment_code: str) -> tuple[Notice, ...]:
    """Return the notices but one."""
    return tuple(one for one in notices if one.payment_code != payment_code)


def standing(due: Due) -> DueStatus:
    """Return how far the money has come, from its sums alone, in whatever order they came about."""
    if not due.owed:
        return DueStatus.NONE
    if due.evidence:
        return DueStatus.ZERO
    if due.whole <= 0:
        if due.refunded:
            return DueStatus.REFUNDED
        return DueStatus.FALLEN if due.reduced else DueStatus.ASSESSED
    if due.left <= 0:
        if due.kept and not due.remitted:
            return DueStatus.KEPT
        return DueStatus.POSTED if due.booked_out >= due.remitted else DueStatus.REMITTED
    if due.remitted > 0 or due.kept > 0:
        return DueStatus.PART_REMITTED
    if due.paid_in >= due.whole:
        return DueStatus.PAID
    if due.paid_in > 0:
        return DueStatus.PART_PAID
    return DueStatus.BILLED if due.notices else DueStatus.ASSESSED


lifecycle.part(DueEvent, evolve)

# What may be asked ------------------------------------------------------------

_738 = "《行政事业性国有资产管理条例》"
MONEY = (Role.ACCOUNTANT, Role.FINANCE)
CASHIERS = (Role.CASHIER, Role.ACCOUNTANT)
NEW = Rule(
    slug="due-exists",
    zh="这笔应缴款已经登记。",
    en="This due is on record already.",
    holds=lambda due, _: due.status is DueStatus.NONE,
)
OWING = Rule(
    slug="nothing-due",
    zh="没有登记应缴款。",
    en="Nothing is on record as due.",
    holds=lambda due, _: due.status is not DueStatus.NONE,
)
OWN = Rule(
    slug="due-of-another-unit",
    zh="只能办理本单位应缴或执收的款项；财政部门可以办理各单位的。",
    en="A unit handles what it owes or collects; the finance department handles that of others.",
    holds=lambda due, occasion: (
        occasion.role == Role.FINANCE
        or occasion.acts_for(due.unit)
        or occasion.acts_for(due.collector)
    ),
)
UNPAID = Rule(
    slug="due-paid-already",
    zh="款项已全部到账，或没有应缴金额。",
    en="All of it has come in already, or nothing is owed.",
    holds=lambda due, _: due.unpaid > 0,
)
UNREMITTED = Rule(
    slug="due-remitted-already",
    zh="款项已全部上缴或按规定留用。",
    en="All of it is remitted or kept by a rule already.",
    law=f"{_738}第26条",
    holds=lambda due, _: due.left > 0,
)
BILLED = Rule(
    slug="no-notice-open",
    zh="没有有效的缴款通知。",
    en="No payment notice stands.",
    holds=lambda due, _: bool(due.notices),
)
PAID_TOO_MUCH = Rule(
    slug="nothing-paid-too-much",
    zh="没有多收的款项。",
    en="Nothing was paid too much.",
    holds=lambda due, _: due.overpaid > 0,
)
WITH_TREASURY = Rule(
    slug="nothing-to-refund",
    zh="没有已上缴国库的款项，不能退付。",
    en="The treasury holds nothing of it that could be refunded.",
    holds=lambda due, _: due.remitted > 0,
)
DEDUCTIONS_OPEN = Rule(
    slug="no-deduction-to-approve",
    zh="没有待审批的扣除。",
    en="No deduction waits for approval.",
    holds=lambda due, _: due.unapproved > 0,
)
ANOTHER_APPROVES = Rule(
    slug="own-deductions",
    zh="扣除须由确认应缴收入以外的人审批。",
    en="Deductions are approved by somebody else than who assessed the income.",
    law=f"{_738}第51条",
    holds=lambda due, occasion: due.biller not in (occasion.by, occasion.behalf),
)
NOTHING_OWED = Rule(
    slug="something-is-owed",
    zh="有应缴金额，不能按零收入结案。",
    en="Something is owed, so it is not closed as without income.",
    holds=lambda due, _: due.net == 0 and not due.evidence,
)
SOME = Rule(
    slug="due-amount-zero",
    zh="金额必须大于零。",
    en="The amount must be more than zero.",
)
WITHIN = Rule(
    slug="beyond-what-is-open",
    zh="金额 {amount} 元超过可办理的 {open} 元。",
    en="{amount} yuan is more than the {open} yuan that are open.",
)
ADDS_UP = Rule(
    slug="deductions-beyond-gross",
    zh="扣除合计 {taken} 元超过总额 {gross} 元。",
    en="Deductions of {taken} yuan exceed the gross of {gross} yuan.",
    law=f"{_738}第26条",
)
KNOWN_NOTICE = Rule(
    slug="payment-code-unknown",
    zh="没有缴款码为 {payment_code} 的有效缴款通知。",
    en="No payment notice with the code {payment_code} stands.",
)
NOT_AHEAD = Rule(
    slug="due-date-in-the-future",
    zh="日期 {day} 晚于业务日期 {on}。",
    en="The day {day} is after the business date {on}.",
)
REFUND_FIRST = Rule(
    slug="remitted-before-it-fell-away",
    zh="已上缴或留用的 {sent} 元超过其余应缴的 {rest} 元；请先办理退付，再取消成交。",
    en="{sent} yuan are remitted or kept, more than the {rest} yuan still owed without this deal; have"
    " the difference refunded first.",
    law=f"{_738}第26条",
)
REMITTANCE_NAMED = Rule(
    slug="remittance-without-voucher",
    zh="这笔上缴还没有登记：请填写缴款书号。",
    en="This remittance is not on record yet: give the number of its voucher.",
)
SAME_CURRENCY = Rule(
    slug="line-in-another-currency",
    zh="对账单币种 {found} 与应缴款币种 {currency} 不同。",
    en="The statement is in {found}, what is due in {currency}.",
)
REFUNDED_SINCE = Rule(
    slug="line-refunded-since",
    zh="该条目证实上缴 {amount} 元，其后已退付，国库现只有 {sent} 元；请先撤销退付，再撤销勾对。",
    en="The line showed {amount} yuan remitted, of which some was refunded since: the treasury holds"
    " {sent} yuan. Take back the refund first, then the match.",
)
LINE_ONCE = Rule(
    slug="line-matched-already",
    zh="对账单条目 {line} 已与此款勾对。",
    en="Statement line {line} is matched with this due already.",
)


def within(amount: int, open_: int) -> None:
    """Refuse an amount of nothing, or beyond what is open, in fen."""
    if amount == 0:
        raise SOME.broken()
    if amount > open_:
        raise WITHIN.broken(amount=yuan(amount), open=yuan(open_))


def stands(due: Due, payment_code: str) -> None:
    """Refuse a payment code under which nothing stands; none named is none wrong."""
    if payment_code and all(one.payment_code != payment_code for one in due.notices):
        raise KNOWN_NOTICE.broken(payment_code=payment_code)


def coming_in(due: Due, amount: int, payment_code: str) -> int:
    """Return how much of a sum that comes in is too much, in fen; refuse none, or an unknown code."""
    within(amount, amount)
    stands(due, payment_code)
    return max(0, amount - due.unpaid)


def stream_of(case: str, part: str = "") -> str:
    """Return the stream of what a case owes, of one unit or sort where it owes several."""
    kind, _, id_ = case.partition("/")
    return f"due/{kind}.{id_}" + (f".{part}" if part else "")


def owed_now(
    occasion: Occasion,
    *,
    origin: str | None,
    income: Income,
    unit: str,
    gross: int,
    deductions: tuple[Deduction, ...],
    net: int,
    currency: str = "CNY",
    note: str = "",
) -> DueAssessed:
    """Return what is owed as a fact, under the rules of the day."""
    days = occasion.policy.remit_days
    received = occasion.policy.remit_from is RemitFrom.RECEIVED
    return DueAssessed(
        origin=origin,
        income=income,
        unit=unit,
        biller=occasion.by,
        gross=gross,
        net=net,
        deductions=deductions,
        currency=currency,
        assessed_on=occasion.on,
        remit_by=None if days is None or received else occasion.on + timedelta(days=days),
        days_from_receipt=days if received else None,
        rule=occasion.policy.remittance,
        note=note,
    )


@lifecycle.verb(zh="确认应缴", en="Assess what is due", inner=True)
def assess(
    _: Due,
    occasion: Occasion,
    *,
    origin: Stream,
    income: Income,
    unit: UnitId,
    gross: Fen,
    net: Fen,
    deductions: tuple[Deduction, ...] = (),
    currency: Currency = "CNY",
) -> DueAssessed:
    """Let something be owed, with the fact of the case that says so."""
    return owed_now(
        occasion,
        origin=origin,
        income=income,
        unit=unit,
        gross=gross,
        deductions=deductions,
        net=net,
        currency=currency,
    )


@lifecycle.verb(NEW, zh="登记应缴款", en="Record money due", roles=MONEY)
def record(
    _: Due,
    occasion: Occasion,
    *,
    unit: UnitId,
    gross: Fen,
    note: Given,
    income: Income = Income.OTHER,
    deductions: tuple[Deduction, ...] = (),
) -> DueAssessed:
    """Record what is owed to the treasury without a case here: insurance, a subsidy for scrap."""
    taken = sum(line.amount for line in deductions)
    if taken > gross:
        raise ADDS_UP.broken(taken=yuan(taken), gross=yuan(gross))
    if occasion.role != Role.FINANCE and not occasion.acts_for(unit):
        raise OWN.broken()
    return owed_now(
        occasion,
        origin=None,
        income=income,
        unit=unit,
        gross=gross,
        deductions=deductions,
        net=gross - taken,
        note=note,
    )


@lifecycle.verb(
    OWING,
    DEDUCTIONS_OPEN,
    ANOTHER_APPROVES,
    zh="同意扣除",
    en="Approve the deductions",
    roles=(Role.FINANCE,),
)
def approve_deductions(_: Due, __: Occasion, *, approval_no: Reference) -> DeductionsApproved:
    """Agree that the listed costs are taken off."""
    return DeductionsApproved(approval_no=approval_no)


@lifecycle.verb(OWING, OWN, zh="指定收入项目", en="Name the revenue item", roles=MONEY)
def name_item(
    _: Due, __: Occasion, *, collector: UnitId, revenue_item: Reference
) -> RevenueItemNamed:
    """Say who collects it and under which revenue item."""
    return RevenueItemNamed(collector=collector, revenue_item=revenue_item)


@lifecycle.verb(OWING, OWN, UNPAID, zh="开具缴款通知", en="Issue a payment notice", roles=MONEY)
def issue_notice(
    due: Due,
    _: Occasion,
    *,
    payment_code: Reference,
    payer: Reference,
    amount: Fen | None = None,
    pay_by: date | None = None,
) -> NoticeIssued:
    """Tell a payer the code to pay under; without an amount, for all that is not billed yet.

    Instalments have a notice each.
    """
    open_ = max(0, due.whole - sum(one.amount for one in due.notices))
    amount = open_ if amount is None else amount
    within(amount, open_)
    return NoticeIssued(payment_code=payment_code, payer=payer, amount=amount, pay_by=pay_by)


@lifecycle.verb(OWING, OWN, BILLED, zh="作废缴款通知", en="Void a payment notice", roles=MONEY)
def void_notice(due: Due, _: Occasion, *, payment_code: Reference, reason: Given) -> NoticeVoided:
    """Void a notice, as when the revenue item or the payer was wrong."""
    stands(due, payment_code)
    return NoticeVoided(payment_code=payment_code, reason=reason)


@lifecycle.verb(
    OWING, OWN, BILLED, UNPAID, zh="登记逾期未缴", en="Record that the payer failed", roles=MONEY
)
def record_default(
    due: Due, _: Occasion, *, payment_code: Reference, reason: Given
) -> PayerDefaulted:
    """Record that who was billed does not pay; somebody else is billed, or the sale is undone."""
    stands(due, payment_code)
    payer = next(one.payer for one in due.notices if one.payment_code == payment_code)
    return PayerDefaulted(payment_code=payment_code, payer=payer, reason=reason)


@lifecycle.verb(OWING, OWN, zh="收取现金", en="Take cash", roles=CASHIERS)
def take_cash(
    due: Due,
    occasion: Occasion,
    *,
    amount: Fen,
    payer: Reference,
    reference: Reference,
    payment_code: Code = "",
) -> PaymentReceived:
    """Take cash against a receipt; who does it neither books nor reconciles it."""
    overpaid = coming_in(due, amount, payment_code)
    return PaymentReceived(
        amount=amount,
        means=Means.CASH,
        payer=payer,
        reference=reference,
        payment_code=payment_code,
        overpaid=overpaid,
        received_on=occasion.on,
    )


@lifecycle.verb(OWING, OWN, UNPAID, zh="保证金抵缴", en="Offset a deposit", roles=CASHIERS)
def offset_deposit(
    due: Due, occasion: Occasion, *, amount: Fen, payer: Reference, reference: Reference
) -> PaymentReceived:
    """Count a deposit that the payer had left towards what is owed."""
    within(amount, due.unpaid)
    return PaymentReceived(
        amount=amount,
        means=Means.DEPOSIT,
        payer=payer,
        reference=reference,
        received_on=occasion.on,
    )


@lifecycle.verb(
    OWING, OWN, zh="登记银行到账", en="Record a bank transfer", roles=(Role.ACCOUNTANT,)
)
def record_transfer(
    due: Due,
    occasion: Occasion,
    *,
    amount: Fen,
    payer: Reference,
    reference: Reference,
    payment_code: Code = "",
) -> TransferRecorded:
    """Write down what the bank advised before its statement comes; the statement confirms it."""
    overpaid = coming_in(due, amount, payment_code)
    return TransferRecorded(
        amount=amount,
        payer=payer,
        reference=reference,
        payment_code=payment_code,
        overpaid=overpaid,
        received_on=occasion.on,
    )


@lifecycle.verb(
    OWING, OWN, PAID_TOO_MUCH, zh="退还多收款", en="Give back the excess", roles=(Role.ACCOUNTANT,)
)
def return_excess(due: Due, _: Occasion, *, amount: Fen, voucher: Reference) -> ExcessReturned:
    """Give the payer back what was paid too much."""
    within(amount, due.overpaid)
    return ExcessReturned(amount=amount, voucher=voucher)


@lifecycle.verb(OWING, OWN, UNREMITTED, zh="登记上缴国库", en="Record remittance", roles=MONEY)
def remit(
    due: Due, occasion: Occasion, *, amount: Fen, voucher: Reference, treasury_on: date
) -> tuple[DueRemitted | Ask, ...]:
    """Record money that reached the treasury; the case that brought it hears of it in the same act."""
    if treasury_on > occasion.on:
        raise NOT_AHEAD.broken(day=treasury_on, on=occasion.on)
    return reached(due, amount=amount, voucher=voucher, treasury_on=treasury_on)


def reached(
    due: Due, *, amount: int, voucher: str, treasury_on: date
) -> tuple[DueRemitted | Ask, ...]:
    """Return what says that money reached the treasury: the case's own step where it has one.

    What was refunded for an error is no matter of the case when it is remitted again; it comes
    after what was never remitted.
    """
    within(amount, due.left)
    step = STEPS.get(due.income)
    if step is None or not due.origin:
        return (DueRemitted(amount=amount, voucher=voucher, treasury_on=treasury_on),)
    first = min(amount, due.never_remitted)
    found: list[DueRemitted | Ask] = []
    if first:
        form = {"amount": first, "voucher": voucher, "treasury_on": treasury_on}
        whose = {"unit": due.unit} if due.income is Income.DISPOSAL else {}
        found.append(Ask(due.origin, step, form | whose))
    if amount > first:
        found.append(DueRemitted(amount=amount - first, voucher=voucher, treasury_on=treasury_on))
    return tuple(found)


STEPS = {
    Income.DISPOSAL: "remit",
    Income.RENT: "remit_rent",
    Income.BALANCE: "remit_balance",
    Income.CONFISCATED: "remit",
}
"""The step of a case by which its income reaches the treasury."""


@lifecycle.verb(zh="上缴国库", en="Reach the treasury", inner=True)
def arrive(
    due: Due, _: Occasion, *, amount: Fen, voucher: Code, treasury_on: date | None = None
) -> tuple[DueRemitted, ...]:
    """Hear from the case that money reached the treasury; what was assessed before has no due."""
    if due.status is DueStatus.NONE:
        return ()
    within(amount, due.never_remitted)
    return (DueRemitted(amount=amount, voucher=voucher, treasury_on=treasury_on),)


@lifecycle.verb(OWING, WITH_TREASURY, zh="登记退付", en="Record a refund", roles=(Role.FINANCE,))
def refund(
    due: Due,
    _: Occasion,
    *,
    amount: Fen,
    ground: RefundGround,
    approval_no: Reference,
    voucher: Reference,
    reason: Given,
) -> TreasuryRefunded:
    """Record that the treasury gave money back, on which ground and by whose decision."""
    within(amount, due.remitted)
    return TreasuryRefunded(
        amount=amount, ground=ground, approval_no=approval_no, voucher=voucher, reason=reason
    )


@lifecycle.verb(OWING, UNREMITTED, zh="准予留用", en="Let the unit keep it", roles=(Role.FINANCE,))
def keep(
    due: Due, _: Occasion, *, amount: Fen, basis: Given, approval_no: Reference
) -> tuple[IncomeKept | Ask, ...]:
    """Let a public institution keep income, naming the rule that allows it; no organ may."""
    within(amount, due.left)
    return (
        Ask(f"unit/{due.unit}", "be_an_institution", {}),
        IncomeKept(amount=amount, basis=basis, approval_no=approval_no),
    )


@lifecycle.verb(zh="应缴依据不再成立", en="Be owed no longer", inner=True)
def fall_away(
    due: Due, _: Occasion, *, amount: Fen, payer: Code, reason: Text
) -> tuple[BasisFellAway, ...]:
    """Hear from the case that a deal is off; what was never assessed has no due.

    What the treasury has of it is refunded first, so that nobody's money stays there unnoticed.
    """
    if due.status is DueStatus.NONE or amount == 0:
        return ()
    if amount > due.left:
        sent, rest = due.remitted + due.kept, max(0, due.whole - amount)
        raise REFUND_FIRST.broken(sent=yuan(sent), rest=yuan(rest))
    return (BasisFellAway(amount=amount, payer=payer, reason=reason),)


@lifecycle.verb(OWING, OWN, zh="登记记账凭证", en="Record the voucher", roles=(Role.ACCOUNTANT,))
def book(due: Due, _: Occasion, *, side: Counts, amount: Fen, voucher: Reference) -> DueBooked:
    """Say under which voucher the unit's books have the receipt or the remittance."""
    open_ = due.paid_in - due.booked_in if side is Counts.PAYMENT else due.remitted - due.booked_out
    within(amount, open_)
    return DueBooked(side=side, amount=amount, voucher=voucher)


@lifecycle.verb(OWING, OWN, NOTHING_OWED, zh="零收入结案", en="Close without income", roles=MONEY)
def close_at_zero(_: Due, __: Occasion, *, evidence: Given) -> ClosedAtZero:
    """Close an income of nothing, saying what shows it."""
    return ClosedAtZero(evidence=evidence)


@lifecycle.verb(OWING, OWN, zh="对账单证实", en="Be confirmed by a statement", inner=True)
def confirm(
    due: Due,
    occasion: Occasion,
    *,
    line: Reference,
    counts: Counts,
    amount: Fen,
    currency: Currency = "CNY",
    voucher: Code = "",
    treasury_on: date | None = None,
) -> tuple[LineConfirmed | RemittedByLine | DueRemitted | Ask, ...]:
    """Let a line of a statement show it: what was not known before is received, or remitted, by it.

    A remittance that is not on record needs its voucher; the case that brought the money hears of
    it. A line never confirms more than there is. `treasury_on` is the day the bank booked it.
    """
    if any(one.line == line for one in due.shown_by):
        raise LINE_ONCE.broken(line=line)
    if currency != due.currency:
        raise SAME_CURRENCY.broken(found=currency, currency=due.currency)
    if counts is Counts.PAYMENT:
        within(amount, due.awaited)
        fresh = max(0, amount - (due.awaited - due.unpaid))
        on = (treasury_on or occasion.on) if fresh else None
        return (
            LineConfirmed(line=line, counts=counts, amount=amount, fresh=fresh, received_on=on),
        )
    fresh = max(0, amount - due.unshown)
    shown = LineConfirmed(line=line, counts=counts, amount=amount)
    # What was refunded for an error is remitted again on its own record, never by a line alone.
    within(amount, due.unshown + (0 if due.again else due.left))
    if fresh == 0:
        return (shown,)
    if not voucher or treasury_on is None:
        raise REMITTANCE_NAMED.broken()
    return (
        *reached(due, amount=fresh, voucher=voucher, treasury_on=treasury_on),
        RemittedByLine(line=line, amount=fresh, voucher=voucher),
        shown,
    )


@lifecycle.verb(OWING, OWN, zh="撤销证实", en="Be confirmed no longer", inner=True)
def release(
    due: Due, _: Occasion, *, line: Reference, reason: Given
) -> tuple[LineReleased | RemittanceWithdrawn | Ask, ...]:
    """Take back what a line of a statement was thought to show, on both sides of the money."""
    sent = sum(one.amount for one in due.carried if one.line == line)
    if sent > due.remitted:
        raise REFUNDED_SINCE.broken(amount=yuan(sent), sent=yuan(due.remitted))
    gone = LineReleased(line=line, reason=reason)
    answers: list[LineReleased | RemittanceWithdrawn | Ask] = [gone]
    for one in due.carried:
        if one.line != line:
            continue
        answers.append(RemittanceWithdrawn(amount=one.amount, voucher=one.voucher, reason=reason))
        if due.income in STEPS and due.origin:
            form = {"amount": one.amount, "voucher": one.voucher, "reason": reason}
            whose = {"unit": due.unit} if due.income is Income.DISPOSAL else {}
            answers.append(Ask(due.origin, "withdraw_remittance", form | whose))
    return tuple(answers)
