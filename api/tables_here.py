"""Lists whose rows are all at hand: sorted by what stands in their cells, shown a part at a time.

A list that the database sorts and pages needs none of this; one that is worked out (who has which
role today, what nobody buys) has no column to sort by but what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import tables
from api.pages_sign import Member
from api.pages_view import Page
from api.tables import List, Shown

ROWS: Final = 100

Cell = Callable[[Any, str], Any]
Taken = tuple[Shown, Iterable[Any], Cell]


def rank(value: Any) -> tuple[int, int, str]:
    """Return by what a cell is sorted: what is not known first, then numbers, then words."""
    if value is None or value == "":
        return (0, 0, "")
    return (1, int(value), "") if isinstance(value, int) else (2, 0, str(value))


def ordered(shown: Shown, rows: Iterable[Any], cell: Cell) -> list[Any]:
    """Return the rows by the column that is asked for; without one as they came."""
    name = shown.sort
    if not name:
        return list(rows)
    return sorted(rows, key=lambda row: rank(cell(row, name)), reverse=shown.descending)


def part(
    page: Page, rows: Sequence[Any], key: Callable[[Any], str], size: int = ROWS
) -> tuple[Sequence[Any], str]:
    """Return the rows of this page, and the key after which the next begins; empty: nowhere."""
    after, start = page.request.query_params.get("after", ""), 0
    if after:
        start = next((n for n, row in enumerate(rows, start=1) if key(row) == after), 0)
        if not start:
            raise HTTPException(404)
    some = rows[start : start + size]
    return some, key(some[-1]) if len(rows) > start + size else ""


def files(
    pages: APIRouter,
    of: List,
    taken: Callable[[Page], Taken],
    whole: Callable[[Page], Iterable[Iterable[Any]]] | None = None,
) -> None:
    """Add a list as CSV and XLSX: what is shown.

    `whole` answers those who say nothing of columns, as programs do: all there are, with the ids.
    """

    def answer(page: Page, ending: str) -> Response:
        name, title = of.taken.rpartition("/")[2], page.words(of.title)
        if whole is not None and not page.request.query_params.get("columns"):
            return tables.file(ending, name, title, whole(page))
        shown, rows, cell = taken(page)
        return tables.file(ending, name, title, tables.rows_of(shown, rows, cell))

    def as_csv(page: Member) -> Response:
        return answer(page, "csv")

    def as_xlsx(page: Member) -> Response:
        return answer(page, "xlsx")

    pages.add_api_route(f"{of.taken}.csv", as_csv, methods=["GET"], response_model=None)
    pages.add_api_route(f"{of.taken}.xlsx", as_xlsx, methods=["GET"], response_model=None)
