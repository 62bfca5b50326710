"""Office premises and land: title, approved area, the right to use, patrol, vacating (#57-#59).

Title is registered to the offices administration while the unit that uses the premises keeps them
in its books (山西 第17条); it uses them by agreement and certificate, within the approved area.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.asset import ON_BOOKS, STILL_OURS, UNLOCKED, Asset, Custody, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.kinds import ON_PREMISES, REAL_ESTATE
from domain.paper_forms import PaperForm
from domain.values import Code, Given, Name, Quantity, Reference, Text, UnitId
from domain.words import Role

PEOPLE_MAX = 1_000_000
People: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_MAX)]

# What happened ----------------------------------------------------------------


class TitleRegistered(
    Event,
    name="asset.title_registered",
    zh="权属登记至{owner}名下，{registry}，证号{title_no}",
    en="Title registered to {owner} at {registry}: {title_no}",
):
    """#44 The public register names the owner; who keeps the books is another matter.

    `archives` are the records of title, building and repair that were handed over with it.
    """

    owner: UnitId
    registry: Name
    title_no: Code
    archives: Text = ""


class TitleFiled(
    Event,
    name="asset.title_filed",
    zh="权属无法登记，备案{filing_no}：{reason}",
    en="Title cannot be registered, filed as {filing_no}: {reason}",
):
    """#57 Papers are missing or title is unclear; its user may not dispose of it alone."""

    reason: Text
    filing_no: Code


class AreaApproved(
    Event,
    name="asset.area_approved",
    zh="核定使用面积{area_approved}平方米，文号{order_no}",
    en="Area of {area_approved} square metres approved by {order_no}",
):
    """#58 So much of it the holder may use, by the standards for its posts."""

    area_approved: Quantity
    order_no: Code


class UseCertificateIssued(
    Event,
    name="asset.use_certificate_issued",
    zh="向{unit}核发使用凭证{certificate_no}，面积{area}平方米，使用协议{agreement_no}",
    en="Use certificate {certificate_no} issued to {unit} for {area} square metres,"
    " agreement {agreement_no}",
    claims=("certificate_no",),
    papers=(PaperForm.USE_CERTIFICATE,),
):
    """#58 The unit may use the premises by its agreement with the offices administration."""

    unit: UnitId
    area: Quantity
    agreement_no: Code
    certificate_no: Code


class PremisesInspected(
    Event,
    name="asset.premises_inspected",
    zh="巡检：用途{purpose}，面积{area}平方米，{people}人使用；{findings}",
    en="Inspected: used for {purpose}, {area} square metres, {people} people; {findings}",
):
    """#59 Somebody looked at what it is used for, how much of it, by how many, how safely."""

    purpose: Text
    area: Quantity
    people: int
    findings: Text


class PremisesVacated(
    Event,
    name="asset.premises_vacated",
    zh="腾退：{reason}",
    en="Vacated: {reason}",
):
    """The user moved out; the certificate ends and the premises wait to be handed over."""

    reason: Text


PremisesEvent: TypeAlias = (
    TitleRegistered
    | TitleFiled
    | AreaApproved
    | UseCertificateIssued
    | PremisesInspected
    | PremisesVacated
)

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: PremisesEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case TitleRegistered(owner=owner, title_no=title_no):
            return replace(asset, owner=owner, title_no=title_no, filing_no="")
        case TitleFiled(filing_no=filing_no):
            return replace(asset, filing_no=filing_no)
        case AreaApproved(area_approved=area):
            return replace(asset, area_approved=area)
        case UseCertificateIssued(certificate_no=certificate_no):
            return replace(asset, certificate_no=certificate_no)
        case PremisesInspected():
            return asset
        case PremisesVacated():
            return replace(asset, custody=Custody.IDLE, user="", certificate_no="")
        case _:
            assert_never(event)


lifecycle.part(PremisesEvent, evolve)

# What may be asked ------------------------------------------------------------

UNREGISTERED = Rule(
    slug="title-registered-already",
    zh="权属已登记（证号在卡片上），无须备案；变更请办理权属登记。",
    en="The title is registered already, so it is not filed; register the change instead.",
    law="《内蒙古自治区机关运行保障条例》第10条",
    holds=lambda asset, _: not asset.title_no,
)
AREA_KNOWN = Rule(
    slug="area-not-approved",
    zh="须先核定使用面积，才能核发使用凭证。",
    en="The area is approved before a use certificate is issued.",
    law="《内蒙古自治区机关事务管理办法》第22条",
    holds=lambda asset, _: bool(asset.area_approved),
)
WITHIN_AREA = Rule(
    slug="beyond-approved-area",
    zh="凭证面积 {area} 平方米超过核定面积 {approved} 平方米；超出部分应当腾退。",
    en="The certificate would be for {area} square metres, and {approved} are approved; what is"
    " beyond is to be vacated.",
    law="《内蒙古自治区机关事务管理办法》第25条",
)
SOME_AREA = Rule(
    slug="area-not-positive",
    zh="面积须大于零，现为 {area}。",
    en="An area is above zero; this is {area}.",
)
OCCUPIED = Rule(
    slug="nothing-to-vacate",
    zh="只有在用、库存或低效的房屋才能登记腾退。",
    en="Only premises in use, in store or under-used can be vacated.",
    law="《内蒙古自治区机关事务管理办法》第22条",
    holds=lambda asset, _: asset.custody in (Custody.IN_USE, Custody.STORE, Custody.UNDER_USED),
)


@lifecycle.verb(REAL_ESTATE, STILL_OURS, zh="权属登记", en="Register title", roles=(Role.OFFICE,))
def register_title(
    _: Asset,
    __: Occasion,
    *,
    owner: UnitId,
    registry: Name,
    title_no: Reference,
    archives: Text = "",
) -> TitleRegistered:
    """Record in whose name the public register carries it; the books do not move."""
    return TitleRegistered(owner=owner, registry=registry, title_no=title_no, archives=archives)


@lifecycle.verb(
    REAL_ESTATE, STILL_OURS, UNREGISTERED, zh="权属备案", en="File title", roles=(Role.OFFICE,)
)
def file_title(_: Asset, __: Occasion, *, reason: Given, filing_no: Reference) -> TitleFiled:
    """File a title that cannot be registered, and why; its user may not dispose of it alone."""
    return TitleFiled(reason=reason, filing_no=filing_no)


@lifecycle.verb(ON_PREMISES, ON_BOOKS, zh="核定面积", en="Approve the area", roles=(Role.OFFICE,))
def approve_area(
    _: Asset, __: Occasion, *, area_approved: Quantity, order_no: Reference
) -> AreaApproved:
    """Say how many square metres the holder may use."""
    if not Decimal(area_approved):
        raise SOME_AREA.broken(area=area_approved)
    return AreaApproved(area_approved=area_approved, order_no=order_no)


@lifecycle.verb(
    ON_PREMISES,
    ON_BOOKS,
    UNLOCKED,
    AREA_KNOWN,
    zh="核发使用凭证",
    en="Issue a use certificate",
    roles=(Role.OFFICE,),
)
def issue_use_certificate(
    asset: Asset,
    _: Occasion,
    *,
    area: Quantity,
    agreement_no: Reference,
    certificate_no: Reference,
) -> UseCertificateIssued:
    """Issue the certificate by which the holder uses the premises, within the approved area."""
    if not Decimal(area):
        raise SOME_AREA.broken(area=area)
    if Decimal(area) > Decimal(asset.area_approved):
        raise WITHIN_AREA.broken(area=area, approved=asset.area_approved)
    return UseCertificateIssued(
        unit=asset.custodian,
        area=area,
        agreement_no=agreement_no,
        certificate_no=certificate_no,
    )


@lifecycle.verb(ON_PREMISES, STILL_OURS, zh="巡检", en="Inspect", roles=(Role.OFFICE,))
def inspect(
    _: Asset, __: Occasion, *, purpose: Given, area: Quantity, people: People, findings: Given
) -> PremisesInspected:
    """Record what a patrol found: use, area, number of people, safety."""
    return PremisesInspected(purpose=purpose, area=area, people=people, findings=findings)


@lifecycle.verb(
    ON_PREMISES,
    ON_BOOKS,
    UNLOCKED,
    OCCUPIED,
    zh="腾退",
    en="Vacate",
    roles=(Role.CLERK, Role.OFFICE),
)
def vacate(_: Asset, __: Occasion, *, reason: Given) -> PremisesVacated:
    """Record that the user moved out; the premises go to the offices administration next."""
    return PremisesVacated(reason=reason)
