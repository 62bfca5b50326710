"""What a row of the 1033 programme's lists says, as facts.

Readings that are ours, not the publisher's: days carry no zone, the publisher's own
(America/New_York) is taken. When a shipped item was asked for and approved is not stated: not
after the day of shipment. When a request was refused is not stated: not after the end of the
quarter whose list names it. Reasons and justifications are free text that may name persons: the
kind of a reason is recorded, its words are not, and the row is kept without those columns, with
the hash of the whole row beside it.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from api import reading_leso, reconciling
from api.importing_facts import (
    CLAIM,
    NOT_AFTER,
    Fact,
    ImportReport,
    Piece,
    Progress,
    claim_of,
    fit,
    record,
    source_row,
)
from api.reading_bytes import Source, name_of
from api.reading_leso import (
    LesoCancellation,
    LesoFederal,
    LesoInventoryRow,
    LesoRecord,
    LesoRequisition,
    LesoShipment,
)
from api.reading_problems import Problem, refuse
from api.reading_records import quarter_of
from domain.asset import (
    Asset,
    AssetRegistered,
    CardCorrected,
    Kind,
    ValueCorrected,
    ValueType,
    lifecycle,
)
from domain.asset import (
    Book as Standing,
)
from domain.decider import Document, Event
from domain.leaving import LeftBook
from domain.reallocation import (
    ConsignmentShipped,
    ReallocationApproved,
    ReallocationRefused,
    ReallocationRequested,
)
from domain.unit import UnitEstablished, UnitKind
from ledger.act import Evidence
from ledger.book import Book
from ledger.entry import Entry, standing

ZONE: Final = "America/New_York"
LIST: Final = "leso-inventory:"
PUBLISHER: Final = "US Defense Logistics Agency"
DATASET: Final = "leso"
GIVER: Final = "o_dla"
PLAIN_NAME: Final = re.compile(r"[A-Z0-9]+(?: [A-Z0-9]+)*")
SNAPSHOT: Final = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
# The first two digits of an item number are its supply group; what no rule asks for is OTHER.
KIND_OF_GROUP: Final = {
    "23": Kind.VEHICLE,
    "65": Kind.INSTRUMENT,
    "66": Kind.INSTRUMENT,
    "70": Kind.COMPUTER,
    "71": Kind.FURNITURE,
    "74": Kind.OFFICE,
}

# What rows have in common -----------------------------------------------------


def unit_of(row: LesoRecord) -> str:
    """Return the id of an agency: its state and name, and a hash where letters were lost."""
    slug = re.sub(r"[^a-z0-9]+", "-", row.agency.lower()).strip("-")[:50]
    unit = f"o_leso_{row.state.lower()}_{slug}"
    if PLAIN_NAME.fullmatch(row.agency) and len(row.agency) <= 50:
        return unit
    digest = hashlib.sha256(f"{row.state}|{row.agency}".encode()).hexdigest()
    return f"{unit}.{digest[:6]}"


def kept(row: LesoRecord) -> Evidence:
    """Keep the row as JSON without its free-text columns; its own hash allows a comparison."""
    fields: dict[str, Any] = msgspec.to_builtins(row)
    for column in ("evidence", "key", "occurrence", "reason"):
        fields.pop(column, None)
    e = row.evidence
    fields |= {"file": e.file, "line": e.line, "row_sha256": e.sha256}
    return Evidence("application/json", msgspec.json.encode(fields, order="sorted"))


def piece(list_name: str, row: LesoRecord, stream: str, facts: Iterable[Fact]) -> Piece:
    """Bind what a row says to the row."""
    proof = kept(row)
    return Piece(
        key=claim_of(list_name, row),
        stream=stream,
        facts=tuple(facts),
        doc=source_row(row, PUBLISHER, proof.sha256),
        kept=proof,
        zone=ZONE,
    )


def units(since: dict[str, tuple[LesoRecord, date]], first: date) -> list[Piece]:
    """Let the agencies exist since the earliest day on which a row of this file names them."""
    said: dict[str, tuple[UnitEstablished, date]] = {
        GIVER: (
            UnitEstablished(
                name="美国国防后勤局执法支援办公室（LESO）",
                name_en="US Defense Logistics Agency, Law Enforcement Support Office",
                kind=UnitKind.FOREIGN,
                zone=ZONE,
            ),
            first,
        )
    }
    for unit, (row, on) in since.items():
        name = fit(f"{row.agency} ({row.state})", 80)
        said[unit] = (
            UnitEstablished(
                name=name,
                name_en=name,
                kind=UnitKind.FOREIGN,
                located=fit(row.state, 80),
                zone=ZONE,
            ),
            on,
        )
    return [
        Piece(
            key=f"leso-unit:{unit}",
            stream=f"unit/{unit}",
            facts=(Fact(f"unit/{unit}", event, on, NOT_AFTER),),
            doc=Document(type="source_file", issuer=PUBLISHER),
            zone=ZONE,
            rows=0,
        )
        for unit, (event, on) in sorted(said.items())
    ]


def spoken_of(rows: Iterable[LesoRecord], days: Iterable[date]) -> list[Piece]:
    """Collect the agencies of a list with the earliest day each is named."""
    since: dict[str, tuple[LesoRecord, date]] = {}
    first = date.max
    for row, on in zip(rows, days, strict=True):
        unit = unit_of(row)
        first = min(first, on)
        if unit not in since or on < since[unit][1]:
            since[unit] = (row, on)
    return units(since, first)


def quarter_end(quarter: str) -> date:
    """Return the last day of `2019Q4`."""
    year, month = int(quarter[:4]), int(quarter[5]) * 3
    return date(year, month, monthrange(year, month)[1])


def requested(row: LesoRequisition | LesoFederal) -> ReallocationRequested:
    """Say what was asked for; who asked is not stated."""
    return ReallocationRequested(
        to_unit=unit_of(row),
        from_unit=GIVER,
        item=fit(row.item_name, 200) or row.nsn,
        quantity=row.quantity,
        measure=fit(row.unit, 80),
        class_code=fit(row.nsn, 80),
        unit_value=row.unit_value.cents if row.unit_value is not None else None,
        currency="USD",
        dataset=DATASET,
    )


# Shipments and refusals -------------------------------------------------------


def shipment_pieces(rows: Sequence[LesoShipment], quarter: str) -> Iterator[list[Piece]]:
    """Say of each row: requested and approved not after the shipment, shipped on its day."""
    end = quarter_end(quarter)
    yield spoken_of(rows, [row.shipped_on or end for row in rows])
    for row in rows:
        stream = f"reallocation/LESO-{row.requisition_id}"
        yield [piece("leso-shipment", row, stream, transfer(row, stream, end))]


def transfer(row: LesoShipment | LesoFederal, stream: str, end: date) -> list[Fact]:
    """Say that a quantity was asked for, approved and shipped; only the last has a day."""
    on, dated = (row.shipped_on, "") if row.shipped_on else (end, NOT_AFTER)
    shipped = ConsignmentShipped(item=fit(row.item_name, 200) or row.nsn, quantity=row.quantity)
    return [
        Fact(stream, requested(row), on, NOT_AFTER),
        Fact(stream, ReallocationApproved(), on, NOT_AFTER),
        Fact(stream, shipped, on, dated),
    ]


def federal_pieces(rows: Sequence[LesoFederal], quarter: str) -> Iterator[list[Piece]]:
    """Say the same of transfers to central bodies; these rows have no number of their own."""
    end = quarter_end(quarter)
    yield spoken_of(rows, [row.shipped_on or end for row in rows])
    for row in rows:
        number = f"{row.key.rpartition(':')[2][:20].upper()}-{row.occurrence}"
        stream = f"reallocation/LESO-{quarter}-F-{number}"
        yield [piece("leso-federal", row, stream, transfer(row, stream, end))]


def cancellation_pieces(rows: Sequence[LesoCancellation], quarter: str) -> Iterator[list[Piece]]:
    """Say of each row: requested on its day, refused not after the end of the quarter."""
    end = quarter_end(quarter)
    yield spoken_of(rows, [min(row.requested_on or end, end) for row in rows])
    for row in rows:
        stream = f"reallocation/LESO-{quarter}-{row.rtd_ref}"
        on, dated = (row.requested_on, "") if row.requested_on else (end, NOT_AFTER)
        refused = ReallocationRefused(reason=row.refusal.slug, by_whom=fit(row.cancelled_by, 80))
        facts = [
            Fact(stream, requested(row), on, dated),
            Fact(stream, refused, max(on, end), NOT_AFTER),
        ]
        yield [piece("leso-refusal", row, stream, facts)]


def quarter_in(source: Source, file: str | None) -> str:
    """Find the quarter in the file's name; raise Unreadable without one."""
    name = name_of(source, file)
    try:
        return quarter_of(Path(name))
    except ValueError:
        raise refuse(
            name,
            "no-quarter",
            "文件名中没有季度（如 2019Q4），无法确定编号与日期。请在文件名中注明季度。",
            "The file's name gives no quarter (such as 2019Q4), which keys and dates need. "
            "Put the quarter into the name.",
        ) from None


def import_shipments(
    book: Book, source: Source, progress: Progress | None = None, *, file: str | None = None
) -> ImportReport:
    """Import a quarter's shipments; the quarter is in the file's name."""
    notices: list[Problem] = []
    quarter = quarter_in(source, file)
    rows = list(reading_leso.shipments(source, file=file, notices=notices))
    report = ImportReport(file=name_of(source, file), kind="leso-shipments", problems=(*notices,))
    words = (f"LESO {quarter}：发运", f"LESO {quarter}: shipments")
    return record(book, list(shipment_pieces(rows, quarter)), report, progress, words)


def import_cancellations(
    book: Book, source: Source, progress: Progress | None = None, *, file: str | None = None
) -> ImportReport:
    """Import a quarter's refused requests; the quarter is in the file's name."""
    notices: list[Problem] = []
    quarter = quarter_in(source, file)
    rows = list(reading_leso.cancellations(source, quarter=quarter, file=file, notices=notices))
    report = ImportReport(
        file=name_of(source, file), kind="leso-cancellations", problems=(*notices,)
    )
    words = (f"LESO {quarter}：未批准", f"LESO {quarter}: refused")
    return record(book, list(cancellation_pieces(rows, quarter)), report, progress, words)


def import_federal(
    book: Book, source: Source, progress: Progress | None = None, *, file: str | None = None
) -> ImportReport:
    """Import a quarter's transfers to central bodies; the quarter is in the file's name."""
    notices: list[Problem] = []
    quarter = quarter_in(source, file)
    rows = list(reading_leso.federal(source, quarter=quarter, file=file, notices=notices))
    report = ImportReport(file=name_of(source, file), kind="leso-federal", problems=(*notices,))
    words = (f"LESO {quarter}：中央机构", f"LESO {quarter}: central bodies")
    return record(book, list(federal_pieces(rows, quarter)), report, progress, words)


# Snapshots of what is held ----------------------------------------------------


class Held(msgspec.Struct, gc=False):
    """A holding as the ledger knows it."""

    stream: str
    row: LesoInventoryRow | None
    asset: Asset


def holding_stream(row: LesoInventoryRow) -> str:
    """Name the history of one holding by the digest of its row and its number among equals."""
    return f"asset/LESO-{row.key.rpartition(':')[2][:20].upper()}-{row.occurrence}"


def total_value(row: LesoInventoryRow) -> int | None:
    """Return the value of the whole holding in cents: value per unit × quantity, half up."""
    if row.unit_value is None:
        return None
    whole, _, part = row.quantity.partition(".")
    scale = 10 ** len(part)
    return (row.unit_value.cents * int(whole + part) * 2 + scale) // (2 * scale)


def control(row: LesoInventoryRow) -> str:
    """Write the control codes of an item on one line of the card."""
    return fit("/".join(p for p in (row.demil_code, row.demil_ic) if p), 80)


def card(row: LesoInventoryRow) -> tuple[str, str]:
    """Return what a card says that the publisher may write differently next time."""
    return fit(row.item_name, 200) or row.nsn, control(row)


def recoded(row: LesoInventoryRow, asset: Asset, day: date) -> CardCorrected | None:
    """Say that a later snapshot names or codes the same holding differently; None if it does not.

    A cell left empty says nothing: it never takes back what an earlier snapshot said (T111).
    """
    codes, _, inspection = asset.model.partition("/")
    model = fit("/".join(p for p in (row.demil_code or codes, row.demil_ic or inspection) if p), 80)
    name = fit(row.item_name, 200) or asset.name
    if (name, model) == (asset.name, asset.model):
        return None
    return CardCorrected(
        reason=f"快照 / snapshot {day}",
        name=None if name == asset.name else name,
        model=None if model == asset.model else model,
    )


def unvalued(day: date) -> CardCorrected:
    """Say that a later snapshot leaves the value of a holding empty; what is known stays."""
    return CardCorrected(
        reason=f"快照 {day} 未载明价值，保持原值 / snapshot {day} states no value, the known one stays"
    )


def revalued_to(value: int, day: date) -> ValueCorrected:
    """Say that a later snapshot gives the same holding another value, in cents."""
    return ValueCorrected(value=value, value_type=ValueType.COST, reason=f"快照 / snapshot {day}")


def opened(row: LesoInventoryRow) -> AssetRegistered:
    """Open the card of a holding; equal rows are different holdings, no serial number exists.

    The value is that of the whole holding; control codes stand where a model would.
    """
    value = total_value(row)
    stream = holding_stream(row)
    return AssetRegistered(
        asset_no=stream.removeprefix("asset/"),
        name=card(row)[0],
        kind=KIND_OF_GROUP.get(row.nsn[:2], Kind.OTHER),
        unit=unit_of(row),
        class_code=fit(row.nsn, 80),
        class_scheme="NSN",
        value=value,
        currency="USD",
        value_type=ValueType.COST if value else ValueType.UNKNOWN,
        quantity=row.quantity,
        measure=fit(row.unit, 80),
        acquired=row.shipped_on,
        model=control(row),
        owner=GIVER,
        dataset=DATASET,
    )


def known_holdings(book: Book) -> tuple[dict[str, Asset], list[date]]:
    """Fold every holding of the programme; return the states and the days of the snapshots."""
    histories: defaultdict[str, list[Entry]] = defaultdict(list)
    days: set[str] = set()
    for entry in book.entries():
        if entry.stream.startswith("asset/LESO-"):
            histories[entry.stream].append(entry)
            for doc in entry.beside.docs:
                days.update(SNAPSHOT.findall(doc.number))
    states = {
        stream: lifecycle.fold(e.event for e in standing(entries))
        for stream, entries in histories.items()
    }
    return states, sorted(map(date.fromisoformat, days))


def snapshot_day(source: Source, file: str | None) -> date:
    """Find the day of a snapshot in the file's name; raise Unreadable without one."""
    name = name_of(source, file)
    found = SNAPSHOT.search(name)
    try:
        return date.fromisoformat(found[0] if found else "")
    except ValueError:
        raise refuse(
            name,
            "no-snapshot-day",
            "文件名中没有快照日期（如 2025-12-31），无法与上一期比较。请在文件名中注明日期。",
            "The file's name gives no day (such as 2025-12-31), so it cannot be compared with "
            "an earlier snapshot. Put the day into the name.",
        ) from None


def first_seen(row: LesoInventoryRow, day: date) -> Fact:
    """Say that the holding exists: since its shipment, or, undated, not after the snapshot.

    A shipment after the snapshot that lists it contradicts itself; the snapshot is believed.
    """
    on, dated = (
        (row.shipped_on, "")
        if row.shipped_on is not None and row.shipped_on <= day
        else (day, NOT_AFTER)
    )
    return Fact(holding_stream(row), opened(row), on, dated)


def snapshot_pieces(
    rows: Sequence[LesoInventoryRow],
    claimed: dict[str, str],
    states: dict[str, Asset],
    day: date,
    before: date | None,
) -> tuple[list[list[Piece]], tuple[tuple[str, str], ...]]:
    """Say what a snapshot adds to what is known: all of it, or the differences.

    Rows are compared as multisets by key (all columns but names and control codes). A row that
    differs in its value alone corrects that value; what vanished left the register for a cause
    nobody states, between two days. Moves, renamed agencies and other quantities are left to a
    person: they show as one holding gone and one new.
    """
    groups = [spoken_of(rows, [min(row.shipped_on or day, day) for row in rows])]
    held = {claim: stream for claim, stream in claimed.items() if claim.startswith(LIST)}
    by_claim = {claim_of("leso-inventory", row): row for row in rows}
    later = before is not None
    new = [row for claim, row in by_claim.items() if claim not in held]
    gone: list[str] = []
    corrected = revalued = 0
    if later:
        present = {held[claim] for claim in by_claim if claim in held}
        covered = tuple({f"o_leso_{row.state.lower()}_" for row in rows})
        gone = [
            stream
            for stream, asset in states.items()
            if stream not in present
            and asset.book is not Standing.GONE
            and asset.accounting_unit.startswith(covered)
        ]
        for fact, row in corrections(by_claim, held, states, day):
            corrected += 1
            key = f"{claim_of('leso-inventory', row)}@{day}"
            said = piece("leso-inventory", row, fact.stream, [fact])
            groups.append([msgspec.structs.replace(said, key=key, rows=0)])
        revaluations, gone, new = changed_values(gone, new, states)
        revalued = sum(row.unit_value is not None for _, row in revaluations)
        for stream, row in revaluations:
            value = total_value(row)
            said_of_value = unvalued(day) if value is None else revalued_to(value, day)
            facts = [Fact(stream, said_of_value, day, NOT_AFTER)]
            renamed = recoded(row, states[stream], day)
            if renamed is not None:
                facts.append(Fact(stream, renamed, day, NOT_AFTER))
            groups.append([piece("leso-inventory", row, stream, facts)])
    fresh = {claim_of("leso-inventory", row) for row in new}
    for claim, row in by_claim.items():
        if claim in fresh:
            stream = holding_stream(row)
            groups.append([piece("leso-inventory", row, stream, [first_seen(row, day)])])
        elif claim in held:  # known already: counted as skipped
            groups.append([piece("leso-inventory", row, held[claim], [])])
    groups.extend([vanished(stream, before, day)] for stream in gone)
    if not later:
        return groups, ()
    zh = (
        f"与 {before} 快照比较：新增 {len(new)}，消失 {len(gone)}，"
        f"更正卡片 {corrected}，更正价值 {revalued}。"
    )
    en = (
        f"Against the snapshot of {before}: {len(new)} new, {len(gone)} gone, "
        f"{corrected} cards corrected, {revalued} values corrected."
    )
    return groups, ((zh, en),)


def corrections(
    by_claim: dict[str, LesoInventoryRow],
    held: dict[str, str],
    states: dict[str, Asset],
    day: date,
) -> Iterator[tuple[Fact, LesoInventoryRow]]:
    """Find holdings whose name or control codes changed; among equal rows, as few as possible."""
    equal: defaultdict[str, list[LesoInventoryRow]] = defaultdict(list)
    for claim, row in by_claim.items():
        if claim in held:
            equal[row.key].append(row)
    for rows in equal.values():
        streams = [held[claim_of("leso-inventory", row)] for row in rows]
        _, left_rows, left_streams = reconciling.paired(
            rows,
            streams,
            card,
            lambda stream: (states[stream].name, states[stream].model),
        )
        for row, stream in zip(left_rows, left_streams, strict=True):
            renamed = recoded(row, states[stream], day)
            if renamed is not None:
                yield Fact(stream, renamed, day, NOT_AFTER), row


def changed_values(
    gone: Sequence[str], new: Sequence[LesoInventoryRow], states: dict[str, Asset]
) -> tuple[list[tuple[str, LesoInventoryRow]], list[str], list[LesoInventoryRow]]:
    """Pair what vanished with what is new where the value alone differs, or is left empty now."""
    valued = [row for row in new if row.unit_value is not None]
    empty = [row for row in new if row.unit_value is None]

    def of_asset(stream: str) -> tuple[str, str, str, date | None]:
        a = states[stream]
        return a.accounting_unit, a.class_code, a.quantity, a.acquired

    def of_row(row: LesoInventoryRow) -> tuple[str, str, str, date | None]:
        return unit_of(row), fit(row.nsn, 80), row.quantity, row.shipped_on

    pairs, gone, valued = reconciling.paired(gone, valued, of_asset, of_row)
    silent, gone, empty = reconciling.paired(gone, empty, of_asset, of_row)
    return [*pairs, *silent], gone, [*valued, *empty]


def vanished(stream: str, before: date | None, day: date) -> Piece:
    """Say that a later snapshot lists a holding no longer; the day is not known, the span is."""
    reason = (
        f"{before} 在列，{day} 不在列；原因未载明 / "
        f"listed on {before}, not on {day}; cause not stated"
    )
    event: Event = LeftBook(reason=reason)
    return Piece(
        key=f"leso-gone:{stream}@{day}",
        stream=stream,
        facts=(Fact(stream, event, day, NOT_AFTER),),
        doc=Document(type="source_file", number=f"snapshot {day}", issuer=PUBLISHER),
        zone=ZONE,
        rows=0,
    )


def import_inventory(
    book: Book, source: Source, progress: Progress | None = None, *, file: str | None = None
) -> ImportReport:
    """Import a snapshot of holdings: the first as opening, a later one as differences.

    The day is in the file's name. A snapshot older than one imported is refused: what it lists
    may have left since, and nothing can be concluded from it.
    """
    notices: list[Problem] = []
    day = snapshot_day(source, file)
    rows = list(reading_leso.inventory(source, file=file, notices=notices))
    states, days = known_holdings(book)
    name = name_of(source, file)
    if days and day < days[-1]:
        raise refuse(
            name,
            "older-snapshot",
            f"已导入过较新的快照（{days[-1]}），不能再导入 {day} 的快照。",
            f"A newer snapshot ({days[-1]}) was imported already; that of {day} is refused.",
        )
    # Not the newest but the one before this: a later snapshot may have been imported in part.
    before = max((known for known in days if known < day), default=None)
    groups, notes = snapshot_pieces(rows, book.log.claims(CLAIM), states, day, before)
    report = ImportReport(file=name, kind="leso-inventory", problems=(*notices,), notes=notes)
    words = (f"LESO 在册 {day}", f"LESO holdings {day}")
    return record(book, groups, report, progress, words)
