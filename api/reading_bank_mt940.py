"""Read SWIFT MT940 statements.

The library `mt-940` reads the fields; the order of the fields is held here, because it takes them
in any order and the last of two wins: a file that lost a line would then look like a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec
from mt940.models import Transactions
from mt940.options import Options

from api.reading_bank_values import (
    AMOUNT,
    DAY,
    ENTRIES_MAX,
    Entry,
    Proof,
    Statement,
    bad,
    distinct,
    first,
    minor,
)
from api.reading_problems import Problem, refuse

TAG: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):")
ORDER: Final = re.compile(
    r"(?:13D? )?20 (?:13D? )?(?:21 )?25P? 28C? (?:NS )?60[FM] (?:(?:61 (?:86 )*)|NS )*"
    r"62[FM] (?:64 )?(?:65 )*(?:86 )*(?:NS )?"
)
MARK: Final = re.compile(
    r"[0-9]{6}(?:[0-9]{4}|\s{4})?(R?[DC])[A-Z]?[\n ]?([0-9,]+)([A-Z][A-Z0-9 ]{3})?"
)
BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]{1,15}(?:,[0-9]{0,3})?)")
RETURNED: Final = frozenset({"108", "109", "159", "181", "182", "183", "184"})
"""Codes of the German banks for payments that came back (DFÜ agreement, annex 3)."""


class _Field(msgspec.Struct, frozen=True):
    tag: str
    text: str
    line: int


def statements(text: str, file: str) -> tuple[list[Statement], list[Problem]]:
    """Return the statements of a file and what is wrong in them; raise `Unreadable`."""
    found: list[Statement] = []
    wrong: list[Problem] = []
    blocks = list(_blocks(text))
    if sum(1 for block in blocks for each in block if each.tag == "61") > ENTRIES_MAX:
        raise refuse(
            file,
            "too-many-entries",
            f"超过 {ENTRIES_MAX} 笔，请按期间分次下载。",
            f"More than {ENTRIES_MAX} entries; download shorter periods.",
        )
    for block in blocks:
        before = len(wrong)
        if not ORDER.fullmatch("".join(f"{each.tag} " for each in block)):
            wrong.append(_out_of_order(file, block))
            continue
        statement = _statement(file, block, wrong)
        if statement is not None and len(wrong) == before:
            found.append(statement)
    if not blocks:
        raise refuse(file, "no-statement", "文件中没有对账单。", "The file holds no statement.")
    return found, wrong


def _blocks(text: str) -> Iterator[list[_Field]]:
    """Cut into statements, each beginning with `:20:`; envelopes and separators fall away."""
    block: list[_Field] = []
    lines: list[str] = []
    tag, began, inside = "", 0, False

    def closed() -> None:
        if tag and inside:
            block.append(_Field(tag, "\n".join(lines).strip(), began))

    for number, line in enumerate(text.splitlines(), 1):
        match = TAG.match(line)
        if match is not None:
            closed()
            if (match[1] == "20" and inside and any(f.tag == "20" for f in block)) or (
                not inside and block
            ):
                yield block
                block = []
            tag, began, lines, inside = match[1], number, [line[match.end() :]], True
        elif re.fullmatch(r"-(?:XXX|\})?\s*", line):
            closed()
            tag, inside = "", False
        elif inside:
            lines.append(line)
    closed()
    if block:
        yield block


def _out_of_order(file: str, block: list[_Field]) -> Problem:
    tags = " ".join(each.tag for each in block[:12])
    return Problem(
        file,
        block[0].line,
        0,
        "broken-statement",
        f"对账单不完整或字段次序有误（读到 {tags}），期初、发生额、期末须依次齐全。未导入。",
        f"The statement is incomplete or its fields are out of order ({tags}): opening, entries "
        "and closing must follow one another. Nothing was taken.",
    )


def _statement(file: str, block: list[_Field], wrong: list[Problem]) -> Statement | None:
    held = {each.tag[:2]: each for each in block}
    opening, closing = (_balance(file, held[tag], wrong) for tag in ("60", "62"))
    if opening is None or closing is None:
        return None
    if opening[1] != closing[1]:
        wrong.append(
            Problem(
                file,
                held["62"].line,
                0,
                "several-currencies",
                f"期初与期末币种不同：{opening[1]}、{closing[1]}。未导入。",
                f"Opening and closing differ in currency: {opening[1]}, {closing[1]}. "
                "Nothing was taken.",
            )
        )
        return None
    account = held["25"].text.splitlines()[0].strip() if held["25"].text else ""
    bank, slash, number = account.rpartition("/")
    return Statement(
        kind="mt940",
        account=number if slash else account,
        bank=bank,
        currency=opening[1],
        opening=opening[0],
        closing=closing[0],
        since=opening[2],
        until=closing[2],
        sequence=held["28"].text,
        reference=held["20"].text,
        entries=tuple(_entries(file, block, opening[1], wrong)),
        proof=Proof.BALANCES,
        file=file,
        line=block[0].line,
    )


def _balance(file: str, of: _Field, wrong: list[Problem]) -> tuple[int, str, date] | None:
    match = BALANCE.fullmatch(of.text)
    try:
        if match is None:
            raise ValueError(of.text)
        amount = minor(match[4].replace(",", "."), match[3])
        year = int(match[2][:2])
        on = date((1900 if year >= 80 else 2000) + year, int(match[2][2:4]), int(match[2][4:6]))
    except ValueError:
        wrong.append(bad(file, of.line, "bad-balance", ("余额", "A balance"), of.text))
        return None
    return (amount if match[1] == "C" else -amount), match[3], on


def _entries(
    file: str, block: list[_Field], currency: str, wrong: list[Problem]
) -> Iterator[Entry]:
    """Read each line with its explanations; one that cannot be read is a problem of the file."""
    for at, each in enumerate(block):
        if each.tag != "61":
            continue
        told = []
        for following in block[at + 1 :]:
            if following.tag != "86":
                break
            told.append(following.text)
        mark = MARK.match(each.text)
        try:
            if mark is None:
                raise ValueError(each.text)
            amount = minor(mark[2].replace(",", "."), currency)
        except ValueError:
            wrong.append(bad(file, each.line, "bad-amount", AMOUNT, each.text))
            continue
        amount = amount if mark[1] in ("C", "RD") else -amount
        try:
            said = _fields(each.text, told)
            booked, valued = _day(said.get("entry_date")), _day(said.get("date"))
        # What the library raises differs by field; all of it means that the line is none.
        except (RuntimeError, ValueError, ArithmeticError, LookupError, TypeError):
            wrong.append(bad(file, each.line, "bad-day", DAY, each.text))
            continue
        yield _entry(each, mark, amount, booked or valued or date.min, valued, said, told)


def _fields(line: str, told: list[str]) -> dict[str, Any]:
    """Return what `mt-940` makes of one line and what explains it."""
    read = Transactions(options=Options.all())
    read.parse("\n".join([f":61:{line}", *(f":86:{each}" for each in told)]))
    return dict(read.transactions[0].data)


def _day(found: Any) -> date | None:
    return date(found.year, found.month, found.day) if found is not None else None


def _entry(
    of: _Field,
    mark: re.Match[str],
    amount: int,
    booked: date,
    valued: date | None,
    said: dict[str, Any],
    told: list[str],
) -> Entry:
    code = str(said.get("transaction_code") or "")
    swift = (mark[3] or "").strip()
    tagged = _slashed("".join(told).replace("\n", ""))
    party = first(said.get("applicant_name"), tagged.get("NAME"))
    text = first(said.get("purpose"), tagged.get("REMI")) or "\n".join(map(_unwrapped, told))
    bank_id = str(said.get("bank_reference") or "").strip()
    return Entry(
        booked=booked,
        value_date=valued,
        minor=amount,
        amount=("" if amount >= 0 else "-") + mark[2].replace(",", "."),
        references=distinct(
            [
                str(said.get(key) or "").partition("MTLG:")[0].strip()
                for key in ("customer_reference", "end_to_end_reference", "extra_details")
            ]
            + [tagged.get("EREF", "")]
        ),
        party=party.strip(),
        party_account=first(said.get("applicant_iban"), tagged.get("IBAN")).strip(),
        code=first(code, swift),
        text=text.strip(),
        bank_id="" if bank_id == "NONREF" else bank_id,
        returned=mark[1][0] == "R" or swift.endswith("RTI") or code in RETURNED,
        line=of.line,
    )


def _unwrapped(text: str) -> str:
    """Join lines: one of 65 characters was cut by the format, a shorter one by whoever wrote it."""
    lines = text.split("\n")
    return "".join(line + ("" if len(line) >= 65 else " ") for line in lines).strip()


def _slashed(text: str) -> dict[str, str]:
    """Return `/NAME/…/REMI/…` as the Dutch banks write it; empty for any other text."""
    parts = re.split(r"/(NAME|REMI|EREF|IBAN|BENM|ISDT|ORDP|CNTP|MARF|CSID)/", text)
    return {key: value.strip("/ ") for key, value in zip(parts[1::2], parts[2::2], strict=False)}
