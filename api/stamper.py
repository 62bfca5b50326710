"""Fetch time stamps (RFC 3161) beside everything else: nobody waits for an authority."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Self, TypeAlias
from urllib.parse import urlsplit
from urllib.request import Request

from cryptography import x509

from api.notarising import opener
from ledger import stamping
from ledger.act import Unavailable
from ledger.book import Book
from ledger.notes import Checkpoint, Note, Unproven
from ledger.stamping import Stamp

logger = logging.getLogger(__name__)
SECONDS_MAX = 15.0  # an authority that takes longer is asked again later
AGAIN_SECONDS = 60.0
SIZE_MAX = 2**62
# What an authority is asked, and how: a query to its answer; raise Unproven when none comes.
Asked: TypeAlias = Callable[[bytes], bytes]
Told: TypeAlias = Callable[[int, Stamp | Unproven | Unavailable], None]


def over_http(url: str) -> Asked:
    """Return how an authority at an address is asked (RFC 3161 section 3.4)."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Unproven(f"时间戳机构地址无效：{url}", f"This is no address of an authority: {url}")
    open_ = opener().open

    def ask(query: bytes) -> bytes:
        request = Request(url, query, {"Content-Type": "application/timestamp-query"})
        try:
            with open_(request, timeout=SECONDS_MAX) as answer:
                raw: bytes = answer.read(stamping.STAMP_BYTES_MAX + 1)
        except (OSError, HTTPException, ValueError) as trouble:
            raise Unproven(
                f"时间戳机构没有答复：{trouble}。", f"The authority did not answer: {trouble}."
            ) from trouble
        if len(raw) > stamping.STAMP_BYTES_MAX:
            raise Unproven("时间戳机构的答复过大。", "The authority's answer is too large.")
        return raw

    return ask


class Stamper:
    """Stamps the newest checkpoint that has no stamp yet; what fails is tried again, never waited for.

    `told` hears of each stamp that was kept, and of each failure.
    """

    def __init__(
        self,
        book: Book,
        ask: Asked,
        roots: Sequence[x509.Certificate] = (),
        *,
        told: Told | None = None,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        stamping.library()
        self._book, self._ask, self._roots = book, ask, roots
        self._told, self._again_seconds = told, again_seconds
        self._signed, self._stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="stamper", daemon=True)

    @classmethod
    def of(cls, book: Book, url: str, trust: Path | None, told: Told | None = None) -> Self:
        """Return a stamper for an address, and the file of certificates its stamps need."""
        roots = stamping.trusted(trust) if trust is not None else []
        return cls(book, over_http(url), roots, told=told)

    def stamp(self) -> tuple[int, Stamp] | None:
        """Stamp the newest checkpoint; None when it has a good one, or there is no checkpoint.

        Raise Unproven when no usable answer came, and keep nothing.
        """
        rows = self._book.log.checkpoints(0, SIZE_MAX, 1)
        text = Note.parse(bytes(rows[0][1])).text if rows else ""
        size = Checkpoint.parse(text).size if rows else 0
        if not size:
            return None
        before = stamping.kept(self._book, size)
        if before is not None and not self._worse(before, text):
            return None
        query = stamping.asked(text)
        raw = self._ask(query.raw)
        stamp = stamping.judge(raw, text, self._roots, query.nonce)
        stamping.keep(self._book, text, raw, stamp)
        return size, stamp

    def _worse(self, kept: bytes, text: str) -> bool:
        """Tell whether a stamp that is kept had better be replaced."""
        return stamping.judge(kept, text, self._roots).worth == "bad"

    # Beside whoever signs -------------------------------------------------------------

    def start(self) -> None:
        """Work in a thread until `stop`."""
        self._thread.start()

    def wake(self) -> None:
        """Hear that something was signed; return at once."""
        self._signed.set()

    def stop(self) -> None:
        """End; an answer that is still awaited is not waited for."""
        self._stopped = True
        self._signed.set()

    def _run(self) -> None:
        failed = False
        while True:
            self._signed.wait(self._again_seconds if failed else None)
            self._signed.clear()
            if self._stopped:
                return
            failed = self._try()

    def _try(self) -> bool:
        """Stamp once; return whether that is to be tried again."""
        try:
            made = self.stamp()
        except (Unproven, Unavailable) as trouble:
            logger.warning("no time stamp: %s", trouble)
            if self._told is not None:
                self._told(0, trouble)
            return True
        if made is not None and self._told is not None:
            self._told(*made)
        return False
