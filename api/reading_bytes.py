"""Turn the bytes of a published file, packed or not, into lines of text in any of its encodings."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from api.reading_problems import PROBLEMS_MAX, Problem, Unreadable, refuse

SIZE_BYTES_MAX: Final = 256 * 1024 * 1024
"""A table larger than this, unpacked, is refused: packed files may hide any size."""

Source: TypeAlias = Path | bytes

# From a file to bytes ---------------------------------------------------------


def name_of(source: Source, file: str | None) -> str:
    """Name the source as its evidence will: without folder, without `.gz`."""
    name = file if file is not None else source.name if isinstance(source, Path) else "upload"
    return name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gz")


def unpacked(source: Source, file: str, size_bytes_max: int = SIZE_BYTES_MAX) -> bytes:
    """Read a source whole; a gzip file is recognised by its first bytes, never by its name.

    Raises `Unreadable` when the file cannot be opened, is damaged, or exceeds `size_bytes_max`.
    """
    try:
        packed = source.read_bytes() if isinstance(source, Path) else source
        if packed[:2] != b"\x1f\x8b":
            data = packed
        else:
            with gzip.open(io.BytesIO(packed)) as stream:
                data = stream.read(size_bytes_max + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise refuse(
            file,
            "damaged-gzip",
            "压缩文件不完整或已损坏。请重新下载或重新压缩后再导入。",
            "The compressed file is cut short or damaged. Download or pack it again.",
        ) from error
    except OSError as error:
        raise refuse(
            file,
            "cannot-open",
            "文件打不开。请检查文件是否存在、是否有读取权限。",
            "The file cannot be opened. Check that it exists and may be read.",
        ) from error
    if len(data) > size_bytes_max:
        mib = size_bytes_max // (1024 * 1024)
        raise refuse(
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


def _faults(data: bytes, encoding: str) -> Iterator[tuple[int, int]]:
    """Find every span of bytes that is not text in this encoding."""
    view, at = memoryview(data), 0
    while at < len(view):
        try:
            str(view[at:], encoding)
        except UnicodeDecodeError as error:
            yield at + error.start, at + error.end
            at += error.end
        else:
            return


def _whole(data: bytes, encoding: str) -> bool:
    return next(_faults(data, encoding), None) is None


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
        if _whole(line, "utf-8"):
            votes["utf-8"] += 1
        elif _whole(line, "gb18030") and _plausible_gb(line.decode("gb18030")):
            votes["gb18030"] += 1
    return "gb18030" if votes["gb18030"] > votes["utf-8"] else "utf-8"


def _damage(data: bytes, encoding: str, file: str) -> Iterator[Problem]:
    """Say of each broken span on which line and character it lies, and which bytes it is."""
    plain = encoding.removesuffix("-sig")
    line, column, at = 1, 1, 0
    for start, end in _faults(data, plain):
        # What lies between two broken spans is whole, so its characters can be counted.
        sound = data[at:start].decode(plain)
        sound = sound.removeprefix("\ufeff") if at == 0 else sound
        line += sound.count("\n")
        column = len(sound) - sound.rfind("\n") if "\n" in sound else column + len(sound)
        found = data[start:end].hex(" ").upper()
        yield Problem(
            file,
            line,
            column,
            "broken-encoding",
            f"字节 {found} 不是有效的 {plain.upper()} 文字。"
            "请用原软件重新导出，编码选“UTF-8”或“GB18030”。",
            f"The bytes {found} are not {plain.upper()} text. "
            "Export again from the original program as UTF-8 or GB18030.",
        )
        column += 1
        at = end


def lines(data: bytes, encoding: str) -> Iterator[tuple[bytes, str]]:
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


def checked_encoding(data: bytes, file: str) -> str:
    """Name the encoding after checking every byte; raise `Unreadable` with the faults."""
    for magic, zh, en in _NOT_TEXT:
        if data.startswith(magic):
            raise refuse(
                file,
                "not-a-table",
                f"这是{zh}，不是文本表格。请另存为“CSV UTF-8”后再导入。",
                f"This is {en}, not a text table. Save it as “CSV UTF-8” and import that.",
            )
    encoding = encoding_of(data)
    if not encoding.startswith("utf-16") and b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise refuse(
            file,
            "binary",
            "文件含有空字节：可能是二进制文件，或是没有字节序标记的 UTF-16。请另存为“CSV UTF-8”。",
            "The file holds zero bytes: it is binary, or UTF-16 without a byte order mark. "
            "Save it as “CSV UTF-8”.",
            line,
        )
    # One more than are listed, so that the reader is told there are more.
    damage = list(islice(_damage(data, encoding, file), PROBLEMS_MAX + 1))
    if damage:
        raise Unreadable(damage)
    return encoding
