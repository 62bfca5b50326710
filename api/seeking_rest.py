"""For programs: find anything from one text, ranked, each with the reason it was found."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import rest_openapi, seeking
from api.office import Actor, Office
from api.parameters import SAID, number, text
from api.rest_answers import reply
from api.rest_caller import Callers, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.seeking import Hit
from domain.decider import Lang
from domain.words import Words, in_words

QUESTIONS: Final = (
    text(
        "q",
        "查找什么：编号、名称、拼音首字母、序列号、车牌、文号、单位、标签或射频标签 · what to look for",
        pattern=SAID,
        required=Words("须给出要查找的内容", "Say what to look for"),
    ),
    number("limit", "每组至多几项 · how many of each kind", 1, seeking.LIMIT_MAX, seeking.LIMIT),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the question to the routes."""

    def answer(request: Request, actor: Actor) -> Response:
        questions = Questions(request, QUESTIONS)
        looked_for = questions.text("q")
        limit = questions.number("limit")
        questions.check()
        lang = lang_of(request)
        found = seeking.seek(office, actor, looked_for, lang, limit=limit)
        return reply(
            request,
            {
                "q": found.query,
                "meant": found.meant or None,
                "said": in_words(found.said, lang) if found.said else None,
                "groups": [
                    {"kind": kind, "more": more, "items": [plain(hit, lang) for hit in hits]}
                    for kind, hits, more in found.groups
                ],
            },
        )

    routes.add_api_route(
        "/search",
        endpoint_of(callers, answer),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read("search", "查找", "Find anything", rest_openapi.asked(*QUESTIONS)),
    )


def plain(hit: Hit, lang: Lang) -> dict[str, Any]:
    """Return one thing that was found as a JSON value."""
    return {
        "stream": hit.id,
        "title": hit.title,
        "detail": hit.detail,
        "why": in_words(hit.why, lang),
    }
