"""Units: who there is, and what they answer for."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import FOREIGN
from projections import inventory, units
from projections.scope import Filters


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/units")
    def listing(page: Member) -> Response:
        text = page.request.query_params.get("text", "").strip().casefold()[:80]
        shown = [
            row
            for row in page.units.values()
            if text in f"{row['id']} {row['name']} {row['name_en']}".casefold()
        ]
        counts = office.models.rows(
            inventory.counts(page.actor.scope, "accounting_unit", Filters())
        )
        return page.render(
            "units.html",
            text=text,
            home=[row for row in shown if row["kind"] != FOREIGN],
            foreign=[row for row in shown if row["kind"] == FOREIGN],
            counts={row["key"]: row["assets"] for row in counts},
            places=list(page.places.values()),
            left=office.models.rows(units.left_behind(office.today().isoformat())),
        )

    return pages
