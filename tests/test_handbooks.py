"""What the handbooks, the tour and the guides name is there: pages, buttons, facts, rules, commands."""

from __future__ import annotations

import json
import pkgutil
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from doors import staffed
from starlette.routing import Match, Route
from test_documents import commands, explained
from typer.testing import CliRunner

import domain
import domain.lives
from api import accounts, cli, languages, pages
from api.cli_terminal import OK
from domain.decider import FACTS, LIFECYCLES, Rule
from domain.words import Role
from ledger import verify_bundle

DOCS = Path(__file__).resolve().parents[1] / "docs"
HANDBOOKS = {
    "keeper": {Role.KEEPER},
    "clerk": {Role.CLERK},
    "approver": {Role.HEAD, Role.DEPARTMENT, Role.OFFICE, Role.FINANCE, Role.GOVERNMENT},
    "finance": {Role.FINANCE, Role.ACCOUNTANT, Role.CASHIER},
    "auditor": {Role.AUDITOR},
    "administrator": {Role.ADMIN},
}
BOOKS = [DOCS / f"handbook-{name}.md" for name in HANDBOOKS]
DOCUMENTS = [*BOOKS, DOCS / "tour.md", DOCS / "auditing.md", DOCS / "developing.md"]
QUOTED = re.compile(r"`([^`\n]+)`")
# A blank that a sentence leaves to be filled in; documents show an ellipsis there.
BLANK = re.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
def routes(module_database: str) -> list[Route]:
    """Return every page, but the one that catches what nobody serves."""
    with staffed(module_database) as office:
        found = [route for part in pages.PARTS for route in part.router(office).routes]
    return [r for r in found if isinstance(r, Route) and r.path != "/{path:path}"]


@pytest.fixture(scope="module")
def said() -> set[str]:
    """Return all that the program says, in Chinese."""
    return {message.zh for message in languages.messages()}


def served(path: str, routes: list[Route]) -> bool:
    scope = {"type": "http", "method": "GET", "path": path.partition("?")[0]}
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


@pytest.mark.either_backend("which addresses there are, whatever the database")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.stem)
def test_every_page_that_a_document_names_is_served(document: Path, routes: list[Route]) -> None:
    named = [w for w in QUOTED.findall(document.read_text(encoding="utf-8")) if w[0] == "/"]
    assert named or document.stem == "developing"
    assert [path for path in named if not served(path, routes)] == []
    assert not served("/nowhere", routes)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.stem)
def test_every_word_in_corner_brackets_is_one_of_the_program(
    document: Path, said: set[str]
) -> None:
    words = re.findall(r"「([^」]+)」", document.read_text(encoding="utf-8"))
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.stem)
def test_every_command_in_a_sentence_exists_with_its_options(document: Path) -> None:
    for quoted in QUOTED.findall(document.read_text(encoding="utf-8")):
        if quoted.startswith("gongwu "):
            _, *words = shlex.split(quoted)
            told = explained(words)
            assert all(w.partition("=")[0] in told for w in words if w.startswith("--")), quoted


RULES = {
    (rule.slug, BLANK.sub("…", f"{rule.zh} {rule.en}"))
    for module in pkgutil.iter_modules(domain.__path__)
    for rule in vars(import_module(f"domain.{module.name}")).values()
    if isinstance(rule, Rule)
} | {
    (rule.slug, BLANK.sub("…", f"{rule.zh} {rule.en}"))
    for life in LIFECYCLES.values()
    for verb in life.verbs.values()
    for rule in verb.rules
}


@pytest.mark.parametrize("name", HANDBOOKS)
def test_a_task_of_a_handbook_is_the_roles_and_says_what_the_program_says(name: str) -> None:
    text = (DOCS / f"handbook-{name}.md").read_text(encoding="utf-8")
    _, *tasks = text.split("\n### ")
    assert len(tasks) >= 7
    for task in tasks:
        title = task.partition("\n")[0]
        for pressed, kind, verb in re.findall(r"按 press 「([^」]+)」（`(\w+)\.(\w+)`）", task):
            found = LIFECYCLES[kind].verbs[verb]
            assert title == f"{found.zh} · {found.en}" and pressed == found.zh
            assert found.roles & HANDBOOKS[name], f"{name} may not {kind}.{verb}"
        told = re.search(r"^- 记成 Recorded: (.*)$", task, re.MULTILINE)
        facts = QUOTED.findall(told[1]) if told else []
        assert [fact for fact in facts if fact not in FACTS] == []
        refusals = re.findall(r"^  - `([^`]+)` (.*)$", task, re.MULTILINE)
        assert [each for each in refusals if each not in RULES] == []


@pytest.mark.target("T07")
def test_the_auditors_guide_goes_as_it_is_told(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run every command of the guide, in order, on a small ledger with a notary."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", "long enough")
    # How strong the hash is, is another test's business; here it would only cost time.
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: weak)

    def run(*words: str) -> str:
        answer = CliRunner().invoke(cli.app, list(words), env={"COLUMNS": "200"})
        assert answer.exit_code == OK, f"{shlex.join(words)}\n{answer.output}"
        return answer.output

    hour = [words for words in commands(DOCS / "operating.md") if words[0] == "gongwu"]
    for words in hour[: hour.index(["gongwu", "inventory"])]:
        run(*words[1:])
    run("notary", "init", "ledger.example.gov.cn/warehouse-1")
    monkeypatch.setenv("GONGWU_TRUST", "gongwu-notary/policy.txt")
    kept = json.loads(run("--json", "notary", "sign"))["note"]
    Path("kept.txt").write_text(kept, encoding="utf-8")
    said = {}
    for command, *words in commands(DOCS / "auditing.md"):
        if command == "gongwu":
            said[shlex.join(words)] = run(*words)
        else:
            assert (command, words[0]) == ("python3", "verify_bundle.py")
            assert verify_bundle.main(words[1:]) == 0
    assert {"verify --since kept.txt", "audit bundle recorded --to evidence.zip"} <= set(said)
    evidence = Path("evidence.zip").read_bytes()
    Path("evidence.zip").write_bytes(evidence.replace(b"ZC-0001", b"ZC-0002", 1)[:-1] + b"!")
    assert verify_bundle.main(["evidence.zip", "--since", "kept.txt"]) == 1
