"""Questions about many things: lists and totals at any date, scans, and the log as it is stored."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import evidence, label_saying, numbering, open_cases, problems, resolving
from api import registers as registers_
from api.looking import lists
from api.office import Actor, Office
from api.registers import REGISTERS, statuses_of
from api.rest_answers import (
    AS_OF,
    KNOWN_AT,
    LATEST,
    LIMIT,
    LIMIT_MAX,
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
from domain.words import Role, in_language
from labels import identity
from ledger import tree
from ledger.verifying import verify
from projections import cases, inventory, registers, units
from projections import history as history_
from projections.scope import SORTS, BadCursor, Filters, cursor

TEXTS = (
    "text", "unit", "custodian", "user", "owner", "place", "dataset",
)  # fmt: skip
CHOICES = {
    "kind": tuple(Kind),
    "book": (*Book, "any"),  # without it, what the books still carry
    "custody": tuple(Custody),
    "lock": tuple(Lock),
}
GROUPS = ("kind", "book", "custody", "lock", "accounting_unit", "custodian", "place", "dataset")


class Many:
    """The questions about many things of an office."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def inventory(self, request: Request, actor: Actor) -> Response:
        """List the cards that match, now or at any past date."""
        asked, filters, on, known = self._asked(request, actor, (*PAGE, ("totals", "true：附合计")))
        limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
        with_totals = asked.choice("totals", ("true", "false")) == "true"
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
        asked, filters, on, known = self._asked(request, actor, (("by", "、".join(GROUPS)),))
        by = asked.choice("by", GROUPS)
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
        self, request: Request, actor: Actor, more: tuple[tuple[str, str], ...]
    ) -> tuple[Questions, Filters, str, int | None]:
        """Read filters and dates; without a date the business date of a past view is open."""
        asked = Questions(request, dict(FILTERS) | dict(more))
        listed = asked.choice("listed", ("true", "false"))
        chosen = {name: asked.choice(name, tuple(map(str, term))) for name, term in CHOICES.items()}
        on, known_at = asked.day("as_of"), asked.moment("known_at")
        filters = Filters(
            **{name: asked.text(name) for name in TEXTS},
            **chosen,
            listed=listed == "true" if listed else None,
            sort=asked.choice("sort", SORTS, "asset_no"),
            descending=asked.choice("order", ("asc", "desc")) == "desc",
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
        asked = Questions(request, dict(CASES))
        kind = asked.choice("kind", cases.KINDS)
        limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
        on, known, past = self._past(asked, actor)
        asked.check()
        after = checked_cursor(asked.text("after"), "changed_on")
        query = cases.listing(
            actor.scope,
            kind=kind,
            status=asked.text("status"),
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
        asked = Questions(request, dict(OPEN_STEPS))
        kind = asked.choice("kind", cases.KINDS)
        role = asked.choice("role", tuple(map(str, Role)))
        days = asked.number("days", 0, 0, open_cases.DAYS_MAX)
        overdue = asked.choice("overdue", ("true", "false")) == "true"
        day, known, past = self._past(asked, actor, "on")
        on = date.fromisoformat(day)
        limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
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
            asked = Questions(request, dict(questions_of(kind)))
            limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
            given = {name: asked.text(name) for name in ("text", *registers.EQUAL[kind])}
            if "beyond" in given:
                beyond = asked.choice("beyond", ("true", "false"))
                given["beyond"] = {"true": "1", "false": "0"}.get(beyond, "")
            if "status" in given:
                given["status"] = asked.choice("status", tuple(statuses_of(shown)))
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
        asked = Questions(request, dict(NUMBERS))
        limit = asked.number("limit", LIMIT, 1, LIMIT_MAX)
        start = asked.number("after", 0, 0, 10**7)
        gaps = asked.choice("gaps", ("true", "false")) == "true"
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
        asked = Questions(request, dict([AS_OF, KNOWN_AT]))
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
        asked = Questions(request, {"code": "扫描或键入的内容 · what was scanned or typed"})
        code = asked.text("code")
        if not code and not asked.faults:
            asked.fault("code", "必填", "This is required")
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
        asked = Questions(request, {"start": "", "limit": ""})
        start = asked.number("start", 1, 1, 10**12 - 1)
        limit = asked.number("limit", 100, 1, LIMIT_MAX)
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
        Questions(request, {}).check()
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
        Questions(request, {}).check()
        size, root, recorded_at = self.office.book.head()
        return reply(request, {"size": size, "root": root.hex(), "recorded_at": recorded_at})


FILTERS = (
    ("text", "查找文字 · words to look for"),
    *((name, "、".join(term)) for name, term in CHOICES.items()),
    ("unit", "入账单位 · accounting unit"),
    ("custodian", "保管单位 · custodian"),
    ("user", "使用人 · user"),
    ("owner", "权属登记人 · registered owner"),
    ("place", "地点 · place"),
    ("dataset", "数据来源 · data set"),
    ("listed", "true、false"),
    ("sort", "、".join(SORTS)),
    ("order", "asc、desc"),
    AS_OF,
    KNOWN_AT,
)
CASES = (
    ("kind", "、".join(cases.KINDS)),
    ("status", "办理状态 · status"),
    ("text", "查找文字 · words to look for"),
    ("dataset", "数据来源 · data set"),
    AS_OF,
    KNOWN_AT,
    *PAGE,
)
NUMBERS = (("gaps", "true：只看作废、撤回和跳号 · only what is void, withdrawn or left out"), *PAGE)


def questions_of(kind: str) -> tuple[tuple[str, str], ...]:
    """Return what may be asked of a register, by name, with its words."""
    said = {column.name: column.words for column in REGISTERS[kind].filters}
    own = ((name, f"{said[name].zh} · {said[name].en}") for name in registers.EQUAL[kind])
    return (("text", "查找文字 · words to look for"), *own, AS_OF, KNOWN_AT, *PAGE)


OPEN_STEPS = (
    ("kind", "、".join(cases.KINDS)),
    ("role", "岗位 · role: " + "、".join(map(str, Role))),
    ("days", "至少已等天数 · waiting for at least so many days"),
    ("overdue", "true：只看已过限期的 · only what is past its due day"),
    (
        "on",
        "以此日为今天：当日所开的步骤；以后的日子按现在所知 · as if this were today: the steps open then",
    ),
    KNOWN_AT,
    ("dataset", "数据来源 · data set"),
    *PAGE,
)
