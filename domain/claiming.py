"""Claims: a unit holds for some days what is offered for reuse, or a part of it (#29).

Whom an offer is kept for first, how long a claim holds, and who of several gets the thing are told
by the offer, as the rules of its place were on the day it was listed. A hold ends by itself on its
last day, whether or not anybody records that; until then every other way to the thing is shut.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import screening
from domain import unit as units_
from domain.approval import UnitsVerified
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Book, Contender, Lock, Offer
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.exceeding import Count, Takes, held_to_standards
from domain.holding import HeldForProcess, ReleasedFromProcess
from domain.open_steps import OpenStep, step_of
from domain.policy import Priority, Tie, Tier
from domain.screening import Belonging
from domain.splitting import scaled, unscaled
from domain.unit import Level, Unit
from domain.values import (
    AssetId,
    CaseId,
    Code,
    Given,
    Name,
    PersonId,
    PlaceId,
    Quantity,
    Stream,
    Text,
    UnitId,
)
from domain.warehouse import LISTED
from domain.words import Role, Term, Words


class ClaimStatus(Term):
    """Where a claim stands."""

    NONE = "none", "未申领", "not made"
    WAITING = "waiting", "待确定归属", "waiting to be settled"
    HELD = "held", "保留中", "holding"
    LOST = "lost", "未获", "lost"
    RELEASED = "released", "已放弃", "released"
    LAPSED = "lapsed", "已失效", "lapsed"
    REQUESTED = "requested", "已转调剂", "turned into a request"
    TAKEN = "taken", "本单位已领用", "taken within the unit"


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who claims how much of what, until when it is held, and what became of it."""

    status: ClaimStatus = ClaimStatus.NONE
    applicant: str = ""
    unit: str = ""
    asset: str = ""  # the card that is held; of a part, the card it was put on
    item: str = ""
    quantity: str = ""  # empty: all that is on the card
    giver: str = ""
    until: date | None = None
    decided_from: date | None = None
    purpose: str = ""
    demand: str = ""
    case: str = ""  # the reallocation it was turned into
    winner: str = ""  # the claim that got it instead
    reason: str = ""
    number: str = ""
    dataset: str = ""
    beyond: frozenset[str] = frozenset()
    posts: dict[str, int] = {}

    def expired(self, on: date) -> bool:
        """Answer whether the hold ended by itself before a day."""
        return self.status is ClaimStatus.HELD and self.until is not None and on > self.until

    def describe(self, lang: Lang) -> str:
        """Say where the claim stands."""
        status = self.status.words
        if self.status is ClaimStatus.HELD and self.until is not None:
            if lang == "zh":
                return f"申领{status.zh}，保留至{self.until}，逾期自动失效"
            return f"The claim is {status.en} until {self.until} and then lapses by itself"
        if self.status is ClaimStatus.LOST and self.winner:
            if lang == "zh":
                return f"申领{status.zh}，由{self.winner}取得"
            return f"The claim is {status.en}: {self.winner} got it"
        return f"申领{status.zh}" if lang == "zh" else f"The claim is {status.en}"


lifecycle: Lifecycle[Claim] = Lifecycle("claim", Claim, Words("申领", "Claim"))

# What the system has seen; nobody types it (`Occasion.seen`) ---------------------


class SeedSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The fingerprint of the last entry recorded before claims were closed: nobody chose it."""

    claim: str
    position: int
    seed: str


# What happened ----------------------------------------------------------------


class ClaimMade(
    Event,
    name="claim.made",
    zh="{to_unit}申领{asset}，数量{quantity}：{purpose}",
    en="{to_unit} claims {asset}, quantity {quantity}: {purpose}",
    duty="apply",
):
    """#29 A unit wants what is offered. `quantity` None: all of it."""

    applicant: PersonId
    to_unit: UnitId
    asset: AssetId
    quantity: Quantity | None = None
    ground: Priority | None = None
    purpose: Text = ""
    demand: CaseId | None = None


class ClaimEntered(
    Event,
    name="claim.entered",
    zh="已列入申领名单，{decided_from}起确定归属",
    en="Entered among the claims; who gets it is settled from {decided_from}",
):
    """#29 Several may claim until a day, and then the rule of the place settles it (T46)."""

    giver: UnitId
    item: Name
    decided_from: date


class ClaimHeld(
    Event,
    name="claim.held",
    zh="为申领单位保留{asset}（{item}，数量{quantity}）至{until}",
    en="{asset} ({item}, quantity {quantity}) is kept for the claiming unit until {until}",
):
    """#29 Nobody else may have it until that day; `asset` is the card of the part."""

    asset: AssetId
    item: Name
    quantity: Quantity
    giver: UnitId
    until: date


class ClaimLost(
    Event,
    name="claim.lost",
    zh="未获：{reason}（由{winner}取得）",
    en="Lost: {reason} (got by {winner})",
):
    """#29 Another claim got it, or it is no longer offered (then `winner` is None)."""

    reason: Text
    winner: Stream | None = None


class ClaimReleased(
    Event, name="claim.released", zh="放弃申领：{reason}", en="Claim released: {reason}"
):
    """#29 The unit does not want it after all."""

    reason: Text


class ClaimLapsed(
    Event, name="claim.lapsed", zh="保留期于{until}届满，申领失效", en="The hold ended on {until}"
):
    """#29 The hold ended by itself; this only tells it (T47)."""

    until: date


class ClaimTurned(
    Event,
    name="claim.turned_into_request",
    zh="转为调剂申请{case}",
    en="Turned into the reallocation request {case}",
):
    """#29 The thing goes on being reserved, for the reallocation now."""

    case: Stream


class ClaimTaken(
    Event,
    name="claim.taken_within_unit",
    zh="本单位领用：{user}",
    en="Taken for use within the unit: {user}",
):
    """#14 The unit that holds it uses it itself."""

    user: PersonId


ClaimEvent: TypeAlias = (
    ClaimMade
    | ClaimEntered
    | ClaimHeld
    | ClaimLost
    | ClaimReleased
    | ClaimLapsed
    | ClaimTurned
    | ClaimTaken
    | UnitsVerified
)


class ClaimQueued(
    Event,
    name="asset.claim_queued",
    zh="{unit}申领（{case}），{decided_from}起确定归属",
    en="{unit} claims it ({case}); settled from {decided_from}",
):
    """#29 A claim waits with others; nobody else may have the thing until `until`."""

    case: Stream
    unit: UnitId
    rank: int
    entered_on: date
    decided_from: date
    until: date
    quantity: Quantity | None = None
    wanted_until: date | None = None


class ClaimLeft(
    Event, name="asset.claim_left", zh="{case}退出申领名单", en="{case} claims it no longer"
):
    """#29 A claim that waited was released."""

    case: Stream


class Ranked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim in the order in which things were given out; `got` empty: nothing."""

    case: str
    unit: str
    rank: int
    entered_on: date
    quantity: str = ""
    got: str = ""


class ClaimsSettled(
    Event,
    name="asset.claims_settled",
    zh="按{order}确定归属：{winners}（随机种子{seed}，取自账本第{position}条）",
    en="Settled by {order}: {winners} (seed {seed}, from entry {position} of the log)",
):
    """#29 Who gets it, by which rule; the same claims and seed give the same order again (T46).

    `contenders` are all claims in the order in which they came. `seed` is empty and `position` 0 where
    nothing was drawn.
    """

    order: tuple[Tie, ...]
    contenders: tuple[Ranked, ...]
    winners: tuple[Stream, ...]
    seed: Code = ""
    position: int = 0


ClaimedEvent: TypeAlias = ClaimQueued | ClaimLeft | ClaimsSettled

# Where that leaves us ---------------------------------------------------------


def evolve(claim: Claim, event: ClaimEvent) -> Claim:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ClaimMade():
            return Claim(
                status=ClaimStatus.WAITING,
                applicant=event.applicant,
                unit=event.to_unit,
                asset=event.asset,
                quantity=event.quantity or "",
                purpose=event.purpose,
                demand=event.demand or "",
            )
        case ClaimEntered(giver=giver, item=item, decided_from=decided_from):
            return replace(claim, giver=giver, item=item, decided_from=decided_from)
        case ClaimHeld():
            return replace(
                claim,
                status=ClaimStatus.HELD,
                asset=event.asset,
                item=event.item,
                quantity=event.quantity,
                giver=event.giver,
                until=event.until,
            )
        case ClaimLost(reason=reason, winner=winner):
            return replace(claim, status=ClaimStatus.LOST, reason=reason, winner=winner or "")
        case ClaimReleased(reason=reason):
            return replace(claim, status=ClaimStatus.RELEASED, reason=reason)
        case ClaimLapsed():
            return replace(claim, status=ClaimStatus.LAPSED)
        case ClaimTurned(case=case):
            return replace(claim, status=ClaimStatus.REQUESTED, case=case)
        case ClaimTaken():
            return replace(claim, status=ClaimStatus.TAKEN)
        case UnitsVerified():
            return claim
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: ClaimedEvent) -> Asset:
    """What a claim means for the thing: while several wait, the first of them stands for all."""
    match event:
        case ClaimQueued():
            one = Contender(
                case=event.case,
                unit=event.unit,
                rank=event.rank,
                entered_on=event.entered_on,
                decided_from=event.decided_from,
                quantity=event.quantity or "",
                until=event.wanted_until,
            )
            return held_for(replace(asset, contenders=(*asset.contenders, one)), event.until)
        case ClaimLeft(case=case):
            rest = tuple(one for one in asset.contenders if one.case != case)
            return held_for(replace(asset, contenders=rest), asset.held_until)
        case ClaimsSettled():
            return held_for(replace(asset, contenders=()), None)
        case _:
            assert_never(event)


def held_for(asset: Asset, until: date | None) -> Asset:
    """Return the thing reserved for those who wait; free when nobody does."""
    if not asset.contenders:
        return replace(asset, lock=Lock.NONE, case="", held_until=None)
    return replace(
        asset,
        lock=Lock.RESERVED,
        case=asset.contenders[0].case,
        held_until=until or asset.held_until,
    )


lifecycle.part(ClaimEvent, evolve)
assets_.lifecycle.part(ClaimedEvent, evolve_asset)

# Until when claims are gathered (T46) ---------------------------------------------


def gathered_until(offer: Offer, on: date) -> date | None:
    """Return the day from which the claims of the present window are settled; None: at once."""
    days = offer.claiming.collect_days
    if not days or offer.listed_on is None:
        return None
    window = screening.open_now(screening.openings(offer), on)
    decided_from = (window.opens_on if window else offer.listed_on) + timedelta(days=days)
    return decided_from if on < decided_from else None


# Who of several gets it (T46) ---------------------------------------------------


def in_order(
    order: Iterable[Tie], seed: str, claims: Iterable[Contender | Ranked]
) -> tuple[Contender | Ranked, ...]:
    """Return claims in the order in which things are given out; who came first breaks what is left."""

    def by(numbered: tuple[int, Contender | Ranked]) -> tuple[object, ...]:
        number, one = numbered
        keys: list[object] = []
        for tie in order:
            match tie:
                case Tie.PRIORITY:
                    keys.append(one.rank)
                case Tie.FIRST:
                    keys.append((one.entered_on, number))
                case Tie.DRAW:
                    keys.append(sha256(f"{seed}\n{one.case}".encode()).hexdigest())
        return (*keys, number)

    return tuple(one for _, one in sorted(enumerate(claims), key=by))


def given_out(
    order: Iterable[Tie], seed: str, claims: tuple[Contender | Ranked, ...], there: str
) -> tuple[tuple[str, str], ...]:
    """Return who gets how much, in order; who asks for more than is left gets nothing."""
    rest, given = there, []
    for one in in_order(order, seed, claims):
        (left, asked), places = scaled(rest, one.quantity or there)
        if 0 < asked <= left:
            given.append((one.case, unscaled(asked, places)))
            rest = unscaled(left - asked, places)
    return tuple(given)


def again(event: ClaimsSettled, there: str) -> tuple[str, ...]:
    """Return who gets it when an event is worked out again; `there` is how much there was."""
    return tuple(case for case, _ in given_out(event.order, event.seed, event.contenders, there))


# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="claim-exists",
    zh="该申领已经提出。",
    en="This claim has been made already.",
    holds=lambda claim, _: claim.status is ClaimStatus.NONE,
)
WAITING = Rule(
    slug="claim-not-waiting",
    zh="该申领不在待确定归属的状态。",
    en="The claim does not wait to be settled.",
    holds=lambda claim, _: claim.status is ClaimStatus.WAITING and claim.decided_from is not None,
)
HOLDING = Rule(
    slug="claim-holds-nothing",
    zh="该申领没有保留任何物品，或保留期已满。",
    en="The claim holds nothing, or its time is over.",
    holds=lambda claim, occasion: (
        claim.status is ClaimStatus.HELD and not claim.expired(occasion.on)
    ),
)
ALIVE = Rule(
    slug="claim-over",
    zh="该申领已经办结或尚未提出。",
    en="The claim is over, or was not made.",
    holds=lambda claim, _: claim.status in (ClaimStatus.WAITING, ClaimStatus.HELD),
)
OVERDUE = Rule(
    slug="claim-not-expired",
    zh="保留期尚未届满。",
    en="The hold has not ended yet.",
    holds=lambda claim, occasion: claim.expired(occasion.on),
)
OWN_CLAIM = Rule(
    slug="claims-for-its-own-unit",
    zh="申领由使用单位自己提出和办理；机关事务管理部门可以代办。",
    en="A unit claims for itself; the government offices administration may do it for others.",
)
CLAIMANT = Rule(
    slug="another-units-claim",
    zh="这是其他单位的申领；由该单位或机关事务管理部门办理。",
    en="This is another unit's claim; that unit or the offices administration deals with it.",
    holds=lambda claim, occasion: occasion.role == Role.OFFICE or occasion.acts_for(claim.unit),
)
STILL_OFFERED = Rule(
    slug="offer-over",
    zh="该物品的上架期已于 {offer_until} 截止。",
    en="The offer ended on {offer_until}.",
)
YOUR_TURN = Rule(
    slug="tier-not-open",
    zh="现在的公示范围是：{tier}；您单位可自 {opens_on} 起申领。",
    en="It is offered to {tier} now; your unit may claim it from {opens_on}.",
)
NOT_TAKEN = Rule(
    slug="already-claimed",
    zh="该物品已由 {case} 申领，保留至 {until}；到期未办理的，重新开放。",
    en="It is claimed by {case} and kept until {until}; it is open again if nothing follows.",
)
ENOUGH = Rule(
    slug="not-so-many",
    zh="要 {asked}，在架 {there}；数量须大于零且不超过在架数量。",
    en="{asked} are asked for, {there} are offered.",
)
SETTLED_FIRST = Rule(
    slug="claims-to-be-settled",
    zh="已有单位申领，申领期已过，须先确定归属。",
    en="Others have claimed it and the time for claims is over: that is settled first.",
)
UNTIL_SAID = Rule(
    slug="hold-without-end",
    zh="本地规则没有规定保留天数，请填写保留至哪一天。",
    en="The rules of the place set no time for a hold: say until which day.",
)
UNTIL_WITHIN = Rule(
    slug="hold-out-of-bounds",
    zh="保留至 {until}，应在 {first} 至 {last} 之间。",
    en="A hold until {until}; it may last from {first} to {last}.",
)
RECORDED = Rule(
    slug="no-such-asset",
    zh="没有这项资产。",
    en="There is no such asset.",
    holds=lambda asset, _: asset.book is not Book.NONE,
)
CONTENDED = Rule(
    slug="nobody-waits",
    zh="没有待确定归属的申领。",
    en="No claim waits to be settled.",
    holds=lambda asset, _: bool(asset.contenders),
)
ROUND_OVER = Rule(
    slug="claims-still-open",
    zh="申领期未满，{decided_from} 起才能确定归属。",
    en="Claims are still taken; it is settled from {decided_from}.",
)
SEED_SEEN = Rule(
    slug="draw-without-seed",
    zh="抽签须由系统从账本取得随机种子。",
    en="A draw takes its seed from the log; the system must give it.",
)
ANOTHERS = Rule(
    slug="not-within-the-unit",
    zh="该物品由 {giver} 保管；请转为调剂申请。",
    en="It is kept by {giver}: turn the claim into a reallocation request.",
)


def for_own_unit(occasion: Occasion, unit: str) -> None:
    """Refuse who claims for another unit, unless it is the administration."""
    if occasion.role != Role.OFFICE and not occasion.acts_for(unit):
        raise OWN_CLAIM.broken()


@lifecycle.verb(NEW, zh="申领", en="Claim", roles=(Role.CLERK, Role.OFFICE))
def claim(
    _: Claim,
    occasion: Occasion,
    *,
    asset: AssetId,
    to_unit: UnitId,
    quantity: Quantity | None = None,
    ground: Priority | None = None,
    until: date | None = None,
    purpose: Text = "",
    demand: CaseId | None = None,
) -> tuple[Event | Ask, ...]:
    """Claim a thing that is offered, or a part of what is on its card.

    `until` is the last day of the hold; left out, it is as long as the place allows.
    """
    for_own_unit(occasion, to_unit)
    form = {
        "case": occasion.stream,
        "unit": to_unit,
        "quantity": quantity,
        "rank": occasion.policy.precedence(ground),
        "until": until,
    }
    made = ClaimMade(
        applicant=occasion.by,
        to_unit=to_unit,
        asset=asset,
        quantity=quantity,
        ground=ground,
        purpose=purpose,
        demand=demand,
    )
    return made, Ask(f"asset/{asset}", "hear_claim", form)


@assets_.lifecycle.verb(ON_BOOKS, LISTED, zh="受理申领", en="Hear a claim", inner=True)
def hear_claim(
    asset: Asset,
    occasion: Occasion,
    *,
    case: Stream,
    unit: UnitId,
    quantity: Quantity | None,
    rank: int,
    until: date | None,
) -> tuple[Event | Ask, ...]:
    """Find out where the claiming unit stands to the holder, where that matters."""
    if not screening.openings(asset.offer or Offer()) or not asset.custodian:
        return heard(asset, occasion, case, unit, quantity, rank, until, tuple(Tier))
    form = {
        "asset": occasion.stream,
        "own": unit in (asset.custodian, asset.accounting_unit),
        "case": case,
        "unit": unit,
        "quantity": quantity,
        "rank": rank,
        "until": until,
    }
    return (Ask(f"unit/{asset.custodian}", "compare_claimant", form),)


@units_.lifecycle.verb(zh="比较申领单位", en="Compare with a claimant", inner=True)
def compare_claimant(
    giver: Unit,
    _: Occasion,
    *,
    asset: Stream,
    own: bool,
    case: Stream,
    unit: UnitId,
    quantity: Quantity | None,
    rank: int,
    until: date | None,
) -> Ask:
    """Tell the claiming unit where the holder belongs, so that it can say how far they are apart."""
    form = {
        "asset": asset,
        "own": own,
        "level": giver.level,
        "region": giver.region,
        "competent": giver.competent,
        "case": case,
        "quantity": quantity,
        "rank": rank,
        "until": until,
        "unit": unit,
    }
    return Ask(f"unit/{unit}", "answer_claimant", form)


@units_.lifecycle.verb(zh="说明与持有单位的关系", en="Answer about a claim", inner=True)
def answer_claimant(
    taker: Unit,
    _: Occasion,
    *,
    asset: Stream,
    own: bool,
    level: Level | None,
    region: Code,
    competent: Code,
    case: Stream,
    unit: UnitId,
    quantity: Quantity | None,
    rank: int,
    until: date | None,
) -> Ask:
    """Say in which tiers the claiming unit stands to the holder."""
    giver = Belonging(competent, level or "", region)
    form = {
        "tiers": screening.tiers_of(giver, screening.belonging(taker), own=own),
        "case": case,
        "unit": unit,
        "quantity": quantity,
        "rank": rank,
        "until": until,
    }
    return Ask(f"asset/{asset.partition('/')[2]}", "answer_claim", form)


@assets_.lifecycle.verb(ON_BOOKS, LISTED, zh="答复申领", en="Answer a claim", inner=True)
def answer_claim(
    asset: Asset,
    occasion: Occasion,
    *,
    tiers: tuple[Tier, ...],
    case: Stream,
    unit: UnitId,
    quantity: Quantity | None,
    rank: int,
    until: date | None,
) -> tuple[Event | Ask, ...]:
    """Hold the thing for the claim, or let it wait with others, where it is the unit's turn."""
    return heard(asset, occasion, case, unit, quantity, rank, until, tiers)


def heard(
    asset: Asset,
    occasion: Occasion,
    case: str,
    unit: str,
    quantity: str | None,
    rank: int,
    until: date | None,
    tiers: tuple[Tier, ...],
) -> tuple[Event | Ask, ...]:
    """Return what a claim comes to: a hold, or a place among those who wait; else refuse."""
    offer, on = asset.offer or Offer(), occasion.on
    if offer.offer_until is not None and on > offer.offer_until:
        raise STILL_OFFERED.broken(offer_until=offer.offer_until)
    windows = screening.openings(offer)
    turn = screening.opens_for(windows, tiers)
    if turn is not None and on < turn:
        window = screening.open_now(windows, on)
        raise YOUR_TURN.broken(tier=window.tier if window else Tier.OWN, opens_on=turn)
    (there, asked), _ = scaled(asset.quantity, quantity or asset.quantity)
    if not 0 < asked <= there:
        raise ENOUGH.broken(asked=quantity, there=asset.quantity)
    decided_from = gathered_until(offer, on)
    if asset.contenders and decided_from is None:
        raise SETTLED_FIRST.broken()
    if not asset.contenders and not asset.free(on):
        if asset.claimed:
            raise NOT_TAKEN.broken(case=asset.case, until=asset.held_until)
        raise UNLOCKED.broken()
    last = hold_until(offer, on, until)
    if decided_from is None:
        return held(asset, occasion, case, quantity, last)
    queued = ClaimQueued(
        case=case,
        unit=unit,
        rank=rank,
        entered_on=on,
        decided_from=decided_from,
        until=decided_from + timedelta(days=offer.claiming.collect_days or 0),
        quantity=quantity,
        wanted_until=until,
    )
    told = {"giver": asset.custodian, "item": asset.name, "decided_from": decided_from}
    return queued, *lapsed_before(asset), Ask(case, "enter", told)


def lapsed_before(asset: Asset) -> tuple[Ask, ...]:
    """Tell the claim whose hold ended by itself that it did, when another takes its place."""
    over = asset.claimed and not asset.contenders
    return (Ask(asset.case, "note_lapse", {}),) if over else ()


def hold_until(offer: Offer, on: date, said: date | None) -> date:
    """Return the last day of a hold; refuse one beyond what the place allows, or without end.

    What is not free yet is held as long, from the day on which it will be.
    """
    days = offer.claiming.hold_days
    last = None
    if days is not None:
        last = max(on, offer.available_from or on) + timedelta(days=days)
    if said is None and last is None:
        raise UNTIL_SAID.broken()
    if said is not None and (said < on or (last is not None and said > last)):
        raise UNTIL_WITHIN.broken(until=said, first=on, last=last)
    found = said or last
    assert found is not None
    return found


def held(
    asset: Asset, occasion: Occasion, case: str, quantity: str | None, until: date
) -> tuple[Event | Ask, ...]:
    """Return what holds all that is on the card, or puts a part on a card of its own to hold that."""
    me = occasion.stream.partition("/")[2]
    before = lapsed_before(asset)
    if (
        quantity is not None
        and scaled(asset.quantity, quantity)[0][0] != scaled(asset.quantity, quantity)[0][1]
    ):
        part = f"{me}.{asset.split_off + 1}"
        return (
            *before,
            Ask(occasion.stream, "split", {"quantity": quantity, "reason": f"申领{case}"}),
            Ask(f"asset/{part}", "hold_for_claim", {"case": case, "until": until}),
        )
    told = {
        "asset": me,
        "item": asset.name,
        "quantity": asset.quantity,
        "giver": asset.custodian,
        "until": until,
    }
    return (
        *before,
        HeldForProcess(case=case, lock=Lock.RESERVED, until=until),
        Ask(case, "hold", told),
    )


@assets_.lifecycle.verb(ON_BOOKS, UNLOCKED, zh="申领占用", en="Hold for a claim", inner=True)
def hold_for_claim(
    asset: Asset, occasion: Occasion, *, case: Stream, until: date
) -> tuple[Event | Ask, ...]:
    """Hold all that is on this card."""
    return held(asset, occasion, case, None, until)


@lifecycle.verb(zh="列入名单", en="Enter among the claims", inner=True)
def enter(_: Claim, __: Occasion, *, giver: UnitId, item: Name, decided_from: date) -> ClaimEntered:
    """Wait with others until it is settled who gets it."""
    return ClaimEntered(giver=giver, item=item, decided_from=decided_from)


@lifecycle.verb(zh="保留", en="Hold", inner=True)
def hold(
    _: Claim,
    __: Occasion,
    *,
    asset: AssetId,
    item: Name,
    quantity: Quantity,
    giver: UnitId,
    until: date,
) -> ClaimHeld:
    """Note that the thing is kept for the claim."""
    return ClaimHeld(asset=asset, item=item, quantity=quantity, giver=giver, until=until)


@lifecycle.verb(zh="未获", en="Lose", inner=True)
def lose(claim_: Claim, __: Occasion, *, reason: Text, winner: Stream | None) -> ClaimLost:
    """Note that the claim did not get it."""
    return ClaimLost(reason=reason, winner=winner)


@lifecycle.verb(zh="告知失效", en="Note the end of the hold", inner=True)
def note_lapse(claim_: Claim, occasion: Occasion) -> tuple[ClaimLapsed, ...]:
    """Tell that the hold ended by itself; nothing where that was told already."""
    return (
        (ClaimLapsed(until=claim_.until),) if claim_.expired(occasion.on) and claim_.until else ()
    )


@lifecycle.verb(
    ALIVE, CLAIMANT, zh="放弃申领", en="Release the claim", roles=(Role.CLERK, Role.OFFICE)
)
def release_claim(claim_: Claim, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Let others have it."""
    form = {"case": occasion.stream, "reason": reason}
    return ClaimReleased(reason=reason), Ask(f"asset/{claim_.asset}", "let_go_of_claim", form)


@lifecycle.verb(
    OVERDUE,
    zh="登记失效",
    en="Record the lapse",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def lapse(claim_: Claim, occasion: Occasion) -> tuple[Event | Ask, ...]:
    """Record that the hold ended by itself; it holds nothing since then anyhow."""
    assert claim_.until is not None
    form = {"case": occasion.stream, "reason": "保留期满"}
    return ClaimLapsed(until=claim_.until), Ask(f"asset/{claim_.asset}", "let_go_of_claim", form)


@assets_.lifecycle.verb(RECORDED, zh="解除申领占用", en="Let go of a claim", inner=True)
def let_go_of_claim(
    asset: Asset, _: Occasion, *, case: Stream, reason: Text
) -> tuple[ReleasedFromProcess | ClaimLeft, ...]:
    """Let the thing go, if the claim still holds it or waits for it."""
    if any(one.case == case for one in asset.contenders):
        return (ClaimLeft(case=case),)
    if asset.lock is Lock.NONE or asset.case != case:
        return ()
    return (ReleasedFromProcess(case=case, reason=reason),)


@lifecycle.verb(
    HOLDING,
    CLAIMANT,
    zh="转为调剂申请",
    en="Turn into a reallocation request",
    roles=(Role.CLERK, Role.OFFICE),
)
def turn_into_request(
    claim_: Claim, occasion: Occasion, *, purpose: Text = "", posts: Count | None = None
) -> tuple[Event | Ask, ...]:
    """Ask for the thing that is held, once it is free; it stays reserved for the reallocation.

    A claim made for a want meets it by this. `posts` is how many posts the unit has, where a
    standard is for each post (T49).
    """
    case = f"reallocation/{occasion.stream.partition('/')[2]}"
    form = {
        "case": occasion.stream,
        "request": case,
        "to_unit": claim_.unit,
        "purpose": purpose or claim_.purpose,
        "demand": claim_.demand or None,
        "posts": posts,
    }
    return ClaimTurned(case=case), Ask(f"asset/{claim_.asset}", "yield_to_request", form)


@assets_.lifecycle.verb(ON_BOOKS, zh="转为调剂占用", en="Yield to a request", inner=True)
def yield_to_request(
    asset: Asset,
    occasion: Occasion,
    *,
    case: Stream,
    request: Stream,
    to_unit: UnitId,
    purpose: Text,
    demand: CaseId | None = None,
    posts: Count | None = None,
) -> tuple[Event | Ask, ...]:
    """Let the claim go and the request for the same thing take its place, in one act."""
    if not (asset.custodian and asset.name):  # no card was ever opened
        raise ON_BOOKS.broken()
    form = {
        "from_unit": asset.custodian,
        "to_unit": to_unit,
        "item": asset.name,
        "assets": (occasion.stream.partition("/")[2],),
        "purpose": purpose,
        "demand": demand,
        "posts": posts,
    }
    return (
        *let_go_of_claim(asset, occasion, case=case, reason=f"转为{request}"),
        Ask(f"reallocation/{request.partition('/')[2]}", "request", form),
    )


@lifecycle.verb(
    HOLDING, CLAIMANT, zh="本单位领用", en="Use within the unit", roles=(Role.CLERK, Role.OFFICE)
)
def use_within(
    claim_: Claim,
    occasion: Occasion,
    *,
    user: PersonId,
    place: PlaceId | None = None,
) -> tuple[Event | Ask, ...]:
    """Issue what the unit holds itself to the person who will use it."""
    if claim_.unit != claim_.giver:
        raise ANOTHERS.broken(giver=claim_.giver)
    thing = f"asset/{claim_.asset}"
    return (
        ClaimTaken(user=user),
        Ask(thing, "let_go_of_claim", {"case": occasion.stream, "reason": "本单位领用"}),
        Ask(thing, "issue", {"user": user, "place": place, "purpose": claim_.purpose}),
    )


@lifecycle.verb(WAITING, zh="确定归属", en="Settle who gets it", roles=(Role.OFFICE, Role.KEEPER))
def settle(claim_: Claim, occasion: Occasion) -> tuple[Ask, ...]:
    """Settle by the rule of the offer who of those who claimed it gets it."""
    seen = next(
        (s for s in occasion.seen if isinstance(s, SeedSeen) and s.claim == occasion.stream), None
    )
    form = {"seed": seen.seed if seen else "", "position": seen.position if seen else 0}
    return (Ask(f"asset/{claim_.asset}", "settle_claims", form),)


@assets_.lifecycle.verb(
    ON_BOOKS, LISTED, CONTENDED, zh="确定申领归属", en="Settle the claims", inner=True
)
def settle_claims(
    asset: Asset, occasion: Occasion, *, seed: Code, position: int
) -> tuple[Event | Ask, ...]:
    """Give out what is offered, in the order of the rule; the others hear who got it."""
    offer, claims = asset.offer or Offer(), asset.contenders
    decided_from = max(one.decided_from for one in claims)
    if occasion.on < decided_from:
        raise ROUND_OVER.broken(decided_from=decided_from)
    drawn = Tie.DRAW in offer.claiming.order
    if drawn and not seed:
        raise SEED_SEEN.broken()
    order, seed = offer.claiming.order, seed if drawn else ""
    given = dict(given_out(order, seed, claims, asset.quantity))
    settled = ClaimsSettled(
        order=order,
        contenders=tuple(
            Ranked(
                case=one.case,
                unit=one.unit,
                rank=one.rank,
                entered_on=one.entered_on,
                quantity=one.quantity,
                got=given.get(one.case, ""),
            )
            for one in claims
        ),
        winners=tuple(given),
        seed=seed,
        position=position if drawn else 0,
    )
    first = next(iter(given), None)
    why = "、".join(tie.words.zh for tie in order)
    lost = {"winner": first, "reason": f"按{why}确定归属"}
    wanted = {one.case: one.until for one in claims}
    return (
        settled,
        *(
            Ask(occasion.stream, "give_to_claim", {"case": c, "quantity": q, "until": wanted[c]})
            for c, q in given.items()
        ),
        *(Ask(one.case, "lose", lost) for one in claims if one.case not in given),
    )


@assets_.lifecycle.verb(ON_BOOKS, UNLOCKED, zh="归于申领", en="Give to a claim", inner=True)
def give_to_claim(
    asset: Asset, occasion: Occasion, *, case: Stream, quantity: Quantity, until: date | None
) -> tuple[Event | Ask, ...]:
    """Hold for a claim what it was given."""
    offer = asset.offer or Offer()
    wanted = until if until is not None and until >= occasion.on else None
    days = offer.claiming.hold_days or offer.claiming.collect_days or 0
    last = max(occasion.on, offer.available_from or occasion.on) + timedelta(days=days)
    return held(asset, occasion, case, quantity, min(wanted or last, last))


def takes(claim_: Claim, verb: str, _: object) -> tuple[Takes, ...]:
    """Return what turning a claim into a request brings the unit."""
    if verb != "turn_into_request":
        return ()
    return (Takes(claim_.unit, (claim_.asset,), judged_by="reallocation"),)


held_to_standards(lifecycle, takes)


@step_of(Claim)
def next_step(claim_: Claim) -> OpenStep | None:
    """Say who must do what next: settle who gets it, or ask for it before the hold ends."""
    match claim_.status:
        case ClaimStatus.WAITING:
            roles = (Role.OFFICE, Role.KEEPER)
            return OpenStep(verb="settle", roles=roles, unit=claim_.giver)
        case ClaimStatus.HELD if claim_.unit == claim_.giver:
            return OpenStep(
                verb="use_within", roles=(Role.CLERK,), unit=claim_.unit, due=claim_.until
            )
        case ClaimStatus.HELD:
            return OpenStep(
                verb="turn_into_request", roles=(Role.CLERK,), unit=claim_.unit, due=claim_.until
            )
        case _:
            return None
