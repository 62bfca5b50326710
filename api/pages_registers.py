"""Registers: document numbers with their gaps, vehicle quotas, confiscated goods, packages; each as
a list with its questions and as files, and the page of one series, lot of goods or package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import numbering as numbers
from api import pages_asking, pages_chain, pages_export, pages_papers, pages_past, tables
from api.numbering import Fate
from api.office import Office
from api.pages_inventory import PAGE_ROWS, TEXT_CHARS_MAX
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, occasion, possible
from api.pages_stream import address
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.registers import BEYOND, REGISTERS, Column, Register, every, statuses_of, table, told
from api.tables import List, declared
from domain.decider import FACTS, LIFECYCLES
from domain.numbering import SERIES
from domain.words import Words, in_words
from ledger.book import Stream, new_id
from projections import inventory, registers
from projections.scope import BadCursor

# Kinds of documents that units number: whatever is put forward by a numbered fact.
NUMBERED = sorted({f.type_name.partition(".")[0] for f in FACTS.values() if f.numbered})
LINES_SHOWN = 100
# A series of a year has numbers, the one without says what they look like.
STEPS = {
    ("series", False): ("name_series", "draw"),
    ("series", True): ("void_number", "set_aside"),
}
# What the template draws of one kind of line and not of the other.
NOTHING: Mapping[str, Any] = {
    "heading": "",
    "above": "",
    "year": "",
    "years": [],
    "named": [],
    "card": [],
    "status_words": "",
    "number": "",
    "inside": [],
    "chain": None,
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)
    for register in REGISTERS.values():
        _listed(pages, office, register)

    @pages.get("/numbers/{id_}")
    def series(id_: str, page: Member) -> Response:
        return series_page(page, id_)

    @pages.post("/numbers/{id_}/do/{verb}")
    def series_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        def draw(step: Step, wrong: str, status: int) -> Response:
            return series_page(page, id_, faulty=step, wrong=wrong, status=status)

        return pages_asking.do(page, f"series/{id_}", verb, form, f"/numbers/{id_}", draw)

    for register in REGISTERS.values():
        if register.opens:
            _lines(pages, register)

    return pages


# The lists ------------------------------------------------------------------------


def list_of(register: Register) -> List:
    """Return a register as the one table shows it; what is wide there is wide here."""
    table_ = registers.TABLES[register.kind].c
    return declared(
        List(
            path=register.path,
            title=register.title,
            columns=tuple(
                tables.Column(
                    name=c.name,
                    words=c.words,
                    num=c.holds in ("count", "limit", "money"),
                    wide=c.wide,
                    sorts=c.name in table_ and c.holds not in ("unit", "place", "uses", "stream"),
                )
                for c in register.columns
            ),
        )
    )


def _listed(pages: APIRouter, office: Office, register: Register) -> None:
    """Add the list of a register and its files."""
    mine = list_of(register)

    def listing(page: Member) -> Response:
        given = page.request.query_params
        if (opened := given.get("open-unit", "")) and not register.begins:
            return page.go(_opened(register, opened, given.get("open-kind", "")))
        asked, after = asked_of(page, register), given.get("after")
        scope = page.actor.scope
        look = pages_past.looking(page)
        shown_as = tables.shown(page, mine, past=look.past)
        try:
            query = registers.listing(
                register.kind,
                scope,
                asked,
                sort=shown_as.sort,
                descending=shown_as.descending,
                after=after,
                limit=PAGE_ROWS + 1,
            )
        except BadCursor:
            raise HTTPException(404) from None
        there = pages_past.lists(page, look, (register.kind,))
        rows = there.rows(query)
        shown = rows[:PAGE_ROWS]
        more = len(rows) > PAGE_ROWS
        name_of = pages_past.names(page, look)
        return page.render(
            "register.html",
            422 if look.wrong else 200,
            look=look,
            register=register,
            title=page.words(register.title),
            about=page.words(register.about),
            nothing=page.words(register.empty),
            asked=asked,
            shown=shown_as,
            of={c.name: c for c in register.columns},
            count=there.rows(registers.count(register.kind, scope, asked))[0]["rows"],
            rows=shown,
            head=lambda words: heading(page, words),
            tell=lambda column, row: told(column, row, page.lang, name_of),
            more=registers.cursor(register.kind, shown[-1], shown_as.sort) if more else "",
            choices={c.name: choices(page, register, c) for c in register.filters},
            chips=chips(page, register, asked) + pages_past.chips(page, look),
            units=page.unit_choices(),
            kinds=[(kind, page.words(LIFECYCLES[kind].words)) for kind in NUMBERED],
            may_begin=not look.past and may_begin(page, register),
        )

    def as_csv(page: Member) -> Response:
        return _file(page, register, mine, "csv")

    def as_xlsx(page: Member) -> Response:
        return _file(page, register, mine, "xlsx")

    pages.add_api_route(register.path, listing, methods=["GET"], response_model=None)
    pages.add_api_route(f"{register.path}.csv", as_csv, methods=["GET"], response_model=None)
    pages.add_api_route(f"{register.path}.xlsx", as_xlsx, methods=["GET"], response_model=None)


def _file(page: Page, register: Register, mine: List, ending: str) -> Response:
    """Answer with what is shown; without a word about columns with all of them and the ids."""
    look = pages_past.good(page)
    there = pages_past.lists(page, look, (register.kind,))
    shown = tables.shown(page, mine, past=look.past)
    asked, scope = asked_of(page, register), page.actor.scope
    rows = every(there, register, scope, asked, shown.sort, descending=shown.descending)
    name_of = pages_past.names(page, look)
    if not shown.named:
        cells = table(register, rows, page.lang, name_of, pages_export.Amount)
    else:
        of = {c.name: c for c in register.columns}

        def cell(row: Any, name: str) -> Any:
            if of[name].holds == "money":
                return pages_export.Amount(row[name])
            return told(of[name], row, page.lang, name_of)

        cells = tables.rows_of(shown, rows, cell)
    name = register.path.removeprefix("/")
    return tables.file(ending, name, page.words(register.title), cells)


def _opened(register: Register, unit: str, kind: str) -> str:
    """Return where a unit's own page of a register is, whether or not there is anything yet."""
    return f"{register.path}/{unit}-{kind}" if register.kind == "series" else f"/quotas/{unit}"


def asked_of(page: Page, register: Register) -> dict[str, str]:
    """Read the questions in the address."""
    given = page.request.query_params
    names = ("text", *(column.name for column in register.filters))
    asked = {name: given.get(name, "").strip()[:TEXT_CHARS_MAX] for name in names}
    if asked.get("beyond", "") not in ("", "0", "1"):
        asked["beyond"] = ""
    return asked


def choices(page: Page, register: Register, column: Column) -> list[tuple[str, str]]:
    """Return what a filter offers: what occurs, in words."""
    if column.holds == "beyond":
        return [("1", page.words(BEYOND))]
    rows = page.office.models.rows(
        registers.occurring(register.kind, page.actor.scope, column.name)
    )
    found = [
        (row["value"], told(column, {column.name: row["value"]}, page.lang, page.name_of))
        for row in rows
    ]
    if column.holds == "status":
        order = [status.value for status in statuses_of(register)]
        return sorted(found, key=lambda pair: order.index(pair[0]))
    return sorted(found, key=lambda pair: pair[1])


def chips(page: Page, register: Register, asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    said = {"text": (page.t("filter-text"), asked["text"])} | {
        c.name: (heading(page, c.words), told(c, asked, page.lang, page.name_of))
        for c in register.filters
        if asked[c.name]
    }
    return [
        (f"{title}: {words}", page.url(**{name: None, "after": None}))
        for name, (title, words) in said.items()
        if words
    ]


def heading(page: Page, words: Words) -> str:
    """Return what a column is called; English titles begin with a capital."""
    text = page.words(words)
    return f"{text[:1].upper()}{text[1:]}"


def may_begin(page: Page, register: Register) -> bool:
    """Tell whether the reader may begin something in a register."""
    life = LIFECYCLES[register.kind]
    return bool(life.allowed(life.state(), occasion(page, f"{register.kind}/new")))


# One of them ----------------------------------------------------------------------


def drawn(
    page: Page,
    stream: Stream,
    where: str,
    faulty: Step | None,
    wrong: str,
    status: int,
    **more: Any,
) -> Response:
    """Draw the page of one line of a register."""
    kind = stream.name.partition("/")[0]
    done = page.request.query_params.get("done", "")
    fitting = STEPS.get((kind, bool(more.get("year"))))
    return page.render(
        "register_line.html",
        status,
        stream=stream,
        state=stream.state,
        where=where,
        register=REGISTERS[kind],
        title=page.words(REGISTERS[kind].title),
        wrong=wrong,
        steps=[
            step
            for step in possible(page, stream, faulty)
            if fitting is None or step.verb.name in fitting or step is faulty
        ],
        blocked=[
            (verb, why)
            for verb, why in blocked(page, stream)
            if fitting is None or verb.name in fitting
        ],
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
        papers=pages_papers.links(page, stream),
        **{**NOTHING, **more},
    )


def series_page(
    page: Page, id_: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw a series: of a year, every number and every gap with its reason; else its years."""
    match = SERIES.fullmatch(id_)
    if match is None or not page.office.book.stream(f"unit/{match['unit']}").entries:
        raise HTTPException(404)
    stream, year = page.office.book.stream(f"series/{id_}"), match["year"] or ""
    if not stream.entries and (year or match["kind"] not in LIFECYCLES):
        raise HTTPException(404)
    kind, name = match["kind"], page.name_of("unit", match["unit"])
    called = page.words(LIFECYCLES[kind].words) if kind in LIFECYCLES else kind
    asked = {"unit": match["unit"], "kind": kind}
    query = registers.listing("series", page.actor.scope, asked)
    years = [row for row in page.office.models.rows(query) if row["year"] and not year]
    shown, more = numbers_shown(page, stream) if year else ([], "")
    return drawn(
        page,
        stream,
        f"/numbers/{id_}",
        faulty,
        wrong,
        status,
        heading=" · ".join(filter(None, (name, called, year))),
        years=years,
        named=list(getattr(stream.state, "namings", ())),
        above=f"/numbers/{match['unit']}-{kind}" if year else "",
        year=year,
        number_lines=shown,
        more=more,
        gaps=page.request.query_params.get("gaps") == "1",
    )


def numbers_shown(page: Page, stream: Stream) -> tuple[list[dict[str, Any]], str]:
    """Return a page of the numbers of a year, the latest first, and where the next page begins."""
    asked = page.request.query_params
    before = asked.get("before", "")
    until = int(before) if before.isdecimal() and len(before) < 8 else 10**8
    only_gaps = asked.get("gaps") == "1"
    found: list[numbers.Line] = []
    for line in reversed(numbers.drawn(page.office.book, stream.name)):
        if line.since >= until:
            continue
        if len(found) > LINES_SHOWN:
            break
        line = numbers.explained(page.office.book, line)
        if not only_gaps or line.fate is not Fate.GIVEN:
            found.append(line)
    shown = found[:LINES_SHOWN]
    more = str(shown[-1].since) if len(found) > LINES_SHOWN else ""
    return [told_line(page, line) for line in shown], more


def told_line(page: Page, line: numbers.Line) -> dict[str, Any]:
    """Return one number, or a run of them, as the template draws it."""
    run = f"{line.since}" if line.since == line.until else f"{line.since}–{line.until}"
    return {
        "run": run,
        "number": line.number,
        "fate": in_words(line.fate.words, page.lang),
        "given": line.fate is Fate.GIVEN,
        "document": page.case_name(line.document) if line.document else "",
        "url": address(line.document) if line.document else "",
        "issued": line.issued,
        "by": page.name_of("person", line.by) if line.by else "",
        "reason": line.reason,
    }


def _lines(pages: APIRouter, register: Register) -> None:
    """Add the pages of the lines of a register, and of one that is being begun."""
    kind, path = register.kind, register.path

    def new(page: Member) -> Response:
        return line_page(page, register, new_id(), new=True)

    def line(id_: str, page: Member) -> Response:
        return line_page(page, register, id_)

    def line_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        def draw(step: Step, wrong: str, status: int) -> Response:
            return line_page(page, register, id_, step, wrong, status, new=True)

        return pages_asking.do(page, f"{kind}/{id_}", verb, form, f"{path}/{id_}", draw)

    pages.add_api_route(f"{path}/new", new, methods=["GET"], response_model=None)
    pages.add_api_route(f"{path}/{{id_}}", line, methods=["GET"], response_model=None)
    pages.add_api_route(
        f"{path}/{{id_}}/do/{{verb}}", line_do, methods=["POST"], response_model=None
    )


def line_page(
    page: Page,
    register: Register,
    id_: str,
    faulty: Step | None = None,
    wrong: str = "",
    status: int = 200,
    *,
    new: bool = False,
) -> Response:
    """Draw one line of a register; only what is being begun may have no entry yet."""
    stream = page.office.book.stream(f"{register.kind}/{id_}")
    if not stream.entries:
        if not new:
            raise HTTPException(404)
        if faulty is None and may_begin(page, register):
            faulty = Step(verb=LIFECYCLES[register.kind].verbs[register.opens], open=True)
        return drawn(page, stream, f"{register.path}/{id_}", faulty, wrong, status)
    state = stream.state
    return drawn(
        page,
        stream,
        f"{register.path}/{id_}",
        faulty,
        wrong,
        status,
        card=page.card(state),
        status_words=page.words(state.status.words),
        **SHOWN[register.kind](page, id_, state),
    )


def of_goods(_: Page, __: str, state: Any) -> dict[str, Any]:
    """Return what a lot of confiscated goods is called."""
    return {"heading": state.item, "number": state.number}


def of_package(page: Page, id_: str, state: Any) -> dict[str, Any]:
    """Return what a package is called, and what is in it and around it."""
    things = page.office.models.rows(inventory.of_ids(page.actor.scope, state.contents))
    inside = sorted((f"/assets/{r['id']}", f"{r['asset_no']} {r['name']}") for r in things)
    return {
        "heading": f"{page.words(state.packaging.words)} {id_}",
        "inside": [
            ("in-the-package", inside),
            ("on-the-package", [(f"/packages/{one}", one) for one in sorted(state.loaded)]),
            ("loaded-onto", [(f"/packages/{one}", one) for one in (state.outer,) if one]),
        ],
    }


def of_due(page: Page, id_: str, state: Any) -> dict[str, Any]:
    """Return which income a due is, and the case it arises from."""
    origin = [(address(one), page.case_name(one)) for one in (state.origin,) if one]
    return {
        "heading": page.words(state.income.words),
        "inside": [("arises-from", origin)],
        "chain": pages_chain.of_due(page, f"due/{id_}"),
    }


# What the page of a line says besides its card; one for each register whose lines begin on a page.
SHOWN: Mapping[str, Callable[[Page, str, Any], dict[str, Any]]] = {
    "confiscated": of_goods,
    "package": of_package,
    "due": of_due,
}
