"""On the page of a stocktake: how far each place is, every difference with its outcome, the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api import pages_export, radio_counting, reporting
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.asset import Kind
from domain.counting import Difference, Finding
from domain.stocktaking import ENDS, Cause, Outcome, Stocktake, StocktakeStatus
from domain.words import Words
from ledger.book import Stream, new_id

ROWS_MAX = 100  # differences on one page
SURPLUSES_MAX = 20  # forms on one page
DIGITS_MAX = 7
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
MORE = (
    Words("原因", "cause"),
    Words("依据", "by"),
    Words("备注", "notes"),
    Words("发现人", "seen by"),
    Words("发现时间（UTC）", "seen at (UTC)"),
    Words("转为资产", "became asset"),
    Words("差异标识", "difference id"),
)
QUANTITIES = Words("账面{books}，实点{counted}", "on the list {books}, counted {counted}")
SAYS = {
    "none": Words("没有差异。", "There are no differences."),
    "all": Words("全部", "All"),
    "open": Words("未处理", "open"),
    "only-open": Words("只看未处理", "Only what is open"),
    "every": Words("也看已处理", "Also what is closed"),
    "choose-all": Words("全选本页", "Choose all on this page"),
    "choose-none": Words("取消全选", "Choose none"),
    "page": Words("第{page}页，共{pages}页", "Page {page} of {pages}"),
    "before": Words("上一页", "Page before"),
    "after": Words("下一页", "Next page"),
    "listed": Words("应盘", "listed"),
    "right": Words("相符", "right"),
    "found": Words("差异", "differences"),
    "surplus": Words("转为盘盈", "Record as a surplus"),
    "surplus-of": Words("未知标签转为盘盈", "Unknown tags that are things of the unit"),
    "surplus-hint": Words(
        "转为盘盈后按到货验收、建卡入账，再以“盘盈已入账”处理该差异。",
        "It then waits for acceptance and its card; close the difference once it is on the books.",
    ),
    "became": Words("已转为盘盈", "became"),
    "csv": Words("差异表（CSV）", "Differences (CSV)"),
    "xlsx": Words("差异表（XLSX）", "Differences (XLSX)"),
    "not-seen": Words("未见", "not seen"),
    "no-place": Words("未写地点", "no place given"),
    "devices": Words("设备", "Devices"),
    "owes": Words("还有扫描没有传完", "owes scans"),
    "sent": Words("已传完", "has sent everything"),
    "written-off": Words("不再等待", "no longer waited for"),
    "came": Words("已收到{count}次，最近{at}", "{count} received, the last at {at}"),
    "nothing-came": Words("尚未收到", "nothing received yet"),
    "report": Words("盘点报告（PDF）", "Report in Chinese, the signed one (PDF)"),
    "report-en": Words("英文本（PDF）", "Report in English (PDF)"),
    "digest": Words("清单摘要", "digest of the list"),
    "close": Words("处理选中的差异", "Close the chosen differences"),
    "relocate": Words("账面改到实际地点", "Let the books follow"),
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
    def report(id_: str, _: Member, english: str = "") -> Response:
        state = office.book.stream(f"stocktake/{id_}").state
        name = state.report_en if english else state.report
        kept = office.book.log.evidence(name) if name else None
        if kept is None:
            raise HTTPException(404)
        tail = "-en" if english else ""
        headers = {
            "Content-Disposition": f'inline; filename="stocktake-{id_}{tail}.pdf"',
            "ETag": f'"{name}"',
        }
        return Response(kept[1], media_type=kept[0], headers=headers)

    def known(id_: str) -> None:
        if not office.book.stream(f"stocktake/{id_}").state.differences:
            raise HTTPException(404)

    @pages.get("/stocktakes/{id_}/differences.csv")
    def as_csv(page: Member, id_: str) -> Response:
        known(id_)
        lines = pages_export.csv_bytes(table(page, id_))
        return StreamingResponse(
            lines, headers=kept_as(id_, "csv"), media_type="text/csv; charset=utf-8"
        )

    @pages.get("/stocktakes/{id_}/differences.xlsx")
    def as_xlsx(page: Member, id_: str) -> Response:
        known(id_)
        pieces = pages_export.xlsx_pieces({page.words(DIFFERENCES): table(page, id_)})
        return StreamingResponse(pieces, headers=kept_as(id_, "xlsx"), media_type=pages_export.XLSX)

    @pages.get("/stocktakes/{id_}/photos/{sha256}")
    def photo(id_: str, sha256: str, _: Member) -> Response:
        found = office.scanned.photo(id_, sha256)
        if found is None:
            raise HTTPException(404)
        return Response(found[1], media_type=found[0])

    return pages


def kept_as(id_: str, ending: str) -> dict[str, str]:
    """Return the headers that make a browser keep the differences as a file."""
    name = f"stocktake-{id_}-differences.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def panel(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return what the template draws of a stocktake; None for other cases."""
    state = stream.state
    if not isinstance(state, Stocktake) or not state.scope:
        return None
    id_ = stream.name.partition("/")[2]
    asked = Shown.of(page)
    differences = page.office.counting.differences(state)
    counts: dict[str, int] = {}
    for one in differences:
        counts[one.finding.value] = counts.get(one.finding.value, 0) + 1
    mine = [one for one in differences if asked.shows(one, state)]
    pages = max(1, -(-len(mine) // ROWS_MAX))
    number = min(asked.page, pages)
    ends = reporting.outcomes(page.office, stream.name)
    shown = mine[(number - 1) * ROWS_MAX : number * ROWS_MAX]
    return {
        "id": id_,
        "says": {name: page.words(words) for name, words in SAYS.items()},
        "title": page.words(DIFFERENCES),
        "heads": [page.words(head) for head in COLUMNS],
        "counted": bool(state.differences),
        "result": result(page, state),
        "kinds": [
            (asked.address(finding=f.value), page.words(f.words), counts[f.value], f.value)
            for f in Finding
            if f.value in counts
        ],
        "found": len(differences),
        "open": state.open,
        "all_url": asked.address(finding="", open=False),
        "open_url": asked.address(open=not asked.open),
        "choose_url": asked.address(chosen=not asked.chosen, page=number),
        "before_url": asked.address(page=number - 1) if number > 1 else "",
        "after_url": asked.address(page=number + 1) if number < pages else "",
        "asked": asked,
        "page": page.words(SAYS["page"]).format(page=number, pages=pages) if pages > 1 else "",
        "rows": [row(page, id_, one, ends, state) for one in shown],
        "unknown": surpluses(page, id_, state, shown),
        "kinds_of_things": [(kind.value, page.words(kind.words)) for kind in Kind],
        "outcomes": outcomes(page, asked.finding),
        "causes": [(cause.value, page.words(cause.words)) for cause in Cause],
        "progress": progress(page, id_, state),
        "devices": devices(page, id_, state),
        "report": f"/stocktakes/{id_}/report.pdf" if state.report else "",
        "report_en": f"/stocktakes/{id_}/report.pdf?english=1" if state.report_en else "",
        "files": f"/stocktakes/{id_}/differences",
        "scope": state.scope,
        "counting": state.status is StocktakeStatus.COUNTING,
    }


class Shown(NamedTuple):
    """Which differences the reader asks for, and whether they are ticked already."""

    finding: str = ""
    open: bool = False
    chosen: bool = False
    page: int = 1

    @classmethod
    def of(cls, page: Page) -> Shown:
        """Read the address."""
        asked = page.request.query_params
        finding, number = asked.get("finding", ""), asked.get("page", "")
        return cls(
            finding if finding in set(Finding) else "",
            asked.get("open") == "1",
            asked.get("chosen") == "1",
            max(1, int(number)) if number.isdecimal() and len(number) < DIGITS_MAX else 1,
        )

    def shows(self, one: Difference, state: Stocktake) -> bool:
        """Tell whether a difference is asked for."""
        return self.finding in ("", one.finding.value) and not (
            self.open and one.key in state.closed
        )

    def address(self, **other: Any) -> str:
        """Return the question of a link that asks for something else; it begins at page 1."""
        asked = self._replace(**{"page": 1, "chosen": False} | other)
        said = {
            "finding": asked.finding,
            "open": "1" if asked.open else "",
            "chosen": "1" if asked.chosen else "",
            "page": str(asked.page) if asked.page > 1 else "",
        }
        return "?" + urlencode({name: value for name, value in said.items() if value})


def result(page: Page, state: Stocktake) -> list[tuple[str, int, str]]:
    """Return the figures of the count: what, how many, and how it looks."""
    if not state.differences:
        return []
    return [
        (page.words(SAYS["listed"]), state.items, ""),
        (page.words(SAYS["right"]), state.right, "good"),
        (page.words(SAYS["found"]), state.found, "warn" if state.found else ""),
        (page.words(SAYS["open"]), state.open, "bad" if state.open else "good"),
    ]


def surpluses(
    page: Page, id_: str, state: Stocktake, shown: Iterable[Difference]
) -> list[dict[str, Any]]:
    """Return the unknown tags of which a thing can still be made."""
    return [
        row(page, id_, one, {}, state) | {"code": one.code, "asset": new_id("a")}
        for one in shown
        if one.finding is Finding.UNKNOWN
        and one.key not in state.closed
        and not state.surplus_of(one.key)
    ][:SURPLUSES_MAX]


def table(page: Page, id_: str) -> Iterator[list[Any]]:
    """Yield every difference with its outcome, to take home."""
    state: Stocktake = page.office.book.stream(f"stocktake/{id_}").state
    ends = reporting.outcomes(page.office, f"stocktake/{id_}")
    yield [page.words(head) for head in (*COLUMNS, *MORE)]
    for one in page.office.counting.differences(state):
        told, end = row(page, id_, one, ends, state), ends.get(one.key)
        first = one.seen[0] if one.seen else None
        yield [
            told["name"],
            told["finding"],
            told["place"],
            "；".join(told["seen"]),
            page.words(end.outcome.words) if end else page.words(SAYS["open"]),
            page.words(end.cause.words) if end else "",
            end.reference if end else "",
            "；".join([*told["notes"], *([end.note] if end and end.note else [])]),
            page.name_of("person", first.by) if first else "",
            datetime.fromtimestamp(first.at / 1000, UTC).isoformat() if first else "",
            state.surplus_of(one.key),
            one.key,
        ]


def outcomes(page: Page, finding: str) -> list[tuple[str, str]]:
    """Return the outcomes a choice offers: those that fit a kind of difference, or all."""
    fits = ENDS[Finding(finding)] if finding in set(Finding) else frozenset(Outcome)
    return [(end.value, page.words(end.words)) for end in Outcome if end in fits]


def row(page: Page, id_: str, one: Difference, ends: Any, state: Stocktake) -> dict[str, Any]:
    """Return one difference as the table shows it."""
    made = state.surplus_of(one.key)
    end = ends.get(one.key)
    places = dict.fromkeys(sighting.place for sighting in one.seen)
    seen = [page.name_of("place", p) if p else page.words(SAYS["no-place"]) for p in places]
    said = [] if end is None else [page.words(end.outcome.words), page.words(end.cause.words)]
    photos = [sighting.photo for sighting in one.seen if sighting.photo]
    notes = [sighting.note for sighting in one.seen if sighting.note]
    if one.quantity:
        counted = dict.fromkeys(sighting.quantity for sighting in one.seen if sighting.quantity)
        notes.append(page.words(QUANTITIES).format(books=one.quantity, counted="、".join(counted)))
    return {
        "key": one.key,
        "url": f"/assets/{one.asset}" if one.asset else "",
        "name": f"{one.no or one.asset} {one.name}".strip() if one.asset else one.code[:120],
        "finding": page.words(one.finding.words),
        "place": page.name_of("place", one.place) if one.place else "—",
        "now": page.name_of("place", one.now) if one.now != one.place and one.now else "",
        "seen": seen or [page.words(SAYS["not-seen"])],
        "notes": notes,
        "photos": [
            f"/stocktakes/{id_}/photos/{name}"
            for name in dict.fromkeys(photos)
            if page.office.scanned.photo(id_, name) is not None
        ],
        "follows": one.finding is Finding.MISPLACED
        and one.key not in state.closed
        and len(places) == 1,
        "made": f"/assets/{made}" if made else "",
        "made_name": page.name_of("asset", made) if made else "",
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


def devices(page: Page, id_: str, state: Stocktake) -> list[dict[str, str]]:
    """Return each device, who counts with it, what came from it and when, and what it owes."""
    owing = page.office.counting.owing(id_, state)
    last = page.office.scanned.last(id_)
    zone = page.office.now(page.actor.zone).tzinfo

    def said(device: str) -> str:
        if device in state.written_off:
            return page.words(SAYS["written-off"])
        return page.words(SAYS["owes" if device in owing else "sent"])

    def came(device: str) -> str:
        if device not in last:
            return page.words(SAYS["nothing-came"])
        count, at = last[device]
        when = datetime.fromisoformat(at).astimezone(zone)
        return page.words(SAYS["came"]).format(count=count, at=f"{when:%m-%d %H:%M}")

    return [
        {
            "device": device,
            "person": page.name_of("person", person),
            "said": said(device),
            "came": came(device),
            "owes": "1" if device in owing else "",
        }
        for device, person in state.devices
    ]
