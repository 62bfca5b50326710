"""The event feed: each entry once and in order, whoever is killed whenever, and only what one sees."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from doors import CARD, PASSWORD, Door, app_of, registered, staffed
from serving import served
from sizes import SEED

from api.app import create_app
from api.feeding import Feed, Follower
from api.office import Actor, Office
from ledger import tree
from projections.scope import Scope

CLIENT = Path(__file__).parents[1] / "docs" / "example_client.py"
WRITERS, KILLS = 3, 5


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


def client(address: str, *asked: str, login: str = "auditor") -> subprocess.Popen[str]:
    """Start the example client as anybody would."""
    env = os.environ | {"GONGWU_LOGIN": login, "GONGWU_PASSWORD": PASSWORD}
    return subprocess.Popen(
        [sys.executable, str(CLIENT), address, *asked],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def taken(file: Path) -> list[tuple[int, str]]:
    """Return what a consumer has, in the order in which it took it."""
    with closing(sqlite3.connect(file)) as mine:
        return mine.execute("SELECT position, entry FROM event ORDER BY rowid").fetchall()


@pytest.mark.target("T117")
def test_a_consumer_killed_at_random_has_each_entry_once_and_in_order(
    office: Office, tmp_path: Path
) -> None:
    chance, into = random.Random(SEED), tmp_path / "events.db"
    over = threading.Event()
    with served(office) as address:

        def write(name: int) -> None:
            with httpx.Client(base_url=address, auth=("clerk", PASSWORD), timeout=30) as http:
                for number in itertools.count():
                    answer = http.post(
                        f"/api/v1/asset/W{name}.{number}/register_existing",
                        json=CARD | {"asset_no": f"{name}-{number}"},
                        headers={"Idempotency-Key": f"{name}.{number}"},
                    )
                    assert answer.status_code == 200, answer.text
                    if over.is_set():
                        return

        writers = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        for kill in range(KILLS + 1):
            consumer = client(address, "follow", "--into", str(into))
            assert consumer.stdout is not None
            if kill == KILLS:
                over.set()
                for writer in writers:
                    writer.join()
                while int(consumer.stdout.readline()) < office.book.head()[0]:
                    pass
            for _ in range(chance.randrange(4)):
                if not over.is_set():
                    consumer.stdout.readline()
            consumer.send_signal(signal.SIGKILL)
            consumer.communicate()
    stored = [(row[0], json.loads(row[4])) for page in office.book.log.rows(1) for row in page]
    assert [(position, json.loads(entry)) for position, entry in taken(into)] == stored, SEED
    assert len(stored) > KILLS * WRITERS


def test_the_example_client_lists_and_records_one_step_once(database: str) -> None:
    with staffed(database) as office, served(office) as address:
        token, _ = office.accounts.tokens.make("clerk", "ERP", ["read", "write", "feed"], 30)
        env = {k: v for k, v in os.environ.items() if not k.startswith("GONGWU_LOGIN")}

        def ran(*asked: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, str(CLIENT), address, *asked],
                env=env | {"GONGWU_TOKEN": token}, capture_output=True, text=True, check=False,
            )  # fmt: skip

        card = json.dumps(CARD)
        one = ran("do", "asset_register_existing", "id=A1", card, "--key", "order-1")
        again = ran("do", "asset_register_existing", "id=A1", card, "--key", "order-1")
        assert one.returncode == 0 and one.stdout == again.stdout, one.stderr
        assert json.loads(one.stdout)["version"] == office.book.stream("asset/A1").version == 1
        listed = ran("list", "inventory", "unit=o_a", "limit=1")
        assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == ["A1"]
        refused = ran("do", "asset_issue", "id=A1", "{}", "--key", "order-2")
        assert refused.returncode == 1 and "422 invalid" in refused.stderr


def test_an_empty_answer_waits_until_something_is_recorded(office: Office) -> None:
    door = Door(app_of(office))
    size = office.book.head()[0]
    assert door.get("feed", after=size, who="clerk").json()["items"] == []
    heard: list[Any] = []
    with served(office) as address:

        def wait() -> None:
            auth = ("clerk", PASSWORD)
            asked = {"after": size, "wait": 60}
            heard.append(httpx.get(f"{address}/api/v1/feed", params=asked, auth=auth, timeout=90))

        waiting = threading.Thread(target=wait)
        waiting.start()
        registered(door)
        waiting.join(30)  # far less than it would have waited
        assert not waiting.is_alive()
    (answer,) = heard
    (item,) = answer.json()["items"]
    assert (item["position"], item["entry"]["type"]) == (size + 1, "asset.registered")
    assert answer.json()["next"] == str(size + 1) and not answer.json()["more"]


def test_pages_follow_each_other_without_gap_and_hold_what_the_tree_holds(office: Office) -> None:
    door = Door(app_of(office))
    for number in range(7):
        registered(door, f"A{number}", asset_no=f"N{number}")
    found, after, more = list[dict[str, Any]](), "0", True
    while more:
        page = door.get("feed", after=after, limit=3).json()
        assert len(page["items"]) <= 3
        found += page["items"]
        after, more = page["next"], page["more"]
    rows = [row for part in office.book.log.rows(1) for row in part]
    kept = [row for row in rows if row[0] <= int(after)]
    assert [i["position"] for i in found] == [row[0] for row in kept]
    assert [i["leaf"] for i in found] == [tree.leaf(bytes(row[4])).hex() for row in kept]


def test_kinds_that_were_not_asked_for_are_passed_over_and_counted(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    page = door.get("feed", kinds="asset", who="clerk").json()
    assert {i["entry"]["stream"] for i in page["items"]} == {"asset/A1"}
    assert page["next"] == str(page["size"]) == str(office.book.head()[0])
    wrong = door.get("feed", kinds="asset,nothing")
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["path"] == "kinds"


def test_who_sees_one_unit_is_given_its_entries_and_the_cursor_goes_on(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    clerk = Actor(person="u_clerk_b", unit="o_b", role="clerk")
    office.ask("asset/B1", "register_existing", CARD | {"asset_no": "B-1", "unit": "o_b"}, clerk)
    size = office.book.head()[0]
    mine = Actor(person="u_b", unit="o_b", role="keeper", scope=Scope(frozenset({"o_b"})))
    part = Feed(office).after(0, Follower(mine))
    streams = [row[1] for row in part.rows]
    assert "asset/B1" in streams and "asset/A1" not in streams
    assert "unit/o_a" in streams, "names of units are everybody's"
    assert part.next == part.size == size
    nobody = Feed(office).after(2, Follower(Actor(person="", unit="", role="keeper")))
    assert (nobody.rows, nobody.next) == ([], size)


def test_who_looked_at_what_is_for_auditors_and_administrators(office: Office) -> None:
    door = Door(create_app(office.settings, office))
    assert door.get("feed", who="auditor").headers["Gongwu-Read"] == "recorded"
    for who, given in (("auditor", 1), ("admin", 1), ("clerk", 0)):
        items = door.get("feed", kinds="audit", who=who).json()["items"]
        assert len(items) == given, who


def test_a_cursor_beyond_the_log_is_refused(office: Office) -> None:
    door = Door(app_of(office))
    answer = door.get("feed", after=office.book.head()[0] + 1)
    assert (answer.status_code, answer.json()["slug"]) == (409, "beyond-the-log")
    assert door.get("feed", after="-1").status_code == 422
    assert door.get("feed", wait=61).status_code == 422
