"""A warehouse full of readers, a network that repeats itself, a server that is killed: one result."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import msgspec
import pytest
from doors import PASSWORD, staffed
from sizes import RELEASE, SEED, sized

from api import observing
from api.office import Actor, Office
from api.settings import Settings
from labels import epc

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from api.cli import app; app()", "serve", "--port", "0"]
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
KEEPER = Actor(person="u_keeper", unit="o_a", role="keeper")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
AREAS = ("p_1", "p_2", "p_3")
READERS = 4
READS = 1_000 if RELEASE else 100  # of a batch: one a second
TAGS = 5_000 if RELEASE else 200
KILLS = 10 if RELEASE else 1
AGAIN_PERCENT = 5
encode = msgspec.json.Encoder().encode


class Parcel(msgspec.Struct, frozen=True):
    """One batch on its way."""

    device: str
    body: bytes


def prepared(url: str) -> None:
    """Put things with tags into three rooms and begin to count them."""
    with staffed(url) as office:
        for area in AREAS:
            form = {"name": area, "kind": "room", "unit": "o_a"}
            office.ask(f"place/{area}", "open_place", form, ADMIN)
        asks: list[tuple[str, str, dict[str, Any]]] = []
        for n in range(0, TAGS, 2):  # nobody knows every second tag
            card = {"asset_no": f"ZC-{n}", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
            asks.append((f"asset/A{n}", "register_existing", card | {"place": AREAS[n % 3]}))
            asks.append((f"asset/A{n}", "bind_tag", {"epc": content(n)}))
        for start in range(0, len(asks), 2_000):
            office.ask_many(asks[start : start + 2_000], CLERK)
        plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"}
        office.ask("stocktake/S1", "plan_stocktake", plan, CLERK)
        office.ask("stocktake/S1", "begin_count", {}, CLERK)


def content(n: int) -> str:
    return epc.giai("697123456", str(10**11 + n)).hex


def parcels(dice: random.Random, batches: int) -> list[Parcel]:
    """Return what readers send; one read in twenty is there twice."""
    made = []
    for number in range(batches):
        device, area = f"PDA-{number % READERS}", dice.choice(AREAS)
        reads: list[dict[str, Any]] = []
        while len(reads) < READS:
            at = number * 1_000 + dice.randrange(1_000)
            read = {"carrier": "rfid", "raw": content(dice.randrange(TAGS))}
            read |= {"rssi": -dice.randrange(40, 80), "antenna": dice.randrange(1, 5)}
            reads.append(read | {"first_ms": at, "last_ms": at})
            if dice.randrange(100) < AGAIN_PERCENT:
                reads.append(reads[-1])
        body = {"session": "S1", "device_id": device, "batch_seq": number // READERS + 1}
        made.append(Parcel(device, encode(body | {"area": area, "observations": reads[:READS]})))
    return made


def shaken(dice: random.Random, several: list[Parcel]) -> list[Parcel]:
    """Return them as a bad network delivers them: late, overtaken, and some again."""
    repeated = [one for one in several for _ in range(1 + (dice.randrange(100) < AGAIN_PERCENT))]
    repeated.append(several[0])
    order = {n: n + dice.randrange(20) for n in range(len(repeated))}
    return [repeated[n] for n in sorted(order, key=lambda n: (order[n], n))]


class Server:
    """The real server in a process of its own, which may be killed and started again."""

    def __init__(self, url: str) -> None:
        self.environment = os.environ | {
            "GONGWU_DATABASE": url,
            "GONGWU_LANG": "en",
            "PYTHONPATH": str(ROOT),
        }
        self.kills = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        address = said.removeprefix("Gongwu: ").split(" ")[0].strip()
        assert address.startswith("http"), said
        self.http = httpx.Client(base_url=address, auth=("keeper", PASSWORD), timeout=60)

    def kill(self) -> None:
        self.kills += 1
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait()

    def send(self, parcel: Parcel, *, blow: bool = False) -> dict[str, Any]:
        """Send a batch until it is acknowledged; the blow falls while it is on its way."""
        while True:
            try:
                if blow:
                    blow = False
                    raise self._killed(parcel)
                answer = self.http.post(
                    "/api/v1/observation-batches",
                    content=parcel.body,
                    headers={"Content-Type": "application/json"},
                )
                assert answer.status_code == 200, answer.text
                return dict(answer.json())
            except httpx.TransportError:
                self.http.close()
                self.start()

    def _killed(self, parcel: Parcel) -> httpx.TransportError:
        on_its_way = Event()

        def parts() -> Iterator[bytes]:
            yield parcel.body
            on_its_way.set()

        def post() -> None:
            try:
                self.http.post(
                    "/api/v1/observation-batches",
                    content=parts(),
                    headers={"Content-Type": "application/json"},
                )
            except httpx.TransportError:
                return  # nobody knows whether it was kept: it is sent again

        sender = Thread(target=post)
        sender.start()
        assert on_its_way.wait(60)
        self.kill()
        sender.join(60)
        return httpx.ReadError("killed")


@contextmanager
def served(url: str) -> Iterator[Server]:
    server = Server(url)
    try:
        yield server
    finally:
        server.close()


def outcome(url: str, batches: int) -> dict[str, Any]:
    """End the count; return everything it came to."""
    office = Office.open(Settings(database=url))
    try:
        for n in range(READERS):
            mine = len(range(n, batches, READERS))
            office.scanned.declare("S1", f"PDA-{n}", 0, 1, "")
            office.readings.declare("S1", f"PDA-{n}", mine, 1)
        office.ask("stocktake/S1", "end_count", {}, CLERK)
        state = office.book.stream("stocktake/S1").state
        return {
            "sums": sorted(map(msgspec.to_builtins, office.readings.sums("S1")), key=str),
            "digest": office.readings.digest("S1"),
            "right": state.right,
            "found": state.found,
            "differences": state.differences,
            "late": office.readings.late("S1"),
        }
    finally:
        office.close()


@pytest.mark.either_backend(
    "a server is killed and comes back; batches arrive on both in test_radio_counting"
)
@pytest.mark.reliability("R27")
def test_a_killed_server_and_a_bad_network_come_to_what_the_clean_run_comes_to(
    new_database: Callable[[], str],
) -> None:
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    batches = sized("R27")
    several = parcels(dice, batches)
    clean, rough = new_database(), new_database()
    prepared(clean)
    prepared(rough)

    office = Office.open(Settings(database=clean))
    for parcel in several:
        observing.take(office, KEEPER, observing.read_batch(parcel.body))
    office.close()

    coming = shaken(dice, several)
    blows = set(dice.sample(range(len(coming)), KILLS))
    pause, began = Event(), time.monotonic()
    statuses: dict[str, int] = {}
    with served(rough) as server:
        for n, parcel in enumerate(coming):
            if RELEASE:  # one batch a second, as a thousand reads a second arrive
                pause.wait(max(0.0, began + n - time.monotonic()))
            answer = server.send(parcel, blow=n in blows)
            statuses[answer["status"]] = statuses.get(answer["status"], 0) + 1
        took = time.monotonic() - began
    print(f"{len(coming)} sendings of {batches} batches in {took:.0f} s, {server.kills} kills: {statuses}")  # fmt: skip
    assert server.kills == KILLS and statuses["replayed"] > 0
    expected = outcome(clean, batches)
    assert outcome(rough, batches) == expected
    assert expected["digest"][1:] == (batches, batches * READS)
    assert expected["right"] and expected["found"]
