"""A workbook to fill in: the columns of asset cards, a note for each, and lists to choose from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from api.card_columns import CLEAR, TAKEN, Column
from api.pages_export import harmless
from domain.decider import Lang
from domain.words import Words, in_words

ROWS: Final = 5_000  # so many rows have the lists
LISTED_MAX: Final = 1_000  # units and places on their list
SHEETS: Final = {
    "cards": Words("资产卡片", "Asset cards"),
    "notes": Words("填表说明", "Notes"),
    "codes": Words("代码表", "Codes"),
}
HEADS: Final = (Words("列", "Column"), Words("必填", "Required"), Words("说明", "Note"))
HOLDS: Final = {
    "text": Words("文字", "Text"),
    "code": Words(
        "文本格式的编号，不会丢失位数", "A code in a column of text, so that no digit is lost"
    ),
    "money": Words("金额", "Amount"),
    "quantity": Words("数字，如 3 或 2.5", "A number such as 3 or 2.5"),
    "day": Words("日期，如 2023-05-06", "A date such as 2023-05-06"),
    "term": Words("从列表中选择", "Choose from the list"),
    "unit": Words("单位", "Unit"),
    "place": Words("地点", "Place"),
    "person": Words("人员", "Person"),
}
YES: Final = Words("是", "yes")
GENERAL: Final = (
    Words(
        "空白单元格不改动账上的内容；要清空某项，请填“{clear}”。",
        "An empty cell changes nothing in the books; to take something out, write {clear}.",
    ),
    Words(
        "导入时先核对，逐格列出问题，经同意才记入；同一文件导入两次不会重复。",
        "A sheet is checked first, cell by cell, and recorded only with consent; sent twice, it doubles"
        " nothing.",
    ),
    Words(
        "除使用人外，不要填写姓名、电话等个人信息：账本不存。",
        "Name nobody but the user, and write no phone numbers: the ledger keeps none.",
    ),
)


def workbook(
    lang: Lang, units: Sequence[tuple[str, str]] = (), places: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return the workbook: a sheet to fill in, notes, and the lists its columns choose from."""
    import xlsxwriter

    kept = io.BytesIO()
    book = xlsxwriter.Workbook(kept, {"strings_to_formulas": False, "strings_to_urls": False})
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"bold": True, "bg_color": "#EEF3F8", "border": 1, "num_format": "@"})
    must = book.add_format({"bold": True, "bg_color": "#FEF0C7", "border": 1, "num_format": "@"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    cards, notes, codes = (book.add_worksheet(in_words(words, lang)) for words in SHEETS.values())
    cards.freeze_panes(1, 0)
    for at, column in enumerate(TAKEN):
        title = in_words(column.words, lang)
        cards.set_column(at, at, max(12, 2 * len(title) + 2), text)
        cards.write_string(0, at, title, must if column.required else head)
        cards.write_comment(0, at, note(column, lang))
        choices = listed(column, lang, units, places)
        if choices:
            codes.write_string(0, at, title, head)
            codes.set_column(at, at, 24)
            for line, choice in enumerate(choices, 1):
                codes.write_string(line, at, choice, text)
            sheet = in_words(SHEETS["codes"], lang)
            letter = _letter(at)
            source = f"='{sheet}'!${letter}$2:${letter}${len(choices) + 1}"
            asked: dict[str, Any] = {"validate": "list", "source": source}
            # A unit or place may be named by its id as well: it is only proposed.
            if column.holds in ("unit", "place"):
                asked |= {"error_type": "information"}
            cards.data_validation(1, at, ROWS, at, asked)
    notes.set_column(0, 0, 20)
    notes.set_column(2, 2, 80)
    for at, words in enumerate(HEADS):
        notes.write_string(0, at, in_words(words, lang), head)
    for line, column in enumerate(TAKEN, 1):
        notes.write_string(line, 0, in_words(column.words, lang))
        notes.write_string(line, 1, in_words(YES, lang) if column.required else "")
        notes.write_string(line, 2, note(column, lang), wrap)
    clear = CLEAR[0] if lang == "zh" else CLEAR[2]
    for line, words in enumerate(GENERAL, len(TAKEN) + 2):
        notes.write_string(line, 2, in_words(words, lang).format(clear=clear), wrap)
    book.close()
    return kept.getvalue()


def note(column: Column, lang: Lang) -> str:
    """Return what a column holds, in words."""
    said = in_words(HOLDS[column.holds], lang)
    more = in_words(column.note, lang)
    return f"{said}{'。' if lang == 'zh' else '. '}{more}" if more else said


def listed(
    column: Column, lang: Lang, units: Sequence[tuple[str, str]], places: Sequence[tuple[str, str]]
) -> list[str]:
    """Return what a column may hold, where there is a list of it."""
    if column.choices:
        return [in_words(one.words, lang) for one in column.choices]
    known = {"unit": units, "place": places}.get(column.holds, ())
    return [harmless(name) for _, name in known[:LISTED_MAX]]


def _letter(at: int) -> str:
    return chr(65 + at) if at < 26 else f"A{chr(65 + at - 26)}"
