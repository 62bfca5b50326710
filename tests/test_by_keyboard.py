"""Scan, request, approve and audit without a mouse, and always seeing where one is (T128)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from serving import BROWSER, blameless, served
from test_pages import furnished

from api import city_reuse
from api.office import Office
from projections import inventory
from projections.scope import EVERYTHING, Filters

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.target("T128"), pytest.mark.either_backend(BROWSER)]

# What has the focus shows it: a line around it that is not as thin as a hair, inside the window. The
# button for the calendar of a date is the browser's own, and draws its own line.
SHOWN = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width && r.height &&
    r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
  return seen || e === document.body || (e.type === 'date' && !e.matches(':focus-visible')) ? '' : e.outerHTML.slice(0, 120);
}"""


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    city_reuse.show(opened)
    opened.models.catch_up(opened.book)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


class Keys:
    """Hands on a keyboard, and nothing else."""

    def __init__(self, page: Page, office: Office, site: str, login: str) -> None:
        self.page, self.site = page, site
        page.emulate_media(reduced_motion="reduce")  # where it scrolls to, it is at once
        account = office.accounts.find(login)
        assert account is not None
        token = office.accounts.sign_in(account, account.posts[0])
        page.context.add_cookies([{"name": "session", "value": token, "url": site}])

    def opens(self, path: str) -> None:
        """Type an address."""
        self.page.goto(self.site + path)

    def goes_to(self, selector: str, most: int = 150) -> None:
        """Press Tab until something has the focus, which is seen wherever it stops."""
        for _ in range(most):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
            assert self.page.evaluate(SHOWN) == ""
        pytest.fail(f"{selector} was not reached by {most} times Tab on {self.page.url}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def enters(self, where: str) -> None:
        """Press Enter, which leads to another page."""
        with self.page.expect_navigation(url=where):
            self.page.keyboard.press("Enter")


def test_scan(page: Page, office: Office, site: str) -> None:
    """A code into the search, a code into the page for scanning: both open the thing."""
    row = office.models.one(
        inventory.listing(
            EVERYTHING, Filters(dataset="example", unit="o_ex_edu", book="on_books"), limit=1
        )
    )
    assert row is not None
    with blameless(page):
        keys = Keys(page, office, site, "clerk")
        for path, field in (("/", "#search"), ("/scan", "main #code")):
            keys.opens(path)
            keys.goes_to(field)
            page.keyboard.type(row["asset_no"])
            keys.enters(f"**/assets/{row['id']}")
            assert page.locator("main h1").inner_text() == row["name"]


def test_request(page: Page, office: Office, site: str) -> None:
    """From the shop to a claim that is recorded."""
    with blameless(page):
        keys = Keys(page, office, site, "clerk")
        keys.opens("/offers")
        size = office.book.head()[0]
        keys.goes_to(".offer-claim button")
        keys.enters("**/cases/new?kind=claim*")
        submit = "main form[method=post] button.btn-primary"
        fields = page.locator("main form[method=post] :is(input, textarea)[required]")
        for n in range(fields.count()):
            id_ = fields.nth(n).get_attribute("id")
            if not fields.nth(n).input_value():
                keys.goes_to(f"[id='{id_}']")
                page.keyboard.type("开会用")
        keys.goes_to(submit)
        keys.enters("**/cases/claim/*")
        assert page.locator(".toast-box").is_visible()
    assert office.book.head()[0] > size


def test_approve(page: Page, office: Office, site: str) -> None:
    """From the inbox into a matter, and agreed to."""
    with blameless(page):
        keys = Keys(page, office, site, "head")
        keys.opens("/inbox")
        size = office.book.head()[0]
        keys.goes_to("main a[data-matter]")
        keys.enters("**/inbox/*/*")
        keys.goes_to("#agree-form button.btn-primary")
        keys.enters("**/inbox**")
        assert page.locator(".toast-box").is_visible()
    assert office.book.head()[0] > size


def test_audit(page: Page, office: Office, site: str) -> None:
    """A date set, and how a thing stood then; the change that was last before it."""
    row = office.models.one(
        inventory.listing(EVERYTHING, Filters(dataset="example", custody="idle"), limit=1)
    )
    assert row is not None
    entry = office.book.stream(f"asset/{row['id']}").entries[0]
    with blameless(page):
        keys = Keys(page, office, site, "auditor")
        keys.opens(f"/assets/{row['id']}")
        keys.goes_to("main #on")
        # In the order of the language of the browser's own frame, which is the machine's: English.
        year, month, day = entry.effective_on.split("-")
        page.keyboard.type(month + day + year)
        assert page.locator("main #on").input_value() == entry.effective_on
        keys.goes_to("main form.asof button")
        keys.enters("**/assets/*on=*")
        assert page.locator("p.past").is_visible()
        assert page.locator(".big-states .state-idle").count() == 0
