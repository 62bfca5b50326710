"""What was done about log-ins: one row for each act of administration.

Reads every event of `access/` streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Index, Integer, Table, Text, select

from domain.access import Access
from projections.inventory import metadata
from projections.scope import Rows

administration = Table(
    "administration",
    metadata,
    Column("id", Text, primary_key=True),  # later acts have later ids
    Column("act", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("done_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
indexes = (Index("administration_by_person", administration.c.person, administration.c.id),)


def row(id_: str, access: Access, done_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of an act, None while nothing was done."""
    return (id_, access.act, access.person, done_on, version) if access.act else None


def listing(asked: Mapping[str, str], *, after: str | None = None, limit: int = 50) -> Rows:
    """Return the acts that match, the latest first, a page at a time.

    `asked` maps `person`, `act`, `from` and `to` (days) to what is wanted; an empty one asks
    nothing.
    """
    c = administration.c
    query: Rows = select(administration)
    for name in ("person", "act"):
        if wanted := asked.get(name, ""):
            query = query.where(c[name] == wanted)
    if first := asked.get("from", ""):
        query = query.where(c.done_on >= first)
    if last := asked.get("to", ""):
        query = query.where(c.done_on <= last)
    if after:
        query = query.where(c.id < after)
    return query.order_by(c.id.desc()).limit(limit)
