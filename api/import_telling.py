"""What doors tell of an import, and what they hear: consent, faults as a sheet, values of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from api import importing_cards
from api.card_columns import BY_NAME, COLUMNS, TAKEN
from api.import_sessions import Choice, Found, Imports, Left, Session
from api.importing_cards import CHANGED, LEFT, NEW, SAME, WRONG, Change, Fault, Line, Plan
from api.pages_export import Amount, pieces
from domain.decider import Lang
from domain.words import Words, in_words

if TYPE_CHECKING:
    from api.reading_sheets import Sheet

ALL, RIGHT = "all", "right"
ROWS_CHARS_MAX: Final = 4_000
TOLD_MAX: Final = 1_000
BAD_CHOICE: Final = Words(
    "须为 all（全部无误才记入）、right（只记入无误的行）或行号，如 2-50,77。",
    "Must be all (if every row is right), right (the right ones), or row numbers such as 2-50,77.",
)
NOTHING_THERE: Final = Words("（空）", "(empty)")
CHECK: Final = Words("核对结果", "check")
TITLE: Final = Words("导入核对", "Import check")
VERDICTS: Final = {
    NEW: Words("新建卡片", "new card"),
    SAME: Words("已在账上，一致", "on the books, the same"),
    CHANGED: Words("已在账上，有差异", "on the books, differs"),
    LEFT: Words("不建卡", "no card"),
    WRONG: Words("有误", "wrong"),
}
RANGE = re.compile(r"([0-9]{1,6})(?:\s*[-–~至]\s*([0-9]{1,6}))?")


def choice_of(
    record: str, *, corrections: bool = False, reason: str = "", leave: bool = False
) -> Choice:
    """Read what somebody consents to: all, right, or rows; raise ValueError."""
    if record in (ALL, RIGHT):
        return Choice(whole=record == ALL, corrections=corrections, reason=reason, leave=leave)
    rows: set[int] = set()
    for part in re.split(r"[,，、;；\s]+", record.strip()[:ROWS_CHARS_MAX]):
        match = RANGE.fullmatch(part)
        if match is None:
            raise ValueError(record)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(record)
        rows.update(range(first, last + 1))
    return Choice(rows=tuple(sorted(rows)), corrections=corrections, reason=reason, leave=leave)


def column_name(number: int) -> str:
    """Return what a spreadsheet calls a column (from 0): A, B, … AA."""
    letters = ""
    while number >= 0:
        letters = chr(65 + number % 26) + letters
        number = number // 26 - 1
    return letters


def headings(sheet: Sheet, plan: Plan) -> list[str]:
    """Return the headings of a sheet."""
    return [text.strip() for text in sheet.rows[plan.head]] if plan.head < len(sheet.rows) else []


def where(fault: Fault, sheet: Sheet, plan: Plan, lang: Lang) -> str:
    """Return the cell of a fault as a person finds it."""
    if fault.column < 0:
        return ""
    heads = headings(sheet, plan)
    called = heads[fault.column] if fault.column < len(heads) else ""
    return f"{column_name(fault.column)}{fault.row} {called}".strip()


def said(change: Change, lang: Lang, name_of: Any) -> tuple[str, str, str, str]:
    """Return a difference in words: field, what the card says, what the sheet says, who may."""
    field = in_words(BY_NAME[change.field].words, lang)
    told = [shown(change.field, value, lang, name_of) for value in (change.old, change.new)]
    if change.verb:
        return field, told[0], told[1], ""
    return field, told[0], told[1], in_words(importing_cards.why(change), lang)


def shown(name: str, value: Any, lang: Lang, name_of: Any) -> str:
    """Return a value of a field in words."""
    column = BY_NAME[name]
    if value is None or value == "":
        return in_words(NOTHING_THERE, lang)
    if column.holds == "money":
        return Amount(value).plain
    if column.choices:
        found = next((one for one in column.choices if one.value == value), None)
        return in_words(found.words, lang) if found is not None else str(value)
    if column.holds in ("unit", "place", "person"):
        return str(name_of(column.holds, value))
    return str(value)


def left_shown(one: Left, lang: Lang) -> str:
    """Return what a cell said that was left out; whom it named was not kept."""
    return shown(one.field, one.value, lang, None) if one.value else ""


# The sheet with its faults ------------------------------------------------------------


def marked(sheet: Sheet, plan: Plan, found: Found, lang: Lang, name_of: Any) -> Iterator[list[str]]:
    """Yield the rows of a sheet as they were, with what was found in a column beside them."""
    stop = "；" if lang == "zh" else "; "
    faults: dict[int, list[str]] = {}
    for fault in found.faults:
        cell = where(fault, sheet, plan, lang)
        text = in_words(Words(fault.zh, fault.en), lang)
        faults.setdefault(fault.row, []).append(f"{cell}: {text}" if cell else text)
    lines = {line.row: line for line in found.lines}
    width = max(map(len, sheet.rows), default=0)
    heads = headings(sheet, plan)
    marks = [at for at, head in enumerate(heads) if head in (CHECK.zh, CHECK.en)]
    at = marks[0] if marks else width
    for number, row in enumerate(sheet.rows, 1):
        cells = [*row, *[""] * (max(width, at + 1) - len(row))]
        if number == plan.head + 1:
            cells[at] = in_words(CHECK, lang)
        elif number in lines:
            cells[at] = stop.join(faults.get(number) or told(lines[number], lang, name_of))
        elif at < width:
            cells[at] = ""
        yield cells


def told(line: Line, lang: Lang, name_of: Any) -> Iterator[str]:
    """Yield what becomes of a row that is not wrong."""
    if line.verdict in VERDICTS:
        yield in_words(VERDICTS[line.verdict], lang)
    for change in line.changes:
        field, old, new, why = said(change, lang, name_of)
        yield f"{field} {old} → {new}" + (f" ({why})" if why else "")


def pieces_of(
    imports: Imports, session: Session, lang: Lang, name_of: Any, ending: str
) -> Iterator[bytes]:
    """Yield the sheet with its faults as a file, piece by piece; raise NotNow before the first."""
    sheet, found = imports.sheet(session), imports.found(session)
    rows = marked(sheet, session.plan, found, lang, name_of)
    return pieces(rows, in_words(TITLE, lang), ending)


# For programs -------------------------------------------------------------------------


def plain(session: Session, lang: Lang) -> dict[str, Any]:
    """Return a session as a value of JSON."""
    return {
        "id": session.id,
        "file": session.file,
        "sha256": session.sha256,
        "created_at": session.created_at,
        "status": session.status.value,
        "sheets": list(session.names),
        "sheet": session.sheet,
        "head": session.plan.head + 1,
        "columns": list(session.plan.columns),
        "values": session.plan.values,
        "done": session.done,
        "total": session.total,
        "counts": session.counts,
        "recorded": session.recorded,
        "receipts": [
            {
                "rows": len(done.rows),
                "first": done.first,
                "last": done.last,
                "recorded_at": done.recorded_at,
                "reverses": done.of or None,
            }
            for done in session.receipts
        ],
        "trouble": in_trouble(session, lang),
    }


def in_trouble(session: Session, lang: Lang) -> str:
    """Return what went wrong, in words; empty when nothing did."""
    return in_words(Words(**session.trouble), lang) if session.trouble else ""


def lines_plain(
    sheet: Sheet, session: Session, found: Found, lang: Lang, name_of: Any
) -> dict[str, Any]:
    """Return faults and differences as values of JSON, as many as one answer has room for."""
    changed = [line for line in found.lines if line.changes]
    return {
        "faults": [
            {
                "row": fault.row,
                "column": fault.column + 1 if fault.column >= 0 else None,
                "cell": where(fault, sheet, session.plan, lang),
                "value": fault.value,
                "said": in_words(Words(fault.zh, fault.en), lang),
            }
            for fault in found.faults[:TOLD_MAX]
        ],
        "differences": [
            {
                "row": line.row,
                "asset_no": line.number,
                "stream": line.stream,
                "changes": [
                    {
                        "field": change.field,
                        "old": change.old,
                        "new": change.new,
                        "proposed": change.verb or None,
                    }
                    for change in line.changes
                ],
            }
            for line in changed[:TOLD_MAX]
        ],
        "more": max(len(found.faults), len(changed)) > TOLD_MAX,
    }


def left_plain(imports: Imports, session: Session, lang: Lang) -> list[dict[str, Any]]:
    """Return what was left out with consent as values of JSON, as many as one answer has room for."""
    return [
        {
            "row": one.row,
            "asset_no": one.number,
            "field": one.field,
            "value": one.value or None,
            "said": in_words(Words(one.zh, one.en), lang),
        }
        for one in imports.left(session)[:TOLD_MAX]
    ]


def meanings(lang: Lang) -> list[tuple[str, str]]:
    """Return what a column may mean, for a choice."""
    return [(column.name, in_words(column.words, lang)) for column in TAKEN] + [
        (column.name, in_words(column.words, lang)) for column in COLUMNS if column.left is not None
    ]
