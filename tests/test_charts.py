"""Charts: the figures are those of the lists, on any day, and each of them opens its rows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from api import city, demo
from api.app import create_app
from api.office import Office
from api.pages_charts import TITLES
from api.settings import Settings
from projections import history, inventory
from projections.scope import EVERYTHING, Filters

DAY = "2026-03-31"


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = Office.open(Settings(database=module_database, demo=True))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(opened.accounts, lambda *_: None)
    city.load(opened.book, None)
    opened.models.catch_up(opened.book)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    auditor = next(a for a in office.accounts.all() if a.login == "auditor")
    client.cookies.set("session", office.accounts.sign_in(auditor))
    return client


def plots(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Return what the pictures of a page are drawn from."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    found = re.findall(r'data-chart="([^"]*)"', answer.text)
    assert "Undefined" not in answer.text
    return [json.loads(html.unescape(text)) for text in found]


def test_stock_is_what_the_books_had_at_the_end_of_each_month(
    client: TestClient, office: Office
) -> None:
    [plot] = plots(client, f"/charts/stock?on={DAY}")
    assert [p["label"] for p in plot["points"]][-2:] == ["2026-02-28", DAY]
    assert len(plot["points"]) == 13
    for point in plot["points"]:
        rows = office.models.rows(history.totals_as_of(EVERYTHING, Filters(), on=point["label"]))
        assert point["value"] == sum(row["assets"] for row in rows)
    assert plot["points"][0]["value"] != plot["points"][-1]["value"]


def test_a_column_opens_the_rows_it_counts(client: TestClient) -> None:
    [plot] = plots(client, f"/charts/stock?on={DAY}&unit=o_ex_edu")
    last = plot["points"][-1]
    assert last["url"] == f"/assets?unit=o_ex_edu&on={DAY}"
    text = client.get(last["url"], headers={"accept-language": "en"}).text
    assert f"<b>{last['value']:,}</b>" in text


def test_today_needs_no_past(client: TestClient, office: Office) -> None:
    [plot] = plots(client, "/charts/stock")
    last = plot["points"][-1]
    assert (last["label"], last["url"]) == (office.today().isoformat(), "/assets")
    rows = office.models.rows(inventory.totals(EVERYTHING, Filters()))
    assert last["value"] == sum(row["assets"] for row in rows)


def test_value_is_drawn_for_each_currency_in_whole_fen(client: TestClient, office: Office) -> None:
    rows = office.models.rows(history.totals_as_of(EVERYTHING, Filters(), on=DAY))
    drawn = {
        p["title"].rpartition(" ")[2]: p["points"][-1]["value"]
        for p in plots(client, f"/charts/value?on={DAY}")
    }
    assert drawn == {row["currency"]: row["value"] for row in rows if row["value"]}


def test_the_board_and_the_chart_of_income_agree(client: TestClient) -> None:
    [plot] = plots(client, "/charts/income")
    board = client.get("/income").text
    for point in plot["points"]:
        step = point["url"].partition("#")[2]
        found = re.search(rf'id="{step}">[^<]*<small>([\d,]+)</small>', board)
        assert found is not None, step
        assert int(found[1].replace(",", "")) == point["value"]
    assert plots(client, "/charts/income?on=2024-01-01") == []


def test_a_month_of_reuse_opens_its_own_days(client: TestClient) -> None:
    [plot] = plots(client, f"/charts/put-to-use?on={date(2026, 10, 15)}")
    assert plot["top"] == 100
    assert plot["points"][-1]["url"] == "/reuse?from=2026-10-01&to=2026-10-15"
    assert plot["points"][-2]["url"] == "/reuse?from=2026-09-01&to=2026-09-30"
    shown = next(p for p in plot["points"] if p["value"])
    again, whole = (int(n) for n in re.findall(r"(\d+)/(\d+)", shown["said"])[0])
    assert shown["value"] == again * 100 // whole


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("id_", TITLES)
def test_each_has_a_table_with_the_same_links_beside_it(
    client: TestClient, id_: str, lang: str
) -> None:
    for path in (f"/charts/{id_}", f"/charts/{id_}?on={DAY}&known=1000"):
        text = client.get(path, params={"lang": lang} if "?" not in path else None).text
        for plot in plots(client, path):
            for point in plot["points"]:
                assert text.count(f'href="{html.escape(point["url"])}"') >= 2
    assert client.get("/charts/weather").status_code == 404


def test_the_large_library_is_not_part_of_any_page(client: TestClient) -> None:
    for path in ("/", "/reuse", "/charts/stock"):
        text = client.get(path).text
        assert "echarts" not in text
        assert "/static/charts.js" in text
