"""Questions about many things: lists and totals at any date, scans, and the log as it is stored."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import evidence, label_saying, numbering, open_cases, problems, resolving
from api import registers as registers_
from api.looking import lists
from api.office import Actor, Office
from api.parameters import (
    POSITION_MAX,
    REQUIRED,
    SAID,
    Parameter,
    choice,
    day,
    flag,
    last,
    number,
    text,
)
from api.registers import REGISTERS, Column
from api.rest_answers import (
    AS_OF,
    KNOWN_AT,
    LATEST,
    LIMIT_MAX,
    LIMIT_OF,
    PAGE,
    Answer,
    checked_cursor,
    link,
    no_such,
    plain,
    reply,
)
from api.rest_caller import check_id, lang_of
from api.rest_questions import Questions
from domain.asset import Book, Custody, Kind, Lock
from domain.decider import LIFECYCLES
from domain.words import Role, Term, in_language
from labels import identity
from ledger import tree
from ledger.verifying import verify
from projections import cases, inventory, registers, units
from projections import history as history_
from projections.scope import SORTS, BadCursor, Filters, cursor

TEXTS = (
    "text", "unit", "custodian", "user", "owner", "place", "dataset",
)  # fmt: skip
CHOICES = ("kind", "book", "custody", "lock")
BOOKS = (*Book, "any")
# What a case may be, of whatever kind; "none" is what has not begun.
STATUSES = tuple(
    {
        str(status): None
        for kind in cases.KINDS
        for status in cast(type[Term], type(LIFECYCLES[kind].state().status))
        if status != "none"
    }
)
GROUPS = ("kind", "book", "custody", "lock", "accounting_unit", "custodian", "place", "dataset")


class Many:
    """The questions about many things of an office."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def inventory(self, request: Request, actor: Actor) -> Response:
        """List the cards that match, now or at any past date."""
        asked, filters, on, known = self._asked(request, actor, (*PAGE, TOTALS))
        limit = asked.number("limit")
        with_totals = asked.flag("totals") is True
        if on and filters.sort == "changed_on":
            asked.fault(
                "sort", "过去的库存不能按变动日期排序", "A past inventory has no last change"
            )
        asked.check()
        after = checked_cursor(asked.text("after"), filters.sort)
        if on:
            query = history_.as_of(
                actor.scope, filters, on=on, known=known, after=after, limit=limit + 1
            )
        else:
            query = inventory.listing(actor.scope, filters, after=after, limit=limit + 1)
        rows = self.office.models.rows(query)
        more = cursor(rows[limit - 1], filters) if len(rows) > limit else None
        found: dict[str, Any] = {"items": [plain(row) for row in rows[:limit]], "next": more}
        if with_totals:
            found["totals"] = self._totals(actor, filters, on, known)
        return reply(request, found, link(request, more))

    def totals(self, request: Request, actor: Actor) -> Response:
        """Count and value per currency, and per value of one column when asked."""
        asked, filters, on, known = self._asked(request, actor, (BY,))
        by = asked.choice("by")
        asked.check()
        found: dict[str, Any] = {"totals": self._totals(actor, filters, on, known)}
        if by and on:
            query = history_.counts_as_of(actor.scope, by, filters, on=on, known=known)
            found["counts"] = [plain(row) for row in self.office.models.rows(query)]
        elif by:
            query = inventory.counts(actor.scope, by, filters)
            found["counts"] = [plain(row) for row in self.office.models.rows(query)]
        return reply(request, found)

    def _totals(self, actor: Actor, filters: Filters, on: str, known: int | None) -> Any:
        if on:
            query = history_.totals_as_of(actor.scope, filters, on=on, known=known)
        else:
            query = inventory.totals(actor.scope, filters)
        return [plain(row) for row in self.office.models.rows(query)]

    def _asked(
        self, request: Request, actor: Actor, more: tuple[Parameter, ...]
    ) -> tuple[Questions, Filters, str, int | None]:
        """Read filters and dates; without a date the business date of a past view is open."""
        asked = Questions(request, (*FILTERS, *more))
        chosen = {name: asked.choice(name) for name in CHOICES}
        on, known_at = asked.day("as_of"), asked.moment("known_at")
        filters = Filters(
            **{name: asked.text(name) for name in TEXTS},
            **chosen,
            listed=asked.flag("listed"),
            sort=asked.choice("sort"),
            descending=asked.choice("order") == "desc",
            today=on or self.office.today(actor.zone).isoformat(),
        )
        known = self.office.book.position_known(known_at) if known_at else None
        return asked, filters, on or (LATEST if known_at else ""), known

    def _past(
        self, asked: Questions, actor: Actor, name: str = "as_of"
    ) -> tuple[str, int | None, bool]:
        """Read the day and the knowledge of a list: whether any is asked for, else today and now."""
        on, known_at = asked.day(name), asked.moment("known_at")
        known = self.office.book.position_known(known_at) if known_at else None
        day = on or self.office.today(actor.zone).isoformat()
        return day, known, bool(on or known_at)

    def cases(self, request: Request, actor: Actor) -> Response:
        """List loans, leases, intakes, reallocations and disposals."""
        asked = Questions(request, CASES)
        kind = asked.choice("kind")
        status = asked.choice("status")
        limit = asked.number("limit")
        on, known, past = self._past(asked, actor)
        asked.check()
        after = checked_cursor(asked.text("after"), "changed_on")
        query = cases.listing(
            actor.scope,
            kind=kind,
            status=status,
            text=asked.text("text"),
            dataset=asked.text("dataset"),
            after=after,
            limit=limit + 1,
        )
        rows = lists(self.office, cases.KINDS, on, known, past=past).rows(query)
        order = Filters(sort="changed_on", descending=True)
        more = cursor(rows[limit - 1], order) if len(rows) > limit else None
        found = {"items": [plain(row) for row in rows[:limit]], "next": more}
        return reply(request, found, link(request, more))

    def open_steps(self, request: Request, actor: Actor) -> Response:
        """List what waits in the cases, the longest first: the step, its owner, age and due day."""
        asked = Questions(request, OPEN_STEPS)
        kind = asked.choice("kind")
        role = asked.choice("role")
        days = asked.number("days")
        overdue = asked.flag("overdue") is True
        day, known, past = self._past(asked, actor, "on")
        on = date.fromisoformat(day)
        limit = asked.number("limit")
        after = None
        try:
            after = open_cases.after_of(asked.text("after"))
        except ValueError:
            asked.fault("after", "续页标记无效", "This is no cursor of this list")
        asked.check()
        query = cases.open_steps(
            actor.scope,
            on,
            kind=kind,
            role=role,
            days=days,
            overdue=overdue,
            dataset=asked.text("dataset"),
            after=after,
            limit=limit + 1,
        )
        there = lists(self.office, cases.KINDS, day, known, past=past)
        steps = [open_cases.opened(row, on) for row in there.rows(query)]
        more = open_cases.cursor_of(steps[limit - 1]) if len(steps) > limit else None
        found = {
            "on": on.isoformat(),
            "items": [open_cases.plain(step) for step in steps[:limit]],
            "next": more,
        }
        return reply(request, found, link(request, more))

    def register(self, kind: str) -> Answer:
        """Return the answer that lists a register: numbers, quotas, confiscated goods, packages."""
        shown = REGISTERS[kind]

        def answer(request: Request, actor: Actor) -> Response:
            asked = Questions(request, questions_of(kind))
            limit = asked.number("limit")
            given = {
                one.name: told_of(asked, one)
                for one in questions_of(kind)
                if one.name in ("text", *registers.EQUAL[kind])
            }
            after = asked.text("after") or None
            on, known, past = self._past(asked, actor)
            asked.check()
            try:
                query = registers.listing(kind, actor.scope, given, after=after, limit=limit + 1)
            except BadCursor:
                asked.fault("after", "续页标记无效", "This is no cursor of this list")
                asked.check()
                raise
            rows = lists(self.office, (kind,), on, known, past=past).rows(query)
            more = registers.cursor(kind, rows[limit - 1]) if len(rows) > limit else None
            items = [registers_.plain(shown, row) for row in rows[:limit]]
            return reply(request, {"items": items, "next": more}, link(request, more))

        return answer

    def numbers(self, request: Request, actor: Actor) -> Response:
        """List the numbers of a series and year in order, every gap and every void explained."""
        asked = Questions(request, NUMBERS)
        limit = asked.number("limit")
        start = asked.number("after")
        gaps = asked.flag("gaps") is True
        asked.check()
        name = f"series/{check_id(request.path_params['id'])}"
        if self.office.book.stream(name).version == 0:
            raise no_such(name)
        book, found = self.office.book, list[numbering.Line]()
        for line in numbering.drawn(book, name):
            if line.since > start and len(found) <= limit:
                told = numbering.explained(book, line)
                if not gaps or told.fate is not numbering.Fate.GIVEN:
                    found.append(told)
        more = str(found[limit - 1].until) if len(found) > limit else None
        items = [msgspec.to_builtins(line) for line in found[:limit]]
        return reply(request, {"items": items, "next": more}, link(request, more))

    def units(self, request: Request, actor: Actor) -> Response:
        """List every unit; at a date, the names that held then."""
        return self._named(request, units.all_units(), units.unit.c.id)

    def places(self, request: Request, actor: Actor) -> Response:
        """List every place; at a date, the names that held then."""
        return self._named(request, units.all_places(), units.place.c.id)

    def _named(self, request: Request, query: Any, id_: Any) -> Response:
        asked = Questions(request, [AS_OF, KNOWN_AT])
        on, known_at = asked.day("as_of"), asked.moment("known_at")
        asked.check()
        rows = [plain(row) for row in self.office.models.rows(query)]
        if on or known_at:
            known = self.office.book.position_known(known_at) if known_at else None
            then = {
                row["id"]: row
                for row in self.office.models.rows(units.names_at(on or LATEST, known))
            }
            rows = [row | dict(then[row["id"]]) for row in rows if row["id"] in then]
        return reply(request, {"items": rows})

    def scan(self, request: Request, actor: Actor) -> Response:
        """Say what a scanned or typed code means, whether it is ours, and which asset it names."""
        asked = Questions(request, SCAN)
        code = asked.text("code")
        asked.check()
        lang, read = lang_of(request), identity.parse(code)
        rows = self.office.models.rows(inventory.find(actor.scope, read.id or code))
        if not rows:  # by what is bound to it: a GIAI, the content of a radio tag, a chip
            meant = resolving.resolve(self.office, actor.scope, [resolving.Seen("manual", code)])
            if meant[0].asset and self.office.sight.sees(actor, f"asset/{meant[0].asset}"):
                rows = self.office.models.rows(inventory.one(meant[0].asset))
        found: dict[str, Any] = {
            "kind": read.kind.value,
            "sentence": in_language(read.kind.zh, read.kind.en, lang),
            "id": read.id,
            "issue": read.issue,
            "items": [plain(row) for row in rows],
        }
        if read.kind in (identity.Kind.OBJECT, identity.Kind.GIAI):
            verdict = label_saying.verdict(self.office, read)
            found["signature"] = verdict.value
            found["signature_sentence"] = in_language(verdict.zh, verdict.en, lang)
        if said := label_saying.told(self.office, read):
            found["label"] = in_language(said.words.zh, said.words.en, lang)
            known = said.asset and self.office.sight.sees(actor, f"asset/{said.asset}")
            found["label_asset"] = said.asset if known else None
        return reply(request, found)

    def entries(self, request: Request, actor: Actor) -> Response:
        """Return the entries as stored, with leaf hashes; for auditors and administrators."""
        asked = Questions(request, ENTRIES)
        start = asked.number("start")
        limit = asked.number("limit")
        asked.check()
        if actor.role not in (Role.AUDITOR, Role.ADMIN):
            raise problems.plain(403)
        page = next(iter(self.office.book.log.rows(start, start + limit - 1, limit)), [])
        items = [
            {
                "position": row[0],
                "leaf": tree.leaf(bytes(row[4])).hex(),
                "entry": msgspec.Raw(bytes(row[4])),
            }
            for row in page
        ]
        more = start + limit if len(page) == limit else None
        headers = link(request, more, "start")
        return reply(request, {"items": items, "next": more}, headers)

    def verification(self, request: Request, actor: Actor) -> Response:
        """Recompute every hash and check the whole log; for auditors and administrators."""
        Questions(request, ()).check()
        if actor.role not in (Role.AUDITOR, Role.ADMIN):
            raise problems.plain(403)
        lang, verdict = (
            lang_of(request),
            verify(self.office.book, beside=evidence.tables(self.office)),
        )
        found = {
            "size": verdict.size,
            "root": verdict.root.hex(),
            "intact": verdict.intact,
            "sentence": verdict.sentence(lang),
            "problems": [
                {"check": p.check, "position": p.position, "detail": p.sentence(lang)}
                for p in verdict.integrity
            ],
            "unlisted": verdict.unlisted,
        }
        return reply(request, found)

    def head(self, request: Request, actor: Actor) -> Response:
        """Return size, root and time of the last entry."""
        Questions(request, ()).check()
        size, root, recorded_at = self.office.book.head()
        return reply(request, {"size": size, "root": root.hex(), "recorded_at": recorded_at})


FILTERS = (
    text("text", "查找文字 · words to look for"),
    choice("kind", "类别 · kind", Kind),
    choice(
        "book", "账面状态，默认仍在账的 · on the books, what they still carry if not said", BOOKS
    ),
    choice("custody", "实物状态 · custody", Custody),
    choice("lock", "占用 · what holds it", Lock),
    text("unit", "入账单位 · accounting unit"),
    text("custodian", "保管单位 · custodian"),
    text("user", "使用人 · user"),
    text("owner", "权属登记人 · registered owner"),
    text("place", "地点 · place"),
    text("dataset", "数据来源 · data set"),
    flag("listed", "是否公开可调剂 · on offer"),
    choice("sort", "按哪一列排序 · by which column", SORTS, "asset_no"),
    choice("order", "升序或降序 · up or down", ("asc", "desc"), "asc"),
    AS_OF,
    KNOWN_AT,
)
TOTALS = flag("totals", "附合计 · with totals")
BY = choice("by", "按哪一列分组 · counted by which column", GROUPS)
CASES = (
    choice("kind", "种类 · kind", cases.KINDS),
    choice("status", "办理状态 · status", STATUSES),
    text("text", "查找文字 · words to look for"),
    text("dataset", "数据来源 · data set"),
    AS_OF,
    KNOWN_AT,
    *PAGE,
)
NUMBERS = (
    flag("gaps", "true：只看作废、撤回和跳号 · only what is void, withdrawn or left out"),
    LIMIT_OF,
    number("after", "续页标记 · cursor", 0, 10**7, 0),
)
SCAN = (
    text("code", "扫描或键入的内容 · what was scanned or typed", pattern=SAID, required=REQUIRED),
)
ENTRIES = (
    number("start", "起始位置 · first position", 1, POSITION_MAX, 1),
    number("limit", "至多几项 · how many at most", 1, LIMIT_MAX, 100),
)
OPEN_STEPS = (
    choice("kind", "种类 · kind", cases.KINDS),
    choice("role", "岗位 · role", Role),
    number("days", "至少已等天数 · waiting for at least so many days", 0, open_cases.DAYS_MAX, 0),
    flag("overdue", "true：只看已过限期的 · only what is past its due day"),
    day(
        "on",
        "以此日为今天：当日所开的步骤；以后的日子按现在所知 · as if this were today: the steps open then",
    ),
    KNOWN_AT,
    text("dataset", "数据来源 · data set"),
    *PAGE,
)


def questions_of(kind: str) -> tuple[Parameter, ...]:
    """Return what may be asked of a register, by name, with its words."""
    said = {column.name: column for column in REGISTERS[kind].filters}
    own = (_filter(said[name]) for name in registers.EQUAL[kind])
    page = PAGE if kind in registers.LATEST_FIRST else (LIMIT_OF, last())
    return (text("text", "查找文字 · words to look for"), *own, AS_OF, KNOWN_AT, *page)


def _filter(column: Column) -> Parameter:
    words = f"{column.words.zh} · {column.words.en}"
    if column.name == "beyond":
        return flag(column.name, words)
    if column.choice is not None:
        return choice(column.name, words, column.choice)
    return text(column.name, words)


def told_of(asked: Questions, one: Parameter) -> str:
    """Return what a column of a register is to be, as the lists hold it."""
    if one.schema["type"] == "boolean":
        return {True: "1", False: "0", None: ""}[asked.flag(one.name)]
    return asked.choice(one.name) if "enum" in one.schema else asked.text(one.name)
