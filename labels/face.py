"""Draw the face of a label on a one-bit raster: the code on the left, Chinese text on the right.

The asset number and the content of a radio tag are printed whole or not at all; other text that is
too long for its place does what the template declares, and `layout` tells which it was. No values;
a person only where the template says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageDraw

from domain.label_design import FIELDS, LabelField, Overflow
from labels import glyphs, qr
from labels import template as templates
from labels.glyphs import Face, Setting
from labels.template import Metrics, Template

DPI: Final = templates.DPI
TEXT_CHARS_MAX: Final = 500
EPC_LINES_MAX: Final = 4

_LEADING: Final = 1.16  # line height in ems; the type's own 1.45 is for books

_WRAPPING: Final = (
    LabelField.NAME,
    LabelField.DEPARTMENT,
    LabelField.MODEL,
    LabelField.PLACE,
    LabelField.SERIAL,
)

Language = Literal["zh", "en"]

_CAPTIONS: Final = {
    "zh": {
        LabelField.NAME: "名称",
        LabelField.MODEL: "型号",
        LabelField.DEPARTMENT: "部门",
        LabelField.IN_SERVICE: "启用",
        LabelField.SERIAL: "序号",
        LabelField.PLACE: "地点",
        LabelField.USER: "使用",
        LabelField.EPC: "EPC",
    },
    "en": {
        LabelField.NAME: "Item",
        LabelField.MODEL: "Model",
        LabelField.DEPARTMENT: "Dept",
        LabelField.IN_SERVICE: "Since",
        LabelField.SERIAL: "S/N",
        LabelField.PLACE: "Place",
        LabelField.USER: "User",
        LabelField.EPC: "EPC",
    },
}
_EXAMPLE: Final = {"zh": "示例", "en": "EXAMPLE"}


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

    `identity` is the code's identity in digits, `in_service` a date as written, `epc` what the radio
    tag holds, in hexadecimal. `example` marks labels of the demonstration, so that none is ever
    taken for a real one.
    """

    unit: str
    asset_no: str
    name: str
    model: str = ""
    department: str = ""
    in_service: str = ""
    serial: str = ""
    place: str = ""
    user: str = ""
    epc: str = ""
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


def png(face: LabelFace, payload: str, template: Template = templates.ROLL_50) -> bytes:
    """Print one label as a PNG with its physical size.

    Raises `Unprintable` for text, `qr.DoesNotFit` for a payload that cannot be printed whole.
    """
    return qr.png_bytes(pixels(face, payload, template), dpi=template.dpi)


def pixels(
    face: LabelFace,
    payload: str,
    template: Template = templates.ROLL_50,
    *,
    symbol: qr.Symbol | None = None,
) -> Image.Image:
    """Draw one label as the raster a printer gets: one bit a dot, black on white."""
    plan = layout(face, payload, template, symbol=symbol)
    m = templates.metrics(template)
    image = Image.new("1", (m.width, m.height), 1)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    image.paste(qr.pixels(plan.symbol), (0, m.head))
    rule = m.head - m.dots(5)
    draw.line((m.margin, rule, m.width - m.margin, rule), fill=0, width=m.dots(2))
    for line in plan.lines:
        _write(draw, line)
    return image


def symbol(payload: str, template: Template = templates.ROLL_50) -> qr.Symbol:
    """Compute the code of a label; raise `qr.DoesNotFit`."""
    return qr.fit(payload, side_dots=templates.metrics(template).code, dpi=template.dpi)


def layout(
    face: LabelFace,
    payload: str,
    template: Template = templates.ROLL_50,
    *,
    symbol: qr.Symbol | None = None,
) -> Layout:
    """Decide where everything stands and what has to shrink; the same values draw the same label.

    A `symbol` that is given saves computing the code of this payload.
    """
    m = templates.metrics(template)
    code = symbol or qr.fit(payload, side_dots=m.code, dpi=template.dpi)
    _check(face, template)
    settings: dict[str, Setting] = {}
    lines = (
        *_head(face, m, template.overflow, settings),
        *_column(face, m, template, code.side_dots, settings),
        *_foot(face, m, settings),
    )
    cut = tuple(name for name, set_ in settings.items() if set_.cut)
    if cut and template.overflow is Overflow.REFUSE:
        zh = "、".join(_NAMES[name][0] for name in cut)
        en = ", ".join(_NAMES[name][1] for name in cut)
        raise Unprintable(f"这些文字在此模板上放不下：{zh}。", f"Too long for this template: {en}.")
    return Layout(lines, code, cut)


_NAMES: Final = {
    "unit": ("单位名称", "unit"),
    "identity": ("标识", "identity"),
    **{field.value: (field.words.zh, field.words.en) for field in LabelField},
}


def _check(face: LabelFace, template: Template) -> None:
    fields = (getattr(face, field) for field in template.fields)
    texts = (face.unit, face.asset_no, *fields)
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


def _head(
    face: LabelFace, m: Metrics, overflow: Overflow, settings: dict[str, Setting]
) -> Iterator[Placed]:
    """Set the unit's name, and the mark of an example at its right."""
    right = m.width - m.margin
    if face.example:
        mark = _EXAMPLE[face.language]
        right -= glyphs.width(mark, Face.TEXT, m.small) + 2 * m.dots(6)
        yield Placed(mark, Face.TEXT, m.small, right + m.dots(6), m.head - m.dots(15), inverse=True)
        right -= m.dots(10)
    unit = glyphs.fit(
        glyphs.tidy(face.unit), width_dots=right - m.margin, sizes=(_sizes(m, overflow),)
    )
    settings["unit"] = unit
    yield Placed(unit.lines[0], Face.TEXT, unit.size_dots, m.margin, m.head - m.dots(14))


def _sizes(m: Metrics, overflow: Overflow) -> range:
    """Return the sizes text may have: it shrinks, unless the template keeps the size."""
    return m.text[:1] if overflow is Overflow.CUT else m.text


def _foot(face: LabelFace, m: Metrics, settings: dict[str, Setting]) -> Iterator[Placed]:
    """Set the identity in digits below the code, for whoever has no scanner."""
    identity = glyphs.fit(
        glyphs.tidy(face.identity), width_dots=m.width - 2 * m.margin, sizes=(m.identity,)
    )
    settings["identity"] = identity
    baseline = m.height - m.margin + m.dots(2)
    yield Placed(identity.lines[0], Face.TEXT, identity.size_dots, m.margin, baseline)


def _column(
    face: LabelFace, m: Metrics, template: Template, left: int, settings: dict[str, Setting]
) -> Iterator[Placed]:
    """Set the asset number, and below it the fields that are known, from the top down."""
    width = m.width - m.margin - left
    number = _number(face, m, width)
    y = float(m.head + m.gap)
    for line in number.lines:
        yield Placed(line, Face.NUMBER, number.size_dots, left, round(y + number.size_dots * 0.86))
        y += number.size_dots * _LEADING
    y += m.paragraph
    captions = _CAPTIONS[face.language]
    shown = [captions[field] for field in template.fields]
    indent = max((glyphs.width(c, Face.TEXT, m.small) for c in shown), default=0) + m.dots(10)
    fields = _fields(face, m, template, width - indent, m.height - m.foot - y)
    settings.update(fields)
    for name, field in fields.items():
        first = round(y + field.size_dots * 0.9)
        yield Placed(captions[FIELDS[name]], Face.TEXT, m.small, left, first)
        for line in field.lines:
            baseline = round(y + field.size_dots * 0.9)
            yield Placed(line, Face.TEXT, field.size_dots, left + indent, baseline)
            y += field.size_dots * _LEADING
        y += m.paragraph


def _fields(
    face: LabelFace, m: Metrics, template: Template, width: int, height: float
) -> dict[str, Setting]:
    """Set the known fields; where there is height left, those that may be long wrap.

    A template with more fields than its height holds loses the last of them to nobody: that is
    refused, whatever else it declares.
    """
    texts = {field: glyphs.tidy(_text(face, field)) for field in template.fields}
    known = {field: text for field, text in texts.items() if text}
    sizes = _sizes(m, template.overflow)
    wrapping = tuple(field for field in _WRAPPING if field in known)
    while True:
        fields = {
            field.value: glyphs.fit(
                text, width_dots=width, sizes=(sizes,) * _lines_max(field, wrapping)
            )
            for field, text in known.items()
        }
        if LabelField.EPC in fields and fields[LabelField.EPC].cut:
            raise Unprintable(
                "射频标签内容（EPC）过长，无法在此模板上完整印出。",
                "The content of the radio tag (EPC) is too long to be printed whole here.",
            )
        tall = sum(len(f.lines) * f.size_dots * _LEADING + m.paragraph for f in fields.values())
        if tall <= height:
            return fields
        if wrapping:
            wrapping = wrapping[:-1]
        elif sizes[0] > m.small:  # many short lines: smaller type makes room for all of them
            sizes = sizes[1:] if template.overflow is not Overflow.CUT else m.text[-1:]
        else:
            raise Unprintable(
                "模板的印刷项目太多，放不下。", "The template has more lines than its height holds."
            )


def _text(face: LabelFace, field: LabelField) -> str:
    """Return the text of a field; the digits of a tag in its 16-bit words, to be read aloud."""
    text: str = getattr(face, field)
    if field is not LabelField.EPC:
        return text
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _lines_max(field: LabelField, wrapping: tuple[LabelField, ...]) -> int:
    """Return on how many lines a field may stand; the content of a tag, which is never cut, on four."""
    return EPC_LINES_MAX if field is LabelField.EPC else 2 if field in wrapping else 1


def _number(face: LabelFace, m: Metrics, width: int) -> Setting:
    """Set the asset number as large as it goes, on two lines before it gets small; never cut it."""
    number = glyphs.fit(
        glyphs.tidy(face.asset_no), width_dots=width, sizes=m.number, face=Face.NUMBER
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
        pad = max(1, line.size_dots * 6 // 25)
        draw.rectangle((line.x - pad, top, right + pad, bottom), fill=0)
        ink = 1
    x = float(line.x)
    for part, run in glyphs.runs(line.text, line.face):
        font = glyphs.font(part, line.size_dots)
        draw.text((round(x), line.baseline), run, font=font, fill=ink, anchor="ls")
        x += font.getlength(run)
