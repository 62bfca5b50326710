"""The example city (示例市): a committed rule that fills the book with eighteen months of work.

Everything in it is invented and says so (`example`, `dataset="example"`). The same seed gives
the same facts, ids and dates; only salts and the time of recording differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from api import city_story
from api.city_people import OFFICES, PEOPLE, Person, rooms, who
from api.city_rehearsal import ZONE, rehearse
from api.importing_facts import Progress
from domain.decider import Ask, Document, Occasion
from domain.policy import GENERIC
from domain.words import Role
from ledger.book import Book
from ledger.entry import Draft, Via

CLAIM: Final = "demo"
WHOLE: Final = "city"
CHUNK_ENTRIES: Final = 1_000
# The last fortnight is recorded after the second thoughts, so that its claim means "complete".
LAST_PART: Final = "2026-10-19"
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
    """Record the city, or the rest of it after an interruption; return how many entries were new."""
    story = city_story.tell()
    facts = rehearse(story.acts)
    before = book.log.head()[0]
    early = [draft for draft in facts if draft.effective_at < LAST_PART]
    late = [draft for draft in facts if draft.effective_at >= LAST_PART]
    done = 0
    for number, chunk in enumerate(chunks(early)):
        record(book, chunk, f"{WHOLE}:{number}")
        done += len(chunk)
        if progress is not None:
            progress(*WORDS, done, len(facts))
    hear_late(book, story.late)
    put_right(book, story.mistake)
    record(book, late, WHOLE)
    if progress is not None:
        progress(*WORDS, len(facts), len(facts))
    return book.log.head()[0] - before


def chunks(facts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """Cut into transactions; what one act wrote stays together, so that it can be reversed."""
    chunk: list[Draft] = []
    for draft in facts:
        if len(chunk) >= CHUNK_ENTRIES and draft.cause != chunk[-1].cause:
            yield chunk
            chunk = []
        chunk.append(draft)
    if chunk:
        yield chunk


def record(book: Book, chunk: Sequence[Draft], key: str) -> None:
    """Record a part of the city once."""
    if book.log.claimed(CLAIM, key) is None:
        book.append(
            chunk,
            actor=who(OFFICES, Role.ADMIN).id,
            cause=f"ex_{key}",
            context={"channel": "demo"},
            claims=[(CLAIM, key, chunk[0].stream)],
        )


def hear_late(book: Book, stream: str) -> None:
    """Record a move of March whose slip turned up months later (business date and recording)."""
    clerk = who("o_ex_edu", Role.CLERK)
    slip = Document(type="transfer_slip", number="示移〔2026〕31号", issued=LATE_ON)
    occasion = Occasion(
        by=clerk.id, on=LATE_ON, unit=clerk.unit, role=clerk.role, policy=GENERIC, docs=(slip,)
    )
    form = {"place": rooms(clerk.unit)[2], "reason": "补录：移位单当时未交"}
    book.act(
        [Ask(stream, "relocate", form)],
        occasion,
        key="example-late-paper",
        via=via(clerk),
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
        policy=GENERIC,
        docs=(Document(type="voucher", number="2026-记-0911", issued=PUT_RIGHT_ON),),
    )
    book.reverse(
        stream,
        wrong.seq,
        occasion,
        reason="金额单位误录（元录成分的一百倍），红冲",
        key="example-reversal",
        via=via(accountant),
        context={"channel": "demo"},
    )


def via(person: Person) -> Via:
    """Say how the example's requests came in."""
    return Via(unit=person.unit, role=person.role, channel="demo", policy=GENERIC.reference)
