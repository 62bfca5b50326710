"""What every request leaves behind for whoever runs the machine: counts, times, a line in the log.

Neither says anything of anybody: a request is its route's template, its status and its time, never
its address, its questions or its form. Who asked is a mark that holds within one process.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("gongwu.access")
# Seconds up to which answers are counted; the last one is without end.
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNKNOWN: Final = "unknown"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_salt: Final = os.urandom(16)  # gone with the process: nobody works out later who it was


class Tally:
    """How many requests were answered, how, and in what time. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: dict[tuple[str, str, int], int] = {}
        self._times: dict[tuple[str, str], list[float]] = {}  # counts by bound, then the sum
        self.under_way = 0

    def take(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        place = bisect_left(BOUNDS, seconds)
        with self._lock:
            key = route, method, status
            self._answered[key] = self._answered.get(key, 0) + 1
            times = self._times.setdefault((route, method), [0.0] * (len(BOUNDS) + 2))
            times[place] += 1
            times[-1] += seconds

    def answered(self) -> Mapping[tuple[str, str, int], int]:
        """Return how many answers there were by route, method and status."""
        with self._lock:
            return dict(self._answered)

    def times(self) -> Mapping[tuple[str, str], list[float]]:
        """Return by route and method: answers by bound, those beyond all, and the sum of seconds."""
        with self._lock:
            return {key: list(times) for key, times in self._times.items()}


class Observed:
    """Count every request and write its line; stands around everything else."""

    def __init__(self, app: ASGIApp, *, tally: Tally) -> None:
        self.app, self.tally = app, tally
        self._templates: dict[Any, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.tally.under_way += 1  # on the one loop of the server
        try:
            await self.app(scope, receive, sent)
        finally:
            self.tally.under_way -= 1
            seconds = time.perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            route = self._route(scope)
            self.tally.take(route, method, status, seconds)
            if logger.isEnabledFor(logging.INFO):
                _line(scope, route, method, status, seconds)

    def _route(self, scope: Scope) -> str:
        """Return the template of the address, so that no id becomes a name of its own."""
        route = getattr(scope.get("route"), "path", None)
        if route:
            return UNKNOWN if route.endswith("/{path:path}") else str(route)
        if scope.get("root_path"):
            return f"{scope['root_path']}/…"  # a folder of files
        if self._templates is None:
            self._templates = dict(_templates(scope["app"])) if "app" in scope else {}
        return self._templates.get(scope.get("endpoint"), UNKNOWN)


def _templates(router: Any) -> Iterator[tuple[Any, str]]:
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from _templates(route.original_router)
        elif hasattr(route, "endpoint"):
            yield route.endpoint, route.path


def _line(scope: Scope, route: str, method: str, status: int, seconds: float) -> None:
    state = scope.get("state", {})
    said = {
        "request": state.get("request_id", ""),
        "route": route,
        "method": method,
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    if (actor := state.get("actor")) is not None:
        said |= {"actor": mark(actor.person), "role": actor.role}
    logger.info("answered", extra={"said": said})


def mark(person: str) -> str:
    """Return what tells the requests of one person from another's, within this process alone."""
    return hashlib.blake2s(person.encode(), key=_salt, digest_size=6).hexdigest()
