"""What is tried with idle property, in order, before it is sold (内蒙古机关运行保障条例 第17条).

Reuse inside the unit, reallocate, convert, exchange, lease out, auction: what was tried is read
from the history of the thing and of the cases that held it; a step that leaves no fact of its own
is recorded as tried. The order is the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.asset import ON_BOOKS, Asset, Custody, Offer, lifecycle
from domain.converting import Converted
from domain.decider import Event, Occasion, Rule
from domain.disposal import DisposalProposed
from domain.holding import HeldForProcess, ReleasedFromProcess
from domain.leasing import AssetLeased
from domain.leaving import Form, KeptAfterAll, LeftForGood
from domain.lending import AssetLent
from domain.policy import Policy
from domain.reallocation import TransferredIn
from domain.selling import AuctionFailed, NewTermsAsked
from domain.use import DeclaredIdle, IssuedToUser, PutBackToUse
from domain.values import Given, Text
from domain.warehouse import DelistedFromReuse, ListedForReuse, ReceivedIntoWarehouse, Refurbished
from domain.words import Role, Term


class Way(Term):
    """One of the ways in which idle property may be put to use again."""

    REUSE = "reuse", "本机关内部调剂", "reuse inside the organ"
    REALLOCATE = "reallocate", "跨部门、跨地区、跨层级调剂", "reallocate to other units"
    CONVERT = "convert", "转换用途", "convert to another use"
    EXCHANGE = "exchange_asset", "置换", "exchange"
    LEASE = "lease_out", "出租", "lease out"
    AUCTION = "auction_off", "公开拍卖", "public auction"


class Came(Term):
    """What came of a way that was tried."""

    UNDER_WAY = "under_way", "办理中", "under way"
    NO_USE = "no_use", "未成", "came to nothing"
    DONE = "done", "已办成", "done"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried: on which day, what came of it, why, and on what that rests."""

    way: Way
    came: Came
    on: date
    reason: str = ""
    case: str = ""  # the stream of the case, when there is one
    fact: str = ""  # the stable name of the fact


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One way in the order of the policy, with all that was tried of it."""

    way: Way
    trials: tuple[Trial, ...] = ()

    @property
    def came(self) -> Came | None:
        """Return what has come of it so far; None when it was not tried."""
        found = {trial.came for trial in self.trials}
        return next(
            (came for came in (Came.DONE, Came.UNDER_WAY, Came.NO_USE) if came in found), None
        )


Dated: TypeAlias = tuple[date, Event]

# What happened ----------------------------------------------------------------


class WayTried(
    Event,
    name="asset.way_tried",
    zh="盘活尝试：{tried}，{result}：{reason}（依据：{evidence}）",
    en="Tried to {tried}, which {result}: {reason} (evidence: {evidence})",
):
    """Somebody tried to put it to use again in a way that leaves no other fact."""

    tried: Way
    result: Came
    reason: Text
    evidence: Text


WaterfallEvent: TypeAlias = WayTried

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: WaterfallEvent) -> Asset:
    """What an event means: it is told in the waterfall, and no rule asks for more."""
    match event:
        case WayTried():
            return asset
        case _:
            assert_never(event)


lifecycle.part(WaterfallEvent, evolve)

# How far the waterfall has come -------------------------------------------------

WAITING = frozenset(
    {Custody.IDLE, Custody.UNDER_USED, Custody.WAREHOUSE, Custody.VIRTUAL, Custody.LEASED}
)
OFFER = "offer"  # what a thing offered to others is under way by, beside the cases
BY_CASE = {
    "claim": Way.REALLOCATE,
    "reallocation": Way.REALLOCATE,
    "loan": Way.REALLOCATE,
    "conversion": Way.CONVERT,
    "exchange": Way.EXCHANGE,
    "lease": Way.LEASE,
}
BY_FORM = {
    Form.ASSIGNMENT: Way.REALLOCATE,
    Form.EXCHANGE: Way.EXCHANGE,
    Form.SALE: Way.AUCTION,
    Form.AUCTION: Way.AUCTION,
}


def waits(asset: Asset) -> bool:
    """Answer whether the thing waits to be put to use again."""
    return asset.custody in WAITING or asset.listed


def cases_of(history: Iterable[Dated]) -> list[str]:
    """Return the streams of the cases that ever held the thing, oldest first."""
    held = (e.case for _, e in history if isinstance(e, HeldForProcess))
    return list(dict.fromkeys(held))


def rungs(
    policy: Policy,
    history: Iterable[Dated],
    cases: Mapping[str, Iterable[Dated]],
    on: date | None = None,
) -> tuple[Rung, ...]:
    """Return every way in the order of the policy, with what was tried of it.

    `history` is what happened to the thing, `cases` what happened in the cases that held it, both
    in order. Only what came after the thing fell idle last counts. Where the policy names no
    order, the ways stand in the order of the regulation that has one. `on` is the day that is asked
    for: an offer whose windows ended before it, and that nobody holds, came to nothing (T45).
    """
    tried = tuple(trials(tuple(history), cases, on))
    named = {way.value: way for way in Way}
    known = [named[slug] for slug in policy.waterfall if slug in named] or list(Way)
    return tuple(Rung(way=way, trials=tuple(t for t in tried if t.way is way)) for way in known)


UNTAKEN = "各轮公示期满，无单位取得"


def trials(
    history: tuple[Dated, ...], cases: Mapping[str, Iterable[Dated]], on: date | None = None
) -> Iterator[Trial]:
    """Yield what was tried since the thing fell idle last, oldest first."""
    begun = max((n for n, (_, e) in enumerate(history) if isinstance(e, DeclaredIdle)), default=0)
    held = ""
    going: dict[str, Trial] = {}  # what is under way: by case, and the offer to others
    screened: date | None = None  # the last day of the windows of the offer
    today = on
    for on, event in history[begun:]:
        match event:
            case HeldForProcess(case=case):
                held = case
                for trial in in_case(case, on, cases.get(case, ())):
                    if trial.came is Came.UNDER_WAY:
                        going[case] = trial
                    else:
                        yield trial
            case ReleasedFromProcess() | KeptAfterAll():
                yield from ended(going, event.case, Came.NO_USE, on, event, event.reason)
            case TransferredIn() | AssetLeased() | AssetLent() | LeftForGood() | Converted():
                said = event.purpose if isinstance(event, Converted) else ""
                yield from ended(going, held, Came.DONE, on, event, said)
                if not isinstance(event, AssetLent | AssetLeased):
                    going.pop(OFFER, None)
            case ListedForReuse(description=said):
                offer = Offer(listed_on=event.listed_on, windows=event.windows)
                screened = offer.screened_until
                going[OFFER] = trial_of(Way.REALLOCATE, Came.UNDER_WAY, on, event, said)
            case ReceivedIntoWarehouse():
                going[OFFER] = trial_of(Way.REALLOCATE, Came.UNDER_WAY, on, event)
            case DelistedFromReuse(reason=said):
                yield from ended(going, OFFER, Came.NO_USE, on, event, said)
            case Refurbished(result=said):
                yield trial_of(Way.REUSE, Came.UNDER_WAY, on, event, said)
            case IssuedToUser(purpose=said) | PutBackToUse(reason=said):
                going.pop(OFFER, None)
                yield trial_of(Way.REUSE, Came.DONE, on, event, said)
            case WayTried():
                yield trial_of(event.tried, event.result, on, event, event.reason)
            case _:
                continue
    if set(going) == {OFFER} and screened is not None and today is not None and today > screened:
        going[OFFER] = replace(going[OFFER], came=Came.NO_USE, on=screened, reason=UNTAKEN)
    yield from going.values()


def trial_of(way: Way, came: Came, on: date, event: Event, reason: str = "") -> Trial:
    """Return what a fact says was tried."""
    return Trial(way=way, came=came, on=on, reason=reason, fact=event.type_name)


def ended(
    going: dict[str, Trial], key: str, came: Came, on: date, event: Event, reason: str = ""
) -> Iterator[Trial]:
    """Yield what came of something that was under way, if anything was."""
    before = going.pop(key, None)
    if before is not None:
        yield replace(before, came=came, on=on, reason=reason, fact=event.type_name)


def in_case(case: str, on: date, events: Iterable[Dated]) -> Iterator[Trial]:
    """Yield what a case that holds the thing means: it is under way, and its failed rounds."""
    kind = case.partition("/")[0]
    way = BY_CASE.get(kind)
    for day, event in events:
        match event:
            case DisposalProposed(form=form):
                way = BY_FORM.get(form)
            case AuctionFailed(reason=reason):
                yield Trial(
                    way=Way.AUCTION, came=Came.NO_USE, on=day, reason=reason, case=case,
                    fact=event.type_name,
                )  # fmt: skip
            case NewTermsAsked(form=form):
                way = BY_FORM.get(form, way)
            case _:
                continue
    if way is not None:
        yield Trial(way=way, came=Came.UNDER_WAY, on=on, case=case)


# What may be asked ------------------------------------------------------------

IDLE_OR_OFFERED = Rule(
    slug="nothing-to-put-to-use",
    zh="只有闲置、低效、在仓或已上架的资产才登记盘活尝试。",
    en="Ways are tried with property that is idle, under-used, in the warehouse or listed.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda asset, _: waits(asset),
)


@lifecycle.verb(
    ON_BOOKS,
    IDLE_OR_OFFERED,
    zh="登记盘活尝试",
    en="Record a way tried",
    roles=(Role.CLERK, Role.OFFICE, Role.KEEPER),
)
def try_way(
    _: Asset, __: Occasion, *, tried: Way, result: Came, reason: Given, evidence: Given
) -> WayTried:
    """Record what was tried to put it to use again, what came of it, and what shows that."""
    return WayTried(tried=tried, result=result, reason=reason, evidence=evidence)
