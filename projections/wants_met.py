"""What became of wants by the end of a day: from when something was to be had, and how much came."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.demand import (
    Demand,
    DemandClaimed,
    DemandPublished,
    DemandStatus,
    OfferAhead,
    OfferFound,
    lifecycle,
)
from domain.values import quantity as decimal
from ledger.entry import Entry


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One want as it stood at the end of a day; days are empty where nothing happened by then.

    `offered` is the first day on which something that fits was told to it, or claimed for it;
    `met` the day since which all of it is there.
    """

    case: str
    position: int
    on: str
    unit: str
    kind: str
    class_code: str
    item: str
    quantity: str
    measure: str
    dataset: str
    needed_by: str
    came: str = "0"
    status: str = DemandStatus.OPEN.value
    offered: str = ""
    met: str = ""


def wanted(stream: str, entries: Sequence[Entry], end: str) -> Wanted | None:
    """Return where a want stood at the end of a day, by its entries; None before it was published."""
    state, first = Demand(), None
    offered = met = ""
    opened: list[str] = []
    # What was recorded late stands on its own day, as everywhere else.
    for e in sorted(entries, key=lambda e: (e.effective_on, e.seq)):
        if e.effective_on > end:
            break
        fact = e.event
        if isinstance(fact, DemandPublished):
            first = e
        if isinstance(fact, OfferFound | DemandClaimed):
            offered = offered or e.effective_on
        if isinstance(fact, OfferAhead):
            opened.append(fact.opens_on.isoformat())
        state = lifecycle.evolve(state, fact)
        if state.status is not DemandStatus.MET:
            met = ""
        elif not met:
            met = e.effective_on
    if first is None:
        return None
    # A thing that is kept for others first is to be had from the day of its turn.
    offered = min((day for day in (offered, *opened) if day and day <= end), default="")
    return Wanted(
        case=stream,
        position=first.position,
        on=first.effective_on,
        unit=state.unit,
        kind=state.kind.value,
        class_code=state.class_code,
        item=state.item,
        quantity=state.quantity,
        measure=state.measure,
        dataset=state.dataset,
        needed_by=state.needed_by.isoformat() if state.needed_by else "",
        came=decimal(state.came),
        status=state.status.value,
        offered=offered,
        met=met,
    )
