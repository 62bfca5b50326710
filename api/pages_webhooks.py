"""Webhooks on a page: which systems are sent what is recorded, how far each is, what came of it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import administering, webhooks_rest
from api.cli_webhooks import state
from api.office import Office
from api.pages_sign import Member, Typed, text
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.webhooks import NO_HOSTS, Delivery, NoSuch, Wrong
from domain.decider import LIFECYCLES
from domain.words import Role, Words

SHOWN = 10  # deliveries of each on the page
WORDS: Final = {
    "title": Words("推送到其他系统", "Webhooks"),
    "hint": Words(
        "账本记入的内容按次序签名推送到这里列出的系统，至少一次；对方未答复成功的会重发，多次失败后暂停并等您处理。",
        "What is recorded is sent to these systems, signed and in order, at least once. What fails is sent again; after"
        " many failures it waits here for you.",
    ),
    "none": Words("还没有订阅。填写下表即可订阅一个系统。", "Nothing is subscribed yet; the form below subscribes a system."),
    "name": Words("名称", "Name"),
    "url": Words("地址", "Address"),
    "kinds": Words("种类（不选为全部）", "Kinds (none: all)"),
    "unit": Words("只要此单位的", "Of this unit alone"),
    "whole": Words("从账本开头推送", "Send everything from the beginning"),
    "state": Words("状态", "State"),
    "reached": Words("已送到", "Delivered up to"),
    "waiting": Words("待送", "waiting"),
    "last": Words("最近的推送", "Last deliveries"),
    "never": Words("还没有推送。", "Nothing was sent yet."),
    "time": Words("时间（UTC）", "Time (UTC)"),
    "entries": Words("条目", "Entries"),
    "result": Words("结果", "Result"),
    "test-message": Words("试发", "test"),
    "hosts": Words("允许的主机", "Hosts that may be asked"),
    "add": Words("订阅", "Subscribe"),
    "new": Words("订阅一个系统", "Subscribe a system"),
    "secret": Words(
        "签名密钥只显示这一次，请立即交给对方系统保存：",
        "The secret is shown this once; hand it to the other system now:",
    ),
    "added": Words("已订阅：", "Subscribed: "),
    "test": Words("试发一条", "Send a test"),
    "pause": Words("暂停", "Pause"),
    "resume": Words("继续", "Resume"),
    "end": Words("终止并销毁密钥", "End, destroy the secret"),
    "all": Words("全部", "all"),
    "delivered": Words("成功", "delivered"),
    "failed": Words("未成功", "not delivered"),
}  # fmt: skip


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/webhooks")
    def listing(page: Member) -> Response:
        return drawn(page)

    @pages.post("/webhooks")
    def subscribe(page: Member, form: Typed) -> Response:
        refuse(page)
        kinds = [kind for kind in form.getlist("kinds") if isinstance(kind, str) and kind]
        asked = {name: text(form, name, 500) for name in ("name", "url", "unit")}
        try:
            hook, secret = administering.subscribe(
                office, page.actor, page.how, asked["name"], asked["url"], kinds=kinds, unit=asked["unit"],
                start=0 if text(form, "whole") else None,
            )  # fmt: skip
        except Wrong as wrong:
            faults = {wrong.field: page.words(wrong.words)}
            return drawn(page, 422, asked=asked | {"kinds": kinds}, faults=faults)
        return drawn(page, added=hook.name, secret=secret)

    @pages.post("/webhooks/{id_}/{step}")
    def do(id_: str, step: str, page: Member) -> Response:
        refuse(page)
        if step not in webhooks_rest.STEPS:
            raise HTTPException(404)
        try:
            webhooks_rest.step(office, page.actor, page.how, id_, step)
        except NoSuch:
            raise HTTPException(404) from None
        return page.go("/webhooks")

    return pages


def refuse(page: Page) -> None:
    """Let only administrators in."""
    if not page.may(Role.ADMIN):
        raise Forbidden


def drawn(page: Page, status: int = 200, **more: Any) -> Response:
    """Draw the page; `more` is a form that came back, or a secret to show once."""
    refuse(page)
    hooks, size = page.office.webhooks, page.office.book.head()[0]
    typed: dict[str, Any] = {"name": "", "url": "", "unit": "", "kinds": []}
    values: dict[str, Any] = {"added": "", "secret": ""} | more
    values["asked"] = typed | more.get("asked", {})
    values["faults"] = {"name": "", "url": ""} | more.get("faults", {})
    return page.render(
        "webhooks.html",
        status,
        words={name: page.words(said) for name, said in WORDS.items()},
        hooks=[
            {
                "hook": hook,
                "state": page.words(state(hook)),
                "kinds": [page.words(LIFECYCLES[k].words) for k in hook.kinds.split(",") if k],
                "unit": page.name_of("unit", hook.unit) if hook.unit else "",
                "waiting": size - hook.reached,
                "deliveries": [line(page, one) for one in hooks.deliveries(hook.id, SHOWN)],
                "steps": ["test", "resume" if hook.state == "paused" else "pause", "end"],
            }
            for hook in hooks.all()
        ],
        no_hosts="" if hooks.hosts else page.words(NO_HOSTS),
        hosts=page.office.settings.webhook_hosts,
        units=sorted((str(row["name"]), id_) for id_, row in page.units.items()),
        kinds=[(page.words(life.words), kind) for kind, life in LIFECYCLES.items() if kind != "audit"],
        **values,
    )  # fmt: skip


def line(page: Page, one: Delivery) -> dict[str, Any]:
    """Return a delivery as the page shows it."""
    return {
        "at": one.at.replace("T", " ").removesuffix("+00:00"),
        "span": f"{one.first:,}–{one.last:,}" if one.last else page.words(WORDS["test-message"]),
        "ok": one.ok,
        "mark": page.words(WORDS["delivered" if one.ok else "failed"]),
        "said": one.zh if page.lang == "zh" else one.en,
        "ms": one.ms,
    }
