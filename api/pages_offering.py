"""The list of offers as a file, and a list of things to offer sent in: checked cell by cell first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from api import (
    offering,
    pages_offers,
    pages_past,
    papers_notice,
    sending_in,
    tables,
    tables_here,
)
from api.offering import Line
from api.offers import Market
from api.office import Office
from api.pages_filing import Sent
from api.pages_offers import asked_of, chips
from api.pages_papers import document, trouble
from api.pages_sign import Member, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_wanting import given
from api.tables_here import Taken
from api.wanting import Unreadable
from domain.decider import Refused
from domain.words import Role, Words
from labels import paper, qr
from ledger.act import Conflict
from ledger.book import new_id

MAY: Final = (Role.KEEPER, Role.CLERK, Role.OFFICE)
SAID: Final = {
    "title": Words("批量上架", "Put many things on offer"),
    "hint": Words(
        "直接使用本单位的可调剂资产表：第一行为表头，“资产编号”（或“卡片标识”）必有；成色、剩余使用年限、"
        "可用日期、上架截止日、说明可有。先核对，逐格标出问题，再上架全部或所选各项；已上架的不重复。",
        "Use the list your unit keeps: the first line names the columns. The asset number (or the id) is"
        " needed; condition, remaining life, available from, offered until and description if there are"
        " any. It is checked first, cell by cell; then all or what you choose is put on offer. What is"
        " on offer already is left as it is.",
    ),
    "list": Words("粘贴表格", "Paste a table"),
    "file": Words("或选择文件（XLSX、CSV）", "Or a file (XLSX, CSV)"),
    "check": Words("核对", "Check"),
    "record": Words("上架所选各项", "Put what is chosen on offer"),
    "judged": Words(
        "{right} 行可以上架，{wrong} 行有误，{already} 行已经上架",
        "{right} lines can be put on offer, {wrong} are wrong, {already} are on offer already",
    ),
    "done": Words("已上架 {n} 项。", "{n} put on offer."),
    "nothing": Words(
        "没有读到内容；请粘贴或选择文件。",
        "Nothing was there to read; paste a table or choose a file.",
    ),
    "none-chosen": Words("没有选择任何一行。", "No line was chosen."),
    "line": Words("行", "Line"),
    "choose": Words("选择", "Choose"),
    "verdict": Words("核对结果", "Check"),
    "right": Words("可以上架", "can be put on offer"),
    "already": Words("已经上架", "on offer already"),
    "see": Words("所标各格", "see the cells"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    tables_here.files(pages, pages_offers.LIST, taken, rows)

    @pages.get("/offers/notice.pdf")
    def notice(page: Member) -> Response:
        asked, _ = asked_of(page)
        shown = list(
            Market(office, asked, pictures=False).all(page.actor.scope, papers_notice.ROWS_MAX)
        )
        stop = "；" if page.lang == "zh" else "; "
        covers = stop.join(words for words, _ in chips(page, asked))
        on = asked.on.isoformat()
        made = papers_notice.notice(office, shown, page.actor.unit, covers, on, page.lang)
        try:
            return document(made)
        except (paper.TooLong, qr.DoesNotFit) as refused:
            return trouble(page, page.words(Words(refused.zh, refused.en)))

    @pages.get("/offers/import")
    def ask(page: Member) -> Response:
        return drawn(page)

    @pages.post("/offers/import")
    def check(page: Member, form: Sent) -> Response:
        try:
            sent = given(form)
            lines = offering.read(office, page.actor, sent) if sent else []
        except Unreadable as no:
            return drawn(page, wrong=page.words(no.words), status=422)
        if not sent:
            return drawn(page, wrong=page.words(SAID["nothing"]), status=422)
        if not text(form, "record"):
            return drawn(page, sent, lines)
        chosen = frozenset(int(str(n)) for n in form.getlist("line") if str(n).isdecimal())
        asks = offering.requests(lines, chosen)
        if not asks:
            return drawn(page, sent, lines, wrong=page.words(SAID["none-chosen"]), status=422)
        try:
            office.ask_many(asks, page.actor, key=text(form, "key") or None, **page.how)
        except Refused as refused:
            return drawn(page, sent, lines, wrong=refused.sentence(page.lang), status=409)
        except Conflict:
            return drawn(page, sent, lines, wrong=page.t("conflict"), status=409)
        asked = {stream for stream, _, _ in asks}
        rest = [line for line in lines if line.stream not in asked and not line.already]
        left = [sent[0], *(sent[line.number - 1] for line in rest)] if rest else []
        again = offering.read(office, page.actor, left) if left else []
        return drawn(page, left, again, done=page.words(SAID["done"]).format(n=len(asks)))

    return pages


def taken(page: Page) -> Taken:
    """Return what is on offer as the table shows it, to take home."""
    asked, _ = asked_of(page)
    columns = tables.shown(page, pages_offers.LIST)
    cell = pages_offers.cell_of(page, pages_past.names(page, pages_past.good(page)))
    return columns, pages_offers.everything(page, columns, asked, cell), cell


def rows(page: Page) -> Iterator[tuple[Any, ...]]:
    """Return what the page of offers shows under the same questions, as rows to take home."""
    asked, _ = asked_of(page)
    market = Market(page.office, asked, pictures=False)
    return sending_in.offers_of(market, page.actor.scope, page.lang, page.name_of)


def drawn(
    page: Page,
    sent: Sequence[Sequence[str]] = (),
    lines: Sequence[Line] = (),
    *,
    wrong: str = "",
    done: str = "",
    status: int = 200,
) -> Response:
    """Draw the page with what was found."""
    kept = io.StringIO()
    csv.writer(kept, delimiter="\t", lineterminator="\n").writerows(sent)
    shown = [n for n in offering.COLUMNS if any(line.cells.get(n) for line in lines)]
    return page.render(
        "offers_import.html",
        status,
        s={name: page.words(words) for name, words in SAID.items()},
        may=page.may(*MAY),
        pasted=kept.getvalue(),
        lines=lines,
        columns=[(name, page.words(offering.COLUMNS[name])) for name in shown],
        right=sum(line.right for line in lines),
        already=sum(line.already for line in lines),
        wrong=wrong,
        done=done,
        key=new_id("web"),
    )
