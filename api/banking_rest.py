"""Reconciliation for programs: a file taken in, what waits and is proposed, proposals taken as they stand.

Matching by hand, undoing and setting aside are steps of the statement like all others
(`POST /statement/{id}/match_entry`); what was proposed at that moment is kept with them.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import banking, problems, rest_openapi
from api.banking import Bench, NoSuch, Proposed, Row
from api.filing_rest import raw
from api.office import Actor, Office
from api.parameters import number, text
from api.reading_problems import Unreadable
from api.rest_answers import no_such, reply
from api.rest_caller import Callers, check_id, how, key_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.words import Words

TAG: Final = Words("银行对账", "Bank reconciliation")
NAME: Final = text("name", "文件名 · what to call the file")
ACCOUNT: Final = text("account", "表格未写账号时 · whose it is, where no line says")
KEYS: Final = text(
    "keys", "建议的编号，逗号分隔；settled 表示全部可直接记账的 · keys, or `settled`"
)
VOUCHER: Final = text("voucher", "缴款书号 · voucher of a remittance not on record")
UNREADABLE: Final = Words("对账单未导入", "The statement is not taken in")
STALE: Final = Words("没有这条建议，或已变化。", "There is no such proposal any more.")
UNIT: Final = rest_openapi.id_of("bank")
ROWS_MAX: Final = 5_000
LIMIT: Final = number("limit", "至多几项 · how many at most", 1, ROWS_MAX, 1_000)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""

    def bench(request: Request) -> Bench:
        unit = check_id(request.path_params["id"])
        if not office.book.stream(f"unit/{unit}").entries:
            raise no_such(f"unit/{unit}")
        return office.banking.bench(unit)

    def waiting(request: Request, _: Actor) -> Response:
        asked = Questions(request, [LIMIT])
        limit = asked.number("limit")
        asked.check()
        return reply(request, told(bench(request), limit))

    def take(request: Request, content: bytes) -> Response:
        actor, key = callers.actor(request), key_of(request)
        asked = Questions(request, [NAME, ACCOUNT])
        name, account = asked.text("name"), asked.text("account")
        asked.check()
        unit = bench(request).unit
        try:
            plans = office.banking.plans(unit, content, name or "statement", account=account)
        except Unreadable as error:
            said = Words(error.in_chinese(), error.in_english())
            raise problems.Problem(422, "statement-not-taken", UNREADABLE, said) from None
        asks, seen, kept = banking.taking(plans, content, name or "statement")
        if asks:
            via: dict[str, Any] = dict(how(request))
            office.ask_many(asks, actor, key=key, seen=seen, evidence=kept, **via)
        return reply(request, {"statements": [brought(plan) for plan in plans]})

    def accept(request: Request, _: bytes) -> Response:
        actor, key = callers.actor(request), key_of(request)
        asked = Questions(request, [KEYS, VOUCHER])
        keys, voucher = asked.text("keys"), asked.text("voucher")
        asked.check()
        here = bench(request)
        named = [one.strip() for one in keys.split(",") if one.strip()]
        if named == ["settled"]:
            named = here.settled
        try:
            asks = office.banking.accepting(here.unit, named, dict.fromkeys(named, voucher))
        except NoSuch:
            raise problems.Problem(409, "proposal-changed", STALE, STALE) from None
        if asks:
            via: dict[str, Any] = dict(how(request))
            office.ask_many(asks, actor, key=key, **via)
        return reply(request, {"accepted": named, "recorded": len(asks)})

    async def taking(request: Request) -> Response:
        return await run_in_threadpool(take, request, await raw(request))

    async def accepting(request: Request) -> Response:
        return await run_in_threadpool(accept, request, await raw(request))

    routes.add_api_route(
        "/reconciliation/{id}",
        endpoint_of(callers, waiting),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "reconciliation",
            "待核对的条目与建议",
            "Entries that wait, and what is proposed",
            [UNIT, *rest_openapi.asked(LIMIT)],
            tag=TAG,
        ),
    )
    for ending, endpoint, operation, zh, en, questions in (
        ("statements", taking, "take_statement_file", "导入对账单文件", "Take a statement file in", (NAME, ACCOUNT)),
        ("accept", accepting, "accept_proposals", "按建议记账", "Take proposals as they stand", (KEYS, VOUCHER)),
    ):  # fmt: skip
        published = rest_openapi.upload(operation, zh, en, [UNIT], questions[0], TAG)
        published["openapi_extra"]["parameters"][2:2] = rest_openapi.asked(*questions[1:])
        routes.add_api_route(
            f"/reconciliation/{{id}}/{ending}",
            endpoint,
            methods=["POST"],
            response_model=None,
            **published,
        )


def brought(plan: banking.Plan) -> dict[str, Any]:
    """Return what one statement of a file brought."""
    seen = plan.seen
    return {
        "statement": plan.known_as or seen.statement,
        "account": seen.account,
        "since": seen.since,
        "until": seen.until,
        "in_file": seen.in_file,
        "added": len(seen.entries) if plan.adds else 0,
        "known": seen.known if plan.adds else seen.in_file,
        "proof": seen.proof.value,
        "sha256": seen.file,
    }


def told(bench: Bench, limit: int) -> dict[str, Any]:
    """Return what waits in a unit; amounts in the smallest unit of the currency."""
    shown = bench.waiting[:limit]
    refs = {row.ref for row in shown}
    return {
        "entries_in_all": len(bench.rows),
        "explained": len(bench.rows) - len(bench.waiting),
        "open": bench.open_money,
        "entries": [entry(row) for row in shown],
        "proposals": [proposal(one) for one in bench.proposed if not refs.isdisjoint(one.lines)],
    }


def entry(row: Row) -> dict[str, Any]:
    """Return one entry as programs read it."""
    return {
        "ref": row.ref,
        "statement": row.statement,
        "entry": row.no,
        "account": row.account,
        "booked": row.held.booked,
        "amount": row.held.amount,
        "open": row.held.open,
        "currency": row.currency,
        "counts": row.counts.value,
        "payer": row.payer,
        "text": row.text,
        "references": row.references,
        "closed": row.closed,
        "late": row.late,
    }


def proposal(one: Proposed) -> dict[str, Any]:
    """Return one proposal with its reasons."""
    finding = one.finding
    return {
        "key": one.key,
        "kind": finding.kind.value,
        "by": finding.by.value,
        "score": one.score,
        "settled": finding.settled,
        "ready": one.ready,
        "entries": one.lines,
        "dues": one.dues,
        "parts": {
            line: [{"due": p.due, "amount": p.amount, "counts": p.counts.value} for p in parts]
            for line, parts in one.parts.items()
        },
        "agreed": finding.agreed,
        "differs": finding.differs,
        "others": finding.others,
    }
