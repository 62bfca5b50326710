"""For auditors' programs, under /audit/v1: what changed, and every event behind a figure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import changing, cli_questions, finding, problems, rest_openapi
from api.forms import Malformed
from api.office import Actor, Office
from api.pages_telling import tell
from api.parameters import choice, cursor, day, knowing, last, number, text
from api.replays import Replays
from api.rest_answers import Answer, link, names_then, plain, reply
from api.rest_caller import Callers, body_of, check_id, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import Kind
from domain.audit_reads import Question
from domain.values import ID
from domain.words import Words
from ledger.findings import CHECKS, LATE_DAYS
from ledger.questions import PICKED, five
from projections import reads
from projections.changes import FIGURES, Only, Span

TAG = Words("审计", "Audit")
SPAN = (
    day("from", "期初日（业务日期） · opening, at the end of this business date"),
    day("to", "期末日（业务日期） · closing, at the end of this business date"),
    knowing("known_from", "期初已知于（UTC，或账本条数）· what was known when the opening was told, a time or a size of the log; as known_to if absent"),
    knowing("known_to", "期末已知于（UTC，或账本条数）· what was known when the closing was told; now if absent"),
)  # fmt: skip
ONLY = (
    text("unit", "入账单位 · accounting unit"),
    choice("kind", "类别 · kind", Kind),
    text("currency", "币种 · currency"),
    text("dataset", "数据来源 · data set"),
)
LIMIT = number(
    "limit", "至多几项 · how many at most", 1, changing.PAGE_ROWS_MAX, changing.PAGE_ROWS
)
EVENTS = (
    choice(
        "figure",
        "哪一列 · which figure",
        FIGURES,
        required=Words("须写明是哪一列", "Say which figure"),
    ),
    LIMIT,
    cursor(),
)


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """Up to which size of the log to replay; None is all of it."""

    size: Annotated[int, Meta(ge=0)] | None = None


REPLAY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "size": {"type": "integer", "minimum": 0, "title": "重放到第几条 · up to this size"}
    },
}
FIVE = (
    text("seed", "抽样种子 · the same seed picks the same disposals"),
    number("pick", "抽取件数 · how many", 1, cli_questions.PIECES_MAX, PICKED),
)
UNIT = {
    "name": "unit",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": ID},
    "description": "单位标识 · unit id",
}
FINDINGS = (
    choice("check", "哪一项疑点 · which check", CHECKS),
    number(
        "late_days",
        "晚于多少天算迟记 · days after which an entry is late",
        0,
        finding.LATE_DAYS_MAX,
        LATE_DAYS,
    ),
    LIMIT,
    number("after", "续页标记 · cursor", 0, 10**9),
)

READS = (
    text("reader", "查阅人 · reader"),
    text("unit", "查阅人的单位 · unit of the reader"),
    choice("question", "问了什么 · what was asked", Question),
    text("about", "种类/编号 · kind/id of what was read"),
    day("from", "自此日 · from this day on"),
    day("to", "至此日 · up to this day"),
    text("text", "事由或对象中的文字 · words of the purpose or of what was read"),
    LIMIT,
    last(),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the questions of this module to the routes under /audit/v1."""
    doors = Doors(office)
    read, asked = rest_openapi.read, rest_openapi.asked
    published: list[tuple[str, Answer, dict[str, Any]]] = [
        ("/changes", doors.changes, read("audit_changes", "两日之间的变动", "What changed between two dates", asked(*SPAN, *ONLY), tag=TAG)),
        ("/changes/events", doors.events, read("audit_change_events", "变动表一个数字的全部事件", "The events that a figure is the sum of", asked(*SPAN, *ONLY, *EVENTS), tag=TAG)),
        ("/periods/{unit}", doors.periods, read("audit_periods", "一个单位已结账的期间", "The closed periods of a unit", [UNIT], tag=TAG)),
        ("/five-questions", doors.five_questions, read("audit_five_questions", "审计五问，由条目回答", "The auditor's five questions, answered from entries", asked(*FIVE), tag=TAG, troubles=(401, 403, 422, 503))),
        ("/findings", doors.findings, read("audit_findings", "审计疑点（由条目重新算出）", "Standing findings, from entries alone", asked(*FINDINGS), tag=TAG, troubles=(401, 403, 422, 503))),
        ("/reads", doors.reads, read("audit_reads", "查阅记录：谁看过什么", "Who looked at what", asked(*READS), tag=TAG, troubles=(401, 403, 422, 503))),
    ]  # fmt: skip
    for path, answer, said in published:
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **said
        )
    replay_id = UNIT | {"name": "id", "description": "重放任务标识 · id of the replay"}
    routes.add_api_route(
        "/replays/{id}",
        endpoint_of(callers, doors.replay),
        methods=["GET"],
        response_model=None,
        **read("audit_replay", "一次重放的进度与结果", "How far a replay is and what it came to", [replay_id], tag=TAG, troubles=(401, 403, 404, 422, 503)),
    )  # fmt: skip
    started = read("audit_start_replay", "重放到某一条并与现有列表比较", "Replay to a size, compare with the live lists", [], tag=TAG, troubles=(400, 401, 403, 409, 413, 415, 422, 503))  # fmt: skip
    started["responses"][202] = {
        "description": "正在进行；到 Location 查看 · Running; see Location"
    }
    started["openapi_extra"]["requestBody"] = {"content": {"application/json": {"schema": REPLAY}}}

    async def start(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(doors.start_replay, request, body, callers)

    routes.add_api_route("/replays", start, methods=["POST"], response_model=None, **started)


class Doors:
    """The answers of an office to auditors' programs."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.replays = Replays(office)

    def start_replay(self, request: Request, body: bytes, callers: Callers) -> Response:
        """Begin a replay; answer with what it came to, or where to look for it."""
        if callers.actor(request).role not in finding.READERS:
            raise problems.plain(403)
        try:
            asked = msgspec.json.decode(body or b"{}", type=Asked)
        except msgspec.MsgspecError as error:
            raise Malformed(Words(f"正文有误：{error}", f"The body is wrong: {error}")) from error
        job = self.replays.start(asked.size)
        where = {"Location": f"/audit/v1/replays/{job.id}"}
        answer = reply(request, job.status(), where)
        answer.status_code = 200 if job.over.is_set() else 202
        return answer

    def replay(self, request: Request, actor: Actor) -> Response:
        """Answer how far a replay is, or with every list and how it compares."""
        if actor.role not in finding.READERS:
            raise problems.plain(403)
        Questions(request, ()).check()
        return reply(request, self.replays.find(check_id(request.path_params["id"])).status())

    def changes(self, request: Request, actor: Actor) -> Response:
        """Answer with the statement and its sum per currency."""
        asked = Questions(request, (*SPAN, *ONLY))
        span, only = self._asked(asked, actor)
        lines = changing.statement(self.office, actor.scope, span, only)
        found = {"span": span, "lines": lines, "totals": changing.totals(lines)}
        return reply(request, found)

    def events(self, request: Request, actor: Actor) -> Response:
        """Answer with the events of one figure, a page at a time."""
        asked = Questions(request, (*SPAN, *ONLY, *EVENTS))
        what = asked.choice("figure")
        limit = asked.number("limit")
        span, only = self._asked(asked, actor)
        found, more = changing.movements(
            self.office, actor.scope, span, what, only,
            after=asked.text("after") or None, limit=limit,
        )  # fmt: skip
        lang = lang_of(request)
        names = names_then(self.office, lang)
        items = [
            {
                "position": entry.position,
                "stream": entry.stream,
                "seq": entry.seq,
                "type": entry.event.type_name,
                "effective_on": entry.effective_on,
                "recorded_at": entry.recorded_at,
                "unit": row["unit"],
                "kind": row["kind"],
                "currency": row["currency"],
                "count": int(row["n"]),
                "value": int(row["v"]),
                "sentence": tell(entry.event, lang, names(entry.effective_on)),
            }
            for row, entry in found
        ]
        return reply(request, {"items": items, "next": more}, link(request, more))

    def periods(self, request: Request, actor: Actor) -> Response:
        """Answer with the closed periods of a unit, each with its statement as it was closed."""
        Questions(request, ()).check()
        unit = check_id(request.path_params["unit"])
        found = [
            {
                "since": close.start,
                "until": close.until,
                "known_from": close.then,
                "known_to": close.position,
                "closed_by": close.actor,
                "closed_at": close.recorded_at,
                "checkpoint": self.office.proving.covering(close.position),
                "lines": changing.statement(self.office, actor.scope, close.span, Only(unit=unit)),
            }
            for close in changing.closes(self.office, unit)
        ]
        return reply(request, {"unit": unit, "periods": found})

    def five_questions(self, request: Request, actor: Actor) -> Response:
        """Answer the five questions, each with the entries it rests on."""
        if actor.role not in finding.READERS:
            raise problems.plain(403)
        asked = Questions(request, FIVE)
        seed, pick = asked.text("seed"), asked.number("pick")
        asked.check()
        sample, answers = five(self.office.book, seed=seed, picked=pick)
        return reply(request, cli_questions.told(sample, answers))

    def findings(self, request: Request, actor: Actor) -> Response:
        """Answer with what there is to ask about, counted in full, a page at a time."""
        if actor.role not in finding.READERS:
            raise problems.plain(403)
        asked = Questions(request, FINDINGS)
        check = asked.choice("check")
        late_days = asked.number("late_days")
        limit = asked.number("limit")
        after = asked.number("after")
        asked.check()
        lang = lang_of(request)
        told = finding.found(self.office, late_days)
        names = names_then(self.office, lang)
        mine = [f for f in told.found if check in ("", f.check)]
        more = after + limit if len(mine) > after + limit else None
        items = [
            {
                "check": f.check,
                "title": finding.title(f.check, lang),
                "note": CHECKS[f.check].note,
                "position": f.position or None,
                "stream": f.stream,
                "on": f.on,
                "sentence": finding.sentence(f, lang, names(f.on or told.today)),
                "law": finding.law(f.check, lang),
                "details": f.details,
            }
            for f in mine[after : after + limit]
        ]
        said = {
            "size": told.size,
            "today": told.today,
            "late_days": told.late_days,
            "counts": told.counts,
            "grave": told.grave,
            "items": items,
            "next": None if more is None else str(more),
        }
        return reply(request, said, link(request, more))

    def reads(self, request: Request, actor: Actor) -> Response:
        """Answer with what was read by whom, the latest first, a page at a time."""
        if actor.role not in finding.READERS:
            raise problems.plain(403)
        asked = Questions(request, READS)
        limit = asked.number("limit")
        given = {name: asked.text(name) for name in ("reader", "unit", "about", "text")}
        given["question"] = asked.choice("question")
        given |= {"from": asked.day("from"), "to": asked.day("to")}
        asked.check()
        query = reads.listing(given, after=asked.text("after") or None, limit=limit + 1)
        rows = self.office.models.rows(query)
        more = str(rows[limit - 1]["id"]) if len(rows) > limit else None
        found = {"items": [plain(row) for row in rows[:limit]], "next": more}
        return reply(request, found, link(request, more))

    def _asked(self, asked: Questions, actor: Actor) -> tuple[Span, Only]:
        first, last = changing.year_so_far(self.office.today(actor.zone))
        start, end = asked.day("from") or first, asked.day("to") or last
        then, known = asked.knowing("known_from"), asked.knowing("known_to")
        only = Only(
            unit=asked.text("unit"),
            kind=asked.choice("kind"),
            currency=asked.text("currency"),
            dataset=asked.text("dataset"),
        )
        fault = changing.wrong(start, end, then, known)
        if fault is not None:
            asked.fault(fault[0], fault[1].zh, fault[1].en)
        asked.check()
        return changing.span_of(self.office, start, end, then, known), only
