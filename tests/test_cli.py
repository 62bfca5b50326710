"""The command line, as input, command and expected text; exit codes that scripts can trust."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import pytest
from doors import CARD, PASSWORD, staffed
from typer.testing import CliRunner, Result

from api import cli, cli_serve, demo
from api.cli_terminal import CONFLICT, OK, REFUSED, UNAVAILABLE, USAGE
from api.office import Actor
from domain.decider import LIFECYCLES

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
Run = Callable[..., Result]
COMMAND = [sys.executable, "-c", "from api.cli import app; app()"]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on a ledger with one asset on the books since May, issued in June."""
    return ready(database, monkeypatch)


@pytest.fixture
def run_here(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same on SQLite alone, for what no database can change."""
    return ready(database, monkeypatch)


def ready(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Fill a ledger and say in the environment where it is and who asks."""
    with staffed(database) as office:
        card = CARD | {"value": 650_000}
        on = date(2026, 5, 1)
        office.ask("asset/A1", "register_existing", card, CLERK, on=on)
        office.ask("asset/A1", "issue", {"user": "u_head"}, CLERK, on=date(2026, 6, 1))
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "GONGWU_LANG"):
        monkeypatch.delenv(name, raising=False)
    return commanded


def commanded(line: str, *, code: int = OK) -> Result:
    """Run one command line; its exit code is part of the promise."""
    result = CliRunner().invoke(cli.app, shlex.split(line))
    assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
    return result


# Reading --------------------------------------------------------------------------


def test_reading_in_chinese_and_english(run: Run) -> None:
    transcripts = [
        (
            "asset show SL-001",
            ["资产SL-001 笔记本电脑现为：在账、在用", "¥6,500.00", "示例市财政局"],
        ),
        ("--lang en asset show A1", ["on the books, in use", "¥6,500.00"]),
        ("asset show A1 --as-of 2026-05-31", ["在账、库存"]),
        ("asset history sl-001", ["2026-05-01", "建卡入账：SL-001 笔记本电脑", "2026-06-01"]),
        ("--lang en asset history A1", ["Card opened", "business date"]),
        ("inventory", ["SL-001", "笔记本电脑", "在用", "合计 CNY：1 项，¥6,500.00"]),
        ("inventory --kind vehicle", ["没有符合条件的资产"]),
        ("--lang en inventory --as-of 2026-04-30", ["No asset matches"]),
        ("inventory --as-of 2026-05-31 --kind computer", ["SL-001", "库存"]),
        ("inventory --as-of 2026-05-31 --known-at 2026-05-31", ["没有符合条件的资产"]),
        ("head", ["条数 4", "树根 "]),
        ("verify", ["完整性：通过，共 4 条", "完备性：通过"]),
        ("--lang en rebuild", ["Lists rebuilt from 4 entries"]),
        ("do", ["asset/编号", "领用", "gongwu do"]),
        ("--lang en do asset issue --help", ["--user", "person id", "business date"]),
    ]
    for line, expected in transcripts:
        output = run(line).output
        for text in expected:
            assert text in output, f"{line}\n{output}"


def test_every_reading_command_speaks_json(run: Run) -> None:
    for line in (
        "asset show A1",
        "asset history A1",
        "inventory",
        "inventory --as-of 2026-05-31",
        "head",
        "verify",
        "rebuild",
    ):
        after, before = run(f"{line} --json").stdout, run(f"--json {line}").stdout
        assert json.loads(after) == json.loads(before)
    found = json.loads(run("inventory --json").stdout)
    assert found["totals"] == [{"currency": "CNY", "assets": 1, "value": 650_000, "unvalued": 0}]
    assert [item["id"] for item in found["items"]] == ["A1"]


def test_the_language_comes_from_the_environment_and_is_chinese_otherwise(
    run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value, expected in (("en_US.UTF-8", "size 4"), ("C", "条数 4"), ("zh_CN.UTF-8", "条数 4")):
        monkeypatch.setenv("LANG", value)
        assert expected in run_here("head").output


def test_what_is_exported_is_what_is_stored(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    assert "4" in run(f"export entries --to {file}").output
    lines = file.read_bytes().splitlines()
    assert [json.loads(line)["type"] for line in lines] == [
        "unit.established",
        "unit.established",
        "asset.registered",
        "asset.issued_to_user",
    ]
    assert run("export entries --start 3").stdout_bytes.splitlines() == lines[2:]
    table = run("export inventory").stdout_bytes
    assert table.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(table.decode("utf-8-sig").splitlines()))
    assert len(rows) == 2 and rows[1][:3] == ["A1", "SL-001", "笔记本电脑"]
    assert "6500.00" in rows[1]


def test_an_exported_name_is_no_formula(run_here: Run) -> None:
    run_here(
        "do asset/F1 register_existing --as clerk --asset-no F1 --name =1+1 --kind other --unit o_a"
    )
    rows = list(csv.reader(run_here("export inventory").stdout.lstrip("\ufeff").splitlines()))
    assert "'=1+1" in rows[1] + rows[2]


# Writing --------------------------------------------------------------------------


@pytest.mark.target("T20", "T115")
def test_any_verb_is_done_from_the_command_line(run: Run) -> None:
    said = run("do asset/A1 take_back --as clerk --on 2026-06-30 --expect 2 --key k1").output
    assert "已记入 asset/A1 第 3 条" in said
    again = json.loads(
        run("do asset/A1 take_back --as clerk --on 2026-06-30 --expect 2 --key k1 --json").stdout
    )
    assert again["replayed"] is True
    told = run(
        "do asset/new receive --as clerk --name 电脑 --kind 计算机设备 --unit o_a --value ￥１２"
    ).output
    assert "已记入 asset/" in told and "到货：电脑" in told


def test_a_dry_run_shows_what_would_be_recorded_and_records_nothing(run_here: Run) -> None:
    line = "do asset/new receive --as clerk --name 电脑 --kind 计算机设备 --unit o_a --dry-run"
    before = json.loads(run_here("head --json").output)
    told = run_here(line).output
    assert "将记入 asset/" in told and "到货：电脑" in told
    answer = json.loads(run_here(line + " --json").output)
    assert answer["dry_run"] is True and len(answer["entries"]) == 1
    # A thing that is out cannot be registered again: the rule says no, tried or not.
    run_here("do asset/A1 pass_acceptance --as keeper --inspector u_head --dry-run", code=REFUSED)
    assert json.loads(run_here("head --json").output) == before


def test_the_verbs_offered_are_those_declared(run_here: Run) -> None:
    offered = run_here("do").output
    for kind, life in LIFECYCLES.items():
        for verb in life.verbs.values():
            line = next(
                (x for x in offered.splitlines() if x.split()[:2] == [f"{kind}/编号", verb.name]),
                "",
            )
            assert bool(line) != verb.inner, f"{kind} {verb.name}"
            assert verb.inner or verb.zh in line


@pytest.mark.parametrize(
    ("line", "code", "zh", "en"),
    [
        ("do asset/A1 issue --as clerk --user u_x", REFUSED, "现为：在账、在用", "You can:"),
        ("do asset/A1 issue --as auditor --user u_x", REFUSED, "您的岗位", "Your role"),
        ("do asset/A1 take_back --as clerk --expect 1", CONFLICT, "第 2 版", "version 2"),
        ("do asset/A1 issue --as clerk", USAGE, "--user：必填", "--user: This is required"),
        ("do asset/A1 issue --as clerk --usr x", USAGE, "没有这个选项", "No such option"),
        ("do asset/A1 fly --as clerk", USAGE, "没有“fly”", "no such step"),
        ("do asset/A1 lend --as clerk", USAGE, "没有“lend”", "no such step"),
        ("do A1 issue --as clerk", USAGE, "种类/编号", "KIND/ID"),
        ("do asset/A1 take_back", USAGE, "--as", "--as"),
        ("do asset/A1 take_back --as nobody", REFUSED, "账号或密码不对", "Wrong log-in"),
        ("do asset/A1 take_back --as clerk --role head", USAGE, "没有岗位", "has the roles"),
        ("asset show 没有", REFUSED, "没有找到", "was found"),
        ("inventory --as-of May", USAGE, "YYYY-MM-DD", "YYYY-MM-DD"),
        ("inventory --known-at May", USAGE, "--known-at", "--known-at"),
        ("--database sqlite:///no-such.db head", USAGE, "没有账本文件", "no ledger file"),
        ("--database mysql://x head", USAGE, "数据库地址无效", "no database address"),
        ("import no-such.csv", USAGE, "没有这些文件", "No such file"),
        (
            f"do asset/A1 take_back --as clerk --doc-type 单 --doc-number {'x' * 70_000}",
            USAGE,
            "65,535 字节",
            "65,535 bytes",
        ),
    ],
)
def test_trouble_is_told_in_both_languages_with_its_exit_code(
    line: str, code: int, zh: str, en: str, run_here: Run
) -> None:
    before = run_here("head").output
    assert zh in run_here(f"--lang zh {line}", code=code).output
    assert en in run_here(f"--lang en {line}", code=code).output
    assert json.loads(run_here(f"--json {line}", code=code).stdout)["exit"] == code
    assert run_here("head").output == before


def test_a_database_that_is_away_is_exit_code_three() -> None:
    for lang, expected in (("zh", "无法连接数据库"), ("en", "cannot be reached")):
        line = f"--lang {lang} --database postgresql://x@127.0.0.1:1/x head"
        assert expected in commanded(line, code=UNAVAILABLE).output


@pytest.mark.one_backend(
    "the bytes of a file are spoilt; forged rows are found on both in test_verifying"
)
def test_a_spoilt_ledger_fails_the_check(sqlite_url: str) -> None:
    with staffed(sqlite_url) as office:
        spoilt_at = office.ask("asset/A1", "register_existing", CARD, CLERK).first
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    spoilt = path.read_bytes().replace("笔记本电脑".encode(), "笔记本电视".encode())
    path.write_bytes(spoilt)
    said = commanded(f"--database {sqlite_url} --json verify", code=REFUSED).stdout
    found = json.loads(said)
    assert found["intact"] is False and found["problems"][0]["position"] == spoilt_at


def test_published_lists_are_imported_once(database: str) -> None:
    file = demo.SAMPLE / "current_fleet_surplus_auction_list.csv.gz"
    line = f"--database {database} import {shlex.quote(str(file))}"
    assert "新增 115 行" in commanded(line).output
    again = json.loads(commanded(f"{line} --json").stdout)
    assert (again[0]["added"], again[0]["skipped"], again[0]["events"]) == (0, 115, 0)


# Serving --------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    listener = cli_serve.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    folder = tmp_path / "demo"
    line = f"demo --folder {folder} --port {port}"
    with listener:
        assert f"--port {port + 1}" in commanded(f"--lang zh {line}", code=UNAVAILABLE).output
        assert f"Port {port} is taken" in commanded(f"--lang en {line}", code=3).output
    assert not folder.exists()


@pytest.mark.target("T123")
def test_the_demonstration_loads_once_and_serves_until_it_is_stopped(tmp_path: Path) -> None:
    environment = os.environ | {"GONGWU_LANG": "en", "PYTHONPATH": str(ROOT)}
    sizes: list[str] = []
    for _ in ("first", "second"):
        process = subprocess.Popen(
            [*COMMAND, "demo", "--folder", str(tmp_path), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        size, address = process.stdout.readline(), process.stdout.readline()
        with urlopen(f"{address.removeprefix('Open: ').strip()}/login", timeout=20) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()  # communicate() would skip what was read ahead of the lines
        assert process.wait(timeout=20) == OK
        assert not [login for login in demo.LOGINS if login not in rest], rest
        sizes.append(size)
    assert sizes[0] == sizes[1]


def test_the_version_is_told_by_a_process_of_its_own() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [*COMMAND, "--version"], capture_output=True, text=True, env=environment, check=True
    )
    assert told.stdout.startswith("gongwu ")
