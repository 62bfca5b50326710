"""Depreciation for programs: the months of a unit, every line of one, a card's value on any day."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import rest_openapi
from api.depreciating import Posted
from api.office import Actor, Office
from api.parameters import day, flag, knowing, last, month, number
from api.rest_answers import no_such, reply
from api.rest_caller import Callers, check_id
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.depreciating import OBSTACLES, REMEDIES, Line, month_name

LINES_MAX: Final = 1_000
MONTH: Final = month("month", "月份 YYYY-MM · month")
LINES: Final = (
    MONTH,
    flag("faults", "true：只列未能计提的 · only what could not be written off"),
    number("limit", "至多几项 · how many at most", 1, LINES_MAX, 100),
    last("上一页最后一张卡片 · the last card of the page before"),
)
VALUE: Final = (
    day("on", "任意业务日期，过去或将来 · any business date, past or future"),
    knowing("known", "已知于：时间（UTC）或条数 · as known at a time (UTC) or a size of the log"),
)
CHECK: Final = (day("on", "业务日期，默认今天 · business date, today if not said"),)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the questions to the routes."""

    def unit_of(request: Request, actor: Actor, stream: str = "depreciation") -> str:
        id_ = check_id(request.path_params["id"])
        hidden = actor.scope.units is not None and id_ not in actor.scope.units
        if hidden or not office.book.stream(f"unit/{id_}").entries:
            raise no_such(f"{stream}/{id_}")
        return id_

    def months(request: Request, actor: Actor) -> Response:
        Questions(request, ()).check()
        found = office.depreciating.months(unit_of(request, actor))
        return reply(request, {"items": [plain(one) for one in found]})

    def lines(request: Request, actor: Actor) -> Response:
        questions = Questions(request, LINES)
        wanted = questions.month("month")
        faulty = questions.flag("faults") is True
        limit = questions.number("limit")
        after = questions.text("after")
        questions.check()
        unit = unit_of(request, actor)
        months_ = office.depreciating.months(unit)
        posted = next((one for one in months_ if one.event.month == wanted), None)
        if posted is None:
            raise no_such(f"depreciation/{unit}/{wanted}")
        found = [
            line
            for line in office.depreciating.lines(posted.event.sha256)
            if line.asset > after and (line.obstacle or not faulty)
        ]
        return reply(
            request,
            {
                **plain(posted),
                "items": [said(line) for line in found[:limit]],
                "next": found[limit - 1].asset if len(found) > limit else None,
            },
        )

    def value(request: Request, actor: Actor) -> Response:
        questions = Questions(request, VALUE)
        on = questions.day("on") or office.today(actor.zone).isoformat()
        known = questions.knowing("known")
        questions.check()
        id_ = check_id(request.path_params["id"])
        position = None
        if known:
            position = int(known) if known.isdecimal() else office.book.position_known(known)
        told = office.depreciating.worth(id_, date.fromisoformat(on), position)
        if told is None:
            raise no_such(f"asset/{id_}")
        return reply(
            request, {"asset": id_, "on": on, **msgspec.to_builtins(told), "net": told.net}
        )

    def agreement(request: Request, actor: Actor) -> Response:
        questions = Questions(request, CHECK)
        on = questions.day("on") or office.today(actor.zone).isoformat()
        questions.check()
        unit = unit_of(request, actor, "unit")
        found = office.journals.checked(unit, on)
        told = {"agrees": not found.broken, "broken": found.broken, "waiting": found.waiting}
        return reply(request, {"unit": unit, "on": on, **told})

    for path, answer, published in (
        ("/depreciation/{id}/months", months, rest_openapi.read("depreciation_months", "已计提的月份", "Months posted", [rest_openapi.id_of("depreciation")])),
        ("/depreciation/{id}/lines", lines, rest_openapi.read("depreciation_lines", "一个月的折旧明细账", "The lines of a month", [rest_openapi.id_of("depreciation"), *rest_openapi.asked(*LINES)])),
        ("/depreciation/{id}/check", agreement, rest_openapi.read("depreciation_check", "账账、账卡核对", "Do cards, ledgers and accounts agree", [rest_openapi.id_of("depreciation"), *rest_openapi.asked(*CHECK)])),
        ("/assets/{id}/value", value, rest_openapi.read("asset_value", "任意日期的原值、折旧与净值", "Cost, depreciation and net value on any day", [rest_openapi.id_of("asset"), *rest_openapi.asked(*VALUE)])),
    ):  # fmt: skip
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **published
        )


def plain(one: Posted) -> dict[str, Any]:
    """Return a month as values of JSON; amounts in fen."""
    event = one.event
    return {
        "month": event.month,
        "position": one.entry.position,
        "cards": event.cards,
        "charged": event.charged,
        "faults": event.faults,
        "sha256": event.sha256,
        "voucher": event.voucher,
        "totals": msgspec.to_builtins(event.totals),
    }


def said(line: Line) -> dict[str, Any]:
    """Return a line of the subsidiary ledger; what could not be written off says why."""
    value = {
        "asset": line.asset,
        "kind": line.kind,
        "currency": line.currency,
        "cost": line.cost,
        "residual": line.residual,
        "before": line.before,
        "charge": line.charge,
        "accumulated": line.accumulated,
        "through": month_name(line.through) if line.through >= 0 else None,
        "missed": line.missed,
    }
    if line.obstacle:
        why = OBSTACLES[line.obstacle]
        remedy = REMEDIES[why]
        value["obstacle"] = {
            "slug": why.value,
            "zh": f"{why.words.zh}；{remedy.zh}",
            "en": f"{why.words.en}: {remedy.en}",
        }
    return value
