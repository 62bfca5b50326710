"""Run published sales through the API of a server of one's own, as disposals, to the cent."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from api import playing_sales, reading_gsa, reading_seattle
from api.cli_replay import people
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.importing_facts import dollars
from api.office import Office
from api.playing_leso import Failed, Player
from api.playing_sales import LOGINS, Counted, Plan
from api.reading_problems import Unreadable
from api.reading_records import SAMPLE
from api.settings import Settings
from domain.words import Words

PREFIX = {"seattle": "SEA-", "gsa": "GSA-"}


def replay_sales(
    ctx: typer.Context,
    seattle: Annotated[
        Path | None,
        typer.Option(
            help="西雅图有日期的售出登记，缺省为附带样例 · Sales of Seattle, or the sample."
        ),
    ] = None,
    gsa: Annotated[
        Path | None,
        typer.Option(
            help="美国总务管理局一个月的拍卖标的 · GSA lots of a month (GovAuctions CSV)."
        ),
    ] = None,
    into: Annotated[
        str,
        typer.Option(
            help="记入此数据库（专用于回放），缺省为用后即弃的临时账本"
            " · Into this database, of its own; without it into one that is thrown away."
        ),
    ] = "",
    clients: Annotated[int, typer.Option(help="同时的客户端数 · Clients.", min=1, max=32)] = 4,
    json: Json = False,
) -> None:
    """把公布的售出经接口作为处置单逐步办理，核对到分 · Play published sales as disposals."""
    from api.serving_here import served  # the whole server, which other commands do not need

    terminal = at(ctx, json)
    plans = planned(seattle, gsa)
    answers: list[dict[str, Any]] = []
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        office = Office.open(Settings(database=into or f"sqlite:///{folder}/replay.db"))
        try:
            for name, plan in plans.items():
                with (
                    people(office, LOGINS, plan.unit) as (ending, password),
                    served(office) as address,
                    terminal.progress(Words("经接口办理", "Asking the API")) as tick,
                ):
                    player = Player(address, password, ending)
                    fresh = player.play(plan, clients, tick)
                    found = playing_sales.counted(player, PREFIX[name])
                answers.append(answer(name, plan, found, fresh))
        except Failed as failed:
            raise Stop(
                Words(f"接口未照办：{failed}", f"The API said no: {failed}"), REFUSED
            ) from failed
        finally:
            office.close()
    seconds = time.perf_counter() - started
    if terminal.json:
        terminal.answer(answers)
    for said in answers if not terminal.json else ():
        terminal.say(
            f"{said['list']}：{said['rows']:,} 行（重复 {said['doubled']:,}），处置单 {said['cases']:,}；"
            f"售出 {said['sold']:,} 件 {dollars(said['sold_cents'])}，流拍 {said['failed']:,}，"
            f"应缴 {dollars(said['due_cents'])}；经接口新办理 {said['requests']:,} 步。",
            f"{said['list']}: {said['rows']:,} rows ({said['doubled']:,} twice), {said['cases']:,}"
            f" disposals; sold {said['sold']:,} for {dollars(said['sold_cents'])}, failed"
            f" {said['failed']:,}, due {dollars(said['due_cents'])}; {said['requests']:,} new steps.",
        )
    if not terminal.json:
        terminal.say(f"共 {seconds:,.0f} 秒。", f"{seconds:,.0f} s in all.")
    if not all(said["agrees"] for said in answers):
        raise Stop(Words("账上与清单不符。", "The log is not what the lists say."), REFUSED)


def planned(seattle: Path | None, gsa: Path | None) -> dict[str, Plan]:
    """Return what to ask; without a file the sales of Seattle that come with the product."""
    for file in (seattle, gsa):
        if file is not None and not file.is_file():
            raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    plans = {}
    try:
        if seattle is not None or gsa is None:
            rows = list(reading_seattle.sold(seattle or SAMPLE / "sold_fleet_equipment.tsv.gz"))
            plans["seattle"] = playing_sales.of_seattle(rows)
        if gsa is not None:
            plans["gsa"] = playing_sales.of_gsa(list(reading_gsa.lots(gsa)))
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    return plans


def answer(name: str, plan: Plan, found: Counted, fresh: int) -> dict[str, Any]:
    """Return what came of a list as JSON has it."""
    return {
        "list": name,
        "rows": plan.rows,
        "doubled": plan.doubled,
        "cases": found.cases,
        "sold": found.sold,
        "sold_cents": found.sold_cents,
        "failed": found.failed,
        "due_cents": found.due_cents,
        "requests": fresh,
        "agrees": found.agrees(plan),
    }
