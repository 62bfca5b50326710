"""Deals and buyers: struck, signed, handed over, or broken; then it goes to the market again (#39, #46).

A deal moves nothing: its things stay until they are handed to the buyer, and what it brings may be
assessed, billed and paid meanwhile. A buyer who defaults loses the deposit as the rules of the sale
say, which is income of its own kind; what was assessed of the deal is owed no longer, and what was
paid of it belongs to the buyer (DOMAIN.md h).
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.apportioning import (
    Basis,
    UnitPart,
    UnitShare,
    by_unit,
    lot_shared,
    owner,
    priced,
    shares,
    split_of,
    summed,
)
from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import (
    APPROVED,
    Deal,
    Deduction,
    Disposal,
    DisposalStatus,
    Flag,
    Sold,
    flagged,
    lifecycle,
    owing_less,
)
from domain.executing import BY_SALE, EXECUTORS, leave, refuse_paperless, to_sell
from domain.holding import listed
from domain.selling import ahead, at_price
from domain.values import AssetId, Code, Fen, Given, Reference, Text, UnitId, yuan

CONTRACT = "sale_contract"  # what the record of a contract says for the thing's papers

# What happened ----------------------------------------------------------------


class DealStruck(
    Event,
    name="disposal.deal_struck",
    zh="成交（待交付）：买受人{buyer}，成交价{price}，确认书{deal_no}，保证金{deposit}",
    en="Deal struck, to be handed over: {buyer} for {price}, confirmation {deal_no}, deposit {deposit}",
    duty="execute",
):
    """#39 A buyer is bound, in fen: what each thing brings, in the order of the list.

    `deposit` is what the buyer left with the platform, `pay_by` the last day to pay; the things
    stay where they are until they are handed over.
    """

    deal_no: Code
    buyer: Code
    assets: tuple[AssetId, ...]
    prices: tuple[Fen, ...]
    price: Fen
    divided_by: Basis
    deposit: Fen = 0
    pay_by: date | None = None


class ContractSigned(
    Event,
    name="disposal.contract_signed",
    zh="签订转让合同{contract_no}（成交确认书{deal_no}）",
    en="Contract {contract_no} signed on the deal {deal_no}",
    duty="execute",
):
    """#39 The contract of a deal; `signed_on` is the day it bears."""

    deal_no: Code
    contract_no: Code
    signed_on: date


class IncomeFellAway(
    Event,
    name="disposal.income_fell_away",
    zh="成交{deal_no}取消，已确认的收入{gross}、应缴{net}不再成立",
    en="The deal {deal_no} is off: of the income assessed {gross} gross, {net} net fall away",
    duty="bill",
):
    """#45 What was assessed of a deal that came to nothing, by unit, in fen."""

    deal_no: Code
    buyer: Code
    gross: Fen
    net: Fen
    shares: tuple[UnitShare, ...]
    reason: Text


class DepositForfeited(
    Event,
    name="disposal.deposit_forfeited",
    zh="买受人{buyer}违约，保证金{amount}不予退还",
    en="The buyer {buyer} forfeits {amount} of the deposit",
    duty="bill",
):
    """#46 Income of its own kind, in fen; `parts` say whose it is where the lot was of several units."""

    deal_no: Code
    buyer: Code
    amount: Fen
    parts: tuple[UnitPart, ...]


class BuyerDefaulted(
    Event,
    name="disposal.buyer_defaulted",
    zh="买受人{buyer}违约，成交{deal_no}取消：{reason}，须于{next_step_by}前采取下一步",
    en="The buyer {buyer} defaulted, the deal {deal_no} is off: {reason}; next step by {next_step_by}",
    duty="execute",
):
    """#46 The things are for sale again; somebody must decide what comes next, by a day."""

    deal_no: Code
    buyer: Code
    reason: Text
    next_step_by: date


DealingEvent: TypeAlias = (
    DealStruck | ContractSigned | IncomeFellAway | DepositForfeited | BuyerDefaulted
)

# Where that leaves us ---------------------------------------------------------


def evolve(case: Disposal, event: DealingEvent) -> Disposal:
    """What an event means. Never refuses: it already happened."""
    match event:
        case DealStruck():
            return struck(case, event)
        case ContractSigned(deal_no=deal_no, contract_no=contract_no):
            if deal_no not in case.deals:
                return case
            signed = replace(case.deals[deal_no], contract_no=contract_no)
            return replace(case, deals={**case.deals, deal_no: signed})
        case IncomeFellAway():
            return fallen_away(case, event)
        case DepositForfeited():
            return case  # money of its own, which its due keeps
        case BuyerDefaulted(deal_no=deal_no, next_step_by=by):
            off = unstruck(case, deal_no)
            status = DisposalStatus.APPROVED if off.unsold else off.status
            return flagged(replace(off, status=status, next_step_by=by), Flag.DEFAULTED)
        case _:
            assert_never(event)


def struck(case: Disposal, event: DealStruck) -> Disposal:
    """Return a case with one more deal; what it brings counts among the proceeds at once."""
    prices = dict(zip(event.assets, event.prices, strict=False))
    deal = Deal(buyer=event.buyer, prices=prices, deposit=event.deposit, pay_by=event.pay_by)
    after = replace(
        case,
        deals={**case.deals, event.deal_no: deal},
        proceeds=case.proceeds + sum(prices.values()),
        earned=summed(case.earned, by_unit(case, prices)) if case.owners else case.earned,
    )
    if after.unsold:
        return after
    return replace(after, on_market=False, next_step_by=None)


def unstruck(case: Disposal, deal_no: str) -> Disposal:
    """Return a case without a deal and without what it was to bring."""
    deal = case.deals.get(deal_no)
    if deal is None:
        return case
    less = {unit: -part for unit, part in by_unit(case, deal.prices).items()}
    return replace(
        case,
        deals={no: other for no, other in case.deals.items() if no != deal_no},
        proceeds=case.proceeds - sum(deal.prices.values()),
        earned=summed(case.earned, less) if case.owners else case.earned,
    )


def fallen_away(case: Disposal, event: IncomeFellAway) -> Disposal:
    """Return a case that owes no longer what was assessed of a deal.

    The dues answer for it that the treasury has no more than what is still owed.
    """
    after = owing_less(case, {share.unit: share.net for share in event.shares})
    less = {share.unit: -share.gross for share in event.shares}
    return replace(
        after,
        billed=case.billed - event.gross,
        billed_by=summed(case.billed_by, less) if case.billed_by else case.billed_by,
    )


lifecycle.part(DealingEvent, evolve)

# What may be asked ------------------------------------------------------------

DEAL_OPEN = Rule(
    slug="no-deal-open",
    zh="没有待交付的成交。",
    en="No deal waits to be handed over.",
    holds=lambda case, _: bool(case.deals),
)
KNOWN_DEAL = Rule(
    slug="deal-unknown",
    zh="没有确认书编号为 {deal_no} 的待交付成交。",
    en="No deal with the confirmation {deal_no} waits to be handed over.",
)
NEW_DEAL = Rule(
    slug="deal-exists",
    zh="确认书编号 {deal_no} 已用于另一笔待交付的成交。",
    en="The confirmation {deal_no} belongs to another deal that waits to be handed over.",
)
DEPOSIT_WITHIN = Rule(
    slug="forfeited-beyond-deposit",
    zh="不予退还的 {forfeited} 元超过买受人交的保证金 {deposit} 元。",
    en="{forfeited} yuan are more than the {deposit} yuan the buyer left as a deposit.",
)
PAY_AHEAD = Rule(
    slug="pay-by-not-ahead",
    zh="付款期限 {pay_by} 早于业务日期 {on}。",
    en="Payment is due on {pay_by}, before the business date {on}.",
)


def known(disposal: Disposal, deal_no: str) -> Deal:
    """Return the open deal of a number, or refuse."""
    if deal_no not in disposal.deals:
        raise KNOWN_DEAL.broken(deal_no=deal_no)
    return disposal.deals[deal_no]


@lifecycle.verb(
    APPROVED,
    BY_SALE,
    zh="确认成交（待交付）",
    en="Record a deal to be handed over",
    roles=EXECUTORS,
)
def strike_deal(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    price: Fen,
    buyer: Reference,
    deal_no: Reference,
    deposit: Fen = 0,
    pay_by: date | None = None,
    split: tuple[Deduction, ...] = (),
) -> tuple[Event, ...]:
    """Record that a buyer is bound; the things stay here until they are handed over.

    The price is divided among the pieces and their units as for a lot sold at once.
    """
    to_sell(disposal, occasion, listed(assets))
    if deal_no in disposal.deals:
        raise NEW_DEAL.broken(deal_no=deal_no)
    if pay_by is not None and pay_by < occasion.on:
        raise PAY_AHEAD.broken(pay_by=pay_by, on=occasion.on)
    at_price(disposal, assets, price)
    basis, prices = priced(disposal, assets, price, split_of(split))
    for unit, part in by_unit(disposal, prices).items() if split else ():
        at_price(disposal, tuple(a for a in assets if owner(disposal, a) == unit), part)
    return (
        DealStruck(
            deal_no=deal_no,
            buyer=buyer,
            assets=assets,
            prices=tuple(prices[a] for a in assets),
            price=price,
            divided_by=basis,
            deposit=deposit,
            pay_by=pay_by,
        ),
        *lot_shared(disposal, deal_no, basis, prices),
    )


@lifecycle.verb(DEAL_OPEN, zh="登记转让合同", en="Record the contract", roles=EXECUTORS)
def sign_contract(
    disposal: Disposal,
    _: Occasion,
    *,
    deal_no: Reference,
    contract_no: Reference,
    signed_on: date,
) -> ContractSigned:
    """Record the contract that was signed on a deal."""
    known(disposal, deal_no)
    return ContractSigned(deal_no=deal_no, contract_no=contract_no, signed_on=signed_on)


@lifecycle.verb(DEAL_OPEN, zh="交付买受人", en="Hand over to the buyer", roles=EXECUTORS)
def hand_over_deal(
    disposal: Disposal, occasion: Occasion, *, deal_no: Reference
) -> tuple[Event | Ask, ...]:
    """Record that the things of a deal went to the buyer, with the papers of their form."""
    deal = known(disposal, deal_no)
    assets = tuple(deal.prices)
    refuse_paperless(disposal, occasion, assets, *((CONTRACT,) if deal.contract_no else ()))
    return (
        *(
            Sold(
                asset=asset,
                price=deal.prices[asset],
                currency=disposal.currency,
                buyer=deal.buyer,
                deal_no=deal_no,
            )
            for asset in assets
        ),
        *(leave(asset, disposal, occasion.stream) for asset in assets),
    )


@lifecycle.verb(
    DEAL_OPEN, zh="登记买受人违约", en="Record that the buyer defaulted", roles=EXECUTORS
)
def record_buyer_default(
    disposal: Disposal,
    occasion: Occasion,
    *,
    deal_no: Reference,
    reason: Given,
    next_step_by: date,
    deposit_forfeited: Fen = 0,
) -> tuple[Event, ...]:
    """Record that a deal is off because its buyer did not keep it; the things are for sale again.

    `deposit_forfeited` is what the buyer does not get back of the deposit; it is owed to the treasury as
    income of its own kind.
    """
    deal = known(disposal, deal_no)
    ahead(next_step_by, occasion)
    forfeited = deposit_forfeited
    if forfeited > deal.deposit:
        raise DEPOSIT_WITHIN.broken(forfeited=yuan(forfeited), deposit=yuan(deal.deposit))
    whose = by_unit(disposal, deal.prices)
    off = BuyerDefaulted(
        deal_no=deal_no, buyer=deal.buyer, reason=reason, next_step_by=next_step_by
    )
    facts: list[Event] = [off]
    if forfeited:
        parts = shares(forfeited, list(whose.values()))
        facts.append(
            DepositForfeited(
                deal_no=deal_no,
                buyer=deal.buyer,
                amount=forfeited,
                parts=tuple(
                    UnitPart(unit=unit, amount=part)
                    for unit, part in zip(whose, parts, strict=True)
                ),
            )
        )
    if deal.billed:
        gone = tuple(no_longer_owed(disposal, unit, part) for unit, part in whose.items())
        facts.append(
            IncomeFellAway(
                deal_no=deal_no,
                buyer=deal.buyer,
                gross=sum(share.gross for share in gone),
                net=sum(share.net for share in gone),
                shares=gone,
                reason=reason,
            )
        )
    return tuple(facts)


def no_longer_owed(disposal: Disposal, unit: UnitId, part: int) -> UnitShare:
    """Return what a unit owes no longer when its part of a price falls away.

    The costs were paid all the same: what is left may owe nothing, but never less than nothing.
    """
    owed = disposal.due_by.get(unit, 0) if disposal.due_by else disposal.net or 0
    return UnitShare(unit=unit, gross=part, costs=(), net=min(part, owed))
