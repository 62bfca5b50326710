"""Make the lists of this version beside those of the last, which go on serving until it is taken.

On SQLite they are made in a file beside the ledger's, on a server in a schema of their own. The
next start takes them over in one transaction, and follows from where they are: what would have
been a rebuild is a copy, or a change of names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, make_url, text

from ledger.book import Book
from projections.following import metadata

Progress: TypeAlias = Callable[[int, int], None]
MARK = "prepared"  # a table that says of which log, and up to where


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which version the lists that serve are of, and how far those that were prepared are."""

    version: int
    wanted: int
    reached: int

    @property
    def due(self) -> bool:
        """Tell whether the lists are to be made anew."""
        return self.version != self.wanted


def file(url: str, version: int) -> Path:
    """Return the file beside a SQLite file."""
    return Path(f"{url.removeprefix('sqlite:///')}-lists-{version}")


def schema(version: int) -> str:
    """Return the schema on a server."""
    return f"gongwu_lists_{version}"


def place(url: str, version: int) -> str:
    """Return the address under which the lists of a version are prepared."""
    if url.startswith("sqlite:"):
        return f"sqlite:///{file(url, version)}"
    address = make_url(url.replace("postgres://", "postgresql://", 1))
    path = {"options": f"-csearch_path={schema(version)}"}
    return address.update_query_dict(path).render_as_string(hide_password=False)


def standing(book: Book, wanted: int) -> Standing:
    """Return how lists stand, opening none of them; a ledger without lists is of version 0."""
    with book.log.snapshot() as select:
        server = not book.url.startswith("sqlite:")
        query = (
            "SELECT 1 FROM pg_tables WHERE tablename='projected' AND schemaname=current_schema()"
            if server
            else "SELECT 1 FROM sqlite_master WHERE name='projected'"
        )
        rows = select("SELECT version, position FROM projected") if select(query) else []
    version, reached = rows[0] if rows else (0, 0)
    return Standing(version=int(version), wanted=wanted, reached=int(reached))


def prepare(book: Book, progress: Progress | None = None) -> int:
    """Make the lists beside those that serve, or bring them up to date; return how far they are.

    Whoever records meanwhile goes on; call again shortly before the change, so that little is left.
    """
    from projections.store import LOCK, VERSION, ReadModels

    url = place(book.url, VERSION)
    if not book.url.startswith("sqlite:"):
        _make_schema(book.url, schema(VERSION))
    models = ReadModels.open(url, lock=LOCK + VERSION)  # nobody who serves waits for us
    try:
        end = models.position()
        with models.engine.begin() as c:
            c.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {MARK} (position bigint, leaf text)")
            # Of another log, or of a file that was restored since: begun anew.
            if end and _leaf_of(c) != (end, _leaf(book, end)):
                c.exec_driver_sql("UPDATE projected SET position=0")
                for table in metadata.sorted_tables:
                    if table.name != "projected":
                        c.execute(table.delete())
                end = 0
        if not end:
            models.rebuild(book, progress)
        end = models.catch_up(book, progress)  # what was recorded meanwhile, too
        with models.engine.begin() as c:
            c.exec_driver_sql(f"DELETE FROM {MARK}")  # noqa: S608 - our own table
            c.execute(
                text(f"INSERT INTO {MARK} VALUES (:position, :leaf)"),  # noqa: S608 - our own table
                {"position": end, "leaf": _leaf(book, end)},
            )
        return end
    finally:
        models.close()


def _make_schema(url: str, name: str) -> None:
    from projections.store import ReadModels

    models = ReadModels(url)
    try:
        with models.engine.begin() as c:
            c.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
    finally:
        models.close()


def _leaf_of(c: Connection) -> tuple[int, str] | None:
    row = c.execute(text(f"SELECT position, leaf FROM {MARK}")).first()  # noqa: S608 - our own table
    return (int(row[0]), str(row[1])) if row is not None else None


def _leaf(book: Book, position: int) -> str:
    """Return the hash of the entry at a position, by which a log is known."""
    with book.log.snapshot() as select:
        query = "SELECT leaf FROM ledger_entry WHERE notification_id=?"
        rows = select(query, position)
    return bytes(rows[0][0]).hex() if rows else ""


def take(c: Connection, url: str, version: int) -> bool:
    """Put prepared lists in the place of empty ones, in the caller's transaction; False without any."""
    if url.startswith("sqlite:"):
        c.exec_driver_sql("ATTACH ? AS share0", (str(file(url, version)),))
        marked = "SELECT 1 FROM share0.sqlite_master WHERE name=:t"
        if c.execute(text(marked), {"t": MARK}).first() is None or not _fits(c, "share0", version):
            return False
        c.exec_driver_sql("DELETE FROM projected")
        for table in metadata.sorted_tables:
            c.exec_driver_sql(f"INSERT INTO main.{table.name} SELECT * FROM share0.{table.name}")  # noqa: S608 - our own tables
        return True
    name = schema(version)
    there = "SELECT 1 FROM information_schema.tables WHERE table_schema=:s AND table_name=:t"
    if c.execute(text(there), {"s": name, "t": MARK}).first() is None or not _fits(
        c, name, version
    ):
        return False
    home = c.exec_driver_sql("SELECT current_schema()").scalar_one()
    metadata.drop_all(c)
    for table in metadata.sorted_tables:
        c.exec_driver_sql(f'ALTER TABLE {name}.{table.name} SET SCHEMA "{home}"')
    c.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    return True


def _fits(c: Connection, where: str, version: int) -> bool:
    """Tell whether what was prepared is whole, of this version, and of this very log."""
    query = (
        f"SELECT p.version, p.position, m.position, m.leaf, e.leaf"  # noqa: S608 - our own tables
        f" FROM {where}.projected p, {where}.{MARK} m"
        " JOIN ledger_entry e ON e.notification_id = m.position"
    )
    row = c.exec_driver_sql(query).first()
    return row is not None and (row[0], row[1], row[3]) == (version, row[2], bytes(row[4]).hex())


def forget(url: str, version: int) -> None:
    """Remove the file that was taken over; on a server its schema is gone already."""
    if url.startswith("sqlite:"):
        for end in ("", "-wal", "-shm"):
            Path(f"{file(url, version)}{end}").unlink(missing_ok=True)
