"""Stock-taking between the log, the lists and the scans: freeze, recognise, compare, report.

What the log says of a stocktake are numbers and hashes. The list, the scans and the differences
are documents of their own, kept as evidence in the act that names their hash.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeAlias

import msgspec

from api.readings import Readings
from api.reporting import Reports
from api.scanned import Body, Kept, Scanned, by_radio
from domain import counting as results
from domain.counting import Difference, Item, Known, Sighting
from domain.decider import Ask
from domain.label_design import stock_id
from domain.stocktaking import (
    CLOSED_AT_ONCE_MAX,
    CountSeen,
    DifferencesSeen,
    ReportSeen,
    ScopeSeen,
    Seen,
    Stocktake,
    StocktakeStatus,
    Told,
)
from labels import identity
from ledger.act import Evidence
from ledger.book import Book
from ledger.replaying import collector_off
from projections import counting as lists
from projections.scope import Rows

Look: TypeAlias = Callable[[Rows], Sequence[Any]]
CLAIMS = ("asset_no", "label", "giai", "epc", "tid")  # what a scan may say of a thing
LISTS_KEPT = 4  # frozen lists that stay in memory; a hundred thousand things are some 60 MB
CARDS_AT_ONCE = 500
LIST_MEDIA = "application/vnd.gongwu.stocktake-list+json+gzip"
SCANS_MEDIA = "application/vnd.gongwu.stocktake-scans+json+gzip"
DIFFERENCES_MEDIA = "application/vnd.gongwu.stocktake-differences+json+gzip"
REPORT_MEDIA = "application/pdf"
ON_BOOKS = frozenset(book.value for book in lists.COUNTED)


class _Numbered(msgspec.Struct):
    n: int


class _Scan(msgspec.Struct):
    """A scan as evidence keeps it."""

    device: str
    hash: str
    scan: msgspec.Raw
    by: str
    round: int
    received_at: str
    asset: str


class _Round(msgspec.Struct):
    """The scans of a round as evidence keeps them."""

    scans: list[_Scan]
    heard: list[Sighting] = []  # by radio, and by nothing else


class Frozen:
    """A frozen list, and which of its things a code means."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        return {item.id: item for item in self.items}

    @cached_property
    def by_code(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for item in self.items:
            for code in (item.id, *item.codes):
                found.setdefault(folded(code), item.id)
        return found

    @cached_property
    def by_place(self) -> Mapping[str, Sequence[Item]]:
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(item.place, []).append(item)
        return found

    @property
    def places(self) -> list[str]:
        return sorted(self.by_place)


def folded(code: str) -> str:
    """Return a code as codes are compared: full-width forms, blanks and case aside."""
    return "".join(unicodedata.normalize("NFKC", code).split()).upper()


def to_confirm(state: Stocktake, value: int | None) -> bool:
    """Tell whether a thing is too dear for radio alone; a value nobody knows reaches every limit."""
    return state.confirm_from is not None and (value is None or value >= state.confirm_from)


def packed(document: Any) -> bytes:
    """Write a document so that the same content is the same bytes."""
    written = msgspec.json.Encoder(order="deterministic").encode(document)
    return gzip.compress(written, compresslevel=1, mtime=0)


class Gathered(msgspec.Struct, frozen=True):
    """What radio readings come to: sightings, and what is kept as evidence of them."""

    sightings: tuple[Sighting, ...] = ()
    digest: str = ""
    reads: int = 0
    document: Mapping[str, Any] | None = None


class Counting:
    """Whoever answers for the stocktakes of one office."""

    def __init__(
        self,
        book: Book,
        scanned: Scanned,
        report: Callable[[str, Stocktake, str], Reports],
        readings: Callable[[], Readings],
        heard: Callable[[str, Stocktake, Look], Gathered],
    ) -> None:
        self.book, self.scanned, self.report = book, scanned, report
        self.readings, self.heard = readings, heard
        self._frozen: dict[str, Frozen] = {}
        self._differences: dict[str, tuple[Difference, ...]] = {}

    def now(self) -> str:
        """Return the server's time."""
        return self.book.clock().astimezone(UTC).isoformat(timespec="milliseconds")

    # What a step must have seen -------------------------------------------------

    def asks(self, asks: Iterable[Ask]) -> bool:
        """Tell whether a request must be answered from here."""
        return any(a.stream.startswith("stocktake/") and a.verb in _ANSWERS for a in asks)

    @contextmanager
    def turn(self, asks: Iterable[Ask]) -> Iterator[None]:
        """Let nobody's scans slip in between what a round comes to and its end.

        A round ends alone; whoever takes scans or joins does so before or after it (T68).
        """
        named = {
            (a.stream.partition("/")[2], a.verb) for a in asks if a.stream.startswith("stocktake/")
        }
        names = sorted({name for name, verb in named if verb in ("end_count", "join_count")})
        if not names:
            yield
            return
        self.book.settle()  # whoever waits for others holds nothing that they wait for
        with ExitStack() as stack:
            for name in names:
                alone = (name, "end_count") in named
                stack.enter_context(
                    self.scanned.ending(name) if alone else self.scanned.taking(name)
                )
            yield
            self.book.settle()  # nobody takes scans until all can see that the round is over

    def informed(self, asks: Iterable[Ask], look: Look) -> tuple[list[Seen], list[Evidence]]:
        """Return what the steps that are asked must have seen, and what it rests on.

        It is our turn to write, and the lists show all that is recorded.
        """
        seen: list[Seen] = []
        evidence: list[Evidence] = []
        with collector_off():  # a hundred thousand small things are made, and all are kept
            for ask in asks:
                answer = _ANSWERS.get(ask.verb)
                if answer is not None and ask.stream.startswith("stocktake/"):
                    state: Stocktake = self.book.stream(ask.stream).state
                    if state.status is not StocktakeStatus.NONE:
                        told, kept = answer(self, ask, state, look)
                        seen.append(told)
                        evidence += kept
        return seen, evidence

    def _scope(self, ask: Ask, state: Stocktake, look: Look) -> tuple[Seen, list[Evidence]]:
        rows = look(lists.to_count(state.unit, state.places))
        position = int(rows[0]["seen_at"])
        cards = [row for row in rows if row["id"] is not None]
        population = len(cards)
        if state.sample:
            kept = results.drawn((row["id"] for row in cards), state.seed, state.sample)
            cards = [row for row in cards if row["id"] in kept]
        codes = self._codes({row["id"] for row in cards})
        items = [
            Item(
                row["id"],
                row["asset_no"],
                row["name"],
                row["place"],
                tuple(dict.fromkeys(filter(None, (row["label"], *codes.get(row["id"], ()))))),
                row["quantity"],
                to_confirm(state, row["value"]),
            )
            for row in cards
        ]
        evidence = Evidence(LIST_MEDIA, packed(items))
        self._remember(evidence.sha256, Frozen(items))
        seen = ScopeSeen(
            stream=ask.stream,
            position=position,
            items=len(items),
            population=population,
            sha256=evidence.sha256,
        )
        return seen, [evidence]

    def void(self, unit: str, look: Look) -> list[tuple[str, int]]:
        """Return what a void label or tag of a unit says, for whoever scans without a network (D7).

        With a number, labels of an earlier issue than that are void; with 0 all of them are.
        """
        cards = {row["id"]: row for row in look(lists.labelled(unit))}
        found = [
            (code, row["label_issue"])
            for row in cards.values()
            if row["label_issue"] > 1
            for code in (row["id"], row["giai"])
            if code
        ]
        for kind, force in (("label", "label"), ("epc", "tag")):
            for value, stream in self.book.log.claims(kind).items():
                row = cards.get(stream.removeprefix("asset/"))
                if row is not None and row[force] != value:
                    found.append((value, 0))
        blanks = self.book.stream(f"labels/{unit}").state.stock_voided
        found += [(stock_id(unit, serial), 0) for serial in blanks]
        return sorted(found)

    def _codes(self, ids: set[str]) -> dict[str, list[str]]:
        """Return every identifier that was ever bound to these things."""
        found: dict[str, list[str]] = {}
        for kind in CLAIMS:
            for value, stream in self.book.log.claims(kind).items():
                id_ = stream.removeprefix("asset/")
                if id_ in ids and stream.startswith("asset/"):
                    found.setdefault(id_, []).append(value)
        for codes in found.values():
            codes.sort()
        return found

    def _count(self, ask: Ask, state: Stocktake, look: Look) -> tuple[Seen, list[Evidence]]:
        name = ask.stream.partition("/")[2]
        owing = self.owing(name, state)
        kept = self.scanned.all(name)
        contradictions = self.scanned.contradictions(name)
        heard = self.heard(name, state, look)
        result = self.result(name, state, kept, look, heard)
        photos = self._photos(name, kept)
        document = {
            "stocktake": name,
            "round": state.round,
            "scans": [_written(scan) for scan in kept],
            "contradictions": contradictions,
        }
        if heard.document is not None:
            document["readings"] = heard.document
            document["heard"] = unread(heard, standing_sightings(kept))
        scans = Evidence(SCANS_MEDIA, packed(document))
        differences = Evidence(DIFFERENCES_MEDIA, packed(result))
        seen = CountSeen(
            stream=ask.stream,
            owing=owing,
            accepted=len(kept),
            scans=scans.sha256,
            differences=differences.sha256,
            right=result.right,
            repeats=result.repeats,
            counts=result.counts,
            conflicts=len(contradictions),
            reads=heard.reads,
            readings=heard.digest,
        )
        return seen, [scans, differences, *photos]

    def _photos(self, name: str, kept: Iterable[Kept]) -> Iterator[Evidence]:
        """Yield the pictures that scans name: with the scans they become evidence."""
        decode = msgspec.json.Decoder(Body).decode
        named = {decode(scan.body).photo for scan in kept if '"photo":"' in scan.body}
        for photo in sorted(filter(None, named)):
            found = self.scanned.photo(name, photo)
            if found is not None:
                yield Evidence(*found)

    def _closing(self, ask: Ask, state: Stocktake, look: Look) -> tuple[Seen, list[Evidence]]:
        wanted = ask.form.get("differences") or (ask.form.get("difference"),)
        keys = frozenset(key for key in wanted if isinstance(key, str))
        told = []
        if len(keys) <= CLOSED_AT_ONCE_MAX:
            there = [one for one in self.differences(state) if one.key in keys]
            booked = self._booked(state, there, look)
            told = [
                Told(
                    key=one.key,
                    finding=one.finding,
                    asset=one.asset,
                    places=tuple(dict.fromkeys(seen.place for seen in one.seen)),
                    booked=state.surplus_of(one.key) in booked,
                )
                for one in there
            ]
        return DifferencesSeen(stream=ask.stream, told=tuple(told)), []

    def _booked(self, state: Stocktake, there: Iterable[Difference], look: Look) -> set[str]:
        made = {state.surplus_of(one.key) for one in there} - {""}
        if not made:
            return set()
        return {row["id"] for row in look(lists.cards(made)) if row["book"] in ON_BOOKS}

    def _report(self, ask: Ask, state: Stocktake, _: Look) -> tuple[Seen, list[Evidence]]:
        made = self.report(ask.stream, state, str(ask.form.get("report_no", "")))
        zh, en = (Evidence(REPORT_MEDIA, content) for content in (made.chinese, made.english))
        seen = ReportSeen(
            stream=ask.stream,
            sha256=zh.sha256,
            english=en.sha256,
            size=made.size,
            root=made.root,
        )
        return seen, [zh, en]

    # What is known of a stocktake -------------------------------------------------

    def frozen(self, state: Stocktake) -> Frozen:
        """Return the list of a stocktake whose count has begun."""
        known = self._frozen.get(state.scope)
        if known is None:
            items = self._read(state.scope, list[Item])
            known = self._remember(state.scope, Frozen(items))
        return known

    def _remember(self, name: str, frozen: Frozen) -> Frozen:
        while len(self._frozen) >= LISTS_KEPT:
            self._frozen.pop(next(iter(self._frozen)), None)
        self._frozen[name] = frozen
        return frozen

    def differences(self, state: Stocktake) -> tuple[Difference, ...]:
        """Return the differences of the last count that ended."""
        if not state.differences:
            return ()
        known = self._differences.get(state.differences)
        if known is None:
            known = self._read(state.differences, results.Result).differences
            while len(self._differences) >= LISTS_KEPT:
                self._differences.pop(next(iter(self._differences)), None)
            self._differences[state.differences] = known
        return known

    def scans(self, sha256: str) -> Iterator[Sighting]:
        """Yield what was seen and stands, out of the scans that an ended round was kept with."""
        kept = self._read(sha256, _Round)
        yield from kept.heard
        yield from standing_sightings(
            Kept(
                one.device,
                msgspec.json.decode(one.scan, type=_Numbered).n,
                one.hash,
                bytes(one.scan).decode(),
                one.by,
                one.round,
                one.received_at,
                "",
                one.asset,
                "",
                0,
            )
            for one in kept.scans
        )

    def _read(self, sha256: str, kind: Any) -> Any:
        kept = self.book.log.evidence(sha256)
        assert kept is not None, f"evidence {sha256} is named in the log and not there"
        return msgspec.json.decode(gzip.decompress(kept[1]), type=kind)

    def owing(self, name: str, state: Stocktake) -> tuple[str, ...]:
        """Return the devices that have not sent everything, or not said that they have."""
        devices = dict.fromkeys(device for device, _ in state.devices)
        return tuple(
            device
            for device in devices
            if device not in state.written_off and self._owes(name, device, state.round)
        )

    def _owes(self, name: str, device: str, round_: int) -> bool:
        """Tell whether scans or batches may still be on a device; a reader has no scans."""
        scans = self.scanned.standing(name, device, round_)
        batches = self.readings().standing(name, device, round_)
        begun = bool(scans.received or scans.missing) or scans.declared is not None
        reader = bool(batches.batches) or batches.declared is not None
        return batches.owes or (scans.owes and (begun or not reader))

    def result(
        self,
        name: str,
        state: Stocktake,
        kept: Sequence[Kept],
        look: Look,
        heard: Gathered | None = None,
    ) -> results.Result:
        """Compare the frozen list with all that was seen, whatever came first.

        What somebody read off a label decides; what a radio heard of the same thing adds nothing.
        """
        frozen = self.frozen(state)
        sightings = list(standing_sightings(kept))
        sightings += unread(heard or self.heard(name, state, look), tuple(sightings))
        strange = {one.asset for one in sightings if one.asset} - frozen.by_id.keys()
        others: dict[str, Known] = {}
        for page in _pages(sorted(strange)):
            for row in look(lists.cards(page)):
                others[row["id"]] = Known(row["asset_no"], row["name"], row["place"])
        moved = {
            row["id"]: row["place"]
            for row in look(lists.changed_since(state.position))
            if row["id"] in frozen.by_id and row["place"] != frozen.by_id[row["id"]].place
        }
        return results.compared(frozen.items, sightings, others, moved)

    @contextmanager
    def alone(self, asks: Iterable[Ask]) -> Iterator[None]:
        """Let no batch into a count while it ends."""
        with ExitStack() as stack:
            for ask in sorted({ask.stream for ask in asks if ask.verb == "end_count"}):
                stack.enter_context(self.readings().alone(ask.partition("/")[2]))
            yield

    # Which thing a code means ------------------------------------------------------

    def listed(self, frozen: Frozen, code: str) -> str:
        """Return the thing of the list that a code means; empty when it is none of them."""
        scanned = identity.parse(code)
        if scanned.kind in (identity.Kind.SEVERAL, identity.Kind.NOTHING):
            return ""
        spellings = (folded(code), folded(scanned.id))
        found = (frozen.by_code.get(spelling) for spelling in spellings if spelling)
        return next(filter(None, found), "")


_ANSWERS: dict[str, Callable[[Counting, Ask, Stocktake, Look], tuple[Seen, list[Evidence]]]] = {
    "begin_count": Counting._scope,
    "end_count": Counting._count,
    "close_differences": Counting._closing,
    "record_surplus": Counting._closing,
    "close_stocktake": Counting._report,
}


def milliseconds(moment: str) -> int:
    """Read a time in UTC; raise ValueError for anything else."""
    when = datetime.fromisoformat(moment)
    if when.tzinfo is None:
        raise ValueError(moment)
    return int(when.timestamp() * 1000)


def standing_sightings(kept: Iterable[Kept]) -> Iterator[Sighting]:
    """Yield what was seen and not undone; an undo is about a scan of the same device."""
    decode = msgspec.json.Decoder(Body).decode
    told = [(scan, decode(scan.body)) for scan in kept]
    undone = {(scan.device, body.undo) for scan, body in told if body.undo is not None}
    for scan, body in told:
        if body.undo is None and (scan.device, scan.n) not in undone:
            yield Sighting(
                milliseconds(body.at) + body.offset,
                scan.device,
                scan.n,
                body.place,
                body.code,
                scan.asset,
                scan.round,
                scan.person,
                body.photo or "",
                body.note,
                body.quantity,
                by_radio(body.source, body.code),
            )


def unread(heard: Gathered, seen: Iterable[Sighting]) -> list[Sighting]:
    """Return what was heard by radio and read off no label."""
    read = {one.asset or folded(one.code) for one in seen}
    return [one for one in heard.sightings if (one.asset or one.code) not in read]


def _written(scan: Kept) -> dict[str, Any]:
    """Return a scan as evidence keeps it."""
    return {
        "device": scan.device,
        "hash": scan.hash,
        "scan": msgspec.Raw(scan.body.encode()),
        "by": scan.person,
        "round": scan.round,
        "received_at": scan.received_at,
        "asset": scan.asset,
    }


def _pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CARDS_AT_ONCE):
        yield ids[start : start + CARDS_AT_ONCE]
