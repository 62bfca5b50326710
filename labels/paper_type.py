"""Set papers in the bundled type: which characters it has, how wide text is, where it breaks.

Measured in points (1/72 inch). Fonts of the machine are never used: a paper looks and reads the
same wherever it is printed, and carries its type with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from labels import glyphs

# One type in three files, asked in this order: what is common, other characters of the basic
# Chinese block, and rare ones.
PARTS: Final = ("common", "basic", "rare")
BFCHARS_MAX: Final = 100  # entries that one block of a ToUnicode map may have (Adobe note 5411)

# 避头尾: marks that do not begin a line, and marks that do not end one.
_NEVER_FIRST: Final = frozenset("，。、；：？！…—）》」』】〕〉”’％℃,.;:?!)]}%")
_NEVER_LAST: Final = frozenset("（《「『【〔〈“‘￥¥$([{")


class PaperType(TTFont):
    """The type as ReportLab embeds it: a subset of what a paper uses, each glyph once."""

    def addObjects(self, doc: Any) -> None:  # noqa: N802 - the library's name
        """Embed the subsets, and say in UTF-16 which character each code is.

        The library writes a character beyond U+FFFF as five digits, which no reader understands:
        rare names could be seen but neither copied nor searched.
        """
        subsets = [tuple(subset) for subset in self.state[doc].subsets]
        before = set(doc.idToObject)
        super().addObjects(doc)
        added = (key for key in doc.idToObject if key not in before)
        maps = [doc.idToObject[key] for key in added if key.startswith("toUnicodeCMap:")]
        for stream, subset in zip(maps, subsets, strict=True):
            stream.content = _to_unicode(subset)


@cache
def parts() -> dict[str, PaperType]:
    """Load the type once and make it known to the library, by the names to draw with."""
    found: dict[str, PaperType] = {}
    for part in PARTS:
        name = f"GongwuPaper-{part}"
        found[name] = PaperType(name, str(file(part)), shapable=False)
        # Else the library would take the subsets of all parts for one another's.
        face: Any = found[name].face
        face.name = face.name + b"-" + part.encode()
        pdfmetrics.registerFont(found[name])
    return found


def file(part: str) -> Path:
    """Return where a part of the type lies."""
    return glyphs.FONTS / f"NotoSansSC-papers-{part}.ttf"


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Split tidied text by the part of the type that has its characters."""
    known = _characters()
    for name, run in groupby(text, key=lambda character: known[character][0]):
        yield name, "".join(run)


def _to_unicode(subset: Sequence[int]) -> str:
    """Return the map from one byte to a character (PDF 32000-1, 9.10.3)."""
    entries = [
        f"<{code:02X}> <{chr(character).encode('utf-16-be').hex().upper()}>"
        for code, character in enumerate(subset)
    ]
    blocks = (entries[n : n + BFCHARS_MAX] for n in range(0, len(entries), BFCHARS_MAX))
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin",
            "12 dict begin",
            "begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def",
            "/CMapType 2 def",
            "1 begincodespacerange",
            "<00> <FF>",
            "endcodespacerange",
            *(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks),
            "endcmap",
            "CMapName currentdict /CMap defineresource pop",
            "end",
            "end",
        ]
    )


# Characters -------------------------------------------------------------------


def tidy(text: str) -> str:
    """Write text as it is printed: lines kept, blanks collapsed, what cannot be seen left out.

    A character the type does not have is printed as its number, 〔U+1F697〕: it is never silently
    lost, and `missing` says which they are.
    """
    lines = (glyphs.tidy(line) for line in text.splitlines() or [""])
    known = _widths()
    return "\n".join(
        "".join(c if c in known else f"〔U+{ord(c):04X}〕" for c in line) for line in lines
    )


def missing(texts: Iterable[str]) -> tuple[str, ...]:
    """List the characters of some texts that the type does not have, each once, in order."""
    known = _widths()
    return tuple(
        dict.fromkeys(
            c
            for text in texts
            for line in text.splitlines()
            for c in glyphs.tidy(line)
            if c not in known
        )
    )


@cache
def _characters() -> dict[str, tuple[str, float]]:
    """Return of each character which part of the type has it, and its width in ems."""
    found: dict[str, tuple[str, float]] = {}
    for name, font in parts().items():
        face: Any = font.face
        for code, width in face.charWidths.items():
            found.setdefault(chr(code), (name, width / 1000))
    return found


@cache
def _widths() -> dict[str, float]:
    """Return the width of each character the type has, in ems; the type has no kerning."""
    return {character: width for character, (_, width) in _characters().items()}


# Lines ------------------------------------------------------------------------


def width(text: str, size: float) -> float:
    """Measure one line of tidied text in points."""
    widths = _widths()
    return size * sum(widths[character] for character in text)


def wrap(text: str, size: float, room: float) -> list[str]:
    """Break tidied text into lines that fit: Chinese between characters, Latin between words.

    A word longer than half a line is broken where the line ends; nothing is cut off.
    """
    return [line for given in text.split("\n") for line in _lines(given, room / size)]


def _lines(text: str, ems: float) -> Iterator[str]:
    widths = _widths()
    start = 0
    while True:
        end, filled = start, 0.0
        while end < len(text) and (filled := filled + widths[text[end]]) <= ems:
            end += 1
        end = max(end, start + 1)
        if end >= len(text):
            yield text[start:]
            return
        end = _place(text, start, end)
        yield text[start:end].rstrip()
        start = end + (len(text[end:]) - len(text[end:].lstrip()))


def _place(text: str, start: int, end: int) -> int:
    """Step back to a good place to break, but never more than half the line."""
    for place in range(end, start + (end - start) // 2, -1):
        before, after = text[place - 1], text[place]
        if after in _NEVER_FIRST or before in _NEVER_LAST:
            continue
        if before in " -/" or after == " " or not (_in_word(before) and _in_word(after)):
            return place
    return end


def _in_word(character: str) -> bool:
    """Tell whether a character holds together with its like: Latin, Greek, Cyrillic, figures."""
    return ord(character) < 0x2E80 and not character.isspace()
