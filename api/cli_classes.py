"""Class codes and document numbers on the command line: try out, choose, do, and list."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api import importing_classes, numbering
from api.cli_do import sign_in
from api.cli_read import day, opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.importing_classes import CodeTable, Plan
from api.reading_problems import Unreadable
from domain.words import Words
from projections.scope import EVERYTHING

SHOWN_MAX = 20  # cards of each list on the screen; the review file has all that are open


def classes(
    ctx: typer.Context,
    table: Annotated[
        Path,
        typer.Argument(
            help="对照表 CSV：原版本、原代码、新版本、新代码、说明 ·"
            " CSV: from_scheme, from_code, to_scheme, to_code, note."
        ),
    ],
    unit: Annotated[str, typer.Option(help="只办该入账单位 · Only this accounting unit.")] = "",
    choices: Annotated[
        Path | None,
        typer.Option(help="已填好的选择表 · The review file with the last column filled in."),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            help="把待选卡片写入此文件 · Write the cards that need a choice to this file."
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="记账；不加则只试算 · Record it; without, only try out.")
    ] = False,
    login: Annotated[str, typer.Option("--as", help="账号 · Log-in.")] = "",
    role: Annotated[str, typer.Option("--role", help="以哪个岗位 · Acting in which role.")] = "",
    on: Annotated[str, typer.Option("--on", help="业务日期 · Business date.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="原因 · Why.")] = "",
    json: Json = False,
) -> None:
    """按对照表把卡片调整到新版分类代码（先试算）· Move cards to another class code version."""
    terminal = at(ctx, json)
    for file in (table, choices):
        if file is not None and not file.is_file():
            raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    if apply and not reason:
        raise Stop(Words("请用 --reason 写明原因。", "Say why: --reason."), USAGE)
    when = day(on, "--on")
    try:
        codes = importing_classes.read_table(table)
        chosen = importing_classes.read_choices(choices, codes) if choices else {}
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    with opened(terminal, must_exist=True) as office:
        found = importing_classes.plan(office, codes, scope=EVERYTHING, unit=unit, choices=chosen)
        if review is not None:
            review.write_text(importing_classes.review(found), encoding="utf-8-sig")
        entries = 0
        if apply:
            actor = sign_in(terminal, office, login, role)
            with terminal.progress(Words("调整分类", "Reclassifying")) as tick:
                receipts = importing_classes.apply(
                    office,
                    codes,
                    found,
                    actor,
                    reason=reason,
                    on=date.fromisoformat(when) if when else None,
                    progress=tick,
                )
            entries = sum(receipt.count for receipt in receipts)
    _told(terminal, codes, found, entries, applied=apply)


def _told(
    terminal: Terminal, codes: CodeTable, found: Plan, entries: int, *, applied: bool
) -> None:
    """Say what was done or would be."""
    counts = found.counts()
    if terminal.json:
        terminal.answer(
            counts | {"recorded": entries, "table": codes.evidence.sha256, "applied": applied}
        )
        return
    columns = (
        Words("资产编号", "asset number"),
        Words("名称", "name"),
        Words("原代码", "code"),
        Words("新代码", "new code"),
    )
    moves = [(m.card, m.line.to_code) for m in found.moves]
    choices = [(o.card, " / ".join(line.to_code for line in o.lines)) for o in found.open]
    unknown = [(card, "") for card in found.unknown]
    for words, rows in (
        (Words("可以调整", "Can be moved"), moves),
        (Words("一对多，需人选定", "Several codes, a person chooses"), choices),
        (Words("对照表中没有", "Not in the table"), unknown),
    ):
        terminal.say(f"{words.zh}：{len(rows):,} 张", f"{words.en}: {len(rows):,}")
        if rows:
            shown = [[c.asset_no, c.name, c.code, new] for c, new in rows[:SHOWN_MAX]]
            terminal.table(columns, shown)
    if applied:
        terminal.say(f"已记账 {entries:,} 条。", f"{entries:,} entries recorded.")
    else:
        terminal.say(
            "以上为试算，未记账；确认后加 --apply。",
            "This was a trial, nothing was recorded; add --apply to record it.",
        )


def numbers(
    ctx: typer.Context,
    series: Annotated[
        str,
        typer.Argument(help="单位-文种-年份；不填则列出全部 · UNIT-KIND-YEAR; without, all."),
    ] = "",
    void: Annotated[
        bool, typer.Option("--void", help="只列作废和跳号 · Only voided numbers and gaps.")
    ] = False,
    json: Json = False,
) -> None:
    """文号登记簿：每个文号、作废与跳号及其原因 · The register of document numbers."""
    numbering.listed(at(ctx, json), series, only_void=void)
