"""Standing findings as a page: how many of each, what was found, and the entries that show it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api import finding, tables, tables_here
from api.office import Office
from api.pages_phrases import PHRASES
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from api.tables_here import Cell
from domain.words import Words
from ledger.findings import CHECKS, LATE_DAYS, Finding, Findings

LIST: Final = declared(
    List(
        path="/audit/findings",
        title=Words(*PHRASES["findings"]),
        columns=(
            Column(name="title", words=Words(*PHRASES["findings-check"]), sorts=True),
            Column(name="sentence", words=Words(*PHRASES["what"])),
            Column(name="name", words=Words(*PHRASES["findings-stream"]), sorts=True),
            Column(name="on", words=Words(*PHRASES["business-date"]), sorts=True),
            Column(name="position", words=Words(*PHRASES["position"]), num=True, sorts=True),
            Column(name="law", words=Words(*PHRASES["findings-law"]), sorts=True, apart=True),
            Column(name="stream", words=Words("编号", "id"), sorts=True, apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit/findings")
    def findings(page: Member) -> Response:
        told = told_to(page)
        check = page.request.query_params.get("check", "")
        shown_, found, cell = asked_for(page, told)
        rows, more = tables_here.part(page, found, key_of)
        return page.render(
            "findings.html",
            told=told,
            check=check if check in CHECKS else "",
            counts=[(c, CHECKS[c], n) for c, n in told.counts.items()],
            shown=shown_,
            cell=cell,
            rows=rows,
            count=len(found),
            more=more,
            checks=[(c, known.words) for c, known in CHECKS.items() if c not in told.counts],
        )

    tables_here.files(
        pages,
        LIST,
        lambda page: asked_for(page, told_to(page)),
        lambda page: table(page, told_to(page)),
    )
    return pages


def told_to(page: Page) -> Findings:
    """Return the findings for whoever may read them."""
    if not page.may(*finding.READERS):
        raise Forbidden
    days = page.request.query_params.get("late_days", "")
    late_days = int(days) if days.isdecimal() and len(days) < 5 else LATE_DAYS
    return finding.found(page.office, min(late_days, finding.LATE_DAYS_MAX))


def asked_for(page: Page, told: Findings) -> tuple[tables.Shown, list[dict[str, Any]], Cell]:
    """Return the findings of a check, or of all, in the order that is asked for."""
    check = page.request.query_params.get("check", "")
    how = tables.shown(page, LIST)
    rows = [shown(page, f) for f in told.found if check in ("", f.check)]
    return how, tables_here.ordered(how, rows, cell_of), cell_of


def cell_of(row: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell."""
    match name:
        case "on" | "position" | "stream":
            return getattr(row["finding"], name) or ""
        case _:
            return row[name]


def key_of(row: dict[str, Any]) -> str:
    """Return what tells one finding from all others."""
    one: Finding = row["finding"]
    return f"{one.check}~{one.position}~{one.stream}~{one.on}"


def shown(page: Page, found: Finding) -> dict[str, Any]:
    """Return one finding in words, with the names of its day."""
    names = page.namer_then(found.on) if found.on else page.name_of
    return {
        "finding": found,
        "title": finding.title(found.check, page.lang),
        "note": CHECKS[found.check].note,
        "sentence": finding.sentence(found, page.lang, names),
        "law": finding.law(found.check, page.lang),
        "url": address(found.stream) if found.stream else "",
        "name": page.case_name(found.stream) if found.stream else "",
    }


def table(page: Page, told: Findings) -> Any:
    """Yield the findings as rows to take home."""
    heads = (
        "findings-check",
        "position",
        "findings-stream",
        "business-date",
        "what",
        "findings-law",
    )
    yield [page.t(key) for key in heads]
    for found in told.found:
        row = shown(page, found)
        position = str(found.position or "")
        yield [row["title"], position, found.stream, found.on, row["sentence"], row["law"]]
