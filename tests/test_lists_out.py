"""Lists that leave in the columns of cards: the example city's, at every door, and back again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import cards_out, city, cli, demo, lists_out, reading_cells
from api.app import create_app
from api.importing_cards import SAME
from api.office import Actor, Office
from api.settings import Settings
from projections import inventory
from projections.scope import EVERYTHING, Filters


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    """Open an office with the example city in it."""
    opened = Office.open(Settings(database=module_database, demo=True))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(opened.accounts, lambda *_: None)
    city.load(opened.book, None)
    opened.models.catch_up(opened.book)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def clerk(office: Office) -> Actor:
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    actor = office.acting(account, office.posts(account)[0])
    assert actor is not None
    return msgspec.structs.replace(actor, scope=EVERYTHING)


@pytest.fixture(scope="module")
def client(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "auditor")
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", "zh")
    return client


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.target("T110", "T111")
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_every_card_taken_home_and_sent_in_again_adds_nothing(
    office: Office, clerk: Actor, ending: str
) -> None:
    before = office.book.head()
    cards = sum(1 for _ in cards_out.every(office, EVERYTHING, Filters(book="any")))
    lang = "zh" if ending == "csv" else "en"
    content = cards_out.file_of(office, EVERYTHING, lang, ending)
    session = office.imports.begin(clerk, f"cards.{ending}", content)
    session = office.imports.judge(session, clerk, session.plan, None)
    found = office.imports.found(session)
    assert found.faults == [] and session.counts[SAME] == cards > 100
    assert office.book.head() == before


def test_disposals_and_changes_are_told_card_by_card(office: Office, client: TestClient) -> None:
    listed = rows(client.get("/cards/disposals.csv").content)
    register = rows(client.get("/income/register.csv?by=asset").content)
    assert len(listed) == len(register) > 5
    assert {row["卡片标识"] for row in listed} == {row["id"] for row in register}
    named = {row["卡片标识"]: row["资产名称"] for row in listed}
    assert all(named.values())
    answer = client.get("/cards/changes.csv?from=2025-01-01&to=2025-12-31")
    moved = rows(answer.content)
    assert {"增加", "减少"} <= {row["变动"] for row in moved}
    some = moved[0]
    card = office.models.one(inventory.one(some["卡片标识"]))
    assert card is not None and card["asset_no"] == some["资产编号"]
    assert client.get("/cards/changes.csv?from=2025-13-01").status_code == 422
    assert client.get("/cards/changes.csv?from=2025-05-01&to=2025-01-01").status_code == 422
    for path in ("disposals", "changes"):
        sheet = reading_cells.read(client.get(f"/cards/{path}.xlsx").content, "x").rows
        assert list(sheet[0][: len(cards_out.OUT)]) == cards_out.heads("zh")


def test_programs_and_commands_get_the_same_lists(
    office: Office, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    monkeypatch.setenv("GONGWU_PASSWORD", demo.PASSWORD)
    monkeypatch.setenv("GONGWU_LOGIN", "auditor")
    span = {"from": "2025-01-01", "to": "2025-12-31"}
    for what, more in (
        ("disposals", ["--disposals"]),
        ("changes", ["--changes", "2025-01-01,2025-12-31"]),
    ):
        page = client.get(f"/cards/{what}.csv", params=span).content
        query = span if what == "changes" else {}
        told = client.get(f"/api/v1/cards/{what}", params=query, headers={"Accept-Language": "zh"})
        assert told.content == page
        file = tmp_path / f"{what}.csv"
        said = CliRunner().invoke(cli.app, ["--lang", "zh", "cards", "export", str(file), *more])
        assert said.exit_code == 0, said.output
        assert file.read_bytes() == page
    assert lists_out.TITLES.keys() == {"cards", "disposals", "stocktake", "changes"}
