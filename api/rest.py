"""The programs' door under /api/v1: every verb, every list, every entry; nothing decided here.

Who calls says so by a token (Authorization: Bearer), by the session cookie of the pages, or by
HTTP Basic with a log-in that needs no second factor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api import (
    accounts_rest,
    audit_rest,
    banking_rest,
    booking_rest,
    certifying_rest,
    depreciating_rest,
    epcis_rest,
    feed_rest,
    filing_rest,
    idle_rest,
    import_rest,
    matching_rest,
    papers_rest,
    problems,
    readings_rest,
    rest_bundles,
    rest_log,
    rest_reading,
    rest_writing,
    reuse_rest,
    seeking_rest,
    sending_rest,
    stocktakes_rest,
    vouchers_rest,
    ways_rest,
    webhooks_rest,
)
from api.office import Office
from api.rest_caller import Callers
from api.rest_index import Index, guarded

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ApiRoute(APIRoute):
    """A route whose troubles are answered as problem documents, whoever raised them."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        handle: Any = super().get_route_handler()

        async def told(request: Request) -> Response:
            return await guarded(handle, request)

        return told


def install(app: FastAPI, office: Office) -> None:
    """Put every route of the API in front of what an application has; add the pages after it."""
    routes = APIRouter(prefix="/api/v1", route_class=ApiRoute)
    callers = Callers(office)
    rest_reading.add(routes, office, callers)
    rest_writing.add(routes, office, callers)
    accounts_rest.add(routes, office, callers)
    papers_rest.add(routes, office, callers)
    filing_rest.add(routes, office, callers)
    stocktakes_rest.add(routes, office, callers)
    ways_rest.add(routes, office, callers)
    certifying_rest.add(routes, office, callers)
    reuse_rest.add(routes, office, callers)
    booking_rest.add(routes, office, callers)
    sending_rest.add(routes, office, callers)
    import_rest.add(routes, office, callers)
    depreciating_rest.add(routes, office, callers)
    idle_rest.add(routes, office, callers)
    seeking_rest.add(routes, office, callers)
    matching_rest.add(routes, office, callers)
    vouchers_rest.add(routes, office, callers)
    banking_rest.add(routes, office, callers)
    readings_rest.add(routes, office, callers)
    feed_rest.add(routes, office, callers)
    webhooks_rest.add(routes, office, callers)
    auditing = APIRouter(prefix="/audit/v1", route_class=ApiRoute)
    audit_rest.add(auditing, office, callers)
    rest_bundles.add(auditing, office, callers)
    rest_log.add(auditing, office, callers)
    foreign = APIRouter(prefix="/epcis", route_class=ApiRoute)
    epcis_rest.add(foreign, office, callers)
    around = APIRouter(route_class=ApiRoute)

    @around.api_route("/api/{path:path}", methods=METHODS, include_in_schema=False)
    @around.api_route("/audit/v1/{path:path}", methods=METHODS, include_in_schema=False)
    def nothing(request: Request) -> Response:
        known = known_path(routes, request) or known_path(auditing, request)
        raise problems.plain(405 if known else 404)

    ours = [*routes.routes, *auditing.routes, *foreign.routes]
    # Not included, which makes each route a second time and took half of what a start takes.
    app.router.routes[:] = [Index(ours), *app.router.routes, *ours, *around.routes]


def known_path(routes: APIRouter, request: Request) -> bool:
    """Tell whether a path is one of ours with another method."""
    return any(
        isinstance(route, APIRoute) and route.path_regex.match(request.url.path)
        for route in routes.routes
    )
