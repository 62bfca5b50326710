"""The log as others may follow it (T117): what was recorded, in order, each once, by a cursor.

The cursor is the position up to which the log was looked at: what a reader may not see is passed
over and still counted, so that nobody looks at it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.words import Role
from ledger import tree
from ledger.act import Row

if TYPE_CHECKING:
    from api.office import Actor, Office
else:
    Actor = Any  # the office knows us; the field need not be checked

LIMIT, LIMIT_MAX = 100, 1_000
LOOKED_MAX = 10_000  # entries looked at for one answer, when few of them are for this reader
NARROW_MAX = 1_000  # the same where each must be looked at to know whose it is
BYTES_MAX = 4 << 20  # of one answer; a single entry is always given
OF_READS: Final = "audit"  # who looked at what
READERS: Final = (Role.AUDITOR, Role.ADMIN)


class Follower(msgspec.Struct, frozen=True):
    """Who follows the log, and which kinds of stream they want; none named: all."""

    actor: Actor
    kinds: frozenset[str] = frozenset()

    def wants(self, stream: str) -> bool:
        """Tell whether a stream is of a kind that is asked for, and that this role may read."""
        kind = stream.partition("/")[0]
        if kind == OF_READS and self.actor.role not in READERS:
            return False
        return not self.kinds or kind in self.kinds


class Part(msgspec.Struct, frozen=True):
    """A part of the feed: entries as they are stored, and the position to go on from."""

    rows: list[Row]
    next: int
    size: int  # of the log when it was looked at

    @property
    def more(self) -> bool:
        return self.next < self.size


class BeyondTheLog(Exception):
    """The log has never been as long as somebody read it."""


class Feed:
    """The log of one office as others may follow it."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def after(
        self, position: int, whom: Follower, limit: int = LIMIT, *, until: int | None = None
    ) -> Part:
        """Return what follows a position, in order, up to another; raise BeyondTheLog."""
        size = self.office.book.log.head()[0]
        size = size if until is None else min(size, until)
        if position > size:
            raise BeyondTheLog
        rows, length, reached = list[Row](), 0, position
        most = LOOKED_MAX if whom.actor.scope.units is None else NARROW_MAX
        end = min(size, position + max(most, limit))
        for page in self.office.book.log.rows(position + 1, end, limit):
            for row, given in zip(page, self._given(page, whom), strict=True):
                if given:
                    length += len(row[4])
                    if rows and (len(rows) == limit or length > BYTES_MAX):
                        return Part(rows, reached, size)
                    rows.append(row)
                reached = row[0]
        return Part(rows, reached, size)

    def _given(self, page: Sequence[Row], whom: Follower) -> Iterator[bool]:
        """Tell of each row whether it is for this reader, as every other route would (T121)."""
        known: dict[str, bool] = {}
        for row in page:
            stream = row[1]
            if stream not in known:
                known[stream] = whom.wants(stream) and self.office.sight.sees(whom.actor, stream)
            yield known[stream]


def told(row: Row) -> dict[str, Any]:
    """Return an entry as the feed gives it: its exact content, and its leaf in the tree."""
    state = bytes(row[4])
    return {"position": row[0], "leaf": tree.leaf(state).hex(), "entry": msgspec.Raw(state)}
