"""The timeline: every entry in words, with both dates, who, on which papers, and what it changed."""

from __future__ import annotations

from typing import Any

from api.pages_telling import difference, tell
from api.pages_view import Page
from domain.decider import LIFECYCLES, EntryReversed
from domain.words import Words
from ledger.book import Stream
from ledger.entry import Entry


def lines(
    page: Page, stream: Stream, *, on: str = "", position: int | None = None, after: int = 0
) -> list[dict[str, Any]]:
    """Return the entries of a stream, newest first, as pages show them.

    `on` and `position` say from when a reader looks back: what came later is marked so.
    `after` leaves out what the reader had already seen.
    """
    changes = differences(page, stream)
    cancelled_by: dict[int, int] = {}
    for entry in reversed(stream.entries):
        if entry.corrects is not None and entry.seq not in cancelled_by:
            cancelled_by[entry.corrects.seq] = entry.seq
    currency = getattr(stream.state, "currency", "CNY") or "CNY"
    return [
        told(page, entry, cancelled_by.get(entry.seq), changes.get(entry.seq, []), currency)
        | {
            "later": bool(on and entry.effective_on > on)
            or bool(position is not None and entry.position > position)
        }
        for entry in reversed(stream.entries)
        if entry.seq > after
    ]


def differences(page: Page, stream: Stream) -> dict[int, list[tuple[str, str, str]]]:
    """Return what each standing entry changed, in the order in which they were true."""
    life = LIFECYCLES[stream.name.partition("/")[0]]
    state, found = life.state(), dict[int, list[tuple[str, str, str]]]()
    for entry in stream.standing:
        after = life.evolve(state, entry.event)
        names = page.namer_then(entry.effective_on)
        found[entry.seq] = difference(state, after, page.lang, names)
        state = after
    return found


def told(
    page: Page,
    entry: Entry,
    reversed_by: int | None,
    changes: list[tuple[str, str, str]],
    currency: str,
) -> dict[str, Any]:
    """Return one entry in words, with the names that held on its day."""
    names = page.namer_then(entry.effective_on)
    beside = entry.beside
    unit, role = beside.via.unit, beside.via.role
    return {
        "entry": entry,
        "sentence": tell(entry.event, page.lang, names, currency),
        "recorded": page.local(entry.recorded_at),
        "late": page.local(entry.recorded_at)[:10] > entry.effective_on,
        "actor": page.name_of("person", entry.actor),
        "unit": names("unit", unit) if unit else "",
        "role": page.words(Words.of(role)) if role else "",
        "channel": beside.via.channel,
        "dated": beside.dated,
        "docs": beside.docs,
        "reversed_by": reversed_by,
        "reverses": entry.corrects.seq if entry.corrects is not None else None,
        "changes": changes,
        "reversal": isinstance(entry.event, EntryReversed),
    }


def happened(page: Page, first: int, count: int) -> list[Entry]:
    """Return the entries of one act."""
    return list(page.office.book.entries(first, first + count - 1))


def toast(page: Page, stream: Stream, done: str) -> dict[str, Any] | None:
    """Return what to say after a step: the events it wrote here, and the way to take it back."""
    if not done.isdecimal() or len(done) > 15:
        return None
    command = page.office.book.log.command(int(done))
    if command is None:
        return None
    first, count = command[0], command[1]
    mine = [e for e in stream.entries if first <= e.position < first + count]
    if not mine:
        return None
    said = [tell(e.event, page.lang, page.namer_then(e.effective_on)) for e in mine]
    last = stream.entries[-1]
    return {
        "said": said,
        "count": count,
        "undo": mine[0].seq if last in mine and mine[0].corrects is None else None,
    }
