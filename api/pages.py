"""The web pages: everything a person can see and do, drawn on the server."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from api import (
    pages_account,
    pages_accounts,
    pages_again,
    pages_annual,
    pages_audit,
    pages_bank,
    pages_booking,
    pages_bundles,
    pages_ca,
    pages_cards,
    pages_cases,
    pages_changes,
    pages_charts,
    pages_comparing,
    pages_count,
    pages_depreciating,
    pages_design,
    pages_disposals,
    pages_entrusting,
    pages_filing,
    pages_findings,
    pages_home,
    pages_idle,
    pages_import,
    pages_inbox,
    pages_income,
    pages_inventory,
    pages_labels,
    pages_lists,
    pages_my,
    pages_offering,
    pages_offers,
    pages_open,
    pages_overview,
    pages_papers,
    pages_people,
    pages_periods,
    pages_public,
    pages_reads,
    pages_registers,
    pages_reuse,
    pages_rules,
    pages_scan,
    pages_screen,
    pages_searching,
    pages_seeking,
    pages_settings,
    pages_sign,
    pages_sso,
    pages_stocktakes,
    pages_stream,
    pages_tags,
    pages_units,
    pages_wanting,
    pages_ways,
    pages_webhooks,
)
from api.office import Office
from api.pages_trouble import PageRoute, trouble

PARTS = (
    pages_sign,
    pages_sso,
    pages_again,
    pages_account,
    pages_accounts,
    pages_home,
    pages_overview,
    pages_my,
    pages_inventory,
    pages_import,
    pages_cards,
    pages_offers,
    pages_offering,
    pages_public,
    pages_labels,
    pages_tags,
    pages_scan,
    pages_comparing,
    pages_count,
    pages_ca,
    pages_stocktakes,
    pages_cases,
    pages_open,
    pages_searching,
    pages_seeking,
    pages_stream,
    pages_papers,
    pages_filing,
    pages_units,
    pages_entrusting,
    pages_people,
    pages_registers,
    pages_income,
    pages_disposals,
    pages_bank,
    pages_wanting,
    pages_ways,
    pages_webhooks,
    pages_reuse,
    pages_idle,
    pages_inbox,
    pages_rules,
    pages_audit,
    pages_bundles,
    pages_changes,
    pages_findings,
    pages_periods,
    pages_annual,
    pages_booking,
    pages_depreciating,
    pages_reads,
    pages_charts,
    pages_settings,
    pages_lists,
    pages_screen,
    pages_design,
)


def router(office: Office) -> APIRouter:
    """Return every page of an office; include it last, it answers whatever nobody else did."""
    pages = APIRouter(route_class=PageRoute, include_in_schema=False)
    for part in PARTS:
        for route in part.router(office).routes:
            assert isinstance(route, Route)
            route.include_in_schema = False
            pages.routes.append(route)  # as it is: including makes each route a second time

    @pages.get("/{path:path}")
    def nowhere(request: Request, path: str) -> Response:
        return trouble(request, HTTPException(404))

    return pages
