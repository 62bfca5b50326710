"""What readers saw, kept beside the log: batches as they came, and what they add up to.

A batch is kept once under its device and number; nothing of it is ever changed or removed, and the
database refuses to. What the batches of a session add up to does not depend on their order. The
log gets the digest of a closed session, never single reads: a count makes a million of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import Meta
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    case,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from api.accounts import engine_of
from domain.radio import Threshold
from projections.scope import among

OBSERVATIONS_MAX: Final = 1_000
GAPS_MAX: Final = 100
ABOVE_MAX: Final = 10_000  # numbers looked at above the first gap
DEVICES_MAX: Final = 1_000
TAGS_MAX: Final = 10_000
KEY_CHARS_MAX: Final = 2_000
RSSI_UNKNOWN: Final = -32_768
MS_MAX: Final = 2**53 - 1  # what a program in a browser can still count exactly


def _coded(length: int) -> TypeEngine[str]:
    """Return a type for codes: a server compares them byte by byte, whatever language it speaks."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


metadata = MetaData()
session_ = Table(
    "reading_session",
    metadata,
    Column("session", String(120), primary_key=True),
    Column("closed_at", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("batches", Integer, nullable=False),
    Column("reads", BigInteger, nullable=False),
)
batch = Table(
    "reading_batch",
    metadata,
    Column("device", String(80), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("session", String(120), nullable=False),
    Column("area", String(80), nullable=False),
    Column("round", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("device_clock", String(40), nullable=False),
    Column("received_at", String(32), nullable=False),
    Column("person", String(80), nullable=False),
    Column("late", Integer, nullable=False),
    Column("reads", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),  # zlib of the observations as hashed
    Column("answer", LargeBinary, nullable=False),  # zlib of what was answered
    Index("reading_batch_of_session", "session", "device", "seq"),
)
reached_ = Table(
    "reading_reached",
    metadata,
    Column("device", String(80), primary_key=True),
    Column("complete_to", BigInteger, nullable=False),  # nothing is missing up to this number
)
tag = Table(
    "reading_tag",
    metadata,
    Column("session", _coded(120), primary_key=True),
    Column("area", _coded(80), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("key", _coded(KEY_CHARS_MAX), primary_key=True),
    Column("carrier", _coded(8), primary_key=True),
    Column("tid", _coded(128), primary_key=True),
    Column("device", _coded(80), primary_key=True),
    Column("antenna", Integer, primary_key=True),
    Column("reads", BigInteger, nullable=False),
    Column("rssi", Integer, nullable=False),  # the best, dBm; RSSI_UNKNOWN when none was said
    Column("first_ms", BigInteger, nullable=False),  # by the device's own clock
    Column("last_ms", BigInteger, nullable=False),
    Index("reading_tag_by_key", "session", "key"),
    # Room in each page of a server, so that a sum which grows stays where it is, and so its keys.
    postgresql_with={"fillfactor": 50},
)
done_ = Table(
    "reading_done",
    metadata,
    Column("session", String(120), primary_key=True),
    Column("device", String(80), primary_key=True),
    Column("last", BigInteger, primary_key=True, autoincrement=False),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("received_at", String(32), nullable=False),
)
threshold_ = Table(
    "reading_threshold",
    metadata,
    Column("device", String(80), primary_key=True),
    Column("area", String(80), primary_key=True),
    Column("made_at", String(32), primary_key=True),  # the last one holds
    Column("rssi", Integer, nullable=False),
    Column("reads", Integer, nullable=False),
    Column("session", String(120), nullable=False),  # of the walk with known tags
    Column("person", String(80), nullable=False),
)
# Bare statements: what is built anew for each row would cost more than writing the row.
MERGE_ROWS: Final = """
INSERT INTO reading_tag AS t (session, round, device, area, key, carrier, tid, antenna,
    reads, rssi, first_ms, last_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session, area, round, key, carrier, tid, device, antenna) DO UPDATE SET
    reads = t.reads + excluded.reads, rssi = max(t.rssi, excluded.rssi),
    first_ms = min(t.first_ms, excluded.first_ms), last_ms = max(t.last_ms, excluded.last_ms)
"""
MERGE_SUMS: Final = """
INSERT INTO reading_tag AS t (session, round, device, area, key, carrier, tid, antenna,
    reads, rssi, first_ms, last_ms)
SELECT %s, %s, %s, area, key, carrier, tid, antenna, reads, rssi, first_ms, last_ms
FROM json_to_recordset(%s::json) AS told(area text, key text, carrier text, tid text, antenna int,
    reads bigint, rssi int, first_ms bigint, last_ms bigint)
ON CONFLICT (session, area, round, key, carrier, tid, device, antenna) DO UPDATE SET
    reads = t.reads + excluded.reads, rssi = greatest(t.rssi, excluded.rssi),
    first_ms = least(t.first_ms, excluded.first_ms), last_ms = greatest(t.last_ms, excluded.last_ms)
"""
ADVANCE_SQLITE: Final = """
INSERT INTO reading_reached VALUES (?, ?)
ON CONFLICT (device) DO UPDATE SET complete_to = excluded.complete_to
"""
ADVANCE: Final = """
INSERT INTO reading_reached VALUES (%s, %s)
ON CONFLICT (device) DO UPDATE SET complete_to = excluded.complete_to
"""


SUMMED: Final = (
    *("area", "key", "carrier", "tid", "antenna"),
    *("reads", "rssi", "first_ms", "last_ms"),
)


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tag as a device saw it over a moment; times are milliseconds of the device's clock.

    `raw` is the content or text as it was read, `rssi` in dBm, `place` where that was when it was
    not the area of the batch.
    """

    carrier: Annotated[str, Meta(pattern=r"^(rfid|qr|manual)$")]
    raw: Annotated[str, Meta(min_length=1, max_length=KEY_CHARS_MAX, pattern=r"^[^\x00]*$")]
    tid: Annotated[str, Meta(pattern=r"^([0-9A-Fa-f]{4}){0,31}$")] = ""
    antenna: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    rssi: Annotated[int, Meta(ge=-128, le=127)] | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    first_ms: Annotated[int, Meta(ge=0, le=MS_MAX)] = 0
    last_ms: Annotated[int, Meta(ge=0, le=MS_MAX)] = 0
    place: Annotated[str, Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as it came: whose, its number, where and when, and what is kept of it."""

    session: str
    area: str
    round: int
    device: str
    seq: int
    sha256: str
    device_clock: str
    person: str
    observations: tuple[Observation, ...]
    content: bytes

    @property
    def reads(self) -> int:
        """Count what the device saw, repetitions included."""
        return sum(seen.count for seen in self.observations)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: the answer that was given, and whether it was given before."""

    answer: bytes
    replayed: bool
    late: bool
    complete: int = 0  # nothing of the device is missing up to this number
    gaps: tuple[tuple[int, int], ...] = ()  # above it


class Sum(msgspec.Struct, frozen=True, gc=False):
    """What the batches of a session add up to, of one tag on one antenna of a device in an area."""

    area: str
    round: int
    key: str
    carrier: str
    tid: str
    device: str
    antenna: int  # -1 when none was said
    reads: int
    rssi: int | None
    first_ms: int
    last_ms: int


_RSSI: Final = Sum.__struct_fields__.index("rssi")


class Before:
    """What was seen in a session of the tags of a batch before it, as far as that is asked."""

    def __init__(self, ask: Callable[[Iterable[str]], list[Any]]) -> None:
        self._ask = ask

    @cached_property
    def chips(self) -> dict[str, frozenset[str]]:
        """Return the chips (TID) by key; a key is there when it was seen."""
        return chips_of(self._ask(("key", "tid")))

    @cached_property
    def sums(self) -> list[Sum]:
        """Return everything known of these tags."""
        return [_sum(row) for row in self._ask(Sum.__struct_fields__)]


NO_CHIPS: Final = frozenset[str]()


def chips_of(seen: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Return by key the chips that whatever has a `key` and a `tid` names."""
    found: dict[str, frozenset[str]] = {}
    for one in seen:
        if one.tid:
            found[one.key] = found.get(one.key, NO_CHIPS) | {one.tid}
        elif one.key not in found:
            found[one.key] = NO_CHIPS
    return found


def _sum(row: Any) -> Sum:
    values = list(row)
    if values[_RSSI] == RSSI_UNKNOWN:
        values[_RSSI] = None
    return Sum(*values)


class Standing(msgspec.Struct, frozen=True):
    """What a device has sent, and what it says it has; `declared` is None when it has not said."""

    complete: int
    gaps: tuple[tuple[int, int], ...]
    batches: int  # in this session
    due: bool  # some of them are of this round, so that it is to say how many there are
    declared: int | None

    @property
    def owes(self) -> bool:
        """Tell whether batches may still be on the device."""
        return self.due if self.declared is None else self.complete < self.declared


class OtherBatch(Exception):
    """The device used this number for other content before."""


def digest_of(observations: Any) -> tuple[bytes, str]:
    """Return the canonical bytes (RFC 8785: sorted keys, no blanks) of what came, and their SHA-256.

    `observations` are plain lists, dictionaries, texts and integers, as the device sent them.
    """
    content = _encode(observations)
    return content, sha256(content).hexdigest()


_encode: Callable[[Any], bytes] = msgspec.json.Encoder(order="sorted").encode


class Readings:
    """The evidence store of one installation, in the ledger's database but never in its log."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock
        self.writer = engine.execution_options(writing=True)
        self.sqlite = engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open the tables at `sqlite:///FILE` or `postgresql://…`, creating them when absent."""
        engine = engine_of(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _by_hand)
            event.listen(engine, "begin", _at_once)
        metadata.create_all(engine)
        with engine.begin() as connection:
            for statement in SQLITE_GUARDS if engine.dialect.name == "sqlite" else SERVER_GUARDS:
                connection.execute(text(statement))
        return cls(engine, clock or (lambda: datetime.now(UTC)))

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def keep(
        self,
        incoming: Incoming,
        keys: Sequence[str],
        answer: Callable[[bool, Before], bytes],
        over: Callable[[], bool] = lambda: False,
    ) -> Kept:
        """Keep a batch and add it up, all or nothing; a repetition gets the answer it got before.

        `keys` are the spellings by which each observation is recognised. `answer` is called once
        with whether the batch is late, and what was seen in this session before. A batch for a
        session that was closed, or that is `over`, is kept as late evidence and adds up to
        nothing. Raise `OtherBatch` when the number was used for other content.
        """
        try:
            with self.writer.begin() as c:
                late = self._closed(c, incoming.session) or over()
                said = answer(late, self._before(c, incoming.session, keys))
                c.execute(insert(batch).values(**self._row(incoming, late, said)))
                if not late:
                    self._add_up(c, incoming, keys)
                complete, gaps = self._advance(c, incoming.device)
        except IntegrityError:
            # This number is kept already, perhaps since a moment ago.
            again = self.answered(incoming)
            if again is None:
                raise
            return again
        return Kept(answer=said, replayed=False, late=late, complete=complete, gaps=tuple(gaps))

    def answered(self, incoming: Incoming) -> Kept | None:
        """Return what a batch was answered before, or None; raise `OtherBatch`."""
        query = select(batch.c.sha256, batch.c.answer, batch.c.late).where(
            batch.c.device == incoming.device, batch.c.seq == incoming.seq
        )
        with self.engine.connect() as c:
            row = c.execute(query).first()
            if row is None:
                return None
            if row.sha256 != incoming.sha256:
                raise OtherBatch(incoming.device, incoming.seq)
            _, complete, gaps = self._gaps(c, incoming.device)
        answer, late = zlib.decompress(row.answer), bool(row.late)
        return Kept(answer=answer, replayed=True, late=late, complete=complete, gaps=tuple(gaps))

    def _closed(self, c: Any, session: str) -> bool:
        found = select(session_.c.session).where(session_.c.session == session)
        if not self.sqlite:
            # Whoever closes the session waits for us, or we see that it is closed.
            c.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext(:s))"), {"s": session})
        return c.execute(found).first() is not None

    def _before(self, c: Any, session: str, keys: Sequence[str]) -> Before:
        mine = (tag.c.session == session, among(tag.c.key, keys))
        return Before(
            lambda names: c.execute(select(*(tag.c[name] for name in names)).where(*mine)).all()
        )

    def _row(self, incoming: Incoming, late: bool, said: bytes) -> dict[str, Any]:
        return {
            "device": incoming.device,
            "seq": incoming.seq,
            "session": incoming.session,
            "area": incoming.area,
            "round": incoming.round,
            "sha256": incoming.sha256,
            "device_clock": incoming.device_clock,
            "received_at": self._now(),
            "person": incoming.person,
            "late": int(late),
            "reads": incoming.reads,
            "content": zlib.compress(incoming.content, 1),
            "answer": zlib.compress(said, 1),
        }

    def _add_up(self, c: Any, incoming: Incoming, keys: Sequence[str]) -> None:
        """Add a batch to the sums; sums, best, first and last do not depend on the order."""
        sums: dict[tuple[Any, ...], list[int]] = {}
        for key, seen in zip(keys, incoming.observations, strict=True):
            antenna = -1 if seen.antenna is None else seen.antenna
            of = (seen.place or incoming.area, key, seen.carrier, seen.tid.upper(), antenna)
            rssi = RSSI_UNKNOWN if seen.rssi is None else seen.rssi
            known = sums.get(of)
            if known is None:
                sums[of] = [seen.count, rssi, seen.first_ms, seen.last_ms]
            else:
                known[0] += seen.count
                known[1] = max(known[1], rssi)
                known[2] = min(known[2], seen.first_ms)
                known[3] = max(known[3], seen.last_ms)
        head = (incoming.session, incoming.round, incoming.device)
        # In one order, so that of two batches at once neither waits for the other and it for them.
        rows = [(*of, *told) for of, told in sorted(sums.items())]
        if self.sqlite:
            c.exec_driver_sql(MERGE_ROWS, [(*head, *row) for row in rows])
        else:
            told = [dict(zip(SUMMED, row, strict=True)) for row in rows]
            c.exec_driver_sql(MERGE_SUMS, (*head, _encode(told).decode()))

    def _advance(self, c: Any, device: str) -> tuple[int, list[tuple[int, int]]]:
        """Remember how far a device's numbers are complete, so that nobody counts from 1 again."""
        known, complete, gaps = self._gaps(c, device)
        if complete > known:
            c.exec_driver_sql(ADVANCE_SQLITE if self.sqlite else ADVANCE, (device, complete))
        return complete, gaps

    def _gaps(self, c: Any, device: str) -> tuple[int, int, list[tuple[int, int]]]:
        """Return how far it was known to be complete, how far it is, and the gaps above."""
        known = select(reached_.c.complete_to).where(reached_.c.device == device)
        start = int(c.execute(known).scalar() or 0)
        above = (
            select(batch.c.seq)
            .where(batch.c.device == device, batch.c.seq > start)
            .order_by(batch.c.seq)
            .limit(ABOVE_MAX)
        )
        complete, last, gaps = start, start, list[tuple[int, int]]()
        for seq in c.execute(above).scalars().all():
            if seq > last + 1:
                gaps.append((last + 1, seq - 1))
            elif not gaps:
                complete = seq
            last = seq
        return start, complete, gaps[:GAPS_MAX]

    # Who is done -----------------------------------------------------------------

    @contextmanager
    def alone(self, session: str) -> Iterator[None]:
        """Let no batch of a session in meanwhile; a file has one writer, who sees to it."""
        if self.sqlite:
            yield
            return
        with self.engine.connect() as c:
            name = {"s": session}
            c.execute(text("SELECT pg_advisory_lock(hashtext(:s))"), name)
            try:
                yield
            finally:
                c.execute(text("SELECT pg_advisory_unlock(hashtext(:s))"), name)

    def declare(self, session: str, device: str, last: int, round_: int) -> None:
        """Keep that a device says which is the number of its last batch."""
        values = {"session": session, "device": device, "last": last, "round": round_}
        try:
            with self.engine.begin() as c:
                c.execute(insert(done_).values(received_at=self._now(), **values))
        except IntegrityError:
            return  # said before

    def standing(self, session: str, device: str, round_: int) -> Standing:
        """Return what a device has sent of its batches, and what it says of them in a round."""
        mine = (batch.c.session == session, batch.c.device == device)
        due = func.max(case((and_(batch.c.round == round_, batch.c.late == 0), 1), else_=0))
        counts = select(func.count(), due).select_from(batch).where(*mine)
        said = select(func.max(done_.c.last)).where(
            done_.c.session == session, done_.c.device == device, done_.c.round == round_
        )
        with self.engine.connect() as c:
            _, complete, gaps = self._gaps(c, device)
            batches, due_now = c.execute(counts).one()
            declared = c.execute(said).scalar()
        if declared is not None and not gaps and complete < int(declared):
            gaps = [(complete + 1, int(declared))]
        last = None if declared is None else int(declared)
        return Standing(complete, tuple(gaps), int(batches), bool(due_now), last)

    # What a device hears in an area ------------------------------------------------

    def calibrate(self, device: str, area: str, least: Threshold, session: str, by: str) -> None:
        """Keep what a device must hear in an area, as a walk with known tags has shown."""
        values = {"device": device, "area": area, "rssi": least.rssi, "reads": least.reads}
        with self.engine.begin() as c:
            c.execute(
                insert(threshold_).values(made_at=self._now(), session=session, person=by, **values)
            )

    def thresholds(self) -> dict[tuple[str, str], Threshold]:
        """Return what each device must hear in each area, where somebody has walked it."""
        columns = (threshold_.c.device, threshold_.c.area, threshold_.c.rssi, threshold_.c.reads)
        with self.engine.connect() as c:
            rows = c.execute(select(*columns).order_by(threshold_.c.made_at)).all()
        return {(row[0], row[1]): Threshold(row[2], row[3]) for row in rows}

    # What there is ---------------------------------------------------------------

    def sums(self, session: str) -> list[Sum]:
        """Return everything that the batches of a session add up to, in no order."""
        query = select(*(tag.c[name] for name in Sum.__struct_fields__))
        with self.engine.connect() as c:
            return [_sum(row) for row in c.execute(query.where(tag.c.session == session))]

    def keys(self, session: str) -> list[str]:
        """Return what was seen in a session, each once."""
        query = select(tag.c.key).where(tag.c.session == session).distinct()
        with self.engine.connect() as c:
            return [row[0] for row in c.execute(query)]

    def _now(self) -> str:
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds")

    def reached(self, device: str) -> tuple[int, list[tuple[int, int]]]:
        """Return how far a device's numbers are complete from 1, and the gaps above (100 at most)."""
        with self.engine.connect() as c:
            _, complete, gaps = self._gaps(c, device)
        return complete, gaps

    def last(self, device: str) -> int:
        """Return the highest number a device has used, 0 when it sent nothing yet."""
        query = select(func.max(batch.c.seq)).where(batch.c.device == device)
        with self.engine.connect() as c:
            return int(c.execute(query).scalar() or 0)

    def devices(self, session: str) -> list[dict[str, Any]]:
        """Return the devices of a session: how many batches and reads, on time and late."""
        late = func.sum(batch.c.late)
        query = (
            select(
                batch.c.device,
                func.count().label("batches"),
                late.label("late"),
                func.sum(batch.c.reads).label("reads"),
                func.max(batch.c.seq).label("last_seq"),
                func.max(batch.c.received_at).label("received_at"),
            )
            .where(batch.c.session == session)
            .group_by(batch.c.device)
            .order_by(batch.c.device)
            .limit(DEVICES_MAX)
        )
        with self.engine.connect() as c:
            return [_plain(row) for row in c.execute(query).mappings()]

    def seen(
        self, session: str, *, after: str = "", limit: int = TAGS_MAX, area: str = ""
    ) -> list[dict[str, Any]]:
        """Return what the batches of a session add up to: one row a key, area, round, carrier.

        Rows are in the order of their keys; `after` is the last key of the page before. Each has
        `reads`, best `rssi` (None when no device said it), `first_ms`, `last_ms`, how many
        `antennas`, `devices` and `chips` saw it.
        """
        where = [tag.c.session == session, tag.c.key > after]
        if area:
            where.append(tag.c.area == area)
        keys = select(tag.c.key).where(*where).distinct().order_by(tag.c.key).limit(limit)
        query = (
            select(
                tag.c.key,
                tag.c.area,
                tag.c.round,
                tag.c.carrier,
                func.sum(tag.c.reads).label("reads"),
                func.max(tag.c.rssi).label("rssi"),
                func.min(tag.c.first_ms).label("first_ms"),
                func.max(tag.c.last_ms).label("last_ms"),
                func.count(func.distinct(tag.c.antenna)).label("antennas"),
                func.count(func.distinct(tag.c.device)).label("devices"),
                func.count(func.distinct(func.nullif(tag.c.tid, ""))).label("chips"),
            )
            .where(and_(*where), tag.c.key.in_(keys.scalar_subquery()))
            .group_by(tag.c.key, tag.c.area, tag.c.round, tag.c.carrier)
            .order_by(tag.c.key, tag.c.area, tag.c.round, tag.c.carrier)
        )
        with self.engine.connect() as c:
            found = [_plain(row) for row in c.execute(query).mappings()]
        return [
            row | {"rssi": None if row["rssi"] == RSSI_UNKNOWN else row["rssi"]} for row in found
        ]

    def late(self, session: str) -> list[dict[str, Any]]:
        """Return the batches that came after the session was closed; they count for nothing."""
        columns = (batch.c.device, batch.c.seq, batch.c.received_at, batch.c.reads, batch.c.sha256)
        query = (
            select(*columns)
            .where(batch.c.session == session, batch.c.late == 1)
            .order_by(batch.c.device, batch.c.seq)
            .limit(TAGS_MAX)
        )
        with self.engine.connect() as c:
            return [_plain(row) for row in c.execute(query).mappings()]

    def content(self, device: str, seq: int) -> bytes | None:
        """Return the observations of a batch exactly as they were hashed."""
        query = select(batch.c.content).where(batch.c.device == device, batch.c.seq == seq)
        with self.engine.connect() as c:
            found = c.execute(query).scalar()
        return None if found is None else zlib.decompress(found)

    def close_session(self, session: str) -> tuple[str, int, int]:
        """Close a session for good; return its digest, and how many batches and reads it covers.

        The digest is SHA-256 over a line `device seq sha256` of each batch, sorted by device and
        number: whoever has the batches works out the same. Closing again changes nothing.
        """
        with self.writer.begin() as c:
            if not self.sqlite:
                c.execute(text("SELECT pg_advisory_xact_lock(hashtext(:s))"), {"s": session})
            known = c.execute(select(session_).where(session_.c.session == session)).first()
            if known is not None:
                return known.digest, known.batches, known.reads
            digest, batches, reads = self._digest(c, session)
            row = {"session": session, "closed_at": self._now(), "digest": digest}
            c.execute(insert(session_).values(**row, batches=batches, reads=reads))
        return digest, batches, reads

    def digest(self, session: str) -> tuple[str, int, int]:
        """Work the digest out anew from the batches that came in time."""
        with self.engine.connect() as c:
            return self._digest(c, session)

    def _digest(self, c: Any, session: str) -> tuple[str, int, int]:
        query = (
            select(batch.c.device, batch.c.seq, batch.c.sha256, batch.c.reads)
            .where(batch.c.session == session, batch.c.late == 0)
            .order_by(batch.c.device, batch.c.seq)
        )
        hashed, batches, reads = sha256(), 0, 0
        told = sorted(tuple(row) for row in c.execute(query))
        for device, seq, name, many in told:
            hashed.update(f"{device} {seq} {name}\n".encode())
            batches, reads = batches + 1, reads + int(many)
        return hashed.hexdigest(), batches, reads


def _plain(row: Any) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str) else int(value or 0) for name, value in row.items()
    }


# The driver would begin a transaction too late, at the first write, and then lose against the log.
def _by_hand(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")


def _at_once(connection: Any) -> None:
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


GUARDED: Final = ("reading_batch", "reading_session", "reading_done", "reading_threshold")
SQLITE_GUARDS: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}"
    " BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END"
    for table in GUARDED
    for verb in ("update", "delete")
)
SERVER_GUARDS: Final = (
    (
        "CREATE OR REPLACE FUNCTION reading_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'evidence is never changed'; END $$"
    ),
    *(
        f"CREATE OR REPLACE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION reading_refuse()"
        for table in GUARDED
    ),
)
