"""A notice of what is on offer, to be put up: what, how much, from when, for whom, how to claim it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api.offers import Shown
from api.office import Office
from api.papers_words import SAYS, SEARCHING
from api.showing import EVERYBODY, public_name, region_said
from domain.decider import Lang
from domain.words import Words, in_words
from labels.paper_parts import Box, Column, Pair, Paper, Row, Table

ROWS_MAX: Final = 2_000
KIND: Final = "notice"
SAID: Final = {
    "title": Words("可供调剂资产公告", "Notice of public property on offer"),
    "issuer": Words("发布单位", "Issued by"),
    "on": Words("公告日期", "Date"),
    "count": Words("项数", "Items"),
    "filter": Words("范围", "Covers"),
    "all": Words("全部上架物品", "everything on offer"),
    "name": Words("名称", "Name"),
    "class": Words("分类代码", "Class"),
    "condition": Words("成色", "Condition"),
    "life": Words("剩余年限", "Life left"),
    "region": Words("所在地区", "Region"),
    "days": Words("可用日期、截止日", "Available, until"),
    "window": Words("公示范围", "Offered to"),
    "no": Words("资产编号", "Asset no."),
    "at_once": Words("现在可用", "now"),
    "until": Words("至{day}", "until {day}"),
    "claim": Words(
        "申领办法：符合公示范围的机关、事业单位在截止日前登录本系统，在“上架物品”中查找并申领；申领后在保留期内转为"
        "调剂申请，按程序审批、交接。没有合适物品的，可登记需求，有合适的上架即时提示。",
        "How to claim: a public body within “offered to” signs in before the last day, finds the thing"
        " under “On offer” and claims it; within the hold it becomes a reallocation request, which is"
        " decided and handed over as usual. Where nothing fits, register a want.",
    ),
    "empty": Words("目前没有上架物品。", "Nothing is on offer now."),
}


def notice(
    office: Office, shown: Sequence[Shown], unit: str, asked: str, on: str, lang: Lang
) -> Paper:
    """Return the notice of some offers, as of a day; `asked` says in words which they are."""
    size, root, _ = office.book.head()

    def say(key: str) -> str:
        return in_words(SAID[key], lang)

    rows = tuple(
        Row(
            (
                str(number),
                one.row["asset_no"] or one.row["id"],
                public_name(one.row),
                one.row["class_code"],
                f"{one.row['quantity']} {one.row['measure']}".strip(),
                " ".join(filter(None, (one.row["grade"], one.remaining_life))),
                region_said(office.book.stream(f"unit/{one.row['custodian']}").state.region, lang)
                if one.row["custodian"]
                else "",
                _days(one, lang),
                _window(one, lang),
            )
        )
        for number, one in enumerate(shown, start=1)
    )
    columns = (
        Column(in_words(SAYS["row"], lang), 5, "center"),
        Column(say("no"), 13),
        Column(say("name"), 16),
        Column(say("class"), 11),
        Column(in_words(SAYS["quantity"], lang), 8, "right"),
        Column(f"{say('condition')}、{say('life')}" if lang == "zh" else "Condition, life", 12),
        Column(say("region"), 13),
        Column(say("days"), 12),
        Column(say("window"), 12),
    )
    issuer = office.called(unit, lang) if unit else ""
    example = any(one.row["dataset"] == "example" for one in shown)
    return Paper(
        kind=KIND,
        title=say("title"),
        number=on.replace("-", ""),
        unit=issuer,
        date=on,
        pairs=(
            Pair(say("on"), on),
            Pair(say("count"), str(len(shown))),
            Pair(say("filter"), asked or say("all"), wide=True),
        ),
        table=Table(columns, rows) if rows else None,
        boxes=(Box(say("issuer"), "", tuple(in_words(w, lang) for w in SEARCHING.signatures)),),
        notes=(*(() if rows else (say("empty"),)), say("claim")),
        identity=f"gongwu:offers/{KIND}?on={on}&position={size}&root={root.hex()[:16]}",
        reflects=in_words(SAYS["reflects"], lang).format(position=size, size=size, root=root.hex()),
        mark=in_words(SAYS["example"], lang) if example else "",
        language=lang,
    )


def _days(one: Shown, lang: Lang) -> str:
    until = one.row["offer_until"]
    found = [one.row["available_from"] or in_words(SAID["at_once"], lang)]
    if until:
        found.append(in_words(SAID["until"], lang).format(day=until))
    return " ".join(found)


def _window(one: Shown, lang: Lang) -> str:
    if one.window is None:
        return in_words(EVERYBODY, lang)
    until = in_words(SAID["until"], lang).format(day=one.window.ends_on)
    return f"{in_words(one.window.tier.words, lang)} {until}"
