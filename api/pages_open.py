"""The page of open steps: what waits in every case, for whom, and since when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import open_cases, pages_past, tables
from api.looking import Lists
from api.office import Office
from api.open_cases import Open
from api.pages_inventory import EXPORT_PAGE_ROWS, PAGE_ROWS
from api.pages_past import Looking
from api.pages_phrases import PHRASES
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from domain.words import Words
from projections import cases, ordering
from projections.scope import BadCursor

LIST = declared(
    List(
        path="/open-steps",
        title=Words("待办事项", "Open steps"),
        columns=(
            Column(name="id", words=Words("事项", "case")),
            Column(name="next", words=Words(*PHRASES["next-step"])),
            Column(name="who", words=Words("由谁办理", "whose step it is")),
            Column(name="step_since", words=Words(*PHRASES["waits-since"]), wide=True, sorts=True),
            Column(name="days", words=Words(*PHRASES["waits-days"]), num=True, wide=True),
            Column(name="step_due", words=Words("办理期限", "due"), sorts=True),
            Column(name="title", words=Words("内容", "about"), sorts=True, apart=True),
            Column(name="number", words=Words("文号", "number"), sorts=True, apart=True),
            Column(name="kind", words=Words("类别", "kind"), sorts=True, apart=True),
            Column(name="unit", words=Words("单位", "unit"), apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/open-steps")
    def listing(page: Member) -> Response:
        look = pages_past.looking(page)
        asked, question = asked_of(page), question_of(page)
        shown = tables.shown(page, LIST, past=look.past)
        there = pages_past.lists(page, look, cases.KINDS)
        on = date.fromisoformat(look.day)
        given = page.request.query_params.get("after", "")
        try:
            rows, more = fetched(page, there, shown, look, given, PAGE_ROWS)
        except (BadCursor, ValueError):
            raise HTTPException(404) from None
        name_of = pages_past.names(page, look)
        return page.render(
            "open_steps.html",
            422 if look.wrong else 200,
            look=look,
            chips=pages_past.chips(page, look),
            asked=asked,
            on=on.isoformat(),
            shown=shown,
            count=there.rows(cases.count_open(page.actor.scope, on, **question))[0]["rows"],
            rows=rows,
            step_of=lambda row: open_cases.opened(row, on),
            cell=lambda row, name: cell(page, row, name, on, name_of),
            unit_of=lambda row: name_of("unit", row["step_unit"]) if row["step_unit"] else "",
            more=more,
            kinds=[(kind, page.t(f"kind-{kind}")) for kind in cases.KINDS],
        )

    def as_file(page: Page, ending: str) -> Response:
        look = pages_past.good(page)
        shown = tables.shown(page, LIST, past=look.past)
        there = pages_past.lists(page, look, cases.KINDS)
        on, name_of = date.fromisoformat(look.day), pages_past.names(page, look)
        rows = tables.every(
            lambda after: fetched(page, there, shown, look, after or "", EXPORT_PAGE_ROWS)
        )
        cells = tables.rows_of(shown, rows, lambda row, name: cell(page, row, name, on, name_of))
        return tables.file(ending, "open-steps", page.t("open-steps"), cells)

    @pages.get("/open-steps.csv")
    def as_csv(page: Member) -> Response:
        return as_file(page, "csv")

    @pages.get("/open-steps.xlsx")
    def as_xlsx(page: Member) -> Response:
        return as_file(page, "xlsx")

    return pages


def asked_of(page: Page) -> dict[str, str]:
    """Read the questions in the address."""
    given = page.request.query_params
    days = given.get("days", "").strip()
    return {
        "kind": given.get("kind", "") if given.get("kind") in cases.KINDS else "",
        "days": days if days.isdecimal() and int(days) <= open_cases.DAYS_MAX else "",
        "mine": "1" if given.get("mine") == "1" else "",
        "overdue": "1" if given.get("overdue") == "1" else "",
    }


def question_of(page: Page) -> dict[str, Any]:
    """Return what is asked of the list."""
    asked = asked_of(page)
    return {
        "kind": asked["kind"],
        "role": page.actor.role if asked["mine"] else "",
        "days": int(asked["days"] or 0),
        "overdue": bool(asked["overdue"]),
    }


def fetched(
    page: Page, there: Lists, shown: tables.Shown, look: Looking, after: str, limit: int
) -> tuple[Sequence[Any], str]:
    """Return a page of the list, and where it goes on; raise ValueError for a strange cursor."""
    on = date.fromisoformat(look.day)
    query = cases.open_steps(
        page.actor.scope,
        on,
        **question_of(page),
        sort=shown.sort,
        descending=shown.descending,
        after=after or None if shown.sort else open_cases.after_of(after),
        limit=limit + 1,
    )
    rows = there.rows(query)
    if len(rows) <= limit:
        return rows, ""
    last = rows[limit - 1]
    if shown.sort:
        return rows[:limit], ordering.cursor(last, cases.cases.c[shown.sort])
    return rows[:limit], open_cases.cursor_of(open_cases.opened(last, on))


def cell(page: Page, row: Any, name: str, on: date, name_of: Callable[[str, str], str]) -> Any:
    """Return what stands in a cell, in words."""
    step: Open = open_cases.opened(row, on)
    match name:
        case "id":
            return page.case_name(step.case)
        case "next":
            return page.words(step.words)
        case "who":
            return ("、" if page.lang == "zh" else ", ").join(page.words(w) for w in step.owners())
        case "days":
            return step.age_days
        case "title":
            return page.case_title(row)
        case "kind":
            return page.t(f"kind-{step.kind}")
        case "unit":
            return name_of("unit", step.unit) if step.unit else ""
        case _:
            return row[name]
