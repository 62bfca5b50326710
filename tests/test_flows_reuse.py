"""Idle premises change their use, idle things are exchanged: by the rules of Inner Mongolia, through
the doors, and the waterfall of each thing says so (内蒙古机关运行保障条例 第13、17条)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from fastapi.testclient import TestClient
from httpx import Response
from pypdfium2 import PdfDocument

from api import policies
from api.app import create_app
from api.office import Actor, Office
from domain import policy as rules_

MINUTES = {"type": "会议纪要", "number": "纪要7"}
PAPERS = [MINUTES, {"type": "资产评估报告", "number": "评1"}, {"type": "协议草案", "number": "草1"}]


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Two organs of one city under the rules of Inner Mongolia, and the bodies that decide."""
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        finance = Actor(person="u_finance", unit="o_a", role="finance")
        rules = policies.shipped()["inner-mongolia"]
        content = rules_.written(rules)
        office.ask("policy/inner-mongolia", "propose", {"content": content}, admin)
        today = office.today().isoformat()
        office.ask("policy/inner-mongolia", "publish", {"in_force_from": today}, finance)
        for unit in ("o_a", "o_b"):
            placed = {"region": "150100", "level": "prefecture"}
            office.ask(f"unit/{unit}", "belong", placed, admin)
        office.accounts.create("other", PASSWORD, "u_other", "示例对方", "o_b", ["clerk"])
        office.accounts.create("books", PASSWORD, "u_books", "示例会计", "o_b", ["accountant"])
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Response, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text
    return str(answer.json()["detail"])


def state(door: Door, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = granted(door.get(stream))["state"]
    return found


def came(door: Door, asset: str) -> dict[str, Any]:
    """Return what came of every way to put a thing to use again."""
    found = granted(door.get(f"asset/{asset}/waterfall"))
    return {way["way"]: way["came"] for way in found["ways"]}


def pages(office: Office, who: str) -> TestClient:
    http = TestClient(create_app(office.settings, office))
    account = next(a for a in office.accounts.all() if a.login == who)
    http.cookies.set("session", office.accounts.sign_in(account))
    return http


def test_idle_premises_become_a_nursery(door: Door, office: Office) -> None:
    """Nobody changes the use alone: the offices administration decides, and it is told from when."""
    registered(door, "P1", asset_no="ZC-P1", name="旧办公楼", kind="premises")
    area = {"area_approved": "800", "order_no": "核1"}
    granted(door.post("asset/P1/approve_area", area, who="office"))
    granted(door.post("asset/P1/declare_idle", {"evidence": "腾退两年"}))
    assert came(door, "P1")["convert"] is None
    form = {"unit": "o_a", "assets": ["P1"], "purpose": "机关托育场所", "used_by": "示例托育中心"}
    form |= {"reason": "闲置，具备条件", "area": "300.5"}
    granted(door.post("conversion/K1/request", form))
    assert came(door, "P1")["convert"] == "under_way"
    done = {"assets": ["P1"], "since": office.today().isoformat()}
    assert "第11条" in refused(door.post("conversion/K1/convert", done), "conversion-not-approved")
    refused(
        door.post("conversion/K1/approve", {"approval_no": "批1"}, who="finance"), "not-your-turn"
    )
    granted(door.post("conversion/K1/approve", {"approval_no": "批1"}, who="office"))
    refused(door.post("conversion/K1/convert", done, who="office"), "incompatible-duties")
    granted(door.post("conversion/K1/convert", done))
    now = state(door, "asset/P1")
    assert (now["purpose"], now["area_approved"], now["kind"]) == (
        "机关托育场所",
        "499.5",
        "premises",
    )
    assert (now["accounting_unit"], now["custody"]) == ("o_a", "idle")  # the rest still waits
    assert came(door, "P1")["convert"] == "done"
    told = granted(door.get("conversion/K1/history", limit=50))["items"]
    route = next(e["body"] for e in told if e["type"] == "case.route_laid")
    assert {"003-11", "003-13"} <= set(route["cites"])
    http = pages(office, "auditor")
    for lang, words in (("zh", "机关托育场所"), ("en", "Change of use")):
        page = http.get(f"/cases/conversion/K1?lang={lang}").text
        assert words in page and "ZC-P1" in page
    assert "机关托育场所" in http.get("/assets/P1").text
    for paper in ("application", "approval", "handover-note"):
        answer = http.get(f"/papers/conversion/K1/{paper}.pdf")
        assert answer.content[:4] == b"%PDF", paper


@pytest.mark.target("T24")
def test_idle_things_are_exchanged_for_those_of_another_unit_and_the_balance_is_remitted(
    door: Door, office: Office
) -> None:
    """Appraised on both sides, handed over by both, booked by both; the balance to the treasury."""
    registered(door, "A1", asset_no="ZC-A1", name="大会议桌", kind="furniture", value=1_000_001)
    registered(door, "A2", asset_no="ZC-A2", name="排椅", kind="furniture", value=500_000)
    registered(
        door, "B1", asset_no="ZC-B1", name="复印机", kind="office", unit="o_b", value=900_000
    )
    for id_ in ("A1", "A2"):
        granted(door.post(f"asset/{id_}/declare_idle", {}))
    form: dict[str, Any] = {
        "unit": "o_a",
        "assets": ["A1", "A2"],
        "partner": "o_b",
        "coming": ["B1"],
    }
    form |= {"needed": "复印机", "ground": "idle", "minutes_no": "纪要7"}
    missing = refused(door.post("exchange/X1/request", form), "papers-missing")
    assert "资产评估报告" in missing and "协议草案" in missing and "第17条" in missing
    granted(door.post("exchange/X1/request", form | {"docs": PAPERS}))
    assert came(door, "A1")["exchange_asset"] == "under_way"
    for who in ("head", "office"):
        granted(door.post("exchange/X1/endorse", {}, who=who))
    granted(door.post("exchange/X1/approve", {"approval_no": "批1"}, who="finance"))
    today = office.today().isoformat()
    for side, value in (("out", 700_003), ("in", 600_000)):
        said = {"side": side, "value": value, "appraiser": "示例评估", "base_date": today}
        granted(door.post("exchange/X1/record_appraisal", said | {"report_no": f"评-{side}"}))
    short = {"agreement": "协1", "boot": 100_002}
    assert "700.00" not in refused(door.post("exchange/X1/sign", short), "balance-below-appraisals")
    granted(door.post("exchange/X1/sign", short | {"boot": 100_003}))
    out = {"assets": ["A1", "A2"], "scanned": "ZC-A1\nZC-A2"}
    into = {"assets": ["B1"], "scanned": "ZC-B1"}
    refused(door.post("exchange/X1/hand_out", out, who="other"), "not-the-giving-side")
    for things, giver, taker in ((out, "clerk", "other"), (into, "other", "clerk")):
        granted(door.post("exchange/X1/hand_out", things, who=giver))
        refused(door.post("exchange/X1/take_in", things, who=giver), "not-the-taking-side")
        granted(door.post("exchange/X1/take_in", things, who=taker))
    assert came(door, "A1")["exchange_asset"] == "done"
    books = {"out_voucher": "记1", "in_voucher": "记2"}
    for assets in (["A1", "A2"], ["B1"]):
        granted(door.post("exchange/X1/move_books", books | {"assets": assets}, who="accountant"))
    cards = {id_: state(door, f"asset/{id_}") for id_ in ("A1", "A2", "B1")}
    assert [cards[i]["accounting_unit"] for i in cards] == ["o_b", "o_b", "o_a"]
    assert [cards[i]["custodian"] for i in cards] == ["o_b", "o_b", "o_a"]
    assert cards["A1"]["value"] + cards["A2"]["value"] == 700_003  # what o_b gave: 600,000 + boot
    assert cards["B1"]["value"] == 600_000  # what o_a gave: 700,003 less the balance it was paid
    fee = {"deductions": [{"type": "评估费", "amount": 3}]}
    refused(door.post("exchange/X1/assess_balance", fee, who="books"), "not-the-payee")
    granted(door.post("exchange/X1/assess_balance", fee, who="accountant"))
    paid = {"amount": 100_000, "voucher": "缴1", "treasury_on": today}
    refused(door.post("exchange/X1/remit_balance", paid, who="accountant"), "incompatible-duties")
    granted(door.post("exchange/X1/remit_balance", paid, who="finance"))
    now = state(door, "exchange/X1")
    assert (now["status"], now["net"], now["remitted"]) == ("remitted", 100_000, 100_000)
    http = pages(office, "auditor")
    for lang, words in (("zh", "两方评估与补价"), ("en", "Appraisals and balance")):
        page = http.get(f"/cases/exchange/X1?lang={lang}").text
        assert words in page and "7,000.03" in page and "1,000.03" in page
    for paper in ("application", "approval", "handover-note", "receipt"):
        answer = http.get(f"/papers/exchange/X1/{paper}.pdf")
        assert answer.content[:4] == b"%PDF", paper
    page = PdfDocument(http.get("/papers/exchange/X1/application.pdf").content)[0]
    text = page.get_textpage().get_text_bounded()
    for said in ("ZC-A1", "ZC-A2", "ZC-B1 复印机"):
        assert said in text


def test_a_disposal_by_exchange_is_sent_to_the_exchange(door: Door) -> None:
    registered(door, "A1", asset_no="ZC-A1", name="大会议桌", kind="furniture", value=1_000_000)
    form = {"unit": "o_a", "form": "exchange", "ground": "idle", "minutes_no": "纪要8"}
    answer = door.post("disposal/D1/propose", form | {"assets": ["A1"], "docs": PAPERS})
    assert "另开“置换单”" in refused(answer, "exchange-is-its-own-case")


@pytest.mark.target("T24")
def test_what_somebody_outside_gives_is_inspected_before_it_is_entered(
    door: Door, office: Office
) -> None:
    """A table for a copier of a company: ours leaves the books, theirs comes like any delivery."""
    registered(door, "A1", asset_no="ZC-A1", name="大会议桌", kind="furniture", value=1_000_000)
    granted(door.post("asset/A1/declare_idle", {}))
    form = {"unit": "o_a", "assets": ["A1"], "outsider": "示例办公公司", "needed": "复印机"}
    form |= {"ground": "idle", "minutes_no": "纪要8", "docs": PAPERS}
    granted(door.post("exchange/X2/request", form))
    for who in ("head", "office"):
        granted(door.post("exchange/X2/endorse", {}, who=who))
    granted(door.post("exchange/X2/approve", {"approval_no": "批2"}, who="finance"))
    today = office.today().isoformat()
    for side, value in (("out", 500_000), ("in", 520_000)):
        said = {"side": side, "value": value, "appraiser": "示例评估", "base_date": today}
        granted(door.post("exchange/X2/record_appraisal", said | {"report_no": f"评-{side}"}))
    signed = {"agreement": "协2", "boot": 20_000, "payer": "us", "pieces": 1}
    granted(door.post("exchange/X2/sign", signed))
    things = {"assets": ["A1"], "scanned": "ZC-A1"}
    slip = {"docs": [{"type": "交接单", "number": "交1"}]}
    refused(door.post("exchange/X2/deliver", things | slip, who="keeper"), "nothing-given-out")
    granted(door.post("exchange/X2/hand_out", things))
    assert state(door, "asset/A1")["custody"] == "transit"
    refused(door.post("exchange/X2/deliver", things | slip), "gave-it-out-oneself")
    unsigned = door.post("exchange/X2/deliver", things, who="keeper")
    refused(unsigned, "other-side-slip-not-attached")
    granted(door.post("exchange/X2/deliver", things | slip, who="keeper"))
    new = {"asset": "N1", "item": "复印机", "kind": "office"}
    granted(door.post("exchange/X2/receive", new))
    card = state(door, "asset/N1")
    assert (card["book"], card["mode"], card["value"]) == ("pending", "exchange", 520_000)
    granted(door.post("asset/N1/pass_acceptance", {"inspector": "u_head"}, who="keeper"))
    granted(door.post("asset/N1/register", {"asset_no": "ZC-N1"}))
    gone = {"assets": ["A1"], "out_voucher": "记9"}
    granted(door.post("exchange/X2/move_books", gone, who="accountant"))
    assert state(door, "asset/A1")["book"] == "gone"
    refused(door.post("exchange/X2/assess_balance", {}, who="accountant"), "no-balance-received")


def normed(door: Door, office: Office, id_: str, **norm: Any) -> None:
    """Publish a standard."""
    said = {"title": f"标准{id_}", "kind": "computer"} | norm
    granted(door.post(f"standard/{id_}/draft", said, who="office"))
    today = {"in_force_from": office.today().isoformat()}
    granted(door.post(f"standard/{id_}/publish", today, who="finance"))


@pytest.mark.target("T49")
def test_what_both_units_get_in_exchange_is_held_to_their_standards(
    door: Door, office: Office
) -> None:
    """One computer a post: who gives one for one stays within; two for one is flagged."""
    for id_, unit in (("A1", "o_a"), ("B1", "o_b"), ("B2", "o_b"), ("B3", "o_b")):
        registered(door, id_, asset_no=f"ZC-{id_}", unit=unit, value=500_000)
    normed(door, office, "S1", basis="post", quantity="1")
    form = {"unit": "o_a", "assets": ["A1"], "partner": "o_b", "coming": ["B1"], "needed": "电脑"}
    form |= {"ground": "idle", "minutes_no": "纪要8", "docs": PAPERS}
    refused(door.post("exchange/X3/request", form), "taker-posts-not-stated")
    # o_b has three already and gets none more: it is not taken further beyond.
    granted(door.post("exchange/X3/request", form | {"posts": 1, "partner_posts": 1}))
    assert state(door, "exchange/X3")["beyond"] == []
    granted(door.post("exchange/X3/send_back", {"reason": "再换一台"}, who="head"))
    # Another list of theirs: two come for one, one more than o_a may have.
    more = {"note": "另换", "add_coming": ["B2", "B3"], "remove_coming": ["B1"]}
    granted(door.post("exchange/X3/resubmit", more))
    now = state(door, "exchange/X3")
    assert (now["coming"], now["beyond"]) == (["B2", "B3"], ["standard"])
    assert state(door, "asset/B1")["case"] == "" and state(door, "asset/B2")["case"]
    told = granted(door.get("exchange/X3/history", limit=50))["items"]
    (flag,) = (e["body"] for e in told if e["type"] == "case.beyond_standard")
    assert (flag["unit"], flag["held"], flag["wanted"], flag["cap"]) == ("o_a", "1", "2", "1")
    assert "超配置标准" in pages(office, "auditor").get("/cases/exchange/X3").text
    granted(door.post("exchange/X3/send_back", {"reason": "只换一台"}, who="head"))
    granted(door.post("exchange/X3/resubmit", {"note": "改为一台", "remove_coming": ["B3"]}))
    assert state(door, "exchange/X3")["beyond"] == []


@pytest.mark.target("T49")
@pytest.mark.parametrize("action", ["plan", "vehicle", "reallocation", "exchange"])
def test_the_rules_say_what_becomes_of_what_is_beyond_a_standard(
    office: Office, action: str
) -> None:
    http = pages(office, "auditor")
    for lang, key, value in (
        ("zh", "超出接收单位的配置标准或者公务用车编制的", "提示并记录"),
        ("en", "what goes beyond the standards or the vehicle quota", "flagged"),
    ):
        page = http.get("/rules", params={"action": action, "lang": lang}).text
        assert key in page and value in page[page.index(key) :]
