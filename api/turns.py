"""Who writes next: threads of one process take turns in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.act import Unavailable

PATIENCE_SECONDS = 10.0  # as long as a writer waits for another program


class Turns:
    """A lock that goes to whoever waited longest.

    SQLite lets the second of two writers sleep and look again; by then a third may have come.
    """

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn and have it; raise Unavailable when it does not come."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    def _take(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=self._patience):
            return
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise Unavailable("locked")
        # It was passed to us at the last moment.

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
