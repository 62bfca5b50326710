"""Cases: loans, intakes, reallocations, disposals; the list, and beginning a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_export, pages_past, tables
from api.looking import Lists
from api.office import Office
from api.pages_inventory import EXPORT_PAGE_ROWS, PAGE_ROWS, TEXT_CHARS_MAX, openings
from api.pages_overview import status as status_words
from api.pages_phrases import PHRASES
from api.pages_sign import Member
from api.pages_steps import Step, prepared
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES, DATASETS
from api.tables import Column, List, declared
from domain.words import Words
from ledger.book import new_id
from projections import cases, ordering
from projections.scope import BadCursor

LIST = declared(
    List(
        path="/cases",
        title=Words("事项", "Cases"),
        sort="changed_on",
        descending=True,
        columns=(
            Column(name="id", words=Words("事项", "case")),
            Column(name="status", words=Words("状态", "status"), sorts=True),
            Column(name="title", words=Words("内容", "about"), sorts=True),
            Column(name="from_to", words=Words("从 → 到", "from → to"), wide=True),
            Column(name="items", words=Words("数量", "quantity"), num=True, wide=True),
            Column(name="amount", words=Words("金额", "amount"), num=True, wide=True, sorts=True),
            Column(name="changed_on", words=Words(*PHRASES["changed-on"]), wide=True, sorts=True),
            Column(name="due", words=Words("期限", "due"), sorts=True, apart=True),
            Column(name="opened_on", words=Words("提出日期", "opened on"), sorts=True, apart=True),
            Column(name="number", words=Words("文号", "number"), sorts=True, apart=True),
            Column(name="kind", words=Words("类别", "kind"), sorts=True, apart=True),
            Column(name="reason", words=Words("原因", "reason"), apart=True),
            Column(name="applicant", words=Words("申请人", "asked by"), apart=True),
            Column(name="currency", words=Words("币种", "currency"), apart=True),
            Column(name="dataset", words=Words("数据来源", "data set"), apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/cases")
    def listing(page: Member) -> Response:
        asked = asked_of(page)
        look = pages_past.looking(page)
        shown = tables.shown(page, LIST, past=look.past)
        there = pages_past.lists(page, look, cases.KINDS)
        after = page.request.query_params.get("after")
        try:
            rows, more = fetched(page, there, shown, asked, after, PAGE_ROWS)
        except BadCursor:
            raise HTTPException(404) from None
        name_of = pages_past.names(page, look)
        return page.render(
            "cases.html",
            422 if look.wrong else 200,
            asked=asked,
            look=look,
            shown=shown,
            count=there.rows(cases.count(page.actor.scope, **asked))[0]["rows"],
            cell=lambda row, name: cell(page, row, name, name_of),
            rows=rows,
            more=more,
            kinds=[(kind, page.t(f"kind-{kind}")) for kind in cases.KINDS],
            statuses=statuses(page, asked["kind"]),
            datasets=[(name, page.words(CHOICES["dataset"][name])) for name in DATASETS],
            url_of=lambda row: f"/cases/{row['id']}{page.query_only('on', 'known')}",
            begin=[] if look.past else openings(page),
            chips=chips(page, asked) + pages_past.chips(page, look),
        )

    def as_file(page: Page, ending: str) -> Response:
        look = pages_past.good(page)
        shown = tables.shown(page, LIST, past=look.past)
        there = pages_past.lists(page, look, cases.KINDS)
        asked, name_of = asked_of(page), pages_past.names(page, look)
        rows = tables.every(
            lambda after: fetched(page, there, shown, asked, after, EXPORT_PAGE_ROWS)
        )
        cells = tables.rows_of(shown, rows, lambda row, name: cell(page, row, name, name_of))
        return tables.file(ending, "cases", page.t("cases"), cells)

    @pages.get("/cases.csv")
    def as_csv(page: Member) -> Response:
        return as_file(page, "csv")

    @pages.get("/cases.xlsx")
    def as_xlsx(page: Member) -> Response:
        return as_file(page, "xlsx")

    @pages.get("/cases/new")
    def new(page: Member) -> Response:
        kind = page.request.query_params.get("kind", "")
        if kind not in cases.KINDS:
            raise HTTPException(404)
        return new_page(page, f"{kind}/{new_id()}")

    return pages


def asked_of(page: Page) -> dict[str, str]:
    """Read the questions in the address."""
    return {
        name: page.request.query_params.get(name, "").strip()[:TEXT_CHARS_MAX]
        for name in ("kind", "status", "text", "dataset")
    }


def fetched(
    page: Page,
    there: Lists,
    shown: tables.Shown,
    asked: dict[str, str],
    after: str | None,
    limit: int,
) -> tuple[Sequence[Any], str]:
    """Return a page of the list, and where it goes on; empty: nowhere."""
    query = cases.listing(
        page.actor.scope,
        **asked,
        sort=shown.sort,
        descending=shown.descending,
        after=after,
        limit=limit + 1,
    )
    rows = there.rows(query)
    last = rows[:limit][-1] if len(rows) > limit else None
    return rows[:limit], ordering.cursor(last, cases.cases.c[shown.sort]) if last else ""


def cell(page: Page, row: Any, name: str, name_of: Callable[[str, str], str]) -> Any:
    """Return what stands in a cell: words for codes, names for ids, amounts as numbers."""
    value = row["id"] if name == "from_to" else row[name]
    match name:
        case "id":
            return page.case_name(value)
        case "status":
            return status_words(page, row["kind"], value)
        case "title":
            return page.case_title(row)
        case "from_to":
            units = [name_of("unit", u) for u in (row["from_unit"], row["to_unit"]) if u]
            return " → ".join(units)
        case "amount":
            return None if value is None else pages_export.Amount(value)
        case "kind":
            return page.t(f"kind-{value}")
        case "reason" | "dataset":
            words = CHOICES[name].get(value)
            return page.words(words) if words else value
        case "applicant":
            return name_of("person", value) if value else ""
        case _:
            return value


def statuses(page: Page, kind: str) -> list[tuple[str, str]]:
    """Return the statuses a filter offers: those of one kind, or of all."""
    kinds = [kind] if kind in cases.KINDS else list(cases.KINDS)
    return list(
        {
            value: page.words(words)
            for k in kinds
            for value, words in CHOICES[f"status-{k}"].items()
            if value != "none"
        }.items()
    )


def chips(page: Page, asked: dict[str, str]) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    said = {
        "kind": page.t(f"kind-{asked['kind']}") if asked["kind"] in cases.KINDS else asked["kind"],
        "status": dict(statuses(page, asked["kind"])).get(asked["status"], asked["status"]),
        "dataset": page.words(CHOICES["dataset"].get(asked["dataset"], asked["dataset"])),
        "text": asked["text"],
    }
    return [
        (f"{page.t(f'filter-{name}')}: {words}", page.url(**{name: None, "after": None}))
        for name, words in said.items()
        if words
    ]


def new_page(
    page: Page, name: str, step: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the form that begins a case, with the chosen assets on its list."""
    kind = name.partition("/")[0]
    stream = page.office.book.stream(name)
    verb = step.verb if step is not None else dict(openings(page)).get(kind)
    if verb is None:
        return page.render(
            "message.html", 403, title=page.t(f"kind-{kind}"), text=page.t("cannot-begin")
        )
    typed: FormData | None = step.typed if step is not None else None
    source = page.request.query_params if typed is None else typed
    name_of_list = "asset" if typed is None else "assets"
    assets = tuple(dict.fromkeys(a for a in source.getlist(name_of_list) if isinstance(a, str)))
    known = {
        a for a in assets if page.office.book.stream(f"asset/{a}").version
    }  # an id somebody typed into the address may be no asset at all
    return page.render(
        "case_new.html",
        status,
        kind=kind,
        name=name,
        step=prepared(
            page, stream, step or Step(verb=verb, open=True), tuple(a for a in assets if a in known)
        ),
        wrong=wrong,
        back="/assets?" + urlencode({"dataset": "example"}),
        today=page.office.today(page.actor.zone).isoformat(),
    )
