"""What leaves as a table opens as text in a spreadsheet, at every door."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from doors import CARD, PASSWORD, staffed
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import cli, pages_export, reading_cells
from api.app import create_app
from api.office import Actor

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEADS = (*"=+-@\t\r\n＝＋－＠", "\0")
RESTS = (
    "1+1",
    'HYPERLINK("http://evil.example","x")',
    "cmd|' /C calc'!A0",
    "SUM(A1:A9)\n",
    'A1,"B2",C3',
    "'=1",
    '"',
    ",",
    "\r\n=2",
    "5-",
    "5e9x",
    "1,2",
    "１＋１",
    " =1",
    "",
    "DDE",
    "\t=1",
)
PAYLOADS = ["".join(pair) for pair in product(HEADS, RESTS)]
ONE_LINE = [p for p in PAYLOADS if p.strip() == p and p.isprintable()]
RUNS = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")


def test_two_hundred_formulas_come_out_as_text_and_say_the_same() -> None:
    assert len(PAYLOADS) > 200
    written = b"".join(pages_export.csv_bytes([[p, p] for p in PAYLOADS])).decode("utf-8-sig")
    cells = [c for row in csv.reader(io.StringIO(written, newline="")) for c in row]
    assert cells == [cell for p in PAYLOADS for cell in (f"'{p}", f"'{p}")]
    sheet = pages_export.xlsx_bytes([["head"], *([p.replace("\0", "")] for p in PAYLOADS)], "台账")
    with zipfile.ZipFile(io.BytesIO(sheet)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_what_was_made_harmless_is_read_back_as_it_was() -> None:
    told = [*PAYLOADS, *(f"'{p}" for p in PAYLOADS), "'", "''", "'007", "007", "-5", "'-5", "'abc"]
    for text in told:
        cell = pages_export.harmless(text)
        assert pages_export.meant(cell) == text
        assert not RUNS.match(cell) or pages_export.harmless(cell) == cell == text
    # Through both kinds of files, and readers of our own and of others.
    plain = [t for t in told if t.isprintable() and t == t.strip() and t]
    table = [["head"], *([t] for t in plain)]
    sheet = pages_export.xlsx_bytes(table, "台账")
    for content in (sheet, b"".join(pages_export.csv_bytes(table))):
        rows = reading_cells.read(content, "x").rows
        assert [reading_cells.cell(row[0]) for row in rows[1:]] == plain
    # Every cell is stored as a text, none as a formula or a number, whatever it begins with.
    with zipfile.ZipFile(io.BytesIO(sheet)) as archive:
        root = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    cells = root.findall(".//m:c", space)
    assert {one.get("t") for one in cells} <= {"inlineStr", "s"} and len(cells) == len(plain) + 1
    assert root.find(".//m:f", space) is None


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_file_is_on_its_way_before_its_last_row_was_read(ending: str) -> None:
    """A list of a hundred thousand rows is never whole in memory, nor is its file."""
    read = 0

    def rows() -> Iterator[list[str]]:
        nonlocal read
        for read in range(100_000):
            yield [f"ZC-{read}", "桌"]

    coming = pages_export.pieces(rows(), "台账", ending)
    told = [len(next(coming)) for _ in range(4)]
    assert 0 < read < 4 * pages_export.LINES_PER_PIECE
    assert max(told) < 65_536


def test_every_door_sends_a_file_as_it_is_made(database: str) -> None:
    with staffed(database) as office:
        office.ask("asset/F1", "register_existing", CARD | {"asset_no": "F1"}, CLERK)
        client = TestClient(create_app(office.settings, office), follow_redirects=False)
        auditor = next(a for a in office.accounts.all() if a.login == "auditor")
        client.cookies.set("session", office.accounts.sign_in(auditor))
        for path in ("/assets.xlsx", "/cards.xlsx", "/cards.csv", "/cards/changes.xlsx"):
            answer = client.get(path)
            assert answer.status_code == 200 and "content-length" not in answer.headers, path
        who = ("auditor", PASSWORD)
        answer = client.get("/api/v1/cards/export?format=xlsx", auth=who)
        assert "content-length" not in answer.headers
        assert [row[1] for row in reading_cells.read(answer.content, "x").rows][1:] == ["F1"]


def test_a_workbook_holds_any_text_and_several_sheets() -> None:
    odd = ["<r><t>a</t></r>", "a&b<c>", "_x0041_", "a\x07b", "a\rb", " a ", "长" * 40_000]
    table = [["head"], *([text] for text in odd), [pages_export.Amount(-5), "", None, 7]]
    sheet = pages_export.xlsx_sheets({"a/b": table, "二": [["x"]], "空": []})
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(sheet)) as archive:
        assert archive.testzip() is None
        root = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        styles = ET.fromstring(archive.read("xl/styles.xml"))
    told = ["".join(one.itertext()) for one in root.findall(".//m:c", space)]
    cut = "长" * (pages_export.CELL_CHARS_MAX - 1) + "…"
    escaped = ["_x005F_x0041_", "a_x0007_b", "a_x000D_b"]
    assert told == ["head", odd[0], odd[1], *escaped, " a ", cut, "-0.05", "7"]
    cells = {one.get("r"): one.get("s") for one in root.findall(".//m:c", space)}
    looks = styles.findall(".//m:cellXfs/m:xf", space)
    assert looks[int(cells["A1"] or 0)].get("applyFont") == "1", "the heading is bold"
    money = looks[int(cells["A9"] or 0)].get("numFmtId")
    (said,) = styles.findall(f".//m:numFmt[@numFmtId='{money}']", space)
    assert said.get("formatCode") == "#,##0.00"
    read = reading_cells.read(sheet, "x")
    assert read.names == ("a b", "二", "空") and read.rows[3][0] == "_x0041_"
    assert read.rows[8] == ("-0.05", "", "", "7")


def test_more_rows_than_a_sheet_has_are_refused_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_export, "ROWS_MAX", 3)
    assert pages_export.xlsx_bytes([["a"]] * 3, "x")
    with pytest.raises(ValueError, match="CSV"):
        pages_export.xlsx_bytes([["a"]] * 4, "x")


def test_tables_are_written_in_one_place_only() -> None:
    """A table that leaves guards its cells: whoever writes one does it here, or says why not."""
    api = Path(pages_export.__file__).parent
    writers = re.compile(r"csv\.writer|xlsxwriter|csv\.DictWriter")
    found = {f.name for f in api.glob("*.py") if writers.search(f.read_text(encoding="utf-8"))}
    pasted = {"pages_wanting.py", "pages_offering.py"}  # what was typed, back into the same box
    guarded = {"cli_read.py", "importing_classes.py", "card_template.py"}  # cell by cell
    assert found == {"pages_export.py"} | pasted | guarded
    for name in guarded:
        assert "harmless(" in (api / name).read_text(encoding="utf-8")


def test_negative_numbers_stay_numbers() -> None:
    assert pages_export.harmless("-5") == "-5"
    assert pages_export.harmless("+3.50") == "+3.50"
    assert pages_export.harmless("-5+1") == "'-5+1"
    assert pages_export.Amount(-123456).plain == "-1234.56"


def test_page_and_command_line_guard_the_same_cells(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staffed(database) as office:
        for number, name in enumerate(ONE_LINE):
            card = CARD | {"name": name, "asset_no": f"F{number}"}
            office.ask(f"asset/F{number}", "register_existing", card, CLERK)
        client = TestClient(create_app(office.settings, office), follow_redirects=False)
        auditor = next(a for a in office.accounts.all() if a.login == "auditor")
        client.cookies.set("session", office.accounts.sign_in(auditor))
        page = client.get("/assets.csv")
        assert page.status_code == 200, page.text
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    tables = [page.content]
    for what in ("inventory", "events"):
        file = tmp_path / f"{what}.csv"
        said = CliRunner().invoke(cli.app, ["export", what, "--to", str(file), "--json"])
        found = json.loads(said.stdout)
        assert (found["what"], found["file"]) == (what, str(file))
        assert found["lines"] >= len(ONE_LINE)
        tables.append(file.read_bytes())
    for number, table in enumerate(tables):
        text = table.decode("utf-8-sig")
        cells = [c for row in csv.reader(io.StringIO(text, newline="")) for c in row]
        assert not [c for c in cells if RUNS.match(c)]
        if number < 2:  # the list of events has the name inside a sentence
            assert {f"'{name}" for name in ONE_LINE} <= set(cells)
