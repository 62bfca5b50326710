"""Take the evidence home from a page: of one thing by its button, of a period by a form."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api import bundling
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from domain.words import Words
from ledger.book import Stream
from ledger.bundling import checker as bundled_checker
from ledger.notes import Unproven

TEXT_CHARS_MAX = 8_192
WORDS = {
    "title": Words("证据包", "Evidence to take home"),
    "hint": Words(
        "含记录原文、证明、已签署的检查点和附件；用 Python 3.8 以上和一个文件 verify_bundle.py 即可离线核验。"
        "请自己保存检查点和公钥，核验时给出。",
        "Entries to the byte, proofs, the signed checkpoint and attachments; Python 3.8 or later and"
        " the one file verify_bundle.py check it offline. Keep a checkpoint and the key yourself.",
    ),
    "from": Words("记账日起（UTC）", "Recorded from (UTC)"),
    "to": Words("记账日止（UTC）", "Recorded up to (UTC)"),
    "of": Words("范围", "Of what"),
    "of-hint": Words(
        "recorded 为期间内全部；也可写 asset/编号、unit/编号、person/编号、12-40",
        "recorded: all of the period; or asset/ID, unit/ID, person/ID, 12-40",
    ),
    "since": Words("您保存的检查点（可不填）", "A checkpoint you kept (optional)"),
    "take": Words("下载证据包", "Take the evidence"),
    "checker": Words("下载核验程序 verify_bundle.py", "Download the checker verify_bundle.py"),
    "person-hint": Words(
        "此人记入的全部条目和写到此人的条目；不填日期就是历来全部。",
        "Every entry this person recorded and every entry that names them; without days, all ever.",
    ),
    "none": Words("没有可下载的证据", "There is no evidence to take"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit/bundle")
    def take(page: Member) -> Response:
        if not page.may(*bundling.READERS):
            raise Forbidden
        given = {
            name: page.request.query_params.get(name, "").strip()[:TEXT_CHARS_MAX]
            for name in ("of", "from", "to", "since")
        }
        of = given["of"] or bundling.PERIOD
        try:
            made = bundling.bundle(office, of, given["from"], given["to"], given["since"])
        except bundling.NotAsked as no:
            return none(page, no.words, 422)
        except Unproven as no:
            return none(page, no.words, 404)
        headers = bundling.headers(of, made)
        return Response(made.content, media_type=bundling.MEDIA_TYPE, headers=headers)

    @pages.get("/audit/verify_bundle.py")
    def checker(page: Member) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="verify_bundle.py"'}
        return Response(bundled_checker(), media_type="text/x-python", headers=headers)

    return pages


def none(page: Page, said: Words, status: int) -> Response:
    """Say why there is nothing to take."""
    title = page.words(WORDS["none"])
    return page.render("message.html", status, title=title, text=page.words(said))


def panel(page: Page) -> dict[str, Any]:
    """Return what the audit page says of bundles."""
    words = {key: page.words(said) for key, said in WORDS.items()}
    return {"words": words, "sha256": sha256(bundled_checker()).hexdigest()}


def link(page: Page, stream: str) -> str:
    """Return where the evidence of a thing is taken; empty for who may not."""
    return f"/audit/bundle?of={stream}" if page.may(*bundling.READERS) else ""


def of_person(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return what a person's page says of the evidence; None for who may not take it."""
    if not page.may(*bundling.READERS):
        return None
    words = {key: page.words(said) for key, said in WORDS.items()}
    return {"of": stream.name, "words": words}
