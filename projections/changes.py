"""What changed between two dates: opening + restated + in − out ± adjusted = closing (T15).

Worked out of the intervals of `history`: every boundary between two intervals of a card is one
event, so each figure is a sum of events that can be opened. Nothing is kept for it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
)

from domain.asset import Book
from projections.history import ended, history
from projections.inventory import inventory
from projections.scope import BadCursor, Rows, Scope, in_units
from projections.temporal import FOREVER, NEVER, at, seen

# The columns of the statement, in the order in which they add up.
OPENING, RESTATED, IN, OUT, ADJUSTED, CLOSING = (
    "opening", "restated", "in", "out", "adjusted", "closing",
)  # fmt: skip
FIGURES: Final = (OPENING, RESTATED, IN, OUT, ADJUSTED, CLOSING)
GROUP: Final = ("unit", "kind", "currency")
Condition: TypeAlias = "ColumnElement[bool]"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From the end of one business date to the end of another, each as known at a position.

    `then` is what was known when the opening was told, `known` when the closing is; None is now.
    Where both are the same, nothing is restated.
    """

    start: str
    end: str
    then: int | None = None
    known: int | None = None


class Only(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the statement is asked for; an empty field asks for all of it."""

    unit: str = ""
    kind: str = ""
    currency: str = ""
    dataset: str = ""


EVERYTHING: Final = Only()


def figures(scope: Scope, span: Span, only: Only = EVERYTHING) -> Rows:
    """Return count and money of every figure, per unit, kind and currency."""
    told = _told(span, only)
    legs = union_all(*(_legs(what, span, only, told) for what in FIGURES)).subquery("legs")
    c = legs.c
    key = [c.unit, c.kind, c.currency]
    return (
        select(*key, c.what, *_sums(c))
        .where(_visible(c, scope, only))
        .group_by(*key, c.what)
        .order_by(*key, c.what)
    )


def events(
    scope: Scope,
    span: Span,
    what: str,
    only: Only = EVERYTHING,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Rows:
    """Return the events that a figure is the sum of, in the order of the log, a page at a time.

    Of a balance, these are the events that brought each card where it stood. What was restated
    is found by `restated`.
    """
    assert what != RESTATED, "which events restated a card, only its stream can tell"
    legs = _legs(what, span, only).subquery("legs")
    c = legs.c
    query: Rows = select(
        c.id, c.unit, c.kind, c.currency, c.position, c.on_day.label("on"), c.n, c.v
    ).where(_visible(c, scope, only))
    order = (c.position, c.id, c.n, c.v)
    if after:
        query = query.where(tuple_(*order) > tuple_(*map(literal, _read(after))))
    return query.order_by(*order).limit(limit)


def restated(
    scope: Scope, span: Span, only: Only = EVERYTHING, *, after: str = "", limit: int = 50
) -> Rows:
    """Return the cards of which the opening is known otherwise now, by their ids, a page at a time.

    A card that is known otherwise and still counts the same, in the same place, is left out.
    """
    legs = _legs(RESTATED, span, only).subquery("legs")
    c = legs.c
    changed = (
        select(c.id)
        .where(_visible(c, scope, only), c.id > after)
        .group_by(c.id, c.unit, c.kind, c.currency)
        .having(or_(func.sum(c.n) != 0, func.sum(c.v) != 0))
    ).subquery("changed")
    query: Rows = select(changed.c.id).distinct()
    return query.order_by(changed.c.id).limit(limit)


def cursor(row: Any) -> str:
    """Return where a list of events goes on after this row."""
    said = [int(row["position"]), row["id"], int(row["n"]), int(row["v"])]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


def _read(after: str) -> tuple[int, str, int, int]:
    try:
        position, id_, count, money = json.loads(base64.urlsafe_b64decode(after))
        if [type(x) for x in (position, id_, count, money)] != [int, str, int, int]:
            raise ValueError(after)
    except (ValueError, TypeError) as error:
        raise BadCursor(after) from error
    return position, id_, count, money


def _sums(c: Any) -> tuple[Any, Any]:
    """Return count and money; a sum of big integers is none on PostgreSQL."""
    return (
        cast(func.sum(c.n), Integer).label("n"),
        cast(func.sum(c.v), BigInteger).label("v"),
    )


def _visible(c: Any, scope: Scope, only: Only) -> Condition:
    wanted = [c[name] == getattr(only, name) for name in GROUP if getattr(only, name)]
    if scope.units is not None:
        wanted.append(in_units(scope, c.unit))
    return and_(true(), *wanted)


# Where figures come from --------------------------------------------------------


def _legs(what: str, span: Span, only: Only, told: Any = None) -> Select[*tuple[Any, ...]]:
    """Return one row for each event and what it adds to a figure.

    `told` are the intervals of the span where several figures are made of them.
    """
    match what:
        case "opening":
            return _standing(
                what, span.start, span.then if span.then is not None else span.known, only
            )
        case "closing":
            return _standing(what, span.end, span.known, only)
        case "restated":
            return _restated(span, only)
        case "in" | "out" | "adjusted":
            return _moved(what, span, _told(span, only) if told is None else told)
        case _:
            raise ValueError(what)


def _carried(book: Any) -> Condition:
    """Return the condition that the books carry a card: what is derecognised is out of them."""
    return and_(book.is_not(None), book != Book.GONE.value)


def _standing(what: str, on: str, known: int | None, only: Only) -> Select[*tuple[Any, ...]]:
    h = history.c
    return _leg(what, h.position, h.from_on, h, 1, func.coalesce(h.value, 0)).where(
        at(history, on, known), _carried(h.book), _of(only)
    )


def _restated(span: Span, only: Only) -> Select[*tuple[Any, ...]]:
    """Return what is known of the opening now and was not then, less what was and is no more."""
    h = history.c
    if span.then is None or span.then == span.known:
        return _leg(RESTATED, h.position, h.from_on, h, 1, func.coalesce(h.value, 0)).where(
            literal_column("1") == literal_column("0")
        )
    before, now = at(history, span.start, span.then), at(history, span.start, span.known)
    added = and_(now, not_(before))
    sign = case((added, 1), else_=-1)
    return _leg(RESTATED, h.position, h.from_on, h, sign, sign * func.coalesce(h.value, 0)).where(
        or_(added, and_(before, not_(now))), _carried(h.book), _of(only)
    )


def _moved(what: str, span: Span, told: Any) -> Select[*tuple[Any, ...]]:
    """Return the boundaries between the intervals of each card within a span."""
    c = told.c
    moved = or_(c.unit != c.unit_0, c.kind != c.kind_0, c.currency != c.currency_0)
    is_, was = _carried(c.book), _carried(c.book_0)
    came = and_(c.on_day > span.start, is_, or_(not_(was), c.book_0.is_(None), moved))
    went = and_(c.on_day > span.start, was, or_(not_(is_), moved))
    stays = case((and_(was, c.book_0.is_not(None)), c.value_0), else_=c.value)
    if what == IN:
        return _leg(IN, c.position, c.on_day, c, 1, stays).where(came)
    if what == ADJUSTED:
        changed = and_(c.on_day > span.start, is_, was, c.value != c.value_0)
        return _leg(ADJUSTED, c.position, c.on_day, c, 0, c.value - c.value_0).where(changed)
    left = select(
        literal(OUT).label("what"), c.id, c.position, c.on_day, c.unit_0.label("unit"),
        c.kind_0.label("kind"), c.currency_0.label("currency"), literal_column("-1").label("n"),
        (-c.value_0).label("v"),
    ).where(went)  # fmt: skip
    over = _leg(OUT, c.closed_by, c.until, c, -1, -c.value).where(
        c.next.is_(None), c.until <= span.end, is_
    )
    both = union_all(left, over).subquery("out_legs")
    return select(*both.c)


def _told(span: Span, only: Only) -> Any:
    """Return what moves within a span, each interval with the one before it.

    Named in front of a query it is worked out once, whatever is made of it. A card that only ever
    went on in order is told by pairs; only those that were told anew must be put in order.
    """
    # Each is found by an index alone, in which the id is not: numbers first, then their cards.
    told_anew = [select(part.c.id).where(part.c.row < 0) for part in ended]
    told_anew += [
        select(part.c.id).where(part.c.row.in_(select(part.c.row).where(part.c.known_to < NEVER)))
        for part in ended
    ]
    irregular = union(*told_anew).cte("irregular")
    pairs = [_pairs(part, (part,), span, only) for part in ended]
    pairs.append(_pairs(inventory, ended, span, only))
    in_order = union_all(*pairs).subquery("in_order")
    regular = select(in_order).where(in_order.c.id.not_in(select(irregular.c.id)))
    return union_all(regular, _anew(span, only, irregular)).cte("told")


def _pairs(table: Any, before: Sequence[Any], span: Span, only: Only) -> Select[*tuple[Any, ...]]:
    """Return the intervals of cards in order that begin in a span with another place or value.

    A row is numbered by the entry that ended it, and that entry opened the next: the one before
    is found by its number, in the part of its card.
    """
    h, parts = table.c, [part.alias() for part in before]
    source = table
    for part in parts:
        source = source.outerjoin(part, part.c.row == h.position)

    def was(name: str) -> Any:
        found = [part.c[name] for part in parts]
        return found[0] if len(found) == 1 else func.coalesce(*found)

    value, value_0 = func.coalesce(h.value, 0), func.coalesce(was("value"), 0)
    now = (h.book, h.accounting_unit, h.kind, h.currency, value)
    then = (was("book"), was("accounting_unit"), was("kind"), was("currency"), value_0)
    moved = [new != old for new, old in zip(now, then, strict=True)]
    wanted = [h.from_on > span.start, h.from_on <= span.end, or_(was("row").is_(None), *moved)]
    if span.known is not None:
        wanted.append(h.position <= span.known)
    if only.dataset:
        wanted.append(h.dataset == only.dataset)
    return (
        select(
            h.id, h.position, h.from_on.label("on_day"), literal(FOREVER).label("until"),
            literal_column(str(NEVER)).label("closed_by"),
            h.book, h.accounting_unit.label("unit"), h.kind, h.currency, value.label("value"),
            then[0].label("book_0"), then[1].label("unit_0"), then[2].label("kind_0"),
            then[3].label("currency_0"), value_0.label("value_0"), h.position.label("next"),
        )
        .select_from(source)
        .where(*wanted)
    )  # fmt: skip


def _anew(span: Span, only: Only, irregular: Any) -> Select[*tuple[Any, ...]]:
    """Return the intervals that a span touches of cards that were told anew, in order."""
    told_anew = select(irregular.c.id)
    h = seen("anew", ended, inventory, only=lambda table: table.c.id.in_(told_anew)).c
    if span.known is None:
        until: Any = h.to_on
        known = h.known_to == NEVER
    else:
        until = case((h.closed_by > span.known, FOREVER), else_=h.to_on)
        known = and_(h.known_from <= span.known, h.known_to > span.known)
    over: dict[str, Any] = {"partition_by": h.id, "order_by": [h.from_on, h.position]}
    value = func.coalesce(h.value, 0)
    return (
        select(
            h.id, h.position, h.from_on.label("on_day"), until.label("until"), h.closed_by,
            h.book, h.accounting_unit.label("unit"), h.kind, h.currency, value.label("value"),
            func.lag(h.book).over(**over).label("book_0"),
            func.lag(h.accounting_unit).over(**over).label("unit_0"),
            func.lag(h.kind).over(**over).label("kind_0"),
            func.lag(h.currency).over(**over).label("currency_0"),
            func.lag(value).over(**over).label("value_0"),
            func.lead(h.position).over(**over).label("next"),
        )
        .where(known, h.from_on <= span.end, until > span.start, _of(only, h))
    )  # fmt: skip


def _of(only: Only, c: Any = history.c) -> Condition:
    return c.dataset == only.dataset if only.dataset else true()


def _leg(what: str, position: Any, on: Any, c: Any, n: Any, v: Any) -> Select[*tuple[Any, ...]]:
    unit = c.unit if "unit" in c else c.accounting_unit
    return select(
        literal(what).label("what"),
        c.id,
        position.label("position"),
        on.label("on_day"),
        unit.label("unit"),
        c.kind,
        c.currency,
        (literal_column(str(n)) if isinstance(n, int) else n).label("n"),
        v.label("v"),
    )
