"""The state table, the catalogue of events and the worked example say what the code does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api import tabulating
from domain.decider import FACTS, LIFECYCLES

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


@pytest.mark.target("T20")
@pytest.mark.parametrize("name", tabulating.PAGES)
def test_a_generated_page_is_what_the_code_says_now(name: str) -> None:
    """When this fails: `python -m api.tabulating docs`, and read what changed."""
    assert (DOCS / name).read_text(encoding="utf-8") == tabulating.PAGES[name]()


@pytest.mark.target("T20")
def test_the_table_has_a_cell_for_every_state_and_step_and_a_rule_for_every_refusal() -> None:
    page = tabulating.lifecycle_page()
    numbers = {int(n) for n in re.findall(r"^\| (\d+) \| `", page, re.MULTILINE)}
    assert numbers == set(range(1, len(numbers) + 1))
    for kind, lifecycle in LIFECYCLES.items():
        tables = 5 if kind == "asset" else 1
        for verb in lifecycle.verbs.values():
            row = rf"^\| {re.escape(tabulating.called(verb))} \| [✓✗◐].*\|$"
            rows = re.findall(row, page, re.MULTILINE)
            assert len(rows) >= tables, (kind, verb.name)
            for cell in (c.strip() for r in rows for c in r.split("|")[2:-1]):
                assert re.fullmatch(r"✓|✗ \d+|◐ \d+(, \d+)*", cell), (verb.name, cell)
                assert {int(n) for n in re.findall(r"\d+", cell)} <= numbers


def test_the_catalogue_has_every_fact_and_every_field() -> None:
    page = tabulating.events_page()
    for name, fact in FACTS.items():
        entry = page.split(f"### `{name}` ", 1)[1].split("###", 1)[0]
        assert fact.zh in entry
        assert fact.en in entry
        for field in fact.__struct_fields__:
            assert f"| `{field}` |" in entry


# The worked example -----------------------------------------------------------


def changes() -> dict[str, str]:
    """Return the diff of the example by file."""
    text = (DOCS / "adding-an-event.md").read_text(encoding="utf-8")
    diff = text.split("```diff\n", 1)[1].split("\n```\n", 1)[0]
    parts = re.split(r"^diff --git a/\S+ b/(\S+)\n", diff, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def applied(hunks: str, before: str) -> str:
    """Return a text with the hunks of a diff applied; each must fit exactly once."""
    after = before
    for hunk in re.split(r"^@@ .* @@.*\n", hunks, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines()
        old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        assert not old or after.count(old) == 1
        after = after.replace(old, new, 1) if old else new
    return after


PROBE = """
import json, sys
from datetime import date
import given
from api import cli_do, forms, rest_openapi, tabulating
from api.pages_telling import tell
from domain.decider import FACTS, LIFECYCLES
verb = LIFECYCLES["asset"].verbs["pass_inspection"]
story = given.Ledger("sqlite:///ledger.db")
story.card("CAR", kind="vehicle")
story.ask("u_clerk", "asset/CAR", "pass_inspection", valid_until=date(2026, 10, 8))
entry = story.book.stream("asset/CAR").entries[-1]
print(json.dumps({
    "form": {f.name: f.words.zh for f in forms.fields(verb)},
    "schema": sorted(forms.schema(verb)["properties"]),
    "route": json.dumps(rest_openapi.verb(verb), default=str, ensure_ascii=False),
    "command": cli_do.find("asset/CAR", "pass_inspection").zh,
    "zh": tell(entry.event, "zh", lambda kind, id_: id_),
    "en": tell(entry.event, "en", lambda kind, id_: id_),
    "state": story.state("asset/CAR").custody,
    "where": story.state("asset/CAR").describe("zh"),
    "rows": tabulating.lifecycle_page().count("`pass_inspection`"),
    "fact": FACTS["asset.annual_inspection_passed"].type_name,
}))
story.close()
"""
# The same step asked by a program, and its paper from all three doors.
PRINT = """
import io, json, re
from doors import Door, app_of, registered, staffed
from pypdf import PdfReader
from starlette.testclient import TestClient
from typer.testing import CliRunner
from api import cli
from api.app import create_app

def text(printed):
    pages = PdfReader(io.BytesIO(printed)).pages
    return re.sub(r"\\s", "", "".join(page.extract_text() for page in pages))

url = "sqlite:///office.db"
with staffed(url) as office:
    door = Door(app_of(office))
    registered(door, "CAR", asset_no="ZC-1", name="轿车", kind="vehicle")
    done = door.post("asset/CAR/pass_inspection", {"valid_until": "2099-10-08", "note": "无异常"})
    paper = door.get("papers/asset/CAR/record-sheet.pdf")
    named = door.get("openapi.json").json()["paths"]
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == "clerk"))
    client = TestClient(create_app(office.settings, office))
    client.cookies.set("session", token)
    page = client.get("/assets/CAR").text
    link = re.search(r'href="(/papers/asset/CAR/record-sheet.pdf[^"]*)"', page).group(1)
    clicked = client.get(link)
command = ["--database", url, "paper", "asset/CAR", "record-sheet", "-o", "a.pdf"]
written = CliRunner().invoke(cli.app, command)
print(json.dumps({
    "done": done.status_code,
    "published": "/api/v1/papers/asset/{id}/record-sheet.pdf" in named,
    "rest": text(paper.content),
    "page": text(clicked.content),
    "command": written.exit_code,
    "file": text(open("a.pdf", "rb").read()),
}))
"""


@pytest.mark.target("T20")
def test_a_new_event_costs_one_source_file_and_its_test() -> None:
    assert set(changes()) == {"domain/inspection.py", "tests/test_inspection.py"}
    assert all(not (ROOT / name).exists() for name in changes())


@pytest.mark.target("T20")
def test_everything_else_follows_from_the_declaration(tmp_path: Path) -> None:
    """Apply the documented diff to a copy: its tests pass, and every door knows the new step."""
    for name in ("domain", "ledger", "projections", "labels", "api"):
        ignored = shutil.ignore_patterns("__pycache__", "static", "sample", "fonts")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for heavy in ("labels/fonts", "api/static", "api/sample"):
        (tmp_path / heavy).symlink_to(ROOT / heavy, target_is_directory=True)
    (tmp_path / "tests").mkdir()
    for name in ("given.py", "doors.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    for name, hunks in changes().items():
        target = tmp_path / name
        before = target.read_text(encoding="utf-8") if target.exists() else ""
        target.write_text(applied(hunks, before), encoding="utf-8")
    paths = os.pathsep.join(map(str, (tmp_path, tmp_path / "tests")))
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    quiet = ("-q", "-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider")
    assert "3 passed" in run("-m", "pytest", *quiet, "tests/test_inspection.py")
    answer = json.loads(run("-c", PROBE))
    assert answer["form"] == {"valid_until": "有效期至", "note": "说明"}
    assert set(answer["schema"]) >= {"valid_until", "note"}
    assert "登记年检" in answer["route"]
    assert answer["command"] == "登记年检"
    assert answer["zh"] == "年检合格，有效期至2026-10-08"
    assert answer["en"] == "Passed the annual inspection, valid until 2026-10-08"
    assert answer["state"] == "store"
    assert answer["where"] == "资产ZC-CAR 台式计算机现为：在账、库存"
    assert answer["rows"] == 6  # five tables of states, one of steps
    printed = json.loads(run("-c", PRINT))
    assert (printed["done"], printed["published"], printed["command"]) == (200, True, 0)
    for door in ("rest", "page", "file"):
        for said in ("资产登记表", "示例市财政局", "ZC-1", "轿车", "2099-10-08", "无异常"):
            assert said in printed[door], (door, said)


def test_the_order_of_steps_does_not_hang_on_what_was_imported_first() -> None:
    script = "import sys, importlib\nfor m in sys.argv[1:]: importlib.import_module(m)\n"
    script += "import domain.lives\nfrom domain.decider import LIFECYCLES\n"
    script += "print([list(life.verbs) for _, life in sorted(LIFECYCLES.items())])"
    told = {
        subprocess.run(
            [sys.executable, "-c", script, *first],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for first in ((), ("domain.warehouse",), ("domain.reallocation", "domain.unit"))
    }
    assert len(told) == 1
