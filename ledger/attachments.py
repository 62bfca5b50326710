"""Attachments beside the log: their bytes go when no folder names them any more (T13)."""

from __future__ import annotations

import msgspec

from domain.filing import FileAttached, FileRemoved
from ledger.act import Receipt
from ledger.book import Book

NAMING = (FileAttached.type_name, FileRemoved.type_name)


class Fate(msgspec.Struct, frozen=True):
    """What the entries say of a fingerprint: folders that hold it, and who removed it last."""

    folders: tuple[str, ...] = ()
    removed_by: int = 0  # a position; 0 when nobody did


def fate(book: Book, sha256: str) -> Fate:
    """Return what the entries alone say of the bytes with this fingerprint."""
    held: dict[str, bool] = {}
    removed_by = 0
    named = f'"{sha256}"'.encode()
    with book.log.snapshot() as select:
        rows = select(
            "SELECT notification_id, originator_id, topic, state FROM ledger_entry"
            " WHERE topic IN (?,?) ORDER BY notification_id",
            *NAMING,
        )
    for position, stream, topic, state in rows:
        if named in bytes(state):
            held[stream] = topic == FileAttached.type_name
            removed_by = removed_by if held[stream] else position
    return Fate(tuple(stream for stream, there in held.items() if there), removed_by)


def sweep(book: Book, receipt: Receipt) -> None:
    """Let go what an act removed; repeated, it does nothing more."""
    for entry in book.entries(receipt.first, receipt.last):
        if isinstance(entry.event, FileRemoved) and book.log.file(entry.event.sha256):
            let_go(book, entry.event.sha256)


def let_go(book: Book, sha256: str) -> bool:
    """Let the bytes go if every folder has; tell whether they are gone."""
    if fate(book, sha256).folders:
        return False
    book.log.forget_file(sha256)
    return True
