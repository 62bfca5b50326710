"""What the tests stand on is what it is said to be: real databases, and no silent skip."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_every_test_gets_an_empty_database(database: str, backend: str) -> None:
    assert database.startswith(f"{backend}:///" if backend == "sqlite" else "postgresql://")
    if backend == "sqlite":
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            tables = connection.execute("select name from sqlite_schema").fetchall()
    else:
        with psycopg.connect(database) as connection:
            tables = connection.execute(
                "select tablename from pg_tables where schemaname = 'public'"
            ).fetchall()
    assert tables == []


def test_two_tests_never_share_a_database(postgresql_url: str, postgresql_server: str) -> None:
    assert postgresql_url != postgresql_server
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("create table mark (n int)")
    with psycopg.connect(postgresql_server) as connection:
        found = connection.execute("select to_regclass('public.mark')").fetchone()
    assert found == (None,)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_the_test_server_writes_as_durably_as_production(
    postgresql_server: str, setting: str
) -> None:
    with psycopg.connect(postgresql_server) as connection:
        found = connection.execute("select current_setting(%s)", [setting]).fetchone()
    assert found == ("on",)


SUITE = """
import pytest

@pytest.mark.target("T02", "T01")
def test_holds(): pass

@pytest.mark.target("T02")
def test_breaks(): assert False

def test_is_lazy(): pytest.skip("not today")

def test_lacks_evidence(shared_file): shared_file("leso/none.csv")

@pytest.mark.xfail
def test_is_known_to_fail(): assert False

def test_on_each(backend): pass
"""


@pytest.fixture
def run(tmp_path: Path, postgresql_server: str) -> Callable[..., str]:
    """Return a function that runs the suite above under our conftest, and what it printed."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")

    def pytest_run(*arguments: str, ci: str) -> str:
        env = {**os.environ, "CI": ci, "GONGWU_SHARED": str(tmp_path / "shared")}
        env["GONGWU_TEST_POSTGRES"] = postgresql_server  # to start one more would only cost time
        command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        ).stdout

    return pytest_run


def test_ci_allows_no_skip_but_for_absent_evidence(run: Callable[..., str]) -> None:
    out = run(ci="true")
    assert "2 failed, 3 passed, 1 skipped, 1 xfailed" in out
    assert "skipped, which CI does not allow: Skipped: not today" in out
    assert "absent: shared/data/leso/none.csv" in out


def test_elsewhere_a_skip_is_a_skip_with_its_reason(run: Callable[..., str]) -> None:
    out = run(ci="")
    assert "1 failed, 3 passed, 2 skipped, 1 xfailed" in out
    assert "not today" in out


def test_the_list_of_promises_tells_the_proven_from_the_broken(run: Callable[..., str]) -> None:
    out = run("--targets", ci="")
    assert "T01  1 of 1 tests passed" in out
    assert "T02  1 of 2 tests passed" in out
    assert "not proven by tests/test_suite.py::test_breaks" in out


def test_one_back_end_can_be_chosen(run: Callable[..., str]) -> None:
    out = run("--backend", "sqlite", "-k", "on_each", "-v", ci="")
    assert "test_on_each[sqlite] PASSED" in out
    assert "postgresql" not in out


ONE_SIDED = """
import pytest
from ledger.book import Book

@pytest.fixture(scope="module")
def book(new_database):
    opened = Book.open(new_database())
    yield opened
    opened.close()

@pytest.fixture
def hidden(tmp_path):
    Book.open(f"sqlite:///{tmp_path}/l.db").close()

def test_on_both(database): Book.open(database).close()

def test_shares(book): assert book.head()[0] == 0

def test_forgets(hidden): pass

def test_names_the_file(sqlite_url): pass

@pytest.mark.one_backend("a file has no server that could be asked")
def test_has_a_reason(hidden): pass

@pytest.mark.one_backend("because")
def test_has_none(hidden): pass

@pytest.mark.either_backend("what it is about is the same on both")
def test_takes_either(book, database): Book.open(database).close()

@pytest.mark.either_backend("what it is about is the same on both")
def test_takes_either_and_hides(database, hidden): pass

@pytest.mark.either_backend("because")
def test_takes_either_without_a_reason(database): Book.open(database).close()

@pytest.mark.either_backend("what it is about is the same on both")
def test_says_either_and_does_not_ask(hidden): pass

@pytest.mark.parametrize("backend", ["sqlite"])
def test_chooses(database): Book.open(database).close()

def test_compares(sqlite_url, postgresql_url):
    for url in (sqlite_url, postgresql_url):
        Book.open(url).close()

def test_opens_nothing(): pass
"""


@pytest.mark.target("T124")
def test_who_opens_one_back_end_alone_says_why(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "tests" / "test_suite.py").write_text(ONE_SIDED, encoding="utf-8")
    out = run("-v", ci="")
    assert set(re.findall(r"::test_takes_either\[(\w+)\] PASSED", out)) == {"sqlite"}
    wrong = set(re.findall(r"test_suite.py::(\w+)\S* opens a database of SQLite alone", out))
    always = {"test_forgets", "test_names_the_file", "test_has_none", "test_chooses"}
    always |= {"test_takes_either_without_a_reason", "test_says_either_and_does_not_ask"}
    assert wrong == always
    assert "15 passed, 6 errors" in out


@pytest.mark.target("T124")
def test_all_that_is_not_about_a_file_runs_on_a_server(
    run: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "tests" / "test_suite.py").write_text(ONE_SIDED, encoding="utf-8")
    out = run("--backend", "postgresql", "--either", "postgresql", "-v", ci="")
    ran = set(re.findall(r"test_suite.py::(\S+) PASSED", out))
    # What opens a file all the same, and is left to the reader of its reason or told as wrong.
    assert ran == {
        "test_on_both[postgresql]",
        "test_shares[postgresql]",
        "test_takes_either[postgresql]",
        "test_takes_either_and_hides[postgresql]",
        "test_takes_either_without_a_reason[postgresql]",
        "test_says_either_and_does_not_ask",
        "test_forgets",
        "test_opens_nothing",
    }
    wrong = set(re.findall(r"test_suite.py::(\w+)\S* opens a database of SQLite alone", out))
    assert wrong == {
        "test_forgets",
        "test_takes_either_and_hides",
        "test_says_either_and_does_not_ask",
    }


def test_every_test_of_chance_begins_from_the_one_seed() -> None:
    """A test with a seed of its own answers differently each time CI asks."""
    own = re.compile(
        r"SystemRandom\(|random\.Random\(\)|\brandom\.(random|choice|shuffle|randrange)\("
    )
    drawn = {p.name for p in (ROOT / "tests").glob("*.py") if own.search(p.read_text("utf-8"))}
    assert drawn <= {"sizes.py", "test_environment.py"}
