"""From an empty database to a first asset, and who may sign in: input, command, expected text."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from base64 import b32decode
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner, Result

from api import accounts, cli
from api.cli_terminal import OK, REFUSED, USAGE
from api.office import Office
from api.second_factor import totp
from api.settings import Settings
from projections import administration

pytestmark = pytest.mark.either_backend(
    "the words of commands; what they do to accounts is done on both in test_accounts"
)

Run = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[1]
INIT = "init --unit o_fin --name 示例市财政局 --kind finance --person u_wang --person-name 王芳"
ADD = "account add li --person u_li --name 李明 --unit o_fin --role clerk --role keeper"
CARD = (
    "do asset/new register_existing --as li --asset-no ZC-0001 --name 办公桌 --kind furniture"
    " --unit o_fin"
)


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on a database that does not exist yet."""
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", "long enough")
    monkeypatch.setenv("GONGWU_LANG", "zh")
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: weak)

    def commanded(line: str, *, code: int = OK) -> Result:
        result = CliRunner().invoke(cli.app, shlex.split(line))
        assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
        return result

    return commanded


def test_the_first_hour(run: Run) -> None:
    transcript = [
        (
            INIT,
            ["已建立单位 o_fin：示例市财政局", "已建立账号 admin：王芳（u_wang）", "系统管理员"],
        ),
        (
            "do unit/o_edu establish --as admin --name 示例市教育局 --kind organ",
            ["已记入 unit/o_edu 第 1 条"],
        ),
        (
            "do place/p_101 open_place --as admin --name 一号楼101室 --kind room --unit o_fin",
            ["已记入 place/p_101 第 1 条"],
        ),
        (ADD, ["已建立账号 li：李明（u_li），示例市财政局", "单位资产管理员、仓管员"]),
        (
            f"{CARD} --value 800 --place p_101",
            ["建卡入账：ZC-0001 办公桌"],
        ),
        ("inventory", ["ZC-0001", "办公桌", "示例市财政局", "一号楼101室", "¥800.00"]),
        ("account list", ["admin", "王芳", "li", "李明", "示例市财政局", "单位资产管理员"]),
        ("verify", ["完整性：通过，共 11 条"]),
    ]
    for line, expected in transcript:
        output = run(line).output
        for text in expected:
            assert text in output, f"{line}\n{output}"


def test_a_log_in_is_closed_and_a_name_erased(run: Run) -> None:
    run(INIT)
    run(f"{ADD} --name-en 'Li Ming'")
    assert (
        "Opened wu: Wu (u_wu)"
        in run(
            "--lang en account add wu --person u_wu --name Wu --unit o_fin --role auditor"
        ).output
    )
    assert "Li Ming" in run("--lang en account list").output
    assert "停用" in run("account disable li").output
    left = json.loads(run("account list --json").stdout)
    assert [a["login"] for a in left] == ["admin", "wu"]
    assert run("do unit/o_fin rename --as li --name 新", code=REFUSED)
    assert "姓名已删除" in run("account forget u_wu").output
    assert "（姓名已删除）" in run("account list").output
    assert json.loads(run("--json account forget u_wang").stdout)["erased"] is True


def test_the_console_resets_a_password_and_a_second_factor(run: Run, database: str) -> None:
    """For whoever lost both: each is an entry that names no log-in, and ends the sessions."""
    run(INIT)
    run(ADD)
    office = Office.open(Settings(database=database))
    accounts = office.accounts
    key = b32decode(accounts.factors.offer("li").secret)
    assert accounts.confirm_factor("li", totp(key, accounts.clock()))
    account = accounts.find("li")
    assert account is not None
    session = accounts.sign_in(account)
    told = json.loads(run("--json account reset-password LI --reason 忘记密码").stdout)
    password = told["one_time_password"]
    assert told["login"] == "li" and re.fullmatch(r"([0-9a-f]{4}-){4}[0-9a-f]{4}", password)
    office.close()
    office = Office.open(Settings(database=database))
    accounts = office.accounts
    assert accounts.session(session) is None
    assert accounts.check("li", "long enough") is None
    assert accounts.check("li", password) is not None
    assert accounts.must_change("li"), "it opens nothing but its own change"
    assert accounts.factors.since("li"), "the second factor stays"
    account = accounts.find("li")
    assert account is not None
    session = accounts.sign_in(account)
    assert "已解除" in run("account reset-factor li --reason 手机丢失").output
    office.close()
    office = Office.open(Settings(database=database))
    assert not office.accounts.factors.since("li")
    assert office.accounts.session(session) is None
    assert office.accounts.check("li", password) is not None, "the password stays"
    rows = office.rows(administration.listing({"person": "u_li"}))
    assert [row["act"] for row in rows] == [
        "access.factor_removed",
        "access.password_reset",
        "access.log_in_opened",
    ]
    entries = [office.book.stream(f"access/{row['id']}").entries[0] for row in rows]
    assert {entry.actor for entry in entries} == {"console"}
    assert [getattr(e.event, "reason", "") for e in entries] == ["手机丢失", "忘记密码", ""]
    for secret in (password, '"li"', base64.b32encode(key).decode()):
        assert not any(secret in entry.state.decode() for entry in office.book.entries())
    office.close()
    for line, zh in (
        ("account reset-factor li --reason 再试", "没有第二因素"),
        ("account reset-factor nobody --reason 再试", "没有账号 nobody"),
        ("account reset-password nobody --reason 再试", "没有账号 nobody"),
    ):
        assert zh in run(line, code=REFUSED).output
    assert "--reason" in run("account reset-password li", code=USAGE).output


@pytest.mark.parametrize(
    ("line", "code", "zh", "en"),
    [
        (INIT, REFUSED, "已有账号", "has log-ins already"),
        (ADD.replace("add li", "add ADMIN"), REFUSED, "已经存在", "exists already"),
        (ADD.replace("o_fin", "o_nobody"), REFUSED, "先建立", "Establish it first"),
        (ADD.replace("clerk", "king"), USAGE, "没有岗位 king", "No such role: king"),
        (ADD.replace("add li", "add 'l i'"), USAGE, "不含空白和冒号", "no spaces and no colon"),
        (ADD.replace("u_li", "李明"), USAGE, "--person 须为标识", "--person must be an id"),
        (ADD.replace("李明", "' '"), USAGE, "请写明姓名", "Say what the person is called"),
        (f"{ADD} --locale fr", USAGE, "zh 或 en", "zh or en"),
        ("account disable nobody", REFUSED, "没有可用的账号", "no open log-in"),
        ("account forget u_x", REFUSED, "名册中没有 u_x", "does not know u_x"),
        ("--database sqlite:///none.db account list", USAGE, "gongwu init", "gongwu init"),
    ],
)
def test_trouble_is_told_in_both_languages(
    line: str, code: int, zh: str, en: str, run: Run
) -> None:
    run(INIT)
    assert zh in run(f"--lang zh {line}", code=code).output
    assert en in run(f"--lang en {line}", code=code).output
    assert json.loads(run(f"--json {line}", code=code).stdout)["exit"] == code


def test_a_password_is_long_enough_and_never_an_option(
    run: Run, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setenv("GONGWU_PASSWORD", "short")
    assert "8 至 200" in run(INIT, code=USAGE).output
    monkeypatch.delenv("GONGWU_PASSWORD")
    assert "GONGWU_PASSWORD" in run(INIT, code=USAGE).output
    office = Office.open(Settings(database=database))
    assert office.book.head()[0] == 0, "nothing is established before the password is there"
    office.close()


TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


@pytest.mark.parametrize(("second", "code"), [("long enuogh", USAGE), ("long enough", OK)])
def test_a_typed_password_is_typed_twice(second: str, code: int, database: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "GONGWU_PASSWORD"}
    environment |= {"GONGWU_LANG": "en", "GONGWU_DATABASE": database, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from api.cli import app; app()", *shlex.split(INIT)]
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for prompt, typed in ((b"New password: ", "long enough"), (b"Once more: ", second)):
            said = b""
            while not said.endswith(prompt):
                byte = process.stdout.read(1)
                assert byte, said
                said += byte
            process.stdin.write(f"{typed}\n".encode())
            process.stdin.flush()
        rest = process.stdout.read().decode()
        assert process.wait() == code, rest
    assert ("passwords differ" in rest) == (code == USAGE)
    assert "enough" not in rest


def test_roles_are_facts_of_the_ledger_from_a_day_on(run: Run, database: str) -> None:
    run(f"{INIT} --on 2025-01-01")
    run(f"{ADD} --since 2025-02-01")
    assert (
        "不得兼任"
        in run(ADD.replace("li --person", "wu --person") + " --role auditor", code=REFUSED).output
    )
    run(f"{CARD} --value 800 --on 2025-02-01")
    early = CARD.replace("ZC-0001", "ZC-0002") + " --value 800 --on 2025-01-31"
    assert "不担任示例市财政局的单位资产管理员" in run(early, code=REFUSED).output
    office = Office.open(Settings(database=database))
    try:
        *entries, name = office.book.stream("person/u_li").entries
        assert (name.event.type_name, name.actor) == ("person.name_bound", "console")
        assert [(e.event.type_name, e.actor) for e in entries] == [
            ("person.role_assigned", "console")
        ] * 2
        assert {e.effective_on for e in entries} == {"2025-02-01"}
        first = office.book.stream("person/u_wang").entries[0]
        assert (first.actor, first.effective_on) == ("u_wang", "2025-01-01")
    finally:
        office.close()
