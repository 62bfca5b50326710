"""What the documents say leads somewhere: links, screenshots and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from screenshots import PICTURES, SIZE_BYTES_MAX
from typer.testing import CliRunner

from api import accounts, cli
from api.cli_terminal import OK

ROOT = Path(__file__).resolve().parents[1]
READMES = sorted(ROOT.glob("README*.md"))
DOCUMENTS = [*READMES, ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
MADE = {"benchmarks/RESULTS.md": "bench"}  # measured by this target, on the machine that asks
# What `do` itself takes, beside the fields that its verb explains.
OF_DO = {"--as", "--role", "--on", "--key", "--expect", "--json", "--help"}


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(document: Path) -> Iterator[list[str]]:
    """Yield the command lines of a document's console blocks as words."""
    blocks = re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            yield shlex.split(line[2:])


def output(*words: str) -> str:
    result = CliRunner().invoke(cli.app, list(words), env={"COLUMNS": "200"})
    assert result.exit_code == OK, f"{' '.join(words)}\n{result.output}"
    return result.output


GROUPS = (
    "account",
    "asset",
    "audit",
    "languages",
    "match",
    "notary",
    "policy",
    "rfid",
    "witness",
)  # of commands


def explained(words: list[str]) -> str:
    """Return the help of the command that these words name."""
    if words[0] == "do":
        return output("do", *words[1:3], "--help") + " ".join(OF_DO)
    depth = 2 if words[0] in GROUPS else 0 if words[0].startswith("--") else 1
    return output(*words[:depth], "--help")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_link_and_picture_of_a_document_is_there(document: Path) -> None:
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        path, _, _ = link.partition("#")
        if re.match(r"[a-z]+:", link) or not path:
            continue
        target = (document.parent / path).resolve()
        assert target.is_relative_to(ROOT), f"{document.name}: {link} leaves the repository"
        name = str(target.relative_to(ROOT))
        assert target.exists() or MADE.get(name) in targets(), f"{document.name}: {link}"


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if any(commands(d))], ids=lambda d: d.name
)
def test_every_command_of_a_document_exists_with_its_options(document: Path) -> None:
    for command, *words in commands(document):
        match Path(command).name:
            case "export":
                assert re.fullmatch(r"GONGWU_[A-Z]+=\S+", words[0]), words
            case "make":
                assert set(words) <= targets(), words
            case "gongwu":
                told = explained(words)
                options = {w.partition("=")[0] for w in words if w.startswith("--")}
                assert all(re.search(rf"{o}\b", told) for o in options), f"{words}\n{told}"
            case "python3":
                assert words[0] == "verify_bundle.py", words  # run by tests/test_handbooks.py
            case other:
                raise AssertionError(f"{document.name}: nobody checks {other}")


def test_both_readmes_show_the_same_commands() -> None:
    first, *others = [list(commands(readme)) for readme in READMES]
    assert len(first) > 5 and others == [first]


def test_the_readmes_ask_the_ledger_that_the_demonstration_made() -> None:
    """Who follows them line by line: `make demo`, then the commands, in the same folder."""
    made = re.search(r"gongwu-demo\b", output("demo", "--help"))
    assert made is not None
    for readme in READMES:
        told = [" ".join(words) for words in commands(readme)]
        at = told.index(f"export GONGWU_DATABASE=sqlite:///{made[0]}/gongwu.db")
        asked = [n for n, words in enumerate(told) if re.match(r"\S*gongwu (?!--help)", words)]
        assert told.index("make demo") < at < min(asked)


def test_both_readmes_show_the_same_pictures_and_all_of_them_are_small() -> None:
    """Every picture is one that `make screenshots` takes."""
    made = {f"docs/screenshots/{picture.name}.png" for picture in PICTURES}
    for readme in READMES:
        assert {k for k in LINK.findall(readme.read_text()) if k.endswith(".png")} == made
    kept = sorted((ROOT / "docs" / "screenshots").iterdir())
    assert {str(path.relative_to(ROOT)) for path in kept} == made
    assert all(path.stat().st_size <= SIZE_BYTES_MAX for path in kept)


@pytest.mark.one_backend("the guide names the file that the first hour makes")
def test_the_first_hour_goes_as_it_is_told(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run every command of the operator's guide: to the first card, then what each week asks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GONGWU_DATABASE", sqlite_url)
    monkeypatch.setenv("GONGWU_PASSWORD", "long enough")
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: weak)
    told = [words for words in commands(ROOT / "docs" / "operating.md") if words[0] == "gongwu"]
    hour = told.index(["gongwu", "serve"])
    said = [output(*words[1:]) for words in told[:hour]]
    assert "ZC-0001" in said[-1] and "示例市财政局" in said[-1]
    # Translating is told by tests/test_languages.py: it needs a translation.
    after = [words for words in told[hour + 1 :] if words[1] != "languages"]
    weekly = {" ".join(words[1:]): output(*words[1:]) for words in after}
    assert "ZC-0001" in weekly["--database sqlite:///again.db inventory"]
    assert "FAIL" not in weekly["doctor"] and "有误" not in weekly["doctor"]
    assert (tmp_path / "monday.gongwu").stat().st_size > 1_000
