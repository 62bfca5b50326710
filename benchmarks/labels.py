"""标签 · Labels: pictures a second, and a stack of sheets as one PDF."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring import ROOT, Bar, Figure, medians, short
from benchmarks.places import Place
from labels import face, identity, qr, sheet
from labels.face import LabelFace
from labels.identity import Kind, LabelKey, LabelPayload
from labels.template import ROLL_50, SHEET_70

LABELS = 600
SHEETS = 5_000  # labels
KEY = LabelKey("a", b"the secret of this label office!" * 2)


def run(place: Place) -> Iterator[Figure]:
    """Yield labels a second on one core, the share of each part, and time and memory of a PDF."""
    count = LABELS // 10 if place.smoke else LABELS
    codes = [payload(n) for n in range(count)]
    faces = [label(n) for n in range(count)]
    symbols = [face.symbol(code) for code in codes]
    images = [face.pixels(f, c) for f, c in zip(faces, codes, strict=True)]
    whole, code, text, png = medians(
        place.repeats,
        lambda: rate(count, lambda n: face.png(faces[n], codes[n])),
        lambda: rate(count, lambda n: face.symbol(codes[n])),
        lambda: rate(count, lambda n: face.pixels(faces[n], codes[n], symbol=symbols[n])),
        lambda: rate(count, lambda n: qr.png_bytes(images[n], dpi=ROLL_50.dpi)),
    )
    yield Figure(
        work=f"PNG 50 × 30 mm, 300 dpi, {short(count)} on one core",
        ours=whole,
        unit="labels/s",
        floor=code,
        beside="its code alone, by `qrcode`",
        bar=Bar(least=60),
    )
    for name, part in (("code", code), ("text and drawing", text), ("PNG", png)):
        yield Figure(work=f"share of the {name}", ours=100 * whole / part, unit="%")
    labels = place.size(SHEETS)
    seconds, megabytes, size = written(labels)
    yield Figure(
        work=f"PDF of {short(labels)} labels, 3 × 8 on A4 ({size / 1e6:.1f} MB)",
        ours=seconds,
        unit="s",
        bar=Bar(most=90),
    )
    yield Figure(work="memory of it, at most", ours=megabytes, unit="MB", bar=Bar(most=300))


def payload(number: int) -> str:
    """Return the text of a code as a unit with a GS1 prefix prints it."""
    id_ = identity.giai("697123456", 100_000_000_000 + number)
    return identity.url(LabelPayload(Kind.GIAI, id_, 1), host="id.gongwu.gov.cn", key=KEY)


def label(number: int) -> LabelFace:
    """Return a label as full as they come."""
    return LabelFace(
        unit="示例市机关事务管理局",
        asset_no=f"BM-2026-{number:06d}-K",
        name=("台式计算机", "㙍岭乡会议桌", "䶮牌激光多功能一体打印机（黑白双面）")[number % 3],
        model="联想 启天 M455-A1",
        department="财务审计处",
        in_service="2026-03-18",
        identity=f"(8004) 697123456{100_000_000_000 + number}",
    )


def rate(count: int, work: Callable[[int], object]) -> float:
    """Return how many a second of processor time."""
    start = time.process_time()
    for number in range(count):
        work(number)
    return count / (time.process_time() - start)


def written(labels: int) -> tuple[float, float, int]:
    """Write a PDF in a process of its own; return its seconds, megabytes at most, and size."""
    command = [sys.executable, "-m", "benchmarks.labels", str(labels)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, megabytes, size = said.split()
    return float(seconds), float(megabytes), int(size)


def main() -> None:
    """Write so many labels and say what it took."""
    start, size = time.perf_counter(), 0
    images = (face.pixels(label(n), payload(n), SHEET_70) for n in range(int(sys.argv[1])))
    for part in sheet.pdf(images, SHEET_70):
        size += len(part)
    print(time.perf_counter() - start, peak(), size)


def peak() -> float:
    """Return the most memory that this process had, in megabytes.

    `getrusage` would tell that of the process it was started from, were that larger.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1e3
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS tells bytes


if __name__ == "__main__":
    main()
