"""The log in PostgreSQL: one server function per act, COPY for imports, positions without gaps.

Every append holds one advisory lock until its commit, so the order of positions is the order
of commits and a tailing reader never passes over an entry.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from eventsourcing import persistence
from eventsourcing import postgres as library
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from ledger import tree
from ledger.act import (
    Act,
    Conflict,
    KeyReused,
    Receipt,
    Row,
    Select,
    Taken,
    Unavailable,
    Unsafe,
    seal,
    stamped,
    whole,
)
from ledger.sqlite import answer_again, latest

PAGE_ROWS = 10_000  # each page is a question to the server
COPY_FROM = 200  # entries from which COPY beats the server function
LOCK = 7_246_813  # any constant; it names the tail of this log
MAKING = 7_246_815  # names the making of tables
CHANNEL = "gongwu_log"  # on which it is told that the log has grown, to whoever listens just now
EARS = 7_246_817  # held by whoever listens

GUARDED = ("ledger_entry", "ledger_command", "ledger_claim", "ledger_evidence", "ledger_head")
TABLES = """
CREATE TABLE ledger_entry (
  notification_id bigint PRIMARY KEY,
  originator_id text COLLATE "C" NOT NULL,
  originator_version bigint NOT NULL,
  topic text COLLATE "C" NOT NULL,
  state bytea NOT NULL,
  leaf bytea NOT NULL,
  CONSTRAINT ledger_entry_stream UNIQUE (originator_id, originator_version)
);
CREATE TABLE ledger_head (
  one int PRIMARY KEY CHECK (one = 1),
  size bigint NOT NULL,
  recorded_at text COLLATE "C" NOT NULL,
  frontier bytea NOT NULL
);
INSERT INTO ledger_head VALUES (1, 0, '', '');
CREATE TABLE ledger_command (
  first bigint PRIMARY KEY,
  count bigint NOT NULL,
  cause text NOT NULL,
  actor text NOT NULL,
  key text,
  fingerprint text NOT NULL,
  context text NOT NULL,
  recorded_at text COLLATE "C" NOT NULL,
  seal text NOT NULL,
  CONSTRAINT ledger_command_key UNIQUE (actor, key)
);
CREATE TABLE ledger_claim (
  kind text NOT NULL,
  value text NOT NULL,
  stream text NOT NULL,
  CONSTRAINT ledger_claim_once PRIMARY KEY (kind, value)
);
CREATE TABLE ledger_evidence (
  sha256 text PRIMARY KEY,
  media text NOT NULL,
  content bytea NOT NULL,
  seal text NOT NULL
);

-- Speed bumps, not the guarantee: whoever owns the tables can drop them. The tree convicts.
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % refuses %', TG_TABLE_NAME, TG_OP;
END $$;
CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.size < OLD.size THEN
    RAISE EXCEPTION 'the ledger is append-only: its size never shrinks';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_command
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_claim
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_evidence
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON ledger_head
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER only_grows BEFORE UPDATE ON ledger_head
  FOR EACH ROW WHEN (NEW.size < OLD.size) EXECUTE FUNCTION ledger_only_grows();
"""
# One act in one call. Stamps each entry in the place kept for its time, hashes, grows the tree.
# A stream that somebody else wrote first is an answer and no error: without o_first, with the
# version of the stream of the first entry as o_count. Of the other streams of an act it is an error.
RECORD = """
CREATE FUNCTION ledger_record(
  p_streams text[], p_seqs bigint[], p_topics text[], p_states bytea[], p_offsets int[],
  p_kinds text[], p_values text[], p_holders text[],
  p_cause text, p_actor text, p_key text, p_fingerprint text, p_context text, p_now text,
  OUT o_fingerprint text, OUT o_cause text, OUT o_first bigint, OUT o_count bigint, OUT o_at text
)
LANGUAGE plpgsql AS $$
DECLARE
  head ledger_head%ROWTYPE;
  stale boolean;
  at text COLLATE "C";
  entry bytea;
  hash bytea;
  stack bytea;
  carried bigint;
  amount int := array_length(p_states, 1);
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);  -- whatever was set since the start
  END IF;
  PERFORM pg_advisory_xact_lock(7246813);
  IF p_key IS NOT NULL THEN
    SELECT c.fingerprint, c.cause, c.first, c.count, c.recorded_at
      INTO o_fingerprint, o_cause, o_first, o_count, o_at
      FROM ledger_command c WHERE c.actor = p_actor AND c.key = p_key;
    IF FOUND THEN RETURN; END IF;
  END IF;
  SELECT h.one, h.size, h.recorded_at, h.frontier, EXISTS (SELECT FROM ledger_entry e
      WHERE e.originator_id = p_streams[1] AND e.originator_version = p_seqs[1])
    INTO head.one, head.size, head.recorded_at, head.frontier, stale FROM ledger_head h;
  IF stale THEN
    SELECT max(e.originator_version) INTO o_count
      FROM ledger_entry e WHERE e.originator_id = p_streams[1];
    RETURN;
  END IF;
  at := coalesce(p_now,
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
  IF head.recorded_at > at THEN at := head.recorded_at; END IF;
  stack := head.frontier;
  FOR i IN 1..amount LOOP
    entry := overlay(p_states[i] PLACING convert_to(at, 'UTF8') FROM p_offsets[i] + 1);
    hash := sha256('\\x00'::bytea || entry);
    INSERT INTO ledger_entry
      VALUES (head.size + i, p_streams[i], p_seqs[i], p_topics[i], entry, hash);
    carried := head.size + i - 1;
    WHILE carried & 1 = 1 LOOP
      hash := sha256('\\x01'::bytea || substr(stack, length(stack) - 31) || hash);
      stack := substr(stack, 1, length(stack) - 32);
      carried := carried >> 1;
    END LOOP;
    stack := stack || hash;
  END LOOP;
  IF p_kinds IS NOT NULL THEN
    -- What a stream holds it may claim again: a card opened anew keeps its number.
    INSERT INTO ledger_claim SELECT * FROM unnest(p_kinds, p_values, p_holders) AS u(k, v, h)
      WHERE NOT EXISTS (SELECT 1 FROM ledger_claim c WHERE c.kind = u.k AND c.value = u.v
        AND c.stream = u.h);
  END IF;
  UPDATE ledger_head SET size = head.size + amount, recorded_at = at, frontier = stack;
  o_fingerprint := ''; o_cause := p_cause; o_first := head.size + 1; o_count := amount; o_at := at;
  INSERT INTO ledger_command VALUES
    (o_first, o_count, p_cause, p_actor, p_key, p_fingerprint, p_context, at,
     encode(sha256(convert_to(concat_ws(E'\\n', o_first, o_count, p_cause, p_actor,
       coalesce(p_key, ''), p_fingerprint, p_context, at), 'UTF8')), 'hex'));
END $$;
"""
# What can be computed again, and what was signed: beside the log, added to ledgers that were made
# before there was any.
BESIDE = """
CREATE TABLE IF NOT EXISTS ledger_node (
  level int NOT NULL,
  number bigint NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (level, number)
);
CREATE TABLE IF NOT EXISTS ledger_checkpoint (
  size bigint PRIMARY KEY,
  note bytea NOT NULL,
  seal text NOT NULL
);
"""
ATTESTATIONS = """
CREATE TABLE ledger_attestation (
  kind text NOT NULL,
  size bigint NOT NULL,
  content bytea NOT NULL,
  seal text NOT NULL,
  PRIMARY KEY (kind, size)
);
"""
FILES = """
CREATE TABLE ledger_file (
  sha256 text PRIMARY KEY,
  media text NOT NULL,
  content bytea NOT NULL
);
-- No samples of it among the server's statistics: what is taken out must be gone (T13).
ALTER TABLE ledger_file ALTER COLUMN content SET STATISTICS 0;
"""
# An act is told when it is committed, but only while somebody has asked to hear of the next one:
# to wake a listener for every act would cost whoever writes a third of their time.
TELL = f"""
CREATE FUNCTION ledger_ring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('{CHANNEL}', NEW.size::text);
  RETURN NULL;
END $$;
CREATE TRIGGER ring AFTER UPDATE ON ledger_head FOR EACH ROW
  WHEN (NOT pg_try_advisory_xact_lock({EARS})) EXECUTE FUNCTION ledger_ring();
DROP TRIGGER IF EXISTS tell ON ledger_head;
DROP FUNCTION IF EXISTS ledger_tell;
"""
# A role that may only write to the tables leaves this to their owner's next start.
UNTOLD = (
    "SELECT to_regproc('ledger_ring') IS NULL AND pg_has_role(relowner, 'USAGE') FROM pg_class"
    " WHERE oid = to_regclass('ledger_head')"
)
APPEND = SQL(
    "SELECT * FROM ledger_record(%s::text[],%s::bigint[],%s::text[],%s::bytea[],%s::int[],"
    "%s::text[],%s::text[],%s::text[],%s,%s,%s,%s,%s,%s)"
)
# Most acts have one entry; the server makes the lists of it, which costs the driver more.
APPEND_ONE = SQL(
    "SELECT * FROM ledger_record(ARRAY[%s::text],ARRAY[%s::bigint],ARRAY[%s::text],"
    "ARRAY[%s::bytea],ARRAY[%s::int],%s::text[],%s::text[],%s::text[],%s,%s,%s,%s,%s,%s)"
)
SELECT_ROWS = (
    "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_entry "
)


TROUBLE_BY_STATE = {
    "53100": "disk-full",
    "58030": "disk",
    "25006": "read-only",
    "40P01": "locked",
    "55P03": "locked",
    "XX001": "damaged",
    "XX002": "damaged",
}
RECONNECT_SECONDS = 2.0  # then the next request tries at once, however long the server was away
KEPT_MAX = 4  # connections at hand: as many as write at a time
KEPT_SECONDS = 60.0  # then the pool looks after a connection again, which lives for an hour
_IDLE = TransactionStatus.IDLE


@contextmanager
def told() -> Iterator[None]:
    """Turn trouble with the server into Unavailable; a mistake of ours stays what it is."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        state = getattr(error.__cause__, "sqlstate", None)
        kind = TROUBLE_BY_STATE.get(state or "")
        if kind is None and isinstance(error, InternalError):
            raise
        raise Unavailable(kind or "away", error) from error


# From the narrow to the broad, as the library's own datastore tells them apart.
_KINDS = (
    psycopg.InterfaceError,
    psycopg.OperationalError,
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.InternalError,
    psycopg.ProgrammingError,
    psycopg.NotSupportedError,
    psycopg.DatabaseError,
)


@contextmanager
def _said() -> Iterator[None]:
    """Tell the driver's errors in the library's words."""
    try:
        yield
    except psycopg.Error as error:
        name = next((k.__name__ for k in _KINDS if isinstance(error, k)), "PersistenceError")
        raise getattr(persistence, name)(str(error)) from error


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Be the only process that makes tables in this database: several may start at once."""
    with told(), _said():
        connection = psycopg.connect(url, autocommit=True)
    with connection:
        connection.execute(f"SELECT pg_advisory_lock({MAKING})".encode())
        yield


def _first_written(c: psycopg.Cursor[Any], stored_events: Sequence[StoredEvent]) -> Any:
    """Return what the server answered; raise Conflict when somebody wrote the stream first."""
    row = c.fetchone()
    assert row is not None
    if row[2] is None:
        first = stored_events[0]
        raise Conflict(str(first.originator_id), first.originator_version - 1, row[3])
    return row


class LedgerPostgresRecorder(PostgresApplicationRecorder):
    """Entries, leaves, frontier, claims, evidence and command key: all or nothing."""

    def __init__(self, *how: Any, **named: Any) -> None:
        super().__init__(*how, **named)
        self._kept: list[tuple[psycopg.Connection[Any], float]] = []

    def create_table(self) -> None:
        """Create tables and functions once; several processes may start at the same moment."""
        with self._writing() as c:
            c.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            row = c.execute("SELECT to_regclass('ledger_head')").fetchone()
            if row is not None and row[0] is None:
                c.execute(cast(Any, TABLES))
            row = c.execute("SELECT to_regproc('ledger_record')").fetchone()
            if row is not None and row[0] is None:
                c.execute(cast(Any, RECORD))
            row = c.execute("SELECT to_regclass('ledger_checkpoint')").fetchone()
            if row is not None and row[0] is None:
                c.execute(cast(Any, BESIDE))
            row = c.execute("SELECT to_regclass('ledger_file')").fetchone()
            if row is not None and row[0] is None:
                c.execute(cast(Any, FILES))
            row = c.execute("SELECT to_regclass('ledger_attestation')").fetchone()
            if row is not None and row[0] is None:
                c.execute(cast(Any, ATTESTATIONS))
            row = c.execute(UNTOLD).fetchone()
            if row is not None and row[0]:
                c.execute(cast(Any, TELL))
        self.assert_durable()

    def assert_durable(self) -> None:
        """Refuse a server that may lose what it acknowledged."""
        with self.reading() as c:
            for setting, bad in (
                ("synchronous_commit", ("off", "local")),
                ("fsync", ("off",)),
                ("full_page_writes", ("off",)),
            ):
                row = c.execute(cast(Any, f"SHOW {setting}")).fetchone()
                if row is None or row[0] in bad:
                    raise Unsafe(f"PostgreSQL: {setting} is {row and row[0]}, must be on")

    @contextmanager
    def _lent(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend the connection that was used last: its server process has everything at hand.

        The library's pool hands them out in turn, and each is a process that has to find its
        way back into the processor's cache.
        """
        try:
            with told(), _said():
                connection, since = self._borrowed()
                try:
                    yield connection
                finally:
                    self._put_back(connection, since)
        except Unavailable as trouble:
            if trouble.kind == "away":  # forget dead connections: one request pays, not each
                self.give_back()
                self.datastore.pool.check()
            raise

    def _borrowed(self) -> tuple[psycopg.Connection[Any], float]:
        pool = self.datastore.pool
        while True:
            try:
                connection, since = self._kept.pop()
            except IndexError:
                break
            if time.monotonic() - since < KEPT_SECONDS:
                return connection, since
            pool.putconn(connection)
        pool.open()
        return pool.getconn(), time.monotonic()

    def _put_back(self, connection: psycopg.Connection[Any], since: float) -> None:
        pool = self.datastore.pool
        if connection.pgconn.transaction_status != _IDLE or len(self._kept) >= KEPT_MAX:
            pool.putconn(connection)
            return
        self._kept.append((connection, since))
        if pool.closed:
            self.give_back()

    def give_back(self) -> None:
        """Let the pool have all that is kept; a closed one closes them."""
        kept, self._kept = self._kept, []
        for connection, _ in kept:
            self.datastore.pool.putconn(connection)

    @contextmanager
    def _writing(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        # No pipeline: in one, an error would surface too late to be told by its name.
        with (
            self._lent() as connection,
            connection.transaction(),
            connection.cursor(row_factory=tuple_row) as cursor,
        ):
            yield cursor

    @contextmanager
    def reading(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        """Lend a cursor for reading; rows are tuples, bytes come in binary."""
        with (
            self._lent() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            yield cursor

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        act: Act = kwargs["act"]
        stored_events = list(stored_events)  # before the lock that everybody waits for
        try:
            if len(stored_events) >= COPY_FROM:
                self._copy(stored_events, act)
            else:
                self._append(stored_events, act)
        except IntegrityError as error:
            if "ledger_claim_once" in str(error):
                raise self._taken(act) from error
            if "ledger_entry_stream" in str(error):
                raise self._conflict(stored_events) from error
            raise

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let acts of this thread be recorded: here each in a transaction of its own."""
        yield

    def settle(self) -> None:
        """Every act is committed already."""

    def _append(self, stored_events: Sequence[StoredEvent], act: Act) -> None:
        kinds, values, holders = (
            [list(column) for column in zip(*act.claims, strict=True)]
            if act.claims
            else (None, None, None)
        )
        mark = b'"recorded_at":"'
        entries: Sequence[Any] = [
            [s.originator_id for s in stored_events],
            [s.originator_version for s in stored_events],
            [s.topic for s in stored_events],
            [s.state for s in stored_events],
            [s.state.rindex(mark) + len(mark) for s in stored_events],
        ]
        append = APPEND
        if len(stored_events) == 1:
            append, entries = APPEND_ONE, [only for (only,) in entries]
        arguments = (
            *entries,
            kinds,
            values,
            holders,
            act.cause,
            act.actor,
            act.key,
            act.fingerprint,
            act.context,
            act.now,
        )
        if act.evidence:
            with self._writing() as c:
                self._keep(c, act)
                row = _first_written(c.execute(append, arguments, prepare=True), stored_events)
        else:  # one statement is one transaction: a round trip less
            with (
                self._lent() as connection,
                connection.cursor(row_factory=tuple_row) as c,
            ):
                row = _first_written(c.execute(append, arguments, prepare=True), stored_events)
        known, cause, first, count, recorded_at = row
        if cause != act.cause:
            answer_again((known, cause, first, count, recorded_at), act.fingerprint)
        act.receipt = Receipt(cause=cause, first=first, count=count, recorded_at=recorded_at)

    def _keep(self, c: psycopg.Cursor[Any], act: Act) -> None:
        c.executemany(
            "INSERT INTO ledger_evidence VALUES (%s,%s,%s,%s) ON CONFLICT DO NOTHING",
            [e.row for e in act.evidence if not e.removable],
        )
        c.executemany(
            "INSERT INTO ledger_file VALUES (%s,%s,%s) ON CONFLICT DO NOTHING",
            [e.row[:3] for e in act.evidence if e.removable],
        )

    def _copy(self, stored_events: Sequence[StoredEvent], act: Act) -> None:
        with self._writing() as c:
            c.execute(
                "SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
            c.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if act.key is not None:
                c.execute(
                    "SELECT fingerprint, cause, first, count, recorded_at FROM ledger_command"
                    " WHERE actor=%s AND key=%s",
                    (act.actor, act.key),
                )
                answer_again(c.fetchone(), act.fingerprint)
            row = c.execute("SELECT size, recorded_at, frontier FROM ledger_head").fetchone()
            assert row is not None
            size, last, packed = row
            frontier = tree.unpack(bytes(packed))
            recorded_at, states, leaves, new_size = stamped(
                [s.state for s in stored_events], size, last, frontier, act.now
            )
            with c.copy("COPY ledger_entry FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "text", "int8", "text", "bytea", "bytea"])
                for position, s, state, leaf in zip(
                    range(size + 1, new_size + 1), stored_events, states, leaves, strict=True
                ):
                    copy.write_row(
                        (position, s.originator_id, s.originator_version, s.topic, state, leaf)
                    )
            if act.claims:
                c.execute(
                    "INSERT INTO ledger_claim SELECT * FROM"
                    " unnest(%s::text[], %s::text[], %s::text[]) AS u(k, v, h)"
                    " WHERE NOT EXISTS (SELECT 1 FROM ledger_claim c WHERE c.kind = u.k"
                    " AND c.value = u.v AND c.stream = u.h)",
                    [list(column) for column in zip(*act.claims, strict=True)],
                )
            self._keep(c, act)
            c.execute(
                "UPDATE ledger_head SET size=%s, recorded_at=%s, frontier=%s",
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
            c.execute(
                "INSERT INTO ledger_command VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
                (*said, seal(*said)),
            )
        act.receipt = Receipt(
            cause=act.cause, first=size + 1, count=new_size - size, recorded_at=recorded_at
        )

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

    @contextmanager
    def snapshot(self) -> Iterator[Select]:
        """Lend one unchanging view of the log, so that a check does not see it grow."""
        with self.reading() as c, c.connection.transaction():
            c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield lambda query, *values: c.execute(
                cast(Any, query.replace("?", "%s")), values
            ).fetchall()

    def damage(self, select: Select) -> list[str]:
        """Return the guards that are gone or switched off; pages are checked by the server."""
        there = {
            (row[0], row[1])
            for row in select(
                "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE t.tgenabled IN ('O', 'A') AND NOT t.tgisinternal"
            )
        }
        wanted = [(table, "append_only") for table in GUARDED] + [("ledger_head", "only_grows")]
        return [
            f"not as it was made: {name} on {table}"
            for table, name in wanted
            if (table, name) not in there
        ]

    def _one(self, query: str, *arguments: Any) -> tuple[Any, ...] | None:
        with self.reading() as c:
            return c.execute(cast(Any, query), arguments, prepare=True).fetchone()

    def rows(
        self, start: int, stop: int | None = None, page_rows: int = PAGE_ROWS
    ) -> Iterator[list[Row]]:
        """Yield pages of plain rows from position `start` to `stop`, both included."""
        query = SELECT_ROWS + "WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
        while True:
            end = start + page_rows - 1 if stop is None else min(start + page_rows - 1, stop)
            with self.reading() as c:
                page = c.execute(cast(Any, query), (start, end), prepare=True).fetchall()
            if not page:
                return
            yield cast(list[Row], page)
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
        query = (
            f"{select} WHERE notification_id BETWEEN %s AND %s"
            " AND ascii(right(originator_id, 1)) %% %s = %s ORDER BY notification_id"
        )
        for start in range(1, size + 1, page_rows * of):
            end = min(start + page_rows * of - 1, size)
            with self.reading() as c:
                yield c.execute(cast(Any, query), (start, end, of, number)).fetchall()

    def whole_streams(self, size: int, number: int, of: int, page_rows: int) -> Iterator[list[Row]]:
        """Yield pages of one share of the streams, up to a position, one whole stream after another.

        A page has about so many rows, or one stream.
        """
        query = (
            f"{SELECT_ROWS}WHERE (originator_id, originator_version) > (%s, %s)"
            " AND notification_id<=%s AND ascii(right(originator_id, 1)) %% %s = %s"
            " ORDER BY originator_id, originator_version LIMIT %s"
        )

        def after(last: tuple[str, int]) -> list[Row]:
            with self.reading() as c:
                asked = (*last, size, of, number, page_rows)
                return cast(list[Row], c.execute(cast(Any, query), asked).fetchall())

        return whole(after)

    def stream_rows(self, stream: str) -> list[Row]:
        """Return one stream, oldest first."""
        query = SELECT_ROWS + "WHERE originator_id=%s ORDER BY originator_version"
        with self.reading() as c:
            return cast(list[Row], c.execute(cast(Any, query), (stream,), prepare=True).fetchall())

    def first_row(self, stream: str) -> Row | None:
        """Return the first entry of a stream."""
        query = SELECT_ROWS + "WHERE originator_id=%s AND originator_version=1"
        with self.reading() as c:
            found = c.execute(cast(Any, query), (stream,), prepare=True).fetchone()
            return cast("Row | None", found)

    def kinds(self, start: int, stop: int) -> set[str]:
        """Return what kinds of stream entries are about, from one position to another."""
        query = (
            "SELECT DISTINCT split_part(originator_id, '/', 1) FROM ledger_entry"
            " WHERE notification_id BETWEEN %s AND %s"
        )
        with self.reading() as c:
            found = c.execute(cast(Any, query), (start, stop), prepare=True)
            return {row[0] for row in found}

    def fact_rows(self, streams: Collection[str], types: Collection[str], upto: int) -> list[Row]:
        """Return the entries of some types in some streams, each oldest first, up to a position.

        Other entries are passed over unread, so a few facts of many streams cost little.
        """
        query = SELECT_ROWS + "WHERE originator_id = ANY(%s) AND topic = ANY(%s)"
        query += " AND notification_id<=%s ORDER BY originator_id, originator_version"
        with self.reading() as c:
            asked = (sorted(streams), sorted(types), upto)
            return cast(list[Row], c.execute(cast(Any, query), asked).fetchall())

    def kind_rows(self, kind: str, upto: int) -> Iterator[Row]:
        """Yield all streams of a kind, one after another, each oldest first, up to a position."""
        query = SELECT_ROWS + "WHERE originator_id>%s AND originator_id<%s AND notification_id<=%s"
        query += " ORDER BY originator_id, originator_version"
        with self.reading() as c:
            yield from c.execute(cast(Any, query), (f"{kind}/", f"{kind}0", upto))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes of a range of positions."""
        query = (
            "SELECT leaf FROM ledger_entry WHERE notification_id BETWEEN %s AND %s"
            " ORDER BY notification_id"
        )
        with self.reading() as c:
            return [bytes(row[0]) for row in c.execute(cast(Any, query), (start, stop))]

    def nodes(self, level: int) -> list[tuple[int, bytes]]:
        """Return number and hash of what is kept of a level of the tree."""
        query = "SELECT number, hash FROM ledger_node WHERE level=%s ORDER BY number"
        with self.reading() as c:
            return [(row[0], bytes(row[1])) for row in c.execute(query, (level,))]

    def keep_nodes(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep hashes of the tree (level, number, hash); what is kept stays."""
        with self._writing() as c:
            c.executemany("INSERT INTO ledger_node VALUES (%s,%s,%s) ON CONFLICT DO NOTHING", rows)

    def checkpoints(self, start: int, stop: int, limit: int) -> list[tuple[int, bytes]]:
        """Return size and note of published checkpoints of a range of sizes, largest first."""
        query = (
            "SELECT size, note FROM ledger_checkpoint WHERE size BETWEEN %s AND %s"
            " ORDER BY size DESC LIMIT %s"
        )
        with self.reading() as c:
            return [(row[0], bytes(row[1])) for row in c.execute(query, (start, stop, limit))]

    def first_checkpoint(self, position: int) -> tuple[int, bytes] | None:
        """Return size and note of the first published checkpoint that covers a position."""
        query = "SELECT size, note FROM ledger_checkpoint WHERE size >= %s ORDER BY size LIMIT 1"
        row = self._one(query, position)
        return (row[0], bytes(row[1])) if row else None

    def keep_checkpoint(self, size: int, note: bytes) -> None:
        """Publish a checkpoint, or its newer text with more cosignatures."""
        with self._writing() as c:
            c.execute(
                "INSERT INTO ledger_checkpoint VALUES (%s,%s,%s)"
                " ON CONFLICT (size) DO UPDATE SET note=excluded.note, seal=excluded.seal",
                (size, note, seal(size, note.hex())),
            )

    def attestations(self, kind: str, start: int, stop: int, limit: int) -> list[tuple[int, bytes]]:
        """Return size and bytes of what others attest of checkpoints of a range, largest first."""
        query = (
            "SELECT size, content FROM ledger_attestation WHERE kind=%s AND size BETWEEN %s AND %s"
            " ORDER BY size DESC LIMIT %s"
        )
        with self.reading() as c:
            rows = c.execute(query, (kind, start, stop, limit))
            return [(row[0], bytes(row[1])) for row in rows]

    def keep_attestation(self, kind: str, size: int, content: bytes) -> None:
        """Keep beside a checkpoint what somebody else attests of it, or its better successor."""
        with self._writing() as c:
            c.execute(
                "INSERT INTO ledger_attestation VALUES (%s,%s,%s,%s)"
                " ON CONFLICT (kind, size) DO UPDATE SET content=excluded.content,"
                " seal=excluded.seal",
                (kind, size, content, seal(kind, size, content.hex())),
            )

    def version(self, stream: str) -> int:
        """Return the version of a stream, 0 when it is empty."""
        row = self._one(
            "SELECT max(originator_version) FROM ledger_entry WHERE originator_id=%s", stream
        )
        return row[0] or 0 if row else 0

    def head(self) -> tuple[int, str, bytes]:
        """Return size, time of the last entry and packed frontier."""
        row = self._one("SELECT size, recorded_at, frontier FROM ledger_head")
        assert row is not None
        return row[0], row[1], bytes(row[2])

    def command(self, position: int) -> tuple[Any, ...] | None:
        """Return the act that wrote a position: first, count, cause, actor, key, context, time."""
        return self._one(
            "SELECT first, count, cause, actor, key, context, recorded_at FROM ledger_command"
            " WHERE first <= %s ORDER BY first DESC LIMIT 1",
            position,
        )

    def receipt(self, actor: str, key: str, fingerprint: str) -> Receipt | None:
        """Return the receipt of a request recorded before; raise KeyReused for another one."""
        row = self._one(
            "SELECT fingerprint, cause, first, count, recorded_at FROM ledger_command"
            " WHERE actor=%s AND key=%s",
            actor,
            key,
        )
        if row is None:
            return None
        known, cause, first, count, recorded_at = row
        if known != fingerprint:
            raise KeyReused(cause)
        return Receipt(
            cause=cause, first=first, count=count, recorded_at=recorded_at, replayed=True
        )

    def claimed(self, kind: str, value: str) -> str | None:
        """Return the stream that holds an identifier."""
        row = self._one("SELECT stream FROM ledger_claim WHERE kind=%s AND value=%s", kind, value)
        return cast(str, row[0]) if row else None

    def claimed_of(self, kind: str, values: Collection[str]) -> dict[str, str]:
        """Return those of some identifiers that are held, each with its stream."""
        query = "SELECT value, stream FROM ledger_claim WHERE kind=%s AND value = ANY(%s)"
        with self.reading() as c:
            some = sorted(value for value in values if "\0" not in value)  # no text there has one
            rows = c.execute(query, (kind, some))
            return dict(cast("list[tuple[str, str]]", rows.fetchall()))

    def claims(self, kind: str) -> dict[str, str]:
        """Return every claimed value of a kind with its stream."""
        with self.reading() as c:
            rows = c.execute("SELECT value, stream FROM ledger_claim WHERE kind=%s", (kind,))
            return dict(cast("list[tuple[str, str]]", rows.fetchall()))

    def evidence(self, sha256: str) -> tuple[str, bytes] | None:
        """Return media type and bytes of a piece of evidence."""
        row = self._one("SELECT media, content FROM ledger_evidence WHERE sha256=%s", sha256)
        return (row[0], bytes(row[1])) if row else None

    def file(self, sha256: str) -> tuple[str, bytes] | None:
        """Return media type and bytes of an attachment; None when they are gone."""
        row = self._one("SELECT media, content FROM ledger_file WHERE sha256=%s", sha256)
        return (row[0], bytes(row[1])) if row else None

    def forget_file(self, sha256: str) -> None:
        """Let the bytes of an attachment go: the table is written anew without them.

        What the server wrote ahead (its WAL) keeps them until those segments are used again.
        """
        with self._writing() as c:
            c.execute("DELETE FROM ledger_file WHERE sha256=%s", (sha256,))
        with self._lent() as connection:
            # Not VACUUM (FULL), which keeps what was deleted while any older reader lives.
            connection.execute(
                "ALTER TABLE ledger_file ALTER COLUMN media TYPE text USING media || ''"
            )

    def position_at(self, recorded_at: str) -> int:
        """Return the last position recorded at or before a time."""
        query = (
            "SELECT first, count, recorded_at FROM ledger_command WHERE first <= %s"
            " ORDER BY first DESC LIMIT 1"
        )

        def act_at(position: int) -> tuple[int, int, str]:
            return cast("tuple[int, int, str]", self._one(query, position))

        return latest(act_at, self.head()[0], recorded_at)


class Factory(library.PostgresFactory):
    """The library's factory with our tables and recorder."""

    application_recorder_class = LedgerPostgresRecorder
    _recorder: LedgerPostgresRecorder | None = None

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.datastore.pool.reconnect_timeout = RECONNECT_SECONDS

    def application_recorder(self) -> ApplicationRecorder:
        recorder = LedgerPostgresRecorder(self.datastore, events_table_name="ledger_entry")
        self._recorder = recorder
        if self.env_create_table():
            recorder.create_table()
        return recorder

    def close(self) -> None:
        if self._recorder is not None:
            self._recorder.give_back()
        super().close()
