"""The one table of all lists: sorted, with chosen columns and named views, and taken home as shown."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import city, demo
from api.app import create_app
from api.office import Office
from api.settings import Settings
from api.tables import LISTS
from domain.asset import Book, Custody, Lock
from domain.words import in_words
from ledger.book import new_id
from projections import inventory
from projections.scope import EVERYTHING, Filters


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path_factory.mktemp('tables') / 'ledger.db'}"
    opened = Office.open(Settings(database=url, demo=True))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(opened.accounts, lambda *_: None)
    city.load(opened.book, None)
    opened.models.catch_up(opened.book)
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
    found = re.search(r'href="([^"]*\.csv[^"]*)"', text)
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
]


@pytest.mark.parametrize(("path", "asked"), ASKED)
def test_a_file_holds_exactly_what_is_shown(office: Office, path: str, asked: str) -> None:
    """The same rows, the same columns in the same order, sorted the same (whoever sees all units)."""
    client = signed_in(office, "auditor")
    where = f"{path}?{asked}"
    shown, kept = grid(client, where), taken_home(client, where)
    assert kept[0] == shown.heads
    named = re.search(r"columns=([a-z_,]+)", asked)
    assert named is not None and len(shown.heads) == len(named[1].split(","))
    assert 0 < len(shown.rows) <= len(kept) - 1

    def plain(cell: str) -> str:
        return re.sub(r"[¥,\s]", "", cell).replace("notstated", "").removesuffix(".00")

    for row, cells in zip(shown.rows, kept[1:], strict=False):
        seen = [plain(cell) for cell in row]
        told = [plain(cell) for cell in cells]
        assert seen[0].startswith(told[0]) or seen[0] == "nonumber"
        for mine, theirs in zip(seen[1:], told[1:], strict=True):
            # An amount of nothing is left blank on the page; a word may have a note beside it.
            assert mine.startswith(theirs) or {mine, theirs} <= {"", "0"}, (row, cells)


@pytest.mark.parametrize("path", sorted(LISTS))
def test_every_list_sorts_by_every_column_that_says_so(office: Office, path: str) -> None:
    client = signed_in(office, "auditor")
    for column in LISTS[path].columns:
        if not column.sorts:
            continue
        seen = []
        for order in ("asc", "desc"):
            found = grid(client, f"{path}?sort={column.name}&order={order}&columns=all")
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


@pytest.mark.parametrize("path", sorted(LISTS.keys() - {"/assets"}))
def test_counts_are_of_everything_that_matches(office: Office, path: str) -> None:
    client = signed_in(office, "auditor")
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
