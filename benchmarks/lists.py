"""列表投影 · Read models: following the log, and all of them rebuilt from nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import select

from benchmarks.measuring import Bar, Figure, medians, seconds, short
from benchmarks.places import GROWTH, Place
from ledger.book import Book
from projections.store import ReadModels, metadata, progress_table


def run(place: Place) -> Iterator[Figure]:
    """Yield both ways at each size on SQLite, and at the smallest on PostgreSQL."""
    for size in GROWTH:
        yield from _figures(place, "sqlite", "SQLite", size)
    yield from _figures(place, "postgresql", "PostgreSQL", GROWTH[0])


def _figures(place: Place, back_end: str, title: str, size: int) -> Iterator[Figure]:
    events = place.size(size)
    url, _ = place.ledger(back_end, events)
    book, models = Book.open(url), ReadModels.open(url)
    if models.position():  # another benchmark was here before
        metadata.drop_all(models.engine)
        models.close()
        models = ReadModels.open(url)
    judged = size == GROWTH[-1]
    marks: list[tuple[int, float]] = []
    try:
        begin = time.perf_counter()
        models.catch_up(book, lambda done, _: marks.append((done, time.perf_counter() - begin)))
        spent = time.perf_counter() - begin
        yield Figure(
            work=f"{title}, following, {short(events)}",
            ours=events / spent,
            unit="events/s",
            bar=Bar(least=20_000) if judged else Bar(),
        )
        ninth = max((m for m in marks if m[0] <= events * 0.9), default=(0, 0.0))
        yield Figure(
            work=f"{title}, following, last {short(events - ninth[0])} of {short(events)}",
            ours=(events - ninth[0]) / (spent - ninth[1]),
            unit="events/s",
            floor=events / spent,
            beside="the whole of it",
        )
        followed = _content(models)
        (rate,) = medians(
            place.times(events), lambda: events / seconds(lambda: models.rebuild(book))
        )
        yield Figure(
            work=f"{title}, rebuild of all, {short(events)}",
            ours=rate,
            unit="events/s",
            bar=Bar(least=100_000) if judged else Bar(),
        )
        assert models.position() == events
        assert _content(models) == followed, "rebuilt lists differ from those that followed"
    finally:
        models.close()
        book.close()


def _content(models: ReadModels) -> dict[str, tuple[int, str]]:
    """Return the number of rows of each list and a hash over all of them in order of key."""
    found: dict[str, tuple[int, str]] = {}
    with models.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table is progress_table:
                continue
            digest, count = sha256(), 0
            for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                digest.update(repr(tuple(row)).encode())
                count += 1
            found[table.name] = (count, digest.hexdigest())
    return found
