"""What was looked up a moment ago and need not be asked of the database again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

SECONDS = 1.0  # how long another process's change may stay unseen
MOST = 10_000
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers kept for a moment; what this process changes is forgotten at once."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, seconds: float = SECONDS
    ) -> None:
        self._clock, self._seconds = clock, seconds
        self._known: dict[K, tuple[float, V]] = {}
        self._changes = 0
        self._lock = threading.Lock()

    def get(self, key: K, look_up: Callable[[K], V]) -> V:
        """Return what is remembered, or look it up."""
        found = self._known.get(key)
        if found is not None and found[0] > self._clock():
            return found[1]
        before, until = self._changes, self._clock() + self._seconds
        value = look_up(key)
        with self._lock:
            if before == self._changes:  # else it may be what was true before the change
                if len(self._known) >= MOST:
                    self._known = {}
                self._known[key] = (until, value)
        return value

    def forget(self) -> None:
        """Look everything up again: something was changed here."""
        with self._lock:
            self._changes += 1
            self._known = {}
