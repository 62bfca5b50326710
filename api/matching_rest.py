"""For programs: what fits a want or an offer, with every score, and why a want does not get a thing."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_openapi, why_not
from api.office import Actor, Office
from api.parameters import number, text
from api.rest_answers import reply
from api.rest_caller import Callers, check_id, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.words import Words
from projections import fitting, inventory, wants
from projections.fitting import Fit

TAG: Final = Words("匹配", "Matching")
LIMIT: Final = number("limit", "至多几项 · how many at most", 1, 100, 20)
PAIR: Final = (
    text("want", "需求标识 · id of the want"),
    text("asset", "资产标识 · id of the asset"),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the questions of this module."""

    def limit_of(request: Request) -> int:
        asked = Questions(request, [LIMIT])
        limit = asked.number("limit")
        asked.check()
        return limit

    def of_want(request: Request, actor: Actor) -> Response:
        limit, id_ = limit_of(request), check_id(request.path_params["id"])
        row = office.models.one(wants.one(id_))
        if row is None:
            raise problems.plain(404)
        today = office.today(actor.zone)
        terms, rooms = office.terms(today), office.rooms(today)
        now = fitting.for_want(office.whole, dict(row), terms, limit, rooms.allowed)
        ahead = fitting.ahead_of_want(office.whole, dict(row), terms, limit, rooms.allowed)
        return reply(request, {"rules": fitting.RULES, "items": [told(f) for f in (*now, *ahead)]})

    def of_asset(request: Request, actor: Actor) -> Response:
        limit, id_ = limit_of(request), check_id(request.path_params["id"])
        row = office.models.one(inventory.one(id_))
        if row is None:
            raise problems.plain(404)
        today = office.today(actor.zone)
        allowed = office.rooms(today).allowed
        found = fitting.told_of_card(office.whole, dict(row), office.terms(today), limit, allowed)
        items = [told(fit) for fits in found for fit in fits]
        return reply(request, {"rules": fitting.RULES, "items": items})

    def why(request: Request, _: Actor) -> Response:
        asked = Questions(request, PAIR)
        want, asset = asked.text("want"), asked.text("asset")
        asked.check()
        said = why_not.asked(office, check_id(request.path_params["id"]), want, asset)
        if said is None:
            raise problems.plain(404)
        return reply(request, why_not.plain(said, lang_of(request)))

    described: list[tuple[str, Any, dict[str, Any]]] = [
        (
            "/demand/{id}/matches",
            of_want,
            rest_openapi.read(
                "demand_matches",
                "适合一项需求的可调剂资产",
                "What on offer fits a want",
                [rest_openapi.id_of("demand"), *rest_openapi.asked(LIMIT)],
                tag=TAG,
            ),
        ),
        (
            "/asset/{id}/matches",
            of_asset,
            rest_openapi.read(
                "asset_matches",
                "一项资产适合的需求",
                "Which wants a thing fits",
                [rest_openapi.id_of("asset"), *rest_openapi.asked(LIMIT)],
                tag=TAG,
            ),
        ),
        (
            "/allocation/{id}/why-not",
            why,
            rest_openapi.read(
                "allocation_why_not",
                "需求为什么没有分到某项资产",
                "Why a want does not get a thing",
                [rest_openapi.id_of("allocation"), *rest_openapi.asked(*PAIR)],
                tag=TAG,
            ),
        ),
    ]
    for path, answer, published in described:
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **published
        )


def told(fit: Fit) -> dict[str, Any]:
    """Return a want and a thing that fit, with the points and weight of every factor."""
    return {
        "want": fit.match.want,
        "asset": fit.match.listing,
        "total": fit.match.total,
        "quantity": fit.match.quantity,
        "opens_on": fit.opens_on.isoformat() if fit.opens_on else None,
        "scores": [
            {"factor": one.factor, "points": one.points, "weight": one.weight}
            for one in fit.match.scores
        ],
    }
