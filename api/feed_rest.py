"""The event feed as a route: an empty answer may be waited for, and nobody else waits with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_openapi
from api.feeding import LIMIT, LIMIT_MAX, BeyondTheLog, Feed, Follower, Part, told
from api.office import Office
from api.parameters import POSITION_MAX, number, several
from api.rest_answers import link, reply
from api.rest_caller import Callers
from api.rest_questions import Questions
from domain.decider import LIFECYCLES
from domain.words import Words

WAIT_MAX = 60  # seconds
TAG = Words("对外事件流", "Event feed")
ASKED = (
    number(
        "after",
        "上次回答的 next；0 为从头 · the `next` of the last answer, 0 from the beginning",
        0,
        POSITION_MAX,
        0,
    ),
    number("limit", "至多几项 · how many at most", 1, LIMIT_MAX, LIMIT),
    several(
        "kinds", "只要这些种类，逗号分隔 · only these kinds of stream, with commas", LIFECYCLES
    ),
    number(
        "wait", "没有新条目时等多少秒 · how many seconds to wait for something new", 0, WAIT_MAX, 0
    ),
)
BEYOND = Words(
    "after 大于账本现有的条数：这不是您上次读的那本账，或它恢复自较早的备份。请核对后从正确的位置重新开始。",
    "`after` lies beyond the end of the log: this is not the ledger you read before, or it was"
    " restored from an older backup. Find out which, and begin again from where both agree.",
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the feed to the routes."""
    feed = Feed(office)

    def read(request: Request) -> tuple[int, int, float, Follower]:
        actor = callers.actor(request)
        asked = Questions(request, ASKED)
        after = asked.number("after")
        limit = asked.number("limit")
        wait = asked.number("wait")
        kinds = asked.several("kinds")
        asked.check()
        return after, limit, float(wait), Follower(actor, kinds)

    async def endpoint(request: Request) -> Response:
        after, limit, wait, whom = await run_in_threadpool(read, request)

        async def look(position: int) -> Part:
            return await run_in_threadpool(feed.after, position, whom, limit)

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
