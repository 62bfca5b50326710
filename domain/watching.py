"""Watching for split proposals: several small ones that together would have gone another way.

One stream for each unit and form of disposal. A proposal is counted in the act that makes it; when
what was proposed within the policy's window would, as one list, be decided by another route, the
case is warned (批量价值). Whoever decides reads the warning; nothing is refused.
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion
from domain.policy import Action
from domain.values import Code, Fen, Stream
from domain.words import Words


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal, as far as it concerns one kind; amount in fen."""

    case: str
    kind: str
    amount: int
    counted_on: date


class Watch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a unit proposed lately in one form."""

    counted: tuple[Counted, ...] = ()

    def describe(self, lang: Lang) -> str:
        """Say how much is being watched."""
        if lang == "zh":
            return f"防拆分核对：窗口期内{len(self.counted)}笔"
        return f"Watching for split proposals: {len(self.counted)} in the window"


lifecycle: Lifecycle[Watch] = Lifecycle("watch", Watch, Words("防拆分核对", "Splitting watch"))

# What happened ----------------------------------------------------------------


class ProposalCounted(
    Event,
    name="watch.proposal_counted",
    zh="计入{case}：{kind}，金额{amount}",
    en="Counted {case}: {kind}, {amount}",
):
    """A proposal with known values of one kind; amount in fen. `days` is the policy's window."""

    case: Stream
    kind: Code
    amount: Fen
    counted_on: date
    days: int


class ProposalDropped(
    Event,
    name="watch.proposal_dropped",
    zh="不再计入{case}",
    en="{case} counts no longer",
):
    """The proposal was withdrawn or rejected."""

    case: Stream


WatchEvent: TypeAlias = ProposalCounted | ProposalDropped

# Where that leaves us ---------------------------------------------------------


def evolve(watch: Watch, event: WatchEvent) -> Watch:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ProposalCounted():
            this = Counted(
                case=event.case,
                kind=event.kind,
                amount=event.amount,
                counted_on=event.counted_on,
            )
            return replace(
                watch, counted=(*within(watch.counted, event.counted_on, event.days), this)
            )
        case ProposalDropped(case=case):
            return replace(watch, counted=tuple(c for c in watch.counted if c.case != case))
        case _:
            assert_never(event)


lifecycle.part(WatchEvent, evolve)


def within(counted: tuple[Counted, ...], on: date, days: int) -> tuple[Counted, ...]:
    """Return what was proposed so many days before a day, or later (late papers)."""
    return tuple(c for c in counted if (on - c.counted_on).days <= days)


# What may be asked ------------------------------------------------------------


@lifecycle.verb(zh="计入拆分核对", en="Count a proposal", inner=True)
def count(
    watch: Watch, occasion: Occasion, *, case: Stream, form: Code, kind: Code, amount: Fen,
    dearest: Fen, acknowledged: bool = False,
) -> tuple[Event | Ask, ...]:  # fmt: skip
    """Count a proposal, and warn its case when the sum would have gone another way."""
    days = occasion.policy.splitting_days or 0
    counted = ProposalCounted(
        case=case, kind=kind, amount=amount, counted_on=occasion.on, days=days
    )
    others = [
        c for c in within(watch.counted, occasion.on, days) if c.kind == kind and c.case != case
    ]
    together = amount + sum(c.amount for c in others)
    if not others or not differently(occasion, form, kind, amount, together, dearest):
        return (counted,)
    cases = tuple(sorted({c.case for c in others}))
    warning = {"kind": kind, "amount": together, "days": days, "cases": cases}
    warning["acknowledged"] = acknowledged
    return (counted, Ask(f"disposal/{case.partition('/')[2]}", "warn_of_splitting", warning))


@lifecycle.verb(zh="不再计入", en="Count no longer", inner=True)
def let_go(_: Watch, __: Occasion, *, case: Stream) -> ProposalDropped:
    """Count a proposal no longer: it was withdrawn or rejected."""
    return ProposalDropped(case=case)


def differently(
    occasion: Occasion, form: str, kind: str, alone: int, together: int, dearest: int
) -> bool:
    """Answer whether the sum would be decided by another route than the list alone."""
    routes = [
        occasion.policy.route(
            Action.DISPOSAL,
            form=form,
            kinds=(kind,),
            unit_amount=dearest,
            batch_amount=amount,
            level=occasion.level,
            unit_kind=occasion.unit_kind,
        )
        for amount in (alone, together)
    ]
    return routes[0] != routes[1]


def stream_of(unit: str, form: str) -> str:
    """Return the stream in which the proposals of a unit in one form are counted."""
    return f"watch/{unit}.{form}"


def counting(
    occasion: Occasion, unit: str, form: str, *, acknowledged: bool = False
) -> tuple[Ask, ...]:
    """Return the asks that count a proposal, a kind each, where the policy has a window.

    A kind with a card whose value nobody knows takes the stricter route anyway.
    """
    if occasion.policy.splitting_days is None:
        return ()
    kinds: dict[str, list[int | None]] = {}
    for asset in occasion.listed:
        kinds.setdefault(asset.kind, []).append(asset.value)
    known = {
        kind: [value for value in values if value is not None]
        for kind, values in sorted(kinds.items())
        if None not in values
    }
    return tuple(
        Ask(
            stream_of(unit, form),
            "count",
            {
                "case": occasion.stream,
                "form": form,
                "kind": kind,
                "amount": sum(values),
                "dearest": max(values),
                "acknowledged": acknowledged,
            },
        )
        for kind, values in known.items()
    )
