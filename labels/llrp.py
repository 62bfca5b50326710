"""Read what fixed radio readers say over LLRP, and write the few messages that make them read.

A byte stream is cut by the length each message states; what is unknown is skipped by its length. A
report leaves out what has not changed: an enabled parameter that is missing repeats the last value
received from the reader, and never means “none”.

Source: GS1 Low Level Reader Protocol 1.1 (§10 messages, §14 timing and repetition, §17 encodings).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from labels.identity import BadLabel

PORT, TLS_PORT = 5084, 5085
MESSAGE_BYTES_MAX: Final = 8 << 20
VERSION: Final = 1

_HEAD = struct.Struct(">HII")
_PARAMETER = struct.Struct(">HH")
# Parameters without a length: type to bytes behind the type octet (LLRP 1.1 §17.2.1.1).
_FIXED: Final = {
    1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2, 11: 2, 12: 2, 13: 12, 14: 2,
    15: 3, 16: 4, 17: 2, 18: 2, 19: 2, 20: 2,
}  # fmt: skip
_EPC_96, _EPC_DATA, _TAG_REPORT, _STATUS = 13, 241, 240, 287


class Message(IntEnum):
    """The messages we send or understand; any other is passed over."""

    ADD_ROSPEC = 20
    DELETE_ROSPEC = 21
    START_ROSPEC = 22
    STOP_ROSPEC = 23
    ENABLE_ROSPEC = 24
    ADD_ROSPEC_RESPONSE = 30
    DELETE_ROSPEC_RESPONSE = 31
    START_ROSPEC_RESPONSE = 32
    STOP_ROSPEC_RESPONSE = 33
    ENABLE_ROSPEC_RESPONSE = 34
    CLOSE_CONNECTION = 14
    CLOSE_CONNECTION_RESPONSE = 4
    RO_ACCESS_REPORT = 61
    KEEPALIVE = 62
    READER_EVENT_NOTIFICATION = 63
    ENABLE_EVENTS_AND_REPORTS = 64
    KEEPALIVE_ACK = 72
    ERROR_MESSAGE = 100


class BadStream(BadLabel):
    """The bytes are not LLRP, or lie about their lengths; nothing after them can be trusted."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came: number of its type, its id, and the bytes behind the header."""

    type: int
    id: int
    body: bytes


@dataclass(frozen=True, slots=True)
class TagReport:
    """One line of a report. `epc` is hexadecimal; times are microseconds since 1970, UTC.

    `stated_rssi` and `stated_count` are what this report said itself, None where it said nothing;
    `rssi` (dBm), `antenna`, `first_us`, `last_us` and `count` hold, repeated from before if need be.
    """

    epc: str
    antenna: int | None = None
    rssi: int | None = None
    first_us: int | None = None
    last_us: int | None = None
    count: int | None = None
    stated_rssi: int | None = None
    stated_count: int | None = None


class Stream:
    """Cuts messages out of bytes as they arrive, in whatever pieces. One for each connection."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and yield every message that is complete; raise `BadStream`."""
        held = self._held
        held += data
        while len(held) >= _HEAD.size:
            head, size, id_ = _HEAD.unpack_from(held)
            if not _HEAD.size <= size <= MESSAGE_BYTES_MAX or head >> 10 & 7 not in (1, 2):
                raise BadStream(
                    "收到的数据不是LLRP报文，或长度字段有误；连接须断开重来。",
                    "What arrived is no LLRP message, or states a wrong length; connect anew.",
                )
            if len(held) < size:
                return
            yield Frame(head & 0x3FF, id_, bytes(held[_HEAD.size : size]))
            del held[:size]

    @property
    def waiting(self) -> int:
        """Count the bytes of a message that is not complete."""
        return len(self._held)


class Reports:
    """Reads tag reports, repeating what a reader leaves out. One for each connection."""

    def __init__(self) -> None:
        self._last = TagReport("")

    def read(self, body: bytes) -> list[TagReport]:
        """Return the tags of an RO_ACCESS_REPORT body; raise `BadStream`."""
        return [self._tag(content) for kind, content in parameters(body) if kind == _TAG_REPORT]

    def _tag(self, body: bytes) -> TagReport:
        epc, said = "", dict[str, int]()
        for kind, content in parameters(body):
            match kind:
                case 13:
                    epc = content.hex().upper()
                case 241 if len(content) >= 2:
                    bits = int.from_bytes(content[:2])
                    epc = _content(content[2:], bits)
                case 1:
                    said["antenna"] = int.from_bytes(content)
                case 6:
                    said["rssi"] = int.from_bytes(content, signed=True)
                case 2:
                    said["first_us"] = int.from_bytes(content)
                case 4:
                    said["last_us"] = int.from_bytes(content)
                case 8:
                    said["count"] = int.from_bytes(content)
                case _:  # spec ids, channels, air-protocol words, results of accesses, vendors'
                    pass
        # §14.2.3: what is missing repeats the last value received, whatever tag it was of.
        self._last = replace(
            self._last,
            epc=epc,
            stated_rssi=said.get("rssi"),
            stated_count=said.get("count"),
            **said,
        )
        return self._last


def _content(data: bytes, bits: int) -> str:
    """Return content of a stated number of bits as hexadecimal in whole 16-bit words."""
    size = -(-bits // 8)
    if len(data) < size:
        raise _lying()
    held = data[:size].hex().upper()
    return held + "0" * (-len(held) % 4)


def parameters(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each parameter in a row; raise `BadStream` on a false length."""
    at, end = 0, len(body)
    while at < end:
        if body[at] & 0x80:
            kind = body[at] & 0x7F
            size = _FIXED.get(kind)
            if size is None or at + 1 + size > end:
                raise _lying()
            yield kind, body[at + 1 : at + 1 + size]
            at += 1 + size
        else:
            if at + 4 > end:
                raise _lying()
            kind, size = _PARAMETER.unpack_from(body, at)
            if size < 4 or at + size > end:
                raise _lying()
            yield kind & 0x3FF, body[at + 4 : at + size]
            at += size


def _lying() -> BadStream:
    return BadStream(
        "LLRP报文中某个参数的长度与内容不符。",
        "A parameter in an LLRP message has another length than it states.",
    )


def status(body: bytes) -> tuple[int, str]:
    """Return status code and description of a response; 0 is success."""
    for kind, content in parameters(body):
        if kind == _STATUS and len(content) >= 4:
            code, size = struct.unpack_from(">HH", content)
            return code, content[4 : 4 + size].decode("utf-8", "replace")
    return 0, ""


# Writing -------------------------------------------------------------------------


def message(kind: Message, id_: int, body: bytes = b"") -> bytes:
    """Write a message."""
    return _HEAD.pack(VERSION << 10 | kind, _HEAD.size + len(body), id_) + body


def _of(kind: int, content: bytes) -> bytes:
    return _PARAMETER.pack(kind, 4 + len(content)) + content


def rospec(id_: int = 1, *, antennas: tuple[int, ...] = (0,), every_tags: int = 1) -> bytes:
    """Write the body of ADD_ROSPEC: read all Gen2 tags on these antennas (0: all) until stopped.

    It starts when it is told to, and reports after `every_tags` tags with antenna, signal, first
    and last time and count: ROSpec(177), ROBoundarySpec(178), AISpec(183), ROReportSpec(237).
    """
    start, stop = _of(179, b"\0"), _of(182, struct.pack(">BI", 0, 0))
    boundary = _of(178, start + stop)
    trigger = _of(184, struct.pack(">BI", 0, 0))
    inventory = _of(186, struct.pack(">HB", 1, 1))
    ports = struct.pack(f">H{len(antennas)}H", len(antennas), *antennas)
    antenna = _of(183, ports + trigger + inventory)
    # Bits from the top: ROSpec, SpecIndex, InventorySpec, Antenna, Channel, RSSI, First, Last, Count.
    selector = _of(238, struct.pack(">H", 0b0001_0111_1000_0000))
    report = _of(237, struct.pack(">BH", 1, every_tags) + selector)
    return _of(177, struct.pack(">IBB", id_, 0, 0) + boundary + antenna + report)
