"""Draw a QR symbol dot by dot: the smallest that keeps every module printable.

The `qrcode` package computes the modules (ISO/IEC 18004); the raster is ours, one bit deep, because
a module that is not a whole number of printer dots does not scan after one dot of bleed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Final

from PIL import Image
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError

from labels.qr_mask import Code

QUIET_MODULES: Final = 4
MODULE_MM_MIN: Final = 0.33
PAYLOAD_CHARS_MAX: Final = 300


class Level(Enum):
    """How much damage a symbol survives: Q about 25 % of its codewords, M about 15 %."""

    Q = ERROR_CORRECT_Q
    M = ERROR_CORRECT_M


class DoesNotFit(ValueError):
    """Refuse a payload whose modules would be too small to print; `zh` and `en` say so."""

    def __init__(self, chars: int) -> None:
        self.zh = f"二维码内容有{chars}个字符，在此版面上无法印得可读。"
        self.en = f"A code of {chars} characters cannot be printed readably at this size."
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR symbol ready to draw: its modules without quiet zone, and the dots per module."""

    modules: tuple[tuple[bool, ...], ...]
    level: Level
    dots: int

    @property
    def version(self) -> int:
        return (len(self.modules) - 17) // 4

    @property
    def side_dots(self) -> int:
        """The side with the quiet zone, in printer dots."""
        return (len(self.modules) + 2 * QUIET_MODULES) * self.dots


def dots_min(dpi: int) -> int:
    """Tell the fewest dots a module may have: 4 at 300 dpi, 3 at 203 dpi (0.33 mm)."""
    return ceil(MODULE_MM_MIN * dpi / 25.4)


def fit(payload: str, *, side_dots: int, dpi: int) -> Symbol:
    """Choose level and module size for a square of paper: Q where it stays printable, else M.

    Raises `DoesNotFit` when even M would need modules below 0.33 mm.
    """
    if not payload.isascii():
        raise DoesNotFit(len(payload))
    return fit_text(payload, side_dots=side_dots, dpi=dpi)


def fit_text(payload: str, *, side_dots: int, dpi: int) -> Symbol:
    """Do the same for text in any script, written in UTF-8: a signed note has a dash in it."""
    written = payload.encode()
    if not 0 < len(written) <= PAYLOAD_CHARS_MAX:
        raise DoesNotFit(len(payload))
    for level in Level:
        modules = _modules(written, level)
        dots = side_dots // (len(modules) + 2 * QUIET_MODULES)
        if dots >= dots_min(dpi):
            return Symbol(modules, level, dots)
    raise DoesNotFit(len(payload))


def pixels(symbol: Symbol) -> Image.Image:
    """Draw a symbol with its quiet zone, one bit per dot, black on white."""
    count = len(symbol.modules)
    side = count + 2 * QUIET_MODULES
    small = Image.new("1", (side, side), 1)
    bits = Image.new("1", (count, count), 1)
    bits.putdata([0 if dark else 255 for row in symbol.modules for dark in row])
    small.paste(bits, (QUIET_MODULES, QUIET_MODULES))
    return small.resize((symbol.side_dots, symbol.side_dots), Image.Resampling.NEAREST)


def png(payload: str, *, side_mm: float = 22.0, dpi: int = 300) -> bytes:
    """Print a bare symbol within a square of paper, for places that need no text."""
    symbol = fit(payload, side_dots=int(side_mm * dpi / 25.4), dpi=dpi)
    return png_bytes(pixels(symbol), dpi=dpi)


def png_bytes(image: Image.Image, *, dpi: int) -> bytes:
    """Write a raster as PNG with its physical size, so that printing at 100 % is printing to scale."""
    out = io.BytesIO()
    # Level 9 costs ten times the time of 6 for a few bytes.
    image.save(out, "PNG", dpi=(dpi, dpi), compress_level=6)
    return out.getvalue()


def _modules(payload: bytes, level: Level) -> tuple[tuple[bool, ...], ...]:
    code = Code(version=None, error_correction=level.value, box_size=1, border=0)
    # One segment: what is gained by splitting into modes is not worth 2 ms a label.
    code.add_data(payload, optimize=0)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as full:
        raise DoesNotFit(len(payload)) from full
    return tuple(tuple(bool(module) for module in row) for row in code.modules)
