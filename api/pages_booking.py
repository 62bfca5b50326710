"""The books of units as pages: how property moved, by class, unit and cause, and to take home."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, islice
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api import booking_words, changing, journal_words, pages_export
from api.forms import Fault, Invalid
from api.journal import Journal
from api.office import Office
from api.pages_changes import csv_of, named
from api.pages_inventory import NOT_A_DAY, choices, is_day
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from domain.booking import Cause, Leg, summed
from domain.journal import accounts
from domain.vouchers import OCCASIONS
from domain.words import Words
from projections.changes import Only, Span

PATH: Final = "/books/movement"
JOURNAL: Final = "/books/journal"
VOUCHERS_MAX: Final = 100  # shown; a file has all of them
TEXT_CHARS_MAX: Final = 100
LEGS_MAX: Final = 200  # shown; a file has all of them
SAYS: Final[dict[str, Words]] = {
    "title": Words("资产增减变动表", "Movement of property"),
    "about": Words(
        "期初加本期增加减本期减少等于期末；原值、累计折旧、净值分别成立，每个数字都能点开看到条目。",
        "Opening plus increases less decreases is the closing, of cost, depreciation and net value;"
        " every figure leads to its entries.",
    ),
    "known": Words("已知于", "Known at"),
    "differs": Words("与台账不一致", "Not as the inventory"),
    "by": Words("变动明细", "Movements"),
    "more": Words("只显示前 {n} 条，文件里有全部。", "The first {n}; the file has all of them."),
    "all": Words("全部明细", "all movements"),
    "of-run": Words("当月计提", "a month's run"),
    "listed": Words("台账", "inventory"),
    "here": Words("本表", "this table"),
    "journal": Words("记账凭证建议汇总", "Vouchers proposed"),
    "journal-about": Words(
        "由各单位会计核对后在核算系统记账；本系统只提出建议，模板可由地方规则另定。",
        "The accountant of each unit checks and posts them in the accounting system; this ledger"
        " only proposes, by templates that the rules of a place may say otherwise.",
    ),
    "accounts": Words("科目发生额", "Accounts"),
    "account": Words("科目", "Account"),
    "debit": Words("借方", "Debit"),
    "credit": Words("贷方", "Credit"),
    "omitted": Words("不提出凭证的变动", "Movements without a voucher"),
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The questions in the address, and what was wrong with them."""

    start: str
    end: str
    known: str
    only: Only
    cause: str = ""
    wrong: tuple[Fault, ...] = ()

    def query(self, **also: str) -> str:
        """Return the same questions as an address, some of them asked otherwise."""
        said = {"from": self.start, "to": self.end, "known": self.known, "unit": self.only.unit}
        said |= {"kind": self.only.kind, "currency": self.only.currency}
        said |= {"dataset": self.only.dataset} | also
        return "?" + urlencode({k: v for k, v in said.items() if v})


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def movement(page: Member) -> Response:
        asked = asked_of(page)
        told = office.booking.statement(page.actor.scope, span_of(page, asked), asked.only)
        name_of = page.namer(asked.end)
        return page.render(
            "movement.html",
            422 if asked.wrong else 200,
            asked=asked,
            says=words(page),
            figures=booking_words.FIGURES,
            totals=summed(told.rows),
            groups=[
                (name_of("unit", unit), list(some))
                for unit, some in groupby(told.rows, lambda row: row.unit)
            ],
            items=booking_words.items,
            label=lambda item: booking_words.label(item, page.lang),
            differences=told.differences,
            agrees=page.words(booking_words.AGREES),
            all_units=page.words(booking_words.ALL_UNITS),
            name_of=name_of,
            choices=choices(page),
        )

    @pages.get(f"{PATH}.csv")
    def as_csv(page: Member) -> Response:
        return csv_of(table(page, good(page)), "movement")

    @pages.get(f"{PATH}.xlsx")
    def as_xlsx(page: Member) -> Response:
        asked = good(page)
        sheets = {
            page.words(SAYS["title"]): table(page, asked),
            page.words(SAYS["by"]): legs_table(page, asked),
        }
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "movement", "xlsx")

    @pages.get(f"{PATH}/events")
    def events(page: Member) -> Response:
        asked = good(page)
        found = list(islice(legs(page, asked), LEGS_MAX + 1))
        name_of = page.namer(asked.end)
        return page.render(
            "movement_events.html",
            asked=asked,
            says=words(page),
            figures=booking_words.FIGURES,
            cause=page.words(Cause(asked.cause).words) if asked.cause else "",
            legs=[(leg, page.name_of("asset", leg.asset)) for leg in found[:LEGS_MAX]],
            more=len(found) > LEGS_MAX,
            limit=LEGS_MAX,
            name_of=name_of,
        )

    @pages.get(f"{PATH}/events.csv")
    def events_csv(page: Member) -> Response:
        return csv_of(legs_table(page, good(page)), "movement-events")

    @pages.get(JOURNAL)
    def journal(page: Member) -> Response:
        asked = asked_of(page)
        found = journal_of(page, asked)
        return page.render(
            "journal.html",
            422 if asked.wrong else 200,
            asked=asked,
            says=words(page),
            vouchers=found.proposed[:VOUCHERS_MAX],
            more=len(found.proposed) > VOUCHERS_MAX,
            limit=VOUCHERS_MAX,
            accounts=accounts(found.proposed),
            omitted=list(Counter(one.why.words for one in found.omitted).items()),
            occasions=OCCASIONS,
            name_of=page.namer(asked.end),
            choices=choices(page),
        )

    @pages.get(f"{JOURNAL}.csv")
    def journal_csv(page: Member) -> Response:
        asked = good(page)
        return csv_of(vouchers_table(page, asked, journal_of(page, asked)), "journal")

    @pages.get(f"{JOURNAL}.xlsx")
    def journal_xlsx(page: Member) -> Response:
        asked = good(page)
        found = journal_of(page, asked)
        name_of = page.namer(asked.end)
        sheets = {
            page.words(SAYS["journal"]): vouchers_table(page, asked, found),
            page.words(SAYS["accounts"]): journal_words.accounts_table(
                accounts(found.proposed), page.lang, name_of, pages_export.Amount
            ),
        }
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "journal", "xlsx")

    @pages.get(f"{JOURNAL}.beancount")
    def journal_beancount(page: Member) -> Response:
        asked = good(page)
        text = journal_words.beancount(
            journal_of(page, asked).proposed, page.lang, page.namer(asked.end)
        )
        return Response(
            "".join(text),
            headers=named("journal.beancount"),
            media_type="text/plain; charset=utf-8",
        )

    return pages


def journal_of(page: Page, asked: Asked) -> Journal:
    """Return the vouchers that are asked for."""
    return page.office.journals.of(page.actor.scope, span_of(page, asked), asked.only)


def vouchers_table(page: Page, asked: Asked, found: Journal) -> Any:
    """Return vouchers as rows to take home."""
    return journal_words.table(
        found.proposed, page.lang, page.namer(asked.end), pages_export.Amount
    )


def words(page: Page) -> dict[str, str]:
    """Return what a page of this module says."""
    return {key: page.words(said) for key, said in SAYS.items()}


def asked_of(page: Page) -> Asked:
    """Read the questions in the address; what is wrong is named, the rest still answered."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    faults: list[Fault] = []
    days = {name: given.get(name, "") for name in ("from", "to", "known")}
    for name, value in days.items():
        exact = name == "known" and value.isdecimal() and len(value) < 13
        if value and not exact and not is_day(value):
            faults.append(Fault(name, NOT_A_DAY))
            days[name] = ""
    first, last = changing.year_so_far(page.office.today(page.actor.zone))
    start, end = days["from"] or first, days["to"] or last
    fault = changing.wrong(start, end, "", "")
    if fault is not None:
        faults.append(Fault(*fault))
        start = end
    kind, cause = given.get("kind", ""), given.get("cause", "")
    return Asked(
        start=start,
        end=end,
        known=days["known"],
        cause=cause if cause in list(Cause) else "",
        only=Only(
            unit=given.get("unit", ""),
            kind=kind if kind in CHOICES["kind"] else "",
            currency=given.get("currency", ""),
            dataset=given.get("dataset", ""),
        ),
        wrong=tuple(faults),
    )


def good(page: Page) -> Asked:
    """Return the questions, where an answer to half of them would be no answer."""
    asked = asked_of(page)
    if asked.wrong:
        raise Invalid(list(asked.wrong))
    return asked


def span_of(page: Page, asked: Asked) -> Span:
    """Return the span in the terms of the log."""
    return changing.span_of(page.office, asked.start, asked.end, "", asked.known)


def legs(page: Page, asked: Asked) -> Any:
    """Yield the movements that are asked for."""
    found = page.office.booking.legs(page.actor.scope, span_of(page, asked), asked.only)
    return (leg for leg in found if not asked.cause or leg.cause == asked.cause)


def table(page: Page, asked: Asked) -> Any:
    """Return the accounts as rows to take home."""
    told = page.office.booking.statement(page.actor.scope, span_of(page, asked), asked.only)
    return booking_words.table(
        (*told.rows, *summed(told.rows)), page.lang, page.namer(asked.end), pages_export.Amount
    )


def legs_table(page: Page, asked: Asked) -> Any:
    """Return every movement as rows to take home."""
    found: list[Leg] = list(legs(page, asked))
    return booking_words.legs_table(found, page.lang, page.namer(asked.end), pages_export.Amount)
