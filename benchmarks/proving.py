"""证明的代价 · What proof costs: hashing at each append, an inclusion proof, the whole check."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import ModuleType

import psycopg

from benchmarks.measuring import Bar, Figure, collector_off, percentile, seconds, short
from benchmarks.places import GROWTH, Place
from benchmarks.workload import ACTOR, Lives
from ledger import national, postgres, proofs, tree
from ledger.book import Book, new_id
from ledger.entry import Draft
from ledger.tiles import Tree

ONE_BY_ONE, IN_ONE = 2_000, 20_000
TURN = 50  # appends of each side, one after another: both see the same neighbours
PROOFS = 3_000
SEED = 5
AUDIT_COST_MOST = 1.25  # of the same recorder without leaves and tree
# In a process of its own, so that its memory is its own; the largest it ever was, in MiB. What the
# system says of a process's resources would count the parent it was forked from.
CHECK = """
import json, re, sys, time
from pathlib import Path
from ledger.book import Book
from ledger.verifying import verify
book = Book.open(sys.argv[1])
start = time.perf_counter()
verdict = verify(book)
took = time.perf_counter() - start
assert verdict.intact, verdict.sentence("en")
most = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([took, int(most[1]) / 1024]))
"""


def run(place: Place) -> Iterator[Figure]:
    """Yield the cost of the tree at append, then proofs and the whole check at the largest size."""
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        yield from _appends(place, back_end, title)
    events = place.size(GROWTH[-1])
    url, _ = place.ledger("sqlite", events)
    yield from _proofs(url, events)
    took, memory = json.loads(
        subprocess.run(
            [sys.executable, "-c", CHECK, url], check=True, capture_output=True, text=True
        ).stdout
    )
    work = f"SQLite, whole check, {short(events)}"
    yield Figure(work=work, ours=took, unit="s", bar=Bar(most=20))
    yield Figure(work=f"{work}, memory", ours=memory, unit="MiB", bar=Bar(most=500))
    yield from _parallel(url, events)


def _appends(place: Place, back_end: str, title: str) -> Iterator[Figure]:
    """Record the same drafts in two ledgers, in turns: with the tree, and without it."""
    for each, count in ((1, ONE_BY_ONE), (4_000, IN_ONE)):
        count = max(place.size(count), 2 * TURN)

        def both(each: int = each, count: int = count) -> tuple[float, float]:
            with_tree, without = place.fresh(back_end), place.fresh(back_end)
            if back_end == "postgresql":
                _without_tree(without)
            books = Book.open(with_tree), Book.open(without)
            took = [0.0, 0.0]
            parts = [_parts(count, each), _parts(count, each)]
            try:
                while any(turn := [list(islice(p, max(1, TURN // each))) for p in parts]):
                    took[0] += _record(books[0], turn[0])
                    with _no_tree():
                        took[1] += _record(books[1], turn[1])
                assert books[0].head()[0] == books[1].head()[0] >= count // 10 * 10
            finally:
                for book in books:
                    book.close()
                place.forget(with_tree)
                place.forget(without)
            return took[0], took[1]

        pairs = [both() for _ in range(place.repeats)]
        ours, floor = (sorted(column)[len(column) // 2] for column in zip(*pairs, strict=True))
        yield Figure(
            work=f"{title}, append of {each}, with leaves and tree",
            ours=1e6 * ours / count,
            unit="µs/entry",
            floor=1e6 * floor / count,
            beside="the same without leaves and tree",
            bar=Bar(ratio_most=AUDIT_COST_MOST),
        )


def _parts(count: int, each: int) -> Iterator[list[Draft]]:
    drafts = Lives(max(count, 10)).drafts()
    while part := list(islice(drafts, each)):
        yield part


def _record(book: Book, parts: Sequence[list[Draft]]) -> float:
    start = time.perf_counter()
    for part in parts:
        book.append(part, actor=ACTOR, cause=new_id("bench"))
    return time.perf_counter() - start


@contextmanager
def _no_tree() -> Iterator[None]:
    """Let this process record without hashing anything; zeros stand where the leaf would."""
    leaf, grow, zeros = tree.leaf, tree.grow, bytes(tree.HASH_BYTES)
    tree.leaf = lambda entry: zeros
    tree.grow = lambda size, frontier, leaves: size + len(list(leaves))
    try:
        yield
    finally:
        tree.leaf, tree.grow = leaf, grow


def _without_tree(url: str) -> None:
    """Make the server's function record without hashing anything."""
    Book.open(url).close()
    body = postgres.RECORD
    changed = body
    for said, instead in (
        ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        ("hash := sha256('\\x00'::bytea || entry);", "hash := decode(repeat('00', 32), 'hex');"),
        ("WHILE carried & 1 = 1 LOOP", "WHILE false LOOP"),
        ("stack := stack || hash;", ""),
    ):
        assert said in changed, said
        changed = changed.replace(said, instead)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(changed.encode())


def _parallel(url: str, events: int) -> Iterator[Figure]:
    """Read every entry and make the tree of SM3, as the parallel log does; beside it, of SHA-256."""
    book = Book.open(url)

    def anew(of: ModuleType) -> bytes:
        frontier, size = list[bytes](), 0
        for page in book.log.rows(1):
            size = of.grow(size, frontier, [of.leaf(bytes(row[4])) for row in page])
        root: bytes = of.root(frontier)
        return root

    try:
        with collector_off():
            ours, floor = seconds(lambda: anew(national)), seconds(lambda: anew(tree))
        assert anew(tree) == book.head()[1]
    finally:
        book.close()
    yield Figure(
        work=f"SQLite, the whole tree of SM3, {short(events)}",
        ours=ours,
        unit="s",
        floor=floor,
        beside="the same with SHA-256",
    )


def _proofs(url: str, events: int) -> Iterator[Figure]:
    """Make proofs of entries anywhere in the log, each checked; then all of it from nothing kept."""
    book = Book.open(url)
    chance = random.Random(SEED)
    try:
        size, root, _ = book.head()
        first = seconds(lambda: Tree(book.log).reach(size))
        of = Tree(book.log)
        assert of.root(size) == root
        took: list[float] = []
        with collector_off():
            for _ in range(PROOFS):
                index = chance.randrange(size)
                start = time.perf_counter()
                path = of.inclusion(index, size)
                took.append(1000 * (time.perf_counter() - start))
                leaf = book.log.leaves(index + 1, index + 1)[0]
                assert proofs.included(index, size, leaf, path, root)
    finally:
        book.close()
    for percent, bar in ((50, Bar()), (99, Bar(most=5))):
        yield Figure(
            work=f"SQLite, inclusion proof, {short(events)}, p{percent}",
            ours=percentile(took, percent),
            unit="ms",
            bar=bar,
        )
    yield Figure(
        work=f"SQLite, hashes of the tree made the first time, {short(events)}",
        ours=first,
        unit="s",
    )
