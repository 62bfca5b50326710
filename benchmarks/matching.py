"""匹配 · Matching wants and listings: the best allocation, new listings, the catalogue."""

from __future__ import annotations

import csv
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import accumulate, chain
from pathlib import Path

import msgspec

from api.office import Actor, Office
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, percentile, seconds, short
from benchmarks.places import Place
from benchmarks.workload import VIA, chunks, record
from domain.asset import AssetRegistered, Kind
from domain.decider import Event
from domain.demand import DemandPublished
from domain.use import DeclaredIdle
from domain.warehouse import ListedForReuse
from ledger.book import Book, new_id
from ledger.entry import Draft
from projections.allocating import allocate, first_come, objective
from projections.matching import Index, Listing, Terms, Want
from projections.naming import Catalogue

LISTINGS = (10_000, 30_000, 100_000)  # and a tenth as many wants
TODAY = date(2026, 6, 1)
SEED = 20260601
ASKED = 200
TOLD = 40  # things listed through the doors
NEW_UNIT = "o_new"
# Rows by supply class of six quarters of the 1033 programme: shipped, shipped or refused, and how
# many different items (published by the US Defense Logistics Agency, public domain). Within a class
# the item of rank n is 1/n as frequent as the first; everything else is drawn evenly.
CLASSES = Path(__file__).with_name("reallocated_classes.csv")
REGIONS = [f"15{city:02d}{county:02d}" for city in range(1, 10) for county in range(1, 11)]


class Market(msgspec.Struct):
    """Everything on offer and everything asked for."""

    listings: list[Listing]
    wants: list[Want]


def market(listings: int, wants: int, seed: int = SEED) -> Market:
    """Draw listings and wants; the same seed draws the same ones."""
    some = random.Random(seed)
    with CLASSES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items = {row["class"]: int(row["items"]) for row in rows}
    weights = {n: list(accumulate(1 / k for k in range(1, n + 1))) for n in set(items.values())}

    def drawn(column: str, count: int) -> Iterator[tuple[str, str]]:
        parts = [int(row[column]) for row in rows]
        for class_ in some.choices(list(items), parts, k=count):
            number = items[class_]
            (item,) = some.choices(range(number), cum_weights=weights[number])
            yield f"{class_}-00-{item // 10_000:03d}-{item % 10_000:04d}", f"{class_} 物品 {item}"

    return Market(
        [
            Listing(
                id=f"L{at}",
                name=name,
                class_code=code,
                class_scheme="NSN",
                quantity=some.choice((1, 1, 1, 1, 2, 3, 5, 20)),
                condition=some.choice(("new", "good", "good", "fair", "poor")),
                life_months=some.randrange(0, 120),
                unit=f"o_{some.randrange(500)}",
                region=some.choice(REGIONS),
                delivered=some.random() < 0.3,
                available_from=TODAY + timedelta(days=some.randrange(120)),
            )
            for at, (code, name) in enumerate(drawn("shipped", listings))
        ],
        [
            Want(
                id=f"W{at}",
                name=name,
                class_code=code,
                class_scheme="NSN",
                quantity=some.choice((1, 1, 2, 3, 5, 10, 30)),
                condition_least=some.choice(("", "", "fair", "good")),
                unit=f"o_{some.randrange(500)}",
                region=some.choice(REGIONS),
                needed_by=TODAY + timedelta(days=some.randrange(10, 200)),
                priority=some.choice((1, 2, 3, 9, 9, 9, 9)),
                since=TODAY - timedelta(days=some.randrange(365)),
            )
            for at, (code, name) in enumerate(drawn("requested", wants))
        ],
    )


def run(place: Place) -> Iterator[Figure]:
    """Yield the allocation at three sizes beside first come, and what one thing takes among all."""
    for size in LISTINGS:
        count = place.size(size)
        with multiprocessing.get_context("spawn").Pool(1) as alone:  # for a memory of its own
            found = alone.apply(measure, (count, count // 10))
        yield from found.figures(size == LISTINGS[-1])
    yield from _one_by_one(place.size(LISTINGS[-1]))
    for back_end in ("sqlite", "postgresql"):
        yield _recorded(place, back_end, place.size(LISTINGS[-1]))


class Found(msgspec.Struct):
    """What one allocation took and what it reached."""

    name: str
    taken: float
    greedy: float
    gap: int
    megabytes: float
    pairs: int
    tried: int
    quantity: tuple[int, int]
    first: tuple[int, int]
    fit: tuple[float, float]

    def figures(self, judged: bool) -> Iterator[Figure]:
        """Yield the lines of the table."""
        came = "first come, first served"

        def bar(most: float) -> Bar:
            return Bar(most=most) if judged else Bar()

        yield Figure(
            work=f"allocation, {self.name}, {self.pairs / 1e6:.3g}M pairs, {self.tried:,} tried",
            ours=self.taken,
            unit="s",
            floor=self.greedy,
            beside=came,
            bar=bar(30),
        )
        yield Figure(work=f"gap to the bound, {self.name}", ours=self.gap, unit="", bar=Bar(most=0))
        yield Figure(work=f"memory, {self.name}", ours=self.megabytes, unit="MB", bar=bar(2048))
        for work, (ours, theirs), unit in (
            ("given to priority 1", self.first, "pieces"),
            ("given in all", self.quantity, "pieces"),
            ("fit of what is given", self.fit, "of 1000"),
        ):
            yield Figure(
                work=f"{work}, {self.name}", ours=ours, unit=unit, floor=theirs, beside=came
            )


def measure(listings: int, wants: int) -> Found:
    """Allocate once, in this process."""
    held, terms = market(listings, wants), Terms(on=TODAY)
    start = time.perf_counter()
    best = allocate(held.wants, held.listings, terms, seed=str(SEED))
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    grants = first_come(held.wants, held.listings, terms)
    greedy = time.perf_counter() - start
    came = objective(grants, held.wants, held.listings, terms)
    assert best.objective.least_first <= came.least_first
    both = (best.objective, came)
    one, other = (sum(n for priority, _, n in o.served if priority == 1) for o in both)
    return Found(
        name=f"{short(listings)} × {short(wants)}",
        taken=taken,
        greedy=greedy,
        gap=best.gap,
        megabytes=peak / (2**20 if sys.platform == "darwin" else 2**10),
        pairs=sum(part.pairs for part in best.parts),
        tried=sum(part.tried for part in best.parts),
        quantity=(both[0].quantity, both[1].quantity),
        first=(one, other),
        fit=(1000 - both[0].fit / both[0].quantity, 1000 - both[1].fit / both[1].quantity),
    )


def _one_by_one(count: int) -> Iterator[Figure]:
    held, terms = market(count, count // 10), Terms(on=TODAY)
    offered, asked = Index(items=held.listings), Index(items=held.wants)
    size = f"{short(count)} listings, {short(count // 10)} wants"
    new = market(ASKED, ASKED, SEED + 1)

    def each(work: Callable[[int], object]) -> float:
        return percentile([seconds(lambda at=at: work(at)) for at in range(ASKED)], 95)

    def listed(at: int) -> None:
        listing = msgspec.structs.replace(new.listings[at], id=f"N{at}")
        offered.put(listing)
        asked.waiting(listing, terms)

    yield Figure(
        work=f"a new listing finds its wants, {size}, p95",
        ours=each(listed) * 1000,
        unit="ms",
        bar=Bar(most=1000),
    )
    yield Figure(
        work=f"a want ranks the listings, {size}, p95",
        ours=each(lambda at: offered.best(new.wants[at], terms)) * 1000,
        unit="ms",
    )
    catalogue = Catalogue((x.id, (x.name, x.class_code)) for x in held.listings)
    some = random.Random(SEED)
    words = ["物品", "wp", "物品 7", "wp1", "8415", "没有这样的东西", "台式机"]
    queries = [some.choice([*words, some.choice(held.listings).name]) for _ in range(ASKED)]
    yield Figure(
        work=f"search of the catalogue, {short(count)} listings, p95",
        ours=each(lambda at: catalogue.search(queries[at])) * 1000,
        unit="ms",
        bar=Bar(most=100),
    )


# Through the doors: recorded, and told to whom it fits -----------------------------


def _recorded(place: Place, back_end: str, count: int) -> Figure:
    """Measure how long it takes until a listing is recorded and the wants it fits have heard of it."""
    url, held, new = place.fresh(back_end), market(count, count // 10), market(TOLD, 1, SEED + 1)
    book = Book.open(url)
    for portion in chunks(_drafts(held)):
        record(book, portion)
    book.close()
    clerk = Actor(person="u_clerk", unit=NEW_UNIT, role="clerk")
    admin = Actor(person="u_admin", unit=NEW_UNIT, role="admin")
    office = Office.open(Settings(database=url, files=place.folder))
    try:
        name = {"name": "示例单位", "kind": "organ"}
        office.ask(f"unit/{NEW_UNIT}", "establish", name, admin)
        times, heard = [], 0
        for at, listing in enumerate(new.listings):
            stream = f"asset/N{at}"
            card = {"asset_no": f"N{at}", "name": listing.name, "kind": "other", "unit": NEW_UNIT}
            code = {"class_code": listing.class_code, "class_scheme": listing.class_scheme}
            office.ask(stream, "register_existing", card | code, clerk)
            office.ask(stream, "declare_idle", {}, clerk)
            before = office.book.head()[0]
            times.append(seconds(lambda s=stream: office.ask(s, "list_for_reuse", {}, clerk)))
            heard += office.book.head()[0] - before - 1
        assert heard, "no want heard of anything"
    finally:
        office.close()
        place.forget(url)
    return Figure(
        work=f"a listing recorded and its wants told, {back_end}, {short(count)} listings,"
        f" {short(count // 10)} wants, p95",
        ours=percentile(times, 95) * 1000,
        unit="ms",
        bar=Bar(most=1000),
    )


def _drafts(held: Market) -> Iterator[Draft]:
    """Yield what an import would record: every card registered, idle and listed, and every want."""
    at = f"{TODAY}T00:00:00+08:00"
    cause = new_id("imp")
    facts: Iterator[tuple[str, tuple[Event, ...]]] = chain(
        ((f"asset/{x.id}", _listed(x)) for x in held.listings),
        ((f"demand/{w.id}", (_wanted(w),)) for w in held.wants),
    )
    for stream, events in facts:
        for seq, event in enumerate(events, 1):
            yield Draft(
                stream=stream,
                seq=seq,
                event=event,
                actor="u_import",
                cause=cause,
                effective_at=at,
                via=VIA,
            )


def _listed(listing: Listing) -> tuple[Event, ...]:
    return (
        AssetRegistered(
            asset_no=listing.id,
            name=listing.name,
            kind=Kind.OTHER,
            unit=listing.unit,
            class_code=listing.class_code,
            class_scheme=listing.class_scheme,
            quantity=str(listing.quantity),
        ),
        DeclaredIdle(since=TODAY),
        ListedForReuse(listed_on=TODAY, available_from=listing.available_from),
    )


def _wanted(want: Want) -> Event:
    assert want.needed_by is not None
    return DemandPublished(
        applicant="u_asker",
        to_unit=want.unit,
        kind=Kind.OTHER,
        item=want.name,
        quantity=str(want.quantity),
        needed_by=want.needed_by,
        need=None,
        rank=want.priority,
        class_code=want.class_code,
        class_scheme=want.class_scheme,
    )
