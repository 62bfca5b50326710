"""For programs: the movement of property by unit, class and cause, exactly, and depreciation."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import booking_words, changing, journal_words, rest_openapi
from api.office import Actor, Office
from api.parameters import choice, day, knowing, number, text
from api.rest_answers import reply
from api.rest_caller import Callers
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import Kind
from domain.booking import Cause, summed
from domain.journal import accounts
from projections.changes import Only, Span

LEGS_MAX: Final = 1_000
SPAN: Final = (
    day("from", "期初日，日终 · opening, at the end of this business date"),
    day("to", "期末日，日终 · closing, at the end of this business date"),
    knowing("known", "已知于：时间（UTC）或条数 · as known at a time (UTC) or a size of the log"),
    text("unit", "入账单位 · accounting unit"),
    choice("kind", "类别 · kind", Kind),
    text("currency", "币种 · currency"),
    text("dataset", "数据来源 · data set"),
)
EVENTS: Final = (
    choice("cause", "因何增减 · why", Cause),
    number("limit", "至多几项 · how many at most", 1, LEGS_MAX, 100),
    number("skip", "略过的条数 · how many to pass over", 0, 10**9, 0),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the questions to the routes."""

    def movement(request: Request, actor: Actor) -> Response:
        questions = Questions(request, SPAN)
        span, only = asked(office, questions, actor)
        told = office.booking.statement(actor.scope, span, only)
        return reply(
            request,
            {
                "span": span,
                "rows": [booking_words.plain(row) for row in told.rows],
                "totals": [booking_words.plain(row) for row in summed(told.rows)],
                "differences": told.differences,
            },
        )

    def events(request: Request, actor: Actor) -> Response:
        questions = Questions(request, (*SPAN, *EVENTS))
        cause = questions.choice("cause")
        limit = questions.number("limit")
        skip = questions.number("skip")
        span, only = asked(office, questions, actor)
        legs = (
            leg
            for leg in office.booking.legs(actor.scope, span, only)
            if not cause or leg.cause == cause
        )
        found = list(islice(legs, skip, skip + limit + 1))
        items: list[Any] = [msgspec.to_builtins(leg) | {"net": leg.net} for leg in found[:limit]]
        return reply(
            request, {"items": items, "next": skip + limit if len(found) > limit else None}
        )

    def journal(request: Request, actor: Actor) -> Response:
        questions = Questions(request, (*SPAN, *EVENTS[1:]))
        limit = questions.number("limit")
        skip = questions.number("skip")
        span, only = asked(office, questions, actor)
        found = office.journals.of(actor.scope, span, only)
        some = found.proposed[skip : skip + limit]
        return reply(
            request,
            {
                "span": span,
                "items": [journal_words.plain(one) for one in some],
                "next": skip + limit if len(found.proposed) > skip + limit else None,
                "accounts": [
                    msgspec.to_builtins(one) | {"balance": one.balance}
                    for one in accounts(found.proposed)
                ],
                "omitted": [journal_words.plain_omitted(one) for one in found.omitted[:LEGS_MAX]],
            },
        )

    for path, answer, published in (
        ("/movement", movement, rest_openapi.read("movement", "资产增减变动表", "Movement of property", rest_openapi.asked(*SPAN))),
        ("/journal", journal, rest_openapi.read("journal", "记账凭证建议", "Vouchers proposed for a span", rest_openapi.asked(*SPAN, *EVENTS[1:]))),
        ("/movement/events", events, rest_openapi.read("movement_events", "变动明细", "Movements", rest_openapi.asked(*SPAN, *EVENTS))),
    ):  # fmt: skip
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **published
        )


def asked(office: Office, questions: Questions, actor: Actor) -> tuple[Span, Only]:
    """Return the span and the part of it that are asked for; every fault is told at once."""
    first, last = changing.year_so_far(office.today(actor.zone))
    start, end = questions.day("from") or first, questions.day("to") or last
    known = questions.knowing("known")
    only = Only(
        unit=questions.text("unit"),
        kind=questions.choice("kind"),
        currency=questions.text("currency"),
        dataset=questions.text("dataset"),
    )
    fault = changing.wrong(start, end, "", "")
    if fault is not None:
        questions.fault(fault[0], fault[1].zh, fault[1].en)
    questions.check()
    return changing.span_of(office, start, end, "", known), only
