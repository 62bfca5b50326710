"""进程内一次办理 · One command inside the process: load, decide, append, project."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg

from benchmarks.measuring import Bar, Figure, percentile
from benchmarks.places import EQUAL_POSTGRESQL, EQUAL_SQLITE, Place, sqlite_raw
from benchmarks.workload import fill
from domain.decider import Ask, Occasion
from ledger.book import Book
from ledger.entry import Via
from projections.inventory import one
from projections.store import ReadModels

COMMANDS = 2_400
HISTORY = 50_000  # events that are there before
TURN = 20  # commands, then as many one-row inserts: both see the same neighbours
CLERK = Occasion(by="u_clerk", on=date(2025, 3, 3), unit="o_00", role="clerk")
WEB = Via(unit="o_00", role="clerk", channel="web", policy="generic")
CONTEXT = {"channel": "web", "request": "0123456789abcdef", "address": "127.0.0.1", "device": ""}
# An asset at hand goes round: each verb is lawful after the one before.
ROUND = (
    ("issue", {"user": "u_00001", "place": "p_001", "purpose": "日常办公"}),
    ("relocate", {"place": "p_002", "reason": "办公室调整"}),
    ("hand_over_to", {"user": "u_00002", "reason": "岗位变动"}),
    ("take_back", {"condition": "完好", "reason": "不再需要", "place": "p_001"}),
)


def run(place: Place) -> Iterator[Figure]:
    """Yield p50 and p99 on both databases, each beside a one-row insert."""
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        ours, floor = _measure(place, back_end)
        beside = "one-row insert, same settings"
        for percent, bar in ((50, Bar()), (99, Bar(ratio_most=6))):
            yield Figure(
                work=f"{title}, p{percent}",
                ours=percentile(ours, percent),
                unit="ms",
                floor=percentile(floor, percent),
                beside=beside,
                bar=bar,
            )
        yield Figure(
            work=f"{title}, one after another",
            ours=1000 * len(ours) / sum(ours),
            unit="commands/s",
            floor=1000 * len(floor) / sum(floor),
            beside=beside,
        )


def asks(streams: list[str], count: int) -> list[Ask]:
    """Return lawful commands, each for another asset than the one before."""
    found = [
        Ask(stream, verb, dict(form)) for verb, form in ROUND for stream in streams[: count // 4]
    ]
    assert len(found) == count, "too few assets for so many commands"
    return found


def _measure(place: Place, back_end: str) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each command and of each one-row insert."""
    count = place.size(COMMANDS) // 4 * 4
    url, floor_url = place.fresh(back_end), place.fresh(back_end)
    lives = fill(url, max(place.size(HISTORY), 4_000))
    insert, close = _floor(floor_url)
    book, models = Book.open(url), ReadModels.open(url)
    ours: list[float] = []
    floor: list[float] = []
    try:
        models.rebuild(book)
        everything = asks(lives.regular(), count)
        size, _, _ = book.head()
        state = next(book.log.rows(size, size))[0][4]
        for ask in asks(lives.regular()[-40:], 40):  # the first of anything is another matter
            _command(book, models, ask)
        for number in range(40):
            insert(-1 - number, state)
        for start in range(0, count, TURN):
            for ask in everything[start : start + TURN]:
                begin = time.perf_counter()
                _command(book, models, ask)
                ours.append(1000 * (time.perf_counter() - begin))
            for number in range(start, min(start + TURN, count)):
                begin = time.perf_counter()
                insert(number, state)
                floor.append(1000 * (time.perf_counter() - begin))
        last = everything[-1].stream
        row = models.one(one(last.removeprefix("asset/")))
        assert row is not None
        assert (row["custody"], row["place"]) == ("store", "p_001"), "the answer is not in the list"
        assert book.head()[0] == size + count + 40 == models.position()
    finally:
        close()
        models.close()
        book.close()
        place.forget(url)
        place.forget(floor_url)
    return ours, floor


def _command(book: Book, models: ReadModels, ask: Ask) -> None:
    receipt = book.act([ask], CLERK, via=WEB, context=CONTEXT)
    reached = models.catch_up(book, upto=receipt.last)  # as the office asks
    assert reached >= receipt.last, "the list does not show what was acknowledged"


def _floor(url: str) -> tuple[Callable[[int, bytes], object], Callable[[], None]]:
    """Return a one-row insert with its own commit, and how to close its connection."""
    values: tuple[Any, ...] = (1, "asset.relocated")
    leaf = bytes(32)
    if url.startswith("sqlite:"):
        lite = sqlite_raw(url)
        lite.execute(EQUAL_SQLITE)
        sql = "INSERT INTO equal VALUES (?,?,?,?,?,?)"
        return (
            lambda n, state: lite.execute(sql, (n, f"asset/{n}", *values, state, leaf)),
            lite.close,
        )
    server = psycopg.connect(url, autocommit=True)
    server.execute(EQUAL_POSTGRESQL)
    sql_server = "INSERT INTO equal VALUES (%s,%s,%s,%s,%s,%s)"
    return (
        lambda n, state: server.execute(
            sql_server, (n, f"asset/{n}", *values, state, leaf), prepare=True
        ),
        server.close,
    )
