"""A list of things to offer as units keep it: read from CSV, Excel or a pasted table, judged cell by cell.

The columns are those of the list of offers taken home, in either language and any order; a card is
known by its number or its id. What is on offer already is left as it is. Codes are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from api.offers import Shown
from api.office import Actor, Office
from api.wanting import (
    BAD,
    LINES_MAX,
    TOO_MANY,
    Unreadable,
    day,
    heads,
    plain,
)
from api.wanting import (
    said as wrong_words,
)
from domain.decider import LIFECYCLES, Lang, Refused
from domain.words import Words, in_language
from projections import offers

# The columns of the list that is taken home, and what units call them.
COLUMNS: Final[Mapping[str, Words]] = {
    "asset_no": Words("资产编号", "asset no."),
    "name": Words("资产名称", "name"),
    "kind": Words("资产大类", "kind"),
    "class_code": Words("资产分类代码", "class code"),
    "model": Words("规格型号", "model"),
    "quantity": Words("数量", "quantity"),
    "measure": Words("计量单位", "measure"),
    "condition": Words("成色", "condition"),
    "remaining_life": Words("剩余使用年限", "remaining life"),
    "available_from": Words("可用日期", "available from"),
    "offer_until": Words("上架截止日", "offered until"),
    "description": Words("说明", "description"),
    "custodian": Words("保管单位", "kept by"),
    "place": Words("存放地点", "place"),
    "distance": Words("距离", "distance"),
    "status": Words("申领情况", "to be claimed"),
    "clock": Words("公示范围", "offered to"),
    "id": Words("卡片标识", "id"),
}
MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "asset_no": ("资产编码", "资产号", "编号", "assetno", "number"),
    "name": ("名称", "资产名称"),
    "condition": ("成色", "新旧程度", "状况"),
    "remaining_life": ("剩余年限", "剩余使用年限", "尚可使用年限"),
    "available_from": ("可用日期", "可调出日期", "可调剂日期", "availablefrom"),
    "offer_until": ("上架截止日", "截止日期", "公示截止日期", "offereduntil"),
    "description": ("说明", "备注", "状况说明"),
    "id": ("id", "卡片标识"),
}
READ: Final = ("condition", "remaining_life", "available_from", "offer_until", "description")
SPELT: Final[Mapping[str, tuple[str, ...]]] = {
    name: (
        "".join(words.zh.split()),
        "".join(words.en.casefold().split()),
        *MORE.get(name, ()),
    )
    for name, words in COLUMNS.items()
}
NO_HEADS: Final = Words(
    "第一行须为表头，至少有“资产编号”或“卡片标识”。",
    "The first line names the columns; at least the asset number or the id.",
)
NO_CARD: Final = Words("没有这张资产卡片：{value}。", "There is no such card: {value}.")
TWICE: Final = Words("与第 {line} 行是同一张卡片。", "It is the same card as in line {line}.")
ANOTHER_NAME: Final = Words(
    "卡片的名称是“{name}”，请核对编号。", "The card is called “{name}”; check the number."
)
NO_DAY: Final = Words("日期应写作 2026-03-01。", "Write the day as 2026-03-01.")


class Line(msgspec.Struct, kw_only=True):
    """One line of the list: what it offers, or cell by cell why it cannot be offered."""

    number: int
    cells: dict[str, str]
    stream: str = ""
    name: str = ""
    form: dict[str, Any] = msgspec.field(default_factory=dict)
    wrong: dict[str, Words] = msgspec.field(default_factory=dict)
    refused: Refused | None = None
    already: bool = False

    @property
    def right(self) -> bool:
        return not (self.wrong or self.refused or self.already)

    def why(self, lang: Lang) -> str:
        """Say why it cannot be offered, where that is not about one cell."""
        return self.refused.sentence(lang) if self.refused is not None else ""


def read(office: Office, actor: Actor, rows: Sequence[Sequence[str]]) -> list[Line]:
    """Judge every line of a table; raise `Unreadable`. Nothing is recorded."""
    columns = heads(rows[0], SPELT) if rows else {}
    if not {"asset_no", "id"} & columns.keys():
        raise Unreadable(NO_HEADS)
    body = [(n, row) for n, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if len(body) > LINES_MAX:
        raise Unreadable(TOO_MANY)
    lines = [
        Line(
            number=number,
            cells={name: plain(row[at]) if at < len(row) else "" for name, at in columns.items()},
        )
        for number, row in body
    ]
    cards = found(office, lines)
    seen: dict[str, int] = {}
    for line in lines:
        judged(office, actor, line, cards, seen)
    return lines


def found(office: Office, lines: Sequence[Line]) -> Mapping[str, Any]:
    """Return the cards that the lines name, by `id:` and by `no:`; a number is one card's."""
    ids = {line.cells.get("id", "") for line in lines} - {""}
    numbers = {line.cells.get("asset_no", "") for line in lines} - {""}
    rows = office.rows(offers.cards(ids, numbers))
    return {f"id:{row['id']}": row for row in rows} | {f"no:{row['asset_no']}": row for row in rows}


def judged(
    office: Office, actor: Actor, line: Line, cards: Mapping[str, Any], seen: dict[str, int]
) -> None:
    """Fill in what a line offers, or everything that is wrong with it."""
    column = "id" if line.cells.get("id") else "asset_no"
    value = line.cells.get(column, "")
    card = cards.get(f"{'id' if column == 'id' else 'no'}:{value}") if value else None
    if card is None:
        line.wrong[column] = _with(NO_CARD, value=value[:80])
    else:
        line.stream, line.name = f"asset/{card['id']}", card["name"]
        told = line.cells.get("name", "")
        if told and told != plain(card["name"]):
            line.wrong["name"] = _with(ANOTHER_NAME, name=card["name"])
        if line.stream in seen:
            line.wrong[column] = _with(TWICE, line=seen[line.stream])
        seen.setdefault(line.stream, line.number)
        line.already = bool(card["listed"]) and not line.wrong
    if not line.already:
        filled_in(office, actor, line)


def filled_in(office: Office, actor: Actor, line: Line) -> None:
    """Read the terms of the offer, and ask whether it would be granted."""
    for name in READ:
        value = line.cells.get(name, "")
        if not value:
            continue
        if name in ("available_from", "offer_until"):
            line.form[name] = day(value)
            if not line.form[name]:
                line.wrong[name] = NO_DAY
        else:
            line.form[name] = value
    if line.wrong:
        return
    try:
        msgspec.convert(line.form, LIFECYCLES["asset"].verbs["list_for_reuse"].form, strict=False)
        office.preview([(line.stream, "list_for_reuse", line.form)], actor)
    except msgspec.ValidationError as error:
        field = re.search(r"\$\.(\w+)", str(error))
        name = field[1] if field else "asset_no"
        line.wrong[name] = wrong_words(BAD, name, line.cells.get(name, ""))
    except Refused as refused:
        line.refused = refused


def _with(words: Words, **values: object) -> Words:
    return Words(words.zh.format(**values), words.en.format(**values))


def requests(
    lines: Iterable[Line], chosen: frozenset[int] | None = None
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the lines that are right ask for; of those chosen, where some are."""
    return [
        (line.stream, "list_for_reuse", line.form)
        for line in lines
        if line.right and (chosen is None or line.number in chosen)
    ]


def table(shown: Iterable[Shown], lang: Lang, told: Any) -> Iterator[tuple[str, ...]]:
    """Yield the offers as rows to take home, in the columns that are read back.

    `told` says of an offer what only pages say: kind, holder, place, distance, status and clock.
    """
    yield tuple(in_language(words.zh, words.en, lang) for words in COLUMNS.values())
    for one in shown:
        row = one.row
        said = {
            "asset_no": row["asset_no"],
            "name": row["name"],
            "class_code": row["class_code"],
            "model": row["model"],
            "quantity": row["quantity"],
            "measure": row["measure"],
            "condition": row["grade"],
            "remaining_life": one.remaining_life,
            "available_from": row["available_from"],
            "offer_until": row["offer_until"],
            "description": one.description,
            "id": row["id"],
        } | told(one)
        yield tuple(str(said[name]) for name in COLUMNS)
