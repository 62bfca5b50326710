"""Attachments for every door: which files are taken, where they go, and what is told of them."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from itertools import pairwise
from typing import Any

import msgspec

from api.office import Actor, Office
from domain.filing import FILE_BYTES_MAX, Folder, folder_of
from domain.words import Words
from ledger.act import Evidence, Receipt

MEMBERS_MAX = 2_000
UNPACKED_BYTES_MAX = 200 * 2**20
RATIO_MAX = 100
TITLE_CHARS_MAX = 200
OFFICE = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ofd": "application/ofd",
}
# What a file begins with, and what it therefore is; nothing is believed that a sender says.
STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"%PDF-", "application/pdf"),
)
MEMBERS = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "OFD.xml": "ofd"}
TAKEN = "PNG、JPEG、WebP、PDF、OFD、DOCX、XLSX、TXT、CSV"


class NotTaken(Exception):
    """A file is not accepted; two sentences say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


def media_of(content: bytes) -> str:
    """Return what a file is, told from its bytes; raise NotTaken for anything else."""
    if not content:
        raise NotTaken("文件是空的。", "The file is empty.")
    if len(content) > FILE_BYTES_MAX:
        raise NotTaken("文件超过 20 MiB。", "The file is larger than 20 MiB.")
    for start, media in STARTS:
        if content.startswith(start):
            return media
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return _packed(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _unknown() from None
    # A page or a picture made of text could run in a browser.
    if re.search(r"<[!?/a-z]", text[:4096], re.IGNORECASE) or re.search(
        r"[\0-\x08\x0e-\x1f\x7f]", text
    ):
        raise _unknown()
    return "text/plain"


def _packed(content: bytes) -> str:
    """Return which office format a zip is; refuse what would swell when it is opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OverflowError):
        raise _unknown() from None
    names = {m.filename for m in members}
    found = [kind for name, kind in MEMBERS.items() if name in names]
    if len(found) != 1:
        raise _unknown()
    size = sum(m.file_size for m in members)
    spans = sorted((m.header_offset, m.header_offset + m.compress_size) for m in members)
    overlap = any(one[1] > two[0] for one, two in pairwise(spans))
    outside = any(n.startswith(("/", "\\")) or ".." in n.split("/") for n in names)
    macros = any(n.lower().endswith("vbaproject.bin") for n in names)
    swollen = size > UNPACKED_BYTES_MAX or size > RATIO_MAX * len(content)
    if len(members) > MEMBERS_MAX or swollen or overlap or outside or macros:
        raise NotTaken(
            "文件内部异常（压缩比过大、成员过多或重叠、含宏），不予接收。",
            "The file is not sound inside (it swells, overlaps, or holds macros): not taken.",
        )
    return OFFICE[found[0]]


def _unknown() -> NotTaken:
    return NotTaken(
        f"只接收这些格式：{TAKEN}。", f"Only these are taken: {TAKEN.replace('、', ', ')}."
    )


def titled(name: str) -> str:
    """Return what to call a file: its name without folders, and without tricks on the eye."""
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    clean = "".join(c for c in base if c.isprintable() and unicodedata.category(c)[0] != "C")
    return clean.strip()[:TITLE_CHARS_MAX] or "附件"


def attach(
    office: Office, actor: Actor, stream: str, content: bytes, title: str, **how: Any
) -> Receipt:
    """Put a file into the folder of a thing; bytes and entry together or neither.

    Raise NotTaken for a file that is not accepted, and what `Office.ask` raises.
    """
    kept = Evidence(media_of(content), content, removable=True)
    form = {
        "sha256": kept.sha256,
        "media": kept.media,
        "size_bytes": len(content),
        "title": titled(title),
    }
    return office.ask(folder_of(stream), "attach", form, actor, evidence=[kept], **how)


def files(office: Office, stream: str) -> list[dict[str, Any]]:
    """Return the files in the folder of a thing; `kept` is false when the bytes are gone."""
    folder: Folder = office.book.stream(folder_of(stream)).state
    return [
        msgspec.structs.asdict(file) | {"kept": office.book.log.file(file.sha256) is not None}
        for file in folder.files
    ]


def content(office: Office, stream: str, sha256: str) -> tuple[str, str, bytes] | None:
    """Return title, media type and bytes of a file in the folder of a thing."""
    folder: Folder = office.book.stream(folder_of(stream)).state
    file = next((f for f in folder.files if f.sha256 == sha256), None)
    kept = office.book.log.file(sha256) if file is not None else None
    return (file.title, file.media, kept[1]) if file is not None and kept is not None else None
