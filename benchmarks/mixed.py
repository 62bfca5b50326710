"""八个客户端混合读写 · Eight clients that read and write: steps, cards, lists, searches, open steps."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Figure, median_pair, percentile
from benchmarks.over_http import TURNS, Request, asked, up
from benchmarks.places import Place

CLIENTS = 8
WRITES = 1_200  # in all; each is followed by as many reads as there are below
# What is read after a step on an asset; the floor looks up one row each time.
READS = (
    "/api/v1/asset/{id}",
    "/api/v1/inventory?limit=50&unit=o_1",
    "/api/v1/inventory?limit=20&text={id}",
)
SELDOM = ("/api/v1/open-steps?limit=50", "/api/v1/asset/{id}/history", "/api/v1/head")


def run(place: Place) -> Iterator[Figure]:
    """Yield requests per second and latencies on both databases; any other answer than 200 ends it."""
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        count = max(10 * CLIENTS, place.size(WRITES))
        count -= count % (TURNS * CLIENTS)
        took: dict[str, list[float]] = {"ours": [], "floor": []}
        ours, floor = median_pair(
            pair for _ in range(place.repeats) for pair in _measure(place, back_end, count, took)
        )
        work = f"{title}, {CLIENTS} clients, a step and {len(READS) + 1} reads, 0 errors"
        beside = "FastAPI endpoint, one-row insert or look-up"
        yield Figure(work=work, ours=ours, unit="requests/s", floor=floor, beside=beside)
        for percent in (50, 99):
            yield Figure(
                work=f"{work}, p{percent}",
                ours=percentile(took["ours"], percent),
                unit="ms",
                floor=percentile(took["floor"], percent),
                beside=beside,
            )


def _measure(
    place: Place, back_end: str, count: int, took: dict[str, list[float]]
) -> Iterator[tuple[float, float]]:
    """Yield requests per second of ours and of the floor, turn by turn; add milliseconds."""
    with (
        up(place, back_end, "ours", count) as (ours, wanted),
        up(place, back_end, "floor", count) as (floor, _),
    ):
        for turn in range(TURNS):
            step = list(mixed(wanted[turn * count // TURNS : (turn + 1) * count // TURNS]))
            yield (
                asked(ours, "ours", CLIENTS, step, took["ours"]),
                asked(floor, "floor", CLIENTS, step, took["floor"]),
            )


def mixed(writes: list[Request]) -> Iterator[Request]:
    """Yield steps, with what people look at after each; dealt out, all of it is the same client's."""
    for start in range(0, len(writes), CLIENTS):
        hands = [
            [(path, body), *looked(path.split("/")[4], number)]
            for number, (path, body) in enumerate(writes[start : start + CLIENTS])
        ]
        for together in zip(*hands, strict=True):
            yield from together


def looked(asset: str, number: int) -> Iterator[Request]:
    """Yield what is read after a step on an asset."""
    for read in (*READS, SELDOM[number % len(SELDOM)]):
        yield read.format(id=asset), b""
