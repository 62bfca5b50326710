"""The periods of a unit's books: which are closed, with their figures for ever, and the next close."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import changing
from api.forms import Invalid
from api.office import Office
from api.pages_changes import PATH
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, ask, blocked, possible
from api.pages_timeline import happened, lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.problems import ENTRY_TOO_LARGE
from domain.decider import LIFECYCLES, Refused
from ledger.act import Conflict
from ledger.entry import TooLarge


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
    verb = LIFECYCLES["period"].verbs.get(name)
    if verb is None or verb.inner:
        raise HTTPException(404)
    stream, step = f"period/{id_}", Step(verb=verb, typed=form, open=True)
    version = text(form, "version")
    try:
        receipt = ask(page, stream, step, int(version) if version.isdecimal() else None)
    except Invalid as invalid:
        step.faults = {f.path.partition("[")[0].partition(".")[0]: f.words for f in invalid.faults}
        return periods_page(page, id_, faulty=step, wrong=page.t("form-wrong"), status=422)
    except TooLarge:
        step.refusal = page.words(ENTRY_TOO_LARGE)
        return periods_page(page, id_, faulty=step, wrong=page.t("not-recorded"), status=422)
    except Refused as refused:
        step.refusal = refused.sentence(page.lang)
        return periods_page(page, id_, faulty=step, wrong=page.t("not-recorded"), status=409)
    except Conflict:
        step.refusal = page.t("conflict")
        return periods_page(page, id_, faulty=step, wrong=page.t("not-recorded"), status=409)
    mine = next(e for e in happened(page, receipt.first, receipt.count))
    return page.go(f"/periods/{id_}?done={mine.position}")
