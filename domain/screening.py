"""Whose turn it is: for whom an offer is kept first, and from which day the next may come (T45).

The windows are data of the place, told by the listing; later rules change nothing of it. A unit may
come from the day on which the first window of any of its tiers opens, and stays entitled; who
belongs to no window may come when all have ended. Claims, ranking and the proposed allocation all
ask here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

import msgspec

from domain.asset import Offer
from domain.policy import Tier
from domain.unit import Unit

TIERS = {tier.value: tier for tier in Tier}


class Opening(msgspec.Struct, frozen=True):
    """One window of an offer: for whom it opens on which day, until which day it runs."""

    tier: Tier
    opens_on: date
    ends_on: date


Windows: TypeAlias = tuple[Opening, ...]  # in the order in which they open; none: open to all


class Belonging(NamedTuple):
    """Where a unit belongs in the administration, as far as that is known."""

    competent: str = ""
    level: str = ""
    region: str = ""


def belonging(unit: Unit) -> Belonging:
    """Return where a unit belongs."""
    return Belonging(unit.competent, unit.level or "", unit.region)


def openings(offer: Offer) -> Windows:
    """Return the windows of an offer with their days; none where the place has no such rule."""
    if offer.listed_on is None:
        return ()
    found: list[Opening] = []
    opens_on = offer.listed_on
    for window in offer.windows:
        after = opens_on + timedelta(days=window.days)
        found.append(Opening(TIERS[window.scope], opens_on, after - timedelta(days=1)))
        opens_on = after
    return tuple(found)


def open_now(windows: Windows, on: date) -> Opening | None:
    """Return the window that runs on a day; None before the first, after the last, or without."""
    return next((one for one in windows if one.opens_on <= on <= one.ends_on), None)


def screened(windows: Windows, on: date) -> bool:
    """Answer whether every window has ended: what nobody took may go other ways."""
    return all(one.ends_on < on for one in windows)


def opens_for(windows: Windows, tiers: Collection[Tier]) -> date | None:
    """Return the day from which units of these tiers may come; None where nobody has to wait."""
    if not windows:
        return None
    mine = (one.opens_on for one in windows if one.tier in tiers)
    return min(mine, default=max(one.ends_on for one in windows) + timedelta(days=1))


def open_to(windows: Windows, tiers: Collection[Tier], on: date) -> bool:
    """Answer whether units of these tiers may come on a day."""
    opens = opens_for(windows, tiers)
    return opens is None or opens <= on


def tiers_of(giver: Belonging, taker: Belonging, *, own: bool) -> tuple[Tier, ...]:
    """Return every tier in which one unit stands to another, as far as both are placed.

    `own`: the taker holds the thing itself, or accounts for it.
    """
    found = [Tier.OWN] if own else []
    if own or (giver.competent and giver.competent == taker.competent):
        found.append(Tier.DEPARTMENT)
    placed = giver.level and giver.region
    if own or (placed and giver[1:] == taker[1:]):
        found.append(Tier.SAME_LEVEL)
    return (*found, Tier.OTHERS)
