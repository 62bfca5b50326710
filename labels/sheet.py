"""Put labels on pages of PDF: a grid on sheets of A4, or a page for each label of a roll.

Written here and not by a library: a page is nothing but one-bit rasters at exact places, a file of
5,000 labels streams out page by page, and the same labels give the same bytes. Viewers are asked
not to scale to the page (ISO 32000-1, 12.2); a scaled code has modules of unequal width.

Source: ISO 32000-1 (PDF 1.7): 8.9.5 image dictionaries, 7.5 file structure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from PIL import Image

from labels.identity import BadLabel
from labels.template import A4_MM, MM_PER_INCH, Grid, Template

POINTS_PER_MM = 72 / MM_PER_INCH


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one label stands: the page from 0, its left and top edges in millimetres."""

    page: int
    left_mm: float
    top_mm: float


def spots(template: Template, first: int = 1) -> Iterator[Spot]:
    """Yield places for labels without end, on the first sheet from a place on (1 is top left).

    Places run from left to right, then down: a sheet used up to the ninth label goes on at 10.
    """
    grid = template.grid
    if grid is None:
        yield from (Spot(page, 0.0, 0.0) for page in count())
        return
    if not 1 <= first <= grid.places:
        raise BadLabel(
            f"起始位置须在1至{grid.places}之间。",
            f"The first free position is between 1 and {grid.places}.",
        )
    for number in count(first - 1):
        page, place = divmod(number, grid.places)
        yield Spot(page, *_corner(template, grid, place))


def _corner(template: Template, grid: Grid, place: int) -> tuple[float, float]:
    row, column = divmod(place, grid.columns)
    return (
        grid.left_mm + column * (template.width_mm + grid.gap_across_mm),
        grid.top_mm + row * (template.height_mm + grid.gap_down_mm),
    )


def pages(labels: int, template: Template, first: int = 1) -> int:
    """Count the pages that so many labels take."""
    if labels < 1:
        return 0
    last = next(islice(spots(template, first), labels - 1, None))
    return last.page + 1


def pdf(images: Iterable[Image.Image], template: Template, first: int = 1) -> Iterator[bytes]:
    """Write labels as a PDF, part by part; memory stays that of one page."""
    places = spots(template, first)
    return _Writer(template).write(zip(images, places, strict=False))


class _Writer:
    """Number the objects of one file and remember where each begins."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.at = 0
        self.starts: dict[int, int] = {}
        paper = A4_MM if template.grid else (template.width_mm, template.height_mm)
        self.width, self.height = (mm * POINTS_PER_MM for mm in paper)

    def write(self, labels: Iterable[tuple[Image.Image, Spot]]) -> Iterator[bytes]:
        yield self._plain(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        # 1 is the catalogue and 2 the tree of pages, both written when all pages are known.
        numbers, kept = count(3), list[int]()
        drawn: list[tuple[int, Image.Image, Spot]] = []
        page = 0
        for image, spot in labels:
            if spot.page != page:
                yield from self._page(drawn, numbers, kept)
                drawn, page = [], spot.page
            number = next(numbers)
            yield self._image(number, image)
            drawn.append((number, image, spot))
        yield from self._page(drawn, numbers, kept)
        leaves = " ".join(f"{number} 0 R" for number in kept)
        yield self._object(2, f"<</Type/Pages/Count {len(kept)}/Kids[{leaves}]>>")
        yield self._object(
            1, "<</Type/Catalog/Pages 2 0 R/ViewerPreferences<</PrintScaling/None>>>>"
        )
        yield self._end(next(numbers))

    def _page(
        self,
        drawn: list[tuple[int, Image.Image, Spot]],
        numbers: Iterator[int],
        kept: list[int],
    ) -> Iterator[bytes]:
        content = "\n".join(self._placed(*one) for one in drawn).encode()
        stream, number = next(numbers), next(numbers)
        yield self._stream(stream, "", content)
        names = "".join(f"/L{n} {n} 0 R" for n, _, _ in drawn)
        yield self._object(
            number,
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {self.width:.4f} {self.height:.4f}]"
            f"/Resources<</XObject<<{names}>>>>/Contents {stream} 0 R>>",
        )
        kept.append(number)

    def _placed(self, number: int, image: Image.Image, spot: Spot) -> str:
        """Draw a raster dot for dot: its size is its dots, its top left corner the place's."""
        scale = 72 / self.template.dpi
        width, height = image.width * scale, image.height * scale
        x = spot.left_mm * POINTS_PER_MM
        y = self.height - spot.top_mm * POINTS_PER_MM - height
        return f"q {width:.4f} 0 0 {height:.4f} {x:.4f} {y:.4f} cm /L{number} Do Q"

    def _image(self, number: int, image: Image.Image) -> bytes:
        entries = (
            f"/Type/XObject/Subtype/Image/Width {image.width}/Height {image.height}"
            "/ColorSpace/DeviceGray/BitsPerComponent 1/Interpolate false"
        )
        return self._stream(number, entries, image.convert("1").tobytes())

    def _stream(self, number: int, entries: str, content: bytes) -> bytes:
        packed = zlib.compress(content, 6)
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n"
        return self._object(number, head.encode() + packed + b"\nendstream")

    def _object(self, number: int, body: str | bytes) -> bytes:
        self.starts[number] = self.at
        text = body.encode() if isinstance(body, str) else body
        return self._plain(f"{number} 0 obj\n".encode() + text + b"\nendobj\n")

    def _plain(self, part: bytes) -> bytes:
        self.at += len(part)
        return part

    def _end(self, size: int) -> bytes:
        rows = "".join(f"{self.starts[n]:010d} 00000 n \n" for n in range(1, size))
        return (
            f"xref\n0 {size}\n0000000000 65535 f \n{rows}"
            f"trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{self.at}\n%%EOF\n"
        ).encode()
