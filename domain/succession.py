"""A case goes on when a unit of it ends: the successor stands where the old unit stood.

What the old unit lent, borrowed, leased out, gives, takes, plans or must put right is the new
unit's from the day of the hand-over; the steps of its route that the old unit had to decide are the
new one's (国令738 第22条). A case passes with the property, by the same signed act. What awaits a
decision on a paper that names the old unit, or is on its way between two people, is finished or
withdrawn first.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from domain import (
    acquiring,
    auditing_notes,
    census,
    converting,
    disposal,
    exchanging,
    leasing,
    lending,
    planning,
    reallocation,
    warehouse,
)
from domain.approval import Approval
from domain.decider import Ask, Event, Lifecycle, Occasion, Rule
from domain.open_steps import open_step
from domain.values import Stream, UnitId

# Where a case names a unit.
PARTIES = (
    *("unit", "lender", "borrower", "lessor", "from_unit", "to_unit", "keeper_unit"),
    *("partner", "used_by"),
)

# What happened ----------------------------------------------------------------


class PartySucceeded(
    Event,
    name="case.party_succeeded",
    zh="机构变动，本事项中的{from_unit}由{to_unit}承接",
    en="In a reorganisation {to_unit} took the place of {from_unit} in this case",
):
    """The new unit has the rights and duties of the old one here, as far as they are open."""

    from_unit: UnitId
    to_unit: UnitId
    reorganisation: Stream


# Where that leaves us ---------------------------------------------------------


def evolve(case: Any, event: PartySucceeded) -> Any:
    """What a succession means for any case: every place of the old unit is the new one's."""
    old, new = event.from_unit, event.to_unit
    changed: dict[str, Any] = {field: new for field in PARTIES if getattr(case, field, None) == old}
    approval = getattr(case, "approval", None)
    if isinstance(approval, Approval):
        stages = tuple(
            replace(stage, unit=new) if stage.unit == old else stage for stage in approval.stages
        )
        changed["approval"] = replace(approval, stages=stages)
    return replace(case, **changed)


# What may be asked ------------------------------------------------------------

DECISIONS = frozenset(
    {
        *("approve", "endorse", "resubmit", "authorise", "rule_on"),
        *("approve_extension", "approve_new_terms", "rule_on_excess"),
    }
)
ARRIVALS = frozenset(
    {"take_in", "inspect_return", "confirm_in", "confirm_delivery", "take_back", "receive"}
)


def party(case: Any, unit: str) -> bool:
    """Answer whether a unit is a side of a case, not only somebody who decides it."""
    return unit in {getattr(case, field, None) for field in PARTIES}


DECIDED = Rule(
    slug="case-awaits-a-decision",
    zh="该事项待审批，文书上写的是即将终止的单位；请先审批完毕或者撤回。",
    en="The case awaits a decision on a paper that names the unit that ends; have it decided or"
    " withdraw it first.",
    law="《行政事业性国有资产管理条例》第22条",
)
AT_REST = Rule(
    slug="case-has-things-on-their-way",
    zh="该事项有物品在途，须先由接收方接收，或者退回交出方。",
    en="Things of this case are on their way; have them taken in or called back first.",
    law="《行政事业性国有资产管理条例》第15条",
    holds=lambda case, _: not getattr(case, "sent", ()) and not getattr(case, "moving", ()),
)


def succeed_party(
    case: Any, _: Occasion, *, from_unit: UnitId, to_unit: UnitId, reorganisation: Stream
) -> tuple[Event | Ask, ...]:
    """Let the new unit go on where the old one stood; what was lent to it is lent to the new."""
    step = open_step(case)
    if step is not None and step.verb in DECISIONS and party(case, from_unit):
        raise DECIDED.broken()
    form = {"from_unit": from_unit, "to_unit": to_unit}
    borrowed = sorted(case.out) if getattr(case, "borrower", "") == from_unit else ()
    return (
        PartySucceeded(from_unit=from_unit, to_unit=to_unit, reorganisation=reorganisation),
        *(Ask(f"asset/{asset}", "change_borrower", form) for asset in borrowed),
    )


def succeeding(lifecycle: Lifecycle[Any]) -> None:
    """Let a kind of case go on with another unit."""
    lifecycle.part(PartySucceeded, evolve)
    lifecycle.verb(AT_REST, zh="承接", en="Take the place of a unit", inner=True)(succeed_party)


KINDS = (
    lending.lifecycle,
    leasing.lifecycle,
    warehouse.lifecycle,
    reallocation.lifecycle,
    converting.lifecycle,
    exchanging.lifecycle,
    disposal.lifecycle,
    planning.lifecycle,
    acquiring.lifecycle,
    census.lifecycle,
    auditing_notes.lifecycle,
)
for kind in KINDS:
    succeeding(kind)
PASSING = frozenset(kind.kind for kind in KINDS)
