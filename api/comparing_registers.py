"""Two registers of the same things side by side, every row in a table with its reason: the two
exports of sales of Seattle to the cent, LESO shipments of a quarter against the book.

Rows are compared by `reconciling`; here each row gets its outcome. Nothing is recorded, and what
no rule can settle stays open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from api import reading_seattle, reconciling
from api.reading_leso import LesoInventoryRow, LesoShipment
from api.reading_records import SAMPLE
from api.reading_seattle import SeattleSold, SeattleSoldUndated, SeattleVehicle
from domain.decider import Lang
from domain.words import Term, Words, in_words


class Outcome(Term):
    """What became of a row of either register."""

    EXACT = "exact", "编号一致，各项相符", "same number, all agrees"
    ZEROS = (
        "zeros",
        "编号去零后一致，另有第二项相符",
        "same but for zeros, and a second mark agrees",
    )
    DOUBLE = "double", "重复登记，只计一次", "listed twice, counted once"
    UNDATED_ONLY = (
        "undated_only",
        "只在无日期的一册：售出而无日期",
        "only without a day: a sale nobody dated",
    )
    DATED_ONLY = "dated_only", "只在有日期的一册", "only in the register with days"
    DISAGREES = "disagrees", "同一车辆而金额或部门不同", "one vehicle, another price or department"
    NOT_JOINED = (
        "not_joined",
        "编号去零后相同，但第二项不符：不连接",
        "same but for zeros, no second mark: not joined",
    )
    FOUND = "found", "账上查到（单位名称一致）", "in the book under the same name"
    RENAMED = (
        "renamed",
        "账上查到（单位名称按规则统一后一致）",
        "in the book, names alike by the rule",
    )
    ELSEWHERE = (
        "elsewhere",
        "同品目、数量、日期，单位名称不同：不认定",
        "same item, quantity and day, another body: not joined",
    )
    NOT_FOUND = "not_found", "账上没有", "not in the book"
    NOT_SHIPPED = (
        "not_shipped",
        "账上有，本季发运清单没有",
        "in the book, not in the list of shipments",
    )


SETTLED: Final = frozenset(
    {Outcome.EXACT, Outcome.ZEROS, Outcome.DOUBLE, Outcome.UNDATED_ONLY, Outcome.NOT_JOINED}
)
"""What leaves nothing open between the two exports of Seattle."""
HEADS: Final = (
    Words("结果", "outcome"),
    Words("甲册编号", "number in A"),
    Words("乙册编号", "number in B"),
    Words("名称", "what"),
    Words("单位", "unit"),
    Words("日期", "day"),
    Words("甲册金额", "amount in A"),
    Words("乙册金额", "amount in B"),
    Words("甲册行", "line in A"),
    Words("乙册行", "line in B"),
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row of either register, or two that meet; money in cents, None on the side without it."""

    outcome: Outcome
    left: str = ""
    right: str = ""
    what: str = ""
    unit: str = ""
    on: str = ""
    left_cents: int | None = None
    right_cents: int | None = None
    left_line: int | None = None
    right_line: int | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two registers compared; `left` and `right` are the rows and cents of each as published."""

    kind: str
    rule: Words
    left_rows: int
    right_rows: int
    left_cents: int
    right_cents: int
    lines: tuple[Line, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many lines came to this."""
        return sum(1 for line in self.lines if line.outcome is outcome)

    def cents(self, outcome: Outcome) -> tuple[int, int]:
        """Return what these lines come to in each register."""
        mine = [line for line in self.lines if line.outcome is outcome]
        return sum(x.left_cents or 0 for x in mine), sum(x.right_cents or 0 for x in mine)

    @property
    def left_once(self) -> int:
        """Return the total of the first register without what it lists twice."""
        return self.left_cents - self.cents(Outcome.DOUBLE)[0]

    @property
    def right_once(self) -> int:
        """Return the total of the second register without what it lists twice."""
        return self.right_cents - self.cents(Outcome.DOUBLE)[1]

    @property
    def unexplained(self) -> int:
        """Return the cents between the registers that no line explains; 0 when they reconcile."""
        only = self.cents(Outcome.UNDATED_ONLY)[1]
        return self.right_once - self.left_once - only

    @property
    def open(self) -> tuple[Line, ...]:
        """Return the lines that nothing settles."""
        return tuple(line for line in self.lines if line.outcome not in SETTLED)

    @property
    def outcomes(self) -> list[tuple[Outcome, int, int, int]]:
        """Return each outcome that occurs: how many lines, what they come to on either side."""
        counted = Counter(line.outcome for line in self.lines)
        return [(one, counted[one], *self.cents(one)) for one in Outcome if counted[one]]


# Seattle: sales with days against sales without --------------------------------


def seattle(
    dated: Iterable[SeattleSold],
    undated: Iterable[SeattleSoldUndated],
    others: Sequence[SeattleVehicle] = (),
) -> Comparison:
    """Compare the two exports of sales; `others` are in use or for sale and must not be joined."""
    left, right = list(dated), list(undated)
    join = reconciling.join_sales(left, right)
    lines = [
        sale(Outcome.EXACT if one.equip_id == other.equip_id else Outcome.ZEROS, one, other)
        for one, other in join.pairs
    ]
    lines += [sale(Outcome.DISAGREES, one, other) for one, other in join.disagreeing]
    lines += [sale(Outcome.UNDATED_ONLY, None, row) for row in join.undated_only]
    lines += [sale(Outcome.DATED_ONLY, row, None) for row in join.dated_only]
    lines += [sale(Outcome.DOUBLE, row, None) for row in join.doubled_dated]
    lines += [sale(Outcome.DOUBLE, None, row) for row in join.doubled_undated]
    lines += not_joined(left, others)
    return Comparison(
        kind="seattle",
        rule=Words(reconciling.SAME_VEHICLE_ZH, reconciling.SAME_VEHICLE_EN),
        left_rows=len(left),
        right_rows=len(right),
        left_cents=sum(row.sale_price.cents for row in left),
        right_cents=sum(row.sale_price.cents for row in right),
        lines=tuple(lines),
    )


def sale(outcome: Outcome, one: SeattleSold | None, other: SeattleSoldUndated | None) -> Line:
    """Return a sale of one register or of both."""
    row = one if one is not None else other
    assert row is not None
    return Line(
        outcome=outcome,
        left=one.equip_id if one else "",
        right=other.equip_id if other else "",
        what=row.description,
        unit=row.dept,
        on=one.sold_on.isoformat() if one and one.sold_on else "",
        left_cents=one.sale_price.cents if one else None,
        right_cents=other.sale_price.cents if other else None,
        left_line=one.evidence.line if one else None,
        right_line=other.evidence.line if other else None,
    )


def not_joined(sold: Iterable[SeattleSold], others: Sequence[SeattleVehicle]) -> Iterator[Line]:
    """Yield what has a sold vehicle's number but for zeros, and nothing else that agrees."""
    numbers = {row.equip_id.lstrip("0"): row for row in sold}
    for other in others:
        row = numbers.get(other.equip_id.lstrip("0"))
        if row is None or reconciling.same_vehicle(row, other):
            continue
        yield Line(
            outcome=Outcome.NOT_JOINED,
            left=row.equip_id,
            right=other.equip_id,
            what=f"{row.description} / {other.description}",
            left_line=row.evidence.line,
            right_line=other.evidence.line,
        )


# LESO: shipments of a quarter against the inventory -----------------------------


def leso(
    shipments: Sequence[LesoShipment],
    inventory: Sequence[LesoInventoryRow],
    *,
    first: date,
    last: date,
) -> Comparison:
    """Find the shipments of a quarter in the book: by the name as written, then by the rule.

    A shipment that meets a row of another body only is told and not joined.
    """
    within = [row for row in inventory if row.shipped_on and first <= row.shipped_on <= last]
    lines: list[Line] = []
    left, right = list(shipments), within
    for outcome, name in (
        (Outcome.FOUND, reconciling.as_written),
        (Outcome.RENAMED, reconciling.normalised),
        (Outcome.ELSEWHERE, reconciling.ignored),
    ):
        found = reconciling.find_shipments(left, right, first=first, last=last, name=name)
        lines += [shipment(outcome, one, other) for one, other in found.pairs]
        left, right = list(found.shipments_only), list(found.inventory_only)
    lines += [shipment(Outcome.NOT_FOUND, one, None) for one in left]
    lines += [shipment(Outcome.NOT_SHIPPED, None, other) for other in right]
    return Comparison(
        kind="leso",
        rule=Words(reconciling.AGENCY_RULE_ZH, reconciling.AGENCY_RULE_EN),
        left_rows=len(shipments),
        right_rows=len(within),
        left_cents=sum(worth(row) or 0 for row in shipments),
        right_cents=sum(worth(row) or 0 for row in within),
        lines=tuple(lines),
    )


def shipment(outcome: Outcome, one: LesoShipment | None, other: LesoInventoryRow | None) -> Line:
    """Return a shipment, a row of the book, or two that meet."""
    row: Any = one if one is not None else other
    return Line(
        outcome=outcome,
        left=one.requisition_id if one else "",
        right=other.nsn if other else "",
        what=row.item_name,
        unit=row.agency if other is None or one is None else f"{one.agency} / {other.agency}",
        on=row.shipped_on.isoformat() if row.shipped_on else "",
        left_cents=worth(one) if one else None,
        right_cents=worth(other) if other else None,
        left_line=one.evidence.line if one else None,
        right_line=other.evidence.line if other else None,
    )


def worth(row: LesoShipment | LesoInventoryRow) -> int | None:
    """Return quantity times unit value in cents; None where no value is stated."""
    return None if row.unit_value is None else int(row.unit_value.cents * Decimal(row.quantity))


# As a table -------------------------------------------------------------------------


def table(
    found: Comparison, lang: Lang, amount: Callable[[int], Any], *, only_open: bool = False
) -> Iterator[Sequence[Any]]:
    """Yield the header and every line, what agrees last."""
    yield [in_words(head, lang) for head in HEADS]
    order = {outcome: at for at, outcome in enumerate(reversed(Outcome))}
    lines = found.open if only_open else found.lines
    for line in sorted(lines, key=lambda line: (order[line.outcome], line.on, line.left)):
        yield [
            in_words(line.outcome.words, lang),
            line.left,
            line.right,
            line.what,
            line.unit,
            line.on,
            "" if line.left_cents is None else amount(line.left_cents),
            "" if line.right_cents is None else amount(line.right_cents),
            "" if line.left_line is None else line.left_line,
            "" if line.right_line is None else line.right_line,
        ]


@cache
def of_sample() -> Comparison:
    """Compare the exports of Seattle that come with the product."""
    return of_seattle(
        SAMPLE / "sold_fleet_equipment.tsv.gz",
        SAMPLE / "sold_fleet_equipment_no_dates.csv.gz",
        SAMPLE / "active_fleet_complement.csv.gz",
        SAMPLE / "current_fleet_surplus_auction_list.csv.gz",
    )


def of_seattle(dated: Path, undated: Path, active: Path | None, surplus: Path | None) -> Comparison:
    """Read and compare the exports of Seattle; raise Unreadable."""
    others: list[SeattleVehicle] = []
    if active is not None:
        others += reading_seattle.active(active)
    if surplus is not None:
        others += reading_seattle.surplus(surplus)
    return seattle(reading_seattle.sold(dated), reading_seattle.sold_undated(undated), others)
