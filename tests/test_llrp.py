"""LLRP: what a fixed reader says is read whole, however the network cuts it."""

from __future__ import annotations

import base64
import csv
import json
import os
import random
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from doors import staffed
from hypothesis import given as each
from hypothesis import strategies as st

from api import llrp_gateway
from api.office import Actor, Office
from labels import epc, llrp
from labels.epc import Sort
from labels.llrp import BadStream, Message, Reports, Stream, TagReport

READER = Path(__file__).with_name("foreign") / "reader.cjs"
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
SORTS = {
    "giai-96": Sort.GIAI,
    "giai-202": Sort.GIAI,
    "foreign": Sort.FOREIGN,
    "unprogrammed": Sort.FACTORY,
    "invalid-partition": Sort.RAW,
}


@pytest.fixture
def stream(shared_file: Callable[[str], Path]) -> bytes:
    return shared_file("epc/llrp/llrpjs_stream.bin").read_bytes()


@pytest.fixture
def truth(shared_file: Callable[[str], Path]) -> list[dict[str, str]]:
    with shared_file("epc/llrp/llrpjs_stream_truth.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def told(pieces: list[bytes]) -> tuple[list[TagReport], Counter[int]]:
    """Return the tags and the kinds of messages that a connection hears."""
    incoming, reports, tags, kinds = Stream(), Reports(), list[TagReport](), Counter[int]()
    for piece in pieces:
        for frame in incoming.feed(piece):
            kinds[frame.type] += 1
            if frame.type == Message.RO_ACCESS_REPORT:
                tags += reports.read(frame.body)
    assert incoming.waiting == 0
    return tags, kinds


def cut(data: bytes, seed: int) -> list[bytes]:
    seeded, pieces, at = random.Random(seed), list[bytes](), 0
    while at < len(data):
        size = seeded.choice((1, 2, 9, 10, 11, 100, 1_460))
        pieces.append(data[at : at + size])
        at += size
    return pieces


@pytest.mark.parametrize("seed", range(20))
def test_a_recorded_stream_is_read_as_the_truth_says_wherever_it_is_cut(
    stream: bytes, truth: list[dict[str, str]], seed: int
) -> None:
    tags, kinds = told(cut(stream, seed))
    rows = [row for row in truth if row["message"] == "RO_ACCESS_REPORT"]
    assert kinds[Message.KEEPALIVE] == len(truth) - len(rows)
    for tag, row in zip(tags, rows, strict=True):
        assert tag.epc == row["epc_hex"]
        assert str(tag.antenna) == row["antenna_id"]
        assert str("" if tag.stated_rssi is None else tag.stated_rssi) == row["peak_rssi_dbm"]
        assert str(tag.rssi) == row["peak_rssi_effective_dbm"]
        assert str(tag.first_us) == row["first_seen_utc_us"]
        assert str(tag.count) == row["tag_seen_count_effective"]
        assert epc.read(tag.epc).sort is SORTS[row["kind"]]


def test_the_same_stream_twice_counts_twice(stream: bytes) -> None:
    once, _ = told([stream])
    twice, _ = told(cut(stream + stream, 99))
    assert Counter(tag.epc for tag in twice) == Counter(tag.epc for tag in once * 2)


@pytest.mark.parametrize("number", range(1, 5))
def test_bodies_of_a_real_reader_are_read(shared_file: Callable[[str], Path], number: int) -> None:
    name = f"epc/llrp/ROAccessReport-00{number}"
    body = shared_file(f"{name}.bytes").read_bytes()
    expected = json.loads(shared_file(f"{name}.json").read_text())["TagReportData"]
    for tag, row in zip(Reports().read(body), expected, strict=True):
        assert tag.epc == base64.b64decode(row["EPC96"]["EPC"]).hex().upper()
        assert (tag.antenna, tag.rssi) == (row["AntennaID"], row["PeakRSSI"])
        assert tag.first_us == row["FirstSeenUTC"]


def test_what_a_reader_leaves_out_repeats_the_last_value() -> None:
    """Without this, a reader that says its antenna once would lose it for every other tag."""

    def report(*parts: bytes) -> bytes:
        content = bytes([0x8D]) + bytes.fromhex("3474257BF40000000000162E") + b"".join(parts)
        return struct.pack(">HH", 240, 4 + len(content)) + content

    reports = Reports()
    first, second = reports.read(report(b"\x81\x00\x03", b"\x86\xc4") + report())
    assert (first.antenna, first.rssi, second.antenna, second.rssi) == (3, -60, 3, -60)
    assert (second.stated_rssi, reports.read(report(b"\x86\xc5"))[0].rssi) == (None, -59)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">HII", 1 << 10 | 61, 9, 1),
        struct.pack(">HII", 1 << 10 | 61, llrp.MESSAGE_BYTES_MAX + 1, 1),
        struct.pack(">HII", 7 << 10 | 61, 10, 1),
    ],
)
def test_what_is_not_llrp_ends_the_connection(data: bytes) -> None:
    with pytest.raises(BadStream) as refused:
        list(Stream().feed(data))
    assert refused.value.zh and refused.value.en


@each(st.binary(max_size=200))
def test_no_body_breaks_the_reader_of_reports(body: bytes) -> None:
    with suppress(BadStream):
        Reports().read(body)


@each(st.binary(max_size=300), st.integers(1, 50))
def test_what_is_unknown_is_passed_over_by_its_length(junk: bytes, kind: int) -> None:
    unknown = llrp.message(Message.READER_EVENT_NOTIFICATION, 5, junk)
    known = llrp.message(Message.KEEPALIVE, kind)
    assert [frame.type for frame in Stream().feed(unknown + known)] == [63, 62]


# A reader that nobody here wrote ------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Start llrpjs as a reader that sees 300 tags; lend it, its port and the contents."""
    modules = os.environ.get("GONGWU_FOREIGN", "")
    node = shutil.which("node")
    if not modules or not (Path(modules) / "node_modules" / "llrpjs").is_dir() or not node:
        pytest.skip("no llrpjs (npm ci in a copy of tests/foreign; GONGWU_FOREIGN=it)")
    contents = [epc.giai("697123456", str(10**11 + n)).hex for n in range(300)]
    told = [{"TagReportData": [_seen(c, n + at) for at, c in enumerate(contents[n : n + 30])]} for n in range(0, 300, 30)]  # fmt: skip
    (tmp_path / "reports.json").write_text(json.dumps(told))
    process = subprocess.Popen(
        [node, str(READER), modules, str(tmp_path / "reports.json")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline()), contents
    finally:
        process.kill()
        process.wait()


def _seen(content: str, n: int) -> dict[str, Any]:
    return {
        "EPC_96": {"EPC": content},
        "AntennaID": {"AntennaID": n % 4 + 1},
        "PeakRSSI": {"PeakRSSI": -40 - n % 30},
        "TagSeenCount": {"TagCount": n % 5 + 1},
    }


def test_a_foreign_reader_is_understood_and_understands(
    office: Office, reader: tuple[subprocess.Popen[str], int, list[str]]
) -> None:
    process, port, contents = reader
    with llrp_gateway.reading("127.0.0.1", port) as connected:
        reports = 0
        while reports < len(contents):
            reports += llrp_gateway.gather(
                office, CLERK, connected, session="S1", device="llrp-1", area="p_1", seconds=0.5
            )
    seen = office.readings.seen("S1")
    assert {row["key"]: row["reads"] for row in seen} == {
        content: n % 5 + 1 for n, content in enumerate(contents)
    }
    assert process.stdout is not None
    asked = json.loads(process.stdout.readline())
    assert process.stdout.readline() == "alive\n"
    report = asked["data"]["ROSpec"]["ROReportSpec"] if "data" in asked else asked["ROSpec"]["ROReportSpec"]  # fmt: skip
    assert report["TagReportContentSelector"]["EnablePeakRSSI"]
    assert not report["TagReportContentSelector"]["EnableROSpecID"]
    complete, gaps = office.readings.reached("llrp-1")
    assert (complete, gaps) == (office.readings.last("llrp-1"), [])


def test_a_reader_that_is_not_there_is_said_so() -> None:
    with pytest.raises(llrp_gateway.ReaderTrouble) as trouble, llrp_gateway.reading("127.0.0.1", 1):
        pass
    assert "127.0.0.1" in trouble.value.zh and "127.0.0.1" in trouble.value.en
