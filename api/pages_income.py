"""Where every fen is, as a page: the board by step and age, what is owed by age, what nobody buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_export, pages_past, tables, tables_here
from api.looking import Lists
from api.office import Office
from api.pages_changes import csv_of
from api.pages_inventory import TEXT_CHARS_MAX
from api.pages_past import Looking
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.tables import Column, List, Shown, declared
from api.tables_here import Taken
from domain.decider import LIFECYCLES
from domain.disposal import DisposalStatus, Flag
from domain.due import DueStatus, Income
from domain.leaving import Form
from domain.progress import NEXT_OF_DUE, MoneyStep
from domain.words import Term, Words
from projections import ordering, treasury
from projections.income import dues
from projections.scope import BadCursor
from projections.treasury import Asked

PATH: Final = "/income"
CARDS: Final = 12  # shown in a column; the list has them all
ROWS: Final = 100
FILE_ROWS: Final = 1_000
SAID: Final = {
    "title": Words("收入看板", "Income board"),
    "about": Words(
        "每项处置和每笔应缴款现在到了哪一步、停了多久、轮到谁办。",
        "Where every disposal and every sum due stands, how long it has stood there, whose turn it is.",
    ),
    "board": Words("看板", "Board"),
    "ageing": Words("账龄与未缴", "Ageing and unremitted"),
    "stuck": Words("流拍滞留", "Unsold and stuck"),
    "register": Words("处置台账", "Disposal register"),
    "dues": Words("应缴财政款", "Due to the treasury"),
    "unit": Words("单位", "unit"),
    "income": Words("收入种类", "income"),
    "age": Words("停留天数", "days in the step"),
    "owed-age": Words("账龄（天）", "age in days"),
    "text": Words("文号、缴款码", "number or payment code"),
    "step": Words("步骤", "step"),
    "case": Words("事项", "case"),
    "form": Words("方式", "form"),
    "items": Words("件数", "items"),
    "amount": Words("金额", "amount"),
    "since": Words("自", "since"),
    "days": Words("天数", "days"),
    "next": Words("下一步", "next"),
    "who": Words("由谁办理", "whose turn"),
    "due": Words("期限", "due by"),
    "status": Words("状态", "status"),
    "flags": Words("提示", "notes"),
    "days-in": Words("{n}天", "{n} days"),
    "pieces": Words("{n}件", "{n} items"),
    "part-done": Words("已执行{done}/{n}件", "{done} of {n} carried out"),
    "round": Words("流拍{n}次", "failed {n} times"),
    "late": Words("逾期{n}天", "{n} days overdue"),
    "worth": Words("评估或账面原值", "appraised or original value"),
    "proceeds": Words("成交或应缴", "proceeds or due"),
    "unstated": Words("另有{n}项未载明", "{n} more not stated"),
    "more": Words("全部{n}项", "all {n}"),
    "none-here": Words("无", "none"),
    "none": Words(
        "没有已批准的处置，也没有应缴款。处置获批后会出现在这里。",
        "Nothing is approved for disposal and nothing is owed. What is approved will show here.",
    ),
    "waiting": Words("待审批的处置：{n}项", "Disposals that await a decision: {n}"),
    "check": Words(
        "应缴 {net}，到账 {paid_in}，上缴 {remitted}，尚欠 {left_over}；与应缴财政款台账一致。",
        "Due {net}, received {paid_in}, remitted {remitted}, open {left_over}: as in the list of dues.",
    ),
    "net": Words("应缴", "due"),
    "paid_in": Words("到账", "received"),
    "remitted": Words("上缴", "remitted"),
    "left_over": Words("尚欠", "open"),
    "overdue": Words("其中逾期", "of it overdue"),
    "overdue-days": Words("逾期天数", "days overdue"),
    "currency": Words("币种", "currency"),
    "count": Words("笔数", "dues"),
    "total": Words("合计", "total"),
    "no-day": Words("未规定期限", "no day is set"),
    "from-receipt": Words("到账后{n}日内", "within {n} days of its receipt"),
    "by-unit": Words("各单位账龄", "By unit and age"),
    "unremitted": Words("未缴清单", "What is not remitted"),
    "only-overdue": Words("只看逾期", "only overdue"),
    "all-open": Words("全部未缴", "everything open"),
    "nothing-open": Words("没有未缴的款项。", "Nothing is left to remit."),
    "ages-note": Words(
        "账龄从确认应缴之日起算，分段由当地规则（{policy}）设定，只表示已有多久，不是缴款期限；"
        "当地规则设定期限的，过期才算逾期。",
        "Ages count from the day of assessment; the rules of the place ({policy}) set the steps, which"
        " say how long and are no period of payment. Overdue is only what a rule sets a day for.",
    ),
    "rounds": Words("流拍次数", "failed auctions"),
    "failed_on": Words("最近流拍", "last failed on"),
    "value": Words("价值（评估或原值）", "value (appraised or original)"),
    "next_by": Words("下一步期限", "next step by"),
    "nothing-stuck": Words(
        "没有两次以上流拍或下一步已过期的处置。",
        "No disposal failed at auction twice, and no next step after a failed auction is overdue.",
    ),
    "stuck-about": Words(
        "两次以上流拍而没有成交，或流拍后下一步已过期的处置，最久的在前。",
        "Disposals that failed at auction twice or more, or whose next step after it is overdue; the"
        " longest first.",
    ),
    "several": Words("（多单位打包）", "(a lot of several units)"),
}  # fmt: skip


def column_of(name: str, said: str = "", **how: Any) -> Column:
    """Return a column that is called what we call it elsewhere on these pages."""
    return Column(name=name, words=SAID[said or name], **how)


STUCK: Final = declared(
    List(
        path=f"{PATH}/stuck",
        title=SAID["stuck"],
        columns=(
            column_of("name", "case"),
            column_of("unit", sorts=True),
            column_of("form", sorts=True),
            column_of("items", num=True, sorts=True),
            column_of("value", num=True, sorts=True),
            column_of("rounds", num=True, sorts=True),
            column_of("since", "failed_on", sorts=True),
            column_of("days", num=True, sorts=True),
            column_of("next_by", sorts=True),
            column_of("next", sorts=True),
            column_of("late", "overdue-days", num=True, sorts=True, apart=True),
            column_of("who", apart=True),
            column_of("currency", apart=True),
        ),
    )
)
OWED: Final = declared(
    List(
        path=f"{PATH}/ageing",
        files=f"{PATH}/unremitted",
        title=SAID["unremitted"],
        sort="since",
        columns=(
            column_of("name", "case"),
            column_of("unit"),
            column_of("income", sorts=True),
            column_of("status", sorts=True),
            column_of("net", num=True, sorts=True),
            column_of("paid_in", num=True, sorts=True),
            column_of("remitted", num=True, sorts=True),
            column_of("left_over", num=True, sorts=True),
            column_of("since", sorts=True),
            column_of("remit_by", "due", sorts=True),
            column_of("age", "owed-age", num=True, apart=True),
            column_of("late", "overdue-days", num=True, apart=True),
            column_of("currency", apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def board(page: Member) -> Response:
        return board_page(page)

    @pages.get(f"{PATH}/ageing")
    def ageing(page: Member) -> Response:
        return ageing_page(page)

    @pages.get(f"{PATH}/stuck")
    def stuck(page: Member) -> Response:
        return stuck_page(page)

    files: Mapping[str, Callable[[Page], Iterator[Sequence[Any]]]] = {
        "": board_rows,
        "/ageing": ageing_rows,
    }
    for ending, rows in files.items():
        _files(pages, ending, rows)
    tables_here.files(pages, OWED, owed_taken, unremitted_rows)
    tables_here.files(pages, STUCK, stuck_taken, stuck_rows)
    return pages


def _files(pages: APIRouter, ending: str, rows: Callable[[Page], Iterator[Sequence[Any]]]) -> None:
    """Add a list as CSV and as XLSX."""
    name = ending.removeprefix("/") or "income"

    def as_csv(page: Member) -> Response:
        return csv_of(rows(page), name)

    def as_xlsx(page: Member) -> Response:
        sheets = {page.words(SAID["title"]): rows(page)}
        return pages_export.kept(pages_export.xlsx_pieces(sheets), name, "xlsx")

    pages.add_api_route(f"{PATH}{ending}.csv", as_csv, methods=["GET"], response_model=None)
    pages.add_api_route(f"{PATH}{ending}.xlsx", as_xlsx, methods=["GET"], response_model=None)


# What is asked ----------------------------------------------------------------------


def asked_of(page: Page, look: Looking) -> Asked:
    """Read the questions in the address; ages are those of the reader's own place."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    on = date.fromisoformat(look.day)
    ages = page.office.rules_for(page.actor.unit, on).ageing_days
    age, income = given.get("age", ""), given.get("income", "")
    return Asked(
        on=on,
        ages=ages,
        unit=given.get("unit", ""),
        income=income if income in set(Income) else "",
        text=given.get("text", ""),
        age=int(age) if age.isdecimal() and int(age[:3]) <= len(ages) else None,
    )


def lists(page: Page, look: Looking) -> Lists:
    """Return where the page reads its rows."""
    return pages_past.lists(page, look, treasury.KINDS)


def ages(asked: Asked) -> list[str]:
    """Return what each age is called."""
    said = [treasury.bounds(asked.ages, age) for age in range(len(asked.ages) + 1)]
    return [f"{first}–{last}" if last is not None else f"≥ {first}" for first, last in said]


def choices(page: Page, asked: Asked) -> dict[str, list[tuple[str, str]]]:
    """Return what the filters offer."""
    return {
        "unit": page.unit_choices(ended=True),
        "income": [(one.value, page.words(one.words)) for one in Income],
        "age": [(str(age), name) for age, name in enumerate(ages(asked))],
    }


def chips(page: Page, look: Looking, asked: Asked) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    said = {
        "unit": page.name_of("unit", asked.unit) if asked.unit else "",
        "income": page.words(Income(asked.income).words) if asked.income else "",
        "age": ages(asked)[asked.age] if asked.age is not None else "",
        "text": asked.text,
    }
    mine = [
        (f"{page.words(SAID[name])}: {words}", page.url(**{name: None, "after": None}))
        for name, words in said.items()
        if words
    ]
    return [*mine, *pages_past.chips(page, look)]


def common(page: Page, look: Looking, asked: Asked, here: str) -> dict[str, Any]:
    """Return what the three pages share."""
    kept = page.query_only("unit", "on", "known")
    return {
        "look": look,
        "asked": asked,
        "here": here,
        "said": {
            name: headed(
                page.words(SAID["owed-age" if (name, here) == ("age", "ageing") else name])
            )
            for name in SAID
        },
        "choices": choices(page, asked),
        "chips": chips(page, look, asked),
        "ages": ages(asked),
        "tabs": [
            (f"{PATH}{kept}", "board"),
            (f"{PATH}/ageing{kept}", "ageing"),
            (f"{PATH}/stuck{kept}", "stuck"),
            (f"{PATH}/register{kept}", "register"),
            (f"/dues{kept}", "dues"),
        ],
    }


def headed(text: str) -> str:
    """Return a heading; English ones begin with a capital."""
    return f"{text[:1].upper()}{text[1:]}"


# The board --------------------------------------------------------------------------


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One card in words; `url` leads to the chain of the case, or to the due without one."""

    url: str
    name: str
    unit: str
    about: str
    status: str
    pieces: str
    amount: str
    since: str
    days: int
    next: str
    who: str
    late: str
    flags: tuple[str, ...]
    dataset: str


def card_of(page: Page, row: Any, on: date, name_of: Callable[[str, str], str]) -> Card:
    """Return a row of the board in words."""
    said = {name: page.words(words) for name, words in SAID.items()}
    status: Term
    if row["id"].startswith("due/"):
        status = DueStatus(row["status"])
        verb, roles = NEXT_OF_DUE.get(status, ("", ()))
        if status is DueStatus.ASSESSED and row["net"] <= 0:
            verb = "close_at_zero"
        verbs = LIFECYCLES["due"].verbs
    else:
        status = DisposalStatus(row["status"])
        verb, roles = row["verb"], tuple(filter(None, row["roles"].split(",")))
        verbs = LIFECYCLES["disposal"].verbs
    where = row["case"] or row["id"]
    form = page.words(Form(row["about"]).words) if row["about"] else ""
    n, done = row["items"], row["done"]
    pieces = "" if n is None else said["pieces"].format(n=n)
    if n is not None and done and done < n:
        pieces = said["part-done"].format(n=n, done=done)
    failed = [said["round"].format(n=row["rounds"])] if row["rounds"] else []
    marks = [page.words(Flag(flag).words) for flag in row["flags"].split()]
    late = 0 if not row["due"] else (on - date.fromisoformat(row["due"])).days
    open_ = row["step"] != MoneyStep.POSTED.value and row["step"] != MoneyStep.REMITTED.value
    return Card(
        url=f"{address(where)}{page.query_only('on', 'known')}{'#chain' if row['case'] else ''}",
        name=page.case_name(where),
        unit=name_of("unit", row["unit"]) if row["unit"] else "",
        about=form or page.words(Income(row["income"]).words),
        status=page.words(status.words),
        pieces=pieces,
        amount=money(row["amount"], row["currency"] or "CNY", page.lang),
        since=row["since"],
        days=max(0, (on - date.fromisoformat(row["since"])).days) if row["since"] else 0,
        next=page.words(verbs[verb].words) if verb in verbs else "",
        who=page.words(tuple(page.words(Words.of(str(role))) for role in roles)) if roles else "",
        late=said["late"].format(n=late) if late > 0 and open_ else "",
        flags=(*failed, *marks),
        dataset=row["dataset"],
    )


def board_page(page: Page) -> Response:
    """Draw the board: a column for each step, its sums, its ages, the longest waiting first."""
    look = pages_past.looking(page)
    asked, there, scope = asked_of(page, look), lists(page, look), page.actor.scope
    sums = there.rows(treasury.totals(scope, asked))
    name_of = pages_past.names(page, look)
    columns = [
        column(
            page, step, [row for row in sums if row["step"] == step.value], asked, there, name_of
        )
        for step in MoneyStep
    ]
    waiting = there.rows(treasury.awaiting(scope, asked.unit))[0]["cases"]
    return page.render(
        "income.html",
        422 if look.wrong else 200,
        columns=columns,
        empty=not sums,
        checks=[
            page.words(SAID["check"]).format(**{
                name: money(int(sum(row[name] for row in sums if row["currency"] == currency)), currency)
                for name in ("net", "paid_in", "remitted", "left_over")
            })
            for currency in sorted({row["currency"] for row in sums if row["net"]})
        ],
        waiting=page.words(SAID["waiting"]).format(n=waiting) if waiting else "",
        **common(page, look, asked, "board"),
    )  # fmt: skip


def column(
    page: Page,
    step: MoneyStep,
    sums: Sequence[Any],
    asked: Asked,
    there: Lists,
    name_of: Callable[[str, str], str],
) -> dict[str, Any]:
    """Return one column of the board as the template draws it."""
    count = sum(row["cards"] for row in sums)
    query = treasury.cards(page.actor.scope, asked, step=step, limit=CARDS)
    shown = there.rows(query) if count else []
    worth = step in (MoneyStep.APPROVED, MoneyStep.APPRAISED, MoneyStep.LISTED, MoneyStep.FAILED)
    unknown = sum(row["unknown"] for row in sums)
    return {
        "step": step,
        "title": page.words(step.words),
        "count": count,
        "sums": [
            money(int(row["amount"]), row["currency"] or "CNY", page.lang)
            for row in sums
            if row["amount"] is not None
        ],
        "of": page.words(SAID["worth" if worth else "proceeds"]),
        "unknown": page.words(SAID["unstated"]).format(n=unknown) if unknown else "",
        "ages": [
            (str(age), name, n)
            for age, name in enumerate(ages(asked))
            if (n := sum(row[f"age{age}"] for row in sums))
        ],
        "cards": [card_of(page, row, asked.on, name_of) for row in shown],
        "more": page.words(SAID["more"]).format(n=count) if count > len(shown) else "",
    }


def board_rows(page: Page) -> Iterator[Sequence[Any]]:
    """Yield every card of the board as a file has it."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    heads = ("step", "case", "unit", "form", "status", "items", "amount", "net", "paid_in")
    more = ("remitted", "left_over", "since", "days", "next", "who", "due", "flags")
    yield [*(page.words(SAID[name]) for name in (*heads, *more)), "currency", "id"]
    for row in lists(page, look).rows(treasury.cards(page.actor.scope, asked)):
        card = card_of(page, row, asked.on, name_of)
        yield [
            page.words(MoneyStep(row["step"]).words),
            card.name,
            card.unit,
            card.about,
            card.status,
            row["items"],
            amount(row["amount"]),
            *(amount(row[name]) for name in ("net", "paid_in", "remitted", "left_over")),
            row["since"],
            card.days,
            card.next,
            card.who,
            row["due"],
            "；".join(card.flags),
            row["currency"],
            row["id"],
        ]


def amount(fen: int | None) -> Any:
    """Return an amount as a file has it; what is not stated stays empty."""
    return "" if fen is None else pages_export.Amount(int(fen))


# Ageing -----------------------------------------------------------------------------


def ageing_page(page: Page) -> Response:
    """Draw what each unit owes by age, and every due that is not remitted."""
    look = pages_past.looking(page)
    asked, there, scope = asked_of(page, look), lists(page, look), page.actor.scope
    shown = tables.shown(page, OWED)
    try:
        rows, more = fetched(
            page, there, shown, asked, page.request.query_params.get("after"), ROWS
        )
    except BadCursor:
        raise HTTPException(404) from None
    name_of = pages_past.names(page, look)
    units = there.rows(treasury.ageing(scope, asked))
    return page.render(
        "income_ageing.html",
        422 if look.wrong else 200,
        units=[(name_of("unit", row["unit"]), whole(row)) for row in units],
        totals=summed(units, len(asked.ages) + 1),
        shown=shown,
        rows=[owed(page, row, asked.on, name_of) for row in rows],
        cell=owed_cell,
        more=more,
        overdue=is_overdue(page),
        note=page.words(SAID["ages-note"]).format(
            policy=page.office.rules_for(page.actor.unit, asked.on).reference
        ),
        **common(page, look, asked, "ageing"),
    )


def is_overdue(page: Page) -> bool:
    """Tell whether only what is overdue is asked for."""
    return page.request.query_params.get("overdue", "") == "1"


def fetched(
    page: Page, there: Lists, shown: Shown, asked: Asked, after: str | None, limit: int
) -> tuple[Sequence[Any], str]:
    """Return a page of what is not remitted, and where it goes on; empty: nowhere."""
    query = treasury.unremitted(
        page.actor.scope,
        asked,
        sort=shown.sort,
        descending=shown.descending,
        after=after,
        overdue=is_overdue(page),
        limit=limit + 1,
    )
    rows = there.rows(query)
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], ordering.cursor(last, dues.c[shown.sort]) if last else ""


def owed_cell(told: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell of the list of what is not remitted."""
    match name:
        case "net" | "paid_in" | "remitted" | "left_over":
            return amount(told["row"][name])
        case "age":
            return told["days"]
        case "late":
            return told["late"] or ""
        case "since" | "remit_by" | "currency":
            return told["row"][name]
        case _:
            return told[name]


def owed_taken(page: Page) -> Taken:
    """Return everything that is not remitted as it is shown, to take home."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    shown, there = tables.shown(page, OWED), lists(page, look)
    rows = tables.every(lambda after: fetched(page, there, shown, asked, after, FILE_ROWS))
    return shown, (owed(page, row, asked.on, name_of) for row in rows), owed_cell


def whole(row: Any) -> dict[str, Any]:
    """Return a row whose sums are whole fen, as one database says them and another does not."""
    return {name: int(v) if isinstance(v, Decimal) else v for name, v in row.items()}


def summed(rows: Sequence[Any], count: int) -> list[dict[str, Any]]:
    """Return the last line of the table of ages, one for each currency."""
    names = ("dues", "left_over", "overdue", *(f"age{age}" for age in range(count)))
    return [
        {"currency": currency}
        | {
            name: int(sum(row[name] for row in rows if row["currency"] == currency))
            for name in names
        }
        for currency in sorted({row["currency"] for row in rows})
    ]


def owed(page: Page, row: Any, on: date, name_of: Callable[[str, str], str]) -> dict[str, Any]:
    """Return one due that is not remitted as the template draws it."""
    late = (on - date.fromisoformat(row["remit_by"])).days if row["remit_by"] else 0
    return {
        "row": row,
        "url": f"/dues/{row['id']}{page.query_only('on', 'known')}",
        "name": page.case_name(row["origin"] or f"due/{row['id']}"),
        "unit": name_of("unit", row["unit"]),
        "income": page.words(Income(row["income"]).words),
        "status": page.words(DueStatus(row["status"]).words),
        "days": max(0, (on - date.fromisoformat(row["since"])).days) if row["since"] else 0,
        "late": max(0, late),
    }


def ageing_rows(page: Page) -> Iterator[Sequence[Any]]:
    """Yield what each unit owes by age as a file has it."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    names = ages(asked)
    heads = [page.words(SAID[name]) for name in ("unit", "count", "left_over", "overdue")]
    yield [*heads, *names, "currency"]
    for row in lists(page, look).rows(treasury.ageing(page.actor.scope, asked)):
        yield [
            name_of("unit", row["unit"]),
            row["dues"],
            amount(row["left_over"]),
            amount(row["overdue"]),
            *(amount(row[f"age{age}"]) for age in range(len(names))),
            row["currency"],
        ]


def unremitted_rows(page: Page) -> Iterator[Sequence[Any]]:
    """Yield every due that is not remitted as a file has it."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    heads = ("case", "unit", "income", "status", "net", "paid_in", "remitted", "left_over")
    yield [
        *(page.words(SAID[name]) for name in (*heads, "since", "days", "due")),
        page.words(SAID["overdue"]),
        "currency",
        "id",
    ]
    query = treasury.unremitted(page.actor.scope, asked, overdue=is_overdue(page))
    for row in lists(page, look).rows(query):
        told = owed(page, row, asked.on, name_of)
        yield [
            *(told[name] for name in ("name", "unit", "income", "status")),
            *(amount(row[name]) for name in ("net", "paid_in", "remitted", "left_over")),
            row["since"],
            told["days"],
            row["remit_by"],
            told["late"] or "",
            row["currency"],
            row["id"],
        ]


# What nobody buys -------------------------------------------------------------------


def stuck_page(page: Page) -> Response:
    """Draw the disposals that failed twice, or whose next step is overdue."""
    look = pages_past.looking(page)
    asked = asked_of(page, look)
    found = lists(page, look).rows(treasury.stuck(page.actor.scope, asked))
    name_of = pages_past.names(page, look)
    shown = tables.shown(page, STUCK)
    told = [unsold(page, row, asked.on, name_of) for row in found]
    rows, more = tables_here.part(
        page, tables_here.ordered(shown, told, stuck_cell), lambda one: str(one["row"]["id"])
    )
    return page.render(
        "income_stuck.html",
        422 if look.wrong else 200,
        shown=shown,
        rows=rows,
        cell=stuck_cell,
        more=more,
        count=len(found),
        totals=[
            money(sum(worth_of(row) or 0 for row in found if row["currency"] == currency), currency)
            for currency in sorted({row["currency"] for row in found})
        ],
        **common(page, look, asked, "stuck"),
    )


def stuck_cell(told: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell of the list of what nobody buys."""
    match name:
        case "value":
            return amount(told["value"])
        case "late":
            return told["late"] or ""
        case "rounds" | "since" | "next_by" | "currency":
            return told["row"][name]
        case _:
            return told[name]


def stuck_taken(page: Page) -> Taken:
    """Return the stuck disposals as they are shown, to take home."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    shown = tables.shown(page, STUCK)
    found = lists(page, look).rows(treasury.stuck(page.actor.scope, asked))
    told = [unsold(page, row, asked.on, name_of) for row in found]
    return shown, tables_here.ordered(shown, told, stuck_cell), stuck_cell


def worth_of(row: Any) -> int | None:
    """Return what a disposal is worth: appraised, else by its cards; None where nothing says."""
    for name in ("appraised", "approved", "requested"):
        if row[name] is not None:
            return int(row[name])
    return None


def unsold(page: Page, row: Any, on: date, name_of: Callable[[str, str], str]) -> dict[str, Any]:
    """Return one stuck disposal as the template draws it."""
    late = (on - date.fromisoformat(row["next_by"])).days if row["next_by"] else 0
    verb = LIFECYCLES["disposal"].verbs.get(row["verb"])
    roles = tuple(page.words(Words.of(role)) for role in row["roles"].split(",") if role)
    return {
        "row": row,
        "url": f"{address(row['stream'])}{page.query_only('on', 'known')}#chain",
        "name": page.case_name(row["stream"]),
        "unit": name_of("unit", row["unit"]) if row["unit"] else "",
        "form": page.words(Form(row["form"]).words),
        "items": row["items"] - row["done"],
        "value": worth_of(row),
        "days": (on - date.fromisoformat(row["since"])).days if row["since"] else 0,
        "late": max(0, late),
        "next": page.words(verb.words) if verb else "",
        "who": page.words(roles) if roles else "",
    }


def stuck_rows(page: Page) -> Iterator[Sequence[Any]]:
    """Yield the stuck disposals as a file has them."""
    look = pages_past.good(page)
    asked, name_of = asked_of(page, look), pages_past.names(page, look)
    heads = ("case", "unit", "form", "items", "value", "rounds", "failed_on", "days", "next_by")
    yield [
        *(page.words(SAID[name]) for name in (*heads, "overdue", "next", "who")),
        "currency",
        "id",
    ]
    for row in lists(page, look).rows(treasury.stuck(page.actor.scope, asked)):
        told = unsold(page, row, asked.on, name_of)
        yield [
            *(told[name] for name in ("name", "unit", "form", "items")),
            amount(told["value"]),
            row["rounds"],
            row["since"],
            told["days"],
            row["next_by"],
            told["late"] or "",
            told["next"],
            told["who"],
            row["currency"],
            row["id"],
        ]
