"""The book as an auditor sees it: its head, its verification, and every entry to the byte."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.office import Office
from api.pages_sign import Member
from api.pages_stream import address
from api.pages_telling import tell
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from domain.words import Role
from ledger import tree, verifying
from ledger.entry import decode

LATEST = 20


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit")
    def audit(page: Member) -> Response:
        return audit_page(page, None)

    @pages.post("/audit/verify")
    def verify(page: Member) -> Response:
        if not page.may(Role.AUDITOR, Role.ADMIN):
            raise Forbidden
        return audit_page(page, verifying.verify(office.book))

    @pages.get("/entries/{position}")
    def entry(position: int, page: Member) -> Response:
        if not 1 <= position <= office.book.head()[0]:
            raise HTTPException(404)
        row = next(office.book.log.rows(position, position))[0]
        found = decode(*row)
        leaf = office.book.log.leaves(position, position)[0]
        return page.render(
            "entry.html",
            entry=found,
            raw=found.state.decode(),
            pretty=json.dumps(json.loads(found.state), ensure_ascii=False, indent=2),
            leaf=bytes(leaf).hex(),
            same=tree.leaf(found.state) == bytes(leaf),
            sentence=tell(found.event, page.lang, page.namer_then(found.effective_on)),
            recorded=page.local(found.recorded_at),
            back=address(found.stream),
            size=office.book.head()[0],
        )

    return pages


def audit_page(page: Page, verdict: verifying.Verdict | None) -> Response:
    """Draw the head of the book and the latest entries."""
    book = page.office.book
    size, root, recorded_at = book.head()
    latest = [
        (e, tell(e.event, page.lang, page.namer_then(e.effective_on)), address(e.stream))
        for e in book.entries(max(1, size - LATEST + 1), size)
    ]
    return page.render(
        "audit.html",
        size=size,
        root=root.hex(),
        recorded=page.local(recorded_at) if size else "",
        verdict=verdict,
        latest=latest[::-1],
        may_verify=page.may(Role.AUDITOR, Role.ADMIN),
    )
