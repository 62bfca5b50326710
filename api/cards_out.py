"""Asset cards to take home, in the columns in which they are sent in: what goes out comes back as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from api import importing_cards
from api.card_columns import BY_NAME, COLUMNS, Column
from api.importing_cards import HELD_AS
from api.office import Office
from api.pages_export import Amount, pieces
from api.wanting import plain
from domain.asset import Book
from domain.decider import Lang
from domain.words import Term, Words, in_words
from projections import inventory
from projections.scope import Filters, Scope, cursor

TITLE: Final = Words("资产卡片", "Asset cards")
PAGE_ROWS: Final = 2_000
# What no list holds is left out; it is taken in all the same.
LEFT_OUT: Final = frozenset({"voucher", "net", "class_name", "department", "other"})
OUT: Final[tuple[Column, ...]] = tuple(c for c in COLUMNS if c.name not in LEFT_OUT)
SHOWN: Final[dict[str, type[Term]]] = {"book": Book}


class Naming:
    """Says units, places and people so that they are found again: by name, or by id where that is not enough."""

    def __init__(self, office: Office, lang: Lang) -> None:
        self.office = office
        self.lang: Lang = lang
        self.known = importing_cards.names(office)
        self.said: dict[tuple[str, str, str], str] = {}

    def unit(self, id_: str) -> str:
        """Return what a unit is called; its id where it shares the name; empty where it is unknown."""
        key = ("unit", "", id_)
        if id_ and key not in self.said:
            name = self.office.called(id_, self.lang)
            named = self.known.units.get(plain(name)) == id_
            self.said[key] = name if named else id_ if id_ in self.known.units else ""
        return self.said.get(key, "")

    def place(self, id_: str, unit: str) -> str:
        """Return what a place is called in a unit."""
        key = ("place", unit, id_)
        if id_ and key not in self.said:
            places = self.known.places
            name = self.office.called(id_, self.lang)
            found = places.get((unit, plain(name))) or places.get(("", plain(name)))
            known = places.get((unit, id_)) or places.get(("", id_))
            self.said[key] = name if found == id_ else id_ if known == id_ else ""
        return self.said.get(key, "")

    def person(self, id_: str) -> str:
        """Return what a person is called; the id where they share the name or have none."""
        key = ("person", "", id_)
        if id_ and key not in self.said:
            name = self.office.accounts.name_of(id_, self.lang)
            self.said[key] = name if self.known.people.get(plain(name)) == id_ else id_
        return self.said.get(key, "")


def cells(row: Any, naming: Naming) -> list[Any]:
    """Return a row of the inventory as a row of a sheet of cards."""
    return [cell(column, row, naming) for column in OUT]


def cell(column: Column, row: Any, naming: Naming) -> Any:
    """Return one cell: names for ids, words for choices, money as an amount."""
    value = row[HELD_AS.get(column.name, column.name)]
    if column.holds == "money":
        return None if value is None else Amount(value)
    choice = column.choice or SHOWN.get(column.name)
    if choice is not None:
        return in_words(choice(value).words, naming.lang) if value else ""
    if column.holds == "unit":
        return naming.unit(value)
    if column.holds == "place":
        return naming.place(value, row["accounting_unit"])
    if column.holds == "person":
        return naming.person(value)
    return value


def heads(lang: Lang) -> list[str]:
    """Return the headings."""
    return [in_words(column.words, lang) for column in OUT]


def rows(
    office: Office, scope: Scope, lang: Lang, filters: Filters | None = None
) -> Iterator[list[Any]]:
    """Yield the headings and every card of the books, as far as somebody may see it."""
    naming = Naming(office, lang)
    yield heads(lang)
    yield from (cells(row, naming) for row in every(office, scope, filters or Filters(book="any")))


def every(office: Office, scope: Scope, filters: Filters) -> Iterator[Any]:
    """Yield every row of the inventory that has a card."""
    after: str | None = None
    while True:
        query = inventory.listing(scope, filters, after=after, limit=PAGE_ROWS)
        found = office.rows(query)
        yield from (row for row in found if row["asset_no"])
        if len(found) < PAGE_ROWS:
            return
        after = cursor(found[-1], filters)


def of(office: Office, scope: Scope, ids: Iterable[str], lang: Lang) -> dict[str, list[Any]]:
    """Return the cells of some cards, by id."""
    naming = Naming(office, lang)
    wanted = sorted(set(ids))
    found: dict[str, list[Any]] = {}
    for start in range(0, len(wanted), PAGE_ROWS):
        query = inventory.whole(scope, wanted[start : start + PAGE_ROWS])
        found |= {row["id"]: cells(row, naming) for row in office.rows(query)}
    return found


def pieces_of(
    office: Office, scope: Scope, lang: Lang, ending: str, filters: Filters | None = None
) -> Iterator[bytes]:
    """Yield the cards as a file, `csv` or `xlsx`, piece by piece."""
    return pieces(rows(office, scope, lang, filters), in_words(TITLE, lang), ending)


def file_of(
    office: Office, scope: Scope, lang: Lang, ending: str, filters: Filters | None = None
) -> bytes:
    """Return the cards as a file, `csv` or `xlsx`."""
    return b"".join(pieces_of(office, scope, lang, ending, filters))


assert set(SHOWN) <= set(BY_NAME)
