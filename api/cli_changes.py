"""What changed between two dates, on the command line: the statement, or a figure's events."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from api import changing, pages_export
from api.cli_read import day, known_moment, opened, target, told_export
from api.cli_terminal import USAGE, Json, Stop, Terminal, at
from api.naming import names_then
from api.office import Office
from api.pages_telling import money, tell
from domain.words import Words
from projections.changes import FIGURES, Only, Span
from projections.scope import EVERYTHING

ROWS_MAX = 1_000


def changes(
    ctx: typer.Context,
    start: Annotated[
        str, typer.Option("--from", help="期初日 · Opening, at the end of this business date.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="期末日 · Closing, at the end of this business date.")
    ] = "",
    known_from: Annotated[
        str,
        typer.Option(
            help="期初已知于（UTC）· What was known when the opening was told: a time, or a size of the log."
        ),
    ] = "",
    known_to: Annotated[str, typer.Option(help="期末已知于（UTC）· The same of the closing.")] = "",
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")] = "",
    kind: Annotated[str, typer.Option(help="资产类别 · Kind, e.g. vehicle.")] = "",
    dataset: Annotated[str, typer.Option(help="数据来源 · Data set.")] = "",
    figure: Annotated[
        str, typer.Option(help=f"列出一列的事件 · List the events of: {', '.join(FIGURES)}.")
    ] = "",
    csv: Annotated[str, typer.Option(help="写成 CSV 文件，- 为标准输出 · Write CSV.")] = "",
    json: Json = False,
) -> None:
    """两日之间的变动：期初、增、减、调整、期末 · What changed between two dates, adding up."""
    terminal = at(ctx, json)
    if figure and figure not in FIGURES:
        raise typer.BadParameter(" | ".join(FIGURES), param_hint="--figure")
    only = Only(unit=unit, kind=kind, dataset=dataset)
    with opened(terminal) as office:
        first, last = changing.year_so_far(office.today())
        asked = (
            day(start, "--from") or first,
            day(end, "--to") or last,
            time(known_from, "--known-from"),
            time(known_to, "--known-to"),
        )
        fault = changing.wrong(*asked)
        if fault is not None:
            raise Stop(fault[1], USAGE)
        span = changing.span_of(office, *asked)
        if csv:
            _keep(terminal, office, span, figure, only, csv)
        elif figure:
            _tell_events(terminal, office, span, figure, only)
        else:
            _tell(terminal, office, span, only)


def time(text: str, option: str) -> str:
    """Return a time of knowing as the log writes it."""
    if text.isdecimal():
        return text  # a size of the log, which is exact
    try:
        return known_moment(text, datetime.fromisoformat(text)) if text else ""
    except ValueError:
        raise Stop(
            Words(
                f"{option} 须为日期或 UTC 时间：{text}",
                f"{option} must be a date or a UTC time: {text}",
            ),
            USAGE,
        ) from None


def _keep(terminal: Terminal, office: Office, span: Span, figure: str, only: Only, to: str) -> None:
    lang = terminal.lang
    if figure:
        rows = changing.events_table(
            office, EVERYTHING, span, figure, only, lang, pages_export.Amount
        )
    else:
        lines = changing.statement(office, EVERYTHING, span, only)
        rows = changing.table(lines, lang, names_then(office, lang)(span.end), pages_export.Amount)
    kept = list(rows)
    with target(to) as file:
        for piece in pages_export.csv_bytes(kept):
            file.write(piece)
    sys.stdout.flush()
    told_export(terminal, "changes", to, len(kept) - 1)


def _tell(terminal: Terminal, office: Office, span: Span, only: Only) -> None:
    lines = changing.statement(office, EVERYTHING, span, only)
    sums = changing.totals(lines)
    if terminal.json:
        terminal.answer({"span": span, "lines": lines, "totals": sums})
        return
    lang = terminal.lang
    name_of = names_then(office, lang)(span.end)
    shown = []
    for line in (*lines, *sums):
        row = [
            name_of("unit", line.unit) if line.unit else terminal.told(Words("合计", "total")),
            changing.kind_words(line.kind, lang) if line.kind else "",
        ]
        for what in FIGURES:
            figure = line.figure(what)
            row.append(f"{figure.count:,} · {money(figure.value, line.currency, lang)}")
        shown.append(row)
    heads = [Words("单位", "unit"), Words("类别", "class")]
    terminal.table([*heads, *(changing.WORDS[what] for what in FIGURES)], shown)


def _tell_events(terminal: Terminal, office: Office, span: Span, figure: str, only: Only) -> None:
    found, more = changing.movements(
        office, EVERYTHING, span, figure, only, after=None, limit=ROWS_MAX
    )
    lang = terminal.lang
    if terminal.json:
        items = [
            {
                "position": entry.position,
                "stream": entry.stream,
                "seq": entry.seq,
                "type": entry.event.type_name,
                "effective_on": entry.effective_on,
                "recorded_at": entry.recorded_at,
                "unit": row["unit"],
                "kind": row["kind"],
                "currency": row["currency"],
                "count": int(row["n"]),
                "value": int(row["v"]),
            }
            for row, entry in found
        ]
        terminal.answer({"items": items, "next": more})
        return
    name_of = names_then(office, lang)(span.end)
    heads = (
        Words("位置", "position"), Words("业务日期", "business date"), Words("资产", "asset"),
        Words("单位", "unit"), Words("事件", "event"), Words("件数", "count"), Words("金额", "value"),
    )  # fmt: skip
    terminal.table(
        heads,
        [
            [
                str(entry.position), entry.effective_on, entry.stream, name_of("unit", row["unit"]),
                tell(entry.event, lang, name_of, row["currency"]), str(row["n"]),
                money(int(row["v"]), row["currency"], lang),
            ]
            for row, entry in found
        ],
    )  # fmt: skip
    if more:
        terminal.say(
            f"只列出前 {ROWS_MAX} 条；用 --csv 写出全部。",
            f"The first {ROWS_MAX} only; --csv writes them all.",
        )
