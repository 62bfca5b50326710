"""The rules of a place: one person drafts a version, another publishes it from a day on.

Published versions stay for ever: a decision names the one it followed, and is judged by that one
whatever came later (T27, T29).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import policy as policies
from domain.decider import Event, Lang, Lifecycle, Occasion, Rule, upcaster
from domain.policy import GENERIC, Policy, Unfit
from domain.values import PRINTABLE, Code, Given, Name, PersonId, Text, Written
from domain.words import Role, Term, Words

CONTENT_BYTES_MAX = 60_000  # as written in an entry, which holds 65,535
Content: TypeAlias = Annotated[
    str,
    Written(min_length=2, max_length=CONTENT_BYTES_MAX, pattern=PRINTABLE, extra={"long": True}),
]


class RulingStatus(Term):
    """Where the rules of a place stand."""

    NONE = "none", "无", "none"
    DRAFTED = "drafted", "草案待发布", "drafted, not published"
    IN_FORCE = "in_force", "已发布", "published"
    AMENDED = "amended", "已发布，另有修订草案", "published, an amendment is drafted"
    ENDED = "ended", "已停止施行", "ended"


class Ruling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which versions there are, and who drafted the one that waits."""

    status: RulingStatus = RulingStatus.NONE
    title: str = ""
    title_en: str = ""
    version: int = 0
    drafter: str = ""
    published: int = 0
    in_force_from: date | None = None
    last_day: date | None = None

    def describe(self, lang: Lang) -> str:
        """Say where the rules stand."""
        if lang == "zh":
            return f"规则《{self.title}》{self.status.words.zh}" if self.title else "规则尚未拟订"
        if not self.title:
            return "There is no draft of these rules yet"
        return f"The rules “{self.title_en}” are {self.status.words.en}"


lifecycle: Lifecycle[Ruling] = Lifecycle("policy", Ruling, Words("地方规则", "Rules of a place"))

# What happened ----------------------------------------------------------------


class PolicyProposed(
    Event,
    name="policy.proposed",
    zh="拟订《{title}》第{version}版",
    en="Version {version} of “{title_en}” drafted",
    duty="draft",
    matter="version",
):
    """A version was drafted; it binds nobody yet. `content` is all it says, as JSON."""

    version: int
    title: Name
    drafter: PersonId
    content: str
    title_en: Code = ""
    note: Text = ""


class PolicyPublished(
    Event,
    name="policy.published",
    zh="发布第{version}版，自{in_force_from}起施行",
    en="Version {version} published, in force from {in_force_from}",
    duty="publish",
    matter="version",
):
    """Another person put the drafted version in force from a business date on."""

    version: int
    in_force_from: date
    note: Text = ""


class PolicyDraftWithdrawn(
    Event,
    name="policy.draft_withdrawn",
    zh="撤回第{version}版草案：{reason}",
    en="Draft of version {version} withdrawn: {reason}",
):
    """The draft will not be published; its number is not used again."""

    version: int
    reason: Text


class PolicyEnded(
    Event,
    name="policy.ended",
    zh="施行至{last_day}止：{reason}",
    en="In force until {last_day}, no longer: {reason}",
    version=2,
    duty="publish",
    matter="version",
):
    """These rules bind no decision after that business date; `version` is the one in force."""

    last_day: date
    reason: Text
    version: int | None = None


@upcaster("policy.ended", 1)
def ended_without_its_version(body: dict[str, Any]) -> dict[str, Any]:
    """Read what the first release wrote: it did not say which version it ended."""
    return body | {"version": None}


RulingEvent: TypeAlias = PolicyProposed | PolicyPublished | PolicyDraftWithdrawn | PolicyEnded

# Where that leaves us ---------------------------------------------------------


def evolve(ruling: Ruling, event: RulingEvent) -> Ruling:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PolicyProposed():
            status = RulingStatus.AMENDED if ruling.published else RulingStatus.DRAFTED
            return replace(
                ruling,
                status=status,
                title=event.title,
                title_en=event.title_en,
                version=event.version,
                drafter=event.drafter,
            )
        case PolicyPublished(version=version, in_force_from=in_force_from):
            return replace(
                ruling,
                status=RulingStatus.IN_FORCE,
                published=version,
                in_force_from=in_force_from,
                last_day=None,
            )
        case PolicyDraftWithdrawn():
            before = RulingStatus.ENDED if ruling.last_day else RulingStatus.IN_FORCE
            status = before if ruling.published else RulingStatus.NONE
            return replace(ruling, status=status)
        case PolicyEnded(last_day=last_day):
            return replace(ruling, status=RulingStatus.ENDED, last_day=last_day)
        case _:
            assert_never(event)


lifecycle.part(RulingEvent, evolve)


def published(name: str, events: Iterable[Event]) -> tuple[Policy, ...]:
    """Return the versions of a place's rules that were published, oldest first."""
    drafts: dict[int, str] = {}
    found: list[Policy] = []
    for event in events:
        match event:
            case PolicyProposed(version=version, content=content):
                drafts[version] = content
            case PolicyPublished(version=version, in_force_from=since):
                policy = policies.recorded(drafts[version], name, version)
                found.append(replace(policy, in_force_from=since))
            case PolicyEnded(last_day=last_day):
                found = [
                    p if p.in_force_until else replace(p, in_force_until=last_day) for p in found
                ]
    return tuple(found)


# What may be asked ------------------------------------------------------------

NO_DRAFT = Rule(
    slug="draft-waiting",
    zh="已有一版草案待发布；请先发布或者撤回。",
    en="A draft is waiting already; publish or withdraw it first.",
    holds=lambda ruling, _: ruling.status not in (RulingStatus.DRAFTED, RulingStatus.AMENDED),
)
DRAFTED = Rule(
    slug="no-draft",
    zh="没有待发布的草案。",
    en="No draft is waiting.",
    holds=lambda ruling, _: ruling.status in (RulingStatus.DRAFTED, RulingStatus.AMENDED),
)
PUBLISHED = Rule(
    slug="rules-not-in-force",
    zh="这些规则没有发布、已经停止施行，或者另有草案待发布。",
    en="These rules were never published, have ended, or have a draft waiting.",
    holds=lambda ruling, _: ruling.status is RulingStatus.IN_FORCE,
)
TWO_PERSONS = Rule(
    slug="drafter-may-not-publish",
    zh="拟订规则的人不得发布同一版规则；请由另一人发布。",
    en="Who drafted a version of the rules may not publish it; another person must.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda ruling, occasion: occasion.by != ruling.drafter,
)
READABLE = Rule(
    slug="rules-unreadable",
    zh="规则内容无法采用：{problem}。",
    en="The rules cannot be taken as they are: {problem}.",
)
SHORT_ENOUGH = Rule(
    slug="rules-too-long",
    zh="规则内容有 {bytes} 字节，不得超过 {most} 字节。",
    en="The rules are {bytes} bytes long; {most} is the most.",
)
NOT_BACKWARDS = Rule(
    slug="in-force-too-early",
    zh="施行日期 {in_force_from} 不得早于 {earliest}。",
    en="The rules cannot come into force on {in_force_from}, before {earliest}.",
)
NOT_ENDED_BEFORE = Rule(
    slug="ended-too-early",
    zh="最后施行日 {last_day} 不得早于 {earliest}。",
    en="The last day {last_day} cannot be before {earliest}.",
)


@lifecycle.verb(NO_DRAFT, zh="拟订规则", en="Draft rules", roles=(Role.ADMIN,))
def propose(
    ruling: Ruling, occasion: Occasion, *, content: Content, note: Text = ""
) -> PolicyProposed:
    """Draft the next version; `content` is the profile as JSON (`gongwu policy check FILE`)."""
    name = occasion.stream.partition("/")[2]
    version = max(ruling.version, GENERIC.version if name == GENERIC.name else 0) + 1
    try:
        policy = policies.read(content, name, version)
    except Unfit as unfit:
        raise READABLE.broken(problem=unfit.problems) from unfit
    whole = policies.written(policy)
    size = len(msgspec.json.encode(whole))
    if size > CONTENT_BYTES_MAX:
        raise SHORT_ENOUGH.broken(bytes=size, most=CONTENT_BYTES_MAX)
    return PolicyProposed(
        version=version,
        title=policy.title.zh,
        title_en=policy.title.en,
        drafter=occasion.by,
        content=whole,
        note=note,
    )


@lifecycle.verb(
    DRAFTED, TWO_PERSONS, zh="发布规则", en="Publish the rules", roles=(Role.OFFICE, Role.FINANCE)
)
def publish(
    ruling: Ruling, occasion: Occasion, *, in_force_from: date, note: Text = ""
) -> PolicyPublished:
    """Put the drafted version in force from a day on, never before the day of publishing."""
    earliest = max(occasion.on, ruling.in_force_from or occasion.on)
    if in_force_from < earliest:
        raise NOT_BACKWARDS.broken(in_force_from=in_force_from, earliest=earliest)
    return PolicyPublished(version=ruling.version, in_force_from=in_force_from, note=note)


@lifecycle.verb(
    DRAFTED,
    zh="撤回规则草案",
    en="Withdraw the draft",
    roles=(Role.ADMIN, Role.OFFICE, Role.FINANCE),
)
def withdraw_draft(ruling: Ruling, _: Occasion, *, reason: Given) -> PolicyDraftWithdrawn:
    """Withdraw the draft; what is in force stays in force."""
    return PolicyDraftWithdrawn(version=ruling.version, reason=reason)


@lifecycle.verb(PUBLISHED, zh="停止施行规则", en="End the rules", roles=(Role.OFFICE, Role.FINANCE))
def end(ruling: Ruling, occasion: Occasion, *, last_day: date, reason: Given) -> PolicyEnded:
    """Say until which day the rules bind; the generic rules apply afterwards."""
    earliest = max(occasion.on, ruling.in_force_from or occasion.on)
    if last_day < earliest:
        raise NOT_ENDED_BEFORE.broken(last_day=last_day, earliest=earliest)
    return PolicyEnded(last_day=last_day, reason=reason, version=ruling.published)
