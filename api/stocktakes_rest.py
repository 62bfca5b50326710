"""For the scan page and for handhelds: the frozen list, scans in batches, pictures, and who is done."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import label_keys, label_saying, parameters, problems, rest_openapi, scanned
from api.counting import Frozen, milliseconds
from api.forms import Fault, Invalid, Malformed
from api.office import Actor, Office
from api.readings import MS_MAX
from api.resolving import Seen, Sighting, Verdict, resolve
from api.rest_answers import encode, reply
from api.rest_caller import BODY_BYTES_MAX, Callers, body_of, check_id, how, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.scanned import Kept, by_radio
from domain.counting import Item
from domain.decider import Lang, Refused
from domain.stocktaking import ONCE, Stocktake, StocktakeStatus
from domain.words import Words, in_words
from labels import identity, photo
from projections import cases
from projections import counting as lists
from projections.scope import EVERYTHING

SCANS_MAX = 1_000
LANGUAGES: tuple[Lang, Lang] = ("zh", "en")
NOWHERE = Words("—", "—")
PAGE_ITEMS = 20_000
HEX64 = r"^[0-9a-f]{64}$"
COUNTED = r"^((0|[1-9][0-9]{0,14})(\.[0-9]{0,5}[1-9])?)?$"  # a quantity, or nothing
Device = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.~-]*$")]
SOURCES = ("camera", "wedge", "typed", "photo", "rfid")
TAG = Words("盘点", "Stock-taking")
LIST_ROWS = 200


class Scan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One scan as a device wrote it down; `hash` is over all the rest in canonical form."""

    n: Annotated[int, Meta(ge=1, le=10_000_000)]
    at: Annotated[str, Meta(max_length=40)]  # UTC, milliseconds, by the clock of the device
    code: Annotated[str, Meta(max_length=4_000)]
    hash: Annotated[str, Meta(pattern=HEX64)]
    prev: Annotated[str, Meta(max_length=64)] = ""
    offset: Annotated[int, Meta(ge=-(10**13), le=10**13)] = 0  # ms to add to `at`
    place: Annotated[str, Meta(max_length=80)] = ""
    source: Annotated[str, Meta(max_length=20)] = "typed"
    undo: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    photo: Annotated[str, Meta(pattern=HEX64)] | None = None
    note: Annotated[str, Meta(max_length=2_000)] = ""
    quantity: Annotated[str, Meta(pattern=COUNTED)] = ""  # of a batch; empty: not counted


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device sends at once."""

    device: Device
    scans: Annotated[tuple[msgspec.Raw, ...], Meta(max_length=SCANS_MAX)]
    sent_at: str = ""


class Done(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many scans a device has in all, and the number of its last batch of radio readings."""

    last: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    batches: Annotated[int, Meta(ge=0, le=MS_MAX)] | None = None


NOT_FROZEN = Words(
    "盘点尚未开盘，没有清单；请主持人先开盘。",
    "The count has not begun, so there is no list yet; have it begun first.",
)
NOT_A_PICTURE = Words(
    "这不是可以保存的图片：须为 JPEG、PNG 或 WebP，不超过 5000 万像素，内容完整。",
    "This is no picture that can be kept: JPEG, PNG or WebP, 50 million pixels at most, whole.",
)
OTHER_PICTURE = Words(
    "图片内容与地址中的 SHA-256 不符，可能在传输中损坏；请重新上传。",
    "The picture is not the one its SHA-256 names, perhaps it was damaged; send it again.",
)
SAID = {
    "right": Words("相符：{name}。", "Right: {name}."),
    "misplaced": Words(
        "位置不符：{name}，账面在{place}。", "Wrong place: {name}; the books have it in {place}."
    ),
    "misplaced-blind": Words("位置不符：{name}。", "Wrong place: {name}."),
    "unexpected": Words(
        "清单外：{name} 不在本次清单中，账面在{place}。",
        "Not on the list: {name}; the books have it in {place}.",
    ),
    "already": Words(
        "已盘：{name}，{who}于{when}在{place}扫过。",
        "Counted already: {name}, by {who} at {when} in {place}.",
    ),
    "moved": Words(
        "盘点期间账面已移位：{name}，清单在{place}，现记在{now}；两处都记下，待复核。",
        "Moved in the books during the count: {name}, listed in {place}, now in {now}. Both are"
        " kept for the review.",
    ),
    "confirm": Words(
        "须扫码确认：{name} 已读到，但价值较高，只凭射频不算盘到；请扫二维码，或者由人当面核实。",
        "Read its label: {name} was heard, but is worth too much to be counted by radio alone. Read"
        " its QR code, or have somebody look at it.",
    ),
    "unknown": Words(
        "未知标签，已保留，可拍照并写明位置。",
        "An unknown tag; it is kept. Take a picture and say where it is.",
    ),
    "several": Words(
        "一次扫到了多个码，请分开再扫；原文已保留。",
        "Several codes in one scan; scan them one by one. What came is kept.",
    ),
    "forged": Words(
        "标签校验不通过，按未知标签保留。",
        "The label fails its check and is kept as an unknown tag.",
    ),
    "foreign": Words("不是本系统的标签，已按原样保留。", "Not a label of ours; kept as it came."),
    "undone": Words("已撤销第{n}次扫描。", "Scan {n} is undone."),
    "conflict": Words(
        "第{n}次扫描先前已收到不同内容；两份都保留，以先收到的为准，差异待复核。",
        "Another scan was received under {n} before. Both are kept; the first one counts until"
        " the review.",
    ),
    "damaged": Words(
        "第{n}次扫描的摘要与内容不符，没有收下；请设备重新计算后再传。",
        "The hash of scan {n} is not that of its content, so it was not taken; compute it anew"
        " and send it again.",
    ),
    "late": Words(
        "本轮盘点已经结束，作为迟到证据保留，不计入结果。",
        "The count is over; this is kept as late evidence and does not count.",
    ),
}


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add what a scan page asks and sends."""
    doors = Doors(office, callers)
    id_ = rest_openapi.id_of("stocktake")
    read, asked = rest_openapi.read, rest_openapi.asked
    gets: tuple[tuple[str, Callable[[Request, Actor], Response], dict[str, Any]], ...] = (
        ("/stocktakes", doors.listed, read("stocktakes", "盘点", "Stocktakes", [], tag=TAG)),
        ("/stocktakes/{id}/scope", doors.scope, read("stocktake_scope", "冻结的盘点清单", "The frozen list", [id_, *asked(*SCOPE)], tag=TAG, troubles=(404, 409, 422))),
        ("/stocktakes/{id}/photos/{sha256}", doors.photo, read("stocktake_photo", "盘点照片", "A picture of a stocktake", [id_, _hash()], tag=TAG, media="image/*")),
    )  # fmt: skip
    for path, answer, said in gets:
        routes.add_api_route(
            path, endpoint_of(callers, answer), methods=["GET"], response_model=None, **said
        )

    async def scans(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(doors.take, request, body)

    async def done(request: Request) -> Response:
        body = await body_of(request)
        return await run_in_threadpool(doors.done, request, body)

    async def picture(request: Request) -> Response:
        body = await bytes_of(request)
        return await run_in_threadpool(doors.keep_photo, request, body)

    troubles = (400, 401, 403, 404, 409, 413, 415, 422, 503)
    posts: tuple[tuple[str, str, Any, dict[str, Any], dict[str, Any]], ...] = (
        ("/stocktakes/{id}/scans", "POST", scans, read("stocktake_scans", "上传扫描（可重复上传）", "Send scans; sending them again changes nothing", [id_], tag=TAG, troubles=troubles), _json(Batch)),
        ("/stocktakes/{id}/devices/{device}/done", "POST", done, read("stocktake_device_done", "设备声明已传完", "A device says how many scans it has", [id_, _device()], tag=TAG, troubles=troubles), _json(Done)),
        ("/stocktakes/{id}/photos/{sha256}", "PUT", picture, read("stocktake_keep_photo", "上传照片", "Send a picture", [id_, _hash()], tag=TAG, troubles=troubles), {"image/*": {"schema": {"type": "string", "format": "binary"}}}),
    )  # fmt: skip
    for path, method, endpoint, said, content in posts:
        said["openapi_extra"]["requestBody"] = {"required": True, "content": content}
        routes.add_api_route(path, endpoint, methods=[method], response_model=None, **said)


def _json(kind: Any) -> dict[str, Any]:
    if kind is Done:
        schema: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "last": {"type": "integer", "minimum": 0, "maximum": 10_000_000},
                "batches": {"type": "integer", "minimum": 0},
            },
        }
    else:
        _, parts = msgspec.json.schema_components([Scan])
        schema = {
            "type": "object",
            "additionalProperties": False,
            "required": ["device", "scans"],
            "properties": {
                "device": {"type": "string", "minLength": 1, "maxLength": 80},
                "sent_at": {"type": "string"},
                "scans": {"type": "array", "maxItems": SCANS_MAX, "items": parts["Scan"]},
            },
        }
    return {"application/json": {"schema": schema}}


def _hash() -> dict[str, Any]:
    return {"name": "sha256", "in": "path", "required": True, "schema": {"type": "string", "pattern": HEX64}}  # fmt: skip


def _device() -> dict[str, Any]:
    return {"name": "device", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 80}}  # fmt: skip


async def bytes_of(request: Request) -> bytes:
    """Return a body that is no JSON; raise Problem 413."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise problems.plain(413)
        parts.append(part)
    return b"".join(parts)


SCOPE = (
    parameters.text("area", "只要一个地点 · of one place only"),
    parameters.last("续页：上一页最后一项 · the last item of the page before"),
    parameters.number("limit", "至多几项 · how many at most", 1, PAGE_ITEMS, PAGE_ITEMS),
)


class Doors:
    """The answers of an office to scan pages and handhelds."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self.office, self.callers = office, callers

    # Reading -------------------------------------------------------------------

    def listed(self, request: Request, actor: Actor) -> Response:
        """Answer with the stocktakes there are, the latest first."""
        Questions(request, ()).check()
        rows = self.office.models.rows(
            cases.listing(actor.scope, kind="stocktake", limit=LIST_ROWS)
        )
        items = []
        for row in rows:
            state: Stocktake = self.office.book.stream(row["id"]).state
            items.append(
                {
                    "id": row["id"].partition("/")[2],
                    "title": state.title,
                    "status": state.status,
                    "method": state.method,
                    "unit": state.unit,
                    "due": state.due,
                    "blind": state.blind,
                    "round": state.round,
                    "items": state.items,
                    "open": state.status is StocktakeStatus.COUNTING,
                }
            )
        return reply(request, {"items": items})

    def scope(self, request: Request, _: Actor) -> Response:
        """Answer with the frozen list, whole or of one place, packed where the caller can unpack."""
        asked = Questions(request, SCOPE)
        limit = asked.number("limit")
        area, after = asked.text("area"), asked.text("after")
        asked.check()
        name, state, frozen = self.found(request)
        items = frozen.by_place.get(area, ()) if area else frozen.items
        page = [] if state.blind else [item for item in items if item.id > after][: limit + 1]
        more = page[limit - 1].id if len(page) > limit else None
        places = self.places(state, frozen)
        answer = {
            "stocktake": name,
            "title": state.title,
            "status": state.status,
            "round": state.round,
            "position": state.position,
            "hash": state.scope,
            "blind": state.blind,
            "count": state.items,
            "areas": [{"id": place["id"], "name": place["name"]} for place in places],
            "places": places,
            "items": [told(item) for item in page[:limit]],
            "next": more,
            "void": [] if after else self.office.counting.void(state.unit, self.office.rows),
            # Secrets of labels never leave the server; what checks signed ones does.
            "label_keys": [
                {"id": key.id, "public": key.raw.hex(), "retired": key.retired}
                for key in label_keys.keys(self.office.settings).publics
            ],
        }
        written = encode(answer)
        headers = {"Cache-Control": "no-store", "Content-Language": lang_of(request)}
        if "gzip" in request.headers.get("accept-encoding", "") and len(written) > 10_000:
            written = gzip.compress(written, compresslevel=4, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(written, 200, headers, media_type="application/json")

    def places(self, state: Stocktake, frozen: Frozen) -> list[dict[str, Any]]:
        """Return the places of a stocktake: those planned, or all in which the list has things."""
        ids = sorted(set(state.places) | set(frozen.places))
        named = {row["id"]: row for row in self.office.models.rows(lists.named(ids))}
        return [
            {
                "id": id_,
                "name": named[id_]["name"] if id_ in named else id_,
                "name_en": named[id_]["name_en"] if id_ in named else "",
                "codes": [id_],
            }
            for id_ in ids
            if id_
        ]

    def photo(self, request: Request, _: Actor) -> Response:
        """Answer with a picture."""
        Questions(request, ()).check()
        name = check_id(request.path_params["id"])
        found = self.office.scanned.photo(name, request.path_params["sha256"])
        if found is None:
            raise problems.plain(404)
        headers = {"Cache-Control": "private, max-age=86400"}
        return Response(found[1], 200, headers, media_type=found[0])

    def found(self, request: Request) -> tuple[str, Stocktake, Frozen]:
        """Return the stocktake a request is about; raise Problem 404 or 409."""
        name = check_id(request.path_params["id"])
        stream = self.office.book.stream(f"stocktake/{name}")
        if stream.version == 0:
            raise problems.plain(404)
        if not stream.state.scope:
            raise problems.Problem(409, "count-not-begun", NOT_FROZEN, stream=stream.name)
        return name, stream.state, self.office.counting.frozen(stream.state)

    # Writing -------------------------------------------------------------------

    def take(self, request: Request, body: bytes) -> Response:
        """Keep a batch of scans and say what each one means."""
        actor = self.callers.actor(request)
        name, _, _ = self.found(request)
        try:
            batch = msgspec.json.decode(body, type=Batch)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(Words(f"正文有误：{error}", f"The body is wrong: {error}")) from error
        scans = self.read(batch.scans)
        self.join(request, name, batch.device, actor)
        # A count ends between two batches, never inside one.
        with self.office.writing(), self.office.scanned.taking(name):
            name, state, frozen = self.found(request)
            taking = Taking(self.office, name, state, frozen, batch.device, actor)
            results = taking.all(scans)
            standing = self.office.scanned.standing(name, batch.device, state.round)
        answer = {
            "received": standing.received,
            "missing": standing.missing,
            "results": results,
            "late": state.status is not StocktakeStatus.COUNTING,
        }
        return reply(request, answer)

    def read(self, raws: Sequence[msgspec.Raw]) -> list[tuple[Scan, str]]:
        """Return each scan with the text that was hashed; raise Invalid with all faults."""
        read: list[tuple[Scan, str]] = []
        faults: list[Fault] = []
        for number, raw in enumerate(raws):
            try:
                scan = msgspec.json.decode(raw, type=Scan)
                milliseconds(scan.at)
                body = scanned.canonical(msgspec.json.decode(raw))
                body.encode()
                if "\0" in scan.code + scan.note + scan.place or scan.source not in SOURCES:
                    raise ValueError("characters or source")
                if scan.undo is not None and scan.undo >= scan.n:
                    raise ValueError("undo")
                read.append((scan, body))
            except (ValueError, OverflowError) as error:
                said = Words(f"这一条扫描有误：{error}。", f"This scan is wrong: {error}.")
                faults.append(Fault(f"scans[{number}]", said))
        if faults:
            raise Invalid(faults[:100])
        return read

    def join(self, request: Request, name: str, device: str, actor: Actor) -> None:
        """Record once who counts with which device; raise Refused for who may not."""
        state: Stocktake = self.office.book.stream(f"stocktake/{name}").state
        if (device, actor.person) in state.devices:
            return
        if state.status is not StocktakeStatus.COUNTING and device in dict(state.devices):
            return  # what comes late is kept as late
        try:
            self.office.ask(
                f"stocktake/{name}", "join_count", {"device": device}, actor, **how(request)
            )
        except Refused as refused:
            if refused.rule is not ONCE:
                raise

    def done(self, request: Request, body: bytes) -> Response:
        """Keep how many scans a device has in all, and say what it owes."""
        actor = self.callers.actor(request)
        name, _, _ = self.found(request)
        device = request.path_params["device"]
        try:
            said = msgspec.json.decode(body, type=Done)
            msgspec.convert(device, Device)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(Words(f"正文有误：{error}", f"The body is wrong: {error}")) from error
        self.join(request, name, device, actor)
        with self.office.writing(), self.office.scanned.taking(name):
            _, state, _ = self.found(request)
            now = self.office.counting.now()
            self.office.scanned.declare(name, device, said.last, state.round, now)
        standing = self.office.scanned.standing(name, device, state.round)
        answer = {
            "device": device,
            "received": standing.received,
            "missing": standing.missing,
            "owes": standing.owes,
        }
        if said.batches is not None:
            self.office.readings.declare(name, device, said.batches, state.round)
            batches = self.office.readings.standing(name, device, state.round)
            answer |= {"complete_to": batches.complete, "gaps": batches.gaps}
            answer["owes"] = standing.owes or batches.owes
        return reply(request, answer)

    def keep_photo(self, request: Request, body: bytes) -> Response:
        """Keep a picture under its hash."""
        actor = self.callers.actor(request)
        name, _, _ = self.found(request)
        wanted = request.path_params["sha256"]
        if sha256(body).hexdigest() != wanted:
            raise problems.Problem(422, "other-picture", OTHER_PICTURE)
        media = photo.media(body)
        if media is None:
            raise problems.Problem(422, "not-a-picture", NOT_A_PICTURE)
        now = self.office.counting.now()
        self.office.scanned.keep_photo(name, wanted, media, body, actor.person, now)
        return reply(request, {"sha256": wanted, "media": media, "bytes": len(body)})


def told(item: Item) -> dict[str, Any]:
    """Return one thing of the list for a scan page."""
    return {
        "asset": item.id,
        "no": item.no,
        "name": item.name,
        "place": item.place,
        "codes": [item.id, *item.codes],
        "confirm": item.confirm,
    } | ({} if item.quantity == "1" else {"quantity": item.quantity})


def heard(verdict: Verdict) -> dict[str, Any]:
    """Return what is said of a reading that no count is about."""
    return {"sentence": {"zh": verdict.zh, "en": verdict.en}}


class Taking:
    """One batch of one device: what each scan means is decided here, never on the device."""

    def __init__(
        self,
        office: Office,
        name: str,
        state: Stocktake,
        frozen: Frozen,
        device: str,
        actor: Actor,
    ) -> None:
        self.office, self.name, self.state, self.frozen = office, name, state, frozen
        self.device, self.actor = device, actor
        self.now = office.counting.now()
        self.late = int(state.status is not StocktakeStatus.COUNTING)
        self._seen: dict[str, list[Kept]] = {}
        self._told: dict[int, Sighting] = {}
        self._gone = office.scanned.undone(name)

    def all(self, scans: Sequence[tuple[Scan, str]]) -> list[dict[str, Any]]:
        """Keep what is new and whole; answer for each scan in the order in which it came."""
        if not scans:
            return []
        numbers = (scan.n for scan, _ in scans)
        there = self.office.scanned.found(self.name, self.device, numbers)
        rows: list[Kept] = []
        whole = [(scan, body) for scan, body in scans if scanned.digest(body) == scan.hash]
        fresh = [scan for scan, _ in whole if scan.n not in there]
        read = [Seen("rfid" if scan.source == "rfid" else "qr", scan.code) for scan in fresh]
        # Whoever has a thing in hand is told whose it is.
        told = resolve(self.office, EVERYTHING, read)
        self._told = {id(scan): sighting for scan, sighting in zip(fresh, told, strict=True)}
        for scan, body in whole:
            known = there.get(scan.n)
            row = self.judged(scan, body) if known is None else self.repeated(scan, body, known)
            rows.append(row)
        kept = self.office.scanned.keep(self.name, rows)
        return [self.answer(scan, body, kept) for scan, body in scans]

    def answer(self, scan: Scan, body: str, kept: dict[int, Kept]) -> dict[str, Any]:
        """Return what is said of one scan."""
        nothing: dict[str, Any] = {"asset": "", "expected_place": ""}
        if scanned.digest(body) != scan.hash:
            return nothing | {"n": scan.n, "result": "damaged", **self.words("damaged", n=scan.n)}
        mine = kept[scan.n]
        if mine.hash != scan.hash:
            return nothing | {"n": scan.n, "result": "conflict", **self.words("conflict", n=scan.n)}
        said: dict[str, Any] = msgspec.json.decode(mine.said)
        return nothing | {"n": scan.n, "result": mine.result, **said}

    def repeated(self, scan: Scan, body: str, known: Kept) -> Kept:
        return msgspec.structs.replace(
            known, hash=scan.hash, body=body, person=self.actor.person, received_at=self.now
        )

    def judged(self, scan: Scan, body: str) -> Kept:
        """Say what a new scan means, and remember it for the next one of the batch."""
        result, asset, said = self.verdict(scan)
        if self.late:
            said |= self.words("late")
        kept = Kept(
            self.device,
            scan.n,
            scan.hash,
            body,
            self.actor.person,
            self.state.round,
            self.now,
            result,
            asset,
            encode(said).decode(),
            self.late,
        )
        if asset:
            self.seen(asset).append(kept)
        return kept

    def verdict(self, scan: Scan) -> tuple[str, str, dict[str, Any]]:
        if scan.undo is not None:
            self._gone.add((self.device, scan.undo))
            return "undone", "", self.words("undone", n=scan.undo)
        code = identity.parse(scan.code)
        if code.kind is identity.Kind.SEVERAL:
            return "unknown", "", self.words("several")
        if self.forged(code):
            return "unknown", "", self.words("forged")
        told = self._told[id(scan)]
        if told.verdict is Verdict.CONFLICT:
            return "unknown", "", heard(Verdict.CONFLICT)
        asset = self.office.counting.listed(self.frozen, scan.code) or told.asset
        if not asset:
            kind = "foreign" if told.verdict is Verdict.FOREIGN else "unknown"
            return kind, "", self.words(kind)
        result, asset, said = self.known(scan, asset)
        if told.verdict in (Verdict.VOID, Verdict.GONE):  # it is there, and something is wrong
            more = heard(told.verdict)["sentence"]
            sentence = said["sentence"]
            said["sentence"] = {
                "zh": sentence["zh"] + more["zh"],
                "en": f"{sentence['en']} {more['en']}",
            }
        return result, asset, said

    def known(self, scan: Scan, asset: str) -> tuple[str, str, dict[str, Any]]:
        """Say what it means that a known thing was seen in a place."""
        item = self.frozen.by_id.get(asset)
        before = self.before(asset, heard_too=item is None or not item.confirm)
        if item is None:
            return self.unexpected(asset, before)
        name = f"{item.no or item.id} {item.name}"
        shown = "" if self.state.blind else item.place
        if before is not None:
            return "already", asset, self.again(asset, name, shown, before)
        if item.confirm and by_radio(scan.source, scan.code):
            words = self.words("confirm", name=name)
            return "confirm", asset, {"asset": asset, "expected_place": shown, **words}
        card = next(iter(self.office.models.rows(lists.cards([asset]))), None)
        now = card["place"] if card else item.place
        if now != item.place and not self.state.blind:
            words = self.words(
                "moved", name=name, place=self.place(item.place), now=self.place(now)
            )
            return "moved", asset, {"asset": asset, "expected_place": shown, **words}
        if item.place and scan.place and scan.place != item.place:
            key = "misplaced-blind" if self.state.blind else "misplaced"
            words = self.words(key, name=name, place=self.place(item.place))
            return "misplaced", asset, {"asset": asset, "expected_place": shown, **words}
        words = self.words("right", name=name)
        return "right", asset, {"asset": asset, "expected_place": shown, **words}

    def forged(self, code: identity.Scanned) -> bool:
        """Tell a label whose signature is not ours, where this place signs its labels."""
        return label_saying.verdict(self.office, code) is identity.Verdict.FORGED

    def unexpected(self, asset: str, before: Kept | None) -> tuple[str, str, dict[str, Any]]:
        """Say of a thing that is known and not on the list where the books have it."""
        card = next(iter(self.office.models.rows(lists.cards([asset]))), None)
        name = f"{card['asset_no'] or asset} {card['name']}" if card else asset
        there = card["place"] if card else ""
        if before is not None:
            return "already", asset, self.again(asset, name, there, before)
        words = self.words("unexpected", name=name, place=self.place(there))
        return "misplaced", asset, {"asset": asset, "expected_place": there, **words}

    def again(self, asset: str, name: str, place: str, before: Kept) -> dict[str, Any]:
        body = msgspec.json.decode(before.body, type=scanned.Body)
        when = datetime.fromisoformat(before.received_at).astimezone(
            self.office.now(self.actor.zone).tzinfo
        )
        words = self.words(
            "already",
            name=name,
            who=Words(*(self.office.accounts.name_of(before.person, lang) for lang in LANGUAGES)),
            when=f"{when:%m-%d %H:%M}",
            place=self.place(body.place),
        )
        return {"asset": asset, "expected_place": place, **words}

    def before(self, asset: str, *, heard_too: bool = True) -> Kept | None:
        """Return the first scan of a thing in this round that was not undone."""
        gone = self._gone
        return next(
            (
                one
                for one in self.seen(asset)
                if one.round == self.state.round
                and (one.device, one.n) not in gone
                and (heard_too or not scanned.heard(one))
            ),
            None,
        )

    def seen(self, asset: str) -> list[Kept]:
        if asset not in self._seen:
            self._seen[asset] = self.office.scanned.seen(self.name, asset)
        return self._seen[asset]

    def place(self, id_: str) -> Words:
        """Return what a place is called, in both languages."""
        if not id_:
            return NOWHERE
        return Words(*(self.office.called(id_, lang) for lang in LANGUAGES))

    def words(self, key: str, **details: Any) -> dict[str, Any]:
        """Return a sentence in both languages; details that have words have them in each."""
        said = {
            lang: in_words(SAID[key], lang).format(
                **{
                    name: in_words(value, lang) if isinstance(value, Words) else value
                    for name, value in details.items()
                }
            )
            for lang in LANGUAGES
        }
        return {"sentence": said}
