"""导入资产卡片 · Sheets of asset cards: read, checked cell by cell, recorded, checked again, reversed."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from api.cards_out import file_of
from api.import_sessions import Choice
from api.office import Actor, Office
from api.pages_export import Amount, xlsx_bytes
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, short
from benchmarks.places import Place
from domain.unit import UnitEstablished, UnitKind
from ledger.book import Book
from ledger.entry import Draft
from projections.scope import EVERYTHING

CARDS = 100_000
UNIT = "o_bench"
HEAD = (
    "资产编号", "资产名称", "资产大类", "单位名称", "资产分类代码", "原值", "数量", "计量单位", "取得日期",
    "取得方式", "规格型号", "序列号", "号牌", "会计凭证号", "备注", "使用人",
)  # fmt: skip
CLERK = Actor(person="u_bench", unit=UNIT, role="clerk", scope=EVERYTHING)
T = TypeVar("T")
Told = dict[str, tuple[float, float]]


def workbook(cards: int) -> bytes:
    """Return a sheet of so many cards, of sixteen columns; one in a hundred has two faults."""
    rows = (
        (
            f"{10**15 + n}", f"笔记本电脑{n % 50}", "计算机设备", "测量单位", "A02010105",
            Amount(500_000 + n), "1", "台", "2023-02-30" if n % 100 == 99 else "2023-05-06",
            "买来" if n % 100 == 99 else "购置", f"T14-{n % 9}", f"SN{n:07}", "", f"记-{n}", "", "",
        )
        for n in range(cards)
    )  # fmt: skip
    return xlsx_bytes((HEAD, *rows), "资产卡片")


def run(place: Place) -> Iterator[Figure]:
    """Yield what each step takes, and the most memory the whole of it took."""
    cards = place.size(CARDS)
    url = place.fresh("sqlite")
    context = multiprocessing.get_context("spawn")  # a process of its own knows its own peak
    with context.Pool(1) as pool:
        told: Told = pool.apply(_work, (url, cards))
    place.forget(url)
    peak = told.pop("peak")[0]
    for step, (wall, cpu) in told.items():
        yield Figure(
            work=f"{step}, a sheet of {short(cards)} cards",
            ours=cards / wall,
            unit="rows/s",
            floor=cards / cpu if cpu else None,
            beside="the same were its processor its own (CPU of this process)",
            bar=Bar(least=1_000),
        )
    yield Figure(
        work=f"most memory of all of it, {short(cards)} cards",
        ours=peak / 2**20,
        unit="MB",
        bar=Bar(most=1_500),
    )


def _work(url: str, cards: int) -> Told:
    with Book.open(url) as book:
        unit = UnitEstablished(name="测量单位", kind=UnitKind.ORGAN)
        draft = Draft(
            stream=f"unit/{UNIT}", seq=1, event=unit, actor="u_1", cause="benchmark",
            effective_at="2020-01-01T00:00:00+08:00",
        )  # fmt: skip
        book.append([draft], actor="u_1", cause="benchmark")
    content = workbook(cards)
    office = Office.open(Settings(database=url))
    imports, told = office.imports, Told()

    def timed(step: str, work: Callable[[], T]) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        made = work()
        told[step] = (time.perf_counter() - wall, time.process_time() - cpu)
        return made

    try:
        begun = timed("read", lambda: imports.begin(CLERK, "cards.xlsx", content))
        judged = timed("checked", lambda: imports.judge(begun, CLERK, begun.plan))
        assert judged.counts["wrong"] == cards // 100, judged.counts
        assert judged.counts["faults"] == 2 * (cards // 100), "each faulty cell is told"
        done = timed("recorded", lambda: imports.record(judged, CLERK, Choice(), {}))
        assert done.recorded == cards - cards // 100
        again = timed("checked again", lambda: imports.judge(done, CLERK, done.plan))
        assert again.counts["same"] == done.recorded and again.counts["new"] == 0
        home = timed("taken home as CSV", lambda: file_of(office, EVERYTHING, "zh", "csv"))
        assert home.count(b"\r\n") == done.recorded + 1
        back = timed("reversed", lambda: imports.take_back(again, CLERK, "测量", {}))
        assert back.recorded == 0
    finally:
        office.close()
    per = 1 if sys.platform == "darwin" else 1024
    told["peak"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * per, 0)
    return told
