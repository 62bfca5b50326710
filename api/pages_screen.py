"""The big screen: how public property stands, for a wall; nothing to press, and nobody's name."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api import charts, pages_charts, pages_past
from api.office import Office
from api.pages_past import Looking
from api.pages_sign import Member
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from domain.words import Words
from projections import cases, inventory
from projections.scope import Filters

SHOWN_CUSTODIES: Final = 8
SAID: Final = {
    "assets": Words("资产（件）", "Assets"),
    "value": Words("账面价值", "Book value"),
    "idle": Words("闲置", "Idle"),
    "stored": Words("在公物仓", "In the warehouse"),
    "lent": Words("借出", "Lent"),
    "waiting": Words("待办步骤", "Open steps"),
    "overdue": Words("已过期限", "Overdue"),
    "custody": Words("资产在哪里", "Where things are"),
}
STORED: Final = ("warehouse", "virtual", "warehouse_lent")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/screen")
    def screen(page: Member) -> Response:
        look = pages_past.looking(page)
        asked = pages_charts.Asked(look=look)
        by_custody = office.rows(inventory.counts(page.actor.scope, "custody", Filters()))
        return page.render(
            "screen.html",
            unit=page.name_of("unit", page.actor.unit),
            figures=figures(page, look, by_custody),
            at=office.now(page.actor.zone),
            page_charts=[
                *(pages_charts.drawn(page, id_, asked) for id_ in ("stock", "put-to-use")),
                where(page, by_custody),
                *(pages_charts.drawn(page, id_, asked) for id_ in ("income", "stocktakes")),
            ],
        )

    return pages


def figures(page: Page, look: Looking, by_custody: Any) -> list[tuple[str, str, str]]:
    """Return the large figures: what they are called, what they are, and how they are meant."""
    scope, office = page.actor.scope, page.office
    on = office.today(page.actor.zone)
    totals = office.rows(inventory.totals(scope, Filters()))
    counted = {row["key"]: 0 for row in by_custody}
    for row in by_custody:
        counted[row["key"]] += row["assets"]
    values = [
        money(int(row["value"]), row["currency"], page.lang) for row in totals if row["value"]
    ]
    waiting = office.rows(cases.count_open(scope, on))[0]["rows"]
    late = office.rows(cases.count_open(scope, on, overdue=True))[0]["rows"]
    found = [
        ("assets", f"{sum(row['assets'] for row in totals):,}", ""),
        *(("value", value.partition(".")[0], "") for value in values[:2]),
        ("idle", f"{counted.get('idle', 0):,}", "warn"),
        ("stored", f"{sum(n for key, n in counted.items() if key in STORED):,}", "good"),
        ("waiting", f"{waiting:,}", ""),
        ("overdue", f"{late:,}", "bad" if late else "good"),
    ]
    return [(page.words(SAID[name]), said, tone) for name, said, tone in found]


def where(page: Page, by_custody: Any) -> charts.Chart:
    """Return how many things are where, the most first."""
    counted: dict[str, int] = {}
    for row in by_custody:
        counted[row["key"]] = counted.get(row["key"], 0) + row["assets"]
    most = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN_CUSTODIES]
    rows = [
        {
            "label": page.words(CHOICES["custody"].get(key, Words.of(key))),
            "count": count,
            "value": "",
            "url": f"/assets?custody={key}",
        }
        for key, count in most
    ]
    title = page.words(SAID["custody"])
    plots = (charts.bars(rows, title, with_value=False),) if rows else ()
    return charts.Chart(id="custody", title=SAID["custody"], about=SAID["custody"], plots=plots)
