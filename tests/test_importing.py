"""Published lists become facts: the exact numbers, once, whatever interrupts, nothing invented."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from books import opened

from api import importing, importing_leso, importing_seattle, reading_leso, reading_seattle
from api.importing_facts import ImportReport
from api.reading_problems import Unreadable
from api.reading_records import SAMPLE
from domain.asset import Asset, AssetRegistered, Custody, Kind, ValueType
from domain.asset import Book as Standing
from domain.decider import Ask, Occasion
from domain.disposal import DisposalStatus
from domain.reallocation import ReallocationRefused, ReallocationStatus
from ledger.book import Book
from ledger.entry import standing
from ledger.verifying import verify

ACTIVE = SAMPLE / "active_fleet_complement.csv.gz"
SURPLUS = SAMPLE / "current_fleet_surplus_auction_list.csv.gz"
SOLD = SAMPLE / "sold_fleet_equipment.tsv.gz"
UNDATED = SAMPLE / "sold_fleet_equipment_no_dates.csv.gz"
SHIPMENTS = SAMPLE / "shipments_2019Q4_without_justification.csv.gz"
CANCELLATIONS = SAMPLE / "cancellations_2019Q4_without_justification.csv.gz"
SEATTLE = (ACTIVE, SURPLUS, SOLD)
ALL = (*SEATTLE, SHIPMENTS, CANCELLATIONS)
SharedFile = Callable[[str], Path]


@pytest.fixture(scope="module")
def seattle(new_database: Callable[[], str]) -> Iterator[Book]:
    """Lend a book with the three dated lists; tests of this module only read it."""
    with opened(new_database()) as book:
        for path in SEATTLE:
            importing.run(book, path)
        yield book


@pytest.fixture(scope="module")
def leso(new_database: Callable[[], str]) -> Iterator[Book]:
    """Lend a book with one quarter of shipments and refusals; read only."""
    with opened(new_database()) as book:
        importing.run(book, SHIPMENTS)
        importing.run(book, CANCELLATIONS)
        yield book


def facts(book: Book) -> Counter[tuple[Any, ...]]:
    """Return what the book says, without salts, times of recording and request numbers."""
    return Counter(
        (e.stream, e.seq, e.event.type_name, msgspec.json.encode(e.event), e.effective_at)
        for e in book.entries()
    )


def states(book: Book, kind: str) -> dict[str, Any]:
    names = dict.fromkeys(e.stream for e in book.entries() if e.stream.startswith(f"{kind}/"))
    return {name: book.stream(name).state for name in names}


# Seattle ----------------------------------------------------------------------


def test_4109_rows_are_4004_vehicles_in_use_and_105_repetitions(database: str):
    with opened(database) as book:
        report = importing.run(book, ACTIVE)
        assert (report.rows, report.added, report.skipped) == (4109, 4109, 0)
        assert report.by_type == {
            "asset.registered": 4004,
            "asset.issued_to_user": 4004,
            "asset.register_row_repeated": 105,
            "asset.replacement_planned": 3754,
            "unit.established": 18,
        }
        assets = states(book, "asset")
        assert Counter(a.custody for a in assets.values()) == {Custody.IN_USE: 4004}


def test_115_rows_are_113_vehicles_waiting_for_an_auction_two_of_them_total_losses(seattle: Book):
    consigned = [e.stream for e in seattle.entries() if "consigned" in e.event.type_name]
    assert len(consigned) == len(set(consigned)) == 113
    damaged = [e.stream for e in seattle.entries() if e.event.type_name == "asset.damage_found"]
    assert len(damaged) == 2
    assert {seattle.stream(name).state.grade for name in damaged} == {"损坏"}
    assert {seattle.stream(name).state.place for name in consigned} == {""}


def test_513_rows_are_512_sales_in_109_batches_and_every_cent(seattle: Book):
    cases = states(seattle, "disposal")
    assert len(cases) == 109
    assert sum(len(case.executed) for case in cases.values()) == 512
    assert sum(case.proceeds for case in cases.values()) == 476_877_296
    assert {case.net for case in cases.values()} == {None}, "deductions are not stated"
    assert {case.currency for case in cases.values()} == {"USD"}
    assert {case.status for case in cases.values()} == {DisposalStatus.ASSESSED}


def test_no_vehicle_is_in_two_lists_and_lost_zeros_make_no_vehicle_another(seattle: Book):
    assets = states(seattle, "asset")
    assert len(assets) == 4004 + 113 + 512
    assert "asset/SEA-03024" in assets and "asset/SEA-3024" in assets
    assert assets["asset/SEA-03024"].name != assets["asset/SEA-3024"].name


def test_what_a_row_does_not_say_is_unknown(seattle: Book):
    assets = states(seattle, "asset")
    active = [a for a in assets.values() if a.custody is Custody.IN_USE]
    zero = [a for a in active if a.value == 0]
    rows = list(reading_seattle.active(ACTIVE))
    first = {row.key: row for row in reversed(rows)}
    assert len(zero) == sum(1 for row in first.values() if row.cost and row.cost.cents == 0)
    assert {a.value_type for a in zero} == {ValueType.UNKNOWN}
    assert sum(a.acquired is None for a in active) == 6
    sold = [a for a in assets.values() if a.book is Standing.GONE]
    assert {(a.value, a.value_type, a.acquired) for a in sold} == {(None, ValueType.UNKNOWN, None)}


def test_dates_are_the_rows_own_in_the_citys_zone_or_said_to_be_the_latest_possible(seattle: Book):
    entries = seattle.stream("asset/SEA-01035").entries
    assert [e.effective_at for e in entries[:2]] == ["2000-08-04T00:00:00-07:00"] * 2
    assert [e.beside.dated for e in entries] == ["not_after", "", "not_after"]
    undated = {e.effective_on for e in seattle.entries() if "consigned" in e.event.type_name}
    assert undated == {"2015-07-31"}


def test_every_fact_of_a_row_points_at_the_row_and_the_row_is_kept(seattle: Book):
    entry = seattle.stream("asset/SEA-01035").entries[0]
    (paper,) = entry.beside.docs
    assert (paper.type, paper.number) == ("source_row", "active_fleet_complement.csv:2")
    kept = seattle.log.evidence(paper.sha256)
    assert kept is not None
    assert kept[1].startswith(b"01035,31603D,2000,PLYMOUTH,NEON,")
    assert entry.actor == "u_import"


def test_vehicles_are_known_by_the_words_of_their_description():
    assert importing_seattle.kind_of("PICKUP - DIVER BODY - CLASS 4 - 4X4") is Kind.VEHICLE
    assert importing_seattle.kind_of("TRAILER - CARGO VAN") is Kind.OTHER
    assert importing_seattle.kind_of("FORKLIFT") is Kind.OTHER


def test_the_two_registers_of_sales_close_to_the_cent():
    found = importing_seattle.reconcile(
        reading_seattle.sold(SOLD), reading_seattle.sold_undated(UNDATED)
    )
    assert found.closed
    assert (found.pairs, found.undated_only, found.dated_only, found.disagreeing) == (512, 62, 0, 0)
    assert (found.dated_total, found.dated_doubled) == (478_437_296, 1_560_000)
    assert (found.undated_total, found.undated_doubled) == (532_101_546, 4_525_000)
    assert (found.dated_once, found.undated_once) == (476_877_296, 527_576_546)
    assert found.undated_only_cents == 50_699_250


def test_the_register_without_days_is_a_second_witness_and_adds_62_sales(database: str):
    with opened(database) as book:
        importing.run(book, SOLD)
        report = importing.run(book, UNDATED)
        assert report.by_type["disposal.sold"] == 62
        assert report.by_type["asset.register_row_repeated"] == 577 - 62
        assert sum(c.proceeds for c in states(book, "disposal").values()) == 527_576_546
        late = {
            (e.effective_on, e.beside.dated)
            for e in book.entries()
            if e.event.type_name == "disposal.sold" and "undated" in e.stream
        }
        assert late == {("2015-07-31", "not_after")}
        assert importing.run(book, UNDATED).events == 0
        assert "US$5,321,015.46" in report.notes[0][0] and "¥" not in "".join(report.notes[0])


# LESO -------------------------------------------------------------------------


def test_a_quarter_is_5417_shipments_and_6992_refusals(leso: Book):
    cases = states(leso, "reallocation")
    assert Counter(case.status for case in cases.values()) == {
        ReallocationStatus.SHIPPED: 5417,
        ReallocationStatus.REFUSED: 6992,
    }
    shipped = [c for c in cases.values() if c.status is ReallocationStatus.SHIPPED]
    assert sum(int(c.quantity) for c in shipped) == 69_974
    assert sum(int(c.quantity) * c.unit_value for c in shipped) == 8_574_088_577
    assert {c.currency for c in cases.values()} == {"USD"}
    assert {c.applicant for c in cases.values()} == {""}


def test_every_agency_is_one_unit(leso: Book):
    rows = [
        *reading_leso.shipments(SHIPMENTS),
        *reading_leso.cancellations(CANCELLATIONS, quarter="2019Q4"),
    ]
    agencies = {(row.state, row.agency) for row in rows}
    assert len(agencies) == 903
    assert len({importing_leso.unit_of(row) for row in rows}) == len(agencies)
    assert len(states(leso, "unit")) == len(agencies) + 1, "and the one that gives"


def test_reasons_are_kinds_and_no_free_text_is_kept(leso: Book):
    reasons = Counter(
        e.event.reason for e in leso.entries() if isinstance(e.event, ReallocationRefused)
    )
    assert reasons["approved-for-another"] == 513
    assert reasons["sales-order-closed"] == 2841
    refused = next(e for e in leso.entries() if e.event.type_name == "reallocation.refused")
    kept = leso.log.evidence(refused.beside.docs[0].sha256)
    assert kept is not None
    fields = msgspec.json.decode(kept[1])
    assert {"reason", "justification", "evidence"}.isdisjoint(fields)
    assert len(fields["row_sha256"]) == 64


def test_a_request_has_its_day_and_a_refusal_the_end_of_the_quarter(leso: Book):
    asked, refused = leso.stream("reallocation/LESO-2019Q4-2451077").entries
    assert (asked.effective_on, asked.beside.dated) == ("2019-10-07", "")
    assert (refused.effective_on, refused.beside.dated) == ("2019-12-31", "not_after")
    assert asked.effective_at.endswith("-04:00")


def test_transfers_to_central_bodies_are_shipments_without_a_number(
    database: str, shared_file: SharedFile
):
    with opened(database) as book:
        report = importing.run(book, shared_file("leso/federal_acquisitions_2019Q4.csv.gz"))
        assert report.by_type["reallocation.consignment_shipped"] == report.rows > 0
        assert len(states(book, "reallocation")) == report.rows


def test_a_later_snapshot_changes_what_changed_and_nothing_else(
    database: str, shared_file: SharedFile
):
    before = shared_file("leso/inventory_2025-12-31_AK-MI.csv.gz")
    after = shared_file("leso/inventory_2026-06-30_AK-MI.csv.gz")
    with opened(database) as book:
        opening = importing.run(book, before)
        assert opening.by_type["asset.registered"] == opening.rows == 36_756
        changed = importing.run(book, after)
        new, gone, revalued = 1_065, 5_006, 64
        assert changed.rows == 32_815
        assert changed.by_type["asset.registered"] == new - revalued
        assert changed.by_type["asset.left_book"] == gone - revalued
        assert changed.by_type["asset.value_corrected"] == revalued
        held = [a for a in states_at_once(book).values() if a.book is Standing.ON_BOOKS]
        assert len(held) == 32_815
        assert importing.run(book, after).events == 0
        with pytest.raises(Unreadable) as refusal:
            importing.run(book, before)
        assert refusal.value.problems[0].slug == "older-snapshot"


def states_at_once(book: Book) -> dict[str, Asset]:
    return importing_leso.known_holdings(book)[0]


def test_the_value_of_a_holding_is_its_quantity_times_the_value_of_one():
    row = next(iter(reading_leso.inventory(snapshot("2.5", "10.01"), file="i_2025-12-31.csv")))
    assert importing_leso.total_value(row) == 2503  # 25.025 rounds half up
    assert importing_leso.opened(row).quantity == "2.5"


def snapshot(quantity: str, value: str) -> bytes:
    head = "State,Station Name (LEA),NSN,Item Name,Quantity,UI,Acquisition Value,DEMIL Code,"
    return (
        f"{head}DEMIL IC,Ship Date,Station Type\n"
        f"AL,ATMORE PD,7110-01-502-5826,DESK,{quantity},Each,{value},A,1,2019-10-01,State\n"
    ).encode()


# Once, whatever happens -------------------------------------------------------


@pytest.mark.target("T111", "T124")
def test_importing_everything_twice_adds_nothing_the_second_time(database: str):
    with opened(database) as book:
        first = [importing.run(book, path) for path in ALL]
        size, root, _ = book.head()
        second = [importing.run(book, path) for path in ALL]
        assert [r.events for r in second] == [0] * len(ALL)
        assert [(r.added, r.skipped) for r in second] == [(0, r.rows) for r in first]
        assert book.head()[:2] == (size, root)
        assert verify(book).intact


IMPORT = """
import sys
from pathlib import Path
from api import importing
from ledger.book import Book
book = Book.open(sys.argv[1])
for path in sys.argv[2:]:
    importing.run(book, Path(path), lambda zh, en, done, total: print(done, flush=True))
print("end", flush=True)
"""


@pytest.mark.target("T125", "T111")
def test_an_import_killed_half_way_goes_on_and_gives_exactly_the_same(
    new_database: Callable[[], str],
):
    root = Path(__file__).resolve().parents[1]
    url = new_database()
    files = [str(path) for path in (ACTIVE, SHIPMENTS, CANCELLATIONS)]
    for stop_after in (1, 3, 2):
        with subprocess.Popen(
            [sys.executable, "-c", IMPORT, url, *files], cwd=root, stdout=subprocess.PIPE
        ) as importer:
            assert importer.stdout is not None
            said = [importer.stdout.readline().strip() for _ in range(stop_after)]
            importer.send_signal(signal.SIGKILL)
        assert importer.returncode == -signal.SIGKILL and b"end" not in said
        with opened(url) as book:
            assert 0 < book.head()[0] < 43_000
            assert verify(book).intact
    with opened(url) as book, opened(new_database()) as whole:
        for path in files:
            importing.run(book, Path(path))
            importing.run(whole, Path(path))
        assert facts(book) == facts(whole)
        assert verify(book).intact


def test_two_sales_are_one_batch_when_a_second_file_brings_the_rest(database: str):
    lines = gunzipped(SOLD).splitlines(keepends=True)
    with opened(database) as book:
        one = importing_seattle.import_sold(book, b"".join(lines[:200]))
        rest = importing_seattle.import_sold(book, b"".join(lines))
        assert one.added + rest.added == 513
        proceeds = sum(case.proceeds for case in states(book, "disposal").values())
        assert proceeds == 476_877_296


def gunzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def test_work_done_meanwhile_on_an_imported_vehicle_is_kept(database: str):
    with opened(database) as book:
        importing.run(book, SURPLUS)
        clerk = Occasion(by="u_c", on=date(2020, 1, 2), unit="o_sea", role="clerk")
        book.act([Ask("asset/SEA-05547", "record_damage", {"text": "门凹陷"})], clerk)
        assert importing.run(book, SURPLUS).events == 0
        kept = standing(book.stream("asset/SEA-05547").entries)
        assert kept[-1].event.type_name == "asset.damage_found"


# Files ------------------------------------------------------------------------


def test_a_file_is_known_by_its_header():
    assert [importing.kind_of(path).slug for path in (*ALL, UNDATED)] == [
        *("seattle-active", "seattle-surplus", "seattle-sold"),
        *("leso-shipments", "leso-cancellations", "seattle-undated"),
    ]


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"name,price\nchair,3\n", "unknown-list"),
        (b"", "unknown-list"),
        (b"PK\x03\x04rest", "not-a-table"),
    ],
)
def test_a_file_that_is_no_known_list_is_refused_in_both_languages(
    tmp_path: Path, content: bytes, slug: str
):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as refusal:
        importing.kind_of(path)
    assert refusal.value.problems[0].slug == slug
    assert refusal.value.in_chinese() and refusal.value.in_english()


def test_nothing_of_a_broken_file_is_imported(database: str, tmp_path: Path):
    text = gunzipped(ACTIVE).replace(b"$69961.69", b"$69,96x.69")
    path = tmp_path / "active.csv"
    path.write_bytes(text)
    with opened(database) as book:
        with pytest.raises(Unreadable):
            importing.run(book, path)
        assert book.head()[0] == 0


def test_progress_is_told_in_both_languages_and_ends_at_the_whole(database: str):
    told: list[tuple[str, str, int, int]] = []
    with opened(database) as book:
        report = importing.run(book, ACTIVE, lambda *said: told.append(said))
    assert isinstance(report, ImportReport)
    assert told[-1] == ("西雅图车队：在用", "Seattle fleet: in use", 4109, 4109)
    assert len(told) > 2, "a bounded number of entries per transaction"


def test_a_holding_is_registered_as_the_row_says():
    (row,) = reading_leso.inventory(snapshot("3", "0"), file="inventory_2025-12-31.csv")
    event = importing_leso.opened(row)
    assert isinstance(event, AssetRegistered)
    assert (event.kind, event.value, event.value_type) == (Kind.FURNITURE, 0, ValueType.UNKNOWN)
    assert (event.unit, event.owner, event.model) == ("o_leso_al_atmore-pd", "o_dla", "A/1")
