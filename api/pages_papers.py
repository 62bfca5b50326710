"""Papers to print: what a case or a thing leaves, as PDF, from the page and from any entry."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import papers
from api.office import Office
from api.pages_inventory import NOT_A_DAY, is_day
from api.pages_sign import Member
from api.pages_telling import NameOf, tell
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import LIFECYCLES, Lang
from domain.paper_forms import PaperForm
from domain.words import Words, in_words
from labels import paper, qr
from labels.paper_parts import Paper
from ledger.book import Stream

MEDIA_TYPE = "application/pdf"
SEQ_DIGITS_MAX = 15
LINE_CHARS_MAX = 60
PAPERS = Words("文书（打印、签字、盖章）", "Papers to print, sign and seal")
NOT_PRINTABLE = Words("这份文书无法打印", "This paper cannot be printed")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/papers/{kind}/{id_}/{form}.pdf")
    def print_(kind: str, id_: str, form: str, page: Member) -> Response:
        if kind not in LIFECYCLES or form not in papers.forms_of(kind):
            raise HTTPException(404)
        stream = office.book.stream(f"{kind}/{id_}")
        if not stream.entries:
            raise HTTPException(404)
        asked = page.request.query_params
        on, at = asked.get("on", ""), asked.get("at", "")
        if on and not is_day(on):
            return trouble(page, page.words(NOT_A_DAY))
        try:
            if form == PaperForm.STOCKTAKE:
                on = on or office.today(page.actor.zone).isoformat()
                made = papers.counted(office, page.actor.scope, stream, on, page.lang)
            else:
                seq = int(at) if at.isdecimal() and len(at) <= SEQ_DIGITS_MAX else None
                made = papers.printed(office, stream, form, page.lang, at=seq)
            return document(made)
        except (papers.NoPaper, paper.TooLong, qr.DoesNotFit) as refused:
            return trouble(page, page.words(Words(refused.zh, refused.en)))

    return pages


def trouble(page: Page, text: str) -> Response:
    """Say why nothing is printed."""
    return page.render("message.html", 422, title=page.words(NOT_PRINTABLE), text=text)


def document(made: Paper) -> Response:
    """Answer with a paper, shown in the browser and saved under a name of plain letters."""
    name = made.identity.partition("?")[0].removeprefix("gongwu:").replace("/", "-")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'inline; filename="{name}.pdf"',
        "Content-Language": "zh-CN" if made.language == "zh" else "en",
    }
    return Response(paper.pdf(made), media_type=MEDIA_TYPE, headers=headers)


def called(leaf: papers.Leaf, lang: Lang, name_of: NameOf) -> str:
    """Return what a paper is called in a list: a record sheet is told apart by its sentence."""
    name = in_words(leaf.form.words, lang)
    if leaf.form is not PaperForm.RECORD:
        return name
    line = tell(leaf.entry.event, lang, name_of)
    if len(line) > LINE_CHARS_MAX:
        line = line[:LINE_CHARS_MAX] + "…"
    return f"{name}：{line}" if lang == "zh" else f"{name}: {line}"


def links(page: Page, stream: Stream) -> dict[str, Any]:
    """Return the papers a stream offers: where each is, what it is called, of which day."""
    kind = stream.name.partition("/")[0]
    name_of = page.name_of
    found = [
        {
            "url": f"/papers/{stream.name}/{leaf.form.value}.pdf?at={leaf.entry.seq}",
            "title": called(leaf, page.lang, name_of),
            "on": leaf.entry.effective_on,
        }
        for leaf in papers.available(stream)
    ]
    for sheet in LIFECYCLES[kind].papers:
        url = f"/papers/{stream.name}/{sheet.value}.pdf"
        found.append({"url": url, "title": in_words(sheet.words, page.lang), "on": ""})
    return {"title": page.words(PAPERS), "links": found}
