"""What packing means for one asset: it is in one package at most, and goes where that goes.

While it is packed it is not issued, moved, repaired, fitted or split by itself; it is taken out
first. Cases (a loan, a reallocation, a disposal) may hand it on packed: that is what boxes are
for. The package itself is told in `package`.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import STILL_OURS, Asset, Kind, lifecycle
from domain.decider import Ask, Event, Occasion, Rule
from domain.use import NOT_FITTED, STILL_HERE, Relocated, along
from domain.values import CaseId, PlaceId, UnitId

# What happened ----------------------------------------------------------------


class AssetPacked(Event, name="asset.packed", zh="装入{package}", en="Packed into {package}"):
    """It is in a box, in a crate or on a pallet, and moves with it."""

    package: CaseId


class AssetUnpacked(
    Event, name="asset.unpacked", zh="自{package}取出", en="Taken out of {package}"
):
    """It moves by itself again."""

    package: CaseId


PackingEvent: TypeAlias = AssetPacked | AssetUnpacked

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: PackingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AssetPacked(package=package):
            return replace(asset, package=package)
        case AssetUnpacked():
            return replace(asset, package="")
        case _:
            assert_never(event)


lifecycle.part(PackingEvent, evolve)

# What may be asked ------------------------------------------------------------

UNPACKED = Rule(
    slug="packed-already",
    zh="该资产已装在另一包装内；一项资产只能在一个包装内。",
    en="The asset is packed already; a thing is in one package at most.",
    holds=lambda asset, _: not asset.package,
)
PORTABLE = Rule(
    slug="not-portable",
    zh="房屋、土地和软件不能装箱。",
    en="Premises, land and software are not packed.",
    holds=lambda asset, _: asset.kind not in (Kind.PREMISES, Kind.LAND, Kind.SOFTWARE),
)
IN_THEIR_HANDS = Rule(
    slug="packed-by-others",
    zh="资产 {asset} 由“{custodian}”保管，包装由“{unit}”使用；只能装自己保管或借用的资产。",
    en="Asset {asset} is kept by {custodian}, the package is used by {unit}; a unit packs what it"
    " keeps or has borrowed.",
)
PACKED = Rule(
    slug="not-packed",
    zh="该资产没有装在包装内。",
    en="The asset is not packed.",
    holds=lambda asset, _: bool(asset.package),
)
PACKED_THERE = Rule(
    slug="not-in-this-package",
    zh="资产 {asset} 不在包装 {package} 内。",
    en="Asset {asset} is not in package {package}.",
)


@lifecycle.verb(
    STILL_OURS, STILL_HERE, UNPACKED, NOT_FITTED, PORTABLE, zh="装箱", en="Be packed", inner=True
)
def pack_into(
    asset: Asset, occasion: Occasion, *, package: CaseId, unit: UnitId, place: PlaceId | None
) -> tuple[Event | Ask, ...]:
    """Go into a package of those who have the asset, with its parts, where the package stands."""
    if unit not in (asset.custodian, asset.borrower):
        me = occasion.stream.partition("/")[2]
        raise IN_THEIR_HANDS.broken(asset=me, custodian=asset.custodian, unit=unit)
    if place and place != asset.place:
        return AssetPacked(package=package), Relocated(place=place), *along(asset, place)
    return (AssetPacked(package=package),)


@lifecycle.verb(PACKED, zh="取出", en="Be taken out", inner=True)
def unpack_from(asset: Asset, occasion: Occasion, *, package: CaseId) -> AssetUnpacked:
    """Come out of the package; whatever became of the asset meanwhile."""
    if asset.package != package:
        me = occasion.stream.partition("/")[2]
        raise PACKED_THERE.broken(asset=me, package=package)
    return AssetUnpacked(package=package)
