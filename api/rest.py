"""The programs' door under /api/v1: every verb, every list, every entry; nothing decided here.

Who calls says so by the session cookie of the pages or by HTTP Basic with a log-in. Tokens for
programs come later; until then a program has a log-in of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api import problems, rest_reading, rest_writing
from api.office import Office
from api.rest_caller import Callers

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ApiRoute(APIRoute):
    """A route whose troubles are answered as problem documents, whoever raised them."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        handle: Any = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                answer: Response = await handle(request)
            except Exception as error:  # noqa: BLE001 - the last door before the caller
                return await problems.handle(request, error)
            return answer

        return guarded


def router(office: Office) -> APIRouter:
    """Return every route of the API; include it before the pages."""
    routes = APIRouter(prefix="/api/v1", route_class=ApiRoute)
    callers = Callers(office)
    rest_reading.add(routes, office, callers)
    rest_writing.add(routes, office, callers)
    around = APIRouter(route_class=ApiRoute)
    around.include_router(routes)

    @around.api_route("/api/{path:path}", methods=METHODS, include_in_schema=False)
    def nothing(request: Request) -> Response:
        status = 405 if known_path(routes, request) else 404
        raise problems.plain(status)

    return around


def known_path(routes: APIRouter, request: Request) -> bool:
    """Tell whether a path is one of ours with another method."""
    return any(
        isinstance(route, APIRoute) and route.path_regex.match(request.url.path)
        for route in routes.routes
    )
