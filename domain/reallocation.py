"""Reallocation: another unit takes over; two confirmations and two vouchers (#29-#32).

A request may name assets, or only say what is needed (as the published requisitions do).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Custody, Lock
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import ON_THE_LIST, OTHER_PERSON, HeldForProcess, held_by, listed, releases
from domain.values import (
    AssetId,
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
    waiting: frozenset[str] = frozenset()
    moving: frozenset[str] = frozenset()
    sent: frozenset[tuple[str, str]] = frozenset()  # each piece on the way and who sent it
    arrived: frozenset[str] = frozenset()
    booked: frozenset[str] = frozenset()
    reason: str = ""
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the reallocation stands."""
        counts = (len(self.waiting), len(self.moving), len(self.arrived | self.booked))
        if lang == "zh":
            return "调剂单{}，待调出{}项、在途{}项、已调入{}项".format(
                self.status.words.zh, *counts
            )
        return "The reallocation is {}: {} to send, {} on the way, {} received".format(
            self.status.words.en, *counts
        )


lifecycle: Lifecycle[Reallocation] = Lifecycle(
    "reallocation", Reallocation, Words("调剂单", "Reallocation")
)

# What happened ----------------------------------------------------------------


class ReallocationRequested(
    Event,
    name="reallocation.requested",
    zh="{to_unit}申请调剂：{item}，数量{quantity}{measure}",
    en="{to_unit} requests {item}, {quantity} {measure}",
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


class ReallocationApproved(
    Event,
    name="reallocation.approved",
    zh="批准调剂（{scope}），文号{approval_no}",
    en="Reallocation approved ({scope}): {approval_no}",
):
    """#30 It may move; nothing has moved yet."""

    scope: Scope | None = None
    approval_no: Code = ""


class ReallocationRefused(
    Event,
    name="reallocation.refused",
    zh="不同意调剂：{reason}（{by_whom}）",
    en="Reallocation refused: {reason} ({by_whom})",
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
):
    """#31 The giving side handed one piece out."""

    asset: AssetId
    sender: PersonId


class TransferInConfirmed(
    Event,
    name="reallocation.transfer_in_confirmed",
    zh="调入确认：{asset}",
    en="Arrival confirmed: {asset}",
):
    """#31 The taking side has one piece in its hands."""

    asset: AssetId
    place: PlaceId | None = None


class AccountingTransferred(
    Event,
    name="reallocation.accounting_transferred",
    zh="账务划转：{asset}，调出凭证{out_voucher}，调入凭证{in_voucher}",
    en="Books moved: {asset}, vouchers {out_voucher} and {in_voucher}",
):
    """#32 Both sides booked the same amounts, in fen."""

    asset: AssetId
    out_voucher: Code
    in_voucher: Code
    gross: Fen
    accumulated: Fen = 0


ReallocationEvent: TypeAlias = (
    ReallocationRequested
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
):
    """#32 Another unit accounts for it now."""

    unit: UnitId
    gross: Fen
    accumulated: Fen = 0


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
        case ReallocationApproved():
            return replace(case, status=ReallocationStatus.APPROVED)
        case ReallocationRefused(reason=reason):
            return replace(
                case, status=ReallocationStatus.REFUSED, waiting=frozenset(), reason=reason
            )
        case ReallocationWithdrawn():
            return replace(case, status=ReallocationStatus.WITHDRAWN, waiting=frozenset())
        case ConsignmentShipped():
            return replace(case, status=ReallocationStatus.SHIPPED)
        case TransferOutConfirmed(asset=asset, sender=sender):
            return replace(
                case,
                status=ReallocationStatus.SHIPPED,
                waiting=case.waiting - {asset},
                moving=case.moving | {asset},
                sent=case.sent | {(asset, sender)},
            )
        case TransferInConfirmed(asset=asset):
            moving = case.moving - {asset}
            left = moving or case.waiting
            return replace(
                case,
                status=case.status if left else ReallocationStatus.RECEIVED,
                moving=moving,
                sent=frozenset(pair for pair in case.sent if pair[0] != asset),
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
                place=place or "",
                lock=Lock.NONE,
                case="",
            )
        case BooksMoved(unit=unit):
            return replace(asset, accounting_unit=unit)
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
TWO_SIDES = Rule(
    slug="sender-is-receiver",
    zh="调出确认与调入确认须由两人分别办理。",
    en="Sending and arrival are confirmed by two different people.",
    law="《行政事业性国有资产管理条例》第22、51条",
    holds=lambda case, occasion: any(sender != occasion.by for _, sender in case.sent),
)
DIFFERENT_UNITS = Rule(
    slug="same-unit",
    zh="调出单位与调入单位相同；本单位内请办理领用或移位。",
    en="Giver and taker are the same unit; issue or move the asset instead.",
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


@lifecycle.verb(NEW, zh="申请调剂", en="Request a reallocation", roles=(Role.CLERK, Role.OFFICE))
def request(
    _: Reallocation,
    occasion: Occasion,
    *,
    from_unit: UnitId,
    to_unit: UnitId,
    item: Name,
    assets: tuple[AssetId, ...],
    purpose: Text = "",
) -> tuple[Event | Ask, ...]:
    """Ask for assets another unit or the warehouse can spare; they are reserved meanwhile."""
    if from_unit == to_unit:
        raise DIFFERENT_UNITS.broken()
    form = {"case": occasion.stream, "from_unit": from_unit}
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
        *(Ask(f"asset/{a}", "hold_for_reallocation", form) for a in assets),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    zh="批准调剂",
    en="Approve the reallocation",
    roles=(Role.OFFICE, Role.FINANCE),
)
def approve(
    _: Reallocation, __: Occasion, *, scope: Scope, approval_no: Reference
) -> ReallocationApproved:
    """Approve the reallocation; the assets move only when both sides confirm."""
    return ReallocationApproved(scope=scope, approval_no=approval_no)


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    zh="不同意调剂",
    en="Refuse the reallocation",
    roles=(Role.OFFICE, Role.FINANCE),
)
def refuse(case_: Reallocation, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the reallocation and free the assets."""
    return (
        ReallocationRefused(reason=reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


@lifecycle.verb(
    NOTHING_SENT, zh="撤回调剂", en="Withdraw the reallocation", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw(case_: Reallocation, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the request and free the assets; nothing has been sent yet."""
    return (
        ReallocationWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(case_.waiting)), reason),
    )


@lifecycle.verb(APPROVED, zh="调出确认", en="Confirm sending", roles=(Role.KEEPER, Role.CLERK))
def confirm_out(
    case_: Reallocation, occasion: Occasion, *, asset: AssetId
) -> tuple[TransferOutConfirmed, Ask]:
    """Confirm that one piece left the giving side."""
    if asset not in case_.waiting:
        raise ON_THE_LIST.broken(asset=asset)
    return (
        TransferOutConfirmed(asset=asset, sender=occasion.by),
        Ask(f"asset/{asset}", "transfer_out", {"to_unit": case_.to_unit, "case": occasion.stream}),
    )


@lifecycle.verb(
    ON_THE_WAY, TWO_SIDES, zh="调入确认", en="Confirm arrival", roles=(Role.KEEPER, Role.CLERK)
)
def confirm_in(
    case_: Reallocation, occasion: Occasion, *, asset: AssetId, place: PlaceId | None = None
) -> tuple[TransferInConfirmed, Ask]:
    """Confirm that one piece is in the hands of the taking side."""
    if asset not in case_.moving:
        raise ON_THE_LIST.broken(asset=asset)
    if (asset, occasion.by) in case_.sent:
        raise TWO_SIDES.broken()
    form = {"unit": case_.to_unit, "place": place, "case": occasion.stream}
    return (
        TransferInConfirmed(asset=asset, place=place),
        Ask(f"asset/{asset}", "transfer_in", form),
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
    accumulated: Fen = 0,
) -> tuple[AccountingTransferred, Ask]:
    """Record the two vouchers by which the books follow the thing."""
    if asset not in case_.arrived:
        raise ON_THE_LIST.broken(asset=asset)
    form = {"unit": case_.to_unit, "gross": gross, "accumulated": accumulated}
    return (
        AccountingTransferred(
            asset=asset,
            out_voucher=out_voucher,
            in_voucher=in_voucher,
            gross=gross,
            accumulated=accumulated,
        ),
        Ask(f"asset/{asset}", "move_books_to", form),
    )


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, SPARE, zh="调剂占用", en="Hold for reallocation", inner=True
)
def hold_for_reallocation(
    asset: Asset, _: Occasion, *, case: Stream, from_unit: UnitId
) -> HeldForProcess:
    """Reserve the asset for the unit that asked first."""
    if from_unit != asset.custodian:
        raise GIVER_HOLDS.broken(from_unit=from_unit, custodian=asset.custodian)
    return HeldForProcess(case=case, lock=Lock.RESERVED)


@assets_.lifecycle.verb(ON_BOOKS, SPARE, zh="调出", en="Send", inner=True)
def transfer_out(asset: Asset, _: Occasion, *, to_unit: UnitId, case: Stream) -> TransferredOut:
    """Let the asset leave for another unit."""
    held_by(asset, case)
    return TransferredOut(to_unit=to_unit, case=case)


@assets_.lifecycle.verb(ON_BOOKS, IN_TRANSIT, zh="调入", en="Arrive", inner=True)
def transfer_in(
    asset: Asset, _: Occasion, *, unit: UnitId, case: Stream, place: PlaceId | None = None
) -> TransferredIn:
    """Let the asset arrive at its new holder."""
    held_by(asset, case)
    return TransferredIn(unit=unit, place=place)


@assets_.lifecycle.verb(ON_BOOKS, zh="账随物走", en="Follow with the books", inner=True)
def move_books_to(
    _: Asset, __: Occasion, *, unit: UnitId, gross: Fen, accumulated: Fen = 0
) -> BooksMoved:
    """Let another unit account for the asset."""
    return BooksMoved(unit=unit, gross=gross, accumulated=accumulated)
