"""Read a fixed radio reader over LLRP and hand what it sees on as batches, like any hand-held.

One connection at a time, one request at a time: cheap readers answer nothing that is pipelined. A
connection that breaks is made again by whoever calls; nothing that was handed on is lost.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import msgspec

from api import observing, radio_counting
from api.office import Actor, Office
from api.readings import OBSERVATIONS_MAX
from labels import llrp
from labels.identity import BadLabel
from labels.llrp import BadStream, Frame, Message, Reports, Stream, TagReport

ANSWER_SECONDS: Final = 10.0
ROSPEC: Final = 1
_encode = msgspec.json.Encoder().encode


class ReaderTrouble(BadLabel):
    """The reader cannot be reached, refuses, or says what cannot be read."""


class Reader:
    """A connection to one reader."""

    def __init__(self, host: str, port: int = llrp.PORT) -> None:
        self.name = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=ANSWER_SECONDS)
        except OSError as error:
            raise ReaderTrouble(
                f"连接不上读写器 {self.name}：请检查地址、电源和网络。",
                f"The reader {self.name} cannot be reached ({error.strerror or error}).",
            ) from error
        self._stream, self._reports, self._ids = Stream(), Reports(), 0
        self._came: list[Frame] = []
        self._tags: list[TagReport] = []

    def close(self) -> None:
        """Let the reader go."""
        self._socket.close()

    def ask(self, kind: Message, body: bytes = b"", *, answer: Message) -> bytes:
        """Send a request and wait for its answer; raise `ReaderTrouble` when it refuses."""
        self._ids += 1
        self._socket.sendall(llrp.message(kind, self._ids, body))
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            for frame in self._receive(until - time.monotonic()):
                if frame.type in (answer, Message.ERROR_MESSAGE):
                    code, said = llrp.status(frame.body)
                    if code or frame.type == Message.ERROR_MESSAGE:
                        raise ReaderTrouble(
                            f"读写器 {self.name} 拒绝了请求（{code}）：{said}",
                            f"The reader {self.name} refused {kind.name} ({code}): {said}",
                        )
                    return frame.body
        raise ReaderTrouble(
            f"读写器 {self.name} 没有应答。", f"The reader {self.name} does not answer."
        )

    def tags(self, seconds: float) -> list[TagReport]:
        """Return what was reported until now, waiting so long at most for something to come."""
        if not self._tags:
            list(self._receive(seconds))
        found, self._tags = self._tags, []
        return found

    def _receive(self, seconds: float) -> Iterator[Frame]:
        """Receive once; answer what keeps the connection alive, keep reports, yield the rest."""
        self._socket.settimeout(max(0.001, seconds))
        try:
            data = self._socket.recv(65_536)
        except TimeoutError:
            return
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        for frame in list(self._stream.feed(data)):
            match frame.type:
                case Message.KEEPALIVE:
                    self._socket.sendall(llrp.message(Message.KEEPALIVE_ACK, frame.id))
                case Message.RO_ACCESS_REPORT:
                    self._tags += self._reports.read(frame.body)
                case _:
                    yield frame

    def _gone(self) -> ReaderTrouble:
        return ReaderTrouble(
            f"读写器 {self.name} 断开了连接。", f"The reader {self.name} closed the connection."
        )


@contextmanager
def reading(host: str, port: int = llrp.PORT) -> Iterator[Reader]:
    """Lend a reader that reads all tags on all antennas, and stop it afterwards."""
    reader = Reader(host, port)
    try:
        number = ROSPEC.to_bytes(4)
        reader.ask(Message.DELETE_ROSPEC, bytes(4), answer=Message.DELETE_ROSPEC_RESPONSE)
        reader.ask(Message.ADD_ROSPEC, llrp.rospec(ROSPEC), answer=Message.ADD_ROSPEC_RESPONSE)
        reader.ask(Message.ENABLE_ROSPEC, number, answer=Message.ENABLE_ROSPEC_RESPONSE)
        reader.ask(Message.START_ROSPEC, number, answer=Message.START_ROSPEC_RESPONSE)
        yield reader
        with suppress(ReaderTrouble, BadStream, OSError):
            reader.ask(Message.DELETE_ROSPEC, bytes(4), answer=Message.DELETE_ROSPEC_RESPONSE)
            reader.ask(Message.CLOSE_CONNECTION, answer=Message.CLOSE_CONNECTION_RESPONSE)
    finally:
        reader.close()


def batch(
    session: str, device: str, seq: int, tags: list[TagReport], *, area: str = ""
) -> observing.Arrived:
    """Make a batch of reports, at most as many as a batch holds; empty contents are left out."""
    observations: list[dict[str, Any]] = []
    for tag in tags[:OBSERVATIONS_MAX]:
        if not tag.epc:
            continue
        said: dict[str, Any] = {"carrier": "rfid", "raw": tag.epc, "count": max(1, tag.count or 1)}
        if tag.antenna is not None:
            said["antenna"] = tag.antenna
        if tag.rssi is not None:
            said["rssi"] = tag.rssi
        if tag.first_us is not None:
            said["first_ms"] = tag.first_us // 1_000
            said["last_ms"] = (tag.last_us or tag.first_us) // 1_000
        observations.append(said)
    body = {"session": session, "device_id": device, "batch_seq": seq, "area": area}
    return observing.read_batch(_encode(body | {"observations": observations}))


def gather(
    office: Office,
    actor: Actor,
    reader: Reader,
    *,
    session: str,
    device: str,
    area: str = "",
    seconds: float,
    told: Callable[[dict[str, Any]], None] = lambda _: None,
) -> int:
    """Hand on what a reader sees for so many seconds; return how many reports there were.

    `told` gets the answer to each batch. Numbers go on where the device's last batch ended. When
    the readings belong to a stocktake, the reader says at the end how many batches there are.
    """
    seq, reports, until = office.readings.last(device), 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        waiting = reader.tags(min(left, 0.5))
        for start in range(0, len(waiting), OBSERVATIONS_MAX):
            some = [tag for tag in waiting[start : start + OBSERVATIONS_MAX] if tag.epc]
            if not some:
                continue
            seq += 1
            found, _ = observing.take(office, actor, batch(session, device, seq, some, area=area))
            reports += len(some)
            told(found)
    count = radio_counting.counted(office, session)
    if count is not None:
        office.readings.declare(session, device, seq, count.round)
    return reports
