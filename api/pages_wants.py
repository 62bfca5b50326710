"""On the page of a want: what came, and what on offer fits it; on that of an offer: whom it fits."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from api import why_not
from api.pages_view import Page
from api.rooming import Room
from domain.allocating import Allocation
from domain.asset import Asset
from domain.demand import OPEN_STATUSES, Demand
from domain.searching import TO_BE_HAD
from domain.words import Words
from ledger.book import Stream
from projections import fitting, inventory, wants
from projections.fitting import Fit
from projections.matching import FACTORS, pieces

CLAIMED: Final = Words("调剂情况", "What is coming")
CLAIM_HEADS: Final = (
    Words("调剂单", "reallocation"),
    Words("资产", "asset"),
    Words("数量", "quantity"),
    Words("进度", "progress"),
)
CAME: Final = Words("已调入", "came")
COMING: Final = Words("办理中", "under way")
FITTING: Final = Words("可供调剂的资产（按得分排序）", "On offer and fitting, best first")
NOTHING: Final = Words(
    "目前没有合适的上架资产；有合适的上架时会立即列在这里，并提示待办。",
    "Nothing on offer fits now. Whatever is listed and fits appears here at once, as an open step.",
)
CAPPED: Final = Words(
    "按“{title}”，本单位还可配置 {left} 件；超出部分不列入匹配和调剂建议。",
    "By {title}, the unit may have {left} more; what is beyond is neither matched nor proposed.",
)
FLAGGED: Final = Words(
    "注意：按“{title}”，本单位还可配置 {left} 件，需求超出。",
    "Note: by {title}, the unit may have {left} more; the want goes beyond.",
)
LATER: Final = Words(
    "“{name}”符合需求，{day} 起对本单位开放申领，届时列入待办。",
    "“{name}” fits, and is open to the unit from {day}: an open step from then.",
)
BEYOND: Final = Words("超出：{titles}", "beyond {titles}")
FULL: Final = Words("没有余额：{titles}", "no room left by {titles}")
WOULD_FIT: Final = Words(
    "有单位需要：上架后即告知下列需求", "Wanted by others: list it for reuse and these hear of it"
)
FOR_WHOM: Final = Words("符合的需求（先保障的在前）", "Wants it fits, who is served first first")
NOBODY: Final = Words("目前没有符合的需求。", "No open want fits.")
SCORES: Final = Words("各项得分（千分制×权重）", "Points of each factor (of 1000, by weight)")
REQUEST: Final = Words("申请调剂", "Request it")
NEW_OFFER: Final = Words("新推荐，待答复", "new, to be answered")
HEADS: Final = (
    Words("资产", "asset"),
    Words("数量", "quantity"),
    Words("保管单位", "holder"),
    Words("得分", "points"),
)
WANT_HEADS: Final = (
    Words("需求", "want"),
    Words("还需", "still wanted"),
    Words("单位", "unit"),
    Words("得分", "points"),
)
LINES_SHOWN: Final = 200
LINES: Final = Words("建议方案", "What is proposed")
LINE_HEADS: Final = (
    Words("项", "line"),
    Words("需求", "want"),
    Words("资产", "asset"),
    Words("数量", "quantity"),
    Words("得分", "points"),
    Words("决定", "decision"),
)
OPEN_LINE: Final = Words("待决定", "to be decided")
MORE: Final = Words(
    "另有{n}项，见方案原文（证据）。", "{n} more are in the evidence of the proposal."
)
WITHOUT: Final = Words("未能满足的需求及原因", "Wants that go without, and why")
WHY: Final = Words("为什么没有分到", "Why not")
WITHOUT_HEADS: Final = (
    Words("需求", "want"),
    Words("尚缺", "lacking"),
    Words("合适的资产分给了谁", "who gets what would fit"),
)
NONE_FITS: Final = Words("没有合适的上架资产", "nothing on offer fits")
WORDS_OF: Final = {factor.slug: factor.words for factor in FACTORS}


def of_want(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return what a want is shown with; None for other cases."""
    state = stream.state
    if not isinstance(state, Demand):
        return None
    fits: list[dict[str, Any]] = []
    notes: list[str] = []
    row = page.office.models.one(wants.one(stream.name.partition("/")[2]))
    if row is not None and state.status in OPEN_STATUSES and state.left:
        today = page.office.today(page.actor.zone)
        offered = dict(state.offered)
        rooms = page.office.rooms(today)
        found = fitting.for_want(
            page.office.whole, dict(row), page.office.terms(today), allowed=rooms.allowed
        )
        fits = [told(page, fit, offered) for fit in found]
        notes = room_notes(page, rooms.of(dict(row)), pieces(row["remaining"]))
        notes += [
            page.words(LATER).format(name=page.name_of("asset", asset), day=day)
            for asset, day in sorted(state.ahead, key=lambda one: (one[1], one[0]))
            if day > today
        ]
    return {
        "claims_title": page.words(CLAIMED),
        "claim_heads": [page.words(head) for head in CLAIM_HEADS],
        "claims": [
            {
                "case": claim.case,
                "case_name": page.case_name(claim.case),
                "asset": claim.asset,
                "name": page.name_of("asset", claim.asset),
                "quantity": claim.quantity,
                "said": page.words(CAME if claim.came else COMING),
            }
            for claim in state.claims
        ],
        "title": page.words(FITTING),
        "heads": [page.words(head) for head in HEADS],
        "nothing": page.words(NOTHING),
        "open": state.status in OPEN_STATUSES,
        "fits": fits,
        "notes": notes,
    }


def room_notes(page: Page, room: Room, wanted: int) -> list[str]:
    """Say what the standards and the quota of a unit leave of what it wants (T49)."""
    said = CAPPED if room.refused else FLAGGED
    return [
        page.words(said).format(title=page.words(bound.title), left=bound.left)
        for bound in room.bounds
        if bound.left is not None and bound.left < wanted
    ]


def told(page: Page, fit: Fit, offered: dict[str, int]) -> dict[str, Any]:
    """Return one thing that fits a want, with every score and the way to ask for it."""
    card, want = fit.card, fit.want
    form = {
        "kind": "reallocation",
        "asset": card["id"],
        "from_unit": card["custodian"],
        "to_unit": want["unit"],
        "item": want["item"],
        "demand": want["id"],
    }
    return {
        "url": f"/assets/{card['id']}",
        "name": card["name"],
        "number": card["asset_no"],
        "quantity": f"{card['quantity']}{card['measure']}",
        "unit": page.name_of("unit", card["custodian"]),
        "total": fit.match.total,
        "scores": scores(page, fit),
        "ask": f"/cases/new?{urlencode(form)}",
        "ask_said": page.words(REQUEST),
        "new": page.words(NEW_OFFER) if card["id"] in offered else "",
        "scores_title": page.words(SCORES),
    }


def scores(page: Page, fit: Fit) -> list[tuple[str, str]]:
    """Return each factor in words with its points and weight."""
    return [(page.words(WORDS_OF[s.factor]), f"{s.points}×{s.weight}") for s in fit.match.scores]


def of_proposal(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return the lines of a proposal with what was decided on each, and who goes without and why."""
    state = stream.state
    if not isinstance(state, Allocation) or not state.sha256:
        return None
    document = page.office.proposals.document(state.sha256)
    me = stream.name.partition("/")[2]
    asked = page.request.query_params
    why = why_not.asked(page.office, me, asked.get("want", ""), asked.get("asset", ""))
    shown = document.lines[:LINES_SHOWN]
    return {
        "title": page.words(LINES),
        "heads": [page.words(head) for head in LINE_HEADS],
        "lines": [
            {
                "number": line.line,
                "want": f"/cases/demand/{line.demand}",
                "item": line.item,
                "unit": page.name_of("unit", line.to_unit),
                "asset": f"/assets/{line.asset}",
                "name": page.name_of("asset", line.asset),
                "quantity": line.quantity,
                "score": line.score,
                "said": page.words(decision.words if decision else OPEN_LINE),
                "beyond": told_titles(page, BEYOND, line.beyond),
            }
            for line in shown
            for decision in (state.decided(line.line),)
        ],
        "more": page.words(MORE).format(n=len(document.lines) - len(shown))
        if len(document.lines) > len(shown)
        else "",
        "why_title": page.words(WHY),
        "why": why
        and {
            "want": why["want"],
            "name": page.name_of("asset", why["asset"]),
            "sentences": [page.words(one) for one in why["sentences"]],
        },
        "without_title": page.words(WITHOUT),
        "without_heads": [page.words(head) for head in WITHOUT_HEADS],
        "without": [
            {
                "want": f"/cases/demand/{one.demand}",
                "demand": one.demand,
                "lacking": one.lacking,
                "nothing": told_titles(page, FULL, one.beyond) or page.words(NONE_FITS),
                "full": told_titles(page, FULL, one.beyond),
                "reasons": [
                    {
                        "asset": f"/assets/{reason.asset}",
                        "name": page.name_of("asset", reason.asset),
                        "total": reason.total,
                        "why": page.url(want=one.demand, asset=reason.asset),
                        "takers": [(f"/cases/demand/{t}", t) for t in reason.takers],
                    }
                    for reason in one.reasons
                ],
            }
            for one in document.unserved[:LINES_SHOWN]
        ],
    }


def told_titles(page: Page, said: Words, titles: tuple[Words, ...]) -> str:
    """Name standards and quotas in a sentence; nothing where there are none."""
    and_ = "、" if page.lang == "zh" else ", "
    return page.words(said).format(titles=and_.join(map(page.words, titles))) if titles else ""


def of_card(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return the wants that something on offer fits, or something idle would; None for the rest."""
    state = stream.state
    if not isinstance(state, Asset) or not (state.listed or state.custody in TO_BE_HAD):
        return None
    card = page.office.models.one(inventory.one(stream.name.partition("/")[2]))
    if card is None:
        return None
    today = page.office.today(page.actor.zone)
    found = fitting.for_card(
        page.office.whole,
        dict(card),
        page.office.terms(today),
        allowed=page.office.rooms(today).allowed,
    )
    if not state.listed and not found:
        return None
    return {
        "title": page.words(FOR_WHOM if state.listed else WOULD_FIT),
        "nothing": page.words(NOBODY),
        "heads": [page.words(head) for head in WANT_HEADS],
        "fits": [
            {
                "url": f"/cases/demand/{fit.want['id']}",
                "name": fit.want["item"],
                "number": fit.want["needed_by"],
                "quantity": f"{fit.want['remaining']}{fit.want['measure']}",
                "unit": page.name_of("unit", fit.want["unit"]),
                "total": fit.match.total,
                "scores": scores(page, fit),
                "scores_title": page.words(SCORES),
                "ask": "",
                "new": "",
            }
            for fit in found
        ],
    }
