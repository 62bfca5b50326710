"""The event-sourcing library as it comes: declarative aggregates, JSON, its own recorders.

The same ten facts with the same fields as `workload`, without hash, tree or uniqueness.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.workload import Lives
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


Step: TypeAlias = tuple[str, str, dict[str, Any], dict[str, str]]
STEPS = (
    *("", "bind", "issue", "relocate", "hand_over", "take_back"),
    *("issue", "take_back", "declare_idle", "put_back"),
)


def plain(lives: Lives) -> list[Step]:
    """Return the same facts in the same order: whose, what, its values, what every fact says."""
    steps: list[Step] = []
    for stream, seq, kind, values, on, _, _ in lives.plain():
        said = {"on": on.isoformat(), "actor": "u_importer"}
        # What is taken back has no like in the library: it puts the thing back to use instead.
        values = {k: v.isoformat() if k == "since" else v for k, v in values.items() if k != "seq"}
        if seq == 1:
            values = {"fields": _fields(kind(**values))}
        steps.append((stream, STEPS[seq - 1], values, said))
    return steps


def _fields(first: Any) -> dict[str, Any]:
    """Return all fields of a card as plain values, with those its form leaves to defaults."""
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    plain = {name: fields[name].value for name in ("kind", "value_type", "mode")}
    return {**fields, **plain, "acquired": first.acquired.isoformat()}


def record(app: Cards, cards: dict[str, Card], steps: list[Step]) -> None:
    """Tell one portion and save whoever it touched, in one transaction."""
    touched: dict[str, Card] = {}
    for stream, step, values, said in steps:
        if step:
            card = cards[stream]
            getattr(card, step)(**values, **said)
        else:
            card = cards[stream] = Card(values["fields"], **said)
        touched[stream] = card
    app.save(*touched.values())


class Cards(Application[Any]):
    """The library's application with nothing changed."""


def opened(url: str, *, text_ids: bool = False, create: bool = True) -> Cards:
    """Open the library's default application on a database."""
    settings = environment(url)
    module = settings["PERSISTENCE_MODULE"].replace("ledger.", "eventsourcing.")
    settings |= {"PERSISTENCE_MODULE": module, "CREATE_TABLE": "y" if create else "n"}
    settings["ORIGINATOR_ID_TYPE"] = "text" if text_ids else "uuid"
    return Cards(settings)
