"""Webhooks for administrators' programs: subscribe, try, pause, see what was delivered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import administering, problems, rest_openapi
from api.forms import Fault, Invalid, Malformed
from api.office import Actor, Office
from api.rest_answers import reply
from api.rest_caller import Callers, body_of, check_id, how, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.webhooks import Delivery, Hook, NoSuch, Wrong
from domain.decider import Lang
from domain.words import Role, Words

TAG = Words("推送", "Webhooks")
STEPS: Final = ("test", "pause", "resume", "end")
NOT_THERE = Words("没有这个推送订阅。", "There is no such subscription.")
READERS: Final = (Role.ADMIN, Role.AUDITOR)


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A new subscription. `start` is the position after which it begins; absent: now."""

    name: str
    url: str
    kinds: list[str] = []
    unit: str = ""
    start: int | None = None


WANTED: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "url"],
    "properties": {
        "name": {"type": "string", "title": "名称 · name"},
        "url": {"type": "string", "title": "地址 · address"},
        "kinds": {"type": "array", "items": {"type": "string"}, "title": "种类 · kinds of stream"},
        "unit": {"type": "string", "title": "只要此单位的 · of this unit alone"},
        "start": {"type": "integer", "minimum": 0, "title": "从此位置之后 · after this position"},
    },
}


def told(hook: Hook) -> dict[str, Any]:
    """Return a subscription as programs read it; its secret is never told again."""
    said = msgspec.structs.asdict(hook)
    return said | {"kinds": [kind for kind in hook.kinds.split(",") if kind]}


def delivered(one: Delivery, lang: Lang) -> dict[str, Any]:
    """Return a delivery as programs read it."""
    said = msgspec.structs.asdict(one)
    sentence = said.pop("zh"), said.pop("en")
    return said | {"sentence": sentence[0 if lang == "zh" else 1]}


def refuse_unless(actor: Actor, *roles: Role) -> None:
    """Refuse who does not act in one of some roles; raise Problem 403."""
    if actor.role not in roles:
        raise problems.plain(403)


def step(
    office: Office, actor: Actor, via: Mapping[str, str], id_: str, name: str
) -> Hook | Delivery:
    """Do one of the steps of a subscription; raise NoSuch, Refused."""
    if name == "test":
        done: Hook | Delivery = office.webhooks.test(id_)
    else:
        done = administering.tend(office, actor, via, id_, name)
    office.tail.nudge()
    return done


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""
    read = rest_openapi.read
    id_ = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "订阅标识 · id of the subscription",
    }

    def listing(request: Request, actor: Actor) -> Response:
        refuse_unless(actor, *READERS)
        Questions(request, ()).check()
        return reply(request, {"items": [told(hook) for hook in office.webhooks.all()]})

    def deliveries(request: Request, actor: Actor) -> Response:
        refuse_unless(actor, *READERS)
        Questions(request, ()).check()
        found = known(lambda: office.webhooks.deliveries(check_id(request.path_params["id"])))
        lang = lang_of(request)
        return reply(request, {"items": [delivered(one, lang) for one in found]})

    def subscribe(request: Request, body: bytes) -> Response:
        actor = callers.actor(request)
        refuse_unless(actor, Role.ADMIN)
        try:
            asked = msgspec.json.decode(body, type=Wanted)
        except msgspec.MsgspecError as error:
            raise Malformed(Words(f"正文有误：{error}", f"The body is wrong: {error}")) from error
        try:
            hook, secret = administering.subscribe(
                office, actor, how(request), asked.name, asked.url,
                kinds=asked.kinds, unit=asked.unit, start=asked.start,
            )  # fmt: skip
        except Wrong as wrong:
            raise Invalid([Fault(wrong.field, wrong.words)]) from None
        return reply(request, told(hook) | {"secret": secret})

    def do(request: Request, body: bytes) -> Response:
        actor = callers.actor(request)
        refuse_unless(actor, Role.ADMIN)
        name = request.path_params["step"]
        if name not in STEPS:
            raise problems.plain(404)
        done = known(
            lambda: step(office, actor, how(request), check_id(request.path_params["id"]), name)
        )
        lang = lang_of(request)
        return reply(request, delivered(done, lang) if isinstance(done, Delivery) else told(done))

    troubles = (401, 403, 404, 422, 503)
    for path, answer, said in (
        ("/webhooks", listing, read("webhooks", "推送订阅", "Subscriptions of webhooks", [], tag=TAG, troubles=troubles)),
        ("/webhooks/{id}/deliveries", deliveries, read("webhook_deliveries", "最近的推送", "The last deliveries", [id_], tag=TAG, troubles=troubles)),
    ):  # fmt: skip
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **said
        )
    more = (400, 401, 403, 404, 413, 415, 422, 503)
    named = {
        **id_,
        "name": "step",
        "schema": {"enum": list(STEPS)},
        "description": "、".join(STEPS),
    }
    subscribing = read("webhook_add", "订阅推送；回答中的 secret 只说一次", "Subscribe; the secret is said once", [], tag=TAG, troubles=more)  # fmt: skip
    subscribing["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": WANTED}},
    }
    doing = read("webhook_step", "试发、暂停、继续、终止", "Try, pause, resume, end", [id_, named], tag=TAG, troubles=more)  # fmt: skip
    for path, work, said in (
        ("/webhooks", subscribe, subscribing),
        ("/webhooks/{id}/{step}", do, doing),
    ):
        routes.add_api_route(path, posted(work), methods=["POST"], response_model=None, **said)


def known(look: Callable[[], Any]) -> Any:
    """Return what is looked for; raise Problem 404 where there is no such subscription."""
    try:
        return look()
    except NoSuch:
        raise problems.plain(404, NOT_THERE) from None


def posted(
    work: Callable[[Request, bytes], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that reads a small body and works beside the event loop."""

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(work, request, body)

    return endpoint
