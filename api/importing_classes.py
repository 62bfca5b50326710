"""Move cards from one version of the class codes to another, by a table that is kept as evidence.

Nothing is written before it was tried out. What the table answers in one way is moved; where it
gives several codes a person chooses; what it does not know stays as it is and is listed.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from api.office import Actor, Office
from api.pages_export import harmless, meant
from api.reading_bytes import Source, name_of
from api.reading_problems import Problem, Unreadable
from api.reading_records import Keyed, Record, read
from api.reading_values import Cells
from domain.classing import fits
from domain.decider import Document
from ledger.act import ACT_ENTRIES_MAX, Evidence, Receipt
from projections.inventory import coded
from projections.matching import Classes
from projections.scope import Filters, Scope

BATCH: Final = ACT_ENTRIES_MAX
Progress: TypeAlias = Callable[[int, int], None]
R = TypeVar("R", bound=Record)

# What a table says ------------------------------------------------------------


class Line(Record, frozen=True, kw_only=True, gc=False):
    """One line: a code of one version and what it may be in another."""

    from_scheme: str
    from_code: str
    to_scheme: str
    to_code: str
    note: str


class CodeTable(msgspec.Struct, frozen=True):
    """A table of codes: its lines, and its bytes, which are kept as evidence."""

    file: str
    evidence: Evidence
    lines: tuple[Line, ...]

    @property
    def paper(self) -> Document:
        """Return how entries cite the table."""
        return Document(type="分类代码对照表", number=self.file, sha256=self.evidence.sha256)

    def targets(self) -> dict[tuple[str, str], tuple[Line, ...]]:
        """Return what each code may become, in the order of the table and each only once."""
        found: dict[tuple[str, str], dict[tuple[str, str], Line]] = defaultdict(dict)
        for line in self.lines:
            known = found[line.from_scheme, line.from_code]
            known.setdefault((line.to_scheme, line.to_code), line)
        return {code: tuple(lines.values()) for code, lines in found.items()}

    def classes(self) -> Classes:
        """Return the table as matching reads it: things of both versions meet, either way."""
        return Classes(
            {
                code: tuple((line.to_scheme, line.to_code) for line in lines)
                for code, lines in self.targets().items()
            }
        )


COLUMNS: Final = (
    ("from_scheme", "原版本"),
    ("from_code", "原代码"),
    ("to_scheme", "新版本"),
    ("to_code", "新代码"),
)
NOTE: Final = ("note", "说明")


def read_table(source: Source, *, file: str | None = None) -> CodeTable:
    """Read a table of codes; raise Unreadable with every problem."""
    problems: list[Problem] = []
    name = name_of(source, file)

    def build(cells: Cells, keyed: Keyed) -> Line:
        texts = [cells.required(*names) for names in COLUMNS]
        note = next((t for t in map(cells.text_if_given, NOTE) if t), "")
        key, occurrence = keyed("\t".join(texts))
        line = Line(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            from_scheme=texts[0],
            from_code=texts[1],
            to_scheme=texts[2],
            to_code=texts[3],
            note=note,
        )
        problems.extend(_misfits(line))
        return line

    lines = every(read(source, COLUMNS, build, file, None), problems)
    content = source.read_bytes() if isinstance(source, Path) else source
    return CodeTable(name, Evidence("text/csv", content), lines)


def every(found: Iterator[R], problems: list[Problem]) -> tuple[R, ...]:
    """Return all records; raise Unreadable with the problems of cells and of what they mean."""
    try:
        records = tuple(found)
    except Unreadable as error:
        raise Unreadable([*error.problems, *problems]) from None
    if problems:
        raise Unreadable(problems)
    return records


def _misfits(line: Line) -> Iterable[Problem]:
    """Yield what is wrong with the codes of a line."""
    at = line.evidence
    for scheme, code in ((line.from_scheme, line.from_code), (line.to_scheme, line.to_code)):
        if code and not fits(scheme, code):
            yield Problem(
                at.file,
                at.line,
                0,
                "class-code-misfit",
                f"{code} 不是 {scheme} 的代码写法。请核对代码与版本。",
                f"{code} is not how {scheme} writes its codes. Check the code and its version.",
            )
    if (line.from_scheme, line.from_code) == (line.to_scheme, line.to_code):
        yield Problem(
            at.file,
            at.line,
            0,
            "same-class-again",
            "新旧代码和版本相同。请删去此行。",
            "The new code and version are the old ones. Remove this line.",
        )


# What it would do -------------------------------------------------------------


class Card(msgspec.Struct, frozen=True):
    """A card that the table is asked about."""

    id: str
    asset_no: str
    name: str
    scheme: str
    code: str


class Move(msgspec.Struct, frozen=True):
    """A card and what it becomes."""

    card: Card
    line: Line
    chosen: bool = False  # by a person, among several


class Open(msgspec.Struct, frozen=True):
    """A card whose code may become several; a person chooses."""

    card: Card
    lines: tuple[Line, ...]


class Plan(msgspec.Struct, frozen=True):
    """What a table would do to the cards of a version: each card is in exactly one list."""

    moves: tuple[Move, ...]
    open: tuple[Open, ...]
    unknown: tuple[Card, ...]  # the table has no such code of theirs

    def counts(self) -> dict[str, int]:
        """Return how many cards are in each list."""
        return {"moves": len(self.moves), "open": len(self.open), "unknown": len(self.unknown)}


Choices: TypeAlias = Mapping[str, str]  # asset number -> code of the new version


def plan(
    office: Office,
    table: CodeTable,
    *,
    scope: Scope,
    unit: str = "",
    choices: Choices | None = None,
) -> Plan:
    """Work out what the table does to the cards whose version it leaves; write nothing."""
    targets = table.targets()
    left = choices or {}
    moves: list[Move] = []
    open_: list[Open] = []
    unknown: list[Card] = []
    for card in _cards(office, {scheme for scheme, _ in targets}, scope, unit):
        lines = targets.get((card.scheme, card.code), ())
        wanted = left.get(card.asset_no, "")
        chosen = [line for line in lines if line.to_code == wanted]
        if not lines:
            unknown.append(card)
        elif len(lines) == 1 and wanted in ("", lines[0].to_code):
            moves.append(Move(card, lines[0]))
        elif len(chosen) == 1:
            moves.append(Move(card, chosen[0], chosen=True))
        else:
            open_.append(Open(card, lines))
    return Plan(tuple(moves), tuple(open_), tuple(unknown))


def _cards(office: Office, schemes: Iterable[str], scope: Scope, unit: str) -> Iterable[Card]:
    query = coded(scope, schemes, Filters(unit=unit))
    for row in office.models.rows(query):
        yield Card(row["id"], row["asset_no"], row["name"], row["class_scheme"], row["class_code"])


# What people choose -----------------------------------------------------------

REVIEW: Final = ("asset_no", "name", "from_scheme", "from_code", "candidates", "to_code")


def review(found: Plan) -> str:
    """Return the open cards as CSV; a person fills the last column and hands it back."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(REVIEW)
    for each in found.open:
        card = each.card
        said = "; ".join(f"{line.to_code} {line.note}".strip() for line in each.lines)
        cells = (card.asset_no, card.name, card.scheme, card.code, said, "")
        rows.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


class Choice(Record, frozen=True, kw_only=True, gc=False):
    """What a person chose for one card; an empty code leaves it open."""

    asset_no: str
    to_code: str


def read_choices(source: Source, table: CodeTable, *, file: str | None = None) -> Choices:
    """Read what people chose; raise Unreadable for a code that the table does not offer."""
    offered = {line.to_code for line in table.lines}
    problems: list[Problem] = []

    def build(cells: Cells, keyed: Keyed) -> Choice:
        asset_no, code = meant(cells.required("asset_no")), cells.text("to_code")
        key, occurrence = keyed(asset_no)
        at = cells.evidence
        if occurrence > 1:
            zh, en = f"{asset_no} 出现了不止一次。", f"{asset_no} occurs more than once."
            problems.append(Problem(at.file, at.line, 0, "chosen-twice", zh, en))
        if code and code not in offered:
            zh, en = f"对照表中没有新代码 {code}。", f"The table offers no code {code}."
            problems.append(Problem(at.file, at.line, 0, "not-offered", zh, en))
        return Choice(evidence=at, key=key, occurrence=occurrence, asset_no=asset_no, to_code=code)

    found = every(read(source, ("asset_no", "to_code"), build, file, None), problems)
    return {choice.asset_no: choice.to_code for choice in found if choice.to_code}


# Doing it ---------------------------------------------------------------------


def apply(
    office: Office,
    table: CodeTable,
    found: Plan,
    actor: Actor,
    *,
    reason: str,
    on: date | None = None,
    progress: Progress | None = None,
    channel: str = "cli",
) -> list[Receipt]:
    """Move the planned cards, one entry each; up to 10,000 of them are one act, all or nothing.

    Raise Refused when a card changed since it was tried out. What was moved before is not moved
    again, so a second run goes on where the first one ended.
    """
    receipts: list[Receipt] = []
    for start in range(0, len(found.moves), BATCH):
        part = found.moves[start : start + BATCH]
        receipts.append(
            office.ask_many(
                [(f"asset/{move.card.id}", "reclassify", _form(move, reason)) for move in part],
                actor,
                on=on,
                docs=(table.paper,),
                evidence=(table.evidence,),
                channel=channel,
            )
        )
        if progress is not None:
            progress(start + len(part), len(found.moves))
    return receipts


def _form(move: Move, reason: str) -> dict[str, Any]:
    return {
        "from_code": move.card.code,
        "from_scheme": move.card.scheme,
        "class_code": move.line.to_code,
        "class_scheme": move.line.to_scheme,
        "reason": reason,
    }
