"""A copy of the log elsewhere, as static files in the public layout (C2SP tlog-tiles).

The hash tiles (32 bytes an entry) name the very entry that was changed; the bundles of entries
bring it back. Any web server may serve the folder, and any client of such logs may read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ledger import tiles, tree
from ledger.entry import Corrupt
from ledger.notes import Checkpoint, Note, Unproven

CHECKPOINT = "checkpoint"


class Mirror:
    """A folder of tiles, bundles and the newest checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # Reading --------------------------------------------------------------------------

    def note(self) -> Note | None:
        """Return the checkpoint the mirror was brought to; None when there is none yet."""
        try:
            return Note.parse((self.folder / CHECKPOINT).read_bytes())
        except FileNotFoundError:
            return None

    def checkpoint(self) -> Checkpoint | None:
        note = self.note()
        return Checkpoint.parse(note.text) if note else None

    def leaves(self) -> list[bytes]:
        """Return every leaf hash; raise Unproven when they are not what the checkpoint says."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            raise Unproven(f"{self.folder} 里没有镜像。", f"There is no mirror in {self.folder}.")
        found: list[bytes] = []
        frontier: list[bytes] = []
        for number, width in _widths(checkpoint.size):
            found += tree.unpack(self._read(0, number, width))
        tree.grow(0, frontier, found)
        if len(found) != checkpoint.size or tree.root(frontier) != checkpoint.root:
            raise Unproven(
                "镜像与它自己的检查点不符：镜像已损坏或被改动。",
                "The mirror does not fit its own checkpoint: it is damaged or was changed.",
            )
        return found

    def entries(self, start: int = 1) -> Iterator[bytes]:
        """Yield the exact bytes from a position on, each held against its leaf."""
        leaves = self.leaves()
        for number, width in _widths(len(leaves)):
            if (number + 1) * tiles.WIDTH < start:
                continue
            states = tiles.unbundled(self._read(None, number, width))
            first = number * tiles.WIDTH
            if [tree.leaf(state) for state in states] != leaves[first : first + width]:
                raise Unproven(
                    f"镜像里第 {first + 1}–{first + width} 条的原文与哈希不符。",
                    f"Entries {first + 1} to {first + width} of the mirror do not fit their hashes.",
                )
            yield from states[max(0, start - 1 - first) :]

    def _read(self, level: int | None, number: int, width: int) -> bytes:
        path = self.folder / tiles.address(level, number, width)
        try:
            return path.read_bytes()
        except OSError as error:
            raise Unproven(
                f"镜像缺少文件 {path.name}。", f"The mirror lacks {path}: {error.strerror}."
            ) from error

    # Writing --------------------------------------------------------------------------

    def bring(self, log: tiles.Log, note: Note, *, entries: bool = True) -> None:
        """Bring the mirror up to a checkpoint, the checkpoint last: what it says is there.

        Raise Corrupt when what the mirror holds is no beginning of the log: it is then evidence,
        and stays as it is.
        """
        checkpoint = Checkpoint.parse(note.text)
        known = self.checkpoint()
        of = tiles.Tree(log)
        if known is not None and (
            known.size > checkpoint.size or of.root(known.size) != known.root
        ):
            raise Corrupt(f"the log no longer begins with the {known.size} entries of the mirror")
        since = known.size if known is not None else 0
        for level, number, width in tiles.published(checkpoint.size):
            scale = tiles.WIDTH ** (level or 0)
            if (number * tiles.WIDTH + width) * scale <= since or (level is None and not entries):
                continue
            made = (
                tiles.bundle(log, number, width)
                if level is None
                else tiles.tile(of, level, number, width)
            )
            self._write(tiles.address(level, number, width), made)
        self._write(CHECKPOINT, note.raw)
        self._drop_partial(checkpoint.size)

    def _write(self, path: str, content: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.new")
        with beside.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)

    def _drop_partial(self, size: int) -> None:
        """Remove tiles that were short and have grown since."""
        wanted = {self.folder / tiles.address(*place) for place in tiles.published(size)}
        for short in self.folder.glob("tile/**/*.p/*"):
            if short not in wanted:
                short.unlink()


def _widths(size: int) -> Iterator[tuple[int, int]]:
    for number in range(-(-size // tiles.WIDTH)):
        yield number, min(tiles.WIDTH, size - number * tiles.WIDTH)
