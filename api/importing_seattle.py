"""What a row of the City of Seattle's fleet lists says, as facts.

Readings that are ours, not the city's: the lists show the state of mid-2015 and the latest day
any of them names is 2015-07-31, so what has no date of its own is dated "not after" that day.
A card is opened not after the day the vehicle went into service. A cost of 0.00 is kept, its type
"not stated": a person decides whether it is nominal. The year in the lists is the model's, not
the year of acquisition. The surplus list names no department: the city itself holds these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

import msgspec

from api import reading_seattle, reconciling
from api.importing_facts import (
    CLAIM,
    NOT_AFTER,
    Fact,
    ImportReport,
    Piece,
    Progress,
    claim_of,
    dollars,
    fit,
    of_dataset,
    record,
    source_row,
)
from api.reading_bytes import Source, name_of
from api.reading_problems import Problem
from api.reading_seattle import (
    SeattleActive,
    SeattleSold,
    SeattleSoldUndated,
    SeattleSurplus,
    SeattleVehicle,
)
from domain.asset import AssetRegistered, Kind, RegisterRowRepeated, ReplacementPlanned, ValueType
from domain.decider import Document
from domain.disposal import IncomeAssessed, Sold
from domain.leaving import ConsignedForAuction, Derecognised, Form, LeftForGood
from domain.unit import UnitEstablished, UnitKind
from domain.use import DamageFound, DeclaredIdle, IdleGround, IssuedToUser
from ledger.act import Evidence
from ledger.book import Book

ZONE: Final = "America/Los_Angeles"
STATED_ON: Final = date(2015, 7, 31)
PUBLISHER: Final = "City of Seattle"
DATASET: Final = "seattle"
CITY: Final = "o_sea"
# The lists use short names only; the long ones are the city's own, beside them for the reader.
DEPARTMENTS: Final = {
    "ARTS": ("西雅图市文化艺术办公室", "Seattle Office of Arts & Culture"),
    "CEN": ("西雅图中心", "Seattle Center"),
    "DOIT": ("西雅图市信息技术局", "Seattle Department of Information Technology"),
    "DON": ("西雅图市社区局", "Seattle Department of Neighborhoods"),
    "DPD": ("西雅图市规划发展局", "Seattle Department of Planning and Development"),
    "DPR": ("西雅图市公园与康乐局", "Seattle Parks and Recreation"),
    "FAS": ("西雅图市财政与行政服务局", "Seattle Finance and Administrative Services"),
    "HEALTH": ("西雅图公共卫生部门", "Public Health, Seattle"),
    "HSD": ("西雅图市民生服务局", "Seattle Human Services Department"),
    "MO": ("西雅图市市长办公室", "Seattle Mayor's Office"),
    "OH": ("西雅图市住房办公室", "Seattle Office of Housing"),
    "SCL": ("西雅图市电力局", "Seattle City Light"),
    "SDOT": ("西雅图市交通局", "Seattle Department of Transportation"),
    "SFD": ("西雅图市消防局", "Seattle Fire Department"),
    "SMC": ("西雅图市法院", "Seattle Municipal Court"),
    "SPD": ("西雅图市警察局", "Seattle Police Department"),
    "SPL": ("西雅图公共图书馆", "Seattle Public Library"),
    "SPU": ("西雅图市公用事业局", "Seattle Public Utilities"),
}
# A road vehicle by one of these words, unless the thing is a trailer.
ROAD_WORDS: Final = frozenset(
    (
        *("AMBULANCE", "AID", "BUS", "CAR", "COUPE", "CUTAWAY", "FULLSIZE", "HATCHBACK"),
        *("MEDIC", "MIDSIZE", "MINIVAN", "MOTORCYCLE", "PEO", "PICKUP", "PUMPER", "SCOOTER"),
        *("SEDAN", "SUBCOMPACT", "SUV", "SWEEPER", "TRUCK", "VAN", "WAGON", "WALKIN"),
    )
)
NOT_ROAD_WORDS: Final = frozenset({"TRAILER", "BOAT", "FORKLIFT", "CLUB"})

# What rows have in common -----------------------------------------------------


def kind_of(description: str) -> Kind:
    """Tell vehicles from other equipment by the words of the description."""
    words = set(description.upper().replace("-", " ").split())
    return Kind.VEHICLE if words & ROAD_WORDS and not words & NOT_ROAD_WORDS else Kind.OTHER


def asset_stream(equip_id: str) -> str:
    """Name the history of a vehicle; zeros in front belong to the number."""
    return f"asset/SEA-{equip_id}"


def unit_of(dept: str) -> str:
    """Return the id of a department."""
    return f"{CITY}_{dept.upper()}" if dept else CITY


def registered(
    row: SeattleVehicle,
    unit: str,
    *,
    cents: int | None = None,
    plate: str = "",
    acquired: date | None = None,
) -> AssetRegistered:
    """Open the card of a vehicle with what the row states and nothing else."""
    make = " ".join(str(p) for p in (row.model_year, row.make, row.model) if p)
    return AssetRegistered(
        asset_no=f"SEA-{row.equip_id}",
        name=fit(row.description or make, 200),
        kind=kind_of(row.description),
        unit=unit,
        value=cents,
        currency="USD",
        value_type=ValueType.COST if cents else ValueType.UNKNOWN,
        model=fit(make, 80),
        plate=plate,
        acquired=acquired,
        dataset=DATASET,
    )


def kept(row: SeattleVehicle) -> Evidence:
    """Keep the row exactly as published."""
    return Evidence("text/plain", row.evidence.raw)


def piece(list_name: str, row: SeattleVehicle, facts: Iterable[Fact]) -> Piece:
    """Bind what a row says to the row."""
    proof = kept(row)
    return Piece(
        key=claim_of(list_name, row),
        stream=asset_stream(row.equip_id),
        facts=tuple(facts),
        doc=source_row(row, PUBLISHER, proof.sha256),
        kept=proof,
        zone=ZONE,
    )


def repeated(row: SeattleVehicle, said_by: str, on: date) -> Fact:
    """Say that a list names the same thing again, and how it spells the model."""
    spelling = f"{row.make} {row.model}"
    text = fit(f"{said_by}；{row.evidence.file}:{row.evidence.line}：{spelling}", 200)
    return Fact(asset_stream(row.equip_id), RegisterRowRepeated(text=text), on, NOT_AFTER)


def units(since: dict[str, date]) -> list[Piece]:
    """Let the departments exist since the earliest day on which a row speaks of them."""
    earliest = min(since.values(), default=STATED_ON)
    said = {CITY: earliest} | {unit_of(dept): on for dept, on in since.items()}
    names = {unit_of(dept): dept for dept in since}
    pieces = []
    for unit, on in sorted(said.items()):
        dept = names.get(unit, "")
        zh, en = DEPARTMENTS.get(dept, ("", "")) if dept else ("西雅图市", "City of Seattle")
        event = UnitEstablished(
            name=f"{dept}（{zh}）" if dept and zh else dept or zh,
            name_en=f"{dept} ({en})" if dept and en else dept or en,
            kind=UnitKind.FOREIGN,
            parent=None if unit == CITY else CITY,
            zone=ZONE,
        )
        stream = f"unit/{unit}"
        pieces.append(
            Piece(
                key=f"seattle-unit:{unit}",
                stream=stream,
                facts=(Fact(stream, event, on, NOT_AFTER),),
                doc=Document(type="source_file", issuer=PUBLISHER),
                zone=ZONE,
                rows=0,
            )
        )
    return pieces


# Each list --------------------------------------------------------------------


def active_pieces(rows: Sequence[SeattleActive]) -> Iterator[list[Piece]]:
    """Say of each row: registered, in use since, due for replacement; or: listed again."""
    since: dict[str, date] = {}
    for row in rows:
        on = row.in_service_on or STATED_ON
        since[row.dept] = min(on, since.get(row.dept, on))
    yield units(since)
    for row in rows:
        stream = asset_stream(row.equip_id)
        if row.occurrence > 1:
            facts = [repeated(row, "在用清单 / fleet list", STATED_ON)]
        else:
            on = row.in_service_on or STATED_ON
            dated = "" if row.in_service_on else NOT_AFTER
            cents = row.cost.cents if row.cost is not None else None
            card = registered(
                row,
                unit_of(row.dept),
                cents=cents,
                plate=row.license_plate or "",
                acquired=row.in_service_on,
            )
            facts = [
                Fact(stream, card, on, NOT_AFTER),
                Fact(stream, IssuedToUser(unit=unit_of(row.dept)), on, dated),
            ]
            if row.replacement_year is not None:
                planned = ReplacementPlanned(year=row.replacement_year)
                facts.append(Fact(stream, planned, STATED_ON, NOT_AFTER))
        yield [piece("seattle-active", row, facts)]


def surplus_pieces(rows: Sequence[SeattleSurplus]) -> Iterator[list[Piece]]:
    """Say of each row: registered, surplus, at the auctioneer's; a total loss is damage."""
    yield units({})
    for row in rows:
        stream = asset_stream(row.equip_id)
        if row.occurrence > 1:
            facts = [repeated(row, "待拍清单 / surplus list", STATED_ON)]
        else:
            said = [
                registered(row, CITY),
                DeclaredIdle(ground=IdleGround.SURPLUS),
                ConsignedForAuction(auctioneer=fit(row.auction_house, 80)),
            ]
            if row.comments:
                said.insert(1, DamageFound(text=fit(row.comments, 2000)))
            facts = [Fact(stream, event, STATED_ON, NOT_AFTER) for event in said]
        yield [piece("seattle-surplus", row, facts)]


def batch_stream(sold_on: date | None, auction_house: str) -> str:
    """Name the disposal that holds all sales of one auctioneer on one day."""
    day = sold_on.isoformat() if sold_on else "undated"
    return f"disposal/SEA-{day}-{auction_house.split(' ', maxsplit=1)[0].upper()}"


def sold_pieces(rows: Sequence[SeattleSold]) -> Iterator[list[Piece]]:
    """Say of each batch (day, auctioneer): what was sold for how much, and what is owed.

    Deductions are not stated, so the net is not stated. The register lists the sale; that the
    books let the vehicle go is proven by the day of the register only.
    """
    since: dict[str, date] = {}
    batches: defaultdict[tuple[date | None, str], list[SeattleSold]] = defaultdict(list)
    for row in rows:
        on = row.sold_on or STATED_ON
        since[row.dept] = min(on, since.get(row.dept, on))
        batches[row.sold_on, row.auction_house].append(row)
    yield units(since)
    for sold_on, house in sorted(batches, key=lambda b: (b[0] or STATED_ON, b[1])):
        yield batch("seattle-sold", batches[sold_on, house], sold_on, house)


def batch(
    list_name: str, rows: Sequence[SeattleSoldUndated], sold_on: date | None, house: str
) -> list[Piece]:
    """Say what one auctioneer sold on one day (or on days nobody noted)."""
    case = batch_stream(sold_on, house)
    on, dated = (sold_on, "") if sold_on else (STATED_ON, NOT_AFTER)
    pieces = []
    gross = 0
    for row in rows:
        asset = asset_stream(row.equip_id)
        if row.occurrence > 1:
            again = repeated(row, "已售登记册 / sales register", STATED_ON)
            pieces.append(piece(list_name, row, [again]))
            continue
        sold = Sold(
            asset=asset.removeprefix("asset/"),
            price=row.sale_price.cents,
            currency="USD",
            auctioneer=fit(house, 80),
        )
        gross += row.sale_price.cents
        facts = [
            Fact(asset, registered(row, unit_of(row.dept)), on, NOT_AFTER),
            Fact(case, of_dataset(sold, DATASET), on, dated),
            Fact(asset, LeftForGood(form=Form.AUCTION, case=case), on, dated),
            Fact(asset, Derecognised(voucher=""), STATED_ON, NOT_AFTER),
        ]
        pieces.append(piece(list_name, row, facts))
    assessed = IncomeAssessed(gross=gross, currency="USD")
    income = Fact(case, of_dataset(assessed, DATASET), on, dated)
    pieces.append(
        Piece(
            key=f"{list_name}-batch:{case}:{gross}",
            stream=case,
            facts=(income,),
            doc=Document(type="source_file", number=rows[0].evidence.file, issuer=PUBLISHER),
            zone=ZONE,
            rows=0,
        )
    )
    return pieces


# Importing --------------------------------------------------------------------


def import_active(book: Book, source: Source, progress: Progress | None = None) -> ImportReport:
    """Import the list of equipment in use."""
    notices: list[Problem] = []
    rows = list(reading_seattle.active(source, notices=notices))
    report = ImportReport(file=name_of(source, None), kind="seattle-active", problems=(*notices,))
    words = ("西雅图车队：在用", "Seattle fleet: in use")
    return record(book, list(active_pieces(rows)), report, progress, words)


def import_surplus(book: Book, source: Source, progress: Progress | None = None) -> ImportReport:
    """Import the list of equipment waiting for an auction."""
    notices: list[Problem] = []
    rows = list(reading_seattle.surplus(source, notices=notices))
    report = ImportReport(file=name_of(source, None), kind="seattle-surplus", problems=(*notices,))
    words = ("西雅图车队：待拍卖", "Seattle fleet: awaiting auction")
    return record(book, list(surplus_pieces(rows)), report, progress, words)


def import_sold(book: Book, source: Source, progress: Progress | None = None) -> ImportReport:
    """Import the register of sales with their days."""
    notices: list[Problem] = []
    rows = list(reading_seattle.sold(source, notices=notices))
    report = ImportReport(file=name_of(source, None), kind="seattle-sold", problems=(*notices,))
    words = ("西雅图车队：已售", "Seattle fleet: sold")
    return record(book, list(sold_pieces(rows)), report, progress, words)


# The second witness -----------------------------------------------------------


class SalesReconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Two registers of the same sales side by side; money in cents, every cent explained.

    `undated_once - dated_once == undated_only_cents` when `closed`.
    """

    dated_rows: int
    undated_rows: int
    pairs: int
    dated_total: int
    dated_doubled: int
    undated_total: int
    undated_doubled: int
    undated_only: int
    undated_only_cents: int
    dated_only: int
    disagreeing: int

    @property
    def dated_once(self) -> int:
        return self.dated_total - self.dated_doubled

    @property
    def undated_once(self) -> int:
        return self.undated_total - self.undated_doubled

    @property
    def closed(self) -> bool:
        """Tell whether the sales without a day explain the whole difference."""
        difference = self.undated_once - self.dated_once
        return not (self.dated_only or self.disagreeing) and difference == self.undated_only_cents


def reconcile(
    dated: Iterable[SeattleSold], undated: Iterable[SeattleSoldUndated]
) -> SalesReconciliation:
    """Compare the register with days with the one without."""
    with_day, without = list(dated), list(undated)
    join = reconciling.join_sales(with_day, without)

    def money(rows: Iterable[SeattleSoldUndated]) -> int:
        return sum(row.sale_price.cents for row in rows)

    return SalesReconciliation(
        dated_rows=len(with_day),
        undated_rows=len(without),
        pairs=len(join.pairs),
        dated_total=money(with_day),
        dated_doubled=money(join.doubled_dated),
        undated_total=money(without),
        undated_doubled=money(join.doubled_undated),
        undated_only=len(join.undated_only),
        undated_only_cents=money(join.undated_only),
        dated_only=len(join.dated_only),
        disagreeing=len(join.disagreeing),
    )


def known_sales(book: Book) -> dict[tuple[str, str, int], str]:
    """Find the recorded sales of the city: number without zeros, year and make, price -> id."""
    made: dict[str, str] = {}
    prices: dict[str, int] = {}
    for entry in book.entries():
        match entry.event:
            case AssetRegistered(dataset=dataset, model=model) if dataset == DATASET:
                made[entry.stream.removeprefix("asset/")] = model
            case Sold(asset=asset, price=price) if asset in made:
                prices[asset] = price
            case _:
                pass
    return {
        (asset.removeprefix("SEA-").lstrip("0"), made[asset], price): asset
        for asset, price in prices.items()
    }


def import_undated(book: Book, source: Source, progress: Progress | None = None) -> ImportReport:
    """Import the register without days as a second witness.

    A sale that is recorded already (number without zeros, year, make and price agree) gets the
    row as further evidence. A sale that only this register names is recorded as sold not after
    the day of the register.
    """
    notices: list[Problem] = []
    rows = list(reading_seattle.sold_undated(source, notices=notices))
    report = ImportReport(file=name_of(source, None), kind="seattle-undated", problems=(*notices,))
    known = known_sales(book)
    prefixes: defaultdict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for (number, model, price), asset in known.items():
        prefixes[number, price].append((model, asset))
    groups: list[list[Piece]] = []
    fresh: defaultdict[str, list[SeattleSoldUndated]] = defaultdict(list)
    claimed = book.log.claims(CLAIM)
    for row in rows:
        spelled = " ".join(str(p) for p in (row.model_year, row.make) if p)
        seen = [
            asset
            for model, asset in prefixes[row.equip_id.lstrip("0"), row.sale_price.cents]
            if model.startswith(spelled)
        ]
        if seen or claim_of("seattle-undated", row) in claimed:
            said = repeated(row, "无日期登记册 / register without days", STATED_ON)
            stream = f"asset/{seen[0]}" if seen else said.stream
            fact = msgspec.structs.replace(said, stream=stream)
            one = piece("seattle-undated", row, [fact])
            groups.append([msgspec.structs.replace(one, stream=stream)])
        else:
            fresh[row.auction_house].append(row)
    since = {row.dept: STATED_ON for alone in fresh.values() for row in alone}
    groups = [units(since), *groups] if since else groups
    for house, alone in sorted(fresh.items()):
        groups.append(batch("seattle-undated", alone, None, house))
    words = ("西雅图车队：已售（无日期）", "Seattle fleet: sold, undated")
    record(book, groups, report, progress, words)
    report.notes = second_witness(rows, report, set(known.values()))
    return report


def second_witness(
    rows: Sequence[SeattleSoldUndated], report: ImportReport, known: set[str]
) -> tuple[tuple[str, str], ...]:
    """Say what the second register adds, in both languages."""
    new = report.by_type.get("disposal.sold", 0)
    total = dollars(sum(row.sale_price.cents for row in rows))
    zh = (
        f"无日期登记册 {len(rows)} 行，合计 {total}；账本原有售出 {len(known)} 项，"
        f"本次新增无日期售出 {new} 项。"
    )
    en = (
        f"{len(rows)} rows without days, {total} in all; {len(known)} sales were recorded "
        f"already, {new} sales without a day were added."
    )
    return ((zh, en),)
