"""What docs/security.md says is held by a test: each of those tests is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOC = (ROOT / "docs" / "security.md").read_text()
# What the level that is aimed at asks of a ledger, and the items beyond it.
ITEMS = set(
    re.findall(
        r"[0-9.]+",
        "1.2.10 1.3.4 1.3.6 1.5.3 2.3.3 2.3.4 2.3.5 3.4.3 3.4.6 3.5.1 3.5.3 3.5.8 5.2.1 5.2.3 5.3.2"
        " 5.4.1 5.4.2 7.2.1 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.5 8.2.1 8.2.2 11.1.1 11.2.2 14.2.1"
        " 16.2.1 16.4.2 16.4.3 16.5.4",
    )
)


def named_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", DOC)
    assert len(named) > 50
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or (name and name not in named_in(ROOT / file))
    ]
    assert missing == []


def test_every_item_has_a_line_that_names_a_test() -> None:
    rows = [line for line in DOC.splitlines() if re.match(r"\| \**\d", line)]
    assert [row for row in rows if "`tests/" not in row] == []
    said = " ".join(row.split("|")[1].replace("*", "") for row in rows)
    assert ITEMS - set(re.split(r"[,–\s]+", said)) == set()
