"""Where every fen of a disposal is: the cards of the income board, ages of what is owed, lots that
nobody buys (T92, T93, T96).

Asked of the lists `disposals` and `dues`, of now or of any day. A disposal is one card until its
income is assessed; then each due of it is one, and so is every other income: what the cards of the
later steps come to is what the list of dues comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from domain.due import DueStatus, Income
from domain.progress import STEP_OF_DUE, MoneyStep
from projections.disposals import disposals
from projections.income import dues
from projections.ordering import keyset
from projections.scope import Rows, Scope, in_units

KINDS = ("disposal", "due")
# The day since when a due stands where it does; the first that is known.
SINCE: dict[MoneyStep, tuple[str, ...]] = {
    MoneyStep.BILLED: ("billed_on",),
    MoneyStep.PAID: ("paid_on", "remitted_on"),
    MoneyStep.REMITTED: ("remitted_on",),
    MoneyStep.POSTED: ("booked_on", "closed_on"),
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the board; an empty field asks nothing. `ages`: the last day of each age."""

    on: date
    ages: tuple[int, ...]
    unit: str = ""
    income: str = ""
    text: str = ""
    age: int | None = None  # which of the ages


def bounds(ages: Sequence[int], age: int) -> tuple[int, int | None]:
    """Return the first and the last day of an age; the last age has no end."""
    first = ages[age - 1] + 1 if age else 0
    return first, ages[age] if age < len(ages) else None


def _aged(since: Any, on: date, ages: Sequence[int], age: int) -> Any:
    """Return the condition that something waits since a day of that age."""
    first, last = bounds(ages, age)
    young = since <= (on - timedelta(days=first)).isoformat() if age else literal(True)
    old = since >= (on - timedelta(days=last)).isoformat() if last is not None else literal(True)
    return and_(young, old)


TOLD_BY_DUES = (MoneyStep.SOLD.value, MoneyStep.REMITTED.value)


def _cases() -> Any:
    """Return the disposals, but those all of whose proceeds are told by their dues."""
    c = disposals.c
    before = (MoneyStep.APPRAISED.value, MoneyStep.LISTED.value, MoneyStep.FAILED.value)
    worth = func.coalesce(c.approved, c.requested)
    owed = exists().where(dues.c.origin == c.stream)
    amount = case(
        (c.step == MoneyStep.APPROVED.value, worth),
        (c.step.in_(before), func.coalesce(c.appraised, worth)),
        (owed, c.proceeds - c.billed),
        else_=c.proceeds,
    )
    return select(
        c.step.label("step"),
        c.stream.label("id"),
        c.stream.label("case"),
        c.unit.label("unit"),
        c.form.label("about"),
        literal(Income.DISPOSAL.value).label("income"),
        c.status.label("status"),
        c["items"].label("items"),
        c.done.label("done"),
        amount.label("amount"),
        c.currency.label("currency"),
        literal(0).label("net"),
        literal(0).label("paid_in"),
        literal(0).label("remitted"),
        literal(0).label("left_over"),
        c.since.label("since"),
        c.next_by.label("due"),
        c.verb.label("verb"),
        c.roles.label("roles"),
        c.step_unit.label("step_unit"),
        c.rounds.label("rounds"),
        c.flags.label("flags"),
        c.dataset.label("dataset"),
        (c.approval_no + " " + c.number + " " + c.stream).label("words"),
    ).where(
        c.step != "",
        or_(c.step.not_in(TOLD_BY_DUES), ~owed, c.proceeds > c.billed),
    )


def _dues() -> Any:
    """Return every due, with the disposal it arises from where it does."""
    c, d = dues.c, disposals.c
    step = case(
        *((c.status == status.value, step.value) for status, step in STEP_OF_DUE.items()), else_=""
    )
    sold = func.coalesce(func.nullif(d.sold_on, ""), c.opened_on)
    since = case(
        (c.status == DueStatus.ASSESSED.value, sold),
        *(
            (
                c.status.in_([status.value for status, of in STEP_OF_DUE.items() if of is where]),
                func.coalesce(*(func.nullif(c[name], "") for name in names), c.changed_on),
            )
            for where, names in SINCE.items()
        ),
        else_=c.changed_on,
    )
    return select(
        step.label("step"),
        (literal("due/") + c.id).label("id"),
        c.origin.label("case"),
        c.unit.label("unit"),
        func.coalesce(d.form, "").label("about"),
        c.income.label("income"),
        c.status.label("status"),
        case((d.units == 1, d["items"]), else_=null()).label("items"),
        case((d.units == 1, d.done), else_=null()).label("done"),
        c.net.label("amount"),
        c.currency.label("currency"),
        c.net.label("net"),
        c.paid_in.label("paid_in"),
        c.remitted.label("remitted"),
        c.left_over.label("left_over"),
        since.label("since"),
        c.remit_by.label("due"),
        literal("").label("verb"),  # a due knows what is next from its status
        literal("").label("roles"),
        c.unit.label("step_unit"),
        func.coalesce(d.rounds, 0).label("rounds"),
        func.coalesce(d.flags, "").label("flags"),
        func.coalesce(d.dataset, "").label("dataset"),
        (c.codes + " " + c.id + " " + func.coalesce(d.approval_no, "")).label("words"),
    ).select_from(dues.outerjoin(disposals, d.stream == c.origin))


def _board(scope: Scope, asked: Asked) -> tuple[Subquery, Any]:
    """Return all cards, and the condition for those that are asked for."""
    board = union_all(_cases(), _dues()).subquery("cards")
    c = board.c
    wanted = [c.step != ""]
    if scope.units is not None:
        wanted.append(in_units(scope, c.unit))
    for column, value in ((c.unit, asked.unit), (c.income, asked.income)):
        if value:
            wanted.append(column == value)
    words = asked.text.casefold().split()
    wanted += [func.lower(c.words).contains(word, autoescape=True) for word in words]
    if asked.age is not None:
        wanted.append(_aged(c.since, asked.on, asked.ages, asked.age))
    return board, and_(*wanted)


def cards(
    scope: Scope, asked: Asked, *, step: MoneyStep | None = None, limit: int | None = None
) -> Rows:
    """Return the cards of one column, or of all, the longest waiting first; settled, the latest."""
    board, wanted = _board(scope, asked)
    query = select(board).where(wanted)
    if step is None:
        order = case({one.value: at for at, one in enumerate(MoneyStep)}, value=board.c.step)
        return query.order_by(order, board.c.since, board.c.id).limit(limit)
    query = query.where(board.c.step == step.value)
    since = board.c.since.desc() if step is MoneyStep.POSTED else board.c.since
    return query.order_by(since, board.c.id).limit(limit)


def totals(scope: Scope, asked: Asked) -> Rows:
    """Return for each column and currency: how many cards, of which age, and what they come to."""
    board, wanted = _board(scope, asked)
    c = board.c
    aged = (
        func.sum(case((_aged(c.since, asked.on, asked.ages, age), 1), else_=0)).label(f"age{age}")
        for age in range(len(asked.ages) + 1)
    )
    sums = (func.sum(c[n]).label(n) for n in ("amount", "net", "paid_in", "remitted", "left_over"))
    unknown = func.sum(case((c.amount.is_(None), 1), else_=0)).label("unknown")
    query = select(c.step, c.currency, func.count().label("cards"), unknown, *sums, *aged)
    return query.where(wanted).group_by(c.step, c.currency).order_by(c.step, c.currency)


def awaiting(scope: Scope, unit: str = "") -> Rows:
    """Count the disposals that nobody has decided about yet."""
    c = disposals.c
    query = select(func.count().label("cases")).where(c.status == "proposed")
    if scope.units is not None:
        query = query.where(in_units(scope, c.unit))
    return query.where(c.unit == unit) if unit else query


# What is owed, by age -------------------------------------------------------------


def _open(scope: Scope, asked: Asked) -> list[Any]:
    c = dues.c
    wanted: list[Any] = [c.left_over > 0]
    if scope.units is not None:
        wanted.append(in_units(scope, c.unit))
    for column, value in ((c.unit, asked.unit), (c.income, asked.income)):
        if value:
            wanted.append(column == value)
    named = func.lower(c.codes + " " + c.id)
    words = asked.text.casefold().split()
    wanted += [named.contains(word, autoescape=True) for word in words]
    if asked.age is not None:
        wanted.append(_aged(c.since, asked.on, asked.ages, asked.age))
    return wanted


def ageing(scope: Scope, asked: Asked) -> Rows:
    """Return what each unit still owes, by age and currency, and what of it is overdue.

    Overdue is only what has a day by which it must be remitted, and that day is past. Where the days
    count from the receipt, that is what is in hand of a due whose oldest receipt is past its day.
    """
    c, on = dues.c, asked.on.isoformat()
    aged = (
        func.sum(case((_aged(c.since, asked.on, asked.ages, age), c.left_over), else_=0)).label(
            f"age{age}"
        )
        for age in range(len(asked.ages) + 1)
    )
    late = and_(c.remit_by != "", c.remit_by < on)
    in_hand = case(
        (and_(c.from_receipt.is_not(None), c.paid_in < c.net), c.paid_in - c.remitted - c.kept),
        else_=c.left_over,
    )
    query = select(
        c.unit,
        c.currency,
        func.count().label("dues"),
        func.sum(c.left_over).label("left_over"),
        func.sum(case((late, in_hand), else_=0)).label("overdue"),
        *aged,
    )
    wanted = _open(scope, asked)
    return query.where(*wanted).group_by(c.unit, c.currency).order_by(c.unit, c.currency)


def unremitted(
    scope: Scope,
    asked: Asked,
    *,
    sort: str = "since",
    descending: bool = False,
    after: str | None = None,
    overdue: bool = False,
    limit: int | None = None,
) -> Rows:
    """Return every due of which something is neither remitted nor kept, the oldest first."""
    c = dues.c
    query = select(dues).where(*_open(scope, asked))
    if overdue:
        query = query.where(c.remit_by != "", c.remit_by < asked.on.isoformat())
    return keyset(query, c[sort], c.id, descending=descending, after=after, limit=limit)


def dues_of(case: str) -> Rows:
    """Return the dues that arise from a case."""
    return select(dues).where(dues.c.origin == case).order_by(dues.c.id)


# What nobody buys -------------------------------------------------------------------


def stuck(scope: Scope, asked: Asked, *, limit: int | None = None) -> Rows:
    """Return the disposals that failed at auction twice, or whose next step is overdue (T92)."""
    c = disposals.c
    late = and_(c.next_by != "", c.next_by < asked.on.isoformat())
    query = select(disposals).where(c.step == MoneyStep.FAILED.value, or_(c.rounds > 1, late))
    if scope.units is not None:
        query = query.where(in_units(scope, c.unit))
    if asked.unit:
        query = query.where(c.unit == asked.unit)
    if asked.age is not None:
        query = query.where(_aged(c.since, asked.on, asked.ages, asked.age))
    return query.order_by(c.since, c.id).limit(limit)


# The register -----------------------------------------------------------------------


def register(
    scope: Scope,
    asked: Asked,
    *,
    form: str = "",
    status: str = "",
    since: str = "",
    until: str = "",
    sort: str = "requested_on",
    descending: bool = True,
    after: str | None = None,
    limit: int | None = None,
) -> Rows:
    """Return the disposals, the latest request first, each with what its dues have received.

    `since` and `until` bound the day of the request.
    """
    c, d = disposals.c, dues.c
    of = (
        select(
            d.origin,
            func.sum(d.net).label("owed"),
            func.sum(d.paid_in).label("paid_in"),
            func.sum(d.remitted).label("reached"),
            func.sum(d.booked).label("booked"),
            func.max(d.billed_on).label("billed_on"),
            func.max(d.paid_on).label("paid_on"),
            func.max(d.remitted_on).label("reached_on"),
            func.max(d.booked_on).label("booked_on"),
        )
        .where(d.origin != "", d.income == Income.DISPOSAL.value)
        .group_by(d.origin)
        .subquery("of")
    )
    told = (of.c.owed, of.c.paid_in, of.c.reached, of.c.booked)
    days = (of.c.billed_on, of.c.paid_on, of.c.reached_on, of.c.booked_on)
    query = select(
        disposals, *told, *(func.coalesce(day, "").label(day.name) for day in days)
    ).select_from(disposals.outerjoin(of, of.c.origin == c.stream))
    if scope.units is not None:
        query = query.where(in_units(scope, c.unit))
    for column, value in ((c.unit, asked.unit), (c.form, form), (c.status, status)):
        if value:
            query = query.where(column == value)
    for word in asked.text.casefold().split():
        words = c.approval_no + " " + c.number + " " + c.id
        query = query.where(func.lower(words).contains(word, autoescape=True))
    if since:
        query = query.where(c.requested_on >= since)
    if until:
        query = query.where(c.requested_on <= until)
    return keyset(query, c[sort], c.id, descending=descending, after=after, limit=limit)
