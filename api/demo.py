"""Fill an empty ledger for the demonstration: published records, the example city, its people.

Loading may be stopped at any moment and goes on where it stopped; a second start loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from api import city, city_bank, city_books, city_income, city_reuse, city_stocktakes, importing
from api.accounts import Accounts
from api.city_people import BODIES
from api.importing_facts import IMPORTER, Progress
from api.office import Office
from api.reading_records import SAMPLE
from api.settings import Settings
from domain.words import Role
from ledger.book import Book
from projections.store import ReadModels

PASSWORD: Final = "gongwu-demo"  # noqa: S105 - shown on the sign-in page of the demonstration
FILES: Final = (
    "active_fleet_complement.csv.gz",
    "current_fleet_surplus_auction_list.csv.gz",
    "sold_fleet_equipment.tsv.gz",
    "shipments_2019Q4_without_justification.csv.gz",
    "cancellations_2019Q4_without_justification.csv.gz",
)
# The order in which the sign-in page and the console show them.
LOGINS: Final = (
    *("keeper", "clerk", "clerk2", "head", "office", "department", "finance", "government"),
    *("accountant", "cashier", "auditor", "admin"),
)


class DemoPerson(msgspec.Struct, frozen=True):
    """Somebody who may sign in to the demonstration; `unit` is written in both languages."""

    login: str
    name: str
    name_en: str
    unit: str
    roles: tuple[str, ...]


def _people() -> tuple[DemoPerson, ...]:
    by_login = {person.login: person for person in city.PEOPLE if person.login}
    units = {body.id: f"{body.zh} · {body.en}" for body in BODIES}
    return tuple(
        DemoPerson(p.login, p.name, p.name_en, units[p.unit], (p.role,))
        for p in (by_login[login] for login in LOGINS)
    )


PEOPLE: Final = _people()


def loaded(book: Book) -> bool:
    """Tell whether everything of the demonstration is in the book."""
    told = (city_stocktakes.taken(book), city_reuse.shown(book), city_books.shown(book))
    more = (city_income.shown(book), city_bank.taken(book))
    return city.loaded(book) and all(told) and all(more)


def load(
    book: Book, models: ReadModels, accounts: Accounts, progress: Progress | None = None
) -> bool:
    """Load what is missing; return False when nothing was.

    `progress` is told a label in Chinese and English, how much of that step is done, of how much.
    """
    say = progress or _silent
    introduced = introduce(accounts, say)
    if loaded(book):
        models.catch_up(book)
        return introduced
    for name in FILES:
        importing.run(book, SAMPLE / name, progress)
    city.load(book, progress)

    def projected(done: int, total: int) -> None:
        say("整理清单", "Preparing the lists", done, total)

    if models.position() == 0:
        models.rebuild(book, projected)
    else:
        models.catch_up(book, projected)
    say("示例盘点", "Example stock-taking", 0, 1)
    at_a_counter(book, models, accounts, city_stocktakes.take)
    say("示例盘点", "Example stock-taking", 1, 1)
    say("示例调剂", "Example allocation", 0, 1)
    at_a_counter(book, models, accounts, city_reuse.show)
    say("示例调剂", "Example allocation", 1, 1)
    say("示例折旧", "Example depreciation", 0, 1)
    at_a_counter(book, models, accounts, city_books.show)
    say("示例折旧", "Example depreciation", 1, 1)
    say("示例收入", "Example income", 0, 1)
    at_a_counter(book, models, accounts, city_income.show)
    say("示例收入", "Example income", 1, 1)
    say("示例对账单", "Example bank statement", 0, 1)
    at_a_counter(book, models, accounts, city_bank.take)
    say("示例对账单", "Example bank statement", 1, 1)
    return True


def at_a_counter(
    book: Book, models: ReadModels, accounts: Accounts, work: Callable[[Office], None]
) -> None:
    """Have the city do what needs lists, at a counter that is opened for it."""
    office = Office(Settings(database=book.url), book, models, accounts)
    try:
        work(office)
    finally:
        office.scanned.close()  # all the rest belongs to the caller


def introduce(accounts: Accounts, say: Progress) -> bool:
    """Open the log-ins and tell the directory what the example's people are called."""
    missing = [p for p in city.PEOPLE if p.login and accounts.find(p.login) is None]
    if not missing:
        return False
    for done, p in enumerate(missing, start=1):
        roles = (p.role,)
        accounts.create(p.login, PASSWORD, p.id, p.name, p.unit, roles, name_en=p.name_en)
        say("示例人员", "Example people", done, len(missing))
    for p in city.PEOPLE:
        if not p.login:
            accounts.introduce(p.id, p.name, p.name_en)
    accounts.introduce(IMPORTER, Role.IMPORTER.words.zh, Role.IMPORTER.words.en)
    return True


def _silent(_zh: str, _en: str, _done: int, _total: int) -> None:
    """Tell nobody."""
