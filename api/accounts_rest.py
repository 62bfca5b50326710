"""Log-ins for programs of administrators: the same acts as on the pages, and their log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import administering, problems, rest_openapi
from api.administering import AlreadyDone, Unfit, Unknown
from api.office import Actor, Office
from api.opening_log_ins import checked
from api.pages_accounts import DOING, KEEPERS, TYING, WATCHERS
from api.parameters import day, last, text
from api.rest_answers import LIMIT_OF, reply
from api.rest_caller import Callers, body_of, how, key_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.values import Given
from domain.words import Words
from projections import administration

TAG: Final = Words("账号管理", "Administration")
LOGIN: Final = {
    "name": "login",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "账号 · log-in",
}
NOT_YOURS: Final = Words(
    "只有系统管理员和安全管理员管理账号；管理日志另由审计管理员和审计查阅。",
    "System and security administrators keep log-ins; audit administrators and auditors read the"
    " log of administration.",
)
NO_LOG_IN: Final = Words("没有这个账号。", "There is no such log-in.")
UNFIT: Final = Words("不能这样办理", "It cannot be done like that")


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """What opening a log-in asks for."""

    login: str
    person: str
    name: str
    unit: str
    name_en: str = ""


class Called(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody is called elsewhere."""

    name: str


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The address says it all."""


class Reasoned(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is done to a log-in."""

    reason: Given


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""

    def listing(request: Request, actor: Actor) -> Response:
        only(actor, KEEPERS)
        Questions(request, ()).check()
        return reply(request, {"log_ins": administering.standings(office)})

    def log(request: Request, actor: Actor) -> Response:
        only(actor, WATCHERS)
        asked = Questions(request, ASKED)
        limit = asked.number("limit")
        wanted = {name: asked.text(name) for name in ("person", "act")}
        wanted |= {name: asked.day(name) for name in ("from", "to")}
        after = asked.text("after")
        asked.check()
        rows = office.rows(administration.listing(wanted, after=after or None, limit=limit + 1))
        shown = [dict(row) for row in rows[:limit]]
        more = shown[-1]["id"] if len(rows) > limit else None
        return reply(request, {"acts": shown, "after": more})

    def opening(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        said = msgspec.json.decode(body, type=Opening)
        with told():
            checked(office, said.login, said.person, said.name, said.unit)
            password = administering.open_log_in(
                office,
                actor,
                via,
                login=said.login,
                person=said.person,
                name=said.name,
                name_en=said.name_en,
                unit=said.unit,
            )
        return reply(request, {"login": said.login.casefold(), "one_time_password": password})

    def acting(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        login, act = request.path_params["login"], request.url.path.rpartition("/")[2]
        reason = msgspec.json.decode(body, type=Reasoned).reason
        with told():
            answer = DOING[act][0](office, actor, via, login, reason)
        more = {"one_time_password": answer} if isinstance(answer, str) else {}
        more |= {"sessions": answer} if isinstance(answer, int) else {}
        return reply(request, {"login": login, "done": act} | more)

    def tying(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        login, act = request.path_params["login"], request.url.path.rpartition("/")[2]
        name = msgspec.json.decode(body, type=Called).name
        with told():
            one = administering.named_there(office, TYING[act], name)
            waits = administering.tie(office, actor, via, login, one)
        done = {"done": act} if waits is None else {"done": "propose", "waiting": waits.id}
        return reply(request, {"login": login} | done)

    def confirming(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        login, id_ = request.path_params["login"], request.path_params["waiting"]
        msgspec.json.decode(body, type=Nothing)
        with told():
            administering.confirm_tie(office, actor, via, login, id_)
        return reply(request, {"login": login, "done": "confirm"})

    def declining(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        login, id_ = request.path_params["login"], request.path_params["waiting"]
        reason = msgspec.json.decode(body, type=Reasoned).reason
        with told():
            administering.decline_tie(office, actor, via, login, id_, reason)
        return reply(request, {"login": login, "done": "decline"})

    def revoking(request: Request, body: bytes) -> Response:
        actor, via = caller(request)
        login, id_ = request.path_params["login"], request.path_params["token"]
        reason = msgspec.json.decode(body, type=Reasoned).reason
        token = next((t for t in office.accounts.tokens.of(login) if t.id == id_), None)
        if token is None:
            raise problems.plain(404)
        with told():
            administering.revoke(office, actor, via, token, reason)
        return reply(request, {"token": id_, "done": "revoke"})

    def caller(request: Request) -> tuple[Actor, dict[str, str]]:
        actor = callers.actor(request)
        only(actor, KEEPERS)
        return actor, how(request) | {"key": key_of(request)}

    def posting(answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(answer, request, await body_of(request))

        return endpoint

    for path, answer, published in (
        ("/accounts", listing, rest_openapi.read("log_ins", "账号", "Log-ins", [], tag=TAG, troubles=(401, 403, 503))),
        ("/administration", log, rest_openapi.read("administration", "管理日志", "Log of administration", rest_openapi.asked(*ASKED), tag=TAG, troubles=(401, 403, 422, 503))),
    ):  # fmt: skip
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **published
        )
    text = {"type": "string"}
    whole = dict.fromkeys(("login", "person", "name", "name_en", "unit"), text)
    required = ["login", "person", "name", "unit"]
    body = {"type": "object", "properties": whole, "required": required}
    why = {"type": "object", "properties": {"reason": text}, "required": ["reason"]}
    called = {"type": "object", "properties": {"name": text}, "required": ["name"]}
    nothing: dict[str, Any] = {"type": "object", "properties": {}}
    waiting = LOGIN | {"name": "waiting", "description": "提名标识 · id of the proposal"}
    settle = "/accounts/{login}/identities/{waiting}"
    token = LOGIN | {"name": "token", "description": "令牌标识 · id of the token"}
    for path, endpoint, operation, words, asked_body, places in (
        ("/accounts", opening, "open_log_in", Words("开立账号", "Open a log-in"), body, []),
        *(
            (f"/accounts/{{login}}/{act}", acting, act.replace("-", "_"), SAID[act], why, [LOGIN])
            for act in DOING
        ),
        *(
            (f"/accounts/{{login}}/{act}", tying, act.replace("-", "_"), SAID[act], called, [LOGIN])
            for act in TYING
        ),
        (f"{settle}/confirm", confirming, "confirm_identity", Words("确认关联", "Confirm an identity"), nothing, [LOGIN, waiting]),
        (f"{settle}/decline", declining, "decline_identity", Words("不同意关联", "Decline an identity"), why, [LOGIN, waiting]),
        ("/accounts/{login}/tokens/{token}/revoke", revoking, "revoke_token", Words("撤销令牌", "Revoke a token"), why, [LOGIN, token]),
    ):  # fmt: skip
        routes.add_api_route(
            path,
            posting(endpoint),
            methods=["POST"],
            response_model=None,
            **rest_openapi.act(f"{operation}_of_log_in", words, asked_body, places, TAG),
        )


SAID: Final = {
    "close": Words("停用账号", "Close a log-in"),
    "reopen": Words("重新启用账号", "Open a log-in again"),
    "reset-password": Words("重设密码", "Reset a password"),
    "reset-factor": Words("解除第二因素", "Reset a second factor"),
    "end-sessions": Words("强制退出登录", "End sessions"),
    "tie-oidc": Words("关联统一身份", "Tie an identity of the provider"),
    "tie-ldap": Words("关联目录身份", "Tie an identity of the directory"),
    "untie-oidc": Words("解除统一身份", "Untie an identity of the provider"),
    "untie-ldap": Words("解除目录身份", "Untie an identity of the directory"),
}
ASKED: Final = (
    text("person", "人员标识 · person"),
    text("act", "办理，如 access.log_in_closed · act"),
    day("from", "自 · from"),
    day("to", "至 · to"),
    LIMIT_OF,
    last(),
)


def only(actor: Actor, roles: tuple[str, ...]) -> None:
    """Refuse a caller of another role; raise Problem 403."""
    if actor.role not in roles:
        raise problems.plain(403, NOT_YOURS, "not-administrator")


@contextmanager
def told() -> Iterator[None]:
    """Turn what cannot be into a problem document."""
    try:
        yield
    except Unknown:
        raise problems.plain(404, NO_LOG_IN, "no-such-log-in") from None
    except Unfit as why:
        raise problems.Problem(409, "log-in-unfit", UNFIT, why.words) from None
    except AlreadyDone:
        raise problems.Problem(409, "done-already", UNFIT, AlreadyDone.words) from None
