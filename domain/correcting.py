"""A case that was returned may change its list: what is taken out is free, what is added is held.

Shared by every kind of case with a route and a list of assets. The resubmission names what goes
and what comes; the case then lays its route again for the whole list, since another amount or
another kind of thing may be another body's to decide. What is resubmitted is what is approved or
not, so that no more is ever carried out than was approved (T91).

A kind has a field `approval`, gives `correctable` its own way of laying the route (`lay_anew`), and
answers its `resubmit` with `Resubmitted` and what `relisted` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from domain.decider import Ask, Event, Lifecycle, Occasion, Rule
from domain.holding import ON_THE_LIST, listed, releases
from domain.values import AssetId

# What happened ----------------------------------------------------------------


class ListCorrected(
    Event,
    name="case.list_corrected",
    zh="调整清单：增加{added}；移出{removed}",
    en="List corrected: {added} added; {removed} taken out",
    duty="apply",
):
    """The applicant changed what the case is about before putting it forward again."""

    added: tuple[AssetId, ...] = ()
    removed: tuple[AssetId, ...] = ()


# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)


def evolve_waiting(case: C, event: ListCorrected) -> C:
    """What another list means for a case whose list is what waits: a field `waiting`."""
    return replace(case, waiting=corrected(case.waiting, event))


def corrected(assets: frozenset[str], event: ListCorrected) -> frozenset[str]:
    """Return a list as it was corrected."""
    return assets.difference(event.removed).union(event.added)


def correctable(
    lifecycle: Lifecycle[Any],
    awaiting: Rule,
    lay_anew: Callable[..., Any],
    evolve: Callable[[Any, Any], Any] = evolve_waiting,
) -> None:
    """Let the applicant of a kind of case change its list while it is returned.

    `lay_anew` is the kind's own verb that only `relisted` asks, with the whole list as `assets`.
    """
    lifecycle.part(ListCorrected, evolve)
    lifecycle.verb(awaiting, zh="重新确定审批程序", en="Lay the route again", inner=True)(lay_anew)


# What may be asked ------------------------------------------------------------

SOMETHING_ADDED = Rule(
    slug="already-on-the-list",
    zh="资产 {asset} 已在本单据的清单上。",
    en="Asset {asset} is on this document's list already.",
)
OWN_LIST = Rule(
    slug="list-of-another-unit",
    zh="只能由申请人或者本单据所涉单位调整清单、金额和数量。",
    en="Only the applicant, or a unit this document is about, corrects its list and amounts.",
)
SIDES = ("unit", "lender", "borrower", "lessor", "from_unit", "to_unit", "partner")


def refuse_others(case: Any, occasion: Occasion) -> None:
    """Refuse a correction to whoever neither applied nor acts for a unit of the case."""
    sides = {getattr(case, side, "") for side in SIDES} | {""}
    if occasion.unit not in sides and case.applicant not in (occasion.by, occasion.behalf):
        raise OWN_LIST.broken()


def relisted(
    case: Any,
    occasion: Occasion,
    assets: frozenset[str],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    reason: str,
    hold: tuple[str, dict[str, Any]],
    again: dict[str, Any] | None = None,
) -> tuple[Event | Ask, ...]:
    """Return what another list needs: freed and held assets, and the route laid again.

    `hold` is the asset's verb by which the kind holds it, with its form: whatever was checked of
    an asset at the first application is checked of those added. `again` is what else `lay_anew`
    is told. Nothing when nothing changes.
    """
    changes = list_changes(case, occasion, assets, add, remove, reason, hold)
    if not changes:
        return ()
    whole = sorted(assets.difference(remove).union(add))
    return (*changes, Ask(occasion.stream, "lay_anew", {"assets": whole} | (again or {})))


def list_changes(
    case: Any,
    occasion: Occasion,
    assets: frozenset[str],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    reason: str,
    hold: tuple[str, dict[str, Any]],
    fact: type[Any] = ListCorrected,
) -> tuple[Event | Ask, ...]:
    """Return how one list of a case changes, told by `fact`: what is freed, and what is held."""
    if not add and not remove:
        return ()
    refuse_others(case, occasion)
    for asset in listed(remove) if remove else ():
        if asset not in assets:
            raise ON_THE_LIST.broken(asset=asset)
    for asset in listed(add) if add else ():
        if asset in assets:
            raise SOMETHING_ADDED.broken(asset=asset)
    listed(tuple(assets.difference(remove).union(add)))
    added, removed = tuple(sorted(add)), tuple(sorted(remove))
    verb, form = hold
    return (
        fact(added=added, removed=removed),
        *releases(occasion.stream, removed, reason),
        *(Ask(f"asset/{a}", verb, form) for a in added),
    )
