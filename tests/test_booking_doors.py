"""The movement of property at every door: page, files, REST, command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from doors import Door, app_of, staffed
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app as cli
from api.office import Actor, Office

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
BOOK = Actor(person="u_accountant", unit="o_a", role="accountant")
SPAN = {"from": "2024-01-31", "to": "2024-03-31"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Two computers of January; one is extended in March, and two months are posted."""
    with staffed(f"sqlite:///{tmp_path / 'l.db'}", on=date(2024, 1, 2)) as office:
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
