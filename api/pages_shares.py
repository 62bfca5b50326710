"""Whose money is whose on the page of a case: each unit's share of a lot, two sides of an exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.pages_telling import money
from api.pages_view import Page
from domain.apportioning import owner
from domain.disposal import Disposal
from domain.exchanging import Exchange, Side
from domain.words import Words

SHARES = Words("各单位份额", "Share of each unit")
HEADS = (
    Words("单位", "Unit"),
    Words("件数", "Items"),
    Words("所得", "Proceeds"),
    Words("费用", "Costs"),
    Words("应缴", "Due"),
    Words("已缴", "Remitted"),
)
TOTAL = Words("合计", "Total")
APPRAISED = Words("两方评估与补价", "Appraisals and balance")
SIDES = (Words("项目", "What"), Words("金额", "Amount"))
BALANCE = Words("补价（{payer}支付）", "balance (paid by {payer})")


def panel(page: Page, state: Any) -> dict[str, Any] | None:
    """Return a table as the template draws it: heads, rows and the last row; None for others."""
    match state:
        case Disposal() if state.owners:
            return of_lot(page, state)
        case Exchange() if state.appraisals:
            return of_exchange(page, state)
        case _:
            return None


def of_lot(page: Page, case: Disposal) -> dict[str, Any]:
    """Return what the things of each unit brought, cost, owe and paid."""

    def said(amount: int | None) -> str:
        return "—" if amount is None else money(amount, case.currency, page.lang)

    listed = case.approved or case.proposed
    units = sorted({owner(case, asset) for asset in listed})
    rows = [
        [
            *(page.name_of("unit", unit), str(sum(owner(case, a) == unit for a in listed))),
            *figures(
                said,
                case.earned.get(unit) if case.executed else None,
                case.due_by.get(unit),
                case.remitted_by.get(unit, 0) if case.due_by else None,
            ),
        ]
        for unit in units
    ]
    total = figures(
        said,
        sum(case.earned.values()) if case.executed else None,
        sum(case.due_by.values()) if case.due_by else None,
        sum(case.remitted_by.values()) if case.due_by else None,
    )
    return table(page, SHARES, HEADS, rows, [page.words(TOTAL), str(len(listed)), *total])


def figures(
    said: Any, gross: int | None, due: int | None, remitted: int | None
) -> tuple[str, str, str, str]:
    """Return proceeds, costs, what is due and what was remitted in words."""
    costs = gross - due if gross is not None and due is not None else None
    return said(gross), said(costs), said(due), said(remitted)


def of_exchange(page: Page, case: Exchange) -> dict[str, Any]:
    """Return what each side is worth and who pays which balance."""
    rows = [
        [page.words(side.words), money(case.appraisals[side], "CNY", page.lang)]
        for side in Side
        if side in case.appraisals
    ]
    last: list[str] = []
    if case.payer is not None:
        what = page.words(BALANCE).format(payer=page.words(case.payer.words))
        last = [what, money(case.boot, "CNY", page.lang)]
    return table(page, APPRAISED, SIDES, rows, last)


def table(
    page: Page, title: Words, heads: Sequence[Words], rows: list[list[str]], last: list[str]
) -> dict[str, Any]:
    """Return a table in words."""
    return {
        "title": page.words(title),
        "heads": [page.words(head) for head in heads],
        "rows": rows,
        "last": last,
    }
