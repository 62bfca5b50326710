"""Carrying a disposal out: only what was approved, by item and amount (T91); one by one or as a lot.

What somebody carried out beyond the approval is a fact all the same: found, flagged, ruled on.
"""

from __future__ import annotations

from domain.apportioning import by_unit, lot_shared, owner, priced, shares, split_of
from domain.approval import DECIDERS
from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import (
    APPROVED,
    Deduction,
    Disposal,
    ExcessFound,
    ExcessRuledOn,
    GivenAway,
    LossWrittenOff,
    RestKept,
    Scrapped,
    Sold,
    lifecycle,
    worth,
)
from domain.holding import ON_THE_LIST, OTHER_PERSON, listed
from domain.leaving import GIVEN_FORMS, LOST_FORMS, SCRAP_FORMS, SOLD_FORMS, Form
from domain.requiring import LATER, SAID_BY_STEP, refuse_missing
from domain.selling import at_price, refuse_unappraised, to_sell_still
from domain.values import AssetId, Fen, Given, Name, Reference, yuan
from domain.words import Role

# What may be asked ------------------------------------------------------------


def carried_out_as(forms: frozenset[Form]) -> Rule:
    """Return the rule that a step belongs to these forms of disposal and to no other."""
    return Rule(
        slug="another-form",
        zh="本步骤不适用于批准的处置方式。",
        en="This step belongs to another form of disposal than the approved one.",
        law="《新疆维吾尔自治区机关事务管理办法》第19条",
        holds=lambda case, _: case.form in forms,
    )


BY_SALE, BY_GIFT = carried_out_as(SOLD_FORMS), carried_out_as(GIVEN_FORMS)
BY_SCRAPPING, BY_WRITE_OFF = carried_out_as(SCRAP_FORMS), carried_out_as(LOST_FORMS)
EXECUTORS = (Role.OFFICE, Role.CLERK)
IN_FORCE = Rule(
    slug="approval-expired",
    zh="批复 {approval_no} 的有效期至 {valid_until}，已过期；请重新报批。",
    en="The approval {approval_no} was valid until {valid_until}; ask for a new one.",
)
WITHIN_AMOUNT = Rule(
    slug="beyond-approved-amount",
    zh="批准金额 {approved} 元，已执行 {executed} 元，本次 {value} 元，合计超出批准金额；"
    "超出部分须重新报批。",
    en="{approved} yuan were approved, {executed} yuan are carried out; with these {value} yuan the"
    " approval would be exceeded. Ask for approval of the rest.",
    law="《新疆维吾尔自治区机关事务管理办法》第19条",
)
BEGUN = Rule(
    slug="nothing-approved-yet",
    zh="该处置单尚未批准，没有可以超出的批准。",
    en="Nothing of this disposal has been approved, so nothing can go beyond it.",
    holds=lambda case, _: bool(case.approved or case.excess),
)
EXCESS_OPEN = Rule(
    slug="no-excess-found",
    zh="没有待处理的超批准执行。",
    en="No execution beyond the approval waits for a ruling.",
    holds=lambda case, _: bool(case.excess),
)


@lifecycle.verb(APPROVED, BY_SALE, zh="登记成交", en="Record a sale", roles=EXECUTORS)
def sell(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    price: Fen,
    buyer: Reference,
    deal_no: Reference,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece was sold and handed to the buyer at once."""
    to_execute(disposal, occasion, (asset,))
    at_price(disposal, (asset,), price)
    return (
        Sold(asset=asset, price=price, currency=disposal.currency, buyer=buyer, deal_no=deal_no),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(APPROVED, BY_SALE, zh="整批成交", en="Record the sale of a lot", roles=EXECUTORS)
def sell_lot(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    price: Fen,
    buyer: Reference,
    deal_no: Reference,
    split: tuple[Deduction, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Record that approved pieces were sold as one lot and handed to the buyer at once.

    The price is divided by appraisal, else by original value, whole fen to the largest remainders
    (DOMAIN.md h); the division is recorded. `split` is what the contract gives each unit instead:
    lines of a unit and its amount.
    """
    to_execute(disposal, occasion, listed(assets))
    at_price(disposal, assets, price)
    basis, prices = priced(disposal, assets, price, split_of(split))
    for unit, part in by_unit(disposal, prices).items() if split else ():
        at_price(disposal, tuple(a for a in assets if owner(disposal, a) == unit), part)
    return (
        *(
            Sold(
                asset=a,
                price=prices[a],
                currency=disposal.currency,
                buyer=buyer,
                deal_no=deal_no,
            )
            for a in assets
        ),
        *lot_shared(disposal, deal_no, basis, prices),
        *(leave(a, disposal, occasion.stream) for a in assets),
    )


@lifecycle.verb(APPROVED, BY_GIFT, zh="移交受赠（划转）方", en="Give away", roles=EXECUTORS)
def give_away(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    recipient: Name,
    agreement: Reference,
    boot: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece was donated, assigned or exchanged."""
    to_execute(disposal, occasion, (asset,))
    refuse_unappraised(disposal, (asset,))
    return (
        GivenAway(asset=asset, recipient=recipient, agreement=agreement, boot=boot),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(APPROVED, BY_GIFT, zh="整批移交", en="Give away a lot", roles=EXECUTORS)
def give_away_lot(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    recipient: Name,
    agreement: Reference,
) -> tuple[Event | Ask, ...]:
    """Record that approved pieces were donated, assigned or exchanged together."""
    to_execute(disposal, occasion, listed(assets))
    refuse_unappraised(disposal, assets)
    return (
        *(GivenAway(asset=a, recipient=recipient, agreement=agreement) for a in assets),
        *(leave(a, disposal, occasion.stream) for a in assets),
    )


@lifecycle.verb(APPROVED, BY_SCRAPPING, zh="报废交售", en="Scrap", roles=(*EXECUTORS, Role.KEEPER))
def scrap(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    recycler: Name,
    certificate: Reference,
    price: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece went to a licensed recycler or back to its maker."""
    to_execute(disposal, occasion, (asset,))
    return (
        Scrapped(asset=asset, recycler=recycler, certificate=certificate, price=price),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(
    APPROVED, BY_SCRAPPING, zh="整批报废交售", en="Scrap a lot", roles=(*EXECUTORS, Role.KEEPER)
)
def scrap_lot(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    recycler: Name,
    certificate: Reference,
    price: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that approved pieces went to a licensed recycler together, under one certificate.

    The salvage is divided by original value, whole fen to the largest remainders.
    """
    to_execute(disposal, occasion, listed(assets))
    parts = shares(price, [disposal.values.get(a) or 0 for a in assets])
    return (
        *(
            Scrapped(asset=a, recycler=recycler, certificate=certificate, price=part)
            for a, part in zip(assets, parts, strict=True)
        ),
        *(leave(a, disposal, occasion.stream) for a in assets),
    )


@lifecycle.verb(
    APPROVED,
    BY_WRITE_OFF,
    zh="损失核销",
    en="Write off a loss",
    roles=(Role.ACCOUNTANT, Role.FINANCE),
)
def write_off(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    ruling_no: Reference,
    evidence: Given,
    compensation: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece is lost, with the ruling and who has to pay for it."""
    to_execute(disposal, occasion, (asset,))
    return (
        LossWrittenOff(
            asset=asset, ruling_no=ruling_no, evidence=evidence, compensation=compensation
        ),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(APPROVED, zh="余下不再处置", en="Keep the rest", roles=EXECUTORS)
def keep_rest(disposal: Disposal, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Keep what was approved and not carried out, as when the approval lapsed."""
    form = {"case": occasion.stream, "reason": reason}
    to_sell_still(disposal)
    rest = sorted(disposal.unsold)
    return (RestKept(reason=reason), *(Ask(f"asset/{a}", "keep_after_all", form) for a in rest))


@lifecycle.verb(
    BEGUN,
    zh="登记超批准执行",
    en="Record an excess",
    roles=(Role.OFFICE, Role.FINANCE, Role.ACCOUNTANT, Role.CLERK),
)
def report_excess(
    disposal: Disposal, occasion: Occasion, *, assets: tuple[AssetId, ...], reason: Given
) -> tuple[Event | Ask, ...]:
    """Record that things were disposed of beyond the approval, by item or by amount."""
    done = (disposal.executed | disposal.dealt) & set(listed(assets))
    if done:
        raise ON_THE_LIST.broken(asset=min(done))
    cards = occasion.listed
    known = {a: c.value for a, c in zip(assets, cards, strict=False)} if cards else {}
    form = {"case": occasion.stream, "reason": reason}
    return (
        *(
            ExcessFound(asset=a, value=disposal.values.get(a, known.get(a)), reason=reason)
            for a in assets
        ),
        *(Ask(f"asset/{a}", "find_gone", form) for a in assets),
    )


@lifecycle.verb(EXCESS_OPEN, OTHER_PERSON, zh="补作处理", en="Rule on an excess", roles=DECIDERS)
def rule_on_excess(
    disposal: Disposal, occasion: Occasion, *, asset: AssetId, approval_no: Reference
) -> tuple[ExcessRuledOn, Ask]:
    """Deal afterwards with what went beyond the approval, so that the books can follow."""
    if asset not in disposal.excess:
        raise ON_THE_LIST.broken(asset=asset)
    form = {"case": occasion.stream, "approval_no": approval_no}
    return (
        ExcessRuledOn(asset=asset, approval_no=approval_no),
        Ask(f"asset/{asset}", "rule_on_departure", form),
    )


def to_execute(disposal: Disposal, occasion: Occasion, assets: tuple[str, ...]) -> None:
    """Refuse what was not approved by item and amount, was done already, is too late, or lacks a
    paper."""
    to_sell(disposal, occasion, assets)
    refuse_paperless(disposal, occasion, assets)


def to_sell(disposal: Disposal, occasion: Occasion, assets: tuple[str, ...]) -> None:
    """Refuse what was not approved by item and amount, was sold already, or is too late."""
    until = disposal.valid_until
    if until is not None and occasion.on > until:
        raise IN_FORCE.broken(approval_no=disposal.approval_no, valid_until=until)
    for asset in assets:
        if asset not in disposal.unsold:
            raise ON_THE_LIST.broken(asset=asset)
    refuse_excess(disposal, assets)


def refuse_paperless(
    disposal: Disposal, occasion: Occasion, assets: tuple[str, ...], *said: str
) -> None:
    """Refuse to let things go without the papers of their form; `said`: what is on record already."""
    given = (SAID_BY_STEP[disposal.form], *said, *(doc.type for doc in occasion.docs))
    for kind in sorted({disposal.kinds.get(asset, "") for asset in assets}):
        papers = [paper for paper in disposal.terms.papers(kind) if paper not in LATER]
        refuse_missing(occasion, papers, given, disposal.form, disposal.terms.cites)


def refuse_excess(disposal: Disposal, assets: tuple[str, ...]) -> None:
    """Refuse to carry out for more than was approved, as far as the values are known."""
    limit, value = disposal.approved_amount, worth(disposal, assets)
    executed = disposal.executed_amount if disposal.executed else 0
    dealt = worth(disposal, disposal.dealt) if disposal.deals else 0
    if limit is None or value is None or executed is None or dealt is None:
        return
    executed += dealt
    if executed + value <= limit:
        return
    raise WITHIN_AMOUNT.broken(approved=yuan(limit), executed=yuan(executed), value=yuan(value))


def leave(asset: str, disposal: Disposal, case: str) -> Ask:
    """Ask the asset to leave with the case's form."""
    return Ask(f"asset/{asset}", "leave_for_good", {"form": disposal.form, "case": case})
