"""Attachments on pages: the panel of a thing, putting a file in, taking one out, reading it."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import filing
from api.office import Office
from api.pages_sign import Member, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import LIFECYCLES, Refused
from domain.filing import ATTACHING, REMOVING, Folder, folder_of
from domain.words import Words
from ledger.book import Stream, new_id

REASON_CHARS_MAX = 2_000
WORDS: Final = {
    "title": Words("附件", "Attachments"),
    "none": Words("还没有附件。", "No attachments yet."),
    "file": Words("选择文件", "Choose a file"),
    "hint": Words(
        f"可附 {filing.TAKEN}，每个至多 20 MiB；以 SHA-256 指纹入账，改动一字节即可查出。",
        f"{filing.TAKEN.replace('、', ', ')}; 20 MiB each. Its SHA-256 is recorded: one changed"
        " byte is found.",
    ),
    "attach": Words("附上", "Attach"),
    "remove": Words("移除", "Remove"),
    "reason": Words("移除原因", "Why it is removed"),
    "gone": Words("内容已移除", "content removed"),
    "bundle": Words("下载证据包", "Take the evidence"),
    "bundle-hint": Words(
        "含每条记录原文、证明、已签署的检查点和附件；用一个 Python 文件即可离线核验。",
        "Every entry to the byte, its proof, the signed checkpoint and the attachments; one Python"
        " file checks it offline.",
    ),
    "wrong": Words("文件没有附上", "The file was not attached"),
    "missing": Words("请选择一个文件。", "Choose a file."),
    "not-removed": Words("文件没有移除", "The file was not removed"),
}
HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


async def sent(request: Request) -> FormData:
    """Read a form with one file."""
    return await request.form(max_files=1, max_fields=10)


Sent: TypeAlias = Annotated[FormData, Depends(sent)]


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    from api.pages_stream import address

    pages = APIRouter(route_class=PageRoute)

    @pages.get("/files/{kind}/{id_}/{sha256}")
    def read(kind: str, id_: str, sha256: str, page: Member) -> Response:
        return file_of(office, there(office, kind, id_), sha256)

    @pages.post("/files/{kind}/{id_}")
    def attach(kind: str, id_: str, page: Member, form: Sent) -> Response:
        stream, file = there(office, kind, id_), form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return trouble(page, "wrong", page.words(WORDS["missing"]), 422)
        try:
            receipt = filing.attach(
                office, page.actor, stream, file.file.read(), file.filename,
                key=text(form, "key") or None, **page.how,
            )  # fmt: skip
        except filing.NotTaken as no:
            return trouble(page, "wrong", page.words(no.words), 422)
        except Refused as refused:
            return trouble(page, "wrong", refused.sentence(page.lang), 409)
        return page.go(f"{address(stream)}?done={receipt.first}#files")

    @pages.post("/files/{kind}/{id_}/{sha256}/take_out")
    def remove(kind: str, id_: str, sha256: str, page: Member, form: Sent) -> Response:
        stream = there(office, kind, id_)
        reason = text(form, "reason", REASON_CHARS_MAX)
        if not reason:
            return trouble(page, "not-removed", page.t("reason-needed"), 422)
        try:
            office.ask(
                folder_of(stream), "take_out", {"sha256": sha256, "reason": reason}, page.actor,
                key=text(form, "key") or None, **page.how,
            )  # fmt: skip
        except Refused as refused:
            return trouble(page, "not-removed", refused.sentence(page.lang), 409)
        return page.go(f"{address(stream)}#files")

    return pages


def trouble(page: Page, title: str, said: str, status: int) -> Response:
    """Say why nothing happened."""
    return page.render("message.html", status, title=page.words(WORDS[title]), text=said)


def there(office: Office, kind: str, id_: str) -> str:
    """Return a stream in which something happened; raise 404."""
    stream = f"{kind}/{id_}"
    if kind not in LIFECYCLES or kind == "folder" or not office.book.log.version(stream):
        raise HTTPException(404)
    return stream


def file_of(office: Office, stream: str, sha256: str) -> Response:
    """Answer with a file to be saved, never to be run; raise 404 when it is not there."""
    found = filing.content(office, stream, sha256)
    if found is None:
        raise HTTPException(404)
    title, media, content = found
    named = f"attachment; filename*=UTF-8''{quote(title)}"
    return Response(content, media_type=media, headers=HEADERS | {"Content-Disposition": named})


def panel(page: Page, stream: Stream, bundle: str = "") -> dict[str, Any]:
    """Return the attachments of a thing as the template draws them."""
    asked = page.office.book.stream(folder_of(stream.name))
    folder: Folder = asked.state
    return {
        "words": {key: page.words(words) for key, words in WORDS.items()},
        "of": stream.name,
        "files": [
            {
                "title": file.title,
                "size": size(file.size_bytes),
                "sha256": file.sha256,
                "kept": page.office.book.log.file(file.sha256) is not None,
            }
            for file in folder.files
        ],
        "may_attach": page.may(*ATTACHING),
        "may_remove": page.may(*REMOVING),
        "key": new_id("web"),
        "bundle": bundle,
    }


def size(count: int) -> str:
    """Return a size as people read it."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"
