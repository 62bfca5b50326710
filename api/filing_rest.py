"""Attachments for programs: what lies in the folder of a thing, and a file put there or read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import filing, problems, rest_openapi
from api.office import Actor, Office
from api.pages_filing import file_of, there
from api.parameters import text
from api.rest_answers import reply
from api.rest_caller import Callers, how, key_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.rest_writing import recorded
from domain.filing import FILE_BYTES_MAX, folder_of
from domain.values import ID
from domain.words import Words

TAG = Words("附件", "Attachments")
TITLE = text("title", "文件名 · what to call it")
NOT_TAKEN = Words("不接收这个文件", "This file is not taken")
PLACE = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": pattern},
        "description": said,
    }
    for name, pattern, said in (
        ("thing", "^[a-z]+$", "种类 · kind of thing"),
        ("id", ID, "标识 · its id"),
        ("sha256", "^[0-9a-f]{64}$", "文件的 SHA-256 · of the file"),
    )
]


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""

    def listed(request: Request, actor: Actor) -> Response:
        Questions(request, ()).check()
        return reply(request, {"items": filing.files(office, place(request))})

    def read(request: Request, actor: Actor) -> Response:
        Questions(request, ()).check()
        return file_of(office, place(request), request.path_params["sha256"])

    def place(request: Request) -> str:
        return there(office, request.path_params["thing"], request.path_params["id"])

    def take(request: Request, content: bytes) -> Response:
        actor, key = callers.actor(request), key_of(request)
        asked = Questions(request, [TITLE])
        title = asked.text("title")
        asked.check()
        stream = place(request)
        try:
            receipt = filing.attach(
                office, actor, stream, content, title, key=key, **how(request)
            )  # fmt: skip
        except filing.NotTaken as no:
            raise problems.Problem(422, "file-not-taken", NOT_TAKEN, no.words) from None
        return recorded(office, request, receipt, folder_of(stream))

    async def attach(request: Request) -> Response:
        return await run_in_threadpool(take, request, await raw(request))

    said: dict[str, Any] = {"tag": TAG}
    described = [
        ("", listed, rest_openapi.read("attachments", "附件清单", "Attachments", PLACE[:2], **said)),
        ("/{sha256}", read, rest_openapi.read("attachment", "附件内容", "An attachment", PLACE, media="application/octet-stream", **said)),
    ]  # fmt: skip
    for more, answer, published in described:
        routes.add_api_route(
            f"/attachments/{{thing}}/{{id}}{more}",
            endpoint_of(callers, answer),
            methods=["GET"],
            response_model=None,
            **published,
        )
    routes.add_api_route(
        "/attachments/{thing}/{id}",
        attach,
        methods=["POST"],
        response_model=None,
        **rest_openapi.upload("attach", "附上文件", "Attach a file", PLACE[:2], TITLE, TAG),
    )


async def raw(request: Request, bytes_max: int = FILE_BYTES_MAX) -> bytes:
    """Return the file that is sent as the body; raise Problem 413."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise problems.plain(413)
        parts.append(part)
    return b"".join(parts)
