"""Programs can do whatever people can: every verb, every list, once and for all."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import msgspec
import msgspec.inspect
import pytest
import uvicorn
import zxingcpp
from doors import PASSWORD, PEOPLE, Door, app_of, registered, staffed
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from api import cli_serve, forms, papers, problems
from api.office import Office
from domain.decider import LIFECYCLES, Verb
from domain.values import END, LINE, PRINTABLE
from ledger import tree
from ledger.verifying import verify

MAY = "2026-05-01"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def local(database: str) -> Iterator[Office]:
    """An office on SQLite alone, for what no database can change."""
    with staffed(database) as office:
        yield office


@pytest.fixture
def door(local: Office) -> Door:
    return Door(app_of(local))


@contextmanager
def served(office: Office) -> Iterator[str]:
    """Serve an office on a real socket; lend its address."""
    listener = cli_serve.listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app_of(office), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield cli_serve.address(listener)
    finally:
        server.should_exit = True
        thread.join()


# Everything is there ------------------------------------------------------------


@pytest.mark.target("T114", "T20")
def test_every_verb_of_every_declaration_is_a_published_route(door: Door) -> None:
    published = door.http.get("/api/v1/openapi.json").json()["paths"]
    for kind, life in LIFECYCLES.items():
        for verb in life.verbs.values():
            route = published.get(f"/api/v1/{kind}/{{id}}/{verb.name}", {}).get("post")
            assert (route is None) == verb.inner, f"{kind}.{verb.name}"
            if route is None:
                continue
            assert route["operationId"] == f"{kind}_{verb.name}"
            assert verb.zh in route["summary"] and verb.en in route["summary"]
            body = route["requestBody"]["content"]["application/json"]["schema"]
            assert set(body["properties"]) == {*verb.form.__struct_fields__, "on", "docs"}
            for rule in verb.rules:
                assert rule.slug in route["description"]
        assert {f"/api/v1/{kind}/{{id}}", f"/api/v1/{kind}/{{id}}/history"} <= set(published)


def test_the_published_description_names_all_it_refers_to(door: Door) -> None:
    text = door.http.get("/api/v1/openapi.json").text
    published = door.http.get("/api/v1/openapi.json").json()
    for name in ("Problem", "Recorded"):
        assert f"#/components/schemas/{name}" in text
        assert name in published["components"]["schemas"]
    assert set(published["components"]["securitySchemes"]) == {"session", "basic", "token"}
    names = [r["operationId"] for p in published["paths"].values() for r in p.values()]
    assert len(names) == len(set(names))


# Writing once ---------------------------------------------------------------------


@pytest.mark.target("T115")
def test_a_repeated_request_gets_the_same_answer_and_records_nothing(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    first = door.post("asset/A1/issue", {"user": "u_li"}, key="once")
    size = office.book.head()[0]
    again = door.post("asset/A1/issue", {"user": "u_li"}, key="once")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content and again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert office.book.head()[0] == size


@pytest.mark.target("T115")
def test_a_key_is_not_taken_for_another_request(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    door.post("asset/A1/issue", {"user": "u_li"}, key="once")
    other = door.post("asset/A1/issue", {"user": "u_wu"}, key="once")
    assert (other.status_code, other.json()["slug"]) == (422, "key-reused")


@pytest.mark.target("T115")
def test_a_stale_version_is_a_conflict_that_names_the_current_one(office: Office) -> None:
    door = Door(app_of(office))
    etag = registered(door).headers["etag"]
    assert door.get("asset/A1").headers["etag"] == etag == '"1"'
    door.post("asset/A1/issue", {"user": "u_li"}, If_Match=etag)
    late = door.post("asset/A1/take_back", {}, If_Match=etag)
    assert late.status_code == 409 and late.headers["etag"] == '"2"'
    assert late.json() | {"slug": "version-conflict", "expected": 1, "current": 2} == late.json()
    assert door.post("asset/A1/take_back", {}, If_Match='"2"').status_code == 200


def test_a_repeated_request_is_answered_even_when_the_version_moved_on(door: Door) -> None:
    etag = registered(door).headers["etag"]
    first = door.post("asset/A1/issue", {"user": "u_li"}, key="once", If_Match=etag)
    again = door.post("asset/A1/issue", {"user": "u_li"}, key="once", If_Match=etag)
    assert again.content == first.content


def test_a_write_without_a_key_is_refused(door: Door) -> None:
    registered(door)
    answer = door.http.post(
        "/api/v1/asset/A1/issue", json={"user": "u_li"}, auth=("clerk", PASSWORD)
    )
    assert (answer.status_code, answer.json()["slug"]) == (400, "idempotency-key-required")


def test_the_server_names_a_new_thing_the_same_for_every_repetition(
    local: Office, door: Door
) -> None:
    registered(door)
    due = local.today() + timedelta(days=30)
    loan = {"lender": "o_a", "borrower": "o_b", "assets": ["A1"], "due": due.isoformat()}
    answers = [door.post("loan/new/request", loan | {"purpose": "会议"}, key="loan") for _ in "12"]
    assert answers[0].status_code == 200, answers[0].text
    assert answers[0].content == answers[1].content
    assert door.http.get(answers[0].headers["location"], auth=("clerk", PASSWORD)).is_success


@pytest.mark.target("T116")
def test_of_fifty_people_who_ask_at_once_one_gets_it_and_the_rest_are_told_why(
    office: Office,
) -> None:
    registered(Door(app_of(office)))
    with served(office) as url, httpx.Client(base_url=url, auth=("clerk", PASSWORD)) as client:

        def ask(number: int) -> httpx.Response:
            return client.post(
                "/api/v1/asset/A1/issue",
                json={"user": f"u_{number}"},
                headers={"Idempotency-Key": f"racer-{number}"},
                timeout=60,
            )

        with ThreadPoolExecutor(50) as racers:
            answers = list(racers.map(ask, range(50)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 49}
    losers = [a.json() for a in answers if a.status_code == 409]
    assert {loser["slug"] for loser in losers} == {"not-in-store"}
    assert all("现为" in loser["detail"] for loser in losers)
    assert office.book.stream("asset/A1").version == 2
    assert verify(office.book).intact


# Refusals say what, why and what else ------------------------------------------------


@pytest.mark.target("T20")
def test_a_refusal_names_state_rule_law_and_what_can_be_done(door: Door) -> None:
    registered(door)
    door.post("asset/A1/issue", {"user": "u_li"})
    zh = door.post("asset/A1/issue", {"user": "u_wu"}, Accept_Language="zh-CN,zh;q=0.9").json()
    en = door.post("asset/A1/issue", {"user": "u_wu"}, Accept_Language="en").json()
    assert zh["slug"] == en["slug"] == "not-in-store"
    assert "在用" in zh["detail"] and "in use" in en["detail"]
    assert {"verb": "take_back", "title": "交回"} in zh["allowed"]
    assert {"verb": "take_back", "title": "Take back"} in en["allowed"]
    assert zh["law"] and en["state"].startswith("Asset SL-001")


def test_a_role_that_may_not_ask_is_told_who_may(door: Door) -> None:
    registered(door)
    answer = door.post("asset/A1/issue", {"user": "u_li"}, who="auditor")
    assert (answer.status_code, answer.json()["slug"]) == (409, "not-your-role")


@pytest.mark.target("T10")
def test_a_mistake_is_taken_back_and_stays_visible(door: Door) -> None:
    registered(door)
    door.post("asset/A1/issue", {"user": "u_li"})
    answer = door.post("asset/A1/entries/2/reverse", {"reason": "登记有误"}, If_Match='"2"')
    assert answer.status_code == 200, answer.text
    assert door.get("asset/A1").json()["state"]["custody"] == "store"
    told = door.get("asset/A1/history").json()["items"]
    assert [item["stands"] for item in told] == [True, False, False]
    twice = door.post("asset/A1/entries/2/reverse", {"reason": "再来"})
    assert (twice.status_code, twice.json()["slug"]) == (409, "already-reversed")
    assert door.post("asset/A1/entries/9/reverse", {"reason": "无"}).status_code == 404


# Questions ------------------------------------------------------------------------


@pytest.mark.target("T02", "T03")
def test_one_thing_and_the_inventory_are_answered_as_of_a_past_day(office: Office) -> None:
    door = Door(app_of(office))
    registered(door, value=650_000, on=MAY)
    door.post("asset/A1/issue", {"user": "u_li", "on": "2026-05-10"})
    then = door.get("asset/A1", as_of="2026-05-09").json()
    assert then["state"]["custody"] == "store" and "allowed" not in then
    assert door.get("asset/A1", as_of="2026-05-10").json()["state"]["custody"] == "in_use"
    before = door.get("inventory", as_of="2026-04-30", totals="true").json()
    assert before == {"items": [], "next": None, "totals": []}
    on_day = door.get("inventory/totals", as_of=MAY, by="custody").json()
    assert on_day["totals"] == [{"currency": "CNY", "assets": 1, "value": 650_000, "unvalued": 0}]
    assert [c["key"] for c in on_day["counts"]] == ["store"]
    unknown = door.get("inventory", as_of="2026-05-10", known_at="2026-05-11").json()
    assert unknown["items"] == []  # it was recorded only today


def test_pages_of_the_inventory_follow_each_other_without_gap_or_repetition(door: Door) -> None:
    for number in range(7):
        registered(door, f"A{number}", asset_no=f"SL-{number}")
    seen: list[str] = []
    path = "/api/v1/inventory?limit=3"
    while path:
        answer = door.http.get(path, auth=("auditor", PASSWORD))
        seen += [item["asset_no"] for item in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "")
        assert bool(path) == bool(answer.json()["next"])
    assert seen == [f"SL-{n}" for n in range(7)]


def test_a_scan_is_understood_in_every_shape(door: Door) -> None:
    registered(door, serial="SN-9")
    for code in ("sl-001", "ＳＬ－００１", "https://id.example/obj/A1?r=1", "A1", "sn-9"):
        found = door.get("scan", code=code).json()
        assert [item["id"] for item in found["items"]] == ["A1"], code
    assert door.get("scan", code="没有的").json()["items"] == []


def test_a_label_is_printed_and_read_back(door: Door) -> None:
    registered(door)
    answer = door.get("assets/A1/label.png")
    assert answer.headers["content-type"] == "image/png"
    read = zxingcpp.read_barcodes(Image.open(BytesIO(answer.content)).convert("L"))
    assert [r.text for r in read] == ["https://id.example/obj/A1?r=1"]


def test_entries_are_given_as_stored_and_hash_to_the_published_root(
    local: Office, door: Door
) -> None:
    registered(door)
    frontier: list[bytes] = []
    items = door.get("entries").json()["items"]
    assert [i["position"] for i in items] == list(range(1, local.book.head()[0] + 1))
    stored = [bytes(row[4]) for page in local.book.log.rows(1) for row in page]
    assert [i["leaf"] for i in items] == [sha256(b"\x00" + s).hexdigest() for s in stored]
    tree.grow(0, frontier, (bytes.fromhex(i["leaf"]) for i in items))
    assert tree.root(frontier).hex() == door.get("head").json()["root"]


def test_auditors_and_administrators_check_the_whole_log(local: Office, door: Door) -> None:
    registered(door)
    for who in ("auditor", "admin"):
        verdict = door.get("verification", who=who).json()
        assert verdict["intact"] is True and verdict["size"] == local.book.head()[0]
        assert verdict["root"] == door.get("head").json()["root"]
    assert door.get("verification", who="clerk").status_code == 403


def test_an_unchanged_thing_is_not_sent_twice(door: Door) -> None:
    registered(door)
    answer = door.http.get(
        "/api/v1/asset/A1", headers={"If-None-Match": '"1"'}, auth=("clerk", PASSWORD)
    )
    assert (answer.status_code, answer.content) == (304, b"")


# Who calls --------------------------------------------------------------------------


def test_nobody_reads_or_writes_unknown(door: Door) -> None:
    for path in ("inventory", "head", "asset/A1", "entries"):
        for auth in (None, ("clerk", "wrong password"), ("nobody", PASSWORD)):
            answer = door.http.get(f"/api/v1/{path}", auth=auth)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic")
            assert answer.json()["slug"] == "not-signed-in"


def test_the_session_of_the_pages_opens_this_door_too(local: Office, door: Door) -> None:
    registered(door)
    account = local.accounts.find("clerk")
    assert account is not None
    door.http.cookies.set("session", local.accounts.sign_in(account))
    assert door.http.get("/api/v1/asset/A1").status_code == 200


def test_a_closed_log_in_is_out_at_once(local: Office, door: Door) -> None:
    assert door.get("head", who="clerk").status_code == 200
    local.accounts.disable("clerk")
    assert door.get("head", who="clerk").status_code == 401


def test_a_role_is_taken_only_when_it_was_granted(door: Door) -> None:
    headers = {"Gongwu-Role": "finance"}
    answer = door.http.get("/api/v1/head", headers=headers, auth=("clerk", PASSWORD))
    assert (answer.status_code, answer.json()["slug"]) == (403, "role-not-granted")


@pytest.mark.target("T12")
def test_the_record_says_by_which_door_and_request_it_came(local: Office, door: Door) -> None:
    registered(door)
    answer = door.post("asset/A1/issue", {"user": "u_li"}, X_Request_ID="req-12345678")
    assert answer.headers["x-request-id"] == "req-12345678"
    entry = local.book.stream("asset/A1").entries[-1]
    assert (entry.beside.via.channel, entry.beside.via.request) == ("api", "req-12345678")
    assert (entry.actor, entry.beside.via.role) == ("u_clerk", "clerk")


# What is written about it -------------------------------------------------------------


def test_the_guide_names_only_what_there_is_and_all_of_it(door: Door) -> None:
    guide = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text()
    published = door.http.get("/api/v1/openapi.json").json()["paths"]
    kinds = re.search(r"^`\{kind\}`：(.*)。$", guide, re.MULTILINE)
    assert kinds and set(kinds[1].split("、")) == set(LIFECYCLES)
    named = {
        path for _, path in re.findall(r"(GET|POST) (/(?:api/v1|audit/v1|epcis)/[^\s`]*)", guide)
    }
    told = {p.replace("{kind}", k).replace("{verb}", "issue") for p in named for k in LIFECYCLES}
    verbs = {f"/api/v1/{k}/{{id}}/{v}" for k, life in LIFECYCLES.items() for v in life.verbs}
    left = {(kind, form.value) for kind in LIFECYCLES for form in papers.forms_of(kind)}
    forms_told = re.search(r"^`\{form\}`：(.*)。$", guide, re.MULTILINE)
    assert forms_told and set(forms_told[1].split("、")) == {form for _, form in left}
    assert "/api/v1/papers/{kind}/{id}/{form}.pdf" in named
    told = {path for path in told if "{form}" not in path}
    told |= {f"/api/v1/papers/{kind}/{{id}}/{form}.pdf" for kind, form in left}
    assert set(published) - verbs == told - verbs - {
        f"/api/v1/{k}/{{id}}/issue" for k in LIFECYCLES
    }
    for slug in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", guide):
        sources = (Path(problems.__file__).parent).glob("*.py")
        assert any(f'"{slug}"' in source.read_text() for source in sources), slug


# Whatever the schema allows -------------------------------------------------------------


def pattern_of(verb: Verb, field: str) -> str:
    """Return how a text must be written beyond what every line is; '' for any line."""
    info = msgspec.inspect.type_info(verb.form)
    assert isinstance(info, msgspec.inspect.StructType)
    (kind,) = (f.type for f in info.fields if f.name == field)
    for one in getattr(kind, "types", (kind,)):
        pattern = one.pattern if isinstance(one, msgspec.inspect.StrType) else None
        if pattern and pattern not in (LINE, PRINTABLE):
            return str(pattern).removesuffix(END)
    return ""


def written(field: forms.Field, pattern: str) -> st.SearchStrategy[Any]:
    """Return values that a form may hold in a field, as a program writes them."""
    ids = st.sampled_from(["A1", "o_a", "u_head", "nobody"])
    match field.type:
        case "choice":
            return st.sampled_from([value for value, _ in field.choices])
        case "money":
            return st.integers(0, 2**53 - 1)
        case "int":
            least = 1 if field.least is None else field.least
            return st.integers(least, 9999 if field.most is None else field.most)
        case "bool":
            return st.booleans()
        case "date":
            return st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(date.isoformat)
        case "quantity":
            return st.integers(0, 10**6).map(str)
        case "choices":
            return st.lists(st.sampled_from([value for value, _ in field.choices]), max_size=2)
        case "assets" | "units":
            return st.lists(ids, max_size=3)
        case "rows":
            held = {c.name: written(c, "") for c in field.columns}
            asked = {c.name: held.pop(c.name) for c in field.columns if c.required}
            return st.lists(st.fixed_dictionaries(asked, optional=held), max_size=2)
        case "stream":
            return st.just("loan/X")
        case "text" | "long":
            if field.named:
                return ids
            if pattern:
                plain = st.characters(min_codepoint=33, max_codepoint=126)
                least, most = field.chars_min or 0, field.chars_max or 80
                made = st.from_regex(pattern, fullmatch=True, alphabet=plain)
                return made.filter(lambda text: least <= len(text) <= most)
            return st.text("公物 abc1-", min_size=field.chars_min or 1, max_size=20)
        case _:
            return ids


OFFERED = [v for life in LIFECYCLES.values() for v in life.verbs.values() if not v.inner]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], str]:
    """Return a verb, a thing, a body that its schema allows, and a role that may ask it."""
    verb = draw(st.sampled_from(OFFERED))
    held = {f.name: written(f, pattern_of(verb, f.name)) for f in forms.fields(verb)}
    asked = {f.name: held[f.name] for f in forms.fields(verb) if f.required}
    more = {f.name: held[f.name] for f in forms.fields(verb) if not f.required}
    body = draw(st.fixed_dictionaries(asked, optional=more))
    role = draw(st.sampled_from(sorted(verb.roles & set(PEOPLE)) or ["admin"]))
    return verb.kind, verb.name, body, role


@pytest.fixture(scope="module")
def busy(module_database: str) -> Iterator[Door]:
    with staffed(module_database) as office:
        registered(Door(app_of(office)))
        yield Door(app_of(office))


@pytest.mark.target("T114")
@given(requests(), st.sampled_from(["A1", "new", "X"]))
def test_what_the_schema_allows_is_done_or_refused_with_a_reason_never_our_mistake(
    busy: Door, request_: tuple[str, str, dict[str, Any], str], id_: str
) -> None:
    kind, verb, body, role = request_
    answer = busy.post(f"{kind}/{id_}/{verb}", body, who=role)
    assert answer.status_code in (200, 404, 409), f"{kind}.{verb} {body}: {answer.text}"
    assert answer.is_success or (answer.json()["slug"] and answer.json()["detail"])


@pytest.mark.target("T121")
def test_the_auditor_reads_everything_and_writes_nothing(local: Office, door: Door) -> None:
    registered(door)
    size = local.book.head()[0]
    for verb in OFFERED:
        answer = door.post(f"{verb.kind}/A1/{verb.name}", {}, who="auditor")
        assert answer.status_code in (409, 422), f"{verb.kind}.{verb.name}"
        assert answer.status_code == 422 or answer.json()["slug"] == "not-your-role"
    mistake = door.post("asset/A1/entries/1/reverse", {"reason": "误"}, who="auditor")
    assert (mistake.status_code, mistake.json()["slug"]) == (409, "not-your-role")
    assert local.book.head()[0] == size
    for path in ("asset/A1/history", "entries", "inventory", "cases"):
        assert door.get(path, who="auditor").status_code == 200
