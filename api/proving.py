"""How far the log is signed and witnessed, and proofs of what is in it, for every door."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from ledger.book import Book
from ledger.notes import Checkpoint, Note, Unproven, decimal
from ledger.proofs import Proof, consistent, included
from ledger.tiles import Tree
from ledger.trust import Judged, Trust

SIZE_MAX = 2**62
LOOKED_BACK = 200  # checkpoints among which the last witnessed one is looked for


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor sees first. Sizes are numbers of entries; seconds count from recording.

    `exposed` is what whoever controls database and key could still rewrite unseen: everything
    after the last checkpoint that enough witnesses signed, so all of it where there are none.
    """

    size: int
    signed: int = 0
    witnessed: int = 0
    witnesses: tuple[str, ...] = ()
    wanted: int = 0  # witnesses in the policy
    unsigned_entries: int = 0
    unsigned_seconds: int = 0
    exposed_entries: int = 0
    exposed_seconds: int = 0
    origin: str = ""
    key: str = ""
    note: str = ""
    one_machine: bool = False  # the notary runs inside this very process


class Proving:
    """Checkpoints and proofs of one book. Threads may share it."""

    def __init__(self, book: Book, policy: Path | None = None) -> None:
        self.book, self._policy = book, policy
        self.tree = Tree(book.log)
        self.one_machine = False
        self._met: tuple[bytes, Trust, Judged] | None = None

    @property
    def trust(self) -> Trust | None:
        """Return the policy of this installation; None where there is none."""
        if self._policy is None or not self._policy.is_file():
            return None
        return Trust.parse(self._policy.read_bytes())

    def note(self, size: int | None = None, *, covering: int = 0) -> Note | None:
        """Return a published checkpoint: of a size, or the newest that covers a position."""
        low, high = (covering, SIZE_MAX) if size is None else (size, size)
        rows = self.book.log.checkpoints(low, high, 1)
        return Note.parse(rows[0][1]) if rows else None

    def covering(self, position: int) -> int:
        """Return the size of the first checkpoint that covers a position; 0 while there is none."""
        found = self.book.log.first_checkpoint(position)
        return found[0] if found else 0

    def on_paper(self, covering: int = 0) -> str:
        """Return a checkpoint to be printed: its text and the log's own signature, or ''.

        The first that covers a position, so that one paper always carries the same; while there
        is none, or nothing is asked to be covered, the newest.
        """
        found = self.book.log.first_checkpoint(covering) if covering else None
        note = Note.parse(found[1]) if found else self.note()
        if note is None:
            return ""
        own = (s for s in note.signatures if s.name == Checkpoint.parse(note.text).origin)
        return Note(note.text, tuple(own)).raw.decode()

    def notes(self, start: int, stop: int, limit: int) -> list[tuple[int, Note]]:
        """Return published checkpoints of a range of sizes, largest first."""
        return [(n, Note.parse(raw)) for n, raw in self.book.log.checkpoints(start, stop, limit)]

    def standing(self) -> Standing:
        """Say how far the log is signed and witnessed, and what is exposed still."""
        size, _, _ = self.book.log.head()
        note, trust = self.note(), self.trust
        if note is None:
            waiting = self._since(1, size)
            return Standing(
                size=size,
                unsigned_entries=size,
                unsigned_seconds=waiting,
                exposed_entries=size,
                exposed_seconds=waiting,
                one_machine=self.one_machine,
            )
        checkpoint = Checkpoint.parse(note.text)
        judged = self._witnessed(trust) if trust and trust.witnesses else None
        safe = judged.checkpoint.size if judged else 0
        return Standing(
            size=size,
            signed=checkpoint.size,
            witnessed=safe,
            witnesses=tuple(judged.witnesses) if judged else (),
            wanted=len(trust.witnesses) if trust else 0,
            unsigned_entries=max(0, size - checkpoint.size),
            unsigned_seconds=self._since(checkpoint.size + 1, size),
            exposed_entries=max(0, size - safe),
            exposed_seconds=self._since(safe + 1, size),
            origin=checkpoint.origin,
            key=trust.logs[0].vkey if trust and trust.logs else "",
            note=note.raw.decode(),
            one_machine=self.one_machine,
        )

    def watched(self) -> Standing | None:
        """Return the standing where the policy names witnesses; None where nobody is to watch."""
        trust = self.trust
        return self.standing() if trust and trust.witnesses else None

    def _witnessed(self, trust: Trust) -> Judged | None:
        """Return the newest checkpoint that meets the policy."""
        for _, raw in self.book.log.checkpoints(0, SIZE_MAX, LOOKED_BACK):
            kept = self._met
            if kept is not None and kept[:2] == (raw, trust):
                return kept[2]
            try:
                judged = trust.judge(Note.parse(raw))
            except Unproven:
                continue
            if judged.met:
                self._met = (raw, trust, judged)
                return judged
        return None

    def _since(self, position: int, size: int) -> int:
        """Return for how many seconds a position has been recorded; 0 when it is not there."""
        act = self.book.log.command(position) if position <= size else None
        if act is None:
            return 0
        recorded = datetime.fromisoformat(str(act[6]))
        return max(0, int((self.book.clock() - recorded).total_seconds()))

    def inclusion(self, position: int, note: Note) -> Proof:
        """Return the proof that the entry at a position is in the log of a checkpoint.

        It was checked before it is returned: a hash that was changed yields no bad proof.
        """
        checkpoint = Checkpoint.parse(note.text)
        path = self.tree.inclusion(position - 1, checkpoint.size)
        leaf = self.book.log.leaves(position, position)[0]
        if not included(position - 1, checkpoint.size, leaf, path, checkpoint.root):
            raise _broken()
        return Proof(position - 1, tuple(path), note.raw)

    def consistency(self, old: Checkpoint, new: Checkpoint) -> list[bytes]:
        """Return the checked proof that the log of one checkpoint continues that of another."""
        path = self.tree.consistency(old.size, new.size)
        if not consistent(old.size, new.size, old.root, new.root, path):
            raise _broken()
        return path


def held(text: str) -> Checkpoint:
    """Read a checkpoint that somebody kept: a signed note, or its three lines typed from paper."""
    text = text.replace("\r\n", "\n").strip() + "\n"
    try:
        return Checkpoint.parse(Note.parse(text.encode()).text)
    except Unproven:
        lines = [line.strip() for line in text.strip().split("\n")[:3]]
        if len(lines) == 3:
            decimal(lines[1])
        return Checkpoint.parse("\n".join((*lines, "")))


def _broken() -> Unproven:
    return Unproven(
        "账本与它公布的检查点不符：记录或哈希被改动，请立即校验。",
        "The log does not fit the checkpoint it published: entries or hashes were changed."
        " Verify it at once.",
    )
