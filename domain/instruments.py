"""Large instruments: offered to others, used by them, paid for (国令738 第18条)."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import ON_BOOKS, Asset, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.kinds import AN_INSTRUMENT
from domain.use import AWAY
from domain.values import Fen, Given, Quantity, Text, UnitId
from domain.words import Role

# What happened ----------------------------------------------------------------


class SharingOffered(
    Event,
    name="asset.sharing_offered",
    zh="开放共享：{description}，每小时补偿{fee}",
    en="Offered for sharing: {description}, compensation per hour {fee}",
):
    """Others may use it where it stands; `fee` in fen an hour, None when none is asked."""

    description: Text
    fee: Fen | None = None


class SharingEnded(
    Event, name="asset.sharing_ended", zh="停止共享：{reason}", en="Shared no longer: {reason}"
):
    """Others may use it no more."""

    reason: Text


class SharedUseRecorded(
    Event,
    name="asset.shared_use_recorded",
    zh="{unit}共享使用{hours}小时，补偿{fee}：{purpose}",
    en="Used by {unit} for {hours} hours, compensation {fee}: {purpose}",
):
    """Another unit used it where it stands; `fee` is the whole compensation, in fen."""

    unit: UnitId
    hours: Quantity
    purpose: Text
    fee: Fen | None = None


SharingEvent: TypeAlias = SharingOffered | SharingEnded | SharedUseRecorded

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: SharingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case SharingOffered():
            return replace(asset, shared=True)
        case SharingEnded():
            return replace(asset, shared=False)
        case SharedUseRecorded():
            return asset
        case _:
            assert_never(event)


lifecycle.part(SharingEvent, evolve)

# What may be asked ------------------------------------------------------------

NOT_SHARED = Rule(
    slug="already-shared",
    zh="该仪器已经开放共享。",
    en="The instrument is shared already.",
    holds=lambda asset, _: not asset.shared,
)
SHARED = Rule(
    slug="not-shared",
    zh="该仪器没有开放共享。",
    en="The instrument is not shared.",
    law="《行政事业性国有资产管理条例》第18条",
    holds=lambda asset, _: asset.shared,
)
STANDS_HERE = Rule(
    slug="instrument-away",
    zh="仪器不在本单位（出借、出租、在途、在修或已离场），不能共享使用。",
    en="The instrument is away (lent, leased, in transit, under repair or gone).",
    holds=lambda asset, _: asset.custody not in AWAY,
)
ANOTHER_USER = Rule(
    slug="shared-with-oneself",
    zh="使用单位就是保管单位，不是共享使用。",
    en="The user is the custodian itself; that is not sharing.",
)
SOME_HOURS = Rule(
    slug="no-hours-used",
    zh="机时须大于零。",
    en="The hours of use are above zero.",
)


@lifecycle.verb(
    AN_INSTRUMENT, ON_BOOKS, NOT_SHARED, zh="开放共享", en="Offer for sharing", roles=(Role.CLERK,)
)
def offer_sharing(
    _: Asset, __: Occasion, *, description: Given, fee: Fen | None = None
) -> SharingOffered:
    """Offer the instrument to other units; say how, and what an hour costs in fen."""
    return SharingOffered(description=description, fee=fee)


@lifecycle.verb(
    AN_INSTRUMENT, ON_BOOKS, SHARED, zh="停止共享", en="End sharing", roles=(Role.CLERK,)
)
def end_sharing(_: Asset, __: Occasion, *, reason: Given) -> SharingEnded:
    """Offer the instrument no longer."""
    return SharingEnded(reason=reason)


@lifecycle.verb(
    AN_INSTRUMENT,
    ON_BOOKS,
    SHARED,
    STANDS_HERE,
    zh="登记共享使用",
    en="Record shared use",
    roles=(Role.CLERK, Role.KEEPER),
)
def record_shared_use(
    asset: Asset,
    _: Occasion,
    *,
    unit: UnitId,
    hours: Quantity,
    purpose: Given,
    fee: Fen | None = None,
) -> SharedUseRecorded:
    """Record that another unit used the instrument where it stands, and what it paid in fen."""
    if unit == asset.custodian:
        raise ANOTHER_USER.broken()
    if not Decimal(hours):
        raise SOME_HOURS.broken()
    return SharedUseRecorded(unit=unit, hours=hours, purpose=purpose, fee=fee)
