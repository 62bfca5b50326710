"""Tell whoever follows the log that it has grown: a server says so itself, a file is looked at.

Followers hear a size of the log and read what is new when it suits them; what they hear is never
less than what is committed, and a word that was lost is made up for by looking.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TypeAlias

import psycopg

from ledger.act import Unavailable
from ledger.book import Book
from ledger.postgres import CHANNEL, EARS

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.1  # how often a file is looked at while somebody follows it
QUIET_SECONDS = 5.0  # after which a server is asked, should a word of it be lost
AWAY_SECONDS = 1.0  # after which a database that was away is tried again
GATHER_SECONDS = 0.05  # in which nothing is heard: many acts then cost one word
LEAVE_SECONDS = 10.0
Heard: TypeAlias = Callable[[int], object]


class Tail:
    """The followers of one book, and the thread that tells them. It starts with the first."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._size = 0
        self._followers: dict[object, Heard] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._nudged = threading.Event()
        self._ears, self._mouth = socket.socketpair()
        self._closing = False
        self._leaving = threading.Event()

    def follow(self, heard: Heard) -> Callable[[], None]:
        """Have `heard` called whenever the log has grown, on a thread of ours; return how to stop.

        It must not wait for anything.
        """
        mark = object()
        with self._guard:
            self._followers[mark] = heard
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._work, name="tail", daemon=True)
                self._thread.start()
        self.nudge()

        def leave() -> None:
            with self._guard:
                self._followers.pop(mark, None)

        return leave

    def nudge(self) -> None:
        """Have the log looked at now: this process wrote to it."""
        self._nudged.set()

    def close(self) -> None:
        """Let the thread go."""
        with self._guard:
            if self._closing:
                return
            self._closing = True
        self._leaving.set()
        self._nudged.set()
        self._mouth.send(b"x")
        if self._thread is not None:
            self._thread.join(LEAVE_SECONDS)
        self._ears.close()
        self._mouth.close()

    def _work(self) -> None:
        listen = self._look if self._book.url.startswith("sqlite:") else self._listen
        while not self._closing:
            try:
                listen()
            except (Unavailable, psycopg.Error) as trouble:
                logger.warning("the log cannot be followed for a moment: %s", trouble)
                self._nudged.clear()
                self._nudged.wait(AWAY_SECONDS)

    def _tell(self) -> None:
        """Tell all followers how long the log is, when it has grown."""
        size = self._book.log.head()[0]
        if size == self._size:
            return
        self._size = size
        with self._guard:
            followers = list(self._followers.values())
        for heard in followers:
            with suppress(RuntimeError):  # a loop that has ended meanwhile
                heard(size)

    def _look(self) -> None:
        """Look at a file: at once when this process wrote, soon when another did."""
        while not self._closing:
            self._tell()
            self._nudged.wait(LOOK_SECONDS if self._followers else None)
            self._nudged.clear()

    def _listen(self) -> None:
        """Hear from a server that an act was committed (LISTEN), by whichever process.

        Who writes says so only while somebody holds `EARS`. They are held before the log is looked
        at, so that no act falls between the two.
        """
        with (
            closing(psycopg.connect(self._book.url, autocommit=True)) as server,
            selectors.DefaultSelector() as ready,
        ):
            # What is said is that there is more; how much, the log says.
            server.add_notify_handler(lambda _: None)
            server.execute(f"LISTEN {CHANNEL}".encode())
            ready.register(server.fileno(), selectors.EVENT_READ)
            ready.register(self._ears, selectors.EVENT_READ)
            while not self._closing:
                server.execute(f"SELECT pg_advisory_lock_shared({EARS})".encode())
                self._tell()
                ready.select(QUIET_SECONDS)
                server.execute(f"SELECT pg_advisory_unlock_shared({EARS})".encode())
                self._leaving.wait(GATHER_SECONDS)
