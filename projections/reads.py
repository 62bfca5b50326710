"""Who looked at what: one row for each read of an auditor.

Reads every event of `audit/` streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Index, Integer, Table, Text, or_, select

from domain.audit_reads import Reading
from projections.inventory import metadata
from projections.scope import Rows

reads = Table(
    "reads",
    metadata,
    Column("id", Text, primary_key=True),  # later reads have later ids
    Column("reader", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("post", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("about", Text, nullable=False),  # a stream; empty where it was a list
    Column("extent", Text, nullable=False),
    Column("known", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("read_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
indexes = (
    Index("reads_by_about", reads.c.about, reads.c.id),
    Index("reads_by_reader", reads.c.reader, reads.c.id),
)
EQUAL = ("reader", "unit", "question", "about")


def row(id_: str, reading: Reading, read_on: str, version: int) -> tuple[Any, ...] | None:
    """Return the row of a read, None while nothing was read."""
    if reading.question is None:
        return None
    return (
        id_,
        reading.reader,
        reading.unit,
        reading.post,
        reading.question.value,
        reading.about,
        reading.extent,
        reading.known,
        reading.purpose,
        read_on,
        version,
    )


def listing(asked: Mapping[str, str], *, after: str | None = None, limit: int = 50) -> Rows:
    """Return the reads that match, the latest first, a page at a time.

    `asked` maps the names in `EQUAL`, `from` and `to` (days) and `text` (in what it was for) to
    what is wanted; an empty one asks nothing.
    """
    c = reads.c
    query: Rows = select(reads)
    for name in EQUAL:
        if wanted := asked.get(name, ""):
            query = query.where(c[name] == wanted)
    if first := asked.get("from", ""):
        query = query.where(c.read_on >= first)
    if last := asked.get("to", ""):
        query = query.where(c.read_on <= last)
    for word in asked.get("text", "").split():
        either = (column.contains(word, autoescape=True) for column in (c.purpose, c.about))
        query = query.where(or_(*either))
    if after:
        query = query.where(c.id < after)
    return query.order_by(c.id.desc()).limit(limit)


def readers() -> Rows:
    """Return everybody who ever read as an auditor, for the filter."""
    return select(reads.c.reader.label("value")).distinct().order_by(reads.c.reader)
