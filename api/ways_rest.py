"""For programs: what was tried with idle property, what its kind asks for, what a vehicle cost."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import rest_openapi, ways
from api.office import Actor, Office
from api.rest_answers import Answer, no_such, reply
from api.rest_caller import Callers, check_id, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from ledger.book import Stream


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the questions about one asset that its kind and its idleness raise."""
    published = (
        ("waterfall", waterfall(office), "闲置资产的盘活先后", "What was tried with idle property"),
        ("particulars", particulars(office), "此类资产的规则", "What property of this kind may and must"),
    )  # fmt: skip
    for name, answer, zh, en in published:
        routes.add_api_route(
            f"/asset/{{id}}/{name}",
            endpoint_of(callers, answer),
            methods=["GET"],
            response_model=None,
            **rest_openapi.read(f"asset_{name}", zh, en, [rest_openapi.id_of("asset")]),
        )


def asked(office: Office, request: Request) -> Stream:
    """Return the asset a request is about; raise the answer when there is none."""
    Questions(request, ()).check()
    stream = office.book.stream(f"asset/{check_id(request.path_params['id'])}")
    if stream.version == 0:
        raise no_such(stream.name)
    return stream


def waterfall(office: Office) -> Answer:
    """Return the answer with the ways of one asset: which were tried, which remain."""

    def answer(request: Request, _: Actor) -> Response:
        stream = asked(office, request)
        found = ways.told_ways(ways.of(office, stream), lang_of(request))
        return reply(request, {"stream": stream.name} | found)

    return answer


def particulars(office: Office) -> Answer:
    """Return the answer with the rules of the kind, and the costs of a vehicle."""

    def answer(request: Request, _: Actor) -> Response:
        stream, lang = asked(office, request), lang_of(request)
        policy = ways.policy_of(office, stream.state)
        found = {
            "stream": stream.name,
            "kind": stream.state.kind,
            "policy": policy.reference,
            "traits": ways.traits(policy, stream.state, lang),
            "costs": ways.costs(stream, lang),
        }
        return reply(request, found)

    return answer
