"""Find a route of the API by the words of its path, at once.

The framework tries one pattern after another; with a route for every verb that took longer than
many an act. The routes themselves stay what they are: they are published, they know other
methods and whatever has no exact place here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api import problems

Endpoint = Callable[[Request], Awaitable[Response]]
Shape = tuple[tuple[int, ...], tuple[int, ...]]  # where words of the path are given, and where free


class Index(BaseRoute):
    """Routes whose endpoint takes the request and nothing else, by method and path."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._shapes: dict[int, list[Shape]] = {}
        self._found: dict[tuple[Any, ...], tuple[Endpoint, list[str]]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                self._add(route)

    def _add(self, route: APIRoute) -> None:
        words = route.path.split("/")
        free = tuple(n for n, word in enumerate(words) if word.startswith("{"))
        given = tuple(n for n in range(len(words)) if n not in free)
        shapes = self._shapes.setdefault(len(words), [])
        if (given, free) not in shapes:
            shapes.append((given, free))
        for method in route.methods or ():
            key = (method, len(words), given, *(words[n] for n in given))
            self._found.setdefault(key, (route.endpoint, [words[n][1:-1] for n in free]))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether exactly this method and path is known; below a prefix, let others look."""
        if scope["type"] == "http" and not scope.get("root_path"):
            words = scope["path"].split("/")
            for given, free in self._shapes.get(len(words), ()):
                key = (scope["method"], len(words), given, *(words[n] for n in given))
                found = self._found.get(key)
                if found is not None and all(words[n] for n in free):
                    endpoint, names = found
                    params = {name: words[n] for name, n in zip(names, free, strict=True)}
                    return Match.FULL, {"endpoint": endpoint, "path_params": params}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; whatever goes wrong is told as a problem document."""
        request = Request(scope, receive, send)
        answer = await guarded(scope["endpoint"], request)
        await answer(scope, receive, send)


async def guarded(endpoint: Endpoint, request: Request) -> Response:
    """Answer a request, with a problem document whoever raised it: the last door to the caller."""
    try:
        return await endpoint(request)
    except Exception as error:  # noqa: BLE001 - nothing may pass unanswered
        return await problems.handle(request, error)
