"""Verification census: everything a unit has is established anew, for one of six reasons (#55).

The results are submitted, ruled on by whoever the place says, and booked; only then is it closed
(国令738 第37至39条). What was found and never booked was the finding of many an audit.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.approval import DECIDERS, LAST_STEP, Approval, laid, my_turn, routed
from domain.decider import WITHIN, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import OTHER_PERSON
from domain.open_steps import OpenStep, decision, step_of
from domain.policy import Action
from domain.values import Code, Fen, PersonId, Reference, Text, UnitId
from domain.words import Role, Term, Words

Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]


class Trigger(Term):
    """Why everything is established anew (国令738 第37条)."""

    ORDERED = "ordered", "本级政府部署", "ordered by the government of the level"
    REORGANISED = (
        "reorganised",
        "重大资产调拨、划转或者单位分立、合并、改制、撤销、隶属关系改变",
        "a major transfer, or units divided, merged, converted, dissolved or resubordinated",
    )
    DISASTER = "disaster", "不可抗力造成资产毁损、灭失", "property lost by force majeure"
    DISTORTED = "distorted", "会计信息严重失真", "seriously distorted accounts"
    STANDARDS = (
        "standards",
        "会计制度重大变更，资产核算方法发生重要变化",
        "accounting rules for property changed in substance",
    )
    OTHER = "other", "其他应当清查的情形", "other cases that call for it"


class CensusStatus(Term):
    """Where a census stands."""

    NONE = "none", "未立项", "not opened"
    OPENED = "opened", "清查中", "being taken"
    SUBMITTED = "submitted", "结果待核实", "results submitted"
    RULED = "ruled", "已核实批复，待调账", "ruled, to be booked"
    CLOSED = "closed", "已结项", "closed"


class Census(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was found and what of it was booked, in cards."""

    status: CensusStatus = CensusStatus.NONE
    applicant: str = ""
    unit: str = ""
    trigger: Trigger = Trigger.OTHER
    base_date: date | None = None
    due: date | None = None
    cards: int = 0
    surplus: int = 0
    shortage: int = 0
    amount: int = 0  # of what is missing, in fen
    booked_surplus: int = 0
    booked_shortage: int = 0
    approval: Approval = Approval()
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the census stands."""
        step = self.approval.describe(lang) if self.status is CensusStatus.SUBMITTED else ""
        found = (self.surplus, self.shortage, self.booked_surplus, self.booked_shortage)
        if lang == "zh":
            said = "清查{}，盘盈{}项、盘亏{}项，已调账{}项、{}项"
            return said.format(self.status.words.zh, *found) + step
        said = "The census is {}: {} surplus, {} missing; booked {} and {}"
        return said.format(self.status.words.en, *found) + step


lifecycle: Lifecycle[Census] = Lifecycle("census", Census, Words("资产清查", "Verification census"))

# What happened ----------------------------------------------------------------


class VerificationOpened(
    Event,
    name="census.opened",
    zh="对{unit}资产清查立项（{trigger}），基准日{base_date}，{due}前报送结果，文号{order_no}",
    en="Census of {unit} opened ({trigger}) as of {base_date}, results by {due}, {order_no}",
):
    """#55 Somebody competent orders that everything of a unit be established as of a day."""

    unit: UnitId
    trigger: Trigger
    base_date: date
    due: date
    order_no: Code = ""
    dataset: Code = ""


class ResultsSubmitted(
    Event,
    name="census.results_submitted",
    zh="报送清查结果（报告{report_no}）：卡片{cards}张，盘盈{surplus}项，盘亏{shortage}项，"
    "盘亏原值{amount}",
    en="Results submitted (report {report_no}): {cards} cards, {surplus} surplus, {shortage}"
    " missing worth {amount}",
    duty="apply",
):
    """#55 What the unit found, with its report; the value of what is missing in fen."""

    applicant: PersonId
    report_no: Code
    cards: Count
    surplus: Count
    shortage: Count
    amount: Fen = 0
    note: Text = ""


class ResultsRuledOn(
    Event,
    name="census.results_ruled_on",
    zh="资产核实批复，文号{ruling_no}：{note}",
    en="Results ruled on: {ruling_no}, {note}",
    duty="approve",
):
    """#55 The authority says what the books shall show (国令738 第38条)."""

    ruling_no: Code
    note: Text = ""


class AdjustmentBooked(
    Event,
    name="census.adjustment_booked",
    zh="调账：盘盈{surplus}项，盘亏{shortage}项，凭证{voucher}",
    en="Booked: {surplus} surplus, {shortage} missing, voucher {voucher}",
    duty="execute",
):
    """#55 The books follow the ruling (国令738 第39条)."""

    voucher: Code
    surplus: Count = 0
    shortage: Count = 0


class VerificationClosed(
    Event,
    name="census.closed",
    zh="清查结项，报告{report_no}",
    en="Census closed, report {report_no}",
    boundary=True,
):
    """#55 All that was found is booked."""

    report_no: Code


CensusEvent: TypeAlias = (
    VerificationOpened | ResultsSubmitted | ResultsRuledOn | AdjustmentBooked | VerificationClosed
)

# Where that leaves us ---------------------------------------------------------


def evolve(census: Census, event: CensusEvent) -> Census:
    """What an event means. Never refuses: it already happened."""
    match event:
        case VerificationOpened():
            return Census(
                status=CensusStatus.OPENED,
                unit=event.unit,
                trigger=event.trigger,
                base_date=event.base_date,
                due=event.due,
                dataset=event.dataset,
            )
        case ResultsSubmitted():
            return replace(
                census,
                status=CensusStatus.SUBMITTED,
                applicant=event.applicant,
                cards=event.cards,
                surplus=event.surplus,
                shortage=event.shortage,
                amount=event.amount,
                approval=replace(census.approval, done=0, returned=False),
            )
        case ResultsRuledOn():
            return replace(census, status=CensusStatus.RULED)
        case AdjustmentBooked(surplus=surplus, shortage=shortage):
            return replace(
                census,
                booked_surplus=census.booked_surplus + surplus,
                booked_shortage=census.booked_shortage + shortage,
            )
        case VerificationClosed():
            return replace(census, status=CensusStatus.CLOSED)
        case _:
            assert_never(event)


lifecycle.part(CensusEvent, evolve)


@step_of(Census)
def what_is_next(census: Census) -> OpenStep | None:
    """Return what must be done next with a census."""
    match census.status:
        case CensusStatus.OPENED:
            return OpenStep(
                verb="submit_results", roles=(Role.CLERK,), unit=census.unit, due=census.due
            )
        case CensusStatus.SUBMITTED:
            return decision(census.approval, RULING, census.unit, verb="rule_on")
        case CensusStatus.RULED if adjusted(census):
            return OpenStep(verb="close", roles=RULING)
        case CensusStatus.RULED:
            return OpenStep(verb="book_adjustment", roles=(Role.ACCOUNTANT,), unit=census.unit)
        case _:
            return None


def adjusted(census: Census) -> bool:
    """Answer whether the books follow all that was found."""
    return (census.booked_surplus, census.booked_shortage) == (census.surplus, census.shortage)


# What may be asked ------------------------------------------------------------

RULING = (Role.FINANCE, Role.OFFICE, Role.DEPARTMENT)
NEW = Rule(
    slug="census-exists",
    zh="此清查已经立项。",
    en="This census has been opened already.",
    holds=lambda census, _: census.status is CensusStatus.NONE,
)
BEING_TAKEN = Rule(
    slug="census-not-being-taken",
    zh="清查没有立项，或者结果已经报送。",
    en="The census was not opened, or its results are submitted already.",
    holds=lambda census, _: (
        census.status is CensusStatus.OPENED
        or (census.status is CensusStatus.SUBMITTED and census.approval.returned)
    ),
)
SUBMITTED = Rule(
    slug="results-not-submitted",
    zh="清查结果没有报送，或者已经批复。",
    en="The results were not submitted, or have been ruled on.",
    holds=lambda census, _: census.status is CensusStatus.SUBMITTED,
)
RULED = Rule(
    slug="results-not-ruled-on",
    zh="清查结果未经核实批复，不能调账、结项。",
    en="Nothing is booked or closed before the results were ruled on.",
    law="《行政事业性国有资产管理条例》第38条",
    holds=lambda census, _: census.status is CensusStatus.RULED,
)
ADJUSTED = Rule(
    slug="results-not-booked",
    zh="清查结果尚未全部调账，不能结项。",
    en="Not all that was found is booked, so the census is not closed.",
    law="《行政事业性国有资产管理条例》第39条",
    holds=lambda census, _: adjusted(census),
)
OWN_UNIT = Rule(
    slug="census-of-another-unit",
    zh="只能由被清查单位办理。",
    en="Only the unit whose property it is can do this.",
    holds=lambda census, occasion: occasion.acts_for(census.unit),
)
IN_TIME = Rule(
    slug="census-due-too-early",
    zh="报送期限 {due} 不得早于基准日 {base_date}。",
    en="The results are due on {due}, before the base date {base_date}.",
)
AS_FOUND = Rule(
    slug="booked-beyond-results",
    zh="调账不得多于清查结果：盘盈尚余 {surplus} 项，盘亏尚余 {shortage} 项，且不得均为零。",
    en="What is booked is part of what was found: {surplus} surplus and {shortage} missing are"
    " left; not both may be nothing.",
)
MY_TURN = my_turn(*RULING)


@lifecycle.verb(NEW, zh="清查立项", en="Open a census", roles=(*RULING, Role.HEAD))
def open_census(
    _: Census,
    occasion: Occasion,
    *,
    unit: UnitId,
    trigger: Trigger,
    base_date: date,
    due: date,
    order_no: Code = "",
) -> VerificationOpened:
    """Order that all the property of a unit be established as of a day."""
    if not occasion.within(unit):
        raise WITHIN.broken(unit=unit)
    if due < base_date:
        raise IN_TIME.broken(due=due, base_date=base_date)
    return VerificationOpened(
        unit=unit, trigger=trigger, base_date=base_date, due=due, order_no=order_no
    )


@lifecycle.verb(
    BEING_TAKEN, OWN_UNIT, zh="报送清查结果", en="Submit the results", roles=(Role.CLERK,)
)
def submit_results(
    _: Census,
    occasion: Occasion,
    *,
    report_no: Reference,
    cards: Count,
    surplus: Count,
    shortage: Count,
    amount: Fen = 0,
    note: Text = "",
) -> tuple[Event, ...]:
    """Say what was found; the value of what is missing is what its cards say."""
    found = ResultsSubmitted(
        applicant=occasion.by,
        report_no=report_no,
        cards=cards,
        surplus=surplus,
        shortage=shortage,
        amount=amount,
        note=note,
    )
    route = occasion.policy.route(
        Action.WRITE_DOWN,
        unit_amount=amount,
        batch_amount=amount,
        level=occasion.level,
        unit_kind=occasion.unit_kind,
    )
    return (found, *laid(occasion, route))


@lifecycle.verb(
    SUBMITTED, OTHER_PERSON, MY_TURN, LAST_STEP, zh="核实批复", en="Rule on it", roles=DECIDERS
)
def rule_on(_: Census, __: Occasion, *, ruling_no: Reference, note: Text = "") -> ResultsRuledOn:
    """Say what the books shall show."""
    return ResultsRuledOn(ruling_no=ruling_no, note=note)


routed(lifecycle, SUBMITTED, MY_TURN)


@lifecycle.verb(
    RULED, OWN_UNIT, zh="登记调账", en="Record what was booked", roles=(Role.ACCOUNTANT,)
)
def book_adjustment(
    census: Census, _: Occasion, *, voucher: Reference, surplus: Count = 0, shortage: Count = 0
) -> AdjustmentBooked:
    """Record the voucher by which the books follow the ruling, in whole or in part."""
    more = census.surplus - census.booked_surplus
    less = census.shortage - census.booked_shortage
    if surplus > more or shortage > less or not surplus + shortage:
        raise AS_FOUND.broken(surplus=more, shortage=less)
    return AdjustmentBooked(voucher=voucher, surplus=surplus, shortage=shortage)


@lifecycle.verb(RULED, ADJUSTED, zh="清查结项", en="Close the census", roles=RULING)
def close(_: Census, __: Occasion, *, report_no: Reference) -> VerificationClosed:
    """Close the census; everything that was found is booked."""
    return VerificationClosed(report_no=report_no)
