"""Stock-taking: a list frozen, counted, reviewed; every difference closed by an outcome."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from doors import Door, app_of, registered, staffed
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from api.app import create_app
from api.office import Actor, Office
from domain.words import Role

CLERK = Actor(person="u_clerk", unit="o_a", role=Role.CLERK)
AT = "2026-11-02T08:00:00.000Z"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for place, name in (("p_1", "一号库房"), ("p_2", "二号库房"), ("p_9", "走廊")):
            form = {"name": name, "kind": "room", "unit": "o_a"}
            office.ask(f"place/{place}", "open_place", form, admin)
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


class Device:
    """A phone that writes down scans the way the scan page does."""

    def __init__(self, door: Door, stocktake: str, name: str = "d1", who: str = "keeper") -> None:
        self.door, self.stocktake, self.name, self.who = door, stocktake, name, who
        self.queue: list[dict[str, Any]] = []

    def scan(self, code: str, place: str = "p_1", **more: Any) -> dict[str, Any]:
        """Write one scan down, offline."""
        scan = {
            "n": len(self.queue) + 1,
            "prev": self.queue[-1]["hash"] if self.queue else "",
            "at": AT,
            "offset": 0,
            "place": place,
            "code": code,
            "source": "camera",
            "undo": None,
            "photo": None,
            "note": "",
        } | more
        scan["hash"] = hashed(scan)
        self.queue.append(scan)
        return scan

    def send(self, *scans: dict[str, Any]) -> dict[str, Any]:
        """Send some of what was written down, or all of it."""
        body = {"device": self.name, "sent_at": AT, "scans": list(scans or self.queue)}
        answer = self.door.post(f"stocktakes/{self.stocktake}/scans", body, who=self.who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def done(self) -> dict[str, Any]:
        """Say how many there are."""
        path = f"stocktakes/{self.stocktake}/devices/{self.name}/done"
        answer = self.door.post(path, {"last": len(self.queue)}, who=self.who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def hashed(scan: dict[str, Any]) -> str:
    rest = {name: value for name, value in scan.items() if name != "hash"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def opened(door: Door, id_: str = "S1", **form: Any) -> str:
    """Plan a stocktake and begin its count."""
    plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"}
    answer = door.post(f"stocktake/{id_}/plan_stocktake", plan | form)
    assert answer.status_code == 200, answer.text
    answer = door.post(f"stocktake/{id_}/begin_count")
    assert answer.status_code == 200, answer.text
    return id_


def four(door: Door) -> None:
    for number in range(1, 5):
        place = "p_1" if number < 4 else "p_2"
        registered(door, f"A{number}", asset_no=f"SL-00{number}", place=place)


def test_a_device_reads_the_frozen_list_and_sends_what_it_saw(door: Door) -> None:
    four(door)
    opened(door)
    scope = door.get("stocktakes/S1/scope", who="keeper").json()
    assert [item["asset"] for item in scope["items"]] == ["A1", "A2", "A3", "A4"]
    assert {place["name"] for place in scope["places"]} == {"一号库房", "二号库房"}
    device = Device(door, "S1")
    device.scan("SL-001")
    device.scan("https://old.example/obj/A2?r=1")
    device.scan("sl-004")
    device.scan("SL-001")
    device.scan("E28011700000020F9C1A4B2C", "p_9")
    answer = device.send()
    results = [one["result"] for one in answer["results"]]
    assert results == ["right", "right", "misplaced", "already", "unknown"]
    assert answer["results"][2]["expected_place"] == "p_2"
    assert (answer["received"], answer["missing"]) == (5, [])
    assert device.send() == answer, "sending again is answered the same"
    assert device.done()["owes"] is False


def shelf(door: Door) -> Device:
    """Count so that every way of differing occurs once: A1 right, the rest of them not."""
    four(door)
    registered(door, "A5", asset_no="SL-005", place="p_2")
    registered(door, "A6", asset_no="SL-006", place="p_2")
    registered(door, "B1", asset_no="SL-100", place="p_1", unit="o_b")
    opened(door)
    device = Device(door, "S1")
    device.scan("SL-001")
    device.scan("SL-001")  # again: nothing
    device.scan("SL-002", "p_2")  # misplaced
    device.scan("SL-004", "p_2")
    device.scan("SL-004", "p_1")  # in two places
    device.scan("SL-005", "p_2")  # moved meanwhile
    device.scan("SL-100", "p_1")  # of another unit: known, not on the list
    device.scan("NOBODY-KNOWS", "p_9", photo="ab" * 32, note="在窗台上")
    device.scan("SL-006", "p_9")
    device.scan("", "p_9", undo=9)
    device.scan("SL-006", "p_2")
    moved = door.post("asset/A5/relocate", {"place": "p_9", "reason": "搬走"})
    assert moved.status_code == 200, moved.text
    return device


def refusal(door: Door, verb: str, who: str, **form: Any) -> str:
    """Return the slug of the rule that refuses."""
    answer = door.post(f"stocktake/S1/{verb}", form, who=who)
    assert answer.status_code == 409, answer.text
    return str(answer.json()["slug"])


def did(door: Door, verb: str, who: str, **form: Any) -> dict[str, Any]:
    answer = door.post(f"stocktake/S1/{verb}", form, who=who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def found(office: Office) -> dict[str, list[str]]:
    """Return which differences there are, by kind."""
    state = office.book.stream("stocktake/S1").state
    told: dict[str, list[str]] = {}
    for one in office.counting.differences(state):
        told.setdefault(one.finding.value, []).append(one.asset or one.code)
    return told


@pytest.mark.target("T61")
@pytest.mark.target("T70")
def test_what_was_found_is_told_in_six_ways_with_exact_counts(office: Office, door: Door) -> None:
    device = shelf(door)
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    state = office.book.stream("stocktake/S1").state
    assert found(office) == {
        "misplaced": ["A2"],
        "missing": ["A3"],
        "duplicate": ["A4"],
        "moved": ["A5"],
        "unexpected": ["B1"],
        "unknown": ["NOBODY-KNOWS"],
    }
    assert (state.right, state.found) == (2, 6)
    both = next(o for o in office.counting.differences(state) if o.asset == "A4")
    assert [seen.place for seen in both.seen] == ["p_2", "p_1"], "neither sighting wins"
    moved = next(o for o in office.counting.differences(state) if o.asset == "A5")
    assert (moved.place, moved.now, moved.seen[0].place) == ("p_2", "p_9", "p_2")


def test_the_results_go_out_thing_by_thing_in_the_columns_of_cards(
    office: Office, door: Door
) -> None:
    device = shelf(door)
    device.send()
    device.done()
    assert door.get("cards/stocktakes/S1").status_code == 404, "the count goes on"
    did(door, "end_count", "clerk")
    content = door.get("cards/stocktakes/S1").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    told = {row["卡片标识"] or row["资产编号"]: row["盘点结果"] for row in rows}
    assert len(rows) == 8 and sorted(told.values()).count("相符") == 2
    assert told["A2"] == "位置不符" and told["A3"] == "未盘到" and told["B1"] == "清单外资产"
    assert told["NOBODY-KNOWS"] == "未知标签"
    (moved,) = (row for row in rows if row["卡片标识"] == "A2")
    assert moved["清单所列地点"] and moved["实际所在"] and moved["资产名称"]


@pytest.mark.target("T62")
def test_an_unknown_tag_keeps_picture_and_place_and_becomes_an_asset(
    office: Office, door: Door
) -> None:
    device = shelf(door)
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    state = office.book.stream("stocktake/S1").state
    one = next(o for o in office.counting.differences(state) if o.code)
    assert (one.seen[0].place, one.seen[0].photo, one.seen[0].note) == (
        "p_9",
        "ab" * 32,
        "在窗台上",
    )
    did(door, "review", "head")
    surplus = {"difference": one.key, "asset": "N1", "name": "旧投影仪", "kind": "office"}
    did(door, "record_surplus", "clerk", **surplus)
    assert office.book.stream("asset/N1").state.place == "p_9"
    ends = {"differences": [one.key], "outcome": "surplus_booked", "cause": "never_booked"}
    ends["reference"] = "盈1"
    assert refusal(door, "close_differences", "head", **ends) == "surplus-not-booked"
    accepted = door.post("asset/N1/pass_acceptance", {"inspector": "u_head"}, who="keeper")
    assert accepted.status_code == 200, accepted.text
    card = door.post("asset/N1/register", {"asset_no": "SL-900"})
    assert card.status_code == 200, card.text
    did(door, "close_differences", "head", **ends)


@pytest.mark.target("T65")
@pytest.mark.target("T68")
def test_scans_arrive_exactly_once_and_no_device_is_forgotten(office: Office, door: Door) -> None:
    device = shelf(door)
    assert device.send(*device.queue[5:])["missing"] == [[1, 5]]
    assert refusal(door, "end_count", "clerk") == "devices-owe-scans"
    said = door.post("stocktake/S1/end_count").json()["detail"]
    assert "d1" in said, "the device is named"
    assert device.done()["owes"] is True
    size = office.book.head()[0]
    first = device.send()
    assert [device.send(), device.send()] == [first, first]
    assert office.book.head()[0] == size, "scans are not entries"
    other = dict(device.queue[0], code="SL-003")
    other["hash"] = hashed(other)
    assert device.send(other)["results"][0]["result"] == "conflict"
    broken = dict(device.queue[0], note="altered on the way")
    assert device.send(broken)["results"][0]["result"] == "damaged"
    assert len(office.scanned.contradictions("S1")) == 1
    assert len(office.scanned.all("S1")) == len(device.queue)
    assert device.done()["owes"] is False
    did(door, "end_count", "clerk")


@pytest.mark.target("T71")
@pytest.mark.target("T72")
@pytest.mark.target("T77")
def test_a_difference_ends_by_an_outcome_and_the_report_stays_as_it_was(
    office: Office, door: Door
) -> None:
    office.accounts.create(
        "both", "a long enough password", "u_both", "双岗", "o_a", ["keeper", "head"]
    )
    device = shelf(door)
    device.who = "both"
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    path = "stocktake/S1/review"
    counted = door.post(path, {}, who="both", Gongwu_Role="head")
    assert counted.json()["slug"] == "reviewer-counted"
    did(door, "review", "head", note="没有结果的说明")
    assert refusal(door, "close_stocktake", "head", report_no="盘1") == "differences-open"
    state = office.book.stream("stocktake/S1").state
    keys = {one.asset or one.code: one.key for one in office.counting.differences(state)}
    lost = {"differences": [keys["A3"]], "outcome": "loss_approved", "cause": "lost"}
    assert refusal(door, "close_differences", "head", **lost) == "outcome-without-paper"
    wrong = lost | {"outcome": "surplus_booked", "reference": "核1"}
    assert refusal(door, "close_differences", "head", **wrong) == "outcome-does-not-fit"
    did(door, "close_differences", "head", **lost, reference="核1")
    moved = {"differences": [keys["A2"]], "outcome": "relocated", "cause": "moved_unrecorded"}
    did(door, "close_differences", "head", **moved)
    assert office.book.stream("asset/A2").state.place == "p_2", "the books follow in one act"
    rest = [key for name, key in keys.items() if name in ("A4", "A5", "B1")]
    did(door, "close_differences", "head", differences=rest, outcome="found", cause="not_scanned")
    ours = {"differences": [keys["NOBODY-KNOWS"]], "outcome": "not_ours", "cause": "borrowed"}
    did(door, "close_differences", "head", **ours)
    did(door, "close_stocktake", "head", report_no="盘1")
    report = office.book.stream("stocktake/S1").state.report
    kept = office.book.log.evidence(report)
    assert kept is not None
    assert kept[1].startswith(b"%PDF-")
    assert hashlib.sha256(kept[1]).hexdigest() == report
    door.post("asset/A1/relocate", {"place": "p_9"})
    assert office.book.log.evidence(report) == kept
    assert refusal(door, "end_count", "clerk") == "not-being-counted"


@pytest.mark.target("T60")
def test_later_moves_leave_the_list_as_it_was_and_a_seed_draws_the_same_sample(
    office: Office, door: Door
) -> None:
    four(door)
    opened(door)
    before = door.get("stocktakes/S1/scope", who="keeper").json()
    door.post("asset/A1/relocate", {"place": "p_9"})
    after = door.get("stocktakes/S1/scope", who="keeper").json()
    assert before == after
    opened(door, "S2", method="spot", sample=2, seed="2026-秋")
    opened(door, "S3", method="spot", sample=2, seed="2026-秋")
    states = [office.book.stream(f"stocktake/{id_}").state for id_ in ("S2", "S3")]
    drawn = [[item.id for item in office.counting.frozen(state).items] for state in states]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2


CODES = ("SL-001", "SL-002", "SL-003", "SL-004", "SL-100", "X-1", "X-2")


@pytest.mark.target("T64")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_sent_in_any_order_and_again_counts_as_if_sent_once(
    new_database: Callable[[], str], data: st.DataObject
) -> None:
    """Two devices, batches cut anywhere, lost answers, repeats: the clean run comes to the same."""
    scans = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from("de"), st.sampled_from(CODES), st.sampled_from(("p_1", "p_2"))
            ),
            max_size=12,
        )
    )
    came: list[Any] = []
    for shaken in (False, True):
        with staffed(new_database()) as office:
            door = Door(app_of(office))
            four(door)
            registered(door, "B1", asset_no="SL-100", place="p_1", unit="o_b")
            opened(door)
            devices = {name: Device(door, "S1", name) for name in "de"}
            for device, code, place in scans:
                devices[device].scan(code, place)
            parcels = [(device, scan) for device in devices.values() for scan in device.queue]
            if shaken:
                parcels = data.draw(st.permutations(parcels)) + parcels[::2]
            for device, scan in parcels:
                device.send(scan)
            for device in devices.values():
                assert device.done()["owes"] is False
            result = office.counting.result(
                "S1",
                office.book.stream("stocktake/S1").state,
                office.scanned.all("S1"),
                office.models.rows,
            )
            came.append(result)
    assert came[0] == came[1]


@pytest.mark.target("T64")
def test_a_clock_that_is_wrong_does_not_change_the_order(office: Office, door: Door) -> None:
    four(door)
    opened(door)
    fast, right = Device(door, "S1", "fast"), Device(door, "S1", "right")
    fast.scan("SL-001", "p_2", at="2026-11-02T10:00:00.000Z", offset=-7_200_000)
    right.scan("SL-001", "p_1", at="2026-11-02T08:00:01.000Z")
    for device in (right, fast):
        device.send()
    state = office.book.stream("stocktake/S1").state
    kept = office.scanned.all("S1")
    one = office.counting.result("S1", state, kept, office.models.rows).differences[0]
    assert [seen.device for seen in one.seen] == ["fast", "right"]


def test_what_comes_when_the_count_is_over_is_kept_and_not_counted(
    office: Office, door: Door
) -> None:
    device = shelf(door)
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    late = device.scan("SL-003", "p_1")
    answer = device.send(late)
    assert answer["late"] is True
    assert office.scanned.late("S1") == 1
    assert found(office)["missing"] == ["A3"]
    stranger = {"device": "other", "scans": [late]}
    assert door.post("stocktakes/S1/scans", stranger, who="keeper").status_code == 409


def test_a_recount_finds_what_was_overlooked(office: Office, door: Door) -> None:
    device = shelf(door)
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    did(door, "order_recount", "head", reason="三号柜未打开")
    assert refusal(door, "end_count", "clerk") == "devices-owe-scans"
    device.scan("SL-003", "p_1")
    device.scan("SL-002", "p_1")
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    assert {"missing", "misplaced"}.isdisjoint(found(office))


def test_a_lost_device_is_written_off_with_a_reason(office: Office, door: Door) -> None:
    device = shelf(door)
    device.send(device.queue[0])
    assert refusal(door, "end_count", "clerk") == "devices-owe-scans"
    assert refusal(door, "write_off_device", "clerk", device="x", reason="丢失") == "no-such-device"
    did(door, "write_off_device", "clerk", device="d1", reason="手机掉进水里")
    did(door, "end_count", "clerk")


def test_what_is_no_label_of_ours_is_told_kept_and_costs_nothing_else(
    office: Office, door: Door
) -> None:
    """Foreign, half, two at once, garbled by an input method, a factory content: then one of ours."""
    four(door)
    opened(door)
    device, ours = Device(door, "S1"), office.book.head()
    strange = (
        "https://weixin.qq.com/r/abcdef",
        "https://id.exam",
        "https://id.example/obj/",
        "https://id.example/8004/69712",
        "https://h.cn/obj/A1?r=1https://h.cn/obj/A2?r=1",
        "https:、、id。example、ob",
        "E2801160600002084D6D1234",
        "\u200b\ufffd\u202e",
        "']--;<script>",
        "x" * 1000,
    )
    told = device.send(*(device.scan(code) for code in strange))["results"]
    assert {one["result"] for one in told} <= {"unknown", "foreign"}
    for one in told:
        assert one["asset"] == "" and one["sentence"]["zh"] and one["sentence"]["en"], one
    kept = {json.loads(one.body)["code"] for one in office.scanned.all("S1")}
    assert kept >= set(strange)
    right = device.send(device.scan("https：、、id。example、obj、A1"))["results"][0]
    assert right["asset"] == "A1"
    assert office.book.head()[0] - ours[0] <= 1  # that the device joined, and nothing else


def test_a_blind_count_hides_the_list(door: Door) -> None:
    four(door)
    opened(door, blind=True)
    assert door.get("stocktakes/S1/scope", who="keeper").json()["items"] == []
    device = Device(door, "S1")
    device.scan("SL-004", "p_1")
    told = device.send()["results"][0]
    assert told["expected_place"] == ""
    assert "二号库房" not in told["sentence"]["zh"]


def picture(width: int = 8) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (width, 8)).save(kept, "PNG")
    return kept.getvalue()


def put(door: Door, content: bytes, name: str = "") -> Any:
    name = name or hashlib.sha256(content).hexdigest()
    return door.http.put(
        f"/api/v1/stocktakes/S1/photos/{name}",
        content=content,
        auth=("keeper", "a long enough password"),
    )


def bomb() -> bytes:
    """Return a small PNG that says it is 60,000 pixels wide and as high."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1_000))), (b"IEND", b"")]
    written = b"\x89PNG\r\n\x1a\n"
    for kind, body in parts:
        written += struct.pack(">I", len(body)) + kind + body
        written += struct.pack(">I", zlib.crc32(kind + body))
    return written


def test_a_picture_is_kept_once_under_its_hash_and_anything_else_refused(door: Door) -> None:
    four(door)
    opened(door)
    content = picture()
    assert [put(door, content).status_code for _ in range(2)] == [200, 200]
    name = hashlib.sha256(content).hexdigest()
    assert door.get(f"stocktakes/S1/photos/{name}").content == content
    for bad in (b"", b"GIF89a", content[:40], bomb(), b"<svg/>"):
        assert put(door, bad).json()["slug"] == "not-a-picture"
    assert put(door, content, "0" * 64).json()["slug"] == "other-picture"


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "yesterday"},
        {"at": "2026-11-02T08:00:00"},
        {"n": 0},
        {"undo": 5},
        {"source": "dream"},
        {"hash": "x"},
        {"code": "a\0b"},
        {"more": 1},
        {"offset": 1e400},
    ],
)
def test_a_scan_that_is_none_is_refused_and_nothing_kept(
    office: Office, door: Door, wrong: dict[str, Any]
) -> None:
    four(door)
    opened(door)
    device = Device(door, "S1")
    good, bad = device.scan("SL-001"), device.scan("SL-002") | wrong
    text = json.dumps({"device": "d1", "scans": [good, bad]}).replace("Infinity", "1e400")
    answer = door.http.post(
        "/api/v1/stocktakes/S1/scans",
        content=text,
        headers={"Content-Type": "application/json"},
        auth=("keeper", "a long enough password"),
    )
    assert answer.status_code == 422, answer.text
    assert office.scanned.all("S1") == []


def test_a_label_that_was_voided_still_means_its_thing_and_says_so(door: Door) -> None:
    four(door)
    assert door.post("asset/A1/bind_label", {"label": "L-1"}, who="keeper").status_code == 200
    new = {"label": "L-2", "reason": "磨损"}
    assert door.post("asset/A1/replace_label", new, who="keeper").status_code == 200
    opened(door)
    device = Device(door, "S1")
    device.scan("L-1")
    device.scan("https://a.example/obj/A2 https://a.example/obj/A3")
    told, several = device.send()["results"]
    assert (told["result"], told["asset"]) == ("right", "A1")
    assert "已作废" in told["sentence"]["zh"]
    assert "voided" in told["sentence"]["en"]
    assert several["result"] == "unknown"


@pytest.mark.target("T86")
def test_what_is_void_comes_with_the_list_for_whoever_has_no_network(
    office: Office, door: Door
) -> None:
    """Old issues, old labels, old tags of the unit; nothing of what is in force, in a blind count too."""
    four(door)
    for more in ({}, {"reason": "磨损"}, {"reason": "再印"}):
        assert door.post("asset/A2/print_label", {"template": "60x40"} | more).status_code == 200
    assert door.post("asset/A3/print_label", {"template": "60x40"}).status_code == 200
    for label in ("L-1", "L-2"):
        verb = "replace_label" if label == "L-2" else "bind_label"
        form = {"label": label} | ({"reason": "磨损"} if verb == "replace_label" else {})
        assert door.post(f"asset/A1/{verb}", form, who="keeper").status_code == 200
    assert door.post("asset/A4/bind_tag", {"epc": TAG}).status_code == 200
    assert door.post("asset/A4/void_tag", {"reason": "脱落"}).status_code == 200
    expected = [[TAG, 0], ["A1", 2], ["A2", 3], ["L-1", 0]]
    for name, blind in (("S1", False), ("S2", True)):
        opened(door, name, blind=blind)
        scope = door.get(f"stocktakes/{name}/scope", who="keeper").json()
        assert scope["void"] == expected
        assert bool(scope["items"]) is not blind
    after = door.get("stocktakes/S1/scope", who="keeper", after="A2").json()
    assert after["void"] == [], "with the first page alone"


TAG = "3034257BF7194E4000001A85"


def test_nothing_to_count_or_nobody_assigned_is_said_before_anything_is_kept(
    office: Office, door: Door
) -> None:
    """Nothing to count, or a place nobody has anything in, is said before anybody walks there."""
    plan = {"unit": "o_a", "title": "空", "due": "2099-12-31", "count_places": ["p_9"]}
    assert door.post("stocktake/S1/plan_stocktake", plan).status_code == 200
    assert refusal(door, "begin_count", "clerk") == "nothing-to-count"
    assert door.get("stocktakes/S1/scope", who="keeper").json()["slug"] == "count-not-begun"
    spot = plan | {"method": "spot"}
    assert door.post("stocktake/S2/plan_stocktake", spot).json()["slug"] == "sample-without-seed"
    four(door)
    team = {"place": "p_1", "people": ["u_other"]}
    opened(door, "S3")
    assert door.post("stocktake/S3/assign_team", team).status_code == 200
    device = Device(door, "S3")
    device.scan("SL-001")
    body = {"device": "d1", "scans": device.queue}
    assert door.post("stocktakes/S3/scans", body, who="keeper").json()["slug"] == "not-in-a-team"
    assert door.post("stocktakes/S3/scans", body, who="auditor").status_code in (403, 409)
    assert office.scanned.all("S3") == []


def at_page(office: Office, who: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


@pytest.mark.target("T63")
def test_a_wrong_place_is_said_at_once_and_put_right_with_one_tap(
    office: Office, door: Door
) -> None:
    """Both places are told where it happened, in the evidence, and in the history of the thing."""
    four(door)
    opened(door)
    device = Device(door, "S1")
    for number in range(1, 5):
        device.scan(f"SL-00{number}", "p_2" if number in (2, 4) else "p_1")
    told = device.send()["results"][1]
    assert (told["result"], told["expected_place"]) == ("misplaced", "p_1")
    assert "账面在一号库房" in told["sentence"]["zh"]
    device.done()
    did(door, "end_count", "clerk")
    (difference,) = office.counting.differences(office.book.stream("stocktake/S1").state)
    assert (difference.place, {one.place for one in difference.seen}) == ("p_1", {"p_2"})
    head = at_page(office, "head")
    assert "账面改到实际地点" not in head.get("/cases/stocktake/S1?lang=zh").text, "not reviewed"
    did(door, "review", "head")
    text = head.get("/cases/stocktake/S1?lang=zh").text
    (number,) = re.findall(r'<button[^>]* form="(follows-[0-9]+)">账面改到实际地点', text)
    form = text[text.index(f'id="{number}"') :].partition("</form>")[0]
    said = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    answer = head.post("/cases/stocktake/S1/do/close_differences", data=said)
    assert answer.status_code == 303, answer.text
    assert office.book.stream("asset/A2").state.place == "p_2"
    assert office.book.stream("stocktake/S1").state.open == 0
    history = head.get("/assets/A2?lang=zh").text
    assert "一号库房" in history and "移位至二号库房" in history
    assert "账面改到实际地点" not in head.get("/cases/stocktake/S1?lang=zh").text


def test_the_page_shows_progress_differences_and_closes_those_that_are_ticked(
    office: Office, door: Door
) -> None:
    device = shelf(door)
    device.send()
    page = at_page(office, "head")
    counting = page.get("/cases/stocktake/S1").text
    assert "还有扫描没有传完" in counting
    assert 'id="differences"' not in counting
    device.done()
    did(door, "end_count", "clerk")
    did(door, "review", "head")
    for lang, said in (("zh", ("位置不符", "一物多处")), ("en", ("misplaced", "seen in several"))):
        text = page.get(f"/cases/stocktake/S1?lang={lang}").text
        assert all(words in text for words in said)
    text = page.get("/cases/stocktake/S1?finding=misplaced&lang=zh").text
    assert "misplaced.A2" in text
    assert "missing.A3" not in text
    key = re.findall(r'name="key" value="([^"]+)"', text)[0]
    form = {"key": key, "differences": "misplaced.A2", "outcome": "relocated", "reference": ""}
    form["cause"] = "moved_unrecorded"
    answer = page.post("/cases/stocktake/S1/do/close_differences", data=form)
    assert answer.status_code in (302, 303), answer.text
    assert office.book.stream("asset/A2").state.place == "p_2"
    assert page.get("/stocktakes/S1/report.pdf").status_code == 404
    assert page.get("/stocktakes").headers["location"] == "/cases?kind=stocktake"
