"""Importing this module makes every fact, verb and lifecycle of the domain known."""

from __future__ import annotations

import importlib
import pkgutil

import domain
from domain.decider import FACTS, LIFECYCLES

for module in pkgutil.iter_modules(domain.__path__):
    importlib.import_module(f"domain.{module.name}")

for fact in FACTS.values():
    kind = fact.type_name.split(".")[0]
    assert kind == "ledger" or fact in LIFECYCLES[kind].meanings, f"{fact} means nothing yet"
