"""Which of some amounts make a sum exactly: one way, more than one, none, or too many to try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CANDIDATES_MAX: Final = 24
SUMS_MAX: Final = 20_000
"""The search ends at so many amounts or different sums, and says so."""


def subsets(amounts: Sequence[int], target: int, *, least: int = 2) -> list[tuple[int, ...]] | None:
    """Return up to two sets of at least so many positions that make the target; None: gave up.

    Two mean that it cannot be told which; equal amounts count as different. `least` is 1 or 2. The
    search is exact within `CANDIDATES_MAX` amounts and `SUMS_MAX` sums.
    """
    most = target if least < 2 else target - 1
    usable = [at for at, amount in enumerate(amounts) if 0 < amount <= most]
    rest = sum(amounts[at] for at in usable)
    if target <= 0 or rest < target:
        return []
    if len(usable) > CANDIDATES_MAX:
        return None
    # Two ways to a partial sum are two ways to all that follows; a third would say no more.
    sums: dict[int, list[tuple[int, ...]]] = {0: [()]}
    for at in sorted(usable, key=lambda n: (-amounts[n], n)):
        amount = amounts[at]
        for reached, ways in [(reached, tuple(ways)) for reached, ways in sums.items()]:
            # What cannot reach the target any more with all that is left is let go.
            if reached + rest < target:
                del sums[reached]
                continue
            if reached + amount <= target:
                there = sums.setdefault(reached + amount, [])
                there += [(*way, at) for way in ways][: 2 - len(there)]
        rest -= amount
        if len(sums) > SUMS_MAX:
            return None
    return sorted(tuple(sorted(way)) for way in sums.get(target, []))
