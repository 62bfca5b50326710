"""Many at once: one wins, the others hear why, the log has no gap and no double."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Barrier
from typing import Any

import pytest
from books import ADMIN, CLERK, card, correction, opened, processes, started, unit

import ledger.sqlite
from domain.asset import CardCorrected
from domain.decider import Ask, Refused
from ledger.act import Conflict, Unavailable
from ledger.book import Book
from ledger.verifying import verify

PEOPLE = 50


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run the same work in many threads that start together; return answers and refusals."""
    start = Barrier(count)

    def one(number: int) -> Any:
        start.wait()
        try:
            return work(number)
        except (Refused, Conflict) as refused:
            return refused

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.target("T116")
def test_of_fifty_people_who_are_issued_one_asset_one_gets_it(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        answers = at_once(
            PEOPLE, lambda n: book.act([Ask("asset/A1", "issue", {"user": f"u_{n}"})], CLERK)
        )
        refusals = [a for a in answers if isinstance(a, Refused)]
        assert len(refusals) == PEOPLE - 1
        for refused in refusals:
            assert refused.rule.slug
            assert "在用" in refused.sentence("zh")
            assert "in use" in refused.sentence("en")
        (winner,) = [n for n, a in enumerate(answers) if not isinstance(a, Refused)]
        assert book.stream("asset/A1").state.user == f"u_{winner}"
        assert book.stream("asset/A1").version == 2
        assert verify(book).intact


@pytest.mark.target("T116")
def test_of_fifty_people_who_saw_the_same_version_one_may_write(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        answers = at_once(
            PEOPLE,
            lambda n: book.act([correction("A1", f"X{n}")], CLERK, expected={"asset/A1": 1}),
        )
        conflicts = [a for a in answers if isinstance(a, Conflict)]
        assert len(conflicts) == PEOPLE - 1
        assert {(c.stream, c.expected, c.current) for c in conflicts} == {("asset/A1", 1, 2)}
        assert verify(book).intact


@pytest.mark.target("T116")
def test_of_fifty_claims_of_one_asset_number_one_is_granted(database: str):
    with opened(database) as book:
        answers = at_once(PEOPLE, lambda n: book.act([card(f"A{n}", "示001")], CLERK))
        refusals = [a for a in answers if isinstance(a, Refused)]
        assert len(refusals) == PEOPLE - 1
        assert {r.rule.slug for r in refusals} == {"number-taken"}
        assert all("示001" in r.sentence("zh") and "示001" in r.sentence("en") for r in refusals)
        (winner,) = [n for n, a in enumerate(answers) if not isinstance(a, Refused)]
        assert book.log.claimed("asset_no", "示001") == f"asset/A{winner}"
        assert book.head()[0] == 1
        assert verify(book).intact


@pytest.mark.target("T115")
@pytest.mark.target("T116")
def test_fifty_repetitions_of_one_request_at_once_are_recorded_once(database: str):
    with opened(database) as book:
        answers = at_once(PEOPLE, lambda _: book.act([card("A1")], CLERK, key="k1"))
        assert not [a for a in answers if isinstance(a, Exception)]
        assert {a.first for a in answers} == {1}
        assert sum(not a.replayed for a in answers) == 1
        assert book.head()[0] == 1


@pytest.mark.target("T116")
def test_two_numbers_claimed_in_one_act_are_granted_together_or_not_at_all(database: str):
    with opened(database) as book:
        book.act([card("A1", "示001")], CLERK)
        with pytest.raises(Refused) as refused:
            book.act([card("A2", "示002"), card("A3", "示001")], CLERK)
        assert refused.value.rule.slug == "number-taken"
        with pytest.raises(Refused):
            book.act([card("A4", "示003"), card("A5", "示003")], CLERK)
        assert book.head()[0] == 1
        assert book.log.claimed("asset_no", "示002") is None
        assert not book.act([card("A6", "示002")], CLERK).replayed


# Processes --------------------------------------------------------------------

WRITERS, ACTS, SHARED = 8, 40, 4


def write_with_conflicts(url: str, number: int, pipe: Connection) -> None:
    """Correct shared assets all writers fight for, and record units of our own."""
    acknowledged: list[tuple[str, int]] = []
    conflicts = 0
    with opened(url) as book:
        for act in range(ACTS):
            key = f"p{number}.{act}"
            asset = f"S{act % SHARED}"
            asks = [correction(asset, key)]
            version = book.stream(f"asset/{asset}").version
            try:
                receipt = book.act(asks, CLERK, key=key, expected={f"asset/{asset}": version})
            except Conflict:  # forced: somebody was faster; once more on the newer state
                conflicts += 1
                receipt = book.act(asks, CLERK, key=key)
            acknowledged.append((key, receipt.first))
    pipe.send((acknowledged, conflicts))


def tail(book: Book, done: Callable[[], bool]) -> list[tuple[int, str]]:
    """Follow the log as a projection does: always from the last position seen."""
    seen: list[tuple[int, str]] = []
    finished = False
    while True:
        start = seen[-1][0] + 1 if seen else 1
        new = [(row[0], row[1]) for page in book.log.rows(start) for row in page]
        seen += new
        if finished and not new:
            return seen
        finished = done()


@pytest.mark.target("T116")
def test_eight_writing_processes_and_a_reader_lose_double_and_skip_nothing(database: str):
    with opened(database) as book:
        book.act([card(f"S{n}") for n in range(SHARED)], CLERK)
        pipes, writers = [], []
        for number in range(WRITERS):
            ours, theirs = processes.Pipe(duplex=False)
            writers.append(started(write_with_conflicts, database, number, theirs))
            theirs.close()
            pipes.append(ours)
        seen = tail(book, lambda: not any(w.is_alive() for w in writers))
        said = [pipe.recv() for pipe in pipes]
        acknowledged = [pair for pairs, _ in said for pair in pairs]
        print(f"{len(acknowledged)} acts, {sum(c for _, c in said)} conflicts")
        size = SHARED + WRITERS * ACTS
        assert [position for position, _ in seen] == list(range(1, size + 1))
        assert len({first for _, first in acknowledged}) == WRITERS * ACTS
        for key, first in acknowledged:
            command = book.log.command(first)
            assert command is not None
            assert (command[0], command[4]) == (first, key)
        assert sum(c for _, c in said) > 0, "the test forced no conflict"
        models = Counter(
            entry.event.model
            for entry in book.entries(SHARED + 1)
            if isinstance(entry.event, CardCorrected)
        )
        assert set(models.values()) == {1}
        verdict = verify(book)
        assert verdict.intact, verdict.sentence("en")


def hold(path: str, pipe: Connection) -> None:
    """Be the other program that holds the file until told to let go."""
    import sqlite3

    file = sqlite3.connect(path, isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    pipe.send("held")
    pipe.recv()
    file.rollback()


@pytest.mark.one_backend("another process holds the lock of the file")
def test_a_second_process_that_holds_the_file_is_told_and_waited_for(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger.sqlite, "LOCK_SECONDS", 1)
    with opened(sqlite_url) as book:
        book.act([unit("o_1")], ADMIN)
        ours, theirs = processes.Pipe()
        other = started(hold, sqlite_url.removeprefix("sqlite:///"), theirs)
        assert ours.recv() == "held"
        with pytest.raises(Unavailable) as trouble:
            book.act([unit("o_2")], ADMIN)
        assert trouble.value.kind == "locked"
        assert "占用" in trouble.value.sentence("zh")
        assert book.stream("unit/o_1").version == 1  # reading goes on
        with opened(sqlite_url) as late:  # so does opening
            assert late.head()[0] == 1
        ours.send("let go")
        other.join()
        assert book.act([unit("o_2")], ADMIN).first == 2
        assert verify(book).intact


def open_and_write(url: str, number: int, pipe: Connection) -> None:
    """Open a database that may not exist yet, and record one act."""
    with opened(url) as book:
        pipe.send(book.act([unit(f"o_{number}")], ADMIN).first)


def test_many_processes_make_a_new_database_at_the_same_moment(database: str):
    pipes, makers = [], []
    for number in range(6):
        ours, theirs = processes.Pipe(duplex=False)
        makers.append(started(open_and_write, database, number, theirs))
        theirs.close()
        pipes.append(ours)
    assert sorted(pipe.recv() for pipe in pipes) == [1, 2, 3, 4, 5, 6]
    with opened(database) as book:
        assert verify(book).intact
