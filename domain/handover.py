"""Handing a thing over takes two people: one gives it out, the other takes it in (T23, T24).

In between it is in transit (在途) and belongs to the case that moves it. A side that does not
confirm leaves it there, on the list of open steps with its age. Approval moves nothing.

A kind of case that moves things has a field `sent: frozenset[tuple[str, str]]` (each piece on the
way, and who gave it), the properties `giver_unit` and `taker_unit`, and calls `moving(lifecycle)`
after its rules. Its verbs answer with `given_out(...)`, and with its own facts for the pairs that
`taken_in(...)` returns; the asset's own verb for the arrival begins with `arrived(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias, TypeVar, assert_never

from msgspec.structs import replace

from domain import asset as assets_
from domain.asset import STILL_OURS, Asset, Book, Custody, Lock
from domain.decider import Ask, Event, Lifecycle, Occasion, Rule
from domain.holding import HELD_BY_CASE, LIST_MAX, ON_THE_LIST, listed
from domain.paper_forms import PaperForm
from domain.values import (
    PRINTABLE,
    AssetId,
    Code,
    Given,
    PersonId,
    Stream,
    Text,
    UnitId,
    Written,
)
from domain.words import Role

# What a scanner typed: a code for each of at most LIST_MAX assets, and what stands between them.
Scans: TypeAlias = Annotated[
    str, Written(max_length=LIST_MAX * 82, pattern=PRINTABLE, extra={"long": True})
]
BETWEEN = re.compile(r"[\n\r\t,，;；、]+")  # a scanner ends each code with a line feed

# What happened ----------------------------------------------------------------


class HandedOut(
    Event,
    name="case.handed_out",
    zh="{giver}交出{asset}，等待对方接收",
    en="{giver} gave out {asset}; the other side has not taken it in yet",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """The giving side let one piece go; `scanned` is the label or number read off it.

    `giver_for` is the person in whose stead the giver acted.
    """

    asset: AssetId
    giver: PersonId
    giver_for: PersonId | None = None
    scanned: Code = ""


class CalledBack(
    Event,
    name="case.called_back",
    zh="{asset}未交接成功，退回交出方：{reason}",
    en="{asset} was not taken in and went back to the giver: {reason}",
):
    """A hand-over failed: the piece is where it was before it was given out."""

    asset: AssetId
    reason: Text


HandOverEvent: TypeAlias = HandedOut | CalledBack


class PutInTransit(
    Event,
    name="asset.put_in_transit",
    zh="交出，在途，去往{to_unit}",
    en="Given out, on its way to {to_unit}",
):
    """It left the giver's hands and nobody has taken it in yet."""

    case: Stream
    to_unit: UnitId | None = None


class CameBackUndelivered(
    Event,
    name="asset.came_back_undelivered",
    zh="未交接成功，退回：{reason}",
    en="Not taken in, came back: {reason}",
):
    """It is where it was before it was given out."""

    case: Stream
    reason: Text


AssetHandOverEvent: TypeAlias = PutInTransit | CameBackUndelivered

# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)


def evolve(case: C, event: HandOverEvent) -> C:
    """What an event means for any case: a state with a field `sent`."""
    match event:
        case HandedOut(asset=asset, giver=giver, giver_for=other):
            persons = [giver] if other is None else [giver, other]
            return replace(case, sent=case.sent | {(asset, person) for person in persons})
        case CalledBack(asset=asset):
            return replace(case, sent=without(case.sent, asset))
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: AssetHandOverEvent) -> Asset:
    """What being on the way means for the thing."""
    match event:
        case PutInTransit(case=case):
            home = asset.custody if asset.home is Custody.NONE else asset.home
            return replace(asset, home=home, custody=Custody.TRANSIT, case=case, listed=False)
        case CameBackUndelivered():
            if asset.borrower:
                return replace(asset, custody=lent_from(asset.home))
            if asset.due is not None:  # out with somebody who is no unit here
                return replace(asset, custody=Custody.LEASED)
            return replace(asset, custody=asset.home, home=Custody.NONE)
        case _:
            assert_never(event)


assets_.lifecycle.part(AssetHandOverEvent, evolve_asset)


def lent_from(home: Custody) -> Custody:
    """Return how a thing is out that comes back to `home`."""
    in_warehouse = home in (Custody.WAREHOUSE, Custody.VIRTUAL)
    return Custody.WAREHOUSE_LENT if in_warehouse else Custody.LENT


def on_the_way(case: Any) -> frozenset[str]:
    """Return the pieces that one side gave out and the other has not taken in."""
    return frozenset(asset for asset, _ in case.sent)


def without(sent: frozenset[tuple[str, str]], asset: str) -> frozenset[tuple[str, str]]:
    """Return who gave what, less one piece that is on the way no longer."""
    return frozenset(pair for pair in sent if pair[0] != asset)


# What may be asked ------------------------------------------------------------

GIVING_SIDE = Rule(
    slug="not-the-giving-side",
    zh="这一步由交出方单位的经办人办理。",
    en="This step is for the unit that gives.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=lambda case, occasion: occasion.acts_for(case.giver_unit),
)
TAKING_SIDE = Rule(
    slug="not-the-taking-side",
    zh="这一步由接收方单位的经办人办理。",
    en="This step is for the unit that takes.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=lambda case, occasion: occasion.acts_for(case.taker_unit),
)
TWO_PEOPLE = Rule(
    slug="gave-it-out-oneself",
    zh="交出与接收须由两人分别办理；您是交出人，请由接收方另一人确认。",
    en="Giving out and taking in are confirmed by two people; you gave it out, "
    "so somebody of the other side confirms.",
    law="《行政事业性国有资产管理条例》第51条",
)
SOMETHING_SENT = Rule(
    slug="nothing-given-out",
    zh="没有已交出而尚未接收的物品。",
    en="Nothing was given out that is not taken in yet.",
    holds=lambda case, _: bool(case.sent),
)
WAY_PROVED = Rule(
    slug="neither-scanned-nor-signed",
    zh="交接须有凭据：请扫描资产 {asset} 的标签（或填资产编号），或附双方签字的交接单。",
    en="A hand-over needs evidence: scan the label (or give the number) of {asset}, "
    "or attach the slip that was signed.",
)
SCANNED_THAT = Rule(
    slug="scanned-something-else",
    zh="扫到的编号 {scanned} 不是资产 {asset} 的标签号或资产编号；请核对实物。",
    en="The code {scanned} is neither the label nor the number of {asset}; look at the thing.",
)
SCANNED_LISTED = Rule(
    slug="scanned-off-the-list",
    zh="扫到的编号 {scanned} 不属于本次清单上的任何一项资产；请核对实物。",
    en="The code {scanned} belongs to none of the assets listed; look at the things.",
)
GIVER_CALLS_BACK = Rule(
    slug="not-its-giver",
    zh="资产 {asset} 由他人交出；请由交出人或机关事务管理部门退回。",
    en="Somebody else gave out {asset}; they or the offices administration call it back.",
)
AT_HAND = Rule(
    slug="not-at-hand",
    zh="该资产不在手上（未到货、在途、维修中或已离场），不能交出。",
    en="The asset is not at hand (not delivered, in transit, under repair or gone).",
    holds=lambda asset, _: (
        asset.custody not in (Custody.NONE, Custody.TRANSIT, Custody.REPAIR, Custody.LEFT)
    ),
)
TAKEN_FROM_TRANSIT = Rule(
    slug="not-given-out",
    zh="该资产尚未由交出方交出，不能接收。",
    en="The other side has not given the asset out yet, so it cannot be taken in.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=lambda asset, _: asset.custody is Custody.TRANSIT,
)


def moving(lifecycle: Lifecycle[Any], meaning: Any = evolve) -> None:
    """Give a kind of case the facts of a hand-over, and the verb that undoes a failed one.

    `meaning` is the kind's own `evolve` of HandOverEvent where it keeps more than `sent`.
    """
    lifecycle.part(HandOverEvent, meaning)
    lifecycle.verb(
        SOMETHING_SENT,
        zh="交接未成退回",
        en="Call back",
        roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
    )(call_back)


def call_back(
    case: Any, occasion: Occasion, *, assets: tuple[AssetId, ...], reason: Given
) -> tuple[Event | Ask, ...]:
    """Take back what was given out and not taken in, as when nobody was there."""
    mine = {asset for asset, person in case.sent if person in persons(occasion)}
    for asset in listed(assets):
        if asset not in on_the_way(case):
            raise ON_THE_LIST.broken(asset=asset)
        if asset not in mine and occasion.role != Role.OFFICE:
            raise GIVER_CALLS_BACK.broken(asset=asset)
    form = {"case": occasion.stream, "reason": reason}
    return (
        *(CalledBack(asset=asset, reason=reason) for asset in assets),
        *(Ask(f"asset/{asset}", "come_back_undelivered", form) for asset in assets),
    )


def given_out(
    case: Any,
    occasion: Occasion,
    assets: tuple[str, ...],
    scanned: str,
    *,
    among: Iterable[str],
    to_unit: str,
) -> tuple[Event | Ask, ...]:
    """Return the giving side's facts and asks for pieces of a case.

    `among` are the pieces that wait to be given out; what is on the way already is refused.
    `scanned` are the codes read off the things, a line each, in any order; what was not scanned
    needs a paper.
    """
    waiting = frozenset(among) - on_the_way(case)
    for asset in listed(assets):
        if asset not in waiting:
            raise ON_THE_LIST.broken(asset=asset)
    codes = read_off(occasion, assets, scanned)
    other = occasion.behalf or None
    return (
        *(HandedOut(asset=a, giver=occasion.by, giver_for=other, scanned=codes[a]) for a in assets),
        *(
            Ask(
                f"asset/{a}",
                "hand_out",
                {"case": occasion.stream, "to_unit": to_unit or None, "scanned": codes[a]},
            )
            for a in assets
        ),
    )


def taken_in(
    case: Any,
    occasion: Occasion,
    assets: tuple[str, ...],
    scanned: str,
    *,
    among: Iterable[str],
) -> tuple[tuple[str, str], ...]:
    """Return each piece with the code read off it, or refuse.

    `among` are the pieces that may arrive on this side; each must be on the way and was given out
    by somebody else, also through delegation.
    """
    arriving = frozenset(among) & on_the_way(case)
    mine = {asset for asset, person in case.sent if person in persons(occasion)}
    for asset in listed(assets):
        if asset not in arriving:
            raise ON_THE_LIST.broken(asset=asset)
        if asset in mine:
            raise TWO_PEOPLE.broken()
    codes = read_off(occasion, assets, scanned)
    return tuple((asset, codes[asset]) for asset in assets)


def persons(occasion: Occasion) -> frozenset[str]:
    """Return who acts, and in whose stead."""
    return frozenset({occasion.by, occasion.behalf} - {""})


def read_off(occasion: Occasion, assets: tuple[str, ...], scanned: str) -> dict[str, str]:
    """Return for each piece the code that was read off it, empty where a paper proves it.

    Codes are matched by what they say where the cards are at hand, else by their order.
    """
    codes = dict.fromkeys(assets, "")
    read = [code for part in BETWEEN.split(scanned) if (code := part.strip())]
    if len(occasion.listed) == len(assets):
        own = {
            code: asset
            for asset, card in zip(assets, occasion.listed, strict=True)
            for code in (card.asset_no, card.label)
            if code
        }
        for code in read:
            if code not in own:
                raise SCANNED_LISTED.broken(scanned=code)
            codes[own[code]] = code
    else:
        codes |= dict(zip(assets, read, strict=False))
    for asset, code in codes.items():
        if not code and not occasion.docs:
            raise WAY_PROVED.broken(asset=asset)
    return codes


def arrived(asset: Asset, case: str, scanned: str) -> None:
    """Refuse unless `case` moves the asset and the code read off it is its own."""
    if asset.case != case:
        raise HELD_BY_CASE.broken(case=case)
    identified(asset, scanned)


def identified(asset: Asset, scanned: str) -> None:
    """Refuse a code that is neither the label nor the number of the asset."""
    if scanned and scanned not in (asset.label, asset.asset_no):
        raise SCANNED_THAT.broken(scanned=scanned, asset=asset.asset_no)


@assets_.lifecycle.verb(STILL_OURS, AT_HAND, zh="交出", en="Give out", inner=True)
def hand_out(
    asset: Asset,
    _: Occasion,
    *,
    case: Stream,
    to_unit: UnitId | None = None,
    scanned: Code = "",
) -> PutInTransit:
    """Let the asset leave the giver's hands; only the case that holds, lent or disposes of it may."""
    lent = asset.custody in (Custody.LENT, Custody.WAREHOUSE_LENT, Custody.LEASED)
    held = lent or asset.lock is not Lock.NONE or asset.book is Book.TO_DISPOSE
    if asset.case != case or not held:
        raise HELD_BY_CASE.broken(case=case)
    identified(asset, scanned)
    return PutInTransit(case=case, to_unit=to_unit)


@assets_.lifecycle.verb(
    STILL_OURS, TAKEN_FROM_TRANSIT, zh="退回交出方", en="Come back undelivered", inner=True
)
def come_back_undelivered(
    asset: Asset, _: Occasion, *, case: Stream, reason: Text
) -> CameBackUndelivered:
    """Let the asset be where it was before it was given out."""
    if asset.case != case:
        raise HELD_BY_CASE.broken(case=case)
    return CameBackUndelivered(case=case, reason=reason)
