"""The one table of all lists: which columns, in which order, sorted by what, and to take home.

A page declares its list once; the columns somebody chose, the views they named, the links that
sort, and the files that hold exactly what is shown follow from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.responses import Response

from api import pages_export
from api.kept_lists import QUERY_CHARS_MAX, View
from api.pages_view import Page
from domain.words import Words

EVERY: Final = "all"  # in place of names: every column there is
UNKEPT: Final = frozenset({"after", "lang", "done", "view"})  # no part of a view


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. `sorts`: the list can be sorted by it. `apart`: only shown when it is chosen."""

    name: str
    words: Words
    num: bool = False
    wide: bool = False  # left out on a narrow screen, unless somebody chose it
    sorts: bool = False
    apart: bool = False
    now: bool = False  # there is none on a past day


class List(msgspec.Struct, frozen=True, kw_only=True):
    """One list: its address, its name and its columns; the first leads to the row's own page."""

    path: str
    title: Words
    columns: tuple[Column, ...]
    sort: str = ""
    descending: bool = False
    files: str = ""  # where it is taken home, when that is not its own address

    @property
    def taken(self) -> str:
        """Return the address of its files, without their ending."""
        return self.files or self.path

    @property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def usual(self) -> tuple[str, ...]:
        """Return the columns everybody sees who chose none."""
        return tuple(column.name for column in self.columns if not column.apart)


LISTS: Final[dict[str, List]] = {}


def declared(one: List) -> List:
    """Make a list known, so that choices for it can be kept."""
    LISTS[one.path] = one
    return one


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a column: what it is called, and where the list is sorted by it."""

    column: Column
    words: str
    url: str = ""
    sorted: str = ""  # ascending, descending, or empty

    @property
    def css(self) -> str:
        """Return the classes of the column's cells."""
        return " ".join(
            name for name, on in (("num", self.column.num), ("wide", self.column.wide)) if on
        )


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A list as one reader sees it now."""

    list: List
    heads: tuple[Head, ...]
    others: tuple[Column, ...]  # that could be chosen
    chosen: bool  # columns other than the usual ones
    named: str  # columns as the address says them; empty: it does not
    sort: str
    descending: bool
    views: tuple[View, ...] = ()
    mine: str = ""  # who looks
    query: str = ""  # what a view of this would be

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(head.column for head in self.heads)

    @property
    def names(self) -> str:
        """Return the columns as an address says them."""
        return ",".join(column.name for column in self.columns)


def shown(page: Page, list_: List, *, past: bool = False, sorts: bool = True) -> Shown:
    """Return how the reader sees a list: the address says first, then their choice, then ours.

    `sorts`: whether it can be sorted now; a list too long to be worked out whole cannot.
    """
    given = page.request.query_params
    said = given.get("columns", "")[:QUERY_CHARS_MAX]
    there = {name: column for name, column in list_.by_name.items() if not (past and column.now)}
    kept = page.office.kept.columns(page.actor.person, list_.path)
    wanted: Sequence[str]
    if said == EVERY:
        wanted = tuple(there)
    else:
        wanted = [n for n in dict.fromkeys(said.split(",")) if n in there]
        wanted = wanted or [n for n in kept if n in there] or [n for n in list_.usual if n in there]
    first = list_.columns[0].name  # by which a row is opened
    names = [first, *(name for name in wanted if name != first)]
    chosen = tuple(names) != tuple(n for n in list_.usual if n in there)
    sort = given.get("sort", "")
    by_default = not (sorts and sort in there and there[sort].sorts)
    sort = list_.sort if by_default else sort
    order = given.get("order", "")
    descending = order == "desc" if order in ("asc", "desc") or not by_default else list_.descending
    heads = []
    for name in names:
        column = there[name]
        if chosen and column.wide:  # who chose it wants it on every screen
            column = msgspec.structs.replace(column, wide=False)
        mine = name == sort
        turned = "asc" if mine and descending else "desc" if mine else None
        heads.append(
            Head(
                column=column,
                words=capital(page.words(column.words)),
                url=page.url(sort=name, order=turned, after=None) if sorts and column.sorts else "",
                sorted=("descending" if descending else "ascending") if mine else "",
            )
        )
    return Shown(
        list=list_,
        heads=tuple(heads),
        others=tuple(column for name, column in there.items() if name not in names),
        chosen=chosen,
        named=said,
        sort=sort,
        descending=descending,
        views=tuple(page.office.kept.views(page.actor.person, page.actor.unit, list_.path)),
        mine=page.actor.person,
        query=query_of(page.request.url.query, columns=",".join(names) if chosen else ""),
    )


def query_of(query: str, *, columns: str = "") -> str:
    """Return the questions of an address that a view keeps."""
    pairs = [
        (name, value)
        for name, value in parse_qsl(query)
        if name not in UNKEPT and name != "columns"
    ]
    return urlencode(pairs + ([("columns", columns)] if columns else []))


def capital(text: str) -> str:
    """Return a heading; English ones begin with a capital."""
    return f"{text[:1].upper()}{text[1:]}"


# To take home -----------------------------------------------------------------


def rows_of(
    shown: Shown, rows: Iterable[Any], cell: Callable[[Any, str], Any]
) -> Iterator[list[Any]]:
    """Yield the heads and the cells of every row: the columns shown, in their order."""
    yield [head.words for head in shown.heads]
    names = [column.name for column in shown.columns]
    for row in rows:
        yield [cell(row, name) for name in names]


def every(fetch: Callable[[str | None], tuple[Sequence[Any], str]]) -> Iterator[Any]:
    """Yield every row of a list that comes a page at a time; `fetch` gives a page and the cursor."""
    after: str | None = None
    while True:
        rows, after = fetch(after)
        yield from rows
        if not after:
            return


def file(ending: str, name: str, title: str, rows: Iterable[Iterable[Any]]) -> Response:
    """Return a table as CSV or XLSX under a plain name."""
    return pages_export.kept(pages_export.pieces(rows, title, ending), name, ending)
