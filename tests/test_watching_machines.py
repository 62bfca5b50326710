"""Whoever watches the machine hears how it is, and nothing about anybody."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from doors import CARD, PASSWORD, staffed
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from serving import served
from test_cli import CLERK

from api import backing_up, health, logs
from api.app import create_app
from api.office import Office
from api.webhooks import ON, Hook, hook_
from ledger.act import Unavailable

MARK = "标记甲乙丙"
LATIN = "marked-person"
TOKEN = "a token of the test"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def client(office: Office) -> TestClient:
    app = create_app(office.settings, office)
    return TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 4711))


def figures(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Read the figures as Prometheus does."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


# Alive, and ready ---------------------------------------------------------------------


def test_alive_and_ready_are_for_anybody(office: Office, client: TestClient) -> None:
    assert client.get("/health/live").json() == {"live": True}
    answer = client.get("/health/ready")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "ready": True, "database": "ok", "size": office.book.head()[0], "behind": 0,
        "lists": "ok", "disk": "ok",
    }  # fmt: skip


def test_lists_that_stand_still_and_a_full_disk_are_not_ready(
    office: Office, client: TestClient
) -> None:
    office.stuck = Unavailable("locked")
    answer = client.get("/health/ready")
    assert answer.status_code == 503 and answer.json()["lists"] == "stuck"
    assert client.get("/health/live").status_code == 200
    office.stuck = None
    assert health.ready(office, free_bytes_min=2**62).disk == "low"
    assert not health.ready(office, free_bytes_min=2**62).good


def test_entries_that_lists_do_not_show_are_counted_and_left(office: Office) -> None:
    office.ask("asset/A1", "register_existing", CARD, CLERK, shown=False)
    assert health.ready(office).behind == 1
    assert health.ready(office).behind == 1
    office.show(office.book.head()[0])
    assert health.ready(office).behind == 0


def test_a_database_that_is_away_is_not_ready(postgresql_url: str, postgresql_server: str) -> None:
    with staffed(postgresql_url) as office:
        client = TestClient(create_app(office.settings, office), raise_server_exceptions=False)
        name = postgresql_url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(postgresql_server, autocommit=True) as c:
            c.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[call-overload] # our own name
            c.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=%s", (name,)
            )
            answer = client.get("/health/ready")
            assert answer.status_code == 503 and answer.json()["database"] == "away"
            assert client.get("/health/live").status_code == 200


# Figures ------------------------------------------------------------------------------


def test_figures_tell_requests_by_route_and_the_state_of_the_log(
    office: Office, client: TestClient, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / backing_up.name(datetime.now(UTC) - timedelta(hours=2))).write_text("x")
    office.settings = msgspec.structs.replace(office.settings, backups=folder)
    for path in ("/assets/A1", "/assets/A2", "/nowhere", "/static/office.css", "/login"):
        client.get(path)
    client.get("/api/v1/asset/A1", auth=("clerk", PASSWORD))
    client.post("/login", data={"login": "clerk", "password": PASSWORD})
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    told = figures(answer.text)
    count = {
        (labels["route"], labels["method"], labels["status"]): value
        for labels, value in ((dict(k), v) for k, v in told["gongwu_requests_total"].items())
    }
    assert count["/assets/{id_}", "GET", "303"] == 2 and count["unknown", "GET", "404"] == 1
    assert (
        count["/static/…", "GET", "200"] == 1 and count["/login", "GET", "200"] == 3
    )  # whoever is not signed in is sent there
    assert count["/api/v1/asset/{id}", "GET", "404"] == 1
    size = office.book.head()[0]
    assert told["gongwu_entries"][()] == told["gongwu_unsigned_entries"][()] == size
    assert told["gongwu_lists_behind_entries"][()] == told["gongwu_lists_stuck"][()] == 0
    assert told["gongwu_sessions"][()] == 1 and told["gongwu_clerk_queue"][()] == 0
    assert told["gongwu_disk_free_bytes"][()] > 0 and told["gongwu_requests_under_way"][()] == 1
    assert 7_190 < told["gongwu_backup_age_seconds"][()] < 7_260
    assert told["process_resident_memory_bytes"][()] > 0
    times = told["gongwu_request_seconds_bucket"]
    way = (("method", "GET"), ("route", "/assets/{id_}"))
    rising = [times[tuple(sorted((*way, ("le", le))))] for le in ("0.005", "1.0", "+Inf")]
    assert rising == sorted(rising) and rising[-1] == 2
    assert told["gongwu_request_seconds_count"][way] == 2
    assert "A1" not in answer.text


def test_a_receiver_that_waits_is_told_by_how_long(office: Office, client: TestClient) -> None:
    def age() -> float:
        return figures(client.get("/metrics").text)["gongwu_webhook_age_seconds"][()]

    assert age() == 0
    hook = Hook("h1", "x", "https://h", "", "", ON, "", 0, 0, 0, "", "u_admin", "2026-01-01")
    with office.accounts.engine.begin() as c:
        c.execute(hook_.insert().values(msgspec.structs.asdict(hook)))
    clock, office.book.clock = office.book.clock, lambda: datetime.now(UTC) + timedelta(hours=1)
    assert 3_600 <= age() < 7_200
    office.book.clock = clock
    with office.accounts.engine.begin() as c:
        c.execute(hook_.update().values(reached=office.book.head()[0]))
    assert age() == 0


def test_only_this_machine_or_the_token_reads_the_figures(office: Office) -> None:
    app = create_app(office.settings, office)
    far = TestClient(app, client=("192.0.2.7", 4711))
    near = TestClient(app, client=("::1", 4711))
    assert far.get("/metrics").status_code == 404
    assert near.get("/metrics").status_code == 200
    for name in (
        "X-Forwarded-For",
        "Forwarded",
        "Via",
    ):  # a proxy on this machine asks for somebody
        assert near.get("/metrics", headers={name: "192.0.2.7"}).status_code == 404
    office.settings = msgspec.structs.replace(office.settings, metrics_token=TOKEN)
    for client in (far, near):
        assert client.get("/metrics").status_code == 401
        wrong = {"Authorization": "Bearer another"}
        assert client.get("/metrics", headers=wrong).status_code == 401
        right = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.7"}
        assert client.get("/metrics", headers=right).status_code == 200


# The log ------------------------------------------------------------------------------


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Write the log as JSON to a text; leave everything as it was."""
    root, names = logging.getLogger(), ("gongwu.access", "uvicorn", "uvicorn.error")
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in names}
    written = io.StringIO()
    logs.begin("json", written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


FORM = re.compile(r'<(?:input|textarea|select)[^>]*\bname="([^"]+)"')


@pytest.mark.either_backend("what the log of the process says, whatever the database")
def test_whatever_people_type_is_nowhere_in_the_log(office: Office, log: io.StringIO) -> None:
    """Send marked names, passwords and tokens to every door: forms, addresses, questions, bodies."""
    office.accounts.create(LATIN, PASSWORD + LATIN, "u_marked", MARK, "o_a", ["keeper", "clerk"])
    app = create_app(office.settings, office)

    @app.get("/fails/{what}")
    def fails(what: str) -> None:
        raise ValueError(what) from KeyError(MARK)

    # It was put behind the page that answers whatever nobody else did.
    app.router.routes.insert(0, app.router.routes.pop())
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        client.post("/login", data={"login": LATIN, "password": LATIN})  # wrong
        entered = client.post("/login", data={"login": LATIN, "password": PASSWORD + LATIN})
        assert entered.status_code in (200, 303)
        token = client.cookies.get("session")
        assert token
        pages = ["/", "/assets", "/units", "/people", "/cases", "/assets/new", "/cases/new/loan"]
        for path in pages:
            shown = client.get(path, params={"text": MARK, "lang": "zh"})
            fields = dict.fromkeys(FORM.findall(shown.text), MARK)
            client.post(path, data=fields)
        for path in (f"/assets/{LATIN}", f"/fails/{LATIN}", f"/people/{LATIN}", f"/{MARK}"):
            client.get(path, headers={"Accept": "text/html", "User-Agent": MARK.encode()})
        body = {"name": MARK, "asset_no": LATIN, "kind": MARK, "unit": LATIN}
        for verb in ("register_existing", "issue", "nothing"):
            client.post(f"/api/v1/asset/{LATIN}/{verb}", json=body, auth=(LATIN, PASSWORD + LATIN),
                        headers={"Idempotency-Key": LATIN})  # fmt: skip
        client.post("/api/v1/asset/x/issue", content=MARK.encode(), auth=(LATIN, "wrong" + LATIN))
        client.get("/api/v1/inventory", params={"text": LATIN}, headers={"Authorization": LATIN})
        logging.getLogger("api.any").warning(
            "a read by %s of %s: %s", MARK, LATIN, ValueError(MARK)
        )
    written = log.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    answered = [line for line in lines if line["logger"] == "gongwu.access"]
    assert len(answered) > 20 and {line["status"] for line in answered} >= {200, 303, 404, 500}
    for secret in (MARK, json.dumps(MARK)[1:-1], LATIN, "u_marked", PASSWORD, token, "127.0.0.1"):
        assert secret not in written, [line for line in written.splitlines() if secret in line][:3]
    (failed,) = [line for line in lines if line["level"] == "error" and "error" in line][:1]
    assert failed["error"]["kinds"][:2] == ["builtins.ValueError", "builtins.KeyError"]
    assert any(place.endswith(" fails") for place in failed["error"]["at"])
    mine = [line for line in answered if "actor" in line]
    assert mine and len({line["actor"] for line in mine}) == 1 and mine[0]["role"] == "keeper"
    assert all(re.fullmatch(r"[0-9a-f]{12}", line["actor"]) for line in mine)


@pytest.mark.either_backend("what the log of the process says, whatever the database")
def test_a_line_is_found_by_the_request_that_its_answer_names(
    office: Office, log: io.StringIO
) -> None:
    import httpx

    with served(office) as url:
        answer = httpx.get(f"{url}/login?who={LATIN}")
    line = next(
        found
        for found in map(json.loads, log.getvalue().splitlines())
        if found.get("request") == answer.headers["x-request-id"]
    )
    assert (line["route"], line["method"], line["status"]) == ("/login", "GET", 200)
    assert line["ms"] > 0 and line["time"].endswith("+00:00") and line["level"] == "info"


@pytest.mark.parametrize(
    ("message", "given", "told"),
    [
        ("request %s failed", ("0123456789abcdef",), "request 0123456789abcdef failed"),
        ("%d of %s", (3, "x"), "3 of …"),
        ("%(name)s came", ({"name": MARK},), "%(name)s came"),
        ("%d wrong", (MARK,), "%d wrong"),
        ("%s %s", ("one",), "%s %s"),
        ("plain", (), "plain"),
    ],
)
def test_what_is_put_into_a_sentence_is_left_out_of_it(
    message: str, given: tuple[Any, ...], told: str
) -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, message, given, None)
    assert logs.message(record) == told


def test_text_stays_text() -> None:
    before = list(logging.getLogger().handlers)
    logs.begin("text")
    assert logging.getLogger().handlers == before
