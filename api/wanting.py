"""A list of wants as units already keep it: read from CSV, Excel or a pasted table, and judged whole.

Columns are known by their heads in either language, whatever their order. A line that names a want
which is there already is left as it is, so that a list taken home can be sent back with lines added.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from api import reading_cells, reading_problems
from api.office import Actor, Office
from api.rest_caller import made_id
from domain.asset import Kind
from domain.decider import LIFECYCLES, Lang, Refused
from domain.policy import Priority
from domain.words import Words, in_language
from ledger.book import new_id
from projections import units

LINES_MAX: Final = 500  # of one act
EXCEL_DAY_ONE: Final = date(1899, 12, 30).toordinal()
HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "需求编号"),
    "item": ("名称", "资产名称", "品名", "item", "name"),
    "kind": ("类别", "资产类别", "kind"),
    "class_code": ("分类代码", "资产分类代码", "classcode"),
    "specification": ("规格要求", "规格型号", "规格", "specification"),
    "quantity": ("数量", "需求数量", "quantity"),
    "measure": ("计量单位", "unitofmeasure", "measure"),
    "needed_by": ("需用日期", "需求时间", "需要日期", "neededby"),
    "need": ("用途类型", "neededfor"),
    "place": ("使用地点", "place"),
    "purpose": ("用途", "用途说明", "purpose"),
    "to_unit": ("需求单位", "申请单位", "单位", "unit"),
}
AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(\D*)")
NO_HEADS = Words(
    "第一行须为表头，至少有：名称、类别、数量、需用日期。",
    "The first line names the columns; at least item, kind, quantity and needed by.",
)
TOO_MANY = Words(
    f"一次至多 {LINES_MAX} 行，请分次导入。", f"At most {LINES_MAX} lines at once; use several."
)
UNKNOWN = Words("“{value}”不是系统中的{what}。", "“{value}” is no {what} of this system.")
BAD = Words("{what}填写有误：{value}。", "{what} is not right: {value}.")


class Unreadable(Exception):
    """The list as a whole cannot be read; `words` say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Line(msgspec.Struct, kw_only=True):
    """One line of the list: what it asks for, or why it cannot be recorded."""

    number: int
    item: str = ""
    stream: str = ""
    form: dict[str, Any] = msgspec.field(default_factory=dict)
    wrong: dict[str, Words] = msgspec.field(default_factory=dict)  # by column
    refused: Refused | None = None
    already: bool = False

    @property
    def right(self) -> bool:
        return not (self.wrong or self.refused or self.already)

    def why(self, lang: Lang) -> str:
        """Say everything that is wrong with it."""
        said = [in_language(words.zh, words.en, lang) for words in self.wrong.values()]
        if self.refused is not None:
            said.append(self.refused.sentence(lang))
        return " ".join(said)


def read(office: Office, actor: Actor, rows: Sequence[Sequence[str]], key: str = "") -> list[Line]:
    """Judge every line of a table; raise `Unreadable`. Nothing is recorded.

    With a `key` a want has the same id whenever the same list is sent with it.
    """
    columns = heads(rows[0]) if rows else {}
    if not {"item", "kind", "quantity", "needed_by"} <= columns.keys():
        raise Unreadable(NO_HEADS)
    body = [(n, row) for n, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if len(body) > LINES_MAX:
        raise Unreadable(TOO_MANY)
    named = names(office)
    lines = []
    for number, row in body:
        cells = {k: row[at].strip() if at < len(row) else "" for k, at in columns.items()}
        line = Line(number=number, item=cells["item"])
        if key:
            line.stream = f"demand/{made_id(actor, f'{key} {number}')}"
        judged(office, actor, line, cells, named)
        lines.append(line)
    return lines


def requests(lines: Iterable[Line]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the lines that are right ask for."""
    return [(line.stream, "publish", line.form) for line in lines if line.right]


def heads(row: Sequence[str], spelt: Mapping[str, tuple[str, ...]] = HEADS) -> dict[str, int]:
    """Return which column holds what; the first of several with the same meaning."""
    found: dict[str, int] = {}
    known = {head: name for name, spellings in spelt.items() for head in spellings}
    for at, cell in enumerate(row):
        name = known.get("".join(plain(cell).casefold().split()).replace("_", ""))
        if name is not None:
            found.setdefault(name, at)
    return found


def names(office: Office) -> Mapping[str, Mapping[str, str]]:
    """Return units and places by what they are called, in either language, and by id."""
    found: dict[str, dict[str, str]] = {"to_unit": {}, "place": {}}
    for kind, query in (("to_unit", units.all_units()), ("place", units.all_places())):
        for row in office.rows(query):
            for said in (row["name"], row["name_en"], row["id"]):
                if said:
                    found[kind].setdefault(plain(said), row["id"])
    return found


def judged(
    office: Office,
    actor: Actor,
    line: Line,
    cells: Mapping[str, str],
    named: Mapping[str, Mapping[str, str]],
) -> None:
    """Fill in what a line asks for, or everything that is wrong with it."""
    id_ = cells.get("id", "")
    line.stream = line.stream or f"demand/{new_id()}"
    known = (f"demand/{id_}" if id_ else "", line.stream)
    if any(stream and office.book.stream(stream).version for stream in known):
        line.already = True
        return
    form: dict[str, Any] = {"item": cells["item"], "to_unit": actor.unit}
    form |= {n: cells[n] for n in ("class_code", "specification", "purpose") if cells.get(n)}
    amount = AMOUNT.fullmatch(plain(cells["quantity"]))
    form["quantity"] = amount[1] if amount else cells["quantity"]
    measure = cells.get("measure", "") or (amount[2] if amount else "")
    form |= {"measure": measure} if measure else {}
    form["needed_by"] = day(cells["needed_by"])
    if not form["needed_by"]:
        line.wrong["needed_by"] = said(BAD, "needed_by", cells["needed_by"])
    for name, choice in (("kind", Kind), ("need", Priority)):
        value = cells.get(name, "")
        if value:
            words = {w: one for one in choice for w in (one.value, one.words.zh, one.words.en)}
            form[name] = words.get(plain(value))
            if form[name] is None:
                line.wrong[name] = said(UNKNOWN, name, value)
    for name in ("to_unit", "place"):
        value = cells.get(name, "")
        if value:
            form[name] = named[name].get(plain(value))
            if form[name] is None:
                line.wrong[name] = said(UNKNOWN, name, value)
    line.form = form
    if line.wrong:
        return
    try:
        msgspec.convert(form, LIFECYCLES["demand"].verbs["publish"].form, strict=False)
        office.preview([(line.stream, "publish", form)], actor)
    except msgspec.ValidationError as error:
        field = re.search(r"\$\.(\w+)", str(error))
        name = field[1] if field else "item"
        line.wrong[name] = said(BAD, name, cells.get(name, ""))
    except Refused as refused:
        line.refused = refused


def said(words: Words, field: str, value: str) -> Words:
    """Return what is wrong with a field."""
    called, shown = Words.of(field), value[:80]
    return Words(
        words.zh.format(what=called.zh, value=shown), words.en.format(what=called.en, value=shown)
    )


def day(text: str) -> str:
    """Return a date in one spelling, empty when it is none: 2026-3-1, 2026年3月1日, or Excel's number."""
    written = plain(text)
    if re.fullmatch(r"[3-7]\d{4}(\.0+)?", written):
        return date.fromordinal(EXCEL_DAY_ONE + int(float(written))).isoformat()
    parts = re.fullmatch(r"(\d{4})\D(\d{1,2})\D(\d{1,2})日?(?:\s.*)?", written)
    try:
        return date(*(int(part) for part in parts.groups())).isoformat() if parts else ""
    except ValueError:
        return ""


def plain(text: str) -> str:
    """Return a text as cells are compared: full-width forms and surrounding blanks aside."""
    return unicodedata.normalize("NFKC", text).strip().lstrip("'")


# Files ------------------------------------------------------------------------------


def table(content: bytes) -> list[list[str]]:
    """Return the rows of a file: XLSX or XLS, or text with commas, semicolons or tabs."""
    try:
        sheet = reading_cells.read(content, "")
    except reading_problems.Unreadable as error:
        first = error.problems[0]
        raise Unreadable(Words(first.zh, first.en)) from error
    return [[reading_cells.cell(text) for text in row] for row in sheet.rows]


def written(text: str) -> list[list[str]]:
    """Return the rows of a text; what stands most often in the first line divides the columns."""
    first = text.partition("\n")[0]
    divider = max("\t,;", key=first.count)
    return [list(row) for row in csv.reader(io.StringIO(text), delimiter=divider)]
