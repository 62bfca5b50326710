"""一个月的折旧 · A month of depreciation: one entry, every card a line of its evidence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

from api.booking import Booking
from api.depreciating import Depreciating
from benchmarks.measuring import Bar, Figure, collector_off, seconds
from benchmarks.places import Place
from domain.asset import AssetRegistered, Kind
from domain.decider import Ask, Occasion
from domain.depreciating import Life, LivesAdopted
from ledger.book import Book
from ledger.entry import Draft, claim_time
from projections.changes import Only, Span
from projections.scope import EVERYTHING
from projections.store import ReadModels

SIZES = (10_000, 30_000, 100_000)
FAULTS = 10
UNIT, ACQUIRED = "o_00", date(2024, 1, 15)
SECONDS_MOST = 60.0
LIVES = LivesAdopted(title="T", source="S", lives=(Life(months=72, kind="computer"),))


def run(place: Place) -> Iterator[Figure]:
    """Yield the seconds of a month at each size, beside a plain sum over the same cards."""
    for size in SIZES:
        yield from _measure(place, place.size(size), judged=size == SIZES[-1])


def _measure(place: Place, cards: int, *, judged: bool) -> Iterator[Figure]:
    url = place.fresh("sqlite")
    book, models = Book.open(url), ReadModels.open(url)
    try:
        _fill(book, cards)
        models.catch_up(book)
        running = Depreciating(book, models.rows)
        for number, month in enumerate(("2024-01", "2024-02")):
            spent = seconds(lambda: _post(book, running, month))  # noqa: B023 - called at once
            wear: Any = book.stream(f"depreciation/{UNIT}").state
            (total,) = wear.totals
            assert len(running.document(wear.sha256).faults) == FAULTS
            assert total.charge == (cards - FAULTS) * 1_000, "not everything was written off"
            with collector_off():
                floor = seconds(lambda: _sum(url))
            yield Figure(
                work=f"SQLite, {cards:,} cards, {('first', 'next')[number]} month, {FAULTS} faults",
                ours=spent,
                unit="s",
                floor=floor,
                beside="SQL: sum and count of the same cards",
                bar=Bar(most=SECONDS_MOST) if judged else Bar(),
            )
        spent = seconds(lambda: _check(running))
        yield Figure(work=f"SQLite, {cards:,} cards, cards = lines = totals", ours=spent, unit="s")
        booking = Booking(book, models.rows, running)
        for said, start, moved in (
            ("the month they came and the next", "2023-12-31", cards),
            ("a month in which nothing came", "2024-01-31", 0),
        ):
            spent = seconds(lambda: _moved(booking, start, moved))  # noqa: B023 - called at once
            yield Figure(
                work=f"SQLite, {cards:,} cards, movement by cause, {said}", ours=spent, unit="s"
            )
    finally:
        models.close()
        book.close()
        place.forget(url)


def _fill(book: Book, cards: int) -> None:
    at = claim_time(ACQUIRED, "Asia/Shanghai", book.clock())
    said: dict[str, Any] = {"seq": 1, "actor": "u_book", "cause": "cmd_fill", "effective_at": at}
    drafts = [Draft(stream=f"depreciation/{UNIT}", event=LIVES, **said)]
    for number in range(cards):
        event = AssetRegistered(
            asset_no=f"ZC-{number:06}",
            name="计算机",
            kind=Kind.COMPUTER,
            unit=UNIT,
            value=None if number < FAULTS else 72_000,
            acquired=ACQUIRED,
        )
        drafts.append(Draft(stream=f"asset/{number:06}", event=event, **said))
    for start in range(0, len(drafts), 5_000):
        book.append(drafts[start : start + 5_000], actor="u_book", cause="cmd_fill")


def _post(book: Book, running: Depreciating, month: str) -> None:
    asks = [Ask(f"depreciation/{UNIT}", "post", {"month": month})]
    today = book.clock().date()
    occasion = Occasion(by="u_book", on=today, unit=UNIT, role="accountant")
    informed, evidence = running.informed(occasion, asks)
    book.act(asks, informed, evidence=evidence)


def _check(running: Depreciating) -> None:
    assert running.agreement(UNIT, "2024-02") == []


def _moved(booking: Booking, start: str, came: int) -> None:
    span = Span(start=start, end="2024-02-29")
    told = booking.statement(EVERYTHING, span, Only(unit=UNIT))
    (row,) = told.rows
    assert told.differences == ()
    assert row.increases.count == came
    assert row.opening + row.increases + -row.decreases == row.closing


def _sum(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("SELECT count(*), sum(value) FROM inventory GROUP BY kind").fetchall()
