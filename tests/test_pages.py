"""The pages: who may see them, in both languages, and a step from form to ledger and back."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from api import city, demo, pages_phrases, pages_telling, security
from api.app import create_app
from api.office import Office
from api.settings import Settings
from projections import cases, inventory
from projections.scope import EVERYTHING, Filters, Scope

TEMPLATES = Path(__file__).resolve().parents[1] / "api" / "templates"
SECRET = b"a secret for labels, long enough"
VOID = {"input", "meta", "link", "img", "br", "use", "hr"}


def furnished(url: str, **changes: Any) -> Office:
    """Open an office with the example city in it."""
    settings = Settings(database=url, demo=True, label_secret=SECRET, **changes)
    office = Office.open(settings)
    # How strong the hash is, is another test's business; here it would only cost time.
    office.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(office.accounts, lambda *_: None)
    city.load(office.book, None)
    office.models.catch_up(office.book)
    return office


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    opened = furnished(module_database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tokens(office: Office) -> dict[str, str]:
    """Sign everybody in once: hashing passwords is slow on purpose."""
    return {a.login: office.accounts.sign_in(a) for a in office.accounts.all()}


@pytest.fixture
def client(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


def as_(client: TestClient, tokens: dict[str, str], login: str, lang: str = "zh") -> TestClient:
    client.cookies.set("session", tokens[login])
    client.cookies.set("lang", lang)
    return client


OF_THE_CLERK = Scope(frozenset({"o_ex_edu"}))


def some(office: Office, **filters: Any) -> Any:
    row = office.models.one(
        inventory.listing(OF_THE_CLERK, Filters(dataset="example", **filters), limit=1)
    )
    assert row is not None
    return row


def field(text: str, name: str, form: str) -> str:
    """Return the value of a hidden field of one form on a page."""
    own = text[text.index(form) :]
    found = re.search(rf'name="{name}" value="([^"]*)"', own)
    assert found is not None
    return found[1]


# Signing in --------------------------------------------------------------------


def test_nobody_sees_anything_without_signing_in(client: TestClient) -> None:
    for path in ("/", "/assets", "/assets/X", "/cases", "/units", "/audit", "/entries/1"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    assert unquote(client.get("/assets?custody=idle").headers["location"]) == (
        "/login?next=/assets?custody=idle"
    )


def test_signing_in_goes_where_one_wanted_and_nowhere_else(
    office: Office, client: TestClient
) -> None:
    account = {"login": "auditor", "password": demo.PASSWORD}
    answer = client.post("/login", data={**account, "next": "/assets?custody=idle"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/assets?custody=idle")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    first = client.cookies["session"]
    for outside in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"):
        answer = client.post("/login", data={**account, "next": outside})
        assert answer.headers["location"] == "/"
    # A new id at every sign-in; the old one is dead (session fixation).
    assert client.cookies["session"] != first
    assert office.accounts.session(first) is None
    client.post("/logout")
    assert client.get("/assets").status_code == 303


def test_over_https_the_cookie_is_bound_to_the_host(database: str) -> None:
    url = database
    office = Office.open(Settings(database=url, https=True))
    office.accounts.create("a", "long-enough", "u_a", "甲", "o_a", ("clerk",))
    client = TestClient(create_app(office.settings, office), base_url="https://gongwu.example")
    answer = client.post(
        "/login", data={"login": "a", "password": "long-enough"}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=") and "Secure" in cookie and "Path=/" in cookie
    assert answer.headers["strict-transport-security"]
    office.close()


def test_a_wrong_password_says_so_in_the_readers_language(client: TestClient) -> None:
    wrong = {"login": "nobody-here", "password": "wrong-wrong"}
    answer = client.post("/login?lang=en", data=wrong)
    assert answer.status_code == 403 and "is wrong" in answer.text
    assert 'value="nobody-here"' in answer.text
    assert "账号或密码不对" in client.post("/login?lang=zh", data=wrong).text


def test_a_flood_of_wrong_passwords_is_stopped(client: TestClient) -> None:
    for _ in range(5):
        client.post("/login", data={"login": "flooded", "password": "wrong-wrong"})
    answer = client.post("/login", data={"login": "flooded", "password": "wrong-wrong"})
    assert answer.status_code == 429 and "15 分钟" in answer.text


def test_only_granted_roles_can_be_acted_in(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk").post("/role", data={"role": "finance", "next": "/"})
    session = office.accounts.session(tokens["clerk"])
    assert session is not None and session.post.role == "clerk"


# Security ----------------------------------------------------------------------


def test_who_may_not_open_a_page_keeps_the_menu_and_the_other_roles(
    client: TestClient, tokens: dict[str, str]
) -> None:
    """The page says to change the role: the way to do so is on it."""
    answer = as_(client, tokens, "clerk").get("/audit/findings")
    assert answer.status_code == 403
    assert 'href="/offers"' in answer.text and 'action="/look"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_the_condition_of_a_thing_is_said_in_one_language() -> None:
    for value, words in pages_telling.GRADES.items():
        for lang in ("zh", "en"):
            said = pages_telling.reason_of("grade", value)
            assert pages_telling.say(said, "", lang, lambda _, id_: id_) == getattr(words, lang)


def test_every_answer_carries_the_headers(client: TestClient) -> None:
    for path in ("/login", "/nowhere", "/static/office.css", "/api/v1/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == security.CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert "camera=(self)" in headers["permissions-policy"]
        assert headers["referrer-policy"] == "same-origin"
        assert len(headers["x-request-id"]) >= 8
    assert "unsafe-inline" not in security.CSP and "unsafe-eval'" in security.CSP.replace(
        "wasm-", ""
    )


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),
        ({"origin": "http://testserver"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "http://testserver:8080"}, False),
        ({"origin": "null"}, False),
        ({}, True),
    ],
)
def test_other_sites_cannot_make_a_browser_write(
    client: TestClient, headers: dict[str, str], allowed: bool
) -> None:
    answer = client.post("/logout", headers={"accept": "text/html", **headers})
    assert (answer.status_code != 403) is allowed
    assert client.get("/login", headers=headers).status_code == 200
    if not allowed:
        assert "来自其他网站" in answer.text


def test_a_body_of_ten_megabytes_is_refused_in_the_readers_language(client: TestClient) -> None:
    big = b"x" * 10_000_000
    answer = client.post("/login", content=big, headers={"accept": "text/html"})
    assert answer.status_code == 413 and "1 MiB" in answer.text and "请" in answer.text

    def unannounced() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    form = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    answer = client.post("/login?lang=en", content=unannounced(), headers=form)
    assert answer.status_code == 413 and "Send less" in answer.text


# Every page in both languages ----------------------------------------------------


class Document(HTMLParser):
    """Collects ids, labels and text of a page, and complains about tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.scripts: list[dict[str, str | None]] = []
        self.styled: list[str] = []
        self.open: list[str] = []
        self.in_label = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "label":
            self.in_label += 1
            self.labelled.add(str(named.get("for")))
        if tag in ("input", "select", "textarea") and named.get("type") != "hidden":
            self.controls.append(named | {"wrapped": "yes" if self.in_label else None})
        if tag == "script":
            self.scripts.append(named)
        if "style" in named or any(name.startswith("on") for name in named):
            self.styled.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.in_label -= 1
        if tag not in VOID:
            assert self.open.pop() == tag


def addresses(office: Office) -> list[str]:
    idle, car = some(office, custody="idle"), some(office, kind="vehicle")
    case = [
        office.models.one(cases.listing(EVERYTHING, kind=kind, limit=1)) for kind in cases.KINDS
    ]
    stream = office.book.stream(f"asset/{idle['id']}")
    return [
        "/",
        "/overview",
        "/my",
        "/inbox",
        "/search",
        "/search?q=bgz",
        "/search?q=nothing-like-this",
        "/search?q=https://elsewhere.example/x",
        "/assets",
        "/assets?custody=idle&kind=computer&text=机&sort=value&order=desc",
        "/assets?text=nothing-like-this",
        "/assets?on=2026-03-31&known=2999-01-01",
        "/assets?on=31.3.2026",
        "/assets?on=2026-03-31&known=12",
        "/audit/changes?from=2025-06-30&to=2025-12-31",
        "/audit/changes?from=2025-06-30&to=2025-12-31&known_from=10&known_to=2999-01-01",
        "/audit/changes/events?from=2025-06-30&to=2025-12-31&figure=closing",
        "/audit/changes?from=x",
        "/audit/findings",
        "/audit/reads",
        "/audit/reads?question=cases&from=2026-01-01&about=asset/x",
        "/periods/o_ex_edu",
        "/books/movement?from=2025-12-31&to=2026-10-30",
        "/books/movement?from=x&known=12",
        "/books/movement/events?from=2025-12-31&to=2026-10-30&cause=transfer",
        "/books/journal?from=2025-12-31&to=2026-10-30&unit=o_ex_edu",
        "/books/units/o_ex_edu?year=2026",
        "/books/units/o_ex_edu/check?on=2026-10-30",
        "/depreciation/o_ex_edu",
        "/people/u_ex_edu_clerk1",
        "/people?on=2025-12-31",
        "/units?on=2025-12-31&known=3000",
        "/cases?on=2026-03-31",
        "/open-steps?on=2026-03-31",
        "/open-steps?on=31.3.2026",
        "/numbers?on=2026-03-31",
        "/quotas?known=2999-01-01",
        "/confiscated?on=2026-03-31",
        f"/assets/{idle['id']}",
        f"/assets/{car['id']}?on=2025-09-30&known=2000",
        f"/reverse/asset/{idle['id']}/{stream.version}",
        "/cases",
        "/cases?kind=loan&status=running",
        "/cases/new?kind=disposal",
        f"/cases/new?kind=loan&asset={idle['id']}",
        *(f"/cases/{row['id']}" for row in case if row),
        *(f"/inbox/{row['id']}" for row in case if row),
        "/scan",
        "/tags",
        "/tags?what=giais&recorded=3",
        "/scan?code=nothing-like-this",
        "/scan?code=https://elsewhere.example/x",
        "/units",
        f"/units/{idle['accounting_unit']}",
        "/audit",
        "/entries/1",
        "/nowhere",
        "/assets/NOSUCHTHING",
    ]


@pytest.mark.target("T127")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("login", ["clerk", "auditor"])
def test_every_page_is_whole_labelled_and_translated(
    office: Office, client: TestClient, tokens: dict[str, str], lang: str, login: str
) -> None:
    as_(client, tokens, login, lang)
    for path in ["/login", *addresses(office)]:
        answer = client.get(path)
        if path == "/login":
            continue
        assert answer.status_code in (200, 403, 404, 422), path
        page = Document(answer.text)
        assert page.open == [], path
        assert len(page.ids) == len(set(page.ids)), path
        unlabelled = [
            c
            for c in page.controls
            if not (c["wrapped"] or c.get("aria-label") or c.get("id") in page.labelled)
        ]
        assert unlabelled == [], path
        assert page.styled == [] and all(s.get("src") for s in page.scripts), path
        assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text
        assert "Undefined" not in answer.text and "None" not in re.sub(
            r"<pre.*?</pre>", "", answer.text, flags=re.DOTALL
        )
        if lang == "en":
            chrome = re.search(r"<header.*?</header>", answer.text, re.DOTALL)
            assert chrome is not None
            assert not re.search("[一-鿿]", chrome[0].replace("中文", "")), path


def test_templates_name_only_phrases_that_exist_and_all_are_used() -> None:
    sources = [p.read_text("utf-8") for p in TEMPLATES.rglob("*.html")]
    sources += [p.read_text("utf-8") for p in TEMPLATES.parent.glob("pages*.py")]
    text = "\n".join(s for s in sources if "PHRASES: Final" not in s)
    named = set(re.findall(r"""\bt\(\s*['"]([a-z0-9_-]+)['"]""", text))
    made = set(re.findall(r"""\bt\(f?['"]([a-z-]+-)['"{]""", text))
    made |= set(re.findall(r"""\bt\('([a-z-]+-)' ~""", text))
    phrases = pages_phrases.PHRASES
    assert named - phrases.keys() - made == set()
    quoted = set(re.findall(r"""['"]([a-z0-9_-]+)['"]""", text))
    unused = {k for k in phrases if k not in quoted and not k.startswith(tuple(made))}
    assert unused == set()
    assert all(zh and en for zh, en in phrases.values())
    for key, (zh, en) in phrases.items():
        assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", en)), key


def test_example_data_says_so_on_every_row(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    text = as_(client, tokens, "clerk").get("/assets?dataset=example").text
    rows = re.findall(r"<tr>.*?</tr>", text[text.index("<tbody>") :], re.DOTALL)
    assert len(rows) == 50 and all("示例" in row for row in rows)


# Finding -----------------------------------------------------------------------


def test_any_code_of_an_asset_leads_to_its_card(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    row = next(
        r
        for r in office.models.rows(
            inventory.listing(EVERYTHING, Filters(dataset="example"), limit=500)
        )
        if r["label"] and r["serial"]
    )
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in row["asset_no"])
    url = f"HTTPS://ID.EXAMPLE.CN/OBJ/{row['id']}?R=1"
    for code in (row["asset_no"], row["label"], row["serial"].lower(), row["id"], wide, url):
        answer = client.get("/scan", params={"code": code})
        assert answer.headers.get("location") == f"/assets/{row['id']}", code
    assert client.get(f"/obj/{row['id']}?r=1").headers["location"] == f"/assets/{row['id']}"
    picture = client.get(f"/assets/{row['id']}/label.png")
    assert picture.headers["content-type"] == "image/png" and picture.content[:4] == b"\x89PNG"


@pytest.mark.target("T22")
def test_a_unit_without_assets_is_told_how_to_begin(client: TestClient, office: Office) -> None:
    """Not that its filters find nothing: it has set none."""
    for role, lang, said, opens in (
        ("clerk", "zh", "还没有资产", True),
        ("head", "zh", "还没有资产", False),
        ("clerk", "en", "No assets yet", True),
    ):
        login = f"new_{role}_{lang}"
        office.accounts.create(login, demo.PASSWORD, f"u_{login}", "示例", "o_new", [role])
        account = office.accounts.find(login)
        assert account is not None
        as_(client, {login: office.accounts.sign_in(account)}, login, lang)
        main = client.get("/assets").text.partition('class="empty"')[2]
        assert said in main and ('href="/imports"' in main) is opens, login
        assert said not in client.get("/assets", params={"text": "没有"}).text, login


def test_each_of_the_parties_can_be_filtered_by(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk")
    row = some(office, custody="in_use", lock="none")
    for name, value in (
        ("unit", row["accounting_unit"]),
        ("custodian", row["custodian"]),
        ("user", row["user"]),
        ("owner", row["owner"]),
        ("place", row["place"]),
    ):
        text = client.get("/assets", params={name: value, "text": row["asset_no"]}).text
        assert row["asset_no"] in text and "chip" in text


def test_user_and_owner_are_offered_by_name_and_kept_wherever_one_goes_from_the_list(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    row = some(office, custody="in_use", lock="none")
    for name, value in (("user", row["user"]), ("owner", row["owner"])):
        today = office.today().isoformat()
        for asked in ({name: value}, {name: value, "on": today}):
            text = client.get("/assets", params=asked).text
            assert f'<option value="{value}" selected>' in text
            assert f">{value}</option>" not in text, "a name, not an id"
            for link in re.findall(r'href="(/assets[^"]*(?:after=|\.csv|\.xlsx)[^"]*)"', text):
                assert f"{name}={value}" in link
            rows = list(csv.DictReader(io.StringIO(
                client.get("/assets.csv", params=asked).content.decode("utf-8-sig")
            )))  # fmt: skip
            expected = office.models.rows(
                inventory.listing(EVERYTHING, Filters(**{name: value}), limit=10_000)
            )
            assert len(rows) == len(expected) > 0


@pytest.mark.target("T02", "T04")
def test_the_inventory_of_a_past_day_is_what_it_was(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    before = client.get("/assets?on=2020-01-01").text
    assert "没有符合条件的记录" in before
    now = client.get("/assets?dataset=example").text
    then = client.get("/assets?dataset=example&on=2025-06-30").text
    count = re.compile(r"<b>([\d,]+)</b> 件")
    first_now, first_then = count.search(now), count.search(then)
    assert first_now is not None and first_then is not None
    assert first_now[1] != first_then[1]
    unknown = client.get("/assets?on=2026-10-31&known=2025-01-01").text
    assert "没有符合条件的记录" in unknown  # it had happened, but nobody had recorded it yet


def test_pages_follow_one_another_without_gap_or_repeat(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    path, seen = "/assets?dataset=example&sort=value&order=desc", list[str]()
    while path:
        text = client.get(path).text
        seen += re.findall(r'<a class="no" href="/assets/([^"?]+)', text)
        more = re.search(r'href="(/assets\?[^"]*after=[^"]*)"[^>]*>下一页', text)
        path = more[1].replace("&amp;", "&") if more else ""
    expected = office.models.rows(
        inventory.listing(EVERYTHING, Filters(dataset="example"), limit=10_000)
    )
    assert len(seen) == len(set(seen)) == len(expected)
    assert set(seen) == {row["id"] for row in expected}
    assert client.get("/assets?after=rubbish").status_code == 400


def test_units_are_chosen_by_name_wherever_several_are_asked_for(
    client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "office")
    text = client.get("/cases/new?kind=reorganisation").text
    picked = re.search(
        r'<select[^>]*name="from_units"[^>]*multiple[^>]*>(.*?)</select>', text, re.DOTALL
    )
    assert picked is not None
    assert ">示例市旅游服务中心</option>" in picked[1], "who ended may still have something"
    assert "去台账勾选" not in text
    assert "去台账勾选" in client.get("/cases/new?kind=loan").text


def test_what_stands_in_the_way_of_a_hand_over_is_named_before_it_is_signed(
    client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "office")
    text = client.get("/cases/reorganisation/EXFORUM").text
    panel = text[text.index("待移交的内容") : text.index("现在可以办理")]
    assert "资产6项" in panel
    assert [word in panel for word in ("须先办结", "随同移交", "批准借用")] == [True] * 3
    client.cookies.set("lang", "en")
    told = client.get("/cases/reorganisation/EXFORUM").text
    client.cookies.set("lang", "zh")
    assert "passes with it" in told


# To take home ------------------------------------------------------------------


def test_exports_hold_exactly_the_filtered_rows(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    content = client.get("/assets.csv?dataset=example&custody=idle").content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    expected = office.models.rows(
        inventory.listing(EVERYTHING, Filters(dataset="example", custody="idle"), limit=10_000)
    )
    assert rows[0][0] == "资产编号"
    assert [row[-1] for row in rows[1:]] == [row["id"] for row in expected]
    assert [row[12] for row in rows[1:]] == [
        f"{r['value'] // 100}.{r['value'] % 100:02}" if r["value"] is not None else ""
        for r in expected
    ]
    sheet = client.get("/assets.xlsx?dataset=example&custody=idle").content
    with zipfile.ZipFile(io.BytesIO(sheet)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    assert xml.count("<row ") == len(expected) + 1 and "<f>" not in xml


# Doing -------------------------------------------------------------------------


@pytest.mark.target("T10", "T12", "T115")
def test_a_step_is_recorded_said_and_taken_back(database: str) -> None:
    office = furnished(database)
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("lang", "zh")
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(account))
    row = some(office, custody="store", book="on_books", lock="none")
    path, name = f"/assets/{row['id']}", f"asset/{row['id']}"
    page = client.get(path).text
    form = f'action="{path}/do/declare_idle"'
    typed = {
        "key": field(page, "key", form),
        "version": field(page, "version", form),
        "ground": "idle",
        "since": (office.today() - timedelta(days=100)).isoformat(),  # the city asks for 90
        "evidence": "三个月无人使用",
        "doc_type": "认定表",
        "doc_number": "示闲〔2026〕7号",
    }
    before = office.book.stream(name).version
    agent = {"user-agent": "Mozilla of a reader", "x-request-id": "request-12345"}
    answer = client.post(f"{path}/do/declare_idle", data=typed, headers=agent)
    assert answer.status_code == 303
    stream = office.book.stream(name)
    assert (stream.version, stream.state.custody.value) == (before + 1, "idle")
    entry = stream.entries[-1]
    assert entry.actor == account.person
    assert entry.beside.docs[0].number == "示闲〔2026〕7号"
    via = entry.beside.via
    assert (via.channel, via.role, via.unit) == ("web", "clerk", account.unit)
    assert via.request == "request-12345"
    command = office.book.log.command(entry.position)
    assert command is not None and "Mozilla of a reader" in str(command)
    # The same press twice is one step.
    again = client.post(f"{path}/do/declare_idle", data=typed)
    assert again.headers["location"] == answer.headers["location"]
    assert office.book.stream(name).version == before + 1
    said = client.get(answer.headers["location"]).text
    assert "已记入账本" in said and "认定闲置" in said and "示闲〔2026〕7号" in said
    undo = re.search(r'href="(/reverse/[^"]+)">撤销', said)
    assert undo is not None
    shown = client.get(undo[1]).text
    assert "认定闲置" in shown
    assert client.post(undo[1], data={"reason": ""}).status_code == 422
    key = field(shown, "key", "<form method=")
    back = client.post(undo[1], data={"reason": "录入错误", "key": key})
    assert back.status_code == 303
    assert office.book.stream(name).state.custody.value == "store"
    after = client.get(path).text
    assert "<s>认定闲置" in after and "红冲" in after
    refused = client.post(undo[1], data={"reason": "再次"})
    assert refused.status_code == 409 and "已被红冲" in refused.text
    office.close()


def test_a_refused_form_comes_back_with_everything_typed(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk")
    row = some(office, custody="in_use", lock="none")
    typed = {"ground": "idle", "since": "2999-01-01", "evidence": "<b>打字半天</b>"}
    answer = client.post(f"/assets/{row['id']}/do/declare_idle", data=typed)
    assert answer.status_code == 409
    assert "起始日期" in answer.text and "&lt;b&gt;打字半天&lt;/b&gt;" in answer.text
    typed = {"fault": "", "vendor": "某维修店", "on": "2026-13-40"}
    answer = client.post(f"/assets/{row['id']}/do/send_for_repair", data=typed)
    assert answer.status_code == 422
    assert (
        "必填" in answer.text and "某维修店" in answer.text and 'aria-invalid="true"' in answer.text
    )
    as_(client, tokens, "auditor", "en")
    answer = client.post(f"/assets/{row['id']}/do/relocate", data={"place": row["place"] or "p"})
    assert answer.status_code == 409 and "Your role" in answer.text
    assert client.post(f"/assets/{row['id']}/do/lend", data={}).status_code == 404


def test_who_comes_second_sees_what_changed(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk")
    row = some(office, custody="in_use", lock="none")
    path = f"/assets/{row['id']}"
    page = client.get(path).text
    version = field(page, "version", "do/record_damage")
    first = client.post(f"{path}/do/record_damage", data={"text": "屏幕破损", "version": version})
    assert first.status_code == 303
    second = {"text": "外壳破损", "version": version}
    answer = client.post(f"{path}/do/record_damage", data=second)
    assert answer.status_code == 409
    assert "屏幕破损" in answer.text and "外壳破损" in answer.text
    second["version"] = field(answer.text, "version", "do/record_damage")
    assert client.post(f"{path}/do/record_damage", data=second).status_code == 303


def test_a_case_begins_with_the_chosen_assets(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk")
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    rows = [
        r
        for r in office.models.rows(
            inventory.listing(
                EVERYTHING, Filters(custodian=account.unit, custody="store"), limit=200
            )
        )
        if r["kind"] not in ("vehicle", "premises")
        and r["lock"] == "none"
        and r["book"] == "on_books"
    ][:2]
    chosen = [row["id"] for row in rows]
    assert chosen
    page = client.get("/cases/new", params={"kind": "intake", "asset": [*chosen, "NOSUCH"]}).text
    assert 'value="NOSUCH"' not in page
    action = re.search(r'action="(/cases/intake/[^"]+/do/apply)"', page)
    assert action is not None
    warehouse = re.search(r'<option value="([^"]+)"[^>]*>[^<]*仓', page)
    assert warehouse is not None
    typed = {
        "key": field(page, "key", action[1]),
        "version": "0",
        "unit": account.unit,
        "ground": "idle",
        "warehouse": warehouse[1],
        "assets": chosen,
    }
    faulty = client.post(action[1], data={**typed, "warehouse": ""})
    assert faulty.status_code == 422 and all(id_ in faulty.text for id_ in chosen)
    answer = client.post(action[1], data=typed)
    assert answer.status_code == 303, answer.text[-3000:]
    shown = client.get(answer.headers["location"]).text
    assert "已申请" in shown and all(row["asset_no"] in shown for row in rows)
    card = client.get(f"/assets/{chosen[0]}").text
    assert "审批中" in card and "/cases/intake/" in card


def test_nothing_people_wrote_is_ever_markup(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "clerk")
    row = some(office, custody="in_use", lock="none")
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
    path = f"/assets/{row['id']}"
    assert client.post(f"{path}/do/record_damage", data={"text": attack}).status_code == 303
    for address in (path, "/audit", f"/entries/{office.book.head()[0]}"):
        text = client.get(address).text
        assert "<script>alert" not in text and "<img src=x" not in text
        assert "{{7*7}}" in text
    assert "<script>alert" not in client.get("/scan", params={"code": attack}).text
    assert "<script>alert" not in client.get("/assets", params={"text": attack}).text


def test_only_auditors_verify_and_the_verdict_is_said(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    assert as_(client, tokens, "clerk").post("/audit/verify").status_code == 403
    client = as_(client, tokens, "auditor")
    root = office.book.head()[1].hex()  # that it was checked is on the record after it
    text = client.post("/audit/verify").text
    assert "完整性：通过" in text and root in text


@pytest.mark.target("T11")
def test_old_entries_show_the_names_of_their_time(
    office: Office, client: TestClient, tokens: dict[str, str]
) -> None:
    as_(client, tokens, "auditor")
    renamed = next(
        entry for entry in office.book.entries() if entry.event.type_name == "unit.renamed"
    )
    text = client.get(f"/units/{renamed.stream.partition('/')[2]}").text
    assert renamed.event.name in text  # type: ignore[attr-defined] # of a UnitRenamed
    names = re.search(r"历次名称</h2>(.*?)</ul>", text, re.DOTALL)
    assert names is not None and names[1].count("<li>") >= 2


def test_a_budget_is_kept(client: TestClient, office: Office, tokens: dict[str, str]) -> None:
    """Own style and scripts stay small; an office page weighs at most 80 kB gzipped."""
    import gzip

    as_(client, tokens, "clerk")
    parts = [client.get("/assets?dataset=example").content]
    names = ("vendor/bootstrap.min.css", "vendor/htmx.min.js", "vendor/icons.svg")
    own = ("office.css", "office.js")
    parts += [client.get(f"/static/{name}").content for name in (*names, *own)]
    assert sum(len(gzip.compress(part, 9)) for part in parts) <= 80_000


def test_scripts_speak_the_language_of_old_browsers() -> None:
    for path in (TEMPLATES.parent / "static").glob("*.js"):
        code = re.sub(r"'[^'\n]*'", "''", path.read_text("utf-8"))
        assert re.findall(r"=>|\?\.|\?\?|`|\b(?:let|const|class|async)\b", code) == [], path.name


def test_a_database_that_is_away_is_a_page_that_says_so(
    office: Office, client: TestClient, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.act import Unavailable

    def away(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(office.models, "rows", away)
    answer = as_(client, tokens, "clerk", "en").get("/assets")
    assert answer.status_code == 503 and "cannot be reached" in answer.text


def test_a_mistake_of_ours_tells_the_reader_a_number_and_nothing_else(
    office: Office,
    client: TestClient,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(office.models, "rows", broken)
    answer = as_(client, tokens, "clerk").get("/assets", headers={"x-request-id": "request-777"})
    assert answer.status_code == 500
    assert "request-777" in answer.text and "管理员" in answer.text
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    assert "request-777" in caplog.text and "secret detail" in caplog.text


@pytest.mark.target("T09")
def test_an_erased_name_is_gone_from_every_page(database: str) -> None:
    office = furnished(database)
    client = TestClient(create_app(office.settings, office))
    auditor = next(a for a in office.accounts.all() if a.login == "auditor")
    client.cookies.set("session", office.accounts.sign_in(auditor))
    row = some(office, custody="in_use")
    name = office.accounts.name_of(row["user"])
    paths = (f"/assets/{row['id']}", f"/assets?text={row['asset_no']}", "/assets.csv")
    assert all(name in client.get(path).text for path in paths)
    office.accounts.erase(row["user"])
    alike = {p for p, n in office.accounts.names("zh").items() if n == name}
    for path in paths[:2] if alike else paths:
        text = client.get(path).text
        assert name not in text and "姓名已删除" in text
    assert "完整性：通过" in client.post("/audit/verify").text
    office.close()
