"""The example city (示例市): a committed rule that fills the book with eighteen months of work.

Everything in it is invented and says so (`example`, `dataset="example"`). The same seed gives
the same facts, ids and dates; only salts and the time of recording differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Final

from api import city_rules, city_story
from api.city_people import PEOPLE, Person, rooms, who
from api.city_rehearsal import ZONE, rehearse
from api.importing_facts import Progress
from domain.decider import Ask, Document, Occasion
from domain.words import Role
from ledger.book import Book
from ledger.entry import Draft, Via

CLAIM: Final = "demo"
WHOLE: Final = "city"
LATE_ON: Final = date(2026, 3, 10)
PUT_RIGHT_ON: Final = date(2026, 9, 9)
WORDS: Final = ("示例市", "Example city")

__all__ = ["PEOPLE", "Person", "drafts", "load", "loaded"]


def drafts() -> list[Draft]:
    """Return every fact of the city in the order in which it happened."""
    return rehearse(city_story.tell().acts)


def loaded(book: Book) -> bool:
    """Tell whether the whole city is in the book."""
    return book.log.claimed(CLAIM, WHOLE) is not None


def load(book: Book, progress: Progress | None = None) -> int:
    """Record the city, or the rest of it after an interruption; return how many entries were new.

    What one person does in one month is one transaction: a commit that must reach the disk for
    each of 2,800 acts would make people wait.
    """
    story = city_story.tell()
    parts = months(rehearse(story.acts))
    before = book.log.head()[0]
    there = book.log.claims(CLAIM)
    for number, part in enumerate(parts, start=1):
        key = f"{WHOLE}:{number}"
        if number == len(parts):
            # Its claim says that everything is there, so whatever else there is comes before it.
            key = WHOLE
            hear_late(book, story.late)
            put_right(book, story.mistake)
        if key not in there:
            record(book, part, f"ex_{number:04}", key)
        if progress is not None:
            progress(*WORDS, number, len(parts))
    return book.log.head()[0] - before


def months(facts: Sequence[Draft]) -> list[list[Draft]]:
    """Part the facts by month and person, leaving the order of every stream as it is."""
    parts: list[list[Draft]] = []
    mine: dict[tuple[str, str], int] = {}  # month and person -> their latest part
    touched: dict[str, int] = {}  # stream -> the latest part with something of it
    for _, group in groupby(facts, lambda draft: draft.cause.partition("/")[0]):
        act = list(group)
        who_when = (act[0].actor, act[0].effective_at[:7])
        after = max((touched.get(draft.stream, 0) for draft in act), default=0)
        part = mine.get(who_when, -1)
        if part < after:
            part = mine[who_when] = len(parts)
            parts.append([])
        parts[part].extend(act)
        touched.update(dict.fromkeys((draft.stream for draft in act), part))
    return parts


def record(book: Book, part: Sequence[Draft], cause: str, key: str) -> None:
    """Record what one person did in a month; `key` is used once, so nothing is recorded twice."""
    for draft in part:
        draft.cause = f"{cause}/{draft.cause}"
    book.append(
        part,
        actor=part[0].actor,
        cause=cause,
        context={"channel": "demo"},
        claims=[(CLAIM, key, part[0].stream)],
    )


def hear_late(book: Book, stream: str) -> None:
    """Record a move of March whose slip turned up months later (business date and recording)."""
    clerk = who("o_ex_edu", Role.CLERK)
    slip = Document(type="transfer_slip", number="示移〔2026〕31号", issued=LATE_ON)
    occasion = Occasion(
        by=clerk.id,
        on=LATE_ON,
        unit=clerk.unit,
        role=clerk.role,
        policy=city_rules.in_force(clerk.unit, LATE_ON),
        docs=(slip,),
    )
    form = {"place": rooms(clerk.unit)[2], "reason": "补录：移位单当时未交"}
    book.act(
        [Ask(stream, "relocate", form)],
        occasion,
        key="example-late-paper",
        via=via(clerk, LATE_ON),
        context={"channel": "demo"},
        zone=ZONE,
    )


def put_right(book: Book, stream: str) -> None:
    """Take back a value that was entered a hundred times too high."""
    accountant = who("o_ex_edu", Role.ACCOUNTANT)
    state = book.stream(stream)
    wrong = next(e for e in state.entries if e.event.type_name == "asset.value_corrected")
    occasion = Occasion(
        by=accountant.id,
        on=PUT_RIGHT_ON,
        unit=accountant.unit,
        role=accountant.role,
        policy=city_rules.in_force(accountant.unit, PUT_RIGHT_ON),
        docs=(Document(type="voucher", number="2026-记-0911", issued=PUT_RIGHT_ON),),
    )
    book.reverse(
        stream,
        wrong.seq,
        occasion,
        reason="金额单位误录（元录成分的一百倍），红冲",
        key="example-reversal",
        via=via(accountant, PUT_RIGHT_ON),
        context={"channel": "demo"},
    )


def via(person: Person, on: date) -> Via:
    """Say how the example's requests came in, and under which rules."""
    rules = city_rules.in_force(person.unit, on)
    return Via(unit=person.unit, role=person.role, channel="demo", policy=rules.reference)
