"""Troubles as pages: what happened and what to do, even when the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import problems, security
from api.pages_draw import TEMPLATES

log = logging.getLogger("gongwu.pages")
SESSIONS = (
    "session",
    "__Host-session",
)  # who has one finds the way on, whether it still holds or not


class SignIn(Exception):
    """Nobody is signed in; the page is asked for again afterwards."""


class Forbidden(Exception):
    """The role may not open this page."""


class Instead(Exception):
    """Something else comes first: `answer` leads there."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class PageRoute(APIRoute):
    """A route whose troubles are answered as pages."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except Instead as instead:
                return instead.answer
            except SignIn:
                return to_sign_in(request)
            except RequestValidationError:  # an address of another form than ours
                return trouble(request, HTTPException(404))
            except Forbidden:
                return trouble(request, HTTPException(403))
            except Exception as error:  # noqa: BLE001 - the last door before the reader
                return trouble(request, error)

        return guarded


def to_sign_in(request: Request) -> Response:
    """Ask to sign in; a part of a page asks its whole page to go there."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = "/login" if request.method != "GET" else f"/login?next={quote(back, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


def trouble(request: Request, error: BaseException) -> Response:
    """Answer a trouble with a page that says what happened and what to do."""
    problem = problems.of(error)
    if problem.status == 500:
        log.error("request %s failed", problems.request_id(request), exc_info=error)
    return error_page(request, problem)


def error_page(request: Request, problem: problems.Problem) -> Response:
    """Draw the page of a problem. Needs no database: it may be the one that is away.

    Only who may not open a page is shown the menu, and the roles to change to as it says.
    """
    page = getattr(request.state, "page", None)
    if page is not None and problem.status == HTTPStatus.FORBIDDEN:
        number = problems.request_id(request)
        values = {"problem": problem, "request_id": number, "known": True}
        answer: Response = page.render("error.html", problem.status, **values)
        answer.headers.update(problem.headers)
        return answer
    lang = security.language_of(request)
    text = TEMPLATES.get_template("error.html").render(
        lang=lang,
        theme=request.cookies.get("theme", "light"),
        text_size=request.cookies.get("size", "100"),
        path=request.url.path,
        page=None,
        known=problem.status < 500 and any(c in request.cookies for c in SESSIONS),
        problem=problem,
        request_id=problems.request_id(request),
    )
    return HTMLResponse(text, problem.status, problem.headers)
