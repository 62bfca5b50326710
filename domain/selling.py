"""Appraisal, market and price: listed, auctioned in vain, offered again, sold at a price that holds.

A deal below the floor of the place stops until it is approved again (#37-#39); a failed auction is
a round with a deadline for the next step, never the end of the matter (T92).
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.apportioning import shares
from domain.approval import DECIDERS, LAST_STEP, Approval, laid
from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import (
    APPROVED,
    MY_TURN,
    Disposal,
    DisposalStatus,
    Flag,
    flagged,
    lifecycle,
    worth,
)
from domain.holding import ON_THE_LIST, OTHER_PERSON, listed
from domain.leaving import PRICED_FORMS, SOLD_FORMS, Form
from domain.policy import Action, Route
from domain.values import AssetId, Code, Fen, Given, Name, Reference, Text, yuan
from domain.words import Role

# What happened ----------------------------------------------------------------


class Appraised(
    Event,
    name="disposal.appraised",
    zh="{appraiser}评估为{value}，基准日{base_date}，报告{report_no}",
    en="Appraised at {value} by {appraiser} as of {base_date}, report {report_no}",
    duty="execute",
):
    """#37 A lot has a value on a day, in fen; `filing_no` when the report was filed (备案).

    Its pieces share it by original value, whole fen to the largest remainders.
    """

    assets: tuple[AssetId, ...]
    appraiser: Name
    value: Fen
    base_date: date
    report_no: Code
    filing_no: Code = ""


class PutOnMarket(
    Event,
    name="disposal.put_on_market",
    zh="在{platform}挂牌，项目{project_no}，保留价{reserve}",
    en="Listed on {platform}, project {project_no}, reserve price {reserve}",
    duty="execute",
):
    """#38 The public can bid for it; reserve price in fen, None where none is stated."""

    platform: Name
    project_no: Code
    reserve: Fen | None


class AuctionFailed(
    Event,
    name="disposal.auction_failed",
    zh="流拍：{reason}，须于{next_step_by}前采取下一步",
    en="The auction failed: {reason}; the next step is due by {next_step_by}",
    duty="execute",
):
    """#38 A round ended without a deal; somebody must decide what comes next, by a day."""

    reason: Text
    next_step_by: date


class TakenOffMarket(
    Event,
    name="disposal.taken_off_market",
    zh="撤牌：{reason}，须于{next_step_by}前采取下一步",
    en="Taken off the market: {reason}; the next step is due by {next_step_by}",
    duty="execute",
):
    """#38 The listing was withdrawn before anybody bought; what comes next has a day too."""

    reason: Text
    next_step_by: date


class NewTermsAsked(
    Event,
    name="disposal.new_terms_asked",
    zh="申请以{form}方式、不低于{price}成交：{reason}（纪要{minutes_no}）",
    en="Asked to sell by {form} for no less than {price}: {reason} (minutes {minutes_no})",
    duty="apply",
):
    """#39 The market did not give the floor price; execution stops until this is decided."""

    form: Form
    price: Fen
    reason: Text
    minutes_no: Code


class NewTermsApproved(
    Event,
    name="disposal.new_terms_approved",
    zh="批准按新条件成交，文号{approval_no}",
    en="Sale on the new terms approved: {approval_no}",
    duty="approve",
):
    """#39 The lower price or other form is approved for what is not yet sold."""

    approval_no: Code
    valid_until: date | None = None


class NewTermsRefused(
    Event,
    name="disposal.new_terms_refused",
    zh="不同意按新条件成交：{reason}",
    en="Sale on the new terms refused: {reason}",
    duty="approve",
):
    """#39 The earlier approval stands as it was."""

    reason: Text


SellingEvent: TypeAlias = (
    Appraised
    | PutOnMarket
    | AuctionFailed
    | TakenOffMarket
    | NewTermsAsked
    | NewTermsApproved
    | NewTermsRefused
)

# Where that leaves us ---------------------------------------------------------


def evolve(case: Disposal, event: SellingEvent) -> Disposal:
    """What an event means. Never refuses: it already happened."""
    match event:
        case Appraised(assets=assets, value=value):
            weights = [case.values.get(asset) or 0 for asset in assets]
            parts = dict(zip(assets, shares(value, weights), strict=True))
            percent = case.terms.floor_percent
            least = {} if percent is None else {a: floor(v, percent) for a, v in parts.items()}
            return replace(
                case, appraisals={**case.appraisals, **parts}, floors={**case.floors, **least}
            )
        case PutOnMarket():
            return replace(case, on_market=True, next_step_by=None)
        case AuctionFailed(next_step_by=by):
            failed = replace(
                case, on_market=False, rounds_failed=case.rounds_failed + 1, next_step_by=by
            )
            return flagged(failed, Flag.FAILED_TWICE) if failed.rounds_failed > 1 else failed
        case TakenOffMarket(next_step_by=by):
            return replace(case, on_market=False, next_step_by=by)
        case NewTermsAsked(form=form, price=price):
            return replace(
                case,
                status=DisposalStatus.SUSPENDED,
                approval=Approval(),
                asked_form=form,
                asked_price=price,
                next_step_by=None,
                on_market=False,
            )
        case NewTermsApproved(approval_no=number, valid_until=until):
            rest = sorted(case.unsold)
            weights = [case.appraisals.get(asset, 0) for asset in rest]
            least = dict(zip(rest, shares(case.asked_price or 0, weights), strict=True))
            return replace(
                answered(case),
                form=case.asked_form or case.form,
                approval_no=number,
                valid_until=until or case.valid_until,
                floors={**case.floors, **least},
            )
        case NewTermsRefused():
            return answered(case)
        case _:
            assert_never(event)


def answered(case: Disposal) -> Disposal:
    """Let a suspended case go on."""
    return replace(case, status=DisposalStatus.APPROVED, asked_form=None, asked_price=None)


def floor(value: int, percent: int) -> int:
    """Return the least price in fen that is no less than so many percent of a value."""
    return -(-value * percent // 100)


lifecycle.part(SellingEvent, evolve)

# What may be asked ------------------------------------------------------------

SELLERS = (Role.OFFICE, Role.CLERK)
PRICED = Rule(
    slug="not-to-be-appraised",
    zh="只有已提议或已批准的转让、拍卖、置换才需要评估。",
    en="Only a proposed or approved sale, auction or exchange is appraised.",
    holds=lambda case, _: (
        case.form in PRICED_FORMS
        and case.status in (DisposalStatus.PROPOSED, DisposalStatus.APPROVED)
    ),
)
FOR_SALE = Rule(
    slug="not-for-sale",
    zh="批准的处置方式不是转让或拍卖。",
    en="The approved form is not a sale or an auction.",
    holds=lambda case, _: case.form in SOLD_FORMS,
)
OFF_MARKET = Rule(
    slug="on-the-market",
    zh="已经挂牌；请先登记成交或流拍。",
    en="It is on the market already; record the deal or the failed auction first.",
    holds=lambda case, _: not case.on_market,
)
ON_MARKET = Rule(
    slug="not-on-the-market",
    zh="没有在挂牌的项目。",
    en="Nothing of this disposal is on the market.",
    holds=lambda case, _: case.on_market,
)
SUSPENDED = Rule(
    slug="no-new-terms-asked",
    zh="没有等待审批的新成交条件。",
    en="No new terms await a decision.",
    holds=lambda case, _: case.status is DisposalStatus.SUSPENDED,
)
APPRAISED = Rule(
    slug="not-appraised",
    zh="资产 {asset} 尚未评估；转让、拍卖、置换须先评估。",
    en="Asset {asset} has not been appraised; that comes before a sale, auction or exchange.",
    law="《内蒙古自治区机关事务管理办法》第18条",
)
RESERVE_HIGH = Rule(
    slug="reserve-below-appraisal",
    zh="首次挂牌的保留价 {reserve} 元低于评估价 {value} 元。",
    en="The first reserve price, {reserve} yuan, is below the appraisal of {value} yuan.",
)
PRICE_HOLDS = Rule(
    slug="price-below-floor",
    zh="成交价 {price} 元低于准许的最低价 {least} 元（评估价 {value} 元）；停止成交，"
    "报经重新批准后方可继续。",
    en="The price of {price} yuan is below the least allowed, {least} yuan (appraised at {value}"
    " yuan). The deal stops until it is approved again.",
)
SOMETHING_UNSOLD = Rule(
    slug="nothing-left-to-sell",
    zh="批准处置的资产都已成交或执行，没有余下的。",
    en="Everything approved is sold or carried out; nothing is left.",
)
NEXT_AHEAD = Rule(
    slug="next-step-not-ahead",
    zh="下一步期限 {next_step_by} 早于业务日期 {on}。",
    en="The next step is due on {next_step_by}, before the business date {on}.",
)


@lifecycle.verb(PRICED, zh="登记评估", en="Record an appraisal", roles=SELLERS)
def record_appraisal(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    appraiser: Name,
    value: Fen,
    base_date: date,
    report_no: Reference,
    filing_no: Code = "",
) -> Appraised:
    """Record what an appraiser says the pieces are worth together, in fen."""
    for asset in listed(assets):
        if asset not in disposal.proposed - disposal.executed - disposal.dealt:
            raise ON_THE_LIST.broken(asset=asset)
    return Appraised(
        assets=assets,
        appraiser=appraiser,
        value=value,
        base_date=base_date,
        report_no=report_no,
        filing_no=filing_no,
    )


@lifecycle.verb(APPROVED, FOR_SALE, OFF_MARKET, zh="挂牌", en="Put on the market", roles=SELLERS)
def put_on_market(
    disposal: Disposal,
    _: Occasion,
    *,
    platform: Name,
    project_no: Reference,
    reserve: Fen | None = None,
) -> PutOnMarket:
    """List what is approved and unsold on a public platform; what was appraised has a reserve price."""
    to_sell_still(disposal)
    rest = disposal.unsold
    refuse_unappraised(disposal, tuple(sorted(rest)))
    value = sum(disposal.appraisals.get(asset, 0) for asset in rest)
    if disposal.rounds_failed == 0 and (reserve or 0) < value:
        raise RESERVE_HIGH.broken(reserve=yuan(reserve or 0), value=yuan(value))
    return PutOnMarket(platform=platform, project_no=project_no, reserve=reserve)


@lifecycle.verb(APPROVED, ON_MARKET, zh="登记流拍", en="Record a failed auction", roles=SELLERS)
def record_failed_auction(
    _: Disposal, occasion: Occasion, *, reason: Given, next_step_by: date
) -> AuctionFailed:
    """Record that nobody bought, and by when the next step is to be taken."""
    ahead(next_step_by, occasion)
    return AuctionFailed(reason=reason, next_step_by=next_step_by)


@lifecycle.verb(APPROVED, ON_MARKET, zh="撤牌", en="Take off the market", roles=SELLERS)
def take_off_market(
    _: Disposal, occasion: Occasion, *, reason: Given, next_step_by: date
) -> TakenOffMarket:
    """Withdraw the listing, and say by when the next step is to be taken."""
    ahead(next_step_by, occasion)
    return TakenOffMarket(reason=reason, next_step_by=next_step_by)


def to_sell_still(disposal: Disposal) -> None:
    """Refuse what concerns the unsold rest where everything approved is sold."""
    if not disposal.unsold:
        raise SOMETHING_UNSOLD.broken()


def ahead(next_step_by: date, occasion: Occasion) -> None:
    """Refuse a day for the next step that is past."""
    if next_step_by < occasion.on:
        raise NEXT_AHEAD.broken(next_step_by=next_step_by, on=occasion.on)


@lifecycle.verb(APPROVED, FOR_SALE, zh="申请新成交条件", en="Ask for new terms", roles=SELLERS)
def ask_new_terms(
    disposal: Disposal,
    occasion: Occasion,
    *,
    form: Form,
    price: Fen,
    reason: Given,
    minutes_no: Reference,
) -> tuple[Event | Ask, ...]:
    """Ask to sell the rest below the floor or by another form; nothing is sold meanwhile."""
    if form not in SOLD_FORMS:
        raise FOR_SALE.broken()
    to_sell_still(disposal)
    asked = NewTermsAsked(form=form, price=price, reason=reason, minutes_no=minutes_no)
    return (asked, *laid(occasion, route_of_rest(disposal, occasion, form)))


@lifecycle.verb(
    SUSPENDED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准新成交条件",
    en="Approve the new terms",
    roles=DECIDERS,
)
def approve_new_terms(
    _: Disposal, __: Occasion, *, approval_no: Reference, valid_until: date | None = None
) -> NewTermsApproved:
    """Approve the lower price or other form for what is not yet sold."""
    return NewTermsApproved(approval_no=approval_no, valid_until=valid_until)


@lifecycle.verb(
    SUSPENDED,
    OTHER_PERSON,
    MY_TURN,
    zh="不同意新成交条件",
    en="Refuse the new terms",
    roles=DECIDERS,
)
def refuse_new_terms(_: Disposal, __: Occasion, *, reason: Given) -> NewTermsRefused:
    """Refuse the new terms; the earlier approval stands."""
    return NewTermsRefused(reason=reason)


def route_of_rest(disposal: Disposal, occasion: Occasion, form: Form) -> Route | None:
    """Return how the policy of the day routes what is approved and not yet sold."""
    rest = disposal.unsold
    values = [disposal.values.get(asset) for asset in rest]
    known = [value for value in values if value is not None]
    return occasion.policy.route(
        Action.DISPOSAL,
        form=form,
        kinds={disposal.kinds[asset] for asset in rest if asset in disposal.kinds},
        unit_amount=max(known) if known and len(known) == len(values) else None,
        batch_amount=worth(disposal, rest),
        level=occasion.level,
        unit_kind=occasion.unit_kind,
    )


def refuse_unappraised(disposal: Disposal, assets: tuple[str, ...]) -> None:
    """Refuse to go to the market with what the rules want appraised first."""
    for asset in assets:
        if disposal.terms.appraisal and asset not in disposal.appraisals:
            raise APPRAISED.broken(asset=asset)


def at_price(disposal: Disposal, assets: tuple[str, ...], price: int) -> None:
    """Refuse a deal without the appraisal it needs, or below the least price allowed."""
    refuse_unappraised(disposal, assets)
    least = sum(disposal.floors.get(asset, 0) for asset in assets)
    if price < least:
        value = sum(disposal.appraisals.get(asset, 0) for asset in assets)
        raise PRICE_HOLDS.broken(price=yuan(price), least=yuan(least), value=yuan(value))
