"""For hand-held readers and gateways: batches in, what each tag means out, and what was counted."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import observing, problems, radio_counting, rest_openapi
from api.observing import OBSERVERS, Arrived, Damaged, NoSuchRound
from api.office import Actor, Office
from api.parameters import last, number, text
from api.readings import OtherBatch
from api.resolving import Seen, Sighting, Verdict, resolve
from api.rest_answers import Answer, reply
from api.rest_caller import BODY_BYTES_MAX, Callers, body_of, check_id, how, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.decider import Lang
from domain.words import Words, in_language
from labels.epc import BadEpc
from labels.epc_pasting import read_tags

PAGE_MAX: Final = 1_000
PASTED_MAX: Final = 5_000
NOT_OBSERVERS = Words(
    "您的岗位不参与盘点，不能上传读取结果。", "Your role takes no part in counting things."
)
DAMAGED = Words(
    "收到的读取结果与设备给出的摘要不符，可能在传输中损坏；请原样重传。",
    "What arrived is not what the device hashed; it may have been damaged. Send it again as it was.",
)
OTHER = Words(
    "该设备的这个批次号已用于其他内容，两者都已保留；请换用下一个批次号。",
    "The device used this number for other content before, which is kept; take the next number.",
)
NO_SUCH_ROUND = Words(
    "这一轮盘点还没有开始，批次没有收下；请核对轮次。",
    "That round of the count has not begun, so the batch was not taken; check the round.",
)
OTHER_SESSION = Words(
    "批次写明的盘点与地址中的不同，没有收下。",
    "The batch names another stocktake than its address does, so it was not taken.",
)
NO_SESSION = Words(
    "请写明批次属于哪次盘点（session）。", "Say which count the batch is of (session)."
)
TOO_LARGE_INSIDE = Words(
    f"解压后超过{BODY_BYTES_MAX >> 10}KiB，未予接收；请分成较小的批次。",
    f"It unpacks to more than {BODY_BYTES_MAX >> 10} KiB and was not taken; send smaller batches.",
)
NOT_GZIP = Words("压缩内容已损坏，无法解开。", "The compressed content is damaged.")


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of readings."""
    session = {"name": "session", "in": "path", "required": True, "schema": {"type": "string"}}
    routes.add_api_route(
        "/observation-batches",
        _batches(office, callers),
        methods=["POST"],
        response_model=None,
        **_published("observation_batch", "上传一批读取结果", "Send a batch of readings", BATCH),
    )
    of_count = {key: part for key, part in BATCH["properties"].items() if key != "session"}
    routes.add_api_route(
        "/stocktakes/{id}/observation-batches",
        _batches(office, callers),
        methods=["POST"],
        response_model=None,
        **_published(
            "stocktake_observation_batch",
            "上传一批射频读取结果，计入盘点",
            "Send a batch of radio readings that counts",
            BATCH | {"required": BATCH["required"][1:], "properties": of_count},
            parameters=[rest_openapi.id_of("stocktake")],
        ),
    )
    routes.add_api_route(
        "/tags/read",
        _pasted(office, callers),
        methods=["POST"],
        response_model=None,
        **_published("tags_read", "识别粘贴的标签内容", "Read pasted tag contents", PASTED),
    )
    published: tuple[tuple[str, Answer, dict[str, Any]], ...] = (
        (
            "/observations/{session}",
            _counted(office),
            rest_openapi.read("observations", "读取汇总", "What readers saw", [session, *rest_openapi.asked(*SEEN)]),
        ),
        (
            "/observations/{session}/devices",
            _devices(office),
            rest_openapi.read("observation_devices", "读取设备与迟到批次", "Devices and late batches", [session]),
        ),
    )  # fmt: skip
    for path, answer, described in published:
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **described
        )


def _batches(office: Office, callers: Callers) -> Any:
    def work(request: Request, body: bytes) -> Response:
        actor = observer(callers.actor(request))
        try:
            arrived = _batch(unpacked(request, body))
            arrived = _of_session(office, request, arrived)
            found, _ = observing.take(office, actor, arrived, **how(request))
        except NoSuchRound as round_:
            raise problems.Problem(422, "no-such-round", NO_SUCH_ROUND, round=str(round_)) from None
        except Damaged as damaged:
            raise problems.Problem(422, "batch-damaged", DAMAGED, sha256=str(damaged)) from None
        except OtherBatch:
            raise problems.Problem(409, "batch-number-used", OTHER) from None
        said = _with_sentences(office, found["results"], lang_of(request))
        return reply(request, found | {"results": said})

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(work, request, body)

    return endpoint


def observer(actor: Actor) -> Actor:
    """Return a person who may send readings; raise Problem 403 for any other."""
    if actor.role not in OBSERVERS:
        raise problems.plain(403, NOT_OBSERVERS, "not-your-role")
    return actor


def unpacked(request: Request, body: bytes) -> bytes:
    """Return a body that may have come compressed, unpacking no more than may be sent plainly."""
    if request.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return body
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, BODY_BYTES_MAX + 1)
    except zlib.error:
        raise problems.plain(400, NOT_GZIP, "bad-gzip") from None
    if len(plain) > BODY_BYTES_MAX:
        raise problems.plain(413, TOO_LARGE_INSIDE)
    if not unpacking.eof:
        raise problems.plain(400, NOT_GZIP, "bad-gzip")
    return plain


def _batch(body: bytes) -> Arrived:
    try:
        return observing.read_batch(body)
    except msgspec.ValidationError as error:
        place = str(error).partition(" - at `")[2].rstrip("`") or "$"
        said = Words(
            f"批次内容不合要求，问题在 {place}。", f"The batch is not as it should be: {error}."
        )
        raise problems.Problem(422, "bad-batch", problems.INVALID, said, place=place) from None
    except msgspec.DecodeError:
        raise problems.plain(400) from None


def _of_session(office: Office, request: Request, arrived: Arrived) -> Arrived:
    """Return a batch of the stocktake that its address names, or else of the session it names."""
    named = request.path_params.get("id")
    if named is None:
        if not arrived.batch.session:
            raise problems.Problem(
                422, "bad-batch", problems.INVALID, NO_SESSION, place="$.session"
            )
        return arrived
    name = check_id(named)
    if radio_counting.counted(office, name) is None:
        raise problems.plain(404)
    if arrived.batch.session not in ("", name):
        raise problems.Problem(422, "other-session", OTHER_SESSION, place="$.session")
    batch = msgspec.structs.replace(arrived.batch, session=name)
    return msgspec.structs.replace(arrived, batch=batch)


def _with_sentences(
    office: Office, results: list[dict[str, Any]], lang: Lang
) -> list[dict[str, Any]]:
    return [
        found
        | {
            "sentence": radio_counting.sentence(office, found, lang)
            if "result" in found
            else _sentence(Verdict(found["verdict"]), lang)
        }
        for found in results
    ]


def _sentence(verdict: Verdict, lang: Lang) -> str:
    return in_language(verdict.zh, verdict.en, lang)


def _pasted(office: Office, callers: Callers) -> Any:
    def work(request: Request, body: bytes) -> Response:
        actor, lang = callers.actor(request), lang_of(request)
        try:
            text = msgspec.json.decode(unpacked(request, body), type=_Text).text
            return reply(request, pasted(office, actor, text, lang))
        except msgspec.ValidationError:
            raise problems.plain(422) from None
        except msgspec.DecodeError:
            raise problems.plain(400) from None
        except BadEpc as bad:
            raise problems.Problem(
                422, "bad-tags", problems.INVALID, Words(bad.zh, bad.en)
            ) from None

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(work, request, body)

    return endpoint


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str


def pasted(office: Office, actor: Actor, text: str, lang: Lang) -> dict[str, Any]:
    """Read tag contents out of a text and say what each means; nothing is recorded (T73).

    Return `tags` (one result each, with `reads`), how many `reads` there were in all, how many
    tags there are by verdict, and the pieces that are no tag. Raise `BadEpc` for too much text.
    """
    found = read_tags(text)
    sightings = resolve(office, actor.scope, [Seen("rfid", one.hex) for one in found.tags])
    verdicts: dict[str, int] = {}
    for sighting in sightings:
        verdicts[sighting.verdict] = verdicts.get(sighting.verdict, 0) + 1
    tags = [
        _told(sighting, lang)
        | {"reads": found.counts[one.hex], "identity": one.identity, "sort": one.sort.value}
        for one, sighting in zip(found.tags, sightings, strict=True)
    ]
    return {
        "tags": tags[:PASTED_MAX],
        "reads": found.reads,
        "verdicts": verdicts,
        "unread": list(found.unread),
    }


def _told(sighting: Sighting, lang: Lang) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(sighting)
    return found | {"sentence": sighting.sentence(lang)}


SEEN: Final = (
    last(),
    number("limit", "至多几项 · how many at most", 1, PAGE_MAX, 100),
    text("area", "区域 · area"),
)


def _counted(office: Office) -> Answer:
    def answer(request: Request, _: Actor) -> Response:
        session = check_id(request.path_params["session"])
        asked = Questions(request, SEEN)
        limit = asked.number("limit")
        asked.check()
        after, area = asked.text("after"), asked.text("area")
        rows = office.readings.seen(session, after=after, limit=limit, area=area)
        keys = sorted({row["key"] for row in rows})
        more = keys[-1] if len(keys) == limit else None
        return reply(request, {"items": rows, "next": more})

    return answer


def _devices(office: Office) -> Answer:
    def answer(request: Request, _: Actor) -> Response:
        session = check_id(request.path_params["session"])
        Questions(request, ()).check()
        devices = []
        for row in office.readings.devices(session):
            complete, gaps = office.readings.reached(str(row["device"]))
            devices.append({**row, "complete_to": complete, "gaps": gaps})
        late = office.readings.late(session)
        return reply(request, {"devices": devices, "late": late})

    return answer


BATCH: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["session", "device_id", "batch_seq", "observations"],
    "additionalProperties": False,
    "properties": {
        "session": {"type": "string", "title": "所属盘点 · the count it belongs to"},
        "device_id": {"type": "string", "title": "设备标识 · device"},
        "batch_seq": {"type": "integer", "minimum": 1, "title": "批次号，逐一递增 · from 1, no gaps"},
        "sha256": {"type": "string", "title": "observations 规范化JSON的摘要 · of their RFC 8785 form"},
        "device_clock": {"type": "string", "title": "设备时间（含时区） · the device's time, with zone"},
        "area": {"type": "string", "title": "区域（地点标识） · area, the id of a place"},
        "round": {"type": "integer", "minimum": 0, "title": "轮次，0为当前轮 · round, 0 for the one that is on"},
        "observations": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "title": "读取结果 · observations",
            "items": {
                "type": "object",
                "required": ["carrier", "raw"],
                "additionalProperties": False,
                "properties": {
                    "carrier": {"enum": ["rfid", "qr", "manual"]},
                    "raw": {"type": "string"},
                    "tid": {"type": "string"},
                    "antenna": {"type": "integer"},
                    "rssi": {"type": "integer"},
                    "count": {"type": "integer"},
                    "first_ms": {"type": "integer"},
                    "last_ms": {"type": "integer"},
                    "place": {"type": "string"},
                },
            },
        },
    },
}  # fmt: skip
PASTED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "title": "标签内容，任意分隔 · contents, any separators"}
    },
}


def _published(
    operation: str,
    zh: str,
    en: str,
    body: dict[str, Any],
    parameters: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return what is published of a request that records nothing in the log."""
    described = rest_openapi.read(operation, zh, en, [*parameters], troubles=(400, 401, 403, 404, 409, 413, 415, 422, 503))  # fmt: skip
    described["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": body}},
    }
    return described
