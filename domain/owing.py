"""Where money owed to the treasury comes from: each fact of a case that assesses income is told to a
due in the same act, and so is what a case says has reached the treasury (#45, #48)."""

from __future__ import annotations

from typing import Any

from domain import confiscated, disposal, due, exchanging, leasing, lending
from domain.apportioning import IncomeShared
from domain.confiscated import Goods, GoodsSold, ProceedsRemitted
from domain.dealing import DepositForfeited, IncomeFellAway
from domain.decider import Ask, Event, Occasion
from domain.disposal import Deduction, Disposal, IncomeAssessed, RemittedToTreasury
from domain.due import Income
from domain.exchanging import BalanceAssessed, BalanceRemitted, Exchange
from domain.leasing import Lease, LeaseItemReturned, RentAssessed, RentRemitted
from domain.lending import Loan, LoanItemReturned

DAMAGE, DEPOSIT = "damage", "deposit"


def owed(
    occasion: Occasion,
    income: Income,
    unit: str,
    gross: int,
    *,
    part: str = "",
    net: int | None = None,
    deductions: tuple[Deduction, ...] = (),
    currency: str = "CNY",
) -> tuple[Ask, ...]:
    """Return the ask that lets a unit owe something of a case; none where nobody knows whose it is."""
    whose = unit or occasion.unit
    if not whose:
        return ()
    form: dict[str, Any] = {
        "origin": occasion.stream,
        "income": income,
        "unit": whose,
        "gross": gross,
        "net": gross if net is None else net,
        "deductions": deductions,
        "currency": currency,
    }
    return (Ask(due.stream_of(occasion.stream, part), "assess", form),)


def arrived(occasion: Occasion, fact: Any, part: str = "") -> tuple[Ask, ...]:
    """Return the ask that tells a due what reached the treasury."""
    form = {"amount": fact.amount, "voucher": fact.voucher, "treasury_on": fact.treasury_on}
    return (Ask(due.stream_of(occasion.stream, part), "arrive", form),)


@disposal.lifecycle.followed(IncomeAssessed, IncomeShared, RemittedToTreasury)
def when_disposal_income_moves(case: Disposal, fact: Event, occasion: Occasion) -> tuple[Ask, ...]:
    """Let the unit owe the net of a disposal, or each unit its share of a lot."""
    match fact:
        case IncomeAssessed(net=int() as net) if not case.owners:
            return owed(
                occasion,
                Income.DISPOSAL,
                case.unit,
                fact.gross,
                net=net,
                deductions=fact.deductions,
                currency=fact.currency,
            )
        case IncomeShared():
            return tuple(ask for share in fact.shares for ask in shared(case, share, occasion))
        case RemittedToTreasury():
            return arrived(occasion, fact, fact.unit or "" if case.due_by else "")
        case _:
            return ()


@disposal.lifecycle.followed(DepositForfeited, IncomeFellAway)
def when_a_deal_is_off(case: Disposal, fact: Event, occasion: Occasion) -> tuple[Ask, ...]:
    """Let each unit owe its part of a forfeited deposit, and owe the deal's income no longer."""
    match fact:
        case DepositForfeited(parts=parts):
            return tuple(
                ask
                for part in parts
                if part.amount
                for ask in owed(
                    occasion,
                    Income.DEPOSIT,
                    part.unit,
                    part.amount,
                    part=f"{part.unit}.{DEPOSIT}" if case.owners else DEPOSIT,
                    currency=case.currency,
                )
            )
        case IncomeFellAway(buyer=buyer, reason=reason):
            form = {"payer": buyer, "reason": reason}
            return tuple(
                Ask(
                    due.stream_of(occasion.stream, share.unit if case.due_by else ""),
                    "fall_away",
                    form | {"amount": share.net},
                )
                for share in fact.shares
            )
        case _:
            return ()


def shared(case: Disposal, share: Any, occasion: Occasion) -> tuple[Ask, ...]:
    """Return the ask that lets one unit owe its share, its part of every cost on its own line."""
    lines = tuple(
        Deduction(type=line.type, amount=cost)
        for line, cost in zip(case.deductions, share.costs, strict=False)
    )
    return owed(
        occasion,
        Income.DISPOSAL,
        share.unit,
        share.gross,
        part=share.unit,
        net=share.net,
        deductions=lines,
        currency=case.currency,
    )


@leasing.lifecycle.followed(RentAssessed, RentRemitted, LeaseItemReturned)
def when_rent_moves(lease: Lease, fact: Event, occasion: Occasion) -> tuple[Ask, ...]:
    """Let the lessor owe the rent of a period, and what a lessee pays for damage."""
    match fact:
        case RentAssessed(amount=amount):
            return owed(occasion, Income.RENT, lease.lessor, amount)
        case RentRemitted():
            return arrived(occasion, fact)
        case LeaseItemReturned(compensation=int() as amount) if amount:
            return owed(occasion, Income.COMPENSATION, lease.lessor, amount, part=DAMAGE)
        case _:
            return ()


@lending.lifecycle.followed(LoanItemReturned)
def when_damage_is_paid_for(
    loan: Loan, fact: LoanItemReturned, occasion: Occasion
) -> tuple[Ask, ...]:
    """Let the lender owe what a borrower pays for damage."""
    if not fact.compensation:
        return ()
    return owed(occasion, Income.COMPENSATION, loan.lender, fact.compensation, part=DAMAGE)


@exchanging.lifecycle.followed(BalanceAssessed, BalanceRemitted)
def when_balance_moves(_: Exchange, fact: Event, occasion: Occasion) -> tuple[Ask, ...]:
    """Let the unit that was paid a balance owe the net of it."""
    match fact:
        case BalanceAssessed():
            return owed(
                occasion,
                Income.BALANCE,
                fact.unit,
                fact.gross,
                net=fact.net,
                deductions=fact.deductions,
            )
        case BalanceRemitted():
            return arrived(occasion, fact)
        case _:
            return ()


@confiscated.lifecycle.followed(GoodsSold, ProceedsRemitted)
def when_goods_bring_money(goods: Goods, fact: Event, occasion: Occasion) -> tuple[Ask, ...]:
    """Let whoever sold forfeited goods owe all they brought."""
    match fact:
        case GoodsSold(price=price):
            return owed(occasion, Income.CONFISCATED, occasion.unit or goods.unit, price)
        case ProceedsRemitted():
            return arrived(occasion, fact)
        case _:
            return ()
