"""The scan app: a page that is kept on the device and counts without a network.

Everything it needs is listed in `FILES`, kept by its service worker, and named together by one
hash: a changed file is a new version. The page holds no data of anybody, so nobody signs in for it.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.office import Office
from api.pages_draw import TEMPLATES
from api.pages_sign import Visitor
from api.pages_trouble import PageRoute
from api.scan_words import WORDS
from domain.decider import Lang

STATIC = Path(__file__).parent / "static"
SHELL = "/scan/count"
FILES = (
    "/static/scan/app.js",
    "/static/scan/beep.js",
    "/static/scan/camera.js",
    "/static/scan/codes.js",
    "/static/scan/seals.js",
    "/static/scan/decoder.js",
    "/static/scan/sha256.js",
    "/static/scan/store.js",
    "/static/scan/sync.js",
    "/static/scan/wedge.js",
    "/static/scan/scan.css",
    "/static/scan/icon-192.png",
    "/static/vendor/zxing_reader.js",
    "/static/vendor/zxing_reader.wasm",
)
COLOUR = "#1f4e79"


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(SHELL)
    def count(page: Visitor) -> Response:
        answer = Response(shell(page.lang), media_type="text/html")
        # The service worker asks anew; a proxy in between must not keep an old one.
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["Vary"] = "Cookie, Accept-Language"
        return answer

    @pages.get("/scan/sw.js")
    def worker() -> Response:
        return Response(
            service_worker(),
            media_type="text/javascript",
            headers={"Cache-Control": "no-cache"},
        )

    @pages.get("/scan/app.webmanifest")
    def manifest(page: Visitor) -> Response:
        return JSONResponse(told(page.lang), media_type="application/manifest+json")

    @pages.get("/scan/me")
    def me(page: Visitor) -> Response:
        """Say who is signed in, if anybody, and what time it is here."""
        now = office.book.clock()
        return JSONResponse(
            {
                "person": page.actor.person if page.session else "",
                "name": page.actor.name if page.session else "",
                "now": int(now.timestamp() * 1000),
            },
            headers={"Cache-Control": "no-store"},
        )

    return pages


@cache
def shell(lang: Lang) -> str:
    """Draw the page; it is the same for everybody."""
    return TEMPLATES.get_template("scan_app.html").render(lang=lang, words=WORDS)


@cache
def service_worker() -> str:
    """Write version and files into the service worker."""
    parts = [(STATIC.parent / name.lstrip("/")).read_bytes() for name in FILES]
    source = (STATIC / "scan" / "sw.js").read_text(encoding="utf-8")
    parts += [shell("zh").encode(), source.encode()]
    version = sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:16]
    files = json.dumps([SHELL, *FILES])
    return source.replace("__VERSION__", f"gongwu-scan-{version}").replace("__FILES__", files)


def told(lang: Lang) -> dict[str, Any]:
    """Return the manifest: what a phone shows of the app on its home screen."""
    name, short = ("公物盘点", "盘点") if lang == "zh" else ("Gongwu stock-take", "Stock-take")
    icons = [
        {"src": f"/static/scan/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"}
        for side in (192, 512)
    ]
    return {
        "id": SHELL,
        "name": name,
        "short_name": short,
        "lang": "zh-CN" if lang == "zh" else "en",
        "start_url": SHELL,
        "scope": "/scan/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#ffffff",
        "theme_color": COLOUR,
        "icons": icons,
    }
