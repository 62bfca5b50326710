"""On the page of an asset: its pictures, the money it brought, and how far its entries are proven."""

from __future__ import annotations

from typing import Any, Final

from api.offers import PHOTOS
from api.pages_telling import money
from api.pages_view import Page
from domain.filing import folder_of
from domain.words import Words
from ledger.book import Stream
from projections import treasury

CASES_MAX: Final = 20
SAID: Final = {
    "photos": Words("照片", "Photographs"),
    "photo": Words("照片：{title}", "photograph: {title}"),
    "income": Words("收入", "Income"),
    "income-of": Words(
        "应缴 {net}，到账 {paid}，上缴 {remitted}",
        "due {net}, received {paid}, remitted {remitted}",
    ),
    "proof": Words("证明", "Proof"),
    "last": Words("最近一条记录", "latest entry"),
    "covered": Words("已由签名检查点 {size} 覆盖", "covered by the signed checkpoint {size}"),
    "uncovered": Words("尚未由签名检查点覆盖", "not yet covered by a signed checkpoint"),
    "show-proof": Words("查看原文与证明", "see it to the byte, with its proof"),
}


def panel(page: Page, stream: Stream) -> dict[str, Any]:
    """Return the pictures, the income and the proof of an asset as the template draws them."""
    office = page.office
    last = stream.entries[-1].position
    covered = office.proving.covering(last)
    said = {name: page.words(words) for name, words in SAID.items()}
    return {
        "said": said,
        "photos": photos(page, stream),
        "income": income(page, stream),
        "position": last,
        "proof": said["covered"].format(size=f"{covered:,}") if covered else said["uncovered"],
    }


def photos(page: Page, stream: Stream) -> list[tuple[str, str]]:
    """Return where each picture in the folder of an asset is, and what it is called."""
    folder = page.office.book.stream(folder_of(stream.name)).state
    return [
        (f"/files/{stream.name}/{file.sha256}", file.title)
        for file in folder.files
        if file.media in PHOTOS and page.office.book.log.file(file.sha256) is not None
    ]


def income(page: Page, stream: Stream) -> list[tuple[str, str, str]]:
    """Return what came of the cases in which an asset had part: address, name and amounts."""
    named = (getattr(entry.event, "case", "") for entry in reversed(stream.standing))
    found = dict.fromkeys(case for case in named if isinstance(case, str) and "/" in case)
    told: list[tuple[str, str, str]] = []
    for case in list(found)[:CASES_MAX]:
        if not page.office.sight.sees(page.actor, case):
            continue
        for due in page.office.models.rows(treasury.dues_of(case)):
            amounts = {
                name: money(due[column], due["currency"], page.lang)
                for name, column in (("net", "net"), ("paid", "paid_in"), ("remitted", "remitted"))
            }
            words = page.words(SAID["income-of"]).format(**amounts)
            told.append((f"/cases/{case}", page.case_name(case), words))
    return told
