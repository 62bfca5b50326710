"""What a chart is: points with their words and addresses, drawn by charts.html on any page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from domain.words import Words

LABELS_MAX: Final = 4  # under the columns of a narrow screen


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bar or point: its height, what it says, and where its rows are."""

    label: str
    value: int
    said: str
    url: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: `bars` lie, one a line; `columns` and `line` go along the months."""

    title: str
    kind: str
    points: tuple[Point, ...]
    most: int = 0  # the end of the scale, where it is not the largest value

    @property
    def top(self) -> int:
        """Return the value that is drawn at full height."""
        return self.most or max((point.value for point in self.points), default=0) or 1

    @property
    def data(self) -> dict[str, Any]:
        """Return what the script draws when somebody enlarges it."""
        return {
            "title": self.title,
            "kind": self.kind,
            "top": self.top,
            "points": [msgspec.structs.asdict(point) for point in self.points],
        }

    def labelled(self, at: int) -> bool:
        """Tell whether a point of a row of months has its label under it: the last, and some."""
        last = len(self.points) - 1
        return (last - at) % max(1, -(-len(self.points) // LABELS_MAX)) == 0


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown under one title; no plots where there is nothing to show."""

    id: str
    title: Words
    about: Words
    plots: tuple[Plot, ...]


def bars(rows: Sequence[Mapping[str, Any]], title: str, *, with_value: bool) -> Plot:
    """Return counts, each with a label, an address and perhaps what it comes to, as lying bars."""
    points = (
        Point(
            label=row["label"],
            value=row["count"],
            said=f"{row['count']:,}"
            + (f" · {row['value']}" if with_value and row["value"] else ""),
            url=row["url"],
        )
        for row in rows
    )
    return Plot(title=title, kind="bars", points=tuple(points))
