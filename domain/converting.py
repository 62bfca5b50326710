"""Change of use (转换用途): what nobody needs as it is serves another purpose, decided as a case.

Idle premises become a nursery or a place for services to the public; other property serves in
another way. Nobody changes the use of office premises alone (内蒙古机关运行保障条例 第11、13条).
What changes, from which day and who uses it is a fact of the thing; its books stay where they are.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import kinds
from domain.approval import (
    DECIDERS,
    LAST_STEP,
    Approval,
    Resubmitted,
    RouteLaid,
    laid,
    laid_anew,
    my_turn,
    route,
    routed,
)
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Custody, Kind, Lock
from domain.correcting import correctable, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import (
    ON_THE_LIST,
    OTHER_PERSON,
    HeldForProcess,
    declined,
    held_by,
    in_part,
    listed,
    releases,
)
from domain.leaving import OURS
from domain.open_steps import OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.premises import SOME_AREA
from domain.splitting import scaled, unscaled
from domain.values import (
    AssetId,
    Code,
    Given,
    Name,
    PersonId,
    Quantity,
    Reference,
    Stream,
    Text,
    UnitId,
)
from domain.words import Role, Term, Words


class ConversionStatus(Term):
    """Where a change of use stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    APPROVED = "approved", "已批准", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    CONVERTED = "converted", "已转换", "converted"


class Conversion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asks, what is to serve which purpose for whom, and how far it has come.

    `area` is in square metres, of each of the premises on the list; empty: all of it.
    """

    status: ConversionStatus = ConversionStatus.NONE
    applicant: str = ""
    unit: str = ""
    purpose: str = ""
    used_by: str = ""
    area: str = ""
    kind: Kind | None = None
    class_code: str = ""
    class_scheme: str = ""
    waiting: frozenset[str] = frozenset()
    converted: frozenset[str] = frozenset()
    approval: Approval = Approval()
    number: str = ""
    reason: str = ""
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the change of use stands."""
        counts = (len(self.waiting), len(self.converted))
        step = self.approval.describe(lang) if self.status is ConversionStatus.REQUESTED else ""
        if lang == "zh":
            said = "转换用途单{}，待转换{}项、已转换{}项".format(self.status.words.zh, *counts)
        else:
            said = "The change of use is {}: {} to convert, {} converted".format(
                self.status.words.en, *counts
            )
        return said + step


lifecycle: Lifecycle[Conversion] = Lifecycle(
    "conversion", Conversion, Words("转换用途单", "Change of use")
)

# What happened ----------------------------------------------------------------


class ConversionRequested(
    Event,
    name="conversion.requested",
    zh="{unit}申请转换用途为{purpose}，由{used_by}使用：{reason}",
    en="{unit} asks to convert to {purpose}, to be used by {used_by}: {reason}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#19 What lies idle shall serve another purpose. `used_by` may be outside this ledger.

    `area` is the part of the premises that changes, in square metres; None: all of it. `kind` and
    `class_code` are those the things will have, where these change too.
    """

    applicant: PersonId
    unit: UnitId
    assets: tuple[AssetId, ...]
    purpose: Text
    used_by: Name
    reason: Text
    area: Quantity | None = None
    kind: Kind | None = None
    class_code: Code = ""
    class_scheme: Code = ""
    dataset: Code = ""


class ConversionApproved(
    Event,
    name="conversion.approved",
    zh="批准转换用途，文号{approval_no}",
    en="Change of use approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """It may serve the other purpose; nothing has changed yet."""

    approval_no: Code


class ConversionRefused(
    Event,
    name="conversion.refused",
    zh="不同意转换用途：{reason}",
    en="Change of use refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """The use stays as it is; the assets are free again."""

    reason: Text


class ConversionWithdrawn(
    Event,
    name="conversion.withdrawn",
    zh="撤回转换用途申请：{reason}",
    en="Change of use withdrawn: {reason}",
    duty="apply",
):
    """What was not converted yet stays as it is and is free again."""

    reason: Text


class ItemConverted(
    Event,
    name="conversion.item_converted",
    zh="{asset}自{since}起转换用途，由{used_by}使用",
    en="{asset} serves its new purpose since {since}, used by {used_by}",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """One piece serves its new purpose, from a day on."""

    asset: AssetId
    since: date
    used_by: Name


ConversionEvent: TypeAlias = (
    ConversionRequested
    | ConversionApproved
    | ConversionRefused
    | ConversionWithdrawn
    | ItemConverted
)


class Converted(
    Event,
    name="asset.converted",
    zh="自{since}起转换用途为{purpose}，由{used_by}使用",
    en="Converted to {purpose} since {since}, used by {used_by}",
):
    """#19 It serves another purpose (内蒙古机关运行保障条例 第13、17条).

    `former` is the purpose before. `area` is what changed and `area_left` what remains approved as
    office area, in square metres; None where that is not stated. A use certificate ends with it.
    """

    case: Stream
    purpose: Text
    used_by: Name
    since: date
    former: Text = ""
    area: Quantity | None = None
    area_left: Quantity | None = None
    kind: Kind | None = None
    class_code: Code = ""
    class_scheme: Code = ""


AssetConversionEvent: TypeAlias = Converted

# Where that leaves us ---------------------------------------------------------


def evolve(case: Conversion, event: ConversionEvent) -> Conversion:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ConversionRequested():
            return Conversion(
                status=ConversionStatus.REQUESTED,
                applicant=event.applicant,
                unit=event.unit,
                purpose=event.purpose,
                used_by=event.used_by,
                area=event.area or "",
                kind=event.kind,
                class_code=event.class_code,
                class_scheme=event.class_scheme,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case ConversionApproved():
            return replace(case, status=ConversionStatus.APPROVED)
        case ConversionRefused(reason=reason):
            return replace(
                case, status=ConversionStatus.REFUSED, waiting=frozenset(), reason=reason
            )
        case ConversionWithdrawn(reason=reason):
            done = ConversionStatus.CONVERTED if case.converted else ConversionStatus.WITHDRAWN
            return replace(case, status=done, waiting=frozenset(), reason=reason)
        case ItemConverted(asset=asset):
            left = case.waiting - {asset}
            return replace(
                case,
                status=case.status if left else ConversionStatus.CONVERTED,
                waiting=left,
                converted=case.converted | {asset},
            )
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: AssetConversionEvent) -> Asset:
    """What a change of use means for the thing: it is in use again, unless a part of it waits."""
    match event:
        case Converted(area_left=left):
            whole = left in (None, "0")
            return replace(
                asset,
                custody=Custody.IN_USE if whole else asset.custody,
                idle_since=None if whole else asset.idle_since,
                listed=asset.listed and not whole,
                home=Custody.NONE if whole else asset.home,
                lock=Lock.NONE,
                case="",
                purpose=event.purpose,
                area_approved=asset.area_approved if left is None else left,
                certificate_no="",
                kind=event.kind or asset.kind,
                class_code=event.class_code or asset.class_code,
                class_scheme=event.class_scheme or asset.class_scheme,
            )
        case _:
            assert_never(event)


lifecycle.part(ConversionEvent, evolve)
assets_.lifecycle.part(AssetConversionEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="conversion-exists",
    zh="该转换用途单已经提出。",
    en="This change of use has been requested already.",
    holds=lambda case, _: case.status is ConversionStatus.NONE,
)
REQUESTED = Rule(
    slug="conversion-not-awaiting-decision",
    zh="该转换用途单不在待审批状态。",
    en="The change of use does not await a decision.",
    holds=lambda case, _: case.status is ConversionStatus.REQUESTED,
)
APPROVED = Rule(
    slug="conversion-not-approved",
    zh="转换用途须先获批准，不得擅自改变。",
    en="The use changes only after that was approved; nobody changes it alone.",
    law="《内蒙古自治区机关运行保障条例》第11条",
    holds=lambda case, _: case.status is ConversionStatus.APPROVED,
)
OPEN = Rule(
    slug="conversion-over",
    zh="该转换用途单尚未提出或已办结，不能撤回。",
    en="This change of use is not requested, or it is over; there is nothing to withdraw.",
    holds=lambda case, _: case.status in (ConversionStatus.REQUESTED, ConversionStatus.APPROVED),
)
SPARE = Rule(
    slug="not-convertible-now",
    zh="只有库存、闲置、低效或在虚拟仓的资产才能转换用途；在用、出借、在仓的请先收回或出仓。",
    en="Only an asset in store, idle, under-used or in the virtual warehouse can be converted; take"
    " back what is in use, lent or in the warehouse.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda asset, _: (
        asset.custody in (Custody.STORE, Custody.IDLE, Custody.UNDER_USED, Custody.VIRTUAL)
    ),
)
NEVER_CONVERTED = Rule(
    slug="use-never-changed",
    zh="按{policy}，不得改变此类资产（{kind}）的使用功能。",
    en="By {policy}, property of this kind ({kind}) keeps its use.",
    law="《山西省机关事务管理办法》第19条",
)
KIND_STAYS = Rule(
    slug="kind-does-not-change",
    zh="车辆、房屋、土地的资产类别不因转换用途改变，也不能转换为车辆、房屋、土地。",
    en="Vehicles, premises and land keep their kind when their use changes, and nothing becomes one"
    " of them.",
)
AREA_OF_PREMISES = Rule(
    slug="area-only-of-premises",
    zh="只有房屋、土地才填写转换面积。",
    en="Only premises and land have an area that is converted.",
)
NO_MORE_AREA = Rule(
    slug="beyond-area-there",
    zh="转换面积 {area} 平方米超过核定使用面积 {approved} 平方米。",
    en="{area} square metres would be converted, and {approved} are approved.",
)
SINCE_THEN = Rule(
    slug="converted-in-the-future",
    zh="起始日期 {since} 晚于业务日期 {on}。",
    en="The new use begins on {since}, after the business date {on}.",
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
in_part(lifecycle)
FIXED_KINDS = frozenset({Kind.VEHICLE, Kind.PREMISES, Kind.LAND})


@lifecycle.verb(
    NEW, zh="申请转换用途", en="Request a change of use", roles=(Role.CLERK, Role.OFFICE)
)
def request(
    _: Conversion,
    occasion: Occasion,
    *,
    unit: UnitId,
    assets: tuple[AssetId, ...],
    purpose: Given,
    used_by: Name,
    reason: Given,
    area: Quantity | None = None,
    kind: Kind | None = None,
    class_code: Code = "",
    class_scheme: Code = "",
) -> tuple[Event | Ask, ...]:
    """Ask that idle assets serve another purpose; they are held until the answer.

    Say how many square metres where only a part of the premises changes.
    """
    if area is not None and not Decimal(area):
        raise SOME_AREA.broken(area=area)
    form = {"case": occasion.stream, "unit": unit, "area": area, "kind": kind}
    return (
        ConversionRequested(
            applicant=occasion.by,
            unit=unit,
            assets=listed(assets),
            purpose=purpose,
            used_by=used_by,
            reason=reason,
            area=area,
            kind=kind,
            class_code=class_code,
            class_scheme=class_scheme,
        ),
        *laid(occasion, route(occasion, Action.CONVERSION)),
        *(Ask(f"asset/{a}", "hold_for_conversion", form) for a in assets),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准转换用途",
    en="Approve the change of use",
    roles=DECIDERS,
)
def approve(
    case_: Conversion,
    occasion: Occasion,
    *,
    approval_no: Reference,
    assets: tuple[AssetId, ...] = (),
    reason: Text = "",
) -> tuple[Event | Ask, ...]:
    """Approve the change of use, or of the assets named; nothing changes until it is done."""
    return (
        ConversionApproved(approval_no=approval_no),
        *declined(case_, occasion, assets, reason),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    zh="不同意转换用途",
    en="Refuse the change of use",
    roles=DECIDERS,
)
def refuse(case_: Conversion, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the change of use and free the assets."""
    return (
        ConversionRefused(reason=reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


def resubmit(
    case_: Conversion,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list where it is named."""
    area = case_.area or None
    form = {"case": occasion.stream, "unit": case_.unit, "area": area, "kind": case_.kind}
    hold = ("hold_for_conversion", form)
    changes = relisted(case_, occasion, case_.waiting, add, remove, note, hold)
    return (Resubmitted(note=note), *changes)


def lay_anew(
    case_: Conversion, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[RouteLaid, ...]:
    """Say who decides about the corrected list."""
    return laid_anew(case_, occasion, route(occasion, Action.CONVERSION))


routed(lifecycle, REQUESTED, MY_TURN, resubmit)
correctable(lifecycle, REQUESTED, lay_anew)


@lifecycle.verb(
    OPEN, zh="撤回转换用途", en="Withdraw the change of use", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw(case_: Conversion, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw what was not converted yet and free it; what was converted stays so."""
    return (
        ConversionWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


@lifecycle.verb(APPROVED, zh="完成转换", en="Convert", roles=(Role.CLERK, Role.OFFICE))
def convert(
    case_: Conversion,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    since: date,
    used_by: Name = "",
) -> tuple[Event | Ask, ...]:
    """Record that approved pieces serve their new purpose: since when, and for whom.

    Who uses them is taken from the request unless it is said here.
    """
    if since > occasion.on:
        raise SINCE_THEN.broken(since=since, on=occasion.on)
    for asset in listed(assets):
        if asset not in case_.waiting:
            raise ON_THE_LIST.broken(asset=asset)
    user = used_by or case_.used_by
    form = {
        "case": occasion.stream,
        "purpose": case_.purpose,
        "used_by": user,
        "since": since,
        "area": case_.area or None,
        "kind": case_.kind,
        "class_code": case_.class_code,
        "class_scheme": case_.class_scheme,
    }
    return (
        *(ItemConverted(asset=a, since=since, used_by=user) for a in assets),
        *(Ask(f"asset/{a}", "serve_otherwise", form) for a in assets),
    )


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, SPARE, zh="转换用途占用", en="Hold for a change of use", inner=True
)
def hold_for_conversion(
    asset: Asset,
    occasion: Occasion,
    *,
    case: Stream,
    unit: UnitId,
    area: Quantity | None = None,
    kind: Kind | None = None,
) -> HeldForProcess:
    """Hold the asset while the change of its use is decided."""
    if unit not in (asset.accounting_unit, asset.custodian):
        raise OURS.broken(
            unit=unit, accounting_unit=asset.accounting_unit, custodian=asset.custodian
        )
    policy = occasion.policy
    if asset.kind in policy.never_converted:
        raise NEVER_CONVERTED.broken(policy=policy.reference, kind=asset.kind)
    kinds.refuse_alone(asset, occasion)
    if kind not in (None, asset.kind) and FIXED_KINDS & {kind, asset.kind}:
        raise KIND_STAYS.broken()
    left_of(asset, area)
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


@assets_.lifecycle.verb(ON_BOOKS, SPARE, zh="转换用途", en="Serve another purpose", inner=True)
def serve_otherwise(
    asset: Asset,
    _: Occasion,
    *,
    case: Stream,
    purpose: Text,
    used_by: Name,
    since: date,
    area: Quantity | None = None,
    kind: Kind | None = None,
    class_code: Code = "",
    class_scheme: Code = "",
) -> Converted:
    """Let the asset serve another purpose; what its card says of that follows."""
    held_by(asset, case)
    return Converted(
        case=case,
        purpose=purpose,
        used_by=used_by,
        since=since,
        former=asset.purpose,
        area=area,
        area_left=left_of(asset, area),
        kind=kind,
        class_code=class_code,
        class_scheme=class_scheme,
    )


def left_of(asset: Asset, area: str | None) -> str | None:
    """Return the office area that stays approved; None where none was, or refuse what is not there.

    Without an area all of it is converted, and none stays approved.
    """
    if area is not None and asset.kind not in (Kind.PREMISES, Kind.LAND):
        raise AREA_OF_PREMISES.broken()
    if not asset.area_approved:
        return None
    (there, gone), places = scaled(asset.area_approved, area or asset.area_approved)
    if gone > there:
        raise NO_MORE_AREA.broken(area=area, approved=asset.area_approved)
    return unscaled(there - gone, places)


@step_of(Conversion)
def next_step(case: Conversion) -> OpenStep | None:
    """Say who must do what next."""
    match case.status:
        case ConversionStatus.REQUESTED:
            return decision(case.approval, (Role.OFFICE, Role.FINANCE), case.unit)
        case ConversionStatus.APPROVED:
            return OpenStep(verb="convert", roles=(Role.CLERK, Role.OFFICE), unit=case.unit)
        case _:
            return None
