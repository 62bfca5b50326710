"""The auditor's five questions: each answer on the example city is found again in the raw entries.

The second reckoning reads JSON as it is stored and knows nothing of facts, states or rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from books import opened
from typer.testing import CliRunner

from api import city
from api.cli import app
from api.cli_terminal import OK
from domain.decider import EntryReversed
from domain.disposal import IncomeAssessed, RemittedToTreasury, Sold
from domain.person import RoleAssigned
from domain.warehouse import ListedForReuse
from domain.words import Role
from ledger.book import Book
from ledger.entry import Corrects, Draft
from ledger.questions import PICKED, Answer, five

EXECUTED = (
    "disposal.sold", "disposal.given_away", "disposal.scrapped", "disposal.loss_written_off",
)  # fmt: skip
Raw = dict[str, Any]


@pytest.fixture(scope="module")
def url(module_database: str) -> str:
    return module_database


@pytest.fixture(scope="module")
def book(url: str) -> Iterator[Book]:
    with opened(url) as told:
        city.load(told)
        yield told


@pytest.fixture(scope="module")
def answers(book: Book) -> tuple[Answer, ...]:
    return five(book)[1]


@pytest.fixture(scope="module")
def raw(book: Book) -> list[Raw]:
    """Return every entry as an auditor finds it in an export: JSON, in order, position added."""
    return [json.loads(e.state) | {"position": e.position} for e in book.entries()]


@pytest.fixture(scope="module")
def disposals(raw: list[Raw]) -> dict[str, list[Raw]]:
    """Return what stands of every disposal, in the order of recording."""
    cases: dict[str, list[Raw]] = {}
    for entry in raw:
        if entry["stream"].startswith("disposal/"):
            cases.setdefault(entry["stream"], []).append(entry)
    gone = {(e["stream"], e["corrects"]["seq"]) for e in raw if e["corrects"]}
    return {
        case: [e for e in told if (case, e["seq"]) not in gone and not e["corrects"]]
        for case, told in cases.items()
    }


@pytest.fixture(scope="module")
def pieces(disposals: dict[str, list[Raw]]) -> list[tuple[str, Raw]]:
    """Return the disposals that the empty seed picks."""
    left = [(case, e) for case, told in disposals.items() for e in told if e["type"] in EXECUTED]
    left.sort(key=lambda p: sha256(f"\0{p[0]}\0{p[1]['body']['asset']}".encode()).digest())
    return left[:PICKED]


def day(entry: Raw) -> str:
    return str(entry["effective_at"])[:10]


@pytest.mark.target("T129")
def test_1_who_takes_the_money_cannot_change_the_record(
    raw: list[Raw], disposals: dict[str, list[Raw]], answers: tuple[Answer, ...]
) -> None:
    money = ("disposal.sold", "disposal.income_assessed", "disposal.remitted_to_treasury")
    money += ("disposal.deposit_forfeited", "disposal.income_fell_away")
    took: dict[str, set[int]] = {}
    for told in disposals.values():
        for entry in told:
            if entry["type"] in money:
                took.setdefault(entry["actor"], set()).add(entry["position"])
    reversals = {(e["actor"], e["stream"]) for e in raw if e["corrects"]}
    admins = {
        e["stream"].removeprefix("person/")
        for e in raw
        if e["type"] == "person.role_assigned" and e["body"]["post"] == "admin"
    }
    cases = {(e["actor"], c) for c, told in disposals.items() for e in told if e["type"] in money}
    expected = {who: who not in admins and not (reversals & cases) for who in took}
    answer = answers[0]
    assert {line.about: line.good for line in answer.lines} == {
        f"person/{who}": good for who, good in expected.items()
    }
    assert {line.about: set(line.entries) for line in answer.lines} == {
        f"person/{who}": positions for who, positions in took.items()
    }
    assert answer.good is all(expected.values()) is True


@pytest.mark.target("T129")
def test_2_every_disposal_picked_is_traceable_from_request_to_money(
    disposals: dict[str, list[Raw]], pieces: list[tuple[str, Raw]], answers: tuple[Answer, ...]
) -> None:
    assert len(pieces) == len(answers[1].lines) > 40
    for (case, gone), line in zip(pieces, answers[1].lines, strict=True):
        asset = gone["body"]["asset"]
        chain: dict[str, Raw] = {"executed": gone}
        for entry in disposals[case]:
            body = entry["body"]
            match entry["type"]:
                case "disposal.proposed" if asset in body["assets"]:
                    chain["proposed"] = entry
                case "disposal.approved" if asset in body["assets"]:
                    chain["approved"] = entry
                case "disposal.asset_derecognised" if body["asset"] == asset:
                    chain["derecognised"] = entry
                case "disposal.income_assessed":
                    chain["assessed"] = entry
                case "disposal.remitted_to_treasury":
                    chain["remitted"] = entry
        assert line.about == f"asset/{asset}"
        assert line.said["steps"] == {step: day(entry) for step, entry in chain.items()}
        assert set(line.entries) == {entry["position"] for entry in chain.values()}
        days = [day(chain[s]) for s in ("proposed", "approved", "executed")]
        assert line.good is (days == sorted(days)) is True


@pytest.mark.target("T129")
def test_3_who_reconciled_did_not_apply_carry_out_or_bill(
    disposals: dict[str, list[Raw]], answers: tuple[Answer, ...]
) -> None:
    acting = (*EXECUTED, "disposal.proposed", "disposal.income_assessed")
    acting += ("disposal.asset_derecognised",)
    expected = []
    for case, told in sorted(disposals.items()):
        did = {entry["actor"] for entry in told if entry["type"] in acting}
        expected += [
            (case, entry["actor"], entry["actor"] not in did)
            for entry in told
            if entry["type"] == "disposal.remitted_to_treasury"
        ]
    found = [(line.about, line.said["reconciler"], line.good) for line in answers[2].lines]
    assert found == expected and found
    assert answers[2].good is True


@pytest.mark.target("T129")
def test_4_whoever_asked_was_a_real_unit_with_a_person_in_it(
    raw: list[Raw],
    disposals: dict[str, list[Raw]],
    pieces: list[tuple[str, Raw]],
    answers: tuple[Answer, ...],
) -> None:
    born = {
        e["stream"].removeprefix("unit/"): day(e)
        for e in raw
        if e["type"] in ("unit.established", "unit.temporary_body_established")
    }
    ended = {
        e["stream"].removeprefix("unit/"): day(e)
        for e in raw
        if e["type"] in ("unit.dissolved", "unit.merged", "unit.split")
    }
    roles = {
        (e["stream"].removeprefix("person/"), e["body"]["unit"], e["body"]["since"])
        for e in raw
        if e["type"] == "person.role_assigned"
    }
    expected = {}
    for case in dict.fromkeys(case for case, _ in pieces):
        (asked,) = [e for e in disposals[case] if e["type"] == "disposal.proposed"]
        unit, person = asked["body"]["unit"], asked["body"]["applicant"]
        exists = born[unit] <= day(asked) and ended.get(unit, "9999") > day(asked)
        has = any((who, of) == (person, unit) and since <= day(asked) for who, of, since in roles)
        expected[case] = exists and has
    assert {line.about: line.good for line in answers[3].lines} == expected
    assert answers[3].good is True


@pytest.mark.target("T129")
def test_5_whether_and_how_long_reuse_was_offered_before_the_sale(
    raw: list[Raw], pieces: list[tuple[str, Raw]], answers: tuple[Answer, ...]
) -> None:
    expected = {}
    for _, sold in pieces:
        if sold["type"] != "disposal.sold":
            continue
        stream = f"asset/{sold['body']['asset']}"
        days, listed = 0, ""
        for entry in raw:
            if entry["stream"] != stream or day(entry) > day(sold):
                continue
            if listed and entry["type"] in (
                "asset.delisted_from_reuse", "asset.put_up_for_disposal",
            ):  # fmt: skip
                days += (date.fromisoformat(day(entry)) - date.fromisoformat(listed)).days
                listed = ""
            if entry["type"] == "asset.listed_for_reuse":
                listed = day(entry)
        expected[stream] = days
    assert {line.about: line.said["days"] for line in answers[4].lines} == expected
    assert answers[4].good is all(line.good for line in answers[4].lines)
    # The example holds all three: offered first, tried otherwise, and neither: that is a finding.
    told = {(line.good, bool(line.said["tried"])) for line in answers[4].lines}
    assert told == {(True, False), (False, True), (False, False)}


@pytest.mark.target("T129")
def test_one_command_answers_all_five_with_their_entries(url: str, book: Book) -> None:
    run = CliRunner().invoke(app, ["--database", url, "audit", "five-questions", "--json"])
    assert run.exit_code == OK, run.output
    said = json.loads(run.stdout)
    assert [answer["number"] for answer in said["answers"]] == [1, 2, 3, 4, 5]
    assert all(answer["lines"] for answer in said["answers"])
    size = book.head()[0]
    for answer in said["answers"]:
        for line in answer["lines"]:
            assert all(1 <= position <= size for position in line["entries"])
    for lang in ("zh", "en"):
        run = CliRunner().invoke(
            app, ["--lang", lang, "--database", url, "audit", "five-questions", "--every"]
        )
        assert run.exit_code == OK and "{" not in run.output


def test_another_seed_picks_others_and_the_same_seed_the_same(book: Book) -> None:
    picks = {
        seed: [p.asset for p in five(book, seed=seed, picked=10)[0].pieces] for seed in ("a", "b")
    }
    assert picks["a"] != picks["b"]
    assert [p.asset for p in five(book, seed="a", picked=10)[0].pieces] == picks["a"]


# A bad answer where there is something bad ------------------------------------------


def write(book: Book, stream: str, *facts: Any, by: str, on: str = "2025-03-03") -> None:
    """Write entries past every rule."""
    version = book.stream(stream).version
    for number, fact in enumerate(facts, 1):
        draft = Draft(
            stream=stream,
            seq=version + number,
            event=fact,
            actor=by,
            cause=f"c_{stream.replace('/', '_')}_{version + number}",
            effective_at=f"{on}T00:00:00+08:00",
            corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
        )
        book.append([draft], actor=by, cause=draft.cause)


def test_every_question_can_be_answered_badly(database: str) -> None:
    """A sale nobody asked for, by an administrator who reconciles his own bill."""
    clock = datetime(2025, 3, 3, 4, tzinfo=UTC)
    with opened(database, clock=lambda: clock) as book:
        role = RoleAssigned(unit="o_1", post=Role.ADMIN, since=date(2025, 1, 1))
        write(book, "person/u_1", role, by="u_0")
        sold = Sold(asset="A", price=500)
        write(book, "disposal/D", sold, IncomeAssessed(gross=500, net=500), by="u_1")
        paid = RemittedToTreasury(amount=500, voucher="缴1", treasury_on=date(2025, 3, 3))
        write(book, "disposal/D", paid, by="u_1")
        assert [answer.good for answer in five(book)[1]] == [False] * 5
        write(book, "asset/A", ListedForReuse(), by="u_2", on="2025-02-01")
        answer = five(book)[1][4]
        assert answer.good and answer.lines[0].said["days"] == 30
