"""Turn the raster of a label into what label printers take: ZPL, TSPL, PNG.

The picture is ours to the dot, so what was tested is what is printed; a printer's own Chinese
fonts are never asked for. ZPL is what Zebra's printers read, TSPL what TSC's do, and those of
many others made like them.

Sources: ZPL II Programming Guide (`^GF`, `:Z64:` with CRC-16); TSPL/TSPL2 Programming (`BITMAP`).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable
from enum import StrEnum

from PIL import Image

from labels.template import Template


class Printer(StrEnum):
    """What the labels are written for."""

    PDF = "pdf"
    PNG = "png"
    ZPL = "zpl"
    TSPL = "tspl"

    @property
    def media_type(self) -> str:
        return {"pdf": "application/pdf", "png": "image/png"}.get(self, "application/octet-stream")


def zpl(images: Iterable[Image.Image]) -> bytes:
    """Write one `^XA…^XZ` for each raster; in ZPL a set bit is black."""
    return b"".join(_zpl(image) for image in images)


def _zpl(image: Image.Image) -> bytes:
    dots = _rows(image).translate(_BLACK_SET)
    across = (image.width + 7) // 8
    packed = base64.b64encode(zlib.compress(dots, 6))
    check = binascii.crc_hqx(packed, 0)
    return (
        f"^XA^PW{image.width}^LL{image.height}^LH0,0^FO0,0"
        f"^GFA,{len(dots)},{len(dots)},{across},:Z64:{packed.decode()}:{check:04X}"
        "^FS^PQ1^XZ\n"
    ).encode()


def tspl(images: Iterable[Image.Image], template: Template) -> bytes:
    """Write one `BITMAP` and `PRINT` for each raster; in TSPL a set bit is white."""
    head = (
        f"SIZE {template.width_mm:g} mm,{template.height_mm:g} mm\r\n"
        f"GAP {template.gap_mm:g} mm,0 mm\r\nDIRECTION 1\r\n"
    ).encode()
    return head + b"".join(_tspl(image) for image in images)


def _tspl(image: Image.Image) -> bytes:
    across = (image.width + 7) // 8
    command = f"CLS\r\nBITMAP 0,0,{across},{image.height},0,".encode()
    return command + _rows(image) + b"\r\nPRINT 1,1\r\n"


def _rows(image: Image.Image) -> bytes:
    """Return rows of whole bytes, a set bit white.

    What stands right of the label is white too, or printers draw a black edge.
    """
    wide = Image.new("1", ((image.width + 7) // 8 * 8, image.height), 1)
    wide.paste(image, (0, 0))
    return wide.tobytes()


_BLACK_SET = bytes(255 - byte for byte in range(256))
