"""The notary: it signs the head of the log, and never signs a past that became another.

It runs as its own process, user and, where it can, machine. It trusts no hash that the database
keeps: leaves are computed from the stored bytes, and the tree grows from the notary's own last
checkpoint, which it keeps in a store of its own. There is no way to make it sign a smaller log or
a second root for one size: a database that went back (a restored backup) is refused, and a fork
cannot be undone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

from domain.recovery import Recovery
from ledger import proofs, tiles, tree
from ledger.book import Book
from ledger.notes import Checkpoint, Note, Signature, Signer, Unproven, Verifier, decimal

PAGE_ROWS = 5_000
LOCK_SECONDS = 10
TRIES = 3
TABLES = """
CREATE TABLE IF NOT EXISTS signed (
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  frontier BLOB NOT NULL,
  note BLOB,
  PRIMARY KEY (origin, size)
);
CREATE TABLE IF NOT EXISTS closed (
  origin TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  successor TEXT NOT NULL,
  recovery TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS witness (
  vkey TEXT PRIMARY KEY,
  size INTEGER NOT NULL
);
"""
# What a witness is asked, and how: a request to its answer's status and body.
Asked: TypeAlias = Callable[[bytes], tuple[int, bytes]]


class Last(msgspec.Struct, frozen=True):
    """What was signed last: the only thing the notary believes."""

    size: int = 0
    root: bytes = tree.EMPTY_ROOT
    frontier: bytes = b""
    note: bytes | None = None


class Loss(msgspec.Struct, frozen=True):
    """What a database no longer has of what was signed: all beyond the first `proven` entries.

    `size` is what it has now. Entries between `proven` and `size` may be the old ones, or others:
    nothing signed says so.
    """

    signed: int
    size: int
    proven: int
    note: Note

    @property
    def gone(self) -> int:
        """Return how many entries are missing at least."""
        return max(0, self.signed - self.size)


class Refusal(Unproven):
    """The notary does not sign; `slug` says why, for programs."""

    def __init__(self, slug: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.slug = slug


class Notary:
    """One log's signer and its store. Two that share a store cannot sign past each other."""

    def __init__(self, store: Path, signer: Signer) -> None:
        self._store, self.signer = store, signer
        store.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.executescript(TABLES)

    @property
    def origin(self) -> str:
        return self.signer.name

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._store, timeout=LOCK_SECONDS)) as db:
            db.isolation_level = None
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("PRAGMA synchronous=EXTRA")
            yield db

    def last(self) -> Last:
        """Return what was signed last; size 0 when nothing was."""
        with self._open() as db:
            row = db.execute(
                "SELECT size, root, frontier, note FROM signed WHERE origin=?"
                " ORDER BY size DESC LIMIT 1",
                (self.origin,),
            ).fetchone()
        return Last(*row) if row else Last()

    # Signing --------------------------------------------------------------------------

    def sign(self, book: Book) -> Note:
        """Sign the log as it is now, and publish that beside it; the same log, the same note.

        Raise Refusal when the log is shorter than what was signed, does not begin with it, or
        when bytes, leaves, frontier or kept nodes contradict each other.
        """
        self._refuse_closed()
        last = self.last()
        try:
            found = self._told(book, last)
        except TypeError as error:
            raise _contradicted("某一列（不再是字节）", "a column that holds no bytes") from error
        if found.size != last.size or last.note is None:
            self._swap(last, found)
            text = Checkpoint(self.origin, found.size, found.root).text
            note = Note(text, (self.signer.sign(text),))
            self._keep(found.size, note)
        else:
            note = Note.parse(last.note)
        if found.size != last.size or not book.log.checkpoints(found.size, found.size, 1):
            book.log.keep_checkpoint(found.size, note.raw)
        return note

    def _told(self, book: Book, last: Last) -> Last:
        """Return the log's head, computed from its bytes onwards from what was signed last."""
        with book.log.snapshot() as select:
            size, _, packed = select("SELECT size, recorded_at, frontier FROM ledger_head")[0]
            if size < last.size:
                raise Refusal(
                    "backwards",
                    f"已签署到 {last.size:,} 条，账本却只有 {size:,} 条：数据库退回到了旧状态"
                    "（例如恢复了旧备份）。拒绝签署；请运行 gongwu notary recover。",
                    f"{last.size:,} entries are signed, but the log holds {size:,}: the database"
                    " went back (a backup was restored?). Not signed; run gongwu notary recover.",
                )
            frontier, at = tree.unpack(last.frontier), last.size
            while at < size:
                rows = select(
                    "SELECT notification_id, state, leaf FROM ledger_entry"
                    " WHERE notification_id BETWEEN ? AND ? ORDER BY notification_id",
                    *(at + 1, min(at + PAGE_ROWS, size)),
                )
                leaves = [tree.leaf(tree.exact(state)) for _, state, _ in rows]
                for (position, _, stored), leaf in zip(rows, leaves, strict=True):
                    at += 1
                    if position != at or tree.exact(stored) != leaf:
                        raise _contradicted(f"第 {at} 条", f"entry {at}")
                if not rows:
                    raise _contradicted(f"第 {at + 1} 条", f"entry {at + 1}")
                tree.grow(at - len(rows), frontier, leaves)
        if tree.pack(frontier) != tree.exact(packed):
            raise _contradicted("树的右缘", "the right edge of the tree")
        found = Last(size, tree.root(frontier), tree.pack(frontier))
        self._prove(tiles.Tree(book.log), last, found)
        return found

    def _prove(self, of: tiles.Tree, last: Last, found: Last) -> None:
        """Come to the same root a second way, and from the last checkpoint by its proof."""
        try:
            same = of.checked_root(found.size) == found.root
        except Unproven:
            same = False
        if not same:
            raise _contradicted("保存的哈希", "the root over the hashes that are kept")
        if not last.size:
            return
        path = of.consistency(last.size, found.size)
        if not proofs.consistent(last.size, found.size, last.root, found.root, path):
            raise Refusal(
                "forked",
                f"账本不再以已签署的 {last.size:,} 条开头：此前的内容被改动。拒绝签署。",
                f"The log no longer begins with the {last.size:,} entries that were signed:"
                " what was there has been changed. Not signed.",
            )

    def _swap(self, last: Last, found: Last) -> None:
        """Write down what is about to be signed, if nobody signed anything since `last`."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "SELECT size, root FROM signed WHERE origin=? ORDER BY size DESC LIMIT 1",
                (self.origin,),
            ).fetchone()
            if row == (found.size, found.root):
                db.rollback()  # written down before a crash, or by our twin: the same note
                return
            if row != (None if last == Last() else (last.size, last.root)):
                db.rollback()
                raise Refusal(
                    "raced",
                    "另一个公证进程刚签署过；请重试。两个公证进程不应同时运行。",
                    "Another notary has just signed; try again. Two should not run at once.",
                )
            db.execute(
                "INSERT INTO signed VALUES (?,?,?,?,NULL)",
                (self.origin, found.size, found.root, found.frontier),
            )
            db.commit()

    def _keep(self, size: int, note: Note) -> None:
        with self._open() as db:
            db.execute(
                "UPDATE signed SET note=? WHERE origin=? AND size=?", (note.raw, self.origin, size)
            )

    # After a loss -----------------------------------------------------------------------

    def signed_at(self, size: int) -> bytes | None:
        """Return the root that was signed for a size; None when none was."""
        with self._open() as db:
            query = "SELECT root FROM signed WHERE origin=? AND size=?"
            row = db.execute(query, (self.origin, size)).fetchone()
        return row[0] if row else None

    def loss(self, book: Book) -> Loss | None:
        """Return what is missing of what was signed; None when the log still begins with it.

        Every leaf is computed from its bytes: what the database keeps of hashes is not believed.
        """
        last = self.last()
        if not last.size:
            return None
        with self._open() as db:
            query = "SELECT size, root FROM signed WHERE origin=? ORDER BY size"
            signed = db.execute(query, (self.origin,)).fetchall()
        leaves = [tree.leaf(bytes(row[4])) for page in book.log.rows(1) for row in page]
        frontier, at, proven = list[bytes](), 0, 0
        for size, root in signed:
            if size > len(leaves):
                break
            at = tree.grow(at, frontier, leaves[at:size])
            if tree.root(frontier) != root:
                break
            proven = size
        if proven == last.size:
            return None
        if last.note is not None:
            return Loss(last.size, len(leaves), proven, Note.parse(last.note))
        text = Checkpoint(self.origin, last.size, last.root).text  # written down before a crash
        return Loss(last.size, len(leaves), proven, Note(text, (self.signer.sign(text),)))

    def closed(self) -> tuple[str, str] | None:
        """Return the name that follows this one and the record that says why; None while it lives."""
        with self._open() as db:
            query = "SELECT successor, recovery FROM closed WHERE origin=?"
            row = db.execute(query, (self.origin,)).fetchone()
        return (row[0], row[1]) if row else None

    def close(self, book: Book, stream: str) -> str:
        """Sign never again under this name, because of a loss that two persons told; return the new.

        Raise Refusal unless the record is confirmed and says exactly what the notary finds.
        """
        done = self.closed()
        if done is not None and done[1] == stream:
            return done[0]
        self._refuse_closed()
        found, said = self.loss(book), book.stream(stream).state
        if found is None:
            raise Refusal(
                "nothing-lost",
                "没有丢失，不必另立新名。",
                "Nothing is lost; no new name is needed.",
            )
        if not isinstance(said, Recovery) or not said.confirmed:
            raise Refusal(
                "not-confirmed",
                f"{stream} 尚未由两人提出并确认。",
                f"{stream} is not yet told and confirmed by two persons.",
            )
        told = Checkpoint.parse(Note.parse(said.checkpoint.encode()).text)
        if told != Checkpoint.parse(found.note.text) or said.proven != found.proven:
            raise Refusal(
                "told-otherwise",
                f"{stream} 与公证所见不符：最后签署 {found.signed:,} 条，仍可证明 {found.proven:,} 条。",
                f"{stream} does not say what the notary finds: signed at {found.signed:,} entries,"
                f" {found.proven:,} of which can be proven.",
            )
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            used = "SELECT 1 FROM signed WHERE origin=? UNION SELECT 1 FROM closed WHERE origin=?"
            if db.execute(used, (said.origin, said.origin)).fetchone():
                db.rollback()
                raise Refusal(
                    "origin-used",
                    f"名称 {said.origin} 已用过，不能再用。",
                    f"The name {said.origin} was used before; it cannot be used again.",
                )
            db.execute(
                "INSERT INTO closed VALUES (?,?,?,?)",
                (self.origin, found.signed, said.origin, stream),
            )
            db.commit()
        return said.origin

    def _refuse_closed(self) -> None:
        done = self.closed()
        if done is not None:
            raise Refusal(
                "closed",
                f"账本名 {self.origin} 已停用，不再签署；现名 {done[0]}，见 {done[1]}。",
                f"{self.origin} is closed and never signed again; the log is {done[0]} now, see"
                f" {done[1]}.",
            )

    # Witnesses ------------------------------------------------------------------------

    def cosigned(self, book: Book, note: Note, witnesses: Sequence[tuple[Verifier, Asked]]) -> Note:
        """Ask witnesses for their signatures and publish the note with those that came.

        Whoever does not answer, or answers wrongly, is passed over: see what `trust.Trust.judge`
        says of the result. Raise Refusal when a witness knows a longer log than there is.
        """
        of = tiles.Tree(book.log)
        came: list[Signature] = []
        for verifier, ask in witnesses:
            came += self._ask(of, note, verifier, ask)
        joined = note.joined(came)
        if joined != note:
            self.publish(book, joined)
        return joined

    def publish(self, book: Book, note: Note) -> None:
        """Keep a note of ours with more signatures, and publish it beside the log."""
        note.signed_by([self.signer.verifier])
        size = Checkpoint.parse(note.text).size
        self._keep(size, note)
        book.log.keep_checkpoint(size, note.raw)

    def request(self, of: tiles.Tree, note: Note, old: int) -> bytes:
        """Return what a witness that knows `old` entries is asked to sign (tlog-witness)."""
        size = Checkpoint.parse(note.text).size
        path = of.consistency(old, size) if 0 < old <= size else []
        return f"old {old}\n{proofs.lines(path)}\n".encode() + note.raw

    def _ask(self, of: tiles.Tree, note: Note, verifier: Verifier, ask: Asked) -> list[Signature]:
        size = Checkpoint.parse(note.text).size
        old = min(self._known(verifier), size)
        for _ in range(TRIES):
            status, body = ask(self.request(of, note, old))
            if status == 409:
                try:
                    old = decimal(body.decode(errors="replace").removesuffix("\n"))
                except Unproven:
                    return []
                if old > size:
                    raise Refusal(
                        "witness-ahead",
                        f"见证方“{verifier.name}”已见过 {old:,} 条，账本只有 {size:,} 条："
                        "数据库退回到了旧状态。",
                        f"The witness {verifier.name} has seen {old:,} entries; the log has"
                        f" {size:,}: the database went back.",
                    )
                continue
            return self._taken(note, verifier, body, size) if status == 200 else []
        return []

    def _taken(self, note: Note, verifier: Verifier, body: bytes, size: int) -> list[Signature]:
        """Return this witness's own, valid signatures of an answer; whatever else it sent is not."""
        try:
            sent = Note.parse(note.text.encode() + b"\n" + body)
            mine = [s for s in sent.signatures if (s.name, s.id) == (verifier.name, verifier.id)]
            Note(note.text, tuple(mine)).signed_by([verifier])
        except Unproven:
            return []
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO witness VALUES (?,?)", (verifier.vkey, size))
        return mine[:1]

    def _known(self, verifier: Verifier) -> int:
        with self._open() as db:
            query = "SELECT size FROM witness WHERE vkey=?"
            row = db.execute(query, (verifier.vkey,)).fetchone()
        return row[0] if row else 0


def _contradicted(zh: str, en: str) -> Refusal:
    return Refusal(
        "contradicted",
        f"{zh}与由原文重算的结果不符：内容、哈希或磁盘被改动。拒绝签署；请运行 gongwu verify。",
        f"Computed again from the bytes, {en} is another: bytes, hashes or disk were changed."
        " Not signed; run gongwu verify.",
    )
