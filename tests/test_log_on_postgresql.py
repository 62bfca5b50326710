"""The log on a PostgreSQL server: its connections, its function, and lost races."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from books import ADMIN, CLERK, card, correction, opened, unit

from ledger import postgres
from ledger.act import Conflict, Unavailable
from ledger.book import Book
from ledger.postgres import LedgerPostgresRecorder

pytestmark = pytest.mark.postgresql


def log(book: Book) -> LedgerPostgresRecorder:
    assert isinstance(book.log, LedgerPostgresRecorder)
    return book.log


def process(book: Book) -> int:
    """Return the server process that answers who asks now."""
    with log(book).reading() as c:
        return c.connection.info.backend_pid


def lent(book: Book, stack: ExitStack) -> psycopg.Connection[Any]:
    return stack.enter_context(log(book).reading()).connection


def test_the_connection_used_last_is_used_again(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        first = process(book)
        book.act([card("A1", "示001")], CLERK)
        assert {process(book) for _ in range(5)} == {first}


def test_who_asks_at_the_same_time_has_a_connection_of_their_own(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        with ExitStack() as stack:
            all_ = [lent(book, stack) for _ in range(2 * postgres.KEPT_MAX)]
            assert len({c.info.backend_pid for c in all_}) == 2 * postgres.KEPT_MAX
        assert len(log(book)._kept) == postgres.KEPT_MAX


def test_what_is_kept_is_closed_with_the_book(postgresql_url: str) -> None:
    with opened(postgresql_url) as book, ExitStack() as stack:
        late = lent(book, stack)
        with ExitStack() as other:
            early = lent(book, other)
        book.close()
        assert early.closed
        assert not late.closed
        stack.close()
        assert late.closed, "given back after the end"


def test_the_pool_looks_after_a_connection_that_was_kept_for_long(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(postgresql_url) as book:
        first = process(book)
        monkeypatch.setattr(postgres, "KEPT_SECONDS", 0.0)
        assert process(book) != first, "the pool hands out the one that waited longest"


def test_an_unfinished_transaction_is_not_handed_on(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        with log(book).reading() as c:
            c.execute("BEGIN")
            c.execute("CREATE TABLE half (one int)")
        with log(book).reading() as c:
            row = c.execute("SELECT to_regclass('half')").fetchone()
        assert row == (None,)


def test_a_cut_connection_is_told_as_such_and_forgotten(postgresql_url: str) -> None:
    with opened(postgresql_url) as book, psycopg.connect(postgresql_url, autocommit=True) as dba:
        dba.execute("SELECT pg_terminate_backend(%s)", (process(book),))
        with pytest.raises(Unavailable) as cut:
            book.head()
        assert cut.value.kind == "away"
        assert book.head()[0] == 0


def test_many_threads_share_them(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        sizes: list[int] = []

        def look() -> None:
            sizes.extend(book.head()[0] for _ in range(20))

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sizes == [0] * 160


def test_a_lost_race_is_told_with_the_version_that_is_there(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        book.act([card("A1", "示001")], CLERK)
        old = book.preview([correction("A1", "T14")], CLERK)
        for model in ("T15", "T16"):
            book.act([correction("A1", model)], CLERK)
        with pytest.raises(Conflict) as lost:
            book.append(old, actor="u_clerk", cause="cmd_lost")
        assert (lost.value.stream, lost.value.expected, lost.value.current) == ("asset/A1", 1, 3)
        assert book.head()[0] == 3
        book.act([correction("A1", "T17")], CLERK)
        assert [e.position for e in book.entries()] == [1, 2, 3, 4]


def test_of_an_act_that_lost_one_of_its_streams_nothing_is_recorded(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        book.act([card("A1", "示001")], CLERK)
        (fresh,) = book.preview([unit("o_1")], ADMIN)
        (old,) = book.preview([correction("A1", "T14")], CLERK)
        book.act([correction("A1", "T15")], CLERK)
        with pytest.raises(Conflict) as lost:
            book.append([fresh, old], actor="u_clerk", cause="cmd_lost")
        assert (lost.value.stream, lost.value.current) == ("asset/A1", 2)
        assert book.head()[0] == 2
        assert book.stream("unit/o_1").version == 0


def test_a_ledger_of_an_older_release_is_given_the_function_it_lacks(postgresql_url: str) -> None:
    with opened(postgresql_url) as book:
        book.act([card("A1", "示001")], CLERK)
    with psycopg.connect(postgresql_url, autocommit=True) as dba:
        dba.execute("DROP FUNCTION ledger_record")
    with opened(postgresql_url) as book:
        assert book.act([correction("A1", "T14")], CLERK).first == 2
