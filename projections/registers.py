"""Registers that are neither property nor cases: document numbers, vehicle quotas, goods kept for
others, packages. One row for each series and year, each unit, each lot of goods, each package.

Reads every event of the streams `series/`, `quota/`, `confiscated/` and `package/`; wants and dues
have their tables in `wants` and `income`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Table,
    Text,
    and_,
    exists,
    func,
    or_,
    select,
    true,
)

from domain.confiscated import Goods, GoodsStatus
from domain.numbering import SERIES, Series
from domain.package import Package, PackageStatus
from domain.vehicles import Quota, VehicleUse
from projections import ordering
from projections.income import dues
from projections.inventory import metadata
from projections.scope import BadCursor, Rows, Scope, in_units
from projections.wants import wants

series = Table(
    "series",
    metadata,
    Column("id", Text, primary_key=True),  # unit, kind and, where its numbers are, year
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("year", Text, nullable=False),  # empty for the series that says what they look like
    Column("prefix", Text, nullable=False),
    Column("latest", Text, nullable=False),
    Column("last", Integer, nullable=False),
    Column("voided", Integer, nullable=False),
    Column("aside", Integer, nullable=False),  # numbers not drawn here
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
quota = Table(
    "quota",
    metadata,
    Column("id", Text, primary_key=True),  # the unit
    Column("unit", Text, nullable=False),
    Column("places", Integer),  # in all; NULL where none is set
    Column("vehicles", Integer, nullable=False),
    Column("beyond", Integer, nullable=False),  # of any use, or in all
    Column("uses", Text, nullable=False),  # JSON: use, quota, number
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
goods = Table(
    "goods",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("price", BigInteger, nullable=False),  # fen
    Column("remitted", BigInteger, nullable=False),  # fen
    Column("opened_on", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
packages = Table(
    "packages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("packaging", Text, nullable=False),
    Column("code", Text, nullable=False),  # SSCC or GRAI; empty where our own id names it
    Column("unit", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("assets", Integer, nullable=False),  # in it
    Column("loaded", Integer, nullable=False),  # packages on it
    Column("outer", Text, nullable=False),  # the package it is on
    Column("opened_on", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
FOR_ALL = frozenset({"demand"})  # whoever can spare what another unit wants is to see it
TABLES: Mapping[str, Table] = {
    "series": series,
    "quota": quota,
    "confiscated": goods,
    "package": packages,
    "demand": wants,
    "due": dues,
}
LATEST_FIRST = frozenset({"confiscated", "package", "demand", "due"})
indexes = (
    Index("series_by_unit", series.c.unit, series.c.kind, series.c.year),
    Index("goods_by_status", goods.c.status, goods.c.id),
    Index("packages_by_unit", packages.c.unit, packages.c.id),
)
# What may be asked of each: columns that must be equal, columns in which words are looked for.
EQUAL: Mapping[str, tuple[str, ...]] = {
    "series": ("unit", "kind", "year"),
    "quota": ("unit", "beyond"),
    "confiscated": ("unit", "status", "place"),
    "package": ("unit", "status", "place", "packaging"),
    "demand": ("unit", "status", "kind", "need", "place"),
    "due": ("unit", "status", "income", "collector"),
}
SEARCHED: Mapping[str, tuple[str, ...]] = {
    "series": ("id", "prefix", "latest"),
    "quota": ("id",),
    "confiscated": ("item", "order_no", "number", "id"),
    "package": ("code", "id", "outer"),
    "demand": ("item", "specification", "class_code", "number", "id"),
    "due": ("id", "codes", "revenue_item"),
}


def series_row(id_: str, state: Series, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a series, None while nothing stands of it."""
    match = SERIES.fullmatch(id_)
    if match is None or not changed_on:
        return None
    return (
        id_,
        match["unit"],
        match["kind"],
        match["year"] or "",
        state.namings[-1].prefix if state.namings else state.latest.partition("〔")[0],
        state.latest,
        state.last,
        len(state.voided),
        state.aside,
        changed_on,
        version,
    )


def quota_row(id_: str, state: Quota, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a unit's quota, None while it has neither quota nor vehicles."""
    if not state.limits and not state.vehicles:
        return None
    counts = [(use, state.limit(use), state.counted(use)) for use in VehicleUse]
    uses = [
        {"use": use.value, "quota": limit, "vehicles": here}
        for use, limit, here in counts
        if limit is not None or here
    ]
    total, count = state.total, len(state.vehicles)
    over = any(limit is not None and here > limit for _, limit, here in counts)
    beyond = over or (total is not None and count > total)
    told = msgspec.json.encode(uses).decode()
    return id_, id_, total, count, int(beyond), told, changed_on, version


def goods_row(
    id_: str, state: Goods, opened_on: str, changed_on: str, version: int
) -> tuple[Any, ...] | None:
    """Return the row of confiscated goods, None while nobody took them in."""
    if state.status is GoodsStatus.NONE:
        return None
    return (
        id_,
        state.number,
        state.item,
        state.quantity,
        state.measure,
        state.unit,
        state.order_no,
        state.place,
        state.status.value,
        state.price,
        state.amount,
        opened_on,
        changed_on,
        version,
    )


def package_row(
    id_: str, state: Package, opened_on: str, changed_on: str, version: int
) -> tuple[Any, ...] | None:
    """Return the row of a package, None while nobody set it up."""
    if state.status is PackageStatus.NONE:
        return None
    return (
        id_,
        state.packaging.value,
        state.sscc or state.grai,
        state.unit,
        state.place,
        state.status.value,
        len(state.contents),
        len(state.loaded),
        state.outer,
        opened_on,
        changed_on,
        version,
    )


def listing(
    register: str,
    scope: Scope,
    asked: Mapping[str, str],
    *,
    sort: str = "",
    descending: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Rows:
    """Return the rows of a register that match, a page at a time; goods and packages the latest first.

    `sort`: a column to sort by instead.

    A series that only says what its numbers look like is shown until one is drawn from it.
    `asked` maps the names in `EQUAL`, and `text`, to what is wanted; an empty one asks nothing.
    """
    table = TABLES[register]
    c = table.c
    query = _matching(select(table), register, scope, asked)
    if sort:
        return ordering.keyset(
            query, c[sort], c.id, descending=descending, after=after, limit=limit
        )
    if register in LATEST_FIRST:
        if after:
            day, tilde, last = after.partition("~")
            if not tilde:
                raise BadCursor(after)
            query = query.where(or_(c.opened_on < day, and_(c.opened_on == day, c.id < last)))
        return query.order_by(c.opened_on.desc(), c.id.desc()).limit(limit)
    if after:
        query = query.where(c.id > after)
    return query.order_by(c.id).limit(limit)


def count(register: str, scope: Scope, asked: Mapping[str, str]) -> Rows:
    """Return how many rows of a register match."""
    query = select(func.count().label("rows")).select_from(TABLES[register])
    return _matching(query, register, scope, asked)


def _matching(query: Rows, register: str, scope: Scope, asked: Mapping[str, str]) -> Rows:
    c = TABLES[register].c
    if register not in FOR_ALL:
        query = query.where(in_units(scope, c.unit))
    for name in EQUAL[register]:
        if wanted := asked.get(name, ""):
            query = query.where(c[name] == (int(wanted) if name == "beyond" else wanted))
    for word in asked.get("text", "").casefold().split():
        either = (
            func.lower(c[name]).contains(word, autoescape=True) for name in SEARCHED[register]
        )
        query = query.where(or_(*either))
    if register == "series":
        drawn = series.alias("drawn").c
        of_a_year = and_(drawn.unit == c.unit, drawn.kind == c.kind, drawn.year != "")
        query = query.where(or_(c.year != "", ~exists().where(of_a_year)))
    return query


def cursor(register: str, row: Any, sort: str = "") -> str:
    """Return where a listing goes on after a row."""
    if sort:
        return ordering.cursor(row, TABLES[register].c[sort])
    return f"{row['opened_on']}~{row['id']}" if register in LATEST_FIRST else str(row["id"])


def occurring(register: str, scope: Scope, column: str) -> Rows:
    """Return every value of a column that occurs, for the filters."""
    table = TABLES[register]
    c = table.c[column]
    mine = true() if register in FOR_ALL else in_units(scope, table.c.unit)
    return select(c.label("value")).where(c != "", mine).distinct().order_by(c)
