"""The vouchers a case proposes to both sides, for programs: amounts in fen, and why there is none."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import papers, rest_openapi, vouchers
from api.office import Actor, Office
from api.rest_answers import Answer, no_such, reply
from api.rest_caller import Callers, check_id
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.vouchers import Proposal

KINDS: Final = ("reallocation", "intake")  # whose approval lets things pass to another unit


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the question to the routes, once for each kind of case."""
    for kind in KINDS:
        routes.add_api_route(
            f"/vouchers/{kind}/{{id}}",
            endpoint_of(callers, proposing(office, kind)),
            methods=["GET"],
            response_model=None,
            **rest_openapi.read(
                f"vouchers_{kind}",
                "双方记账凭证建议",
                "Vouchers proposed to both sides",
                [rest_openapi.id_of(kind)],
            ),
        )


def proposing(office: Office, kind: str) -> Answer:
    """Return the answer with the vouchers of one case; none before it is approved."""

    def answer(request: Request, _: Actor) -> Response:
        Questions(request, ()).check()
        stream = office.book.stream(f"{kind}/{check_id(request.path_params['id'])}")
        if stream.version == 0:
            raise no_such(stream.name)
        return reply(request, vouchers.plain(papers.proposal_of(office, stream) or Proposal()))

    return answer
