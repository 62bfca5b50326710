"""Turn a workbook that anybody may have sent into rows of text, each number as it was typed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree as ET

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

from api.reading_problems import Unreadable, refuse
from api.reading_xml import Broken, Hostile, Reader

MEMBERS_MAX: Final = 200
UNPACKED_BYTES_MAX: Final = 50_000_000
RATIO_MAX: Final = 100
OLD_BYTES_MAX: Final = 16_000_000
WIDE_BYTES_MAX: Final = 200_000_000
"""Unpacked, where a whole register comes in: 100,000 cards of 16 columns are 80 MB."""
ROWS_MAX: Final = 200_000
CELLS_MAX: Final = 4_000_000
COLUMNS_MAX: Final = 256
PLAIN: Final = re.compile(r"-?[0-9]*(?:\.[0-9]{1,6})?")
ZIP: Final = b"PK\x03\x04"
OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHEETS_MAX: Final = 50
EXACT_MAX: Final = 10**15
"""A spreadsheet keeps fifteen digits of a number; of a longer one it has lost the rest."""


class Sheet(msgspec.Struct, frozen=True):
    """One sheet of a workbook as text, and which sheets there are to choose from.

    `lost` are the cells (row and column from 0) that are numbers of more digits than were kept.
    """

    names: tuple[str, ...]
    name: str
    rows: list[tuple[str, ...]]
    lost: list[tuple[int, int]]


def rows(content: bytes, file: str) -> list[tuple[str, ...]]:
    """Return the rows of the first sheet that holds anything, as text; raise `Unreadable`."""
    return _new(content, file) if content.startswith(ZIP) else _old(content, file)


def _refused(file: str, slug: str) -> Unreadable:
    if slug == "hostile-archive":
        return refuse(
            file,
            slug,
            "压缩结构可疑（成员过多、展开过大、重叠或路径异常），出于安全未读取。",
            "The archive is suspicious: too many members, too large when unpacked, overlapping or "
            "strangely named. For safety it was not read.",
        )
    return refuse(
        file,
        "broken-workbook",
        "工作簿不完整或有误。请用 Excel 另存为 XLSX 或 CSV 后再导入。",
        "The workbook is broken or breaks off. Save it as XLSX or CSV and import that.",
    )


# XLSX -------------------------------------------------------------------------------


def _new(content: bytes, file: str) -> list[tuple[str, ...]]:
    """Read the first sheet that holds anything."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if not _sound(archive, len(content)):
                raise _refused(file, "hostile-archive")
            there = {info.filename for info in archive.infolist()}
            shared: list[str] = []
            if "xl/sharedStrings.xml" in there:
                Reader({"si"}, lambda of, _: shared.append(_shown(of))).read(
                    archive.read("xl/sharedStrings.xml")
                )
            for name in sorted(n for n in there if re.fullmatch(r"xl/worksheets/[^/]+\.xml", n)):
                found: list[tuple[str, ...]] = []
                Reader({"row"}, _Rows(found, shared).take).read(archive.read(name))
                if any(any(row) for row in found):
                    return found
    except (Hostile, RecursionError) as error:
        raise _refused(file, "hostile-archive") from error
    except (
        *(zipfile.BadZipFile, Broken, zlib.error, EOFError, OSError),
        *(KeyError, IndexError, ValueError, NotImplementedError, RuntimeError),
    ) as error:
        raise _refused(file, "broken-workbook") from error
    raise _refused(file, "broken-workbook")


def _sound(archive: zipfile.ZipFile, size: int, most: int = UNPACKED_BYTES_MAX) -> bool:
    """Judge an archive by its directory before a byte of it is unpacked."""
    members = archive.infolist()
    total = sum(info.file_size for info in members)
    if len(members) > MEMBERS_MAX or total > most or total > max(size, 1) * RATIO_MAX:
        return False
    end = 0
    for info in sorted(members, key=lambda each: each.header_offset):
        parts = info.filename.replace("\\", "/").split("/")
        link = info.external_attr >> 16 & 0o170000 == 0o120000
        if info.flag_bits & 1 or link or ".." in parts or info.filename.startswith(("/", "\\")):
            return False
        # Members that share bytes unpack the same stream many times over.
        if info.header_offset < end:
            return False
        end = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
    return len({info.filename for info in members}) == len(members)


def _shown(of: ET.Element) -> str:
    """Return the text of a cell without its reading aids (phonetic runs)."""
    return "".join(e.text or "" for e in of.iter("t"))


def _typed(stored: str) -> str:
    """Return the number that was typed. Excel stores 77.21 as `77.209999999999994`: the digits of
    a binary number, whose shortest decimal text is what was entered."""
    if PLAIN.fullmatch(stored):
        return stored
    try:
        return format(Decimal(repr(float(stored))), "f")
    except (ValueError, ArithmeticError):
        return stored


class _Rows:
    def __init__(self, found: list[tuple[str, ...]], shared: Sequence[str]) -> None:
        self.found, self.shared, self.cells = found, shared, 0

    def take(self, of: ET.Element, _: int) -> None:
        row = tuple(self._cells(of))
        self.cells += len(row)
        if len(self.found) >= ROWS_MAX or self.cells > CELLS_MAX:
            raise Hostile("too many cells")
        self.found.append(row)

    def _cells(self, of: ET.Element) -> Iterator[str]:
        at = 0
        for cell in of.iter("c"):
            letters = re.match(r"[A-Z]{1,3}", cell.get("r", ""))
            column = 0
            for letter in letters[0] if letters else "":
                column = column * 26 + ord(letter) - 64
            if column > COLUMNS_MAX:
                return
            while at < column - 1:
                yield ""
                at += 1
            at += 1
            value = cell.findtext("v") or ""
            match cell.get("t"):
                case "s":
                    yield self.shared[int(value)]
                case "inlineStr":
                    yield _shown(cell)
                case None | "n":
                    yield _typed(value)
                case _:
                    yield value


# XLS --------------------------------------------------------------------------------


def _old(content: bytes, file: str) -> list[tuple[str, ...]]:
    """Read an old workbook. It stores numbers in binary; the shortest text that gives the same
    number back is what was typed."""
    if len(content) > OLD_BYTES_MAX:
        raise _refused(file, "hostile-archive")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names[:20]:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height > ROWS_MAX or sheet.total_height * sheet.width > CELLS_MAX:
                raise _refused(file, "hostile-archive")
            found = [tuple(map(_text, row)) for row in sheet.to_python(skip_empty_area=False)]
            if any(any(row) for row in found):
                return found
    except (CalamineError, ValueError, OverflowError, OSError) as error:
        raise _refused(file, "broken-workbook") from error
    raise _refused(file, "broken-workbook")


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() else _typed(repr(value))
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        case date() | time() | timedelta():
            return str(value)
        case _:
            return str(value)


# One sheet of either ------------------------------------------------------------------


def sheet(content: bytes, file: str, name: str = "") -> Sheet:
    """Return the sheet of this name, or the first that holds anything; raise `Unreadable`.

    Formulas are not worked out: what they came to when the file was saved is what counts.
    """
    if content.startswith(ZIP):
        _judge(content, file)
    elif len(content) > OLD_BYTES_MAX:
        raise _refused(file, "hostile-archive")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = tuple(book.sheet_names)
        for one in (name,) if name in names else names[:SHEETS_MAX]:
            found = book.get_sheet_by_name(one)
            if found.total_height > ROWS_MAX or found.total_height * found.width > CELLS_MAX:
                raise _refused(file, "hostile-archive")
            if found.width > COLUMNS_MAX:
                raise _refused(file, "hostile-archive")
            values = found.to_python(skip_empty_area=False)
            if name in names or any(cell != "" for row in values for cell in row):
                lost = [
                    (at, column)
                    for at, row in enumerate(values)
                    for column, cell in enumerate(row)
                    if isinstance(cell, float | int) and abs(cell) >= EXACT_MAX
                ]
                return Sheet(names, one, [tuple(map(_text, row)) for row in values], lost)
    except (CalamineError, ValueError, OverflowError, OSError) as error:
        raise _refused(file, "broken-workbook") from error
    raise _refused(file, "broken-workbook")


def _judge(content: bytes, file: str) -> None:
    """Refuse a suspicious archive before anything reads it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if not _sound(archive, len(content), WIDE_BYTES_MAX):
                raise _refused(file, "hostile-archive")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _refused(file, "broken-workbook") from error
