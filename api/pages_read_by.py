"""Who looked at a thing, as its page tells it to those who may know, and why one reads."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from api import noting
from api.pages_view import Page
from domain.audit_reads import Question
from domain.words import Words
from projections import reads

PANEL_ROWS = 5
WORDS: Final = {
    "title": Words("查阅记录", "Who looked"),
    "hint": Words(
        "审计人员看过什么，管理员做过哪些审计查阅，都记在账上，改不掉。同一人在同一小时内为同一事由"
        "反复看同一内容，只记一次。",
        "What auditors read, and what administrators asked of the audit pages, is on the record and"
        " stays there. The same thing read again within the hour by the same person for the same"
        " purpose is recorded once.",
    ),
    "time": Words("时间", "Time"),
    "reader": Words("查阅人", "Reader"),
    "question": Words("查阅内容", "What"),
    "about": Words("对象", "Of what"),
    "about-hint": Words("如 asset/编号、person/编号", "e.g. asset/ID, person/ID"),
    "extent": Words("范围或日期", "Days or extent"),
    "known": Words("已知时点", "As known at"),
    "purpose": Words("事由", "Purpose"),
    "entry": Words("条目", "Entry"),
    "from": Words("自", "From"),
    "to": Words("至", "To"),
    "none": Words("没有这样的查阅记录。", "Nobody looked, as far as was asked."),
    "all": Words("全部查阅记录", "All reads"),
    "why": Words("本次查阅的事由", "What you read for"),
    "why-hint": Words(
        "写审计项目或文号，不写人名；随每条查阅记录存入账本，直到改写。",
        "Name the audit or its document, no names of people. It goes on the record with every read"
        " until you change it.",
    ),
    "keep": Words("保存", "Keep"),
    "said": Words("未写明", "not stated"),
}


def panel(page: Page, stream: str) -> dict[str, Any] | None:
    """Return who looked at one thing lately; None for who may not know."""
    if not page.may(*noting.READERS):
        return None
    rows = page.office.models.rows(reads.listing({"about": stream}, limit=PANEL_ROWS))
    return {
        "words": {key: page.words(said) for key, said in WORDS.items()},
        "rows": [shown(page, row) for row in rows],
        "url": f"/audit/reads?{urlencode({'about': stream})}",
    }


def purpose_panel(page: Page) -> dict[str, Any] | None:
    """Return what the audit page says of why one reads; None for who is not recorded."""
    if not page.may(*noting.READERS):
        return None
    words = {key: page.words(said) for key, said in WORDS.items()}
    return {"words": words, "said": noting.purpose_of(page.request)}


def shown(page: Page, row: Any) -> dict[str, Any]:
    """Return one read as the template draws it."""
    entry = page.office.book.stream(f"audit/{row['id']}").entries[0]
    about = str(row["about"])
    kind, _, id_ = about.partition("/")
    named = page.name_of(kind, id_) if kind in ("asset", "unit", "person", "place") else ""
    return {
        "time": page.local(entry.effective_at)[:16],
        "position": entry.position,
        "reader": page.name_of("person", row["reader"]),
        "reader_id": row["reader"],
        "post": page.words(Words.of(row["post"])),
        "unit": page.name_of("unit", row["unit"]),
        "question": page.words(Question(row["question"]).words),
        "about": (named or page.case_name(about)) if about else "",
        "stream": about,
        "extent": row["extent"],
        "known": row["known"],
        "purpose": row["purpose"],
    }
