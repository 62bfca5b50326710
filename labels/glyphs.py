"""Set Chinese text with the bundled type: what it can write, how wide it is, where it breaks.

Printer-resident fonts and fonts of the machine are never used: the bytes that are tested are the
bytes that are printed.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import accumulate, takewhile
from math import ceil
from pathlib import Path
from typing import Final

from PIL import ImageFont

FONTS: Final = Path(__file__).parent / "fonts"
ELLIPSIS: Final = "…"

# 避头: marks that do not begin a line.
_NEVER_FIRST: Final = frozenset("，。、；：？！…）》」』】〕”’,.;:?!)]}%℃")

# 避尾: marks that do not end one.
_NEVER_LAST: Final = frozenset("（《「『【〔“‘([{")


class Face(Enum):
    """The two bundled fonts, by file."""

    TEXT = "NotoSansSC-labels.otf"
    NUMBER = "NotoSansMonoSC-Bold-numbers.otf"


@dataclass(frozen=True, slots=True)
class Setting:
    """Lines of text in one size (dots per em); `cut` says that "…" stands for a lost rest."""

    lines: tuple[str, ...]
    size_dots: int
    cut: bool = False


def tidy(text: str) -> str:
    """Write text as one printable line: NFC, blanks collapsed, control characters gone."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(" " if c.isspace() else c for c in composed if c.isspace() or _is_visible(c))
    return " ".join(kept.split())


def _is_visible(character: str) -> bool:
    """Say whether a character is meant to be seen; unassigned ones are, and will be missed."""
    return unicodedata.category(character) not in ("Cc", "Cf")


def missing_glyphs(text: str) -> tuple[str, ...]:
    """List the characters the bundled type cannot write, each once, in the order of the text.

    Ask before printing: a font silently draws a box, or nothing, where it has no glyph.
    """
    return tuple(dict.fromkeys(c for c in tidy(text) if ord(c) not in coverage(Face.TEXT)))


@cache
def font(face: Face, size_dots: int) -> ImageFont.FreeTypeFont:
    """Load one font in one size, laid out glyph by glyph (no shaping library needed)."""
    path = FONTS / face.value
    return ImageFont.truetype(path, size_dots, layout_engine=ImageFont.Layout.BASIC)


@cache
def coverage(face: Face) -> frozenset[int]:
    """Read from the font itself which code points it has glyphs for (OpenType `cmap` table)."""
    return frozenset(_mapped((FONTS / face.value).read_bytes()))


def _mapped(data: bytes) -> Iterator[int]:
    """Walk the Unicode subtables: format 12 beyond the basic plane, format 4 within it."""
    tables = struct.unpack_from(">H", data, 4)[0]
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * n) for n in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    for n in range(struct.unpack_from(">H", data, start + 2)[0]):
        at = start + struct.unpack_from(">HHI", data, start + 4 + 8 * n)[2]
        match struct.unpack_from(">H", data, at)[0]:
            case 12:
                for group in range(struct.unpack_from(">I", data, at + 12)[0]):
                    first, last, _ = struct.unpack_from(">III", data, at + 16 + 12 * group)
                    yield from range(first, last + 1)
            case 4:
                # Only segments: their holes map to glyph 0, which a subset of whole runs lacks.
                count = struct.unpack_from(">H", data, at + 6)[0] // 2
                ends = struct.unpack_from(f">{count}H", data, at + 14)
                starts = struct.unpack_from(f">{count}H", data, at + 16 + 2 * count)
                for first, last in zip(starts, ends, strict=True):
                    yield from range(first, min(last, 0xFFFE) + 1)
            case _:
                continue


def width(text: str, face: Face, size_dots: int) -> int:
    """Measure one line in dots, rounded up; the bundled type has no kerning, so widths add up."""
    return ceil(sum(_advance(character, face, size_dots) for character in text))


@cache
def _advance(character: str, face: Face, size_dots: int) -> float:
    part = face if ord(character) in coverage(face) else Face.TEXT
    return font(part, size_dots).getlength(character)


def runs(text: str, face: Face) -> Iterator[tuple[Face, str]]:
    """Split text by the font that has its glyphs: what `face` lacks falls back to the text face."""
    run = ""
    current = face
    for character in text:
        part = face if ord(character) in coverage(face) else Face.TEXT
        if part is not current and run:
            yield current, run
            run = ""
        current, run = part, run + character
    if run:
        yield current, run


def fit(text: str, *, width_dots: int, sizes: Sequence[range], face: Face = Face.TEXT) -> Setting:
    """Set text within a width: first on one line in the sizes of `sizes[0]`, then on two in those
    of `sizes[1]`, and so on; what fits nowhere is cut with "…" in the last size of all.
    """
    for lines, sizes_dots in enumerate(sizes, start=1):
        for size in sizes_dots:
            broken = _break(text, width_dots, size, face)
            if len(broken) <= lines:
                return Setting(tuple(broken), size)
    size = sizes[-1][-1]
    kept = _break(text, width_dots, size, face)[: len(sizes)]
    kept[-1] = _cut(kept[-1], width_dots, size, face)
    return Setting(tuple(kept), size, cut=True)


def _break(text: str, width_dots: int, size_dots: int, face: Face) -> list[str]:
    """Break greedily: Chinese between characters, Latin words at blanks and hyphens if any."""
    lines: list[str] = []
    rest = text
    while rest:
        end = _longest(rest, width_dots, size_dots, face)
        if end < len(rest):
            end = _good_break(rest, end)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines or [""]


def _longest(text: str, width_dots: int, size_dots: int, face: Face) -> int:
    """Count how many characters fit on a line; at least one, or breaking would never end."""
    ends = accumulate(_advance(character, face, size_dots) for character in text)
    return max(1, sum(1 for _ in takewhile(lambda end: end <= width_dots, ends)))


def _good_break(text: str, end: int) -> int:
    """Step back to a better place to break, but never more than half the line."""
    for place in range(end, end // 2, -1):
        before, after = text[place - 1], text[place]
        inside_word = before.isascii() and after.isascii() and before not in " -/,"
        hangs = after in _NEVER_FIRST or before in _NEVER_LAST
        if not hangs and (not inside_word or after == " "):
            return place
    return end


def _cut(text: str, width_dots: int, size_dots: int, face: Face) -> str:
    """Drop characters from the end until the rest and "…" fit."""
    kept = text
    while kept and width(kept + ELLIPSIS, face, size_dots) > width_dots:
        kept = kept[:-1].rstrip()
    return kept + ELLIPSIS
