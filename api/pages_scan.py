"""Scanning: from whatever a label, a reader or a person says to the one asset it means."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api import label_saying, resolving
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from labels import identity
from projections import inventory
from projections.scope import Filters

CODE_CHARS_MAX = 1000
TEXT_CHARS_MAX = 200
FOUND_MAX = 20


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/scan")
    def scan(page: Member) -> Response:
        code = page.request.query_params.get("code", "")[:CODE_CHARS_MAX]
        if not code.strip():
            return page.render("scan.html", code="", found=[], kind="", said=None)
        return resolve(page, code)

    @pages.get("/obj/{id_:path}")
    @pages.get("/8004/{id_:path}")
    def label(id_: str, page: Member) -> Response:
        return resolve(page, str(page.request.url))

    return pages


def resolve(page: Page, code: str) -> Response:
    """Go to the one asset a code means, or show what it may mean."""
    scanned = identity.parse(code)
    office, scope = page.office, page.actor.scope
    if said := label_saying.told(office, scanned):
        return page.render(
            "scan.html", code=code, found=[], kind="", said=said, bound_to=chosen(page, said)
        )
    found = office.models.rows(inventory.find(scope, scanned.folded or code))
    if not found:
        found = office.models.rows(inventory.find(scope, code))
    if not found:  # by what is bound to it: a GIAI, the content of a radio tag, a chip
        meant = resolving.resolve(office, scope, [resolving.Seen("manual", code)])[0].asset
        mine = meant and office.sight.sees(page.actor, f"asset/{meant}")
        found = office.models.rows(inventory.one(meant)) if mine else []
    if len(found) == 1:
        return page.go(f"/assets/{found[0]['id']}")
    if not found and scanned.kind is identity.Kind.ASSET_NO:
        listed = inventory.listing(
            scope, Filters(text=code.strip()[:TEXT_CHARS_MAX]), limit=FOUND_MAX
        )
        found = office.models.rows(listed)
        if len(found) == 1:
            return page.go(f"/assets/{found[0]['id']}")
    status = 200 if found else 404
    return page.render(
        "scan.html", status, code=code, found=found, kind=scanned.kind.value, said=None
    )


def chosen(page: Page, said: label_saying.Said) -> list[dict[str, str]]:
    """Return the assets somebody looked for to stick a blank label on."""
    asked = page.request.query_params.get("to", "").strip()[:TEXT_CHARS_MAX]
    if not said.bindable or not asked:
        return []
    scope = page.actor.scope
    rows = page.office.models.rows(inventory.find(scope, asked)) or page.office.models.rows(
        inventory.listing(scope, Filters(text=asked), limit=FOUND_MAX)
    )
    return [dict(row) for row in rows]
