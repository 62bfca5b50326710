"""From what a reader, a camera or a finger gave to the asset it means, many at once.

The answer is worked out here and nowhere else, so that a hand-held, a page and an import say the
same. A tag's content is looked up as it is bound; a GIAI of ours counts without a binding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from domain.asset import Book
from domain.decider import Lang
from domain.words import in_language
from labels import epc, identity
from labels.epc import BadEpc, Epc, Sort
from projections import inventory
from projections.scope import Rows, Scope

if TYPE_CHECKING:
    from api.office import Office

Carrier: TypeAlias = Literal["rfid", "qr", "manual"]
REMEMBERED_MAX: Final = 20_000
CARDS_AT_ONCE: Final = 5_000
ASCII_CHARS_MIN: Final = 4  # suppliers write an asset number as bytes; fewer would be chance


class Verdict(StrEnum):
    """What was read stands for what."""

    MATCHED = "matched"
    ELSEWHERE = "elsewhere"
    GONE = "gone"
    VOID = "void"
    CONFLICT = "conflict"
    FOREIGN = "foreign"
    FACTORY = "factory"
    SEVERAL = "several"
    UNKNOWN = "unknown"

    @property
    def zh(self) -> str:
        return _SAID[self][0]

    @property
    def en(self) -> str:
        return _SAID[self][1]


_SAID: Final = {
    Verdict.MATCHED: ("已识别。", "Recognised."),
    Verdict.ELSEWHERE: (
        "已识别，但账面存放地点不是这里。",
        "Recognised; the books say it is in another place.",
    ),
    Verdict.GONE: (
        "该资产已核销，实物仍在，请按盘盈线索处理。",
        "This asset is off the books and yet here; follow it up as a surplus.",
    ),
    Verdict.VOID: (
        "这张标签已作废，请核对实物并换贴新标签。",
        "This label was voided; check the thing and put the new label on.",
    ),
    Verdict.CONFLICT: (
        "标签与芯片或其他标签相互矛盾，请逐件扫描二维码核对。",
        "Tag, chip or labels contradict each other; scan the QR code of each thing.",
    ),
    Verdict.FOREIGN: (
        "不是本系统的资产标签，已记下。",
        "Not a label of this system's assets; noted.",
    ),
    Verdict.FACTORY: (
        "标签还是出厂内容，没有绑定资产，已记下。",
        "The tag has its factory content and is bound to no asset; noted.",
    ),
    Verdict.SEVERAL: (
        "一次扫到了多个码，请分开再扫。",
        "Several codes in one scan; scan them one by one.",
    ),
    Verdict.UNKNOWN: ("没有找到对应的资产，已记下。", "No asset was found for it; noted."),
}


class Seen(msgspec.Struct, frozen=True):
    """What was read: by what means, the text or hexadecimal content, the chip's serial if known."""

    carrier: Carrier
    raw: str
    tid: str = ""


class Sighting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it means. `key` is the one spelling by which repetitions are recognised."""

    raw: str
    carrier: Carrier
    key: str
    verdict: Verdict
    asset: str = ""
    asset_no: str = ""
    name: str = ""
    place: str = ""

    def sentence(self, lang: Lang) -> str:
        """Say it to whoever read the tag."""
        return in_language(self.verdict.zh, self.verdict.en, lang)


class _Read:
    """One thing read, taken apart: where it may be looked up, in which order."""

    __slots__ = ("content", "key", "looked", "scanned", "seen", "tid")

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.content: Epc | None = None
        self.scanned: identity.Scanned | None = None
        self.looked: list[tuple[str, str]] = []  # kind of claim, value
        self.tid = ""
        self.key = seen.raw
        content = _content(seen)
        if content is not None:
            self._take_content(content)
        else:
            self._take_text()
        if seen.tid:
            try:
                self.tid = epc.read(seen.tid).hex
                self.looked.append(("tid", self.tid))
            except BadEpc:
                self.tid = ""

    def _take_content(self, content: Epc) -> None:
        self.content, self.key = content, content.hex
        self.looked.append(("epc", content.hex))
        if content.giai:
            self.looked.append(("giai", content.giai))
        written = _ascii(content)
        if written:
            self.looked += [("asset_no", written), ("label", written)]

    def _take_text(self) -> None:
        scanned = self.scanned = identity.parse(self.seen.raw)
        self.key = scanned.folded or self.seen.raw
        match scanned.kind:
            case identity.Kind.GIAI:
                self.looked.append(("giai", scanned.id))
            case identity.Kind.ASSET_NO:
                plain = self.seen.raw.strip()
                for text in dict.fromkeys((plain, scanned.id)):
                    self.looked += [("asset_no", text), ("label", text), ("tid", text.upper())]
            case _:
                pass

    @property
    def object_ids(self) -> tuple[str, ...]:
        """Return under which ids of ours it may be known directly."""
        if self.scanned is None or self.scanned.kind is not identity.Kind.OBJECT:
            return ()
        return tuple(dict.fromkeys((self.scanned.id, self.scanned.folded)))


@lru_cache(maxsize=REMEMBERED_MAX)
def _taken_apart(seen: Seen) -> _Read:
    """Read the same tag once: nothing about it depends on when it was read."""
    return _Read(seen)


def _content(seen: Seen) -> Epc | None:
    """Return the content of a tag; typed text may be one too, when it looks like nothing else."""
    text = seen.raw.strip()
    try:
        if text.lower().startswith(("urn:epc:tag:", "urn:epc:raw:")):
            return epc.encode(text)
        if seen.carrier == "rfid" or len(text) >= 24:
            return epc.read(text)
    except BadEpc:
        return None
    return None


def _ascii(content: Epc) -> str:
    """Return the text that a supplier wrote as bytes, or nothing."""
    if content.sort not in (Sort.RAW, Sort.FACTORY) and content.sort is not Sort.FOREIGN:
        return ""
    text = bytes.fromhex(content.hex).rstrip(b"\0 ")
    plain = text.decode("ascii", "replace")
    if len(plain) < ASCII_CHARS_MIN or not plain.isascii() or not plain.isprintable():
        return ""
    return plain.strip()


class _Memory:
    """What readings meant while nothing was recorded: a reader sees the same tags all day."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._at: tuple[int, int] = (-1, -1)
        self._told: dict[tuple[Scope, str, Seen], Sighting] = {}

    def at(self, position: tuple[int, int]) -> dict[tuple[Scope, str, Seen], Sighting]:
        """Return what is known at a position of the log and of the lists."""
        with self._guard:
            if position > self._at or len(self._told) > REMEMBERED_MAX:
                self._at, self._told = position, {}
            return self._told if position == self._at else {}


_memories: WeakKeyDictionary[Office, _Memory] = WeakKeyDictionary()


def resolve(
    office: Office,
    scope: Scope,
    seen: Sequence[Seen],
    *,
    place: str = "",
    look: Callable[[Rows], Sequence[Any]] | None = None,
) -> list[Sighting]:
    """Say what each reading means, in the order given; `place` is where they were read.

    One question to the ledger for each kind of identifier, one to the lists: a thousand readings
    cost little more than one. Never refuses: what is unknown is said to be unknown. Whoever has
    the turn to write gives `look`, which asks the lists as they are.
    """
    if look is not None:
        return _looked_up(office, scope, seen, place, look)
    lists = office.models
    # Taken before anything is looked up: what is told may be newer than that, never older.
    position = (office.book.log.head()[0], lists.position())
    known = _memories.setdefault(office, _Memory()).at(position)
    new = [one for one in dict.fromkeys(seen) if (scope, place, one) not in known]
    told = dict(zip(new, _looked_up(office, scope, new, place, office.whole), strict=True))
    found = [told.get(one) or known[scope, place, one] for one in seen]
    known.update({(scope, place, one): sighting for one, sighting in told.items()})
    return found


def _looked_up(
    office: Office,
    scope: Scope,
    seen: Sequence[Seen],
    place: str,
    look: Callable[[Rows], Sequence[Any]],
) -> list[Sighting]:
    if not seen:
        return []
    reads = [_taken_apart(one) for one in seen]
    held = _held(office, reads)
    ids = {asset for found in held.values() for asset in found.values()}
    ids |= {id_ for read in reads for id_ in read.object_ids}
    rows = {row["id"]: row for row in _cards(look, scope, sorted(ids))}
    ours: dict[str, bool] = {}
    return [_judged(office, read, held, rows, place, ours) for read in reads]


def _held(office: Office, reads: Sequence[_Read]) -> dict[str, dict[str, str]]:
    """Return by kind of identifier which asset holds which value."""
    wanted: dict[str, set[str]] = {}
    for read in reads:
        for kind, value in read.looked:
            wanted.setdefault(kind, set()).add(value)
    found: dict[str, dict[str, str]] = {}
    for kind, values in wanted.items():
        streams = office.book.log.claimed_of(kind, values)
        found[kind] = {
            value: stream.removeprefix("asset/")
            for value, stream in streams.items()
            if stream.startswith("asset/")
        }
    return found


def _cards(
    look: Callable[[Rows], Sequence[Any]], scope: Scope, ids: Sequence[str]
) -> Iterator[Any]:
    for start in range(0, len(ids), CARDS_AT_ONCE):
        some = ids[start : start + CARDS_AT_ONCE]
        yield from look(inventory.of_ids(scope, some))


def _judged(
    office: Office,
    read: _Read,
    held: dict[str, dict[str, str]],
    rows: dict[str, Any],
    place: str,
    ours: dict[str, bool],
) -> Sighting:
    if read.scanned is not None and read.scanned.kind is identity.Kind.SEVERAL:
        return _told(read, Verdict.SEVERAL)
    by = {kind: held[kind][value] for kind, value in read.looked if value in held[kind]}
    strong = {by[kind] for kind in ("epc", "giai", "tid") if kind in by}
    strong |= {id_ for id_ in read.object_ids if id_ in rows}
    weak = by.get("asset_no") or by.get("label")
    if len(strong) > 1:
        return _told(read, Verdict.CONFLICT)
    row = rows.get(next(iter(strong), weak or ""))
    if row is None:
        return _told(read, _nobodys(office, read, ours))
    return _told(read, _verdict(office, read, by, row, place), row)


def _verdict(office: Office, read: _Read, by: dict[str, str], row: Any, place: str) -> Verdict:
    content = read.content
    if content is not None and row["tag"] == content.hex:
        if read.tid and row["tag_tid"] and read.tid != row["tag_tid"]:
            return Verdict.CONFLICT
    elif "epc" in by or (content is None and _voided_label(read, by, row)):
        return Verdict.VOID
    scanned = read.scanned
    if scanned is not None and scanned.issue is not None:
        state = office.book.stream(f"asset/{row['id']}").state
        if scanned.issue < state.label_issue:
            return Verdict.VOID
    if row["book"] == Book.GONE.value:
        return Verdict.GONE
    if place and row["place"] and row["place"] != place:
        return Verdict.ELSEWHERE
    return Verdict.MATCHED


def _voided_label(read: _Read, by: dict[str, str], row: Any) -> bool:
    """Say whether it was found by a label id that is not the one in force."""
    if "label" not in by or "asset_no" in by:
        return False
    return row["label"] not in {value for kind, value in read.looked if kind == "label"}


def _nobodys(office: Office, read: _Read, ours: dict[str, bool]) -> Verdict:
    """Say what a reading is that belongs to no asset here."""
    content = read.content
    if content is None:
        known = read.scanned is not None and read.scanned.kind is not identity.Kind.FOREIGN
        return Verdict.UNKNOWN if known else Verdict.FOREIGN
    match content.sort:
        case Sort.GIAI if len(content.parts) == 2:
            prefix = content.parts[0]
            if prefix not in ours:
                ours[prefix] = office.book.stream(f"giai/{prefix}").version > 0
            return Verdict.UNKNOWN if ours[prefix] else Verdict.FOREIGN
        case Sort.FACTORY:
            return Verdict.FACTORY
        case Sort.RAW:
            return Verdict.UNKNOWN
        case _:
            return Verdict.FOREIGN


def _told(read: _Read, verdict: Verdict, row: Any = None) -> Sighting:
    return Sighting(
        raw=read.seen.raw,
        carrier=read.seen.carrier,
        key=read.key,
        verdict=verdict,
        asset=row["id"] if row else "",
        asset_no=row["asset_no"] if row else "",
        name=row["name"] if row else "",
        place=row["place"] if row else "",
    )
