"""Registers with a page: document numbers and their gaps, vehicle quotas, confiscated goods."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from doors import CARD, Door, app_of, staffed
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import cli
from api.app import create_app
from api.office import Actor, Office
from api.registers import REGISTERS
from domain.numbering import NumberDrawn, NumbersUsedElsewhere, Series, evolve
from projections import registers
from projections.scope import EVERYTHING, Scope

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEAD = Actor(person="u_head", unit="o_a", role="head")
KEEPER = Actor(person="u_keeper", unit="o_a", role="keeper")
OFFICE = Actor(person="u_office", unit="o_a", role="office")
ACCOUNTANT = Actor(person="u_accountant", unit="o_a", role="accountant")
GOODS = {
    "item": "香烟",
    "quantity": "50",
    "measure": "条",
    "unit": "o_b",
    "order_no": "罚〔2025〕1号",
}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        yield opened


def filled(office: Office) -> str:
    """Fill every register; return the year's series of card numbers."""
    office.ask("series/o_a-loan", "name_series", {"prefix": "示财借"}, HEAD)
    series = f"o_a-loan-{office.today().year}"
    office.ask(f"series/{series}", "set_aside", {"until": 2, "reason": "纸质登记簿已用"}, HEAD)
    for n in range(3):
        office.ask("series/o_a-loan", "draw", {"document": f"asset/A{n}"}, CLERK)
    office.ask(f"series/{series}", "void_number", {"ordinal": 4, "reason": "打印错误"}, HEAD)
    quota = {"use": "emergency", "places": 1, "order_no": "示编〔2025〕9号"}
    office.ask("quota/o_a", "set_quota", quota, OFFICE)
    for n in (1, 2):
        card = CARD | {"asset_no": f"ZC-{n}", "kind": "vehicle"}
        office.ask(f"asset/V{n}", "register_existing", card, CLERK)
    desks = {"to_unit": "o_a", "kind": "furniture", "item": "办公桌", "quantity": "3"}
    office.ask("demand/W1", "publish", desks | {"needed_by": office.today()}, CLERK)
    office.ask("confiscated/G1", "take_in", GOODS, KEEPER)
    office.ask("confiscated/G2", "take_in", GOODS | {"item": "渔船", "forfeited": True}, KEEPER)
    scrap = {"unit": "o_a", "gross": 500, "note": "废旧物资残值"}
    office.ask("due/D1", "record", scrap, ACCOUNTANT)
    for name, packaging in (("K1", "crate"), ("P1", "pallet")):
        office.ask(f"package/{name}", "set_up", {"packaging": packaging, "unit": "o_a"}, CLERK)
    office.ask("package/K1", "pack", {"assets": ["V1"]}, CLERK)
    office.ask("package/K1", "load_onto", {"outer": "P1"}, CLERK)
    return series


def signed_in(office: Office, who: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


def rows(office: Office, register: str, scope: Scope = EVERYTHING, **asked: str) -> list[Any]:
    return list(office.rows(registers.listing(register, scope, asked)))


# The lists ------------------------------------------------------------------------


@pytest.mark.target("T36")
def test_a_series_is_listed_with_how_far_it_has_come_and_what_is_void(office: Office) -> None:
    series = filled(office)
    (row,) = rows(office, "series")
    said = (row["id"], row["last"], row["voided"], row["aside"], row["latest"][-5:])
    assert said == (series, 5, 1, 2, "0005号")
    assert row["prefix"] == "示财借"
    assert rows(office, "series", kind="lease") == []
    assert rows(office, "series", year=series[-4:], unit="o_a", text="示财") == [row]
    assert rows(office, "series", Scope(units=frozenset({"o_b"}))) == []
    office.ask("series/o_a-lease", "name_series", {"prefix": "示财租"}, HEAD)
    assert [r["id"] for r in rows(office, "series")] == ["o_a-lease", series]


def test_numbers_told_out_of_order_come_to_the_same() -> None:
    """Late documents have later numbers; the latest of a series is its highest."""
    drawn = [
        NumberDrawn(
            number=f"示〔2025〕{n}号", ordinal=n, document="loan/L", issued=date(2025, 1, 1)
        )
        for n in (1, 2)
    ]
    aside = NumbersUsedElsewhere(since=3, until=4, reason="r")
    told = [Series(), Series()]
    for at, events in enumerate(([*drawn, aside], [drawn[1], aside, drawn[0]])):
        for event in events:
            told[at] = evolve(told[at], event)
    assert told[0] == told[1]
    assert (told[0].last, told[0].latest, told[0].aside) == (4, "示〔2025〕2号", 2)


def test_a_quota_is_listed_with_what_is_beyond_it(office: Office) -> None:
    filled(office)
    (row,) = rows(office, "quota")
    assert (row["id"], row["places"], row["vehicles"], row["beyond"]) == ("o_a", 1, 2, 1)
    assert rows(office, "quota", beyond="1") == [row]
    assert rows(office, "quota", beyond="0") == []


def test_confiscated_goods_are_found_by_word_status_and_unit(office: Office) -> None:
    filled(office)
    assert [r["id"] for r in rows(office, "confiscated")] == ["G2", "G1"]
    assert [r["id"] for r in rows(office, "confiscated", text="香烟")] == ["G1"]
    assert [r["id"] for r in rows(office, "confiscated", status="forfeited")] == ["G2"]
    assert rows(office, "confiscated", unit="o_a") == []


def test_lists_go_on_where_the_last_page_ended(office: Office) -> None:
    filled(office)
    first = office.rows(registers.listing("confiscated", EVERYTHING, {}, limit=1))
    after = registers.cursor("confiscated", first[0])
    second = office.rows(registers.listing("confiscated", EVERYTHING, {}, after=after, limit=1))
    assert [row["id"] for row in (*first, *second)] == ["G2", "G1"]


# The doors ------------------------------------------------------------------------


def test_programs_are_told_the_same(office: Office) -> None:
    series = filled(office)
    door = Door(app_of(office))
    assert [r["id"] for r in door.get("series").json()["items"]] == [series]
    lines = door.get(f"series/{series}/numbers").json()["items"]
    assert [line["fate"] for line in lines] == ["elsewhere", "given", "voided", "given"]
    gaps = door.get(f"series/{series}/numbers", gaps="true", limit="1").json()
    assert [line["reason"] for line in gaps["items"]] == ["纸质登记簿已用"]
    rest = door.get(f"series/{series}/numbers", gaps="true", after=gaps["next"]).json()
    assert [line["reason"] for line in rest["items"]] == ["打印错误"]
    assert rest["next"] is None
    (quota,) = door.get("quotas", beyond="true").json()["items"]
    assert quota["uses"][-1] == {"use": "emergency", "quota": 1, "vehicles": 0}
    assert [r["id"] for r in door.get("confiscated", limit="1").json()["items"]] == ["G2"]
    assert door.get("confiscated", status="eaten").status_code == 422
    assert door.get("confiscated", after="x").status_code == 422
    assert door.get("series/o_9-loan-2025/numbers").status_code == 404


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_register_has_a_page_and_says_what_it_is_when_it_is_empty(
    office: Office, lang: str
) -> None:
    client = signed_in(office, "auditor")
    for register in REGISTERS.values():
        page = client.get(register.path, params={"lang": lang})
        assert page.status_code == 200
        said = register.empty.zh if lang == "zh" else register.empty.en
        assert said.split("；")[0] in page.text.replace("&#39;", "'")
    filled(office)
    for register in REGISTERS.values():
        page = client.get(register.path, params={"lang": lang}).text
        for column in register.columns:
            title = column.words.zh if lang == "zh" else column.words.en
            assert f"{title[:1].upper()}{title[1:]}" in page
        assert client.get(register.path, params={"text": "nowhere"}).status_code == 200
        assert client.get(register.path, params={"after": "~"}).status_code == 200


def test_a_register_is_taken_home_as_a_table(office: Office) -> None:
    filled(office)
    client = signed_in(office, "auditor")
    told = client.get("/confiscated.csv", params={"status": "forfeited"}).content.decode(
        "utf-8-sig"
    )
    head, line = list(csv.reader(io.StringIO(told)))
    assert head[0] == "名称"
    assert dict(zip(head, line, strict=True))["名称"] == "渔船"
    for register in REGISTERS.values():
        assert client.get(f"{register.path}.xlsx").content.startswith(b"PK")


@pytest.mark.target("T36")
def test_the_page_of_a_series_tells_every_number_and_gap(office: Office) -> None:
    series = filled(office)
    client = signed_in(office, "head")
    page = client.get(f"/numbers/{series}").text
    for said in ("纸质登记簿已用", "打印错误", "1–2", "0003号", "作废"):
        assert said in page
    assert "0003号" not in client.get(f"/numbers/{series}?gaps=1").text.split("timeline")[0]
    # A unit's series may be named before it has one, by whoever sees the unit.
    opened = client.get("/numbers", params={"open-unit": "o_b", "open-kind": "lease"})
    assert opened.headers["location"] == "/numbers/o_b-lease"
    assert client.get("/numbers/o_b-lease").status_code == 404
    client = signed_in(office, "office")
    assert client.get("/numbers/o_b-lease").status_code == 200
    assert client.get("/numbers/o_9-lease").status_code == 404
    form = {"prefix": "示水租", "digits": "3", "key": "k1"}
    done = client.post("/numbers/o_b-lease/do/name_series", data=form)
    assert done.status_code == 303, done.text
    assert office.book.stream("series/o_b-lease").state.namings[0].prefix == "示水租"
    refused = client.post(f"/numbers/{series}/do/void_number", data={"ordinal": "4", "reason": "r"})
    assert refused.status_code == 409


def test_goods_are_taken_in_on_their_page(office: Office) -> None:
    client = signed_in(office, "keeper")
    assert 'name="order_no"' in client.get("/confiscated/new").text
    done = client.post("/confiscated/G7/do/take_in", data=GOODS | {"key": "k2"})
    assert done.status_code == 303, done.text
    page = client.get(done.headers["location"]).text
    assert "香烟" in page
    assert "record-sheet.pdf" in page
    assert client.get("/confiscated/none").status_code == 404


def test_the_command_line_lists_quotas_and_goods(database: str) -> None:
    with staffed(database) as office:
        filled(office)
    runner = CliRunner()

    def run(*words: str) -> Any:
        done = runner.invoke(cli.app, ["--database", database, "--lang", "zh", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "超编" in run("quotas", "--beyond")
    assert "渔船" in run("confiscated", "--status", "forfeited")
    first = json.loads(run("confiscated", "--limit", "1", "--json"))
    assert [row["item"] for row in first["items"]] == ["渔船"]
    assert "香烟" in run("confiscated", "--after", first["next"])
    assert "周转箱" in run("packages", "--unit", "o_a")
    for register in ("confiscated", "packages"):
        wrong = runner.invoke(cli.app, ["--database", database, register, "--status", "x"])
        assert wrong.exit_code == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_package_is_set_up_filled_and_shown_from_its_page(office: Office, lang: str) -> None:
    filled(office)
    client = signed_in(office, "clerk")
    assert 'name="sscc"' in client.get("/packages/new", params={"lang": lang}).text
    form = {"packaging": "box", "unit": "o_a", "key": "k1"}
    done = client.post("/packages/K7/do/set_up", data=form)
    assert (done.status_code, done.headers["location"][:14]) == (303, "/packages/K7?d")
    packed = client.post("/packages/K7/do/pack", data={"assets": "V2", "key": "k2"})
    assert packed.status_code == 303, packed.text
    page = client.get("/packages/K7", params={"lang": lang}).text
    assert 'href="/assets/V2"' in page
    assert 'href="/packages/K7"' in client.get("/assets/V2", params={"lang": lang}).text
    again = client.post("/packages/K7/do/pack", data={"assets": "V1", "key": "k3"})
    assert again.status_code == 409, "it is in the crate that was filled before"
    assert 'href="/packages/P1"' in client.get("/packages/K1", params={"lang": lang}).text
    assert 'href="/packages/K1"' in client.get("/packages/P1", params={"lang": lang}).text
    assert client.get("/packages/none").status_code == 404
    told = client.get("/packages.csv", params={"text": "K7"}).content.decode("utf-8-sig")
    assert len(told.strip().splitlines()) == 2


def test_packages_are_listed_for_programs(office: Office) -> None:
    filled(office)
    door = Door(app_of(office))
    found = door.get("packages", packaging="crate").json()["items"]
    assert [(one["id"], one["assets"], one["outer"]) for one in found] == [("K1", 1, "P1")]
    assert door.get("packages", status="eaten").status_code == 422
    assert {r["id"] for r in rows(office, "package", place="")} == {"K1", "P1"}
