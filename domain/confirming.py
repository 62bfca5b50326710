"""Whoever has a thing says so: it is with them, and in what condition (国令738 第15条).

Between two stocktakes this is the only word of a thing that nobody moves. It changes neither where
the thing is nor who answers for it; who last said so, and when, stays in its history.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import STILL_OURS, Asset, Custody, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.values import Code, Text
from domain.words import Role

# What happened ----------------------------------------------------------------


class ConfirmedByHolder(
    Event,
    name="asset.confirmed_by_holder",
    zh="在我这里：成色{condition} {note}",
    en="It is with me, condition {condition}: {note}",
):
    """Its user, or the keeper of the place it is kept in, had it before them on that day."""

    condition: Code = ""
    note: Text = ""


ConfirmingEvent: TypeAlias = ConfirmedByHolder

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: ConfirmingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ConfirmedByHolder(condition=condition):
            return replace(asset, grade=condition or asset.grade)
        case _:
            assert_never(event)


lifecycle.part(ConfirmingEvent, evolve)

# What may be asked ------------------------------------------------------------

KEPT = (Custody.STORE, Custody.IDLE, Custody.WAREHOUSE)


def held(asset: Asset, occasion: Occasion) -> bool:
    """Tell whether somebody has the thing: it is in their name, or in the store they keep."""
    if asset.user:
        return asset.user == occasion.by
    keeps = occasion.role == Role.KEEPER and occasion.acts_for(asset.custodian)
    return keeps and asset.custody in KEPT


WITH_THEM = Rule(
    slug="not-with-you",
    zh="账上不在您名下：只有使用人，或无人使用时保管它的仓管员，才能确认在自己这里。",
    en="The books do not say that you have it: only its user can confirm it, or while nobody uses it"
    " the keeper of its store.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=held,
)


@lifecycle.verb(
    STILL_OURS,
    WITH_THEM,
    zh="在我这里",
    en="It is with me",
    roles=(
        Role.CLERK,
        Role.KEEPER,
        Role.HEAD,
        Role.ACCOUNTANT,
        Role.CASHIER,
        Role.DEPARTMENT,
        Role.OFFICE,
        Role.FINANCE,
    ),
)
def confirm_held(
    _: Asset, __: Occasion, *, condition: Code = "", note: Text = ""
) -> ConfirmedByHolder:
    """Confirm that the thing is with you, and say in what condition it is."""
    return ConfirmedByHolder(condition=condition, note=note)
