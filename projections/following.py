"""From entries to rows: what each fact changes in which list, batch by batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from domain.decider import LIFECYCLES
from ledger.book import Book
from ledger.entry import Entry, decode, standing, told
from projections import (
    administration,
    cases,
    disposals,
    history,
    income,
    inventory,
    people,
    reads,
    registers,
    rulings,
    units,
    wants,
)
from projections.temporal import Columns, Intervals, Line, Thing
from projections.writing import Writer

metadata = inventory.metadata
streams = Table(
    "stream",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("remembered", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


Temporal: TypeAlias = Mapping[str, tuple[Intervals, ...]]  # by kind of stream, in parts


class Kept(Thing):
    """What is remembered of one stream between batches."""

    __slots__ = (
        "card", "days", "first_on", "kind", "last_on", "lines", "meanings", "state", "version",
    )  # fmt: skip

    def __init__(self, stream: str, temporal: Temporal) -> None:
        self.kind, id_ = stream.split("/", 1)
        super().__init__(id_)
        life = LIFECYCLES[self.kind]
        self.state: Any = life.state()
        self.meanings = life.meanings
        parts = temporal.get(self.kind)
        self.lines = parts[ord(stream[-1]) % len(parts)] if parts else None
        self.version, self.first_on, self.last_on = 0, "", ""
        self.card: Any = None  # what was last written of it that seldom changes
        # The last business day of each milestone, where a list of this kind tells them.
        self.days: dict[str, str] | None = {} if self.kind in MILESTONES else None


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
    "policy": List(rulings.ruling, lambda k: rulings.row(k.id, k.state, k.last_on, k.version)),
    "person": List(people.person, lambda k: people.row(k, k.state, k.last_on, k.version)),
    "series": List(
        registers.series,
        lambda k: registers.series_row(k.id, k.state, k.last_on, k.version),
    ),
    "quota": List(
        registers.quota,
        lambda k: registers.quota_row(k.id, k.state, k.last_on, k.version),
    ),
    "confiscated": List(
        registers.goods,
        lambda k: registers.goods_row(k.id, k.state, k.first_on, k.last_on, k.version),
    ),
    "package": List(
        registers.packages,
        lambda k: registers.package_row(k.id, k.state, k.first_on, k.last_on, k.version),
    ),
    "due": List(
        income.dues,
        lambda k: income.row(k.id, k.state, k.first_on, k.last_on, k.version, k.days or {}),
    ),
    "audit": List(reads.reads, lambda k: reads.row(k.id, k.state, k.last_on, k.version)),
    "access": List(
        administration.administration,
        lambda k: administration.row(k.id, k.state, k.last_on, k.version),
    ),
    **dict.fromkeys(cases.KINDS, _case),
}
# Which facts are told with their last business day, and as what; "" is not told.
MILESTONES: dict[str, Callable[[Any], str]] = {
    "disposal": disposals.milestone,
    "due": income.milestone,
}
# What shows a kind of stream a second time, in other columns.
BESIDE: dict[str, List] = {
    "demand": List(
        wants.wants,
        lambda k: wants.row(k.id, k.state, k.first_on, k.last_on, k.version),
    ),
    "disposal": List(
        disposals.disposals,
        lambda k: disposals.row(k.id, k.state, k.first_on, k.last_on, k.version, k.days or {}),
    ),
}
SHOWN = {
    kind: tuple(shown[kind] for shown in (CURRENT, BESIDE) if kind in shown) for kind in CURRENT
}
TEMPORAL: dict[str, tuple[tuple[Table, ...], Columns]] = {
    "asset": (history.ended, history.columns),
    "unit": ((units.ended,), units.called),
    "place": ((units.ended,), units.called),
    "person": ((people.ended,), people.columns),
}
LISTS = metadata.sorted_tables  # all that is told from the log
INDEXES = (
    *inventory.indexes,
    *history.indexes,
    *units.indexes,
    *people.indexes,
    *cases.indexes,
    *registers.indexes,
    *reads.indexes,
    *administration.indexes,
    *wants.indexes,
    *income.indexes,
    *disposals.indexes,
)


class _Memory:
    """How what is kept of a kind of stream is written down: values in the order of its fields."""

    def __init__(self, state: type[msgspec.Struct]) -> None:
        self.state, self.names = state, state.__struct_fields__
        fields = [(f.name, f.type) for f in msgspec.structs.fields(state)]
        twin = msgspec.defstruct(f"{state.__name__}Values", fields, array_like=True, gc=False)
        said = tuple.__class_getitem__((str, str, int, str, int, dict[str, str], twin))
        self._decode: Any = msgspec.msgpack.Decoder(said).decode

    def pack(self, kept: Kept) -> bytes:
        """Return what is kept of a stream as bytes."""
        values = msgspec.structs.astuple(kept.state)
        head = (
            kept.first_on, kept.last_on, kept.opened, kept.from_on, kept.known_from, kept.days or {}
        )  # fmt: skip
        return _pack((*head, values))

    def state_of(self, data: bytes) -> tuple[str, Any]:
        """Return the last business date and the state of a stream that was written down."""
        _, last_on, _, _, _, _, twin = self._decode(data)
        values = msgspec.structs.astuple(twin)
        return last_on, self.state(**dict(zip(self.names, values, strict=True)))

    def unpack(self, kept: Kept, data: bytes) -> None:
        """Keep what was written down."""
        kept.first_on, kept.last_on, opened, from_on, known_from, days, twin = self._decode(data)
        if kept.days is not None:
            kept.days = days
        values = msgspec.structs.astuple(twin)
        kept.state = self.state(**dict(zip(self.names, values, strict=True)))
        if opened and kept.lines is not None:
            kept.open(kept.lines.columns(kept.id, kept.state), opened, from_on, known_from)


_pack = msgspec.msgpack.Encoder(order="deterministic").encode
MEMORY = {kind: _Memory(LIFECYCLES[kind].state) for kind in CURRENT}
_position, _stream = itemgetter(0), itemgetter(1)  # of a row
PAGE_ROWS = 30_000  # told at once in a rebuild
UNLISTED = LIFECYCLES.keys() - CURRENT.keys()  # kinds of stream that no list shows


def mark(kept: Kept, fact: Any, on: str) -> None:
    """Remember the day of a milestone."""
    said = MILESTONES[kept.kind](fact)
    if said and kept.days is not None:
        kept.days[said] = on


def remark(kept: Kept, entries: Iterable[Entry]) -> None:
    """Remember the days of all milestones anew, from what stands of a stream."""
    if kept.days is not None:
        kept.days = {}
        for entry in entries:
            mark(kept, entry.event, entry.effective_on)


def intervals() -> Temporal:
    """Return what collects intervals, by kind of stream; one for each table."""
    tables = {
        table: Intervals(table, columns) for parts, columns in TEMPORAL.values() for table in parts
    }
    return {kind: tuple(tables[table] for table in parts) for kind, (parts, _) in TEMPORAL.items()}


class Stuck(Exception):
    """An entry cannot be projected; the lists stay where they are until this is mended."""

    def __init__(self, position: int, cause: Exception) -> None:
        super().__init__(f"position {position}: {type(cause).__name__}: {cause}")
        self.position = position


class Batch:
    """Entries taken together: fold, then write every list at once."""

    def __init__(
        self,
        book: Book,
        writer: Writer,
        cache: dict[str, Kept],
        intervals: Temporal,
        *,
        fresh: bool,
    ) -> None:
        self.book, self.writer, self.cache, self.fresh = book, writer, cache, fresh
        self.intervals = intervals
        self.pending = {lines for parts in intervals.values() for lines in parts}
        self.dirty: dict[str, Kept] = cache if fresh else {}
        self.irregular: dict[str, Kept] = {}  # in a rebuild: told one by one at the end

    def take(self, page: Sequence[Any]) -> None:
        """Fold a page of rows."""
        if self.fresh:
            self._take_fresh(page)
            return
        # A stream whose first entry is here has nothing to be recalled.
        self._recall({row[1] for row in page} - self.cache.keys() - _first(page))
        cache, dirty, position = self.cache, self.dirty, 0
        try:
            for row in page:
                position, stream = row[0], row[1]
                entry = decode(*row)
                kept = cache.get(stream)
                if kept is None:
                    if stream.split("/", 1)[0] in UNLISTED:
                        continue
                    kept = cache[stream] = Kept(stream, self.intervals)
                dirty[stream] = kept
                kept.version = entry.seq
                on = entry.effective_at[:10]
                if entry.corrects is not None or on < kept.last_on:
                    self._retell(entry, kept)
                    continue
                fact = entry.event
                state = kept.state = kept.meanings[type(fact)](kept.state, fact)
                kept.last_on = on
                if not kept.first_on:
                    kept.first_on = on
                if kept.days is not None:
                    mark(kept, fact, on)
                lines = kept.lines
                if lines is not None:
                    values = lines.columns(kept.id, state)
                    if values != kept.values:
                        lines.follow(kept, values, position, on)
        except Exception as error:
            raise Stuck(position, error) from error

    def _take_fresh(self, page: Sequence[Any]) -> None:
        """Fold a page of rows in a rebuild: the same, without what only following needs.

        Stream by stream, since what belongs together is then still in the processor's cache;
        so the first entry that cannot be shown is known only at the end of the page.
        """
        cache, last, kept = self.cache, "", None
        failed: list[tuple[int, Exception]] = []
        for position, stream, seq, type_name, state in sorted(page, key=_stream):
            try:
                said = told(position, stream, seq, type_name, state)
                on = said.effective_at[:10]
                if stream != last:
                    last, kept = stream, cache.get(stream)
                    if kept is None and stream.split("/", 1)[0] not in UNLISTED:
                        kept = cache[stream] = Kept(stream, self.intervals)
                        kept.first_on = on
                if kept is None:
                    continue
                kept.version = seq
                if on < kept.last_on or said.corrects is not None:
                    self.irregular[stream] = kept
                    continue
                kept.last_on = on
                fact = said.body
                is_ = kept.state = kept.meanings[type(fact)](kept.state, fact)
                if kept.days is not None:
                    mark(kept, fact, on)
                lines = kept.lines
                if lines is not None:
                    values = lines.columns(kept.id, is_)
                    if values != kept.values:
                        lines.follow(kept, values, position, on)
            except Exception as error:  # noqa: BLE001 - the first of them is raised below
                failed.append((position, error))
        if failed:
            position, cause = min(failed, key=_position)
            raise Stuck(position, cause) from cause

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
        for lines in self.pending:
            mine = [kept.id for kept in self.irregular.values() if kept.lines is lines]
            self.writer.delete(lines.table, mine, "id")
        for stream, kept in self.irregular.items():
            rows = self.book.log.stream_rows(stream)
            _tell_irregular(kept, [row for row in rows if row[0] <= until])
        self.irregular = {}

    def flush_intervals(self) -> None:
        """Write what was."""
        for lines in self.pending:
            lines.flush(self.writer)

    def flush(self) -> None:
        """Write what was, what is, and what must be remembered."""
        self.flush_intervals()
        by_kind: dict[List, list[Kept]] = {}
        kept_rows: list[tuple[Any, ...]] = []
        for stream, kept in sorted(self.dirty.items()):
            by_kind.setdefault(CURRENT[kept.kind], []).append(kept)
            if kept.kind in BESIDE:
                by_kind.setdefault(BESIDE[kept.kind], []).append(kept)
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


class Whole:
    """Streams that are whole, told one after another: a rebuild that keeps none of them in mind.

    What belongs to one stream is told and written while it is still in the processor's cache.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer, self.intervals = writer, intervals()
        self.lines = {lines for parts in self.intervals.values() for lines in parts}

    def take(self, page: Sequence[Any]) -> None:
        """Tell the streams of a page and write every list."""
        current: dict[List, list[tuple[Any, ...]]] = {}
        kept_rows: list[tuple[Any, ...]] = []
        for stream, some in groupby(page, _stream):
            rows = list(some)
            kind = stream.split("/", 1)[0]
            if kind in UNLISTED:
                self._read(rows)
                continue
            kept = Kept(stream, self.intervals)
            self._tell(kept, rows)
            for list_ in SHOWN[kind]:
                row = list_.row(kept)
                if row is not None:
                    current.setdefault(list_, []).append(row)
            kept_rows.append((stream, kept.version, MEMORY[kind].pack(kept)))
        for lines in self.lines:
            lines.flush(self.writer)
        for list_, found in current.items():
            self.writer.insert(list_.table, found)
        self.writer.insert(streams, kept_rows)

    def _tell(self, kept: Kept, rows: Sequence[Any]) -> None:
        lines, meanings, state, last_on, position = kept.lines, kept.meanings, kept.state, "", 0
        begun = len(lines.ended) if lines is not None else 0
        try:
            for position, stream, seq, type_name, said in rows:
                entry = told(position, stream, seq, type_name, said)
                on = entry.effective_at[:10]
                if on < last_on or entry.corrects is not None:
                    if lines is not None:
                        del lines.ended[begun:]
                    kept.version = rows[-1][2]
                    _tell_irregular(kept, rows)
                    return
                last_on = on
                if not kept.first_on:
                    kept.first_on = on
                fact = entry.body
                state = meanings[type(fact)](state, fact)
                if kept.days is not None:
                    mark(kept, fact, on)
                if lines is not None:
                    values = lines.columns(kept.id, state)
                    if values != kept.values:
                        lines.follow(kept, values, position, on)
        except Exception as error:
            raise Stuck(position, error) from error
        kept.state, kept.version, kept.last_on = state, rows[-1][2], last_on

    def _read(self, rows: Sequence[Any]) -> None:
        """Read what no list shows: an entry that cannot be read is found all the same."""
        for row in rows:
            try:
                told(*row)
            except Exception as error:
                raise Stuck(row[0], error) from error


def _tell_irregular(kept: Kept, rows: Iterable[Any]) -> None:
    """Tell a stream anew that has late entries or reversals; `rows` are all there is of it."""
    entries = [decode(*row) for row in rows]
    if kept.lines is not None:
        fold, life = functools.partial(_line, kept), LIFECYCLES[kept.kind]
        kept.lines.ended += map(tuple, kept.lines.tell(kept, entries, fold, life))
    _line(kept, entries)


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


def _line(kept: Kept, entries: Sequence[Entry]) -> Line:
    """Fold what stands of a stream into `kept`; return each fact with the state it led to."""
    life = LIFECYCLES[kept.kind]
    state, line = life.state(), Line()
    for fact in standing(entries):
        state = life.evolve(state, fact.event)
        line.append((fact, state))
    remark(kept, (fact for fact, _ in line))
    kept.state = state
    kept.first_on = line[0][0].effective_on if line else ""
    kept.last_on = line[-1][0].effective_on if line else ""
    return line
