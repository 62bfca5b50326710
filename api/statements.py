"""Bank statements at the doors: their entries as lines to match, and lists of what is owed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from api.reading_bank_tables import Layout
from api.reading_bank_values import Statement, minor
from api.reading_bytes import Source, name_of
from api.reading_problems import Problem, Unreadable, refuse
from api.reading_text import Column, Row, Table, table
from api.reading_values import day
from projections.money_terms import Finding, Line, Owed

LAYOUT_BYTES_MAX: Final = 64 * 1024
OWED: Final[tuple[Column, ...]] = (
    ("id", "编号"),
    ("amount", "金额", "应收金额"),
    ("since", "应收日期", "日期"),
)
NAMED: Final = {
    "unit": ("unit", "单位", "执收单位"),
    "currency": ("currency", "币种"),
    "code": ("code", "缴款码", "缴款识别码"),
    "voucher": ("voucher", "凭证号", "缴款书号"),
    "payer": ("payer", "付款人", "缴款人"),
    "payer_account": ("payer_account", "付款账户", "付款账号"),
}


def layout_of(source: Source) -> Layout:
    """Return a layout that an office saved as JSON; raise `Unreadable`."""
    name = name_of(source, None)
    content = source if isinstance(source, bytes) else source.read_bytes()
    try:
        if len(content) > LAYOUT_BYTES_MAX:
            raise ValueError("too large")
        return msgspec.json.decode(content, type=Layout)
    except (msgspec.DecodeError, ValueError) as error:
        raise refuse(
            name,
            "bad-layout",
            f"格式说明有误：{error}",
            f"The layout is not right: {error}",
        ) from error


def lines(found: Iterable[Statement], unit: str = "") -> list[Line]:
    """Return the entries of statements of one unit's accounts as lines, those said twice once."""
    made = {
        entry.id: Line(
            id=entry.id,
            amount=entry.minor,
            booked=entry.booked,
            unit=unit,
            currency=statement.currency,
            references=entry.references,
            text=" ".join(filter(None, (entry.text, entry.code))),
            payer=entry.party,
            payer_account=entry.party_account,
            returned=entry.returned,
        )
        for statement in found
        for entry in statement.entries
    }
    return list(made.values())


def dues(source: Source, unit: str = "", currency: str = "CNY") -> list[Owed]:
    """Read a list of what is owed; columns may be named in either language. Raise `Unreadable`."""
    found = table(source, OWED)
    at = {column: n for n, column in enumerate(found.header)}
    problems = list(found.problems)
    made: dict[str, Owed] = {}
    for row in found.rows:
        one = _owed(found, row, at, problems, unit, currency)
        if one is not None and one.id in made:
            problems.append(_wrong(found, row, "编号重复", "The id is there twice", one.id))
        elif one is not None:
            made[one.id] = one
    if problems:
        raise Unreadable(problems)
    return list(made.values())


def _owed(
    found: Table, row: Row, at: dict[str, int], problems: list[Problem], unit: str, currency: str
) -> Owed | None:
    def cell(*names: str) -> str:
        column = next((name for name in names if name in at), "")
        return row.cells[at[column]].strip() if column else ""

    id_, amount, since = (cell(*names) for names in OWED)
    told = {name: cell(*names) for name, names in NAMED.items()}
    held = told["currency"] or currency
    try:
        owed, on = minor(amount.replace(",", ""), held), day(since)
        if not id_ or owed <= 0:
            raise ValueError(id_)
    except ValueError:
        problems.append(
            _wrong(
                found,
                row,
                "编号、金额或应收日期有误",
                "Id, amount or day is wrong",
                f"{id_}, {amount}, {since}",
            )
        )
        return None
    return Owed(
        id=id_,
        amount=owed,
        since=on,
        unit=told["unit"] or unit,
        currency=held,
        codes=tuple(told["code"].split()),
        vouchers=tuple(told["voucher"].split()),
        payer=told["payer"],
        payer_account=told["payer_account"],
    )


def _wrong(found: Table, row: Row, zh: str, en: str, what: str) -> Problem:
    shown = what[:60]
    return Problem(
        found.file, row.evidence.line, 0, "bad-due", f"{zh}：“{shown}”。", f"{en}: “{shown}”."
    )


def said(finding: Finding) -> dict[str, Any]:
    """Return a finding as programs read it."""
    return {
        "kind": finding.kind.value,
        "by": finding.by.value,
        "settled": finding.settled,
        "lines": finding.lines,
        "dues": finding.dues,
        "parts": [msgspec.to_builtins(part) for part in finding.parts],
        "agreed": finding.agreed,
        "differs": finding.differs,
        "others": finding.others,
    }
