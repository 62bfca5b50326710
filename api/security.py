"""What every answer carries and every request must pass: headers, origin, size, a request id.

Plain ASGI: a wrapped `call_next` would print a stack trace whenever a phone drops the line.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import languages, problems
from domain.decider import Lang
from domain.filing import FILE_BYTES_MAX

BODY_BYTES_MAX = 1 << 20
SHEET_BYTES_MAX = 64 * 2**20  # of cards: a hundred thousand as CSV, in English, are 25 million
# Uploads, and what a form adds to one.
LARGER = {
    "/files/": FILE_BYTES_MAX + (1 << 16),
    "/api/v1/attachments/": FILE_BYTES_MAX,
    "/imports": SHEET_BYTES_MAX + (1 << 16),
    "/api/v1/imports": SHEET_BYTES_MAX,
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
CSP = "; ".join(POLICY)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"
REFUSALS = {
    415: (
        "packed-body",
        "不接收压缩过的请求正文（Content-Encoding），未作任何记录；请不压缩发送。",
        "A packed body (Content-Encoding) is not taken; nothing was recorded. Send it unpacked.",
    ),
    403: (
        "cross-origin",
        "请求来自其他网站，已拒绝；请从本系统页面重新操作。",
        "The request came from another site and was refused. Start again from a page of this one.",
    ),
    413: (
        "too-large",
        "提交的内容超过 1 MiB（附件 20 MiB），未作任何记录；请减少内容或分批提交。",
        "Larger than 1 MiB (20 MiB for an attachment); nothing was recorded. Send less, or in parts.",
    ),
}
Refuse = Callable[[Request, int, str], Response]  # status and sentence to an answer


def language_of(request: Request) -> Lang:
    """Return a language we have: the address says first, then the cookie, the browser; else zh."""
    for said in (request.query_params.get("lang"), request.cookies.get("lang")):
        if said and languages.known(said):
            return cast(Lang, said)
    return problems.language(request.headers.get("accept-language", ""))


def is_cross_origin(method: str, headers: Headers) -> bool:
    """Tell a request that another site made a browser send.

    The algorithm of Go 1.25 `http.CrossOriginProtection`: Sec-Fetch-Site decides where a browser
    sends it; else Origin must name our host; a client that sends neither is no browser.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = headers.get("origin", "")
    if not origin:
        return False
    return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def problem(request: Request, status: int, sentence: str) -> Response:
    """Answer a program: a problem document (RFC 9457)."""
    slug = REFUSALS[status][0] if status in REFUSALS else "refused"
    return JSONResponse(
        {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": sentence},
        status,
        media_type="application/problem+json",
    )


class SecurityHeaders:
    """Give every answer the headers of ASVS 3.4; over https also HSTS.

    What does not say how long it may be kept is kept by nobody, but for the files that ship.
    """

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self.app = app
        wanted = HEADERS | ({"Strict-Transport-Security": HSTS} if https else {})
        self.wanted = [(k.lower().encode(), v.encode()) for k, v in wanted.items()]
        self.unkept = [*self.wanted, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = self.wanted if scope["path"].startswith("/static/") else self.unkept

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = list(message.get("headers", ()))
                names = {name.lower() for name, _ in said}
                message["headers"] = said + [h for h in wanted if h[0] not in names]
            await send(message)

        await self.app(scope, receive, sent)


class RequestId:
    """Name every request; keep a well-formed name that a proxy gave. Answers repeat it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = name

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        await self.app(scope, receive, sent)


class LastDoor:
    """Answer a mistake of ours here: what the framework answers by itself bears no headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = scope["type"] != "http"

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception as error:
            handlers = scope["app"].exception_handlers if "app" in scope else {}
            if begun or Exception not in handlers:
                raise
            answer = await handlers[Exception](Request(scope), error)
            await answer(scope, receive, send)


class CrossOrigin:
    """Refuse unsafe requests that another site made a browser send (CSRF)."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse = problem) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_cross_origin(scope["method"], Headers(scope=scope)):
            request = Request(scope)
            await self.refuse(request, 403, sentence(request, 403))(scope, receive, send)
            return
        await self.app(scope, receive, send)


class BodyLimit:
    """Refuse bodies beyond a limit, announced or not, before anything reads them whole.

    Packed ones too: nobody here unpacks what a stranger packed.
    """

    def __init__(
        self, app: ASGIApp, *, bytes_max: int = BODY_BYTES_MAX, refuse: Refuse = problem
    ) -> None:
        self.app, self.bytes_max, self.refuse = app, bytes_max, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            answer = self.refuse(request, 415, sentence(request, 415))
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        announced = request.headers.get("content-length", "0")
        larger = (most for start, most in LARGER.items() if scope["path"].startswith(start))
        bytes_max = next(larger, self.bytes_max)
        if not announced.isdecimal() or int(announced) > bytes_max:
            answer = self.refuse(request, 413, sentence(request, 413))
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > bytes_max:
                # Frameworks let this one class through their body parsers unchanged.
                raise HTTPException(413, sentence(request, 413))
            return message

        await self.app(scope, counted, send)


def sentence(request: Request, status: int) -> str:
    """Return what to say about a refusal made here, in the language of the request."""
    _, zh, en = REFUSALS[status]
    return zh if language_of(request) == "zh" else en


def protect(app: Any, *, https: bool = False, refuse: Refuse = problem) -> None:
    """Put all of it around a FastAPI application, outermost first: id, headers, origin, size.

    A person who is refused here reads a page, a program a problem document.
    """
    from api.pages_trouble import error_page  # pages know us; we know only how theirs are drawn

    app.state.problem_page = error_page
    app.add_middleware(LastDoor)
    app.add_middleware(BodyLimit, refuse=refuse)
    app.add_middleware(CrossOrigin, refuse=refuse)
    app.add_middleware(SecurityHeaders, https=https)
    app.add_middleware(RequestId)
