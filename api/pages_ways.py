"""On the page of an asset: what its kind may and must, the ways tried while idle, its costs.

And the page of a unit's vehicle quota: how many it may have, which ones it has.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_asking, ways
from api.office import Office
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, possible
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.ways import Ways
from domain.asset import Asset
from domain.vehicles import Quota, VehicleUse
from domain.words import Words
from ledger.book import Stream

WAYS = Words("盘活先后：已经尝试的和尚未尝试的", "Ways to put it to use: tried and not yet tried")
TRAITS = Words("此类资产的规则", "What property of this kind may and must")
COSTS = Words("单车费用", "Costs of this vehicle")
NOT_TRIED = Words("未尝试", "not tried")
QUOTA = Words("车辆编制", "Vehicle quota")
NOT_SET = Words("未核定", "not set")
BEYOND = Words("超编", "beyond the quota")
HEADS = (
    Words("用途", "use"),
    Words("编制", "quota"),
    Words("在编", "counted"),
    Words("提示", "note"),
)
COLON = Words("：", ": ")
WHOLE = Words("合计", "in all")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/quotas/{id_}")
    def quota(id_: str, page: Member) -> Response:
        return quota_page(page, id_)

    @pages.post("/quotas/{id_}/do/{verb}")
    def quota_do(id_: str, verb: str, page: Member, form: Typed) -> Response:
        return do(page, id_, verb, form)

    return pages


# On the page of an asset ---------------------------------------------------------


def panels(page: Page, stream: Stream) -> dict[str, Any]:
    """Return what an asset's page shows of its kind, its idleness and its costs."""
    found = ways.of(page.office, stream)
    costs = ways.costs(stream, page.lang)
    return {
        "traits": {
            "title": page.words(TRAITS),
            "policy": found.policy.reference,
            "rows": ways.traits(found.policy, stream.state, page.lang),
            "own": own(page, stream.state),
        },
        "ways": told(page, found) if found.waits else None,
        "costs": {"title": page.words(COSTS), "years": costs} if costs else None,
    }


def own(page: Page, asset: Asset) -> list[tuple[str, str]]:
    """Return what the card of this one says that only its kind has: name and value in words."""
    use = next((one.words for one in VehicleUse if one == asset.vehicle_use), None)
    values = {
        "title_no": asset.title_no,
        "filing_no": asset.filing_no,
        "purpose": asset.purpose,
        "area_approved": asset.area_approved,
        "certificate_no": asset.certificate_no,
        "vehicle_use": page.words(use) if use else "",
        "shared": page.t("yes") if asset.shared else "",
    }
    return [(page.field(name), value) for name, value in values.items() if value]


def told(page: Page, found: Ways) -> dict[str, Any]:
    """Return a waterfall as the template draws it."""
    return {
        "title": page.words(WAYS),
        "note": "" if found.ordered else page.words(ways.ORDER_OF_LAW),
        "articles": found.articles,
        "rungs": [
            {
                "title": page.words(rung.way.words),
                "came": page.words(rung.came.words if rung.came else NOT_TRIED),
                "tried": rung.came is not None,
                "trials": [
                    {
                        "came": page.words(trial.came.words),
                        "on": trial.on.isoformat(),
                        "reason": (page.words(COLON) + trial.reason) if trial.reason else "",
                        "case": trial.case,
                        "case_name": page.case_name(trial.case) if trial.case else "",
                    }
                    for trial in rung.trials
                ],
            }
            for rung in found.rungs
        ],
    }


# The quota of a unit --------------------------------------------------------------


def quota_page(
    page: Page, id_: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw how many vehicles a unit may have and has; a unit nobody established is not found."""
    if not page.office.book.stream(f"unit/{id_}").entries:
        raise HTTPException(404)
    stream = page.office.book.stream(f"quota/{id_}")
    done = page.request.query_params.get("done", "")
    return page.render(
        "quota.html",
        status,
        stream=stream,
        id_=id_,
        state=stream.state,
        unit=page.name_of("unit", id_),
        title=page.words(QUOTA),
        heads=[page.words(head) for head in HEADS],
        rows=rows(page, stream.state),
        places=[
            (page.name_of("asset", asset), asset, page.words(use.words))
            for asset, use in sorted(stream.state.vehicles)
        ],
        wrong=wrong,
        steps=possible(page, stream, faulty),
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
    )


def rows(page: Page, quota: Quota) -> list[dict[str, Any]]:
    """Return quota and number of vehicles of every use, and in all."""
    counts = [(use.words, quota.limit(use), quota.counted(use)) for use in VehicleUse]
    found = [row for row in counts if row[1] is not None or row[2]]
    found.append((WHOLE, quota.total, len(quota.vehicles)))
    return [
        {
            "use": page.words(words),
            "limit": page.words(NOT_SET) if limit is None else str(limit),
            "count": count,
            "beyond": page.words(BEYOND) if limit is not None and count > limit else "",
        }
        for words, limit, count in found
    ]


def do(page: Page, id_: str, name: str, form: FormData) -> Response:
    """Ask for a step; whatever stands in the way, the form comes back with what was typed."""

    def draw(step: Step, wrong: str, status: int) -> Response:
        return quota_page(page, id_, faulty=step, wrong=wrong, status=status)

    return pages_asking.do(page, f"quota/{id_}", name, form, f"/quotas/{id_}", draw)
