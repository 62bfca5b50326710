"""Read and write what a radio tag carries: EPC bits as a GS1 identity, and back.

GIAI and GRAI are ours to write; the other GS1 keys are recognised as somebody else's, factory and
malformed contents are kept raw. Nothing is repaired: what the standard refuses is refused here.

Source: GS1 EPC Tag Data Standard 2.3 §6 (URIs), §14 (binary), §15 (raw).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from labels.epc_schemes import (
    BY_HEADER,
    BY_NAME,
    CHARACTERS,
    ESCAPES,
    FACTORY_HEADERS,
    GIAI_CHARS_MAX,
    GIAI_PLUS_HEADER,
    GID_BITS,
    GID_HEADER,
    KEYS,
    NAMED,
    PARTITION,
    PREFIX,
    Scheme,
    escaped,
)
from labels.identity import BadLabel

HEX_CHARS_MAX: Final = 496 // 4  # a PC word counts at most 31 words (TDS 2.3 §15.1)

_HEX = re.compile(r"[0-9A-F]+")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")
_ESCAPED = re.compile(r"%(22|25|26|2F|3C|3E|3F)", re.IGNORECASE)
_FILTER = re.compile(r"[0-7]")


class BadEpc(BadLabel):
    """Refuse bits or a URI that the standard does not allow; `zh` and `en` say why."""


class Sort(StrEnum):
    """What sort of tag was read."""

    GIAI = "giai"
    GRAI = "grai"
    FOREIGN = "foreign"
    FACTORY = "factory"
    RAW = "raw"

    @property
    def zh(self) -> str:
        return _SORTS[self][0]

    @property
    def en(self) -> str:
        return _SORTS[self][1]


_SORTS: Final = {
    Sort.GIAI: ("单项资产标签（GIAI）。", "A tag of an individual asset (GIAI)."),
    Sort.GRAI: ("周转箱标签（GRAI）。", "A tag of a returnable crate (GRAI)."),
    Sort.FOREIGN: (
        "其他单位的商品或物流标签，不是资产标签。",
        "A tag of goods or logistics, not of an asset.",
    ),
    Sort.FACTORY: (
        "标签还是出厂内容，没有写入编码。",
        "The tag still has its factory content; nothing was written to it.",
    ),
    Sort.RAW: ("不是GS1编码，按原样保留。", "Not a GS1 code; kept as it came."),
}


@dataclass(frozen=True, slots=True)
class Epc:
    """One tag's content. `hex` is upper case in whole 16-bit words; it is what is compared.

    `scheme` is `giai-96`, `sgtin-198`, … or `raw`; `filter` is None where the scheme has none.
    `parts` are the fields of the pure identity, unescaped: company prefix first. `why` says in zh
    and en why a content stayed raw although its header belongs to a scheme.
    """

    scheme: str
    hex: str
    filter: int | None = None
    parts: tuple[str, ...] = ()
    why: tuple[str, str] | None = None

    @property
    def sort(self) -> Sort:
        """Say what sort of tag it is."""
        if not self.parts:
            header = int(self.hex[:2] or "0", 16)
            if header in FACTORY_HEADERS:
                return Sort.FACTORY
            return Sort.FOREIGN if header in NAMED and self.why is None else Sort.RAW
        key = self.scheme.partition("-")[0].rstrip("+")
        return {"giai": Sort.GIAI, "grai": Sort.GRAI}.get(key, Sort.FOREIGN)

    @property
    def raw(self) -> str:
        """Write the content as `urn:epc:raw:96.xE280…`, which any content has."""
        return f"urn:epc:raw:{len(self.hex) * 4}.x{self.hex}"

    @property
    def identity(self) -> str:
        """Write the pure identity, a GS1 Digital Link for GIAI+ (its prefix length is not on the
        tag), or the raw URI."""
        if not self.parts:
            return self.raw
        if self.scheme == "giai+":
            return digital_link(self.parts[0])
        key = self.scheme.rpartition("-")[0]
        return f"urn:epc:id:{key}:" + ".".join(map(escaped, self.parts))

    @property
    def tag(self) -> str:
        """Write the tag URI: identity, filter and number of bits; raw where there is none."""
        if not self.parts or self.scheme == "giai+":
            return self.raw
        fields = (() if self.filter is None else (str(self.filter),)) + self.parts
        return f"urn:epc:tag:{self.scheme}:" + ".".join(map(escaped, fields))

    @property
    def giai(self) -> str:
        """Give the GIAI as it stands behind (8004), or nothing."""
        return "".join(self.parts) if self.sort is Sort.GIAI else ""


# Reading -------------------------------------------------------------------------


def read(text: str) -> Epc:
    """Read any content of an EPC bank, total for hexadecimal text: what no scheme allows is raw.

    Raises `BadEpc` only for text that is no hexadecimal content of a tag at all.
    """
    hex_ = _hexadecimal(text)
    try:
        return decode(hex_)
    except BadEpc as bad:
        words = hex_ + "0" * (-len(hex_) % 4)
        return Epc("raw", words, why=(bad.zh, bad.en) if _claimed(hex_) else None)


def decode(text: str) -> Epc:
    """Decode hexadecimal EPC content of a known scheme, or raise `BadEpc` with the reason.

    Zero bits behind the scheme's own are padding to a word and are dropped; other bits are not.
    """
    hex_ = _hexadecimal(text)
    header = int(hex_[:2], 16)
    if len(hex_) < 4:
        raise _too_short(hex_, "EPC", 16)
    if header == GID_HEADER:
        return _decode_gid(hex_)
    if header == GIAI_PLUS_HEADER:
        return _decode_giai_plus(hex_)
    scheme = BY_HEADER.get(header)
    if scheme is None:
        name = NAMED.get(header)
        if name:
            raise BadEpc(f"{name} 编码只识别，不解析。", f"{name} is recognised, not decoded.")
        if header in FACTORY_HEADERS:
            raise BadEpc(*_SORTS[Sort.FACTORY])
        raise BadEpc(
            f"头字节 {hex_[:2]} 不属于任何GS1编码。",
            f"Header {hex_[:2]} belongs to no GS1 scheme.",
        )
    return _decode_partitioned(scheme, hex_)


def tag_uris(contents: Iterable[str]) -> list[str]:
    """Write the tag URI of each content, fast: what a reader floods us with is one prefix.

    The same answers as `read(content).tag`, in the same order. Raises `BadEpc` for text that is
    not hexadecimal.
    """
    heads: dict[int, str] = {}  # header to prefix of a GIAI-96, told by all but its last 42 bits
    bases: dict[int, int] = {}
    answers: list[str] = []
    append = answers.append
    known = heads.get
    for content in contents:
        if len(content) == 24 and content.isascii():
            try:
                value = int(content, 16)
            except ValueError:
                raise _not_hexadecimal(content) from None
            top = value >> 42
            head = known(top)
            if head is not None:
                append(head + str(bases[top] + (value & 0x3FFFFFFFFFF)))
                continue
            if value >> 88 == 0x34 and content.isalnum():
                found = read(content)
                if found.scheme == "giai-96" and len(heads) < _HEADS_MAX:
                    head = found.tag
                    heads[top] = head[: head.rindex(".") + 1]
                    bases[top] = int(found.parts[1]) - (value & 0x3FFFFFFFFFF)
        append(read(content).tag)
    return answers


_HEADS_MAX: Final = 4_096


def _hexadecimal(text: str) -> str:
    hex_ = "".join(text.split()).upper()
    if not _HEX.fullmatch(hex_) or len(hex_) > HEX_CHARS_MAX:
        raise _not_hexadecimal(text)
    return hex_


def _not_hexadecimal(text: str) -> BadEpc:
    shown = text[:40]
    return BadEpc(
        f"“{shown}”不是标签内容：须为十六进制，至多{HEX_CHARS_MAX}位。",
        f"{shown!r} is no content of a tag: hexadecimal, at most {HEX_CHARS_MAX} digits.",
    )


def _too_short(hex_: str, name: str, bits: int) -> BadEpc:
    return BadEpc(
        f"内容只有{len(hex_) * 4}位，{name} 需要{bits}位。",
        f"The content has {len(hex_) * 4} bits; {name} needs {bits}.",
    )


def _claimed(hex_: str) -> bool:
    """Say whether the header belongs to a scheme that we decode."""
    return int(hex_[:2], 16) in {*BY_HEADER, GID_HEADER, GIAI_PLUS_HEADER}


def _own_bits(hex_: str, name: str, bits: int) -> int:
    """Return the scheme's own bits; the rest must be zero padding."""
    spare = len(hex_) * 4 - bits
    if spare < 0:
        raise _too_short(hex_, name, bits)
    value = int(hex_, 16)
    if value & ((1 << spare) - 1):
        raise BadEpc(
            f"{name} 编码之后还有不为零的位。", f"There are bits other than zero behind {name}."
        )
    return value >> spare


def _decode_partitioned(scheme: Scheme, hex_: str) -> Epc:
    value = _own_bits(hex_, scheme.name, scheme.bits)
    filter_ = value >> scheme.bits - 11 & 7
    partition = value >> scheme.bits - 14 & 7
    if partition > 6:
        raise BadEpc(
            f"{scheme.name} 的分区值 {partition} 无效，须为0至6。",
            f"Partition value {partition} of {scheme.name} is not valid; it is 0 to 6.",
        )
    prefix_bits, digits = PREFIX[partition]
    at = scheme.bits - 14 - prefix_bits
    prefix = _digits(scheme, value >> at & (1 << prefix_bits) - 1, digits)
    parts = [prefix]
    if scheme.digits:
        bits = scheme.shared - prefix_bits
        at -= bits
        parts.append(_digits(scheme, value >> at & (1 << bits) - 1, scheme.digits - digits))
    for _ in range(2 if scheme.pair else 0):
        at -= 7
        parts.append(_digits(scheme, value >> at & 127, 2))
    parts += _ending(scheme, value & (1 << at) - 1, at, len(prefix))
    hex_ = hex_[: scheme.words * 4].ljust(scheme.words * 4, "0")
    return Epc(scheme.name, hex_, filter_, tuple(parts))


def _digits(scheme: Scheme, number: int, digits: int) -> str:
    if number >= 10**digits:
        raise BadEpc(
            f"{scheme.name} 中的 {number} 超过{digits}位数字。",
            f"{number} in {scheme.name} has more than {digits} digits.",
        )
    return f"{number:0{digits}d}" if digits else ""


def _ending(scheme: Scheme, value: int, bits: int, prefix_digits: int) -> list[str]:
    """Read the last field; `bits` are what the earlier ones left."""
    if scheme.ending == "number":
        return [str(value)]
    if scheme.ending == "digits":
        kept = str(value)
        if kept[0] != "1" or not 2 <= len(kept) <= scheme.ending_chars + 1:
            raise _bad_serial(scheme.name)
        return [kept[1:]]
    if scheme.ending == "none":
        if value:
            raise BadEpc(
                f"{scheme.name} 的保留位不为零。", f"The reserved bits of {scheme.name} are not 0."
            )
        return []
    text = _text(scheme.name, value, bits)
    if len(text) > _chars_max(scheme, prefix_digits):
        raise _bad_serial(scheme.name)
    return [text]


def _text(name: str, value: int, bits: int) -> str:
    """Read 7-bit characters, left aligned, ended by zero bits only."""
    groups, spare = divmod(bits, 7)
    codes = [value >> spare + 7 * n & 127 for n in reversed(range(groups))]
    while codes and not codes[-1]:
        codes.pop()
    text = "".join(map(chr, codes))
    if value & (1 << spare) - 1 or not text or not CHARACTERS.issuperset(text):
        raise _bad_serial(name)
    return text


def _bad_serial(name: str) -> BadEpc:
    return BadEpc(
        f"{name} 的序列部分为空、过长，或含有不允许的字符。",
        f"The serial part of {name} is empty, too long, or has a character that is not allowed.",
    )


def _chars_max(scheme: Scheme, prefix_digits: int) -> int:
    return scheme.ending_chars if scheme.digits else GIAI_CHARS_MAX - prefix_digits


def _decode_gid(hex_: str) -> Epc:
    value = _own_bits(hex_, "gid-96", 96)
    manager, class_, serial = GID_BITS
    parts = (
        str(value >> class_ + serial & (1 << manager) - 1),
        str(value >> serial & (1 << class_) - 1),
        str(value & (1 << serial) - 1),
    )
    return Epc("gid-96", hex_[:24], None, parts)


def _decode_giai_plus(hex_: str) -> Epc:
    """Decode GIAI+ (TDS 2.3 §14.6): decimal digits a nibble each, then perhaps a coded tail."""
    body = hex_[3:]
    end = next((n for n, digit in enumerate(body) if digit in "ABCDEF"), -1)
    if end < 0 or body[end] not in "EF" or not end:
        raise _bad_serial("giai+")
    text, rest = body[:end], body[end + 1 :]
    bits = f"{int('1' + rest, 16):b}"[1:]
    if body[end] == "E":
        tail, used = _coded(bits)
        text, bits = text + tail, bits[used:]
    with_data = int(hex_[2], 16) >> 3
    if len(text) > GIAI_CHARS_MAX or not CHARACTERS.issuperset(text):
        raise _bad_serial("giai+")
    if not with_data and "1" in bits:
        raise BadEpc("giai+ 编码之后还有不为零的位。", "There are bits other than 0 behind giai+.")
    filter_ = int(hex_[2], 16) & 7
    words = hex_ + "0" * (-len(hex_) % 4)
    return Epc("giai+", words, filter_, (text,))


_BASE64URL: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CODE40: Final = " ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"


def _coded(bits: str) -> tuple[str, int]:
    """Read method (3 bits), length (5) and characters; return them and how many bits they took."""
    if len(bits) < 8:
        raise _bad_serial("giai+")
    method, length = int(bits[:3], 2), int(bits[3:8], 2)
    if method == 0:
        width = (10**length - 1).bit_length()
        value = int(_taken(bits, 8, width) or "0", 2)
        if value >= 10**length:
            raise _bad_serial("giai+")
        return f"{value:0{length}d}" if length else "", 8 + width
    if method == 5:
        width = -(-length // 3) * 16
        found = "".join(_code40(_taken(bits, 8 + at, 16)) for at in range(0, width, 16))
        return found[:length], 8 + width
    sizes = {1: (4, "0123456789ABCDEF"), 2: (4, "0123456789abcdef"), 3: (6, _BASE64URL)}
    size, alphabet = sizes.get(method, (7, "".join(map(chr, range(128)))))
    if method > 5:
        raise _bad_serial("giai+")
    taken = _taken(bits, 8, size * length)
    groups = (taken[a:b] for a, b in pairwise(range(0, size * length + 1, size)))
    return "".join(alphabet[int(group, 2)] for group in groups), 8 + size * length


def _taken(bits: str, start: int, width: int) -> str:
    if len(bits) < start + width:
        raise _bad_serial("giai+")
    return bits[start : start + width]


def _code40(bits: str) -> str:
    """Read three characters of URN Code 40: a·1600 + b·40 + c + 1 (TDS 2.3 §14.5)."""
    value = int(bits, 2) - 1
    if not 0 <= value < 64_000:
        raise _bad_serial("giai+")
    return "".join(_CODE40[n] for n in (value // 1600, value // 40 % 40, value % 40)).rstrip()


# Writing -------------------------------------------------------------------------


def giai(prefix: str, reference: str, *, bits: int = 96, filter_: int = 0) -> Epc:
    """Make the content for an asset: `bits` is 96 (digits only) or 202 (7-bit characters).

    `reference` is unescaped. Filter 0 is “all others”; 1 is a rail vehicle (TDS 2.3 §10.6).
    """
    return encode(f"urn:epc:tag:giai-{bits}:{filter_}.{prefix}.{escaped(reference)}")


def encode(uri: str) -> Epc:
    """Make the content of a tag from its tag URI, or raise `BadEpc`.

    Also reads `urn:epc:raw:` back. The fields keep their meaning or are refused: a leading zero
    that GIAI-96 would lose, a reference that is too large, an unescaped character.
    """
    lead = uri.split(":", 4)
    if len(lead) == 4 and lead[:3] == ["urn", "epc", "raw"]:
        return _encode_raw(uri, lead[3])
    if len(lead) < 5 or lead[:3] != ["urn", "epc", "tag"]:
        raise _bad_uri(uri)
    if lead[3] == "gid-96":
        return _encode_gid(uri, lead[4])
    scheme = BY_NAME.get(lead[3])
    filter_, dot, body = lead[4].partition(".")
    if scheme is None or not dot or not _FILTER.fullmatch(filter_):
        raise _bad_uri(uri)
    parts = _fields(scheme, body, uri)
    value = _laid(scheme, int(filter_), parts, uri)
    spare = scheme.words * 16 - scheme.bits
    hex_ = f"{value << spare:0{scheme.words * 4}X}"
    return Epc(scheme.name, hex_, int(filter_), parts)


def identity(uri: str) -> tuple[str, tuple[str, ...]]:
    """Read a pure identity: its key (`giai`) and its unescaped fields; raise `BadEpc`.

    Every key that we decode is read, and checked as strictly as its longest scheme.
    """
    lead = uri.split(":", 4)
    if len(lead) < 5 or lead[:3] != ["urn", "epc", "id"]:
        raise _bad_uri(uri)
    if lead[3] == "gid":
        return "gid", _encode_gid(uri, lead[4]).parts
    rows = [scheme for scheme in BY_NAME.values() if scheme.key == lead[3]]
    if lead[3] not in KEYS or not rows:
        raise _bad_uri(uri)
    widest = max(rows, key=lambda scheme: scheme.bits)
    parts = _fields(widest, lead[4], uri)
    if widest.ending == "text" and not 1 <= len(parts[-1]) <= _chars_max(widest, len(parts[0])):
        raise _bad_uri(uri)
    if widest.ending != "text":
        _laid(widest, 0, parts, uri)
    return lead[3], parts


def _bad_uri(uri: str) -> BadEpc:
    shown = uri[:80]
    return BadEpc(
        f"“{shown}”不是有效的EPC标识。", f"{shown!r} is not a valid EPC identity or tag URI."
    )


def _fields(scheme: Scheme, body: str, uri: str) -> tuple[str, ...]:
    """Split the fields of a URI; only the last may contain dots, and only it is escaped."""
    count = 1 + bool(scheme.digits) + 2 * scheme.pair + (scheme.ending != "none")
    fields = body.split(".", count - 1)
    if len(fields) != count:
        raise _bad_uri(uri)
    prefix = fields[0]
    if not _DIGITS.fullmatch(prefix) or not prefix.isascii() or len(prefix) not in PARTITION:
        raise _bad_uri(uri)
    if scheme.digits:
        wanted = scheme.digits - len(prefix)
        if len(fields[1]) != wanted or (wanted and not _is_digits(fields[1])):
            raise _bad_uri(uri)
    if scheme.pair and not all(len(f) == 2 and _is_digits(f) for f in fields[2:4]):
        raise _bad_uri(uri)
    if scheme.ending == "text":
        fields[-1] = _unescaped(fields[-1], uri)
    return tuple(fields)


def _is_digits(text: str) -> bool:
    return bool(_DIGITS.fullmatch(text)) and text.isascii()


def _unescaped(text: str, uri: str) -> str:
    bare = _ESCAPED.sub("", text)
    if not CHARACTERS.issuperset(bare) or any(c in ESCAPES for c in bare):
        raise _bad_uri(uri)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _laid(scheme: Scheme, filter_: int, parts: tuple[str, ...], uri: str) -> int:
    """Lay the fields into the scheme's bits."""
    prefix = parts[0]
    partition = PARTITION[len(prefix)]
    prefix_bits = PREFIX[partition][0]
    value = ((scheme.header << 3 | filter_) << 3 | partition) << prefix_bits | int(prefix)
    if scheme.digits:
        value = value << scheme.shared - prefix_bits | int(parts[1] or "0")
    for counter in parts[2:4] if scheme.pair else ():
        value = value << 7 | int(counter)
    bits = scheme.ending_bits or scheme.shared - prefix_bits
    last = parts[-1]
    if scheme.ending == "none":
        return value << bits
    if scheme.ending == "text":
        return value << bits | _laid_text(scheme, last, bits, len(prefix), uri)
    if scheme.ending == "number" and not (_NUMBER.fullmatch(last) and last.isascii()):
        raise BadEpc(
            f"“{last[:40]}”不能写入 {scheme.name}：须为不带前导零的数字。",
            f"{last[:40]!r} cannot go into {scheme.name}: a number without leading zeros.",
        )
    if scheme.ending == "digits" and not (_is_digits(last) and len(last) <= scheme.ending_chars):
        raise _bad_uri(uri)
    number = int("1" + last) if scheme.ending == "digits" else int(last)
    if number >= 1 << bits:
        raise BadEpc(
            f"{last} 超过 {scheme.name} 在此前缀长度下的最大值 {(1 << bits) - 1}。",
            f"{last} is above the largest value of {scheme.name} here, {(1 << bits) - 1}.",
        )
    return value << bits | number


def _laid_text(scheme: Scheme, text: str, bits: int, prefix_digits: int, uri: str) -> int:
    if not 1 <= len(text) <= _chars_max(scheme, prefix_digits):
        raise _bad_uri(uri)
    value = 0
    for character in text:
        value = value << 7 | ord(character)
    return value << bits - 7 * len(text)


def _encode_gid(uri: str, body: str) -> Epc:
    fields = body.split(".")
    if len(fields) != 3 or not all(_NUMBER.fullmatch(f) and f.isascii() for f in fields):
        raise _bad_uri(uri)
    value = GID_HEADER
    for bits, field in zip(GID_BITS, fields, strict=True):
        if int(field) >= 1 << bits:
            raise _bad_uri(uri)
        value = value << bits | int(field)
    return Epc("gid-96", f"{value:024X}", None, tuple(fields))


def _encode_raw(uri: str, body: str) -> Epc:
    found = re.fullmatch(r"([1-9][0-9]{0,3})\.x([0-9A-Fa-f]+)", body)
    if not found or int(found[1]) != len(found[2]) * 4 or int(found[1]) % 16:
        raise _bad_uri(uri)
    return read(found[2])


# Other spellings -----------------------------------------------------------------


def digital_link(giai_: str) -> str:
    """Write a GIAI as the canonical GS1 Digital Link, the one form identities are compared in."""
    return "https://id.gs1.org/8004/" + quote(giai_, safe="")


def element_string(uri: str) -> str:
    """Write a pure identity of a GIAI or GRAI as GS1 element string: `(8004)…`, `(8003)0…`."""
    key, parts = identity(uri)
    if key == "giai":
        return f"(8004){parts[0]}{parts[1]}"
    if key == "grai":
        body = f"{parts[0]}{parts[1]}"
        return f"(8003)0{body}{check_digit('0' + body)}{parts[2]}"
    raise _bad_uri(uri)


def from_element_string(text: str, *, prefix_digits: int) -> str:
    """Read `(8004)…` or `(8003)0…` into a pure identity; only its owner knows the prefix length."""
    key, value = text[:6], text[6:]
    prefix, rest = value[:prefix_digits], value[prefix_digits:]
    if key == "(8003)":
        body, serial = value[:14], value[14:]
        prefix, type_ = body[1 : prefix_digits + 1], body[prefix_digits + 1 : 13]
        if body[:1] != "0" or not _is_digits(body) or check_digit(body[:13]) != body[13:]:
            raise _bad_uri(text)
        uri = f"urn:epc:id:grai:{prefix}.{type_}.{escaped(serial)}"
    elif key == "(8004)":
        uri = f"urn:epc:id:giai:{prefix}.{escaped(rest)}"
    else:
        raise _bad_uri(text)
    identity(uri)
    return uri


def check_digit(digits: str) -> str:
    """Compute the GS1 check digit of the digits before it (General Specifications §7.9.1)."""
    weighted = (int(d) * (1 if n % 2 else 3) for n, d in enumerate(reversed(digits)))
    return str(-sum(weighted) % 10)
