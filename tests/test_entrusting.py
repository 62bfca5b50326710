"""A company that runs a warehouse as agent does what it was entrusted with, on those days alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from fastapi.testclient import TestClient
from given import TODAY, Given, given
from httpx import Response

from api.app import create_app
from api.office import Actor, Office
from domain import entrusting
from domain.decider import Ask, Refused
from domain.entrusting import (
    A_COMPANY,
    DECIDES_NOTHING,
    IN_FORCE,
    IN_ORDER,
    KEEPS_NO_PROCEEDS,
    NOT_ENTRUSTED,
    NUMBER_NEW,
    TAKES_NOTHING,
    TASKS_NAMED,
    Agreement,
    Entrustment,
    EntrustmentEnded,
    OperationEntrusted,
    Task,
)
from domain.unit import UnitKind

ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
DAY = timedelta(days=1)
TERM: dict[str, Any] = {
    "owner": "o_a",
    "tasks": (Task.STORAGE,),
    "since": TODAY,
    "until": TODAY + 30 * DAY,
    "agreement_no": "协1",
}
entrusted = OperationEntrusted(**TERM)


def past(*facts: OperationEntrusted | EntrustmentEnded) -> Given:
    return given(entrusting.lifecycle, *facts).at(stream="entrustment/o_sq")


def test_an_agreement_has_tasks_dates_and_a_number_of_its_own():
    past().when(entrusting.entrust, **TERM).then(
        entrusted, Ask("unit/o_sq", "run_as_agent", {}), Ask("unit/o_a", "employ", {})
    )
    past().when(entrusting.entrust, **TERM | {"tasks": ()}).then_refused(TASKS_NAMED)
    twice = {"tasks": (Task.STORAGE, Task.STORAGE)}
    past().when(entrusting.entrust, **TERM | twice).then_refused(TASKS_NAMED)
    past().when(entrusting.entrust, **TERM | {"until": TODAY - DAY}).then_refused(IN_ORDER)
    past(entrusted).when(entrusting.entrust, **TERM).then_refused(NUMBER_NEW)


def test_an_agreement_ends_early_and_its_tasks_with_it():
    end = {"agreement_no": "协1", "reason": "考核不合格"}
    ended = EntrustmentEnded(agreement_no="协1", until=TODAY - DAY, reason="考核不合格")
    past(entrusted).when(entrusting.end, **end).then(ended)
    past(entrusted, ended).when(entrusting.end, **end).then_refused(IN_FORCE)
    past().when(entrusting.end, **end).then_refused(IN_FORCE)
    left = past(entrusted, ended).state
    assert left.tasks_on(TODAY) == frozenset()
    assert past(entrusted).state.tasks_on(TODAY + 30 * DAY) == {Task.STORAGE}
    assert past(entrusted).state.tasks_on(TODAY + 31 * DAY) == frozenset()
    assert "协" not in Entrustment().describe("zh") and "1份" in left.describe("zh")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """A company with a keeper, a clerk, a head and an accountant of its own; nothing entrusted yet."""
    with staffed(database) as office:
        form = {"name": "示例仓储有限公司", "kind": UnitKind.ENTERPRISE.value}
        office.ask("unit/o_sq", "establish", form, ADMIN)
        for role in ("keeper", "clerk", "head", "accountant"):
            office.accounts.create(f"sq_{role}", PASSWORD, f"u_sq_{role}", f"示例{role}", "o_sq", [role])  # fmt: skip
        yield office


def agree(office: Office, *tasks: str, days: int = 30, **more: Any) -> None:
    today = office.today()
    form = {"owner": "o_a", "tasks": list(tasks), "since": today.isoformat(),
            "until": (today + days * DAY).isoformat(), "agreement_no": "协1"}  # fmt: skip
    actor = Actor(person="u_office", unit="o_a", role="office")
    office.ask(f"entrustment/{more.pop('company', 'o_sq')}", "entrust", form | more, actor)


def refused(answer: Response, rule: Any) -> None:
    assert (answer.status_code, answer.json().get("slug")) == (409, rule.slug), answer.text


def test_a_company_does_what_it_was_entrusted_with_and_nothing_more(office: Office):
    door = Door(app_of(office))
    registered(door)
    move = {"place": "p_1"}
    office.ask("place/p_1", "open_place", {"name": "一号库", "kind": "warehouse", "unit": "o_a"}, ADMIN)  # fmt: skip
    assert door.post("asset/A1/relocate", move, who="sq_keeper").status_code == 404
    agree(office, "storage")
    assert door.post("asset/A1/relocate", move, who="sq_keeper").status_code == 200
    # Consent and approval are never its own, whatever it was entrusted with.
    refused(door.post("asset/A1/relocate", {"place": "p_2"}, who="sq_head"), DECIDES_NOTHING)
    refused(door.post("asset/A1/relocate", {"place": "p_2"}, who="sq_clerk"), NOT_ENTRUSTED)
    agree(office, "storage", "books_kept", "disposal_agency", agreement_no="协2")
    take = {"from_unit": "o_a", "to_unit": "o_sq", "item": "笔记本电脑", "assets": ["A1"]}
    refused(door.post("reallocation/R1/request", take, who="sq_clerk"), TAKES_NOTHING)
    paid = {"voucher": "1", "amount": 100, "treasury_on": "2026-01-05"}
    accountant = Actor(person="u_sq_accountant", unit="o_sq", role="accountant")
    with pytest.raises(Refused) as refusal:  # whatever it sees
        office.ask("disposal/D1", "remit", paid, accountant)
    assert refusal.value.rule == KEEPS_NO_PROCEEDS


def test_powers_hold_on_the_days_of_the_agreement_alone(office: Office):
    door = Door(app_of(office))
    registered(door)
    office.ask("place/p_1", "open_place", {"name": "一号库", "kind": "warehouse", "unit": "o_a"}, ADMIN)  # fmt: skip
    agree(office, "storage")
    end = {"agreement_no": "协1", "reason": "考核不合格"}
    assert door.post("entrustment/o_sq/end", end, who="office").status_code == 200
    late = door.post("asset/A1/relocate", {"place": "p_1"}, who="sq_keeper")
    assert (late.status_code, late.json()["slug"]) == (404, "no-such-record")


def test_a_public_body_needs_no_agreement(office: Office):
    form = {"owner": "o_a", "tasks": ["storage"], "since": "2026-01-01", "until": "2027-01-01",
            "agreement_no": "协9"}  # fmt: skip
    door = Door(app_of(office))
    refused(door.post("entrustment/o_b/entrust", form, who="office"), A_COMPANY)


def test_the_page_of_a_company_says_what_it_may_do(office: Office):
    http = TestClient(create_app(office.settings, office))
    account = next(a for a in office.accounts.all() if a.login == "office")
    http.cookies.set("session", office.accounts.sign_in(account))
    assert "没有受托事项" in http.get("/units/o_sq").text
    agree(office, "storage", "disposal_agency")
    page = http.get("/entrustments/o_sq").text
    assert "保管、运输、维护" in page and "代办处置" in page and "协1" in page
    assert "运营委托" not in http.get("/units/o_a").text.partition("<dl")[2].partition("</dl>")[0]
    assert http.get("/entrustments/o_none").status_code == 404
    for words in ("委托单位", "不得留存处置收入", "有效"):
        assert words in page
    assert page.count('type="checkbox" name="tasks"') == len(Task)  # chosen, not typed


def test_tasks_are_ticked_on_the_page(office: Office):
    http = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "office")
    http.cookies.set("session", office.accounts.sign_in(account))
    later = office.today() + timedelta(days=9)
    form: dict[str, Any] = {
        "owner": "o_a",
        "tasks": ["storage", "books_kept"],
        "since": later.isoformat(),
        "until": later.isoformat(),
        "agreement_no": "协7",
        "key": "k1",
    }
    done = http.post("/entrustments/o_sq/do/entrust", data=form)
    assert done.status_code == 303, done.text
    page = http.get("/entrustments/o_sq").text
    assert "尚未开始" in page and "代理记账" in page


def test_what_an_agreement_says_of_a_day() -> None:
    one = Agreement(owner="o_a", agreement_no="1", tasks=(Task.BOOKS,), since=date(2026, 1, 1),
                    until=date(2026, 1, 31))  # fmt: skip
    assert [one.runs(date(2026, 1, d)) for d in (1, 31)] == [True, True]
    assert not one.runs(date(2026, 2, 1))
