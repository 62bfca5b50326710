"""On the page of a stocktake: how far each place is, every difference with its outcome, the report."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api import radio_counting, reporting
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.counting import Difference, Finding
from domain.stocktaking import ENDS, Cause, Outcome, Stocktake, StocktakeStatus
from domain.words import Words
from ledger.book import Stream

ROWS_MAX = 100  # differences on one page
PROGRESS = Words("各地点进度", "How far each place is")
DIFFERENCES = Words("差异", "Differences")
HEADS = (
    Words("地点", "place"),
    Words("应盘", "listed"),
    Words("已盘", "seen"),
)
COLUMNS = (
    Words("资产或标签", "asset or tag"),
    Words("差异", "difference"),
    Words("清单地点", "listed in"),
    Words("实际所见", "seen in"),
    Words("处理结果", "outcome"),
)
SAYS = {
    "none": Words("没有差异。", "There are no differences."),
    "left": Words("其余差异请按类别查看。", "Choose a kind to see the rest."),
    "all": Words("全部", "All"),
    "open": Words("未处理", "open"),
    "not-seen": Words("未见", "not seen"),
    "no-place": Words("未写地点", "no place given"),
    "devices": Words("设备", "Devices"),
    "owes": Words("还有扫描没有传完", "owes scans"),
    "sent": Words("已传完", "has sent everything"),
    "written-off": Words("不再等待", "no longer waited for"),
    "report": Words("盘点报告（PDF）", "Report (PDF)"),
    "digest": Words("清单摘要", "digest of the list"),
    "close": Words("处理选中的差异", "Close the chosen differences"),
    "photo": Words("照片", "picture"),
    "choose": Words("选择", "choose"),
    "scan": Words("打开扫描页", "Open the scan page"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/stocktakes")
    def stocktakes(_: Member) -> Response:
        return RedirectResponse("/cases?kind=stocktake", 303)

    @pages.get("/stocktakes/{id_}")
    def stocktake(id_: str, _: Member) -> Response:
        return RedirectResponse(f"/cases/stocktake/{id_}", 303)

    @pages.get("/stocktakes/{id_}/report.pdf")
    def report(id_: str, _: Member) -> Response:
        state = office.book.stream(f"stocktake/{id_}").state
        kept = office.book.log.evidence(state.report) if state.report else None
        if kept is None:
            raise HTTPException(404)
        headers = {
            "Content-Disposition": f'inline; filename="stocktake-{id_}.pdf"',
            "ETag": f'"{state.report}"',
        }
        return Response(kept[1], media_type=kept[0], headers=headers)

    @pages.get("/stocktakes/{id_}/photos/{sha256}")
    def photo(id_: str, sha256: str, _: Member) -> Response:
        found = office.scanned.photo(id_, sha256)
        if found is None:
            raise HTTPException(404)
        return Response(found[1], media_type=found[0])

    return pages


def panel(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return what the template draws of a stocktake; None for other cases."""
    state = stream.state
    if not isinstance(state, Stocktake) or not state.scope:
        return None
    id_ = stream.name.partition("/")[2]
    wanted = page.request.query_params.get("finding", "")
    differences = page.office.counting.differences(state)
    counts: dict[str, int] = {}
    for one in differences:
        counts[one.finding.value] = counts.get(one.finding.value, 0) + 1
    mine = [one for one in differences if wanted in ("", one.finding.value)]
    ends = reporting.outcomes(page.office, stream.name)
    return {
        "id": id_,
        "says": {name: page.words(words) for name, words in SAYS.items()},
        "title": page.words(DIFFERENCES),
        "heads": [page.words(head) for head in COLUMNS],
        "counted": bool(state.differences),
        "kinds": [(f, page.words(f.words), counts[f.value]) for f in Finding if f.value in counts],
        "finding": wanted,
        "rows": [row(page, id_, one, ends) for one in mine[:ROWS_MAX]],
        "left": len(mine) > ROWS_MAX,
        "outcomes": outcomes(page, wanted),
        "causes": [(cause.value, page.words(cause.words)) for cause in Cause],
        "progress": progress(page, id_, state),
        "devices": devices(page, id_, state),
        "report": f"/stocktakes/{id_}/report.pdf" if state.report else "",
        "scope": state.scope,
        "counting": state.status is StocktakeStatus.COUNTING,
    }


def outcomes(page: Page, finding: str) -> list[tuple[str, str]]:
    """Return the outcomes a choice offers: those that fit a kind of difference, or all."""
    fits = ENDS[Finding(finding)] if finding in set(Finding) else frozenset(Outcome)
    return [(end.value, page.words(end.words)) for end in Outcome if end in fits]


def row(page: Page, id_: str, one: Difference, ends: Any) -> dict[str, Any]:
    """Return one difference as the table shows it."""
    end = ends.get(one.key)
    places = dict.fromkeys(sighting.place for sighting in one.seen)
    seen = [page.name_of("place", p) if p else page.words(SAYS["no-place"]) for p in places]
    said = [] if end is None else [page.words(end.outcome.words), page.words(end.cause.words)]
    photos = [sighting.photo for sighting in one.seen if sighting.photo]
    notes = [sighting.note for sighting in one.seen if sighting.note]
    return {
        "key": one.key,
        "url": f"/assets/{one.asset}" if one.asset else "",
        "name": f"{one.no or one.asset} {one.name}".strip() if one.asset else one.code[:120],
        "finding": page.words(one.finding.words),
        "place": page.name_of("place", one.place) if one.place else "—",
        "now": page.name_of("place", one.now) if one.now != one.place and one.now else "",
        "seen": seen or [page.words(SAYS["not-seen"])],
        "notes": notes,
        "photos": [f"/stocktakes/{id_}/photos/{name}" for name in photos],
        "outcome": ("；" if page.lang == "zh" else "; ").join(
            [*said, *filter(None, (end.reference, end.note) if end else ())]
        ),
    }


def progress(page: Page, id_: str, state: Stocktake) -> dict[str, Any]:
    """Return for each place how many things are listed and how many of them were seen."""
    frozen = page.office.counting.frozen(state)
    seen = page.office.scanned.assets(id_) | radio_counting.heard_assets(page.office, id_, frozen)
    rows = []
    for place in frozen.places:
        items = frozen.by_place[place]
        there = sum(1 for item in items if item.id in seen)
        name = page.name_of("place", place) if place else page.words(SAYS["no-place"])
        team = [page.name_of("person", p) for p in dict(state.teams).get(place, ())]
        rows.append({"name": name, "listed": len(items), "seen": there, "team": team})
    return {
        "title": page.words(PROGRESS),
        "heads": [page.words(head) for head in HEADS],
        "rows": rows,
    }


def devices(page: Page, id_: str, state: Stocktake) -> list[tuple[str, str, str]]:
    """Return each device, who counts with it, and what it owes."""
    owing = page.office.counting.owing(id_, state)

    def said(device: str) -> str:
        if device in state.written_off:
            return page.words(SAYS["written-off"])
        return page.words(SAYS["owes" if device in owing else "sent"])

    return [
        (device, page.name_of("person", person), said(device)) for device, person in state.devices
    ]
