"""The types of things people write on forms; inside, a value is valid by type.

Money is an integer in the smallest unit of its currency (fen, cents). Quantities are
decimal strings in one spelling. Ids are opaque. Texts are NFC and bounded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, TypeAlias

from msgspec import Meta

ID = r"^[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}$"
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

UnitId: TypeAlias = Annotated[str, Meta(pattern=ID, extra={"ref": "unit"})]
PersonId: TypeAlias = Annotated[str, Meta(pattern=ID, extra={"ref": "person"})]
PlaceId: TypeAlias = Annotated[str, Meta(pattern=ID, extra={"ref": "place"})]
AssetId: TypeAlias = Annotated[str, Meta(pattern=ID, extra={"ref": "asset"})]
Stream: TypeAlias = Annotated[
    str, Meta(pattern=r"^[a-z]+/[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}$", extra={"ref": "stream"})
]
Fen: TypeAlias = Annotated[int, Meta(ge=0, lt=2**53, extra={"money": True})]
SignedFen: TypeAlias = Annotated[int, Meta(gt=-(2**53), lt=2**53, extra={"money": True})]
Currency: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Quantity: TypeAlias = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]*[1-9])?$")]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
Code: TypeAlias = Annotated[str, Meta(max_length=80, pattern=PRINTABLE)]
Reference: TypeAlias = Annotated[str, Meta(min_length=1, max_length=80, pattern=PRINTABLE)]
Text: TypeAlias = Annotated[str, Meta(max_length=2000, pattern=PRINTABLE, extra={"long": True})]
Given: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=2000, pattern=PRINTABLE, extra={"long": True})
]


def fen(text: str) -> int:
    """Return an amount written by a person (`1,234.5`, `¥12`, `$0.00`) in fen or cents.

    Round half up to two places, the rule for binary-float residue in published files.
    Raise ValueError when it is no amount of money.
    """
    cleaned = text.strip().replace(",", "").replace("，", "").lstrip("¥￥$")
    try:
        amount = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(text) from None
    if not amount.is_finite() or abs(amount) >= Decimal(2**53) / 100:
        raise ValueError(text)
    return int((amount * 100).to_integral_value(rounding=ROUND_HALF_UP))


def yuan(amount: int) -> str:
    """Return fen as a person writes them, two decimals and thousands separators."""
    sign, whole = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{whole // 100:,}.{whole % 100:02}"


def quantity(value: Decimal | int | str) -> str:
    """Return a quantity in its one canonical spelling; raise ValueError when it is none."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(value) from None
    if not number.is_finite() or number < 0:
        raise ValueError(value)
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).lstrip("0") or "0"
