"""A witness on the network: two routes, and nothing else (C2SP tlog-witness)."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ledger.witnessing import REQUEST_BYTES_MAX, Witness


def create_witness(witness: Witness) -> FastAPI:
    """Return the application of a witness, below /witness."""
    app = FastAPI(title="Gongwu witness", openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/witness/add-checkpoint")
    async def add(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > REQUEST_BYTES_MAX:
                return Response("too long\n", 413, media_type="text/plain")
        answer = await run_in_threadpool(witness.add, body)
        return Response(answer.body, answer.status, {"Content-Type": answer.media})

    @app.get("/witness/{name}/checkpoint")
    async def checkpoint(name: str) -> Response:
        note = await run_in_threadpool(witness.latest, name)
        if note is None:
            return Response("not seen\n", 404, media_type="text/plain")
        return Response(note, media_type="text/plain; charset=utf-8")

    return app
