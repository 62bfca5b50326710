"""Every verb as a route of its own, made from its declaration; and the reversal of an entry."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import forms, problems, rest_openapi
from api.clerk import Clerks
from api.forms import Fault, Given, Invalid
from api.office import Actor, Office
from api.pages_telling import tell
from api.proving_again import refuse_unproven
from api.rest_answers import NameOf, encode, names_in
from api.rest_caller import (
    Callers,
    body_of,
    check_id,
    expected_of,
    how,
    id_from,
    key_of,
    lang_of,
    made_id,
    no_such,
)
from domain.decider import LIFECYCLES, Document, Lang, Refused, Verb
from domain.words import Words
from ledger.act import Conflict, Receipt
from ledger.entry import Draft, Entry

Endpoint = Callable[[Request], Awaitable[Response]]
DRY_RUN = Words("dry_run 须为 true 或 false。", "dry_run is true or false.")
REASON = Words(
    "须写明红冲原因，1 至 2000 个字符的文本。", "Say why, in a text of 1 to 2000 characters."
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add a route for every verb that a door may ask, and one for reversals."""
    clerks = Clerks(office)
    # The description learns once what is answered; the framework's own way, route by route, took
    # most of the time in which a server starts.
    learnt = False
    for kind, life in LIFECYCLES.items():
        for verb in life.verbs.values():
            if verb.inner:
                continue
            published = rest_openapi.verb(verb)
            if not learnt:
                both = rest_openapi.Recorded | rest_openapi.Foretold
                published["responses"][200]["model"] = both
                learnt = True
            routes.add_api_route(
                f"/{kind}/{{id}}/{verb.name}",
                verb_route(office, callers, clerks, verb),
                methods=["POST"],
                response_model=None,
                **published,
            )
        published = rest_openapi.reversal(kind)
        routes.add_api_route(
            f"/{kind}/{{id}}/entries/{{seq}}/reverse",
            reversal_route(office, callers, kind),
            methods=["POST"],
            response_model=None,
            **published,
        )


def verb_route(office: Office, callers: Callers, clerks: Clerks, verb: Verb) -> Endpoint:
    """Return the endpoint of one verb."""

    def ask(request: Request, body: bytes) -> tuple[int, Callable[[], Response]]:
        actor, dry = callers.actor(request, begins=True), dry_run(request)
        key = "" if dry else key_of(request)
        id_ = check_id(request.path_params["id"])
        stream = f"{verb.kind}/{made_id(actor, key) if id_ == 'new' else id_}"
        given = forms.parse_json(verb, body)
        if request.state.taken:
            return 0, partial(as_of_none, office, request, actor, stream, verb, given, dry=dry)
        if dry:
            return 0, partial(previewed, office, request, actor, stream, verb, given)
        expected = expected_of(request, stream)
        try:
            refuse_unproven(
                office,
                actor,
                request.state.proven_at,
                [(stream, verb.name, given.form)],
                on=given.on,
                docs=given.docs,
            )
            receipt = office.ask(
                stream,
                verb.name,
                given.form,
                actor,
                on=given.on,
                docs=given.docs,
                key=key,
                expected=expected,
                shown=False,
                **how(request),
            )
        except Refused as refused:
            raise unknown(refused, stream) or refused from None
        return receipt.last, partial(recorded, office, request, receipt, stream)

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        if not callers.knows(request):  # a password is slow to check, and others wait to write
            await run_in_threadpool(callers.actor, request, begins=True)
        return await clerks.do(partial(ask, request, body))

    return endpoint


def dry_run(request: Request) -> bool:
    """Tell whether the caller only wants to know what would be recorded; raise Problem 400."""
    asked = request.query_params.get("dry_run", "false")
    if asked not in ("true", "false"):
        raise problems.plain(400, DRY_RUN, "bad-dry-run")
    return asked == "true"


def previewed(
    office: Office, request: Request, actor: Actor, stream: str, verb: Verb, given: Given
) -> Response:
    """Answer with what would be recorded, and with what whoever asks should read first."""
    lang = lang_of(request)
    asked = [(stream, verb.name, given.form)]
    try:
        drafts = office.preview(asked, actor, on=given.on, docs=given.docs)
    except Refused as refused:
        raise unknown(refused, stream) or refused from None
    told = told_of(drafts, lang, names_in(office, lang))
    answer = {"dry_run": True, "stream": stream, "warnings": warnings(told), "entries": told}
    headers = {"Content-Language": lang, "X-Request-ID": problems.request_id(request)}
    return Response(encode(answer), 200, headers, media_type="application/json")


def as_of_none(
    office: Office,
    request: Request,
    actor: Actor,
    stream: str,
    verb: Verb,
    given: Given,
    *,
    dry: bool,
) -> Response:
    """Answer who would begin a stream that is there, and that they may not see, as if it were not.

    Else what is there could be told by trying, without a trace. What would be recorded is not: an
    attempt that succeeds elsewhere is on the record with the name of whoever tried.
    """
    other = f"{verb.kind}/{id_from(secrets.token_hex())}"
    try:
        answer = previewed(office, request, actor, other, verb, given)
    except Refused as refused:
        if refused.stream == other:
            refused.stream = stream
        raise
    if not dry:
        raise no_such(stream)
    body = bytes(answer.body).replace(other.encode(), stream.encode())
    headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
    return Response(body, 200, headers)


def told_of(
    entries: Iterable[Draft | Entry], lang: Lang, name_of: NameOf, first: int | None = None
) -> list[dict[str, Any]]:
    """Return entries in words; `warns` marks what whoever asks should read."""
    return [
        ({} if first is None else {"position": first + number})
        | {
            "stream": e.stream,
            "seq": e.seq,
            "type": e.event.type_name,
            "effective_on": e.effective_at[:10],
            "sentence": tell(e.event, lang, name_of),
        }
        | ({"warns": True} if e.event.warns else {})
        for number, e in enumerate(entries)
    ]


def warnings(told: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the sentences of a request that warn whoever asks."""
    return [line["sentence"] for line in told if line.get("warns")]


def reversal_route(office: Office, callers: Callers, kind: str) -> Endpoint:
    """Return the endpoint that takes back an entry with all that its request wrote."""

    def reverse(request: Request, body: bytes) -> Response:
        actor, key = callers.actor(request), key_of(request)
        stream = f"{kind}/{check_id(request.path_params['id'])}"
        seq = request.path_params["seq"]
        if not seq.isascii() or not seq.isdigit() or len(seq) > 9:
            raise problems.plain(404)
        reason, docs = _reason(body)
        expected = expected_of(request, stream)
        if expected is not None:
            _unchanged(office, actor, stream, key, expected[stream])
        receipt = office.reverse(
            stream, int(seq), actor, reason=reason, key=key, docs=docs, **how(request)
        )
        return recorded(office, request, receipt, stream)

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(reverse, request, body)

    return endpoint


def _reason(body: bytes) -> tuple[str, tuple[Document, ...]]:
    """Read why an entry is taken back, and the papers; raise Invalid with all faults."""
    given = forms.load(body)
    reason = given.pop("reason", None)
    faults: list[Fault] = []
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= 2_000:
        faults.append(Fault("reason", REASON))
        reason = ""
    docs = forms.papers(given, faults)
    if faults:
        raise Invalid(faults)
    return reason.strip(), docs


def _unchanged(office: Office, actor: Actor, stream: str, key: str, expected: int) -> None:
    """Raise Conflict when others wrote the stream since; our own repeated request did not."""
    current = office.book.stream(stream)
    if current.version == expected:
        return
    after = next((e for e in current.entries if e.seq == expected + 1), None)
    command = office.book.log.command(after.position) if after else None
    if command is None or (command[3], command[4]) != (actor.person, key):
        raise Conflict(stream, expected, current.version)


def unknown(refused: Refused, stream: str) -> problems.Problem | None:
    """Return that there is no such record, when the thing asked about has no history at all."""
    life = LIFECYCLES[stream.split("/", 1)[0]]
    if refused.stream != stream or refused.state is None or refused.state != life.state():
        return None
    if refused.rule.holds is None:  # the details were wrong, or the role: it could have begun
        return None
    said = Words(
        f"没有{life.words.zh} {stream}。{refused.sentence('zh')}",
        f"There is no {stream}. {refused.sentence('en')}",
    )
    return problems.Problem(404, "no-such-record", problems.NOT_FOUND, said, stream=stream)


def recorded(office: Office, request: Request, receipt: Receipt, stream: str) -> Response:
    """Answer with what was recorded: the same for the first request and for every repetition."""
    lang = lang_of(request)
    entries = office.book.written(receipt)
    name_of = names_in(office, lang)
    version = max((e.seq for e in entries if e.stream == stream), default=0)
    told = told_of(entries, lang, name_of, receipt.first)
    answer: dict[str, Any] = {
        "stream": stream,
        "version": version,
        "cause": receipt.cause,
        "first": receipt.first,
        "last": receipt.last,
        "recorded_at": receipt.recorded_at,
        "warnings": warnings(told),
        "entries": told,
    }
    headers = {
        "ETag": f'"{version}"',
        "Location": f"/api/v1/{quote(stream)}",
        "Content-Language": lang,
        "X-Request-ID": problems.request_id(request),
    }
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(encode(answer), 200, headers, media_type="application/json")
