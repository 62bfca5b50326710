"""One act: everything that one transaction records beside the entries, and its receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeAlias

import msgspec

from ledger import tree
from ledger.entry import Draft, moment, stamp

ACT_ENTRIES_MAX = 10_000
Claim: TypeAlias = tuple[str, str]  # a kind of identifier and a value used once in the ledger


class Evidence(msgspec.Struct, frozen=True):
    """Bytes an entry rests on, kept once under their hash."""

    media: str
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger answers to an act; a repeated request gets the same one."""

    cause: str
    first: int  # position of the first entry
    count: int
    recorded_at: str
    replayed: bool = False

    @property
    def last(self) -> int:
        return self.first + self.count - 1


class Act(msgspec.Struct, kw_only=True):
    """What the recorder writes in the same transaction as the entries."""

    cause: str
    actor: str
    key: str | None = None  # Idempotency-Key, unique per actor for as long as the log exists
    fingerprint: str = ""
    context: str = "{}"  # channel, device, address, request id: JSON, outside the log
    claims: list[tuple[str, str, str]] = []
    evidence: list[Evidence] = []
    now: str | None = None  # the server's clock; None lets the database's clock decide
    receipt: Receipt | None = None


class Batch:
    """Drafts as one object, so that the library need not ask each what it is."""

    id = "batch"  # the library files what it saves under an id

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts

    def collect_events(self) -> Iterator[Draft]:
        return iter(self.drafts)


class Conflict(Exception):
    """Somebody else wrote the stream first; `current` is its version now."""

    def __init__(self, stream: str, expected: int, current: int) -> None:
        super().__init__(f"{stream}: expected version {expected}, is {current}")
        self.stream, self.expected, self.current = stream, expected, current


class Taken(Exception):
    """An identifier that is used once in the ledger is used already, by `stream`."""

    def __init__(self, kind: str, value: str, stream: str) -> None:
        super().__init__(f"{kind} {value} is used by {stream}")
        self.kind, self.value, self.stream = kind, value, stream


class Replayed(Exception):
    """The same request was recorded before; here is its receipt."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.cause)
        self.receipt = receipt


class KeyReused(Exception):
    """The idempotency key was used before with other content (422)."""


class Unsafe(Exception):
    """The database is not set so that acknowledged entries survive a power cut."""


def stamped(
    states: Sequence[bytes], size: int, last: str, frontier: list[bytes], now: str | None
) -> tuple[str, list[bytes], list[bytes], int]:
    """Give entries their time of recording and their leaves, and grow the tree.

    The time is never before the previous entry's, whatever the clock says. Return the time,
    the final bytes, the leaf hashes and the new size; `frontier` is changed in place.
    """
    recorded_at = max(now or moment(datetime.now(UTC)), last)
    final = [stamp(state, recorded_at) for state in states]
    leaves = [tree.leaf(state) for state in final]
    return recorded_at, final, leaves, tree.grow(size, frontier, leaves)


Row: TypeAlias = tuple[int, str, int, str, bytes]  # position, stream, seq, type, bytes
