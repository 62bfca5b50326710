"""Take the whole ledger out as lines of text, and make the same ledger of them elsewhere (T17).

The lines: a heading (format, size, root); each command, followed by the exact bytes of the
entries it wrote; claimed identifiers; evidence; attachments; published checkpoints and what
others attest of them; what lies beside the log, such as the scans of a count that still goes on. An entry is the only line that
begins with `{"actor":`, so the same file without the other lines is the log alone, and is read back
as well.
"""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import msgspec
from eventsourcing.persistence import DataError, IntegrityError

from domain.decider import Lang
from domain.words import Words, in_words
from ledger import tree
from ledger.act import Evidence, seal
from ledger.beside import Beside, Insert
from ledger.book import Book
from ledger.entry import ENTRY_BYTES_MAX, Corrupt, Entry, decode
from ledger.notes import Checkpoint, Note, Unproven
from ledger.postgres import LOCK, LedgerPostgresRecorder
from ledger.sqlite import Pool, told
from ledger.verifying import uncanonical

FORMAT = "gongwu-ledger/1"
ENTRY_MARK = b'{"actor":'
LINE_BYTES_MAX = 256 * 2**20  # the longest piece of evidence, in base64
ROWS = 5_000  # rows written, or read, in one statement
Progress: TypeAlias = Callable[[int, int], None]  # entries done, entries in all


class Unrestorable(Exception):
    """The lines are not a whole ledger, or the database is not empty; nothing was written."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)

    def sentence(self, lang: Lang) -> str:
        """Say in the reader's language what is wrong."""
        return in_words(self.words, lang)


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What is there now. `whole` is false for a log without its commands and evidence.

    `beside` counts what came back beside the log, by table.
    """

    size: int
    root: bytes
    whole: bool
    beside: dict[str, int] = {}


class _Heading(msgspec.Struct, frozen=True, omit_defaults=True):
    format: str
    size: int
    root: str
    beside: dict[str, int] = {}  # rows that lie beside the log, by table


class _Command(msgspec.Struct, frozen=True):
    first: int
    count: int
    cause: str
    actor: str
    key: str | None
    fingerprint: str
    context: str
    recorded_at: str

    @property
    def row(self) -> tuple[Any, ...]:
        said = msgspec.structs.astuple(self)
        return (*said, seal(*said))


class _Said(msgspec.Struct):
    """The fields of an entry that are columns, or belong to its command."""

    actor: str
    cause: str
    recorded_at: str
    seq: int
    stream: str
    type: str


class _Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A line beside the entries: exactly one of these."""

    ledger: _Heading | None = None
    command: _Command | None = None
    claim: tuple[str, str, str] | None = None
    evidence: tuple[str, str] | None = None  # media type, content in base64
    file: tuple[str, str] | None = None  # an attachment, written alike
    checkpoint: str | None = None  # a published one, as it was signed
    attestation: tuple[str, int, str] | None = None  # kind, size, content in base64
    beside: tuple[str, list[Any]] | None = None  # a table, and a row of it


_line = msgspec.json.Decoder(_Line).decode
_said = msgspec.json.Decoder(_Said).decode
_encode = msgspec.json.Encoder().encode


# Out ----------------------------------------------------------------------------------


def lines(
    book: Book, progress: Progress | None = None, *, beside: Sequence[Beside] = ()
) -> Iterator[bytes]:
    """Yield the whole ledger, one line at a time, as it stood when this began.

    `beside` are the tables of evidence that lie beside the log in the same database.
    """
    server = not book.url.startswith("sqlite:")
    with book.log.snapshot() as select:
        size, _, packed = select("SELECT size, recorded_at, frontier FROM ledger_head")[0]
        root = tree.root(tree.unpack(bytes(packed)))
        there = {table.name: count for table in beside if (count := table.count(select))}
        yield _written(_Line(ledger=_Heading(FORMAT, size, root.hex(), there)))
        last = 0
        while page := select(
            "SELECT first, count, cause, actor, key, fingerprint, context, recorded_at"
            " FROM ledger_command WHERE first > ? ORDER BY first LIMIT ?",
            *(last, ROWS),
        ):
            for row in page:
                command = _Command(*row)
                yield _written(_Line(command=command))
                yield from _entries(select, command)
                last = command.first
                if progress is not None:
                    progress(last + command.count - 1, size)
        for claim in select("SELECT kind, value, stream FROM ledger_claim ORDER BY kind, value"):
            yield _written(_Line(claim=claim))
        name = ""
        while found := select(
            "SELECT sha256, media, content FROM ledger_evidence WHERE sha256 > ?"
            " ORDER BY sha256 LIMIT 1",
            name,
        ):
            name, media, content = found[0]
            yield _written(_Line(evidence=(media, b64encode(content).decode())))
        name = ""
        while found := select(
            "SELECT sha256, media, content FROM ledger_file WHERE sha256 > ?"
            " ORDER BY sha256 LIMIT 1",
            name,
        ):
            name, media, content = found[0]
            yield _written(_Line(file=(media, b64encode(content).decode())))
        for _, note in select("SELECT size, note FROM ledger_checkpoint ORDER BY size"):
            yield _written(_Line(checkpoint=bytes(note).decode()))
        for kind, size, content in select(
            "SELECT kind, size, content FROM ledger_attestation ORDER BY kind, size"
        ):
            said = b64encode(bytes(content)).decode()
            yield _written(_Line(attestation=(kind, size, said)))
        for table in beside:
            for kept in table.rows(select, server=server):
                yield _written(_Line(beside=(table.name, table.told(kept))))


def _entries(select: Any, command: _Command) -> Iterator[bytes]:
    stop = command.first + command.count
    for start in range(command.first, stop, ROWS):
        for row in select(
            "SELECT state FROM ledger_entry WHERE notification_id >= ? AND notification_id < ?"
            " ORDER BY notification_id",
            *(start, min(start + ROWS, stop)),
        ):
            yield bytes(row[0]) + b"\n"


def _written(line: _Line) -> bytes:
    return _encode(line) + b"\n"


# Back ---------------------------------------------------------------------------------


def restore(
    book: Book,
    source: Iterable[bytes],
    *,
    root: bytes | None = None,
    progress: Progress | None = None,
    beside: Sequence[Beside] = (),
) -> Restored:
    """Write every line into an empty ledger, in one transaction, and check it all the way.

    Positions, leaves and the tree are computed anew from the exact bytes. `root` is what the
    reader kept elsewhere; without it only the file vouches for itself. Raise Unrestorable, with
    nothing written, when the ledger is not empty, a line is no entry or is out of order, or the
    root is another; Unavailable when the database cannot be used.
    """
    with _writing(book) as insert:
        return _Return(insert, progress, beside).take(source, root)


@contextmanager
def _writing(book: Book) -> Iterator[Insert]:
    """Lend one transaction on an empty ledger: all of it, or nothing."""
    log = book.log
    try:
        if isinstance(log, LedgerPostgresRecorder):
            with log._writing() as c:
                c.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                _refuse_unless_empty(c.execute("SELECT size FROM ledger_head").fetchone())
                yield lambda query, rows: c.executemany(cast(Any, query.replace("?", "%s")), rows)
        else:
            with told(), cast(Pool, log.datastore.pool).writer() as cursor:
                cursor.execute("UPDATE ledger_head SET size=size WHERE one=1")  # takes the lock
                cursor.execute("SELECT size FROM ledger_head")
                _refuse_unless_empty(cursor.fetchone())
                yield cursor.executemany
    except (IntegrityError, DataError, sqlite3.IntegrityError) as error:
        raise Unrestorable(
            f"文件内容自相矛盾：{error}。未写入任何内容。",
            f"The file contradicts itself: {error}. Nothing was written.",
        ) from error


def _refuse_unless_empty(row: Any) -> None:
    if row is None or row[0]:
        raise Unrestorable(
            "这个数据库里已有账本；只能还原到空库。未写入任何内容。",
            "This database holds a ledger already; restore into an empty one. Nothing was written.",
        )


class _Return:
    """One restoration: what was read so far, and the rows that wait to be written."""

    def __init__(self, insert: Insert, progress: Progress | None, beside: Sequence[Beside]) -> None:
        self.insert, self.progress = insert, progress
        self.tables = {table.name: table for table in beside}
        self.beside: dict[str, int] = {}
        self.beside_rows: list[dict[str, Any]] = []  # all of one table
        self.beside_of: Beside | None = None
        self.heading: _Heading | None = None
        self.command: _Command | None = None
        self.whole = True
        self.size, self.frontier, self.last_time = 0, list[bytes](), ""
        self.seqs: dict[str, int] = {}
        self.claims: dict[tuple[str, str], str] = {}
        self.leaves: list[bytes] = []  # for the checkpoints, which come after the entries
        self.proven: tuple[list[bytes], int] = ([], 0)
        self.entry_rows: list[tuple[Any, ...]] = []
        self.command_rows: list[tuple[Any, ...]] = []

    def take(self, source: Iterable[bytes], root: bytes | None) -> Restored:
        """Read every line, write every row, and compare the root."""
        for number, line in enumerate(source, start=1):
            try:
                self._take(line.rstrip(b"\r\n"))
            except (ValueError, TypeError, Corrupt) as error:  # DecodeError is a ValueError
                raise Unrestorable(
                    f"第 {number} 行不能还原：{error}。未写入任何内容。",
                    f"Line {number} cannot be restored: {error}. Nothing was written.",
                ) from error
            if len(self.entry_rows) >= ROWS:
                self._write()
        self._close_command()
        self._write()
        self._write_beside()
        for start in range(0, len(self.claims), ROWS):
            page = list(self.claims.items())[start : start + ROWS]
            rows = [(kind, value, stream) for (kind, value), stream in page]
            self.insert("INSERT INTO ledger_claim VALUES (?,?,?)", rows)
        self._finish(root)
        return Restored(
            size=self.size, root=tree.root(self.frontier), whole=self.whole, beside=self.beside
        )

    def _take(self, line: bytes) -> None:
        if len(line) > LINE_BYTES_MAX:
            raise ValueError("the line is too long")
        if line.startswith(ENTRY_MARK):
            self._entry(line)
            return
        said = _line(line)
        if said.ledger is not None and not self.size and said.ledger.format == FORMAT:
            self.heading = said.ledger
        elif said.command is not None:
            self._close_command()
            if said.command.first != self.size + 1 or said.command.count < 1:
                raise ValueError(f"the command begins at {said.command.first}")
            self.command = said.command
        elif said.claim is not None:
            kind, value, stream = said.claim
            if self.claims.setdefault((kind, value), stream) != stream:
                raise ValueError(f"{kind} {value} is claimed twice")
        elif said.evidence is not None:
            media, content = said.evidence
            row = Evidence(media, b64decode(content, validate=True)).row
            self.insert("INSERT INTO ledger_evidence VALUES (?,?,?,?)", [row])
        elif said.file is not None:
            media, content = said.file
            row = Evidence(media, b64decode(content, validate=True)).row
            self.insert("INSERT INTO ledger_file VALUES (?,?,?)", [row[:3]])
        elif said.checkpoint is not None:
            self._checkpoint(said.checkpoint.encode())
        elif said.attestation is not None:
            self._attestation(*said.attestation)
        elif said.beside is not None:
            self._beside(*said.beside)
        else:
            raise ValueError("neither an entry nor a line of this format")

    def _beside(self, name: str, values: list[Any]) -> None:
        table = self.tables.get(name)
        if table is None:
            raise ValueError(f"no table {name} beside the log")
        if self.beside_of is not table or len(self.beside_rows) >= ROWS or table.heavy:
            self._write_beside()
        self.beside_of = table
        self.beside_rows.append(table.heard(values))
        self.beside[name] = self.beside.get(name, 0) + 1

    def _write_beside(self) -> None:
        if self.beside_of is not None and self.beside_rows:
            self.beside_of.insert(self.insert, self.beside_rows)
        self.beside_rows = []

    def _checkpoint(self, note: bytes) -> None:
        """Take a published checkpoint that these very entries lead to; who signed, others judge."""
        try:
            checkpoint = Checkpoint.parse(Note.parse(note).text)
        except Unproven as error:
            raise ValueError(str(error)) from error
        frontier, at = self.proven
        self._write()
        at = tree.grow(at, frontier, self.leaves[at : checkpoint.size])
        self.proven = frontier, at
        if (checkpoint.size, checkpoint.root) != (at, tree.root(frontier)):
            raise ValueError(f"the checkpoint of {checkpoint.size} entries is of another log")
        kept = (at, note, seal(at, note.hex()))
        self.insert("INSERT INTO ledger_checkpoint VALUES (?,?,?)", [kept])

    def _attestation(self, kind: str, size: int, content: str) -> None:
        """Take what others attest of a checkpoint as it is; whoever verifies judges it."""
        if not 0 <= size <= self.size:
            raise ValueError(f"an attestation of {size} entries is of another log")
        raw = b64decode(content, validate=True)
        kept = (kind, size, raw, seal(kind, size, raw.hex()))
        self.insert("INSERT INTO ledger_attestation VALUES (?,?,?,?)", [kept])

    def _entry(self, line: bytes) -> None:
        if len(line) > ENTRY_BYTES_MAX:
            raise ValueError("an entry has at most 65,535 bytes")
        if why := uncanonical(line):
            raise ValueError(why)
        said, position = _said(line), self.size + 1
        entry = decode(position, said.stream, said.seq, said.type, line)
        if said.seq != self.seqs.get(said.stream, 0) + 1:
            raise ValueError(f"{said.stream} goes from {self.seqs.get(said.stream, 0)} {said.seq=}")
        if said.recorded_at < self.last_time:
            raise ValueError(f"recorded {said.recorded_at}, before the entry in front of it")
        self._belongs(said)
        self._claim(entry)
        self.seqs[said.stream], self.last_time = said.seq, said.recorded_at
        leaf = tree.leaf(line)
        self.leaves.append(leaf)
        self.size = tree.grow(self.size, self.frontier, [leaf])
        self.entry_rows.append((position, said.stream, said.seq, said.type, line, leaf))

    def _belongs(self, said: _Said) -> None:
        """Check an entry against its command; where there is none, take it from the entries."""
        cause, command = said.cause.partition("/")[0], self.command
        same = command is not None and (
            (command.cause, command.actor, command.recorded_at)
            == (cause, said.actor, said.recorded_at)
        )
        if same and command is not None and self.size + 1 < command.first + command.count:
            return
        if self.heading is not None:
            raise ValueError("the entry belongs to another command")
        self.whole = False
        if same and command is not None:
            count = self.size + 2 - command.first
            self.command = msgspec.structs.replace(command, count=count)
            return
        self._close_command()
        self.command = _Command(
            self.size + 1, 1, cause, said.actor, None, "", "{}", said.recorded_at
        )

    def _close_command(self) -> None:
        command, self.command = self.command, None
        if command is None:
            return
        if self.size + 1 != command.first + command.count:
            raise ValueError(f"the command at {command.first} lacks entries")
        json.loads(command.context)
        self.command_rows.append(command.row)

    def _claim(self, entry: Entry) -> None:
        for kind in entry.event.claims:
            value = getattr(entry.event, kind)
            if value and self.claims.setdefault((kind, value), entry.stream) != entry.stream:
                raise ValueError(f"{kind} {value} is used twice")

    def _write(self) -> None:
        if self.entry_rows:
            self.insert("INSERT INTO ledger_entry VALUES (?,?,?,?,?,?)", self.entry_rows)
        if self.command_rows:
            self.insert("INSERT INTO ledger_command VALUES (?,?,?,?,?,?,?,?,?)", self.command_rows)
        self.entry_rows, self.command_rows = [], []
        if self.progress is not None:
            self.progress(self.size, self.heading.size if self.heading else 0)

    def _finish(self, root: bytes | None) -> None:
        found = tree.root(self.frontier)
        if not self.size:
            raise Unrestorable("文件里没有条目。", "The file holds no entries.")
        if self.heading is not None and (self.heading.size, self.heading.root) != (
            self.size,
            found.hex(),
        ):
            raise Unrestorable(
                f"文件应有 {self.heading.size:,} 条、树根 {self.heading.root}；"
                f"实有 {self.size:,} 条、树根 {found.hex()}。未写入任何内容。",
                f"The file promises {self.heading.size:,} entries with root {self.heading.root};"
                f" it holds {self.size:,} with root {found.hex()}. Nothing was written.",
            )
        wanted = self.heading.beside if self.heading is not None else {}
        if wanted != self.beside:
            raise Unrestorable(
                f"账本之外的证据应有 {wanted}，实有 {self.beside}。未写入任何内容。",
                f"Beside the log the file promises {wanted}; it holds {self.beside}. Nothing was"
                " written.",
            )
        if root is not None and root != found:
            raise Unrestorable(
                f"树根应为 {root.hex()}，实为 {found.hex()}。未写入任何内容。",
                f"The root should be {root.hex()}; it is {found.hex()}. Nothing was written.",
            )
        self.insert(
            "UPDATE ledger_head SET size=?, recorded_at=?, frontier=? WHERE one=1",
            [(self.size, self.last_time, tree.pack(self.frontier))],
        )
