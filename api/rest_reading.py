"""Every question as a route: what programs may ask and how it is published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import rest_openapi
from api.office import Office
from api.registers import REGISTERS
from api.rest_answers import (
    AS_OF,
    KNOWN_AT,
    PAGE,
    Answer,
)
from api.rest_caller import Callers
from api.rest_many import (
    BY,
    CASES,
    ENTRIES,
    FILTERS,
    NUMBERS,
    OPEN_STEPS,
    SCAN,
    TOTALS,
    Many,
    questions_of,
)
from api.rest_one import LINES, One
from domain.decider import LIFECYCLES


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add every question to the routes."""
    one, many_ = One(office), Many(office)
    asked, read = rest_openapi.asked, rest_openapi.read
    many: list[tuple[str, Answer, dict[str, Any]]] = [
        ("/inventory", many_.inventory, read("inventory", "库存", "Inventory", asked(*FILTERS, *PAGE, TOTALS))),
        ("/inventory/totals", many_.totals, read("inventory_totals", "库存合计", "Inventory totals", asked(*FILTERS, BY))),
        ("/cases", many_.cases, read("cases", "事项", "Cases", asked(*CASES))),
        ("/open-steps", many_.open_steps, read("open_steps", "待办步骤", "Open steps", asked(*OPEN_STEPS))),
        ("/units", many_.units, read("units", "单位", "Units", asked(AS_OF, KNOWN_AT))),
        ("/places", many_.places, read("places", "地点", "Places", asked(AS_OF, KNOWN_AT))),
        *(
            (f"/{path}", many_.register(kind), read(f"{path}_list", REGISTERS[kind].title.zh, REGISTERS[kind].title.en, asked(*questions_of(kind))))
            for kind, path in (("series", "series"), ("quota", "quotas"), ("confiscated", "confiscated"), ("package", "packages"), ("demand", "wants"), ("due", "dues"))
        ),
        ("/series/{id}/numbers", many_.numbers, read("series_numbers", "序列的文号", "Numbers of a series", [rest_openapi.id_of("series"), *asked(*NUMBERS)])),
        ("/scan", many_.scan, read("scan", "扫描", "Scan", asked(*SCAN))),
        ("/entries", many_.entries, read("entries", "账本条目原文", "Entries as stored", asked(*ENTRIES))),
        ("/verification", many_.verification, read("verification", "校验全部条目", "Check the whole log", [])),
        ("/assets/{id}/label.png", one.label, read("asset_label", "资产标签", "Label of an asset", [rest_openapi.id_of("asset")], media="image/png")),
    ]  # fmt: skip
    for kind, life in LIFECYCLES.items():
        id_, zh, en = rest_openapi.id_of(kind), life.words.zh, life.words.en
        many += [
            (f"/{kind}/{{id}}", one.thing(kind), read(f"{kind}_state", f"{zh}现状", f"{en}: state", [id_, *asked(AS_OF, KNOWN_AT)])),
            (f"/{kind}/{{id}}/history", one.history(kind), read(f"{kind}_history", f"{zh}历史", f"{en}: history", [id_, *asked(*LINES)])),
        ]  # fmt: skip
    for path, answer, published in many:
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **published
        )
    once = read("head", "账本的条数与树根", "Size and root of the log", [])
    # The description learns here what a problem looks like and how a caller is known.
    once["responses"][401]["model"] = rest_openapi.Problem
    routes.add_api_route(
        "/head",
        endpoint_of(callers, many_.head),
        methods=["GET"],
        response_model=None,
        dependencies=rest_openapi.SCHEMES,
        **once,
    )


def endpoint_of(callers: Callers, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that knows its caller and works beside the event loop."""

    def work(request: Request) -> Response:
        return answer(request, callers.actor(request))

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(work, request)

    return endpoint
