"""The table of reliability names tests that are there, with the sizes they run at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sizes import SIZES

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (R\d+) \|[^|]*\|([^|]*`tests/[^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
ROWS = {row[0]: row[1:] for row in ROW.findall((ROOT / "docs/reliability.md").read_text())}


@pytest.mark.parametrize("number", ROWS)
def test_every_row_names_tests_that_carry_its_number(number: str) -> None:
    named = re.findall(r"`([^`:]+)::(\w+)`", ROWS[number][0])
    assert named
    for file, test in named:
        head = (ROOT / file).read_text().split(f"\ndef {test}(")[0].rsplit("\n\n\n", 1)[1]
        assert f'@pytest.mark.reliability("{number}")' in head, (file, test)


@pytest.mark.parametrize("number", SIZES)
def test_the_table_shows_the_sizes_that_run(number: str) -> None:
    for shown, runs in zip(ROWS[number.split()[0]][1:], SIZES[number], strict=True):
        assert re.search(rf"(?<![\d,]){runs:,}(?![\d,])", shown), (number, shown, runs)


def test_every_marked_test_is_in_the_table() -> None:
    marked = {
        number
        for file in (ROOT / "tests").glob("test_*.py")
        for number in re.findall(
            r'^@pytest\.mark\.reliability\("(\w+)"\)$', file.read_text(), re.MULTILINE
        )
    }
    assert marked == set(ROWS)
