"""An EPCIS event has the identifier that its content has, however it was written down."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labels.epcis_hash import canonical, event_hash, prehash

NAMES = (
    "ReferenceEventHashAlgorithm",
    "ReferenceEventHashAlgorithm2",
    "TimeStampRoundOff",
    "epcisDocWithShippingAndTransportingEvent",
    "epcisDocWithSingleEvent",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_published_event_has_the_published_hash(
    shared_file: Callable[[str], Path], name: str
) -> None:
    at = f"epcis/event_hash/{name}"
    document = json.loads(shared_file(f"{at}.jsonld").read_text(encoding="utf-8"))
    events = document["epcisBody"]["eventList"]
    told = shared_file(f"{at}.prehashes").read_text(encoding="utf-8").split()
    hashes = shared_file(f"{at}.hashes").read_text(encoding="utf-8").split()
    assert [prehash(event, document["@context"]) for event in events] == told
    assert [event_hash(event, document["@context"]) for event in events] == hashes


def shuffled(value: Any, seeded: random.Random) -> Any:
    """Return the same JSON with keys and list members in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(one, seeded)) for name, one in value.items()]
        seeded.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return seeded.sample([shuffled(one, seeded) for one in value], len(value))
    return value


WRITTEN: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventID": "urn:uuid:1",
    "recordTime": "2026-11-21T10:00:00Z",
    "eventTime": "2026-11-21T18:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["urn:epc:id:giai:697123456.100000000007", "https://id.example/8004/697123456100000000009?r=1"],
    "action": "OBSERVE",
    "bizStep": "storing",
    "disposition": "urn:epcglobal:cbv:disp:available",
    "bizTransactionList": [{"type": "po", "bizTransaction": "https://h.example/bt/1"}],
    "zc:tid": "E280",
}  # fmt: skip
CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"zc": "https://h.example/voc/"}]  # fmt: skip


def test_order_spelling_and_declarations_do_not_matter() -> None:
    told = event_hash(WRITTEN, CONTEXT)
    for seed in range(5):
        assert event_hash(shuffled(WRITTEN, random.Random(seed)), CONTEXT) == told
    other = WRITTEN | {
        "eventID": "urn:uuid:2",
        "errorDeclaration": {"declarationTime": "2026-11-22T10:00:00Z", "reason": "incorrect_data"},
        "eventTime": "2026-11-21T10:00:00.0001Z",
        "bizStep": "https://ref.gs1.org/cbv/BizStep-storing",
        "disposition": "available",
        "epcList": [canonical(epc) for epc in WRITTEN["epcList"]],
    }
    assert event_hash(other, CONTEXT) == told
    for change in ({"action": "ADD"}, {"bizStep": "shipping"}, {"zc:tid": "E281"}):
        assert event_hash(WRITTEN | change, CONTEXT) != told
