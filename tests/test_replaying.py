"""The whole log told anew comes to what each stream says of itself, however it is dealt out."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import msgspec
import pytest
from books import opened

from api import city
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.replaying import ALWAYS, replay, work


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    with opened(database) as told:
        city.load(told)
        yield told


@pytest.mark.target("T01")
def test_a_replay_is_every_stream_and_the_root_of_the_log(book: Book) -> None:
    told = replay(book, hashed=True)
    size, root, _ = book.head()
    assert (told.size, told.root) == (size, root)
    assert told.states == {name: book.stream(name).state for name in told.states}
    assert told.states.keys() == {entry.stream for entry in book.entries()}


@pytest.mark.target("T17")
@pytest.mark.parametrize("shares", [2, 3])
def test_shares_in_other_processes_come_to_the_same(book: Book, shares: int) -> None:
    alone, dealt = replay(book, shares=1), replay(book, hashed=True, shares=shares)
    assert dealt.states == alone.states
    assert dealt.digest() == alone.digest()
    assert dealt.root == book.head()[1]


@pytest.mark.target("T02")
def test_a_replay_as_of_a_day_and_a_knowledge_is_the_fold_of_each_stream(book: Book) -> None:
    on, known = "2025-06-30", book.head()[0] // 2
    told = replay(book, on=on, known=known, shares=2)
    assert told.size == known
    for name, state in list(told.states.items())[::7]:
        assert state == book.state_at(name, on, known), name


@pytest.mark.one_backend("a byte of the file is changed")
@pytest.mark.target("T05")
@pytest.mark.parametrize("shares", [1, 2])
def test_a_changed_byte_stops_a_hashed_replay_in_whichever_process(
    sqlite_url: str, shares: int
) -> None:
    import sqlite3

    with opened(sqlite_url) as book:
        city.load(book)
        size = book.head()[0]
        for position in (size, size - 1, size - 2):
            with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as c:
                c.execute("DROP TRIGGER IF EXISTS ledger_entry_no_update")
                c.execute(
                    "UPDATE ledger_entry SET leaf=zeroblob(32) WHERE notification_id=?", (position,)
                )
            with pytest.raises(Corrupt, match="leaf"):
                replay(book, hashed=True, shares=shares)


def test_what_a_share_says_is_what_it_is_without_another_process(book: Book) -> None:
    """What the other process runs, run here: packed, the shares are the whole, and no more."""
    size = book.head()[0]
    told = {"url": book.url, "size": size, "on": ALWAYS, "hashed": True, "of": 2}
    shares = [msgspec.msgpack.decode(work(**told, number=number)) for number in range(2)]
    assert not shares[0].keys() & shares[1].keys()
    assert shares[0].keys() | shares[1].keys() == replay(book).states.keys()


def test_a_replay_tells_how_far_it_is_and_leaves_the_collector_as_it_was(book: Book) -> None:
    size, seen = book.head()[0], list[tuple[int, int]]()
    gc.disable()
    try:
        replay(book, progress=lambda done, of: seen.append((done, of)))
        assert not gc.isenabled()
    finally:
        gc.enable()
    replay(book)
    assert gc.isenabled()
    assert seen[-1] == (size, size)
