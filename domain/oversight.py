"""What an auditor would ask of one case: worked out from its facts alone, whoever let it happen.

No list is read and no rule is trusted to have been applied: each fact is held against what the
facts before it had come to. What is found here is a doubt, not a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from domain.decider import LIFECYCLES, Event
from domain.disposal import (
    AssetDerecognised,
    Disposal,
    DisposalProposed,
    ExcessFound,
    ExcessRuledOn,
    GivenAway,
    IncomeAssessed,
    LossWrittenOff,
    RemittedToTreasury,
    Scrapped,
    Sold,
)
from domain.due import (
    Due,
    DueAssessed,
    DueRemitted,
    LineConfirmed,
    PaymentReceived,
    TransferRecorded,
)
from domain.due import (
    RemittanceWithdrawn as RemittanceOfDueWithdrawn,
)
from domain.exchanging import (
    BalanceAssessed,
    BalanceRemitted,
    Exchange,
    ExchangeStatus,
    PieceDelivered,
    PieceTakenIn,
)
from domain.leasing import Lease, LeaseDelivered, LeaseStatus, RentAssessed, RentRemitted
from domain.leaving import PRICED_FORMS
from domain.lending import Loan, LoanHandedOver, LoanStatus
from domain.open_steps import open_step
from domain.policy import Policy, RemitFrom
from domain.reallocation import Reallocation, ReallocationStatus, TransferOutConfirmed
from domain.requiring import APPRAISAL
from domain.warehouse import Intake, IntakeItemReceived, IntakeStatus
from domain.withdrawing import RemittanceWithdrawn

PolicyOf: TypeAlias = Callable[[str], Policy]  # by reference, `xinjiang@2`
Details: TypeAlias = "dict[str, str | int]"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that stands, with what its entry says of it."""

    position: int
    on: date
    fact: Event
    policy: str = ""
    cause: str = ""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What is doubtful, shown by the entry at a position; amounts in fen."""

    check: str
    position: int
    details: Details = {}


EXECUTED: Final = (Sold, GivenAway, Scrapped, LossWrittenOff)
MONEY_STEPS: Final = frozenset(
    {"remit", "remit_rent", "remit_balance", "assess_income", "assess_balance"}
)


def doubts(kind: str, told: Sequence[Told], policy_of: PolicyOf, today: date) -> Iterator[Doubt]:
    """Yield what is doubtful in one case, in the order in which it was true."""
    life = LIFECYCLES[kind]
    asks = _ASKS.get(kind)
    state = life.state()
    for one in told:
        after = life.evolve(state, one.fact)
        if asks is not None:
            yield from asks(state, after, one)
        state = after
    if kind == "disposal":
        yield from unappraised(told, policy_of)
        yield from unremitted(told, policy_of, today, IncomeAssessed, RemittedToTreasury)
    if kind == "exchange":
        yield from unremitted(told, policy_of, today, BalanceAssessed, BalanceRemitted)
    if kind == "lease":
        yield from unremitted(told, policy_of, today, RentAssessed, RentRemitted)
    if kind == "due":
        yield from unremitted_receipts(told, policy_of, today)
    elif told:
        yield from stuck(state, told[-1], today)


# Executed is what was approved ----------------------------------------------------


def of_disposal(before: Disposal, after: Disposal, told: Told) -> Iterator[Doubt]:
    """Hold what was carried out against the approval, by item, amount and day (T91)."""
    fact, at = told.fact, told.position
    match fact:
        case Sold() | GivenAway() | Scrapped() | LossWrittenOff():
            asset = fact.asset
            if asset not in before.approved:
                yield Doubt(check="executed-unapproved", position=at, details={"asset": asset})
            elif before.valid_until is not None and told.on > before.valid_until:
                until = before.valid_until.isoformat()
                yield Doubt(
                    check="executed-after-approval",
                    position=at,
                    details={"asset": asset, "until": until},
                )
            if exceeds(after) and not exceeds(before):
                yield Doubt(
                    check="executed-beyond-amount",
                    position=at,
                    details={
                        "approved": after.approved_amount or 0,
                        "executed": after.executed_amount or 0,
                        "currency": after.currency,
                    },
                )
        case ExcessFound(asset=asset):
            yield Doubt(check="excess-found", position=at, details={"asset": asset})
        case ExcessRuledOn(asset=asset) if asset not in before.excess:
            yield Doubt(check="excess-ruled-unfound", position=at, details={"asset": asset})
        case AssetDerecognised(asset=asset):
            if asset not in before.executed or asset in before.excess:
                yield Doubt(check="derecognised-unexecuted", position=at, details={"asset": asset})
        case IncomeAssessed(gross=gross) if gross != before.proceeds:
            yield Doubt(
                check="income-misstated",
                position=at,
                details={"gross": gross, "proceeds": before.proceeds, "currency": fact.currency},
            )
        case RemittedToTreasury() if after.net is None or after.remitted > after.net:
            yield Doubt(
                check="remitted-beyond-due",
                position=at,
                details={
                    "due": after.net or 0,
                    "remitted": after.remitted,
                    "currency": after.currency,
                },
            )
        case _:
            pass


def exceeds(case: Disposal) -> bool:
    """Tell whether more was carried out than approved, by original value."""
    limit, amount = case.approved_amount, case.executed_amount
    return limit is not None and amount is not None and amount > limit


def of_loan(before: Loan, _: Loan, told: Told) -> Iterator[Doubt]:
    """Hold a hand-over against the approval of the loan."""
    if isinstance(told.fact, LoanHandedOver):
        granted = before.status in (LoanStatus.APPROVED, LoanStatus.RUNNING)
        yield from handed(told, told.fact.asset, granted and told.fact.asset in before.waiting)


def of_lease(before: Lease, _: Lease, told: Told) -> Iterator[Doubt]:
    """Hold a delivery against the approval and the agreement."""
    if isinstance(told.fact, LeaseDelivered):
        granted = before.status in (LeaseStatus.SIGNED, LeaseStatus.RUNNING)
        yield from handed(told, told.fact.asset, granted and told.fact.asset in before.waiting)


def of_intake(before: Intake, _: Intake, told: Told) -> Iterator[Doubt]:
    """Hold what a warehouse took in against the approval."""
    if isinstance(told.fact, IntakeItemReceived):
        granted = before.status is IntakeStatus.APPROVED and told.fact.asset in before.waiting
        yield from handed(told, told.fact.asset, granted)


def of_reallocation(before: Reallocation, _: Reallocation, told: Told) -> Iterator[Doubt]:
    """Hold a sending against the approval; what a unit asks for names its pieces when it goes."""
    if isinstance(told.fact, TransferOutConfirmed):
        granted = before.status in (ReallocationStatus.APPROVED, ReallocationStatus.SHIPPED)
        yield from handed(told, told.fact.asset, granted)


def of_exchange(before: Exchange, _: Exchange, told: Told) -> Iterator[Doubt]:
    """Hold what changed hands against the approval and the agreement."""
    fact = told.fact
    if isinstance(fact, PieceDelivered | PieceTakenIn):
        listed = fact.asset in before.waiting | before.coming
        yield from handed(told, fact.asset, before.status is ExchangeStatus.SIGNED and listed)


def handed(told: Told, asset: str, granted: bool) -> Iterator[Doubt]:
    """Yield the doubt that something was handed over which nobody had approved."""
    if not granted:
        yield Doubt(check="handed-unapproved", position=told.position, details={"asset": asset})


_ASKS: Final[Mapping[str, Callable[[Any, Any, Told], Iterator[Doubt]]]] = {
    "disposal": of_disposal,
    "loan": of_loan,
    "lease": of_lease,
    "intake": of_intake,
    "reallocation": of_reallocation,
    "exchange": of_exchange,
}

# The order of steps, and money -----------------------------------------------------


def unappraised(told: Sequence[Told], policy_of: PolicyOf) -> Iterator[Doubt]:
    """Yield what was sold or exchanged without the appraisal that the rules asked for (T7)."""
    state = LIFECYCLES["disposal"].state()
    asked = False
    for one in told:
        if isinstance(one.fact, DisposalProposed):
            asked = demanded(one.fact, policy_of(one.policy))
        state = LIFECYCLES["disposal"].evolve(state, one.fact)
        if not isinstance(one.fact, Sold | GivenAway) or one.fact.asset in state.appraisals:
            continue
        priced = state.form in PRICED_FORMS or isinstance(one.fact, Sold)
        if priced and (asked or state.terms.appraisal):
            yield Doubt(
                check="unappraised",
                position=one.position,
                details={"asset": one.fact.asset, "policy": state.terms.policy or one.policy},
            )


def demanded(proposal: DisposalProposed, policy: Policy) -> bool:
    """Answer whether the rules ask for an appraisal whatever the kind of property is."""
    mine = [rules for rules in policy.forms if rules.form == proposal.form and not rules.kinds]
    papers = [(*rules.documents, *rules.execution_documents) for rules in mine]
    return proposal.form in PRICED_FORMS and any(APPRAISAL in some for some in papers)


def without_mistakes(told: Sequence[Told], paid: type[Event]) -> list[Told]:
    """Return what happened without the remittances that were taken back, the latest first."""
    left = list(told)
    for one in told:
        fact = one.fact
        if isinstance(fact, RemittanceWithdrawn | RemittanceOfDueWithdrawn):
            same = [
                each
                for each in left
                if isinstance(each.fact, paid)
                and each.position < one.position
                and (getattr(each.fact, "amount", 0), getattr(each.fact, "voucher", ""))
                == (fact.amount, fact.voucher)
            ]
            if same:
                left.remove(same[-1])
    return left


def unremitted(
    told: Sequence[Told],
    policy_of: PolicyOf,
    today: date,
    assessed: type[IncomeAssessed | BalanceAssessed | RentAssessed],
    paid: type[RemittedToTreasury | BalanceRemitted | RentRemitted],
) -> Iterator[Doubt]:
    """Yield income that did not reach the treasury, or reached it after its day.

    The day is set by the rules under which the income was assessed; where they set none, what is
    still owed is told with its age and nobody is late. First assessed is first paid. Where they count
    from the receipt, the case does not know; its due is asked, which does.
    """
    owed: list[list[Any]] = []  # what is left, and the fact that said so
    for one in without_mistakes(told, paid):
        fact = one.fact
        if isinstance(fact, assessed):
            amount = fact.amount if isinstance(fact, RentAssessed) else fact.net
            owed.append([amount or 0, one])
        elif isinstance(fact, paid):
            money = fact.amount
            reached = fact.treasury_on or one.on
            for debt in owed:
                part = min(money, debt[0])
                if part == 0:
                    continue
                due = due_on(debt[1], policy_of)
                if due is not None and reached > due:
                    yield Doubt(
                        check="income-late",
                        position=one.position,
                        details={
                            "amount": part,
                            "currency": "CNY",
                            "due": due.isoformat(),
                            "on": reached.isoformat(),
                        },
                    )
                debt[0] -= part
                money -= part
    for left, one in owed:
        if left == 0 or policy_of(one.policy).remit_from is RemitFrom.RECEIVED:
            continue
        due = due_on(one, policy_of)
        late = due is not None and today > due
        yield Doubt(
            check="income-overdue" if late else "income-outstanding",
            position=one.position,
            details={
                "amount": left,
                "currency": getattr(one.fact, "currency", "CNY"),
                "days": (today - (due if late and due else one.on)).days,
                "due": due.isoformat() if due else "",
            },
        )


def due_on(assessed: Told, policy_of: PolicyOf) -> date | None:
    """Return the day by which assessed income must be remitted; None where no rule sets one.

    None as well where the rules count from the receipt.
    """
    rules = policy_of(assessed.policy)
    if rules.remit_days is None or rules.remit_from is RemitFrom.RECEIVED:
        return None
    return assessed.on + timedelta(days=rules.remit_days)


def unremitted_receipts(told: Sequence[Told], policy_of: PolicyOf, today: date) -> Iterator[Doubt]:
    """Yield what came in and was not remitted by its day, where the rules count from the receipt.

    What is owed and is not late is told with its age. The days are those of the rules under which it
    was assessed, whatever the entry says; first received is first remitted.
    """
    kept = {one.position for one in without_mistakes(told, DueRemitted)}
    due = Due()
    shown_by: list[int] = []  # the entry of each assessment
    first: list[date] = []
    for one in told:
        fact: Any = one.fact
        if isinstance(fact, DueAssessed):
            rules = policy_of(one.policy)
            days = rules.remit_days if rules.remit_from is RemitFrom.RECEIVED else None
            fact = replace(fact, days_from_receipt=days)
            shown_by.append(one.position)
            first.append(one.on)
        elif isinstance(fact, PaymentReceived | TransferRecorded | LineConfirmed):
            fact = replace(fact, received_on=fact.received_on or one.on)
        elif isinstance(fact, DueRemitted) and one.position in kept:
            reached = fact.treasury_on or one.on
            for part, day in parts_in_time(due, fact.amount):
                if reached > day:
                    details: Details = {"amount": part, "currency": due.currency}
                    details |= {"due": day.isoformat(), "on": reached.isoformat()}
                    yield Doubt(check="income-late", position=one.position, details=details)
        due = LIFECYCLES["due"].evolve(due, fact)
    owed = due.oldest()
    if owed is None or owed.days is None or due.left <= 0:
        return
    at = due.owed.index(owed)
    past = [(part, day) for part, day in parts_in_time(due, due.left) if today > day]
    since = past[0][1] if past else first[at]
    yield Doubt(
        check="income-overdue" if past else "income-outstanding",
        position=shown_by[at],
        details={
            "amount": sum(part for part, _ in past) if past else due.left,
            "currency": due.currency,
            "days": (today - since).days,
            "due": since.isoformat() if past else "",
        },
    )


def parts_in_time(due: Due, amount: int) -> Iterator[tuple[int, date]]:
    """Yield the receipts that a remittance is of, in fen, each with the day by which it must arrive."""
    owed = due.oldest()
    if owed is None or owed.days is None:
        return
    for held in due.in_hand():
        part = min(amount, held.amount)
        if part <= 0:
            return
        amount -= part
        yield part, held.on + timedelta(days=owed.days)


def stuck(state: Any, last: Told, today: date) -> Iterator[Doubt]:
    """Yield the step of a case whose day is past; where no time is set nobody is late (T34)."""
    step = open_step(state)
    if step is None or not getattr(state, "applicant", "") or step.verb in MONEY_STEPS:
        return
    if step.since is not None and step.since > today:  # the calendar opens it later
        return
    due = step.due if step.days is None else last.on + timedelta(days=step.days)
    if due is not None and due < today:
        yield Doubt(
            check="stuck",
            position=last.position,
            details={
                "step": step.verb,
                "unit": step.unit,
                "due": due.isoformat(),
                "days": (today - due).days,
            },
        )
