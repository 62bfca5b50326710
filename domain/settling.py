"""After a disposal: the books let go, the income is assessed and reaches the treasury (#43-#48)."""

from __future__ import annotations

from datetime import date

from domain.apportioning import IncomeShared, in_name_of, income_shared
from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import (
    AssetDerecognised,
    Deduction,
    Disposal,
    DisposalStatus,
    IncomeAssessed,
    RemittedToTreasury,
    lifecycle,
)
from domain.holding import ON_THE_LIST, listed
from domain.leaving import GIVEN_FORMS, LOST_FORMS, SOLD_FORMS
from domain.open_steps import OpenStep, decision, step_of
from domain.requiring import LATER, TITLE_PAPERS, WIPING_PAPERS, refuse_missing
from domain.values import AssetId, Fen, Reference, UnitId
from domain.words import Role

# What may be asked ------------------------------------------------------------

MONEY = (Role.ACCOUNTANT, Role.FINANCE)
EXECUTED = Rule(
    slug="disposal-not-executed",
    zh="批准清单尚未全部执行（成交）完毕，或收入已确认。",
    en="The approved list has not been sold or carried out in full, or its income is assessed.",
    holds=lambda case, _: (
        case.status is DisposalStatus.EXECUTED
        or (bool(case.deals) and not case.unsold and case.proceeds > case.billed)
    ),
)
SOMETHING_EXECUTED = Rule(
    slug="nothing-executed",
    zh="没有已执行而未核销的资产。",
    en="Nothing was carried out that the books still carry.",
    holds=lambda case, _: bool(case.executed - case.derecognised),
)
ASSESSED = Rule(
    slug="income-not-assessed",
    zh="须先确认应缴收入，或收入已全部上缴。",
    en="The income must be assessed first, or all of it is remitted already.",
    law="《行政事业性国有资产管理条例》第26条",
    holds=lambda case, _: case.net is not None and case.remitted < case.net,
)
SUM_RIGHT = Rule(
    slug="income-does-not-add-up",
    zh="总额 {gross} 与已执行所得 {proceeds} 不符，或扣除合计超过总额（单位：分）。",
    en="Gross {gross} differs from the proceeds {proceeds}, or deductions exceed it (in fen).",
    law="《行政事业性国有资产管理条例》第26条",
)
NOT_TOO_MUCH = Rule(
    slug="remitted-beyond-due",
    zh="上缴 {amount} 超过尚欠 {left}（单位：分）。",
    en="{amount} is more than the {left} still due (in fen).",
)
SOMETHING_PAID = Rule(
    slug="nothing-remitted",
    zh="上缴金额必须大于零。",
    en="The amount remitted must be more than zero.",
)
PAID_ALREADY = Rule(
    slug="treasury-date-in-the-future",
    zh="入库日期 {treasury_on} 晚于业务日期 {on}。",
    en="The treasury date {treasury_on} is after the business date {on}.",
)


@lifecycle.verb(SOMETHING_EXECUTED, zh="核销", en="Derecognise", roles=MONEY)
def derecognise(
    disposal: Disposal, occasion: Occasion, *, asset: AssetId, voucher: Reference
) -> tuple[Event | Ask, ...]:
    """Let the books go of one piece that was disposed of."""
    to_let_go(disposal, occasion, (asset,))
    return (
        AssetDerecognised(asset=asset, voucher=voucher),
        Ask(f"asset/{asset}", "derecognise_asset", {"voucher": voucher}),
    )


@lifecycle.verb(SOMETHING_EXECUTED, zh="整批核销", en="Derecognise a lot", roles=MONEY)
def derecognise_lot(
    disposal: Disposal, occasion: Occasion, *, assets: tuple[AssetId, ...], voucher: Reference
) -> tuple[Event | Ask, ...]:
    """Let the books go of several pieces under one voucher."""
    to_let_go(disposal, occasion, listed(assets))
    form = {"voucher": voucher}
    return (
        *(AssetDerecognised(asset=a, voucher=voucher) for a in assets),
        *(Ask(f"asset/{a}", "derecognise_asset", form) for a in assets),
    )


@lifecycle.verb(EXECUTED, zh="确认处置收入", en="Assess the income", roles=MONEY)
def assess_income(
    disposal: Disposal,
    _: Occasion,
    *,
    gross: Fen,
    deductions: tuple[Deduction, ...] = (),
) -> tuple[IncomeAssessed | IncomeShared, ...]:
    """Say what is owed to the treasury; zero income closes with the same step.

    Where a buyer defaulted after it was assessed, `gross` is what was sold since. Of a lot of several units each one's share of proceeds and costs is recorded with it.
    """
    taken, proceeds = sum(d.amount for d in deductions), disposal.proceeds - disposal.billed
    if gross != proceeds or taken > gross:
        raise SUM_RIGHT.broken(gross=gross, proceeds=proceeds)
    return (
        IncomeAssessed(
            gross=gross, currency=disposal.currency, deductions=deductions, net=gross - taken
        ),
        *income_shared(disposal, [line.amount for line in deductions]),
    )


@lifecycle.verb(ASSESSED, zh="登记上缴国库", en="Record remittance", roles=MONEY)
def remit(
    disposal: Disposal,
    occasion: Occasion,
    *,
    amount: Fen,
    voucher: Reference,
    treasury_on: date,
    unit: UnitId | None = None,
) -> RemittedToTreasury:
    """Record money that reached the treasury; who assessed the income does not confirm it.

    Of a lot of several units it is recorded in the name of one of them, up to its share.
    """
    if amount == 0:
        raise SOMETHING_PAID.broken()
    if treasury_on > occasion.on:
        raise PAID_ALREADY.broken(treasury_on=treasury_on, on=occasion.on)
    named = in_name_of(disposal, occasion, unit)
    left = (disposal.net or 0) - disposal.remitted
    if named in disposal.due_by:
        left = disposal.due_by[named] - disposal.remitted_by.get(named, 0)
    if amount > left:
        raise NOT_TOO_MUCH.broken(amount=amount, left=left)
    return RemittedToTreasury(amount=amount, voucher=voucher, treasury_on=treasury_on, unit=named)


def to_let_go(disposal: Disposal, occasion: Occasion, assets: tuple[str, ...]) -> None:
    """Refuse to derecognise without the evidence that it was carried out, and all its papers."""
    open_ = disposal.executed - disposal.derecognised - disposal.excess
    given = [doc.type for doc in occasion.docs]
    for asset in assets:
        if asset not in open_:
            raise ON_THE_LIST.broken(asset=asset)
        proved: set[str] = set()
        if asset in disposal.titled:
            proved |= TITLE_PAPERS
        if asset in disposal.destroyed:
            proved |= WIPING_PAPERS
        papers = disposal.terms.papers(disposal.kinds.get(asset, ""))
        late = [paper for paper in papers if paper in LATER and paper not in proved]
        if late:
            refuse_missing(occasion, late, given, disposal.form, disposal.terms.cites)


@step_of(Disposal)
def next_step(disposal: Disposal) -> OpenStep | None:
    """Say who must do what next, and by when; a failed auction is followed by something (T92)."""
    open_ = disposal.executed - disposal.derecognised - disposal.excess
    if disposal.deals and not disposal.unsold:
        due = min((deal.pay_by for deal in disposal.deals.values() if deal.pay_by), default=None)
        roles = (Role.OFFICE, Role.CLERK)
        return OpenStep(verb="hand_over_deal", roles=roles, unit=disposal.unit, due=due)
    match disposal.status:
        case DisposalStatus.PROPOSED:
            return decision(disposal.approval, (Role.OFFICE, Role.FINANCE), disposal.unit)
        case DisposalStatus.SUSPENDED:
            roles = (Role.OFFICE, Role.FINANCE)
            return decision(disposal.approval, roles, disposal.unit, verb="approve_new_terms")
        case DisposalStatus.APPROVED:
            return execution(disposal)
        case DisposalStatus.EXECUTED if disposal.excess:
            return OpenStep(verb="rule_on_excess", roles=(Role.OFFICE, Role.FINANCE))
        case DisposalStatus.EXECUTED:
            verb = "derecognise" if open_ else "assess_income"
            return OpenStep(verb=verb, roles=MONEY, unit=disposal.unit)
        case DisposalStatus.ASSESSED if disposal.net is not None:
            return OpenStep(verb="remit", roles=MONEY)
        case _:
            return None


def execution(disposal: Disposal) -> OpenStep:
    """Return the step that carries an approved disposal out, or takes it to the market again."""
    verb, roles = "scrap", (Role.OFFICE, Role.CLERK)
    if disposal.form in SOLD_FORMS:
        again = disposal.next_step_by is not None
        verb = "put_on_market" if again else "sell"
    elif disposal.form in GIVEN_FORMS:
        verb = "give_away"
    elif disposal.form in LOST_FORMS:
        verb, roles = "write_off", MONEY
    due = disposal.next_step_by or disposal.valid_until
    return OpenStep(verb=verb, roles=roles, unit=disposal.unit, due=due)
