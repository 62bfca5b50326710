"""Draw the face of a label, 50 × 30 mm at 300 dpi: the code on the left, Chinese text on the right.

The asset number is printed whole or not at all; any other text shrinks to 6 pt and is then cut with
"…", and `layout` tells which. No names of people, no values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageDraw

from labels import glyphs, qr
from labels.glyphs import Face, Setting

DPI: Final = 300
WIDTH_DOTS: Final = 591  # 50 mm
HEIGHT_DOTS: Final = 354  # 30 mm
POINT_6: Final = 25  # 6 pt, the smallest print that is still read at arm's length
TEXT_CHARS_MAX: Final = 500

_MARGIN: Final = 14  # 1.2 mm at the sides: what a label printer may be off
_HEAD: Final = 48  # the unit's line, with the rule below it
_FOOT: Final = 32  # the identity in digits
_CODE_DOTS: Final = 266  # 22.5 mm
_GAP: Final = 10
_LEADING: Final = 1.16  # line height in ems; the type's own 1.45 is for books
_PARAGRAPH: Final = 4

# Sizes to try, largest first, in dots; one range for each number of lines.
_TEXT_SIZES: Final = range(30, POINT_6 - 1, -1)
_IDENTITY_SIZES: Final = range(26, POINT_6 - 1, -1)
_NUMBER_SIZES: Final = (range(46, 33, -1), range(34, POINT_6 - 1, -1))

_FIELDS: Final = ("name", "model", "department", "in_service")
_WRAPPING: Final = ("name", "department", "model")

Language = Literal["zh", "en"]

_CAPTIONS: Final = {
    "zh": ("名称", "型号", "部门", "启用", "示例"),
    "en": ("Item", "Model", "Dept", "Since", "EXAMPLE"),
}


class Unprintable(ValueError):
    """Refuse text that would not be printed as it is written; `zh` and `en` say what to change.

    `characters` are those without a glyph; empty when an asset number is too long to print whole.
    """

    def __init__(self, zh: str, en: str, characters: tuple[str, ...] = ()) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.characters = characters


@dataclass(frozen=True, slots=True)
class LabelFace:
    """What a person reads on a label. Empty fields are left out, never filled in.

    `identity` is the code's identity in digits, `in_service` a date as written. `example` marks
    labels of the demonstration, so that none is ever taken for a real one.
    """

    unit: str
    asset_no: str
    name: str
    model: str = ""
    department: str = ""
    in_service: str = ""
    identity: str = ""
    example: bool = False
    language: Language = "zh"


@dataclass(frozen=True, slots=True)
class Placed:
    """One line of text where it stands: the left end of its baseline, in dots."""

    text: str
    face: Face
    size_dots: int
    x: int
    baseline: int
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A label before it is drawn: its lines, its code, and the fields that had to be cut."""

    lines: tuple[Placed, ...]
    symbol: qr.Symbol
    cut: tuple[str, ...]


def png(face: LabelFace, payload: str) -> bytes:
    """Print one label as a PNG of 50 × 30 mm at 300 dpi.

    Raises `Unprintable` for text, `qr.DoesNotFit` for a payload that cannot be printed whole.
    """
    return qr.png_bytes(pixels(face, payload), dpi=DPI)


def pixels(face: LabelFace, payload: str) -> Image.Image:
    """Draw one label as the raster a printer gets: 591 × 354 dots, one bit each, black on white."""
    plan = layout(face, payload)
    image = Image.new("1", (WIDTH_DOTS, HEIGHT_DOTS), 1)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    image.paste(qr.pixels(plan.symbol), (0, _HEAD))
    draw.line((_MARGIN, _HEAD - 5, WIDTH_DOTS - _MARGIN, _HEAD - 5), fill=0, width=2)
    for line in plan.lines:
        _write(draw, line)
    return image


def layout(face: LabelFace, payload: str) -> Layout:
    """Decide where everything stands and what has to shrink; the same values draw the same label."""
    symbol = qr.fit(payload, side_dots=_CODE_DOTS, dpi=DPI)
    _check(face)
    settings: dict[str, Setting] = {}
    lines = (
        *_head(face, settings),
        *_column(face, symbol.side_dots, settings),
        *_foot(face, settings),
    )
    return Layout(lines, symbol, tuple(name for name, set_ in settings.items() if set_.cut))


def _check(face: LabelFace) -> None:
    texts = (face.unit, face.asset_no, face.name, face.model, face.department, face.in_service)
    missing = glyphs.missing_glyphs("".join((*texts, face.identity)))
    if missing:
        named = "、".join(f"{c} (U+{ord(c):04X})" for c in missing)
        raise Unprintable(
            f"标签字库缺少这些字：{named}。",
            f"The label font has no glyph for: {named.replace('、', ', ')}.",
            missing,
        )
    if not glyphs.tidy(face.asset_no):
        raise Unprintable("标签必须印有资产编号。", "A label needs an asset number.")
    if any(len(text) > TEXT_CHARS_MAX for text in texts):
        raise Unprintable(
            f"标签文字不得超过{TEXT_CHARS_MAX}个字符。",
            f"A text on a label has at most {TEXT_CHARS_MAX} characters.",
        )


def _head(face: LabelFace, settings: dict[str, Setting]) -> Iterator[Placed]:
    """Set the unit's name, and the mark of an example at its right."""
    right = WIDTH_DOTS - _MARGIN
    if face.example:
        mark = _CAPTIONS[face.language][4]
        right -= glyphs.width(mark, Face.TEXT, POINT_6) + 2 * 6
        yield Placed(mark, Face.TEXT, POINT_6, right + 6, _HEAD - 15, inverse=True)
        right -= 10
    unit = glyphs.fit(
        glyphs.tidy(face.unit),
        width_dots=right - _MARGIN,
        sizes=(_TEXT_SIZES,),
    )
    settings["unit"] = unit
    yield Placed(unit.lines[0], Face.TEXT, unit.size_dots, _MARGIN, _HEAD - 14)


def _foot(face: LabelFace, settings: dict[str, Setting]) -> Iterator[Placed]:
    """Set the identity in digits below the code, for whoever has no scanner."""
    identity = glyphs.fit(
        glyphs.tidy(face.identity),
        width_dots=WIDTH_DOTS - 2 * _MARGIN,
        sizes=(_IDENTITY_SIZES,),
    )
    settings["identity"] = identity
    yield Placed(
        identity.lines[0], Face.TEXT, identity.size_dots, _MARGIN, HEIGHT_DOTS - _MARGIN + 2
    )


def _column(face: LabelFace, left: int, settings: dict[str, Setting]) -> Iterator[Placed]:
    """Set the asset number, and below it the fields that are known, from the top down."""
    width = WIDTH_DOTS - _MARGIN - left
    number = _number(face, width)
    y = float(_HEAD + _GAP)
    for line in number.lines:
        yield Placed(line, Face.NUMBER, number.size_dots, left, round(y + number.size_dots * 0.86))
        y += number.size_dots * _LEADING
    y += _PARAGRAPH
    captions: dict[str, str] = dict(zip(_FIELDS, _CAPTIONS[face.language], strict=False))
    indent = max(glyphs.width(c, Face.TEXT, POINT_6) for c in captions.values()) + 10
    fields = _fields(face, width - indent, HEIGHT_DOTS - _FOOT - y)
    settings.update(fields)
    for name, field in fields.items():
        first = round(y + field.size_dots * 0.9)
        yield Placed(captions[name], Face.TEXT, POINT_6, left, first)
        for line in field.lines:
            baseline = round(y + field.size_dots * 0.9)
            yield Placed(line, Face.TEXT, field.size_dots, left + indent, baseline)
            y += field.size_dots * _LEADING
        y += _PARAGRAPH


def _fields(face: LabelFace, width: int, height: float) -> dict[str, Setting]:
    """Set the known fields; where there is height left, name, department and model may wrap."""
    texts = {field: glyphs.tidy(getattr(face, field)) for field in _FIELDS}
    for wrapping in (_WRAPPING, _WRAPPING[:2], _WRAPPING[:1], ()):
        fields = {
            field: glyphs.fit(
                text,
                width_dots=width,
                sizes=(_TEXT_SIZES,) * (2 if field in wrapping else 1),
            )
            for field, text in texts.items()
            if text
        }
        if (
            sum(len(f.lines) * f.size_dots * _LEADING + _PARAGRAPH for f in fields.values())
            <= height
        ):
            break
    return fields


def _number(face: LabelFace, width: int) -> Setting:
    """Set the asset number as large as it goes, on two lines before it gets small; never cut it."""
    number = glyphs.fit(
        glyphs.tidy(face.asset_no), width_dots=width, sizes=_NUMBER_SIZES, face=Face.NUMBER
    )
    if number.cut:
        raise Unprintable(
            "资产编号过长，无法完整印出。",
            "The asset number is too long to be printed whole.",
        )
    return number


def _write(draw: ImageDraw.ImageDraw, line: Placed) -> None:
    """Write one line on its baseline, run by run as fonts have the glyphs."""
    ink = 0
    if line.inverse:
        right = line.x + glyphs.width(line.text, line.face, line.size_dots)
        top, bottom = line.baseline - line.size_dots + 1, line.baseline + line.size_dots // 5
        draw.rectangle((line.x - 6, top, right + 6, bottom), fill=0)
        ink = 1
    x = float(line.x)
    for part, run in glyphs.runs(line.text, line.face):
        font = glyphs.font(part, line.size_dots)
        draw.text((round(x), line.baseline), run, font=font, fill=ink, anchor="ls")
        x += font.getlength(run)
