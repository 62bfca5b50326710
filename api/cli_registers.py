"""Registers on the command line: quotas, confiscated goods, packages, wants and dues, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from api.cli_read import names, opened
from api.cli_terminal import USAGE, Stop, Terminal, at
from api.pages_telling import money
from api.registers import REGISTERS, plain, told
from domain.confiscated import GoodsStatus
from domain.demand import DemandStatus
from domain.due import DueStatus
from domain.package import PackageStatus
from domain.words import Term, Words
from projections import registers
from projections.scope import EVERYTHING, BadCursor

Json = Annotated[bool, typer.Option("--json", help="输出 JSON · JSON instead of text.")]
Unit = Annotated[str, typer.Option(help="单位 · Unit.")]
Text = Annotated[str, typer.Option(help="查找文字 · Words to look for.")]
Limit = Annotated[int, typer.Option(help="最多行数 · Rows at most.", min=1, max=1000)]
After = Annotated[str, typer.Option(help="续页标记 · Where the last page ended.")]


def quotas(
    ctx: typer.Context,
    unit: Unit = "",
    beyond: Annotated[bool, typer.Option("--beyond", help="只看超编 · Only beyond.")] = False,
    text: Text = "",
    limit: Limit = 50,
    after: After = "",
    json: Json = False,
) -> None:
    """车辆编制：核定、在编与超编 · Vehicle quotas: set, counted, beyond."""
    asked = {"unit": unit, "beyond": "1" if beyond else "", "text": text}
    listed(at(ctx, json), "quota", asked, limit, after)


def confiscated(
    ctx: typer.Context,
    status: Annotated[str, typer.Option(help="状态 · Status.")] = "",
    unit: Unit = "",
    place: Annotated[str, typer.Option(help="地点 · Place.")] = "",
    text: Text = "",
    limit: Limit = 50,
    after: After = "",
    json: Json = False,
) -> None:
    """罚没（涉案）物品及其去向 · Confiscated goods and what became of them."""
    check_status(status, GoodsStatus)
    asked = {"status": status, "unit": unit, "place": place, "text": text}
    listed(at(ctx, json), "confiscated", asked, limit, after)


def packages(
    ctx: typer.Context,
    status: Annotated[str, typer.Option(help="状态 · Status.")] = "",
    unit: Unit = "",
    place: Annotated[str, typer.Option(help="地点 · Place.")] = "",
    text: Text = "",
    limit: Limit = 50,
    after: After = "",
    json: Json = False,
) -> None:
    """包装（箱、托盘）及其内装资产数 · Boxes, crates and pallets, and how much is in them."""
    check_status(status, PackageStatus)
    asked = {"status": status, "unit": unit, "place": place, "text": text}
    listed(at(ctx, json), "package", asked, limit, after)


def wants(
    ctx: typer.Context,
    status: Annotated[str, typer.Option(help="状态 · Status.")] = "",
    unit: Unit = "",
    kind: Annotated[str, typer.Option(help="类别 · Kind.")] = "",
    text: Text = "",
    limit: Limit = 50,
    after: After = "",
    json: Json = False,
) -> None:
    """需求：各单位求调剂的资产 · Wants: what units ask to have reallocated."""
    if ctx.invoked_subcommand is not None:
        return
    check_status(status, DemandStatus)
    asked = {"status": status, "unit": unit, "kind": kind, "text": text}
    listed(at(ctx, json), "demand", asked, limit, after)


def dues(
    ctx: typer.Context,
    status: Annotated[str, typer.Option(help="状态 · Status.")] = "",
    unit: Unit = "",
    text: Text = "",
    limit: Limit = 50,
    after: After = "",
    json: Json = False,
) -> None:
    """应缴财政款及其进度 · Money due to the treasury and how far it has come."""
    check_status(status, DueStatus)
    asked = {"status": status, "unit": unit, "text": text}
    listed(at(ctx, json), "due", asked, limit, after)


def check_status(status: str, of: type[Term]) -> None:
    """Refuse a status that things of this sort never have, and name those they may have."""
    if status and status not in tuple(of):
        known = "、".join(of)
        raise Stop(Words(f"--status 须为：{known}", f"--status must be one of: {known}"), USAGE)


def listed(terminal: Terminal, kind: str, asked: Mapping[str, str], limit: int, after: str) -> None:
    """Show a page of a register."""
    register = REGISTERS[kind]
    with opened(terminal) as office:
        try:
            query = registers.listing(kind, EVERYTHING, asked, after=after or None, limit=limit + 1)
        except BadCursor:
            raise Stop(Words("续页标记无效。", "This is no cursor of this list."), USAGE) from None
        found = office.models.rows(query)
        rows = found[:limit]
        more = registers.cursor(kind, rows[-1]) if len(found) > limit else None
        if terminal.json:
            terminal.answer({"items": [plain(register, row) for row in rows], "next": more})
            return
        name_of = names(office, terminal)
        shown = [c for c in register.columns if c.name != "id"]
        columns = (*(c.words for c in shown), Words("编号", "id"))
        lines = [
            [
                *(
                    money(row[c.name], "CNY", terminal.lang)
                    if c.holds == "money"
                    else told(c, row, terminal.lang, name_of)
                    for c in shown
                ),
                row["id"],
            ]
            for row in rows
        ]
    if lines:
        terminal.table(columns, lines)
    else:
        terminal.say(register.empty.zh, register.empty.en)
    if more:
        terminal.say(f"下一页：--after {more}", f"Next page: --after {more}")
