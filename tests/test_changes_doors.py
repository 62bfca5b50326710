"""The statement of changes at every door: pages, programs, command line, files say the same."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import city, demo
from api.app import create_app
from api.cli import app
from api.cli_terminal import USAGE
from api.office import Office
from api.settings import Settings
from projections.changes import FIGURES

START, END = "2025-06-30", "2025-12-31"


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    return module_database


@pytest.fixture(scope="module")
def office(url: str) -> Iterator[Office]:
    """Open an office with the example city in it."""
    opened = Office.open(Settings(database=url, demo=True))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(opened.accounts, lambda *_: None)
    city.load(opened.book, None)
    opened.models.catch_up(opened.book)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    auditor = next(a for a in office.accounts.all() if a.login == "auditor")
    client.cookies.set("session", office.accounts.sign_in(auditor))
    return client


def asked(client: TestClient, path: str, status: Any = 200, **query: Any) -> Any:
    answer = client.get(f"/audit/v1/{path}", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.target("T15")
def test_every_figure_is_the_sum_of_the_events_it_opens(client: TestClient) -> None:
    span = {"from": START, "to": END}
    said = asked(client, "changes", 200, **span)
    assert said["lines"] and len(said["totals"]) == 1
    (total,) = said["totals"]
    for unit in ("count", "value"):
        parts = [total["figures"][what][unit] for what in FIGURES]
        assert sum(parts[:-1]) == parts[-1]
    assert total["figures"]["in"]["count"] > 0 > total["figures"]["out"]["count"]
    for what in FIGURES:
        items, after = [], ""
        while after is not None:
            page = asked(
                client, "changes/events", figure=what, limit=100,
                **span, **({"after": after} if after else {}),
            )  # fmt: skip
            items += page["items"]
            after = page["next"]
        figure = total["figures"][what]
        assert sum(item["count"] for item in items) == figure["count"]
        assert sum(item["value"] for item in items) == figure["value"]
        if what in ("in", "out", "adjusted"):
            assert all(START < item["effective_on"] <= END for item in items)


@pytest.mark.target("T15")
def test_pages_lead_from_every_figure_to_its_events(client: TestClient) -> None:
    text = client.get(f"/audit/changes?from={START}&to={END}").text
    links = [unescape(link) for link in re.findall(r'href="(/audit/changes/events\?[^"]+)"', text)]
    assert {what for what in FIGURES if any(f"figure={what}" in link for link in links)} >= {
        "opening", "in", "out", "closing",
    }  # fmt: skip
    for link in [link for link in links if "figure=in" in link][:5]:
        found = client.get(link)
        assert found.status_code == 200 and 'href="/entries/' in found.text
        rows = list(
            csv.DictReader(io.StringIO(client.get(link.replace("events?", "events.csv?")).text))
        )
        # A page shows fifty; the file holds them all.
        assert min(len(rows), 50) == found.text.count('href="/entries/') > 0
    for lang in ("zh", "en"):
        answer = client.get(f"/audit/changes?from={START}&to={END}&lang={lang}")
        assert answer.status_code == 200
    client.get("/audit/changes?lang=zh")
    assert client.get("/audit/changes?from=2026-01-02&to=2026-01-01").status_code == 422
    assert client.get("/audit/changes/events?figure=profit").status_code == 404


def test_programs_the_command_line_and_files_say_the_same(
    client: TestClient, url: str, tmp_path: Path
) -> None:
    said = asked(client, "changes", 200, **{"from": START, "to": END})
    run = CliRunner().invoke(
        app,
        ["--database", url, "audit", "changes", "--from", START, "--to", END, "--json"],
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout) == said
    file = tmp_path / "changes.csv"
    run = CliRunner().invoke(
        app,
        ["--database", url, "audit", "changes", "--from", START, "--to", END, "--csv", str(file)],
    )
    assert run.exit_code == 0, run.output
    page = client.get(f"/audit/changes.csv?from={START}&to={END}")
    assert page.content == file.read_bytes()
    assert client.get(f"/audit/changes.xlsx?from={START}&to={END}").content[:2] == b"PK"


def test_a_question_that_makes_no_sense_is_answered_with_the_reason(
    client: TestClient, url: str
) -> None:
    said = asked(client, "changes", 422, **{"from": END, "to": START})
    assert said["errors"][0]["path"] == "from"
    assert asked(client, "changes/events", 422)["errors"][0]["path"] == "figure"
    known = {"known_from": "2026-03-01", "known_to": "2026-01-01"}
    assert asked(client, "changes", 422, **known)["errors"][0]["path"] == "known_from"
    assert asked(client, "nothing", 404)["slug"] == "not-found"
    assert client.post("/audit/v1/changes").status_code in (403, 405)
    run = CliRunner().invoke(
        app, ["--database", url, "audit", "changes", "--from", END, "--to", START]
    )
    assert run.exit_code == USAGE


def test_findings_and_the_five_questions_are_for_auditors_and_page_by_page(
    office: Office, client: TestClient
) -> None:
    said = asked(client, "findings", limit=3)
    assert len(said["items"]) == 3 and said["next"] == "3"
    assert sum(said["counts"].values()) > 3
    rest = asked(client, "findings", limit=1000, after=said["next"])
    assert len(rest["items"]) == sum(said["counts"].values()) - 3 and rest["next"] is None
    stuck = asked(client, "findings", check="stuck")
    assert {item["check"] for item in stuck["items"]} == {"stuck"}
    assert asked(client, "findings", 422, check="nonsense")["errors"][0]["path"] == "check"
    five = asked(client, "five-questions", pick=5)
    assert [answer["number"] for answer in five["answers"]] == [1, 2, 3, 4, 5]
    assert five["picked"] == 5
    rows = client.get("/audit/findings.csv").content.decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + sum(said["counts"].values())
    clerk = next(a for a in office.accounts.all() if a.login == "clerk")
    other = TestClient(create_app(office.settings, office), follow_redirects=False)
    other.cookies.set("session", office.accounts.sign_in(clerk))
    for path in ("/audit/v1/findings", "/audit/v1/five-questions", "/audit/findings"):
        assert other.get(path).status_code == 403, path


@pytest.mark.target("T98")
def test_a_close_is_made_on_a_page_and_its_figures_are_read_by_programs(
    office: Office, client: TestClient
) -> None:
    """One person proposes, another closes; the statement of the period is there for ever."""
    unit = "o_ex_edu"
    people = {a.login: a for a in office.accounts.all()}
    for login, verb, form in (
        ("accountant", "propose_close", {"until": "2026-06-30"}),
        ("finance", "close", {}),
    ):
        browser = TestClient(create_app(office.settings, office), follow_redirects=False)
        browser.cookies.set("session", office.accounts.sign_in(people[login]))
        page = browser.get(f"/periods/{unit}").text
        assert f'action="/periods/{unit}/do/{verb}"' in page, page
        key = re.search(rf'do/{verb}".*?name="key" value="([^"]+)"', page, re.DOTALL)
        assert key is not None
        done = browser.post(f"/periods/{unit}/do/{verb}", data={"key": key[1], **form})
        assert done.status_code == 303, done.text
    (period,) = asked(client, f"periods/{unit}")["periods"]
    assert period["until"] == "2026-06-30" and period["lines"]
    assert period["checkpoint"] == 0  # nobody signs here
    figures = asked(
        client, "changes",
        **{"from": period["since"], "to": period["until"], "unit": unit,
           "known_from": period["known_from"], "known_to": period["known_to"]},
    )  # fmt: skip
    assert figures["lines"] == period["lines"]
    text = client.get(f"/periods/{unit}").text
    assert "2026-06-30" in text and "/audit/changes?" in text
