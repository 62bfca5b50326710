"""Each role finds its own work first, and everything else in two taps."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from serving import BROWSER
from starlette.testclient import TestClient
from test_pages import as_, furnished

from api import navigation
from api.app import create_app
from api.homes import HOMES
from api.office import Office
from domain.words import Role
from projections import inventory
from projections.scope import EVERYTHING, Filters

pytestmark = pytest.mark.either_backend(BROWSER)


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tokens(office: Office) -> dict[str, str]:
    return {a.login: office.accounts.sign_in(a) for a in office.accounts.all()}


@pytest.fixture
def client(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


def test_every_role_of_people_has_a_home_and_a_menu() -> None:
    assert set(HOMES) == set(Role) - {Role.IMPORTER}
    assert set(navigation.FIRST) == set(Role)
    for role in Role:
        menu = navigation.menu(role)
        assert len(menu.first) <= 5
        offered = [place.href for group in menu.groups for place in group.places]
        assert len(offered) == len(set(offered))
        assert {place.href for place in menu.first} - {"/"} <= set(offered)


ROLES = (
    "keeper", "clerk", "head", "department", "office", "finance", "government", "accountant",
    "cashier", "auditor", "admin",
)  # fmt: skip


def links(text: str) -> set[str]:
    return {href.replace("&amp;", "&") for href in re.findall(r'<a[^>]* href="(/[^"#]*)', text)}


def test_every_place_of_the_menus_opens(client: TestClient, tokens: dict[str, str]) -> None:
    """Each opens for whom it is shown; what others are not shown, they may not open."""
    menus: dict[str, set[str]] = {}
    for href, place in navigation.PLACES.items():
        login = place.roles[0].value if place.roles else "auditor"
        as_(client, tokens, login)
        if login not in menus:
            menus[login] = links(client.get("/my").text.partition("<main")[0])
        assert href in menus[login], href
        assert client.get(href).status_code in (200, 303), href
    as_(client, tokens, "keeper")
    hidden = set(navigation.PLACES) - links(client.get("/my").text.partition("<main")[0])
    assert hidden == {p.href for p in navigation.PLACES.values() if p.roles}
    assert {client.get(href).status_code for href in hidden} == {403}


@pytest.mark.parametrize("login", ROLES)
def test_every_link_of_a_home_opens(client: TestClient, tokens: dict[str, str], login: str) -> None:
    home = as_(client, tokens, login).get("/")
    assert home.status_code == 200
    found = links(home.text.partition("<main")[2]) - {"/assets", "/idle", "/income", "/reuse"}
    answers = {href: client.get(href).status_code for href in sorted(found)[:12]}
    assert {href: n for href, n in answers.items() if n not in (200, 303)} == {}


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("keeper", ("扫码", "待收货", "待交出", "到期归还", "进行中的盘点", "待处理差异")),
        ("clerk", ("公物仓选用", "本单位资产", "我的申请", "待说明的闲置", "本单位需求", "提交")),
        ("head", ("待审批", "打开待审批")),
        ("finance", ("待审批", "应缴未缴")),
        ("accountant", ("应缴未缴", "银行对账", "会计期间", "折旧", "记账凭证")),
        ("auditor", ("看哪一天的情况", "已签名至", "疑点", "查阅记录")),
        ("admin", ("现任岗位人数", "待发布的规则", "运行状况")),
    ],
)
def test_a_role_finds_its_own_work(
    client: TestClient, tokens: dict[str, str], login: str, words: tuple[str, ...]
) -> None:
    main = as_(client, tokens, login).get("/").text.partition("<main")[2]
    assert [word for word in words if word not in main] == []


def test_the_current_place_is_marked_and_the_way_back_is_told(
    client: TestClient, tokens: dict[str, str]
) -> None:
    text = as_(client, tokens, "clerk").get("/assets").text
    assert re.search(r'class="tab" href="/assets" aria-current="page"', text)
    assert re.search(r'class="crumbs[^>]*><a href="/">首页</a> › 资产 › <span aria-current', text)
    assert navigation.current("/audit/changes/events") == "/audit/changes"
    assert navigation.current("/login") == ""


def test_findings_come_as_a_part_of_the_auditors_home_and_of_nobody_elses(
    client: TestClient, tokens: dict[str, str]
) -> None:
    assert as_(client, tokens, "auditor").get("/home/findings").status_code == 200
    assert as_(client, tokens, "clerk").get("/home/findings").status_code == 403


def test_what_a_person_holds_is_told_with_what_they_may_report(
    client: TestClient, tokens: dict[str, str], office: Office
) -> None:
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    mine = as_(client, tokens, "clerk").get("/my").text
    ids = re.findall(r'<h2 class="h6"><a href="/assets/([^"]+)"', mine)
    for id_ in ids:
        assert office.book.stream(f"asset/{id_}").state.user == account.person
    for href in re.findall(r'href="(/assets/[^"]+\?do=[^"#]+)', mine):
        verb = href.partition("do=")[2]
        assert f'<details class="step" id="do-{verb}" open>' in client.get(href).text


def test_an_asset_tells_what_it_brought_and_how_far_it_is_proven(
    client: TestClient, tokens: dict[str, str], office: Office
) -> None:
    as_(client, tokens, "auditor")
    gone = office.models.rows(
        inventory.listing(EVERYTHING, Filters(book="gone", dataset="example"), limit=20)
    )
    pages = [client.get(f"/assets/{row['id']}").text for row in gone]
    assert any("应缴 ¥" in text and "上缴 ¥" in text for text in pages)
    last = office.book.stream(f"asset/{gone[0]['id']}").entries[-1].position
    assert f'href="/entries/{last}">查看原文与证明' in pages[0]


def test_who_answers_for_a_place_sees_its_charts_and_each_opens_its_rows(
    client: TestClient, tokens: dict[str, str]
) -> None:
    for login, count in (("office", 4), ("finance", 2), ("auditor", 4), ("clerk", 0)):
        home = as_(client, tokens, login).get("/").text
        shown = re.findall(r'hx-get="(/charts/[a-z-]+)', home)
        assert len(shown) == count, login
        for each in shown:
            chart = client.get(each)
            assert chart.status_code == 200 and '<a href="/' in chart.text
