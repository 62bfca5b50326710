"""A unit's report of a year: what it has by class and use, how it moved, every card, its income.

The list of cards has the columns of a published form of statistics of physical property
(实物资产统计表).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from api import booking_words
from api.booking import facts
from api.changing import kind_words, told
from api.office import Office
from api.pages_telling import NameOf
from domain.asset import Asset, Custody
from domain.booking import Row, Sum, summed
from domain.decider import LIFECYCLES, Lang
from domain.due import Due, Income
from domain.words import Words
from projections import depreciating as lists
from projections.changes import Only, Span
from projections.scope import EVERYTHING

NUMBER: Final = Words("序号", "no.")
FORM: Final = (
    NUMBER,
    Words("资产名称", "name"),
    Words("资产类别", "class"),
    Words("规格型号", "model"),
    Words("有无资产编号", "numbered"),
    Words("资产编号", "asset no."),
    Words("使用状态", "use"),
    Words("取得时间", "obtained"),
    Words("取得来源", "how"),
    Words("数量", "quantity"),
    Words("原值", "cost"),
    Words("管理使用单位（部门）", "custodian"),
    Words("资产放置位置", "place"),
    Words("管理（使用人）", "user"),
    Words("备注", "remark"),
)
SHEETS: Final = {
    "classes": Words("资产总表", "Property by class"),
    "movement": booking_words.WORDS["opening"],
    "cards": Words("实物资产统计表", "Physical property"),
    "income": Words("应缴财政款", "Income of the treasury"),
}
MOVED: Final = Words("增减变动表", "Movement")
YES, NO = Words("有", "yes"), Words("无", "no")
CLASS_HEADS: Final = (booking_words.CLASS, booking_words.CURRENCY, *booking_words.FIGURES.values())
INCOME_HEADS: Final = (
    Words("收入", "income"), Words("币种", "currency"), Words("总额", "gross"),
    Words("应缴净额", "net"), Words("已到账", "received"), Words("已上缴", "remitted"),
    Words("留归单位", "kept"),
)  # fmt: skip


class Earned(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit's income of one sort came to in a year, in fen or cents."""

    income: Income
    currency: str
    gross: int
    net: int
    received: int
    remitted: int
    kept: int


class Annual(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's year: movements, what each class is used for, every card, its income."""

    unit: str
    year: int
    rows: tuple[Row, ...]
    uses: dict[str, dict[str, int]]  # class, then use: how many cards
    cards: tuple[tuple[str, Asset], ...]
    income: tuple[Earned, ...]

    @property
    def until(self) -> str:
        """Return the last day of the year."""
        return f"{self.year:04}-12-31"

    @property
    def used(self) -> tuple[Custody, ...]:
        """Return the uses there are, in the order of their list."""
        return tuple(c for c in Custody if any(c in counts for counts in self.uses.values()))


def report(office: Office, unit: str, year: int) -> Annual:
    """Return a unit's year, up to its last day or as far as it has come."""
    span = Span(start=f"{year - 1:04}-12-31", end=f"{year:04}-12-31")
    rows = office.booking.statement(EVERYTHING, span, Only(unit=unit)).rows
    cards: list[tuple[str, Asset]] = []
    uses: dict[str, dict[str, int]] = {}
    for card in lists.told(office.rows(lists.carried(unit, span.end)), span.end):
        asset = card.asset
        if asset is None:  # something came after: the card is told as it stood that day
            asset = office.book.state_at(f"asset/{card.id}", span.end)
            assert isinstance(asset, Asset)
        cards.append((card.id, asset))
        counts = uses.setdefault(asset.kind.value, {})
        counts[asset.custody] = counts.get(asset.custody, 0) + 1
    return Annual(
        unit=unit,
        year=year,
        rows=rows,
        uses=uses,
        cards=tuple(cards),
        income=tuple(earned(office, unit, span)),
    )


def earned(office: Office, unit: str, span: Span) -> Iterator[Earned]:
    """Yield what came of a unit's income in a span, by sort and currency."""
    sums: defaultdict[tuple[Income, str], list[int]] = defaultdict(lambda: [0] * 5)
    life = LIFECYCLES["due"]
    rows = office.book.log.kind_rows("due", office.book.head()[0])
    for _, some in groupby(rows, key=itemgetter(1)):
        due: Due = life.state()
        for entry in facts(some, None):
            was, due = due, life.evolve(due, entry.event)
            if due.unit != unit or not span.start < entry.effective_on <= span.end:
                continue
            into = sums[due.income, due.currency]
            for place, name in enumerate(("gross", "net", "paid_in", "remitted", "kept")):
                into[place] += getattr(due, name) - getattr(was, name)
    for income, currency in sorted(sums):
        gross, net, received, remitted, kept = sums[income, currency]
        yield Earned(
            income=income, currency=currency, gross=gross, net=net, received=received,
            remitted=remitted, kept=kept,
        )  # fmt: skip


def sheets(
    found: Annual, lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> dict[str, list[list[Any]]]:
    """Return the report as the sheets of a file."""
    return {
        told(SHEETS["classes"], lang): list(classes(found, lang, amount)),
        told(MOVED, lang): list(
            booking_words.table((*found.rows, *summed(found.rows)), lang, name_of, amount)
        ),
        told(SHEETS["cards"], lang): list(form(found, lang, name_of, amount)),
        told(SHEETS["income"], lang): list(income(found, lang, amount)),
    }


def classes(found: Annual, lang: Lang, amount: Callable[[int], Any]) -> Iterator[list[Any]]:
    """Yield what there is of each class at the end, and for what it is used."""
    yield [told(w, lang) for w in (*CLASS_HEADS, *(custody.words for custody in found.used))]
    for row in (*found.rows, *summed(found.rows)):
        counts = found.uses.get(row.kind, {})
        if not row.kind:
            counts = {use: sum(c.get(use, 0) for c in found.uses.values()) for use in found.used}
        yield [
            kind_words(row.kind, lang) if row.kind else told(booking_words.ALL_UNITS, lang),
            row.currency, *figures(row.closing, amount),
            *(str(counts.get(use, 0)) for use in found.used),
        ]  # fmt: skip


def figures(one: Sum, amount: Callable[[int], Any]) -> list[Any]:
    """Return the four figures of a sum."""
    return [str(one.count), amount(one.cost), amount(one.worn), amount(one.net)]


def form(
    found: Annual, lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> Iterator[list[Any]]:
    """Yield every card in the columns of the form."""
    yield [told(words, lang) for words in FORM]
    for number, (id_, asset) in enumerate(found.cards, start=1):
        obtained: date | int | None = asset.acquired or asset.acquired_year
        yield [
            str(number), asset.name, told(asset.kind.words, lang), asset.model,
            told(YES if asset.asset_no else NO, lang), asset.asset_no,
            told(asset.custody.words, lang), str(obtained or ""), told(asset.mode.words, lang),
            f"{asset.quantity}{asset.measure}",
            None if asset.value is None else amount(asset.value),
            name_of("unit", asset.custodian) if asset.custodian else "",
            name_of("place", asset.place) if asset.place else "",
            name_of("person", asset.user) if asset.user else "", id_,
        ]  # fmt: skip


def income(found: Annual, lang: Lang, amount: Callable[[int], Any]) -> Iterator[list[Any]]:
    """Yield what the year's income came to."""
    yield [told(words, lang) for words in INCOME_HEADS]
    for one in found.income:
        yield [
            told(one.income.words, lang), one.currency, amount(one.gross), amount(one.net),
            amount(one.received), amount(one.remitted), amount(one.kept),
        ]  # fmt: skip
