"""The chain of a disposal's money: approval, appraisal, market, deal, due, notice, receipt,
remittance, voucher; each with its day and entry, and what is missing by name (T93)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec

from api.office import Office
from domain.disposal import Disposal, DisposalApproved, DisposalStatus
from domain.due import Due, DueAssessed, DueStatus
from domain.words import Term, Words
from ledger.entry import Entry, decode, standing
from projections import disposals, income, treasury


class Link(Term):
    """One kind of step in the chain, in the order in which they come."""

    APPROVED = "approved", "批准", "approval"
    APPRAISED = "appraised", "评估", "appraisal"
    LISTED = "listed", "挂牌", "listing"
    FAILED = "failed", "流拍", "failed auction"
    WITHDRAWN = "withdrawn", "撤牌", "listing withdrawn"
    DEALT = "dealt", "成交", "deal"
    CONTRACT = "contract", "合同", "contract"
    DEFAULTED = "defaulted", "买受人违约", "default"
    SOLD = "sold", "交付（执行）", "hand-over or execution"
    DERECOGNISED = "derecognised", "核销", "derecognition"
    ASSESSED = "assessed", "确认应缴", "assessment"
    BILLED = "billed", "缴款通知", "payment notice"
    PAID = "paid", "到账", "receipt"
    REMITTED = "remitted", "上缴国库", "remittance"
    BOOKED = "booked", "记账凭证", "voucher"
    CLOSED = "closed", "结清", "settlement"
    OTHER = "other", "其他", "other"


AMOUNTS: Final = ("price", "boot", "compensation", "value", "reserve", "net", "amount")
GAPS: Final = {
    "not-sold": Words(
        "{day}批准，尚未成交（执行），已{n}天", "approved {day}, not sold or carried out yet, {n} days"
    ),
    "unsold": Words(
        "{day}流拍，尚无下一步，已{n}天", "failed at auction {day}, no next step yet, {n} days"
    ),
    "no-deal": Words("{day}挂牌，尚无成交或流拍，已{n}天", "listed {day}, no deal yet, {n} days"),
    "not-handed": Words(
        "{day}成交，{count}件尚未交付，已{n}天", "deal of {day}, {count} not handed over yet, {n} days"
    ),
    "on-books": Words(
        "{day}成交（执行），{count}件尚未核销，已{n}天",
        "sold {day}, {count} still in the books, {n} days",
    ),
    "not-assessed": Words(
        "{day}成交（执行），尚未确认应缴，已{n}天", "sold {day}, income not assessed yet, {n} days"
    ),
    "net-unknown": Words(
        "来源未载明扣除和应缴净额", "the source states neither deductions nor what is due"
    ),
    "no-notice": Words("{day}成交，尚无缴款通知，已{n}天", "sold {day}, no notice yet, {n} days"),
    "not-billed": Words(
        "{day}确认应缴，尚无缴款通知，已{n}天", "assessed {day}, no notice yet, {n} days"
    ),
    "not-paid": Words(
        "{day}通知缴款，尚有{amount}未到账，已{n}天",
        "billed {day}, {amount} not received yet, {n} days",
    ),
    "not-remitted": Words(
        "{day}到账，尚有{amount}未上缴，已{n}天", "received {day}, {amount} not remitted yet, {n} days"
    ),
    "not-booked": Words(
        "{day}上缴，尚未记账，已{n}天", "remitted {day}, not in the books yet, {n} days"
    ),
    "no-receipt": Words(
        "已上缴的{amount}没有到账记录", "of what was remitted, {amount} has no receipt on record"
    ),
    "too-much": Words("多收{amount}，尚未退还", "{amount} paid too much, not given back yet"),
    "unapproved": Words("扣除{amount}尚未审批", "deductions of {amount} not approved yet"),
    "withheld": Words(
        "规定全额上缴而扣除{amount}（坐支）", "{amount} taken off where the rules say gross"
    ),
    "before-deal": Words(
        "{day}到账，早于{sold}成交", "received {day}, before the deal of {sold}"
    ),
    "overdue": Words("上缴期限{by}，逾期{n}天", "to be remitted by {by}, {n} days overdue"),
    "beyond": Words(
        "执行原值{executed}，超过批准的{approved}", "carried out for {executed}, approved {approved}"
    ),
    "received-apart": Words(
        "成交{sold}，应缴{due}，到账{received}，三者不一致",
        "sold for {sold}, due {due}, received {received}: not the same",
    ),
}  # fmt: skip


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries of a kind on one day: `entry` is the first of `count`, `amount` their sum."""

    link: Link
    on: str
    entry: Entry
    count: int = 1
    amount: int | None = None
    currency: str = "CNY"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something missing: which sentence, and what stands in it; amounts in fen."""

    link: Link
    slug: str
    said: dict[str, Any]
    currency: str = "CNY"


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One way of money, of a case or of one due; `due` is empty for the case itself."""

    stream: str
    steps: tuple[Step, ...]
    gaps: tuple[Gap, ...]
    state: Any = None


def known(office: Office, stream: str, on: str, position: int | None) -> list[Entry]:
    """Return what stands of a stream: true by a day, known at a position."""
    rows = office.book.log.stream_rows(stream)
    entries = [decode(*row) for row in rows if position is None or row[0] <= position]
    return [entry for entry in standing(entries) if entry.effective_on <= on]


def chains(office: Office, case: str, on: date, position: int | None = None) -> list[Chain]:
    """Return the chain of a disposal and of each due that arises from it, as of a day."""
    day = on.isoformat()
    entries = known(office, case, day, position)
    if not entries:
        return []
    state = office.book.state_at(case, day, position)
    found = [row["id"] for row in office.rows(treasury.dues_of(case))]
    dues = [chain_of_due(office, f"due/{id_}", on, position, entries) for id_ in sorted(found)]
    dues = [chain for chain in dues if chain.steps]
    steps = tuple(steps_of(entries, state.currency, disposals.milestone))
    gaps = tuple(gaps_of_case(state, steps, [chain.state for chain in dues], on))
    return [Chain(stream=case, steps=steps, gaps=gaps, state=state), *dues]


def chain_of_due(
    office: Office,
    stream: str,
    on: date,
    position: int | None = None,
    case: list[Entry] | None = None,
) -> Chain:
    """Return the chain of one due as of a day; `case` is what stands of the case it arises from."""
    day = on.isoformat()
    entries = known(office, stream, day, position)
    state: Due = office.book.state_at(stream, day, position)
    if case is None and state.origin:
        case = known(office, state.origin, day, position)
    steps = tuple(steps_of(entries, state.currency, milestone_of_due))
    told = [(disposals.milestone(entry.event), entry.effective_on) for entry in case or ()]
    dealt = [day for said, day in told if said == "dealt"]
    sold = dealt or [day for said, day in told if said == "sold"]
    gaps = tuple(gaps_of_due(state, steps, max(sold, default=""), on)) if entries else ()
    return Chain(stream=stream, steps=steps, gaps=gaps, state=state)


def milestone_of_due(fact: Any) -> str:
    """Return which link a fact of a due is; what is none is told as other."""
    if isinstance(fact, DueAssessed):
        return Link.ASSESSED.value
    return income.milestone(fact) or Link.OTHER.value


def steps_of(entries: list[Entry], currency: str, milestone: Any) -> Iterator[Step]:
    """Yield the links of entries in the order in which they were true; like of a day together."""
    last: Step | None = None
    for entry in entries:
        named = milestone(entry.event)
        if not named:
            continue
        link, amount = Link(named), amount_of(entry.event)
        if (
            last is not None
            and (last.link, last.on) == (link, entry.effective_on)
            and type(last.entry.event) is type(entry.event)
            and entry.stream.startswith("disposal/")
        ):
            both = last.amount is not None and amount is not None
            total = (last.amount or 0) + (amount or 0) if both else None
            last = msgspec.structs.replace(last, count=last.count + 1, amount=total)
            continue
        if last is not None:
            yield last
        last = Step(link=link, on=entry.effective_on, entry=entry, amount=amount, currency=currency)
    if last is not None:
        yield last


def amount_of(fact: Any) -> int | None:
    """Return the money a fact is about, in fen; None where it is about none."""
    if isinstance(fact, DisposalApproved) and fact.amount is None:
        return None
    return next(
        (found for name in AMOUNTS if (found := getattr(fact, name, None)) is not None), None
    )


# What is missing ----------------------------------------------------------------------


def gaps_of_case(
    case: Disposal, steps: tuple[Step, ...], dues: list[Any], on: date
) -> Iterator[Gap]:
    """Yield what is missing of a disposal."""

    def last(link: Link) -> str:
        return max((step.on for step in steps if step.link is link), default="")

    def gap(link: Link, slug: str, day: str = "", **said: Any) -> Gap:
        said |= {"day": day, "n": days_since(day, on)} if day else {}
        return Gap(link=link, slug=slug, said=said, currency=case.currency)

    dealt, sold, open_ = last(Link.DEALT), last(Link.SOLD), case.executed - case.derecognised
    if case.deals:
        yield gap(Link.SOLD, "not-handed", dealt, count=len(case.dealt))
    elif case.status in (DisposalStatus.APPROVED, DisposalStatus.SUSPENDED):
        if case.on_market:
            yield gap(Link.SOLD, "no-deal", last(Link.LISTED))
        elif case.rounds_failed and last(Link.FAILED):
            yield gap(Link.LISTED, "unsold", last(Link.FAILED))
        elif not case.executed:
            yield gap(Link.SOLD, "not-sold", last(Link.APPROVED))
    if case.executed and open_ and not case.dataset:
        yield gap(Link.DERECOGNISED, "on-books", sold, count=len(open_))
    late = case.status is DisposalStatus.EXECUTED or bool(case.deals and not case.unsold)
    if late and (case.executed or case.deals) and (not case.billed or case.proceeds > case.billed):
        yield gap(Link.ASSESSED, "not-assessed", dealt or sold)
    if case.status is DisposalStatus.ASSESSED and case.net is None:
        yield gap(Link.ASSESSED, "net-unknown")
    approved, executed = case.approved_amount, case.executed_amount
    if approved is not None and executed is not None and executed > approved:
        yield gap(Link.SOLD, "beyond", approved=approved, executed=executed)
    if dues and all(due.paid_in for due in dues):
        due, received = sum(one.whole for one in dues), sum(one.paid_in for one in dues)
        if received != due:
            yield gap(Link.PAID, "received-apart", sold=case.proceeds, due=due, received=received)


def gaps_of_due(due: Due, steps: tuple[Step, ...], sold: str, on: date) -> Iterator[Gap]:
    """Yield what is missing of a due; `sold` is the day of the deal it arises from, if any."""

    def last(link: Link) -> str:
        return max((step.on for step in steps if step.link is link), default="")

    def gap(link: Link, slug: str, day: str = "", **said: Any) -> Gap:
        said |= {"day": day, "n": days_since(day, on)} if day else {}
        return Gap(link=link, slug=slug, said=said, currency=due.currency)

    billed, paid = last(Link.BILLED), last(Link.PAID)
    if due.unapproved:
        yield gap(Link.ASSESSED, "unapproved", amount=due.unapproved)
    if due.withheld:
        yield gap(Link.ASSESSED, "withheld", amount=due.withheld)
    if due.status is DueStatus.ASSESSED and due.whole > 0:
        slug, day = ("no-notice", sold) if sold else ("not-billed", last(Link.ASSESSED))
        yield gap(Link.BILLED, slug, day)
    if due.unpaid and (billed or paid) and due.status is not DueStatus.ASSESSED:
        yield gap(Link.PAID, "not-paid", billed or paid, amount=due.unpaid)
    if sold and paid:
        first = min(step.on for step in steps if step.link is Link.PAID)
        if first < sold:
            yield gap(Link.PAID, "before-deal", first, sold=sold)
    if due.overpaid:
        yield gap(Link.PAID, "too-much", amount=due.overpaid)
    if due.gap:
        yield gap(Link.PAID, "no-receipt", amount=due.gap)
    in_hand = due.paid_in - due.remitted - due.kept
    if in_hand > 0 and due.left > 0 and paid:
        yield gap(Link.REMITTED, "not-remitted", paid, amount=min(in_hand, due.left))
    by = due.remit_by()
    if by is not None and by < on and due.left > 0:
        yield gap(Link.REMITTED, "overdue", by=by.isoformat(), n=(on - by).days)
    if due.status is DueStatus.REMITTED:
        yield gap(Link.BOOKED, "not-booked", last(Link.REMITTED))


def days_since(day: str, on: date) -> int:
    """Return how many days have passed."""
    return (on - date.fromisoformat(day)).days
