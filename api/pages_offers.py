"""What is on offer: photos, condition, from when, for whom, and the button that claims it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_past, tables, tables_here
from api.offers import Asking, Market, Shown
from api.office import Office
from api.pages_cases import openings
from api.pages_inventory import NOT_A_DAY, TEXT_CHARS_MAX, is_day
from api.pages_past import Looking
from api.pages_sign import Member
from api.pages_telling import NameOf
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from api.tables import Column, List, declared
from api.tables_here import Cell
from domain.screening import Opening
from domain.words import Role, Words
from projections import offers
from projections.scope import BadCursor

CARDS, ROWS = 24, 100
TITLE = Words("上架物品", "On offer")
ABOUT = Words(
    "各单位闲置和公物仓内可调剂的物品。先申领的保留若干天，到期未办理的自动重新开放。",
    "What units and the public warehouse can spare. A claim keeps a thing for some days; then it is"
    " open again by itself.",
)
WORDS = {
    "class_code": Words("分类代码（开头）", "class code (begins with)"),
    "available": Words("最迟可用日期", "available by"),
    "mine": Words("只看本单位现在可申领的", "only what my unit may claim now"),
    "kind": Words("类别", "kind"),
    "custodian": Words("保管单位", "kept by"),
    "place": Words("存放地点", "place"),
    "text": Words("编号、名称、型号", "number, name, model"),
    "quantity": Words("数量", "quantity"),
    "condition": Words("成色", "condition"),
    "life": Words("剩余年限", "remaining life"),
    "claim": Words("申领", "Claim"),
    "no_photo": Words("没有照片", "no photo"),
    "at_once": Words("现在可用", "available now"),
    "distance": Words("距离", "distance"),
    "how_many": Words("申领数量", "how many"),
    "wants": Words("登记需求，有合适的上架即提示", "Register a want: you hear when it is listed"),
    "import": Words("批量上架", "Put many on offer"),
    "notice": Words("打印公告", "Print a notice"),
    "nothing": Words("没有符合条件的上架物品。", "Nothing on offer fits."),
    "as-cards": Words("按卡片看", "As cards"),
    "as-table": Words("按表格看", "As a table"),
}
LIST = declared(
    List(
        path="/offers",
        title=TITLE,
        columns=(
            Column(name="name", words=Words("名称", "name"), sorts=True),
            Column(name="asset_no", words=Words("资产编号", "asset no."), sorts=True),
            Column(name="quantity", words=WORDS["quantity"], num=True),
            Column(name="condition", words=WORDS["condition"], sorts=True),
            Column(name="status", words=Words("状态", "status"), sorts=True),
            Column(name="available_from", words=Words("可用日期", "available from"), sorts=True),
            Column(name="offer_until", words=Words("上架截止", "offered until"), sorts=True),
            Column(name="custodian", words=WORDS["custodian"], sorts=True),
            Column(name="place", words=WORDS["place"], sorts=True),
            Column(name="life", words=WORDS["life"], sorts=True, apart=True),
            Column(name="distance", words=WORDS["distance"], sorts=True, apart=True),
            Column(name="kind", words=WORDS["kind"], sorts=True, apart=True),
            Column(
                name="class_code", words=Words("分类代码", "class code"), sorts=True, apart=True
            ),
            Column(name="model", words=Words("规格型号", "model"), sorts=True, apart=True),
            Column(name="description", words=Words("说明", "description"), apart=True),
            Column(name="id", words=Words("编号", "id"), sorts=True, apart=True),
        ),
    )
)
SORTED_MAX = 10_000  # as many as a file has


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/offers")
    def listing(page: Member) -> Response:
        look = pages_past.looking(page)
        asked, wrong = asked_of(page, look)
        as_table = page.request.query_params.get("as") == "table"
        columns, name_of = tables.shown(page, LIST), pages_past.names(page, look)
        cell = cell_of(page, name_of)
        shown: Sequence[Shown]
        if as_table and columns.sort:
            shown, more = tables_here.part(page, everything(page, columns, asked, cell), by_id)
        else:
            market = Market(office, asked, pictures=not as_table)
            after, size = page.request.query_params.get("after"), ROWS if as_table else CARDS
            try:
                shown, more = market.page(page.actor.scope, after, size)
            except BadCursor:
                raise HTTPException(404) from None
        return page.render(
            "offers.html",
            422 if wrong or look.wrong else 200,
            asked=asked,
            look=look,
            wrong=wrong,
            title=page.words(TITLE),
            about=page.words(ABOUT),
            said={name: page.words(words) for name, words in WORDS.items()},
            as_table=as_table,
            shown=columns,
            cell=cell,
            rows=shown,
            cards=[] if as_table else [card(page, one, name_of) for one in shown],
            more=more,
            may_claim=not look.past and "claim" in dict(openings(page)),
            may_offer=page.may(Role.KEEPER, Role.CLERK, Role.OFFICE),
            want=want(asked) if "demand" in dict(openings(page)) else "",
            choices=choices(page),
            chips=[*chips(page, asked), *pages_past.chips(page, look)],
        )

    return pages


def everything(page: Page, columns: tables.Shown, asked: Asking, cell: Cell) -> list[Shown]:
    """Return all that is on offer, in the order that is asked for."""
    market = Market(page.office, asked, pictures=False)
    return tables_here.ordered(columns, market.all(page.actor.scope, SORTED_MAX), cell)


def by_id(one: Shown) -> str:
    """Return after which offer a page begins."""
    return str(one.row["id"])


def cell_of(page: Page, name_of: NameOf) -> Cell:
    """Return what stands in the cells of the table."""

    def cell(one: Shown, name: str) -> Any:
        row = one.row
        match name:
            case "quantity":
                return f"{row['quantity']} {row['measure']}".strip()
            case "condition":
                return page.said("grade", row["grade"]) if row["grade"] else ""
            case "status":
                return page.words(status(one))
            case "custodian":
                return name_of("unit", row["custodian"]) if row["custodian"] else ""
            case "place":
                return name_of("place", row["place"]) if row["place"] else ""
            case "life":
                return one.remaining_life
            case "distance":
                return page.words(one.near.words) if row["custodian"] else ""
            case "kind":
                return page.words(CHOICES["kind"].get(row["kind"], row["kind"]))
            case "description":
                return one.description
            case "available_from":
                return row["available_from"] or page.words(WORDS["at_once"])
            case _:
                return row[name]

    return cell


def asked_of(page: Page, look: Looking | None = None) -> tuple[Asking, list[Words]]:
    """Read the questions in the address; a day that is none is named and not asked."""
    look = look or pages_past.looking(page)
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    available, wrong = given.get("available", ""), list[Words]()
    if available and not is_day(available):
        wrong.append(NOT_A_DAY)
        available = ""
    asked = Asking(
        unit=page.actor.unit,
        on=date.fromisoformat(look.day),
        past=look.past,
        known=look.position,
        text=given.get("text", ""),
        class_code=given.get("class_code", ""),
        kind=given.get("kind", ""),
        custodian=given.get("custodian", ""),
        place=given.get("place", ""),
        available=date.fromisoformat(available) if available else None,
        mine=given.get("mine") == "1",
    )
    return asked, wrong


def want(asked: Asking) -> str:
    """Return the form that registers what was looked for as a want."""
    form = {
        "kind": "demand",
        "of_kind": asked.kind,
        "item": asked.text,
        "class_code": asked.class_code,
        "needed_by": asked.available.isoformat() if asked.available else "",
    }
    return "/cases/new?" + urlencode({name: value for name, value in form.items() if value})


def choices(page: Page) -> dict[str, list[tuple[str, str]]]:
    """Return what the filters offer: what occurs, in words."""
    rows = page.office.rows(offers.occurring(page.actor.scope))
    kinds = {row["kind"] for row in rows}
    found = {"kind": [(v, page.words(words)) for v, words in CHOICES["kind"].items() if v in kinds]}
    for name, of in (("custodian", "unit"), ("place", "place")):
        ids = {row[name] for row in rows} - {""}
        found[name] = sorted(((i, page.name_of(of, i)) for i in ids), key=lambda p: (p[1], p[0]))
    return found


def chips(page: Page, asked: Asking) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    kind = CHOICES["kind"].get(asked.kind)
    said = {
        "text": asked.text,
        "class_code": asked.class_code,
        "kind": page.words(kind) if kind else asked.kind,
        "custodian": page.name_of("unit", asked.custodian) if asked.custodian else "",
        "place": page.name_of("place", asked.place) if asked.place else "",
        "available": asked.available.isoformat() if asked.available else "",
        "mine": page.t("yes") if asked.mine else "",
    }
    return [
        (f"{page.words(WORDS[name])}: {words}", page.url(**{name: None, "after": None}))
        for name, words in said.items()
        if words
    ]


def card(page: Page, one: Shown, name_of: NameOf) -> dict[str, Any]:
    """Return one offer as the template draws it."""
    row = one.row
    photo = one.photos[0] if one.photos else None
    return {
        "row": row,
        "photo": f"/files/asset/{one.photos_of}/{photo.sha256}" if photo else "",
        "photos": len(one.photos),
        "kept_by": name_of("unit", row["custodian"]) if row["custodian"] else "",
        "place": name_of("place", row["place"]) if row["place"] else "",
        "description": one.description,
        "life": one.remaining_life,
        "delivered": one.delivered,
        "distance": page.words(one.near.words) if row["custodian"] else "",
        "available": row["available_from"],
        "until": row["offer_until"],
        "status": page.words(status(one)),
        "clock": [page.words(words) for words in clock(one)],
        "claimable": one.open and not one.held,
        "case": row["case"] if one.held else "",
    }


def status(one: Shown) -> Words:
    """Say whether the reader's unit may claim it."""
    if one.held and one.held_until:
        return Words(f"已被申领，保留至 {one.held_until}", f"claimed, kept until {one.held_until}")
    if one.held:
        return Words("办理中", "in another process")
    if not one.open:
        return Words(
            f"本单位 {one.mine_from} 起可申领", f"your unit may claim it from {one.mine_from}"
        )
    return Words("本单位可申领", "your unit may claim it")


def clock(one: Shown) -> list[Words]:
    """Say for whom it is kept now, and when the next may come."""
    found: list[Words] = []
    if one.window is not None:
        tier, ends = one.window.tier.words, one.window.ends_on
        found.append(
            Words(f"现在面向：{tier.zh}（至 {ends}）", f"now for {tier.en} (until {ends})")
        )
    if one.next is not None:
        found.append(opens(one.next))
    if one.over:
        found.append(
            Words(
                "各轮公示期已满，无人取得的可转为其他盘活方式或处置",
                "all windows have ended: what nobody took may go other ways, or be disposed of",
            )
        )
    return found


def opens(window: Opening) -> Words:
    """Say for whom it opens next."""
    tier = window.tier.words
    return Words(f"{window.opens_on} 起：{tier.zh}", f"from {window.opens_on}: {tier.en}")
