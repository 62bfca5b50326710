"""What fits what: hard conditions, scored factors, names, and the index over many."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api import importing_classes
from api.reading_records import SAMPLE
from domain.policy import Tier
from domain.screening import Opening
from projections import matching
from projections.matching import Index, Listing, Match, Miss, Terms, Want

TODAY = date(2026, 6, 1)
TERMS = Terms(on=TODAY)
DESK = Listing(
    id="L1",
    name="办公桌",
    quantity=30,
    kind="furniture",
    class_code="A05010201",
    class_scheme="GB/T 14885-2022",
    specification="1.4米",
    condition="good",
    life_months=60,
    unit="o_a",
    department="o_d",
    level="county",
    region="152501",
    place="p1",
    available_from=TODAY,
)
WANT = Want(
    id="W1",
    name="写字台",
    quantity=12,
    kind="furniture",
    class_code="A05010201",
    class_scheme="GB/T 14885-2022",
    unit="o_b",
    department="o_e",
    level="county",
    region="152501",
    since=TODAY,
)


def fits(want: Want = WANT, listing: Listing = DESK, terms: Terms = TERMS) -> Match:
    found = matching.weigh(want, listing, terms)
    assert isinstance(found, Match), found
    return found


def misses(want: Want = WANT, listing: Listing = DESK, terms: Terms = TERMS) -> Miss:
    found = matching.weigh(want, listing, terms)
    assert isinstance(found, Miss), found
    return found


@pytest.mark.target("T43")
def test_the_scores_are_all_there_is_to_the_total():
    match = fits()
    assert match.total == sum(s.points * s.weight for s in match.scores) // sum(
        s.weight for s in match.scores
    )
    assert [s.factor for s in match.scores] == [f.slug for f in matching.FACTORS]
    assert fits() == match


@pytest.mark.target("T43")
@pytest.mark.parametrize(
    ("factor", "worse"),
    [
        ("thing", replace(DESK, name="会议桌", class_code="A05010202")),
        ("condition", replace(DESK, condition="fair")),
        ("life", replace(DESK, life_months=12)),
        ("date", replace(DESK, available_from=TODAY + timedelta(days=30))),
        ("place", replace(DESK, region="152502")),
        ("place", replace(DESK, region="110101")),
        ("quantity", replace(DESK, quantity=6)),
    ],
)
def test_a_worse_listing_loses_points_of_that_factor_alone(factor: str, worse: Listing):
    before, after = fits(), fits(listing=worse)
    moved = {
        a.factor for a, b in zip(after.scores, before.scores, strict=True) if a.points != b.points
    }
    assert moved == {factor}
    assert after.total < before.total
    ranked = matching.rank(WANT, [replace(worse, id="L2"), DESK], TERMS)
    assert [match.listing for match in ranked] == ["L1", "L2"]


@pytest.mark.target("T43")
def test_a_specification_and_transport_move_the_rank():
    exact = replace(WANT, specification="1.4米")
    other = replace(DESK, id="L2", specification="1.8米")
    assert [m.listing for m in matching.rank(exact, [other, DESK], TERMS)] == ["L1", "L2"]
    brought = replace(DESK, id="L2", delivered=True)
    assert [m.listing for m in matching.rank(WANT, [DESK, brought], TERMS)] == ["L2", "L1"]


@pytest.mark.target("T43")
def test_weights_are_data():
    far = replace(DESK, id="L2", region="110101", condition="new")
    assert [m.listing for m in matching.rank(WANT, [DESK, far], TERMS)] == ["L1", "L2"]
    terms = Terms(on=TODAY, weights={"place": 0, "condition": 50})
    assert [m.listing for m in matching.rank(WANT, [DESK, far], terms)] == ["L2", "L1"]


@pytest.mark.parametrize(
    ("slug", "want", "listing"),
    [
        ("kind", WANT, replace(DESK, kind="vehicle")),
        ("thing", WANT, replace(DESK, class_code="A02030501", name="轿车")),
        ("measure", replace(WANT, measure="套"), replace(DESK, measure="张")),
        ("quantity", replace(WANT, in_part=False, quantity=31), DESK),
        ("quantity", WANT, replace(DESK, quantity=0)),
        ("condition", replace(WANT, condition_least="new"), DESK),
        ("life", replace(WANT, life_months_least=61), DESK),
        ("on-offer", WANT, replace(DESK, offer_until=TODAY - timedelta(days=1))),
    ],
)
def test_what_may_not_be_had_says_which_condition_failed(slug: str, want: Want, listing: Listing):
    assert misses(want, listing).failed == (slug,)


def test_the_last_day_still_counts():
    fits(listing=replace(DESK, offer_until=TODAY))
    fits(replace(WANT, life_months_least=60))
    fits(replace(WANT, in_part=False, quantity=30))


@pytest.mark.target("T41")
def test_what_is_still_in_use_is_matched_for_a_later_date():
    later = replace(DESK, available_from=date(2026, 8, 1))
    fits(replace(WANT, needed_by=date(2026, 8, 1)), later)
    assert misses(replace(WANT, needed_by=date(2026, 7, 31)), later).failed == ("in-time",)


@pytest.mark.target("T45")
def test_a_tier_waits_for_its_window_and_hears_the_date():
    opens = TODAY + timedelta(days=7)
    windows = (
        Opening(Tier.OWN, TODAY, opens - timedelta(days=1)),
        Opening(Tier.OTHERS, opens, opens),
    )
    listing = replace(DESK, windows=windows)
    missed = misses(WANT, listing)
    assert (missed.failed, missed.opens) == (("window",), opens)
    fits(replace(WANT, unit="o_a"), listing)
    fits(WANT, listing, Terms(on=opens))
    fits(replace(WANT, unit="o_a"), listing, Terms(on=opens))  # what opened once stays open


@pytest.mark.target("T45")
def test_every_tier_has_its_turn():
    """Own unit 7 days, same level 14, others 5: who is in no window comes when all have ended."""
    day = [TODAY + timedelta(days=n) for n in (0, 7, 21, 26)]
    tiers = (Tier.OWN, Tier.SAME_LEVEL)
    last = day[2] - timedelta(days=1)
    windows = (
        Opening(tiers[0], day[0], day[1] - timedelta(days=1)),
        Opening(tiers[1], day[1], last),
    )
    listing = replace(DESK, windows=windows)
    for want, opens in (
        (replace(WANT, unit="o_a"), day[0]),
        (WANT, day[1]),
        (replace(WANT, level="city"), day[2]),
        (replace(WANT, level="city", department="o_d"), day[2]),
        (replace(WANT, level="", region=""), day[2]),
    ):
        if opens > TODAY:
            before = Terms(on=opens - timedelta(days=1))
            assert misses(want, listing, before).opens == opens
        fits(want, listing, Terms(on=opens))
    # Who accounts for a thing is its own unit as well, whoever keeps it.
    fits(WANT, replace(listing, books=WANT.unit))


CODE_2010, CODE_2022 = ("GB/T 14885-2010", "2010104"), ("GB/T 14885-2022", "A02010105")


def test_classes_of_two_versions_meet_through_the_table():
    classes = matching.Classes({CODE_2010: (CODE_2022,)})
    assert classes.fit(CODE_2010, CODE_2022) == classes.fit(CODE_2022, CODE_2010) == 1000
    assert matching.Classes().fit(CODE_2010, CODE_2022) == 0


def test_the_table_that_moves_cards_lets_both_versions_meet():
    table = importing_classes.read_table(SAMPLE / "class_codes_2010_2022_example.csv")
    line = table.lines[0]
    old = replace(DESK, class_scheme=line.from_scheme, class_code=line.from_code)
    new = replace(WANT, class_scheme=line.to_scheme, class_code=line.to_code)
    assert misses(new, old).failed == ("thing",)
    moved = Terms(on=TODAY, classes=table.classes())
    assert fits(new, old, moved).scores[0].points == (2 * 1000 + 950) // 3
    index: Index[Listing] = Index(moved.classes, [old])
    assert [match.listing for match in index.best(new, moved)] == ["L1"]


@pytest.mark.parametrize(
    ("one", "other", "points"),
    [
        ("A02010105", "A02010105", 1000),
        ("A02010105", "A02010000", 800),
        ("A02010105", "A02010108", 500),
        ("A02010105", "A02020100", 0),
        ("2010104", "2010000", 800),
        ("7110-01-234-5678", "7110-00-111-2222", 500),
        ("", "2010104", 300),
    ],
)
def test_how_near_two_classes_are(one: str, other: str, points: int):
    classes = matching.Classes()
    assert classes.fit(("s", one), ("s", other)) == points
    assert classes.fit(("s", other), ("s", one)) == points


@pytest.mark.parametrize(("quantity", "whole"), [("30", 30), ("2.5", 2), ("", 0), ("x", 0)])
def test_whole_pieces_of_a_quantity(quantity: str, whole: int):
    assert matching.pieces(quantity) == whole


# Many -----------------------------------------------------------------------------

CODES = ("", "A05010201", "A05010202", "A05010000", "A05020101", "A02010105", "2010104", "A02")
NAMES = ("办公桌", "写字台", "会议桌", "台式机", "台式计算机", "desk", "")
some = random.Random(3)


def listings(n: int) -> list[Listing]:
    return [
        Listing(
            id=f"L{i}",
            name=some.choice(NAMES),
            class_code=some.choice(CODES),
            class_scheme=some.choice(("", "GB/T 14885-2022")),
        )
        for i in range(n)
    ]


@given(st.sampled_from(CODES), st.sampled_from(NAMES), st.sampled_from(("", "GB/T 14885-2022")))
def test_the_index_leaves_out_nothing_that_fits(code: str, name: str, scheme: str):
    want = Want(id="w", name=name, class_code=code, class_scheme=scheme)
    assert INDEX.best(want, MOVED) == matching.rank(want, OFFERED, MOVED)


OFFERED = listings(200)
MOVED = Terms(on=TODAY, classes=matching.Classes({("", "2010104"): (("", "A02010105"),)}))
INDEX: Index[Listing] = Index(MOVED.classes, OFFERED)


def test_what_was_taken_out_is_not_found_again():
    index: Index[Listing] = Index(items=[DESK])
    assert [m.listing for m in index.best(WANT, TERMS)] == ["L1"]
    index.put(replace(DESK, class_code="A02010105", name="台式机", kind="computer"))
    assert (index.best(WANT, TERMS), len(index)) == ([], 1)
    index.drop("L1")
    index.drop("L1")
    assert (list(index), index.get("L1")) == ([], None)


@pytest.mark.target("T42")
def test_a_new_listing_finds_the_wants_in_the_order_they_are_served():
    wants = [
        replace(WANT, id="late", since=TODAY),
        replace(WANT, id="early", since=TODAY - timedelta(days=9)),
        replace(WANT, id="first", priority=1),
        replace(WANT, id="other", name="轿车", class_code="A02030501"),
    ]
    found = Index(items=wants).waiting(DESK, TERMS)
    assert [match.want for match in found] == ["first", "early", "late"]
    assert {match.quantity for match in found} == {12}


@pytest.mark.target("T44")
def test_a_new_listing_looks_at_few_of_ten_thousand_wants():
    """`benchmarks/matching.py` measures the second; here only how much there is to do."""
    wants = [
        Want(
            id=f"W{at}",
            name=f"物品{at % 300}",
            class_code=f"A02{at % 300 // 20 + 1:02d}{at % 20 + 1:02d}{at % 3 + 1:02d}",
        )
        for at in range(10_000)
    ]
    index: Index[Want] = Index(items=wants)
    listing = Listing(id="L", name="物品7", class_code=wants[7].class_code)
    near = list(index.candidates(listing, TERMS))
    assert len(near) <= 100
    assert index.waiting(listing, TERMS) == matching.rank_wants(listing, wants, TERMS) != []


# What the document says ---------------------------------------------------------------

DOCUMENT = (Path(__file__).resolve().parents[1] / "docs" / "matching.md").read_text("utf-8")


@pytest.mark.target("T43")
def test_the_document_names_every_condition_and_factor_with_its_weight():
    for each in matching.CONDITIONS_OF_A_MATCH:
        assert f"| `{each.slug}` | {each.words.zh} | {each.words.en} |" in DOCUMENT
    for factor in matching.FACTORS:
        line = f"| `{factor.slug}` | {factor.words.zh} | {factor.words.en} | {factor.weight} |"
        assert line in DOCUMENT


def points(factor: str, listing: Listing, want: Want = WANT, terms: Terms = TERMS) -> int:
    return next(s.points for s in fits(want, listing, terms).scores if s.factor == factor)


@pytest.mark.target("T43")
def test_points_are_those_of_the_document():
    for condition, expected in (
        ("new", 1000),
        ("完好", 750),
        ("fair", 500),
        ("poor", 250),
        ("", 500),
    ):
        assert points("condition", replace(DESK, condition=condition)) == expected
    for months, expected in ((0, 0), (30, 500), (60, 1000), (600, 1000), (None, 500)):
        assert points("life", replace(DESK, life_months=months)) == expected
    for days, expected in ((0, 1000), (90, 500), (180, 0), (400, 0)):
        late = replace(DESK, available_from=TODAY + timedelta(days=days))
        assert points("date", late) == expected
    for region, expected in (
        ("152501", 800),
        ("152599", 500),
        ("150101", 200),
        ("110101", 0),
        ("", 200),
    ):
        assert points("place", replace(DESK, region=region)) == expected
    assert points("place", DESK, replace(WANT, place="p1")) == 1000
    assert points("transport", replace(DESK, delivered=True)) == 1000
    assert points("transport", DESK) == 500
    assert points("transport", DESK, replace(WANT, collects=False)) == 0
    assert points("quantity", replace(DESK, quantity=3)) == 250
    assert points("thing", DESK) == (2 * 1000 + 950) // 3
