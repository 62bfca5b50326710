"""A unit's depreciation: what was posted by class, what could not be and what to do, the agreement."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_asking
from api.depreciating import Document
from api.office import Office
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, possible
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.depreciating import OBSTACLES, REMEDIES
from projections import inventory

FAULTS_MAX = 200  # shown; all of them are in the evidence
BROKEN_MAX = 100


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/depreciation/{id_}")
    def depreciation(id_: str, page: Member) -> Response:
        return drawn(page, id_)

    @pages.post("/depreciation/{id_}/do/{verb}")
    def depreciation_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        return do(page, id_, verb, form)

    return pages


def drawn(
    page: Page, id_: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the months of a unit, the one that is asked for (or the last) by class."""
    office = page.office
    if not office.book.stream(f"unit/{id_}").entries:
        raise HTTPException(404)
    if page.actor.scope.units is not None and id_ not in page.actor.scope.units:
        raise HTTPException(404)
    stream = office.book.stream(f"depreciation/{id_}")
    months = office.depreciating.months(id_)
    asked = page.request.query_params.get("month", "")
    shown = next((one for one in months if one.event.month == asked), None)
    if asked and shown is None:
        raise HTTPException(404)
    shown = shown or (months[-1] if months else None)
    document = office.depreciating.document(shown.event.sha256) if shown else None
    checking = shown is not None and page.request.query_params.get("check") == "1"
    broken = office.depreciating.agreement(id_, shown.event.month) if checking and shown else None
    done = page.request.query_params.get("done", "")
    return page.render(
        "depreciation.html",
        status,
        stream=stream,
        id_=id_,
        unit=page.name_of("unit", id_),
        said=stream.state.describe(page.lang),
        lives=stream.state,
        months=list(reversed(months)),
        shown=shown,
        faults=faults(page, document) if document else [],
        faults_in_all=len(document.faults) if document else 0,
        broken=broken[:BROKEN_MAX] if broken is not None else None,
        wrong=wrong,
        steps=possible(page, stream, faulty),
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
    )


def faults(page: Page, document: Document) -> list[dict[str, Any]]:
    """Return what could not be written off: the card, why, and what is to be done."""
    some = document.faults[:FAULTS_MAX]
    rows = page.office.models.rows(inventory.of_ids(page.actor.scope, [id_ for id_, _ in some]))
    called = {row["id"]: f"{row['asset_no']} {row['name']}" for row in rows}
    return [
        {
            "url": f"/assets/{id_}",
            "card": called.get(id_, id_),
            "why": page.words(OBSTACLES[why].words),
            "remedy": page.words(REMEDIES[OBSTACLES[why]]),
        }
        for id_, why in some
    ]


def do(page: Page, id_: str, name: str, form: Any) -> Response:
    """Ask for a step; whatever stands in the way, the form comes back with what was typed."""

    def draw(step: Step, wrong: str, status: int) -> Response:
        return drawn(page, id_, faulty=step, wrong=wrong, status=status)

    return pages_asking.do(page, f"depreciation/{id_}", name, form, f"/depreciation/{id_}", draw)
