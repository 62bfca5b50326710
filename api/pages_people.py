"""People: who has which role where, in whose stead they act, and how that came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_bundles, pages_past, pages_read_by
from api.forms import Invalid
from api.office import Office
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, ask, blocked, possible
from api.pages_telling import NameOf
from api.pages_timeline import happened, lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import LIFECYCLES, Refused
from domain.words import Words
from ledger.act import Conflict
from projections import people

SHOWN_MAX = 2_000


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/people")
    def listing(page: Member) -> Response:
        look = pages_past.looking(page)
        rows = office.models.rows(people.people_at(look.day, look.position))
        name_of = pages_past.names(page, look)
        on = date.fromisoformat(look.day)
        found = [told(page, one, name_of) for one in seen(page, people.holders(rows, on))]
        wanted = text_of(page).casefold()
        shown = [row for row in found if wanted in row["searched"].casefold()]
        return page.render(
            "people.html",
            422 if look.wrong else 200,
            look=look,
            chips=pages_past.chips(page, look),
            text=text_of(page),
            on=look.day,
            rows=sorted(shown, key=lambda row: (row["unit"], row["role"], row["person"]))[
                :SHOWN_MAX
            ],
        )

    @pages.get("/people/{id_}")
    def person(id_: str, page: Member) -> Response:
        return show(page, id_)

    @pages.post("/people/{id_}/do/{verb}")
    def person_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        return do(page, id_, verb, form)

    return pages


def seen(page: Page, holders: Iterable[people.Holder]) -> Iterator[people.Holder]:
    """Yield who has a role in a unit that the reader sees, and the reader."""
    mine = page.actor.scope.units
    for one in holders:
        if mine is None or one.unit in mine or page.actor.person in (one.person, one.delegator):
            yield one


def in_unit(page: Page, unit: str) -> list[dict[str, Any]]:
    """Return who has which role in a unit today."""
    on = page.office.today(page.actor.zone)
    rows = page.office.models.rows(people.people_at(on.isoformat(), unit=unit))
    return [told(page, one) for one in seen(page, people.holders(rows, on, unit=unit))]


def text_of(page: Page) -> str:
    """Return what the reader looks for."""
    return page.request.query_params.get("text", "").strip()[:80]


def told(page: Page, holder: people.Holder, names: NameOf | None = None) -> dict[str, Any]:
    """Return one power as the template draws it, with the names of now or of another day."""
    name_of = names or page.name_of
    row = {
        "id": holder.person,
        "person": page.name_of("person", holder.person),
        "unit_id": holder.unit,
        "unit": name_of("unit", holder.unit),
        "role": page.words(Words.of(holder.role)),
        "since": holder.since,
        "until": holder.until,
        "delegator_id": holder.delegator,
        "delegator": page.name_of("person", holder.delegator) if holder.delegator else "",
    }
    return row | {"searched": " ".join(row.values())}


def show(
    page: Page, id_: str, status: int = 200, wrong: str = "", faulty: Step | None = None
) -> Response:
    """Draw the page of a person; `faulty` is a form that comes back with what was typed."""
    stream = page.office.book.stream(f"person/{id_}")
    name = page.name_of("person", id_)
    if not stream.entries and name == id_:
        raise HTTPException(404)
    today = page.office.today(page.actor.zone)
    rows = page.office.models.rows(people.people_at(today.isoformat(), person=id_))
    powers = [told(page, one) for one in seen(page, people.holders(rows))]
    done = page.request.query_params.get("done", "")
    return page.render(
        "person.html",
        status,
        stream=stream,
        id_=id_,
        name=name,
        wrong=wrong,
        today=today.isoformat(),
        powers=[row for row in powers if row["id"] == id_],
        delegated=[row for row in powers if row["delegator_id"] == id_],
        bundle=pages_bundles.of_person(page, stream),
        seen=pages_read_by.panel(page, stream.name),
        steps=possible(page, stream, faulty),
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
    )


def do(page: Page, id_: str, verb_name: str, form: FormData) -> Response:
    """Ask for a step; whatever stands in the way, the form comes back with what was typed."""
    verb = LIFECYCLES["person"].verbs.get(verb_name)
    if verb is None or verb.inner:
        raise HTTPException(404)
    step = Step(verb=verb, typed=form, open=True)
    version = text(form, "version")
    try:
        receipt = ask(page, f"person/{id_}", step, int(version) if version.isdecimal() else None)
    except Invalid as invalid:
        step.faults = {f.path.partition("[")[0].partition(".")[0]: f.words for f in invalid.faults}
        return show(page, id_, 422, page.t("form-wrong"), step)
    except Refused as refused:
        step.refusal = refused.sentence(page.lang)
        return show(page, id_, 409, page.t("not-recorded"), step)
    except Conflict:
        step.refusal = page.t("conflict")
        return show(page, id_, 409, page.t("not-recorded"), step)
    mine = next(e for e in happened(page, receipt.first, receipt.count))
    return page.go(f"/people/{id_}?done={mine.position}")
