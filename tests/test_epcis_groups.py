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
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
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
    office.ask("asset/A1", "detach_part", {"part": "A2", "reason": "换下"}, CLERK)
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


def test_what_is_scrapped_is_told_from_the_assessment_to_the_end(
    door: Door, valid: Callable[[Any], None]
) -> None:
    def did(verb: str, who: str, **form: Any) -> None:
        answer = door.post(f"disposal/D/{verb}", form, who=who)
        assert answer.status_code == 200, answer.text

    grounds = {"unit": "o_a", "form": "scrap", "ground": "beyond_repair", "minutes_no": "纪要3"}
    did("propose", "clerk", assets=["A1", "A2"], **grounds)
    did("record_assessment", "clerk", assessor="示例检测站", conclusion="报废", report_no="鉴-1")
    did("approve", "office", approval_no="批1")
    for thing in ("A1", "A2"):
        did("scrap", "keeper", asset=thing, recycler="示例再生资源", certificate="回1")
    proof = {"vendor": "示例再生资源", "certificate": "销-1", "destroyed_on": "2026-01-05"}
    did("record_destruction", "keeper", asset="A1", method="shredded", **proof)
    did("record_destruction", "keeper", asset="A2", method="wiped", **proof)
    answer = asked(door, perPage="1000")
    valid(answer.json())
    told = [
        (e["bizStep"], e["disposition"].rpartition("/")[2], len(e["epcList"]))
        for e in listed(answer)
        if e["bizStep"] not in ("commissioning", "holding")
    ]
    assert told == [
        ("inspecting", "needs_replacement", 2),
        ("collecting", "disposed", 1),
        ("collecting", "disposed", 1),
        ("destroying", "destroyed", 1),
    ]
    (collected, _) = listed(asked(door, EQ_bizStep="collecting"))
    assert collected["destinationList"][0]["type"] == "possessing_party"
    assert collected["destinationList"][0]["destination"].startswith(f"{BASE}/party/%E7%A4%BA")
    (gone,) = listed(asked(door, EQ_action="DELETE"))
    assert gone["epcList"] == [f"{BASE}/obj/A1"]
    assert gone["bizTransactionList"][0]["type"] == "cert"


def test_what_was_bought_is_told_with_its_order_and_supplier(
    door: Door, valid: Callable[[Any], None]
) -> None:
    form = {"name": "笔记本", "kind": "computer", "unit": "o_a", "supplier": "供应商甲"}
    assert door.post("asset/B1/receive", form).status_code == 200
    accepted = door.post("asset/B1/pass_acceptance", {"inspector": "u_head"}, who="keeper")
    assert accepted.status_code == 200, accepted.text
    assert door.post("asset/B1/register", {"asset_no": "ZC-9"}).status_code == 200
    answer = asked(door, MATCH_epc=f"{BASE}/obj/B1")
    valid(answer.json())
    arrived, inspected, card, title = listed(answer)
    assert [e["bizStep"] for e in (arrived, inspected, card, title)] == [
        "arriving", "inspecting", "commissioning", "accepting",
    ]  # fmt: skip
    assert {one["type"] for one in card["bizTransactionList"]} == {"inv", "testres"}
    assert title["sourceList"] == [
        {"type": "owning_party", "source": f"{BASE}/party/%E4%BE%9B%E5%BA%94%E5%95%86%E7%94%B2"}
    ]


def test_blank_labels_are_a_batch_before_they_are_on_anything(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    office.ask("labels/o_a", "print_stock", {"count": 3}, CLERK)
    answer = asked(door, eventType="TransactionEvent")
    valid(answer.json())
    (batch,) = listed(answer)
    assert (batch["bizStep"], batch["disposition"], len(batch["epcList"])) == (
        "encoding",
        "encoded",
        3,
    )
    assert batch["bizTransactionList"][0]["type"] == f"{BASE}/voc/label_batch"
