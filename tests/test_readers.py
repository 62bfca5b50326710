"""The published lists: read exactly, refused with every reason, compared as multisets."""

from __future__ import annotations

import ast
import contextlib
import gzip
import hashlib
import inspect
from collections import Counter
from collections.abc import Callable
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from api import reading_bytes, reconciling
from api import reading_leso as leso
from api import reading_problems as problems
from api import reading_reasons as reasons
from api import reading_seattle as seattle
from api import reading_values as values
from api.reading_records import SAMPLE, Record, quarter_of
from api.sample import build

ACTIVE = SAMPLE / "active_fleet_complement.csv.gz"
SURPLUS = SAMPLE / "current_fleet_surplus_auction_list.csv.gz"
SOLD = SAMPLE / "sold_fleet_equipment.tsv.gz"
UNDATED = SAMPLE / "sold_fleet_equipment_no_dates.csv.gz"
SHIPMENTS = SAMPLE / "shipments_2019Q4_without_justification.csv.gz"
CANCELLATIONS = SAMPLE / "cancellations_2019Q4_without_justification.csv.gz"

QUARTERS: dict[str, int] = {
    "2017Q2": 6603,
    "2018Q4": 5000,
    "2019Q1": 5462,
    "2019Q2": 5054,
    "2019Q3": 4575,
    "2019Q4": 5417,
}

SharedFile = Callable[[str], Path]
Held = tuple[list[leso.LesoInventoryRow], list[problems.Problem]]


def dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


@pytest.fixture(scope="module")
def held_2019(shared: Path) -> Held:
    path = shared / "leso/inventory_2019-12-31.csv.gz"
    if not path.exists():
        pytest.skip("absent: shared/data/leso/inventory_2019-12-31.csv.gz")
    notices: list[problems.Problem] = []
    return list(leso.inventory(path, notices=notices)), notices


# Seattle: the exact numbers ---------------------------------------------------


def test_every_row_of_the_fleet_lists_is_read_and_doubles_share_a_key():
    counts = {
        "active": Counter(row.key for row in seattle.active(ACTIVE)),
        "surplus": Counter(row.key for row in seattle.surplus(SURPLUS)),
        "sold": Counter(row.key for row in seattle.sold(SOLD)),
        "undated": Counter(row.key for row in seattle.sold_undated(UNDATED)),
    }
    assert {name: (keys.total(), len(keys)) for name, keys in counts.items()} == {
        "active": (4109, 4004),
        "surplus": (115, 113),
        "sold": (513, 512),
        "undated": (577, 574),
    }
    assert sum(1 for count in counts["active"].values() if count > 1) == 75


def test_a_number_listed_again_differs_in_the_spelling_of_the_model_only():
    rows = list(seattle.active(ACTIVE))
    first = {row.key: row for row in rows if row.occurrence == 1}
    again = [row for row in rows if row.occurrence > 1]
    assert len(again) == 105
    for row in again:
        known = first[row.key]
        assert row.model != known.model
        assert (row.license_plate, row.cost, row.dept) == (
            known.license_plate,
            known.cost,
            known.dept,
        )


def test_no_vehicle_is_in_two_of_the_three_lists():
    active = {row.equip_id for row in seattle.active(ACTIVE)}
    surplus = {row.equip_id for row in seattle.surplus(SURPLUS)}
    sold = {row.equip_id for row in seattle.sold(SOLD)}
    assert (active & surplus, active & sold, surplus & sold) == (set(), set(), set())


def test_equal_numbers_without_zeros_are_not_enough_to_be_the_same_vehicle():
    """Both such pairs are wrong; one of them even agrees in the department."""
    active = list(seattle.active(ACTIVE))
    others = [*seattle.surplus(SURPLUS), *seattle.sold(SOLD)]
    met = {
        (one.equip_id, other.equip_id)
        for one in active
        for other in others
        if one.equip_id.lstrip("0") == other.equip_id.lstrip("0")
    }
    assert met == {("3024", "03024"), ("07022", "7022")}
    assert not any(reconciling.same_vehicle(one, other) for one in active for other in others)


def test_the_two_registers_of_sales_differ_by_62_sales_and_by_nothing_else():
    dated, undated = list(seattle.sold(SOLD)), list(seattle.sold_undated(UNDATED))
    join = reconciling.join_sales(dated, undated)

    assert len(join.pairs) == 512
    assert (join.disagreeing, join.dated_only) == ((), ())
    assert [row.equip_id for row in join.doubled_dated] == ["E0943"]
    assert {row.equip_id for row in join.doubled_undated} == {"E0943", "53767", "55698"}

    def total(rows: object) -> str:
        assert isinstance(rows, list | tuple)
        return dollars(sum(row.sale_price.cents for row in rows))

    assert total(dated) == "4,784,372.96"
    assert total(join.doubled_dated) == "15,600.00"
    assert total([pair[0] for pair in join.pairs]) == "4,768,772.96"
    assert total(undated) == "5,321,015.46"
    assert total(join.doubled_undated) == "45,250.00"
    assert (len(join.undated_only), total(join.undated_only)) == (62, "506,992.50")


def test_the_join_finds_numbers_that_lost_their_zeros():
    join = reconciling.join_sales(seattle.sold(SOLD), seattle.sold_undated(UNDATED))
    assert ("3015", "03015") in {(one.equip_id, other.equip_id) for one, other in join.pairs}


def test_a_sale_whose_price_differs_is_set_apart_not_joined():
    head = b"EquipID\tYear\tMake\tModel\tDescription\tDept\tSalePrice\tSaleDate\tAuctionHouse\n"
    one = seattle.sold(head + b"7\t2000\tFORD\tA\tVAN\tSPD\t100\t1/2/2014 0:00\tX\n")
    head = b"EQUIP_ID,YEAR,MAKE,MODEL,DESCRIPTION,DEPT,SALE_PRICE,SALE_DATE,SOLD_BY\n"
    other = seattle.sold_undated(head + b"007,2000,FORD,A,VAN,SPD,100.01,,X\n")
    join = reconciling.join_sales(one, other)
    assert (len(join.pairs), len(join.disagreeing)) == (0, 1)


def test_what_the_fleet_list_does_not_say_stays_unknown():
    rows = list(seattle.active(ACTIVE))
    assert sum(row.cost_unknown_or_nominal for row in rows) == 450
    assert sum(row.in_service_on is None for row in rows) == 6
    # 132 cells are empty and 136 say 0, which is no year.
    assert sum(row.replacement_year is None for row in rows) == 132 + 136
    assert (
        sum(row.replacement_year is not None and row.replacement_year <= 2015 for row in rows)
        == 739
    )


def test_sales_come_in_109_batches_of_a_day_and_an_auctioneer():
    rows = list(seattle.sold(SOLD))
    days = [row.sold_on for row in rows if row.sold_on]
    assert len({(row.sold_on, row.auction_house) for row in rows}) == 109
    assert (min(days), max(days)) == (date(2013, 1, 29), date(2015, 5, 15))


def test_an_inch_mark_in_a_tabbed_file_is_only_an_inch_mark():
    assert 'MOWER - 72" ROTARY' in {row.description for row in seattle.sold(SOLD)}


# The 1033 programme: the exact numbers ----------------------------------------


def test_the_quarter_holds_5417_shipments_worth_85_million():
    rows = list(leso.shipments(SHIPMENTS))
    assert len(rows) == len({row.key for row in rows}) == 5417
    assert sum(int(row.quantity) for row in rows) == 69_974
    worth = sum(int(row.quantity) * row.unit_value.cents for row in rows if row.unit_value)
    assert dollars(worth) == "85,740,885.77"


def test_the_quarter_holds_6992_refusals_each_with_its_own_reference():
    rows = list(leso.cancellations(CANCELLATIONS, quarter=quarter_of(CANCELLATIONS)))
    assert len(rows) == len({row.key for row in rows}) == 6992
    assert {row.cancelled_by for row in rows} == {"SYSTEM", "LESOHQ", "STATE", "UNKNOWN"}
    assert rows[0].key == "leso:request:2019Q4:2451077"
    assert (rows[0].requested_on, rows[0].requested_time) == (date(2019, 10, 7), time(18, 40, 7))


def test_class_and_item_number_make_the_number_of_the_inventory():
    first = next(iter(leso.shipments(SHIPMENTS)))
    assert (first.fsc, first.niin, first.nsn) == ("2330", "DSTRAILE1", "2330-DS-TRA-ILE1")


def test_the_sample_carries_no_justification():
    for path in (SHIPMENTS, CANCELLATIONS):
        with gzip.open(path) as stream:
            assert b"Justification" not in stream.readline()


def test_the_sample_says_of_each_kind_of_refusal_how_often():
    rows = leso.cancellations(CANCELLATIONS, quarter="2019Q4")
    tally = Counter(row.refusal.slug for row in rows)
    assert tally.total() == 6992
    assert tally["reason-not-given"] >= 306


def test_all_published_refusals_fall_into_their_kinds(shared_file: SharedFile):
    fine: Counter[str] = Counter()
    for quarter in QUARTERS:
        path = shared_file(f"leso/cancellations_{quarter}.csv.gz")
        fine.update(row.refusal.slug for row in leso.cancellations(path, quarter=quarter))
    coarse: Counter[str] = Counter()
    for kind in reasons.KINDS:
        coarse[kind.counted_as] += fine[kind.slug]

    assert coarse == {
        "sales-order-closed": 17_738,
        "no-longer-in-inventory": 14_183,
        "approved-for-another": 4_986,
        "justification-insufficient": 1_436,
        "moved-to-next-round": 1_071,
        "prohibited-by-policy": 873,
        "receipt-overdue": 527,
        "holds-enough": 417,
        "paperwork-missing": 111,
        "photo-missing": 52,
        "reason-not-given": 2_036,
        "other": 3_662,
    }
    assert (coarse.total(), len(fine)) == (47_092, 16)


def test_every_kind_of_refusal_speaks_both_languages_and_has_its_own_slug():
    assert len({kind.slug for kind in reasons.KINDS}) == len(reasons.KINDS) == 16
    assert all(kind.zh and kind.en and not kind.zh.isascii() for kind in reasons.KINDS)


@each(st.text())
def test_any_reason_has_exactly_one_kind(reason: str):
    assert reasons.classify(reason) in reasons.KINDS


@pytest.mark.parametrize(
    ("name", "met"),
    [
        (reconciling.as_written, 4632),
        (reconciling.normalised, 4962),
        (reconciling.ignored, 4964),
    ],
)
def test_shipments_are_found_in_the_inventory(
    name: Callable[[str], str], met: int, held_2019: Held
):
    found = reconciling.find_shipments(
        leso.shipments(SHIPMENTS),
        held_2019[0],
        first=date(2019, 10, 1),
        last=date(2019, 12, 31),
        name=name,
    )
    assert len(found.pairs) == met
    assert len(found.pairs) + len(found.shipments_only) == 5417
    assert len(found.pairs) + len(found.inventory_only) == 5699


def test_normalising_names_never_merges_two_agencies_of_one_state(held_2019: Held):
    names = {(row.state, row.agency) for row in held_2019[0]}
    assert len({(state, reconciling.normalised(agency)) for state, agency in names}) == len(names)


def test_the_later_snapshot_changes_what_came_and_went_and_nothing_else(shared_file: SharedFile):
    before = list(leso.inventory(shared_file("leso/inventory_2025-12-31_AK-MI.csv.gz")))
    after = list(leso.inventory(shared_file("leso/inventory_2026-06-30_AK-MI.csv.gz")))
    change = reconciling.compare_snapshots(before, after)

    assert (len(before), len(after)) == (36_756, 32_815)
    assert change.untouched == 31_092
    assert (len(change.kept), len(change.gone), len(change.new)) == (31_750, 5_006, 1_065)
    assert change.respaced + change.renamed_or_recoded == 658
    # Of these, 594 differ in nothing but blanks behind the name.
    assert (change.respaced, change.renamed_or_recoded) == (594, 64)
    assert (len(change.moved), change.moved_within_state) == (417, 403)
    assert (len(change.revalued), len(change.requantified)) == (64, 26)
    assert (change.agencies_before, change.agencies_after) == (2_248, 2_126)
    # One row is a candidate of all three kinds: only its unit changed, from Each to Set.
    assert [(one.unit, other.unit) for one, other in change.remeasured] == [("Each", "Set")]
    assert sum(one.agency != other.agency for one, other in change.moved) == 416


@pytest.mark.target("T111")
def test_key_and_occurrence_tell_every_row_from_every_other(shared_file: SharedFile):
    """Reading a file again gives the same pairs, so that a second import has nothing to add."""
    path = shared_file("leso/inventory_2025-12-31_AK-MI.csv.gz")
    once = {(row.key, row.occurrence) for row in leso.inventory(path)}
    again = {(row.key, row.occurrence) for row in leso.inventory(path)}
    later = {
        (row.key, row.occurrence)
        for row in leso.inventory(shared_file("leso/inventory_2026-06-30_AK-MI.csv.gz"))
    }
    assert (len(once), once - again) == (36_756, set())
    assert (len(once - later), len(later - once)) == (5_006, 1_065)


@pytest.mark.parametrize("quarter", QUARTERS)
def test_every_published_quarter_is_read(quarter: str, shared_file: SharedFile):
    path = shared_file(f"leso/shipments_{quarter}.csv.gz")
    rows = list(leso.shipments(path))
    assert len(rows) == QUARTERS[quarter]
    residue = sum(row.unit_value.rounded for row in rows if row.unit_value)
    assert residue == (553 if quarter == "2017Q2" else 0)


def test_transfers_to_central_bodies_are_read_with_and_without_control_codes(
    shared_file: SharedFile,
):
    counts = {
        quarter: len(
            list(
                leso.federal(
                    shared_file(f"leso/federal_acquisitions_{quarter}.csv.gz"), quarter=quarter
                )
            )
        )
        for quarter in ("2018Q3", "2018Q4", "2019Q1", "2019Q2", "2019Q3", "2019Q4")
    }
    assert list(counts.values()) == [328, 478, 191, 360, 358, 169]


def test_rows_that_are_entirely_empty_are_left_out_and_told(held_2019: Held):
    rows, notices = held_2019
    assert len(rows) == 146_377 - 3
    assert [(notice.slug, notice.line) for notice in notices] == [
        ("empty-row", 23_214),
        ("empty-row", 65_536),
        ("empty-row", 87_607),
    ]


# Evidence ---------------------------------------------------------------------


def everything() -> list[Record]:
    return [
        *seattle.active(ACTIVE),
        *seattle.surplus(SURPLUS),
        *seattle.sold(SOLD),
        *seattle.sold_undated(UNDATED),
        *leso.shipments(SHIPMENTS),
        *leso.cancellations(CANCELLATIONS, quarter="2019Q4"),
    ]


def test_every_row_can_be_found_again_by_line_and_hash():
    """Recomputed from the file by other means than the reader's."""
    lines = {
        path.name.removesuffix(".gz"): gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        for path in (ACTIVE, SURPLUS, SOLD, UNDATED, SHIPMENTS, CANCELLATIONS)
    }
    records = everything()
    assert len(records) == 4109 + 115 + 513 + 577 + 5417 + 6992
    for record in records:
        proof = record.evidence
        assert hashlib.sha256(proof.raw).hexdigest() == proof.sha256
        extent = proof.raw.count(b"\n") + 1
        there = b"".join(lines[proof.file][proof.line - 1 : proof.line - 1 + extent])
        assert there.rstrip(b"\r\n") == proof.raw


def test_a_row_over_several_lines_is_named_by_its_first():
    rows = [
        b'LESOHQ,1,AK,PD,8415,000000001,X,EA,1,1,2019-10-07,"one\ntwo"\r\n',
        b"LESOHQ,2,AK,PD,8415,000000001,X,EA,1,1,2019-10-07,three\r\n",
    ]
    head = (
        b"Cancelled By,RTD Ref,State,Station Name (LEA),FSC,NIIN,Item Name,UI,Quantity,"
        b"Acquisition Value,Date Requested,Reason Cancelled\r\n"
    )
    one, two = leso.cancellations(head + b"".join(rows), quarter="2019Q4", file="c.csv")
    assert (one.evidence.line, two.evidence.line) == (2, 4)
    assert one.evidence.raw == rows[0].removesuffix(b"\r\n")


def test_a_packed_file_and_a_plain_one_give_the_same_records(tmp_path: Path):
    plain = tmp_path / "sold_fleet_equipment.tsv"
    plain.write_bytes(gzip.decompress(SOLD.read_bytes()))
    assert list(seattle.sold(plain)) == list(seattle.sold(SOLD))


def test_the_sample_is_what_its_builder_makes(shared: Path):
    for packed in build.ORIGINALS:
        held = gzip.decompress((SAMPLE / packed).read_bytes())
        assert build.content(shared, packed) == held, packed


def test_the_packed_sample_has_the_sums_it_is_documented_with():
    documented = (SAMPLE / "SOURCES.md").read_text(encoding="utf-8")
    for packed in build.ORIGINALS:
        data = (SAMPLE / packed).read_bytes()
        assert f"`{hashlib.sha256(data).hexdigest()}`" in documented, packed
        assert data[4:8] == b"\0\0\0\0", "the time stamp is zero"


def test_dropping_a_column_keeps_every_other_byte():
    data = b'A,Justification,B\n1,"x, ""y""\nz"," 2 "\n"3",,\n'
    assert build.without_justification(data) == b'A,B\n1," 2 "\n"3",\n'


# Values -----------------------------------------------------------------------

decimals = st.decimals(
    min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=6
)


@each(decimals)
def test_money_is_read_half_up_to_the_cent(value: Decimal):
    cents = values.amount(f"{value:f}", "USD").cents
    assert cents == int((value * 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert type(cents) is int


@each(st.integers(min_value=0, max_value=10**14))
def test_money_of_two_decimals_is_read_exactly(cents: int):
    for written in (f"{cents // 100}.{cents % 100:02}", f"${cents // 100:,}.{cents % 100:02}"):
        found = values.amount(written, "USD")
        assert (found.cents, found.rounded, found.text) == (cents, False, written)


@each(st.text())
def test_any_other_text_is_no_money(written: str):
    try:
        found = values.amount(written, "USD")
    except ValueError:
        return
    assert set(written) <= set("$0123456789.,")
    assert found.cents >= 0


def test_no_float_comes_near_money():
    for module in (values, seattle, leso, reconciling):
        tree = ast.parse(inspect.getsource(module))
        assert not any(
            (isinstance(node, ast.Name) and node.id == "float")
            or (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or isinstance(node, ast.Div)
            for node in ast.walk(tree)
        ), module.__name__


@pytest.mark.parametrize(
    ("written", "cents", "rounded"),
    [
        ("77.21000000000001", 7721, True),
        ("11.200000000000001", 1120, True),
        ("0.005", 1, True),
        ("0.00499999999999999999", 0, True),
        ("14190.1300", 1419013, False),
        ("$0.00", 0, False),
        ("8000", 800000, False),
    ],
)
def test_residue_of_binary_arithmetic_is_rounded_and_remembered(
    written: str, cents: int, rounded: bool
):
    found = values.amount(written, "USD")
    assert (found.cents, found.rounded, found.text) == (cents, rounded, written)


@pytest.mark.parametrize(
    "written", ["-1", "1e3", "１２", "1,00", "12.", ".5", "¥5", "NaN", "1 000"]
)
def test_money_that_needs_interpreting_is_refused(written: str):
    with pytest.raises(ValueError, match=r".*"):
        values.amount(written, "USD")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("04-Aug-00", date(2000, 8, 4)),
        ("01-Jan-46", date(1946, 1, 1)),
        ("31-Jul-15", date(2015, 7, 31)),
        ("5/21/2013 0:00", date(2013, 5, 21)),
        ("2018-05-10 10:23:26", date(2018, 5, 10)),
        ("2020-02-29", date(2020, 2, 29)),
    ],
)
def test_dates_are_read_as_the_publishers_write_them(written: str, read: date):
    assert values.day(written) == read


@pytest.mark.parametrize(
    "written", ["01-Jan-16", "31-Dec-45", "2019-02-29", "13/1/2014", "31-Foo-10", "2019/01/01"]
)
def test_dates_that_need_guessing_are_refused(written: str):
    with pytest.raises(ValueError, match=r".*"):
        values.day(written)


@pytest.mark.parametrize(
    ("written", "read"), [("0070", "70"), ("3.0", "3"), ("2.50", "2.5"), ("0", "0")]
)
def test_quantities_are_decimal_text_without_idle_zeros(written: str, read: str):
    assert values.quantity(written) == read


def test_codes_keep_their_leading_zeros_and_names_lose_their_padding():
    rows = list(leso.shipments(SHIPMENTS))
    assert any(row.niin.startswith("0") for row in rows)
    assert all(row.agency == row.agency.strip() for row in rows)
    assert any(row.agency.encode() + b" " in row.evidence.raw for row in rows)


# Encodings --------------------------------------------------------------------

SURPLUS_HEAD = "EQUIP_ID,YEAR,MAKE,MODEL,COLOR,DESCRIPTION,AUCTION HOUSE,COMMENTS"
CHINESE = f"{SURPLUS_HEAD}\n00017,2008,丰田,凯美瑞,白色,小型轿车（公务用）,市公物仓,已移交\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_chinese_is_read_in_any_of_its_encodings(encoding: str, end: str):
    data = CHINESE.replace("\n", end).encode(encoding)
    (row,) = seattle.surplus(data, file="fleet.csv")
    assert (row.equip_id, row.make, row.description) == ("00017", "丰田", "小型轿车（公务用）")
    assert row.evidence.raw in data
    assert row.evidence.line == 2


def test_a_rare_character_of_gb18030_is_read():
    (row,) = seattle.surplus(CHINESE.replace("白色", "㙍䶮").encode("gb18030"))
    assert row.color == "㙍䶮"


def refused(data: bytes | Path) -> problems.Unreadable:
    with pytest.raises(problems.Unreadable) as caught:
        list(seattle.surplus(data, file="fleet.csv"))
    for problem in caught.value.problems:
        assert problem.en
        assert not problem.zh.isascii()
        assert problem.file == "fleet.csv"
    return caught.value


def told(data: bytes | Path) -> list[tuple[str, int, int]]:
    return [(each.slug, each.line, each.column) for each in refused(data).problems]


def test_broken_characters_are_all_listed_with_line_and_column():
    row = "1,2008,丰田,凯美瑞,白色,小型轿车,市公物仓,".encode()
    broken = b"2,2008,\xe4\xb8,A,\xff,B,C,\n"
    data = SURPLUS_HEAD.encode() + b"\n" + row + b"\n" + broken + row + b"\n" + broken
    assert told(data) == [
        ("broken-encoding", 3, 8),
        ("broken-encoding", 3, 12),
        ("broken-encoding", 5, 8),
        ("broken-encoding", 5, 12),
    ]
    assert "E4 B8" in refused(data).problems[0].en


def test_one_broken_character_does_not_turn_utf_8_into_gb18030():
    """In GB18030 nearly any two bytes are some character: the file would be read as nonsense."""
    data = CHINESE.encode().replace("市".encode(), "市".encode()[:2])
    data += CHINESE.split("\n")[1].encode() + b"\n"
    assert {slug for slug, _, _ in told(data)} == {"broken-encoding"}


def test_western_text_in_latin_1_is_refused_not_read_as_chinese():
    data = CHINESE.replace("丰田", "CITROËN").replace(
        "凯美瑞,白色,小型轿车（公务用）,市公物仓,已移交", "A,B,C,D,"
    )
    assert told(data.encode("latin-1"))[0][0] == "broken-encoding"


def test_half_a_utf_16_character_is_refused():
    broken = "EQUIP_ID".encode("utf-16") + b"\x00\xd8" + ",YEAR\n".encode("utf-16-le")
    assert told(broken) == [("broken-encoding", 1, 9)]
    assert told(CHINESE.encode("utf-16")[:-1])[-1] == ("broken-encoding", 2, 40)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "empty-file"),
        (b"\xef\xbb\xbf\n\n", "empty-file"),
        (b"PK\x03\x04rest", "not-a-table"),
        (b"\xd0\xcf\x11\xe0rest", "not-a-table"),
        (b"%PDF-1.7", "not-a-table"),
        (CHINESE.encode("utf-16-le"), "binary"),
        (gzip.compress(CHINESE.encode())[:-9], "damaged-gzip"),
        (gzip.compress(CHINESE.encode(), mtime=0)[:-8] + b"\0" * 8, "damaged-gzip"),
        (Path("no such folder/fleet.csv"), "cannot-open"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(data: bytes | Path, slug: str):
    assert [problem.slug for problem in refused(data).problems] == [slug]


def test_every_missing_column_is_named():
    error = refused(b"EQUIP_ID;YEAR\n1;2008\n")
    assert [problem.slug for problem in error.problems] == ["missing-column"] * 8
    assert "MAKE" in error.problems[2].zh
    assert "EQUIP_ID;YEAR" in error.problems[0].zh


def test_a_renamed_column_is_asked_for_under_both_names():
    with pytest.raises(problems.Unreadable, match="Station Name \\(LEA\\)” or “Agency Name"):
        list(
            leso.inventory(
                b"State,NSN,Item Name,Quantity,UI,Acquisition Value,Ship Date,Station Type\n"
            )
        )


def test_a_doubled_column_is_refused():
    assert told(f"{SURPLUS_HEAD},YEAR\n".encode()) == [("doubled-column", 1, 9)]


def test_all_bad_rows_and_cells_are_listed_at_once():
    rows = [
        "1,2008,A,B,C,D,E,",
        "2,208,A,B,C,D,E,",
        "3,2008,A,B,C",
        ",2008,A,B,C,D,E,",
        '6,2008,A,"B"C,C,D,E,',
    ]
    assert told("\n".join([SURPLUS_HEAD, *rows, ""]).encode()) == [
        ("bad-year", 3, 2),
        ("wrong-cell-count", 4, 0),
        ("bad-text", 5, 1),
        ("broken-quotes", 6, 0),
    ]


def test_a_quotation_mark_that_is_never_closed_is_told_where_it_opens():
    rows = ["1,2008,A,B,C,D,E,", '2,2008,"A,B,C,D,E,', "3,2008,A,B,C,D,E,"]
    assert told("\n".join([SURPLUS_HEAD, *rows, ""]).encode()) == [("broken-quotes", 3, 0)]


def test_a_bad_amount_says_what_was_read():
    head = "EQUIP_ID,YEAR,MAKE,MODEL,DESCRIPTION,DEPT,SALE_PRICE,SALE_DATE,SOLD_BY"
    with pytest.raises(problems.Unreadable) as caught:
        list(
            seattle.sold_undated(f"{head}\n1,2000,A,B,C,D,12O.5,,X\n1,2000,A,B,C,D,,,X\n".encode())
        )
    assert [problem.slug for problem in caught.value.problems] == ["bad-amount", "bad-amount"]
    assert "12O.5" in caught.value.problems[0].zh
    assert caught.value.in_chinese().startswith("upload 第2行第7列：")
    assert caught.value.in_english().startswith("upload, line 2, column 7: ")


def test_problems_beyond_the_limit_are_announced_not_listed():
    most = problems.PROBLEMS_MAX
    bad = [problems.Problem("f", line, 0, "x", "错", "wrong") for line in range(most + 7)]
    assert len(problems.Unreadable(bad[:most]).problems) == most
    beyond = problems.Unreadable(bad).problems
    assert (len(beyond), beyond[-1].slug, beyond[-1].line) == (most + 1, "more-problems", most)


def test_a_file_of_nothing_but_damage_is_refused_within_the_limit():
    data = SURPLUS_HEAD.encode() + b"\n" + b"\xff" * (2 * problems.PROBLEMS_MAX)
    assert len(refused(data).problems) == problems.PROBLEMS_MAX + 1


def test_a_file_that_unpacks_beyond_the_limit_is_refused():
    bomb = gzip.compress(bytes(reading_bytes.SIZE_BYTES_MAX + 1), compresslevel=1)
    assert [problem.slug for problem in refused(bomb).problems] == ["too-large"]


@each(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_read_or_refused_but_never_break_the_reader(data: bytes, headed: bool):
    start = SURPLUS_HEAD.encode() + b"\n" if headed else b""
    with contextlib.suppress(problems.Unreadable):
        list(seattle.surplus(start + data))
