"""The figures of reuse as every door tells them: value, formula, and what they are worked out of.

DOMAIN.md g; T53. Ratios are exact fractions, money is in fen or cents and never added up over
currencies, and every figure names what it leaves out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any, Final, TypeAlias

import msgspec

from domain.decider import Lang
from domain.demand import DemandStatus
from domain.words import Words, in_language
from projections.reuse import Card, Excluded, Passage, Saving, Source, Stay, Told
from projections.temporal import FOREVER
from projections.wants_met import Wanted

MEASURES: Final = ("pieces", "money", "share", "days", "times")
GROUPS: Final = {
    "unit": Words("调出、入仓或求购单位", "unit that gave or wanted it"),
    "kind": Words("资产类别", "kind"),
    "class": Words("分类代码", "class"),
    "region": Words("地区", "region"),
    "month": Words("月份", "month"),
    "ground": Words("入仓原因", "ground of intake"),
}
Input: TypeAlias = "tuple[Words, str]"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: `value` is None where there is nothing to work it out of.

    Money is a whole number of fen or cents in `currency`; a share is between 0 and 1.
    """

    slug: str
    words: Words
    formula: Words
    measure: str
    value: Fraction | None
    currency: str = ""
    inputs: tuple[Input, ...] = ()

    @property
    def text(self) -> str:
        """Return the value as plain text: money in yuan, a share in percent, one decimal."""
        if self.value is None:
            return ""
        if self.measure == "money":
            sign, fen = ("-" if self.value < 0 else ""), abs(int(self.value))
            return f"{sign}{fen // 100}.{fen % 100:02}"
        if self.measure == "pieces":
            return str(int(self.value))
        if self.measure == "share":
            return f"{rounded(self.value * 100)}%"
        return rounded(self.value)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit, kind, region, month or ground contributed."""

    key: str
    taken_in: int = 0
    reused: int = 0
    moved: int = 0
    lent: int = 0
    wanted: int = 0  # wants it published
    met: int = 0  # of these met, all of it
    value: dict[str, int] = {}  # original value taken in, by currency
    saved: dict[str, int] = {}  # by currency


def rounded(value: Fraction) -> str:
    """Return a number with one decimal, halves away from zero."""
    tenths = int(abs(value) * 10 + Fraction(1, 2))
    return f"{'-' if value < 0 and tenths else ''}{tenths // 10}.{tenths % 10}"


def figures(told: Told) -> list[Figure]:
    """Return all figures, in the order in which they are read."""
    return [
        *_taken_in(told),
        *_given_out(told),
        _put_to_use(told),
        *_days(told),
        _turns(told),
        _overdue(told),
        *_avoided(told),
        _searched(told),
        *_met(told),
        *_waited(told),
    ]


def _taken_in(told: Told) -> Iterator[Figure]:
    yield Figure(
        slug="taken_in",
        words=Words("入仓件数", "taken into the warehouse"),
        formula=Words(
            "期内“接收入仓”的卡片数；物理仓、虚拟仓都算",
            "cards received into the warehouse within the time, physical or virtual",
        ),
        measure="pieces",
        value=Fraction(len(told.taken_in)),
    )
    value: dict[str, int] = defaultdict(int)
    unknown = 0
    for _, card in told.taken_in:
        if card.value is None:
            unknown += 1
        else:
            value[card.currency] += card.value
    for currency, amount in sorted(value.items()):
        yield Figure(
            slug=f"taken_in_value_{currency}",
            words=Words("入仓资产原值", "original value taken in"),
            formula=Words(
                "上述卡片入仓当日账面原值之和", "sum of their original value on that day"
            ),
            measure="money",
            value=Fraction(amount),
            currency=currency,
            inputs=((Words("原值不明的卡片", "cards without a known value"), str(unknown)),),
        )


def _given_out(told: Told) -> Iterator[Figure]:
    ways = {
        "lent": (Words("借出", "lent"), len(told.loans)),
        "left": (Words("离开公物仓", "left the warehouse for good"), len(told.left)),
    }
    yield Figure(
        slug="given_out",
        words=Words("出仓件数", "given out of the warehouse"),
        formula=Words(
            "期内由公物仓借出的次数＋期内结束保管的卡片数",
            "loans out of the warehouse + cards whose keeping ended, within the time",
        ),
        measure="pieces",
        value=Fraction(sum(n for _, n in ways.values())),
        inputs=tuple((words, str(n)) for words, n in ways.values()),
    )


def _put_to_use(told: Told) -> Figure:
    whole, again = len(told.taken_in), len(told.reused)
    return Figure(
        slug="put_to_use",
        words=Words("盘活率", "put to use again"),
        formula=Words(
            "期内入仓、截至期末已调剂或借出的卡片 ÷ 期内入仓的卡片",
            "cards taken in within the time and reallocated or lent by its end ÷ cards taken in",
        ),
        measure="share",
        value=Fraction(again, whole) if whole else None,
        inputs=(
            (Words("已调剂或借出", "reallocated or lent"), str(again)),
            (Words("入仓", "taken in"), str(whole)),
        ),
    )


def _days(told: Told) -> Iterator[Figure]:
    left = [days(stay.since, stay.until) for stay in told.left]
    kept = [days(stay.since, told.asked.end) for stay in told.kept]
    yield Figure(
        slug="days_in_store",
        words=Words("在仓时长（已出仓）", "days in the warehouse, of what left"),
        formula=Words(
            "期内结束保管的卡片：入仓日至离开日天数的中位数",
            "median of the days from intake to leaving, of cards whose keeping ended",
        ),
        measure="days",
        value=Fraction(median(left)) if left else None,
        inputs=((Words("卡片", "cards"), str(len(left))),),
    )
    yield Figure(
        slug="days_waiting",
        words=Words("在仓时长（仍在仓）", "days in the warehouse so far, of what is there"),
        formula=Words(
            "期末仍由公物仓保管的卡片：入仓日至期末天数的中位数",
            "median of the days from intake to the last day, of cards still kept",
        ),
        measure="days",
        value=Fraction(median(kept)) if kept else None,
        inputs=((Words("卡片", "cards"), str(len(kept))),),
    )


def _turns(told: Told) -> Figure:
    whole = sum(_touching(stay, told) for stay in told.stays)
    return Figure(
        slug="turns",
        words=Words("周转次数", "turns"),
        formula=Words(
            "期内由公物仓借出次数 × 365 ÷ 保管的件天数（在仓和借出在外）",
            "loans out of the warehouse × 365 ÷ piece-days kept, in store or lent",
        ),
        measure="times",
        value=Fraction(len(told.loans) * 365, whole) if whole else None,
        inputs=(
            (Words("借出次数", "loans"), str(len(told.loans))),
            (Words("件天", "piece-days"), str(whole)),
        ),
    )


def _touching(stay: Stay, told: Told) -> int:
    since, until = max(stay.since, told.asked.start), min(stay.until, told.asked.end)
    return max(0, days(since, until))


def _overdue(told: Told) -> Figure:
    late = sum(count for _, _, count in told.overdue)
    return Figure(
        slug="overdue",
        words=Words("逾期未还", "overdue"),
        formula=Words(
            "期末借出未还且已过应还日期的件数 ÷ 期末借出未还的件数",
            "pieces out on loan past their due day on the last day ÷ pieces out on loan",
        ),
        measure="share",
        value=Fraction(late, told.out) if told.out else None,
        inputs=(
            (Words("逾期", "overdue"), str(late)),
            (Words("借出未还", "out on loan"), str(told.out)),
        ),
    )


def _avoided(told: Told) -> Iterator[Figure]:
    counted = [s for s in told.savings if s.excluded is None]
    left_out: list[Input] = [
        (Words(f"不计：{why.words.zh}", f"left out: {why.words.en}"), str(n))
        for why in Excluded
        if (n := sum(1 for s in told.savings if s.excluded is why))
    ]
    for currency in sorted({s.card.currency for s in counted}) or [""]:
        mine = [s for s in counted if s.card.currency == currency]
        by_source: list[Input] = [
            (source.words, f"{len(some)} · {plain(sum(s.price for s in some))}")
            for source in Source
            if (some := [s for s in mine if s.source is source])
        ]
        costs = sum(s.costs for s in mine)
        yield Figure(
            slug=f"avoided_{currency}" if currency else "avoided",
            words=Words("节约购置经费", "purchases avoided"),
            formula=Words(
                "期内调入已确认的每件：同类最近一次购置单价（没有的用账面原值），不超过配置标准"
                "价格上限，× 数量，－ 调入方税费 － 在仓修复费用；只计已办结的调剂，借用不计",
                "each piece whose arrival was confirmed: the last price paid for its class here,"
                " else its original cost, at most the standard's price cap, × quantity, − the"
                " taker's fees − refurbishing; completed reallocations only, no loans",
            ),
            measure="money",
            value=Fraction(sum(s.net for s in mine)) if mine else None,
            currency=currency,
            inputs=(
                (Words("计入件数", "pieces counted"), str(len(mine))),
                *by_source,
                (Words("扣除税费和修复费用", "less fees and refurbishing"), plain(costs)),
                *left_out,
            ),
        )


def _searched(told: Told) -> Figure:
    whole = len(told.purchases)
    before = sum(1 for p in told.purchases if p.searched)
    return Figure(
        slug="check_first",
        words=Words("“先查仓”执行率", "looked in the warehouse first"),
        formula=Words(
            "期内获准的购置中，批准前有调剂查询记录的 ÷ 期内获准的购置",
            "purchases authorised with a recorded search for reuse before ÷ purchases authorised",
        ),
        measure="share",
        value=Fraction(before, whole) if whole else None,
        inputs=(
            (Words("有查询记录", "with a search"), str(before)),
            (Words("获准购置", "authorised"), str(whole)),
        ),
    )


def _met(told: Told) -> Iterator[Figure]:
    counted = asked_for(told)
    whole = sum(1 for want in counted if want.met)
    part = sum(1 for want in counted if not want.met and want.came != "0")
    lapsed = sum(1 for want in counted if want.status == DemandStatus.LAPSED)
    inputs: tuple[Input, ...] = (
        (Words("全部满足", "met"), str(whole)),
        (Words("部分满足", "met in part"), str(part)),
        (Words("一件未得", "nothing came yet"), str(len(counted) - whole - part)),
        (Words("其中已过期", "of all these lapsed"), str(lapsed)),
        (Words("需求", "wants"), str(len(counted))),
        (Words("不计：已撤回", "left out: withdrawn"), str(len(told.wants) - len(counted))),
    )
    for slug, words, formula, many in (
        (
            "demand_met",
            Words("需求满足率（全部）", "wants met"),
            Words(
                "期内发布、截至期末全部数量已调入的需求 ÷ 期内发布的需求；已撤回的不计",
                "wants published within the time of which all came by its end ÷ wants published;"
                " withdrawn ones left out",
            ),
            whole,
        ),
        (
            "demand_met_some",
            Words("需求满足率（含部分）", "wants met, in whole or in part"),
            Words(
                "期内发布、截至期末至少调入一件的需求 ÷ 期内发布的需求；已撤回的不计",
                "wants published within the time of which something came by its end ÷ wants"
                " published; withdrawn ones left out",
            ),
            whole + part,
        ),
    ):
        yield Figure(
            slug=slug,
            words=words,
            formula=formula,
            measure="share",
            value=Fraction(many, len(counted)) if counted else None,
            inputs=inputs,
        )


def _waited(told: Told) -> Iterator[Figure]:
    counted = asked_for(told)
    for slug, words, formula, ends in (
        (
            "days_to_offer",
            Words("匹配时长（至首次有物可调）", "time to match: first offer"),
            Words(
                "上述需求：发布日至首次推荐或首次为其办理调剂之日天数的中位数；尚无的不计",
                "of these wants: median of the days from publishing to the first thing that was"
                " found for it or claimed for it; those without are left out",
            ),
            [(want.on, want.offered) for want in counted],
        ),
        (
            "days_to_met",
            Words("匹配时长（至全部满足）", "time to match: all of it there"),
            Words(
                "上述需求：发布日至全部调入之日天数的中位数；尚未全部满足的不计",
                "of these wants: median of the days from publishing to the day all of it was"
                " there; those not met are left out",
            ),
            [(want.on, want.met) for want in counted],
        ),
    ):
        spans = [days(since, until) for since, until in ends if until]
        yield Figure(
            slug=slug,
            words=words,
            formula=formula,
            measure="days",
            value=Fraction(median(spans)) if spans else None,
            inputs=(
                (Words("计入的需求", "wants counted"), str(len(spans))),
                (Words("不计：尚无", "left out: not yet"), str(len(ends) - len(spans))),
            ),
        )


def asked_for(told: Told) -> list[Wanted]:
    """Return the wants that shares are taken of: who withdrew a want needs nothing any more."""
    return [want for want in told.wants if want.status != DemandStatus.WITHDRAWN]


def grouped(told: Told, by: str, region_of: Callable[[str], str]) -> list[Group]:
    """Return who or what contributed how much, the largest first, months in their order."""
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"n": defaultdict(int), "value": defaultdict(int), "saved": defaultdict(int)}
    )

    def key(p: Passage, card: Card) -> str:
        keys = {
            "unit": p.giver,
            "kind": card.kind,
            "class": card.class_code,
            "month": p.on[:7],
            "ground": p.ground,
            "region": region_of(p.giver) if by == "region" else "",
        }
        return keys[by]

    again = {id(p) for p, _ in told.reused}
    for p, card in told.taken_in:
        group = found[key(p, card)]
        group["n"]["taken_in"] += 1
        group["n"]["reused"] += id(p) in again
        if card.value is not None:
            group["value"][card.currency] += card.value
    for s in told.savings:
        if s.excluded is None:
            group = found[key(s.passage, s.card)]
            group["n"]["moved"] += 1
            group["saved"][s.card.currency] += s.net
    for want in asked_for(told) if by != "ground" else ():
        keys = {
            "unit": want.unit,
            "kind": want.kind,
            "class": want.class_code,
            "month": want.on[:7],
            "region": region_of(want.unit) if by == "region" else "",
        }
        counts = found[keys[by]]["n"]
        counts["wanted"] += 1
        counts["met"] += bool(want.met)
    groups = [
        Group(key=k, value=dict(g["value"]), saved=dict(g["saved"]), **g["n"])
        for k, g in found.items()
    ]
    if by == "month":
        return sorted(groups, key=lambda g: g.key)
    return sorted(groups, key=lambda g: (-g.taken_in - g.moved - g.wanted, g.key))


def days(since: str, until: str) -> int:
    """Return the days between two dates."""
    if until == FOREVER:
        raise ValueError("it has not ended")
    return (date.fromisoformat(until) - date.fromisoformat(since)).days


def plain(fen: int) -> str:
    """Return money as plain text with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


HEAD: Final = (
    Words("事项", "case"),
    Words("条目", "entry"),
    Words("业务日期", "date"),
    Words("资产", "asset"),
    Words("资产编号", "number"),
    Words("名称", "name"),
    Words("类别", "kind"),
    Words("分类代码", "class"),
    Words("数量", "quantity"),
    Words("调出单位", "from"),
    Words("调入单位", "to"),
    Words("币种", "currency"),
    Words("价格", "price"),
    Words("价格来源", "source of the price"),
    Words("依据", "rests on"),
    Words("扣除费用", "costs"),
    Words("节约", "avoided"),
    Words("不计原因", "left out because"),
)


def savings_table(
    savings: Sequence[Saving], lang: Lang, name_of: Callable[[str, str], str], amount: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield every exchange as a row to take home, counted or not."""
    yield tuple(in_language(words.zh, words.en, lang) for words in HEAD)

    def said(words: Words) -> str:
        return in_language(words.zh, words.en, lang)

    for s in savings:
        p, c = s.passage, s.card
        yield (
            p.case, str(p.position), p.on, p.asset, c.number, c.name, c.kind, c.class_code, s.count,
            name_of("unit", p.giver) if p.giver else "", name_of("unit", p.taker) if p.taker else "",
            c.currency, amount(s.price), said(s.source.words) if s.source else "", s.rests_on,
            amount(s.costs), amount(s.net), said(s.excluded.words) if s.excluded else "",
        )  # fmt: skip


WANTED_HEAD: Final = (
    Words("需求", "want"),
    Words("条目", "entry"),
    Words("发布日期", "published on"),
    Words("求购单位", "unit"),
    Words("名称", "name"),
    Words("类别", "kind"),
    Words("分类代码", "class"),
    Words("数量", "quantity"),
    Words("计量单位", "measure"),
    Words("需用日期", "needed by"),
    Words("状态", "status"),
    Words("已调入", "came"),
    Words("首次有物可调", "first offer"),
    Words("全部满足", "met on"),
    Words("天数（至首次有物可调）", "days to the first offer"),
    Words("天数（至全部满足）", "days until met"),
)


def wants_table(
    wants: Sequence[Wanted], lang: Lang, name_of: Callable[[str, str], str]
) -> Iterator[tuple[Any, ...]]:
    """Yield every want as a row to take home, withdrawn ones too."""
    yield tuple(in_language(words.zh, words.en, lang) for words in WANTED_HEAD)
    for w in wants:
        status = DemandStatus(w.status).words
        yield (
            w.case, str(w.position), w.on, name_of("unit", w.unit), w.item, w.kind, w.class_code,
            w.quantity, w.measure, w.needed_by, in_language(status.zh, status.en, lang), w.came,
            w.offered, w.met,
            str(days(w.on, w.offered)) if w.offered else "",
            str(days(w.on, w.met)) if w.met else "",
        )  # fmt: skip
