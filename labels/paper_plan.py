"""Decide where everything of a paper stands, page by page, before anything is drawn.

Measured in points from the upper left corner of an A4 page. Sizes: 10.5 pt (五号) for what is
said, 9 pt (小五) for lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from domain.values import yuan
from domain.words import Words, in_words
from labels import glyphs, numerals, paper_type, qr
from labels.paper_parts import Align, Box, Column, Language, Pair, Paper, Row, Table, totals

WIDTH: Final = 595.276  # A4, 210 × 297 mm
HEIGHT: Final = 841.89
LEFT: Final = 56.7  # 20 mm, the binding edge
RIGHT: Final = WIDTH - 45.4  # 16 mm
ROOM: Final = RIGHT - LEFT
TOP: Final = 48.0
BOTTOM: Final = HEIGHT - 62.0  # below it stands the foot

TITLE: Final = 20.0
UNIT: Final = 12.0
BODY: Final = 10.5
LIST: Final = 9.0
SMALL: Final = 7.5
LEADING: Final = 1.36
PAD: Final = 3.6  # between the rule and the text of a cell
SIGNING: Final = 1.15  # room to sign, in lines
OPINION_LINES: Final = 12  # longer opinions do not stand in their box
CODE_MM: Final = 22.0
CODE: Final = CODE_MM * 72 / 25.4
NOTE_CODE_MM: Final = 36.0
NOTE_CODE: Final = NOTE_CODE_MM * 72 / 25.4
CODE_DPI: Final = 600  # vector drawing has no dots; modules are checked as if it had
BOX: Final = 128.0  # room for an opinion and a round seal of 42 mm
SIGNS: Final = {"CNY": "¥"}
SEAL: Final = 42 * 72 / 25.4 / 2  # its radius

SAYS: Final = {
    "number": Words("编号：", "No. "),
    "date": Words("日期：", "Date: "),
    "warehouse": Words("公物仓：", "Warehouse: "),
    "row": Words("序号", "No."),
    "unstated": Words("未载明", "not stated"),
    "subtotal": Words("本页小计", "Subtotal of this page"),
    "total": Words("合计", "Total"),
    "count": Words("{count} 项", "items: {count}"),
    "words": Words("（大写）{words}", "In words: {words}"),
    "left-out": Words("其中 {count} 项未载明金额，不计入合计", "{count} without amount, not in the total"),
    "sign": Words("{who}（签字）：", "{who}:"),
    "day": Words("　　　　年　　月　　日", "Date: ____-__-__"),
    "seal": Words("（盖章处）", "(seal)"),
    "above": Words("（见上）", "(see above)"),
    "note": Words("注：", "Note: "),
    "goes-on": Words("（续）", " (continued)"),
    "page": Words("第 {page} 页　共 {pages} 页", "Page {page} of {pages}"),
    "checkpoint": Words(
        "账本检查点（留存本页，日后可据以查出改动：gongwu verify --since，或在“审计”页抄入前三行）",
        "Checkpoint of the ledger. Keep this page: with it a later change is found (gongwu verify"
        " --since, or type the first three lines on the audit page).",
    ),
    "missing": Words(
        "字库没有的字以编码印出：{these}。", "Characters the type does not have are printed as codes: {these}."
    ),
}  # fmt: skip


def said(key: str, lang: Language, **values: object) -> str:
    """Return a sentence of the frame in the language of the paper."""
    return in_words(SAYS[key], lang).format_map(values)


# Marks on a page ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text: the left end of its baseline."""

    text: str
    x: float
    baseline: float
    size: float
    bold: bool = False
    pale: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle in thin rules."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Seal:
    """A pale circle where a seal goes."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Code:
    """A QR symbol with its quiet zone in a square of `side` points."""

    modules: tuple[tuple[bool, ...], ...]
    x: float
    y: float
    side: float = CODE


Mark: TypeAlias = Text | Frame | Seal | Code
Page: TypeAlias = tuple[Mark, ...]


@dataclass(slots=True)
class Cell:
    """A part of a row: its lines of text, its width, and how they stand in it."""

    lines: Sequence[str]
    width: float
    align: Align = "left"


@dataclass(slots=True)
class Sheet:
    """Pages that are being filled from the top down."""

    paper: Paper
    pages: list[list[Mark]] = field(default_factory=lambda: [[]])
    y: float = TOP
    keep: float = 0.0  # room at the bottom that somebody has asked for

    @property
    def left(self) -> float:
        """Return how much room the page still has."""
        return BOTTOM - self.keep - self.y

    def add(self, *marks: Mark) -> None:
        """Put marks on the page."""
        self.pages[-1].extend(marks)

    def turn(self) -> None:
        """Begin a new page; it says of which paper it is."""
        self.pages.append([])
        self.y = TOP
        lang = self.paper.language
        head = [self.paper.title, said("number", lang) + self.paper.number]
        line = paper_type.wrap("　".join(paper_type.tidy(h) for h in head), LIST, ROOM)[0]
        self.add(Text(line, LEFT, self.y + LIST, LIST))
        self.y += LIST * LEADING + 4

    def write(self, line: str, size: float, *, align: Align = "left", bold: bool = False) -> None:
        """Write one line below the last, over the whole width."""
        x = placed(line, size, LEFT, ROOM, align)
        self.add(Text(line, x, self.y + size, size, bold))
        self.y += size * LEADING


def placed(line: str, size: float, x: float, width: float, align: Align) -> float:
    """Return where a line begins within a width."""
    spare = width - paper_type.width(line, size)
    return x + (spare if align == "right" else spare / 2 if align == "center" else 0)


# The parts of a paper -----------------------------------------------------------


def pages(paper: Paper) -> tuple[Page, ...]:
    """Return where everything stands, page by page."""
    sheet = Sheet(paper)
    head(sheet)
    pairs(sheet, paper.pairs)
    if paper.table is not None:
        table(sheet, paper.table)
    boxes(sheet, paper.boxes)
    notes(sheet)
    if paper.checkpoint:
        checkpoint(sheet, paper.checkpoint)
    feet(sheet)
    return tuple(tuple(page) for page in sheet.pages)


def head(sheet: Sheet) -> None:
    """Set the unit, the title, number and date, and the code in the corner."""
    paper, lang = sheet.paper, sheet.paper.language
    symbol = qr.fit(paper.identity, side_dots=int(CODE_MM / 25.4 * CODE_DPI), dpi=CODE_DPI)
    sheet.add(Code(symbol.modules, RIGHT - CODE, TOP - 16))
    narrow = ROOM - 2 * CODE
    for text, size, bold in ((paper.unit, UNIT, False), (paper.title, TITLE, True)):
        for line in paper_type.wrap(paper_type.tidy(text), size, narrow):
            sheet.write(line, size, align="center", bold=bold)
        sheet.y += 3
    sheet.y = max(sheet.y, TOP - 16 + CODE) + 4
    facts = [said("number", lang) + paper.number]
    facts += [said("warehouse", lang) + paper.warehouse] if paper.warehouse else []
    lines = [
        line for fact in facts for line in paper_type.wrap(paper_type.tidy(fact), BODY, ROOM * 0.72)
    ]
    day = paper_type.tidy(said("date", lang) + paper.date)
    x = placed(day, BODY, LEFT, ROOM, "right")
    sheet.add(Text(day, x, sheet.y + len(lines[:-1]) * BODY * LEADING + BODY, BODY))
    for line in lines:
        sheet.write(line, BODY)
    sheet.y += 3


def row(sheet: Sheet, cells: Sequence[Cell], size: float, *, whole: bool = True) -> None:
    """Set one row of framed cells, on a new page where this one has no room for it.

    What is higher than a page is continued, and so is what need not stay whole.
    """
    leading = size * LEADING
    taken = 0
    count = max(len(cell.lines) for cell in cells)
    while True:
        room = int((sheet.left - 2 * PAD) // leading)
        if room < min(count - taken, 3) or (whole and taken == 0 and room < count):
            fresh = sheet.y <= TOP + LIST * LEADING + 4.1
            if not fresh:
                continued(sheet)
                continue
        lines = min(count - taken, max(room, 1))
        height = lines * leading + 2 * PAD
        x = LEFT
        for cell in cells:
            sheet.add(Frame(x, sheet.y, cell.width, height))
            mine = cell.lines[taken : taken + lines]
            # Short cells stand in the middle of their row, as on forms filled in by hand.
            y = sheet.y + (height - len(mine) * leading) / 2 if not taken else sheet.y + PAD
            for line in mine:
                at = placed(line, size, x + PAD, cell.width - 2 * PAD, cell.align)
                sheet.add(Text(line, at, y + size * 1.02, size))
                y += leading
            x += cell.width
        sheet.y += height
        taken += lines
        if taken >= count:
            return
        continued(sheet)


def continued(sheet: Sheet) -> None:
    """Go on with a row on the next page."""
    sheet.turn()


def pairs(sheet: Sheet, given: Iterable[Pair]) -> None:
    """Set captions and texts, two to a row; a wide one has a row of its own."""
    caption = 74.0 if sheet.paper.language == "zh" else 92.0
    waiting: list[Pair] = []
    for pair in given:
        if pair.wide:
            flush(sheet, waiting, caption)
            flush(sheet, [pair], caption)
        else:
            waiting.append(pair)
            if len(waiting) == 2:
                flush(sheet, waiting, caption)
    flush(sheet, waiting, caption)


def flush(sheet: Sheet, waiting: list[Pair], caption: float) -> None:
    """Set the pairs that wait as one row."""
    if not waiting:
        return
    width = ROOM / len(waiting) - caption
    cells: list[Cell] = []
    for pair in waiting:
        cells += [
            wrapped(pair.caption, caption, BODY, align="center"),
            wrapped(pair.text, width, BODY),
        ]
    row(sheet, cells, BODY, whole=False)
    waiting.clear()


def wrapped(text: str, width: float, size: float, *, align: Align = "left") -> Cell:
    """Break a text for a cell."""
    return Cell(paper_type.wrap(paper_type.tidy(text), size, width - 2 * PAD), width, align)


# The list -----------------------------------------------------------------------


def table(sheet: Sheet, given: Table) -> None:
    """Set the list, its heads on every page, a subtotal on every page but an only one."""
    lang = sheet.paper.language
    share = sum(column.share for column in given.columns)
    widths = [ROOM * column.share / share for column in given.columns]
    heads = [
        wrapped(column.head, width, LIST, align="center")
        for column, width in zip(given.columns, widths, strict=True)
    ]
    sheet.y += 5
    rows = [cells(given, r, widths, lang) for r in given.rows]
    reserve = subtotal_height(given)
    first = height(rows[0], LIST) if rows else 0
    if sheet.left < height(heads, LIST) + first + reserve:
        sheet.turn()
    row(sheet, heads, LIST)
    start, divided = 0, False
    for n, set_ in enumerate(rows):
        if sheet.left < height(set_, LIST) + reserve and n > start:
            subtotal(sheet, given, given.rows[start:n])
            sheet.turn()
            row(sheet, heads, LIST)
            start, divided = n, True
        sheet.keep = reserve
        row(sheet, set_, LIST)
        sheet.keep = 0.0
    if divided:
        subtotal(sheet, given, given.rows[start:])
    grand_total(sheet, given)


def height(cells_: Sequence[Cell], size: float) -> float:
    """Return how high a row of cells is."""
    return max(len(cell.lines) for cell in cells_) * size * LEADING + 2 * PAD


def cells(given: Table, line: Row, widths: Sequence[float], lang: Language) -> list[Cell]:
    """Break the texts of one line of the list."""
    texts = iter(line.cells)
    found: list[Cell] = []
    for column, width in zip(given.columns, widths, strict=True):
        text = amount(given, line, lang) if column.money else next(texts)
        found.append(wrapped(text, width, LIST, align=column_align(column)))
    return found


def column_align(column: Column) -> Align:
    """Return where the text of a column stands; amounts stand at the right."""
    return "right" if column.money else column.align


def amount(given: Table, line: Row, lang: Language) -> str:
    """Return an amount in yuan with two decimals; its currency where there are several."""
    if line.amount is None:
        return said("unstated", lang)
    plain = yuan(line.amount)
    return plain if given.currencies == ("CNY",) else f"{line.currency} {plain}"


def subtotal_height(given: Table) -> float:
    """Return the room a subtotal takes at the foot of a page."""
    lines = len(given.currencies) if given.money else 1
    return lines * LIST * LEADING + 2 * PAD


def subtotal(sheet: Sheet, given: Table, rows: tuple[Row, ...]) -> None:
    """Sum the lines of one page."""
    row(sheet, sums(sheet, given, rows, "subtotal", []), LIST)


def grand_total(sheet: Sheet, given: Table) -> None:
    """Sum the whole list, in figures and written out, and say what is in no sum."""
    lang, words = sheet.paper.language, list[str]()
    if given.money:
        write = numerals.capitals if lang == "zh" else numerals.in_english
        words = [
            said("words", lang, words=write(total.amount, total.currency))
            for total in totals(given, given.rows)
        ]
        unstated = sum(1 for r in given.rows if r.amount is None)
        words += [said("left-out", lang, count=f"{unstated:,}")] if unstated else []
    row(sheet, sums(sheet, given, given.rows, "total", words), LIST)


def sums(
    sheet: Sheet, given: Table, rows: tuple[Row, ...], key: str, words: list[str]
) -> list[Cell]:
    """Return a row that sums up: what it is, how many, and the amounts at the right."""
    lang = sheet.paper.language
    left = ROOM * 0.34
    count = f"{said(key, lang)}　{said('count', lang, count=f'{len(rows):,}')}"
    lines: list[str] = []
    for total in totals(given, rows) if given.money else ():
        figure = f"{SIGNS.get(total.currency, f'{total.currency} ')}{yuan(total.amount)}"
        lines += paper_type.wrap(figure, LIST, ROOM - left - 2 * PAD)
    for text in words:
        lines += paper_type.wrap(paper_type.tidy(text), LIST, ROOM - left - 2 * PAD)
    caption = wrapped(count, left, LIST, align="center")
    return [caption, Cell(lines or [""], ROOM - left, "right")]


# The end ------------------------------------------------------------------------


def boxes(sheet: Sheet, given: Sequence[Box]) -> None:
    """Set the places to decide, sign and seal, two to a row; none is divided.

    What was said at length is set in a row of its own before them, and may go over pages.
    """
    lang = sheet.paper.language
    short: list[Box] = []
    for box in given:
        if (
            len(paper_type.wrap(paper_type.tidy(box.text), BODY, ROOM / 2 - 2 * PAD))
            > OPINION_LINES
        ):
            pairs(sheet, [Pair(box.caption, box.text, wide=True)])
            box = replace(box, text=said("above", lang))
        short.append(box)
    sheet.y += 5 if short else 0
    for n in range(0, len(short), 2):
        two = short[n : n + 2]
        width = ROOM / len(two)
        set_ = [Opinion.of(box, width - 2 * PAD, lang) for box in two]
        high = max(BOX, *(o.lines * BODY * LEADING + 4 * PAD for o in set_))
        if sheet.left < high:
            sheet.turn()
        for opinion, x in zip(set_, (LEFT, LEFT + width), strict=False):
            one_box(sheet, opinion, Frame(x, sheet.y, width, high))
        sheet.y += high


@dataclass(frozen=True, slots=True)
class Opinion:
    """A place to sign whose texts are broken into lines."""

    caption: Sequence[str]
    text: Sequence[str]
    signatures: Sequence[str]
    seal: bool

    @classmethod
    def of(cls, box: Box, room: float, lang: Language) -> Opinion:
        """Break the texts of a box."""

        def broken(*texts: str) -> list[str]:
            return [
                line
                for text in texts
                if text
                for line in paper_type.wrap(glyphs.tidy(paper_type.tidy(text)), BODY, room)
            ]

        signatures = broken(*(said("sign", lang, who=who) for who in box.signatures))
        return cls(broken(box.caption), broken(box.text), signatures, box.seal)

    @property
    def lines(self) -> float:
        """Return how many lines it takes; signatures stand a little wider, the day is one more."""
        return len(self.caption) + len(self.text) + len(self.signatures) * SIGNING + 2


def one_box(sheet: Sheet, opinion: Opinion, frame: Frame) -> None:
    """Set one place to sign: what it is for above, signatures and day below, the seal at the right."""
    lang = sheet.paper.language
    leading = BODY * LEADING
    sheet.add(frame)
    y = frame.y + PAD + BODY
    for lines, bold in ((opinion.caption, True), (opinion.text, False)):
        for line in lines:
            sheet.add(Text(line, frame.x + PAD, y, BODY, bold))
            y += leading
    if opinion.seal:
        x, middle = frame.x + frame.width - SEAL - 8, frame.y + frame.height - SEAL - 5
        words = said("seal", lang)
        at = placed(words, LIST, x - SEAL, 2 * SEAL, "center")
        sheet.add(Seal(x, middle), Text(words, at, middle + LIST / 3, LIST, pale=True))
    y = frame.y + frame.height - PAD - 3
    sheet.add(Text(said("day", lang), frame.x + PAD, y, BODY))
    for line in reversed(opinion.signatures):
        y -= leading * SIGNING
        sheet.add(Text(line, frame.x + PAD, y, BODY))


def notes(sheet: Sheet) -> None:
    """Set the notes, and which characters could only be printed as their codes."""
    lang = sheet.paper.language
    given = list(sheet.paper.notes)
    lost = paper_type.missing(texts(sheet.paper))
    if lost:
        these = ("、" if lang == "zh" else ", ").join(f"U+{ord(c):04X}" for c in lost)
        given.append(said("missing", lang, these=these))
    sheet.y += 4
    for note in given:
        text = paper_type.tidy(said("note", lang) + note)
        for line in paper_type.wrap(text, LIST, ROOM):
            if sheet.left < LIST * LEADING:
                sheet.turn()
            sheet.write(line, LIST)


def checkpoint(sheet: Sheet, note: str) -> None:
    """Set a signed head of the ledger: its code, and beside it the text to copy by hand.

    A note that no code holds (a long name) is there as text alone.
    """
    given = [paper_type.tidy(said("checkpoint", sheet.paper.language)), *note.split("\n")]
    try:
        symbol = qr.fit_text(note, side_dots=int(NOTE_CODE_MM / 25.4 * CODE_DPI), dpi=CODE_DPI)
    except qr.DoesNotFit:
        symbol = None
    room = ROOM - (NOTE_CODE if symbol else 0)
    lines = [part for line in given for part in paper_type.wrap(line, SMALL, room) or [""]]
    height = max(NOTE_CODE if symbol else 0, len(lines) * SMALL * LEADING)
    if sheet.left < height + 8:
        sheet.turn()
    sheet.y += 8
    if symbol:
        sheet.add(Code(symbol.modules, RIGHT - NOTE_CODE, sheet.y, NOTE_CODE))
    for number, line in enumerate(lines):
        sheet.add(Text(line, LEFT, sheet.y + SMALL + number * SMALL * LEADING, SMALL))
    sheet.y += height


def texts(paper: Paper) -> Iterable[str]:
    """Yield every text somebody typed."""
    yield from (paper.unit, paper.title, paper.number, paper.warehouse, paper.date)
    for pair in paper.pairs:
        yield from (pair.caption, pair.text)
    for line in paper.table.rows if paper.table is not None else ():
        yield from line.cells
    for box in paper.boxes:
        yield from (box.caption, box.text, *box.signatures)
    yield from paper.notes


def feet(sheet: Sheet) -> None:
    """Set at the foot of every page what it is made from, and which page of how many it is."""
    paper, lang = sheet.paper, sheet.paper.language
    for number, page in enumerate(sheet.pages, start=1):
        y = BOTTOM + 18
        words = said("page", lang, page=number, pages=len(sheet.pages))
        page.append(Text(words, placed(words, LIST, LEFT, ROOM, "center"), y, LIST))
        for line in (paper.identity, paper.reflects):
            for part in paper_type.wrap(paper_type.tidy(line), SMALL, ROOM):
                y += SMALL * LEADING
                page.append(Text(part, LEFT, y, SMALL))
