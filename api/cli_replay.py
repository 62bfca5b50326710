"""Play a quarter of a real reallocation office through the API of a server of one's own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from api import importing_leso, playing_leso, reading_leso
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.office import Office
from api.playing_leso import LOGINS, Failed, Plan, Player
from api.reading_problems import Unreadable
from api.reading_reasons import KINDS
from api.settings import Settings
from domain.words import Role, Words

PASSWORD_BYTES = 24


@contextmanager
def people(
    office: Office,
    logins: Mapping[str, Sequence[Role]] = LOGINS,
    unit: str = importing_leso.GIVER,
) -> Iterator[tuple[str, str]]:
    """Let the people of a replay in while it runs; yield the ending of their log-ins and a password."""
    ending, password = secrets.token_hex(4), secrets.token_urlsafe(PASSWORD_BYTES)
    for login, roles in logins.items():
        office.accounts.create(
            f"{login}-{ending}",
            password,
            f"u_{login}",
            login,
            unit,
            [role.value for role in roles],
        )
    try:
        yield ending, password
    finally:
        for login in logins:
            office.accounts.disable(f"{login}-{ending}")


def replay(
    ctx: typer.Context,
    shipped: Annotated[Path, typer.Argument(help="一个季度的发运清单 · Shipments of a quarter.")],
    refused: Annotated[
        Path, typer.Argument(help="同一季度未批准的申请 · Refused requests of the same quarter.")
    ],
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
    """把一个季度的发运和未批准申请经接口逐条办理，按原因清点 · Play a quarter through the API."""
    from api.serving_here import served  # the whole server, which other commands do not need

    terminal = at(ctx, json)
    for file in (shipped, refused):
        if not file.is_file():
            raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    try:
        quarter = importing_leso.quarter_in(shipped, None)
        plan = playing_leso.plan_of(
            list(reading_leso.shipments(shipped)),
            list(reading_leso.cancellations(refused, quarter=quarter)),
            quarter,
        )
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        office = Office.open(Settings(database=into or f"sqlite:///{folder}/replay.db"))
        try:
            with (
                people(office) as (ending, password),
                served(office) as address,
                terminal.progress(Words("经接口办理", "Asking the API")) as tick,
            ):
                player = Player(address, password, ending)
                fresh = player.play(plan, clients, tick)
                counted = player.counted()
        except Failed as failed:
            raise Stop(
                Words(f"接口未照办：{failed}", f"The API said no: {failed}"), REFUSED
            ) from failed
        finally:
            office.close()
    seconds = time.perf_counter() - started
    agrees = counted.agrees(plan)
    if terminal.json:
        terminal.answer(
            {
                "quarter": quarter,
                "shipments": plan.shipments,
                "refusals": plan.refusals,
                "shipped": counted.shipped,
                "quantity": str(counted.quantity),
                "reasons": {"listed": plan.reasons, "recorded": dict(counted.reasons)},
                "lost_to_a_winner": counted.lost,
                "several_could_have_won": plan.several,
                "requests": fresh,
                "agrees": agrees,
            }
        )
        if not agrees:
            raise typer.Exit(REFUSED)
        return
    terminal.say(
        f"{quarter}：发运 {plan.shipments:,} 行、未批准 {plan.refusals:,} 行；"
        f"经接口新办理 {fresh:,} 步，{seconds:,.0f} 秒。",
        f"{quarter}: {plan.shipments:,} shipments, {plan.refusals:,} refusals; {fresh:,} new steps"
        f" through the API in {seconds:,.0f} s.",
    )
    terminal.say(
        f"账上：批准 {counted.approved:,}、发出 {counted.shipped:,}，数量合计 {counted.quantity:,}"
        f"（清单 {plan.quantity}）。",
        f"Recorded: {counted.approved:,} approved, {counted.shipped:,} given out, {counted.quantity:,}"
        f" pieces (the list: {plan.quantity}).",
    )
    terminal.table(
        (
            Words("未批准原因", "why not"),
            Words("清单", "listed"),
            Words("账上", "recorded"),
        ),
        [
            (terminal.told(Words(kind.zh, kind.en)), str(plan.reasons[kind.slug]),
             str(counted.reasons[kind.slug]))
            for kind in KINDS
            if kind.slug in plan.reasons
        ],
    )  # fmt: skip
    told_rivals(ctx, plan)
    if not agrees:
        raise Stop(Words("账上与清单不符。", "The log is not what the lists say."), REFUSED)


def told_rivals(ctx: typer.Context, plan: Plan) -> None:
    """Say by which rule winners were found, and of how many."""
    terminal = at(ctx, False)
    terminal.say(
        f"“已被其他单位调剂”中 {plan.lost:,} 项在清单里有取得单位：同一品目、同一单价，"
        f"{playing_leso.ROUND_DAYS} 天内首个发往他单位的；其中 {plan.several:,} 项可能的取得单位不止一个。"
        "其余按原因办理为不同意。",
        f"Of those approved for another body, {plan.lost:,} have a winner in the list: the first"
        f" shipment of the same item and unit value to somebody else within {playing_leso.ROUND_DAYS}"
        f" days; for {plan.several:,} of them more than one could be. The rest are refused with the"
        " reason.",
    )
