"""Importing this module makes every fact, verb and lifecycle of the domain known."""

from __future__ import annotations

import importlib
import pkgutil

import domain
from domain import numbering
from domain.decider import FACTS, LIFECYCLES, Verb

for module in pkgutil.iter_modules(domain.__path__):
    importlib.import_module(f"domain.{module.name}")

numbering.give_numbers()
for fact in FACTS.values():
    kind = fact.type_name.split(".")[0]
    known = [LIFECYCLES[kind]] if kind in LIFECYCLES else LIFECYCLES.values()  # `case`: several
    assert kind == "ledger" or any(fact in life.meanings for life in known), f"{fact}: no meaning"

# The order in which a life is told; what was imported first must not decide it.
STORY = (
    "standards",
    "planning",
    "acquiring",
    "asset",
    "use",
    "confirming",
    "idling",
    "fitting",
    "packing",
    "labelling",
    "label_design",
    "tagging",
    "splitting",
    "depreciating",
    "classing",
    "holding",
    "lending",
    "leasing",
    "lease_terms",
    "warehouse",
    "gathering",
    "claiming",
    "demand",
    "reallocation",
    "allocating",
    "converting",
    "exchanging",
    "succession",
    "reorganisation",
    "disposal",
    "apportioning",
    "leaving",
    "proving",
    "selling",
    "dealing",
    "executing",
    "settling",
    "refunding",
    "due",
    "bank",
    "statement",
    "withdrawing",
    "handover",
    "stocktaking",
    "census",
    "auditing_notes",
    "premises",
    "vehicles",
    "instruments",
    "waterfall",
)


def told(verb: Verb) -> tuple[int, str, int]:
    """Return where a verb stands in the story: by module, then as it was written."""
    module = verb.function.__module__.rpartition(".")[2]
    chapter = STORY.index(module) if module in STORY else len(STORY)
    return chapter, module, verb.function.__code__.co_firstlineno


for lifecycle in LIFECYCLES.values():
    ordered = {verb.name: verb for verb in sorted(lifecycle.verbs.values(), key=told)}
    lifecycle.verbs.clear()
    lifecycle.verbs.update(ordered)
