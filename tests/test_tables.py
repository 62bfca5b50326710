"""The one table of all lists: sorted, with chosen columns and named views, and taken home as shown."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pypdfium2 import PdfDocument
from python_calamine import CalamineWorkbook
from serving import blameless, served
from starlette.testclient import TestClient

from api import city, city_income, demo, tables
from api.app import create_app
from api.office import Office
from api.settings import Settings
from api.tables import LISTS
from domain.asset import Book, Custody, Lock
from domain.words import in_words
from ledger.book import new_id
from projections import inventory
from projections.scope import EVERYTHING, Filters

if TYPE_CHECKING:
    from playwright.sync_api import Page as Browsed


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = Office.open(Settings(database=module_database, demo=True))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(opened.accounts, lambda *_: None)
    city.load(opened.book, None)
    opened.models.catch_up(opened.book)
    city_income.show(opened)
    # So that no list is empty: a log-in was opened, and somebody looked.
    new = {"login": "new", "person": "u_new", "name": "新人", "unit": "o_ex_edu"}
    assert signed_in(opened, "admin").post("/accounts", data=new).status_code == 200
    assert signed_in(opened, "auditor").get("/audit/findings").status_code == 200
    yield opened
    opened.close()


@lru_cache(maxsize=1)
def app_of(office: Office) -> FastAPI:
    return create_app(office.settings, office)


@lru_cache(maxsize=8)
def token(office: Office, login: str) -> str:
    return office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == login))


def signed_in(office: Office, login: str = "clerk") -> TestClient:
    client = TestClient(app_of(office), follow_redirects=False)
    client.cookies.set("session", token(office, login))
    client.cookies.set("lang", "en")
    return client


class Grid(HTMLParser):
    """The heads and the cells of the one table of a page, as their words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.heads: list[str] = []
        self.sorted: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.inside = ""
        self._sort = ""
        found = re.search(r"<table[^>]*data-rows>.*?</table>", text, re.DOTALL)
        assert found is not None, text[:2000]
        self.feed(re.sub(r"<small>.*?</small>|<span class=\"tag.*?</span>|<br>", " ", found[0]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in ("th", "td") and "pick" not in (said.get("class") or ""):
            self.inside = tag
            (self.heads if tag == "th" else self.rows[-1]).append("")
            if said.get("aria-sort"):
                self.sorted[str(len(self.heads) - 1)] = str(said["aria-sort"])
        if tag == "tr" and self.heads:
            self.rows.append([])
        if said.get("aria-hidden"):
            self.inside = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            kept = self.heads if self.inside == "th" else self.rows[-1]
            kept[-1] = " ".join(f"{kept[-1]} {data}".split())


def grid(client: TestClient, path: str) -> Grid:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return Grid(answer.text)


def taken_home(client: TestClient, path: str) -> list[list[str]]:
    """Follow the link to the CSV file that the page offers."""
    text = client.get(path).text
    found = re.search(r'href="([^"]*\.csv[^"]*columns=[^"]*)"', text)
    assert found is not None
    answer = client.get(html.unescape(found[1]))
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


ASKED = [
    ("/assets", "custody=idle&sort=value&order=desc&columns=asset_no,value,kind,user"),
    ("/assets", "on=2026-03-31&columns=asset_no,place,name"),
    ("/cases", "kind=loan&sort=title&order=asc&columns=id,amount,from_to,status"),
    ("/open-steps", "sort=step_due&columns=id,days,next"),
    ("/dues", "sort=net&order=desc&columns=origin,remitted,net,income"),
    ("/wants", "columns=item,unit,remaining"),
    ("/numbers", "kind=loan&columns=unit,last,latest"),
    ("/quotas", "columns=unit,vehicles"),
    ("/packages", "columns=id,place,status&sort=id"),
    ("/confiscated", "columns=item,status"),
    ("/income/register", "form=auction&sort=approved&order=desc&columns=case,approved,approved_on"),
    ("/income/register", "by=asset&columns=case,asset_no,name,requested,status"),
    ("/income/stuck", "sort=value&order=desc&columns=name,value,days,next,currency"),
    ("/income/ageing", "sort=left_over&columns=name,unit,net,left_over,late"),
    ("/idle", "ground=idle&sort=asset&order=desc&columns=asset,kind,unit,since"),
    ("/units", "text=Bureau&sort=assets&order=desc&columns=name,assets,region"),
    ("/places", "sort=unit&columns=name,unit,kind"),
    ("/people", "text=Education&sort=role&order=desc&columns=person,role,until"),
    ("/offers", "as=table&sort=place&columns=name,place,quantity,status"),
    ("/accounts", "sort=unit&order=desc&columns=login,unit,roles,tokens"),
    ("/administration", "columns=time,said,role"),
    ("/audit/findings", "sort=title&order=desc&columns=title,name,position"),
    ("/audit/reads", "question=findings&columns=time,question,reader,post"),
]


# Who may read a list, where auditors may not; and what makes a page show its table.
READERS = {"/accounts": "admin"}
SHOWING = {"/offers": "as=table&"}


def reader(office: Office, path: str) -> TestClient:
    """Return somebody who sees all units and may read a list."""
    return signed_in(office, READERS.get(path, "auditor"))


def sheet_of(client: TestClient, path: str) -> list[list[str]]:
    """Follow the link to the XLSX file that the page offers; amounts as the page writes them."""
    found = re.search(r'href="([^"]*\.xlsx[^"]*columns=[^"]*)"', client.get(path).text)
    assert found is not None
    answer = client.get(html.unescape(found[1]))
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0)
    return [
        [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in rows.to_python()
    ]


def plain(cell: str) -> str:
    """Return what a cell says, without how a page writes amounts."""
    return re.sub(r"[¥,\s]", "", cell).removesuffix(".00")


@pytest.mark.parametrize(("path", "asked"), ASKED)
def test_a_file_holds_exactly_what_is_shown(office: Office, path: str, asked: str) -> None:
    """The same rows, the same columns in the same order, sorted the same (whoever sees all units)."""
    client = reader(office, path)
    where = f"{path}?{asked}"
    shown, kept = grid(client, where), taken_home(client, where)
    assert kept[0] == shown.heads
    named = re.search(r"columns=([a-z_,]+)", asked)
    assert named is not None and len(shown.heads) == len(named[1].split(","))
    assert 0 < len(shown.rows) <= len(kept) - 1
    for row, cells in zip(shown.rows, kept[1:], strict=False):
        for mine, theirs in zip(map(plain, row), map(plain, cells), strict=True):
            # An amount of nothing is left blank on the page; what has no number yet says so there.
            same = mine == theirs or {mine, theirs} in ({"", "0"}, {"", "nonumber"})
            assert same, (row, cells)
    # The sheet is the same file: as many rows, cell by cell.
    sheet = sheet_of(client, where)
    assert [[plain(cell) for cell in row] for row in sheet] == [
        [plain(cell) for cell in row] for row in kept
    ]


@pytest.mark.parametrize("path", sorted(LISTS))
def test_every_list_sorts_by_every_column_that_says_so(office: Office, path: str) -> None:
    client, also = reader(office, path), SHOWING.get(path, "")
    for column in LISTS[path].columns:
        if not column.sorts:
            continue
        seen = []
        for order in ("asc", "desc"):
            found = grid(client, f"{path}?{also}sort={column.name}&order={order}&columns=all")
            place = next(iter(found.sorted))
            assert found.sorted == {place: "ascending" if order == "asc" else "descending"}
            seen.append([row[int(place)] for row in found.rows])
        assert len(seen[0]) == len(seen[1])
        if len(set(seen[0])) > 1:
            assert seen[0] != seen[1], column.name


@pytest.mark.parametrize(
    "asked", ["sort=value&order=desc", "sort=custody", "sort=place&order=desc"]
)
def test_pages_of_a_sorted_list_follow_one_another_without_gap(office: Office, asked: str) -> None:
    client = signed_in(office, "auditor")
    where, seen = f"/assets?{asked}&dataset=example", list[str]()
    while where:
        text = client.get(where).text
        seen += re.findall(r'class="no" href="/assets/([^"?]+)"', text)
        more = re.search(r'rel="next" href="([^"]+)"', text)
        where = html.unescape(more[1]) if more else ""
    total = len(taken_home(client, f"/assets?{asked}&dataset=example")) - 1
    assert len(seen) == len(set(seen)) == total
    assert client.get("/cases?sort=amount&after=x").status_code == 404
    assert client.get("/cases?sort=no_such_column").status_code == 200


def test_columns_are_remembered_for_a_person_and_a_list(office: Office) -> None:
    clerk, auditor = signed_in(office), signed_in(office, "auditor")
    usual = grid(clerk, "/cases").heads
    form: dict[str, Any] = {"list": "/cases", "next": "/cases?kind=loan&columns=id"}
    answer = clerk.post("/lists/columns", data=form | {"column": ["id", "due", "status"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?kind=loan")
    assert grid(clerk, "/cases?kind=loan").heads == ["Case", "Due", "Status"]
    assert grid(clerk, "/open-steps").heads != ["Case", "Due", "Status"]
    assert grid(auditor, "/cases").heads == usual
    # The address of a colleague says more than one's own choice.
    assert grid(clerk, "/cases?columns=id,title").heads == ["Case", "About"]
    moved = form | {"column": ["id", "due", "status"], "move": "status"}
    assert clerk.post("/lists/columns", data=moved).headers["location"].endswith("#list-columns")
    assert grid(clerk, "/cases").heads == ["Case", "Status", "Due"]
    clerk.post("/lists/columns", data=form | {"usual": "1", "column": ["id"]})
    assert grid(clerk, "/cases").heads == usual


def test_a_view_keeps_filters_columns_and_order_under_a_name(office: Office) -> None:
    clerk, other = signed_in(office), signed_in(office, "auditor")
    name = f"长期借用 {new_id()[-4:]} <b>"
    asked = "kind=loan&columns=id%2Cdue&sort=due&order=desc"
    form = {"list": "/cases", "query": f"{asked}&after=zzz&lang=en", "name": name}
    assert clerk.post("/lists/views", data=form).status_code == 303
    text = clerk.get("/cases").text
    assert html.escape(name) in text and name not in text
    found = re.search(rf'href="(/cases\?[^"]*)">{re.escape(html.escape(name))}', text)
    assert found is not None
    where = html.unescape(found[1])
    assert "after" not in where and "lang" not in where
    opened = grid(clerk, where)
    assert opened.heads == ["Case", "Due"] and opened.sorted == {"1": "descending"}
    # Nobody else sees it, nor can take it away.
    assert html.escape(name) not in other.get("/cases").text
    [number] = set(re.findall(r"/lists/views/(\d+)/forget", text))
    gone = {"list": "/cases", "next": "/cases"}
    assert other.post(f"/lists/views/{number}/forget", data=gone).status_code == 404
    assert clerk.post(f"/lists/views/{number}/forget", data=gone).status_code == 303
    assert html.escape(name) not in clerk.get("/cases").text


def test_a_shared_view_is_seen_in_the_unit_and_nowhere_else(office: Office) -> None:
    clerk = signed_in(office)
    form = {"list": "/assets", "query": "custody=idle", "name": "闲置清单", "shared": "1"}
    assert clerk.post("/lists/views", data=form).status_code == 303
    unit = {a.login: a.unit for a in office.accounts.all()}
    for login in ("head", "auditor", "office"):
        text = signed_in(office, login).get("/assets").text
        assert ("闲置清单" in text) is (unit[login] == unit["clerk"]), login


def test_what_no_list_has_is_refused(office: Office) -> None:
    clerk = signed_in(office)
    assert clerk.post("/lists/columns", data={"list": "/nowhere"}).status_code == 404
    assert clerk.post("/lists/views", data={"list": "/cases", "name": " "}).status_code == 422
    away = {"list": "/cases", "next": "https://elsewhere.example/", "column": ["id", "status"]}
    assert clerk.post("/lists/columns", data=away).headers["location"] == "/cases"
    clerk.post("/lists/columns", data=away | {"usual": "1"})
    for number in range(55):
        said = clerk.post(
            "/lists/views", data={"list": "/quotas", "query": "", "name": f"v{number}"}
        )
        assert said.status_code == (303 if number < 50 else 422)


# The inventory says more than a count; these are long and go on by a cursor, and count nothing.
UNCOUNTED = {
    "/assets", "/offers", "/idle", "/administration", "/audit/reads", "/income/ageing",
    "/income/register",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(LISTS.keys() - UNCOUNTED))
def test_counts_are_of_everything_that_matches(office: Office, path: str) -> None:
    client = reader(office, path)
    found = re.search(r'class="list-count" role="status">([\d,]+) in all', client.get(path).text)
    assert found is not None
    assert int(found[1].replace(",", "")) == len(taken_home(client, path)) - 1


# What else all pages share --------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_of_components_shows_every_word_of_state(office: Office, lang: str) -> None:
    text = signed_in(office).get(f"/design?lang={lang}").text
    for term in (Book, Custody, Lock):
        for member in term:
            if member.value not in ("none", "any") or term is not Lock:
                assert html.escape(in_words(member.words, "zh" if lang == "zh" else "en")) in text
    for part in ("buttons", "badges", "fields", "table", "empty", "messages", "charts", "tabs"):
        assert f'id="d-{part}"' in text
    assert 'aria-invalid="true"' in text and 'aria-sort="ascending"' in text


def test_the_big_screen_names_nobody_and_comes_again_by_itself(office: Office) -> None:
    text = signed_in(office).get("/screen").text
    assert 'hx-trigger="every 60s"' in text and "<form" not in text and "<button" not in text
    for person, name in office.accounts.names("zh").items():
        assert name not in text and person not in text
    assert TestClient(app_of(office), follow_redirects=False).get("/screen").status_code == 303


def test_what_would_be_recorded_is_said_before_anything_is(office: Office) -> None:
    clerk = signed_in(office)
    row = office.models.one(
        inventory.listing(
            EVERYTHING,
            Filters(custody="store", book="on_books", lock="none", unit="o_ex_edu"),
            limit=1,
        )
    )
    assert row is not None
    stream = f"asset/{row['id']}"
    before = office.book.stream(stream).version
    form = {
        "key": new_id("web"),
        "version": str(before),
        "on": office.today().isoformat(),
        "since": "2026-01-05",
        "evidence": "三个月无人使用",
    }
    answer = clerk.post(f"/assets/{row['id']}/do/declare_idle", data=form | {"preview": "1"})
    assert answer.status_code == 200
    said = re.search(r"verdict-will.*?</ul>", answer.text, re.DOTALL)
    assert said is not None and row["name"] in said[0] and "2026-01-05" in said[0]
    assert "三个月无人使用" in answer.text  # what was typed is still there
    assert office.book.stream(stream).version == before
    # A mistake is named before anything else, and nothing is recorded either.
    wrong = form | {"preview": "1", "since": "soon"}
    answer = clerk.post(f"/assets/{row['id']}/do/declare_idle", data=wrong)
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert clerk.post(f"/assets/{row['id']}/do/declare_idle", data=form).status_code == 303
    assert office.book.stream(stream).version == before + 1


# No other tables ------------------------------------------------------------------

# Templates that draw a table of their own: how many, and why it is not the one of all lists.
FIGURES = "figures of a statement with their sums: its rows and columns are what it says"
PART = "part of the page of one thing, and as long as that thing has parts"
SENT = "what was sent in, cell by cell, answered on the spot and never opened again"
BEHIND = "what is behind one figure of a statement; the statement chose what is shown"
OWN = {
    "table.html": (1, "the one table"),
    "account_parts.html": (3, PART),
    "annual.html": (2, FIGURES),
    "audit.html": (1, "the few latest entries; the log itself is read by position"),
    "chain.html": (1, PART),
    "changes.html": (1, FIGURES),
    "changes_events.html": (1, BEHIND),
    "charts.html": (1, "the figures of a chart, beside it"),
    "compared.html": (2, SENT),
    "depreciation.html": (3, FIGURES),
    "import_session.html": (4, SENT),
    "imports.html": (1, "the few sheets a unit sent in lately"),
    "inbox.html": (1, "decided one after another or in batches, not looked through"),
    "income_ageing.html": (1, FIGURES),
    "journal.html": (2, FIGURES),
    "movement.html": (1, FIGURES),
    "movement_events.html": (1, BEHIND),
    "offers_import.html": (1, SENT),
    "periods.html": (1, PART),
    "person.html": (1, PART),
    "plan.html": (1, PART),
    "quota.html": (1, PART),
    "register_line.html": (1, PART),
    "reorganisation.html": (1, PART),
    "reuse.html": (4, FIGURES),
    "rules.html": (1, "the handful of rule sets of a place"),
    "settings.html": (1, "every setting there is, with where it comes from"),
    "shares.html": (1, PART),
    "stocktake.html": (2, PART),
    "tags.html": (2, SENT),
    "tied.html": (2, FIGURES),
    "vouchers.html": (1, PART),
    "wants.html": (4, PART),
    "wants_import.html": (1, SENT),
    "ways.html": (1, PART),
    "webhooks.html": (1, "the last deliveries to one address"),
}


def test_every_list_is_drawn_by_the_one_table_or_says_why_not() -> None:
    folder = Path(tables.__file__).parent / "templates"
    drawn = {
        path.name: n for path in folder.glob("*.html") if (n := path.read_text().count("<table"))
    }
    assert drawn == {name: n for name, (n, _) in OWN.items()}


def test_every_list_has_its_files_and_its_place_on_the_page(office: Office) -> None:
    """Whatever declares a list shows it with all tools, and its two files are there."""
    for path, one in LISTS.items():
        client = reader(office, path)
        text = client.get(f"{path}?{SHOWING.get(path, '')}").text
        for tool in ("list-views", "list-columns", f"{one.taken}.csv", f"{one.taken}.xlsx"):
            assert tool in text, (path, tool)
        assert 'action="/lists/columns"' in text and f'value="{path}"' in text


# With hands: a real browser ---------------------------------------------------------


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


def opened(page: Browsed, office: Office, site: str, login: str, path: str) -> None:
    """Open a page as somebody, with nothing but a keyboard from here on."""
    page.context.add_cookies([{"name": "session", "value": token(office, login), "url": site}])
    page.context.add_cookies([{"name": "lang", "value": "en", "url": site}])
    page.goto(site + path)


def row_in_focus(page: Browsed) -> int:
    """Return which row of the table has the focus; -1: none."""
    return int(
        page.evaluate(
            "[...document.querySelectorAll('[data-rows] tbody tr')]"
            ".findIndex(row => row.contains(document.activeElement))"
        )
    )


@pytest.mark.browser
def test_rows_pages_and_help_by_keys(page: Browsed, office: Office, site: str) -> None:
    with blameless(page):
        opened(page, office, site, "auditor", "/assets?dataset=example")
        assert row_in_focus(page) == -1
        for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
            page.keyboard.press(key)
            assert row_in_focus(page) == row, key
        first = page.locator("[data-rows] tbody .no").first.inner_text()
        with page.expect_navigation():
            page.keyboard.press("n")
        assert page.locator("[data-rows] tbody .no").first.inner_text() != first
        with page.expect_navigation():
            page.keyboard.press("p")
        assert page.locator("[data-rows] tbody .no").first.inner_text() == first
        # What is typed into a field moves nothing.
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("jkxn")
        assert page.locator("#search").input_value() == "jkxn" and row_in_focus(page) == -1
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("j")
        assert row_in_focus(page) == -1
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        where = page.evaluate("document.activeElement.href")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url == where


@pytest.mark.browser
def test_rows_are_chosen_by_a_key_and_counted(page: Browsed, office: Office, site: str) -> None:
    with blameless(page):
        opened(page, office, site, "clerk", "/assets")
        for key in "jxjjx":
            page.keyboard.press(key)
        boxes = page.locator("[data-rows] tbody input[type=checkbox]")
        assert [boxes.nth(n).is_checked() for n in range(4)] == [True, False, True, False]
        assert "2" in page.locator("[data-chosen]").inner_text()
        page.keyboard.press("x")
        assert not boxes.nth(2).is_checked()
        # What is chosen goes into the case that is begun with it.
        chosen = boxes.first.input_value()
        with page.expect_navigation():
            page.locator("button[name=kind]").first.click()
        assert f"asset={chosen}" in page.url and "/cases/new" in page.url


@pytest.mark.browser
def test_columns_and_views_by_keys_stay_for_the_next_day(
    page: Browsed, office: Office, site: str
) -> None:
    def tabs_to(selector: str) -> None:
        for _ in range(120):
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} was not reached")

    def heads() -> list[str]:
        return [h.strip("↕▲▼ \n") for h in page.locator("[data-rows] thead th").all_inner_texts()]

    with blameless(page):
        opened(page, office, site, "head", "/units")
        assert heads() == ["Unit", "Sort of unit", "On its books"]
        tabs_to("#list-columns summary")
        page.keyboard.press("Enter")
        tabs_to("#list-columns input[value=kind]")
        page.keyboard.press("Space")
        tabs_to("#list-columns input[value=region]")
        page.keyboard.press("Space")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert heads() == ["Unit", "On its books", "Region"]
        # Sorted by a column, kept under a name, and found again from the bare list.
        tabs_to("th:nth-child(2) a.sort")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        order = page.locator("[data-rows] tbody td:first-child a").all_inner_texts()
        tabs_to("#list-views summary")
        page.keyboard.press("Enter")
        tabs_to("#view-name")
        page.keyboard.type("Smallest first")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.goto(f"{site}/units")
        assert page.locator("th[aria-sort]").count() == 0
        tabs_to("#list-views summary")
        page.keyboard.press("Enter")
        tabs_to("#list-views li a")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").inner_text().startswith("On its books")
        assert page.locator("[data-rows] tbody td:first-child a").all_inner_texts() == order
        assert heads() == ["Unit", "On its books", "Region"]
        # And the file of what is shown has just that.
        with page.expect_download() as taken:
            page.locator(".list-tools a[href*='.csv']").click()
        text = Path(taken.value.path()).read_text("utf-8-sig")
        assert next(csv.reader(io.StringIO(text))) == heads()


@pytest.mark.browser
def test_no_list_is_wider_than_its_screen(page: Browsed, office: Office, site: str) -> None:
    """On a phone, a tablet and a small desk, in the language whose words are longer."""
    with blameless(page):
        for path in sorted(LISTS, key=lambda path: READERS.get(path, "")):
            login = READERS.get(path, "auditor")
            opened(page, office, site, login, f"{path}?{SHOWING.get(path, '')}")
            assert page.locator("[data-rows]").count() == 1, path
            for width in (390, 768, 1024, 1366):
                page.set_viewport_size({"width": width, "height": 844})
                shown = page.evaluate("document.documentElement.scrollWidth")
                assert shown <= width, (path, width)


@pytest.mark.browser
def test_a_file_that_takes_long_says_so_and_leaves_the_page_usable(
    page: Browsed, office: Office, site: str
) -> None:
    with blameless(page):
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/units.xlsx*", hold)
        opened(page, office, site, "auditor", "/units")
        busy, link = page.locator("#busy"), page.locator(".list-tools a[href*='.xlsx']")
        link.click(no_wait_after=True)
        busy.wait_for()
        assert "units.xlsx" in busy.inner_text() and "can be used meanwhile" in busy.inner_text()
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("j")
        assert row_in_focus(page) == 0
        with page.expect_download() as taken:
            held.pop().continue_()
        assert taken.value.suggested_filename == "units.xlsx"
        book = CalamineWorkbook.from_path(str(taken.value.path()))
        assert book.get_sheet_by_index(0).to_python()[0][0] == "Unit"
        busy.wait_for(state="hidden")
        # Whoever does not want to wait stops it.
        link.click(no_wait_after=True)
        busy.wait_for()
        busy.get_by_role("button", name="Stop").click()
        assert busy.is_hidden()
        # A list that is asked again says so, too.
        page.unroute_all()
        page.goto(f"{site}/cases")
        page.route("**/cases?*", hold)
        held.clear()
        page.locator("#kind").select_option("loan")
        busy.wait_for()
        assert "Working on it" in busy.inner_text()
        held.pop().continue_()
        busy.wait_for(state="hidden")


@pytest.mark.browser
def test_on_paper_a_list_is_a_list_to_sign(page: Browsed, office: Office, site: str) -> None:
    opened(page, office, site, "clerk", "/dues")
    page.emulate_media(media="print")
    for gone in ("header", "nav.crumbs", ".filters", ".list-tools", "footer", "#busy"):
        assert page.locator(f"{gone}:visible").count() == 0, gone
    said = page.locator(".paper-of").inner_text()
    assert "Example City Education Bureau" in said and office.today().isoformat() in said
    rows = page.locator(".signatures p:visible").all_inner_texts()
    assert rows == ["Prepared by", "Checked by", "Head of the unit", "Date"]
    kept = page.evaluate("getComputedStyle(document.querySelector('[data-rows] thead')).display")
    assert kept == "table-header-group"
    sheets = list(PdfDocument(page.pdf(prefer_css_page_size=True)))
    told = [sheet.get_textpage().get_text_bounded() for sheet in sheets]
    assert all("Arises" in text for text in told), told
    assert "Prepared by" in told[-1]
    width, height = sheets[0].get_size()
    assert width > height  # many columns lie across


# What a form would record -----------------------------------------------------------

# Forms of a step that need not be asked first: what one press records stands beside the button.
AT_ONCE = {
    ("my.html", "{{ tap.name }}"): "its button is the sentence: it is with me",
    ("scan.html", "bind_label"): "the page says which label goes onto which thing",
    ("stocktake.html", "close_differences"): "one thing goes to the place where it was seen",
    ("labels_unit.html", "draw_template"): "the drawing is seen while it is made",
}


def test_every_form_of_a_step_says_what_it_will_record_when_it_is_asked() -> None:
    folder = Path(tables.__file__).parent / "templates"
    silent, asked = set(), 0
    for file in sorted(folder.glob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            found = re.search(r'action="[^"]*/do/([^"]+)"', form)
            if found is None:
                continue
            if 'name="preview"' in form:
                asked += 1
            else:
                silent.add((file.name, found[1]))
    assert silent == AT_ONCE.keys()
    assert asked >= 4
