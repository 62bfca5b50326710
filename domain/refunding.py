"""What becomes of a disposal's income afterwards: given back by the treasury, or kept by a rule (#49).

What a due tells of it the case hears in the same act; a refund of a lot is divided again among the
units in whose names it was paid in, whole fen to the largest remainders (DOMAIN.md h).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain import due
from domain.apportioning import UnitPart, shares, summed
from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import Disposal, DisposalStatus, lifecycle, owing_less
from domain.due import Due, Income, IncomeKept, RefundGround, TreasuryRefunded
from domain.values import Code, Fen, Given, Reference, UnitId, yuan
from domain.words import Role

# What happened ----------------------------------------------------------------


class RefundShared(
    Event,
    name="disposal.refund_shared",
    zh="国库退付{amount}（{ground}）按各单位已缴数额分摊，文号{approval_no}",
    en="A refund of {amount} ({ground}), divided by what was paid in for each unit: {approval_no}",
    duty="approve",
):
    """#49 What each unit gets back of a refund of a lot, in fen; the parts sum to it."""

    amount: Fen
    ground: RefundGround
    approval_no: Code
    parts: tuple[UnitPart, ...]


class IncomeRefunded(
    Event,
    name="disposal.income_refunded",
    zh="{unit}名下已缴的{amount}经国库退付，不再应缴",
    en="{amount} paid in for {unit} was refunded by the treasury and is owed no longer",
):
    """#49 Paid by mistake, or its basis changed: neither owed nor with the treasury any more, in fen."""

    unit: UnitId
    amount: Fen


class IncomeKeptByRule(
    Event,
    name="disposal.income_kept",
    zh="{unit}按规定留用{amount}，不再应缴",
    en="{unit} keeps {amount} by a rule; it is owed no longer",
):
    """#45 An institution may keep it, in fen (国令738 第25条)."""

    unit: UnitId
    amount: Fen


RefundingEvent: TypeAlias = RefundShared | IncomeRefunded | IncomeKeptByRule

# Where that leaves us ---------------------------------------------------------


def evolve(case: Disposal, event: RefundingEvent) -> Disposal:
    """What an event means. Never refuses: it already happened."""
    match event:
        case RefundShared():
            return case  # each due says it, and the case hears of it
        case IncomeRefunded(unit=unit, amount=amount):
            less = {unit: -amount}
            by = summed(case.remitted_by, less) if unit in case.remitted_by else case.remitted_by
            return lowered(
                replace(case, remitted=case.remitted - amount, remitted_by=by), unit, amount
            )
        case IncomeKeptByRule(unit=unit, amount=amount):
            return lowered(case, unit, amount)
        case _:
            assert_never(event)


def lowered(case: Disposal, unit: str, amount: int) -> Disposal:
    """Return a case of which a unit owes so much less, in fen; it may be over with that."""
    less = owing_less(case, {unit: amount})
    done = case.status is DisposalStatus.ASSESSED and less.remitted >= (less.net or 0)
    return replace(less, status=DisposalStatus.REMITTED) if done else less


lifecycle.part(RefundingEvent, evolve)

# What may be asked ------------------------------------------------------------

OF_SEVERAL = Rule(
    slug="income-of-one-unit",
    zh="只有多个单位的整批收入才需要分摊退付；单个单位的在应缴款上登记。",
    en="Only a refund of a lot of several units is divided; that of one is recorded at its due.",
    holds=lambda case, _: bool(case.due_by),
)
SOMETHING_SENT = Rule(
    slug="refund-beyond-remitted",
    zh="退付 {amount} 元超过已上缴的 {sent} 元，或为零。",
    en="A refund of {amount} yuan is nothing, or more than the {sent} yuan that were remitted.",
)


@lifecycle.verb(OF_SEVERAL, zh="分摊退付", en="Divide a refund", roles=(Role.FINANCE,))
def refund_lot(
    disposal: Disposal,
    occasion: Occasion,
    *,
    amount: Fen,
    ground: RefundGround,
    approval_no: Reference,
    voucher: Reference,
    reason: Given,
) -> tuple[RefundShared | Ask, ...]:
    """Record that the treasury gave back part of what a lot of several units had brought."""
    sent = {unit: part for unit, part in sorted(disposal.remitted_by.items()) if part}
    if not 0 < amount <= sum(sent.values()):
        raise SOMETHING_SENT.broken(amount=yuan(amount), sent=yuan(sum(sent.values())))
    parts = dict(zip(sent, shares(amount, list(sent.values())), strict=True))
    said = {"ground": ground, "approval_no": approval_no, "voucher": voucher, "reason": reason}
    return (
        RefundShared(
            amount=amount,
            ground=ground,
            approval_no=approval_no,
            parts=tuple(UnitPart(unit=unit, amount=part) for unit, part in parts.items()),
        ),
        *(
            Ask(due.stream_of(occasion.stream, unit), "refund", {"amount": part, **said})
            for unit, part in parts.items()
            if part
        ),
    )


@lifecycle.verb(zh="获知退付", en="Hear of a refund", inner=True)
def hear_of_refund(
    disposal: Disposal, _: Occasion, *, unit: UnitId, amount: Fen
) -> tuple[IncomeRefunded, ...]:
    """Hear that the treasury gave back what is owed no longer."""
    return (IncomeRefunded(unit=unit, amount=amount),) if disposal.net is not None else ()


@lifecycle.verb(zh="获知留用", en="Hear that it is kept", inner=True)
def hear_of_keeping(
    disposal: Disposal, _: Occasion, *, unit: UnitId, amount: Fen
) -> tuple[IncomeKeptByRule, ...]:
    """Hear that an institution keeps part of the income by a rule."""
    return (IncomeKeptByRule(unit=unit, amount=amount),) if disposal.net is not None else ()


@due.lifecycle.followed(TreasuryRefunded, IncomeKept)
def when_less_is_owed(owed: Due, fact: Event, _: Occasion) -> tuple[Ask, ...]:
    """Tell a disposal what its unit owes no longer; what is to be remitted again is the due's own."""
    if owed.income is not Income.DISPOSAL or not owed.origin.startswith("disposal/"):
        return ()
    match fact:
        case TreasuryRefunded(ground=ground, amount=amount) if ground is not RefundGround.TECHNICAL:
            return (Ask(owed.origin, "hear_of_refund", {"unit": owed.unit, "amount": amount}),)
        case IncomeKept(amount=amount):
            return (Ask(owed.origin, "hear_of_keeping", {"unit": owed.unit, "amount": amount}),)
        case _:
            return ()
