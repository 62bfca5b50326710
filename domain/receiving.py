"""What does not agree when things arrive: less, more, something else, damaged (#25).

It is a fact, however unwelcome, and stays open until its outcome is recorded by somebody other than
who found it; a remark closes nothing (DOMAIN.md i.15). A kind of case that takes things in has the
fields `differences` and `waiting`, a frozen set `received`, and calls `differing(lifecycle, when)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lifecycle, Occasion, Rule
from domain.handover import TAKING_SIDE
from domain.holding import ON_THE_LIST
from domain.paper_forms import PaperForm
from domain.values import AssetId, Code, Given, Quantity, Text
from domain.words import Role, Term, Words

DIFFERENCES_MAX = 200  # of one case; more is another delivery


class Difference(Term):
    """In which way what arrived is not what the list says."""

    SHORT = "short", "短少", "short"
    OVER = "over", "多出", "over"
    WRONG = "wrong", "实物不符", "another thing"
    DAMAGED = "damaged", "损坏", "damaged"


class Outcome(Term):
    """What became of a difference."""

    MADE_GOOD = "made_good", "已补齐或更换", "made good or replaced"
    RETURNED = "returned", "已退回交出单位", "returned to the unit that gave it"
    AS_FOUND = "as_found", "按实际状况接收", "taken in as it is"
    COMPENSATED = "compensated", "已赔偿", "compensated"
    LOSS = "loss", "转报损核销", "goes on as a loss"
    BY_ITSELF = "by_itself", "另行申请入仓", "applied for by itself"


FITTING: Final[Mapping[Difference, tuple[Outcome, ...]]] = {
    Difference.SHORT: (Outcome.MADE_GOOD, Outcome.AS_FOUND, Outcome.COMPENSATED, Outcome.LOSS),
    Difference.OVER: (Outcome.RETURNED, Outcome.BY_ITSELF),
    Difference.WRONG: (Outcome.MADE_GOOD, Outcome.RETURNED, Outcome.BY_ITSELF),
    Difference.DAMAGED: (
        Outcome.AS_FOUND,
        Outcome.MADE_GOOD,
        Outcome.RETURNED,
        Outcome.COMPENSATED,
        Outcome.LOSS,
    ),
}
"""What may become of what: more than the list says is never taken in without a list of its own."""


class Differing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One difference: its number, which, about what, who found it, and what became of it."""

    ordinal: int
    difference: Difference
    asset: str = ""
    finder: str = ""
    outcome: Outcome | None = None


# What happened ----------------------------------------------------------------


class DifferenceFound(
    Event,
    name="case.difference_found",
    zh="接收差异（{difference}）：{found}",
    en="Difference on arrival ({difference}): {found}",
    duty="execute",
    papers=(PaperForm.RECEIPT,),
):
    """#25 What arrived is not what the list says; `asset` is the line of the list, if there is one.

    `quantity` is how many are missing or too many, `scanned` the code that was read off instead.
    """

    difference: Difference
    found: Text
    finder: str
    asset: AssetId | None = None
    quantity: Quantity | None = None
    scanned: Code = ""


class DifferenceSettled(
    Event,
    name="case.difference_settled",
    zh="第{ordinal}项差异处理结果：{outcome}，{note}",
    en="Difference no. {ordinal} settled: {outcome}, {note}",
    duty="approve",
    papers=(PaperForm.RECEIPT,),
):
    """#25 What became of a difference, counted from 1 in the order in which they were found."""

    ordinal: int
    outcome: Outcome
    note: Text


ReceivingEvent: TypeAlias = DifferenceFound | DifferenceSettled

# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)


def evolve(case: C, event: ReceivingEvent) -> C:
    """What an event means for any case: a state with a field `differences`."""
    match event:
        case DifferenceFound():
            one = Differing(
                ordinal=len(case.differences) + 1,
                difference=event.difference,
                asset=event.asset or "",
                finder=event.finder,
            )
            return replace(case, differences=(*case.differences, one))
        case DifferenceSettled(ordinal=ordinal, outcome=outcome):
            told = (
                replace(one, outcome=outcome) if one.ordinal == ordinal else one
                for one in case.differences
            )
            return replace(case, differences=tuple(told))
        case _:
            assert_never(event)


def unsettled(case: Any) -> tuple[int, ...]:
    """Return the numbers of the differences that have no outcome yet, counted from 1."""
    return tuple(one.ordinal for one in case.differences if one.outcome is None)


# What may be asked ------------------------------------------------------------

UNSETTLED = Rule(
    slug="no-difference-open",
    zh="没有待处理的接收差异。",
    en="No difference on arrival awaits an outcome.",
    holds=lambda case, _: bool(unsettled(case)),
)
LINE_NAMED = Rule(
    slug="difference-without-line",
    zh="{difference}须写明是清单上的哪一项资产。",
    en="Say which asset of the list it is that arrived {difference}.",
)
NOT_LISTED = Rule(
    slug="surplus-on-the-list",
    zh="清单上的资产 {asset} 不是多出的物品；请直接接收，或登记为其他差异。",
    en="{asset} is on the list, so it is not over: take it in, or record another difference.",
)
FEW_ENOUGH = Rule(
    slug="too-many-on-arrival",
    zh="一份单据至多登记 {most} 项差异。",
    en="One document carries at most {most} differences.",
)
ITS_NUMBER = Rule(
    slug="difference-not-to-settle",
    zh="第 {ordinal} 项差异不存在，或已有处理结果；待处理的是：{left}。",
    en="There is no difference no. {ordinal} without an outcome; those without are: {left}.",
)
FITTING_OUTCOME = Rule(
    slug="outcome-of-another-difference",
    zh="“{difference}”不能以“{outcome}”了结；可以是：{fitting}。",
    en="What arrived {difference} cannot be settled as “{outcome}”, only as: {fitting}.",
)
ANOTHER_SETTLES = Rule(
    slug="settled-by-its-finder",
    zh="接收差异由登记人以外的人处理。",
    en="A difference is settled by somebody other than who found it.",
    law="《行政事业性国有资产管理条例》第51条",
)


def differing(lifecycle: Lifecycle[Any], when: Rule) -> None:
    """Give a kind of case its differences; `when` says that things arrive, or did."""
    lifecycle.part(ReceivingEvent, evolve)
    lifecycle.verb(
        when, TAKING_SIDE, zh="登记接收差异", en="Record a difference", roles=(Role.KEEPER,)
    )(record_difference)
    lifecycle.verb(
        UNSETTLED, zh="处理接收差异", en="Settle a difference", roles=(Role.OFFICE, Role.FINANCE)
    )(settle_difference)


def record_difference(
    case: Any,
    occasion: Occasion,
    *,
    difference: Difference,
    found: Given,
    asset: AssetId | None = None,
    quantity: Quantity | None = None,
    scanned: Code = "",
) -> DifferenceFound:
    """Record what arrived short, over, instead of something else, or damaged."""
    if len(case.differences) >= DIFFERENCES_MAX:
        raise FEW_ENOUGH.broken(most=DIFFERENCES_MAX)
    mine = case.waiting | case.received
    if difference is Difference.OVER:
        if asset in mine:
            raise NOT_LISTED.broken(asset=asset)
    elif asset is None:
        raise LINE_NAMED.broken(difference=difference.words)
    elif asset not in mine:
        raise ON_THE_LIST.broken(asset=asset)
    return DifferenceFound(
        difference=difference,
        found=found,
        finder=occasion.by,
        asset=asset,
        quantity=quantity,
        scanned=scanned,
    )


def settle_difference(
    case: Any, occasion: Occasion, *, ordinal: int, outcome: Outcome, note: Given
) -> DifferenceSettled:
    """Record what became of a difference; only an outcome closes it."""
    left = unsettled(case)
    if ordinal not in left:
        raise ITS_NUMBER.broken(ordinal=ordinal, left=tuple(str(n) for n in left))
    one = case.differences[ordinal - 1]
    if one.finder in (occasion.by, occasion.behalf):
        raise ANOTHER_SETTLES.broken()
    if outcome not in FITTING[one.difference]:
        raise FITTING_OUTCOME.broken(
            difference=one.difference.words,
            outcome=outcome.words,
            fitting=tuple(o.words for o in FITTING[one.difference]),
        )
    return DifferenceSettled(ordinal=ordinal, outcome=outcome, note=note)


def said(case: Any) -> Words:
    """Return how many differences are open, in words; empty where none is."""
    count = len(unsettled(case))
    if not count:
        return Words("", "")
    many = "s" if count > 1 else ""
    return Words(f"，待处理差异{count}项", f", {count} difference{many} to settle")
