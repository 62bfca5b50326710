"""What is owed, what a statement says came in, and what is found of the two: the words of matching."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from domain.statement import By, Kind
from domain.words import Words

# What is owed, what came in -------------------------------------------------------------


class Owed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is still owed, in the smallest unit, from `since` on, and how a payment names it.

    `costs` are costs of the case that nobody may deduct: money that came in short by just these
    was netted against them (坐支).
    """

    id: str
    amount: int
    since: date
    unit: str = ""
    currency: str = "CNY"
    codes: tuple[str, ...] = ()
    vouchers: tuple[str, ...] = ()
    payer: str = ""
    payer_account: str = ""
    costs: tuple[int, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of a statement: signed, in is positive; `unit` is whose account it is."""

    id: str
    amount: int
    booked: date
    unit: str = ""
    currency: str = "CNY"
    references: tuple[str, ...] = ()
    text: str = ""
    payer: str = ""
    payer_account: str = ""
    returned: bool = False


# What is found --------------------------------------------------------------------------


class Part(msgspec.Struct, frozen=True, gc=False):
    """So much of a line for so much of a due, in the smallest unit."""

    line: str
    due: str
    amount: int


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What some lines and dues have to do with each other, and why.

    `settled` says that it may be recorded as it stands; all others wait for a person. `agreed` and
    `differs` name the fields looked at; `others` are the possibilities of an ambiguous one.
    """

    kind: Kind
    by: By
    settled: bool = False
    lines: tuple[str, ...] = ()
    dues: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    agreed: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()


__all__ = ["FIELDS", "MATCHER", "By", "Finding", "Kind", "Line", "Owed", "Part", "score"]
MATCHER: Final = "matching_money@1"
"""The name and version of the search, kept with every decision; what it answers is a new version."""

_RULES: Final = {By.CODE: 50, By.VOUCHER: 45, By.LIKELY: 20, By.NOTHING: 0}
_AGREEING: Final = {"amount": 25, "unit": 5, "payer": 8, "payer_account": 8, "booked": 4}


def score(finding: Finding) -> int:
    """Return how much speaks for a finding, out of 100; each field that differs takes 15 away."""
    for_it = sum(_AGREEING.get(name, 0) for name in set(finding.agreed))
    against = 15 * len(set(finding.differs)) + (30 if finding.others else 0)
    return max(0, min(100, _RULES[finding.by] + for_it - against))


FIELDS: Final[Mapping[str, Words]] = {
    "code": Words("缴款码", "payment code"),
    "voucher": Words("凭证号", "voucher"),
    "amount": Words("金额", "amount"),
    "unit": Words("单位", "unit"),
    "payer": Words("付款人", "payer"),
    "payer_account": Words("付款账户", "payer's account"),
    "booked": Words("日期", "day"),
    "costs": Words("费用金额", "amount of costs"),
    "reference": Words("附言所列项目", "what the text names"),
}
"""The fields that findings name, as people read them."""
