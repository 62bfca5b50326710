"""A witness: another organ that remembers how long a log was, and signs only what continues it.

C2SP tlog-witness, over HTTP, on files carried by hand, or on paper: `Witness.add` is given the
request and answers with the status and body of that protocol, whatever carried it.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger import proofs, tree
from ledger.notes import NOTE_BYTES_MAX, Checkpoint, Note, Signer, Unproven, Verifier, decimal

LOCK_SECONDS = 10
REQUESTS_MAX = 60  # of one log in REQUEST_SECONDS; a notary asks once a minute
REQUEST_SECONDS = 60.0
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 64 * 64
SIZE_MEDIA = "text/x.tlog.size"
TABLE = """
CREATE TABLE IF NOT EXISTS seen (
  origin TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note BLOB NOT NULL,
  at INTEGER NOT NULL
);
"""


class Answer(msgspec.Struct, frozen=True):
    """What a witness says: an HTTP status, a body, and what kind of text it is."""

    status: int
    body: bytes
    media: str = "text/plain; charset=utf-8"


class Request(msgspec.Struct, frozen=True):
    """A checkpoint to be signed, and the proof that it continues what the witness knows."""

    old: int
    path: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> Request:
        """Read the body of add-checkpoint; raise Unproven when it is not one."""
        head, split, note = raw.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        if not split or len(raw) > REQUEST_BYTES_MAX or not lines[0].startswith("old "):
            raise Unproven("不是见证请求格式。", "This is not a request to a witness.")
        old = decimal(lines[0].removeprefix("old "))
        path = tuple(proofs.hashes(lines[1:]))
        parsed = Note.parse(note)
        return cls(old, path, parsed, Checkpoint.parse(parsed.text))


class Witness:
    """One witness: its key, the logs it knows, and what it has seen of each."""

    def __init__(
        self,
        store: Path,
        signer: Signer,
        logs: Sequence[Verifier],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self.signer, self._clock = store, signer, clock
        self._logs: dict[str, list[Verifier]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        self._asked: dict[str, deque[float]] = {name: deque() for name in self._logs}
        store.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.executescript(TABLE)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._store, timeout=LOCK_SECONDS)) as db:
            db.isolation_level = None
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("PRAGMA synchronous=EXTRA")
            yield db

    def add(self, raw: bytes) -> Answer:
        """Sign a checkpoint that continues what was signed before; else say why not.

        400 not a request, or an old size beyond the new one; 403 not signed by the log; 404 a log
        nobody told us of; 409 the size that we know is another (it is the body); 422 the proof is
        wrong, or the same size has another root; 429 asked too often.
        """
        try:
            asked = Request.parse(raw)
        except Unproven as refused:
            return _refused(400, refused)
        checkpoint = asked.checkpoint
        logs = self._logs.get(checkpoint.origin)
        if logs is None:
            return _refused(
                404, Unproven("不认识这个账本。", "This witness does not know this log.")
            )
        if self._too_often(checkpoint.origin):
            return _refused(429, Unproven("请求过于频繁。", "Asked too often."))
        try:
            asked.note.signed_by(logs)
        except Unproven as refused:
            return _refused(403, refused)
        if asked.old > checkpoint.size:
            return _refused(400, Unproven("旧条数大于新条数。", "The old size is beyond the new."))
        return self._continued(asked)

    def _too_often(self, origin: str) -> bool:
        now, asked = self._clock(), self._asked[origin]
        while asked and asked[0] <= now - REQUEST_SECONDS:
            asked.popleft()
        if len(asked) >= REQUESTS_MAX:
            return True
        asked.append(now)
        return False

    def _continued(self, asked: Request) -> Answer:
        """Check, remember and sign in one transaction: two requests cannot pass each other."""
        new, now = asked.checkpoint, int(self._clock())
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT size, root FROM seen WHERE origin=?", (new.origin,)).fetchone()
            size, root = row or (0, tree.EMPTY_ROOT)
            if asked.old != size:
                db.rollback()
                return Answer(409, f"{size}\n".encode(), SIZE_MEDIA)
            if not _continues(asked, size, root):
                db.rollback()
                return _refused(
                    422,
                    Unproven(
                        "新检查点与此前见过的账本不一致：历史被改动，或证明有误。",
                        "The checkpoint does not continue the log seen before: history was"
                        " changed, or the proof is wrong.",
                    ),
                )
            signature = self.signer.sign(asked.note.text, now)
            note = asked.note.joined([signature])
            db.execute(
                "INSERT OR REPLACE INTO seen VALUES (?,?,?,?,?)",
                (new.origin, new.size, new.root, note.raw, now),
            )
            db.commit()
        return Answer(200, signature.line.encode())

    def latest(self, name: str) -> bytes | None:
        """Return the last signed checkpoint of the log whose origin has this SHA-256."""
        with self._open() as db:
            for origin, note in db.execute("SELECT origin, note FROM seen"):
                if sha256(origin.encode()).hexdigest() == name:
                    return bytes(note)
        return None

    def seen(self) -> list[tuple[str, int, int]]:
        """Return each log seen: origin, size, and when it was last signed."""
        with self._open() as db:
            return db.execute("SELECT origin, size, at FROM seen ORDER BY origin").fetchall()


def _continues(asked: Request, size: int, root: bytes) -> bool:
    new = asked.checkpoint
    if len(new.root) != tree.HASH_BYTES:
        return False
    if size == 0:
        return not asked.path and (new.size > 0 or new.root == tree.EMPTY_ROOT)
    return proofs.consistent(size, new.size, root, new.root, asked.path)


def _refused(status: int, why: Unproven) -> Answer:
    return Answer(status, f"{why.words.zh} {why.words.en}\n".encode())
