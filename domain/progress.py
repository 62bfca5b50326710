"""Where the money of a disposal is: nine steps from the approval to the books (DOMAIN.md h).

A case stands in the first five until its income is assessed; from then on each unit's due does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.disposal import Disposal, DisposalStatus
from domain.due import CASHIERS, MONEY, Due, DueStatus
from domain.words import Role, Term


class MoneyStep(Term):
    """The steps of the income board, in the order in which they come."""

    APPROVED = "approved", "已批准", "approved"
    APPRAISED = "appraised", "已评估", "appraised"
    LISTED = "listed", "挂牌中", "listed"
    FAILED = "failed", "流拍（撤牌、违约）", "failed"
    SOLD = "sold", "已成交（执行）", "sold or carried out"
    BILLED = "billed", "已通知缴款", "billed"
    PAID = "paid", "已到账", "paid"
    REMITTED = "remitted", "已上缴", "remitted"
    POSTED = "posted", "已记账（结清）", "posted or settled"


STEP_OF_DUE: Final[Mapping[DueStatus, MoneyStep]] = {
    DueStatus.ASSESSED: MoneyStep.SOLD,
    DueStatus.BILLED: MoneyStep.BILLED,
    DueStatus.PART_PAID: MoneyStep.BILLED,
    DueStatus.PAID: MoneyStep.PAID,
    DueStatus.PART_REMITTED: MoneyStep.PAID,
    DueStatus.REMITTED: MoneyStep.REMITTED,
    DueStatus.POSTED: MoneyStep.POSTED,
    DueStatus.KEPT: MoneyStep.POSTED,
    DueStatus.REFUNDED: MoneyStep.POSTED,
    DueStatus.ZERO: MoneyStep.POSTED,
    DueStatus.FALLEN: MoneyStep.POSTED,
}
NEXT_OF_DUE: Final[Mapping[DueStatus, tuple[str, tuple[Role, ...]]]] = {
    DueStatus.ASSESSED: ("issue_notice", MONEY),
    DueStatus.BILLED: ("record_transfer", CASHIERS),
    DueStatus.PART_PAID: ("record_transfer", CASHIERS),
    DueStatus.PAID: ("remit", MONEY),
    DueStatus.PART_REMITTED: ("remit", MONEY),
    DueStatus.REMITTED: ("book", (Role.ACCOUNTANT,)),
}
"""What is to be done next with a due, and who does it; what is settled waits for nobody."""


def step_of(case: Disposal) -> MoneyStep | None:
    """Return where a disposal stands; None while nothing is approved, or when nothing came of it.

    While part of the list is still to be sold or carried out, it stands where that part does; what
    is under a deal is sold, though it is handed over later.
    """
    match case.status:
        case DisposalStatus.REMITTED:
            return MoneyStep.REMITTED
        case DisposalStatus.EXECUTED | DisposalStatus.ASSESSED:
            return MoneyStep.SOLD
        case DisposalStatus.APPROVED | DisposalStatus.SUSPENDED:
            if (case.deals or case.executed) and not case.unsold:
                return MoneyStep.SOLD
            if case.on_market:
                return MoneyStep.LISTED
            if case.rounds_failed or case.next_step_by is not None:
                return MoneyStep.FAILED
            return MoneyStep.APPRAISED if case.appraisals else MoneyStep.APPROVED
        case _:
            return MoneyStep.SOLD if case.executed else None


def next_of(due: Due) -> tuple[str, tuple[Role, ...]]:
    """Return what is to be done next with a due, by whom; nothing when it is settled."""
    if due.status is DueStatus.ASSESSED and due.whole <= 0:
        return ("close_at_zero", MONEY)
    return NEXT_OF_DUE.get(due.status, ("", ()))
