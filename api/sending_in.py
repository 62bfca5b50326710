"""Lists of offers and of wants, sent in and taken home: what pages, programs and commands share.

A list is judged whole and nothing is recorded; then whoever sent it says which of its lines are to
be. Lines that are there already are left as they are, so that sending a list twice doubles nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from api import offering, registers, wanting
from api.offers import Asking, Market, Shown
from api.office import Actor, Office
from api.pages_export import Amount, pieces
from api.pages_offers import clock, status
from api.pages_telling import NameOf
from api.wanting import Unreadable
from domain.asset import Kind
from domain.decider import Lang
from domain.words import Words, in_words
from ledger.act import Receipt
from projections.scope import Scope

Line: TypeAlias = offering.Line | wanting.Line
ROWS_MAX: Final = 10_000
OFFERS: Final = "offers"
WANTS: Final = "wants"
TITLES: Final = {
    OFFERS: Words("可调剂资产", "What is on offer"),
    WANTS: Words("需求", "Wants"),
}
ALL, RIGHT = "all", "right"
NOTHING: Final = Words("没有读到内容。", "Nothing was there to read.")
NOT_ALL: Final = Words(
    "有的行不能记入，全部没有记入；改正后重发，或只记入无误的行。",
    "Some lines cannot be recorded, so none was; mend them, or have only the right ones recorded.",
)
BAD_CHOICE: Final = Words(
    "须为 all（全部无误才记入）、right（只记入无误的行）或以逗号分隔的行号。",
    "Must be all (if every line is right), right (the right ones), or line numbers with commas.",
)


class Faulty(Exception):
    """Lines that were to be recorded are wrong; nothing was."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(NOT_ALL.en)
        self.lines = lines


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a list, and what was recorded of it."""

    lines: Sequence[Line]
    recorded: tuple[int, ...] = ()  # numbers of lines
    receipt: Receipt | None = None


def read(office: Office, actor: Actor, what: str, content: bytes, key: str = "") -> Sequence[Line]:
    """Judge a file line by line, cell by cell; raise `Unreadable`. Nothing is recorded."""
    rows = wanting.table(content) if content.strip() else []
    if not rows:
        raise Unreadable(NOTHING)
    if what == OFFERS:
        return offering.read(office, actor, rows)
    return wanting.read(office, actor, rows, key)


def chosen_of(text: str) -> frozenset[int] | None:
    """Read which lines are to be recorded; None: whatever is right. Raise ValueError."""
    if text in (ALL, RIGHT):
        return None
    numbers = [one.strip() for one in text.split(",")]
    if not all(one.isdecimal() and len(one) < 7 for one in numbers):
        raise ValueError(text)
    return frozenset(map(int, numbers))


def take(
    office: Office, actor: Actor, what: str, content: bytes, record: str, key: str, **how: Any
) -> Taken:
    """Judge a list and record what `record` says; raise Unreadable, Faulty, Refused, Conflict."""
    lines = read(office, actor, what, content, key)
    chosen = chosen_of(record)
    meant = [line for line in lines if chosen is None or line.number in chosen]
    wrong = any(not line.right and not line.already for line in meant)
    if (record != RIGHT and wrong) or (chosen is not None and len(meant) < len(chosen)):
        raise Faulty(lines)
    right = [line for line in meant if line.right]
    verb = "list_for_reuse" if what == OFFERS else "publish"
    asks = [(line.stream, verb, line.form) for line in right]
    receipt = office.ask_many(asks, actor, key=key, **how) if asks else None
    return Taken(lines=lines, recorded=tuple(line.number for line in right), receipt=receipt)


def plain(taken: Taken, lang: Lang) -> dict[str, Any]:
    """Return what was found as values of JSON."""
    lines, recorded = taken.lines, set(taken.recorded)
    return {
        "lines": [told(line, lang) | {"recorded": line.number in recorded} for line in lines],
        "right": sum(line.right for line in lines),
        "wrong": sum(not line.right and not line.already for line in lines),
        "already": sum(line.already for line in lines),
        "recorded": len(recorded),
        "cause": taken.receipt.cause if taken.receipt else None,
    }


def told(line: Line, lang: Lang) -> dict[str, Any]:
    """Return one line with every fault: of a cell by the name of its column, or of a rule."""
    refused = line.refused
    return {
        "line": line.number,
        "stream": line.stream or None,
        "name": line.name if isinstance(line, offering.Line) else line.item,
        "right": line.right,
        "already": line.already,
        "faults": [
            {"cell": cell, "said": in_words(words, lang)} for cell, words in line.wrong.items()
        ],
        "refused": None
        if refused is None
        else {"slug": refused.rule.slug, "said": refused.sentence(lang)},
    }


# Taken home ---------------------------------------------------------------------


def offers_of(market: Market, scope: Scope, lang: Lang, name_of: NameOf) -> Iterator[Any]:
    """Yield what is on offer as rows, in the columns that are read back."""
    stop = "；" if lang == "zh" else "; "

    def told_of(one: Shown) -> dict[str, str]:
        row = one.row
        return {
            "kind": in_words(Kind(row["kind"]).words, lang),
            "custodian": name_of("unit", row["custodian"]) if row["custodian"] else "",
            "place": name_of("place", row["place"]) if row["place"] else "",
            "distance": in_words(one.near.words, lang),
            "status": in_words(status(one), lang),
            "clock": stop.join(in_words(words, lang) for words in clock(one)),
        }

    return offering.table(market.all(scope, ROWS_MAX), lang, told_of)


def rows_of(office: Office, actor: Actor, what: str, lang: Lang, name_of: NameOf) -> Iterator[Any]:
    """Yield a list as rows: all that is on offer, or all wants, as of today."""
    if what == OFFERS:
        asked = Asking(unit=actor.unit, on=office.today(actor.zone))
        return offers_of(Market(office, asked, pictures=False), actor.scope, lang, name_of)
    register = registers.REGISTERS["demand"]
    rows = registers.every(office.models, register, actor.scope, {"text": ""})
    return registers.table(register, rows, lang, name_of, Amount)


def file_of(
    office: Office, actor: Actor, what: str, lang: Lang, name_of: NameOf, ending: str
) -> bytes:
    """Return a list as a file, `csv` or `xlsx`."""
    rows = rows_of(office, actor, what, lang, name_of)
    return b"".join(pieces(rows, in_words(TITLES[what], lang), ending))
