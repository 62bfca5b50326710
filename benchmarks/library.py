"""The event-sourcing library as it comes: declarative aggregates, JSON, its own recorders.

The same ten facts with the same fields as `workload`, without hash, tree or uniqueness.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.workload import FACTS_PER_ASSET, START, fact
from ledger.book import environment


class Card(Aggregate):
    """An asset, told in the library's own style."""

    @event("Registered")
    def __init__(self, fields: dict[str, Any], on: str, actor: str) -> None:
        self.fields, self.custody, self.on, self.actor = fields, "store", on, actor

    @event("LabelBound")
    def bind(self, label: str, on: str, actor: str) -> None:
        self.label, self.on, self.actor = label, on, actor

    @event("IssuedToUser")
    def issue(self, unit: str, user: str, place: str, purpose: str, on: str, actor: str) -> None:
        self.custody, self.user, self.place = "in_use", user, place
        self.on, self.actor = on, actor

    @event("Relocated")
    def relocate(self, place: str, reason: str, on: str, actor: str) -> None:
        self.place, self.on, self.actor = place, on, actor

    @event("CustodianChanged")
    def hand_over(self, user: str, reason: str, on: str, actor: str) -> None:
        self.user, self.on, self.actor = user, on, actor

    @event("ReturnedByUser")
    def take_back(self, condition: str, reason: str, place: str, on: str, actor: str) -> None:
        self.custody, self.place, self.on, self.actor = "store", place, on, actor

    @event("DeclaredIdle")
    def declare_idle(self, since: str, evidence: str, on: str, actor: str) -> None:
        self.custody, self.on, self.actor = "idle", on, actor

    @event("PutBackToUse")
    def put_back(self, reason: str, on: str, actor: str) -> None:
        self.custody, self.on, self.actor = "store", on, actor


def told(asset: int) -> Card:
    """Return one asset with its ten facts, not yet saved."""
    on = (START + timedelta(days=asset % 700)).isoformat()
    said = {"on": on, "actor": "u_importer"}
    facts = [cast(Any, fact(asset, step, START)) for step in range(FACTS_PER_ASSET)]
    first = facts[0]
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    fields |= {name: fields[name].value for name in ("kind", "value_type", "mode")}
    card = Card({**fields, "acquired": on}, **said)
    card.bind(facts[1].label, **said)
    for issue, back in ((2, 5), (6, 7)):
        f = facts[issue]
        card.issue(f.unit, f.user, f.place, f.purpose, **said)
        if issue == 2:
            card.relocate(facts[3].place, facts[3].reason, **said)
            card.hand_over(facts[4].user, facts[4].reason, **said)
        b = facts[back]
        card.take_back(b.condition, b.reason, b.place, **said)
    card.declare_idle(on, facts[8].evidence, **said)
    card.put_back(facts[9].reason, **said)
    return card


class Cards(Application[Any]):
    """The library's application with nothing changed."""


def opened(url: str, *, text_ids: bool = False, create: bool = True) -> Cards:
    """Open the library's default application on a database."""
    settings = environment(url)
    module = settings["PERSISTENCE_MODULE"].replace("ledger.", "eventsourcing.")
    settings |= {"PERSISTENCE_MODULE": module, "CREATE_TABLE": "y" if create else "n"}
    settings["ORIGINATOR_ID_TYPE"] = "text" if text_ids else "uuid"
    return Cards(settings)
