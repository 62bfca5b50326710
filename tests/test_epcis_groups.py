"""What is packed, fitted, sold, corrected and destroyed is heard by partners at the door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doors import Door, app_of, registered, staffed
from test_epcis import HOST, asked, listed, valid

from api.office import Actor, Office

__all__ = ["valid"]
BASE = f"https://{HOST}"
SSCC = "106141412345678908"
CRATE = f"https://id.gs1.org/00/{SSCC}"
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    with staffed(sqlite_url) as office:
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    door = Door(app_of(office))
    for n in (1, 2):
        registered(door, f"A{n}", asset_no=f"ZC-{n}")
    return door


def words(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(e["type"].removesuffix("Event"), e["action"], e["bizStep"]) for e in events]


def test_a_crate_is_heard_from_packing_to_unpacking(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    crate = {"packaging": "crate", "unit": "o_a", "sscc": SSCC, "place": "p_1"}
    office.ask("package/K", "set_up", crate, CLERK)
    office.ask("package/P", "set_up", {"packaging": "pallet", "unit": "o_a"}, CLERK)
    office.ask("package/K", "pack", {"assets": ["A1", "A2"]}, CLERK)
    office.ask("package/K", "load_onto", {"outer": "P"}, CLERK)
    office.ask("package/P", "move", {"place": "p_2"}, CLERK)
    office.ask("package/K", "unload", {}, CLERK)
    office.ask("package/K", "unpack", {"assets": ["A2"]}, CLERK)
    whole = asked(door, perPage="1000")
    valid(whole.json())
    grouped = [e for e in listed(whole) if e["type"] == "AggregationEvent"]
    assert words(grouped) == [
        ("Aggregation", "ADD", "packing"), ("Aggregation", "ADD", "packing"),
        ("Aggregation", "DELETE", "unpacking"), ("Aggregation", "DELETE", "unpacking"),
    ]  # fmt: skip
    assert grouped[0]["childEPCs"] == [f"{BASE}/obj/A1", f"{BASE}/obj/A2"]
    assert [e["parentID"] for e in grouped] == [CRATE, f"{BASE}/pkg/P", f"{BASE}/pkg/P", CRATE]
    assert grouped[3]["readPoint"] == {"id": f"{BASE}/loc/p_2"}
    assert grouped == listed(asked(door, eventType="AggregationEvent"))
    inside = listed(asked(door, MATCH_epc=f"{BASE}/obj/A2", eventType="AggregationEvent"))
    assert inside == [grouped[0], grouped[3]]
    of_crate = asked(door, MATCH_parentID=f"urn:epc:id:sscc:0614141.1{SSCC[8:17]}")
    assert listed(of_crate) == [grouped[0], grouped[3]]
    anywhere = listed(asked(door, MATCH_anyEPC=CRATE))
    assert [e for e in anywhere if e["type"] == "AggregationEvent"] == grouped
    moved = listed(asked(door, EQ_bizStep="storing", EQ_bizLocation=f"{BASE}/loc/p_2"))
    assert {name for e in moved for name in e["epcList"]} == {
        CRATE, f"{BASE}/pkg/P", f"{BASE}/obj/A1", f"{BASE}/obj/A2",
    }  # fmt: skip
    assert listed(asked(door, EQ_readPoint=f"{BASE}/loc/nowhere")) == []
    assert listed(asked(door, EQ_eventID=grouped[2]["eventID"])) == [grouped[2]]


def test_what_was_packed_by_mistake_is_declared_wrong(office: Office, door: Door) -> None:
    office.ask("package/K", "set_up", {"packaging": "box", "unit": "o_a"}, CLERK)
    office.ask("package/K", "pack", {"assets": ["A1"]}, CLERK)
    office.reverse("package/K", 2, CLERK, reason="装错箱")
    assert office.book.stream("asset/A1").state.package == ""
    first, again = listed(asked(door, eventType="AggregationEvent"))
    assert first["eventID"] == again["eventID"]
    assert listed(asked(door, EXISTS_errorDeclaration="true"))[-1] == again
    assert again not in listed(asked(door, EXISTS_errorDeclaration="false"))


def test_a_part_is_heard_when_it_is_fitted_and_when_it_is_removed(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    office.ask("asset/A1", "fit_part", {"part": "A2", "reason": "扩容", "order_no": "修-1"}, CLERK)
    office.ask("asset/A1", "remove_part", {"part": "A2", "reason": "换下"}, CLERK)
    answer = asked(door, eventType="AssociationEvent")
    valid(answer.json())
    assert words(listed(answer)) == [
        ("Association", "ADD", "installing"), ("Association", "DELETE", "removing"),
    ]  # fmt: skip
    fitted = listed(answer)[0]
    assert (fitted["parentID"], fitted["childEPCs"]) == (f"{BASE}/obj/A1", [f"{BASE}/obj/A2"])
    assert fitted["bizTransactionList"][0]["bizTransaction"] == f"{BASE}/bt/{'%E4%BF%AE'}-1"


def test_a_corrected_card_is_told_again_with_the_id_of_what_corrects_it(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    office.ask("asset/A1", "correct_card", {"name": "会议桌（大）", "reason": "录错"}, CLERK)
    office.ask("asset/A1", "correct_card", {"plate": "示A·00001", "reason": "补录"}, CLERK)
    office.ask("asset/A1", "correct_card", {"model": "HY-2", "reason": "补录"}, CLERK)
    answer = asked(door, MATCH_epc=f"{BASE}/obj/A1")
    valid(answer.json())
    first, wrong, second, wrong_again, third = listed(answer)
    assert wrong["eventID"] == first["eventID"]
    assert wrong["errorDeclaration"]["correctiveEventIDs"] == [second["eventID"]]
    assert wrong_again["eventID"] == second["eventID"]
    assert wrong_again["errorDeclaration"]["correctiveEventIDs"] == [third["eventID"]]
    assert (third["ilmd"]["zc:name"], third["ilmd"]["zc:model"]) == ("会议桌（大）", "HY-2")
    assert third["eventTime"] == first["eventTime"]
    assert len({e["eventID"] for e in (first, second, third)}) == 3


def test_times_of_recording_may_be_asked_for(door: Door) -> None:
    everything = listed(asked(door))
    last = everything[-1]["recordTime"]
    late, early = asked(door, GE_recordTime=last), asked(door, LT_recordTime=last)
    assert listed(early) + listed(late) == everything
