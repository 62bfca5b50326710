"""The front page: the reader's own work, as the role has it in which they act."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter
from starlette.responses import Response

from api import finding, homes
from api.homes_words import SAID
from api.office import Office
from api.pages_charts import TITLES
from api.pages_sign import Member
from api.pages_trouble import Forbidden, PageRoute

SHOWN = 6


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/")
    def home(page: Member) -> Response:
        return page.render(
            "home.html",
            home=homes.home(page),
            titles=TITLES,
            line=homes.LINE,
            said={name: page.words(words) for name, words in SAID.items()},
            today=page.office.today(page.actor.zone).isoformat(),
        )

    @pages.get("/home/findings")
    def findings(page: Member) -> Response:
        """Answer with a part of the auditor's home: looking for findings may take a while."""
        if not page.may(*finding.READERS):
            raise Forbidden
        counted = Counter(finding.found(office).counts)
        return page.render(
            "home_findings.html",
            found=[(finding.title(check, page.lang), n) for check, n in counted.most_common(SHOWN)],
            said={name: page.words(words) for name, words in SAID.items()},
        )

    return pages
