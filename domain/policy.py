"""What differs by place and year. A policy is dated data; every decision records which one.

Where the law gives no number the profile has none (`None`), and the screen says so.
"""

from __future__ import annotations

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rules of a place, in force from a date on.

    `never_lent`: kinds that may not be lent: official vehicles by 国令621 第25条,
    office premises by 国令621 第23条. `loan_days_max`, `loan_extensions_max`: local limits.
    """

    name: str
    version: int
    never_lent: frozenset[str] = frozenset({"vehicle", "premises"})
    loan_days_max: int | None = None
    loan_extensions_max: int | None = None

    @property
    def reference(self) -> str:
        """Return how a decision cites this policy, e.g. `generic@1`."""
        return f"{self.name}@{self.version}"


GENERIC = Policy(name="generic", version=1)
