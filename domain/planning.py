"""Configuration plan: what a unit needs, beside what it has and what the standards allow (#2-#4).

Nothing is bought for a line before the inventory was searched for something to reallocate, and
every piece that was found is taken, or turned down with its reason (国令738 第11条, T50). The
purchase itself is decided in `acquiring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.approval import DECIDERS, LAST_STEP, Approval, laid, my_turn, routed
from domain.asset import Kind
from domain.decider import WITHIN, Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import OTHER_PERSON
from domain.open_steps import OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action, Beyond
from domain.searching import RULES, Found, Limit, Piece, Stock, Unsuitable, answer, together
from domain.values import (
    AssetId,
    CaseId,
    Code,
    Fen,
    Given,
    Name,
    PersonId,
    Quantity,
    Reference,
    Stream,
    Text,
    UnitId,
)
from domain.values import (
    quantity as decimal,
)
from domain.words import Role, Term, Words

LINES_MAX = 200
Number: TypeAlias = Annotated[int, Meta(ge=1, le=LINES_MAX)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Year: TypeAlias = Annotated[int, Meta(ge=1949, le=2199)]


class PlanStatus(Term):
    """Where a plan stands."""

    NONE = "none", "未编制", "not drafted"
    DRAFTED = "drafted", "编制中", "being drafted"
    SUBMITTED = "submitted", "已申报", "submitted"
    REVIEWED = "reviewed", "已审核", "reviewed"
    REJECTED = "rejected", "未通过", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Proof of a search: when, at which position of the log, with which result (T50)."""

    on: date
    position: int
    count: int
    sha256: str
    open: tuple[Piece, ...] = ()  # found, neither taken nor turned down yet
    taken: tuple[Piece, ...] = ()
    turned_down: frozenset[str] = frozenset()
    unnamed: int = 0  # found beyond what a certificate can name
    kind: Kind | None = None
    class_code: str = ""
    quantity: str = ""  # looked for; empty where the entry is older and does not say


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One need of a plan; unit price in fen. `held` is None until the stock was taken."""

    number: int
    kind: Kind
    class_code: str
    item: str
    quantity: str
    unit_price: int
    measure: str = ""
    posts: int | None = None
    held: str | None = None
    search: Certificate | None = None
    claimed: tuple[tuple[str, str], ...] = ()  # each purchase and how many it is for


class Plan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The lines of a plan in their order, and how far it has come."""

    status: PlanStatus = PlanStatus.NONE
    applicant: str = ""
    unit: str = ""
    title: str = ""
    year: int = 0
    lines: tuple[Line, ...] = ()
    last: int = 0  # the number of the last line
    over: frozenset[int] = frozenset()
    approval: Approval = Approval()
    number: str = ""
    dataset: str = ""

    @property
    def amount(self) -> int:
        """Return what the lines come to, in fen."""
        return sum(worth(line) for line in self.lines)

    def line(self, number: int) -> Line | None:
        """Return a line by its number; None when it is not there."""
        return next((line for line in self.lines if line.number == number), None)

    def describe(self, lang: Lang) -> str:
        """Say where the plan stands."""
        step = self.approval.describe(lang) if self.status is PlanStatus.SUBMITTED else ""
        count, over = len(self.lines), len(self.over)
        if lang == "zh":
            flags = f"；注意：{over}行超配置标准" if over else ""
            return f"配置计划{self.status.words.zh}，{count}行{step}{flags}"
        flags = f"; note: {over} over standard" if over else ""
        return f"The plan is {self.status.words.en}, {count} lines{step}{flags}"


lifecycle: Lifecycle[Plan] = Lifecycle("plan", Plan, Words("配置计划", "Configuration plan"))

# What happened ----------------------------------------------------------------


class PlanDrafted(
    Event,
    name="plan.drafted",
    zh="{unit}编制{year}年配置计划：{title}",
    en="{unit} drafts its plan for {year}: {title}",
    duty="apply",
):
    """#2 A unit begins to write down what it needs."""

    applicant: PersonId
    unit: UnitId
    title: Name
    year: Year
    dataset: Code = ""


class PlanLineAdded(
    Event,
    name="plan.line_added",
    zh="第{line}行：{item}，数量{quantity}{measure}，单价{unit_price}，{reason}",
    en="Line {line}: {item}, {quantity} {measure} at {unit_price}, {reason}",
    duty="apply",
):
    """#2 One need: kind, class, quantity, unit price in fen, and why.

    `posts` is for how many posts it is, where the standard counts by posts.
    """

    line: Number
    kind: Kind
    class_code: Code
    item: Name
    quantity: Quantity
    unit_price: Fen
    reason: Text
    measure: Code = ""
    posts: Count | None = None


class PlanLineDropped(
    Event,
    name="plan.line_dropped",
    zh="不再列第{line}行：{reason}",
    en="Line {line} left out: {reason}",
    duty="apply",
):
    """#2 The unit does not ask for this any more."""

    line: Number
    reason: Text


class StockTaken(
    Event,
    name="plan.stock_taken",
    zh="第{line}行：现有{held}（{cards}张卡片，截至账本第{position}条）",
    en="Line {line}: {held} in stock ({cards} cards, at position {position} of the log)",
):
    """#2 What the unit had of it when it asked, read from the inventory by the system.

    `limits` are the standards in force, each with what the unit has of all it is about; `sha256`
    is the digest of cards and quantities.
    """

    line: Number
    held: Quantity
    cards: Count
    position: int
    sha256: Code
    limits: tuple[Limit, ...] = ()


class OverStandard(
    Event,
    name="plan.over_standard",
    zh="提示：第{line}行超配置标准《{title}》（申报后{wanted}、上限{cap}；单价{unit_price}、"
    "上限{price_cap}）",
    en="Warning: line {line} is over the standard “{title}” ({wanted} wanted, {cap} allowed;"
    " unit price {unit_price}, {price_cap} allowed)",
):
    """#2 What the unit has and asks for is more, or dearer, than the standard allows; in fen.

    None says that the standard sets no such limit.
    """

    line: Number
    standard: Code
    title: Text
    wanted: Quantity
    unit_price: Fen
    cap: Quantity | None = None
    price_cap: Fen | None = None


class PlanSubmitted(
    Event,
    name="plan.submitted",
    zh="申报配置计划，共{lines}行，金额{amount}",
    en="Plan submitted: {lines} lines, {amount}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#2 The unit puts the plan forward; amount in fen."""

    lines: Count
    amount: Fen


class PlanLineCut(
    Event,
    name="plan.line_cut",
    zh="第{line}行核定为{quantity}：{reason}",
    en="Line {line} cut to {quantity}: {reason}",
    duty="approve",
):
    """#3 The reviewers allow less than was asked for; nothing is left when it is 0."""

    line: Number
    quantity: Quantity
    reason: Text


class PlanReviewed(
    Event,
    name="plan.reviewed",
    zh="计划审核通过，文号{approval_no}，核定金额{amount}",
    en="Plan reviewed: {approval_no}, {amount}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#3 The plan stands as it was cut; nothing is bought yet. Amount in fen."""

    approval_no: Code
    amount: Fen


class PlanRejected(
    Event,
    name="plan.rejected",
    zh="计划未通过：{reason}",
    en="Plan rejected: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#3 The plan was refused as a whole."""

    reason: Text


class PlanWithdrawn(
    Event,
    name="plan.withdrawn",
    zh="撤回计划：{reason}",
    en="Plan withdrawn: {reason}",
    duty="apply",
):
    """#2 The unit takes its plan back."""

    reason: Text


class ReallocationSearched(
    Event,
    name="plan.reallocation_searched",
    zh="第{line}行调剂查询：{kind} {class_code}，可调剂{count}项（截至账本第{position}条）",
    en="Line {line}: searched for {kind} {class_code} to reallocate, {count} found"
    " (at position {position} of the log)",
    papers=(PaperForm.SEARCH,),
):
    """#4 The system searched what is idle, under-used, in the warehouse or listed.

    `also` are the codes of other versions of the standard that were searched as well, by the table
    in force. `found` are the cards, `sha256` is the digest of cards and quantities: whoever asks the log at
    the position again, by the same `rules`, must find the same. `quantity` is how many were looked
    for; entries before it do not say.
    """

    line: Number
    kind: Kind
    class_code: Code
    position: int
    count: int
    sha256: Code
    searched_on: date
    found: tuple[Piece, ...] = ()
    quantity: Quantity | None = None
    rules: int = 1
    also: tuple[Code, ...] = ()


class FoundPieceRejected(
    Event,
    name="plan.found_piece_rejected",
    zh="第{line}行：{assets}不适用，{ground}：{reason}",
    en="Line {line}: {assets} will not do, {ground}: {reason}",
):
    """#4 Why what was found does not meet the need, piece by piece."""

    line: Number
    assets: tuple[AssetId, ...]
    reason: Text
    ground: Unsuitable = Unsuitable.OTHER


class FoundPieceTaken(
    Event,
    name="plan.found_piece_taken",
    zh="第{line}行：{asset}由{case}调剂解决",
    en="Line {line}: {asset} is reallocated by {case}",
):
    """#4 What was found meets part of the need; so much less is bought."""

    line: Number
    asset: AssetId
    case: Stream


class PlanLineWanted(
    Event,
    name="plan.line_wanted",
    zh="第{line}行：登记需求{demand}，先求调剂",
    en="Line {line}: want {demand} published, to have it reallocated first",
):
    """#28 The need of a line was published as a want, open to whatever is listed."""

    line: Number
    demand: CaseId


class PlanLineClaimed(
    Event,
    name="plan.line_claimed",
    zh="第{line}行：{acquisition}使用数量{quantity}",
    en="Line {line}: {quantity} claimed by acquisition {acquisition}",
):
    """#5 A purchase rests on the line; together they never come to more than was allowed."""

    line: Number
    acquisition: CaseId
    quantity: Quantity


class PlanLineConfirmed(
    Event,
    name="plan.line_confirmed",
    zh="第{line}行：{acquisition}获准购置，调剂查询有效",
    en="Line {line}: acquisition {acquisition} authorised, its search still good",
):
    """#5 When the purchase was authorised, the search was fresh and every piece answered."""

    line: Number
    acquisition: CaseId


class PlanLineReleased(
    Event,
    name="plan.line_released",
    zh="第{line}行：{acquisition}不再使用",
    en="Line {line}: no longer claimed by acquisition {acquisition}",
):
    """#5 The purchase was refused or withdrawn."""

    line: Number
    acquisition: CaseId


PlanEvent: TypeAlias = (
    PlanDrafted
    | PlanLineAdded
    | PlanLineDropped
    | StockTaken
    | OverStandard
    | PlanSubmitted
    | PlanLineCut
    | PlanReviewed
    | PlanRejected
    | PlanWithdrawn
    | ReallocationSearched
    | FoundPieceRejected
    | FoundPieceTaken
    | PlanLineWanted
    | PlanLineClaimed
    | PlanLineConfirmed
    | PlanLineReleased
)

# Where that leaves us ---------------------------------------------------------


def evolve(plan: Plan, event: PlanEvent) -> Plan:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PlanDrafted():
            return Plan(
                status=PlanStatus.DRAFTED,
                applicant=event.applicant,
                unit=event.unit,
                title=event.title,
                year=event.year,
                dataset=event.dataset,
            )
        case PlanLineAdded():
            line = Line(
                number=event.line,
                kind=event.kind,
                class_code=event.class_code,
                item=event.item,
                quantity=event.quantity,
                unit_price=event.unit_price,
                measure=event.measure,
                posts=event.posts,
            )
            lines = tuple(one for one in plan.lines if one.number != event.line)
            return replace(plan, lines=(*lines, line), last=max(plan.last, event.line))
        case PlanLineDropped(line=number):
            lines = tuple(line for line in plan.lines if line.number != number)
            return replace(plan, lines=lines, over=plan.over - {number})
        case StockTaken(line=number, held=held):
            return replace(changed(plan, number, held=held), over=plan.over - {number})
        case OverStandard(line=number):
            return replace(plan, over=plan.over | {number})
        case PlanSubmitted():
            approval = replace(plan.approval, done=0, returned=False)
            return replace(plan, status=PlanStatus.SUBMITTED, approval=approval)
        case PlanLineCut(line=number, quantity=left):
            return changed(plan, number, quantity=left)
        case PlanReviewed():
            return replace(plan, status=PlanStatus.REVIEWED)
        case PlanRejected():
            return replace(plan, status=PlanStatus.REJECTED)
        case PlanWithdrawn():
            return replace(plan, status=PlanStatus.WITHDRAWN)
        case _:
            return evolve_line(plan, event)


def evolve_line(
    plan: Plan,
    event: ReallocationSearched
    | FoundPieceRejected
    | FoundPieceTaken
    | PlanLineWanted
    | PlanLineClaimed
    | PlanLineConfirmed
    | PlanLineReleased,
) -> Plan:
    """What a search, its result and a purchase mean for one line."""
    line = plan.line(event.line)
    if line is None:
        return plan
    search = line.search
    match event:
        case ReallocationSearched():
            return changed(plan, event.line, search=searched(event, search))
        case FoundPieceRejected(assets=assets):
            return changed(plan, event.line, search=settled(search, assets))
        case FoundPieceTaken(asset=asset):
            return changed(plan, event.line, search=settled(search, (asset,), taken=True))
        case PlanLineClaimed(acquisition=case, quantity=many):
            return changed(plan, event.line, claimed=(*line.claimed, (case, many)))
        case PlanLineConfirmed() | PlanLineWanted():
            return plan
        case PlanLineReleased(acquisition=case):
            kept = tuple(claim for claim in line.claimed if claim[0] != case)
            return changed(plan, event.line, claimed=kept)
        case _:
            assert_never(event)


def changed(plan: Plan, number: int, **fields: object) -> Plan:
    """Return the plan with one line changed; a line that is not there stays away."""
    lines = (replace(one, **fields) if one.number == number else one for one in plan.lines)
    return replace(plan, lines=tuple(lines))


def searched(event: ReallocationSearched, before: Certificate | None) -> Certificate:
    """Return the proof of a search; what was answered before stays answered."""
    taken = before.taken if before else ()
    turned_down = before.turned_down if before else frozenset[str]()
    answered = turned_down.union(piece.asset for piece in taken)
    return Certificate(
        on=event.searched_on,
        position=event.position,
        count=event.count,
        sha256=event.sha256,
        open=tuple(piece for piece in event.found if piece.asset not in answered),
        unnamed=max(event.count - len(event.found), 0),
        taken=taken,
        turned_down=turned_down,
        kind=event.kind,
        class_code=event.class_code,
        quantity=event.quantity or "",
    )


def settled(
    search: Certificate | None, assets: Iterable[str], *, taken: bool = False
) -> Certificate | None:
    """Return the proof with these pieces taken or turned down, no longer open."""
    if search is None:
        return None
    gone = tuple(piece for piece in search.open if piece.asset in set(assets))
    kept = tuple(piece for piece in search.open if piece not in gone)
    if taken:
        return replace(search, open=kept, taken=(*search.taken, *gone))
    turned_down = search.turned_down.union(piece.asset for piece in gone)
    return replace(search, open=kept, turned_down=turned_down)


lifecycle.part(PlanEvent, evolve)


def worth(line: Line) -> int:
    """Return what a line comes to, in fen, half a fen up."""
    return int((Decimal(line.quantity) * line.unit_price + Decimal("0.5")) // 1)


def left(line: Line) -> Decimal:
    """Return how many may still be bought: allowed, less what is taken and claimed already."""
    taken = Decimal(together(line.search.taken)) if line.search else Decimal(0)
    claimed = sum((Decimal(many) for _, many in line.claimed), Decimal(0))
    return Decimal(line.quantity) - taken - claimed


@step_of(Plan)
def what_is_next(plan: Plan) -> OpenStep | None:
    """Return what must be done next with a plan; a reviewed one waits for nobody."""
    match plan.status:
        case PlanStatus.DRAFTED:
            return OpenStep(verb="submit", roles=(Role.CLERK,), unit=plan.unit)
        case PlanStatus.SUBMITTED:
            return decision(plan.approval, REVIEWERS, plan.unit)
        case _:
            return None


# What may be asked ------------------------------------------------------------

REVIEWERS = (Role.OFFICE, Role.FINANCE)
NEW = Rule(
    slug="plan-exists",
    zh="此计划已经编制。",
    en="This plan exists already.",
    holds=lambda plan, _: plan.status is PlanStatus.NONE,
)
EDITABLE = Rule(
    slug="plan-not-editable",
    zh="只有编制中或退回修改的计划才能修改、申报。",
    en="Only a plan being drafted or returned for correction can be edited and submitted.",
    holds=lambda plan, _: (
        plan.status is PlanStatus.DRAFTED
        or (plan.status is PlanStatus.SUBMITTED and plan.approval.returned)
    ),
)
SUBMITTED = Rule(
    slug="plan-not-submitted",
    zh="计划没有在审核中。",
    en="The plan is not under review.",
    holds=lambda plan, _: plan.status is PlanStatus.SUBMITTED,
)
UNDECIDED = Rule(
    slug="plan-decided",
    zh="计划没有编制，或者已经办结。",
    en="The plan does not exist or has been decided.",
    holds=lambda plan, _: plan.status in (PlanStatus.DRAFTED, PlanStatus.SUBMITTED),
)
OPEN = Rule(
    slug="plan-closed",
    zh="计划没有编制、未通过或者已撤回。",
    en="The plan does not exist, was rejected or withdrawn.",
    holds=lambda plan, _: (
        plan.status in (PlanStatus.DRAFTED, PlanStatus.SUBMITTED, PlanStatus.REVIEWED)
    ),
)
REVIEWED = Rule(
    slug="plan-not-reviewed",
    zh="计划未经审核通过，不能据以购置。",
    en="Nothing is acquired on a plan that was not reviewed.",
    law="《新疆维吾尔自治区机关事务管理办法》第17条",
    holds=lambda plan, _: plan.status is PlanStatus.REVIEWED,
)
ALL_STOCK_TAKEN = Rule(
    slug="stock-not-taken",
    zh="计划修改后须重新申报，由系统核对现有存量；请申请人办理“申报计划”。",
    en="The plan was changed since the stock was taken; the applicant submits it again.",
    law="《行政事业性国有资产管理条例》第8条",
    holds=lambda plan, _: all(line.held is not None for line in plan.lines),
)
LINE_THERE = Rule(
    slug="no-such-line",
    zh="计划没有第 {line} 行。",
    en="The plan has no line {line}.",
)
LINES_FILLED = Rule(
    slug="plan-without-lines",
    zh="计划应有 1 至 {most} 行，现有 {count} 行。",
    en="A plan has 1 to {most} lines; this one has {count}.",
)
SOMETHING_WANTED = Rule(
    slug="nothing-wanted",
    zh="数量须大于零。",
    en="The quantity must be more than nothing.",
)
POSTS_STATED = Rule(
    slug="posts-not-stated",
    zh="第 {line} 行适用按岗位计算的配置标准《{title}》，须写明岗位数。",
    en="The standard “{title}” counts by posts; line {line} must say for how many.",
    law="《新疆维吾尔自治区机关事务管理办法》第17条",
)
WITHIN_STANDARD = Rule(
    slug="over-standard",
    zh="第 {line} 行超配置标准《{title}》：数量申报后为 {wanted}，上限 {cap}；"
    "单价（分）{unit_price}，上限 {price_cap}。按{policy}不予受理。",
    en="Line {line} is over the standard “{title}”: {wanted} wanted, {cap} allowed; unit price"
    " (fen) {unit_price}, {price_cap} allowed. By {policy} it is refused.",
    law="《行政事业性国有资产管理条例》第8条",
)
ONLY_LESS = Rule(
    slug="cut-upwards",
    zh="核定数量 {quantity} 须少于申报数量 {asked}。",
    en="A cut leaves less than was asked for: {quantity} of {asked}.",
)
BY_THE_SYSTEM = Rule(
    slug="lists-not-asked",
    zh="此项由系统查询资产清单后记录，不能填报；请在本系统的办理页面、接口或命令行办理。",
    en="The system reads this from the inventory; it cannot be typed. Ask through this system's"
    " pages, interface or command line.",
)
AS_OF_TODAY = Rule(
    slug="search-is-now",
    zh="查询反映今天（{today}）的资产情况，业务日期不能另填为 {on}。",
    en="A search shows the inventory of today, {today}; it cannot be dated {on}.",
)
SEARCHED = Rule(
    slug="not-searched",
    zh="第 {line} 行尚未查询可调剂资产，不能购置；请先办理“查询调剂”。",
    en="Nothing is acquired for line {line} before the inventory was searched for something to"
    " reallocate; search first.",
    law="《行政事业性国有资产管理条例》第11条",
)
FRESH = Rule(
    slug="search-too-old",
    zh="第 {line} 行的调剂查询日期为 {searched_on}，超过 {days} 天；请重新查询。",
    en="Line {line} was searched on {searched_on}, more than {days} days ago; search again.",
    law="《行政事业性国有资产管理条例》第11条",
)
SAME_NEED = Rule(
    slug="searched-for-something-else",
    zh="第 {line} 行的调剂查询是 {searched}，与该行的 {wanted} 不符；请重新查询。",
    en="Line {line} asks for {wanted}, but the search was for {searched}; search again.",
    law="《行政事业性国有资产管理条例》第11条",
)
REASONED = Rule(
    slug="found-without-reason",
    zh="选择“其他原因”的，须写明具体原因。",
    en="Another reason must be put into words.",
)
NONE_SUITABLE = Rule(
    slug="found-not-answered",
    zh="第 {line} 行查到 {count} 项可调剂资产，尚有 {open} 项没有采用，也没有说明不适用的原因。",
    en="Line {line}: {count} found to reallocate; {open} were neither taken nor turned down with a"
    " reason.",
    law="《行政事业性国有资产管理条例》第11条",
)
WAS_FOUND = Rule(
    slug="not-found-by-search",
    zh="资产 {asset} 不在第 {line} 行待答复的查询结果中。",
    en="Asset {asset} is not among what the search for line {line} left to answer.",
)
ENOUGH_LEFT = Rule(
    slug="beyond-the-plan",
    zh="第 {line} 行还可购置 {left}，本次申请 {quantity}。",
    en="Line {line} leaves {left} to acquire; this asks for {quantity}.",
    law="《新疆维吾尔自治区机关事务管理办法》第17条",
)
NOT_DEARER = Rule(
    slug="dearer-than-planned",
    zh="第 {line} 行核定单价（分）{planned}，本次 {unit_price}；超出的须另报计划。",
    en="Line {line} was planned at {planned} fen each; this asks for {unit_price}. Plan it anew.",
    law="《行政事业性国有资产管理条例》第24条",
)
SAME_UNIT = Rule(
    slug="plan-of-another-unit",
    zh="所引配置计划是 {unit} 的；只能引用需求单位自己的计划。",
    en="The plan is that of {unit}; a want cites a plan of its own unit.",
)
MY_TURN = my_turn(*REVIEWERS)


def the_line(plan: Plan, number: int) -> Line:
    """Return a line, or refuse."""
    line = plan.line(number)
    if line is None:
        raise LINE_THERE.broken(line=number)
    return line


@lifecycle.verb(NEW, zh="编制计划", en="Draft a plan", roles=(Role.CLERK,))
def draft(_: Plan, occasion: Occasion, *, unit: UnitId, title: Name, year: Year) -> PlanDrafted:
    """Begin the plan of a unit for a year; its lines are added one by one."""
    if not occasion.within(unit):
        raise WITHIN.broken(unit=unit)
    return PlanDrafted(applicant=occasion.by, unit=unit, title=title, year=year)


@lifecycle.verb(EDITABLE, zh="增加计划行", en="Add a line", roles=(Role.CLERK,))
def add_line(
    plan: Plan,
    _: Occasion,
    *,
    kind: Kind,
    class_code: Reference,
    item: Name,
    quantity: Quantity,
    unit_price: Fen,
    reason: Given,
    measure: Code = "",
    posts: Count | None = None,
) -> PlanLineAdded:
    """Add one need; what the unit has of it is read from the inventory when it is submitted."""
    if len(plan.lines) >= LINES_MAX or plan.last >= LINES_MAX:
        raise LINES_FILLED.broken(most=LINES_MAX, count=plan.last + 1)
    if not Decimal(quantity):
        raise SOMETHING_WANTED.broken()
    return PlanLineAdded(
        line=plan.last + 1,
        kind=kind,
        class_code=class_code,
        item=item,
        quantity=quantity,
        unit_price=unit_price,
        reason=reason,
        measure=measure,
        posts=posts,
    )


@lifecycle.verb(EDITABLE, zh="不列计划行", en="Leave a line out", roles=(Role.CLERK,))
def leave_out(plan: Plan, _: Occasion, *, line: Number, reason: Given) -> PlanLineDropped:
    """Take a need off the plan."""
    the_line(plan, line)
    return PlanLineDropped(line=line, reason=reason)


@lifecycle.verb(EDITABLE, zh="申报计划", en="Submit the plan", roles=(Role.CLERK,))
def submit(plan: Plan, occasion: Occasion) -> tuple[Event, ...]:
    """Put the plan forward: the system takes the stock and holds each line to the standards."""
    if not plan.lines:
        raise LINES_FILLED.broken(most=LINES_MAX, count=0)
    stocks: list[Event] = []
    for line in plan.lines:
        number = line.number
        stock = answer(occasion, Stock, number)
        if stock is None:
            raise BY_THE_SYSTEM.broken()
        stocks.append(
            StockTaken(
                line=number,
                held=stock.held,
                cards=stock.cards,
                position=stock.position,
                sha256=stock.sha256,
                limits=stock.limits,
            )
        )
        stocks += beyond(plan, occasion, number, line, stock.limits)
    route = occasion.policy.route(
        Action.PLAN,
        kinds=[line.kind for line in plan.lines],
        unit_amount=max(line.unit_price for line in plan.lines),
        batch_amount=plan.amount,
        level=occasion.level,
        unit_kind=occasion.unit_kind,
    )
    put = PlanSubmitted(lines=len(plan.lines), amount=plan.amount)
    return (*stocks, put, *laid(occasion, route))


def beyond(
    plan: Plan, occasion: Occasion, number: int, line: Line, limits: Iterable[Limit]
) -> Iterator[OverStandard]:
    """Yield where a line is over a standard, or refuse, as the policy says (T49)."""
    for limit in limits:
        if limit.each_post and line.posts is None:
            raise POSTS_STATED.broken(line=number, title=limit.title)
        alike = [
            one
            for one in plan.lines
            if one.kind is line.kind and one.class_code.startswith(limit.class_code)
        ]
        wanted = Decimal(limit.held) + sum((Decimal(one.quantity) for one in alike), Decimal(0))
        cap = allowed(limit, alike)
        dear = limit.price_cap is not None and line.unit_price > limit.price_cap
        if (cap is None or wanted <= cap) and not dear:
            continue
        over = OverStandard(
            line=number,
            standard=limit.standard,
            title=limit.title,
            wanted=decimal(wanted),
            unit_price=line.unit_price,
            cap=None if cap is None else decimal(cap),
            price_cap=limit.price_cap,
        )
        if occasion.policy.over_standard is Beyond.REFUSE:
            said = {f: getattr(over, f) for f in over.__struct_fields__ if f != "standard"}
            raise WITHIN_STANDARD.broken(**said, policy=occasion.policy.reference)
        yield over


def allowed(limit: Limit, alike: Iterable[Line]) -> Decimal | None:
    """Return how many a standard allows; the most posts that a line names count, not their sum."""
    if limit.cap is None:
        return None
    posts = max((line.posts or 0 for line in alike), default=0) if limit.each_post else 1
    return Decimal(limit.cap) * posts


@lifecycle.verb(SUBMITTED, OTHER_PERSON, MY_TURN, zh="核减计划行", en="Cut a line", roles=DECIDERS)
def cut_line(
    plan: Plan, _: Occasion, *, line: Number, quantity: Quantity, reason: Given
) -> PlanLineCut:
    """Allow less than was asked for; whoever reviews next sees the cut."""
    asked = the_line(plan, line).quantity
    if Decimal(quantity) >= Decimal(asked):
        raise ONLY_LESS.broken(quantity=quantity, asked=asked)
    return PlanLineCut(line=line, quantity=quantity, reason=reason)


@lifecycle.verb(
    SUBMITTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    ALL_STOCK_TAKEN,
    zh="审核通过",
    en="Pass the review",
    roles=DECIDERS,
)
def approve(plan: Plan, _: Occasion, *, approval_no: Reference) -> PlanReviewed:
    """Pass the plan as it was cut; nothing is bought by this."""
    return PlanReviewed(approval_no=approval_no, amount=plan.amount)


@lifecycle.verb(
    SUBMITTED, OTHER_PERSON, MY_TURN, zh="不予通过", en="Reject the plan", roles=DECIDERS
)
def refuse(_: Plan, __: Occasion, *, reason: Given) -> PlanRejected:
    """Refuse the plan as a whole."""
    return PlanRejected(reason=reason)


@lifecycle.verb(UNDECIDED, zh="撤回计划", en="Withdraw the plan", roles=(Role.CLERK,))
def withdraw(_: Plan, __: Occasion, *, reason: Given) -> PlanWithdrawn:
    """Take the plan back before it is decided."""
    return PlanWithdrawn(reason=reason)


routed(lifecycle, SUBMITTED, MY_TURN)


@lifecycle.verb(
    OPEN,
    zh="查询调剂",
    en="Search for reallocation",
    roles=(Role.CLERK, Role.OFFICE, Role.KEEPER),
)
def search_reallocation(plan: Plan, occasion: Occasion, *, line: Number) -> ReallocationSearched:
    """Have the system search the inventory for what could be reallocated instead of bought."""
    wanted = the_line(plan, line)
    found = answer(occasion, Found, line)
    if found is None:
        raise BY_THE_SYSTEM.broken()
    if occasion.on != found.on:
        raise AS_OF_TODAY.broken(today=found.on, on=occasion.on)
    return ReallocationSearched(
        line=line,
        kind=wanted.kind,
        class_code=wanted.class_code,
        position=found.position,
        count=found.count,
        sha256=found.sha256,
        searched_on=found.on,
        found=found.pieces,
        quantity=wanted.quantity,
        rules=RULES,
        also=found.also,
    )


def still_open(plan: Plan, number: int, assets: Iterable[str]) -> None:
    """Refuse a piece that the search did not find, or that was answered already."""
    search = the_line(plan, number).search
    known = {piece.asset for piece in search.open} if search else set()
    for asset in assets:
        if asset not in known:
            raise WAS_FOUND.broken(asset=asset, line=number)


@lifecycle.verb(OPEN, zh="说明不适用", en="Turn down what was found", roles=(Role.CLERK,))
def reject_found(
    plan: Plan,
    _: Occasion,
    *,
    line: Number,
    assets: tuple[AssetId, ...],
    ground: Unsuitable = Unsuitable.OTHER,
    reason: Text = "",
) -> FoundPieceRejected:
    """Say why pieces that were found do not meet the need; another reason needs words."""
    if ground is Unsuitable.OTHER and not reason:
        raise REASONED.broken()
    still_open(plan, line, assets)
    return FoundPieceRejected(line=line, assets=assets, ground=ground, reason=reason)


@lifecycle.verb(OPEN, zh="采用调剂", en="Take what was found", roles=(Role.CLERK,))
def take_found(
    plan: Plan, _: Occasion, *, line: Number, asset: AssetId, case: Stream
) -> FoundPieceTaken:
    """Meet part of the need with a piece that was found, by its reallocation or loan."""
    still_open(plan, line, (asset,))
    return FoundPieceTaken(line=line, asset=asset, case=case)


@lifecycle.verb(OPEN, zh="登记需求", en="Publish a line as a want", inner=True)
def name_want(
    plan: Plan, _: Occasion, *, line: Number, demand: CaseId, unit: UnitId
) -> PlanLineWanted:
    """Note that the need of a line is published as a want of the same unit."""
    the_line(plan, line)
    if unit != plan.unit:
        raise SAME_UNIT.broken(unit=plan.unit)
    return PlanLineWanted(line=line, demand=demand)


# What a purchase asks of its plan ---------------------------------------------


def covers(search: Certificate, line: Line) -> bool:
    """Answer whether a search was for what a line asks: the same class, and no fewer of it."""
    same = (search.kind or line.kind, search.class_code) == (line.kind, line.class_code)
    return same and (not search.quantity or Decimal(search.quantity) >= Decimal(line.quantity))


def proven(number: int, line: Line, occasion: Occasion) -> None:
    """Refuse to acquire anything without a search for it that is fresh and answered (T50)."""
    search = line.search
    if search is None:
        raise SEARCHED.broken(line=number)
    if not covers(search, line):
        raise SAME_NEED.broken(
            line=number,
            searched=(search.kind or line.kind, search.class_code, search.quantity),
            wanted=(line.kind, line.class_code, line.quantity),
        )
    days = occasion.policy.search_days_max
    if days is not None and (occasion.on - search.on).days > days:
        raise FRESH.broken(line=number, searched_on=search.on, days=days)
    if unanswered := len(search.open) + search.unnamed:
        raise NONE_SUITABLE.broken(line=number, count=search.count, open=unanswered)


@lifecycle.verb(REVIEWED, zh="占用计划行", en="Claim a line", inner=True)
def claim_line(
    plan: Plan,
    occasion: Occasion,
    *,
    line: Number,
    acquisition: CaseId,
    quantity: Quantity,
    unit_price: Fen,
) -> tuple[PlanLineClaimed, Ask]:
    """Let a purchase rest on a line, and tell it what it is about."""
    wanted = the_line(plan, line)
    proven(line, wanted, occasion)
    if Decimal(quantity) > left(wanted):
        raise ENOUGH_LEFT.broken(
            line=line, left=decimal(max(left(wanted), Decimal(0))), quantity=quantity
        )
    if unit_price > wanted.unit_price:
        raise NOT_DEARER.broken(line=line, planned=wanted.unit_price, unit_price=unit_price)
    about = {"kind": wanted.kind, "item": wanted.item, "unit": plan.unit}
    return (
        PlanLineClaimed(line=line, acquisition=acquisition, quantity=quantity),
        Ask(f"acquisition/{acquisition}", "put_forward", about),
    )


@lifecycle.verb(REVIEWED, zh="确认购置依据", en="Confirm the line", inner=True)
def confirm_line(
    plan: Plan, occasion: Occasion, *, line: Number, acquisition: CaseId
) -> PlanLineConfirmed:
    """Refuse when the search has become too old, or a later one left something unanswered."""
    proven(line, the_line(plan, line), occasion)
    return PlanLineConfirmed(line=line, acquisition=acquisition)


@lifecycle.verb(REVIEWED, zh="释放计划行", en="Release a line", inner=True)
def release_line(plan: Plan, _: Occasion, *, line: Number, acquisition: CaseId) -> PlanLineReleased:
    """Let others have what a purchase does not need any more."""
    the_line(plan, line)
    return PlanLineReleased(line=line, acquisition=acquisition)
