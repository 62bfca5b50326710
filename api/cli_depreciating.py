"""Depreciation on the command line: adopt lives, post a month, look at a card, check the books."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from api import cli_do
from api.cli_read import day, opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.office import Office
from api.pages_telling import money
from domain.asset import Kind
from domain.depreciating import OBSTACLES, REMEDIES, Wear
from domain.words import Words

app = typer.Typer(help="固定资产折旧 · Depreciation of a unit's property.")
Unit = Annotated[str, typer.Option(help="单位标识 · Unit (id).")]
Login = Annotated[str, typer.Option("--as", help="以谁的名义（登录名）· Log-in that asks.")]
RoleOf = Annotated[str, typer.Option("--role", help="岗位 · Role, when there are several.")]
ROWS_MAX = 50


@app.command()
def lives(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="每行：类别，代码版本，代码前缀，年限，净残值率‰ · Each row: kind, code version, code"
            " prefix, years, residual per mille."
        ),
    ],
    unit: Unit,
    login: Login,
    title: Annotated[str, typer.Option(help="表名 · Title of the table.")],
    source: Annotated[str, typer.Option(help="来源 · Where it is from.")],
    proofread: Annotated[
        bool, typer.Option("--proofread", help="已对照原文校对 · Compared with the original.")
    ] = False,
    role: RoleOf = "",
    json: Json = False,
) -> None:
    """采用折旧年限表 · Adopt a table of lives, from a file."""
    terminal = at(ctx, json)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = Words(f"无法读取 {file}（UTF-8 文本）。", f"{file} cannot be read as UTF-8 text.")
        raise Stop(said, USAGE) from error
    form = {"title": title, "source": source, "lives": text, "proofread": proofread}
    with opened(terminal) as office:
        wear = _asked(terminal, office, unit, login, role, "adopt_lives", form)
        if terminal.json:
            terminal.answer(wear)
        terminal.say(wear.describe("zh"), wear.describe("en"))


@app.command()
def run(
    ctx: typer.Context,
    month: Annotated[str, typer.Option(help="月份 YYYY-MM · Month.")],
    unit: Unit,
    login: Login,
    voucher: Annotated[str, typer.Option(help="凭证号 · Voucher.")] = "",
    role: RoleOf = "",
    json: Json = False,
) -> None:
    """计提一个月的折旧，列出未能计提的卡片 · Post a month; name what could not be written off."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        form = {"month": month, "voucher": voucher}
        wear = _asked(terminal, office, unit, login, role, "post", form)
        faults = office.depreciating.document(wear.sha256).faults
        if terminal.json:
            terminal.answer({"month": wear.month, "totals": wear.totals, "faults": faults})
            return
        _totals(terminal, wear)
        if faults:
            heads = (
                Words("卡片", "card"), Words("原因", "why"), Words("怎么办", "what to do"),
            )  # fmt: skip
            rows = [
                [id_, terminal.told(OBSTACLES[why].words), terminal.told(REMEDIES[OBSTACLES[why]])]
                for id_, why in faults[:ROWS_MAX]
            ]
            terminal.say(
                f"{len(faults)} 张卡片未能计提：", f"{len(faults)} cards could not be written off:"
            )
            terminal.table(heads, rows)


@app.command()
def show(
    ctx: typer.Context,
    asset: Annotated[str, typer.Argument(help="资产标识 · Asset (id).")],
    on: Annotated[str, typer.Option("--on", help="任意日期 · Any day, past or future.")] = "",
    json: Json = False,
) -> None:
    """一项资产在任意日期的原值、累计折旧与净值 · What an asset is worth on any day."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        when = date.fromisoformat(day(on, "--on") or office.today().isoformat())
        told = office.depreciating.worth(asset, when)
        if told is None:
            raise Stop(
                Words(f"{asset} 在 {when} 不在账。", f"{asset} is not on the books on {when}."),
                REFUSED,
            )
        if terminal.json:
            terminal.answer({"asset": asset, "on": when, "worth": told, "net": told.net})
            return
        lang = terminal.lang

        def amount(value: int | None) -> str:
            return money(value, told.currency, lang)

        terminal.say(
            f"{when}：原值 {amount(told.cost)}，累计折旧 {amount(told.accumulated)}，"
            f"净值 {amount(told.net)}；已计提至 {told.through or '—'}，年限至 {told.ends or '—'}。",
            f"{when}: cost {amount(told.cost)}, written off {amount(told.accumulated)}, net"
            f" {amount(told.net)}; posted through {told.through or '—'}, life ends {told.ends or '—'}.",
        )


@app.command()
def check(
    ctx: typer.Context,
    month: Annotated[str, typer.Option(help="月份 YYYY-MM · Month.")],
    unit: Unit,
    json: Json = False,
) -> None:
    """卡片、明细账、总账是否一致，逐行指出 · Hold cards and ledgers against each other."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        broken = office.depreciating.agreement(unit, month)
        if broken is None:
            raise Stop(
                Words(f"{unit} 没有计提 {month}。", f"{unit} has not posted {month}."), REFUSED
            )
        if terminal.json:
            terminal.answer({"unit": unit, "month": month, "broken": broken})
        elif broken:
            heads = (
                Words("哪两本账", "between"), Words("卡片或分类", "card or class"),
                Words("数字", "figure"), Words("一方（分）", "one side"), Words("另一方", "other"),
            )  # fmt: skip
            terminal.table(
                heads,
                [
                    [terminal.told(b.what.words), b.row, b.figure, str(b.here), str(b.there)]
                    for b in broken[:ROWS_MAX]
                ],
            )
        terminal.say(
            "卡片、明细账、总账一致。" if not broken else f"{len(broken)} 处不一致。",
            "Cards, subsidiary and general ledger agree."
            if not broken
            else f"{len(broken)} places disagree.",
        )
    if broken:
        terminal.end(REFUSED)


def _asked(
    terminal: Terminal,
    office: Office,
    unit: str,
    login: str,
    role: str,
    verb: str,
    form: dict[str, Any],
) -> Wear:
    actor = cli_do.sign_in(terminal, office, login, role)
    stream = f"depreciation/{unit}"
    office.ask(stream, verb, form, actor, key=secrets.token_hex(16), channel="cli")
    wear: Wear = office.book.stream(stream).state
    return wear


def _totals(terminal: Terminal, wear: Wear) -> None:
    lang = terminal.lang
    heads = (
        Words("类别", "class"), Words("卡片", "cards"), Words("原值", "cost"),
        Words("期初", "opening"), Words("本月计提", "this month"), Words("期末", "closing"),
        Words("净值", "net"),
    )  # fmt: skip
    rows = [
        [
            terminal.told(Kind(t.kind).words), f"{t.cards:,}",
            *(
                money(amount, t.currency, lang)
                for amount in (t.cost, t.opening, t.charge, t.closing, t.cost - t.closing)
            ),
        ]
        for t in wear.totals
    ]  # fmt: skip
    terminal.say(f"已计提 {wear.month}", f"Posted {wear.month}")
    terminal.table(heads, rows)
