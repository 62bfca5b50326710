"""Intake into the public warehouse, physical or virtual, with or without the books (#23-#27)."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import kinds
from domain.approval import (
    DECIDERS,
    LAST_STEP,
    Approval,
    Resubmitted,
    RouteLaid,
    laid,
    laid_anew,
    my_turn,
    route,
    routed,
)
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Custody, Lock, Offer
from domain.correcting import correctable, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.demand import told_of
from domain.handover import (
    GIVING_SIDE,
    TAKEN_FROM_TRANSIT,
    TAKING_SIDE,
    Scans,
    arrived,
    given_out,
    identified,
    moving,
    on_the_way,
    read_off,
    taken_in,
    without,
)
from domain.holding import (
    ON_THE_LIST,
    OTHER_PERSON,
    HeldForProcess,
    declined,
    held_by,
    in_part,
    listed,
    releases,
)
from domain.open_steps import CARRIERS, OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action, Claiming, Window
from domain.receiving import Difference, DifferenceFound, Differing, differing, unsettled
from domain.receiving import said as differences_said
from domain.values import (
    AssetId,
    Code,
    Fen,
    Given,
    PersonId,
    PlaceId,
    Reference,
    Stream,
    Text,
    UnitId,
)
from domain.words import Role, Term, Words, in_words


class IntakeStatus(Term):
    """Where an intake stands."""

    NONE = "none", "未申请", "not applied for"
    APPLIED = "applied", "已申请", "applied for"
    APPROVED = "approved", "已审核", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    RECEIVED = "received", "已入仓", "received"


BY_MEASURES = "《内蒙古自治区机关事务管理办法》第17条"
BY_REGULATIONS = "《内蒙古自治区机关运行保障条例》第16条"


class IntakeGround(Term):
    """Why it comes in, each with the articles that name it (DOMAIN.md b.2 #23)."""

    IDLE = "idle", "闲置", "idle", BY_MEASURES, BY_REGULATIONS
    UNDER_USED = "under_used", "低效运行", "under-used", BY_MEASURES, BY_REGULATIONS
    OVER_STANDARD = (
        "over_standard",
        "超标准配置",
        "over the configuration standard",
        BY_MEASURES,
    )
    EVENT = "event", "会议活动配置", "bought for a meeting or event", BY_MEASURES, BY_REGULATIONS
    TEMPORARY = "temporary", "临时机构资产", "of a temporary body", BY_REGULATIONS
    VACATED = "vacated", "腾退", "vacated", "《内蒙古自治区机关事务管理办法》第22条"


GROUNDS = {ground.value: ground for ground in IntakeGround}


class Books(Term):
    """Whether intake moves the books; both occur (DOMAIN.md, open questions)."""

    CUSTODY_ONLY = "custody_only", "只代管，账不动", "custody only, books stay"
    TRANSFER = "transfer", "账随物走", "books move with the thing"


class Intake(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The list and what is left to receive."""

    status: IntakeStatus = IntakeStatus.NONE
    applicant: str = ""
    unit: str = ""
    ground: IntakeGround | None = None
    warehouse: str = ""
    keeper_unit: str = ""
    virtual: bool = False
    books: Books = Books.CUSTODY_ONLY
    waiting: frozenset[str] = frozenset()
    received: frozenset[str] = frozenset()
    sent: frozenset[tuple[str, str]] = frozenset()  # each piece on the way and who gave it out
    differences: tuple[Differing, ...] = ()
    approval: Approval = Approval()
    number: str = ""
    dataset: str = ""

    @property
    def giver_unit(self) -> str:
        """Return the side that gives out."""
        return self.unit

    @property
    def taker_unit(self) -> str:
        """Return the side that takes in."""
        return self.keeper_unit

    def describe(self, lang: Lang) -> str:
        """Say where the intake stands."""
        counts = (len(self.waiting), len(self.received))
        step = self.approval.describe(lang) if self.status is IntakeStatus.APPLIED else ""
        if lang == "zh":
            said = "入仓单{}，待接收{}项、已接收{}项".format(self.status.words.zh, *counts)
        else:
            said = "The intake is {}: {} to receive, {} received".format(
                self.status.words.en, *counts
            )
        return said + in_words(differences_said(self), lang) + step


lifecycle: Lifecycle[Intake] = Lifecycle("intake", Intake, Words("入仓单", "Intake"))

# What happened ----------------------------------------------------------------


class IntakeApplied(
    Event,
    name="intake.applied",
    zh="{unit}申请入仓（{ground}）至{warehouse}",
    en="{unit} applies for intake ({ground}) into {warehouse}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#23 A unit offers what it does not need."""

    applicant: PersonId
    unit: UnitId
    ground: IntakeGround
    warehouse: PlaceId
    assets: tuple[AssetId, ...]
    note: Text = ""
    dataset: Code = ""


class IntakeApproved(
    Event,
    name="intake.approved",
    zh="同意入仓，{books}，由{keeper_unit}保管",
    en="Intake approved, {books}, kept by {keeper_unit}",
    duty="approve",
    papers=(PaperForm.APPROVAL, PaperForm.VOUCHER_OUT, PaperForm.VOUCHER_IN),
):
    """#24 It may come in: physically or virtually, with or without the books."""

    keeper_unit: UnitId
    virtual: bool
    books: Books
    approval_no: Code = ""


class IntakeRefused(
    Event,
    name="intake.refused",
    zh="不同意入仓：{reason}",
    en="Intake refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#24 It stays where it is."""

    reason: Text


class IntakeWithdrawn(
    Event,
    name="intake.withdrawn",
    zh="撤回入仓申请：{reason}",
    en="Intake withdrawn: {reason}",
    duty="apply",
):
    """#23 The unit needs it after all; nothing had been received."""

    reason: Text


class IntakeRestWithdrawn(
    Event,
    name="intake.rest_withdrawn",
    zh="余下物品不再入仓：{reason}",
    en="The rest does not come in: {reason}",
):
    """#25 What was still to be given out stays with its unit."""

    reason: Text


class IntakeItemReceived(
    Event,
    name="intake.item_received",
    zh="接收{asset}，{condition}",
    en="{asset} received {condition}",
    duty="execute",
    papers=(PaperForm.INTAKE_RECEIPT, PaperForm.RECEIPT),
):
    """#25 One piece was counted in; a difference is a fact, however unwelcome."""

    asset: AssetId
    condition: Code = ""
    difference: Text = ""
    receipt: Code = ""
    scanned: Code = ""


IntakeEvent: TypeAlias = (
    IntakeApplied
    | IntakeApproved
    | IntakeRefused
    | IntakeWithdrawn
    | IntakeRestWithdrawn
    | IntakeItemReceived
)


class ReceivedIntoWarehouse(
    Event,
    name="asset.received_into_warehouse",
    zh="入仓：{warehouse} {shelf}",
    en="Received into {warehouse} {shelf}",
):
    """#25 It is in the warehouse; virtually means that it still stands at the holder's site.

    `accounting_unit` is set only when the books move with the thing.
    """

    warehouse: PlaceId
    virtual: bool
    keeper_unit: UnitId | None = None
    accounting_unit: UnitId | None = None
    shelf: Code = ""
    condition: Code = ""
    case: Stream | None = None


class Refurbished(
    Event,
    name="asset.refurbished",
    zh="修复性使用：{result}，成色{condition}，费用{cost}",
    en="Refurbished: {result}, condition {condition}, cost {cost}",
):
    """#26 The warehouse made it usable again (自治区政府令231号 第18条); cost in fen."""

    result: Text
    condition: Code
    cost: Fen | None = None


class ListedForReuse(
    Event,
    name="asset.listed_for_reuse",
    zh="上架供调剂：{description}",
    en="Listed for reuse: {description}",
):
    """#27 Other units can see it and ask for it, on the terms of its place that are told here.

    `available_from`: the day on which it will be free, None: at once; `offer_until`: the last day of
    the offer; `delivers`: its holder brings it. `windows` and `claiming` are None or empty where the
    place has no such rules; entries before them say neither, nor `listed_on`.
    """

    description: Text = ""
    remaining_life: Code = ""
    condition: Code = ""
    listed_on: date | None = None
    available_from: date | None = None
    offer_until: date | None = None
    windows: tuple[Window, ...] = ()
    claiming: Claiming = Claiming()
    delivers: bool = False


class DelistedFromReuse(
    Event, name="asset.delisted_from_reuse", zh="下架：{reason}", en="Taken off the list: {reason}"
):
    """#27 It is not on offer any more."""

    reason: Text


class PutOnShelf(
    Event,
    name="asset.put_on_shelf",
    zh="移至库位{shelf}",
    en="Put on shelf {shelf}",
):
    """#17 It stands in another bin of the same warehouse."""

    shelf: Code


WarehouseEvent: TypeAlias = (
    ReceivedIntoWarehouse | Refurbished | PutOnShelf | ListedForReuse | DelistedFromReuse
)

# Where that leaves us ---------------------------------------------------------


def evolve(intake: Intake, event: IntakeEvent) -> Intake:
    """What an event means. Never refuses: it already happened."""
    match event:
        case IntakeApplied():
            return Intake(
                status=IntakeStatus.APPLIED,
                applicant=event.applicant,
                unit=event.unit,
                ground=event.ground,
                warehouse=event.warehouse,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case IntakeApproved(keeper_unit=keeper, virtual=virtual, books=books):
            return replace(
                intake,
                status=IntakeStatus.APPROVED,
                keeper_unit=keeper,
                virtual=virtual,
                books=books,
            )
        case IntakeRefused():
            return replace(intake, status=IntakeStatus.REFUSED, waiting=frozenset())
        case IntakeWithdrawn():
            return replace(intake, status=IntakeStatus.WITHDRAWN, waiting=frozenset())
        case IntakeRestWithdrawn():
            waiting = intake.waiting & on_the_way(intake)
            status = intake.status if waiting else IntakeStatus.RECEIVED
            return replace(intake, status=status, waiting=waiting)
        case IntakeItemReceived(asset=asset):
            waiting = intake.waiting - {asset}
            return replace(
                intake,
                status=intake.status if waiting else IntakeStatus.RECEIVED,
                waiting=waiting,
                received=intake.received | {asset},
                sent=without(intake.sent, asset),
            )
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: WarehouseEvent) -> Asset:
    """What the warehouse means for the thing."""
    match event:
        case ReceivedIntoWarehouse():
            return replace(
                asset,
                custody=Custody.VIRTUAL if event.virtual else Custody.WAREHOUSE,
                home=Custody.NONE,
                lock=Lock.NONE,
                case="",
                custodian=event.keeper_unit or asset.custodian,
                accounting_unit=event.accounting_unit or asset.accounting_unit,
                user="",
                place=asset.place if event.virtual and asset.place else event.warehouse,
                shelf=event.shelf,
                grade=event.condition or asset.grade,
                bought_for="",
                bought_for_ground="",
                home_by=None,
            )
        case Refurbished(condition=condition):
            return replace(asset, grade=condition)
        case PutOnShelf(shelf=shelf):
            return replace(asset, shelf=shelf)
        case ListedForReuse():
            offer = Offer(
                listed_on=event.listed_on,
                description=event.description,
                remaining_life=event.remaining_life,
                available_from=event.available_from,
                offer_until=event.offer_until,
                delivers=event.delivers,
                windows=event.windows,
                claiming=event.claiming,
            )
            grade = event.condition or asset.grade
            return replace(asset, listed=True, offer=offer, grade=grade)
        case DelistedFromReuse():
            return replace(asset, listed=False, offer=None, contenders=())
        case _:
            assert_never(event)


lifecycle.part(IntakeEvent, evolve)
assets_.lifecycle.part(WarehouseEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="intake-exists",
    zh="该入仓单已经提出。",
    en="This intake has been applied for already.",
    holds=lambda intake, _: intake.status is IntakeStatus.NONE,
)
APPLIED = Rule(
    slug="intake-not-awaiting-decision",
    zh="该入仓单不在待审核状态。",
    en="The intake does not await a decision.",
    holds=lambda intake, _: intake.status is IntakeStatus.APPLIED,
)
APPROVED = Rule(
    slug="intake-not-approved",
    zh="入仓须先审核同意，才能接收。",
    en="Things are received only after the intake was approved.",
    holds=lambda intake, _: intake.status is IntakeStatus.APPROVED,
)
NOTHING_RECEIVED = Rule(
    slug="intake-begun-or-over",
    zh="入仓单已开始接收、已办结或尚未提出，不能撤回。",
    en="An intake can be withdrawn only before its first piece is received.",
    holds=lambda intake, _: (
        intake.status in (IntakeStatus.APPLIED, IntakeStatus.APPROVED)
        and not intake.received
        and not intake.sent
    ),
)
SOME_RECEIVED = Rule(
    slug="intake-not-begun",
    zh="尚未接收任何物品；整单不再入仓请办理“撤回入仓”。",
    en="Nothing has been received yet; withdraw the whole intake instead.",
    holds=lambda intake, _: bool(intake.received),
)
REST_TO_GIVE = Rule(
    slug="nothing-left-to-give",
    zh="没有尚未交出的物品。",
    en="Nothing of this intake still waits to be given out.",
    holds=lambda intake, _: bool(intake.waiting - on_the_way(intake)),
)
PHYSICAL = Rule(
    slug="virtual-stays",
    zh="虚拟入仓的资产留在原处，无须交出；请由仓管单位直接接收。",
    en="What comes in virtually stays where it stands; the keeping unit receives it at once.",
    holds=lambda intake, _: not intake.virtual,
)
ARRIVING = Rule(
    slug="nothing-to-receive",
    zh="申请单位尚未交出物品，没有可接收的。",
    en="The applying unit has given out nothing that is still to be received.",
    holds=lambda intake, _: intake.virtual or bool(intake.waiting & on_the_way(intake)),
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
ARRIVED = Rule(
    slug="nothing-arrives",
    zh="入仓单尚未审核同意，没有物品到达。",
    en="The intake is not approved, so nothing arrives.",
    holds=lambda intake, _: intake.status in (IntakeStatus.APPROVED, IntakeStatus.RECEIVED),
)
DIFFERENCE_SAID = Rule(
    slug="difference-not-said",
    zh="接收时有差异的，须写明差异情况。",
    en="Say in words what differs from the list.",
)
moving(lifecycle)
in_part(lifecycle)
differing(lifecycle, ARRIVED)
TO_SPARE = Rule(
    slug="not-to-spare",
    zh="只有库存、闲置或低效的资产才能申请入仓；在用资产请先交回或认定闲置。",
    en="Only an asset in store, idle or under-used can go into the warehouse; "
    "take it back or declare it idle first.",
    law="《内蒙古自治区机关事务管理办法》第17条",
    holds=lambda asset, _: asset.custody in (Custody.STORE, Custody.IDLE, Custody.UNDER_USED),
)
HOLDER_OFFERS = Rule(
    slug="unit-does-not-hold-it",
    zh="申请单位 {unit} 不是该资产的保管单位（{custodian}）。",
    en="The applying unit {unit} is not the custodian of the asset ({custodian}).",
)
ITS_GROUND = Rule(
    slug="comes-in-on-another-ground",
    zh="该资产登记为{ground}配置，入仓原因须如实填写。",
    en="The asset was bought for {ground}: that is the ground on which it comes in.",
    law="《内蒙古自治区机关运行保障条例》第16条",
)
IN_WAREHOUSE = Rule(
    slug="not-in-warehouse",
    zh="该资产不在公物仓内。",
    en="The asset is not in the public warehouse.",
    holds=lambda asset, _: asset.custody in (Custody.WAREHOUSE, Custody.VIRTUAL),
)
ON_A_SHELF = Rule(
    slug="stands-in-no-bin",
    zh="只有实体仓内的资产才有库位；虚拟入仓的资产留在原处。",
    en="Only what is in a physical warehouse stands in a bin; the rest stays where it is.",
    holds=lambda asset, _: asset.custody is Custody.WAREHOUSE,
)
OTHER_SHELF = Rule(
    slug="on-that-shelf",
    zh="该资产已在库位 {shelf}。",
    en="The asset is on shelf {shelf} already.",
)
OFFERED = (Custody.IDLE, Custody.UNDER_USED, Custody.WAREHOUSE, Custody.VIRTUAL)
OFFERABLE = Rule(
    slug="not-offerable",
    zh="只有闲置、低效或在仓的资产才能上架；在用或库存的资产须填写以后可用的日期，预先上架。",
    en="Only an asset that is idle, under-used or in the warehouse can be listed; what is in use or"
    " in store is listed ahead, with a later day on which it will be available.",
)
TO_OFFER = Rule(
    slug="not-at-hand-to-offer",
    zh="资产不在本单位或仓内，不能上架。",
    en="The asset is neither with the unit nor in the warehouse, so it cannot be listed.",
    holds=lambda asset, _: asset.custody in (*OFFERED, Custody.STORE, Custody.IN_USE),
)
OFFER_ENDS = Rule(
    slug="offer-ends-before-it-begins",
    zh="截止日期 {offer_until} 早于可用日期或业务日期 {after}。",
    en="The offer would end on {offer_until}, before {after}.",
)
NOT_LISTED = Rule(
    slug="already-listed",
    zh="该资产已经上架。",
    en="The asset is listed already.",
    holds=lambda asset, _: not asset.listed,
)
NOT_CLAIMED = Rule(
    slug="claimed-by-a-unit",
    zh="该资产已有单位申领并在保留期内，不能下架。",
    en="A unit holds the asset by a claim that has not expired, so it stays on the list.",
    holds=lambda asset, occasion: asset.free(occasion.on) or not asset.claimed,
)
LISTED = Rule(
    slug="not-listed",
    zh="该资产没有上架。",
    en="The asset is not listed.",
    holds=lambda asset, _: asset.listed,
)


@lifecycle.verb(NEW, zh="申请入仓", en="Apply for intake", roles=(Role.CLERK,))
def apply(
    _: Intake,
    occasion: Occasion,
    *,
    unit: UnitId,
    ground: IntakeGround,
    warehouse: PlaceId,
    assets: tuple[AssetId, ...],
    note: Text = "",
) -> tuple[Event | Ask, ...]:
    """Offer to the public warehouse what the unit does not need."""
    return (
        IntakeApplied(
            applicant=occasion.by,
            unit=unit,
            ground=ground,
            warehouse=warehouse,
            assets=listed(assets),
            note=note,
        ),
        *laid(occasion, route(occasion, Action.INTAKE)),
        Ask(f"place/{warehouse}", "take_property_in", {}),
        *(
            Ask(
                f"asset/{a}",
                "hold_for_intake",
                {"case": occasion.stream, "unit": unit, "ground": ground},
            )
            for a in assets
        ),
    )


@lifecycle.verb(
    APPLIED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="同意入仓",
    en="Approve the intake",
    roles=DECIDERS,
)
def approve(
    intake: Intake,
    occasion: Occasion,
    *,
    keeper_unit: UnitId,
    virtual: bool = False,
    books: Books = Books.CUSTODY_ONLY,
    approval_no: Code = "",
    assets: tuple[AssetId, ...] = (),
    reason: Text = "",
) -> tuple[Event | Ask, ...]:
    """Agree to the intake, or to the assets named.

    The thing comes in physically or virtually, with or without the books.
    """
    return (
        IntakeApproved(
            keeper_unit=keeper_unit, virtual=virtual, books=books, approval_no=approval_no
        ),
        *declined(intake, occasion, assets, reason),
    )


@lifecycle.verb(
    APPLIED,
    OTHER_PERSON,
    MY_TURN,
    zh="不同意入仓",
    en="Refuse the intake",
    roles=DECIDERS,
)
def refuse(intake: Intake, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the intake and free the assets."""
    return (
        IntakeRefused(reason=reason),
        *releases(occasion.stream, tuple(sorted(intake.waiting)), reason),
    )


def resubmit(
    intake: Intake,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list where it is named."""
    hold = (
        "hold_for_intake",
        {"case": occasion.stream, "unit": intake.unit, "ground": intake.ground},
    )
    changes = relisted(intake, occasion, intake.waiting, add, remove, note, hold)
    return (Resubmitted(note=note), *changes)


def lay_anew(
    intake: Intake, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[RouteLaid, ...]:
    """Say who decides about the corrected list."""
    return laid_anew(intake, occasion, route(occasion, Action.INTAKE))


routed(lifecycle, APPLIED, MY_TURN, resubmit)
correctable(lifecycle, APPLIED, lay_anew)


@lifecycle.verb(NOTHING_RECEIVED, zh="撤回入仓", en="Withdraw the intake", roles=(Role.CLERK,))
def withdraw(intake: Intake, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the application and free the assets; nothing has been received yet."""
    return (
        IntakeWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(intake.waiting)), reason),
    )


@lifecycle.verb(
    APPROVED,
    SOME_RECEIVED,
    REST_TO_GIVE,
    zh="余下不再入仓",
    en="Withdraw the rest",
    roles=(Role.CLERK, Role.OFFICE),
)
def withdraw_rest(intake: Intake, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Let the unit keep what it has not given out yet; what came in stays in."""
    rest = tuple(sorted(intake.waiting - on_the_way(intake)))
    return (IntakeRestWithdrawn(reason=reason), *releases(occasion.stream, rest, reason))


@lifecycle.verb(
    APPROVED,
    PHYSICAL,
    REST_TO_GIVE,
    GIVING_SIDE,
    zh="交出入仓物品",
    en="Give out",
    roles=(Role.CLERK, Role.KEEPER),
)
def hand_out(
    intake: Intake, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Give out pieces of the list; they are in transit until the warehouse takes them in."""
    return given_out(
        intake, occasion, assets, scanned, among=intake.waiting, to_unit=intake.keeper_unit
    )


@lifecycle.verb(APPROVED, ARRIVING, TAKING_SIDE, zh="接收入仓", en="Take in", roles=(Role.KEEPER,))
def take_in(
    intake: Intake,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    scanned: Scans = "",
    shelf: Code = "",
    condition: Code = "完好",
    differs: Difference | None = None,
    difference: Text = "",
    receipt: Code = "",
) -> tuple[Event | Ask, ...]:
    """Count pieces in that are in the same condition; their cards follow in the same breath.

    What `differs` from the list is recorded beside each piece, and stays open until it is settled.
    """
    if differs is not None and not difference.strip():
        raise DIFFERENCE_SAID.broken()
    pieces = counted(intake, occasion, assets, scanned)
    form = {
        "case": occasion.stream,
        "warehouse": intake.warehouse,
        "virtual": intake.virtual,
        "keeper_unit": intake.keeper_unit,
        "accounting_unit": intake.keeper_unit if intake.books is Books.TRANSFER else None,
        "shelf": shelf,
        "condition": condition,
    }
    return (
        *(
            IntakeItemReceived(
                asset=a, condition=condition, difference=difference, receipt=receipt, scanned=code
            )
            for a, code in pieces
        ),
        *(
            DifferenceFound(
                difference=differs, found=difference, finder=occasion.by, asset=a, scanned=code
            )
            for a, code in pieces
            if differs is not None
        ),
        *(Ask(f"asset/{a}", "enter_warehouse", form | {"scanned": code}) for a, code in pieces),
    )


def counted(
    intake: Intake, occasion: Occasion, assets: tuple[str, ...], scanned: str
) -> tuple[tuple[str, str], ...]:
    """Return each piece with the code read off it; what comes in virtually was never given out."""
    if not intake.virtual:
        return taken_in(intake, occasion, assets, scanned, among=intake.waiting)
    for asset in listed(assets):
        if asset not in intake.waiting:
            raise ON_THE_LIST.broken(asset=asset)
    return tuple(read_off(occasion, assets, scanned).items())


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, TO_SPARE, zh="入仓占用", en="Hold for intake", inner=True
)
def hold_for_intake(
    asset: Asset,
    _: Occasion,
    *,
    case: Stream,
    unit: UnitId,
    ground: IntakeGround | None = None,
) -> HeldForProcess:
    """Hold the asset while its intake is decided; what was bought for an occasion says so."""
    if unit != asset.custodian:
        raise HOLDER_OFFERS.broken(unit=unit, custodian=asset.custodian)
    if ground is not None and asset.bought_for_ground not in ("", ground.value):
        raise ITS_GROUND.broken(ground=GROUNDS[asset.bought_for_ground])
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


@assets_.lifecycle.verb(ON_BOOKS, zh="入仓", en="Enter the warehouse", inner=True)
def enter_warehouse(
    asset: Asset,
    occasion: Occasion,
    *,
    case: Stream,
    warehouse: PlaceId,
    virtual: bool,
    keeper_unit: UnitId,
    accounting_unit: UnitId | None = None,
    shelf: Code = "",
    condition: Code = "",
    scanned: Code = "",
) -> tuple[ReceivedIntoWarehouse | Ask, ...]:
    """Take the asset into the warehouse; virtually, it stays where it stands.

    A vehicle whose books go with it leaves the quota of its unit.
    """
    held_by(asset, case)
    if virtual:
        identified(asset, scanned)
    elif asset.custody is not Custody.TRANSIT:
        raise TAKEN_FROM_TRANSIT.broken()
    else:
        arrived(asset, case, scanned)
    received = ReceivedIntoWarehouse(
        warehouse=warehouse,
        virtual=virtual,
        keeper_unit=None if virtual else keeper_unit,
        accounting_unit=accounting_unit,
        shelf=shelf,
        condition=condition,
        case=case,
    )
    me, units = occasion.stream.partition("/")[2], (asset.custodian, asset.accounting_unit)
    left = units if accounting_unit else ()
    home = (Ask(asset.bought_for, "count_home", {"asset": me}),) if asset.bought_for else ()
    return (received, *kinds.uncounted(asset.kind, left, me, "入仓"), *home)


@assets_.lifecycle.verb(
    ON_BOOKS, IN_WAREHOUSE, zh="修复性使用", en="Refurbish", roles=(Role.KEEPER,)
)
def refurbish(
    _: Asset, __: Occasion, *, result: Given, condition: Code = "完好", cost: Fen | None = None
) -> Refurbished:
    """Record that the warehouse made the asset usable again."""
    return Refurbished(result=result, condition=condition, cost=cost)


@assets_.lifecycle.verb(ON_BOOKS, ON_A_SHELF, zh="移库位", en="Move to a bin", roles=(Role.KEEPER,))
def put_on_shelf(asset: Asset, _: Occasion, *, shelf: Reference) -> PutOnShelf:
    """Move the asset to another bin of its warehouse."""
    if shelf == asset.shelf:
        raise OTHER_SHELF.broken(shelf=shelf)
    return PutOnShelf(shelf=shelf)


@assets_.lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    TO_OFFER,
    NOT_LISTED,
    zh="上架",
    en="List for reuse",
    roles=(Role.KEEPER, Role.CLERK, Role.OFFICE),
)
def list_for_reuse(
    asset: Asset,
    occasion: Occasion,
    *,
    description: Text = "",
    remaining_life: Code = "",
    condition: Code = "",
    available_from: date | None = None,
    offer_until: date | None = None,
    delivers: bool = False,
) -> tuple[ListedForReuse | Ask, ...]:
    """Offer the asset to other units: at once, or ahead of the day on which it will be free.

    `delivers`: its holder brings it; else whoever gets it fetches it.
    For whom it is kept first, and for how long, are the rules of the place on this day.
    """
    ahead = available_from is not None and available_from > occasion.on
    if asset.custody not in OFFERED and not ahead:
        raise OFFERABLE.broken()
    first = max(occasion.on, available_from or occasion.on)
    if offer_until is not None and offer_until < first:
        raise OFFER_ENDS.broken(offer_until=offer_until, after=first)
    listed_ = ListedForReuse(
        description=description,
        remaining_life=remaining_life,
        condition=condition,
        listed_on=occasion.on,
        available_from=available_from if ahead else None,
        offer_until=offer_until,
        windows=occasion.policy.screening,
        claiming=occasion.policy.claiming,
        delivers=delivers,
    )
    return (listed_, *told_of(occasion))


@assets_.lifecycle.verb(
    ON_BOOKS,
    LISTED,
    NOT_CLAIMED,
    zh="下架",
    en="Take off the list",
    roles=(Role.KEEPER, Role.CLERK, Role.OFFICE),
)
def delist(asset: Asset, _: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Stop offering the asset; who waits to get it hears so."""
    lost = ((one.case, {"winner": None, "reason": reason}) for one in asset.contenders)
    return (DelistedFromReuse(reason=reason), *(Ask(case, "lose", form) for case, form in lost))


@step_of(Intake)
def next_step(intake: Intake) -> OpenStep | None:
    """Say who must do what next; what is in transit comes before what is still to be given out."""
    match intake.status:
        case IntakeStatus.APPLIED:
            return decision(intake.approval, (Role.OFFICE, Role.FINANCE), intake.unit)
        case IntakeStatus.APPROVED:
            if intake.virtual or on_the_way(intake):
                return OpenStep(verb="take_in", roles=(Role.KEEPER,), unit=intake.keeper_unit)
            return OpenStep(verb="hand_out", roles=CARRIERS, unit=intake.unit)
        case _ if unsettled(intake):
            return OpenStep(verb="settle_difference", roles=(Role.OFFICE, Role.FINANCE))
        case _:
            return None
