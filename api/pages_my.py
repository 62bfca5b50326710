"""What a person has in their hands: each thing with what may be reported of it in a tap."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api.office import Office
from api.pages_sign import Member
from api.pages_steps import occasion
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import LIFECYCLES
from domain.words import Words
from ledger.book import new_id
from projections import inventory
from projections.scope import BadCursor, Filters, cursor

ROWS: Final = 50
# What the holder of a thing reports, in the order of the buttons.
TAP: Final = "confirm_held"  # nothing need be filled in: recorded as it is tapped
REPORTS: Final = ("take_back", "send_for_repair", "record_damage", "declare_idle")
SAID: Final = {
    "title": Words("我的资产", "My things"),
    "about": Words(
        "账上由您使用的资产。还在手里，点“在我这里”；东西坏了、不用了或要交回，点一下即可办理；不是您的，请告诉单位资产管理员。",
        "What the books say you use. You still have it: say so. Broken, idle, or to be handed back: one tap. What is not yours,"
        " tell the asset clerk of your unit.",
    ),
    "nothing": Words("账上没有由您使用的资产。", "The books say you use nothing."),
    "nothing-hint": Words(
        "需要物品时，先到公物仓看看；领用后会列在这里。",
        "When you need something, look in the shop. What is issued to you appears here.",
    ),
    "shop": Words("公物仓选用", "Shop"),
    "unit": Words("本单位全部资产", "All assets of our unit"),
    "report": Words("请告诉本单位资产管理员登记。", "Tell the asset clerk of your unit."),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/my")
    def mine(page: Member) -> Response:
        filters = Filters(user=page.actor.person)
        after = page.request.query_params.get("after")
        scope = page.actor.scope
        try:
            rows = office.models.rows(
                inventory.listing(scope, filters, after=after, limit=ROWS + 1)
            )
        except BadCursor:
            rows = office.models.rows(inventory.listing(scope, filters, limit=ROWS + 1))
        shown = rows[:ROWS]
        return page.render(
            "my.html",
            said={name: page.words(words) for name, words in SAID.items()},
            rows=[(row, *reports(page, row["id"])) for row in shown],
            key=new_id("web"),
            more=cursor(shown[-1], filters) if len(rows) > ROWS else "",
        )

    return pages


def reports(page: Page, id_: str) -> tuple[Any, int, list[dict[str, Any]]]:
    """Return what the reader may report of a thing now, each with the form that does it.

    First comes what a tap alone records, with the version it is said of; None when it may not be.
    """
    stream = page.office.book.stream(f"asset/{id_}")
    allowed = {
        verb.name: verb
        for verb in LIFECYCLES["asset"].allowed(stream.state, occasion(page, stream.name))
    }
    return (
        allowed.get(TAP),
        stream.version,
        [
            {"words": allowed[name].words, "href": f"/assets/{id_}?do={name}#do-{name}"}
            for name in REPORTS
            if name in allowed
        ],
    )
