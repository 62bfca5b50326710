"""Several processes against one server: nothing lost, nothing doubled, and all see it at once."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from doors import CARD, PASSWORD, staffed
from sizes import SEED
from sqlalchemy import select

from api.office import BEHIND_MAX, Actor, Office
from api.settings import Settings
from ledger.book import Book
from ledger.postgres import CHANNEL, EARS
from ledger.verifying import verify
from projections import inventory
from projections.following import LISTS
from projections.store import ReadModels

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from api.cli import app; app()", "serve", "--port", "0"]
PROCESSES, CLIENTS, EACH = 3, 4, 8


@contextmanager
def serving(url: str, *asked: str, count: int = 1) -> Iterator[list[tuple[str, Any]]]:
    """Start `gongwu serve` so many times at once; yield address and process of each."""
    env = os.environ | {"GONGWU_DATABASE": url, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    started = [
        subprocess.Popen(
            [*COMMAND, *asked],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        yield [(told(one), one) for one in started]
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.communicate(timeout=60)


def told(process: subprocess.Popen[str]) -> str:
    """Return the address that a server says it listens on."""
    assert process.stdout is not None
    for line in process.stdout:
        if "http://" in line:
            return "http://" + line.split("http://")[1].split()[0]
    raise AssertionError(f"it ended: {process.wait()}")


def rows(models: ReadModels) -> dict[str, list[Any]]:
    """Return everything that the lists show."""
    return {
        table.name: sorted(tuple(row.values()) for row in models.rows(select(table)))
        for table in LISTS
    }


def test_several_may_begin_with_an_empty_database_at_the_same_moment(postgresql_url: str) -> None:
    def begin(_: int) -> int:
        with closing(Office.open(Settings(database=postgresql_url))) as office:
            assert office.readings and office.captures
            return office.book.head()[0]

    with ThreadPoolExecutor(PROCESSES) as pool:
        assert list(pool.map(begin, range(PROCESSES))) == [0] * PROCESSES


def test_what_others_wrote_is_shown_however_far_they_went(postgresql_url: str) -> None:
    with staffed(postgresql_url) as one, closing(Office.open(one.settings)) as other:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        many = [
            (f"asset/M{n}", "register_existing", CARD | {"asset_no": f"M{n}"})
            for n in range(BEHIND_MAX + 1)
        ]
        one.ask_many(many, clerk)
        one.ask("asset/LAST", "register_existing", CARD, clerk, shown=False)
        assert other.models.one(inventory.one("LAST")), "the lists of another process hold it"
        assert other.models.position() == one.book.head()[0]


def test_a_name_given_in_one_process_is_heard_in_the_others(postgresql_url: str) -> None:
    with staffed(postgresql_url) as one, closing(Office.open(one.settings)) as other:
        assert other.called("o_b", "zh") == "示例市水利局"
        other.watch()
        size, heard = one.book.head()[0] + 1, threading.Event()
        other.tail.follow(lambda now: heard.set() if now >= size else None)
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        one.ask("unit/o_b", "rename", {"name": "示例市水务局"}, admin)
        assert heard.wait(30)
        assert other.called("o_b", "zh") == "示例市水务局", "and not ten seconds later"


def test_who_writes_wakes_only_those_that_ask_to_hear_of_the_next_act(postgresql_url: str) -> None:
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    with (
        staffed(postgresql_url) as office,
        psycopg.connect(postgresql_url, autocommit=True) as ear,
    ):
        ear.execute(f"LISTEN {CHANNEL}".encode())

        def heard(number: int) -> list[str]:
            card = CARD | {"asset_no": f"SL-{number}"}
            office.ask(f"asset/A{number}", "register_existing", card, clerk)
            return [one.payload for one in ear.notifies(timeout=0.2)]

        assert heard(1) == []
        ear.execute(f"SELECT pg_advisory_lock_shared({EARS})".encode())
        assert heard(2) == [str(office.book.head()[0])]
        ear.execute(f"SELECT pg_advisory_unlock_shared({EARS})".encode())
        assert heard(3) == []


def test_a_ledger_that_told_of_every_act_learns_to_wait_until_it_is_asked(
    postgresql_url: str,
) -> None:
    Book.open(postgresql_url).close()
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        server.execute(
            "DROP TRIGGER ring ON ledger_head; DROP FUNCTION ledger_ring;"
            " CREATE FUNCTION ledger_tell() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_notify(''gongwu_log'', NEW.size::text); RETURN NULL; END';"
            " CREATE TRIGGER tell AFTER UPDATE ON ledger_head FOR EACH ROW"
            " EXECUTE FUNCTION ledger_tell()"
        )
        Book.open(postgresql_url).close()
        there = server.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger_head'::regclass"
        ).fetchall()
    assert {name for (name,) in there} >= {"ring"}
    assert ("tell",) not in there


def test_three_processes_lose_and_double_nothing_and_each_sees_what_another_answered(
    postgresql_url: str,
) -> None:
    with staffed(postgresql_url) as office:
        before = office.book.head()[0]
    chance = random.Random(SEED)
    with serving(postgresql_url, count=PROCESSES) as servers:
        addresses = [address for address, _ in servers]
        victim, (gone, process) = chance.randrange(CLIENTS), servers[0]

        def work(name: int) -> int:
            with httpx.Client(auth=("clerk", PASSWORD), timeout=60) as http:
                turns = itertools.cycle(addresses[name % PROCESSES :] + addresses)
                for number in range(EACH):
                    if (name, number) == (victim, EACH // 2):
                        process.send_signal(signal.SIGKILL)
                    asset = f"A{name}.{number}"
                    answer = asked(http, next(turns), asset)
                    seen_at = next(a for a in turns if a != gone)
                    for path in (f"asset/{asset}", f"inventory?text={asset}"):
                        read = http.get(f"{seen_at}/api/v1/{path}")
                        assert read.status_code == 200, (SEED, read.text)
                        assert asset in read.text, (SEED, path)
                    assert answer["version"] == 1
            return EACH

        def asked(http: httpx.Client, address: str, asset: str) -> dict[str, Any]:
            """Register a thing; where nobody answers, ask the same of another process."""
            for where in (address, *addresses[1:]):
                try:
                    answer = http.post(
                        f"{where}/api/v1/asset/{asset}/register_existing",
                        json=CARD | {"asset_no": asset}, headers={"Idempotency-Key": asset},
                    )  # fmt: skip
                except httpx.TransportError:
                    assert where == gone, SEED
                    continue
                assert answer.status_code == 200, (SEED, answer.text)
                return answer.json()
            raise AssertionError("nobody answered")

        with ThreadPoolExecutor(CLIENTS) as pool:
            count = sum(pool.map(work, range(CLIENTS)))
    with closing(Book.open(postgresql_url)) as book:
        assert book.head()[0] == before + count, SEED
        assert verify(book).intact
        with closing(ReadModels.open(postgresql_url)) as models:
            models.catch_up(book)
            followed = rows(models)
            models.rebuild(book)
            assert rows(models) == followed, SEED


def test_one_command_starts_several_processes_and_replaces_one_that_died(
    postgresql_url: str,
) -> None:
    with staffed(postgresql_url):
        pass
    with serving(postgresql_url, "--processes", "2") as [(address, parent)]:
        with httpx.Client(base_url=address, auth=("clerk", PASSWORD), timeout=60) as http:
            assert http.get("/api/v1/head").status_code == 200
        first = children(parent.pid, 2)
        os.kill(min(first), signal.SIGKILL)
        with httpx.Client(base_url=address, auth=("clerk", PASSWORD), timeout=60) as http:
            assert http.get("/api/v1/head").status_code == 200
        assert len(children(parent.pid, 2, without=min(first)) - first) == 1
        parent.terminate()
        assert parent.wait(60) == 0
    assert not [pid for pid in first if Path(f"/proc/{pid}").exists()]


def children(pid: int, count: int, without: int = 0) -> set[int]:
    """Return the processes that one started, once there are so many."""
    while True:
        said = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = {int(one) for one in said} - {without}
        if len(found) == count:
            return found
        threading.Event().wait(0.05)


@pytest.mark.one_backend("it is about a file")
def test_a_file_is_served_by_one_process(sqlite_url: str) -> None:
    env = os.environ | {"GONGWU_DATABASE": sqlite_url, "PYTHONPATH": str(ROOT), "LANG": "en"}
    refused = subprocess.run(
        [*COMMAND, "--processes", "2"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert "PostgreSQL" in refused.stderr
