"""Requests as they come off the line: a heading has an end.

The parser itself keeps whatever is sent before the empty line, however much that is.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADING_BYTES_MAX = 64 * 1024  # beyond what came in with the request's first bytes


class Bounded(HttpToolsProtocol):
    """The usual protocol, that hangs up on a heading without end."""

    _heading_bytes = 0  # that brought neither the end of a heading nor another request
    _in_heading = True
    _went_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._turn(in_heading=True)

    def data_received(self, data: bytes) -> None:
        self._went_on = False
        super().data_received(data)
        if not self._in_heading or self._went_on or self.transport.is_closing():
            return
        self._heading_bytes += len(data)
        if self._heading_bytes > HEADING_BYTES_MAX:
            self.send_400_response("The heading of the request is too long.")

    def on_message_begin(self) -> None:
        self._turn(in_heading=True)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._turn(in_heading=False)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._turn(in_heading=True)
        super().on_message_complete()

    def _turn(self, *, in_heading: bool) -> None:
        self._heading_bytes, self._in_heading, self._went_on = 0, in_heading, True
