"""What proves a disposal: technical assessment, destruction, the change of title (#35, #41, #44)."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.decider import Ask, Event, Occasion, Rule
from domain.disposal import Disposal, DisposalStatus, lifecycle
from domain.holding import ON_THE_LIST
from domain.values import AssetId, Code, Name, Reference, Text
from domain.words import Role, Term


class Destruction(Term):
    """How something was made unusable (T99)."""

    WIPED = "wiped", "数据清除", "data wiped"
    DEGAUSSED = "degaussed", "消磁", "degaussed"
    SHREDDED = "shredded", "粉碎", "shredded"
    MELTED = "melted", "熔炼", "melted"
    DISMANTLED = "dismantled", "拆解", "dismantled"


# What happened ----------------------------------------------------------------


class TechnicallyAssessed(
    Event,
    name="disposal.technically_assessed",
    zh="{assessor}技术鉴定：{conclusion}（报告{report_no}）",
    en="Technically assessed by {assessor}: {conclusion} (report {report_no})",
    duty="execute",
):
    """#35 Somebody who can judge looked at the things; another matter than their price."""

    assessor: Name
    conclusion: Text
    report_no: Code


class Destroyed(
    Event,
    name="disposal.destroyed",
    zh="{asset}由{vendor}{method}，{destroyed_on}，证明{certificate}",
    en="{asset} {method} by {vendor} on {destroyed_on}, certificate {certificate}",
    duty="execute",
):
    """#41 One piece, or what it stored, was made unusable: by whom, how, when, with what proof."""

    asset: AssetId
    vendor: Name
    certificate: Code
    method: Destruction
    destroyed_on: date


class TitleChanged(
    Event,
    name="disposal.title_changed",
    zh="{asset}权属注销（变更），{registry}，证明{certificate}",
    en="Title to {asset} cancelled or passed on at {registry}: {certificate}",
    duty="execute",
):
    """#44 The register of vehicles, premises or land names us no longer (国令738 第40条)."""

    asset: AssetId
    registry: Name
    certificate: Code


ProvingEvent: TypeAlias = TechnicallyAssessed | Destroyed | TitleChanged

# Where that leaves us ---------------------------------------------------------


def evolve(case: Disposal, event: ProvingEvent) -> Disposal:
    """What an event means. Never refuses: it already happened."""
    match event:
        case TechnicallyAssessed():
            return replace(case, assessed=True)
        case Destroyed(asset=asset):
            return replace(case, destroyed=case.destroyed | {asset})
        case TitleChanged(asset=asset):
            return replace(case, titled=case.titled | {asset})
        case _:
            assert_never(event)


lifecycle.part(ProvingEvent, evolve)

# What may be asked ------------------------------------------------------------

OPEN = Rule(
    slug="disposal-not-open",
    zh="该处置单尚未提出、未获批准或已撤回。",
    en="The disposal has not been proposed, or it was rejected or withdrawn.",
    holds=lambda case, _: (
        case.status not in (DisposalStatus.NONE, DisposalStatus.REJECTED, DisposalStatus.WITHDRAWN)
    ),
)
HAPPENED = Rule(
    slug="proof-dated-in-the-future",
    zh="销毁日期 {destroyed_on} 晚于业务日期 {on}。",
    en="The date of destruction {destroyed_on} is after the business date {on}.",
)


@lifecycle.verb(
    OPEN, zh="登记技术鉴定", en="Record a technical assessment", roles=(Role.OFFICE, Role.CLERK)
)
def record_assessment(
    _: Disposal, __: Occasion, *, assessor: Name, conclusion: Text, report_no: Reference
) -> TechnicallyAssessed:
    """Record what those who can judge said of the things."""
    return TechnicallyAssessed(assessor=assessor, conclusion=conclusion, report_no=report_no)


@lifecycle.verb(
    OPEN,
    zh="登记销毁",
    en="Record destruction",
    roles=(Role.OFFICE, Role.CLERK, Role.KEEPER),
)
def record_destruction(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    vendor: Name,
    certificate: Reference,
    method: Destruction,
    destroyed_on: date,
) -> Destroyed:
    """Record that one approved piece, or what it stored, was made unusable."""
    if asset not in disposal.approved | disposal.executed:
        raise ON_THE_LIST.broken(asset=asset)
    if destroyed_on > occasion.on:
        raise HAPPENED.broken(destroyed_on=destroyed_on, on=occasion.on)
    return Destroyed(
        asset=asset,
        vendor=vendor,
        certificate=certificate,
        method=method,
        destroyed_on=destroyed_on,
    )


@lifecycle.verb(OPEN, zh="权属注销（变更）", en="Change the title", roles=(Role.OFFICE, Role.CLERK))
def change_title(
    disposal: Disposal,
    _: Occasion,
    *,
    asset: AssetId,
    registry: Name,
    certificate: Reference,
) -> tuple[TitleChanged, Ask]:
    """Record that the register names us no longer as the owner of one piece."""
    if asset not in disposal.approved | disposal.executed or asset in disposal.titled:
        raise ON_THE_LIST.broken(asset=asset)
    return (
        TitleChanged(asset=asset, registry=registry, certificate=certificate),
        Ask(
            f"asset/{asset}",
            "give_up_title",
            {"registry": registry, "certificate": certificate},
        ),
    )
