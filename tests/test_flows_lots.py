"""Ten cars of three units are auctioned as one lot (DOMAIN.md b, flow 3), through the doors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from httpx import Response

from api.office import Actor, Office

# Original values in fen: four cars, three and three.
CARS = {
    "o_edu": {"E1": 18_000_000, "E2": 18_000_000, "E3": 9_876_543, "E4": 12_000_000},
    "o_wat": {"W1": 21_000_000, "W2": 15_555_555, "W3": 8_000_001},
    "o_cul": {"C1": 16_000_000, "C2": 7_777_777, "C3": 9_999_999},
}
LOT = [car for cars in CARS.values() for car in cars]
# What the appraiser said of each unit's cars together, in fen.
APPRAISED = {"o_edu": 10_000_000, "o_wat": 7_000_001, "o_cul": 5_000_003}
RULES: dict[str, Any] = {
    "title": {"zh": "示例市规则", "en": "Rules of the example city"},
    "routes": [
        {
            "action": "disposal",
            "kinds": ["vehicle"],
            "steps": [
                {"role": "office", "body": "offices", "days": 5},
                {"role": "finance", "body": "finance", "days": 10},
            ],
        }
    ],
}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Three units with cars, and a warehouse kept by o_a."""
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        yard = {"name": "示例车辆仓", "kind": "warehouse", "unit": "o_a"}
        office.ask("place/W", "open_place", yard, admin)
        for id_ in CARS:
            office.ask(f"unit/{id_}", "establish", {"name": f"示例{id_}", "kind": "organ"}, admin)
            office.accounts.create(id_, PASSWORD, f"u_{id_}", f"示例{id_}", id_, ["clerk"])
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    """A door behind which each unit has its cars."""
    door = Door(app_of(office))
    content = json.dumps(RULES, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))
    for unit, cars in CARS.items():
        for id_, value in cars.items():
            card = {"name": "轿车", "kind": "vehicle", "unit": unit, "value": value}
            registered(door, id_, asset_no=f"ZC-{id_}", **card)
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


def proposed(door: Door) -> Response:
    form = {
        "unit": "o_a",
        "form": "auction",
        "ground": "idle",
        "remark": "公车改革后闲置",
        "minutes_no": "纪要3",
        "assets": LOT,
    }
    return door.post("disposal/LOT/propose", form)


def into_yard(door: Door) -> None:
    """Let each unit hand its cars to the warehouse; the books stay with the unit."""
    for unit, cars in CARS.items():
        things = {"assets": list(cars), "scanned": "\n".join(f"ZC-{car}" for car in cars)}
        form = {"unit": unit, "ground": "idle", "warehouse": "W", "assets": list(cars)}
        granted(door.post(f"intake/{unit}/apply", form, who=unit))
        granted(door.post(f"intake/{unit}/approve", {"keeper_unit": "o_a"}, who="office"))
        granted(door.post(f"intake/{unit}/hand_out", things, who=unit))
        granted(door.post(f"intake/{unit}/take_in", things, who="keeper"))


def shared(amount: int, weights: list[int]) -> list[int]:
    """Divide by the largest remainders, as somebody with a pencil would: one fen after another."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    rests = [amount * weight % whole for weight in weights]
    while sum(parts) < amount:
        most = rests.index(max(rests))
        parts[most], rests[most] = parts[most] + 1, -1
    return parts


def test_ten_cars_of_three_units_are_sold_as_one_lot_and_the_income_is_split_back(
    door: Door, office: Office
) -> None:
    """Flow 3: packaged in the warehouse, appraised, auctioned, and every fen has its unit."""
    refused(proposed(door), "unit-has-no-say")  # not before they are in the warehouse
    into_yard(door)
    granted(proposed(door))
    granted(door.post("disposal/LOT/endorse", {"note": "同意打包"}, who="office"))
    granted(door.post("disposal/LOT/approve", {"approval_no": "批1"}, who="finance"))
    today = office.today().isoformat()
    for unit, value in APPRAISED.items():
        said = {"assets": list(CARS[unit]), "appraiser": "示例评估", "value": value}
        said |= {"base_date": today, "report_no": f"评-{unit}"}
        granted(door.post("disposal/LOT/record_appraisal", said))
    whole = sum(APPRAISED.values())
    market = {"platform": "示例公共资源交易平台", "project_no": "项1", "reserve": whole}
    granted(door.post("disposal/LOT/put_on_market", market))
    deal = {"assets": LOT, "price": 23_456_789, "buyer": "买1", "deal_no": "成1"}
    granted(door.post("disposal/LOT/sell_lot", deal))
    # The appraisal of each unit's cars, then the price of the lot, are divided to the fen.
    weights = [
        part for unit, cars in CARS.items() for part in shared(APPRAISED[unit], list(cars.values()))
    ]
    sold = [
        e["body"]
        for e in granted(door.get("disposal/LOT/history", limit=100))["items"]
        if e["type"] == "disposal.sold"
    ]
    assert {fact["deal_no"] for fact in sold} == {"成1"}
    prices = {fact["asset"]: fact["price"] for fact in sold}
    assert [prices[car] for car in LOT] == shared(23_456_789, weights)
    # Each card still says whose books it stands in: that is whose share it is.
    split: Counter[str] = Counter()
    for car in LOT:
        now = state(door, f"asset/{car}")
        assert (now["custody"], now["book"]) == ("left", "to_dispose")
        split[now["accounting_unit"]] += prices[car]
    assert split.total() == 23_456_789 and set(split) == set(CARS)
    for unit, cars in CARS.items():
        gone = {"assets": list(cars), "voucher": f"记-{unit}"}
        granted(door.post("disposal/LOT/derecognise_lot", gone, who="accountant"))
    # Gross, each cost on a line of its own, net; another person confirms what the treasury got.
    costs = [{"type": "评估费", "amount": 300_000}, {"type": "拍卖佣金", "amount": 456_789}]
    income = {"gross": 23_456_789, "deductions": costs}
    granted(door.post("disposal/LOT/assess_income", income, who="accountant"))
    # The ledger says whose part of the price, of each cost and of the net is whose.
    told = {
        e["type"]: e["body"] for e in granted(door.get("disposal/LOT/history", limit=200))["items"]
    }
    lot = told["disposal.lot_shared"]
    assert {part["unit"]: part["amount"] for part in lot["parts"]} == split
    assert (lot["divided_by"], lot["price"]) == ("appraisal", 23_456_789)
    income = {share["unit"]: share for share in told["disposal.income_shared"]["shares"]}
    assert {unit: share["gross"] for unit, share in income.items()} == split
    for n, cost in enumerate(costs):
        assert sum(share["costs"][n] for share in income.values()) == cost["amount"]
    net = {unit: share["net"] for unit, share in income.items()}
    assert sum(net.values()) == 22_700_000
    for unit, share in income.items():
        assert share["gross"] - sum(share["costs"]) == net[unit]
    # It is remitted in each unit's own name, up to its share, by another than who assessed it.
    for unit in CARS:
        paid = {"amount": net[unit], "voucher": f"缴-{unit}", "treasury_on": today}
        refused(door.post("disposal/LOT/remit", paid, who="finance"), "remitted-in-whose-name")
        more = paid | {"unit": unit, "amount": net[unit] + 1}
        refused(door.post("disposal/LOT/remit", more, who="finance"), "remitted-beyond-due")
        paid |= {"unit": unit}
        refused(door.post("disposal/LOT/remit", paid, who="accountant"), "incompatible-duties")
        granted(door.post("disposal/LOT/remit", paid, who="finance"))
    now = state(door, "disposal/LOT")
    assert (now["status"], now["net"], now["remitted"]) == ("remitted", 22_700_000, 22_700_000)
    assert now["remitted_by"] == now["due_by"] == net
    assert all(state(door, f"asset/{car}")["book"] == "gone" for car in LOT)
