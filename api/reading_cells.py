"""Read a sheet that somebody made, text or workbook, cell by cell as it was typed."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from api.pages_export import meant
from api.reading_bytes import checked_encoding
from api.reading_problems import refuse

if TYPE_CHECKING:
    from api.reading_sheets import Sheet

WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
ROWS_MAX: Final = 200_000
COLUMNS_MAX: Final = 256
CELL_CHARS_MAX: Final = 32_767  # what a spreadsheet keeps
KEPT = re.compile(
    r'="([^"]*)"'
)  # how people keep a spreadsheet from changing a code in a text file


def is_workbook(content: bytes) -> bool:
    """Tell whether a file is a workbook, new or old."""
    return content.startswith(WORKBOOKS)


def read(content: bytes, file: str, name: str = "") -> Sheet:
    """Return a sheet of a workbook (of this name, or the first that holds anything), or a text.

    Raise `Unreadable` with everything that is wrong with the file as a whole.
    """
    from api.reading_sheets import Sheet  # only whoever reads one needs its parser

    if is_workbook(content):
        from api import reading_apart

        return reading_apart.sheet(content, file, name)
    return Sheet((), "", rows_of(content, file), [])


def rows_of(content: bytes, file: str) -> list[tuple[str, ...]]:
    """Return the rows of a text with commas, semicolons or tabs, in UTF-8, UTF-16 or GB18030."""
    encoding = checked_encoding(content, file)
    text = content.decode(encoding).removeprefix("\ufeff")
    # A title over the table has no divider; the lines under it have.
    start = "\n".join(text[:20_000].splitlines()[:20])
    divider = max(",\t;", key=start.count)
    csv.field_size_limit(max(csv.field_size_limit(), CELL_CHARS_MAX * 4))
    rows: list[tuple[str, ...]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider)
    try:
        for row in reader:
            if len(rows) >= ROWS_MAX or len(row) > COLUMNS_MAX:
                raise refuse(
                    file,
                    "too-many-cells",
                    f"表格过大：至多 {ROWS_MAX} 行、{COLUMNS_MAX} 列。请拆分后分次导入。",
                    f"The sheet is too large: at most {ROWS_MAX} rows and {COLUMNS_MAX} columns."
                    " Split it and import the parts.",
                    len(rows) + 1,
                )
            rows.append(tuple(row))
    except csv.Error as error:
        raise refuse(
            file,
            "broken-quotes",
            "引号没有成对，或单元格过长。请检查此行附近是否多了或少了一个双引号。",
            "The quotation marks do not pair, or a cell is too long. Look for one too many or too"
            " few near this row.",
            reader.line_num,
        ) from error
    return rows


def cell(text: str) -> str:
    """Return what a cell says: without what only kept a spreadsheet from changing it."""
    kept = KEPT.fullmatch(text.strip())
    return kept[1].strip() if kept else meant(text).strip().removeprefix("\ufeff")
