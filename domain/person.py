"""A person in office: which roles they hold in which unit from when to when, and for whom they act.

A stream `person/<id>` says this of one pseudonymous id; what a person is called is kept outside
the log, where it can be erased. Powers are days, not moments: from `since` to `until`, both
included. A delegation is written on both sides in one act, so that either tells all about itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import unit as units
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Given, PersonId, Text, UnitId
from domain.words import Role, Words

ALWAYS = date.max
# Whoever watches or keeps the system does nothing else, and nobody does it in their stead.
INDEPENDENT = frozenset({Role.AUDITOR, Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN, Role.IMPORTER})
GRANTERS = (Role.ADMIN, Role.SECURITY)
PROPOSALS_MAX = 20  # that wait for one person
POWERS_MAX = 200  # of one person, past and present; more is a mistake or a program


class Power(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A role in a unit for some days; `delegator` is whose it is when it was delegated."""

    unit: str
    role: Role
    since: date
    until: date | None = None
    delegator: str = ""

    def runs(self, on: date) -> bool:
        """Answer whether it may be used on a day."""
        return self.since <= on <= (self.until or ALWAYS)

    def meets(self, since: date, until: date | None) -> bool:
        """Answer whether it may be used on any of these days."""
        return self.since <= (until or ALWAYS) and since <= (self.until or ALWAYS)

    def covers(self, since: date, until: date | None) -> bool:
        """Answer whether it may be used on all of these days."""
        return self.since <= since and (until or ALWAYS) <= (self.until or ALWAYS)


class Delegated(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A power that somebody else may use in this person's stead."""

    delegate: str
    unit: str
    role: Role
    since: date
    until: date


class Proposed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A role that somebody proposed and another person has not confirmed yet."""

    unit: str
    role: Role
    since: date
    until: date | None = None
    proposer: str = ""


class Named(msgspec.Struct, frozen=True):
    """What the directory answers of a person; nobody types it (`Occasion.seen`)."""

    person: str
    commitment: str  # HMAC-SHA-256 under a random key that lies beside the name: 64 digits


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one person may do, and what others may do in their stead.

    `name` is the commitment to what they are called: the name itself is kept outside the log.
    """

    powers: tuple[Power, ...] = ()
    delegated: tuple[Delegated, ...] = ()
    proposed: tuple[Proposed, ...] = ()
    name: str = ""

    def describe(self, lang: Lang) -> str:
        """Say how many powers there are; the list says which."""
        own = sum(not p.delegator for p in self.powers)
        counts = (own, len(self.powers) - own, len(self.delegated))
        if lang == "zh":
            return "此人任岗位{}项，受托代行{}项，委托他人{}项".format(*counts)
        return "This person has {} roles, acts for others in {}, delegated {}".format(*counts)

    def powers_on(self, on: date) -> tuple[Power, ...]:
        """Return what the person may do on a day, their own roles first."""
        running = [power for power in self.powers if power.runs(on)]
        return tuple(sorted(running, key=lambda p: (p.delegator, p.unit, p.role)))

    def may(self, on: date, unit: str, role: str, behalf: str = "") -> bool:
        """Answer whether the person may act in a role of a unit on a day, for `behalf` if any."""
        return any(
            (power.unit, power.role, power.delegator) == (unit, role, behalf)
            for power in self.powers_on(on)
        )


lifecycle: Lifecycle[Person] = Lifecycle("person", Person, Words("人员", "Person"))

# What happened ----------------------------------------------------------------


class NameBound(
    Event,
    name="person.name_bound",
    zh="登记姓名：账内只记承诺值{commitment}",
    en="Was named; the log holds only a commitment, {commitment}",
):
    """Whoever is shown name and key can check both; once they are erased, nobody can guess."""

    commitment: str


class RoleAssigned(
    Event,
    name="person.role_assigned",
    zh="在{unit}任{post}，自{since}至{until}",
    en="Became {post} of {unit} from {since} to {until}",
):
    """The person has the role in the unit; without `until`, for as long as nobody ends it."""

    unit: UnitId
    post: Role
    since: date
    until: date | None = None


class RoleProposed(
    Event,
    name="person.role_proposed",
    zh="{proposer}提名在{unit}任{post}，自{since}至{until}，待另一人确认",
    en="{proposer} proposed this person as {post} of {unit} from {since} to {until}; another person"
    " confirms it",
):
    """The person does not have the role yet: another confirms it first."""

    unit: UnitId
    post: Role
    since: date
    proposer: PersonId
    until: date | None = None


class RoleDeclined(
    Event,
    name="person.role_declined",
    zh="不同意在{unit}任{post}：{reason}",
    en="Was not confirmed as {post} of {unit}: {reason}",
):
    """What was proposed does not come about."""

    unit: UnitId
    post: Role
    reason: Text


class RoleEnded(
    Event,
    name="person.role_ended",
    zh="不再任{unit}的{post}，最后一日为{until}：{reason}",
    en="Ceased to be {post} of {unit}, last day {until}: {reason}",
):
    """The person has the role no longer; `until` is the last day on which they had it."""

    unit: UnitId
    post: Role
    until: date
    reason: Text


class PowersDelegated(
    Event,
    name="person.powers_delegated",
    zh="委托{delegate}代行{unit}{post}职责，自{since}至{until}：{reason}",
    en="{delegate} may act as {post} of {unit} in this person's stead, {since} to {until}: {reason}",
):
    """Somebody else may use the power; the person may still use it, too."""

    delegate: PersonId
    unit: UnitId
    post: Role
    since: date
    until: date
    reason: Text


class PowersReceived(
    Event,
    name="person.powers_received",
    zh="受{delegator}委托代行{unit}{post}职责，自{since}至{until}",
    en="May act as {post} of {unit} for {delegator}, {since} to {until}",
):
    """The other side of a delegation."""

    delegator: PersonId
    unit: UnitId
    post: Role
    since: date
    until: date


class DelegationRevoked(
    Event,
    name="person.delegation_revoked",
    zh="撤销对{delegate}代行{unit}{post}的委托，最后一日为{until}：{reason}",
    en="{delegate} may no longer act as {post} of {unit}, last day {until}: {reason}",
):
    """The delegation ends before its day, or never begins."""

    delegate: PersonId
    unit: UnitId
    post: Role
    until: date
    reason: Text


class PowersLapsed(
    Event,
    name="person.powers_lapsed",
    zh="不再代{delegator}行使{unit}{post}职责，最后一日为{until}",
    en="No longer acts as {post} of {unit} for {delegator}, last day {until}",
):
    """The other side of a revocation, or the delegator's own role ended."""

    delegator: PersonId
    unit: UnitId
    post: Role
    until: date


PersonEvent: TypeAlias = (
    NameBound
    | RoleAssigned
    | RoleProposed
    | RoleDeclined
    | RoleEnded
    | PowersDelegated
    | PowersReceived
    | DelegationRevoked
    | PowersLapsed
)

# Where that leaves us ---------------------------------------------------------


def evolve(person: Person, event: PersonEvent) -> Person:
    """What an event means. Never refuses: it already happened."""
    match event:
        case NameBound(commitment=commitment):
            return replace(person, name=commitment)
        case RoleAssigned(unit=unit, post=role, since=since, until=until):
            power = Power(unit=unit, role=role, since=since, until=until)
            waiting = without(person.proposed, unit, role)
            return replace(person, powers=(*person.powers, power), proposed=waiting)
        case RoleProposed(unit=unit, post=role, since=since, until=until, proposer=by):
            one = Proposed(unit=unit, role=role, since=since, until=until, proposer=by)
            return replace(person, proposed=(*without(person.proposed, unit, role), one))
        case RoleDeclined(unit=unit, post=role):
            return replace(person, proposed=without(person.proposed, unit, role))
        case RoleEnded(unit=unit, post=role, until=until):
            mine = ("", unit, role)
            given = tuple(d for d in ended(person, unit, role, until) if d.since <= d.until)
            return replace(person, powers=cut(person.powers, mine, until), delegated=given)
        case PowersDelegated(delegate=delegate, unit=unit, post=role, since=since, until=until):
            given_ = Delegated(delegate=delegate, unit=unit, role=role, since=since, until=until)
            return replace(person, delegated=(*person.delegated, given_))
        case PowersReceived(delegator=other, unit=unit, post=role, since=since, until=until):
            power = Power(unit=unit, role=role, since=since, until=until, delegator=other)
            return replace(person, powers=(*person.powers, power))
        case DelegationRevoked(delegate=delegate, unit=unit, post=role, until=until):
            kept = tuple(
                d for d in ended(person, unit, role, until, delegate) if d.since <= d.until
            )
            return replace(person, delegated=kept)
        case PowersLapsed(delegator=other, unit=unit, post=role, until=until):
            return replace(person, powers=cut(person.powers, (other, unit, role), until))
        case _:
            assert_never(event)


def without(proposed: tuple[Proposed, ...], unit: str, role: Role) -> tuple[Proposed, ...]:
    """Return what is proposed, without a role of a unit."""
    return tuple(p for p in proposed if (p.unit, p.role) != (unit, role))


def cut(powers: tuple[Power, ...], which: tuple[str, str, Role], until: date) -> tuple[Power, ...]:
    """Return powers of which those of (delegator, unit, role) end by a day."""
    kept = (
        replace(p, until=min(until, p.until or ALWAYS))
        if (p.delegator, p.unit, p.role) == which
        else p
        for p in powers
    )
    return tuple(p for p in kept if p.since <= (p.until or ALWAYS))


def ended(
    person: Person, unit: str, role: Role, until: date, delegate: str = ""
) -> Iterator[Delegated]:
    """Yield what is delegated, where that of a role (to a delegate, or to all) ends by a day."""
    for one in person.delegated:
        meant = (one.unit, one.role) == (unit, role) and delegate in ("", one.delegate)
        yield replace(one, until=min(until, one.until)) if meant else one


lifecycle.part(PersonEvent, evolve)

# What may be asked ------------------------------------------------------------

OTHERS_ROLE = Rule(
    slug="own-role",
    zh="不能给自己安排岗位；请由另一名系统管理员办理。",
    en="Nobody assigns roles to themselves; another administrator must do it.",
    law="《行政事业性国有资产管理条例》第51条",
)
IN_ORDER = Rule(
    slug="days-out-of-order",
    zh="起始日期 {since} 不得早于业务日期，截止日期 {until} 不得早于起始日期。",
    en="It begins on {since}, not before the business date, and ends on {until}, not before it"
    " begins.",
)
NOT_TWICE = Rule(
    slug="role-held-already",
    zh="此人在这段时间内已有该岗位。",
    en="The person has this role on some of these days already.",
)
INDEPENDENT_ALONE = Rule(
    slug="role-stands-alone",
    zh="审计、系统管理员、安全管理员、审计管理员和数据导入须与其他岗位分设，同一人不得兼任或代行。",
    en="Auditors, system, security and audit administrators and importers hold no other role, nor"
    " act for others.",
    law="《行政事业性国有资产管理条例》第51条",
)
HAS_ROLE = Rule(
    slug="role-not-held",
    zh="此人没有{unit}的该岗位（{role}），或已经期满。",
    en="The person does not have this role ({role}) of {unit}, or it has ended.",
)
OWN_POWERS = Rule(
    slug="not-own-powers",
    zh="只有本人能委托自己的职责；撤销委托也可由系统管理员办理。",
    en="Only the holder delegates their powers; an administrator may revoke a delegation.",
)
NOT_ONWARDS = Rule(
    slug="delegated-onwards",
    zh="受托代行的职责不得再转委托。",
    en="What was delegated is not delegated onwards.",
)
DELEGABLE = Rule(
    slug="role-not-delegable",
    zh="审计、各类管理员和数据导入的职责不得委托他人。",
    en="The powers of auditors, administrators and importers are not delegated.",
    law="《行政事业性国有资产管理条例》第51条",
)
WHILE_HELD = Rule(
    slug="delegated-beyond-own",
    zh="{since} 至 {until} 之间您没有始终担任{unit}的{role}，不能委托。",
    en="You are not {role} of {unit} on all days from {since} to {until}; it cannot be delegated.",
)
ANOTHER_PERSON = Rule(
    slug="delegated-to-oneself",
    zh="不能委托给自己。",
    en="Nobody delegates to themselves.",
)
IN_OFFICE = Rule(
    slug="delegate-without-role",
    zh="受托人在 {since} 至 {until} 期间须有自己的岗位；请先由系统管理员安排。",
    en="A delegate has a role of their own from {since} to {until}; have it assigned first.",
)
IS_DELEGATED = Rule(
    slug="not-delegated",
    zh="没有委托给 {delegate} 的这项职责。",
    en="This is not delegated to {delegate}.",
)
NOT_TOO_MANY = Rule(
    slug="too-many-powers",
    zh="一人的岗位和代行职责至多 {most} 项。",
    en="One person has at most {most} roles and delegations.",
)
IN_POST = Rule(
    slug="not-in-post",
    zh="您在 {on} 不担任{unit}的{role}，不能以此岗位办理；请换用当日有效的岗位或业务日期。",
    en="You were not {role} of {unit} on {on} and cannot act as such; use a role and a business"
    " date that fit.",
    law="《行政事业性国有资产管理条例》第51条",
)


NAME_KNOWN = Rule(
    slug="name-not-known",
    zh="人员名册中没有此人的姓名，或已删除；请先由管理账号的人填写。",
    en="The directory does not know what this person is called, or it was erased; whoever keeps"
    " the log-ins says it first.",
)
NAME_NEW = Rule(
    slug="name-bound-already",
    zh="此人的姓名已登记，没有变化。",
    en="This name is recorded already and has not changed.",
)


@lifecycle.verb(zh="登记姓名", en="Record the name", roles=(Role.ADMIN,))
def record_name(person: Person, occasion: Occasion) -> NameBound:
    """Bind what the directory calls the person now, without writing it into the log."""
    me = occasion.stream.removeprefix("person/")
    found = [n.commitment for n in occasion.seen if isinstance(n, Named) and n.person == me]
    if not found:
        raise NAME_KNOWN.broken()
    if found[0] == person.name:
        raise NAME_NEW.broken()
    return NameBound(commitment=found[0])


GRANTS_APART = Rule(
    slug="grants-are-security",
    zh="按现行规则三员分设：岗位授权由安全管理员办理，系统管理员不得办理。",
    en="By the rules in force the administrators are apart: grants are the security administrator's,"
    " not the system administrator's.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda _, occasion: (
        not occasion.policy.administrators_apart or occasion.role != Role.ADMIN
    ),
)
CONFIRMED_BY_ANOTHER = Rule(
    slug="role-needs-two",
    zh="按现行规则，{role} 须由两人办理：请先“提名岗位”，再由另一人“确认提名”。",
    en="By the rules in force {role} takes two persons: propose it, and have another person confirm"
    " it.",
    law="《行政事业性国有资产管理条例》第51条",
)
IS_PROPOSED = Rule(
    slug="role-not-proposed",
    zh="没有待确认的提名：{unit}的{role}。",
    en="Nobody is proposed as {role} of {unit}.",
)
ANOTHER_CONFIRMS = Rule(
    slug="own-proposal",
    zh="提名人和被提名人都不能确认；请由另一人确认。",
    en="Neither who proposed it nor who gets it confirms it; another person does.",
    law="《行政事业性国有资产管理条例》第51条",
)
NOT_EXPIRED = Rule(
    slug="proposal-over",
    zh="提名的截止日期 {until} 已过；请重新提名。",
    en="What was proposed ended on {until}; propose it anew.",
)


@lifecycle.verb(GRANTS_APART, zh="安排岗位", en="Assign a role", roles=GRANTERS)
def assign(
    person: Person,
    occasion: Occasion,
    *,
    unit: UnitId,
    post: Role,
    since: date | None = None,
    until: date | None = None,
) -> tuple[Event | Ask, ...]:
    """Give the person a role in a unit, from the business date unless a later day is said."""
    begins = since or occasion.on
    if begins < occasion.on or (until is not None and until < begins):
        raise IN_ORDER.broken(since=begins, until=until)
    if post in occasion.policy.confirmed_roles:
        raise CONFIRMED_BY_ANOTHER.broken(role=post)
    refuse_grant(person, occasion, post, unit, begins, until)
    return (
        RoleAssigned(unit=unit, post=post, since=begins, until=until),
        Ask(f"unit/{unit}", "employ", {}),
    )


def refuse_grant(
    person: Person, occasion: Occasion, post: Role, unit: str, begins: date, until: date | None
) -> None:
    """Refuse a role that the person cannot get on these days; raise Refused."""
    if occasion.stream == f"person/{occasion.by}" and (person.powers or post != occasion.role):
        raise OTHERS_ROLE.broken()  # the first administrator writes down what they are
    own = [p for p in person.powers if p.meets(begins, until)]
    if any((p.unit, p.role, p.delegator) == (unit, post, "") for p in own):
        raise NOT_TWICE.broken()
    if any(post != p.role and {post, p.role} & INDEPENDENT for p in own):
        raise INDEPENDENT_ALONE.broken()
    room(person)


@lifecycle.verb(GRANTS_APART, zh="提名岗位", en="Propose a role", roles=GRANTERS)
def propose_role(
    person: Person,
    occasion: Occasion,
    *,
    unit: UnitId,
    post: Role,
    since: date | None = None,
    until: date | None = None,
) -> tuple[Event | Ask, ...]:
    """Propose the person for a role in a unit; it is in force when another person confirms it."""
    begins = since or occasion.on
    if begins < occasion.on or (until is not None and until < begins):
        raise IN_ORDER.broken(since=begins, until=until)
    if occasion.stream == f"person/{occasion.by}":
        raise OTHERS_ROLE.broken()
    refuse_grant(person, occasion, post, unit, begins, until)
    if len(without(person.proposed, unit, post)) >= PROPOSALS_MAX:
        raise NOT_TOO_MANY.broken(most=PROPOSALS_MAX)
    return (
        RoleProposed(unit=unit, post=post, since=begins, until=until, proposer=occasion.by),
        Ask(f"unit/{unit}", "employ", {}),
    )


CONFIRMERS = (*GRANTERS, Role.HEAD)


@lifecycle.verb(GRANTS_APART, zh="确认提名", en="Confirm a role", roles=CONFIRMERS)
def confirm_role(
    person: Person, occasion: Occasion, *, unit: UnitId, post: Role
) -> tuple[Event | Ask, ...]:
    """Confirm what another person proposed: the role is held from today or the day proposed."""
    waiting = awaited(person, unit, post)
    me = occasion.stream.removeprefix("person/")
    if occasion.by in (waiting.proposer, me):
        raise ANOTHER_CONFIRMS.broken()
    begins = max(waiting.since, occasion.on)
    if waiting.until is not None and waiting.until < begins:
        raise NOT_EXPIRED.broken(until=waiting.until)
    refuse_grant(person, occasion, post, unit, begins, waiting.until)
    return (
        RoleAssigned(unit=unit, post=post, since=begins, until=waiting.until),
        Ask(f"unit/{unit}", "employ", {}),
    )


@lifecycle.verb(GRANTS_APART, zh="不同意提名", en="Decline a role", roles=CONFIRMERS)
def decline_role(
    person: Person, _: Occasion, *, unit: UnitId, post: Role, reason: Given
) -> RoleDeclined:
    """Let a proposed role not come about; who proposed it may take it back so."""
    awaited(person, unit, post)
    return RoleDeclined(unit=unit, post=post, reason=reason)


def awaited(person: Person, unit: str, post: Role) -> Proposed:
    """Return what was proposed; raise Refused where nothing was."""
    for one in person.proposed:
        if (one.unit, one.role) == (unit, post):
            return one
    raise IS_PROPOSED.broken(unit=unit, role=post)


@lifecycle.verb(GRANTS_APART, zh="免去岗位", en="End a role", roles=GRANTERS)
def end_role(
    person: Person,
    occasion: Occasion,
    *,
    unit: UnitId,
    post: Role,
    reason: Given,
    until: date | None = None,
) -> tuple[Event | Ask, ...]:
    """End a role: at once unless a last day is said; what was delegated of it ends as well."""
    last = ends(occasion, until)
    if not any(
        (p.unit, p.role, p.delegator) == (unit, post, "") and (p.until or ALWAYS) > last
        for p in person.powers
    ):
        raise HAS_ROLE.broken(unit=unit, role=post)
    me = occasion.stream.removeprefix("person/")
    form = {"delegator": me, "unit": unit, "post": post, "until": last}
    losers = {d.delegate for d in person.delegated if (d.unit, d.role) == (unit, post)}
    return (
        RoleEnded(unit=unit, post=post, until=last, reason=reason),
        *(Ask(f"person/{one}", "lose_powers", form) for one in sorted(losers)),
    )


@lifecycle.verb(zh="委托代行", en="Delegate powers", roles=sorted(set(Role) - INDEPENDENT))
def delegate(
    person: Person,
    occasion: Occasion,
    *,
    delegate: PersonId,
    unit: UnitId,
    post: Role,
    until: date,
    reason: Given,
    since: date | None = None,
) -> tuple[PowersDelegated, Ask]:
    """Let a colleague act in your stead until a day; you stay responsible, and both are named."""
    begins = since or occasion.on
    if begins < occasion.on or until < begins:
        raise IN_ORDER.broken(since=begins, until=until)
    me = occasion.stream.removeprefix("person/")
    if occasion.behalf:
        raise NOT_ONWARDS.broken()
    if me != occasion.by:
        raise OWN_POWERS.broken()
    if post in INDEPENDENT:
        raise DELEGABLE.broken()
    if delegate == me:
        raise ANOTHER_PERSON.broken()
    held = [p for p in person.powers if (p.unit, p.role) == (unit, post) and p.meets(begins, until)]
    if not any(not p.delegator and p.covers(begins, until) for p in held):
        if any(p.delegator for p in held):
            raise NOT_ONWARDS.broken()
        raise WHILE_HELD.broken(unit=unit, role=post, since=begins, until=until)
    if len(person.delegated) >= POWERS_MAX:
        raise NOT_TOO_MANY.broken(most=POWERS_MAX)
    form = {"delegator": me, "unit": unit, "post": post, "since": begins, "until": until}
    return (
        PowersDelegated(
            delegate=delegate, unit=unit, post=post, since=begins, until=until, reason=reason
        ),
        Ask(f"person/{delegate}", "receive_powers", form),
    )


@lifecycle.verb(zh="撤销委托", en="Revoke a delegation")
def revoke(
    person: Person,
    occasion: Occasion,
    *,
    delegate: PersonId,
    unit: UnitId,
    post: Role,
    reason: Given,
    until: date | None = None,
) -> tuple[DelegationRevoked, Ask]:
    """End a delegation: at once unless a last day is said."""
    me = occasion.stream.removeprefix("person/")
    if occasion.role not in GRANTERS and (me != occasion.by or occasion.behalf):
        raise OWN_POWERS.broken()
    last = ends(occasion, until)
    if not any(
        (d.delegate, d.unit, d.role) == (delegate, unit, post) and d.until > last
        for d in person.delegated
    ):
        raise IS_DELEGATED.broken(delegate=delegate)
    form = {"delegator": me, "unit": unit, "post": post, "until": last}
    return (
        DelegationRevoked(delegate=delegate, unit=unit, post=post, until=last, reason=reason),
        Ask(f"person/{delegate}", "lose_powers", form),
    )


@lifecycle.verb(zh="受托代行", en="Receive powers", inner=True)
def receive_powers(
    person: Person,
    _: Occasion,
    *,
    delegator: PersonId,
    unit: UnitId,
    post: Role,
    since: date,
    until: date,
) -> PowersReceived:
    """Take over powers for some days; somebody without a role of their own cannot."""
    if any(p.role in INDEPENDENT and p.meets(since, until) for p in person.powers):
        raise INDEPENDENT_ALONE.broken()
    if not any(not p.delegator and p.covers(since, until) for p in person.powers):
        raise IN_OFFICE.broken(since=since, until=until)
    mine = (p for p in person.powers if (p.delegator, p.unit, p.role) == (delegator, unit, post))
    if any(p.meets(since, until) for p in mine):
        raise NOT_TWICE.broken()
    room(person)
    return PowersReceived(delegator=delegator, unit=unit, post=post, since=since, until=until)


@lifecycle.verb(zh="停止代行", en="Lose powers", inner=True)
def lose_powers(
    _: Person, __: Occasion, *, delegator: PersonId, unit: UnitId, post: Role, until: date
) -> PowersLapsed:
    """Act for the delegator no longer."""
    return PowersLapsed(delegator=delegator, unit=unit, post=post, until=until)


@units.lifecycle.verb(units.EXISTS, zh="任用", en="Employ", inner=True)
def employ(_: units.Unit, __: Occasion) -> tuple[Event, ...]:
    """Answer that the unit exists: nobody has a role in one that does not."""
    return ()


def ends(occasion: Occasion, until: date | None) -> date:
    """Return the last day: the day before the business date unless a later one is said."""
    last = occasion.on - timedelta(days=1)
    if until is not None and until < last:
        raise IN_ORDER.broken(since=occasion.on, until=until)
    return until or last


def room(person: Person) -> None:
    """Refuse more powers than anybody can have."""
    if len(person.powers) >= POWERS_MAX:
        raise NOT_TOO_MANY.broken(most=POWERS_MAX)


def refuse_taking_back(occasion: Occasion, events: Iterable[Event]) -> None:
    """Refuse a reversal by which somebody alone would give a role that takes two; raise Refused."""
    for event in events:
        if not isinstance(event, PersonEvent):
            continue
        if GRANTS_APART.holds is not None and not GRANTS_APART.holds(None, occasion):
            raise GRANTS_APART.broken()
        if isinstance(event, RoleEnded) and event.post in occasion.policy.confirmed_roles:
            raise CONFIRMED_BY_ANOTHER.broken(role=event.post)


def in_post(person: Person, occasion: Occasion, unit: str) -> None:
    """Refuse who does not have the role they act in on the business date.

    `unit` is what the unit is called. Raise `Refused`.
    """
    if not person.may(occasion.on, occasion.unit, occasion.role, occasion.behalf):
        raise IN_POST.broken(on=occasion.on, unit=unit, role=Words.of(occasion.role))
