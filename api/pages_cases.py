"""Cases: loans, intakes, reallocations, disposals; the list, and beginning a new one."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_past
from api.office import Office
from api.pages_inventory import PAGE_ROWS, TEXT_CHARS_MAX, openings
from api.pages_overview import status as status_words
from api.pages_sign import Member
from api.pages_steps import Step, prepared
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES, DATASETS
from ledger.book import new_id
from projections import cases
from projections.scope import Filters, cursor

ORDER = Filters(sort="changed_on", descending=True)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/cases")
    def listing(page: Member) -> Response:
        asked = {
            name: page.request.query_params.get(name, "").strip()[:TEXT_CHARS_MAX]
            for name in ("kind", "status", "text", "dataset")
        }
        after = page.request.query_params.get("after")
        query = cases.listing(page.actor.scope, **asked, after=after, limit=PAGE_ROWS + 1)
        look = pages_past.looking(page)
        rows = pages_past.lists(page, look, cases.KINDS).rows(query)
        shown = rows[:PAGE_ROWS]
        return page.render(
            "cases.html",
            422 if look.wrong else 200,
            asked=asked,
            look=look,
            name_of=pages_past.names(page, look),
            rows=shown,
            more=cursor(shown[-1], ORDER) if len(rows) > PAGE_ROWS else "",
            kinds=[(kind, page.t(f"kind-{kind}")) for kind in cases.KINDS],
            statuses=statuses(page, asked["kind"]),
            datasets=[(name, page.words(CHOICES["dataset"][name])) for name in DATASETS],
            status_of=lambda row: status_words(page, row["kind"], row["status"]),
            url_of=lambda row: f"/cases/{row['id']}{page.query_only('on', 'known')}",
            begin=[] if look.past else openings(page),
            chips=chips(page, asked) + pages_past.chips(page, look),
        )

    @pages.get("/cases/new")
    def new(page: Member) -> Response:
        kind = page.request.query_params.get("kind", "")
        if kind not in cases.KINDS:
            raise HTTPException(404)
        return new_page(page, f"{kind}/{new_id()}")

    return pages


def statuses(page: Page, kind: str) -> list[tuple[str, str]]:
    """Return the statuses a filter offers: those of one kind, or of all."""
    kinds = [kind] if kind in cases.KINDS else list(cases.KINDS)
    return list(
        {
            value: page.words(words)
            for k in kinds
            for value, words in CHOICES[f"status-{k}"].items()
            if value != "none"
        }.items()
    )


def chips(page: Page, asked: dict[str, str]) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    said = {
        "kind": page.t(f"kind-{asked['kind']}") if asked["kind"] in cases.KINDS else asked["kind"],
        "status": dict(statuses(page, asked["kind"])).get(asked["status"], asked["status"]),
        "dataset": page.words(CHOICES["dataset"].get(asked["dataset"], asked["dataset"])),
        "text": asked["text"],
    }
    return [
        (f"{page.t(f'filter-{name}')}: {words}", page.url(**{name: None, "after": None}))
        for name, words in said.items()
        if words
    ]


def new_page(
    page: Page, name: str, step: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the form that begins a case, with the chosen assets on its list."""
    kind = name.partition("/")[0]
    stream = page.office.book.stream(name)
    verb = step.verb if step is not None else dict(openings(page)).get(kind)
    if verb is None:
        return page.render(
            "message.html", 403, title=page.t(f"kind-{kind}"), text=page.t("cannot-begin")
        )
    typed: FormData | None = step.typed if step is not None else None
    source = page.request.query_params if typed is None else typed
    name_of_list = "asset" if typed is None else "assets"
    assets = tuple(dict.fromkeys(a for a in source.getlist(name_of_list) if isinstance(a, str)))
    known = {
        a for a in assets if page.office.book.stream(f"asset/{a}").version
    }  # an id somebody typed into the address may be no asset at all
    return page.render(
        "case_new.html",
        status,
        kind=kind,
        name=name,
        step=prepared(
            page, stream, step or Step(verb=verb, open=True), tuple(a for a in assets if a in known)
        ),
        wrong=wrong,
        back="/assets?" + urlencode({"dataset": "example"}),
        today=page.office.today(page.actor.zone).isoformat(),
    )
