"""From the standard to the card, through the doors: nothing is bought that could be reallocated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from doors import Door, app_of, clerk_of, registered, staffed
from starlette.testclient import TestClient

from api.app import create_app
from api.office import Office
from domain.planning import ReallocationSearched, StockTaken
from domain.searching import digest
from projections import cases
from projections.scope import EVERYTHING

PC = "A02010105"
LINE: dict[str, Any] = {
    "kind": "computer",
    "class_code": PC,
    "item": "台式计算机",
    "quantity": "3",
    "unit_price": 500_000,
    "reason": "新增岗位",
    "posts": 2,
}
BUY: dict[str, Any] = {"plan": "P1", "line": 1, "quantity": "2", "unit_price": 480_000}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        for login, role in (("clerk2", "clerk"), ("office2", "office")):
            office.accounts.create(
                login, "a long enough password", f"u_{login}", login, "o_a", [role]
            )
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    """A door behind which unit o_b has two idle computers, and o_a has one in use."""
    door = Door(app_of(office))
    theirs = clerk_of(door, "o_b")
    for id_, unit in (("B1", "o_b"), ("B2", "o_b"), ("A1", "o_a"), ("A2", "o_a")):
        card = {"asset_no": f"ZC-{id_}", "name": "电脑", "kind": "computer", "unit": unit}
        granted(registered(door, id_, **card, class_code=PC))
    granted(door.post("asset/A1/issue", {"user": "u_li"}))
    granted(door.post("asset/A2/issue", {"user": "u_wu"}))
    granted(door.post("asset/B1/declare_idle", {}, who=theirs))
    granted(door.post("asset/B2/declare_idle", {}, who=theirs))
    return door


def granted(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug", "")) == (409, slug), answer.text
    return str(answer.json()["detail"])


def planned(door: Door) -> None:
    """Write a plan of one line and have it reviewed."""
    granted(door.post("plan/P1/draft", {"unit": "o_a", "title": "2026年计划", "year": 2026}))
    granted(door.post("plan/P1/add_line", LINE))
    granted(door.post("plan/P1/submit"))
    granted(door.post("plan/P1/approve", {"approval_no": "示计1"}, who="office"))


def entries(office: Office, stream: str, kind: Any) -> list[Any]:
    return [e.event for e in office.book.stream(stream).entries if isinstance(e.event, kind)]


@pytest.mark.target("T50")
def test_from_the_plan_to_the_card(office: Office, door: Door) -> None:
    planned(door)
    (stock,) = entries(office, "plan/P1", StockTaken)
    assert (stock.held, stock.cards) == ("2", 2)
    assert stock.sha256 == hashlib.sha256(b'[["A1","1"],["A2","1"]]').hexdigest()

    refused(door.post("acquisition/Q1/request", BUY), "not-searched")
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    (search,) = entries(office, "plan/P1", ReallocationSearched)
    assert [piece.asset for piece in search.found] == ["B1", "B2"]
    assert search.position == office.book.head()[0] - 1  # everything before the search itself
    said = refused(door.post("acquisition/Q1/request", BUY), "found-not-answered")
    assert "第11条" in said

    taken = {"line": 1, "asset": "B1", "case": "reallocation/R1"}
    granted(door.post("plan/P1/take_found", taken))
    refused(door.post("acquisition/Q1/request", BUY), "found-not-answered")
    down = {"line": 1, "assets": ["B2"], "reason": "内存不足，无法扩展"}
    granted(door.post("plan/P1/reject_found", down))
    refused(door.post("acquisition/Q1/request", BUY | {"quantity": "3"}), "beyond-the-plan")
    granted(door.post("acquisition/Q1/request", BUY))
    refused(door.post("acquisition/Q2/request", BUY), "beyond-the-plan")

    approval = {"approval_no": "示购1", "procurement_ref": "采2026-1"}
    granted(door.post("acquisition/Q1/authorise", approval, who="head"))
    rows = office.models.rows(cases.listing(EVERYTHING, kind="acquisition"))
    assert [(row["id"], row["status"], row["amount"]) for row in rows] == [
        ("acquisition/Q1", "authorised", 960_000)
    ]

    delivery = {"name": "台式计算机", "kind": "computer", "unit": "o_a", "value": 480_000}
    for id_ in ("N1", "N2"):
        granted(door.post(f"asset/{id_}/receive", delivery | {"acquisition": "Q1"}))
        refused(
            door.post(f"asset/{id_}/pass_acceptance", {"inspector": "u_li"}),
            "incompatible-duties",
        )
        refused(
            door.post(f"asset/{id_}/pass_acceptance", {"inspector": "u_clerk"}, who="clerk2"),
            "inspector-is-buyer",
        )
        granted(door.post(f"asset/{id_}/pass_acceptance", {"inspector": "u_li"}, who="clerk2"))
        granted(door.post(f"asset/{id_}/register", {"asset_no": f"ZC-{id_}", "class_code": PC}))
    end = office.book.stream("acquisition/Q1").state
    assert (end.status.value, end.delivered) == ("delivered", "2")


@pytest.mark.target("T50")
def test_the_log_gives_the_same_answer_again(office: Office, door: Door) -> None:
    """The certificate is not believed: the log as it was known then is searched again."""
    planned(door)
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    granted(door.post("asset/B2/put_back_to_use", {"reason": "需要"}, who="clerk-o-b"))
    granted(door.post("asset/A2/take_back", {"condition": "好"}))
    granted(door.post("asset/A2/declare_idle", {}))
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    first, second = entries(office, "plan/P1", ReallocationSearched)
    assert [piece.asset for piece in second.found] == ["A2", "B1"]
    for fact in (first, second):
        assert digest(office.search.again(fact)) == fact.sha256
    forged = msgspec.structs.replace(first, sha256=digest(()))
    assert digest(office.search.again(forged)) != forged.sha256


@pytest.mark.target("T50")
def test_a_search_of_nothing_is_a_certificate_too(office: Office, door: Door) -> None:
    granted(door.post("plan/P1/draft", {"unit": "o_a", "title": "计划", "year": 2026}))
    granted(door.post("plan/P1/add_line", LINE | {"kind": "furniture", "class_code": "A05010100"}))
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    (search,) = entries(office, "plan/P1", ReallocationSearched)
    assert (search.count, search.found) == (0, ())
    assert digest(office.search.again(search)) == search.sha256


def test_the_answers_of_the_lists_cannot_be_sent(door: Door) -> None:
    planned(door)
    answer = door.post("plan/P1/search_reallocation", {"line": 1, "count": 0, "sha256": "x"})
    assert answer.status_code == 422
    assert door.post("plan/P1/submit", {"seen": []}).status_code == 422


@pytest.mark.target("T49")
def test_the_standard_in_force_is_found_by_the_system(office: Office, door: Door) -> None:
    """One computer for each of two posts: two are in stock, three more are flagged."""
    norm: dict[str, Any] = {"title": "台式计算机标准", "kind": "computer", "class_code": "A0201"}
    norm |= {"basis": "post", "quantity": "1", "price_cap": 500_000, "service_years": 6}
    granted(door.post("standard/S1/draft", norm, who="office"))
    today = {"in_force_from": office.today().isoformat()}
    refused(
        door.post("standard/S1/publish", today, who="office"), "drafter-may-not-publish-standard"
    )
    granted(door.post("standard/S1/publish", today, who="office2"))
    planned(door)
    (stock,) = entries(office, "plan/P1", StockTaken)
    assert [(limit.standard, limit.held, limit.cap) for limit in stock.limits] == [("S1", "2", "1")]
    assert office.book.stream("plan/P1").state.over == {1}
    assert "超配置标准" in door.get("plan/P1").text


@pytest.mark.target("T49")
def test_where_the_rules_say_so_what_is_over_the_standard_is_refused(
    office: Office, door: Door
) -> None:
    content = json.dumps(
        {"title": {"zh": "示例规则", "en": "Example"}, "over_standard": "refuse"},
        ensure_ascii=False,
    )
    today = {"in_force_from": office.today().isoformat()}
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    granted(door.post("policy/example/publish", today, who="office"))
    norm: dict[str, Any] = {"title": "标准", "kind": "computer", "quantity": "4"}
    granted(door.post("standard/S1/draft", norm, who="office"))
    granted(door.post("standard/S1/publish", today, who="finance"))
    granted(door.post("plan/P1/draft", {"unit": "o_a", "title": "计划", "year": 2026}))
    granted(door.post("plan/P1/add_line", LINE))
    said = refused(door.post("plan/P1/submit"), "over-standard")
    assert "申报后为 5，上限 4" in said
    granted(door.post("plan/P1/leave_out", {"line": 1, "reason": "超标"}))
    granted(door.post("plan/P1/add_line", LINE | {"quantity": "2"}))
    granted(door.post("plan/P1/submit"))


@pytest.mark.parametrize(("lang", "said"), [("zh", "待答复2项"), ("en", "2 to answer")])
def test_the_page_of_a_plan_shows_what_was_found(
    office: Office, door: Door, lang: str, said: str
) -> None:
    planned(door)
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    clerk = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(clerk))
    client.cookies.set("lang", lang)
    assert client.get("/cases", params={"kind": "plan"}).status_code == 200
    page = client.get("/cases/plan/P1").text
    assert said in page
    assert "ZC-B1" in page
    assert "台式计算机" in page
