"""What readers saw: every batch once, gaps named, late ones kept, each tag answered at once."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api import observing
from api.office import Actor, Office
from api.readings import Incoming, OtherBatch, digest_of
from api.resolving import Seen, Verdict, resolve
from labels import epc
from labels.epc import BadEpc
from labels.epc_pasting import TEXT_CHARS_MAX, read_tags
from projections.scope import EVERYTHING, Scope

OURS = [epc.giai("697123456", str(10**11 + 500 + n)).hex for n in range(6)]
FOREIGN = "3034257BF7194E4000001A85"
FACTORY, BLANK = "E2801190200050C1B0D0032A", "0" * 24
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def local(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def door(local: Office) -> Door:
    return Door(app_of(local))


def tagged(office: Office, id_: str, **tag: str) -> None:
    """Put an asset with a radio tag on the books."""
    card = {"asset_no": f"ZC-{id_}", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
    office.ask(f"asset/{id_}", "register_existing", card, CLERK)
    if tag:
        office.ask(f"asset/{id_}", "bind_tag", tag, CLERK)


def batch(seq: int = 1, *raws: str, device: str = "PDA-1", **said: Any) -> dict[str, Any]:
    """Return a batch of RFID readings as a device sends it."""
    observations = [{"carrier": "rfid", "raw": raw} | said.get("each", {}) for raw in raws]
    more = {name: value for name, value in said.items() if name != "each"}
    return {"session": "S1", "device_id": device, "batch_seq": seq, "observations": observations} | more  # fmt: skip


def sent(office: Office, body: dict[str, Any]) -> dict[str, Any]:
    arrived = observing.read_batch(json.dumps(body).encode())
    found, _ = observing.take(office, CLERK, arrived)
    return found


def verdicts(answer: dict[str, Any]) -> dict[str, str]:
    return {found["raw"]: found["verdict"] for found in answer["results"]}


# What a reading means ----------------------------------------------------------------


def test_each_reading_is_told_apart(office: Office) -> None:
    tagged(office, "A1", epc=OURS[0], tid="E2801190A001")
    tagged(office, "A2", epc=FACTORY)
    office.ask("asset/A2", "replace_tag", {"epc": OURS[1], "reason": "写码"}, CLERK)
    tagged(office, "A3")
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    form = {"unit": "o_a", "certificate_no": "物编2024"}
    office.ask("giai/697123456", "record_prefix", form, admin)
    office.ask("giai/697123456", "give", {"asset": "A3"}, CLERK)
    giai_of_a3 = office.book.stream("asset/A3").state.giai
    by_bytes = b"ZC-A3".ljust(12, b"\0").hex()
    expected = [
        (Seen("rfid", OURS[0]), Verdict.MATCHED, "A1"),
        (Seen("rfid", OURS[0].lower(), "e2801190A001"), Verdict.MATCHED, "A1"),
        (Seen("rfid", OURS[0], "E2801190A002"), Verdict.CONFLICT, "A1"),
        (Seen("rfid", OURS[1], "E2801190A001"), Verdict.CONFLICT, ""),
        (Seen("rfid", FACTORY), Verdict.VOID, "A2"),
        (Seen("rfid", OURS[1]), Verdict.MATCHED, "A2"),
        (Seen("rfid", epc.giai("697123456", giai_of_a3[9:]).hex), Verdict.MATCHED, "A3"),
        (Seen("qr", f"https://old.example/8004/{giai_of_a3}"), Verdict.MATCHED, "A3"),
        (Seen("qr", "https://old.example/obj/A3?r=1"), Verdict.MATCHED, "A3"),
        (Seen("manual", "zc-a3"), Verdict.MATCHED, "A3"),
        (Seen("manual", "ＺＣ－Ａ３"), Verdict.MATCHED, "A3"),
        (Seen("rfid", by_bytes), Verdict.MATCHED, "A3"),
        (Seen("rfid", OURS[5]), Verdict.UNKNOWN, ""),
        (Seen("rfid", epc.giai("697999", "1").hex), Verdict.FOREIGN, ""),
        (Seen("rfid", FOREIGN), Verdict.FOREIGN, ""),
        (Seen("rfid", BLANK), Verdict.FACTORY, ""),
        (Seen("rfid", "341C00000000000000000001"), Verdict.UNKNOWN, ""),
        (Seen("qr", "https://weixin.example/q/1"), Verdict.FOREIGN, ""),
        (Seen("qr", "https://a.example/obj/A1https://a.example/obj/A3"), Verdict.SEVERAL, ""),
        (Seen("manual", "没有这个"), Verdict.UNKNOWN, ""),
    ]
    told = resolve(office, EVERYTHING, [seen for seen, _, _ in expected])
    for (seen, verdict, asset), sighting in zip(expected, told, strict=True):
        assert (sighting.verdict, sighting.asset) == (verdict, asset), seen
        assert sighting.sentence("zh") and sighting.sentence("en")


def test_what_is_off_the_books_or_in_another_place_is_said(office: Office) -> None:
    tagged(office, "A1", epc=OURS[0])
    office.ask("asset/A1", "relocate", {"place": "p_1"}, CLERK)
    for place, verdict in (("p_1", Verdict.MATCHED), ("p_2", Verdict.ELSEWHERE), ("", Verdict.MATCHED)):  # fmt: skip
        assert resolve(office, EVERYTHING, [Seen("rfid", OURS[0])], place=place)[0].verdict is verdict  # fmt: skip


def test_what_a_reading_meant_is_not_remembered_beyond_the_next_entry(office: Office) -> None:
    """Nothing is looked up twice while nothing is recorded; whatever is recorded is seen at once."""
    seen = [Seen("rfid", OURS[0])]

    def told() -> tuple[Verdict, str]:
        (sighting,) = resolve(office, EVERYTHING, seen, place="p_1")
        return sighting.verdict, sighting.asset

    assert told() == (Verdict.FOREIGN, "")
    tagged(office, "A1", epc=OURS[0])
    assert told() == told() == (Verdict.MATCHED, "A1")
    office.ask("asset/A1", "relocate", {"place": "p_2"}, CLERK)
    assert told() == (Verdict.ELSEWHERE, "A1")
    assert resolve(office, EVERYTHING, seen, place="p_2")[0].verdict is Verdict.MATCHED
    assert resolve(office, Scope(frozenset({"o_z"})), seen, place="p_2")[0].asset == ""
    office.ask("asset/A1", "void_tag", {"reason": "破损"}, CLERK)
    assert told() == (Verdict.VOID, "A1")


def test_a_label_issued_before_the_last_one_is_void(office: Office) -> None:
    tagged(office, "A1")
    office.ask("asset/A1", "bind_label", {"label": "L1"}, CLERK)
    office.ask("asset/A1", "replace_label", {"label": "L2", "reason": "破损"}, CLERK)
    seen = [
        Seen("qr", "https://a.example/obj/A1?r=1"),
        Seen("qr", "https://a.example/obj/A1?r=2"),
        Seen("manual", "L1"),
        Seen("manual", "L2"),
    ]
    told = [sighting.verdict for sighting in resolve(office, EVERYTHING, seen)]
    assert told == [Verdict.VOID, Verdict.MATCHED, Verdict.VOID, Verdict.MATCHED]


# Batches -----------------------------------------------------------------------------


@pytest.mark.target("T65")
def test_a_batch_sent_again_changes_nothing_and_gets_the_same_answer(office: Office) -> None:
    tagged(office, "A1", epc=OURS[0])
    body = batch(1, OURS[0], FOREIGN, OURS[0], each={"count": 3})
    first = sent(office, body)
    assert first["status"] == "accepted"
    assert verdicts(first) == {OURS[0]: "matched", FOREIGN: "foreign"}
    before = office.readings.seen("S1")
    for _ in range(3):
        again = sent(office, body)
        assert again == first | {"status": "replayed"}
    assert office.readings.seen("S1") == before
    assert [row["reads"] for row in before] == [3, 6]


def test_a_number_used_for_other_content_is_refused(office: Office) -> None:
    sent(office, batch(1, OURS[0]))
    with pytest.raises(OtherBatch):
        sent(office, batch(1, OURS[1]))
    sent(office, batch(1, OURS[1], device="PDA-2"))


def test_gaps_are_named_until_they_are_filled(office: Office) -> None:
    for seq in (1, 2, 7, 4):
        found = sent(office, batch(seq, OURS[0]))
    assert (found["complete_to"], found["gaps"]) == (2, ((3, 3), (5, 6)))
    for seq in (3, 5, 6):
        found = sent(office, batch(seq, OURS[0]))
    assert (found["complete_to"], found["gaps"]) == (7, ())
    assert sent(office, batch(9, OURS[0], device="PDA-2"))["gaps"] == ((1, 8),)


def test_what_comes_after_the_close_is_kept_and_counts_for_nothing(office: Office) -> None:
    sent(office, batch(1, OURS[0]))
    closed = office.readings.close_session("S1")
    counted = office.readings.seen("S1")
    late = sent(office, batch(2, OURS[1]))
    assert (late["status"], late["late"]) == ("late", True)
    assert verdicts(late) == {OURS[1]: "foreign"}
    assert office.readings.seen("S1") == counted
    assert [row["seq"] for row in office.readings.late("S1")] == [2]
    assert office.readings.content("PDA-1", 2) is not None
    assert office.readings.close_session("S1") == closed == office.readings.digest("S1")
    assert sent(office, batch(2, OURS[1]))["status"] == "replayed"


def test_the_same_content_on_two_chips_is_a_conflict(office: Office) -> None:
    tagged(office, "A1", epc=OURS[0])
    one, two = {"tid": "E2801190A001"}, {"tid": "E2801190A002"}
    assert verdicts(sent(office, batch(1, OURS[0], each=one))) == {OURS[0]: "matched"}
    assert verdicts(sent(office, batch(2, OURS[0], each=one))) == {OURS[0]: "matched"}
    assert verdicts(sent(office, batch(3, OURS[0], each=two))) == {OURS[0]: "conflict"}
    assert office.readings.seen("S1")[0]["chips"] == 2


def test_what_was_counted_before_is_said(office: Office) -> None:
    tagged(office, "A1", epc=OURS[0])
    assert sent(office, batch(1, OURS[0]))["results"][0]["again"] is False
    assert sent(office, batch(2, OURS[0], OURS[1]))["results"][0]["again"] is True


def test_the_order_of_batches_does_not_matter(office: Office) -> None:
    seeded = random.Random(7)
    bodies = []
    for seq in range(1, 21):
        each = {"count": seeded.randrange(1, 9), "rssi": -seeded.randrange(30, 80)}
        each |= {"first_ms": seeded.randrange(1000), "last_ms": 1000 + seeded.randrange(1000)}
        each |= {"antenna": seeded.randrange(3)}
        raws = [seeded.choice(OURS) for _ in range(10)]
        bodies.append(batch(seq, *raws, each=each))
    for body in bodies:
        sent(office, body)
    digest, clean = office.readings.digest("S1"), office.readings.seen("S1")
    shuffled = [*bodies, *seeded.sample(bodies, 5)]
    seeded.shuffle(shuffled)
    for body in shuffled:
        sent(office, body | {"session": "S2", "device_id": "PDA-9"})
    assert office.readings.seen("S2") == clean
    assert office.readings.digest("S2")[1:] == digest[1:] == (20, sum(b["observations"][0]["count"] * 10 for b in bodies))  # fmt: skip
    pages, after = [], ""
    while page := office.readings.seen("S1", after=after, limit=2):
        pages += page
        after = str(page[-1]["key"])
    assert pages == clean


def test_evidence_is_never_changed(office: Office) -> None:
    sent(office, batch(1, OURS[0]))
    office.readings.close_session("S1")
    for statement in (
        "UPDATE reading_batch SET reads = 0",
        "DELETE FROM reading_batch",
        "UPDATE reading_session SET digest = ''",
        "DELETE FROM reading_session",
    ):
        with pytest.raises(DBAPIError), office.readings.writer.begin() as c:
            c.execute(text(statement))
    content, digest = digest_of([{"raw": OURS[0], "carrier": "rfid"}])
    assert office.readings.content("PDA-1", 1) == content
    assert json.loads(content) == [{"carrier": "rfid", "raw": OURS[0]}]  # fmt: skip
    incoming = Incoming(
        session="S1", area="", round=1, device="PDA-1", seq=1, sha256=digest, device_clock="",
        person="u_clerk", observations=(), content=content,
    )  # fmt: skip
    assert office.readings.answered(incoming) is not None


# At the door -------------------------------------------------------------------------


def test_a_hand_held_gets_an_answer_for_each_tag(local: Office, door: Door) -> None:
    registered(door)
    local.ask("asset/A1", "bind_tag", {"epc": OURS[0]}, CLERK)
    body = batch(1, OURS[0], FOREIGN, area="p_1")
    answer = door.post("observation-batches", body)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["status"], said["complete_to"], said["gaps"]) == ("accepted", 1, [])
    ours, foreign = said["results"]
    assert (ours["asset"], ours["asset_no"], ours["verdict"]) == ("A1", "SL-001", "matched")
    assert foreign["sentence"] == Verdict.FOREIGN.zh
    listed = door.get("observations/S1").json()["items"]
    assert [(row["key"], row["reads"], row["area"]) for row in listed] == [
        (FOREIGN, 1, "p_1"),
        (OURS[0], 1, "p_1"),
    ]
    devices = door.get("observations/S1/devices").json()
    assert devices["devices"][0]["device"] == "PDA-1" and devices["late"] == []


def test_a_batch_of_a_hundred_megabytes_is_refused_and_nothing_is_lost(door: Door) -> None:
    assert door.post("observation-batches", batch(1, *OURS)).status_code == 200
    headers = {"Content-Type": "application/json"}
    auth = ("clerk", PASSWORD)
    huge = door.http.post(
        "/api/v1/observation-batches", content=bytes(100_000_000), headers=headers, auth=auth
    )
    assert (huge.status_code, huge.json()["slug"]) == (413, "too-large")
    assert huge.json()["detail"]
    again = door.post("observation-batches", batch(2, OURS[0])).json()
    assert (again["complete_to"], again["gaps"]) == (2, [])


def test_a_compressed_batch_is_taken_and_a_bomb_is_not(door: Door) -> None:
    def post(content: bytes) -> Any:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return door.http.post("/api/v1/observation-batches", content=content, headers=headers, auth=("clerk", PASSWORD))  # fmt: skip

    packed = gzip.compress(json.dumps(batch(1, *OURS)).encode())
    assert post(packed).status_code == 200
    assert post(gzip.compress(b" " * 300_000_000)).status_code == 413
    for broken in (packed[:-9], b"no gzip"):
        assert post(broken).status_code == 400
    assert post(gzip.compress(json.dumps(batch(2, OURS[0])).encode())).json()["complete_to"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"observations": []},
        {"observations": [{"carrier": "rfid", "raw": "E2" * 12}] * 1001},
        {"observations": [{"carrier": "smell", "raw": "E2"}]},
        {"observations": [{"carrier": "rfid", "raw": ""}]},
        {"observations": [{"carrier": "rfid", "raw": "E2", "rssi": -300}]},
        {"batch_seq": 0},
        {"batch_seq": 2**53},
        {"session": "a b"},
        {"more": 1},
        {"sha256": "0" * 64},
    ],
)
def test_a_bad_batch_is_refused_with_its_place(door: Door, change: dict[str, Any]) -> None:
    answer = door.post("observation-batches", batch(1, OURS[0]) | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["slug"] in ("bad-batch", "batch-damaged")
    assert door.post("observation-batches", batch(1, OURS[0])).json()["status"] == "accepted"


def test_only_who_counts_things_sends_readings(door: Door) -> None:
    assert door.post("observation-batches", batch(1, OURS[0]), who="auditor").status_code == 403
    assert door.post("observation-batches", batch(1, OURS[0]), who="keeper").status_code == 200


def test_a_number_used_twice_is_a_conflict_at_the_door(door: Door) -> None:
    door.post("observation-batches", batch(1, OURS[0]))
    answer = door.post("observation-batches", batch(1, OURS[1]))
    assert (answer.status_code, answer.json()["slug"]) == (409, "batch-number-used")


# Pasted and imported -----------------------------------------------------------------


@pytest.mark.target("T73")
@pytest.mark.parametrize("separator", ["\n", ",", "", " ", ";\t", "，", '","', "\r\n\r\n"])
def test_five_hundred_contents_are_read_in_any_separation(door: Door, separator: str) -> None:
    contents = [epc.giai("697123456", str(10**11 + n)).hex for n in range(490)]
    contents += [epc.encode(f"urn:epc:tag:sgtin-96:1.0614141.812345.{n}").hex for n in range(5)]
    contents += [epc.giai("697123456", f"ZC-{n}", bits=202).hex for n in range(5)]
    random.Random(3).shuffle(contents)
    blob = separator.join([*contents, *contents[:20]])
    said = door.post("tags/read", {"text": blob}).json()
    assert [found["raw"] for found in said["tags"]] == contents
    assert (said["reads"], said["unread"]) == (520, [])
    assert said["verdicts"]["foreign"] == 500  # nobody here holds the prefix
    assert sum(found["sort"] == "foreign" for found in said["tags"]) == 5


def test_the_other_columns_of_a_file_are_left_out() -> None:
    lines = [f"{n},{content},-5{n},2026-11-21 10:00:0{n}" for n, content in enumerate(OURS)]
    found = read_tags("序号,EPC,RSSI,时间\n" + "\n".join(lines) + "\n合计,6\n")
    assert [one.hex for one in found.tags] == OURS
    assert found.unread == ("序号,EPC,RSSI,时间", "合计,6")


@pytest.mark.parametrize(
    ("blob", "tags", "unread"),
    [
        ("3474 257B F400 0000 0000 162E", 1, ()),
        ("34-74-25-7B-F4-00-00-00-00-00-16-2E", 1, ()),
        ("0x3474257BF40000000000162E", 1, ()),
        ("urn:epc:tag:giai-96:3.0614141.5678", 1, ()),
        ("urn:epc:tag:giai-96:3.0614141.", 0, ("urn:epc:tag:giai-96:3.0614141.",)),
        ("３４７４２５７ＢＦ４００００００００００１６２Ｅ", 1, ()),
        ("E28011902000" * 4, 2, ()),
        ("E2801190200050C1B0D0032A" + "E280", 1, ()),
        ("E2801190200050C1B0D0032A" * 2 + "E280", 2, ("E280",)),
        ("会议桌", 0, ("会议桌",)),
        ("", 0, ()),
    ],
)
def test_odd_spellings_are_read_or_given_back(
    blob: str, tags: int, unread: tuple[str, ...]
) -> None:
    found = read_tags(blob)
    assert (found.reads, found.unread) == (tags, unread)


def test_too_much_at_once_is_refused() -> None:
    with pytest.raises(BadEpc):
        read_tags("0" * (TEXT_CHARS_MAX + 1))
