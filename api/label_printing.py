"""Printing labels: which templates a unit has, what cannot be printed and why, and the files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice

from api import label_keys, rest_label
from api.office import Office
from api.rest_label import NameOf
from domain.asset import Asset
from domain.decider import Lang
from domain.label_design import FIELDS, Design, TemplateDrawn, UnitLabels, stock_id
from domain.labelling import LabelPrinted
from domain.words import Words
from labels import face, identity, printer, qr, sheet
from labels.face import LabelFace
from labels.printer import Printer
from labels.template import DPIS, PRESETS, Grid, Template

LABELS_MAX = 5_000  # of one print
NO_LABEL = (face.Unprintable, identity.BadLabel, qr.DoesNotFit)
TOO_MANY = Words(
    "一次至多打印{most}张标签，请缩小范围。",
    "At most {most} labels are printed at once; narrow it.",
)


@dataclass(frozen=True, slots=True)
class Setup:
    """How a print is asked: template, printer, resolution, the first free place of the sheet."""

    template: Template
    printer: Printer = Printer.PDF
    first: int = 1

    @property
    def query(self) -> dict[str, str]:
        return {
            "template": self.template.name,
            "printer": self.printer.value,
            "dpi": str(self.template.dpi),
            "first": str(self.first),
        }


@dataclass(frozen=True, slots=True)
class Printable:
    """One label: what it says, and the text of its code."""

    name: str
    face: LabelFace
    code: str


def templates(office: Office, unit: str, on: date) -> dict[str, Template]:
    """Return the templates a unit may print with on a day: those that come along, and its own.

    Of those that come along, signed ones are there where something was set to sign with; one that
    the unit drew up stays, and says what is missing.
    """
    own: UnitLabels = office.book.stream(f"labels/{unit}").state
    signs = label_keys.signing(office.settings) is not None
    ready = {name: preset for name, preset in PRESETS.items() if signs or not preset.signed}
    return {**ready, **{design.template: template_of(design) for design in own.templates(on)}}


def template_of(design: Design | TemplateDrawn) -> Template:
    """Return a drawn-up template as the printer takes it."""
    grid = Grid(
        design.columns,
        design.rows,
        float(design.margin_left),
        float(design.margin_top),
        float(design.gap_across),
        float(design.gap_down),
    )
    return Template(
        name=design.template,
        zh=design.title,
        en=design.title,
        width_mm=float(design.width),
        height_mm=float(design.height),
        code_mm=float(design.code_side),
        fields=tuple(FIELDS[field] for field in design.fields.split()),
        overflow=design.overflow,
        grid=grid if grid.places > 1 else None,
        signed=design.code_signed,
    )


def setup(found: dict[str, Template], asked: dict[str, str]) -> Setup:
    """Read how a print is asked; what is unknown falls back to the first template and a PDF."""
    template = found.get(asked.get("template", "")) or next(iter(found.values()))
    dpi, first = asked.get("dpi", ""), asked.get("first", "")
    if dpi.isdecimal() and int(dpi[:4]) in DPIS:
        template = template.at(int(dpi[:4]))
    kind = asked.get("printer", "")
    places = template.grid.places if template.grid else 1
    return Setup(
        template,
        Printer(kind) if kind in set(Printer) else Printer.PDF,
        min(max(1, int(first[:4]) if first.isdecimal() else 1), places),
    )


# Which labels -------------------------------------------------------------------


def of_asset(
    office: Office,
    id_: str,
    asset: Asset,
    issue: int,
    name_of: NameOf,
    lang: Lang,
    template: Template,
) -> Printable:
    """Return one issue of the label of an asset; its template says how the code is signed."""
    said = rest_label.face_of(id_, asset, name_of, lang)
    code = rest_label.code(office, rest_label.payload_of(id_, asset, issue), template)
    return Printable(asset.asset_no or id_, said, code)


def of_stock(
    office: Office, unit: str, name: str, serial: int, lang: Lang, template: Template
) -> Printable:
    """Return one blank label of a unit; its own id is what people read and scanners get."""
    id_ = stock_id(unit, serial)
    said = LabelFace(unit=name, asset_no=id_, name="", language=lang)
    payload = identity.LabelPayload(identity.Kind.OBJECT, id_, 1)
    return Printable(id_, said, rest_label.code(office, payload, template))


def printed(office: Office, start: int, count: int) -> list[tuple[str, LabelPrinted]]:
    """Return which labels a print recorded: the entries from a position on, if that is a print."""
    entries = islice(office.book.entries(start), min(count, LABELS_MAX))
    found = [(e.stream.partition("/")[2], e.event) for e in entries]
    return [(id_, event) for id_, event in found if isinstance(event, LabelPrinted)]


def problem(label: Printable, template: Template) -> Words | None:
    """Say why a label cannot be printed, before any is: glyphs, room, code."""
    try:
        face.layout(label.face, label.code, template, symbol=_like(len(label.code), template))
    except NO_LABEL as refused:
        return Words(refused.zh, refused.en)
    return None


@cache
def _like(chars: int, template: Template) -> qr.Symbol:
    """Return a code of so many characters: whether it fits and how large it is, both go by that."""
    return face.symbol("x" * chars, template)


# The files ----------------------------------------------------------------------


def file(labels: Sequence[Printable], how: Setup) -> tuple[Iterable[bytes], str, str]:
    """Return parts, media type and ending of the file for a printer."""
    images = (face.pixels(label.face, label.code, how.template) for label in labels)
    match how.printer:
        case Printer.PDF:
            return sheet.pdf(images, how.template, how.first), how.printer.media_type, "pdf"
        case Printer.ZPL:
            return (printer.zpl([image]) for image in images), how.printer.media_type, "zpl"
        case Printer.TSPL:
            parts = (printer.tspl([image], how.template) for image in images)
            return parts, how.printer.media_type, "tspl"
        case Printer.PNG if len(labels) == 1:
            return [qr.png_bytes(next(images), dpi=how.template.dpi)], "image/png", "png"
        case Printer.PNG:
            return [_zipped(labels, how.template)], "application/zip", "zip"


def _zipped(labels: Sequence[Printable], template: Template) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, label in enumerate(labels, start=1):
            plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in label.name)
            picture = face.png(label.face, label.code, template)
            archive.writestr(zipfile.ZipInfo(f"{number:04d}-{plain}.png"), picture)
    return out.getvalue()
