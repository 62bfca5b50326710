"""For programs: what reuse brought, every figure exactly, with the exchanges behind it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import changing, rest_openapi, reusing
from api.office import Actor, Office
from api.parameters import choice, day, knowing, text
from api.rest_answers import reply
from api.rest_caller import Callers, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import Kind
from domain.words import Words, in_language
from projections import reuse
from projections.reuse import Asked

QUESTIONS: Final = (
    day("from", "自此业务日期 · from this business date on"),
    day("to", "至此业务日期 · up to this business date"),
    knowing("known", "已知于：时间（UTC）或条数 · as known at a time (UTC) or a size of the log"),
    text("unit", "调出、调入或仓管单位 · unit on either side"),
    text("region", "地区代码开头 · beginning of a region code"),
    choice("kind", "类别 · kind", Kind),
    text("class_code", "分类代码或其开头 · class code, or the beginning of one"),
    text("dataset", "数据来源 · data set"),
    choice("by", "按什么分组 · by what", reusing.GROUPS, "unit"),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the question to the routes."""

    def answer(request: Request, actor: Actor) -> Response:
        questions = Questions(request, QUESTIONS)
        today = office.today(actor.zone).isoformat()
        start = questions.day("from") or f"{today[:4]}-01-01"
        end = questions.day("to") or today
        known = questions.knowing("known")
        kind = questions.choice("kind")
        by = questions.choice("by")
        fault = changing.wrong(start, end, "", known)
        if fault is not None:
            questions.fault(fault[0], fault[1].zh, fault[1].en)
        questions.check()
        asked = Asked(
            start=start,
            end=end,
            known=changing.span_of(office, start, end, "", known).known,
            unit=questions.text("unit"),
            region=questions.text("region"),
            kind=kind,
            class_code=questions.text("class_code"),
            dataset=questions.text("dataset"),
        )
        told = reuse.told(office.book, office.models, actor.scope, asked)
        return reply(request, said(office, told, by, lang_of(request)))

    routes.add_api_route(
        "/reuse",
        endpoint_of(callers, answer),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "reuse", "盘活成效", "What reuse brought", rest_openapi.asked(*QUESTIONS)
        ),
    )


def said(office: Office, told: reuse.Told, by: str, lang: str) -> dict[str, Any]:
    """Return all of it as values of JSON; an exact ratio is two whole numbers."""

    def words(value: Words) -> str:
        return in_language(value.zh, value.en, lang)

    def region_of(unit: str) -> str:
        return str(office.book.stream(f"unit/{unit}").state.region)

    return {
        "asked": told.asked,
        "figures": [
            {
                "slug": f.slug,
                "title": words(f.words),
                "formula": words(f.formula),
                "measure": f.measure,
                "value": None if f.value is None else [f.value.numerator, f.value.denominator],
                "text": f.text,
                "currency": f.currency,
                "inputs": [[words(name), value] for name, value in f.inputs],
            }
            for f in reusing.figures(told)
        ],
        "by": by,
        "groups": reusing.grouped(told, by, region_of),
        "exchanges": [msgspec.to_builtins(s) | {"net": s.net} for s in told.savings],
        "overdue": told.overdue,
        "wants": told.wants,
    }
