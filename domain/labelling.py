"""Labels: an asset has one active label; the old one stays recognisable (DOMAIN.md #9, T86)."""

from __future__ import annotations

from typing import Annotated, TypeAlias, assert_never

from msgspec import Meta
from msgspec.structs import replace

from domain.asset import STILL_OURS, Asset, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.values import Code, Given, Reference, Text
from domain.words import Role, Term

ISSUE_MAX = 999  # three digits in the code


class Carrier(Term):
    """What carries the identity."""

    QR = "qr", "二维码", "QR code"
    RFID = "rfid", "射频标签", "RFID tag"


# What happened ----------------------------------------------------------------


class LabelBound(
    Event,
    name="asset.label_bound",
    zh="贴标：{label}（{carrier}）",
    en="Label bound: {label} ({carrier})",
    claims=("label",),
):
    """#9 A label was put on; its id is used once in the whole ledger."""

    label: Code
    carrier: Carrier = Carrier.QR
    note: Text = ""


class LabelVoided(
    Event,
    name="asset.label_voided",
    zh="标签{label}作废：{reason}",
    en="Label {label} voided: {reason}",
):
    """#9 The label no longer stands for the asset; a scan of it says so."""

    label: Code
    reason: Text


class LabelPrinted(
    Event,
    name="asset.label_printed",
    zh="打印标签，第{issue}次，模板{template}",
    en="Label printed, issue {issue}, template {template}",
):
    """A label with the asset's own code came from the printer; the issues before it are void."""

    issue: Annotated[int, Meta(ge=1, le=ISSUE_MAX)]
    template: Code
    reason: Text = ""


LabelEvent: TypeAlias = LabelBound | LabelVoided | LabelPrinted

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: LabelEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case LabelBound(label=label):
            return replace(asset, label=label, label_issue=asset.label_issue + 1)
        case LabelVoided(label=label):
            return replace(
                asset,
                label="" if asset.label == label else asset.label,
                labels_voided=(*asset.labels_voided, label),
            )
        case LabelPrinted(issue=issue):
            return replace(
                asset,
                label_issue=max(asset.label_issue, issue),
                labels_printed=asset.labels_printed + 1,
            )
        case _:
            assert_never(event)


lifecycle.part(LabelEvent, evolve)

# What may be asked ------------------------------------------------------------

WITHOUT_LABEL = Rule(
    slug="already-labelled",
    zh="该资产已有有效标签；需要新标签时请办理换标。",
    en="The asset has an active label; replace it when it needs a new one.",
    holds=lambda asset, _: not asset.label,
)
WITH_LABEL = Rule(
    slug="no-label",
    zh="该资产没有有效标签。",
    en="The asset has no active label.",
    holds=lambda asset, _: bool(asset.label),
)
VOIDED = Rule(
    slug="label-voided",
    zh="标签 {label} 已在本资产上作废，不能再用；请换一个标签号。",
    en="Label {label} was voided on this asset and is not used again; take another one.",
)

WHY_AGAIN = Rule(
    slug="label-printed-before",
    zh="该资产已经打印过标签（第{issue}次）。重印会使原标签作废，请写明原因。",
    en="A label was printed before (issue {issue}). Printing again voids it: say why.",
)
ISSUES_LEFT = Rule(
    slug="label-issues-used-up",
    zh="该资产的标签已印满999次，不能再印。",
    en="The asset has had 999 labels; no more are printed.",
    holds=lambda asset, _: asset.label_issue < ISSUE_MAX,
)


@lifecycle.verb(
    STILL_OURS, ISSUES_LEFT, zh="打印标签", en="Print a label",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)  # fmt: skip
def print_label(
    asset: Asset, _: Occasion, *, template: Reference, reason: Text = ""
) -> LabelPrinted:
    """Print the next issue of the label; a scan of an earlier one says that it is void."""
    if asset.labels_printed and not reason.strip():
        raise WHY_AGAIN.broken(issue=asset.label_issue)
    return LabelPrinted(issue=asset.label_issue + 1, template=template, reason=reason)


@lifecycle.verb(
    STILL_OURS, WITHOUT_LABEL, zh="贴标", en="Bind a label", roles=(Role.CLERK, Role.KEEPER)
)
def bind_label(
    asset: Asset, _: Occasion, *, label: Reference, carrier: Carrier = Carrier.QR, note: Text = ""
) -> LabelBound:
    """Put a label on the asset."""
    never_voided(asset, label)
    return LabelBound(label=label, carrier=carrier, note=note)


@lifecycle.verb(
    STILL_OURS, WITH_LABEL, zh="换标", en="Replace the label", roles=(Role.CLERK, Role.KEEPER)
)
def replace_label(
    asset: Asset, _: Occasion, *, label: Reference, reason: Given, carrier: Carrier = Carrier.QR
) -> tuple[LabelVoided, LabelBound]:
    """Void the old label and bind a new one in one act."""
    never_voided(asset, label)
    return (
        LabelVoided(label=asset.label, reason=reason),
        LabelBound(label=label, carrier=carrier),
    )


@lifecycle.verb(
    STILL_OURS, WITH_LABEL, zh="标签作废", en="Void the label", roles=(Role.CLERK, Role.KEEPER)
)
def void_label(asset: Asset, _: Occasion, *, reason: Given) -> LabelVoided:
    """Void the active label; the asset stays without one."""
    return LabelVoided(label=asset.label, reason=reason)


def never_voided(asset: Asset, label: str) -> None:
    """Refuse a label that was voided on this asset, or is the one to be replaced."""
    if label == asset.label or label in asset.labels_voided:
        raise VOIDED.broken(label=label)
