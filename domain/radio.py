"""Where a thing is that was heard by radio: evidence by area, and no guess where it is too close.

Radio goes through walls, and a neighbour's tags are heard with one's own. What was heard of a tag
in one area is weighed as a whole, and areas are compared; when the second comes close to the
first, somebody reads the QR code. Where the books expect a thing adds nothing: that would hide
what was swapped. All of it is sums, so that the order in which readings arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10

import msgspec

CLOSE_RATIO = 0.7  # of amplitudes: beyond this the second area is too close to the first
CLOSE_DECIBELS = -20 * log10(CLOSE_RATIO)
READS_MAX = 100  # more say nothing new: a tag that lies still is read again and again
ANTENNAS_MAX = 4
ANTENNA_DECIBELS = 3.0  # heard by another antenna, as much as twice the power
SECONDS_MAX = 10
SECOND_DECIBELS = 0.3  # what is carried past is not heard for long


class Threshold(msgspec.Struct, frozen=True):
    """What a device must hear in an area for a thing to be there, from a walk with known tags."""

    rssi: int  # dBm
    reads: int = 1

    def met(self, reads: int, rssi: int | None) -> bool:
        """Tell whether something is more than may come through the wall."""
        return reads >= self.reads and (rssi is None or rssi >= self.rssi)


NO_THRESHOLD = Threshold(-90, 1)


class Heard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one device heard of one tag in one area; `rssi` is the best in dBm, None when not said."""

    area: str
    device: str
    reads: int
    rssi: int | None = None
    antennas: int = 1
    milliseconds: int = 0

    def enough(self, least: Threshold) -> bool:
        """Tell whether it is more than may come through the wall."""
        return least.met(self.reads, self.rssi)

    def decibels(self, least: Threshold) -> float:
        """Return the weight of it, in decibels above what is just enough."""
        above: float = 0 if self.rssi is None else self.rssi - least.rssi
        above += 10 * log10(min(self.reads, READS_MAX))
        above += ANTENNA_DECIBELS * (min(self.antennas, ANTENNAS_MAX) - 1)
        above += SECOND_DECIBELS * min(self.milliseconds / 1_000, SECONDS_MAX)
        return round(above, 1)


class Whereabouts(msgspec.Struct, frozen=True, gc=False):
    """Where a tag is: one area; several when they are too close; none when it was hardly heard."""

    areas: tuple[str, ...]
    decibels: tuple[float, ...]

    @property
    def ambiguous(self) -> bool:
        """Tell whether somebody must read the QR code."""
        return len(self.areas) > 1

    @property
    def weak(self) -> bool:
        """Tell whether it was heard too faintly to be there."""
        return not self.areas


def whereabouts(
    heard: Sequence[Heard], thresholds: Mapping[tuple[str, str], Threshold]
) -> Whereabouts:
    """Return where a tag is, by all that was heard of it; `thresholds` are by device and area."""
    best: dict[str, tuple[float, bool]] = {}
    one: Heard
    if len(heard) == 1:  # nearly always: nothing to compare it with
        (one,) = heard
        least = thresholds.get((one.device, one.area), NO_THRESHOLD)
        if one.enough(least):
            return Whereabouts((one.area,), (one.decibels(least),))
        return Whereabouts((), ())
    for one in heard:
        least = thresholds.get((one.device, one.area), NO_THRESHOLD)
        if one.enough(least):
            found = (one.decibels(least), one.rssi is not None)
            best[one.area] = max(best.get(one.area, found), found)
    ranked = sorted(best.items(), key=lambda of: (-of[1][0], of[0]))
    kept = [of for of in ranked if _close(of[1], ranked[0][1])]
    return Whereabouts(tuple(area for area, _ in kept), tuple(of[0] for _, of in kept))


def _close(other: tuple[float, bool], first: tuple[float, bool]) -> bool:
    """Tell whether two weights cannot be told apart; without a strength there is no comparison."""
    return other[1] != first[1] or first[0] - other[0] < CLOSE_DECIBELS


def threshold(inside: Sequence[int], outside: Sequence[int]) -> tuple[Threshold, bool]:
    """Return what a walk with known tags comes to, and whether the area is told apart by it.

    `inside` are the best strengths (dBm) of the known tags of the area, at least one, `outside`
    those of all other tags that were heard there. Where they overlap, no strength tells them
    apart: the faintest tag of the area still counts, and comparing areas must decide.
    """
    faintest = min(inside)
    loudest = max(outside, default=-128)
    if loudest < faintest:
        middle = max(NO_THRESHOLD.rssi, (faintest + loudest) // 2)
        return Threshold(min(faintest, middle)), True
    return Threshold(faintest), False
