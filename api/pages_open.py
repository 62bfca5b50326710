"""The page of open steps: what waits in every case, for whom, and since when."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import open_cases, pages_past
from api.office import Office
from api.pages_inventory import PAGE_ROWS
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from projections import cases


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/open-steps")
    def listing(page: Member) -> Response:
        given = page.request.query_params
        look = pages_past.looking(page)
        on = date.fromisoformat(look.day)
        days = given.get("days", "").strip()
        asked = {
            "kind": given.get("kind", "") if given.get("kind") in cases.KINDS else "",
            "days": days if days.isdecimal() and int(days) <= open_cases.DAYS_MAX else "",
            "mine": "1" if given.get("mine") == "1" else "",
            "overdue": "1" if given.get("overdue") == "1" else "",
        }
        try:
            after = open_cases.after_of(given.get("after", ""))
        except ValueError:
            raise HTTPException(404) from None
        query = cases.open_steps(
            page.actor.scope,
            on,
            kind=asked["kind"],
            role=page.actor.role if asked["mine"] else "",
            days=int(asked["days"] or 0),
            overdue=bool(asked["overdue"]),
            after=after,
            limit=PAGE_ROWS + 1,
        )
        rows = pages_past.lists(page, look, cases.KINDS).rows(query)
        steps = [open_cases.opened(row, on) for row in rows[:PAGE_ROWS]]
        return page.render(
            "open_steps.html",
            422 if look.wrong else 200,
            look=look,
            name_of=pages_past.names(page, look),
            chips=pages_past.chips(page, look),
            asked=asked,
            on=on.isoformat(),
            steps=list(zip(steps, rows[:PAGE_ROWS], strict=True)),
            more=open_cases.cursor_of(steps[-1]) if len(rows) > PAGE_ROWS else "",
            kinds=[(kind, page.t(f"kind-{kind}")) for kind in cases.KINDS],
            owners=lambda step: (
                "、".join(page.words(w) for w in step.owners())
                if page.lang == "zh"
                else ", ".join(page.words(w) for w in step.owners())
            ),
        )

    return pages
