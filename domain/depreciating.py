"""What is left of the value of things: straight line, in whole fen, month by month (DOMAIN.md #12, s.5).

A unit adopts a dated table of lives (`depreciation/UNIT`), a card may have a life of its own, and
once a month everything on the unit's books is depreciated in one entry that names its lines by
hash. What is left to write off is spread over the months that are left: whatever happens to cost
or life counts from that month on, and nothing booked before is told anew. A thing counts from the
month in which it was obtained; in the month in which it leaves, no more (财会〔2017〕4号).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain import kinds
from domain.asset import ON_BOOKS, STILL_OURS, Asset, Book, Kind, ValueType
from domain.asset import lifecycle as cards
from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.period import own_books
from domain.splitting import AMOUNT_LIMIT, WITHIN_COST
from domain.values import PRINTABLE, Code, Fen, Given, Reference, SignedFen, Text, Written, yuan
from domain.words import Role, Term, Words

LIVES_MAX = 200
MONTHS_MAX = 1_200
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$(?!\n)"
Month: TypeAlias = Annotated[str, Written(pattern=MONTH)]
Months: TypeAlias = Annotated[int, Meta(ge=1, le=MONTHS_MAX)]
Permille: TypeAlias = Annotated[int, Meta(ge=0, le=999)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
Rows: TypeAlias = Annotated[
    str, Written(min_length=1, max_length=20_000, pattern=PRINTABLE, extra={"long": True})
]
BOOKKEEPERS = (Role.ACCOUNTANT, Role.FINANCE)


def month_of(day: date | str) -> int:
    """Return a day or `YYYY-MM` as a count of months, so that months can be subtracted."""
    year, month = str(day).split("-")[:2]
    return int(year) * 12 + int(month) - 1


def month_name(month: int) -> str:
    """Return a count of months as `YYYY-MM`."""
    return f"{month // 12:04}-{month % 12 + 1:02}"


def month_end(month: int) -> date:
    """Return the last day of a month."""
    return date.fromordinal(date((month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal() - 1)


# How much is written off ------------------------------------------------------


def written_off(rest: int, left: int, months: int) -> int:
    """Return what `months` of the `left` months take of the rest, in fen.

    Every month takes its share of what is left, rounded down; the fen that do not divide fall to
    the last months, one each, so that all months together take the rest exactly.
    """
    assert rest >= 0
    if months >= left:
        return rest
    each, over = divmod(rest, left)
    return each * months + max(0, months - (left - over))


class Obstacle(Term):
    """Why the value of a card is not written off in a month, and what is to be done."""

    NO_VALUE = "no_value", "未载明原值", "no cost is stated"
    NO_DATE = "no_date", "未载明取得日期", "no date of acquisition is stated"
    NO_LIFE = (
        "no_life",
        "折旧年限表没有此类资产的年限",
        "the table of lives says nothing of its class",
    )
    BEYOND_COST = (
        "beyond_cost",
        "累计折旧与净残值之和超过原值",
        "depreciation and residual value exceed the cost",
    )
    LIFE_OVER = "life_over", "年限已满，仍有应计提余额", "its life is over, and something is left"
    NOT_SHARED = (
        "not_shared",
        "拆分或合并时未分摊累计折旧",
        "it was split or merged without sharing its depreciation",
    )


OBSTACLES = {obstacle.value: obstacle for obstacle in Obstacle}
REMEDIES: dict[Obstacle, Words] = {
    Obstacle.NO_VALUE: Words("由财务更正价值", "finance corrects the value"),
    Obstacle.NO_DATE: Words("确定本卡折旧年限并写明起始月份", "plan its depreciation, naming the first month"),
    Obstacle.NO_LIFE: Words(
        "在折旧年限表中补充该类资产，或确定本卡折旧年限",
        "add the class to the table of lives, or plan the card's depreciation",
    ),
    Obstacle.BEYOND_COST: Words("核对原值与累计折旧并更正", "check cost and depreciation, and correct"),
    Obstacle.LIFE_OVER: Words("重新确定本卡折旧年限", "plan the card's depreciation anew"),
    Obstacle.NOT_SHARED: Words("登记账面折旧", "state the depreciation of the card"),
}  # fmt: skip


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """How long things of a kind or class are written off; the longest code that fits decides."""

    months: Months
    kind: str = ""
    scheme: str = ""
    prefix: str = ""
    residual: Permille = 0  # of the cost, that is left at the end


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one card is written off by: amounts in fen, months counted; `first` is its first month."""

    cost: int
    residual: int
    first: int
    months: int

    @property
    def end(self) -> int:
        """Return the last month of its life."""
        return self.first + self.months - 1


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One card in a month's run: the row of the subsidiary ledger, kept as evidence.

    `before` is what it came with, `charge` what this month wrote off (months that were missed
    included), both in fen; `through` is the last month written off, counted, -1 while none is.
    `stated` and `stated_until` are what the card itself said then, -1 for nothing: when that is
    told anew, it counts again. `marks` are its splits and merges.
    """

    asset: str
    kind: str
    currency: str
    cost: int
    residual: int
    before: int
    charge: int
    through: int
    stated: int
    stated_until: int
    marks: int
    obstacle: str = ""
    missed: int = 0  # months before this one, written off with it

    @property
    def accumulated(self) -> int:
        """Return what has been written off at the end of the month."""
        return self.before + self.charge


def life_of(asset: Asset, lives: Iterable[Life]) -> Life | None:
    """Return the life of a card's class: the longest code that fits, then its kind."""
    best: Life | None = None
    for life in lives:
        if life.kind and life.kind != asset.kind:
            continue
        if life.prefix and not (
            asset.class_code.startswith(life.prefix) and life.scheme in ("", asset.class_scheme)
        ):
            continue
        if best is None or (len(life.prefix), life.kind) > (len(best.prefix), best.kind):
            best = life
    return best


def plan_of(asset: Asset, lives: Iterable[Life]) -> Plan | Obstacle:
    """Return by what a card is written off, or why nobody can say."""
    if asset.value is None:
        return Obstacle.NO_VALUE
    first = asset.worn_from or asset.acquired
    if first is None:
        return Obstacle.NO_DATE
    life = life_of(asset, lives)
    months = asset.life_months or (life.months if life else 0)
    if not months:
        return Obstacle.NO_LIFE
    residual = asset.residual
    if residual is None:
        residual = asset.value * (life.residual if life else 0) // 1000
    return Plan(cost=asset.value, residual=residual, first=month_of(first), months=months)


def marks(asset: Asset) -> int:
    """Return how often amounts of a card were shared out or taken in."""
    return asset.split_off + asset.merged


def stated(asset: Asset) -> tuple[int, int]:
    """Return what a card itself says of its depreciation, and through which month; -1 for nothing."""
    until = month_of(asset.stated_until) if asset.stated_until else -1
    return (-1 if asset.accumulated is None else asset.accumulated), until


def wears(asset: Asset) -> bool:
    """Answer whether a card is written off at all: neither land nor a relic, nor worth a token."""
    return kinds.depreciates(asset.kind, asset.value_type)


def carried(asset: Asset) -> bool:
    """Answer whether a card is on the books: what is derecognised is out of them."""
    return asset.book in (Book.ON_BOOKS, Book.TO_DISPOSE)


def stands(
    asset: Asset, before: Line | None, origin: Line | None = None
) -> tuple[int, int] | Obstacle:
    """Return what has been written off of a card and through which month (-1: none is).

    The last run says so, unless the card has been told otherwise since. `origin` is the line of
    the card from which it was split off.
    """
    own, until = stated(asset)
    if before is None:
        if own < 0 and origin is not None and origin.accumulated:
            return Obstacle.NOT_SHARED
        return max(own, 0), until
    if (own, until) == (before.stated, before.stated_until):
        if own < 0 and before.accumulated and marks(asset) != before.marks:
            return Obstacle.NOT_SHARED
        return before.accumulated, before.through
    return max(own, 0), (until if until >= 0 else before.through)


def run(
    asset: Asset,
    lives: Sequence[Life],
    before: Line | None,
    month: int,
    id_: str,
    origin: Line | None = None,
) -> Line:
    """Write a card off for a month, and for those before it that were missed."""
    own, until = stated(asset)
    standing = stands(asset, before, origin)
    so_far, through = standing if isinstance(standing, tuple) else (
        (before.accumulated, before.through) if before else (0, -1)
    )  # fmt: skip
    if own >= 0 and through < 0:
        through = month - 1  # stated without a day: it was up to date when it came
    line = Line(
        id_, asset.kind.value, asset.currency, asset.value or 0, asset.residual or 0, so_far, 0,
        through, own, until, marks(asset),
    )  # fmt: skip
    if isinstance(standing, Obstacle) and wears(asset):
        return replace(line, obstacle=standing.value)
    if not wears(asset) or asset.book is not Book.ON_BOOKS:
        return line
    plan = plan_of(asset, lives)
    if isinstance(plan, Obstacle):
        return replace(line, obstacle=plan.value)
    charge = taken(plan, so_far, through, month)
    if isinstance(charge, Obstacle):
        return replace(line, residual=plan.residual, obstacle=charge.value)
    last = max(through, plan.first - 1)
    missed = max(0, min(month, plan.end) - last - 1) if charge else 0
    return replace(
        line, residual=plan.residual, charge=charge, through=max(last, month), missed=missed
    )


def taken(plan: Plan, so_far: int, through: int, month: int) -> int | Obstacle:
    """Return what is written off from the month after `through` up to a month."""
    rest = plan.cost - plan.residual - so_far
    last = max(through, plan.first - 1)
    if rest < 0:
        return Obstacle.BEYOND_COST
    if not rest or month <= last:
        return 0
    left = plan.end - last
    if left <= 0:
        return Obstacle.LIFE_OVER
    return written_off(rest, left, month - last)


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """One class of a unit in a month: what the general ledger says; cost and amounts in fen.

    opening + came + restated - gone + charge = closing, of the accumulated depreciation.
    """

    kind: str
    currency: str
    cards: Count
    cost: Fen
    opening: Fen
    came: Fen
    restated: SignedFen
    gone: Fen
    charge: Fen
    closing: Fen


def totals(lines: Iterable[Line], before: Iterable[Line]) -> tuple[Total, ...]:
    """Return what the lines of a month come to by class, with what moved since the month before."""
    earlier = {line.asset: line for line in before}
    sums: dict[tuple[str, str], dict[str, int]] = {}

    def add(key: tuple[str, str], **amounts: int) -> None:
        into = sums.setdefault(key, dict.fromkeys(FIGURES, 0))
        for name, amount in amounts.items():
            into[name] += amount

    for line in earlier.values():
        add((line.kind, line.currency), opening=line.accumulated)
    for line in lines:
        key = (line.kind, line.currency)
        was = earlier.pop(line.asset, None)
        add(key, cards=1, cost=line.cost, charge=line.charge, closing=line.accumulated)
        if was is not None and (was.kind, was.currency) == key:
            add(key, restated=line.before - was.accumulated)
            continue
        add(key, came=line.before)
        if was is not None:
            add((was.kind, was.currency), gone=was.accumulated)
    for line in earlier.values():
        add((line.kind, line.currency), gone=line.accumulated)
    return tuple(
        Total(kind=kind, currency=currency, **sums[kind, currency])
        for kind, currency in sorted(sums)
    )


FIGURES = ("cards", "cost", "opening", "came", "restated", "gone", "charge", "closing")


# A unit's books ---------------------------------------------------------------


class Wear(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The table of lives of a unit, and how far its property is written off."""

    title: str = ""
    source: str = ""
    proofread: bool = False
    lives: tuple[Life, ...] = ()
    month: str = ""  # the last that was posted
    sha256: str = ""  # of its lines
    totals: tuple[Total, ...] = ()

    def describe(self, lang: Lang) -> str:
        """Say how far the books are written off."""
        if lang == "zh":
            table = f"折旧年限按《{self.title}》" if self.title else "尚未采用折旧年限表"
            return table + (f"，已计提至{self.month}" if self.month else "，尚未计提")
        table = f"Lives by {self.title}" if self.title else "No table of lives was adopted"
        return table + (f"; posted through {self.month}" if self.month else "; nothing is posted")


lifecycle: Lifecycle[Wear] = Lifecycle("depreciation", Wear, Words("固定资产折旧", "Depreciation"))


class RunSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A month's lines as the books stand, kept as evidence under its hash; nobody types it."""

    stream: str
    month: str
    position: int
    before: str  # the lines it goes on from
    cards: int
    charged: int
    faults: int
    sha256: str
    totals: tuple[Total, ...]
    closed: date | None = None  # the last day that the unit's books are closed


# What happened ----------------------------------------------------------------


class LivesAdopted(
    Event,
    name="depreciation.lives_adopted",
    zh="采用折旧年限表《{title}》，来源：{source}",
    en="Table of lives adopted: {title}, from {source}",
):
    """#12 The unit says how long its property is written off; `proofread` against the original."""

    title: Reference
    source: Text
    lives: tuple[Life, ...]
    proofread: bool = False


class DepreciationPosted(
    Event,
    name="depreciation.posted",
    zh="计提{month}折旧：{cards}张卡片，计提{charged}张，未能计提{faults}张（摘要{sha256}）",
    en="Depreciation of {month} posted: {cards} cards, {charged} written off, {faults} could not be"
    " (digest {sha256})",
):
    """#12 A month of a unit was written off; the lines are kept under the hash."""

    month: Month
    position: int
    follows: Code
    cards: Count
    charged: Count
    faults: Count
    sha256: Code
    totals: tuple[Total, ...]
    voucher: Code = ""


class DepreciationPlanned(
    Event,
    name="asset.depreciation_planned",
    zh="确定本卡折旧年限{months}个月，自{worn_from}起：{reason}",
    en="Written off over {months} months from {worn_from}: {reason}",
):
    """#12 The card has a life of its own; `worn_from` None is the month in which it was obtained."""

    months: Months
    reason: Text
    worn_from: date | None = None
    residual: Fen | None = None


class CostAdded(
    Event,
    name="asset.cost_added",
    zh="改建、扩建等增加原值{amount}，凭证{voucher}：{reason}",
    en="Cost raised by {amount} for rebuilding or extending, voucher {voucher}: {reason}",
):
    """#10 What was spent on it later belongs to its cost; `months` is its whole life from now on."""

    amount: Fen
    voucher: Code
    reason: Text
    months: Months | None = None


class ValueSettled(
    Event,
    name="asset.value_settled",
    zh="暂估价值调整为实际成本{value}，凭证{voucher}：{reason}",
    en="Provisional value settled at the actual cost of {value}, voucher {voucher}: {reason}",
):
    """#10 The final accounts are there; what was written off until then stays as it was booked."""

    value: Fen
    voucher: Code
    reason: Text


WearEvent: TypeAlias = LivesAdopted | DepreciationPosted
CardWearEvent: TypeAlias = DepreciationPlanned | CostAdded | ValueSettled

# Where that leaves us ---------------------------------------------------------


def evolve(wear: Wear, event: WearEvent) -> Wear:
    """What an event means. Never refuses: it already happened."""
    match event:
        case LivesAdopted():
            return replace(
                wear,
                title=event.title,
                source=event.source,
                proofread=event.proofread,
                lives=event.lives,
            )
        case DepreciationPosted():
            return replace(
                wear, month=event.month, sha256=event.sha256, totals=event.totals
            )  # fmt: skip
        case _:
            assert_never(event)


def evolve_card(asset: Asset, event: CardWearEvent) -> Asset:
    """What it means for the card."""
    match event:
        case DepreciationPlanned():
            return replace(
                asset,
                life_months=event.months,
                worn_from=event.worn_from or asset.worn_from,
                residual=asset.residual if event.residual is None else event.residual,
            )
        case CostAdded(amount=amount, months=months):
            return replace(
                asset,
                value=None if asset.value is None else asset.value + amount,
                life_months=months or asset.life_months,
            )
        case ValueSettled(value=value):
            return replace(asset, value=value, value_type=ValueType.COST)
        case _:
            assert_never(event)


lifecycle.part(WearEvent, evolve)
cards.part(CardWearEvent, evolve_card)

# What may be asked ------------------------------------------------------------

OWN_BOOKS = Rule(
    slug="depreciation-of-another-unit",
    zh="只能办理本单位的折旧；财政部门可以代为办理。",
    en="A unit writes off its own property; only the finance department does it for others.",
    holds=own_books,
)
LIVES_KNOWN = Rule(
    slug="no-lives-adopted",
    zh="本单位尚未采用折旧年限表。",
    en="The unit has adopted no table of lives.",
    holds=lambda wear, _: bool(wear.lives),
)
LIVES_READ = Rule(
    slug="lives-unreadable",
    zh="折旧年限表第 {row} 行读不懂：{text}。每行：类别，代码版本，代码前缀，年限（年），净残值率（‰）；"
    "类别与代码前缀至少填一项。",
    en="Row {row} of the table of lives cannot be read: {text}. Each row: kind, version of the code,"
    " beginning of the code, years, residual value in per mille; name a kind or a code.",
)
MONTH_OVER = Rule(
    slug="depreciation-month-not-over",
    zh="{month} 晚于业务日期 {on} 所在的月份。",
    en="{month} is after the month of the business date {on}.",
)
POSTED_ALREADY = Rule(
    slug="depreciation-posted-already",
    zh="已计提至 {last}，{month} 不能再计提；漏提、更正都在以后月份计提时补上。",
    en="Depreciation is posted through {last}, so {month} is not posted again; what was missed or"
    " corrected is made good in the next month.",
)
MONTH_OPEN = Rule(
    slug="depreciation-month-closed",
    zh="{month} 已结账（至 {closed}），折旧记入下一个未结账的月份。",
    en="The books of {month} are closed (until {closed}); it goes to the next month that is open.",
)
WORKED_OUT = Rule(
    slug="depreciation-not-worked-out",
    zh="折旧由系统按账面逐卡计算，不能填报；请在本系统的页面、接口或命令行办理。",
    en="The system works depreciation out card by card; it cannot be typed. Ask through this"
    " system's pages, interface or command line.",
)
PROVISIONAL = Rule(
    slug="value-not-provisional",
    zh="只有暂估价值才调整为实际成本。",
    en="Only a provisional value is settled at the actual cost.",
    holds=lambda asset, _: asset.value_type is ValueType.ESTIMATE,
)
COST_STATED = Rule(
    slug="no-cost-to-add-to",
    zh="卡片未载明原值，或增加后超出账本可以准确记录的范围。",
    en="The card states no cost to add to, or the sum is beyond what the ledger records exactly.",
)
NOT_BELOW = Rule(
    slug="value-below-depreciation",
    zh="价值 {value} 元低于已登记的累计折旧与净残值之和 {least} 元。",
    en="{value} yuan is below the depreciation and residual value on the card, {least} yuan.",
)


def read_lives(text: str) -> tuple[Life, ...]:
    """Read a table of lives as people write it; raise Refused at the first row that is none."""
    found: list[Life] = []
    names = {kind.words.zh: kind.value for kind in Kind} | {kind.value: kind.value for kind in Kind}
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in re.split(r"[,，\t]", row)]
        cells += [""] * (5 - len(cells))
        kind, scheme, prefix, years, permille = cells[:5]
        fits = (not kind or kind in names) and (kind or prefix) and len(cells) == 5
        numbers = years.isdecimal() and 0 < int(years) <= MONTHS_MAX // 12
        numbers = numbers and (not permille or (permille.isdecimal() and int(permille) < 1000))
        if not (fits and numbers) or len(found) >= LIVES_MAX:
            raise LIVES_READ.broken(row=number, text=row.strip()[:80])
        found.append(
            Life(
                months=int(years) * 12,
                kind=names.get(kind, ""),
                scheme=scheme,
                prefix=prefix,
                residual=int(permille or 0),
            )
        )
    if not found:
        raise LIVES_READ.broken(row=1, text="")
    return tuple(found)


@lifecycle.verb(OWN_BOOKS, zh="采用折旧年限表", en="Adopt a table of lives", roles=BOOKKEEPERS)
def adopt_lives(
    _: Wear,
    __: Occasion,
    *,
    title: Reference,
    source: Given,
    lives: Rows,
    proofread: bool = False,
) -> LivesAdopted:
    """Say how many years property of each kind or class is written off, and where that is from.

    One row each: kind, version of the code, beginning of the code, years, residual value in per
    mille. It counts from the next month that is posted. `proofread` says that somebody compared it
    with the original.
    """
    return LivesAdopted(
        title=title, source=source, lives=read_lives(lives), proofread=proofread
    )  # fmt: skip


@lifecycle.verb(OWN_BOOKS, LIVES_KNOWN, zh="计提折旧", en="Post depreciation", roles=BOOKKEEPERS)
def post(wear: Wear, occasion: Occasion, *, month: Month, voucher: Code = "") -> DepreciationPosted:
    """Write off a month of everything on the unit's books; what cannot be is named with its reason."""
    if month_of(month) > month_of(occasion.on):
        raise MONTH_OVER.broken(month=month, on=occasion.on)
    if wear.month and month <= wear.month:
        raise POSTED_ALREADY.broken(last=wear.month, month=month)
    for seen in occasion.seen:
        if isinstance(seen, RunSeen) and (seen.stream, seen.month) == (occasion.stream, month):
            break
    else:
        raise WORKED_OUT.broken()
    if seen.closed is not None and month_end(month_of(month)) <= seen.closed:
        raise MONTH_OPEN.broken(month=month, closed=seen.closed)
    if seen.before != wear.sha256:
        raise WORKED_OUT.broken()
    return DepreciationPosted(
        month=month,
        position=seen.position,
        follows=seen.before,
        cards=seen.cards,
        charged=seen.charged,
        faults=seen.faults,
        sha256=seen.sha256,
        totals=seen.totals,
        voucher=voucher,
    )


@cards.verb(
    ON_BOOKS,
    kinds.DEPRECIABLE,
    zh="确定本卡折旧年限",
    en="Plan depreciation",
    roles=BOOKKEEPERS,
)
def plan_depreciation(
    asset: Asset,
    _: Occasion,
    *,
    months: Months,
    worn_from: date | None = None,
    residual: Fen | None = None,
    reason: Given,
) -> DepreciationPlanned:
    """Give the card a life of its own, in months from its first; what is booked already stays."""
    if asset.value is not None and (asset.accumulated or 0) + (residual or 0) > asset.value:
        raise WITHIN_COST.broken()
    return DepreciationPlanned(months=months, worn_from=worn_from, residual=residual, reason=reason)


@cards.verb(STILL_OURS, zh="增加原值", en="Add to the cost", roles=BOOKKEEPERS)
def add_cost(
    asset: Asset,
    _: Occasion,
    *,
    amount: Fen,
    voucher: Reference,
    months: Months | None = None,
    reason: Given,
) -> CostAdded:
    """Add what was spent on rebuilding or extending; `months` when its whole life changes with it."""
    if asset.value is None or asset.value + amount >= AMOUNT_LIMIT:
        raise COST_STATED.broken()
    return CostAdded(amount=amount, voucher=voucher, months=months, reason=reason)


@cards.verb(STILL_OURS, PROVISIONAL, zh="暂估转实际", en="Settle the value", roles=BOOKKEEPERS)
def settle_value(
    asset: Asset, _: Occasion, *, value: Fen, voucher: Reference, reason: Given
) -> ValueSettled:
    """Replace a provisional value by the actual cost; what is left is written off from this month."""
    least = (asset.accumulated or 0) + (asset.residual or 0)
    if value < least:
        raise NOT_BELOW.broken(value=yuan(value), least=yuan(least))
    return ValueSettled(value=value, voucher=voucher, reason=reason)


# Value on any day -------------------------------------------------------------


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What a card is worth on a day, in fen: what the books say, and what the plan comes to.

    `posted` is what was written off through `through` ("" when nothing is); `accumulated` is what
    is to be written off by the end of the month of that day.
    """

    cost: int | None
    currency: str
    posted: int
    through: str
    accumulated: int
    residual: int = 0
    ends: str = ""  # the last month of its life
    obstacle: Obstacle | None = None
    wears: bool = True

    @property
    def net(self) -> int | None:
        """Return what is left of the cost."""
        return None if self.cost is None else self.cost - self.accumulated


def worth(
    asset: Asset, lives: Sequence[Life], before: Line | None, on: date, id_: str = ""
) -> Worth:
    """Return what a card is worth at the end of a month, going on from a line of a run.

    The line is of that month or one before it; None where the card was in no run yet.
    """
    standing = stands(asset, before)
    told = isinstance(standing, tuple)
    posted, through = standing if isinstance(standing, tuple) else (0, -1)
    if not told and before is not None:
        posted, through = before.accumulated, before.through
    line = run(asset, lives, before, month_of(on), id_)
    plan = plan_of(asset, lives) if wears(asset) else None
    return Worth(
        cost=asset.value,
        currency=asset.currency,
        posted=posted,
        through=month_name(through) if through >= 0 else "",
        accumulated=line.accumulated,
        residual=line.residual,
        ends=month_name(plan.end) if isinstance(plan, Plan) else "",
        obstacle=OBSTACLES.get(line.obstacle),
        wears=wears(asset),
    )


# Whether the books agree ------------------------------------------------------


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """One place where the books do not agree: the row, the figure, and what each side says in fen."""

    what: Disagreement
    row: str
    figure: str
    here: int
    there: int


class Disagreement(Term):
    """Between which books."""

    CARD = "card", "卡片与明细账", "card and subsidiary ledger"
    MISSING = "missing", "卡片不在明细账", "card without a row"
    EXTRA = "extra", "明细账无此卡片", "row without a card"
    CHAIN = "chain", "明细账前后期", "row and the month before"
    LEDGER = "ledger", "明细账与总账", "subsidiary and general ledger"
    CARRIED = "carried", "总账前后期", "general ledger and the month before"
    ACCOUNT = "account", "明细账与总账科目", "subsidiary ledger and account"


def agreement(
    costs: Mapping[str, int],
    lines: Sequence[Line],
    before: Sequence[Line],
    posted: Sequence[Total],
    carried_over: Sequence[Total],
) -> list[Broken]:
    """Compare cards, subsidiary and general ledger of a month; return every row that disagrees (T104).

    `costs` are the cards of the inventory, `lines` the rows of the run and of the one `before`,
    `posted` the totals of the entry and `carried_over` those of the entry before.
    """
    found: list[Broken] = []

    def differ(what: Disagreement, row: str, figure: str, here: int, there: int) -> None:
        if here != there:
            found.append(Broken(what=what, row=row, figure=figure, here=here, there=there))

    left = dict(costs)
    earlier = {line.asset: line for line in before}
    for line in lines:
        cost = left.pop(line.asset, None)
        if cost is None:
            differ(Disagreement.EXTRA, line.asset, "cost", 0, line.cost or 1)
        else:
            differ(Disagreement.CARD, line.asset, "cost", cost, line.cost)
        was = earlier.get(line.asset)
        same = was is not None and (was.stated, was.stated_until) == (
            line.stated, line.stated_until,
        )  # fmt: skip
        if was is not None and same:
            differ(Disagreement.CHAIN, line.asset, "before", line.before, was.accumulated)
    for id_, cost in left.items():
        differ(Disagreement.MISSING, id_, "cost", cost or 1, 0)
    told = {(total.kind, total.currency): total for total in posted}
    summed = {(total.kind, total.currency): total for total in totals(lines, before)}
    was_told = {(total.kind, total.currency): total for total in carried_over}
    for key in sorted(told.keys() | summed.keys() | was_told.keys()):
        name = " ".join(key)
        there, here = told.get(key), summed.get(key)
        for figure in FIGURES:
            differ(
                Disagreement.LEDGER, name, figure,
                getattr(here, figure, 0), getattr(there, figure, 0),
            )  # fmt: skip
        closing = getattr(was_told.get(key), "closing", 0)
        differ(Disagreement.CARRIED, name, "opening", getattr(there, "opening", 0), closing)
    return found
