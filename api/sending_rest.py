"""For programs: lists of offers and of wants, checked, recorded as far as one says, and taken home."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_openapi, sending_in
from api.filing_rest import raw
from api.office import Actor, Office
from api.pages_export import XLSX
from api.parameters import choice, text
from api.rest_answers import reply
from api.rest_caller import Callers, how, key_of, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.sending_in import OFFERS, TITLES, WANTS, Faulty, Taken
from api.wanting import Unreadable
from domain.words import Words

RECORD_SAID: Final = (
    "不填只核对；all：全部无误才记入；right：只记入无误的行；或行号，以逗号分隔 · only checked if not said;"
    " all if every line is right; right: the right ones; or line numbers with commas"
)
RECORD: Final = text("record", RECORD_SAID)
FORMAT: Final = choice("format", "文件格式 · kind of file", ("csv", "xlsx"), "csv")
NOT_READ: Final = Words("无法读取这份清单", "The list cannot be read")
SOME_WRONG: Final = Words("有的行不能记入", "Some lines cannot be recorded")


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""
    for what in (OFFERS, WANTS):
        _add(routes, office, callers, what)


def _add(routes: APIRouter, office: Office, callers: Callers, what: str) -> None:
    title = TITLES[what]

    def take(request: Request, content: bytes) -> Response:
        actor, lang = callers.actor(request), lang_of(request)
        asked = Questions(request, [RECORD])
        record = asked.text("record")
        try:
            if record:
                sending_in.chosen_of(record)
        except ValueError:
            asked.fault("record", sending_in.BAD_CHOICE.zh, sending_in.BAD_CHOICE.en)
        asked.check()
        try:
            if record:
                key = key_of(request)
                taken = sending_in.take(office, actor, what, content, record, key, **how(request))
            else:
                taken = Taken(lines=sending_in.read(office, actor, what, content))
        except Unreadable as no:
            raise problems.Problem(422, "list-not-read", NOT_READ, no.words) from None
        except Faulty as no:
            found = sending_in.plain(Taken(lines=no.lines), lang)
            raise problems.Problem(
                422, "list-with-faults", SOME_WRONG, sending_in.NOT_ALL, **found
            ) from None
        return reply(request, sending_in.plain(taken, lang))

    async def send_in(request: Request) -> Response:
        return await run_in_threadpool(take, request, await raw(request))

    def home(request: Request, actor: Actor) -> Response:
        asked, lang = Questions(request, [FORMAT]), lang_of(request)
        ending = asked.choice("format")
        asked.check()

        def name_of(_: str, id_: str) -> str:
            return office.called(id_, lang)

        content = sending_in.file_of(office, actor, what, lang, name_of, ending)
        media = XLSX if ending == "xlsx" else "text/csv; charset=utf-8"
        headers = {"Content-Disposition": f'attachment; filename="{what}.{ending}"'}
        return Response(content, headers=headers, media_type=media)

    taken: dict[str, Any] = rest_openapi.upload(
        f"{what}_import",
        f"导入{title.zh}清单（CSV、XLSX）",
        f"{title.en}: send a list in (CSV, XLSX)",
        [],
        RECORD,
        title,
    )
    routes.add_api_route(f"/{what}/import", send_in, methods=["POST"], response_model=None, **taken)
    routes.add_api_route(
        f"/{what}/export",
        endpoint_of(callers, home),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            f"{what}_export",
            f"{title.zh}清单（CSV、XLSX）",
            f"{title.en}: the list as a file (CSV, XLSX)",
            rest_openapi.asked(FORMAT),
            media="text/csv",
            tag=title,
        ),
    )
