"""Register against register: every row has an outcome, and the difference is explained to the cent."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from doors import staffed
from test_income_board import signed_in
from typer.testing import CliRunner

from api import cli, comparing_registers, reading_leso
from api.comparing_registers import Outcome
from api.reading_records import SAMPLE

SOLD = SAMPLE / "sold_fleet_equipment.tsv.gz"
UNDATED = SAMPLE / "sold_fleet_equipment_no_dates.csv.gz"


def test_the_exports_of_seattle_differ_by_62_sales_without_a_day_and_nothing_is_open():
    found = comparing_registers.of_sample()
    assert {one.value: n for one, n, _, _ in found.outcomes} == {
        "exact": 486, "zeros": 26, "double": 4, "undated_only": 62, "not_joined": 1,
    }  # fmt: skip
    assert (found.left_once, found.right_once) == (476_877_296, 527_576_546)
    assert found.cents(Outcome.UNDATED_ONLY) == (0, 50_699_250)
    assert found.unexplained == 0 and found.open == ()
    doubles = [one for one in found.lines if one.outcome is Outcome.DOUBLE]
    assert sorted(one.left or one.right for one in doubles) == ["53767", "55698", "E0943", "E0943"]


def test_every_row_of_both_registers_is_in_exactly_one_line():
    found = comparing_registers.of_sample()
    sales = [one for one in found.lines if one.outcome is not Outcome.NOT_JOINED]
    left = [one.left_line for one in sales if one.left_line]
    right = [one.right_line for one in sales if one.right_line]
    assert (len(left), len(set(left))) == (513, 513)
    assert (len(right), len(set(right))) == (577, 577)
    assert sum(one.left_cents or 0 for one in sales) == found.left_cents == 478_437_296
    assert sum(one.right_cents or 0 for one in sales) == found.right_cents == 532_101_546


def test_numbers_that_are_the_same_but_for_zeros_are_joined_only_by_a_second_mark():
    found = comparing_registers.of_sample()
    joined = {(x.left, x.right) for x in found.lines if x.outcome is Outcome.ZEROS}
    assert ("3015", "03015") in joined
    apart = {(x.left, x.right) for x in found.lines if x.outcome is Outcome.NOT_JOINED}
    assert apart == {("7022", "07022")}


def test_a_cent_more_in_one_register_is_left_open(tmp_path: Path):
    lines = gzip.decompress(SOLD.read_bytes()).decode("utf-8-sig").splitlines(keepends=True)
    cells = lines[1].split("\t")
    cells[6] = str(float(cells[6].strip('"$').replace(",", "")) + 0.01)
    changed = tmp_path / "sold.tsv"
    changed.write_text("".join([lines[0], "\t".join(cells), *lines[2:]]), encoding="utf-8")
    found = comparing_registers.of_seattle(changed, UNDATED, None, None)
    assert [one.outcome for one in found.open] == [Outcome.DISAGREES]
    assert abs(found.unexplained) == 1
    done = CliRunner().invoke(
        cli.app, ["registers", "compare", "seattle", str(changed), str(UNDATED)]
    )
    assert done.exit_code != 0


def test_the_command_says_it_in_words_as_json_and_as_a_file(tmp_path: Path):
    run = CliRunner().invoke
    said = run(cli.app, ["registers", "compare", "seattle"])
    assert said.exit_code == 0 and "506,992.50" in said.output and "未结 0 行" in said.output
    told = json.loads(run(cli.app, ["registers", "compare", "seattle", "--json"]).output)
    assert told["outcomes"]["undated_only"] == {
        "rows": 62,
        "left_cents": 0,
        "right_cents": 50_699_250,
    }
    file = tmp_path / "rows.csv"
    run(cli.app, ["registers", "compare", "seattle", "--into", str(file)])
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert len(rows) == 1 + 486 + 26 + 4 + 62 + 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_outcomes_reasons_and_files(database: str, lang: str):
    with staffed(database) as office:
        client = signed_in(office, "auditor")
        page = client.get("/registers/compare", params={"lang": lang}).text
        assert "506,992.50" in page and "E0943" in page
        assert ("没有未结的行" if lang == "zh" else "no row is left open") in page
        only = client.get("/registers/compare", params={"outcome": "zeros", "lang": lang}).text
        assert "03015" in only and "E0943" not in only
        text = client.get("/registers/compare.csv").content.decode("utf-8-sig")
        assert len(list(csv.reader(io.StringIO(text)))) == 580
        assert client.get("/registers/compare.xlsx").content.startswith(b"PK")


def test_shipments_are_held_against_the_book(shared_file: Callable[[str], Path]):
    """By name as written, then by the rule for names; another body's row is told, never joined."""
    held = list(reading_leso.inventory(shared_file("leso/inventory_2019-12-31.csv.gz")))
    sent = list(reading_leso.shipments(SAMPLE / "shipments_2019Q4_without_justification.csv.gz"))
    found = comparing_registers.leso(sent, held, first=date(2019, 10, 1), last=date(2019, 12, 31))
    counts = {one.value: n for one, n, _, _ in found.outcomes}
    assert counts == {
        "found": 4_632, "renamed": 330, "elsewhere": 2, "not_found": 453, "not_shipped": 735,
    }  # fmt: skip
    assert (found.left_rows, found.right_rows, found.left_cents) == (5_417, 5_699, 8_574_088_577)
