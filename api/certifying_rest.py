"""For programs: the search certificates of a plan, each searched again in the log."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import certifying, rest_openapi
from api.office import Actor, Office
from api.parameters import number
from api.rest_answers import no_such, reply
from api.rest_caller import Callers, check_id, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of

QUESTIONS: Final = (
    number("line", "计划行，缺省为全部 · line of the plan, else all", 1, 10**6),
    number("entry", "第几条查询记录 · number of the entry in the plan", 1, 10**9),
)
AT_ONCE: Final = 20  # searched again in one answer


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the question to the routes."""

    def answer(request: Request, actor: Actor) -> Response:
        asked = Questions(request, QUESTIONS)
        line = asked.number("line")
        entry = asked.number("entry")
        asked.check()
        stream = office.book.stream(f"plan/{check_id(request.path_params['id'])}")
        if stream.version == 0:
            raise no_such(stream.name)
        policy = office.rules_for(actor.unit, office.today(actor.zone))
        found = certifying.searches(stream, line)
        found = [e for e in found if entry in (0, e.seq)][-AT_ONCE:]
        lang = lang_of(request)
        items = []
        for each in found:
            one = certifying.certified(office, stream, each, policy)
            items.append(certifying.plain(one, certifying.again(office, one.search), lang))
        return reply(request, {"plan": stream.name, "items": items})

    routes.add_api_route(
        "/plan/{id}/certificates",
        endpoint_of(callers, answer),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "plan_certificates",
            "调剂查询证明（重新查询核验）",
            "Search certificates of a plan, each searched again",
            [rest_openapi.id_of("plan"), *rest_openapi.asked(*QUESTIONS)],
        ),
    )
