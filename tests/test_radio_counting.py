"""Radio readings in a count: where each tag is, exactly once, and no guess where it is too close."""

from __future__ import annotations

import gzip
import json
import random
import shlex
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doors import PASSWORD, Door, app_of, staffed
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_stocktaking import Device
from typer.testing import CliRunner

from api import cli, reporting
from api.app import create_app
from api.cli_terminal import OK, REFUSED
from api.office import Actor, Office
from domain.decider import Occasion, Refused
from domain.policy import GENERIC
from domain.radio import Heard, Threshold, threshold, whereabouts
from domain.stocktaking import NOTHING_OWED, CountEnded, Stocktake, plan_stocktake
from labels import epc

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
KEEPER = Actor(person="u_keeper", unit="o_a", role="keeper")
HEAD = Actor(person="u_head", unit="o_a", role="head")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
TAGS = [epc.giai("697123456", str(10**11 + n)).hex for n in range(9)]
FOREIGN = "3034257BF7194E4000001A85"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        prepared(office)
        yield office


@pytest.fixture
def local(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        prepared(office)
        yield office


def prepared(office: Office) -> None:
    """Put A0–A3 in room p_1 and A4–A5 in p_2, each with its tag, and begin a count."""
    rooms = [
        (f"place/{place}", "open_place", {"name": name, "kind": "room", "unit": "o_a"})
        for place, name in (("p_1", "一号库房"), ("p_2", "二号库房"))
    ]
    office.ask_many(rooms, ADMIN)
    card = {"name": "会议桌", "kind": "furniture", "unit": "o_a"}
    things: list[tuple[str, str, dict[str, Any]]] = []
    for n in range(6):
        mine = card | {"asset_no": f"ZC-{n}", "place": "p_1" if n < 4 else "p_2"} | worth(n)
        things.append((f"asset/A{n}", "register_existing", mine))
        things.append((f"asset/A{n}", "bind_tag", {"epc": TAGS[n]}))
    office.ask_many(things, CLERK)
    begun(office, "S1")


def worth(n: int) -> dict[str, int]:
    """Return what a thing cost; of A4 and A5 nobody knows."""
    return {"value": (99_999, 100_000, 5_000_000, 1)[n]} if n < 4 else {}


def begun(office: Office, name: str, **form: Any) -> None:
    plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"} | form
    office.ask(f"stocktake/{name}", "plan_stocktake", plan, CLERK)
    office.ask(f"stocktake/{name}", "begin_count", {}, CLERK)


@lru_cache(maxsize=1)
def door_of(office: Office) -> Door:
    return Door(app_of(office))


class Reader:
    """A hand-held radio reader that numbers its batches."""

    def __init__(self, office: Office, name: str = "PDA-1", stocktake: str = "S1") -> None:
        self.door, self.name, self.stocktake = door_of(office), name, stocktake
        self.sent: list[dict[str, Any]] = []

    def batch(self, area: str, *seen: Any, **more: Any) -> dict[str, Any]:
        """Write a batch down; each thing seen is a content, or a content and its strength."""
        observations = []
        for one in seen:
            content, rssi = one if isinstance(one, tuple) else (one, -50)
            observations.append({"carrier": "rfid", "raw": content, "rssi": rssi, "count": 10})
        body = {"device_id": self.name, "batch_seq": len(self.sent) + 1, "area": area}
        self.sent.append(body | {"observations": observations} | more)
        return self.sent[-1]

    def send(self, batch: dict[str, Any], status: int = 200) -> dict[str, Any]:
        answer = self.door.post(
            f"stocktakes/{self.stocktake}/observation-batches", batch, who="keeper"
        )
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def read(self, area: str, *seen: Any, **more: Any) -> dict[str, str]:
        """Read and send; return what was said of each tag."""
        answer = self.send(self.batch(area, *seen, **more))
        return {one["raw"]: one["result"] for one in answer["results"]}

    def done(self, batches: int | None = None) -> dict[str, Any]:
        path = f"stocktakes/{self.stocktake}/devices/{self.name}/done"
        last = len(self.sent) if batches is None else batches
        answer = self.door.post(path, {"batches": last}, who="keeper")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def ended(office: Office, name: str = "S1") -> dict[str, list[str]]:
    """End the count; return its differences by kind."""
    office.ask(f"stocktake/{name}", "end_count", {}, CLERK)
    told: dict[str, list[str]] = {}
    for one in office.counting.differences(office.book.stream(f"stocktake/{name}").state):
        told.setdefault(one.finding.value, []).append(one.asset or one.code)
    return told


# In a count ---------------------------------------------------------------------------


@pytest.mark.target("T73")
def test_what_radio_hears_counts_and_each_tag_is_answered(office: Office) -> None:
    reader = Reader(office)
    said = reader.read("p_1", TAGS[0], TAGS[1], TAGS[4], FOREIGN, TAGS[8])
    assert said == {
        TAGS[0]: "right",
        TAGS[1]: "right",
        TAGS[4]: "misplaced",
        FOREIGN: "foreign",
        TAGS[8]: "foreign",
    }
    assert reader.read("p_2", TAGS[5]) == {TAGS[5]: "right"}
    reader.done()
    assert ended(office) == {
        "missing": ["A2", "A3"],
        "misplaced": ["A4"],
        "unknown": [FOREIGN, TAGS[8]],
    }
    state = office.book.stream("stocktake/S1").state
    assert (state.right, state.readings) == (3, office.readings.digest("S1")[0])


@pytest.mark.target("T65")
def test_repeats_reordering_and_duplicates_come_to_the_same(office: Office) -> None:
    seeded = random.Random(5)
    reader = Reader(office)
    for _ in range(8):
        area = seeded.choice(("p_1", "p_2"))
        seen = [(seeded.choice([*TAGS, FOREIGN]), -seeded.randrange(40, 80)) for _ in range(6)]
        reader.batch(area, *seen)
    for name, batches in (("S1", reader.sent), ("S2", [*reader.sent, *reader.sent[::2]])):
        other = Reader(office, f"PDA-{name}", name)
        if name == "S2":
            begun(office, name)
            seeded.shuffle(batches)
        for body in batches:
            other.send(body | {"device_id": other.name})
        other.done(len(reader.sent))
    assert ended(office, "S1") == ended(office, "S2")
    first, second = (office.book.stream(f"stocktake/{name}").state for name in ("S1", "S2"))
    assert (first.right, first.found) == (second.right, second.found)
    assert office.readings.digest("S1")[1:] == office.readings.digest("S2")[1:] == (8, 480)


@pytest.mark.target("T68")
def test_a_count_does_not_end_while_a_reader_owes_batches_and_it_is_named(office: Office) -> None:
    reader = Reader(office)
    first, lost, third = (reader.batch("p_1", TAGS[n]) for n in range(3))
    reader.send(first)
    answer = reader.send(third)
    assert (answer["complete_to"], answer["gaps"]) == (1, [[2, 2]])

    def owing() -> str:
        with pytest.raises(Refused) as refused:
            office.ask("stocktake/S1", "end_count", {}, CLERK)
        assert refused.value.rule is NOTHING_OWED
        return refused.value.sentence("zh")

    assert "PDA-1" in owing(), "it has not said how many there are"
    said = reader.done()
    assert (said["owes"], said["gaps"]) == (True, [[2, 2]])
    assert "PDA-1" in owing()
    reader.send(lost)
    assert reader.done()["owes"] is False
    assert ended(office) == {"missing": ["A3", "A4", "A5"]}


def test_a_lost_reader_is_waited_for_no_more_when_somebody_says_why(local: Office) -> None:
    reader = Reader(local)
    reader.read("p_1", TAGS[0])
    form = {"device": "PDA-1", "reason": "掉进水里"}
    local.ask("stocktake/S1", "write_off_device", form, CLERK)
    assert "A0" not in ended(local)["missing"]


def test_what_comes_late_is_kept_as_late_evidence(office: Office) -> None:
    reader = Reader(office)
    reader.read("p_1", TAGS[0])
    reader.done()
    assert "A1" in ended(office)["missing"]
    digest = office.readings.digest("S1")
    for late in (reader, Reader(office, "PDA-9")):
        answer = late.send(late.batch("p_1", TAGS[1]))
        assert (answer["status"], answer["results"][0]["result"]) == ("late", "right")
    assert office.readings.digest("S1") == digest
    assert [row["device"] for row in office.readings.late("S1")] == ["PDA-1", "PDA-9"]
    assert office.book.stream("stocktake/S1").state.devices == (("PDA-1", "u_keeper"),)


def test_the_entry_that_ends_a_count_names_the_readings_and_the_evidence_holds_them(
    local: Office,
) -> None:
    reader = Reader(local)
    reader.read("p_1", (TAGS[0], -61), (TAGS[0], -55))
    reader.done()
    ended(local)
    entry = local.book.stream("stocktake/S1").entries[-1].event
    assert isinstance(entry, CountEnded)
    assert (entry.reads, entry.readings_sha256) == (20, local.readings.digest("S1")[0])
    kept = local.book.log.evidence(entry.scans_sha256)
    assert kept is not None
    readings = json.loads(gzip.decompress(kept[1]))["readings"]
    assert (readings["digest"], readings["batches"]) == (entry.readings_sha256, 1)
    (sum_,) = readings["sums"]
    assert (sum_["key"], sum_["reads"], sum_["rssi"]) == (TAGS[0], 20, -55)


def test_the_page_shows_what_was_heard_before_and_after_the_count_ends(local: Office) -> None:
    client = TestClient(create_app(local.settings, local), follow_redirects=False)
    account = next(a for a in local.accounts.all() if a.login == "clerk")
    client.cookies.set("session", local.accounts.sign_in(account))
    reader = Reader(local)
    reader.read("p_1", TAGS[0], FOREIGN)
    page = client.get("/cases/stocktake/S1").text
    assert "PDA-1" in page and "没有传完" in page
    reader.done()
    ended(local)
    answer = client.get("/cases/stocktake/S1")  # nobody has reviewed it, so nothing can be closed
    assert answer.status_code == 200, answer.text
    assert FOREIGN in answer.text and "RFID ×10 -50 dBm" in answer.text


def test_batches_before_the_count_or_of_a_round_to_come_are_refused(local: Office) -> None:
    plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"}
    local.ask("stocktake/S2", "plan_stocktake", plan, CLERK)
    early = Reader(local, "PDA-2", "S2")
    assert early.send(early.batch("p_1", TAGS[0]), 409)["slug"] == "not-being-counted"
    assert local.readings.content("PDA-2", 1) is None
    reader = Reader(local)
    assert reader.send(reader.batch("p_1", TAGS[0], round=2), 422)["slug"] == "no-such-round"
    reader = Reader(local, "PDA-3", "nowhere")
    reader.send(reader.batch("p_1", TAGS[0]), 404)
    reader = Reader(local)
    assert reader.send(reader.batch("p_1", TAGS[0]) | {"session": "S2"}, 422)["slug"] == "other-session"  # fmt: skip


# Strays -------------------------------------------------------------------------------


@pytest.mark.target("T70")
def test_what_is_heard_as_well_next_door_asks_for_its_qr_code_and_counts_nowhere(
    office: Office,
) -> None:
    reader = Reader(office)
    assert reader.read("p_1", (TAGS[0], -55), (TAGS[1], -45)) == {TAGS[0]: "right", TAGS[1]: "right"}  # fmt: skip
    answer = reader.send(reader.batch("p_2", (TAGS[0], -54), (TAGS[1], -70)))
    close, far = answer["results"]
    assert (close["result"], close["areas"]) == ("ambiguous", ["p_2", "p_1"])
    assert "二维码" in close["sentence"] and "一号库房" in close["sentence"]
    assert (far["result"], far["areas"]) == ("right", ["p_1"]), "heard through the wall"
    reader.done()
    told = ended(office)
    assert told["duplicate"] == ["A0"]
    assert "A1" not in told["missing"]


def test_a_qr_scan_decides_where_radio_could_not(local: Office) -> None:
    reader = Reader(local)
    reader.read("p_1", (TAGS[0], -55))
    reader.read("p_2", (TAGS[0], -55))
    qr = {"carrier": "qr", "raw": "https://id.example/obj/A0"}
    answer = reader.send(reader.batch("p_1") | {"observations": [qr]})
    assert answer["results"][0]["result"] == "right"
    reader.done()
    told = ended(local)
    assert "duplicate" not in told and "A0" not in told["missing"]


def test_a_thing_whose_qr_code_was_scanned_is_said_to_be_counted(local: Office) -> None:
    scan = {"n": 1, "at": "2026-11-02T08:00:00.000Z", "code": "ZC-0", "place": "p_1"}
    text = json.dumps(scan, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    body = {"device": "phone", "scans": [scan | {"hash": sha256(text.encode()).hexdigest()}]}
    reader = Reader(local)
    assert reader.door.post("stocktakes/S1/scans", body, who="clerk").status_code == 200
    answer = reader.send(reader.batch("p_2", TAGS[0]))
    assert answer["results"][0]["result"] == "already"
    assert "示例clerk" in answer["results"][0]["sentence"]
    reader.done()
    assert reader.door.post("stocktakes/S1/devices/phone/done", {"last": 1}, who="clerk").json()["owes"] is False  # fmt: skip
    told = ended(local)
    assert "A0" not in told["missing"] and "duplicate" not in told, "the label decides"


def test_one_content_on_two_chips_counts_for_nothing(local: Office) -> None:
    reader = Reader(local)
    for chip in ("E2801190A001", "E2801190A002"):
        batch = reader.batch("p_1", TAGS[0])
        batch["observations"][0]["tid"] = chip
        answer = reader.send(batch)
    assert answer["results"][0]["result"] == "conflict"
    reader.done()
    told = ended(local)
    assert "A0" in told["missing"] and told["unknown"] == [TAGS[0]]


def test_what_a_walk_with_known_tags_says_is_faint_is_not_counted(local: Office) -> None:
    local.readings.calibrate("PDA-1", "p_1", Threshold(-60), "walk", "u_keeper")
    reader = Reader(local)
    assert reader.read("p_1", (TAGS[0], -59), (TAGS[1], -61)) == {TAGS[0]: "right", TAGS[1]: "weak"}  # fmt: skip
    reader.done()
    assert "A1" in ended(local)["missing"]


def test_a_walk_with_known_tags_sets_what_a_reader_must_hear(
    local: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", local.settings.database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    known = tmp_path / "inside.txt"
    known.write_text(f"{TAGS[0]}\n{TAGS[1]}\n", "utf-8")

    def calibrated(session: str, code: int = OK) -> str:
        line = f"rfid calibrate {known} --session {session} --device PDA-1 --area p_1 --as keeper"
        result = CliRunner().invoke(cli.app, ["--lang", "zh", *shlex.split(line)])
        assert result.exit_code == code, result.output
        return str(result.output)

    walk = Reader(local)
    walk.door.post("observation-batches", walk.batch("p_1", (TAGS[0], -50), (TAGS[1], -56), (TAGS[4], -72), session="walk"), who="keeper")  # fmt: skip
    assert "信号下限 -64 dBm" in calibrated("walk")
    assert local.readings.thresholds() == {("PDA-1", "p_1"): Threshold(-64)}
    assert walk.read("p_1", (TAGS[2], -63), (TAGS[3], -65)) == {TAGS[2]: "right", TAGS[3]: "weak"}
    assert "没有定出下限" in calibrated("nobody-walked", REFUSED)


def test_a_recount_needs_the_qr_code(local: Office) -> None:
    reader = Reader(local)
    reader.read("p_1", TAGS[0])
    reader.done()
    ended(local)
    local.ask("stocktake/S1", "order_recount", {"reason": "漏盘"}, HEAD)
    assert reader.read("p_1", TAGS[1]) == {TAGS[1]: "recount"}
    qr = {"carrier": "qr", "raw": "https://id.example/obj/A2"}
    assert reader.send(reader.batch("p_1") | {"observations": [qr]})["results"][0]["result"] == "right"  # fmt: skip
    reader.done()
    missing = ended(local)["missing"]
    assert "A1" in missing and "A2" not in missing and "A0" not in missing


def test_a_blind_count_stays_blind(local: Office) -> None:
    begun(local, "S3", blind=True)
    reader = Reader(local, "PDA-3", "S3")
    answer = reader.send(reader.batch("p_1", TAGS[0], TAGS[4]))
    assert {one["result"] for one in answer["results"]} == {"recorded"}
    assert {one["verdict"] for one in answer["results"]} == {"matched"}
    assert "p_2" not in json.dumps(answer) and "二号" not in json.dumps(answer, ensure_ascii=False)
    reader.done()
    assert ended(local, "S3")["misplaced"] == ["A4"]


# What is too dear for radio alone ------------------------------------------------------


def dear(office: Office, name: str, **form: Any) -> Reader:
    """Begin a count that has something to say of what is dear."""
    begun(office, name, **form)
    return Reader(office, "PDA-9", name)


def test_radio_alone_never_settles_what_is_dear(office: Office) -> None:
    """From the value on that the plan says, and where nobody knows it, a label or a person does."""
    reader = dear(office, "S2", confirm_from=100_000)
    said = reader.read("p_1", *TAGS[:4])
    assert said == dict(zip(TAGS, ("right", "confirm", "confirm", "right"), strict=False))
    assert reader.read("p_2", TAGS[4], TAGS[5]) == {TAGS[4]: "confirm", TAGS[5]: "confirm"}
    # Somebody reads the labels of two; a wedge that types what a tag holds reads no label.
    phone = Device(reader.door, "S2", "d1")
    phone.scan("ZC-1", "p_1")
    phone.scan("ZC-4", "p_2")
    phone.scan(TAGS[2], "p_1", source="wedge")
    phone.scan(TAGS[5], "p_2", source="rfid")
    told = phone.send()["results"]
    assert [one["result"] for one in told] == ["right", "right", "confirm", "confirm"]
    assert "二维码" in told[2]["sentence"]["zh"] and "QR code" in told[2]["sentence"]["en"]
    reader.read("p_1", TAGS[1])  # heard once more: the label that was read decides
    for device in (reader, phone):
        device.done()
    seen = door_of(office).get("stocktakes/S2/scope", who="keeper").json()["items"]
    assert {one["asset"] for one in seen if one["confirm"]} == {"A1", "A2", "A4", "A5"}
    assert ended(office, "S2") == {"heard": ["A2", "A5"]}
    state = office.book.stream("stocktake/S2").state
    assert (state.right, state.found, state.open) == (4, 2, 2)
    report = reporting.drawing(office, "stocktake/S2", state, 1, b"")
    pairs = {pair.caption: pair.text for pair in report.pairs}
    assert pairs["仅射频读到，待核实"] == "2"
    assert "1,000.00" in pairs["须扫码或人工核实"]


def test_what_is_dear_is_settled_by_its_label_or_by_a_person(local: Office) -> None:
    reader = dear(local, "S2", confirm_from=100_000)
    reader.read("p_1", *TAGS[:4])
    reader.read("p_2", TAGS[4], TAGS[5])
    reader.done()
    kinds = ended(local, "S2")
    assert kinds == {"heard": ["A1", "A2", "A4", "A5"]}
    local.ask("stocktake/S2", "order_recount", {"reason": "贵重资产须扫码"}, HEAD)
    reader.read("p_1", TAGS[1], round=2)
    phone = Device(reader.door, "S2", "d1")
    phone.scan("ZC-1", "p_1")
    phone.scan("ZC-4", "p_2")
    phone.send()
    for device in (reader, phone):
        device.done()
    assert ended(local, "S2") == {"heard": ["A2", "A5"]}
    local.ask("stocktake/S2", "review", {}, HEAD)
    with pytest.raises(Refused, match="differences-open"):
        local.ask("stocktake/S2", "close_stocktake", {"report_no": "1"}, HEAD)
    keys = [f"heard.{asset}" for asset in ("A2", "A5")]
    seen_by_a_person = {"differences": keys, "outcome": "found", "cause": "not_scanned"}
    local.ask("stocktake/S2", "close_differences", seen_by_a_person, HEAD)
    local.ask("stocktake/S2", "close_stocktake", {"report_no": "1"}, HEAD)


def test_the_stricter_of_plan_and_rules_says_what_is_dear(local: Office) -> None:
    """The rules of the place are data; a plan may be stricter than they are, never laxer."""
    place = msgspec.structs.replace(GENERIC, radio_alone_below=100_000)
    occasion = Occasion(by="u_clerk", on=date(2026, 11, 2), unit="o_a", policy=place)
    for asked, holds in ((None, 100_000), (50_000, 50_000), (10**9, 100_000), (0, 0)):
        form = {"unit": "o_a", "title": "年度盘点", "due": date(2099, 12, 31)}
        planned = plan_stocktake(Stocktake(), occasion, **form, confirm_from=asked)
        assert planned.confirm_from == holds
    nothing_said = msgspec.structs.replace(occasion, policy=GENERIC)
    planned = plan_stocktake(Stocktake(), nothing_said, **form)
    assert planned.confirm_from is None
    # Where nobody says it, radio settles whatever it heard well enough: as it was until now.
    assert Reader(local).read("p_1", TAGS[0]) == {TAGS[0]: "right"}


# Evidence -----------------------------------------------------------------------------


def heard(area: str, rssi: int | None, reads: int = 10, device: str = "d") -> Heard:
    return Heard(area=area, device=device, reads=reads, rssi=rssi)


def test_an_area_wins_when_the_second_is_three_decibels_below() -> None:
    """20 log 0.7 is 3.1 dB: amplitudes closer than that cannot be told apart."""
    assert whereabouts([heard("a", -50), heard("b", -54)], {}).areas == ("a",)
    assert whereabouts([heard("a", -50), heard("b", -53)], {}).areas == ("a", "b")
    assert whereabouts([heard("a", -50), heard("b", None)], {}).ambiguous
    assert whereabouts([heard("a", None, 40), heard("b", None, 10)], {}).areas == ("a",)
    assert whereabouts([heard("a", -95)], {}).weak


def test_strength_is_measured_against_what_the_device_needs_there() -> None:
    thresholds = {("d", "a"): Threshold(-40), ("e", "b"): Threshold(-70)}
    both = [heard("a", -39), heard("b", -55, device="e")]
    assert whereabouts(both, {}).areas == ("a",)
    assert whereabouts(both, thresholds).areas == ("b",)


def test_a_walk_with_known_tags_tells_where_an_area_ends() -> None:
    assert threshold([-40, -52], [-70, -64]) == (Threshold(-58), True)
    assert threshold([-40, -52], [-50]) == (Threshold(-52), False)
    assert threshold([-52], []) == (Threshold(-90), True)


HEARD = st.builds(
    heard,
    st.sampled_from("abc"),
    st.none() | st.integers(-100, -20),
    st.integers(1, 300),
    st.sampled_from("de"),
)


@given(st.lists(HEARD, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_evidence_changes_nothing(several: list[Heard], chance: random.Random) -> None:
    shuffled = chance.sample(several, len(several))
    assert whereabouts(shuffled, {}) == whereabouts(several, {})
