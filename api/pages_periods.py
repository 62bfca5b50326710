"""The periods of a unit's books: which are closed, with their figures for ever, and the next close."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import changing, pages_asking
from api.office import Office
from api.pages_changes import PATH
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, possible
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/periods/{id_}")
    def periods(id_: str, page: Member) -> Response:
        return periods_page(page, id_)

    @pages.post("/periods/{id_}/do/{verb}")
    def periods_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        return do(page, id_, verb, form)

    return pages


def periods_page(
    page: Page, id_: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the closed periods of a unit; a unit nobody established is not found."""
    book = page.office.book
    if not book.stream(f"unit/{id_}").entries:
        raise HTTPException(404)
    stream = book.stream(f"period/{id_}")
    closes = changing.closes(page.office, id_)
    done = page.request.query_params.get("done", "")
    return page.render(
        "periods.html",
        status,
        stream=stream,
        id_=id_,
        unit=page.name_of("unit", id_),
        said=stream.state.describe(page.lang),
        closes=[
            (close, figures_of(id_, close), page.office.proving.covering(close.position))
            for close in reversed(closes)
        ],
        since=since_of(page, id_, closes[-1]) if closes else "",
        wrong=wrong,
        steps=possible(page, stream, faulty),
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
    )


def figures_of(unit: str, close: changing.Close) -> str:
    """Return the address of the figures of a closed period."""
    asked = {"from": close.start, "to": close.until, "unit": unit}
    known = {"known_from": str(close.then), "known_to": str(close.position)}
    return f"{PATH}?{urlencode(asked | known)}"


def since_of(page: Page, unit: str, last: changing.Close) -> str:
    """Return the address of what happened since the last close, late entries included."""
    today = page.office.today(page.actor.zone).isoformat()
    asked = {"from": last.until, "to": max(today, last.until), "unit": unit}
    return f"{PATH}?{urlencode(asked | {'known_from': str(last.position)})}"


def do(page: Page, id_: str, name: str, form: Any) -> Response:
    """Ask for a step; whatever stands in the way, the form comes back with what was typed."""

    def draw(step: Step, wrong: str, status: int) -> Response:
        return periods_page(page, id_, faulty=step, wrong=wrong, status=status)

    return pages_asking.do(page, f"period/{id_}", name, form, f"/periods/{id_}", draw)
