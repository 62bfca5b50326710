"""An office behind a real port of this machine, for tests with a real browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn

from api.app import create_app
from api.office import Office

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


# Why tests in a browser run on one back end.
BROWSER = (
    "what a browser makes of pages; what pages ask of a database is asked of both in test_pages"
)


class Server(uvicorn.Server):
    """A server in a thread that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def served(office: Office, port: int = 0, **config: Any) -> Iterator[str]:
    """Serve an office on a port, a free one unless said; yield its address."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        app = create_app(office.settings, office)
        server = Server(uvicorn.Config(app, log_level="warning", lifespan="off", **config))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert server.listening.wait(20)
        scheme = "https" if config.get("ssl_certfile") else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@contextmanager
def offline(context: BrowserContext) -> Iterator[None]:
    """Take the network away for a while."""
    context.set_offline(True)
    try:
        yield
    finally:
        context.set_offline(False)


@contextmanager
def blameless(page: Page) -> Iterator[None]:
    """Fail at the end if a page logged an error or left this machine; no network is no error."""
    wrong: list[str] = []
    ours = ("127.0.0.1", "localhost", "ledger.test")

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws") and parts.hostname not in ours:
            wrong.append(f"left: {url}")

    page.on("request", lambda r: asked(r.url))
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    # No network, and plain http instead of https, are what some of these tests are about.
    expected = ("net::ERR_", "Cross-Origin-Opener-Policy header has been ignored")

    def logged(kind: str, text: str) -> None:
        if kind == "error" and not any(part in text for part in expected):
            wrong.append(text)

    page.on("console", lambda m: logged(m.type, m.text))
    yield
    assert wrong == [], wrong
