"""What a first look at any page costs: bytes, requests and jumps; and what is never compressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from serving import BROWSER, served
from starlette.testclient import TestClient
from test_pages import furnished

from api import navigation
from api.app import STATIC, create_app
from api.office import Office
from projections import cases, inventory
from projections.scope import EVERYTHING, Filters

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.either_backend(BROWSER)

BYTES_MAX = 200_000
REQUESTS_MAX = 15
SHIFT_MAX = 0.1  # the limit of a good page (Cumulative Layout Shift)
# Its decoder is kept on the device, and is larger than all pages together.
KEPT = "/scan/count"


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    yield opened
    opened.close()


@pytest.fixture
def client(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


def as_(client: TestClient, office: Office, login: str) -> TestClient:
    account = next(a for a in office.accounts.all() if a.login == login)
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


# What is compressed --------------------------------------------------------------


def test_pages_and_files_are_compressed_for_whoever_takes_it(
    client: TestClient, office: Office
) -> None:
    as_(client, office, "auditor")
    for path in ("/assets", "/assets.csv", "/static/office.css", "/static/vendor/icons.svg"):
        plain = client.get(path, headers={"accept-encoding": "identity"})
        packed = client.get(path, headers={"accept-encoding": "br, gzip"})
        assert "content-encoding" not in plain.headers, path
        assert packed.headers["content-encoding"] == "gzip", path
        assert "accept-encoding" in packed.headers["vary"].lower(), path
        assert packed.status_code == plain.status_code == 200
        assert len(packed.content) == len(plain.content) > 1024
        if path.startswith("/static"):
            assert packed.content == plain.content
            assert int(packed.headers["content-length"]) < len(plain.content) / 2
            for etag in (packed.headers["etag"], plain.headers["etag"]):
                again = client.get(path, headers={"if-none-match": etag})
                assert (again.status_code, again.content) == (304, b"")
    refused = client.get("/assets", headers={"accept-encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in refused.headers


def test_part_of_a_file_is_part_of_the_file_as_it_is(client: TestClient) -> None:
    asked = {"accept-encoding": "gzip", "range": "bytes=0-9"}
    part = client.get("/static/office.css", headers=asked)
    assert part.status_code == 206 and "content-encoding" not in part.headers
    assert part.content == (STATIC / "office.css").read_bytes()[:10]


def test_what_programs_ask_for_small_answers_and_pictures_stay_as_they_are(
    client: TestClient, office: Office
) -> None:
    as_(client, office, "auditor")
    for path in ("/api/v1/inventory", "/api/v1/openapi.json", "/static/scan/icon-512.png"):
        answer = client.get(path, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200 and "content-encoding" not in answer.headers, path
    small = client.get("/health/live", headers={"accept-encoding": "gzip"})
    assert small.status_code == 200 and "content-encoding" not in small.headers


def test_secrets_shown_once_are_never_compressed(client: TestClient, office: Office) -> None:
    """Whoever sees lengths and chooses words could learn what stands beside the words (BREACH)."""
    as_(client, office, "clerk")
    offered = client.get("/account/factor", headers={"accept-encoding": "gzip"})
    assert offered.status_code == 200 and "data:image/png" in offered.text
    assert offered.headers["cache-control"] == "no-store, no-transform"
    assert "content-encoding" not in offered.headers
    # What answers a POST stays as it is, whatever it shows.
    form = {"login": "clerk", "password": "wrong-wrong"}
    wrong = client.post("/login", data=form, headers={"accept-encoding": "gzip"})
    assert len(wrong.content) > 1024 and "content-encoding" not in wrong.headers


# What a first look costs -----------------------------------------------------------


def pages(office: Office) -> dict[str, list[str]]:
    """Return the addresses of all places and of one thing of each kind, by who may open them."""
    found: dict[str, list[str]] = {"admin": ["/design", "/account", "/screen"], "auditor": []}
    for href, place in navigation.PLACES.items():
        login = place.roles[0].value if place.roles else "auditor"
        found.setdefault(login, []).append(href)
    asset: Any = office.models.one(
        inventory.listing(EVERYTHING, Filters(dataset="example"), limit=1)
    )
    case: Any = office.models.one(cases.listing(EVERYTHING, limit=1))
    found["auditor"] += [
        f"/assets/{asset['id']}",
        f"/cases/{case['id']}",
        "/units/o_ex_edu",
        "/search?q=bgz",
        "/entries/9",
        "/charts/stock",
        "/nowhere",
    ]
    return found


SHIFTS = """new PerformanceObserver(list => { for (const one of list.getEntries())
  if (!one.hadRecentInput) window.shifted = (window.shifted || 0) + one.value; })
  .observe({type: 'layout-shift', buffered: true})"""


def shifted(page: Page) -> float:
    """Return how much of a page has moved since it was opened, as Chromium counts it."""
    return float(
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
            "() => done(window.shifted || 0))))"
        )
    )


@pytest.mark.browser
def test_a_first_look_at_any_page_is_light_and_steady(browser: Browser, office: Office) -> None:
    over: list[str] = []
    with served(office) as site:
        for login, paths in pages(office).items():
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            token = office.accounts.sign_in(
                next(a for a in office.accounts.all() if a.login == login)
            )
            context.add_cookies([{"name": "session", "value": token, "url": site}])
            context.add_init_script(SHIFTS)
            page = context.new_page()
            wire = context.new_cdp_session(page)
            wire.send("Network.enable")
            asked: list[str] = []
            bytes_: list[float] = []
            wire.on(
                "Network.requestWillBeSent",
                lambda e, asked=asked: asked.append(e["request"]["url"]),
            )
            wire.on("Network.loadingFinished", lambda e, b=bytes_: b.append(e["encodedDataLength"]))
            for path in paths:
                wire.send("Network.clearBrowserCache")
                asked.clear()
                bytes_.clear()
                answer = page.goto(site + path, wait_until="load")
                assert answer is not None and answer.status == (404 if path == "/nowhere" else 200)
                looks = [shifted(page)]
                # What was painted while half of it had come, on a crowded machine, moves once.
                while looks[-1] > SHIFT_MAX and len(looks) < 3:
                    counted = list(asked), list(bytes_)
                    page.reload(wait_until="load")
                    looks.append(shifted(page))
                    asked[:], bytes_[:] = counted
                wired = [url for url in asked if not url.startswith("data:")]
                if any(not url.startswith(site) for url in wired):
                    over.append(f"{path}: {wired}")
                if len(wired) > REQUESTS_MAX:
                    over.append(f"{path}: {len(wired)} requests")
                if sum(bytes_) > BYTES_MAX and path != KEPT:
                    over.append(f"{path}: {sum(bytes_):,.0f} bytes")
                if min(looks) > SHIFT_MAX:
                    over.append(f"{path}: shifts by {min(looks):.2f}")
            context.close()
    assert over == []
