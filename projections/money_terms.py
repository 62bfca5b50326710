"""What is owed, what a statement says came in, and what is found of the two: the words of matching."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from domain.words import Term, Words

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


class By(Term):
    """The rule that found it."""

    CODE = "code", "缴款码一致", "the payment code agrees"
    VOUCHER = "voucher", "凭证号一致", "the voucher's number agrees"
    LIKELY = "likely", "单位、金额、日期相符", "unit, amount and days agree"
    NOTHING = "nothing", "没有依据", "nothing agrees"


class Kind(Term):
    """What kind of finding it is; all but the first four break with what was agreed."""

    WHOLE = "whole", "一笔付清", "paid at once"
    BATCH = "batch", "一笔付多项", "several paid by one line"
    PARTS = "parts", "分多笔付清", "paid by several lines"
    REPAID = "repaid", "退汇后重付", "came back and was paid again"
    RETURNED = "returned", "退汇未重付", "came back and was not paid again"
    SHORT = "short", "少付", "paid short"
    OVER = "over", "多付", "paid too much"
    NETTED = "netted", "坐支抵扣", "netted against costs"
    TWICE = "twice", "重复付款", "paid twice"
    WRONG_REFERENCE = "wrong_reference", "缴款码填错", "wrong reference"
    WRONG_PAYER = "wrong_payer", "付款账户不符", "from another account"
    EARLY = "early", "早于应收日付款", "paid before it was owed"
    OTHER_UNIT = "other_unit", "应入其他单位账户", "another unit's money"
    AMBIGUOUS = "ambiguous", "有多种可能", "several possibilities"
    UNKNOWN = "unknown", "未找到应收款", "belongs to nothing known"
    OUTGOING = "outgoing", "付出款项", "money that left"
    MISSING = "missing", "逾期未到账", "did not arrive"
    AWAITED = "awaited", "尚未到账", "still awaited"


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
