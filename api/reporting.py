"""The report of a stocktake: what was counted and how every difference ended, as paper for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.counting import Difference, Finding
from domain.stocktaking import CountEnded, DeviceWrittenOff, DifferencesClosed, Stocktake
from domain.words import in_words
from labels import paper
from labels.paper_parts import Box, Column, Pair, Paper, Row, Table

if TYPE_CHECKING:
    from api.office import Office

ROWS_MAX = 2_000  # more are in the evidence whose hash the report names
LANG = "zh"  # the report is a Chinese office paper; its figures are on the page in both languages


def made(office: Office, stream: str, state: Stocktake) -> tuple[bytes, int, str]:
    """Draw the report as the log stands now; return it with the size and root it names."""
    size, root, _ = office.book.head()
    drawn = drawing(office, stream, state, size, root)
    return paper.pdf(drawn), size, root.hex()


def drawing(office: Office, stream: str, state: Stocktake, size: int, root: bytes) -> Paper:
    """Return the report: figures, digests, every difference with its outcome, places to sign."""
    entries = office.book.stream(stream).standing
    ended = [e.event for e in entries if isinstance(e.event, CountEnded)][-1]
    lost = [e.event for e in entries if isinstance(e.event, DeviceWrittenOff)]
    counters = "、".join(office.accounts.name_of(p, LANG) for p in sorted(state.counters))
    figures = (
        ("应盘", state.items),
        ("相符", ended.right),
        *((finding.words.zh, getattr(ended, finding.value)) for finding in Finding),
    )
    pairs = [
        Pair("盘点名称", state.title, wide=True),
        Pair("盘点方式", in_words(state.method, LANG)),
        Pair("轮次", str(ended.round)),
        Pair("清单冻结于", f"账本第{state.position}条"),
        Pair("盘点人", counters or "—"),
        *(Pair(name, str(number)) for name, number in figures),
        Pair("扫描次数", f"{ended.scans}（重复{ended.repeats}，矛盾{ended.conflicts}）"),
        *((Pair("射频读取次数", f"{ended.reads}"),) if ended.reads else ()),
        Pair("清单摘要", state.scope, wide=True),
        Pair("扫描记录摘要", state.scans, wide=True),
        *((Pair("射频读取摘要", state.readings, wide=True),) if state.readings else ()),
        Pair("差异清单摘要", state.differences, wide=True),
    ]
    if state.sample:
        told = f"从{state.population}项中抽取{state.sample}项，随机种子 {state.seed}"
        pairs.append(Pair("抽样", told, wide=True))
    notes = [f"设备 {one.device} 未传完，不再等待：{one.reason}" for one in lost]
    if state.found > ROWS_MAX:
        notes.append(f"本表列出前{ROWS_MAX}项差异，全部{state.found}项见差异清单（摘要如上）。")
    return Paper(
        kind="stocktake-report",
        title="资产盘点报告",
        number=stream.partition("/")[2],
        unit=office.called(state.unit, LANG),
        date=office.today(office.zone_of(state.unit)).isoformat(),
        pairs=tuple(pairs),
        table=table(office, stream, state),
        boxes=(
            Box("盘点", "", ("盘点人", "监盘人")),
            Box("复核", "", ("复核人", "单位负责人")),
        ),
        notes=tuple(notes),
        identity=f"gongwu:{stream}/stocktake-report?position={size}&root={root.hex()[:16]}",
        reflects=f"反映账本前{size}条，树根 {root.hex()}",
        checkpoint=office.proving.on_paper(0),
        language=LANG,
    )


def outcomes(office: Office, stream: str) -> dict[str, DifferencesClosed]:
    """Return by which decision each difference ended."""
    return {
        key: entry.event
        for entry in office.book.stream(stream).standing
        if isinstance(entry.event, DifferencesClosed)
        for key in entry.event.differences
    }


def table(office: Office, stream: str, state: Stocktake) -> Table | None:
    """Return the differences with their outcomes; None when there are none."""
    if not state.found:
        return None
    ends = outcomes(office, stream)
    rows = []
    for number, one in enumerate(office.counting.differences(state)[:ROWS_MAX], start=1):
        end = ends.get(one.key)
        outcome = "未处理"
        if end is not None:
            said = (end.outcome.words.zh, end.cause.words.zh, end.reference, end.note)
            outcome = "；".join(part for part in said if part)
        rows.append(
            Row(
                (
                    str(number),
                    one.no or one.asset or one.code,
                    one.name or "—",
                    one.finding.words.zh,
                    "→".join(whereabouts(office, one)),
                    outcome,
                )
            )
        )
    return Table(
        (
            Column("序号", 6, "center"),
            Column("资产编号", 18),
            Column("名称", 16),
            Column("差异", 12),
            Column("清单地点→实际", 20),
            Column("处理结果", 28),
        ),
        tuple(rows),
    )


def whereabouts(office: Office, one: Difference) -> Iterator[str]:
    """Yield where the list has it, then where it was seen."""
    yield office.called(one.place, LANG) if one.place else "—"
    seen = dict.fromkeys(sighting.place for sighting in one.seen)
    yield "、".join(office.called(place, LANG) if place else "未写地点" for place in seen) or "未见"
