"""All property at a glance: what there is, by data set, with a chart and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from api.office import Office
from api.pages_sign import Member
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES, DATASETS
from domain.decider import LIFECYCLES
from domain.words import Words
from projections import cases, inventory
from projections.scope import Filters


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @lru_cache(maxsize=1)
    def imported(_: int) -> Counter[str]:
        """Count the published rows that were imported, per list; once for each size of the log."""
        return Counter(key.split(":", 1)[0] for key in office.book.log.claims("import"))

    @pages.get("/overview")
    def overview(page: Member) -> Response:
        scope, rows = page.actor.scope, imported(office.book.head()[0])
        found = office.models.rows(cases.counts(scope))
        return page.render(
            "overview.html",
            sets=[s for name in DATASETS if (s := data_set(page, name, found, rows)) is not None],
            totals=office.models.rows(inventory.totals(scope, Filters())),
        )

    return pages


LISTS = {
    "seattle": ("seattle-active", "seattle-surplus", "seattle-sold"),
    "leso": ("leso-shipment", "leso-refusal"),
}


def data_set(
    page: Page, name: str, found: list[Any], imported: Counter[str]
) -> dict[str, Any] | None:
    """Return one data set: its assets by state, its cases by kind and status."""
    filters = Filters(dataset=name, book="any")  # what was sold is part of the picture
    models, scope = page.office.models, page.actor.scope
    totals = models.rows(inventory.totals(scope, filters))
    mine = Counter[tuple[str, str]]()
    for row in found:
        if row["dataset"] == name:
            mine[row["kind"], row["status"]] += row["cases"]
    if not totals and (name == "example" or not mine):
        return None
    by_state = models.rows(inventory.counts(scope, "custody", filters))
    by_kind = models.rows(inventory.counts(scope, "kind", filters))
    refused = models.rows(cases.refusals(name)) if name == "leso" else []
    return {
        "name": name,
        "totals": totals,
        "lists": [(key, imported[key]) for key in LISTS.get(name, ()) if imported[key]],
        "custody": bars(page, by_state, "custody", name),
        "kind": bars(page, by_kind, "kind", name),
        "cases": grouped(page, mine, name),
        "refusals": [
            {
                "label": reason(page, row["key"]),
                "count": row["cases"],
                "url": "/cases?"
                + urlencode({"dataset": name, "status": "refused", "text": row["key"]}),
            }
            for row in refused
        ],
    }


def reason(page: Page, slug: str) -> str:
    """Return a published reason for refusal in words."""
    words = CHOICES["reason"].get(slug)
    return page.words(words) if words else slug or page.words(None)


def bars(page: Page, rows: list[Any], by: str, dataset: str) -> list[dict[str, Any]]:
    """Return a chart's bars, each with its count, value and the list behind it."""
    return [
        {
            "label": page.words(CHOICES[by].get(row["key"], Words.of(row["key"] or "—"))),
            "count": row["assets"],
            "value": money(row["value"], row["currency"], page.lang),
            "url": "/assets?" + urlencode({"dataset": dataset, by: row["key"], "book": "any"}),
        }
        for row in sorted(rows, key=lambda row: -row["assets"])
    ]


def grouped(
    page: Page, counted: Mapping[tuple[str, str], int], dataset: str = ""
) -> list[dict[str, Any]]:
    """Return counts of cases a kind a line, each status with the list behind it."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for (kind, value), count in sorted(counted.items()):
        asked = {"kind": kind, "status": value} | ({"dataset": dataset} if dataset else {})
        lines.setdefault(kind, []).append(
            {
                "label": status(page, kind, value),
                "count": count,
                "url": f"/cases?{urlencode(asked)}",
            }
        )
    return [{"kind": page.t(f"kind-{kind}"), "statuses": found} for kind, found in lines.items()]


def status(page: Page, kind: str, value: str) -> str:
    """Return the word of a case's status."""
    return page.words(CHOICES[f"status-{kind}"].get(value, Words.of(value)))


def statuses(kind: str) -> dict[str, Any]:
    """Return the statuses a begun case of a kind can have."""
    every: Any = type(LIFECYCLES[kind].state().status)
    return {status.value: status for status in every if status.value != "none"}
