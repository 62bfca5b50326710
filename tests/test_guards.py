"""Nothing deletes or edits history: not the code, and not a statement sent to the database."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import ADMIN, CLERK, card, opened, unit

from ledger.act import Evidence, Unsafe
from ledger.book import Book
from ledger.verifying import verify

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("ledger_entry", "ledger_command", "ledger_claim", "ledger_evidence", "ledger_head")


@pytest.fixture
def url(database: str) -> str:
    """Return a database whose every ledger table has a row."""
    with opened(database) as book:
        book.act([unit("o_1"), unit("o_2")], ADMIN, evidence=[Evidence("text/plain", b"paper")])
        book.act([card("A1", "示001")], CLERK, key="k1")
    return database


@pytest.fixture
def execute(url: str) -> Iterator[Callable[[str], Any]]:
    """Yield a function that runs one statement, as somebody with the application's password."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.isolation_level = None
            yield file.execute
    else:
        with psycopg.connect(url, autocommit=True) as server:
            yield lambda statement: server.execute(statement.encode())


def refused(execute: Callable[[str], Any], statement: str) -> None:
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="append-only"):
        execute(statement)


FORBIDDEN = [
    "UPDATE ledger_entry SET topic='x'",
    "UPDATE ledger_entry SET state=state WHERE notification_id=1",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_entry WHERE notification_id=3",
    "UPDATE ledger_command SET context='{}'",
    "DELETE FROM ledger_command",
    "UPDATE ledger_claim SET stream='asset/A2'",
    "DELETE FROM ledger_claim",
    "UPDATE ledger_evidence SET media='x'",
    "DELETE FROM ledger_evidence",
    "DELETE FROM ledger_head",
    "UPDATE ledger_head SET size=0",
]


@pytest.mark.target("T08")
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_refuses_to_change_or_remove_a_row(
    url: str, execute: Callable[[str], Any], statement: str
):
    refused(execute, statement)
    with opened(url) as book:
        assert book.head()[0] == 3
        assert verify(book).intact


@pytest.mark.target("T08")
@pytest.mark.parametrize("table", TABLES)
def test_postgresql_refuses_to_truncate(postgresql_url: str, table: str):
    with opened(postgresql_url) as book, psycopg.connect(postgresql_url) as server:
        book.act([unit("o_1")], ADMIN)
        with pytest.raises(psycopg.Error, match="append-only"):
            server.execute(f"TRUNCATE {table}".encode())


REPLACED = [
    "INSERT OR REPLACE INTO ledger_entry VALUES (1,'unit/x',1,'t',x'00',x'00')",
    "INSERT OR REPLACE INTO ledger_entry VALUES (9,'unit/o_1',1,'t',x'00',x'00')",
    "REPLACE INTO ledger_command VALUES (1,1,'c','a',NULL,'','{}','','')",
    "REPLACE INTO ledger_command VALUES (9,1,'c','u_clerk','k1','','{}','','')",
    "REPLACE INTO ledger_claim VALUES ('asset_no','示001','asset/A2')",
    "REPLACE INTO ledger_evidence SELECT sha256, 'x', content, seal FROM ledger_evidence",
    "REPLACE INTO ledger_head VALUES (1,0,'',x'')",
]


@pytest.mark.one_backend("a way of SQLite to lose what was written")
@pytest.mark.target("T08")
@pytest.mark.parametrize("statement", REPLACED)
def test_sqlite_refuses_to_replace_a_row(sqlite_url: str, statement: str):
    """REPLACE deletes without a DELETE: by default SQLite fires no trigger for it."""
    with opened(sqlite_url) as book:
        book.act([unit("o_1"), unit("o_2")], ADMIN, evidence=[Evidence("text/plain", b"paper")])
        book.act([card("A1", "示001")], CLERK, key="k1")
        with (
            closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            file.execute(statement)
        assert verify(book).intact


@pytest.mark.target("T08")
def test_postgresql_has_no_upsert_around_the_guard(postgresql_url: str):
    with opened(postgresql_url) as book, psycopg.connect(postgresql_url) as server:
        book.act([unit("o_1")], ADMIN)
        with pytest.raises(psycopg.Error, match="append-only"):
            server.execute(
                "INSERT INTO ledger_entry SELECT * FROM ledger_entry"
                " ON CONFLICT (notification_id) DO UPDATE SET topic='x'"
            )


CHANGES = re.compile(
    r"\b(?:update\s+(?:only\s+)?|delete\s+from\s+|truncate\s+(?:table\s+)?|drop\s+table\s+"
    r"|alter\s+table\s+|replace\s+into\s+)(ledger_\w+)",
    re.IGNORECASE,
)


def texts_in_code() -> Iterator[tuple[str, str]]:
    """Yield every text of the shipped code with its file, joined as Python joins it."""
    for folder in ("api", "domain", "labels", "ledger", "projections"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Constant(value=str(text)):
                        yield str(path.relative_to(ROOT)), text
                    case ast.JoinedStr(values=parts):
                        said = [p.value for p in parts if isinstance(p, ast.Constant)]
                        yield str(path.relative_to(ROOT)), "…".join(map(str, said))


@pytest.mark.target("T08")
def test_no_shipped_statement_deletes_or_edits_history():
    """Only the head (size and right edge of the tree) is ever updated, and only as it grows."""
    found = {
        (file, match.group(1), match.group(0).split()[0].upper())
        for file, text in texts_in_code()
        for match in CHANGES.finditer(text)
    }
    assert found == {
        # Bytes of a file that was taken out by an event; the entries stay (T13).
        ("ledger/sqlite.py", "ledger_file", "DELETE"),
        ("ledger/postgres.py", "ledger_file", "DELETE"),
        ("ledger/postgres.py", "ledger_file", "ALTER"),  # to the same type: written anew without
        ("ledger/sqlite.py", "ledger_head", "UPDATE"),
        ("ledger/postgres.py", "ledger_head", "UPDATE"),
        ("ledger/restoring.py", "ledger_head", "UPDATE"),
    }


@pytest.mark.target("T08")
def test_the_scan_would_find_a_forbidden_statement():
    for statement in FORBIDDEN:
        assert CHANGES.search(statement), statement


@pytest.mark.target("T08")
def test_the_book_offers_nothing_that_deletes_or_edits():
    for name in (n for n in dir(Book) if not n.startswith("_")):
        assert not re.search(r"delete|remove|edit|update|truncate|purge|replace|drop", name), name


# Durability asserted ----------------------------------------------------------


@pytest.mark.one_backend("settings of connections to a file")
def test_every_sqlite_connection_is_full_and_wal(sqlite_url: str):
    with opened(sqlite_url) as book:
        pool: Any = book.log.datastore.pool
        connections = [pool.get_connection() for _ in range(7)]
        with pool.writer(), pool.reader():
            pass
        kept = [pool._writer, *pool._readers]
        assert len(kept) > 1
        for connection in connections + kept:
            cursor = connection.cursor()
            said = {}
            for pragma in ("synchronous", "journal_mode", "foreign_keys", "trusted_schema"):
                cursor.execute(f"PRAGMA {pragma}")
                said[pragma] = cursor.fetchone()[0]
            assert said == {
                "synchronous": 2,
                "journal_mode": "wal",
                "foreign_keys": 1,
                "trusted_schema": 0,
            }
        for connection in connections:
            pool.put_connection(connection)


class Forgetful(sqlite3.Connection):
    """A library build that ignores a wish for durability."""

    def cursor(self, *arguments, **named):
        cursor = super().cursor(*arguments, **named)
        return ForgetfulCursor(self) if cursor else cursor


class ForgetfulCursor(sqlite3.Cursor):
    def execute(self, query, *arguments):
        return super().execute(query.replace("synchronous=2", "synchronous=1"), *arguments)


@pytest.mark.one_backend("a way of SQLite to lose what was written")
def test_a_connection_that_would_not_sync_is_refused(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda **o: connect(**o, factory=Forgetful))
    with pytest.raises(Unsafe, match="synchronous"):
        Book.open(sqlite_url)


@pytest.mark.one_backend("a way of SQLite to lose what was written")
def test_a_database_in_memory_is_no_ledger():
    with pytest.raises(Unsafe, match="wal"):
        Book.open("sqlite:///:memory:")


@pytest.mark.parametrize("level", ["off", "local"])
def test_a_server_that_answers_before_it_wrote_is_refused(postgresql_url: str, level: str):
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        name = server.info.dbname
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = '{level}'".encode())
    with pytest.raises(Unsafe, match="synchronous_commit"):
        Book.open(postgresql_url)
