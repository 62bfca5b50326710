"""Every page there is, and who looks at it: from the routes and the demonstration's own data.

A new page is among them by itself; if nothing of the data fits its address, `visits` says so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from starlette.testclient import TestClient
from test_pages import furnished

from api import (
    city_bank,
    city_books,
    city_income,
    city_reuse,
    city_stocktakes,
    demo,
    kept_forms,
    navigation,
    pages,
    pages_charts,
    tls,
)
from api.accounts import Account, Stage
from api.app import create_app
from api.office import Actor, Office
from api.sight import CALLED, KEPT_OF_UNITS, OF_A_UNIT
from domain.label_design import stock_id
from domain.labelling import LabelPrinted
from projections import cases, inventory
from projections.scope import Filters

# Who has something to do on a page before who only looks on.
LOGINS = (
    "clerk", "keeper", "accountant", "cashier", "head", "department", "office", "finance",
    "government", "admin", "auditor",
)  # fmt: skip
UNIT = "o_ex_edu"
NOBODY, HALF = "", "half"  # who has not signed in; who gave a password and not yet the rest


class Visit(NamedTuple):
    """A log-in, NOBODY or HALF; an address."""

    login: str
    path: str


SPAN = "from=2025-06-30&to=2025-12-31"
# What a page is asked, where there is nothing to see without, or more to see than one thing.
QUESTIONS = {
    "/assets": ("", "?on=2025-12-31", "?text=nothing-like-this"),
    "/audit/changes/events": (f"?{SPAN}&figure=closing",),
    "/books/movement/events": (f"?{SPAN}",),
    "/cases": ("", "?kind=loan"),
    "/cases/new": tuple(f"?kind={kind}" for kind in ("loan", "disposal", "demand")),
    "/offers": ("", "?text=nothing-like-this"),
    "/scan": ("", f"?code=https://id.example.cn/obj/{stock_id(UNIT, 1)}"),
    "/search": ("", "?q=bgz"),
}
# What answers with something else than a page of its own, and what that is.
NO_PAGES = {
    "/8004/{id_:path}": "leads to what a code means, or is the page of /scan",
    "/obj/{id_:path}": "leads to what a code means, or is the page of /scan",
    "/audit/bundle": "a file",
    "/audit/checkpoint": "a file",
    "/audit/checkpoint-sm3": "a file",
    "/audit/stamp": "a file",
    "/audit/reads/{id_}": "leads to the entry",
    "/bank": "leads to the bank of one's unit",
    "/files/{kind}/{id_}/{sha256}": "a file",
    "/home/findings": "a part of the home page",
    "/labels/printed/{span}/file": "a file",
    "/labels/units/{unit}/blank": "a file",
    "/labels/units/{unit}/blank/{span}": "a file",
    "/scan/me": "JSON",
    "/stocktakes": "leads to the cases",
    "/stocktakes/{id_}": "leads to the case",
    "/stocktakes/{id_}/photos/{sha256}": "a file",
}
# The pages of what is not there, and of what is not for everybody.
REFUSED = (
    Visit("clerk", "/nowhere"),
    Visit("clerk", "/search?q=nothing-like-this"),
    Visit("clerk", "/audit/findings"),
    Visit("clerk", "/confirm/form?id=gone"),
)
# What of addresses is no id of a thing.
GIVEN = {
    "/accounts/{login}": "/accounts/clerk",
    "/search/{number}": "/search/1",
    "/{position}": "/9",
}
# The ending of an address of a file.
ENDING = re.compile(r"\.(\w+|\{ending\})$")
CARDS = (
    "资产编号,资产名称,资产大类,原值（元）,取得日期,取得方式\n"
    "AXE-1,笔记本电脑,计算机设备,5000.50,2023/5/6,购置\n"
    "AXE-2,椅子,座具,一百,2023-02-30,买来\n"
)


def demonstration(folder: Path, database: str) -> Office:
    """Open an office with all of the example city, and what somebody did in it since."""
    office = furnished(database)
    # Two pages are there only where an operator wants them.
    made = tls.issued(folder / "tls", ("127.0.0.1",))
    office.settings = msgspec.structs.replace(office.settings, catalogue=True, ca=made.ca)
    for act in (
        city_stocktakes.take, city_reuse.show, city_books.show, city_income.show, city_bank.take,
    ):  # fmt: skip
        act(office)
    clerk = acting(office, "clerk")
    session = office.imports.begin(clerk, "卡片.csv", CARDS.encode())
    office.imports.judge(session, clerk, session.plan, None)
    mine = Filters(custody="idle", unit=UNIT)
    (thing,) = office.models.rows(inventory.listing(clerk.scope, mine, limit=1))
    card = f"asset/{thing['id']}"
    office.ask(card, "print_label", {"template": "a4-70x37"}, clerk)
    office.ask(f"labels/{UNIT}", "print_stock", {"count": 3}, clerk)
    who = ("u_half", "示例某人", UNIT, ("clerk",))
    office.accounts.create(HALF, demo.PASSWORD, *who, name_en="Somebody")
    office.models.catch_up(office.book)
    return office


def account(office: Office, login: str) -> Account:
    found = office.accounts.find(login)
    assert found is not None
    return found


def acting(office: Office, login: str) -> Actor:
    who = account(office, login)
    actor = office.acting(who, who.posts[0])
    assert actor is not None
    return actor


@cache
def cookies(office: Office, login: str) -> dict[str, str]:
    """Return what a browser of somebody has: one session, which alone sees what is kept for it."""
    if login == NOBODY:
        return {}
    stage = Stage.NEW_PASSWORD if login == HALF else ""
    who = account(office, login)
    return {"session": office.accounts.sign_in(who, office.posts(who)[0], stage=stage)}


class City:
    """The demonstration, asked in everybody's name, and what it has to fill in addresses with."""

    def __init__(self, office: Office) -> None:
        self.office = office
        app = create_app(office.settings, office)
        self.http = TestClient(app, follow_redirects=False)
        self.actors = {login: acting(office, login) for login in LOGINS}
        self.cookies = {login: cookies(office, login) for login in (*LOGINS, NOBODY, HALF)}
        self.ids: defaultdict[str, list[str]] = defaultdict(list)
        for entry in office.book.entries():
            kind, _, id_ = entry.stream.partition("/")
            if id_ not in self.ids[kind]:
                self.ids[kind].append(id_)

    def shows(self, visit: Visit) -> str:
        """Return the page that somebody sees at an address; nothing when it is none."""
        worn = "; ".join(f"{name}={value}" for name, value in self.cookies[visit.login].items())
        answer = self.http.get(visit.path, headers={"accept": "text/html", "cookie": worn})
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        return answer.text if answer.status_code == 200 and is_page else ""

    def seen(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield each log-in that sees a thing of a kind, and which: first those whose turn it is."""
        if kind in cases.KINDS:
            rows = {
                login: self.office.models.rows(cases.listing(actor.scope, kind=kind, limit=200))
                for login, actor in self.actors.items()
            }
            for login, found in rows.items():
                role = self.actors[login].role
                yield from ((login, r["id"]) for r in found if role in r["step_roles"].split(","))
            yield from ((login, found[0]["id"]) for login, found in rows.items() if found)
            return
        ids = [UNIT, *self.ids[kind]] if kind in OF_A_UNIT else self.ids[kind]
        for login, actor in self.actors.items():
            names = (f"{kind}/{id_}" for id_ in ids)
            name = next((name for name in names if self.office.sight.sees(actor, name)), "")
            if name:
                yield login, name

    def matters(self) -> dict[str, Visit]:
        """Return a matter of each kind that waits for somebody's decision."""
        found: dict[str, Visit] = {}
        for login in ("head", "department", "office", "finance", "government"):
            shown = self.shows(Visit(login, "/inbox"))
            for path, kind in re.findall(r'href="(/inbox/([a-z]+)/\w+)', shown):
                found.setdefault(kind, Visit(login, path))
        return found

    def visits_of(self, route: str) -> Iterator[list[Visit]]:
        """Yield for each thing to be looked at on a page who may do so where, the best first."""
        match route:
            case "/cases/{kind}/{id_}":
                for kind in (kind for kind in cases.KINDS if kind in self.ids):
                    yield [Visit(login, f"/cases/{name}") for login, name in self.seen(kind)]
            case "/inbox/{kind}/{id_}":
                yield from ([visit] for visit in self.matters().values())
            case "/inbox/batch":
                for visit in self.matters().values():
                    asked = visit.path.replace("/inbox/", "/inbox/batch?case=")
                    yield [Visit(visit.login, asked)]
                    return
            case "/reverse/{kind}/{id_}/{seq}":
                for login, name in self.seen("asset"):
                    last = self.office.book.stream(name).version
                    yield [Visit(login, f"/reverse/{name}/{last}")]
                    return
            case "/imports/{id_}":
                (session,) = self.office.imports.all(UNIT)
                yield [Visit("clerk", f"/imports/{session.id}")]
            case "/labels/printed/{span}":
                printed = (
                    e.position
                    for e in self.office.book.entries()
                    if isinstance(e.event, LabelPrinted)
                )
                yield [Visit("clerk", f"/labels/printed/{next(printed)}-1")]
            case "/charts/{id_}":
                yield from ([Visit("finance", f"/charts/{name}")] for name in pages_charts.PLOTS)
            case "/confirm/form":
                token = self.cookies["clerk"]["session"]
                typed = [("name", "三号楼"), ("scope", "read"), ("days", "30")]
                id_ = kept_forms.keep(self.office.accounts, token, "/account/tokens", typed)
                yield [Visit("clerk", f"/confirm/form?id={id_}")]
            case "/":
                yield from ([Visit(login, "/")] for login in LOGINS)
            case "/login":
                yield [Visit(NOBODY, "/login")]
            case "/login/step":
                yield [Visit(HALF, "/login/step")]
            case _:
                filled = list(self.filled(route))
                for question in QUESTIONS.get(route, ("",)):
                    yield [Visit(login, path + question) for login, path in filled]

    def filled(self, route: str) -> Iterator[tuple[str, str]]:
        """Yield an address with the id of a thing in it, or of a person, and who may see that."""
        for name, value in GIVEN.items():
            route = route.replace(name, value)
        parts = re.fullmatch(r"([^{]*)(\{\w+\})?([^{]*)", route)
        assert parts is not None, route
        before, hole, after = parts.groups()
        if not hole:
            # Where somebody is often there is more for them to do.
            place = navigation.current(route)
            often = {p for p in LOGINS if place in navigation.FIRST[self.actors[p].role]}
            yield from ((login, route) for login in sorted(LOGINS, key=lambda p: p not in often))
            return
        *_, above, word = before.rstrip("/").split("/")
        kind = KEPT_OF_UNITS.get(above) if word == "units" else CALLED.get(word, word)
        for login, name in self.seen(kind or "unit"):
            yield login, before + name.partition("/")[2] + after


def visits(office: Office) -> list[Visit]:
    """Return every page that the routes lead to, each with somebody to whom it is shown."""
    city, found, unseen = City(office), list[Visit](), list[str]()
    routes = [
        str(getattr(r, "path", ""))
        for part in pages.PARTS
        for r in part.router(office).routes
        if "GET" in getattr(r, "methods", ())
    ]
    for route in routes:
        if route in NO_PAGES or ENDING.search(route):
            continue
        groups = list(city.visits_of(route))
        shown = [next((v for v in group if city.shows(v)), None) for group in groups]
        found += [visit for visit in shown if visit is not None]
        if not groups or None in shown:
            unseen.append(f"{route}: {groups}")
    assert unseen == [], f"pages that the demonstration cannot show: {unseen}"
    assert not NO_PAGES.keys() - set(routes)
    return [*found, *REFUSED]
