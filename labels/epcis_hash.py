"""Give an EPCIS event the identifier that its content has, however it was written down.

The same event as bare words or addresses, URN or Digital Link, keys in any order, has the same
hash: `ni:///sha-256;…?ver=CBV2.0`. Error declarations, ids and record times do not count.

Source: GS1 Core Business Vocabulary 2.0 §8.9 (event hash ID); GS1 Digital Link 1.4 for identities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from labels.epc import check_digit

CBV: Final = "https://ref.gs1.org/cbv/"
GS1: Final = "https://gs1.org/voc/"
EPCIS: Final = "https://ref.gs1.org/epcis/"
_LINK = re.compile(r"/(00|01|253|255|414|417|8003|8004|8006|8010|8017|8018|401|402)/[^?#]+")
_TIMES: Final = frozenset({"eventTime", "time", "startTime", "endTime"})
_IGNORED: Final = frozenset(
    {"@context", "type", "isA", "eventID", "recordTime", "errorDeclaration", "captureID"}
)
# Each group of a vocabulary: how its bare words are written out (CBV 2.0 §7).
_WORDS: Final[Mapping[str, str]] = {
    "bizStep": f"{CBV}BizStep-",
    "disposition": f"{CBV}Disp-",
    "set": f"{CBV}Disp-",
    "unset": f"{CBV}Disp-",
    "bizTransactionList": f"{CBV}BTT-",
    "sourceList": f"{CBV}SDT-",
    "destinationList": f"{CBV}SDT-",
    "sensorReport": GS1,
    "exception": GS1,
    "component": f"{CBV}Comp-",
}
_URN_WORDS: Final = {
    "bizstep": "BizStep-", "disp": "Disp-", "btt": "BTT-", "sdt": "SDT-", "er": "ER-",
}  # fmt: skip
_LISTS: Final = {
    "epcList": "epc",
    "inputEPCList": "epc",
    "childEPCs": "epc",
    "outputEPCList": "epc",
}
_QUANTITIES: Final = (
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
)
# The order in which the fields of an event are told.
_ORDER: Final = (
    "eventTime", "eventTimeZoneOffset", "certificationInfo", "epcList", "parentID", "inputEPCList",
    "childEPCs", "quantityList", "childQuantityList", "inputQuantityList", "outputEPCList",
    "outputQuantityList", "action", "transformationID", "bizStep", "disposition",
    "persistentDisposition", "readPoint", "bizLocation", "bizTransactionList", "destinationList",
    "sourceList", "sensorElementList", "ilmd",
)  # fmt: skip
_METADATA: Final = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData",
    "dataProcessingMethod", "bizRules",
)  # fmt: skip
_REPORT: Final = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time",
    "microorganism", "chemicalSubstance", "coordinateReferenceSystem", "value", "component",
    "stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue", "maxValue",
    "meanValue", "sDev", "percRank", "percValue", "uom",
)  # fmt: skip


def event_hash(event: Mapping[str, Any], context: Any = ()) -> str:
    """Return the event hash ID of an event; `context` is the `@context` of its document.

    `event` is JSON as it was read, numbers as int, float or Decimal.
    """
    digest = sha256(prehash(event, context).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def prehash(event: Mapping[str, Any], context: Any = ()) -> str:
    """Return the text that is hashed: every field in the order of the standard, nothing between."""
    spaces = namespaces(context) | namespaces(event.get("@context", ()))
    kind = event.get("type") or event.get("isA") or ""
    parts = [f"eventType={kind}"]
    parts += [_field(name, event[name], spaces) for name in _ORDER if name in event]
    parts += _extensions(event, {*_ORDER, *_IGNORED}, spaces)
    return "".join(parts)


def namespaces(context: Any) -> dict[str, str]:
    """Return the prefixes that a `@context` declares."""
    found = {"gs1": GS1, "cbv": CBV, "epcis": EPCIS}
    for part in context if isinstance(context, list | tuple) else [context]:
        if isinstance(part, Mapping):
            found |= {name: uri for name, uri in part.items() if isinstance(uri, str)}
    return found


def _field(name: str, value: Any, spaces: Mapping[str, str]) -> str:
    if name in _LISTS:
        told = sorted(f"{_LISTS[name]}={canonical(str(epc))}" for epc in value)
        return name + "".join(told)
    if name in _QUANTITIES:
        return name + "".join(sorted("quantityElement" + _quantity(one) for one in value))
    match name:
        case "readPoint" | "bizLocation":
            own = _extensions(value, {"id"}, spaces)
            return f"{name}id={canonical(str(value['id']))}" + "".join(own)
        case "bizTransactionList" | "sourceList" | "destinationList":
            return name + "".join(sorted(_typed(name, one, spaces) for one in value))
        case "persistentDisposition":
            return name + "".join(
                "".join(sorted(f"{way}={_value(way, one, spaces)}" for one in value[way]))
                for way in ("set", "unset")
                if way in value
            )
        case "sensorElementList":
            return name + "".join(sorted(_sensor(one, spaces) for one in value))
        case "ilmd":
            return name + "".join(_extensions(value, set(), spaces))
        case "certificationInfo" if isinstance(value, list):
            return "".join(sorted(f"{name}={_value(name, one, spaces)}" for one in value))
        case _:
            return f"{name}={_value(name, value, spaces)}"


def _quantity(element: Mapping[str, Any]) -> str:
    names = ("epcClass", "quantity", "uom")
    return "".join(f"{n}={_value(n, element[n], {})}" for n in names if n in element)


def _typed(name: str, element: Mapping[str, Any], spaces: Mapping[str, str]) -> str:
    what = name.removesuffix("List")
    kind = element.get("type")
    head = f"type={_value(name, kind, spaces)}" if kind else ""
    return f"{head}{what}={canonical(str(element[what]))}"


def _sensor(element: Mapping[str, Any], spaces: Mapping[str, str]) -> str:
    parts = ["sensorElement"]
    metadata = element.get("sensorMetadata")
    if metadata is not None:
        parts.append("sensorMetadata")
        parts += _named(metadata, _METADATA, spaces)
        parts += _extensions(metadata, set(_METADATA), spaces)
    reports = []
    for report in element.get("sensorReport", ()):
        told = _named(report, _REPORT, spaces)
        reports.append(
            "sensorReport" + "".join([*told, *_extensions(report, set(_REPORT), spaces)])
        )
    parts += sorted(reports)
    parts += _extensions(element, {"sensorMetadata", "sensorReport"}, spaces)
    return "".join(parts)


def _named(of: Mapping[str, Any], names: Sequence[str], spaces: Mapping[str, str]) -> list[str]:
    return [
        f"{n}={_value('sensorReport' if n == 'type' else n, of[n], spaces)}"
        for n in names
        if n in of
    ]


def _extensions(of: Mapping[str, Any], known: set[str], spaces: Mapping[str, str]) -> list[str]:
    """Tell the fields of other namespaces, sorted, each with its namespace written out."""
    told: list[str] = []
    for name, value in of.items():
        if name in known or name.startswith("@") or name in ("type", "id"):
            continue
        told += _extension(name, value, spaces)
    return sorted(told)


def _extension(name: str, value: Any, spaces: Mapping[str, str]) -> Iterator[str]:
    prefix, colon, local = name.partition(":")
    full = f"{{{spaces.get(prefix, prefix + ':')}}}{local}" if colon else name
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            yield full + "".join(_extensions(one, set(), spaces))
        else:
            yield f"{full}={_value('', one, spaces)}"


def _value(name: str, value: Any, spaces: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _number(value)
    text = str(value)
    if name in _TIMES:
        return _moment(text)
    if text.startswith("urn:epcglobal:cbv:"):
        group, _, word = text.removeprefix("urn:epcglobal:cbv:").partition(":")
        return CBV + _URN_WORDS[group] + word if group in _URN_WORDS else text
    if name in _WORDS and ":" not in text:
        return _WORDS[name] + text
    prefix, colon, local = text.partition(":")
    if colon and prefix in spaces and not local.startswith("//"):
        return spaces[prefix] + local
    return canonical(text)


def _number(value: float | Decimal) -> str:
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(text: str) -> str:
    """Write a time in UTC with milliseconds, rounded half up."""
    plain = text.replace("Z", "+00:00").replace("z", "+00:00")
    whole, dot, rest = plain.partition(".")
    if dot:
        digits = re.match(r"[0-9]*", rest)
        fraction = digits[0] if digits else ""
        plain = whole + rest[len(fraction) :]
    else:
        fraction = ""
    when = datetime.fromisoformat(plain).astimezone(UTC)
    thousandths = int((fraction + "0000")[:4]) + 5
    when += timedelta(milliseconds=thousandths // 10)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


# Identities ----------------------------------------------------------------------


def canonical(text: str) -> str:
    """Write an identity as the canonical Digital Link on id.gs1.org; anything else as it stands."""
    if text.startswith("urn:epc:"):
        return _linked(text) or text
    if text.startswith(("http://", "https://")):
        parts = urlsplit(text)
        found = _LINK.search(parts.path)
        if found:
            return f"https://id.gs1.org{found[0]}"
    return text


def _linked(urn: str) -> str:
    """Return the Digital Link of an EPC URN, or nothing when it has none."""
    lead = urn.split(":", 4)
    if len(lead) < 5:
        return ""
    key, body = lead[3], lead[4]
    prefix, _, rest = body.partition(".")
    middle, _, last = rest.partition(".")
    base = "https://id.gs1.org"
    match key:
        case "sgtin" if middle:
            gtin = middle[0] + prefix + middle[1:]
            found = f"{base}/01/{gtin}{check_digit(gtin)}"
            return found if last == "*" else f"{found}/21/{last}"
        case "lgtin" if middle:
            gtin = middle[0] + prefix + middle[1:]
            return f"{base}/01/{gtin}{check_digit(gtin)}/10/{last}"
        case "sscc" if rest:
            sscc = rest[0] + prefix + rest[1:]
            return f"{base}/00/{sscc}{check_digit(sscc)}"
        case "sgln":
            gln = prefix + middle
            tail = "" if last == "0" else f"/254/{last}"
            return f"{base}/414/{gln}{check_digit(gln)}{tail}"
        case "pgln":
            return f"{base}/417/{prefix}{rest}{check_digit(prefix + rest)}"
        case "grai":
            grai = f"0{prefix}{middle}"
            return f"{base}/8003/{grai}{check_digit(grai)}{'' if last == '*' else last}"
        case "giai":
            return f"{base}/8004/{prefix}{rest}"
        case "gsrn" | "gsrnp":
            number = "8018" if key == "gsrn" else "8017"
            return f"{base}/{number}/{prefix}{rest}{check_digit(prefix + rest)}"
        case "gdti":
            return f"{base}/253/{prefix}{middle}{check_digit(prefix + middle)}{last}"
        case _:
            return ""
