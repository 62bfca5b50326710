"""十万资产的页面 · Pages of a hundred thousand assets over HTTP: list, search, one asset, home."""

from __future__ import annotations

import gzip
import http.client
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.command import CLERK
from benchmarks.measuring import Bar, Figure, percentile
from benchmarks.over_http import (
    PASSWORD,
    PATIENCE_SECONDS,
    prepared,
    processes,
    serve,
    serve_ours,
    until_up,
)
from benchmarks.places import Place, sqlite_path
from benchmarks.workload import FACTS_PER_ASSET, NAMES, UNITS, Lives
from domain.words import Role

ASSETS = 100_000
ASKED = 200  # of each kind of page
WARM = 3  # asked before anything is measured
# What is asked of the list one after another: as it opens, then what people filter and sort by.
LISTS = (
    "",
    "?custody=idle",
    f"?unit={UNITS[7]}",
    "?kind=computer&sort=value&order=desc",
    "?sort=name",
    f"?unit={UNITS[3]}&custody=in_use",
    "?text=TY2023",
)
BELOW, ELSEWHERE = 120, 40  # units: which the clerk sees, and which only the office
PEOPLE = 2_000  # whose names are kept, and looked through by every search
OFFICE = "u_office"
COMMON = ("型号", "ty2023", "计算机", "0")
ROW = "<tr><td>{{ row.name }}</td><td>{{ row.no }}</td><td>{{ row.unit }}</td><td>{{ row.note }}</td></tr>"


def run(place: Place) -> Iterator[Figure]:
    """Yield the 95th percentile of each page on SQLite, beside a rendered page of the same size."""
    made, lives = place.ledger("sqlite", place.size(ASSETS * FACTS_PER_ASSET))
    url = place.fresh("sqlite")
    shutil.copyfile(sqlite_path(made), sqlite_path(url))  # others measure that one too
    prepared(url)
    _peopled(url)
    with up(serve_ours, url) as ours, up(_serve_floor, url) as floor:
        cookies = {login: signed_in(ours, login) for login in (CLERK.by, OFFICE)}
        for work, bar, login, path in _pages(lives):
            cookie = cookies[login]
            took: list[float] = []
            beside: list[float] = []
            for number in range(-WARM, 10 if place.smoke else ASKED):
                spent, size = asked(ours, path(number), cookie)
                alone, _ = asked(floor, f"/{size}", "")
                if number >= 0:
                    took.append(spent)
                    beside.append(alone)
            for percent, judged in ((50, Bar()), (95, bar)):
                yield Figure(
                    work=f"{work}, p{percent}",
                    ours=percentile(took, percent),
                    unit="ms",
                    floor=percentile(beside, percent),
                    beside="FastAPI endpoint, a rendered page of the same size",
                    bar=judged,
                )
    place.forget(url)


def _peopled(url: str) -> None:
    """Make the clerk see 120 units of 160, and somebody all of them; give names to people."""
    from api.office import Actor, Office
    from api.settings import Settings

    office = Office.open(Settings(database=url))
    admin = Actor(person="u_admin", unit=CLERK.unit, role="admin")
    beside = [f"o_{number}" for number in range(100, 100 + BELOW - len(UNITS) + ELSEWHERE)]
    office.ask_many(
        [
            (f"unit/{unit}", "establish", {"name": f"示例单位{unit}", "kind": "organ"} | over)
            for number, unit in enumerate(beside)
            for over in [{"parent": CLERK.unit} if number < BELOW - len(UNITS) else {}]
        ],
        admin,
    )
    seen = office.sight.scope(CLERK.unit, CLERK.role).units
    assert seen is not None and len(seen) == BELOW, seen
    for number in range(PEOPLE):
        office.accounts.introduce(f"u_{number:05}", f"示例人员{number}")
    who = (OFFICE, PASSWORD, "u_office", "示例主管", CLERK.unit, [Role.OFFICE])
    office.accounts.create(*who)
    assert office.sight.scope(CLERK.unit, Role.OFFICE).units is None
    office.close()


def _pages(lives: Lives) -> Iterator[tuple[str, Bar, str, Callable[[int], str]]]:
    """Yield each kind of page, its bar in milliseconds, who asks, and what for the n-th time."""
    step = 7919  # a prime: those that are asked for lie all over the inventory

    def wanted(number: int) -> str:
        asset = number * step % lives.assets
        words = (
            NAMES[number % len(NAMES)][0],
            f"SN{asset:010}",
            f"型号{asset % 313}",
            f"TY{2022 + asset % 3}{asset:09}",
        )
        return "/search?q=" + quote(words[number % len(words)])

    some = f"search, by who sees {BELOW} units of {BELOW + ELSEWHERE}"
    yield "list", Bar(most=300), CLERK.by, lambda n: "/assets" + LISTS[n % len(LISTS)]
    yield "search, by who sees all units", Bar(most=100), OFFICE, wanted
    yield some, Bar(most=100), CLERK.by, wanted
    yield (
        "search of what half of all cards have",
        Bar(),
        CLERK.by,
        lambda n: "/search?q=" + quote(COMMON[n % len(COMMON)]),
    )
    yield "asset", Bar(most=50), CLERK.by, lambda n: f"/assets/{lives.ids[n * step % lives.assets]}"
    yield "home", Bar(), CLERK.by, lambda _: "/"


class Line(http.client.HTTPConnection):
    """A connection to a server, which is a process of its own."""

    pid = 0


@contextmanager
def up(target: Callable[..., None], url: str) -> Iterator[Line]:
    """Lend a connection to a server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = processes.Process(target=target, args=(url, listener), daemon=True)
        server.start()
    connection = Line("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.pid = server.pid or 0
    try:
        until_up(port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection
    finally:
        connection.close()
        server.terminate()
        server.join(PATIENCE_SECONDS)


def signed_in(server: http.client.HTTPConnection, login: str) -> str:
    """Sign in as a person does; return the cookie."""
    form = urlencode({"login": login, "password": PASSWORD, "next": "/"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    server.request("POST", "/login", form, headers)
    answer = server.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def asked(server: http.client.HTTPConnection, path: str, cookie: str) -> tuple[float, int]:
    """Return the milliseconds of one page, as a browser asks for it, and its size when unpacked."""
    headers = {"Accept-Encoding": "gzip", "Cookie": cookie}
    begin = time.perf_counter()
    server.request("GET", path, headers=headers)
    answer = server.getresponse()
    body = answer.read()
    spent = 1000 * (time.perf_counter() - begin)
    if answer.status == 303:  # a search that finds one thing alone goes there
        more, size = asked(server, answer.headers["Location"], cookie)
        return spent + more, size
    assert answer.status == 200, (path, answer.status, body[:300])
    return spent, len(gzip.decompress(body) if answer.headers["Content-Encoding"] else body)


def _serve_floor(_: str, listener: socket.socket) -> None:
    """Serve pages of any size, drawn from a template and compressed as ours are."""
    from fastapi import FastAPI
    from jinja2 import Environment
    from starlette.responses import HTMLResponse

    from api.compressing import Compressed

    app = FastAPI()
    row: dict[str, Any] = {
        "name": "台式计算机",
        "no": "TY2022000000001",
        "unit": "o_01",
        "note": "",
    }
    environment = Environment(autoescape=True)
    one = len(environment.from_string(ROW).render(row=row).encode())
    drawn = environment.from_string("{% for row in rows %}" + ROW + "{% endfor %}")

    def endpoint(size: int) -> HTMLResponse:
        rows = [row | {"no": f"TY2022{n:09}"} for n in range(size // one + 1)]
        return HTMLResponse(drawn.render(rows=rows))

    app.get("/{size}")(endpoint)
    app.add_middleware(Compressed)
    serve(app, listener)
