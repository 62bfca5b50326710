"""Matching lists on the command line: names to classes, shipments to holdings, snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from api import classifying, cli_replay, importing_leso, reading_leso, reconciling, suggesting
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.reading_problems import Unreadable
from domain.words import Words

app = typer.Typer(
    help="清单匹配：品名归类、发运对账、两期在册比较、经接口回放一个季度 · Match lists; nothing is recorded"
    " but by replay."
)
app.command()(cli_replay.replay)
SHOWN_MAX = 30

Shown = Annotated[int, typer.Option(help="最多显示行数 · Rows shown at most.", min=1, max=10_000)]


def _files(*files: Path) -> None:
    for file in files:
        if not file.is_file():
            raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)


@app.command()
def names(
    ctx: typer.Context,
    items: Annotated[
        Path,
        typer.Argument(
            help="资产清单 CSV，含“资产名称”列 · A list with a column 资产名称 or name."
        ),
    ],
    classes: Annotated[
        list[Path],
        typer.Argument(
            help="分类代码表 CSV，可多个：分类代码、分类名称 · Tables of class codes and names."
        ),
    ],
    limit: Shown = SHOWN_MAX,
    json: Json = False,
) -> None:
    """按名称归类：明确的、待人选定的、没有相近的 · Find the class of each name of a list."""
    terminal = at(ctx, json)
    _files(items, *classes)
    try:
        table = classifying.Classifier(
            each for path in classes for each in classifying.read_classes(path)
        )
        listed = classifying.read_items(items)
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    answers = [(count, table.ask(name)) for name, count in listed.most_common()]
    judged = [classifying.judge(table, listed, hidden=hidden) for hidden in (False, True)]
    if terminal.json:
        terminal.answer(
            {
                "names": [
                    {"count": count, "name": a.name, "code": a.code, "ways": a.ways}
                    for count, a in answers
                ],
                "judged": {"with_the_name": judged[0], "name_hidden": judged[1]},
            }
        )
        return
    clear = [(n, a) for n, a in answers if a.code]
    several = [(n, a) for n, a in answers if not a.code and a.ways]
    none = [(n, a) for n, a in answers if not a.ways]
    columns = (
        Words("件数", "rows"),
        Words("名称", "name"),
        Words("代码", "code"),
        Words("依据", "because of"),
        Words("得分", "points"),
    )
    for words, rows in (
        (Words("归类明确", "Clear"), clear),
        (Words("待人选定", "A person chooses"), several),
        (Words("没有相近的名称", "Nothing is like it"), none),
    ):
        total = sum(count for count, _ in rows)
        terminal.say(
            f"{words.zh}：{len(rows):,} 个名称，{total:,} 行",
            f"{words.en}: {len(rows):,} names, {total:,} rows",
        )
        if rows:
            terminal.table(columns, [_line(count, answer) for count, answer in rows[:limit]])
    for said, result in zip(
        (
            Words("表中有此名称时", "Where the table has the name itself"),
            Words("隐去该名称后再问", "With the name itself hidden"),
        ),
        judged,
        strict=True,
    ):
        terminal.say(
            f"{said.zh}：{result.known} 个，查准率 {result.precision:.1%}，查全率 {result.recall:.1%}，"
            f"正确类别在候选之中 {result.among} 个",
            f"{said.en}: {result.known} names, precision {result.precision:.1%}, recall"
            f" {result.recall:.1%}, right class among the candidates {result.among}",
        )


def _line(count: int, answer: classifying.Answer) -> list[str]:
    best = answer.ways[0] if answer.ways else None
    code = answer.code or " / ".join(way.code for way in answer.ways)
    return [
        f"{count:,}",
        answer.name,
        code,
        best.name if best else "",
        str(best.points) if best else "",
    ]


@app.command()
def shipments(
    ctx: typer.Context,
    shipped: Annotated[Path, typer.Argument(help="一个季度的发运清单 · Shipments of a quarter.")],
    held: Annotated[Path, typer.Argument(help="在册快照 · A snapshot of what is held.")],
    limit: Shown = SHOWN_MAX,
    json: Json = False,
) -> None:
    """发运与在册对账，列明规则与件数 · Find a quarter's shipments among what is held."""
    terminal = at(ctx, json)
    _files(shipped, held)
    try:
        quarter = importing_leso.quarter_in(shipped, None)
        rows = list(reading_leso.shipments(shipped))
        holdings = list(reading_leso.inventory(held))
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    last = importing_leso.quarter_end(quarter)
    first = date(last.year, last.month - 2, 1)
    found = {
        rule.__name__: reconciling.find_shipments(rows, holdings, first=first, last=last, name=rule)
        for rule in (reconciling.as_written, reconciling.normalised, reconciling.ignored)
    }
    met = {name: len(each.pairs) for name, each in found.items()}
    best = found["normalised"]
    alone = [(row.requisition_id, row.state, row.agency, row.nsn) for row in best.shipments_only]
    if terminal.json:
        terminal.answer(
            {
                "quarter": quarter,
                "rule": reconciling.AGENCY_RULE_EN,
                "shipments": len(rows),
                "held_in_quarter": len(best.pairs) + len(best.inventory_only),
                "met": met,
                "shipments_only": alone,
                "held_only": len(best.inventory_only),
            }
        )
        return
    terminal.say(f"规则：{reconciling.AGENCY_RULE_ZH}", f"Rule: {reconciling.AGENCY_RULE_EN}")
    in_quarter = len(best.pairs) + len(best.inventory_only)
    terminal.say(
        f"{quarter}：发运 {len(rows):,} 行，在册中该季度发运的 {in_quarter:,} 行。",
        f"{quarter}: {len(rows):,} shipments, {in_quarter:,} holdings shipped in that quarter.",
    )
    terminal.say(
        f"对上：按原名 {met['as_written']:,}，按规则 {met['normalised']:,}，"
        f"不看单位 {met['ignored']:,}（上限）。",
        f"Met: names as written {met['as_written']:,}, by the rule {met['normalised']:,},"
        f" whatever the name {met['ignored']:,} (the most there can be).",
    )
    terminal.say(
        f"仅发运清单有 {len(alone):,} 行，仅在册有 {len(best.inventory_only):,} 行。",
        f"Only among the shipments {len(alone):,}, only among the holdings"
        f" {len(best.inventory_only):,}.",
    )
    columns = (
        Words("申请号", "requisition"),
        Words("州", "state"),
        Words("单位", "agency"),
        Words("品目", "item"),
    )
    terminal.table(columns, alone[:limit])


@app.command()
def moves(
    ctx: typer.Context,
    before: Annotated[Path, typer.Argument(help="上一期在册快照 · The earlier snapshot.")],
    after: Annotated[Path, typer.Argument(help="下一期在册快照 · The later snapshot.")],
    limit: Shown = SHOWN_MAX,
    json: Json = False,
) -> None:
    """两期在册比较：离册、新增，以及疑似更名或调拨的排序建议 · Rank likely renamings and moves."""
    terminal = at(ctx, json)
    _files(before, after)
    try:
        held, holds = (list(reading_leso.inventory(path)) for path in (before, after))
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    found = reconciling.compare_snapshots(held, holds)
    ranked = suggesting.suggestions(found, held, holds)
    if terminal.json:
        terminal.answer(
            {
                "gone": len(found.gone),
                "new": len(found.new),
                "kept": len(found.kept),
                "suggestions": [_told(terminal, each) for each in ranked],
            }
        )
        return
    terminal.say(
        f"离册 {len(found.gone):,} 行，新增 {len(found.new):,} 行，仍在册 {len(found.kept):,} 行。",
        f"{len(found.gone):,} rows left, {len(found.new):,} are new, {len(found.kept):,} stay.",
    )
    terminal.say(
        f"{sum(len(s.rows) for s in ranked):,} 行疑似在 {len(ranked):,} 对单位之间转移，仅为建议，请人工判断。",
        f"{sum(len(s.rows) for s in ranked):,} rows may have moved between {len(ranked):,} pairs of"
        " bodies; these are suggestions, people decide.",
    )
    columns = (
        Words("行数", "rows"),
        Words("原单位", "from"),
        Words("现单位", "to"),
        Words("倾向", "leans to"),
        Words("得分", "points"),
        Words("理由", "reasons"),
    )
    terminal.table(columns, [_row(terminal, each) for each in ranked[:limit]])


LIKELY = {
    suggesting.RENAMED: Words("更名", "a new name"),
    suggesting.TRANSFERRED: Words("调拨", "a transfer"),
    suggesting.OPEN: Words("难以判断", "open"),
}


def _row(terminal: Terminal, each: suggesting.Suggestion) -> Sequence[str]:
    reasons = [terminal.told(reason.words) for reason in each.reasons]
    if each.elsewhere:
        also = Words(
            f"其中 {each.elsewhere} 行也可能去了别处", f"{each.elsewhere} rows fit others too"
        )
        reasons.append(terminal.told(also))
    return (
        str(len(each.rows)),
        " ".join(each.before),
        " ".join(each.after),
        terminal.told(LIKELY[each.likely]),
        str(each.points),
        "; ".join(reasons),
    )


def _told(terminal: Terminal, each: suggesting.Suggestion) -> dict[str, Any]:
    return {
        "from": each.before,
        "to": each.after,
        "rows": [(one.evidence.line, other.evidence.line) for one, other in each.rows],
        "likely": each.likely,
        "points": each.points,
        "renamed": each.renamed,
        "transferred": each.transferred,
        "elsewhere": each.elsewhere,
        "reasons": [
            {"said": terminal.told(r.words), "points": r.points, "weight": r.weight}
            for r in each.reasons
        ],
    }
