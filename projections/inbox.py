"""Open steps as those see them whose turn it is: what is due first, then what waits longest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, case, func, or_, select

from projections.cases import cases
from projections.inventory import inventory
from projections.scope import Filters, Rows, Scope, among, in_units, where


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a role in some units, on a day. `verbs` and `kinds` narrow it; empty ones do not."""

    on: date
    role: str
    units: frozenset[str]
    verbs: tuple[str, ...] = ()
    but: tuple[str, ...] = ()  # verbs that are left out
    kinds: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()  # data sets that are left out


def listing(scope: Scope, turn: Turn, *, limit: int = 200) -> Rows:
    """Return the steps that are theirs: overdue and due ones first, then the longest waiting."""
    c = cases.c
    undated = case((c.step_due == "", 1), else_=0)
    query = select(cases).where(*_theirs(scope, turn))
    return query.order_by(undated, c.step_due, c.step_since, c.id).limit(limit)


def counts(scope: Scope, turn: Turn) -> Rows:
    """Count the steps that are theirs per kind and step, with those that are overdue."""
    c = cases.c
    late = and_(c.step_due != "", c.step_due < turn.on.isoformat())
    query = select(
        c.kind,
        c.step,
        func.count().label("cases"),
        func.sum(case((late, 1), else_=0)).label("overdue"),
    )
    return query.where(*_theirs(scope, turn)).group_by(c.kind, c.step).order_by(c.kind, c.step)


def of_side(
    scope: Scope, on: date, units: Iterable[str], verbs: Iterable[str], *, limit: int = 50
) -> Rows:
    """Return open steps of cases that concern some units, whoever's turn it is; due ones first."""
    c = cases.c
    mine = sorted(units)
    side = or_(c.from_unit.in_(mine), c.to_unit.in_(mine), c.step_unit.in_(mine))
    query = select(cases).where(c.step.in_(sorted(verbs)), c.step_since <= on.isoformat(), side)
    undated = case((c.step_due == "", 1), else_=0)
    return query.where(*_seen(scope)).order_by(undated, c.step_due, c.step_since, c.id).limit(limit)


def of_applicant(scope: Scope, person: str, *, limit: int = 50) -> Rows:
    """Return what a person applied for and is not over, the latest change first."""
    c = cases.c
    query = select(cases).where(c.applicant == person, c.step != "", *_seen(scope))
    return query.order_by(c.changed_on.desc(), c.id).limit(limit)


def decided(scope: Scope, row: Any, statuses: Iterable[str], *, limit: int = 5) -> Rows:
    """Return cases like one that were decided before: the same matter first, then the latest."""
    c = cases.c
    same = case((c.title == row["title"], 0), else_=1)
    giver = case((c.from_unit == row["from_unit"], 0), else_=1)
    query = select(cases).where(
        c.kind == row["kind"], c.id != row["id"], c.status.in_(sorted(statuses)), *_seen(scope)
    )
    if row["dataset"] == "":
        query = query.where(c.dataset == "")
    return query.order_by(same, giver, c.changed_on.desc(), c.id).limit(limit)


def cards(scope: Scope, ids: Iterable[str]) -> Rows:
    """Return the cards with these ids, as far as they may be seen, by number."""
    c = inventory.c
    seen = where(inventory, scope, Filters(book="any"))
    return select(inventory).where(seen, among(c.id, ids)).order_by(c.asset_no, c.id)


def _theirs(scope: Scope, turn: Turn) -> list[ColumnElement[bool]]:
    c = cases.c
    wanted = [
        c.step != "",
        c.step_since <= turn.on.isoformat(),
        ("," + c.step_roles + ",").contains(f",{turn.role},", autoescape=True),
        c.step_unit.in_(sorted({"", *turn.units})),
        *_seen(scope),
    ]
    if turn.verbs:
        wanted.append(c.step.in_(sorted(turn.verbs)))
    if turn.but:
        wanted.append(c.step.notin_(sorted(turn.but)))
    if turn.kinds:
        wanted.append(c.kind.in_(sorted(turn.kinds)))
    if turn.dataset:
        wanted.append(c.dataset.notin_(sorted(turn.dataset)))
    return wanted


def _seen(scope: Scope) -> list[ColumnElement[bool]]:
    c = cases.c
    return [in_units(scope, c.from_unit, c.to_unit, c.step_unit)]
