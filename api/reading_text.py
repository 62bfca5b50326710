"""Cut a published table into rows that prove where they came from, or say why it cannot be."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from api.reading_bytes import Source, checked_encoding, lines, name_of, unpacked
from api.reading_problems import Problem, Unreadable, refuse

ROW_BYTES_MAX: Final = 128 * 1024
"""A row longer than this means a quotation mark that was never closed."""

Column: TypeAlias = str | tuple[str, ...]
"""A column's name, or the names that publishers have given it over time."""

# What a row carries -----------------------------------------------------------


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Where a record comes from, so that anybody can find it and hash it again.

    `raw` is the row exactly as in the file without its line end, `line` the physical line
    on which it begins (the header is line 1), `file` the name without folder and `.gz`.
    """

    file: str
    line: int
    sha256: str
    raw: bytes


# From text to rows ------------------------------------------------------------


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row: its evidence and its cells as text, in the order of the header."""

    evidence: Evidence
    cells: tuple[str, ...]


class Table(msgspec.Struct, frozen=True):
    """A header, the rows under it, and what was wrong or left out on the way."""

    file: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


class _Record(msgspec.Struct, gc=False):
    """Physical lines that belong together because a quotation mark is open between them."""

    line: int
    raw: bytes
    text: str


def _records(data: bytes, encoding: str, quoting: bool) -> Iterator[_Record]:
    held: _Record | None = None
    for number, (raw, text) in enumerate(lines(data, encoding), start=1):
        if held is None:
            held = _Record(number, raw, text)
        else:
            held = _Record(held.line, held.raw + raw, held.text + text)
        # An odd number of marks means that a cell goes on in the next line.
        if not quoting or held.text.count('"') % 2 == 0 or len(held.raw) > ROW_BYTES_MAX:
            yield held
            held = None
    if held is not None:
        yield held


def _tabbed(text: str) -> tuple[str, ...]:
    """Split a tabbed row. Publishers write inches as a bare mark; Excel quotes such cells whole."""
    return tuple(
        cell[1:-1].replace('""', '"')
        if len(cell) > 1
        and cell[0] == cell[-1] == '"'
        and cell[1:-1].replace('""', "").count('"') == 0
        else cell
        for cell in text.split("\t")
    )


def _cells(text: str, delimiter: str) -> tuple[str, ...]:
    if delimiter == "\t":
        return _tabbed(text)
    if '"' not in text:
        return tuple(text.split(delimiter))
    return tuple(next(csv.reader([text], delimiter=delimiter, strict=True), ()))


def _line_end(encoding: str, raw: bytes) -> bytes:
    """Return the row without its line end, which is no part of what the row says."""
    plain = encoding.removesuffix("-sig")
    for end in ("\r\n".encode(plain), "\n".encode(plain), "\r".encode(plain)):
        if raw.endswith(end):
            return raw[: -len(end)]
    return raw


def table(source: Source, columns: Sequence[Column], file: str | None = None) -> Table:
    """Read a comma or tab separated table in UTF-8, UTF-16 with mark, or GB18030, packed or not.

    `columns` must all be in the header, in any order. Rows with a wrong number of cells
    become problems of the table; rows whose cells are all empty become notices.
    Raises `Unreadable` when there are no rows to speak of: no file, no text, no such header.
    """
    name = name_of(source, file)
    data = unpacked(source, name)
    encoding = checked_encoding(data, name)
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise refuse(
            name,
            "empty-file",
            "文件是空的。请检查导出是否完成。",
            "The file is empty. Check that the export was finished.",
        )
    first = next(lines(data, encoding))[1].removeprefix("\ufeff")
    delimiter = "\t" if "\t" in first else ","
    records = _records(data, encoding, quoting=delimiter == ",")
    head = next(records).text.removeprefix("\ufeff").rstrip("\r\n")
    header = _header(head, delimiter, columns, name)
    rows: list[Row] = []
    problems: list[Problem] = []
    notices: list[Problem] = []
    for record in records:
        raw, text = _line_end(encoding, record.raw), record.text.rstrip("\r\n")
        if not text:
            continue
        try:
            cells = _cells(text, delimiter)
        except csv.Error:
            problems.append(_bad_quotes(name, record.line))
            continue
        if len(cells) != len(header):
            open_quote = delimiter == "," and text.count('"') % 2 == 1
            wrong = _bad_quotes(name, record.line) if open_quote else None
            problems.append(wrong or _bad_count(name, record.line, len(cells), len(header)))
        elif not any(cell.strip() for cell in cells):
            notices.append(_all_empty(name, record.line))
        else:
            digest = hashlib.sha256(raw).hexdigest()
            rows.append(Row(Evidence(name, record.line, digest, raw), cells))
    return Table(name, header, tuple(rows), tuple(problems), tuple(notices))


def _header(text: str, delimiter: str, columns: Sequence[Column], file: str) -> tuple[str, ...]:
    """Check the header line; raise `Unreadable` naming every missing and every doubled column."""
    try:
        header = tuple(cell.strip() for cell in _cells(text, delimiter))
    except csv.Error as error:
        raise Unreadable([_bad_quotes(file, 1)]) from error
    found = "、".join(header[:20]), ", ".join(header[:20])
    problems = [
        Problem(
            file,
            1,
            0,
            "missing-column",
            f"缺少列“{'”或“'.join(names)}”。第一行读到的列是：{found[0]}。请检查是否选对了文件。",
            f"The column “{'” or “'.join(names)}” is missing. The first line has: {found[1]}. "
            "Check that this is the right file.",
        )
        for names in ((each,) if isinstance(each, str) else each for each in columns)
        if not any(name in header for name in names)
    ]
    problems += [
        Problem(
            file,
            1,
            at + 1,
            "doubled-column",
            f"列“{column}”出现了不止一次。请删去多余的一列。",
            f"The column “{column}” occurs more than once. Remove one of them.",
        )
        for at, column in enumerate(header)
        if column and column in header[:at]
    ]
    if problems:
        raise Unreadable(problems)
    return header


def _bad_quotes(file: str, line: int) -> Problem:
    return Problem(
        file,
        line,
        0,
        "broken-quotes",
        "引号没有成对。请检查此行是否多了或少了一个双引号。",
        "The quotation marks do not pair. Look for one too many or too few in this row.",
    )


def _bad_count(file: str, line: int, found: int, expected: int) -> Problem:
    return Problem(
        file,
        line,
        0,
        "wrong-cell-count",
        f"此行有 {found} 个单元格，表头有 {expected} 个。请检查分隔符是否多了或少了。",
        f"This row has {found} cells, the header {expected}. "
        "Look for a missing or extra separator.",
    )


def _all_empty(file: str, line: int) -> Problem:
    return Problem(
        file,
        line,
        0,
        "empty-row",
        "此行所有单元格均为空，未导入。",
        "All cells of this row are empty; it was not taken.",
    )
