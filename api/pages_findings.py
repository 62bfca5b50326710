"""Standing findings as a page: how many of each, what was found, and the entries that show it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api import finding
from api.office import Office
from api.pages_changes import csv_of
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from ledger.findings import CHECKS, LATE_DAYS, Finding, Findings

ROWS_MAX = 200


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit/findings")
    def findings(page: Member) -> Response:
        told = told_to(page)
        check = page.request.query_params.get("check", "")
        mine = [f for f in told.found if check in ("", f.check)]
        return page.render(
            "findings.html",
            told=told,
            check=check if check in CHECKS else "",
            counts=[(c, CHECKS[c], n) for c, n in told.counts.items()],
            rows=[shown(page, f) for f in mine[:ROWS_MAX]],
            left=len(mine) - ROWS_MAX,
            checks=[(c, known.words) for c, known in CHECKS.items() if c not in told.counts],
        )

    @pages.get("/audit/findings.csv")
    def as_csv(page: Member) -> Response:
        return csv_of(table(page, told_to(page)), "findings")

    return pages


def told_to(page: Page) -> Findings:
    """Return the findings for whoever may read them."""
    if not page.may(*finding.READERS):
        raise Forbidden
    days = page.request.query_params.get("late_days", "")
    late_days = int(days) if days.isdecimal() and len(days) < 5 else LATE_DAYS
    return finding.found(page.office, min(late_days, finding.LATE_DAYS_MAX))


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
