"""Tell as EPCIS what is done to several things at once: packed, judged, destroyed, labels printed.

Sources: GS1 EPCIS 2.0 §7.4.3 (aggregation), CBV 2.0 §7.1 (steps) and §7.2 (dispositions), §8 (SSCC
and GRAI as Digital Links).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from labels.epcis import EPCS_MAX, observed

LINK: Final = "https://id.gs1.org"


def package_identity(id_: str, sscc: str, grai: str, base: str) -> str:
    """Return what a package is called: by the SSCC or GRAI on it, or its address at our host."""
    if sscc:
        return f"{LINK}/00/{sscc}"
    if grai:
        return f"{LINK}/8003/{quote(grai, safe='')}"
    return f"{base}/pkg/{quote(id_, safe='')}"


@dataclass(frozen=True, slots=True)
class Act:
    """One entry as these events need it: its name for the ids, and its times with zone."""

    about: str
    at: str
    recorded_at: str
    host: str

    @property
    def base(self) -> str:
        """Return the address under which our own words and things are."""
        return f"https://{self.host}"

    def event(self, part: object = 0) -> dict[str, Any]:
        """Return the beginning of one event of the entry; the id is the same whenever asked."""
        return observed(f"{self.base}/{self.about}/{part}", self.at, self.recorded_at)

    def at_place(self, place: str) -> dict[str, Any]:
        """Return where something was done and is afterwards; nothing when nobody said."""
        if not place:
            return {}
        there = {"id": f"{self.base}/loc/{quote(place, safe='')}"}
        return {"readPoint": there, "bizLocation": dict(there)}

    def paper(self, kind: str, number: str) -> dict[str, Any]:
        """Return the document it rests on; a type that begins with `+` is ours."""
        type_ = f"{self.base}/voc/{kind[1:]}" if kind.startswith("+") else kind
        document = f"{self.base}/bt/{quote(number, safe='')}"
        return {"bizTransactionList": [{"type": type_, "bizTransaction": document}]}


def grouped(act: Act, parent: str, children: Sequence[str], place: str) -> list[dict[str, Any]]:
    """Return the events of things put into a package, or of packages put onto one."""
    return _aggregation(act, parent, children, place, {"action": "ADD", "bizStep": "packing"})


def ungrouped(act: Act, parent: str, children: Sequence[str], place: str) -> list[dict[str, Any]]:
    """Return the events of things taken out of a package, or of packages taken off one."""
    return _aggregation(act, parent, children, place, {"action": "DELETE", "bizStep": "unpacking"})


def _aggregation(
    act: Act, parent: str, children: Sequence[str], place: str, step: dict[str, str]
) -> list[dict[str, Any]]:
    said = step | {"type": "AggregationEvent", "disposition": "in_progress", "parentID": parent}
    said |= act.at_place(place)
    names = sorted(children)
    return [
        act.event(start) | said | {"childEPCs": names[start : start + EPCS_MAX]}
        for start in range(0, len(names), EPCS_MAX)
    ]


def package_begun(act: Act, package: str, place: str) -> dict[str, Any]:
    """Return the event of a package that is used from now on."""
    said = {"action": "ADD", "bizStep": "commissioning", "disposition": "active"}
    return act.event() | said | {"epcList": [package]} | act.at_place(place)


def package_ended(act: Act, package: str) -> dict[str, Any]:
    """Return the event of a package that is used no more."""
    said = {"action": "DELETE", "bizStep": "decommissioning", "disposition": "inactive"}
    return act.event() | said | {"epcList": [package]}


def package_moved(act: Act, package: str, place: str) -> dict[str, Any]:
    """Return the event of a package that was put somewhere else; its things have events of theirs."""
    said = {"bizStep": "storing", "disposition": "available", "epcList": [package]}
    return act.event() | said | act.at_place(place) | act.paper("+stock_in", act.about)


def package_received(act: Act, package: str, place: str, giver: str, taker: str) -> dict[str, Any]:
    """Return the event of a package that another unit has now; whose the things are is not said."""
    said = {"bizStep": "receiving", "disposition": "in_progress", "epcList": [package]}
    parties = {
        members: [{"type": "possessing_party", side: f"{act.base}/party/{quote(unit, safe='')}"}]
        for members, side, unit in (
            ("sourceList", "source", giver),
            ("destinationList", "destination", taker),
        )
        if unit
    }
    return act.event() | said | parties | act.at_place(place) | act.paper("recadv", act.about)


def judged_worn_out(act: Act, things: Sequence[str], report: str) -> list[dict[str, Any]]:
    """Return the events of a technical assessment before things are scrapped."""
    said = {"bizStep": "inspecting", "disposition": "needs_replacement"}
    said |= act.paper("testres", report)
    return [
        act.event(start) | said | {"epcList": list(things[start : start + EPCS_MAX])}
        for start in range(0, len(things), EPCS_MAX)
    ]


def destroyed(act: Act, thing: str, certificate: str) -> dict[str, Any]:
    """Return the event of a thing that was destroyed; any later sighting of it is a mistake."""
    said = {"action": "DELETE", "bizStep": "destroying", "disposition": "destroyed"}
    return act.event() | said | {"epcList": [thing]} | act.paper("cert", certificate)


def encoded(act: Act, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the events of labels printed ahead: ids that are on no object yet (CBV: encoding)."""
    said = {"type": "TransactionEvent", "action": "ADD"}
    said |= {"bizStep": "encoding", "disposition": "encoded"}
    batch = act.paper("+label_batch", act.about)
    return [
        act.event(start) | said | batch | {"epcList": list(labels[start : start + EPCS_MAX])}
        for start in range(0, len(labels), EPCS_MAX)
    ]
