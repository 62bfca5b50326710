"""What using things again brought about: what came into the warehouse and left it, what was
reallocated, and which purchases that made unnecessary (DOMAIN.md g; T53).

Told from entries and from the intervals of the inventory, for any span of business dates, as known
at any position. Nothing is kept for it, so that a second reader of the log comes to the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import and_, select

from domain.acquiring import AcquisitionAuthorised, DeliveryCounted, Way
from domain.asset import Custody
from domain.decider import LIFECYCLES
from domain.exceeding import BeyondQuota, BeyondStandard
from domain.lending import LoanHandedOver, LoanItemReturned
from domain.oversight import EXECUTED
from domain.planning import Line, ReallocationSearched
from domain.reallocation import (
    AccountingTransferred,
    ConsignmentShipped,
    TransferInConfirmed,
    TransferOutConfirmed,
)
from domain.standards import Standard, binds
from domain.warehouse import IntakeApplied, IntakeItemReceived, Refurbished
from domain.words import Term
from ledger.book import Book
from ledger.entry import Entry, decode, standing
from projections.history import history
from projections.inventory import inventory
from projections.scope import Scope, among
from projections.store import ReadModels
from projections.temporal import FOREVER, NEVER
from projections.wants_met import Wanted, wanted

AT_ONCE: Final = 2_000  # cards whose life is read in one question
IN_STORE: Final = frozenset({Custody.WAREHOUSE.value, Custody.VIRTUAL.value})
KEPT: Final = IN_STORE | {Custody.WAREHOUSE_LENT.value}  # the warehouse answers for it


class Went(Term):
    """Where a piece went."""

    IN = "in", "入仓", "into the warehouse"
    MOVED = "moved", "调剂", "reallocated"
    LENT = "lent", "借出", "lent"
    BACK = "back", "归还", "returned"
    GONE = "gone", "处置", "disposed of"


class Source(Term):
    """Where the price of a purchase that was not made comes from."""

    BOUGHT = "bought", "本账最近一次同类购置单价", "the last price paid for one of its class here"
    CAP = "cap", "配置标准价格上限", "the price cap of the configuration standard"
    COST = "cost", "该资产账面原值", "the original cost of the thing itself"


class Excluded(Term):
    """Why an exchange counts for nothing."""

    ON_THE_WAY = "on_the_way", "已调出，尚未调入确认", "sent, arrival not confirmed"
    NOT_RECORDED = "not_recorded", "来源只记发运，未记调入", "its source tells no arrival"
    BEYOND = (
        "beyond",
        "调入单位超标准、超编制，本不得购置",
        "the taker was beyond its standard or quota",
    )
    GIVEN_UP = "given_up", "期内又从调入单位退出", "the taker gave it up again within the time"
    NO_PRICE = "no_price", "没有可用的价格", "no price is known"


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One piece that went somewhere: the entry that says so, and the case it belongs to."""

    went: Went
    case: str
    position: int
    on: str
    asset: str
    giver: str = ""
    taker: str = ""
    ground: str = ""
    dataset: str = ""
    beyond: bool = False


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a card said on a day; `value` is of all that is on it, in fen or cents."""

    number: str = ""
    name: str = ""
    kind: str = ""
    class_code: str = ""
    value: int | None = None
    currency: str = "CNY"
    quantity: str = "1"


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """How long one piece was in the warehouse's hands; `until` is FOREVER while it still is.

    `lent` are the days it was out on loan meanwhile, from and until.
    """

    asset: str
    since: str
    until: str
    then: str = ""  # who had it next, on the way left out
    lent: tuple[tuple[str, str], ...] = ()


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """What one completed exchange made unnecessary to buy, or why it counts for nothing.

    `price` is in fen or cents for all that is on the card, `costs` what was paid to put it to use.
    """

    passage: Passage
    card: Card
    price: int = 0
    source: Source | None = None
    rests_on: str = ""  # the stream that tells the price
    costs: int = 0
    excluded: Excluded | None = None
    count: str = "1"

    @property
    def net(self) -> int:
        return 0 if self.excluded else self.price - self.costs


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase that was authorised, and the entry by which reuse was looked for before."""

    case: str
    on: str
    unit: str
    dataset: str
    position: int
    searched: int = 0
    kind: str = ""
    class_code: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are asked about, as known at a position, and which part of it."""

    start: str
    end: str
    known: int | None = None
    unit: str = ""
    region: str = ""
    kind: str = ""
    class_code: str = ""  # or the beginning of one
    dataset: str = ""

    def sort(self, kind: str, class_code: str) -> bool:
        """Answer whether things of a kind and class are asked about."""
        return (not self.kind or kind == self.kind) and class_code.startswith(self.class_code)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All that the figures are worked out of, in the order of the log."""

    asked: Asked
    taken_in: tuple[tuple[Passage, Card], ...]
    reused: tuple[tuple[Passage, Card], ...]  # of those taken in, by the end of the span
    left: tuple[Stay, ...]  # stays that ended within the span
    kept: tuple[Stay, ...]  # stays that had not ended
    stays: tuple[Stay, ...]  # all that touch the span
    loans: tuple[Passage, ...]  # given out of the warehouse within the span
    out: int  # pieces out on loan at the end
    overdue: tuple[tuple[str, str, int], ...]  # case, due day, pieces still out
    savings: tuple[Saving, ...]
    purchases: tuple[Purchase, ...]
    wants: tuple[Wanted, ...] = ()  # published within the span, as they stood at its end


def told(book: Book, models: ReadModels, scope: Scope, asked: Asked) -> Told:
    """Read what happened within a span of business dates, as known at a position."""
    upto = book.log.head()[0] if asked.known is None else asked.known
    found = _Found(book, upto)
    lives = _Lives(models, asked.known)
    regions = _Regions(book)

    def mine(*units: str, dataset: str = "") -> bool:
        return (
            (scope.units is None or not scope.units.isdisjoint(units))
            and (not asked.unit or asked.unit in units)
            and (not asked.dataset or dataset == asked.dataset)
            and (not asked.region or any(regions.of(u).startswith(asked.region) for u in units))
        )

    passages = [p for p in found.passages if mine(p.giver, p.taker, dataset=p.dataset)]
    lives.read({p.asset for p in passages if p.went in (Went.IN, Went.MOVED, Went.LENT)})

    def card(passage: Passage) -> Card:
        return lives.card(passage.asset, passage.on)

    if asked.kind or asked.class_code:
        passages = [p for p in passages if asked.sort((c := card(p)).kind, c.class_code)]
    within = [p for p in passages if asked.start <= p.on <= asked.end]
    taken_in = tuple((p, card(p)) for p in within if p.went is Went.IN)
    again: dict[str, list[Passage]] = defaultdict(list)
    for p in passages:
        if p.went in (Went.MOVED, Went.LENT) and p.on <= asked.end:
            again[p.asset].append(p)
    reused = tuple(
        (p, c)
        for p, c in taken_in
        if any((q.on, q.position) > (p.on, p.position) for q in again[p.asset])
    )
    came_in = {p.asset for p in passages if p.went is Went.IN}
    stays = tuple(
        stay
        for asset in sorted(came_in)
        for stay in lives.stays(asset)
        if stay.since <= asked.end and stay.until >= asked.start
    )
    held = {(stay.asset, since) for stay in stays for since, _ in stay.lent}
    return Told(
        asked=asked,
        taken_in=taken_in,
        reused=reused,
        left=tuple(s for s in stays if asked.start <= s.until <= asked.end),
        kept=tuple(s for s in stays if s.until > asked.end),
        stays=stays,
        loans=tuple(p for p in within if p.went is Went.LENT and (p.asset, p.on) in held),
        **_lent(found, lives, mine, asked),
        savings=tuple(_savings(book, found, lives, regions, passages, asked, mine)),
        purchases=tuple(
            p
            for p in found.purchases
            if asked.start <= p.on <= asked.end
            and mine(p.unit, dataset=p.dataset)
            and asked.sort(p.kind, p.class_code)
        ),
        wants=tuple(
            want
            for stream, entries in found.wants
            if (want := wanted(stream, entries, asked.end)) is not None
            and asked.start <= want.on
            and mine(want.unit, dataset=want.dataset)
            and asked.sort(want.kind, want.class_code)
        ),
    )


def _lent(found: _Found, lives: _Lives, mine: Any, asked: Asked) -> dict[str, Any]:
    """Return how many pieces are out on loan at the end of a day, and what is overdue of it."""
    end, out = asked.end, 0
    overdue: list[tuple[str, str, int]] = []

    def of_sort(asset: str) -> bool:
        if not asked.kind and not asked.class_code:
            return True
        card = lives.card(asset, end)
        return asked.sort(card.kind, card.class_code)

    for case, (due, dataset, units, pieces) in found.loans.items():
        if not mine(*units, dataset=dataset):
            continue
        there = [asset for asset, (gone, back) in pieces.items() if gone <= end < back]
        still = sum(1 for asset in there if of_sort(asset))
        if not still:
            continue
        out += still
        if due and due < end:
            overdue.append((case, due, still))
    return {"out": out, "overdue": tuple(sorted(overdue, key=lambda o: (o[1], o[0])))}


def _savings(
    book: Book,
    found: _Found,
    lives: _Lives,
    regions: _Regions,
    passages: Sequence[Passage],
    asked: Asked,
    mine: Any,
) -> Iterator[Saving]:
    """Yield every exchange within the span, with the purchase it made unnecessary."""
    prices = _Prices(book, found, lives, regions)
    moved = [p for p in passages if p.went is Went.MOVED]
    later: dict[str, list[Passage]] = defaultdict(list)
    for p in passages:
        if p.went in (Went.MOVED, Went.IN) and p.on <= asked.end:
            later[p.asset].append(p)
    for p in moved:
        if not asked.start <= p.on <= asked.end:
            continue
        card = lives.card(p.asset, p.on)
        after = [q for q in later[p.asset] if (q.on, q.position) > (p.on, p.position)]
        excluded = None
        if p.beyond:
            excluded = Excluded.BEYOND
        elif any(q.giver == p.taker for q in after):
            excluded = Excluded.GIVEN_UP
        price, source, rests_on = prices.of(p, card)
        if excluded is None and source is None:
            excluded = Excluded.NO_PRICE
        costs = 0 if excluded else found.fees.get((p.case, p.asset), 0) + prices.mended(p, lives)
        yield Saving(
            passage=p,
            card=card,
            price=price,
            source=source,
            rests_on=rests_on,
            costs=costs,
            excluded=excluded,
            count=card.quantity,
        )
    for passage, count, why in found.under_way:
        if not asked.start <= passage.on <= asked.end:
            continue
        if not mine(passage.giver, passage.taker, dataset=passage.dataset):
            continue
        card = lives.card(passage.asset, passage.on) if passage.asset else Card()
        if asked.sort(card.kind, card.class_code):
            yield Saving(passage=passage, card=card, excluded=why, count=count)


class _Found:
    """What the cases say, as known at a position."""

    def __init__(self, book: Book, upto: int) -> None:
        self.passages: list[Passage] = []
        self.under_way: list[tuple[Passage, str, Excluded]] = []
        self.fees: dict[tuple[str, str], int] = {}
        self.loans: dict[str, tuple[str, str, tuple[str, str], dict[str, tuple[str, str]]]] = {}
        self.purchases: list[Purchase] = []
        self.paid: dict[str, tuple[str, int, str]] = {}  # of an asset: day, price of one, case
        self.wants = [(s, entries) for s, entries, _ in _cases(book, "demand", upto)]
        searches: dict[tuple[str, int], list[Entry]] = {}
        lines: dict[tuple[str, int], Line] = {}
        for plan, entries, state in _cases(book, "plan", upto):
            id_ = plan.partition("/")[2]
            lines |= {(id_, line.number): line for line in state.lines}
            for e in entries:
                if isinstance(e.event, ReallocationSearched):
                    searches.setdefault((id_, e.event.line), []).append(e)
        for case, entries, state in _cases(book, "intake", upto):
            self._intake(case, entries, state)
        for case, entries, state in _cases(book, "reallocation", upto):
            self._reallocation(case, entries, state)
        for case, entries, state in _cases(book, "loan", upto):
            self._loan(case, entries, state)
        for case, entries, state in _cases(book, "disposal", upto):
            self.passages += (
                Passage(
                    went=Went.GONE, case=case, position=e.position, on=e.effective_on,
                    asset=e.event.asset, giver=state.unit, dataset=state.dataset,
                )
                for e in entries
                if isinstance(e.event, EXECUTED)
            )  # fmt: skip
        for case, entries, state in _cases(book, "acquisition", upto):
            self._acquisition(case, entries, state, searches, lines)
        self.passages.sort(key=lambda p: (p.on, p.position))

    def _intake(self, case: str, entries: Sequence[Entry], state: Any) -> None:
        ground = ""
        for e in entries:
            if isinstance(e.event, IntakeApplied):
                ground = e.event.ground.value
            elif isinstance(e.event, IntakeItemReceived):
                self.passages.append(
                    Passage(
                        went=Went.IN,
                        case=case,
                        position=e.position,
                        on=e.effective_on,
                        asset=e.event.asset,
                        giver=state.unit,
                        taker=state.keeper_unit,
                        ground=ground,
                        dataset=state.dataset,
                    )
                )

    def _reallocation(self, case: str, entries: Sequence[Entry], state: Any) -> None:
        beyond = any(
            isinstance(e.event, BeyondStandard | BeyondQuota) and e.event.unit == state.to_unit
            for e in entries
        )

        def passage(e: Entry, asset: str = "") -> Passage:
            return Passage(
                went=Went.MOVED, case=case, position=e.position, on=e.effective_on, asset=asset,
                giver=state.from_unit, taker=state.to_unit, dataset=state.dataset,
                beyond=beyond,
            )  # fmt: skip

        sent: dict[str, Entry] = {}
        for e in entries:
            fact = e.event
            if isinstance(fact, TransferOutConfirmed):
                sent[fact.asset] = e
            elif isinstance(fact, TransferInConfirmed):
                sent.pop(fact.asset, None)
                self.passages.append(passage(e, fact.asset))
            elif isinstance(fact, AccountingTransferred):
                self.fees[case, fact.asset] = fact.fees
            elif isinstance(fact, ConsignmentShipped):
                self.under_way.append((passage(e), fact.quantity, Excluded.NOT_RECORDED))
        for asset, e in sent.items():
            self.under_way.append((passage(e, asset), "1", Excluded.ON_THE_WAY))

    def _loan(self, case: str, entries: Sequence[Entry], state: Any) -> None:
        pieces: dict[str, tuple[str, str]] = {}
        for e in entries:
            fact = e.event
            if isinstance(fact, LoanHandedOver):
                pieces[fact.asset] = (e.effective_on, FOREVER)
            elif isinstance(fact, LoanItemReturned):
                pieces[fact.asset] = (pieces[fact.asset][0], e.effective_on)
            else:
                continue
            self.passages.append(
                Passage(
                    went=Went.LENT if isinstance(fact, LoanHandedOver) else Went.BACK,
                    case=case,
                    position=e.position,
                    on=e.effective_on,
                    asset=fact.asset,
                    giver=state.lender,
                    taker=state.borrower,
                    dataset=state.dataset,
                )
            )
        due = state.due.isoformat() if state.due else ""
        self.loans[case] = (due, state.dataset, (state.lender, state.borrower), pieces)

    def _acquisition(
        self,
        case: str,
        entries: Sequence[Entry],
        state: Any,
        searches: Mapping[tuple[str, int], Sequence[Entry]],
        lines: Mapping[tuple[str, int], Line],
    ) -> None:
        for e in entries:
            if isinstance(e.event, DeliveryCounted):
                self.paid[e.event.asset] = (e.effective_on, state.unit_price, case)
            elif isinstance(e.event, AcquisitionAuthorised) and state.way is Way.PURCHASE:
                before = [
                    s
                    for s in searches.get((state.plan, state.line), ())
                    if s.effective_on <= e.effective_on
                ]
                line = lines.get((state.plan, state.line))
                self.purchases.append(
                    Purchase(
                        kind=line.kind.value if line else "",
                        class_code=line.class_code if line else "",
                        case=case,
                        on=e.effective_on,
                        unit=state.unit,
                        dataset=state.dataset,
                        position=e.position,
                        searched=before[-1].position if before else 0,
                    )
                )


def _cases(book: Book, kind: str, upto: int) -> Iterator[tuple[str, list[Entry], Any]]:
    """Yield each stream of a kind with what stands of it, and where that leaves it."""
    life = LIFECYCLES[kind]
    for stream, rows in groupby(book.log.kind_rows(kind, upto), key=lambda row: row[1]):
        entries = standing([decode(*row) for row in rows])
        state = life.state()
        for entry in entries:
            state = life.evolve(state, entry.event)
        yield stream, entries, state


class _Regions:
    """The regions of units, as they are now."""

    def __init__(self, book: Book) -> None:
        self.book, self.known = book, dict[str, str]()

    def of(self, unit: str) -> str:
        if unit not in self.known:
            self.known[unit] = self.book.stream(f"unit/{unit}").state.region if unit else ""
        return self.known[unit]


class _Lives:
    """The intervals of cards, read once, as known at a position."""

    def __init__(self, models: ReadModels, known: int | None) -> None:
        self.models, self.known = models, known
        self.rows: dict[str, list[Any]] = {}
        self.classes: dict[str, str] = {}

    def read(self, assets: Iterable[str]) -> None:
        """Read the lives of cards that are not known yet."""
        wanted = sorted(a for a in assets if a not in self.rows)
        h = history.c
        if self.known is None:
            seen: Any = h.known_to == NEVER
        else:
            seen = and_(h.known_from <= self.known, h.known_to > self.known)
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            self.rows |= {asset: [] for asset in some}
            query = select(history).where(among(h.id, some), seen).order_by(h.from_on, h.position)
            for row in self.models.rows(query):
                self.rows[row["id"]].append(row)
            i = inventory.c
            for row in self.models.rows(select(i.id, i.class_code).where(among(i.id, some))):
                self.classes[row["id"]] = row["class_code"]

    def card(self, asset: str, on: str) -> Card:
        """Return what a card said at the end of a day; its class is that of today."""
        self.read([asset])
        told = [row for row in self.rows[asset] if row["from_on"] <= on]
        if not told:
            return Card()
        row = told[-1]
        return Card(
            number=row["asset_no"],
            name=row["name"],
            kind=row["kind"],
            class_code=self.classes.get(asset, ""),
            value=row["value"],
            currency=row["currency"],
            quantity=row["quantity"],
        )

    def until(self, row: Any) -> str:
        """Return when an interval ended, as known: FOREVER while nobody knew of an end."""
        over = self.known is None or row["closed_by"] <= self.known
        return str(row["to_on"]) if over else FOREVER

    def stays(self, asset: str) -> Iterator[Stay]:
        """Yield how long one piece was in the warehouse's hands, each time."""
        self.read([asset])
        since, until, lent = "", "", list[tuple[str, str]]()
        for row in self.rows[asset]:
            custody = row["custody"]
            if custody in KEPT:
                if not since:
                    since, lent = row["from_on"], []
                until = self.until(row)
                if custody == Custody.WAREHOUSE_LENT.value:
                    if lent and lent[-1][1] == row["from_on"]:
                        lent[-1] = (lent[-1][0], until)
                    else:
                        lent.append((row["from_on"], until))
            elif since and custody != Custody.TRANSIT.value:
                yield Stay(
                    asset=asset, since=since, until=until, then=custody, lent=tuple(lent)
                )  # fmt: skip
                since = ""
        if since:
            yield Stay(asset=asset, since=since, until=until, lent=tuple(lent))


class _Prices:
    """What a new thing of the same class would have cost, and where that is known from."""

    def __init__(self, book: Book, found: _Found, lives: _Lives, regions: _Regions) -> None:
        self.book, self.lives, self.regions = book, lives, regions
        upto = book.log.head()[0] if lives.known is None else lives.known
        self.standards: list[tuple[str, Standard]] = [
            (stream, state) for stream, _, state in _cases(book, "standard", upto)
        ]
        self.bought: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        lives.read(found.paid)
        for asset, paid in found.paid.items():
            class_code = lives.classes.get(asset, "")
            if class_code:
                self.bought[class_code].append(paid)
        for some in self.bought.values():
            some.sort()

    def of(self, p: Passage, card: Card) -> tuple[int, Source | None, str]:
        """Return what was not spent, by which source, and the stream that says so.

        The last purchase of the same class counts first, then the original cost; neither may
        be dearer than a standard allows, and where only the standard is known, it counts.
        """
        count = Decimal(card.quantity)
        paid = [b for b in self.bought.get(card.class_code, ()) if b[0] <= p.on]
        found: tuple[int, Source | None, str] = 0, None, ""
        if card.currency == "CNY" and paid:
            found = _times(paid[-1][1], count), Source.BOUGHT, paid[-1][2]
        elif card.value:
            found = card.value, Source.COST, f"asset/{p.asset}"
        cap = self._cap(p, card) if card.currency == "CNY" else None
        if cap is not None:
            allowed = _times(cap[1], count)
            if found[1] is None or allowed < found[0]:
                found = allowed, Source.CAP, cap[0]
        return found

    def _cap(self, p: Passage, card: Card) -> tuple[str, int] | None:
        on, region = date.fromisoformat(p.on), self.regions.of(p.taker)
        caps = [
            (state.price_cap, stream)
            for stream, state in self.standards
            if state.price_cap
            and binds(
                state, on, kind=state.kind, class_code=card.class_code, unit=p.taker, region=region
            )
            and state.kind.value == card.kind
        ]
        if not caps:
            return None
        price, stream = min(caps)
        return stream, price

    def mended(self, p: Passage, lives: _Lives) -> int:
        """Return what refurbishing cost while the warehouse had it, before it was given out."""
        stays = [s for s in lives.stays(p.asset) if s.until <= p.on]
        if not stays:
            return 0
        entries = standing([decode(*r) for r in self.book.log.stream_rows(f"asset/{p.asset}")])
        return sum(
            e.event.cost or 0
            for e in entries
            if isinstance(e.event, Refurbished)
            and stays[-1].since <= e.effective_on <= p.on
            and (lives.known is None or e.position <= lives.known)
        )


def _times(price: int, count: Decimal) -> int:
    return int((price * count).to_integral_value(ROUND_FLOOR))
