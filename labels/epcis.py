"""Tell what happened to an asset as EPCIS 2.0 events: a view of the ledger, not a second ledger.

Only physical steps are told: approvals, books and money have no EPCIS event, their numbers appear
as business transactions. Words that the standard lacks are ours, under the label host; an asset
without GIAI is named by its address there (CBV 2.0 §8, HTTP URL for instance-level identification).

Sources: GS1 EPCIS 2.0 (JSON binding), CBV 2.0 §7; tests hold the mapping against the schema.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec

from domain.asset import Asset, Mode
from labels.epc import digital_link

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
PREFIX: Final = "zc"


@dataclass(frozen=True, slots=True)
class Row:
    """How one fact is told. Words with a `+` before them are ours.

    `business` are the types of the documents it rests on. `from_`, `to` name whose possession (and
    with `owning` ownership) passes: a field of the fact, or `@name` for one of the asset before it
    or, in `to`, after it. `place` is the field of the fact or `@place` that says where it is then.
    """

    step: str
    disposition: str = ""
    action: str = "OBSERVE"
    business: tuple[str, ...] = ()
    from_: str = ""
    to: str = ""
    owning: bool = False
    place: str = ""
    set_: str = ""
    unset: str = ""
    more: tuple[str, ...] = ()  # fields of the fact told as extensions
    detail: bool = False  # the card's fields as master data (ilmd), allowed with ADD alone
    lot: bool = False  # more than one of it are so many of a class, until each has its card
    choose: Mapping[str, tuple[str, str, str]] = field(default_factory=dict[str, Any])


_GIVEN: Final = ("shipping", "in_transit", "OBSERVE")
# What a disposal does to the thing depends on its form: step, disposition, action.
_FORMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "assignment": _GIVEN,
    "donation": _GIVEN,
    "sale": _GIVEN,
    "auction": _GIVEN,
    "exchange": _GIVEN,
    "scrap": ("collecting", "disposed", "OBSERVE"),
    "take_back": ("collecting", "disposed", "OBSERVE"),
    "write_off": ("decommissioning", "inactive", "DELETE"),
}
_INSPECTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "sound": ("inspecting", "conformant", "OBSERVE"),
    "worn": ("inspecting", "conformant", "OBSERVE"),
    "damaged": ("inspecting", "damaged", "OBSERVE"),
}

ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    "asset.received": (
        Row("arriving", "in_progress", business=("desadv",), place="place", lot=True),
    ),
    "asset.acceptance_passed": (Row("inspecting", "conformant", business=("testres",)),),
    "asset.acceptance_failed": (Row("inspecting", "non_conformant", business=("testres", "rma")),),
    "asset.registered": (
        Row("commissioning", "active", "ADD", place="place", detail=True, business=("inv",)),
    ),
    "asset.card_split_off": (
        Row("commissioning", "active", "ADD", place="place", detail=True, business=("+split",)),
    ),
    "asset.card_merged_into": (Row("decommissioning", "inactive", "DELETE", business=("+split",)),),
    "asset.label_bound": (Row("+labelling", business=("+relabel",), more=("label",)),),
    "asset.label_voided": (Row("killing", business=("+relabel",), more=("label",)),),
    "asset.tag_bound": (Row("+labelling", business=("+relabel",), more=("epc", "tid")),),
    "asset.tag_voided": (Row("killing", business=("+relabel",), more=("epc",)),),
    "asset.received_into_warehouse": (
        Row("receiving", "in_progress", business=("+intake",), from_="@custodian", to="keeper_unit"),
        Row("storing", "available", business=("+stock_in",), place="warehouse"),
    ),
    "asset.relocated": (Row("storing", "available", business=("+stock_in",), place="place"),),
    "asset.issued_to_user": (
        Row("accepting", "+in_use", business=("+issue",), to="unit", place="place"),
    ),
    "asset.custodian_changed": (Row("accepting", "+in_use", business=("+issue",)),),
    "asset.returned_by_user": (
        Row("receiving", "returned", business=("+return",), place="place"),
    ),
    "asset.return_inspected": (Row("inspecting", business=("+return",), choose=_INSPECTED),),
    "asset.lent": (
        Row("accepting", "+on_loan", business=("+loan",), from_="@custodian", to="borrower"),
    ),
    "asset.leased": (
        Row("accepting", "+on_loan", business=("+loan",), from_="@custodian", to="lessee"),
    ),
    "asset.lease_ended": (Row("receiving", "returned", business=("+return",)),),
    "asset.repair_started": (Row("repairing", "unavailable", business=("+repair",)),),
    "asset.repair_completed": (Row("repairing", "available", business=("+repair",)),),
    "asset.refurbished": (Row("repairing", "available", business=("+repair",)),),
    "asset.declared_idle": (Row("holding", "+idle", business=("+idle",)),),
    "asset.put_back_to_use": (Row("stocking", "available", business=("+idle",)),),
    "asset.sealed_for_holiday": (Row("holding", "+sealed", set_="unavailable"),),
    "asset.unsealed": (Row("stocking", "available", unset="unavailable"),),
    "asset.damage_found": (Row("inspecting", "damaged", business=("+patrol",)),),
    "asset.transferred_out": (
        Row("shipping", "in_transit", business=("desadv",), from_="@custodian", to="to_unit", owning=True),
    ),
    "asset.put_in_transit": (Row("shipping", "in_transit", business=("desadv",), to="to_unit"),),
    "asset.came_back_undelivered": (Row("void_shipping", "available", business=("desadv",)),),
    "asset.transferred_in": (
        Row("receiving", "in_progress", business=("recadv",), from_="@custodian", to="unit", owning=True, place="place"),
    ),
    "asset.handed_over_in_reorganisation": (
        Row("receiving", "in_progress", business=("recadv",), from_="from_unit", to="to_unit", owning=True),
    ),
    "asset.put_up_for_disposal": (Row("holding", "+pending_disposal", business=("+disposal",)),),
    "asset.left_for_good": (Row("", business=("+disposal",), choose=_FORMS),),
    "asset.derecognised": (Row("decommissioning", "inactive", "DELETE", business=("+disposal",)),),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as the view needs it: the fact with its fields, the asset before and after it.

    `at` is its business time with zone, `recorded_at` when it was recorded, `reversed_at` when it
    was taken back (then the events are error declarations).
    """

    id: str
    seq: int
    name: str
    fields: Mapping[str, Any]
    before: Asset
    after: Asset
    at: str
    recorded_at: str
    cause: str
    reversed_at: str = ""


def events(told: Told, host: str) -> list[dict[str, Any]]:
    """Return the events of an entry, none where nothing physical happened; `host` names our words.

    Ids are the same whenever this is asked, so that whoever captured them knows them again.
    """
    rows = ROWS.get(told.name, ())
    return [_event(row, number, told, f"https://{host}") for number, row in enumerate(rows)]


def identity(id_: str, asset: Asset, base: str) -> str:
    """Return what an asset is called: its GIAI as a Digital Link, or its address at our host."""
    return digital_link(asset.giai) if asset.giai else f"{base}/obj/{quote(id_, safe='')}"


def document(found: list[dict[str, Any]], host: str, created: str) -> dict[str, Any]:
    """Wrap events as an EPCIS document, with our words' prefix declared."""
    return {
        "@context": [CONTEXT, {PREFIX: f"https://{host}/voc/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": created,
        "epcisBody": {"eventList": found},
    }


def _event(row: Row, number: int, told: Told, base: str) -> dict[str, Any]:
    chosen = _chosen(row, told)
    step, disposition, action = chosen
    found: dict[str, Any] = {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{base}/asset/{told.id}/{told.seq}/{number}')}",
        "eventTime": told.at,
        "eventTimeZoneOffset": "+00:00" if told.at.endswith("Z") else told.at[-6:],
        "recordTime": told.recorded_at,
        "action": action,
        "bizStep": _word(step, base),
    }
    if told.reversed_at:
        found["errorDeclaration"] = {"declarationTime": told.reversed_at, "reason": "did_not_occur"}
    many = str(told.fields.get("quantity", "1")) if row.lot else "1"
    if many == "1":
        found["epcList"] = [identity(told.id, told.after, base)]
    else:
        found["quantityList"] = [_lot(told.id, many, base)]
    if disposition:
        found["disposition"] = _word(disposition, base)
    ways = {way: [word] for way, word in (("set", row.set_), ("unset", row.unset)) if word}
    if ways:
        found["persistentDisposition"] = ways
    place = _of(row.place, told, told.after)
    if place:
        found["readPoint"] = {"id": f"{base}/loc/{quote(place, safe='')}"}
        if action != "DELETE":
            found["bizLocation"] = dict(found["readPoint"])
    surplus = row.detail and told.after.mode is Mode.SURPLUS
    if row.business:
        document = f"{base}/bt/{quote(_case(told), safe='')}"
        found["bizTransactionList"] = [
            {"type": _word(kind, base), "bizTransaction": document}
            for kind in (("+surplus",) if surplus else row.business)
        ]
    found |= _parties(row, told, base)
    if row.detail:
        found["ilmd"] = _card(told.after)
    found |= {
        f"{PREFIX}:{name}": str(told.fields[name]) for name in row.more if told.fields.get(name)
    }
    return found


def _chosen(row: Row, told: Told) -> tuple[str, str, str]:
    """Return step, disposition and action; some facts say themselves which."""
    for name in ("form", "result"):
        found = row.choose.get(str(told.fields.get(name, "")))
        if found:
            return found
    if row.choose:
        return next(iter(row.choose.values()))
    return row.step, row.disposition, row.action


def _lot(name: str, quantity: str, base: str) -> dict[str, Any]:
    """Return so many of a class of our own; JSON has one kind of number."""
    number = Decimal(quantity)
    whole = number == number.to_integral_value()
    return {
        "epcClass": f"{base}/class/{quote(name, safe='')}",
        "quantity": int(number) if whole else float(number),
    }


def _word(word: str, base: str) -> str:
    return f"{base}/voc/{word[1:]}" if word.startswith("+") else word


def _of(name: str, told: Told, asset: Asset) -> str:
    if name.startswith("@"):
        return str(getattr(asset, name[1:]) or "")
    value = told.fields.get(name)
    return str(value) if value else ""


def _case(told: Told) -> str:
    """Return the document an event rests on: the case, a number it names, or the act itself."""
    for name in ("case", "approval_no", "order_no", "voucher"):
        if told.fields.get(name):
            return str(told.fields[name])
    return told.cause


def _parties(row: Row, told: Told, base: str) -> dict[str, Any]:
    """Return who gives and who takes; ownership passes only where the row says so."""
    kinds = ("possessing_party", "owning_party") if row.owning else ("possessing_party",)
    found: dict[str, Any] = {}
    for member, what, name, asset in (
        ("sourceList", "source", row.from_, told.before),
        ("destinationList", "destination", row.to, told.after),
    ):
        party = _of(name, told, asset) if name else ""
        if party:
            address = f"{base}/party/{quote(party, safe='')}"
            found[member] = [{"type": kind, what: address} for kind in kinds]
    return found


def _card(asset: Asset) -> dict[str, Any]:
    """Return the master data of a card that begins; value and people are none of it."""
    said = {
        "assetNo": asset.asset_no,
        "name": asset.name,
        "kind": asset.kind.value,
        "classCode": asset.class_code,
        "classScheme": asset.class_scheme,
        "model": asset.model,
    }
    return {f"{PREFIX}:{name}": value for name, value in said.items() if value}


EPCS_MAX: Final = 1_000
# What a count found: disposition, and whether it was seen at a place at all.
_OUTCOMES: Final[Mapping[str, tuple[str, bool]]] = {
    "found": ("", True),
    "misplaced": ("mismatch_instance", True),
    "missing": ("unknown", False),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What one round of a count came to at one place; `identities` as `identity` writes them.

    `spot` is a spot check (抽盘), which is no basis for accounting. `outcome` is `found`,
    `misplaced` (where they were seen) or `missing` (EPCIS cannot say “not seen”: their state is
    unknown). `at` is the business time with zone.
    """

    stocktake: str
    place: str
    round: int
    identities: tuple[str, ...]
    at: str
    recorded_at: str
    outcome: str = "found"
    spot: bool = False
    device: str = ""


def counted(what: Counted, host: str) -> list[dict[str, Any]]:
    """Return the events of a count, at most 1,000 things in each; the same whenever it is asked."""
    base = f"https://{host}"
    disposition, seen = _OUTCOMES[what.outcome]
    epcs = sorted(set(what.identities))
    found: list[dict[str, Any]] = []
    for start in range(0, len(epcs), EPCS_MAX):
        about = (
            f"{base}/stocktake/{what.stocktake}/{what.place}/{what.round}/{what.outcome}/{start}"
        )
        event = _observed(about, what.at, what.recorded_at) | {
            "bizStep": "cycle_counting" if what.spot else "stock_taking",
            "epcList": epcs[start : start + EPCS_MAX],
            "bizTransactionList": [
                {
                    "type": f"{base}/voc/{'stocktake' if seen else 'shortage'}",
                    "bizTransaction": f"{base}/bt/{quote(what.stocktake, safe='')}",
                }
            ],
            f"{PREFIX}:countRound": str(what.round),
        }
        if disposition:
            event["disposition"] = disposition
        if seen and what.place:
            event["readPoint"] = {"id": f"{base}/loc/{quote(what.place, safe='')}"}
            event["bizLocation"] = dict(event["readPoint"])
        if what.device:
            event[f"{PREFIX}:deviceId"] = what.device
        found.append(event)
    return found


def stolen(
    stocktake: str,
    seq: int,
    identities: Sequence[str],
    paper: str,
    at: str,
    recorded_at: str,
    host: str,
) -> list[dict[str, Any]]:
    """Return the events of things that an approved loss says were stolen; `paper` is its report."""
    base = f"https://{host}"
    epcs = sorted(set(identities))
    return [
        _observed(f"{base}/stocktake/{stocktake}/{seq}/stolen/{start}", at, recorded_at)
        | {
            "bizStep": "other",
            "disposition": "stolen",
            "epcList": epcs[start : start + EPCS_MAX],
            "bizTransactionList": [
                {
                    "type": f"{base}/voc/police_report",
                    "bizTransaction": f"{base}/bt/{quote(paper or stocktake, safe='')}",
                }
            ],
        }
        for start in range(0, len(epcs), EPCS_MAX)
    ]


@dataclass(frozen=True, slots=True)
class Shipped:
    """So many of a kind of thing left one unit for another, none of them named."""

    about: str  # the entry, for the id of the event
    item: str
    quantity: str
    giver: str
    taker: str
    case: str
    at: str
    recorded_at: str


def shipped(what: Shipped, host: str) -> dict[str, Any]:
    """Return the event of a consignment whose pieces nobody named."""
    base = f"https://{host}"
    found = _observed(f"{base}/{what.about}", what.at, what.recorded_at) | {
        "bizStep": "shipping",
        "disposition": "in_transit",
        "quantityList": [_lot(what.item, what.quantity, base)],
        "bizTransactionList": [
            {"type": "desadv", "bizTransaction": f"{base}/bt/{quote(what.case, safe='')}"}
        ],
    }
    for member, side, party in (
        ("sourceList", "source", what.giver),
        ("destinationList", "destination", what.taker),
    ):
        if party:
            address = f"{base}/party/{quote(party, safe='')}"
            kinds = ("possessing_party", "owning_party")
            found[member] = [{"type": kind, side: address} for kind in kinds]
    return found


def _observed(about: str, at: str, recorded_at: str) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, about)}",
        "eventTime": at,
        "eventTimeZoneOffset": "+00:00" if at.endswith("Z") else at[-6:],
        "recordTime": recorded_at,
        "action": "OBSERVE",
    }


def fields_of(fact: Any) -> dict[str, Any]:
    """Return the fields of a fact as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(fact)
    return plain
