"""More than a unit may have: what a case brings it, held to the standards and the quota (T49).

Reallocation and exchange ask this when they are put forward, when their list is corrected and when
they are approved. What the unit has and which standards bind it, the lists answer (`searching`);
nobody types it. What is beyond is refused or flagged, as the policy says (国令738 第8条).

A kind of case has the fields `beyond` and `posts`, calls `held_to_standards`, and records what
`judged` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain import kinds
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.policy import Beyond
from domain.searching import Limit, Receipt, Thing, of_class
from domain.values import Code, Fen, Quantity, Text, UnitId, quantity, yuan
from domain.words import Term

Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]


class Excess(Term):
    """What a case would take a unit beyond."""

    STANDARD = "standard", "超配置标准", "over the configuration standard"
    QUOTA = "quota", "超公务用车编制", "beyond the vehicle quota"


class Takes(msgspec.Struct, frozen=True):
    """What a step brings a unit, and what it takes from it: ids of assets.

    `things` have no card yet: a want says only of what kind and class they are.
    """

    unit: str
    coming: tuple[str, ...]
    going: tuple[str, ...] = ()
    things: tuple[Thing, ...] = ()
    judged_by: str = ""  # the kind of the case of the same id that judges it; empty: the one asked


# What happened ----------------------------------------------------------------


class PostsStated(
    Event,
    name="case.posts_stated",
    zh="{unit}编制内岗位{posts}个",
    en="{unit} has {posts} posts",
):
    """How many posts the unit has for which things are asked; a standard may be for each post."""

    unit: UnitId
    posts: Count


class BeyondStandard(
    Event,
    name="case.beyond_standard",
    zh="提示：{unit}将超配置标准《{title}》（现有{held}，办理后{wanted}，上限{cap}；"
    "最高单价{unit_price}，上限{price_cap}；截至账本第{position}条）",
    en="Warning: {unit} would be over the standard “{title}” ({held} now, {wanted} afterwards, {cap}"
    " allowed; dearest {unit_price}, {price_cap} allowed; at position {position} of the log)",
    warns=True,
):
    """What the unit would have is more, or a thing is dearer, than the standard allows; in fen.

    None says that the standard sets no such limit, or that no card states its value.
    """

    unit: UnitId
    standard: Code
    title: Text
    held: Quantity
    wanted: Quantity
    position: int
    cap: Quantity | None = None
    unit_price: Fen | None = None
    price_cap: Fen | None = None


class BeyondQuota(
    Event,
    name="case.beyond_quota",
    zh="提示：{unit}将超公务用车编制（编制{places}辆，办理后{count}辆）",
    en="Warning: {unit} would be beyond its vehicle quota ({places} allowed, {count} afterwards)",
    warns=True,
):
    """There would be more vehicles than places."""

    unit: UnitId
    places: int
    count: int


ExcessEvent: TypeAlias = PostsStated | BeyondStandard | BeyondQuota

# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)
TAKERS: dict[str, Callable[[Any, str, Mapping[str, Any]], tuple[Takes, ...]]] = {}
"""By kind of case: what a step with a form brings to which unit; nothing for any other step."""


def evolve(case: C, event: ExcessEvent) -> C:
    """What an event means for any case: a state with the fields `beyond` and `posts`."""
    match event:
        case PostsStated(unit=unit, posts=posts):
            return replace(case, posts={**case.posts, unit: posts})
        case BeyondStandard():
            return replace(case, beyond=case.beyond | {Excess.STANDARD})
        case BeyondQuota():
            return replace(case, beyond=case.beyond | {Excess.QUOTA})
        case _:
            assert_never(event)


def told(case: Any, lang: Lang) -> str:
    """Say beyond what a case would take a unit; nothing when it would not."""
    if not case.beyond:
        return ""
    said = [excess.words for excess in Excess if excess in case.beyond]
    if lang == "zh":
        return "；注意：" + "、".join(words.zh for words in said)
    return "; note: " + ", ".join(words.en for words in said)


def held_to_standards(
    lifecycle: Lifecycle[Any],
    takes: Callable[[Any, str, Mapping[str, Any]], tuple[Takes, ...]],
) -> None:
    """Hold what a kind of case brings a unit to its standards and its quota of vehicles."""
    lifecycle.part(ExcessEvent, evolve)
    lifecycle.verb(zh="提示超编", en="Flag the quota", inner=True)(flag_quota)
    TAKERS[lifecycle.kind] = takes


def ids(said: object) -> tuple[str, ...]:
    """Return the ids that a form gives in a field; it was not checked yet, so it may be anything."""
    return (
        tuple(one for one in said if isinstance(one, str)) if isinstance(said, list | tuple) else ()
    )


def named(form: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return the ids that a form gives in a field of it."""
    return ids(form.get(field))


def corrected_list(before: frozenset[str], add: object, remove: object) -> tuple[str, ...]:
    """Return what a list will be when a resubmission adds to it and takes from it."""
    return tuple(sorted(before.difference(ids(remove)).union(ids(add))))


# What may be asked ------------------------------------------------------------

WITHIN_STANDARD = Rule(
    slug="taker-over-standard",
    zh="{unit}将超配置标准《{title}》：现有 {held}，办理后 {wanted}，上限 {cap}；最高单价 {unit_price} 元，"
    "上限 {price_cap} 元。按{policy}不予受理。",
    en="{unit} would be over the standard “{title}”: {held} now, {wanted} afterwards, {cap} allowed;"
    " dearest {unit_price} yuan, {price_cap} allowed. By {policy} it is refused.",
    law="《行政事业性国有资产管理条例》第8条",
)
POSTS_STATED = Rule(
    slug="taker-posts-not-stated",
    zh="配置标准《{title}》按岗位核定，请填写{unit}的岗位数。",
    en="The standard “{title}” is for each post: say how many posts {unit} has.",
    law="《行政事业性国有资产管理条例》第8条",
)


def judged(
    occasion: Occasion, unit: str, posts: Mapping[str, int], sorts: Iterable[str] = ()
) -> tuple[Event | Ask, ...]:
    """Return the flags of what a case brings a unit, and what is asked of its vehicle quota.

    Refuse instead where the rules of the place refuse what is beyond. `sorts` are the kinds of what
    comes, for a rule tried out or an import: there nobody asked the lists.
    """
    receipt = next(
        (
            seen
            for seen in occasion.seen
            if isinstance(seen, Receipt) and (seen.case, seen.unit) == (occasion.stream, unit)
        ),
        None,
    )
    if receipt is None:
        return kinds.room_for(occasion, unit, sorts, ())
    room = kinds.room_for(
        occasion,
        unit,
        (thing.kind for thing in receipt.coming),
        (thing.kind for thing in receipt.going),
    )
    flags = (over(occasion, receipt, kind, one, posts) for kind, one in receipt.limits)
    return (*(flag for flag in flags if flag), *room)


def over(
    occasion: Occasion, receipt: Receipt, kind: str, limit: Limit, posts: Mapping[str, int]
) -> BeyondStandard | None:
    """Return by how much a unit would be over one standard; None when it would not."""
    new = tuple(under(receipt.coming, kind, limit))
    held, unit = Decimal(limit.held), receipt.unit
    wanted = held + counted(new) - counted(under(receipt.going, kind, limit))
    cap = None if limit.cap is None else Decimal(limit.cap)
    if cap is not None and limit.each_post:
        if unit not in posts:
            raise POSTS_STATED.broken(title=limit.title, unit=unit)
        cap *= posts[unit]
    dearest = max((price for thing in new if (price := each(thing)) is not None), default=None)
    dear = None not in (limit.price_cap, dearest) and (dearest or 0) > (limit.price_cap or 0)
    # A unit that has too many already and gets none more is not taken further beyond.
    many = cap is not None and wanted > cap and wanted > held
    if not many and not dear:
        return None
    flag = BeyondStandard(
        unit=unit,
        standard=limit.standard,
        title=limit.title,
        held=limit.held,
        wanted=quantity(wanted),
        position=receipt.position,
        cap=None if cap is None else quantity(cap),
        unit_price=dearest,
        price_cap=limit.price_cap,
    )
    if occasion.policy.over_standard is Beyond.REFUSE:
        raise WITHIN_STANDARD.broken(
            unit=unit,
            title=flag.title,
            held=flag.held,
            wanted=flag.wanted,
            cap=flag.cap,
            unit_price=None if dearest is None else yuan(dearest),
            price_cap=None if limit.price_cap is None else yuan(limit.price_cap),
            policy=occasion.policy.reference,
        )
    return flag


def under(things: Iterable[Thing], kind: str, limit: Limit) -> Iterator[Thing]:
    """Yield the things a standard is about."""
    for thing in things:
        if thing.kind == kind and of_class(thing.class_code, limit.class_code):
            yield thing


def counted(things: Iterable[Thing]) -> Decimal:
    """Return how many they are: a card may be of several."""
    return sum((Decimal(thing.quantity) for thing in things), Decimal(0))


def each(thing: Thing) -> int | None:
    """Return what one of a card's things is worth in fen, rounded up; None when it is not stated."""
    many = Decimal(thing.quantity)
    if thing.value is None or many <= 0:
        return None
    return int(-(-Decimal(thing.value) // many)) if many > 1 else thing.value


def kinds_of(occasion: Occasion) -> tuple[str, ...]:
    """Return the kinds of the cards that a form lists."""
    return tuple(card.kind for card in occasion.listed)


def stated(unit: str, posts: int | None) -> tuple[PostsStated, ...]:
    """Return how many posts a unit says it has, as a fact; none when it does not say."""
    return () if posts is None else (PostsStated(unit=unit, posts=posts),)


def flag_quota(_: Any, __: Occasion, *, unit: UnitId, places: int, count: int) -> BeyondQuota:
    """Note that a unit would have more vehicles than places."""
    return BeyondQuota(unit=unit, places=places, count=count)
