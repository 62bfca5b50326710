"""Tables to take home: CSV and XLSX of every row, in which no cell is ever a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import xlsxwriter
from starlette.responses import StreamingResponse

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX}
BOM = "\ufeff"  # spreadsheets take a file without it for the system's own encoding
LINES_PER_PIECE = 500
SHEET_NAME_CHARS_MAX = 31


class Amount(int):
    """Fen or cents that a spreadsheet shall read as yuan or dollars with two decimals."""

    @property
    def plain(self) -> str:
        whole, rest = divmod(abs(self), 100)
        return f"{'-' if self < 0 else ''}{whole}.{rest:02}"


def harmless(text: str) -> str:
    """Return text that a spreadsheet does not take for a formula (threat T14 of the design).

    What parses as a number stays one, so that -5 remains -5.
    """
    runs = _RUNS.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if runs or _QUOTED_DIGIT.match(text) else text


def meant(cell: str) -> str:
    """Return the text that `harmless` made a cell of.

    People write an apostrophe before digits themselves, to keep them; it is no part of a number.
    """
    if cell[:1] == "'" and (_RUNS.match(cell, 1) or _QUOTED_DIGIT.match(f"'{cell[1:]}")):
        return cell[1:]
    return cell


_RUNS = re.compile(r"'*[=+\-@\t\r\n\0＝＋－＠]")
# Such a text gets another apostrophe, so that it is read back as it was.
_QUOTED_DIGIT = re.compile(r"'+[0-9]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def csv_bytes(rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield a CSV file (RFC 4180, UTF-8 with its mark) piece by piece."""
    piece = io.StringIO()
    piece.write(BOM)
    writer = csv.writer(piece, lineterminator="\r\n")
    for number, row in enumerate(rows, start=1):
        writer.writerow([written(value) for value in row])
        if number % LINES_PER_PIECE == 0:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


def written(value: Any) -> str:
    """Return a cell as CSV text."""
    if value is None:
        return ""
    return value.plain if isinstance(value, Amount) else harmless(str(value))


def pieces(rows: Iterable[Iterable[Any]], title: str, ending: str) -> Iterator[bytes]:
    """Yield a table as a file, `csv` or `xlsx`, piece by piece."""
    return xlsx_pieces({title: rows}) if ending == "xlsx" else csv_bytes(rows)


def kept(content: Iterable[bytes], name: str, ending: str) -> StreamingResponse:
    """Return a file to keep, sent as it is made."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{ending}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(content, headers=headers, media_type=MEDIA[ending])


def xlsx_bytes(rows: Iterable[Iterable[Any]], title: str) -> bytes:
    """Return an XLSX file; texts are written as texts, amounts as numbers with two decimals."""
    return xlsx_sheets({title: rows})


def xlsx_sheets(sheets: Mapping[str, Iterable[Iterable[Any]]]) -> bytes:
    """Return an XLSX file with a sheet for each title, in this order."""
    return b"".join(xlsx_pieces(sheets))


def xlsx_pieces(sheets: Mapping[str, Iterable[Iterable[Any]]]) -> Iterator[bytes]:
    """Yield an XLSX file piece by piece, so that its first byte need not wait for its last row.

    The library makes the workbook with empty sheets; their rows are put in as they come.
    """
    sink = _Sink()
    with (
        zipfile.ZipFile(io.BytesIO(_empty(list(sheets)))) as empty,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=XLSX_LEVEL) as archive,
    ):
        parts = {f"xl/worksheets/sheet{n}.xml": rows for n, rows in enumerate(sheets.values(), 1)}
        for name in empty.namelist():
            if name not in parts:
                archive.writestr(name, empty.read(name))
        yield sink.taken()
        for name, rows in parts.items():
            head, tail = _USED.split(_FAR.sub("", empty.read(name).decode()))
            with archive.open(name, "w") as part:
                part.write(f"{head}<sheetData>".encode())
                lines = iter(enumerate(rows, 1))
                while piece := "".join(_line(n, row) for n, row in islice(lines, LINES_PER_PIECE)):
                    part.write(piece.encode())
                    yield sink.taken()
                part.write(f"</sheetData>{tail}".encode())
    yield sink.taken()


def _empty(titles: Iterable[str]) -> bytes:
    """Return a workbook whose sheets have no rows; its styles are _BOLD and _MONEY, in this order."""
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"in_memory": True}) as book:
        styles = [book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})]
        for title in titles:
            sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:SHEET_NAME_CHARS_MAX])
            sheet.freeze_panes(1, 0)
            for column, style in enumerate(styles):
                sheet.write_blank(0, column, None, style)
    return kept.getvalue()


def _line(number: int, row: Iterable[Any]) -> str:
    """Return a row as the sheet's XML has it; raise ValueError where a sheet has room for no more."""
    if number > ROWS_MAX:
        raise ValueError(f"a sheet of XLSX holds {ROWS_MAX} rows; take the list home as CSV")
    style = _BOLD if number == 1 else ""
    cells = "".join(
        # A spreadsheet knows no other numbers; two decimals below 2^53 fen survive it.
        f'<c r="{_column(at)}{number}"{_MONEY}><v>{value / 100!r}</v></c>'
        if isinstance(value, Amount)
        else f'<c r="{_column(at)}{number}"{style} t="inlineStr"><is><t xml:space="preserve">'
        f"{_text(harmless(str(value)))}</t></is></c>"
        for at, value in enumerate(row)
        if value is not None and value != ""
    )
    return f'<row r="{number}">{cells}</row>'


def _text(text: str) -> str:
    """Return text as XML; what XML cannot say is said as spreadsheets do (ECMA-376 part 1, 22.9.2.19)."""
    if len(text) > CELL_CHARS_MAX:
        text = f"{text[: CELL_CHARS_MAX - 1]}…"
    if _SPECIAL.search(text):
        text = _ESCAPED.sub("_x005F_", text)
        text = _CONTROL.sub(lambda one: f"_x{ord(one[0]):04X}_", text)
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


@cache
def _column(at: int) -> str:
    """Return the letters of a column, counted from 0: A, B, … AA."""
    return (_column(at // 26 - 1) if at >= 26 else "") + chr(65 + at % 26)


class _Sink(io.RawIOBase):
    """Where an archive is written that nobody keeps: what came is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


XLSX_LEVEL = 5  # of zlib: a tenth longer than its best, twice as fast
ROWS_MAX = 1_048_576  # of a sheet
CELL_CHARS_MAX = 32_767
_BOLD, _MONEY = ' s="1"', ' s="2"'
_USED = re.compile(r"<sheetData>.*</sheetData>")  # of an empty sheet: the row that used the styles
_FAR = re.compile(r"<dimension [^>]*/>")  # and how far its cells went
_SPECIAL = re.compile(r"[&<>\x00-\x1f\x7f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")  # tabs and line breaks are texts
