"""A loan: units borrow from each other or from the warehouse; the books never move (#20-#22)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
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
from domain.asset import NOT_OVERDUE_HOME, ON_BOOKS, UNLOCKED, Asset, Custody, Lock
from domain.correcting import correctable, refuse_others, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.handover import (
    GIVING_SIDE,
    SOMETHING_SENT,
    TAKEN_FROM_TRANSIT,
    TAKING_SIDE,
    Scans,
    arrived,
    given_out,
    lent_from,
    moving,
    on_the_way,
    taken_in,
    without,
)
from domain.holding import OTHER_PERSON, HeldForProcess, declined, in_part, listed, releases
from domain.open_steps import CARRIERS, OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action, Priority
from domain.values import AssetId, Code, Fen, Given, PersonId, Reference, Stream, Text, UnitId
from domain.words import Role, Term, Words


class LoanStatus(Term):
    """Where a loan stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    APPROVED = "approved", "已批准", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    RUNNING = "running", "借用中", "running"
    CLOSED = "closed", "已归还", "closed"


class ReturnResult(Term):
    """What the keeper found when an item came back, item by item (DOMAIN.md i.4)."""

    SOUND = "sound", "完好", "sound"
    WORN = "worn", "正常磨损", "worn"
    DAMAGED = "damaged", "损坏", "damaged"


class Loan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The list, and which pieces wait, are out, or came back."""

    status: LoanStatus = LoanStatus.NONE
    applicant: str = ""
    lender: str = ""
    borrower: str = ""
    due: date | None = None
    purpose: str = ""
    need: Priority | None = None
    waiting: frozenset[str] = frozenset()
    out: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    extensions: int = 0
    sent: frozenset[tuple[str, str]] = frozenset()  # each piece on the way and who gave it out
    approval: Approval = Approval()
    number: str = ""
    dataset: str = ""

    @property
    def giver_unit(self) -> str:
        """Return the side that gives out; it takes back what returns."""
        return self.lender

    @property
    def taker_unit(self) -> str:
        """Return the side that takes in; it hands back what returns."""
        return self.borrower

    def describe(self, lang: Lang) -> str:
        """Say where the loan stands."""
        counts = (len(self.waiting), len(self.out), len(self.back))
        step = self.approval.describe(lang) if self.status is LoanStatus.REQUESTED else ""
        if lang == "zh":
            said = "借用单{}，待交付{}项、在外{}项、已还{}项".format(self.status.words.zh, *counts)
        else:
            said = "The loan is {}: {} to hand over, {} out, {} back".format(
                self.status.words.en, *counts
            )
        return said + step


lifecycle: Lifecycle[Loan] = Lifecycle("loan", Loan, Words("借用单", "Loan"))

# What happened ----------------------------------------------------------------


class LoanRequested(
    Event,
    name="loan.requested",
    zh="{borrower}申请向{lender}借用，拟于{due}前归还：{purpose}",
    en="{borrower} asks to borrow from {lender} until {due}: {purpose}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#20 Somebody wants to borrow the listed assets."""

    applicant: PersonId
    lender: UnitId
    borrower: UnitId
    assets: tuple[AssetId, ...]
    due: date
    purpose: Text
    dataset: Code = ""
    need: Priority | None = None  # the meeting, event or temporary body it is for, if it is for one


class LoanTermCorrected(
    Event,
    name="loan.term_corrected",
    zh="申请期限改为{due}前归还",
    en="Asked for until {due} now",
    duty="apply",
):
    """#20 The applicant asks for another term, before anything was decided."""

    due: date


class LoanApproved(
    Event,
    name="loan.approved",
    zh="批准借用，文号{approval_no}",
    en="Loan approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#20 It may be handed over; nothing has moved yet."""

    approval_no: Code


class LoanRefused(
    Event,
    name="loan.refused",
    zh="不同意借用：{reason}",
    en="Loan refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#20 The answer is no; the assets are free again."""

    reason: Text


class LoanWithdrawn(
    Event,
    name="loan.withdrawn",
    zh="撤回借用申请：{reason}",
    en="Loan withdrawn: {reason}",
    duty="apply",
):
    """The borrower needs it no longer."""

    reason: Text


class LoanRestWithdrawn(
    Event,
    name="loan.rest_withdrawn",
    zh="余下物品不再交付：{reason}",
    en="The rest is not handed over: {reason}",
):
    """#20 What still waited is free again; what is out stays out."""

    reason: Text


class LoanHandedOver(
    Event,
    name="loan.handed_over",
    zh="交付{asset}",
    en="{asset} handed over",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """#20 One piece is in the borrower's hands: both sides have confirmed."""

    asset: AssetId
    scanned: Code = ""


class LoanExtended(
    Event,
    name="loan.extended",
    zh="续借至{due}：{reason}",
    en="Extended until {due}: {reason}",
    duty="approve",
):
    """#21 The term is longer now."""

    due: date
    reason: Text


class LoanItemReturned(
    Event,
    name="loan.item_returned",
    zh="归还{asset}，验收{result}",
    en="{asset} came back {result}",
    duty="execute",
    papers=(PaperForm.RECEIPT,),
):
    """#22 One piece came back and was inspected; compensation in fen."""

    asset: AssetId
    result: ReturnResult
    note: Text = ""
    compensation: Fen | None = None
    scanned: Code = ""


LoanEvent: TypeAlias = (
    LoanRequested
    | LoanTermCorrected
    | LoanApproved
    | LoanRefused
    | LoanWithdrawn
    | LoanRestWithdrawn
    | LoanHandedOver
    | LoanExtended
    | LoanItemReturned
)


class AssetLent(
    Event,
    name="asset.lent",
    zh="出借给{borrower}，{due}前归还",
    en="Lent to {borrower} until {due}",
):
    """#20, #33 The borrower has it; the accounting unit stays (DOMAIN.md i.24)."""

    borrower: UnitId
    due: date
    case: Stream
    need: Priority | None = None


class LoanTermExtended(
    Event, name="asset.loan_term_extended", zh="续借至{due}", en="Loan extended until {due}"
):
    """#21 The borrower may keep it longer."""

    due: date


class ReturnInspected(
    Event,
    name="asset.return_inspected",
    zh="归还验收：{result}",
    en="Return inspected: {result}",
):
    """#22 It is back where it came from."""

    result: ReturnResult
    note: Text = ""


AssetLoanEvent: TypeAlias = AssetLent | LoanTermExtended | ReturnInspected

# Where that leaves us ---------------------------------------------------------


def evolve(loan: Loan, event: LoanEvent) -> Loan:
    """What an event means. Never refuses: it already happened."""
    match event:
        case LoanRequested():
            return Loan(
                status=LoanStatus.REQUESTED,
                applicant=event.applicant,
                lender=event.lender,
                borrower=event.borrower,
                due=event.due,
                purpose=event.purpose,
                need=event.need,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case LoanTermCorrected(due=due):
            return replace(loan, due=due)
        case LoanApproved():
            return replace(loan, status=LoanStatus.APPROVED)
        case LoanRefused():
            return replace(loan, status=LoanStatus.REFUSED, waiting=frozenset())
        case LoanWithdrawn():
            return replace(loan, status=LoanStatus.WITHDRAWN, waiting=frozenset())
        case LoanRestWithdrawn():
            waiting = loan.waiting & on_the_way(loan)
            status = loan.status if loan.out or waiting else LoanStatus.CLOSED
            return replace(loan, status=status, waiting=waiting)
        case LoanHandedOver(asset=asset):
            return replace(
                loan,
                status=LoanStatus.RUNNING,
                waiting=loan.waiting - {asset},
                out=loan.out | {asset},
                sent=without(loan.sent, asset),
            )
        case LoanExtended(due=due):
            return replace(loan, due=due, extensions=loan.extensions + 1)
        case LoanItemReturned(asset=asset):
            out = loan.out - {asset}
            status = loan.status if out or loan.waiting else LoanStatus.CLOSED
            return replace(
                loan,
                status=status,
                out=out,
                back=loan.back | {asset},
                sent=without(loan.sent, asset),
            )
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: AssetLoanEvent) -> Asset:
    """What a loan means for the thing lent."""
    match event:
        case AssetLent(borrower=borrower, due=due, case=case):
            home = asset.home if asset.custody is Custody.TRANSIT else asset.custody
            return replace(
                asset,
                home=home,
                custody=lent_from(home),
                lock=Lock.NONE,
                borrower=borrower,
                due=due,
                case=case,
                listed=False,
            )
        case LoanTermExtended(due=due):
            return replace(asset, due=due)
        case ReturnInspected(result=result):
            return replace(
                asset,
                custody=asset.home,
                home=Custody.NONE,
                borrower="",
                due=None,
                case="",
                grade=result.words.zh,
            )
        case _:
            assert_never(event)


lifecycle.part(LoanEvent, evolve)
assets_.lifecycle.part(AssetLoanEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="loan-exists",
    zh="该借用单已经提出。",
    en="This loan has been requested already.",
    holds=lambda loan, _: loan.status is LoanStatus.NONE,
)
REQUESTED = Rule(
    slug="loan-not-awaiting-decision",
    zh="该借用单不在待审批状态。",
    en="The loan does not await a decision.",
    holds=lambda loan, _: loan.status is LoanStatus.REQUESTED,
)
NOT_BEGUN = Rule(
    slug="loan-begun",
    zh="已交付或已办结的借用单不能撤回；请办理归还。",
    en="A loan that began or ended cannot be withdrawn; return the items instead.",
    holds=lambda loan, _: (
        loan.status in (LoanStatus.REQUESTED, LoanStatus.APPROVED) and not loan.sent
    ),
)
AGREED = Rule(
    slug="loan-not-approved",
    zh="借用须先获批准才能交付。",
    en="A loan is handed over only after it was approved.",
    law="国管资〔2009〕167号第21条",
    holds=lambda loan, _: loan.status in (LoanStatus.APPROVED, LoanStatus.RUNNING),
)
RUNNING = Rule(
    slug="loan-not-running",
    zh="该借用尚未开始交付，或已办结。",
    en="The loan has not begun, or it is over.",
    holds=lambda loan, _: loan.status is LoanStatus.RUNNING,
)
REST_WAITING = Rule(
    slug="nothing-waiting",
    zh="没有尚未交付的物品。",
    en="Nothing of this loan still waits to be handed over.",
    holds=lambda loan, _: bool(loan.waiting - on_the_way(loan)),
)
MY_TURN = my_turn(Role.HEAD, Role.OFFICE)
moving(lifecycle)
in_part(lifecycle)
OUT = Rule(
    slug="nothing-out",
    zh="没有在外的借用物品。",
    en="Nothing of this loan is out.",
    holds=lambda loan, _: bool(loan.out - on_the_way(loan)),
)
GOING_OUT = Rule(
    slug="nothing-for-the-borrower",
    zh="出借方尚未交出物品，没有可接收的。",
    en="The lender has given out nothing that is still to be taken in.",
    holds=lambda loan, _: bool(loan.waiting & on_the_way(loan)),
)
COMING_BACK = Rule(
    slug="nothing-handed-back",
    zh="借用方尚未交还物品，没有可验收的。",
    en="The borrower has handed back nothing that is still to be inspected.",
    holds=lambda loan, _: bool(loan.out & on_the_way(loan)),
)
ONE_COMPENSATED = Rule(
    slug="compensation-for-many",
    zh="赔偿金额须逐件登记；本次列有 {count} 件。",
    en="Compensation is recorded piece by piece; {count} are listed.",
)
WITHIN_TERM = Rule(
    slug="loan-too-long",
    zh="借用期限不得超过 {days} 天。",
    en="A loan may last at most {days} days.",
)
DUE_AHEAD = Rule(
    slug="due-not-ahead",
    zh="应还日期 {due} 须晚于 {after}。",
    en="The due date {due} must be after {after}.",
)
EXTENSIONS_LEFT = Rule(
    slug="no-extension-left",
    zh="续借次数已满（{most} 次）。",
    en="The loan was extended {most} times already, which is the limit.",
)
TWO_UNITS = Rule(
    slug="lender-is-borrower",
    zh="出借单位与借用单位相同；本单位内请办理领用。",
    en="Lender and borrower are the same unit; issue the asset instead.",
)
LENDABLE = Rule(
    slug="never-lent",
    zh="此类资产（车辆、房屋等）不得出借。",
    en="Assets of this kind (vehicles, premises) are never lent.",
    law="《机关事务管理条例》第23、25条",
    holds=lambda asset, occasion: asset.kind not in occasion.policy.never_lent,
)
LENDABLE_CUSTODY = Rule(
    slug="not-lendable-now",
    zh="只有库存、闲置、低效或在仓的资产才能出借。",
    en="Only an asset in store, idle, under-used or in a warehouse can be lent.",
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
HOLDER_LENDS = Rule(
    slug="lender-does-not-hold-it",
    zh="出借单位 {lender} 不是该资产的保管单位（{custodian}）。",
    en="The lender {lender} is not the custodian of the asset ({custodian}).",
)
OUT_ON_LOAN = Rule(
    slug="not-on-loan",
    zh="该资产没有出借。",
    en="The asset is not on loan.",
    holds=lambda asset, _: asset.custody in (Custody.LENT, Custody.WAREHOUSE_LENT),
)


@lifecycle.verb(NEW, zh="申请借用", en="Request a loan", roles=(Role.CLERK, Role.OFFICE))
def request(
    _: Loan,
    occasion: Occasion,
    *,
    lender: UnitId,
    borrower: UnitId,
    assets: tuple[AssetId, ...],
    due: date,
    purpose: Given,
    need: Priority | None = None,
) -> tuple[Event | Ask, ...]:
    """Ask to borrow the listed assets; they are reserved until the answer.

    What is for a meeting, an event or a temporary body says so: it shows as idle once it is back.
    """
    if lender == borrower:
        raise TWO_UNITS.broken()
    within_term(occasion, due)
    form = {"case": occasion.stream, "lender": lender}
    return (
        LoanRequested(
            applicant=occasion.by,
            lender=lender,
            borrower=borrower,
            assets=listed(assets),
            due=due,
            purpose=purpose,
            need=need,
        ),
        *laid(occasion, route(occasion, Action.LOAN)),
        still_there(borrower, due),
        *(Ask(f"asset/{a}", "hold_for_loan", form) for a in assets),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准借用",
    en="Approve the loan",
    roles=DECIDERS,
)
def approve(
    loan: Loan,
    occasion: Occasion,
    *,
    approval_no: Reference,
    assets: tuple[AssetId, ...] = (),
    reason: Text = "",
) -> tuple[Event | Ask, ...]:
    """Approve the loan, or only the assets named; they move only at the hand-over."""
    return (
        LoanApproved(approval_no=approval_no),
        *declined(loan, occasion, assets, reason),
    )


@lifecycle.verb(
    REQUESTED, OTHER_PERSON, MY_TURN, zh="不同意借用", en="Refuse the loan", roles=DECIDERS
)
def refuse(loan: Loan, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the loan and free the assets."""
    return (
        LoanRefused(reason=reason),
        *releases(occasion.stream, tuple(sorted(loan.waiting)), reason),
    )


@lifecycle.verb(NOT_BEGUN, zh="撤回借用", en="Withdraw the loan", roles=(Role.CLERK, Role.OFFICE))
def withdraw(loan: Loan, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the request and free the assets."""
    return (
        LoanWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(loan.waiting)), reason),
    )


@lifecycle.verb(
    RUNNING,
    REST_WAITING,
    zh="余下不再交付",
    en="Withdraw the rest",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def withdraw_rest(loan: Loan, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Free what was approved but not handed over; what is out comes back as agreed."""
    rest = tuple(sorted(loan.waiting - on_the_way(loan)))
    return (
        LoanRestWithdrawn(reason=reason),
        *releases(occasion.stream, rest, reason),
    )


@lifecycle.verb(
    AGREED,
    REST_WAITING,
    GIVING_SIDE,
    zh="交出借用物品",
    en="Give out",
    roles=(Role.KEEPER, Role.CLERK),
)
def hand_out(
    loan: Loan, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Give out pieces of the list; they are in transit until the borrower takes them in."""
    return given_out(loan, occasion, assets, scanned, among=loan.waiting, to_unit=loan.borrower)


@lifecycle.verb(
    SOMETHING_SENT,
    GOING_OUT,
    TAKING_SIDE,
    zh="接收借用物品",
    en="Take in",
    roles=(Role.CLERK, Role.KEEPER),
)
def take_in(
    loan: Loan, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Take in what the lender gave out; from now on the borrower has it."""
    pieces = taken_in(loan, occasion, assets, scanned, among=loan.waiting)
    form = {
        "borrower": loan.borrower,
        "due": loan.due,
        "case": occasion.stream,
        "need": loan.need,
    }
    return (
        *(LoanHandedOver(asset=a, scanned=code) for a, code in pieces),
        *(Ask(f"asset/{a}", "lend", form | {"scanned": code}) for a, code in pieces),
    )


@lifecycle.verb(RUNNING, OUT, OTHER_PERSON, zh="续借", en="Extend", roles=(Role.HEAD, Role.OFFICE))
def extend(loan: Loan, occasion: Occasion, *, due: date, reason: Given) -> tuple[Event | Ask, ...]:
    """Let the borrower keep what is out until a later date."""
    most = occasion.policy.loan_extensions_max
    if most is not None and loan.extensions >= most:
        raise EXTENSIONS_LEFT.broken(most=most)
    if loan.due is not None and due <= loan.due:
        raise DUE_AHEAD.broken(due=due, after=loan.due)
    within_term(occasion, due)
    out = sorted(loan.out - on_the_way(loan))
    return (
        LoanExtended(due=due, reason=reason),
        still_there(loan.borrower, due),
        *(Ask(f"asset/{a}", "extend_loan", {"due": due}) for a in out),
    )


@lifecycle.verb(
    RUNNING, OUT, TAKING_SIDE, zh="交还", en="Hand back", roles=(Role.CLERK, Role.KEEPER)
)
def hand_back(
    loan: Loan, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Hand back what was borrowed; it is in transit until the lender has inspected it."""
    return given_out(loan, occasion, assets, scanned, among=loan.out, to_unit=loan.lender)


@lifecycle.verb(
    RUNNING,
    COMING_BACK,
    GIVING_SIDE,
    zh="归还验收",
    en="Inspect a return",
    roles=(Role.KEEPER, Role.CLERK),
)
def inspect_return(
    loan: Loan,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    result: ReturnResult,
    note: Text = "",
    compensation: Fen | None = None,
    scanned: Scans = "",
) -> tuple[Event | Ask, ...]:
    """Inspect what the borrower handed back and came back alike; the others stay out."""
    pieces = taken_in(loan, occasion, assets, scanned, among=loan.out)
    if compensation and len(pieces) > 1:
        raise ONE_COMPENSATED.broken(count=len(pieces))
    form = {"case": occasion.stream, "result": result, "note": note}
    return (
        *(
            LoanItemReturned(
                asset=a, result=result, note=note, compensation=compensation, scanned=code
            )
            for a, code in pieces
        ),
        *(Ask(f"asset/{a}", "come_back", form | {"scanned": code}) for a, code in pieces),
    )


def resubmit(
    loan: Loan,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
    due: date | None = None,
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list or term where they are named."""
    changes: list[Event | Ask] = []
    if due is not None and due != loan.due:
        refuse_others(loan, occasion)
        within_term(occasion, due)
        changes += [LoanTermCorrected(due=due), still_there(loan.borrower, due)]
    hold = ("hold_for_loan", {"case": occasion.stream, "lender": loan.lender})
    return (
        Resubmitted(note=note),
        *changes,
        *relisted(loan, occasion, loan.waiting, add, remove, note, hold),
    )


def lay_anew(
    loan: Loan, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[RouteLaid, ...]:
    """Say who decides about the corrected list."""
    return laid_anew(loan, occasion, route(occasion, Action.LOAN))


routed(lifecycle, REQUESTED, MY_TURN, resubmit)
correctable(lifecycle, REQUESTED, lay_anew)


def still_there(borrower: str, due: date) -> Ask:
    """Ask the borrower whether it is still there when the loan is due (T51)."""
    return Ask(f"unit/{borrower}", "give_back_by", {"due": due})


def within_term(occasion: Occasion, due: date) -> None:
    """Refuse a term that is over, or beyond the policy's limit where there is one."""
    if due <= occasion.on:
        raise DUE_AHEAD.broken(due=due, after=occasion.on)
    days = occasion.policy.loan_days_max
    if days is not None and due > occasion.on + timedelta(days=days):
        raise WITHIN_TERM.broken(days=days)


@assets_.lifecycle.verb(
    ON_BOOKS,
    UNLOCKED,
    LENDABLE,
    LENDABLE_CUSTODY,
    NOT_OVERDUE_HOME,
    zh="借用占用",
    en="Hold for a loan",
    inner=True,
)
def hold_for_loan(asset: Asset, _: Occasion, *, case: Stream, lender: UnitId) -> HeldForProcess:
    """Reserve the asset for a loan its custodian is asked for."""
    if lender != asset.custodian:
        raise HOLDER_LENDS.broken(lender=lender, custodian=asset.custodian)
    return HeldForProcess(case=case, lock=Lock.RESERVED)


@assets_.lifecycle.verb(ON_BOOKS, TAKEN_FROM_TRANSIT, zh="出借", en="Lend", inner=True)
def lend(
    asset: Asset,
    _: Occasion,
    *,
    borrower: UnitId,
    due: date,
    case: Stream,
    scanned: Code = "",
    need: Priority | None = None,
) -> AssetLent:
    """Let the asset arrive at another unit for a time; the books do not move."""
    arrived(asset, case, scanned)
    return AssetLent(borrower=borrower, due=due, case=case, need=need)


@assets_.lifecycle.verb(OUT_ON_LOAN, zh="续借", en="Extend the loan", inner=True)
def extend_loan(_: Asset, __: Occasion, *, due: date) -> LoanTermExtended:
    """Let the borrower keep it longer."""
    return LoanTermExtended(due=due)


@assets_.lifecycle.verb(TAKEN_FROM_TRANSIT, zh="归还", en="Come back", inner=True)
def come_back(
    asset: Asset,
    _: Occasion,
    *,
    case: Stream,
    result: ReturnResult,
    note: Text = "",
    scanned: Code = "",
) -> ReturnInspected:
    """Take the asset back to where it was lent from."""
    arrived(asset, case, scanned)
    return ReturnInspected(result=result, note=note)


@step_of(Loan)
def next_step(loan: Loan) -> OpenStep | None:
    """Say who must do what next; what is in transit comes before what is still to be given out."""
    moving_ = on_the_way(loan)
    match loan.status:
        case LoanStatus.REQUESTED:
            return decision(loan.approval, (Role.HEAD, Role.OFFICE), loan.borrower)
        case LoanStatus.APPROVED | LoanStatus.RUNNING:
            if loan.waiting & moving_:
                return OpenStep(verb="take_in", roles=CARRIERS, unit=loan.borrower)
            if loan.out & moving_:
                return OpenStep(verb="inspect_return", roles=CARRIERS, unit=loan.lender)
            if loan.waiting:
                return OpenStep(verb="hand_out", roles=CARRIERS, unit=loan.lender)
            return OpenStep(verb="hand_back", roles=CARRIERS, unit=loan.borrower, due=loan.due)
        case _:
            return None
