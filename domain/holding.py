"""What a process does to an asset: hold it, let it go, and the rules every case shares.

Approval never moves an asset (DOMAIN.md i.2): a case only holds it; hand-overs move it.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias, TypeVar, assert_never

from msgspec.structs import replace

from domain.asset import Asset, Lock, lifecycle
from domain.decider import Ask, Event, Lifecycle, Occasion, Rule
from domain.values import AssetId, Stream, Text

LIST_MAX = 2000  # assets on one document; each costs at most a handful of entries of one act

# What happened ----------------------------------------------------------------


class HeldForProcess(
    Event,
    name="asset.held_for_process",
    zh="由{case}占用（{lock}）",
    en="Held by {case} ({lock})",
):
    """A case needs the asset undisturbed; only that case may move it now.

    `until` is the last day of a hold that ends by itself; None: the case ends it.
    """

    case: Stream
    lock: Lock
    until: date | None = None


class ReleasedFromProcess(
    Event,
    name="asset.released_from_process",
    zh="{case}不再占用：{reason}",
    en="No longer held by {case}: {reason}",
):
    """The case ended for this asset without moving it."""

    case: Stream
    reason: Text = ""


HoldingEvent: TypeAlias = HeldForProcess | ReleasedFromProcess


class ItemsDeclined(
    Event,
    name="case.items_declined",
    zh="部分物品不予同意：{reason}",
    en="Some of the items declined: {reason}",
    duty="approve",
    papers=(),  # the paper of the decision says it
):
    """The decision takes only part of the list; these are let go."""

    assets: tuple[AssetId, ...]
    reason: Text


# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: HoldingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case HeldForProcess(case=case, lock=lock, until=until):
            return replace(asset, lock=lock, case=case, held_until=until)
        case ReleasedFromProcess():
            return replace(asset, lock=Lock.NONE, case="", held_until=None)
        case _:
            assert_never(event)


lifecycle.part(HoldingEvent, evolve)
C = TypeVar("C", bound=Any)


def evolve_declined(case: C, event: ItemsDeclined) -> C:
    """What a partial decision means for any case: a state with a field `waiting`."""
    return replace(case, waiting=case.waiting.difference(event.assets))


def in_part(lifecycle: Lifecycle[Any]) -> None:
    """Let a kind of case be decided in part."""
    lifecycle.part(ItemsDeclined, evolve_declined)


# What may be asked ------------------------------------------------------------

HELD_BY_CASE = Rule(
    slug="held-by-another-case",
    zh="该资产不由事项 {case} 占用。",
    en="The asset is not held by {case}.",
)
OTHER_PERSON = Rule(
    slug="own-request",
    zh="不能审批自己提出的申请；请由另一人办理。",
    en="Nobody approves their own request; another person must do it.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda case, occasion: case.applicant != occasion.by,
)
ON_THE_LIST = Rule(
    slug="not-on-the-list",
    zh="资产 {asset} 不在本单据的待办清单上。",
    en="Asset {asset} is not on this document's list of what is left to do.",
)
LIST_FILLED = Rule(
    slug="list-empty-or-too-long",
    zh="资产清单应有 1 至 {most} 项，且不得重复；现有 {count} 项。",
    en="The list needs 1 to {most} different assets; it has {count}.",
)
REST_EXPLAINED = Rule(
    slug="rest-without-reason",
    zh="只同意清单中的一部分（{count} 项）时，须说明其余不同意的原因。",
    en="When only part of the list ({count} items) is approved, say why the rest is not.",
)


@lifecycle.verb(zh="解除占用", en="Release", inner=True)
def release(asset: Asset, _: Occasion, *, case: Stream, reason: Text = "") -> ReleasedFromProcess:
    """Let the asset go; only the case that holds it may."""
    held_by(asset, case)
    return ReleasedFromProcess(case=case, reason=reason)


def held_by(asset: Asset, case: str) -> None:
    """Refuse unless `case` holds the asset."""
    if asset.lock is Lock.NONE or asset.case != case:
        raise HELD_BY_CASE.broken(case=case)


def listed(assets: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that is empty, too long, or names something twice."""
    if not 1 <= len(assets) <= LIST_MAX or len(set(assets)) != len(assets):
        raise LIST_FILLED.broken(most=LIST_MAX, count=len(assets))
    return assets


def releases(case: str, assets: tuple[str, ...], reason: str) -> tuple[Ask, ...]:
    """Ask every asset of a case to be let go."""
    return tuple(Ask(f"asset/{a}", "release", {"case": case, "reason": reason}) for a in assets)


def declined(
    case: Any, occasion: Occasion, assets: tuple[str, ...], reason: str
) -> tuple[Event | Ask, ...]:
    """Return what lets go of everything a decision does not name; no name means the whole list."""
    if not assets:
        return ()
    for asset in listed(assets):
        if asset not in case.waiting:
            raise ON_THE_LIST.broken(asset=asset)
    rest = tuple(sorted(case.waiting.difference(assets)))
    if not rest:
        return ()
    if not reason.strip():
        raise REST_EXPLAINED.broken(count=len(assets))
    return (ItemsDeclined(assets=rest, reason=reason), *releases(occasion.stream, rest, reason))
