"""The only place that wires things together."""

from __future__ import annotations

import gc
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Mount

from api import health, languages, metrics, pages, problems, rest, rest_log, security
from api.compressing import Compressed, Files
from api.noting import Noting
from api.observed import Observed, Tally
from api.office import Office
from api.settings import Settings
from api.sight import Sighted
from ledger.replaying import collector_off

STATIC = Path(__file__).parent / "static"
YOUNG_MAX = 20_000  # new objects after which the garbage collector looks at them
# Some systems register scripts as plain text, and a browser then refuses them.
mimetypes.add_type("text/javascript", ".js")


@collector_off()  # everything that is made here stays
def create_app(settings: Settings, office: Office | None = None) -> FastAPI:
    """Return the application over an open office, or one that opens and closes its own."""
    if settings.locales is not None:
        languages.load(settings.locales)
    office = office or Office.open(settings)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        _keep_what_is_loaded()
        office.watch()
        yield
        office.close()

    app = FastAPI(
        title="公物 Gongwu",
        summary="公物仓与国有资产全生命周期的事件账本 · An event-sourced ledger of public property",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # Nothing leaves a machine that nobody asked to; what we measure we tell in our own log.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=life,
    )
    app.state.office = office
    rest.install(app, office)
    rest_log.install(app, office)
    tally = Tally()
    health.install(app, office)
    metrics.install(app, office, tally)
    *known, nowhere = pages.router(office).routes
    # The index of the API is asked first, then files and pages, then what the index did not find.
    app.router.routes[1:1] = [Mount("/static", Files(directory=STATIC), name="static"), *known]
    app.router.routes.append(nowhere)
    problems.install(app)
    app.add_middleware(Noting, office=office)
    app.add_middleware(Sighted)
    app.add_middleware(Compressed)
    security.protect(app, https=settings.https, refuse=problems.refuse)
    app.add_middleware(Observed, tally=tally)
    return app


@cache
def _keep_what_is_loaded() -> None:
    """Tell the garbage collector, once in a process, that what is there now stays.

    Modules, rules and routes are a quarter of a million objects; looking through them again and
    again held up requests for some tenths of a second each time. Requests leave hardly a cycle
    behind, so that one of them need not be searched for cycles several times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 20, 20)
