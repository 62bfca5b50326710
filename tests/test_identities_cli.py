"""Identities from the console, and that no way in, nor anything else, waits behind a licence key."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner, Result

from api import accounts, cli
from api.accounts import Accounts
from api.cli_terminal import OK, REFUSED, USAGE
from api.office import Office
from api.settings import Settings
from projections import administration

pytestmark = pytest.mark.either_backend(
    "the words of commands; identities are tied on both in test_oidc and test_accounts"
)

Run = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[1]
INIT = "init --unit o_fin --name 示例市财政局 --kind finance --person u_wang --person-name 王芳"
ADD = "account add li --person u_li --name 李明 --unit o_fin --role clerk"


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on a new ledger whose people are known to a provider and a directory."""
    settings = {
        "DATABASE": database,
        "PASSWORD": "long enough",
        "LANG": "zh",
        "OIDC_ISSUER": "https://id.example",
        "OIDC_CLIENT": "gongwu",
        "OIDC_CALLBACK": "https://us.example/login/oidc/done",
        "LDAP_URL": "ldaps://dir.example",
        "LDAP_BASE": "dc=example,dc=cn",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"GONGWU_{name}", value)
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: weak)

    def commanded(line: str, *, code: int = OK) -> Result:
        result = CliRunner().invoke(cli.app, shlex.split(line))
        assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
        return result

    commanded(INIT)
    return commanded


def identities(run: Run) -> dict[str, list[str]]:
    listed = json.loads(run("account list --json").stdout)
    return {one["login"]: one["identities"] for one in listed}


@pytest.mark.target("T120")
def test_an_administrator_ties_people_to_what_they_are_called_elsewhere(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GONGWU_PASSWORD")  # nobody asks for one: it is kept elsewhere
    output = run(f"{ADD} --identity oidc:7f3a-Li --identity ldap:LiMing").output
    assert "账号 li 已关联 oidc:7f3a-Li" in output and "ldap:liming" in output
    assert identities(run) == {"admin": [], "li": ["ldap:liming", "oidc:7f3a-Li"]}
    shown = run("account list").output
    assert "统一身份" in shown and "oidc:7f3a-Li" in shown
    run("account bind admin oidc:7f3a-Wang")
    assert "tied to" in run("--lang en account bind admin oidc:7f3a-Wang").output  # again: the same
    opened = Accounts.open(database)
    token = opened.sign_in(next(one for one in opened.all() if one.login == "li"))
    run("account unbind li oidc:7f3a-Li")
    opened.close()
    opened = Accounts.open(database)
    assert opened.session(token) is None
    opened.close()
    assert identities(run) == {"admin": ["oidc:7f3a-Wang"], "li": ["ldap:liming"]}
    run("account bind li oidc:7f3a-li")
    office = Office.open(Settings(database=database))
    rows = [row for row in office.rows(administration.listing({})) if "identity" in row["act"]]
    told = [(row["act"].rpartition("_")[2], row["person"]) for row in reversed(rows)]
    assert told == [
        *[("tied", "u_li"), ("tied", "u_li")],
        *[("tied", "u_wang"), ("untied", "u_li"), ("tied", "u_li")],
    ]
    entries = [office.book.stream(f"access/{row['id']}").entries[0] for row in rows]
    assert {entry.actor for entry in entries} == {"console"}
    assert not any(b"7f3a" in e.state or b"liming" in e.state for e in office.book.entries())
    office.close()


@pytest.mark.parametrize(
    ("line", "code", "zh", "en"),
    [
        (f"{ADD} --identity oidc:wang", REFUSED, "已属于另一账号", "another log-in's"),
        ("account bind li ldap:WANG", REFUSED, "已属于另一账号", "another log-in's"),
        ("account bind admin oidc:other", REFUSED, "已有一个 oidc 身份", "has an oidc identity"),
        (
            f"{ADD} --identity oidc:a --identity oidc:b",
            REFUSED,
            "已有一个 oidc 身份",
            "has an oidc identity",
        ),
        ("account bind nobody oidc:x", REFUSED, "没有可用的账号", "no open log-in"),
        ("account unbind admin oidc:x", REFUSED, "没有统一身份", "is not tied to"),
        ("account bind admin saml:x", USAGE, "写作 oidc:标识", "is written oidc:SUBJECT"),
        ("account bind admin oidc:", USAGE, "写作 oidc:标识", "is written oidc:SUBJECT"),
        (
            f"account bind admin oidc:{'x' * 256}",
            USAGE,
            "写作 oidc:标识",
            "is written oidc:SUBJECT",
        ),
    ],
)
def test_trouble_is_told_in_both_languages(
    line: str, code: int, zh: str, en: str, run: Run
) -> None:
    run("account add other --person u_o --name 他人 --unit o_fin --role clerk --identity ldap:wang")
    run("account bind admin oidc:wang")
    if line.startswith("account bind li"):
        run(ADD)
    before = identities(run)
    assert zh in run(f"--lang zh {line}", code=code).output
    assert en in run(f"--lang en {line}", code=code).output
    assert identities(run) == before


def test_an_identity_is_of_a_place_that_is_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GONGWU_LDAP_URL")
    said = run("--lang en account bind admin ldap:wang", code=REFUSED).output
    assert "GONGWU_LDAP_URL is not set" in said


def test_a_name_of_one_provider_is_nobody_at_another(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two providers may call two people the same; so may two claims of one provider."""
    run("account bind admin oidc:wang")
    for name, other in (("ISSUER", "https://other.example"), ("CLAIM", "preferred_username")):
        with monkeypatch.context() as changed:
            changed.setenv(f"GONGWU_OIDC_{name}", other)
            office = Office.open(Settings.from_env())
            assert office.signing.known_as("oidc", "wang") is None
            office.close()
    office = Office.open(Settings.from_env())
    account = office.signing.known_as("oidc", "wang")
    assert account is not None and account.login == "admin"
    office.close()


LICENCE = re.compile(
    r"licen[cs]e[_-]?(key|server|token|file|check|tier|expir)|\b(is|has|if|require)s?_licen[cs]e"
    r"|(enterprise|premium|pro|paid)[_-](edition|only|feature|plan|tier)|feature[_-]?(flag|gate)"
    r"|\bunlicen[cs]ed\b|许可证密钥|授权码|企业版|专业版|付费版",
    re.IGNORECASE,
)


@pytest.mark.target("T120")
def test_nothing_waits_behind_a_licence_key() -> None:
    """No line of ours asks for a key, an edition or a flag before it does what it can."""
    folders = ("api", "domain", "labels", "ledger", "projections")
    files = [
        file
        for folder in folders
        for kind in ("*.py", "*.html", "*.js", "*.css", "*.toml", "*.yaml")
        for file in (ROOT / folder).rglob(kind)
        if "vendor" not in file.parts
    ]
    assert len(files) > 300
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if LICENCE.search(line)
    ]
    assert found == []
    for words in ("license_key", "if feature_flag:", "Enterprise Edition", "需要企业版"):
        assert LICENCE.search(words.replace(" ", "_") if words.isascii() else words), words
    settings = [name for name in Settings.__struct_fields__ if "licen" in name or "edition" in name]
    assert settings == []
