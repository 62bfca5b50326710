"""Tell whether bytes are a picture that may be kept: of a known format, whole, of sane size."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageOps

PIXELS_MAX: Final = 50_000_000  # what a good phone takes; beyond it, a bomb
FORMATS: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def media(content: bytes) -> str | None:
    """Return the media type of a picture, None for anything that is none.

    The size is read from the head before anything is unpacked, so that a small file that claims
    a huge picture costs nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as picture:
                width, height = picture.size
                if width * height > PIXELS_MAX or not width * height:
                    return None
                found = FORMATS.get(picture.format or "")
                picture.draft("L", (64, 64))  # a JPEG is then read at an eighth of its size
                picture.load()
                return found
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None


def small(content: bytes, pixels: int) -> bytes:
    """Return a picture as a JPEG whose longer side is `pixels` at most; only its points are kept."""
    with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as picture:
        picture.draft("RGB", (pixels, pixels))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
        upright.thumbnail((pixels, pixels))
    flat = Image.new("RGB", upright.size, "white")
    flat.paste(upright, mask=upright.getchannel("A"))
    kept = io.BytesIO()
    flat.save(kept, "JPEG", quality=80)
    return kept.getvalue()
