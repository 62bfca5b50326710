"""What a paper is made of: captions and texts, a list with amounts, places to sign and seal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing a paper says: its caption and the text; `wide` takes the whole width."""

    caption: str
    text: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list: its head, its share of the width, where its text stands.

    A `money` column shows the amount of each row.
    """

    head: str
    share: float
    align: Align = "left"
    money: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `amount` in fen or cents; None: not stated, and not in any total."""

    cells: tuple[str, ...]  # one text for each column that is not money
    amount: int | None = None
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Table:
    """What the paper is about, one thing a line."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def money(self) -> bool:
        """Tell whether the list has amounts."""
        return any(column.money for column in self.columns)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Return the currencies of the amounts, in the order in which they occur."""
        found = dict.fromkeys(row.currency for row in self.rows if row.amount is not None)
        return tuple(found) or ("CNY",)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of some rows in one currency, and how many stand in it."""

    currency: str
    amount: int
    count: int


def totals(table: Table, rows: tuple[Row, ...]) -> Iterator[Total]:
    """Yield the sum of some rows, currency by currency."""
    for currency in table.currencies:
        mine = [r.amount for r in rows if r.currency == currency and r.amount is not None]
        yield Total(currency, sum(mine), len(mine))


@dataclass(frozen=True, slots=True)
class Box:
    """A place to decide, sign and seal: who, what was said already, whose signatures."""

    caption: str
    text: str = ""
    signatures: tuple[str, ...] = ()
    seal: bool = True


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper before it is set: all texts in its language, names as they were called then.

    `identity` goes into the code and names the paper without any address of a server (ASCII);
    `reflects` says which position and root of the ledger it was made from. `checkpoint` is a signed
    head of the ledger, printed as text and code, so that whoever keeps the paper can convict a
    ledger that was rewritten since. `mark` is written
    across every page (an example, a reversed entry).
    """

    kind: str
    title: str
    number: str
    unit: str
    date: str
    identity: str
    reflects: str
    warehouse: str = ""
    pairs: tuple[Pair, ...] = ()
    table: Table | None = None
    boxes: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()
    checkpoint: str = ""
    mark: str = ""
    language: Language = "zh"
