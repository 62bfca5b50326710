"""People: who has which role where, in whose stead they act, and how that came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_bundles, pages_past, pages_read_by, tables, tables_here
from api.forms import Invalid
from api.office import Office
from api.pages_phrases import PHRASES
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, ask, blocked, possible
from api.pages_telling import NameOf
from api.pages_timeline import happened, lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from api.tables_here import Cell
from domain.decider import LIFECYCLES, Refused
from domain.words import Words
from ledger.act import Conflict
from projections import people

LIST: Final = declared(
    List(
        path="/people",
        title=Words("岗位", "People"),
        columns=(
            Column(name="person", words=Words(*PHRASES["person"]), sorts=True),
            Column(name="unit", words=Words(*PHRASES["unit"]), sorts=True),
            Column(name="role", words=Words(*PHRASES["role"]), sorts=True),
            Column(name="delegator", words=Words("代何人", "in whose stead"), sorts=True),
            Column(name="since", words=Words("自", "from"), wide=True, sorts=True),
            Column(name="until", words=Words("至", "to"), wide=True, sorts=True),
            Column(name="id", words=Words("编号", "id"), sorts=True, apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/people")
    def listing(page: Member) -> Response:
        look = pages_past.looking(page)
        shown, rows, cell = listed(page, look)
        some, more = tables_here.part(page, rows, key_of)
        return page.render(
            "people.html",
            422 if look.wrong else 200,
            look=look,
            chips=pages_past.chips(page, look),
            text=text_of(page),
            on=look.day,
            shown=shown,
            cell=cell,
            rows=some,
            count=len(rows),
            more=more,
        )

    tables_here.files(pages, LIST, lambda page: listed(page, pages_past.good(page)))

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


def listed(page: Page, look: pages_past.Looking) -> tuple[tables.Shown, list[Any], Cell]:
    """Return who has which role where on a day, in the order that is asked for."""
    rows = page.office.models.rows(people.people_at(look.day, look.position))
    name_of, on = pages_past.names(page, look), date.fromisoformat(look.day)
    found = [told(page, one, name_of) for one in seen(page, people.holders(rows, on))]
    wanted = text_of(page).casefold()
    rows_ = [row for row in found if wanted in row["searched"].casefold()]
    rows_.sort(key=lambda row: (row["unit"], row["role"], row["person"], key_of(row)))
    shown = tables.shown(page, LIST)
    return shown, tables_here.ordered(shown, rows_, cell), cell


def cell(row: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell."""
    return row[name]


def key_of(row: dict[str, Any]) -> str:
    """Return what tells one power of the list from all others."""
    return "~".join(str(row[name]) for name in ("id", "unit_id", "role", "delegator_id", "since"))


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
