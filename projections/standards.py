"""Configuration standards: which there are, for what, and from when until when they bind.

Reads every event of `standard/` streams. What they say is read from the stream itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, Table, Text, select

from domain.standards import Standard, StandardStatus
from projections.inventory import metadata
from projections.scope import Rows

standard = Table(
    "standard",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("in_force_from", Text, nullable=False),
    Column("last_day", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)


def row(id_: str, state: Standard, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a standard, None while nobody has drafted it."""
    if state.status is StandardStatus.NONE:
        return None
    since, until = state.in_force_from, state.last_day
    return (
        id_,
        state.title,
        state.status.value,
        state.kind.value,
        state.class_code,
        since.isoformat() if since else "",
        until.isoformat() if until else "",
        changed_on,
        version,
    )


def published() -> Rows:
    """Return every standard that was ever published."""
    c = standard.c
    return select(standard).where(c.in_force_from != "").order_by(c.id)
