"""The EPCIS 2.0 door: what happened to assets, as events that other systems understand.

A subset of the query interface (REST bindings §12): type, action, step, disposition, identity and
time, a page at a time, in the order of recording.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import epcis_counts, epcis_groups, parameters, problems, rest_openapi
from api.captures import Job
from api.office import Actor, Office
from api.readings_rest import observer, unpacked
from api.rest_answers import Answer, encode, reply
from api.rest_caller import BODY_BYTES_MAX, Callers, body_of, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.asset import AcceptancePassed, AssetReceived, AssetRegistered, lifecycle
from domain.decider import EntryReversed, Event, Lang
from domain.disposal import GivenAway, Scrapped, Sold
from domain.leaving import LOST_FORMS, Derecognised, LeftForGood
from domain.proving import Destroyed
from domain.splitting import CardSplitOff
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
    parameters.several(
        "eventType",
        "事件种类 · kind of event",
        ("ObjectEvent", "AggregationEvent", "AssociationEvent", "TransactionEvent"),
        "|",
    ),
    parameters.several("EQ_action", "动作 · action", ("ADD", "OBSERVE", "DELETE"), "|"),
    parameters.text("EQ_bizStep", "CBV"),
    parameters.text("EQ_disposition", "CBV"),
    parameters.text("EQ_eventID", "事件标识 · id of an event"),
    parameters.text("EQ_readPoint", "地点 · place where it was seen"),
    parameters.text("EQ_bizLocation", "地点 · place where it is then"),
    parameters.text(
        "MATCH_epc", "资产标识，含部件和内装资产 · identity of an asset, also as a part or packed"
    ),
    parameters.text("MATCH_parentID", "包装或整机标识 · identity of a package or a whole"),
    parameters.text("MATCH_anyEPC", "任一标识 · any identity in the event"),
    parameters.flag("EXISTS_errorDeclaration", "true：只看更正 · only what was declared wrong"),
    parameters.moment("GE_eventTime", "不早于 · not before"),
    parameters.moment("LT_eventTime", "早于 · before"),
    parameters.moment("GE_recordTime", "记录不早于 · recorded not before"),
    parameters.moment("LT_recordTime", "记录早于 · recorded before"),
    parameters.number("perPage", "至多几项 · how many at most", 1, PAGE_MAX, PAGE),
    parameters.cursor("nextPageToken"),
)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of EPCIS."""
    routes.add_api_route(
        "/events",
        endpoint_of(callers, queried(office)),
        methods=["GET"],
        response_model=None,
        **rest_openapi.read(
            "epcis_events",
            "EPCIS事件",
            "EPCIS events",
            rest_openapi.asked(*ASKED),
            media="application/ld+json",
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


def _found(office: Office, request: Request, actor: Actor) -> Job:
    """Return a job that the caller sent; who sees everything sees those of all."""
    Questions(request, ()).check()
    sender = actor.person if actor.scope.units is not None else ""
    job = office.captures.job(request.path_params["id"][:64], sender)
    if job is None:
        raise problems.plain(404)
    return job


def _job(office: Office) -> Answer:
    def answer(request: Request, actor: Actor) -> Response:
        return reply(request, _job_told(_found(office, request, actor), lang_of(request)))

    return answer


def _kept(office: Office) -> Answer:
    def answer(request: Request, actor: Actor) -> Response:
        job = _found(office, request, actor)
        return reply(request, {"eventList": office.captures.events(job.id)})

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

    def answer(request: Request, actor: Actor) -> Response:
        asked = Questions(request, ASKED)
        limit = asked.number("perPage")
        start, skip = _place(asked.text("nextPageToken"))
        if asked.text("nextPageToken") and not start:
            asked.fault("nextPageToken", "不是有效的续页标记", "This is no token of ours")
        wanted = {one.name: asked.given.get(one.name, "").strip() for one in ASKED}
        wanted |= {name: asked.moment(name) for name in TIMES}
        wanted |= {name: "|".join(asked.several(name)) for name in ("eventType", "EQ_action")}
        asked.flag("EXISTS_errorDeclaration")
        asked.check()
        found: list[dict[str, Any]] = []
        more = ""
        position = start or 1
        sees = cache(partial(office.sight.sees, actor))
        for position, number, event in exported(
            office, start=start or 1, most=SCANNED_MAX, sees=sees
        ):
            if (position, number) < (start or 1, skip):
                continue
            if len(found) == limit:
                more = _token(position, number)
                break
            if event is not None and fits(event, wanted):
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
    office: Office,
    *,
    start: int = 1,
    most: int | None = None,
    sees: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
    """Yield position, number and event of what happened to things, in the order of recording.

    An entry without event yields None once, so that whoever pages knows how far it came. What was
    taken back is told again at the place of its reversal, with an error declaration. `sees` tells
    of a stream whether the reader may know of it.
    """
    host = office.settings.label_host
    lives: dict[str, _Life] = {}
    last = None if most is None else start + most - 1
    for entry in office.book.entries(start, last):
        kind, _, id_ = entry.stream.partition("/")
        numbered: list[dict[str, Any]] = []
        if not sees(entry.stream):
            pass
        elif kind == "asset":
            life = lives.get(id_)
            if life is None:
                life = lives[id_] = _Life(office, id_)
                if len(lives) > LIVES_MAX:
                    lives.pop(next(iter(lives)))
            numbered = life.events(entry, host) if life.knows(entry) else []
        elif kind in TOLD:
            numbered = _of_case(office, entry)
        if not numbered:
            yield entry.position, 0, None
        for number, event in enumerate(numbered):
            yield entry.position, number, event


LIVES_MAX: Final = 2_000
PHYSICAL: Final = frozenset(epcis.ROWS) | epcis.AMENDING
TOLD: Final = {
    **dict.fromkeys(epcis_counts.STREAMS, epcis_counts.told),
    **dict.fromkeys(epcis_groups.STREAMS, epcis_groups.told),
}


def _of_case(office: Office, entry: Entry) -> list[dict[str, Any]]:
    """Return the events of an entry that speaks of several things; of most there are none.

    What was taken back is told again, declared as something that did not occur.
    """
    meant = entry
    if isinstance(entry.event, EntryReversed) and entry.corrects is not None:
        entries = office.book.stream(entry.stream).entries
        meant = next((one for one in entries if one.seq == entry.corrects.seq), entry)
    found = TOLD[entry.stream.partition("/")[0]](office, meant)
    if meant is not entry:
        reason = {"declarationTime": entry.recorded_at, "reason": "did_not_occur"}
        found = [event | {"errorDeclaration": reason} for event in found]
    return found


class _Life:
    """One asset's entries, so that each can be told with the states around it."""

    def __init__(self, office: Office, id_: str) -> None:
        self.office, self.id = office, id_
        self.entries = office.book.stream(f"asset/{id_}").entries
        self.by_seq = {entry.seq: entry for entry in self.entries}

    def knows(self, entry: Entry) -> bool:
        """Say whether something physical may have happened, or was taken back."""
        fact = self._meant(entry).event
        return entry.seq in self.by_seq and fact.type_name in PHYSICAL

    def _meant(self, entry: Entry) -> Entry:
        """Return the entry itself, or the one it takes back."""
        if isinstance(entry.event, EntryReversed) and entry.corrects is not None:
            return self.by_seq.get(entry.corrects.seq, entry)
        return entry

    def events(self, entry: Entry, host: str) -> list[dict[str, Any]]:
        """Return the events of an entry; a correction of the card tells again what it corrects."""
        told = self.told(entry)
        if told.name not in epcis.AMENDING:
            return epcis.events(told, host)
        if epcis.same_card(told.before, told.after):
            return []
        wrong: dict[str, Any] = {}
        for one in self._known(self._meant(entry)):
            if one.seq == told.seq:
                break
            if isinstance(one.event, AssetRegistered | CardSplitOff):
                wrong = epcis.events(self.told(one), host)[0]
            elif one.event.type_name in epcis.AMENDING and wrong:
                again = self.told(one)
                if not epcis.same_card(again.before, again.after):
                    wrong = epcis.amended(wrong, again, host)[-1]
        return epcis.amended(wrong, told, host) if wrong else []

    def _known(self, meant: Entry) -> list[Entry]:
        """Return what stood when an entry was recorded, with it, in the order of its days."""
        return list(standing([one for one in self.entries if one.seq <= meant.seq]))

    def _earlier(self, known: list[Entry], meant: Entry) -> dict[str, str]:
        """Return what earlier facts say of one, and the case that moved the thing in the same act."""
        found: dict[str, str] = {}
        for one in known:
            match one.event:
                case AssetReceived(acquisition=acquisition, supplier=supplier):
                    case = f"acquisition/{acquisition}" if acquisition else ""
                    found |= {"acquisition": case, "supplier": supplier}
                case AcceptancePassed():
                    found["accepted_in"] = one.cause
                case LeftForGood(form=form) if form in LOST_FORMS and one is not meant:
                    found["deleted"] = one.cause
                case _:
                    pass
        if isinstance(meant.event, Derecognised):
            found |= self._destroyed(known, meant)
        if not isinstance(meant.event, LeftForGood):
            return found
        stream = self.office.book.stream(meant.event.case)
        partner = getattr(stream.state, "partner", "") or getattr(stream.state, "outsider", "")
        found |= {"taker": partner} if partner else {}
        for one in stream.entries:
            if one.cause == meant.cause and getattr(one.event, "asset", "") == self.id:
                found |= _taker(one.event)
        return found

    def _destroyed(self, known: list[Entry], meant: Entry) -> dict[str, str]:
        """Return whether the case destroyed the thing before the books let it go."""
        case = lifecycle.fold(one.event for one in known).case
        there = self.office.book.stream(case).standing if case.startswith("disposal/") else ()
        for one in there:
            match one.event:
                case Destroyed(asset=asset, method=method):
                    if (asset, one.position < meant.position) == (self.id, True):
                        return {"deleted": one.cause} if method in epcis_groups.UNMAKING else {}
                case _:
                    pass
        return {}

    def _called(self, entry: Entry) -> dict[str, str]:
        """Return what the part of an association was called."""
        part = getattr(entry.event, "part", "")
        if not part:
            return {}
        state = self.office.book.state_at(f"asset/{part}", "9999-12-31", entry.position)
        base = f"https://{self.office.settings.label_host}"
        return {part: epcis.identity(part, state, base)}

    def told(self, entry: Entry) -> epcis.Told:
        """Tell an entry as it was known then: states of what had been recorded up to it."""
        meant = self._meant(entry)
        known = self._known(meant)
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
            earlier=self._earlier(known, meant),
            called=self._called(meant),
        )


def _taker(fact: Event) -> dict[str, str]:
    """Return who took a thing that was disposed of, and the paper between the two sides."""
    match fact:
        case Sold(buyer=buyer, deal_no=deal):
            return {"taker": buyer, "agreement": deal}
        case GivenAway(recipient=recipient, agreement=agreement):
            return {"taker": recipient, "agreement": agreement}
        case Scrapped(recycler=recycler):
            return {"taker": recycler}
        case _:
            return {}


TIMES: Final = {
    "GE_eventTime": "eventTime",
    "LT_eventTime": "eventTime",
    "GE_recordTime": "recordTime",
    "LT_recordTime": "recordTime",
}
# Where the things of an event are named: those it is about, the package or whole, any of them.
NAMED: Final[dict[str, tuple[str, ...]]] = {
    "MATCH_epc": ("epcList", "childEPCs"),
    "MATCH_parentID": ("parentID",),
    "MATCH_anyEPC": ("epcList", "childEPCs", "parentID"),
}


def fits(event: dict[str, Any], wanted: dict[str, str]) -> bool:
    """Say whether an event is asked for; several values are parted by `|`."""
    for name, found in (
        ("eventType", event.get("type")),
        ("EQ_action", event.get("action")),
        ("EQ_bizStep", event.get("bizStep")),
        ("EQ_disposition", event.get("disposition")),
        ("EQ_eventID", event.get("eventID")),
        ("EQ_readPoint", event.get("readPoint", {}).get("id")),
        ("EQ_bizLocation", event.get("bizLocation", {}).get("id")),
        ("EXISTS_errorDeclaration", str("errorDeclaration" in event).lower()),
    ):
        if wanted[name] and found not in wanted[name].split("|"):
            return False
    for name, members in NAMED.items():
        if wanted[name]:
            asked = {canonical(one) for one in wanted[name].split("|")}
            if not asked & {canonical(one) for one in _things(event, members)}:
                return False
    for name, member in TIMES.items():
        if wanted[name]:
            early = _instant(event[member]) < _instant(wanted[name])
            if early is name.startswith("GE"):
                return False
    return True


def _things(event: dict[str, Any], members: tuple[str, ...]) -> Iterator[str]:
    """Yield the identities in some members of an event."""
    for member in members:
        found = event.get(member, ())
        yield from (found,) if isinstance(found, str) else found


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
