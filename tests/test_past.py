"""Any list as of any day, as known at any time: what a fold of the entries says, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from books import opened
from doors import CARD, PASSWORD, Door, staffed
from fastapi.testclient import TestClient
from golden_log import example
from sqlalchemy import select

from api.app import create_app
from api.office import Actor, Office
from domain.decider import FACTS, LIFECYCLES, EntryReversed
from domain.open_steps import open_step
from ledger.book import Book
from ledger.entry import Corrects, Draft
from projections import cases
from projections.past import KEPT_MAX, Pasts
from projections.store import ReadModels

OPENINGS = {
    "loan": "loan.requested",
    "lease": "lease.requested",
    "disposal": "disposal.proposed",
    "reallocation": "reallocation.requested",
}
FIRST = date(2026, 1, 1)
EVER = "9999-12-30"


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    with opened(database) as book:
        yield book


def filled(book: Book, seed: int) -> list[str]:
    """Write whatever happens to some streams past every rule: late, and taken back; return them."""
    rng = random.Random(seed)
    streams: dict[str, int] = {}
    for number in range(120):
        kind = rng.choice(["loan", "lease", "disposal", "reallocation"])
        stream = f"{kind}/{rng.randrange(4)}.{kind[0]}"
        seq = streams.get(stream, 0) + 1
        known = sorted(LIFECYCLES[kind].meanings, key=lambda fact: fact.type_name)
        fact = FACTS[OPENINGS[kind]] if seq == 1 else rng.choice(known)
        on = FIRST + timedelta(days=rng.randrange(60))
        event: Any = example(fact, bool(rng.randrange(2)))
        corrects = None
        if seq > 2 and number % 9 == 0:
            event, corrects = EntryReversed(seq=seq - 1, reason="错登"), Corrects(seq - 1, stream)
        draft = Draft(
            stream=stream, seq=seq, event=event, actor="u_1", cause=f"c{number}",
            effective_at=f"{on}T09:00:00+08:00", corrects=corrects,
        )  # fmt: skip
        book.append([draft], actor="u_1", cause=draft.cause)
        streams[stream] = seq
    return sorted(streams)


@pytest.mark.target("T02")
@pytest.mark.target("T04")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_cases_of_a_day_are_the_fold_of_each(book: Book, seed: int) -> None:
    streams, rng, pasts = filled(book, seed), random.Random(seed), Pasts(book)
    size = book.head()[0]
    occurred = 0
    for _ in range(25):
        on = (FIRST + timedelta(days=rng.randrange(-1, 61))).isoformat()
        known = rng.choice([None, rng.randrange(1, size + 1)])
        expected = {}
        for stream in streams:
            state = book.state_at(stream, on, known)
            if state.status.value != "none":
                step = open_step(state) if state.applicant else None
                expected[stream] = (state.status.value, step.verb if step else "")
        rows = pasts.at(cases.KINDS, on, known).rows(select(cases.cases))
        assert {row["id"]: (row["status"], row["step"]) for row in rows} == expected
        occurred += len(expected)
    assert occurred > 100


def test_the_last_day_as_known_now_is_the_list_of_now(book: Book, database: str) -> None:
    filled(book, 3)
    models = ReadModels.open(database)
    try:
        models.catch_up(book)
        now = {tuple(row.values()) for row in models.rows(select(cases.cases))}
        past = Pasts(book).at(cases.KINDS, EVER)
        assert {tuple(row.values()) for row in past.rows(select(cases.cases))} == now
        assert len(now) > 10
    finally:
        models.close()


def test_few_days_are_remembered_and_what_is_recorded_since_is_told(book: Book) -> None:
    filled(book, 4)
    pasts = Pasts(book)
    first = pasts.at(("loan",), "2026-02-01")
    assert pasts.at(("loan",), "2026-02-01") is first
    for day in range(10, 10 + KEPT_MAX):
        pasts.at(("loan",), f"2026-01-{day}")
    assert pasts.at(("loan",), "2026-02-01") is not first
    known = book.head()[0]
    then = pasts.at(("loan",), EVER, known)
    filled_late = Draft(
        stream="loan/late", seq=1, event=example(FACTS["loan.requested"], True), actor="u_1",
        cause="late", effective_at="2026-01-05T09:00:00+08:00",
    )  # fmt: skip
    book.append([filled_late], actor="u_1", cause="late")
    assert pasts.at(("loan",), EVER, known) is then
    told = {row["id"] for row in pasts.at(("loan",), EVER).rows(select(cases.cases))}
    assert told - {row["id"] for row in then.rows(select(cases.cases))} == {"loan/late"}


# At the doors ------------------------------------------------------------------------

BORROWER = Actor(person="u_borrower", unit="o_b", role="clerk")
HEAD = Actor(person="u_head", unit="o_a", role="head")
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    """A loan asked for on 1 March, granted on the 10th; a unit renamed on the 5th."""
    with staffed(module_database, on=date(2026, 1, 1)) as office:
        office.ask("asset/A1", "register_existing", CARD, CLERK, on=date(2026, 2, 1))
        wanted = {"lender": "o_a", "borrower": "o_b", "assets": ["A1"], "purpose": "办班借用"}
        wanted["due"] = "2026-04-30"
        office.ask("loan/L1", "request", wanted, BORROWER, on=date(2026, 3, 1))
        office.ask(
            "loan/L1", "approve", {"approval_no": "示借〔2026〕1号"}, HEAD, on=date(2026, 3, 10)
        )
        office.ask(
            "unit/o_b", "rename", {"name": "示例市水务局"}, ADMIN, on=date(2026, 3, 5)
        )  # fmt: skip
        yield office


@pytest.fixture(scope="module")
def door(office: Office) -> Door:
    return Door(create_app(office.settings, office))


@pytest.fixture
def client(door: Door, office: Office) -> TestClient:
    client = TestClient(door.http.app, headers={"Accept-Language": "zh"})
    account = office.accounts.find("auditor")
    assert account is not None
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


def asked(door: Door, path: str, **query: Any) -> Any:
    answer = door.http.get(f"/api/v1/{path}", params=query, auth=("auditor", PASSWORD))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.target("T04")
def test_programs_ask_for_the_cases_and_open_steps_of_a_day(door: Door, office: Office) -> None:
    assert asked(door, "cases", as_of="2026-02-28") == []
    (asked_for,) = asked(door, "cases", as_of="2026-03-09")
    (granted,) = asked(door, "cases", as_of="2026-03-10")
    assert (asked_for["status"], granted["status"]) == ("requested", "approved")
    assert asked(door, "cases", as_of="2026-03-10", known_at="2026-01-01") == []
    assert asked(door, "open-steps", on="2026-02-28") == []
    (step,) = asked(door, "open-steps", on="2026-03-05")
    assert (step["step"], step["since"], step["age_days"]) == (
        "approve",
        "2026-03-01",
        4,
    )
    (later,) = asked(door, "open-steps", on="2026-05-01")
    assert later["step"] == "hand_out"
    for kind in ("series", "quotas", "confiscated", "packages"):
        assert asked(door, kind, as_of="2026-03-01") == []
    wrong = door.http.get("/api/v1/cases?as_of=soon", auth=("auditor", PASSWORD))
    assert wrong.status_code == 422


def test_every_list_page_can_be_looked_back_on(client: TestClient) -> None:
    for path in (
        "/cases",
        "/open-steps",
        "/numbers",
        "/quotas",
        "/confiscated",
        "/packages",
        "/people",
        "/units",
    ):
        for query in ("", "?on=2026-03-05", "?on=2026-03-05&known=3", "?known=2026-03-05"):
            answer = client.get(f"{path}{query}")
            assert answer.status_code == 200, (path, query)
            assert 'name="on"' in answer.text and 'name="known"' in answer.text, path
            assert ('class="past"' in answer.text) is bool(query), (path, query)
        assert client.get(f"{path}?on=soon").status_code == 422
    for path in ("/numbers", "/quotas", "/confiscated"):
        assert client.get(f"{path}.csv?on=2026-03-05").status_code == 200
        assert client.get(f"{path}.csv?on=soon").status_code == 422


@pytest.mark.target("T11")
def test_pages_of_the_past_say_what_was_and_what_it_was_called(client: TestClient) -> None:
    assert "办班借用" in client.get("/cases?on=2026-03-05").text
    assert "办班借用" not in client.get("/cases?on=2026-02-28").text
    page = client.get("/open-steps?on=2026-03-05").text
    assert "办班借用" in page and "/cases/loan/L1?on=2026-03-05" in page
    assert "办班借用" not in client.get("/open-steps?on=2026-03-05&known=1").text
    assert "示例市水务局" in client.get("/units").text
    before = client.get("/units?on=2026-03-04").text
    assert "示例市水利局" in before and "示例市水务局" not in before
