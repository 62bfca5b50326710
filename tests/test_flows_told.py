"""The five flows go as docs/flows.md tells them, command by command, refusals included."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from api import accounts, cli
from api.cli_terminal import OK, REFUSED

pytestmark = pytest.mark.either_backend(
    "a document followed by hand; the five flows run on both in test_flows_*"
)

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "flows.md"


def blocks(language: str) -> list[str]:
    """Return the blocks of the document in a language."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def steps() -> Iterator[tuple[list[str], str]]:
    """Yield each command as words, with what its refusal says; empty when it is granted."""
    lines = [*"".join(blocks("console")).splitlines(), ""]
    for line, following in pairwise(lines):
        if line.startswith("$ "):
            yield shlex.split(line[2:]), following[1:].strip() if following[:1] == "✗" else ""


@pytest.mark.target("T91", "T92", "T23")
def test_the_five_flows_go_as_they_are_told(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", "long enough")
    monkeypatch.chdir(tmp_path)
    (rules,) = blocks("json")
    Path("example.json").write_text(rules, encoding="utf-8")
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: weak)
    shell = {"$(cat example.json)": rules}  # the one thing a shell does here
    told = [
        ([shell.get(word, word) for word in words[1:]], said)
        for words, said in steps()
        if words[0] == "gongwu"
    ]
    assert len([said for _, said in told if said]) >= 9
    for words, said in told:
        answer = CliRunner().invoke(cli.app, words, env={"COLUMNS": "400"})
        expected = REFUSED if said else OK
        assert answer.exit_code == expected, f"{shlex.join(words)}\n{answer.output}"
        assert said in answer.output, f"{shlex.join(words)}\n{answer.output}"
