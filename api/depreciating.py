"""Work a month's depreciation out, read it back, and hold cards and ledgers against each other.

A run is one entry of the unit; its lines are kept as evidence in pieces, so that the page of one
card reads one piece. A piece is named by its hash in the list of pieces, and that by the entry.
"""

from __future__ import annotations

import gzip
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import msgspec

from api.counting import packed
from domain.allocating import LinesSeen
from domain.asset import Asset
from domain.asset import lifecycle as cards
from domain.decider import Ask, Occasion
from domain.depreciating import (
    Broken,
    DepreciationPosted,
    Life,
    Line,
    Obstacle,
    RunSeen,
    Total,
    Wear,
    Worth,
    agreement,
    carried,
    month_end,
    month_name,
    month_of,
    run,
    stands,
    stated,
    totals,
    worth,
)
from domain.splitting import PostedSeen
from ledger.act import Evidence
from ledger.book import Book
from ledger.entry import Entry, standing
from ledger.replaying import collector_off
from projections import depreciating as lists
from projections.depreciating import Look

MEDIA: Final = "application/vnd.gongwu.depreciation+json+gzip"
LINES_MEDIA: Final = "application/vnd.gongwu.depreciation-lines+json+gzip"
PIECE: Final = 2_000  # lines
IDS_AT_ONCE: Final = 1_000
SHARING: Final = frozenset({"split", "merge"})  # what shares out the depreciation of a card


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """Some lines in the order of their ids: the first, how many, and the hash they are kept under."""

    first: str
    lines: int
    sha256: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted, by which lives: the evidence of a month, from which it is worked out again."""

    unit: str
    month: str
    position: int
    before: str
    lives: tuple[Life, ...]
    pieces: tuple[Piece, ...]
    faults: tuple[tuple[str, str], ...]  # asset and obstacle
    totals: tuple[Total, ...]


class Posted(msgspec.Struct, frozen=True):
    """A month of a unit that stands, and the entry that posted it."""

    event: DepreciationPosted
    entry: Entry


class Depreciating:
    """Whoever works depreciation out for one office."""

    def __init__(self, book: Book, rows: Look) -> None:
        self.book, self.rows = book, rows
        self._lines = lru_cache(maxsize=64)(self._lines_of)  # of pieces: their bytes never change

    # What a step must have seen ---------------------------------------------------

    def informed(self, occasion: Occasion, asks: Iterable[Ask]) -> tuple[Occasion, list[Evidence]]:
        """Return the occasion with what runs, splits and merges must have seen, and the evidence."""
        seen: list[Any] = []
        kept: list[Evidence] = []
        for ask in asks:
            kind, _, id_ = ask.stream.partition("/")
            if kind == "depreciation" and ask.verb == "post":
                month = ask.form.get("month")
                wear: Wear = self.book.stream(ask.stream).state
                if isinstance(month, str) and wear.lives and is_month(month) and month > wear.month:
                    told, evidence = self.worked_out(id_, month, wear)
                    seen.append(told)
                    kept += evidence
            else:
                seen += filter(None, map(self.posted_on, self.shared(ask, occasion)))
        if not seen:
            return occasion, kept
        return msgspec.structs.replace(occasion, seen=(*occasion.seen, *seen)), kept

    def shared(self, ask: Ask, occasion: Occasion) -> set[str]:
        """Return the cards whose depreciation a request may share out."""
        kind, _, id_ = ask.stream.partition("/")
        if kind == "asset" and ask.verb in SHARING:
            others = ask.form.get("assets", ())
            return {id_, *(o for o in others if isinstance(o, str))}
        if kind == "claim":
            return {asset} if (asset := self.book.stream(ask.stream).state.asset) else set()
        if kind == "allocation":
            lines = (s.lines for s in occasion.seen if isinstance(s, LinesSeen))
            return {line.asset for some in lines for line in some}
        return set()

    def posted_on(self, id_: str) -> PostedSeen | None:
        """Return what was written off of a card in runs, unless the card itself says so."""
        asset, line = self.last_line(id_, date.max)
        if line is None or line.through < 0:
            return None
        standing_ = stands(asset, line)
        if isinstance(standing_, Obstacle) or standing_ == stated(asset):
            return None
        so_far, through = standing_
        return PostedSeen(
            stream=f"asset/{id_}",
            accumulated=so_far,
            residual=line.residual,
            until=month_end(through),
        )

    # A month ----------------------------------------------------------------------

    def worked_out(self, unit: str, month: str, wear: Wear) -> tuple[RunSeen, list[Evidence]]:
        """Write off everything a unit had on its books at the end of a month."""
        this = month_of(month)
        position = self.book.head()[0]
        with collector_off():
            before = self.lines(wear.sha256)
            lines = list(self._written_off(unit, this, wear.lives, before))
            pieces, evidence = in_pieces(lines)
            sums = totals(lines, before)
        faults = tuple((line.asset, line.obstacle) for line in lines if line.obstacle)
        document = Document(
            unit=unit,
            month=month,
            position=position,
            before=wear.sha256,
            lives=wear.lives,
            pieces=pieces,
            faults=faults,
            totals=sums,
        )
        evidence.append(Evidence(MEDIA, packed(document)))
        told = RunSeen(
            stream=f"depreciation/{unit}",
            month=month,
            position=position,
            before=wear.sha256,
            cards=len(lines),
            charged=sum(line.charge > 0 for line in lines),
            faults=len(faults),
            sha256=evidence[-1].sha256,
            totals=sums,
            closed=self.book.stream(f"period/{unit}").state.last,
        )
        return told, evidence

    def _written_off(
        self, unit: str, month: int, lives: Sequence[Life], before: Sequence[Line]
    ) -> Iterator[Line]:
        on = month_end(month).isoformat()
        known = {line.asset: line for line in before}
        cards = list(lists.told(self.rows(lists.carried(unit, on)), on))
        came = [card.id for card in cards if card.id not in known] if before else []
        elsewhere = self._elsewhere(unit, came, month)
        for card in cards:
            asset = card.asset
            if asset is None:  # something came after: the card is told as it stood that day
                asset = self.book.state_at(f"asset/{card.id}", on)
                assert isinstance(asset, Asset)
            line = known.get(card.id) or elsewhere.get(card.id)
            origin = known.get(asset.split_from) if line is None else None
            yield run(asset, lives, line, month, card.id, origin)

    def _elsewhere(self, unit: str, came: Sequence[str], month: int) -> dict[str, Line]:
        """Return the last lines of cards that came from the books of other units."""
        found: dict[str, Line] = {}
        on = month_end(month - 1).isoformat()
        for start in range(0, len(came), IDS_AT_ONCE):
            some = came[start : start + IDS_AT_ONCE]
            for row in self.rows(lists.units_then(some, on)):
                if row["accounting_unit"] != unit:
                    line = self._line_in(row["accounting_unit"], row["id"], month - 1)
                    if line is not None:
                        found[row["id"]] = line
        return found

    # Reading back -----------------------------------------------------------------

    def months(self, unit: str, known: int | None = None) -> list[Posted]:
        """Return the months of a unit that stand, in order."""
        entries = self.book.stream(f"depreciation/{unit}").entries
        if known is not None:
            entries = tuple(entry for entry in entries if entry.position <= known)
        return [
            Posted(entry.event, entry)
            for entry in standing(entries)
            if isinstance(entry.event, DepreciationPosted)
        ]

    def document(self, sha256: str) -> Document:
        """Return what was posted."""
        return msgspec.json.decode(self._bytes(sha256), type=Document)

    def lines(self, sha256: str) -> list[Line]:
        """Return every line of a month; none where nothing was posted."""
        if not sha256:
            return []
        return [
            line for piece in self.document(sha256).pieces for line in self._lines_of(piece.sha256)
        ]

    def line(self, sha256: str, id_: str) -> Line | None:
        """Return the line of one card in a month."""
        pieces = self.document(sha256).pieces
        at = bisect_right([piece.first for piece in pieces], id_) - 1
        if at < 0:
            return None
        return next((one for one in self._lines(pieces[at].sha256) if one.asset == id_), None)

    def _bytes(self, sha256: str) -> bytes:
        kept = self.book.log.evidence(sha256)
        assert kept is not None, f"evidence {sha256} is named in the log and not there"
        return gzip.decompress(kept[1])

    def _lines_of(self, sha256: str) -> list[Line]:
        return msgspec.json.decode(self._bytes(sha256), type=list[Line])

    def _line_in(self, unit: str, id_: str, month: int, known: int | None = None) -> Line | None:
        """Return the line of a card in the last month a unit posted until then."""
        for posted in reversed(self.months(unit, known)):
            if month_of(posted.event.month) <= month:
                return self.line(posted.event.sha256, id_)
        return None

    def last_line(self, id_: str, on: date, known: int | None = None) -> tuple[Asset, Line | None]:
        """Return a card as it stood on a day, and its line in the last run until then.

        A card that has just come to a unit is in no run of it yet; then who gave it knows.
        """
        units: list[str] = []
        asset = Asset()
        life = self.book.stream(f"asset/{id_}")
        entries = [
            entry
            for entry in standing([e for e in life.entries if known is None or e.position <= known])
            if entry.effective_on <= on.isoformat()
        ]
        for entry in entries:
            asset = fold_one(asset, entry)
            if asset.accounting_unit and asset.accounting_unit not in units[-1:]:
                units.append(asset.accounting_unit)
        for unit in reversed(units):
            line = self._line_in(unit, id_, month_of(on), known)
            if line is not None:
                return asset, line
        return asset, None

    def worth(self, id_: str, on: date, known: int | None = None) -> Worth | None:
        """Return what a card is worth on any past or future day; None where it is not on the books."""
        asset, line = self.last_line(id_, on, known)
        if not carried(asset):
            return None
        wear: Wear = self.book.stream(f"depreciation/{asset.accounting_unit}").state
        return worth(asset, wear.lives, line, on, id_)

    # Whether the books agree --------------------------------------------------------

    def agreement(self, unit: str, month: str) -> list[Broken] | None:
        """Hold the cards of a unit against its ledgers for a month; None where none was posted."""
        months = self.months(unit)
        at = next((n for n, one in enumerate(months) if one.event.month == month), None)
        if at is None:
            return None
        this, before = months[at].event, months[at - 1].event if at else None
        on = month_end(month_of(month)).isoformat()
        costs: Mapping[str, int] = {
            row["id"]: row["value"] or 0 for row in self.rows(lists.costs(unit, on))
        }
        return agreement(
            costs,
            self.lines(this.sha256),
            self.lines(before.sha256) if before else [],
            this.totals,
            before.totals if before else (),
        )


def fold_one(asset: Asset, entry: Entry) -> Asset:
    """Return a card after one more entry."""
    after: Asset = cards.evolve(asset, entry.event)
    return after


def is_month(text: str) -> bool:
    """Tell whether a text is a month."""
    try:
        return month_name(month_of(text)) == text and month_of(text) >= 12
    except ValueError:
        return False


def in_pieces(lines: Sequence[Line]) -> tuple[tuple[Piece, ...], list[Evidence]]:
    """Return lines as evidence in pieces, and the list of the pieces."""
    pieces: list[Piece] = []
    evidence: list[Evidence] = []
    going = iter(lines)
    while some := list(islice(going, PIECE)):
        kept = Evidence(LINES_MEDIA, packed(some))
        evidence.append(kept)
        pieces.append(Piece(some[0].asset, len(some), kept.sha256))
    return tuple(pieces), evidence
