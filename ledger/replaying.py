"""Replay: the whole log told anew into the state of everything, by every processor there is.

Nothing but the log is read, so what the lists say can be held against it. Streams are dealt out
in shares; another process tells each share but the first.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec

from domain.decider import LIFECYCLES
from ledger import tree
from ledger.act import Row
from ledger.book import Book
from ledger.entry import Corrupt, decode

LONG = 200_000  # entries from which another process is worth its start
SHARES_MAX = 4
ALWAYS = "9999-12-31"  # a business date after every other
LEAVES = 20_000  # leaf hashes read at once
WORK = """
import os, sys, msgspec
said = msgspec.msgpack.decode(sys.stdin.buffer.read())
sys.path[:] = said.pop("path")
from ledger.replaying import work
sys.stdout.buffer.write(work(**said))
sys.stdout.buffer.flush()
os._exit(0)  # taking a million objects apart would only take time
"""
Progress: TypeAlias = Callable[[int, int], None]
_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_unpack = {kind: msgspec.msgpack.Decoder(life.state).decode for kind, life in LIFECYCLES.items()}


class Replay(msgspec.Struct, frozen=True):
    """What the log came to: its size, its root where leaves were hashed, every stream's state."""

    size: int
    root: bytes | None
    states: dict[str, Any]

    def digest(self) -> str:
        """Return one hash over all states: equal ledgers, and equal restores, have the same."""
        whole = sha256()
        for stream in sorted(self.states):
            whole.update(stream.encode() + b"\n" + _pack(self.states[stream]))
        return whole.hexdigest()


def replay(
    book: Book,
    *,
    on: str = ALWAYS,
    known: int | None = None,
    hashed: bool = False,
    shares: int | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Tell every stream: true on a business date, as known at a position.

    `hashed` computes every leaf from the stored bytes, compares it with the leaf in the log, and
    grows the tree to its root. Raise Corrupt at an entry that cannot be read or has another leaf.
    """
    size = book.head()[0] if known is None else known
    count = shares or (1 if size < LONG else min(os.cpu_count() or 1, SHARES_MAX))
    asked = {"url": book.url, "size": size, "on": on, "hashed": hashed, "of": count}
    others = [_start({**asked, "number": number}) for number in range(1, count)]
    try:
        with collector_off():
            states = fold(book, size, on, hashed, 0, count, progress)
            root = _root(book, size) if hashed else None
            for other in others:
                states |= _ended(other)
    finally:
        for other in others:
            other.kill()
            other.wait()
    return Replay(size, root, states)


def fold(
    book: Book,
    size: int,
    on: str,
    hashed: bool,
    number: int,
    of: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Tell one share of the streams in the order of the log.

    Where something is late or taken back, the ledger's own fold of that stream decides.
    """
    told: dict[str, list[Any]] = {}  # state, what facts mean for it, its last business date
    retold: set[str] = set()
    lives = {kind: (life.state(), life.meanings) for kind, life in LIFECYCLES.items()}
    for rows in _checked(book, size, number, of) if hashed else _rows(book, size, number, of):
        for row in rows:
            entry = decode(*row)
            stream = entry.stream
            day = entry.effective_at[:10]
            one = told.get(stream)
            if one is None:
                one = told[stream] = [*lives[stream[: stream.index("/")]], day]
            elif entry.corrects is not None or day < one[2]:
                retold.add(stream)
                continue
            one[2] = day
            if day <= on:
                event = entry.event
                one[0] = one[1][type(event)](one[0], event)
        if progress is not None and rows:
            progress(rows[-1][0], size)
    states = {stream: one[0] for stream, one in told.items()}
    for stream in retold:
        states[stream] = book.state_at(stream, on, size)
    return states


def work(url: str, size: int, on: str, hashed: bool, of: int, number: int) -> bytes:
    """Tell one share in a process of its own; return its states, packed."""
    book = Book.open(url)
    try:
        with collector_off():
            return _pack(fold(book, size, on, hashed, number, of))
    finally:
        book.close()


def _rows(book: Book, size: int, number: int, of: int) -> Iterable[list[Row]]:
    return book.log.rows(1, size) if of == 1 else book.log.shared_rows(size, number, of)


def _checked(book: Book, size: int, number: int, of: int) -> Iterator[list[Row]]:
    """Yield rows whose leaf, computed anew, is the one in the log; raise Corrupt at another."""
    for rows in book.log.shared_rows(size, number, of, leaf=True):
        leaf = tree.leaf
        for row in rows:
            if leaf(row[4]) != row[5]:
                raise Corrupt(f"position {row[0]}: the leaf is not that of the bytes")
        yield [row[:5] for row in rows]


def _root(book: Book, size: int) -> bytes:
    frontier: list[bytes] = []
    for start in range(1, size + 1, LEAVES):
        tree.grow(start - 1, frontier, book.log.leaves(start, min(start + LEAVES - 1, size)))
    return tree.root(frontier)


def _start(asked: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WORK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(_pack({**asked, "path": sys.path}))
    process.stdin.close()
    process.stdin = None
    return process


def _ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for a share; raise Corrupt with what went wrong in its process."""
    out, trouble = process.communicate()
    if process.returncode:
        raise Corrupt(trouble.decode(errors="replace").strip().rpartition("\n")[2])
    packed: dict[str, msgspec.Raw] = msgspec.msgpack.decode(out, type=dict[str, msgspec.Raw])
    return {stream: _unpack[stream[: stream.index("/")]](raw) for stream, raw in packed.items()}


@contextmanager
def collector_off() -> Iterator[None]:
    """Do without garbage collection while millions of small objects are made and kept."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
