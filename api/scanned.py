"""What devices sent during stocktakes: an append-only store of evidence beside the log.

Half a million scans are no half a million entries: they lie here until the count ends, when they
are written into one piece of evidence whose hash is in the log. Nothing is updated or deleted, and
the database refuses to; export, restore and verify take these tables along (`evidence`). A scan is
known by stocktake, device and counter, so that sending it again changes nothing, and what
comes under the same counter with other content is kept beside it and said.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import Any, Final, Self

import msgspec
from sqlalchemy import (
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from api.accounts import engine_of
from ledger.act import Unavailable
from projections.scope import among

TRIES = 5
PATIENCE_SECONDS = 30  # a list of a hundred thousand things takes a few
OF_A_TAG: Final = re.compile(r"[0-9A-F]{24,}|urn:epc:(?:tag|raw):\S+", re.IGNORECASE)
LOCK_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(:s, 51))"
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(:s, 51))"
metadata = MetaData()
scan_ = Table(
    "stocktake_scan",
    metadata,
    Column("stocktake", String(80), primary_key=True),
    Column("device", String(80), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the scan as it was hashed
    Column("person", String(80), nullable=False),
    Column("round", Integer, nullable=False),
    Column("received_at", String(32), nullable=False),
    Column("result", String(16), nullable=False),
    Column("asset", String(80), nullable=False),
    Column("said", Text, nullable=False),  # what was answered: a repetition hears the same
    Column(
        "late", Integer, nullable=False
    ),  # 1: came when the count was over, so it does not count
    Index("stocktake_scan_asset", "stocktake", "asset"),
    Index("stocktake_scan_result", "stocktake", "result"),
)
conflict_ = Table(
    "stocktake_conflict",
    metadata,
    Column("stocktake", String(80), primary_key=True),
    Column("device", String(80), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("person", String(80), nullable=False),
    Column("received_at", String(32), nullable=False),
)
done_ = Table(
    "stocktake_done",
    metadata,
    Column("stocktake", String(80), primary_key=True),
    Column("device", String(80), primary_key=True),
    Column("last", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("received_at", String(32), nullable=False),
)
photo_ = Table(
    "stocktake_photo",
    metadata,
    Column("stocktake", String(80), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("media", String(40), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("person", String(80), nullable=False),
    Column("received_at", String(32), nullable=False),
)


class Body(msgspec.Struct, frozen=True, gc=False):
    """What a kept scan says."""

    at: str
    code: str
    offset: int = 0
    place: str = ""
    undo: int | None = None
    photo: str | None = None
    note: str = ""
    quantity: str = ""
    source: str = ""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A scan as it was received; `body` is what was hashed."""

    device: str
    n: int
    hash: str
    body: str
    person: str
    round: int
    received_at: str
    result: str
    asset: str
    said: str
    late: int


class Standing(msgspec.Struct, frozen=True):
    """What a device has sent, and what it says it has."""

    device: str
    received: int  # everything up to here is there
    missing: tuple[tuple[int, int], ...]
    declared: int | None  # how many it said it has in this round; None when it has not said so

    @property
    def owes(self) -> bool:
        """Tell whether something may still be on the device."""
        return self.declared is None or self.received < self.declared or bool(self.missing)


def by_radio(source: str, code: str) -> bool:
    """Tell whether a code was heard: by a reader, or by one that types like a keyboard."""
    return source == "rfid" or OF_A_TAG.fullmatch(code.strip()) is not None


def heard(scan: Kept) -> bool:
    """Tell whether a scan was heard, not read off a label."""
    body = msgspec.json.decode(scan.body, type=Body)
    return by_radio(body.source, body.code)


def canonical(raw: dict[str, Any]) -> str:
    """Write what is hashed: JSON without blanks, keys in order, no `hash` (RFC 8785)."""
    rest = {name: value for name, value in raw.items() if name != "hash"}
    return json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(body: str) -> str:
    """Return the hash of a scan."""
    return sha256(body.encode()).hexdigest()


class Scanned:
    """The scans, photos and declarations of one installation."""

    def __init__(self, engine: Engine, turns: Engine | None = None) -> None:
        # Who waits for a turn must not hold a connection that the one before needs to finish.
        self.engine, self.turns = engine, turns
        file = engine.url.database if engine.dialect.name == "sqlite" else ""
        self._file = f"{file}-turns" if file and file != ":memory:" else ""

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the tables beside the ledger, creating them when absent."""
        engine = engine_of(url)
        server = engine.dialect.name != "sqlite"
        if not server:
            event.listen(engine, "connect", _safely)
        metadata.create_all(engine)
        with engine.begin() as c:
            guard(c, server=server)
        return cls(engine, engine_of(url) if server else None)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        if self.turns is not None:
            self.turns.dispose()

    # Whose turn it is ------------------------------------------------------------

    @contextmanager
    def taking(self, stocktake: str) -> Iterator[None]:
        """Have the round stay as it is for a while; others may take scans at the same time."""
        with self._turn(stocktake, alone=False):
            yield

    @contextmanager
    def ending(self, stocktake: str) -> Iterator[None]:
        """Wait until nobody takes scans, and let nobody until the end: what is there counts."""
        with self._turn(stocktake, alone=True):
            yield

    @contextmanager
    def _turn(self, stocktake: str, *, alone: bool) -> Iterator[None]:
        if self.turns is None:
            with self._turn_of_file(alone=alone):
                yield
            return
        lock = LOCK_ALONE if alone else LOCK_SHARED
        with self.turns.begin() as c:
            try:
                c.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
                c.execute(text(lock), {"s": f"stocktake/{stocktake}"})
            except OperationalError as error:
                raise Unavailable("locked") from error
            yield

    @contextmanager
    def _turn_of_file(self, *, alone: bool) -> Iterator[None]:
        """Take turns among all programs that have the same file open.

        The locks are those of an empty database beside it that nothing is written to: one that
        dies gives them back, on every system on which SQLite runs. In the ledger itself readers
        look past a writer, so its locks would not do.
        """
        if not self._file:
            yield
            return
        with closing(sqlite3.connect(self._file, PATIENCE_SECONDS, isolation_level=None)) as c:
            try:
                c.execute("BEGIN EXCLUSIVE" if alone else "BEGIN")
                c.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError as error:
                raise Unavailable("locked") from error
            yield

    # Writing -------------------------------------------------------------------

    def keep(self, stocktake: str, rows: Sequence[Kept]) -> dict[int, Kept]:
        """Keep what is new; return for every counter what is kept under it.

        Two requests at once may bring the same scan: who comes second finds it there.
        """
        if not rows:
            return {}
        for attempt in range(TRIES):
            there = self.found(stocktake, rows[0].device, (row.n for row in rows))
            new = {row.n: row for row in reversed(rows) if row.n not in there}
            others = [row for row in rows if row.hash != (there | new)[row.n].hash]
            try:
                with self.engine.begin() as c:
                    if new:
                        values = [{"stocktake": stocktake} | _row(new[n]) for n in sorted(new)]
                        c.execute(insert(scan_), values)
                    self._contradicted(c, stocktake, others)
                return there | new
            except IntegrityError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _contradicted(self, c: Any, stocktake: str, rows: Iterable[Kept]) -> None:
        for row in {(row.n, row.hash): row for row in rows}.values():
            same = select(conflict_.c.n).where(
                conflict_.c.stocktake == stocktake,
                conflict_.c.device == row.device,
                conflict_.c.n == row.n,
                conflict_.c.hash == row.hash,
            )
            if c.execute(same).first() is None:
                kept = {name: getattr(row, name) for name in _OF_CONFLICT}
                c.execute(insert(conflict_).values(stocktake=stocktake, **kept))

    def declare(self, stocktake: str, device: str, last: int, round_: int, now: str) -> None:
        """Keep that a device says how many scans it has in all."""
        values = {"stocktake": stocktake, "device": device, "last": last, "round": round_}
        try:
            with self.engine.begin() as c:
                c.execute(insert(done_).values(received_at=now, **values))
        except IntegrityError:
            return  # said before

    def keep_photo(
        self, stocktake: str, name: str, media: str, content: bytes, person: str, now: str
    ) -> None:
        """Keep a picture once under its hash."""
        values = {"stocktake": stocktake, "sha256": name, "media": media, "content": content}
        try:
            with self.engine.begin() as c:
                c.execute(insert(photo_).values(person=person, received_at=now, **values))
        except IntegrityError:
            return  # there already

    # Reading -------------------------------------------------------------------

    def found(self, stocktake: str, device: str, numbers: Iterable[int]) -> dict[int, Kept]:
        """Return what is kept under these counters of a device."""
        wanted = sorted(set(numbers))
        c = scan_.c
        query = select(*(c[name] for name in _FIELDS)).where(
            c.stocktake == stocktake,
            c.device == device,
            c.n >= wanted[0],
            c.n <= wanted[-1],
        )
        with self.engine.connect() as connection:
            rows = [Kept(*row) for row in connection.execute(query)]
        asked = set(wanted)
        return {row.n: row for row in rows if row.n in asked}

    def all(self, stocktake: str) -> list[Kept]:
        """Return every scan that counts, by device and counter."""
        c = scan_.c
        query = select(*(c[name] for name in _FIELDS)).where(c.stocktake == stocktake, c.late == 0)
        with self.engine.connect() as connection:
            return [Kept(*row) for row in connection.execute(query.order_by(c.device, c.n))]

    def seen(self, stocktake: str, asset: str) -> list[Kept]:
        """Return the scans of one asset."""
        c = scan_.c
        query = select(*(c[name] for name in _FIELDS)).where(
            c.stocktake == stocktake, c.asset == asset, c.late == 0
        )
        with self.engine.connect() as connection:
            return [Kept(*row) for row in connection.execute(query.order_by(c.device, c.n))]

    def seen_of(self, stocktake: str, assets: Iterable[str]) -> list[Kept]:
        """Return the scans of some things, in no order."""
        c = scan_.c
        query = select(*(c[name] for name in _FIELDS)).where(
            c.stocktake == stocktake, c.late == 0, among(c.asset, assets)
        )
        with self.engine.connect() as connection:
            return [Kept(*row) for row in connection.execute(query)]

    def assets(self, stocktake: str) -> set[str]:
        """Return every thing that was seen at least once, those not that must be confirmed yet."""
        c = scan_.c
        query = (
            select(c.asset)
            .where(c.stocktake == stocktake, c.late == 0, c.result != "confirm")
            .distinct()
        )
        with self.engine.connect() as connection:
            return {row[0] for row in connection.execute(query)} - {""}

    def undone(self, stocktake: str) -> set[tuple[str, int]]:
        """Return device and counter of every scan that was taken back."""
        c = scan_.c
        query = select(c.device, c.body).where(
            c.stocktake == stocktake, c.result == "undone", c.late == 0
        )
        decode = msgspec.json.Decoder(Body).decode
        with self.engine.connect() as connection:
            told = [(row[0], decode(row[1]).undo) for row in connection.execute(query)]
        return {(device, n) for device, n in told if n is not None}

    def contradictions(self, stocktake: str) -> list[Any]:
        """Return what came under a counter that was used before."""
        query = select(conflict_).where(conflict_.c.stocktake == stocktake)
        with self.engine.connect() as c:
            order = (conflict_.c.device, conflict_.c.n, conflict_.c.hash)
            return [dict(row) for row in c.execute(query.order_by(*order)).mappings()]

    def last(self, stocktake: str) -> dict[str, tuple[int, str]]:
        """Return for each device how many scans came from it, and when the last one did (UTC)."""
        c = scan_.c
        query = select(c.device, func.count(), func.max(c.received_at)).where(
            c.stocktake == stocktake
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query.group_by(c.device)).all()
        return {str(device): (int(count), str(at)) for device, count, at in rows}

    def late(self, stocktake: str) -> int:
        """Count what came when the count was over."""
        query = select(func.count()).where(scan_.c.stocktake == stocktake, scan_.c.late == 1)
        with self.engine.connect() as c:
            return int(c.execute(query).scalar_one())

    def photo(self, stocktake: str, name: str) -> tuple[str, bytes] | None:
        """Return media type and bytes of a picture."""
        c = photo_.c
        query = select(c.media, c.content).where(c.stocktake == stocktake, c.sha256 == name)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return (row[0], row[1]) if row else None

    def standing(self, stocktake: str, device: str, round_: int) -> Standing:
        """Return what a device has sent; the gaps come from its counters, from 1 on."""
        c = scan_.c
        numbers = select(c.n).where(c.stocktake == stocktake, c.device == device).order_by(c.n)
        said = select(func.max(done_.c.last)).where(
            done_.c.stocktake == stocktake, done_.c.device == device, done_.c.round == round_
        )
        with self.engine.connect() as connection:
            there = [int(row[0]) for row in connection.execute(numbers)]
            declared = connection.execute(said).scalar()
        upto, gaps, expected = 0, list[tuple[int, int]](), 1
        for n in there:
            if n > expected:
                gaps.append((expected, n - 1))
            if not gaps:
                upto = n
            expected = n + 1
        last = None if declared is None else int(declared)
        if last is not None and last >= expected:
            gaps.append((expected, last))
        return Standing(device, upto, tuple(gaps), last)


_FIELDS = Kept.__struct_fields__
_OF_CONFLICT = ("device", "n", "hash", "body", "person", "received_at")


def _row(kept: Kept) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in _FIELDS}


def _safely(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL")


KEPT: Final = tuple(table.name for table in metadata.sorted_tables)
REFUSE: Final = (
    "CREATE OR REPLACE FUNCTION stocktake_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'evidence is never changed'; END $$"
)


def guard(c: Any, *, server: bool) -> None:
    """Have the database refuse to change or remove what was kept, once for all."""
    if not server:
        for table in KEPT:
            for verb in ("update", "delete"):
                c.execute(
                    text(
                        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}"
                        " BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END"
                    )
                )
        return
    there = text(
        "SELECT count(*) FROM pg_trigger t WHERE t.tgname LIKE 'stocktake%kept' AND t.tgrelid IN"
        " (SELECT to_regclass(n) FROM unnest(cast(:names AS text[])) n)"
    )
    if c.execute(there, {"names": list(KEPT)}).scalar() == len(KEPT):
        return
    c.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('stocktake_guard', 51))"))
    if c.execute(there, {"names": list(KEPT)}).scalar() == len(KEPT):
        return  # somebody else was first
    c.execute(text(REFUSE))
    for table in KEPT:
        c.execute(
            text(
                f"CREATE OR REPLACE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION stocktake_refuse()"
            )
        )
