"""Where a list is read: as it is now, or as it stood on a day and was known at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from api.office import Office


class Lists(Protocol):
    """Lists that answer questions: those of now, or those of a day."""

    def rows(self, query: Any) -> Sequence[Any]: ...


def lists(office: Office, kinds: Sequence[str], on: str, known: int | None, *, past: bool) -> Lists:
    """Return the lists of some kinds of streams, now or as of a day."""
    return office.pasts.at(kinds, on, known) if past else office.models
