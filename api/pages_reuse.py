"""What reuse brought about, as a page: every figure with its formula, and the exchanges behind it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api import changing, pages_export, reusing
from api.forms import Fault, Invalid
from api.office import Office
from api.pages_changes import csv_of
from api.pages_inventory import NOT_A_DAY, choices, is_day
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from domain.demand import DemandStatus
from projections import reuse
from projections.reuse import Asked, Told

PATH: Final = "/reuse"
ROWS: Final = 100  # exchanges shown; a file has all of them
TEXT_CHARS_MAX: Final = 100


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def figures(page: Member) -> Response:
        asked, known, wrong = asked_of(page)
        by = page.request.query_params.get("by", "")
        by = by if by in reusing.GROUPS else "unit"
        told = reuse.told(office.book, office.models, page.actor.scope, asked)
        return page.render(
            "reuse.html",
            422 if wrong else 200,
            asked=asked,
            known=known,
            wrong=wrong,
            by=by,
            figures=reusing.figures(told),
            groups=[(label(page, by, g.key), g) for g in grouped(page, told, by)],
            group_words=reusing.GROUPS,
            months=months(page, told),
            wanted_months=wanted_months(page, told),
            wants=told.wants[-ROWS:][::-1],
            wants_more=max(0, len(told.wants) - ROWS),
            statuses={status.value: status.words for status in DemandStatus},
            savings=told.savings[-ROWS:][::-1],
            more=max(0, len(told.savings) - ROWS),
            overdue=told.overdue,
            choices=choices(page),
            regions=regions(page),
            today=office.today(page.actor.zone).isoformat(),
            name_of=page.namer(asked.end),
            plain=reusing.plain,
        )

    @pages.get(f"{PATH}/wants.csv")
    def wants_csv(page: Member) -> Response:
        return csv_of(wanted(page, told_for(page)), "reuse-wants")

    @pages.get(f"{PATH}.csv")
    def as_csv(page: Member) -> Response:
        return csv_of(exchanges(page, told_for(page)), "reuse")

    @pages.get(f"{PATH}.xlsx")
    def as_xlsx(page: Member) -> Response:
        told = told_for(page)
        sheets = {
            page.t("reuse-figures-file"): table(page, told),
            page.t("reuse-exchanges"): exchanges(page, told),
            page.t("reuse-wants"): wanted(page, told),
        }
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "reuse", "xlsx")

    @pages.get(f"{PATH}/figures.csv")
    def figures_csv(page: Member) -> Response:
        return csv_of(table(page, told_for(page)), "reuse-figures")

    return pages


def asked_of(page: Page) -> tuple[Asked, str, list[Fault]]:
    """Read the questions in the address; what is wrong is named, the rest still answered."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    faults: list[Fault] = []
    days = {name: given.get(name, "") for name in ("from", "to", "known")}
    for name, value in days.items():
        exact = name == "known" and value.isdecimal() and len(value) < 13
        if value and not exact and not is_day(value):
            faults.append(Fault(name, NOT_A_DAY))
            days[name] = ""
    today = page.office.today(page.actor.zone).isoformat()
    start, end = days["from"] or f"{today[:4]}-01-01", days["to"] or today
    fault = changing.wrong(start, end, "", days["known"])
    if fault is not None:
        faults.append(Fault(*fault))
        start = end
    span = changing.span_of(page.office, start, end, "", days["known"])
    kind = given.get("kind", "")
    asked = Asked(
        start=start,
        end=end,
        known=span.known,
        unit=given.get("unit", ""),
        region=given.get("region", ""),
        kind=kind if kind in CHOICES["kind"] else "",
        class_code=given.get("class_code", ""),
        dataset=given.get("dataset", ""),
    )
    return asked, days["known"], faults


def told_for(page: Page) -> Told:
    """Answer the questions of a file, where an answer to half of them would be no answer."""
    asked, _, wrong = asked_of(page)
    if wrong:
        raise Invalid(wrong)
    return reuse.told(page.office.book, page.office.models, page.actor.scope, asked)


def grouped(page: Page, told: Told, by: str) -> list[reusing.Group]:
    """Return who contributed how much."""

    def region_of(unit: str) -> str:
        row = page.units.get(unit)
        return str(row["region"]) if row is not None else ""

    return reusing.grouped(told, by, region_of)


def label(page: Page, by: str, key: str) -> str:
    """Return the name of one line of a table."""
    if not key:
        return page.t("not-stated")
    if by == "unit":
        return page.name_of("unit", key)
    if by in ("kind", "ground"):
        return page.said("kind" if by == "kind" else "ground", key)
    return key


def regions(page: Page) -> list[str]:
    """Return the regions that units belong to."""
    return sorted({str(row["region"]) for row in page.units.values() if row["region"]})


def months(page: Page, told: Told) -> list[dict[str, Any]]:
    """Return what came in each month, as a chart takes it."""
    return [
        {"label": group.key, "count": group.taken_in + group.moved, "value": "", "url": PATH}
        for group in grouped(page, told, "month")
        if group.taken_in + group.moved
    ]


def wanted_months(page: Page, told: Told) -> list[dict[str, Any]]:
    """Return how many wants each month brought, and how many of them were met, for a chart."""
    return [
        {
            "label": group.key,
            "count": group.wanted,
            "value": page.t("reuse-of-these-met", n=group.met),
            "url": PATH,
        }
        for group in grouped(page, told, "month")
        if group.wanted
    ]


def exchanges(page: Page, told: Told) -> Any:
    """Return every exchange as rows to take home."""
    return reusing.savings_table(
        told.savings, page.lang, page.namer(told.asked.end), pages_export.Amount
    )


def wanted(page: Page, told: Told) -> Any:
    """Return every want as rows to take home."""
    return reusing.wants_table(told.wants, page.lang, page.namer(told.asked.end))


def table(page: Page, told: Told) -> list[tuple[Any, ...]]:
    """Return every figure with its formula and what it is worked out of."""
    rows: list[tuple[Any, ...]] = [
        tuple(
            page.t(key)
            for key in ("reuse-figure", "reuse-value", "reuse-currency", "reuse-formula")
        )
    ]
    for figure in reusing.figures(told):
        head = (page.words(figure.words), figure.text, figure.currency, page.words(figure.formula))
        rows.append(head)
        rows += [(f"— {page.words(words)}", value, "", "") for words, value in figure.inputs]
    return rows
