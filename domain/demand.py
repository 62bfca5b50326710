"""Demand: what a unit wants from what others can spare, open until it is met (#28, T42).

A want is put forward once and stays. Whatever is listed later is tried against it, reallocations
meet it in part or whole, and what comes to nothing opens it again. Which wants go first is a
question to the rules of the place on the day (内蒙古机关运行保障条例 第16条).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.approval import UnitsVerified
from domain.asset import Kind
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.exceeding import Count, Excess, Takes, held_to_standards, judged, stated, told
from domain.open_steps import OpenStep, step_of
from domain.paper_forms import PaperForm
from domain.policy import Priority
from domain.searching import Piece, Thing, of_class
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
from domain.values import (
    quantity as decimal,
)
from domain.words import Role, Term, Words

OFFERS_MAX = 50  # fitting things that wait for an answer at one want; more wait on its page
TOLD_MAX = 20  # wants that hear of one newly listed thing at once; the rest find it on their page
Score: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Rank: TypeAlias = Annotated[int, Meta(ge=0, le=1_000)]
Number: TypeAlias = Annotated[int, Meta(ge=1, le=1_000)]


class DemandStatus(Term):
    """Where a want stands."""

    NONE = "none", "未登记", "not registered"
    OPEN = "open", "待满足", "open"
    PARTLY = "partly_met", "部分满足", "met in part"
    MET = "met", "已满足", "met"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    LAPSED = "lapsed", "已过期", "lapsed"


class Claim(msgspec.Struct, frozen=True):
    """One card on its way to the want: by which reallocation, how many, and whether it came."""

    case: str
    asset: str
    quantity: str
    came: bool = False


class Demand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is wanted, by when, and what has come or is coming of it."""

    status: DemandStatus = DemandStatus.NONE
    applicant: str = ""
    unit: str = ""
    kind: Kind = Kind.OTHER
    class_code: str = ""
    class_scheme: str = ""
    item: str = ""
    specification: str = ""
    quantity: str = "0"
    measure: str = ""
    place: str = ""
    needed_by: date | None = None
    purpose: str = ""
    need: Priority | None = None
    rank: int = 0
    plan: str = ""
    plan_line: int = 0
    claims: tuple[Claim, ...] = ()
    offered: tuple[tuple[str, int], ...] = ()  # things that fit, with their score, unanswered
    ahead: tuple[tuple[str, date], ...] = ()  # things that fit, open to the unit from a day
    declined: frozenset[str] = frozenset()
    beyond: frozenset[Excess] = frozenset()
    posts: dict[str, int] = {}
    number: str = ""
    dataset: str = ""

    @property
    def came(self) -> Decimal:
        """Return how many have come."""
        return sum((Decimal(c.quantity) for c in self.claims if c.came), Decimal(0))

    @property
    def coming(self) -> Decimal:
        """Return how many a reallocation is about."""
        return sum((Decimal(c.quantity) for c in self.claims if not c.came), Decimal(0))

    @property
    def left(self) -> Decimal:
        """Return how many are still wanted; nothing once it is over."""
        if self.status not in OPEN_STATUSES:
            return Decimal(0)
        return max(Decimal(self.quantity) - self.came - self.coming, Decimal(0))

    def describe(self, lang: Lang) -> str:
        """Say where the want stands."""
        said = (decimal(self.came), decimal(self.coming), decimal(self.left))
        status = self.status.words
        if self.status is DemandStatus.NONE:
            return "尚无此需求" if lang == "zh" else "There is no such want yet"
        if lang == "zh":
            head = "需求{}：需{}{}，已调入{}、办理中{}、还需{}".format(
                status.zh, self.quantity, self.measure, *said
            )
        else:
            head = "The want is {}: {} {} wanted, {} came, {} under way, {} still wanted".format(
                status.en, self.quantity, self.measure, *said
            )
        return head + told(self, lang)


OPEN_STATUSES = frozenset({DemandStatus.OPEN, DemandStatus.PARTLY})
lifecycle: Lifecycle[Demand] = Lifecycle("demand", Demand, Words("需求", "Want"))

# What happened ----------------------------------------------------------------


class DemandPublished(
    Event,
    name="demand.published",
    zh="{to_unit}发布需求：{item}，数量{quantity}{measure}，{needed_by}前需要（{need}）",
    en="{to_unit} wants {item}, {quantity} {measure}, by {needed_by} ({need})",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#28 A unit says what it needs; `class_code` is of the version that `class_scheme` names.

    `need` is what it is for, where rules let that go first, and `rank` how early they let it go, 0
    before all others; `plan` and `plan_line` name the line of a configuration plan it is for.
    """

    applicant: PersonId
    to_unit: UnitId
    kind: Kind
    item: Name
    quantity: Quantity
    needed_by: date
    need: Priority | None
    rank: Rank
    class_code: Code = ""
    class_scheme: Code = ""
    specification: Text = ""
    measure: Code = ""
    place: PlaceId | None = None
    purpose: Text = ""
    plan: CaseId | None = None
    plan_line: Number | None = None
    dataset: Code = ""


class DemandAmended(
    Event,
    name="demand.amended",
    zh="修改需求：数量{quantity}，{needed_by}前需要，{reason}",
    en="Want amended: {quantity}, by {needed_by}, {reason}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
):
    """#28 The unit needs more or fewer, another make, elsewhere or at another time."""

    quantity: Quantity
    needed_by: date
    reason: Text
    specification: Text = ""
    place: PlaceId | None = None
    purpose: Text = ""


class DemandWithdrawn(
    Event,
    name="demand.withdrawn",
    zh="撤回需求：{reason}",
    en="Want withdrawn: {reason}",
    duty="apply",
):
    """#28 It is not needed any more; what is on its way still comes."""

    reason: Text


class OfferFound(
    Event,
    name="demand.offer_found",
    zh="新上架的{asset}符合需求，得分{score}（{rules}）",
    en="{asset}, newly listed, fits the want: {score} points ({rules})",
):
    """#29 The system tried a newly listed thing against the want (T42).

    `rules` is the version of the scoring: the same thing and want score the same by it.
    """

    asset: AssetId
    score: Score
    rules: Code


class OfferAhead(
    Event,
    name="demand.offer_ahead",
    zh="上架的{asset}符合需求，{opens_on}起对本单位开放申领，得分{score}（{rules}）",
    en="{asset}, on offer, fits the want and is open to the unit from {opens_on}: {score} points"
    " ({rules})",
):
    """#29 Something fits that is kept for other tiers first: the day of its turn is known (T45).

    `score` is what it scores on that day, if neither changes.
    """

    asset: AssetId
    opens_on: date
    score: Score
    rules: Code


class OfferTurnedDown(
    Event,
    name="demand.offer_turned_down",
    zh="{asset}不适用：{reason}",
    en="{asset} will not do: {reason}",
):
    """#29 Why something that fits by the rules is not wanted; it is not offered again."""

    asset: AssetId
    reason: Text


class DemandClaimed(
    Event,
    name="demand.claimed",
    zh="{case}为其办理调剂{assets}",
    en="{case} reallocates {assets} to meet it",
):
    """#29 A reallocation is asked for; so much less is wanted of others."""

    case: Stream
    assets: tuple[AssetId, ...]
    quantities: tuple[Quantity, ...]


class DemandMetInPart(
    Event,
    name="demand.met_in_part",
    zh="{case}调入{asset}，数量{quantity}，部分满足",
    en="{asset} came by {case}, {quantity}: met in part",
):
    """#29 One card came; more is wanted."""

    case: Stream
    asset: AssetId
    quantity: Quantity


class DemandMet(
    Event,
    name="demand.met",
    zh="{case}调入{asset}，数量{quantity}，需求已满足",
    en="{asset} came by {case}, {quantity}: the want is met",
):
    """#29 One card came, and nothing more is wanted."""

    case: Stream
    asset: AssetId
    quantity: Quantity


class DemandReopened(
    Event,
    name="demand.reopened",
    zh="{case}不再调剂{assets}，继续求购：{reason}",
    en="{case} does not bring {assets}; wanted again: {reason}",
):
    """#29 What a reallocation was to bring does not come by it."""

    case: Stream
    assets: tuple[AssetId, ...]
    reason: Text = ""


class DemandLapsed(
    Event,
    name="demand.lapsed",
    zh="需求过期：{needed_by}前需要，逾{days}天未满足",
    en="Want lapsed: needed by {needed_by}, not met {days} days later",
):
    """#28 It was needed by a day, and the rules of the place keep it open so long and no longer."""

    needed_by: date
    days: int


DemandEvent: TypeAlias = (
    DemandPublished
    | DemandAmended
    | DemandWithdrawn
    | OfferFound
    | OfferAhead
    | OfferTurnedDown
    | DemandClaimed
    | DemandMetInPart
    | DemandMet
    | DemandReopened
    | DemandLapsed
)

# Where that leaves us ---------------------------------------------------------


def evolve(demand: Demand, event: DemandEvent) -> Demand:
    """What an event means. Never refuses: it already happened."""
    match event:
        case DemandPublished():
            return published(event)
        case DemandAmended():
            amended = replace(
                demand,
                quantity=event.quantity,
                needed_by=event.needed_by,
                specification=event.specification,
                place=event.place or "",
                purpose=event.purpose,
                beyond=frozenset(),
            )
            return replace(amended, status=stands(amended))
        case DemandWithdrawn():
            return replace(demand, status=DemandStatus.WITHDRAWN, offered=(), ahead=())
        case OfferFound(asset=asset, score=score):
            offered = (*without(demand, asset), (asset, score))
            return replace(demand, offered=offered[-OFFERS_MAX:], ahead=later(demand, asset))
        case OfferAhead(asset=asset, opens_on=opens_on):
            ahead = (*later(demand, asset), (asset, opens_on))
            return replace(demand, offered=without(demand, asset), ahead=ahead[-OFFERS_MAX:])
        case OfferTurnedDown(asset=asset):
            return replace(
                demand,
                offered=without(demand, asset),
                ahead=later(demand, asset),
                declined=demand.declined | {asset},
            )
        case DemandClaimed(case=case, assets=assets, quantities=quantities):
            claims = tuple(Claim(case, a, q) for a, q in zip(assets, quantities, strict=False))
            taken = frozenset(assets)
            return replace(
                demand,
                claims=(*kept(demand, case, taken), *claims),
                offered=tuple(one for one in demand.offered if one[0] not in taken),
                ahead=tuple(one for one in demand.ahead if one[0] not in taken),
            )
        case DemandMetInPart(case=case, asset=asset, quantity=many):
            return brought(demand, Claim(case, asset, many, came=True))
        case DemandMet(case=case, asset=asset, quantity=many):
            return brought(demand, Claim(case, asset, many, came=True))
        case DemandReopened(case=case, assets=assets):
            again = replace(demand, claims=kept(demand, case, frozenset(assets)))
            return replace(again, status=stands(again))
        case DemandLapsed():
            return replace(demand, status=DemandStatus.LAPSED, offered=(), ahead=())
        case _:
            assert_never(event)


def published(event: DemandPublished) -> Demand:
    """Return the want as it was put forward."""
    return Demand(
        status=DemandStatus.OPEN,
        applicant=event.applicant,
        unit=event.to_unit,
        kind=event.kind,
        class_code=event.class_code,
        class_scheme=event.class_scheme,
        item=event.item,
        specification=event.specification,
        quantity=event.quantity,
        measure=event.measure,
        place=event.place or "",
        needed_by=event.needed_by,
        purpose=event.purpose,
        need=event.need,
        rank=event.rank,
        plan=event.plan or "",
        plan_line=event.plan_line or 0,
        dataset=event.dataset,
    )


def brought(demand: Demand, claim: Claim) -> Demand:
    """Return the want with one card come."""
    claims = (*kept(demand, claim.case, frozenset({claim.asset})), claim)
    now = replace(demand, claims=claims)
    return replace(now, status=stands(now))


def kept(demand: Demand, case: str, assets: frozenset[str]) -> tuple[Claim, ...]:
    """Return the claims but those of a case to some cards."""
    return tuple(c for c in demand.claims if c.case != case or c.asset not in assets)


def without(demand: Demand, asset: str) -> tuple[tuple[str, int], ...]:
    """Return what is offered but one thing."""
    return tuple(one for one in demand.offered if one[0] != asset)


def later(demand: Demand, asset: str) -> tuple[tuple[str, date], ...]:
    """Return what will be open to the unit but one thing."""
    return tuple(one for one in demand.ahead if one[0] != asset)


def stands(demand: Demand) -> DemandStatus:
    """Return whether a want is open, met in part or met; what was let go stays so."""
    if demand.status in (DemandStatus.NONE, DemandStatus.WITHDRAWN, DemandStatus.LAPSED):
        return demand.status
    if demand.came >= Decimal(demand.quantity):
        return DemandStatus.MET
    return DemandStatus.PARTLY if demand.came else DemandStatus.OPEN


def verified(demand: Demand, _: UnitsVerified) -> Demand:
    """What a check of the units means: they may ask (T51)."""
    return demand


lifecycle.part(DemandEvent, evolve)
lifecycle.part(UnitsVerified, verified)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="demand-exists",
    zh="该需求已经发布。",
    en="This want has been published already.",
    holds=lambda demand, _: demand.status is DemandStatus.NONE,
)
OPEN = Rule(
    slug="demand-not-open",
    zh="该需求没有发布，或者已经满足、撤回、过期。",
    en="The want was never published, or is met, withdrawn or lapsed.",
    holds=lambda demand, _: demand.status in OPEN_STATUSES,
)
OWN_NEED = Rule(
    slug="another-units-need",
    zh="只能为本单位（或本单位承接职能的单位）登记、修改需求；代其他单位登记由机关事务管理岗办理。",
    en="A clerk speaks for the needs of their own unit; the offices administration for others.",
)
SOMETHING_WANTED = Rule(
    slug="want-of-nothing",
    zh="需求数量须大于零。",
    en="The quantity wanted must be more than nothing.",
)
AHEAD = Rule(
    slug="needed-in-the-past",
    zh="需用日期 {needed_by} 早于业务日期 {on}。",
    en="It cannot be needed by {needed_by}, before the business date {on}.",
)
NOT_BELOW = Rule(
    slug="below-what-came",
    zh="数量 {quantity} 少于已调入和办理中的 {bound}。",
    en="The quantity {quantity} is less than the {bound} that came or are under way.",
)
NOT_BEYOND = Rule(
    slug="more-than-wanted",
    zh="还需 {left}，本次调剂 {quantity}；请拆分卡片或者先修改需求数量。",
    en="{left} are still wanted, this brings {quantity}; split the card or amend the want first.",
)
FOR_THE_UNIT = Rule(
    slug="want-of-another-unit",
    zh="该需求由 {unit} 提出，不能据此调剂给 {to_unit}。",
    en="The want is that of {unit}; nothing is reallocated to {to_unit} by it.",
)
OF_THE_KIND = Rule(
    slug="not-the-kind-wanted",
    zh="需求为{kind}，{asset} 是{other}。",
    en="What is wanted is {kind}; {asset} is {other}.",
)
OFFERED = Rule(
    slug="was-not-offered",
    zh="{asset} 不在本需求待答复的推荐中。",
    en="{asset} is not among what was offered to this want.",
)
PLAN_WHOLE = Rule(
    slug="plan-line-half-named",
    zh="引用配置计划时，计划和行号须同时填写。",
    en="Name both the plan and its line, or neither.",
)
TIME_TO_LAPSE = Rule(
    slug="too-early-to-lapse",
    zh="需用日期 {needed_by} 后满 {days} 天才可作过期处理。",
    en="A want lapses when {days} days have passed since {needed_by}, not before.",
)
NEVER_LAPSES = Rule(
    slug="wants-never-lapse",
    zh="按{policy}，需求不因时间过期；不再需要的由单位撤回。",
    en="By {policy} a want never lapses; the unit withdraws what it needs no longer.",
)
WANTING = (Role.CLERK, Role.KEEPER, Role.OFFICE)


def own(occasion: Occasion, unit: str) -> None:
    """Refuse who speaks for the needs of a unit not theirs."""
    if occasion.role != Role.OFFICE and not occasion.acts_for(unit):
        raise OWN_NEED.broken()


def wanted_by(occasion: Occasion, quantity: str, needed_by: date) -> None:
    """Refuse nothing, and a day that is past."""
    if not Decimal(quantity):
        raise SOMETHING_WANTED.broken()
    if needed_by < occasion.on:
        raise AHEAD.broken(needed_by=needed_by, on=occasion.on)


@lifecycle.verb(NEW, zh="发布需求", en="Publish a want", roles=WANTING)
def publish(
    _: Demand,
    occasion: Occasion,
    *,
    to_unit: UnitId,
    kind: Kind,
    item: Name,
    quantity: Quantity,
    needed_by: date,
    need: Priority | None = None,
    class_code: Code = "",
    class_scheme: Code = "GB/T 14885-2022",
    specification: Text = "",
    measure: Code = "",
    place: PlaceId | None = None,
    purpose: Text = "",
    plan: CaseId | None = None,
    plan_line: Number | None = None,
    posts: Count | None = None,
) -> tuple[Event | Ask, ...]:
    """Say what the unit needs; it stays open and is tried on everything that is listed.

    `posts` is how many posts the unit has, where a standard is for each post (T49).
    """
    own(occasion, to_unit)
    wanted_by(occasion, quantity, needed_by)
    me = occasion.stream.partition("/")[2]
    if (plan is None) is not (plan_line is None):
        raise PLAN_WHOLE.broken()
    return (
        DemandPublished(
            applicant=occasion.by,
            to_unit=to_unit,
            kind=kind,
            item=item,
            quantity=quantity,
            needed_by=needed_by,
            need=need,
            rank=occasion.policy.precedence(need),
            class_code=class_code,
            class_scheme=class_scheme if class_code else "",
            specification=specification,
            measure=measure,
            place=place,
            purpose=purpose,
            plan=plan,
            plan_line=plan_line,
        ),
        *foreseen(occasion),
        *stated(to_unit, posts),
        *judged(
            occasion, to_unit, {} if posts is None else {to_unit: posts}, cards(kind, quantity)
        ),
        *(
            (Ask(f"plan/{plan}", "name_want", {"line": plan_line, "demand": me, "unit": to_unit}),)
            if plan is not None
            else ()
        ),
    )


@lifecycle.verb(OPEN, zh="修改需求", en="Amend the want", roles=WANTING)
def revise(
    demand: Demand,
    occasion: Occasion,
    *,
    reason: Given,
    quantity: Quantity | None = None,
    needed_by: date | None = None,
    specification: Text | None = None,
    place: PlaceId | None = None,
    purpose: Text | None = None,
) -> tuple[Event | Ask, ...]:
    """Change how many are needed, by when, of which make or where; what is left out stays."""
    own(occasion, demand.unit)
    many = demand.quantity if quantity is None else quantity
    day = needed_by or demand.needed_by or occasion.on
    wanted_by(occasion, many, day)
    bound = demand.came + demand.coming
    if Decimal(many) < bound:
        raise NOT_BELOW.broken(quantity=many, bound=decimal(bound))
    return (
        DemandAmended(
            quantity=many,
            needed_by=day,
            reason=reason,
            specification=demand.specification if specification is None else specification,
            place=place or demand.place or None,
            purpose=demand.purpose if purpose is None else purpose,
        ),
        *judged(occasion, demand.unit, demand.posts, cards(demand.kind, many)),
    )


@lifecycle.verb(OPEN, zh="撤回需求", en="Withdraw the want", roles=WANTING)
def withdraw(demand: Demand, occasion: Occasion, *, reason: Given) -> DemandWithdrawn:
    """Say that nothing more is needed; reallocations under way go on."""
    own(occasion, demand.unit)
    return DemandWithdrawn(reason=reason)


@lifecycle.verb(OPEN, zh="说明不适用", en="Turn down an offer", roles=WANTING)
def turn_down(
    demand: Demand, occasion: Occasion, *, asset: AssetId, reason: Given
) -> OfferTurnedDown:
    """Say why something that fits will not do; it is not offered to this want again."""
    own(occasion, demand.unit)
    return OfferTurnedDown(asset=asset, reason=reason)


@lifecycle.verb(OPEN, zh="作过期处理", en="Let it lapse", roles=(Role.OFFICE, Role.CLERK))
def lapse(demand: Demand, occasion: Occasion) -> DemandLapsed:
    """Close a want that was not met in time, where the rules of the place say so."""
    days = occasion.policy.demand_days
    if days is None:
        raise NEVER_LAPSES.broken(policy=occasion.policy.reference)
    by = demand.needed_by or occasion.on
    if occasion.on <= by + timedelta(days=days):
        raise TIME_TO_LAPSE.broken(needed_by=by, days=days)
    return DemandLapsed(needed_by=by, days=(occasion.on - by).days)


# What a listing and a reallocation ask of it -----------------------------------


@lifecycle.verb(zh="记录推荐", en="Note what fits", inner=True)
def note_offer(
    demand: Demand, _: Occasion, *, asset: AssetId, score: Score, rules: Code
) -> tuple[OfferFound, ...]:
    """Note that a newly listed thing fits; nothing when it is no longer wanted."""
    if not demand.left or asset in demand.declined or asset in dict(demand.offered):
        return ()
    return (OfferFound(asset=asset, score=score, rules=rules),)


@lifecycle.verb(zh="预告推荐", en="Note what will be open", inner=True)
def note_opening(
    demand: Demand, _: Occasion, *, asset: AssetId, opens_on: date, score: Score, rules: Code
) -> tuple[OfferAhead, ...]:
    """Note that a listed thing fits once its window opens; nothing when it is no longer wanted."""
    if not demand.left or asset in demand.declined or (asset, opens_on) in demand.ahead:
        return ()
    return (OfferAhead(asset=asset, opens_on=opens_on, score=score, rules=rules),)


@lifecycle.verb(OPEN, zh="占用需求", en="Claim for a want", inner=True)
def claim(
    demand: Demand,
    _: Occasion,
    *,
    case: Stream,
    to_unit: UnitId,
    pieces: tuple[Piece, ...],
    kinds: tuple[Kind, ...],
) -> tuple[DemandReopened | DemandClaimed, ...]:
    """Let a reallocation meet the want with these cards, instead of those it was about before."""
    if to_unit != demand.unit:
        raise FOR_THE_UNIT.broken(unit=demand.unit, to_unit=to_unit)
    for piece, kind in zip(pieces, kinds, strict=True):
        if kind is not demand.kind:
            raise OF_THE_KIND.broken(kind=demand.kind, asset=piece.asset, other=kind)
    mine = sum((Decimal(c.quantity) for c in demand.claims if c.case == case), Decimal(0))
    many = sum((Decimal(piece.quantity) for piece in pieces), Decimal(0))
    if many > demand.left + mine:
        raise NOT_BEYOND.broken(left=decimal(demand.left + mine), quantity=decimal(many))
    gone = tuple(
        c.asset
        for c in demand.claims
        if c.case == case and c.asset not in {piece.asset for piece in pieces}
    )
    dropped = (DemandReopened(case=case, assets=gone),) if gone else ()
    claimed = DemandClaimed(
        case=case,
        assets=tuple(piece.asset for piece in pieces),
        quantities=tuple(piece.quantity for piece in pieces),
    )
    return (*dropped, claimed)


@lifecycle.verb(zh="释放需求", en="Want again", inner=True)
def want_again(
    demand: Demand, _: Occasion, *, case: Stream, assets: tuple[AssetId, ...], reason: Text = ""
) -> tuple[DemandReopened, ...]:
    """Let others meet what a reallocation does not; nothing when it brought none of it."""
    mine = {c.asset for c in demand.claims if c.case == case and not c.came}
    gone = tuple(asset for asset in assets if asset in mine)
    return (DemandReopened(case=case, assets=gone, reason=reason),) if gone else ()


@lifecycle.verb(zh="需求到货", en="Arrive for a want", inner=True)
def deliver(
    demand: Demand, _: Occasion, *, case: Stream, assets: tuple[AssetId, ...]
) -> tuple[DemandMetInPart | DemandMet, ...]:
    """Count what came by a reallocation; who wants nothing any more still has it."""
    facts: list[DemandMetInPart | DemandMet] = []
    for asset in assets:
        mine = (c for c in demand.claims if (c.case, c.asset, c.came) == (case, asset, False))
        found = next(mine, None)
        if found is None:
            continue
        whole = demand.came + Decimal(found.quantity) >= Decimal(demand.quantity)
        fact = (DemandMet if whole else DemandMetInPart)(
            case=case, asset=asset, quantity=found.quantity
        )
        demand = evolve(demand, fact)
        facts.append(fact)
    return tuple(facts)


# What it is held to ------------------------------------------------------------


def cards(kind: Kind, quantity: str) -> tuple[str, ...]:
    """Return the kind once for each vehicle that is wanted, and once for anything else."""
    return (kind,) * (int(Decimal(quantity)) if kind is Kind.VEHICLE else 1)


def takes(demand: Demand, verb: str, form: Mapping[str, Any]) -> tuple[Takes, ...]:
    """Return what a want would bring the unit, for its standards and quota (T49)."""
    match verb:
        case "publish":
            said = form.get("kind"), form.get("class_code", ""), form.get("quantity")
            unit = form.get("to_unit")
        case "revise":
            said = demand.kind, demand.class_code, form.get("quantity") or demand.quantity
            unit = demand.unit
        case _:
            return ()
    kind, class_code, many = said
    things = would_come(str(kind), str(class_code or ""), many)
    return (Takes(str(unit), (), things=things),) if things else ()


def would_come(kind: str, class_code: str, many: object) -> tuple[Thing, ...]:
    """Return what is wanted as a standard counts it; nothing where the form is wrong."""
    try:
        number = Decimal(str(many))
    except InvalidOperation:
        return ()
    if not number.is_finite() or number <= 0 or kind not in {one.value for one in Kind}:
        return ()
    if kind == Kind.VEHICLE and number <= VEHICLES_MAX:
        return (Thing(kind, class_code, "1", None),) * int(number)
    return (Thing(kind, class_code, decimal(number), None),)


VEHICLES_MAX = 1_000


def fits(demand: Demand, kind: str, class_code: str) -> bool:
    """Answer whether a card may be what is wanted, as far as kind and class say."""
    return kind == demand.kind and of_class(class_code, demand.class_code)


held_to_standards(lifecycle, takes)


@step_of(Demand)
def next_step(demand: Demand) -> OpenStep | None:
    """Say who must do what next: whoever wants it answers what was found; else it just waits.

    What is kept for others first is answered from the day of its turn: nobody has to record that
    the day came.
    """
    if not demand.left or not (demand.offered or demand.ahead):  # or all of it is on its way
        return None
    return OpenStep(
        verb="turn_down",
        roles=(Role.CLERK,),
        unit=demand.unit,
        due=demand.needed_by,
        since=None if demand.offered else min(day for _, day in demand.ahead),
    )


class Fits(msgspec.Struct, frozen=True, kw_only=True):
    """Which wants a thing fits that is about to be listed, with the score of each.

    `ahead` are those that it is open to later, with the day. The system looked; nobody types it
    (`Occasion.seen`).
    """

    stream: str
    rules: str
    wants: tuple[tuple[str, int], ...]
    ahead: tuple[tuple[str, date, int], ...] = ()


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """Which listed things fit a want that is about to be published once their windows open."""

    stream: str
    rules: str
    ahead: tuple[tuple[str, date, int], ...]


def foreseen(occasion: Occasion) -> tuple[OfferAhead, ...]:
    """Return what a want hears at once of things whose window opens to its unit later."""
    return tuple(
        OfferAhead(asset=asset, opens_on=opens_on, score=score, rules=seen.rules)
        for seen in occasion.seen
        if isinstance(seen, Foreseen) and seen.stream == occasion.stream
        for asset, opens_on, score in seen.ahead
    )


def told_of(occasion: Occasion) -> tuple[Ask, ...]:
    """Return what a listing asks of the wants it fits: that they hear of it at once (T42)."""
    me = occasion.stream.partition("/")[2]
    mine = [s for s in occasion.seen if isinstance(s, Fits) and s.stream == occasion.stream]
    return (
        *(
            Ask(f"demand/{want}", "note_offer", {"asset": me, "score": score, "rules": seen.rules})
            for seen in mine
            for want, score in seen.wants
        ),
        *(
            Ask(
                f"demand/{want}",
                "note_opening",
                {"asset": me, "opens_on": opens_on, "score": score, "rules": seen.rules},
            )
            for seen in mine
            for want, opens_on, score in seen.ahead
        ),
    )


def pieces_of(
    listed: Iterable[Any], assets: Iterable[str]
) -> tuple[tuple[Piece, ...], tuple[Kind, ...]]:
    """Return the cards of a reallocation as a want counts them, and their kinds."""
    pairs = list(zip(assets, listed, strict=False))
    return tuple(Piece(a, card.quantity) for a, card in pairs), tuple(
        card.kind for _, card in pairs
    )


def claiming(
    demand: str, case: str, to_unit: str, occasion: Occasion, assets: Iterable[str]
) -> Ask:
    """Return what a reallocation asks of the want it is to meet."""
    pieces, kinds = pieces_of(occasion.listed, assets)
    form = {"case": case, "to_unit": to_unit, "pieces": pieces, "kinds": kinds}
    return Ask(f"demand/{demand}", "claim", form)
