"""In a real browser, at a provider that nobody here wrote: sign in, work, sign out at both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import pytest
from doors import PASSWORD, staffed
from idp import CLIENT, SECRET, foreign
from serving import BROWSER, served

from api.elsewhere import SOMEBODY_ELSE, UNPROVEN
from api.office import Office
from api.settings_sign import Oidc
from api.signing_in import SigningIn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.either_backend(BROWSER)]
HERE = "http://127.0.0.1:1/login/oidc/done"  # until the port is known


@pytest.fixture
def served_office(database: str) -> Iterator[tuple[str, Office]]:
    """Serve an office that believes the provider, where `wang` is the keeper."""
    people: dict[str, dict[str, str]] = {
        "wang": {"preferred_username": "wangfang"},
        "li": {"preferred_username": "liming"},
        "stranger": {},
    }
    with foreign(**people) as issuer, staffed(database) as office:
        oidc = Oidc(
            issuer=issuer,
            client=CLIENT,
            secret=SECRET,
            callback=HERE,
            claim="preferred_username",
            scope="openid profile",
        )
        believe(office, oidc)
        with served(office) as url:
            believe(office, msgspec.structs.replace(oidc, callback=f"{url}/login/oidc/done"))
            identity = office.signing.identity("oidc", "wangfang")
            assert identity is not None
            office.signing.identities.bind(identity, "keeper")
            yield url, office


@pytest.fixture
def site(served_office: tuple[str, Office]) -> str:
    return served_office[0]


def believe(office: Office, oidc: Oidc) -> None:
    office.settings = msgspec.structs.replace(office.settings, oidc=oidc)
    office.signing = SigningIn(office.accounts, office.settings, office.posts)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page that stays on this machine: the provider's pages would fetch their styles."""
    context = browser.new_context(locale="zh-CN")
    context.route(
        lambda url: urlsplit(url).hostname not in ("127.0.0.1", "localhost"),
        lambda route: route.abort(),
    )
    yield context.new_page()
    context.close()


@pytest.mark.target("T120")
def test_the_way_there_and_back(site: str, page: Page) -> None:
    """Every page of ours is opened as a browser does, with its rules of where forms may lead."""
    page.goto(f"{site}/units")
    page.get_by_role("link", name="用统一身份认证登录").click()
    page.get_by_role("button", name="wang", exact=True).click()
    page.wait_for_url(f"{site}/units")
    assert "示例keeper" in page.locator("header").inner_text()
    page.locator("header summary", has_text="示例keeper").click()
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/oauth2/end_session?**")
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{site}/login**")
    page.goto(f"{site}/units")
    assert page.url.startswith(f"{site}/login")
    page.get_by_role("link", name="用统一身份认证登录").click()
    page.get_by_role("button", name="stranger", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert UNPROVEN.zh in page.get_by_role("alert").inner_text()  # it has no name that we know


@pytest.mark.target("T120")
def test_asked_again_at_the_provider_and_tied_to_it(
    served_office: tuple[str, Office], page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed comes back from there, and every redirect passes where forms may lead."""
    site, office = served_office
    page.goto(f"{site}/account")
    page.get_by_role("link", name="用统一身份认证登录").click()
    page.get_by_role("button", name="wang", exact=True).click()
    page.wait_for_url(f"{site}/account")
    now = office.accounts.clock
    monkeypatch.setattr(office.accounts, "clock", lambda: now() + timedelta(minutes=11))
    page.locator("summary", has_text="新建令牌").click()
    page.locator("#token-name").fill("三号楼的报表")
    page.get_by_label("查阅").check()
    page.get_by_role("button", name="新建令牌").click()
    page.get_by_role("link", name="到统一身份认证确认").click()
    page.get_by_role("button", name="li", exact=True).click()
    assert SOMEBODY_ELSE.zh in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="到统一身份认证确认").click()
    page.get_by_role("button", name="wang", exact=True).click()
    page.wait_for_url(f"{site}/confirm/form**")
    assert office.accounts.tokens.of("keeper") == []
    page.get_by_role("button", name="提交").click()
    page.get_by_text("lgr_").first.wait_for()
    (token,) = office.accounts.tokens.of("keeper")
    assert token.name == "三号楼的报表"
    # Another person, who has a password here, ties what the provider calls them.
    page.context.clear_cookies()
    monkeypatch.setattr(office.accounts, "clock", now)
    page.goto(f"{site}/login?next=/account")
    page.locator("#login").fill("clerk")
    page.locator("#password").fill(PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.get_by_role("button", name="关联我的统一身份").click()
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="继续").click()
    page.wait_for_url(f"{site}/confirm/form**")
    page.get_by_role("button", name="继续").click()
    page.get_by_role("link", name="去那里登录").click()
    page.get_by_role("button", name="li", exact=True).click()
    page.wait_for_url(f"{site}/account?done=tied-own-done")
    assert "liming" in page.locator("main").inner_text()
    assert [one.slug for one in office.signing.identities.of("clerk")] == ["oidc:liming"]
