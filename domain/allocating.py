"""The morning's proposal: who should get what of all that is on offer, and what people decided.

The system proposes one allocation of everything on offer to everything wanted, by the rules of that
day; it decides nothing. Each line is confirmed, changed or declined by people, and proposal and
decisions are both entries. What was proposed, with every reason, is kept as evidence under its
hash: whoever has it can work the same allocation out again.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain import asset as assets_
from domain.asset import ON_BOOKS, Asset
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.exceeding import Count as Posts
from domain.open_steps import OpenStep, step_of
from domain.values import AssetId, CaseId, Code, Given, Name, Quantity, Reference, Text, UnitId
from domain.words import Role, Term, Words

LINES_AT_ONCE_MAX = 100  # lines that one act confirms
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
LineNo: TypeAlias = Annotated[int, Meta(ge=1, le=10_000_000)]
PROPOSING = (Role.OFFICE, Role.FINANCE)


class AllocationStatus(Term):
    """Where a proposal stands."""

    NONE = "none", "无", "none"
    PROPOSED = "proposed", "待决定", "proposed"
    DECIDED = "decided", "已逐项决定", "decided line by line"
    CLOSED = "closed", "已结束", "closed"


class Decision(Term):
    """What people decided on one line."""

    CONFIRMED = "confirmed", "按建议调剂", "confirmed"
    CHANGED = "changed", "改用其他资产", "changed"
    DECLINED = "declined", "不采纳", "declined"


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """One line: so much of a card for a want. `score` is how well it fits, of 1000.

    `beyond` names the standards and quotas it takes the unit over, where its rules only flag that;
    `posts` is how many posts the unit stated for the want.
    """

    line: int
    demand: str
    asset: str
    quantity: str
    to_unit: str
    item: str
    score: int
    beyond: tuple[Words, ...] = ()
    posts: int | None = None


class Allocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A proposal, and what has been decided of it."""

    status: AllocationStatus = AllocationStatus.NONE
    applicant: str = ""
    proposed_on: date | None = None
    position: int = 0
    sha256: str = ""
    rules: str = ""
    seed: str = ""
    proposals: int = 0  # lines
    decisions: tuple[tuple[int, Decision], ...] = ()

    def decided(self, line: int) -> Decision | None:
        """Return what was decided on a line; None while nobody has."""
        return dict(self.decisions).get(line)

    def describe(self, lang: Lang) -> str:
        """Say where the proposal stands."""
        if self.status is AllocationStatus.NONE:
            return "尚无此建议" if lang == "zh" else "There is no such proposal yet"
        counts = (self.proposals, len(self.decisions))
        if lang == "zh":
            return "调剂建议{}：共{}项，已决定{}项".format(self.status.words.zh, *counts)
        return "The proposal is {}: {} lines, {} decided".format(self.status.words.en, *counts)


lifecycle: Lifecycle[Allocation] = Lifecycle(
    "allocation", Allocation, Words("调剂建议", "Proposed allocation")
)

# What the system has seen; nobody types it (`Occasion.seen`) ---------------------


class ProposalSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The best allocation of what is on offer to what is wanted, as the lists stood."""

    stream: str
    on: date
    position: int
    sha256: str
    rules: str
    solver: str
    seed: str
    wants: int
    offers: int
    lines: int
    served: int
    gap: int


class LinesSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a proposal that a step is about, read from its evidence."""

    stream: str
    lines: tuple[Proposed, ...]


# What happened ----------------------------------------------------------------


class AllocationProposed(
    Event,
    name="allocation.proposed",
    zh="系统建议调剂方案：{wants}项需求、{offers}项可供，建议{lines}项，满足{served}件，与最优差距{gap}"
    "（截至账本第{position}条，{rules}，种子{seed}，摘要{sha256}）",
    en="Allocation proposed: {wants} wants, {offers} on offer, {lines} lines for {served} pieces, {gap}"
    " from the optimum (at position {position}, {rules}, seed {seed}, digest {sha256})",
):
    """#29 The system proposed who gets what; the lines and every reason are kept under the hash.

    `gap` is how far the answer may be from the best by its own proof, 0 is proven best.
    """

    applicant: str
    proposed_on: date
    position: int
    sha256: Code
    rules: Code
    solver: Code
    seed: Code
    wants: Count
    offers: Count
    lines: Count
    served: Count
    gap: Count


class ProposalConfirmed(
    Event,
    name="allocation.line_confirmed",
    zh="第{line}项按建议办理：{asset}，数量{quantity}，满足需求{demand}，由调剂单{reallocation}办理",
    en="Line {line} confirmed: {quantity} of {asset} for the want {demand}, by {reallocation}",
):
    """#29 People agreed: the reallocation is requested, and the thing is held for it."""

    line: LineNo
    demand: CaseId
    asset: AssetId
    quantity: Quantity
    reallocation: CaseId


class ProposalChanged(
    Event,
    name="allocation.line_changed",
    zh="第{line}项改用{asset}，数量{quantity}，由调剂单{reallocation}办理：{reason}",
    en="Line {line} changed to {quantity} of {asset}, by {reallocation}: {reason}",
):
    """#29 People chose another thing for the want than was proposed, and say why."""

    line: LineNo
    demand: CaseId
    asset: AssetId
    quantity: Quantity
    reallocation: CaseId
    reason: Text


class ProposalDeclined(
    Event,
    name="allocation.line_declined",
    zh="第{line}项不采纳：{reason}",
    en="Line {line} declined: {reason}",
):
    """#29 People do not follow the proposal here; want and thing stay as they are."""

    line: LineNo
    reason: Text


class AllocationClosed(
    Event,
    name="allocation.closed",
    zh="结束本次调剂建议：{reason}",
    en="Proposal closed: {reason}",
):
    """#29 What was not decided is left to the next proposal."""

    reason: Text


AllocationEvent: TypeAlias = (
    AllocationProposed | ProposalConfirmed | ProposalChanged | ProposalDeclined | AllocationClosed
)

# Where that leaves us ---------------------------------------------------------


def evolve(allocation: Allocation, event: AllocationEvent) -> Allocation:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AllocationProposed():
            open_ = AllocationStatus.PROPOSED if event.lines else AllocationStatus.DECIDED
            return Allocation(
                status=open_,
                applicant=event.applicant,
                proposed_on=event.proposed_on,
                position=event.position,
                sha256=event.sha256,
                rules=event.rules,
                seed=event.seed,
                proposals=event.lines,
            )
        case ProposalConfirmed(line=line):
            return settled(allocation, line, Decision.CONFIRMED)
        case ProposalChanged(line=line):
            return settled(allocation, line, Decision.CHANGED)
        case ProposalDeclined(line=line):
            return settled(allocation, line, Decision.DECLINED)
        case AllocationClosed():
            return replace(allocation, status=AllocationStatus.CLOSED)
        case _:
            assert_never(event)


def settled(allocation: Allocation, line: int, decision: Decision) -> Allocation:
    """Return the proposal with one line decided; when all are, it is."""
    decisions = (*(one for one in allocation.decisions if one[0] != line), (line, decision))
    over = len(decisions) >= allocation.proposals
    status = AllocationStatus.DECIDED if over else allocation.status
    return replace(allocation, decisions=decisions, status=status)


lifecycle.part(AllocationEvent, evolve)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="allocation-exists",
    zh="该调剂建议已经提出；请另行生成。",
    en="This proposal exists already; have another one made.",
    holds=lambda allocation, _: allocation.status is AllocationStatus.NONE,
)
OPEN = Rule(
    slug="allocation-not-open",
    zh="该调剂建议没有待决定的项目。",
    en="The proposal has nothing left to decide.",
    holds=lambda allocation, _: allocation.status is AllocationStatus.PROPOSED,
)
LOOKED_UP = Rule(
    slug="proposal-not-looked-up",
    zh="调剂建议由系统根据需求和上架清单计算，不能填报；请在本系统的办理页面、接口或命令行办理。",
    en="The system works a proposal out from wants and offers; it cannot be typed. Ask through this"
    " system's pages, interface or command line.",
)
OF_TODAY = Rule(
    slug="proposal-is-now",
    zh="调剂建议反映今天（{today}）的需求和供应，业务日期不能另填为 {on}。",
    en="A proposal is about the wants and offers of today, {today}; it cannot be dated {on}.",
)
LINE_THERE = Rule(
    slug="no-such-proposal-line",
    zh="调剂建议没有第 {line} 项。",
    en="The proposal has no line {line}.",
)
UNDECIDED = Rule(
    slug="proposal-line-decided",
    zh="第 {line} 项已经决定：{decision}。",
    en="Line {line} was decided: {decision}.",
)
ANOTHER_THING = Rule(
    slug="same-as-proposed",
    zh="改用的资产和数量与建议相同；请办理“按建议调剂”。",
    en="This is what was proposed; confirm the line instead.",
)


def seen(occasion: Occasion, kind: type[ProposalSeen | LinesSeen]) -> ProposalSeen | LinesSeen:
    """Return what the system looked up for the proposal that is asked; refuse when nothing."""
    for one in occasion.seen:
        if isinstance(one, kind) and one.stream == occasion.stream:
            return one
    raise LOOKED_UP.broken()


def the_line(allocation: Allocation, occasion: Occasion, number: int) -> Proposed:
    """Return a line nobody has decided, or refuse."""
    if not 1 <= number <= allocation.proposals:
        raise LINE_THERE.broken(line=number)
    decision = allocation.decided(number)
    if decision is not None:
        raise UNDECIDED.broken(line=number, decision=decision)
    found = seen(occasion, LinesSeen)
    assert isinstance(found, LinesSeen)
    for line in found.lines:
        if line.line == number:
            return line
    raise LOOKED_UP.broken()


@lifecycle.verb(NEW, zh="生成调剂建议", en="Have an allocation proposed", roles=PROPOSING)
def propose(_: Allocation, occasion: Occasion) -> AllocationProposed:
    """Have the system propose the best allocation of all that is on offer to all that is wanted."""
    found = seen(occasion, ProposalSeen)
    assert isinstance(found, ProposalSeen)
    if occasion.on != found.on:
        raise OF_TODAY.broken(today=found.on, on=occasion.on)
    return AllocationProposed(
        applicant=occasion.by,
        proposed_on=found.on,
        position=found.position,
        sha256=found.sha256,
        rules=found.rules,
        solver=found.solver,
        seed=found.seed,
        wants=found.wants,
        offers=found.offers,
        lines=found.lines,
        served=found.served,
        gap=found.gap,
    )


@lifecycle.verb(OPEN, zh="按建议调剂", en="Confirm a line", roles=PROPOSING)
def confirm(
    allocation: Allocation, occasion: Occasion, *, line: LineNo
) -> tuple[ProposalConfirmed | Ask, ...]:
    """Follow the proposal on one line: the reallocation is requested and the thing held for it."""
    return followed(allocation, occasion, line)


@lifecycle.verb(OPEN, zh="其余全部按建议调剂", en="Confirm the rest", roles=PROPOSING)
def confirm_rest(allocation: Allocation, occasion: Occasion) -> tuple[ProposalConfirmed | Ask, ...]:
    """Follow the proposal on every line that nobody has decided, at most a hundred at once."""
    open_ = undecided(allocation)[:LINES_AT_ONCE_MAX]
    return tuple(answer for line in open_ for answer in followed(allocation, occasion, line))


def undecided(allocation: Allocation) -> tuple[int, ...]:
    """Return the numbers of the lines nobody has decided."""
    done = {line for line, _ in allocation.decisions}
    return tuple(n for n in range(1, allocation.proposals + 1) if n not in done)


def followed(
    allocation: Allocation, occasion: Occasion, number: int
) -> tuple[ProposalConfirmed | Ask, ...]:
    """Return what confirming a line records and asks."""
    line = the_line(allocation, occasion, number)
    case = case_of(occasion, number)
    fact = ProposalConfirmed(
        line=number,
        demand=line.demand,
        asset=line.asset,
        quantity=line.quantity,
        reallocation=case,
    )
    return (fact, allotting(line, line.asset, line.quantity, case))


@lifecycle.verb(OPEN, zh="改用其他资产", en="Change a line", roles=PROPOSING)
def change(
    allocation: Allocation,
    occasion: Occasion,
    *,
    line: LineNo,
    asset: AssetId,
    reason: Given,
    quantity: Quantity | None = None,
) -> tuple[ProposalChanged | Ask, ...]:
    """Give the want of a line something else than was proposed, or another quantity."""
    found = the_line(allocation, occasion, line)
    many = found.quantity if quantity is None else quantity
    if (asset, many) == (found.asset, found.quantity):
        raise ANOTHER_THING.broken()
    case = case_of(occasion, line)
    fact = ProposalChanged(
        line=line,
        demand=found.demand,
        asset=asset,
        quantity=many,
        reallocation=case,
        reason=reason,
    )
    return (fact, allotting(found, asset, many, case))


@lifecycle.verb(OPEN, zh="不采纳", en="Decline a line", roles=PROPOSING)
def decline(
    allocation: Allocation, occasion: Occasion, *, line: LineNo, reason: Given
) -> ProposalDeclined:
    """Do not follow the proposal on one line, and say why."""
    the_line(allocation, occasion, line)
    return ProposalDeclined(line=line, reason=reason)


@lifecycle.verb(OPEN, zh="结束本次建议", en="Close the proposal", roles=PROPOSING)
def close(_: Allocation, __: Occasion, *, reason: Given) -> AllocationClosed:
    """Leave what was not decided to the next proposal."""
    return AllocationClosed(reason=reason)


def case_of(occasion: Occasion, line: int) -> str:
    """Return the id of the reallocation that a line of a proposal becomes."""
    return f"{occasion.stream.partition('/')[2]}.{line}"


def allotting(line: Proposed, asset: str, quantity: str, case: str) -> Ask:
    """Return what a decided line asks of the card it gives."""
    form = {
        "case": case,
        "quantity": quantity,
        "to_unit": line.to_unit,
        "item": line.item,
        "demand": line.demand,
        "posts": line.posts,
    }
    return Ask(f"asset/{asset}", "allot", form)


KEPT_BY_SOMEBODY = Rule(
    slug="nobody-keeps-it",
    zh="没有登记该资产由哪个单位保管，无从调出。",
    en="Nobody is recorded as keeping it, so that nobody can give it.",
    holds=lambda asset, _: bool(asset.custodian),
)


@assets_.lifecycle.verb(ON_BOOKS, KEPT_BY_SOMEBODY, zh="按建议调出", en="Allot", inner=True)
def allot(
    asset: Asset,
    occasion: Occasion,
    *,
    case: Reference,
    quantity: Quantity,
    to_unit: UnitId,
    item: Name,
    demand: CaseId,
    posts: Posts | None = None,
) -> tuple[Ask, ...]:
    """Have the card, or the part of it that is needed, reallocated to meet a want."""
    card = occasion.stream.partition("/")[2]
    parted: tuple[Ask, ...] = ()
    if quantity != asset.quantity:
        reason = f"reallocation/{case}"
        parted = (Ask(occasion.stream, "split", {"quantity": quantity, "reason": reason}),)
        card = f"{card}.{asset.split_off + 1}"
    form = {
        "from_unit": asset.custodian,
        "to_unit": to_unit,
        "item": item,
        "assets": (card,),
        "demand": demand,
        "posts": posts,
    }
    return (*parted, Ask(f"reallocation/{case}", "request", form))


@step_of(Allocation)
def next_step(allocation: Allocation) -> OpenStep | None:
    """Say who must do what next: somebody decides, line by line."""
    if allocation.status is not AllocationStatus.PROPOSED:
        return None
    return OpenStep(verb="confirm", roles=PROPOSING)
