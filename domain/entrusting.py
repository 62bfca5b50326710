"""A company that runs a public warehouse for public bodies: what it was entrusted with, and when.

Storage alone and full agency both exist, so it is a record with dates and tasks, never a fixed
scope (DOMAIN.md c, i.22). Whoever is entrusted decides nothing, takes nothing for itself and
keeps no proceeds. A stream `entrustment/<id>` is all that one company was ever entrusted with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import unit as units
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.oversight import MONEY_STEPS
from domain.unit import UnitKind
from domain.values import Given, Reference, Text, UnitId
from domain.words import Role, Term, Words

AGREEMENTS_MAX = 100  # of one company, past and present; more is a mistake or a program


class Task(Term):
    """What a company may be entrusted with."""

    STORAGE = "storage", "保管、运输、维护", "storage, transport and upkeep"
    BOOKS = "books_kept", "代理记账", "keeping the books as agent"
    DISPOSAL = "disposal_agency", "代办处置", "disposal as agent"


class Agreement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One agreement: who entrusts what, from when to when, both days included."""

    owner: str
    agreement_no: str
    tasks: tuple[Task, ...]
    since: date
    until: date

    def runs(self, on: date) -> bool:
        """Answer whether it is in force on a day."""
        return self.since <= on <= self.until


class Entrustment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All agreements with one company, oldest first."""

    agreements: tuple[Agreement, ...] = ()

    def tasks_on(self, on: date) -> frozenset[Task]:
        """Return what the company may do on a day."""
        return frozenset(task for a in self.agreements if a.runs(on) for task in a.tasks)

    def describe(self, lang: Lang) -> str:
        """Say how many agreements there are, and the last of them."""
        if not self.agreements:
            return "没有受托事项" if lang == "zh" else "Nothing is entrusted"
        last = self.agreements[-1]
        if lang == "zh":
            what = "、".join(task.words.zh for task in last.tasks)
            return f"共{len(self.agreements)}份委托，最近一份{last.since}至{last.until}：{what}"
        what = ", ".join(task.words.en for task in last.tasks)
        count = f"{len(self.agreements)} agreement{'s' * (len(self.agreements) > 1)}"
        return f"{count}, the last from {last.since} to {last.until}: {what}"


lifecycle: Lifecycle[Entrustment] = Lifecycle(
    "entrustment", Entrustment, Words("运营委托", "Entrustment")
)

# What happened ----------------------------------------------------------------


class OperationEntrusted(
    Event,
    name="entrustment.operation_entrusted",
    zh="{owner}委托运营：{tasks}，{since}至{until}，协议{agreement_no}",
    en="{owner} entrusted {tasks} from {since} to {until} by {agreement_no}",
):
    """A public body lets a company do some of its work; the property stays its own."""

    owner: UnitId
    tasks: tuple[Task, ...]
    since: date
    until: date
    agreement_no: Reference


class EntrustmentEnded(
    Event,
    name="entrustment.ended",
    zh="协议{agreement_no}提前终止，最后一日{until}：{reason}",
    en="Agreement {agreement_no} ended early, its last day is {until}: {reason}",
):
    """The company may do nothing more by this agreement after that day."""

    agreement_no: Reference
    until: date
    reason: Text


EntrustmentEvent: TypeAlias = OperationEntrusted | EntrustmentEnded

# Where that leaves us ---------------------------------------------------------


def evolve(entrustment: Entrustment, event: EntrustmentEvent) -> Entrustment:
    """What an event means. Never refuses: it already happened."""
    match event:
        case OperationEntrusted():
            one = Agreement(
                owner=event.owner,
                agreement_no=event.agreement_no,
                tasks=event.tasks,
                since=event.since,
                until=event.until,
            )
            return replace(entrustment, agreements=(*entrustment.agreements, one))
        case EntrustmentEnded(agreement_no=number, until=until):
            left = (
                replace(a, until=until) if a.agreement_no == number else a
                for a in entrustment.agreements
            )
            return replace(entrustment, agreements=tuple(left))
        case _:
            assert_never(event)


lifecycle.part(EntrustmentEvent, evolve)

# What may be asked ------------------------------------------------------------

ENTRUSTING = (Role.OFFICE, Role.FINANCE)
A_COMPANY = Rule(
    slug="not-a-company",
    zh="单位 {unit} 不是企业；机关、事业单位自己管理公物仓的，不需要运营委托。",
    en="{unit} is no company; a public body that runs a warehouse itself needs no entrustment.",
)
IN_ORDER = Rule(
    slug="entrustment-dates",
    zh="委托期限须有先后：{since} 至 {until}。",
    en="An agreement ends after it begins: {since} to {until}.",
)
TASKS_NAMED = Rule(
    slug="entrustment-without-task",
    zh="须写明委托的事项，且不得重复。",
    en="Say what is entrusted, each task once.",
)
NUMBER_NEW = Rule(
    slug="agreement-exists",
    zh="协议 {agreement_no} 已经登记。",
    en="Agreement {agreement_no} is recorded already.",
)
NOT_TOO_MANY = Rule(
    slug="too-many-agreements",
    zh="一家企业的运营委托至多 {most} 份。",
    en="One company has at most {most} agreements.",
)
IN_FORCE = Rule(
    slug="no-such-agreement",
    zh="协议 {agreement_no} 没有登记，或在 {until} 之前已经到期。",
    en="Agreement {agreement_no} is not recorded, or ends before {until} anyway.",
)
NOT_ENTRUSTED = Rule(
    slug="not-entrusted",
    zh="{unit}在 {on} 没有受托“{task}”，不能办理；请由委托单位办理，或先登记运营委托。",
    en="{unit} was not entrusted with {task} on {on}; let the body that entrusts do it, or record"
    " the agreement first.",
    law="《行政事业性国有资产管理条例》第51条",
)
DECIDES_NOTHING = Rule(
    slug="operator-decides-nothing",
    zh="{unit}是受托运营企业，不得以“{role}”身份申请同意、审批或者监督；请由有权机关办理。",
    en="{unit} is a company that runs a warehouse as agent and cannot act as {role}: consent,"
    " approval and supervision are a public body's.",
    law="《行政事业性国有资产管理条例》第51条",
)
TAKES_NOTHING = Rule(
    slug="operator-takes-nothing",
    zh="{unit}是受托运营企业，不能为自己借用、调入公物仓的资产。",
    en="{unit} is a company that runs a warehouse as agent; it cannot borrow or take in its things.",
)
KEEPS_NO_PROCEEDS = Rule(
    slug="operator-keeps-no-proceeds",
    zh="{unit}是受托运营企业，处置收入须由资产单位或者财政部门确认和上缴，企业不得留存。",
    en="{unit} is a company that runs a warehouse as agent: proceeds are assessed and remitted by"
    " the unit or the finance department; the company keeps none.",
    law="《行政事业性国有资产管理条例》第26条",
)
TASK_OF: Final[Mapping[str, Task]] = {
    Role.KEEPER: Task.STORAGE,
    Role.ACCOUNTANT: Task.BOOKS,
    Role.CLERK: Task.DISPOSAL,
}


@lifecycle.verb(zh="登记运营委托", en="Record an entrustment", roles=ENTRUSTING)
def entrust(
    entrustment: Entrustment,
    occasion: Occasion,
    *,
    owner: UnitId,
    tasks: tuple[Task, ...],
    since: date,
    until: date,
    agreement_no: Reference,
) -> tuple[Event | Ask, ...]:
    """Record what a public body lets the company do, from when to when."""
    if until < since:
        raise IN_ORDER.broken(since=since, until=until)
    if not tasks or len(set(tasks)) != len(tasks):
        raise TASKS_NAMED.broken()
    if any(a.agreement_no == agreement_no for a in entrustment.agreements):
        raise NUMBER_NEW.broken(agreement_no=agreement_no)
    if len(entrustment.agreements) >= AGREEMENTS_MAX:
        raise NOT_TOO_MANY.broken(most=AGREEMENTS_MAX)
    company = occasion.stream.removeprefix("entrustment/")
    return (
        OperationEntrusted(
            owner=owner, tasks=tasks, since=since, until=until, agreement_no=agreement_no
        ),
        Ask(f"unit/{company}", "run_as_agent", {}),
        Ask(f"unit/{owner}", "employ", {}),
    )


@lifecycle.verb(zh="提前终止委托", en="End an entrustment", roles=ENTRUSTING)
def end(
    entrustment: Entrustment,
    occasion: Occasion,
    *,
    agreement_no: Reference,
    reason: Given,
    until: date | None = None,
) -> EntrustmentEnded:
    """End an agreement: at once unless a last day is said."""
    last = until or occasion.on - timedelta(days=1)
    found = [a for a in entrustment.agreements if a.agreement_no == agreement_no]
    if not found or found[0].until <= last or last < occasion.on - timedelta(days=1):
        raise IN_FORCE.broken(agreement_no=agreement_no, until=last)
    return EntrustmentEnded(agreement_no=agreement_no, until=last, reason=reason)


@units.lifecycle.verb(units.EXISTS, zh="受托运营", en="Run as agent", inner=True)
def run_as_agent(unit: units.Unit, __: Occasion) -> tuple[Event, ...]:
    """Answer that the unit is a company: a public body has powers of its own."""
    if unit.kind is not UnitKind.ENTERPRISE:
        raise A_COMPANY.broken(unit=unit.name)
    return ()


def refuse_beyond(
    entrustment: Entrustment, unit: units.Unit, occasion: Occasion, asks: Iterable[Ask]
) -> None:
    """Refuse a company what it was not entrusted with on the business date; raise `Refused`."""
    task = TASK_OF.get(occasion.role)
    if task is None:
        raise DECIDES_NOTHING.broken(unit=unit.name, role=Words.of(occasion.role))
    if task not in entrustment.tasks_on(occasion.on):
        raise NOT_ENTRUSTED.broken(unit=unit.name, on=occasion.on, task=task.words)
    for ask in asks:
        if ask.verb in MONEY_STEPS:
            raise KEEPS_NO_PROCEEDS.broken(unit=unit.name)
        if any(ask.form.get(field) == occasion.unit for field in units.RECEIVERS):
            raise TAKES_NOTHING.broken(unit=unit.name)
