"""Disposal: proposal, approval, execution, derecognition and the income, each its own fact.

Approval, execution, accounting and money are separately dated (DOMAIN.md 0.1 #4);
what is executed is a subset of what was approved (T91).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain import asset as assets_
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Book, Custody, Lock
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import ON_THE_LIST, OTHER_PERSON, HeldForProcess, held_by, listed, releases
from domain.use import STILL_HERE
from domain.values import (
    PRINTABLE,
    AssetId,
    Code,
    Currency,
    Fen,
    Given,
    Name,
    PersonId,
    Reference,
    Stream,
    Text,
    UnitId,
)
from domain.words import Role, Term, Words


class Form(Term):
    """How it may be disposed of: the seven forms of 自治区政府令231号 第19条, and take-back."""

    ASSIGNMENT = "assignment", "无偿划转", "gratuitous transfer"
    DONATION = "donation", "对外捐赠", "donation"
    SALE = "sale", "转让", "transfer for value"
    AUCTION = "auction", "拍卖", "auction"
    EXCHANGE = "exchange", "置换", "exchange"
    SCRAP = "scrap", "报废", "scrapping"
    WRITE_OFF = "write_off", "损失核销", "loss write-off"
    TAKE_BACK = "take_back", "厂家回收", "manufacturer take-back"


class DisposalStatus(Term):
    """Where a disposal stands."""

    NONE = "none", "未提议", "not proposed"
    PROPOSED = "proposed", "已提议", "proposed"
    APPROVED = "approved", "已批准", "approved"
    REJECTED = "rejected", "未获批准", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    EXECUTED = "executed", "已执行", "executed"
    ASSESSED = "assessed", "收入已确认", "income assessed"
    REMITTED = "remitted", "已上缴国库", "remitted"


SOLD_FORMS = frozenset({Form.SALE, Form.AUCTION})
GIVEN_FORMS = frozenset({Form.ASSIGNMENT, Form.DONATION, Form.EXCHANGE})
SCRAP_FORMS = frozenset({Form.SCRAP, Form.TAKE_BACK})
LOST_FORMS = frozenset({Form.WRITE_OFF})


class Deduction(msgspec.Struct, frozen=True, kw_only=True):
    """One line between gross and net, in fen; never hidden in a total (DOMAIN.md h)."""

    type: Annotated[str, Meta(min_length=1, max_length=80, pattern=PRINTABLE)]
    amount: Fen


class Disposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was proposed, approved, carried out, derecognised; and the money."""

    status: DisposalStatus = DisposalStatus.NONE
    applicant: str = ""
    unit: str = ""
    form: Form = Form.SCRAP
    proposed: frozenset[str] = frozenset()
    approval_no: str = ""
    valid_until: date | None = None
    approved: frozenset[str] = frozenset()
    executed: frozenset[str] = frozenset()
    derecognised: frozenset[str] = frozenset()
    proceeds: int = 0
    currency: str = "CNY"
    net: int | None = None
    remitted: int = 0
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the disposal stands."""
        counts = (len(self.proposed), len(self.approved), len(self.executed))
        if lang == "zh":
            return "处置单（{}）{}，提议{}项、批准{}项、已执行{}项".format(
                self.form.words.zh, self.status.words.zh, *counts
            )
        return "The disposal ({}) is {}: {} proposed, {} approved, {} executed".format(
            self.form.words.en, self.status.words.en, *counts
        )


lifecycle: Lifecycle[Disposal] = Lifecycle("disposal", Disposal, Words("处置单", "Disposal"))

# What happened ----------------------------------------------------------------


class DisposalProposed(
    Event,
    name="disposal.proposed",
    zh="{unit}提议以{form}方式处置：{ground}（纪要{minutes_no}）",
    en="{unit} proposes disposal by {form}: {ground} (minutes {minutes_no})",
):
    """#34 A minuted meeting of the unit wants to dispose of the list (国令738 第19条)."""

    applicant: PersonId
    unit: UnitId
    form: Form
    ground: Text
    minutes_no: Code
    assets: tuple[AssetId, ...]
    dataset: Code = ""


class DisposalApproved(
    Event,
    name="disposal.approved",
    zh="批准处置，批复{approval_no}，核准金额{amount}",
    en="Disposal approved: {approval_no}, amount {amount}",
):
    """#36 The approval document lists what may go; the rest is let go. Amount in fen."""

    approval_no: Code
    assets: tuple[AssetId, ...]
    amount: Fen | None = None
    valid_until: date | None = None


class DisposalRejected(
    Event, name="disposal.rejected", zh="不予批准：{reason}", en="Disposal rejected: {reason}"
):
    """#36 Nothing may be disposed of."""

    reason: Text


class DisposalWithdrawn(
    Event,
    name="disposal.withdrawn",
    zh="撤回处置提议：{reason}",
    en="Disposal withdrawn: {reason}",
):
    """#34 The unit keeps the list after all; nobody had decided yet."""

    reason: Text


class Sold(
    Event,
    name="disposal.sold",
    zh="成交：{asset}，买受人{buyer}，成交价{price}",
    en="Sold: {asset} to {buyer} for {price}",
):
    """#39 One piece was sold; price in fen or cents of `currency`, buyer as a reference."""

    asset: AssetId
    price: Fen
    currency: Currency = "CNY"
    buyer: Code = ""
    deal_no: Code = ""
    auctioneer: Code = ""
    dataset: Code = ""


class GivenAway(
    Event,
    name="disposal.given_away",
    zh="移交{recipient}：{asset}，协议{agreement}",
    en="Handed to {recipient}: {asset}, agreement {agreement}",
):
    """#40 One piece was donated, assigned or exchanged."""

    asset: AssetId
    recipient: Name
    agreement: Code


class Scrapped(
    Event,
    name="disposal.scrapped",
    zh="报废交售{recycler}：{asset}，证明{certificate}，残值{price}",
    en="Scrapped with {recycler}: {asset}, certificate {certificate}, salvage {price}",
):
    """#41 One piece was handed to a licensed recycler; salvage in fen."""

    asset: AssetId
    recycler: Name
    certificate: Code
    price: Fen = 0


class LossWrittenOff(
    Event,
    name="disposal.loss_written_off",
    zh="损失核销：{asset}，核实批复{ruling_no}，赔偿{compensation}",
    en="Loss written off: {asset}, ruling {ruling_no}, compensation {compensation}",
):
    """#42 One piece is lost by an authority's ruling (国令738 第38、39条); compensation in fen.

    The file stays open beside the books (账销案存): nothing here deletes a card.
    """

    asset: AssetId
    ruling_no: Code
    evidence: Text
    compensation: Fen = 0


class AssetDerecognised(
    Event,
    name="disposal.asset_derecognised",
    zh="核销{asset}，凭证{voucher}",
    en="{asset} derecognised, voucher {voucher}",
):
    """#43 The books let one piece go."""

    asset: AssetId
    voucher: Code


class IncomeAssessed(
    Event,
    name="disposal.income_assessed",
    zh="确认处置收入：总额{gross}，应缴净额{net}",
    en="Income assessed: gross {gross}, net {net}",
):
    """#45 What is owed to the treasury, every deduction on its own line. Amounts in fen.

    `net` is None when the source does not state deductions.
    """

    gross: Fen
    currency: Currency = "CNY"
    deductions: tuple[Deduction, ...] = ()
    net: Fen | None = None


class RemittedToTreasury(
    Event,
    name="disposal.remitted_to_treasury",
    zh="上缴国库{amount}，缴款书{voucher}",
    en="Remitted to the treasury: {amount}, voucher {voucher}",
):
    """#48 Money reached the treasury; amount in fen."""

    amount: Fen
    voucher: Code
    treasury_on: date


DisposalEvent: TypeAlias = (
    DisposalProposed
    | DisposalApproved
    | DisposalRejected
    | DisposalWithdrawn
    | Sold
    | GivenAway
    | Scrapped
    | LossWrittenOff
    | AssetDerecognised
    | IncomeAssessed
    | RemittedToTreasury
)


class PutUpForDisposal(
    Event,
    name="asset.put_up_for_disposal",
    zh="列入待处置，批复{approval_no}",
    en="Pending disposal: {approval_no}",
):
    """#36 An approval document is in force for it; empty when the source does not name it."""

    case: Stream
    approval_no: Code = ""


class ConsignedForAuction(
    Event,
    name="asset.consigned_for_auction",
    zh="移交{auctioneer}待拍",
    en="Consigned to {auctioneer} for auction",
):
    """#38 An auctioneer has it for sale."""

    auctioneer: Code


class LeftForGood(
    Event,
    name="asset.left_for_good",
    zh="处置执行完毕（{form}），已离场",
    en="Disposal carried out ({form}); it left the site",
):
    """#39-#41 The thing is gone; the books still carry it."""

    form: Form
    case: Stream


class Derecognised(
    Event, name="asset.derecognised", zh="核销，凭证{voucher}", en="Derecognised, voucher {voucher}"
):
    """#43 Terminal: the card stays readable."""

    voucher: Code


class LeftBook(
    Event,
    name="asset.left_book",
    zh="自登记册消失，原因未载明：{reason}",
    en="Left the register, cause not stated: {reason}",
):
    """A register no longer lists it and does not say why (an interval, not a date)."""

    reason: Text


AssetDisposalEvent: TypeAlias = (
    PutUpForDisposal | ConsignedForAuction | LeftForGood | Derecognised | LeftBook
)

# Where that leaves us ---------------------------------------------------------


def evolve(case: Disposal, event: DisposalEvent) -> Disposal:
    """What an event means. Never refuses: it already happened."""
    match event:
        case DisposalProposed():
            return Disposal(
                status=DisposalStatus.PROPOSED,
                applicant=event.applicant,
                unit=event.unit,
                form=event.form,
                proposed=frozenset(event.assets),
                dataset=event.dataset,
            )
        case DisposalApproved():
            return replace(
                case,
                status=DisposalStatus.APPROVED,
                approval_no=event.approval_no,
                valid_until=event.valid_until,
                approved=frozenset(event.assets),
            )
        case DisposalRejected():
            return replace(case, status=DisposalStatus.REJECTED)
        case DisposalWithdrawn():
            return replace(case, status=DisposalStatus.WITHDRAWN)
        case Sold(asset=asset, price=price, currency=currency):
            dataset = event.dataset or case.dataset
            return carried_out(replace(case, currency=currency, dataset=dataset), asset, price)
        case GivenAway(asset=asset):
            return carried_out(case, asset, 0)
        case Scrapped(asset=asset, price=price):
            return carried_out(case, asset, price)
        case LossWrittenOff(asset=asset, compensation=compensation):
            return carried_out(case, asset, compensation)
        case AssetDerecognised(asset=asset):
            return replace(case, derecognised=case.derecognised | {asset})
        case IncomeAssessed(gross=gross, net=net, currency=currency):
            done = net is not None and case.remitted >= net
            status = DisposalStatus.REMITTED if done else DisposalStatus.ASSESSED
            return replace(case, status=status, net=net, proceeds=gross, currency=currency)
        case RemittedToTreasury(amount=amount):
            remitted = case.remitted + amount
            done = case.net is not None and remitted >= case.net
            status = DisposalStatus.REMITTED if done else case.status
            return replace(case, remitted=remitted, status=status)
        case _:
            assert_never(event)


def carried_out(case: Disposal, asset: str, proceeds: int) -> Disposal:
    """Count one piece as executed."""
    executed = case.executed | {asset}
    done = bool(case.approved) and executed >= case.approved
    return replace(
        case,
        status=DisposalStatus.EXECUTED if done else case.status,
        executed=executed,
        proceeds=case.proceeds + proceeds,
    )


def evolve_asset(asset: Asset, event: AssetDisposalEvent) -> Asset:
    """What a disposal means for the thing."""
    match event:
        case PutUpForDisposal(case=case):
            return replace(asset, book=Book.TO_DISPOSE, lock=Lock.NONE, case=case, listed=False)
        case ConsignedForAuction():
            return replace(asset, custody=Custody.WAREHOUSE)
        case LeftForGood():
            return replace(asset, custody=Custody.LEFT, user="", executed=True)
        case Derecognised() | LeftBook():
            return replace(
                asset, book=Book.GONE, custody=Custody.LEFT, user="", lock=Lock.NONE, listed=False
            )
        case _:
            assert_never(event)


lifecycle.part(DisposalEvent, evolve)
assets_.lifecycle.part(AssetDisposalEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="disposal-exists",
    zh="该处置单已经提出。",
    en="This disposal has been proposed already.",
    holds=lambda case, _: case.status is DisposalStatus.NONE,
)
PROPOSED = Rule(
    slug="disposal-not-awaiting-decision",
    zh="该处置单不在待审批状态。",
    en="The disposal does not await a decision.",
    holds=lambda case, _: case.status is DisposalStatus.PROPOSED,
)
APPROVED = Rule(
    slug="disposal-not-approved",
    zh="处置须先获批复才能执行。",
    en="A disposal is carried out only after it was approved.",
    law="《新疆维吾尔自治区机关事务管理办法》第19条",
    holds=lambda case, _: case.status is DisposalStatus.APPROVED,
)
IN_FORCE = Rule(
    slug="approval-expired",
    zh="批复 {approval_no} 的有效期至 {valid_until}，已过期；请重新报批。",
    en="The approval {approval_no} was valid until {valid_until}; ask for a new one.",
)
EXECUTED = Rule(
    slug="disposal-not-executed",
    zh="批准清单尚未全部执行完毕。",
    en="The approved list has not been carried out in full.",
    holds=lambda case, _: case.status is DisposalStatus.EXECUTED,
)
SOMETHING_EXECUTED = Rule(
    slug="nothing-executed",
    zh="没有已执行而未核销的资产。",
    en="Nothing was carried out that the books still carry.",
    holds=lambda case, _: bool(case.executed - case.derecognised),
)
ASSESSED = Rule(
    slug="income-not-assessed",
    zh="须先确认应缴收入，或收入已全部上缴。",
    en="The income must be assessed first, or all of it is remitted already.",
    law="《行政事业性国有资产管理条例》第26条",
    holds=lambda case, _: case.status is DisposalStatus.ASSESSED and case.net is not None,
)
APPROVED_PART = Rule(
    slug="approved-beyond-proposed",
    zh="批准清单中有未提议的资产：{assets}。",
    en="The approved list names assets nobody proposed: {assets}.",
)
RIGHT_FORM = Rule(
    slug="another-form",
    zh="批准的处置方式是{form}，不能按此办理。",
    en="The approved form is {form}; this step belongs to another form.",
    law="《新疆维吾尔自治区机关事务管理办法》第19条",
)
SUM_RIGHT = Rule(
    slug="income-does-not-add-up",
    zh="总额 {gross} 与已执行所得 {proceeds} 不符，或扣除合计超过总额（单位：分）。",
    en="Gross {gross} differs from the proceeds {proceeds}, or deductions exceed it (in fen).",
    law="《行政事业性国有资产管理条例》第26条",
)
NOT_TOO_MUCH = Rule(
    slug="remitted-beyond-due",
    zh="上缴 {amount} 超过尚欠 {left}（单位：分）。",
    en="{amount} is more than the {left} still due (in fen).",
)
SOMETHING_PAID = Rule(
    slug="nothing-remitted",
    zh="上缴金额必须大于零。",
    en="The amount remitted must be more than zero.",
)
PAID_ALREADY = Rule(
    slug="treasury-date-in-the-future",
    zh="入库日期 {treasury_on} 晚于业务日期 {on}。",
    en="The treasury date {treasury_on} is after the business date {on}.",
)
DISPOSABLE = Rule(
    slug="not-disposable-now",
    zh="只有库存、闲置、低效或在仓的资产才能提议处置；在用、出借、在途、维修的请先收回。",
    en="Only an asset in store, idle, under-used or in the warehouse can be proposed; "
    "take back what is in use, lent, in transit or under repair.",
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
OURS = Rule(
    slug="unit-has-no-say",
    zh="提议单位 {unit} 既不是入账单位（{accounting_unit}），也不是保管单位（{custodian}）。",
    en="The proposing unit {unit} neither accounts for the asset ({accounting_unit}) "
    "nor keeps it ({custodian}).",
)
TO_DISPOSE = Rule(
    slug="not-pending-disposal",
    zh="该资产不在待处置状态。",
    en="The asset is not pending disposal.",
    holds=lambda asset, _: asset.book is Book.TO_DISPOSE,
)
GONE = Rule(
    slug="still-here",
    zh="处置尚未执行，不能核销。",
    en="The disposal has not been carried out, so the books keep the asset.",
    law="《行政事业性国有资产管理条例》第35条",
    holds=lambda asset, _: asset.executed,
)


@lifecycle.verb(NEW, zh="提议处置", en="Propose a disposal", roles=(Role.CLERK, Role.OFFICE))
def propose(
    _: Disposal,
    occasion: Occasion,
    *,
    unit: UnitId,
    form: Form,
    ground: Given,
    minutes_no: Reference,
    assets: tuple[AssetId, ...],
) -> tuple[Event | Ask, ...]:
    """Propose to dispose of the listed assets, on the strength of a minuted decision."""
    hold = {"case": occasion.stream, "unit": unit}
    return (
        DisposalProposed(
            applicant=occasion.by,
            unit=unit,
            form=form,
            ground=ground,
            minutes_no=minutes_no,
            assets=listed(assets),
        ),
        *(Ask(f"asset/{a}", "hold_for_disposal", hold) for a in assets),
    )


@lifecycle.verb(
    PROPOSED,
    OTHER_PERSON,
    zh="批准处置",
    en="Approve the disposal",
    roles=(Role.OFFICE, Role.FINANCE),
)
def approve(
    disposal: Disposal,
    occasion: Occasion,
    *,
    approval_no: Reference,
    assets: tuple[AssetId, ...] = (),
    amount: Fen | None = None,
    valid_until: date | None = None,
) -> tuple[Event | Ask, ...]:
    """Approve all, or only the listed part; what is not approved is let go."""
    chosen = tuple(sorted(set(assets) or disposal.proposed))
    beyond = set(chosen) - disposal.proposed
    if beyond:
        raise APPROVED_PART.broken(assets=tuple(sorted(beyond)))
    rest = tuple(sorted(disposal.proposed - set(chosen)))
    form = {"case": occasion.stream, "approval_no": approval_no}
    return (
        DisposalApproved(
            approval_no=approval_no, assets=chosen, amount=amount, valid_until=valid_until
        ),
        *(Ask(f"asset/{a}", "put_up_for_disposal", form) for a in chosen),
        *releases(occasion.stream, rest, approval_no),
    )


@lifecycle.verb(
    PROPOSED,
    OTHER_PERSON,
    zh="不予批准",
    en="Reject the disposal",
    roles=(Role.OFFICE, Role.FINANCE),
)
def reject(disposal: Disposal, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Reject the disposal and free the assets."""
    return (
        DisposalRejected(reason=reason),
        *releases(occasion.stream, tuple(sorted(disposal.proposed)), reason),
    )


@lifecycle.verb(
    PROPOSED, zh="撤回处置", en="Withdraw the disposal", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw(disposal: Disposal, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the proposal and free the assets; nobody has decided yet."""
    return (
        DisposalWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(disposal.proposed)), reason),
    )


@lifecycle.verb(APPROVED, zh="登记成交", en="Record a sale", roles=(Role.OFFICE, Role.CLERK))
def sell(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    price: Fen,
    buyer: Reference,
    deal_no: Reference,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece was sold and handed to the buyer."""
    to_execute(disposal, occasion, asset, SOLD_FORMS)
    return (
        Sold(asset=asset, price=price, buyer=buyer, deal_no=deal_no),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(APPROVED, zh="移交受赠（划转）方", en="Give away", roles=(Role.OFFICE, Role.CLERK))
def give_away(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    recipient: Name,
    agreement: Reference,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece was donated, assigned or exchanged."""
    to_execute(disposal, occasion, asset, GIVEN_FORMS)
    return (
        GivenAway(asset=asset, recipient=recipient, agreement=agreement),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(APPROVED, zh="报废交售", en="Scrap", roles=(Role.OFFICE, Role.CLERK, Role.KEEPER))
def scrap(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    recycler: Name,
    certificate: Reference,
    price: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece went to a licensed recycler."""
    to_execute(disposal, occasion, asset, SCRAP_FORMS)
    return (
        Scrapped(asset=asset, recycler=recycler, certificate=certificate, price=price),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(
    APPROVED, zh="损失核销", en="Write off a loss", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def write_off(
    disposal: Disposal,
    occasion: Occasion,
    *,
    asset: AssetId,
    ruling_no: Reference,
    evidence: Given,
    compensation: Fen = 0,
) -> tuple[Event | Ask, ...]:
    """Record that one approved piece is lost, with the ruling and who has to pay for it."""
    to_execute(disposal, occasion, asset, LOST_FORMS)
    return (
        LossWrittenOff(
            asset=asset, ruling_no=ruling_no, evidence=evidence, compensation=compensation
        ),
        leave(asset, disposal, occasion.stream),
    )


@lifecycle.verb(
    SOMETHING_EXECUTED, zh="核销", en="Derecognise", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def derecognise(
    disposal: Disposal, _: Occasion, *, asset: AssetId, voucher: Reference
) -> tuple[AssetDerecognised, Ask]:
    """Let the books go of one piece that was disposed of."""
    if asset not in disposal.executed - disposal.derecognised:
        raise ON_THE_LIST.broken(asset=asset)
    return (
        AssetDerecognised(asset=asset, voucher=voucher),
        Ask(f"asset/{asset}", "derecognise_asset", {"voucher": voucher}),
    )


@lifecycle.verb(
    EXECUTED, zh="确认处置收入", en="Assess the income", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def assess_income(
    disposal: Disposal,
    _: Occasion,
    *,
    gross: Fen,
    deductions: tuple[Deduction, ...] = (),
) -> IncomeAssessed:
    """Say what is owed to the treasury; zero income closes with the same step."""
    taken = sum(d.amount for d in deductions)
    if gross != disposal.proceeds or taken > gross:
        raise SUM_RIGHT.broken(gross=gross, proceeds=disposal.proceeds)
    return IncomeAssessed(
        gross=gross, currency=disposal.currency, deductions=deductions, net=gross - taken
    )


@lifecycle.verb(
    ASSESSED, zh="登记上缴国库", en="Record remittance", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def remit(
    disposal: Disposal, occasion: Occasion, *, amount: Fen, voucher: Reference, treasury_on: date
) -> RemittedToTreasury:
    """Record money that reached the treasury."""
    if amount == 0:
        raise SOMETHING_PAID.broken()
    if treasury_on > occasion.on:
        raise PAID_ALREADY.broken(treasury_on=treasury_on, on=occasion.on)
    left = (disposal.net or 0) - disposal.remitted
    if amount > left:
        raise NOT_TOO_MUCH.broken(amount=amount, left=left)
    return RemittedToTreasury(amount=amount, voucher=voucher, treasury_on=treasury_on)


def to_execute(disposal: Disposal, occasion: Occasion, asset: str, forms: frozenset[Form]) -> None:
    """Refuse what was not approved, was done already, is too late, or belongs to another form."""
    until = disposal.valid_until
    if until is not None and occasion.on > until:
        raise IN_FORCE.broken(approval_no=disposal.approval_no, valid_until=until)
    if disposal.form not in forms:
        raise RIGHT_FORM.broken(form=disposal.form)
    if asset not in disposal.approved - disposal.executed:
        raise ON_THE_LIST.broken(asset=asset)


def leave(asset: str, disposal: Disposal, case: str) -> Ask:
    """Ask the asset to leave with the case's form."""
    return Ask(f"asset/{asset}", "leave_for_good", {"form": disposal.form, "case": case})


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, DISPOSABLE, zh="处置占用", en="Hold for disposal", inner=True
)
def hold_for_disposal(asset: Asset, _: Occasion, *, case: Stream, unit: UnitId) -> HeldForProcess:
    """Hold the asset while its disposal is decided."""
    if unit not in (asset.accounting_unit, asset.custodian):
        raise OURS.broken(
            unit=unit, accounting_unit=asset.accounting_unit, custodian=asset.custodian
        )
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


@assets_.lifecycle.verb(ON_BOOKS, zh="列入待处置", en="Put up for disposal", inner=True)
def put_up_for_disposal(
    asset: Asset, _: Occasion, *, case: Stream, approval_no: Code
) -> PutUpForDisposal:
    """Mark the asset as pending disposal under its approval document."""
    held_by(asset, case)
    return PutUpForDisposal(case=case, approval_no=approval_no)


@assets_.lifecycle.verb(TO_DISPOSE, STILL_HERE, zh="离场", en="Leave", inner=True)
def leave_for_good(_: Asset, __: Occasion, *, form: Form, case: Stream) -> LeftForGood:
    """Let the asset leave for good."""
    return LeftForGood(form=form, case=case)


@assets_.lifecycle.verb(TO_DISPOSE, GONE, zh="核销", en="Derecognise", inner=True)
def derecognise_asset(_: Asset, __: Occasion, *, voucher: Code) -> Derecognised:
    """Let the books go of the asset."""
    return Derecognised(voucher=voucher)
