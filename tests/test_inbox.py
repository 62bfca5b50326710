"""Whoever decides sees everything to decide by, and decides in two taps; nobody decides their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page
from serving import BROWSER, blameless, served
from starlette.testclient import TestClient
from test_pages import as_, furnished

from api import demo, kept_forms
from api.accounts import Post
from api.app import create_app
from api.office import Actor, Office
from domain.policy import Policy
from projections import cases, inbox, inventory
from projections.inbox import Turn
from projections.scope import EVERYTHING, Filters

pytestmark = pytest.mark.either_backend(BROWSER)


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


@pytest.fixture
def apart(database: str) -> Iterator[Office]:
    """An office of one test: what it decides is not missing in the inbox of the next."""
    opened = furnished(database)
    yield opened
    opened.close()


@pytest.fixture
def client(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


@pytest.fixture(scope="module")
def tokens(office: Office) -> dict[str, str]:
    return {a.login: office.accounts.sign_in(a) for a in office.accounts.all()}


def matters(client: TestClient) -> list[str]:
    return re.findall(r'href="/inbox/([a-z]+/[^"]+)" data-matter', client.get("/inbox").text)


def sign_in(page: Page, site: str, login: str) -> None:
    page.goto(f"{site}/login?lang=zh")
    page.locator("#login").fill(login)
    page.locator("#password").fill(demo.PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.wait_for_url(f"{site}/")


def test_what_is_due_comes_first_and_what_waits_longest_next(office: Office) -> None:
    on = office.today()
    unit = next(a for a in office.accounts.all() if a.login == "office").unit
    turn = Turn(on=on, role="office", units=frozenset({unit}))
    rows = office.models.rows(inbox.listing(EVERYTHING, turn))
    order = [(not row["step_due"], row["step_due"], row["step_since"]) for row in rows]
    assert len(rows) > 3 and order == sorted(order)
    assert all("office" in row["step_roles"].split(",") for row in rows)


def test_one_screen_holds_all_there_is_to_decide_by(
    client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "office")
    names = matters(client)
    assert names
    for name in names:
        text = client.get(f"/inbox/{name}").text
        for heading in ("事实", "为什么到您这里", "附件与单据", "以前类似的事项", "经过", "决定"):
            assert heading in text, (name, heading)


def test_only_what_is_alike_goes_together_and_never_across_units(
    client: TestClient, tokens: dict[str, str], office: Office
) -> None:
    as_(client, tokens, "office")
    rows = [office.models.one(cases.one(name)) for name in matters(client)]
    apart = [rows[0], next(r for r in rows if r and rows[0] and r["kind"] != rows[0]["kind"])]
    loans = [r for r in rows if r and r["kind"] == "loan"]
    across = [loans[0], next(r for r in loans if r["to_unit"] != loans[0]["to_unit"])]
    for chosen in (apart, across):
        sent: Any = {"case": [row["id"] for row in chosen if row]}
        answer = client.get("/inbox/batch", params=sent)
        assert answer.status_code == 422 and "只能一次办理同一种" in answer.text
        before = office.book.head()
        origin = {"Origin": "http://testserver"}
        assert client.post("/inbox/batch", data=sent, headers=origin).status_code == 422
        assert office.book.head() == before
    one: Any = {"case": [loans[0]["id"]]}
    shown = client.get("/inbox/batch", params=one)
    assert shown.status_code == 200 and "批准借用" in shown.text


def test_who_applied_is_told_of_the_conflict_and_is_offered_no_answer(
    client: TestClient, tokens: dict[str, str], office: Office
) -> None:
    as_(client, tokens, "office")
    name = next(name for name in matters(client) if name.startswith("loan/"))
    assert 'id="agree-form"' in client.get(f"/inbox/{name}").text
    applicant = office.book.stream(name).state.applicant
    unit = next(a for a in office.accounts.all() if a.login == "office").unit
    admin = Actor(person="u_admin_test", unit=unit, role="admin", scope=EVERYTHING)
    given = {"unit": unit, "post": "office", "since": office.today()}
    office.ask(f"person/{applicant}", "assign", given, admin)
    if applicant not in {a.person for a in office.accounts.all()}:
        office.accounts.create("both", demo.PASSWORD, applicant, "兼任者", unit, ["office"])
    account = next(a for a in office.accounts.all() if a.person == applicant)
    post = Post(unit=unit, role="office")
    token = office.accounts.sign_in(account, post)
    text = as_(client, {"both": token}, "both").get(f"/inbox/{name}").text
    assert "不能审批自己提出的申请" in text and 'id="agree-form"' not in text


@pytest.mark.target("T30")
def test_who_decides_proves_again_who_they_are_on_every_way(
    apart: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the rules want it: on its page, of several at once, and by programs."""
    office = apart
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    rules_for, now = office.rules_for, office.accounts.clock()
    asked: dict[str, int | None] = {"minutes": 5}

    def careful(unit: str, on: date) -> Policy:
        return replace(rules_for(unit, on), reauthentication_minutes=asked["minutes"])

    monkeypatch.setattr(office, "rules_for", careful)
    account = next(a for a in office.accounts.all() if a.login == "office")
    tokens = {"office": office.accounts.sign_in(account)}
    monkeypatch.setattr(office.accounts, "clock", lambda: now + timedelta(minutes=6))
    as_(client, tokens, "office")
    names = [name for name in matters(client) if name.startswith("loan/")]
    name = names[0]
    said = {"approval_no": "示借〔2026〕91号"}
    assert f'action="/inbox/{name}/do/approve"' in client.get(f"/inbox/{name}").text
    size = office.book.head()[0]
    led = [
        client.post("/inbox/batch", data={"case": [name]}),
        client.post(f"/inbox/{name}/do/approve", data=said),
        client.post(f"/cases/{name}/do/approve", data=said),
    ]
    for answer in led:
        assert (answer.status_code, answer.headers["location"][:9]) == (303, "/confirm?")
    with monkeypatch.context() as short:
        short.setattr(kept_forms, "BYTES_MAX", 10)  # what cannot be kept is told
        answer = client.post(f"/cases/{name}/do/approve", data=said)
        assert answer.status_code == 409 and "再确认是您本人" in answer.text
    whole, _ = office.accounts.tokens.make("office", "程序", ["write", "read"], 1)
    program = TestClient(create_app(office.settings, office))
    for who, status in (
        ({"Authorization": f"Bearer {whole}"}, 409),
        ({"Cookie": f"session={tokens['office']}"}, 409),
    ):
        headers = {"Idempotency-Key": f"prove-{status}-{len(who)}", **who}
        answer = program.post(f"/api/v1/{name}/approve", json=said, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.json()["type"].endswith("prove-again"), answer.text
    assert office.book.head()[0] == size
    # A step that decides nothing asks for nothing, and where nobody asks nothing is asked for.
    asked["minutes"] = None
    assert client.get("/inbox/batch", params={"case": [name]}).status_code == 200
    asked["minutes"] = 5
    where = parse_qs(urlsplit(led[1].headers["location"]).query)["next"][0]
    given = {"password": demo.PASSWORD, "next": where}
    assert client.post("/confirm", data=given).headers["location"] == where
    kept = client.get(where).text
    assert "批准文号" in kept and said["approval_no"] in kept
    assert office.book.head()[0] == size
    sent = client.post("/confirm/form", data={"kept": where.partition("id=")[2]} | said)
    assert (sent.status_code, sent.headers["location"]) == (307, f"/inbox/{name}/do/approve")
    assert client.post(sent.headers["location"], data=said).status_code == 303
    assert office.book.head()[0] > size
    basic = program.post(
        f"/api/v1/{names[1]}/approve",
        json=said,
        auth=("office", demo.PASSWORD),
        headers={"Idempotency-Key": "prove-basic"},
    )
    assert "prove-again" not in basic.text


@pytest.mark.browser
def test_a_matter_is_agreed_to_in_two_taps_and_by_one_key(
    page: Page, site: str, office: Office
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    with blameless(page):
        sign_in(page, site, "head")
        first = page.locator('main a.work-what[href^="/inbox/loan/"]').first
        name = str(first.get_attribute("href")).removeprefix("/inbox/")
        first.click()  # one
        page.locator("#agree-form > button").click()  # two
        page.locator(".toast-box").wait_for()
        assert office.book.stream(name).state.status.value == "approved"
        # And at a desk: the next one, by its key.
        page.goto(f"{site}/inbox")
        second = str(page.locator("[data-matter]").first.get_attribute("href"))
        page.keyboard.press("j")
        page.wait_for_url(f"{site}{second}")
        page.keyboard.press("x")
        assert page.evaluate("document.activeElement.name") == "reason"
        page.locator("#refuse [data-reason]").first.click()
        assert page.locator("#refuse [name=reason]").input_value()
        page.locator("#refuse form > button").click()
        page.locator(".toast-box").wait_for()
        stream = office.book.stream(second.removeprefix("/inbox/"))
        assert stream.state.status.value == "refused"


@pytest.mark.browser
def test_a_thing_is_asked_for_from_the_shop_in_five_taps(
    page: Page, site: str, office: Office
) -> None:
    before = office.book.head()[0]
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, site, "clerk2")
    taps = 0

    def tap(locator: Any) -> None:
        nonlocal taps
        taps += 1
        locator.click()

    tap(page.locator(".big-buttons .btn-primary"))
    page.wait_for_url("**/offers?mine=1")
    tap(page.locator(".offer-claim button").first)
    page.wait_for_url("**/cases/new?**")
    for field in page.locator("main form [required]").all():
        if not field.input_value():
            field.fill("办公使用")
    tap(page.locator("main form.step-form > button.btn-primary"))
    page.wait_for_url("**/cases/**")
    assert taps <= 5
    assert office.book.head()[0] > before


@pytest.mark.browser
def test_where_a_thing_was_on_a_day_is_two_taps_and_a_field(
    page: Page, site: str, office: Office
) -> None:
    row = office.models.one(
        inventory.listing(EVERYTHING, Filters(dataset="example", custody="idle"), limit=1)
    )
    assert row is not None
    day = office.book.stream(f"asset/{row['id']}").entries[-1].effective_on
    sign_in(page, site, "auditor")
    page.locator("#as-of-day").fill(day)
    page.locator("#as-of-text").fill(row["asset_no"])
    page.get_by_role("button", name="查看当时").click()  # one
    page.locator(f'#results a[href^="/assets/{row["id"]}"]').first.click()  # two
    assert f"截至 {day}" in page.locator(".past").inner_text()
