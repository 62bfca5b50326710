"""带走十万行 · A list of a hundred thousand cards taken home, while somebody else goes on working."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.command import CLERK
from benchmarks.measuring import Bar, Figure, percentile, short
from benchmarks.over_http import PATIENCE_SECONDS, prepared, serve_ours
from benchmarks.pages import ASSETS, Line, asked, signed_in, up
from benchmarks.places import Place, sqlite_path
from benchmarks.workload import FACTS_PER_ASSET, Lives

PIECE_BYTES = 65_536
LONGEST_SECONDS = 600
FILES = ("/assets.xlsx", "/assets.csv", "/cards.xlsx", "/cards.csv")


def run(place: Place) -> Iterator[Figure]:
    """Yield for each file when its first byte came, when its last, and what it cost the server."""
    made, lives = place.ledger("sqlite", place.size(ASSETS * FACTS_PER_ASSET))
    url = place.fresh("sqlite")
    shutil.copyfile(sqlite_path(made), sqlite_path(url))
    prepared(url)
    for path in FILES:
        with up(serve_ours, url) as server:
            server.sock.settimeout(LONGEST_SECONDS)
            cookie = signed_in(server, CLERK.by)
            asked(server, "/assets", cookie)
            before = _peak_bytes(server)
            with Others(server, cookie, lives) as took:
                first, whole, size = _taken(server, path, cookie)
            after = _peak_bytes(server)
        work = f"{path.removeprefix('/')} of {short(lives.assets)} cards, {size / 2**20:.0f} MB"
        yield Figure(work=f"{work}, first byte", ours=first, unit="ms", bar=Bar(most=1_000))
        yield Figure(work=f"{work}, last byte", ours=whole / 1000, unit="s")
        yield Figure(
            work=f"{work}, page of another meanwhile, p95", ours=percentile(took, 95), unit="ms"
        )
        if before and after:
            yield Figure(
                work=f"{work}, memory of the server above its own",
                ours=(after - before) / 2**20,
                unit="MB",
                bar=Bar(most=100),
            )
    place.forget(url)


def _taken(server: HTTPConnection, path: str, cookie: str) -> tuple[float, float, int]:
    """Return the milliseconds to the first byte and to the last, and how many bytes came."""
    begin = time.perf_counter()
    server.request("GET", path, headers={"Cookie": cookie})
    answer = server.getresponse()
    assert answer.status == 200, (path, answer.status)
    size = len(answer.read(1))
    first = 1000 * (time.perf_counter() - begin)
    while piece := answer.read(PIECE_BYTES):
        size += len(piece)
    return first, 1000 * (time.perf_counter() - begin), size


class Others:
    """Somebody else who opens one asset after another until the file is there."""

    def __init__(self, server: HTTPConnection, cookie: str, lives: Lives) -> None:
        self.line = HTTPConnection(server.host, server.port, timeout=PATIENCE_SECONDS)
        self.cookie, self.lives = cookie, lives
        self.took: list[float] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        number = 0
        while not self.over.is_set():
            number += 7919
            path = f"/assets/{self.lives.ids[number % self.lives.assets]}"
            self.took.append(asked(self.line, path, self.cookie)[0])

    def __enter__(self) -> list[float]:
        self.thread.start()
        return self.took

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.line.close()


def _peak_bytes(server: Line) -> int:
    """Return the most memory the server ever held, as Linux counts it; 0 where nobody says."""
    try:
        told = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(told.partition("VmHWM:")[2].split()[0]) * 1024
