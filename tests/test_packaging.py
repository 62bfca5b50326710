"""The package is what its name says: one package, our licence, known parts, inward imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("api", "domain", "labels", "ledger", "projections")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of tracked files")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


# What we say we are -----------------------------------------------------------


def test_the_project_is_named_licensed_and_started_as_promised() -> None:
    project = PYPROJECT["project"]
    assert project["name"] == "gongwu"
    assert project["license"] == "Apache-2.0"
    assert project["scripts"] == {"gongwu": "gongwu:main"}
    assert project["requires-python"] == ">=3.11"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache ECharts" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_everything_lands_inside_one_package() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["only-include"]) == sorted(FOLDERS)
    assert wheel["sources"] == {folder: f"gongwu/{folder}" for folder in FOLDERS}
    assert wheel["force-include"] == {"api/launcher.py": "gongwu/__init__.py"}


def test_the_installed_name_starts_the_launcher() -> None:
    import gongwu

    installed = Path(gongwu.__file__).read_bytes()
    assert installed == (ROOT / "api" / "launcher.py").read_bytes()
    assert callable(gongwu.main)


# What we stand on -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("eventsourcing", "9.5.6"),
        ("sqlalchemy", "2.1"),
        ("starlette", "1.3.1"),  # CVE-2026-54283
        ("python-multipart", "0.0.27"),  # CVE-2026-42561
        ("argon2-cffi", "25.1"),
        ("authlib", "1.7.2"),  # CVE-2026-27962, -28802, -28490, -28498, -44681
        ("jinja2", "3.1.6"),
    ],
)
def test_nothing_older_than_its_last_known_hole(name: str, at_least: str) -> None:
    assert Version(metadata.version(name)) >= Version(at_least)
    declared = {
        requirement.name: requirement.specifier
        for requirement in map(Requirement, PYPROJECT["project"]["dependencies"])
    }
    older = f"{at_least}.dev0"
    assert not declared[name].contains(older, prereleases=True)


def test_the_event_library_stays_below_10() -> None:
    assert Version(metadata.version("eventsourcing")) < Version("10.dev0")
    assert Version(metadata.version("sqlalchemy")) < Version("2.2.dev0")


def test_no_dependency_ships_a_package_named_like_ours() -> None:
    taken = {
        (folder, distribution)
        for folder, distributions in metadata.packages_distributions().items()
        if folder in FOLDERS
        for distribution in distributions
    }
    assert {distribution for _, distribution in taken} <= {"gongwu"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_line_is_pinned_and_hashed(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [
        line for line in lines if not re.search(r"==\S+.*--hash=sha256:[0-9a-f]{64}", line)
    ] == []


def test_the_lock_holds_every_declared_dependency() -> None:
    locked = {
        match[1]
        for match in re.finditer(
            r"^([a-z0-9-]+)==", (ROOT / LOCKS[0]).read_text("utf-8"), re.MULTILINE
        )
    }
    declared = {Requirement(line).name for line in PYPROJECT["project"]["dependencies"]}
    assert {name.lower() for name in declared} <= locked


def test_both_locks_agree() -> None:
    def pins(lock: str) -> dict[str, str]:
        text = (ROOT / lock).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    run, dev = map(pins, LOCKS)
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


# What may not be in the repository --------------------------------------------


def test_no_tracked_file_names_an_index_or_somebodys_machine() -> None:
    """Where packages come from and where a checkout lies is each machine's own business."""
    places = [
        "pypi" + ".org",
        "files.python" + "hosted.org",
        "registry." + "npmjs",
        "npm" + "mirror.com",
        "deb." + "debian.org",
        "/" + "work/",
        "/root" + "/",
    ]
    pattern = re.compile("|".join(map(re.escape, places)).encode())
    # A licence or a minified file is quoted as published.
    found = {
        (path.relative_to(ROOT).as_posix(), match[0].decode())
        for path in _tracked()
        if "vendor" not in path.parts
        for match in pattern.finditer(path.read_bytes())
    }
    assert found == set()


def test_no_tracked_file_is_large() -> None:
    """Data is compressed package data or lies outside; nothing slips in by accident."""
    limit_bytes = 4_000_000
    assert [p.name for p in _tracked() if p.stat().st_size > limit_bytes] == []


# Who knows whom inside the domain ---------------------------------------------

FOUNDATION = {
    *("decider", "kinds", "outside", "paper_forms", "policy", "values", "vouchers", "words"),
}
OUTSIDE = {
    *("asyncio", "ctypes", "ftplib", "getpass", "glob", "http", "io", "locale", "logging"),
    *("multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select", "shutil"),
    *("signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
    *("urllib", "uuid", "zoneinfo"),
}


def _imports(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            module = tuple((node.module or "").split("."))
            yield from ((*module, alias.name) for alias in node.names)


DOMAIN = sorted((ROOT / "domain").rglob("*.py"))


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.stem)
def test_the_domain_knows_no_clock_no_chance_and_no_world(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {name[0] for name in _imports(tree)}
    assert imported <= {"domain", "msgspec", *sys.stdlib_module_names}
    assert imported & OUTSIDE == set()
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert called & {"now", "today", "utcnow", "open", "print", "input", "float"} == set()


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: path.stem)
def test_cases_know_the_asset_never_the_reverse(path: Path) -> None:
    """A decider imports what facts and rules are made of; only cases look at other deciders."""
    imported = _imports(ast.parse(path.read_text(encoding="utf-8")))
    known = {name[1] for name in imported if name[0] == "domain" and len(name) > 1}
    if path.stem in FOUNDATION | {"asset"}:
        assert known <= FOUNDATION
