"""Whose turn it is in a case: every step that is not the last has an owner, and a day it is due
where the place or the agreement sets one (T34).

Each kind of case registers a function that answers for its states; a final state answers None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias, TypeVar

import msgspec

from domain.approval import Approval
from domain.words import Role


class OpenStep(msgspec.Struct, frozen=True, kw_only=True):
    """What must be done next: a verb of the kind, by which roles, in which unit.

    `days` count from the day on which the step opened, `due` is a fixed day; both None: the place
    sets no time. `since`: a day that is known beforehand opens the step, not the last entry.
    """

    verb: str
    roles: tuple[str, ...] = ()
    unit: str = ""
    days: int | None = None
    due: date | None = None
    since: date | None = None


Asked: TypeAlias = Callable[[Any], OpenStep | None]
C = TypeVar("C")
_ASKED: dict[type[Any], Asked] = {}
CARRIERS = (Role.CLERK, Role.KEEPER)


def step_of(state: type[C]) -> Callable[[Callable[[C], OpenStep | None]], Asked]:
    """Register the function that says what is next in a kind of case."""

    def register(function: Callable[[C], OpenStep | None]) -> Asked:
        assert state not in _ASKED, f"{state.__name__} says twice what is next"
        _ASKED[state] = function
        return function

    return register


def open_step(case: Any) -> OpenStep | None:
    """Return what must be done next; None when the case is over or its kind has no steps."""
    asked = _ASKED.get(type(case))
    return None if asked is None else asked(case)


def kinds() -> frozenset[type[Any]]:
    """Return the states of the kinds that say what is next."""
    return frozenset(_ASKED)


def decision(
    approval: Approval, roles: tuple[str, ...], applicant_unit: str, *, verb: str = "approve"
) -> OpenStep:
    """Return the step of a case that awaits a decision, or its correction by the applicant.

    `roles` decide where the policy lays down no route.
    """
    if approval.returned:
        return OpenStep(verb="resubmit", roles=(Role.CLERK,), unit=applicant_unit)
    stage = approval.stage
    if stage is None:
        return OpenStep(verb=verb, roles=roles)
    return OpenStep(
        verb=verb if approval.last else "endorse",
        roles=(stage.role,),
        unit=stage.unit,
        days=stage.days,
    )
