"""Events of other systems are kept once, corrections beside what they are about, nothing else changes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, staffed

from api.captures import Captures
from api.office import Office
from labels.epcis_checking import EVENTS_MAX, events_of, faults_of

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


def event(number: int = 1, **change: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-11-21T10:00:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "epcList": [f"urn:epc:id:giai:697123456.{10**11 + number}"],
        "action": "OBSERVE",
        "bizStep": "shipping",
    } | change


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-21T10:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }


@pytest.fixture
def store(database: str) -> Iterator[Captures]:
    store = Captures.open(database)
    yield store
    store.close()


def test_examples_are_told_apart_as_their_manifest_says(
    shared_file: Callable[[str], Path],
) -> None:
    with shared_file("epcis/MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = {"valid": 0, "invalid": 0}
    for row in rows:
        if row["expectation"] not in seen or "/Query/" in row["file"]:
            continue
        found = json.loads(shared_file(f"epcis/{row['file']}").read_text(encoding="utf-8"))
        events, _, faults = events_of(found)
        for number, one in enumerate(events):
            faults += faults_of(one, f"eventList[{number}]")
        assert bool(faults) == (row["expectation"] == "invalid"), (row["file"], faults)
        assert all(fault.zh and fault.en for fault in faults)
        seen[row["expectation"]] += 1
    assert seen["valid"] > 30 and seen["invalid"] == 4


def test_the_same_document_again_changes_nothing(store: Captures) -> None:
    first = store.capture(document(event(1), event(2)), "u_1")
    assert (first.success, first.kept, first.repeated) == (True, 2, 0)
    other = event(2, bizStep="https://ref.gs1.org/cbv/BizStep-shipping", recordTime="2026-11-22T00:00:00Z")  # fmt: skip
    again = store.capture(document(other, event(1)), "u_1")
    assert (again.success, again.kept, again.repeated) == (True, 0, 2)
    assert store.capture(document(event(3), event(3)), "u_1").kept == 1
    assert store.events(first.id) == [event(1), event(2)]
    assert store.job(again.id) == again and store.job("none") is None


def test_an_error_declaration_is_kept_beside_what_it_is_about(store: Captures) -> None:
    """Dropping it as a repetition of the same id would lose the correction."""
    store.capture(document(event(1)), "u_1")
    declared = event(1, errorDeclaration={"declarationTime": "2026-11-22T10:00:00+08:00", "reason": "incorrect_data"})  # fmt: skip
    assert store.capture(document(declared), "u_1").kept == 1
    again = store.capture(document(declared), "u_1")
    assert (again.kept, again.repeated) == (0, 1)
    both = store.capture(document(event(5), event(5, errorDeclaration=declared["errorDeclaration"])), "u_1")  # fmt: skip
    assert (both.success, both.kept) == (True, 2)


def test_the_same_id_with_other_content_is_an_error(store: Captures) -> None:
    store.capture(document(event(1)), "u_1")
    job = store.capture(document(event(1, action="ADD"), event(2)), "u_1")
    assert (job.success, job.kept) == (False, 0)
    assert job.errors[0]["path"] == "eventList[0].eventID"
    assert store.events(job.id) == []


@pytest.mark.parametrize(("behaviour", "kept"), [("rollback", 0), ("proceed", 2)])
def test_all_is_kept_or_what_is_right(store: Captures, behaviour: str, kept: int) -> None:
    wrong = event(2, action="MOVE", bizStep="labelling")
    job = store.capture(document(event(1), wrong, event(3)), "u_1", behaviour=behaviour)
    assert (job.success, job.kept) == (False, kept)
    assert {one["path"] for one in job.errors} == {"eventList[1].action", "eventList[1].bizStep"}


NAMELESS = {"type", "eventTime", "eventTimeZoneOffset", "action"}


@pytest.mark.parametrize(
    ("type_", "action", "wrong"),
    [
        ("ObjectEvent", "OBSERVE", {"epcList"}),
        ("AggregationEvent", "ADD", {"parentID", "childEPCs"}),
        ("AggregationEvent", "DELETE", set[str]()),
        ("AssociationEvent", "ADD", {"parentID", "childEPCs"}),
        ("AssociationEvent", "DELETE", {"parentID"}),
        ("TransactionEvent", "ADD", {"bizTransactionList"}),
    ],
)
def test_an_event_names_what_its_type_needs(type_: str, action: str, wrong: set[str]) -> None:
    found = event(type=type_, action=action)
    bare = {name: value for name, value in found.items() if name in NAMELESS}
    assert {fault.path for fault in faults_of(bare, "e")} == {f"e.{name}" for name in wrong}


def test_an_event_without_id_gets_the_hash_of_its_content(store: Captures) -> None:
    plain = {name: value for name, value in event(1).items() if name != "eventID"}
    job = store.capture(document(plain), "u_1")
    (kept,) = store.events(job.id)
    assert kept["eventID"].startswith("ni:///sha-256;")
    assert store.capture(document(plain), "u_1").repeated == 1


@pytest.mark.parametrize("found", [None, [], "x", {}, {"@context": CONTEXT}, document() | {"@context": []}])  # fmt: skip
def test_what_is_no_document_is_refused_whole(store: Captures, found: Any) -> None:
    job = store.capture(found, "u_1", behaviour="proceed")
    assert (job.success, job.kept) == (False, 0)


def test_too_many_events_at_once_are_refused(store: Captures) -> None:
    job = store.capture(document(*map(event, range(EVENTS_MAX + 1))), "u_1")
    assert (job.success, job.kept) == (False, 0)


# At the door -------------------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.mark.either_backend("what the door answers; the same documents are captured on both here")
def test_a_program_hears_what_became_of_its_document(office: Office) -> None:
    door, before = Door(app_of(office)), office.book.head()

    def post(body: Any, who: str = "clerk", **headers: str) -> Any:
        said = {"Content-Type": "application/ld+json"} | headers
        return door.http.post("/epcis/capture", content=json.dumps(body), headers=said, auth=(who, PASSWORD))  # fmt: skip

    answer = post(document(event(1)))
    assert answer.status_code == 202, answer.text
    assert answer.headers["gs1-epcis-capture-limit"] == str(EVENTS_MAX)
    job = door.http.get(answer.headers["location"], auth=("clerk", PASSWORD)).json()
    assert (job["running"], job["success"], job["errors"]) == (False, True, [])
    kept = door.http.get(f"{answer.headers['location']}/events", auth=("clerk", PASSWORD)).json()
    assert kept["eventList"] == [event(1)]
    wrong = post(document(event(2, action="MOVE")), **{"GS1-Capture-Error-Behaviour": "proceed"})
    assert wrong.json()["errors"][0]["title"] == "eventList[0].action"
    assert post(document(event(1)), who="auditor").status_code == 403
    assert post(document(event(1)), **{"GS1-Capture-Error-Behaviour": "x"}).status_code == 400
    assert post(document(event(1)), **{"Content-Type": "text/xml"}).status_code == 415
    assert door.http.get("/epcis/capture/none", auth=("clerk", PASSWORD)).status_code == 404
    assert office.book.head() == before
