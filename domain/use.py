"""Using an asset: issue and hand-back, custodians, places, repair, idleness (DOMAIN.md #14-#19)."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import (
    NOT_OVERDUE_HOME,
    ON_BOOKS,
    STILL_OURS,
    UNDISTURBED,
    UNLOCKED,
    Asset,
    Custody,
    lifecycle,
)
from domain.decider import Ask, Event, Occasion, Rule
from domain.idleness import IdleGround, looked
from domain.paper_forms import PaperForm
from domain.values import Code, Fen, Given, PersonId, PlaceId, Text, UnitId
from domain.words import Role

# What happened ----------------------------------------------------------------


class IssuedToUser(
    Event,
    name="asset.issued_to_user",
    zh="领用：{unit} {user}",
    en="Issued to {unit} {user}",
    papers=(PaperForm.HANDOVER,),
):
    """#14 Somebody began to use it; `user` is None when the source names only the unit."""

    unit: UnitId
    user: PersonId | None = None
    place: PlaceId | None = None
    purpose: Text = ""


class ReturnedByUser(
    Event,
    name="asset.returned_by_user",
    zh="交回：成色{condition}，{reason}",
    en="Handed back, condition {condition}: {reason}",
    papers=(PaperForm.RECEIPT,),
):
    """#15 The user gave it back and somebody received it."""

    condition: Code = ""
    reason: Text = ""
    place: PlaceId | None = None


class CustodianChanged(
    Event,
    name="asset.custodian_changed",
    zh="使用人交接：由{user}接手",
    en="Handed over to {user}",
    papers=(PaperForm.HANDOVER,),
):
    """#16 Another person answers for it (国令738 第15条)."""

    user: PersonId
    reason: Text = ""


class Relocated(Event, name="asset.relocated", zh="移位至{place}", en="Moved to {place}"):
    """#17 It stands somewhere else."""

    place: PlaceId
    reason: Text = ""


class RepairStarted(
    Event, name="asset.repair_started", zh="送修：{fault}", en="Sent for repair: {fault}"
):
    """#18 It is away for repair."""

    fault: Text
    vendor: Code = ""


class RepairCompleted(
    Event,
    name="asset.repair_completed",
    zh="修复：{result}，费用{cost}",
    en="Repaired: {result}, cost {cost}",
):
    """#18 It came back; cost in fen."""

    result: Text
    cost: Fen | None = None


class DeclaredIdle(
    Event,
    name="asset.declared_idle",
    zh="认定{ground}，自{since}起",
    en="Declared {ground} since {since}",
):
    """#19 Nobody needs it here; the ground says in which way.

    `rests_on` are the entries that showed it, by position, `policy` the version of the rules by
    which they did; empty where a person alone says so.
    """

    ground: IdleGround = IdleGround.IDLE
    since: date | None = None
    evidence: Text = ""
    rests_on: tuple[int, ...] = ()
    policy: Code = ""


class PutBackToUse(
    Event,
    name="asset.put_back_to_use",
    zh="撤销闲置认定：{reason}",
    en="No longer idle: {reason}",
):
    """The declaration of idleness is withdrawn: the unit needs it after all."""

    reason: Text


class DamageFound(
    Event, name="asset.damage_found", zh="发现损坏：{text}", en="Damage found: {text}"
):
    """Somebody saw that it is damaged."""

    text: Text


UseEvent: TypeAlias = (
    IssuedToUser
    | ReturnedByUser
    | CustodianChanged
    | Relocated
    | RepairStarted
    | RepairCompleted
    | DeclaredIdle
    | PutBackToUse
    | DamageFound
)

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: UseEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case IssuedToUser(unit=unit, user=user, place=place):
            return replace(
                asset,
                custody=Custody.IN_USE,
                custodian=unit,
                user=user or "",
                place=place or asset.place,
                idle_since=None,
                listed=False,
            )
        case ReturnedByUser(condition=condition, place=place):
            return replace(
                asset,
                custody=Custody.STORE,
                user="",
                grade=condition or asset.grade,
                place=place or asset.place,
                idle_since=None,
                listed=asset.ahead,
            )
        case CustodianChanged(user=user):
            return replace(asset, user=user)
        case Relocated(place=place):
            return replace(asset, place=place, shelf="")
        case RepairStarted():
            return replace(asset, home=asset.custody, custody=Custody.REPAIR, listed=False)
        case RepairCompleted():
            return replace(asset, custody=asset.home, home=Custody.NONE)
        case DeclaredIdle(ground=ground, since=since):
            under_used = ground is IdleGround.UNDER_USED
            custody = Custody.UNDER_USED if under_used else Custody.IDLE
            return replace(asset, custody=custody, idle_since=since)
        case PutBackToUse():
            custody = Custody.IN_USE if asset.user else Custody.STORE
            return replace(asset, custody=custody, idle_since=None, listed=False)
        case DamageFound():
            return replace(asset, grade="损坏")
        case _:
            assert_never(event)


lifecycle.part(UseEvent, evolve)

# What may be asked ------------------------------------------------------------

AWAY = (
    Custody.NONE,
    Custody.LENT,
    Custody.LEASED,
    Custody.WAREHOUSE_LENT,
    Custody.TRANSIT,
    Custody.REPAIR,
    Custody.LEFT,
)

IN_STORE = Rule(
    slug="not-in-store",
    zh="只有库存、闲置或低效的资产才能领用。",
    en="Only an asset in store, idle or under-used can be issued.",
    law="《新疆维吾尔自治区机关事务管理办法》第18条",
    holds=lambda asset, _: asset.custody in (Custody.STORE, Custody.IDLE, Custody.UNDER_USED),
)
IN_USE = Rule(
    slug="not-in-use",
    zh="只有在用的资产才能交回或交接。",
    en="Only an asset in use can be handed back or handed over.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=lambda asset, _: asset.custody in (Custody.IN_USE, Custody.UNDER_USED),
)
REPAIRABLE = Rule(
    slug="not-repairable-now",
    zh="资产须在本单位或实体仓内才能送修。",
    en="The asset must be in the unit's hands or in the physical warehouse to be repaired.",
    holds=lambda asset, _: (
        asset.custody
        in (Custody.STORE, Custody.IN_USE, Custody.IDLE, Custody.UNDER_USED, Custody.WAREHOUSE)
    ),
)
UNDER_REPAIR = Rule(
    slug="not-under-repair",
    zh="该资产没有在维修。",
    en="The asset is not under repair.",
    holds=lambda asset, _: asset.custody is Custody.REPAIR,
)
USED_OR_STORED = Rule(
    slug="already-idle-or-away",
    zh="只有库存或在用的资产才能认定闲置、低效或超标准。",
    en="Only an asset in store or in use can be declared idle, under-used or over standard.",
    law="《内蒙古自治区机关事务管理办法》第17条",
    holds=lambda asset, _: asset.custody in (Custody.STORE, Custody.IN_USE),
)
IDLE_LONG_ENOUGH = Rule(
    slug="not-idle-long-enough",
    zh="按 {policy}，闲置满 {days} 天才能认定；起始日期为 {since}。",
    en="By {policy} something is idle after {days} days; this began on {since}.",
)
IDLE = Rule(
    slug="not-idle",
    zh="该资产没有被认定为闲置或低效。",
    en="The asset has not been declared idle or under-used.",
    holds=lambda asset, _: asset.custody in (Custody.IDLE, Custody.UNDER_USED),
)
ON_SITE = Rule(
    slug="not-on-site",
    zh="资产不在本单位或仓内，不能移位。",
    en="The asset is neither with the unit nor in the warehouse, so it cannot be moved.",
    holds=lambda asset, _: asset.custody not in AWAY,
)
STILL_HERE = Rule(
    slug="already-gone",
    zh="该资产已经离场。",
    en="The asset has left already.",
    holds=lambda asset, _: asset.custody is not Custody.LEFT,
)
NOT_PACKED = Rule(
    slug="asset-packed",
    zh="该资产装在包装内，位置随包装变动；请先从包装中取出。",
    en="The asset is packed and moves with its package; take it out of the package first.",
    holds=lambda asset, _: not asset.package,
)
NOT_FITTED = Rule(
    slug="asset-fitted",
    zh="该资产已作为部件装在另一资产上，位置随整机变动；请先拆下。",
    en="The asset is fitted to another one and moves with it; remove it from there first.",
    holds=lambda asset, _: not asset.whole,
)
MOVED_WITH_ANOTHER = Rule(
    slug="moves-by-itself",
    zh="该资产既没有装箱，也不是别的资产的部件。",
    en="The asset is neither packed nor fitted to another one.",
    holds=lambda asset, _: bool(asset.package or asset.whole),
)
ONLY_PART = Rule(
    slug="only-part-over-standard",
    zh="这张卡片有 {quantity}，超标准的只是其中 {count}；请先拆分卡片，再认定超出的部分。",
    en="The card is of {quantity}, and only {count} are too many; split the card first, then declare"
    " what is beyond.",
)
NOT_LATER = Rule(
    slug="date-in-the-future",
    zh="起始日期 {since} 晚于业务日期 {on}。",
    en="The start date {since} is after the business date {on}.",
)


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IN_STORE,
    NOT_PACKED,
    NOT_FITTED,
    NOT_OVERDUE_HOME,
    zh="领用",
    en="Issue",
    roles=(Role.CLERK, Role.KEEPER),
)
def issue(
    asset: Asset,
    _: Occasion,
    *,
    user: PersonId,
    place: PlaceId | None = None,
    purpose: Text = "",
) -> tuple[IssuedToUser | Ask, ...]:
    """Hand an asset, with the parts fitted to it, to the person who will use it."""
    issued = IssuedToUser(unit=asset.custodian, user=user, place=place, purpose=purpose)
    return issued, *along(asset, place)


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IN_STORE,
    NOT_PACKED,
    NOT_FITTED,
    NOT_OVERDUE_HOME,
    zh="投入公用",
    en="Put to common use",
    roles=(Role.CLERK, Role.KEEPER),
)
def put_to_common_use(
    asset: Asset, _: Occasion, *, place: PlaceId | None = None, purpose: Text = ""
) -> tuple[IssuedToUser | Ask, ...]:
    """Put an asset to use for everybody in the unit, as in a meeting room: no one person uses it."""
    issued = IssuedToUser(unit=asset.custodian, place=place, purpose=purpose)
    return issued, *along(asset, place)


@lifecycle.verb(
    ON_BOOKS, UNDISTURBED, IN_USE, zh="交回", en="Take back", roles=(Role.CLERK, Role.KEEPER)
)
def take_back(
    asset: Asset,
    _: Occasion,
    *,
    condition: Code = "完好",
    reason: Text = "",
    place: PlaceId | None = None,
) -> tuple[ReturnedByUser | Ask, ...]:
    """Receive an asset that its user hands back, and look at its condition."""
    returned = ReturnedByUser(condition=condition, reason=reason, place=place)
    return returned, *along(asset, place)


@lifecycle.verb(ON_BOOKS, IN_USE, zh="使用人交接", en="Change the user", roles=(Role.CLERK,))
def hand_over_to(_: Asset, __: Occasion, *, user: PersonId, reason: Text = "") -> CustodianChanged:
    """Let another person answer for the asset, as when somebody leaves."""
    return CustodianChanged(user=user, reason=reason)


@lifecycle.verb(
    STILL_OURS,
    ON_SITE,
    NOT_PACKED,
    NOT_FITTED,
    zh="移位",
    en="Move",
    roles=(Role.CLERK, Role.KEEPER),
)
def relocate(
    asset: Asset, _: Occasion, *, place: PlaceId, reason: Text = ""
) -> tuple[Relocated | Ask, ...]:
    """Record that the asset, with the parts fitted to it, now stands somewhere else."""
    return Relocated(place=place, reason=reason), *along(asset, place)


@lifecycle.verb(MOVED_WITH_ANOTHER, zh="随同移位", en="Move along", inner=True)
def move_along(
    asset: Asset, _: Occasion, *, place: PlaceId, reason: Text = ""
) -> tuple[Relocated | Ask, ...]:
    """Go where the package or the whole went; what left the site before is not moved any more."""
    if asset.custody is Custody.LEFT:
        return ()
    return Relocated(place=place, reason=reason), *along(asset, place, reason)


def along(asset: Asset, place: str | None, reason: str = "") -> tuple[Ask, ...]:
    """Return what makes the parts of an asset stand where it stands."""
    form = {"place": place, "reason": reason}
    return tuple(Ask(f"asset/{part}", "move_along", form) for part in sorted(asset.fitted) if place)


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    REPAIRABLE,
    NOT_PACKED,
    NOT_FITTED,
    zh="送修",
    en="Send for repair",
    roles=(Role.CLERK, Role.KEEPER),
)
def send_for_repair(_: Asset, __: Occasion, *, fault: Given, vendor: Code = "") -> RepairStarted:
    """Send the asset away for repair."""
    return RepairStarted(fault=fault, vendor=vendor)


@lifecycle.verb(
    ON_BOOKS,
    UNDER_REPAIR,
    zh="修复取回",
    en="Complete repair",
    roles=(Role.CLERK, Role.KEEPER),
)
def complete_repair(
    _: Asset, __: Occasion, *, result: Given, cost: Fen | None = None
) -> RepairCompleted:
    """Record that the repair is done; the asset goes back to where it was."""
    return RepairCompleted(result=result, cost=cost)


@lifecycle.verb(
    ON_BOOKS,
    UNDISTURBED,
    USED_OR_STORED,
    zh="认定闲置",
    en="Declare idle",
    roles=(Role.CLERK, Role.OFFICE),
)
def declare_idle(
    _: Asset,
    occasion: Occasion,
    *,
    ground: IdleGround = IdleGround.IDLE,
    since: date | None = None,
    evidence: Text = "",
) -> DeclaredIdle:
    """Say that nobody here needs the asset, so that others may have it.

    What the log shows of it is named with it: since when, and the entries.
    """
    if since is not None and since > occasion.on:
        raise NOT_LATER.broken(since=since, on=occasion.on)
    told = looked(occasion.seen, occasion.stream, ground)
    found = told.found if told else None
    if found is not None and found.part:
        raise ONLY_PART.broken(quantity=found.quantity, count=found.count)
    begun = since or (found.since if found else occasion.on)
    days = occasion.policy.idle_days
    if days is not None and ground is IdleGround.IDLE and (occasion.on - begun).days < days:
        raise IDLE_LONG_ENOUGH.broken(since=begun, days=days, policy=occasion.policy.reference)
    return DeclaredIdle(
        ground=ground,
        since=begun,
        evidence=evidence,
        rests_on=found.rests_on if found else (),
        policy=found.policy if found else "",
    )


@lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    IDLE,
    NOT_OVERDUE_HOME,
    zh="撤销闲置认定",
    en="Withdraw idle declaration",
    roles=(Role.CLERK,),
)
def put_back_to_use(_: Asset, __: Occasion, *, reason: Given) -> PutBackToUse:
    """Withdraw the declaration: the unit needs the asset after all."""
    return PutBackToUse(reason=reason)


@lifecycle.verb(
    STILL_OURS, STILL_HERE, zh="登记损坏", en="Record damage", roles=(Role.CLERK, Role.KEEPER)
)
def record_damage(_: Asset, __: Occasion, *, text: Given) -> DamageFound:
    """Record damage that somebody saw, wherever the asset is."""
    return DamageFound(text=text)
