"""What the log shows to be idle, and what a clerk answers: confirm it, or explain it (T40).

Unused for as long as the place says, under-used, over the configuration standard, come back from
an event or a temporary body, left behind by a unit that ended (内蒙古办法 第17条, 保障条例 第16条).
A finding is no entry: it is worked out of entries, for a day, as known at a position. To confirm it
is `declare_idle`, which names the entries; to explain it is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

import msgspec

from domain.asset import ON_BOOKS, Asset, Custody, Kind, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.idleness import RESTS_MAX, Finding, IdleGround, looked
from domain.policy import Policy, UnderUse
from domain.standards import Basis, Standard, binds
from domain.values import Code, Given, Text, quantity
from domain.words import Role

# What happened ----------------------------------------------------------------


class IdlenessExplained(
    Event,
    name="asset.idleness_explained",
    zh="说明{ground}情况：{reason}；至{until}不再提示",
    en="Explained why it is {ground}: {reason}; not asked again until after {until}",
):
    """#19 It shows as idle, and there is a reason to keep it: the unit says which, and how long.

    `rests_on` are the entries that showed it, by position, `policy` the version of the rules by
    which they did.
    """

    ground: IdleGround
    reason: Text
    until: date
    rests_on: tuple[int, ...] = ()
    policy: Code = ""


IdlingEvent: TypeAlias = IdlenessExplained

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: IdlingEvent) -> Asset:
    """What an event means: the finder heeds it, and no rule asks for more."""
    match event:
        case IdlenessExplained():
            return asset
        case _:
            assert_never(event)


lifecycle.part(IdlingEvent, evolve)

# What is found ------------------------------------------------------------------

RESTING: Final = frozenset({Custody.STORE, Custody.REPAIR, Custody.SEALED, Custody.TRANSIT})
USED: Final = frozenset({Custody.IN_USE, Custody.LENT, Custody.LEASED})
GIVEN_OUT: Final = frozenset({Custody.LENT, Custody.WAREHOUSE_LENT})
# What a unit keeps for itself; the rest waits for others, is in the warehouse or has left.
KEPT: Final = frozenset({*USED, *RESTING})
DECLARABLE: Final = frozenset({Custody.STORE, Custody.IN_USE})
REST_GROUNDS: Final = (
    IdleGround.DISSOLVED,
    IdleGround.RETURNED,
    IdleGround.IDLE,
    IdleGround.UNDER_USED,
)
"""Of several reasons why a thing is not used the first is told; it explains the others."""
GROUNDS: Final = (*REST_GROUNDS[:2], IdleGround.OVER_STANDARD, *REST_GROUNDS[2:])


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """From a business date on it was so; `position` is the entry that said it."""

    position: int
    since: date
    custody: Custody
    custodian: str
    unit: str  # in whose books
    borrower: str = ""
    passing: bool = False  # lent for a meeting, an event or a temporary body


class Use(msgspec.Struct, frozen=True, gc=False):
    """Others used a shared instrument for some hours."""

    position: int
    on: date
    hours: str


class Card(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One card on the books as it stood at the end of a day, and its way there, oldest first.

    `free`: no case holds it and it is not offered. `bought_for`: the list of the meeting, event or
    temporary body it was bought for, the day by which it goes home, and the entry. `shared`: since when others may use it, and
    the entry. `explained`: until when a ground is explained.
    """

    id: str
    kind: Kind
    unit: str
    custodian: str
    custody: Custody
    asset_no: str = ""
    name: str = ""
    class_code: str = ""
    value: int | None = None
    currency: str = "CNY"
    quantity: str = "1"
    free: bool = True
    listed: bool = False
    line: tuple[Stretch, ...] = ()
    uses: tuple[Use, ...] = ()
    bought_for: tuple[str, date, int] | None = None
    shared: tuple[date, int] | None = None
    explained: Mapping[IdleGround, date] = {}

    def excused(self, ground: IdleGround, on: date) -> bool:
        """Answer whether a ground is explained on a day."""
        until = self.explained.get(ground)
        return until is not None and on <= until


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit was at the end of a day; positions are of the entries that say so."""

    temporary: bool = False
    ended_on: date | None = None  # from this day on it is no more
    ended_by: int = 0
    region: str = ""
    posts: int | None = None
    posts_since: date | None = None
    posts_by: int = 0


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """One standard that limits how many, and the entry that published it."""

    id: str
    standard: Standard
    position: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the units, rules and standards were on a day."""

    bodies: Mapping[str, Body]
    policies: Mapping[str, Policy]
    caps: tuple[Cap, ...] = ()

    def body(self, unit: str) -> Body:
        return self.bodies.get(unit, NOBODY)


NOBODY: Final = Body()


def at_rest(card: Card, place: Place, on: date) -> Finding | None:
    """Return why a card shows as idle, by the first ground that holds; None where none does.

    What is explained for the first ground is explained for those that come after it.
    """
    if card.custody not in DECLARABLE or not card.free or card.listed:
        return None
    policy = place.policies[card.custodian]
    for look in (left_behind, still_out, came_back, unused, under_used):
        found = look(card, place, policy, on)
        if found is not None:
            return None if card.excused(found.ground, on) else found
    return None


def left_behind(card: Card, place: Place, policy: Policy, on: date) -> Finding | None:
    """Find what belongs to a unit that ended; of a temporary body it must be handed over."""
    for unit in dict.fromkeys((card.unit, card.custodian)):
        body = place.body(unit)
        if body.ended_on is not None and body.ended_on <= on:
            ground = IdleGround.RETURNED if body.temporary else IdleGround.DISSOLVED
            here = arrival(card.line)
            rests = (body.ended_by, *((here.position,) if here else ()))
            since = max(body.ended_on, here.since) if here else body.ended_on
            return told(card, ground, since, rests, policy, unit=unit, about=unit)
    return None


def still_out(card: Card, _: Place, policy: Policy, on: date) -> Finding | None:
    """Find what was bought for an occasion that is over: it is due in the public warehouse."""
    if card.bought_for is None or on <= card.bought_for[1]:
        return None
    case, due, position = card.bought_for
    since = due + timedelta(days=1)
    return told(card, IdleGround.RETURNED, since, (position,), policy, about=case)


def came_back(card: Card, place: Place, policy: Policy, on: date) -> Finding | None:
    """Find what came back from a meeting, an event or a temporary body and was not used since."""
    rest = resting(card.line)
    if card.custody is not Custody.STORE or not rest:
        return None
    out = lent_before(card.line, rest)
    lent = next((stretch for stretch in out if stretch.borrower), None)
    if lent is None or not (lent.passing or place.body(lent.borrower).temporary):
        return None
    begun = stored(rest)
    rests = (lent.position, begun.position)
    return told(card, IdleGround.RETURNED, begun.since, rests, policy, about=lent.borrower)


def unused(card: Card, _: Place, policy: Policy, on: date) -> Finding | None:
    """Find what nobody has used for as long as the place says."""
    rest = resting(card.line)
    if policy.idle_days is None or card.custody is not Custody.STORE or not rest:
        return None
    begun = stored(rest)
    since, rests = begun.since, [begun.position]
    for use in card.uses:
        if use.on >= since:
            since, rests = use.on, [begun.position, use.position]
    days = (on - since).days
    if days < policy.idle_days:
        return None
    limit = str(policy.idle_days)
    return told(card, IdleGround.IDLE, since, rests, policy, days=days, limit=limit)


def under_used(card: Card, _: Place, policy: Policy, on: date) -> Finding | None:
    """Find what was used too little within the time that the place looks at."""
    for rule in policy.under_use:
        start = on - timedelta(days=rule.within_days - 1)
        here = held_since(card.line)
        if (rule.kinds and card.kind not in rule.kinds) or here is None or here > start:
            continue
        look = too_few_days if rule.hours_below is None else too_few_hours
        found = look(card, policy, rule, start, on)
        if found is not None:
            return found
    return None


def too_few_days(
    card: Card, policy: Policy, rule: UnderUse, start: date, on: date
) -> Finding | None:
    """Count the days on which it was in use, lent or leased out, for a part of the day at least."""
    days, rests, counted = 0, list[int](), start
    ends = [stretch.since for stretch in card.line[1:]] + [on]
    for stretch, end in zip(card.line, ends, strict=True):
        if end >= start:
            rests.append(stretch.position)
        if stretch.custody in USED and end >= counted:
            first = max(stretch.since, counted)
            days, counted = days + (end - first).days + 1, end + timedelta(days=1)
    if rule.used_days_below is None or days >= rule.used_days_below:
        return None
    limit = str(rule.used_days_below)
    return told(
        card, IdleGround.UNDER_USED, start, rests, policy, days=days, days_of=rule.within_days,
        limit=limit,
    )  # fmt: skip


def too_few_hours(
    card: Card, policy: Policy, rule: UnderUse, start: date, on: date
) -> Finding | None:
    """Sum the hours for which others used it, if it was shared all the time."""
    if card.shared is None or card.shared[0] > start or rule.hours_below is None:
        return None
    uses = [use for use in card.uses if start <= use.on <= on]
    hours = sum((Decimal(use.hours) for use in uses), Decimal(0))
    if hours >= rule.hours_below:
        return None
    rests = (card.shared[1], *(use.position for use in uses))
    return told(
        card, IdleGround.UNDER_USED, start, rests, policy, days_of=rule.within_days,
        hours=quantity(hours), limit=str(rule.hours_below),
    )  # fmt: skip


def resting(line: Sequence[Stretch]) -> Sequence[Stretch]:
    """Return the stretches since it was last used, all with the unit that has it now."""
    if not line:
        return line
    first = len(line)
    while (
        first
        and line[first - 1].custody in RESTING
        and line[first - 1].custodian == line[-1].custodian
    ):
        first -= 1
    return line[first:]


def lent_before(line: Sequence[Stretch], rest: Sequence[Stretch]) -> Sequence[Stretch]:
    """Return the stretches in which it was lent just before its rest, the latest first."""
    end = first = len(line) - len(rest)
    while first and line[first - 1].custody in GIVEN_OUT:
        first -= 1
    return line[first:end][::-1]


def stored(rest: Sequence[Stretch]) -> Stretch:
    """Return where the rest begins: when it was first in the unit's store."""
    return next((s for s in rest if s.custody is Custody.STORE), rest[-1])


def held_since(line: Sequence[Stretch]) -> date | None:
    """Return since when it is with the unit that has it now."""
    found: date | None = None
    for stretch in reversed(line):
        if stretch.custodian != line[-1].custodian:
            break
        found = stretch.since
    return found


def arrival(line: Sequence[Stretch]) -> Stretch | None:
    """Return when it came into the books of the unit that has it in them now."""
    found: Stretch | None = None
    for stretch in reversed(line):
        if stretch.unit != line[-1].unit:
            break
        found = stretch
    return found


def beyond(cards: Iterable[Card], unit: str, place: Place, on: date) -> Iterator[Finding]:
    """Yield what a unit has more of than the configuration standards allow: standard × posts.

    `cards` are all that it keeps for itself. What is stored goes before what is used, the last that
    came first. A standard for each post finds nothing where nobody said how many posts there are.
    """
    kept = [card for card in cards if card.custody in KEPT and not card.listed]
    body, policy, told_of = place.body(unit), place.policies[unit], dict[str, Decimal]()
    for cap in place.caps:
        most = allowed(cap.standard, body)
        mine = [card for card in kept if bound(cap.standard, card, body, unit, on)]
        if most is None or not mine:
            continue
        held = sum((Decimal(card.quantity) for card in mine), Decimal(0))
        left = held - most
        for card in mine:
            if card.excused(IdleGround.OVER_STANDARD, on):
                left -= Decimal(card.quantity)
            else:
                left -= told_of.get(card.id, Decimal(0))
        for card, count in chosen(mine, left, told_of, on):
            told_of[card.id] = count
            yield too_many(card, count, cap, body, policy, held=held, most=most)


def chosen(
    cards: Iterable[Card], left: Decimal, told_of: Mapping[str, Decimal], on: date
) -> Iterator[tuple[Card, Decimal]]:
    """Yield which cards are too many, and how many things of each."""
    free = sorted(
        (
            card
            for card in cards
            if card.custody in DECLARABLE
            and card.free
            and card.id not in told_of
            and not card.excused(IdleGround.OVER_STANDARD, on)
        ),
        key=lambda c: (c.custody is not Custody.STORE, -came_on(c).toordinal(), c.id),
    )
    bigger: Card | None = None
    for card in free:
        many = Decimal(card.quantity)
        if 0 < many <= left:
            left -= many
            yield card, many
        elif bigger is None and many > 0:
            bigger = card
    if left > 0 and bigger is not None:
        yield bigger, left


def too_many(
    card: Card,
    count: Decimal,
    cap: Cap,
    body: Body,
    policy: Policy,
    *,
    held: Decimal,
    most: Decimal,
) -> Finding:
    """Return the finding that a card is beyond a standard."""
    here, standard = arrival(card.line), cap.standard
    days = [standard.in_force_from or came_on(card), came_on(card)]
    rests = [cap.position, *((here.position,) if here else ())]
    if standard.basis is Basis.POST:
        rests.append(body.posts_by)
        days += [body.posts_since] if body.posts_since else []
    return told(
        card, IdleGround.OVER_STANDARD, max(days), rests, policy, unit=card.unit,
        about=standard.title, count=quantity(count), held=quantity(held), limit=quantity(most),
    )  # fmt: skip


def allowed(standard: Standard, body: Body) -> Decimal | None:
    """Return how many a unit may have by a standard; None where that is not known."""
    if standard.quantity is None:
        return None
    if standard.basis is Basis.UNIT:
        return Decimal(standard.quantity)
    return None if body.posts is None else Decimal(standard.quantity) * body.posts


def bound(standard: Standard, card: Card, body: Body, unit: str, on: date) -> bool:
    """Answer whether a standard is about a card: one that states no class is never guessed at."""
    return binds(
        standard, on, kind=card.kind, class_code=card.class_code, unit=unit, region=body.region
    )


def came_on(card: Card) -> date:
    """Return when a card came into the books it is in."""
    here = arrival(card.line)
    return here.since if here else date.min


def told(
    card: Card,
    ground: IdleGround,
    since: date,
    rests_on: Iterable[int],
    policy: Policy,
    *,
    unit: str = "",
    about: str = "",
    count: str = "",
    days: int | None = None,
    days_of: int | None = None,
    hours: str | None = None,
    limit: str | None = None,
    held: str | None = None,
) -> Finding:
    """Return a finding about a card."""
    return Finding(
        asset=card.id,
        ground=ground,
        since=since,
        rests_on=tuple(sorted({one for one in rests_on if one}))[-RESTS_MAX:],
        policy=policy.reference,
        unit=unit or card.custodian,
        asset_no=card.asset_no,
        name=card.name,
        kind=card.kind,
        class_code=card.class_code,
        custody=card.custody,
        value=card.value,
        currency=card.currency,
        quantity=card.quantity,
        count=count or card.quantity,
        about=about,
        days=days,
        days_of=days_of,
        hours=hours,
        limit=limit,
        held=held,
    )


def found(cards: Iterable[Card], place: Place, on: date) -> tuple[Finding, ...]:
    """Return everything that shows as idle on a day, in the order of unit, ground and number."""
    every, by_unit = list[Finding](), dict[str, list[Card]]()
    for card in cards:
        one = at_rest(card, place, on)
        if one is not None:
            every.append(one)
        if place.caps:
            by_unit.setdefault(card.unit, []).append(card)
    for unit, mine in by_unit.items():
        every += beyond(mine, unit, place, on)
    return ordered(every)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of unit, ground, number and id."""
    return tuple(
        sorted(findings, key=lambda f: (f.unit, GROUNDS.index(f.ground), f.asset_no, f.asset))
    )


# What may be asked ------------------------------------------------------------

AHEAD = Rule(
    slug="explained-too-short",
    zh="不再提示的期限 {until} 须晚于业务日期 {on}。",
    en="The last day {until} on which it is not asked again must be after the business date {on}.",
)
SOMETHING_FOUND = Rule(
    slug="nothing-to-explain",
    zh="账本中没有显示该资产{ground}，无须说明。",
    en="The log does not show the asset as {ground}; there is nothing to explain.",
)


@lifecycle.verb(ON_BOOKS, zh="说明闲置情况", en="Explain idleness", roles=(Role.CLERK, Role.OFFICE))
def explain_idleness(
    _: Asset, occasion: Occasion, *, ground: IdleGround, reason: Given, until: date
) -> IdlenessExplained:
    """Say why a thing that shows as idle is kept, and until when it need not be asked again."""
    if until <= occasion.on:
        raise AHEAD.broken(until=until, on=occasion.on)
    told_ = looked(occasion.seen, occasion.stream, ground)
    if told_ is not None and told_.found is None:
        raise SOMETHING_FOUND.broken(ground=ground)
    shown = told_.found if told_ else None
    return IdlenessExplained(
        ground=ground,
        reason=reason,
        until=until,
        rests_on=shown.rests_on if shown else (),
        policy=shown.policy if shown else "",
    )
