"""EPCIS events that others sent us, kept beside the log: each once, corrections as declarations.

Nothing here changes the ledger: what another system says happened is evidence, not a fact of ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from api.accounts import engine_of
from domain.words import Words
from labels.epcis_checking import EpcisFault, events_of, faults_of
from labels.epcis_hash import event_hash

ERRORS_MAX: Final = 200
DIFFERENT: Final = Words(
    "同一eventID已有不同内容的事件；更正须附errorDeclaration",
    "this eventID was captured with other content; a correction carries an errorDeclaration",
)
metadata = MetaData()
job_ = Table(
    "epcis_job",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(80), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("success", Boolean, nullable=False),
    Column("behaviour", String(8), nullable=False),
    Column("kept", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("errors", LargeBinary, nullable=False),  # JSON: path, zh, en
)
event_ = Table(
    "epcis_captured",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String(500), nullable=False),
    Column("hash", String(120), nullable=False),
    Column("declared", Boolean, nullable=False),  # an error declaration about the event
    Column("job", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    # What makes a repetition change nothing, whoever is first.
    Index("epcis_captured_once", "event_id", "hash", "declared", unique=True),
    Index("epcis_captured_of_job", "job", "number"),
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a document: how many events are kept, were there already, or are wrong."""

    id: str
    created_at: str
    success: bool
    behaviour: str
    kept: int
    repeated: int
    errors: tuple[dict[str, str], ...]


class Captures:
    """The captured events of one installation, in the ledger's database but never in its log."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open the tables at `sqlite:///FILE` or `postgresql://…`, creating them when absent."""
        engine = engine_of(url)
        metadata.create_all(engine)
        return cls(engine, clock or (lambda: datetime.now(UTC)))

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def capture(self, document: Any, person: str, *, behaviour: str = "rollback") -> Job:
        """Take a document in and return its finished job.

        `rollback` keeps nothing when anything is wrong, `proceed` keeps what is right. The same
        event again (same id, same content) changes nothing; the same id with an error declaration
        is kept beside the event it is about; the same id with other content is an error.
        """
        try:
            return self._capture(document, person, behaviour)
        except IntegrityError:  # somebody else captured one of these events at the same moment
            return self._capture(document, person, behaviour)

    def _capture(self, document: Any, person: str, behaviour: str) -> Job:
        events, context, faults = events_of(document)
        now = self.clock().astimezone(UTC).isoformat(timespec="milliseconds")
        job, rows, repeated = secrets.token_hex(16), list[dict[str, Any]](), 0
        with self.engine.begin() as c:
            for number, event in enumerate([] if faults else events):
                wrong = faults_of(event, f"eventList[{number}]")
                if not wrong:
                    row = _row(event, context, job)
                    already = [
                        one
                        for one in [*self._known(c, row["event_id"]), *_same(rows, row["event_id"])]
                        if one[1] == row["declared"]
                    ]
                    if any(one[0] == row["hash"] for one in already):
                        repeated += 1
                        continue
                    if already and not row["declared"]:
                        wrong = [
                            EpcisFault(f"eventList[{number}].eventID", DIFFERENT.zh, DIFFERENT.en)
                        ]
                    else:
                        rows.append(row)
                faults += wrong
            if faults and (behaviour == "rollback" or not events):
                rows = []
            if rows:
                c.execute(insert(event_), rows)
            errors = [{"path": f.path, "zh": f.zh, "en": f.en} for f in faults[:ERRORS_MAX]]
            told = {"created_at": now, "success": not faults, "behaviour": behaviour}
            told |= {"kept": len(rows), "repeated": repeated, "id": job}
            c.execute(
                insert(job_).values(**told, person=person, errors=msgspec.json.encode(errors))
            )
        return Job(**told, errors=tuple(errors))

    def _known(self, c: Any, event_id: str) -> Sequence[tuple[str, bool]]:
        query = select(event_.c.hash, event_.c.declared).where(event_.c.event_id == event_id)
        return [(row.hash, bool(row.declared)) for row in c.execute(query).all()]

    def job(self, id_: str, sender: str = "") -> Job | None:
        """Return a job, None when there is none with this id, or none of this sender."""
        query = select(job_).where(job_.c.id == id_)
        if sender:
            query = query.where(job_.c.person == sender)
        with self.engine.connect() as c:
            row = c.execute(query).mappings().first()
        if row is None:
            return None
        said = {name: row[name] for name in ("id", "created_at", "behaviour", "kept", "repeated")}
        return Job(
            **said,
            success=bool(row["success"]),
            errors=msgspec.json.decode(row["errors"], type=tuple[dict[str, str], ...]),
        )

    def events(self, job: str) -> list[Any]:
        """Return the events that a job kept, as they came, with the id they got."""
        query = select(event_.c.content).where(event_.c.job == job).order_by(event_.c.number)
        with self.engine.connect() as c:
            return [msgspec.json.decode(content) for content in c.execute(query).scalars().all()]


def _row(event: dict[str, Any], context: Any, job: str) -> dict[str, Any]:
    hashed = event_hash(event, context)
    named = event if "eventID" in event else event | {"eventID": hashed}
    return {
        "event_id": str(named["eventID"])[:500],
        "hash": hashed,
        "declared": "errorDeclaration" in event,
        "job": job,
        "content": msgspec.json.encode(named),
    }


def _same(rows: Sequence[dict[str, Any]], event_id: str) -> list[tuple[str, bool]]:
    return [(row["hash"], row["declared"]) for row in rows if row["event_id"] == event_id]
