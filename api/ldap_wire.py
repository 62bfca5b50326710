"""The few messages of LDAP (RFC 4511) that checking a password takes, as bytes, and back.

BER in the form that section 5.1 leaves: definite lengths, primitive strings. Names go into filters
and distinguished names escaped (RFC 4515, RFC 4514), so that nobody's name is a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MESSAGE_BYTES_MAX = 1 << 20
DEPTH_MAX = 20
START_TLS = b"1.3.6.1.4.1.1466.20037"
BASE, SUBTREE = 0, 2  # scopes of a search

_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE = 0x01, 0x02, 0x04, 0x0A, 0x30
BIND, BOUND, UNBIND, SEARCH, ENTRY, FOUND, REFERENCE, EXTENDED, EXTENDED_DONE = (
    *(0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x73, 0x77, 0x78),
)


class Garbled(ValueError):
    """What came is no message of LDAP."""


class NoFilter(ValueError):
    """A text is no filter (RFC 4515)."""


@dataclass(frozen=True)
class Message:
    """What a server answered: to which request, and what."""

    number: int
    tag: int
    body: bytes

    @property
    def result(self) -> tuple[int, str]:
        """Return the result code and what the server says about it; raise Garbled."""
        parts = list(elements(self.body))[:3]
        if [tag for tag, _ in parts] != [_ENUMERATED, _OCTETS, _OCTETS] or not parts[0][1]:
            raise Garbled("no result")
        code = int.from_bytes(parts[0][1], "big", signed=True)
        return code, parts[2][1].decode("utf-8", "replace")[:200]

    @property
    def name(self) -> str:
        """Return the distinguished name of an entry that was found; raise Garbled."""
        tag, name = next(elements(self.body), (0, b""))
        if tag != _OCTETS:
            raise Garbled("an entry without a name")
        try:
            return name.decode()
        except UnicodeDecodeError:
            raise Garbled("a name that is no text") from None


# Requests -----------------------------------------------------------------------------


def bind(number: int, dn: str, password: str) -> bytes:
    """Return a simple bind. Without a password a server would bind anybody: never ask for that."""
    assert password, "RFC 4513 section 5.1.2: an unauthenticated bind proves nothing"
    said = _integer(3) + _string(dn.encode()) + _element(0x80, password.encode())
    return _message(number, _element(BIND, said))


def search(number: int, base: str, scope: int, wanted: bytes, *, most: int, seconds: int) -> bytes:
    """Return a search that asks for names alone (attribute 1.1, RFC 4511 section 4.5.1.8)."""
    said = _string(base.encode()) + _element(_ENUMERATED, bytes([scope]))
    said += _element(_ENUMERATED, b"\0")  # aliases are not followed
    said += _integer(most) + _integer(seconds) + _element(_BOOLEAN, b"\xff")
    said += wanted + _element(_SEQUENCE, _string(b"1.1"))
    return _message(number, _element(SEARCH, said))


def start_tls(number: int) -> bytes:
    """Return the request to go on under TLS (RFC 4511 section 4.14)."""
    return _message(number, _element(EXTENDED, _element(0x80, START_TLS)))


def unbind(number: int) -> bytes:
    """Return the good-bye."""
    return _message(number, _element(UNBIND, b""))


# Answers ------------------------------------------------------------------------------


def size_of(start: bytes) -> int:
    """Return how long the message is that begins like this; 0 when more is needed to tell."""
    if start and start[0] != _SEQUENCE:
        raise Garbled("no message")
    if len(start) < 2 or (start[1] > 0x80 and len(start) < 2 + (start[1] & 0x7F)):
        return 0
    size, at = _length(start, 1)
    if at + size > MESSAGE_BYTES_MAX:
        raise Garbled("too long a message")
    return at + size


def read(data: bytes) -> Message:
    """Return the message that these bytes are; raise Garbled."""
    (outer, body), *rest = list(elements(data)) or [(0, b"")]
    parts = list(elements(body)) if outer == _SEQUENCE and not rest else []
    if len(parts) < 2 or parts[0][0] != _INTEGER or not 1 <= len(parts[0][1]) <= 4:
        raise Garbled("no message")
    return Message(int.from_bytes(parts[0][1], "big", signed=True), *parts[1])


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of what stands one after the other; raise Garbled."""
    at = 0
    while at < len(data):
        tag = data[at]
        if tag & 0x1F == 0x1F or at + 1 >= len(data):
            raise Garbled("a tag of several bytes, or none")
        size, start = _length(data, at + 1)
        if start + size > len(data):
            raise Garbled("an element that does not end")
        yield tag, data[start : start + size]
        at = start + size


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length and where what it counts begins."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 4 or at + 1 + count > len(data):
        raise Garbled("a length that is none")
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


# Names and filters ---------------------------------------------------------------------


def in_filter(text: str) -> str:
    """Return a text as a value in a filter (RFC 4515 section 3): nothing in it is a filter."""
    special = {"\\", "*", "(", ")", "\0"}
    return "".join(f"\\{ord(c):02x}" if c in special else c for c in text)


def in_dn(text: str) -> str:
    """Return a text as a value in a distinguished name (RFC 4514 section 2.4)."""
    said = "".join(f"\\{ord(c):02x}" if c in '"+,;<>\\=\0' or c < " " else c for c in text)
    if said[:1] in ("#", " "):
        said = f"\\{ord(said[0]):02x}{said[1:]}"
    return said[:-1] + "\\20" if said.endswith(" ") and len(said) > 1 else said


def filtered(text: str) -> bytes:
    """Return a filter as bytes: and, or, not, equal, begins/contains/ends, there, at least, at most.

    Raise NoFilter.
    """
    encoded, rest = _filter(text.strip(), 0)
    if rest:
        raise NoFilter(text)
    return encoded


def _filter(text: str, depth: int) -> tuple[bytes, str]:
    if not text.startswith("(") or depth > DEPTH_MAX:
        raise NoFilter(text)
    kind, inner = text[1:2], text[2:]
    if kind in ("&", "|"):
        parts = b""
        while inner.startswith("("):
            part, inner = _filter(inner, depth + 1)
            parts += part
        encoded = _element(0xA0 if kind == "&" else 0xA1, parts)
    elif kind == "!":
        part, inner = _filter(inner, depth + 1)
        encoded = _element(0xA2, part)
    else:
        item, end, inner = text[1:].partition(")")
        encoded, inner = _item(item), end + inner
    if not inner.startswith(")"):
        raise NoFilter(text)
    return encoded, inner[1:]


def _item(text: str) -> bytes:
    name, equal, value = text.partition("=")
    tag = {">": 0xA5, "<": 0xA6}.get(name[-1:], 0xA3)
    attribute = name[:-1] if tag != 0xA3 else name
    if not equal or not attribute or not attribute.replace("-", "").replace(".", "").isalnum():
        raise NoFilter(text)
    described = _string(attribute.encode())
    if tag != 0xA3 or "*" not in value:
        return _element(tag, described + _string(_value(value)))
    if value == "*":
        return _element(0x87, attribute.encode())
    first, *middle, last = [_value(part) for part in value.split("*")]
    parts = [(0x80, first), *((0x81, part) for part in middle), (0x82, last)]
    said = b"".join(_element(kind, part) for kind, part in parts if part)
    return _element(0xA4, described + _element(_SEQUENCE, said))


def _value(text: str) -> bytes:
    """Return a value of a filter with its escapes undone; raise NoFilter."""
    plain, *escaped = text.split("\\")
    if "(" in text or not all(re.match("[0-9A-Fa-f]{2}", part) for part in escaped):
        raise NoFilter(text)
    said = (bytes([int(part[:2], 16)]) + part[2:].encode() for part in escaped)
    return plain.encode() + b"".join(said)


# Bytes --------------------------------------------------------------------------------


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _string(text: bytes) -> bytes:
    return _element(_OCTETS, text)


def _integer(value: int) -> bytes:
    return _element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _message(number: int, operation: bytes) -> bytes:
    return _element(_SEQUENCE, _integer(number) + operation)
