"""Tables to take home: CSV and XLSX of every row, in which no cell is ever a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import xlsxwriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
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


def xlsx_bytes(rows: Iterable[Iterable[Any]], title: str) -> bytes:
    """Return an XLSX file; texts are written as texts, amounts as numbers with two decimals."""
    return xlsx_sheets({title: rows})


def xlsx_sheets(sheets: Mapping[str, Iterable[Iterable[Any]]]) -> bytes:
    """Return an XLSX file with a sheet for each title, in this order."""
    kept = io.BytesIO()
    book = xlsxwriter.Workbook(
        kept, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True})
    money = book.add_format({"num_format": "#,##0.00"})
    for title, rows in sheets.items():
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:SHEET_NAME_CHARS_MAX])
        sheet.freeze_panes(1, 0)
        for line, row in enumerate(rows):
            head = bold if line == 0 else None
            for column, value in enumerate(row):
                if isinstance(value, Amount):
                    # A spreadsheet knows no other numbers; two decimals below 2^53 fen survive it.
                    sheet.write_number(line, column, value / 100, money)
                elif value is not None and value != "":
                    sheet.write_string(line, column, harmless(str(value)), head)
    book.close()
    return kept.getvalue()
