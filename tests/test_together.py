"""Acts that wait for one commit: each is all or nothing, and none is known before it is safe."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest
from books import ADMIN, CLERK, card, correction, opened, unit
from doors import staffed
from test_clerk import at_once, registration

from domain.decider import Refused
from ledger.act import Evidence, Unavailable
from ledger.book import Book
from ledger.verifying import verify
from projections.store import ReadModels

pytestmark = pytest.mark.one_backend("acts that share one commit, as on a file alone")


def pages_at_most(book: Book, count: int) -> None:
    """Let the file have so many pages more: SQLite then says, for true, that it is full."""
    with book.log.datastore.pool.writer() as cursor:  # type: ignore[union-attr]
        cursor.execute("PRAGMA page_count")
        there = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={there + count}")


@contextmanager
def no_file_grows() -> Iterator[None]:
    """Let the operating system refuse to write behind the first 8 KB of any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, hard))  # Python ignores SIGXFSZ
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_recorded_together_is_seen_by_others_when_it_is_settled(database: str):
    with opened(database) as book, opened(database) as other, book.together() as gathering:
        first = book.act([card("A1")], CLERK, key="k1")
        with pytest.raises(Refused):  # the number is taken by what is not yet committed
            book.act([card("A2", number="A1")], CLERK)
        second = book.act([correction("A1", "T14")], CLERK)
        again = book.act([card("A1")], CLERK, key="k1")
        assert again.replayed and again.first == first.first == 1
        assert book.stream("asset/A1").version == 2, "who recorded it sees it"
        if book.url.startswith("sqlite:"):
            assert other.head()[0] == 0, "nobody else does"
        book.settle()
        assert other.head()[0] == second.last == 2
        assert other.stream("asset/A1").state.model == "T14"
        third = book.act([correction("A1", "T15")], CLERK)
        book.settle()
        assert gathering.lost is None
        assert other.stream("asset/A1").version == 3
        assert third.first == 3
        assert verify(other).intact


def test_what_is_never_settled_was_never_recorded(sqlite_url: str):
    with opened(sqlite_url) as book:
        book.act([card("A1")], CLERK)
        with book.together():
            book.act([correction("A1", "T14")], CLERK)
        assert book.head()[0] == 1
        receipt = book.act([correction("A1", "T15")], CLERK)
        assert (receipt.first, book.stream("asset/A1").version) == (2, 2)
        assert verify(book).intact


def test_lists_and_other_threads_know_nothing_of_what_may_yet_be_lost(sqlite_url: str):
    with opened(sqlite_url) as book, closing(ReadModels.open(sqlite_url)) as models:
        book.act([card("A1")], CLERK)
        assert models.catch_up(book) == 1
        with book.together():
            book.act([correction("A1", "T14")], CLERK, key="k")
            found: list[int] = []
            thread = threading.Thread(target=lambda: found.append(book.stream("asset/A1").version))
            thread.start()
            thread.join()
            assert found == [1]
            assert 2 not in book._fresh, "what follows the log is not told before it is in the log"
            assert book._known.get("asset/A1") is None
            book.settle()
        assert models.catch_up(book) == 2


@pytest.mark.target("T125")
def test_one_act_that_finds_no_space_leaves_the_others(sqlite_url: str):
    with opened(sqlite_url) as book:
        book.act([unit("before")], ADMIN)
        with book.together() as gathering:
            pages_at_most(book, 20)
            book.act([unit("small")], ADMIN)
            with pytest.raises(Unavailable) as full:
                book.act([unit("large")], ADMIN, evidence=[Evidence("text/plain", bytes(1 << 20))])
            assert full.value.kind == "disk-full"
            book.settle()
            assert gathering.lost is None
        assert [book.stream(f"unit/{u}").version for u in ("small", "large")] == [1, 0]
        assert verify(book).intact


@pytest.mark.target("T125")
def test_a_commit_that_fails_loses_what_was_together_and_says_whose(sqlite_url: str):
    with opened(sqlite_url) as book:
        with book.together() as gathering:
            safe = book.act([unit("safe")], ADMIN)
            book.settle()
            lost = book.act([unit("lost")], ADMIN)
            with no_file_grows(), pytest.raises(Unavailable) as full:
                book.settle()
            assert full.value.kind in {"disk-full", "disk"}
            with pytest.raises(Unavailable):  # nothing may take the place of what was lost
                book.act([unit("after")], ADMIN)
        assert not gathering.was_lost(safe.last)
        assert gathering.was_lost(lost.last)
        assert book.stream("unit/lost").version == 0
        assert book.act([unit("lost")], ADMIN).first == safe.last + 1
        assert verify(book).intact


@pytest.mark.target("T125")
def test_on_a_full_disk_who_is_answered_yes_is_recorded_and_nobody_else(sqlite_url: str):
    with staffed(sqlite_url) as office:
        before = office.book.head()[0]
        pages_at_most(office.book, 12)
        answers: list[httpx.Response] = []
        for start in range(0, 600, 60):
            answers += at_once(office, [registration(n) for n in range(start, start + 60)])
        kept = [number for number, answer in enumerate(answers) if answer.status_code == 200]
        assert 0 < len(kept) < 600
        said = {answer.json()["type"] for answer in answers if answer.status_code != 200}
        # On a crowded machine some wait ten seconds for their turn: they, too, are told no.
        assert {s.rpartition("/")[2] for s in said} - {"database-locked"} == {"database-disk-full"}
        pages_at_most(office.book, 1_000_000)
        assert office.book.head()[0] == before + len(kept)
        for number in range(600):
            there = office.book.stream(f"asset/A{number}").version
            assert there == (1 if number in kept else 0), f"A{number}"
        assert verify(office.book).intact
