"""Whoever watches is watched: what auditors read is an entry, once an hour, and in nobody's way."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, registered, staffed
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import cli, noting, pages
from api.app import create_app
from api.office import Actor, Office
from api.settings import Settings
from domain.audit_reads import AuditRead, Question
from domain.decider import LIFECYCLES
from domain.words import Role

AT = datetime(2026, 3, 31, 10, 20, tzinfo=UTC)
AUDITOR = Actor(person="u_auditor", unit="o_a", role="auditor")
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        office.reads.patience = 30.0  # tests wait until it is written, however busy the machine is
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    door = Door(create_app(office.settings, office))
    registered(door)
    return door


def written(office: Office) -> list[AuditRead]:
    return [e.event for e in office.book.entries() if isinstance(e.event, AuditRead)]


def ask(door: Door, path: str, who: str = "auditor", **headers: str) -> Any:
    return door.http.get(path, headers=headers, auth=(who, PASSWORD))


def signed_in(door: Door, office: Office, login: str, lang: str = "zh") -> TestClient:
    client = TestClient(door.http.app, headers={"Accept-Language": lang})
    account = office.accounts.find(login)
    assert account is not None
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


def read(path: str, actor: Actor = AUDITOR, at: datetime = AT, why: str = "", **asked: str) -> Any:
    method, _, where = path.partition(" ")
    return noting.read_of(method, where, asked, actor, at=at, purpose=why)


# What counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "asked", "question", "about", "extent"),
    [
        ("GET /audit/bundle", {"of": "asset/A1"}, Question.BUNDLE, "asset/A1", ""),
        ("POST /audit/v1/bundles", {"of": "12-40"}, Question.BUNDLE, "", "12-40"),
        (
            "GET /audit/bundle",
            {"of": "recorded", "from": "2026-01-01", "to": "2026-03-31"},
            Question.BUNDLE,
            "",
            "recorded,2026-01-01..2026-03-31",
        ),
        ("POST /audit/v1/replays", {}, Question.REPLAY, "", ""),
        ("POST /audit/verify", {}, Question.VERIFICATION, "", ""),
        ("GET /audit/findings.csv", {"check": "late"}, Question.FINDINGS, "", ""),
        ("GET /audit/v1/five-questions", {}, Question.FIVE_QUESTIONS, "", ""),
        ("GET /log/tile/entries/000", {}, Question.ENTRIES, "", ""),
        ("GET /entries/7", {}, Question.ENTRIES, "", "7"),
        (
            "GET /audit/changes/events",
            {"from": "2025-12-31", "to": "2026-03-31", "unit": "o_a", "known_to": "99"},
            Question.CHANGES,
            "unit/o_a",
            "2025-12-31..2026-03-31",
        ),
        ("GET /assets", {"on": "2026-03-31"}, Question.INVENTORY, "", "2026-03-31"),
        ("GET /api/v1/inventory", {"as_of": "2026-03-31"}, Question.INVENTORY, "", "2026-03-31"),
        ("GET /people/u_clerk", {}, Question.HISTORY, "person/u_clerk", ""),
        ("GET /api/v1/person/u_clerk/history", {}, Question.HISTORY, "person/u_clerk", ""),
        ("GET /cases/loan/L1", {}, Question.HISTORY, "loan/L1", ""),
        ("GET /audit/reads", {"reader": "u_auditor"}, Question.READS, "", ""),
    ],
)
def test_what_counts_is_told_apart(
    path: str, asked: dict[str, str], question: Question, about: str, extent: str
) -> None:
    found = read(path, AUDITOR, AT, "", **asked)
    assert found is not None
    assert (found.question, found.about, found.extent) == (question, about, extent)


def test_an_administrator_is_recorded_only_where_nobody_else_may_ask() -> None:
    for path in ("GET /assets/A1", "GET /people/u_clerk", "GET /audit/changes", "GET /cases"):
        assert read(path, ADMIN) is None and read(path) is not None
    for path in ("GET /audit/bundle", "GET /audit/findings", "POST /audit/verify"):
        assert read(path, ADMIN) is not None and read(path, CLERK) is None
    for path in ("GET /audit", "GET /audit/v1/status", "GET /log/checkpoint", "GET /login"):
        assert read(path) is None


# What is asked of the audit pages and does not count: what is signed, proofs, our own program,
# what a replay that is recorded came to, and one read (it leads to its entry, which counts).
UNCOUNTED = {
    "/audit", "/audit/checkpoint", "/audit/checkpoint-sm3", "/audit/stamp", "/audit/verify_bundle.py", "/audit/purpose", "/audit/reads/x",
    "/audit/v1/status", "/audit/v1/checkpoints", "/audit/v1/checkpoints/x", "/audit/v1/replays/x",
    "/audit/v1/proofs/inclusion", "/audit/v1/proofs/consistency",
}  # fmt: skip


def test_every_address_of_the_audit_counts_or_is_named_here(database: str) -> None:
    office = Office.open(Settings(database=database))
    paths = {
        (method.upper(), path)
        for path, operations in create_app(office.settings, office).openapi()["paths"].items()
        for method in operations
    }
    for part in pages.PARTS:
        for route in part.router(office).routes:
            paths |= {(method, route.path) for method in getattr(route, "methods", ())}
    audit = {
        (method, re.sub(r"\{\w+\}", "x", path))
        for method, path in paths
        if path.startswith("/audit")
    }
    assert len(audit) > 20
    missed = {path for method, path in audit if read(f"{method} {path}") is None}
    assert missed == UNCOUNTED
    for kind in LIFECYCLES:
        assert read(f"GET /api/v1/{kind}/X") is not None
    office.close()


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"at": AT + timedelta(minutes=39)}, True),
        ({"at": AT + timedelta(minutes=40)}, False),  # another hour
        ({"on": "2026-01-31"}, True),  # the day that one slides along
        ({"why": "审计2026-1"}, False),
    ],
)
def test_the_same_read_within_the_hour_is_one(other: dict[str, Any], same: bool) -> None:
    first, second = read("GET /assets", on="2026-03-31"), read("GET /assets", **other)
    assert first is not None and second is not None
    assert (first.mark == second.mark) is same
    bundles = [read("GET /audit/bundle", of="recorded", to=day) for day in ("2026-01-31", "")]
    assert bundles[0] and bundles[1] and bundles[0].mark != bundles[1].mark


# How it is written -------------------------------------------------------------------


def test_a_read_is_an_entry_with_its_reader_extent_and_purpose(door: Door, office: Office) -> None:
    why = {"Gongwu-Purpose": "%E5%AE%A1%E8%AE%A12026-1"}
    for _ in range(3):
        answer = ask(door, "/api/v1/asset/A1?as_of=2026-03-31", **why)
        assert (answer.status_code, answer.headers["Gongwu-Read"]) == (200, "recorded")
    (fact,) = written(office)
    assert fact == AuditRead(
        reader="u_auditor", unit="o_a", post=Role.AUDITOR, question=Question.HISTORY,
        about="asset/A1", extent="2026-03-31", purpose="审计2026-1",
    )  # fmt: skip
    entry = list(office.book.entries())[-1]
    assert (entry.actor, entry.beside.via.channel) == ("u_auditor", "api")
    assert "Gongwu-Read" not in ask(door, "/api/v1/asset/A1", "clerk").headers
    assert "Gongwu-Read" not in ask(door, "/api/v1/asset/nobody").headers  # nothing was shown
    assert len(written(office)) == 1


def test_who_looked_stands_on_the_page_and_in_the_list(door: Door, office: Office) -> None:
    client = signed_in(door, office, "auditor")
    assert client.post("/audit/purpose", data={"purpose": "经责审计2026-3"}).status_code == 200
    assert 'value="经责审计2026-3"' in client.get("/audit").text
    assert "没有这样的查阅记录" in client.get("/assets/A1").text
    assert client.get("/people/u_clerk").status_code == 200
    page = client.get("/assets/A1").text
    assert "示例auditor" in page and "经责审计2026-3" in page
    listed = client.get("/audit/reads").text
    assert "状态与历史" in listed and "/people/u_clerk" in listed
    assert (
        "/people/u_clerk" not in client.get("/audit/reads?about=asset/A1").text.split("<table")[1]
    )
    assert "没有这样的查阅记录" in client.get("/audit/reads?to=2020-01-01").text
    lines = client.get("/audit/reads.csv?about=person/u_clerk").text.splitlines()
    assert len(lines) == 2 and "person/u_clerk" in lines[1]
    (row,) = ask(door, "/audit/v1/reads?about=person/u_clerk").json()["items"]
    assert (row["reader"], row["question"]) == ("u_auditor", "history")
    assert client.get(f"/audit/reads/{row['id']}").url.path.startswith("/entries/")
    for where in ("/audit/reads", "/audit/reads.csv", f"/audit/reads/{row['id']}"):
        assert signed_in(door, office, "clerk").get(where).status_code in (403, 404)
    assert ask(door, "/audit/v1/reads", "clerk").status_code == 403
    assert "Who looked" not in signed_in(door, office, "clerk", "en").get("/assets/A1").text
    run = CliRunner().invoke(
        cli.app, ["--database", office.settings.database, "audit", "reads", "--about", "asset/A1"]
    )
    assert run.exit_code == 0 and "经责审计2026-3" in run.output


def test_a_long_list_of_reads_goes_on_page_by_page(door: Door, office: Office) -> None:
    client = signed_in(door, office, "auditor")
    for position in range(1, 5):
        client.get(f"/entries/{position}")
    first = ask(door, "/audit/v1/reads?question=entries&limit=3").json()
    rest = ask(door, f"/audit/v1/reads?question=entries&limit=3&after={first['next']}").json()
    assert [row["extent"] for row in first["items"] + rest["items"]] == ["4", "3", "2", "1"]
    assert rest["next"] is None


def test_the_findings_are_not_worked_out_again_because_somebody_read_them(
    door: Door, office: Office
) -> None:
    assert ask(door, "/audit/v1/findings").status_code == 200
    size = office.book.head()[0]
    assert isinstance(list(office.book.entries())[-1].event, AuditRead)
    assert {key[0] for key in office.findings if isinstance(key, tuple)} == {size - 1, size}


# When it cannot be written ------------------------------------------------------------


@pytest.fixture
def held(sqlite_url: str) -> Iterator[tuple[Office, sqlite3.Connection]]:
    """Lend an office, and a connection of another program that can keep everybody from writing."""
    with staffed(sqlite_url) as office:
        other = sqlite3.connect(
            sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
        )
        try:
            yield office, other
        finally:
            other.close()


@pytest.mark.one_backend("another process holds the lock of the file")
def test_an_answer_goes_out_although_its_read_cannot_be_written_yet(
    held: tuple[Office, sqlite3.Connection],
) -> None:
    """Another program holds the file: nobody waits for it, and the read follows when it lets go."""
    office, other = held
    door = Door(create_app(office.settings, office))
    registered(door)
    assert ask(door, "/api/v1/head").status_code == 200  # the password is checked and remembered
    office.reads.patience = 0.0
    other.execute("BEGIN IMMEDIATE")
    answer = ask(door, "/api/v1/asset/A1")
    assert answer.status_code == 200
    assert answer.headers["Gongwu-Read"] == "waiting; count=1; reason=busy"
    assert written(office) == []
    other.execute("ROLLBACK")
    assert office.reads.settle()
    assert len(written(office)) == 1


@pytest.mark.one_backend("another process holds the lock of the file")
def test_a_file_that_takes_nothing_more_is_told_on_the_next_page_and_made_up_for(
    held: tuple[Office, sqlite3.Connection],
) -> None:
    office, other = held
    door = Door(create_app(office.settings, office))
    registered(door)
    other.execute(
        "CREATE TRIGGER no_room BEFORE INSERT ON ledger_entry BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    office.reads.patience = 0.0
    client = signed_in(door, office, "auditor", "en")
    page = client.get("/assets/A1")
    assert page.status_code == 200
    troubled(office)
    assert "1 reads are not on the record yet" in client.get("/units").text
    assert "not on the record" not in signed_in(door, office, "clerk", "en").get("/units").text
    waiting = ask(door, "/api/v1/cases").headers["Gongwu-Read"]
    assert waiting.startswith("waiting; count=3; reason=")
    other.execute("DROP TRIGGER no_room")
    office.reads.hurry()
    assert office.reads.settle()
    assert [fact.question for fact in written(office)] == [
        Question.HISTORY, Question.UNITS, Question.CASES,
    ]  # fmt: skip
    assert "not on the record" not in client.get("/units").text


def troubled(office: Office) -> None:
    """Wait until the writer has met its trouble."""
    with office.reads._there:
        assert office.reads._there.wait_for(lambda: office.reads.trouble is not None, 30)


def test_too_many_that_wait_are_counted_as_lost(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staffed(database) as office:
        monkeypatch.setattr(noting, "WAITING_MAX", 0)
        found = read("GET /cases")
        assert found is not None
        assert not office.reads.note(found)
        assert office.reads.lost == 1


def test_what_waits_is_written_when_the_office_closes(database: str) -> None:
    with staffed(database) as office:
        office.reads.patience = 0.0
        found = read("GET /cases")
        assert found is not None
        office.reads.note(found)
    again = Office.open(office.settings)
    try:
        assert [fact.question for fact in written(again)] == [Question.CASES]
    finally:
        again.close()
