"""Cases of every kind: one row for each, where it stands, and which step is open (T34): whose it
is, since when, and by which day it is due.

Reads every event of the kinds of stream in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Select,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
)

from domain.acquiring import Acquisition
from domain.allocating import Allocation
from domain.auditing_notes import Note
from domain.census import Census
from domain.claiming import Claim
from domain.converting import Conversion
from domain.demand import Demand
from domain.disposal import Disposal
from domain.exchanging import Exchange
from domain.gathering import Gathering
from domain.leasing import Lease
from domain.lending import Loan
from domain.open_steps import open_step
from domain.planning import Plan
from domain.reallocation import Reallocation
from domain.reorganisation import Reorganisation
from domain.standards import Standard
from domain.stocktaking import Stocktake
from domain.warehouse import Intake
from projections import ordering
from projections.inventory import metadata
from projections.scope import EVERYTHING, Rows, Scope, in_units

KINDS = (
    "loan", "lease", "intake", "reallocation", "conversion", "exchange", "disposal", "reorganisation",
    "plan", "acquisition", "census", "stocktake", "note", "standard", "demand",
    "allocation", "claim", "gathering",
)  # fmt: skip
cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),  # the whole stream name
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("applicant", Text, nullable=False),
    Column("from_unit", Text, nullable=False),
    Column("to_unit", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("items", Text, nullable=False),  # a quantity
    Column("amount", BigInteger),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("opened_on", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("step", Text, nullable=False),  # the verb that is next; empty when it is over
    Column("step_roles", Text, nullable=False),  # whose roles, with commas
    Column("step_unit", Text, nullable=False),  # empty where the place does not say
    Column("step_since", Text, nullable=False),
    Column("step_due", Text, nullable=False),  # empty where the place sets no time
    Column("number", Text, nullable=False),  # of the document; empty where its unit numbers none
)
indexes = (
    Index("cases_by_status", cases.c.kind, cases.c.status, cases.c.changed_on),
    Index("cases_by_change", cases.c.changed_on, cases.c.id),
    Index("cases_by_step", cases.c.step_since, cases.c.id),
)
Case = (
    Loan
    | Lease
    | Intake
    | Reallocation
    | Conversion
    | Exchange
    | Disposal
    | Reorganisation
    | Plan
    | Acquisition
    | Census
    | Stocktake
    | Note
    | Standard
    | Demand
    | Allocation
    | Claim
    | Gathering
)


def row(
    id_: str, case: Case, opened_on: str, changed_on: str, version: int
) -> tuple[Any, ...] | None:
    """Return the row of a case, None while nobody has asked for it."""
    if case.status.value == "none":
        return None
    head = (id_, id_.split("/", 1)[0], case.status.value, case.applicant)
    tail = (opened_on, changed_on, version, *waits(case, changed_on), getattr(case, "number", ""))
    match case:
        case Loan():
            items = str(len(case.waiting | case.out | case.back))
            due = case.due.isoformat() if case.due else ""
            return (
                *head, case.lender, case.borrower, case.purpose, items, None, "", "", due, case.dataset, *tail
            )  # fmt: skip
        case Lease():
            items = str(len(case.waiting | case.out | case.back))
            due = case.due.isoformat() if case.due else ""
            return (
                *head, case.lessor, "", case.lessee, items, case.rent, "CNY", "", due, case.dataset, *tail,
            )  # fmt: skip
        case Intake():
            items = str(len(case.waiting | case.received))
            return (
                *head, case.unit, case.keeper_unit, case.warehouse, items, None, "", "", "",
                case.dataset, *tail,
            )  # fmt: skip
        case Reallocation():
            return (
                *head, case.from_unit, case.to_unit, case.item, case.quantity, case.unit_value,
                case.currency, case.reason, "", case.dataset, *tail,
            )  # fmt: skip
        case Conversion():
            items = str(len(case.waiting | case.converted))
            return (
                *head, case.unit, "", case.purpose[:80], items, None, "", case.reason, "",
                case.dataset, *tail,
            )  # fmt: skip
        case Exchange():
            items = str(len(case.waiting | case.gone))
            return (
                *head, case.unit, case.partner, case.needed[:80], items, case.boot or None, "CNY",
                case.reason, "", case.dataset, *tail,
            )  # fmt: skip
        case Reorganisation():
            due = case.cut_off.isoformat() if case.cut_off else ""
            return (
                *head, case.from_units[0], case.to_units[0], case.order_no,
                str(case.count), None, "", "", due, case.dataset, *tail,
            )  # fmt: skip
        case Plan():
            return (
                *head, case.unit, "", case.title, str(len(case.lines)), case.amount, "CNY", "", "",
                case.dataset, *tail,
            )  # fmt: skip
        case Acquisition():
            return (
                *head, case.unit, "", case.item, case.quantity, case.amount, "CNY", "", "",
                case.dataset, *tail,
            )  # fmt: skip
        case Census():
            due = case.due.isoformat() if case.due else ""
            return (
                *head, case.unit, "", case.trigger.value, str(case.cards), case.amount, "CNY",
                "", due, case.dataset, *tail,
            )  # fmt: skip
        case Stocktake():
            due = case.due.isoformat() if case.due else ""
            return (
                *head, case.unit, "", case.title, str(case.items), None, "", "", due,
                case.dataset, *tail,
            )  # fmt: skip
        case Note():
            due = case.due.isoformat() if case.due else ""
            return (
                *head, case.unit, "", case.finding[:80], "1", None, "", "", due, case.dataset, *tail,
            )  # fmt: skip
        case Demand():
            due = case.needed_by.isoformat() if case.needed_by else ""
            return (
                *head, "", case.unit, case.item, case.quantity, None, "", "", due, case.dataset, *tail,
            )  # fmt: skip
        case Allocation():
            day = case.proposed_on.isoformat() if case.proposed_on else ""
            return (*head, "", "", day, str(case.proposals), None, "", "", "", "", *tail)
        case Standard():
            return (
                *head, case.unit, "", case.title, case.quantity or "", case.price_cap, "CNY", "",
                "", "", *tail,
            )  # fmt: skip
        case Claim():
            due = case.until.isoformat() if case.until else ""
            return (
                *head, case.giver, case.unit, case.item or case.asset, case.quantity or "1", None, "",
                case.reason, due, case.dataset, *tail,
            )  # fmt: skip
        case Gathering():
            due = case.due.isoformat() if case.due else ""
            items = str(len(case.waiting | case.home | case.gone))
            return (
                *head, case.unit, "", case.purpose, items, None, "", "", due, case.dataset, *tail,
            )  # fmt: skip
        case Disposal():
            items = str(len(case.approved or case.proposed or case.executed))
            at_stake = case.approved_amount or case.requested_amount  # original value of the list
            amount = case.proceeds if case.executed else at_stake
            return (
                *head, case.unit, "", case.form.value, items, amount, case.currency, "", "",
                case.dataset, *tail,
            )  # fmt: skip


def waits(case: Case, since: str) -> tuple[str, str, str, str, str]:
    """Return which step is open, whose it is, since which day, and by which day it is due.

    Whatever happens to a case opens its next step or goes on with this one, so the day of the
    last entry is the day since when nobody has moved; a step that the calendar opens begins then.
    """
    step = open_step(case)
    if step is None or not case.applicant:  # what a published register tells, nobody here asked for
        return "", "", "", "", ""
    due = step.due
    if step.since is not None:
        since = max(since, step.since.isoformat())
    if step.days is not None:
        due = date.fromisoformat(since) + timedelta(days=step.days)
    by = due.isoformat() if due else ""
    return step.verb, ",".join(str(role) for role in step.roles), step.unit, since, by


def listing(
    scope: Scope,
    *,
    kind: str = "",
    status: str = "",
    text: str = "",
    dataset: str = "",
    sort: str = "changed_on",
    descending: bool = True,
    after: str | None = None,
    limit: int = 50,
) -> Rows:
    """Return the cases that match, the latest change first unless said, a page at a time."""
    query = _matching(select(cases), scope, kind, status, text, dataset)
    c = cases.c
    return ordering.keyset(query, c[sort], c.id, descending=descending, after=after, limit=limit)


def count(
    scope: Scope, *, kind: str = "", status: str = "", text: str = "", dataset: str = ""
) -> Rows:
    """Return how many cases match."""
    query = select(func.count().label("rows")).select_from(cases)
    return _matching(query, scope, kind, status, text, dataset)


def _matching(query: Rows, scope: Scope, kind: str, status: str, text: str, dataset: str) -> Rows:
    c = cases.c
    if scope.units is not None:
        query = query.where(in_units(scope, c.from_unit, c.to_unit, c.step_unit))
    for column, wanted in ((c.kind, kind), (c.status, status), (c.dataset, dataset)):
        if wanted:
            query = query.where(column == wanted)
    for word in text.split():
        query = query.where(
            or_(
                func.lower(c.title).contains(word.lower(), autoescape=True),
                func.lower(c.id).contains(word.lower(), autoescape=True),
                c.number.contains(word, autoescape=True),
                c.reason.contains(word, autoescape=True),
            )
        )
    return query


def open_steps(
    scope: Scope,
    on: date,
    *,
    kind: str = "",
    role: str = "",
    days: int = 0,
    overdue: bool = False,
    dataset: str = "",
    sort: str = "",
    descending: bool = False,
    after: tuple[str, str] | str | None = None,
    limit: int = 50,
) -> Select[Any]:
    """Return the open steps as of a day, the longest waiting first (T34).

    `days`: nobody has moved for at least so many days. `overdue`: only what the place or the
    agreement set a day for, and that day is past. `after`: the day and id of the last row read.
    `sort`: another column to sort by, whose `after` is a cursor of its own.
    """
    c = cases.c
    query = _open(select(cases), scope, on, kind, role, days, overdue, dataset)
    if sort:
        cursor = after if isinstance(after, str) else None
        by = c[sort]
        return ordering.keyset(query, by, c.id, descending=descending, after=cursor, limit=limit)
    if isinstance(after, tuple):
        since, last = after
        query = query.where(or_(c.step_since > since, and_(c.step_since == since, c.id > last)))
    return query.order_by(c.step_since, c.id).limit(limit)


def count_open(
    scope: Scope,
    on: date,
    *,
    kind: str = "",
    role: str = "",
    days: int = 0,
    overdue: bool = False,
    dataset: str = "",
) -> Rows:
    """Return how many open steps there are as of a day."""
    query = select(func.count().label("rows")).select_from(cases)
    return _open(query, scope, on, kind, role, days, overdue, dataset)


def _open(
    query: Rows,
    scope: Scope,
    on: date,
    kind: str,
    role: str,
    days: int,
    overdue: bool,
    dataset: str,
) -> Rows:
    c = cases.c
    query = query.where(c.step != "", c.step_since <= on.isoformat())
    if scope.units is not None:
        query = query.where(in_units(scope, c.from_unit, c.to_unit, c.step_unit))
    if kind:
        query = query.where(c.kind == kind)
    if role:
        query = query.where(("," + c.step_roles + ",").contains(f",{role},", autoescape=True))
    if days:
        query = query.where(c.step_since <= (on - timedelta(days=days)).isoformat())
    if overdue:
        query = query.where(c.step_due != "", c.step_due < on.isoformat())
    if dataset:
        query = query.where(c.dataset == dataset)
    return query


def open_of(unit: str, kinds: Iterable[str]) -> Rows:
    """Return what is not over and names a unit, as a side or as who must act, by id."""
    c = cases.c
    named = or_(c.from_unit == unit, c.to_unit == unit, c.step_unit == unit)
    query = select(c.id, c.step, c.from_unit, c.to_unit)
    return query.where(c.step != "", c.kind.in_(sorted(kinds)), named).order_by(c.id)


def counts(scope: Scope = EVERYTHING, kind: str = "") -> Rows:
    """Count cases per kind, status and data set."""
    c = cases.c
    query = select(c.kind, c.status, c.dataset, func.count().label("cases"))
    if scope.units is not None:
        query = query.where(in_units(scope, c.from_unit, c.to_unit, c.step_unit))
    if kind:
        query = query.where(c.kind == kind)
    return query.group_by(c.kind, c.status, c.dataset).order_by(c.kind, c.status, c.dataset)


def refusals(dataset: str = "") -> Rows:
    """Count refused reallocations per reason."""
    c = cases.c
    query = select(c.reason.label("key"), func.count().label("cases")).where(
        c.kind == "reallocation", c.status == "refused"
    )
    if dataset:
        query = query.where(c.dataset == dataset)
    return query.group_by(c.reason).order_by(func.count().desc(), c.reason)


def one(stream: str) -> Rows:
    """Return one case."""
    return select(cases).where(cases.c.id == stream)
