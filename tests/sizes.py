"""How often each test of reliability tries: small for every change, large before a release.

`make reliability` runs the large sizes; docs/reliability.md shows both beside the names of the
tests. `GONGWU_SIZES=release/10` runs a tenth of the large size, where that is more than the small
one. A random test prints its seed; GONGWU_SEED repeats it.
"""

from __future__ import annotations

import os
import random

ASKED, _, PART = os.environ.get("GONGWU_SIZES", "").partition("/")
RELEASE = ASKED == "release"
# Main must answer the same way twice; exploration is for other runs, and for a release.
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
CHANCE = 20210301 if IN_CI and not RELEASE else random.SystemRandom().randrange(2**32)
SEED = int(os.environ.get("GONGWU_SEED", CHANCE))

# For every change, before a release; what is counted stands in docs/reliability.md, row by row.
SIZES: dict[str, tuple[int, int]] = {
    "R2": (500, 33_334),
    "R4": (50, 1_000),
    "R5": (500, 20_000),
    "R6": (60, 2_000),
    "R7": (2_000, 100_000),
    "R9": (5, 50),
    "R10": (10, 300),
    "R10 cut": (50, 2_000),
    "R12": (250, 25_000),
    "R13": (200, 20_000),
    "R14": (200, 6_667),
    "R15": (300, 20_000),
    "R16": (20, 2_000),
    "R17": (100_000, 1_000_000),
    "R18": (1_500, 300_000),
    "R27": (40, 600),
    "R28": (2, 100),
}


def sized(name: str) -> int:
    """Return how often this test tries here and now."""
    small, large = SIZES[name]
    return max(small, large // int(PART or 1)) if RELEASE else small
