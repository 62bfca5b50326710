"""The movement of property at every door: page, files, REST, command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from doors import Door, app_of, staffed
from python_calamine import CalamineWorkbook
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import annual
from api.app import create_app
from api.cli import app as cli
from api.office import Actor, Office
from domain import journal
from domain.booking import Stood

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
BOOK = Actor(person="u_accountant", unit="o_a", role="accountant")
SPAN = {"from": "2024-01-31", "to": "2024-03-31"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Two computers of January; one is extended in March, and two months are posted."""
    with staffed(database, on=date(2024, 1, 2)) as office:
        form: dict[str, Any] = {"title": "示例", "source": "示例", "lives": "计算机设备,,,6"}
        office.ask("depreciation/o_a", "adopt_lives", form, BOOK)
        for id_, value in (("A", 720_000), ("B", 72_000)):
            form = {"asset_no": f"ZC-{id_}", "name": "设备", "kind": "computer", "unit": "o_a"}
            form |= {"value": value, "acquired": date(2024, 1, 5), "mode": "purchase"}
            office.ask(f"asset/{id_}", "register_existing", form, CLERK, on=date(2024, 1, 5))
        for month in ("2024-01", "2024-02"):
            office.ask("depreciation/o_a", "post", {"month": month}, BOOK)
        form = {"amount": 100_00, "voucher": "记-1", "reason": "扩容"}
        office.ask("asset/A", "add_cost", form, BOOK, on=date(2024, 3, 4))
        yield office


def test_the_page_shows_an_account_that_adds_up_and_leads_to_its_entries(office: Office) -> None:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "accountant")
    client.cookies.set("session", office.accounts.sign_in(account))
    page = client.get("/books/movement", params=SPAN).text
    for said in ("¥7,920.00", "¥110.00", "¥7,810.00", "改建、扩建（增）", "¥100.00", "计提折旧"):
        assert said in page, said
    assert "与台账一致" in page
    assert "/books/movement" in client.get("/audit").text
    events = client.get("/books/movement/events", params=SPAN | {"cause": "addition"}).text
    assert "/assets/A" in events
    assert "/assets/B" not in events
    run = client.get("/books/movement/events", params=SPAN | {"cause": "depreciation"}).text
    assert "/depreciation/o_a?month=2024-02" in run
    text = client.get("/books/movement.csv", params=SPAN).content.decode("utf-8-sig")
    assert "示例市财政局,计算机设备,CNY,期末,2,8020.00,220.00,7800.00" in text
    listed = client.get("/books/movement/events.csv", params=SPAN).content.decode("utf-8-sig")
    assert len(listed.splitlines()) == 3
    assert client.get("/books/movement.xlsx", params=SPAN).content[:2] == b"PK"
    assert client.get("/books/movement", params={"from": "x"}).status_code == 422
    assert client.get("/books/movement.csv", params={"from": "x"}).status_code == 422
    empty = client.get("/books/movement", params={"unit": "o_b"})
    assert "没有符合条件的记录" in empty.text


def test_programs_read_the_same_movements_to_the_fen(office: Office) -> None:
    door = Door(app_of(office))
    told = door.get("movement", **SPAN).json()
    (row,) = told["rows"]
    assert row["opening"] == {"count": 2, "cost": 792_000, "worn": 11_000, "net": 781_000}
    assert row["closing"] == {"count": 2, "cost": 802_000, "worn": 22_000, "net": 780_000}
    assert row["up"]["depreciation"]["worn"] == row["down"]["depreciation"]["net"] == 11_000
    assert told["differences"] == []
    events = door.get("movement/events", **SPAN, limit=1).json()
    assert [e["cause"] for e in events["items"]] == ["depreciation"]
    rest = door.get("movement/events", **SPAN, skip=events["next"]).json()
    assert [(e["asset"], e["cost"]) for e in rest["items"]] == [("A", 10_000)]
    assert rest["next"] is None
    assert door.get("movement", **{"from": "2024-02-30"}).status_code == 422


def test_the_command_line_tells_and_keeps_them(office: Office, tmp_path: Path) -> None:
    url = office.settings.database
    span = ("--from", "2024-01-31", "--to", "2024-03-31")

    def gongwu(*words: str) -> Any:
        return CliRunner().invoke(cli, ["--database", url, *words])

    told = gongwu("--json", "books", "movement", *span)
    assert told.exit_code == 0
    assert json.loads(told.stdout)["rows"][0]["closing"]["net"] == 780_000
    assert "7,800.00" in gongwu("books", "movement", *span).stdout
    kept = tmp_path / "m.csv"
    assert gongwu("books", "movement", *span, "--events", "--csv", str(kept)).exit_code == 0
    assert len(kept.read_text("utf-8-sig").splitlines()) == 3
    assert gongwu("books", "movement", *span, "--csv", str(kept)).exit_code == 0
    assert len(kept.read_text("utf-8-sig").splitlines()) == 15
    assert gongwu("books", "movement", "--from", "2024-03-01", "--to", "2024-01-01").exit_code == 2


def test_a_unit_has_its_year_on_a_page_and_in_a_file_with_the_columns_of_the_form(
    office: Office, tmp_path: Path
) -> None:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "accountant")
    client.cookies.set("session", office.accounts.sign_in(account))
    assert "/books/units/o_a" in client.get("/units/o_a").text
    page = client.get("/books/units/o_a?year=2024").text
    assert "¥8,020.00" in page
    assert client.get("/books/units/o_a?year=x").status_code == 404
    assert client.get("/books/units/o_none").status_code == 404
    told = client.get("/books/units/o_a/annual.xlsx?year=2024").content
    kept = tmp_path / "a.xlsx"
    kept.write_bytes(told)
    book = CalamineWorkbook.from_path(str(kept))
    assert book.sheet_names == ["资产总表", "增减变动表", "实物资产统计表", "应缴财政款"]
    cards = book.get_sheet_by_name("实物资产统计表").to_python()
    assert cards[0][:6] == ["序号", "资产名称", "资产类别", "规格型号", "有无资产编号", "资产编号"]
    assert [row[10] for row in cards[1:]] == [7_300.0, 720.0]
    words = ("books", "annual", "--unit", "o_a", "--year", "2024", "--xlsx", str(kept))
    result = CliRunner().invoke(cli, ["--database", office.settings.database, *words])
    assert result.exit_code == 0
    # The value on a day to come, on the page of the card.
    assert "净值 ¥0.00" in client.get("/assets/B?on=2029-12-31").text
    assert "5001" in client.get("/books/journal", params=SPAN).text
    for ending in ("csv", "xlsx", "beancount"):
        assert client.get(f"/books/journal.{ending}", params=SPAN).status_code == 200


def test_the_form_has_the_columns_of_the_published_one(
    shared_file: Callable[[str], Path],
) -> None:
    file = shared_file("cn_forms/physical_asset_statistics_form.xlsx")
    heads = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()[2]
    assert [words.zh for words in annual.FORM] == [str(head) for head in heads if head]


@pytest.mark.target("T104")
def test_a_card_that_a_list_tells_otherwise_is_named_and_the_accounts_with_it(
    office: Office,
) -> None:
    door = Door(app_of(office))
    asked = {"on": "2024-03-31"}
    assert door.get("depreciation/o_a/check", **asked).json()["agrees"]
    assert door.get("depreciation/nobody/check", **asked).json()["slug"] == "no-such-record"
    with office.models.engine.begin() as c:
        c.execute(text("UPDATE inventory SET value = value + 1 WHERE id = 'B'"))
    told = door.get("depreciation/o_a/check", **asked).json()
    assert [(b["what"], b["row"], b["here"], b["there"]) for b in told["broken"]] == [
        ("card", "B", 72_001, 72_000), ("card", "B", 72_001, 72_000),
    ]  # fmt: skip
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "accountant")
    client.cookies.set("session", office.accounts.sign_in(account))
    page = client.get("/books/units/o_a/check", params=asked).text
    assert "/assets/B" in page
    words = ["books", "check", "--unit", "o_a", "--on", "2024-03-31"]
    result = CliRunner().invoke(cli, ["--database", office.settings.database, *words])
    assert result.exit_code == 1
    # A voucher that another program would not have proposed is an account that disagrees.
    broken = journal.tied(
        {"A": ("computer", 7_300_00)},
        {"A": Stood("o_a", "computer", "CNY", 7_300_00, 220_00)},
        [],
        {"1601": 7_300_00, "1602": -219_99, "1902": 5},
        0,
    )
    assert [(b.what.value, b.row, b.here, b.there) for b in broken] == [
        ("account", "1601+1602", 7_080_00, 7_080_01), ("account", "1902", 0, 5),
    ]  # fmt: skip


@pytest.mark.target("T101")
def test_programs_read_depreciation_month_by_month_and_a_value_on_any_day(office: Office) -> None:
    door = Door(app_of(office))
    months = door.get("depreciation/o_a/months").json()["items"]
    assert [(m["month"], m["charged"]) for m in months] == [("2024-01", 2), ("2024-02", 2)]
    lines = door.get("depreciation/o_a/lines", month="2024-02", limit=1).json()
    assert [(i["asset"], i["charge"], i["accumulated"]) for i in lines["items"]] == [
        ("A", 10_000, 20_000)
    ]
    rest = door.get("depreciation/o_a/lines", month="2024-02", after=lines["next"]).json()
    assert [i["asset"] for i in rest["items"]] == ["B"]
    assert door.get("depreciation/o_a/lines", month="2024-02", faults="true").json()["items"] == []
    assert door.get("depreciation/o_a/lines", month="2030-01").status_code == 404
    assert door.get("depreciation/o_none/months").status_code == 404
    future = door.get("assets/B/value", on="2029-12-31").json()
    assert (future["accumulated"], future["net"], future["ends"]) == (72_000, 0, "2029-12")
    past = door.get("assets/B/value", on="2024-01-31").json()
    assert (past["accumulated"], past["net"]) == (1_000, 71_000)
    assert door.get("assets/none/value").status_code == 404
