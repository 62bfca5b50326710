"""The event feed for other systems (T117): what was recorded, in order, each once, by a cursor.

The cursor is the position up to which the log was looked at: what a reader may not see is passed
over and still counted, so that nobody looks at it again. An empty answer may be waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_openapi
from api.office import Actor, Office
from api.rest_answers import link, reply
from api.rest_caller import Callers
from api.rest_questions import Questions
from domain.decider import LIFECYCLES
from domain.words import Role, Words
from ledger import tree
from ledger.act import Row
from projections import seen
from projections.scope import Scope

LIMIT, LIMIT_MAX = 100, 1_000
LOOKED_MAX = 10_000  # entries looked at for one answer, when few of them are for this reader
BYTES_MAX = 4 << 20  # of one answer; a single entry is always given
WAIT_MAX = 60  # seconds
OF_READS: Final = "audit"  # who looked at what: for auditors and administrators
TAG = Words("对外事件流", "Event feed")
ASKED = (
    ("after", "上次回答的 next；0 为从头 · the `next` of the last answer, 0 from the beginning"),
    ("limit", f"1–{LIMIT_MAX}"),
    ("kinds", "只要这些种类，逗号分隔 · only these kinds of stream, with commas"),
    ("wait", f"没有新条目时等多少秒，0–{WAIT_MAX} · how many seconds to wait for something new"),
)
BEYOND = Words(
    "after 大于账本现有的条数：这不是您上次读的那本账，或它恢复自较早的备份。请核对后从正确的位置重新开始。",
    "`after` lies beyond the end of the log: this is not the ledger you read before, or it was"
    " restored from an older backup. Find out which, and begin again from where both agree.",
)


class Sight(msgspec.Struct, frozen=True):
    """What somebody who follows the log is given of it."""

    scope: Scope
    reads: bool = False  # also who looked at what
    kinds: frozenset[str] = frozenset()  # none: all

    @classmethod
    def of(cls, actor: Actor, kinds: Collection[str] = ()) -> Sight:
        """Return what an actor may follow."""
        reads = actor.role in (Role.AUDITOR, Role.ADMIN)
        return cls(actor.scope, reads, frozenset(kinds))


class Part(msgspec.Struct, frozen=True):
    """A part of the feed: entries as they are stored, and the position to go on from."""

    rows: list[Row]
    next: int
    size: int  # of the log when it was looked at

    @property
    def more(self) -> bool:
        return self.next < self.size


class BeyondTheLog(Exception):
    """The log has never been as long as somebody read it."""


class Feed:
    """The log of one office as others may follow it."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def after(self, position: int, sight: Sight, limit: int = LIMIT) -> Part:
        """Return what follows a position, in order; raise BeyondTheLog."""
        size = self.office.book.log.head()[0]
        if position > size:
            raise BeyondTheLog
        rows, length, reached = list[Row](), 0, position
        end = min(size, position + max(LOOKED_MAX, limit))
        for page in self.office.book.log.rows(position + 1, end, limit):
            for row, given in zip(page, self._given(page, sight), strict=True):
                if given:
                    length += len(row[4])
                    if rows and (len(rows) == limit or length > BYTES_MAX):
                        return Part(rows, reached, size)
                    rows.append(row)
                reached = row[0]
        return Part(rows, reached, size)

    def _given(self, page: Sequence[Row], sight: Sight) -> list[bool]:
        wanted = [self._wanted(row[1].partition("/")[0], sight) for row in page]
        if sight.scope.units is None:
            return wanted
        streams = {row[1] for row, is_wanted in zip(page, wanted, strict=True) if is_wanted}
        known = seen.visible(self.office.rows, sight.scope, streams)
        return [is_ and row[1] in known for row, is_ in zip(page, wanted, strict=True)]

    def _wanted(self, kind: str, sight: Sight) -> bool:
        if kind == OF_READS and not sight.reads:
            return False
        return not sight.kinds or kind in sight.kinds


def told(row: Row) -> dict[str, Any]:
    """Return an entry as the feed gives it: its exact content, and its leaf in the tree."""
    state = bytes(row[4])
    return {"position": row[0], "leaf": tree.leaf(state).hex(), "entry": msgspec.Raw(state)}


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the feed to the routes."""
    feed = Feed(office)

    def read(request: Request) -> tuple[int, int, float, Sight]:
        actor = callers.actor(request)
        asked = Questions(request, dict(ASKED))
        after = asked.number("after", 0, 0, 10**12 - 1)
        limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
        wait = asked.number("wait", 0, 0, WAIT_MAX)
        kinds = kinds_of(asked.text("kinds"))
        for kind in sorted(kinds - LIFECYCLES.keys()):
            asked.fault("kinds", f"没有这个种类：{kind}", f"There is no kind {kind}")
        asked.check()
        return after, limit, float(wait), Sight.of(actor, kinds)

    async def endpoint(request: Request) -> Response:
        after, limit, wait, sight = await run_in_threadpool(read, request)

        async def look(position: int) -> Part:
            return await run_in_threadpool(feed.after, position, sight, limit)

        try:
            part = await (awaited(office, request, look, after, wait) if wait else look(after))
        except BeyondTheLog:
            raise problems.Problem(409, "beyond-the-log", BEYOND) from None
        answer = {
            "items": [told(row) for row in part.rows],
            "next": str(part.next),
            "more": part.more,
            "size": part.size,
        }
        return reply(request, answer, link(request, part.next if part.more else None))

    routes.add_api_route(
        "/feed",
        endpoint,
        methods=["GET"],
        response_model=None,
        **rest_openapi.read("feed", "事件流：按账本顺序、从位置 after 之后", "Entries in the order of the log, after a position", rest_openapi.asked(*ASKED), tag=TAG, troubles=(401, 403, 409, 422, 503)),
    )  # fmt: skip


def kinds_of(text: str) -> frozenset[str]:
    """Return the kinds that a text names, with commas."""
    return frozenset(kind for word in text.split(",") if (kind := word.strip()))


async def awaited(
    office: Office,
    request: Request,
    look: Callable[[int], Awaitable[Part]],
    after: int,
    seconds: float,
) -> Part:
    """Return what follows a position as soon as there is something, or what there is in the end.

    Nobody else waits meanwhile: no thread is held, and a caller who has gone is let go.
    """
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    leave = office.tail.follow(lambda _: loop.call_soon_threadsafe(news.set))
    gone = asyncio.create_task(_gone(request, news))
    try:
        until = time.monotonic() + seconds
        while True:
            news.clear()
            part = await look(after)
            left = until - time.monotonic()
            if part.rows or part.more or left <= 0 or gone.done():
                return part
            after = part.next
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), left)
    finally:
        leave()
        gone.cancel()


async def _gone(request: Request, news: asyncio.Event) -> None:
    """Wait until the caller has gone, which is news too."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    news.set()
