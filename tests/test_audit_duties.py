"""An auditor trusts nobody's word that duties were kept apart: the log alone must show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from books import opened
from typer.testing import CliRunner

from api import city
from api.cli import app
from api.cli_terminal import REFUSED
from domain.approval import Endorsed
from domain.decider import Event
from domain.lending import LoanApproved, LoanHandedOver, LoanRequested
from domain.policy import GENERIC
from ledger.auditing import violations
from ledger.book import Book
from ledger.entry import Draft, Via

PLANTED = 20
requested = LoanRequested(
    applicant="u_a",
    lender="o_a",
    borrower="o_b",
    assets=("PC1",),
    due=date(2025, 8, 31),
    purpose="培训",
)
endorsed, approved = Endorsed(), LoanApproved(approval_no="借1")
handed = LoanHandedOver(asset="PC1")


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    return module_database


@pytest.fixture(scope="module")
def book(url: str) -> Iterator[Book]:
    with opened(url) as told:
        city.load(told)
        yield told


def write(
    book: Book,
    case: str,
    *told: tuple[str, str, Event],
    policy: str = "generic@1",
    **via: str,
) -> None:
    """Write entries past every rule, as somebody with the database in hand could."""
    drafts = [
        Draft(
            stream=f"loan/{case}",
            seq=seq,
            event=event,
            actor=actor,
            behalf=behalf,
            cause=f"c_{case}",
            via=Via(policy=policy, **via),
            effective_at="2025-03-03T00:00:00+08:00",
        )
        for seq, (actor, behalf, event) in enumerate(told, start=1)
    ]
    book.append(drafts, actor="u_x", cause=f"c_{case}")


@pytest.mark.target("T30")
def test_the_example_city_keeps_its_duties_apart(book: Book) -> None:
    assert list(violations(book, lambda _: GENERIC)) == []


@pytest.mark.target("T30")
def test_every_planted_violation_is_found_and_nothing_else(book: Book, url: str) -> None:
    """Five ways to break the rule, four times each, among as many cases that keep it."""
    ask, head, keeper = ("u_a", "", requested), ("u_h", "", approved), ("u_k", "", handed)
    wrong: tuple[tuple[tuple[str, str, Event], ...], ...] = (
        (ask, ("u_a", "", approved), keeper),  # decides their own case
        (ask, ("u_d", "u_a", approved), keeper),  # through a delegate
        (("u_d", "u_h", requested), head, keeper),  # whose case a delegate put forward
        (ask, ("u_h", "", endorsed), ("u_o", "", approved), ("u_h", "", handed)),  # hands over
        (ask, head, ("u_k", "u_h", handed)),  # the same through a delegate
    )
    for number in range(PLANTED):
        write(book, f"X{number}", *wrong[number % len(wrong)])
        write(book, f"OK{number}", ask, ("u_d", "u_e", endorsed), head, keeper)
    found = list(violations(book, lambda _: GENERIC))
    assert sorted(v.stream for v in found) == sorted(f"loan/X{n}" for n in range(PLANTED))

    answer = CliRunner().invoke(app, ["--database", url, "audit", "duties", "--json"])
    assert answer.exit_code == REFUSED
    assert len(json.loads(answer.stdout)["violations"]) == PLANTED
    said = CliRunner().invoke(app, ["--database", url, "--lang", "zh", "audit", "duties"])
    assert "不相容职责 20 处" in said.stdout


def test_what_a_program_told_of_others_accuses_nobody_and_a_unit_that_imports_is_held_to_it(
    database: str,
) -> None:
    both = ("u_a", "", requested), ("u_a", "", approved)
    with opened(database) as told:
        write(told, "TOLD", *both, role="importer", channel="import")
        write(told, "UNIT", *both, role="importer", channel="import", unit="o_a")
        write(told, "WEB", *both, role="importer", channel="web")
        found = {v.stream for v in violations(told, lambda _: GENERIC)}
    assert found == {"loan/UNIT", "loan/WEB"}


def test_rules_that_nobody_published_are_named(book: Book, url: str) -> None:
    def unknown() -> list[str]:
        answer = CliRunner().invoke(app, ["--database", url, "audit", "duties", "--json"])
        return list(json.loads(answer.stdout)["unknown_rules"])

    assert unknown() == []
    write(book, "LAWLESS", ("u_a", "", requested), policy="nowhere@9")
    assert unknown() == ["nowhere@9"]


@pytest.mark.target("T17")
def test_a_replay_prints_root_and_digest_and_yesterday_stays_as_it_was(
    book: Book, url: str
) -> None:
    def told(*options: str) -> dict[str, object]:
        answer = CliRunner().invoke(app, ["--database", url, "audit", "replay", "--json", *options])
        assert answer.exit_code == 0, answer.output
        return dict(json.loads(answer.stdout))

    before, past = told(), told("--as-of", "2025-06-30")
    assert before["root"] == book.head()[1].hex()
    assert before["digest"] != past["digest"]
    write(book, "LATER", ("u_a", "", requested))
    assert told()["digest"] != before["digest"]
