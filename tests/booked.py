"""What the tests of the books share: two units whose cards and runs are facts in a book."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from msgspec.structs import replace

from api.booking import Booking
from api.depreciating import Depreciating
from domain.booking import Row
from domain.decider import Ask, EntryReversed, Event, Occasion
from domain.depreciating import Life, LivesAdopted, carried, month_end, month_name
from ledger.book import Book, new_id
from ledger.entry import Corrects, Draft
from projections.changes import Only, Span
from projections.scope import EVERYTHING
from projections.store import ReadModels

LIVES = (Life(months=24, kind="computer"), Life(months=36, kind="furniture"))


class City:
    """Two units with tables of lives, whose names no other example uses, and what they post."""

    def __init__(self, book: Book, models: ReadModels) -> None:
        self.book, self.models = book, models
        mine = new_id().lower()
        self.units = (f"o_{mine}a", f"o_{mine}b")
        self.dataset = mine
        self.depreciating = Depreciating(book, self.rows)
        self.booking = Booking(book, self.rows, self.depreciating)
        self.streams: list[str] = []
        for unit in self.units:
            adopted = LivesAdopted(title="示例", source="示例", lives=LIVES)
            self.append(f"depreciation/{unit}", [(adopted, date(2024, 1, 1))])

    def rows(self, query: Any) -> Any:
        self.models.catch_up(self.book)
        return self.models.rows(query)

    def append(self, stream: str, facts: list[tuple[Event, date]]) -> None:
        begun, cause = self.book.stream(stream).version, f"cmd_{self.book.head()[0]}"
        drafts = [
            Draft(
                stream=stream,
                seq=begun + number,
                event=fact,
                actor="u_1",
                cause=cause,
                effective_at=f"{day}T00:00:00+08:00",
                corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
            )
            for number, (fact, day) in enumerate(facts, 1)
        ]
        self.book.append(drafts, actor="u_1", cause=cause)
        if stream.startswith("asset/") and stream not in self.streams:
            self.streams.append(stream)

    def post(self, unit: str, month: int) -> None:
        stream = f"depreciation/{unit}"
        wear = self.book.stream(stream).state
        told, evidence = self.depreciating.worked_out(unit, month_name(month), wear)
        occasion = Occasion(by="u_1", on=month_end(month), unit=unit, role="accountant")
        occasion = replace(occasion, stream=stream, seen=(told,))
        self.book.act(
            [Ask(stream, "post", {"month": month_name(month)})], occasion, evidence=evidence
        )

    def table(self, start: date, end: date, known: int | None = None) -> list[Row]:
        """Return the movements of both units; the inventory says the same on both days."""
        found: list[Row] = []
        for unit in self.units:
            span = Span(start=start.isoformat(), end=end.isoformat(), known=known)
            told = self.booking.statement(EVERYTHING, span, Only(unit=unit))
            assert told.differences == (), (unit, span)
            found += told.rows
        return found

    def folded(self, on: date, known: int | None = None) -> Counter[tuple[str, str, str, str]]:
        """Return count and cost of the cards by the log alone."""
        sums: Counter[tuple[str, str, str, str]] = Counter()
        for stream in self.streams:
            card = self.book.state_at(stream, on.isoformat(), known)
            if carried(card):
                key = (card.accounting_unit, card.kind.value, card.currency)
                sums[(*key, "count")] += 1
                sums[(*key, "cost")] += card.value or 0
        return +sums
