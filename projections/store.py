"""Where the lists live: follow the log, answer questions, start again from nothing.

All lists and the position they have reached are written in one transaction. They may be lost
and rebuilt, so their own commits need not wait for the disk; entries always do.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    PoolProxiedConnection,
    RowMapping,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.schema import CreateIndex, DropIndex

from ledger.act import Row, Unavailable
from ledger.book import Book
from ledger.replaying import collector_off
from projections import history, preparing, sharing
from projections.following import (
    INDEXES,
    LISTS,
    PAGE_ROWS,
    Batch,
    Kept,
    Stuck,
    intervals,
    metadata,
)
from projections.gathering import Apart, Gathered
from projections.rows_in_sight import ALL, UNITS, Guard, guard
from projections.scope import Rows
from projections.writing import COPY_FROM, Writer

VERSION = 31  # of the tables: a newer number rebuilds them at the next start
BATCH = 50_000  # entries in one transaction; what they tell several times is written but once
MANY = 20_000  # entries after which the database looks anew at what there is
LOCK = 7_246_814
WAL_PAGES = 8_000  # changed pages from which a commit carries them into the file (SQLite)
CACHE_MAX = 200_000  # streams remembered between batches, about 100 MB
Progress: TypeAlias = Callable[[int, int], None]

progress_table = Table(
    "projected",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)


guard(metadata.sorted_tables)


class _Moved(Exception):
    """Somebody else moved the lists."""


class ReadModels:
    """The lists of one ledger. Open with the ledger's own address."""

    def __init__(self, url: str, *, lock: int = LOCK) -> None:
        self.sqlite, self.lock = url.startswith("sqlite:"), lock
        address = make_url(url.replace("postgres://", "postgresql://", 1))
        if not self.sqlite:
            address = address.set(drivername="postgresql+psycopg")
        options: dict[str, Any] = {"connect_args": {"timeout": 10}} if self.sqlite else {}
        # The connection used last is used again: its server process has everything at hand.
        options["pool_use_lifo"] = True
        self.engine = create_engine(address, pool_size=5, max_overflow=15, **options)
        # One question is one statement: a server need not hear where it begins and ends.
        alone = {} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._asking = self.engine.execution_options(**alone)
        if self.sqlite:
            event.listen(self.engine, "connect", _configure)
        self._trouble = self.engine.dialect.loaded_dbapi.OperationalError
        library = self.engine.dialect.loaded_dbapi
        self._moved = (_Moved, Apart, library.DataError, library.IntegrityError)
        self._raw: PoolProxiedConnection | None = None
        self._lock = threading.Lock()
        self._cache: dict[str, Kept] = {}
        self._intervals = intervals()
        self._reached = -1
        self._guard = Guard(holds=False)
        self._carrier: threading.Thread | None = None

    @classmethod
    def open(cls, url: str, *, lock: int = LOCK) -> Self:
        """Open the lists, creating their tables when missing or of an older version.

        Where those of this version were prepared (projections/preparing.py), they are taken over.
        """
        models = cls(url, lock=lock)
        ready = not models.sqlite or preparing.file(url, VERSION).exists()
        with models._writing(shared=models.sqlite and ready) as c:
            metadata.create_all(c)
            found = c.execute(text("SELECT version FROM projected")).scalar()
            if found is None:
                c.execute(progress_table.insert().values(one=1, position=0, version=VERSION))
            elif found != VERSION:
                metadata.drop_all(c)
                metadata.create_all(c)
                if not ready or not preparing.take(c, url, VERSION):
                    c.execute(progress_table.insert().values(one=1, position=0, version=VERSION))
            models._guard = Guard.of(c)
        if models.sqlite and ready:
            preparing.forget(url, VERSION)
        return models

    def close(self) -> None:
        """Give the connections back."""
        if self._carrier is not None:
            self._carrier.join()
        with self._lock:
            if self._raw is not None:
                self._raw.close()
                self._raw = None
        self.engine.dispose()

    # Reading -----------------------------------------------------------------

    @contextmanager
    def _asked(self) -> Iterator[Connection]:
        """Lend a connection for one question, which sees what its reader may see."""
        if not self._guard.holds:
            with self._asking.connect() as c:
                yield c
            return
        with self.engine.begin() as c:
            self._guard.say(c)
            yield c

    def rows(self, query: Rows) -> list[RowMapping]:
        """Return all rows of a query."""
        with self._asked() as c:
            return list(c.execute(query).mappings().all())

    def one(self, query: Rows) -> RowMapping | None:
        """Return the first row of a query, or None."""
        with self._asked() as c:
            return c.execute(query).mappings().first()

    def position(self) -> int:
        """Return the position the lists have reached."""
        with self._asking.connect() as c:
            return int(c.execute(text("SELECT position FROM projected")).scalar_one())

    # Following the log ---------------------------------------------------------

    def catch_up(
        self, book: Book, progress: Progress | None = None, *, upto: int | None = None
    ) -> int:
        """Project everything recorded since the last time; return the position reached.

        Who needs only what was recorded `upto` a position is not made to ask for what came later.
        Raise Stuck at an entry that cannot be projected: it is never skipped.
        """
        with self._lock, collector_off():
            page = book.just_written(self._reached) if self._reached >= 0 else []
            small = self.sqlite or len(page) < COPY_FROM
            told = page and small and len(self._cache) <= CACHE_MAX and self._followed(book, page)
            # What is long, or was recorded elsewhere, is not among what was just written.
            if told and upto is not None and self._reached >= upto:
                return self._reached
            behind = False
            while True:
                with self._hot() as writer:
                    writer.cursor.execute("SELECT position FROM projected")
                    start = int(writer.cursor.fetchone()[0])
                    pages = book.log.rows(start + 1, start + BATCH)
                    page = next(pages, [])
                    if not page:
                        self._reached = start
                        break
                    if start != self._reached or len(self._cache) > CACHE_MAX:
                        self._cache, self._intervals = {}, intervals()
                    self._reached = -1  # until this batch is committed
                    batch = Batch(book, writer, self._cache, self._intervals, fresh=False)
                    batch.take(page)
                    for page in pages:
                        batch.take(page)
                    end = int(page[-1][0])
                    with writer.together(end - start):
                        batch.flush()
                        writer.reached(end)
                self._reached = end
                if progress is not None:
                    progress(end, book.log.head()[0])
                behind = behind or end - start >= MANY
                if end < start + BATCH:
                    break
            if behind:
                with self._writing() as c:
                    self._analyzed(c)
            return self._reached

    def _followed(self, book: Book, page: Sequence[Row]) -> bool:
        """Take what was just written without reading it back; a server is asked but once.

        Return False, with nothing done, when somebody else moved the lists meanwhile, or when
        it cannot be done at once.
        """
        after, end = self._reached, page[-1][0]
        self._reached = -1  # until this is committed, what is remembered is not to be trusted
        try:
            with self._hot(after, end, alone=len(page) == 1) as writer:
                batch = Batch(book, writer, self._cache, self._intervals, fresh=False)
                batch.take(page)
                batch.flush()
        except (*self._moved, Stuck):  # if it is stuck, it will be told so from the log
            return False
        self._reached = end
        return True

    def rebuild(
        self,
        book: Book,
        progress: Progress | None = None,
        *,
        shares: int | None = None,
        until: int | None = None,
    ) -> int:
        """Throw every list away and project the whole log again, in one transaction (T01).

        `until` tells it only as far as a position, for lists that lie elsewhere.
        `shares` is by how many processes, 1, 2 or 4, on SQLite; None leaves it to the length of
        the log and to the machine.
        """
        with self._lock, collector_off():
            self._cache, self._reached = {}, -1
            size = book.log.head()[0] if until is None else until
            if shares is None:
                shares = sharing.shares(book.url, size)
            if self.sqlite and shares > 1:
                with (
                    suppress(sharing.Untold),
                    sharing.folded(book, size, shares, progress) as files,
                ):
                    return self._merged(book, files, shares, size, until)
            with self._writing() as c:
                batch = self._emptied(c, book)
                end, size = 0, book.log.head()[0] if until is None else until
                for page in book.log.rows(1, size, PAGE_ROWS):
                    batch.take(page)
                    batch.flush_intervals()
                    end = page[-1][0]
                    if progress is not None:
                        progress(end, size)
                batch.tell_irregular(end)
                batch.flush()
                self._indexed(c, end)
                return end

    def _merged(
        self,
        book: Book,
        files: Iterator[Path],
        shares: int,
        size: int,
        until: int | None = None,
    ) -> int:
        """Take over what was told in shares, and follow what was recorded meanwhile."""
        with self._writing(shared=True) as c:
            batch = self._emptied(c, book)
            end = size
            for index in history.indexes:
                c.execute(CreateIndex(index))
            for number, file in enumerate(files):  # ours, while others still tell theirs
                c.exec_driver_sql(f"ATTACH ? AS share{number}", (str(file),))
                for table in history.ended[number::shares]:  # whole, since a share has whole parts
                    batch.writer.take_over(table, f"share{number}")
            for table in LISTS:
                if table not in history.ended:
                    batch.writer.merge(table, [f"share{number}" for number in range(shares)])
            self._indexed(c, end, [i for i in INDEXES if i not in history.indexes])
            for page in book.log.rows(end + 1, until) if until != end else ():
                batch = Batch(book, batch.writer, {}, intervals(), fresh=False)
                batch.take(page)
                batch.flush()
                end = page[-1][0]
            batch.writer.reached(end)
        self._carry()
        return end

    def _carry(self) -> None:
        """Let a thread carry what was written to its place in the file, for which nobody waits.

        Who commits next would have to do it otherwise, and it is much after a rebuild.
        """
        file = self.engine.url.database
        self._carrier = threading.Thread(target=_carried, args=(file,), daemon=True)
        self._carrier.start()

    def _emptied(self, c: Connection, book: Book) -> Batch:
        """Throw every list away; return what fills them anew."""
        for index in INDEXES:
            c.execute(DropIndex(index, if_exists=True))
        for table in LISTS:
            c.execute(table.delete())
        raw = c.connection.dbapi_connection
        assert raw is not None
        writer = Writer(raw.cursor(), sqlite=self.sqlite, guarded=self._guard.holds)
        return Batch(book, writer, {}, intervals(), fresh=True)

    def _indexed(self, c: Connection, end: int, indexes: Sequence[Index] = INDEXES) -> None:
        """Make the indexes of lists that are full, and say how far they have come."""
        for index in indexes:
            index.create(c)  # where it is of use: one is for files alone
        c.execute(_REACHED, {"p": end})
        self._analyzed(c)

    def _analyzed(self, c: Connection) -> None:
        """Let the database see what there is, so that it looks up the past the short way."""
        if self.sqlite:
            c.exec_driver_sql("PRAGMA analysis_limit=30000")
        c.exec_driver_sql("ANALYZE")

    @contextmanager
    def _hot(
        self, after: int | None = None, end: int = 0, *, alone: bool = False
    ) -> Iterator[Writer]:
        """Open the writing transaction that every request needs, on a connection kept for it.

        When `after` is said, move the position from there to `end`; raise what is in `_moved`
        when it is elsewhere. What an entry `alone` changes goes to a server at once.
        """
        try:
            if self._raw is None:
                self._raw = self._fresh_connection()
            cursor: Any = self._raw.cursor()
            if self.sqlite:
                cursor.execute("BEGIN IMMEDIATE")
                if after is not None:
                    sql = "UPDATE projected SET position=? WHERE position=?"
                    if cursor.execute(sql, (end, after)).rowcount == 0:
                        raise _Moved
            elif after is not None and alone:
                gathered = Gathered(cursor)
                yield Writer(gathered, sqlite=False)
                # Two statements in one message, and that is the transaction: the lock is held
                # before the second looks.
                with cursor.connection.pipeline():
                    cursor.execute(f"SELECT pg_advisory_xact_lock({self.lock})", prepare=True)
                    gathered.send(_MOVE, (end, after))
                return
            elif after is not None:
                with cursor.connection.pipeline():
                    cursor.execute("BEGIN")
                    cursor.execute(f"SELECT pg_advisory_xact_lock({self.lock})")
                    cursor.execute(_MOVE, (end, after))
                    yield Writer(cursor, sqlite=False)
                    self._raw.commit()
                return
            else:
                # One message for two: the lock is held before the next statement looks.
                with cursor.connection.pipeline():
                    cursor.execute("BEGIN")
                    cursor.execute(f"SELECT pg_advisory_xact_lock({self.lock})")
            yield Writer(cursor, sqlite=self.sqlite, guarded=self._guard.holds)
            self._raw.commit()
        except BaseException as error:
            if self._raw is not None:
                if isinstance(error, self._moved):
                    self._raw.rollback()
                    raise
                self._raw.invalidate()
                self._raw = None
            if isinstance(error, self._trouble):
                raise Unavailable("locked" if "locked" in str(error) else "away", error) from error
            raise

    def _fresh_connection(self) -> PoolProxiedConnection:
        """Return a connection whose commits need not wait for the disk."""
        raw = self.engine.raw_connection()
        if not self.sqlite:
            server: Any = raw.driver_connection
            server.autocommit = True
            server.execute("SET synchronous_commit=off")
            server.execute(f"SET {UNITS}='{ALL}'")  # what is told to the lists is told whole
        return raw

    @contextmanager
    def _writing(self, *, shared: bool = False) -> Iterator[Connection]:
        """Open the one writing transaction; other processes wait for it.

        What is `shared` may attach files as share0, share1 and so on, and writes much.
        """
        with self.engine.connect() as c:
            if shared:
                c.exec_driver_sql("PRAGMA wal_autocheckpoint=0")  # see `_carry`
            if self.sqlite:
                c.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                c.exec_driver_sql("SET LOCAL synchronous_commit=off")
                c.exec_driver_sql(f"SET LOCAL {UNITS}='{ALL}'")
                c.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self.lock})")
            try:
                yield c
                if self.sqlite:
                    c.exec_driver_sql("COMMIT")
                c.commit()
            finally:
                c.rollback()
                if shared:
                    for _, name, _ in c.exec_driver_sql("PRAGMA database_list").all():
                        if name.startswith("share"):
                            c.exec_driver_sql(f"DETACH {name}")
                    c.exec_driver_sql(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")


# A wrong position divides by zero, unless rows that are there already are refused before.
_MOVE = "UPDATE projected SET position=%s::bigint/(position=%s)::int"
_REACHED = text("UPDATE projected SET position=:p")


def _configure(connection: Any, _: Any) -> None:
    """Leave transactions to us, and commits of lists to the next checkpoint of the log."""
    connection.isolation_level = None
    for pragma in (
        "synchronous=NORMAL",
        "secure_delete=OFF",  # what lists forget is in the log; wiping it would be written as well
        "cache_size=-65536",
        "temp_store=MEMORY",
        "threads=2",
        f"wal_autocheckpoint={WAL_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _carried(file: str) -> None:
    """Carry what the log of a file's changes holds into the file; what is read is left there."""
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # else the next commit does it
