"""What the published description (OpenAPI 3.1) says of each route, from the declarations."""

from __future__ import annotations

from typing import Any

from fastapi import Security
from fastapi.security import APIKeyCookie, HTTPBasic, HTTPBearer
from pydantic import BaseModel

from api import forms
from api.parameters import CURSOR, Parameter
from api.problems import MEDIA_TYPE
from domain.decider import LIFECYCLES, Verb
from domain.values import ID
from domain.words import Words


class Problem(BaseModel):
    """RFC 9457: what went wrong, which rule said so, and what can be done."""

    type: str
    title: str
    status: int
    detail: str
    slug: str
    instance: str = ""
    request: str = ""
    law: str = ""
    stream: str = ""
    expected: int | None = None
    current: int | None = None
    errors: list[dict[str, str]] = []
    allowed: list[dict[str, str]] = []


class Foretold(BaseModel):
    """What a request would record, and what whoever asks should read first; nothing is recorded."""

    dry_run: bool
    stream: str
    warnings: list[str] = []
    entries: list[dict[str, Any]]


class Recorded(BaseModel):
    """What an act recorded; the same for every repetition of the request."""

    stream: str
    version: int
    cause: str
    first: int
    last: int
    recorded_at: str
    warnings: list[str] = []
    entries: list[dict[str, Any]]


PROBLEM = {"$ref": "#/components/schemas/Problem"}
RECORDED = {"$ref": "#/components/schemas/Recorded"}
FORETOLD = {"$ref": "#/components/schemas/Foretold"}
TROUBLE = {
    400: "请求无法读懂 · The request cannot be read",
    401: "尚未登录 · Not signed in",
    403: "岗位无权查看 · Your role may not see this",
    404: "没有这条记录 · No such record",
    409: "被规则拒绝，或版本冲突 · Refused by a rule, or somebody else was first",
    413: "请求过大 · Too large",
    415: "不是 application/json · Not application/json",
    422: "填写有误，或幂等键已用于别的请求 · Faults in the form, or the key was used otherwise",
    429: "请求过于频繁；Retry-After 为应等的秒数 · Too often; Retry-After says for how long to wait",
    503: "账本暂时不能使用 · The ledger cannot be used now",
    507: "磁盘已满 · The disk is full",
}
# Whoever is asked may say so: who calls is not known, may not, asks too often, or has to wait.
ANYWHERE = (401, 403, 429, 503)
SECURITY = [{"session": []}, {"basic": []}, {"token": []}]
# Both are read by `Callers`; here they only make the description complete.
SCHEMES = [
    Security(APIKeyCookie(name="session", scheme_name="session", auto_error=False)),
    Security(HTTPBasic(scheme_name="basic", auto_error=False)),
    Security(HTTPBearer(scheme_name="token", auto_error=False)),
]
ROLE = {
    "name": "Gongwu-Role",
    "in": "header",
    "schema": {"type": "string"},
    "description": "以哪个已授予的岗位办理 · In which of the granted roles to act.",
}
LANGUAGE = {"name": "Accept-Language", "in": "header", "schema": {"enum": ["zh", "en"]}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documented troubles of a route."""
    return {
        status: {"description": TROUBLE[status], "content": {MEDIA_TYPE: {"schema": PROBLEM}}}
        for status in sorted(set(statuses))
    }


def id_of(kind: str, *, new: bool = False) -> dict[str, Any]:
    """Return the parameter of a path that names one thing."""
    words = LIFECYCLES[kind].words
    said = f"{words.zh}标识 · {words.en} id"
    if new:
        said += "；new 表示由服务器编号 · new: the server gives one"
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": ID},
        "description": said,
    }


def asked(*parameters: Parameter) -> list[dict[str, Any]]:
    """Return the parameters of a question."""
    return [parameter.published() for parameter in parameters]


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "每个新请求一个随机值，重试时不变 · A random value, the same for retries.",
}
_DRY = {
    "name": "dry_run",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "只预演，不记入：回答将记入的内容和应先阅读的提示（warnings），不需要幂等键"
    " · Only tell what would be recorded and what to read first (warnings); needs no key.",
}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "查看时的版本（ETag）；已变动则 409 · The version seen; 409 when it changed.",
}


def verb(verb: Verb) -> dict[str, Any]:
    """Return what is published of a verb."""
    life = LIFECYCLES[verb.kind]
    told = _write(
        f"{verb.kind}_{verb.name}",
        f"{life.words.zh}：{verb.zh} · {life.words.en}: {verb.en}",
        _described(verb),
        forms.schema(verb),
        [id_of(verb.kind, new=True), _DRY],
        life.words,
    )
    told["responses"][200]["content"]["application/json"]["schema"] = {
        "anyOf": [RECORDED, FORETOLD]
    }
    return told


def reversal(kind: str) -> dict[str, Any]:
    """Return what is published of the reversal of an entry."""
    words = LIFECYCLES[kind].words
    body = {
        "type": "object",
        "required": ["reason"],
        "additionalProperties": False,
        "properties": {
            "reason": {
                "type": "string",
                "minLength": 1,
                "maxLength": 2000,
                "title": "原因 · reason",
            },
            "docs": {
                "type": "array",
                "items": {"type": "object"},
                "title": "所依据的文件 · papers",
            },
        },
    }
    seq = {
        "name": "seq",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
    return _write(
        f"{kind}_reverse_entry",
        f"{words.zh}：红冲一条记录 · {words.en}: reverse an entry",
        "同一请求写入的全部记录一并红冲 · Takes back all that the same request wrote.",
        body,
        [id_of(kind), seq],
        words,
    )


def _write(
    operation: str,
    summary: str,
    description: str,
    body: dict[str, Any],
    parameters: list[dict[str, Any]],
    tag: Words,
) -> dict[str, Any]:
    return {
        "operation_id": operation,
        "summary": summary,
        "description": description,
        "tags": [f"{tag.zh} · {tag.en}"],
        "responses": {
            200: {
                "description": "已记入；重复请求得到同样的回答 · Recorded; a repetition gets the same",
                "content": {"application/json": {"schema": RECORDED}},
            }
        }
        | problems(*ANYWHERE, 400, 404, 409, 413, 415, 422, 507),
        "openapi_extra": {
            "parameters": [*parameters, _KEY, _MATCH, ROLE, LANGUAGE],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "security": SECURITY,
        },
    }


def upload(
    operation: str,
    zh: str,
    en: str,
    place: list[dict[str, Any]],
    title: Parameter,
    tag: Words,
) -> dict[str, Any]:
    """Return what is published of a route that takes a file as its body."""
    told = _write(operation, f"{zh} · {en}", "", {}, [*place, *asked(title)], tag)
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    told["openapi_extra"]["requestBody"] = {"required": True, "content": content}
    told["openapi_extra"]["parameters"].remove(_MATCH)
    # What came of a file is said by its own door: it is checked first, and often nothing recorded.
    told["responses"][200] = {
        "description": "已收下 · Taken",
        "content": {"application/json": {}},
    }
    return told


def request(
    operation: str,
    zh: str,
    en: str,
    place: list[dict[str, Any]],
    body: dict[str, Any],
    tag: Words,
) -> dict[str, Any]:
    """Return what is published of a request with a body of its own."""
    told = _write(operation, f"{zh} · {en}", "", body, place, tag)
    told["openapi_extra"]["parameters"].remove(_MATCH)
    return told


def act(
    operation: str, words: Words, body: dict[str, Any], places: list[dict[str, Any]], tag: Words
) -> dict[str, Any]:
    """Return what is published of an act that is no verb of a stream."""
    told = _write(operation, f"{words.zh} · {words.en}", "", body, places, tag)
    told["responses"][200] = {
        "description": "已办理 · Done",
        "content": {"application/json": {}},
    }
    told["openapi_extra"]["parameters"].remove(_MATCH)
    return told


def _described(verb: Verb) -> str:
    """Return help, roles and the rules that may refuse, with their articles."""
    roles = "、".join(f"{Words.of(r).zh} {r}" for r in sorted(verb.roles)) or "不限 any"
    lines = [verb.help, f"岗位 · Roles: {roles}"]
    lines += [
        f"- `{rule.slug}`：{rule.zh} {rule.en}" + (f"（{rule.law}）" if rule.law else "")
        for rule in verb.rules
    ]
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])


def read(
    operation: str,
    zh: str,
    en: str,
    parameters: list[dict[str, Any]],
    *,
    media: str = "application/json",
    tag: Words | None = None,
    troubles: tuple[int, ...] = (404, 422),
) -> dict[str, Any]:
    """Return what is published of a question."""
    if any(held["schema"].get("pattern") == CURSOR for held in parameters):
        troubles = (400, *troubles)  # a cursor that nobody gave out
    return {
        "operation_id": operation,
        "summary": f"{zh} · {en}",
        "tags": [f"{tag.zh} · {tag.en}" if tag else "查询 · Questions"],
        "responses": {200: {"description": f"{zh} · {en}", "content": {media: {}}}}
        | problems(*ANYWHERE, *troubles),
        "openapi_extra": {"parameters": [*parameters, LANGUAGE], "security": SECURITY},
    }
