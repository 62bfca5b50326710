"""A unit: an organ or institution that holds, uses or manages public property.

Where it belongs is told twice, because the two differ: by region and level (GB/T 2260), and by
its competent department. What becomes of it, and until when a temporary body exists, are dated
facts, so that every past day keeps its answer (DOMAIN.md i.14).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.paper_forms import PaperForm
from domain.uscc import Doubt, doubt
from domain.values import Code, Given, Name, Reference, Text, UnitId
from domain.words import Role, Term, Words

Posts: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class UnitKind(Term):
    """What sort of body it is."""

    ORGAN = "organ", "行政单位", "administrative organ"
    INSTITUTION = "institution", "事业单位", "public institution"
    GOVERNMENT = "government", "人民政府", "people's government"
    OFFICES = "offices", "机关事务管理部门", "government offices administration"
    FINANCE = "finance", "财政部门", "finance department"
    AUDIT = "audit", "审计机关", "audit office"
    TEMPORARY = "temporary", "临时机构", "temporary body"
    ENTERPRISE = "enterprise", "受托运营企业", "company that runs a warehouse as agent"
    FOREIGN = "foreign", "境外机构（公开数据）", "foreign agency (public data)"


class Level(Term):
    """The level of government a unit belongs to."""

    CENTRAL = "central", "中央", "central"
    PROVINCE = "province", "省级", "province"
    PREFECTURE = "prefecture", "地市级", "prefecture"
    COUNTY = "county", "县级", "county"
    TOWNSHIP = "township", "乡级", "township"


class Unit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a unit is called now, where it belongs, and whether it still exists."""

    name: str = ""
    name_en: str = ""
    kind: UnitKind = UnitKind.ORGAN
    uscc: str = ""
    parent: str = ""
    located: str = ""
    zone: str = "Asia/Shanghai"
    example: bool = False
    dissolved: bool = False
    level: Level | None = None
    region: str = ""  # GB/T 2260, six digits
    competent: str = ""  # the competent department
    ends_on: date | None = None  # the last day of a temporary body
    posts: int | None = None  # as authorised; None: not known
    successors: tuple[str, ...] = ()
    predecessors: tuple[str, ...] = ()
    doubt: Doubt | None = None  # about its credit code

    def describe(self, lang: Lang) -> str:
        """Say what the unit is."""
        if not self.name:
            return "单位尚未建立" if lang == "zh" else "The unit does not exist yet"
        if self.dissolved:
            return f"{self.name}已撤销" if lang == "zh" else f"{self.name} is dissolved"
        zh, en = f"{self.name}正常", f"{self.name} exists"
        if self.ends_on is not None:
            zh, en = f"{zh}，存续至{self.ends_on}", f"{en} until {self.ends_on}"
        if self.doubt is not None:
            zh = f"{zh}，统一社会信用代码请核对：{self.doubt.words.zh}"
            en = f"{en}; check its credit code: {self.doubt.words.en}"
        return zh if lang == "zh" else en


lifecycle: Lifecycle[Unit] = Lifecycle(
    "unit", Unit, Words("单位", "Unit"), papers=(PaperForm.STOCKTAKE,)
)

# What happened ----------------------------------------------------------------


class UnitEstablished(
    Event, name="unit.established", zh="单位建立：{name}", en="Unit established: {name}"
):
    """The body exists from the business date on; `zone` is its IANA time zone."""

    name: Name
    kind: UnitKind
    name_en: Code = ""
    uscc: Code = ""
    parent: UnitId | None = None
    located: Code = ""
    zone: Code = "Asia/Shanghai"
    example: bool = False


class TemporaryBodyEstablished(
    Event,
    name="unit.temporary_body_established",
    zh="临时机构设立：{name}，存续至{ends_on}，批准文号{approval_no}",
    en="Temporary body established: {name}, until {ends_on}, by {approval_no}",
):
    """A body for a time; `ends_on` is its last day. What it holds comes back at the end."""

    name: Name
    ends_on: date
    approval_no: Code
    name_en: Code = ""
    parent: UnitId | None = None
    zone: Code = "Asia/Shanghai"
    example: bool = False


class TemporaryTermExtended(
    Event,
    name="unit.temporary_term_extended",
    zh="临时机构延期至{ends_on}，批准文号{approval_no}",
    en="Temporary body extended until {ends_on}, by {approval_no}",
):
    """The body exists longer than was first approved."""

    ends_on: date
    approval_no: Code


class UnitPlaced(
    Event,
    name="unit.placed",
    zh="明确隶属：{level}，行政区划{region}，主管部门{competent}",
    en="Belongs to: {level}, division {region}, competent department {competent}",
):
    """Level, region (GB/T 2260) and competent department hold from the business date on.

    The fact says all three; what is not stated then is not known any more.
    """

    level: Level | None = None
    region: Code = ""
    competent: UnitId | None = None


class CreditCodeRecorded(
    Event,
    name="unit.credit_code_recorded",
    zh="统一社会信用代码：{uscc}",
    en="Unified social credit code: {uscc}",
):
    """The code by which everybody else knows the body (GB 32100-2015)."""

    uscc: Code


class CreditCodeDoubted(
    Event,
    name="unit.credit_code_doubted",
    zh="统一社会信用代码{uscc}请核对：{doubt}",
    en="Check the unified social credit code {uscc}: {doubt}",
):
    """The code does not follow the standard; codes of the first years do so and are genuine."""

    uscc: Code
    doubt: Doubt


class PostsAuthorised(
    Event,
    name="unit.posts_authorised",
    zh="核定岗位{posts}个，文号{order_no}",
    en="{posts} posts authorised by {order_no}",
):
    """So many posts the unit has from the business date on; a standard may be for each of them."""

    posts: Posts
    order_no: Code


class UnitRenamed(Event, name="unit.renamed", zh="单位更名为{name}", en="Unit renamed to {name}"):
    """The body goes on under another name; older facts show the older name (T11)."""

    name: Name
    name_en: Code = ""
    reason: Text = ""


class UnitDissolved(
    Event, name="unit.dissolved", zh="单位撤销：{reason}", en="Unit dissolved: {reason}"
):
    """The body exists no more."""

    reason: Text


class UnitMerged(
    Event,
    name="unit.merged",
    zh="并入{into}，文号{order_no}",
    en="Merged into {into} by {order_no}",
):
    """The body ended in another one, which goes on with its tasks."""

    into: UnitId
    order_no: Code


class UnitSplit(
    Event,
    name="unit.split",
    zh="分设为{into}，文号{order_no}",
    en="Split into {into} by {order_no}",
):
    """The body ended in several others."""

    into: tuple[UnitId, ...]
    order_no: Code


class PredecessorSucceeded(
    Event,
    name="unit.predecessor_succeeded",
    zh="承接{predecessor}的职责，文号{order_no}",
    en="Goes on with the tasks of {predecessor} by {order_no}",
):
    """Another body ended and this one took over; its property is handed over by its own act."""

    predecessor: UnitId
    order_no: Code


UnitEvent: TypeAlias = (
    UnitEstablished
    | TemporaryBodyEstablished
    | TemporaryTermExtended
    | UnitPlaced
    | CreditCodeRecorded
    | CreditCodeDoubted
    | PostsAuthorised
    | UnitRenamed
    | UnitDissolved
    | UnitMerged
    | UnitSplit
    | PredecessorSucceeded
)

# Where that leaves us ---------------------------------------------------------


def evolve(unit: Unit, event: UnitEvent) -> Unit:
    """What an event means. Never refuses: it already happened."""
    match event:
        case UnitEstablished():
            return replace(
                unit,
                name=event.name,
                name_en=event.name_en,
                kind=event.kind,
                uscc=event.uscc,
                parent=event.parent or "",
                located=event.located,
                zone=event.zone,
                example=event.example,
            )
        case TemporaryBodyEstablished():
            return replace(
                unit,
                name=event.name,
                name_en=event.name_en,
                kind=UnitKind.TEMPORARY,
                parent=event.parent or "",
                zone=event.zone,
                example=event.example,
                ends_on=event.ends_on,
            )
        case TemporaryTermExtended(ends_on=ends_on):
            return replace(unit, ends_on=ends_on)
        case UnitPlaced(level=level, region=region, competent=competent):
            return replace(unit, level=level, region=region, competent=competent or "")
        case CreditCodeRecorded(uscc=uscc):
            return replace(unit, uscc=uscc, doubt=None)
        case CreditCodeDoubted(doubt=why):
            return replace(unit, doubt=why)
        case PostsAuthorised(posts=posts):
            return replace(unit, posts=posts)
        case UnitRenamed(name=name, name_en=name_en):
            return replace(unit, name=name, name_en=name_en)
        case UnitDissolved():
            return replace(unit, dissolved=True)
        case UnitMerged(into=one):
            return replace(unit, dissolved=True, successors=(one,))
        case UnitSplit(into=several):
            return replace(unit, dissolved=True, successors=several)
        case PredecessorSucceeded(predecessor=one):
            return replace(unit, predecessors=(*unit.predecessors, one))
        case _:
            assert_never(event)


lifecycle.part(UnitEvent, evolve)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="unit-exists",
    zh="该单位已经建立。",
    en="The unit exists already.",
    holds=lambda unit, _: not unit.name,
)
EXISTS = Rule(
    slug="no-such-unit",
    zh="单位不存在或已撤销。",
    en="The unit does not exist or is dissolved.",
    holds=lambda unit, _: bool(unit.name) and not unit.dissolved,
)
TEMPORARY = Rule(
    slug="not-a-temporary-body",
    zh="只有定有期限的临时机构才能延期。",
    en="Only a temporary body with a last day can be extended.",
    holds=lambda unit, _: unit.ends_on is not None,
)
ENDS_AHEAD = Rule(
    slug="ends-too-early",
    zh="截止日期 {ends_on} 须晚于 {after}。",
    en="The last day {ends_on} must be after {after}.",
)
DIVISION = Rule(
    slug="not-a-division",
    zh="行政区划代码应为国家标准规定的六位数字，现为 {region}。",
    en="A division is six digits (GB/T 2260); this is {region}.",
)
ANOTHER_UNIT = Rule(
    slug="successor-not-another-unit",
    zh="承接单位须为另外的单位，且不得重复。",
    en="The successors must be other units, each named once.",
)
AN_INSTITUTION = Rule(
    slug="not-an-institution",
    zh="只有事业单位才可以按规定留用收入；行政单位的收入一律上缴。",
    en="Only a public institution may keep income by a rule; that of an organ all goes to the"
    " treasury.",
    law="《行政事业性国有资产管理条例》第25条",
    holds=lambda unit, _: unit.kind is UnitKind.INSTITUTION,
)
TWO_SUCCESSORS = Rule(
    slug="split-into-one",
    zh="分设至少要有两个单位；并入一个单位请办理“并入”。",
    en="A split needs at least two units; into one unit it is a merger.",
)
REGISTERED = Rule(
    slug="unit-unknown",
    zh="单位 {unit} 没有登记，不能申请；请先由系统管理员建立单位。",
    en="The unit {unit} is not registered and cannot request anything; have it established first.",
)
STANDING = Rule(
    slug="unit-dissolved",
    zh="单位 {unit} 在 {on} 已撤销，不能申请。",
    en="The unit {unit} was dissolved by {on} and cannot request anything.",
)
UNEXPIRED = Rule(
    slug="unit-expired",
    zh="临时机构 {unit} 已于 {ends_on} 期满，不能申请；确需继续的，先办理延期。",
    en="The temporary body {unit} ended on {ends_on} and cannot request anything; extend it first.",
)
SUCCESSORS_MAX = 50


# The fields of a request by which somebody is to receive something.
RECEIVERS = ("borrower", "to_unit")


def receivers(request: Event) -> tuple[str, ...]:
    """Return the units in whose favour a request is made."""
    named = (getattr(request, field, None) for field in RECEIVERS)
    return tuple(unit for unit in named if isinstance(unit, str) and unit)


WINDING_UP = Rule(
    slug="only-winding-up",
    zh="单位 {unit} 已终止，只能办结尚未了结的事项和移交；{others}。",
    en="The unit {unit} has ended: only its open cases and the hand-over are still its business;"
    " {others}.",
    law="《行政事业性国有资产管理条例》第22条",
)
BEFORE_ITS_END = Rule(
    slug="due-after-its-end",
    zh="{due} 晚于临时机构 {unit} 的最后一日 {ends_on}；借用须在期满前归还，确需继续的先办理延期。",
    en="{due} is after {ends_on}, the last day of the temporary body {unit}: what it borrows comes"
    " back by then; extend the body first if it goes on.",
    law="《行政事业性国有资产管理条例》第22条",
)
# How a request is taken back or done with: what winding up needs is no new request.
LETTING_GO = frozenset({"withdrawn", "extension_withdrawn", "rest_kept", "closed", "line_dropped"})


def requests(fact: Event) -> bool:
    """Answer whether a fact asks for something, rather than lets go what was asked for."""
    return fact.duty == "apply" and fact.type_name.partition(".")[2] not in LETTING_GO


def ended(unit: Unit, on: date) -> bool:
    """Answer whether a unit of the directory was dissolved or had expired on a day."""
    return bool(unit.name) and (unit.dissolved or (unit.ends_on is not None and on > unit.ends_on))


def refuse_ended(unit: Unit) -> None:
    """Refuse a unit that ended whatever is not winding up, and say who goes on with the rest."""
    if unit.successors:
        others = Words(
            f"其余由承接单位 {'、'.join(unit.successors)} 办理",
            f"the rest is that of its successor {', '.join(unit.successors)}",
        )
    else:
        others = Words("其余由接收其资产的单位办理", "the rest is that of who takes its property")
    raise WINDING_UP.broken(unit=unit.name, others=others)


def entitled(unit: Unit, id_: str, on: date) -> None:
    """Refuse a request of a unit that is unknown, dissolved or expired on the day (T51)."""
    if not unit.name:
        raise REGISTERED.broken(unit=id_)
    if unit.dissolved:
        raise STANDING.broken(unit=unit.name, on=on)
    if unit.ends_on is not None and on > unit.ends_on:
        raise UNEXPIRED.broken(unit=unit.name, ends_on=unit.ends_on)


@lifecycle.verb(zh="在期满前归还", en="Give back in time", inner=True)
def give_back_by(unit: Unit, _: Occasion, *, due: date) -> tuple[Event, ...]:
    """Answer that the unit is still there on a day; only a temporary body has a last one."""
    if unit.ends_on is not None and due > unit.ends_on:
        raise BEFORE_ITS_END.broken(due=due, unit=unit.name, ends_on=unit.ends_on)
    return ()


@lifecycle.verb(NEW, zh="建立单位", en="Establish a unit", roles=(Role.ADMIN,))
def establish(
    _: Unit,
    __: Occasion,
    *,
    name: Name,
    kind: UnitKind,
    name_en: Code = "",
    uscc: Code = "",
    level: Level | None = None,
    region: Code = "",
    competent: UnitId | None = None,
    parent: UnitId | None = None,
    located: Code = "",
) -> tuple[Event, ...]:
    """Enter a unit in the directory; level, region and department as far as they are known."""
    return (
        UnitEstablished(
            name=name, kind=kind, name_en=name_en, uscc=uscc, parent=parent, located=located
        ),
        *placed(level, region, competent),
        *doubted(uscc),
    )


@lifecycle.verb(
    NEW, zh="设立临时机构", en="Establish a temporary body", roles=(Role.ADMIN, Role.OFFICE)
)
def establish_temporary(
    _: Unit,
    occasion: Occasion,
    *,
    name: Name,
    ends_on: date,
    approval_no: Reference,
    name_en: Code = "",
    level: Level | None = None,
    region: Code = "",
    competent: UnitId | None = None,
    parent: UnitId | None = None,
) -> tuple[Event, ...]:
    """Enter a body that exists for a time, with the document that approved it."""
    if ends_on < occasion.on:
        raise ENDS_AHEAD.broken(ends_on=ends_on, after=occasion.on)
    return (
        TemporaryBodyEstablished(
            name=name, ends_on=ends_on, approval_no=approval_no, name_en=name_en, parent=parent
        ),
        *placed(level, region, competent),
    )


@lifecycle.verb(EXISTS, TEMPORARY, zh="临时机构延期", en="Extend", roles=(Role.ADMIN, Role.OFFICE))
def extend_term(
    unit: Unit, _: Occasion, *, ends_on: date, approval_no: Reference
) -> TemporaryTermExtended:
    """Let a temporary body exist longer, by another document."""
    if unit.ends_on is not None and ends_on <= unit.ends_on:
        raise ENDS_AHEAD.broken(ends_on=ends_on, after=unit.ends_on)
    return TemporaryTermExtended(ends_on=ends_on, approval_no=approval_no)


@lifecycle.verb(EXISTS, zh="明确隶属关系", en="Say where it belongs", roles=(Role.ADMIN,))
def belong(
    _: Unit,
    __: Occasion,
    *,
    level: Level,
    region: Code = "",
    competent: UnitId | None = None,
) -> tuple[Event, ...]:
    """Say level, region and competent department from the business date on, all three anew."""
    return placed(level, region, competent)


@lifecycle.verb(EXISTS, zh="登记信用代码", en="Record the credit code", roles=(Role.ADMIN,))
def record_credit_code(_: Unit, __: Occasion, *, uscc: Reference) -> tuple[Event, ...]:
    """Record the unified social credit code; a doubtful one is recorded with the doubt."""
    return (CreditCodeRecorded(uscc=uscc), *doubted(uscc))


@lifecycle.verb(
    EXISTS, zh="登记核定岗位", en="Record its posts", roles=(Role.ADMIN, Role.OFFICE, Role.FINANCE)
)
def authorise_posts(_: Unit, __: Occasion, *, posts: Posts, order_no: Reference) -> PostsAuthorised:
    """Record how many posts the unit has, and by which document."""
    return PostsAuthorised(posts=posts, order_no=order_no)


@lifecycle.verb(EXISTS, zh="单位更名", en="Rename a unit", roles=(Role.ADMIN,))
def rename(
    _: Unit, __: Occasion, *, name: Name, name_en: Code = "", reason: Text = ""
) -> UnitRenamed:
    """Give the unit another name; history keeps the old one."""
    return UnitRenamed(name=name, name_en=name_en, reason=reason)


@lifecycle.verb(EXISTS, zh="并入其他单位", en="Merge into another unit", roles=(Role.ADMIN,))
def merge(
    _: Unit, occasion: Occasion, *, into: UnitId, order_no: Reference
) -> tuple[Event | Ask, ...]:
    """End the unit in another one; its property is handed over by a reorganisation."""
    return (UnitMerged(into=into, order_no=order_no), *succeeding(occasion, (into,), order_no))


@lifecycle.verb(EXISTS, zh="分设为多个单位", en="Split into other units", roles=(Role.ADMIN,))
def split(
    _: Unit, occasion: Occasion, *, into: tuple[UnitId, ...], order_no: Reference
) -> tuple[Event | Ask, ...]:
    """End the unit in several others; a reorganisation says who gets what."""
    if len(into) < 2:
        raise TWO_SUCCESSORS.broken()
    return (UnitSplit(into=into, order_no=order_no), *succeeding(occasion, into, order_no))


@lifecycle.verb(EXISTS, zh="撤销单位", en="Dissolve a unit", roles=(Role.ADMIN,))
def dissolve(_: Unit, __: Occasion, *, reason: Given) -> UnitDissolved:
    """Record that the body exists no more."""
    return UnitDissolved(reason=reason)


@lifecycle.verb(EXISTS, zh="承接职责", en="Succeed", inner=True)
def succeed(
    _: Unit, __: Occasion, *, predecessor: UnitId, order_no: Reference
) -> PredecessorSucceeded:
    """Go on with the tasks of a unit that ended."""
    return PredecessorSucceeded(predecessor=predecessor, order_no=order_no)


@lifecycle.verb(EXISTS, AN_INSTITUTION, zh="核对为事业单位", en="Be an institution", inner=True)
def be_an_institution(_: Unit, __: Occasion) -> tuple[Event, ...]:
    """Answer for being a public institution: only those may keep income by a rule."""
    return ()


def placed(level: Level | None, region: str, competent: str | None) -> tuple[Event, ...]:
    """Return where a unit belongs as a fact; none when nothing was said."""
    if region and not re.fullmatch(r"[0-9]{6}", region):
        raise DIVISION.broken(region=region)
    if level is None and not region and competent is None:
        return ()
    return (UnitPlaced(level=level, region=region, competent=competent),)


def doubted(uscc: str) -> tuple[Event, ...]:
    """Return the doubt about a credit code as a fact; it warns and refuses nobody."""
    why = doubt(uscc)
    return () if why is None else (CreditCodeDoubted(uscc=uscc, doubt=why),)


def succeeding(occasion: Occasion, into: tuple[str, ...], order_no: str) -> tuple[Ask, ...]:
    """Ask the successors, who must exist, to go on."""
    own = occasion.stream.removeprefix("unit/")
    if own in into or len(set(into)) != len(into) or len(into) > SUCCESSORS_MAX:
        raise ANOTHER_UNIT.broken()
    form = {"predecessor": own, "order_no": order_no}
    return tuple(Ask(f"unit/{one}", "succeed", form) for one in into)
