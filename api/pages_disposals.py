"""The disposal register as a page, and as PDF, XLSX and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import disposal_register as register
from api import pages_export, pages_income, pages_past, tables, tables_here
from api.office import Office
from api.pages_changes import named
from api.pages_inventory import TEXT_CHARS_MAX, is_day
from api.pages_past import Looking
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from api.tables_here import Taken
from domain.disposal import DisposalStatus
from domain.leaving import Form
from domain.words import Words
from labels import paper
from projections import ordering, treasury
from projections.disposals import disposals
from projections.scope import BadCursor

PATH: Final = f"{pages_income.PATH}/register"
ROWS: Final = 50
FILE_ROWS: Final = 1_000
PAPER_ROWS: Final = 2_000
SAID: Final = {
    "status": Words("状态", "status"),
    "form": Words("处置方式", "form"),
    "from": Words("申请日期自", "requested from"),
    "until": Words("至", "until"),
    "by": Words("每行", "a line for"),
    "by-case": Words("每件处置单", "each case"),
    "by-asset": Words("每件资产", "each thing"),
    "none": Words("没有处置事项。", "There are no disposals."),
    "about": Words(
        "申请、批准、评估、成交、应缴、到账、上缴的日期和金额逐行列示；执行超过批准、到账与应缴不一致的标明。",
        "Request, approval, appraisal, deal, due, receipt and remittance with days and amounts on one"
        " line; what goes beyond the approval, or was not received as due, is marked.",
    ),
    "compare": Words("公布的登记册互相核对", "Published registers held against each other"),
    "example": Words("示例", "EXAMPLE"),
    "reflects": Words("账本第{n}条", "ledger entry {n}"),
    "too-long": Words(
        "一份 PDF 最多 {n} 行；请按单位或日期筛选，或者导出 XLSX。",
        "A PDF has at most {n} lines; filter by unit or day, or take the XLSX.",
    ),
}


# What is not usual, and what the database can sort by: the columns of its own list of disposals.
APART: Final = frozenset(
    name
    for name, _, is_money in register.COLUMNS
    if name in ("number", "unit", "items", "executed", *register.OF_ASSETS) or name.endswith("_on")
) | {"approval_no"}
LIST: Final = declared(
    List(
        path=PATH,
        title=register.TITLE,
        sort="requested_on",
        descending=True,
        columns=(
            *(
                Column(
                    name=name,
                    words=words,
                    num=is_money or name == "items",
                    sorts=name in disposals.c and name not in ("case", "unit", "executed"),
                    apart=name in APART,
                )
                for name, words, is_money in register.COLUMNS
            ),
            Column(name="currency", words=pages_income.SAID["currency"], apart=True),
            Column(name="id", words=Words("编号", "id"), apart=True),
        ),
    )
)
MONEY: Final = frozenset(name for name, _, is_money in register.COLUMNS if is_money)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def listing(page: Member) -> Response:
        try:
            return drawn(page)
        except BadCursor:
            raise HTTPException(404) from None

    tables_here.files(pages, LIST, taken, rows_of)

    @pages.get(f"{PATH}.pdf")
    def as_pdf(page: Member) -> Response:
        return pdf(page)

    return pages


class Question:
    """What the address asks of the register."""

    def __init__(self, page: Page, look: Looking) -> None:
        given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
        self.asked = pages_income.asked_of(page, look)
        form, status = given.get("form", ""), given.get("status", "")
        self.form = form if form in set(Form) else ""
        self.status = status if status in set(DisposalStatus) else ""
        self.since, self.until = (
            day if is_day(day) else "" for day in (given.get("from", ""), given.get("until", ""))
        )
        self.by = "asset" if given.get("by") == "asset" else "case"
        self.after = given.get("after", "")
        self.shown = tables.shown(page, LIST)

    def query(self, page: Page, after: str, limit: int) -> Any:
        """Return the question to the lists."""
        return treasury.register(
            page.actor.scope,
            self.asked,
            form=self.form,
            status=self.status,
            since=self.since,
            until=self.until,
            sort=self.shown.sort,
            descending=self.shown.descending,
            after=after,
            limit=limit,
        )

    def cursor(self, row: Any) -> str:
        """Return where the register goes on after a row."""
        return ordering.cursor(row, disposals.c[self.shown.sort])


def told(page: Page, look: Looking, question: Question, rows: Any) -> Iterator[dict[str, Any]]:
    """Yield lines by case or by thing."""
    name_of = pages_past.names(page, look)
    if question.by == "asset":
        return register.by_asset(page.office, rows, page.lang, name_of, look.day, look.position)
    return register.lines(rows, page.lang, name_of)


def every(page: Page, look: Looking, question: Question) -> Iterator[dict[str, Any]]:
    """Yield every line that is asked for."""
    there, after = pages_income.lists(page, look), ""
    while True:
        rows = there.rows(question.query(page, after, FILE_ROWS))
        yield from told(page, look, question, rows)
        if len(rows) < FILE_ROWS:
            return
        after = question.cursor(rows[-1])


def cell(page: Page, line: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell: an amount as one, a case by its number if it has any."""
    if name == "case":
        return line["number"] or page.case_name(line["stream"])
    if name in MONEY:
        return pages_income.amount(line[name])
    return (line["asset"] or line["id"]) if name == "id" else line[name]


def taken(page: Page) -> Taken:
    """Return the register as it is shown, to take home."""
    look = pages_past.good(page)
    question = Question(page, look)
    found = every(page, look, question)
    return question.shown, found, lambda line, name: cell(page, line, name)


def rows_of(page: Page) -> Any:
    """Return the register as rows to take home."""
    look = pages_past.good(page)
    question = Question(page, look)
    found = every(page, look, question)
    return register.table(found, page.lang, pages_export.Amount, assets=question.by == "asset")


def pdf(page: Page) -> Response:
    """Return the register as a paper."""
    look = pages_past.good(page)
    question = Question(page, look)
    rows = pages_income.lists(page, look).rows(question.query(page, "", PAPER_ROWS + 1))
    if len(rows) > PAPER_ROWS:
        text = page.words(SAID["too-long"]).format(n=PAPER_ROWS)
        return page.render("message.html", 422, title=page.words(register.TITLE), text=text)
    name_of = pages_past.names(page, look)
    lines = list(register.lines(rows, page.lang, name_of))
    unit = question.asked.unit or page.actor.unit
    known = page.units.get(unit)
    sheet = register.paper(
        lines,
        page.lang,
        unit=name_of("unit", unit) if unit else "",
        on=look.day,
        reflects=page.words(SAID["reflects"]).format(n=look.position or page.office.book.head()[0]),
        mark=page.words(SAID["example"]) if known is not None and known["example"] else "",
    )
    headers = named("disposals.pdf")
    return Response(paper.pdf(sheet), headers=headers, media_type="application/pdf")


def drawn(page: Page) -> Response:
    """Draw a page of the register."""
    look = pages_past.looking(page)
    question = Question(page, look)
    rows = pages_income.lists(page, look).rows(question.query(page, question.after, ROWS + 1))
    shown = rows[:ROWS]
    choices = {
        "form": [(one.value, page.words(one.words)) for one in Form],
        "status": [
            (one.value, page.words(one.words)) for one in DisposalStatus if one.value != "none"
        ],
    }
    said = {name: page.words(words) for name, words in SAID.items()}
    mine = {
        "form": dict(choices["form"]).get(question.form, ""),
        "status": dict(choices["status"]).get(question.status, ""),
        "from": question.since,
        "until": question.until,
        "by": said["by-asset"] if question.by == "asset" else "",
    }
    common = pages_income.common(page, look, question.asked, "register")
    common["chips"] += [
        (f"{said[name]}: {words}", page.url(**{name: None, "after": None}))
        for name, words in mine.items()
        if words
    ]
    return page.render(
        "income_register.html",
        422 if look.wrong else 200,
        question=question,
        lines=[
            line | {"url": f"{address(line['stream'])}{page.query_only('on', 'known')}#chain"}
            for line in told(page, look, question, shown)
        ],
        more=question.cursor(shown[-1]) if len(rows) > ROWS else "",
        shown=question.shown,
        cell=lambda line, name: cell(page, line, name),
        register=said,
        register_choices=choices,
        **common,
    )
