"""盘点 · Stock-taking: the list frozen, and the count closed with its differences."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from api import scanned
from api.office import Actor, Office
from api.scanned import Kept
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, short
from benchmarks.places import Place

ITEMS, AT_ONCE, PLACES = 100_000, 5_000, 100
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
KEEPER = Actor(person="u_keeper", unit="o_a", role="keeper")
DAY = "2099-12-31"


def run(place: Place) -> Iterator[Figure]:
    """Yield how long it takes to open and to close, on both databases."""
    items = max(1_000, place.size(ITEMS))
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        office = Office.open(Settings(database=place.fresh(back_end)))
        try:
            yield from _figures(office, title, items)
        finally:
            office.close()


def _figures(office: Office, title: str, items: int) -> Iterator[Figure]:
    for start in range(0, items, AT_ONCE):
        cards = range(start, min(items, start + AT_ONCE))
        office.ask_many([_card(n) for n in cards], CLERK, shown=False)
    office.show(office.book.log.head()[0])
    plan: dict[str, Any] = {"unit": "o_a", "title": "年度盘点", "due": DAY}
    office.ask("stocktake/S", "plan_stocktake", plan, CLERK)
    spent = _seconds(office, "begin_count")
    state = office.book.stream("stocktake/S").state
    assert state.items == items, f"{state.items} of {items} are on the list"
    yield Figure(
        work=f"{title}, list of {short(items)} things frozen and hashed",
        ours=spent,
        unit="s",
        bar=Bar(most=5.0),
    )
    office.ask("stocktake/S", "join_count", {"device": "d"}, KEEPER)
    kept = [_scan(n, at) for at, n in enumerate((n for n in range(items) if n % 20), start=1)]
    for start in range(0, len(kept), 1_000):
        office.scanned.keep("S", kept[start : start + 1_000])
    office.scanned.declare("S", "d", len(kept), 1, "")
    spent = _seconds(office, "end_count")
    state = office.book.stream("stocktake/S").state
    expected = sum(1 for n in range(items) if not n % 20 or not n % 7)
    assert state.found == expected, f"{state.found} differences, {expected} made"
    yield Figure(
        work=f"{title}, {short(len(kept))} scans closed, {short(state.found)} differences",
        ours=spent,
        unit="s",
        bar=Bar(most=5.0),
    )


def _seconds(office: Office, verb: str) -> float:
    begin = time.perf_counter()
    office.ask("stocktake/S", verb, {}, CLERK)
    return time.perf_counter() - begin


def _card(n: int) -> tuple[str, str, dict[str, Any]]:
    card = {"asset_no": f"ZC-{n:06}", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
    return f"asset/A{n:06}", "register_existing", card | {"place": f"p_{n % PLACES}"}


def _scan(n: int, number: int) -> Kept:
    """Return the scan of one thing; every seventh stands in the wrong place."""
    place = f"p_{(n + (not n % 7)) % PLACES}"
    body = scanned.canonical(
        {"n": number, "at": "2026-11-02T08:00:00.000Z", "code": f"ZC-{n:06}", "place": place}
    )
    digest = scanned.digest(body)
    return Kept("d", number, digest, body, "u_keeper", 1, "", "right", f"A{n:06}", "{}", 0)
