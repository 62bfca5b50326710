"""What a reader may see, and what they ask for: every query takes both."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any, TypeAlias
from unicodedata import normalize

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    true,
    tuple_,
    type_coerce,
)
from sqlalchemy import types as types_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from domain.asset import Book, Lock


class Scope(msgspec.Struct, frozen=True):
    """Which units' property a reader may see; None is everything."""

    units: frozenset[str] | None = None


EVERYTHING = Scope()
NOTHING = Scope(frozenset())
FEW = 40  # units that are named one by one, so that an index of them is of use
Rows: TypeAlias = "Select[*tuple[Any, ...]]"  # a query whose rows are read by name
NO_NUMBER = "\uffff"
SORTS = ("asset_no", "name", "value", "changed_on", "kind", "custody", "place")


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; an empty field asks for nothing.

    An inventory is of what the books still carry: derecognised cards show only when `book`
    asks for them (`gone`) or for everything (`any`).
    """

    text: str = ""
    kind: str = ""
    book: str = ""
    custody: str = ""
    lock: str = ""
    unit: str = ""  # accounting unit
    custodian: str = ""
    user: str = ""
    owner: str = ""
    place: str = ""
    dataset: str = ""
    listed: bool | None = None
    sort: str = "asset_no"
    descending: bool = False
    today: str = ""  # a hold that ended before this day holds nothing; empty: as it was recorded


class _Listed(FunctionElement[str]):
    """The texts of a JSON list, one a row."""

    inherit_cache = True
    type = types_.Text()


@compiles(_Listed, "sqlite")
def _listed_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    list_ = compiler.process(element.clauses, **how)
    return f"(SELECT value FROM json_each({list_}))"  # noqa: S608 - the name of a parameter


@compiles(_Listed, "postgresql")
def _listed_on_a_server(element: Any, compiler: Any, **how: Any) -> str:
    list_ = compiler.process(element.clauses, **how)
    return f"(SELECT json_array_elements_text(CAST({list_} AS json)))"


def among(column: ColumnElement[Any], texts: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some texts, none with a NUL, however many.

    One value is sent instead of a thousand, and the statement stays the same: nothing is compiled
    or planned anew.
    """
    list_ = type_coerce(json.dumps(sorted(set(texts)), ensure_ascii=False), types_.Text())
    return column.op("IN", is_comparison=True)(_Listed(list_))


def in_units(scope: Scope, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that one of some columns names a unit that a reader may see."""
    if scope.units is None:
        return true()
    if not scope.units:
        return false()
    if len(scope.units) <= FEW:
        mine = sorted(scope.units)
        return or_(*(column.in_(mine) for column in columns))
    return or_(*(among(column, scope.units) for column in columns))


class BadCursor(ValueError):
    """A cursor nobody gave out."""


COLUMN = {"unit": "accounting_unit"}
UNHELD = {"lock": Lock.NONE.value, "held_until": "", "case": ""}  # once a hold has ended


def ended(table: FromClause, today: str) -> ColumnElement[bool]:
    """Return the condition that a claim's hold ended before a day, told or not."""
    return and_(table.c.held_until != "", table.c.held_until < today)


def free(table: FromClause, today: str) -> ColumnElement[bool]:
    """Return the condition that nothing holds a card on a day."""
    return or_(table.c.lock == Lock.NONE.value, ended(table, today))


def on_day(table: FromClause, today: str) -> list[Any]:
    """Return the columns of cards as they stand on a day: a hold that ended holds nothing."""
    if not today:
        return list(table.c)
    over = ended(table, today)
    return [
        case((over, UNHELD[column.name]), else_=column).label(column.name)
        if column.name in UNHELD
        else column
        for column in table.c
    ]


def where(table: FromClause, scope: Scope, filters: Filters) -> ColumnElement[bool]:
    """Return the condition for a table with the columns of an asset card."""
    c = table.c
    conditions: list[ColumnElement[bool]] = []
    if scope.units is not None and not filters.listed:  # what is on offer, everybody may see
        conditions.append(in_units(scope, c.accounting_unit, c.custodian))
    if filters.book == "":
        conditions.append(c.book != Book.GONE.value)
    elif filters.book != "any":
        conditions.append(c.book == filters.book)
    for field in (
        "kind", "custody", "lock", "unit", "custodian", "user", "owner", "place", "dataset"
    ):  # fmt: skip
        wanted = getattr(filters, field)
        if field == "lock" and wanted and filters.today:
            nothing = free(table, filters.today)
            held = and_(c.lock == wanted, not_(ended(table, filters.today)))
            conditions.append(nothing if wanted == Lock.NONE else held)
        elif wanted:
            conditions.append(c[COLUMN.get(field, field)] == wanted)
    if filters.listed is not None:
        conditions.append(c.listed == int(filters.listed))
    for word in filters.text.casefold().split():
        if "search" in c:
            word = normalize("NFKC", word).casefold()
            conditions.append(c.search.contains(word, autoescape=True))
        else:  # what was: the number and the name of that time
            either = (func.lower(c.asset_no), func.lower(c.name))
            conditions.append(or_(*(e.contains(word, autoescape=True) for e in either)))
    return and_(*conditions) if conditions else and_(True)


def order(table: FromClause, filters: Filters) -> tuple[Any, Any]:
    """Return sort key and id of a listing; an unknown value sorts before every known one."""
    sort = filters.sort if filters.sort in SORTS else "asset_no"
    if sort == "asset_no":
        return number(table), table.c.id
    key = func.coalesce(table.c.value, -1) if sort == "value" else table.c[sort]
    return key, table.c.id


def number(table: FromClause) -> Any:
    """Return the key by which cards are sorted by number: what has none yet comes last."""
    none: ColumnElement[str] = literal_column(f"'{NO_NUMBER}'")
    return func.coalesce(func.nullif(table.c.asset_no, literal_column("''")), none)


def page(query: Rows, table: FromClause, filters: Filters, after: str | None, limit: int) -> Rows:
    """Order a listing and start it after a cursor (keyset, never OFFSET)."""
    key, id_ = order(table, filters)
    if after:
        try:
            last = json.loads(base64.urlsafe_b64decode(after))
            value, last_id = last
            right = int if filters.sort == "value" else str
            if type(value) is not right or type(last_id) is not str:
                raise ValueError(last)
        except (ValueError, TypeError) as error:
            raise BadCursor(after) from error
        place = tuple_(key, id_)
        query = query.where(
            place < (value, last_id) if filters.descending else place > (value, last_id)
        )
    both = (key.desc(), id_.desc()) if filters.descending else (key, id_)
    return query.order_by(*both).limit(limit)


def cursor(row: Any, filters: Filters) -> str:
    """Return where a listing goes on after this row."""
    sort = filters.sort if filters.sort in SORTS else "asset_no"
    value = row[sort]
    if sort == "value" and value is None:
        value = -1
    if sort == "asset_no":
        value = value or NO_NUMBER
    return base64.urlsafe_b64encode(json.dumps([value, row["id"]]).encode()).decode()
