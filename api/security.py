"""What every answer carries and every request must pass: headers, origin, size, a request id.

Plain ASGI: a wrapped `call_next` would print a stack trace whenever a phone drops the line.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

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
LOOKED_AT = frozenset(
    {b"x-request-id", b"sec-fetch-site", b"origin", b"host", b"content-length", b"content-encoding"}
)
# Readers pack their batches; there they are unpacked within bounds (api/readings_rest.py).
UNPACKED = frozenset({"/api/v1/observation-batches"})
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
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


def is_cross_origin(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Tell a request that another site made a browser send, by its headers as ASGI gives them.

    The algorithm of Go 1.25 `http.CrossOriginProtection`: Sec-Fetch-Site decides where a browser
    sends it; else Origin must name our host; a client that sends neither is no browser.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site", b"")
    if site:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin", b"")
    if not origin:
        return False
    host = headers.get(b"host", b"").decode("latin-1")
    return urlsplit(origin.decode("latin-1")).netloc.lower() != host.lower()


def problem(request: Request, status: int, sentence: str) -> Response:
    """Answer a program: a problem document (RFC 9457)."""
    slug = REFUSALS[status][0] if status in REFUSALS else "refused"
    return JSONResponse(
        {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": sentence},
        status,
        media_type="application/problem+json",
    )


class Gate:
    """Stands before everything: what each request and each answer must bear.

    A request gets a name, or keeps a well-formed one that a proxy gave; what another site made a
    browser send is refused (CSRF), and so is a body beyond the limit, announced or not, before
    anything reads it whole. An answer repeats the name and bears the headers of ASVS 3.4, over
    https also HSTS; what does not say how long it may be kept is kept by nobody, but for the files
    that ship. A mistake of ours is answered here: what the framework answers by itself bears none.

    It is one layer because every request pays for each, and all of them look at the same headers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool = False,
        bytes_max: int = BODY_BYTES_MAX,
        refuse: Refuse = problem,
    ) -> None:
        self.app, self.bytes_max, self.refuse = app, bytes_max, refuse
        wanted = HEADERS | ({"Strict-Transport-Security": HSTS} if https else {})
        self.wanted = [(k.lower().encode(), v.encode()) for k, v in wanted.items()]
        self.unkept = [*self.wanted, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Of a header that is there twice the first counts.
        asked = {k: v for k, v in reversed(list(scope["headers"])) if k in LOOKED_AT}
        name = asked.get(b"x-request-id", b"").decode("latin-1")
        if not WELL_FORMED.fullmatch(name):
            name = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = name
        wanted = self.wanted if scope["path"].startswith("/static/") else self.unkept
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                said = list(message.get("headers", ()))
                names = {each.lower() for each, _ in said}
                said += [header for header in wanted if header[0] not in names]
                if b"x-request-id" not in names:
                    said.append((b"x-request-id", name.encode()))
                message["headers"] = said
            await send(message)

        status, take = self._judged(scope, asked, receive)
        if status:
            request = Request(scope)
            answer = self.refuse(request, status, sentence(request, status))
            if status != 403:  # of the body nothing more is read
                answer.headers["Connection"] = "close"
            await answer(scope, receive, sent)
            return
        try:
            await self.app(scope, take, sent)
        except Exception as error:
            handlers = scope["app"].exception_handlers if "app" in scope else {}
            if begun or Exception not in handlers:
                raise
            answered = await handlers[Exception](Request(scope), error)
            await answered(scope, receive, sent)

    def _judged(
        self, scope: Scope, asked: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, Receive]:
        """Return the status a request is refused with, 0 for none, and what reads its body."""
        if is_cross_origin(scope["method"], asked):
            return 403, receive
        packed = asked.get(b"content-encoding", b"identity").lower() not in (b"", b"identity")
        if packed and scope["path"] not in UNPACKED:
            return 415, receive  # nobody here unpacks what a stranger packed
        larger = (most for start, most in LARGER.items() if scope["path"].startswith(start))
        bytes_max = next(larger, self.bytes_max)
        announced = asked.get(b"content-length")
        if announced is not None:
            # The server reads no more of a body than was announced.
            return 413 * (not announced.isdigit() or int(announced) > bytes_max), receive
        return 0, self._counted(scope, receive, bytes_max)

    def _counted(self, scope: Scope, receive: Receive, bytes_max: int) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > bytes_max:
                # Frameworks let this one class through their body parsers unchanged.
                raise HTTPException(413, sentence(Request(scope), 413))
            return message

        return counted


def sentence(request: Request, status: int) -> str:
    """Return what to say about a refusal made here, in the language of the request."""
    _, zh, en = REFUSALS[status]
    return zh if language_of(request) == "zh" else en


def protect(app: Any, *, https: bool = False, refuse: Refuse = problem) -> None:
    """Put it around a FastAPI application.

    A person who is refused here reads a page, a program a problem document.
    """
    from api.pages_trouble import error_page  # pages know us; we know only how theirs are drawn

    app.state.problem_page = error_page
    app.add_middleware(Gate, https=https, refuse=refuse)
