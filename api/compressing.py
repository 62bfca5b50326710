"""Pages and files are sent compressed to whoever takes gzip; what programs ask for is not.

Whoever can see how long answers are, and can put words of their own into them, learns secrets that
stand beside those words from their length (BREACH). No page holds a secret on every request:
requests are proven by headers, not by hidden tokens. What is shown this once answers a POST, and
those stay as they are; a page that shows a secret to a GET says `CONFIDENTIAL`.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipResponder
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Neither kept by a browser nor compressed, here or by a proxy in between (RFC 9111 §5.2.2.6).
CONFIDENTIAL: Final = "no-store, no-transform"
BYTES_MIN: Final = 1024  # shorter ones travel in one packet anyway
LEVEL: Final = 5  # of a page of 60 kB: about a millisecond, and a tenth longer than the best
TEXTS: Final = frozenset({"text/html", "text/csv", "application/json", "image/svg+xml"})
FILES: Final = frozenset({".css", ".js", ".svg", ".wasm", ".txt", ".json", ".webmanifest"})
# What programs ask for (feeds wait and stream there), and files, which are kept compressed.
PROGRAMS: Final = ("/api/", "/audit/v1/", "/log/", "/static/", "/metrics", "/health/")


class Compressed:
    """Compress what pages answer to a GET, where the browser takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or scope["path"].startswith(PROGRAMS)
            or not takes_gzip(Headers(scope=scope))
        ):
            await self.app(scope, receive, send)
            return
        await _Answer(self.app, BYTES_MIN, LEVEL)(scope, receive, send)


class _Answer(GZipResponder):
    """One answer: only text, and only what may be changed on its way."""

    async def send_with_compression(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            said = Headers(raw=message["headers"])
            media = said.get("content-type", "").partition(";")[0].strip().lower()
            kept = "no-transform" in said.get("cache-control", "")
            self.exclude_content_types = (media,) if kept or media not in TEXTS else ()
        await super().send_with_compression(message)


def takes_gzip(headers: Headers) -> bool:
    """Tell whether a client takes gzip; `gzip;q=0` says that it does not (RFC 9110 §12.5.3)."""
    for one in headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Files(StaticFiles):
    """Files of ours, each compressed once in a process and then kept."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, compressed where it is text and the client takes that."""
        answer = await super().get_response(path, scope)
        if not isinstance(answer, FileResponse) or Path(answer.path).suffix not in FILES:
            return answer
        answer.headers.add_vary_header("Accept-Encoding")
        headers, stat = Headers(scope=scope), answer.stat_result
        small = stat is None or stat.st_size < BYTES_MIN
        if small or "range" in headers or not takes_gzip(headers):
            return answer
        assert stat is not None
        body = await run_in_threadpool(_packed, str(answer.path), stat.st_mtime_ns)
        said = MutableHeaders(raw=list(answer.raw_headers))
        said["content-encoding"], said["content-length"] = "gzip", str(len(body))
        # The same for both codings, so that either is found unchanged by either.
        said["etag"] = f"W/{said['etag']}"
        del said["accept-ranges"]
        packed = Response(body)
        packed.raw_headers = said.raw
        return packed


@lru_cache(maxsize=256)
def _packed(path: str, changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)
