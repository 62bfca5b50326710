"""How often somebody may ask: so many a minute, as many of them at once as they like.

Each process counts for itself. Tokens have a limit of their own (`rest_caller.py`), wrong passwords
have theirs (`accounts.py`); here is what holds for people, and for addresses that did not sign in.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Final

from starlette.requests import Request

from api import problems
from domain.words import Words

KNOWN_MAX = 10_000  # addresses remembered; the one that was quiet longest is forgotten first


class Limiter:
    """A bucket of requests for each address or person, filled again evenly; of 0 there is no end.

    Threads may share it.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self.clock = per_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> int:
        """Take one request from an address; return 0, or after how many seconds to come again."""
        if self.per_minute <= 0:
            return 0
        now = self.clock()
        with self._lock:
            left, then = self._left.pop(address, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - then) * self.per_minute / 60)
            granted = left >= 1
            self._left[address] = (left - 1 if granted else left, now)
            if len(self._left) > KNOWN_MAX:
                self._left.popitem(last=False)
        return 0 if granted else max(1, ceil((1 - left) * 60 / self.per_minute))


# What leaves as a file with many rows, wherever it is asked for: a list, a journal, a bundle.
EXPORT: Final = re.compile(r"\.(csv|xlsx|beancount)$|/export$|/audit/bundle$|/bundles$")
CALLS: Final = Words(
    "请求过于频繁，请 {wait} 秒后再试；不用令牌时每人每分钟至多 {most} 次，程序请改用令牌。",
    "Too many requests: come again in {wait} seconds. Without a token each person may ask {most} times"
    " a minute; programs use a token.",
)
STRANGERS: Final = Words(
    "未登录的请求过于频繁，请 {wait} 秒后再试；同一地址每分钟至多 {most} 次。请登录或使用令牌。",
    "Too many requests without signing in: come again in {wait} seconds. An address may ask {most} times"
    " a minute; sign in, or use a token.",
)
EXPORTS: Final = Words(
    "导出过于频繁，请 {wait} 秒后再试；每人每分钟至多导出 {most} 次。",
    "Too many exports: come again in {wait} seconds. Each person may take {most} files a minute.",
)


class Limits:
    """The limits of one server: calls of the interface, and what is taken home from any door."""

    def __init__(self, calls: int, strangers: int, exports: int) -> None:
        """So many a minute: of a person without a token, of an address, of a person's files."""
        self.calls, self.strangers = Limiter(calls), Limiter(strangers)
        self.exports = Limiter(exports)

    def call(self, person: str) -> None:
        """Count a call of somebody without a token; raise Problem 429."""
        refuse_often(self.calls, person, CALLS)

    def stranger(self, address: str) -> None:
        """Count a call of nobody we know; raise Problem 429."""
        refuse_often(self.strangers, address, STRANGERS)

    def export(self, person: str, request: Request) -> None:
        """Count what is taken home, if the request is for that; raise Problem 429."""
        if EXPORT.search(request.scope["path"]) or "format" in request.query_params:
            refuse_often(self.exports, person, EXPORTS)


def refuse_often(limiter: Limiter, name: str, words: Words) -> None:
    """Count a request; raise Problem 429 that says when to come again."""
    wait = limiter.wait_seconds(name)
    if not wait:
        return
    asked = {"wait": wait, "most": limiter.per_minute}
    problem = problems.plain(
        429, Words(words.zh.format(**asked), words.en.format(**asked)), "too-often"
    )
    problem.headers["Retry-After"] = str(wait)
    raise problem
