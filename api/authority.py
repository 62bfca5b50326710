"""Who may act as what, and who is competent for whom: what an occasion says of people and units.

Roles are facts of the ledger (`domain/person.py`). A log-in only says which person it is; what it
was opened with counts until the ledger says anything of that person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from api.accounts import Account, Post
from api.remembering import Remembered
from domain import entrusting
from domain import person as people
from domain.decider import Ask, Occasion
from domain.person import Person
from domain.policy import Body
from domain.succession import PASSING
from domain.unit import Unit, UnitKind, ended, entitled, refuse_ended
from domain.words import Role
from ledger.book import Book
from projections import units
from projections.scope import Rows

BODY_OF = {
    UnitKind.OFFICES: Body.OFFICES,
    UnitKind.FINANCE: Body.FINANCE,
    UnitKind.GOVERNMENT: Body.GOVERNMENT,
}
WINDING = PASSING | {"reorganisation"}  # what a unit that ended still has to do with
PREDECESSORS_MAX = 500
ABOUT = ("unit/", "person/")  # streams that say who may do what


class Competence(msgspec.Struct, frozen=True, kw_only=True):
    """Where a unit belongs on a day, and which bodies are competent for it."""

    level: str = ""
    region: str = ""
    unit_kind: str = ""
    bodies: dict[str, str] = {}
    succeeds: tuple[str, ...] = ()  # units that ended, with whose tasks it goes on
    unit: Unit = Unit()


class Authority:
    """Answers from the ledger, remembered for a moment."""

    def __init__(self, book: Book, rows: Callable[[Rows], Sequence[Any]]) -> None:
        """`rows` asks the lists."""
        self._book, self._rows = book, rows
        self._persons: Remembered[str, Person | None] = Remembered()
        self._units: Remembered[tuple[str, date | None], Competence] = Remembered()

    def forget(self) -> None:
        """Ask the ledger again: something was said of units or people."""
        self._persons.forget()
        self._units.forget()

    # People ------------------------------------------------------------------

    def posts(self, account: Account, on: date) -> tuple[Post, ...]:
        """Return what the person behind a log-in may act as on a day, own roles first."""
        person = self._persons.get(account.person, self._person)
        if person is None:
            return account.posts
        found = [
            Post(unit=p.unit, role=p.role.value, behalf=p.delegator) for p in person.powers_on(on)
        ]
        usual = account.posts  # what they sign in as comes first
        return tuple(sorted(found, key=lambda p: usual.index(p) if p in usual else len(usual)))

    def refuse_out_of_post(self, occasion: Occasion, called: Callable[[str], str]) -> None:
        """Refuse who does not have the role they act in on the business date; raise Refused."""
        person = self._persons.get(occasion.by, self._person)
        if person is not None and occasion.unit:
            people.in_post(person, occasion, called(occasion.unit))

    def refuse_ended(self, occasion: Occasion, asks: Iterable[Ask], today: date) -> None:
        """Refuse who acts for a unit that ended whatever is not winding up; raise Refused (T51).

        Open cases go on, and so does the hand-over of the property; administrators keep the
        directory, whatever becomes of their own unit.
        """
        if not occasion.unit or occasion.role == Role.ADMIN:
            return
        unit = self.competence(occasion.unit, occasion.on, today).unit
        if not ended(unit, occasion.on):
            return
        for ask in asks:
            if ask.stream.partition("/")[0] not in WINDING:
                refuse_ended(unit)
            if self._book.stream(ask.stream).version == 0:
                entitled(unit, occasion.unit, occasion.on)

    def refuse_beyond_agreement(self, occasion: Occasion, asks: Iterable[Ask], today: date) -> None:
        """Refuse who acts for a company what it was not entrusted with; raise Refused."""
        if not occasion.unit or occasion.role in people.INDEPENDENT:
            return
        unit = self.competence(occasion.unit, occasion.on, today).unit
        if unit.kind is UnitKind.ENTERPRISE:
            agreements = self._book.stream(f"entrustment/{occasion.unit}").state
            entrusting.refuse_beyond(agreements, unit, occasion, asks)

    def _person(self, id_: str) -> Person | None:
        """Return what the ledger says of a person; None when it never said anything."""
        stream = self._book.stream(f"person/{id_}")
        return stream.state if stream.entries else None

    # Units -------------------------------------------------------------------

    def competence(self, unit: str, on: date, today: date) -> Competence:
        """Return where a unit belongs on a day, and who was competent for it then."""
        return self._units.get((unit, None if on >= today else on), self._competence)

    def _competence(self, asked: tuple[str, date | None]) -> Competence:
        unit, on = asked
        state = self._unit(unit, on)
        if not state.name:
            return Competence()
        level = state.level.value if state.level is not None else ""
        bodies = {Body.OWN.value: unit}
        if state.competent:
            bodies[Body.COMPETENT.value] = state.competent
        if level and state.region:
            bodies |= self._authorities(level, state.region, on)
        return Competence(
            level=level,
            region=state.region,
            unit_kind=state.kind.value,
            bodies=bodies,
            succeeds=tuple(self._before(state, on)),
            unit=state,
        )

    def _before(self, state: Unit, on: date | None) -> Iterator[str]:
        """Yield the units whose tasks a unit goes on with, and theirs in turn."""
        known: set[str] = set()
        waiting = list(state.predecessors)
        while waiting and len(known) < PREDECESSORS_MAX:
            one = waiting.pop()
            if one not in known:
                known.add(one)
                waiting += self._unit(one, on).predecessors
                yield one

    def _authorities(self, level: str, region: str, on: date | None) -> dict[str, str]:
        """Return the offices administration, finance bureau and government of a place.

        Where there are several, the one with the first id: the place must say which it is.
        """
        found: dict[str, str] = {}
        for row in self._rows(units.authorities()):
            if on is None:
                fits = (row["level"], row["region"], row["dissolved"]) == (level, region, 0)
                kind = UnitKind(row["kind"])
            else:
                then = self._unit(row["id"], on)
                fits = bool(then.name) and not then.dissolved
                fits = fits and (then.level, then.region) == (level, region)
                kind = then.kind
            if fits and kind in BODY_OF:
                found.setdefault(BODY_OF[kind].value, row["id"])
        return found

    def _unit(self, id_: str, on: date | None) -> Unit:
        """Return what a unit was on a day; None: what it is."""
        name = f"unit/{id_}"
        found: Unit
        if on is None:
            found = self._book.stream(name).state
        else:
            found = self._book.state_at(name, on.isoformat())
        return found
