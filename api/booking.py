"""The movement of property over any span, from the cards' facts and the posted runs (T15, T104).

Nothing is kept for it: cards that nothing happened to are read from what the lists remember, the
others from their facts, and runs from their evidence; then all of it is told in the order in
which it was true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from api.depreciating import Depreciating, Posted
from domain.asset import Asset
from domain.booking import Cause, Leg, Row, Stood, Told, moved, rows, stood
from domain.depreciating import Line, month_end, month_of, stated
from ledger.book import Book
from ledger.entry import Entry, decode, standing
from ledger.replaying import collector_off
from projections import booking as lists
from projections.changes import Only, Span
from projections.depreciating import Look
from projections.following import MEMORY
from projections.scope import Scope

STREAMS_MAX: Final = 2_000  # read one by one; beyond, all of them are read in one go


class Step(msgspec.Struct, frozen=True, gc=False):
    """One fact of a card in a span: where it stood after it, and what it says is written off."""

    entry: Entry
    asset: str
    cause: Cause
    after: Asset
    worn: int | None

    @property
    def on(self) -> str:
        """Return the day from which it counts."""
        return self.entry.effective_on


class Moment(msgspec.Struct, frozen=True, gc=False):
    """One fact told: what it moved, and where the card stood before and after it.

    Of a run, `asset` is empty and so are both; `on` is the last day of its month.
    """

    on: str
    entry: Entry
    asset: str
    legs: tuple[Leg, ...]
    was: Stood | None = None
    now: Stood | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the movements and the inventory do not say the same; cards, and fen or cents."""

    on: str
    unit: str
    kind: str
    currency: str
    count: int
    cost: int
    count_listed: int
    cost_listed: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The movements of a span by unit, class and cause, and where the inventory says otherwise."""

    span: Span
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...] = ()


class Booking:
    """Whoever tells movements of property for one office."""

    def __init__(self, book: Book, rows_: Look, depreciating: Depreciating) -> None:
        self.book, self.rows, self.depreciating = book, rows_, depreciating

    def statement(self, scope: Scope, span: Span, only: Only) -> Statement:
        """Return the movements of a span, held against the inventory on both of its days."""
        with collector_off():
            sweep = Sweep(self, scope, span, only)
            opening = [one for one in sweep.standing.values() if sweep.wanted(one)]
            legs = list(sweep.legs())
            closing = [one for one in sweep.standing.values() if sweep.wanted(one)]
        found = tuple(rows(opening, legs, closing))
        differing = self._differences(scope, only, span, found)
        return Statement(span=span, rows=found, differences=differing)

    def legs(self, scope: Scope, span: Span, only: Only) -> Iterator[Leg]:
        """Yield every movement of a span, in the order in which they were true."""
        yield from Sweep(self, scope, span, only).legs()

    def standing(self, scope: Scope, on: str, known: int | None, only: Only) -> dict[str, Stood]:
        """Return where the books carry every card at the end of a day."""
        sweep = Sweep(self, scope, Span(start=on, end=on, known=known), only)
        return {id_: one for id_, one in sweep.standing.items() if sweep.wanted(one)}

    def _differences(
        self, scope: Scope, only: Only, span: Span, found: Sequence[Row]
    ) -> tuple[Difference, ...]:
        differing: list[Difference] = []
        for on, which in ((span.start, "opening"), (span.end, "closing")):
            listed = {
                (row["unit"], row["kind"], row["currency"]): (int(row["n"]), int(row["v"]))
                for row in self.rows(lists.totals(scope, on, span.known, only))
            }
            for row in found:
                there = listed.pop((row.unit, row.kind, row.currency), (0, 0))
                here = getattr(row, which)
                if (here.count, here.cost) != there:
                    differing.append(difference(on, row, (here.count, here.cost), there))
            differing += (
                Difference(
                    on=on, unit=unit, kind=kind, currency=currency, count=0, cost=0,
                    count_listed=there[0], cost_listed=there[1],
                )
                for (unit, kind, currency), there in sorted(listed.items())
            )  # fmt: skip
        return tuple(differing)


def difference(on: str, row: Row, here: tuple[int, int], there: tuple[int, int]) -> Difference:
    """Return where a row and the inventory do not say the same."""
    return Difference(
        on=on, unit=row.unit, kind=row.kind, currency=row.currency,
        count=here[0], cost=here[1], count_listed=there[0], cost_listed=there[1],
    )  # fmt: skip


class Sweep:
    """One span told once: where every card stood at its beginning, then everything that moved."""

    def __init__(
        self, booking: Booking, scope: Scope, span: Span, only: Only, *, thorough: bool = False
    ) -> None:
        self.booking, self.scope, self.span, self.only = booking, scope, span, only
        self.thorough = thorough  # ask the log alone, whatever the lists say
        self.standing: dict[str, Stood] = {}
        self._worn: dict[str, int] = {}  # also of what is not on the books at a time
        self.steps: list[Step] = []
        self._months: dict[str, list[Posted]] = {}
        self._lines: dict[str, dict[str, Line]] = {}  # of the last month before the span
        self._until: dict[str, str] = {}  # the last day of that month
        self._begin()

    def wanted(self, one: Stood | Leg) -> bool:
        """Answer whether a row is asked for and may be seen."""
        units, only = self.scope.units, self.only
        return (
            (units is None or one.unit in units)
            and only.unit in ("", one.unit)
            and only.kind in ("", one.kind)
            and only.currency in ("", one.currency)
        )

    def legs(self) -> Iterator[Leg]:
        """Yield everything that moved in the span and is asked for."""
        for moment in self.moments():
            yield from filter(self.wanted, moment.legs)

    def moments(self) -> Iterator[Moment]:
        """Yield every fact of the span in order, card by card and run by run."""
        runs = [
            (month_end(month_of(posted.event.month)).isoformat(), posted)
            for unit in sorted(self._months)
            for posted in self._months[unit]
        ]
        due = sorted(
            ((on, posted) for on, posted in runs if self.span.start < on <= self.span.end),
            key=lambda run: (run[0], run[1].entry.position),
        )
        steps = sorted(self.steps, key=lambda step: (step.on, step.entry.position))
        at = 0
        for on, posted in due:
            while at < len(steps) and steps[at].on <= on:
                yield self._stepped(steps[at])
                at += 1
            yield self._ran(on, posted)
        for step in steps[at:]:
            yield self._stepped(step)

    def _stepped(self, step: Step) -> Moment:
        was = self.standing.get(step.asset)
        worn = self._worn.get(step.asset, 0) if step.worn is None else step.worn
        self._worn[step.asset] = worn
        now = stood(step.after, worn)
        if now is None:
            self.standing.pop(step.asset, None)
        else:
            self.standing[step.asset] = now
        told: list[Leg] = []
        about = (step.on, step.entry.position, step.asset)
        if was and now and step.cause is Cause.TRANSFER and step.worn is not None:
            # Both sides book the same: what the giver's books said is told with the transfer.
            giving = msgspec.structs.replace(was, worn=worn)
            told += moved(was, giving, Cause.STATED, *about)
            was = giving
        told += moved(was, now, step.cause, *about)
        return Moment(step.on, step.entry, step.asset, tuple(told), was, now)

    def _ran(self, on: str, posted: Posted) -> Moment:
        """Return what a run wrote off by class, and what it found told otherwise since."""
        sums: defaultdict[tuple[Cause, str, str, str], int] = defaultdict(int)
        for line in self.booking.depreciating.lines(posted.event.sha256):
            was = self.standing.get(line.asset)
            self._worn[line.asset] = line.accumulated
            if was is None or was.worn == line.accumulated:
                continue
            self.standing[line.asset] = msgspec.structs.replace(was, worn=line.accumulated)
            key = (was.unit, was.kind, was.currency)
            sums[Cause.DEPRECIATION, *key] += line.charge
            restated = line.accumulated - was.worn - line.charge
            if restated:
                sums[Cause.RESTATED, *key] += restated
        position = posted.entry.position
        legs = tuple(
            Leg(on, position, "", cause, unit, kind, currency, 0, 0, amount)
            for (cause, unit, kind, currency), amount in sorted(sums.items())
            if amount
        )
        return Moment(on, posted.entry, "", legs)

    # Where everything stood at the beginning ------------------------------------------

    def _begin(self) -> None:
        if self.thorough:
            for id_, entries in self._facts(None):
                self._tell(id_, entries)
            return
        start, known = self.span.start, self.span.known
        state_of = MEMORY["asset"].state_of
        told: list[tuple[str, Asset]] = []
        slow: list[str] = []
        for row in self.booking.rows(lists.cards(self.scope, self.span, self.only)):
            last_on, asset = state_of(row["remembered"])
            if known is None and last_on <= start:
                told.append((row["id"], asset))
            else:
                slow.append(row["id"])
        for unit in {asset.accounting_unit for _, asset in told}:
            self._learn(unit)
        for id_, asset in told:
            line = self._lines[asset.accounting_unit].get(id_)
            if line is None and not any(self._lines.values()):
                self._stands(id_, asset, asset.accumulated or 0)
            elif line is not None and stated(asset) == (line.stated, line.stated_until):
                self._stands(id_, asset, line.accumulated)
            else:
                slow.append(id_)
        for id_, entries in self._facts(slow):
            self._tell(id_, entries)

    def _stands(self, id_: str, asset: Asset, worn: int) -> None:
        self._worn[id_] = worn
        one = stood(asset, worn)
        if one is not None:
            self.standing[id_] = one

    def _learn(self, unit: str) -> None:
        """Read which months a unit posted, and the lines of the last before the span."""
        if unit in self._months:
            return
        posted = self.booking.depreciating.months(unit, self.span.known) if unit else []
        self._months[unit] = posted
        self._lines[unit] = {}
        before = [
            one
            for one in posted
            if month_end(month_of(one.event.month)).isoformat() <= self.span.start
        ]
        self._until[unit] = ""
        if before:
            self._until[unit] = month_end(month_of(before[-1].event.month)).isoformat()
            lines = self.booking.depreciating.lines(before[-1].event.sha256)
            self._lines[unit] = {line.asset: line for line in lines}

    def _facts(self, ids: Sequence[str] | None) -> Iterator[tuple[str, list[Entry]]]:
        """Yield the facts of cards that stand, in order; of very many, all are read in one go.

        None asks for all cards of which a fact names the unit that is asked for.
        """
        known, log = self.span.known, self.booking.book.log
        if ids is not None and len(ids) <= STREAMS_MAX:
            for id_ in ids:
                yield id_, facts(log.stream_rows(f"asset/{id_}"), known)
            return
        wanted = None if ids is None else set(ids)
        named = f'"{self.only.unit}"'.encode()
        upto = self.booking.book.head()[0] if known is None else known
        for stream, some in groupby(log.kind_rows("asset", upto), key=itemgetter(1)):
            id_, rows_ = stream[6:], list(some)
            if id_ in wanted if wanted is not None else any(named in row[4] for row in rows_):
                yield id_, facts(rows_, known)

    def _tell(self, id_: str, entries: Iterable[Entry]) -> None:
        """Tell a card from its facts: where it stood at the beginning, and its steps since."""
        start, end = self.span.start, self.span.end
        card = Told()
        worn, worn_on = 0, ""
        units: list[str] = []
        waiting = True

        def begin() -> None:
            for unit in units:
                self._learn(unit)
            line = self._last_line(id_, units, worn_on)
            self._stands(id_, card.asset, worn if line is None else line.accumulated)

        for entry in entries:
            on = entry.effective_on
            if on > end:
                break
            if waiting and on > start:
                begin()
                waiting = False
            cause, said = card.tell(entry.event, on)
            unit = card.asset.accounting_unit
            if unit and unit not in units[-1:]:
                units.append(unit)
                if not waiting:
                    self._learn(unit)
            if waiting:
                if said is not None:
                    worn, worn_on = said, on
            else:
                self.steps.append(Step(entry, id_, cause, card.asset, said))
        if waiting:
            begin()

    def _last_line(self, id_: str, units: Sequence[str], since: str) -> Line | None:
        """Return the last line of a card before the span that no statement of its own came after."""
        for unit in dict.fromkeys(reversed(units)):
            line = self._lines[unit].get(id_)
            if line is not None:
                return line if self._until[unit] >= since else None
            for one in reversed(self._months[unit]):
                on = month_end(month_of(one.event.month)).isoformat()
                if since <= on <= self.span.start:
                    line = self.booking.depreciating.line(one.event.sha256, id_)
                    if line is not None:
                        return line
        return None


def facts(rows_: Iterable[Any], known: int | None) -> list[Entry]:
    """Return the facts of one card that stand, in the order in which they were true."""
    return standing(
        [entry for row in rows_ if known is None or row[0] <= known if (entry := decode(*row))]
    )
