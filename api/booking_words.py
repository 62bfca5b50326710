"""The movement of property as every door tells it: an account for each unit and class, that adds up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from api.changing import kind_words, told
from api.pages_telling import NameOf
from domain.booking import Cause, Leg, Row, Sum
from domain.decider import Lang
from domain.words import Words

WORDS: Final[dict[str, Words]] = {
    "opening": Words("期初", "opening"),
    "increases": Words("本期增加", "increases"),
    "decreases": Words("本期减少", "decreases"),
    "closing": Words("期末", "closing"),
}
UP, DOWN = Words("增", "up"), Words("减", "down")
FIGURES: Final[dict[str, Words]] = {
    "count": Words("件数", "cards"),
    "cost": Words("原值", "cost"),
    "worn": Words("累计折旧（摊销）", "accumulated depreciation"),
    "net": Words("净值", "net value"),
}
UNIT, CLASS, CURRENCY, ITEM = (
    Words("入账单位", "unit"),
    Words("类别", "class"),
    Words("币种", "currency"),
    Words("项目", "item"),
)
ALL_UNITS: Final = Words("合计", "total")
AGREES: Final = Words(
    "期初、期末件数和原值与台账一致。", "Cards and cost of both days are those of the inventory."
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an account: a balance, a sum, or one cause; what leaves is below zero."""

    slug: str
    words: Words
    sum: Sum
    cause: str = ""
    sums: bool = False  # of the causes above it


def items(row: Row) -> list[Item]:
    """Return the account of one class: opening, every cause, both sums, closing."""
    found = [Item(slug="opening", words=WORDS["opening"], sum=row.opening)]
    for side, sums, sign in (("increases", row.up, 1), ("decreases", row.down, -1)):
        for cause in Cause:
            if cause in sums:
                sum_ = sums[cause] if sign > 0 else -sums[cause]
                found.append(Item(slug=side, words=cause.words, sum=sum_, cause=cause))
        whole = row.increases if sign > 0 else -row.decreases
        found.append(Item(slug=side, words=WORDS[side], sum=whole, sums=True))
    return [*found, Item(slug="closing", words=WORDS["closing"], sum=row.closing)]


def table(
    rows: Iterable[Row], lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> Iterator[list[Any]]:
    """Yield the movements as a table to take home: an account after the other."""
    heads = [UNIT, CLASS, CURRENCY, ITEM, *FIGURES.values()]
    yield [told(words, lang) for words in heads]
    for row in rows:
        unit = name_of("unit", row.unit) if row.unit else told(ALL_UNITS, lang)
        class_ = kind_words(row.kind, lang) if row.kind else ""
        for item in items(row):
            yield [
                unit, class_, row.currency, label(item, lang), str(item.sum.count),
                *(amount(getattr(item.sum, name)) for name in ("cost", "worn", "net")),
            ]  # fmt: skip


def label(item: Item, lang: Lang) -> str:
    """Return what a line of an account is called."""
    if not item.cause:
        return told(item.words, lang)
    side = told(UP if item.slug == "increases" else DOWN, lang)
    return f"{told(item.words, lang)}（{side}）" if lang == "zh" else f"{item.words.en} ({side})"


def plain(row: Row) -> dict[str, Any]:
    """Return one account as values of JSON; amounts in fen or cents."""
    value: dict[str, Any] = msgspec.to_builtins(row)
    return value | {
        "increases": msgspec.to_builtins(row.increases),
        "decreases": msgspec.to_builtins(row.decreases),
    }


def side_of(leg: Leg) -> str:
    """Return on which side a leg mostly stands: cards first, then cost, then what is left."""
    first = next((n for n in (leg.count, leg.cost, leg.worn) if n), 0)
    return "increases" if first > 0 else "decreases"


def legs_table(
    legs: Iterable[Leg], lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> Iterator[list[Any]]:
    """Yield every movement as a table to take home, in the order in which they were true."""
    heads = (
        Words("业务日期", "business date"), Words("位置", "position"), Words("资产标识", "asset id"),
        UNIT, CLASS, CURRENCY, Words("原因", "cause"), *FIGURES.values(),
    )  # fmt: skip
    yield [told(words, lang) for words in heads]
    for leg in legs:
        yield [
            leg.on, str(leg.position), leg.asset, name_of("unit", leg.unit),
            kind_words(leg.kind, lang), leg.currency, told(leg.cause.words, lang), str(leg.count),
            amount(leg.cost), amount(leg.worn), amount(leg.net),
        ]  # fmt: skip
