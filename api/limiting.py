"""How often one address may ask what is open to anybody: so many a minute, and a few at once more."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

KNOWN_MAX = 10_000  # addresses remembered; the one that was quiet longest is forgotten first


class Limiter:
    """A bucket of requests for each address, filled again evenly. Threads may share it."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self.clock = per_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> int:
        """Take one request from an address; return 0, or after how many seconds to come again."""
        now = self.clock()
        with self._lock:
            left, then = self._left.pop(address, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - then) * self.per_minute / 60)
            granted = left >= 1
            self._left[address] = (left - 1 if granted else left, now)
            if len(self._left) > KNOWN_MAX:
                self._left.popitem(last=False)
        return 0 if granted else max(1, ceil((1 - left) * 60 / self.per_minute))
