"""The vouchers that units may post for a span, worked out of the movements and of the dues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import msgspec

from api.booking import Moment, Sweep, facts
from domain import journal
from domain.booking import Cause, Leg, Stood
from domain.decider import LIFECYCLES
from domain.depreciating import Broken, month_end, month_of
from domain.due import Due, Means, PaymentReceived
from domain.journal import Omitted, Part, Proposed
from domain.surplus import SurplusRuled
from domain.vouchers import SURPLUS_RULED
from ledger.entry import Entry
from ledger.replaying import collector_off
from projections import booking as lists
from projections.changes import Only, Span
from projections.scope import EVERYTHING, Scope

if TYPE_CHECKING:
    from api.office import Office

BEGINNING: Final = "0001-01-01"  # the day before every book
NUMBERED: Final = ("voucher", "out_voucher", "in_voucher", "receipt")


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What may be posted for a span in order, and what needs no entry."""

    span: Span
    proposed: tuple[Proposed, ...]
    omitted: tuple[Omitted, ...]
    open_items: int = 0  # what waits in 1902 beside cards: debit less credit
    waiting: tuple[Leg, ...] = ()  # what put it there in the span and was not ruled on in it


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What of a unit's books disagrees, and what waits in 1902 for a ruling, the oldest first."""

    broken: tuple[Broken, ...]
    waiting: tuple[Leg, ...]


class Journals:
    """Whoever works vouchers out for one office."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def of(self, scope: Scope, span: Span, only: Only) -> Journal:
        """Return the vouchers of a span, the first one first."""
        with collector_off():
            return self._of(Sweep(self.office.booking, scope, span, only))

    def _of(self, sweep: Sweep) -> Journal:
        scope, span, only = sweep.scope, sweep.span, sweep.only
        omitted: list[Omitted] = []
        posted: list[tuple[str, Entry, Part]] = []
        open_items, waiting, ruled = 0, list[Leg](), set[str]()
        for moment in sweep.moments():
            for found in parts(moment, (self._waits(moment.was), self._waits(moment.now))):
                if isinstance(found, Omitted):
                    omitted += [found] if sweep.wanted(found.leg) else []
                elif wanted(scope, only, found):
                    posted.append((moment.on, moment.entry, found))
                    if found.occasion == SURPLUS_RULED:
                        open_items += found.piece.gross or 0
                        ruled.add(moment.asset)
            waiting += (
                leg
                for leg in moment.legs
                if leg.cause in journal.WITHOUT_RULING and sweep.wanted(leg)
            )
        open_items -= sum(leg.net for leg in waiting)
        waiting = [
            leg for leg in waiting if leg.cause is not Cause.SURPLUS or leg.asset not in ruled
        ]
        if not only.kind:
            posted += self._money(scope, span, only)
        proposed = sorted(self._vouchers(posted), key=lambda one: (one.on, one.position))
        return Journal(
            span=span,
            proposed=tuple(proposed),
            omitted=tuple(omitted),
            open_items=open_items,
            waiting=tuple(waiting),
        )

    def _waits(self, stood: Stood | None) -> bool:
        """Answer whether a card waits in 1902: by the form of its disposal."""
        if stood is None or not stood.case.startswith("disposal/"):
            return False
        return self.office.book.stream(stood.case).state.form in journal.THROUGH_PENDING

    # Whether the books agree --------------------------------------------------------

    def tied(self, unit: str, on: str) -> list[Broken]:
        """Hold the cards of a unit on a day against its facts, its last run and its accounts."""
        return list(self.checked(unit, on).broken)

    def checked(self, unit: str, on: str) -> Checked:
        """Hold the books of a unit together, and name what waits in 1902 for a ruling.

        The facts are read from the log alone, whatever the lists say.
        """
        office = self.office
        span, only = Span(start=BEGINNING, end=on), Only(unit=unit, currency="CNY")
        with collector_off():
            sweep = Sweep(office.booking, EVERYTHING, span, only, thorough=True)
            found = self._of(sweep)
        stood = {id_: one for id_, one in sweep.standing.items() if sweep.wanted(one)}
        balances: defaultdict[str, int] = defaultdict(int)
        for account in journal.accounts(found.proposed):
            balances[account.code] += account.balance
        for one in found.omitted:
            cost, worn = journal.carried_accounts(one.leg.kind)
            balances[cost] += one.leg.cost
            balances[worn] -= one.leg.worn
        rows = office.rows(lists.listed(unit, on))
        broken = journal.tied(
            {row["id"]: (row["kind"], int(row["value"] or 0)) for row in rows},
            stood,
            [id_ for id_, one in stood.items() if self._waits(one)],
            balances,
            found.open_items,
        )
        months = [
            posted.event.month
            for posted in office.depreciating.months(unit)
            if month_end(month_of(posted.event.month)).isoformat() <= on
        ]
        if months:
            broken += office.depreciating.agreement(unit, months[-1]) or []
        return Checked(broken=tuple(broken), waiting=found.waiting)

    def _vouchers(self, posted: Iterable[tuple[str, Entry, Part]]) -> Iterator[Proposed]:
        """Yield a voucher for each act and occasion, by the templates of the rules it followed."""

        def act(one: tuple[str, Entry, Part]) -> tuple[str, str]:
            return one[0], one[1].cause

        for (on, _), some in groupby(sorted(posted, key=act), key=act):
            mine = sorted(some, key=lambda one: one[1].position)
            first = mine[0][1]
            via = first.beside.via
            policy = self.office.rules.named(via.policy) if via.policy else None
            own = policy.vouchers if policy is not None else ()
            for voucher in journal.together((part for _, _, part in mine), own):
                yield Proposed(
                    on=on,
                    position=first.position,
                    stream=first.stream,
                    voucher=voucher,
                    reference=reference(entry for _, entry, _ in mine),
                )

    def _money(self, scope: Scope, span: Span, only: Only) -> Iterator[tuple[str, Entry, Part]]:
        """Yield what dues add: money that came, went to the treasury, or may be kept."""
        book = self.office.book
        upto = book.head()[0] if span.known is None else span.known
        rows = book.log.kind_rows("due", upto)
        life = LIFECYCLES["due"]
        for _, some in groupby(rows, key=lambda row: row[1]):
            due: Due = life.state()
            for entry in facts(some, span.known):
                was, due = due, life.evolve(due, entry.event)
                if not span.start < entry.effective_on <= span.end:
                    continue
                means = (
                    entry.event.means.value
                    if isinstance(entry.event, PaymentReceived)
                    else Means.BANK.value
                )
                for part in journal.of_money(was, due, means):
                    if wanted(scope, only, part):
                        yield entry.effective_on, entry, part


def parts(moment: Moment, pending: tuple[bool, bool]) -> Iterator[Part | Omitted]:
    """Yield what one fact adds to vouchers."""
    if moment.asset:
        if isinstance(moment.entry.event, SurplusRuled):
            yield journal.of_ruling(moment.entry.event, moment.asset)
        for found in journal.of_card(moment.legs, moment.was, moment.now, pending):
            if isinstance(found, Part) and not found.piece.asset:
                piece = msgspec.structs.replace(found.piece, asset=moment.asset)
                found = msgspec.structs.replace(found, piece=piece)
            yield found
        return
    for leg in moment.legs:
        yield from journal.of_leg(leg, leg.kind)


def wanted(scope: Scope, only: Only, part: Part) -> bool:
    """Answer whether a part is asked for and may be seen."""
    return (
        (scope.units is None or part.unit in scope.units)
        and only.unit in ("", part.unit)
        and only.currency in ("", part.piece.currency)
        and only.kind in ("", part.piece.kind)
    )


def reference(entries: Iterable[Entry]) -> str:
    """Return the voucher that an act names itself; empty where it names none."""
    for entry in entries:
        for name in NUMBERED:
            said: Any = getattr(entry.event, name, "")
            if isinstance(said, str) and said:
                return said
    return ""
