"""Lives of assets, ten facts each, over three years: the log that every benchmark works on.

Entries come in the order of their days, so that neighbours in the log belong to different
assets, as in a real year of work. A few facts are recorded late and a few are taken back,
because real ledgers have both and they are what makes projections hard.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeAlias

from api.importing_facts import portion
from domain.asset import AssetRegistered, Kind, Mode
from domain.decider import Document, EntryReversed, Event
from domain.labelling import LabelBound
from domain.use import (
    CustodianChanged,
    DeclaredIdle,
    IssuedToUser,
    PutBackToUse,
    Relocated,
    ReturnedByUser,
)
from ledger.act import Receipt
from ledger.book import Book, new_id
from ledger.entry import Corrects, Draft, Via

FACTS_PER_ASSET = 10
START = date(2022, 1, 1)
DAYS = 3 * 365
LATE_ONE_IN = 50  # assets with one fact recorded after a later one
REVERSED_ONE_IN = 200  # assets with one fact taken back
SEED = 1
UNITS = [f"o_{number:02}" for number in range(40)]
NAMES = [
    ("台式计算机", Kind.COMPUTER, 5_200_00),
    ("笔记本电脑", Kind.COMPUTER, 6_800_00),
    ("多功能一体机", Kind.OFFICE, 3_450_00),
    ("文件柜", Kind.FURNITURE, 980_00),
    ("会议桌", Kind.FURNITURE, 4_600_00),
    ("公务用车", Kind.VEHICLE, 179_800_00),
]
VIA = Via(unit="o_00", role="importer", channel="import", policy="generic")
ACTOR = "u_importer"
# stream, version, fact, its values, business date, version taken back, values of its document
Told: TypeAlias = tuple[
    str, int, type[Event], dict[str, Any], date, int | None, dict[str, Any] | None
]


def middle() -> str:
    """Return a day in the middle of the three years."""
    return (START + timedelta(days=DAYS // 2)).isoformat()


class Lives:
    """Drafts of `events // 10` lives in the order of their days; the same for the same seed."""

    def __init__(self, events: int) -> None:
        self.assets = events // FACTS_PER_ASSET
        self.events = self.assets * FACTS_PER_ASSET
        self.ids = [new_id() for _ in range(self.assets)]
        self._days = self._planned()  # what is to happen is no part of recording it

    @property
    def streams(self) -> list[str]:
        return [f"asset/{id_}" for id_ in self.ids]

    def regular(self) -> list[str]:
        """Return the streams in which nothing is late and nothing is taken back."""
        return [s for n, s in enumerate(self.streams) if not _late(n) and not _reversed(n)]

    def _planned(self) -> list[list[int]]:
        """Return for each day what happens on it, as asset number times ten plus step."""
        chance = random.Random(SEED)
        days: list[list[int]] = [[] for _ in range(DAYS)]
        for asset in range(self.assets):
            # Number order is time order, as with real asset numbers.
            day = asset * 2 * DAYS // (3 * self.assets)
            for step in range(FACTS_PER_ASSET):
                days[day].append(asset * FACTS_PER_ASSET + step)
                day += chance.randint(1, 36)
        return days

    def plain(self) -> list[Told]:
        """Return everything as plain values, as a reader of files hands them over."""
        told: list[Told] = []
        for offset, happenings in enumerate(self._days):
            day = START + timedelta(days=offset)
            for number in happenings:
                asset, step = divmod(number, FACTS_PER_ASSET)
                told.append(self._told(asset, step, day))
        return told

    def _told(self, asset: int, step: int, on: date) -> Told:
        kind: type[Event]
        if step == 6 and _late(asset):
            on -= timedelta(days=30)  # before most of what was recorded already
        taken_back = None
        if step == 9 and _reversed(asset):
            kind, values = EntryReversed, {"seq": 9, "reason": "登记有误，予以更正"}
            taken_back = 9
        else:
            kind, values = said(asset, step, on)
        paper = None
        if step in (0, 5, 8):
            paper = {"type": "清单", "number": f"示例〔{on.year}〕{asset % 997}号", "issued": on}
        return (f"asset/{self.ids[asset]}", step + 1, kind, values, on, taken_back, paper)

    def drafts(self, told: list[Told] | None = None) -> Iterator[Draft]:
        """Yield every draft; about one document for three facts."""
        cause, sizes, fresh = "", portions(), 0
        for count, (stream, seq, kind, values, on, taken_back, paper) in enumerate(
            told or self.plain()
        ):
            if count == fresh:
                cause, fresh = new_id("imp"), count + next(sizes)
            yield Draft(
                stream=stream,
                seq=seq,
                event=kind(**values),
                actor=ACTOR,
                cause=f"{cause}/{fresh - count}",
                effective_at=f"{on}T00:00:00+08:00",
                corrects=Corrects(seq=taken_back, stream=stream) if taken_back else None,
                docs=(Document(**paper),) if paper else (),
                via=VIA,
            )


def _late(asset: int) -> bool:
    return asset % LATE_ONE_IN == 7


def _reversed(asset: int) -> bool:
    return asset % REVERSED_ONE_IN == 11


def said(asset: int, step: int, on: date) -> tuple[type[Event], dict[str, Any]]:
    """Return what happens to an asset in one step of its life: which fact, and its values."""
    unit = UNITS[asset % len(UNITS)]
    user = f"u_{(asset * 7 + step) % 5000:05}"
    place = f"p_{(asset + step) % 300:03}"
    match step:
        case 0:
            name, kind, value = NAMES[asset % len(NAMES)]
            return AssetRegistered, {
                "asset_no": f"TY{2022 + asset % 3}{asset:09}",
                "name": name,
                "kind": kind,
                "unit": unit,
                "class_code": f"A020{asset % 90:02}",
                "class_scheme": "GB/T 14885-2022",
                "value": None if asset % 41 == 0 else value + asset % 1000,
                "mode": Mode.PURCHASE,
                "acquired": on,
                "model": f"型号{asset % 313}",
                "serial": f"SN{asset:010}",
                "place": place,
            }
        case 1:
            return LabelBound, {"label": f"L{asset:09}"}
        case 2 | 6:
            return IssuedToUser, {"unit": unit, "user": user, "place": place, "purpose": "日常办公"}
        case 3:
            return Relocated, {"place": place, "reason": "办公室调整"}
        case 4:
            return CustodianChanged, {"user": user, "reason": "岗位变动"}
        case 5 | 7:
            return ReturnedByUser, {"condition": "完好", "reason": "不再需要", "place": place}
        case 8:
            return DeclaredIdle, {"since": on, "evidence": "三个月未使用"}
        case _:
            return PutBackToUse, {"reason": "调整后继续使用"}


def chunks(drafts: Iterator[Draft]) -> Iterator[list[Draft]]:
    """Yield drafts in the portions in which an import records them."""
    for size in portions():
        part = list(islice(drafts, size))
        if not part:
            return
        yield part


def portions() -> Iterator[int]:
    """Yield how many entries each transaction of an import into an empty ledger has."""
    done = 0
    while True:
        yield portion(done)
        done += portion(done)


def record(book: Book, drafts: list[Draft]) -> Receipt:
    """Record one portion as an import does: one transaction, acknowledged when on disk."""
    cause = drafts[0].cause.split("/")[0]
    return book.append(drafts, actor=ACTOR, cause=cause, context={"channel": "import"})


def fill(url: str, events: int) -> Lives:
    """Fill a new ledger; return the lives in it."""
    lives = Lives(events)
    book = Book.open(url)
    try:
        for portion in chunks(lives.drafts()):
            record(book, portion)
    finally:
        book.close()
    return lives
