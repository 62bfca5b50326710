"""Holdings that left one body and turned up at another: a transfer, or its new name? Ranked.

From two snapshots of the same register. A row that is gone and an equal row that is new elsewhere
(item, quantity, value, day of shipment) may be one thing. All rows between two bodies are taken
together and weighed for each of the two readings, every reason with its points. Nothing here is a
verdict: who knows decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from api.reading_leso import LesoInventoryRow
from api.reconciling import SnapshotDifference, normalised
from domain.words import Words
from projections.naming import house_names

Body: TypeAlias = tuple[str, str]  # state, agency
RENAMED, TRANSFERRED, OPEN = "renamed", "transferred", "open"
LEAD: Final = 420  # by how much one reading must outweigh the other
# What sort of body it is; the rest of a name says where it is.
SORTS: Final = frozenset(
    ["PD", "SO", "CO", "DEPT", "CSO", "CSD", "PSO", "PARISH", "OFFICE", "CITY", "OF", "TOWN", "THE"]
)
FULL: Final = 1000


class Reason(msgspec.Struct, frozen=True):
    """What speaks for one reading: points of 1000, and their weight."""

    words: Words
    points: int
    weight: int


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What may have happened between two bodies; `likely` is OPEN where neither reading leads."""

    before: Body
    after: Body
    rows: tuple[tuple[LesoInventoryRow, LesoInventoryRow], ...]
    renamed: int  # points of 1000
    transferred: int
    reasons: tuple[Reason, ...]  # of a new name; what lacks there speaks for a transfer
    elsewhere: int  # of the rows that an equal new row of a third body would fit as well

    @property
    def likely(self) -> str:
        """Return the reading that leads, if one does."""
        if abs(self.renamed - self.transferred) < LEAD:
            return OPEN
        return RENAMED if self.renamed > self.transferred else TRANSFERRED

    @property
    def points(self) -> int:
        """Return how sure the better reading is; less where rows could have gone elsewhere."""
        sure = max(self.renamed, self.transferred)
        return sure * (2 * len(self.rows) - self.elsewhere) // (2 * len(self.rows))


def body(row: LesoInventoryRow) -> Body:
    """Return who holds a row."""
    return row.state, row.agency


def suggestions(
    found: SnapshotDifference,
    before: Sequence[LesoInventoryRow],
    after: Sequence[LesoInventoryRow],
) -> list[Suggestion]:
    """Return what may have happened between each two bodies, most rows and surest first."""
    held, holds = Counter(map(body, before)), Counter(map(body, after))
    takers: defaultdict[tuple[object, ...], set[Body]] = defaultdict(set)
    for row in found.new:
        takers[_item(row)].add(body(row))
    pairs: defaultdict[tuple[Body, Body], list[tuple[LesoInventoryRow, LesoInventoryRow]]]
    pairs = defaultdict(list)
    for one, other in found.moved:
        if body(one) != body(other):
            pairs[body(one), body(other)].append((one, other))
    ranked = []
    for (old, new), rows in pairs.items():
        reasons = tuple(_reasons(old, new, len(rows), held, holds))
        weight = sum(reason.weight for reason in reasons)
        renamed = sum(reason.points * reason.weight for reason in reasons) // weight
        ranked.append(
            Suggestion(
                before=old,
                after=new,
                rows=tuple(rows),
                renamed=renamed,
                transferred=FULL - renamed,
                reasons=reasons,
                elsewhere=sum(len(takers[_item(one)] - {new}) > 0 for one, _ in rows),
            )
        )
    return sorted(ranked, key=lambda s: (-len(s.rows), -s.points, s.before, s.after))


def _item(row: LesoInventoryRow) -> tuple[object, ...]:
    value = row.unit_value.cents if row.unit_value is not None else None
    return row.nsn, row.quantity, value, row.shipped_on


def _where(agency: str) -> str:
    """Return what a name says besides the sort of body."""
    words = normalised(agency).split()
    return " ".join(word for word in words if word not in SORTS) or agency


def _reasons(
    old: Body, new: Body, rows: int, held: Counter[Body], holds: Counter[Body]
) -> Iterator[Reason]:
    """Yield what speaks for a new name of the same body, and by how much."""
    left, had, there = holds[old], held[old], held[new]
    yield Reason(
        Words(
            f"原单位后来在册 {left} 项（更名应为 0）",
            f"the former holder has {left} rows afterwards (0 if it was renamed)",
        ),
        FULL if not left else 0,
        3,
    )
    yield Reason(
        Words(
            f"现单位先前在册 {there} 项（更名应为 0）",
            f"the new holder had {there} rows before (0 if it was renamed)",
        ),
        FULL if not there else 0,
        3,
    )
    yield Reason(
        Words(
            f"原单位在册 {had} 项中有 {rows} 项随之转移（更名应为全部）",
            f"{rows} of {had} rows of the former holder moved (all, if it was renamed)",
        ),
        FULL * min(rows, had) // had,
        2,
    )
    alike = house_names().fit(_where(old[1]), _where(new[1]))
    yield Reason(
        Words(
            f"地名相近程度 {alike}/1000（机构类型不计）",
            f"the names, without the sort of body, agree by {alike} of 1000",
        ),
        alike,
        4,
    )
    same = old[0] == new[0]
    yield Reason(
        Words("同一州" if same else "不同州", "same state" if same else "another state"),
        FULL if same else 0,
        1,
    )
