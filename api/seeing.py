"""What the lists answer to the questions of a reorganisation; nobody types it (`Occasion.seen`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeAlias

from domain.asset import Book, Custody, Lock
from domain.decider import Ask
from domain.reorganisation import Held, OpenCase, Piece
from domain.succession import PASSING
from projections import cases, units
from projections.scope import Rows

Look: TypeAlias = Callable[[Rows], Sequence[Any]]


def asks_for_all(asks: Sequence[Ask]) -> bool:
    """Tell whether a request must be answered what a unit has."""
    return any(ask.verb == "hand_over" and ask.stream.startswith("reorganisation/") for ask in asks)


def holdings(asks: Sequence[Ask], look: Look, on: date) -> tuple[Held, ...]:
    """Return what the old units of these requests have on a day, each once."""
    named = [ask.form.get("from_unit") for ask in asks]
    return tuple(held(unit, look, on) for unit in dict.fromkeys(named) if isinstance(unit, str))


def held(unit: str, look: Look, on: date) -> Held:
    """Return what a unit has in its books, in custody or in title, and its cases that are open.

    What a claim held whose time was over on the day is free.
    """
    return Held(
        unit=unit,
        pieces=tuple(
            Piece(
                asset=row["id"],
                asset_no=row["asset_no"],
                book=Book(row["book"]),
                custody=Custody(row["custody"]),
                lock=Lock(row["lock"]),
                case=row["case"],
            )
            for row in look(units.held_by(unit, on.isoformat()))
        ),
        cases=tuple(
            OpenCase(
                stream=row["id"],
                step=row["step"],
                party=unit in (row["from_unit"], row["to_unit"]),
            )
            for row in look(cases.open_of(unit, PASSING))
        ),
    )
