"""闲置线索 · What shows as idle: a page of it among many cards, and all of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from api.office import Office
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, short
from benchmarks.places import Place
from domain.asset import AssetRegistered, Kind
from domain.decider import Event
from domain.policy import Policy, UnderUse, written
from domain.ruling import PolicyProposed, PolicyPublished
from domain.standards import Basis, StandardDrafted, StandardPublished
from domain.unit import PostsAuthorised, UnitEstablished, UnitKind
from domain.use import IssuedToUser, Relocated, ReturnedByUser
from ledger.book import Book
from ledger.entry import Draft
from projections.idling import Asked
from projections.scope import EVERYTHING

SIZES = (10_000, 30_000, 100_000)
SEED = 20260101
UNITS, AT_ONCE, ROWS = 100, 9_000, 100
DAY_ONE = date(2025, 1, 1)
RULES = Policy(
    name="idle",
    version=1,
    idle_days=260,
    under_use=(UnderUse(within_days=365, kinds=frozenset({"instrument"}), hours_below=100),),
)
KINDS = (Kind.COMPUTER, Kind.COMPUTER, Kind.FURNITURE, Kind.FURNITURE, Kind.OFFICE, Kind.INSTRUMENT)


def run(place: Place) -> Iterator[Figure]:
    """Yield the first page and all of it at each size."""
    for size in SIZES:
        yield from _figures(place, place.size(size), judged=size == SIZES[-1])


def _figures(place: Place, cards: int, *, judged: bool) -> Iterator[Figure]:
    url = place.fresh("sqlite")
    with Book.open(url) as book:
        drafts: list[Draft] = []
        for draft in told(cards):
            drafts.append(draft)
            if len(drafts) >= AT_ONCE:
                book.append(drafts, actor="u_1", cause="benchmark")
                drafts.clear()
        book.append(drafts, actor="u_1", cause="benchmark")
    office = Office.open(Settings(database=url))
    try:
        asked = Asked(on=date(2025, 12, 31))
        begin = time.process_time()
        first = office.idling.page(EVERYTHING, asked, "", ROWS)
        page = time.process_time() - begin
        begin = time.process_time()
        office.idling.page(EVERYTHING, asked, first.more, ROWS)
        second = time.process_time() - begin
        begin = time.process_time()
        whole = office.idling.told(EVERYTHING, asked)
        everything = time.process_time() - begin
    finally:
        office.close()
        place.forget(url)
    assert first.found == whole.found[: len(first.found)]
    for work, spent in (("first", page), ("second", second)):
        yield Figure(
            work=f"{work} page of {ROWS} of what shows as idle, {short(cards)} cards (CPU)",
            ours=spent * 1000,
            unit="ms",
            bar=Bar(most=1000) if judged else Bar(),
        )
    yield Figure(
        work=f"all {len(whole.found)} of what shows as idle, {short(cards)} cards (CPU)",
        ours=everything * 1000,
        unit="ms",
    )


def told(cards: int) -> Iterator[Draft]:
    """Yield the facts of units, rules, a standard and cards, of which some were not used for long."""
    some = random.Random(SEED)
    for number in range(UNITS):
        yield from _stream(
            f"unit/o_{number:03}",
            (0, UnitEstablished(name=f"单位{number}", kind=UnitKind.ORGAN)),
            (0, PostsAuthorised(posts=200, order_no="1")),
        )
    proposed = PolicyProposed(
        drafter="u", version=1, title="a", title_en="a", content=written(RULES)
    )
    since = DAY_ONE + timedelta(days=1)
    yield from _stream(
        "policy/idle", (1, proposed), (1, PolicyPublished(version=1, in_force_from=since))
    )
    each: dict[str, Any] = {"kind": Kind.COMPUTER, "class_code": "A02", "basis": Basis.POST}
    drafted = StandardDrafted(drafter="u", title="计算机", quantity="1.8", **each)
    yield from _stream("standard/S", (1, drafted), (1, StandardPublished(in_force_from=since)))
    for number in range(cards):
        kind, on = some.choice(KINDS), some.randrange(100)
        unit = f"o_{number % UNITS:03}"
        code = "A02" if kind is Kind.COMPUTER else "A05"
        card = AssetRegistered(
            asset_no=f"N{number:06}",
            name="物品",
            kind=kind,
            unit=unit,
            class_code=code,
            value=100_000,
        )
        facts: list[tuple[int, Event]] = [(on, card)]
        for _ in range(2):
            on += some.randrange(1, 60)
            facts.append((on, IssuedToUser(unit=unit, user="u_1", place="p_1")))
            on += some.randrange(1, 60)
            facts.append((on, Relocated(place="p_2")))
            if some.random() < 0.5:
                on += some.randrange(1, 60)
                facts.append((on, ReturnedByUser()))
        yield from _stream(f"asset/A{number:06}", *facts)


def _stream(name: str, *facts: tuple[int, Event]) -> Iterator[Draft]:
    for seq, (days, event) in enumerate(facts, 1):
        on = f"{DAY_ONE + timedelta(days=days)}T00:00:00+08:00"
        yield Draft(
            stream=name, seq=seq, event=event, actor="u_1", cause="benchmark", effective_at=on
        )
