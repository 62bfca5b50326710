"""重放 · Replay of the log into states, and with every leaf hashed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.measuring import Bar, Figure, collector_off, medians, seconds, short
from benchmarks.places import GROWTH, Place, sqlite_raw
from ledger.book import Book
from ledger.replaying import ALWAYS, replay
from ledger.verifying import verify

SCAN = (
    "SELECT notification_id, originator_id, originator_version, topic, state"
    " FROM ledger_entry ORDER BY notification_id"
)


def run(place: Place) -> Iterator[Figure]:
    """Yield replay with and without hashes at each size, then the whole verification."""
    for size in GROWTH:
        yield from _figures(place, "sqlite", "SQLite", size)
    yield from _figures(place, "postgresql", "PostgreSQL", GROWTH[0])
    events = place.size(GROWTH[0])
    url, _ = place.ledger("sqlite", events)
    book = Book.open(url)
    try:
        yield Figure(
            work=f"SQLite, verify, {short(events)}",
            ours=events / seconds(lambda: _verified(book)),
            unit="events/s",
        )
    finally:
        book.close()


def _figures(place: Place, back_end: str, title: str, size: int) -> Iterator[Figure]:
    events = place.size(size)
    url, lives = place.ledger(back_end, events)
    book = Book.open(url)
    bars = (Bar(least=200_000), Bar(least=150_000)) if size == GROWTH[-1] else (Bar(), Bar())
    try:
        with collector_off():
            plain, hashed, scan = medians(
                place.times(events),
                lambda: events / seconds(lambda: replay(book)),
                lambda: events / seconds(lambda: _rehashed(book)),
                lambda: events / seconds(lambda: _scan(url)),
            )
        states = replay(book).states
        assert len(states) == lives.assets
        step = max(1, lives.assets // 500)
        for stream in lives.streams[::step]:
            assert states[stream] == book.stream(stream).state, f"{stream} replays to another state"
    finally:
        book.close()
    beside = "scan of the same bytes"
    for work, ours, bar in (("", plain, bars[0]), ("with leaves and root, ", hashed, bars[1])):
        yield Figure(
            work=f"{title}, {work}{short(events)}",
            ours=ours,
            unit="events/s",
            floor=scan,
            beside=beside,
            bar=bar,
        )


def folded(book: Book, on: str = ALWAYS, known: int | None = None) -> dict[str, Any]:
    """Return the state of every stream, true on a business date, known at a position."""
    return replay(book, on=on, known=known, shares=1).states


def _rehashed(book: Book) -> None:
    """Replay while hashing every entry, compare with the stored leaves, and grow the tree."""
    told = replay(book, hashed=True)
    assert (told.size, told.root) == book.head()[:2], "the tree is not that of the log"


def _scan(url: str) -> int:
    """Read the same bytes with the plain driver; return how many there are."""
    if url.startswith("sqlite:"):
        connection = sqlite_raw(url)
        total = sum(len(row[4]) for row in connection.execute(SCAN))
        connection.close()
        return total
    with (
        psycopg.connect(url) as server,
        server.cursor("scan", binary=True) as cursor,  # in portions, as the ledger reads
    ):
        cursor.itersize = 20_000
        return sum(len(row[4]) for row in cursor.execute(SCAN))


def _verified(book: Book) -> None:
    verdict = verify(book)
    assert verdict.intact, verdict.sentence("en")
