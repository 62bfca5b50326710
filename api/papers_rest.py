"""Papers for programs: every form a kind of stream can leave, each with a route of its own."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import papers, problems, rest_openapi
from api.office import Actor, Office
from api.pages_papers import MEDIA_TYPE, NOT_PRINTABLE, document
from api.parameters import day, number
from api.rest_answers import Answer, no_such
from api.rest_caller import Callers, check_id, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.decider import LIFECYCLES
from domain.paper_forms import PaperForm
from domain.words import Words
from labels import paper, qr

AT = number("at", "条目号，缺省为最近一份 · entry; by default the latest such paper", 1, 10**9)
ON = day("on", "截止日期，缺省为今天 · as of this day; by default today")


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add a route for every form of every kind."""
    for kind, life in LIFECYCLES.items():
        for form in papers.forms_of(kind):
            asked = rest_openapi.asked(ON if form is PaperForm.STOCKTAKE else AT)
            published = rest_openapi.read(
                f"paper_{kind}_{form.value.replace('-', '_')}",
                f"{life.words.zh}：{form.words.zh}（PDF）",
                f"{life.words.en}: {form.words.en} (PDF)",
                [rest_openapi.id_of(kind), *asked],
                media=MEDIA_TYPE,
            )
            routes.add_api_route(
                f"/papers/{kind}/{{id}}/{form.value}.pdf",
                endpoint_of(callers, printing(office, kind, form)),
                methods=["GET"],
                response_model=None,
                **published,
            )


def printing(office: Office, kind: str, form: PaperForm) -> Answer:
    """Return the answer with one form of one thing."""

    def answer(request: Request, actor: Actor) -> Response:
        stocktake = form is PaperForm.STOCKTAKE
        asked = Questions(request, [ON if stocktake else AT])
        on = asked.day("on") if stocktake else ""
        at = 0 if stocktake else asked.number("at")
        asked.check()
        stream = office.book.stream(f"{kind}/{check_id(request.path_params['id'])}")
        if stream.version == 0:
            raise no_such(stream.name)
        lang = lang_of(request)
        try:
            if stocktake:
                on = on or office.today(actor.zone).isoformat()
                return document(papers.counted(office, actor.scope, stream, on, lang))
            return document(papers.printed(office, stream, form.value, lang, at=at or None))
        except papers.NoPaper as none:
            said = Words(none.zh, none.en)
            raise problems.Problem(404, "no-such-paper", problems.NOT_FOUND, said) from None
        except (paper.TooLong, qr.DoesNotFit) as error:
            said = Words(error.zh, error.en)
            raise problems.Problem(409, "paper-not-printable", NOT_PRINTABLE, said) from None

    return answer
