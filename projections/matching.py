"""What fits a want, what a listing fits: hard conditions, and scored factors that explain themselves.

Everything is a function of its arguments. Points are whole numbers: each factor gives 0 to 1000,
the total is their sum by weight over the sum of the weights, rounded down. Every condition and
factor asks of a listing and of a want only what `Key` names; the optimal allocation relies on that.
docs/matching.md says how each factor moves the rank; a test holds it to that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from domain import screening
from domain.policy import Tier
from domain.screening import Belonging, Windows
from domain.words import Words
from projections.naming import Names, house_names

FULL: Final = 1000  # the most that a factor gives
RANKED_MAX: Final = 1000

# What is on offer, what is wanted -----------------------------------------------


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Something on offer. Quantities are whole pieces; what is not known is empty or None."""

    id: str
    name: str
    quantity: int = 1
    kind: str = ""
    class_code: str = ""
    class_scheme: str = ""
    name_en: str = ""
    specification: str = ""
    measure: str = ""
    condition: str = ""  # of CONDITIONS
    life_months: int | None = None  # remaining
    unit: str = ""  # that holds it
    books: str = ""  # the unit that accounts for it
    department: str = ""
    level: str = ""
    region: str = ""  # GB/T 2260, six digits
    place: str = ""
    delivered: bool = False  # its holder brings it
    available_from: date | None = None
    offer_until: date | None = None
    listed_on: date | None = None
    windows: Windows = ()  # none: open to all
    unit_price: int | None = None  # in fen, of one piece
    turned_down: str = ""  # its id, when some want turned it down


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked for. `priority` 1 is served first; `since` is when it began to wait."""

    id: str
    name: str
    quantity: int = 1
    kind: str = ""
    class_code: str = ""
    class_scheme: str = ""
    name_en: str = ""
    specification: str = ""
    measure: str = ""
    condition_least: str = ""
    life_months_least: int | None = None
    unit: str = ""
    department: str = ""
    level: str = ""
    region: str = ""
    place: str = ""
    collects: bool = True  # it can fetch things itself
    needed_by: date | None = None
    in_part: bool = True  # a smaller quantity helps too
    priority: int = 9
    since: date | None = None
    quota: str = ""  # which quota its quantity counts against: the tightest of several
    also: tuple[str, ...] = ()  # the others
    price_max: int | None = None  # in fen, of one piece: what its standards allow
    turned_down: frozenset[str] = frozenset()  # what will not do, by id


# Best first; a grade that is none of these says nothing. Words of practice beside the codes.
CONDITIONS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("new", "全新", "未使用"), 4),
    **dict.fromkeys(("good", "完好", "良好", "九成新", "八成新"), 3),
    **dict.fromkeys(("fair", "一般", "可用", "七成新", "六成新"), 2),
    **dict.fromkeys(("poor", "较差", "需修复", "待修"), 1),
    **dict.fromkeys(("unusable", "不可用", "损坏"), 0),
}


def pieces(quantity: str) -> int:
    """Return the whole pieces of a quantity as the ledger writes it: `30` is 30, `2.5` is 2."""
    whole = quantity.partition(".")[0]
    return int(whole) if whole.isdecimal() else 0


# Classes of two versions of the standard ----------------------------------------

Code: TypeAlias = tuple[str, str]  # scheme, code


INSIDE_IT: Final = 800  # one class is part of the other
BESIDE: Final = 500  # both are of the same class above
UNKNOWN_CLASS: Final = 300  # nobody stated it


class Classes(msgspec.Struct, frozen=True):
    """What a code of one version is in another: the migration table that people decided on."""

    targets: Mapping[Code, tuple[Code, ...]] = {}

    def ways(self, scheme: str, code: str) -> tuple[Code, ...]:
        """Return a code with all that it became; several where the table leaves it open."""
        return ((scheme, code), *self.targets.get((scheme, code), ())) if code else ()

    def beginnings(self, scheme: str, code: str) -> frozenset[str]:
        """Return how every code begins, of whatever version, that may fit a code by this table.

        Codes that fit agree in their first two levels, as far as both have so many.
        """
        mine = {way[:3] for _, way in self.ways(scheme, code)}
        sources = (
            source[:3]
            for (_, source), targets in self.targets.items()
            if any(target[:3] in mine for _, target in targets)
        )
        return frozenset(mine.union(sources))

    def meant(self, code: str) -> tuple[str, ...]:
        """Return the codes of any version that a class, or one inside it, became or came from.

        Whoever asks for a class by one version means what cards of the other carry as well; codes
        that begin with the one that is asked for need not be named.
        """
        if not code:
            return ()
        found = set[str]()
        for (_, source), targets in self.targets.items():
            if source.startswith(code):
                found.update(target for _, target in targets)
            elif any(target.startswith(code) for _, target in targets):
                found.add(source)
        return tuple(sorted(one for one in found if not one.startswith(code)))

    def fit(self, one: tuple[str, str], other: tuple[str, str]) -> int:
        """Return how near two classes are: the same 1000, one in the other 800, side by side 500.

        Without a code on either side nothing is known: 300. Of different classes: 0.
        """
        if not one[1] or not other[1]:
            return UNKNOWN_CLASS
        if one == other:
            return FULL
        if not self.targets:
            return nearness(one[1], other[1]) if _same_if_known(one[0], other[0]) else 0
        found = 0
        for scheme, code in self.ways(*one):
            for of, with_ in self.ways(*other):
                if _same_if_known(of, scheme):
                    found = max(found, nearness(code, with_))
        return found


@lru_cache(maxsize=1 << 16)
def steps(code: str) -> tuple[str, ...]:
    """Return a code level by level: A02010105 is A, 02, 01, 01, 05; trailing 00 say no more.

    Item numbers (7110-01-234-5678) have group, class and the item itself.
    """
    group, dash, item = code.partition("-")
    if dash:
        return (group[:2], group, item)
    first, rest = code[:1], code[1:]
    levels = [rest[at : at + 2] for at in range(0, len(rest), 2)]
    while levels and levels[-1] in ("00", "0"):
        levels.pop()
    return (first, *levels)


def nearness(one: str, other: str) -> int:
    """Return how near two codes of one version are."""
    a, b = steps(one), steps(other)
    if a == b:
        return FULL
    if len(a) == len(b):
        return BESIDE if len(a) > 2 and a[:-1] == b[:-1] else 0
    if len(a) > len(b):
        a, b = b, a
    return INSIDE_IT if len(a) > 1 and b[: len(a)] == a else 0


# What the answer depends on besides the two --------------------------------------


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The day, the names and codes, and the weights of the factors; data of a place, not code."""

    on: date
    names: Names = msgspec.field(default_factory=house_names)
    classes: Classes = Classes()
    weights: Mapping[str, int] = {}  # by slug; what is missing has its default weight
    fit_least: int = 250  # of name and class together, below which it is another thing; above 0
    horizon_days: int = 180  # after which an earlier date makes no difference
    life_months_full: int = 60  # of remaining life beyond what was asked for

    def weight(self, factor: Factor) -> int:
        """Return the weight of a factor."""
        return self.weights.get(factor.slug, factor.weight)


Key: TypeAlias = Callable[[Any], Hashable]  # what a condition or factor knows of one side


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold; `holds` gets what it knows of the want and of the listing."""

    slug: str
    words: Words
    want: Key
    listing: Key
    holds: Callable[[Any, Any, Terms], bool]


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """What moves the rank; `points` gets what it knows of the want and of the listing."""

    slug: str
    words: Words
    weight: int
    want: Key
    listing: Key
    points: Callable[[Any, Any, Terms], int]


# The conditions -----------------------------------------------------------------


def _same_if_known(one: str, other: str, _: object = None) -> bool:
    """Take what is empty for unknown: it contradicts nothing."""
    return one == other or not one or not other


def named(each: Listing | Want) -> Any:
    """Return class and names, which say what a thing is."""
    other = (each.name_en,) if each.name_en and each.name_en != each.name else ()
    return (each.class_scheme, each.class_code), (each.name, *other)


def name_points(want: tuple[str, ...], listing: tuple[str, ...], terms: Terms) -> int:
    """Return how well the best pair of the names of the two agrees."""
    return max((terms.names.fit(a, b) for a in want for b in listing), default=0)


def thing_points(want: Any, listing: Any, terms: Terms) -> int:
    """Return how surely it is the thing asked for: the better of class and name counts double.

    What is of another class is another thing, whatever it is called.
    """
    by_class = terms.classes.fit(want[0], listing[0])
    if not by_class:
        return 0
    by_name = name_points(want[1], listing[1], terms)
    return (2 * max(by_class, by_name) + min(by_class, by_name)) // 3


def of_class(want: Any, listing: Any, terms: Terms) -> bool:
    """Answer whether two classes with names are near enough to be the same thing."""
    by_class = terms.classes.fit(want[0], listing[0])
    if not by_class:
        return False
    # A class alone may be enough; names are compared only where they matter.
    return 2 * by_class // 3 >= terms.fit_least or (
        thing_points(want, listing, terms) >= terms.fit_least
    )


def _graded(least: str, condition: str, _: Terms) -> bool:
    asked, is_ = CONDITIONS.get(least), CONDITIONS.get(condition)
    return asked is None or is_ is None or is_ >= asked


def _long_enough(least: int | None, months: int | None, _: Terms) -> bool:
    return least is None or months is None or months >= least


def _in_time(needed_by: date | None, available_from: date | None, _: Terms) -> bool:
    return needed_by is None or available_from is None or available_from <= needed_by


def _still_on_offer(_: None, until: date | None, terms: Terms) -> bool:
    return until is None or until >= terms.on


Body: TypeAlias = tuple[tuple[str, ...], Belonging]


def body(each: Listing | Want) -> Body:
    """Return what decides the tier between two bodies: whose it is, and where that belongs."""
    units = (each.unit, each.books) if isinstance(each, Listing) else (each.unit,)
    return units, Belonging(each.department, each.level, each.region)


def _body_and_windows(listing: Listing) -> Hashable:
    return (body(listing), listing.windows) if listing.windows else None


def tiers_of(want: Body, listing: Body) -> tuple[Tier, ...]:
    """Return every tier in which who wants something stands to whose it is."""
    own = bool(want[0][0]) and want[0][0] in listing[0]
    return screening.tiers_of(listing[1], want[1], own=own)


def _open(want: Body, listing: Any, terms: Terms) -> bool:
    return listing is None or screening.open_to(listing[1], tiers_of(want, listing[0]), terms.on)


def _enough(want: int, listing: int, _: Terms) -> bool:
    return 0 < listing >= want


def _cheap_enough(most: int | None, price: int | None, _: Terms) -> bool:
    return most is None or price is None or price <= most


CONDITIONS_OF_A_MATCH: Final = (
    Condition(
        slug="kind",
        words=Words("类别相同", "of the same kind"),
        want=lambda w: w.kind,
        listing=lambda x: x.kind,
        holds=_same_if_known,
    ),
    Condition(
        slug="thing",
        words=Words("分类与名称相符", "class and name agree"),
        want=named,
        listing=named,
        holds=of_class,
    ),
    Condition(
        slug="measure",
        words=Words("计量单位相同", "counted in the same measure"),
        want=lambda w: w.measure,
        listing=lambda x: x.measure,
        holds=_same_if_known,
    ),
    Condition(
        slug="quantity",
        words=Words("数量足够（不接受部分满足时）", "enough of it, if a part does not help"),
        want=lambda w: 1 if w.in_part else w.quantity,
        listing=lambda x: x.quantity,
        holds=_enough,
    ),
    Condition(
        slug="condition",
        words=Words("成色不低于要求", "in the condition asked for"),
        want=lambda w: w.condition_least,
        listing=lambda x: x.condition,
        holds=_graded,
    ),
    Condition(
        slug="life",
        words=Words("剩余年限不少于要求", "with the remaining life asked for"),
        want=lambda w: w.life_months_least,
        listing=lambda x: x.life_months,
        holds=_long_enough,
    ),
    Condition(
        slug="in-time",
        words=Words("需要之日前可用", "available by the day it is needed"),
        want=lambda w: w.needed_by,
        listing=lambda x: x.available_from,
        holds=_in_time,
    ),
    Condition(
        slug="on-offer",
        words=Words("仍在供应期内", "still on offer"),
        want=lambda _: None,
        listing=lambda x: x.offer_until,
        holds=_still_on_offer,
    ),
    Condition(
        slug="turned-down",
        words=Words("没有被需求单位说明不适用", "not turned down by who wants it"),
        want=lambda w: w.turned_down,
        listing=lambda x: x.turned_down,
        holds=lambda refused, id_, _: id_ not in refused,
    ),
    Condition(
        slug="price",
        words=Words("单价不超过配置标准", "no dearer than its standards allow"),
        want=lambda w: w.price_max,
        listing=lambda x: x.unit_price,
        holds=_cheap_enough,
    ),
    Condition(
        slug="window",
        words=Words("本层级的申请窗口已开放", "the window of its tier is open"),
        want=body,
        listing=_body_and_windows,
        holds=_open,
    ),
)

# The factors --------------------------------------------------------------------


def _specification(want: str, listing: tuple[str, ...], terms: Terms) -> int:
    """Without a specification everything fits; else the better of model and name."""
    if not want:
        return FULL
    return max((terms.names.fit(want, text) for text in listing if text), default=0)


def _condition_points(_: None, condition: str, __: Terms) -> int:
    """250 for each grade above unusable; what nobody graded counts as fair."""
    return 250 * CONDITIONS.get(condition, 2)


def _life_points(least: int | None, months: int | None, terms: Terms) -> int:
    """Rise with the months beyond what was asked for, up to `life_months_full`."""
    if months is None:
        return FULL // 2
    beyond = max(0, months - (least or 0))
    return FULL * min(beyond, terms.life_months_full) // max(1, terms.life_months_full)


def place_points(want: tuple[str, str], listing: tuple[str, str], _: Terms) -> int:
    """Same place 1000, same county 800, same prefecture 500, same province 200, farther 0.

    Regions are codes of GB/T 2260; a region nobody stated counts as the province.
    """
    (region, place), (other, at) = want, listing
    if place and place == at:
        return FULL
    if not region or not other:
        return 200
    for digits, points in ((6, 800), (4, 500), (2, 200)):
        if region[:digits] == other[:digits]:
            return points
    return 0


def _date_points(needed_by: date | None, available_from: date | None, terms: Terms) -> int:
    """Fall with the days until it can be had, to 0 at `horizon_days`."""
    days = 0 if available_from is None else max(0, (available_from - terms.on).days)
    horizon = max(1, terms.horizon_days)
    return FULL * (horizon - min(days, horizon)) // horizon


def _transport_points(collects: bool, delivered: bool, _: Terms) -> int:
    """Brought 1000, fetched by who wants it 500, neither 0."""
    if delivered:
        return FULL
    return FULL // 2 if collects else 0


def _quantity_points(want: int, listing: int, _: Terms) -> int:
    """Rise with the part of the quantity that one listing alone can give."""
    return FULL * min(want, listing) // max(1, want)


THING: Final = Factor(
    slug="thing",
    words=Words("分类与名称", "class and name"),
    weight=30,
    want=named,
    listing=named,
    points=thing_points,
)
PLACE: Final = Factor(
    slug="place",
    words=Words("距离", "distance"),
    weight=15,
    want=lambda w: (w.region, w.place),
    listing=lambda x: (x.region, x.place),
    points=place_points,
)
QUANTITY: Final = Factor(
    slug="quantity",
    words=Words("一处可满足的数量", "quantity in one place"),
    weight=5,
    want=lambda w: w.quantity,
    listing=lambda x: x.quantity,
    points=_quantity_points,
)
# What one thing fits another by, whatever the quantity and wherever it stands.
FIT: Final = (
    THING,
    Factor(
        slug="specification",
        words=Words("规格型号", "specification"),
        weight=15,
        want=lambda w: w.specification,
        listing=lambda x: (x.specification, x.name, x.name_en),
        points=_specification,
    ),
    Factor(
        slug="condition",
        words=Words("成色", "condition"),
        weight=10,
        want=lambda _: None,
        listing=lambda x: x.condition,
        points=_condition_points,
    ),
    Factor(
        slug="life",
        words=Words("剩余使用年限", "remaining life"),
        weight=10,
        want=lambda w: w.life_months_least,
        listing=lambda x: x.life_months,
        points=_life_points,
    ),
    Factor(
        slug="date",
        words=Words("可用日期", "available date"),
        weight=10,
        want=lambda _: None,
        listing=lambda x: x.available_from,
        points=lambda _, since, terms: _date_points(None, since, terms),
    ),
    Factor(
        slug="transport",
        words=Words("运输", "transport"),
        weight=5,
        want=lambda w: w.collects,
        listing=lambda x: x.delivered,
        points=_transport_points,
    ),
)
FACTORS: Final = (*FIT, PLACE, QUANTITY)

# One want and one listing ---------------------------------------------------------


class Score(msgspec.Struct, frozen=True):
    """What one factor gave: points of 1000, and its weight."""

    factor: str
    points: int
    weight: int


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A want and a listing that may have each other; the scores are all there is to the total."""

    want: str
    listing: str
    total: int  # of 1000
    scores: tuple[Score, ...]
    quantity: int  # what the listing can give of what is wanted

    @property
    def best_first(self) -> tuple[int, str, str]:
        """Return what matches are sorted by: the total, and ids where totals are equal."""
        return (-self.total, self.listing, self.want)


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A want and a listing that may not have each other, and every condition that failed."""

    want: str
    listing: str
    failed: tuple[str, ...]
    opens: date | None = None  # when the window of the want opens, if that is what is missing


def total(scores: Iterable[Score]) -> int:
    """Return the sum of points by weight over the sum of weights, rounded down."""
    scores = tuple(scores)
    weight = sum(score.weight for score in scores)
    return sum(score.points * score.weight for score in scores) // weight if weight else 0


def failed(want: Want, listing: Listing, terms: Terms) -> Iterator[str]:
    """Yield the slug of every condition that a pair fails."""
    for each in CONDITIONS_OF_A_MATCH:
        if not each.holds(each.want(want), each.listing(listing), terms):
            yield each.slug


def weigh(want: Want, listing: Listing, terms: Terms) -> Match | Miss:
    """Answer whether a want and a listing fit, with every score or every reason."""
    reasons = tuple(failed(want, listing, terms))
    if reasons:
        opens = None
        if "window" in reasons and listing.windows:
            tiers = tiers_of(body(want), body(listing))
            opens = screening.opens_for(listing.windows, tiers)
        return Miss(want=want.id, listing=listing.id, failed=reasons, opens=opens)
    scores = tuple(
        Score(f.slug, f.points(f.want(want), f.listing(listing), terms), terms.weight(f))
        for f in FACTORS
    )
    return Match(
        want=want.id,
        listing=listing.id,
        total=total(scores),
        scores=scores,
        quantity=min(want.quantity, listing.quantity),
    )


def rank(want: Want, listings: Iterable[Listing], terms: Terms, limit: int = 50) -> list[Match]:
    """Return what fits a want best, the best first; ties in the order of ids."""
    return _best((weigh(want, listing, terms) for listing in listings), limit)


def rank_wants(listing: Listing, wants: Iterable[Want], terms: Terms) -> list[Match]:
    """Return every want that a listing fits: by legal priority, waiting time, then fit."""
    found = []
    for want in wants:
        match = weigh(want, listing, terms)
        if isinstance(match, Match):
            found.append((want.priority, want.since or date.max, match.best_first, match))
    return [match for *_, match in sorted(found, key=lambda each: each[:3])]


def _best(weighed: Iterable[Match | Miss], limit: int) -> list[Match]:
    found = (match for match in weighed if isinstance(match, Match))
    return sorted(found, key=lambda match: match.best_first)[: min(limit, RANKED_MAX)]


# Many of both ---------------------------------------------------------------------


Each = TypeVar("Each", Listing, Want)


class Index(Generic[Each]):
    """Listings or wants by what they are, so that few of 100,000 need to be looked at.

    Nothing that fits is left out; things are put in, taken out and put in again as they change.
    """

    def __init__(self, classes: Classes | None = None, items: Iterable[Each] = ()) -> None:
        """Start with some items; the table of classes must be that of the terms."""
        self._classes = classes or Classes()
        self._items: dict[str, Each] = {}
        self._things: dict[Any, dict[str, Each]] = {}  # by class and names
        self._under: defaultdict[tuple[str, ...], dict[Any, None]] = defaultdict(dict)
        self._at: defaultdict[tuple[str, ...], dict[Any, None]] = defaultdict(dict)
        for item in items:
            self.put(item)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Each]:
        return iter(self._items.values())

    def get(self, id_: str) -> Each | None:
        """Return an item, None if it is not there."""
        return self._items.get(id_)

    def put(self, item: Each) -> None:
        """Put an item in; one of the same id is replaced."""
        self.drop(item.id)
        self._items[item.id] = item
        thing = named(item)
        if thing not in self._things:
            self._things[thing] = {}
            for code in self._codes(thing):
                self._at[code][thing] = None
                for size in range(1, len(code) + 1):
                    self._under[code[:size]][thing] = None
        self._things[thing][item.id] = item

    def drop(self, id_: str) -> None:
        """Take an item out; nothing happens when it is not there."""
        item = self._items.pop(id_, None)
        if item is None:
            return
        thing = named(item)
        del self._things[thing][id_]
        if self._things[thing]:
            return
        del self._things[thing]
        for code in self._codes(thing):
            self._at[code].pop(thing, None)
            for size in range(1, len(code) + 1):
                self._under[code[:size]].pop(thing, None)

    def _codes(self, thing: Any) -> tuple[tuple[str, ...], ...]:
        ways = self._classes.ways(*thing[0])
        return tuple(dict.fromkeys(steps(code) for _, code in ways)) or ((),)

    def things(self, other: Listing | Want) -> Iterator[Any]:
        """Yield every class and name whose class may fit that of another."""
        codes = self._codes(named(other))
        if codes == ((),):
            yield from self._things
            return
        found = dict(self._at.get((), {}))  # without a code
        for code in codes:
            found |= self._under.get(code[:-1] if len(code) > 2 else code, {})
            for size in range(2, len(code)):
                found |= self._at.get(code[:size], {})
        yield from found

    def candidates(self, other: Listing | Want, terms: Terms) -> Iterator[Each]:
        """Yield everything of a class and name that may fit; other conditions are not asked yet."""
        asked = named(other)
        for thing in self.things(other):
            if of_class(asked, thing, terms):  # points do not depend on which side is which
                yield from self._things[thing].values()

    def best(self: Index[Listing], want: Want, terms: Terms, limit: int = 50) -> list[Match]:
        """Return the listings that fit a want best."""
        return rank(want, self.candidates(want, terms), terms, limit)

    def waiting(self: Index[Want], listing: Listing, terms: Terms) -> list[Match]:
        """Return every open want that a listing fits, in the order in which they are served."""
        return rank_wants(listing, self.candidates(listing, terms), terms)
