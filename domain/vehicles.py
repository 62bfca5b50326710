"""Official vehicles: the quota of a unit, the use of each, what each costs, holidays (DOMAIN.md e).

A quota counts vehicles on the books of a unit, by use. Vehicles that were there before it was
counted are counted when somebody says what they are used for (自治区政府令231号 第27、29条).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import unit as units_
from domain.asset import ON_BOOKS, STILL_OURS, UNLOCKED, Asset, Custody
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.kinds import A_VEHICLE
from domain.policy import Beyond
from domain.unit import Unit
from domain.values import AssetId, CaseId, Code, Fen, Given, Reference, Text, UnitId
from domain.words import Role, Term, Words

PLACES_MAX = 1_000_000
Places: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=PLACES_MAX)]


class Bringing(Term):
    """Which kind of case brings a unit vehicles, and is flagged where they are too many."""

    DEMAND = "demand", "需求", "want"
    REALLOCATION = "reallocation", "调剂单", "reallocation"
    EXCHANGE = "exchange", "置换单", "exchange"


class VehicleUse(Term):
    """What official vehicles are for (自治区政府令231号 第27条)."""

    UNASSIGNED = "unassigned", "未明确用途", "use not assigned"
    CONFIDENTIAL = "confidential", "机要通信", "confidential mail"
    EMERGENCY = "emergency", "应急保障", "emergency support"
    ENFORCEMENT = "enforcement", "执法执勤", "law enforcement"
    SPECIAL = "special", "特种专业技术", "special technical"
    OTHERWISE = "otherwise", "其他按照规定配备", "otherwise provided by rules"


# The finance department sets these, and files them with the offices administration.
FINANCE_USES = frozenset({VehicleUse.ENFORCEMENT, VehicleUse.SPECIAL})


class CostKind(Term):
    """What money was spent on for one vehicle (单车核算)."""

    FUEL = "fuel", "燃料（充电）", "fuel or charging"
    UPKEEP = "upkeep", "维修保养", "repair and upkeep"
    INSURANCE = "insurance", "保险", "insurance"
    TOLLS = "tolls", "过路停车", "tolls and parking"
    OTHER_COST = "other_cost", "其他费用", "other costs"


class Quota(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many vehicles a unit may have for each use, and which ones it has."""

    limits: tuple[tuple[VehicleUse, int], ...] = ()
    vehicles: frozenset[tuple[str, VehicleUse]] = frozenset()

    def limit(self, use: VehicleUse) -> int | None:
        """Return how many vehicles of a use there may be; None when nobody set it."""
        return dict(self.limits).get(use)

    @property
    def total(self) -> int | None:
        """Return how many vehicles there may be; None when no quota was set."""
        return sum(number for _, number in self.limits) if self.limits else None

    def use_of(self, asset: str) -> VehicleUse | None:
        """Return for which use a vehicle is counted; None when it is not."""
        return dict(self.vehicles).get(asset)

    def counted(self, use: VehicleUse) -> int:
        """Return how many vehicles of a use there are."""
        return sum(each is use for _, each in self.vehicles)

    def describe(self, lang: Lang) -> str:
        """Say how many there are, and how many there may be."""
        here, limit = len(self.vehicles), self.total
        if lang == "zh":
            return f"在编{here}辆，" + ("编制未核定" if limit is None else f"编制{limit}辆")
        said = "no quota is set" if limit is None else f"the quota is {limit}"
        return f"{here} vehicles are counted; {said}"


lifecycle: Lifecycle[Quota] = Lifecycle("quota", Quota, Words("车辆编制", "Vehicle quota"))

# What happened ----------------------------------------------------------------


class QuotaSet(
    Event,
    name="quota.set",
    zh="核定{use}编制{places}辆，文号{order_no}",
    en="Quota for {use} set at {places} vehicles by {order_no}",
):
    """So many vehicles of a use the unit may have from the business date on.

    `filing_no` is under which the finance department filed it with the offices administration.
    """

    use: VehicleUse
    places: int
    order_no: Code
    filing_no: Code = ""


class PlaceTaken(
    Event, name="quota.place_taken", zh="车辆{asset}列编（{use}）", en="{asset} counted for {use}"
):
    """A vehicle of the unit counts against its quota."""

    asset: AssetId
    use: VehicleUse


class QuotaExceeded(
    Event,
    name="quota.exceeded",
    zh="超编：编制合计{places}辆，列编后{count}辆（车辆{asset}）",
    en="Beyond the quota: {places} in all, with {asset} there are {count}",
):
    """A vehicle was taken up beyond the quota, where the place flags that and does not refuse."""

    asset: AssetId
    places: int
    count: int


class UseQuotaExceeded(
    Event,
    name="quota.use_exceeded",
    zh="超编：{use}编制{places}辆，列编后{count}辆（车辆{asset}）",
    en="Beyond the quota: {places} for {use}, with {asset} there are {count}",
):
    """A use got a vehicle beyond its quota, where the place flags that and does not refuse."""

    asset: AssetId
    use: VehicleUse
    places: int
    count: int


class PlaceGiven(
    Event,
    name="quota.place_given",
    zh="车辆{asset}出编：{reason}",
    en="{asset} counted no more: {reason}",
):
    """A vehicle of the unit counts no longer."""

    asset: AssetId
    reason: Text


class VehiclesPassedOn(
    Event,
    name="quota.vehicles_passed_on",
    zh="随机构变动转{to_unit}列编：{assets}",
    en="Counted by {to_unit} after the reorganisation: {assets}",
):
    """The unit was reorganised; another one counts these vehicles now."""

    to_unit: UnitId
    assets: tuple[AssetId, ...]


class VehiclesTakenOver(
    Event,
    name="quota.vehicles_taken_over",
    zh="承接{from_unit}的车辆列编：{assets}",
    en="Counted on from {from_unit}: {assets}",
):
    """Vehicles of a reorganised unit count here now; `uses` are theirs, in the same order.

    An order brings them, so nothing is refused; what is beyond the quota shows.
    """

    from_unit: UnitId
    assets: tuple[AssetId, ...]
    uses: tuple[VehicleUse, ...]


QuotaEvent: TypeAlias = (
    QuotaSet
    | PlaceTaken
    | QuotaExceeded
    | UseQuotaExceeded
    | PlaceGiven
    | VehiclesPassedOn
    | VehiclesTakenOver
)


class VehicleUseAssigned(
    Event,
    name="asset.vehicle_use_assigned",
    zh="明确车辆用途：{use}",
    en="Vehicle assigned to {use}",
):
    """It is used for this, and counts for it against the quota of the accounting unit."""

    use: VehicleUse


class VehicleCostRecorded(
    Event,
    name="asset.vehicle_cost_recorded",
    zh="单车费用：{year}年{month}月，{cost_kind}{amount}",
    en="Cost of the vehicle for month {month} of {year}: {cost_kind}, {amount}",
):
    """Money spent on this vehicle for a month, in fen (单车核算)."""

    cost_kind: CostKind
    amount: Fen
    year: int
    month: int
    voucher: Code = ""
    note: Text = ""


class SealedForHoliday(
    Event,
    name="asset.sealed_for_holiday",
    zh="封存停驶，至{until}：{reason}",
    en="Locked up until {until}: {reason}",
):
    """It stands still, its keys locked away, as on holidays."""

    until: date
    reason: Text


class Unsealed(Event, name="asset.unsealed", zh="解除封存：{reason}", en="Unlocked: {reason}"):
    """It may be driven again."""

    reason: Text


VehicleEvent: TypeAlias = VehicleUseAssigned | VehicleCostRecorded | SealedForHoliday | Unsealed

# Where that leaves us ---------------------------------------------------------


def evolve(quota: Quota, event: QuotaEvent) -> Quota:
    """What an event means. Never refuses: it already happened."""
    match event:
        case QuotaSet(use=use, places=number):
            others = {u: n for u, n in quota.limits if u is not use}
            limits = sorted((others | {use: number}).items())
            return replace(quota, limits=tuple(limits))
        case PlaceTaken(asset=asset, use=use):
            return replace(quota, vehicles=without(quota, asset) | {(asset, use)})
        case PlaceGiven(asset=asset):
            return replace(quota, vehicles=without(quota, asset))
        case VehiclesPassedOn(assets=assets):
            gone = frozenset(assets)
            kept = frozenset(place for place in quota.vehicles if place[0] not in gone)
            return replace(quota, vehicles=kept)
        case VehiclesTakenOver(assets=assets, uses=uses):
            new = dict(quota.vehicles) | dict(zip(assets, uses, strict=False))
            return replace(quota, vehicles=frozenset(new.items()))
        case QuotaExceeded() | UseQuotaExceeded():
            return quota
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: VehicleEvent) -> Asset:
    """What it means for the vehicle."""
    match event:
        case VehicleUseAssigned(use=use):
            return replace(asset, vehicle_use=use)
        case VehicleCostRecorded():
            return asset
        case SealedForHoliday():
            return replace(asset, home=asset.custody, custody=Custody.SEALED)
        case Unsealed():
            return replace(asset, custody=asset.home, home=Custody.NONE)
        case _:
            assert_never(event)


lifecycle.part(QuotaEvent, evolve)
assets_.lifecycle.part(VehicleEvent, evolve_asset)


def without(quota: Quota, asset: str) -> frozenset[tuple[str, VehicleUse]]:
    """Return the places of all other vehicles."""
    return frozenset(place for place in quota.vehicles if place[0] != asset)


def cost_totals(events: Iterable[Event]) -> dict[int, dict[CostKind, int]]:
    """Return what a vehicle cost, in fen, by year and kind of cost, from its history."""
    totals: dict[int, dict[CostKind, int]] = {}
    for event in events:
        if isinstance(event, VehicleCostRecorded):
            year = totals.setdefault(event.year, {})
            year[event.cost_kind] = year.get(event.cost_kind, 0) + event.amount
    return {year: totals[year] for year in sorted(totals)}


# What may be asked ------------------------------------------------------------

SETTER = Rule(
    slug="quota-set-by-another-body",
    zh="{use}用车编制由{body}核定。",
    en="The quota for {use} is set by the {body}.",
    law="《新疆维吾尔自治区机关事务管理办法》第27条",
)
FOR_A_USE = Rule(
    slug="quota-without-use",
    zh="编制须按用途核定，请写明用途。",
    en="A quota is set for a use; name it.",
    law="《新疆维吾尔自治区机关事务管理办法》第27条",
)
WITHIN_QUOTA = Rule(
    slug="beyond-vehicle-quota",
    zh="超过车辆编制：编制合计 {places} 辆，列编后将有 {count} 辆。",
    en="Beyond the vehicle quota: {places} in all, and there would be {count}.",
    law="《新疆维吾尔自治区机关事务管理办法》第27条",
)
WITHIN_USE = Rule(
    slug="beyond-quota-of-use",
    zh="超过车辆编制：{use}编制 {places} 辆，列编后将有 {count} 辆。",
    en="Beyond the vehicle quota: {places} for {use}, and there would be {count}.",
    law="《新疆维吾尔自治区机关事务管理办法》第27条",
)
OTHER_USE = Rule(
    slug="use-assigned-already",
    zh="该车已按此用途列编。",
    en="The vehicle is counted for this use already.",
)
ON_THE_ROAD = Rule(
    slug="not-to-be-locked-up",
    zh="只有库存、在用、闲置或低效的车辆才能封存。",
    en="Only a vehicle in store, in use, idle or under-used can be locked up.",
    law="《新疆维吾尔自治区机关事务管理办法》第29条",
    holds=lambda asset, _: (
        asset.custody in (Custody.STORE, Custody.IN_USE, Custody.IDLE, Custody.UNDER_USED)
    ),
)
LOCKED_UP = Rule(
    slug="not-locked-up",
    zh="该车没有封存。",
    en="The vehicle is not locked up.",
    holds=lambda asset, _: asset.custody is Custody.SEALED,
)
UNTIL_LATER = Rule(
    slug="locked-up-into-the-past",
    zh="封存截止日期 {until} 早于业务日期 {on}。",
    en="It would be locked up until {until}, before the business date {on}.",
)
A_MONTH_PAST = Rule(
    slug="cost-of-a-later-month",
    zh="费用所属月份 {year} 年 {month} 月晚于业务日期 {on}。",
    en="Month {month} of {year} is after the business date {on}.",
)
A_MONTH = Rule(
    slug="no-such-month",
    zh="月份须为 1 至 12，现为 {month}。",
    en="A month is 1 to 12; this is {month}.",
)
COUNTED = Rule(
    slug="vehicle-not-counted",
    zh="车辆 {asset} 没有在本单位列编。",
    en="{asset} is not counted against the quota of this unit.",
)


@lifecycle.verb(zh="核定车辆编制", en="Set a vehicle quota", roles=(Role.OFFICE, Role.FINANCE))
def set_quota(
    _: Quota,
    occasion: Occasion,
    *,
    use: VehicleUse,
    places: Places,
    order_no: Reference,
    filing_no: Code = "",
) -> tuple[QuotaSet, Ask]:
    """Say how many vehicles of a use the unit may have; what it has beyond stays, and shows."""
    if use is VehicleUse.UNASSIGNED:
        raise FOR_A_USE.broken()
    body = Role.FINANCE if use in FINANCE_USES else Role.OFFICE
    if occasion.role and occasion.role != body:
        raise SETTER.broken(use=use, body=body)
    unit = occasion.stream.partition("/")[2]
    return (
        QuotaSet(use=use, places=places, order_no=order_no, filing_no=filing_no),
        Ask(f"unit/{unit}", "have_quota", {}),
    )


@lifecycle.verb(zh="核减列编车辆", en="Strike a vehicle off", roles=(Role.OFFICE, Role.FINANCE))
def strike_off(quota: Quota, _: Occasion, *, asset: AssetId, reason: Given) -> PlaceGiven:
    """Count a vehicle no more, as when it was counted by mistake."""
    if quota.use_of(asset) is None:
        raise COUNTED.broken(asset=asset)
    return PlaceGiven(asset=asset, reason=reason)


@lifecycle.verb(zh="列编", en="Take a place", inner=True)
def take_place(
    quota: Quota,
    occasion: Occasion,
    *,
    asset: AssetId,
    use: VehicleUse = VehicleUse.UNASSIGNED,
) -> tuple[Event, ...]:
    """Count a vehicle for a use; beyond the quota, refuse or flag as the place says."""
    if quota.use_of(asset) is use:
        return ()
    whole, own = quota.total, quota.limit(use) or 0
    here = quota.counted(use) + 1
    after = len(quota.vehicles) + 1
    flag: Event | None = None
    refuses = occasion.policy.over_standard is Beyond.REFUSE
    if quota.use_of(asset) is None and whole is not None and after > whole:
        if refuses:
            raise WITHIN_QUOTA.broken(places=whole, count=after)
        flag = QuotaExceeded(asset=asset, places=whole, count=after)
    elif whole is not None and use is not VehicleUse.UNASSIGNED and here > own:
        if refuses:
            raise WITHIN_USE.broken(use=use, places=own, count=here)
        flag = UseQuotaExceeded(asset=asset, use=use, places=own, count=here)
    taken = PlaceTaken(asset=asset, use=use)
    return (taken,) if flag is None else (taken, flag)


@lifecycle.verb(zh="出编", en="Give a place back", inner=True)
def give_place(quota: Quota, _: Occasion, *, asset: AssetId, reason: Text) -> tuple[Event, ...]:
    """Count a vehicle no more that leaves the unit; one that was not counted changes nothing."""
    return () if quota.use_of(asset) is None else (PlaceGiven(asset=asset, reason=reason),)


@lifecycle.verb(zh="随机构变动转出编制", en="Pass vehicles on", inner=True)
def pass_on(
    quota: Quota, occasion: Occasion, *, to_unit: UnitId, assets: tuple[AssetId, ...]
) -> tuple[Event | Ask, ...]:
    """Let another unit count what it got of this one's vehicles in a reorganisation."""
    uses = dict(quota.vehicles)
    cars = tuple(sorted(uses.keys() & set(assets)))
    if not cars:
        return ()
    form = {
        "from_unit": occasion.stream.partition("/")[2],
        "assets": cars,
        "uses": tuple(uses[car] for car in cars),
    }
    return (
        VehiclesPassedOn(to_unit=to_unit, assets=cars),
        Ask(f"quota/{to_unit}", "take_over", form),
    )


@lifecycle.verb(zh="随机构变动承接编制", en="Take vehicles over", inner=True)
def take_over(
    _: Quota,
    __: Occasion,
    *,
    from_unit: UnitId,
    assets: tuple[AssetId, ...],
    uses: tuple[VehicleUse, ...],
) -> VehiclesTakenOver:
    """Count the vehicles that came with a reorganised unit, for the uses they had."""
    return VehiclesTakenOver(from_unit=from_unit, assets=assets, uses=uses)


@lifecycle.verb(zh="核对编制余额", en="Find room", inner=True)
def find_room(
    quota: Quota, occasion: Occasion, *, count: int, kind: Bringing, case: CaseId
) -> tuple[Ask, ...]:
    """Refuse more vehicles than there is room for, or have the case flagged, as the place says."""
    limit, after = quota.total, len(quota.vehicles) + count
    if limit is None or after <= limit:
        return ()
    if occasion.policy.over_standard is Beyond.REFUSE:
        raise WITHIN_QUOTA.broken(places=limit, count=after)
    unit = occasion.stream.partition("/")[2]
    return (Ask(f"{kind}/{case}", "flag_quota", {"unit": unit, "places": limit, "count": after}),)


@units_.lifecycle.verb(units_.EXISTS, zh="核定编制", en="Have a quota", inner=True)
def have_quota(_: Unit, __: Occasion) -> tuple[Event, ...]:
    """Answer that the unit exists: one that does not has no quota."""
    return ()


@assets_.lifecycle.verb(
    A_VEHICLE, ON_BOOKS, zh="明确车辆用途", en="Assign a use", roles=(Role.CLERK, Role.OFFICE)
)
def assign_use(
    asset: Asset, occasion: Occasion, *, use: VehicleUse
) -> tuple[VehicleUseAssigned, Ask]:
    """Say what the vehicle is used for; it counts for that against the quota of its unit."""
    if use is VehicleUse.UNASSIGNED:
        raise FOR_A_USE.broken()
    if asset.vehicle_use == use:
        raise OTHER_USE.broken()
    me = occasion.stream.partition("/")[2]
    return (
        VehicleUseAssigned(use=use),
        Ask(f"quota/{asset.accounting_unit}", "take_place", {"asset": me, "use": use}),
    )


@assets_.lifecycle.verb(
    A_VEHICLE,
    STILL_OURS,
    zh="登记单车费用",
    en="Record a cost",
    roles=(Role.CLERK, Role.ACCOUNTANT),
)
def record_cost(
    _: Asset,
    occasion: Occasion,
    *,
    cost_kind: CostKind,
    amount: Fen,
    year: int,
    month: int,
    voucher: Code = "",
    note: Text = "",
) -> VehicleCostRecorded:
    """Record what was spent on this vehicle in a month, in fen."""
    if not 1 <= month <= 12:
        raise A_MONTH.broken(month=month)
    if (year, month) > (occasion.on.year, occasion.on.month):
        raise A_MONTH_PAST.broken(year=year, month=month, on=occasion.on)
    return VehicleCostRecorded(
        cost_kind=cost_kind, amount=amount, year=year, month=month, voucher=voucher, note=note
    )


@assets_.lifecycle.verb(
    A_VEHICLE,
    ON_BOOKS,
    UNLOCKED,
    ON_THE_ROAD,
    zh="封存停驶",
    en="Lock up",
    roles=(Role.CLERK, Role.OFFICE),
)
def seal(_: Asset, occasion: Occasion, *, until: date, reason: Given) -> SealedForHoliday:
    """Lock the vehicle up until a day, as on holidays."""
    if until < occasion.on:
        raise UNTIL_LATER.broken(until=until, on=occasion.on)
    return SealedForHoliday(until=until, reason=reason)


@assets_.lifecycle.verb(
    A_VEHICLE, ON_BOOKS, LOCKED_UP, zh="解除封存", en="Unlock", roles=(Role.CLERK, Role.OFFICE)
)
def unseal(_: Asset, __: Occasion, *, reason: Given) -> Unsealed:
    """Let the vehicle be driven again, at the end of the holiday or in an emergency."""
    return Unsealed(reason=reason)
