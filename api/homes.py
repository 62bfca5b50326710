"""What a role finds first when it signs in: its own work, counted and listed, each with a link."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from api import open_cases
from api.homes_words import SAID
from api.inbox import DECISIONS
from api.open_cases import Open
from api.pages_overview import status
from api.pages_telling import money
from api.pages_view import Page
from domain.words import Role, Words
from projections import idling as idling_lists
from projections import inbox, inventory, people, rulings, treasury, wants
from projections.inbox import Turn
from projections.scope import Filters, Scope

ROWS: Final = 8
LATER_DAYS: Final = 30  # returns that are due so soon are among today's tasks
PUBLISHED: Final = ("seattle", "leso")  # data sets in which nobody here has anything to do
RECEIPTS: Final = ("take_in", "confirm_in", "inspect_return", "take_over")
HAND_OVERS: Final = ("hand_out", "confirm_out", "deliver", "hand_over", "hand_over_deal")
RETURNS: Final = ("hand_back",)
COUNTS: Final = ("begin_count", "end_count")
DIFFERENCES: Final = ("review", "close_differences", "close_stocktake", "settle_difference")


class Tile(msgspec.Struct, frozen=True):
    """One figure with what it is of, and the list behind it. `tone` is good, warn, bad or nothing."""

    value: str
    words: Words
    href: str
    tone: str = ""


class Task(msgspec.Struct, frozen=True):
    """One thing to do: its open step, what it is about, and where it is done."""

    step: Open
    title: str
    href: str
    status: str
    at: int = 0  # of the step line: which of `LINE` is under way


class List(msgspec.Struct, frozen=True):
    """Things to do of one sort: the first few, how many there are, and where the rest is."""

    words: Words
    tasks: tuple[Task, ...]
    count: int
    href: str
    empty: Words
    stepped: bool = False  # each with a line of its steps


class Action(msgspec.Struct, frozen=True):
    """One large button."""

    words: Words
    href: str
    icon: str
    main: bool = False


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """What one role sees first. `extra` names a part that only this role has, `charts` its charts."""

    actions: tuple[Action, ...] = ()
    tiles: tuple[Tile, ...] = ()
    lists: tuple[List, ...] = ()
    extra: str = ""
    more: Mapping[str, Any] = {}
    charts: tuple[str, ...] = ()


# Where a case has come in the eyes of whoever asked for it.
LINE: Final = ("applied", "deciding", "handing", "receiving", "closing")
# What those who answer for a place watch over time.
CHARTS: Final[Mapping[str, tuple[str, ...]]] = {
    Role.OFFICE: ("stock", "put-to-use", "income", "stocktakes"),
    Role.FINANCE: ("income", "value"),
    Role.GOVERNMENT: ("value", "put-to-use", "income"),
}
DECIDING: Final = frozenset({"approve", "endorse", "authorise", "rule_on", "confirm", "resubmit"})


def stage(verb: str) -> int:
    """Return which stage of the line an open step belongs to."""
    if verb in ("submit", "resubmit"):
        return 0
    if verb in DECIDING or verb.startswith("approve"):
        return 1
    if verb in HAND_OVERS or verb in ("sign", "sign_extension", "convert"):
        return 2
    return 3 if verb in RECEIPTS else 4


# Parts ----------------------------------------------------------------------------


def turn(page: Page, **changes: Any) -> Turn:
    """Return whose open steps are the reader's own."""
    occasion = page.office.occasion(page.actor)
    units = frozenset({page.actor.unit, *occasion.succeeds})
    return Turn(on=occasion.on, role=page.actor.role, units=units, dataset=PUBLISHED, **changes)


def task(page: Page, row: Any, on: date, under: str = "/cases/") -> Task:
    """Return an open step as the home draws it."""
    step = open_cases.opened(row, on)
    return Task(
        step,
        page.case_title(row),
        f"{under}{row['id']}",
        status(page, row["kind"], row["status"]),
        stage(step.step),
    )


def mine(
    page: Page,
    words: Words,
    verbs: Iterable[str] = (),
    *,
    but: Iterable[str] = (),
    under: str = "/cases/",
) -> List:
    """Return the reader's own open steps, of some verbs or of all, but for some."""
    asked = turn(page, verbs=tuple(verbs), but=tuple(but))
    scope, models = page.actor.scope, page.office.models
    rows = models.rows(inbox.listing(scope, asked, limit=ROWS))
    count = len(rows)
    if count == ROWS:
        count = sum(int(row["cases"]) for row in models.rows(inbox.counts(scope, asked)))
    tasks = tuple(task(page, row, asked.on, under) for row in rows)
    href = "/inbox" if under == "/inbox/" else "/open-steps?mine=1"
    return List(words, tasks, count, href, SAID["nothing-waits"])


def around(page: Page, words: Words, verbs: Iterable[str], href: str, until: date | None) -> List:
    """Return open steps of cases that concern the reader's unit; `until` leaves out later ones."""
    asked = turn(page)
    query = inbox.of_side(page.actor.scope, asked.on, asked.units, verbs)
    rows = [
        row
        for row in page.office.models.rows(query)
        if until is None or not row["step_due"] or row["step_due"] <= until.isoformat()
    ]
    tasks = tuple(task(page, row, asked.on) for row in rows[:ROWS])
    return List(words, tasks, len(rows), href, SAID["nothing-waits"])


def requests(page: Page) -> List:
    """Return what the reader applied for, each with a line of its steps."""
    on = page.office.today(page.actor.zone)
    rows = page.office.models.rows(inbox.of_applicant(page.actor.scope, page.actor.person))
    tasks = tuple(task(page, row, on) for row in rows[:ROWS])
    return List(SAID["my-requests"], tasks, len(rows), "/cases", SAID["no-requests"], stepped=True)


def holdings(page: Page, unit: str = "") -> list[Tile]:
    """Return how much there is, of a unit or of all, by currency."""
    filters = Filters(unit=unit)
    rows = page.office.models.rows(inventory.totals(page.actor.scope, filters))
    words = SAID["our-assets" if unit else "all-assets"]
    href = "/assets?" + urlencode({"unit": unit}) if unit else "/assets"
    told = [Tile(f"{row['assets']:,}", _worth(words, row), href) for row in rows if row["assets"]]
    return told or [Tile("0", words, href)]


def _worth(words: Words, row: Any) -> Words:
    zh, en = money(row["value"], row["currency"], "zh"), money(row["value"], row["currency"], "en")
    return Words(f"{words.zh} · {zh}", f"{words.en} · {en}")


def wanted(page: Page) -> list[dict[str, Any]]:
    """Return the open wants of the reader's unit, with how many things that fit wait for an answer."""
    scope = Scope(frozenset({page.actor.unit}))
    return [
        {
            "href": f"/cases/demand/{row['id']}",
            "item": row["item"],
            "remaining": f"{row['remaining']} {row['measure']}".strip(),
            "needed_by": row["needed_by"],
            "offered": row["offered"],
        }
        for row in page.office.models.rows(wants.still_wanted(scope, limit=ROWS))
    ]


def counted(list_: List, *, bad: bool = False) -> Tile:
    """Return a list as a figure; what is overdue in it is a warning."""
    late = bad or any(one.step.overdue for one in list_.tasks)
    return Tile(f"{list_.count:,}", list_.words, list_.href, "bad" if late else "")


def idle(page: Page) -> list[Tile]:
    """Return how many things of the reader's unit show as idle, for those who answer that."""
    if not page.may(Role.CLERK, Role.OFFICE):
        return []
    unit, today = page.actor.unit, page.office.today(page.actor.zone)
    asked = idling_lists.Asked(on=today, unit=unit)
    count = len(page.office.idling.told(page.actor.scope, asked).found)
    if not count:
        return []
    return [Tile(f"{count:,}", SAID["idle"], f"/idle?{urlencode({'unit': unit})}", "warn")]


def owed(page: Page, unit: str = "") -> list[Tile]:
    """Return what is still to be remitted and what of it is overdue, by currency."""
    on = page.office.today(page.actor.zone)
    ages = page.office.rules_for(page.actor.unit, on).ageing_days
    rows = page.office.models.rows(
        treasury.ageing(page.actor.scope, treasury.Asked(on=on, ages=ages, unit=unit))
    )
    open_: dict[str, list[int]] = {}
    for row in rows:
        sums = open_.setdefault(row["currency"], [0, 0, 0])
        for at, name in enumerate(("dues", "left_over", "overdue")):
            sums[at] += int(row[name] or 0)
    found: list[Tile] = []
    for currency, (count, left, late) in sorted(open_.items()):
        said = money(left, currency, page.lang)
        found.append(Tile(said, _n(SAID["owed"], count), "/income/ageing"))
        if late:
            said = money(late, currency, page.lang)
            found.append(Tile(said, SAID["overdue-money"], "/income/ageing?overdue=1", "bad"))
    return found or [Tile("0", _n(SAID["owed"], 0), "/income/ageing")]


def _n(words: Words, n: int) -> Words:
    return Words(words.zh.format(n=n), words.en.format(n=n))


# One role after the other ------------------------------------------------------------


def keeper(page: Page) -> Home:
    """Return today's tasks of a warehouse: what comes, what goes, what is due, what is counted."""
    soon = page.office.today(page.actor.zone) + timedelta(days=LATER_DAYS)
    lists = (
        mine(page, SAID["receipts"], RECEIPTS),
        mine(page, SAID["hand-overs"], HAND_OVERS),
        around(page, SAID["returns"], RETURNS, "/open-steps?kind=loan", soon),
        around(page, SAID["counts"], COUNTS, "/stocktakes", None),
        around(page, SAID["differences"], DIFFERENCES, "/stocktakes", None),
    )
    return Home(
        actions=(
            Action(SAID["scan"], "/scan/count", "scan", main=True),
            Action(SAID["look-up"], "/scan", "search"),
            Action(SAID["receive"], "/open-steps?kind=intake&mine=1", "package"),
            Action(SAID["stocktakes"], "/stocktakes", "list"),
        ),
        tiles=tuple(counted(one) for one in lists),
        lists=tuple(one for one in lists if one.tasks) or (mine(page, SAID["waiting"]),),
    )


def clerk(page: Page) -> Home:
    """Return the property of a unit, what it asked for, what it wants, and what it must do."""
    unit = page.actor.unit
    todo, asked = mine(page, SAID["waiting"]), requests(page)
    return Home(
        actions=(
            Action(SAID["shop"], "/offers?mine=1", "package", main=True),
            Action(SAID["new-want"], "/cases/new?kind=demand", "plus"),
            Action(SAID["scan"], "/scan/count", "scan"),
        ),
        tiles=(*holdings(page, unit), counted(todo), counted(asked), *idle(page)),
        lists=(todo, asked),
        extra="clerk",
        more={"wants": wanted(page)},
    )


def approver(page: Page) -> Home:
    """Return what awaits a decision, what is late, and the state of what they answer for."""
    decide = mine(page, SAID["to-decide"], DECISIONS, under="/inbox/")
    rest = mine(page, SAID["to-carry-out"], but=DECISIONS)
    tiles = [counted(decide), counted(rest), *idle(page)]
    if page.may(Role.HEAD):
        tiles += holdings(page, page.actor.unit)
    else:
        tiles += holdings(page)
    if page.may(Role.FINANCE, Role.OFFICE):
        tiles += owed(page)
    return Home(
        actions=(Action(SAID["open-inbox"], "/inbox", "list", main=True),),
        tiles=tuple(tiles),
        lists=tuple(one for one in (decide, rest, requests(page)) if one is decide or one.tasks),
        extra="board" if page.may(Role.OFFICE, Role.FINANCE, Role.GOVERNMENT) else "",
        charts=CHARTS.get(page.actor.role, ()),
    )


def money_home(page: Page) -> Home:
    """Return what is owed, what must be booked, and the books of the unit."""
    unit = page.actor.unit
    todo = mine(page, SAID["waiting"])
    book = page.office.book
    links = [
        (SAID["bank"], f"/bank/{unit}", ""),
        (SAID["journal"], f"/books/journal?{urlencode({'unit': unit})}", ""),
        (SAID["movement"], f"/books/movement?{urlencode({'unit': unit})}", ""),
        (
            SAID["period"],
            f"/periods/{unit}",
            book.stream(f"period/{unit}").state.describe(page.lang),
        ),
        (
            SAID["wear"],
            f"/depreciation/{unit}",
            book.stream(f"depreciation/{unit}").state.describe(page.lang),
        ),
    ]
    return Home(
        actions=(
            Action(SAID["income"], "/income", "coin", main=True),
            Action(SAID["bank"], f"/bank/{unit}", "refresh"),
        ),
        tiles=(*owed(page, unit), counted(todo), *holdings(page, unit)),
        lists=(todo,),
        extra="money",
        more={"links": links},
        charts=("income", "value"),
    )


def auditor(page: Page) -> Home:
    """Return time, proof and findings: everything as of a day, and how far it is proven."""
    return Home(
        actions=(
            Action(SAID["verify"], "/audit", "shield-check", main=True),
            Action(SAID["compare"], "/audit/changes", "history"),
        ),
        tiles=tuple(holdings(page)),
        lists=(mine(page, SAID["waiting"]),),
        extra="audit",
        more={"standing": page.office.proving.standing()},
        charts=("value", "stock", "income", "stocktakes"),
    )


def admin(page: Page) -> Home:
    """Return who works here, which rules hold, and whether the machine is well."""
    office = page.office
    today = office.today(page.actor.zone)
    rows = office.models.rows(people.people_at(today.isoformat()))
    holders = {one.person for one in people.holders(rows, today)}
    drafts = [
        row
        for row in office.models.rows(rulings.all_rulings())
        if row["status"] in ("drafted", "amended")
    ]
    behind = office.book.head()[0] - office.models.position()
    standing = office.proving.standing()
    health = [
        (SAID["lists"], SAID["well"] if not behind else _n(SAID["behind"], behind), not behind),
        (
            SAID["signed"],
            SAID["well"]
            if standing.signed and not standing.unsigned_entries
            else _n(SAID["unsigned"], standing.unsigned_entries),
            bool(standing.signed),
        ),
        (
            SAID["reads"],
            SAID["well"] if office.reads.trouble is None else SAID["reads-trouble"],
            office.reads.trouble is None,
        ),
    ]
    bad = not all(good for _, _, good in health)
    return Home(
        actions=(
            Action(SAID["people"], "/people", "users", main=True),
            Action(SAID["rules"], "/rules", "edit"),
        ),
        tiles=(
            Tile(f"{len(holders):,}", SAID["at-work"], "/people"),
            Tile(f"{len(office.accounts.all()):,}", SAID["accounts"], "/accounts"),
            Tile(f"{len(drafts):,}", SAID["drafts"], "/rules", "warn" if drafts else ""),
            Tile(
                page.words(SAID["trouble" if bad else "well"]),
                SAID["health"],
                "/audit",
                "bad" if bad else "good",
            ),
        ),
        lists=(mine(page, SAID["waiting"]),),
        extra="admin",
        more={"health": health},
    )


def security(page: Page) -> Home:
    """Return who may sign in, and what was done about it."""
    return Home(
        actions=(
            Action(SAID["accounts"], "/accounts", "lock", main=page.may(Role.SECURITY)),
            Action(SAID["acts"], "/administration", "history", main=page.may(Role.AUDIT_ADMIN)),
        ),
        tiles=(Tile(f"{len(page.office.accounts.all()):,}", SAID["accounts"], "/accounts"),),
        lists=(mine(page, SAID["waiting"]),),
    )


HOMES: Final[Mapping[str, Callable[[Page], Home]]] = {
    Role.KEEPER: keeper,
    Role.CLERK: clerk,
    Role.HEAD: approver,
    Role.DEPARTMENT: approver,
    Role.OFFICE: approver,
    Role.FINANCE: approver,
    Role.GOVERNMENT: approver,
    Role.ACCOUNTANT: money_home,
    Role.CASHIER: money_home,
    Role.AUDITOR: auditor,
    Role.ADMIN: admin,
    Role.SECURITY: security,
    Role.AUDIT_ADMIN: security,
}


def home(page: Page) -> Home:
    """Return the home of the role the reader acts in."""
    made = HOMES.get(page.actor.role)
    return made(page) if made else Home(tiles=tuple(holdings(page)))
