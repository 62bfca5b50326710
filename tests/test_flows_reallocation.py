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
        office.accounts.create("near", PASSWORD, "u_near", "示例负责人", "o_near", ["head"])
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


def asked(door: Door, unit: str, who: str = "", **more: Any) -> Response:
    form = {"from_unit": "o_a", "to_unit": unit, "item": "笔记本电脑", "assets": ["A"]}
    return door.post("reallocation/R/request", form | more, who=who or unit)


def test_within_the_department_the_unit_s_head_decides(door: Door) -> None:
    granted(asked(door, "o_near"))
    now = granted(door.get("reallocation/R"))["state"]
    assert now["scope"] == "within"
    assert [stage["role"] for stage in now["approval"]["stages"]] == ["head"]


# How far it goes, from what both units are; and who decides then, in this place.
SCOPES = {
    "within": ({"competent": "o_dept"}, ["head"]),
    "departments": ({"competent": "o_other"}, ["office"]),
    "regions": ({"region": "150203"}, ["office", "finance"]),
    "levels": ({"level": "prefecture"}, ["office", "finance", "government"]),
}


@pytest.mark.target("T23")
@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_is_decided_by_its_own_bodies_and_by_no_others(
    office: Office, scope: str
) -> None:
    """Within a department, across departments, regions and levels: four routes, each to its end."""
    admin, door = Actor(person="u_admin", unit="o_a", role="admin"), Door(app_of(office))
    office.accounts.create("gov", PASSWORD, "u_gov", "示例政府", "o_a", ["government"])
    place = {"level": "county", "region": "150102", "competent": "o_dept"} | SCOPES[scope][0]
    office.ask("unit/o_new", "establish", {"name": "新单位", "kind": "organ"} | place, admin)
    office.accounts.create("new", PASSWORD, "u_new", "示例资产管理员", "o_new", ["clerk"])
    body = {"head": "own", "office": "offices", "finance": "finance", "government": "government"}
    routes = [
        {
            "action": "reallocation",
            "scopes": [one],
            "steps": [{"role": role, "body": body[role]} for role in roles],
        }
        for one, (_, roles) in SCOPES.items()
    ]
    content = json.dumps({"title": {"zh": "规则", "en": "Rules"}, "routes": routes})
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))
    registered(door, "A", value=500_000)
    granted(asked(door, "o_new", who="new"))
    now = granted(door.get("reallocation/R"))["state"]
    roles = SCOPES[scope][1]
    assert (now["scope"], [s["role"] for s in now["approval"]["stages"]]) == (scope, roles)
    login = {"government": "gov", "head": "far_head"}
    office.accounts.create("far_head", PASSWORD, "u_far_head", "示例负责人", "o_new", ["head"])
    deciders = [login.get(role, role) for role in roles]
    for other in {"far_head", "office", "finance", "gov"} - set(deciders):
        refused(
            door.post("reallocation/R/approve", {"approval_no": "调1"}, who=other), "not-your-turn"
        )
    for who in deciders[:-1]:
        refused(
            door.post("reallocation/R/approve", {"approval_no": "调1"}, who=who),
            "earlier-step-open",
        )
        granted(door.post("reallocation/R/endorse", {}, who=who))
    granted(door.post("reallocation/R/approve", {"approval_no": "调1"}, who=deciders[-1]))
    assert granted(door.get("reallocation/R"))["state"]["status"] == "approved"


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


# Standards and quota of the unit that takes (T49) ----------------------------------


def bound(door: Door, office: Office, kind: str, **limits: Any) -> None:
    """Publish a standard, and give the taking unit two things of that kind."""
    norm = {"title": f"示例标准（{kind}）", "kind": kind} | limits
    granted(door.post(f"standard/S-{kind}/draft", norm, who="office"))
    today = {"in_force_from": office.today().isoformat()}
    granted(door.post(f"standard/S-{kind}/publish", today, who="finance"))
    for id_ in ("N1", "N2"):
        card = {"asset_no": f"ZC-{kind}-{id_}", "kind": kind, "unit": "o_near"}
        registered(door, f"{kind}-{id_}", **card)


def strict(door: Door, office: Office) -> None:
    content = json.dumps(RULES | {"over_standard": "refuse"}, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))


def flags(door: Door, kind: str) -> list[dict[str, Any]]:
    told = granted(door.get("reallocation/R/history", limit=50))["items"]
    return [e["body"] for e in told if e["type"] == f"case.beyond_{kind}"]


@pytest.mark.target("T49")
def test_what_takes_a_unit_over_its_standard_is_flagged(door: Door, office: Office) -> None:
    """Two computers are allowed, and two are there: the third is flagged, and so is its price."""
    bound(door, office, "computer", quantity="2", price_cap=499_999)
    granted(asked(door, "o_near"))
    assert granted(door.get("reallocation/R"))["state"]["beyond"] == ["standard"]
    (flag,) = flags(door, "standard")
    assert (flag["held"], flag["wanted"], flag["cap"]) == ("2", "3", "2")
    assert (flag["unit_price"], flag["price_cap"]) == (500_000, 499_999)
    for lang, said in (("zh", "注意：超配置标准"), ("en", "note: over the configuration standard")):
        assert said in granted(door.get("reallocation/R", lang=lang))["sentence"]
    granted(door.post("reallocation/R/approve", {"approval_no": "调1"}, who="near"))
    assert len(flags(door, "standard")) == 2  # whoever approved it was told


@pytest.mark.target("T49")
@pytest.mark.parametrize(("cap", "price", "fits"), [("3", 500_000, True), ("2", None, False)])
def test_where_the_rules_say_so_nothing_beyond_the_standard_is_asked_for_or_approved(
    door: Door, office: Office, cap: str, price: int | None, fits: bool
) -> None:
    bound(door, office, "computer", quantity=cap, price_cap=price)
    strict(door, office)
    if not fits:
        answer = asked(door, "o_near")
        refused(answer, "taker-over-standard")
        assert "现有 2，办理后 3，上限 2" in answer.json()["detail"]
        return
    granted(asked(door, "o_near"))
    assert granted(door.get("reallocation/R"))["state"]["beyond"] == []
    # What was within when it was asked for is not when it is approved: another one came.
    registered(door, "N3", asset_no="ZC-N3", unit="o_near")
    refused(
        door.post("reallocation/R/approve", {"approval_no": "调1"}, who="near"),
        "taker-over-standard",
    )


@pytest.mark.target("T49")
def test_a_standard_of_another_place_class_or_kind_binds_nobody_here(
    door: Door, office: Office
) -> None:
    bound(door, office, "computer", quantity="2", region="65")
    bound(door, office, "furniture", quantity="2")
    granted(asked(door, "o_near"))
    assert flags(door, "standard") == []


@pytest.mark.target("T49")
@pytest.mark.parametrize("refuses", [False, True])
def test_a_vehicle_beyond_the_quota_of_the_taker_is_flagged_or_refused(
    door: Door, office: Office, refuses: bool
) -> None:
    registered(door, "CAR", asset_no="ZC-CAR", name="轿车", kind="vehicle", value=9_000_000)
    use = {"use": "emergency", "places": 0, "order_no": "编1"}
    granted(door.post("quota/o_near/set_quota", use, who="office"))
    if refuses:
        strict(door, office)
        refused(asked(door, "o_near", assets=["CAR"]), "beyond-vehicle-quota")
        return
    granted(asked(door, "o_near", assets=["CAR"]))
    (flag,) = flags(door, "quota")
    assert (flag["unit"], flag["places"], flag["count"]) == ("o_near", 0, 1)
    assert granted(door.get("reallocation/R"))["state"]["beyond"] == ["quota"]
