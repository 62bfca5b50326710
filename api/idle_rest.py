"""For programs: what shows as idle, each with its reason, its entries and how to answer it."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import idling, rest_openapi
from api.office import Actor, Office
from api.parameters import choice, day, knowing, last, text
from api.rest_answers import LIMIT_OF, link, reply
from api.rest_caller import Callers, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import Kind
from domain.idling import GROUNDS
from projections.idling import Asked

QUESTIONS: Final = (
    day("on", "业务日期，默认今天 · business date, today if not said"),
    knowing(
        "known_at", "已知于：时间（UTC）或条数 · as known at a time (UTC) or a size of the log"
    ),
    text("unit", "单位 · unit"),
    choice("ground", "事由 · ground", GROUNDS),
    choice("kind", "类别 · kind", Kind),
    LIMIT_OF,
    last(),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the question to the routes."""

    def answer(request: Request, actor: Actor) -> Response:
        questions = Questions(request, QUESTIONS)
        today = office.today(actor.zone)
        on, known_at = questions.day("on"), questions.knowing("known_at")
        known: int | None = None
        if known_at:
            size = office.book.log.head()[0]
            exact = known_at.isdecimal()
            known = min(int(known_at), size) if exact else office.book.position_known(known_at)
        day = date.fromisoformat(on) if on else today
        ground = questions.choice("ground")
        kind = questions.choice("kind")
        limit = questions.number("limit")
        questions.check()
        asked = Asked(
            on=day,
            known=known,
            past=known is not None or day < today,
            unit=questions.text("unit"),
            kind=kind,
            ground=ground,
        )
        told = office.idling.told(actor.scope, asked)
        rest = idling.following(told.found, questions.text("after"))
        more = idling.key(rest[limit - 1]) if len(rest) > limit else None
        lang = lang_of(request)

        def name_of(_: str, id_: str) -> str:
            return office.called(id_, lang)

        found = {
            "on": day.isoformat(),
            "position": told.position,
            "count": len(told.found),
            "items": [idling.plain(one, lang, name_of) for one in rest[:limit]],
            "rules": [
                {"policy": policy.reference, "not_looked_for": idling.not_looked(policy, lang)}
                for policy in told.policies
            ],
            "posts_unknown": [
                {"unit": unit, "standard": standard} for unit, standard in told.uncapped
            ],
            "next": more,
        }
        return reply(request, msgspec.to_builtins(found), link(request, more))

    routes.add_api_route(
        "/idle",
        endpoint_of(callers, answer),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "idle", "闲置线索", "What shows as idle", rest_openapi.asked(*QUESTIONS)
        ),
    )
