"""Every command that a document shows is run by a test, here or in a named one, or says why not."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from api import accounts, cli, languages
from api.cli_terminal import OK
from domain.words import CATALOGUES

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DOCUMENTS = [*sorted(ROOT.glob("README*.md")), *sorted(DOCS.glob("*.md"))]
# In these a command in a sentence is to be given as it stands; elsewhere it is only named there.
WHOLE_SENTENCES = [*sorted(DOCS.glob("handbook-*.md")), DOCS / "tour.md"]

ELSEWHERE: dict[str, dict[str, str]] = {
    "auditing.md": {"": "test_handbooks.py::test_the_auditors_guide_goes_as_it_is_told"},
    "flows.md": {"": "test_flows_told.py::test_the_five_flows_go_as_they_are_told"},
    "replicas.md": {"": "test_replicas.py::"},
    "matching.md": {
        "gongwu match names": "test_classifying.py::",
        "gongwu match shipments": "test_classifying.py::",
        "gongwu match moves": "test_naming_alike.py::",
        "gongwu match replay": "test_playing_leso.py::",
    },
    "operating.md": {
        "gongwu webhook": "test_webhooks.py::test_the_command_line_does_the_same",
        "gongwu serve": "test_processes.py::",
        "gongwu languages": "test_commands.py::translated",
        "gongwu": "test_documents.py::test_the_first_hour_goes_as_it_is_told",
        "export GONGWU_LOCALES": "test_languages.py::",
        "export": "test_documents.py::test_the_first_hour_goes_as_it_is_told",
    },
    "proof.md": {
        "gongwu notary recover": "test_recovery.py::",
        "gongwu do recovery/1": "test_recovery.py::",
        "gongwu notary run --tsa": "test_stamping.py::test_the_command_line_stamps_and_verifies",
        "gongwu notary stamp": "test_stamping.py::test_the_command_line_stamps_and_verifies",
        "gongwu verify --tsa": "test_stamping.py::test_the_command_line_stamps_and_verifies",
        "gongwu notary sm2": "test_national.py::",
        "gongwu verify --sm2": "test_national.py::",
        "gongwu notary": "test_proving.py::",
        "gongwu witness": "test_proving.py::",
        "gongwu verify": "test_proving.py::",
    },
    "handbook-auditor.md": {"": "test_handbooks.py::test_the_auditors_guide_goes_as_it_is_told"},
}
NOT_HERE = {
    "make demo": "serves until it is stopped: tests/test_cli.py starts `gongwu demo` the same way",
    "make (test|lint|types|format|ci)": "this very run is one of them",
    "make screenshots": "rewrites the pictures of the repository; tests/test_documents.py holds them",
    ".*gongwu serve$": "serves until it is stopped: tests/test_hostile.py starts it the same way",
    "sudo |tar -xf": "needs root and systemd; CI installs the archive, tests/test_deploy.py the rest",
}
OIDC = {
    "OIDC_ISSUER": "https://id.example",
    "OIDC_CLIENT": "gongwu",
    "OIDC_CALLBACK": "https://us.example/login/oidc/done",
    "LDAP_URL": "ldaps://dir.example",
    "LDAP_BASE": "dc=example,dc=cn",
}


def shown(document: Path) -> list[str]:
    """Return the commands of a document: lines of its blocks, and of sentences that are an order."""
    text = document.read_text(encoding="utf-8")
    found: list[str] = []
    for kind, block in re.findall(r"^```(console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if kind == "sh" and line.strip() and not line.startswith("#"):
                found.append(line)
            elif line.startswith("$ "):
                found.append(line[2:])
    if document in WHOLE_SENTENCES:
        found += re.findall(r"`((?:gongwu|make) [^`\n…]+)`", text)
    return found


def elsewhere(document: Path, command: str) -> str:
    """Return the test that runs a command; empty for none."""
    table = ELSEWHERE.get(document.name, {})
    return next((test for start, test in table.items() if command.startswith(start)), "")


def reason(command: str) -> str:
    """Return why no test can run a command; empty for none."""
    return next((why for pattern, why in NOT_HERE.items() if re.match(pattern, command)), "")


def mine(document: Path) -> Iterator[list[str]]:
    """Yield the words of the commands that are run here."""
    for command in shown(document):
        if not reason(command) and not elsewhere(document, command):
            yield shlex.split(command, comments=True)


def test_every_command_is_run_or_says_why_not() -> None:
    for document in DOCUMENTS:
        for command in shown(document):
            found = elsewhere(document, command)
            if found:
                file, _, test = found.partition("::")
                text = (ROOT / "tests" / file).read_text(encoding="utf-8")
                assert f"def {test}" in text, found
                continue
            kind = command.split()[0].rpartition("/")[2]
            assert reason(command) or kind in RUNNERS, f"{document.name}: nobody runs {command}"
    everything = [command for document in DOCUMENTS for command in shown(document)]
    assert [p for p in NOT_HERE if not any(re.match(p, c) for c in everything)] == []
    for name, table in ELSEWHERE.items():
        given = shown(next(d for d in DOCUMENTS if d.name == name))
        assert [s for s in table if not any(c.startswith(s) for c in given)] == [], name
    assert {d.name for d in DOCUMENTS if any(mine(d))} <= set(RUN_HERE)


# Run here -----------------------------------------------------------------------------

Run = Callable[[list[str]], str]


def commanded(words: Sequence[str]) -> str:
    answer = CliRunner().invoke(cli.app, words, env={"COLUMNS": "200"})
    assert answer.exit_code == OK, f"{shlex.join(words)}\n{answer.output}"
    return answer.output


def gongwu(words: list[str]) -> str:
    return commanded(words[1:])


def make(words: list[str]) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *words[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(words: list[str]) -> str:
    raise AssertionError(f"{words}: lines for a shell are run as they stand")


RUNNERS: dict[str, Run] = {"gongwu": gongwu, "make": make, "sqlite3": shell, "(printf": shell}
RUNNERS["export"] = shell


@pytest.fixture(scope="module")
def hour(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder, and a ledger on which the first hour of the operator's guide has passed."""
    folder = tmp_path_factory.mktemp("hour")
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as place:
        place.chdir(folder)
        place.setenv("GONGWU_DATABASE", module_database)
        place.setenv("GONGWU_PASSWORD", "long enough")
        place.setattr(accounts, "PasswordHasher", lambda: weak)
        told = [shlex.split(command) for command in shown(DOCS / "operating.md")]
        for words in told[1 : told.index(["gongwu", "serve"])]:
            gongwu(words)
        yield folder


def readme(place: pytest.MonkeyPatch, new: Callable[[], str], document: Path) -> None:
    for words in mine(document):
        if words[1:] == ["GONGWU_DATABASE=sqlite:///gongwu-demo/gongwu.db"]:
            continue  # the demonstration's: test_documents.py asks that one
        if words[0] == "export":  # from here on another, empty ledger
            assert words[1].startswith("GONGWU_DATABASE=postgresql://")
            place.setenv("GONGWU_DATABASE", new())
        else:
            assert gongwu(words)


def rules(place: pytest.MonkeyPatch, _: Callable[[], str], document: Path) -> None:
    block = document.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    title = 'title: {zh: 示例县规则, en: Rules of Example County}\nregion: "990001"\n'
    Path("our-county.yaml").write_text(f"name: our-county\n{title}{block}", encoding="utf-8")
    post = "account add finance --person u_finance --name 赵静 --unit o_fin --role finance"
    commanded(post.split())
    said = [gongwu(words) for words in mine(document)]
    assert "2027-01-01" in said[-1] or "our-county" in commanded(["policy", "list"])


def sign_in(place: pytest.MonkeyPatch, _: Callable[[], str], document: Path) -> None:
    for name, value in OIDC.items():
        place.setenv(f"GONGWU_{name}", value)
    said = " ".join(gongwu(words) for words in mine(document))
    assert "zhaomin" in said and "liming" in said


def proof(place: pytest.MonkeyPatch, _: Callable[[], str], document: Path) -> None:
    """The two lines that need nothing of ours say the same: the hash of an entry is its leaf."""
    place.setenv("GONGWU_DATABASE", "sqlite:///gongwu.db")
    commanded(
        [
            "init",
            "--unit",
            "o_1",
            "--name",
            "甲局",
            "--kind",
            "organ",
            "--person",
            "u_1",
            "--person-name",
            "王芳",
        ]
    )
    lines = [c for c in shown(document) if not elsewhere(document, c)]
    said = [subprocess.check_output(["bash", "-c", line], text=True).split()[0] for line in lines]
    assert len(said) == 2 and said[0] == said[1] and len(said[0]) == 64


def translated(place: pytest.MonkeyPatch, _: Callable[[], str], document: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    Path("ug.po").write_text(f'{head}msgid "首页"\nmsgstr "باش بەت"\n', encoding="utf-8")
    for words in mine(document):
        RUNNERS[words[0]](words)
    try:
        assert languages.load(Path("locales")) == ("ug",)
    finally:
        CATALOGUES.pop("ug", None)


def sentences(place: pytest.MonkeyPatch, _: Callable[[], str], document: Path) -> None:
    for name, value in OIDC.items():  # one who ties people has said to what
        place.setenv(f"GONGWU_{name}", value)
    known = [account for account in commanded(["account", "list"]).split() if account == "li"]
    for words in mine(document):
        if words[1:3] == ["account", "add"] and words[3] in known:
            words[3] += "2"  # the first hour has added the very same
        RUNNERS[words[0]](words)


RUN_HERE: dict[str, Callable[[pytest.MonkeyPatch, Callable[[], str], Path], None]] = {
    **{path.name: readme for path in sorted(ROOT.glob("README*.md"))},
    "rules.md": rules,
    "sign-in.md": sign_in,
    "proof.md": proof,
    "developing.md": translated,
    **{path.name: sentences for path in WHOLE_SENTENCES if any(mine(path))},
}


@pytest.mark.parametrize("name", RUN_HERE)
def test_the_commands_of_a_document_run(
    name: str,
    hour: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_database: Callable[[], str],
) -> None:
    assert Path.cwd() == hour
    (document,) = [each for each in DOCUMENTS if each.name == name]
    RUN_HERE[name](monkeypatch, new_database, document)
