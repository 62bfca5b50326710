"""One entry of the log: the envelope around a fact, and its bytes (AUDIT format, version 1).

What is hashed is what is stored. The bytes are JCS (RFC 8785): under our rules (ASCII keys,
no floats, integers below 2^53) sorted compact JSON is exactly that.
"""

from __future__ import annotations

import base64
import functools
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import msgspec.inspect

from domain.decider import FACTS, UPCASTERS, Document, EntryReversed, Event

ENVELOPE_VERSION = 1
ENTRY_BYTES_MAX = 65_535  # the length of an entry in a tile bundle has 16 bits
INTEGER_MAX = 2**53 - 1
UNSTAMPED = "0000-00-00T00:00:00.000000Z"  # as wide as every recorded_at
STAMP_MARK = f'"recorded_at":"{UNSTAMPED}"'.encode()  # no text can hold it: quotes are escaped


class TooLarge(ValueError):
    """An entry would not fit 65,535 bytes; large things are attachments by hash."""


class Corrupt(Exception):
    """Stored bytes, columns or hashes contradict each other: somebody changed the log."""


class Via(msgspec.Struct, frozen=True, kw_only=True):
    """How a request came in: acting unit and role, channel, request, and the policy applied."""

    unit: str = ""
    role: str = ""
    channel: str = ""
    request: str = ""
    policy: str = ""


class Corrects(msgspec.Struct, frozen=True):
    """The entry that this one takes back."""

    seq: int
    stream: str


class Draft(msgspec.Struct, kw_only=True, gc=False):
    """What is about to be recorded; the server adds position, time and salt."""

    stream: str
    seq: int
    event: Event
    actor: str
    cause: str
    effective_at: str
    corrects: Corrects | None = None
    docs: tuple[Document, ...] = ()
    via: Via | None = None
    dated: str = ""  # "not_after": the source only proves that it had happened by then
    behalf: str = ""  # the person in whose stead the actor acted, by a delegation in force

    # The names by which the event-sourcing library knows these two.
    @property
    def originator_id(self) -> str:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.seq


class Sealed(msgspec.Struct, gc=False):
    """A draft as the recorder stores it, by the names of the library's own, slower, class."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A recorded fact with its envelope. `position` counts from 1; its leaf index is one less.

    Replays need only the fields; what else the envelope says is read from its bytes when asked.
    """

    position: int
    stream: str
    seq: int
    event: Event
    effective_at: str
    corrects: Corrects | None
    state: bytes

    @property
    def effective_on(self) -> str:
        """Return the business date in the zone it was claimed in, as YYYY-MM-DD."""
        return self.effective_at[:10]

    @property
    def recorded_at(self) -> str:
        """Return the server's time of recording, UTC."""
        return _envelope(self.state).recorded_at

    @property
    def actor(self) -> str:
        """Return the id of the person who recorded it."""
        return _envelope(self.state).actor

    @property
    def cause(self) -> str:
        """Return the id of the request that wrote it; `/n` marks the n-th of a batch."""
        return _envelope(self.state).cause

    @property
    def beside(self) -> Beside:
        """Return what was recorded beside the fact: papers, channel, precision of the date,
        and on whose behalf."""
        return _envelope(self.state).body


class Beside(msgspec.Struct, frozen=True):
    behalf: str = ""
    docs: tuple[Document, ...] = ()
    via: Via = Via()
    dated: str = ""


class _Envelope(msgspec.Struct):
    actor: str
    body: Beside
    cause: str
    recorded_at: str


_envelope = msgspec.json.Decoder(_Envelope).decode


class _Out(msgspec.Struct, gc=False):
    """The envelope, its keys in their canonical order."""

    actor: str
    body: Any
    cause: str
    corrects: Corrects | None
    effective_at: str
    recorded_at: str
    salt: str
    seq: int
    stream: str
    tv: int
    type: str
    v: int


_encode = msgspec.json.Encoder(order="sorted").encode


def salts(count: int) -> list[str]:
    """Return fresh salts, 16 random bytes each, so that leaf hashes are safe to publish."""
    random = os.urandom(16 * count)
    return [base64.b64encode(random[i : i + 16]).decode() for i in range(0, 16 * count, 16)]


def encode(draft: Draft, salt: str) -> bytes:
    """Return the bytes of an entry, not yet stamped with its time of recording.

    Raise TooLarge beyond 65,535 bytes, ValueError for text that is not NFC, and
    msgspec.ValidationError for a fact whose fields break its own declaration: what could not
    be read back is never written.
    """
    event = draft.event
    body: Any = event
    if draft.docs or draft.via is not None or draft.dated or draft.behalf:
        body = msgspec.to_builtins(event)
        if draft.behalf:
            body["behalf"] = draft.behalf
        if draft.docs:
            body["docs"] = draft.docs
        if draft.via is not None:
            body["via"] = draft.via
        if draft.dated:
            body["dated"] = draft.dated
    state = _encode(
        _Out(
            draft.actor,
            body,
            draft.cause,
            draft.corrects,
            draft.effective_at,
            UNSTAMPED,
            salt,
            draft.seq,
            draft.stream,
            event.type_version,
            event.type_name,
            ENVELOPE_VERSION,
        )
    )
    if len(state) > ENTRY_BYTES_MAX:
        raise TooLarge(f"{event.type_name}: {len(state)} bytes")
    if not state.isascii() and not _normalised("NFC", state.decode()):
        raise ValueError(f"{event.type_name}: text is not in Unicode form NFC")
    _decoders[event.type_name][0](state)
    for value in _integers(type(event))(event):
        if value is not None and not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValueError(f"{event.type_name}: {value} is beyond 2^53 and no integer in JSON")
    return state


_normalised = unicodedata.is_normalized


@functools.cache
def _integers(fact: type[Event]) -> Callable[[Event], tuple[Any, ...]]:
    """Return what reads the integers of a fact."""
    names = [
        field.name
        for field in msgspec.inspect.type_info(fact).fields  # type: ignore[attr-defined] # a struct
        if any(
            isinstance(kind, msgspec.inspect.IntType)
            for kind in getattr(field.type, "types", (field.type,))
        )
    ]
    if not names:
        return lambda _: ()
    return attrgetter(*names) if len(names) > 1 else lambda fact: (getattr(fact, names[0]),)


def stamp(state: bytes, recorded_at: str) -> bytes:
    """Return the entry with its time of recording in the place kept for it."""
    return state.replace(STAMP_MARK, b'"recorded_at":"%b"' % recorded_at.encode(), 1)


_WIRE: list[Any] = [
    ("corrects", Corrects | None),
    ("effective_at", str),
    ("seq", int),
    ("stream", str),
    ("tv", int),
    ("v", int),
]


class _Decoders(dict[str, Any]):
    """A strict decoder for each registered fact, made at first use."""

    def __missing__(self, type_name: str) -> Any:
        fact = FACTS.get(type_name)
        if fact is None:
            raise Corrupt(f"unknown type {type_name!r}: a newer version wrote this log, or nobody")
        wire = msgspec.defstruct(
            f"Wire_{fact.__name__}",
            [("body", fact), *_WIRE],
            tag_field="type",
            tag=type_name,
            gc=False,
        )
        decoder = msgspec.json.Decoder(wire).decode
        self[type_name] = (decoder, fact.type_version)
        return self[type_name]


_decoders = _Decoders()


def decode(position: int, stream: str, seq: int, type_name: str, state: bytes) -> Entry:
    """Read a stored entry; its columns must say the same as its bytes, else Corrupt."""
    wire = told(position, stream, seq, type_name, state)
    return Entry(position, stream, seq, wire.body, wire.effective_at, wire.corrects, state)


def told(position: int, stream: str, seq: int, type_name: str, state: bytes) -> Any:
    """Read of a stored entry only `body`, `effective_at` and `corrects`; Corrupt as `decode`."""
    decoder, version = _decoders[type_name]
    try:
        wire = decoder(state)
        if wire.tv != version:
            wire = _decode_older(type_name, state)
    except msgspec.DecodeError:
        wire = _decode_older(type_name, state)
    if wire.stream != stream or wire.seq != seq or wire.v != ENVELOPE_VERSION:
        raise Corrupt(f"position {position}: columns say {stream}#{seq} {type_name}, bytes do not")
    return wire


def _decode_older(type_name: str, state: bytes) -> Any:
    """Read an entry whose fact has a newer shape today, through the upcasters."""
    try:
        raw = msgspec.json.decode(state)
        version, body = raw["tv"], raw["body"]
        decoder, newest = _decoders[type_name]
        if version > newest:
            raise Corrupt(f"{type_name} version {version}: a newer release wrote this log")
        while version < newest:
            body = UPCASTERS[type_name, version](body)
            version += 1
        return decoder(_encode(raw | {"tv": version, "body": body}))
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise Corrupt(f"entry cannot be read: {error}") from error


def standing(entries: Iterable[Entry]) -> list[Entry]:
    """Return the facts that stand, in the order in which they were true.

    A reversal cancels what it cites, and may itself be reversed. Order is business date,
    then order of recording: the same for every observer.
    """
    all_ = entries if isinstance(entries, Sequence) else list(entries)
    reversals = [e for e in all_ if e.corrects is not None]
    if reversals:
        cancelled: set[int] = set()
        for entry in reversed(reversals):  # a later reversal decides whether an earlier one counts
            if entry.seq not in cancelled and entry.corrects is not None:
                cancelled.add(entry.corrects.seq)
        all_ = [
            e for e in all_ if e.seq not in cancelled and not isinstance(e.event, EntryReversed)
        ]
    return sorted(all_, key=lambda e: (e.effective_on, e.seq))


def moment(now: datetime) -> str:
    """Return a UTC time with exactly six decimals: string order is time order."""
    return now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def claim_time(on: date, zone: str, now: datetime) -> str:
    """Return the claimed time of a business date in a unit's zone.

    Today means now; any other day is claimed as a day, from its first second.
    """
    place = ZoneInfo(zone)
    local = now.astimezone(place)
    if on == local.date():
        return local.isoformat(timespec="seconds")
    return datetime.combine(on, time(), place).isoformat(timespec="seconds")
