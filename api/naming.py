"""What units and places were called on a day, for lines of history at every door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from api.office import Office
from api.pages_telling import NameOf
from domain.decider import Lang
from projections import units
from projections.temporal import NEVER


def names_then(office: Office, lang: Lang) -> Callable[[str], NameOf]:
    """Return a function from a business date to the names that held on it (T11).

    Before a thing was called anything, it is called what it was called first. People are called
    what the directory says now: their names must be erasable.
    """
    known: dict[str, Sequence[Any]] = {}
    people: dict[str, str] = {}

    def ever(id_: str) -> Sequence[Any]:
        if id_ not in known:
            rows = office.models.rows(units.names_of(id_))
            known[id_] = [row for row in rows if row["known_to"] >= NEVER]
        return known[id_]

    def on(day: str) -> NameOf:
        def name_of(kind: str, id_: str) -> str:
            if kind == "person":
                if id_ not in people:
                    people[id_] = office.accounts.name_of(id_, lang)
                return people[id_]
            if kind not in ("unit", "place") or not ever(id_):
                return id_
            held = (r for r in ever(id_) if r["from_on"] <= day < r["to_on"])
            then = next(held, ever(id_)[0])
            return str((then["name_en"] if lang == "en" else "") or then["name"])

        return name_of

    return on
