"""The one search box: straight to the thing a scanner named, else what was found and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from api import seeking
from api.office import Office
from api.pages_overview import status
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.seeking import GROUPS, Hit
from domain.words import Words

SAID = {
    "title": Words("查找", "Search"),
    "hint": Words(
        "扫码直接打开该物；也可输入名称、拼音首字母、编号或其中一部分、序列号、车牌、文号、单位、人员。",
        "A scanned code opens its thing. Or type a name, pinyin initials, a number or a part of it, a"
        " serial, a plate, a document's number, a unit or a person.",
    ),
    "box": Words("查找什么", "What to look for"),
    "found": Words("“{text}”：找到 {n} 项", "“{text}”: {n} found"),
    "found-more": Words("“{text}”：先列出 {n} 项", "“{text}”: the first {n}"),
    "more": Words("更多", "more"),
    "scan": Words("用手机扫码", "Scan with a phone"),
    "why": Words("依据", "found by"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/search")
    def search(page: Member) -> Response:
        text = page.request.query_params.get("q", "").strip()[: seeking.TEXT_CHARS_MAX]
        found = seeking.seek(office, page.actor, text, page.lang)
        if found.scan:
            return page.go("/scan?" + urlencode({"code": text}))
        if found.meant:
            return page.go(address_of(found.meant))
        return page.render(
            "seek.html",
            404 if text and not found.count else 200,
            said={name: page.words(words) for name, words in SAID.items()},
            text=text,
            found=found,
            counted=page.words(SAID["found-more" if any(m for *_, m in found.groups) else "found"]),
            groups=[
                (
                    page.words(GROUPS[kind]),
                    [told(page, hit) for hit in hits],
                    more,
                    more_of(kind, text) if more else "",
                )
                for kind, hits, more in found.groups
            ],
        )

    return pages


def address_of(stream: str) -> str:
    """Return where a thing is shown; a place is shown by what lies there."""
    kind, _, id_ = stream.partition("/")
    return "/assets?" + urlencode({"place": id_}) if kind == "place" else address(stream)


def more_of(kind: str, text: str) -> str:
    """Return the list with everything that was found of a kind; empty where none tells it apart."""
    match kind:
        case "asset":
            return "/assets?" + urlencode({"text": text, "book": "any"})
        case "case" | "unit" | "place":
            return f"/{kind}s?" + urlencode({"text": text})
        case _:
            return ""


def told(page: Page, hit: Hit) -> dict[str, Any]:
    """Return one thing that was found as the template draws it."""
    row = hit.row
    case = hit.kind == "case"
    known = hit.kind == "document" and "/" in hit.id
    return {
        "href": address_of(hit.id),
        "title": page.case_title(row) if case else hit.title,
        "name": page.case_name(hit.id) if case or known else "",
        "detail": hit.detail,
        "why": page.words(hit.why),
        "row": row if hit.kind == "asset" else None,
        "unit": page.name_of("unit", row["accounting_unit"]) if hit.kind == "asset" else "",
        "place": page.name_of("place", row["place"])
        if hit.kind == "asset" and row["place"]
        else "",
        "status": status(page, row["kind"], row["status"]) if case else "",
        "source": page.source_of(row) if row is not None else "",
    }
