"""The catalogue for anybody, without signing in: a page, JSON, CSV and photos. Off unless switched on."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api import showing
from api.limiting import Limiter
from api.office import Office
from api.pages_export import csv_bytes
from api.pages_sign import Visitor
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from api.problems import plain
from api.showing import COLUMNS, TEXT_CHARS_MAX, Asked, Catalogue, Photos
from domain.words import Words

PER_MINUTE: Final = 120  # of one address
PHOTOS_PER_MINUTE: Final = 600
PAGES_MAX: Final = 10_000
KEPT: Final = {"Cache-Control": "public, max-age=300"}
SAID: Final = {
    "title": Words("可供调剂资产公告", "Public property on offer"),
    "about": Words(
        "各机关、事业单位闲置和公物仓内可供调剂的资产（截至 {on}）。符合条件的机关、事业单位登录本系统申领；"
        "在“公示范围”所列的单位优先。本页不含单位内部信息和个人信息。",
        "What public bodies and the public warehouse can spare (as of {on}). A body that may have it"
        " signs in and claims it; those named under “offered to” come first. Nothing here is internal"
        " to a unit or about a person.",
    ),
    "text": Words("名称、拼音首字母或分类代码", "Name, pinyin initials or class code"),
    "kind": Words("类别", "Kind"),
    "region": Words("所在地区", "Region"),
    "none": Words("没有符合条件的物品。", "Nothing on offer fits."),
    "at_once": Words("现在可用", "available now"),
    "no_photo": Words("没有照片", "no photo"),
    "count": Words("共 {n} 项，第 {page}/{pages} 页", "{n} in all, page {page} of {pages}"),
    "example": Words("示例数据，并非真实资产。", "Example data, no real property."),
    "until": Words("（至 {day}）", " (until {day})"),
}
TOO_OFTEN: Final = Words(
    "查询过于频繁，请 {n} 秒后再试。", "Too many requests; try again in {n} seconds."
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)
    asked_for, looked_at = Limiter(PER_MINUTE), Limiter(PHOTOS_PER_MINUTE)
    photos = Photos(office)

    @pages.get("/catalogue")
    def catalogue(page: Visitor) -> Response:
        admitted(page, asked_for)
        asked = asked_of(page)
        made = Catalogue(office, office.today())
        shown = made.shown(asked)
        kinds, regions = made.kinds_and_regions()
        return page.render(
            "catalogue.html",
            asked=asked,
            shown=shown,
            items=[(item, showing.told(item, page.lang)) for item in shown.items],
            heads={name: page.words(words) for name, words in COLUMNS.items()},
            s={name: page.words(words) for name, words in SAID.items()},
            kinds=[(kind, page.words(CHOICES["kind"].get(kind, kind))) for kind in kinds],
            regions=[(code, showing.region_said(code, page.lang)) for code in regions],
            example=showing.of_example(shown.items),
        )

    @pages.get("/catalogue.json")
    def as_json(page: Visitor) -> Response:
        admitted(page, asked_for)
        shown = Catalogue(office, office.today()).shown(asked_of(page), showing.ROWS_MAX)
        answer = {
            "as_of": shown.on.isoformat(),
            "page": shown.page,
            "pages": shown.pages,
            "total": shown.total,
            "columns": {name: page.words(words) for name, words in COLUMNS.items()},
            "items": [
                showing.told(item, page.lang)
                | {"photo": f"/catalogue/{item.no}.jpg" if item.photo else None}
                | {"example": item.example}
                for item in shown.items
            ],
        }
        return JSONResponse(answer, headers=KEPT)

    @pages.get("/catalogue.csv")
    def as_csv(page: Visitor) -> Response:
        admitted(page, asked_for)
        shown = Catalogue(office, office.today()).shown(asked_of(page), showing.ROWS_MAX)
        content = b"".join(csv_bytes(showing.table(shown.items, page.lang)))
        named = {"Content-Disposition": 'attachment; filename="catalogue.csv"'}
        return Response(content, headers=KEPT | named, media_type="text/csv; charset=utf-8")

    @pages.get("/catalogue/{number}.jpg")
    def photo(number: str, page: Visitor) -> Response:
        admitted(page, looked_at)
        known = number.isascii() and number.isdecimal() and 0 < len(number) < 13
        content = Catalogue(office, office.today(), photos).photo(int(number)) if known else None
        if content is None:
            raise HTTPException(404)
        return Response(content, headers=KEPT, media_type="image/jpeg")

    return pages


def admitted(page: Page, limiter: Limiter) -> None:
    """Raise 404 where the catalogue is switched off, 429 for who asks too often."""
    if not page.office.settings.catalogue:
        raise HTTPException(404)
    wait = limiter.wait_seconds(page.address)
    if wait:
        problem = plain(429, Words(TOO_OFTEN.zh.format(n=wait), TOO_OFTEN.en.format(n=wait)))
        problem.headers["Retry-After"] = str(wait)
        raise problem


def asked_of(page: Page) -> Asked:
    """Read the questions in the address; what is no number is the first page."""

    def given(name: str) -> str:
        said = page.request.query_params.get(name, "")
        return said.replace("\0", "").strip()[:TEXT_CHARS_MAX]

    number = given("page")
    kind, region = given("kind"), given("region")
    return Asked(
        text=given("text"),
        kind=kind if kind in CHOICES["kind"] else "",
        region=region if region.isascii() and region.isdecimal() else "",
        class_code=given("class_code"),
        page=max(1, min(PAGES_MAX, int(number))) if number.isdecimal() else 1,
    )
