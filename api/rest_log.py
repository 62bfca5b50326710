"""The log for foreign clients (C2SP tlog-tiles under /log) and its proofs under /audit/v1.

Checkpoints and hash tiles are for anybody: leaves are salted, so they tell nothing. The entries
themselves are for auditors and administrators.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_openapi
from api.office import Actor, Office
from api.parameters import POSITION_MAX, choice, number, text
from api.proving import SIZE_MAX, held
from api.rest_answers import Answer, reply
from api.rest_caller import Callers
from api.rest_index import guarded
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from domain.words import Role, Words
from ledger import proofs, tiles
from ledger.entry import ENTRY_BYTES_MAX
from ledger.notes import Checkpoint, Note, Unproven

ENTRIES_MAX = 1_000
CHECKPOINTS_MAX = 1_000
BYTES_MAX = 32 * ENTRY_BYTES_MAX
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
NEVER = {"Cache-Control": "no-store"}
NO_CHECKPOINT = Words(
    "还没有这样的检查点；公证进程签署之后才有。",
    "There is no such checkpoint yet; the notary signs them.",
)
TAG = Words("审计", "Audit")
NOBODY = Actor(person="", unit="", role="")
SIZES = (
    number("from", "起（条数）· from this size", 0, POSITION_MAX, 0),
    number("to", "止（条数）· to this size", 0, POSITION_MAX),
    number("limit", "至多几项 · how many at most", 1, CHECKPOINTS_MAX, 100),
)
ENTRY = (
    number(
        "index",
        "序号，从 0 起；或给 stream 与 seq · index from 0; or else stream and seq",
        0,
        POSITION_MAX,
    ),
    text("stream", "种类/编号，与 seq 同用 · kind/id, together with seq"),
    number("seq", "该对象的第几条 · number of the entry in its stream", 1, 10**9),
    number(
        "size",
        "以此检查点为准；最新为缺省 · in the checkpoint of this size, else the newest",
        1,
        POSITION_MAX,
    ),
    choice("as", "以何种形式 · in which form", ("text", "json"), "text"),
)
RANGE = (
    number("start", "起始序号，从 0 起 · first index", 0, POSITION_MAX, 0),
    number("count", "至多几条 · how many at most", 1, ENTRIES_MAX, 256),
)
BETWEEN = (
    number(
        "from",
        "起（条数）· from this size",
        1,
        POSITION_MAX,
        required=Words("须给出条数", "Give a number of entries"),
    ),
    number("to", "止（条数）；最新为缺省 · to this size, else the newest", 1, POSITION_MAX),
)


class Log:
    """The answers about one office's log."""

    def __init__(self, office: Office) -> None:
        self.office, self.proving = office, office.proving
        self.callers = Callers(office)

    # For anybody ----------------------------------------------------------------------

    def checkpoint(self, request: Request) -> Response:
        """Return the newest checkpoint."""
        return Response(self._note().raw, media_type="text/plain; charset=utf-8", headers=NEVER)

    def tile(self, request: Request) -> Response:
        """Return a tile of hashes, or a bundle of entries to those who may read them."""
        level, number, width = tiles.placed(request.path_params["place"])
        size = self.office.book.log.head()[0]
        if ((number * tiles.WIDTH + width) * tiles.WIDTH ** min(level or 0, 8)) > size:
            raise problems.plain(404)
        if level is None:
            self._auditor(request)
            content = tiles.bundle(self.office.book.log, number, width)
        else:
            content = tiles.tile(self.proving.tree, level, number, width)
        kept = FOR_EVER if level is not None else NEVER
        return Response(content, media_type="application/octet-stream", headers=kept)

    # For whoever signed in ------------------------------------------------------------

    def status(self, request: Request, actor: Actor) -> Response:
        """Say what is signed and witnessed, and what is exposed still."""
        Questions(request, ()).check()
        standing = self.proving.standing()
        names = standing.__struct_fields__
        return reply(request, {name: getattr(standing, name) for name in names})

    def checkpoints(self, request: Request, actor: Actor) -> Response:
        """List every checkpoint ever published of a range of sizes, largest first."""
        asked = Questions(request, SIZES)
        low = asked.number("from")
        high = asked.number("to", SIZE_MAX)
        limit = asked.number("limit")
        asked.check()
        found = self.proving.notes(low, high, limit)
        return reply(request, {"items": [self._told(size, note) for size, note in found]})

    def checkpoint_of(self, request: Request, actor: Actor) -> Response:
        """Return the checkpoint of one size, as it was signed."""
        Questions(request, ()).check()
        size = request.path_params["size"]
        if not size.isascii() or not size.isdigit() or len(size) > 12:
            raise problems.plain(404)
        return Response(self._note(int(size)).raw, media_type="text/plain; charset=utf-8")

    def inclusion(self, request: Request, actor: Actor) -> Response:
        """Prove that an entry is in the log: a tlog-proof, or the same as JSON."""
        asked = Questions(request, ENTRY)
        index = asked.number("index", -1)
        seq = asked.number("seq")
        size = asked.number("size", -1)
        form = asked.choice("as")
        stream = asked.text("stream")
        if (index < 0) == (not stream):
            asked.fault("index", "须给出 index，或 stream 与 seq", "Give index, or stream and seq")
        asked.check()
        if stream:
            seen = self.office.sight.sees(actor, stream)
            rows = self.office.book.log.stream_rows(stream) if seen else []
            if not 1 <= seq <= len(rows):
                raise problems.plain(404)
            index = rows[seq - 1][0] - 1
        note = self._note(size if size >= 0 else None, covering=index + 1)
        proof = self.proving.inclusion(index + 1, note)
        if form == "text":
            return Response(proof.raw, media_type="text/plain; charset=utf-8", headers=NEVER)
        path = [base64.b64encode(hash_).decode() for hash_ in proof.path]
        checkpoint = proof.checkpoint.decode()
        return reply(request, {"index": index, "path": path, "checkpoint": checkpoint})

    def consistency(self, request: Request, actor: Actor) -> Response:
        """Prove that the log of one checkpoint continues that of another."""
        asked = Questions(request, BETWEEN)
        low = asked.number("from")
        high = asked.number("to")
        asked.check()
        new = self._note(high or None, covering=low)
        size = Checkpoint.parse(new.text).size
        if low > size:
            raise problems.plain(404, NO_CHECKPOINT)
        old = self.proving.note(low)
        root = self.proving.tree.root(low)
        start = Checkpoint.parse(old.text) if old else Checkpoint("", low, root)
        path = self.proving.consistency(start, Checkpoint.parse(new.text))
        return reply(
            request,
            {
                "from": low,
                "to": size,
                "path": proofs.lines(path).splitlines(),
                "old": old.raw.decode() if old else None,
                "new": new.raw.decode(),
            },
        )

    def entries(self, request: Request, actor: Actor) -> Response:
        """Return exact bytes, each behind its length in four bytes; for the audit role."""
        asked = Questions(request, RANGE)
        start = asked.number("start")
        count = asked.number("count")
        asked.check()
        if actor.role not in (Role.AUDITOR, Role.ADMIN):
            raise problems.plain(403)
        out, length = list[bytes](), 0
        for page in self.office.book.log.rows(start + 1, start + count):
            for row in page:
                state = bytes(row[4])
                length += len(state)
                if length > BYTES_MAX and out:
                    break
                out.append(len(state).to_bytes(4, "big") + state)
        headers = NEVER | {"Gongwu-Count": str(len(out))}
        return Response(b"".join(out), media_type="application/octet-stream", headers=headers)

    def _note(self, size: int | None = None, covering: int = 0) -> Note:
        note = self.proving.note(size, covering=covering)
        if note is None:
            raise problems.plain(404, NO_CHECKPOINT)
        return note

    def _told(self, size: int, note: Note) -> dict[str, Any]:
        checkpoint = held(note.text)
        return {"size": size, "root": checkpoint.root.hex(), "note": note.raw.decode()}

    def _auditor(self, request: Request) -> None:
        if self.callers.actor(request).role not in (Role.AUDITOR, Role.ADMIN):
            raise problems.plain(403)


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add proofs and checkpoints to the routes under /audit/v1."""
    log, read, asked = Log(office), rest_openapi.read, rest_openapi.asked
    place = [{"name": "size", "in": "path", "required": True, "schema": {"type": "string"}}]
    text: dict[str, Any] = {"tag": TAG, "media": "text/plain"}
    binary: dict[str, Any] = {"tag": TAG, "media": "application/octet-stream"}
    published: list[tuple[str, Answer, dict[str, Any]]] = [
        ("/status", log.status, read("audit_status", "签署与见证情况", "What is signed and witnessed", [], tag=TAG)),
        ("/checkpoints", log.checkpoints, read("audit_checkpoints", "公布过的检查点", "Every published checkpoint", asked(*SIZES), tag=TAG)),
        ("/checkpoints/{size}", log.checkpoint_of, read("audit_checkpoint", "一个检查点", "One checkpoint", place, **text)),
        ("/proofs/inclusion", log.inclusion, read("audit_inclusion", "某条记录在账的证明", "Proof that an entry is in the log", asked(*ENTRY), **text)),
        ("/proofs/consistency", log.consistency, read("audit_consistency", "前后两个检查点一致的证明", "Proof that one checkpoint continues another", asked(*BETWEEN), tag=TAG)),
        ("/entries", log.entries, read("audit_entries", "条目原文（四字节长度前缀）", "Exact bytes, each behind its length", asked(*RANGE), troubles=(401, 403, 422, 503), **binary)),
    ]  # fmt: skip
    for path, answer, said in published:
        routes.add_api_route(
            path, endpoint_of(callers, proven(answer)), methods=["GET"], response_model=None, **said
        )


def install(app: FastAPI, office: Office) -> None:
    """Put the log itself, as foreign clients expect it, into an application."""
    log = Log(office)
    routes = APIRouter()

    def open_to_all(path: str, answer: Callable[[Request], Response]) -> None:
        def told(request: Request) -> Response:
            return proven(lambda asked, _: answer(asked))(request, NOBODY)

        async def work(request: Request) -> Response:
            return await run_in_threadpool(told, request)

        async def endpoint(request: Request) -> Response:
            return await guarded(work, request)

        routes.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)

    open_to_all("/log/checkpoint", log.checkpoint)
    open_to_all("/log/tile/{place:path}", log.tile)
    app.include_router(routes)


def proven(answer: Answer) -> Answer:
    """Answer 404 with its sentence where something is not there or cannot be proven."""

    def told(request: Request, actor: Actor) -> Response:
        try:
            return answer(request, actor)
        except Unproven as refused:
            raise problems.plain(404, refused.words, "unproven") from refused

    return told
