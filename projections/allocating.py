"""The best allocation of all open wants to all listings, with the proof that none is better.

Better means, in this order: wants of higher legal priority get more; then those that waited longer;
then what they get fits better; then it is nearer. That order is put into one number for each unit
of quantity: a want left without costs `big` for each step of rank, a step of fit costs `step`, a
step of distance 1. Two allocations differ by exchanges along cycles, and a cycle meets each want
and each listing at most once; so `step` above all distances of a cycle, and `big` above all other
costs of one, make the sum decide exactly as the order does. What would not fit 64 bits is compared
in coarser steps of fit and says so; the order of ranks is never made coarser.

A want may count against several quotas at once, and every one is kept.

OR-tools solves the flow on few of all pairs; from its answer prices follow, and every other pair is
asked whether it would pay at these prices. When none does, the prices bound every allocation from
below, and the gap between bound and answer is printed: 0 is a proof, whoever found the answer.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from importlib import metadata
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from domain.policy import Tier
from domain.screening import open_to
from projections.matching import (
    CONDITIONS_OF_A_MATCH,
    FIT,
    FULL,
    PLACE,
    THING,
    Condition,
    Factor,
    Index,
    Listing,
    Miss,
    Terms,
    Want,
    body,
    named,
    of_class,
    tiers_of,
    weigh,
)

Ints: TypeAlias = NDArray[np.int64]

SOLVER: Final = "ortools"
NEVER: Final = 1 << 60  # the cost of a pair that may not be
LIMIT: Final = 1 << 61  # what costs times nodes must stay below; the solver multiplies them
DISTANCE: Final = 100  # points of distance in one step: all that place_points gives are multiples
FIRST_ARCS: Final = 8  # pairs of each want that are tried first, the cheapest
MORE_ARCS: Final = 12  # pairs of each want that may be added in one round
ROUNDS_MAX: Final = 1000
CHUNK: Final = 1 << 20  # pairs looked at in one go
WAYS_MAX: Final = 64  # ways to share crossing quotas that are all tried
PAIRS_MAX: Final = 500_000_000  # of wants and listings that can meet; three bytes each are kept

# What is answered -----------------------------------------------------------------


class Grant(msgspec.Struct, frozen=True, order=True):
    """So much of a listing goes to a want."""

    want: str
    listing: str
    quantity: int


class Scale(msgspec.Struct, frozen=True):
    """What the parts of a cost weigh: a step of rank, a step of fit; a step of distance is 1."""

    big: int
    step: int
    coarse: int = 1  # points of fit in one step


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What was solved by itself: wants and listings that can meet, and the proof."""

    wants: int
    listings: int
    pairs: int  # that may be
    tried: int  # that the solver was given in the end
    rounds: int
    scale: Scale
    cost: int
    bound: int  # no allocation costs less

    @property
    def gap(self) -> int:
        """Return how far from the bound the answer may be; 0 proves that it is best."""
        return self.cost - self.bound


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """How good an allocation is, in the order in which it is judged."""

    served: tuple[tuple[int, str, int], ...]  # priority, waiting since, quantity; first rank first
    fit: int  # points lost, times quantity
    distance: int

    @property
    def least_first(self) -> tuple[Any, ...]:
        """Return a key that is smaller for the better one of two answers to the same question."""
        return (tuple(-quantity for *_, quantity in self.served), self.fit, self.distance)

    @property
    def quantity(self) -> int:
        """Return how much was given in all."""
        return sum(quantity for *_, quantity in self.served)


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """Who should get what, and why; nothing is decided by it."""

    on: date
    seed: str
    solver: str
    grants: tuple[Grant, ...]
    objective: Objective
    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()  # wants that a part would not have helped

    @property
    def gap(self) -> int:
        """Return how far all answers together may be from the best."""
        return sum(part.gap for part in self.parts)

    def of(self, want: str) -> tuple[Grant, ...]:
        """Return what a want gets."""
        return tuple(grant for grant in self.grants if grant.want == want)


class TooManyPairs(ValueError):
    """So many wants and listings that can all meet that they do not fit into memory."""


class TooManyRanks(ValueError):
    """So many ranks and things that 64 bits cannot hold their order exactly."""


# Solving ----------------------------------------------------------------------------


def draw(seed: str, id_: str) -> str:
    """Return the place of an id in the drawing of lots; anyone can do it again."""
    return hashlib.sha256(f"{seed}\x1f{id_}".encode()).hexdigest()


def rank_of(want: Want) -> tuple[int, date]:
    """Return what decides who is served first: legal priority, then the day it began to wait."""
    return (want.priority, want.since or date.max)


def allocate(
    wants: Iterable[Want],
    listings: Iterable[Listing],
    terms: Terms,
    *,
    seed: str,
    quotas: Mapping[str, int] | None = None,
) -> Allocation:
    """Allocate listings to wants as well as the rules allow; `quotas` says what is left of each.

    A want that takes no part of its quantity gets all of it, of whatever listings, or nothing;
    leaving such wants out is not proven best, and `gap` then says how far from the best it may be.
    """
    asked = sorted(wants, key=lambda want: (rank_of(want), draw(seed, want.id)))
    offered = sorted(
        (x for x in listings if x.quantity > 0), key=lambda x: (x.listed_on or date.max, x.id)
    )
    offered.sort(key=lambda x: draw(seed, x.id))
    grants: list[Grant] = []
    parts: list[Part] = []
    left_out: list[str] = []
    left = {key: max(0, many) for key, many in (quotas or {}).items()}
    for some_wants, some_listings in components(asked, offered, terms, left):
        pairs = _Pairs(some_wants, some_listings, terms)
        found = _solve(pairs, [quotas_of(want, left) for want in some_wants], left)
        left_out.extend(found.left_out)
        grants.extend(found.grants())
        parts.append(found.part())
    grants.sort()
    return Allocation(
        on=terms.on,
        seed=seed,
        solver=f"{SOLVER} {metadata.version(SOLVER)}",
        grants=tuple(grants),
        objective=objective(grants, asked, offered, terms),
        parts=tuple(parts),
        left_out=tuple(sorted(left_out)),
    )


def objective(
    grants: Iterable[Grant], wants: Iterable[Want], listings: Iterable[Listing], terms: Terms
) -> Objective:
    """Return how good grants are, whoever made them."""
    want_of = {want.id: want for want in wants}
    listing_of = {listing.id: listing for listing in listings}
    served = dict.fromkeys(sorted({rank_of(want) for want in want_of.values()}), 0)
    fit = distance = 0
    known: dict[tuple[Any, ...], tuple[int, int]] = {}
    for grant in grants:
        want, listing = want_of[grant.want], listing_of[grant.listing]
        served[rank_of(want)] += grant.quantity
        key = (*(f.want(want) for f in _LOSSES), *(f.listing(listing) for f in _LOSSES))
        if key not in known:
            known[key] = losses(want, listing, terms)
        fit += known[key][0] * grant.quantity
        distance += known[key][1] * grant.quantity
    return Objective(
        served=tuple((priority, day.isoformat(), n) for (priority, day), n in served.items()),
        fit=fit,
        distance=distance,
    )


_LOSSES: Final = (*FIT, PLACE)


def losses(want: Want, listing: Listing, terms: Terms) -> tuple[int, int]:
    """Return the points of fit and of distance that a pair lacks."""
    weights = [terms.weight(f) for f in FIT]
    points = (f.points(f.want(want), f.listing(listing), terms) for f in FIT)
    lacks = sum((FULL - p) * w for p, w in zip(points, weights, strict=True))
    place = PLACE.points(PLACE.want(want), PLACE.listing(listing), terms)
    return -(-lacks // max(1, sum(weights))), FULL - place


def quotas_of(want: Want, quotas: Mapping[str, int]) -> frozenset[str]:
    """Return every quota of those given that a want counts against."""
    return frozenset(key for key in (want.quota, *want.also) if key in quotas)


# Who can meet at all ------------------------------------------------------------------


def components(
    wants: Sequence[Want], listings: Sequence[Listing], terms: Terms, quotas: Mapping[str, int]
) -> Iterator[tuple[list[Want], list[Listing]]]:
    """Yield wants and listings that can meet by class and name, or share a quota; others apart."""
    index: Index[Listing] = Index(terms.classes, listings)
    joined: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        while (up := joined.setdefault(key, key)) != key:
            joined[key] = joined[up]
            key = joined[key]
        return key

    meets: dict[Hashable, bool] = {}
    for want in wants:
        thing = named(want)
        if thing not in meets:
            near = [t for t in index.things(want) if of_class(thing, t, terms)]
            meets[thing] = bool(near)
            for other in near:
                joined[root(("listing", other))] = root(("want", thing))
        for key in quotas_of(want, quotas) if meets[thing] else ():
            joined[root(("quota", key))] = root(("want", thing))
    parts: dict[Hashable, tuple[list[Want], list[Listing]]] = {}
    for want in wants:
        if meets[named(want)]:
            parts.setdefault(root(("want", named(want))), ([], []))[0].append(want)
    where: dict[Any, tuple[list[Want], list[Listing]] | None] = {}
    for listing in listings:
        thing = named(listing)
        if thing not in where:
            where[thing] = parts.get(root(("listing", thing)))
        if (found := where[thing]) is not None:
            found[1].append(listing)
    yield from parts.values()


# What each pair costs -------------------------------------------------------------------


def _coded(keys: Iterable[Hashable]) -> tuple[list[Any], NDArray[np.int32]]:
    """Return the distinct keys and the number of each."""
    known: dict[Hashable, int] = {}
    numbers = [known.setdefault(key, len(known)) for key in keys]
    return list(known), np.array(numbers, dtype=np.int32)


class _Pairs:
    """The costs of all pairs of some wants and listings; listings that are alike are one."""

    def __init__(self, wants: list[Want], listings: list[Listing], terms: Terms) -> None:
        self.wants, self.terms = wants, terms
        # What no want asks about makes no two listings different.
        self._asked = [c for c in _ASKED if c.slug != "price" or any(map(c.want, wants))]
        asks: tuple[Condition | Factor, ...] = (*self._asked, *_LOSSES)
        groups: dict[Hashable, list[Listing]] = {}
        for listing in listings:
            groups.setdefault(tuple(a.listing(listing) for a in asks), []).append(listing)
        self.groups = list(groups.values())
        self._heads = [group[0] for group in self.groups]
        self.supply = np.array([sum(x.quantity for x in g) for g in self.groups], dtype=np.int64)
        self.demand = np.array([w.quantity for w in wants], dtype=np.int64)
        ranks = sorted({rank_of(w) for w in wants})
        place = {rank: len(ranks) - at for at, rank in enumerate(ranks)}
        self.rank = np.array([place[rank_of(w)] for w in wants], dtype=np.int64)
        self.scale = scale_for(len(wants), len(self.groups), len(ranks))
        self.shape = (len(wants), len(self.groups))
        if len(wants) * len(self.groups) > PAIRS_MAX:
            raise TooManyPairs(*self.shape)
        self._fit: NDArray[np.int16] = np.empty(self.shape, dtype=np.int16)  # what is lacking
        self._near: NDArray[np.int8] = np.empty(self.shape, dtype=np.int8)
        self.pairs = self._fill()

    def parts(self) -> Iterator[slice]:
        """Yield rows that are few enough to be worked on together."""
        rows = max(1, CHUNK // max(1, self.shape[1]))
        for start in range(0, self.shape[0], rows):
            yield slice(start, min(start + rows, self.shape[0]))

    def costs(self, rows: slice) -> Ints:
        """Return what each pair of some wants costs."""
        return self._cost(self._fit[rows], self._near[rows])

    def costs_at(self, flat: NDArray[np.int64]) -> Ints:
        """Return what some pairs cost, by their places."""
        return self._cost(self._fit.ravel()[flat], self._near.ravel()[flat])

    def _cost(self, fit: NDArray[np.int16], near: NDArray[np.int8]) -> Ints:
        cost: Ints = fit.astype(np.int64)
        cost *= self.scale.step
        cost += near
        cost[fit < 0] = NEVER
        return cost

    def _table(self, ask: Condition | Factor) -> _Table:
        """Return what is answered for all that the two sides differ in."""
        answer = ask.holds if isinstance(ask, Condition) else ask.points
        left, of_want = _coded(ask.want(w) for w in self.wants)
        right, of_listing = _coded(ask.listing(x) for x in self._heads)
        answers = [[answer(a, b, self.terms) for b in right] for a in left]
        return _Table(np.array(answers, dtype=np.int32), of_want, of_listing)

    def _windows(self) -> tuple[NDArray[np.bool_], _Table, NDArray[np.int32]]:
        """Return who is how far from whom, and which windows are open to whom how far away.

        By tiers there are far fewer answers than pairs of bodies and dates.
        """
        left, of_want = _coded(body(w) for w in self.wants)
        right, of_listing = _coded(body(x) for x in self._heads)
        known: dict[tuple[Tier, ...], int] = {}
        far = [[known.setdefault(tiers_of(a, b), len(known)) for b in right] for a in left]
        windows, which = _coded(x.windows for x in self._heads)
        opened = [[open_to(w, t, self.terms.on) for w in windows] for t in known]
        table = _Table(np.array(far, dtype=np.int32), of_want, of_listing)
        return np.array(opened, dtype=np.bool_), table, which

    def _fill(self) -> int:
        """Work out every pair, some wants at a time; return how many may be."""
        thing = self._table(THING)
        asked = [self._table(each) for each in self._asked if each.slug != "window"]
        fits = [(thing if f is THING else self._table(f), self.terms.weight(f)) for f in FIT]
        weights = max(1, sum(weight for _, weight in fits))
        place = self._table(PLACE)
        windows = self._windows() if any(x.windows for x in self._heads) else None
        found = 0
        for rows in self.parts():
            shape = (rows.stop - rows.start, self.shape[1])
            may = np.empty(shape, dtype=np.bool_)
            may[...] = thing.of(rows) >= self.terms.fit_least  # what of_class asks
            for table in asked:
                may &= table.of(rows) != 0
            if windows is not None:
                opened, tier, which = windows
                may &= opened[tier.of(rows), which[None, :]]
            lacks: NDArray[np.int32] = np.zeros(shape, dtype=np.int32)
            for table, weight in fits:
                lacks += (FULL - table.of(rows)) * weight
            self._fit[rows] = np.where(may, -(-lacks // weights) // self.scale.coarse, -1)
            self._near[rows] = (FULL - place.of(rows)) // DISTANCE
            found += int(may.sum())
        return found


class _Table(NamedTuple):
    """Answers for the keys of wants and of listings, and the key of each of them."""

    answers: NDArray[np.int32]
    of_want: NDArray[np.int32]
    of_listing: NDArray[np.int32]

    def of(self, rows: slice) -> Any:
        """Return the answers of some wants for all listings; one where all are the same."""
        if self.answers.size == 1:
            return self.answers[0, 0]
        if self.answers.shape[0] == 1:
            return self.answers[0][self.of_listing][None, :]
        return self.answers[self.of_want[rows]][:, self.of_listing]


_ASKED: Final = tuple(c for c in CONDITIONS_OF_A_MATCH if c.slug not in ("quantity", "thing"))


def scale_for(wants: int, listings: int, ranks: int) -> Scale:
    """Return weights that keep the order exactly; raise TooManyRanks where 64 bits do not hold it.

    A cycle has at most `cycle` pairs given and as many taken away, so distances along it differ by
    at most `cycle` times the largest, and so do costs of pairs.
    """
    cycle = min(wants, listings) + 1
    nodes = wants + listings + wants + 2  # a quota has at least one want
    for coarse in (1, 10, 100, FULL):
        step = cycle * (FULL // DISTANCE) + 1
        dearest = (FULL // coarse) * step + FULL // DISTANCE
        big = cycle * dearest + 1
        if (ranks + 1) * big * nodes < LIMIT:
            return Scale(big, step, coarse)
    raise TooManyRanks(wants, listings, ranks)


def _dot(one: Ints, other: Ints) -> int:
    """Return the sum of products, however large."""
    return sum(a * b for a, b in zip(one.tolist(), other.tolist(), strict=True) if a)


# The flow ---------------------------------------------------------------------------------


class _Answer:
    """A flow on some of the pairs, and the prices that prove it."""

    def __init__(self, pairs: _Pairs, caps: _Caps, out: frozenset[int]) -> None:
        self.pairs = pairs
        self.demand = pairs.demand.copy()
        self.demand[list(out)] = 0
        self.penalty = pairs.rank * pairs.scale.big
        self.quota, self.parent, self.left_out = caps.node, caps.parent, tuple[str, ...]()
        self.must_not = caps.must_not(self.demand)
        self.rounds = 0
        self._choose()
        for _ in range(ROUNDS_MAX):
            self._flow()
            self._price()
            self.rounds += 1
            if not self._add():
                break
        self.cost = _dot(self.given, self.arc_cost) + _dot(self.without, self.penalty)
        self.bound = self._bound()

    # Which pairs are tried

    def _choose(self) -> None:
        """Begin with the cheapest pairs of each want, and with what is left when its turn comes.

        Where all want the same best things, the cheapest alone would be the same few for all.
        """
        width = self.pairs.shape[1]
        left = self.pairs.supply.copy()
        count = min(FIRST_ARCS, width)
        found: list[NDArray[np.int64]] = []
        for rows in self.pairs.parts():
            for at, cost in enumerate(self.pairs.costs(rows), rows.start):
                best = np.argpartition(cost, count - 1)[:count]
                found.append(at * width + best[cost[best] < NEVER])
                found.append(at * width + self._take(cost, left, int(self.demand[at])))
        self.arcs = np.unique(np.concatenate(found))

    def _take(self, cost: Ints, left: Ints, needed: int) -> NDArray[np.int64]:
        """Return the cheapest of what is left, as much as is needed and a few more; use it up."""
        there = np.flatnonzero((left > 0) & (cost < NEVER))
        if not needed or not len(there):
            return there[:0]
        count = min(len(there), needed + FIRST_ARCS)
        if count < len(there):
            there = there[np.argpartition(cost[there], count - 1)[:count]]
        there = there[np.argsort(cost[there], kind="stable")]
        before = np.cumsum(left[there]) - left[there]
        enough = int(np.searchsorted(before, needed)) + FIRST_ARCS
        given = np.clip(needed - before, 0, left[there])
        left[there] -= given
        return there[:enough]

    def _add(self) -> bool:
        """Add the pairs that would pay at these prices, the best of each want; none is a proof."""
        width = self.pairs.shape[1]
        count = min(MORE_ARCS, width)
        found: list[NDArray[np.int64]] = []
        self.worst = np.zeros(self.pairs.shape[0], dtype=np.int64)
        for rows in self.pairs.parts():
            gain = self.pairs.costs(rows)
            gain += self.price
            gain -= self.value[rows, None]
            least = gain.min(axis=1)
            self.worst[rows] = np.minimum(0, least)
            better = np.flatnonzero((least < 0) & (self.demand[rows] > 0))
            if not len(better):
                continue
            best = np.argpartition(gain[better], count - 1, axis=1)[:, :count]
            pays = np.take_along_axis(gain[better], best, axis=1) < 0
            found.append(((better[:, None] + rows.start) * width + best)[pays])
        if not found:
            return False
        self.arcs = np.unique(np.concatenate([self.arcs, *found]))
        return True

    def _flow(self) -> None:
        """Solve on the chosen pairs: a want goes to listings, or without by its quota's node."""
        from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

        count, width = self.pairs.shape
        self.row, self.column = np.divmod(self.arcs, width)
        self.arc_cost = self.pairs.costs_at(self.arcs)
        self.used, place = np.unique(self.column, return_inverse=True)
        first = count + len(self.used)
        sink = first + len(self.parent)
        with_quota = np.arange(1, len(self.parent))
        without = np.arange(count)
        total = int(self.demand.sum())
        tails = (self.row, without, count + np.arange(len(self.used)), first + with_quota)
        quota_or_sink = np.where(self.quota == 0, sink, first + self.quota)
        wider = self.parent[1:]
        heads = (
            count + place,
            quota_or_sink,
            np.full(len(self.used), sink),
            np.where(wider == 0, sink, first + wider),
        )
        room = np.minimum(self.demand[self.row], self.pairs.supply[self.column])
        room_of = (
            room,
            self.demand,
            self.pairs.supply[self.used],
            np.full(len(with_quota), total),
        )
        zero = np.zeros(len(self.used) + len(with_quota), dtype=np.int64)
        flow: Any = SimpleMinCostFlow()  # its types have no shapes of arrays
        arcs = flow.add_arcs_with_capacity_and_unit_cost(
            np.concatenate(tails).astype(np.int32),
            np.concatenate(heads).astype(np.int32),
            np.concatenate(room_of).astype(np.int64),
            np.concatenate([self.arc_cost, self.penalty, zero]),
        )
        supplies = np.zeros(sink + 1, dtype=np.int64)
        supplies[:count] = self.demand
        supplies[sink] = -total
        # What a quota must let go without passes on to the wider one at least.
        supplies[first + with_quota] -= self.must_not[1:]
        np.add.at(supplies, heads[3], self.must_not[1:])
        flow.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supplies)
        status = flow.solve()
        assert status == flow.OPTIMAL, status
        flows = np.asarray(flow.flows(np.asarray(arcs)))
        self.given = flows[: len(self.arcs)]
        self.without = flows[len(self.arcs) : len(self.arcs) + count]
        passed = flows[len(flows) - len(with_quota) :]
        self.spare = np.flatnonzero((passed > 0) & (wider > 0)) + 1  # more than must go without

    def _price(self) -> None:
        """Work out the prices: for each node the cheapest way in the residual graph to the sink.

        They do not rely on the solver: were its answer not the best, there would be no such way.
        """
        count = len(self.pairs.wants)
        never = NEVER
        sold = np.zeros(len(self.pairs.supply), dtype=np.int64)
        np.add.at(sold, self.column, self.given)
        price = np.where(sold < self.pairs.supply, 0, never)
        value = self.penalty.copy()
        of_quota = np.zeros(len(self.parent), dtype=np.int64)
        rows, starts = np.unique(self.row, return_index=True)
        got = np.flatnonzero(self.given > 0)
        got = got[np.argsort(self.column[got], kind="stable")]
        columns, firsts = np.unique(self.column[got], return_index=True)
        short = np.flatnonzero((self.without > 0) & (self.quota > 0))
        for _ in range(2 * (count + len(self.pairs.supply) + len(self.parent)) + 4):
            before = of_quota.copy()
            new = np.minimum(value, self.penalty + of_quota[self.quota])
            if len(rows):
                way = self.arc_cost + price[self.column]
                new[rows] = np.minimum(new[rows], np.minimum.reduceat(way, starts))
            if len(short):
                np.minimum.at(of_quota, self.quota[short], new[short] - self.penalty[short])
            of_quota = np.minimum(of_quota, of_quota[self.parent])
            np.minimum.at(of_quota, self.parent[self.spare], of_quota[self.spare])
            new = np.minimum(new, self.penalty + of_quota[self.quota])
            cheaper = price.copy()
            if len(columns):
                way = new[self.row[got]] - self.arc_cost[got]
                least = np.minimum.reduceat(way, firsts)
                cheaper[columns] = np.minimum(cheaper[columns], least)
            same = (new == value).all() and (cheaper == price).all()
            if same and (of_quota == before).all():
                break
            value, price = new, cheaper
        else:
            raise AssertionError("the flow is not the best on its own pairs")
        self.value, self.price, self.of_quota = value, price, of_quota
        assert int(price.min(initial=0)) >= 0

    def _bound(self) -> int:
        """Return the least that any allocation costs: prices, with each want's best deal kept."""
        value = self.value + self.worst
        beyond = self.of_quota - self.of_quota[self.parent]
        sold = _dot(self.pairs.supply, self.price) + _dot(self.must_not, beyond)
        return _dot(self.demand, value) - sold

    def part(self) -> Part:
        """Return what was solved, and the proof."""
        pairs = self.pairs
        return Part(
            wants=len(pairs.wants),
            listings=sum(map(len, pairs.groups)),
            pairs=pairs.pairs,
            tried=len(self.arcs),
            rounds=self.rounds,
            scale=pairs.scale,
            cost=self.cost,
            bound=self.bound,
        )

    def grants(self) -> Iterator[Grant]:
        """Share out each group of equal listings among those who get of it."""
        queues: dict[int, list[tuple[str, int]]] = {}
        for at in np.flatnonzero(self.given):
            column, left = int(self.column[at]), int(self.given[at])
            if column not in queues:
                queues[column] = [(x.id, x.quantity) for x in self.pairs.groups[column]]
            yield from _share(self.pairs.wants[int(self.row[at])].id, left, queues[column])


def _share(want: str, quantity: int, queue: list[tuple[str, int]]) -> Iterator[Grant]:
    """Give a want so much of equal listings, each used up before the next."""
    while quantity:
        listing, there = queue[0]
        taken = min(quantity, there)
        yield Grant(want, listing, taken)
        quantity -= taken
        if taken == there:
            queue.pop(0)
        else:
            queue[0] = (listing, there - taken)


def _solve_whole(pairs: _Pairs, caps: _Caps) -> _Answer:
    """Solve, and leave out wants that would get a part which does not help them, the last first."""
    out: set[int] = set()
    bound: int | None = None
    while True:
        answer = _Answer(pairs, caps, frozenset(out))
        bound = answer.bound if bound is None else bound
        short = (answer.without > 0) & (answer.without < answer.demand)
        helped = [at for at in np.flatnonzero(short).tolist() if not pairs.wants[at].in_part]
        if not helped:
            break
        out.add(min(helped, key=lambda at: (int(pairs.rank[at]), -at)))
    for at in out:
        answer.cost += int(pairs.demand[at]) * int(answer.penalty[at])
    answer.bound = bound
    answer.left_out = tuple(pairs.wants[at].id for at in out)
    return answer


# Several quotas of one want ------------------------------------------------------------------


class _Caps(NamedTuple):
    """Quotas that lie one inside the other or apart, as a tree; 0 is the root and no quota."""

    node: NDArray[np.int32]  # the narrowest quota of each want
    left: NDArray[np.int64]
    parent: NDArray[np.int64]  # of each quota the next wider one; wider ones come first

    def must_not(self, demand: Ints) -> Ints:
        """Return how much of the demand on each quota has to go without."""
        wanted = np.bincount(self.node, weights=demand, minlength=len(self.left)).astype(np.int64)
        for at in range(len(self.left) - 1, 0, -1):
            wanted[self.parent[at]] += wanted[at]
        must: Ints = np.maximum(0, wanted - self.left)
        must[0] = 0
        return must


Keys: TypeAlias = frozenset[str]


def _solve(pairs: _Pairs, keys: list[Keys], left: Mapping[str, int]) -> _Answer:
    """Solve with every quota of every want kept.

    Quotas one inside the other are kept by the flow itself. Where they cross (what states no class
    counts against the standards of two classes), those that can be are kept first: an answer that
    keeps the others as well is the best. If it does not, what crosses is given a share of its own,
    taken off all its quotas: each way to share is a tree again, and the best of all ways is the
    answer; where there are too many ways the gap to the first bound is told.
    """
    caps, dropped = _tree(keys, left)
    answer = _solve_whole(pairs, caps)
    gets = Counter[Keys]()
    for mine, many in zip(keys, (answer.demand - answer.without).tolist(), strict=True):
        gets[mine] += many
    over = {key for key in dropped if sum(n for mine, n in gets.items() if key in mine) > left[key]}
    if not over:
        return answer
    shared = sorted({group for key in over for group in dropped[key]}, key=sorted)
    wanted = Counter[Keys]()
    for at, mine in enumerate(keys):
        wanted[mine] += int(pairs.demand[at])
    most = {g: max(0, min(wanted[g], *(left[key] for key in g))) for g in shared}
    tried: dict[tuple[int, ...], _Answer | None] = {}

    def given(shares: tuple[int, ...]) -> _Answer | None:
        """Solve for one way to share; None where a quota has not so much."""
        if shares not in tried:
            own = dict(zip(shared, shares, strict=True))
            rest = {k: n - sum(t for g, t in own.items() if k in g) for k, n in left.items()}
            fits = min(rest.values()) >= 0
            names = {g: "share of " + " and ".join(sorted(g)) for g in shared}
            rest |= {names[g]: t for g, t in own.items()}
            again = [frozenset({names[mine]}) if mine in own else mine for mine in keys]
            tried[shares] = _solve(pairs, again, rest) if fits else None
        return tried[shares]

    ways = math.prod(n + 1 for n in most.values())
    if ways <= WAYS_MAX:
        for shares in itertools.product(*(range(n + 1) for n in most.values())):
            given(shares)
    else:
        _descend(given, tuple(min(most[g], gets[g]) for g in shared), tuple(most.values()))
    found = [one for one in tried.values() if one is not None]
    best = min(found, key=lambda one: one.cost)
    if ways <= WAYS_MAX:
        best.bound = max(answer.bound, min(one.bound for one in found))
    else:
        best.bound = answer.bound
    return best


def _descend(
    given: Callable[[tuple[int, ...]], _Answer | None],
    start: tuple[int, ...],
    most: tuple[int, ...],
) -> None:
    """Try ways to share from one on, better and better, in smaller and smaller steps."""

    def cost(shares: tuple[int, ...]) -> tuple[bool, int]:
        answer = given(shares)
        return (answer is None, answer.cost if answer is not None else sum(shares))

    here, step = start, max(1, max(most) // 2)
    tries = 0
    while tries < WAYS_MAX or given(here) is None:
        near = [
            (*here[:at], n, *here[at + 1 :])
            for at in range(len(here))
            for n in (here[at] - step, here[at] + step)
            if 0 <= n <= most[at]
        ]
        tries += len(near)
        better = min(near, key=cost, default=here)
        if cost(better) < cost(here):
            here = better
        elif step == 1:
            break
        else:
            step = -(-step // 2)


def _tree(
    keys: Sequence[Keys], left: Mapping[str, int]
) -> tuple[_Caps, dict[str, frozenset[Keys]]]:
    """Return quotas as a tree, and for each that crosses another whose wants it had to leave out."""
    groups = sorted(set(keys), key=sorted)
    family: list[tuple[frozenset[Keys], int]] = []
    dropped: dict[str, frozenset[Keys]] = {}
    for key in sorted({key for group in groups for key in group}, key=lambda k: (left[k], k)):
        whole = mine = frozenset(group for group in groups if key in group)
        for other, _ in family:
            if mine & other and not (mine <= other or other <= mine):
                mine -= other
        if mine != whole:
            dropped[key] = whole - mine
        if mine:
            family.append((mine, max(0, left[key])))
    family.sort(key=lambda one: (-len(one[0]), sorted(map(sorted, one[0])), -one[1]))
    parent, of_group = [0], dict.fromkeys(groups, 0)
    for at, (mine, _) in enumerate(family, 1):
        parent.append(of_group[next(iter(mine))])
        of_group |= dict.fromkeys(mine, at)
    node = np.array([of_group[group] for group in keys], dtype=np.int32)
    caps = np.array([0, *(n for _, n in family)], dtype=np.int64)
    return _Caps(node, caps, np.array(parent, dtype=np.int64)), dropped


# First come, first served, to compare with --------------------------------------------------


def first_come(wants: Iterable[Want], listings: Iterable[Listing], terms: Terms) -> list[Grant]:
    """Let each want, in the order of waiting alone, take the best of what is left for it."""
    asked = sorted(wants, key=lambda want: (want.since or date.max, want.id))
    offered = [x for x in listings if x.quantity > 0]
    grants: list[Grant] = []
    for some_wants, some_listings in components(asked, offered, terms, {}):
        pairs = _Pairs(some_wants, some_listings, terms)
        left = pairs.supply.copy()
        queues = [[(x.id, x.quantity) for x in group] for group in pairs.groups]
        for at, want in enumerate(some_wants):
            cost = np.where(left > 0, pairs.costs(slice(at, at + 1))[0], NEVER)
            if not want.in_part and int(left[cost < NEVER].sum()) < want.quantity:
                continue
            grants.extend(_take(want, cost, left, queues))
    return sorted(grants)


def _take(
    want: Want, cost: Ints, left: Ints, queues: list[list[tuple[str, int]]]
) -> Iterator[Grant]:
    needed = want.quantity
    while needed:
        best = int(cost.argmin())
        if cost[best] >= NEVER:
            return
        taken = min(needed, int(left[best]))
        yield from _share(want.id, taken, queues[best])
        needed -= taken
        left[best] -= taken
        cost[best] = NEVER


# Why not ------------------------------------------------------------------------------------


class Taker(msgspec.Struct, frozen=True):
    """Who gets of a listing: with which rank, and how well it fits them."""

    want: str
    quantity: int
    priority: int
    since: date | None
    fit: int  # points of 1000


class Swap(msgspec.Struct, frozen=True):
    """What the best allocation would lose if one piece had to go where it does not.

    `served` says for each rank how much less (or more) it would get, first rank first.
    """

    served: tuple[tuple[int, str, int], ...] = ()
    fit: int = 0
    distance: int = 0

    @property
    def nothing(self) -> bool:
        """Answer whether the other way is just as good: then lots decided."""
        return self == Swap()


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """Why a want does not get a listing, or how much of it it gets.

    `failed` names the conditions; `takers` says who gets it instead, the first served first;
    `swap` what it would cost to give it one piece of it all the same.
    """

    want: str
    listing: str
    quantity: int = 0
    failed: tuple[str, ...] = ()
    opens: date | None = None
    takers: tuple[Taker, ...] = ()
    swap: Swap | None = None
    left_out: bool = False


def why_not(
    found: Allocation,
    want: Want,
    listing: Listing,
    wants: Sequence[Want],
    listings: Sequence[Listing],
    terms: Terms,
    quotas: Mapping[str, int] | None = None,
) -> WhyNot:
    """Explain why a want does not get a listing; arguments are those of the allocation.

    The cost of a swap is exact: what can meet the two is allocated again with one piece given.
    """
    weighed = weigh(replace(want, in_part=True), listing, terms)
    if isinstance(weighed, Miss):
        return WhyNot(want=want.id, listing=listing.id, failed=weighed.failed, opens=weighed.opens)
    by_id = {each.id: each for each in wants}
    gets = sum(g.quantity for g in found.grants if (g.want, g.listing) == (want.id, listing.id))
    takers = [
        Taker(
            who.id, grant.quantity, who.priority, who.since, FULL - losses(who, listing, terms)[0]
        )
        for grant in found.grants
        if grant.listing == listing.id and (who := by_id[grant.want]).id != want.id
    ]
    takers.sort(key=lambda taker: (taker.priority, taker.since or date.max, taker.want))
    return WhyNot(
        want=want.id,
        listing=listing.id,
        quantity=gets,
        takers=tuple(takers),
        swap=None if gets else _swap(found, want, listing, wants, listings, terms, quotas or {}),
        left_out=want.id in found.left_out,
    )


def _swap(
    found: Allocation,
    want: Want,
    listing: Listing,
    wants: Sequence[Want],
    listings: Sequence[Listing],
    terms: Terms,
    quotas: Mapping[str, int],
) -> Swap | None:
    """Return what giving one piece of a listing to a want would cost; None if a quota forbids."""
    keys = quotas_of(want, quotas)
    if any(quotas[key] < 1 for key in keys):
        return None
    parts = components(wants, listings, terms, quotas)
    mine, theirs = next(part for part in parts if want in part[0])
    less = {w.id: w for w in mine} | {want.id: replace(want, quantity=want.quantity - 1)}
    rest = [replace(x, quantity=x.quantity - 1) if x.id == listing.id else x for x in theirs]
    left = {key: n - (key in keys) for key, n in quotas.items()}
    again = allocate(
        (w for w in less.values() if w.quantity), rest, terms, seed=found.seed, quotas=left
    )
    ids = set(less)
    now = objective((g for g in found.grants if g.want in ids), mine, theirs, terms)
    then = objective((*again.grants, Grant(want.id, listing.id, 1)), mine, theirs, terms)
    served = (
        (priority, since, n - m)
        for (priority, since, n), (*_, m) in zip(now.served, then.served, strict=True)
    )
    return Swap(
        tuple(each for each in served if each[2]), then.fit - now.fit, then.distance - now.distance
    )
