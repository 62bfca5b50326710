"""Asset cards, disposals, stocktakes and changes to take home, in the columns that are sent in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import card_template, cards_out, changing, lists_out
from api.forms import Fault, Invalid
from api.lists_out import CHANGES, DISPOSALS, STOCKTAKE
from api.office import Office
from api.pages_export import kept
from api.pages_inventory import NOT_A_DAY, asked_of, is_day
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page

ENDINGS = ("csv", "xlsx")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/cards.{ending}")
    def cards(ending: str, page: Member) -> Response:
        there(ending)
        asked, wrong = asked_of(page)
        if wrong:
            raise Invalid(wrong)
        filters = asked.filters if page.request.query_params else None
        content = cards_out.pieces_of(office, page.actor.scope, page.lang, ending, filters)
        return kept(content, "cards", ending)

    @pages.get("/cards/template.xlsx")
    def template(page: Member) -> Response:
        content = card_template.workbook(page.lang, page.unit_choices(), page.place_choices())
        return kept([content], "cards-template", "xlsx")

    @pages.get("/cards/disposals.{ending}")
    def disposals(ending: str, page: Member) -> Response:
        there(ending)
        rows = lists_out.disposals(office, page.actor.scope, page.lang, page.name_of)
        return listed(page, rows, DISPOSALS, ending)

    @pages.get("/cards/stocktakes/{id_}/results.{ending}")
    def stocktake(id_: str, ending: str, page: Member) -> Response:
        there(ending)
        if not office.book.stream(f"stocktake/{id_}").state.differences:
            raise HTTPException(404)
        rows = lists_out.stocktake(office, page.actor.scope, id_, page.lang, page.name_of)
        return listed(page, rows, STOCKTAKE, ending)

    @pages.get("/cards/changes.{ending}")
    def changes(ending: str, page: Member) -> Response:
        there(ending)
        asked = page.request.query_params
        first, last = changing.year_so_far(office.today(page.actor.zone))
        start, end = asked.get("from") or first, asked.get("to") or last
        wrong = [Fault(n, NOT_A_DAY) for n, d in (("from", start), ("to", end)) if not is_day(d)]
        if not wrong and (no := changing.wrong(start, end, "", "")):
            wrong = [Fault(*no)]
        if wrong:
            raise Invalid(wrong)
        rows = lists_out.changes(office, page.actor.scope, start, end, page.lang)
        return listed(page, rows, CHANGES, ending)

    return pages


def there(ending: str) -> None:
    """Answer 404 to an ending that no list has."""
    if ending not in ENDINGS:
        raise HTTPException(404)


def listed(page: Page, rows: Iterable[Iterable[Any]], what: str, ending: str) -> Response:
    """Return a list as a file to keep."""
    return kept(lists_out.pieces_of(rows, what, page.lang, ending), what, ending)
