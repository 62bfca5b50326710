"""Units and places: who there is, what they answer for, and where things are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api import pages_past, seeking, tables, tables_here
from api.office import Office
from api.pages_phrases import PHRASES
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import FOREIGN, Page
from api.pages_words import CHOICES
from api.tables import Column, List, Shown, declared
from api.tables_here import Cell, Taken
from domain.words import Words
from projections import history, inventory, units
from projections.scope import Filters

TEXT_CHARS_MAX: Final = 80
UNITS: Final = declared(
    List(
        path="/units",
        title=Words("单位", "Units"),
        columns=(
            Column(name="name", words=Words("单位", "unit"), sorts=True),
            Column(name="kind", words=Words(*PHRASES["unit-kind"]), wide=True, sorts=True),
            Column(name="assets", words=Words(*PHRASES["on-its-books"]), num=True, sorts=True),
            Column(name="competent", words=Words(*PHRASES["competent"]), sorts=True, apart=True),
            Column(name="parent", words=Words(*PHRASES["parent"]), sorts=True, apart=True),
            Column(name="region", words=Words("行政区划", "region"), sorts=True, apart=True),
            Column(name="uscc", words=Words(*PHRASES["uscc"]), sorts=True, apart=True),
            Column(name="ends_on", words=Words("存续至", "ends on"), sorts=True, apart=True),
            Column(
                name="changed_on", words=Words("变动日期", "changed on"), sorts=True, apart=True
            ),
            Column(name="id", words=Words("编号", "id"), sorts=True, apart=True),
        ),
    )
)
PLACES: Final = declared(
    List(
        path="/places",
        title=Words("地点", "Places"),
        columns=(
            Column(name="name", words=Words("地点", "place"), sorts=True),
            Column(name="kind", words=Words(*PHRASES["place-kind"]), sorts=True),
            Column(name="unit", words=Words(*PHRASES["run-by"]), wide=True, sorts=True),
            Column(name="part_of", words=Words("隶属", "branch of"), wide=True, sorts=True),
            Column(
                name="changed_on", words=Words("变动日期", "changed on"), sorts=True, apart=True
            ),
            Column(name="id", words=Words("编号", "id"), sorts=True, apart=True),
        ),
    )
)


class Asked(msgspec.Struct, frozen=True):
    """What is asked of units and places; `where`: home, foreign or all."""

    text: str
    where: str


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/units")
    def unit_list(page: Member) -> Response:
        look = pages_past.looking(page)
        return listed(
            page,
            "units.html",
            look,
            units_of(page, look),
            foreign=sum(row["kind"] == FOREIGN for row in everyone(page, look)),
            left=[]
            if look.past
            else office.models.rows(
                units.left_behind(page.actor.scope, office.today().isoformat())
            ),
        )

    @pages.get("/places")
    def place_list(page: Member) -> Response:
        look = pages_past.looking(page)
        return listed(page, "places.html", look, places_of(page, look))

    tables_here.files(pages, UNITS, lambda page: taken(page, units_of))
    tables_here.files(pages, PLACES, lambda page: taken(page, places_of))
    return pages


Found = tuple[Shown, Asked, Sequence[Any], Cell]


def listed(
    page: Page, template: str, look: pages_past.Looking, found: Found, **values: Any
) -> Response:
    """Draw one part of a list that long; a day that is none is told, the rest still answered."""
    shown, asked, rows, cell = found
    some, more = tables_here.part(page, rows, by_id)
    return page.render(
        template,
        422 if look.wrong else 200,
        look=look,
        chips=pages_past.chips(page, look),
        asked=asked,
        shown=shown,
        cell=cell,
        rows=some,
        count=len(rows),
        more=more,
        **values,
    )


def taken(page: Page, of: Callable[[Page, pages_past.Looking], Found]) -> Taken:
    """Return a list as it is shown, to take home."""
    shown, _, rows, cell = of(page, pages_past.good(page))
    return shown, rows, cell


def by_id(row: Any) -> str:
    """Return after which row a page begins."""
    return str(row["id"])


def text_of(page: Page) -> str:
    """Return what is looked for."""
    return page.request.query_params.get("text", "").strip()[:TEXT_CHARS_MAX]


def matching(page: Page, rows: Sequence[Any]) -> list[Any]:
    """Return the rows that the search box would find by the same words: by name, initials or id."""
    text = text_of(page)
    if not text:
        return list(rows)
    parts = seeking.parts_of(text.split())
    return [r for r in rows if seeking.named_by(parts, (r["id"], r["name"], r["name_en"]))]


def everyone(page: Page, look: pages_past.Looking) -> Sequence[Any]:
    """Return every unit, of now or of a past day."""
    if look.past:
        return list(pages_past.lists(page, look, ("unit", "place")).rows(units.all_units()))
    return list(page.units.values())


def units_of(page: Page, look: pages_past.Looking) -> Found:
    """Return the units that are asked for, in the order that is asked for, and how they are told."""
    rows, where = everyone(page, look), page.request.query_params.get("where", "")
    home = [row for row in rows if row["kind"] != FOREIGN]
    if where not in ("home", "foreign", "all"):  # whoever looks for a name wants it wherever it is
        where = "all" if text_of(page) else "home" if home else "foreign"
    if where == "home":
        rows = home
    elif where == "foreign":
        rows = [row for row in rows if row["kind"] == FOREIGN]
    counts = page.office.models.rows(
        history.counts_as_of(
            page.actor.scope, "accounting_unit", Filters(), on=look.day, known=look.position
        )
        if look.past
        else inventory.counts(page.actor.scope, "accounting_unit", Filters())
    )
    assets = {row["key"]: row["assets"] for row in counts}
    name_of = pages_past.names(page, look)

    def cell(row: Any, name: str) -> Any:
        match name:
            case "name":
                return called(page, row)
            case "kind":
                return page.words(CHOICES["unit-kind"].get(row["kind"], row["kind"]))
            case "assets":
                return assets.get(row["id"], 0)
            case "competent" | "parent":
                return name_of("unit", row[name]) if row[name] else ""
            case _:
                return row[name]

    shown = tables.shown(page, UNITS)
    found = tables_here.ordered(shown, matching(page, rows), cell)
    return shown, Asked(text_of(page), where), found, cell


def places_of(page: Page, look: pages_past.Looking) -> Found:
    """Return the places that are asked for, in the order that is asked for, and how they are told."""
    rows = (
        pages_past.lists(page, look, ("unit", "place")).rows(units.all_places())
        if look.past
        else list(page.places.values())
    )
    name_of = pages_past.names(page, look)

    def cell(row: Any, name: str) -> Any:
        match name:
            case "name":
                return called(page, row)
            case "kind":
                return page.words(CHOICES["place-kind"].get(row["kind"], row["kind"]))
            case "unit":
                return name_of("unit", row["unit"])
            case "part_of":
                return name_of("place", row["part_of"]) if row["part_of"] else ""
            case _:
                return row[name]

    shown = tables.shown(page, PLACES)
    found = tables_here.ordered(shown, matching(page, rows), cell)
    return shown, Asked(text_of(page), ""), found, cell


def called(page: Page, row: Any) -> str:
    """Return what a unit or a place is called in the reader's language."""
    return str((row["name_en"] if page.lang == "en" else "") or row["name"])
