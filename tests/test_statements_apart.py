"""Statements that are not like the others: workbooks read in a process of their own, pages, Latin-1."""

from __future__ import annotations

import io
import random
from datetime import date

import pytest
import xlsxwriter
from doors import staffed

from api import city_bank, reading_apart, reading_bank, reading_sheets
from api.office import Actor
from api.reading_problems import Unreadable
from domain.due import DueStatus
from domain.statement import Ground, Kind


def workbook(rows: list[list[object]]) -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return held.getvalue()


def test_a_workbook_is_read_apart_as_it_would_be_here() -> None:
    content = workbook([["日期", "收入"], ["2026-05-06", 77.21]])
    assert reading_apart.rows(content, "s.xlsx") == reading_sheets.rows(content, "s.xlsx")
    with pytest.raises(Unreadable) as here:
        reading_sheets.rows(content[:200], "s.xlsx")
    with pytest.raises(Unreadable) as apart:
        reading_apart.rows(content[:200], "s.xlsx")
    assert apart.value.problems == here.value.problems


@pytest.mark.target("T94")
def test_a_workbook_that_takes_too_much_is_refused_and_we_go_on() -> None:
    chance = random.Random(1)
    content = workbook([[chance.random() for _ in range(20)] for _ in range(6_000)])
    assert len(reading_apart.rows(content, "s.xlsx")) == 6_000
    with pytest.raises(Unreadable) as no:
        reading_apart.rows(content, "s.xlsx", memory_bytes=40_000_000)
    assert [each.slug for each in no.value.problems] == ["workbook-too-costly"]


def page(number: int, last: bool, *within: str) -> str:
    return (
        "<Stmt><Id>S1</Id><StmtPgntn>"
        f"<PgNb>{number}</PgNb><LastPgInd>{str(last).lower()}</LastPgInd></StmtPgntn>"
        "<ElctrncSeqNb>7</ElctrncSeqNb><Acct><Id><Othr><Id>6217</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
        + "".join(within)
        + "</Stmt>"
    )


def balance(code: str, amount: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-05-06</Dt></Dt></Bal>"
    )


def entry(reference: str, amount: str) -> str:
    return (
        f"<Ntry><NtryRef>{reference}</NtryRef><Amt Ccy='EUR'>{amount}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-05-06</Dt></BookgDt></Ntry>"
    )


def message(*pages: str) -> bytes:
    head = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.04"><BkToCstmrStmt>'
    return f"{head}{''.join(pages)}</BkToCstmrStmt></Document>".encode()


FIRST = page(1, False, balance("OPBD", "1.00"), balance("ITBD", "3.00"), entry("A1", "2.00"))
SECOND = page(2, True, balance("ITBD", "3.00"), balance("CLBD", "7.00"), entry("A2", "4.00"))


@pytest.mark.target("T94")
def test_the_pages_of_a_statement_are_joined_or_the_missing_one_is_named() -> None:
    (found,) = reading_bank.statements(message(SECOND, FIRST))
    assert (found.opening, found.closing, found.total) == (100, 700, 600)
    assert [each.references for each in found.entries] == [("A1",), ("A2",)]
    for alone in (FIRST, SECOND):
        with pytest.raises(Unreadable) as no:
            reading_bank.statements(message(alone))
        assert [each.slug for each in no.value.problems] == ["page-missing"]


@pytest.mark.target("T94")
def test_mt940_in_latin_1_is_read_as_it_was_written() -> None:
    text = (
        ":20:X\r\n:25:DE1/6217\r\n:28C:1/1\r\n:60F:C260505EUR1,00\r\n"
        ":61:2605060506C2,00NTRFNONREF\r\n:86:Müller Straße\r\n:62F:C260506EUR3,00\r\n-\r\n"
    )
    (plain,) = reading_bank.statements(text.encode())
    (latin,) = reading_bank.statements(text.encode("latin-1"))
    assert "Müller Straße" in latin.entries[0].text
    assert [each.id for each in latin.entries] == [each.id for each in plain.entries]


def test_the_example_city_s_month_shows_every_sort_of_entry(database: str) -> None:
    with staffed(database, on=date(2025, 1, 1)) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for unit, name in ((city_bank.UNIT, "示例市教育局"), ("o_ex_fin", "示例市财政局")):
            form = {"name": name, "kind": "organ"}
            office.ask(f"unit/{unit}", "establish", form, admin, on=date(2025, 1, 1))
        city_bank.take(office)
        assert city_bank.taken(office.book)
        size = office.book.head()[0]
        city_bank.take(office)  # again after an interruption: nothing twice
        assert office.book.head()[0] == size
        bench = office.banking.bench(city_bank.UNIT)
        grounds = {row.held.ground for row in bench.rows if row.held.ground}
        assert grounds == {Ground.FEE, Ground.INTEREST, Ground.RETURNED}
        assert any(len(row.held.parts) == 2 for row in bench.rows)  # one for several notices
        kinds = {one.finding.kind for one in bench.proposed}
        assert {Kind.SHORT, Kind.WHOLE, Kind.UNKNOWN} <= kinds
        assert office.book.stream("due/EXB-06").state.status is DueStatus.PAID
