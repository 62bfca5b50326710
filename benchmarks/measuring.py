"""What a measurement is: our figure, the floor beside it, their ratio, and the bar to reach."""

from __future__ import annotations

import gc
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("eventsourcing", "sqlalchemy", "psycopg", "msgspec", "fastapi", "uvicorn")


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What must be reached; a limit that is None asks for nothing."""

    least: float | None = None
    most: float | None = None
    ratio_least: float | None = None
    ratio_most: float | None = None

    def reached(self, ours: float, ratio: float | None) -> bool | None:
        """Tell whether every limit is kept; None when there is none."""
        checks = [
            (self.least, ours, 1),
            (self.most, ours, -1),
            (self.ratio_least, ratio, 1),
            (self.ratio_most, ratio, -1),
        ]
        kept = [
            (value is not None and (value - limit) * sign >= 0)
            for limit, value, sign in checks
            if limit is not None
        ]
        return all(kept) if kept else None

    def __str__(self) -> str:
        said = [
            f"{sign} {limit:,g}{times}"
            for sign, limit, times in (
                ("≥", self.least, ""),
                ("≤", self.most, ""),
                ("≥", self.ratio_least, " ×"),
                ("≤", self.ratio_most, " ×"),
            )
            if limit is not None
        ]
        return ", ".join(said)


NO_BAR = Bar()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `floor` is measured in the same run; `beside` says what it is."""

    work: str
    ours: float
    unit: str
    floor: float | None = None
    beside: str = ""
    bar: Bar = NO_BAR

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.floor else None

    @property
    def reached(self) -> bool | None:
        return self.bar.reached(self.ours, self.ratio)

    def cells(self, *, judged: bool) -> tuple[str, ...]:
        """Return the line as texts; a small run is not judged."""
        verdict = {True: "是 yes", False: "否 NO", None: "–"}[self.reached if judged else None]
        return (
            self.work,
            f"{number(self.ours)} {self.unit}",
            "–" if self.floor is None else f"{number(self.floor)} {self.unit}",
            self.beside or "–",
            "–" if self.ratio is None else f"{number(self.ratio)} ×",
            str(self.bar) or "–",
            verdict,
        )


HEADER = (
    "工作 work",
    "我们 ours",
    "底线 floor",
    "底线是什么 what the floor is",
    "比 ratio",
    "目标 bar",
    "达到 reached",
)


def number(value: float) -> str:
    """Return a figure with three significant digits, or whole when it is large."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def short(events: int) -> str:
    """Return a size as people say it: 100k, 1M."""
    if events >= 1_000_000 and events % 100_000 == 0:
        return f"{events / 1_000_000:g}M"
    return f"{events / 1000:g}k"


# Measuring --------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(repeats: int, *works: Callable[[], float]) -> list[float]:
    """Return the median of each measurement; they take turns, so that all see the same noise."""
    turns = [[work() for work in works] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def median_pair(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return our figure and the floor of the turn whose ratio is the median of all turns.

    The two of a turn were measured one right after the other, so that what slowed one slowed the
    other. Of an even number of turns it is the worse of the two in the middle.
    """
    turns = sorted(pairs, key=lambda pair: pair[0] / pair[1])
    return turns[(len(turns) - 1) // 2]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(0, -(-len(ordered) * percent // 100) - 1)
    return ordered[int(min(rank, len(ordered) - 1))]


@contextmanager
def collector_off() -> Iterator[None]:
    """Measure without pauses of the garbage collector, on both sides of a comparison."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# Where it was measured --------------------------------------------------------


def machine(postgres: str) -> list[tuple[str, str]]:
    """Return what a reader must know to judge the figures; no names of hosts, no paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return [
        ("处理器 processor", f"{os.cpu_count()} × {_processor()}"),
        ("内存 memory", f"{memory:.0f} GiB"),
        ("系统 system", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("SQLite", f"{sqlite3.sqlite_version}, WAL, synchronous=FULL"),
        ("PostgreSQL", postgres),
        ("包 packages", packages),
        ("提交 commit", _commit()),
        ("开始时负载 load at the start", load),
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    measured = ("domain", "ledger", "projections", "api", "benchmarks/*.py")
    changed = git("status", "--porcelain", "--", *measured)
    return (git("rev-parse", "--short=12", "HEAD") or "–") + (" + changes" if changed else "")
