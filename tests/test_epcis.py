"""EPCIS: every physical step is told as an event that others' validators accept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from golden_log import example

from api import epcis_rest
from api.office import Actor, Office
from domain.asset import Asset, Kind
from domain.decider import FACTS
from domain.leaving import Form
from domain.lending import ReturnResult
from labels import epcis
from labels.epcis_hash import event_hash

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HOST = "id.example"


@pytest.fixture
def valid(shared_file: Callable[[str], Path]) -> Callable[[Any], None]:
    """Lend a check that raises for what the schema of GS1 refuses, formats included."""
    schema = json.loads(shared_file("epcis/schema/EPCIS-JSON-Schema.json").read_text())
    return jsonschema_rs.validator_for(schema, validate_formats=True).validate


# What earlier facts, or the case that moved a thing, say of an event (`epcis_rest._Life`).
EARLIER = {"acquisition", "supplier", "accepted_in", "taker", "agreement", "deleted"}


def told(name: str, **fields: Any) -> epcis.Told:
    """Return an entry of a fact, full of values, between two states of an asset."""
    asset = Asset(
        asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, custodian="o_a",
        accounting_unit="o_a", place="p_1",
    )  # fmt: skip
    said = epcis.fields_of(example(FACTS[name], full=True)) | fields
    return epcis.Told(
        id="A1", seq=3, name=name, fields=said, before=asset, after=asset,
        at="2026-11-21T00:00:00+08:00", recorded_at="2026-11-21T10:00:00.000000Z", cause="c1",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(epcis.ROWS))
def test_every_mapped_fact_is_valid(valid: Callable[[Any], None], name: str) -> None:
    choices: list[dict[str, Any]] = [{}]
    if name == "asset.left_for_good":
        choices = [{"form": form.value} for form in Form]
    if name == "asset.return_inspected":
        choices = [{"result": result.value} for result in ReturnResult]
    if name == "asset.part_fitted":
        choices = [{"part": "A2"}]
    for fields in choices:
        found = epcis.events(told(name, **fields), HOST)
        assert found
        valid(epcis.document(found, HOST, "2026-11-21T10:00:00.000Z"))


def test_the_check_refuses_what_is_not_epcis(valid: Callable[[Any], None]) -> None:
    found = epcis.events(told("asset.relocated"), HOST)
    for change in ({"bizStep": "labelling"}, {"action": "MOVE"}, {"eventTime": "2026-11-21"}):
        with pytest.raises(jsonschema_rs.ValidationError):
            valid(epcis.document([found[0] | change], HOST, "2026-11-21T10:00:00.000Z"))


def test_every_row_names_a_fact_with_its_fields() -> None:
    for name, rows in epcis.ROWS.items():
        fields = set(FACTS[name].__struct_fields__) | EARLIER
        for row in (one for top in rows for one in (top, *top.choose.values())):
            papers = {paper.partition("=")[2] for paper in row.business}
            more = {one for one in row.more if "@" not in one}
            states = {"@" + one.partition("@")[2] for one in row.more if "@" in one}
            asked = {
                row.from_,
                row.to,
                row.place,
                row.since,
                row.until,
                row.child,
                *papers,
                *more,
                *states,
            }
            asked -= {""}
            assert {one for one in asked if not one.startswith("@")} <= fields, name
            assert {one[1:] for one in asked if one.startswith("@")} <= set(Asset.__struct_fields__)
    assert set(epcis.ROWS["asset.left_for_good"][0].choose) == {form.value for form in Form}
    results = epcis.ROWS["asset.return_inspected"][0].choose
    assert set(results) == {result.value for result in ReturnResult}


def test_an_event_says_who_gives_and_who_takes_and_where() -> None:
    (event,) = epcis.events(told("asset.lent", borrower="o_b", case="loan/L1"), HOST)
    assert (event["bizStep"], event["disposition"]) == ("accepting", f"https://{HOST}/voc/on_loan")
    assert event["epcList"] == [f"https://{HOST}/obj/A1"]
    assert event["sourceList"] == [
        {"type": "possessing_party", "source": f"https://{HOST}/party/o_a"}
    ]
    assert event["destinationList"][0]["destination"] == f"https://{HOST}/party/o_b"
    assert event["bizTransactionList"][0]["bizTransaction"] == f"https://{HOST}/bt/loan%2FL1"
    moved = epcis.events(told("asset.relocated", place="p_2"), HOST)[0]
    assert moved["bizLocation"] == {"id": f"https://{HOST}/loc/p_2"}


@pytest.mark.parametrize("outcome", ["found", "misplaced", "missing"])
@pytest.mark.parametrize("spot", [False, True])
def test_a_count_is_told_in_events_of_a_thousand(
    valid: Callable[[Any], None], outcome: str, spot: bool
) -> None:
    names = tuple(f"https://{HOST}/obj/A{n}" for n in range(1_001))
    what = epcis.Counted(
        stocktake="S1", place="p_1", round=2, identities=names * 2, outcome=outcome, spot=spot,
        at="2026-11-21T00:00:00+08:00", recorded_at="2026-11-21T10:00:00.000000Z", device="PDA-1",
    )  # fmt: skip
    found = epcis.counted(what, HOST)
    valid(epcis.document(found, HOST, "2026-11-21T10:00:00.000Z"))
    assert [len(event["epcList"]) for event in found] == [1_000, 1]
    assert {event["bizStep"] for event in found} == {"cycle_counting" if spot else "stock_taking"}
    assert all(("readPoint" in event) == (outcome != "missing") for event in found)
    assert found == epcis.counted(what, HOST)


# At the door -------------------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


def asked(door: Door, **query: str) -> Any:
    answer = door.http.get("/epcis/events", params=query, auth=("auditor", PASSWORD))
    assert answer.status_code == 200, answer.text
    return answer


def listed(answer: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]  # fmt: skip
    return events


def test_a_life_is_told_page_by_page_and_valid(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    for n in range(4):
        registered(door, f"A{n}", asset_no=f"ZC-{n}")
        office.ask(f"asset/A{n}", "relocate", {"place": "p_1"}, CLERK)
        office.ask(f"asset/A{n}", "bind_tag", {"epc": f"E2801190200050C1B0D0032{n}"}, CLERK)
    whole = asked(door, perPage="1000")
    valid(whole.json())
    everything = listed(whole)
    assert [event["bizStep"].rpartition("/")[2] for event in everything[:3]] == [
        "commissioning",
        "storing",
        "labelling",
    ]
    assert len(everything) == 12 and "link" not in whole.headers
    pages, answer = list[dict[str, Any]](), asked(door, perPage="5")
    while True:
        pages += listed(answer)
        following = answer.headers.get("link")
        if not following:
            break
        answer = door.http.get(following[1:].partition(">")[0], auth=("auditor", PASSWORD))
    assert pages == everything
    assert len({event["eventID"] for event in everything}) == 12
    assert len({event_hash(event) for event in everything}) == 12
    assert [e["action"] for e in listed(asked(door, EQ_action="ADD"))] == ["ADD"] * 4
    mine = listed(asked(door, MATCH_epc=f"https://{HOST}/obj/A2"))
    assert len(mine) == 3 and {e["epcList"][0] for e in mine} == {f"https://{HOST}/obj/A2"}
    assert listed(asked(door, EQ_bizStep="storing|shipping", LT_eventTime="2000-01-01")) == []


def test_what_is_taken_back_is_told_again_with_a_declaration(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    registered(door)
    moved = office.ask("asset/A1", "relocate", {"place": "p_1"}, CLERK)
    seq = office.book.stream("asset/A1").version
    office.reverse("asset/A1", seq, CLERK, reason="录错了")
    answer = asked(door)
    valid(answer.json())
    _, first, again = listed(answer)
    assert first["eventID"] == again["eventID"] and moved.first
    assert "errorDeclaration" not in first
    assert again["errorDeclaration"]["reason"] == "did_not_occur"
    assert event_hash(first) == event_hash(again)


@pytest.mark.parametrize("query", [{"nextPageToken": "x"}, {"perPage": "0"}, {"EQ_colour": "red"}])
def test_a_question_that_is_not_understood_is_refused(door: Door, query: dict[str, str]) -> None:
    answer = door.http.get("/epcis/events", params=query, auth=("auditor", PASSWORD))
    assert answer.status_code == 422


def test_a_page_ends_where_enough_was_looked_at(office: Office) -> None:
    found = list(epcis_rest.exported(office, start=1, most=1))
    assert [(position, event) for position, _, event in found] == [(1, None)]
