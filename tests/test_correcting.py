"""A returned case may change its list: what goes is free, what comes is held, the route is laid anew.

Through the API, with people in their roles; and before anything is sent, what would be warned of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from starlette.testclient import TestClient

from api.app import create_app
from api.office import Actor, Office
from domain.decider import Refused

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "loan": ("request", {"lender": "o_a", "borrower": "o_b", "purpose": "培训"}),
    "lease": ("request", {"lessor": "o_a", "lessee": "示例公司", "rent": 100, "purpose": "闲置"}),
    "intake": ("apply", {"unit": "o_a", "ground": "idle", "warehouse": "p_w"}),
    "reallocation": ("request", {"from_unit": "o_a", "to_unit": "o_b", "item": "打印机"}),
    "disposal": (
        "propose",
        {"unit": "o_a", "form": "scrap", "ground": "life_over", "minutes_no": "纪要1"},
    ),
    "conversion": (
        "request",
        {"unit": "o_a", "purpose": "档案室", "used_by": "档案馆", "reason": "闲置"},
    ),
    "exchange": (
        "request",
        {
            "unit": "o_a",
            "needed": "会议系统",
            "ground": "idle",
            "minutes_no": "纪要1",
            "outsider": "示例公司",
        },
    ),
}
APPROVALS = {"intake": {"keeper_unit": "o_a"}, "reallocation": {"scope": "departments"}}
OFFICE = {"role": "office", "body": "offices"}
FINANCE = {"role": "finance", "body": "finance"}
LIMIT = 1_000_000
RULES: dict[str, Any] = {
    "title": {"zh": "示例市规则", "en": "Rules of the example city"},
    "splitting_days": 60,
    "routes": [
        route
        for action in (
            "loan",
            "lease",
            "intake",
            "reallocation",
            "disposal",
            "acquisition",
            "conversion",
            "exchange",
        )
        for route in (
            {"action": action, "at_least": LIMIT, "steps": [OFFICE, FINANCE]},
            {"action": action, "steps": [OFFICE]},
        )
    ],
}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        for login, unit, role in (("other", "o_b", "clerk"), ("office2", "o_a", "office")):
            office.accounts.create(login, PASSWORD, f"u_{login}", login, unit, [role])
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    door = Door(app_of(office))
    publish(door, office, RULES)
    for id_, value in {"A": 300_000, "B": 300_000, "C": 300_000, "D": 800_000}.items():
        registered(door, id_, asset_no=f"ZC-{id_}", kind="office", value=value)
    return door


def publish(door: Door, office: Office, rules: dict[str, Any]) -> None:
    content = json.dumps(rules, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))


def granted(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug", "")) == (409, slug), answer.text
    return str(answer.json()["detail"])


def state(door: Door, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = granted(door.get(stream))["state"]
    return found


def holder(door: Door, asset: str) -> str:
    """Return the case that holds an asset; empty when it is free."""
    now = state(door, f"asset/{asset}")
    return str(now["case"]) if now["lock"] != "none" else ""


def roles(door: Door, stream: str) -> list[str]:
    return [stage["role"] for stage in state(door, stream)["approval"]["stages"]]


def put_forward(door: Door, office: Office, kind: str, assets: list[str], id_: str = "X") -> str:
    """Put a case of a kind forward and have it returned; return its stream."""
    verb, form = FORMS[kind]
    if kind in ("loan", "lease"):
        form = form | {"due": (office.today() + timedelta(days=30)).isoformat()}
    stream = f"{kind}/{id_}"
    granted(door.post(f"{stream}/{verb}", form | {"assets": assets}))
    return stream


def returned(door: Door, office: Office, kind: str, assets: list[str]) -> str:
    stream = put_forward(door, office, kind, assets)
    granted(door.post(f"{stream}/send_back", {"reason": "清单有误"}, who="office"))
    return stream


def listed(door: Door, stream: str) -> list[str]:
    now = state(door, stream)
    return sorted(now["proposed" if stream.startswith("disposal/") else "waiting"])


# The list ------------------------------------------------------------------------


@pytest.mark.target("T29", "T91")
@pytest.mark.parametrize("kind", FORMS)
def test_another_list_frees_holds_and_finds_who_must_decide(
    door: Door, office: Office, kind: str
) -> None:
    stream = returned(door, office, kind, ["A", "B"])
    assert roles(door, stream) == ["office"]
    changed = {"note": "改列D，不列B", "add": ["D"], "remove": ["B"]}
    granted(door.post(f"{stream}/resubmit", changed))
    assert listed(door, stream) == ["A", "D"]
    assert [holder(door, asset) for asset in "ABCD"] == [stream, "", "", stream]
    assert roles(door, stream) == ["office", "finance"]  # the sum reaches the limit now
    number = {"approval_no": "批1"} | APPROVALS.get(kind, {})
    refused(door.post(f"{stream}/approve", number, who="office"), "earlier-step-open")
    granted(door.post(f"{stream}/endorse", {}, who="office"))
    beyond = number | {"assets": ["A", "B"], "reason": "只批一部分"}
    if kind == "exchange":  # decided as a whole
        pass
    elif kind == "disposal":
        beyond.pop("reason")
        refused(door.post(f"{stream}/approve", beyond, who="finance"), "approved-beyond-proposed")
    else:
        refused(door.post(f"{stream}/approve", beyond, who="finance"), "not-on-the-list")
    granted(door.post(f"{stream}/approve", number, who="finance"))
    granted(door.post("loan/NEXT/request", loan_of(office, ["B"])))  # what was freed is to be had


def loan_of(office: Office, assets: list[str]) -> dict[str, Any]:
    due = (office.today() + timedelta(days=9)).isoformat()
    return FORMS["loan"][1] | {"due": due, "assets": assets}


@pytest.mark.parametrize("kind", FORMS)
def test_what_is_added_is_checked_as_at_the_first_application(
    door: Door, office: Office, kind: str
) -> None:
    put_forward(door, office, "loan", ["D"], "OTHER")
    stream = returned(door, office, kind, ["A", "B"])
    before = granted(door.get(f"{stream}/history"))["version"]

    def tried(who: str = "clerk", **form: Any) -> Any:
        return door.post(f"{stream}/resubmit", {"note": "改"} | form, who=who)

    refused(tried(add=["D"]), "held-by-a-process")  # another case has it
    refused(tried(add=["A"]), "already-on-the-list")
    refused(tried(remove=["C"]), "not-on-the-list")
    refused(tried(remove=["A", "B"]), "list-empty-or-too-long")
    refused(tried(add=["C", "C"]), "list-empty-or-too-long")
    assert granted(door.get(f"{stream}/history"))["version"] == before
    assert [holder(door, asset) for asset in "ABC"] == [stream, stream, ""]
    granted(tried())
    refused(tried(add=["C"]), "not-returned")  # it awaits the decision again


def test_only_a_side_of_the_case_corrects_its_list(door: Door, office: Office) -> None:
    stream = returned(door, office, "disposal", ["A", "B"])
    changed = {"note": "改", "remove": ["A"]}
    assert door.post(f"{stream}/resubmit", changed, who="other").status_code == 404
    with pytest.raises(Refused) as refusal:  # and if they saw it
        office.ask(stream, "resubmit", changed, Actor(person="u_other", unit="o_b", role="clerk"))
    assert refusal.value.rule.slug == "list-of-another-unit"
    granted(door.post(f"{stream}/resubmit", {"note": "改", "remove": ["A"]}))


def test_whoever_returned_a_case_does_not_correct_it(door: Door, office: Office) -> None:
    stream = returned(door, office, "loan", ["A", "B"])
    changed = {"note": "改", "remove": ["A"]}
    refused(door.post(f"{stream}/resubmit", changed, who="office"), "incompatible-duties")


@pytest.mark.target("T29")
def test_the_rules_of_the_resubmission_route_another_list_those_of_the_first_day_the_same(
    door: Door, office: Office
) -> None:
    stricter = RULES | {"routes": [{"action": "loan", "steps": [FINANCE]}]}
    same = put_forward(door, office, "loan", ["A"], "SAME")
    other = put_forward(door, office, "loan", ["B"], "OTHER")
    for stream in (same, other):
        granted(door.post(f"{stream}/send_back", {"reason": "请说明"}, who="office"))
    publish(door, office, stricter)
    granted(door.post(f"{same}/resubmit", {"note": "已说明"}))
    granted(door.post(f"{other}/resubmit", {"note": "加列C", "add": ["C"]}))
    assert (roles(door, same), roles(door, other)) == (["office"], ["finance"])


def test_terms_are_corrected_as_well_as_the_list(door: Door, office: Office) -> None:
    loan = returned(door, office, "loan", ["A"])
    lease = returned(door, office, "lease", ["B"])
    past, later = (office.today() + timedelta(days=days) for days in (-1, 90))
    refused(door.post(f"{loan}/resubmit", {"note": "改", "due": past.isoformat()}), "due-not-ahead")
    granted(door.post(f"{loan}/resubmit", {"note": "延后", "due": later.isoformat()}))
    refused(door.post(f"{lease}/resubmit", {"note": "改", "rent": 0}), "lease-without-rent")
    granted(door.post(f"{lease}/resubmit", {"note": "加租", "rent": 250, "per": "year"}))
    assert state(door, loan)["due"] == later.isoformat()
    now = state(door, lease)
    assert (now["rent"], now["per"]) == (250, "year")


def test_a_reallocation_asks_for_as_many_as_are_listed_now(door: Door, office: Office) -> None:
    stream = returned(door, office, "reallocation", ["A", "B"])
    granted(door.post(f"{stream}/resubmit", {"note": "只要一台", "remove": ["A"]}))
    assert state(door, stream)["quantity"] == "1"


@pytest.mark.target("T90")
def test_a_disposal_is_valued_watched_and_held_to_its_rules_anew(
    door: Door, office: Office
) -> None:
    papers = {"form": "scrap", "grounds": ["life_over"], "documents": ["minutes", "proof"]}
    publish(door, office, RULES | {"forms": [papers]})
    proof = {"type": "proof", "number": "鉴1"}
    form = FORMS["disposal"][1] | {"docs": [proof]}
    granted(door.post("disposal/ONE/propose", form | {"assets": ["A"]}))
    granted(door.post("disposal/TWO/propose", form | {"assets": ["D"]}))
    assert state(door, "disposal/TWO")["flags"] == ["splitting"]
    granted(door.post("disposal/TWO/send_back", {"reason": "请并案"}, who="office"))
    # The paper shown at first is not asked for again; a ground the rules do not name is refused.
    wrong = {"note": "改", "ground": "disaster"}
    refused(door.post("disposal/TWO/resubmit", wrong), "ground-not-on-the-list")
    swap = {"note": "换列", "add": ["B"], "remove": ["D"], "remark": "换下来的"}
    granted(door.post("disposal/TWO/resubmit", swap))
    now = state(door, "disposal/TWO")
    assert (now["flags"], now["requested_amount"], now["remark"]) == ([], 300_000, "换下来的")
    watch = office.book.stream("watch/o_a.scrap").state
    assert {c.case: c.amount for c in watch.counted} == {
        "disposal/ONE": 300_000,
        "disposal/TWO": 300_000,
    }


def test_a_purchase_asks_for_less_and_its_plan_has_the_rest(door: Door, office: Office) -> None:
    line = {"kind": "other", "class_code": "A0299", "item": "碎纸机", "quantity": "5"}
    granted(door.post("plan/P/draft", {"unit": "o_a", "title": "计划", "year": 2026}))
    price = {"unit_price": 300_000, "reason": "更新"}
    granted(door.post("plan/P/add_line", line | price))
    granted(door.post("plan/P/submit"))
    granted(door.post("plan/P/approve", {"approval_no": "计1"}, who="office"))
    granted(door.post("plan/P/search_reallocation", {"line": 1}))
    buy = {"plan": "P", "line": 1, "quantity": "5", "unit_price": 300_000}
    granted(door.post("acquisition/Q/request", buy))
    assert roles(door, "acquisition/Q") == ["office", "finance"]
    granted(door.post("acquisition/Q/send_back", {"reason": "太多"}, who="office"))
    more = {"note": "改", "quantity": "6"}
    refused(door.post("acquisition/Q/resubmit", more), "beyond-the-plan")
    granted(door.post("acquisition/Q/resubmit", {"note": "减为两台", "quantity": "2"}))
    assert roles(door, "acquisition/Q") == ["office"]
    granted(door.post("acquisition/R/request", buy | {"quantity": "3"}))
    granted(door.post("acquisition/Q/authorise", {"approval_no": "购1"}, who="office"))


# What would be warned of -----------------------------------------------------------


def split(office: Office, door: Door) -> dict[str, Any]:
    """Propose one thing; return the form of the second, which crosses the limit with it."""
    put_forward(door, office, "disposal", ["A"], "ONE")
    return FORMS["disposal"][1] | {"assets": ["D"]}


def test_a_dry_run_tells_what_would_be_recorded_and_records_nothing(
    door: Door, office: Office
) -> None:
    form = split(office, door)
    before = office.book.head()
    answer = granted(door.post("disposal/new/propose?dry_run=true", form))
    assert office.book.head() == before
    assert answer["dry_run"] is True
    (warning,) = answer["warnings"]
    assert "60天内" in warning and "11,000.00" in warning
    assert answer["entries"][0]["type"] == "disposal.proposed"
    wrong = door.post("disposal/new/propose?dry_run=true", form | {"ground": "loss"})
    refused(wrong, "ground-not-of-this-form")
    assert door.post("disposal/new/propose?dry_run=maybe", form).status_code == 400
    assert door.post("disposal/new/propose?dry_run=true", {"unit": 1}).status_code == 422
    assert office.book.head() == before


@pytest.mark.parametrize("known", [True, False])
def test_submission_stays_possible_and_the_record_says_whether_the_warning_was_known(
    door: Door, office: Office, known: bool
) -> None:
    form = split(office, door)
    answer = granted(door.post("disposal/TWO/propose", form | {"acknowledged": known}))
    assert len(answer["warnings"]) == 1
    (body,) = [
        e["body"]
        for e in granted(door.get("disposal/TWO/history"))["items"]
        if e["type"] == "disposal.splitting_warned"
    ]
    assert body["acknowledged"] is known


def test_the_page_shows_the_warning_before_anything_is_sent(door: Door, office: Office) -> None:
    form = split(office, door)
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(account))
    first = client.get("/cases/new?kind=disposal&asset=D").text
    assert 'name="acknowledged"' not in first
    before = office.book.head()
    where = "/cases/disposal/TWO/do/propose"
    shown = client.post(where, data=form | {"key": "k1", "version": "0"})
    assert (shown.status_code, office.book.head()) == (409, before)
    assert "60天内" in shown.text and 'name="acknowledged"' in shown.text
    assert "尚未提交" in shown.text and "纪要1" in shown.text  # nothing typed is lost
    sent = client.post(where, data=form | {"key": "k1", "version": "0", "acknowledged": "1"})
    assert sent.status_code == 303
    told = [e.event for e in office.book.stream("disposal/TWO").entries if e.event.warns]
    assert [getattr(event, "acknowledged", None) for event in told] == [True]


def test_what_is_not_acknowledged_is_not_asked_where_there_is_nothing_to_read(
    door: Door, office: Office
) -> None:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(account))
    form = FORMS["disposal"][1] | {"assets": ["A"], "key": "k1", "version": "0"}
    assert client.post("/cases/disposal/ONE/do/propose", data=form).status_code == 303


def test_what_is_added_is_chosen_by_number_or_name_not_typed(door: Door, office: Office) -> None:
    """The page offers what the unit has and nothing holds; a search narrows it, without scripts."""
    registered(door, "E", asset_no="ZC-E", name="碎纸机", kind="office", value=100)
    stream = returned(door, office, "disposal", ["A"])
    client = TestClient(create_app(office.settings, office))
    clerk = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(clerk))
    page = client.get(f"/cases/{stream}").text
    choice = 'type="checkbox" name="add" value="{}"'
    assert choice.format("E") in page and choice.format("B") in page
    assert choice.format("A") not in page  # it is on a list already
    page = client.get(f"/cases/{stream}", params={"find": "碎纸"}).text
    assert choice.format("E") in page and choice.format("B") not in page
    assert '<details class="step" id="do-resubmit" open>' in page
    none = client.get(f"/cases/{stream}", params={"find": "没有", "lang": "en"}).text
    assert "No asset found that could be added." in none and 'name="add"' in none
