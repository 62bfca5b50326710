"""Write what published rows say into the book: once, in bounded transactions, with their evidence.

A piece is what one row (or one batch of rows) says. Each piece claims a key in the transaction
that records it; a claimed piece is never recorded again, so an import may be repeated, stopped
or killed at any moment and goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Any, Final, TypeAlias

import msgspec

from api.reading_problems import Problem, Unreadable
from api.reading_records import Record
from domain.decider import Document, Event, Refused
from ledger.act import Conflict, Evidence
from ledger.book import NUMBER_TAKEN, Book, new_id, normalised
from ledger.entry import Draft, Via, claim_time

CHUNK_ENTRIES: Final = (4_000, 20_000)
"""Entries of one transaction of an import, in a small ledger and in a large one."""
IMPORTER: Final = "u_import"
CLAIM: Final = "import"
NOT_AFTER: Final = "not_after"
TRIES: Final = 5

Progress: TypeAlias = Callable[[str, str, int, int], None]
"""Told the label in Chinese and in English, how much is done, and of how much."""

# What an import says ----------------------------------------------------------


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One fact of a row: whose history, what, and on which day in the unit's zone.

    `dated` is `not_after` when the source only proves that it had happened by that day.
    """

    stream: str
    event: Event
    on: date
    dated: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Facts recorded all together or not at all, under a key that is used once.

    `rows` is how many rows of the file the piece stands for: 0 for what only rows together say
    (a unit, the sum of a batch).
    """

    key: str
    stream: str
    facts: tuple[Fact, ...]
    doc: Document
    kept: Evidence | None = None
    zone: str
    rows: int = 1


class ImportReport(msgspec.Struct, kw_only=True):
    """What came of an import. `rows` = `added` + `skipped`; `skipped` were imported before."""

    file: str
    kind: str
    rows: int = 0
    added: int = 0
    skipped: int = 0
    events: int = 0
    by_type: dict[str, int] = {}
    problems: tuple[Problem, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()  # sentences for a person: Chinese and English


def of_dataset(event: Event, dataset: str) -> Event:
    """Mark a fact with the data set it comes from, wherever its shape has a place for that."""
    if "dataset" not in event.__struct_fields__ or getattr(event, "dataset", ""):
        return event
    marks: dict[str, Any] = {"dataset": dataset}
    return msgspec.structs.replace(event, **marks)


def claim_of(list_name: str, record: Record) -> str:
    """Return the key under which one row of one kind of list is imported once."""
    return f"{list_name}:{record.key}#{record.occurrence}"


def source_row(record: Record, issuer: str, sha256: str) -> Document:
    """Cite a row of a published file: file and line, publisher, hash of the bytes kept."""
    e = record.evidence
    return Document(type="source_row", number=f"{e.file}:{e.line}", issuer=issuer, sha256=sha256)


def fit(text: str, most: int) -> str:
    """Return text in form NFC without control characters, at most `most` characters.

    Only what a card shows is shortened; the evidence keeps the whole row.
    """
    shown = text if text.isascii() else normalised(text)
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else " " for c in shown)
    shown = shown.strip()
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


# Writing ----------------------------------------------------------------------


def record(
    book: Book,
    groups: Sequence[Sequence[Piece]],
    report: ImportReport,
    progress: Progress | None = None,
    words: tuple[str, str] = ("导入", "Import"),
) -> ImportReport:
    """Record every piece not claimed yet and complete the report.

    Pieces of one group share a transaction. Raise Unreadable, before anything is written, when
    a fact would not be read back; Refused when an identifier belongs to something else.
    """
    checked(groups, report.file)
    counted: Counter[str] = Counter()
    report.rows = sum(piece.rows for group in groups for piece in group)
    writer = _Writer(book)
    done = 0
    for chunk in chunks(groups, book.head()[0]):
        added = writer.write(chunk)
        report.added += sum(piece.rows for piece in added)
        counted.update(f.event.type_name for piece in added for f in piece.facts)
        done += sum(piece.rows for piece in chunk)
        if progress is not None:
            progress(*words, done, report.rows)
    report.skipped = report.rows - report.added
    report.events = counted.total()
    report.by_type = dict(sorted(counted.items()))
    return report


def checked(groups: Iterable[Iterable[Piece]], file: str) -> None:
    """Refuse the file when a fact breaks the bounds of its own fields; say on which lines."""
    wrong: list[Problem] = []
    for piece in chain.from_iterable(groups):
        for fact in piece.facts:
            try:
                msgspec.convert(msgspec.to_builtins(fact.event), type(fact.event))
            except msgspec.ValidationError as error:
                line = int(piece.doc.number.rpartition(":")[2] or 1) if piece.rows else 1
                wrong.append(
                    Problem(
                        file,
                        line,
                        0,
                        "not-a-fact",
                        f"这一行不能记入账本（{fact.event.type_name}：{error}）。请改正后再导入。",
                        f"This row cannot be recorded ({fact.event.type_name}: {error}). "
                        "Correct it and import again.",
                    )
                )
    if wrong:
        raise Unreadable(wrong)


def portion(size: int) -> int:
    """Return how many entries one transaction of an import has, in a ledger of a size.

    A kill loses at most this much work. The larger the index by stream, the more of its pages each
    transaction writes anew for every entry, unless the transaction grows as well.
    """
    least, most = CHUNK_ENTRIES
    return min(max(size // 25, least), most)


def chunks(groups: Iterable[Sequence[Piece]], there: int) -> Iterator[list[Piece]]:
    """Pack groups into transactions of so many entries as suit a ledger, never splitting one."""
    chunk: list[Piece] = []
    size = 0
    for group in groups:
        entries = sum(len(piece.facts) for piece in group)
        if chunk and size + entries > portion(there):
            yield chunk
            there += size
            chunk, size = [], 0
        chunk.extend(group)
        size += entries
    if chunk:
        yield chunk


class _Writer:
    """Turns pieces into drafts with the versions their streams have now."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.claimed = book.log.claims(CLAIM)
        self.known = set(self.claimed.values())
        self.versions: dict[str, int] = {}
        self.times: dict[tuple[date, str], str] = {}

    def write(self, chunk: Sequence[Piece]) -> list[Piece]:
        """Record one chunk; return the pieces that were not there yet."""
        for _ in range(TRIES):
            pieces = [piece for piece in chunk if piece.key not in self.claimed]
            if not pieces:
                return []
            try:
                self.append(pieces)
            except Conflict as conflict:
                # Somebody worked on one of these while we were importing: build on theirs.
                self.versions = {conflict.stream: conflict.current}
                self.known |= {f.stream for p in chunk for f in p.facts}
            except Refused as refused:
                if refused.rule is not NUMBER_TAKEN:
                    raise
                fresh = self.book.log.claims(CLAIM)
                if fresh.keys() == self.claimed.keys():
                    raise  # not the same import beside us: the number belongs to something else
                self.claimed, self.versions = fresh, {}
                self.known |= set(fresh.values())
            else:
                self.claimed |= {piece.key: piece.stream for piece in pieces}
                self.known |= {f.stream for p in pieces for f in p.facts}
                return pieces
        raise AssertionError("another import of the same file kept overtaking this one")

    def append(self, pieces: Sequence[Piece]) -> None:
        cause = new_id("imp")
        now = dict(self.versions)
        drafts: list[Draft] = []
        via = Via(channel=CLAIM, role="importer")
        for number, piece in enumerate(pieces):
            for fact in piece.facts:
                seq = now[fact.stream] = self.version(fact.stream, now) + 1
                drafts.append(
                    Draft(
                        stream=fact.stream,
                        seq=seq,
                        event=fact.event,
                        actor=IMPORTER,
                        # A cause of its own: taking back one row must not take back the chunk.
                        cause=f"{cause}/{number}",
                        effective_at=self.at(fact.on, piece.zone),
                        docs=(piece.doc,),
                        via=via,
                        dated=fact.dated,
                    )
                )
        self.book.append(
            drafts,
            actor=IMPORTER,
            cause=cause,
            context={"channel": CLAIM},
            claims=[(CLAIM, piece.key, piece.stream) for piece in pieces],
            evidence=[piece.kept for piece in pieces if piece.kept is not None],
        )
        self.versions = now

    def version(self, stream: str, now: dict[str, int]) -> int:
        if stream in now:
            return now[stream]
        # Only streams that an import has touched can exist already: spare the others a question.
        return self.book.log.version(stream) if stream in self.known else 0

    def at(self, on: date, zone: str) -> str:
        if (on, zone) not in self.times:
            self.times[on, zone] = claim_time(on, zone, self.book.clock())
        return self.times[on, zone]


def dollars(cents: int) -> str:
    """Write cents as a person reads them, with the currency's sign: never the sign of yuan."""
    return f"US${cents // 100:,}.{cents % 100:02}"
