"""The Merkle tree of the log: RFC 9162 §2.1, SHA-256 over the stored bytes of an entry."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def exact(stored: bytes) -> bytes:
    """Return the bytes of a column; raise TypeError where a flipped bit made them a number.

    `bytes(n)` would be n zeros: of a large n, all the memory there is.
    """
    return stored if type(stored) is bytes else bytes(memoryview(stored))


def leaf(entry: bytes) -> bytes:
    """Return the leaf hash of an entry's exact bytes."""
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def grow(size: int, frontier: list[bytes], leaves: Iterable[bytes]) -> int:
    """Append leaves to `frontier`, the hashes on the right edge, largest subtree first.

    Return the new size. At most 63 hashes remain for any tree this side of 2^63 leaves.
    """
    push, pop = frontier.append, frontier.pop
    for hash_ in leaves:
        carried = size
        while carried & 1:
            hash_ = sha256(b"\x01" + pop() + hash_).digest()
            carried >>= 1
        push(hash_)
        size += 1
    return size


def root(frontier: list[bytes]) -> bytes:
    """Return the root over the subtrees on the right edge."""
    if not frontier:
        return EMPTY_ROOT
    hash_ = frontier[-1]
    for left in reversed(frontier[:-1]):
        hash_ = node(left, hash_)
    return hash_


def pack(frontier: list[bytes]) -> bytes:
    """Return the frontier as one string of bytes for its column."""
    return b"".join(frontier)


def unpack(stored: bytes) -> list[bytes]:
    """Return the frontier kept in its column."""
    return [stored[i : i + HASH_BYTES] for i in range(0, len(stored), HASH_BYTES)]
