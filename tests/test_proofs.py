"""Proofs and tiles: foreign vectors, every size by four ways, and every way to be wrong."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from books import ADMIN, opened, unit
from sizes import SEED

from ledger import proofs, tiles, tree
from ledger.act import Row, Unavailable
from ledger.notes import Checkpoint, Note, Unproven
from ledger.proofs import Proof
from ledger.verifying import root_of

SMALL = 70


class Leaves:
    """A log that is nothing but its leaves, in memory; counts what it is asked for."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.all, self.kept, self.read = list(leaves), dict[tuple[int, int], bytes](), 0
        self.trouble = ""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        self.read += stop - start + 1
        return self.all[start - 1 : stop]

    def head(self) -> tuple[int, str, bytes]:
        return len(self.all), "", b""

    def rows(self, start: int, stop: int | None = None) -> Iterator[list[Row]]:
        return iter(())

    def nodes(self, level: int) -> list[tuple[int, bytes]]:
        return sorted((n, hash_) for (at, n), hash_ in self.kept.items() if at == level)

    def keep_nodes(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        if self.trouble:
            raise Unavailable(self.trouble)
        for level, number, hash_ in rows:
            self.kept.setdefault((level, number), hash_)


def some(count: int) -> list[bytes]:
    return [tree.leaf(str(n).encode()) for n in range(count)]


# Foreign vectors (R1) ---------------------------------------------------------------


def unpacked(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[name] or "") for name in names]


@pytest.mark.reliability("R1")
def test_foreign_inclusion_proofs(shared_file: Callable[[str], Path]):
    cases = json.loads(shared_file("merkle/transparency-dev-inclusion.json").read_text())
    for case in cases:
        path = [base64.b64decode(h) for h in case["proof"] or []]
        leaf, root = unpacked(case, "leafHash", "root")
        found = proofs.included(case["leafIdx"], case["treeSize"], leaf, path, root)
        assert found is not case["wantErr"], case["file"]


@pytest.mark.reliability("R1")
def test_foreign_consistency_proofs(shared_file: Callable[[str], Path]):
    cases = json.loads(shared_file("merkle/transparency-dev-consistency.json").read_text())
    for case in cases:
        path = [base64.b64decode(h) for h in case["proof"] or []]
        old, new = unpacked(case, "root1", "root2")
        found = proofs.consistent(case["size1"], case["size2"], old, new, path)
        assert found is not case["wantErr"], case["file"]


def test_proofs_of_real_rekor_logs(shared_file: Callable[[str], Path]):
    for case in json.loads(shared_file("merkle/sigstore-inclusion.json").read_text()):
        path = [base64.b64decode(h) for h in case["hashes"]]
        body, root = unpacked(case, "canonicalized_body_b64", "root_hash")
        leaf = tree.leaf(body)
        found = proofs.included(int(case["log_index"]), int(case["tree_size"]), leaf, path, root)
        assert found is case["inclusion_ok"], case["name"]
        try:
            checkpoint = Checkpoint.parse(Note.parse(case["checkpoint"].encode()).text)
            same = (checkpoint.size, checkpoint.root) == (int(case["tree_size"]), root)
        except Unproven:
            same = False
        assert same is case["checkpoint_matches_proof"], case["name"]


@pytest.mark.reliability("R1")
def test_foreign_tlog_proofs(shared_file: Callable[[str], Path]):
    said = json.loads(shared_file("merkle/tlog-proof.json").read_text())
    for case in said["must_fail"]:
        with pytest.raises(Unproven):
            Proof.parse(case["proof"].encode())
    for case in said["marshal"]:
        path = tuple(base64.b64decode(h) for h in case["hashes"])
        proof = Proof(case["index"], path, case["checkpoint"].encode())
        assert proof.raw.decode() == case["want"]
        assert Proof.parse(proof.raw) == proof


@pytest.mark.reliability("R1")
def test_the_tiles_of_a_log_that_tessera_made(shared_file: Callable[[str], Path]):
    log = json.loads(shared_file("merkle/tessera-log.json").read_text())
    entries = [b"one", b"two", b"three", b"four", b"five", b"six", b"seven"]
    of = tiles.Tree(Leaves([tree.leaf(entry) for entry in entries]))
    for path, said in log["tiles_b64"].items():
        level, number, width = tiles.placed(path.removeprefix("tile/"))
        assert level is not None
        assert tiles.tile(of, level, number, width) == base64.b64decode(said)
        assert tiles.address(level, number, width) == path
    for path, said in log["entry_bundles_b64"].items():
        level, _, width = tiles.placed(path.removeprefix("tile/"))
        assert level is None
        assert tiles.unbundled(base64.b64decode(said)) == entries[:width]


# Every way to the same root (R3) ------------------------------------------------------


@pytest.mark.reliability("R3")
def test_every_proof_of_every_small_tree():
    """All (m, n) up to 70: made from tiles, checked, and wrong for any other place or size."""
    leaves = some(SMALL)
    of = tiles.Tree(Leaves(leaves))
    roots = [root_of(leaves[:size]) for size in range(SMALL + 1)]
    count = 0
    for size in range(1, SMALL + 1):
        assert of.root(size) == roots[size]
        for other in range(1, size + 1):
            path = of.consistency(other, size)
            assert proofs.consistent(other, size, roots[other], roots[size], path)
            assert not proofs.consistent(other, size, roots[other], tree.EMPTY_ROOT, path)
            path = of.inclusion(other - 1, size)
            assert proofs.included(other - 1, size, leaves[other - 1], path, roots[size])
            assert not proofs.included(other - 1, size, tree.EMPTY_ROOT, path, roots[size])
            assert not proofs.included(
                other % size, size, leaves[other - 1], path, roots[size]
            ) or (other % size == other - 1)
            count += 2
    assert count == SMALL * (SMALL + 1)


EDGES = sorted({2**k + d for k in range(1, 17) for d in (-1, 0, 1)} | {256**2 + 256, 70_001})


@pytest.mark.reliability("R3")
def test_edges_of_tiles_and_powers_of_two_in_a_long_log():
    leaves = some(EDGES[-1])
    log = Leaves(leaves)
    of = tiles.Tree(log)
    seeded = random.Random(SEED)
    frontier: list[bytes] = []
    roots: dict[int, bytes] = {}
    for size in EDGES:
        tree.grow(max(roots, default=0), frontier, leaves[max(roots, default=0) : size])
        roots[size] = tree.root(frontier)
        assert of.root(size) == roots[size], size
        for index in {0, size - 1, size // 2, seeded.randrange(size)}:
            path = of.inclusion(index, size)
            assert proofs.included(index, size, leaves[index], path, roots[size]), (SEED, index)
        for old in roots:
            path = of.consistency(old, size)
            assert proofs.consistent(old, size, roots[old], roots[size], path), (old, size)
    again = tiles.Tree(log)  # from what was kept
    log.read = 0
    assert again.root(EDGES[-1]) == roots[EDGES[-1]]
    assert log.read <= 2 * tiles.WIDTH


def test_proofs_that_cannot_be():
    of = tiles.Tree(Leaves(some(300)))
    for wrong in (
        lambda: of.inclusion(5, 5),
        lambda: of.inclusion(-1, 5),
        lambda: of.consistency(0, 5),
        lambda: of.consistency(6, 5),
        lambda: of.root(301),
        lambda: of.root(600),
        lambda: tiles.tile(of, 0, 1, 45),
        lambda: tiles.tile(of, 1, 0, 2),
        lambda: tiles.tile(of, 9, 0),
        lambda: tiles.bundle(Leaves([]), 0, 1),
        lambda: tiles.unbundled(b"\x00\x05abc"),
        lambda: tiles.unbundled(b"\x00"),
    ):
        with pytest.raises(Unproven):
            wrong()
    assert of.root(0) == tree.EMPTY_ROOT
    leaves = some(5)
    root = root_of(leaves)
    path = of.inclusion(1, 5)
    assert proofs.included(1, 5, leaves[1], path, root)
    for other in (path[:-1], [*path, root], path[::-1], [path[0][:31], *path[1:]], []):
        assert not proofs.included(1, 5, leaves[1], other, root)
    assert not proofs.included(0, 1, leaves[0], [root], leaves[0])
    old = root_of(leaves[:3])
    steps = of.consistency(3, 5)
    for other in (steps[:-1], [*steps, root], steps[::-1], [], [*steps] * 30):
        assert not proofs.consistent(3, 5, old, root, other)
    assert not proofs.consistent(5, 5, root, root, [root])
    assert not proofs.consistent(0, 5, tree.EMPTY_ROOT, root, [])


def test_a_reader_who_may_not_write_proves_all_the_same():
    for trouble in ("read-only", "locked"):
        log = Leaves(some(600))
        log.trouble = trouble
        assert tiles.Tree(log).root(600) == root_of(log.all)
        assert not log.kept
    log.trouble = "damaged"
    with pytest.raises(Unavailable):
        tiles.Tree(log).root(600)


def test_a_kept_hash_that_contradicts_those_below_is_noticed():
    log = Leaves(some(65_600))
    root = tiles.Tree(log).checked_root(65_600)
    assert root == root_of(log.all)
    for place in ((1, 7), (2, 0)):
        good = log.kept[place]
        log.kept[place] = bytes(32)
        with pytest.raises(Unproven):
            tiles.Tree(log).checked_root(65_600)
        log.kept[place] = good


def test_a_gap_in_what_was_kept_is_made_anew():
    log = Leaves(some(1100))
    tiles.Tree(log).reach(1100)
    del log.kept[1, 1]
    assert tiles.Tree(log).root(1100) == root_of(log.all)
    assert (1, 1) in log.kept


# Written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (1, 999, 256, "tile/1/999"),
        (0, 1000, 7, "tile/0/x001/000.p/7"),
        (63, 1234067, 255, "tile/63/x001/x234/067.p/255"),
        (None, 5, 256, "tile/entries/005"),
    ],
)
def test_addresses_of_tiles(level: int | None, number: int, width: int, path: str):
    assert tiles.address(level, number, width) == path
    assert tiles.placed(path.removeprefix("tile/")) == (level, number, width)


@pytest.mark.parametrize(
    "path",
    [
        *("0/00", "0/0000", "64/000", "00/000", "0/x000/000", "0/001/000", "0/000.p/0", ""),
        *("0/000.p/256", "0/000.p/01", "data/000", "entries/000.p/", "0/000/", "../000"),
    ],
)
def test_paths_where_no_tile_is(path: str):
    with pytest.raises(Unproven):
        tiles.placed(path)


def test_a_proof_of_an_entry_in_a_real_log(database: str):
    with opened(database) as book:
        for n in range(3):
            book.act([unit(f"u{n}.{i}") for i in range(100)], ADMIN)
        size, root, _ = book.head()
        of = tiles.Tree(book.log)
        assert of.root(size) == root
        assert [number for number, _ in book.log.nodes(1)] == [0]
        checkpoint = (
            Note(Checkpoint("log.example", size, root).text, ()).raw + "— a AAAAAAA=\n".encode()
        )
        for index in (0, 255, 256, size - 1):
            state = next(book.log.rows(index + 1, index + 1))[0][4]
            proof = Proof(index, tuple(of.inclusion(index, size)), checkpoint, b"beside")
            again = Proof.parse(proof.raw)
            assert again == proof
            assert again.check(bytes(state)).size == size
            with pytest.raises(Unproven, match=f"Entry {index + 1} "):
                again.check(bytes(state) + b" ")
        entries = tiles.unbundled(tiles.bundle(book.log, 1, size - 256))
        assert [tree.leaf(e) for e in entries] == book.log.leaves(257, size)
        assert list(tiles.published(size)) == [
            *((None, 0, 256), (None, 1, 44), (0, 0, 256), (0, 1, 44), (1, 0, 1)),
        ]


@pytest.mark.parametrize(
    "raw",
    [
        b"c2sp.org/tlog-proof@v1\nindex 0\n",
        b"c2sp.org/tlog-proof@v1\nextra AA==\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 0\nQUJD\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n—\n\nx".encode(),
    ],
)
def test_what_is_no_proof(raw: bytes):
    with pytest.raises(Unproven):
        Proof.parse(raw)
