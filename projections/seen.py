"""Which streams the readers of some units may follow: the same columns that their lists go by.

What no list shows belongs to the unit it is named after; names of units and places, and rules, are
everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Column, or_, select

from projections import cases, income, inventory, registers
from projections.scope import Rows, Scope, among

PUBLIC: Final = frozenset({"unit", "place", "policy"})
# The column that names a thing, and those that name the units whose it is.
OF: Final[dict[str, tuple[Column[Any], ...]]] = {
    "asset": (
        inventory.inventory.c.id,
        inventory.inventory.c.accounting_unit,
        inventory.inventory.c.custodian,
    ),
    "series": (registers.series.c.id, registers.series.c.unit),
    "quota": (registers.quota.c.id, registers.quota.c.unit),
    "confiscated": (registers.goods.c.id, registers.goods.c.unit),
    "package": (registers.packages.c.id, registers.packages.c.unit),
    "due": (income.dues.c.id, income.dues.c.unit, income.dues.c.collector),
}
OF_CASES: Final = (
    cases.cases.c.id,
    cases.cases.c.from_unit,
    cases.cases.c.to_unit,
    cases.cases.c.step_unit,
)


def visible(
    rows: Callable[[Rows], Sequence[Any]], scope: Scope, streams: Collection[str]
) -> set[str]:
    """Return those of some streams that a scope holds; `rows` asks the lists."""
    if scope.units is None:
        return set(streams)
    found, by_kind = set[str](), dict[str, set[str]]()
    for stream in streams:
        by_kind.setdefault(stream.partition("/")[0], set()).add(stream)
    for kind, some in by_kind.items():
        if kind in PUBLIC:
            found |= some
        elif kind in cases.KINDS:
            found |= {row["id"] for row in rows(_of(OF_CASES, scope.units, some))}
        elif kind in OF:
            ids = {stream.partition("/")[2] for stream in some}
            found |= {f"{kind}/{row['id']}" for row in rows(_of(OF[kind], scope.units, ids))}
        else:
            found |= {stream for stream in some if stream.partition("/")[2] in scope.units}
    return found


def _of(columns: Sequence[Column[Any]], units: Iterable[str], ids: Collection[str]) -> Rows:
    name, *whose = columns
    mine = sorted(units)
    return select(name).where(among(name, ids), or_(*(among(column, mine) for column in whose)))
