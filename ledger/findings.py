"""Standing findings: what an auditor would ask about, worked out again from the entries alone.

One reading of the log, no list, no account. A finding says which entry shows it; a note is a
finding that asks for nothing but must not be hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from domain import ruling
from domain.decider import FACTS, LIFECYCLES, EntryReversed
from domain.disposal import AssetDerecognised
from domain.exchanging import BooksExchanged, PieceDelivered
from domain.leaving import Derecognised, LeftForGood
from domain.lending import AssetLent, LoanHandedOver
from domain.oversight import EXECUTED, Details, Told, doubts
from domain.period import PeriodClosed
from domain.policy import GENERIC, Policy
from domain.words import Words
from ledger.auditing import breaches
from ledger.book import Book
from ledger.entry import Entry, decode, standing

LATE_DAYS: Final = 30  # how late an entry is before it is listed; a choice, not a limit of any law
EXPOSED_ENTRIES: Final = 1_000  # what may be recorded before a checkpoint leaves the building
EXPOSED_SECONDS: Final = 60
EACH_MAX: Final = 10_000  # findings of one kind that are kept; all are counted
LOADED: Final = frozenset({"demo", "import"})  # channels by which the past is told afterwards
IMPORTER: Final = "importer"  # the role in which published registers are recorded
CASES: Final = ("disposal", "loan", "lease", "intake", "reallocation", "exchange", "due")
Named: TypeAlias = Callable[[str], Policy | None]  # published rules by reference, `xinjiang@2`
Witnessed: TypeAlias = Callable[[], "tuple[int, str] | None"]  # size and time of what left us last
Progress: TypeAlias = Callable[[int, int], None]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is asked of every entry: its name, and what is said when it finds something.

    `note`: nothing is wrong with it, but whoever reads the book should know.
    """

    words: Words
    said: Words
    law: str = ""
    note: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: which check, which entry shows it, and the details of the sentence."""

    check: str
    position: int
    stream: str = ""
    on: str = ""
    details: Details = {}


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found in a log of a size, counted in full, kept up to a bound."""

    size: int
    today: str
    late_days: int
    counts: dict[str, int]
    found: tuple[Finding, ...]

    @property
    def grave(self) -> int:
        """Return how many findings ask for an answer."""
        return sum(n for check, n in self.counts.items() if not CHECKS[check].note)


_LAW = "《行政事业性国有资产管理条例》"
CHECKS: Final[dict[str, Check]] = {
    "position-gap": Check(
        words=Words("位置缺漏", "gap in the log"),
        said=Words("第{position}条之前缺{missing}条", "{missing} entries are missing before {position}"),
    ),
    "seq-gap": Check(
        words=Words("事项内缺号", "gap in a stream"),
        said=Words("应为第{wanted}条，实为第{seq}条", "Entry {wanted} was due, this is entry {seq}"),
    ),
    "clock-back": Check(
        words=Words("时钟倒退", "clock went back"),
        said=Words(
            "记账时间{at}早于前一条的{before}", "Recorded at {at}, before the entry in front ({before})"
        ),
    ),
    "clock-stood": Check(
        words=Words("时钟停滞", "clock stood still"),
        said=Words(
            "连续{acts}次办理的记账时间相同（{at}）：服务器时钟曾被拨回",
            "{acts} acts in a row have the same time, {at}: the server's clock had been put back",
        ),
    ),
    "clock-ahead": Check(
        words=Words("时钟超前", "clock ahead"),
        said=Words("记账时间{at}晚于现在{now}", "Recorded at {at}, after now ({now})"),
    ),
    "unwitnessed": Check(
        words=Words("未见证的记录", "not yet witnessed"),
        said=Words(
            "最近一次见证之后又记了{entries}条，已{seconds}秒：这些记录尚无外部凭据",
            "{entries} entries in {seconds} seconds since the last checkpoint left: nobody outside"
            " can vouch for them yet",
        ),
    ),
    "duties": Check(
        words=Words("不相容职责", "duties not kept apart"),
        said=Words(
            "{person}在同一事项中既“{before}”又“{duty}”（{policy}）",
            "{person} did both “{before}” and “{duty}” in one case ({policy})",
        ),
        law=f"{_LAW}第51条",
    ),
    "unknown-rules": Check(
        words=Words("引用未发布的规则", "rules never published"),
        said=Words(
            "引用的规则{policy}从未发布；共{entries}条记录引用",
            "Cites {policy}, which was never published; {entries} entries do",
        ),
    ),
    "executed-unapproved": Check(
        words=Words("未经批准处置", "disposed of without approval"),
        said=Words("{asset}的处置不在批准清单内", "{asset} was disposed of, not being on the approved list"),
        law="《新疆维吾尔自治区机关事务管理办法》第19条",
    ),
    "executed-after-approval": Check(
        words=Words("批复过期后处置", "disposed of after the approval lapsed"),
        said=Words("{asset}的批复有效期至{until}", "The approval for {asset} was valid until {until}"),
    ),
    "executed-beyond-amount": Check(
        words=Words("执行超过批准金额", "executed beyond the amount"),
        said=Words("批准{approved}，已执行{executed}", "{approved} were approved, {executed} carried out"),
    ),
    "excess-found": Check(
        words=Words("超批准处置已查出", "excess found"),
        said=Words(
            "{asset}未经批准已离场，已记录在案", "{asset} had left without approval; this is on record"
        ),
    ),
    "excess-ruled-unfound": Check(
        words=Words("补作处理但未查出超批", "excess ruled on but never found"),
        said=Words("{asset}没有超批准处置的记录", "No excess was recorded for {asset}"),
    ),
    "derecognised-unexecuted": Check(
        words=Words("未处置先核销", "derecognised before it left"),
        said=Words("{asset}核销时尚未处置，或其超批准处置未作处理",
            "{asset} was derecognised, not having been disposed of, or its excess not being ruled on"),
    ),
    "left-unexecuted": Check(
        words=Words("离场无处置记录", "left without a disposal"),
        said=Words("{asset}已离场，但{case}没有相应的执行记录",
            "{asset} left the site, but {case} has no record of its execution"),
    ),
    "derecognised-alone": Check(
        words=Words("核销无处置单", "derecognised without a case"),
        said=Words("{asset}已核销，但没有处置单核销它", "{asset} is derecognised, but by no disposal"),
    ),
    "lent-alone": Check(
        words=Words("出借无借用单", "lent without a loan"),
        said=Words("{asset}已出借，但{case}没有交付记录", "{asset} is lent, but {case} has no hand-over of it"),
    ),
    "handed-unapproved": Check(
        words=Words("未经批准交付", "handed over without approval"),
        said=Words("{asset}交付时未经批准或不在清单内",
            "{asset} was handed over without approval or not being on the list"),
    ),
    "unappraised": Check(
        words=Words("未评估即处置", "sold without appraisal"),
        said=Words("{policy}要求先评估，{asset}没有评估记录",
            "{policy} asks for an appraisal first; {asset} has none"),
        law=f"{_LAW}第36条",
    ),
    "income-misstated": Check(
        words=Words("收入与成交额不符", "income is not what was received"),
        said=Words("确认收入{gross}，成交等所得{proceeds}", "Assessed {gross}, received {proceeds}"),
        law=f"{_LAW}第26条",
    ),
    "remitted-beyond-due": Check(
        words=Words("上缴超过应缴", "remitted beyond what is due"),
        said=Words("应缴{due}，已缴{remitted}", "{due} were due, {remitted} are remitted"),
    ),
    "income-late": Check(
        words=Words("收入逾期上缴", "income remitted late"),
        said=Words("{amount}应于{due}前上缴，{on}入库", "{amount} was due by {due} and arrived on {on}"),
        law=f"{_LAW}第26条",
    ),
    "income-overdue": Check(
        words=Words("收入逾期未缴", "income overdue"),
        said=Words("尚欠{amount}，应于{due}前上缴，已逾期{days}天",
            "{amount} is owed; it was due by {due}, {days} days ago"),
        law=f"{_LAW}第26条",
    ),
    "income-outstanding": Check(
        words=Words("收入尚未上缴", "income outstanding"),
        said=Words("尚欠{amount}，确认已{days}天（未逾期或者规则未定期限）",
            "{amount} is owed, assessed {days} days ago; it is not overdue, or no day is set"),
        law=f"{_LAW}第26条",
        note=True,
    ),
    "stuck": Check(
        words=Words("步骤超期", "step overdue"),
        said=Words("“{step}”应于{due}前办理，已超期{days}天", "“{step}” was due by {due}, {days} days ago"),
    ),
    "closed-period": Check(
        words=Words("结账后补记", "recorded after the close"),
        said=Words("业务日期{on}属于{unit}已结账期间（至{until}）；计入下一期间",
            "{on} is in a period that {unit} has closed (until {until}); it counts in the next one"),
    ),
    "back-dated": Check(
        words=Words("倒记", "back-dated"),
        said=Words("业务日期{on}早于此前已记的{last}", "{on} is before {last}, which was recorded earlier"),
    ),
    "late-entry": Check(
        words=Words("迟记", "recorded late"),
        said=Words("业务日期{on}，{days}天后才记账", "Happened on {on}, recorded {days} days later"),
    ),
    "loaded": Check(
        words=Words("事后装入的记录", "loaded afterwards"),
        said=Words("由“{channel}”装入{entries}条（第{first}至{last}条），业务日期为其所述，不逐条列为迟记",
            "{entries} entries ({first} to {last}) were loaded by “{channel}”; their dates are as told,"
            " and they are not listed one by one as late"),
        note=True,
    ),
    "registers": Check(
        words=Words("登记册未载批准", "registers without approvals"),
        said=Words("公开登记册中{cases}项处置未载批准，共{entries}件，无从核对",
            "{cases} disposals of published registers ({entries} items) name no approval to compare"),
        note=True,
    ),
}  # fmt: skip


class _Kept:
    """What was found so far, counted, and kept up to a bound."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.found: list[Finding] = []

    def add(self, check: str, entry: Entry | None, **details: str | int) -> None:
        """Keep one finding about an entry; about the whole log when there is none."""
        self.counts[check] += 1
        if self.counts[check] > EACH_MAX:
            return
        if entry is None:
            self.found.append(Finding(check=check, position=0, details=details))
            return
        self.found.append(
            Finding(
                check=check,
                position=entry.position,
                stream=entry.stream,
                on=entry.effective_on,
                details=details,
            )
        )


def published(book: Book) -> Named:
    """Return what knows the published rules from their own entries."""
    known: dict[str, dict[str, Policy]] = {}

    def named(reference: str) -> Policy | None:
        name = reference.rpartition("@")[0]
        if name not in known:
            told = book.stream(f"policy/{name}").standing
            found = ruling.published(name, [entry.event for entry in told])
            known[name] = {policy.reference: policy for policy in found}
        return known[name].get(reference)

    return named


def findings(
    book: Book,
    today: date,
    *,
    named: Named | None = None,
    late_days: int = LATE_DAYS,
    witnessed: Witnessed | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Return what there is to ask about, in the order of the checks and of the log.

    `named` knows the published rules (None: the log itself says them), `witnessed` the last checkpoint that others hold (None:
    checkpoints are not looked at).
    """
    kept, reading = _Kept(), _Reading(book, late_days)
    size = book.log.head()[0]
    for page in book.log.rows(1, size):
        for row in page:
            reading.read(kept, decode(*row))
        if progress is not None:
            progress(page[-1][0], size)
    reading.end(kept, size, book.clock().astimezone(UTC))
    policies = _Policies(named or published(book), reading)
    _of_cases(kept, reading, policies, today)
    _of_assets(kept, reading)
    for breach in breaches(reading.with_duty, policies):
        kept.add(
            "duties",
            reading.entry(breach.stream, breach.position),
            person=breach.person,
            before=breach.before,
            duty=breach.duty,
            policy=breach.policy,
        )
    policies.tell(kept)
    if witnessed is not None:
        _exposed(kept, book, witnessed())
    order = {check: number for number, check in enumerate(CHECKS)}
    found = sorted(kept.found, key=lambda f: (order[f.check], f.position, f.stream))
    return Findings(
        size=size,
        today=today.isoformat(),
        late_days=late_days,
        counts={check: kept.counts[check] for check in CHECKS if kept.counts[check]},
        found=tuple(found),
    )


class _Reading:
    """One reading of the log: what is asked of each entry as it comes, and what is kept of it."""

    def __init__(self, book: Book, late_days: int) -> None:
        self.book, self.late_days = book, late_days
        self.cases: dict[str, list[Entry]] = {}
        self.cards: dict[str, list[Entry]] = {}  # facts of assets that a case must answer for
        self.with_duty: dict[str, list[Entry]] = {}
        self.cited: dict[str, tuple[Entry, int]] = {}
        self._seq: dict[str, int] = {}
        self._last_on: dict[str, str] = {}
        self._loaded: dict[str, list[int]] = {}
        self._closed: dict[str, list[tuple[str, int]]] = {}
        self._position = 0
        self._at, self._cause = "", ""
        self._standing: tuple[Entry, int] | None = None  # since which entry the clock stands

    def read(self, kept: _Kept, entry: Entry) -> None:
        """Ask of one entry what can be asked of it alone and of those before it."""
        stream, kind = entry.stream, entry.stream.partition("/")[0]
        if entry.position != self._position + 1:
            missing = entry.position - self._position - 1
            kept.add("position-gap", entry, position=entry.position, missing=missing)
        self._position = entry.position
        wanted = self._seq.get(stream, 0) + 1
        if entry.seq != wanted:
            kept.add("seq-gap", entry, wanted=wanted, seq=entry.seq)
        self._seq[stream] = entry.seq
        self._clock(kept, entry)
        self._dates(kept, entry, kind)
        cited = entry.beside.via.policy
        if cited:
            first, count = self.cited.get(cited, (entry, 0))
            self.cited[cited] = first, count + 1
        taken_back = isinstance(entry.event, EntryReversed)
        if kind in CASES:
            self.cases.setdefault(stream, []).append(entry)
        if FACTS[entry.event.type_name].duty or (taken_back and stream in self.with_duty):
            self.with_duty.setdefault(stream, []).append(entry)
        if isinstance(entry.event, LeftForGood | Derecognised | AssetLent) or (
            taken_back and stream in self.cards
        ):
            self.cards.setdefault(stream, []).append(entry)
        if isinstance(entry.event, PeriodClosed):
            until = entry.event.until.isoformat()
            self._closed.setdefault(stream.partition("/")[2], []).append((until, entry.position))

    def _clock(self, kept: _Kept, entry: Entry) -> None:
        at, cause = entry.recorded_at, entry.cause.partition("/")[0]
        if at < self._at:
            kept.add("clock-back", entry, at=at, before=self._at)
        if at == self._at and cause != self._cause:
            first, acts = self._standing or (entry, 1)
            self._standing = first, acts + 1
        elif at != self._at:
            self._stood(kept)
        self._at, self._cause = at, cause

    def _stood(self, kept: _Kept) -> None:
        if self._standing is not None:
            first, acts = self._standing
            kept.add("clock-stood", first, acts=acts, at=first.recorded_at)
            self._standing = None

    def _dates(self, kept: _Kept, entry: Entry, kind: str) -> None:
        """Ask when it is said to have happened: in order, in time, in an open period?"""
        if isinstance(entry.event, EntryReversed):
            return  # it has the date of what it takes back
        on, via = entry.effective_on, entry.beside.via
        last = self._last_on.get(entry.stream, "")
        if on < last and not LIFECYCLES[kind].register and not entry.beside.dated:
            last = self._last_standing(entry)
            if on < last:
                kept.add("back-dated", entry, on=on, last=last)
        self._last_on[entry.stream] = max(on, last)
        for until, position in self._closed.get(via.unit, ()):
            if on <= until and entry.position > position:
                kept.add("closed-period", entry, on=on, unit=via.unit, until=until)
                break
        if via.channel in LOADED or via.role == IMPORTER:
            channel = via.channel or IMPORTER
            self._loaded.setdefault(channel, [0, entry.position, 0])
            self._loaded[channel][0] += 1
            self._loaded[channel][2] = entry.position
            return
        days = (_recorded_on(entry) - date.fromisoformat(on)).days
        if days > self.late_days and not entry.beside.dated:
            kept.add("late-entry", entry, on=on, days=days)

    def _last_standing(self, entry: Entry) -> str:
        """Return the last business date that stood in a stream when an entry was recorded."""
        rows = self.book.log.stream_rows(entry.stream)
        told = standing([decode(*row) for row in rows if row[0] < entry.position])
        return told[-1].effective_on if told else ""

    def end(self, kept: _Kept, size: int, now: datetime) -> None:
        """Ask what can only be asked of the whole log."""
        self._stood(kept)
        if self._position != size:
            kept.add("position-gap", None, position=size + 1, missing=size - self._position)
        ahead = f"{now + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
        if self._at > ahead:
            last = next(self.book.entries(self._position, self._position), None)
            kept.add("clock-ahead", last, at=self._at, now=ahead)
        for channel, (entries, first, last_) in sorted(self._loaded.items()):
            kept.add("loaded", None, channel=channel, entries=entries, first=first, last=last_)

    def entry(self, stream: str, position: int) -> Entry | None:
        """Return an entry with a duty."""
        found = self.with_duty.get(stream, ())
        return next((e for e in found if e.position == position), None)


class _Policies:
    """The rules that decisions cite; those that were never published are judged as generic."""

    def __init__(self, named: Named, reading: _Reading) -> None:
        self._known: dict[str, Policy | None] = {ref: named(ref) for ref in reading.cited}
        self._cited = reading.cited

    def __call__(self, reference: str) -> Policy:
        return self._known.get(reference) or GENERIC

    def tell(self, kept: _Kept) -> None:
        """Tell which rules nobody ever published."""
        for reference, (first, count) in self._cited.items():
            if self._known[reference] is None and reference != GENERIC.reference:
                kept.add("unknown-rules", first, policy=reference, entries=count)


def _of_cases(kept: _Kept, reading: _Reading, policies: _Policies, today: date) -> None:
    """Hold what was carried out against what was approved, case by case."""
    silent = items = 0
    for stream, entries in reading.cases.items():
        told = standing(entries)
        if told and all(e.beside.via.role == IMPORTER for e in entries):
            mine = sum(isinstance(e.event, EXECUTED) for e in told)
            silent, items = silent + bool(mine), items + mine
            continue
        by_position = {e.position: e for e in told}
        for doubt in doubts(
            stream.partition("/")[0], [_told(e) for e in told], policies, today
        ):  # fmt: skip
            kept.add(doubt.check, by_position[doubt.position], **doubt.details)
    if silent:
        kept.add("registers", None, cases=silent, entries=items)


def _told(entry: Entry) -> Told:
    return Told(
        position=entry.position,
        on=date.fromisoformat(entry.effective_on),
        fact=entry.event,
        policy=entry.beside.via.policy,
        cause=entry.cause,
    )


def _of_assets(kept: _Kept, reading: _Reading) -> None:
    """Hold what happened to things against the cases that must answer for it."""
    carried: set[tuple[str, str]] = set()
    let_go: set[str] = set()
    for stream, entries in reading.cases.items():
        for entry in standing(entries):
            fact: Any = entry.event
            if isinstance(fact, (*EXECUTED, LoanHandedOver, PieceDelivered)):
                carried.add((stream, fact.asset))
            elif isinstance(fact, AssetDerecognised | BooksExchanged):
                let_go.add(fact.asset)
    for stream, entries in reading.cards.items():
        asset = stream.partition("/")[2]
        for entry in standing(entries):
            if entry.beside.via.role == IMPORTER:
                continue
            match entry.event:
                case LeftForGood(case=case) if (case, asset) not in carried:
                    kept.add("left-unexecuted", entry, asset=asset, case=case)
                case AssetLent(case=case) if (case, asset) not in carried:
                    kept.add("lent-alone", entry, asset=asset, case=case)
                case Derecognised() if asset not in let_go:
                    kept.add("derecognised-alone", entry, asset=asset)
                case _:
                    pass


def _exposed(kept: _Kept, book: Book, last: tuple[int, str] | None) -> None:
    """Tell what nobody outside could vouch for when it is more than may be."""
    seen = last[0] if last else 0
    entries = book.log.head()[0] - seen
    if entries <= 0:
        return
    first = next(book.entries(seen + 1, seen + 1))
    waited = book.clock().astimezone(UTC) - _moment(first.recorded_at)
    seconds = int(waited.total_seconds())
    if entries > EXPOSED_ENTRIES or seconds > EXPOSED_SECONDS:
        kept.add("unwitnessed", first, entries=entries, seconds=seconds)


def _moment(recorded_at: str) -> datetime:
    return datetime.fromisoformat(recorded_at)


def _recorded_on(entry: Entry) -> date:
    """Return the day of recording where the business date was claimed."""
    zone = datetime.fromisoformat(entry.effective_at).tzinfo
    return _moment(entry.recorded_at).astimezone(zone).date()
