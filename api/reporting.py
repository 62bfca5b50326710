"""The report of a stocktake: what was counted and how every difference ended, as paper for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.counting import Difference, Finding
from domain.decider import Lang
from domain.stocktaking import (
    CountEnded,
    CountReviewed,
    DeviceWrittenOff,
    DifferencesClosed,
    Outcome,
    Stocktake,
)
from domain.values import yuan
from domain.words import Words, in_words
from labels import paper
from labels.paper_parts import Box, Column, Pair, Paper, Row, Table

if TYPE_CHECKING:
    from api.office import Office

ROWS_MAX = 2_000  # more are in the evidence whose hash the report names
SAYS: Final = {
    "title": Words("资产盘点报告", "Stock-taking report"),
    "name": Words("盘点名称", "Stocktake"),
    "method": Words("盘点方式", "Kind"),
    "round": Words("轮次", "Round"),
    "frozen": Words("清单冻结于", "List frozen at"),
    "position": Words("账本第{n}条", "entry {n} of the ledger"),
    "counters": Words("盘点人", "Counted by"),
    "reviewers": Words("复核人", "Reviewed by"),
    "listed": Words("应盘", "Listed"),
    "right": Words("相符", "Right"),
    "scans": Words("扫描次数", "Scans"),
    "scanned": Words(
        "{scans}（重复{repeats}，矛盾{conflicts}）",
        "{scans} (repeats {repeats}, contradictions {conflicts})",
    ),
    "confirm-from": Words("须扫码或人工核实", "To be confirmed by label or person"),
    "worth": Words(
        "价值{amount}及以上或者价值不明的，仅射频读到不算盘到",
        "what is worth {amount} or more, or nobody knows how much, is not counted by radio alone",
    ),
    "outcomes": Words("差异处理", "Outcomes"),
    "list-hash": Words("清单摘要", "Digest of the list"),
    "scans-hash": Words("扫描记录摘要", "Digest of the scans"),
    "reads": Words("射频读取次数", "Radio reads"),
    "readings-hash": Words("射频读取摘要", "Digest of the radio reads"),
    "differences-hash": Words("差异清单摘要", "Digest of the differences"),
    "sample": Words("抽样", "Sample"),
    "drawn": Words(
        "从{population}项中抽取{sample}项，随机种子 {seed}",
        "{sample} of {population}, drawn with the seed {seed}",
    ),
    "written-off": Words(
        "设备 {device} 未传完，不再等待：{reason}",
        "Device {device} did not send everything and is no longer waited for: {reason}",
    ),
    "more": Words(
        "本表列出前{most}项差异，全部{found}项见差异清单（摘要如上）。",
        "The first {most} differences; all {found} are in the list of differences (digest above).",
    ),
    "other": Words(
        "本报告另有英文本，两者同时生成，摘要同记于结项事件。",
        "A rendering of the Chinese report made in the same act; the entry that closes the"
        " stocktake names both digests.",
    ),
    "count-box": Words("盘点", "Count"),
    "review-box": Words("复核", "Review"),
    "counter-signs": Words("盘点人", "Counter"),
    "supervisor-signs": Words("监盘人", "Supervisor of the count"),
    "reviewer-signs": Words("复核人", "Reviewer"),
    "head-signs": Words("单位负责人", "Head of the unit"),
    "reflects": Words(
        "反映账本前{size}条，树根 {root}", "Reflects the first {size} entries, root {root}"
    ),
    "row": Words("序号", "No."),
    "asset": Words("资产编号", "Asset no."),
    "thing": Words("名称", "Name"),
    "difference": Words("差异", "Difference"),
    "where": Words("清单地点 → 实际", "Listed → seen"),
    "outcome": Words("处理结果", "Outcome"),
    "open": Words("未处理", "open"),
    "not-seen": Words("未见", "not seen"),
    "no-place": Words("未写地点", "no place given"),
}


class Reports(NamedTuple):
    """The report in both languages, and the size and root that both name."""

    chinese: bytes
    english: bytes
    size: int
    root: str


def made(office: Office, stream: str, state: Stocktake, number: str) -> Reports:
    """Draw the report as the log stands now."""
    size, root, _ = office.book.head()
    zh, en = (
        paper.pdf(drawing(office, stream, state, size, root, number, lang)) for lang in _LANGUAGES
    )
    return Reports(zh, en, size, root.hex())


_LANGUAGES: Final[tuple[Lang, Lang]] = ("zh", "en")


def said(key: str, lang: Lang, **details: object) -> str:
    """Return words of the report."""
    return in_words(SAYS[key], lang).format_map(details)


def drawing(
    office: Office,
    stream: str,
    state: Stocktake,
    size: int,
    root: bytes,
    number: str = "",
    lang: Lang = "zh",
) -> Paper:
    """Return the report: figures, digests, every difference with its outcome, places to sign."""
    entries = office.book.stream(stream).standing
    ended = [e.event for e in entries if isinstance(e.event, CountEnded)][-1]
    reviewers = {e.actor for e in entries if isinstance(e.event, CountReviewed)}
    figures = (
        (said("listed", lang), state.items),
        (said("right", lang), ended.right),
        *((in_words(finding, lang), getattr(ended, finding.value)) for finding in Finding),
    )
    pairs = [
        Pair(said("name", lang), state.title, wide=True),
        Pair(said("method", lang), in_words(state.method, lang)),
        Pair(said("round", lang), str(ended.round)),
        Pair(said("frozen", lang), said("position", lang, n=state.position)),
        Pair(said("counters", lang), people(office, state.counters, lang)),
        Pair(said("reviewers", lang), people(office, reviewers, lang)),
        *(Pair(name, str(count)) for name, count in figures),
        Pair(
            said("scans", lang),
            said(
                "scanned",
                lang,
                scans=ended.scans,
                repeats=ended.repeats,
                conflicts=ended.conflicts,
            ),
        ),
        *((Pair(said("reads", lang), f"{ended.reads}"),) if ended.reads else ()),
        *ways(office, stream, lang),
        Pair(said("list-hash", lang), state.scope, wide=True),
        Pair(said("scans-hash", lang), state.scans, wide=True),
        *(
            (Pair(said("readings-hash", lang), state.readings, wide=True),)
            if state.readings
            else ()
        ),
        Pair(said("differences-hash", lang), state.differences, wide=True),
    ]
    if state.sample:
        drawn = said(
            "drawn", lang, population=state.population, sample=state.sample, seed=state.seed
        )
        pairs.append(Pair(said("sample", lang), drawn, wide=True))
    if state.confirm_from is not None:
        rule = said("worth", lang, amount=yuan(state.confirm_from))
        pairs.append(Pair(said("confirm-from", lang), rule, wide=True))
    return Paper(
        kind="stocktake-report",
        title=said("title", lang),
        number=number or stream.partition("/")[2],
        unit=office.called(state.unit, lang),
        date=office.today(office.zone_of(state.unit)).isoformat(),
        pairs=tuple(pairs),
        table=table(office, stream, state, lang),
        boxes=(
            Box(
                said("count-box", lang),
                "",
                (said("counter-signs", lang), said("supervisor-signs", lang)),
            ),
            Box(
                said("review-box", lang),
                "",
                (said("reviewer-signs", lang), said("head-signs", lang)),
            ),
        ),
        notes=notes(office, stream, state, lang),
        identity=f"gongwu:{stream}/stocktake-report?position={size}&root={root.hex()[:16]}",
        reflects=said("reflects", lang, size=size, root=root.hex()),
        checkpoint=office.proving.on_paper(0),
        language=lang,
    )


def notes(office: Office, stream: str, state: Stocktake, lang: Lang) -> tuple[str, ...]:
    """Return what the reader must know besides."""
    events = (entry.event for entry in office.book.stream(stream).standing)
    told = [
        said("written-off", lang, device=one.device, reason=one.reason)
        for one in events
        if isinstance(one, DeviceWrittenOff)
    ]
    if state.found > ROWS_MAX:
        told.append(said("more", lang, most=ROWS_MAX, found=state.found))
    return (*told, said("other", lang))


def people(office: Office, ids: Iterable[str], lang: Lang) -> str:
    """Return names, in the order of ids."""
    names = [office.accounts.name_of(person, lang) for person in sorted(ids)]
    return ("、" if lang == "zh" else ", ").join(names) or "—"


def ways(office: Office, stream: str, lang: Lang) -> list[Pair]:
    """Return how many differences ended in which way."""
    counts: dict[Outcome, int] = {}
    for one in outcomes(office, stream).values():
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    if not counts:
        return []
    told = [f"{in_words(end, lang)} {counts[end]}" for end in Outcome if end in counts]
    return [Pair(said("outcomes", lang), ("；" if lang == "zh" else "; ").join(told), wide=True)]


def outcomes(office: Office, stream: str) -> dict[str, DifferencesClosed]:
    """Return by which decision each difference ended."""
    return {
        key: entry.event
        for entry in office.book.stream(stream).standing
        if isinstance(entry.event, DifferencesClosed)
        for key in entry.event.differences
    }


def table(office: Office, stream: str, state: Stocktake, lang: Lang) -> Table | None:
    """Return the differences with their outcomes; None when there are none."""
    if not state.found:
        return None
    ends = outcomes(office, stream)
    rows = []
    for number, one in enumerate(office.counting.differences(state)[:ROWS_MAX], start=1):
        end = ends.get(one.key)
        outcome = said("open", lang)
        if end is not None:
            parts = (
                in_words(end.outcome, lang),
                in_words(end.cause, lang),
                end.reference,
                end.note,
            )
            outcome = ("；" if lang == "zh" else "; ").join(part for part in parts if part)
        rows.append(
            Row(
                (
                    str(number),
                    one.no or one.asset or one.code,
                    one.name or "—",
                    in_words(one.finding, lang),
                    " → ".join(whereabouts(office, one, lang)),
                    outcome,
                )
            )
        )
    return Table(
        (
            Column(said("row", lang), 6, "center"),
            Column(said("asset", lang), 18),
            Column(said("thing", lang), 16),
            Column(said("difference", lang), 12),
            Column(said("where", lang), 20),
            Column(said("outcome", lang), 28),
        ),
        tuple(rows),
    )


def whereabouts(office: Office, one: Difference, lang: Lang) -> Iterator[str]:
    """Yield where the list has it, then where it was seen."""
    yield office.called(one.place, lang) if one.place else "—"
    seen = dict.fromkeys(sighting.place for sighting in one.seen)
    yield ("、" if lang == "zh" else ", ").join(
        office.called(place, lang) if place else said("no-place", lang) for place in seen
    ) or said("not-seen", lang)
