"""The inventory: now or on any past day, filtered, with totals, a page at a time, and to take home."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api import pages_export, tables
from api.forms import Fault, Invalid
from api.office import Office
from api.pages_phrases import PHRASES
from api.pages_sign import Member
from api.pages_steps import occasion
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES, DATASETS
from api.tables import Column, List, declared
from domain.decider import LIFECYCLES, Verb
from domain.words import Words
from projections import cases, history, inventory
from projections.scope import COLUMN, SORTS, Filters, cursor

PAGE_ROWS = 50
SLIDER_DAYS = 1_096  # three years under one finger; an older day is typed
EXPORT_PAGE_ROWS = 2_000
TEXT_CHARS_MAX = 200
NAMED = ("kind", "book", "custody", "unit", "custodian", "user", "owner", "place", "dataset")
HOLDS = {"unit": "unit", "custodian": "unit", "user": "person", "owner": "unit", "place": "place"}


def column(name: str, **how: bool) -> Column:
    """Return a column of the inventory, called as its field is on every page."""
    return Column(name=name, words=Words(*PHRASES[f"column-{name}"]), **how)


LIST = declared(
    List(
        path="/assets",
        title=Words("台账", "Inventory"),
        sort="asset_no",
        columns=(
            column("asset_no", sorts=True),
            column("name", sorts=True),
            Column(name="custody", words=Words(*PHRASES["column-state"]), sorts=True),
            column("accounting_unit", wide=True),
            column("holder", wide=True),
            column("place", wide=True, sorts=True),
            column("value", num=True, sorts=True),
            column("kind", sorts=True, apart=True),
            column("book", apart=True),
            column("lock", apart=True),
            column("custodian", apart=True),
            column("user", apart=True),
            column("owner", apart=True),
            column("quantity", apart=True, num=True),
            column("currency", apart=True),
            column("dataset", apart=True),
            column("model", apart=True, now=True),
            column("serial", apart=True, now=True),
            column("plate", apart=True, now=True),
            column("label", apart=True, now=True),
            column("grade", apart=True, now=True),
            column("acquired", apart=True, now=True),
            column("used_from", apart=True, now=True),
            column("idle_since", apart=True, now=True),
            column("borrower", apart=True, now=True),
            column("case", apart=True, now=True),
            Column(
                name="changed_on",
                words=Words("最近变动", "changed on"),
                apart=True,
                now=True,
                sorts=True,
            ),
            column("id", apart=True),
        ),
    )
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks of the inventory; `on` and `known` look back on both axes of time."""

    filters: Filters
    on: str = ""
    known: str = ""
    position: int | None = None

    @property
    def past(self) -> bool:
        return bool(self.on)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/assets")
    def listing(page: Member) -> Response:
        asked, wrong = asked_of(page)
        after = page.request.query_params.get("after")
        rows = office.models.rows(query(page, asked, after, PAGE_ROWS + 1))
        shown = rows[:PAGE_ROWS]
        more = cursor(shown[-1], asked.filters) if len(rows) > PAGE_ROWS else ""
        name_of = page.namer(asked.on, asked.position) if asked.past else page.name_of
        found = office.models.rows(totals(page, asked))
        return page.render(
            "assets.html",
            422 if wrong else 200,
            asked=asked,
            filters=asked.filters,
            wrong=wrong,
            rows=shown,
            more=more,
            totals=found,
            shown=tables.shown(page, LIST, past=asked.past),
            said=lambda row, name: said(page, row, name, name_of),
            chips=chips(page, asked),
            choices=choices(page),
            begin=[] if asked.past else openings(page),
            today=office.today(page.actor.zone).isoformat(),
            first=min(
                asked.on or "9999",
                (office.today(page.actor.zone) - timedelta(days=SLIDER_DAYS)).isoformat(),
            ),
        )

    @pages.get("/assets.csv")
    def as_csv(page: Member) -> Response:
        return as_file(page, "csv")

    @pages.get("/assets.xlsx")
    def as_xlsx(page: Member) -> Response:
        return as_file(page, "xlsx")

    return pages


def as_file(page: Page, ending: str) -> Response:
    """Answer with what is shown; without a word about columns with every field and the ids."""
    asked, wrong = asked_of(page)
    if wrong:
        raise Invalid(wrong)
    shown = tables.shown(page, LIST, past=asked.past)
    name_of = page.namer(asked.on, asked.position) if asked.past else page.name_of

    def fetched(after: str | None) -> tuple[Sequence[Any], str]:
        rows = page.office.models.rows(query(page, asked, after, EXPORT_PAGE_ROWS))
        full = len(rows) == EXPORT_PAGE_ROWS
        return rows, cursor(rows[-1], asked.filters) if full else ""

    cells = table(page, asked)
    if shown.named:
        rows = tables.every(fetched)
        cells = tables.rows_of(shown, rows, lambda row, name: said(page, row, name, name_of))
    name = f"inventory-{asked.on}" if asked.past else "inventory"
    return tables.file(ending, name, page.t("inventory"), cells)


def openings(page: Page) -> list[tuple[str, Verb]]:
    """Return the kinds of cases this reader may begin, each with the verb that begins it."""
    found: list[tuple[str, Verb]] = []
    for kind in cases.KINDS:
        life = LIFECYCLES[kind]
        found += [(kind, v) for v in life.allowed(life.state(), occasion(page, f"{kind}/new"))[:1]]
    return found


# What is asked ----------------------------------------------------------------


def asked_of(page: Page) -> tuple[Asked, list[Fault]]:
    """Read the questions in the address; what is wrong is named, the rest still answered."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    wrong: list[Fault] = []
    on, known = given.get("on", ""), given.get("known", "")
    if on and not is_day(on):
        wrong.append(Fault("on", NOT_A_DAY))
        on = ""
    if known and not is_known(known):
        wrong.append(Fault("known", NOT_A_DAY))
        known = ""
    sort = given.get("sort") or "asset_no"
    past = bool(on or known)
    filters = Filters(
        text=given.get("text", ""),
        **{name: given.get(name, "") for name in NAMED},
        listed=True if given.get("listed") == "1" else None,
        sort=sort if sort in SORTS and not (past and sort == "changed_on") else "asset_no",
        descending=given.get("order") == "desc",
        today=on or page.office.today(page.actor.zone).isoformat(),
    )
    if not past:
        return Asked(filters=filters), wrong
    return (
        Asked(
            filters=filters,
            on=on or page.office.today(page.actor.zone).isoformat(),
            known=known,
            position=position_of(page, known),
        ),
        wrong,
    )


def is_known(text: str) -> bool:
    """Tell whether a text says what was known: at the end of a day, or a size of the log."""
    return is_day(text) or bool(re.fullmatch(r"\d{1,12}", text, re.ASCII))


def position_of(page: Page, known: str) -> int | None:
    """Return the size of the log at the end of a day, or as it is said; None where that is all."""
    if not known:
        return None
    book = page.office.book
    position = int(known) if known.isdecimal() else book.position_known(known)
    return None if position >= book.log.head()[0] else position


NOT_A_DAY = Words(
    "日期须写作 YYYY-MM-DD，例如 2026-03-31。", "Write the date as YYYY-MM-DD, e.g. 2026-03-31."
)


def is_day(text: str) -> bool:
    """Tell whether a text is a date of the calendar."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def query(page: Page, asked: Asked, after: str | None, limit: int) -> Any:
    """Return the query for one page of the listing."""
    scope = page.actor.scope
    if not asked.past:
        return inventory.listing(scope, asked.filters, after=after, limit=limit)
    return history.as_of(
        scope, asked.filters, on=asked.on, known=asked.position, after=after, limit=limit
    )


def totals(page: Page, asked: Asked) -> Any:
    """Return the query for the totals of everything that matches."""
    scope = page.actor.scope
    if not asked.past:
        return inventory.totals(scope, asked.filters)
    return history.totals_as_of(scope, asked.filters, on=asked.on, known=asked.position)


def chips(page: Page, asked: Asked) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    f, found = asked.filters, list[tuple[str, str]]()
    said = {"text": f.text} | {
        name: page.words(CHOICES[name][value])
        for name in ("kind", "book", "custody", "dataset")
        if (value := getattr(f, name)) and value in CHOICES[name]
    }
    said |= {
        name: page.name_of(kind, value)
        for name, kind in HOLDS.items()
        if (value := getattr(f, name))
    }
    said |= {"listed": page.t("yes")} if f.listed else {}
    said |= {"on": asked.on} if page.request.query_params.get("on") and asked.on else {}
    said |= {"known": asked.known} if asked.known else {}
    for name, words in said.items():
        if words:
            found.append(
                (f"{page.t(f'filter-{name}')}: {words}", page.url(**{name: None, "after": None}))
            )
    return found


def choices(page: Page) -> dict[str, list[tuple[str, str]]]:
    """Return what the filters offer: what occurs, in words."""
    scope = page.actor.scope
    dataset = page.request.query_params.get("dataset", "")
    within = Filters(dataset=dataset if dataset in DATASETS else "")

    columns = tuple(COLUMN.get(name, name) for name in HOLDS)
    rows = page.office.models.rows(inventory.occurring(scope, within, columns))
    found = {
        name: [(value, page.words(words)) for value, words in CHOICES[name].items()]
        for name in ("kind", "book", "custody", "dataset")
    }
    for name, kind in HOLDS.items():
        ids = {row[COLUMN.get(name, name)] for row in rows} - {""}
        named = [(id_, page.name_of(kind, id_)) for id_ in ids]
        found[name] = sorted(named, key=lambda pair: (pair[1], pair[0]))
    return found


# To take home -----------------------------------------------------------------

COLUMNS = (
    "asset_no", "name", "kind", "book", "custody", "lock", "accounting_unit", "custodian", "user",
    "owner", "place", "quantity", "value", "currency", "dataset", "id",
)  # fmt: skip


def table(page: Page, asked: Asked) -> Iterator[list[Any]]:
    """Yield the header and every row that matches, not only the page that is shown."""
    yield [page.t(f"column-{name}") for name in COLUMNS]
    name_of = page.namer(asked.on, asked.position) if asked.past else page.name_of
    after: str | None = None
    while True:
        rows = page.office.models.rows(query(page, asked, after, EXPORT_PAGE_ROWS))
        for row in rows:
            yield [cell(page, row[name], name, HELD.get(name, ""), name_of) for name in COLUMNS]
        if len(rows) < EXPORT_PAGE_ROWS:
            return
        after = cursor(rows[-1], asked.filters)


HELD: Mapping[str, str] = {
    "accounting_unit": "unit",
    "custodian": "unit",
    "owner": "unit",
    "borrower": "unit",
    "user": "person",
    "place": "place",
}


def said(page: Page, row: Any, name: str, name_of: Any) -> Any:
    """Return what stands in a cell of the list."""
    match name:
        case "custody":
            states = [CHOICES[n][row[n]] for n in ("book", "custody") if row[n] in CHOICES[n]]
            held = CHOICES["lock"].get(row["lock"]) if row["lock"] != "none" else None
            return " ".join(page.words(words) for words in [*states, *([held] if held else [])])
        case "holder":
            unit = row["custodian"] if row["custodian"] != row["accounting_unit"] else ""
            named = [("unit", unit), ("person", row["user"])]
            return " ".join(name_of(kind, id_) for kind, id_ in named if id_)
        case "grade":
            return page.said("grade", row[name]) if row[name] else ""
        case "case":
            return page.case_name(row[name]) if row[name] else ""
        case "acquired":
            return row[name] or row["acquired_year"] or ""
        case _:
            return cell(page, row[name], name, HELD.get(name, ""), name_of)


def cell(page: Page, value: Any, name: str, holds: str, name_of: Any) -> Any:
    """Return one cell: words for codes, names for ids, money as a number with two decimals."""
    if name == "value":
        return None if value is None else pages_export.Amount(value)
    if name in CHOICES:
        words = CHOICES[name].get(value)
        return page.words(words) if words else value
    if holds:
        return name_of(holds, value) if value else ""
    return value


assert set(NAMED) <= {f.name for f in msgspec.structs.fields(Filters)}
