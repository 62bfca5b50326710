"""The books of units on the command line: how property moved, by unit, class and cause."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api import annual as reports
from api import booking_words, changing, journal_words, pages_export
from api.cli_changes import time
from api.cli_read import day, opened, target, told_export
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.naming import names_then
from api.pages_telling import money
from domain.booking import summed
from domain.journal import accounts
from domain.vouchers import OCCASIONS, Side
from domain.words import Words
from projections.changes import Only
from projections.scope import EVERYTHING

app = typer.Typer(help="账簿 · The books of units.")


@app.command()
def movement(
    ctx: typer.Context,
    start: Annotated[
        str, typer.Option("--from", help="期初日 · Opening, at the end of this business date.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="期末日 · Closing, at the end of this business date.")
    ] = "",
    known: Annotated[
        str, typer.Option(help="已知于（UTC）· As known at a time, or a size of the log.")
    ] = "",
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")] = "",
    kind: Annotated[str, typer.Option(help="资产类别 · Kind, e.g. vehicle.")] = "",
    dataset: Annotated[str, typer.Option(help="数据来源 · Data set.")] = "",
    events: Annotated[
        bool, typer.Option("--events", help="列出每一笔变动 · List every movement (with --csv).")
    ] = False,
    csv: Annotated[str, typer.Option(help="写成 CSV 文件，- 为标准输出 · Write CSV.")] = "",
    json: Json = False,
) -> None:
    """资产增减变动表：期初、增减原因、期末 · Opening + increases − decreases = closing."""
    terminal = at(ctx, json)
    only = Only(unit=unit, kind=kind, dataset=dataset)
    with opened(terminal) as office:
        first, last = changing.year_so_far(office.today())
        days = (day(start, "--from") or first, day(end, "--to") or last)
        fault = changing.wrong(*days, "", "")
        if fault is not None:
            raise Stop(fault[1], USAGE)
        span = changing.span_of(office, *days, "", time(known, "--known"))
        lang = terminal.lang
        name_of = names_then(office, lang)(span.end)
        if events and csv:
            legs = office.booking.legs(EVERYTHING, span, only)
            kept = list(booking_words.legs_table(legs, lang, name_of, pages_export.Amount))
            with target(csv) as file:
                file.writelines(pages_export.csv_bytes(kept))
            sys.stdout.flush()
            told_export(terminal, "movement-events", csv, len(kept) - 1)
            return
        told = office.booking.statement(EVERYTHING, span, only)
        rows = (*told.rows, *summed(told.rows))
        if csv:
            kept = list(booking_words.table(rows, lang, name_of, pages_export.Amount))
            with target(csv) as file:
                file.writelines(pages_export.csv_bytes(kept))
            sys.stdout.flush()
            told_export(terminal, "movement", csv, len(kept) - 1)
        elif terminal.json:
            terminal.answer(
                {
                    "span": span,
                    "rows": [booking_words.plain(row) for row in rows],
                    "differences": told.differences,
                }
            )
        else:
            terminal.table(
                [booking_words.UNIT, booking_words.CLASS, booking_words.ITEM,
                 *booking_words.FIGURES.values()],
                [
                    [
                        name_of("unit", row.unit) if row.unit else
                        terminal.told(booking_words.ALL_UNITS),
                        changing.kind_words(row.kind, lang) if row.kind else "",
                        booking_words.label(item, lang),
                        f"{item.sum.count:,}",
                        *(money(getattr(item.sum, name), row.currency, lang)
                          for name in ("cost", "worn", "net")),
                    ]
                    for row in rows
                    for item in booking_words.items(row)
                ],
            )  # fmt: skip
    if told.differences:
        terminal.say(
            f"有 {len(told.differences)} 处与台账不一致。",
            f"{len(told.differences)} places are not as the inventory says.",
        )
        terminal.end(REFUSED)


@app.command()
def journal(
    ctx: typer.Context,
    start: Annotated[
        str, typer.Option("--from", help="期初日 · Opening, at the end of this business date.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="期末日 · Closing, at the end of this business date.")
    ] = "",
    known: Annotated[
        str, typer.Option(help="已知于（UTC）· As known at a time, or a size of the log.")
    ] = "",
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")] = "",
    csv: Annotated[str, typer.Option(help="写成 CSV 文件，- 为标准输出 · Write CSV.")] = "",
    beancount: Annotated[
        str, typer.Option(help="写成 Beancount 文本 · Write it as Beancount text.")
    ] = "",
    json: Json = False,
) -> None:
    """记账凭证建议，可导出后由独立程序核对 · The vouchers a span proposes, to be checked elsewhere."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        first, last = changing.year_so_far(office.today())
        days = (day(start, "--from") or first, day(end, "--to") or last)
        fault = changing.wrong(*days, "", "")
        if fault is not None:
            raise Stop(fault[1], USAGE)
        span = changing.span_of(office, *days, "", time(known, "--known"))
        found = office.journals.of(EVERYTHING, span, Only(unit=unit))
        lang = terminal.lang
        name_of = names_then(office, lang)(span.end)
        for to, pieces in (
            (
                csv,
                lambda: pages_export.csv_bytes(
                    journal_words.table(found.proposed, lang, name_of, pages_export.Amount)
                ),
            ),
            (
                beancount,
                lambda: map(str.encode, journal_words.beancount(found.proposed, lang, name_of)),
            ),
        ):
            if to:
                with target(to) as file:
                    file.writelines(pieces())
                sys.stdout.flush()
                told_export(terminal, "journal", to, len(found.proposed))
        if csv or beancount:
            return
        if terminal.json:
            terminal.answer(
                {
                    "span": span,
                    "proposed": [journal_words.plain(one) for one in found.proposed],
                    "accounts": accounts(found.proposed),
                }
            )
            return
        terminal.table(
            [
                journal_words.HEADS[0],
                journal_words.HEADS[2],
                journal_words.HEADS[3],
                *journal_words.HEADS[6:10],
            ],
            [
                [
                    one.on,
                    name_of("unit", one.voucher.unit),
                    terminal.told(OCCASIONS[one.voucher.occasion]),
                    line.code,
                    terminal.told(line.account),
                    *(
                        money(line.amount, one.voucher.currency, lang) if line.side is side else ""
                        for side in Side
                    ),
                ]
                for one in found.proposed
                for line in one.voucher.lines
            ],
        )


@app.command()
def check(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")],
    on: Annotated[str, typer.Option("--on", help="核对日 · On this business date.")] = "",
    json: Json = False,
) -> None:
    """卡片、明细账与总账科目核对，逐行指出 · Hold cards, ledgers and accounts against each other."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        found = office.journals.checked(unit, day(on, "--on") or office.today().isoformat())
        broken = found.broken
        if terminal.json:
            terminal.answer({"unit": unit, "broken": broken, "waiting": found.waiting})
        elif broken:
            heads = (
                Words("哪两本账", "between"), Words("卡片或科目", "card or account"),
                Words("一方（分）", "one side"), Words("另一方", "other"),
            )  # fmt: skip
            terminal.table(
                heads,
                [[terminal.told(b.what.words), b.row, str(b.here), str(b.there)] for b in broken],
            )
        else:
            terminal.say(
                "卡片、明细账与总账科目一致。", "Cards, subsidiary ledger and accounts agree."
            )
        if found.waiting and not terminal.json:
            terminal.say("1902未获批复：", "Pending in 1902, not ruled on:")
            heads = (
                Words("入账日期", "entered on"), Words("事由", "cause"), Words("卡片", "card"),
                Words("账面价值（分）", "book value"),
            )  # fmt: skip
            terminal.table(
                heads,
                [
                    [leg.on, terminal.told(leg.cause.words), leg.asset, str(leg.net)]
                    for leg in found.waiting
                ],
            )
    if broken:
        terminal.end(REFUSED)


@app.command()
def annual(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")],
    year: Annotated[int, typer.Option(help="年份 · Year.")],
    to: Annotated[str, typer.Option("--xlsx", help="写成 XLSX 文件 · Write XLSX.")],
    json: Json = False,
) -> None:
    """年度资产报告：总表、变动表、实物资产统计表、应缴财政款 · A unit's annual report of property."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        found = reports.report(office, unit, year)
        name_of = names_then(office, terminal.lang)(found.until)
        sheets = reports.sheets(found, terminal.lang, name_of, pages_export.Amount)
        with target(to) as file:
            file.write(pages_export.xlsx_sheets(sheets))
        told_export(terminal, "annual", to, len(found.cards))
