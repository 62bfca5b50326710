"""The register of document numbers: what each stands for, what is void, and every gap explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from api.cli_read import opened
from api.cli_terminal import OK, REFUSED, USAGE, Stop, Terminal
from domain.decider import EntryReversed
from domain.numbering import NumberDrawn, NumbersUsedElsewhere, NumberVoided
from domain.words import Term, Words
from ledger.book import Book
from ledger.entry import Entry


class Fate(Term):
    """What became of a number."""

    GIVEN = "given", "有效", "given"
    VOIDED = "voided", "作废", "voided"
    WITHDRAWN = "withdrawn", "文件已撤回", "document withdrawn"
    TAKEN_BACK = "taken_back", "文件已红冲", "document taken back"
    ELSEWHERE = "elsewhere", "不在本系统编发", "not drawn here"
    UNEXPLAINED = "unexplained", "无说明", "unexplained"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One number, or a run of them, and what it stands for; a gap says why it is one."""

    since: int
    until: int
    fate: Fate
    number: str = ""
    series: str = ""
    document: str = ""
    issued: str = ""
    recorded_at: str = ""
    by: str = ""
    cause: str = ""
    reason: str = ""


COLUMNS = (
    Words("序号", "ordinal"),
    Words("文号", "number"),
    Words("状态", "state"),
    Words("所属文件", "document"),
    Words("业务日期", "issued on"),
    Words("编发人", "drawn by"),
    Words("原因", "reason"),
)


def register(book: Book, series: str) -> list[Line]:
    """Return every number of a year's series in order, with no ordinal left out.

    A number whose entry was taken back, and one that nobody accounts for, are told as such.
    """
    return [explained(book, line) for line in drawn(book, series)]


def drawn(book: Book, series: str) -> list[Line]:
    """Return what the series itself says of its numbers; what became of a document is not asked."""
    lines: dict[int, Line] = {}
    entries = book.stream(series).entries
    undone = reversed_(entries)
    for entry in entries:
        match entry.event:
            case NumberDrawn(ordinal=n, number=text, document=document, issued=issued):
                back = undone.get(entry.seq)
                lines[n] = Line(
                    since=n,
                    until=n,
                    fate=Fate.GIVEN if back is None else Fate.TAKEN_BACK,
                    number=text,
                    series=series.partition("/")[2],
                    document=document,
                    issued=issued.isoformat(),
                    recorded_at=entry.recorded_at,
                    by=entry.actor,
                    cause=entry.cause.partition("/")[0],
                    reason=back or "",
                )
            case NumberVoided(ordinal=n, reason=reason) if entry.seq not in undone and n in lines:
                lines[n] = msgspec.structs.replace(lines[n], fate=Fate.VOIDED, reason=reason)
            case NumbersUsedElsewhere(since=since, until=until, reason=reason) if (
                entry.seq not in undone
            ):
                lines[since] = Line(
                    since=since,
                    until=until,
                    fate=Fate.ELSEWHERE,
                    issued=entry.effective_on,
                    recorded_at=entry.recorded_at,
                    by=entry.actor,
                    reason=reason,
                )
    return with_gaps([lines[n] for n in sorted(lines)])


def explained(book: Book, line: Line) -> Line:
    """Return a line with what became of its document: it keeps its number, whatever that is."""
    if line.fate is not Fate.GIVEN:
        return line
    stream = book.stream(line.document)
    back = taken_back(stream.entries, line.cause)
    if back is not None:
        return msgspec.structs.replace(line, fate=Fate.TAKEN_BACK, reason=back)
    if getattr(stream.state, "status", "") == "withdrawn":
        said = (getattr(e.event, "reason", "") for e in reversed(stream.standing))
        reason = next((text for text in said if text), "")
        return msgspec.structs.replace(line, fate=Fate.WITHDRAWN, reason=reason)
    return line


def found(book: Book, number: str) -> Line | None:
    """Return what is known of a number; None when no series gave it out."""
    series = book.log.claimed("number", number)
    lines = drawn(book, series) if series else []
    return next((explained(book, line) for line in lines if line.number == number), None)


def with_gaps(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with one more for every run of numbers that none of them accounts for."""
    told: list[Line] = []
    last = 0
    for line in lines:
        if line.since > last + 1:
            told.append(Line(since=last + 1, until=line.since - 1, fate=Fate.UNEXPLAINED))
        told.append(line)
        last = max(last, line.until)
    return told


def reversed_(entries: Sequence[Entry]) -> dict[int, str]:
    """Return the reason of every entry of a stream that is taken back."""
    undone: dict[int, str] = {}
    for entry in entries:
        if entry.corrects is not None and isinstance(entry.event, EntryReversed):
            undone[entry.corrects.seq] = entry.event.reason
            undone.pop(entry.seq, None)
    for entry in reversed(entries):  # a reversal that was reversed takes nothing back
        if entry.seq in undone and entry.corrects is not None:
            undone.pop(entry.corrects.seq, None)
    return undone


def taken_back(entries: Sequence[Entry], act: str) -> str | None:
    """Return why the step was taken back for which a number was drawn; None while it stands."""
    undone = reversed_(entries)
    reasons = [undone.get(e.seq) for e in entries if e.cause.partition("/")[0] == act]
    return reasons[0] if reasons else None


def all_series(book: Book) -> list[str]:
    """Return the streams of all series that gave out numbers, by unit, kind and year."""
    return sorted(set(book.log.claims("number").values()))


def listed(terminal: Terminal, series: str, *, only_void: bool) -> None:
    """Show a series, or how far every one has come; end with 1 when a number is unaccounted for."""
    with opened(terminal, must_exist=True) as office:
        names = [f"series/{series}"] if series else all_series(office.book)
        if series and not office.book.stream(names[0]).version:
            raise Stop(
                Words(f"没有文号序列 {series}。", f"There is no series {series}."),
                USAGE,
            )
        told = {name.partition("/")[2]: register(office.book, name) for name in names}
        people = office.accounts.names(terminal.lang)
    unexplained = [line for lines in told.values() for line in lines if line.fate == "unexplained"]
    if only_void:
        told = {n: [line for line in lines if line.fate != "given"] for n, lines in told.items()}
    if terminal.json:
        terminal.answer(told)
    for name, lines in told.items():
        terminal.say(f"{name}：{len(lines)} 行", f"{name}: {len(lines)} lines")
        if not terminal.json:
            terminal.table(COLUMNS, [_row(terminal, line, people) for line in lines])
    if unexplained:
        terminal.say(
            f"有 {len(unexplained)} 处跳号没有说明。",
            f"{len(unexplained)} gaps are not accounted for.",
        )
    terminal.end(REFUSED if unexplained else OK)


def _row(terminal: Terminal, line: Line, people: Any) -> list[str]:
    run = f"{line.since}" if line.since == line.until else f"{line.since}–{line.until}"
    state = terminal.told(line.fate.words)
    by = people.get(line.by, line.by)
    return [run, line.number, state, line.document, line.issued, by, line.reason]
