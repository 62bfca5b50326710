"""Where the lists live: follow the log, answer questions, start again from nothing.

All lists and the position they have reached are written in one transaction. They may be lost
and rebuilt, so their own commits need not wait for the disk; entries always do.
"""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self, TypeAlias

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    PoolProxiedConnection,
    RowMapping,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.schema import CreateIndex, DropIndex

from domain.decider import LIFECYCLES
from ledger.act import Row, Unavailable
from ledger.book import Book
from ledger.entry import Entry, decode, standing
from projections import cases, history, inventory, units
from projections.scope import Rows
from projections.temporal import Columns, Intervals, Line, Thing
from projections.writing import COPY_FROM, Writer

VERSION = 5  # of the tables: a newer number rebuilds them at the next start
BATCH = 20_000
LOCK = 7_246_814
CACHE_MAX = 200_000  # streams remembered between batches, about 100 MB
Progress: TypeAlias = Callable[[int, int], None]

metadata = inventory.metadata
streams = Table(
    "stream",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("remembered", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
progress_table = Table(
    "projected",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)


class Kept(Thing):
    """What is remembered of one stream between batches."""

    __slots__ = ("card", "first_on", "kind", "last_on", "lines", "meanings", "state", "version")

    def __init__(self, stream: str, temporal: Mapping[str, Intervals]) -> None:
        self.kind, id_ = stream.split("/", 1)
        super().__init__(id_)
        life = LIFECYCLES[self.kind]
        self.state: Any = life.state()
        self.meanings = life.meanings
        self.lines = temporal.get(self.kind)
        self.version, self.first_on, self.last_on = 0, "", ""
        self.card: Any = None  # what was last written of it that seldom changes


class List(NamedTuple):
    """Which list shows a kind of stream, and how; `card` is what need not be written again."""

    table: Table
    row: Callable[[Kept], tuple[Any, ...] | None]
    card: Callable[[Any], Any] | None = None
    moving: Callable[[Kept], tuple[Any, ...]] = lambda _: ()
    moves: tuple[str, ...] = ()


_case = List(
    cases.cases,
    lambda k: cases.row(f"{k.kind}/{k.id}", k.state, k.first_on, k.last_on, k.version),
)
# What is now, and what was.
CURRENT: dict[str, List] = {
    "asset": List(
        inventory.inventory,
        lambda k: inventory.row(k, k.state, k.last_on, k.version),
        inventory.facts,
        lambda k: inventory.moving(k, k.state, k.last_on, k.version),
        inventory.MOVING,
    ),
    "unit": List(units.unit, lambda k: units.unit_row(k, k.state, k.last_on, k.version)),
    "place": List(units.place, lambda k: units.place_row(k, k.state, k.last_on, k.version)),
    **dict.fromkeys(cases.KINDS, _case),
}
TEMPORAL: dict[str, tuple[Table, Columns]] = {
    "asset": (history.ended, history.columns),
    "unit": (units.ended, units.called),
    "place": (units.ended, units.called),
}
INDEXES = (*inventory.indexes, *history.indexes, *units.indexes, *cases.indexes)


class _Memory:
    """How what is kept of a kind of stream is written down: values in the order of its fields."""

    def __init__(self, state: type[msgspec.Struct]) -> None:
        self.state, self.names = state, state.__struct_fields__
        fields = [(f.name, f.type) for f in msgspec.structs.fields(state)]
        twin = msgspec.defstruct(f"{state.__name__}Values", fields, array_like=True, gc=False)
        said = tuple.__class_getitem__((str, str, int, str, int, twin))
        self._decode: Any = msgspec.msgpack.Decoder(said).decode

    def pack(self, kept: Kept) -> bytes:
        """Return what is kept of a stream as bytes."""
        values = msgspec.structs.astuple(kept.state)
        head = (kept.first_on, kept.last_on, kept.opened, kept.from_on, kept.known_from)
        return _pack((*head, values))

    def unpack(self, kept: Kept, data: bytes) -> None:
        """Keep what was written down."""
        kept.first_on, kept.last_on, opened, from_on, known_from, twin = self._decode(data)
        values = msgspec.structs.astuple(twin)
        kept.state = self.state(**dict(zip(self.names, values, strict=True)))
        if opened and kept.lines is not None:
            kept.open(kept.lines.columns(kept.id, kept.state), opened, from_on, known_from)


_pack = msgspec.msgpack.Encoder(order="deterministic").encode
MEMORY = {kind: _Memory(life.state) for kind, life in LIFECYCLES.items()}


def _intervals() -> dict[str, Intervals]:
    """Return what collects intervals, by kind of stream; one for each table."""
    tables = {table: Intervals(table, columns) for table, columns in TEMPORAL.values()}
    return {kind: tables[table] for kind, (table, _) in TEMPORAL.items()}


class Stuck(Exception):
    """An entry cannot be projected; the lists stay where they are until this is mended."""

    def __init__(self, position: int, cause: Exception) -> None:
        super().__init__(f"position {position}: {type(cause).__name__}: {cause}")
        self.position = position


class _Moved(Exception):
    """Somebody else moved the lists."""


class ReadModels:
    """The lists of one ledger. Open with the ledger's own address."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite:")
        address = make_url(url.replace("postgres://", "postgresql://", 1))
        if not self.sqlite:
            address = address.set(drivername="postgresql+psycopg")
        options: dict[str, Any] = {"connect_args": {"timeout": 10}} if self.sqlite else {}
        self.engine = create_engine(address, pool_size=5, max_overflow=15, **options)
        if self.sqlite:
            event.listen(self.engine, "connect", _configure)
        self._trouble = self.engine.dialect.loaded_dbapi.OperationalError
        self._moved = (_Moved, self.engine.dialect.loaded_dbapi.DataError)
        self._raw: PoolProxiedConnection | None = None
        self._lock = threading.Lock()
        self._cache: dict[str, Kept] = {}
        self._intervals = _intervals()
        self._reached = -1

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the lists, creating their tables when missing or of an older version."""
        models = cls(url)
        with models._writing() as c:
            metadata.create_all(c)
            found = c.execute(text("SELECT version FROM projected")).scalar()
            if found is None:
                c.execute(progress_table.insert().values(one=1, position=0, version=VERSION))
            elif found != VERSION:
                metadata.drop_all(c)
                metadata.create_all(c)
                c.execute(progress_table.insert().values(one=1, position=0, version=VERSION))
        return models

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._raw is not None:
                self._raw.close()
                self._raw = None
        self.engine.dispose()

    # Reading -----------------------------------------------------------------

    def rows(self, query: Rows) -> list[RowMapping]:
        """Return all rows of a query."""
        with self.engine.connect() as c:
            return list(c.execute(query).mappings())

    def one(self, query: Rows) -> RowMapping | None:
        """Return the first row of a query, or None."""
        with self.engine.connect() as c:
            return c.execute(query).mappings().first()

    def position(self) -> int:
        """Return the position the lists have reached."""
        with self.engine.connect() as c:
            return int(c.execute(text("SELECT position FROM projected")).scalar_one())

    # Following the log ---------------------------------------------------------

    def catch_up(self, book: Book, progress: Progress | None = None) -> int:
        """Project everything recorded since the last time; return the position reached.

        Raise Stuck at an entry that cannot be projected: it is never skipped.
        """
        with self._lock, collector_off():
            page = book.just_written(self._reached) if self._reached >= 0 else []
            small = 0 < len(page) < COPY_FROM and len(self._cache) <= CACHE_MAX
            if small and self._followed(book, page):
                return self._reached
            while True:
                with self._hot() as writer:
                    writer.cursor.execute("SELECT position FROM projected")
                    start = int(writer.cursor.fetchone()[0])
                    page = next(book.log.rows(start + 1, start + BATCH, BATCH), [])
                    if not page:
                        self._reached = start
                        return start
                    if start != self._reached or len(self._cache) > CACHE_MAX:
                        self._cache, self._intervals = {}, _intervals()
                    self._reached = -1  # until this batch is committed
                    batch = _Batch(book, writer, self._cache, self._intervals, fresh=False)
                    batch.take(page)
                    end = int(page[-1][0])
                    with writer.together(len(page)):
                        batch.flush()
                        writer.reached(end)
                self._reached = end
                if progress is not None:
                    progress(end, book.log.head()[0])
                if len(page) < BATCH:
                    return end

    def _followed(self, book: Book, page: Sequence[Row]) -> bool:
        """Take what was just written without reading it back; a server is asked but once.

        Return False, with nothing done, when somebody else moved the lists meanwhile.
        """
        after, end = self._reached, page[-1][0]
        self._reached = -1  # until this is committed, what is remembered is not to be trusted
        try:
            with self._hot(after, end) as writer:
                batch = _Batch(book, writer, self._cache, self._intervals, fresh=False)
                batch.take(page)
                batch.flush()
        except (*self._moved, Stuck):  # if it is stuck, it will be told so from the log
            return False
        self._reached = end
        return True

    def rebuild(self, book: Book, progress: Progress | None = None) -> int:
        """Throw every list away and project the whole log again, in one transaction (T01)."""
        with self._lock, self._writing() as c, collector_off():
            for index in INDEXES:
                c.execute(DropIndex(index, if_exists=True))
            for table in metadata.sorted_tables:
                if table is not progress_table:
                    c.execute(table.delete())
            self._cache, self._reached = {}, -1
            raw = c.connection.dbapi_connection
            assert raw is not None
            writer = Writer(raw.cursor(), sqlite=self.sqlite)
            batch = _Batch(book, writer, {}, _intervals(), fresh=True)
            end, size = 0, book.log.head()[0]
            for page in book.log.rows(1, size):
                batch.take(page)
                batch.flush_intervals()
                end = page[-1][0]
                if progress is not None:
                    progress(end, size)
            batch.tell_irregular(end)
            batch.flush()
            for index in INDEXES:
                c.execute(CreateIndex(index))
            c.execute(_REACHED, {"p": end})
            c.exec_driver_sql("ANALYZE")
            return end

    @contextmanager
    def _hot(self, after: int | None = None, end: int = 0) -> Iterator[Writer]:
        """Open the writing transaction that every request needs, on a connection kept for it.

        When `after` is said, move the position from there to `end`; raise what is in `_moved`
        when it is elsewhere.
        """
        try:
            if self._raw is None:
                self._raw = self.engine.raw_connection()
            cursor = self._raw.cursor()
            if self.sqlite:
                cursor.execute("BEGIN IMMEDIATE")
                if after is not None:
                    sql = "UPDATE projected SET position=? WHERE position=?"
                    if cursor.execute(sql, (end, after)).rowcount == 0:
                        raise _Moved
            elif after is not None:
                # One message for all, the commit among them; a wrong position divides by zero.
                with cursor.connection.pipeline():
                    cursor.execute("SET LOCAL synchronous_commit=off")
                    cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                    cursor.execute(
                        "UPDATE projected SET position=%s::bigint/(position=%s)::int", (end, after)
                    )
                    yield Writer(cursor, sqlite=False)
                    self._raw.commit()
                return
            else:
                # One message for three: the lock is held before the next statement looks.
                with cursor.connection.pipeline():
                    cursor.execute("SET LOCAL synchronous_commit=off")
                    cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            yield Writer(cursor, sqlite=self.sqlite)
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

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open the one writing transaction; other processes wait for it."""
        with self.engine.connect() as c:
            if self.sqlite:
                c.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                c.exec_driver_sql("SET LOCAL synchronous_commit=off")
                c.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            yield c
            if self.sqlite:
                c.exec_driver_sql("COMMIT")
            c.commit()


_REACHED = text("UPDATE projected SET position=:p")


def _configure(connection: Any, _: Any) -> None:
    """Leave transactions to us, and commits of lists to the next checkpoint of the log."""
    connection.isolation_level = None
    for pragma in (
        "synchronous=NORMAL",
        "cache_size=-65536",
        "temp_store=MEMORY",
        "threads=2",
        "wal_autocheckpoint=8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


class _Batch:
    """Entries taken together: fold, then write every list at once."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        cache: dict[str, Kept],
        intervals: Mapping[str, Intervals],
        *,
        fresh: bool,
    ) -> None:
        self.book, self.writer, self.cache, self.fresh = book, writer, cache, fresh
        self.intervals = intervals
        self.dirty: dict[str, Kept] = cache if fresh else {}
        self.irregular: dict[str, Kept] = {}  # in a rebuild: told one by one at the end

    def take(self, page: Sequence[Any]) -> None:
        """Fold a page of rows."""
        if not self.fresh:
            # A stream whose first entry is here has nothing to be recalled.
            self._recall({row[1] for row in page} - self.cache.keys() - _first(page))
        cache, dirty, position = self.cache, self.dirty, 0
        try:
            for row in page:
                position, stream = row[0], row[1]
                entry = decode(*row)
                kept = cache.get(stream)
                if kept is None:
                    kept = cache[stream] = Kept(stream, self.intervals)
                dirty[stream] = kept
                kept.version = entry.seq
                on = entry.effective_at[:10]
                if entry.corrects is not None or on < kept.last_on:
                    if self.fresh:
                        self.irregular[stream] = kept
                    else:
                        self._retell(entry, kept)
                    continue
                fact = entry.event
                state = kept.state = kept.meanings[type(fact)](kept.state, fact)
                kept.last_on = on
                if not kept.first_on:
                    kept.first_on = on
                lines = kept.lines
                if lines is not None:
                    values = lines.columns(kept.id, state)
                    if values != kept.values:
                        lines.follow(kept, values, position, on)
        except Exception as error:
            raise Stuck(position, error) from error

    def _recall(self, missing: Iterable[str]) -> None:
        for stream, version, data in self.writer.select("*", streams, "stream", sorted(missing)):
            kept = self.cache[stream] = Kept(stream, self.intervals)
            kept.version = version
            MEMORY[kept.kind].unpack(kept, bytes(data))
            card = CURRENT[kept.kind].card
            if card is not None and kept.opened:
                kept.card = card(kept.state)

    def _retell(self, entry: Entry, kept: Kept) -> None:
        """Work out a stream anew after a late entry or a reversal."""
        self.flush_intervals()
        rows = self.book.log.stream_rows(entry.stream)
        line = _line(kept, [decode(*row) for row in rows if row[0] <= entry.position])
        if kept.lines is not None:
            kept.lines.retell(self.writer, kept, line, entry.position)

    def tell_irregular(self, until: int) -> None:
        """In a rebuild: tell the streams that had late entries or reversals, one by one."""
        self.flush_intervals()
        for lines in set(self.intervals.values()):
            mine = [kept.id for kept in self.irregular.values() if kept.lines is lines]
            self.writer.delete(lines.table, mine, "id")
        for stream, kept in self.irregular.items():
            rows = self.book.log.stream_rows(stream)
            told = [decode(*row) for row in rows if row[0] <= until]
            if kept.lines is not None:
                fold, life = functools.partial(_line, kept), LIFECYCLES[kept.kind]
                kept.lines.ended += map(tuple, kept.lines.tell(kept, told, fold, life))
            _line(kept, told)
        self.irregular = {}

    def flush_intervals(self) -> None:
        """Write what was."""
        for lines in set(self.intervals.values()):
            lines.flush(self.writer)

    def flush(self) -> None:
        """Write what was, what is, and what must be remembered."""
        self.flush_intervals()
        by_kind: dict[List, list[Kept]] = {}
        kept_rows: list[tuple[Any, ...]] = []
        for stream, kept in sorted(self.dirty.items()):
            by_kind.setdefault(CURRENT[kept.kind], []).append(kept)
            kept_rows.append((stream, kept.version, MEMORY[kept.kind].pack(kept)))
        write = self.writer.insert if self.fresh else self.writer.replace
        for list_, some in by_kind.items():
            rows, gone, moved = _changes(list_, some)
            write(list_.table, rows)
            self.writer.update(list_.table, list_.moves, moved)
            if gone and not self.fresh:
                self.writer.delete(list_.table, gone)
        write(streams, kept_rows)
        self.dirty = {}


def _changes(
    list_: List, some: Iterable[Kept]
) -> tuple[list[tuple[Any, ...]], list[str], list[tuple[Any, ...]]]:
    """Return rows to write whole, keys of rows to remove, and what moved with its key last."""
    rows: list[tuple[Any, ...]] = []
    gone: list[str] = []
    moved: list[tuple[Any, ...]] = []
    for kept in some:
        card = None if list_.card is None or not kept.opened else list_.card(kept.state)
        if card is not None and card == kept.card:
            moved.append((*list_.moving(kept), kept.id))
            continue
        row = list_.row(kept)
        kept.card = card
        if row is not None:
            rows.append(row)
        else:
            gone.append(f"{kept.kind}/{kept.id}" if list_ is _case else kept.id)
    return rows, gone, moved


def _first(page: Sequence[Any]) -> set[str]:
    """Return the streams that begin on a page of rows."""
    return {row[1] for row in page if row[2] == 1}


def _line(kept: Kept, told: Sequence[Entry]) -> Line:
    """Fold what stands of a stream into `kept`; return each fact with the state it led to."""
    life = LIFECYCLES[kept.kind]
    state, line = life.state(), Line()
    for fact in standing(told):
        state = life.evolve(state, fact.event)
        line.append((fact, state))
    kept.state = state
    kept.first_on = line[0][0].effective_on if line else ""
    kept.last_on = line[-1][0].effective_on if line else ""
    return line


@contextmanager
def collector_off() -> Iterator[None]:
    """Do without garbage collection while millions of small objects are made and kept."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
