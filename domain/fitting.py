"""Parts with a card of their own: fitted to another asset, and removed from it.

A part belongs to one whole at a time and stands where its whole stands; it is issued, moved or
repaired by itself only after it was removed. What is a part has no parts, and what has parts is
none: so nothing is a part of itself, by whatever way. Whose a thing is does not follow: when a
whole is lent, passed on or disposed of with its parts, their cards are on the list as well.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import ON_BOOKS, STILL_OURS, UNLOCKED, Asset, Kind, lifecycle
from domain.decider import Ask, Event, Occasion, Rule
from domain.splitting import AT_HAND
from domain.use import NOT_FITTED, NOT_PACKED, Relocated
from domain.values import AssetId, Code, Given, PlaceId, Text, UnitId
from domain.words import Role

PARTS_MAX = 200  # fitted to one asset at a time

# What happened ----------------------------------------------------------------


class PartFitted(
    Event,
    name="asset.part_fitted",
    zh="装上部件{part}：{reason}",
    en="Part {part} fitted: {reason}",
):
    """Another asset was built into this one; `order_no` is the order of the repair or upgrade."""

    part: AssetId
    reason: Text
    order_no: Code = ""


class FittedInto(
    Event, name="asset.fitted_into", zh="作为部件装入资产{whole}", en="Fitted into asset {whole}"
):
    """It is a part of another asset from now on."""

    whole: AssetId


class PartRemoved(
    Event,
    name="asset.part_removed",
    zh="拆下部件{part}：{reason}",
    en="Part {part} removed: {reason}",
):
    """A part was taken off and is a thing by itself again."""

    part: AssetId
    reason: Text
    order_no: Code = ""


class RemovedFromWhole(
    Event, name="asset.removed_from_whole", zh="自资产{whole}拆下", en="Removed from asset {whole}"
):
    """It is no part of the other asset any more."""

    whole: AssetId


FittingEvent: TypeAlias = PartFitted | FittedInto | PartRemoved | RemovedFromWhole

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: FittingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PartFitted(part=part):
            return replace(asset, fitted=asset.fitted | {part})
        case FittedInto(whole=whole):
            return replace(asset, whole=whole)
        case PartRemoved(part=part):
            return replace(asset, fitted=asset.fitted - {part})
        case RemovedFromWhole():
            return replace(asset, whole="")
        case _:
            assert_never(event)


lifecycle.part(FittingEvent, evolve)

# What may be asked ------------------------------------------------------------

FITTED_AT_HAND = Rule(
    slug="whole-not-at-hand",
    zh="出借、在途或在修时，不在本单位办理装上和拆下。",
    en="Nothing is fitted or removed here while the thing is lent, in transit or under repair.",
    holds=lambda asset, _: asset.custody in AT_HAND,
)
ONE_PIECE = Rule(
    slug="not-one-piece",
    zh="只有单件卡片（数量为1）才能装上部件或作为部件；成批的请先拆分。",
    en="Only a card of one piece has parts or is a part; split a batch first.",
    holds=lambda asset, _: asset.quantity == "1",
)
MOVABLE = Rule(
    slug="part-not-movable",
    zh="房屋和土地不能作为别的资产的部件。",
    en="Premises and land are no parts of another asset.",
    holds=lambda asset, _: asset.kind not in (Kind.PREMISES, Kind.LAND),
)
WITHOUT_PARTS = Rule(
    slug="part-with-parts",
    zh="该资产装有部件，不能再作为别的资产的部件；请先拆下，或者直接装到整机上。",
    en="The asset has parts of its own and is no part of another one; remove them first, or fit"
    " them to the whole itself.",
    holds=lambda asset, _: not asset.fitted,
)
WITH_PARTS = Rule(
    slug="no-parts",
    zh="该资产没有装上的部件。",
    en="Nothing is fitted to the asset.",
    holds=lambda asset, _: bool(asset.fitted),
)
PARTS_LEFT = Rule(
    slug="parts-enough",
    zh="一项资产至多装有200个部件。",
    en="One asset has at most 200 parts.",
    holds=lambda asset, _: len(asset.fitted) < PARTS_MAX,
)
ANOTHER_ASSET = Rule(
    slug="part-of-itself",
    zh="资产不能作为它自己的部件。",
    en="An asset is no part of itself.",
)
IN_THE_SAME_HANDS = Rule(
    slug="part-in-other-hands",
    zh="部件由“{unit}”保管，整机由“{whole_unit}”保管；先办理移交，再装上。",
    en="The part is kept by {unit}, the whole by {whole_unit}; hand it over before it is fitted.",
)
FITTED = Rule(
    slug="not-fitted",
    zh="该资产没有装在别的资产上。",
    en="The asset is not fitted to another one.",
    holds=lambda asset, _: bool(asset.whole),
)
FITTED_HERE = Rule(
    slug="not-fitted-here",
    zh="资产 {part} 没有装在本资产上。",
    en="Asset {part} is not fitted to this one.",
)


@lifecycle.verb(
    ON_BOOKS, UNLOCKED, FITTED_AT_HAND, ONE_PIECE, NOT_FITTED, NOT_PACKED, PARTS_LEFT,
    zh="装上部件", en="Fit a part", roles=(Role.CLERK, Role.KEEPER),
)  # fmt: skip
def fit_part(
    asset: Asset, occasion: Occasion, *, part: AssetId, reason: Given, order_no: Code = ""
) -> tuple[PartFitted, Ask]:
    """Record that another asset with a card of its own was built into this one."""
    whole = occasion.stream.partition("/")[2]
    if part == whole:
        raise ANOTHER_ASSET.broken()
    form = {"whole": whole, "unit": asset.custodian, "place": asset.place or None}
    return (
        PartFitted(part=part, reason=reason, order_no=order_no),
        Ask(f"asset/{part}", "fit_into", form),
    )


@lifecycle.verb(
    ON_BOOKS, UNLOCKED, FITTED_AT_HAND, ONE_PIECE, MOVABLE, NOT_FITTED, NOT_PACKED, WITHOUT_PARTS,
    zh="作为部件装上", en="Be fitted", inner=True,
)  # fmt: skip
def fit_into(
    asset: Asset, _: Occasion, *, whole: AssetId, unit: UnitId, place: PlaceId | None
) -> tuple[FittedInto | Relocated, ...]:
    """Become a part of another asset of the same hands, where that stands."""
    if asset.custodian != unit:
        raise IN_THE_SAME_HANDS.broken(unit=asset.custodian, whole_unit=unit)
    if place and place != asset.place:
        return FittedInto(whole=whole), Relocated(place=place)
    return (FittedInto(whole=whole),)


@lifecycle.verb(
    STILL_OURS, WITH_PARTS, zh="拆下部件", en="Remove a part", roles=(Role.CLERK, Role.KEEPER)
)
def detach_part(
    asset: Asset, occasion: Occasion, *, part: AssetId, reason: Given, order_no: Code = ""
) -> tuple[PartRemoved, Ask]:
    """Record that a part was taken off; it is a thing by itself again, where the whole stands."""
    if part not in asset.fitted:
        raise FITTED_HERE.broken(part=part)
    form = {"whole": occasion.stream.partition("/")[2]}
    return (
        PartRemoved(part=part, reason=reason, order_no=order_no),
        Ask(f"asset/{part}", "detach_from_whole", form),
    )


@lifecycle.verb(FITTED, zh="自整机拆下", en="Be removed", inner=True)
def detach_from_whole(asset: Asset, occasion: Occasion, *, whole: AssetId) -> RemovedFromWhole:
    """Be no part of the other asset any more."""
    if asset.whole != whole:
        raise FITTED_HERE.broken(part=occasion.stream.partition("/")[2])
    return RemovedFromWhole(whole=whole)
