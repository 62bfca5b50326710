"""The example city's own rules: invented like everything in it, published by two persons.

They lay down who decides an intake and a lease, and by when, for whom what is offered is kept first,
how long a claim holds it, and how soon after its receipt money is remitted; what they do not say
follows the generic rules. Before they came into force, and in the district, the generic rules hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from api.city_people import CITY, DIVISION, FINANCE, OFFICES
from domain.asset import Kind
from domain.policy import (
    GENERIC,
    Action,
    Body,
    Claiming,
    Policy,
    RemitFrom,
    Route,
    Step,
    Tier,
    UnderUse,
    Window,
    written,
)
from domain.words import Role, Words

NAME: Final = "example-city"
DISTRICT: Final = "o_ex_dst"
DISTRICT_DIVISION: Final = "990001"
PLACED_ON: Final = date(2026, 1, 6)
PROPOSED_ON: Final = date(2026, 1, 12)
PUBLISHED_ON: Final = date(2026, 1, 20)
FROM: Final = date(2026, 2, 1)
TO_HEAD: Final = Step(role=Role.HEAD, body=Body.OWN, days=10)
# What the place leaves open stays open here as well: no limits of amounts, no terms of loans. No
# article gives numbers for when something is idle or under-used, nor how long a claim holds it:
# these are this invented city's own, and so are the days it keeps what is offered for each tier and
# the ten days within which each sum that came in is remitted.
RULES: Final = Policy(
    name=NAME,
    version=2,  # the first draft was withdrawn
    title=Words("示例市公物仓管理规则（虚构）", "Warehouse rules of the example city (invented)"),
    region=DIVISION,
    in_force_from=FROM,
    idle_days=90,
    under_use=(
        UnderUse(within_days=365, kinds=frozenset({Kind.INSTRUMENT.value}), hours_below=100),
    ),
    screening=(
        Window(scope=Tier.OWN, days=7),
        Window(scope=Tier.SAME_LEVEL, days=14),
        Window(scope=Tier.OTHERS, days=5),
    ),
    claiming=Claiming(hold_days=10),
    remit_days=10,
    remit_from=RemitFrom.RECEIVED,
    routes=(
        Route(
            action=Action.INTAKE,
            steps=(TO_HEAD, Step(role=Role.OFFICE, body=Body.OFFICES, days=10)),
        ),
        Route(
            action=Action.LEASE,
            steps=(TO_HEAD, Step(role=Role.FINANCE, body=Body.FINANCE, days=15)),
        ),
    ),
)
CONTENT: Final = written(RULES)


def in_force(unit: str, on: date) -> Policy:
    """Return the rules a unit of the city was under on a day."""
    return RULES if on >= FROM and unit != DISTRICT else GENERIC


def bodies(unit: str, on: date) -> Mapping[str, str]:
    """Return who was competent for a unit of the city on a day."""
    own = {Body.OWN.value: unit}
    if on < PLACED_ON or unit == DISTRICT:
        return own
    return own | {
        Body.OFFICES.value: OFFICES,
        Body.FINANCE.value: FINANCE,
        Body.GOVERNMENT.value: CITY,
    }
