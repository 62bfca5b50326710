"""What programs may ask: one thing and its history, the inventory at any date, the log itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_label, rest_openapi
from api.office import Actor, Office
from api.pages_telling import NameOf, tell
from api.rest_caller import Callers, Questions, check_id, encode, lang_of
from domain.asset import Asset, Book, Custody, Kind, Lock
from domain.decider import LIFECYCLES, Lang, Refused
from domain.words import Words
from labels import face, identity, qr
from ledger import tree
from ledger.entry import Entry, standing
from projections import cases, inventory, units
from projections import history as history_
from projections.scope import SORTS, Filters, cursor

LIMIT, LIMIT_MAX = 50, 1_000
LATEST = "9999-12-30"  # every business date is before it
TEXTS = (
    "text", "unit", "custodian", "user", "owner", "place", "dataset",
)  # fmt: skip
CHOICES = {"kind": Kind, "book": Book, "custody": Custody, "lock": Lock}
GROUPS = ("kind", "book", "custody", "lock", "accounting_unit", "custodian", "place", "dataset")
AS_OF = ("as_of", "业务日期 YYYY-MM-DD · true on this day")
KNOWN_AT = ("known_at", "已知时点（UTC）· as known at this day or time")
PAGE = (("limit", f"1–{LIMIT_MAX}"), ("after", "续页标记 · cursor"))
Answer = Callable[[Request, Actor], Response]


class Reading:
    """The questions of one office."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self.office, self.callers = office, callers

    def endpoint(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return a route that knows its caller and works beside the event loop."""

        def work(request: Request) -> Response:
            return answer(request, self.callers.actor(request))

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(work, request)

        return endpoint

    # One thing -----------------------------------------------------------------

    def thing(self, kind: str) -> Answer:
        """Return the answer about one thing: its state, and what may be done with it."""

        def answer(request: Request, actor: Actor) -> Response:
            stream = f"{kind}/{check_id(request.path_params['id'])}"
            asked = Questions(request, dict([AS_OF, KNOWN_AT]))
            on, known_at = asked.day("as_of"), asked.moment("known_at")
            asked.check()
            read = self.office.book.stream(stream)
            if read.version == 0:
                raise no_such(stream)
            lang = lang_of(request)
            if on or known_at:
                known = self.office.book.position_known(known_at) if known_at else None
                state = self.office.book.state_at(stream, on or LATEST, known)
                return reply(request, self._state(stream, state, lang, on, known_at))
            etag = f'"{read.version}"'
            if request.headers.get("if-none-match", "") == etag:
                return Response(status_code=304, headers={"ETag": etag})
            found = self._state(stream, read.state, lang, "", "")
            found |= {"version": read.version} | self._may(stream, read.state, actor, lang)
            return reply(request, found, {"ETag": etag})

        return answer

    def _state(self, stream: str, state: Any, lang: Lang, on: str, known_at: str) -> dict[str, Any]:
        return {
            "stream": stream,
            "as_of": on or None,
            "known_at": known_at or None,
            "sentence": state.describe(lang),
            "state": state,
        }

    def _may(self, stream: str, state: Any, actor: Actor, lang: Lang) -> dict[str, Any]:
        """Return what this caller may do now, and why not the rest."""
        life = LIFECYCLES[stream.split("/", 1)[0]]
        occasion = msgspec.structs.replace(self.office.occasion(actor), stream=stream)
        allowed = life.allowed(state, occasion)
        refused: list[dict[str, Any]] = []
        for verb in life.verbs.values():
            rule = verb.refusal(state, occasion)
            if verb.inner or verb in allowed or rule is None:
                continue
            said: Refused = rule.broken()
            refused.append(
                {
                    "verb": verb.name,
                    "title": problems.told(verb.words, lang),
                    "slug": rule.slug,
                    "detail": said.sentence(lang),
                }
            )
        may = [
            {
                "verb": verb.name,
                "title": problems.told(verb.words, lang),
                "href": f"/api/v1/{quote(stream)}/{verb.name}",
            }
            for verb in allowed
        ]
        return {"allowed": may, "refused": refused}

    def history(self, kind: str) -> Answer:
        """Return the answer with everything that happened to one thing, oldest first."""

        def answer(request: Request, actor: Actor) -> Response:
            stream = f"{kind}/{check_id(request.path_params['id'])}"
            asked = Questions(request, dict(PAGE))
            limit = asked.number("limit", LIMIT_MAX, 1, LIMIT_MAX)
            after = asked.number("after", 0, 0, 10**9)
            asked.check()
            entries = self.office.book.stream(stream).entries
            if not entries:
                raise no_such(stream)
            lang = lang_of(request)
            name_of = names_in(self.office, lang)
            kept = {e.seq for e in standing(entries)}
            page = [e for e in entries if e.seq > after][:limit]
            more = page[-1].seq if page and page[-1].seq < entries[-1].seq else None
            items = [line(e, lang, name_of, e.seq in kept) for e in page]
            found = {"stream": stream, "version": entries[-1].seq, "items": items, "next": more}
            return reply(request, found, link(request, more))

        return answer

    # Many things ---------------------------------------------------------------

    def inventory(self, request: Request, actor: Actor) -> Response:
        """List the cards that match, now or at any past date."""
        asked, filters, on, known = self._asked(request, (*PAGE, ("totals", "true：附合计")))
        limit, after = asked.number("limit", LIMIT, 1, LIMIT_MAX), asked.text("after") or None
        with_totals = asked.choice("totals", ("true", "false")) == "true"
        if on and filters.sort == "changed_on":
            asked.fault(
                "sort", "过去的库存不能按变动日期排序", "A past inventory has no last change"
            )
        asked.check()
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
        asked, filters, on, known = self._asked(request, (("by", "、".join(GROUPS)),))
        by = asked.choice("by", GROUPS)
        asked.check()
        found: dict[str, Any] = {"totals": self._totals(actor, filters, on, known)}
        if by and on:
            query = history_.counts_as_of(actor.scope, by, filters, on=on, known=known)
            found["counts"] = [dict(row) for row in self.office.models.rows(query)]
        elif by:
            query = inventory.counts(actor.scope, by, filters)
            found["counts"] = [dict(row) for row in self.office.models.rows(query)]
        return reply(request, found)

    def _totals(self, actor: Actor, filters: Filters, on: str, known: int | None) -> Any:
        if on:
            query = history_.totals_as_of(actor.scope, filters, on=on, known=known)
        else:
            query = inventory.totals(actor.scope, filters)
        return [dict(row) for row in self.office.models.rows(query)]

    def _asked(
        self, request: Request, more: tuple[tuple[str, str], ...]
    ) -> tuple[Questions, Filters, str, int | None]:
        """Read filters and dates; without a date the business date of a past view is open."""
        asked = Questions(request, dict(FILTERS) | dict(more))
        listed = asked.choice("listed", ("true", "false"))
        chosen = {
            name: asked.choice(name, tuple(m.value for m in term)) for name, term in CHOICES.items()
        }
        filters = Filters(
            **{name: asked.text(name) for name in TEXTS},
            **chosen,
            listed=listed == "true" if listed else None,
            sort=asked.choice("sort", SORTS, "asset_no"),
            descending=asked.choice("order", ("asc", "desc")) == "desc",
        )
        on, known_at = asked.day("as_of"), asked.moment("known_at")
        known = self.office.book.position_known(known_at) if known_at else None
        return asked, filters, on or (LATEST if known_at else ""), known

    def cases(self, request: Request, actor: Actor) -> Response:
        """List loans, intakes, reallocations and disposals."""
        asked = Questions(request, dict(CASES))
        kind = asked.choice("kind", cases.KINDS)
        limit, after = asked.number("limit", LIMIT, 1, LIMIT_MAX), asked.text("after") or None
        asked.check()
        query = cases.listing(
            actor.scope,
            kind=kind,
            status=asked.text("status"),
            text=asked.text("text"),
            dataset=asked.text("dataset"),
            after=after,
            limit=limit + 1,
        )
        rows = self.office.models.rows(query)
        order = Filters(sort="changed_on", descending=True)
        more = cursor(rows[limit - 1], order) if len(rows) > limit else None
        found = {"items": [plain(row) for row in rows[:limit]], "next": more}
        return reply(request, found, link(request, more))

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
        rows = [dict(row) for row in self.office.models.rows(query)]
        if on or known_at:
            known = self.office.book.position_known(known_at) if known_at else None
            then = {
                row["id"]: row
                for row in self.office.models.rows(units.names_at(on or LATEST, known))
            }
            rows = [row | dict(then[row["id"]]) for row in rows if row["id"] in then]
        return reply(request, {"items": rows})

    # Labels --------------------------------------------------------------------

    def scan(self, request: Request, actor: Actor) -> Response:
        """Say what a scanned or typed code means, whether it is ours, and which asset it names."""
        asked = Questions(request, {"code": "扫描或键入的内容 · what was scanned or typed"})
        code = asked.text("code")
        if not code and not asked.faults:
            asked.fault("code", "必填", "This is required")
        asked.check()
        lang, read = lang_of(request), identity.parse(code)
        rows = self.office.models.rows(inventory.find(actor.scope, read.id or code))
        found: dict[str, Any] = {
            "kind": read.kind.value,
            "sentence": read.kind.zh if lang == "zh" else read.kind.en,
            "id": read.id,
            "issue": read.issue,
            "items": [plain(row) for row in rows],
        }
        if read.kind in (identity.Kind.OBJECT, identity.Kind.GIAI):
            verdict = self._verdict(read)
            found["signature"] = verdict.value
            found["signature_sentence"] = verdict.zh if lang == "zh" else verdict.en
        return reply(request, found)

    def _verdict(self, read: identity.Scanned) -> identity.Verdict:
        settings = self.office.settings
        if not settings.label_secret:
            return identity.Verdict.UNSIGNED if not read.mac else identity.Verdict.UNKNOWN_KEY
        key = identity.LabelKey(settings.label_key, settings.label_secret)
        return identity.verify(read, identity.KeyRing((key,)))

    def label(self, request: Request, actor: Actor) -> Response:
        """Print the label of an asset as it is now."""
        Questions(request, {}).check()
        id_ = check_id(request.path_params["id"])
        read = self.office.book.stream(f"asset/{id_}")
        if read.version == 0:
            raise no_such(read.name)
        asset: Asset = read.state
        try:
            picture = rest_label.png(self.office, id_, asset, lang_of(request))
        except (identity.BadLabel, face.Unprintable, qr.DoesNotFit) as error:
            said = Words(error.zh, error.en)
            raise problems.Problem(
                409, "label-not-printable", rest_label.NOT_A_LABEL, said
            ) from None
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})

    # The log -------------------------------------------------------------------

    def entries(self, request: Request, actor: Actor) -> Response:
        """Return the entries as they are stored, with their leaf hashes, by position."""
        asked = Questions(request, {"start": "", "limit": ""})
        start = asked.number("start", 1, 1, 10**12 - 1)
        limit = asked.number("limit", 100, 1, LIMIT_MAX)
        asked.check()
        page = next(iter(self.office.book.log.rows(start, start + limit - 1)), [])
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

    def head(self, request: Request, actor: Actor) -> Response:
        """Return size, root and time of the last entry."""
        Questions(request, {}).check()
        size, root, recorded_at = self.office.book.head()
        return reply(request, {"size": size, "root": root.hex(), "recorded_at": recorded_at})


FILTERS = (
    ("text", "查找文字 · words to look for"),
    *((name, "、".join(m.value for m in term)) for name, term in CHOICES.items()),
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
    *PAGE,
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add every question to the routes."""
    reading = Reading(office, callers)
    asked, read = rest_openapi.asked, rest_openapi.read
    many: list[tuple[str, Answer, dict[str, Any]]] = [
        ("/inventory", reading.inventory, read("inventory", "库存", "Inventory", asked(*FILTERS, *PAGE, ("totals", "true：附合计 · with totals")))),
        ("/inventory/totals", reading.totals, read("inventory_totals", "库存合计", "Inventory totals", asked(*FILTERS, ("by", "、".join(GROUPS))))),
        ("/cases", reading.cases, read("cases", "事项", "Cases", asked(*CASES))),
        ("/units", reading.units, read("units", "单位", "Units", asked(AS_OF, KNOWN_AT))),
        ("/places", reading.places, read("places", "地点", "Places", asked(AS_OF, KNOWN_AT))),
        ("/scan", reading.scan, read("scan", "扫描", "Scan", asked(("code", "扫描或键入的内容 · what was scanned or typed")))),
        ("/entries", reading.entries, read("entries", "账本条目原文", "Entries as stored", asked(("start", "起始位置 · first position"), ("limit", f"1–{LIMIT_MAX}")))),
        ("/assets/{id}/label.png", reading.label, read("asset_label", "资产标签", "Label of an asset", [rest_openapi.id_of("asset")], media="image/png")),
    ]  # fmt: skip
    for kind, life in LIFECYCLES.items():
        id_, zh, en = rest_openapi.id_of(kind), life.words.zh, life.words.en
        many += [
            (f"/{kind}/{{id}}", reading.thing(kind), read(f"{kind}_state", f"{zh}现状", f"{en}: state", [id_, *asked(AS_OF, KNOWN_AT)])),
            (f"/{kind}/{{id}}/history", reading.history(kind), read(f"{kind}_history", f"{zh}历史", f"{en}: history", [id_, *asked(*PAGE)])),
        ]  # fmt: skip
    for path, answer, published in many:
        routes.add_api_route(
            path, reading.endpoint(answer), methods=["GET"], response_model=None, **published
        )
    once = read("head", "账本的条数与树根", "Size and root of the log", [])
    # The description learns here what a problem looks like and how a caller is known.
    once["responses"][401]["model"] = rest_openapi.Problem
    routes.add_api_route(
        "/head",
        reading.endpoint(reading.head),
        methods=["GET"],
        response_model=None,
        dependencies=rest_openapi.SCHEMES,
        **once,
    )


# How it is answered -------------------------------------------------------------


def names_in(office: Office, lang: Lang) -> NameOf:
    """Return a function from kind and id to the name that people know now."""
    known: dict[str, str] = {}
    people: dict[str, str] = {}

    def name_of(kind: str, id_: str) -> str:
        if kind == "person":
            if id_ not in people:
                people[id_] = office.accounts.name_of(id_, lang)
            return people[id_]
        if kind in ("unit", "place"):
            if not known:
                known.update(
                    (row["id"], (row["name_en"] if lang == "en" else "") or row["name"])
                    for row in office.models.rows(units.names_now())
                )
            return known.get(id_, id_)
        return id_

    return name_of


def line(entry: Entry, lang: Lang, name_of: NameOf, stands: bool) -> dict[str, Any]:
    """Return one entry as a history line."""
    beside = entry.beside
    return {
        "position": entry.position,
        "seq": entry.seq,
        "type": entry.event.type_name,
        "effective_at": entry.effective_at,
        "effective_on": entry.effective_on,
        "dated": beside.dated or None,
        "recorded_at": entry.recorded_at,
        "actor": entry.actor,
        "actor_name": name_of("person", entry.actor),
        "via": beside.via,
        "cause": entry.cause,
        "corrects": entry.corrects,
        "stands": stands,
        "sentence": tell(entry.event, lang, name_of),
        "body": entry.event,
        "docs": beside.docs,
    }


def plain(row: Any) -> dict[str, Any]:
    """Return a row without the columns that only queries need."""
    return {name: value for name, value in row.items() if name != "search"}


def no_such(stream: str) -> problems.Problem:
    """Return that nothing was ever recorded under this name."""
    words = LIFECYCLES[stream.split("/", 1)[0]].words
    said = Words(
        f"没有{words.zh} {stream}；请检查编号，或用 /api/v1/scan?code= 查找。",
        f"There is no {stream}; check its id, or look it up with /api/v1/scan?code=.",
    )
    return problems.Problem(404, "no-such-record", problems.NOT_FOUND, said, stream=stream)


def link(request: Request, more: str | int | None, name: str = "after") -> dict[str, str]:
    """Return the header that leads to the next page."""
    if more is None:
        return {}
    asked = dict(request.query_params) | {name: str(more)}
    return {"Link": f'<{request.url.path}?{urlencode(asked)}>; rel="next"'}


def reply(
    request: Request, found: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a question; nothing of it may be kept by a cache."""
    said = {"Cache-Control": "no-store", "Content-Language": lang_of(request)}
    return Response(encode(found), 200, said | dict(headers or {}), media_type="application/json")
