"""Reallocation: another unit takes over; two confirmations and two vouchers (#29-#32).

A request may name assets, or only say what is needed (as the published requisitions do). How far
it goes decides who decides: it is worked out from where both units belong, as far as that is
known, and never narrower than that (内蒙古机关运行保障条例 第17条).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import kinds
from domain import unit as units_
from domain.approval import (
    DECIDERS,
    LAST_STEP,
    Approval,
    Resubmitted,
    laid,
    laid_anew,
    my_turn,
    route,
    routed,
)
from domain.asset import NOT_OVERDUE_HOME, ON_BOOKS, UNLOCKED, Asset, Custody, Lock
from domain.correcting import ListCorrected, correctable, evolve_waiting, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule, upcaster
from domain.demand import claiming
from domain.exceeding import (
    Count,
    Excess,
    Takes,
    corrected_list,
    held_to_standards,
    judged,
    kinds_of,
    named,
    stated,
    told,
)
from domain.handover import (
    GIVING_SIDE,
    TAKING_SIDE,
    CalledBack,
    HandedOut,
    HandOverEvent,
    Scans,
    arrived,
    moving,
    read_off,
    taken_in,
    without,
)
from domain.holding import (
    ON_THE_LIST,
    OTHER_PERSON,
    HeldForProcess,
    declined,
    in_part,
    listed,
    releases,
)
from domain.open_steps import CARRIERS, OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.splitting import WITHIN_COST
from domain.unit import Level, Unit
from domain.values import (
    AssetId,
    CaseId,
    Code,
    Currency,
    Fen,
    Given,
    Name,
    PersonId,
    PlaceId,
    Quantity,
    Reference,
    Stream,
    Text,
    UnitId,
    yuan,
)
from domain.words import Role, Term, Words


class ReallocationStatus(Term):
    """Where a reallocation stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    APPROVED = "approved", "已批准", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    LAPSED = "lapsed", "已失效", "lapsed"
    SHIPPED = "shipped", "在途", "on the way"
    RECEIVED = "received", "已调入", "received"
    BOOKED = "booked", "账务已划转", "books moved"


class Scope(Term):
    """How far it goes (内蒙古机关运行保障条例 第17条)."""

    WITHIN = "within", "本部门内", "within the department"
    DEPARTMENTS = "departments", "跨部门", "across departments"
    REGIONS = "regions", "跨地区", "across regions"
    LEVELS = "levels", "跨层级", "across levels"


class Reallocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who gives, who takes, what, and how far it has come."""

    status: ReallocationStatus = ReallocationStatus.NONE
    applicant: str = ""
    from_unit: str = ""
    to_unit: str = ""
    item: str = ""
    class_code: str = ""
    quantity: str = "0"
    measure: str = ""
    unit_value: int | None = None
    currency: str = "CNY"
    scope: Scope | None = None
    approval: Approval = Approval()
    number: str = ""
    waiting: frozenset[str] = frozenset()
    moving: frozenset[str] = frozenset()
    sent: frozenset[tuple[str, str]] = frozenset()  # each piece on the way and who sent it
    arrived: frozenset[str] = frozenset()
    booked: frozenset[str] = frozenset()
    reason: str = ""
    dataset: str = ""
    beyond: frozenset[Excess] = frozenset()
    posts: dict[str, int] = {}
    demand: str = ""  # the want it is to meet

    @property
    def giver_unit(self) -> str:
        """Return the unit that gives out."""
        return self.from_unit

    @property
    def taker_unit(self) -> str:
        """Return the unit that takes in."""
        return self.to_unit

    def describe(self, lang: Lang) -> str:
        """Say where the reallocation stands."""
        counts = (len(self.waiting), len(self.moving), len(self.arrived | self.booked))
        asked = self.status is ReallocationStatus.REQUESTED
        step = self.approval.describe(lang) if asked else ""
        if lang == "zh":
            said = "调剂单{}，待调出{}项、在途{}项、已调入{}项".format(
                self.status.words.zh, *counts
            )
        else:
            said = "The reallocation is {}: {} to send, {} on the way, {} received".format(
                self.status.words.en, *counts
            )
        return said + step + told(self, lang)


lifecycle: Lifecycle[Reallocation] = Lifecycle(
    "reallocation", Reallocation, Words("调剂单", "Reallocation")
)

# What happened ----------------------------------------------------------------


class ReallocationRequested(
    Event,
    name="reallocation.requested",
    zh="{to_unit}申请调剂：{item}，数量{quantity}{measure}",
    en="{to_unit} requests {item}, {quantity} {measure}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#29 A unit wants what another holds; named assets are reserved for it.

    `applicant` and `from_unit` are None when the source does not say.
    """

    to_unit: UnitId
    item: Name
    quantity: Quantity
    from_unit: UnitId | None = None
    applicant: PersonId | None = None
    assets: tuple[AssetId, ...] = ()
    measure: Code = ""
    class_code: Code = ""
    unit_value: Fen | None = None
    currency: Currency = "CNY"
    purpose: Text = ""
    dataset: Code = ""


class WantNamed(
    Event,
    name="reallocation.want_named",
    zh="为满足需求{demand}",
    en="To meet the want {demand}",
):
    """#29 Which want it is to meet; what comes of it is counted there."""

    demand: CaseId


class ScopeWorkedOut(
    Event,
    name="reallocation.scope_worked_out",
    zh="调剂范围：{scope}（申请填报：{asked}）",
    en="Scope of the reallocation: {scope} (asked as: {asked})",
):
    """#29 How far it goes, by where both units belong; never narrower than what was asked.

    `scope` is None when neither the units nor the applicant say.
    """

    scope: Scope | None
    asked: Scope | None = None


class ReallocationApproved(
    Event,
    name="reallocation.approved",
    zh="批准调剂（{scope}），文号{approval_no}",
    en="Reallocation approved ({scope}): {approval_no}",
    duty="approve",
    papers=(
        PaperForm.APPROVAL,
        PaperForm.ORDER,
        PaperForm.HANDOVER,
        PaperForm.VOUCHER_OUT,
        PaperForm.VOUCHER_IN,
    ),
):
    """#30 It may move; nothing has moved yet. Its papers are ready for both sides (T52)."""

    scope: Scope | None = None
    approval_no: Code = ""


class ReallocationRefused(
    Event,
    name="reallocation.refused",
    zh="不同意调剂：{reason}（{by_whom}）",
    en="Reallocation refused: {reason} ({by_whom})",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#30 The answer is no, with the reason; `words` keeps the source's own."""

    reason: Text
    by_whom: Code = ""
    words: Text = ""


class ReallocationWithdrawn(
    Event,
    name="reallocation.withdrawn",
    zh="撤回调剂申请：{reason}",
    en="Reallocation withdrawn: {reason}",
    duty="apply",
):
    """#29 The taker needs it no longer; nothing had been sent."""

    reason: Text


class ConsignmentShipped(
    Event,
    name="reallocation.consignment_shipped",
    zh="发运{item}，数量{quantity}",
    en="Shipped {item}, quantity {quantity}",
):
    """#31 A quantity left the giver; the source names no single assets."""

    item: Name
    quantity: Quantity


class TransferOutConfirmed(
    Event,
    name="reallocation.transfer_out_confirmed",
    zh="调出确认：{asset}",
    en="Sending confirmed: {asset}",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """#31 The giving side handed one piece out; `scanned` is the code read off it.

    `sender_for` is the person in whose stead the sender acted.
    """

    asset: AssetId
    sender: PersonId
    sender_for: PersonId | None = None
    scanned: Code = ""


class TransferInConfirmed(
    Event,
    name="reallocation.transfer_in_confirmed",
    zh="调入确认：{asset}",
    en="Arrival confirmed: {asset}",
    duty="execute",
    papers=(PaperForm.HANDOVER, PaperForm.RECEIPT),
):
    """#31 The taking side has one piece in its hands; `scanned` is the code read off it."""

    asset: AssetId
    place: PlaceId | None = None
    scanned: Code = ""


class AccountingTransferred(
    Event,
    name="reallocation.accounting_transferred",
    zh="账务划转：{asset}，调出凭证{out_voucher}，调入凭证{in_voucher}",
    en="Books moved: {asset}, vouchers {out_voucher} and {in_voucher}",
    duty="execute",
    papers=(PaperForm.VOUCHER_OUT, PaperForm.VOUCHER_IN),
):
    """#32 Both sides booked the same amounts, in fen; `fees` are the taker's taxes and costs."""

    asset: AssetId
    out_voucher: Code
    in_voucher: Code
    gross: Fen
    accumulated: Fen = 0
    fees: Fen = 0


ReallocationEvent: TypeAlias = (
    ReallocationRequested
    | WantNamed
    | ScopeWorkedOut
    | ReallocationApproved
    | ReallocationRefused
    | ReallocationWithdrawn
    | ConsignmentShipped
    | TransferOutConfirmed
    | TransferInConfirmed
    | AccountingTransferred
)


class TransferredOut(
    Event, name="asset.transferred_out", zh="调出，去往{to_unit}", en="Sent to {to_unit}"
):
    """#31 It is on the way."""

    to_unit: UnitId
    case: Stream


class TransferredIn(Event, name="asset.transferred_in", zh="{unit}调入", en="Arrived at {unit}"):
    """#31 The new holder has it; the books follow separately."""

    unit: UnitId
    place: PlaceId | None = None


class BooksMoved(
    Event,
    name="asset.books_moved",
    zh="账务划转至{unit}，账面价值{gross}",
    en="Books moved to {unit}, gross value {gross}",
    version=2,
):
    """#32 Another unit accounts for it now.

    `accumulated` is the depreciation the taker booked, in fen; None: the card keeps what it states.
    """

    unit: UnitId
    gross: Fen
    accumulated: Fen | None = None


@upcaster("asset.books_moved", 1)
def moved_beside_the_card(body: dict[str, Any]) -> dict[str, Any]:
    """Read what the first release wrote: the amount stood in the voucher, never on the card."""
    return body | {"accumulated": None}


AssetTransferEvent: TypeAlias = TransferredOut | TransferredIn | BooksMoved

# Where that leaves us ---------------------------------------------------------


def evolve(case: Reallocation, event: ReallocationEvent) -> Reallocation:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ReallocationRequested():
            return Reallocation(
                status=ReallocationStatus.REQUESTED,
                applicant=event.applicant or "",
                from_unit=event.from_unit or "",
                to_unit=event.to_unit,
                item=event.item,
                class_code=event.class_code,
                quantity=event.quantity,
                measure=event.measure,
                unit_value=event.unit_value,
                currency=event.currency,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case WantNamed(demand=demand):
            return replace(case, demand=demand)
        case ScopeWorkedOut(scope=scope):
            return replace(case, scope=scope)
        case ReallocationApproved(scope=scope):
            status = ReallocationStatus.APPROVED
            return replace(case, status=status, scope=scope or case.scope, beyond=frozenset())
        case ReallocationRefused(reason=reason):
            return replace(
                case, status=ReallocationStatus.REFUSED, waiting=frozenset(), reason=reason
            )
        case ReallocationWithdrawn():
            return replace(case, status=ReallocationStatus.WITHDRAWN, waiting=frozenset())
        case ConsignmentShipped():
            return replace(case, status=ReallocationStatus.SHIPPED)
        case TransferOutConfirmed(asset=asset, sender=sender, sender_for=other):
            return sent_off(case, asset, (sender, other))
        case TransferInConfirmed(asset=asset):
            moving = case.moving - {asset}
            left = moving or case.waiting
            return replace(
                case,
                status=case.status if left else ReallocationStatus.RECEIVED,
                moving=moving,
                sent=without(case.sent, asset),
                arrived=case.arrived | {asset},
            )
        case AccountingTransferred(asset=asset):
            arrived = case.arrived - {asset}
            left = arrived or case.moving or case.waiting
            return replace(
                case,
                status=case.status if left else ReallocationStatus.BOOKED,
                arrived=arrived,
                booked=case.booked | {asset},
            )
        case _:
            assert_never(event)


def evolve_listed(case: Reallocation, event: ListCorrected) -> Reallocation:
    """What another list means here: so many are asked for now."""
    after = evolve_waiting(case, event)
    return replace(after, quantity=str(len(after.waiting)), beyond=frozenset())


def evolve_handed(case: Reallocation, event: HandOverEvent) -> Reallocation:
    """What giving out and calling back mean here: a piece waits again, or is on its way."""
    match event:
        case HandedOut(asset=asset, giver=giver, giver_for=other):
            return sent_off(case, asset, (giver, other))
        case CalledBack(asset=asset):
            moving_ = case.moving - {asset}
            begun = moving_ or case.arrived or case.booked
            return replace(
                case,
                status=case.status if begun else ReallocationStatus.APPROVED,
                moving=moving_,
                waiting=case.waiting | {asset},
                sent=without(case.sent, asset),
            )
        case _:
            assert_never(event)


def sent_off(case: Reallocation, asset: str, givers: tuple[str | None, ...]) -> Reallocation:
    """Count one piece as on its way, given out by these people."""
    return replace(
        case,
        status=ReallocationStatus.SHIPPED,
        waiting=case.waiting - {asset},
        moving=case.moving | {asset},
        sent=case.sent | {(asset, giver) for giver in givers if giver},
    )


def evolve_asset(asset: Asset, event: AssetTransferEvent) -> Asset:
    """What a reallocation means for the thing."""
    match event:
        case TransferredOut():
            return replace(
                asset, custody=Custody.TRANSIT, user="", shelf="", listed=False, idle_since=None
            )
        case TransferredIn(unit=unit, place=place):
            return replace(
                asset,
                custody=Custody.STORE,
                custodian=unit,
                user="",
                shelf="",
                place=place or "",
                lock=Lock.NONE,
                home=Custody.NONE,
                listed=False,
                idle_since=None,
                case="",
            )
        case BooksMoved(unit=unit, accumulated=accumulated):
            if accumulated is None:
                return replace(asset, accounting_unit=unit)
            # It is what was written off until it moved, and no longer what was stated some day.
            return replace(asset, accounting_unit=unit, accumulated=accumulated, stated_until=None)
        case _:
            assert_never(event)


lifecycle.part(ReallocationEvent, evolve)
assets_.lifecycle.part(AssetTransferEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="reallocation-exists",
    zh="该调剂单已经提出。",
    en="This reallocation has been requested already.",
    holds=lambda case, _: case.status is ReallocationStatus.NONE,
)
REQUESTED = Rule(
    slug="reallocation-not-awaiting-decision",
    zh="该调剂单不在待审批状态。",
    en="The reallocation does not await a decision.",
    holds=lambda case, _: case.status is ReallocationStatus.REQUESTED,
)
APPROVED = Rule(
    slug="reallocation-not-approved",
    zh="调剂须先获批准才能调出。",
    en="Things are sent only after the reallocation was approved.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda case, _: case.status in (ReallocationStatus.APPROVED, ReallocationStatus.SHIPPED),
)
NOTHING_SENT = Rule(
    slug="reallocation-begun-or-over",
    zh="调剂单已开始调出、已办结或尚未提出，不能撤回。",
    en="A reallocation can be withdrawn only before its first piece is sent.",
    holds=lambda case, _: (
        case.status in (ReallocationStatus.REQUESTED, ReallocationStatus.APPROVED)
    ),
)
ON_THE_WAY = Rule(
    slug="nothing-on-the-way",
    zh="没有在途的资产。",
    en="Nothing is on the way.",
    holds=lambda case, _: bool(case.moving),
)
ARRIVED = Rule(
    slug="nothing-arrived",
    zh="没有已调入而账务未划转的资产。",
    en="Nothing has arrived whose books are still to be moved.",
    holds=lambda case, _: bool(case.arrived),
)
SCOPE_NAMED = Rule(
    slug="scope-not-known",
    zh="请写明调剂范围（本部门内、跨部门、跨地区、跨层级）。",
    en="Say how far it goes: within the department, across departments, regions or levels.",
    law="《内蒙古自治区机关运行保障条例》第17条",
)
SCOPE_AS_LAID = Rule(
    slug="scope-differs-from-route",
    zh="审批程序是按“{laid}”确定的，不能按“{scope}”批准；请退回修改后重新提出。",
    en="The route of approval was laid for “{laid}”, so “{scope}” cannot be approved; refuse it"
    " and let it be requested anew.",
    law="《内蒙古自治区机关运行保障条例》第17条",
)
BOTH_SIDES = Rule(
    slug="vouchers-differ",
    zh="调入方入账 {in_gross} 元（累计折旧 {in_accumulated} 元）与调出方 {gross} 元"
    "（累计折旧 {accumulated} 元）不一致。",
    en="The taker booked {in_gross} yuan (depreciation {in_accumulated}), the giver {gross} yuan"
    " (depreciation {accumulated}); both sides book the same.",
)
NOT_MORE = Rule(
    slug="depreciated-beyond-cost",
    zh="累计折旧 {accumulated} 元超过账面原值 {gross} 元。",
    en="Depreciation of {accumulated} yuan is more than the original value of {gross} yuan.",
)
AS_CARD = Rule(
    slug="voucher-differs-from-card",
    zh="凭证原值 {gross} 元与卡片原值 {value} 元不一致；请先更正卡片价值。",
    en="The voucher says {gross} yuan, the card {value} yuan; correct the card first.",
)
DIFFERENT_UNITS = Rule(
    slug="same-unit",
    zh="调出单位与调入单位相同；本单位内请办理领用或移位。",
    en="Giver and taker are the same unit; issue or move the asset instead.",
)
WORN_AS_CARDS = Rule(
    slug="depreciation-differs-from-cards",
    zh="凭证累计折旧 {accumulated} 元与各卡片合计 {value} 元不一致；可逐项办理账务划转。",
    en="The voucher says {accumulated} yuan of depreciation, the cards {value} yuan; the books can"
    " be moved piece by piece.",
)
SPARE = Rule(
    slug="not-available",
    zh="只有库存、闲置、低效或在仓的资产才能调剂。",
    en="Only an asset in store, idle, under-used or in the warehouse can be reallocated.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda asset, _: (
        asset.custody
        in (
            Custody.STORE,
            Custody.IDLE,
            Custody.UNDER_USED,
            Custody.WAREHOUSE,
            Custody.VIRTUAL,
        )
    ),
)
GIVER_HOLDS = Rule(
    slug="giver-does-not-hold-it",
    zh="调出单位 {from_unit} 不是该资产的保管单位（{custodian}）。",
    en="The giving unit {from_unit} is not the custodian of the asset ({custodian}).",
)
IN_TRANSIT = Rule(
    slug="not-in-transit",
    zh="该资产不在途。",
    en="The asset is not in transit.",
    holds=lambda asset, _: asset.custody is Custody.TRANSIT,
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
moving(lifecycle, evolve_handed)
in_part(lifecycle)
WIDER = (Scope.WITHIN, Scope.DEPARTMENTS, Scope.REGIONS, Scope.LEVELS)


@lifecycle.verb(NEW, zh="申请调剂", en="Request a reallocation", roles=(Role.CLERK, Role.OFFICE))
def request(
    _: Reallocation,
    occasion: Occasion,
    *,
    from_unit: UnitId,
    to_unit: UnitId,
    item: Name,
    assets: tuple[AssetId, ...],
    scope: Scope | None = None,
    purpose: Text = "",
    posts: Count | None = None,
    demand: CaseId | None = None,
) -> tuple[Event | Ask, ...]:
    """Ask for assets another unit or the warehouse can spare; they are reserved meanwhile.

    `posts` is how many posts the taking unit has, where a standard is for each post (T49).
    `demand` is the want it is to meet.
    """
    if from_unit == to_unit:
        raise DIFFERENT_UNITS.broken()
    form = {"case": occasion.stream, "from_unit": from_unit}
    compared = {"case": occasion.stream, "taker": to_unit, "asked": scope, "assets": assets}
    return (
        ReallocationRequested(
            applicant=occasion.by,
            from_unit=from_unit,
            to_unit=to_unit,
            item=item,
            quantity=str(len(listed(assets))),
            assets=assets,
            purpose=purpose,
        ),
        *meeting(demand, occasion, to_unit, assets),
        Ask(f"unit/{from_unit}", "compare_belonging", compared),
        *stated(to_unit, posts),
        *judged(occasion, to_unit, {} if posts is None else {to_unit: posts}, kinds_of(occasion)),
        *(Ask(f"asset/{a}", "hold_for_reallocation", form) for a in assets),
    )


def meeting(
    demand: str | None, occasion: Occasion, to_unit: str, assets: tuple[str, ...]
) -> tuple[Event | Ask, ...]:
    """Return what ties a reallocation to the want it is to meet."""
    if not demand:
        return ()
    return (WantNamed(demand=demand), claiming(demand, occasion.stream, to_unit, occasion, assets))


def wanted_again(
    case_: Reallocation, occasion: Occasion, assets: tuple[str, ...], reason: str
) -> tuple[Ask, ...]:
    """Tell the want that these do not come by this reallocation."""
    if not case_.demand or not assets:
        return ()
    form = {"case": occasion.stream, "assets": assets, "reason": reason}
    return (Ask(f"demand/{case_.demand}", "want_again", form),)


@units_.lifecycle.verb(zh="比较隶属", en="Compare belonging", inner=True)
def compare_belonging(
    giver: Unit,
    _: Occasion,
    *,
    case: Stream,
    taker: UnitId,
    asked: Scope | None,
    assets: tuple[AssetId, ...],
) -> Ask:
    """Tell the taking unit where the giving unit belongs, so that it can say how far they are."""
    form = {
        "case": case,
        "asked": asked,
        "assets": assets,
        "level": giver.level,
        "region": giver.region,
        "competent": giver.competent,
    }
    return Ask(f"unit/{taker}", "answer_belonging", form)


@units_.lifecycle.verb(zh="说明隶属关系", en="Answer belonging", inner=True)
def answer_belonging(
    taker: Unit,
    _: Occasion,
    *,
    case: Stream,
    asked: Scope | None,
    assets: tuple[AssetId, ...],
    level: Level | None,
    region: Code,
    competent: Code,
) -> Ask:
    """Say how far the taking unit is from the giving one, as far as both are placed."""
    found = between(Unit(level=level, region=region, competent=competent), taker)
    form = {"found": found, "asked": asked, "assets": assets}
    return Ask(f"reallocation/{case.partition('/')[2]}", "lay_route", form)


@lifecycle.verb(REQUESTED, zh="确定审批程序", en="Lay the route", inner=True)
def lay_route(
    _: Reallocation,
    occasion: Occasion,
    *,
    found: Scope | None,
    asked: Scope | None,
    assets: tuple[AssetId, ...],
) -> tuple[Event | Ask, ...]:
    """Say how far it goes, and who decides therefore."""
    known = [scope for scope in WIDER if scope in (found, asked)]
    scope = known[-1] if known else None
    worked = (ScopeWorkedOut(scope=scope, asked=asked),) if scope else ()
    way = route(occasion, Action.REALLOCATION, scope=scope or "")
    return (*worked, *laid(occasion, way))


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准调剂",
    en="Approve the reallocation",
    roles=DECIDERS,
)
def approve(
    case_: Reallocation,
    occasion: Occasion,
    *,
    approval_no: Reference,
    scope: Scope | None = None,
    assets: tuple[AssetId, ...] = (),
    reason: Text = "",
) -> tuple[Event | Ask, ...]:
    """Approve the reallocation, or of the assets named; they move when both sides confirm."""
    stated = scope or case_.scope
    if stated is None:
        raise SCOPE_NAMED.broken()
    if case_.scope and stated is not case_.scope and case_.approval.stages:
        raise SCOPE_AS_LAID.broken(laid=case_.scope, scope=stated)
    return (
        ReallocationApproved(scope=stated, approval_no=approval_no),
        *declined(case_, occasion, assets, reason),
        *wanted_again(
            case_,
            occasion,
            tuple(sorted(case_.waiting.difference(assets))) if assets else (),
            reason,
        ),
        *judged(occasion, case_.to_unit, case_.posts),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    zh="不同意调剂",
    en="Refuse the reallocation",
    roles=DECIDERS,
)
def refuse(case_: Reallocation, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the reallocation and free the assets."""
    return (
        ReallocationRefused(reason=reason),
        *wanted_again(case_, occasion, tuple(sorted(case_.waiting)), reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


def resubmit(
    case_: Reallocation,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list where it is named."""
    hold = ("hold_for_reallocation", {"case": occasion.stream, "from_unit": case_.from_unit})
    changes = relisted(case_, occasion, case_.waiting, add, remove, note, hold)
    return (Resubmitted(note=note), *changes)


def lay_anew(
    case_: Reallocation, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[Event | Ask, ...]:
    """Say who decides about the corrected list; it goes as far as it went."""
    way = route(occasion, Action.REALLOCATION, scope=case_.scope or "")
    return (
        *laid_anew(case_, occasion, way),
        *(
            (claiming(case_.demand, occasion.stream, case_.to_unit, occasion, assets),)
            if case_.demand
            else ()
        ),
        *judged(occasion, case_.to_unit, case_.posts, kinds_of(occasion)),
    )


def takes(case_: Reallocation, verb: str, form: Mapping[str, Any]) -> tuple[Takes, ...]:
    """Return what a step of a reallocation brings the taking unit."""
    match verb:
        case "request":
            return (Takes(str(form.get("to_unit")), named(form, "assets")),)
        case "resubmit":
            return (
                Takes(
                    case_.to_unit,
                    corrected_list(case_.waiting, form.get("add"), form.get("remove")),
                ),
            )
        case "approve":
            assets = named(form, "assets") or tuple(sorted(case_.waiting))
            return (Takes(case_.to_unit, assets),)
        case _:
            return ()


routed(lifecycle, REQUESTED, MY_TURN, resubmit)
correctable(lifecycle, REQUESTED, lay_anew, evolve_listed)
held_to_standards(lifecycle, takes)


@lifecycle.verb(
    NOTHING_SENT, zh="撤回调剂", en="Withdraw the reallocation", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw(case_: Reallocation, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the request and free the assets; nothing has been sent yet."""
    return (
        ReallocationWithdrawn(reason=reason),
        *wanted_again(case_, occasion, tuple(sorted(case_.waiting)), reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


@lifecycle.verb(
    APPROVED, GIVING_SIDE, zh="调出确认", en="Confirm sending", roles=(Role.KEEPER, Role.CLERK)
)
def confirm_out(
    case_: Reallocation, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Confirm that pieces left the giving side; they are in transit until the other confirms."""
    for asset in listed(assets):
        if asset not in case_.waiting:
            raise ON_THE_LIST.broken(asset=asset)
    codes = read_off(occasion, assets, scanned)
    other = occasion.behalf or None
    form = {"case": occasion.stream, "to_unit": case_.to_unit}
    return (
        *(
            TransferOutConfirmed(asset=a, sender=occasion.by, sender_for=other, scanned=codes[a])
            for a in assets
        ),
        *(Ask(f"asset/{a}", "hand_out", form | {"scanned": codes[a]}) for a in assets),
    )


@lifecycle.verb(
    ON_THE_WAY, TAKING_SIDE, zh="调入确认", en="Confirm arrival", roles=(Role.KEEPER, Role.CLERK)
)
def confirm_in(
    case_: Reallocation,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    scanned: Scans = "",
    place: PlaceId | None = None,
) -> tuple[Event | Ask, ...]:
    """Confirm that pieces are in the hands of the taking side."""
    pieces = taken_in(case_, occasion, assets, scanned, among=case_.moving)
    form = {"unit": case_.to_unit, "place": place, "case": occasion.stream}
    return (
        *(TransferInConfirmed(asset=a, place=place, scanned=code) for a, code in pieces),
        *(Ask(f"asset/{a}", "transfer_in", form | {"scanned": code}) for a, code in pieces),
        *(
            (Ask(f"demand/{case_.demand}", "deliver", {"case": occasion.stream, "assets": assets}),)
            if case_.demand
            else ()
        ),
    )


@lifecycle.verb(ARRIVED, zh="账务划转", en="Move the books", roles=(Role.ACCOUNTANT, Role.FINANCE))
def move_books(
    case_: Reallocation,
    _: Occasion,
    *,
    asset: AssetId,
    out_voucher: Reference,
    in_voucher: Reference,
    gross: Fen,
    accumulated: Fen | None = None,
    in_gross: Fen | None = None,
    in_accumulated: Fen | None = None,
    fees: Fen = 0,
) -> tuple[AccountingTransferred, Ask]:
    """Record the two vouchers by which the books follow the thing; both say the same amounts.

    `in_gross` and `in_accumulated` are what the taking side booked, where it is stated apart.
    The card takes over `accumulated`; where it is not stated, the card keeps what it says.
    """
    if asset not in case_.arrived:
        raise ON_THE_LIST.broken(asset=asset)
    taken = gross if in_gross is None else in_gross
    given_off = accumulated or 0
    worn = given_off if in_accumulated is None else in_accumulated
    if (taken, worn) != (gross, given_off):
        raise BOTH_SIDES.broken(
            in_gross=yuan(taken),
            in_accumulated=yuan(worn),
            gross=yuan(gross),
            accumulated=yuan(given_off),
        )
    if given_off > gross:
        raise NOT_MORE.broken(accumulated=yuan(given_off), gross=yuan(gross))
    form = {"unit": case_.to_unit, "gross": gross, "accumulated": accumulated}
    return (
        AccountingTransferred(
            asset=asset,
            out_voucher=out_voucher,
            in_voucher=in_voucher,
            gross=gross,
            accumulated=given_off,
            fees=fees,
        ),
        Ask(f"asset/{asset}", "move_books_to", form),
    )


@lifecycle.verb(
    ARRIVED, zh="整批账务划转", en="Move the books of a lot", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def move_books_lot(
    case_: Reallocation,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    out_voucher: Reference,
    in_voucher: Reference,
    gross: Fen,
    accumulated: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record two vouchers for several pieces; their totals are those of the cards."""
    for asset in listed(assets):
        if asset not in case_.arrived:
            raise ON_THE_LIST.broken(asset=asset)
    cards = occasion.listed
    values = [card.value or 0 for card in cards]
    stated = [card.accumulated for card in cards]
    worn = [amount or 0 for amount in stated]
    if (len(cards), sum(values)) != (len(assets), gross):
        raise AS_CARD.broken(gross=yuan(gross), value=yuan(sum(values)))
    if sum(worn) != accumulated:
        raise WORN_AS_CARDS.broken(accumulated=yuan(accumulated), value=yuan(sum(worn)))
    pieces = list(zip(assets, values, worn, strict=True))
    return (
        *(
            AccountingTransferred(
                asset=a, out_voucher=out_voucher, in_voucher=in_voucher, gross=g, accumulated=d
            )
            for a, g, d in pieces
        ),
        *(
            Ask(
                f"asset/{a}",
                "move_books_to",
                {"unit": case_.to_unit, "gross": g, "accumulated": d},
            )
            for a, g, d in zip(assets, values, stated, strict=True)
        ),
    )


def between(giver: Unit, taker: Unit) -> Scope | None:
    """Return how far two units are apart, the widest that is known; None when nothing is."""
    if giver.level and taker.level and giver.level is not taker.level:
        return Scope.LEVELS
    if giver.region and taker.region and giver.region != taker.region:
        return Scope.REGIONS
    if not giver.competent or not taker.competent:
        return None
    return Scope.WITHIN if giver.competent == taker.competent else Scope.DEPARTMENTS


@assets_.lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    SPARE,
    NOT_OVERDUE_HOME,
    zh="调剂占用",
    en="Hold for reallocation",
    inner=True,
)
def hold_for_reallocation(
    asset: Asset, _: Occasion, *, case: Stream, from_unit: UnitId
) -> HeldForProcess:
    """Reserve the asset for the unit that asked first."""
    if from_unit != asset.custodian:
        raise GIVER_HOLDS.broken(from_unit=from_unit, custodian=asset.custodian)
    return HeldForProcess(case=case, lock=Lock.RESERVED)


@assets_.lifecycle.verb(ON_BOOKS, IN_TRANSIT, zh="调入", en="Arrive", inner=True)
def transfer_in(
    asset: Asset,
    occasion: Occasion,
    *,
    unit: UnitId,
    case: Stream,
    place: PlaceId | None = None,
    scanned: Code = "",
) -> tuple[TransferredIn | Ask, ...]:
    """Let the asset arrive at its new holder; a vehicle counts for that unit from now on."""
    arrived(asset, case, scanned)
    me, before = occasion.stream.partition("/")[2], (asset.custodian, asset.accounting_unit)
    return (
        TransferredIn(unit=unit, place=place),
        *kinds.uncounted(asset.kind, before, me, "调出"),
        *kinds.counted(asset.kind, unit, occasion),
    )


@assets_.lifecycle.verb(ON_BOOKS, zh="账随物走", en="Follow with the books", inner=True)
def move_books_to(
    asset: Asset, _: Occasion, *, unit: UnitId, gross: Fen, accumulated: Fen | None = None
) -> BooksMoved:
    """Let another unit account for the asset, at the value and depreciation it takes over."""
    if asset.value is not None and gross != asset.value:
        raise AS_CARD.broken(gross=yuan(gross), value=yuan(asset.value))
    if accumulated and not kinds.depreciates(asset.kind, asset.value_type):
        raise kinds.DEPRECIABLE.broken()
    if accumulated is not None and accumulated + (asset.residual or 0) > gross:
        raise WITHIN_COST.broken()
    return BooksMoved(unit=unit, gross=gross, accumulated=accumulated)


@step_of(Reallocation)
def next_step(case: Reallocation) -> OpenStep | None:
    """Say who must do what next; what was only read in a published register has no next step."""
    match case.status:
        case ReallocationStatus.REQUESTED if case.applicant:
            return decision(case.approval, (Role.OFFICE, Role.FINANCE), case.to_unit)
        case _ if case.moving:
            return OpenStep(verb="confirm_in", roles=CARRIERS, unit=case.to_unit)
        case ReallocationStatus.APPROVED | ReallocationStatus.SHIPPED if case.waiting:
            return OpenStep(verb="confirm_out", roles=CARRIERS, unit=case.from_unit)
        case _ if case.arrived:
            return OpenStep(verb="move_books", roles=(Role.ACCOUNTANT, Role.FINANCE))
        case _:
            return None
