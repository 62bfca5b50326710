"""读取批次 · Batches of radio readings: keep, recognise, answer, add up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec
import psycopg

from api import observing
from api.office import Actor, Office
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, collector_off, medians, seconds, short
from benchmarks.places import Place
from labels import epc

READS, TAGS, BATCH = 100_000, 2_000, 1_000
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
_encode = msgspec.json.Encoder().encode


def run(place: Place) -> Iterator[Figure]:
    """Yield raw reads a second on both databases, over bare inserts of the same readings."""
    reads = max(BATCH, place.size(READS))
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        office = Office.open(Settings(database=place.fresh(back_end)))
        try:
            contents = _tagged(place, office)
            for counted in (False, True):
                yield _figure(place, office, back_end, title, reads, contents, counted)
        finally:
            office.close()


def _tagged(place: Place, office: Office) -> list[str]:
    """Put things with tags on the books; return what the tags say."""
    tags = max(BATCH // 2, place.size(TAGS))
    contents = [epc.giai("697123456", str(10**11 + n)).hex for n in range(tags)]
    for n, content in enumerate(contents):
        card = {"asset_no": f"ZC-{n}", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
        card |= {"value": 100_000}
        office.ask_many(
            [
                (f"asset/A{n}", "register_existing", card),
                (f"asset/A{n}", "bind_tag", {"epc": content}),
            ],
            CLERK,
            shown=False,
        )
    office.show(office.book.log.head()[0])
    return contents


def _counting(office: Office, session: str) -> None:
    """Begin a count that the readings of a session belong to."""
    plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31", "confirm_from": 10**9}
    office.ask(f"stocktake/{session}", "plan_stocktake", plan, CLERK)
    office.ask(f"stocktake/{session}", "begin_count", {}, CLERK)


def _figure(
    place: Place,
    office: Office,
    back_end: str,
    title: str,
    reads: int,
    contents: list[str],
    counted: bool,
) -> Figure:
    turn = iter(range(1_000))

    def ours() -> float:
        session = f"{'C' if counted else 'S'}{next(turn)}"
        if counted:
            _counting(office, session)
        bodies = [_body(session, n, contents) for n in range(reads // BATCH)]
        spent = seconds(lambda: [_taken(office, body) for body in bodies])
        summed = sum(int(str(row["reads"])) for row in office.readings.seen(session))
        assert summed == reads, f"{summed} of {reads} reads were counted"
        return reads / spent

    with collector_off():
        floor_of = _floor if back_end == "sqlite" else _floor_of_a_server
        rate, floor = medians(place.times(reads), ours, lambda: floor_of(place, reads, contents))
    return Figure(
        work=f"{title}, {short(reads)} reads of {len(contents):,} tags, {BATCH:,} a batch"
        + (", each judged in a count" if counted else ""),
        ours=rate,
        unit="reads/s",
        floor=floor,
        beside=f"bare {'inserts' if back_end == 'sqlite' else 'COPY'}, a transaction a batch, same settings",
        bar=Bar(least=20_000),
    )


def _body(session: str, n: int, contents: list[str]) -> bytes:
    return _encode(
        {
            "session": session,
            "device_id": f"{session}-PDA",
            "batch_seq": n + 1,
            "observations": [
                {"carrier": "rfid", "raw": content, "rssi": -50 - at % 30, "antenna": 1}
                | {"first_ms": at, "last_ms": at}
                for at in range(n * BATCH, (n + 1) * BATCH)
                for content in (contents[at * 7 % len(contents)],)
            ],
        }
    )


def _taken(office: Office, body: bytes) -> bytes:
    found, _ = observing.take(office, CLERK, observing.read_batch(body))
    assert found["status"] == "accepted" and len(found["results"]) > 1
    return _encode(found)


def _floor(place: Place, reads: int, contents: list[str]) -> float:
    """Insert the same readings with the plain driver and nothing else."""
    url = place.fresh("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE reading (raw TEXT, rssi INTEGER, first_ms INTEGER)")

    def work() -> None:
        for start in range(0, reads, BATCH):
            rows = [
                (contents[at * 7 % len(contents)], -50, at) for at in range(start, start + BATCH)
            ]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")

    spent = seconds(work)
    connection.close()
    return reads / spent


def _floor_of_a_server(place: Place, reads: int, contents: list[str]) -> float:
    """Copy the same readings to a server with the plain driver and nothing else."""
    url = place.fresh("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE reading (raw TEXT, rssi INTEGER, first_ms INTEGER)")

        def work() -> None:
            for start in range(0, reads, BATCH):
                lines = (
                    f"{contents[at * 7 % len(contents)]}\t-50\t{at}\n"
                    for at in range(start, start + BATCH)
                )
                with connection.cursor().copy("COPY reading FROM STDIN") as copy:
                    copy.write("".join(lines))

        spent = seconds(work)
    place.forget(url)
    return reads / spent
