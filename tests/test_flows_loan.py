"""A temporary body borrows from the warehouse and ends (DOMAIN.md b, flow 1), through the doors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from httpx import Response

from api.office import Actor, Office
from projections import cases
from projections.scope import EVERYTHING

LENT = ["L1", "L2", "L3", "L4"]
OWN = ["S1", "S2"]


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """A warehouse of o_a, a unit that gives to it, and somebody to work for the temporary body."""
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        office.ask(
            "place/W",
            "open_place",
            {"name": "示例公物仓", "kind": "warehouse", "unit": "o_a"},
            admin,
        )
        for login, unit in (("giver", "o_b"), ("census", "o_tmp")):
            office.accounts.create(login, PASSWORD, f"u_{login}", f"示例{login}", unit, ["clerk"])
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    """A door behind which four laptops of o_b are in the warehouse."""
    door = Door(app_of(office))
    for id_ in LENT:
        registered(door, id_, asset_no=f"ZC-{id_}", unit="o_b", value=500_000)
    into_warehouse(door, "IN", LENT, unit="o_b", who="giver", ground="idle")
    return door


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Response, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text
    return str(answer.json()["detail"])


def state(door: Door, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = granted(door.get(stream))["state"]
    return found


def scan(*assets: str) -> dict[str, Any]:
    """Return a list of things and what was read off them."""
    return {"assets": list(assets), "scanned": "\n".join(f"ZC-{asset}" for asset in assets)}


def into_warehouse(
    door: Door, id_: str, assets: list[str], *, unit: str, who: str, ground: str, **more: Any
) -> None:
    """Bring things of a unit into the warehouse: applied, approved, given out, taken in."""
    form = {"unit": unit, "ground": ground, "warehouse": "W", "assets": assets}
    granted(door.post(f"intake/{id_}/apply", form, who=who))
    agreed = {"keeper_unit": "o_a", "approval_no": "仓1"} | more
    granted(door.post(f"intake/{id_}/approve", agreed, who="office"))
    granted(door.post(f"intake/{id_}/hand_out", scan(*assets), who=who))
    granted(door.post(f"intake/{id_}/take_in", scan(*assets) | {"shelf": "甲1"}, who="keeper"))


@pytest.mark.target("T25")
def test_three_of_five_come_back_and_two_stay_on_the_overdue_list(
    door: Door, office: Office
) -> None:
    """Due date, limited extensions, overdue list, each piece returned with its own result."""
    rules = {"title": {"zh": "规则", "en": "Rules"}, "loan_extensions_max": 2, "loan_days_max": 90}
    content, today = json.dumps(rules), office.today()
    granted(door.post("policy/p/propose", {"content": content}, who="admin"))
    granted(
        door.post("policy/p/publish", {"in_force_from": today.isoformat()}, who="finance"),
    )
    registered(door, "L5", asset_no="ZC-L5", unit="o_b")
    into_warehouse(door, "MORE", ["L5"], unit="o_b", who="giver", ground="idle")
    day = [(today + timedelta(days=n)).isoformat() for n in range(92)]
    five = [*LENT, "L5"]
    form = {"lender": "o_a", "borrower": "o_b", "assets": five, "purpose": "论坛"}
    form |= {"need": "meeting"}
    refused(door.post("loan/F/request", form | {"due": day[91]}, who="giver"), "loan-too-long")
    granted(door.post("loan/F/request", form | {"due": day[10]}, who="giver"))
    granted(door.post("loan/F/approve", {"approval_no": "借1"}, who="office"))
    granted(door.post("loan/F/hand_out", scan(*five), who="keeper"))
    granted(door.post("loan/F/take_in", scan(*five), who="giver"))
    for n in (20, 30):
        more = {"due": day[n], "reason": "会期延长"}
        granted(door.post("loan/F/extend", more, who="office"))
    more = {"due": day[40], "reason": "再延"}
    refused(door.post("loan/F/extend", more, who="office"), "no-extension-left")

    def overdue(on: str) -> list[tuple[str, str]]:
        asked = {"kind": "loan", "overdue": "true", "on": on}
        found = granted(door.get("open-steps", **asked))["items"]
        return [(one["case"], one["due"]) for one in found]

    assert overdue(day[30]) == []
    assert overdue(day[31]) == [("loan/F", day[30])]
    results = {"L1": "sound", "L2": "worn", "L3": "damaged"}
    granted(door.post("loan/F/hand_back", scan(*results), who="giver"))
    for id_, result in results.items():
        granted(door.post("loan/F/inspect_return", scan(id_) | {"result": result}, who="keeper"))
    now = state(door, "loan/F")
    assert (sorted(now["out"]), sorted(now["back"])) == (["L4", "L5"], sorted(results))
    assert now["status"] == "running"
    grades = [state(door, f"asset/{id_}")["grade"] for id_ in results]
    assert grades == ["完好", "正常磨损", "损坏"]
    assert state(door, "asset/L4")["custody"] == "warehouse_lent"
    assert overdue(day[31]) == [("loan/F", day[30])]
    granted(door.post("loan/F/hand_back", scan("L4", "L5"), who="giver"))
    granted(
        door.post("loan/F/inspect_return", scan("L4", "L5") | {"result": "sound"}, who="keeper")
    )
    assert overdue(day[31]) == []


@pytest.mark.target("T23", "T51")
def test_a_temporary_body_borrows_ends_and_gives_everything_back(
    door: Door, office: Office
) -> None:
    """Flow 1: what it borrowed comes back, two pieces damaged; what it owned goes to intake."""
    today = office.today()
    due = (today + timedelta(days=30)).isoformat()
    borrow = {"lender": "o_a", "borrower": "o_tmp", "due": due, "purpose": "普查登记"}
    ask = borrow | {"assets": LENT}
    refused(door.post("loan/L/request", ask, who="census"), "unit-unknown")
    body = {"name": "示例市普查办公室", "ends_on": due, "approval_no": "示编1", "parent": "o_b"}
    granted(door.post("unit/o_tmp/establish_temporary", body, who="office"))
    for id_ in OWN:
        registered(door, id_, asset_no=f"ZC-{id_}", unit="o_tmp", value=300_000)
    # The loan: approval moves nothing, both sides confirm.
    granted(door.post("loan/L/request", ask, who="census"))
    granted(door.post("loan/L/approve", {"approval_no": "借1"}, who="office"))
    assert state(door, "asset/L1")["custody"] == "warehouse"
    granted(door.post("loan/L/hand_out", scan(*LENT), who="keeper"))
    assert state(door, "asset/L1")["custody"] == "transit"
    refused(door.post("loan/L/take_in", scan(*LENT), who="keeper"), "not-the-taking-side")
    granted(door.post("loan/L/take_in", scan(*LENT), who="census"))
    now = state(door, "asset/L1")
    assert (now["custody"], now["borrower"]) == ("warehouse_lent", "o_tmp")
    assert now["accounting_unit"] == "o_b"  # neither intake nor loan moved the books
    # It ends: nothing new is lent to it, and what it still has stays on the list of open steps.
    granted(door.post("unit/o_tmp/dissolve", {"reason": "普查结束"}, who="admin"))
    said = refused(door.post("loan/M/request", ask, who="census"), "unit-dissolved")
    assert "示例市普查办公室" in said
    (row,) = [r for r in office.models.rows(cases.listing(EVERYTHING)) if r["id"] == "loan/L"]
    assert (row["step"], row["step_unit"], row["step_due"]) == ("hand_back", "o_tmp", due)
    # Everything comes back, each piece with what was found; two are damaged.
    granted(door.post("loan/L/hand_back", scan(*LENT), who="census"))
    granted(
        door.post("loan/L/inspect_return", scan("L1", "L2") | {"result": "sound"}, who="keeper")
    )
    broken = {"result": "damaged", "note": "屏幕碎裂", "compensation": 80_000}
    both = door.post("loan/L/inspect_return", scan("L3", "L4") | broken, who="keeper")
    refused(both, "compensation-for-many")
    granted(door.post("loan/L/inspect_return", scan("L3") | broken, who="keeper"))
    assert state(door, "loan/L")["status"] == "running"  # one is still between the two sides
    worse = {"result": "damaged", "note": "无法开机"}
    granted(door.post("loan/L/inspect_return", scan("L4") | worse, who="keeper"))
    assert state(door, "loan/L")["status"] == "closed"
    found = [state(door, f"asset/{id_}") for id_ in LENT]
    assert {now["custody"] for now in found} == {"warehouse"}
    assert [now["grade"] for now in found] == ["完好", "完好", "损坏", "损坏"]
    returned = [
        (e["body"]["asset"], e["body"]["result"], e["body"].get("compensation"))
        for e in granted(door.get("loan/L/history"))["items"]
        if e["type"] == "loan.item_returned"
    ]
    assert returned == [
        ("L1", "sound", None),
        ("L2", "sound", None),
        ("L3", "damaged", 80_000),
        ("L4", "damaged", None),
    ]
    mended = {"result": "更换屏幕", "condition": "良好", "cost": 60_000}
    granted(door.post("asset/L3/refurbish", mended, who="keeper"))
    # What it owned passes whole to the unit that hosted it, which offers it to the warehouse.
    offer = {"unit": "o_tmp", "ground": "temporary", "warehouse": "W", "assets": OWN}
    refused(door.post("intake/REST/apply", offer, who="census"), "unit-dissolved")
    ended = {"from_units": ["o_tmp"], "to_units": ["o_b"], "order_no": "示编9"}
    ended["cut_off"] = today.isoformat()
    granted(door.post("reorganisation/END/propose", ended, who="giver"))
    granted(door.post("reorganisation/END/approve", {"approval_no": "示编10"}, who="office"))
    sides = {"from_unit": "o_tmp", "to_unit": "o_b"}
    granted(door.post("reorganisation/END/hand_over", sides, who="census"))
    refused(
        door.post("reorganisation/END/take_over", {"to_unit": "o_b"}, who="census"), "not-your-side"
    )
    granted(door.post("reorganisation/END/take_over", {"to_unit": "o_b"}, who="giver"))
    assert state(door, "asset/S1")["custodian"] == "o_b"
    into_warehouse(door, "REST", OWN, unit="o_b", who="giver", ground="temporary", books="transfer")
    for id_ in OWN:
        now = state(door, f"asset/{id_}")
        assert (now["custody"], now["shelf"]) == ("warehouse", "甲1")
        assert (now["custodian"], now["accounting_unit"]) == ("o_a", "o_a")
    assert state(door, "intake/REST")["status"] == "received"
    left = [r for r in office.models.rows(cases.listing(EVERYTHING)) if r["step"]]
    assert left == []  # nobody waits for anything
