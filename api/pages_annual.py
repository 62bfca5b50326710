"""A unit's year as a page and a file, and whether its cards, ledgers and accounts agree."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import annual, booking_words, pages_export
from api.office import Office
from api.pages_inventory import is_day
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.booking import Leg, summed
from domain.depreciating import Broken
from domain.words import Words

BROKEN_MAX: Final = 100
SAYS: Final[dict[str, Words]] = {
    "annual": Words("年度资产报告", "Annual report of property"),
    "check": Words("账账、账卡核对", "Do cards, ledgers and accounts agree"),
    "check-about": Words(
        "卡片（台账）、明细账（逐条事实）、总账科目（凭证建议）三者核对，含待处理财产损溢；不一致的逐行指出。",
        "Cards of the inventory, the subsidiary ledger of their facts and the accounts of the"
        " vouchers proposed, 1902 with them; every row that disagrees is named.",
    ),
    "agrees": Words("卡片、明细账与总账科目一致。", "Cards, subsidiary ledger and accounts agree."),
    "on": Words("核对日", "On"),
    "waiting": Words("待处理财产损溢（1902）未获批复", "Pending in 1902, not ruled on"),
    "waiting-none": Words("没有未获批复的盘盈盘亏。", "No gain or loss waits for a ruling."),
    "waiting-on": Words("入账日期", "Entered on"),
    "waiting-what": Words("事由", "Cause"),
    "waiting-card": Words("卡片", "Card"),
    "waiting-amount": Words("账面价值", "Book value"),
    "of": Words("{year} 年", "{year}"),
    "income": annual.SHEETS["income"],
    "classes": annual.SHEETS["classes"],
    "cards": Words("逐件清单见 XLSX 文件", "Every card is in the XLSX file"),
    "movement": annual.MOVED,
    "journal": Words("记账凭证建议汇总", "Vouchers proposed"),
    "wear": Words("固定资产折旧", "Depreciation"),
    "none": Words("本年没有应缴财政款", "No income of the treasury this year"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/books/units/{id_}")
    def annual_report(id_: str, page: Member) -> Response:
        year = year_of(page, id_)
        found = annual.report(office, id_, year)
        rows = annual.classes(found, page.lang, int)
        return page.render(
            "annual.html",
            id_=id_,
            unit=page.name_of("unit", id_),
            year=year,
            this_year=office.today(page.actor.zone).year,
            says={key: page.words(said) for key, said in SAYS.items()},
            found=found,
            figures=booking_words.FIGURES,
            totals=summed(found.rows),
            heads=next(rows),
            income_heads=[page.words(words) for words in annual.INCOME_HEADS],
        )

    @pages.get("/books/units/{id_}/annual.xlsx")
    def annual_file(id_: str, page: Member) -> Response:
        year = year_of(page, id_)
        found = annual.report(office, id_, year)
        sheets = annual.sheets(found, page.lang, page.namer(found.until), pages_export.Amount)
        return pages_export.kept(pages_export.xlsx_pieces(sheets), f"annual-{year}", "xlsx")

    @pages.get("/books/units/{id_}/check")
    def check(id_: str, page: Member) -> Response:
        seen_by(page, id_)
        on = page.request.query_params.get("on", "")
        on = on if is_day(on) else office.today(page.actor.zone).isoformat()
        found = office.journals.checked(id_, on)
        return page.render(
            "tied.html",
            id_=id_,
            unit=page.name_of("unit", id_),
            on=on,
            says={key: page.words(said) for key, said in SAYS.items()},
            broken=[shown(page, one) for one in found.broken[:BROKEN_MAX]],
            count=len(found.broken),
            waiting=[waits(page, leg) for leg in found.waiting[:BROKEN_MAX]],
            waiting_count=len(found.waiting),
        )

    return pages


def shown(page: Page, one: Broken) -> dict[str, Any]:
    """Return one place that disagrees in words; a card leads to its page."""
    card = page.office.book.stream(f"asset/{one.row}").version > 0
    return {
        "what": page.words(one.what.words),
        "row": page.name_of("asset", one.row) if card else one.row,
        "url": f"/assets/{one.row}" if card else "",
        "here": one.here,
        "there": one.there,
    }


def waits(page: Page, leg: Leg) -> dict[str, Any]:
    """Return one item of 1902 that nobody has ruled on, in words; it leads to its card."""
    return {
        "on": leg.on,
        "cause": page.words(leg.cause.words),
        "name": page.name_of("asset", leg.asset),
        "url": f"/assets/{leg.asset}",
        "amount": leg.net,
        "currency": leg.currency,
    }


def seen_by(page: Page, id_: str) -> None:
    """Let nobody read the books of a unit that there is not, or that they may not see."""
    scope = page.actor.scope
    if not page.office.book.stream(f"unit/{id_}").entries:
        raise HTTPException(404)
    if scope.units is not None and id_ not in scope.units:
        raise HTTPException(404)


def year_of(page: Page, id_: str) -> int:
    """Return the year that is asked for, or this one."""
    seen_by(page, id_)
    said = page.request.query_params.get("year", "")
    if not said:
        return page.office.today(page.actor.zone).year
    if not (said.isascii() and said.isdecimal() and 1900 <= int(said) <= 9998):
        raise HTTPException(404)
    return int(said)
