"""Check an EPCIS 2.0 document before it is taken in: what the standard requires, all faults at once.

GS1's own schema is not ours to ship; this asks for less, and for nothing that the schema allows to
be missing. Source: GS1 EPCIS 2.0 §7 and §9, CBV 2.0 §7 (words without an address).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

EVENTS_MAX: Final = 1_000
TYPES: Final = frozenset(
    {
        "ObjectEvent",
        "AggregationEvent",
        "TransactionEvent",
        "TransformationEvent",
        "AssociationEvent",
    }
)
STEPS: Final = frozenset(
    [
        "accepting",
        "arriving",
        "assembling",
        "collecting",
        "commissioning",
        "consigning",
        "creating_class_instance",
        "cycle_counting",
        "decommissioning",
        "departing",
        "destroying",
        "disassembling",
        "dispensing",
        "encoding",
        "entering_exiting",
        "holding",
        "inspecting",
        "installing",
        "killing",
        "loading",
        "other",
        "packing",
        "picking",
        "receiving",
        "removing",
        "repackaging",
        "repairing",
        "replacing",
        "reserving",
        "retail_selling",
        "sampling",
        "sensor_reporting",
        "shipping",
        "staging_outbound",
        "stock_taking",
        "stocking",
        "storing",
        "transporting",
        "unloading",
        "unpacking",
        "void_shipping",
    ]
)
DISPOSITIONS: Final = frozenset(
    [
        "active",
        "available",
        "completeness_inferred",
        "completeness_verified",
        "conformant",
        "container_closed",
        "container_open",
        "damaged",
        "destroyed",
        "dispensed",
        "disposed",
        "encoded",
        "expired",
        "in_progress",
        "in_transit",
        "inactive",
        "mismatch_class",
        "mismatch_instance",
        "mismatch_quantity",
        "needs_replacement",
        "no_pedigree_match",
        "non_conformant",
        "non_sellable_other",
        "partially_dispensed",
        "recalled",
        "reserved",
        "retail_sold",
        "returned",
        "sellable_accessible",
        "sellable_not_accessible",
        "stolen",
        "unavailable",
        "unknown",
        "available",
    ]
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_OFFSET = re.compile(r"[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)")
_EPC_LISTS: Final = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")


@dataclass(frozen=True, slots=True)
class EpcisFault:
    """What is wrong, where (a path such as `eventList[3].action`), in both languages."""

    path: str
    zh: str
    en: str


def events_of(document: Any) -> tuple[list[Any], Any, list[EpcisFault]]:
    """Return the events of a document (or of a bare event), its context, and what is wrong with it."""
    if not isinstance(document, Mapping):
        return [], (), [EpcisFault("$", "须为JSON对象", "must be a JSON object")]
    faults: list[EpcisFault] = []
    context = document.get("@context")
    if not context:
        faults.append(EpcisFault("@context", "缺少@context", "@context is missing"))
    if document.get("type") in TYPES:
        return [document], context, faults
    body = document.get("epcisBody")
    events = body.get("eventList") if isinstance(body, Mapping) else None
    if document.get("type") != "EPCISDocument" or not isinstance(events, list):
        faults.append(
            EpcisFault(
                "epcisBody.eventList",
                "须为EPCISDocument，并含有eventList",
                "must be an EPCISDocument with an eventList",
            )
        )
        return [], context, faults
    if len(events) > EVENTS_MAX:
        faults.append(
            EpcisFault(
                "epcisBody.eventList",
                f"一次至多{EVENTS_MAX}个事件",
                f"at most {EVENTS_MAX:,} events at once",
            )
        )
    return events, context, faults


def faults_of(event: Any, at: str) -> list[EpcisFault]:
    """Return all that is wrong with one event; `at` is its path."""
    if not isinstance(event, Mapping):
        return [EpcisFault(at, "须为JSON对象", "must be a JSON object")]
    return [EpcisFault(f"{at}.{name}", zh, en) for name, zh, en in _faults(event)]


def _faults(event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    kind = event.get("type")
    if kind not in TYPES:
        yield "type", "不是EPCIS事件类型", "is no type of EPCIS event"
        return
    if not _is_time(event.get("eventTime")):
        yield "eventTime", "须为带时区的时间", "must be a time with its zone"
    offset = event.get("eventTimeZoneOffset")
    if not isinstance(offset, str) or not _OFFSET.fullmatch(offset):
        yield "eventTimeZoneOffset", "须写作+08:00", "must be written +08:00"
    if kind != "TransformationEvent" and event.get("action") not in ("ADD", "OBSERVE", "DELETE"):
        yield "action", "须为ADD、OBSERVE或DELETE", "must be ADD, OBSERVE or DELETE"
    for name, known in (("bizStep", STEPS), ("disposition", DISPOSITIONS)):
        word = event.get(name)
        if word is not None and not (isinstance(word, str) and (word in known or _is_uri(word))):
            yield name, "不是标准用词，自定用词须写成网址", "is no standard word; write your own as an address"  # fmt: skip
    for name in _EPC_LISTS:
        epcs = event.get(name, [])
        if not isinstance(epcs, list) or not all(_is_uri(epc) for epc in epcs):
            yield name, "须为标识（URI）的列表", "must be a list of identities (URIs)"
    for name in ("eventID", "parentID"):
        if name in event and not _is_uri(event[name]):
            yield name, "须为标识（URI）", "must be a URI"
    yield from _incomplete(kind, event)
    declared = event.get("errorDeclaration")
    if declared is not None and not (
        isinstance(declared, Mapping) and _is_time(declared.get("declarationTime"))
    ):
        yield "errorDeclaration", "须含有declarationTime", "must have a declarationTime"
    for name in ("readPoint", "bizLocation"):
        place = event.get(name)
        if place is not None and not (isinstance(place, Mapping) and _is_uri(place.get("id"))):
            yield name, "须含有id", "must have an id"


def _incomplete(kind: str, event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what an event of its type must name and does not (EPCIS 2.0 §7.4)."""
    deleting = event.get("action") == "DELETE"
    match kind:
        case "ObjectEvent":
            sensed = "sensorElementList" in event and "readPoint" in event
            if not sensed and not any(name in event for name in ("epcList", "quantityList")):
                yield "epcList", "须写明所指物品", "must name the things it is about"
        case "AggregationEvent" | "AssociationEvent":
            needed = kind == "AssociationEvent" or not deleting
            if needed and not event.get("parentID"):
                yield "parentID", "须写明包装或整机", "must name the package or the whole"
            children = any(event.get(name) for name in ("childEPCs", "childQuantityList"))
            if not deleting and not children:
                yield "childEPCs", "须写明所装物品或部件", "must name what is in it or fitted to it"
        case "TransactionEvent" if not event.get("bizTransactionList"):
            yield "bizTransactionList", "须写明单据", "must name its document"
        case _:
            pass


def _is_uri(value: Any) -> bool:
    return isinstance(value, str) and bool(_URI.fullmatch(value))


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 40:
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
