"""The table of articles says what the code does, names only what exists, and leaves nothing out."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from api import policies, regulating
from api.regulating_rows import CAPABILITIES, DEMANDED, FULL, NOT_OURS, PART, Capability
from domain.decider import FACTS

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "regulations.md"
DOMAIN = Path(os.environ.get("GONGWU_SHARED", ROOT.parent / "shared")) / "DOMAIN.md"
SCOPES = {"✔": FULL, "◐": PART, "✘": NOT_OURS}


def known_tests() -> set[str]:
    """Return every test there is, as `file::function`."""
    return {
        f"{path.name}::{node.name}"
        for path in TESTS.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def specified() -> list[tuple[int, str, str]]:
    """Return the capabilities of the specification: number, citation, scope."""
    if not DOMAIN.exists():
        pytest.skip(f"the specification is not at hand: {DOMAIN}")
    part = DOMAIN.read_text(encoding="utf-8").split("\n## (f) ", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (\d+) \| .+? \| (.+?) \| (.+?) \|$", part, re.MULTILINE)
    return [(int(number), cites, scope) for number, cites, scope in rows]


def without_tests(page: str) -> str:
    """Return the page without the column of tests: which test comes first may change any day."""
    return re.sub(r"^(\|.*\|)[^|\n]+\|$", r"\1", page, flags=re.MULTILINE)


def test_the_page_is_what_the_code_says_now() -> None:
    """When this fails: `python -m api.tabulating docs`, and read what changed."""
    said = without_tests(PAGE.read_text(encoding="utf-8"))
    assert "`asset.registered`" in said
    assert "test_asset.py" not in said
    assert said == without_tests(regulating.page(TESTS))


def test_every_capability_of_the_specification_is_there_with_its_scope() -> None:
    told = {row.number: row for row in CAPABILITIES}
    rows = specified()
    assert [number for number, *_ in rows] == sorted(told)
    for number, _, scope in rows:
        assert told[number].scope == SCOPES[scope[0]], number


def test_every_article_the_specification_cites_for_a_capability_is_cited() -> None:
    told = {row.number: row.cites.split() for row in CAPABILITIES}
    for number, cites, _ in specified():
        for source, numbers in re.findall(r"`(00[0234])` 第([\d、–]+)条", cites):
            first = numbers.split("、")[0].split("–")[0]
            assert f"{source}-{first}" in told[number], (number, source, first)


@pytest.mark.parametrize("row", CAPABILITIES, ids=lambda row: str(row.number))
def test_a_row_names_only_what_exists(row: Capability) -> None:
    articles = regulating.every_article()
    assert [id_ for id_ in row.cites.split() if id_ not in articles] == []
    assert [slug for slug in row.rules if slug not in regulating.rules()] == []
    assert [name for name in row.facts if not name.endswith("*") and name not in FACTS] == []
    assert set(row.tests) <= known_tests()
    assert bool(row.gap[0]) == bool(row.gap[1])
    assert row.en and re.search(r"[\u4e00-\u9fff]", row.zh)


def test_what_demands_an_event_is_quoted_by_a_profile() -> None:
    articles = regulating.every_article()
    for number, ids in DEMANDED.items():
        assert [id_ for id_ in ids.split() if id_ not in articles] == [], number


def test_every_quoted_article_has_a_row_and_says_what_fulfils_it_or_that_nothing_does() -> None:
    page = regulating.page(TESTS)
    for law in {a.regulation for p in policies.shipped().values() for a in p.articles}:
        part = page.split(f"## {law} ", 1)[1].split("\n## ", 1)[0]
        rows = dict(re.findall(r"^\| (第\S+|专栏\S+) \| (.+) \|$", part, re.MULTILINE))
        quoted = {
            a.article for p in policies.shipped().values() for a in p.articles
            if a.regulation == law
        }  # fmt: skip
        assert rows.keys() == quoted
        assert all(len(cells.split(" | ")) == 3 for cells in rows.values())


def test_every_test_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= known_tests()


def test_where_an_event_is_missing_the_page_says_so() -> None:
    page = regulating.page(TESTS)
    for row in CAPABILITIES:
        line = next(li for li in page.splitlines() if li.startswith(f"| {row.number} | "))
        for number in regulating.missing(row) if row.scope != NOT_OURS else ():
            assert f"#{number}" in line.split("not yet", 1)[1]
