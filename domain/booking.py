"""How what happens to a card moves the books: opening + increases − decreases = closing (T15, T104).

A card is carried by one unit, in one class and currency, at a cost less what was written off.
Whatever changes one of these is a movement with a cause; runs of depreciation move what is
written off. Movements of all cards, in the order in which they were true, lead from any day to any
other, to the fen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from domain.asset import Asset, AssetRegistered, Book, Mode
from domain.asset import lifecycle as cards
from domain.decider import Event
from domain.depreciating import carried, stated
from domain.leaving import Derecognised, Form, LeftForGood
from domain.words import Term


class Cause(Term):
    """Why the books moved."""

    OPENING = "opening", "建账（此前已取得或方式未载明）", "entered, obtained before or unsaid how"
    PURCHASE = "purchase", "购置", "purchase"
    BUILT = "built", "建设", "built"
    DONATED_IN = "donated_in", "接受捐赠", "donation received"
    TRANSFERRED_IN = "transferred_in", "调入建卡", "transferred in"
    SURPLUS = "surplus", "盘盈", "found in a stocktake"
    TRANSFER = "transfer", "无偿调拨", "gratuitous transfer"
    REORGANISATION = "reorganisation", "机构变动移交", "reorganisation"
    EXCHANGE = "exchange", "置换", "exchange"
    ADDITION = "addition", "改建、扩建", "addition to cost"
    SETTLED = "settled", "暂估转实际", "provisional value settled"
    REVALUED = "revalued", "价值更正", "value corrected"
    DEPRECIATION = "depreciation", "计提折旧", "depreciation"
    STATED = "stated", "登记账面折旧", "depreciation stated"
    RESTATED = "restated", "补记更正折旧", "depreciation restated"
    SHARED_OUT = "shared_out", "卡片拆分合并", "cards split or merged"
    RECLASSIFIED = "reclassified", "类别调整", "reclassified"
    SALE = "sale", "转让", "sale"
    AUCTION = "auction", "拍卖", "auction"
    ASSIGNED = "assigned", "无偿划转", "assigned without payment"
    DONATED = "donated", "对外捐赠", "donation given"
    SCRAPPED = "scrapped", "报废", "scrapping"
    TAKEN_BACK = "taken_back", "厂家回收", "manufacturer take-back"
    LOST = "lost", "损失核销", "loss written off"
    UNEXPLAINED = "unexplained", "自登记册消失，原因未载明", "left the register, cause not stated"
    OTHER = "other", "其他", "other"


BY_MODE: Mapping[Mode, Cause] = {
    Mode.PURCHASE: Cause.PURCHASE,
    Mode.TRANSFER: Cause.TRANSFERRED_IN,
    Mode.DONATION: Cause.DONATED_IN,
    Mode.EXCHANGE: Cause.EXCHANGE,
    Mode.BUILT: Cause.BUILT,
    Mode.SURPLUS: Cause.SURPLUS,
    Mode.UNKNOWN: Cause.OPENING,
}
BY_FORM: Mapping[Form, Cause] = {
    Form.ASSIGNMENT: Cause.ASSIGNED,
    Form.DONATION: Cause.DONATED,
    Form.SALE: Cause.SALE,
    Form.AUCTION: Cause.AUCTION,
    Form.EXCHANGE: Cause.EXCHANGE,
    Form.SCRAP: Cause.SCRAPPED,
    Form.WRITE_OFF: Cause.LOST,
    Form.TAKE_BACK: Cause.TAKEN_BACK,
}
BY_FACT: Mapping[str, Cause] = {
    "asset.booked_in_exchange": Cause.EXCHANGE,
    "asset.books_moved": Cause.TRANSFER,
    "asset.received_into_warehouse": Cause.TRANSFER,
    "asset.handed_over_in_reorganisation": Cause.REORGANISATION,
    "asset.cost_added": Cause.ADDITION,
    "asset.value_settled": Cause.SETTLED,
    "asset.value_corrected": Cause.REVALUED,
    "asset.depreciation_stated": Cause.STATED,
    "asset.card_split": Cause.SHARED_OUT,
    "asset.card_split_off": Cause.SHARED_OUT,
    "asset.cards_merged": Cause.SHARED_OUT,
    "asset.card_merged_into": Cause.SHARED_OUT,
    "asset.card_corrected": Cause.RECLASSIFIED,
    "asset.card_reclassified": Cause.RECLASSIFIED,
    "asset.converted": Cause.RECLASSIFIED,
    "asset.left_book": Cause.UNEXPLAINED,
}
ANEW = frozenset({"asset.booked_in_exchange", "asset.card_split_off"})
"""What begins a card's depreciation anew, whatever was written off before."""


class Stood(msgspec.Struct, frozen=True, gc=False):
    """Where the books carry a card, and at what; amounts in fen or cents."""

    unit: str
    kind: str
    currency: str
    cost: int
    worn: int
    case: str = ""  # the disposal it waits for, while it is pending disposal


class Leg(msgspec.Struct, frozen=True, gc=False):
    """What one fact adds to the books of a unit; a run of depreciation is one leg for each class.

    `count` is cards, `cost` and `worn` fen or cents; below zero they leave. `position` is of the
    entry, `on` the day from which it counts; `asset` is empty of a run.
    """

    on: str
    position: int
    asset: str
    cause: Cause
    unit: str
    kind: str
    currency: str
    count: int
    cost: int
    worn: int

    @property
    def net(self) -> int:
        """Return what it adds to the book value."""
        return self.cost - self.worn


class Told:
    """One card while its facts are told in order; `form` is how it left, once it did."""

    __slots__ = ("asset", "form")

    def __init__(self) -> None:
        self.asset = Asset()
        self.form: Form | None = None

    def tell(self, event: Event, on: str) -> tuple[Cause, int | None]:
        """Take in a fact of a day; return its cause, and what is written off where it says anew."""
        before = self.asset
        after: Asset = cards.evolve(before, event)
        self.asset = after
        if isinstance(event, LeftForGood):
            self.form = event.form
        anew = event.type_name in ANEW or stated(after) != stated(before)
        return self._cause(event, before, on), (after.accumulated or 0) if anew else None

    def _cause(self, event: Event, before: Asset, on: str) -> Cause:
        if isinstance(event, AssetRegistered):
            # What nobody received here and was obtained in an earlier year, was there before.
            earlier = (self.asset.acquired_year or 9999) < int(on[:4])
            if before.book is Book.NONE and earlier and self.asset.mode is not Mode.SURPLUS:
                return Cause.OPENING
            return BY_MODE[self.asset.mode]
        if isinstance(event, Derecognised):
            return Cause.OTHER if self.form is None else BY_FORM[self.form]
        return BY_FACT.get(event.type_name, Cause.OTHER)


def stood(asset: Asset, worn: int) -> Stood | None:
    """Return where the books carry a card; None where they do not, or not any more."""
    if not carried(asset):
        return None
    case = asset.case if asset.book is Book.TO_DISPOSE else ""
    return Stood(
        asset.accounting_unit, asset.kind.value, asset.currency, asset.value or 0, worn, case
    )  # fmt: skip


def moved(
    was: Stood | None, now: Stood | None, cause: Cause, on: str, position: int, asset: str
) -> Iterator[Leg]:
    """Yield what one fact adds to the books on either side; nothing where nothing moved."""
    if was == now:
        return
    same = was and now and (was.unit, was.kind, was.currency) == (now.unit, now.kind, now.currency)
    if was is not None and now is not None and same:
        if (was.cost, was.worn) == (now.cost, now.worn):
            return
        yield Leg(
            on, position, asset, cause, now.unit, now.kind, now.currency,
            0, now.cost - was.cost, now.worn - was.worn,
        )  # fmt: skip
        return
    if was is not None:
        yield Leg(
            on, position, asset, cause, was.unit, was.kind, was.currency, -1, -was.cost, -was.worn
        )
    if now is not None:
        yield Leg(
            on, position, asset, cause, now.unit, now.kind, now.currency, 1, now.cost, now.worn
        )


# What movements come to -------------------------------------------------------------


class Sum(msgspec.Struct, frozen=True):
    """So many cards, their cost, what is written off, and what is left; fen or cents."""

    count: int = 0
    cost: int = 0
    worn: int = 0
    net: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.count + other.count,
            self.cost + other.cost,
            self.worn + other.worn,
            self.net + other.net,
        )

    def __neg__(self) -> Sum:
        return Sum(-self.count, -self.cost, -self.worn, -self.net)


NOTHING = Sum()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The movement of a unit's property of one class and currency, figure by figure.

    opening + up − down = closing of each figure; `up` and `down` are by cause.
    """

    unit: str
    kind: str
    currency: str
    opening: Sum
    closing: Sum
    up: dict[str, Sum] = {}
    down: dict[str, Sum] = {}

    @property
    def increases(self) -> Sum:
        """Return everything that was added, whatever the cause."""
        return sum(self.up.values(), NOTHING)

    @property
    def decreases(self) -> Sum:
        """Return everything that was taken off, whatever the cause."""
        return sum(self.down.values(), NOTHING)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return the causes there were, in the order of their list."""
        return tuple(cause for cause in Cause if cause in self.up or cause in self.down)


def balance(stood_: Stood) -> Sum:
    """Return one card as a sum."""
    return Sum(1, stood_.cost, stood_.worn, stood_.cost - stood_.worn)


def parted(leg: Leg) -> tuple[Sum, Sum]:
    """Return what a leg adds and what it takes off; each figure is on one side of it."""
    figures = (leg.count, leg.cost, leg.worn, leg.net)
    return Sum(*(max(0, n) for n in figures)), Sum(*(max(0, -n) for n in figures))


def rows(opening: Iterable[Stood], legs: Iterable[Leg], closing: Iterable[Stood]) -> list[Row]:
    """Return the table of movements: every class of every unit, with what moved it."""
    first: defaultdict[tuple[str, str, str], Sum] = defaultdict(Sum)
    last: defaultdict[tuple[str, str, str], Sum] = defaultdict(Sum)
    up: defaultdict[tuple[str, str, str], dict[str, Sum]] = defaultdict(dict)
    down: defaultdict[tuple[str, str, str], dict[str, Sum]] = defaultdict(dict)
    for one in opening:
        first[one.unit, one.kind, one.currency] += balance(one)
    for one in closing:
        last[one.unit, one.kind, one.currency] += balance(one)
    for leg in legs:
        key = (leg.unit, leg.kind, leg.currency)
        for side, part in zip((up, down), parted(leg), strict=True):
            if part != NOTHING:
                side[key][leg.cause] = side[key].get(leg.cause, NOTHING) + part
    return [
        Row(
            unit=unit, kind=kind, currency=currency, opening=first[unit, kind, currency],
            closing=last[unit, kind, currency], up=up.get((unit, kind, currency), {}),
            down=down.get((unit, kind, currency), {}),
        )
        for unit, kind, currency in sorted({*first, *last, *up, *down})
    ]  # fmt: skip


def summed(lines: Iterable[Row]) -> list[Row]:
    """Return the rows of all units and classes together, for each currency."""
    found: dict[str, Row] = {}
    for row in lines:
        was = found.get(row.currency)
        if was is None:
            was = Row(unit="", kind="", currency=row.currency, opening=NOTHING, closing=NOTHING)
        found[row.currency] = Row(
            unit="",
            kind="",
            currency=row.currency,
            opening=was.opening + row.opening,
            closing=was.closing + row.closing,
            up=together(was.up, row.up),
            down=together(was.down, row.down),
        )
    return [found[currency] for currency in sorted(found)]


def together(one: Mapping[str, Sum], other: Mapping[str, Sum]) -> dict[str, Sum]:
    """Return two sets of sums by cause as one."""
    return {
        cause: one.get(cause, NOTHING) + other.get(cause, NOTHING)
        for cause in (*one, *(cause for cause in other if cause not in one))
    }
