"""Register against register as a page: what became of every row, and what is left open."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api import comparing_registers, pages_export
from api.comparing_registers import Outcome
from api.office import Office
from api.pages_changes import csv_of
from api.pages_sign import Member
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.words import Words

PATH: Final = "/registers/compare"
ROWS: Final = 200
SAID: Final = {
    "title": Words("登记册互相核对", "Register against register"),
    "about": Words(
        "西雅图市两册售出登记（公开数据）：一册有日期，一册没有。逐行核对到分，每一行都有结果和理由。",
        "The two registers of sales of the City of Seattle (public data), one with days and one"
        " without: compared row by row, to the cent, each row with its outcome.",
    ),
    "rule": Words("连接规则", "How rows are joined"),
    "outcome": Words("结果", "outcome"),
    "rows": Words("行数", "rows"),
    "left": Words("有日期的一册", "with days"),
    "right": Words("无日期的一册", "without days"),
    "published": Words("公布合计", "as published"),
    "once": Words("去重后", "each sale once"),
    "difference": Words("相差", "difference"),
    "closed": Words(
        "相差 {difference} 全部由 {n} 笔无日期的售出解释；没有未结的行。",
        "The difference of {difference} is {n} sales without a day; no row is left open.",
    ),
    "not-closed": Words(
        "还有 {open} 行未结，{amount} 未解释。", "{open} rows are open, {amount} is not explained."
    ),
    "number": Words("编号（甲 / 乙）", "number (A / B)"),
    "what": Words("名称", "what"),
    "unit": Words("单位", "unit"),
    "day": Words("日期", "day"),
    "lines": Words("行（甲 / 乙）", "line (A / B)"),
    "all": Words("全部结果", "all outcomes"),
    "beyond": Words("只显示前{n}行，文件里是全部。", "The first {n} rows; the files have all."),
}


def router(_: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def compared(page: Member) -> Response:
        return drawn(page)

    @pages.get(f"{PATH}.csv")
    def as_csv(page: Member) -> Response:
        return csv_of(rows(page), "compared")

    @pages.get(f"{PATH}.xlsx")
    def as_xlsx(page: Member) -> Response:
        sheets = {page.words(SAID["title"]): rows(page)}
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "compared", "xlsx")

    return pages


def rows(page: Page) -> Any:
    """Return every row as a file has it."""
    found = comparing_registers.of_sample()
    return comparing_registers.table(found, page.lang, pages_export.Amount)


def drawn(page: Page) -> Response:
    """Draw the outcomes, and the rows of one of them; without a question, all but what agrees."""
    found = comparing_registers.of_sample()
    asked = page.request.query_params.get("outcome", "")
    outcome = Outcome(asked) if asked in set(Outcome) else None
    lines = [
        line
        for line in found.lines
        if (line.outcome is outcome if outcome else line.outcome is not Outcome.EXACT)
    ]
    said = {name: page.words(words) for name, words in SAID.items()}

    def cents(amount: int | None) -> str:
        return "" if amount is None else money(amount, "USD", page.lang)

    closed = not (found.open or found.unexplained)
    verdict = said["closed" if closed else "not-closed"].format(
        difference=cents(found.right_once - found.left_once),
        n=found.count(Outcome.UNDATED_ONLY),
        open=len(found.open),
        amount=cents(found.unexplained),
    )
    return page.render(
        "compared.html",
        said=said,
        verdict=verdict,
        closed=closed,
        rule=page.words(found.rule),
        asked=outcome.value if outcome else "",
        outcomes=[
            (one.value, page.words(one.words), n, cents(left), cents(right))
            for one, n, left, right in found.outcomes
        ],
        totals=[
            (said["published"], cents(found.left_cents), cents(found.right_cents)),
            (said["once"], cents(found.left_once), cents(found.right_once)),
        ],
        counts=(found.left_rows, found.right_rows),
        lines=[
            (line, page.words(line.outcome.words), cents(line.left_cents), cents(line.right_cents))
            for line in lines[:ROWS]
        ],
        beyond=said["beyond"].format(n=ROWS) if len(lines) > ROWS else "",
    )
