"""Take in what a bank sends: camt.053/054, MT940, OFX, or a table; whole and proved, or refused.

The kind is told from the bytes, never from the name. Nothing here knows the ledger.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from api import reading_apart as apart
from api import reading_bank_camt as camt
from api import reading_bank_mt940 as mt940
from api import reading_bank_ofx as ofx
from api import reading_bank_tables as tables
from api import reading_sheets as sheets
from api.reading_bank_tables import Layout
from api.reading_bank_values import Statement, faults, identified
from api.reading_bytes import Source, checked_encoding, name_of, unpacked
from api.reading_problems import Problem, Unreadable, refuse

STATEMENT_BYTES_MAX: Final = 64 * 1024 * 1024

MT940: Final = re.compile(rb"^:(?:20|25|28C?|60[FM]|61|62[FM]|86):", re.MULTILINE)


def statements(
    source: Source,
    *,
    file: str | None = None,
    layout: Layout | None = None,
    saved: Sequence[Layout] = (),
    account: str = "",
) -> tuple[Statement, ...]:
    """Return every statement of a file, each entry with its identity.

    `layout` and `account` are for tables: which column holds what, and whose they are, where the
    file does not say; `saved` are tried before those that are published. Raise `Unreadable` with every reason: one that cannot be read, or does not
    add up, refuses the file whole.
    """
    found, wrong = read(source, file=file, layout=layout, saved=saved, account=account)
    problems = [*wrong, *(each for statement in found for each in faults(statement))]
    if problems:
        raise Unreadable(problems)
    return found


def read(
    source: Source,
    *,
    file: str | None = None,
    layout: Layout | None = None,
    saved: Sequence[Layout] = (),
    account: str = "",
) -> tuple[tuple[Statement, ...], list[Problem]]:
    """Return what can be read and what cannot, without holding sums against each other.

    Raise `Unreadable` for a file that is none of these kinds, breaks off, or is hostile.
    """
    name = name_of(source, file)
    content = unpacked(source, name, STATEMENT_BYTES_MAX)
    if not content.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise refuse(
            name, "empty-file", "文件是空的。请重新下载。", "The file is empty. Download it again."
        )
    layouts = (*saved, *tables.LAYOUTS) if layout is None else (layout,)
    found, wrong = _read(content, name, layouts, account)
    digest = hashlib.sha256(content).hexdigest()
    return tuple(
        identified(replace(each, sha256=digest, account=each.account or account)) for each in found
    ), wrong


def _read(
    content: bytes, file: str, layouts: Sequence[Layout], account: str
) -> tuple[list[Statement], list[Problem]]:
    if content.startswith((sheets.ZIP, sheets.OLD)):
        found, wrong = tables.statement(apart.rows(content, file), file, layouts, account)
        return [found], wrong
    # Markup may come in UTF-16, where the letters are not next to one another.
    head = content[:4000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if b"<OFX>" in head or head.startswith(b"OFXHEADER"):
        return ofx.statements(content, file)
    if head.startswith(b"<"):
        return camt.statements(content, file)
    if MT940.search(content) is not None:
        return mt940.statements(swift_text(content, file), file)
    text = str(content, checked_encoding(content, file)).removeprefix("\ufeff")
    if MT940.search(text.encode()) is not None:  # of UTF-16, where the letters were not together
        return mt940.statements(text, file)
    found, wrong = tables.statement(tables.table(text, file), file, layouts, account)
    return [found], wrong


def swift_text(content: bytes, file: str) -> str:
    """Return the text of an MT940 file: UTF-8 or GB18030, else Latin-1 as European banks write it."""
    try:
        return str(content, checked_encoding(content, file)).removeprefix("\ufeff")
    except Unreadable:
        # A damaged file in UTF-8 has other lines that are sound; one in Latin-1 has none.
        if any(sound(line) for line in content.split(b"\n") if not line.isascii()):
            raise
        if re.search(rb"[\x80-\x9f]", content):  # no letters of Latin-1
            raise
        return str(content, "latin-1")


def sound(line: bytes) -> bool:
    """Tell whether a line is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
