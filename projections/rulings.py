"""The rules of places: which there are, which version is published, what waits.

Reads every event of `policy/` streams. What they say is read from the stream itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, Table, Text, select

from domain.ruling import Ruling
from projections.inventory import metadata
from projections.scope import Rows

ruling = Table(
    "ruling",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("drafted", Integer, nullable=False),
    Column("published", Integer, nullable=False),
    Column("in_force_from", Text, nullable=False),
    Column("last_day", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)


def row(id_: str, state: Ruling, changed_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a place's rules, None while nobody has drafted any."""
    if not state.version:
        return None
    since, until = state.in_force_from, state.last_day
    return (
        id_,
        state.title,
        state.status.value,
        state.version,
        state.published,
        since.isoformat() if since else "",
        until.isoformat() if until else "",
        changed_on,
        version,
    )


def all_rulings() -> Rows:
    """Return the rules of every place."""
    return select(ruling).order_by(ruling.c.id)
