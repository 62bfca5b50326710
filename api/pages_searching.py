"""Look for something to reallocate before it is bought: found, answered one by one, certified."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import certifying
from api.certifying import Answered, Certified, Said
from api.offers import Asking, Market
from api.office import Office
from api.pages_offers import status as offer_status
from api.pages_sign import Member, Typed, text
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import LIFECYCLES, Refused
from domain.paper_forms import PaperForm
from domain.planning import Line, Plan
from domain.searching import Unsuitable
from domain.words import Words
from ledger.act import Conflict
from ledger.book import Stream, new_id
from projections import inventory

REASON_CHARS_MAX: Final = 500
VERB: Final = LIFECYCLES["plan"].verbs
SAID: Final = {
    "title": Words("购置前调剂查询", "Search before buying"),
    "hint": Words(
        "由系统在全部闲置、低效、在仓和上架（含尚未空出）的资产中查找；查到的逐项说明采用或不适用的原因。"
        "有查询证明且逐项答复后，才能申请购置。",
        "The system looks through all that is idle, under-used, in the warehouse or offered, also what"
        " is not free yet. Each thing found is taken, or turned down with a reason; then the purchase"
        " may be asked for.",
    ),
    "query": Words("查询条件", "What is looked for"),
    "search": Words("查询调剂", "Search"),
    "search-again": Words("重新查询", "Search again"),
    "certificate": Words("查询证明", "Certificate"),
    "on": Words("查询日期", "Searched on"),
    "position": Words("账本位置", "Position in the log"),
    "count": Words("查到项数", "Found"),
    "digest": Words("结果摘要", "Digest of the result"),
    "paper": Words("打印查询证明", "Print the certificate"),
    "check": Words("按当时账本重新查询核验", "Search the log of that time again"),
    "same": Words(
        "已按账本第 {n} 条时的状况重新查询：结果一致。",
        "Searched again as of position {n}: the result is the same.",
    ),
    "differs": Words(
        "按账本第 {n} 条时的状况重新查询，结果不一致：{sha256}。请报告审计。",
        "Searched again as of position {n}: the result is NOT the same: {sha256}. Tell the auditors.",
    ),
    "good": Words("可以据以申请购置", "A purchase may rest on it"),
    "lacking": Words("尚不能据以购置", "No purchase can rest on it yet"),
    "never": Words("尚未查询。", "Not searched yet."),
    "nothing": Words("没有查到可调剂的资产。", "Nothing was found to reallocate."),
    "found": Words("查到的资产", "What was found"),
    "quantity": Words("数量", "quantity"),
    "condition": Words("成色", "condition"),
    "life": Words("剩余年限", "remaining life"),
    "kept_by": Words("保管单位", "kept by"),
    "distance": Words("距离", "distance"),
    "available": Words("可用日期", "available from"),
    "at_once": Words("现在可用", "available now"),
    "not_listed": Words("闲置，未上架", "idle, not offered"),
    "changed": Words("查询以后情况已变", "it has changed since the search"),
    "claim": Words("申领", "Claim"),
    "request": Words("申请调剂", "Request it"),
    "ground": Words("不适用的原因", "why it will not do"),
    "reason": Words("具体说明（其他原因必填）", "in words (needed for another reason)"),
    "choose": Words("—— 待答复 ——", "— to be answered —"),
    "answer": Words("记录答复", "Record the answers"),
    "answer-hint": Words(
        "只记录选了原因的各项；采用的，先办理申领或调剂，再在计划页面“采用调剂”。",
        "Only what has a reason is recorded. What you take: claim or request it first, then take it on"
        " the page of the plan.",
    ),
    "wants": Words(
        "登记需求，有合适的上架即提示", "Register a want: you hear when something is listed"
    ),
    "unanswered": Words("请至少为一项选择原因。", "Choose a reason for one thing at least."),
    "no_photo": Words("没有照片", "no photo"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/cases/plan/{id_}/search/{number}")
    def look(id_: str, number: int, page: Member) -> Response:
        return drawn(page, *found(page, id_, number))

    @pages.post("/cases/plan/{id_}/search/{number}")
    def act(id_: str, number: int, page: Member, form: Typed) -> Response:
        stream, line = found(page, id_, number)
        if text(form, "do") == "search":
            asks: list[tuple[str, str, dict[str, Any]]] = [
                (stream.name, "search_reallocation", {"line": number})
            ]
        else:
            asks = [
                (stream.name, "reject_found", {"line": number, **said})
                for said in answers(form, stream, line)
            ]
            if not asks:
                return drawn(page, stream, line, form, page.words(SAID["unanswered"]), 422)
        try:
            page.office.ask_many(asks, page.actor, key=text(form, "key") or None, **page.how)
        except Refused as refused:
            return drawn(page, stream, line, form, refused.sentence(page.lang), 409)
        except Conflict:
            return drawn(page, *found(page, id_, number), form, page.t("conflict"), 409)
        return page.go(page.request.url.path)

    return pages


def found(page: Page, id_: str, number: int) -> tuple[Stream, Line]:
    """Return a plan and its line; raise 404 where either is missing."""
    stream = page.office.book.stream(f"plan/{id_}")
    plan: Plan = stream.state
    line = plan.line(number)
    if line is None:
        raise HTTPException(404)
    return stream, line


def answers(form: FormData, stream: Stream, line: Line) -> list[dict[str, Any]]:
    """Return what was said of the pieces that wait, those with the same reason together."""
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for piece in line.search.open if line.search else ():
        ground = text(form, f"ground.{piece.asset}")
        if ground in set(Unsuitable):
            reason = text(form, f"reason.{piece.asset}", REASON_CHARS_MAX)
            together[ground, reason].append(piece.asset)
    return [
        {"ground": ground, "reason": reason, "assets": assets}
        for (ground, reason), assets in together.items()
    ]


def drawn(
    page: Page,
    stream: Stream,
    line: Line,
    form: FormData | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    """Draw the page: the query, the certificate, and what was found with room to answer."""
    office, plan = page.office, stream.state
    searches = certifying.searches(stream, line.number)
    standing = {e.seq for e in stream.standing}
    last = next((e for e in reversed(searches) if e.seq in standing), None)
    one: Certified | None = None
    checked = ""
    if last is not None:
        policy = office.rules_for(plan.unit, office.today(page.actor.zone))
        one = certifying.certified(office, stream, last, policy)
        if page.request.query_params.get("check") == "1":
            repeated = certifying.again(office, one.search)
            checked = page.words(SAID["same" if repeated.same else "differs"]).format(
                n=one.search.position, sha256=repeated.sha256
            )
    allowed = {
        verb.name
        for verb in LIFECYCLES["plan"].allowed(plan, office.occasion(page.actor))
        if not verb.roles or page.actor.role in verb.roles
    }
    market = Market(office, Asking(unit=plan.unit, on=office.today(page.actor.zone)))
    return page.render(
        "search.html",
        status,
        stream=stream,
        line=line,
        plan=plan,
        price=money(line.unit_price, "CNY", page.lang),
        kind=page.words(line.kind.words),
        s={name: page.words(words) for name, words in SAID.items()},
        one=one,
        checked=checked,
        lacking=[page.words(words) for words in one.lacking] if one else [],
        found=[row(page, market, each, form) for each in one.answers] if one else [],
        open=bool(one and any(each.said is Said.OPEN for each in one.answers)),
        paper=f"/papers/{stream.name}/{PaperForm.SEARCH.value}.pdf?at={last.seq}" if last else "",
        may_search="search_reallocation" in allowed,
        may_answer="reject_found" in allowed,
        grounds=[(ground.value, page.words(ground.words)) for ground in Unsuitable],
        wrong=wrong,
        key=new_id("web"),
        want=want(stream, line),
    )


def want(stream: Stream, line: Line) -> str:
    """Return the form that registers what the line asks for as a want."""
    return "/cases/new?" + urlencode(
        {
            "kind": "demand",
            "of_kind": line.kind.value,
            "item": line.item,
            "class_code": line.class_code,
            "quantity": line.quantity,
            "measure": line.measure,
            "plan": stream.name.partition("/")[2],
            "plan_line": str(line.number),
        }
    )


def row(page: Page, market: Market, each: Answered, form: FormData | None) -> dict[str, Any]:
    """Return one piece as the template draws it: as it was found, and whether it still is."""
    now = page.office.models.one(inventory.one(each.asset))
    shown = market.shown(now) if now is not None else None
    card, offer = each.card, each.card.offer
    photo = shown.photos[0] if shown and shown.photos else None
    listed = shown is not None and bool(shown.row["listed"])
    there = now is not None and now["custody"] == card.custody and now["listed"] == card.listed
    return {
        "id": each.asset,
        "number": card.asset_no,
        "name": card.name,
        "model": card.model,
        "photo": f"/files/asset/{shown.photos_of}/{photo.sha256}" if photo and shown else "",
        "quantity": f"{each.quantity} {card.measure}".strip(),
        "condition": card.grade,
        "life": offer.remaining_life if offer else "",
        "kept_by": page.name_of("unit", card.custodian) if card.custodian else "",
        "distance": page.words(market.near(card.custodian).words) if card.custodian else "",
        "available": offer.available_from.isoformat() if offer and offer.available_from else "",
        "offered": page.words(offer_status(shown)) if shown and listed else "",
        "changed": not there,
        "claim": f"/cases/new?kind=claim&asset={each.asset}"
        if shown and listed and shown.open and not shown.held
        else "",
        "request": f"/cases/new?kind=reallocation&asset={each.asset}" if not listed else "",
        "open": each.said is Said.OPEN,
        "said": page.words(each.said.words),
        "ground": page.words(each.ground.words) if each.ground else "",
        "reason": each.reason,
        "case": each.case,
        "typed": {
            "ground": text(form, f"ground.{each.asset}") if form is not None else "",
            "reason": text(form, f"reason.{each.asset}", 500) if form is not None else "",
        },
    }
