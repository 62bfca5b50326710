"""批量导入 · Bulk import: object, bytes, hash, tree, indexes and the disk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg

from benchmarks import library
from benchmarks.measuring import Bar, Figure, collector_off, medians, seconds, short
from benchmarks.places import (
    EQUAL_POSTGRESQL,
    EQUAL_SQLITE,
    GROWTH,
    Place,
    sqlite_raw,
)
from benchmarks.workload import Lives, chunks, portions, record
from ledger.book import Book

EVENTS = 100_000
# In one transaction. Larger batches can hang the library's pipeline on PostgreSQL: the server
# waits for the rest of a statement that fills the socket, the client for the answer.
LIBRARY_CHUNK = {"sqlite": 4_000, "postgresql": 200}
Rows = list[tuple[Any, ...]]


def run(place: Place) -> Iterator[Figure]:
    """Yield the figures of SQLite, PostgreSQL, and of growth."""
    yield from _sqlite(place)
    yield from _postgresql(place)
    yield from _growth(place)


def _sqlite(place: Place) -> Iterator[Figure]:
    events = place.size(EVENTS)
    rows = _rows(place, events)
    ours, default, floor = medians(
        place.repeats,
        lambda: events / _ours(place, "sqlite", events),
        lambda: events / _library(place, "sqlite", events),
        lambda: events / _sqlite_floor(place, rows),
    )
    work = f"SQLite, {short(events)}"
    bar = Bar(least=40_000, ratio_least=0.2)
    beside = "executemany of the same bytes"
    yield Figure(work=work, ours=ours, unit="events/s", floor=floor, beside=beside, bar=bar)
    yield Figure(
        work=work,
        ours=ours,
        unit="events/s",
        floor=default,
        beside="the library's default save()",
        bar=Bar(ratio_least=2),
    )


def _postgresql(place: Place) -> Iterator[Figure]:
    events = place.size(EVENTS)
    rows = _rows(place, events)
    ours, default, floor = medians(
        place.repeats,
        lambda: events / _ours(place, "postgresql", events),
        lambda: events / _library(place, "postgresql", events),
        lambda: events / _postgresql_floor(place, rows),
    )
    work = f"PostgreSQL, {short(events)}"
    bar = Bar(least=40_000)
    beside = "COPY of the same bytes"
    yield Figure(work=work, ours=ours, unit="events/s", floor=floor, beside=beside, bar=bar)
    yield Figure(
        work=work,
        ours=ours,
        unit="events/s",
        floor=default,
        beside="the library's default save()",
    )


def _growth(place: Place) -> Iterator[Figure]:
    """Yield rates beside the floor of the same size, and what an entry costs beside the first."""
    first = 0.0
    for events in map(place.size, GROWTH):
        rows = _rows(place, events)
        floor = events / _sqlite_floor(place, rows)
        del rows
        rate = events / _ours(place, "sqlite", events)
        cost = 1e6 / rate
        first = first or cost
        yield Figure(
            work=f"SQLite, growth, {short(events)}",
            ours=rate,
            unit="events/s",
            floor=floor,
            beside="executemany of the same bytes",
        )
        yield Figure(
            work=f"SQLite, growth, {short(events)}, one entry",
            ours=cost,
            unit="µs",
            floor=first,
            beside="the smallest of these",
        )


def _ours(place: Place, back_end: str, events: int) -> float:
    """Return the seconds an import takes, from plain values to the acknowledged last entry."""
    url = place.fresh(back_end)
    lives = Lives(events)
    plain = lives.plain()
    book = Book.open(url)
    try:
        # The collector stays on: an import has no right to switch it off in a server.
        spent = seconds(lambda: [record(book, part) for part in chunks(lives.drafts(plain))])
        size, _, _ = book.head()
        assert size == events, f"{size} of {events} entries are there"
        assert sum(len(page) for page in book.log.rows(1)) == events
    finally:
        book.close()
        place.forget(url)
    return spent


def _library(place: Place, back_end: str, events: int) -> float:
    """Return the seconds the library needs for as many facts."""
    url = place.fresh(back_end)
    app = library.opened(url)
    steps = library.plain(Lives(events))
    chunk = LIBRARY_CHUNK[back_end]
    cards: dict[str, library.Card] = {}

    def work() -> None:
        for start in range(0, events, chunk):
            library.record(app, cards, steps[start : start + chunk])

    try:
        spent = seconds(work)
        assert app.recorder.max_notification_id() == events
    finally:
        app.close()
        place.forget(url)
    return spent


def _rows(place: Place, events: int) -> Rows:
    """Return the rows of a filled ledger, leaf hashes and all."""
    url, _ = place.ledger("sqlite", events)
    connection = sqlite_raw(url)
    rows = connection.execute("SELECT * FROM ledger_entry ORDER BY notification_id").fetchall()
    connection.close()
    return rows


def _parts(rows: Rows) -> Iterator[Rows]:
    """Yield rows in the portions in which an import records them."""
    some = iter(rows)
    for size in portions():
        part = list(islice(some, size))
        if not part:
            return
        yield part


def _sqlite_floor(place: Place, rows: Rows) -> float:
    url = place.fresh("sqlite")
    connection = sqlite_raw(url)
    connection.execute(EQUAL_SQLITE)

    def work() -> None:
        for part in _parts(rows):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO equal VALUES (?,?,?,?,?,?)", part)
            connection.execute("COMMIT")

    with collector_off():
        spent = seconds(work)
    connection.close()
    place.forget(url)
    return spent


def _postgresql_floor(place: Place, rows: Rows) -> float:
    url = place.fresh("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(EQUAL_POSTGRESQL)

        def work() -> None:
            for part in _parts(rows):
                with (
                    connection.transaction(),
                    connection.cursor() as cursor,
                    cursor.copy("COPY equal FROM STDIN (FORMAT BINARY)") as copy,
                ):
                    copy.set_types(["int8", "text", "int8", "text", "bytea", "bytea"])
                    for row in part:
                        copy.write_row(row)

        with collector_off():
            spent = seconds(work)
    place.forget(url)
    return spent
