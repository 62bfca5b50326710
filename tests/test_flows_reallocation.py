"""Reallocation through the doors: how far it goes decides who decides; two sides hand over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from httpx import Response

from api.office import Actor, Office
from projections import cases
from projections.scope import EVERYTHING

RULES: dict[str, Any] = {
    "title": {"zh": "示例市规则", "en": "Rules of the example city"},
    "routes": [
        {
            "action": "reallocation",
            "scopes": ["within"],
            "steps": [{"role": "head", "body": "own"}],
        },
        {
            "action": "reallocation",
            "steps": [
                {"role": "office", "body": "offices", "days": 5},
                {"role": "finance", "body": "finance", "days": 10},
            ],
        },
    ],
}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Three units: the taker is of the giver's department and level, or of another level."""
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for id_ in ("o_near", "o_far"):
            office.ask(f"unit/{id_}", "establish", {"name": f"示例{id_}", "kind": "organ"}, admin)
            office.accounts.create(id_, PASSWORD, f"u_{id_}", f"示例{id_}", id_, ["clerk"])
        for id_, level in (("o_a", "county"), ("o_near", "county"), ("o_far", "prefecture")):
            place = {"level": level, "region": "150102", "competent": "o_dept"}
            office.ask(f"unit/{id_}", "belong", place, admin)
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    door = Door(app_of(office))
    content = json.dumps(RULES, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))
    registered(door, "A", value=500_000)
    return door


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Response, slug: str) -> None:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text


def asked(door: Door, who: str, **more: Any) -> Response:
    form = {"from_unit": "o_a", "to_unit": who, "item": "笔记本电脑", "assets": ["A"]}
    return door.post("reallocation/R/request", form | more, who=who)


def test_within_the_department_the_unit_s_head_decides(door: Door) -> None:
    granted(asked(door, "o_near"))
    now = granted(door.get("reallocation/R"))["state"]
    assert now["scope"] == "within"
    assert [stage["role"] for stage in now["approval"]["stages"]] == ["head"]


@pytest.mark.target("T23", "T24")
def test_across_levels_two_bodies_decide_two_sides_hand_over_and_the_books_follow(
    door: Door, office: Office
) -> None:
    """Flow 2 of DOMAIN.md b, its second half: what is asked as near is routed as far as it goes."""
    granted(asked(door, "o_far", scope="within"))
    now = granted(door.get("reallocation/R"))["state"]
    assert now["scope"] == "levels"
    assert [stage["role"] for stage in now["approval"]["stages"]] == ["office", "finance"]
    refused(
        door.post("reallocation/R/approve", {"approval_no": "调1"}, who="finance"), "not-your-turn"
    )
    granted(door.post("reallocation/R/send_back", {"reason": "请补充编制情况"}, who="office"))
    refused(door.post("reallocation/R/endorse", {}, who="office"), "not-your-turn")
    granted(door.post("reallocation/R/resubmit", {"note": "已补充"}, who="o_far"))
    granted(door.post("reallocation/R/endorse", {}, who="office"))
    granted(door.post("reallocation/R/approve", {"approval_no": "调1"}, who="finance"))
    assert granted(door.get("asset/A"))["state"]["custody"] == "store"  # approval moved nothing
    scan = {"assets": ["A"], "scanned": "SL-001"}
    refused(door.post("reallocation/R/confirm_out", scan, who="o_far"), "not-the-giving-side")
    granted(door.post("reallocation/R/confirm_out", scan, who="keeper"))
    assert granted(door.get("asset/A"))["state"]["custody"] == "transit"
    (row,) = [r for r in office.models.rows(cases.listing(EVERYTHING)) if r["step"]]
    assert (row["step"], row["step_unit"]) == ("confirm_in", "o_far")  # the side that is missing
    refused(door.post("reallocation/R/confirm_in", scan, who="keeper"), "not-the-taking-side")
    granted(door.post("reallocation/R/confirm_in", scan, who="o_far"))
    books = {"asset": "A", "out_voucher": "出1", "in_voucher": "入1", "gross": 500_000}
    wrong = door.post("reallocation/R/move_books", books | {"in_gross": 499_999}, who="accountant")
    refused(wrong, "vouchers-differ")
    granted(door.post("reallocation/R/move_books", books, who="accountant"))
    there = granted(door.get("asset/A"))["state"]
    assert (there["custodian"], there["accounting_unit"]) == ("o_far", "o_far")
    assert granted(door.get("reallocation/R"))["state"]["status"] == "booked"


@pytest.mark.target("T23", "T24")
def test_what_is_idle_enters_the_virtual_warehouse_and_goes_to_another_level_with_its_label(
    door: Door, office: Office
) -> None:
    """Flow 2 of DOMAIN.md b, whole: it stays where it stands until a unit far away wants it."""
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    office.ask("unit/o_whs", "establish", {"name": "示例公物仓", "kind": "institution"}, admin)
    place = {"level": "county", "region": "150102", "competent": "o_dept"}
    office.ask("unit/o_whs", "belong", place, admin)
    virtual = {"name": "示例虚拟仓", "kind": "warehouse", "unit": "o_whs"}
    office.ask("place/V", "open_place", virtual, admin)
    office.accounts.create("whs", PASSWORD, "u_whs", "示例仓管", "o_whs", ["keeper"])
    granted(door.post("asset/A/bind_label", {"label": "BQ-0001"}, who="keeper"))
    granted(door.post("asset/A/declare_idle", {}))
    # It enters by its papers alone: nobody carries it anywhere.
    offer = {"unit": "o_a", "ground": "idle", "warehouse": "V", "assets": ["A"]}
    granted(door.post("intake/V1/apply", offer))
    kept = {"keeper_unit": "o_whs", "virtual": True}
    granted(door.post("intake/V1/approve", kept, who="office"))
    scan = {"assets": ["A"], "scanned": "BQ-0001"}
    refused(door.post("intake/V1/hand_out", scan), "virtual-stays")
    granted(door.post("intake/V1/take_in", scan, who="whs"))
    now = granted(door.get("asset/A"))["state"]
    assert (now["custody"], now["custodian"], now["accounting_unit"]) == ("virtual", "o_a", "o_a")
    shown = {"description": "笔记本电脑，九成新"}
    granted(door.post("asset/A/list_for_reuse", shown, who="whs"))
    # A unit of another level asks first; a second one comes too late.
    granted(asked(door, "o_far"))
    assert granted(door.get("reallocation/R"))["state"]["scope"] == "levels"
    late = {"from_unit": "o_a", "to_unit": "o_near", "item": "笔记本电脑", "assets": ["A"]}
    refused(door.post("reallocation/LATE/request", late, who="o_near"), "held-by-a-process")
    granted(door.post("reallocation/R/endorse", {}, who="office"))
    granted(door.post("reallocation/R/approve", {"approval_no": "调1"}, who="finance"))
    # What was read off the thing is the same label on both sides.
    granted(door.post("reallocation/R/confirm_out", scan, who="keeper"))
    granted(door.post("reallocation/R/confirm_in", scan, who="o_far"))
    books = {"asset": "A", "out_voucher": "出1", "in_voucher": "入1", "gross": 500_000}
    granted(door.post("reallocation/R/move_books", books, who="accountant"))
    there = granted(door.get("asset/A"))["state"]
    assert (there["custodian"], there["accounting_unit"]) == ("o_far", "o_far")
    assert (there["label"], there["listed"], there["value"]) == ("BQ-0001", False, 500_000)
    types = [e["type"] for e in granted(door.get("asset/A/history"))["items"]]
    assert types.count("asset.label_bound") == 1 and "asset.label_voided" not in types
    assert granted(door.get("reallocation/R"))["state"]["status"] == "booked"
