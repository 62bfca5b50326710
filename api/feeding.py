"""The log as others may follow it (T117): what was recorded, in order, each once, by a cursor.

The cursor is the position up to which the log was looked at: what a reader may not see is passed
over and still counted, so that nobody looks at it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.words import Role
from ledger import tree
from ledger.act import Row
from projections import seen
from projections.scope import Scope

if TYPE_CHECKING:
    from api.office import Actor, Office

LIMIT, LIMIT_MAX = 100, 1_000
LOOKED_MAX = 10_000  # entries looked at for one answer, when few of them are for this reader
BYTES_MAX = 4 << 20  # of one answer; a single entry is always given
OF_READS: Final = "audit"  # who looked at what: for auditors and administrators


class Sight(msgspec.Struct, frozen=True):
    """What somebody who follows the log is given of it."""

    scope: Scope
    reads: bool = False  # also who looked at what
    kinds: frozenset[str] = frozenset()  # none: all

    @classmethod
    def of(cls, actor: Actor, kinds: Collection[str] = ()) -> Sight:
        """Return what an actor may follow."""
        reads = actor.role in (Role.AUDITOR, Role.ADMIN)
        return cls(actor.scope, reads, frozenset(kinds))


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
        self, position: int, sight: Sight, limit: int = LIMIT, *, until: int | None = None
    ) -> Part:
        """Return what follows a position, in order, up to another; raise BeyondTheLog."""
        size = self.office.book.log.head()[0]
        size = size if until is None else min(size, until)
        if position > size:
            raise BeyondTheLog
        rows, length, reached = list[Row](), 0, position
        end = min(size, position + max(LOOKED_MAX, limit))
        for page in self.office.book.log.rows(position + 1, end, limit):
            for row, given in zip(page, self._given(page, sight), strict=True):
                if given:
                    length += len(row[4])
                    if rows and (len(rows) == limit or length > BYTES_MAX):
                        return Part(rows, reached, size)
                    rows.append(row)
                reached = row[0]
        return Part(rows, reached, size)

    def _given(self, page: Sequence[Row], sight: Sight) -> list[bool]:
        wanted = [self._wanted(row[1].partition("/")[0], sight) for row in page]
        if sight.scope.units is None:
            return wanted
        streams = {row[1] for row, is_wanted in zip(page, wanted, strict=True) if is_wanted}
        known = seen.visible(self.office.rows, sight.scope, streams)
        return [is_ and row[1] in known for row, is_ in zip(page, wanted, strict=True)]

    def _wanted(self, kind: str, sight: Sight) -> bool:
        if kind == OF_READS and not sight.reads:
            return False
        return not sight.kinds or kind in sight.kinds


def told(row: Row) -> dict[str, Any]:
    """Return an entry as the feed gives it: its exact content, and its leaf in the tree."""
    state = bytes(row[4])
    return {"position": row[0], "leaf": tree.leaf(state).hex(), "entry": msgspec.Raw(state)}
