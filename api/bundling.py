"""Evidence to take home, for every door: what may be asked for, by whom, and the zip that answers."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Final

from api.office import Office
from api.proving import held
from domain.decider import LIFECYCLES
from domain.person import NameBound
from domain.words import Role, Words
from ledger import bundling
from ledger.act import Row
from ledger.bundling import Asked, Bundle
from ledger.entry import decode
from projections import cases

READERS: Final = (Role.AUDITOR, Role.ADMIN)
MEDIA_TYPE: Final = "application/zip"
PERIOD: Final = "recorded"
OF: Final = Words(
    "要什么的证据：asset/编号、loan/编号等记录，unit/编号、person/编号（可限期间），"
    "recorded（期间内全部），或 12-40（位置区间）",
    "evidence of what: asset/ID, loan/ID and the like, unit/ID or person/ID (in a period),"
    " recorded (all of a period), or 12-40 (positions)",
)
NOT_KNOWN: Final = Words(
    "不知道要什么的证据；写 asset/编号、loan/编号、unit/编号、person/编号、recorded 或 12-40。",
    "Say of what: asset/ID, loan/ID, unit/ID, person/ID, recorded, or 12-40.",
)
PERIOD_ONLY: Final = Words(
    "期间只用于单位、人员或 recorded；一件物或一个事项的证据总是完整的。",
    "A period goes with a unit, a person or recorded; of a thing or a case all is shown.",
)
DAYS_TURNED: Final = Words("起日晚于止日。", "The first day is after the last.")


class NotAsked(Exception):
    """A question that means nothing; two sentences say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


def asked(office: Office, of: str, first: str = "", last: str = "") -> Asked:
    """Return the entries that answer a question; raise NotAsked for one that means nothing."""
    days = f"{_day(first)}..{_day(last)}"
    if first and last and first > last:
        raise NotAsked(DAYS_TURNED)
    book, (kind, _, id_) = office.book, of.partition("/")
    if of == PERIOD:
        return bundling.of_period(book, days)
    if kind in ("unit", "person") and id_:
        ask = bundling.of_unit if kind == "unit" else bundling.of_person
        return ask(book, id_, days)
    if days != bundling.EVER:
        raise NotAsked(PERIOD_ONLY)
    if found := re.fullmatch(r"([1-9]\d{0,14})-([1-9]\d{0,14})", of, re.ASCII):
        return bundling.of_range(book, int(found[1]), int(found[2]))
    if kind not in LIFECYCLES or not id_:
        raise NotAsked(NOT_KNOWN)
    ask_one = bundling.of_case if kind in cases.KINDS else bundling.of_stream
    return ask_one(book, of)


def bundle(
    office: Office,
    of: str,
    first: str = "",
    last: str = "",
    since: str = "",
    *,
    names: bool = False,
) -> Bundle:
    """Return the evidence; `since` is the text of a checkpoint that the reader kept.

    With `names`, what entries only commit to is opened beside them, as far as it is not erased.

    Raise NotAsked, or Unproven when nothing can be shown or nothing is signed yet.
    """
    question = asked(office, of, first, last)
    kept = held(since) if since.strip() else None
    proving = office.proving
    opened = partial(opened_of, office) if names else None
    return bundling.bundle(
        office.book, question, proving.trust, of=proving.tree, since=kept, opened=opened
    )


def opened_of(office: Office, row: Row) -> dict[str, tuple[bytes, str]] | None:
    """Return what opens the commitment of an entry; None when there is none, or it is erased."""
    event = decode(*row).event
    if not isinstance(event, NameBound):
        return None
    kept = office.accounts.opens(row[1].removeprefix("person/"), event.commitment)
    return {"commitment": (kept.key, kept.value)} if kept is not None else None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise NotAsked(Words("日期写作 YYYY-MM-DD。", "Write dates as YYYY-MM-DD.")) from None


def name(of: str) -> str:
    """Return what to call the file."""
    return f"gongwu-{re.sub(r'[^A-Za-z0-9.-]+', '-', of)[:80]}.zip"


def headers(of: str, made: Bundle) -> dict[str, str]:
    """Return what goes with the file: its name, fingerprint, and what it leaves out."""
    return {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name(of)}"',
        "Gongwu-SHA256": made.sha256,
        "Gongwu-Entries": str(made.entries),
        "Gongwu-Left-Out": str(made.left_out),
        "Gongwu-Witnessed": "true" if made.witnessed else "false",
    }
