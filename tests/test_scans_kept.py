"""What a device was told is received is never lost: moved, killed, or raced by the end of a round."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from books import kill, opened, processes, started, unguarded
from doors import Door, app_of, registered, staffed
from test_stocktaking import CLERK, Device, did, picture, put
from test_stocktaking import opened as begun

from api import evidence
from api.captures import Captures
from api.office import Office
from api.readings import Readings
from api.scanned import Scanned, canonical, digest
from ledger.restoring import Unrestorable, lines, restore
from ledger.verifying import verify

KEEPERS = 3
THINGS = 40


def shelf(door: Door, things: int = THINGS) -> None:
    for n in range(things):
        registered(door, f"A{n}", asset_no=f"SL-{n:03}", place="p_1")


@contextmanager
def counting(database: str) -> Iterator[tuple[Office, Door]]:
    """Lend an office in the middle of a count, with scans, a contradiction, a picture and a batch."""
    with staffed(database) as office:
        door = Door(app_of(office))
        shelf(door, 6)
        begun(door)
        photo = hashlib.sha256(picture()).hexdigest()
        device = Device(door, "S1")
        for n in range(4):
            device.scan(f"SL-{n:03}")
        device.scan("窗台上没有标签", "", photo=photo, note="旧投影仪")
        device.send()
        assert put(door, picture()).status_code == 200
        device.queue[0] = device.queue[0] | {"code": "SL-005"}
        rest = {name: value for name, value in device.queue[0].items() if name != "hash"}
        text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        device.queue[0]["hash"] = hashlib.sha256(text.encode()).hexdigest()
        assert device.send(device.queue[0])["results"][0]["result"] == "conflict"
        device.done()
        observed = {
            "session": "S1",
            "device_id": "r1",
            "batch_seq": 1,
            "observations": [{"carrier": "rfid", "raw": "E2801190200050C1B0D00321"}],
        }
        assert door.post("observation-batches", observed, who="keeper").status_code == 200
        done = door.post("stocktakes/S1/devices/r1/done", {"batches": 1}, who="keeper")
        assert done.json()["owes"] is False, done.text
        yield office, door


@pytest.mark.target("T64", "T17")
def test_scans_of_a_running_round_go_out_and_come_back(sqlite_url: str, database: str) -> None:
    """A ledger moved in the middle of a count goes on where it was: nothing is scanned again."""
    old = sqlite_url.replace("ledger.db", "old.db")
    with counting(old) as (office, _):
        tables = evidence.tables(office)
        out = list(lines(office.book, beside=tables))
        did_there = office.scanned.all("S1")
        photo = hashlib.sha256(picture()).hexdigest()
        heading = json.loads(out[0])["ledger"]["beside"]
    assert heading["stocktake_scan"] == 5
    assert heading["stocktake_photo"] == heading["stocktake_conflict"] == 1
    with staffed_again(database, out) as office:
        assert list(lines(office.book, beside=evidence.tables(office))) == out
        assert office.scanned.all("S1") == did_there
        assert office.scanned.photo("S1", photo) == ("image/png", picture())
        assert len(office.scanned.contradictions("S1")) == 1
        assert verify(office.book, beside=evidence.tables(office)).intact
        office.ask("stocktake/S1", "end_count", {}, CLERK)
        state = office.book.stream("stocktake/S1").state
        assert (state.right, state.found) == (4, 4), "two missing, two tags that nobody knows"


@contextmanager
def staffed_again(database: str, out: list[bytes]) -> Iterator[Office]:
    """Lend an office made of what went out."""
    from api.settings import Settings

    office = Office.open(Settings(database=database, label_host="id.example"))
    try:
        restored = restore(office.book, out, beside=evidence.tables(office))
        assert restored.beside["stocktake_scan"] == 5
        yield office
    finally:
        office.close()


@pytest.mark.one_backend("scans are rewritten in the file, past its guards")
@pytest.mark.target("T05", "T64")
def test_an_altered_or_missing_scan_is_named_and_not_carried_over(
    sqlite_url: str, tmp_path: Path
) -> None:
    with counting(sqlite_url) as (office, _):
        tables = evidence.tables(office)
        out = list(lines(office.book, beside=tables))
        scans = [n for n, line in enumerate(out) if line.startswith(b'{"beside":["stocktake_scan"')]
        bad = {
            "altered": [*out[: scans[0]], out[scans[0]].replace(b"SL-000", b"SL-009"), *out[scans[0] + 1 :]],
            "left out": out[: scans[0]] + out[scans[0] + 1 :],
            "twice": [*out, out[scans[0]]],
            "of another table": [*out, b'{"beside":["account",["x"]]}\n'],
            "short": [*out[: scans[0]], b'{"beside":["stocktake_scan",["S1"]]}\n'],
        }  # fmt: skip
        for number, (what, file) in enumerate(bad.items()):
            with opened(f"sqlite:///{tmp_path}/{number}.db") as book:
                for store in (Scanned, Readings, Captures):
                    store.open(book.url).close()
                with pytest.raises(Unrestorable):
                    restore(book, file, beside=evidence.DECLARED)
                assert book.head()[0] == 0, what
        with pytest.raises(Exception, match="evidence is never changed"):
            changed(office, "UPDATE stocktake_scan SET late=1")
        with pytest.raises(Exception, match="evidence is never changed"):
            changed(office, "DELETE FROM stocktake_photo")
        with unguarded(sqlite_url) as execute:
            execute("UPDATE stocktake_scan SET body=replace(body, 'SL-003', 'SL-004') WHERE n=4")
        verdict = verify(office.book, beside=tables)
        assert [p.check for p in verdict.integrity] == ["beside"]
        assert "S1/d1/4" in verdict.sentence("zh")


def changed(office: Office, statement: str) -> None:
    with office.scanned.engine.begin() as c:
        c.exec_driver_sql(statement)


@pytest.mark.postgresql
def test_a_server_refuses_to_change_what_was_kept(postgresql_url: str) -> None:
    with counting(postgresql_url) as (office, _):
        for statement in (
            "UPDATE stocktake_scan SET late=1",
            "DELETE FROM stocktake_conflict",
            "TRUNCATE stocktake_photo",
        ):
            with pytest.raises(Exception, match="evidence is never changed"):
                changed(office, statement)
        Scanned.open(postgresql_url).close()  # once more changes nothing


# Killed -----------------------------------------------------------------------------------


def scan_until_killed(url: str, said: Connection) -> None:
    """Take scans as a server does, and tell of each only when it was acknowledged."""
    office = Office.open(_settings(url))
    door = Door(app_of(office))
    device = Device(door, "S1")
    for n in itertools.count():
        scan = device.scan(f"SL-{n % THINGS:03}")
        answer = device.send(scan)
        said.send((scan, answer["results"][0]["result"]))


def _settings(url: str) -> Any:
    from api.settings import Settings

    return Settings(database=url, label_host="id.example")


@pytest.mark.target("T64", "T125")
def test_killed_in_the_middle_of_a_count_nothing_acknowledged_is_lost(database: str) -> None:
    with staffed(database) as office:
        door = Door(app_of(office))
        shelf(door, 6)
        begun(door)
    ours, theirs = processes.Pipe(duplex=False)
    server = started(scan_until_killed, database, theirs)
    theirs.close()
    acknowledged = [ours.recv() for _ in range(6)]
    kill([server])
    try:
        while True:
            acknowledged.append(ours.recv())
    except EOFError:
        ours.close()
    with staffed_open(database) as office:
        kept = {scan.n: scan for scan in office.scanned.all("S1")}
        for scan, result in acknowledged:
            assert kept[scan["n"]].hash == scan["hash"]
            assert kept[scan["n"]].result == result
        assert len(kept) - len(acknowledged) in (0, 1)  # the last answer may have died unsaid
        out = list(lines(office.book, beside=evidence.tables(office)))
        assert json.loads(out[0])["ledger"]["beside"]["stocktake_scan"] == len(kept)


@contextmanager
def staffed_open(database: str) -> Iterator[Office]:
    office = Office.open(_settings(database))
    try:
        yield office
    finally:
        office.close()


# The end of a round -------------------------------------------------------------------------


def scans_of(office: Office) -> set[tuple[str, int]]:
    """Return which scans the last round that ended counts, by its evidence alone."""
    import gzip

    state = office.book.stream("stocktake/S1").state
    kept = office.book.log.evidence(state.scans)
    assert kept is not None
    told = json.loads(gzip.decompress(kept[1]))["scans"]
    return {(one["device"], one["scan"]["n"]) for one in told}


@pytest.mark.postgresql
@pytest.mark.target("T68", "T116")
def test_a_scan_that_came_first_is_waited_for_and_counts(postgresql_url: str) -> None:
    """While a batch is being taken the round cannot end; when it has ended the batch is late."""
    with staffed(postgresql_url) as office, staffed_open(postgresql_url) as other:
        door = Door(app_of(office))
        shelf(door, 2)
        begun(door)
        device = Device(door, "S1")
        device.scan("SL-000")
        device.send()
        device.done()
        with ThreadPoolExecutor(1) as pool, psycopg.connect(postgresql_url) as watch:
            with office.scanned.taking("S1"):
                ending = pool.submit(other.ask, "stocktake/S1", "end_count", {}, CLERK)
                waits(watch, ending)
                first = office.scanned.all("S1")[0]
                body = canonical(device.scan("SL-001"))
                second = msgspec.structs.replace(first, n=2, hash=digest(body), body=body)
                office.scanned.keep("S1", [second])
            ending.result(60)
        assert scans_of(office) == {("d1", 1), ("d1", 2)}
        after = device.scan("SL-000")
        assert device.send(after)["late"] is True
        assert scans_of(office) == {("d1", 1), ("d1", 2)}


def waits(watch: psycopg.Connection[Any], ending: Future[Any]) -> None:
    """Return when somebody waits for a lock of this database; fail when nobody had to."""
    query = (
        "SELECT count(*) FROM pg_locks WHERE locktype='advisory' AND NOT granted"
        " AND database=(SELECT oid FROM pg_database WHERE datname=current_database())"
    )
    while not watch.execute(query).fetchone()[0]:  # type: ignore[index]  # count(*) has a row
        watch.commit()
        assert not ending.done(), "the round ended in the middle of a batch"


def ended(door: Door, devices: list[Device]) -> None:
    """End the round: a device that had scanned, and not yet sent, when it said it was done owes."""
    for _ in range(200):
        for device in devices:
            device.done()
        answer = door.post("stocktake/S1/end_count", {}, who="clerk")
        if answer.status_code == 200:
            return
        assert answer.json()["slug"] == "devices-owe-scans", answer.text
    pytest.fail("the devices never came to an end of what they owed")


@pytest.mark.one_backend("another process holds the lock of the file")
@pytest.mark.target("T68", "T116")
def test_another_program_with_the_same_file_waits_for_its_turn(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs have one file open: one ends the round, the other takes scans and readings."""
    with staffed(sqlite_url) as office, staffed_open(sqlite_url) as other:
        door, theirs = Door(app_of(office)), Door(app_of(other))
        shelf(door, 2)
        begun(door)
        device = Device(theirs, "S1")
        device.scan("SL-000")
        device.send()
        device.done()
        monkeypatch.setattr("api.scanned.PATIENCE_SECONDS", 0)
        with other.scanned.taking("S1"):
            with other.scanned.taking("S1"):
                device.send()  # whoever takes scans does not stand in the way of others who do
            answer = door.post("stocktake/S1/end_count", {}, who="clerk")
            assert (answer.status_code, answer.json()["slug"]) == (503, "database-locked")
        with office.scanned.ending("S1"):
            sent = {"device": "d1", "scans": [device.scan("SL-001")]}
            assert theirs.post("stocktakes/S1/scans", sent, who="keeper").status_code == 503
            assert theirs.post("stocktakes/S1/observation-batches", HEARD).status_code == 503
            assert other.scanned.found("S1", "d1", [2]) == {}
        assert door.post("stocktake/S1/end_count", {}, who="clerk").status_code == 200
        assert device.send()["late"] is True
        assert scans_of(office) == {("d1", 1)}


HEARD = {
    "device_id": "r1",
    "batch_seq": 1,
    "observations": [{"carrier": "rfid", "raw": "E2801190200050C1B0D00321"}],
}


@pytest.mark.target("T68", "T116")
def test_whatever_arrives_while_rounds_end_either_counts_or_is_told_as_late(database: str) -> None:
    """Keepers send without a pause while three rounds end: what was said is what was done.

    The rounds are ended by another program than the one that takes the scans.
    """
    with staffed(database) as office, staffed_open(database) as other:
        door, theirs = Door(app_of(office)), Door(app_of(other))
        shelf(door, 4)
        begun(door)
        devices = [Device(theirs, "S1", f"d{n}") for n in range(KEEPERS)]
        for device in devices:
            device.scan("SL-000")
            device.send()
            device.done()
        over = threading.Event()
        started_ = threading.Barrier(KEEPERS + 1)

        def keep_on(device: Device) -> dict[int, bool]:
            said = {1: False}
            started_.wait(60)
            while not over.is_set() and len(device.queue) < 200:
                scan = device.scan("SL-001")
                said[scan["n"]] = bool(device.send(scan)["late"])
            return said

        with ThreadPoolExecutor(KEEPERS) as pool:
            running = [pool.submit(keep_on, device) for device in devices]
            started_.wait(60)
            try:
                for _ in range(3):
                    ended(door, devices)
                    did(door, "order_recount", "head", reason="再盘")
                ended(door, devices)
            finally:
                over.set()
            told = [one.result(60) for one in running]
        in_time = {
            (device.name, n)
            for device, said in zip(devices, told, strict=True)
            for n, late in said.items()
            if not late
        }
        assert scans_of(office) == in_time
        assert {(scan.device, scan.n) for scan in office.scanned.all("S1")} == in_time
        assert office.scanned.late("S1") == sum(len(said) for said in told) - len(in_time)
