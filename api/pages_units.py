"""Units: who there is, and what they answer for."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api import pages_past
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import FOREIGN
from projections import history, inventory, units
from projections.scope import Filters


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/units")
    def listing(page: Member) -> Response:
        text = page.request.query_params.get("text", "").strip().casefold()[:80]
        look = pages_past.looking(page)
        there = pages_past.lists(page, look, ("unit", "place")) if look.past else None
        shown = [
            row
            for row in (there.rows(units.all_units()) if there else page.units.values())
            if text in f"{row['id']} {row['name']} {row['name_en']}".casefold()
        ]
        counts = office.models.rows(
            history.counts_as_of(
                page.actor.scope, "accounting_unit", Filters(), on=look.day, known=look.position
            )
            if look.past
            else inventory.counts(page.actor.scope, "accounting_unit", Filters())
        )
        return page.render(
            "units.html",
            422 if look.wrong else 200,
            look=look,
            chips=pages_past.chips(page, look),
            name_of=pages_past.names(page, look),
            text=text,
            home=[row for row in shown if row["kind"] != FOREIGN],
            foreign=[row for row in shown if row["kind"] == FOREIGN],
            counts={row["key"]: row["assets"] for row in counts},
            places=list(there.rows(units.all_places()) if there else page.places.values()),
            left=[]
            if look.past
            else office.models.rows(
                units.left_behind(page.actor.scope, office.today().isoformat())
            ),
        )

    return pages
