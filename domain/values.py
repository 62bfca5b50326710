"""The types of things people write on forms; inside, a value is valid by type.

Money is an integer in the smallest unit of its currency (fen, cents). Quantities are
decimal strings in one spelling. Ids are opaque. Texts are NFC and bounded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from msgspec import Meta


class Written:
    """How a value must be written on a form; in the log it is read as it stands.

    What is recorded passed this check once. Matching it again at every replay would cost more
    than all other decoding together.
    """

    def __init__(self, **constraints: Any) -> None:
        self.meta = Meta(**constraints)


def checked(hint: Any) -> Any:
    """Return a type as forms must check it: every `Written` becomes a constraint."""
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        metas = (m.meta if isinstance(m, Written) else m for m in hint.__metadata__)
        return Annotated[(checked(hint.__origin__), *metas)]
    if get_origin(hint) is tuple:
        made: Any = tuple
        return made[tuple(a if a is ... else checked(a) for a in arguments)]
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(checked(a) for a in arguments)]  # noqa: UP007 - built at run time
    return hint


# `$` alone lets a last line feed through, in Python and in JSON Schema alike.
END = r"$(?!\n)"
ID = r"^[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}" + END
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
# One line that reads as it is stored: no breaks, nothing that turns the direction of writing.
LINE = r"^[^\x00-\x1f\x7f\x85\u2028-\u202e\u2066-\u2069]*" + END

UnitId: TypeAlias = Annotated[str, Written(pattern=ID, extra={"ref": "unit"})]
PersonId: TypeAlias = Annotated[str, Written(pattern=ID, extra={"ref": "person"})]
PlaceId: TypeAlias = Annotated[str, Written(pattern=ID, extra={"ref": "place"})]
AssetId: TypeAlias = Annotated[str, Written(pattern=ID, extra={"ref": "asset"})]
CaseId: TypeAlias = Annotated[str, Written(pattern=ID)]  # of a case of one kind
Stream: TypeAlias = Annotated[str, Written(pattern=r"^[a-z]+/" + ID[1:], extra={"ref": "stream"})]
Fen: TypeAlias = Annotated[int, Meta(ge=0, lt=2**53, extra={"money": True})]
SignedFen: TypeAlias = Annotated[int, Meta(gt=-(2**53), lt=2**53, extra={"money": True})]
Currency: TypeAlias = Annotated[str, Written(pattern=r"^[A-Z]{3}" + END)]
Quantity: TypeAlias = Annotated[
    str, Written(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]*[1-9])?" + END)
]
Name: TypeAlias = Annotated[str, Written(min_length=1, max_length=200, pattern=LINE)]
Code: TypeAlias = Annotated[str, Written(max_length=80, pattern=LINE)]
Reference: TypeAlias = Annotated[str, Written(min_length=1, max_length=80, pattern=LINE)]
Text: TypeAlias = Annotated[str, Written(max_length=2000, pattern=PRINTABLE, extra={"long": True})]
Given: TypeAlias = Annotated[
    str, Written(min_length=1, max_length=2000, pattern=PRINTABLE, extra={"long": True})
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
