"""What no single part can promise: every door, every write, everybody at once, no network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import opened, unit
from doors import CARD, PASSWORD, Door, app_of, registered, staffed
from fastapi.testclient import TestClient
from starlette.routing import Route
from test_cli import commanded
from test_concurrency import PEOPLE, at_once
from typer.main import get_command

from api import cli
from api.app import create_app
from api.office import Actor, Office
from domain.asset import Lock
from domain.decider import LIFECYCLES, Ask, Occasion, Refused
from ledger.book import Book
from ledger.verifying import verify

ROOT = Path(__file__).resolve().parents[1]
WORDS_OF_LOSS = re.compile(
    r"(^|[/_\-{])(delete|remove|erase|purge|truncate|wipe|drop|edit|update|overwrite|amend|destroy)"
)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


# No door deletes or edits -----------------------------------------------------------


def commands(group: Any, before: str = "") -> Iterator[str]:
    """Yield every command of the command line with its options."""
    for name, command in getattr(group, "commands", {}).items():
        yield f"{before}/{name}"
        yield from (f"{before}/{name}/{o}" for p in command.params for o in p.opts)
        yield from commands(command, f"{before}/{name}")


def routes_of(router: Any) -> Iterator[Route]:
    """Yield every route, also of the routers inside."""
    for route in router.routes:
        if isinstance(route, Route):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


@pytest.mark.target("T08")
def test_no_route_and_no_command_deletes_or_edits_history(office: Office) -> None:
    app = create_app(office.settings, office)
    routes = list(routes_of(app.router))
    assert len(routes) > 100
    client = TestClient(app)
    for route in routes:
        assert not WORDS_OF_LOSS.search(route.path), route.path
        if route.path in (
            "/api/{path:path}",
            "/audit/v1/{path:path}",
        ):  # says that there is nothing here
            continue
        # What is put under the hash of its own bytes can take the place of nothing else.
        safe = {"PUT"} if route.path.endswith("/{sha256}") else set[str]()
        assert route.methods and route.methods <= {"GET", "HEAD", "POST"} | safe, route.path
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        for method in {"PUT", "PATCH", "DELETE"} - safe:
            answer = client.request(method, path, auth=("admin", PASSWORD))
            assert answer.status_code in (403, 404, 405), (method, path)
    said = list(commands(get_command(cli.app)))
    assert {"/verify", "/export", "/asset/show"} <= set(said)
    assert [name for name in said if WORDS_OF_LOSS.search(name)] == []
    assert [v for life in LIFECYCLES.values() for v in life.verbs if WORDS_OF_LOSS.search(v)] == []


# Every write says how it came -------------------------------------------------------


def how_it_came(book: Book, position: int) -> tuple[Any, dict[str, str]]:
    """Return what the entry and what its command say about the request."""
    command = book.log.command(position)
    assert command is not None
    (entry,) = book.entries(position, position)
    return entry.beside.via, json.loads(command[5])


@pytest.mark.target("T12")
def test_a_step_and_its_reversal_tell_channel_device_address_and_request(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    for path, body in (
        ("asset/A1/issue", {"user": "u_li"}),
        ("asset/A1/entries/2/reverse", {"reason": "登记有误"}),
    ):
        sent = {"X_Request_ID": "request-12345", "User_Agent": "扫码枪 3".encode().hex()}
        answer = door.post(path, body, **sent)
        assert answer.status_code == 200, answer.text
        via, context = how_it_came(office.book, answer.json()["last"])
        assert (via.channel, via.request, via.unit, via.role) == (
            *("api", "request-12345", "o_a", "clerk"),
        )
        assert context == {
            "channel": "api",
            "request": "request-12345",
            "address": "testclient",
            "device": sent["User_Agent"],
        }


@pytest.mark.target("T12")
def test_a_step_by_command_tells_its_channel_too(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staffed(database) as office:
        registered(Door(app_of(office)))
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    commanded(f"--database {database} do asset/A1 issue --as clerk --user u_li")
    with opened(database) as book:
        via, context = how_it_came(book, book.head()[0])
    assert (via.channel, via.unit, via.role) == ("cli", "o_a", "clerk")
    assert context["channel"] == "cli"


# Names are those of their time ---------------------------------------------------------


@pytest.mark.target("T11")
def test_api_command_and_export_name_units_as_they_were_called_on_the_day(
    database: str,
) -> None:
    """A case asked for in May names the unit of May, though it was renamed in June."""
    may, june = date(2026, 5, 1), date(2026, 6, 1)
    with staffed(database, on=may) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        for id_, name in (("o_old", "示例市旅游局"), ("o_keeps", "示例市档案局")):
            form = {"name": name, "kind": "organ"}
            office.ask(f"unit/{id_}", "establish", form, admin, on=may)
        thing = CARD | {"unit": "o_keeps"}
        office.ask("asset/A1", "register_existing", thing, clerk, on=may)
        asked = {"from_unit": "o_keeps", "to_unit": "o_old", "item": "笔记本电脑", "assets": ["A1"]}
        office.ask("reallocation/R1", "request", asked, clerk, on=may)
        office.ask("unit/o_old", "rename", {"name": "示例市文化和旅游局"}, admin, on=june)
        office.ask("reallocation/R1", "withdraw", {"reason": "不再需要"}, clerk, on=june)
        told = Door(app_of(office)).get("reallocation/R1/history").json()["items"]
        assert "示例市旅游局" in told[0]["sentence"], told
    said = commanded(f"--lang zh --database {database} export events").stdout
    (request,) = [line for line in said.splitlines() if "reallocation.requested" in line]
    assert "示例市旅游局" in request and "文化和旅游局" not in request


# Fifty claims for one listing ---------------------------------------------------------


@pytest.mark.target("T116")
def test_of_fifty_units_that_claim_one_listed_thing_one_reserves_it(database: str) -> None:
    with opened(database) as book:
        clerk = Occasion(by="u_clerk", on=book.clock().date(), unit="o_a", role="clerk")
        book.act([Ask("asset/A1", "register_existing", CARD)], clerk)
        admin = Occasion(by="u_admin", on=clerk.on, unit="o_a", role="admin")
        book.act([unit("o_a"), *(unit(f"o_{number}") for number in range(PEOPLE))], admin)

        def claim(number: int) -> Any:
            asker = Occasion(by=f"u_{number}", on=clerk.on, unit=f"o_{number}", role="clerk")
            form = {
                "from_unit": "o_a",
                "to_unit": f"o_{number}",
                "item": "笔记本电脑",
                "assets": ["A1"],
            }
            return book.act([Ask(f"reallocation/R{number}", "request", form)], asker)

        answers = at_once(PEOPLE, claim)
        (winner,) = [n for n, a in enumerate(answers) if not isinstance(a, Exception)]
        losers = [a for n, a in enumerate(answers) if n != winner]
        assert all(isinstance(a, Refused) and a.rule.slug == "held-by-a-process" for a in losers), {
            repr(a) for a in losers
        }
        assert all("占用" in a.sentence("zh") and "holds" in a.sentence("en") for a in losers)
        held = book.stream("asset/A1").state
        assert (held.lock, held.case) == (Lock.RESERVED, f"reallocation/R{winner}")
        for number in set(range(PEOPLE)) - {winner}:
            assert book.stream(f"reallocation/R{number}").version == 0
        assert verify(book).intact


# No network ---------------------------------------------------------------------------

OFFLINE = """
import socket, sys
real = socket.socket.connect
def refuse(self, address):
    if self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"):
        return real(self, address)
    raise SystemExit(f"left this machine: {address}")
socket.socket.connect = socket.socket.connect_ex = refuse
looked_up = socket.getaddrinfo
def look_up(host, *rest, **named):
    if host not in (None, "127.0.0.1", "::1", "localhost"):
        raise SystemExit(f"looked up: {host}")
    return looked_up(host, *rest, **named)
socket.getaddrinfo = look_up
from api.cli import app
app()
"""


@pytest.mark.target("T123")
def test_the_demonstration_loads_without_a_network(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OFFLINE, "--json", "demo", "--folder", "d", "--load-only"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["size"] > 40_000
