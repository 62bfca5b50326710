"""Compare what two published lists say about the same things; suggest, never decide.

Pure functions from records to matches. Every function says its rule; what a rule cannot
settle is returned as left over or as a candidate, for a person to look at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from typing import Final, TypeVar

import msgspec

from api.reading_leso import LesoHolding, LesoInventoryRow, LesoShipment
from api.reading_seattle import SeattleSold, SeattleSoldUndated, SeattleVehicle

A = TypeVar("A")
B = TypeVar("B")

# Pairing ----------------------------------------------------------------------


def paired(
    left: Iterable[A],
    right: Iterable[B],
    left_key: Callable[[A], Hashable],
    right_key: Callable[[B], Hashable],
) -> tuple[list[tuple[A, B]], list[A], list[B]]:
    """Pair rows with equal keys one to one, in the order of the lists (a multiset join).

    Ten equal rows on one side and eight on the other give eight pairs and two left over.
    """
    waiting: defaultdict[Hashable, list[B]] = defaultdict(list)
    for other in right:
        waiting[right_key(other)].append(other)
    for others in waiting.values():
        others.reverse()
    pairs: list[tuple[A, B]] = []
    alone: list[A] = []
    for one in left:
        others = waiting[left_key(one)]
        if others:
            pairs.append((one, others.pop()))
        else:
            alone.append(one)
    return pairs, alone, [other for others in waiting.values() for other in reversed(others)]


# Sales: the register with dates against the register without -------------------


class SalesJoin(msgspec.Struct, frozen=True):
    """Two registers of the same sales, joined.

    `doubled_*` are rows listed again with the same number, make and price; they count once.
    `disagreeing` are one vehicle by the rule, but differ in price, department, text or house.
    """

    pairs: tuple[tuple[SeattleSold, SeattleSoldUndated], ...]
    doubled_dated: tuple[SeattleSold, ...]
    doubled_undated: tuple[SeattleSoldUndated, ...]
    dated_only: tuple[SeattleSold, ...]
    undated_only: tuple[SeattleSoldUndated, ...]
    disagreeing: tuple[tuple[SeattleSold, SeattleSoldUndated], ...]


SAME_VEHICLE_ZH: Final = (
    "编号去掉前导零后相同，并且年份、厂牌都相同，才视为同一车辆；部门相同不足为凭。"
)
SAME_VEHICLE_EN: Final = (
    "The numbers are equal without leading zeros, and year and make are equal too; "
    "an equal department proves nothing."
)


def same_vehicle(one: SeattleVehicle, other: SeattleVehicle) -> bool:
    """Tell whether two rows are about one vehicle, by the rule `SAME_VEHICLE_EN`."""
    return _vehicle(one) == _vehicle(other)


def _vehicle(row: SeattleVehicle) -> tuple[str, int | None, str]:
    return row.equip_id.lstrip("0"), row.model_year, row.make


V = TypeVar("V", bound=SeattleSoldUndated)


def _once(rows: Iterable[V]) -> tuple[list[V], list[V]]:
    """Part the first listing of each sale from its doubles: same number and same money."""
    first: dict[Hashable, V] = {}
    doubles = [
        row
        for row in rows
        if first.setdefault((row.equip_id, row.sale_price.cents, row.make), row) is not row
    ]
    return list(first.values()), doubles


def join_sales(dated: Iterable[SeattleSold], undated: Iterable[SeattleSoldUndated]) -> SalesJoin:
    """Join the dated with the undated register; sales that disagree in money are set apart."""
    once_dated, doubled_dated = _once(dated)
    once_undated, doubled_undated = _once(undated)
    pairs, dated_only, undated_only = paired(once_dated, once_undated, _vehicle, _vehicle)
    agreeing = [pair for pair in pairs if _sale(pair[0]) == _sale(pair[1])]
    disagreeing = [pair for pair in pairs if _sale(pair[0]) != _sale(pair[1])]
    return SalesJoin(
        tuple(agreeing),
        tuple(doubled_dated),
        tuple(doubled_undated),
        tuple(dated_only),
        tuple(undated_only),
        tuple(disagreeing),
    )


def _sale(row: SeattleSoldUndated) -> tuple[int, str, str, str]:
    return row.sale_price.cents, row.dept, row.description, row.auction_house


# Shipments against the inventory ----------------------------------------------

AGENCY_RULE_ZH: Final = (
    "单位名称：转大写，去掉撇号和标点，合并空格；POLICE、POLICE DEPT(ARTMENT) 一律作 PD，"
    "SHERIFF(S)(OFFICE/DEPT) 一律作 SO，COUNTY 作 CO，DEPARTMENT 作 DEPT；州必须相同。"
)
AGENCY_RULE_EN: Final = (
    "Agency names: upper case, no apostrophes or punctuation, single blanks; POLICE and "
    "POLICE DEPT(ARTMENT) become PD, SHERIFF(S) (OFFICE or DEPT) becomes SO, COUNTY becomes CO, "
    "DEPARTMENT becomes DEPT; the state must be equal."
)
_ABBREVIATIONS: Final = (
    (re.compile(r"['’]"), ""),
    (re.compile(r"[^A-Z0-9]+"), " "),
    (re.compile(r"\bDEPARTMENT\b|\bDPT\b"), "DEPT"),
    (re.compile(r"\bPOLICE DEPT\b|\bPOLICE\b"), "PD"),
    (re.compile(r"\bSHERIFFS?(?: (?:OFFICE|DEPT|OFC))?\b"), "SO"),
    (re.compile(r"\bCOUNTY\b"), "CO"),
)


def as_written(agency: str) -> str:
    """Take a name as it stands."""
    return agency


def normalised(agency: str) -> str:
    """Write a name in the one way of `AGENCY_RULE_EN`."""
    name = agency.upper()
    for pattern, replacement in _ABBREVIATIONS:
        name = pattern.sub(replacement, name)
    return name.strip()


def ignored(agency: str) -> str:
    """Take no notice of the name: the upper bound of what any rule about names can reach."""
    return agency[:0]


class ShipmentsFound(msgspec.Struct, frozen=True):
    """Shipments met in the inventory, and those of each side that were not."""

    pairs: tuple[tuple[LesoShipment, LesoInventoryRow], ...]
    shipments_only: tuple[LesoShipment, ...]
    inventory_only: tuple[LesoInventoryRow, ...]


def find_shipments(
    shipments: Iterable[LesoShipment],
    inventory: Iterable[LesoInventoryRow],
    *,
    first: date,
    last: date,
    name: Callable[[str], str],
) -> ShipmentsFound:
    """Find shipments among the inventory rows shipped from `first` to `last`, both included.

    They meet on state, agency, item number, quantity and day, one to one; `name` says how
    agency names are compared: `as_written`, `normalised` or `ignored`.
    """

    def key(row: LesoShipment | LesoInventoryRow) -> Hashable:
        return row.state, name(row.agency), row.nsn, row.quantity, row.shipped_on

    within = [row for row in inventory if row.shipped_on and first <= row.shipped_on <= last]
    pairs, shipments_only, inventory_only = paired(shipments, within, key, key)
    return ShipmentsFound(tuple(pairs), tuple(shipments_only), tuple(inventory_only))


# One snapshot of the inventory against the next --------------------------------

Pairs = tuple[tuple[LesoInventoryRow, LesoInventoryRow], ...]


class SnapshotDifference(msgspec.Struct, frozen=True):
    """What lies between two snapshots, row by row as multisets.

    `kept` have the same key (all columns but names and control codes); `untouched` of them are
    equal to the byte, `respaced` differ in blanks only, `renamed_or_recoded` in name or code.
    `gone` and `new` are the rest. The candidates below pair rows of `gone` with rows of `new`
    that share all but one thing; one row may be a candidate of several kinds, and none is a
    verdict: a row that moved may be a transfer or its holder's new name.
    """

    kept: Pairs
    untouched: int
    respaced: int
    renamed_or_recoded: int
    gone: tuple[LesoInventoryRow, ...]
    new: tuple[LesoInventoryRow, ...]
    moved: Pairs
    revalued: Pairs
    requantified: Pairs
    remeasured: Pairs
    agencies_before: int
    agencies_after: int

    @property
    def moved_within_state(self) -> int:
        """Count the candidates for a move whose both agencies are in one state."""
        return sum(1 for before, after in self.moved if before.state == after.state)


def _same_but(
    gone: Sequence[LesoInventoryRow],
    new: Sequence[LesoInventoryRow],
    key: Callable[[LesoHolding], Hashable],
) -> Pairs:
    return tuple(paired(gone, new, key, key)[0])


def _moved(gone: Sequence[LesoInventoryRow], new: Sequence[LesoInventoryRow]) -> Pairs:
    """Pair equal items of other holders, within the state first: most transfers stay there."""

    def item(row: LesoHolding) -> Hashable:
        return row.nsn, row.quantity, _cents(row), row.shipped_on

    near, far_gone, far_new = paired(
        gone, new, lambda row: (row.state, item(row)), lambda row: (row.state, item(row))
    )
    return (*near, *paired(far_gone, far_new, item, item)[0])


def _cents(row: LesoHolding) -> int | None:
    return row.unit_value.cents if row.unit_value is not None else None


def compare_snapshots(
    before: Sequence[LesoInventoryRow], after: Sequence[LesoInventoryRow]
) -> SnapshotDifference:
    """Compare two snapshots of the same bodies as multisets: a set would lose equal rows."""
    kept, gone, new = paired(before, after, lambda row: row.key, lambda row: row.key)
    untouched = (
        Counter(r.evidence.raw for r in before) & Counter(r.evidence.raw for r in after)
    ).total()
    told = (Counter(map(_told, before)) & Counter(map(_told, after))).total()
    holders = [{(row.state, row.agency) for row in rows} for rows in (before, after)]
    return SnapshotDifference(
        kept=tuple(kept),
        untouched=untouched,
        respaced=told - untouched,
        renamed_or_recoded=len(kept) - told,
        gone=tuple(gone),
        new=tuple(new),
        moved=_moved(gone, new),
        revalued=_same_but(
            gone, new, lambda r: (r.state, r.agency, r.nsn, r.quantity, r.shipped_on)
        ),
        requantified=_same_but(
            gone, new, lambda r: (r.state, r.agency, r.nsn, _cents(r), r.shipped_on)
        ),
        remeasured=_same_but(
            gone, new, lambda r: (r.state, r.agency, r.nsn, r.quantity, _cents(r), r.shipped_on)
        ),
        agencies_before=len(holders[0]),
        agencies_after=len(holders[1]),
    )


def _told(row: LesoInventoryRow) -> Hashable:
    return row.key, row.item_name, row.demil_code, row.demil_ic, row.station_type
