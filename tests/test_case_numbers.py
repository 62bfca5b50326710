"""A case has its number from the moment it is put forward, in the same act, or none at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from doors import CARD, PASSWORD, Door, app_of, staffed
from given import TODAY, Ledger
from starlette.testclient import TestClient

from api import numbering as register_
from api import papers
from api.app import create_app
from api.numbering import Fate, register
from api.office import Actor, Office
from domain import numbering
from domain.decider import FACTS, LIFECYCLES, Ask, Occasion, Refused
from domain.numbering import CaseNumbered, NumberDrawn
from domain.paper_forms import PaperForm
from domain.words import Role
from ledger.verifying import verify
from projections import cases
from projections.scope import EVERYTHING

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEAD = Actor(person="u_head", unit="o_a", role="head")
FORWARD = {
    *("acquisition", "conversion", "disposal", "exchange", "intake", "lease", "loan", "plan"),
    *("demand", "reallocation"),
}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    book.on = date(2020, 1, 1)
    for unit in ("o_1", "o_a", "o_b"):
        book.ask("u_admin", f"unit/{unit}", "establish", name=f"示例{unit}局", kind="organ")
    book.on = TODAY
    yield book
    book.close()


def lend(ledger: Ledger, name: str, asset: str, on: date = TODAY) -> None:
    """Ask for a loan in the name of the unit o_1."""
    form = {"lender": "o_a", "borrower": "o_b", "assets": [asset], "purpose": "会议",
            "due": TODAY + timedelta(days=9)}  # fmt: skip
    clerk = Occasion(by="u_clerk", on=on, unit="o_1", role=Role.CLERK)
    ledger.book.act([Ask(f"loan/{name}", "request", form)], clerk)


# Declared once ----------------------------------------------------------------


@pytest.mark.target("T36")
def test_every_kind_that_leaves_an_application_is_numbered_by_it() -> None:
    """One word in the declaration of a fact; nothing else has to be written for it."""
    numbered = {f.type_name.partition(".")[0] for f in FACTS.values() if f.numbered}
    applied = {
        kind
        for kind, life in LIFECYCLES.items()
        for fact in life.meanings
        if {PaperForm.APPLICATION, PaperForm.DISPOSAL} & set(fact.papers) and fact.duty == "apply"
    }
    assert applied == FORWARD
    assert numbered == FORWARD | {"confiscated"}
    for kind in numbered:
        assert CaseNumbered in LIFECYCLES[kind].meanings
        assert LIFECYCLES[kind].verbs["be_numbered"].inner


@pytest.mark.target("T36")
def test_a_case_has_the_number_of_the_unit_that_puts_it_forward(ledger: Ledger) -> None:
    ledger.card("A1")
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管借")
    lend(ledger, "L1", "A1")
    year = TODAY.year
    assert ledger.state("loan/L1").number == f"示机管借〔{year}〕0001号"
    said = [e.event for e in ledger.book.stream("loan/L1").entries]
    assert said[1] == CaseNumbered(number=f"示机管借〔{year}〕0001号")
    series = ledger.book.stream(f"series/o_1-loan-{year}").entries
    assert {e.cause for e in series} == {ledger.book.stream("loan/L1").entries[0].cause}


def test_where_no_series_is_named_no_number_is_made_up(ledger: Ledger) -> None:
    ledger.on = TODAY - timedelta(days=9)
    for n in (1, 2):
        ledger.card(f"A{n}")
    ledger.on = TODAY
    lend(ledger, "L1", "A1")
    assert ledger.state("loan/L1").number == ""
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管借")
    lend(ledger, "L2", "A2", TODAY - timedelta(days=1))  # before the series was named
    assert ledger.state("loan/L2").number == ""
    assert register_.all_series(ledger.book) == []


@pytest.mark.target("T36")
def test_what_is_put_forward_again_keeps_its_number(ledger: Ledger) -> None:
    """And a case that was taken back and begun anew gets another; both are told."""
    ledger.card("A1")
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管借")
    lend(ledger, "L1", "A1")
    clerk = Occasion(by="u_clerk", on=TODAY, unit="o_1", role=Role.CLERK)
    ledger.book.reverse("loan/L1", 1, clerk, reason="填错")
    assert ledger.state("loan/L1").number == ""
    lend(ledger, "L1", "A1")
    year = TODAY.year
    assert ledger.state("loan/L1").number == f"示机管借〔{year}〕0002号"
    lines = register(ledger.book, f"series/o_1-loan-{year}")
    assert [line.fate for line in lines] == [Fate.TAKEN_BACK, Fate.GIVEN]
    assert lines[0].reason == "填错"
    with pytest.raises(Refused) as no:
        LIFECYCLES["loan"].decide(
            ledger.state("loan/L1"), "be_numbered", clerk, {"number": "x"}, asked=True
        )
    assert no.value.rule is numbering.UNNUMBERED


@pytest.mark.target("T36")
def test_a_withdrawn_case_keeps_its_number_and_the_register_says_why(ledger: Ledger) -> None:
    ledger.card("A1")
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管借")
    lend(ledger, "L1", "A1")
    clerk = Occasion(by="u_clerk", on=TODAY, unit="o_1", role=Role.CLERK)
    ledger.book.act([Ask("loan/L1", "withdraw", {"reason": "会议取消"})], clerk)
    assert ledger.state("loan/L1").number
    (line,) = register(ledger.book, f"series/o_1-loan-{TODAY.year}")
    assert (line.fate, line.reason) == (Fate.WITHDRAWN, "会议取消")


# On paper and on every list -----------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        opened.ask("series/o_a-loan", "name_series", {"prefix": "示财借"}, HEAD)
        opened.ask("asset/A1", "register_existing", CARD | {"asset_no": "ZC-1"}, CLERK)
        opened.ask("loan/L1", "request", wanted(opened, "A1"), CLERK)
        yield opened


def wanted(office: Office, asset: str) -> dict[str, Any]:
    due = office.today() + timedelta(days=9)
    return {"lender": "o_a", "borrower": "o_b", "assets": [asset], "purpose": "会议", "due": due}


@pytest.mark.target("T36")
def test_the_number_is_on_the_paper_the_page_the_list_and_in_every_answer(office: Office) -> None:
    number = f"示财借〔{office.today().year}〕0001号"
    stream = office.book.stream("loan/L1")
    assert papers.printed(office, stream, "application", "zh").number == number
    door = Door(app_of(office))
    assert door.get("loan/L1").json()["state"]["number"] == number
    assert [row["number"] for row in door.get("cases").json()["items"]] == [number]
    assert [row["number"] for row in door.get("open-steps").json()["items"]] == [number]
    assert [r["id"] for r in office.rows(cases.listing(EVERYTHING, text=number))] == ["loan/L1"]
    client = signed_in(office)
    for page in ("/cases", "/cases/loan/L1", "/open-steps"):
        assert number in client.get(page).text, page
    office.ask("loan/L1", "approve", {"approval_no": "示批〔2026〕1号"}, HEAD)
    stream = office.book.stream("loan/L1")
    assert papers.printed(office, stream, "approval", "zh").number == "示批〔2026〕1号"


def signed_in(office: Office, who: str = "clerk") -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


@pytest.mark.target("T36")
def test_a_voided_number_says_why_on_the_page_of_its_case(office: Office) -> None:
    series = f"series/o_a-loan-{office.today().year}"
    office.ask(series, "void_number", {"ordinal": 1, "reason": "套打错位，改用次号"}, HEAD)
    page = signed_in(office).get("/cases/loan/L1").text
    assert "套打错位，改用次号" in page
    assert "作废" in page
    made = papers.printed(office, office.book.stream("loan/L1"), "application", "zh")
    assert any("已作废：套打错位，改用次号" in note for note in made.notes)


@pytest.mark.target("T36")
def test_a_hundred_cases_put_forward_at_once_have_a_hundred_numbers(database: str) -> None:
    """T36 through the door of programs: no error, no number twice, none left out."""
    with staffed(database) as office:
        office.ask("series/o_a-loan", "name_series", {"prefix": "示财借"}, HEAD)
        office.ask_many(
            [(f"asset/A{n}", "register_existing", CARD | {"asset_no": f"ZC-{n}"}) for n in range(100)],
            CLERK,
        )  # fmt: skip

        async def post() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app_of(office), raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", auth=("clerk", PASSWORD)
            ) as client:
                return await asyncio.gather(
                    *(
                        client.post(
                            f"/api/v1/loan/L{n}/request",
                            json=wanted(office, f"A{n}") | {"due": str(wanted(office, "")["due"])},
                            headers={"Idempotency-Key": str(uuid4())},
                        )
                        for n in range(100)
                    )
                )

        answers = asyncio.run(post())
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        year = office.today().year
        drawn = [
            e.event.number
            for e in office.book.stream(f"series/o_a-loan-{year}").entries
            if isinstance(e.event, NumberDrawn)
        ]
        assert drawn == [f"示财借〔{year}〕{n:04}号" for n in range(1, 101)]
        kept = {office.book.stream(f"loan/L{n}").state.number for n in range(100)}
        assert kept == set(drawn)
        assert verify(office.book).intact
