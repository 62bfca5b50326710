"""What shows as idle on a day, as known at a position: the finder over the log and its lists (T40).

The cards of the day and their ways there come from the intervals of the inventory; what is rare
(who borrowed, who shared, what was explained) is read from the entries of those cards that may be
found. What is found is judged in `domain.idling`, and nothing is kept of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Table, and_, func, or_, select

from domain import idling, ruling
from domain.asset import Book, Custody, Kind, Lock
from domain.asset import lifecycle as assets
from domain.decider import FACTS, LIFECYCLES, EntryReversed, Event
from domain.fitting import FittedInto, RemovedFromWhole
from domain.gathering import BoughtForOccasion, OccasionProlonged
from domain.idleness import Finding, IdleGround
from domain.idling import Body, Cap, Card, IdlenessExplained, Place, Stretch, Use
from domain.instruments import SharedUseRecorded, SharingEnded, SharingOffered
from domain.lending import AssetLent
from domain.policy import Policy, Priority, chosen
from domain.standards import Standard, StandardPublished
from domain.unit import (
    PostsAuthorised,
    TemporaryBodyEstablished,
    TemporaryTermExtended,
    Unit,
    UnitDissolved,
    UnitKind,
    UnitMerged,
    UnitSplit,
)
from domain.warehouse import ReceivedIntoWarehouse
from ledger.book import Book as Ledger
from ledger.entry import Entry, decode, standing
from projections.history import PARTS, ended, history
from projections.inventory import inventory
from projections.scope import Rows, Scope, among, on_day
from projections.scope import free as unheld
from projections.temporal import NEVER, at

AT_ONCE: Final = 20_000  # cards whose life is read in one question
NUMBERS_AT_ONCE: Final = 10_000
Ask: TypeAlias = Callable[[Rows], Sequence[Any]]  # what the lists answer to a query
RESTING: Final = frozenset(ground.value for ground in idling.REST_GROUNDS)
RARE: Final = (
    IdlenessExplained,
    SharingOffered,
    SharingEnded,
    SharedUseRecorded,
    FittedInto,
    RemovedFromWhole,
    AssetLent,
    BoughtForOccasion,
    OccasionProlonged,
    ReceivedIntoWarehouse,
)
PASSING: Final = frozenset({Priority.MEETING, Priority.MAJOR_EVENT, Priority.TEMPORARY})
ENDINGS: Final = (UnitDissolved, UnitMerged, UnitSplit)
TERMS: Final = (TemporaryBodyEstablished, TemporaryTermExtended)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which day is asked about, as known at a position, and which part of it.

    `past`: the day or the position is not that of now; `units` are several at once. An empty field
    asks for everything.
    """

    on: date
    known: int | None = None
    past: bool = False
    unit: str = ""
    assets: frozenset[str] = frozenset()
    kind: str = ""
    ground: str = ""
    units: frozenset[str] = frozenset()

    @property
    def only(self) -> frozenset[str]:
        """Return the units that are asked about; none: all."""
        return frozenset({self.unit}) if self.unit else self.units


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and by which rules; `position` is how much of the log was looked at."""

    asked: Asked
    position: int
    found: tuple[Finding, ...]
    policies: tuple[Policy, ...]
    uncapped: tuple[tuple[str, str], ...]  # units without known posts, and the standards for posts


def told(book: Ledger, rows: Ask, scope: Scope, asked: Asked) -> Told:
    """Return everything that shows as idle on a day, as known at a position."""
    upto = book.log.head()[0] if asked.known is None else asked.known
    cards = _Cards(book, rows, scope, asked, upto)
    sorts = cards.sorts()
    place = _place(book, upto, asked, sorts)
    found: list[Finding] = []
    if asked.ground != IdleGround.OVER_STANDARD.value:
        for card in cards.whole(cards.candidates(sorts, place)):
            one = idling.at_rest(card, place, asked.on)
            if one is not None:
                found.append(one)
    if asked.ground in ("", IdleGround.OVER_STANDARD.value):
        for unit, mine in cards.crowded(place):
            found += idling.beyond(mine, unit, place, asked.on)
    units = {unit for sort in sorts for unit in (sort.unit, sort.custodian)}
    used = {place.policies[unit].reference: place.policies[unit] for unit in sorted(units)}
    return Told(
        asked=asked,
        position=upto,
        found=idling.ordered(f for f in found if _wanted(f, asked)),
        policies=tuple(used[reference] for reference in sorted(used)),
        uncapped=tuple(_uncapped(sorts, place)),
    )


def sizes(book: Ledger, rows: Ask, scope: Scope, asked: Asked) -> dict[str, int]:
    """Return how many cards each unit has that may show as idle, in its books or its hands."""
    if asked.past:
        upto = book.log.head()[0] if asked.known is None else asked.known
        kept, h = _Cards(book, rows, scope, asked, upto).kept(), history.c
    else:
        i = h = inventory.c
        mine = [i.listed == 0, i.book == Book.ON_BOOKS.value, i.custody.in_(sorted(idling.KEPT))]
        if scope.units is not None:
            mine.append(or_(among(i.accounting_unit, scope.units), among(i.custodian, scope.units)))
        kept = and_(*mine)
    query = (
        select(h.accounting_unit, h.custodian, func.count().label("n"))
        .where(kept)
        .group_by(h.accounting_unit, h.custodian)
    )
    found: dict[str, int] = defaultdict(int)
    for unit, custodian, n in map(_plain, rows(query)):
        for one in {unit, custodian}:
            found[one] += n
    return dict(sorted(found.items()))


def _wanted(finding: Finding, asked: Asked) -> bool:
    return (
        (not asked.only or finding.unit in asked.only)
        and (not asked.assets or finding.asset in asked.assets)
        and asked.kind in ("", finding.kind)
        and asked.ground in ("", finding.ground.value)
    )


def _uncapped(sorts: Iterable[Sort], place: Place) -> Iterator[tuple[str, str]]:
    """Yield which standards for each post could not be asked of which unit."""
    blind = {
        (unit, cap.standard.title)
        for cap in place.caps
        for unit in {sort.unit for sort in sorts if sort.kind is cap.standard.kind}
        if idling.allowed(cap.standard, place.body(unit)) is None
        and cap.standard.unit in ("", unit)
        and place.body(unit).region.startswith(cap.standard.region)
    }
    return iter(sorted(blind))


# Cards -------------------------------------------------------------------------


class Sort(NamedTuple):
    """Whose things of which kind there are, whoever has them."""

    unit: str
    custodian: str
    kind: Kind


class _Cards:
    """The cards of a day, and what is read of those that may be found."""

    def __init__(self, book: Ledger, rows: Ask, scope: Scope, asked: Asked, upto: int) -> None:
        self.book, self.rows, self.scope, self.asked, self.upto = book, rows, scope, asked, upto
        self.lines: dict[str, tuple[Stretch, ...]] = {}
        self.ends: dict[str, tuple[Stretch, ...]] = {}  # of lines of which no more matters
        self.opened: dict[str, tuple[Stretch, int]] = {}  # where each is, and since when known

    def kept(self) -> ColumnElement[bool]:
        """Return the condition for what a unit keeps for itself, as far as it is asked about."""
        h, asked = history.c, self.asked
        conditions = [
            at(history, asked.on.isoformat(), asked.known),
            h.book == Book.ON_BOOKS.value,
            h.custody.in_(sorted(idling.KEPT)),
            h.listed == 0,
        ]
        if self.scope.units is not None:
            of = self.scope.units
            conditions.append(or_(among(h.accounting_unit, of), among(h.custodian, of)))
        if asked.assets and asked.ground in RESTING:
            conditions.append(among(h.id, asked.assets))
        elif asked.assets:  # what shares a standard with them must be asked too
            conditions.append(among(h.accounting_unit, self._units()))
        if asked.only:
            mine = among(h.accounting_unit, asked.only), among(h.custodian, asked.only)
            conditions.append(or_(*mine))
        return and_(*conditions)

    def sorts(self) -> list[Sort]:
        """Return whose things of which kinds there are."""
        h = history.c
        query = select(h.accounting_unit, h.custodian, h.kind).where(self.kept()).distinct()
        return [Sort(u, c, KINDS[kind]) for u, c, kind in map(_plain, self.rows(query))]

    def _there(self, *conditions: ColumnElement[bool]) -> list[Card]:
        """Return cards that meet some conditions, without their way there."""
        h, none, found = history.c, Lock.NONE.value, list[Card]()
        shown = {column.name: column for column in on_day(history, self.asked.on.isoformat())}
        query = select(
            h.id, h.asset_no, h.name, h.kind, h.custody, shown["lock"], h.accounting_unit, h.custodian,
            h.value, h.currency, h.quantity, h.position, h.from_on, h.known_from,
        ).where(self.kept(), *conditions)  # fmt: skip
        for row in map(_plain, self.rows(query)):
            (
                id_, number, name, kind, custody, lock, unit, custodian, value, currency, count,
                position, since, known_from,
            ) = row  # fmt: skip
            is_ = CUSTODY[custody]
            self.opened[id_] = Stretch(position, _day(since), is_, custodian, unit), known_from
            found.append(
                Card(
                    id=id_,
                    asset_no=number,
                    name=name,
                    kind=KINDS[kind],
                    custody=is_,
                    free=lock == none,
                    unit=unit,
                    custodian=custodian,
                    value=value,
                    currency=currency,
                    quantity=count,
                )
            )
        return found

    def _units(self) -> frozenset[str]:
        """Return in whose books the cards are that are asked about."""
        h, asked = history.c, self.asked
        query = select(h.accounting_unit).where(
            among(h.id, asked.assets), at(history, asked.on.isoformat(), asked.known)
        )
        return frozenset(str(row["accounting_unit"]) for row in self.rows(query))

    def candidates(self, sorts: Iterable[Sort], place: Place) -> list[Card]:
        """Return the cards that may be found at rest, each with its way there."""
        h, on, assets = history.c, self.asked.on, self.asked.assets
        over = {
            unit
            for sort in sorts
            for unit in (sort.unit, sort.custodian)
            if (gone := place.body(unit).ended_on) is not None and gone <= on
        }
        watched = {(s.custodian, s.kind) for s in sorts if _watched(s.kind, place, s.custodian)}
        due = _due_home(self.book, self.upto, on)
        possible: list[ColumnElement[bool]] = [
            among(h.id, due),
            h.custody == Custody.STORE.value,
            among(h.accounting_unit, over),
            among(h.custodian, over),
        ]
        for kind in {kind for _, kind in watched}:
            units = {unit for unit, of in watched if of is kind}
            possible.append(and_(h.kind == kind.value, among(h.custodian, units)))
        if assets:
            possible = [and_(or_(*possible), among(h.id, assets))]
        free = self._there(
            unheld(history, on.isoformat()),
            h.custody.in_(sorted(idling.DECLARABLE)),
            or_(*possible),
        )
        long = {
            card.id
            for card in free
            if (card.custodian, card.kind) in watched or {card.unit, card.custodian} & over
        }
        self._read_lines(long)
        self._read_ends(card for card in free if card.id not in long)
        ways = self.ends | self.lines
        return [
            whole
            for card in free
            if self._may_be_found(whole := replace(card, line=ways[card.id]), place)
            or card.id in due
        ]

    def _may_be_found(self, card: Card, place: Place) -> bool:
        on, policy = self.asked.on, place.policies[card.custodian]
        rest = idling.resting(card.line)
        return (
            _ended(card, place, on)
            or bool(rest and idling.lent_before(card.line, rest))
            or idling.unused(card, place, policy, on) is not None
            or (card.kind is Kind.INSTRUMENT and _watched(card.kind, place, card.custodian))
            or idling.under_used(card, place, policy, on) is not None
        )

    def crowded(self, place: Place) -> Iterator[tuple[str, list[Card]]]:
        """Yield the units that have more than a standard allows, with all that may count of it."""
        kinds, h, on = {cap.standard.kind for cap in place.caps}, history.c, self.asked.on
        if not kinds:
            return
        of_kind: ColumnElement[bool] = h.kind.in_(sorted(kinds))
        if not self.asked.past:
            units = self._crowded_now(place, kinds)
            if not units:
                return
            of_kind = and_(of_kind, among(h.accounting_unit, units))
        only = self.asked.only  # of others not all cards are here
        mine = [card for card in self._there(of_kind) if not only or card.unit in only]
        codes = self._classes(mine, kinds)
        of_unit: dict[str, list[Card]] = defaultdict(list)
        for card in mine:
            of_unit[card.unit].append(replace(card, class_code=codes.get(card.id, "")))
        # With nothing explained and nobody's way there known, at least as much is found.
        some = {
            unit: cards
            for unit, cards in sorted(of_unit.items())
            if any(idling.beyond(cards, unit, place, on))
        }
        free = [c for cards in some.values() for c in cards if c.custody in idling.DECLARABLE]
        self._read_lines(card.id for card in free)
        known = {card.id: card for card in self.whole(free)}
        for unit, cards in some.items():
            yield (
                unit,
                [
                    replace(known[card.id], line=self.lines[card.id]) if card.id in known else card
                    for card in cards
                ],
            )

    def _crowded_now(self, place: Place, kinds: Iterable[Kind]) -> set[str]:
        """Return the units that have more of something now than a standard allows."""
        i, held = inventory.c, dict[tuple[str, str], Decimal]()
        query = (
            select(i.accounting_unit, i.kind, i.class_code, i.quantity, func.count().label("n"))
            .where(
                i.book == Book.ON_BOOKS.value,
                i.kind.in_(sorted(kinds)),
                i.custody.in_(sorted(idling.KEPT)),
                i.listed == 0,
            )
            .group_by(i.accounting_unit, i.kind, i.class_code, i.quantity)
        )
        if self.asked.only:
            query = query.where(among(i.accounting_unit, self.asked.only))
        elif self.asked.assets:
            query = query.where(among(i.accounting_unit, self._units()))
        crowded = set[str]()
        for unit, kind, code, count, n in map(_plain, self.rows(query)):
            card = Card(
                id="", kind=KINDS[kind], unit=unit, custodian="", custody=Custody.STORE,
                class_code=code,
            )  # fmt: skip
            body = place.body(unit)
            for cap in place.caps:
                most = idling.allowed(cap.standard, body)
                if most is None:
                    continue
                if idling.bound(cap.standard, card, body, unit, self.asked.on):
                    held[unit, cap.id] = held.get((unit, cap.id), Decimal(0)) + Decimal(count) * n
                    if held[unit, cap.id] > most:
                        crowded.add(unit)
        return crowded

    def _classes(self, cards: Sequence[Card], kinds: Iterable[Kind]) -> dict[str, str]:
        """Return the class of each card on the day, as known then."""
        if not self.asked.past:
            i = inventory.c
            units = {card.unit for card in cards}
            query = select(i.id, i.class_code).where(
                i.kind.in_(sorted(kinds)), among(i.accounting_unit, units)
            )
            return dict(map(_plain, self.rows(query)))
        facts = self._facts([card.id for card in cards], CLASSING)
        return {id_: assets.fold(e.event for e in some).class_code for id_, some in facts.items()}

    def whole(self, cards: Sequence[Card]) -> list[Card]:
        """Return cards with what is rare of them: lent, shared, fitted, explained."""
        facts = self._facts([card.id for card in cards], RARE)
        return [_with(card, facts[card.id]) if card.id in facts else card for card in cards]

    def _facts(self, ids: Sequence[str], types: Iterable[type[Event]]) -> dict[str, list[Entry]]:
        """Return the facts of some types that stand of some cards, up to the day."""
        names = [*(fact.type_name for fact in types), EntryReversed.type_name]
        on, found = self.asked.on.isoformat(), dict[str, list[Entry]]()
        for first in range(0, len(ids), AT_ONCE):
            streams = [f"asset/{id_}" for id_ in ids[first : first + AT_ONCE]]
            rows = self.book.log.fact_rows(streams, names, self.upto)
            for stream, some in groupby(rows, key=itemgetter(1)):
                entries = standing([decode(*row) for row in some])
                found[stream.partition("/")[2]] = [e for e in entries if e.effective_on <= on]
        return found

    def _read_ends(self, cards: Iterable[Card]) -> None:
        """Read the ways of cards back to their last use, or the loan before their rest.

        What ended is numbered by the entry that ended it, which is the one that opened what came
        next: so each step back is one look. Where a late entry told it anew, all of it is read.
        """
        ids = [card.id for card in cards]
        if self.asked.known is not None:
            self._read_lines(ids)
            return
        ways: dict[str, list[Stretch]] = {}
        whole = list[str]()
        wave = dict[str, int]()
        for id_ in ids:
            here, known_from = self.opened[id_]
            ways[id_] = [here]
            if known_from == here.position:
                wave[id_] = here.position
            else:
                whole.append(id_)
        while wave:
            before = self._before(wave)
            whole += [id_ for id_ in wave if id_ not in before]
            for id_, stretch in before.items():
                ways[id_].append(stretch)
            wave = {
                id_: stretch.position
                for id_, stretch in before.items()
                if _goes_on(ways[id_][-2], stretch, ways[id_][0])
            }
        self.ends = {id_: tuple(way[::-1]) for id_, way in ways.items()}
        self._read_lines(whole)

    def _before(self, positions: Mapping[str, int]) -> dict[str, Stretch]:
        """Return what was before an entry opened what came next, of each card that tells it so."""
        found: dict[str, Stretch] = {}
        for part, table in enumerate(ended):
            c = table.c
            mine = [p for id_, p in positions.items() if ord(id_[-1]) % PARTS == part]
            for first in range(0, len(mine), NUMBERS_AT_ONCE):
                query = select(
                    c.id, c.position, c.from_on, c.known_from, c.custody, c.custodian,
                    c.accounting_unit,
                ).where(c.row.in_(mine[first : first + NUMBERS_AT_ONCE]), c.known_to == NEVER)  # fmt: skip
                for row in map(_plain, self.rows(query)):
                    id_, position, since, known_from, custody, custodian, unit = row
                    if known_from == position:
                        found[id_] = Stretch(
                            position, _day(since), CUSTODY[custody], custodian, unit
                        )
        return found

    def _read_lines(self, ids: Iterable[str]) -> None:
        """Read the ways of cards up to the day that are not known yet."""
        wanted = sorted(set(ids) - self.lines.keys())
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            lines: dict[str, list[tuple[str, int, Stretch]]] = {id_: [] for id_ in some}
            # Each part by itself: a look at all of them together would not go by the ids.
            for part, table in enumerate(ended):
                mine = [id_ for id_ in some if ord(id_[-1]) % PARTS == part]
                for row in self._told_of(table, mine) if mine else ():
                    lines[row[0]].append(_stretch(row))
            for row in self._told_of(inventory, some):
                lines[row[0]].append(_stretch(row))
            for id_, line in lines.items():
                line.sort(key=_order)
                self.lines[id_] = tuple(stretch for _, _, stretch in line)

    def _told_of(self, table: Table, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield what a table tells of some cards up to the day, as known then."""
        c, known = table.c, self.asked.known
        columns = (c.id, c.position, c.from_on, c.custody, c.custodian, c.accounting_unit)
        query = select(*columns).where(
            among(c.id, ids), c.from_on <= self.asked.on.isoformat(), c.book != Book.NONE.value
        )
        if known is not None:
            query = query.where(c.known_from <= known)
        if table is not inventory:
            query = query.where(c.known_to == NEVER if known is None else c.known_to > known)
        return map(_plain, self.rows(query))


def _stretch(row: tuple[Any, ...]) -> tuple[str, int, Stretch]:
    """Return a row of a line with what it is sorted by: business date, then position."""
    _, position, since, custody, custodian, unit = row
    return since, position, Stretch(position, _day(since), CUSTODY[custody], custodian, unit)


KINDS: Final = {kind.value: kind for kind in Kind}
CUSTODY: Final = {custody.value: custody for custody in Custody}
CLASSING: Final = tuple(
    fact
    for name, fact in FACTS.items()
    if name.startswith("asset.") and "class_code" in fact.__struct_fields__
)
_order = itemgetter(0, 1)
_DAYS: dict[str, date] = {}


def _day(text: str) -> date:
    """Return a date from its text; the same days come again and again."""
    found = _DAYS.get(text)
    if found is None:
        if len(_DAYS) > 50_000:
            _DAYS.clear()
        found = _DAYS[text] = date.fromisoformat(text)
    return found


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(row.values())


def _ended(card: Card, place: Place, on: date) -> bool:
    return any(
        (ended := place.body(unit).ended_on) is not None and ended <= on
        for unit in (card.unit, card.custodian)
    )


def _watched(kind: Kind, place: Place, unit: str) -> bool:
    """Answer whether a place says when things of a kind are under-used."""
    return any(not rule.kinds or kind in rule.kinds for rule in place.policies[unit].under_use)


def _goes_on(after: Stretch, stretch: Stretch, now: Stretch) -> bool:
    """Answer whether what was still before this may matter: the rest goes on, or the loan."""
    if stretch.custody in idling.GIVEN_OUT:
        return True
    rests = stretch.custody in idling.RESTING and stretch.custodian == now.custodian
    return rests and after.custody in idling.RESTING


def _with(card: Card, facts: Sequence[Entry]) -> Card:
    """Return a card with what these facts say of it."""
    shared: tuple[date, int] | None = None
    uses, lent, whole = list[Use](), dict[int, tuple[str, bool]](), False
    bought_for: tuple[str, date, int] | None = None
    explained: dict[IdleGround, date] = {}
    for entry in facts:
        on, fact = _day(entry.effective_on), entry.event
        match fact:
            case SharingOffered():
                shared = (on, entry.position)
            case SharingEnded():
                shared = None
            case SharedUseRecorded(hours=hours):
                uses.append(Use(entry.position, on, hours))
            case FittedInto() | RemovedFromWhole():
                whole = isinstance(fact, FittedInto)
            case AssetLent(borrower=borrower, need=need):
                lent[entry.position] = borrower, need in PASSING
            case BoughtForOccasion(case=case, due=due):
                bought_for = case, due, entry.position
            case OccasionProlonged(due=due) if bought_for is not None:
                bought_for = bought_for[0], due, entry.position
            case ReceivedIntoWarehouse():
                bought_for = None
            case IdlenessExplained(ground=ground, until=until):
                explained[ground] = until
            case _:
                continue
    line = card.line
    if lent:
        line = tuple(
            replace(s, borrower=lent[s.position][0], passing=lent[s.position][1])
            if s.position in lent
            else s
            for s in line
        )
    return replace(
        card,
        free=card.free and not whole,
        line=line,
        uses=tuple(uses),
        bought_for=bought_for,
        shared=shared,
        explained=explained,
    )


# The place ---------------------------------------------------------------------


def _due_home(book: Ledger, upto: int, on: date) -> frozenset[str]:
    """Return what was bought for an occasion and should have gone to the warehouse before a day."""
    found = set[str]()
    for _, entries in _streams(book, "gathering", upto):
        facts = [e.event for e in entries if e.effective_on <= on.isoformat()]
        case = LIFECYCLES["gathering"].fold(facts)
        if case.due is not None and case.due < on:
            found |= case.waiting
    return frozenset(found)


class _Bodies(Mapping[str, Body]):
    """Units as they were on a day, each read when it is asked for; all at once with `every`."""

    def __init__(self, book: Ledger, upto: int, on: date, *, every: bool) -> None:
        self.book, self.upto, self.on, self.every = book, upto, on.isoformat(), every
        self.known: dict[str, tuple[Unit, Body]] = {}
        if every:
            for stream, entries in _streams(book, "unit", upto):
                self.known[stream.partition("/")[2]] = self._told(entries)

    def _told(self, entries: Sequence[Entry]) -> tuple[Unit, Body]:
        return _body([e for e in entries if e.effective_on <= self.on])

    def of(self, unit: str) -> tuple[Unit, Body]:
        """Return what a unit was; nothing was known of one that is not in the log."""
        if unit not in self.known:
            rows = [] if self.every else self.book.log.stream_rows(f"unit/{unit}")
            told_ = standing([decode(*row) for row in rows if row[0] <= self.upto])
            self.known[unit] = self._told(told_)
        return self.known[unit]

    def __getitem__(self, unit: str) -> Body:
        return self.of(unit)[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def _place(book: Ledger, upto: int, asked: Asked, sorts: Iterable[Sort]) -> Place:
    """Return units, rules and standards as they were on a day, as known at a position."""
    on, few = asked.on, bool(asked.assets or asked.only)
    bodies = _Bodies(book, upto, asked.on, every=not few)
    published = [
        policy
        for stream, entries in _streams(book, "policy", upto)
        for policy in ruling.published(stream.partition("/")[2], [e.event for e in entries])
    ]
    units = {unit for sort in sorts for unit in (sort.unit, sort.custodian)}
    return Place(
        bodies=bodies,
        policies={unit: _policy(published, bodies.of(unit)[0], on) for unit in units},
        caps=() if asked.ground in RESTING else tuple(_caps(book, upto, on)),
    )


def _policy(published: Sequence[Policy], unit: Unit, on: date) -> Policy:
    level = unit.level.value if unit.level is not None else ""
    kind = unit.kind.value if unit.name else ""
    return chosen(published, on, region=unit.region, level=level, unit_kind=kind)


def _body(entries: Sequence[Entry]) -> tuple[Unit, Body]:
    """Return what a unit was after these facts."""
    state, life = Unit(), LIFECYCLES["unit"]
    ends: list[tuple[date, int]] = []
    term: tuple[date, int] | None = None
    posts: tuple[date, int] | None = None
    for entry in entries:
        state = life.evolve(state, entry.event)
        if isinstance(entry.event, ENDINGS):
            ends.append((_day(entry.effective_on), entry.position))
        elif isinstance(entry.event, TERMS):
            term = (entry.event.ends_on + timedelta(days=1), entry.position)
        elif isinstance(entry.event, PostsAuthorised):
            posts = (_day(entry.effective_on), entry.position)
    if term is not None:
        ends.append(term)
    ended = min(ends, default=None)
    return state, Body(
        temporary=state.kind is UnitKind.TEMPORARY,
        ended_on=ended[0] if ended else None,
        ended_by=ended[1] if ended else 0,
        region=state.region,
        posts=state.posts,
        posts_since=posts[0] if posts else None,
        posts_by=posts[1] if posts else 0,
    )


def _caps(book: Ledger, upto: int, on: date) -> Iterator[Cap]:
    """Yield the standards in force on a day that limit how many."""
    for stream, entries in _streams(book, "standard", upto):
        life, position = LIFECYCLES["standard"], 0
        state: Standard = life.state()
        for entry in entries:
            if entry.effective_on <= on.isoformat():
                state = life.evolve(state, entry.event)
                if isinstance(entry.event, StandardPublished):
                    position = entry.position
        since, until = state.in_force_from, state.last_day
        in_force = since is not None and since <= on and (until is None or on <= until)
        if position and in_force and state.quantity is not None:
            yield Cap(id=stream.partition("/")[2], standard=state, position=position)


def _streams(book: Ledger, kind: str, upto: int) -> Iterator[tuple[str, list[Entry]]]:
    """Yield each stream of a kind with what stands of it, in the order of ids."""
    for stream, rows in groupby(book.log.kind_rows(kind, upto), key=itemgetter(1)):
        yield stream, standing([decode(*row) for row in rows])
