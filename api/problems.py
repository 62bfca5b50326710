"""Say in one place what each trouble means to whoever asked: status, sentence, what can be done.

Problem documents follow RFC 9457. Pages and the command line use the same sentences.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import psycopg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import languages
from api.forms import Invalid, Malformed
from domain.decider import LIFECYCLES, UNKNOWN_VERB, Lang, Refused
from domain.words import Words, in_language
from ledger.act import Conflict, KeyReused, Unavailable
from ledger.book import NOT_THERE
from ledger.entry import TooLarge
from ledger.postgres import TROUBLE_BY_STATE
from ledger.sqlite import trouble_of
from projections.scope import BadCursor

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
log = logging.getLogger("gongwu")


class Problem(Exception):
    """A trouble as it is told: `members` may hold Words, which the reader's language decides."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: Words,
        detail: Words | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(slug)
        self.status, self.slug, self.title = status, slug, title
        self.detail = detail or title
        self.headers, self.members = dict(headers or {}), members

    def sentence(self, lang: Lang) -> str:
        """Return what is wrong and what can be done, in the reader's language."""
        return told(self.detail, lang)

    def document(self, lang: Lang, *, instance: str = "", request: str = "") -> dict[str, Any]:
        """Return the RFC 9457 document."""
        found: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": told(self.title, lang),
            "status": self.status,
            "detail": told(self.detail, lang),
            "slug": self.slug,
        }
        if instance:
            found["instance"] = instance
        if request:
            found["request"] = request
        return found | told(self.members, lang)


def told(value: Any, lang: Lang) -> Any:
    """Return a value with every Words in it said in one language."""
    match value:
        case Words():
            return in_language(value.zh, value.en, lang)
        case dict():
            return {k: told(v, lang) for k, v in value.items()}
        case list() | tuple():
            return [told(v, lang) for v in value]
        case _:
            return value


# What each trouble means --------------------------------------------------------

REFUSED = Words("现在不能办理", "This cannot be done now")
NOT_FOUND = Words("没有这条记录", "There is no such record")
INVALID = Words("填写的内容有误", "Some of what was given is wrong")
_HTTP: dict[int, tuple[str, Words, Words]] = {
    400: (
        "bad-request",
        Words("请求无法读懂", "The request cannot be read"),
        Words(
            "请求无法读懂，请检查后重发。", "The request cannot be read; check it and try again."
        ),
    ),
    401: (
        "not-signed-in",
        Words("尚未登录", "Not signed in"),
        Words(
            "请先登录，或在请求中附上账号与密码（HTTP Basic）。",
            "Sign in first, or send a log-in and password (HTTP Basic).",
        ),
    ),
    403: (
        "forbidden",
        Words("无权访问", "Not allowed"),
        Words("您的岗位无权访问此内容。", "Your role may not see or do this."),
    ),
    404: (
        "not-found",
        Words("没有这个地址", "There is nothing here"),
        Words(
            "没有这个地址；请检查拼写。", "There is nothing at this address; check its spelling."
        ),
    ),
    405: (
        "method-not-allowed",
        Words("此地址不支持这种请求方法", "This address does not take that method"),
        Words("此地址不支持这种请求方法。", "This address does not take that method."),
    ),
    413: (
        "too-large",
        Words("请求过大", "The request is too large"),
        Words("请求正文过大，请分批提交。", "The body is too large; send it in parts."),
    ),
    415: (
        "wrong-media-type",
        Words("不支持的内容类型", "This media type is not supported"),
        Words("请使用 Content-Type: application/json。", "Send Content-Type: application/json."),
    ),
    429: (
        "too-many-tries",
        Words("尝试次数过多", "Too many tries"),
        Words("尝试次数过多，请稍后再试。", "Too many tries; wait a little."),
    ),
    500: (
        "our-mistake",
        Words("系统出错", "Our mistake"),
        Words(
            "系统出错，已记入日志，本次未必完成；请用同一请求编号重试，或将请求号告知管理员。",
            "Something went wrong on our side and is in the log. Repeat it with the same"
            " idempotency key, or tell the administrator the request id.",
        ),
    ),
}


def plain(status: int, detail: Words | None = None, slug: str = "", **members: Any) -> Problem:
    """Return a problem that needs no more than its status says."""
    known = _HTTP.get(status, _HTTP[500 if status >= 500 else 400])
    headers = {"WWW-Authenticate": 'Basic realm="gongwu", charset="UTF-8"'} if status == 401 else {}
    return Problem(
        status, slug or known[0], known[1], detail or known[2], headers=headers, **members
    )


def of(error: BaseException) -> Problem:
    """Return what an exception means to whoever asked. The one mapping."""
    match error:
        case Problem():
            return error
        case Refused():
            return _refused(error)
        case Conflict():
            return _conflict(error)
        case KeyReused():
            return Problem(422, "key-reused", *KEY_REUSED)
        case Invalid():
            faults = [{"path": f.path, "detail": f.words} for f in error.faults]
            return Problem(422, "invalid", INVALID, _all_faults(error), errors=faults)
        case Malformed():
            return plain(400, error.words, "malformed-json")
        case msgspec.ValidationError():
            return Problem(422, "invalid", INVALID, errors=[])
        case TooLarge():
            return Problem(422, "entry-too-large", INVALID, ENTRY_TOO_LARGE)
        case BadCursor():
            return plain(400, BAD_CURSOR, "bad-cursor")
        case Unavailable():
            return _unavailable(error)
        case HTTPException():
            problem = plain(error.status_code)
            problem.headers |= dict(error.headers or {})
            return problem
        case _:
            if _has_nul(error):
                return Problem(422, "invalid", INVALID, NUL)
            trouble = database_trouble(error)
            return _unavailable(trouble) if trouble else plain(500)


def _has_nul(error: BaseException) -> bool:
    """Tell whether PostgreSQL was asked for a text with a NUL in it, which it does not know."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg.DataError) and "NUL" in str(cause):
            return True
        cause = cause.__cause__
    return False


def database_trouble(error: BaseException) -> Unavailable | None:
    """Return what the database's own words mean when a list or an account could not be read."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case Unavailable():
                return cause
            case psycopg.OperationalError() | psycopg.InterfaceError():
                return Unavailable(TROUBLE_BY_STATE.get(cause.sqlstate or "", "away"), error)
            case sqlite3.DatabaseError():
                kind = trouble_of(cause)
                return Unavailable(kind, error) if kind else None
        cause = cause.__cause__
    return None


KEY_REUSED = (
    Words("幂等键已用于另一请求", "This idempotency key belongs to another request"),
    Words(
        "这个 Idempotency-Key 已用于内容不同的请求；新的请求请换一个新键。",
        "This Idempotency-Key was used for a request with other content; give a new request a"
        " new key.",
    ),
)
ENTRY_TOO_LARGE = Words(
    "内容过长：一条记录最多 65,535 字节。长文请作为附件保存。",
    "Too long: an entry has at most 65,535 bytes. Keep long texts as attachments.",
)
NUL = Words(
    "内容含有无法显示的空字符（NUL），未作任何记录；请删去后重试。",
    "There is a NUL character in it, which no text has; nothing was recorded. Take it out.",
)
BAD_CURSOR = Words(
    "分页标记无效；请从第一页重新开始。",
    "This cursor is not one of ours; start from the first page.",
)
CONFLICT = Words("别人刚刚改过", "Somebody else changed it first")


def _refused(error: Refused) -> Problem:
    detail = Words(error.sentence("zh"), error.sentence("en"))
    if error.rule is UNKNOWN_VERB or error.rule is NOT_THERE:
        return Problem(404, error.rule.slug, NOT_FOUND, detail)
    members: dict[str, Any] = {"law": error.rule.law} if error.rule.law else {}
    if error.state is not None:
        members["stream"] = error.stream
        members["state"] = Words(error.state.describe("zh"), error.state.describe("en"))
        members["allowed"] = [{"verb": v.name, "title": v.words} for v in error.instead]
    return Problem(409, error.rule.slug, REFUSED, detail, **members)


def _conflict(error: Conflict) -> Problem:
    kind = LIFECYCLES[error.stream.split("/", 1)[0]].words
    detail = Words(
        f"{kind.zh} {error.stream} 在您查看之后已有变动：您看到的是第 {error.expected} 版，"
        f"现在是第 {error.current} 版。本次未记入任何内容；请重新查看后再办理。",
        f"{error.stream} has changed since you looked: you saw version {error.expected}, it is"
        f" now version {error.current}. Nothing was recorded; look again, then repeat.",
    )
    return Problem(
        409,
        "version-conflict",
        CONFLICT,
        detail,
        headers={"ETag": f'"{error.current}"'},
        stream=error.stream,
        expected=error.expected,
        current=error.current,
    )


def _unavailable(error: Unavailable) -> Problem:
    status = 507 if error.kind == "disk-full" else 503
    return Problem(
        status,
        f"database-{error.kind}",
        Words("账本暂时不能使用", "The ledger cannot be used now"),
        Words(error.sentence("zh"), error.sentence("en")),
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def _all_faults(error: Invalid) -> Words:
    zh = "；".join(f"{f.path}：{f.words.zh.rstrip('。')}" for f in error.faults[:20])
    en = "; ".join(f"{f.path}: {f.words.en.rstrip('.')}" for f in error.faults[:20])
    return Words(f"{zh}。", f"{en}.")


# How it is answered -------------------------------------------------------------


def language(accept: str, default: Lang = "zh") -> Lang:
    """Return the reader's language from an Accept-Language header; Chinese when we have none of it."""
    best: dict[str, float] = {}
    for part in accept.lower().split(",")[:20]:
        tag, _, rest = part.strip().partition(";")
        name, _, weight = rest.strip().partition("=")
        try:
            quality = float(weight) if name == "q" else 1.0
        except ValueError:
            quality = 0.0
        main = tag.split("-", 1)[0]
        if languages.known(main):
            best[main] = max(best.get(main, 0.0), quality)
    most = max(best.values(), default=0.0)
    wanted = [lang for lang, quality in best.items() if quality == most > 0]
    return cast(Lang, wanted[0]) if len(wanted) == 1 else default


def answer(request: Request, error: BaseException) -> Response:
    """Return the problem document for a request, in the language it asked for."""
    problem = of(error)
    lang = language(request.headers.get("accept-language", ""))
    document = problem.document(lang, instance=request.url.path, request=request_id(request))
    headers = problem.headers | {"Content-Language": lang, "X-Request-ID": request_id(request)}
    headers |= {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(msgspec.json.encode(document), problem.status, headers, media_type=MEDIA_TYPE)


def request_id(request: Request) -> str:
    """Return the id of a request: the caller's own when it is a sane one, else a fresh one."""
    known = getattr(request.state, "request_id", "")
    if not known:
        given = request.headers.get("x-request-id", "")
        sane = 0 < len(given) <= 80 and given.isascii() and given.replace("-", "").isalnum()
        known = request.state.request_id = given if sane else secrets.token_hex(8)
    return str(known)


async def handle(request: Request, error: Exception) -> Response:
    """Answer an exception; a mistake of ours goes to the log with its stack, never to the reader."""
    problem = of(error)
    if problem.status == 500:
        log.error("request %s failed", request_id(request), exc_info=error)
    elif problem.status > 500:
        log.warning("request %s: %s", request_id(request), error)
    return shown(request, problem)


def refuse(request: Request, status: int, sentence: str) -> Response:
    """Answer what was refused before any route saw it (size, origin), in the same shape."""
    return shown(request, plain(status, Words(sentence, sentence)))


def shown(request: Request, problem: Problem) -> Response:
    """Answer a program with a document, a person with a page where the pages offer one.

    Pages register theirs as `app.state.problem_page(request, problem) -> Response`.
    """
    page = getattr(request.app.state, "problem_page", None) if "app" in request.scope else None
    for_program = request.url.path.startswith("/api/")
    if page is None or for_program or "text/html" not in request.headers.get("accept", ""):
        return answer(request, problem)
    found: Response = page(request, problem)
    return found


def install(app: Starlette) -> None:
    """Give an application this one mapping for everything that its routes raise."""
    known = (
        Problem,
        Refused,
        Conflict,
        KeyReused,
        Invalid,
        Malformed,
        msgspec.ValidationError,
        TooLarge,
        BadCursor,
        Unavailable,
        HTTPException,
        Exception,
    )
    for error in known:
        app.add_exception_handler(error, handle)
