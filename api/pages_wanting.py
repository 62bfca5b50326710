"""Send in a list of wants as a unit keeps it: checked line by line, then published in one act."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from api import wanting
from api.office import Office
from api.pages_filing import Sent
from api.pages_sign import Member, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.wanting import Line, Unreadable
from domain.decider import Refused
from domain.words import Words
from ledger.act import Conflict
from ledger.book import new_id

FILE_BYTES_MAX: Final = 4_000_000
SAID: Final = {
    "title": Words("导入需求表", "Send in a list of wants"),
    "hint": Words(
        "直接使用本单位的调剂需求表：第一行为表头（名称、类别、数量、需用日期必有；分类代码、规格要求、"
        "计量单位、用途、用途类型、使用地点、需求单位可有）。从本系统导出的清单可补充后再导入，已有的行不会重复。",
        "Use the list your unit keeps: the first line names the columns (item, kind, quantity and needed"
        " by; class code, specification, unit of measure, purpose, needed for, place and unit if there"
        " are any). A list taken from here can be sent back with lines added; nothing is doubled.",
    ),
    "list": Words("粘贴表格", "Paste a table"),
    "file": Words("或选择文件（XLSX、CSV）", "Or a file (XLSX, CSV)"),
    "check": Words("核对", "Check"),
    "record": Words("发布无误的 {n} 项需求", "Publish the {n} wants that are right"),
    "judged": Words(
        "{right} 行可以发布，{wrong} 行有误，{already} 行已在系统中",
        "{right} lines can be published, {wrong} are wrong, {already} are here already",
    ),
    "nothing": Words(
        "没有读到内容；请粘贴或选择文件。",
        "Nothing was there to read; paste a table or choose a file.",
    ),
    "line": Words("行", "Line"),
    "item": Words("名称", "Item"),
    "quantity": Words("数量", "Quantity"),
    "verdict": Words("核对结果", "Check"),
    "right": Words("可以发布", "can be published"),
    "already": Words("已在系统中，不重复发布", "here already, left as it is"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/wants/import")
    def ask(page: Member) -> Response:
        return drawn(page)

    @pages.post("/wants/import")
    def check(page: Member, form: Sent) -> Response:
        try:
            rows = given(form)
            lines = wanting.read(page.office, page.actor, rows) if rows else []
        except Unreadable as no:
            return drawn(page, wrong=page.words(no.words), status=422)
        if not rows:
            return drawn(page, wrong=page.words(SAID["nothing"]), status=422)
        right = wanting.requests(lines)
        if not text(form, "record") or not right:
            return drawn(page, rows=rows, lines=lines)
        try:
            page.office.ask_many(right, page.actor, key=text(form, "key") or None, **page.how)
        except Refused as refused:
            wrong = refused.sentence(page.lang)
            return drawn(page, rows=rows, lines=lines, wrong=wrong, status=409)
        except Conflict:
            return drawn(page, rows=rows, lines=lines, wrong=page.t("conflict"), status=409)
        rest = [line for line in lines if not line.right and not line.already]
        if not rest:
            return page.go("/wants")
        left = [rows[0], *(rows[line.number - 1] for line in rest)]
        return drawn(page, rows=left, lines=rest)

    return pages


def given(form: FormData) -> list[list[str]]:
    """Return the rows of the file that was chosen, or of what was pasted."""
    file, typed = form.get("file"), form.get("list", "")
    if isinstance(file, UploadFile) and file.filename:
        content = file.file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise Unreadable(wanting.TOO_MANY)
        return wanting.table(content)
    return wanting.written(typed) if isinstance(typed, str) and typed.strip() else []


def drawn(
    page: Page,
    *,
    rows: Sequence[Sequence[str]] = (),
    lines: Sequence[Line] = (),
    wrong: str = "",
    status: int = 200,
) -> Response:
    """Draw the page with what was found."""
    kept = io.StringIO()
    csv.writer(kept, delimiter="\t", lineterminator="\n").writerows(rows)
    return page.render(
        "wants_import.html",
        status,
        s={name: page.words(words) for name, words in SAID.items()},
        pasted=kept.getvalue(),
        lines=lines,
        right=sum(line.right for line in lines),
        already=sum(line.already for line in lines),
        wrong=wrong,
        key=new_id("web"),
    )
