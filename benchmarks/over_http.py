"""经 HTTP 一次办理 · One command over HTTP: sign-in, form, rules, ledger, lists, answer."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, cast
from urllib.request import Request as HttpRequest
from urllib.request import urlopen
from uuid import uuid4

from benchmarks.command import CLERK, asks
from benchmarks.measuring import Bar, Figure, median_pair, percentile
from benchmarks.places import EQUAL_POSTGRESQL, EQUAL_SQLITE, Place, sqlite_path, sqlite_raw
from benchmarks.workload import UNITS, fill

REQUESTS = {1: 3_000, 8: 6_000}  # in all, by number of clients
TURNS = 4  # in which they are asked, ours and the floor's after one another: an asset's steps
HISTORY = 50_000  # events that are there before
PASSWORD = "only-for-measuring"  # noqa: S105 - a password of a database that lives for a minute
PATIENCE_SECONDS = 60
Request = tuple[str, bytes]  # path and body
# Warm processes to fork from; nothing in them has opened a database.
processes = get_context("forkserver")
processes.set_forkserver_preload(["benchmarks.over_http", "benchmarks.writers", "api.app"])


def run(place: Place) -> Iterator[Figure]:
    """Yield requests per second and latencies for one and for eight clients."""
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        for clients in REQUESTS:
            yield from _figures(place, back_end, title, clients)


def _figures(place: Place, back_end: str, title: str, clients: int) -> Iterator[Figure]:
    count = max(10 * clients, place.size(REQUESTS[clients]))
    count -= count % (TURNS * clients)
    took: dict[str, list[float]] = {"ours": [], "floor": []}
    ours, floor = median_pair(
        pair
        for _ in range(place.repeats)
        for pair in _measure(place, back_end, clients, count, took)
    )
    work = f"{title}, {clients} {'client' if clients == 1 else 'clients'}"
    beside = "FastAPI endpoint, one-row insert"
    yield Figure(
        work=work,
        ours=ours,
        unit="requests/s",
        floor=floor,
        beside=beside,
        bar=Bar(ratio_least=0.5),
    )
    for percent in (50, 99):
        yield Figure(
            work=f"{work}, p{percent}",
            ours=percentile(took["ours"], percent),
            unit="ms",
            floor=percentile(took["floor"], percent),
            beside=beside,
        )


def _measure(
    place: Place, back_end: str, clients: int, count: int, took: dict[str, list[float]]
) -> Iterator[tuple[float, float]]:
    """Yield requests per second of ours and of the floor, turn by turn; add milliseconds to `took`.

    Both servers are up all the time; whoever is not asked has nothing to do.
    """
    with (
        up(place, back_end, "ours", count) as (ours, wanted),
        up(place, back_end, "floor", count) as (floor, _),
    ):
        for turn in range(TURNS):
            step = wanted[turn * count // TURNS : (turn + 1) * count // TURNS]
            yield (
                asked(ours, "ours", clients, step, took["ours"]),
                asked(floor, "floor", clients, step, took["floor"]),
            )


def asked(port: int, side: str, clients: int, wanted: list[Request], took: list[float]) -> float:
    """Return requests per second of one turn."""
    with _started(port, clients, wanted) as (gate, answers):
        gate.wait(PATIENCE_SECONDS)
        begin = time.perf_counter()
        all_ = [ms for _ in range(clients) for ms in _answer(answers)]
        if side == "ours":  # the lists, too, must have got there
            _read_lists(port)
        spent = time.perf_counter() - begin
    assert len(all_) == len(wanted)
    took += all_
    return len(wanted) / spent


@contextmanager
def up(place: Place, back_end: str, side: str, count: int) -> Iterator[tuple[int, list[Request]]]:
    """Lend a server's port and what to ask it; afterwards everything asked must be recorded."""
    url = place.fresh(back_end)
    lives = fill(url, max(place.size(HISTORY), count * 10 // 4 + 2_000))
    wanted = [
        (f"/api/v1/{ask.stream}/{ask.verb}", json.dumps(ask.form).encode())
        for ask in asks(lives.regular(), count)
    ]
    before = prepared(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        target = serve_ours if side == "ours" else _serve_floor
        server = processes.Process(target=target, args=(url, listener), daemon=True)
        server.start()
    try:
        until_up(port)
        yield port, wanted
    finally:
        server.terminate()
        server.join(PATIENCE_SECONDS)
    written = _written(url, side) - (before if side == "ours" else 0)
    assert written == count, f"{count} acknowledged, {written} recorded"
    assert side == "floor" or _shown(url) == before + count, "the lists are behind the log"
    place.forget(url)


# The servers ----------------------------------------------------------------------


def prepared(url: str) -> int:
    """Bring the lists up to date, open a log-in, make the floor's table; return the log's size."""
    from api.office import Actor, Office
    from api.settings import Settings

    office = Office.open(Settings(database=url))
    office.accounts.create(CLERK.by, PASSWORD, CLERK.by, "测量员", CLERK.unit, [CLERK.role])
    # One department over the units whose property it is: else its clerk would see little of it.
    admin = Actor(person="u_admin", unit=CLERK.unit, role="admin")
    office.ask_many(
        [
            (f"unit/{unit}", "establish", {"name": unit, "kind": "organ"} | over)
            for unit in UNITS
            for over in [{} if unit == CLERK.unit else {"parent": CLERK.unit}]
        ],
        admin,
    )
    size = office.book.head()[0]
    office.close()
    if url.startswith("sqlite:"):
        connection = sqlite_raw(url)
        connection.execute(EQUAL_SQLITE)
        connection.close()
    else:
        import psycopg

        with psycopg.connect(url, autocommit=True) as server:
            server.execute(EQUAL_POSTGRESQL)
    return size


def serve_ours(url: str, listener: socket.socket) -> None:
    """Serve the product as `gongwu serve` does."""
    from api.app import create_app
    from api.settings import Settings

    serve(create_app(Settings(database=url, calls_per_minute=0, exports_per_minute=0)), listener)


def _serve_floor(url: str, listener: socket.socket) -> None:
    """Serve one endpoint that inserts one row, in the same kind of server."""
    from fastapi import FastAPI

    app = FastAPI()
    insert = _insert(url)

    def endpoint(asset: str, verb: str, form: dict[str, Any]) -> dict[str, Any]:
        # As many bytes as an entry has.
        state = json.dumps({"stream": asset, "verb": verb, "body": form, "filler": "x" * 400})
        return {"stream": asset, "position": insert(asset, verb, state.encode())}

    app.post("/api/v1/asset/{asset}/{verb}")(endpoint)
    read = _read(url)

    def answer(path: str) -> dict[str, Any]:
        return {"path": path, "size": len(read())}

    app.get("/api/v1/{path:path}")(answer)
    serve(app, listener)


def _read(url: str) -> Callable[[], bytes]:
    """Return a look-up of one row that any thread may call."""
    query = "SELECT state FROM equal LIMIT 1"
    if url.startswith("sqlite:"):
        mine = threading.local()

        def read() -> bytes:
            if not hasattr(mine, "connection"):
                mine.connection = sqlite3.connect(sqlite_path(url), isolation_level=None)
            row = mine.connection.execute(query).fetchone()
            return bytes(row[0]) if row else b""

        return read
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(url, min_size=2, max_size=16, kwargs={"autocommit": True}, open=True)

    def read_there() -> bytes:
        with pool.connection() as server:
            row = server.execute(query, prepare=True).fetchone()
        return bytes(row[0]) if row else b""

    return read_there


def _insert(url: str) -> Callable[[str, str, bytes], int]:
    """Return a one-row insert with its own commit that any thread may call."""
    numbers = iter(range(1, 2**62))
    leaf = bytes(32)
    if url.startswith("sqlite:"):
        connection = sqlite3.connect(
            sqlite_path(url), isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
        one_at_a_time = threading.Lock()

        def insert(stream: str, verb: str, state: bytes) -> int:
            with one_at_a_time:
                number = next(numbers)
                row = (number, stream, number, verb, state, leaf)
                connection.execute("INSERT INTO equal VALUES (?,?,?,?,?,?)", row)
            return number

        return insert
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(url, min_size=2, max_size=16, kwargs={"autocommit": True}, open=True)
    name = threading.Lock()

    def insert_there(stream: str, verb: str, state: bytes) -> int:
        with name:
            number = next(numbers)
        with pool.connection() as server:
            row = (number, stream, number, verb, state, leaf)
            server.execute("INSERT INTO equal VALUES (%s,%s,%s,%s,%s,%s)", row, prepare=True)
        return number

    return insert_there


def serve(app: Any, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _written(url: str, side: str) -> int:
    """Return how many entries or rows there are."""
    return _number(url, "SELECT count(*) FROM " + ("ledger_entry" if side == "ours" else "equal"))


def _shown(url: str) -> int:
    """Return the position that the lists have reached."""
    return _number(url, "SELECT position FROM projected")


def _number(url: str, query: str) -> int:
    if url.startswith("sqlite:"):
        connection = sqlite_raw(url)
        found = connection.execute(query).fetchone()
        connection.close()
    else:
        import psycopg

        with psycopg.connect(url) as server:
            found = server.execute(cast(Any, query)).fetchone()
    assert found is not None
    return int(found[0])


# The clients ----------------------------------------------------------------------


@contextmanager
def _started(port: int, clients: int, wanted: list[Request]) -> Iterator[tuple[Any, Any]]:
    """Start clients in processes of their own; each has its share of the requests."""
    gate, answers = processes.Barrier(clients + 1), processes.Queue()
    # In one turn each asset is asked once, so that any client may.
    shares = [wanted[number::clients] for number in range(clients)]
    crowd = [
        processes.Process(target=_ask_all, args=(port, share, gate, answers), daemon=True)
        for share in shares
    ]
    for client in crowd:
        client.start()
    try:
        yield gate, answers
    finally:
        for client in crowd:
            client.join(PATIENCE_SECONDS)


def _ask_all(port: int, share: list[Request], gate: Any, answers: Any) -> None:
    """Ask one request after another over one connection that stays open."""
    token = base64.b64encode(f"{CLERK.by}:{PASSWORD}".encode()).decode()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = connection.makefile("rb")
    head = (
        "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {}\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n"
    )

    def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        said = head.format(method, path, token, uuid4(), len(body))
        connection.sendall(said.encode() + body)
        status = int(stream.readline().split()[1])
        size = 0
        while (line := stream.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        return status, stream.read(size)

    # The password is hashed at the first request of a minute only; that is not what we measure.
    connection.settimeout(PATIENCE_SECONDS)
    for _ in range(5):
        ask("GET", "/api/v1/asset/none", b"")
    gate.wait(PATIENCE_SECONDS)
    took: list[float] = []
    for path, body in share:
        begin = time.perf_counter()
        status, answer = ask("POST" if body else "GET", path, body)
        if status != 200:
            answers.put(f"{status} {answer.decode()}")
            return
        took.append(1000 * (time.perf_counter() - begin))
    answers.put(took)
    connection.close()


def _answer(answers: Any) -> list[float]:
    """Return what one client measured; its trouble is ours."""
    found = answers.get(timeout=2 * PATIENCE_SECONDS)
    assert not isinstance(found, str), found
    return list(found)


def _read_lists(port: int) -> None:
    """Ask for a page of the inventory, which shows everything acknowledged before."""
    token = base64.b64encode(f"{CLERK.by}:{PASSWORD}".encode()).decode()
    asked = HttpRequest(
        f"http://127.0.0.1:{port}/api/v1/inventory?limit=1",
        headers={"Authorization": f"Basic {token}"},
    )
    with urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
        assert json.load(answer)["items"]


def until_up(port: int) -> None:
    """Return when the server answers; the listening socket queues us until then."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET /api/v1/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(12).startswith(b"HTTP/1.1")
