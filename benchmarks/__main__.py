"""python -m benchmarks [--smoke] [--only NAME] [--repeats N] [--write]."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import places
from benchmarks.measuring import HEADER, Figure, machine

# Each is a module with `run(place)`; its docstring is its title.
NAMES = (
    "bulk_import",
    "sheets",
    "command",
    "over_http",
    "mixed",
    "writers",
    "replaying",
    "lists",
    "pages",
    "taken_home",
    "as_of",
    "proposals",
    "depreciation",
    "proving",
    "tags",
    "readings",
    "stocktaking",
    "matching",
    "idle",
    "reconciling",
    "labels",
)
RESULTS = Path(__file__).with_name("RESULTS.md")
Section = tuple[str, list[Figure]]


def main() -> int:
    """Run what is asked for and print one table; exit 1 when a full run misses a bar."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--smoke", action="store_true", help="every benchmark, a fiftieth in size")
    asked.add_argument("--only", choices=NAMES, action="append", help="one benchmark (repeatable)")
    asked.add_argument("--repeats", type=int, default=3, help="medians of so many (default: 3)")
    asked.add_argument("--write", action="store_true", help="keep the table in RESULTS.md")
    args = asked.parse_args()
    if args.write and args.smoke:
        asked.error("--write keeps runs of full size only")
    sections: list[Section] = []
    started = time.perf_counter()
    with places.opened(smoke=args.smoke, repeats=args.repeats) as place:
        facts = machine(place.version())
        for name in args.only or NAMES:
            module = importlib.import_module(f"benchmarks.{name}")
            title = (module.__doc__ or name).splitlines()[0]
            print(f"\n{title}", flush=True)
            figures: list[Figure] = []
            for figure in module.run(place):
                figures.append(figure)
                print("  " + " | ".join(figure.cells(judged=not args.smoke)), flush=True)
            sections.append((title, figures))
    print(f"\n{time.perf_counter() - started:.0f} s", flush=True)
    missed = [f for _, figures in sections for f in figures if f.reached is False]
    if args.smoke:
        print("小规模运行只证明能跑、结果相等，不评判速度。")
        print("A small run proves that everything runs and agrees; it does not judge speed.")
        return 0
    if args.write:
        kept = _kept(RESULTS.read_text(encoding="utf-8")) if args.only else {}
        RESULTS.write_text(_document(facts, sections, args.repeats, kept), encoding="utf-8")
    for figure in missed:
        print(f"未达到 missed: {figure.work}: {number_of(figure)}", file=sys.stderr)
    return 1 if missed else 0


def number_of(figure: Figure) -> str:
    """Return figure and bar in a line."""
    _, ours, _, beside, ratio, bar, _ = figure.cells(judged=True)
    return f"{ours}, {ratio} ({beside}); {bar}"


def _kept(document: str) -> dict[str, list[str]]:
    """Return the sections of an earlier run by their titles: they stay until measured again."""
    _, *sections = document.split("\n## ")
    return {part.partition("\n")[0]: part.rstrip("\n").split("\n")[1:] for part in sections}


def _document(
    facts: list[tuple[str, str]],
    sections: list[Section],
    repeats: int,
    kept: dict[str, list[str]],
) -> str:
    commit = dict(facts).get("提交 commit", "")
    lines = [
        "# 性能测量结果 · Measured figures",
        "",
        (
            "由 `make bench ARGS=--write` 写成，请勿手改。每个数字旁是同一次运行中测得的底线；"
            "机器不同数字就不同，比值较稳定。每节写明在哪个提交上测得。"
        ),
        "",
        (
            "Written by `make bench ARGS=--write`; do not edit. Beside each figure stands the"
            " floor measured in the same run. Figures change with the machine, ratios hardly."
            " Each section says on which commit it was measured."
        ),
        "",
        "| | |",
        "|---|---|",
        f"| 日期 date | {datetime.now(UTC):%Y-%m-%d} |",
        *(f"| {name} | {value} |" for name, value in facts),
    ]
    told = dict(kept)
    for title, figures in sections:
        rows = [figure.cells(judged=True) for figure in figures]
        said = f"{commit}：{repeats} 次的中位数 · median of {repeats} (the largest sizes fewer)"
        told[title.rstrip(".")] = [
            *("", said, "", _row(HEADER), _row(["---"] * len(HEADER))),
            *(_row(row) for row in rows),
        ]
    for title, body in told.items():
        lines += ["", f"## {title}", *body]
    return "\n".join(lines) + "\n"


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
