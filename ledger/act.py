"""One act: everything that one transaction records beside the entries, and its receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec

from domain.decider import Lang
from domain.words import Words, in_words
from ledger import tree
from ledger.entry import moment, stamp

ACT_ENTRIES_MAX = 10_100  # 10,000 cards of a unit that is reorganised, and the case beside them
Claim: TypeAlias = tuple[str, str]  # a kind of identifier and a value used once in the ledger


class Evidence(msgspec.Struct, frozen=True):
    """Bytes an entry rests on, kept once under their hash.

    What is `removable` is an attachment: a later entry may let its bytes go.
    """

    media: str
    content: bytes
    removable: bool = False

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def row(self) -> tuple[str, str, bytes, str]:
        """Return what is kept: hash, media type, content, check sum over the first two."""
        name = self.sha256
        return name, self.media, self.content, seal(name, self.media)


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


TROUBLES = {
    "locked": Words(
        "账本正被另一程序占用，本次未记入任何内容；请稍后重试。",
        "Another program holds the ledger; nothing was recorded. Try again shortly.",
    ),
    "disk-full": Words(
        "磁盘空间已满，本次未记入任何内容；已有记录完好，可以查阅。腾出空间后重试。",
        "The disk is full; nothing was recorded. What was recorded before is safe and can be read."
        " Free some space and try again.",
    ),
    "disk": Words(
        "读写磁盘出错，本次操作没有完成；请管理员检查磁盘，然后重试。",
        "The disk failed to read or write; this was not completed. Check the disk, then try again.",
    ),
    "read-only": Words(
        "数据库处于只读状态，不能记账；请管理员检查权限或主备切换。",
        "The database is read-only, so nothing can be recorded. Check permissions or fail-over.",
    ),
    "away": Words(
        "无法连接数据库，请稍后重试。如刚才已提交，请用同一请求编号重试，不会重复记账。",
        "The database cannot be reached; try again shortly. If you had just submitted something,"
        " repeat it with the same request key: it will not be recorded twice.",
    ),
    "damaged": Words(
        "数据库文件已损坏，为保护记录已停止读写；请管理员从备份恢复并运行校验。",
        "The database is damaged and is not used any further, to protect the records. Restore a"
        " backup and verify it.",
    ),
}


class Unavailable(Exception):
    """The database cannot answer now: `kind` (a key of TROUBLES) says why.

    Unless `kind` is "away" nothing was recorded. After "away" a commit may have happened without
    its answer; the same idempotency key finds out.
    """

    def __init__(self, kind: str, cause: BaseException | None = None) -> None:
        super().__init__(f"{kind}: {cause}" if cause else kind)
        self.kind = kind

    def sentence(self, lang: Lang) -> str:
        """Say in the reader's language what is wrong and what to do."""
        return in_words(TROUBLES[self.kind], lang)


class Unsafe(Exception):
    """The database is not set so that acknowledged entries survive a power cut."""


def seal(*values: str | int | None) -> str:
    """Return a check sum over a row beside the log, so that a rotten disk is noticed.

    No guarantee against people: the row is outside the tree, whoever owns it can seal it again.
    """
    line = "\n".join("" if v is None else str(v) for v in values)
    return sha256(line.encode()).hexdigest()


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
Select: TypeAlias = Callable[..., list[tuple[Any, ...]]]  # a query with `?` for each value


def whole(after: Callable[[tuple[str, int]], list[Row]]) -> Iterator[list[Row]]:
    """Yield pages of whole streams; `after` returns the rows that follow a stream's version."""
    page: list[Row] = []
    last = ("", 0)
    while rows := after(last):
        if not (rows[-1][1], rows[-1][2]) > last:  # a damaged file leads back, round and round
            raise Unavailable("damaged")
        last = rows[-1][1], rows[-1][2]
        begun = next(n for n, row in enumerate(rows) if row[1] == last[0])  # the last stream of it
        if begun or (page and page[-1][1] != last[0]):
            yield page + rows[:begun]
            page = rows[begun:]
        else:
            page += rows
    if page:
        yield page
