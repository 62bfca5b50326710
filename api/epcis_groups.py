"""What packages, disposals and blank labels say as EPCIS: things told together, from their cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.epcis_counts import Named
from api.office import Office
from domain.asset import Asset
from domain.decider import LIFECYCLES
from domain.disposal import Disposal
from domain.label_design import StockPrinted, stock_id
from domain.leaving import SCRAP_FORMS
from domain.package import (
    LoadedOnto,
    Package,
    PackageBrokenUp,
    PackageMoved,
    PackageReceived,
    PackageSetUp,
    ThingsPacked,
    ThingsUnpacked,
    UnloadedFrom,
)
from domain.proving import Destroyed, Destruction, TechnicallyAssessed
from labels import epcis, epcis_groups
from labels.epcis_groups import Act
from ledger.entry import Entry, standing

Event = dict[str, Any]
STREAMS = frozenset({"package", "disposal", "labels"})
# Wiping what a thing stored leaves the thing.
UNMAKING = frozenset({Destruction.SHREDDED, Destruction.MELTED, Destruction.DISMANTLED})


def told(office: Office, entry: Entry) -> list[Event]:
    """Return the events of an entry of a package, a disposal or a register of labels."""
    kind = entry.stream.partition("/")[0]
    act = Act(
        about=f"{entry.stream}/{entry.seq}",
        at=entry.effective_at,
        recorded_at=entry.recorded_at,
        host=office.settings.label_host,
    )
    if kind == "package":
        return _package(office, entry, act)
    match entry.event:
        case TechnicallyAssessed(report_no=report):
            case: Disposal = _before(office, entry)
            if case.form not in SCRAP_FORMS:
                return []
            things = sorted(case.proposed | case.approved)
            return epcis_groups.judged_worn_out(act, _named(office, entry, things), report)
        case Destroyed(asset=asset, certificate=certificate, method=method) if method in UNMAKING:
            (thing,) = _named(office, entry, (asset,))
            return [epcis_groups.destroyed(act, thing, certificate)]
        case StockPrinted(first=first, last=last):
            unit = entry.stream.partition("/")[2]
            serials = range(first, last + 1)
            blanks = [epcis.identity(stock_id(unit, n), Asset(), act.base) for n in serials]
            return epcis_groups.encoded(act, blanks)
        case _:
            return []


def _package(office: Office, entry: Entry, act: Act) -> list[Event]:
    before: Package = _before(office, entry)
    after: Package = LIFECYCLES["package"].evolve(before, entry.event)
    me = _package_name(entry.stream.partition("/")[2], after, act.base)
    match entry.event:
        case PackageSetUp(place=place):
            return [epcis_groups.package_begun(act, me, place or "")]
        case ThingsPacked(assets=assets):
            return epcis_groups.grouped(act, me, _named(office, entry, assets), after.place)
        case ThingsUnpacked(assets=assets):
            return epcis_groups.ungrouped(act, me, _named(office, entry, assets), after.place)
        case LoadedOnto(outer=outer):
            return epcis_groups.grouped(act, _other(office, outer, act.base), [me], after.place)
        case UnloadedFrom(outer=outer):
            return epcis_groups.ungrouped(act, _other(office, outer, act.base), [me], after.place)
        case PackageMoved(place=place):
            return [epcis_groups.package_moved(act, me, place)]
        case PackageReceived(unit=unit, place=place):
            return [epcis_groups.package_received(act, me, place, before.unit, unit)]
        case PackageBrokenUp():
            return [epcis_groups.package_ended(act, me)]
        case _:  # the other package of two says it
            return []


def _before(office: Office, entry: Entry) -> Any:
    """Return the state of a case as it was known when an entry was recorded."""
    entries = office.book.stream(entry.stream).entries
    known = standing([one for one in entries if one.seq < entry.seq])
    return LIFECYCLES[entry.stream.partition("/")[0]].fold(one.event for one in known)


def _named(office: Office, entry: Entry, assets: Sequence[str]) -> list[str]:
    named = Named(office, {}, entry.position)
    return [named(asset) for asset in assets]


def _package_name(id_: str, package: Package, base: str) -> str:
    return epcis_groups.package_identity(id_, package.sscc, package.grai, base)


def _other(office: Office, id_: str, base: str) -> str:
    """Return the name of another package: what is on it does not change."""
    return _package_name(id_, office.book.stream(f"package/{id_}").state, base)
