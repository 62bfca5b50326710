"""The Merkle tree against foreign vectors, and one root for the same bytes on every path."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from books import ADMIN, CLERK, NOON, card, opened, unit

import ledger.postgres
from ledger import tree
from ledger.entry import stamp
from ledger.verifying import root_of

LEAVES_MAX = 300


def frontier_root(leaves: Sequence[bytes]) -> bytes:
    frontier: list[bytes] = []
    tree.grow(0, frontier, leaves)
    return tree.root(frontier)


def test_the_reference_tree_of_certificate_transparency(shared_file: Callable[[str], Path]):
    vector = json.loads(shared_file("merkle/ct-reference-tree.json").read_text())
    assert tree.EMPTY_ROOT.hex() == root_of([]).hex() == vector["empty_root"]
    for said in vector["leaf_hashes"]:
        assert tree.leaf(bytes.fromhex(said["leaf_hex"])).hex() == said["hash"]
    for said in vector["node_hashes"]:
        left, right = bytes.fromhex(said["left"]), bytes.fromhex(said["right"])
        assert tree.node(left, right).hex() == said["hash"]
    leaves = [tree.leaf(bytes.fromhex(entry)) for entry in vector["leaves_hex"]]
    for size, root in enumerate(vector["roots_by_size"], start=1):
        assert frontier_root(leaves[:size]).hex() == root
        assert root_of(leaves[:size]).hex() == root


def test_foreign_inclusion_proofs_lead_to_our_roots(shared_file: Callable[[str], Path]):
    """RFC 9162 §2.1.3.2 written out here, over `tree.node`, accepts and refuses as upstream."""
    cases = json.loads(shared_file("merkle/transparency-dev-inclusion.json").read_text())
    assert len(cases) > 40
    for case in cases:
        proof = [base64.b64decode(h) for h in case["proof"] or []]
        leaf, root = (base64.b64decode(case[k] or "") for k in ("leafHash", "root"))
        included = proves_inclusion(case["leafIdx"], case["treeSize"], leaf, proof, root)
        assert included is not case["wantErr"], case["file"]


def test_foreign_consistency_proofs_lead_to_our_roots(shared_file: Callable[[str], Path]):
    cases = json.loads(shared_file("merkle/transparency-dev-consistency.json").read_text())
    assert len(cases) > 40
    for case in cases:
        proof = [base64.b64decode(h) for h in case["proof"] or []]
        roots = (base64.b64decode(case[k] or "") for k in ("root1", "root2"))
        consistent = proves_consistency(case["size1"], case["size2"], proof, *roots)
        assert consistent is not case["wantErr"], case["file"]


def proves_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    if index >= size or any(len(h) != 32 for h in (leaf, root, *proof)):
        return False
    fn, sn, hash_ = index, size - 1, leaf
    for other in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            hash_ = tree.node(other, hash_)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hash_ = tree.node(hash_, other)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and hash_ == root


def proves_consistency(
    old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes
) -> bool:
    if not 0 < old <= new or any(len(h) != 32 for h in (old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for other in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = tree.node(other, first), tree.node(other, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = tree.node(second, other)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (first, second) == (old_root, new_root)


def test_growing_in_any_steps_gives_the_roots_of_the_recursion():
    """R3: every size up to 300, in one step and leaf by leaf, and edges at powers of two."""
    leaves = [tree.leaf(str(n).encode()) for n in range(1025)]
    frontier: list[bytes] = []
    for size in range(LEAVES_MAX):
        assert tree.root(frontier) == root_of(leaves[:size]) == frontier_root(leaves[:size])
        assert tree.unpack(tree.pack(frontier)) == frontier
        tree.grow(size, frontier, [leaves[size]])
    for size in (511, 512, 513, 1023, 1024, 1025):
        assert frontier_root(leaves[:size]) == root_of(leaves[:size])


# One root on every path -------------------------------------------------------


@pytest.fixture
def same_salts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that starts one fixed sequence of salts."""

    def begin() -> None:
        drawn = iter(range(10**6))

        def salts(count: int) -> list[str]:
            made = [sha256(str(next(drawn)).encode()).digest()[:16] for _ in range(count)]
            return [base64.b64encode(salt).decode() for salt in made]

        monkeypatch.setattr("ledger.book.salts", salts)

    return begin


def recorded(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Record acts of 1, 2, 3, 205 and 7 entries; return all that must be the same everywhere."""
    ids = iter(range(100))
    monkeypatch.setattr("ledger.book.new_id", lambda prefix="": f"{prefix}_{next(ids):03}")
    now = NOON

    def clock():
        return now

    with opened(url, clock=clock) as book:
        for act, size in enumerate((1, 2, 3, 205, 7)):
            asks = [unit(f"u{act}.{n}") for n in range(size)]
            book.act(asks, ADMIN, key=f"k{act}")
            now += timedelta(seconds=1)
            head = book.head()
            leaves = book.log.leaves(1, head[0])
            states = [row[4] for page in book.log.rows(1) for row in page]
            assert [tree.leaf(state) for state in states] == leaves
            assert head[1] == root_of(leaves) == frontier_root(leaves)
        book.act([card("A1")], CLERK)
        with book.log.snapshot() as select:
            seals = select("SELECT first, seal FROM ledger_command ORDER BY first")
        return (*book.head(), list(book.log.rows(1)), seals)


def test_the_same_bytes_have_one_root_on_sqlite_and_on_both_ways_into_postgresql(
    sqlite_url: str,
    postgresql_url: str,
    same_salts: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
):
    """205 entries go by COPY; then everything by COPY; then everything by the function."""
    same_salts()
    in_sqlite = recorded(sqlite_url, monkeypatch)
    same_salts()
    assert recorded(postgresql_url, monkeypatch) == in_sqlite
    for threshold in (1, 10**6):
        empty(postgresql_url)
        monkeypatch.setattr(ledger.postgres, "COPY_FROM", threshold)
        same_salts()
        assert recorded(postgresql_url, monkeypatch) == in_sqlite, f"COPY from {threshold}"


def empty(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as server:
        server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def test_a_stamp_has_the_width_of_the_place_kept_for_it():
    state = b'{"recorded_at":"0000-00-00T00:00:00.000000Z","salt":"x"}'
    assert stamp(state, "2025-03-03T04:00:00.000001Z") == (
        b'{"recorded_at":"2025-03-03T04:00:00.000001Z","salt":"x"}'
    )
