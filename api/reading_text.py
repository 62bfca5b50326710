"""Turn the bytes of a published table into rows that prove where they came from, or say why not."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

# Limits -----------------------------------------------------------------------

SIZE_BYTES_MAX: Final = 256 * 1024 * 1024
"""A table larger than this, unpacked, is refused: packed files may hide any size."""
ROW_BYTES_MAX: Final = 128 * 1024
"""A row longer than this means a quotation mark that was never closed."""
PROBLEMS_MAX: Final = 10_000
"""So many problems are listed; a last one says how many more there are."""

Source: TypeAlias = Path | bytes
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


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong: where, what, and what to do, in both languages.

    `column` counts characters for damaged text and cells for a bad value; 0 is the whole line.
    """

    file: str
    line: int
    column: int
    slug: str
    zh: str
    en: str


class Unreadable(Exception):
    """A file that cannot be taken, with all its problems; nothing of it was used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems in the order of the file, at most `PROBLEMS_MAX` and a closing word."""
        ordered = sorted(problems, key=lambda each: (each.line, each.column))
        self.total = len(ordered)
        if self.total > PROBLEMS_MAX:
            rest = self.total - PROBLEMS_MAX
            last = ordered[PROBLEMS_MAX - 1]
            ordered = [
                *ordered[:PROBLEMS_MAX],
                Problem(
                    last.file,
                    last.line,
                    0,
                    "more-problems",
                    f"另有 {rest} 处问题未列出。请先改正上面的问题再导入。",
                    f"{rest} more problems are not listed. Correct the above and import again.",
                ),
            ]
        self.problems = tuple(ordered)
        super().__init__(f"{self.total} problems, the first: {self.problems[0].en}")

    def in_chinese(self) -> str:
        """Say every problem in Chinese, one per line."""
        return "\n".join(
            f"{each.file} 第{each.line}行"
            + (f"第{each.column}列" if each.column else "")
            + f"：{each.zh}"
            for each in self.problems
        )

    def in_english(self) -> str:
        """Say every problem in English, one per line."""
        return "\n".join(
            f"{each.file}, line {each.line}"
            + (f", column {each.column}" if each.column else "")
            + f": {each.en}"
            for each in self.problems
        )


# From a file to bytes ---------------------------------------------------------


def name_of(source: Source, file: str | None) -> str:
    """Name the source as its evidence will: without folder, without `.gz`."""
    name = file if file is not None else source.name if isinstance(source, Path) else "upload"
    return name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gz")


def _refuse(file: str, slug: str, zh: str, en: str, line: int = 1, column: int = 0) -> Unreadable:
    return Unreadable([Problem(file, line, column, slug, zh, en)])


def unpacked(source: Source, file: str) -> bytes:
    """Read a source whole; a gzip file is recognised by its first bytes, never by its name.

    Raises `Unreadable` when the file cannot be opened, is damaged, or exceeds `SIZE_BYTES_MAX`.
    """
    try:
        packed = source.read_bytes() if isinstance(source, Path) else source
        if packed[:2] != b"\x1f\x8b":
            data = packed
        else:
            with gzip.open(io.BytesIO(packed)) as stream:
                data = stream.read(SIZE_BYTES_MAX + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _refuse(
            file,
            "damaged-gzip",
            "压缩文件不完整或已损坏。请重新下载或重新压缩后再导入。",
            "The compressed file is cut short or damaged. Download or pack it again.",
        ) from error
    except OSError as error:
        raise _refuse(
            file,
            "cannot-open",
            "文件打不开。请检查文件是否存在、是否有读取权限。",
            "The file cannot be opened. Check that it exists and may be read.",
        ) from error
    if len(data) > SIZE_BYTES_MAX:
        mib = SIZE_BYTES_MAX // (1024 * 1024)
        raise _refuse(
            file,
            "too-large",
            f"文件解压后超过 {mib} MB。请拆分后分次导入。",
            f"The file is larger than {mib} MB when unpacked. Split it and import the parts.",
        )
    return data


# From bytes to text -----------------------------------------------------------

_NOT_TEXT: Final = (
    (b"PK\x03\x04", "Excel 工作簿（xlsx）或压缩包", "an Excel workbook (xlsx) or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "旧版 Excel 工作簿（xls）", "an old Excel workbook (xls)"),
    (b"%PDF", "PDF 文件", "a PDF"),
)


def _faults(data: bytes, encoding: str) -> list[tuple[int, int]]:
    """Find every span of bytes that is not text in this encoding."""
    view, at, spans = memoryview(data), 0, []
    while at < len(view):
        try:
            str(view[at:], encoding)
        except UnicodeDecodeError as error:
            spans.append((at + error.start, at + error.end))
            at += error.end
        else:
            break
    return spans


def _plausible_gb(text: str) -> bool:
    """Tell Chinese from other encodings that happen to decode: its characters are in GB 2312."""
    foreign = [character for character in text if ord(character) > 127]
    common = sum(1 for character in foreign if character.encode("gb2312", "ignore"))
    return common * 10 >= len(foreign) * 7


def encoding_of(data: bytes) -> str:
    """Name the encoding: a byte order mark decides, else what most lines are written in.

    Counting lines keeps one broken character of a UTF-8 file from turning the whole of it
    into GB18030, where nearly any pair of bytes means some character.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if data.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if data.startswith(b"\xfe\xff"):
        return "utf-16-be"
    votes = {"utf-8": 0, "gb18030": 0}
    for line in data.split(b"\n"):
        if line.isascii():
            continue
        if not _faults(line, "utf-8"):
            votes["utf-8"] += 1
        elif not _faults(line, "gb18030") and _plausible_gb(line.decode("gb18030")):
            votes["gb18030"] += 1
    return "gb18030" if votes["gb18030"] > votes["utf-8"] else "utf-8"


def _damage(data: bytes, encoding: str, file: str) -> list[Problem]:
    """Say of each broken span on which line and character it lies, and which bytes it is."""
    problems: list[Problem] = []
    label = {"utf-8-sig": "UTF-8", "gb18030": "GB18030"}.get(encoding, encoding.upper())
    line, counted, line_start = 1, 0, 0
    mark = "\n".encode(encoding.removesuffix("-sig"))
    for start, end in _faults(data, encoding.removesuffix("-sig")):
        line += data.count(mark, counted, start)
        line_start = max(line_start, data.rfind(mark, counted, start) + len(mark), 0)
        counted = start
        before = data[line_start:start].decode(encoding.removesuffix("-sig"), "replace")
        found = data[start:end].hex(" ").upper()
        problems.append(
            Problem(
                file,
                line,
                len(before.removeprefix("\ufeff")) + 1,
                "broken-encoding",
                f"字节 {found} 不是有效的 {label} 文字。"
                "请用原软件重新导出，编码选“UTF-8”或“GB18030”。",
                f"The bytes {found} are not {label} text. "
                "Export again from the original program as UTF-8 or GB18030.",
            )
        )
    return problems


def _lines(data: bytes, encoding: str) -> Iterator[tuple[bytes, str]]:
    """Cut into physical lines, each as bytes (for the evidence) and as text, ends included."""
    plain = encoding.removesuffix("-sig")
    if plain.startswith("utf-16"):
        text = data.decode(plain)
        end = "\n" if "\n" in text else "\r"
        for line in _kept_ends(text, end):
            yield line.encode(plain), line
        return
    # In UTF-8 and GB18030 the bytes of a line end never occur inside another character.
    mark = b"\n" if b"\n" in data else b"\r"
    start = 0
    while start < len(data):
        stop = data.find(mark, start)
        stop = len(data) if stop < 0 else stop + 1
        yield data[start:stop], data[start:stop].decode(plain)
        start = stop


def _kept_ends(text: str, end: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        stop = text.find(end, start)
        stop = len(text) if stop < 0 else stop + 1
        yield text[start:stop]
        start = stop


def _checked_encoding(data: bytes, file: str) -> str:
    """Name the encoding after checking every byte; raise `Unreadable` with every fault."""
    for magic, zh, en in _NOT_TEXT:
        if data.startswith(magic):
            raise _refuse(
                file,
                "not-a-table",
                f"这是{zh}，不是文本表格。请另存为“CSV UTF-8”后再导入。",
                f"This is {en}, not a text table. Save it as “CSV UTF-8” and import that.",
            )
    encoding = encoding_of(data)
    if not encoding.startswith("utf-16") and b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise _refuse(
            file,
            "binary",
            "文件含有空字节：可能是二进制文件，或是没有字节序标记的 UTF-16。请另存为“CSV UTF-8”。",
            "The file holds zero bytes: it is binary, or UTF-16 without a byte order mark. "
            "Save it as “CSV UTF-8”.",
            line,
        )
    damage = _damage(data, encoding, file)
    if damage:
        raise Unreadable(damage)
    return encoding


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
    for number, (raw, text) in enumerate(_lines(data, encoding), start=1):
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
    encoding = _checked_encoding(data, name)
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise _refuse(
            name,
            "empty-file",
            "文件是空的。请检查导出是否完成。",
            "The file is empty. Check that the export was finished.",
        )
    first = next(_lines(data, encoding))[1].removeprefix("\ufeff")
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
