"""The folder of a thing or a case: files kept under their fingerprint, put in and taken out by events.

A folder's stream is named after whose it is: `folder/asset.7Q2K` is that of `asset/7Q2K`. The
bytes lie beside the log, under their SHA-256; a file that is removed leaves both its entries.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Code, Given, Name
from domain.words import Role, Words

FILES_MAX = 500
FILE_BYTES_MAX = 20 * 2**20
FINGERPRINT = re.compile("[0-9a-f]{64}")
Bytes: TypeAlias = Annotated[int, Meta(ge=0, le=FILE_BYTES_MAX)]


class File(msgspec.Struct, frozen=True, gc=False):
    """A file in a folder."""

    sha256: str
    media: str
    size_bytes: int
    title: str


class Folder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What lies in it now, in the order in which it was put there."""

    files: tuple[File, ...] = ()

    def describe(self, lang: Lang) -> str:
        """Say how many files there are."""
        count = len(self.files)
        return f"附件 {count} 个" if lang == "zh" else f"{count} attachments"


lifecycle: Lifecycle[Folder] = Lifecycle("folder", Folder, Words("附件", "Attachments"))


def folder_of(stream: str) -> str:
    """Return the stream of the folder of a thing: `asset/7Q2K` → `folder/asset.7Q2K`."""
    kind, _, id_ = stream.partition("/")
    return f"folder/{kind}.{id_}"


def whose(folder: str) -> str:
    """Return whose folder a stream is: `folder/asset.7Q2K` → `asset/7Q2K`."""
    kind, _, id_ = folder.removeprefix("folder/").partition(".")
    return f"{kind}/{id_}"


# What happened ----------------------------------------------------------------


class FileAttached(
    Event,
    name="folder.file_attached",
    zh="附上文件：{title}",
    en="File attached: {title}",
):
    """T13 A file was put into the folder; its bytes are kept under `sha256`."""

    sha256: str
    media: str
    size_bytes: int
    title: str


class FileRemoved(
    Event,
    name="folder.file_removed",
    zh="移除文件：{title}（{reason}）",
    en="File removed: {title} ({reason})",
):
    """T13 A file was taken out: its bytes are gone, this and the earlier entry stay."""

    sha256: str
    title: str
    reason: str


FilingEvent: TypeAlias = FileAttached | FileRemoved

# Where that leaves us ---------------------------------------------------------


def evolve(folder: Folder, event: FilingEvent) -> Folder:
    """What an event means. Never refuses: it already happened."""
    match event:
        case FileAttached(sha256=sha256, media=media, size_bytes=size, title=title):
            kept = tuple(f for f in folder.files if f.sha256 != sha256)
            return replace(folder, files=(*kept, File(sha256, media, size, title)))
        case FileRemoved(sha256=sha256):
            return replace(folder, files=tuple(f for f in folder.files if f.sha256 != sha256))
        case _:
            assert_never(event)


lifecycle.part(FilingEvent, evolve)

# What may be asked ------------------------------------------------------------

ATTACHING = (
    *(Role.CLERK, Role.KEEPER, Role.HEAD, Role.ACCOUNTANT),
    *(Role.DEPARTMENT, Role.OFFICE, Role.FINANCE),
)
REMOVING = (Role.HEAD, Role.OFFICE, Role.FINANCE)
NOT_TWICE = Rule(
    slug="file-attached-already",
    zh="这份文件已经附上（{title}）。",
    en="This file is attached already ({title}).",
)
ROOM = Rule(
    slug="folder-full",
    zh="附件最多 {most} 个。",
    en="A folder holds at most {most} files.",
)
BYTES_COME_ALONG = Rule(
    slug="file-without-its-bytes",
    zh="没有收到文件本身；请通过上传附上文件。",
    en="The file itself did not come along: upload it.",
)
ATTACHED = Rule(
    slug="no-such-file",
    zh="附件中没有这份文件。",
    en="There is no such file in the folder.",
)


@lifecycle.verb(zh="附上文件", en="Attach a file", roles=ATTACHING)
def attach(
    folder: Folder, _: Occasion, *, sha256: Code, media: Code, size_bytes: Bytes, title: Name
) -> FileAttached:
    """Put a file, whose bytes are kept already, into the folder."""
    if not FINGERPRINT.fullmatch(sha256):
        raise BYTES_COME_ALONG.broken()
    same = next((f for f in folder.files if f.sha256 == sha256), None)
    if same is not None:
        raise NOT_TWICE.broken(title=same.title)
    if len(folder.files) >= FILES_MAX:
        raise ROOM.broken(most=FILES_MAX)
    return FileAttached(sha256=sha256, media=media, size_bytes=size_bytes, title=title)


@lifecycle.verb(zh="移除文件", en="Remove a file", roles=REMOVING)
def take_out(folder: Folder, _: Occasion, *, sha256: Code, reason: Given) -> FileRemoved:
    """Take a file out for good: its bytes go, both entries stay."""
    there = next((f for f in folder.files if f.sha256 == sha256), None)
    if there is None:
        raise ATTACHED.broken()
    return FileRemoved(sha256=sha256, title=there.title, reason=reason)
