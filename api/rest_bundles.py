"""Evidence for auditors' programs: POST /audit/v1/bundles answers with the zip."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import bundling, forms, problems, rest_openapi
from api.forms import Fault, Invalid
from api.office import Office
from api.rest_caller import Callers, body_of
from domain.words import Words
from ledger.notes import Unproven

TAG = Words("审计", "Audit")
FIELDS = {
    "of": bundling.OF,
    "from": Words("记账日起 YYYY-MM-DD（UTC）", "recorded from this day on (UTC)"),
    "to": Words("记账日止 YYYY-MM-DD（UTC）", "recorded up to this day (UTC)"),
    "names": Words(
        "填 open：附上条目只记承诺值的姓名", "open: with the names that entries only commit to"
    ),
    "since": Words("您保存的检查点原文", "a checkpoint you kept, as text"),
}
CHARS_MAX = 65_536


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the route to those under /audit/v1."""

    def make(request: Request, body: bytes) -> Response:
        if callers.actor(request).role not in bundling.READERS:
            raise problems.plain(403)
        given = asked_of(body)
        request.state.asked = {name: given[name] for name in ("of", "from", "to")}
        try:
            made = bundling.bundle(
                office,
                given["of"],
                given["from"],
                given["to"],
                given["since"],
                names=given["names"] == "open",
            )
        except bundling.NotAsked as no:
            raise Invalid([Fault("of", no.words)]) from None
        except Unproven as none:
            raise problems.plain(404, none.words, "unproven") from None
        return Response(
            made.content,
            media_type=bundling.MEDIA_TYPE,
            headers=bundling.headers(given["of"], made),
        )

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(make, request, await body_of(request))

    published = rest_openapi.read(
        "audit_bundle",
        "证据包（zip，可离线核验）",
        "Evidence bundle: a zip that is checked offline",
        [],
        media=bundling.MEDIA_TYPE,
        tag=TAG,
        troubles=(400, 401, 403, 404, 413, 415, 422, 503),
    )
    fields = {
        field: {"type": "string", "title": f"{words.zh} · {words.en}"}
        for field, words in FIELDS.items()
    }
    shape = {"type": "object", "required": ["of"], "additionalProperties": False}
    published["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": shape | {"properties": fields}}},
    }
    routes.add_api_route("/bundles", endpoint, methods=["POST"], response_model=None, **published)


def asked_of(body: bytes) -> dict[str, str]:
    """Read what is asked for; raise Invalid with every fault."""
    given = forms.load(body)
    faults = [
        Fault(field, Words("没有这个参数。", "There is no such parameter."))
        for field in given
        if field not in FIELDS
    ]
    faults += [
        Fault(field, Words("须为文本。", "Must be a text."))
        for field in FIELDS
        if not isinstance(given.get(field, ""), str) or len(str(given.get(field, ""))) > CHARS_MAX
    ]
    if faults:
        raise Invalid(faults)
    return {field: str(given.get(field, "")).strip() for field in FIELDS}
