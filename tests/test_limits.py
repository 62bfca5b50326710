"""Nobody asks more often than the rest can bear; whoever does is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from doors import CARD, PASSWORD, staffed
from fastapi.testclient import TestClient
from test_sight import built, routes

from api.app import create_app
from api.limiting import EXPORT, Limits
from api.office import Actor, Office
from api.settings import Settings
from api.settings_shown import shown
from api.settings_sign import Unusable

pytestmark = pytest.mark.either_backend(
    "limits are counted in memory, before any database is asked"
)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        office.ask("asset/A1", "register_existing", CARD, clerk)
        office.limits = Limits(5, 3, 2)
        yield office


@pytest.fixture
def http(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


def session(office: Office, login: str) -> dict[str, str]:
    account = office.accounts.find(login)
    assert account is not None
    return {"cookie": f"session={office.accounts.sign_in(account)}", "accept": "text/html"}


@pytest.mark.target("T20")
def test_a_person_without_a_token_is_told_when_to_come_again(
    office: Office, http: TestClient
) -> None:
    """By password and by session it is the same person; another one is not held up."""
    for n in range(5):
        auth = ("clerk", PASSWORD) if n % 2 else None
        headers = {} if n % 2 else session(office, "clerk")
        assert http.get("/api/v1/head", auth=auth, headers=headers).status_code == 200
    zh = http.get("/api/v1/head", auth=("clerk", PASSWORD), headers={"accept-language": "zh"})
    en = http.get("/api/v1/head", auth=("clerk", PASSWORD), headers={"accept-language": "en"})
    for answer in (zh, en):
        assert (answer.status_code, answer.json()["slug"]) == (429, "too-often")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["retry-after"] in answer.json()["detail"]
    assert "请求过于频繁" in zh.json()["detail"] and "Too many requests" in en.json()["detail"]
    assert http.get("/api/v1/head", auth=("keeper", PASSWORD)).status_code == 200
    assert http.get("/", headers=session(office, "clerk")).status_code == 200  # pages stay open


@pytest.mark.target("T20")
def test_an_address_that_does_not_sign_in_is_held_up_alone(http: TestClient) -> None:
    told = [http.get("/api/v1/head").status_code for _ in range(5)]
    assert told == [401, 401, 401, 429, 429]
    assert http.get("/api/v1/head", auth=("clerk", PASSWORD)).status_code == 200


@pytest.mark.target("T20")
def test_files_taken_home_are_counted_at_every_door(office: Office, http: TestClient) -> None:
    """Two a minute here: one by a page, one by a program; then neither gives a third."""
    mine = session(office, "clerk")
    assert http.get("/assets.csv", headers=mine).status_code == 200
    assert http.get("/api/v1/cards/export", auth=("clerk", PASSWORD)).status_code == 200
    page = http.get("/assets.xlsx", headers=mine)
    assert page.status_code == 429 and int(page.headers["retry-after"]) > 1
    assert "导出过于频繁" in page.text
    program = http.get("/api/v1/cards/export", auth=("clerk", PASSWORD))
    assert (program.status_code, program.json()["slug"]) == (429, "too-often")
    assert http.get("/assets.csv", headers=session(office, "keeper")).status_code == 200
    assert http.get("/assets", headers=mine).status_code == 200


def test_every_route_of_a_table_counts_as_taking_it_home(
    database: str,
) -> None:
    whole = built(database)
    town = next(whole)
    paths = {path.replace("{ending}", "csv") for method, path in routes(town) if method == "GET"}
    whole.close()
    taken = ("export", ".csv", ".xlsx", ".beancount", "/bundle")
    tables = {path for path in paths if path.endswith(taken)}
    assert len(tables) > 50
    assert {path for path in tables if not EXPORT.search(path)} == set()


def test_the_limits_are_settings_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {one.variable: one for one in shown(Settings())}
    for name in ("CALLS", "STRANGERS", "EXPORTS"):
        one = told[f"GONGWU_{name}_PER_MINUTE"]
        assert int(one.value.zh) > 0 and one.source.en == "default" and one.meaning.en
    monkeypatch.setenv("GONGWU_CALLS_PER_MINUTE", "7")
    assert Settings.from_env().calls_per_minute == 7
    monkeypatch.setenv("GONGWU_CALLS_PER_MINUTE", "often")
    with pytest.raises(Unusable):
        Settings.from_env()


def test_nought_is_no_limit(office: Office, http: TestClient) -> None:
    office.limits = Limits(0, 0, 0)
    for _ in range(20):
        assert http.get("/api/v1/head", auth=("clerk", PASSWORD)).status_code == 200
        assert http.get("/api/v1/head").status_code == 401
