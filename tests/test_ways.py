"""What was tried with idle property and what its kind asks for: on the page, by API, by command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from doors import CARD, Door, app_of, staffed
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import cli
from api.app import create_app
from api.office import Actor, Office

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office with an idle laptop that was listed in vain, a desk, and a car."""
    with staffed(database) as one:
        for id_, kind in (("A1", "computer"), ("D1", "furniture"), ("C1", "vehicle")):
            card = CARD | {"asset_no": f"SL-{id_}", "kind": kind}
            one.ask(f"asset/{id_}", "register_existing", card, CLERK, on=date(2026, 1, 5))
        laptop: list[tuple[str, dict[str, Any]]] = [
            ("declare_idle", {"evidence": "超标准配置退回"}),
            ("list_for_reuse", {"description": "九成新"}),
            ("delist", {"reason": "公示期满无单位申请"}),
            (
                "try_way",
                {
                    "tried": "convert",
                    "result": "no_use",
                    "reason": "无其他用途",
                    "evidence": "信息中心意见",
                },
            ),
        ]
        for verb, form in laptop:
            one.ask("asset/A1", verb, form, CLERK, on=date(2026, 2, 1))
        cost = {"cost_kind": "fuel", "amount": 30_050, "year": 2026, "month": 1}
        one.ask("asset/C1", "record_cost", cost, CLERK, on=date(2026, 2, 1))
        yield one


def test_programs_read_which_ways_were_tried_and_which_remain(office: Office):
    door = Door(app_of(office))
    found = door.get("asset/A1/waterfall").json()
    came = {way["way"]: way["came"] for way in found["ways"]}
    assert came == {
        "reuse": None,
        "reallocate": "no_use",
        "convert": "no_use",
        "exchange_asset": None,
        "lease_out": None,
        "auction_off": None,
    }
    assert found["remaining"] == ["reuse", "exchange_asset", "lease_out", "auction_off"]
    assert found["waits"] is True
    assert found["ordered"] is False  # the generic rules name no order
    assert "第17条" in found["note"]
    reasons = [trial["reason"] for way in found["ways"] for trial in way["trials"]]
    assert reasons == ["公示期满无单位申请", "无其他用途"]
    assert door.get("asset/NONE/waterfall").status_code == 404
    assert door.get("asset/A1/waterfall", x="1").status_code == 422


def test_programs_read_what_a_kind_may_and_must_and_what_a_vehicle_cost(office: Office):
    door = Door(app_of(office))
    car = door.get("asset/C1/particulars").json()
    assert {told["trait"] for told in car["traits"]} >= {"never_lent", "quota", "depreciated"}
    assert car["costs"] == [
        {
            "year": 2026,
            "kinds": [{"kind": "fuel", "title": "燃料（充电）", "amount": 30_050}],
            "amount": 30_050,
        }
    ]
    english = door.get("asset/D1/particulars", lang="en").json()
    assert [told["title"] for told in english["traits"]] == ["is depreciated"]
    assert english["costs"] == []


def test_the_page_of_what_is_idle_shows_the_ways_and_of_what_is_used_does_not(office: Office):
    http = pages(office, "clerk")
    page = http.get("/assets/A1").text
    for text in ("盘活先后", "公示期满无单位申请", "转换用途", "未尝试", "公开拍卖"):
        assert text in page
    desk = http.get("/assets/D1").text
    assert "盘活先后" not in desk
    assert "此类资产的规则" in desk
    assert "封存停驶" not in desk  # nor does it list the steps for other kinds of things
    car = http.get("/assets/C1?lang=en").text
    assert "Costs of this vehicle" in car
    assert "300.50" in car
    office.ask("asset/C1", "assign_use", {"use": "emergency"}, CLERK)
    assert "emergency support" in http.get("/assets/C1").text


def test_a_certificate_is_issued_on_the_page_of_the_premises_and_shown_there(office: Office):
    card = CARD | {"asset_no": "SL-P1", "kind": "premises", "name": "办公楼"}
    office.ask("asset/P1", "register_existing", card, CLERK)
    http = pages(office, "office")
    for verb, form in (
        ("approve_area", {"area_approved": "120.5", "order_no": "示管〔2026〕2号"}),
        (
            "issue_use_certificate",
            {"area": "120.5", "agreement_no": "协-1", "certificate_no": "凭〔2026〕1号"},
        ),
    ):
        answer = http.post(f"/assets/P1/do/{verb}", data=form | {"key": verb})
        assert answer.status_code == 200, answer.text
    assert "凭〔2026〕1号" in answer.text
    assert "120.5" in answer.text


def test_the_offices_set_a_quota_on_its_page_and_it_shows_what_is_beyond(office: Office):
    http = pages(office, "office")
    page = http.get("/quotas/o_a").text
    assert "SL-C1" in page
    assert "未核定" in page
    form = {"use": "emergency", "places": "0", "order_no": "示管〔2026〕1号"}
    answer = http.post("/quotas/o_a/do/set_quota", data=form | {"key": "k1"})
    assert answer.status_code == 200, answer.text
    assert "超编" in answer.text
    unit = http.get("/units/o_a").text
    assert "在编1辆，编制0辆" in unit
    wrong = http.post("/quotas/o_a/do/set_quota", data=form | {"use": "special", "key": "k2"})
    assert wrong.status_code == 409
    assert "财政部门" in wrong.text
    assert http.get("/quotas/o_nobody").status_code == 404
    assert http.post("/quotas/o_a/do/nothing", data={"key": "k3"}).status_code == 404


def test_the_command_line_tells_the_ways_and_the_rules_of_a_kind(
    office: Office, database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GONGWU_DATABASE", database)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "GONGWU_LANG"):
        monkeypatch.delenv(name, raising=False)
    said = run("asset waterfall SL-A1")
    for text in ("跨部门、跨地区、跨层级调剂", "未成", "公示期满无单位申请", "未尝试"):
        assert text in said
    assert "not tried" in run("--lang en asset waterfall A1")
    assert json.loads(run("asset waterfall A1 --json"))["waits"] is True
    assert "不得出借" in run("asset particulars SL-C1")
    assert "¥300.50" in run("asset particulars SL-C1")
    assert json.loads(run("asset particulars C1 --json"))["costs"][0]["amount"] == 30_050


def run(line: str) -> str:
    """Run one command line; return what it wrote."""
    result = CliRunner().invoke(cli.app, shlex.split(line))
    assert result.exit_code == 0, result.output
    return result.output


def pages(office: Office, who: str) -> TestClient:
    """Return a browser in which somebody is signed in."""
    http = TestClient(create_app(office.settings, office))
    account = next(a for a in office.accounts.all() if a.login == who)
    http.cookies.set("session", office.accounts.sign_in(account))
    return http
