"""The log in one SQLite file: WAL, synchronous=FULL, one transaction per act."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import accumulate
from typing import Any, cast

import msgspec
from eventsourcing import sqlite as library
from eventsourcing.persistence import (
    ApplicationRecorder,
    ConnectionPoolClosedError,
    ConnectionUnavailableError,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
)

from ledger import tree
from ledger.act import (
    Act,
    Conflict,
    KeyReused,
    Receipt,
    Replayed,
    Row,
    Select,
    Taken,
    Unavailable,
    Unsafe,
    seal,
    stamped,
    whole,
)

LOCK_SECONDS = 10
MAPPED = 2**31 - 65_536  # bytes of the file, the most that SQLite maps into memory
PAGE_ROWS = 1_000  # so few stay in the processor's cache while they are read

TABLES = """
CREATE TABLE IF NOT EXISTS ledger_entry (
  notification_id INTEGER PRIMARY KEY,
  originator_id TEXT NOT NULL,
  originator_version INTEGER NOT NULL,
  topic TEXT NOT NULL,
  state BLOB NOT NULL,
  leaf BLOB NOT NULL,
  UNIQUE (originator_id, originator_version)
);
CREATE TABLE IF NOT EXISTS ledger_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL,
  recorded_at TEXT NOT NULL,
  frontier BLOB NOT NULL
);
INSERT INTO ledger_head SELECT 1, 0, '', x'' WHERE NOT EXISTS (SELECT 1 FROM ledger_head);
CREATE TABLE IF NOT EXISTS ledger_command (
  first INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  cause TEXT NOT NULL,
  actor TEXT NOT NULL,
  key TEXT,
  fingerprint TEXT NOT NULL,
  context TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  seal TEXT NOT NULL,
  UNIQUE (actor, key)
);
CREATE TABLE IF NOT EXISTS ledger_claim (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  stream TEXT NOT NULL,
  PRIMARY KEY (kind, value)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_evidence (
  sha256 TEXT PRIMARY KEY,
  media TEXT NOT NULL,
  content BLOB NOT NULL,
  seal TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_node (
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_checkpoint (
  size INTEGER PRIMARY KEY,
  note BLOB NOT NULL,
  seal TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger_attestation (
  kind TEXT NOT NULL,
  size INTEGER NOT NULL,
  content BLOB NOT NULL,
  seal TEXT NOT NULL,
  PRIMARY KEY (kind, size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_file (
  sha256 TEXT PRIMARY KEY,
  media TEXT NOT NULL,
  content BLOB NOT NULL
) WITHOUT ROWID;
"""
# Speed bumps, not the guarantee: whoever owns the file can drop them. The tree convicts.
GUARDS = (
    [
        f"""CREATE TRIGGER IF NOT EXISTS {table}_no_{what.lower()} BEFORE {what} ON {table}
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table} refuses {what}'); END"""
        for table in ("ledger_entry", "ledger_command", "ledger_claim", "ledger_evidence")
        for what in ("UPDATE", "DELETE")
    ]
    + [
        # REPLACE removes rows without firing DELETE triggers, so it is refused where it begins.
        f"""CREATE TRIGGER IF NOT EXISTS {table}_no_{name} BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}.{column} is taken'); END"""  # noqa: S608 - names of our own tables
        for table, name, column, same in (
            ("ledger_entry", "replace", "notification_id", "notification_id=NEW.notification_id"),
            (
                *("ledger_entry", "second_version", "originator_version"),
                "originator_id=NEW.originator_id AND originator_version=NEW.originator_version",
            ),
            ("ledger_command", "replace", "first", "first=NEW.first"),
            ("ledger_command", "second_key", "key", "actor=NEW.actor AND key=NEW.key"),
            ("ledger_claim", "replace", "value", "kind=NEW.kind AND value=NEW.value"),
            ("ledger_evidence", "replace", "sha256", "sha256=NEW.sha256"),
            ("ledger_head", "second", "one", "1"),
        )
    ]
    + [
        """CREATE TRIGGER IF NOT EXISTS ledger_head_no_delete BEFORE DELETE ON ledger_head
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: ledger_head refuses DELETE'); END""",
        """CREATE TRIGGER IF NOT EXISTS ledger_head_only_grows BEFORE UPDATE ON ledger_head
    WHEN NEW.size < OLD.size
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: its size never shrinks'); END""",
    ]
)


def made(statement: str) -> tuple[str, str, str, str]:
    """Return how SQLite lists what a statement made: type, name, table, text."""
    said = re.search(r"CREATE (\w+) IF NOT EXISTS (\w+)(?:.*? ON (\w+))?", statement, re.DOTALL)
    assert said is not None
    kind, name, table = said.groups()
    table = name if kind == "TABLE" else table
    return kind.lower(), name, table, statement.strip().replace(" IF NOT EXISTS", "", 1)


SCHEMA = [made(s) for s in (*TABLES.split(";\n"), *GUARDS) if "CREATE" in s]
NAMES = {name for _, name, _, _ in SCHEMA}
# What a stream holds it may claim again: a card opened anew after a mistake keeps its number.
INSERT_CLAIM = (
    "INSERT INTO ledger_claim SELECT ?,?,? WHERE NOT EXISTS"
    " (SELECT 1 FROM ledger_claim WHERE kind=? AND value=? AND stream=?)"
)
INSERT_ENTRY = "INSERT INTO ledger_entry VALUES (?,?,?,?,?,?)"
# Many in one step, for which SQLite needs nothing of Python: columns as JSON, bytes end to end.
INSERT_MANY = """INSERT INTO ledger_entry
  SELECT ?1+key, json_extract(value,'$[0]'), json_extract(value,'$[1]'), json_extract(value,'$[2]'),
    substr(?3, json_extract(value,'$[3]'), json_extract(value,'$[4]')),
    substr(?4, key*32+1, 32)
  FROM json_each(?2)"""
SLICE = 500  # entries sealed while SQLite writes the slice before
# The other thread needs the interpreter to begin; asked for nothing, we would keep it until the
# slice is sealed, and nothing would happen at the same time.
START_SECONDS = 0.000_05
SELECT_ROWS = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_entry "
)


TROUBLE_BY_CODE = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "disk-full",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_PERM: "read-only",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_CANTOPEN: "away",
}
# What SQLite and its driver say of a damaged file under no code of its own: the first of text
# that is none, the second of a header whose schema has a format that does not exist.
SAID_OF_DAMAGE = ("Could not decode", "unsupported file format")


def trouble_of(error: BaseException) -> str | None:
    """Return what an error of SQLite's says of the file (a key of TROUBLES); None: nothing."""
    if any(said in str(error) for said in SAID_OF_DAMAGE):
        return "damaged"
    return TROUBLE_BY_CODE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


@contextmanager
def told() -> Iterator[None]:
    """Turn trouble with the file into Unavailable; a mistake of ours stays what it is."""
    try:
        yield
    except UnicodeDecodeError as error:  # the driver stumbles over a message about a torn file
        raise Unavailable("damaged", error) from error
    except (sqlite3.DatabaseError, DatabaseError, InterfaceError) as error:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        kind = trouble_of(cause or error)
        coded = getattr(cause, "sqlite_errorcode", None) is not None
        if kind is None and isinstance(error, OperationalError) and not coded:
            kind = "locked"  # the library's pool ran out of time
        if kind is None:
            raise
        raise Unavailable(kind, error) from error


class Pool(SQLiteConnectionPool):
    """Connections that lose nothing acknowledged, asserted one by one.

    Readers have their own: the library's pool would let one wait behind a writer, and that
    writer may wait for the very program that wants to read. The writer has its own, too: a file
    has one at a time, and the library's book-keeping for many costs a tenth of a command.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._readers: deque[SQLiteConnection] = deque()
        self._writer: SQLiteConnection | None = None
        self._turn = threading.Lock()

    @contextmanager
    def writer(self) -> Iterator[SQLiteCursor]:
        """Lend the connection that writes, in a transaction that is committed at the end."""
        if not self._turn.acquire(timeout=self.pool_timeout):
            raise ConnectionUnavailableError("another thread writes and does not end")
        try:
            if self._closed:
                raise ConnectionPoolClosedError
            if self._writer is None:
                self._writer = self._create_connection()
            with self._writer.transaction(commit=True) as cursor:
                yield cursor
        finally:
            self._turn.release()

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for reading; one that failed is not lent again."""
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._create_connection()
        raw = connection.cursor().sqlite_cursor.connection
        raw.row_factory = None
        try:
            yield raw
        except BaseException:
            connection.close()
            raise
        self._readers.append(connection)

    def close(self) -> None:
        """Close every connection."""
        super().close()
        while self._readers:
            self._readers.pop().close()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _connected(self) -> SQLiteConnection:
        # Two processes may make the same new file: the change to WAL does not wait for a lock.
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return super()._create_connection()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.01)

    def _create_connection(self) -> SQLiteConnection:
        connection = self._connected()
        cursor = connection.cursor()
        # Large logs: the index by stream is written at scattered places.
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA wal_autocheckpoint=8000")
        for pragma, wanted in (("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)):
            cursor.execute(f"PRAGMA {pragma}={wanted}")
            cursor.execute(f"PRAGMA {pragma}")
            found = cursor.fetchone()[0]
            if found != wanted:
                raise Unsafe(f"SQLite: PRAGMA {pragma} is {found}, must be {wanted}")
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
        if mode != "wal":
            raise Unsafe(f"SQLite: journal_mode is {mode}, must be wal (use a local disk)")
        return connection


class _Gathered(threading.local):
    """The transaction that acts of one thread share; None when nothing waits to be committed."""

    together = False
    lost: Unavailable | None = None  # why what was gathered is gone, until somebody is told
    cursor: SQLiteCursor | None = None
    transaction: ExitStack | None = None


class _Dropped(Exception):
    """What was gathered is not to be kept."""


class LedgerSQLiteRecorder(SQLiteApplicationRecorder):
    """Entries, leaves, frontier, claims, evidence and command key: all or nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gathered = _Gathered()

    def construct_create_table_statements(self) -> list[str]:
        return [*(s for s in TABLES.split(";\n") if s.strip()), *GUARDS]

    def create_table(self) -> None:
        """Create what is missing, once, whoever else opens the file at the same moment."""
        with told(), self.datastore.get_connection(commit=True) as connection:
            c = connection.cursor()
            c.execute("SELECT name FROM sqlite_master")
            if {row[0] for row in c.fetchall()} >= NAMES:
                return  # a ledger that exists opens without waiting for a writer
            c.execute("BEGIN IMMEDIATE")
            try:
                self._create_table(c)
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> None:
        act: Act = kwargs["act"]
        # A write first: it takes the lock, so that nothing read can be stale.
        c.execute(
            "UPDATE ledger_head SET size=size WHERE one=1 RETURNING size, recorded_at, frontier"
        )
        [(size, last, packed)] = c.fetchall()
        if act.key is not None:
            c.execute(
                "SELECT fingerprint, cause, first, count, recorded_at FROM ledger_command"
                " WHERE actor=? AND key=?",
                (act.actor, act.key),
            )
            answer_again(c.fetchone(), act.fingerprint)
        frontier = tree.unpack(packed)
        recorded_at, new_size = _insert(c.sqlite_cursor, stored_events, size, last, frontier, act)
        if act.claims:
            c.executemany(INSERT_CLAIM, [(*claim, *claim) for claim in act.claims])
        if act.evidence:
            c.executemany(
                "INSERT INTO ledger_evidence SELECT ?1,?2,?3,?4"
                " WHERE NOT EXISTS (SELECT 1 FROM ledger_evidence WHERE sha256=?1)",
                [e.row for e in act.evidence if not e.removable],
            )
            c.executemany(
                "INSERT INTO ledger_file VALUES (?,?,?) ON CONFLICT DO NOTHING",
                [e.row[:3] for e in act.evidence if e.removable],
            )
        c.execute(
            "UPDATE ledger_head SET size=?, recorded_at=?, frontier=? WHERE one=1",
            (new_size, recorded_at, tree.pack(frontier)),
        )
        said = (
            size + 1,
            new_size - size,
            act.cause,
            act.actor,
            act.key,
            act.fingerprint,
            act.context,
            recorded_at,
        )
        c.execute("INSERT INTO ledger_command VALUES (?,?,?,?,?,?,?,?,?)", (*said, seal(*said)))
        act.receipt = Receipt(
            cause=act.cause, first=size + 1, count=new_size - size, recorded_at=recorded_at
        )

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        try:
            with told():
                if self._gathered.together:
                    self._gather(stored_events, **kwargs)
                else:
                    with cast(Pool, self.datastore.pool).writer() as c:
                        self._insert_events(c, stored_events, **kwargs)
        except (IntegrityError, sqlite3.IntegrityError) as error:
            act: Act = kwargs["act"]
            if "ledger_claim" in str(error):
                raise self._taken(act) from error
            if "ledger_entry.originator" in str(error):
                raise self._conflict(stored_events) from error
            raise

    def _conflict(self, stored_events: Sequence[StoredEvent]) -> Conflict:
        expected: dict[str, int] = {}
        for s in stored_events:
            expected.setdefault(str(s.originator_id), s.originator_version - 1)
        for stream, version in expected.items():
            current = self.version(stream)
            if current != version:
                return Conflict(stream, version, current)
        raise AssertionError("a version conflict without a conflicting stream")

    def _taken(self, act: Act) -> Taken:
        seen: dict[tuple[str, str], str] = {}
        for kind, value, stream in act.claims:
            holder = self.claimed(kind, value) or seen.get((kind, value))
            if holder is not None:
                return Taken(kind, value, holder)
            seen[kind, value] = stream
        raise AssertionError("a claim was refused though nobody holds it")

    def _gather(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Record an act in the transaction that this thread's acts share."""
        gathered = self._gathered
        if gathered.lost is not None:
            raise gathered.lost
        if gathered.cursor is None:
            gathered.transaction = ExitStack()
            gathered.cursor = gathered.transaction.enter_context(
                cast(Pool, self.datastore.pool).writer()
            )
        c = gathered.cursor
        c.execute("SAVEPOINT act")
        try:
            self._insert_events(c, stored_events, **kwargs)
        except BaseException:
            if not c.sqlite_cursor.connection.in_transaction:  # as when the disk is full
                self.drop()
                try:
                    with told():
                        raise
                except Unavailable as trouble:
                    gathered.lost = trouble
                    raise
            c.execute("ROLLBACK TO act")
            raise
        finally:
            if gathered.cursor is not None:
                c.execute("RELEASE act")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let acts of this thread share transactions; what is not settled is not recorded.

        Each is still all or nothing by itself, and sees what those before it recorded.
        """
        self._gathered.together, self._gathered.lost = True, None
        try:
            yield
        finally:
            self._gathered.together = False
            self.drop()

    def settle(self) -> None:
        """Commit what this thread gathered; raise Unavailable when none of it is recorded."""
        gathered = self._gathered
        transaction, gathered.transaction, gathered.cursor = gathered.transaction, None, None
        lost, gathered.lost = gathered.lost, None
        if lost is not None:
            raise lost
        if transaction is not None:
            with told():
                transaction.close()

    def drop(self) -> None:
        """Record nothing of what this thread gathered."""
        gathered = self._gathered
        transaction, gathered.transaction, gathered.cursor = gathered.transaction, None, None
        if transaction is not None:
            dropped = _Dropped()
            with suppress(_Dropped):
                transaction.__exit__(_Dropped, dropped, None)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for reading; a thread sees what it has gathered itself."""
        mine = self._gathered.cursor
        if mine is None:
            with told(), cast(Pool, self.datastore.pool).reader() as connection:
                yield connection
            return
        raw = mine.sqlite_cursor.connection
        before, raw.row_factory = raw.row_factory, None
        try:
            with told():
                yield raw
        finally:
            raw.row_factory = before

    @contextmanager
    def snapshot(self) -> Iterator[Select]:
        """Lend one unchanging view of the log, so that a check does not see it grow."""
        with self.reading() as c:
            c.execute("BEGIN")
            try:
                yield lambda query, *values: c.execute(query, values).fetchall()
            finally:
                c.rollback()

    def damage(self, select: Select) -> list[str]:
        """Return what the database itself finds broken in its file, and guards that are gone."""
        found = [str(row[0]) for row in select("PRAGMA integrity_check")]
        there = set(select("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        return [line for line in found if line != "ok"] + [
            f"not as it was made: {wanted[1]}" for wanted in SCHEMA if wanted not in there
        ]

    def rows(
        self, start: int, stop: int | None = None, page_rows: int = PAGE_ROWS
    ) -> Iterator[list[Row]]:
        """Yield pages of plain rows from position `start` to `stop`, both included."""
        while True:
            end = start + page_rows - 1 if stop is None else min(start + page_rows - 1, stop)
            with self.reading() as c:
                query = SELECT_ROWS + "WHERE notification_id BETWEEN ? AND ?"
                page = c.execute(query, (start, end)).fetchall()
            if not page:
                return
            yield page
            if page[-1][0] < start:  # a damaged file leads back, round and round
                raise Unavailable("damaged")
            start = page[-1][0] + 1
            if stop is not None and start > stop:
                return

    def shared_rows(
        self, size: int, number: int, of: int, *, leaf: bool = False, page_rows: int = PAGE_ROWS
    ) -> Iterator[list[Any]]:
        """Yield pages of the rows of one share of the streams, up to a position, in log order.

        Streams are dealt out by their last character; with `leaf`, each row ends in its leaf.
        """
        select = SELECT_ROWS.replace(" FROM", ", leaf FROM", 1) if leaf else SELECT_ROWS
        mine = "AND unicode(substr(originator_id, -1)) % ? = ?"
        query = f"{select} WHERE notification_id BETWEEN ? AND ? {mine}"
        for start in range(1, size + 1, page_rows * of):
            end = min(start + page_rows * of - 1, size)
            with self.reading() as c:
                yield c.execute(query, (start, end, of, number)).fetchall()

    def whole_streams(self, size: int, number: int, of: int, page_rows: int) -> Iterator[list[Row]]:
        """Yield pages of one share of the streams, up to a position, one whole stream after another.

        Each is looked up in the file, so this is for a log that memory holds; a page has about so
        many rows, or one stream.
        """
        query = (
            f"{SELECT_ROWS}WHERE (originator_id, originator_version) > (?, ?)"
            " AND notification_id<=? AND unicode(substr(originator_id, -1)) % ? = ?"
            " ORDER BY originator_id, originator_version LIMIT ?"
        )
        with self.reading() as c:
            c.execute(f"PRAGMA mmap_size={MAPPED}")  # a row is found without asking the system
            try:
                yield from whole(
                    lambda last: c.execute(query, (*last, size, of, number, page_rows)).fetchall()
                )
            finally:
                c.execute("PRAGMA mmap_size=0")

    def stream_rows(self, stream: str) -> list[Row]:
        """Return one stream, oldest first."""
        query = SELECT_ROWS + "WHERE originator_id=? ORDER BY originator_version"
        with self.reading() as c:
            return cast(list[Row], c.execute(query, (stream,)).fetchall())

    def first_row(self, stream: str) -> Row | None:
        """Return the first entry of a stream."""
        query = SELECT_ROWS + "WHERE originator_id=? AND originator_version=1"
        with self.reading() as c:
            return cast("Row | None", c.execute(query, (stream,)).fetchone())

    def kinds(self, start: int, stop: int) -> set[str]:
        """Return what kinds of stream entries are about, from one position to another."""
        query = (
            "SELECT DISTINCT substr(originator_id, 1, instr(originator_id, '/') - 1)"
            " FROM ledger_entry WHERE notification_id BETWEEN ? AND ?"
        )
        with self.reading() as c:
            return {row[0] for row in c.execute(query, (start, stop))}

    def fact_rows(self, streams: Collection[str], types: Collection[str], upto: int) -> list[Row]:
        """Return the entries of some types in some streams, each oldest first, up to a position.

        Other entries are passed over unread, so a few facts of many streams cost little.
        """
        query = (
            f"{SELECT_ROWS}WHERE originator_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - the names are parameters
            " AND topic IN (SELECT value FROM json_each(?)) AND notification_id<=?"
            " ORDER BY originator_id, originator_version"
        )
        asked = (json.dumps(sorted(streams)), json.dumps(sorted(types)), upto)
        with self.reading() as c:
            return cast(list[Row], c.execute(query, asked).fetchall())

    def kind_rows(self, kind: str, upto: int) -> Iterator[Row]:
        """Yield all streams of a kind, one after another, each oldest first, up to a position."""
        query = SELECT_ROWS + "WHERE originator_id>? AND originator_id<? AND notification_id<=?"
        query += " ORDER BY originator_id, originator_version"
        with self.reading() as c:
            yield from c.execute(query, (f"{kind}/", f"{kind}0", upto))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes of a range of positions."""
        query = "SELECT leaf FROM ledger_entry WHERE notification_id BETWEEN ? AND ?"
        with self.reading() as c:
            return [row[0] for row in c.execute(query, (start, stop))]

    def nodes(self, level: int) -> list[tuple[int, bytes]]:
        """Return number and hash of what is kept of a level of the tree."""
        query = "SELECT number, hash FROM ledger_node WHERE level=? ORDER BY number"
        with self.reading() as c:
            return c.execute(query, (level,)).fetchall()

    def keep_nodes(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep hashes of the tree (level, number, hash); what is kept stays."""
        with told(), cast(Pool, self.datastore.pool).writer() as cursor:
            cursor.executemany("INSERT OR IGNORE INTO ledger_node VALUES (?,?,?)", rows)

    def checkpoints(self, start: int, stop: int, limit: int) -> list[tuple[int, bytes]]:
        """Return size and note of published checkpoints of a range of sizes, largest first."""
        query = (
            "SELECT size, note FROM ledger_checkpoint WHERE size BETWEEN ? AND ?"
            " ORDER BY size DESC LIMIT ?"
        )
        with self.reading() as c:
            return c.execute(query, (start, stop, limit)).fetchall()

    def first_checkpoint(self, position: int) -> tuple[int, bytes] | None:
        """Return size and note of the first published checkpoint that covers a position."""
        query = "SELECT size, note FROM ledger_checkpoint WHERE size >= ? ORDER BY size LIMIT 1"
        with self.reading() as c:
            return cast(tuple[int, bytes] | None, c.execute(query, (position,)).fetchone())

    def keep_checkpoint(self, size: int, note: bytes) -> None:
        """Publish a checkpoint, or its newer text with more cosignatures."""
        with told(), cast(Pool, self.datastore.pool).writer() as cursor:
            cursor.execute(
                "INSERT INTO ledger_checkpoint VALUES (?,?,?)"
                " ON CONFLICT (size) DO UPDATE SET note=excluded.note, seal=excluded.seal",
                (size, note, seal(size, note.hex())),
            )

    def attestations(self, kind: str, start: int, stop: int, limit: int) -> list[tuple[int, bytes]]:
        """Return size and bytes of what others attest of checkpoints of a range, largest first."""
        query = (
            "SELECT size, content FROM ledger_attestation WHERE kind=? AND size BETWEEN ? AND ?"
            " ORDER BY size DESC LIMIT ?"
        )
        with self.reading() as c:
            return c.execute(query, (kind, start, stop, limit)).fetchall()

    def keep_attestation(self, kind: str, size: int, content: bytes) -> None:
        """Keep beside a checkpoint what somebody else attests of it, or its better successor."""
        with told(), cast(Pool, self.datastore.pool).writer() as cursor:
            cursor.execute(
                "INSERT INTO ledger_attestation VALUES (?,?,?,?)"
                " ON CONFLICT (kind, size) DO UPDATE SET content=excluded.content,"
                " seal=excluded.seal",
                (kind, size, content, seal(kind, size, content.hex())),
            )

    def version(self, stream: str) -> int:
        """Return the version of a stream, 0 when it is empty."""
        query = "SELECT MAX(originator_version) FROM ledger_entry WHERE originator_id=?"
        with self.reading() as c:
            return c.execute(query, (stream,)).fetchone()[0] or 0

    def head(self) -> tuple[int, str, bytes]:
        """Return size, time of the last entry and packed frontier."""
        with self.reading() as c:
            query = "SELECT size, recorded_at, frontier FROM ledger_head"
            return cast(tuple[int, str, bytes], c.execute(query).fetchone())

    def command(self, position: int) -> tuple[Any, ...] | None:
        """Return the act that wrote a position: first, count, cause, actor, key, context, time."""
        query = (
            "SELECT first, count, cause, actor, key, context, recorded_at FROM ledger_command"
            " WHERE first <= ? ORDER BY first DESC LIMIT 1"
        )
        with self.reading() as c:
            return cast("tuple[Any, ...] | None", c.execute(query, (position,)).fetchone())

    def receipt(self, actor: str, key: str, fingerprint: str) -> Receipt | None:
        """Return the receipt of a request recorded before; raise KeyReused for another one."""
        query = (
            "SELECT fingerprint, cause, first, count, recorded_at FROM ledger_command"
            " WHERE actor=? AND key=?"
        )
        with self.reading() as c:
            row = c.execute(query, (actor, key)).fetchone()
        try:
            answer_again(row, fingerprint)
        except Replayed as replayed:
            return replayed.receipt
        return None

    def claimed(self, kind: str, value: str) -> str | None:
        """Return the stream that holds an identifier."""
        query = "SELECT stream FROM ledger_claim WHERE kind=? AND value=?"
        with self.reading() as c:
            row = c.execute(query, (kind, value)).fetchone()
        return row and cast(str, row[0])

    def claimed_of(self, kind: str, values: Collection[str]) -> dict[str, str]:
        """Return those of some identifiers that are held, each with its stream."""
        query = (
            "SELECT value, stream FROM ledger_claim"
            " WHERE kind=? AND value IN (SELECT value FROM json_each(?))"
        )
        with self.reading() as c:
            return dict(c.execute(query, (kind, json.dumps(sorted(values)))).fetchall())

    def claims(self, kind: str) -> dict[str, str]:
        """Return every claimed value of a kind with its stream."""
        with self.reading() as c:
            query = "SELECT value, stream FROM ledger_claim WHERE kind=?"
            return dict(c.execute(query, (kind,)).fetchall())

    def evidence(self, sha256: str) -> tuple[str, bytes] | None:
        """Return media type and bytes of a piece of evidence."""
        query = "SELECT media, content FROM ledger_evidence WHERE sha256=?"
        with self.reading() as c:
            return cast("tuple[str, bytes] | None", c.execute(query, (sha256,)).fetchone())

    def file(self, sha256: str) -> tuple[str, bytes] | None:
        """Return media type and bytes of an attachment; None when they are gone."""
        query = "SELECT media, content FROM ledger_file WHERE sha256=?"
        with self.reading() as c:
            return cast("tuple[str, bytes] | None", c.execute(query, (sha256,)).fetchone())

    def forget_file(self, sha256: str) -> None:
        """Let the bytes of an attachment go, from the file and from what is written ahead of it.

        Whoever reads at that moment may keep the latter a little longer: it goes with the next
        one that is forgotten, or when the ledger is closed.
        """
        with told(), self.datastore.get_connection(commit=False) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.execute("DELETE FROM ledger_file WHERE sha256=?", (sha256,))
            connection.commit()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.fetchall()

    def position_at(self, recorded_at: str) -> int:
        """Return the last position recorded at or before a time."""
        query = (
            "SELECT first, count, recorded_at FROM ledger_command WHERE first <= ?"
            " ORDER BY first DESC LIMIT 1"
        )
        with self.reading() as c:
            size = c.execute("SELECT size FROM ledger_head").fetchone()[0]
            return latest(
                lambda position: c.execute(query, (position,)).fetchone(), size, recorded_at
            )


def _insert(
    c: sqlite3.Cursor,
    stored_events: Sequence[StoredEvent],
    size: int,
    last: str,
    frontier: list[bytes],
    act: Act,
) -> tuple[str, int]:
    """Insert the entries of an act after `size`; return their time and the new size."""
    if len(stored_events) <= SLICE:
        recorded_at, states, leaves, new_size = stamped(
            [s.state for s in stored_events], size, last, frontier, act.now
        )
        rows = zip(range(size + 1, new_size + 1), stored_events, states, leaves, strict=True)
        c.executemany(
            INSERT_ENTRY,
            [
                (position, s.originator_id, s.originator_version, s.topic, state, leaf)
                for position, s, state, leaf in rows
            ],
        )
        return recorded_at, new_size
    now = act.now
    with ThreadPoolExecutor(1) as beside:
        written: Future[Any] | None = None
        for start in range(0, len(stored_events), SLICE):
            part = stored_events[start : start + SLICE]
            now, states, leaves, new_size = stamped(
                [s.state for s in part], size, last, frontier, now
            )
            places = accumulate(map(len, states), initial=1)
            columns = [
                (s.originator_id, s.originator_version, s.topic, place, len(state))
                for s, state, place in zip(part, states, places, strict=False)
            ]
            values = (
                size + 1,
                msgspec.json.encode(columns).decode(),
                b"".join(states),
                b"".join(leaves),
            )
            if written is not None:
                written.result()
            written = beside.submit(c.execute, INSERT_MANY, values)
            time.sleep(START_SECONDS)
            size = new_size
        assert written is not None
        written.result()
        assert now is not None
        return now, size


def latest(act_at: Callable[[int], tuple[int, int, str]], size: int, recorded_at: str) -> int:
    """Return the last position recorded at or before a time, by halving: time never goes back.

    `act_at` returns first position, count and time of the act that wrote a position. No index
    is kept for this: every act would pay for it.
    """
    low, high = 0, size  # low is at or before the time, all after high are later
    while low < high:
        first, count, at = act_at((low + high + 1) // 2)
        if at <= recorded_at:
            low = first + count - 1
        else:
            high = first - 1
    return low


def answer_again(row: Sequence[Any] | None, fingerprint: str) -> None:
    """Raise Replayed or KeyReused when a key was used before."""
    if row is None:
        return
    known, cause, first, count, recorded_at = row
    if known != fingerprint:
        raise KeyReused(cause)
    raise Replayed(
        Receipt(cause=cause, first=first, count=count, recorded_at=recorded_at, replayed=True)
    )


class Factory(library.SQLiteFactory):
    """The library's factory with our pool, table and recorder."""

    application_recorder_class = LedgerSQLiteRecorder

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.datastore.close()
        self.datastore.pool = Pool(
            db_name=self.datastore.pool.db_name,
            lock_timeout=LOCK_SECONDS,
            pool_timeout=LOCK_SECONDS,  # a thread of ours waits as long as another program
        )

    def application_recorder(self) -> ApplicationRecorder:
        recorder = LedgerSQLiteRecorder(self.datastore, events_table_name="ledger_entry")
        if self.env_create_table():
            recorder.create_table()
        return recorder
