"""Webhooks from the command line: subscribe a system, try it, pause it, see what was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from api import administering, webhooks_rest
from api.cli_accounts import CLI, CONSOLE
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.office import Actor, Office
from api.webhooks import Delivery, Hook, NoSuch, Wrong
from domain.words import Role, Words

app = typer.Typer(help="推送 · Webhooks to other systems.")
Id = Annotated[str, typer.Argument(help="标识或名称 · Id or name.")]
STATES = {
    "on": Words("推送中", "on"),
    "paused": Words("已暂停", "paused"),
    "ended": Words("已终止", "ended"),
}
FAILING = Words("多次失败，已暂停", "paused: it failed too often")


def at_console(office: Office) -> Actor:
    """Return as whom the ledger knows whoever may open the database."""
    return Actor(person=CONSOLE, unit="", role=Role.ADMIN, zone=office.settings.zone)


@app.command("list")
def listing(ctx: typer.Context, json: Json = False) -> None:
    """推送订阅 · Every subscription and how far it is."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        found, size = office.webhooks.all(), office.book.head()[0]
        if terminal.json:
            terminal.answer({"items": [webhooks_rest.told(hook) for hook in found], "size": size})
            return
        terminal.table(
            [
                Words("名称", "name"),
                Words("地址", "address"),
                Words("状态", "state"),
                Words("已送到", "delivered up to"),
                Words("待送", "waiting"),
            ],
            [
                [h.name, h.url, terminal.told(state(h)), str(h.reached), str(size - h.reached)]
                for h in found
            ],
        )


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="名称 · Name.")],
    url: Annotated[str, typer.Argument(help="地址，其主机须在 GONGWU_WEBHOOK_HOSTS · Address.")],
    kind: Annotated[
        list[str] | None, typer.Option(help="只要此种类，可多次 · Of this kind; repeatable.")
    ] = None,
    unit: Annotated[str, typer.Option(help="只要此单位的 · Of this unit alone.")] = "",
    start: Annotated[
        int, typer.Option(help="从此位置之后；-1 为现在 · After this position; -1: now.", min=-1)
    ] = -1,
    json: Json = False,
) -> None:
    """订阅推送，密钥只显示一次 · Subscribe a system; its secret is shown once."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        try:
            hook, secret = administering.subscribe(
                office, at_console(office), CLI, name, url, kinds=kind or (), unit=unit,
                start=None if start < 0 else start,
            )  # fmt: skip
        except Wrong as wrong:
            raise Stop(wrong.words, USAGE) from None
        if terminal.json:
            terminal.answer(webhooks_rest.told(hook) | {"secret": secret})
            return
        terminal.say(
            f"已订阅 {hook.name}（{hook.id}）。", f"{hook.name} is subscribed ({hook.id})."
        )
        terminal.say(f"签名密钥，只显示这一次：{secret}", f"Its secret, shown this once: {secret}")


@app.command("test")
def try_out(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """试发一条 · Send a message that means nothing and say what came of it."""
    terminal = at(ctx, json)
    done = _step(terminal, id_, "test")
    assert isinstance(done, Delivery)
    if not done.ok:
        raise typer.Exit(REFUSED)


@app.command("pause")
def pause(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """暂停 · Send nothing until it is resumed."""
    _step(at(ctx, json), id_, "pause")


@app.command("resume")
def resume(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """继续，从未送到的开始 · Send again, beginning with what waits."""
    _step(at(ctx, json), id_, "resume")


@app.command("end")
def end(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """终止，密钥销毁 · End it for good; its secret is destroyed."""
    _step(at(ctx, json), id_, "end")


@app.command("deliveries")
def deliveries(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """最近的推送 · The last deliveries, the latest first."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        try:
            found = office.webhooks.deliveries(id_)
        except NoSuch:
            raise Stop(webhooks_rest.NOT_THERE) from None
        if terminal.json:
            items = [webhooks_rest.delivered(one, terminal.lang) for one in found]
            terminal.answer({"items": items})
            return
        terminal.table(
            [
                Words("时间（UTC）", "time (UTC)"),
                Words("条目", "entries"),
                Words("结果", "result"),
                Words("毫秒", "ms"),
            ],
            [row(terminal, one) for one in found],
        )


def row(terminal: Terminal, one: Delivery) -> Sequence[str]:
    """Return a delivery as a line of a table."""
    span = f"{one.first}–{one.last}" if one.last else terminal.told(Words("试发", "test"))
    return [one.at, span, one.zh if terminal.lang == "zh" else one.en, str(one.ms)]


def state(hook: Hook) -> Words:
    """Return what to call the state of a subscription."""
    return FAILING if hook.why == "failing" else STATES[hook.state]


def _step(terminal: Terminal, id_: str, name: str) -> Hook | Delivery:
    with opened(terminal) as office:
        try:
            done = webhooks_rest.step(office, at_console(office), CLI, id_, name)
        except NoSuch:
            raise Stop(webhooks_rest.NOT_THERE, REFUSED) from None
    if terminal.json:
        said = (
            webhooks_rest.delivered(done, terminal.lang)
            if isinstance(done, Delivery)
            else webhooks_rest.told(done)
        )
        terminal.answer(said)
    elif isinstance(done, Delivery):
        terminal.say(done.zh, done.en)
    else:
        terminal.say(f"{done.name}：{state(done).zh}。", f"{done.name}: {state(done).en}.")
    return done
