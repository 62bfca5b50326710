"""Merkle proofs (RFC 9162 §2.1.3 and §2.1.4), and the tlog-proof in which one travels.

Proofs are made from a function `mth(start, stop)`: the tree hash over leaves start..stop-1
(`tiles.Tree.mth` reads it from a log of any length). They are checked from hashes alone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Self, TypeAlias

import msgspec

from ledger import tree
from ledger.notes import NOTE_BYTES_MAX, Checkpoint, Note, Unproven, decimal, unbase64

HASHES_MAX = 63  # a tree this side of 2^63 leaves has no longer path
PROOF_HEADING = "c2sp.org/tlog-proof@v1"
Mth: TypeAlias = Callable[[int, int], bytes]


def split(count: int) -> int:
    """Return the largest power of two below `count` (at least 2): where a tree divides."""
    return 1 << (count - 1).bit_length() - 1


# Making -------------------------------------------------------------------------------


def inclusion(index: int, size: int, mth: Mth) -> list[bytes]:
    """Return the path from leaf `index` (from 0) to the root over `size` leaves, sibling first."""
    if not 0 <= index < size:
        raise Unproven(
            f"{size} 条中没有序号 {index}。", f"There is no index {index} among {size} entries."
        )
    path, start, stop = list[bytes](), 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(mth(middle, stop))
            stop = middle
        else:
            path.append(mth(start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, mth: Mth) -> list[bytes]:
    """Return the proof that the first `old` of `new` leaves are the tree of size `old`."""
    if not 0 < old <= new:
        raise Unproven(
            f"不能证明 {old} 条与 {new} 条一致。", f"No proof leads from {old} to {new} entries."
        )
    path, start, stop, whole = list[bytes](), 0, new, True
    while stop != old:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(mth(middle, stop))
            stop = middle
        else:
            path.append(mth(start, middle))
            start, whole = middle, False
    return ([] if whole else [mth(start, stop)]) + path[::-1]


# Checking -----------------------------------------------------------------------------


def included(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a path leads from a leaf hash at `index` to the root over `size` leaves."""
    if not 0 <= index < size or not _hashes(leaf, root, *path):
        return False
    at, last, found = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = tree.node(other, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = tree.node(found, other)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether the tree of `new` leaves begins with the tree of `old`; 0 is never proven."""
    if not 0 < old <= new or not _hashes(old_root, new_root, *path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = tree.node(other, first), tree.node(other, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = tree.node(second, other)
        at, last = at >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


def _hashes(*all_: bytes) -> bool:
    return len(all_) <= HASHES_MAX + 3 and all(len(h) == tree.HASH_BYTES for h in all_)


# Written ------------------------------------------------------------------------------


def lines(path: Sequence[bytes]) -> str:
    """Return hashes as lines of base64."""
    return "".join(base64.b64encode(hash_).decode() + "\n" for hash_ in path)


def hashes(written: Sequence[str]) -> list[bytes]:
    """Read lines of base64, each a hash; raise Unproven for anything else."""
    found = [unbase64(line) for line in written[: HASHES_MAX + 1]]
    if len(found) > HASHES_MAX or any(len(hash_) != tree.HASH_BYTES for hash_ in found):
        raise Unproven("证明中的哈希长度或个数不对。", "A hash of the proof has a wrong length.")
    return found


class Proof(msgspec.Struct, frozen=True):
    """That an entry is in a log: its index from 0, its path, and the signed checkpoint (C2SP).

    `extra` is for the application's use and is vouched for by nobody.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def raw(self) -> bytes:
        extra = "" if self.extra is None else f"extra {base64.b64encode(self.extra).decode()}\n"
        head = f"{PROOF_HEADING}\n{extra}index {self.index}\n{lines(self.path)}\n"
        return head.encode() + self.checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a tlog-proof; raise Unproven when it is not one. The checkpoint is not checked."""
        head, split_, checkpoint = raw.partition(b"\n\n")
        try:
            written = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            written = []
        if not split_ or len(raw) > 2 * NOTE_BYTES_MAX or written[:1] != [PROOF_HEADING]:
            raise Unproven("不是 tlog-proof 格式的证明。", "This is not a tlog-proof.")
        rest, extra = written[1:], None
        if rest and rest[0].startswith("extra "):
            extra = unbase64(rest.pop(0).removeprefix("extra "))
        if not rest or not rest[0].startswith("index "):
            raise Unproven("证明缺少序号（index）。", "The proof says no index.")
        index = decimal(rest.pop(0).removeprefix("index "))
        return cls(index, tuple(hashes(rest)), checkpoint, extra)

    def check(self, entry: bytes) -> Checkpoint:
        """Return the checkpoint that holds these exact bytes at this index.

        Whether its signatures are to be trusted is asked of a `trust.Trust` beside this.
        Raise Unproven when the path does not lead to its root.
        """
        checkpoint = Checkpoint.parse(Note.parse(self.checkpoint).text)
        leaf = tree.leaf(entry)
        if not included(self.index, checkpoint.size, leaf, self.path, checkpoint.root):
            raise Unproven(
                f"第 {self.index + 1} 条不在该检查点的账本中：条目、证明或检查点被改动。",
                f"Entry {self.index + 1} is not in the log of this checkpoint: entry, proof or"
                " checkpoint was changed.",
            )
        return checkpoint
