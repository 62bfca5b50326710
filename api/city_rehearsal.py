"""Play the example city's acts in memory, under the same rules as at the counter.

Nothing is read from a database: every history of the city begins here. What comes out are the
drafts the book then records in a few transactions, the same for the same story.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, cast

import msgspec

from api import city_rules
from api.city_people import Person
from api.importing_facts import of_dataset
from domain.decider import Ask, Document, Occasion
from ledger.book import Book, Desk, lifecycle_of, normalised
from ledger.entry import Draft, Via, claim_time

DATASET: Final = "example"
ZONE: Final = "Asia/Shanghai"
# Every business date of the story is past: claimed as a day, whatever the clock says.
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person asks on a day; `order` keeps the acts of one day in their order."""

    on: date
    order: int
    by: Person
    role: str
    asks: tuple[Ask, ...]
    docs: tuple[Document, ...] = ()


class Rehearsal(Desk):
    """A desk whose streams all begin empty; acts come in the order of their days."""

    def __init__(self) -> None:
        # No book: `at` below is the only method of a desk that would read one.
        super().__init__(cast("Book", None), Occasion(by="-", on=date.min), "", None, "", {})

    def at(self, name: str) -> int:
        """Begin an empty stream."""
        if name not in self._version:
            self._now[name] = self._then[name] = lifecycle_of(name).state()
            self._version[name] = self._added[name] = 0
            self._did[name] = set()
        return 0

    def play(self, act: Act, number: int) -> list[Draft]:
        """Return what one act writes, marked as an example; raise Refused as the counter would."""
        self.drafts = []
        policy = city_rules.in_force(act.by.unit, act.on)
        self.occasion = Occasion(
            by=act.by.id,
            on=act.on,
            unit=act.by.unit,
            role=act.role,
            policy=policy,
            bodies=dict(city_rules.bodies(act.by.unit, act.on)),
            docs=act.docs,
        )
        self.claimed = claim_time(act.on, ZONE, NEVER)
        self.via = Via(unit=act.by.unit, role=act.role, channel="demo", policy=policy.reference)
        cause = f"ex_{number:06}"
        for part, ask in enumerate(act.asks):
            whose = f"{cause}/{part}" if len(act.asks) > 1 else cause
            self.grant(Ask(ask.stream, ask.verb, normalised(ask.form)), whose)
        return [as_example(draft) for draft in self.drafts]


def as_example(draft: Draft) -> Draft:
    """Mark a fact as one of an example wherever its shape has a place for that."""
    draft.event = of_dataset(draft.event, DATASET)
    if "example" in draft.event.__struct_fields__:
        marks: dict[str, Any] = {"example": True}
        draft.event = msgspec.structs.replace(draft.event, **marks)
    return draft


def rehearse(acts: Sequence[Act]) -> list[Draft]:
    """Play acts in the order of their days and return every draft."""
    desk = Rehearsal()
    ordered = sorted(acts, key=lambda act: (act.on, act.order))
    return [
        draft for number, act in enumerate(ordered, start=1) for draft in desk.play(act, number)
    ]
