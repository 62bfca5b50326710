"""The best allocation of wants to listings: against every other one, and against its own bound."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.policy import Tier
from domain.screening import Opening
from projections import allocating
from projections.allocating import (
    Grant,
    Swap,
    TooManyPairs,
    TooManyRanks,
    WhyNot,
    allocate,
    why_not,
)
from projections.matching import Listing, Match, Terms, Want, weigh

TODAY = date(2026, 6, 1)
TERMS = Terms(on=TODAY)
YESTERDAY = TODAY - timedelta(days=1)

# Every allocation there is ----------------------------------------------------------


def all_flows(
    wants: list[Want], listings: list[Listing], quotas: Mapping[str, int]
) -> Iterator[list[Grant]]:
    """Yield every allocation that breaks no condition, no quantity and no quota."""
    pairs = [
        (want, listing)
        for want in wants
        for listing in listings
        if isinstance(weigh(replace(want, in_part=True), listing, TERMS), Match)
    ]

    def go(at: int, needed: dict[str, int], left: dict[str, int], quota: dict[str, int]):
        if at == len(pairs):
            yield []
            return
        want, listing = pairs[at]
        mine = {want.quota, *want.also} & quotas.keys()
        most = min(needed[want.id], left[listing.id], *(quota[key] for key in mine), 99)
        for given_ in range(most + 1):
            fewer = {**needed, want.id: needed[want.id] - given_}
            less = {**left, listing.id: left[listing.id] - given_}
            rest = {key: many - given_ * (key in mine) for key, many in quota.items()}
            for others in go(at + 1, fewer, less, rest):
                yield [Grant(want.id, listing.id, given_), *others] if given_ else others

    yield from go(
        0,
        {w.id: w.quantity for w in wants},
        {x.id: x.quantity for x in listings},
        dict(quotas),
    )


def keep(
    grants: list[Grant], wants: list[Want], listings: list[Listing], quotas: Mapping[str, int]
) -> None:
    """Check that nobody gets more than wanted, offered, allowed."""
    for of, most in (("want", wants), ("listing", listings)):
        given_: Counter[str] = Counter()
        for grant in grants:
            given_[getattr(grant, of)] += grant.quantity
        assert all(given_[each.id] <= each.quantity for each in most)
    for quota, left in quotas.items():
        mine = {w.id for w in wants if quota in (w.quota, *w.also)}
        assert sum(g.quantity for g in grants if g.want in mine) <= left


CODES = ("A05010201", "A05010202", "A05010000", "A02010105")
want_lists = st.lists(
    st.builds(
        Want,
        id=st.just(""),
        name=st.just("办公桌"),
        class_code=st.sampled_from(CODES),
        quantity=st.integers(1, 2),
        region=st.sampled_from(("152501", "152502", "110101")),
        priority=st.integers(1, 2),
        since=st.sampled_from((TODAY, YESTERDAY)),
        quota=st.sampled_from(("", "", "q")),
        also=st.sampled_from(((), (), ("r",), ("r", "s"), ("s",))),
        condition_least=st.sampled_from(("", "good")),
    ),
    max_size=3,
)
listing_lists = st.lists(
    st.builds(
        Listing,
        id=st.just(""),
        name=st.just("办公桌"),
        class_code=st.sampled_from(CODES),
        quantity=st.integers(0, 2),
        region=st.sampled_from(("152501", "152502")),
        condition=st.sampled_from(("good", "fair")),
        delivered=st.booleans(),
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(want_lists, listing_lists, st.tuples(*[st.integers(0, 3)] * 3))
def test_no_other_allocation_is_better(
    wants: list[Want], listings: list[Listing], left: tuple[int, int, int]
):
    """Whatever counts against several quotas, one inside the other or crossing, keeps them all."""
    wants = [replace(w, id=f"W{at}") for at, w in enumerate(wants)]
    listings = [replace(x, id=f"L{at}") for at, x in enumerate(listings)]
    quotas = dict(zip("qrs", left, strict=True))
    found = allocate(wants, listings, TERMS, seed="s", quotas=quotas)
    keep(list(found.grants), wants, listings, quotas)
    best = min(
        (
            allocating.objective(g, wants, listings, TERMS)
            for g in all_flows(wants, listings, quotas)
        ),
        key=lambda objective: objective.least_first,
    )
    assert found.objective == best
    assert found.gap == 0
    came = allocating.first_come(wants, listings, TERMS)
    keep(came, wants, listings, {})


# Stories ----------------------------------------------------------------------------------


def desks(id_: str, quantity: int, **more: object) -> Listing:
    fields = {"id": id_, "name": "办公桌", "quantity": quantity, "region": "152501"}
    return replace(Listing(id=id_, name="办公桌"), **{**fields, **more})


def wanting(id_: str, quantity: int, **more: object) -> Want:
    fields = {"quantity": quantity, "region": "152501", "since": TODAY}
    return replace(Want(id=id_, name="办公桌"), **{**fields, **more})


def gets(found: allocating.Allocation, want: str) -> dict[str, int]:
    return {grant.listing: grant.quantity for grant in found.of(want)}


def test_thirty_desks_are_twelve_here_and_eighteen_there():
    found = allocate([wanting("W", 30)], [desks("A", 12), desks("B", 18)], TERMS, seed="s")
    assert gets(found, "W") == {"A": 12, "B": 18}


def test_legal_priority_comes_before_waiting_and_waiting_before_fit():
    wants = [
        wanting("near", 1),
        wanting("waited", 1, since=YESTERDAY, region="110101"),
        wanting("legal", 1, priority=1, region="110101"),
    ]
    for quantity, served in (
        (1, {"legal"}),
        (2, {"legal", "waited"}),
        (3, {"legal", "waited", "near"}),
    ):
        found = allocate(wants, [desks("A", quantity)], TERMS, seed="s")
        assert {grant.want for grant in found.grants} == served


def test_a_want_makes_room_for_one_that_can_take_nothing_else():
    """First come takes the nearest desk; the best answer leaves it to who has no other."""
    wants = [wanting("first", 1, since=YESTERDAY), wanting("second", 1, condition_least="good")]
    listings = [
        desks("good", 1, condition="good"),
        desks("far", 1, condition="fair", region="1101"),
    ]
    came = allocating.first_come(wants, listings, TERMS)
    assert came == [Grant("first", "good", 1)]
    found = allocate(wants, listings, TERMS, seed="s")
    assert (gets(found, "first"), gets(found, "second")) == ({"far": 1}, {"good": 1})
    better, worse = found.objective, allocating.objective(came, wants, listings, TERMS)
    assert better.least_first < worse.least_first


def test_fit_comes_before_distance():
    wants = [wanting("W", 1)]
    near, fits = desks("near", 1, condition="fair"), desks("fits", 1, condition="new", region="11")
    assert gets(allocate(wants, [near, fits], TERMS, seed="s"), "W") == {"fits": 1}


@pytest.mark.target("T49")
def test_a_quota_is_kept_and_who_has_priority_gets_of_it():
    wants = [wanting("a", 3, quota="q"), wanting("b", 3, quota="q", priority=1), wanting("c", 3)]
    found = allocate(wants, [desks("A", 20)], TERMS, seed="s", quotas={"q": 4})
    assert {w.id: sum(gets(found, w.id).values()) for w in wants} == {"a": 1, "b": 3, "c": 3}
    assert found.gap == 0


@pytest.mark.target("T45")
def test_a_closed_window_gives_nothing():
    opens = TODAY + timedelta(days=1)
    listing = desks("A", 1, windows=(Opening(Tier.OTHERS, opens, opens),))
    assert allocate([wanting("W", 1)], [listing], TERMS, seed="s").grants == ()
    assert allocate([wanting("W", 1)], [listing], Terms(on=opens), seed="s").grants != ()


def test_all_or_nothing_gets_nothing_when_not_all_can_be_had():
    wants = [wanting("all", 5, in_part=False, priority=1), wanting("some", 5)]
    found = allocate(wants, [desks("A", 3)], TERMS, seed="s")
    assert (found.left_out, gets(found, "some")) == (("all",), {"A": 3})
    assert found.gap > 0  # leaving a want out is not proven
    assert allocating.first_come(wants, [desks("A", 3)], TERMS) == [Grant("some", "A", 3)]
    enough = allocate(wants, [desks("A", 3), desks("B", 2)], TERMS, seed="s")
    assert (gets(enough, "all"), enough.gap) == ({"A": 3, "B": 2}, 0)


@pytest.mark.target("T46")
def test_lots_decide_between_equals_and_can_be_drawn_again():
    wants = [wanting("a", 1), wanting("b", 1)]
    won = Counter[str]()
    for seed in map(str, range(40)):
        found = allocate(wants, [desks("A", 1)], TERMS, seed=seed)
        assert found.grants == allocate(wants[::-1], [desks("A", 1)], TERMS, seed=seed).grants
        won[found.grants[0].want] += 1
    assert set(won) == {"a", "b"}
    assert min(won.values()) >= 8  # 40 fair draws give fewer once in 20,000 times


# Why not ------------------------------------------------------------------------------------


def test_why_not():
    wants = [
        wanting("first", 1, priority=1),
        wanting("second", 1),
        wanting("graded", 1, condition_least="new"),
    ]
    listings = [desks("A", 1, condition="good")]
    found = allocate(wants, listings, TERMS, seed="s")

    def why(want: Want) -> WhyNot:
        return why_not(found, want, listings[0], wants, listings, TERMS)

    first, second, graded = map(why, wants)
    assert (first.quantity, first.swap) == (1, None)
    assert graded.failed == ("condition",)
    assert [(t.want, t.quantity, t.priority) for t in second.takers] == [("first", 1, 1)]
    day = TODAY.isoformat()
    assert second.swap == Swap(((1, day, 1), (9, day, -1)))  # one piece from the first rank


def test_between_equals_lots_decided_and_a_swap_costs_nothing():
    wants, listings = [wanting("a", 1), wanting("b", 1)], [desks("A", 1)]
    found = allocate(wants, listings, TERMS, seed="s")
    (grant,) = found.grants
    other = next(want for want in wants if want.id != grant.want)
    told = why_not(found, other, listings[0], wants, listings, TERMS)
    assert told.swap
    assert told.swap.nothing


def test_a_swap_says_what_all_would_lose():
    want = wanting("W", 1)
    near, good = desks("near", 1), desks("good", 1, region="110101", condition="new")
    found = allocate([want], [near, good], TERMS, seed="s")
    told = why_not(found, want, near, [want], [near, good], TERMS)
    lost = allocating.losses(want, near, TERMS)[0] - allocating.losses(want, good, TERMS)[0]
    assert told.swap == Swap((), lost, -1000 + 200)


@pytest.mark.parametrize("ways", [64, 1])
def test_a_want_under_two_crossing_standards_takes_of_both(
    ways: int, monkeypatch: pytest.MonkeyPatch
):
    """Desks 6, cabinets 5, and what states no class counts against both: each is kept jointly."""
    monkeypatch.setattr(allocating, "WAYS_MAX", ways)  # 1: a search instead of every way
    wants = [
        wanting("both", 8, quota="cabinets", also=("desks",), priority=1),
        wanting("desk", 4, quota="desks", priority=2),
        wanting("cabinet", 4, quota="cabinets", priority=3),
    ]
    quotas = {"desks": 6, "cabinets": 5}
    found = allocate(wants, [desks("A", 20)], TERMS, seed="s", quotas=quotas)
    keep(list(found.grants), wants, [desks("A", 20)], quotas)
    gets = {grant.want: grant.quantity for grant in found.grants}
    assert gets == {"both": 5, "desk": 1}  # one alone would have let cabinets 0 and desks 4
    # Last in order it gets what both leave.
    last = [replace(wants[0], priority=9), *wants[1:]]
    found = allocate(last, [desks("A", 20)], TERMS, seed="s", quotas=quotas)
    gets = {grant.want: grant.quantity for grant in found.grants}
    assert gets == {"desk": 4, "cabinet": 4, "both": 1}
    assert found.gap >= 0 and (ways == 1 or found.gap == 0)
    why = why_not(found, last[0], desks("A", 20), last, [desks("A", 20)], TERMS, quotas)
    assert why.quantity == 1


def test_a_quota_that_is_used_up_forbids_a_swap():
    want = wanting("W", 1, quota="q")
    found = allocate([want], [desks("A", 1)], TERMS, seed="s", quotas={"q": 0})
    told = why_not(found, want, desks("A", 1), [want], [desks("A", 1)], TERMS, {"q": 0})
    assert (told.takers, told.swap, found.grants) == ((), None, ())


# The bound ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wants", "listings", "ranks", "coarse"),
    [(10, 10, 10, 1), (800, 8000, 800, 1), (10_000, 100_000, 1500, 100)],
)
def test_the_weights_outweigh_every_cycle_and_fit_64_bits(
    wants: int, listings: int, ranks: int, coarse: int
):
    scale = allocating.scale_for(wants, listings, ranks)
    assert scale.coarse == coarse
    cycle = min(wants, listings)
    farthest = 1000 // allocating.DISTANCE
    assert scale.step > cycle * farthest
    assert scale.big > cycle * (1000 // coarse * scale.step + farthest)
    assert ranks * scale.big * (wants + listings) < 2**63


def test_what_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocating, "PAIRS_MAX", 3)
    listings = [desks(f"L{at}", 1, condition=grade) for at, grade in enumerate(("good", "fair"))]
    with pytest.raises(TooManyPairs):
        allocate([wanting("a", 1), wanting("b", 1)], listings, TERMS, seed="s")


def test_rows_worked_on_apart_give_the_same(monkeypatch: pytest.MonkeyPatch):
    wants, listings = many(9, 40, 60)
    whole = allocate(wants, listings, TERMS, seed="s")
    monkeypatch.setattr(allocating, "CHUNK", 100)
    assert allocate(wants, listings, TERMS, seed="s") == whole


def test_what_64_bits_cannot_hold_is_refused():
    with pytest.raises(TooManyRanks):
        allocating.scale_for(10**6, 10**6, 10**6)


# Many ---------------------------------------------------------------------------------------


def many(seed: int, wants: int, listings: int) -> tuple[list[Want], list[Listing]]:
    some = random.Random(seed)
    regions = [f"15{p:02d}{c:02d}" for p in range(1, 5) for c in range(1, 5)]
    codes = ["A05010201", "A05010201", "A05010202", "A02010105"]
    return (
        [
            wanting(
                f"W{at}",
                some.choice((1, 2, 5, 30)),
                region=some.choice(regions),
                class_code=some.choice(codes),
                priority=some.choice((1, 2, 9)),
                since=TODAY - timedelta(days=some.randrange(60)),
                condition_least=some.choice(("", "good")),
                quota=some.choice(("", "q1", "q2")),
            )
            for at in range(wants)
        ],
        [
            desks(
                f"L{at}",
                some.choice((1, 1, 2, 20)),
                region=some.choice(regions),
                class_code=some.choice(codes),
                condition=some.choice(("new", "good", "fair")),
                delivered=some.random() < 0.3,
                available_from=TODAY + timedelta(days=some.randrange(90)),
            )
            for at in range(listings)
        ],
    )


def test_few_of_all_pairs_are_enough_for_a_proof():
    wants, listings = many(5, 150, 300)
    quotas = {"q1": 60, "q2": 0}
    found = allocate(wants, listings, TERMS, seed="s", quotas=quotas)
    keep(list(found.grants), wants, listings, quotas)
    assert found.gap == 0
    assert sum(p.tried for p in found.parts) < sum(p.pairs for p in found.parts)
    came = allocating.first_come([w for w in wants if not w.quota], listings, TERMS)
    rest = [w for w in wants if not w.quota]
    better = allocate(rest, listings, TERMS, seed="s").objective
    assert better.least_first <= allocating.objective(came, rest, listings, TERMS).least_first


def test_the_bound_holds_also_when_the_search_ends_early(monkeypatch: pytest.MonkeyPatch):
    wants, listings = many(6, 60, 120)
    best = allocate(wants, listings, TERMS, seed="s")
    monkeypatch.setattr(allocating, "ROUNDS_MAX", 1)
    monkeypatch.setattr(allocating, "FIRST_ARCS", 1)
    early = allocate(wants, listings, TERMS, seed="s")
    assert early.gap > 0
    for part, proven in zip(early.parts, best.parts, strict=True):
        assert part.bound <= proven.cost <= part.cost


def test_a_pair_costs_the_same_alone_and_among_many():
    wants, listings = many(7, 20, 40)
    some = random.Random(7)
    units, levels = "abc", ("", "city", "county")
    wants = [replace(w, unit=some.choice(units), level=some.choice(levels)) for w in wants]
    listings = [replace(x, unit=some.choice(units), level=some.choice(levels)) for x in listings]
    turns = [
        (),
        *(
            (Opening(tier, TODAY + timedelta(days=n), TODAY + timedelta(days=9)),)
            for tier in Tier
            for n in (0, 1)
        ),
    ]
    listings = [replace(x, windows=some.choice(turns)) for x in listings]
    pairs = allocating._Pairs(wants, listings, TERMS)
    for at, want in enumerate(wants):
        for group, cost in zip(
            pairs.groups, pairs.costs(slice(at, at + 1))[0].tolist(), strict=True
        ):
            for listing in group:
                may = isinstance(weigh(replace(want, in_part=True), listing, TERMS), Match)
                assert may == (cost < allocating.NEVER)
                if may:
                    fit, distance = allocating.losses(want, listing, TERMS)
                    assert cost == fit * pairs.scale.step + distance // allocating.DISTANCE
