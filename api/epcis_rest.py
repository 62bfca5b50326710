"""The EPCIS 2.0 door: what happened to assets, as events that other systems understand.

A subset of the query interface (REST bindings §12): type, action, step, disposition, identity and
time, a page at a time, in the order of recording.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import epcis_counts, problems, rest_openapi
from api.captures import Job
from api.office import Actor, Office
from api.readings_rest import observer, unpacked
from api.rest_answers import Answer, encode, reply
from api.rest_caller import BODY_BYTES_MAX, Callers, body_of, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import lifecycle
from domain.decider import EntryReversed, Lang
from domain.words import Words
from labels import epcis
from labels.epcis_checking import EVENTS_MAX
from labels.epcis_hash import canonical
from ledger.entry import Entry, standing

PAGE, PAGE_MAX = 30, 1_000
BEHAVIOUR: Final = Words(
    "请求头 GS1-Capture-Error-Behaviour 须为 rollback 或 proceed。",
    "GS1-Capture-Error-Behaviour must be rollback or proceed.",
)
SCANNED_MAX: Final = 20_000  # entries looked at for one page; then the page ends, and leads on
ASKED: Final = (
    ("eventType", "ObjectEvent"),
    ("EQ_action", "ADD|OBSERVE|DELETE"),
    ("EQ_bizStep", "CBV"),
    ("EQ_disposition", "CBV"),
    ("MATCH_epc", "资产标识 · identity of an asset"),
    ("GE_eventTime", "不早于 · not before"),
    ("LT_eventTime", "早于 · before"),
    ("perPage", f"1–{PAGE_MAX}"),
    ("nextPageToken", "续页标记 · cursor"),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of EPCIS."""
    routes.add_api_route(
        "/events",
        endpoint_of(callers, queried(office)),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "epcis_events", "EPCIS事件", "EPCIS events", rest_openapi.asked(*ASKED)
        ),
    )

    routes.add_api_route(
        "/capture",
        _captured(office, callers),
        methods=["POST"],
        response_model=None,
        status_code=202,
        **_published_capture(),
    )
    job = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    for path, answer, zh, en in (
        ("/capture/{id}", _job(office), "接收结果", "What became of a document"),
        ("/capture/{id}/events", _kept(office), "所接收的事件", "The events that were kept"),
    ):
        routes.add_api_route(
            path,
            endpoint_of(callers, answer),
            methods=["GET"],
            response_model=None,
            **rest_openapi.read(
                f"epcis_job{'_events' if path.endswith('events') else ''}", zh, en, [job]
            ),
        )


def _captured(office: Office, callers: Callers) -> Any:
    """Return the endpoint that takes a document in; it is done when it answers."""

    def work(request: Request, body: bytes) -> Response:
        actor = observer(callers.actor(request))
        behaviour = request.headers.get("gs1-capture-error-behaviour", "rollback").lower()
        if behaviour not in ("rollback", "proceed"):
            raise problems.plain(400, BEHAVIOUR, "bad-behaviour")
        try:
            document = msgspec.json.decode(unpacked(request, body))
        except msgspec.DecodeError:
            raise problems.plain(400) from None
        job = office.captures.capture(document, actor.person, behaviour=behaviour)
        headers = {
            "Location": f"/epcis/capture/{job.id}",
            "GS1-EPCIS-Capture-Limit": str(EVENTS_MAX),
            "GS1-EPCIS-Capture-File-Size-Limit": str(BODY_BYTES_MAX),
        }
        return Response(encode(_job_told(job, lang_of(request))), 202, headers, media_type="application/json")  # fmt: skip

    async def endpoint(request: Request) -> Response:
        body = await body_of(request, media=("application/json", "application/ld+json"))
        return await run_in_threadpool(work, request, body)

    return endpoint


def _job_told(job: Job, lang: Lang) -> dict[str, Any]:
    """Return a job as the standard tells it (EPCIS 2.0 REST bindings, EPCISCaptureJob)."""
    errors = [
        {"type": "epcisException:ValidationException", "title": one["path"], "detail": one[lang]}
        for one in job.errors
    ]
    return {
        "captureID": job.id,
        "createdAt": job.created_at,
        "finishedAt": job.created_at,
        "running": False,
        "success": job.success,
        "captureErrorBehaviour": job.behaviour,
        "errors": errors,
        "kept": job.kept,
        "repeated": job.repeated,
    }


def _found(office: Office, request: Request) -> Job:
    Questions(request, {}).check()
    job = office.captures.job(request.path_params["id"][:64])
    if job is None:
        raise problems.plain(404)
    return job


def _job(office: Office) -> Answer:
    def answer(request: Request, _: Actor) -> Response:
        return reply(request, _job_told(_found(office, request), lang_of(request)))

    return answer


def _kept(office: Office) -> Answer:
    def answer(request: Request, _: Actor) -> Response:
        return reply(request, {"eventList": office.captures.events(_found(office, request).id)})

    return answer


def _published_capture() -> dict[str, Any]:
    described = rest_openapi.read("epcis_capture", "接收EPCIS事件", "Capture EPCIS events", [], troubles=(400, 401, 403, 413, 415, 503))  # fmt: skip
    described["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {"application/ld+json": {"schema": {"type": "object"}}},
    }
    described["responses"][202] = described["responses"].pop(200)
    return described


def queried(office: Office) -> Answer:
    """Return the answer with a page of events as an EPCIS query document."""

    def answer(request: Request, _: Actor) -> Response:
        asked = Questions(request, dict(ASKED))
        limit = asked.number("perPage", PAGE, 1, PAGE_MAX)
        start, skip = _place(asked.text("nextPageToken"))
        if asked.text("nextPageToken") and not start:
            asked.fault("nextPageToken", "不是有效的续页标记", "This is no token of ours")
        since, until = asked.moment("GE_eventTime"), asked.moment("LT_eventTime")
        asked.check()
        wanted = {name: asked.text(name) for name, _ in ASKED}
        found: list[dict[str, Any]] = []
        more = ""
        position = start or 1
        for position, number, event in exported(office, start=start or 1, most=SCANNED_MAX):
            if (position, number) < (start or 1, skip):
                continue
            if len(found) == limit:
                more = _token(position, number)
                break
            if event is not None and fits(event, wanted, since, until):
                found.append(event)
        else:
            if position < office.book.head()[0]:
                more = _token(position + 1, 0)
        host, now = office.settings.label_host, office.book.clock().astimezone(UTC)
        told = epcis.document(found, host, _stamp(now))
        told["type"] = "EPCISQueryDocument"
        results = {"queryName": "SimpleEventQuery", "resultsBody": told.pop("epcisBody")}
        told["epcisBody"] = {"queryResults": results}
        headers = {
            "GS1-EPCIS-Version": "2.0.0",
            "GS1-CBV-Version": "2.0.0",
            "Cache-Control": "no-store",
            "Content-Language": lang_of(request),
        }
        if more:
            query = dict(request.query_params) | {"nextPageToken": more}
            headers["Link"] = f'<{request.url.path}?{urlencode(query)}>; rel="next"'
        return Response(encode(told), 200, headers, media_type="application/ld+json")

    return answer


def exported(
    office: Office, *, start: int = 1, most: int | None = None
) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
    """Yield position, number and event of what happened to things, in the order of recording.

    An entry without event yields None once, so that whoever pages knows how far it came. What was
    taken back is told again at the place of its reversal, with an error declaration.
    """
    host = office.settings.label_host
    lives: dict[str, _Life] = {}
    last = None if most is None else start + most - 1
    for entry in office.book.entries(start, last):
        kind, _, id_ = entry.stream.partition("/")
        numbered: list[dict[str, Any]] = []
        if kind == "asset":
            life = lives.get(id_)
            if life is None:
                life = lives[id_] = _Life(office, id_)
                if len(lives) > LIVES_MAX:
                    lives.pop(next(iter(lives)))
            numbered = epcis.events(life.told(entry), host) if life.knows(entry) else []
        elif kind in epcis_counts.STREAMS:
            numbered = epcis_counts.told(office, entry)
        if not numbered:
            yield entry.position, 0, None
        for number, event in enumerate(numbered):
            yield entry.position, number, event


LIVES_MAX: Final = 2_000


class _Life:
    """One asset's entries, so that each can be told with the states around it."""

    def __init__(self, office: Office, id_: str) -> None:
        self.id = id_
        self.entries = office.book.stream(f"asset/{id_}").entries
        self.by_seq = {entry.seq: entry for entry in self.entries}

    def knows(self, entry: Entry) -> bool:
        """Say whether something physical may have happened, or was taken back."""
        fact = self._meant(entry).event
        return entry.seq in self.by_seq and fact.type_name in epcis.ROWS

    def _meant(self, entry: Entry) -> Entry:
        """Return the entry itself, or the one it takes back."""
        if isinstance(entry.event, EntryReversed) and entry.corrects is not None:
            return self.by_seq.get(entry.corrects.seq, entry)
        return entry

    def told(self, entry: Entry) -> epcis.Told:
        """Tell an entry as it was known then: states of what had been recorded up to it."""
        meant = self._meant(entry)
        known = standing([one for one in self.entries if one.seq <= meant.seq])
        before = lifecycle.state()
        after = before
        for one in known:
            before, after = after, lifecycle.evolve(after, one.event)
            if one.seq == meant.seq:
                break
        return epcis.Told(
            id=self.id,
            seq=meant.seq,
            name=meant.event.type_name,
            fields=epcis.fields_of(meant.event),
            before=before,
            after=after,
            at=meant.effective_at,
            recorded_at=meant.recorded_at,
            cause=meant.cause,
            reversed_at="" if meant is entry else entry.recorded_at,
        )


def fits(event: dict[str, Any], wanted: dict[str, str], since: str, until: str) -> bool:
    """Say whether an event is asked for; several values are parted by `|`."""
    for name, member in (
        ("eventType", "type"),
        ("EQ_action", "action"),
        ("EQ_bizStep", "bizStep"),
        ("EQ_disposition", "disposition"),
    ):
        if wanted[name] and event.get(member) not in wanted[name].split("|"):
            return False
    if wanted["MATCH_epc"]:
        asked = {canonical(one) for one in wanted["MATCH_epc"].split("|")}
        if not asked & {canonical(one) for one in event.get("epcList", ())}:
            return False
    at = _instant(event["eventTime"])
    return not (since and at < _instant(since)) and not (until and at >= _instant(until))


def _instant(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def _token(position: int, number: int) -> str:
    return base64.urlsafe_b64encode(f"{position}.{number}".encode()).decode().rstrip("=")


def _place(token: str) -> tuple[int, int]:
    """Return where a page begins; 0 for what is no token of ours."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        position, _, number = text.partition(".")
        if len(text) > 30 or not (position.isdigit() and number.isdigit()):
            return 0, 0
        return int(position), int(number)
    except ValueError:
        return 0, 0
