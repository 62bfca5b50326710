"""Say what a label looks like: its size, its code, which fields it has, what happens to long text.

A template is data: those that come with the program stand here, a unit draws up its own. Lengths
are millimetres; printers count dots, so everything is rounded to dots once, in `metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from domain.label_design import LabelField, Overflow
from labels.identity import BadLabel

DPI: Final = 300
DPIS: Final = (203, 300, 600)  # what label printers have
MM_PER_INCH: Final = 25.4
A4_MM: Final = (210.0, 297.0)
POINTS_MIN: Final = 6  # the smallest print that is still read at arm's length

_STANDARD: Final = (
    LabelField.NAME,
    LabelField.MODEL,
    LabelField.DEPARTMENT,
    LabelField.IN_SERVICE,
)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where labels stand on a sheet of A4: margins and gaps in millimetres."""

    columns: int
    rows: int
    left_mm: float
    top_mm: float
    gap_across_mm: float = 0.0
    gap_down_mm: float = 0.0

    @property
    def places(self) -> int:
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class Template:
    """One face of labels; `grid` is None for a roll, where every label is a page of its own.

    `gap_mm` is the gap between two labels of a roll. `signed` asks for a code that is checked
    without the server (labels/signed.py); it has room for the larger symbol.
    """

    name: str
    zh: str
    en: str
    width_mm: float
    height_mm: float
    code_mm: float
    fields: tuple[LabelField, ...] = _STANDARD
    overflow: Overflow = Overflow.SHRINK
    grid: Grid | None = None
    gap_mm: float = 2.0
    dpi: int = DPI
    signed: bool = False

    def at(self, dpi: int) -> Template:
        """Return the same face for a printer of another resolution."""
        if dpi not in DPIS:
            allowed = "、".join(map(str, DPIS))
            raise BadLabel(
                f"打印分辨率须为{allowed} dpi之一。",
                f"The resolution is one of {allowed.replace('、', ', ')} dpi.",
            )
        return replace(self, dpi=dpi)


@dataclass(frozen=True, slots=True)
class Metrics:
    """A template in the dots of its printer."""

    width: int
    height: int
    margin: int  # at the sides: what a label printer may be off
    head: int  # the unit's line, with the rule below it
    foot: int  # the identity in digits
    code: int
    gap: int
    paragraph: int
    small: int  # POINTS_MIN
    text: range
    identity: range
    number: tuple[range, range]

    def dots(self, at_300: float) -> int:
        """Scale a length drawn for 300 dpi."""
        return max(1, round(at_300 * self.small / 25))


@cache
def metrics(template: Template) -> Metrics:
    """Round a template to dots; type grows with the label, and never below 6 points."""

    def dots(mm: float) -> int:
        return round(mm * template.dpi / MM_PER_INCH)

    small = -(-POINTS_MIN * template.dpi // 72) if template.dpi != 300 else 25
    larger = max(1.0, min(template.width_mm / 50, template.height_mm / 30))

    def sizes(largest: int, smallest: int) -> range:
        scale = template.dpi / 300 * larger
        return range(
            max(small, round(largest * scale)), max(small, round(smallest * scale)) - 1, -1
        )

    text = sizes(30, 30)[0]
    return Metrics(
        width=dots(template.width_mm),
        height=dots(template.height_mm),
        margin=dots(1.2),
        head=dots(4.06 * larger),
        foot=dots(2.71 * larger),
        code=dots(template.code_mm),
        gap=dots(0.85),
        paragraph=dots(0.34),
        small=small,
        text=range(text, small - 1, -1),
        identity=range(max(small, sizes(26, 26)[0]), small - 1, -1),
        number=(sizes(46, 34), range(max(small, sizes(34, 34)[0]), small - 1, -1)),
    )


ROLL_50: Final = Template("roll-50x30", "卷装 50×30 毫米", "Roll 50 × 30 mm", 50, 30, 22.5)
ROLL_60: Final = Template("roll-60x40", "卷装 60×40 毫米", "Roll 60 × 40 mm", 60, 40, 28)
ROLL_70: Final = Template("roll-70x40", "卷装 70×40 毫米", "Roll 70 × 40 mm", 70, 40, 28)
# 3 × 70 mm fill the width; 8 × 37 mm leave half a millimetre above and below. Office printers do
# not reach the last 4.2 mm of a sheet: what is printed stands in the middle of each label.
SHEET_70: Final = Template(
    "a4-70x37", "A4 3×8，无边距（70×37 毫米）", "A4 3 × 8, no margins (70 × 37 mm)", 61, 30, 22.5,
    grid=Grid(3, 8, 4.5, 4.0, 9.0, 7.0),
)  # fmt: skip
SHEET_64: Final = Template(
    "a4-64x34", "A4 3×8，有边距（63.5×33.9 毫米）", "A4 3 × 8, with margins (63.5 × 33.9 mm)", 63.5,
    33.9, 24, grid=Grid(3, 8, 7.25, 12.9, 2.5),
)  # fmt: skip

# 65 modules of a signed code at level Q keep 5 dots at 300 dpi, and 3 at 203.
SIGNED_70: Final = Template(
    "signed-70x40", "高安全 70×40 毫米（带签名，可离线校验）",
    "High security 70 × 40 mm (signed, checked offline)", 70, 40, 28, signed=True,
)  # fmt: skip

PRESETS: Final[Mapping[str, Template]] = {
    template.name: template
    for template in (ROLL_50, ROLL_60, ROLL_70, SHEET_70, SHEET_64, SIGNED_70)
}
