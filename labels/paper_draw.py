"""Draw the planned pages of a paper as PDF, its type embedded, no time and no chance in it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reportlab.pdfgen.canvas import Canvas

from labels import paper_type, qr
from labels.paper_parts import Paper
from labels.paper_plan import HEIGHT, SEAL, WIDTH, Code, Frame, Mark, Page, Seal, Text

RULE: Final = 0.5
PALE: Final = 0.55
FAINT: Final = 0.88
MARK_ANGLE: Final = 38
# The library's type reads its file with one position for all.
_one_at_a_time = threading.Lock()


def drawn(paper: Paper, pages: Sequence[Page]) -> bytes:
    """Return the bytes of the document."""
    out = io.BytesIO()
    with _one_at_a_time:
        first, *_ = paper_type.parts()
        options: dict[str, Any] = {
            "pagesize": (WIDTH, HEIGHT),
            "pageCompression": 1,
            "invariant": 1,
            # Else every page would name Helvetica, which is not embedded.
            "initialFontName": first,
            "lang": "zh-CN" if paper.language == "zh" else "en",
        }
        canvas: Any = Canvas(out, **options)
        canvas.setTitle(f"{paper.title} {paper.number}".strip())
        canvas.setAuthor(paper.unit)
        canvas.setSubject(paper.identity)
        canvas.setKeywords(paper.reflects)
        canvas.setCreator("Gongwu")
        canvas.setProducer("Gongwu")
        for page in pages:
            canvas.setLineWidth(RULE)
            if paper.mark:
                across(canvas, paper_type.tidy(paper.mark))
            for mark in page:
                put(canvas, mark)
            canvas.showPage()
        canvas.save()
    return out.getvalue()


def put(canvas: Any, mark: Mark) -> None:
    """Draw one mark; the page's own axis runs upwards."""
    match mark:
        case Text():
            write(canvas, mark)
        case Frame(x=x, y=y, width=width, height=height):
            canvas.rect(x, HEIGHT - y - height, width, height)
        case Seal(x=x, y=y):
            canvas.saveState()
            canvas.setStrokeGray(PALE)
            canvas.setDash(2, 2)
            canvas.circle(x, HEIGHT - y, SEAL)
            canvas.restoreState()
        case Code(modules=modules, x=x, y=y, side=side):
            code(canvas, modules, x, HEIGHT - y, side)


def write(canvas: Any, mark: Text) -> None:
    """Write one line; bold is the same type with its outline drawn."""
    line = canvas.beginText(mark.x, HEIGHT - mark.baseline)
    if mark.pale:
        line.setFillGray(PALE)
    if mark.bold:
        canvas.setLineWidth(mark.size * 0.02)
        line.setTextRenderMode(2)
    for name, run in paper_type.runs(mark.text):
        line.setFont(name, mark.size)
        line.textOut(run)
    if mark.bold:
        line.setTextRenderMode(0)
    if mark.pale:
        line.setFillGray(0)
    canvas.drawText(line)
    if mark.bold:
        canvas.setLineWidth(RULE)


def across(canvas: Any, words: str) -> None:
    """Write across the page, below everything, that this is an example or no longer stands."""
    size = min(130.0, 460 / max(paper_type.width(words, 1), 1))
    canvas.saveState()
    canvas.translate(WIDTH / 2, HEIGHT / 2)
    canvas.rotate(MARK_ANGLE)
    canvas.setFillGray(FAINT)
    line = canvas.beginText(-paper_type.width(words, size) / 2, -size / 3)
    for name, run in paper_type.runs(words):
        line.setFont(name, size)
        line.textOut(run)
    canvas.drawText(line)
    canvas.restoreState()


def code(
    canvas: Any, modules: tuple[tuple[bool, ...], ...], x: float, top: float, square: float
) -> None:
    """Draw a QR symbol as runs of dark modules, its quiet zone inside the square."""
    side = square / (len(modules) + 2 * qr.QUIET_MODULES)
    path = canvas.beginPath()
    for line, dark in enumerate(modules):
        y = top - (line + 1 + qr.QUIET_MODULES) * side
        for start, length in runs(dark):
            path.rect(x + (start + qr.QUIET_MODULES) * side, y, length * side, side)
    canvas.drawPath(path, stroke=0, fill=1)


def runs(dark: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield where dark modules begin and how many follow each other."""
    start = 0
    for place, ink in enumerate((*dark, False)):
        if not ink:
            if place > start:
                yield start, place - start
            start = place + 1
