"""重放 · Replay of the log into states, and with every leaf hashed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.measuring import Bar, Figure, collector_off, medians, seconds, short
from benchmarks.places import GROWTH, Place, sqlite_raw
from domain.decider import LIFECYCLES
from ledger import tree
from ledger.book import Book
from ledger.entry import Entry
from ledger.sqlite import PAGE_ROWS
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
                lambda: events / seconds(lambda: folded(book)),
                lambda: events / seconds(lambda: _rehashed(book)),
                lambda: events / seconds(lambda: _scan(url)),
            )
        states = folded(book)
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


def folded(book: Book, on: str = "9999-12-31", known: int | None = None) -> dict[str, Any]:
    """Return the state of every stream, true on a business date, known at a position.

    Streams told in order are folded as they come; where something is late or taken back, the
    ledger's own fold of that stream decides.
    """
    return _fold(book, book.entries(1, known), on, known)


def _fold(book: Book, entries: Iterator[Entry], on: str, known: int | None) -> dict[str, Any]:
    told: dict[str, list[Any]] = {}  # state, what facts mean for it, its last business date
    retold: set[str] = set()
    lives = {kind: (life.state(), life.meanings) for kind, life in LIFECYCLES.items()}
    for entry in entries:
        stream = entry.stream
        day = entry.effective_at[:10]
        one = told.get(stream)
        if one is None:
            one = told[stream] = [*lives[stream[: stream.index("/")]], day]
        elif entry.corrects is not None or day < one[2]:
            retold.add(stream)
            continue
        one[2] = day
        if day <= on:
            event = entry.event
            one[0] = one[1][type(event)](one[0], event)
    states = {stream: one[0] for stream, one in told.items()}
    for stream in retold:
        states[stream] = book.state_at(stream, on, known)
    return states


def _rehashed(book: Book) -> None:
    """Replay while hashing every entry, compare with the stored leaves, and grow the tree."""
    frontier: list[bytes] = []
    size = 0

    def checked() -> Iterator[Entry]:
        nonlocal size
        leaves: list[bytes] = []
        for entry in book.entries():
            leaves.append(tree.leaf(entry.state))
            yield entry
            if len(leaves) == PAGE_ROWS:
                size = _grown(book, size, frontier, leaves)
                leaves = []
        size = _grown(book, size, frontier, leaves)

    _fold(book, checked(), "9999-12-31", None)
    assert (size, tree.root(frontier)) == book.head()[:2], "the tree is not that of the log"


def _grown(book: Book, size: int, frontier: list[bytes], leaves: list[bytes]) -> int:
    if leaves:
        assert book.log.leaves(size + 1, size + len(leaves)) == leaves, "a leaf differs"
    return tree.grow(size, frontier, leaves)


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
