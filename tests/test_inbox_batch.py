"""Several alike matters are agreed to by one act, all or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from doors import Door, app_of, registered, staffed
from httpx import Response
from starlette.testclient import TestClient
from test_import_cards import at_page

from api.office import Office
from domain.lending import LoanApproved


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Three loans that are alike wait to be agreed to, and one to another unit."""
    with staffed(database) as one:
        door = Door(app_of(one))
        third = door.post(
            "unit/o_c/establish", {"name": "示例市文化局", "kind": "organ"}, who="admin"
        )
        assert third.status_code == 200, third.text
        for n in range(1, 5):
            registered(door, f"A{n}", asset_no=f"SL-{n}")
            form = {
                "lender": "o_a",
                "borrower": "o_b" if n < 4 else "o_c",
                "assets": [f"A{n}"],
                "due": "2099-06-30",
                "purpose": "普查",
            }
            asked = door.post(f"loan/L{n}/request", form)
            assert asked.status_code == 200, asked.text
        yield one


def fields(text: str) -> list[tuple[str, str]]:
    """Return what the form of a batch sends, as the page made it."""
    form = text.partition('action="/inbox/batch"')[2].partition("</form>")[0]
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)


def sent(client: TestClient, told: list[tuple[str, str]]) -> Response:
    return client.post(
        "/inbox/batch",
        content=urlencode(told),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def approved(office: Office) -> list[str]:
    streams = (f"loan/L{n}" for n in range(1, 5))
    return [
        s
        for s in streams
        if any(isinstance(e.event, LoanApproved) for e in office.book.stream(s).entries)
    ]


def test_what_is_alike_is_agreed_to_by_one_act(office: Office) -> None:
    client = at_page(office, "office")
    page = client.get("/inbox/batch?case=loan/L1&case=loan/L2").text
    assert "一起同意 2 项" in page and approved(office) == []
    told = fields(page)
    first = office.book.head()[0] + 1
    answer = sent(client, told)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"/inbox?done={first}"
    assert approved(office) == ["loan/L1", "loan/L2"]
    command = office.book.log.command(first)
    assert command is not None and first + command[1] - 1 == office.book.head()[0]
    # The same form again is the same act.
    size = office.book.head()[0]
    assert sent(client, told).status_code in (303, 422) and office.book.head()[0] == size


def test_all_of_it_is_recorded_or_none(office: Office) -> None:
    """Between the page and the button somebody else decided one of them."""
    client = at_page(office, "office")
    told = fields(client.get("/inbox/batch?case=loan/L1&case=loan/L2&case=loan/L3").text)
    decided = Door(app_of(office)).post("loan/L2/approve", {"approval_no": "借1"}, who="office")
    assert decided.status_code == 200, decided.text
    size = office.book.head()[0]
    answer = sent(client, told)
    assert answer.status_code == 422 and "L2" in answer.text
    assert (approved(office), office.book.head()[0]) == (["loan/L2"], size)


def test_what_was_changed_since_it_was_looked_at_is_not_agreed_to(office: Office) -> None:
    client = at_page(office, "office")
    told = fields(client.get("/inbox/batch?case=loan/L1&case=loan/L2").text)
    stale = [(name, "1" if name == "version.loan/L2" else value) for name, value in told]
    assert stale != told
    assert sent(client, stale).status_code == 409 and approved(office) == []


def test_what_is_not_alike_or_not_theirs_is_decided_one_by_one(office: Office) -> None:
    client = at_page(office, "office")
    for path, said in (
        ("case=loan/L1&case=loan/L4", "只能一次办理同一种"),
        ("case=loan/L9", "L9"),
        ("", ""),
    ):
        answer = client.get(f"/inbox/batch?{path}")
        assert answer.status_code == 422 and said in answer.text
    keeper = at_page(office, "keeper")
    assert keeper.get("/inbox/batch?case=loan/L1").status_code == 422
    assert sent(keeper, [("case", "loan/L1")]).status_code == 422 and approved(office) == []
