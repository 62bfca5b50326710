"""Register against register on the command line: every row with what became of it, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api import cli_replay_sales, comparing_registers, importing_leso, reading_leso
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.comparing_registers import Comparison
from api.importing_facts import dollars
from api.reading_problems import Unreadable
from domain.words import Words, in_words

app = typer.Typer(
    help="登记册：互相核对，作为处置单办理 · Registers: compared, or played as disposals."
)
compare = typer.Typer(help="两册逐行核对 · Compare two registers, row by row.")
app.add_typer(compare, name="compare")
app.command("replay")(cli_replay_sales.replay_sales)
OPEN_SHOWN = 20

Into = Annotated[
    Path | None,
    typer.Option(help="逐行结果写入此文件（.csv 或 .xlsx）· Every row into this file."),
]


@compare.command()
def seattle(
    ctx: typer.Context,
    dated: Annotated[
        Path | None, typer.Argument(help="有日期的一册 · With days; without it the sample.")
    ] = None,
    undated: Annotated[Path | None, typer.Argument(help="无日期的一册 · Without days.")] = None,
    active: Annotated[
        Path | None, typer.Option(help="在用清单：同号须另有一项相符 · The list in use.")
    ] = None,
    surplus: Annotated[Path | None, typer.Option(help="待拍清单 · The surplus list.")] = None,
    into: Into = None,
    json: Json = False,
) -> None:
    """西雅图两册售出登记逐行核对到分 · The two registers of sales of Seattle, to the cent."""
    terminal = at(ctx, json)
    if (dated is None) is not (undated is None):
        raise Stop(Words("须给出两册。", "Give both registers."), USAGE)
    try:
        if dated is None or undated is None:
            found = comparing_registers.of_sample()
        else:
            for file in (dated, undated, active, surplus):
                there(file)
            found = comparing_registers.of_seattle(dated, undated, active, surplus)
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    told(terminal, found, into)
    if found.open or found.unexplained:
        raise typer.Exit(REFUSED)


@compare.command()
def leso(
    ctx: typer.Context,
    shipments: Annotated[Path, typer.Argument(help="一季发运清单 · Shipments of a quarter.")],
    inventory: Annotated[Path, typer.Argument(help="账（持有清单）· The book: what is held.")],
    into: Into = None,
    json: Json = False,
) -> None:
    """1033 项目一季发运与账核对 · LESO shipments of a quarter against the book."""
    terminal = at(ctx, json)
    for file in (shipments, inventory):
        there(file)
    try:
        quarter = importing_leso.quarter_in(shipments, None)
        last = importing_leso.quarter_end(quarter)
        found = comparing_registers.leso(
            list(reading_leso.shipments(shipments)),
            list(reading_leso.inventory(inventory)),
            first=last.replace(month=last.month - 2, day=1),
            last=last,
        )
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    told(terminal, found, into)


def there(file: Path | None) -> None:
    """Refuse a file that is not there."""
    if file is not None and not file.is_file():
        raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)


def told(terminal: Terminal, found: Comparison, into: Path | None) -> None:
    """Say what became of every row, and what is left open."""
    if into is not None:
        from api import pages_export  # what writes spreadsheets is large; most commands do without

        rows = comparing_registers.table(found, terminal.lang, pages_export.Amount)
        if into.suffix == ".xlsx":
            into.write_bytes(pages_export.xlsx_bytes(rows, found.kind))
        else:
            into.write_bytes(b"".join(pages_export.csv_bytes(rows)))
    if terminal.json:
        terminal.answer(
            {
                "left": {
                    "rows": found.left_rows,
                    "cents": found.left_cents,
                    "once": found.left_once,
                },
                "right": {
                    "rows": found.right_rows,
                    "cents": found.right_cents,
                    "once": found.right_once,
                },
                "outcomes": {
                    outcome.value: {"rows": n, "left_cents": left, "right_cents": right}
                    for outcome, n, left, right in found.outcomes
                },
                "unexplained_cents": found.unexplained,
                "open": len(found.open),
            }
        )
        return
    terminal.table(
        (Words("结果", "outcome"), Words("行", "rows"), Words("甲册", "A"), Words("乙册", "B")),
        [
            (in_words(outcome.words, terminal.lang), f"{n:,}", dollars(left), dollars(right))
            for outcome, n, left, right in found.outcomes
        ],
    )
    terminal.say(
        f"甲册 {found.left_rows:,} 行 {dollars(found.left_cents)}，去重 {dollars(found.left_once)}；"
        f"乙册 {found.right_rows:,} 行 {dollars(found.right_cents)}，去重 {dollars(found.right_once)}。",
        f"A: {found.left_rows:,} rows, {dollars(found.left_cents)}, once {dollars(found.left_once)};"
        f" B: {found.right_rows:,} rows, {dollars(found.right_cents)}, once"
        f" {dollars(found.right_once)}.",
    )
    if found.kind == "seattle":
        difference = found.right_once - found.left_once
        terminal.say(
            f"相差 {dollars(difference)}，未解释 {dollars(found.unexplained)}，未结 {len(found.open)} 行。",
            f"They differ by {dollars(difference)}; unexplained {dollars(found.unexplained)}, open"
            f" {len(found.open)} rows.",
        )
    terminal.say(f"规则：{found.rule.zh}", f"Rule: {found.rule.en}")
