"""The proof that reuse was tried before buying: what was asked, found and answered; asked again.

A certificate is not believed: whoever has the log searches it again at the position of the search
and must come to the same digest (国令738 第11条; T50).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from api.office import Office
from domain.asset import Asset
from domain.planning import (
    FoundPieceRejected,
    FoundPieceTaken,
    Line,
    Plan,
    ReallocationSearched,
    covers,
)
from domain.policy import Policy
from domain.searching import FOUND_MAX, Piece, Unsuitable, digest
from domain.words import Term, Words, in_language
from ledger.book import Stream
from ledger.entry import Entry


class Said(Term):
    """How something that was found was answered."""

    OPEN = "open", "待答复", "to be answered"
    TAKEN = "taken", "采用", "taken"
    TURNED_DOWN = "turned_down", "不适用", "will not do"


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One card that was found, as it stood when it was found, and what was said of it."""

    asset: str
    quantity: str
    card: Asset
    said: Said = Said.OPEN
    ground: Unsuitable | None = None
    reason: str = ""
    case: str = ""
    entry: int = 0  # of the plan; 0 while it is open


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """What the log answers when it is asked again: the digest, and how many cards."""

    sha256: str
    count: int
    same: bool


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """One search of one line of a plan. `lacking` says why no purchase can rest on it today."""

    plan: str
    line: int
    item: str
    entry: Entry
    search: ReallocationSearched
    latest: bool
    answers: tuple[Answered, ...]
    lacking: tuple[Words, ...]


OLDER = Words("之后又查询过，以最近一次为准", "it was searched again later; the latest counts")
ANOTHER = Words(
    "与计划行的类别、分类或数量不符", "it was for another class or fewer than the line asks"
)
TOO_OLD = Words("查询日期 {on}，超过 {days} 天", "searched on {on}, more than {days} days ago")
OPEN = Words("尚有 {n} 项没有答复", "{n} found are still to be answered")
REVERSED = Words("该查询已红冲", "the search was reversed")
BEYOND = Words(
    f"查到的超过 {FOUND_MAX} 项，无须购置",
    f"more than {FOUND_MAX} were found: nothing need be bought",
)


def searches(stream: Stream, line: int = 0) -> list[Entry]:
    """Return the searches of a plan, oldest first, of one line or of all."""
    return [
        entry
        for entry in stream.entries
        if isinstance(entry.event, ReallocationSearched) and line in (0, entry.event.line)
    ]


def certified(office: Office, stream: Stream, entry: Entry, policy: Policy) -> Certified:
    """Return a certificate with every answer that was given to what it found."""
    search = entry.event
    assert isinstance(search, ReallocationSearched)
    plan: Plan = stream.state
    line = plan.line(search.line)
    standing = {e.seq for e in stream.standing}
    latest = [e for e in searches(stream, search.line) if e.seq in standing][-1:] == [entry]
    answers = tuple(answered(office, stream, entry))
    days = policy.search_days_max
    lacking: list[Words] = []
    if entry.seq not in standing:
        lacking.append(REVERSED)
    elif not latest:
        lacking.append(OLDER)
    if line is not None and latest and not _covered(line):
        lacking.append(ANOTHER)
    if days is not None and (office.today() - search.searched_on).days > days:
        lacking.append(filled(TOO_OLD, on=search.searched_on, days=days))
    if still := sum(one.said is Said.OPEN for one in answers):
        lacking.append(filled(OPEN, n=still))
    if search.count > len(search.found):
        lacking.append(BEYOND)
    return Certified(
        plan=stream.name,
        line=search.line,
        item=line.item if line else "",
        entry=entry,
        search=search,
        latest=latest,
        answers=answers,
        lacking=tuple(lacking),
    )


def _covered(line: Line) -> bool:
    return line.search is not None and covers(line.search, line)


def filled(words: Words, **values: object) -> Words:
    """Return words with what they speak of."""
    return Words(words.zh.format(**values), words.en.format(**values))


def answered(office: Office, stream: Stream, entry: Entry) -> Iterator[Answered]:
    """Yield what a search found with the last answer to each, given before it or since.

    A search of the same line later does not undo an answer.
    """
    search = entry.event
    assert isinstance(search, ReallocationSearched)
    said: dict[str, tuple[int, FoundPieceRejected | FoundPieceTaken]] = {}
    for each in stream.standing:
        match each.event:
            case FoundPieceRejected(line=line) if line == search.line:
                said |= dict.fromkeys(each.event.assets, (each.seq, each.event))
            case FoundPieceTaken(line=line, asset=asset) if line == search.line:
                said[asset] = (each.seq, each.event)
            case _:
                pass
    on = search.searched_on.isoformat()
    for piece in search.found:
        card = office.book.state_at(f"asset/{piece.asset}", on, search.position)
        seq, answer = said.get(piece.asset, (0, None))
        yield _told(piece, card, seq, answer)


def _told(piece: Piece, card: Asset, seq: int, answer: Any) -> Answered:
    match answer:
        case FoundPieceRejected():
            return Answered(
                asset=piece.asset,
                quantity=piece.quantity,
                card=card,
                said=Said.TURNED_DOWN,
                ground=answer.ground,
                reason=answer.reason,
                entry=seq,
            )
        case FoundPieceTaken():
            return Answered(
                asset=piece.asset,
                quantity=piece.quantity,
                card=card,
                said=Said.TAKEN,
                case=answer.case,
                entry=seq,
            )
        case _:
            return Answered(asset=piece.asset, quantity=piece.quantity, card=card)


def again(office: Office, search: ReallocationSearched) -> Again:
    """Search the log as it was known then, from the entries of every card."""
    found = office.search.again(search)
    sha256 = digest(found)
    same = (sha256, len(found)) == (search.sha256, search.count)
    return Again(sha256=sha256, count=len(found), same=same)


def plain(one: Certified, asked_again: Again | None, lang: str) -> dict[str, Any]:
    """Return a certificate as values of JSON."""
    search = one.search
    return {
        "plan": one.plan,
        "line": one.line,
        "item": one.item,
        "entry": one.entry.seq,
        "recorded": one.entry.position,
        "query": {
            "kind": search.kind,
            "class_code": search.class_code,
            "also": search.also,
            "quantity": search.quantity,
            "rules": search.rules,
        },
        "on": search.searched_on,
        "position": search.position,
        "count": search.count,
        "sha256": search.sha256,
        "latest": one.latest,
        "found": [
            {
                "asset": each.asset,
                "quantity": each.quantity,
                "name": each.card.name,
                "custodian": each.card.custodian,
                "available_from": each.card.offer.available_from if each.card.offer else None,
                "said": each.said,
                "ground": each.ground,
                "reason": each.reason,
                "case": each.case,
                "entry": each.entry or None,
            }
            for each in one.answers
        ],
        "lacking": [in_language(words.zh, words.en, lang) for words in one.lacking],
        "again": asked_again,
    }
