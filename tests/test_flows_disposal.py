"""Disposal through the doors, end to end, with people in their roles (DOMAIN.md b, flows 4 and 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import Door, app_of, registered, staffed

from api.office import Office
from projections import cases
from projections.scope import EVERYTHING

RULES: dict[str, Any] = {
    "title": {"zh": "示例市规则", "en": "Rules of the example city"},
    "price_floor_percent": 90,
    "splitting_days": 60,
    "routes": [
        {
            "action": "disposal",
            "at_least": 100_000_000,
            "steps": [
                {"role": "head", "body": "own", "days": 5},
                {"role": "finance", "body": "finance", "days": 10},
            ],
        },
        {
            "action": "disposal",
            "steps": [{"role": "office", "body": "offices", "days": 5}],
        },
    ],
    "forms": [
        {
            "form": "auction",
            "grounds": ["idle", "life_over"],
            "documents": ["minutes", "appraisal_report"],
            "execution_documents": ["deal_confirmation"],
            "cites": ["000-19"],
        },
        {"form": "sale", "documents": ["minutes"], "cites": ["000-19"]},
        {
            "form": "scrap",
            "grounds": ["life_over"],
            "documents": ["minutes"],
            "execution_documents": ["recycling_certificate"],
            "cites": ["000-19"],
        },
    ],
    "articles": [
        {
            "id": "000-19",
            "regulation": "《新疆维吾尔自治区机关事务管理办法》",
            "article": "第19条",
        }
    ],
    "vocabulary": [
        {"slug": "appraisal_report", "zh": "资产评估报告", "en": "appraisal report"},
        {"slug": "life_over", "zh": "超过使用年限", "en": "past its service life"},
        {"slug": "idle", "zh": "闲置", "en": "idle"},
    ],
}
REPORT = {"type": "appraisal_report", "number": "评2026-8"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    """A door under the rules of the place, drafted by one and published by another."""
    door = Door(app_of(office))
    content = json.dumps(RULES, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))
    return door


def granted(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, slug: str) -> str:
    """Expect a refusal for this reason; return its sentence."""
    assert (answer.status_code, answer.json().get("slug", "")) == (409, slug), answer.text
    return str(answer.json()["detail"])


def state(door: Door, stream: str) -> dict[str, Any]:
    answer = granted(door.get(stream))
    found: dict[str, Any] = answer["state"]
    return found


def cards(door: Door, values: dict[str, int], kind: str = "office") -> list[str]:
    for id_, value in values.items():
        registered(door, id_, asset_no=f"ZC-{id_}", kind=kind, value=value)
    return list(values)


def proposed(door: Door, stream: str, assets: list[str], form: str, **more: Any) -> Any:
    body = {
        "unit": "o_a",
        "form": form,
        "ground": "life_over",
        "minutes_no": "纪要3",
        "assets": assets,
    }
    return door.post(f"{stream}/propose", body | more)


@pytest.mark.target("T91")
def test_eight_of_ten_approved_and_the_keeper_tries_to_scrap_all_ten(
    door: Door, office: Office
) -> None:
    """Flow 4: the whole request is refused, nothing of it is recorded, the eight go through."""
    items = cards(door, {f"PC{n}": 10_000_000 for n in range(10)})
    granted(proposed(door, "disposal/D", items, "scrap"))
    now = state(door, "disposal/D")
    assert [s["role"] for s in now["approval"]["stages"]] == ["head", "finance"]
    assert now["requested_amount"] == 100_000_000
    refused(
        door.post("disposal/D/approve", {"approval_no": "批1"}, who="head"), "earlier-step-open"
    )
    refused(door.post("disposal/D/endorse", {}, who="finance"), "not-your-turn")
    granted(door.post("disposal/D/endorse", {"note": "同意"}, who="head"))
    granted(
        door.post("disposal/D/approve", {"approval_no": "批1", "assets": items[:8]}, who="finance")
    )
    assert state(door, "asset/PC9")["book"] == "on_books"
    sold = {"recycler": "示例再生资源", "certificate": "回1", "price": 800}
    before = granted(door.get("disposal/D/history"))["version"]
    tried = door.post("disposal/D/scrap_lot", {"assets": items} | sold, who="keeper")
    assert "PC8" in refused(tried, "not-on-the-list")
    assert granted(door.get("disposal/D/history"))["version"] == before
    assert state(door, "asset/PC0")["custody"] == "store"
    granted(door.post("disposal/D/scrap_lot", {"assets": items[:8]} | sold, who="keeper"))
    now = state(door, "disposal/D")
    amounts = [now[f"{what}_amount"] for what in ("requested", "approved", "executed")]
    assert amounts == [100_000_000, 80_000_000, 80_000_000]
    assert (now["status"], now["proceeds"], now["flags"]) == ("executed", 800, [])
    voucher = {"assets": items[:8], "voucher": "记-9"}
    granted(door.post("disposal/D/derecognise_lot", voucher, who="accountant"))
    granted(door.post("disposal/D/assess_income", {"gross": 800}, who="accountant"))
    paid = {"amount": 800, "voucher": "缴1", "treasury_on": office.today().isoformat()}
    refused(door.post("disposal/D/remit", paid, who="accountant"), "incompatible-duties")
    granted(door.post("disposal/D/remit", paid, who="finance"))
    assert state(door, "disposal/D")["status"] == "remitted"


@pytest.mark.target("T92", "T34")
def test_two_failed_auctions_then_a_negotiated_sale_below_ninety_percent(
    door: Door, office: Office
) -> None:
    """Flow 5: papers, appraisal, two rounds in vain, a low deal that stops until approved again."""
    items = cards(door, {"X1": 60_000_000, "X2": 60_000_000}, "instrument")
    said = refused(proposed(door, "disposal/D", items, "auction"), "papers-missing")
    assert "资产评估报告" in said and "《新疆维吾尔自治区机关事务管理办法》第19条" in said
    granted(proposed(door, "disposal/D", items, "auction", docs=[REPORT]))
    granted(door.post("disposal/D/endorse", {}, who="head"))
    granted(door.post("disposal/D/approve", {"approval_no": "批1"}, who="finance"))
    deal = {"assets": items, "buyer": "买1", "deal_no": "成1"}
    refused(door.post("disposal/D/sell_lot", deal | {"price": 90_000_000}), "not-appraised")
    value = {
        "assets": items,
        "appraiser": "示例评估",
        "value": 100_000_000,
        "report_no": "评2026-8",
    }
    value["base_date"] = office.today().isoformat()
    granted(door.post("disposal/D/record_appraisal", value))
    market = {"platform": "示例公共资源交易平台", "project_no": "项1"}
    low = door.post("disposal/D/put_on_market", market | {"reserve": 99_999_999})
    refused(low, "reserve-below-appraisal")
    by = (office.today() + timedelta(days=20)).isoformat()
    for reserve in (100_000_000, 95_000_000):
        granted(door.post("disposal/D/put_on_market", market | {"reserve": reserve}))
        failed = {"reason": "无人报名", "next_step_by": by}
        granted(door.post("disposal/D/record_failed_auction", failed))
    now = state(door, "disposal/D")
    assert (now["rounds_failed"], now["next_step_by"]) == (2, by)
    assert now["flags"] == ["failed_twice"]
    (row,) = [r for r in office.models.rows(cases.listing(EVERYTHING)) if r["id"] == "disposal/D"]
    assert (row["step"], row["step_due"], row["amount"]) == ("put_on_market", by, 120_000_000)
    said = refused(
        door.post("disposal/D/sell_lot", deal | {"price": 85_000_000}), "price-below-floor"
    )
    assert "900,000.00" in said
    ask = {"form": "sale", "price": 85_000_000, "reason": "两次流拍", "minutes_no": "纪要9"}
    granted(door.post("disposal/D/ask_new_terms", ask))
    refused(door.post("disposal/D/sell_lot", deal | {"price": 85_000_000}), "disposal-not-approved")
    granted(door.post("disposal/D/endorse", {"note": "协议转让可行"}, who="head"))
    granted(door.post("disposal/D/approve_new_terms", {"approval_no": "批2"}, who="finance"))
    refused(door.post("disposal/D/sell_lot", deal | {"price": 84_999_999}), "price-below-floor")
    granted(door.post("disposal/D/sell_lot", deal | {"price": 85_000_000}))
    now = state(door, "disposal/D")
    assert (now["status"], now["form"], now["approval_no"]) == ("executed", "sale", "批2")
    assert (now["proceeds"], now["next_step_by"]) == (85_000_000, None)
    prices = [
        e["body"]["price"]
        for e in granted(door.get("disposal/D/history"))["items"]
        if e["type"] == "disposal.sold"
    ]
    assert prices == [42_500_000, 42_500_000]


@pytest.mark.target("T96", "T91")
def test_more_executed_than_approved_is_refused_and_what_happened_anyway_is_flagged(
    door: Door,
) -> None:
    """Requested 71.1万, approved 54.7万, executed 71.1万 (DOMAIN.md 0.1 #4)."""
    items = cards(door, {"A": 54_700_000, "B": 16_400_000})
    granted(proposed(door, "disposal/D", items, "scrap"))
    granted(
        door.post("disposal/D/approve", {"approval_no": "批1", "amount": 54_700_000}, who="office")
    )
    gone = {"recycler": "示例再生资源", "certificate": "回1"}
    granted(door.post("disposal/D/scrap", {"asset": "A"} | gone))
    said = refused(door.post("disposal/D/scrap", {"asset": "B"} | gone), "beyond-approved-amount")
    assert "547,000.00" in said and "164,000.00" in said
    why = {"assets": ["B"], "reason": "回收证明显示已一并交售"}
    granted(door.post("disposal/D/report_excess", why, who="accountant"))
    answer = granted(door.get("disposal/D"))
    now = answer["state"]
    amounts = [now[f"{what}_amount"] for what in ("requested", "approved", "executed")]
    assert amounts == [71_100_000, 54_700_000, 71_100_000]
    assert now["flags"] == ["beyond_amount"]
    assert "执行金额超过批准金额" in answer["sentence"]
    voucher = {"asset": "B", "voucher": "记-9"}
    refused(door.post("disposal/D/derecognise", voucher, who="accountant"), "not-on-the-list")
    ruled = {"asset": "B", "approval_no": "处理1"}
    granted(door.post("disposal/D/rule_on_excess", ruled, who="finance"))
    granted(door.post("disposal/D/derecognise", voucher, who="accountant"))
    assert state(door, "asset/B")["book"] == "gone"
    assert state(door, "disposal/D")["flags"] == ["beyond_amount"]  # that it happened stays told


def test_small_proposals_that_together_cross_a_limit_are_told_to_who_decides(door: Door) -> None:
    """Nothing is refused: 60万 and 60万 within 60 days would as one list go to the finance bureau."""
    one, two = cards(door, {"A": 60_000_000, "B": 60_000_000})
    granted(proposed(door, "disposal/ONE", [one], "scrap"))
    assert state(door, "disposal/ONE")["flags"] == []
    granted(proposed(door, "disposal/TWO", [two], "scrap"))
    answer = granted(door.get("disposal/TWO"))
    assert answer["state"]["flags"] == ["splitting"]
    assert "疑似拆分报批" in answer["sentence"]
    (warning,) = [
        e
        for e in granted(door.get("disposal/TWO/history"))["items"]
        if e["type"] == "disposal.splitting_warned"
    ]
    assert warning["body"]["cases"] == ["disposal/ONE"]
    assert warning["body"]["amount"] == 120_000_000
    granted(door.post("disposal/TWO/approve", {"approval_no": "批1"}, who="office"))


def test_who_decided_does_not_carry_out(door: Door) -> None:
    (item,) = cards(door, {"A": 10_000})
    granted(proposed(door, "disposal/D", [item], "scrap"))
    granted(door.post("disposal/D/approve", {"approval_no": "批1"}, who="office"))
    gone = {"asset": "A", "recycler": "示例再生资源", "certificate": "回1"}
    refused(door.post("disposal/D/scrap", gone, who="office"), "incompatible-duties")
    granted(door.post("disposal/D/scrap", gone, who="keeper"))
