"""The tree of a log at rest: hashes of any range at any size, and the public tiles made of them.

Level 0 are the leaves beside the entries. A node of level n stands for 256 complete nodes of the
level below. Nodes are kept as they become complete, after the act and never in it, so appending
costs nothing; whoever changes them is found, because they can be computed again.

`Tree(book.log)` makes proofs: `.inclusion(index, size)`, `.consistency(old, new)`, `.root(size)`.
`address`, `placed` and `bundle` are the resources of C2SP tlog-tiles.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from ledger import proofs, tree
from ledger.act import Row, Unavailable
from ledger.notes import Unproven

WIDTH = 256
BITS = 8
LEVELS_MAX = 7  # 256^8 leaves are more than positions there are
TILES_KEPT = 4
LEAVES_READ = WIDTH * 80  # leaf hashes read at once while nodes are made


class Log(Protocol):
    """What a tree needs of a recorder."""

    def leaves(self, start: int, stop: int) -> list[bytes]: ...

    def head(self) -> tuple[int, str, bytes]: ...

    def rows(self, start: int, stop: int | None = None) -> Iterator[list[Row]]: ...

    def nodes(self, level: int) -> list[tuple[int, bytes]]: ...

    def keep_nodes(self, rows: Sequence[tuple[int, int, bytes]]) -> None: ...


class Tree:
    """The hashes of one log. One per process is enough; threads may share it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._levels: list[list[bytes]] = []  # from level 1, as far as they are complete
        self._leaves: tuple[tuple[int, list[bytes]], ...] = ()  # the latest tiles, some still short
        self._busy = threading.Lock()

    # Asking ---------------------------------------------------------------------------

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""
        self.reach(size)
        return self.mth(0, size) if size else tree.EMPTY_ROOT

    def checked_root(self, size: int) -> bytes:
        """Return the root over `size` entries after every kept node was held against the others.

        A node below is what the node above was made of, so one that was changed is found by the
        node above it, or by the root. Raise Unproven at one that contradicts, or is there too soon.
        """
        self.reach(size)
        for below, here in pairwise(self._levels):
            for number, hash_ in enumerate(here[: size >> BITS]):
                made_of = below[number * WIDTH : (number + 1) * WIDTH]
                if len(made_of) < WIDTH or _folded(made_of) != hash_:
                    raise Unproven("保存的哈希自相矛盾。", "The kept hashes contradict each other.")
        return self.root(size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the path of the entry at `index` (position less one) in the tree of `size`."""
        self.reach(size)
        return proofs.inclusion(index, size, self.mth)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of `new` entries begins with that of `old`."""
        self.reach(new)
        return proofs.consistency(old, new, self.mth)

    def mth(self, start: int, stop: int) -> bytes:
        """Return the tree hash over leaves start..stop-1 (from 0), as the recursion asks for it."""
        count = stop - start
        if count & (count - 1) == 0 and start % count == 0:
            level = min((count.bit_length() - 1) // BITS, LEVELS_MAX)
            first, last = start >> level * BITS, stop >> level * BITS
            return _folded(self.hashes(level, first, last))
        middle = start + proofs.split(count)
        return tree.node(self.mth(start, middle), self.mth(middle, stop))

    def hashes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return complete nodes start..stop-1 of a level; raise Unproven when they are not there."""
        if level:
            self.reach(stop << level * BITS)
            found = self._levels[level - 1][start:stop] if level <= len(self._levels) else []
        else:
            found = [hash_ for tile in self._tiles(start, stop) for hash_ in tile]
        if len(found) != stop - start:
            raise Unproven("账本没有这么多条。", "The log does not hold so many entries.")
        return found

    def _tiles(self, start: int, stop: int) -> Iterator[list[bytes]]:
        """Yield leaf hashes, a tile at a time: neighbours are asked for next."""
        while start < stop:
            number, offset = divmod(start, WIDTH)
            upto = min(stop, (number + 1) * WIDTH)
            need = upto - number * WIDTH
            tile = next((t for at, t in self._leaves if at == number and len(t) >= need), None)
            if tile is None:
                tile = self._log.leaves(number * WIDTH + 1, (number + 1) * WIDTH)
                others = (kept for kept in self._leaves if kept[0] != number)
                self._leaves = ((number, tile), *others)[:TILES_KEPT]
            yield tile[offset : upto - number * WIDTH]
            start = upto

    # Keeping --------------------------------------------------------------------------

    def reach(self, size: int) -> None:
        """Make and keep the nodes that are complete at a size, where they are not kept yet."""
        if self._length(1) >= size >> BITS:
            return
        with self._busy:
            if not self._levels:
                # From the top: while another process keeps more, nothing is there without what
                # it was made of.
                kept = [self._kept(level) for level in range(LEVELS_MAX, 0, -1)]
                self._levels = kept[::-1]
            made = self._grown(size)
            if made:
                try:
                    self._log.keep_nodes(made)
                except Unavailable as trouble:
                    # Somebody who may only read has them in memory; so has a busy file's reader.
                    if trouble.kind not in ("read-only", "locked"):
                        raise

    def _kept(self, level: int) -> list[bytes]:
        rows = self._log.nodes(level)
        return [hash_ for at, (number, hash_) in enumerate(rows) if at == number]

    def _length(self, level: int) -> int:
        return len(self._levels[level - 1]) if self._levels else -1

    def _grown(self, size: int) -> list[tuple[int, int, bytes]]:
        made: list[tuple[int, int, bytes]] = []
        below = self._levels[0]
        while len(below) < size >> BITS:
            start = len(below) * WIDTH
            stop = min(start + LEAVES_READ, size >> BITS << BITS)
            leaves = self._log.leaves(start + 1, stop)
            if len(leaves) != stop - start:
                raise Unproven("账本没有这么多条。", "The log does not hold so many entries.")
            for at in range(0, len(leaves), WIDTH):
                made.append((1, len(below), _folded(leaves[at : at + WIDTH])))
                below.append(made[-1][2])
        for level in range(2, LEVELS_MAX + 1):
            here = self._levels[level - 1]
            while len(here) < len(below) >> BITS:
                hash_ = _folded(below[len(here) * WIDTH : (len(here) + 1) * WIDTH])
                made.append((level, len(here), hash_))
                here.append(hash_)
            below = here
        return made


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [tree.node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


# The public resources -----------------------------------------------------------------

_place = re.compile(r"(\d|[1-5]\d|6[0-3]|entries)/((?:x\d{3}/){0,6}\d{3})(?:\.p/([1-9]\d{0,2}))?")


def address(level: int | None, number: int, width: int = WIDTH) -> str:
    """Return where a tile is published; `level` None is the bundle of its entries."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    partial = f".p/{width}" if width < WIDTH else ""
    kind = "entries" if level is None else str(level)
    return f"tile/{kind}/{'/'.join(reversed(groups))}{partial}"


def placed(path: str) -> tuple[int | None, int, int]:
    """Return level (None for entries), number and width of `<L>/<N>[.p/<W>]`; raise Unproven."""
    found = _place.fullmatch(path)
    if found is None:
        raise Unproven("没有这样的瓦片。", "There is no such tile.")
    kind, groups, partial = found.groups()
    level = None if kind == "entries" else int(kind)
    number = int(groups.replace("x", "").replace("/", ""))
    width = int(partial) if partial else WIDTH
    full = partial is None or width < WIDTH
    if not full or address(level, number, width) != f"tile/{path}":
        raise Unproven("没有这样的瓦片。", "There is no such tile.")
    return level, number, width


def tile(of: Tree, level: int, number: int, width: int = WIDTH) -> bytes:
    """Return a hash tile; raise Unproven when the log is not that long."""
    if level > LEVELS_MAX:
        raise Unproven("账本没有这么多条。", "The log does not hold so many entries.")
    return b"".join(of.hashes(level, number * WIDTH, number * WIDTH + width))


def bundle(log: Log, number: int, width: int = WIDTH) -> bytes:
    """Return the exact bytes of entries, each behind its length in two bytes."""
    first = number * WIDTH + 1
    states = [row[4] for page in log.rows(first, first + width - 1) for row in page]
    if len(states) != width:
        raise Unproven("账本没有这么多条。", "The log does not hold so many entries.")
    return b"".join(len(state).to_bytes(2, "big") + bytes(state) for state in states)


def unbundled(raw: bytes) -> list[bytes]:
    """Return the entries of a bundle; raise Unproven when it is torn."""
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 2], "big")
        if at + 2 + length > len(raw) or len(raw) - at < 2:
            raise Unproven("条目束已截断。", "A bundle of entries is cut off.")
        found.append(raw[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def published(size: int) -> Iterator[tuple[int | None, int, int]]:
    """Yield level, number and width of every tile and bundle that a log of a size has."""
    level: int | None = None
    count = size
    while count:
        for number in range(-(-count // WIDTH)):
            yield level, number, min(WIDTH, count - number * WIDTH)
        level, count = (0, size) if level is None else (level + 1, count >> BITS)
