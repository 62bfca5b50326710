"""Say how GS1 lays identifiers into the bits of a radio tag: one row a scheme, one column a length.

Source: GS1 EPC Tag Data Standard 2.3 §14 (coding tables) and §15 (memory); the tables of the 96-bit
schemes are the same in 1.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

# By partition value: how many bits the company prefix has, and how many digits.
PREFIX: Final = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))
PARTITION: Final[Mapping[int, int]] = {digits: p for p, (_, digits) in enumerate(PREFIX)}

# How the last field is written: a number without leading zeros, 7-bit characters, digits that keep
# their zeros behind a 1, or nothing but zero bits.
Ending = Literal["number", "text", "digits", "none"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to lay a GS1 key into bits, after header (8), filter (3) and partition (3).

    `shared` bits hold prefix and reference together; the reference has `digits` minus the digits
    of the prefix, and none when `digits` is 0. `pair` says that two 7-bit counters follow (ITIP).
    `ending` has `ending_bits`, and at most `ending_chars` characters.
    """

    name: str
    header: int
    bits: int
    shared: int
    digits: int
    ending: Ending
    ending_bits: int = 0
    ending_chars: int = 0
    pair: bool = False

    @property
    def key(self) -> str:
        """Give the name in a pure identity: `giai-96` and `giai-202` are both `giai`."""
        return self.name.rpartition("-")[0]

    @property
    def words(self) -> int:
        """Count the 16-bit words on the tag."""
        return -(-self.bits // 16)


ROWS: Final = (
    Scheme("gdti-96", 0x2C, 96, 41, 12, "number", 41, 13),
    Scheme("gsrn-96", 0x2D, 96, 58, 17, "none", 24),
    Scheme("gsrnp-96", 0x2E, 96, 58, 17, "none", 24),
    Scheme("sgtin-96", 0x30, 96, 44, 13, "number", 38, 12),
    Scheme("sscc-96", 0x31, 96, 58, 17, "none", 24),
    Scheme("sgln-96", 0x32, 96, 41, 12, "number", 41, 13),
    Scheme("grai-96", 0x33, 96, 44, 12, "number", 38, 12),
    Scheme("giai-96", 0x34, 96, 82, 0, "number", 0, 19),
    Scheme("sgtin-198", 0x36, 198, 44, 13, "text", 140, 20),
    Scheme("grai-170", 0x37, 170, 44, 12, "text", 112, 16),
    Scheme("giai-202", 0x38, 202, 188, 0, "text", 0, 24),
    Scheme("sgln-195", 0x39, 195, 41, 12, "text", 140, 20),
    Scheme("gdti-174", 0x3E, 174, 41, 12, "text", 119, 17),
    Scheme("sgcn-96", 0x3F, 96, 41, 12, "digits", 41, 12),
    Scheme("itip-110", 0x40, 110, 44, 13, "number", 38, 12, pair=True),
    Scheme("itip-212", 0x41, 212, 44, 13, "text", 140, 20, pair=True),
)
BY_HEADER: Final[Mapping[int, Scheme]] = {scheme.header: scheme for scheme in ROWS}
BY_NAME: Final[Mapping[str, Scheme]] = {scheme.name: scheme for scheme in ROWS}
KEYS: Final = frozenset(scheme.key for scheme in ROWS)

GID_HEADER: Final = 0x35
GID_BITS: Final = (28, 24, 36)
GIAI_PLUS_HEADER: Final = 0xFA
# Headers of the standard that we name and keep raw (TDS 2.3 table 14-1), and what they say.
NAMED: Final[Mapping[int, str]] = {
    0x2F: "usdod-96",
    0x3B: "adi-var",
    0x3C: "cpi-96",
    0x3D: "cpi-var",
    0xEE: "giai++",
    0xF0: "cpi+",
    0xF1: "grai+",
    0xF2: "sgln+",
    0xF3: "itip+",
    0xF4: "gsrn+",
    0xF5: "gsrnp+",
    0xF6: "gdti+",
    0xF7: "sgtin+",
    0xF8: "sgcn+",
    0xF9: "sscc+",
    0xFB: "dsgtin+",
}
FACTORY_HEADERS: Final = frozenset({0x00, 0xE2})

# GS1 General Specifications, AI encodable character set 82.
CHARACTERS: Final = frozenset(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
ESCAPES: Final[Mapping[str, str]] = {c: f"%{ord(c):02X}" for c in '"%&/<>?'}
GIAI_CHARS_MAX: Final = 30


def escaped(text: str) -> str:
    """Write a serial as URIs want it: exactly seven characters are escaped (TDS 2.3 §6)."""
    return text.translate(_ESCAPING)


_ESCAPING: Final = str.maketrans(dict(ESCAPES))
