"""What changed between two dates, as a page: every figure leads to its events, and to take home."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from api import changing, pages_export
from api.forms import Fault, Invalid
from api.office import Office
from api.pages_inventory import NOT_A_DAY, choices, is_day
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_telling import tell
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from projections.changes import FIGURES, Only, Span

PATH = "/audit/changes"
TEXT_CHARS_MAX = 100
FILTERS = ("unit", "kind", "dataset")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The questions in the address, and what was wrong with them."""

    start: str
    end: str
    then: str
    known: str
    only: Only
    wrong: tuple[Fault, ...] = ()

    def query(self, what: str, line: changing.Line | None) -> str:
        """Return the address of the events of one figure."""
        said = {"from": self.start, "to": self.end, "known_from": self.then, "known_to": self.known}
        said |= {"unit": self.only.unit, "kind": self.only.kind, "dataset": self.only.dataset}
        if line is not None:
            said |= {"unit": line.unit or self.only.unit, "kind": line.kind or self.only.kind}
            said |= {"currency": line.currency}
        said["figure"] = what
        return f"{PATH}/events?{urlencode({k: v for k, v in said.items() if v})}"


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def statement(page: Member) -> Response:
        asked = asked_of(page)
        lines = changing.statement(office, page.actor.scope, span_of(page, asked), asked.only)
        return page.render(
            "changes.html",
            422 if asked.wrong else 200,
            asked=asked,
            figures=FIGURES,
            figure_words=changing.WORDS,
            groups=changing.by_unit(lines),
            totals=changing.totals(lines),
            name_of=page.namer(asked.end),
            choices=choices(page),
            today=office.today(page.actor.zone).isoformat(),
        )

    @pages.get(f"{PATH}.csv")
    def as_csv(page: Member) -> Response:
        return csv_of(table(page, good(page)), "changes")

    @pages.get(f"{PATH}.xlsx")
    def as_xlsx(page: Member) -> Response:
        sheets = {page.t("between"): table(page, good(page))}
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "changes", "xlsx")

    @pages.get(f"{PATH}/events")
    def events(page: Member) -> Response:
        asked, what = good(page), figure_of(page)
        span = span_of(page, asked)
        found, more = changing.movements(
            office, page.actor.scope, span, what, asked.only,
            after=page.request.query_params.get("after") or None, limit=changing.PAGE_ROWS,
        )  # fmt: skip
        return page.render(
            "changes_events.html",
            asked=asked,
            what=what,
            words=changing.WORDS[what],
            back=page.query(figure=None, after=None, currency=None),
            rows=[shown(page, span, what, row, entry) for row, entry in found],
            more=more or "",
        )

    @pages.get(f"{PATH}/events.csv")
    def events_csv(page: Member) -> Response:
        asked, what = good(page), figure_of(page)
        span = span_of(page, asked)
        rows = changing.events_table(
            office, page.actor.scope, span, what, asked.only, page.lang, pages_export.Amount
        )
        return csv_of(rows, f"changes-{what}")

    return pages


def asked_of(page: Page) -> Asked:
    """Read the questions in the address; what is wrong is named, the rest still answered."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    faults: list[Fault] = []
    days = {name: given.get(name, "") for name in ("from", "to", "known_from", "known_to")}
    for name, value in days.items():
        exact = name.startswith("known") and value.isdecimal() and len(value) < 13
        if value and not exact and not is_day(value):
            faults.append(Fault(name, NOT_A_DAY))
            days[name] = ""
    first, last = changing.year_so_far(page.office.today(page.actor.zone))
    start, end = days["from"] or first, days["to"] or last
    fault = changing.wrong(start, end, days["known_from"], days["known_to"])
    if fault is not None:
        faults.append(Fault(*fault))
        if fault[0] == "from":
            start = end
        else:
            days["known_from"] = ""
    kind = given.get("kind", "")
    only = Only(
        unit=given.get("unit", ""),
        kind=kind if kind in CHOICES["kind"] else "",
        currency=given.get("currency", ""),
        dataset=given.get("dataset", ""),
    )
    then, known = days["known_from"], days["known_to"]
    return Asked(
        start=start, end=end, then=then, known=known, only=only, wrong=tuple(faults)
    )  # fmt: skip


def good(page: Page) -> Asked:
    """Return the questions, where an answer to half of them would be no answer."""
    asked = asked_of(page)
    if asked.wrong:
        raise Invalid(list(asked.wrong))
    return asked


def figure_of(page: Page) -> str:
    """Return the figure whose events are asked for; another one is not found."""
    what = page.request.query_params.get("figure", "")
    if what not in FIGURES:
        raise HTTPException(404)
    return what


def span_of(page: Page, asked: Asked) -> Span:
    """Return the span in the terms of the log."""
    return changing.span_of(page.office, asked.start, asked.end, asked.then, asked.known)


def shown(page: Page, span: Span, what: str, row: Any, entry: Any) -> dict[str, Any]:
    """Return one movement in words, with the names of its day."""
    names = page.namer_then(entry.effective_on)
    card = changing.card_of(page.office, row, span, what)
    return {
        "row": row,
        "entry": entry,
        "asset": f"{card['asset_no'] or row['id']} {card['name']}" if card else row["id"],
        "url": address(entry.stream),
        "unit": names("unit", row["unit"]),
        "sentence": tell(entry.event, page.lang, names, row["currency"]),
        "recorded": page.local(entry.recorded_at),
        "late": page.local(entry.recorded_at)[:10] > entry.effective_on,
    }


def table(page: Page, asked: Asked) -> Any:
    """Return the statement as rows to take home."""
    lines = changing.statement(
        page.office, page.actor.scope, span_of(page, asked), asked.only
    )  # fmt: skip
    return changing.table(lines, page.lang, page.namer(asked.end), pages_export.Amount)


def csv_of(rows: Any, name: str) -> Response:
    """Return rows as a CSV file to keep."""
    return StreamingResponse(
        pages_export.csv_bytes(rows),
        headers=named(f"{name}.csv"),
        media_type="text/csv; charset=utf-8",
    )


def named(name: str) -> dict[str, str]:
    """Return the headers that make a browser keep a file under a name."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
