"""What shows as idle at every door: page, files, programs, command line, and the clerk's home."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from doors import Door, app_of, staffed
from fastapi.testclient import TestClient
from msgspec.structs import replace
from typer.testing import CliRunner

from api import cli, idling
from api.app import create_app
from api.office import Office
from domain import policy as policies
from domain.idleness import IdleGround
from domain.idling import IdlenessExplained
from domain.policy import GENERIC
from domain.ruling import PolicyProposed, PolicyPublished
from domain.use import DeclaredIdle
from ledger.entry import Draft
from projections.idling import Asked
from projections.scope import EVERYTHING

DAY = timedelta(days=1)
PLACE = replace(GENERIC, name="place", idle_days=90)


def card(office: Office, id_: str, days_ago: int, **form: Any) -> None:
    on = office.today() - days_ago * DAY
    said = {"asset_no": f"SL-{id_}", "name": "会议桌", "kind": "furniture", "unit": "o_a"} | form
    at = replace(clerk(office), unit=said["unit"], scope=EVERYTHING)
    office.ask(f"asset/{id_}", "register_existing", said, at, on=on)


def clerk(office: Office) -> Any:
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    actor = office.acting(account, office.posts(account)[0])
    assert actor is not None
    return actor


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office under rules of 90 days: two things long unused, one that is not."""
    with staffed(database, on=date(2020, 1, 1)) as one:
        since = one.today() - 300 * DAY
        drafted = PolicyProposed(
            drafter="u_1", version=1, title="地方规则", title_en="Rules",
            content=policies.written(PLACE),
        )  # fmt: skip
        facts = (drafted, PolicyPublished(version=1, in_force_from=since))
        drafts = [
            Draft(
                stream="policy/place", seq=n, event=fact, actor="u_1", cause="cmd_rules",
                effective_at=f"{since}T00:00:00+08:00",
            )
            for n, fact in enumerate(facts, 1)
        ]  # fmt: skip
        one.book.append(drafts, actor="u_1", cause="cmd_rules")
        one.rules.forget()
        card(one, "A1", 200, value=120_000)
        card(one, "A2", 90)
        card(one, "A3", 89)
        yield one


@pytest.fixture
def page(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


def facts(office: Office, id_: str, kind: type[Any]) -> list[Any]:
    entries = office.book.stream(f"asset/{id_}").entries
    return [e.event for e in entries if isinstance(e.event, kind)]


@pytest.mark.target("T40")
def test_the_page_tells_each_reason_and_one_tap_confirms_it_with_its_entries(
    office: Office, page: TestClient
) -> None:
    (registered,) = office.book.stream("asset/A1").entries
    told = page.get("/idle").text
    assert "SL-A1" in told and "SL-A2" in told and "SL-A3" not in told
    assert "已 200 天（规定满 90 天）" in told and f"/entries/{registered.position}" in told
    assert "<b>2</b><span>待说明的闲置</span>" in page.get("/").text
    answer = page.post("/idle", data={"one": "A1~idle"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/idle?done=1")
    (declared,) = facts(office, "A1", DeclaredIdle)
    assert declared.rests_on == (registered.position,)
    assert (declared.policy, declared.since) == ("place@1", office.today() - 200 * DAY)
    assert "SL-A1" not in page.get("/idle").text
    again = page.post("/idle", data={"one": "A1~idle"})
    assert again.status_code == 409 and "线索已有变化" in again.text
    english = page.get("/idle?lang=en").text
    assert "unused since" in english and "What shows as idle" in english


@pytest.mark.target("T40")
def test_where_there_is_much_a_page_looks_through_a_few_units_and_goes_on(
    office: Office, page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page there is the same as at once, in the same order."""
    card(office, "B1", 120, unit="o_b")
    scope, asked = EVERYTHING, Asked(on=office.today())
    whole = office.idling.told(scope, asked).found
    assert [one.asset for one in whole] == ["A1", "A2", "B1"]
    small = office.idling.page(scope, asked, "", 2)
    assert (small.found, small.more, small.whole is not None) == (whole[:2], "A2~idle", True)
    for most in (0, 3, 4):  # cards that one page looks through; o_a has three
        monkeypatch.setattr(idling, "LOOKED_MAX", most)
        for limit in (1, 2, 5):
            found, after, pages = [], "", 0
            while True:
                some = office.idling.page(scope, asked, after, limit)
                assert len(some.found) <= limit
                found += some.found
                after, pages = some.more, pages + 1
                if not after:
                    break
            assert tuple(found) == whole, (most, limit)
    monkeypatch.setattr(idling, "LOOKED_MAX", 3)
    auditor = TestClient(page.app, follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "auditor")
    auditor.cookies.set("session", office.accounts.sign_in(account))
    first = auditor.get("/idle?lang=zh").text
    assert "SL-A1" in first and "SL-B1" not in first and "逐个单位查找" in first
    assert "after=~~o_a" in first or "after=%7E%7Eo_a" in first
    assert "SL-B1" in auditor.get("/idle?lang=zh&after=~~o_a").text
    assert "SL-B1" not in page.get("/idle?lang=zh&after=~~o_a").text  # the clerk's own unit
    answer = page.post("/idle", data={"one": "A1~idle"})
    assert answer.status_code == 303


def test_several_are_explained_at_once_and_not_asked_again_until_then(
    office: Office, page: TestClient
) -> None:
    ticked = {"finding": ["A1~idle", "A2~idle"]}
    silent = page.post("/idle", data={**ticked, "explain": "1"})
    assert silent.status_code == 422 and "请写明保留的理由" in silent.text
    assert silent.text.count(" checked aria-label") == 2  # nothing that was ticked is lost
    until = office.today() + 30 * DAY
    said = {**ticked, "explain": "1", "reason": "汛期备用", "until": until.isoformat()}
    assert page.post("/idle", data=said).headers["location"] == "/idle?done=2"
    (why,) = facts(office, "A2", IdlenessExplained)
    assert (why.ground, why.reason, why.until) == (IdleGround.IDLE, "汛期备用", until)
    assert why.rests_on and why.policy == "place@1"
    assert "没有查出闲置线索" in page.get("/idle").text
    later = page.get(f"/idle?on={until + DAY}").text
    assert "SL-A1" in later and "SL-A3" in later
    assert 'name="one"' not in later  # another day than today cannot be answered
    nothing = page.post("/idle", data={"confirm": "1"})
    assert nothing.status_code == 422 and "请先勾选" in nothing.text


def test_what_shows_is_taken_home_and_filtered(office: Office, page: TestClient) -> None:
    rows = list(csv.reader(io.StringIO(page.get("/idle.csv").text.removeprefix("\ufeff"))))
    assert [row[1] for row in rows] == ["资产编号", "SL-A1", "SL-A2"]
    assert rows[1][10] == "1200.00"
    assert page.get("/idle.xlsx").content.startswith(b"PK")
    for asked in ("unit=o_b", "ground=dissolved", "kind=vehicle"):
        assert "没有查出闲置线索" in page.get(f"/idle?{asked}").text
    yesterday = office.today() - DAY
    assert "SL-A2" not in page.get(f"/idle?on={yesterday}").text
    assert page.get("/idle?on=never").status_code == 422


def test_programs_and_the_command_line_get_the_same_and_how_to_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    shown = CliRunner().invoke(cli.app, ["--lang", "zh", "idle", "--ground", "idle"]).output
    assert "SL-A1" in shown and "共 2 件" in shown and "不查：低效运行" in shown
    wrong = CliRunner().invoke(cli.app, ["idle", "--ground", "never"])
    assert wrong.exit_code == 2 and "dissolved" in wrong.output
    door = Door(app_of(office))
    told = door.get("idle", limit=1).json()
    assert (told["count"], told["next"]) == (2, "A1~idle")
    (first,) = told["items"]
    assert first["reason"].startswith("自 ") and first["ground"] == "idle"
    (rest,) = door.get("idle", after=told["next"]).json()["items"]
    assert rest["asset"] == "A2"
    assert told["rules"][0] == {"policy": "place@1", "not_looked_for": ["低效运行"]}
    before = office.book.head()[0]
    sent = first["confirm"]
    answer = door.post(sent["post"].removeprefix("/api/v1/"), sent["form"])
    assert answer.status_code == 200, answer.text
    assert facts(office, "A1", DeclaredIdle)[0].rests_on == tuple(first["rests_on"])
    assert door.get("idle").json()["count"] == 1
    assert door.get("idle", known_at=str(before)).json()["count"] == 2
    explain = rest["explain"]["post"].removeprefix("/api/v1/")
    tomorrow = (office.today() + DAY).isoformat()
    refused = door.post(explain, {"ground": "returned", "reason": "备用", "until": tomorrow})
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("nothing-to-explain"), refused.text


def test_without_numbers_nothing_is_looked_for_and_that_is_said(database: str) -> None:
    with staffed(database) as one:
        card(one, "A1", 0)
        client = TestClient(create_app(one.settings, one))
        account = next(a for a in one.accounts.all() if a.login == "clerk")
        client.cookies.set("session", one.accounts.sign_in(account))
        told = client.get("/idle").text
    assert "generic@1 没有规定标准，不查：闲置, 低效运行" in told
