"""Figures for Prometheus: requests by route and status, times, how far lists and signatures are.

For this machine alone, or for whoever has the token of GONGWU_METRICS_TOKEN. Each process tells
its own requests; what is in the database is the same from all of them.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version as installed
from ipaddress import ip_address
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import backing_up
from api.accounts import IDLE, session_
from api.hashing import stamp
from api.health import free_bytes
from api.observed import BOUNDS, Tally
from api.office import Office
from api.webhooks import ON

logger = logging.getLogger(__name__)
# Whoever has one of these came through a proxy, so that its loopback address says nothing.
PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
Figure = tuple[str, str, Callable[[], float]]


def install(app: FastAPI, office: Office, tally: Tally) -> None:
    """Put the figures into an application."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/metrics")
    def metrics(request: Request) -> Response:
        refuse_strangers(request, office.settings.metrics_token)
        # Few installations are asked, and none before it serves.
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry()
        registry.register(_Told(office, tally))
        ProcessCollector(registry=registry)
        return Response(
            generate_latest(registry),
            media_type=CONTENT_TYPE_LATEST,
            headers={"Cache-Control": "no-store"},
        )

    app.include_router(routes)


def refuse_strangers(request: Request, token: str) -> None:
    """Let in who has the token; where there is none, who asks from this machine itself."""
    if token:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        return
    here = request.client is not None and _loopback(request.client.host)
    if not here or any(name in request.headers for name in PROXIED):
        raise HTTPException(404)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Told:
    """What prometheus_client asks for at each look."""

    def __init__(self, office: Office, tally: Tally) -> None:
        self.office, self.tally = office, tally

    def collect(self) -> Iterator[Any]:
        """Yield every figure; one that cannot be had now is left out."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        build = GaugeMetricFamily("gongwu_build_info", "What runs here.", labels=["version"])
        build.add_metric([installed("gongwu")], 1)
        yield build
        answered = CounterMetricFamily(
            "gongwu_requests", "Requests answered.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in sorted(self.tally.answered().items()):
            answered.add_metric([route, method, str(status)], count)
        yield answered
        times = HistogramMetricFamily(
            "gongwu_request_seconds", "Time to answer.", labels=["route", "method"]
        )
        for labels, counted in sorted(self.tally.times().items()):
            times.add_metric(list(labels), _buckets(counted), sum_value=counted[-1])
        yield times
        for name, meaning, figure in (*self._figures(), *self.office.measured):
            try:
                yield GaugeMetricFamily(name, meaning, value=float(figure()))
            except Exception:  # what cannot be had now is away from the answer, and in the log
                logger.exception("a figure cannot be had")

    def _figures(self) -> Iterable[Figure]:
        office, proving = self.office, self.office.proving
        yield "gongwu_requests_under_way", "Requests being answered.", lambda: self.tally.under_way
        yield "gongwu_entries", "Entries in the log.", lambda: office.book.log.head()[0]
        yield "gongwu_lists_behind_entries", "Entries that lists do not show.", office.behind
        yield "gongwu_lists_stuck", "1: the lists stand still.", lambda: office.stuck is not None
        yield "gongwu_sessions", "Sessions not idle for too long.", lambda: _sessions(office)
        yield "gongwu_disk_free_bytes", "Room left.", lambda: free_bytes(office.settings.database)
        yield "gongwu_reads_waiting", "Reads not yet noted.", lambda: office.reads.waiting
        standing = proving.standing()
        yield (
            "gongwu_unsigned_entries",
            "Entries after the newest checkpoint.",
            lambda: standing.unsigned_entries,
        )
        yield (
            "gongwu_unsigned_seconds",
            "Age of the oldest entry that no checkpoint covers.",
            lambda: standing.unsigned_seconds,
        )
        yield (
            "gongwu_unwitnessed_entries",
            "Entries that too few witnesses have signed.",
            lambda: standing.exposed_entries,
        )
        yield (
            "gongwu_webhook_age_seconds",
            "Age of the oldest entry that a receiver waits for.",
            lambda: _undelivered(office),
        )
        if (folder := office.settings.backups) is not None:
            yield (
                "gongwu_backup_age_seconds",
                "Age of the newest backup; without end where there is none.",
                lambda: _age(office, backing_up.stored(folder)),
            )


def _buckets(counted: list[float]) -> list[tuple[str, float]]:
    found, total = list[tuple[str, float]](), 0.0
    for bound, count in zip((*BOUNDS, None), counted, strict=False):
        total += count
        found.append(("+Inf" if bound is None else str(bound), total))
    return found


def _age(office: Office, files: list[Any]) -> float:
    if not files:
        return float("inf")
    return backing_up.age(files[-1], office.book.clock()) / timedelta(seconds=1)


def _sessions(office: Office) -> int:
    since = stamp(office.accounts.clock() - IDLE)
    with office.accounts.engine.connect() as connection:
        signed_in = session_.select().where(session_.c.stage == "", session_.c.seen_at >= since)
        return len(connection.execute(signed_in).all())


def _undelivered(office: Office) -> float:
    size = office.book.log.head()[0]
    waiting = [h.reached for h in office.webhooks.all() if h.state == ON and h.reached < size]
    if not waiting:
        return 0.0
    query = "SELECT recorded_at FROM ledger_command WHERE first + count > ? ORDER BY first LIMIT 1"
    with office.book.log.snapshot() as select:
        since = datetime.fromisoformat(select(query, min(waiting) + 1)[0][0])
    return (office.book.clock() - since) / timedelta(seconds=1)
