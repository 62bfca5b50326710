"""Read what is written in a cell: money, quantities, dates and codes, exactly as stated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Final

import msgspec

from api.reading_problems import Problem
from api.reading_text import Evidence, Row, Table

# Rules ------------------------------------------------------------------------

ROUNDING_RULE: Final = "half-up-2"
ROUNDING_RULE_ZH: Final = "金额超过两位小数的，四舍五入到分；原文保留。"
ROUNDING_RULE_EN: Final = (
    "An amount with more than two decimals is rounded half up to the cent; its text is kept."
)

CENTURY_RULE: Final = "two-digit-years-1946-2015"
CENTURY_RULE_ZH: Final = "两位数年份：00–15 为 2000–2015 年，46–99 为 1946–1999 年，其余不作推断。"
CENTURY_RULE_EN: Final = (
    "Years of two digits: 00–15 are 2000–2015, 46–99 are 1946–1999, others are not guessed."
)

_MONEY: Final = re.compile(
    r"\$?(?P<whole>[0-9]{1,13}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.(?P<part>[0-9]{1,20}))?"
)
_QUANTITY: Final = re.compile(r"(?P<whole>[0-9]{1,12})(?:\.(?P<part>[0-9]{1,6}))?")
_YEAR: Final = re.compile(r"(?:1[89]|20)[0-9]{2}")
_ISO: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?"
)
_SLASHED: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?: [0-9]{1,2}:[0-9]{2})?")
_SHORT: Final = re.compile(r"([0-9]{1,2})-([A-Z][a-z]{2})-([0-9]{2})")
# A table of our own: strptime reads month names in the language of the machine.
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class Amount(msgspec.Struct, frozen=True, gc=False):
    """Money as whole cents, with the text it was read from.

    Published exports hold residue of binary arithmetic (`77.21000000000001`); `ROUNDING_RULE`
    says what we make of it.
    """

    cents: int
    currency: str
    text: str

    @property
    def rounded(self) -> bool:
        """Tell whether the text says more than whole cents."""
        return len(self.text.partition(".")[2].rstrip("0")) > 2

    @property
    def unknown_or_nominal(self) -> bool:
        """Tell a zero, which means "not known" or "nominal amount": a person decides which."""
        return self.cents == 0


def amount(text: str, currency: str) -> Amount:
    """Parse decimal text into cents, half up at the third decimal; raise ValueError otherwise.

    Thousands may be parted by commas and a dollar sign may stand in front. Signs, exponents
    and full-width digits are refused rather than interpreted.
    """
    match = _MONEY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    part = match["part"] or ""
    cents = int(match["whole"].replace(",", "")) * 100 + int(part[:2].ljust(2, "0"))
    return Amount(cents + (part[2:3] >= "5"), currency, text)


def quantity(text: str) -> str:
    """Return a count or measure as decimal text without idle zeros; raise ValueError otherwise."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    part = (match["part"] or "").rstrip("0")
    return str(int(match["whole"])) + (f".{part}" if part else "")


def year(text: str) -> int:
    """Return a year of four digits; raise ValueError otherwise."""
    if _YEAR.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def day(text: str) -> date:
    """Read `2019-10-01`, `2019-10-01 08:04:47`, `5/21/2013 0:00` or `04-Aug-00`.

    Slashes mean month first, as in the United States' files. Years of two digits follow
    `CENTURY_RULE`. Raises ValueError otherwise.
    """
    if match := _ISO.fullmatch(text):
        return date.fromisoformat(match["day"])
    if match := _SLASHED.fullmatch(text):
        return date(int(match[3]), int(match[1]), int(match[2]))
    if (match := _SHORT.fullmatch(text)) and match[2] in _MONTHS:
        short = int(match[3])
        if 15 < short < 46:
            raise ValueError(text)
        century = 2000 if short <= 15 else 1900
        return date(century + short, _MONTHS.index(match[2]) + 1, int(match[1]))
    raise ValueError(text)


def clock(text: str) -> time | None:
    """Return the time of day beside an ISO date, `None` when there is none; its zone is unknown."""
    match = _ISO.fullmatch(text)
    if match is None or match["time"] is None:
        return None
    return time.fromisoformat(match["time"])


# Cells of one row -------------------------------------------------------------

_WANTED: Final = {
    "amount": ("金额（如 14190.13）", "an amount such as 14190.13"),
    "quantity": ("数量（如 3 或 2.5）", "a quantity such as 3 or 2.5"),
    "year": ("四位年份（如 2008）", "a year of four digits such as 2008"),
    "day": ("日期（如 2019-10-01）", "a date such as 2019-10-01"),
    "text": ("内容（此列不得为空）", "a value (this column may not be empty)"),
}


class Cells:
    """The cells of one row by column name; a bad one is noted and the reading goes on."""

    def __init__(self, table: Table, at: Mapping[str, int], problems: list[Problem]) -> None:
        """Prepare for the rows of one table; `at` says where each column is."""
        self._table = table
        self._at = at
        self._problems = problems
        self._row = Row(Evidence(table.file, 0, "", b""), ())

    def turn_to(self, row: Row) -> Cells:
        """Take the next row."""
        self._row = row
        return self

    @property
    def evidence(self) -> Evidence:
        """Return where this row comes from."""
        return self._row.evidence

    def text(self, column: str) -> str:
        """Return a cell without the blanks that fixed-width exports leave around it."""
        return self._row.cells[self._at[column]].strip()

    def text_if_given(self, column: str) -> str | None:
        """Return a cell, or `None` when it is empty or the file has no such column."""
        return (self.text(column) or None) if column in self._at else None

    def required(self, *names: str) -> str:
        """Return a cell that may not be empty, under the first of its names that is here."""
        column = next(name for name in names if name in self._at)
        text = self.text(column)
        if not text:
            self._bad(column, "text")
        return text

    def amount(self, column: str) -> Amount | None:
        """Return money in US dollars, `None` for an empty cell."""
        text = self.text(column)
        try:
            return amount(text, "USD") if text else None
        except ValueError:
            self._bad(column, "amount")
            return None

    def amount_required(self, column: str) -> Amount:
        """Return money in US dollars from a cell that may not be empty."""
        found = self.amount(column)
        if found is None and not self.text(column):
            self._bad(column, "amount")
        return found or Amount(0, "USD", "")

    def quantity(self, column: str) -> str:
        """Return a quantity as decimal text."""
        try:
            return quantity(self.text(column))
        except ValueError:
            self._bad(column, "quantity")
            return "0"

    def year(self, column: str) -> int | None:
        """Return a year, `None` for an empty cell or a bare 0."""
        text = self.text(column)
        try:
            # The fleet list writes 0 where no replacement is planned.
            return year(text) if text not in ("", "0") else None
        except ValueError:
            self._bad(column, "year")
            return None

    def day(self, column: str) -> date | None:
        """Return a date, `None` for an empty cell."""
        text = self.text(column)
        try:
            return day(text) if text else None
        except ValueError:
            self._bad(column, "day")
            return None

    def _bad(self, column: str, kind: str) -> None:
        zh, en = _WANTED[kind]
        found = self.text(column)[:60]
        self._problems.append(
            Problem(
                self.evidence.file,
                self.evidence.line,
                self._at[column] + 1,
                f"bad-{kind}",
                f"“{column}”应为{zh}，读到的是“{found}”。请在原表中改正后再导入。",
                f"“{column}” should be {en}, but says “{found}”. Correct the table, import again.",
            )
        )
