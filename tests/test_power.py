"""Power cuts and failing disks: what was acknowledged is there, whatever the disk had not done yet.

A writer runs once under strace, which tells every write, cut and sync of the database's files and
every acknowledgement in their order. From that record come the states a power cut could leave:
of what was not synced yet, each write is there, or is not, or is there in some of its sectors.
The second test lets one call of each kind fail, or kills the writer in it, one after the other.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from books import ADMIN, opened, unit
from sizes import SEED, sized

from ledger import tree
from ledger.verifying import root_of, verify

SECTOR = 512
ACTS, ENTRIES = 40, 3
CALLS = "openat,open,pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat"
HERE = Path(__file__).parent
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

WRITER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from books import ADMIN, opened, unit
with opened(sys.argv[2]) as book:
    for n in range(int(sys.argv[3])):
        book.act([unit(f"w{n}.{i}") for i in range(3)], ADMIN, key=f"w{n}")
        os.write(1, b"ACK %d\\n" % n)
"""


class Call(NamedTuple):
    """One thing that was done to a file: write, sync, cut, gone; or an acknowledgement."""

    kind: str
    name: str = ""
    at: int = 0
    data: bytes = b""


LINE = re.compile(
    r'^(?:\d+ +)?(\w+)\((?:(?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"|\d+<([^>]*)>)(.*)\) += (-?\d+)'
)
WRITTEN = re.compile(r'^, "((?:\\x[0-9a-f]{2})*)", (\d+)(?:, (\d+))?$')


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def calls(trace: Path, ledger: Path) -> Iterator[Call]:
    """Yield what strace saw done to the ledger's own files, and the acknowledgements."""
    ours = {str(ledger): "", f"{ledger}-wal": "-wal"}
    for line in trace.read_text().splitlines():
        found = LINE.match(line)
        if found is None or int(found[5]) < 0:
            continue
        name, path, of, rest, _ = found.groups()
        target = unhex(path).decode() if path is not None else unhex(of).decode()
        if name == "write" and (told := WRITTEN.match(rest)):
            if unhex(told[1]).startswith(b"ACK "):
                yield Call("ack", at=int(unhex(told[1])[4:]))
        elif target not in ours:
            continue
        elif name == "pwrite64" and (told := WRITTEN.match(rest)):
            data = unhex(told[1])
            assert len(data) == int(told[2]), "strace cut it short"
            yield Call("write", ours[target], int(told[3]), data)
        elif name in {"fdatasync", "fsync"}:
            yield Call("sync", ours[target])
        elif name == "ftruncate":
            yield Call("cut", ours[target], int(rest.removeprefix(", ")))
        elif name.startswith("unlink"):
            yield Call("gone", ours[target])


def done(file: bytearray, call: Call, dice: random.Random | None = None) -> None:
    """Do a call to a file's bytes: whole, or as `dice` say when it was never synced."""
    if call.kind == "cut":
        if dice is None or dice.random() < 0.5:
            file[call.at :] = bytes(max(0, call.at - len(file)))
        return
    luck = "whole" if dice is None else dice.choice(("whole", "dropped", "torn"))
    if luck == "dropped":
        return
    for start in range(0, len(call.data), SECTOR):
        if luck == "torn" and dice is not None and dice.random() < 0.5:
            continue
        part = call.data[start : start + SECTOR]
        at = call.at + start
        if len(file) < at:
            file.extend(bytes(at - len(file)))
        file[at : at + len(part)] = part


@pytest.mark.one_backend("every write to the file is cut short")
@needs_strace
@pytest.mark.reliability("R7")
@pytest.mark.target("T125")
def test_no_power_cut_loses_what_was_acknowledged(tmp_path: Path):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    ledger, trace = tmp_path / "ledger.db", tmp_path / "trace"
    with opened(f"sqlite:///{ledger}") as book:
        book.act([unit("first")], ADMIN)
    before = ledger.read_bytes()
    assert not Path(f"{ledger}-wal").exists()
    subprocess.run(
        [
            "strace",
            "-f",
            "-y",
            "-xx",
            "-s",
            "10000000",
            "-o",
            str(trace),
            "-e",
            f"trace={CALLS}",
            sys.executable,
            "-c",
            WRITER,
            str(HERE),
            f"sqlite:///{ledger}",
            str(ACTS),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    told = list(calls(trace, ledger))
    assert [c.at for c in told if c.kind == "ack"] == list(range(ACTS))
    lost = 0
    for number in range(sized("R7")):
        moment = dice.randrange(len(told) + 1)
        synced = {"": bytearray(before), "-wal": bytearray()}
        pending: dict[str, list[Call]] = {"": [], "-wal": []}
        acknowledged = -1
        for call in told[:moment]:
            if call.kind == "ack":
                acknowledged = call.at
            elif call.kind == "gone":
                synced[call.name], pending[call.name] = bytearray(), []
            elif call.kind == "sync":
                for late in pending[call.name]:
                    done(synced[call.name], late)
                pending[call.name] = []
            else:
                pending[call.name].append(call)
        for name, file in synced.items():
            for late in pending[name]:
                done(file, late, dice)
        left = tmp_path / f"cut{number}.db"
        left.write_bytes(synced[""])
        if synced["-wal"]:
            Path(f"{left}-wal").write_bytes(synced["-wal"])
        size, whole = after(left, thorough=number % 50 == 0)
        assert whole, (SEED, number, moment)
        assert (size - 1) % ENTRIES == 0, "an act came apart"
        lost += size < 1 + (acknowledged + 1) * ENTRIES
        for file in tmp_path.glob(f"cut{number}.db*"):
            file.unlink()
    assert lost == 0, (SEED, lost)


def after(file: Path, *, thorough: bool) -> tuple[int, bool]:
    """Return how many entries a file holds, and whether all of it is whole."""
    if thorough:
        with opened(f"sqlite:///{file}") as book:
            size = book.head()[0]
            if not verify(book).intact:
                return size, False
            book.act([unit("after")], ADMIN)
            return size, verify(book).intact
    with closing(sqlite3.connect(file)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = db.execute("SELECT state, leaf FROM ledger_entry ORDER BY notification_id")
        leaves = [bytes(leaf) for _, leaf in rows]
        size, packed = db.execute("SELECT size, frontier FROM ledger_head").fetchone()
        same = tree.root(tree.unpack(packed)) == root_of(leaves)
        return size, sound and same and size == len(leaves)


# One fault at every call --------------------------------------------------------------

# One traced parent forks a child for each place. strace fails the call of a kind that comes as
# number LIMIT in each process; a child first makes as many of them, on nothing, as leave its own.
FAILING = """
import os, sys
sys.path.insert(0, sys.argv[1])
from books import ADMIN, opened, unit
from ledger.act import Unavailable
folder, call, limit, places = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
nothing = os.open(folder + "/nothing", os.O_RDWR | os.O_CREAT)
spend = {
    "pwrite64": lambda: os.pwrite(nothing, b"x", 0),
    "fdatasync": lambda: os.fdatasync(nothing),
    "ftruncate": lambda: os.ftruncate(nothing, 1),
    "unlink": lambda: os.path.exists(folder) and os.unlink(os.path.join(folder, "absent")),
}[call]
for place in range(1, places + 1):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    for _ in range(limit - place):
        try:
            spend()
        except OSError:
            pass
    said = os.open(f"{folder}/{place}.said", os.O_WRONLY | os.O_CREAT)
    try:
        with opened(f"sqlite:///{folder}/{place}.db") as book:
            for n in range(3):
                try:
                    book.act([unit(f"w{n}.{i}") for i in range(3)], ADMIN, key=f"w{n}")
                    os.write(said, b"%d\\n" % n)
                except Unavailable:
                    pass
    except Unavailable:
        pass
    finally:
        os._exit(0)
"""
LIMIT = 200
# How many calls of each kind three acts make at most, opening and closing included.
PLACES = {"pwrite64": 40, "fdatasync": 8, "ftruncate": 4, "unlink": 3}


@pytest.mark.one_backend("every write to the file is cut short")
@needs_strace
@pytest.mark.reliability("R8")
@pytest.mark.target("T125")
@pytest.mark.parametrize("fault", ["error=EIO", "error=ENOSPC", "signal=KILL"])
@pytest.mark.parametrize("call", PLACES)
def test_one_fault_at_every_call_loses_and_doubles_nothing(tmp_path: Path, call: str, fault: str):
    whole = tmp_path / "whole.db"
    with opened(f"sqlite:///{whole}") as book:
        book.act([unit("first")], ADMIN)
    places = PLACES[call]
    for place in range(1, places + 1):
        shutil.copy(whole, tmp_path / f"{place}.db")
    subprocess.run(
        [
            "strace",
            "-f",
            "-qq",
            "-o",
            str(tmp_path / "trace"),
            "-e",
            f"trace={call}",
            "-e",
            f"inject={call}:{fault}:when={LIMIT}",
            sys.executable,
            "-c",
            FAILING,
            str(HERE),
            str(tmp_path),
            call,
            str(LIMIT),
            str(places),
        ],
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    trace = (tmp_path / "trace").read_text()
    struck = trace.count("(INJECTED)") or trace.count("killed by SIGKILL")
    assert struck, "no call was ever struck"
    for place in range(1, places + 1):
        said = [int(line) for line in (tmp_path / f"{place}.said").read_text().split()]
        with opened(f"sqlite:///{tmp_path / f'{place}.db'}") as book:
            assert verify(book).intact, (call, fault, place)
            for n in range(3):
                receipt = book.act([unit(f"w{n}.{i}") for i in range(3)], ADMIN, key=f"w{n}")
                assert receipt.replayed or n not in said, (call, fault, place, n)
            assert book.head()[0] == 10, (call, fault, place)
            assert verify(book).intact, (call, fault, place)
