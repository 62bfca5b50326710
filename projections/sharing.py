"""Every processor folds its share of the streams, each into a file of its own (SQLite).

A long log takes minutes to tell again, and Python tells with one processor only. So the streams
are dealt out: another process folds each share but the first, and writes its rows to a file that
SQLite then merges into the lists.
"""

from __future__ import annotations

import glob
import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.book import Book
from ledger.replaying import collector_off
from projections import history
from projections.following import LISTS, PAGE_ROWS, Batch, Stuck, Whole, intervals
from projections.writing import Writer

LONG = 200_000  # entries from which another process is worth its start
SHARES = (1, 2, history.PARTS)
WHOLE_ROWS = 2_000  # of streams told one after another: as many as the processor's cache holds
LEFT_SECONDS = 24 * 3600  # after which shares were left behind by a process that was killed
WORK = """
import gc, json, os, sys
gc.disable()  # all that is imported stays
said = json.load(sys.stdin)
sys.path[:] = said.pop("path")
from projections.sharing import work
work(**said)
os._exit(0)  # all is written; taking a million objects apart would only take time
"""
Progress: TypeAlias = Callable[[int, int], None]
_dialect: Any = sqlite.dialect
_told = logging.getLogger(__name__)


def shares(url: str, size: int) -> int:
    """Return into how many shares a log is dealt out; 1 when dealing would not pay or not work."""
    if size < LONG or not sys.executable or not _file(url).is_file():
        return 1
    return max(n for n in SHARES if n <= (os.cpu_count() or 1))


def in_memory(url: str) -> bool:
    """Return whether memory holds the file, so that streams may be looked up in any order."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return False
    return _file(url).stat().st_size * 2 < memory


class Untold(Exception):
    """A share could not be told, and why was logged."""


@contextmanager
def folded(
    book: Book, size: int, count: int, progress: Progress | None
) -> Iterator[Iterator[Path]]:
    """Lend files in which all streams up to a position are told, each as soon as it is whole.

    Raise Untold when one cannot be told; whoever then tells everything alone meets the same
    entry, and stops at it loudly.
    """
    home = _file(book.url).resolve()
    _swept(home)
    with tempfile.TemporaryDirectory(prefix=f"{home.name}-shares-", dir=home.parent) as folder:
        files = [Path(folder) / f"{number}.db" for number in range(count)]
        others = [
            _start(book.url, size, number, count, files[number]) for number in range(1, count)
        ]
        try:
            try:
                fold(book, size, 0, count, files[0], progress)
            except (sqlite3.Error, Stuck) as error:
                # A full disk, perhaps, and alone we need less of it; or an entry that cannot be
                # shown, and alone we meet the first of them.
                raise _untold(str(error)) from error
            yield _in_order(files, others)
        finally:
            for other in others:
                other.kill()
                other.wait()


def _in_order(files: Sequence[Path], others: Sequence[subprocess.Popen[str]]) -> Iterator[Path]:
    """Yield our own file, which is whole, and the others as their processes end."""
    yield files[0]
    for file, other in zip(files[1:], others, strict=True):
        trouble = _ended(other)
        if trouble:
            raise _untold(trouble)
        yield file


def _untold(trouble: str) -> Untold:
    _told.warning("a share of the lists was not told: %s", trouble)
    return Untold(trouble)


def work(url: str, size: int, number: int, of: int, file: str) -> None:
    """Fold one share in a process of its own."""
    book = Book.open(url)
    try:
        fold(book, size, number, of, Path(file), None)
    finally:
        book.close()


def fold(
    book: Book,
    size: int,
    number: int,
    of: int,
    file: Path,
    progress: Progress | None,
    *,
    whole: bool | None = None,
) -> None:
    """Tell one share of the streams, up to a position, and write its rows to a new file.

    Stream by stream where memory holds the log (`whole` says so), else in the order of the log.
    """
    lists = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in (
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "secure_delete=OFF",
            "temp_store=MEMORY",
            "cache_size=-262144",
        ):
            lists.execute(f"PRAGMA {pragma}")
        for table in LISTS:
            lists.execute(str(CreateTable(table).compile(dialect=_dialect())))
        lists.execute("BEGIN")
        with collector_off():
            if in_memory(book.url) if whole is None else whole:
                _by_streams(book, size, number, of, lists.cursor(), progress)
            else:
                _by_positions(book, size, number, of, lists.cursor(), progress)
        for index in history.indexes:
            lists.execute(str(CreateIndex(index).compile(dialect=_dialect())))
        lists.execute("COMMIT")
    finally:
        lists.close()


def _by_streams(
    book: Book, size: int, number: int, of: int, cursor: Any, progress: Progress | None
) -> None:
    """Tell one stream after another: what belongs together is warm, and nothing is kept."""
    whole, done = Whole(Writer(cursor, sqlite=True)), 0
    for page in book.log.whole_streams(size, number, of, WHOLE_ROWS):
        whole.take(page)
        done += len(page) * of
        if progress is not None:
            progress(min(done, size), size)


def _by_positions(
    book: Book, size: int, number: int, of: int, cursor: Any, progress: Progress | None
) -> None:
    """Tell entries in the order in which they lie on the disk."""
    batch = Batch(book, Writer(cursor, sqlite=True), {}, intervals(), fresh=True)
    for page in book.log.shared_rows(size, number, of, page_rows=PAGE_ROWS):
        batch.take(page)
        batch.flush_intervals()
        if progress is not None and page:
            progress(page[-1][0], size)
    batch.tell_irregular(size)
    batch.flush()


def _start(url: str, size: int, number: int, of: int, file: Path) -> subprocess.Popen[str]:
    """Start the process that folds one share."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WORK],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = {"url": url, "size": size, "number": number, "of": of, "file": str(file)}
    assert process.stdin is not None
    process.stdin.write(json.dumps(said | {"path": sys.path}))
    process.stdin.close()
    process.stdin = None
    return process


def _ended(process: subprocess.Popen[str]) -> str:
    """Wait for a process; return what went wrong in it, empty when nothing did."""
    with process:
        assert process.stderr is not None
        trouble = process.stderr.read()
    return "" if process.returncode == 0 else trouble or f"it ended with {process.returncode}"


def _swept(home: Path) -> None:
    """Remove shares that a killed process left beside a ledger."""
    for left in home.parent.glob(f"{glob.escape(home.name)}-shares-*"):
        if time.time() - left.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
