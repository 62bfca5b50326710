"""In a real browser: find an asset, read its life, look back, type a label, do a step, undo it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from serving import BROWSER
from test_pages import furnished

from api import demo
from api.app import create_app
from api.office import Office
from projections import cases, inventory
from projections.scope import EVERYTHING, Filters, Scope

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.either_backend(BROWSER)]
TOUR = Path(__file__).resolve().parents[1] / "docs" / "tour.md"


class Server(uvicorn.Server):
    """A server in a thread that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    """Serve the office on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(
            uvicorn.Config(create_app(office.settings, office), log_level="warning", lifespan="off")
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert server.listening.wait(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def sign_in(page: Page, site: str, login: str, lang: str = "zh") -> None:
    page.goto(f"{site}/login?lang={lang}")
    page.locator("#login").fill(login)
    page.locator("#password").fill(demo.PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.wait_for_url(f"{site}/")


def some(office: Office, **filters: Any) -> Any:
    row = office.models.one(
        inventory.listing(EVERYTHING, Filters(dataset="example", **filters), limit=1)
    )
    assert row is not None
    return row


@pytest.mark.target("T02", "T10")
def test_a_clerks_morning(page: Page, site: str, office: Office) -> None:
    row = some(office, unit="o_ex_edu", custody="store", book="on_books", lock="none")
    sign_in(page, site, "clerk")
    page.goto(f"{site}/overview")
    assert page.locator(".chart svg").count() >= 2
    # Find it: press /, type the label, Enter.
    page.keyboard.press("/")
    page.keyboard.type(row["label"] or row["asset_no"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/assets/{row['id']}")
    assert page.locator("main h1").inner_text() == row["name"]
    assert page.locator(".timeline > li").count() >= 1
    assert (
        page.locator(".label-box img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 591
    )
    # A step: declare it idle; the ledger answers with a toast that names the event.
    page.locator("#do-declare_idle summary").first.click()
    since = office.today() - timedelta(days=100)  # the city asks for 90
    page.locator("#step-declare_idle-since").fill(since.isoformat())
    page.locator("#step-declare_idle-evidence").fill("三个月无人使用")
    page.locator("#do-declare_idle").get_by_role("button", name="认定闲置").click()
    toast = page.locator(".toast-box")
    assert "认定闲置" in toast.inner_text()
    assert page.locator(".big-states .state-idle").is_visible()
    # Set the date back: it was in store.
    earlier = (office.book.stream(f"asset/{row['id']}").entries[0]).effective_on
    page.locator("main #on").fill(earlier)
    page.get_by_role("button", name="查看当时").click()
    assert f"截至 {earlier}" in page.locator(".past").inner_text()
    assert page.locator(".big-states .state-idle").count() == 0
    # And undo.
    page.go_back()
    page.locator(".toast-box").get_by_role("link", name="撤销").click()
    page.locator("#reason").fill("点错了")
    page.get_by_role("button", name="确认红冲").click()
    assert page.locator(".timeline .gone s").count() == 1
    assert office.book.stream(f"asset/{row['id']}").state.custody.value == "store"


def test_the_inventory_filters_as_one_types(page: Page, site: str, office: Office) -> None:
    row = some(office, custody="idle")
    sign_in(page, site, "auditor")
    page.goto(f"{site}/assets")
    page.locator("#text").type(row["asset_no"])
    page.locator("#results .chip").first.wait_for()
    assert page.locator("#results tbody tr").count() == 1
    assert f"text={row['asset_no']}" in page.url and "unit=" not in page.url
    page.locator("#f-custody").select_option("in_use")
    page.locator("#results .empty").wait_for()
    page.locator("#results .chip-clear").click()
    page.wait_for_url(f"{site}/assets")


PATHS = (
    "/",
    "/overview",
    "/inbox",
    "/my",
    "/search?q=bgz",
    "/assets",
    "/assets?on=2026-03-31",
    "/cases",
    "/scan",
    "/units",
    "/audit",
    "/entries/9",
    "/income",
    "/income/ageing",
    "/income/register",
    "/registers/compare",
)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_scrolls_sideways_and_targets_are_large(
    page: Page, site: str, office: Office, width: int, lang: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, site, "clerk", lang)
    row = some(office, unit="o_ex_edu", custody="idle")
    case = office.models.one(cases.listing(Scope(frozenset({"o_ex_edu"})), limit=1))
    assert case is not None
    asset = f"/assets/{row['id']}"
    for path in (*PATHS, asset, f"/cases/{case['id']}", f"/cases/new?kind=loan&asset={row['id']}"):
        page.goto(site + path)
        for wide in (width,) if width < 768 else (768, 1024, 1366, width):
            page.set_viewport_size({"width": wide, "height": 900})
            shown = page.evaluate("document.documentElement.scrollWidth")
            assert shown <= wide, (path, wide)
        small = page.evaluate(
            """Array.from(document.querySelectorAll('button, .btn, select, input:not([type=checkbox])'))
            .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 43.5)
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert small == [], path
    for theme in ("dark", "light"):
        page.goto(site + asset)
        page.locator("details.menu:not(.menu-all) > summary").click()
        page.locator('button[name="theme"]').click()
        page.wait_for_url(site + asset)
        assert page.locator("html").get_attribute("data-bs-theme") == theme


CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const lum = ([r, g, b]) => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.getClientRects().length || e.closest('svg') || !Array.from(e.childNodes).some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const s = getComputedStyle(e), a = lum(parse(s.color)), b = lum(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`);
  }
  return bad;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(page: Page, site: str, office: Office, theme: str) -> None:
    """Contrast of at least 4.5:1 (WCAG 2.2 AA, 1.4.3) on every page in both themes."""
    page.context.add_cookies([{"name": "theme", "value": theme, "url": site}])
    page.goto(f"{site}/login")
    assert page.evaluate(CONTRAST) == []
    sign_in(page, site, "clerk")
    for path in (*PATHS, f"/assets/{some(office, custody='idle')['id']}", "/assets?text=none"):
        page.goto(site + path)
        assert page.evaluate(CONTRAST) == [], path


def test_by_keyboard_alone(page: Page, site: str) -> None:
    sign_in(page, site, "auditor")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.goto(f"{site}/audit")
    page.get_by_role("button", name="重新验算").focus()
    page.keyboard.press("Enter")
    assert "完整性：通过" in page.locator(".verdict-good").inner_text()


def test_a_slider_looks_back_and_its_right_end_is_now(
    page: Page, site: str, office: Office
) -> None:
    """On the page of a thing it asks at once; on the inventory the list follows."""
    sign_in(page, site, "auditor")
    asset = f"{site}/assets/{some(office, custody='idle')['id']}"
    page.goto(asset)
    slider = page.locator('input[type=range][data-sets="on"]')
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url(f"{asset}?on=*")
    assert page.locator("p.past").is_visible()
    page.locator('input[type=range][data-sets="on"]').focus()
    page.keyboard.press("End")
    page.wait_for_url(lambda url: url.rstrip("?") == asset)
    assert page.locator("p.past").count() == 0
    page.locator(".asof-steps a").first.click()
    page.wait_for_url(f"{asset}?on=*")
    page.goto(f"{site}/assets")
    page.locator('input[type=range][data-sets="on"]').focus()
    page.keyboard.press("Home")
    page.wait_for_url(f"{site}/assets?on=*")
    assert page.locator("#results .past").is_visible()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_auditors_ask_fits_the_screen_and_can_be_read(
    page: Page, site: str, width: int, lang: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, site, "auditor", lang)
    span = "from=2025-06-30&to=2025-12-31"
    for path in (
        f"/audit/changes?{span}",
        f"/audit/changes/events?{span}&figure=in",
        "/audit/findings",
        "/periods/o_ex_edu",
        f"/books/movement?{span}",
        f"/books/journal?{span}&unit=o_ex_edu",
        "/books/units/o_ex_edu?year=2026",
    ):
        page.goto(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(CONTRAST) == [], path


def test_paper_holds_the_list_without_the_controls(page: Page, site: str) -> None:
    sign_in(page, site, "auditor")
    page.goto(f"{site}/assets?dataset=example")
    page.emulate_media(media="print")
    assert page.locator("#results table").is_visible()
    assert not page.locator("header.top").is_visible()
    assert not page.locator("#filters").is_visible()
    assert len(page.pdf(format="A4")) > 10_000


@pytest.mark.target("T85")
def test_a_template_is_seen_while_it_is_drawn_up(page: Page, site: str) -> None:
    """Before it has a code and a title: the preview follows, and says what cannot be printed."""
    sign_in(page, site, "clerk")
    page.goto(f"{site}/labels/units/o_ex_edu")
    picture = page.locator("#design-preview img")
    assert "fields=name+model+department+in_service&" in (picture.get_attribute("src") or "")
    page.locator("select[name=fields]").nth(1).select_option("epc")
    page.locator("#design-preview img[src*='fields=name+epc+department']").wait_for()
    page.locator("#d-code_side").fill("9")
    page.locator("#design-preview .refusal").wait_for()
    assert "至少 17 毫米" in page.locator("#design-preview").inner_text()
    page.locator("#d-code_side").fill("22")
    page.locator("#design-preview img[src*='code_side=22&']").wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 591


@pytest.mark.target("T93")
def test_an_auditor_goes_from_the_board_to_the_proof_of_an_entry_in_clicks(
    page: Page, site: str
) -> None:
    """Board, chain of the case, entry, proof: every link is there and leads on."""
    sign_in(page, site, "auditor")
    page.goto(f"{site}/cases")
    page.get_by_role("link", name="收入看板").click()
    page.wait_for_url("**/income")
    assert page.locator(".board-column").count() == 9
    page.locator(".board-cards a[href*='/cases/disposal/EX']").first.click()
    page.wait_for_url("**/cases/disposal/**")
    chain = page.locator("#chain")
    assert chain.is_visible()
    link = chain.locator("a[href^='/entries/']").first
    position = link.inner_text().removeprefix("#")
    link.click()
    page.wait_for_url(f"**/entries/{position}")
    proof = page.locator("#proof")
    assert "与账本的根一致" in proof.inner_text()
    proof.locator("summary").click()
    assert proof.locator("li code").first.is_visible()


STEP = re.compile(
    r"### \d+\. (?P<title>.+)\n\n- 登录 Sign in: `(?P<login>\w+)` · 打开 Open: `(?P<path>/[^`]*)`"
    r"(?P<first> → 第一项.*)?\n- 看到 See: (?P<words>.+)\n"
)


def test_the_tour_goes_as_it_is_told(page: Page, site: str) -> None:
    """Walk docs/tour.md: every page opens for whom it says, and shows the words it promises."""
    text = TOUR.read_text(encoding="utf-8")
    steps = list(STEP.finditer(text))
    assert len(steps) == text.count("\n### ") > 12
    signed_in = ""
    for step in steps:
        if step["login"] != signed_in:
            page.context.clear_cookies()
            sign_in(page, site, step["login"])
            signed_in = step["login"]
        page.goto(site + step["path"])
        if step["first"]:
            page.locator("#results tbody tr a").first.click()
            page.wait_for_url("**/assets/*")
        shown = page.locator("main").inner_text()
        words = re.findall(r"「([^」]+)」", step["words"])
        assert words
        assert [word for word in words if word not in shown] == [], step["title"]
