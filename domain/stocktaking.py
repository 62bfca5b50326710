"""Stock-taking: a list frozen, counted, reviewed, and every difference closed by an outcome (#50-#54).

The annual count of a unit and the spot check of a sample; the verification census that somebody
competent orders is another procedure (`census`). The list, the scans and the differences are kept
as evidence under their hashes: a stocktake of a hundred thousand things is a dozen entries here.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.asset import Kind, Mode
from domain.counting import Finding
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule, upcaster
from domain.open_steps import OpenStep, step_of
from domain.values import (
    AssetId,
    Code,
    Fen,
    Given,
    Name,
    PersonId,
    PlaceId,
    Reference,
    Text,
    UnitId,
)
from domain.words import Role, Term, Words

PLACES_MAX = 200
CLOSED_AT_ONCE_MAX = 300  # differences that one act closes
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
Reads: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)]
Sample: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
DeviceId: TypeAlias = Code
DifferenceKey: TypeAlias = Reference


class Method(Term):
    """Which count it is; what somebody competent orders is a census."""

    ANNUAL = "annual", "定期盘点", "annual count"
    SPOT = "spot", "抽盘", "spot check"


class StocktakeStatus(Term):
    """Where a stocktake stands."""

    NONE = "none", "未立项", "not planned"
    PLANNED = "planned", "待开盘", "planned"
    COUNTING = "counting", "盘点中", "being counted"
    COUNTED = "counted", "待复核", "counted, to be reviewed"
    REVIEWED = "reviewed", "已复核，差异待处理", "reviewed, differences to be closed"
    CLOSED = "closed", "已结项", "closed"


class Outcome(Term):
    """How a difference ends; a remark is no outcome (T72)."""

    FOUND = "found", "已找到实物", "the thing was found"
    RELOCATED = "relocated", "账面改记为实际地点", "the books now say where it stands"
    REVERSED = "reversed", "系记录有误，已红冲或更正", "a wrong record, reversed or corrected"
    LOSS_APPROVED = "loss_approved", "盘亏已获批准", "the loss is approved"
    SURPLUS_BOOKED = "surplus_booked", "盘盈已入账", "the surplus is booked"
    NOT_OURS = "not_ours", "非本单位资产", "not property of the unit"


class Cause(Term):
    """Why there was a difference (the reason code of the reviewer)."""

    MOVED_UNRECORDED = "moved_unrecorded", "移动未登记", "moved without a record"
    NOT_SCANNED = "not_scanned", "漏盘", "overlooked in the count"
    LABEL_LOST = "label_lost", "标签脱落或损坏", "label lost or damaged"
    LABEL_WRONG = "label_wrong", "贴错标签", "wrong label"
    LOST = "lost", "丢失", "lost"
    STOLEN = "stolen", "被盗", "stolen"
    NEVER_BOOKED = "never_booked", "未入账", "never booked"
    DISPOSED = "disposed", "已处置未销账", "disposed of, still in the books"
    BORROWED = "borrowed", "外单位或个人物品", "belongs to others"
    TYPING = "typing", "录入差错", "mistake in writing"


ENDS: dict[Finding, frozenset[Outcome]] = {
    Finding.MISSING: frozenset({Outcome.FOUND, Outcome.REVERSED, Outcome.LOSS_APPROVED}),
    Finding.MISPLACED: frozenset({Outcome.FOUND, Outcome.RELOCATED, Outcome.REVERSED}),
    Finding.UNEXPECTED: frozenset(
        {Outcome.FOUND, Outcome.RELOCATED, Outcome.REVERSED, Outcome.NOT_OURS}
    ),
    Finding.UNKNOWN: frozenset({Outcome.SURPLUS_BOOKED, Outcome.NOT_OURS, Outcome.REVERSED}),
    Finding.DUPLICATE: frozenset({Outcome.FOUND, Outcome.REVERSED, Outcome.RELOCATED}),
    Finding.MOVED: frozenset({Outcome.FOUND, Outcome.REVERSED, Outcome.LOSS_APPROVED}),
    Finding.MISCOUNTED: frozenset({Outcome.FOUND, Outcome.REVERSED, Outcome.LOSS_APPROVED}),
    Finding.HEARD: frozenset(
        {Outcome.FOUND, Outcome.RELOCATED, Outcome.REVERSED, Outcome.LOSS_APPROVED}
    ),
}


class Stocktake(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a stocktake is, in numbers; what is behind them is named by hash."""

    status: StocktakeStatus = StocktakeStatus.NONE
    applicant: str = ""
    unit: str = ""
    title: str = ""
    method: Method = Method.ANNUAL
    places: tuple[str, ...] = ()
    due: date | None = None
    blind: bool = False
    sample: int = 0
    seed: str = ""
    confirm_from: int | None = None  # fen; worth this much, radio alone does not settle it
    position: int = 0
    items: int = 0
    population: int = 0
    scope: str = ""  # hash of the frozen list
    round: int = 0
    teams: tuple[tuple[str, tuple[str, ...]], ...] = ()
    devices: tuple[tuple[str, str], ...] = ()  # device and the person who counts with it
    written_off: frozenset[str] = frozenset()
    counters: frozenset[str] = frozenset()
    scans: str = ""  # hash of the scans that count
    readings: str = ""  # digest of the radio readings that count
    differences: str = ""  # hash of the list of differences
    right: int = 0
    found: int = 0  # differences
    closed: frozenset[str] = frozenset()
    surpluses: tuple[tuple[str, str], ...] = ()  # difference and the asset made of it
    report: str = ""
    report_en: str = ""
    dataset: str = ""

    @property
    def open(self) -> int:
        """Return how many differences no outcome has closed."""
        return self.found - len(self.closed)

    def surplus_of(self, difference: str) -> str:
        """Return the asset that a difference became; empty when none."""
        return dict(self.surpluses).get(difference, "")

    def describe(self, lang: Lang) -> str:
        """Say where the stocktake stands."""
        counted = self.status not in _BEFORE_RESULT
        if lang == "zh":
            said = f"盘点{self.status.words.zh}"
            said += f"，应盘{self.items}项" if self.scope else ""
            return said + (f"，相符{self.right}项，差异尚余{self.open}项" if counted else "")
        said = f"The stocktake is {self.status.words.en}"
        said += f", {self.items} on the list" if self.scope else ""
        return said + (f", {self.right} right, {self.open} differences open" if counted else "")


_BEFORE_RESULT = frozenset(
    {StocktakeStatus.NONE, StocktakeStatus.PLANNED, StocktakeStatus.COUNTING}
)
lifecycle: Lifecycle[Stocktake] = Lifecycle("stocktake", Stocktake, Words("资产盘点", "Stocktake"))


# What the system has seen; nobody types it (`Occasion.seen`) ---------------------


class ScopeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The list as the books have it at a position, kept as evidence under its hash."""

    stream: str
    position: int
    items: int
    population: int
    sha256: str


class CountSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What was scanned, and what it comes to; `owing` are devices that have not sent everything."""

    stream: str
    owing: tuple[str, ...]
    accepted: int
    scans: str
    differences: str
    right: int
    repeats: int
    counts: dict[str, int]
    conflicts: int
    reads: int = 0  # by radio readers, repetitions included
    readings: str = ""  # digest of their batches


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One difference as the list of differences has it; `booked` when its surplus is on the books."""

    key: str
    finding: Finding
    asset: str = ""
    places: tuple[str, ...] = ()
    booked: bool = False


class DifferencesSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Those of the named differences that there are."""

    stream: str
    told: tuple[Told, ...]


class ReportSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The report, kept as evidence, and the size and root of the log it was made at.

    `english` is the same report in English, kept beside it.
    """

    stream: str
    sha256: str
    english: str
    size: int
    root: str


Seen: TypeAlias = ScopeSeen | CountSeen | DifferencesSeen | ReportSeen
A = TypeVar("A", ScopeSeen, CountSeen, DifferencesSeen, ReportSeen)


def seen(occasion: Occasion, kind: type[A]) -> A:
    """Return what the system has seen of the stocktake that is asked; refuse when nothing."""
    for one in occasion.seen:
        if isinstance(one, kind) and one.stream == occasion.stream:
            return one
    raise LOOKED_UP.broken()


# What happened ----------------------------------------------------------------


class StocktakePlanned(
    Event,
    name="stocktake.planned",
    version=2,
    zh="盘点立项：{title}（{method}），{due}前完成",
    en="Stocktake planned: {title} ({method}), to be done by {due}",
    duty="lead",
):
    """#50 What will be counted, by when; no places means everything of the unit.

    What is worth `confirm_from` (fen) or more, or nobody knows how much, is counted by its label or
    by a person: what radio heard of it stays open.
    """

    lead: PersonId
    unit: UnitId
    title: Name
    method: Method
    due: date
    places: tuple[PlaceId, ...] = ()
    blind: bool = False
    sample: Sample = 0
    seed: Code = ""
    dataset: Code = ""
    confirm_from: Fen | None = None


@upcaster("stocktake.planned", 1)
def radio_settled_everything(body: dict[str, Any]) -> dict[str, Any]:
    """Read what was planned when radio alone settled the dearest thing."""
    return body | {"confirm_from": None}


class TeamAssigned(
    Event,
    name="stocktake.team_assigned",
    zh="{place}由{people}盘点",
    en="{place} to be counted by {people}",
):
    """#50 Who counts where."""

    place: PlaceId
    people: tuple[PersonId, ...]


class ScopeFrozen(
    Event,
    name="stocktake.scope_frozen",
    zh="开盘：按账本第{position}条冻结清单{items}项，摘要{sha256}",
    en="Count opened: list of {items} frozen at position {position}, digest {sha256}",
):
    """#50 The list stays what it was at a position of the log, whatever moves later (T60)."""

    position: Count
    items: Count
    population: Count
    sha256: Code


class CountJoined(
    Event,
    name="stocktake.count_joined",
    zh="{counter}用设备{device}参加盘点",
    en="{counter} counts with device {device}",
    duty="count",
    papers=(),
):
    """#51 Somebody counts with a device; from now on the device owes what it has scanned."""

    device: DeviceId
    counter: PersonId


class DeviceWrittenOff(
    Event,
    name="stocktake.device_written_off",
    zh="不再等待设备{device}：{reason}",
    en="Device {device} is no longer waited for: {reason}",
):
    """A device is lost or broken; what it still owed is gone, and the report says so."""

    device: DeviceId
    reason: Text


class CountEnded(
    Event,
    name="stocktake.count_ended",
    version=2,
    zh="第{round}轮盘点结束：扫描{scans}次，相符{right}项，未盘到{missing}项，位置不符{misplaced}项，"
    "清单外{unexpected}项，未知标签{unknown}个，一物多处{duplicate}项，期间移位{moved}项，"
    "数量不符{miscounted}项，仅射频读到待核实{heard}项",
    en="Round {round} ended: {scans} scans, {right} right, {missing} missing, {misplaced} misplaced,"
    " {unexpected} unexpected, {unknown} unknown tags, {duplicate} in several places, {moved} moved,"
    " {miscounted} of another quantity, {heard} heard by radio alone",
):
    """#52 What the count comes to; scans and differences are kept as evidence under these hashes."""

    round: Count
    scans: Count
    scans_sha256: Code
    differences_sha256: Code
    right: Count
    missing: Count
    misplaced: Count
    unexpected: Count
    unknown: Count
    duplicate: Count
    moved: Count
    repeats: Count = 0
    conflicts: Count = 0
    reads: Reads = 0
    readings_sha256: Code = ""
    miscounted: Count = 0
    heard: Count = 0


@upcaster("stocktake.count_ended", 1)
def nothing_was_left_to_confirm(body: dict[str, Any]) -> dict[str, Any]:
    """Read what was counted when radio alone settled the dearest thing."""
    return body | {"heard": 0}


class RecountOrdered(
    Event,
    name="stocktake.recount_ordered",
    zh="要求复盘：{reason}",
    en="Recount ordered: {reason}",
    duty="review",
):
    """The reviewer does not accept the count: what differs is counted once more."""

    reason: Text


class CountReviewed(
    Event,
    name="stocktake.reviewed",
    zh="复核通过：{note}",
    en="Reviewed: {note}",
    duty="review",
    boundary=True,
):
    """Somebody who did not count accepts what was counted (T71)."""

    note: Text = ""


class SurplusRecorded(
    Event,
    name="stocktake.surplus_recorded",
    zh="未知标签转为盘盈：{asset}",
    en="Unknown tag becomes a surplus: {asset}",
):
    """#52 What nobody knew is a thing now, waiting to be accepted and booked (T62)."""

    difference: DifferenceKey
    asset: AssetId


class DifferencesClosed(
    Event,
    name="stocktake.differences_closed",
    zh="{count}项差异处理完毕：{outcome}，原因{cause}：{reference}",
    en="{count} differences closed: {outcome}, {cause}: {reference}",
    duty="review",
):
    """#53 These differences ended in this way, for this reason, by this paper."""

    differences: tuple[DifferenceKey, ...]
    count: Count
    outcome: Outcome
    cause: Cause
    reference: Code = ""
    note: Text = ""


class StocktakeClosed(
    Event,
    name="stocktake.closed",
    version=2,
    zh="盘点结项，报告{report_no}，摘要{report_sha256}",
    en="Stocktake closed, report {report_no}, digest {report_sha256}",
    boundary=True,
):
    """#54 The report and the head of the log that it names; it never changes again (T77)."""

    report_no: Code
    report_sha256: Code
    size: Count
    root: Code
    report_en_sha256: Code = ""


@upcaster("stocktake.closed", 1)
def reported_in_chinese_alone(body: dict[str, Any]) -> dict[str, Any]:
    """Read what was written when the report was drawn in Chinese alone."""
    return body | {"report_en_sha256": ""}


StocktakeEvent: TypeAlias = (
    StocktakePlanned
    | TeamAssigned
    | ScopeFrozen
    | CountJoined
    | DeviceWrittenOff
    | CountEnded
    | RecountOrdered
    | CountReviewed
    | SurplusRecorded
    | DifferencesClosed
    | StocktakeClosed
)

# Where that leaves us ---------------------------------------------------------


def evolve(stocktake: Stocktake, event: StocktakeEvent) -> Stocktake:
    """What an event means. Never refuses: it already happened."""
    match event:
        case StocktakePlanned():
            return Stocktake(
                status=StocktakeStatus.PLANNED,
                applicant=event.lead,
                unit=event.unit,
                title=event.title,
                method=event.method,
                places=event.places,
                due=event.due,
                blind=event.blind,
                sample=event.sample,
                seed=event.seed,
                dataset=event.dataset,
                confirm_from=event.confirm_from,
            )
        case TeamAssigned(place=place, people=people):
            rest = tuple(team for team in stocktake.teams if team[0] != place)
            return replace(stocktake, teams=(*rest, (place, people)))
        case ScopeFrozen():
            return replace(
                stocktake,
                status=StocktakeStatus.COUNTING,
                position=event.position,
                items=event.items,
                population=event.population,
                scope=event.sha256,
                round=1,
            )
        case CountJoined(device=device, counter=counter):
            return replace(
                stocktake,
                devices=(*stocktake.devices, (device, counter)),
                counters=stocktake.counters | {counter},
            )
        case DeviceWrittenOff(device=device):
            return replace(stocktake, written_off=stocktake.written_off | {device})
        case CountEnded():
            return replace(
                stocktake,
                status=StocktakeStatus.COUNTED,
                scans=event.scans_sha256,
                readings=event.readings_sha256,
                differences=event.differences_sha256,
                right=event.right,
                found=event.missing
                + event.misplaced
                + event.unexpected
                + event.unknown
                + event.duplicate
                + event.moved
                + event.miscounted
                + event.heard,
            )
        case RecountOrdered():
            return replace(stocktake, status=StocktakeStatus.COUNTING, round=stocktake.round + 1)
        case CountReviewed():
            return replace(stocktake, status=StocktakeStatus.REVIEWED)
        case SurplusRecorded(difference=difference, asset=asset):
            return replace(stocktake, surpluses=(*stocktake.surpluses, (difference, asset)))
        case DifferencesClosed(differences=differences):
            return replace(stocktake, closed=stocktake.closed.union(differences))
        case StocktakeClosed(report_sha256=report, report_en_sha256=english):
            return replace(
                stocktake, status=StocktakeStatus.CLOSED, report=report, report_en=english
            )
        case _:
            assert_never(event)


lifecycle.part(StocktakeEvent, evolve)


@step_of(Stocktake)
def what_is_next(stocktake: Stocktake) -> OpenStep | None:
    """Return what must be done next with a stocktake."""
    match stocktake.status:
        case StocktakeStatus.PLANNED:
            return OpenStep(verb="begin_count", roles=LEADING, unit=stocktake.unit)
        case StocktakeStatus.COUNTING:
            return OpenStep(verb="end_count", roles=LEADING, unit=stocktake.unit, due=stocktake.due)
        case StocktakeStatus.COUNTED:
            return OpenStep(verb="review", roles=REVIEWING, unit=stocktake.unit)
        case StocktakeStatus.REVIEWED if stocktake.open:
            return OpenStep(verb="close_differences", roles=REVIEWING, unit=stocktake.unit)
        case StocktakeStatus.REVIEWED:
            return OpenStep(verb="close_stocktake", roles=REVIEWING, unit=stocktake.unit)
        case _:
            return None


# What may be asked ------------------------------------------------------------

LEADING = (Role.CLERK, Role.OFFICE, Role.HEAD)
REVIEWING = (Role.HEAD, Role.OFFICE, Role.FINANCE)
COUNTING = (Role.KEEPER, Role.CLERK)
NEW = Rule(
    slug="stocktake-exists",
    zh="此盘点已经立项。",
    en="This stocktake has been planned already.",
    holds=lambda stocktake, _: stocktake.status is StocktakeStatus.NONE,
)
PLANNED = Rule(
    slug="stocktake-not-planned",
    zh="盘点没有立项，或者已经开盘。",
    en="The stocktake was not planned, or its count has begun.",
    holds=lambda stocktake, _: stocktake.status is StocktakeStatus.PLANNED,
)
BEFORE_END = Rule(
    slug="count-over",
    zh="盘点没有立项，或者本轮已经结束。",
    en="The stocktake was not planned, or its count is over.",
    holds=lambda stocktake, _: (
        stocktake.status in (StocktakeStatus.PLANNED, StocktakeStatus.COUNTING)
    ),
)
BEING_COUNTED = Rule(
    slug="not-being-counted",
    zh="盘点尚未开盘，或者本轮已经结束。",
    en="The count has not begun, or is over.",
    holds=lambda stocktake, _: stocktake.status is StocktakeStatus.COUNTING,
)
COUNTED = Rule(
    slug="count-not-ended",
    zh="本轮盘点没有结束，或者已经复核。",
    en="The count has not ended, or was reviewed already.",
    holds=lambda stocktake, _: stocktake.status is StocktakeStatus.COUNTED,
)
REVIEWED = Rule(
    slug="count-not-reviewed",
    zh="盘点结果没有复核，或者已经结项。",
    en="The count was not reviewed, or the stocktake is closed.",
    holds=lambda stocktake, _: stocktake.status is StocktakeStatus.REVIEWED,
)
OF_THE_UNIT = Rule(
    slug="stocktake-of-another-unit",
    zh="只能由被盘点的单位办理。",
    en="Only the unit whose property is counted can do this.",
    holds=lambda stocktake, occasion: occasion.acts_for(stocktake.unit),
)
NOT_A_COUNTER = Rule(
    slug="reviewer-counted",
    zh="参加盘点的人不得复核、处理差异或结项；请由另一人办理。",
    en="Who counted may neither review nor close differences or the stocktake; another person does.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda stocktake, occasion: stocktake.counters.isdisjoint(
        {occasion.by, occasion.behalf or occasion.by}
    ),
)
ALL_CLOSED = Rule(
    slug="differences-open",
    zh="还有差异没有处理完毕，不能结项；说明不能代替处理结果。",
    en="There are differences without an outcome; a remark does not close them.",
    law="《行政事业性国有资产管理条例》第34条",
    holds=lambda stocktake, _: stocktake.open == 0,
)
LOOKED_UP = Rule(
    slug="not-looked-up",
    zh="系统没有查得本次盘点的清单或结果；请通过网页、接口或命令行办理。",
    en="The system has not looked up the list or the result; ask at a page, the API or the CLI.",
)
PLACES_FEW = Rule(
    slug="too-many-places",
    zh="一次盘点最多 {most} 个地点；请分次盘点，或者不填地点以盘点全单位。",
    en="One stocktake has at most {most} places; take several, or name none to count everything.",
)
SAMPLE_SEEDED = Rule(
    slug="sample-without-seed",
    zh="抽盘须写明抽取件数和随机种子；定期盘点不抽取。",
    en="A spot check says how many are drawn and by which seed; an annual count draws none.",
)
TIMELY = Rule(
    slug="stocktake-due-in-the-past",
    zh="完成期限 {due} 早于业务日期 {on}。",
    en="It is due on {due}, before the business date {on}.",
)
NOTHING_TO_COUNT = Rule(
    slug="nothing-to-count",
    zh="账上没有可盘点的资产；请检查单位和地点。",
    en="There is nothing on the books to count; check the unit and the places.",
)
ONE_OF_THE_DEVICES = Rule(
    slug="no-such-device",
    zh="没有设备 {device} 参加本次盘点。",
    en="No device {device} takes part in this stocktake.",
)
ONCE = Rule(
    slug="joined-already",
    zh="您已经用设备 {device} 参加本次盘点。",
    en="You count with device {device} already.",
)
IN_THE_TEAM = Rule(
    slug="not-in-a-team",
    zh="本次盘点已指定盘点人，{person} 不在其中；请主持人先指派。",
    en="The stocktake has named who counts, and {person} is not among them; have them assigned.",
)
NOTHING_OWED = Rule(
    slug="devices-owe-scans",
    zh="设备 {devices} 还有扫描没有上传或没有确认传完，不能结束；请让其联网上传，或者说明原因后不再等待。",
    en="Devices {devices} have not sent all their scans, so the count does not end. Let them"
    " connect, or record why they are no longer waited for.",
)
KNOWN_DIFFERENCES = Rule(
    slug="no-such-difference",
    zh="没有这些差异，或者已经处理完毕：{differences}。",
    en="These are no differences, or are closed already: {differences}.",
)
FEW_AT_ONCE = Rule(
    slug="too-many-differences",
    zh="一次须处理 1 至 {most} 项差异。",
    en="Between 1 and {most} differences are closed at once.",
)
FITTING = Rule(
    slug="outcome-does-not-fit",
    zh="“{finding}”不能以“{outcome}”处理；可用：{instead}。",
    en="“{finding}” does not end with “{outcome}”; there are: {instead}.",
)
WITH_PAPER = Rule(
    slug="outcome-without-paper",
    zh="处理结果“{outcome}”须写明依据的文号、凭证号或单据号。",
    en="The outcome “{outcome}” names the paper it rests on.",
)
ONE_PLACE = Rule(
    slug="no-one-place",
    zh="差异 {difference} 没有唯一的实际地点，不能据以移位；请先核实。",
    en="Difference {difference} was not seen in one place, so the books cannot follow it.",
)
SURPLUS_ON_BOOKS = Rule(
    slug="surplus-not-booked",
    zh="差异 {difference} 转成的盘盈资产尚未验收入账，不能以“盘盈已入账”处理。",
    en="The surplus made of {difference} is not on the books yet.",
    law="《行政事业性国有资产管理条例》第34条",
)
UNKNOWN_TAG = Rule(
    slug="not-an-unknown-tag",
    zh="差异 {difference} 不是待处理的未知标签，或者已经转为盘盈。",
    en="Difference {difference} is no open unknown tag, or became a surplus already.",
)


@lifecycle.verb(NEW, zh="盘点立项", en="Plan a stocktake", roles=LEADING)
def plan_stocktake(
    _: Stocktake,
    occasion: Occasion,
    *,
    unit: UnitId,
    title: Name,
    due: date,
    method: Method = Method.ANNUAL,
    count_places: tuple[PlaceId, ...] = (),
    blind: bool = False,
    sample: Sample = 0,
    seed: Code = "",
    confirm_from: Fen | None = None,
) -> StocktakePlanned:
    """Plan a count of a unit's property, in the places named or everywhere.

    Of what the plan and the rules of the place say about dear things, the stricter holds.
    """
    if due < occasion.on:
        raise TIMELY.broken(due=due, on=occasion.on)
    if len(count_places) > PLACES_MAX:
        raise PLACES_FEW.broken(most=PLACES_MAX)
    if (method is Method.SPOT) != bool(sample and seed.strip()):
        raise SAMPLE_SEEDED.broken()
    if not occasion.acts_for(unit):
        raise OF_THE_UNIT.broken()
    both = (confirm_from, occasion.policy.radio_alone_below)
    stated = [amount for amount in both if amount is not None]
    return StocktakePlanned(
        lead=occasion.by,
        unit=unit,
        title=title,
        method=method,
        due=due,
        places=tuple(dict.fromkeys(count_places)),
        blind=blind,
        sample=sample,
        seed=seed,
        confirm_from=min(stated) if stated else None,
    )


@lifecycle.verb(BEFORE_END, OF_THE_UNIT, zh="指派盘点人", en="Assign a team", roles=LEADING)
def assign_team(
    _: Stocktake, __: Occasion, *, place: PlaceId, people: tuple[PersonId, ...]
) -> TeamAssigned:
    """Say who counts in a place; who is in no team then counts nowhere."""
    return TeamAssigned(place=place, people=tuple(dict.fromkeys(people)))


@lifecycle.verb(PLANNED, OF_THE_UNIT, zh="开盘", en="Begin the count", roles=LEADING)
def begin_count(_: Stocktake, occasion: Occasion) -> ScopeFrozen:
    """Freeze the list as the books have it now."""
    scope = seen(occasion, ScopeSeen)
    if not scope.items:
        raise NOTHING_TO_COUNT.broken()
    return ScopeFrozen(
        position=scope.position,
        items=scope.items,
        population=scope.population,
        sha256=scope.sha256,
    )


@lifecycle.verb(BEING_COUNTED, OF_THE_UNIT, zh="参加盘点", en="Join the count", roles=COUNTING)
def join_count(stocktake: Stocktake, occasion: Occasion, *, device: DeviceId) -> CountJoined:
    """Begin to count with a device; the scan page asks this by itself."""
    if (device, occasion.by) in stocktake.devices:
        raise ONCE.broken(device=device)
    named = {person for _, people in stocktake.teams for person in people}
    if named and occasion.by not in named:
        raise IN_THE_TEAM.broken(person=occasion.by)
    return CountJoined(device=device, counter=occasion.by)


@lifecycle.verb(
    BEING_COUNTED, OF_THE_UNIT, zh="不再等待设备", en="Wait no more for a device", roles=LEADING
)
def write_off_device(
    stocktake: Stocktake, _: Occasion, *, device: DeviceId, reason: Given
) -> DeviceWrittenOff:
    """Record that a device is lost or broken; what it has sent counts."""
    if device not in dict(stocktake.devices):
        raise ONE_OF_THE_DEVICES.broken(device=device)
    return DeviceWrittenOff(device=device, reason=reason)


@lifecycle.verb(BEING_COUNTED, OF_THE_UNIT, zh="结束本轮盘点", en="End the count", roles=LEADING)
def end_count(stocktake: Stocktake, occasion: Occasion) -> CountEnded:
    """Compare the list with all that was scanned; no device may owe anything (T68)."""
    count = seen(occasion, CountSeen)
    if count.owing:
        raise NOTHING_OWED.broken(devices=count.owing)
    return CountEnded(
        round=stocktake.round,
        scans=count.accepted,
        scans_sha256=count.scans,
        differences_sha256=count.differences,
        right=count.right,
        repeats=count.repeats,
        conflicts=count.conflicts,
        reads=count.reads,
        readings_sha256=count.readings,
        **count.counts,
    )


@lifecycle.verb(
    COUNTED, OF_THE_UNIT, NOT_A_COUNTER, zh="要求复盘", en="Order a recount", roles=REVIEWING
)
def order_recount(_: Stocktake, __: Occasion, *, reason: Given) -> RecountOrdered:
    """Have what differs counted once more."""
    return RecountOrdered(reason=reason)


@lifecycle.verb(
    COUNTED, OF_THE_UNIT, NOT_A_COUNTER, zh="复核通过", en="Accept the count", roles=REVIEWING
)
def review(_: Stocktake, __: Occasion, *, note: Text = "") -> CountReviewed:
    """Accept what was counted; only its differences are left."""
    return CountReviewed(note=note)


@lifecycle.verb(
    REVIEWED,
    OF_THE_UNIT,
    zh="转为盘盈",
    en="Record a surplus",
    roles=(Role.CLERK, Role.OFFICE),
)
def record_surplus(
    stocktake: Stocktake,
    occasion: Occasion,
    *,
    difference: DifferenceKey,
    asset: AssetId,
    name: Name,
    kind: Kind,
    place: PlaceId | None = None,
    model: Code = "",
) -> tuple[SurplusRecorded, Ask]:
    """Make a thing of an unknown tag: it waits for acceptance and its card, as any other."""
    told = named(stocktake, occasion, (difference,))[0]
    if told.finding is not Finding.UNKNOWN or stocktake.surplus_of(difference):
        raise UNKNOWN_TAG.broken(difference=difference)
    stood = told.places[0] if len(told.places) == 1 else None
    form = {
        "name": name,
        "kind": kind,
        "unit": stocktake.unit,
        "mode": Mode.SURPLUS,
        "model": model,
        "place": place or stood or None,
    }
    return (
        SurplusRecorded(difference=difference, asset=asset),
        Ask(f"asset/{asset}", "receive", form),
    )


@lifecycle.verb(
    REVIEWED,
    OF_THE_UNIT,
    NOT_A_COUNTER,
    zh="处理差异",
    en="Close differences",
    roles=REVIEWING,
)
def close_differences(
    stocktake: Stocktake,
    occasion: Occasion,
    *,
    differences: tuple[DifferenceKey, ...],
    outcome: Outcome,
    cause: Cause,
    reference: Code = "",
    note: Text = "",
) -> tuple[Event | Ask, ...]:
    """Say how differences ended and why; what is put right in the books follows in the same act."""
    told = named(stocktake, occasion, differences)
    if outcome not in (Outcome.FOUND, Outcome.RELOCATED, Outcome.NOT_OURS) and not reference:
        raise WITH_PAPER.broken(outcome=outcome)
    follows: list[Ask] = []
    for one in told:
        if outcome not in ENDS[one.finding]:
            instead = tuple(end for end in Outcome if end in ENDS[one.finding])
            raise FITTING.broken(finding=one.finding, outcome=outcome, instead=instead)
        if outcome is Outcome.SURPLUS_BOOKED and not one.booked:
            raise SURPLUS_ON_BOOKS.broken(difference=one.key)
        if outcome is Outcome.RELOCATED:
            follows.append(moved(one, occasion.stream))
    closed = DifferencesClosed(
        differences=tuple(one.key for one in told),
        count=len(told),
        outcome=outcome,
        cause=cause,
        reference=reference,
        note=note,
    )
    return (closed, *follows)


@lifecycle.verb(
    REVIEWED,
    OF_THE_UNIT,
    NOT_A_COUNTER,
    ALL_CLOSED,
    zh="盘点结项",
    en="Close the stocktake",
    roles=REVIEWING,
)
def close_stocktake(_: Stocktake, occasion: Occasion, *, report_no: Reference) -> StocktakeClosed:
    """Close it with its report, which is kept as it is for ever."""
    report = seen(occasion, ReportSeen)
    return StocktakeClosed(
        report_no=report_no,
        report_sha256=report.sha256,
        size=report.size,
        root=report.root,
        report_en_sha256=report.english,
    )


def named(
    stocktake: Stocktake, occasion: Occasion, differences: tuple[str, ...]
) -> tuple[Told, ...]:
    """Return the open differences that are named; refuse any that is not there."""
    if not 0 < len(differences) <= CLOSED_AT_ONCE_MAX:
        raise FEW_AT_ONCE.broken(most=CLOSED_AT_ONCE_MAX)
    told = {one.key: one for one in seen(occasion, DifferencesSeen).told}
    wrong = tuple(key for key in differences if key not in told or key in stocktake.closed)
    if wrong:
        raise KNOWN_DIFFERENCES.broken(differences=wrong[:10])
    return tuple(told[key] for key in dict.fromkeys(differences))


def moved(told: Told, stream: str) -> Ask:
    """Return the step by which the books follow what was seen."""
    if len(told.places) != 1 or not told.places[0]:
        raise ONE_PLACE.broken(difference=told.key)
    form = {"place": told.places[0], "reason": f"{stream} {told.key}"}
    return Ask(f"asset/{told.asset}", "relocate", form)
