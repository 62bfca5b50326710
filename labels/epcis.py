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


OBJECT, TRANSACTION, ASSOCIATION = "ObjectEvent", "TransactionEvent", "AssociationEvent"
HANDS, TITLE = ("possessing_party",), ("owning_party",)
BOTH: Final = (*HANDS, *TITLE)


@dataclass(frozen=True, slots=True)
class Row:
    """How one fact is told. Words with a `+` before them are ours.

    `business` are the types of the documents it rests on; with `=` they name a field of the fact,
    or of what happened `earlier`, and are left out when that says nothing. `from_`, `to` name who
    gives and takes the `parties`: a field of the fact or of what happened earlier, or `@name` for
    one of the asset before it or, in `to`, after it. Persons are not told to others, so that a
    change of user passes from unit to unit. `place` is the field of the fact or `@place` that says
    where it is then. `child` names a part. `choose` says which row it is by what the fact found;
    an empty key is for anything else, without one nothing is told.
    """

    step: str = ""
    disposition: str = ""
    action: str = "OBSERVE"
    type: str = OBJECT
    business: tuple[str, ...] = ()
    from_: str = ""
    to: str = ""
    parties: tuple[str, ...] = HANDS
    place: str = ""
    set_: str = ""
    unset: str = ""
    more: tuple[str, ...] = ()  # fields of the fact told as extensions; `name@state` of the asset
    detail: bool = False  # the card's fields as master data (ilmd), allowed with ADD alone
    lot: bool = False  # more than one of it are so many of a class, until each has its card
    child: str = ""  # the field that names the part of an association
    since: str = ""  # told only where this happened earlier
    until: str = ""  # not told where this happened earlier: nothing follows a DELETE
    choose: Mapping[str, Row] = field(default_factory=dict[str, "Row"])


_GIVEN: Final = Row(
    "shipping", "in_transit", business=("+disposal", "inv=agreement"),
    from_="@accounting_unit", to="taker", parties=TITLE,
)  # fmt: skip
_COLLECTED: Final = Row(
    "collecting", "disposed", business=("+disposal",), from_="@custodian", to="taker"
)
# What a disposal does to the thing depends on its form.
_FORMS: Final[Mapping[str, Row]] = {
    "assignment": _GIVEN,
    "donation": _GIVEN,
    "sale": _GIVEN,
    "auction": _GIVEN,
    "exchange": _GIVEN,
    "scrap": _COLLECTED,
    "take_back": _COLLECTED,
    "write_off": Row("decommissioning", "inactive", "DELETE", business=("+disposal",)),
}
_SOUND: Final = Row("inspecting", "conformant", business=("+return",))
_DAMAGED: Final = Row("inspecting", "damaged", business=("+return",))
_INSPECTED: Final[Mapping[str, Row]] = {"sound": _SOUND, "worn": _SOUND, "damaged": _DAMAGED}
# What a keeper writes of what comes back, in the words of `ReturnResult`.
_CONDITIONS: Final[Mapping[str, Row]] = {
    "完好": _SOUND, "sound": _SOUND, "正常磨损": _SOUND, "worn": _SOUND,
    "损坏": _DAMAGED, "damaged": _DAMAGED,
}  # fmt: skip
_REPAIRED: Final = Row("repairing", "available", business=("+repair", "testres"))
_NOT_REPAIRED: Final = Row("repairing", "non_conformant", business=("+repair", "testres"))
_REPAIRS: Final[Mapping[str, Row]] = {
    "": _REPAIRED, "未修复": _NOT_REPAIRED, "无法修复": _NOT_REPAIRED, "not repaired": _NOT_REPAIRED,
}  # fmt: skip

ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    "asset.label_printed": (
        Row("encoding", "encoded", "ADD", TRANSACTION, business=("+label_batch",), more=("issue",)),
    ),
    "asset.received": (
        Row("arriving", "in_progress", business=("po=acquisition", "desadv"), place="place", lot=True),
    ),
    "asset.acceptance_passed": (Row("inspecting", "conformant", business=("testres",)),),
    "asset.acceptance_failed": (Row("inspecting", "non_conformant", business=("testres", "rma")),),
    "asset.registered": (
        Row("commissioning", "active", "ADD", place="place", detail=True, business=("po=acquisition", "inv", "testres=accepted_in")),
        Row("accepting", "in_progress", business=("recadv",), from_="supplier", to="unit", parties=TITLE, since="accepted_in"),
    ),
    "asset.card_split_off": (
        Row("commissioning", "active", "ADD", place="place", detail=True, business=("+split",)),
    ),
    "asset.card_merged_into": (Row("decommissioning", "inactive", "DELETE", business=("+split",)),),
    "asset.label_bound": (
        Row("+labelling", business=("+relabel",), more=("label", "labelIssue@label_issue", "tid@tag_tid")),
    ),
    "asset.label_voided": (Row("killing", business=("+relabel",), more=("label",)),),
    "asset.tag_bound": (
        Row("+labelling", business=("+relabel",), more=("epc", "tid", "labelIssue@label_issue")),
    ),
    "asset.tag_voided": (Row("killing", business=("+relabel",), more=("epc",)),),
    "asset.received_into_warehouse": (
        Row("receiving", "in_progress", business=("+intake",), from_="@custodian", to="keeper_unit"),
        Row("storing", "available", business=("+stock_in",), place="warehouse"),
    ),
    "asset.books_moved": (
        Row("accepting", "in_progress", business=("recadv",), from_="@accounting_unit", to="unit", parties=TITLE),
    ),
    "asset.relocated": (Row("storing", "available", business=("+stock_in",), place="place"),),
    "asset.issued_to_user": (
        Row("accepting", "+in_use", business=("+issue",), from_="@custodian", to="unit", place="place"),
    ),
    "asset.custodian_changed": (
        Row("accepting", "+in_use", business=("+issue",), from_="@custodian", to="@custodian"),
    ),
    "asset.returned_by_user": (
        Row("receiving", "returned", business=("+return",), place="place"),
        Row(choose=_CONDITIONS),
    ),
    "asset.return_inspected": (Row(choose=_INSPECTED),),
    "asset.lent": (
        Row("accepting", "+on_loan", business=("+loan",), from_="@custodian", to="borrower"),
    ),
    "asset.leased": (
        Row("accepting", "+on_loan", business=("+loan",), from_="@custodian", to="lessee"),
    ),
    "asset.lease_ended": (Row("receiving", "returned", business=("+return",)),),
    "asset.repair_started": (Row("repairing", "unavailable", business=("+repair",)),),
    "asset.repair_completed": (Row(choose=_REPAIRS),),
    "asset.refurbished": (Row("repairing", "available", business=("+repair",)),),
    "asset.declared_idle": (Row("holding", "+idle", business=("+idle",)),),
    "asset.put_back_to_use": (Row("stocking", "available", business=("+idle",)),),
    "asset.sealed_for_holiday": (Row("holding", "+sealed", set_="unavailable"),),
    "asset.unsealed": (Row("stocking", "available", unset="unavailable"),),
    "asset.damage_found": (Row("inspecting", "damaged", business=("+patrol",)),),
    "asset.premises_inspected": (Row("inspecting", "conformant", business=("+patrol",)),),
    "asset.part_fitted": (
        Row("installing", "in_progress", "ADD", ASSOCIATION, business=("+repair",), place="@place", child="part"),
    ),
    "asset.part_removed": (
        Row("removing", "in_progress", "DELETE", ASSOCIATION, business=("+repair",), place="@place", child="part"),
    ),
    "asset.transferred_out": (
        Row("shipping", "in_transit", business=("desadv",), from_="@custodian", to="to_unit", parties=BOTH),
    ),
    "asset.put_in_transit": (Row("shipping", "in_transit", business=("desadv",), to="to_unit"),),
    "asset.came_back_undelivered": (Row("void_shipping", "available", business=("desadv",)),),
    "asset.transferred_in": (
        Row("receiving", "in_progress", business=("recadv",), from_="@custodian", to="unit", parties=BOTH, place="place"),
    ),
    "asset.handed_over_in_reorganisation": (
        Row("receiving", "in_progress", business=("recadv",), from_="from_unit", to="to_unit", parties=BOTH),
    ),
    "asset.put_up_for_disposal": (Row("holding", "+pending_disposal", business=("+disposal",)),),
    "asset.left_for_good": (Row(choose=_FORMS),),
    "asset.derecognised": (
        Row("decommissioning", "inactive", "DELETE", business=("+disposal",), until="deleted"),
    ),
}  # fmt: skip
# Not told by a row: they say again what an earlier event said (see `amended`).
AMENDING: Final = frozenset({"asset.card_corrected"})


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as the view needs it: the fact with its fields, the asset before and after it.

    `at` is its business time with zone, `recorded_at` when it was recorded, `reversed_at` when it
    was taken back (then the events are error declarations). `earlier` are fields of what happened
    before it, or in the same act in the case that moved it; `called` what other assets are called.
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
    earlier: Mapping[str, str] = field(default_factory=dict[str, str])
    called: Mapping[str, str] = field(default_factory=dict[str, str])


def events(told: Told, host: str) -> list[dict[str, Any]]:
    """Return the events of an entry, none where nothing physical happened; `host` names our words.

    Ids are the same whenever this is asked, so that whoever captured them knows them again.
    """
    found: list[dict[str, Any]] = []
    for number, row in enumerate(ROWS.get(told.name, ())):
        chosen = _chosen(row, told)
        if chosen is not None:
            found.append(_event(chosen, number, told, f"https://{host}"))
    return found


def amended(wrong: dict[str, Any], told: Told, host: str) -> list[dict[str, Any]]:
    """Return an event again, declared wrong, and after it the one that says it right.

    `wrong` told the card's master data, `told` is what corrected the card. Taken back, the
    corrective event is what did not occur, and what it corrected stands again.
    """
    base = f"https://{host}"
    right = {name: value for name, value in wrong.items() if name != "errorDeclaration"}
    right |= {
        "eventID": _event_id(base, told, 0),
        "recordTime": told.recorded_at,
        "ilmd": _card(told.after),
    }
    if told.reversed_at:
        return [right | {"errorDeclaration": _declared(told.reversed_at)}]
    declaration = _declared(told.recorded_at, "incorrect_data")
    declaration["correctiveEventIDs"] = [right["eventID"]]
    return [wrong | {"errorDeclaration": declaration}, right]


def same_card(before: Asset, after: Asset) -> bool:
    """Tell whether two states have the same master data."""
    return _card(before) == _card(after)


def _declared(at: str, reason: str = "did_not_occur") -> dict[str, Any]:
    return {"declarationTime": at, "reason": reason}


def _event_id(base: str, told: Told, number: int) -> str:
    name = f"{base}/asset/{told.id}/{told.seq}/{number}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


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
    found: dict[str, Any] = {
        "type": row.type,
        "eventID": _event_id(base, told, number),
        "eventTime": told.at,
        "eventTimeZoneOffset": "+00:00" if told.at.endswith("Z") else told.at[-6:],
        "recordTime": told.recorded_at,
        "action": row.action,
        "bizStep": _word(row.step, base),
    }
    if told.reversed_at:
        found["errorDeclaration"] = _declared(told.reversed_at)
    found |= _what(row, told, base)
    if row.disposition:
        found["disposition"] = _word(row.disposition, base)
    ways = {way: [word] for way, word in (("set", row.set_), ("unset", row.unset)) if word}
    if ways:
        found["persistentDisposition"] = ways
    place = _of(row.place, told, told.after)
    if place:
        found["readPoint"] = {"id": f"{base}/loc/{quote(place, safe='')}"}
        if row.action != "DELETE" or row.type == ASSOCIATION:
            found["bizLocation"] = dict(found["readPoint"])
    papers = _papers(row, told, base)
    if papers:
        found["bizTransactionList"] = papers
    found |= _parties(row, told, base)
    if row.detail:
        found["ilmd"] = _card(told.after)
    for more in row.more:
        name, _, state = more.partition("@")
        value = getattr(told.after, state) if state else told.fields.get(name)
        if value:
            found[f"{PREFIX}:{name}"] = str(value)
    return found


def _chosen(row: Row, told: Told) -> Row | None:
    """Return the row that is told, None where nothing is; some facts say themselves which."""
    if row.since and not told.earlier.get(row.since):
        return None
    if row.until and told.earlier.get(row.until):
        return None
    if not row.choose:
        return row
    for name in ("form", "result", "condition"):
        value = str(told.fields.get(name) or "")
        if value and value in row.choose:
            return row.choose[value]
    return row.choose.get("")


def _what(row: Row, told: Told, base: str) -> dict[str, Any]:
    """Return the thing an event is about; of an association, the whole and the part."""
    me = identity(told.id, told.after, base)
    if row.child:
        part = str(told.fields[row.child])
        named = told.called.get(part) or identity(part, Asset(), base)
        return {"parentID": me, "childEPCs": [named]}
    many = str(told.fields.get("quantity", "1")) if row.lot else "1"
    return {"epcList": [me]} if many == "1" else {"quantityList": [lot(told.id, many, base)]}


def _papers(row: Row, told: Told, base: str) -> list[dict[str, str]]:
    """Return the documents an event rests on; what was found in a count rests on that."""
    surplus = row.detail and told.after.mode is Mode.SURPLUS
    found: list[dict[str, str]] = []
    for paper in ("+surplus",) if surplus else row.business:
        kind, _, name = paper.partition("=")
        number = _said(name, told) if name else _case(told)
        if number:
            address = f"{base}/bt/{quote(number, safe='')}"
            found.append({"type": _word(kind, base), "bizTransaction": address})
    return found


def lot(name: str, quantity: str, base: str) -> dict[str, Any]:
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
    return str(getattr(asset, name[1:]) or "") if name.startswith("@") else _said(name, told)


def _said(name: str, told: Told) -> str:
    return str(told.fields.get(name) or told.earlier.get(name, ""))


def _case(told: Told) -> str:
    """Return the document an event rests on: the case, a number it names, or the act itself."""
    for name in ("case", "approval_no", "order_no", "voucher"):
        if told.fields.get(name):
            return str(told.fields[name])
    return told.cause


def _parties(row: Row, told: Told, base: str) -> dict[str, Any]:
    """Return who gives and who takes; ownership passes only where the row says so."""
    found: dict[str, Any] = {}
    for member, what, name, asset in (
        ("sourceList", "source", row.from_, told.before),
        ("destinationList", "destination", row.to, told.after),
    ):
        party = _of(name, told, asset) if name else ""
        if party:
            address = f"{base}/party/{quote(party, safe='')}"
            found[member] = [{"type": kind, what: address} for kind in row.parties]
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
    "quantity": ("mismatch_quantity", True),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What one round of a count came to at one place; `identities` as `identity` writes them.

    `spot` is a spot check (抽盘), which is no basis for accounting. `outcome` is `found`,
    `misplaced` (where they were seen), `missing` (EPCIS cannot say “not seen”: their state is
    unknown) or `quantity` (another quantity was counted than the books have; then `quantities` say
    how much, by asset). `at` is the business time with zone.
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
    quantities: tuple[tuple[str, str], ...] = ()


def counted(what: Counted, host: str) -> list[dict[str, Any]]:
    """Return the events of a count, at most 1,000 things in each; the same whenever it is asked."""
    base = f"https://{host}"
    disposition, seen = _OUTCOMES[what.outcome]
    lots = what.outcome == "quantity"
    told: list[Any] = sorted(set(what.identities))
    if lots:
        told = [lot(asset, quantity, base) for asset, quantity in sorted(what.quantities)]
    found: list[dict[str, Any]] = []
    for start in range(0, len(told), EPCS_MAX):
        about = (
            f"{base}/stocktake/{what.stocktake}/{what.place}/{what.round}/{what.outcome}/{start}"
        )
        event = observed(about, what.at, what.recorded_at) | {
            "bizStep": "cycle_counting" if what.spot else "stock_taking",
            "quantityList" if lots else "epcList": told[start : start + EPCS_MAX],
            "bizTransactionList": [
                {
                    "type": f"{base}/voc/{kind}",
                    "bizTransaction": f"{base}/bt/{quote(what.stocktake, safe='')}",
                }
                for kind in (("stocktake",) if seen else ("stocktake", "shortage"))
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
        observed(f"{base}/stocktake/{stocktake}/{seq}/stolen/{start}", at, recorded_at)
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
    found = observed(f"{base}/{what.about}", what.at, what.recorded_at) | {
        "bizStep": "shipping",
        "disposition": "in_transit",
        "quantityList": [lot(what.item, what.quantity, base)],
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


def observed(about: str, at: str, recorded_at: str) -> dict[str, Any]:
    """Return the beginning of an event: something was seen; `about` makes its id."""
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
