"""What a unit may see of the others: nothing, on every route there is, whatever it asks.

The city is asked for by people of a unit that no entry of it names.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from argon2 import PasswordHasher
from doors import PASSWORD, UNHURRIED
from fastapi.testclient import TestClient
from httpx import Response
from psycopg import sql
from sqlalchemy import func, select, text

from api import city, pages
from api.app import create_app
from api.office import Actor, Office
from api.settings import Settings
from api.sight import CALLED, KEPT_OF_UNITS, OF_A_UNIT, OPEN, named_in
from domain.decider import LIFECYCLES
from domain.words import Role
from projections.cases import cases
from projections.following import LISTS
from projections.inventory import inventory
from projections.rows_in_sight import OF_UNITS, View, setting_up, viewing
from projections.scope import Scope

MINE = "o_stranger"
THEIRS = "o_ex_edu"
ROLES = ("clerk", "keeper", "head", "accountant", "cashier", "department")
NEVER = "Z0NEVER"
# Addresses with a name in them that is not that of a thing of a unit, and why a stranger may ask.
OF_NOBODY = {
    "/8004/{id_:path}": "a code as it was scanned; leads on",
    "/obj/{id_:path}": "a code as it was scanned; leads on",
    "/catalogue/{number}.jpg": "public",
    "/{path:path}": "nothing",
    "/audit/v1/checkpoints/{size}": "public",
    "/audit/v1/periods/{unit}": "auditors",
    "/audit/v1/replays/{id}": "auditors",
    "/entries/{position}": "looked at by its page, see below",
    "/epcis/capture/{id}": "who sent it",
    "/epcis/capture/{id}/events": "who sent it",
    "/labels/printed/{span}": "named by position",
    "/labels/printed/{span}/file": "named by position",
}


@dataclass
class Town:
    """The city, its application, and who asks."""

    office: Office
    http: TestClient
    tokens: dict[str, str] = field(default_factory=dict)  # of sessions, by role
    raw: dict[str, str] = field(default_factory=dict)  # what was ever said of each stream

    def hidden(self, kind: str) -> list[str]:
        """Return the ids of a kind of which no entry names the stranger, and which are not offered."""
        return [
            name.partition("/")[2]
            for name, said in self.raw.items()
            if name.startswith(f"{kind}/") and MINE not in said and not self.offered(name)
        ]

    def offered(self, name: str) -> bool:
        return name.startswith("asset/") and self.office.book.stream(name).state.listed

    def ask(self, method: str, path: str, role: str = "clerk", **more: Any) -> Response:
        """Ask as a program, or where a person would, with the session of one."""
        if path.startswith(("/api/", "/audit/v1/", "/epcis/")):
            return self.http.request(method, path, auth=(role, PASSWORD), **more)
        headers = {"accept": "text/html", "cookie": f"session={self.session(role)}"}
        more["headers"] = more.get("headers", {}) | headers
        return self.http.request(method, path, **more)

    def session(self, role: str) -> str:
        if role not in self.tokens:
            account = self.office.accounts.find(role)
            assert account is not None
            self.tokens[role] = self.office.accounts.sign_in(account, account.posts[0])
        return self.tokens[role]


def built(database: str) -> Generator[Town, None, None]:
    office = Office.open(Settings(database=database, label_host="id.example", **UNHURRIED))
    office.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    city.load(office.book)
    admin = Actor(person="u_admin", unit=MINE, role=Role.ADMIN)
    office.ask(f"unit/{MINE}", "establish", {"name": "外市某局", "kind": "organ"}, admin)
    for role in (*ROLES, "auditor"):
        office.accounts.create(role, PASSWORD, f"u_s_{role}", role, MINE, [role])
    app = create_app(office.settings, office)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
        town = Town(office, http)
        for entry in office.book.entries():
            if not entry.stream.startswith("unit/"):
                town.raw[entry.stream] = town.raw.get(entry.stream, "") + entry.state.decode()
        yield town


@pytest.fixture(scope="module")
def town(
    backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Town]:
    """The city in a file, and on a server as a role that row-level security holds."""
    if backend == "sqlite":
        yield from built(f"sqlite:///{tmp_path_factory.mktemp('town') / 'l.db'}")
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"t_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server, autocommit=True) as c:
        for sentence in setting_up(name, name):
            c.execute(sentence)  # type: ignore[arg-type] # ours, with names of letters and digits
    url = urlsplit(server)
    where = url.netloc.rpartition("@")[2]
    try:
        yield from built(urlunsplit(url._replace(netloc=f"{name}@{where}", path=f"/{name}")))
    finally:
        with psycopg.connect(server, autocommit=True) as c:
            c.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            c.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def routes(town: Town) -> set[tuple[str, str]]:
    """Return every method and path, of programs and of people."""
    app: Any = town.http.app
    found = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }
    for part in pages.PARTS:
        for route in part.router(town.office).routes:
            found |= {(m, getattr(route, "path", "")) for m in getattr(route, "methods", ())}
    return found


def addressed(path: str, id_of: dict[str, str]) -> Iterator[str]:
    """Yield a path with what it names filled in; once for each kind where it is for any."""
    words = path.split("/")
    kinds = ["loan", "disposal"] if {"{kind}", "{thing}"} & set(words) else [""]
    for kind in kinds:
        filled: list[str] = []
        for n, word in enumerate(words):
            before = filled[-1] if filled else ""
            if word in ("{kind}", "{thing}"):
                filled.append(kind)
            elif word in ("{id}", "{id_}", "{unit}", "{name}", "{session}"):
                named = CALLED.get(before, before)
                if before == "units" and filled[-2] in KEPT_OF_UNITS:
                    named = KEPT_OF_UNITS[filled[-2]]
                named = "stocktake" if word == "{session}" else named
                filled.append(id_of.get(named, id_of["asset"]))
            else:
                filled.append(re.sub(r"\{(\w+)(?::path)?\}", lambda m: GIVEN.get(m[1], "x"), word))
            assert n + 1 == len(filled)
        yield "/".join(filled)


GIVEN = {
    "ending": "csv",
    "sha256": "0" * 64,
    "seq": "1",
    "path": "x",
    "id_": NEVER,
    "number": "1",
    "device": "d1",
    "verb": "lend",
    "form": "record-sheet",
    "span": "1-2",
    "position": "1",
    "size": "1",
    "year": "2026",
    "login": "admin",
    "step": "map",
    "act": "close",
    "token": "x",
}


def same(one: Response, other: Response, first: str, second: str) -> bool:
    """Tell whether two answers say the same, but for the name that was asked for."""

    def said(answer: Response, id_: str) -> str:
        text = answer.text.replace(id_, "ID")
        return re.sub(r'"request":"\w+"|[0-9a-f]{16}', "", text)

    return one.status_code == other.status_code and said(one, first) == said(other, second)


# Of these there is none in the city; their routes are those of all the others.
NOT_IN_THE_CITY = {
    "access", "acquisition", "allocation", "audit", "exchange", "folder", "giai", "recovery", "statement",
    "stocktake", "watch",
}  # fmt: skip


def questions(town: Town) -> Iterator[tuple[str, str, str]]:
    """Yield each address of something of others, the same of nothing, and its name."""
    theirs = {kind: next(iter(town.hidden(kind)), "") for kind in LIFECYCLES}
    theirs |= dict.fromkeys(OF_A_UNIT, THEIRS) | {"person": "u_ex_edu_clerk1"}
    assert {kind for kind, id_ in theirs.items() if not id_} - OPEN == NOT_IN_THE_CITY
    theirs |= dict.fromkeys(NOT_IN_THE_CITY | OPEN, "X1")
    missing = dict.fromkeys(LIFECYCLES, NEVER)
    for method, path in sorted(routes(town)):
        if method == "GET" and "{" in path and path not in OF_NOBODY:
            both = zip(addressed(path, theirs), addressed(path, missing), strict=True)
            for here, there in both:
                named = [name.partition("/") for name, _ in named_in(here)]
                if not named:  # whatever it is called by, it is none of their names
                    for id_ in (theirs["asset"], THEIRS, theirs["person"]):
                        yield here.replace(theirs["asset"], id_), there, id_
                elif named[0][0] not in OPEN:
                    yield here, there, named[0][2]


@pytest.mark.target("T121")
def test_what_a_stranger_asks_for_is_as_if_it_had_never_been(town: Town) -> None:
    told, asked = list[str](), 0
    for here, there, id_ in questions(town):
        one, other = town.ask("GET", here), town.ask("GET", there)
        asked += 1
        if id_ in here and not same(one, other, id_, NEVER):
            told.append(f"{one.status_code}/{other.status_code} {here} {one.text[:200]}")
    assert told == []
    assert asked > 150


@pytest.mark.target("T121")
def test_whoever_it_concerns_sees_it_and_the_auditor_sees_all(town: Town) -> None:
    """What is refused above is there: else refusing everything would do."""
    card = town.hidden("asset")[0]
    assert town.ask("GET", f"/api/v1/asset/{card}", "auditor").status_code == 200
    assert town.ask("GET", f"/assets/{card}", "auditor").status_code == 200
    answered = 0
    for here, _, _ in questions(town):
        if here.startswith("/api/"):
            answered += town.ask("GET", here, "auditor").status_code == 200
    assert answered > 40


@pytest.mark.target("T121")
def test_no_role_but_those_that_watch_sees_the_things_of_others(town: Town) -> None:
    for role in ROLES:
        for kind in ("asset", "loan", "disposal", "person", "due", "plan"):
            id_ = "u_ex_edu_clerk1" if kind == "person" else town.hidden(kind)[0]
            assert town.ask("GET", f"/api/v1/{kind}/{id_}", role).status_code == 404, role


@pytest.mark.target("T121")
def test_an_entry_of_others_is_as_one_that_was_never_recorded(town: Town) -> None:
    name = f"asset/{town.hidden('asset')[0]}"
    position = town.office.book.stream(name).entries[0].position
    size = town.office.book.head()[0]
    assert town.ask("GET", f"/entries/{position}", "auditor").status_code == 200
    one, other = town.ask("GET", f"/entries/{position}"), town.ask("GET", f"/entries/{size + 9}")
    assert same(one, other, str(position), str(size + 9)) and one.status_code == 404
    asked = {"stream": name, "seq": "1"}
    proof = town.ask("GET", "/audit/v1/proofs/inclusion", params=asked)
    assert proof.status_code == 404
    # Whatever else is named by a position, by who sent it, or is for those who watch.
    for path in (
        "/labels/printed/{}-{}",
        "/labels/printed/{}-{}/file",
        "/api/v1/epcis/capture/{}{}",
        "/api/v1/epcis/capture/{}{}/events",
    ):
        for role in ("clerk", "keeper"):
            here = town.ask("GET", path.format(position, position), role)
            there = town.ask("GET", path.format(size + 8, size + 9), role)
            assert (here.status_code, here.headers["content-type"]) == (
                there.status_code,
                there.headers["content-type"],
            ), path
            assert here.status_code in (403, 404), path
    for path in ("/audit/v1/periods/{}", "/audit/v1/replays/{}"):
        one, other = town.ask("GET", path.format(THEIRS)), town.ask("GET", path.format(NEVER))
        assert same(one, other, THEIRS, NEVER) and one.status_code in (403, 404)
    assert town.ask("GET", "/api/v1/entries").status_code == 403


# What lists may show of others: what is offered to all.
SHOWN_TO_ALL = {"/offers", "/offers.csv", "/offers.xlsx", "/api/v1/offers/export"}


@pytest.mark.target("T121")
def test_no_list_shows_a_stranger_a_thing_of_others(town: Town) -> None:
    hidden = {
        id_
        for kind in LIFECYCLES
        if kind not in OPEN | OF_A_UNIT | {"person"}
        for id_ in town.hidden(kind)
        if len(id_) > 6
    }
    assert len(hidden) > 300
    told, asked = list[str](), 0
    for method, path in sorted(routes(town)):
        if method != "GET" or "{" in path or path == "/logout":
            continue
        answer = town.ask("GET", path)
        asked += 1
        found = [id_ for id_ in hidden if id_ in answer.text]
        if found and path not in SHOWN_TO_ALL:
            told.append(f"{path}: {found[:5]}")
        if answer.status_code >= 500:
            told.append(f"{path}: {answer.status_code}")
    assert told == []
    assert asked > 60


@pytest.mark.target("T121")
def test_a_stranger_asks_nothing_of_a_thing_of_others(town: Town) -> None:
    """Each verb there is, of each kind there is; what cannot begin is as of what never was."""
    size, told = town.office.book.head()[0], list[str]()
    theirs = {kind: town.hidden(kind)[0] for kind in LIFECYCLES if town.hidden(kind)}
    theirs |= dict.fromkeys(OF_A_UNIT, THEIRS)
    for kind in sorted(theirs.keys() - OPEN):
        for verb in LIFECYCLES[kind].verbs.values():
            if verb.inner:
                continue
            path = f"/api/v1/{kind}/{{}}/{verb.name}"
            headers = {"Idempotency-Key": f"{kind}-{verb.name}"}
            one = town.ask("POST", path.format(theirs[kind]), json={}, headers=headers)
            other = town.ask("POST", path.format(NEVER), json={}, headers=headers)
            if kind in OF_A_UNIT:  # of none there is more to say: it is of no unit at all
                if one.status_code != 404:
                    told.append(f"{one.status_code} {one.url}")
            elif not same(one, other, theirs[kind], NEVER) or one.status_code < 400:
                told.append(f"{one.status_code}/{other.status_code} {one.url}")
    asset = theirs["asset"]
    for path in (f"/assets/{asset}/do/lend", f"/reverse/asset/{asset}/1", f"/files/asset/{asset}"):
        answer = town.ask("POST", path, data={"reason": "x"})
        if answer.status_code != 404:
            told.append(f"{answer.status_code} {path}")
    back = town.ask(
        "POST",
        f"/api/v1/asset/{asset}/entries/1/reverse",
        json={"reason": "x"},
        headers={"Idempotency-Key": "back"},
    )
    assert back.status_code == 404
    assert told == []
    assert town.office.book.head()[0] == size


@pytest.mark.target("T121")
def test_what_is_there_is_not_told_by_trying_to_begin_it(town: Town) -> None:
    """Badly filled in, or only tried: as of what never was. It is recorded under no name there is."""
    size, told, tried, begun = town.office.book.head()[0], list[str](), 0, 0
    for kind in sorted(LIFECYCLES.keys() - OPEN - OF_A_UNIT):
        theirs = next(iter(town.hidden(kind)), "")
        for verb in LIFECYCLES[kind].verbs.values() if theirs else ():
            if verb.inner:
                continue
            for role in ("clerk",) if verb.name not in BEGINNINGS else ("clerk", "keeper"):
                for body, asked in (
                    *(({}, more) for more in ("", "?dry_run=true")),
                    *((form, "?dry_run=true") for form in BEGINNINGS.get(verb.name, ())),
                ):
                    headers = {"Idempotency-Key": f"try-{kind}-{verb.name}-{role}"}
                    ways = [
                        town.ask(
                            "POST",
                            f"/api/v1/{kind}/{id_}/{verb.name}{asked}",
                            role,
                            json=body,
                            headers=headers,
                        )
                        for id_ in (theirs, NEVER)
                    ]
                    tried += 1
                    begun += ways[1].status_code != 404
                    if not same(ways[0], ways[1], theirs, NEVER):
                        told.append(f"{ways[0].status_code}/{ways[1].status_code} {ways[0].url}")
    assert told == []
    assert tried > 300 and begun > 20
    # All filled in, it would be recorded: here the answers part, and the attempt leaves a trace.
    theirs = town.hidden("asset")[0]
    (card,) = BEGINNINGS["register_existing"]
    path, headers = f"/api/v1/asset/{theirs}/register_existing", {"Idempotency-Key": "take"}
    assert town.ask("POST", f"{path}?dry_run=true", json=card).status_code == 200
    assert town.ask("POST", path, json=card, headers=headers).status_code == 404
    assert town.office.book.head()[0] == size


@pytest.mark.target("T121")
def test_nobody_opens_a_card_a_plan_or_a_census_in_the_books_of_others(town: Town) -> None:
    """Nor names another unit as the keeper of what is theirs."""
    size = town.office.book.head()[0]
    (card,) = BEGINNINGS["register_existing"]
    delivery = {"name": "办公桌", "kind": "furniture"}
    for path, role, form in (
        ("asset/WS-9/register_existing", "clerk", card),
        ("asset/WS-9/receive", "clerk", delivery),
        ("plan/WS-9/draft", "clerk", {"title": "计划", "year": 2027}),
        (
            "census/WS-9/open_census",
            "head",
            {"trigger": "ordered", "base_date": "2026-01-01", "due": "2027-01-01"},
        ),
    ):
        said = {
            unit: town.ask("POST", f"/api/v1/{path}?dry_run=true", role, json=form | {"unit": unit})
            for unit in (MINE, THEIRS)
        }
        assert said[MINE].status_code == 200, said[MINE].text
        assert said[THEIRS].status_code == 409, path
        assert said[THEIRS].json()["slug"] in {"books-of-others", "unit-not-yours"}
    kept = card | {"custodian": THEIRS}
    other = town.ask("POST", "/api/v1/asset/WS-9/register_existing?dry_run=true", json=kept)
    assert other.status_code == 409 and other.json()["slug"] == "keeper-of-others"
    assert town.office.book.head()[0] == size


BEGINNINGS = {
    "register_existing": (
        {"asset_no": "WS-001", "name": "办公桌", "kind": "furniture", "unit": MINE},
    ),
}


PUBLIC = {
    "/8004/{id_:path}", "/catalogue", "/catalogue.csv", "/catalogue.json",
    "/catalogue/{number}.jpg", "/login", "/obj/{id_:path}", "/{path:path}",
    "/scan/app.webmanifest", "/scan/count", "/scan/me", "/scan/sw.js", "/ca", "/ca.crt", "/logout", "/look", "/role",
}  # fmt: skip


@pytest.mark.target("T121")
def test_who_did_not_sign_in_gets_nowhere(town: Town) -> None:
    told, size = list[str](), town.office.book.head()[0]
    theirs = [*town.hidden("asset"), *town.hidden("loan"), *town.hidden("disposal")]
    ids = dict.fromkeys(LIFECYCLES, theirs[0])
    for method, path in sorted(routes(town)):
        if path in PUBLIC or method == "HEAD":
            continue
        for here in addressed(path, ids):
            answer = town.http.request(method, here, json={} if method != "GET" else None)
            told_something = any(id_ in answer.text for id_ in theirs if id_ not in here)
            if (answer.status_code < 300 and (method != "GET" or told_something)) or (
                path.startswith("/api/v1/") and answer.status_code != 401
            ):
                told.append(f"{answer.status_code} {method} {here}")
    assert told == []
    assert town.office.book.head()[0] == size


@pytest.mark.target("T121")
def test_every_route_that_writes_refuses_the_auditor(town: Town) -> None:
    """But the three that make a finding, which are the auditor's own (`note`)."""
    size, told = town.office.book.head()[0], list[str]()
    theirs = {kind: next(iter(town.hidden(kind)), "X1") for kind in LIFECYCLES}
    theirs |= dict.fromkeys(OF_A_UNIT, THEIRS)
    for method, path in sorted(routes(town)):
        if method in ("GET", "HEAD") or path in PUBLIC:
            continue
        for here in addressed(path, theirs):
            headers = {"Idempotency-Key": f"auditor-{here}"}
            answer = town.ask(method, here, "auditor", json={}, headers=headers)
            if answer.status_code >= 500:
                told.append(f"{answer.status_code} {method} {here} {answer.text}")
    written = {e.stream for e in town.office.book.entries(size + 1)} if size else set()
    assert told == []
    assert {name for name in written if not name.startswith(("note/", "audit/"))} == set()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/v1/asset/A1/lend", [("asset/A1", "lend")]),
        ("/api/v1/asset/new/register_existing", []),
        ("/api/v1/papers/loan/L1/receipt.pdf", [("loan/L1", "receipt.pdf")]),
        ("/cases/loan/L1/do/agree", [("loan/L1", "agree")]),
        ("/files/asset/A1/" + "0" * 64, [("asset/A1", "0" * 64)]),
        ("/people/u_1", [("person/u_1", "")]),
        ("/books/units/o_1/annual.xlsx", [("depreciation/o_1", "annual.xlsx")]),
        ("/labels/units/o_1", [("labels/o_1", "")]),
        ("/labels/preview.png", []),
        ("/audit/bundle", []),
        ("/audit/reads/R1", [("audit/R1", "")]),
        ("/cases/new", []),
        ("/", []),
    ],
)
def test_an_address_tells_what_it_names(path: str, names: list[tuple[str, str]]) -> None:
    assert named_in(path) == names


def test_a_scope_is_the_unit_what_is_below_it_and_for_who_decides_the_place(town: Town) -> None:
    office = town.office
    admin = Actor(person="u_admin", unit=MINE, role=Role.ADMIN)
    form = {"name": "外市某所", "kind": "organ", "parent": MINE}
    office.ask("unit/o_below", "establish", form, admin)
    form = {"name": "外市某站", "kind": "organ", "parent": "o_below"}
    office.ask("unit/o_deep", "establish", form, admin)
    below = {MINE, "o_below", "o_deep"}
    assert office.sight.scope(MINE, Role.CLERK).units == below
    assert office.sight.scope("o_deep", Role.HEAD).units == {"o_deep"}
    seen = office.sight.scope("o_ex_fin", Role.FINANCE).units
    assert seen is None or {THEIRS, "o_ex_fin"} < seen
    assert office.sight.scope("o_ex_fin", Role.ACCOUNTANT).units == {"o_ex_fin"}
    for role in (Role.AUDITOR, Role.ADMIN, Role.IMPORTER):
        assert office.sight.scope(MINE, role).units is None


# Behind it, on PostgreSQL -----------------------------------------------------------


@pytest.mark.target("T121")
def test_a_query_that_forgets_its_scope_shows_nothing_of_others(town: Town) -> None:
    """Nothing before it is known who asks, then what they may see; all of it for the ledger."""
    if town.office.book.url.startswith("sqlite"):
        return  # SQLite has no row-level security: there the scope of each query is all there is
    forgetful = select(inventory.c.accounting_unit, inventory.c.custodian, inventory.c.listed)
    with viewing(View()):
        assert all(row["listed"] for row in town.office.models.rows(forgetful))
        assert town.office.models.rows(select(cases)) == []
    with viewing(View(Scope(frozenset({THEIRS})))):
        rows = town.office.models.rows(forgetful)
        assert 0 < len([row for row in rows if not row["listed"]]) < 400
        assert all(THEIRS in (r["accounting_unit"], r["custodian"]) or r["listed"] for r in rows)
        seen = town.office.models.rows(select(cases))
        assert seen
        assert all(THEIRS in (r["from_unit"], r["to_unit"], r["step_unit"]) for r in seen)
    whole = town.office.models.rows(select(func.count().label("n")).select_from(inventory))
    assert whole[0]["n"] > 500


@pytest.mark.target("T121")
def test_what_a_question_may_see_does_not_stay_with_its_connection(town: Town) -> None:
    if town.office.book.url.startswith("sqlite"):
        return
    models = town.office.models
    with viewing(View(Scope(frozenset({THEIRS})))):
        models.rows(select(cases))
    for _ in range(5):  # whichever connection it is that the pool lends
        with models.engine.connect() as c:
            assert not c.execute(text("SELECT current_setting('gongwu.units', true)")).scalar()
            assert c.execute(text("SELECT count(*) FROM cases")).scalar() == 0


def test_every_list_with_a_unit_has_a_policy_or_is_for_all() -> None:
    for_all = {"name", "person", "place", "powers", "ruling", "unit", "wants"}
    named = {t.name for t in LISTS if not t.name.startswith("history_")}
    assert named - for_all == set(OF_UNITS)


@pytest.mark.target("T121")
def test_a_clerk_of_the_unit_finds_it_all_in_the_lists(town: Town) -> None:
    office = town.office
    if office.accounts.find("edu") is None:
        office.accounts.create("edu", PASSWORD, "u_ex_edu_clerk1", "", THEIRS, ["clerk"])
    page = town.ask("GET", "/api/v1/inventory?limit=1000", "edu").json()["items"]
    units = office.sight.scope(THEIRS, "clerk").units or frozenset()
    mine = office.whole(
        select(inventory.c.id).where(
            inventory.c.accounting_unit.in_(units) | inventory.c.custodian.in_(units),
            inventory.c.book != "gone",
        )
    )
    assert 0 < len(mine) < 400
    assert {row["id"] for row in page} == {row["id"] for row in mine}
    for path in ("/", "/assets", "/cases", "/offers", "/wants", "/open-steps", "/idle", "/units"):
        assert town.ask("GET", path, "edu").status_code == 200, path
    for row in page[:20]:
        assert town.ask("GET", f"/assets/{row['id']}", "edu").status_code == 200
