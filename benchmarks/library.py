"""The event-sourcing library as it comes: declarative aggregates, JSON, its own recorders.

The same ten facts with the same fields as `workload`, without hash, tree or uniqueness.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.workload import FACTS_PER_ASSET, START, said
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


Plain: TypeAlias = tuple[list[dict[str, Any]], dict[str, str]]


def plain(asset: int) -> Plain:
    """Return what one asset's ten facts say, as plain values."""
    on = (START + timedelta(days=asset % 700)).isoformat()
    values = [dict(said(asset, step, START)[1]) for step in range(FACTS_PER_ASSET)]
    first = fact(asset)
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    fields |= {name: fields[name].value for name in ("kind", "value_type", "mode")}
    values[0] = {**fields, "acquired": on}
    values[8]["since"] = on
    return values, {"on": on, "actor": "u_importer"}


def fact(asset: int) -> Any:
    """Return the first fact of an asset, with the fields that its form leaves to defaults."""
    kind, values = said(asset, 0, START)
    return kind(**values)


def told(values: list[dict[str, Any]], said: dict[str, str]) -> Card:
    """Return one asset with its ten facts, not yet saved."""
    card = Card(values[0], **said)
    card.bind(**values[1], **said)
    card.issue(**values[2], **said)
    card.relocate(**values[3], **said)
    card.hand_over(**values[4], **said)
    card.take_back(**values[5], **said)
    card.issue(**values[6], **said)
    card.take_back(**values[7], **said)
    card.declare_idle(**values[8], **said)
    card.put_back(**values[9], **said)
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
