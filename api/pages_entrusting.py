"""What a company that runs a warehouse was entrusted with: every agreement, and the steps about it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_asking
from api.office import Office
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, possible
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.entrusting import lifecycle


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/entrustments/{id_}")
    def entrustment(id_: str, page: Member) -> Response:
        return drawn(page, id_)

    @pages.post("/entrustments/{id_}/do/{verb}")
    def do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        def draw(step: Step, wrong: str, status: int) -> Response:
            return drawn(page, id_, faulty=step, wrong=wrong, status=status)

        stream = f"entrustment/{id_}"
        return pages_asking.do(page, stream, verb, form, f"/entrustments/{id_}", draw)

    return pages


def drawn(
    page: Page, id_: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the agreements with a unit; one that nobody established is not found."""
    if not page.office.book.stream(f"unit/{id_}").entries:
        raise HTTPException(404)
    stream = page.office.book.stream(f"entrustment/{id_}")
    today = page.office.today(page.actor.zone)
    done = page.request.query_params.get("done", "")
    return page.render(
        "entrustment.html",
        status,
        stream=stream,
        id_=id_,
        title=page.words(lifecycle.words),
        unit=page.name_of("unit", id_),
        said=stream.state.describe(page.lang),
        agreements=[
            (a, "runs" if a.runs(today) else "later" if a.since > today else "over")
            for a in reversed(stream.state.agreements)
        ],
        wrong=wrong,
        steps=possible(page, stream, faulty),
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
    )
