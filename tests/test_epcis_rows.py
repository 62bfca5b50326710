"""Every row of the EPCIS mapping, one by one: its words, and valid under the schema of GS1."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_epcis import HOST, told, valid

from domain.asset import Asset, Kind, Mode
from labels import epcis, epcis_groups
from labels.epcis_checking import faults_of
from labels.epcis_groups import Act
from labels.epcis_hash import event_hash

__all__ = ["valid"]
BASE = f"https://{HOST}"
AT, RECORDED = "2026-11-21T00:00:00+08:00", "2026-11-21T10:00:00.000000Z"
Events = list[dict[str, Any]]
ACT = Act("package/K1/2", AT, RECORDED, HOST)
CRATE = epcis_groups.package_identity("K1", "106141412345678908", "", BASE)
THINGS = (f"{BASE}/obj/A1", f"{BASE}/obj/A2")


def of(name: str, earlier: Mapping[str, str] | None = None, **fields: Any) -> Events:
    """Return the events of one fact."""
    return epcis.events(replace(told(name, **fields), earlier=earlier or {}), HOST)


def counted(outcome: str = "found", *, spot: bool = False) -> Events:
    """Return the events of a round of a count."""
    what = epcis.Counted(
        stocktake="S1", place="p_1", round=1, identities=THINGS, at=AT, recorded_at=RECORDED,
        outcome=outcome, spot=spot, device="PDA-1", quantities=(("A3", "38"),),
    )  # fmt: skip
    return epcis.counted(what, HOST)


def card() -> Events:
    """Return the events of a card for what was bought, delivered and accepted."""
    bought = {"acquisition": "acquisition/C1", "supplier": "供应商", "accepted_in": "cmd_1"}
    return of("asset.registered", bought)


def surplus() -> Events:
    """Return the events of a card for what a count found."""
    one = told("asset.registered")
    after = Asset(asset_no="ZC-1", name="投影仪", kind=Kind.OFFICE, mode=Mode.SURPLUS)
    return epcis.events(replace(one, after=after), HOST)


def corrected() -> Events:
    """Return what is told when the name on a card is corrected."""
    one = told("asset.card_corrected")
    right = replace(one, seq=9, after=Asset(asset_no="ZC-1", name="会议桌", model="A"))
    return epcis.amended(card()[0], right, HOST)


def said(events: Events) -> list[tuple[str, str, str, str]]:
    """Return type, action, step and disposition of each event, our own words with a `+`."""
    own = f"{BASE}/voc/"
    return [
        (
            event["type"].removesuffix("Event"),
            event["action"],
            event["bizStep"].replace(own, "+"),
            event.get("disposition", "").replace(own, "+"),
        )
        for event in events
    ]


def papers(events: Events) -> set[str]:
    """Return the types of the documents the events rest on, our own with a `+`."""
    return {
        one["type"].replace(f"{BASE}/voc/", "+")
        for event in events
        for one in event.get("bizTransactionList", ())
    }


def parties(events: Events) -> set[str]:
    """Return what passes and from which side it is told: `owning<`, `possessing>`."""
    return {
        one["type"].removesuffix("_party") + mark
        for event in events
        for members, mark in (("sourceList", "<"), ("destinationList", ">"))
        for one in event.get(members, ())
    }


OBSERVED, ADDED, DELETED = ("Object", "OBSERVE"), ("Object", "ADD"), ("Object", "DELETE")
PASSES = {"possessing<", "possessing>"}
OWNED = {"owning<", "owning>"}
BATCH = epcis_groups.encoded(ACT, THINGS)
GROUPED = epcis_groups.grouped(ACT, CRATE, THINGS, "p_1")
UNGROUPED = epcis_groups.ungrouped(ACT, CRATE, THINGS, "p_1")
GIVEN = {"taker": "受让人", "agreement": "成-1"}
# Row of the mapping: events, what they say, types of documents, parties.
TABLE: Mapping[str, tuple[Events, list[tuple[str, ...]], set[str], set[str]]] = {
    "label batch printed/encoded": (
        of("asset.label_printed") + BATCH,
        [("Transaction", "ADD", "encoding", "encoded")] * 2, {"+label_batch"}, set(),
    ),
    "#6 goods arrive, untagged": (
        of("asset.received", {}, quantity="40", acquisition="acquisition/C1"),
        [(*OBSERVED, "arriving", "in_progress")], {"po", "desadv"}, set(),
    ),
    "#7 acceptance passed / failed": (
        of("asset.acceptance_passed") + of("asset.acceptance_failed"),
        [(*OBSERVED, "inspecting", "conformant"), (*OBSERVED, "inspecting", "non_conformant")],
        {"testres", "rma"}, set(),
    ),
    "#8 card + first label": (
        card()[:1], [(*ADDED, "commissioning", "active")], {"po", "inv", "testres"}, set(),
    ),
    "#6/#8 title passes": (
        card()[1:], [(*OBSERVED, "accepting", "in_progress")], {"recadv"}, OWNED,
    ),
    "#25 into 公物仓": (
        of("asset.received_into_warehouse")[:1],
        [(*OBSERVED, "receiving", "in_progress")], {"+intake"}, PASSES,
    ),
    "put on shelf, #17 move in store": (
        of("asset.received_into_warehouse")[1:] + of("asset.relocated"),
        [(*OBSERVED, "storing", "available")] * 2, {"+stock_in"}, set(),
    ),
    "#14 issue, #16 custodian change": (
        of("asset.issued_to_user") + of("asset.custodian_changed"),
        [(*OBSERVED, "accepting", "+in_use")] * 2, {"+issue"}, PASSES,
    ),
    "#15, #22 return": (
        of("asset.returned_by_user", condition="完好")
        + of("asset.returned_by_user", condition="损坏")[1:]
        + of("asset.return_inspected", result="damaged")
        + of("asset.lease_ended"),
        [
            (*OBSERVED, "receiving", "returned"), (*OBSERVED, "inspecting", "conformant"),
            (*OBSERVED, "inspecting", "damaged"), (*OBSERVED, "inspecting", "damaged"),
            (*OBSERVED, "receiving", "returned"),
        ],
        {"+return"}, set(),
    ),
    "#20, #33 loan out": (
        of("asset.lent") + of("asset.leased"),
        [(*OBSERVED, "accepting", "+on_loan")] * 2, {"+loan"}, PASSES,
    ),
    "#18 repair start / done": (
        of("asset.repair_started") + of("asset.repair_completed", result="更换电源")
        + of("asset.repair_completed", result="无法修复"),
        [
            (*OBSERVED, "repairing", "unavailable"), (*OBSERVED, "repairing", "available"),
            (*OBSERVED, "repairing", "non_conformant"),
        ],
        {"+repair", "testres"}, set(),
    ),
    "#26 refurbish": (
        of("asset.refurbished"), [(*OBSERVED, "repairing", "available")], {"+repair"}, set(),
    ),
    "#19 idle / sealed, unsealed": (
        of("asset.declared_idle") + of("asset.put_back_to_use")
        + of("asset.sealed_for_holiday") + of("asset.unsealed"),
        [
            (*OBSERVED, "holding", "+idle"), (*OBSERVED, "stocking", "available"),
            (*OBSERVED, "holding", "+sealed"), (*OBSERVED, "stocking", "available"),
        ],
        {"+idle"}, set(),
    ),
    "#31 transfer out / in": (
        of("asset.transferred_out") + of("asset.transferred_in")
        + of("asset.came_back_undelivered"),
        [
            (*OBSERVED, "shipping", "in_transit"), (*OBSERVED, "receiving", "in_progress"),
            (*OBSERVED, "void_shipping", "available"),
        ],
        {"desadv", "recadv"}, PASSES | OWNED,
    ),
    "crate, pallet": (
        GROUPED + UNGROUPED,
        [
            ("Aggregation", "ADD", "packing", "in_progress"),
            ("Aggregation", "DELETE", "unpacking", "in_progress"),
        ],
        set(), set(),
    ),
    "part fitted / removed": (
        of("asset.part_fitted", part="A2") + of("asset.part_removed", part="A2"),
        [
            ("Association", "ADD", "installing", "in_progress"),
            ("Association", "DELETE", "removing", "in_progress"),
        ],
        {"+repair"}, set(),
    ),
    "#13 card split/merge": (
        of("asset.card_split_off") + of("asset.card_merged_into"),
        [(*ADDED, "commissioning", "active"), (*DELETED, "decommissioning", "inactive")],
        {"+split"}, set(),
    ),
    "#9 relabel: old tag void": (
        of("asset.label_voided") + of("asset.label_bound") + of("asset.tag_bound"),
        [(*OBSERVED, "killing", ""), (*OBSERVED, "+labelling", ""), (*OBSERVED, "+labelling", "")],
        {"+relabel"}, set(),
    ),
    "#51 annual count 清查盘点": (
        counted(), [(*OBSERVED, "stock_taking", "")], {"+stocktake"}, set(),
    ),
    "#51 spot check 抽盘": (
        counted(spot=True), [(*OBSERVED, "cycle_counting", "")], {"+stocktake"}, set(),
    ),
    "#52 misplaced / wrong item": (
        counted("misplaced") + counted("quantity"),
        [
            (*OBSERVED, "stock_taking", "mismatch_instance"),
            (*OBSERVED, "stock_taking", "mismatch_quantity"),
        ],
        {"+stocktake"}, set(),
    ),
    "#52 shortage 盘亏": (
        counted("missing"), [(*OBSERVED, "stock_taking", "unknown")],
        {"+stocktake", "+shortage"}, set(),
    ),
    "surplus 盘盈": (
        surplus(), [(*ADDED, "commissioning", "active")], {"+surplus"}, set(),
    ),
    "theft": (
        epcis.stolen("S1", 9, THINGS, "示公1", AT, RECORDED, HOST),
        [(*OBSERVED, "other", "stolen")], {"+police_report"}, set(),
    ),
    "#35 assessment for scrap": (
        epcis_groups.judged_worn_out(ACT, THINGS, "鉴-1"),
        [(*OBSERVED, "inspecting", "needs_replacement")], {"testres"}, set(),
    ),
    "#41 handed to recycler": (
        of("asset.left_for_good", {"taker": "回收企业"}, form="scrap"),
        [(*OBSERVED, "collecting", "disposed")], {"+disposal"}, PASSES,
    ),
    "#39/#40 sale, donation, free transfer executed": (
        of("asset.left_for_good", GIVEN, form="sale")
        + of("asset.left_for_good", GIVEN, form="donation")
        + of("asset.left_for_good", GIVEN, form="assignment"),
        [(*OBSERVED, "shipping", "in_transit")] * 3, {"+disposal", "inv"}, OWNED,
    ),
    "#41 destroyed (certificate)": (
        [epcis_groups.destroyed(ACT, THINGS[0], "销-1")],
        [(*DELETED, "destroying", "destroyed")], {"cert"}, set(),
    ),
    "#42/#43 written off, object may exist": (
        of("asset.left_for_good", {}, form="write_off") + of("asset.derecognised"),
        [(*DELETED, "decommissioning", "inactive")] * 2, {"+disposal"}, set(),
    ),
    "#59 patrol inspection": (
        of("asset.premises_inspected") + of("asset.damage_found"),
        [(*OBSERVED, "inspecting", "conformant"), (*OBSERVED, "inspecting", "damaged")],
        {"+patrol"}, set(),
    ),
    "#56 reorganisation": (
        of("asset.handed_over_in_reorganisation"),
        [(*OBSERVED, "receiving", "in_progress")], {"recadv"}, PASSES | OWNED,
    ),
    "correction 更正": (
        corrected(), [(*ADDED, "commissioning", "active")] * 2, {"po", "inv", "testres"}, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_every_row_is_told_as_the_mapping_says(valid: Callable[[Any], None], row: str) -> None:
    events, expected, types, passing = TABLE[row]
    valid(epcis.document(events, HOST, "2026-11-21T10:00:00.000Z"))
    assert said(events) == expected
    assert papers(events) == types
    assert parties(events) == passing
    for event in events:
        assert event["eventTime"].endswith(event["eventTimeZoneOffset"])
        assert event_hash(event).startswith("ni:///sha-256;")
        assert faults_of(event, "") == [], "we would take in what we tell"
        if event["action"] == "DELETE" and event["type"] == "ObjectEvent":
            assert "bizLocation" not in event


def test_no_row_of_the_mapping_is_left_out() -> None:
    """The rows are those of the specification, word for word."""
    root = Path(os.environ.get("GONGWU_SHARED") or Path(__file__).parents[2] / "shared")
    page = root / "LABELS.md"
    if not page.is_file():
        pytest.skip("absent: shared/LABELS.md")
    lines = page.read_text(encoding="utf-8").split("\n## 5.")[1].split("\n## 6.")[0].splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")][2:]
    assert list(TABLE) == rows


def test_a_package_has_the_identity_on_it() -> None:
    assert CRATE == "https://id.gs1.org/00/106141412345678908"
    link = epcis_groups.package_identity("K1", "", "04012345123456A/1", BASE)
    assert link == "https://id.gs1.org/8003/04012345123456A%2F1"
    assert epcis_groups.package_identity("K1", "", "", BASE) == f"{BASE}/pkg/K1"
    assert {event["parentID"] for event in GROUPED + UNGROUPED} == {CRATE}
    assert GROUPED[0]["childEPCs"] == list(THINGS)
    assert GROUPED[0]["eventID"] == epcis_groups.grouped(ACT, CRATE, THINGS, "p_1")[0]["eventID"]


def test_a_package_is_told_from_its_beginning_to_its_end(valid: Callable[[Any], None]) -> None:
    events = [
        epcis_groups.package_begun(ACT, CRATE, "p_1"),
        epcis_groups.package_moved(ACT, CRATE, "p_2"),
        epcis_groups.package_received(ACT, CRATE, "p_3", "o_a", "o_b"),
        epcis_groups.package_ended(ACT, CRATE),
    ]
    valid(epcis.document(events, HOST, "2026-11-21T10:00:00.000Z"))
    assert [step for _, _, step, _ in said(events)] == [
        "commissioning", "storing", "receiving", "decommissioning",
    ]  # fmt: skip


def test_a_part_has_both_identities() -> None:
    one = told("asset.part_fitted", part="A2")
    plain = epcis.events(one, HOST)[0]
    assert (plain["parentID"], plain["childEPCs"]) == (THINGS[0], [THINGS[1]])
    giai = "https://id.gs1.org/8004/697123456100000000001"
    named = epcis.events(replace(one, called={"A2": giai}), HOST)[0]
    assert named["childEPCs"] == [giai]


def test_a_correction_says_what_was_wrong_and_what_is_right() -> None:
    wrong, right = corrected()
    assert wrong["eventID"] == card()[0]["eventID"] != right["eventID"]
    assert wrong["errorDeclaration"] == {
        "declarationTime": RECORDED, "reason": "incorrect_data",
        "correctiveEventIDs": [right["eventID"]],
    }  # fmt: skip
    assert right["ilmd"]["zc:model"] == "A"
    assert "errorDeclaration" not in right
    back = replace(told("asset.card_corrected"), seq=9, reversed_at="2026-11-22T10:00:00.000Z")
    (gone,) = epcis.amended(card()[0], back, HOST)
    assert gone["eventID"] == right["eventID"]
    assert gone["errorDeclaration"]["reason"] == "did_not_occur"


def test_labels_say_their_issue_and_the_chip_below() -> None:
    one = told("asset.label_bound", label="L-2")
    after = Asset(asset_no="ZC-1", label="L-2", label_issue=2, tag_tid="E2801190")
    (event,) = epcis.events(replace(one, after=after), HOST)
    assert (event["zc:labelIssue"], event["zc:tid"]) == ("2", "E2801190")


def test_what_nobody_bought_or_judged_is_not_told() -> None:
    assert len(of("asset.registered")) == 1, "no title passes for what was there before"
    assert len(of("asset.returned_by_user", condition="")) == 1, "nobody looked at it"
    assert of("asset.derecognised", {"deleted": "cmd_1"}) == [], "nothing follows a DELETE"
    assert "po" not in papers(of("asset.received", {}, acquisition=None))
