"""Property for a meeting, an event or a temporary body: it goes to the public warehouse afterwards.

Whoever buys for an occasion that ends says at once what it is and by which day it is handed over
(内蒙古令238号 第17条; 内蒙古机关运行保障条例 第16条). The list stays open until every piece was
received there, or has left the books another way; after its day nothing on it is used on.
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain.approval import UnitsVerified
from domain.asset import ON_BOOKS, Asset, Book
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import ON_THE_LIST, OTHER_PERSON, listed
from domain.open_steps import OpenStep, step_of
from domain.paper_forms import PaperForm
from domain.values import (
    AssetId,
    CaseId,
    Code,
    Given,
    Name,
    PersonId,
    PlaceId,
    Reference,
    Stream,
    Text,
    UnitId,
)
from domain.warehouse import GROUNDS
from domain.words import Role, Term, Words

LAW_HOME = "《内蒙古自治区机关事务管理办法》第17条"


class Occasions(Term):
    """What property was bought for that ends; each is its own ground of intake."""

    EVENT = "event", "会议活动", "a meeting or event"
    TEMPORARY = "temporary", "临时机构", "a temporary body"


class GatheringStatus(Term):
    """Where the list of an occasion stands."""

    NONE = "none", "未登记", "not registered"
    OPEN = "open", "待移交", "to be handed over"
    HOME = "home", "已全部移交", "all handed over"


class Gathering(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was bought for an occasion, by when it comes home, and what has."""

    status: GatheringStatus = GatheringStatus.NONE
    applicant: str = ""
    unit: str = ""
    ground: Occasions | None = None
    purpose: str = ""
    due: date | None = None
    warehouse: str = ""
    waiting: frozenset[str] = frozenset()
    home: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()  # left the books another way
    postponed: int = 0
    intakes: int = 0
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the list stands."""
        counts = (len(self.waiting), len(self.home), len(self.gone))
        if lang == "zh":
            said = "会议活动资产{}：待移交{}项、已移交{}项、另行核销{}项"
            return said.format(self.status.words.zh, *counts)
        said = "The property is {}: {} to hand over, {} handed over, {} left another way"
        return said.format(self.status.words.en, *counts)


lifecycle: Lifecycle[Gathering] = Lifecycle(
    "gathering", Gathering, Words("会议活动资产", "Property for an event")
)

# What happened ----------------------------------------------------------------


class GatheringRegistered(
    Event,
    name="gathering.registered",
    zh="{unit}为{purpose}（{ground}）配置的资产，{due}前移交公物仓",
    en="{unit} has property for {purpose} ({ground}); to the public warehouse by {due}",
    duty="apply",
):
    """#23 What was bought for an occasion that ends, and the day by which it is handed over."""

    applicant: PersonId
    unit: UnitId
    ground: Occasions
    purpose: Name
    due: date
    warehouse: PlaceId
    assets: tuple[AssetId, ...]
    approval_no: Code = ""
    dataset: Code = ""


class GatheringEnlarged(
    Event,
    name="gathering.enlarged",
    zh="增列{assets}",
    en="{assets} added to the list",
    duty="apply",
):
    """#23 More was bought for the occasion."""

    assets: tuple[AssetId, ...]


class HomecomingPostponed(
    Event,
    name="gathering.postponed",
    zh="移交期限延至{due}，批准文号{approval_no}：{reason}",
    en="To be handed over by {due} only, approved as {approval_no}: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """The occasion lasts longer, or takes place later."""

    due: date
    approval_no: Code
    reason: Text


class HomecomingBegun(
    Event,
    name="gathering.intake_applied",
    zh="由入仓单{intake}办理移交：{assets}",
    en="{assets} go home by the intake {intake}",
):
    """#23 The intake is applied for, with the ground of the occasion."""

    intake: CaseId
    assets: tuple[AssetId, ...]


class PieceCameHome(
    Event,
    name="gathering.piece_came_home",
    zh="{asset}已入公物仓",
    en="{asset} is in the public warehouse",
):
    """#25 One piece was received there, by whichever intake."""

    asset: AssetId


class PieceLeftOtherwise(
    Event,
    name="gathering.piece_left_otherwise",
    zh="{asset}已另行核销，不再移交：{reason}",
    en="{asset} left the books another way: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#43 It was lost, scrapped or disposed of: there is nothing left to hand over."""

    asset: AssetId
    reason: Text


GatheringEvent: TypeAlias = (
    GatheringRegistered
    | GatheringEnlarged
    | HomecomingPostponed
    | HomecomingBegun
    | PieceCameHome
    | PieceLeftOtherwise
)


class BoughtForOccasion(
    Event,
    name="asset.bought_for_occasion",
    zh="为{ground}配置，{due}前移交公物仓（{case}）",
    en="For {ground}; to the public warehouse by {due} ({case})",
):
    """#23 It goes to the public warehouse when the occasion is over."""

    case: Stream
    ground: Occasions
    due: date


class OccasionProlonged(
    Event,
    name="asset.occasion_prolonged",
    zh="移交公物仓的期限延至{due}",
    en="To the public warehouse by {due} only",
):
    """It may stay longer."""

    due: date


AssetOccasionEvent: TypeAlias = BoughtForOccasion | OccasionProlonged

# Where that leaves us ---------------------------------------------------------


def evolve(case: Gathering, event: GatheringEvent) -> Gathering:
    """What an event means. Never refuses: it already happened."""
    match event:
        case GatheringRegistered():
            return Gathering(
                status=GatheringStatus.OPEN,
                applicant=event.applicant,
                unit=event.unit,
                ground=event.ground,
                purpose=event.purpose,
                due=event.due,
                warehouse=event.warehouse,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case GatheringEnlarged(assets=assets):
            return replace(case, waiting=case.waiting | frozenset(assets))
        case HomecomingPostponed(due=due):
            return replace(case, due=due, postponed=case.postponed + 1)
        case HomecomingBegun():
            return replace(case, intakes=case.intakes + 1)
        case PieceCameHome(asset=asset):
            return less(replace(case, home=case.home | {asset}), asset)
        case PieceLeftOtherwise(asset=asset):
            return less(replace(case, gone=case.gone | {asset}), asset)
        case _:
            assert_never(event)


def less(case: Gathering, asset: str) -> Gathering:
    """Return the list with one piece that is accounted for; over with the last."""
    waiting = case.waiting - {asset}
    status = case.status if waiting else GatheringStatus.HOME
    return replace(case, waiting=waiting, status=status)


def evolve_asset(asset: Asset, event: AssetOccasionEvent) -> Asset:
    """What an occasion means for the thing; that it came home is told by the warehouse."""
    match event:
        case BoughtForOccasion(case=case, ground=ground, due=due):
            return replace(asset, bought_for=case, bought_for_ground=ground.value, home_by=due)
        case OccasionProlonged(due=due):
            return replace(asset, home_by=due)
        case _:
            assert_never(event)


def verified(case: Gathering, _: UnitsVerified) -> Gathering:
    """What a check of the unit means: it may ask (T51)."""
    return case


lifecycle.part(GatheringEvent, evolve)
lifecycle.part(UnitsVerified, verified)
assets_.lifecycle.part(AssetOccasionEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="gathering-exists",
    zh="该会议活动资产清单已经登记。",
    en="The property of this occasion has been registered already.",
    holds=lambda case, _: case.status is GatheringStatus.NONE,
)
OPEN = Rule(
    slug="gathering-not-open",
    zh="该清单尚未登记，或者已全部移交。",
    en="The list was not registered, or everything on it came home.",
    holds=lambda case, _: case.status is GatheringStatus.OPEN,
)
OWN_OCCASION = Rule(
    slug="another-units-occasion",
    zh="由配置资产的单位自己登记和移交；机关事务管理部门可以代办。",
    en="Who bought the property registers and hands it over; the offices administration may for them.",
)
HOME_AHEAD = Rule(
    slug="home-in-the-past",
    zh="移交期限 {due} 须晚于 {after}。",
    en="The day {due} must be after {after}.",
)
ONE_OCCASION = Rule(
    slug="of-another-occasion",
    zh="该资产已列入另一份会议活动资产清单，或不由该单位保管。",
    en="The asset is on the list of another occasion, or the unit does not hold it.",
)
BOUGHT_FOR_ONE = Rule(
    slug="bought-for-no-occasion",
    zh="该资产不在会议活动资产清单上。",
    en="The asset is on the list of no occasion.",
    holds=lambda asset, _: bool(asset.bought_for),
)
NOT_TO_KEEP = Rule(
    slug="to-be-handed-over",
    zh="该资产仍在账，不得留用或者自行核减，须移交公物仓。",
    en="The asset is on the books still: it is handed over to the public warehouse, not kept.",
    law=LAW_HOME,
    holds=lambda asset, _: asset.book is Book.GONE,
)
REGISTERING = (Role.CLERK, Role.OFFICE)


def own(occasion: Occasion, unit: str) -> None:
    """Refuse who speaks for another unit, unless it is the administration."""
    if occasion.role != Role.OFFICE and not occasion.acts_for(unit):
        raise OWN_OCCASION.broken()


@lifecycle.verb(NEW, zh="登记会议活动资产", en="Register what was bought", roles=REGISTERING)
def register(
    _: Gathering,
    occasion: Occasion,
    *,
    unit: UnitId,
    ground: Occasions,
    purpose: Name,
    due: date,
    warehouse: PlaceId,
    assets: tuple[AssetId, ...],
    approval_no: Code = "",
) -> tuple[Event | Ask, ...]:
    """Say what was bought for a meeting, an event or a temporary body, and when it comes home."""
    own(occasion, unit)
    if due < occasion.on:
        raise HOME_AHEAD.broken(due=due, after=occasion.on)
    registered = GatheringRegistered(
        applicant=occasion.by,
        unit=unit,
        ground=ground,
        purpose=purpose,
        due=due,
        warehouse=warehouse,
        assets=listed(assets),
        approval_no=approval_no,
    )
    return registered, *marked(occasion, unit, ground, due, assets)


def marked(
    occasion: Occasion,
    unit: str,
    ground: Occasions | None,
    due: date | None,
    assets: tuple[str, ...],
) -> tuple[Ask, ...]:
    """Return what a list asks of the cards on it."""
    form = {"case": occasion.stream, "unit": unit, "ground": ground, "due": due}
    return tuple(Ask(f"asset/{a}", "bind_to_occasion", form) for a in assets)


@lifecycle.verb(OPEN, zh="增列资产", en="Add more", roles=REGISTERING)
def enlarge(
    case: Gathering, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[Event | Ask, ...]:
    """Add what was bought for the same occasion since."""
    own(occasion, case.unit)
    added = GatheringEnlarged(assets=listed(assets))
    return added, *marked(occasion, case.unit, case.ground, case.due, assets)


@lifecycle.verb(OPEN, OTHER_PERSON, zh="延长移交期限", en="Postpone", roles=(Role.OFFICE,))
def postpone(
    case: Gathering, occasion: Occasion, *, due: date, approval_no: Reference, reason: Given
) -> tuple[Event | Ask, ...]:
    """Let the property stay longer; somebody other than who registered it decides."""
    after = case.due or occasion.on
    if due <= after:
        raise HOME_AHEAD.broken(due=due, after=after)
    return (
        HomecomingPostponed(due=due, approval_no=approval_no, reason=reason),
        *(Ask(f"asset/{a}", "prolong_occasion", {"due": due}) for a in sorted(case.waiting)),
    )


@lifecycle.verb(OPEN, zh="申请移交入仓", en="Hand over to the warehouse", roles=REGISTERING)
def hand_over(
    case: Gathering, occasion: Occasion, *, assets: tuple[AssetId, ...] = (), note: Text = ""
) -> tuple[Event | Ask, ...]:
    """Apply for the intake of what is named, or of everything left, on the ground of the occasion.

    For a body that has ended already the offices administration does it.
    """
    own(occasion, case.unit)
    going = listed(assets) if assets else tuple(sorted(case.waiting))
    for asset in going:
        if asset not in case.waiting:
            raise ON_THE_LIST.broken(asset=asset)
    assert case.ground is not None
    intake = f"{occasion.stream.partition('/')[2]}.{case.intakes + 1}"
    form = {
        "unit": case.unit,
        "ground": GROUNDS[case.ground.value],
        "warehouse": case.warehouse,
        "assets": going,
        "note": note or case.purpose,
    }
    return (
        HomecomingBegun(intake=intake, assets=going),
        Ask(f"intake/{intake}", "apply", form),
    )


@lifecycle.verb(
    OPEN, OTHER_PERSON, zh="核减已核销的资产", en="Strike off", roles=(Role.OFFICE, Role.FINANCE)
)
def strike_off(
    case: Gathering, _: Occasion, *, asset: AssetId, reason: Given
) -> tuple[Event | Ask, ...]:
    """Take off the list what was lost, scrapped or disposed of; what is on the books stays on it."""
    if asset not in case.waiting:
        raise ON_THE_LIST.broken(asset=asset)
    return PieceLeftOtherwise(asset=asset, reason=reason), Ask(f"asset/{asset}", "be_gone", {})


@lifecycle.verb(zh="移交入仓", en="Come home", inner=True)
def count_home(case: Gathering, _: Occasion, *, asset: AssetId) -> tuple[PieceCameHome, ...]:
    """Count a piece that the warehouse received; nothing where it was counted before."""
    return (PieceCameHome(asset=asset),) if asset in case.waiting else ()


@assets_.lifecycle.verb(ON_BOOKS, zh="列入会议活动资产", en="Bind to an occasion", inner=True)
def bind_to_occasion(
    asset: Asset, _: Occasion, *, case: Stream, unit: UnitId, ground: Occasions, due: date
) -> BoughtForOccasion:
    """Note what the thing was bought for and by when it comes home."""
    if asset.bought_for or asset.custodian != unit:
        raise ONE_OCCASION.broken()
    return BoughtForOccasion(case=case, ground=ground, due=due)


@assets_.lifecycle.verb(BOUGHT_FOR_ONE, zh="延长移交期限", en="Prolong", inner=True)
def prolong_occasion(_: Asset, __: Occasion, *, due: date) -> OccasionProlonged:
    """Note that it may stay longer."""
    return OccasionProlonged(due=due)


@assets_.lifecycle.verb(NOT_TO_KEEP, zh="确认已核销", en="Be gone", inner=True)
def be_gone(_: Asset, __: Occasion) -> tuple[Event, ...]:
    """Confirm that the books carry it no longer."""
    return ()


@step_of(Gathering)
def next_step(case: Gathering) -> OpenStep | None:
    """Say who must do what next: the unit hands over by its day (T34)."""
    if case.status is not GatheringStatus.OPEN:
        return None
    return OpenStep(verb="hand_over", roles=REGISTERING, unit=case.unit, due=case.due)
