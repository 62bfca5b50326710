"""Open steps for people and programs: what must be done next in a case, whose it is, how long it
has waited, and whether the day it was due is past (T34)."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from domain.decider import LIFECYCLES
from domain.words import Words

DAYS_MAX = 36_500


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """One open step as of a day; `due` is empty where the place sets no time."""

    case: str
    number: str  # of the document; empty where its unit numbers none
    kind: str
    status: str
    step: str
    words: Words
    roles: tuple[str, ...]
    unit: str
    since: str
    age_days: int
    due: str
    overdue: bool

    def owners(self) -> tuple[Words, ...]:
        """Return the roles that may do it."""
        return tuple(Words.of(role) for role in self.roles)


def opened(row: Any, on: date) -> Open:
    """Return the open step of a row of `cases` as of a day."""
    kind, verb = str(row["kind"]), str(row["step"])
    known = LIFECYCLES[kind].verbs.get(verb)
    return Open(
        case=str(row["id"]),
        number=str(row["number"]),
        kind=kind,
        status=str(row["status"]),
        step=verb,
        words=known.words if known is not None else Words.of(verb),
        roles=tuple(role for role in str(row["step_roles"]).split(",") if role),
        unit=str(row["step_unit"]),
        since=str(row["step_since"]),
        age_days=(on - date.fromisoformat(row["step_since"])).days,
        due=str(row["step_due"]),
        overdue=bool(row["step_due"]) and str(row["step_due"]) < on.isoformat(),
    )


def plain(step: Open) -> dict[str, Any]:
    """Return an open step as a JSON value."""
    said: dict[str, Any] = msgspec.to_builtins(step)
    return said


def after_of(text: str) -> tuple[str, str] | None:
    """Read where a listing goes on (`DAY~CASE`); raise ValueError when it says no such thing."""
    if not text:
        return None
    since, tilde, case = text.partition("~")
    if not tilde or date.fromisoformat(since).isoformat() != since or "/" not in case:
        raise ValueError(text)
    return since, case


def cursor_of(step: Open) -> str:
    """Return where a listing goes on after a step."""
    return f"{step.since}~{step.case}"
