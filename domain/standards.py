"""Configuration standards: how many, at which price, fit for what, to be used how long (#1).

One person drafts a standard, another publishes it from a day on (自治区政府令231号 第17条). A
standard that is changed is ended and another one published: what was judged stays judged.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.asset import Kind
from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.open_steps import OpenStep, step_of
from domain.searching import Limit
from domain.values import Code, Fen, Given, Name, PersonId, Quantity, Text, UnitId
from domain.words import Role, Term, Words

Years: TypeAlias = Annotated[int, Meta(ge=1, le=200)]


class StandardStatus(Term):
    """Where a standard stands."""

    NONE = "none", "无", "none"
    DRAFTED = "drafted", "草案待发布", "drafted, not published"
    PUBLISHED = "published", "已发布", "published"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    ENDED = "ended", "已停止执行", "ended"


class Basis(Term):
    """For whom the quantity is."""

    POST = "post", "每个岗位", "each post"
    UNIT = "unit", "每个单位", "each unit"


class Standard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one standard says, and from when until when it binds; price in fen."""

    status: StandardStatus = StandardStatus.NONE
    title: str = ""
    drafter: str = ""
    kind: Kind = Kind.OTHER
    class_code: str = ""
    region: str = ""
    unit: str = ""
    basis: Basis = Basis.UNIT
    quantity: str | None = None
    price_cap: int | None = None
    performance: str = ""
    service_years: int | None = None
    in_force_from: date | None = None
    last_day: date | None = None

    @property
    def applicant(self) -> str:
        """Return who put it forward: the drafter."""
        return self.drafter

    def describe(self, lang: Lang) -> str:
        """Say where the standard stands."""
        if lang == "zh":
            return f"配置标准《{self.title}》{self.status.words.zh}" if self.title else "尚无此标准"
        if not self.title:
            return "There is no such standard yet"
        return f"The standard “{self.title}” is {self.status.words.en}"


lifecycle: Lifecycle[Standard] = Lifecycle(
    "standard", Standard, Words("配置标准", "Configuration standard")
)

# What happened ----------------------------------------------------------------


class StandardDrafted(
    Event,
    name="standard.drafted",
    zh="拟订配置标准《{title}》：{kind}，数量上限{quantity}（{basis}），价格上限{price_cap}",
    en="Standard “{title}” drafted: {kind}, at most {quantity} ({basis}), price up to {price_cap}",
    duty="draft",
):
    """#1 Quantity, price, performance and minimum service life were laid down; price in fen.

    None says that the standard sets no such limit. It binds nobody yet.
    """

    drafter: PersonId
    title: Name
    kind: Kind
    class_code: Code = ""
    region: Code = ""
    unit: UnitId | None = None
    basis: Basis = Basis.UNIT
    quantity: Quantity | None = None
    price_cap: Fen | None = None
    performance: Text = ""
    service_years: Years | None = None


class StandardPublished(
    Event,
    name="standard.published",
    zh="发布配置标准，自{in_force_from}起执行，文号{number}",
    en="Standard published, in force from {in_force_from}, {number}",
    duty="publish",
):
    """#1 Another person put the standard in force from a business date on."""

    in_force_from: date
    number: Code = ""


class StandardDraftWithdrawn(
    Event,
    name="standard.draft_withdrawn",
    zh="撤回配置标准草案：{reason}",
    en="Draft standard withdrawn: {reason}",
):
    """#1 The draft will not be published."""

    reason: Text


class StandardEnded(
    Event,
    name="standard.ended",
    zh="配置标准执行至{last_day}止：{reason}",
    en="Standard in force until {last_day}, no longer: {reason}",
    duty="publish",
):
    """#1 The standard binds no request after that business date."""

    last_day: date
    reason: Text


StandardEvent: TypeAlias = (
    StandardDrafted | StandardPublished | StandardDraftWithdrawn | StandardEnded
)

# Where that leaves us ---------------------------------------------------------


def evolve(standard: Standard, event: StandardEvent) -> Standard:
    """What an event means. Never refuses: it already happened."""
    match event:
        case StandardDrafted():
            return Standard(
                status=StandardStatus.DRAFTED,
                title=event.title,
                drafter=event.drafter,
                kind=event.kind,
                class_code=event.class_code,
                region=event.region,
                unit=event.unit or "",
                basis=event.basis,
                quantity=event.quantity,
                price_cap=event.price_cap,
                performance=event.performance,
                service_years=event.service_years,
            )
        case StandardPublished(in_force_from=since):
            return replace(standard, status=StandardStatus.PUBLISHED, in_force_from=since)
        case StandardDraftWithdrawn():
            return replace(standard, status=StandardStatus.WITHDRAWN)
        case StandardEnded(last_day=last_day):
            return replace(standard, status=StandardStatus.ENDED, last_day=last_day)
        case _:
            assert_never(event)


lifecycle.part(StandardEvent, evolve)


@step_of(Standard)
def what_is_next(standard: Standard) -> OpenStep | None:
    """Return what must be done next: a draft waits for another person to publish it."""
    if standard.status is StandardStatus.DRAFTED:
        return OpenStep(verb="publish", roles=ORDERING)
    return None


def binds(
    standard: Standard, on: date, *, kind: Kind, class_code: str, unit: str, region: str
) -> bool:
    """Answer whether a standard binds a unit on a business date for a kind and class.

    A class is under the standards of all that its code begins with; a standard that names a
    region or a unit binds there alone.
    """
    since, until = standard.in_force_from, standard.last_day
    return (
        since is not None
        and since <= on
        and (until is None or on <= until)
        and standard.kind is kind
        and class_code.startswith(standard.class_code)
        and region.startswith(standard.region)
        and standard.unit in ("", unit)
    )


def limit(id_: str, standard: Standard, held: str) -> Limit:
    """Return what a standard allows a unit that has so many, as a question is answered."""
    return Limit(
        standard=id_,
        title=standard.title,
        class_code=standard.class_code,
        held=held,
        cap=standard.quantity,
        each_post=standard.basis is Basis.POST,
        price_cap=standard.price_cap,
    )


# What may be asked ------------------------------------------------------------

ORDERING = (Role.OFFICE, Role.FINANCE)
NEW = Rule(
    slug="standard-exists",
    zh="此标准已经拟订；修改标准请停止执行原标准，另行拟订。",
    en="This standard exists already; to change it, end it and draft another one.",
    holds=lambda standard, _: standard.status is StandardStatus.NONE,
)
DRAFTED = Rule(
    slug="standard-not-drafted",
    zh="没有待发布的标准草案。",
    en="No draft of this standard is waiting.",
    holds=lambda standard, _: standard.status is StandardStatus.DRAFTED,
)
PUBLISHED = Rule(
    slug="standard-not-published",
    zh="标准没有发布，或者已经停止执行。",
    en="The standard was never published, or has ended.",
    holds=lambda standard, _: standard.status is StandardStatus.PUBLISHED,
)
TWO_PERSONS = Rule(
    slug="drafter-may-not-publish-standard",
    zh="拟订标准的人不得发布同一标准；请由另一人发布。",
    en="Who drafted a standard may not publish it; another person must.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda standard, occasion: occasion.by != standard.drafter,
)
SOMETHING_LIMITED = Rule(
    slug="standard-without-limit",
    zh="配置标准须确定数量、价格、性能或者最低使用年限。",
    en="A standard says how many, at which price, fit for what, or to be used how long.",
    law="《新疆维吾尔自治区机关事务管理办法》第17条",
)
NOT_BACKWARDS = Rule(
    slug="standard-too-early",
    zh="执行日期 {day} 不得早于 {earliest}。",
    en="The day {day} cannot be before {earliest}.",
)


@lifecycle.verb(NEW, zh="拟订配置标准", en="Draft a standard", roles=ORDERING)
def draft(
    _: Standard,
    occasion: Occasion,
    *,
    title: Name,
    kind: Kind,
    class_code: Code = "",
    region: Code = "",
    unit: UnitId | None = None,
    basis: Basis = Basis.UNIT,
    quantity: Quantity | None = None,
    price_cap: Fen | None = None,
    performance: Text = "",
    service_years: Years | None = None,
) -> StandardDrafted:
    """Draft a standard for a kind or class of property; what is left open is not limited."""
    if quantity is None and price_cap is None and not performance and service_years is None:
        raise SOMETHING_LIMITED.broken()
    return StandardDrafted(
        drafter=occasion.by,
        title=title,
        kind=kind,
        class_code=class_code,
        region=region,
        unit=unit,
        basis=basis,
        quantity=quantity,
        price_cap=price_cap,
        performance=performance,
        service_years=service_years,
    )


@lifecycle.verb(DRAFTED, TWO_PERSONS, zh="发布配置标准", en="Publish the standard", roles=ORDERING)
def publish(
    _: Standard, occasion: Occasion, *, in_force_from: date, number: Code = ""
) -> StandardPublished:
    """Put the drafted standard in force from a day on, never before the day of publishing."""
    if in_force_from < occasion.on:
        raise NOT_BACKWARDS.broken(day=in_force_from, earliest=occasion.on)
    return StandardPublished(in_force_from=in_force_from, number=number)


@lifecycle.verb(DRAFTED, zh="撤回标准草案", en="Withdraw the draft standard", roles=ORDERING)
def withdraw_draft(_: Standard, __: Occasion, *, reason: Given) -> StandardDraftWithdrawn:
    """Withdraw the draft."""
    return StandardDraftWithdrawn(reason=reason)


@lifecycle.verb(PUBLISHED, zh="停止执行标准", en="End the standard", roles=ORDERING)
def end(standard: Standard, occasion: Occasion, *, last_day: date, reason: Given) -> StandardEnded:
    """Say until which day the standard binds."""
    earliest = max(occasion.on, standard.in_force_from or occasion.on)
    if last_day < earliest:
        raise NOT_BACKWARDS.broken(day=last_day, earliest=earliest)
    return StandardEnded(last_day=last_day, reason=reason)
