"""Statements at the doors: a file taken in once, proposals with reasons, decisions kept, both sides told."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doors import PASSWORD, Door, app_of, staffed
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import banking, cli
from api.app import create_app
from api.office import Actor, Office
from api.reading_problems import Unreadable
from api.settings import Settings
from domain import statement as rules
from domain.decider import Refused
from domain.due import DueStatus
from domain.statement import By, EntryMatched, Ground, Kind

CLERK = Actor(person="u_acc", unit="o_a", role="accountant")
RECONCILER = Actor(person="u_rec", unit="o_a", role="accountant")
CASHIER = Actor(person="u_cash", unit="o_a", role="cashier")
BEFORE, OWED = date(2025, 1, 1), date(2025, 5, 4)
HEAD = "日期,收入,支出,余额,对方户名,对方账号,附言,流水号\n"
LINES = [
    "2025-05-06,1234.56,,1234.56,甲拍卖行,53001,拍卖款 330000202600000017,A1\n",
    "2025-05-07,9.00,,1243.56,乙公司,53002,,A2\n",
    "2025-05-08,,0.50,1243.06,银行,,手续费,A3\n",
]


def file_of(*lines: str) -> bytes:
    return ("账号: 6217 0000\n" + HEAD + "".join(lines)).encode("gb18030")


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    """Lend one office; every test has a unit of its own."""
    with staffed(module_database) as opened:
        yield opened


@pytest.fixture
def unit(office: Office, request: pytest.FixtureRequest) -> str:
    """Return a fresh unit with an account and three dues."""
    id_ = f"o_{abs(hash(request.node.name)) % 10**9}"
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    office.ask(f"unit/{id_}", "establish", {"name": id_, "kind": "organ"}, admin, on=BEFORE)
    account = {"account": "62170000", "bank_name": "示例银行"}
    office.ask(f"bank/{id_}", "open_account", account, acting(CLERK, id_))
    return id_


def acting(who: Actor, unit: str) -> Actor:
    return msgspec.structs.replace(who, unit=unit)


def owing(office: Office, unit: str, name: str, gross: int, code: str = "", payer: str = "") -> str:
    biller = acting(Actor(person="u_bill", unit="", role="accountant"), unit)
    form: dict[str, Any] = {"unit": unit, "gross": gross, "note": "残值"}
    office.ask(f"due/{unit}.{name}", "record", form, biller, on=OWED)
    if code:
        form = {"payment_code": f"{code}", "payer": payer}
        office.ask(f"due/{unit}.{name}", "issue_notice", form, biller, on=OWED)
    return f"{unit}.{name}"


def take(office: Office, unit: str, content: bytes, name: str = "五月.csv") -> list[Any]:
    plans = office.banking.plans(unit, content, name)
    asks, seen, kept = banking.taking(plans, content, name)
    if asks:
        office.ask_many(asks, acting(CASHIER, unit), seen=seen, evidence=kept)
    return plans


@pytest.mark.target("T94")
def test_a_file_is_taken_in_once_and_overlapping_files_add_only_what_is_new(
    office: Office, unit: str
) -> None:
    (plan,) = take(office, unit, file_of(*LINES[:2]))
    assert (plan.seen.in_file, plan.seen.known, plan.adds) == (2, 0, True)
    size = office.book.head()[0]
    (again,) = take(office, unit, file_of(*LINES[:2]))
    assert again.known_as == plan.seen.statement and office.book.head()[0] == size
    # The same two lines and one more, in another file: one entry is new.
    (more,) = take(office, unit, file_of(*LINES))
    assert (more.seen.in_file, more.seen.known, len(more.seen.entries)) == (3, 2, 1)
    assert more.seen.known_amount == 124356
    # Packed differently, or only lines that are known: nothing is added.
    size = office.book.head()[0]
    (packed,) = take(office, unit, file_of(*LINES).replace("五".encode("gb18030"), b"") + b"\n")
    assert not packed.adds and office.book.head()[0] == size
    ids = [held.id for one in office.banking.bank(unit).statements
           for held in office.banking.statement(one.statement)]  # fmt: skip
    assert len(ids) == len(set(ids)) == 3


@pytest.mark.target("T94")
def test_what_does_not_close_is_refused_and_nothing_is_recorded(office: Office, unit: str) -> None:
    size = office.book.head()[0]
    with pytest.raises(Unreadable):
        take(office, unit, file_of(LINES[0], LINES[2]))
    assert office.book.head()[0] == size
    with pytest.raises(Refused) as no:
        office.ask(f"bank/{unit}", "take_statement", {"statement": "S", "title": "手填"},
                   acting(CASHIER, unit))  # fmt: skip
    assert no.value.rule.slug == "statement-not-read"


def test_the_log_has_no_names_and_the_file_keeps_them(office: Office, unit: str) -> None:
    (plan,) = take(office, unit, file_of(*LINES))
    stream = f"statement/{plan.seen.statement}"
    said = b"".join(bytes(row[4]) for row in office.book.log.stream_rows(stream)).decode()
    assert "甲拍卖行" not in said and "拍卖款" not in said and "53001" not in said
    bench = office.banking.bench(unit)
    assert [row.payer for row in bench.rows] == ["甲拍卖行", "乙公司", "银行"]
    kept = office.book.log.file(plan.seen.file)
    assert kept is not None and kept[1] == file_of(*LINES)


@pytest.mark.target("T95")
def test_what_is_proposed_is_taken_with_its_reasons_and_told_to_the_due(
    office: Office, unit: str
) -> None:
    due = owing(office, unit, "D1", 123456, "330000202600000017", "甲拍卖行")
    likely = owing(office, unit, "D2", 900, f"码{unit}", "乙公司")
    (plan,) = take(office, unit, file_of(*LINES))
    bench = office.banking.bench(unit)
    by_code = bench.by_line[f"{plan.seen.statement}.1"]
    assert (by_code.finding.kind, by_code.finding.by, by_code.finding.settled) == (
        Kind.WHOLE,
        By.CODE,
        True,
    )
    office.ask_many(office.banking.accepting(unit, [by_code.key]), acting(RECONCILER, unit))
    assert office.book.stream(f"due/{due}").state.status is DueStatus.PAID
    fact = office.book.stream(f"statement/{plan.seen.statement}").entries[-1].event
    assert isinstance(fact, EntryMatched) and fact.as_suggested and fact.suggested is not None
    assert (fact.suggested.by, fact.suggested.matcher) == (By.CODE, "matching_money@1")
    assert [one.due for one in fact.parts] == [due]
    # By hand: another due than proposed needs a reason, and the proposal is kept beside it.
    line = {"entry": 2, "parts": [{"due": likely, "amount": 800, "counts": "payment"}]}
    stream = f"statement/{plan.seen.statement}"
    with pytest.raises(Refused) as no:
        office.ask(stream, "match_entry", line, acting(RECONCILER, unit))
    assert no.value.rule is rules.WHY
    office.ask(stream, "match_entry", line | {"reason": "回单"}, acting(RECONCILER, unit))
    bench = office.banking.bench(unit)
    assert [row.no for row in bench.waiting] == [2, 3] and bench.open_money == {"CNY": 150}
    with pytest.raises(banking.NoSuch):
        office.banking.accepting(unit, [by_code.key])
    undo = {"entry": 1, "reason": "付款人不符"}
    office.ask(stream, "undo_match", undo, acting(RECONCILER, unit))
    assert office.book.stream(f"due/{due}").state.status is DueStatus.BILLED
    assert len(office.banking.bench(unit).waiting) == 3


@pytest.mark.target("T95")
def test_a_payment_that_came_back_is_set_aside_with_its_return(office: Office, unit: str) -> None:
    head = HEAD.replace("流水号", "流水号,交易类型")
    lines = (
        "2025-05-06,9.00,,9.00,乙公司,53002,,A1,转账\n"
        "2025-05-07,,9.00,0.00,乙公司,53002,,A2,退汇\n"
        "2025-05-08,9.00,,9.00,乙公司,53002,,A3,转账\n"
    )
    due = owing(office, unit, "D1", 900, f"码{unit}", "乙公司")
    take(office, unit, ("账号: 62170000\n" + head + lines).encode())
    bench = office.banking.bench(unit)
    assert len(bench.waiting) == 3
    (one,) = {each.key: each for each in bench.by_line.values()}.values()
    assert one.finding.kind in (Kind.REPAID, Kind.RETURNED)
    office.ask_many(office.banking.accepting(unit, [one.key]), acting(RECONCILER, unit))
    after = office.banking.bench(unit)
    grounds = [row.held.ground for row in after.rows]
    assert grounds.count(Ground.RETURNED) == 2
    if one.finding.kind is Kind.REPAID:
        assert office.book.stream(f"due/{due}").state.status is DueStatus.PAID
        assert not after.waiting


# Programs and the command line -----------------------------------------------------


def test_a_layout_kept_once_reads_every_later_file_of_the_same_unit(
    office: Office, unit: str
) -> None:
    """No published layout fits the head of this bank's table; the unit says once what is where."""
    door = Door(app_of(office))

    def brought(unit: str, *lines: str) -> Any:
        head = "交易日,贷记（元）,借记（元）,结余,付款方,交易编号\n"
        return door.http.post(
            f"/api/v1/reconciliation/{unit}/statements",
            params={"name": "明细.csv"},
            content=("账号: 6217 0000\n" + head + "".join(lines)).encode("gb18030"),
            headers={"Idempotency-Key": f"kept-{unit}-{len(lines)}-{office.book.head()[0]}"},
            auth=("finance", PASSWORD),
        )

    may, june = "2025-05-06,80.00,,80.00,甲公司,B1\n", "2025-06-06,20.00,,100.00,乙公司,B2\n"
    assert brought(unit, may).status_code == 422
    layout = {"title": "示例农商行", "way": "apart", "booked": "交易日", "income": "贷记（元）"}
    layout |= {"outgo": "借记（元）", "balance": "结余", "party": "付款方", "bank_id": "交易编号"}
    kept = door.post(f"bank/{unit}/keep_layout", layout, who="finance")
    assert kept.status_code == 200, kept.text
    for lines in ((may,), (may, june)):
        answer = brought(unit, *lines)
        assert answer.status_code == 200, answer.text
        assert [one["added"] for one in answer.json()["statements"]] == [1]
    taken = [office.banking.statement(s.statement) for s in office.banking.bank(unit).statements]
    assert [one.layout for one in taken] == ["示例农商行"] * 2
    rows = office.banking.bench(unit).rows
    assert sorted((row.payer, row.held.amount) for row in rows) == [
        ("乙公司", 2000),
        ("甲公司", 8000),
    ]
    # It is this unit's alone.
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    other = f"{unit}x"
    office.ask(f"unit/{other}", "establish", {"name": other, "kind": "organ"}, admin, on=BEFORE)
    account = {"account": "62170000", "bank_name": "示例银行"}
    office.ask(f"bank/{other}", "open_account", account, acting(CLERK, other))
    assert brought(other, may).status_code == 422


def test_the_unmatched_list_is_taken_home_as_csv_and_as_xlsx(office: Office, unit: str) -> None:
    """What waits, with what is suggested for it; what is explained is not in it. Amounts are numbers."""
    due = owing(office, unit, "U1", 123456, "330000202600000019", "甲拍卖行")
    take(office, unit, file_of(*[line.replace("00017", "00019") for line in LINES]))
    fee = {"entry": 3, "ground": "bank_fee", "reason": "手续费"}
    statement = office.banking.bank(unit).statements[0].statement
    office.ask(f"statement/{statement}", "set_aside", fee, acting(RECONCILER, unit))
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == "finance"))
    client = TestClient(create_app(office.settings, office))
    client.cookies.set("session", token)
    text = client.get(f"/bank/{unit}/unmatched.csv").content.decode("utf-8-sig")
    head, first, second = csv.reader(io.StringIO(text))
    assert head == ["账户", "日期", "金额", "对方", "附言", "缴款码", "建议", "应缴款"]
    assert first[:5] == [
        "62170000",
        "2025-05-06",
        "1234.56",
        "甲拍卖行",
        "拍卖款 330000202600000019",
    ]
    assert first[6] and first[7] == due
    assert second[:4] == ["62170000", "2025-05-07", "9.00", "乙公司"] and second[7] == ""
    content = client.get(f"/bank/{unit}/unmatched.xlsx").content
    (sheet,) = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet).to_python()
    assert [len(rows), rows[0], rows[1][2], rows[2][2]] == [3, head, 1234.56, 9]
    assert (rows[1][7], rows[2][3]) == (due, "乙公司")
    english = client.get(f"/bank/{unit}/unmatched.csv", params={"lang": "en"})
    assert english.content.decode("utf-8-sig").startswith("account,day,amount,other party")
    assert client.get("/bank/o_none/unmatched.csv").status_code == 404


@pytest.mark.target("T94", "T95")
def test_a_program_takes_a_file_in_reads_what_is_proposed_and_accepts_it(
    office: Office, unit: str
) -> None:
    due = owing(office, unit, "R1", 123456, "330000202600000018", "甲拍卖行")
    lines = [line.replace("00017", "00018") for line in LINES]
    door = Door(app_of(office))

    def send(path: str, content: bytes, **asked: str) -> Any:
        return door.http.post(
            f"/api/v1/reconciliation/{unit}/{path}",
            params=asked,
            content=content,
            headers={"Idempotency-Key": f"{path}-{len(content)}-{asked}".encode().hex()[:64]},
            auth=("finance", PASSWORD),
        )

    brought = send("statements", file_of(*lines), name="五月.csv")
    assert brought.status_code == 200, brought.text
    assert [one["added"] for one in brought.json()["statements"]] == [3]
    assert [
        one["added"]
        for one in send("statements", file_of(*lines), name="again").json()["statements"]
    ] == [0]
    broken = send("statements", file_of(lines[0], lines[2]))
    assert (broken.status_code, broken.json()["type"].rsplit("/", 1)[-1]) == (
        422,
        "statement-not-taken",
    )
    told = door.get(f"reconciliation/{unit}", who="finance").json()
    assert (told["entries_in_all"], told["explained"], told["open"]) == (3, 0, {"CNY": 124406})
    first = next(one for one in told["proposals"] if one["dues"] == [due])
    assert (first["by"], first["kind"], first["settled"]) == ("code", "whole", True)
    assert send("accept", b"", keys="nothing.1").status_code == 409
    answer = send("accept", b"", keys="settled")
    assert answer.json()["recorded"] == 1, answer.text
    assert office.book.stream(f"due/{due}").state.status is DueStatus.PAID
    # By hand, as any other step; nothing was proposed, so it says why.
    statement = told["entries"][0]["statement"]
    form = {"entry": 3, "ground": "bank_fee", "reason": "手续费"}
    assert door.post(f"statement/{statement}/set_aside", form, who="finance").status_code == 200
    undone = {"entry": 1, "reason": "误"}
    assert door.post(f"statement/{statement}/undo_match", undone, who="finance").status_code == 200
    assert door.get("reconciliation/o_none", who="finance").status_code == 404


@pytest.mark.target("T98")
def test_a_month_is_imported_matched_undone_and_closed_on_the_command_line(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database
    with staffed(url, on=BEFORE) as office:
        account = {"account": "62170000", "bank_name": "示例银行"}
        office.ask("bank/o_a", "open_account", account, CLERK)
        due = owing(office, "o_a", "C1", 123456, "330000202600000017", "甲拍卖行")
    (tmp_path / "s.csv").write_bytes(file_of(*LINES))
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    monkeypatch.setenv("GONGWU_LANG", "en")
    monkeypatch.chdir(tmp_path)

    def run(line: str, *, code: int = 0) -> str:
        result = CliRunner().invoke(cli.app, ["--database", url, *shlex.split(line)])
        assert result.exit_code == code, result.output
        return result.output

    mine = "--unit o_a --as accountant"
    assert "3 entries in the file, 3 new" in run(f"statement import s.csv {mine}")
    assert "3 entries in the file, 0 new" in run(f"statement import s.csv {mine}")
    assert "1 proposals recorded, 2 entries wait" in run(f"statement match s.csv --record {mine}")
    listed = json.loads(run("statement waiting --unit o_a --json"))
    two, three = (entry["ref"] for entry in listed["entries"])
    until = "--until 2025-05-08"
    assert "neither matched nor set aside" in run(
        f"statement close 62170000 {until} {mine}", code=1
    )
    first = two.replace(".2", ".1")
    run(f"statement undo {first} --reason wrong --as accountant")
    run(f"statement match s.csv --record {mine}")
    for ref in (two, three):
        id_, _, no = ref.rpartition(".")
        run(
            f"do statement/{id_} set_aside --as accountant --entry {no} --ground other_business --reason x"
        )
    assert "is agreed until 2025-05-08" in run(f"statement close 62170000 {until} {mine}")
    assert "stays; put it right" in run(
        f"statement undo {first} --reason late --as accountant", code=1
    )
    with contextlib.closing(Office.open(Settings(database=url))) as office:
        assert office.book.stream(f"due/{due}").state.status is DueStatus.PAID
