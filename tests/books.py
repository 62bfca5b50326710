"""What the tests of the ledger share: small requests, and writers that live in other processes."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

from domain.decider import Ask, Occasion
from ledger.act import Unavailable
from ledger.book import Book
from ledger.postgres import GUARDED

ON = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 4, tzinfo=UTC)  # noon in Beijing
ADMIN = Occasion(by="u_admin", on=ON, unit="o_1", role="admin")
CLERK = Occasion(by="u_clerk", on=ON, unit="o_1", role="clerk")

# Warm processes to fork from: a writer then starts in a few hundredths of a second. They do not
# look where this module lies (Python 3.11), but what takes its time to import is installed.
processes = get_context("forkserver")
processes.set_forkserver_preload(["ledger.book", "ledger.postgres"])


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Book]:
    """Lend an open book."""
    book = Book.open(url, **options)
    try:
        yield book
    finally:
        book.close()


def unit(name: str) -> Ask:
    """Ask for a unit: one entry of a stream of its own."""
    return Ask(f"unit/{name}", "establish", {"name": f"示例市{name}局", "kind": "organ"})


def card(asset: str, number: str = "", **fields: Any) -> Ask:
    """Ask for an asset's card; its number may be used once."""
    form = {"asset_no": number or asset, "name": "笔记本电脑", "kind": "computer", "unit": "o_1"}
    return Ask(f"asset/{asset}", "register_existing", {**form, "value": 650_000, **fields})


def correction(asset: str, model: str) -> Ask:
    """Ask for another entry in an asset's stream."""
    return Ask(f"asset/{asset}", "correct_card", {"reason": "核对", "model": model})


def write_until_killed(url: str, name: str, first: int, acknowledged: Connection) -> None:
    """Record acts of three entries for ever; report each key only after its receipt."""
    try:
        book = Book.open(url)
        for number in count(first):
            key = f"{name}.{number}"
            receipt = book.act([unit(f"{key}.{i}") for i in range(3)], ADMIN, key=key)
            acknowledged.send((key, receipt.first))
    except Unavailable:  # the server was killed, not we
        return


def write_documents(url: str, name: str, entries: int, begun: Connection) -> None:
    """Record large acts for ever; say before each that it begins."""
    with opened(url) as book:
        for number in count():
            asks = [unit(f"{name}.{number}.{i}") for i in range(entries)]
            begun.send(number)
            book.act(asks, ADMIN, key=f"{name}.{number}")


def started(target: Any, *arguments: Any) -> BaseProcess:
    """Start a function of this module in a process of its own."""
    process = processes.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def kill(victims: list[BaseProcess]) -> None:
    """Kill -9, and wait until they are gone."""
    for process in victims:
        if process.pid is not None and process.is_alive():
            process.kill()
    for process in victims:
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode


@contextmanager
def unguarded(url: str) -> Iterator[Callable[..., Any]]:
    """Lend what somebody has who owns the database: statements that no guard refuses."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.isolation_level = None
            file.execute("PRAGMA synchronous=OFF")  # whoever forges fears no power cut
            file.execute("BEGIN IMMEDIATE")
            guards = file.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'")
            kept = guards.fetchall()
            for name, _ in kept:
                file.execute(f"DROP TRIGGER {name}")
            yield lambda query, *values: file.execute(query, values)
            for _, statement in kept:
                file.execute(statement)
            file.execute("COMMIT")
        return
    with psycopg.connect(url) as server:
        for table in GUARDED:
            server.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        yield lambda query, *values: server.execute(query.replace("?", "%s").encode(), values)
        for table in GUARDED:
            server.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


@contextmanager
def going_back(url: str) -> Iterator[None]:
    """Let a database be at the end what it was at the beginning: an older backup is restored.

    A file is to be closed by then.
    """
    if url.startswith("sqlite:"):
        file = Path(url.removeprefix("sqlite:///"))
        backup = file.with_name("older.backup")
        with closing(sqlite3.connect(file)) as kept:
            kept.execute("VACUUM INTO ?", (str(backup),))
        yield
        for left in file.parent.glob(file.name + "*"):
            left.unlink()
        backup.rename(file)
        return
    named = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname='public'"
    with psycopg.connect(url) as server:
        tables = [name for (name,) in server.execute(named)]
        held = {}
        for name in tables:
            with server.cursor().copy(f"COPY {name} TO STDOUT".encode()) as rows:
                held[name] = b"".join(rows)
    yield
    with psycopg.connect(url) as server:
        server.execute(
            "SET session_replication_role = replica"
        )  # no guard refuses, as in a restore
        server.execute(f"TRUNCATE {', '.join(tables)}".encode())
        for name, before in held.items():
            with server.cursor().copy(f"COPY {name} FROM STDIN".encode()) as rows:
                rows.write(before)
