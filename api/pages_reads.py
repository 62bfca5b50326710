"""Who looked: the list of what auditors read, a panel on the page of each thing, and why they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import noting, tables, tables_here
from api.office import Office
from api.pages_inventory import PAGE_ROWS, is_day
from api.pages_phrases import PHRASES
from api.pages_read_by import WORDS, shown
from api.pages_sign import Member, Typed, text
from api.pages_stream import address
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from api.tables_here import Taken
from domain.audit_reads import Question
from domain.words import Words
from projections import reads

TEXT_CHARS_MAX = 100
EXPORT_ROWS = 1_000
NAMES: Final = ("reader", "question", "about", "from", "to", "text")

LIST: Final = declared(
    List(
        path="/audit/reads",
        title=WORDS["title"],
        columns=(
            *(
                Column(name=name, words=WORDS[name])
                for name in ("time", "reader", "question", "about", "extent", "purpose")
            ),
            Column(name="position", words=WORDS["entry"], num=True),
            Column(name="known", words=WORDS["known"], apart=True),
            Column(name="unit", words=Words(*PHRASES["unit"]), apart=True),
            Column(name="post", words=Words(*PHRASES["role"]), apart=True),
            Column(name="stream", words=Words("编号", "id"), apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit/reads")
    def listing(page: Member) -> Response:
        asked, models = asked_of(page), office.models
        after = page.request.query_params.get("after", "")[:80]
        rows, more = fetched(page, asked, after or None, PAGE_ROWS)
        return page.render(
            "reads.html",
            words={key: page.words(said) for key, said in WORDS.items()},
            asked=asked,
            shown=tables.shown(page, LIST),
            cell=lambda row, name: row[name],
            rows=[shown(page, row) | {"url": address(row["about"])} for row in rows],
            more=more,
            readers=sorted(
                (page.name_of("person", row["value"]), row["value"])
                for row in models.rows(reads.readers())
            ),
            questions=[(q.value, page.words(q.words)) for q in Question],
        )

    tables_here.files(pages, LIST, taken, lambda page: table(page, asked_of(page)))

    @pages.get("/audit/reads/{id_}")
    def one(id_: str, page: Member) -> Response:
        entries = office.book.stream(f"audit/{id_}").entries
        if not entries or not page.may(*noting.READERS):
            raise HTTPException(404)
        return page.go(f"/entries/{entries[0].position}")

    @pages.post("/audit/purpose")
    def purpose(page: Member, form: Typed) -> Response:
        if not page.may(*noting.READERS):
            raise Forbidden
        answer = page.go("/audit")
        page.keep(answer, noting.COOKIE, quote(text(form, "purpose", noting.PURPOSE_CHARS_MAX)))
        return answer

    return pages


def asked_of(page: Page) -> dict[str, str]:
    """Return what is asked of the list; only auditors and administrators may ask."""
    if not page.may(*noting.READERS):
        raise Forbidden
    given = page.request.query_params
    asked = {name: given.get(name, "").strip()[:TEXT_CHARS_MAX] for name in NAMES}
    for name in ("from", "to"):
        if not is_day(asked[name]):
            asked[name] = ""
    if asked["question"] not in list(Question):
        asked["question"] = ""
    return asked


def fetched(
    page: Page, asked: dict[str, str], after: str | None, limit: int
) -> tuple[Sequence[Any], str]:
    """Return reads, the latest first, and where they go on; empty: nowhere."""
    rows = page.office.models.rows(reads.listing(asked, after=after, limit=limit + 1))
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else ""


def taken(page: Page) -> Taken:
    """Return the reads as they are shown, to take home."""
    asked = asked_of(page)
    rows = tables.every(lambda after: fetched(page, asked, after, EXPORT_ROWS))
    told = (shown(page, row) for row in rows)
    return tables.shown(page, LIST), told, lambda row, name: row[name]


def table(page: Page, asked: dict[str, str]) -> Iterator[list[Any]]:
    """Yield the reads as rows to take home."""
    columns = ("time", "reader", "question", "about", "extent", "known", "purpose", "entry")
    yield [page.words(WORDS[name]) for name in columns]
    after: str | None = None
    while True:
        rows = page.office.models.rows(reads.listing(asked, after=after, limit=EXPORT_ROWS))
        for row in rows:
            told = shown(page, row) | {"about": row["about"]}
            told["entry"] = str(told["position"])
            yield [told[name] for name in columns]
        if len(rows) < EXPORT_ROWS:
            return
        after = rows[-1]["id"]
