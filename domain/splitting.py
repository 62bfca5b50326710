"""Batch cards: one card for forty chairs splits and merges, to the fen (DOMAIN.md #13, i.17).

Quantity, cost, accumulated depreciation and residual value are shared out, never rounded away:
what the new cards carry and what the old one keeps is what the old one carried. The accounts are
kept elsewhere; what they say of depreciation is stated here so that it can be shared out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import kinds
from domain.asset import (
    NOT_YET_KNOWN,
    ON_BOOKS,
    UNLOCKED,
    Asset,
    Book,
    Custody,
    Kind,
    Lock,
    Mode,
    Offer,
    ValueType,
    lifecycle,
)
from domain.decider import Ask, Event, Occasion, Rule
from domain.values import (
    AssetId,
    Code,
    Currency,
    Fen,
    Given,
    Name,
    PersonId,
    PlaceId,
    Quantity,
    Reference,
    Text,
    UnitId,
)
from domain.words import Role, Words

CARDS_MAX = 500  # split off or merged in one step: their ids fit into one entry
CHARS_MAX = 80  # of an id and of an asset number
AMOUNT_LIMIT = 2**53  # what every reader of JSON reads exactly
DIGITS_MAX = 15  # of a quantity before its point
Parts: TypeAlias = "Sequence[int | None]"  # of an amount in fen; None is "not stated"

# What happened ----------------------------------------------------------------


class DepreciationStated(
    Event,
    name="asset.depreciation_stated",
    zh="账面累计折旧{accumulated}，预计净残值{residual}，截至{until}",
    en="Accumulated depreciation {accumulated}, residual value {residual}, until {until}",
):
    """#12 What the accounts say of the card's depreciation; None is "not stated"."""

    accumulated: Fen
    until: date
    residual: Fen | None = None
    voucher: Code = ""


class CardSplit(
    Event,
    name="asset.card_split",
    zh="拆分卡片：拆出{assets}，共{quantity}，价值{value}：{reason}",
    en="Card split: {assets} split off, {quantity} in all, value {value}: {reason}",
):
    """#13 This card gave up what the new cards carry; their sums in fen, None is "not stated"."""

    assets: tuple[AssetId, ...]
    quantity: Quantity
    value: Fen | None
    accumulated: Fen | None
    residual: Fen | None
    reason: Text


class CardSplitOff(
    Event,
    name="asset.card_split_off",
    zh="由卡片{split_from}拆出：{asset_no} {name}，数量{quantity}，价值{value}",
    en="Split off card {split_from}: {asset_no} {name}, quantity {quantity}, value {value}",
    claims=("asset_no",),
):
    """#13 A new card for a part of an old one; what happened before is on the old card."""

    split_from: AssetId
    asset_no: Code
    name: Name
    kind: Kind
    unit: UnitId
    custodian: UnitId
    owner: UnitId
    quantity: Quantity
    value: Fen | None
    custody: Custody
    accumulated: Fen | None = None
    residual: Fen | None = None
    class_code: Code = ""
    class_scheme: Code = ""
    currency: Currency = "CNY"
    value_type: ValueType = ValueType.COST
    measure: Code = ""
    mode: Mode = Mode.UNKNOWN
    acquired: date | None = None
    acquired_year: int | None = None
    model: Code = ""
    user: PersonId | None = None
    place: PlaceId | None = None
    shelf: Code = ""
    since: date | None = None
    listed: bool = False
    condition: Code = ""
    dataset: Code = ""
    offered: tuple[Offer, ...] = ()  # on which terms it is listed, as the old card was
    stated_until: date | None = None
    life_months: int = 0
    worn_from: date | None = None
    used_from: date | None = None


class CardsMerged(
    Event,
    name="asset.cards_merged",
    zh="并入卡片{asset}：数量{quantity}，价值{value}：{reason}",
    en="Card {asset} merged in: quantity {quantity}, value {value}: {reason}",
):
    """#13 This card carries what the other one carried; amounts in fen, None is "not stated"."""

    asset: AssetId
    quantity: Quantity
    value: Fen | None
    accumulated: Fen | None
    residual: Fen | None
    reason: Text


class CardMergedInto(
    Event,
    name="asset.card_merged_into",
    zh="并入卡片{asset}：{reason}",
    en="Merged into card {asset}: {reason}",
):
    """#13 Another card carries it now; this one stays readable and carries nothing."""

    asset: AssetId
    reason: Text


SplittingEvent: TypeAlias = (
    DepreciationStated | CardSplit | CardSplitOff | CardsMerged | CardMergedInto
)

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: SplittingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case DepreciationStated(accumulated=accumulated, residual=residual, until=until):
            return replace(asset, accumulated=accumulated, residual=residual, stated_until=until)
        case CardSplit(assets=assets):
            return replace(with_more(asset, event, -1), split_off=asset.split_off + len(assets))
        case CardSplitOff():
            return split_off_card(event)
        case CardsMerged():
            return replace(with_more(asset, event, 1), merged=asset.merged + 1)
        case CardMergedInto(asset=into):
            return replace(
                asset,
                book=Book.GONE,
                custody=Custody.LEFT,
                lock=Lock.NONE,
                merged_into=into,
                quantity="0",
                value=None if asset.value is None else 0,
                accumulated=None if asset.accumulated is None else 0,
                residual=None if asset.residual is None else 0,
                listed=False,
                idle_since=None,
            )
        case _:
            assert_never(event)


def with_more(asset: Asset, event: CardSplit | CardsMerged, sign: int) -> Asset:
    """Return the card with what an event gave or took; what is not stated stays so."""
    (here, moved), places = scaled(asset.quantity, event.quantity)
    return replace(
        asset,
        quantity=unscaled(here + sign * moved, places),
        value=_sum(asset.value, event.value, sign),
        accumulated=_sum(asset.accumulated, event.accumulated, sign),
        residual=_sum(asset.residual, event.residual, sign),
    )


def _sum(here: int | None, moved: int | None, sign: int) -> int | None:
    return here if here is None or moved is None else here + sign * moved


def split_off_card(event: CardSplitOff) -> Asset:
    """Return the new card: on the books, where the old one is and in the same hands."""
    return Asset(
        book=Book.ON_BOOKS,
        custody=event.custody,
        accounting_unit=event.unit,
        custodian=event.custodian,
        user=event.user or "",
        owner=event.owner,
        asset_no=event.asset_no,
        name=event.name,
        kind=event.kind,
        class_code=event.class_code,
        class_scheme=event.class_scheme,
        model=event.model,
        value=event.value,
        currency=event.currency,
        value_type=event.value_type,
        accumulated=event.accumulated,
        residual=event.residual,
        quantity=event.quantity,
        measure=event.measure,
        place=event.place or "",
        shelf=event.shelf,
        mode=event.mode,
        acquired=event.acquired,
        acquired_year=event.acquired_year,
        listed=event.listed,
        offer=event.offered[0] if event.offered else None,
        idle_since=event.since,
        grade=event.condition,
        dataset=event.dataset,
        split_from=event.split_from,
        stated_until=event.stated_until,
        life_months=event.life_months,
        worn_from=event.worn_from,
        used_from=event.used_from,
    )


lifecycle.part(SplittingEvent, evolve)

# What the system has seen; nobody types it (`Occasion.seen`) ---------------------


class PostedSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the unit's books have written off of a card, which the card itself does not say yet."""

    stream: str
    accumulated: int
    residual: int
    until: date


def up_to_date(asset: Asset, occasion: Occasion) -> tuple[tuple[DepreciationStated, ...], Asset]:
    """Bring onto the card what was written off of it, so that it can be shared out with the rest."""
    for seen in occasion.seen:
        if isinstance(seen, PostedSeen) and seen.stream == occasion.stream:
            fact = DepreciationStated(
                accumulated=seen.accumulated, until=seen.until, residual=seen.residual
            )
            return (fact,), evolve(asset, fact)
    return (), asset


# Sharing out ------------------------------------------------------------------


def scaled(*quantities: str) -> tuple[list[int], int]:
    """Return decimal quantities as whole numbers of the same smallest place, and how many places.

    No float and no decimal context: a quantity may have any number of digits.
    """
    parts = [text.partition(".") for text in quantities]
    places = max(len(fraction) for _, _, fraction in parts)
    return [int(whole + fraction.ljust(places, "0")) for whole, _, fraction in parts], places


def unscaled(number: int, places: int) -> str:
    """Return a whole number of smallest places as a decimal quantity in its one spelling."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number)).rjust(places + 1, "0")
    whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount in fen by weights; the parts sum to it exactly.

    Every part gets its whole fen; the fen that are left go to the largest remainders, and among
    equal ones to the first. No part exceeds its own weight when the amount does not exceed theirs.
    """
    total = sum(weights)
    if total == 0:  # nothing says who should get it, so the last one keeps it
        return [0] * (len(weights) - 1) + [amount]
    parts = [divmod(amount * weight, total) for weight in weights]
    left = amount - sum(whole for whole, _ in parts)
    first = sorted(range(len(parts)), key=lambda i: -parts[i][1])[:left]
    return [whole + (i in first) for i, (whole, _) in enumerate(parts)]


def shared_depreciation(asset: Asset, values: Parts, weights: Sequence[int]) -> tuple[Parts, Parts]:
    """Share accumulated depreciation and residual value along the cost of each card.

    Along the cost, so that no card is depreciated beyond it; along `weights` where there is none.
    """
    costs = [value for value in values if value is not None]
    if len(costs) < len(values) or not any(costs):
        costs = list(weights)
    nothing: Parts = [None] * len(costs)
    residuals = nothing if asset.residual is None else shared(asset.residual, costs)
    left = [cost - (residual or 0) for cost, residual in zip(costs, residuals, strict=True)]
    if min(left) < 0 or not sum(left):
        left = costs
    worn = nothing if asset.accumulated is None else shared(asset.accumulated, left)
    return worn, residuals


# What may be asked ------------------------------------------------------------

AT_HAND = (
    Custody.STORE,
    Custody.IN_USE,
    Custody.IDLE,
    Custody.UNDER_USED,
    Custody.WAREHOUSE,
    Custody.VIRTUAL,
)
IN_OUR_HANDS = Rule(
    slug="card-not-at-hand",
    zh="实物出借、在途或在修时，卡片不能拆分或合并。",
    en="A card is not split or merged while the thing is lent, in transit or under repair.",
    holds=lambda asset, _: asset.custody in AT_HAND,
)
ALONE = Rule(
    slug="card-packed-or-fitted",
    zh="实物装在包装内、装在别的资产上或装有部件时，卡片不能拆分或合并。",
    en="A card is not split or merged while the thing is packed, fitted, or has parts fitted.",
    holds=lambda asset, _: not (asset.package or asset.whole or asset.fitted),
)
COMPLETE = Rule(
    slug="card-incomplete",
    zh="卡片缺少编号、名称、入账单位、保管单位或权属登记人，不能拆分。",
    en="The card lacks its number, name, accounting unit, custodian or registered owner.",
    holds=lambda asset, _: all(
        (asset.asset_no, asset.name, asset.accounting_unit, asset.custodian, asset.owner)
    ),
)
NOT_BOUGHT_FOR = Rule(
    slug="on-the-list-of-an-occasion",
    zh="该资产列在会议活动资产清单上，移交公物仓之前卡片不拆分、不合并。",
    en="The asset is on the list of an occasion: its card is not split or merged before it is handed"
    " over to the public warehouse.",
    holds=lambda asset, _: not asset.bought_for,
)
SHARED_OUT = Rule(
    slug="nothing-to-share-out",
    zh="卡片上的数量或金额不是正数，不能拆分或合并；请先更正。",
    en="The quantity or an amount of the card is not positive; correct it first.",
    holds=lambda asset, _: (
        scaled(asset.quantity)[0][0] > 0
        and all(0 <= (a or 0) < AMOUNT_LIMIT for a in amounts(asset))
    ),
)
LESS_THAN_ALL = Rule(
    slug="nothing-left-on-the-card",
    zh="拆出数量共 {asked}，须大于零且小于卡片上的 {there}；原卡至少留下一部分。",
    en="{asked} would be split off in all; it must be above zero and below {there}, so that"
    " something stays on the card.",
)
VALUE_WITHIN = Rule(
    slug="value-not-on-the-card",
    zh="卡片没有载明价值，或价值不足以拆出所填金额；须小于或等于原值。",
    en="The card states no value, or less than what is to be split off.",
)
COUNT_WITHIN = Rule(
    slug="too-many-cards",
    zh="一次拆分或合并 1 至 {most} 张卡片，且不得重复；现为 {count} 张。",
    en="One step splits off or merges 1 to {most} different cards; this asks for {count}.",
)
NUMBERS_FIT = Rule(
    slug="card-number-too-long",
    zh="新卡编号或标识超过 {most} 个字符；请另给一个短的资产编号，或不再从拆出的卡片上拆分。",
    en="The number or id of the new card exceeds {most} characters; give a shorter number, or do"
    " not split what was split off so often.",
)
WITHOUT_MARKS = Rule(
    slug="card-is-of-one-thing",
    zh="有序列号、号牌或有效标签的卡片是单件，不能并入别的卡片；标签须先作废。",
    en="A card with a serial number, a plate or an active label is of one thing and is not merged"
    " into another; void the label first.",
    holds=lambda asset, _: not (asset.serial or asset.plate or asset.label),
)
ALIKE = Rule(
    slug="cards-not-alike",
    zh="卡片 {asset} 与本卡不是同类：{differ}不同，不能合并。",
    en="Card {asset} is not like this one: {differ} differ, so they are not merged.",
)
ANOTHER_CARD = Rule(
    slug="merged-with-itself",
    zh="卡片不能并入它自己。",
    en="A card is not merged into itself.",
)
SUM_FITS = Rule(
    slug="sum-too-large",
    zh="合并后的数量或金额超出账本可以准确记录的范围。",
    en="The sum of the cards is beyond what the ledger records exactly.",
)
WITHIN_COST = Rule(
    slug="more-than-the-cost",
    zh="累计折旧与预计净残值之和不得超过原值。",
    en="Accumulated depreciation and residual value together may not exceed the cost.",
)


def amounts(asset: Asset) -> tuple[int | None, int | None, int | None]:
    """Return the amounts a card carries."""
    return asset.value, asset.accumulated, asset.residual


@lifecycle.verb(
    ON_BOOKS,
    kinds.DEPRECIABLE,
    zh="登记账面折旧",
    en="State depreciation",
    roles=(Role.ACCOUNTANT, Role.FINANCE),
)
def state_depreciation(
    asset: Asset,
    _: Occasion,
    *,
    accumulated: Fen,
    until: date,
    residual: Fen | None = None,
    voucher: Code = "",
) -> DepreciationStated:
    """State what the accounts say of the card's depreciation, until which day."""
    if asset.value is not None and accumulated + (residual or 0) > asset.value:
        raise WITHIN_COST.broken()
    return DepreciationStated(
        accumulated=accumulated, residual=residual, until=until, voucher=voucher
    )


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IN_OUR_HANDS,
    ALONE,
    COMPLETE,
    SHARED_OUT,
    NOT_BOUGHT_FOR,
    zh="拆分卡片",
    en="Split the card",
    roles=(Role.CLERK, Role.ACCOUNTANT),
)
def split(
    asset: Asset,
    occasion: Occasion,
    *,
    quantity: Quantity,
    copies: int = 1,
    value: Fen | None = None,
    asset_no: Code = "",
    reason: Given,
) -> tuple[Event | Ask, ...]:
    """Put a part of a batch on a card of its own, or on several cards of the same size.

    `quantity` and `value` are of each new card. Without a value, cost goes by quantity. The new
    cards are numbered after the old one unless `asset_no` says otherwise.
    """
    if not 1 <= copies <= CARDS_MAX:
        raise COUNT_WITHIN.broken(most=CARDS_MAX, count=copies)
    posted, asset = up_to_date(asset, occasion)
    (there, each), places = scaled(asset.quantity, quantity)
    rest = there - each * copies
    if each == 0 or rest <= 0:
        raise LESS_THAN_ALL.broken(asked=unscaled(each * copies, places), there=asset.quantity)
    weights = [each] * copies + [rest]
    values = shared_values(asset, weights, value)
    worn, residuals = shared_depreciation(asset, values, weights)
    names = new_cards(asset, occasion, copies, asset_no)
    asks = (
        Ask(
            f"asset/{card}",
            "open_split_off",
            described(asset)
            | {
                "split_from": occasion.stream.partition("/")[2],
                "asset_no": number,
                "quantity": quantity,
                "value": values[i],
                "accumulated": worn[i],
                "residual": residuals[i],
            },
        )
        for i, (card, number) in enumerate(names)
    )
    return (
        *posted,
        CardSplit(
            assets=tuple(card for card, _ in names),
            quantity=unscaled(each * copies, places),
            value=total(values[:-1]),
            accumulated=total(worn[:-1]),
            residual=total(residuals[:-1]),
            reason=reason,
        ),
        *asks,
    )


def shared_values(asset: Asset, weights: Sequence[int], each: int | None) -> Parts:
    """Return the value of every card, the old one last: as stated, or by quantity."""
    if each is not None:
        count = len(weights) - 1
        if asset.value is None or each * count > asset.value:
            raise VALUE_WITHIN.broken()
        return [each] * count + [asset.value - each * count]
    if asset.value is None:
        return [None] * len(weights)
    return shared(asset.value, weights)


def total(parts: Parts) -> int | None:
    """Return the sum of amounts; None when they are not stated."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def new_cards(
    asset: Asset, occasion: Occasion, copies: int, asset_no: str
) -> list[tuple[str, str]]:
    """Return ids and numbers of the cards to be split off, counted on from those before."""
    card, after = occasion.stream.partition("/")[2], asset.split_off
    stem = asset_no or asset.asset_no
    made = []
    for n in range(1, copies + 1):
        alone = asset_no and copies == 1
        number = stem if alone else f"{stem}-{n if asset_no else after + n}"
        made.append((f"{card}.{after + n}", number))
    if any(len(part) > CHARS_MAX for part in made[-1]):
        raise NUMBERS_FIT.broken(most=CHARS_MAX)
    return made


def described(asset: Asset) -> dict[str, Any]:
    """Return what a new card takes over from the old one as it is."""
    return {
        "name": asset.name,
        "kind": asset.kind,
        "unit": asset.accounting_unit,
        "custodian": asset.custodian,
        "owner": asset.owner,
        "custody": asset.custody,
        "class_code": asset.class_code,
        "class_scheme": asset.class_scheme,
        "currency": asset.currency,
        "value_type": asset.value_type,
        "measure": asset.measure,
        "mode": asset.mode,
        "acquired": asset.acquired,
        "acquired_year": asset.acquired_year,
        "model": asset.model,
        "user": asset.user or None,
        "place": asset.place or None,
        "shelf": asset.shelf,
        "since": asset.idle_since,
        "listed": asset.listed,
        "condition": asset.grade,
        "dataset": asset.dataset,
        "offered": (asset.offer,) if asset.listed and asset.offer else (),
        "stated_until": asset.stated_until,
        "life_months": asset.life_months,
        "worn_from": asset.worn_from,
        "used_from": asset.used_from,
    }


@lifecycle.verb(NOT_YET_KNOWN, zh="拆出新卡", en="Open the card split off", inner=True)
def open_split_off(
    _: Asset,
    __: Occasion,
    *,
    split_from: AssetId,
    asset_no: Reference,
    name: Name,
    kind: Kind,
    unit: UnitId,
    custodian: UnitId,
    owner: UnitId,
    quantity: Quantity,
    value: Fen | None,
    custody: Custody,
    accumulated: Fen | None,
    residual: Fen | None,
    class_code: Code,
    class_scheme: Code,
    currency: Currency,
    value_type: ValueType,
    measure: Code,
    mode: Mode,
    acquired: date | None,
    acquired_year: int | None,
    model: Code,
    user: PersonId | None,
    place: PlaceId | None,
    shelf: Code,
    since: date | None,
    listed: bool,
    condition: Code,
    dataset: Code,
    offered: tuple[Offer, ...] = (),
    stated_until: date | None = None,
    life_months: int = 0,
    worn_from: date | None = None,
    used_from: date | None = None,
) -> CardSplitOff:
    """Open a card for what was split off another."""
    return CardSplitOff(
        split_from=split_from,
        asset_no=asset_no,
        name=name,
        kind=kind,
        unit=unit,
        custodian=custodian,
        owner=owner,
        quantity=quantity,
        value=value,
        custody=custody,
        accumulated=accumulated,
        residual=residual,
        class_code=class_code,
        class_scheme=class_scheme,
        currency=currency,
        value_type=value_type,
        measure=measure,
        mode=mode,
        acquired=acquired,
        acquired_year=acquired_year,
        model=model,
        user=user,
        place=place,
        shelf=shelf,
        since=since,
        listed=listed,
        condition=condition,
        dataset=dataset,
        offered=offered,
        stated_until=stated_until,
        life_months=life_months,
        worn_from=worn_from,
        used_from=used_from,
    )


# What makes two cards of one sort: the same thing, booked in the same way, in the same hands.
SORT = (
    "kind", "name", "model", "class_scheme", "class_code", "accounting_unit", "custodian", "user",
    "owner", "custody", "place", "measure", "currency", "value_type", "mode", "acquired",
    "acquired_year", "stated_until", "life_months", "worn_from", "used_from",
)  # fmt: skip
STATED = ("value", "accumulated", "residual")  # stated on both cards, or on neither


def likeness(asset: Asset) -> tuple[str, ...]:
    """Return what must be the same on cards that are merged, in the order of SORT and STATED."""
    same = [str(getattr(asset, field) or "") for field in SORT]
    return (*same, *("" if getattr(asset, field) is None else "1" for field in STATED))


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IN_OUR_HANDS,
    ALONE,
    SHARED_OUT,
    NOT_BOUGHT_FOR,
    zh="合并卡片",
    en="Merge cards",
    roles=(Role.CLERK, Role.ACCOUNTANT),
)
def merge(
    asset: Asset, occasion: Occasion, *, assets: tuple[AssetId, ...], reason: Given
) -> tuple[Event | Ask, ...]:
    """Take other cards of the same sort into this one; they stay readable and carry nothing."""
    into = occasion.stream.partition("/")[2]
    if not 1 <= len(assets) <= CARDS_MAX or len(set(assets)) != len(assets):
        raise COUNT_WITHIN.broken(most=CARDS_MAX, count=len(assets))
    if into in assets:
        raise ANOTHER_CARD.broken()
    posted, asset = up_to_date(asset, occasion)
    form = {"asset": into, "like": likeness(asset), "reason": reason}
    return (*posted, *(Ask(f"asset/{other}", "merge_into", form) for other in assets))


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IN_OUR_HANDS,
    ALONE,
    SHARED_OUT,
    WITHOUT_MARKS,
    zh="并入他卡",
    en="Merge into another card",
    inner=True,
)
def merge_into(
    card: Asset, occasion: Occasion, *, asset: AssetId, like: tuple[Text, ...], reason: Text
) -> tuple[Event | Ask, ...]:
    """Give everything to another card of the same sort."""
    mine = occasion.stream.partition("/")[2]
    posted, card = up_to_date(card, occasion)
    differ = [
        Words.of(field)
        for field, here, there in zip((*SORT, *STATED), likeness(card), like, strict=True)
        if here != there
    ]
    if differ:
        raise ALIKE.broken(asset=mine, differ=tuple(differ))
    form = {
        "asset": mine,
        "quantity": card.quantity,
        "value": card.value,
        "accumulated": card.accumulated,
        "residual": card.residual,
        "reason": reason,
    }
    return (
        *posted,
        CardMergedInto(asset=asset, reason=reason),
        Ask(f"asset/{asset}", "take_in", form),
    )


@lifecycle.verb(ON_BOOKS, zh="并入", en="Take in", inner=True)
def take_in(
    card: Asset,
    _: Occasion,
    *,
    asset: AssetId,
    quantity: Quantity,
    value: Fen | None,
    accumulated: Fen | None,
    residual: Fen | None,
    reason: Text,
) -> CardsMerged:
    """Take over what another card of the same sort carried."""
    merged = CardsMerged(
        asset=asset,
        quantity=quantity,
        value=value,
        accumulated=accumulated,
        residual=residual,
        reason=reason,
    )
    more = with_more(card, merged, 1)
    if len(more.quantity.partition(".")[0]) > DIGITS_MAX or any(
        (amount or 0) >= AMOUNT_LIMIT for amount in amounts(more)
    ):
        raise SUM_FITS.broken()
    return merged
