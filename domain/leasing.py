"""A lease (出租): somebody pays rent for idle property; the books never move.

Rent is non-tax revenue: it is assessed and remitted to the treasury (国令738 第25、26条). A thing
is given out by one person and arrives by another's word, on both ways; the lessee has no account
here, so that the second word rests on the slip the lessee signed. What becomes of the term once a
lease runs is told in `lease_terms`.
"""

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
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Custody, Lock
from domain.correcting import correctable, refuse_others, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.handover import (
    GIVING_SIDE,
    SOMETHING_SENT,
    TAKEN_FROM_TRANSIT,
    Scans,
    arrived,
    given_out,
    moving,
    on_the_way,
    taken_in,
    without,
)
from domain.holding import OTHER_PERSON, HeldForProcess, declined, in_part, listed, releases
from domain.lending import DUE_AHEAD, LENDABLE_CUSTODY, ONE_COMPENSATED, ReturnResult
from domain.open_steps import CARRIERS, OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.values import (
    AssetId,
    Code,
    Fen,
    Given,
    Name,
    PersonId,
    Reference,
    Stream,
    Text,
    UnitId,
    yuan,
)
from domain.words import Role, Term, Words


class LeaseStatus(Term):
    """Where a lease stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    APPROVED = "approved", "已批准", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    SIGNED = "signed", "已签协议", "agreement signed"
    RUNNING = "running", "出租中", "running"
    CLOSED = "closed", "已收回", "closed"


class RentPeriod(Term):
    """What the rent is paid for."""

    ONCE = "once", "整个租期", "the whole term"
    MONTH = "month", "每月", "each month"
    QUARTER = "quarter", "每季度", "each quarter"
    YEAR = "year", "每年", "each year"


class Lease(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The list, the terms, which pieces are out, and what the rent has brought. Amounts in fen."""

    status: LeaseStatus = LeaseStatus.NONE
    applicant: str = ""
    lessor: str = ""
    lessee: str = ""
    due: date | None = None
    rent: int = 0
    per: RentPeriod = RentPeriod.ONCE
    agreement: str = ""
    waiting: frozenset[str] = frozenset()
    out: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    rent_assessed: int = 0
    rent_remitted: int = 0
    sent: frozenset[tuple[str, str]] = frozenset()  # each piece on the way and who gave it out
    extensions: int = 0
    extended_due: date | None = None  # until when somebody asks to go on; None: nobody does
    extended_rent: int = 0
    extension_applicant: str = ""
    extension_no: str = ""  # under which it was approved
    approval: Approval = Approval()
    number: str = ""
    dataset: str = ""

    @property
    def giver_unit(self) -> str:
        """Return the side that gives out and takes back; it also acts on the lessee's slips."""
        return self.lessor

    @property
    def asking(self) -> bool:
        """Return whether a longer term was asked for and is not decided yet."""
        return self.extended_due is not None and not self.extension_no

    def describe(self, lang: Lang) -> str:
        """Say where the lease stands."""
        counts = (len(self.waiting), len(self.out), len(self.back))
        awaits = self.status is LeaseStatus.REQUESTED or self.asking
        step = self.approval.describe(lang) if awaits else ""
        if self.extended_due is not None:
            until = self.extended_due
            step = (f"，申请续租至{until}" if lang == "zh" else f", to go on until {until}") + step
        if lang == "zh":
            said = "出租单{}，待交付{}项、在外{}项、已收回{}项".format(
                self.status.words.zh, *counts
            )
        else:
            said = "The lease is {}: {} to deliver, {} out, {} back".format(
                self.status.words.en, *counts
            )
        return said + step


lifecycle: Lifecycle[Lease] = Lifecycle("lease", Lease, Words("出租单", "Lease"))

# What happened ----------------------------------------------------------------


class LeaseRequested(
    Event,
    name="lease.requested",
    zh="{lessor}申请向{lessee}出租至{due}，租金{rent}（{per}）：{purpose}",
    en="{lessor} asks to lease to {lessee} until {due}, rent {rent} for {per}: {purpose}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """A unit wants to lease out what it does not need. `lessee` is an organisation; a natural
    person is named by an id. Rent in fen."""

    applicant: PersonId
    lessor: UnitId
    lessee: Name
    assets: tuple[AssetId, ...]
    due: date
    rent: Fen
    per: RentPeriod
    purpose: Text
    dataset: Code = ""


class LeaseTermsCorrected(
    Event,
    name="lease.terms_corrected",
    zh="申请条件改为：租金{rent}（{per}），至{due}",
    en="Asked for at {rent} ({per}) until {due} now",
    duty="apply",
):
    """The applicant asks for other terms, before anything was decided; rent in fen."""

    rent: Fen
    per: RentPeriod
    due: date


class LeaseApproved(
    Event,
    name="lease.approved",
    zh="批准出租，文号{approval_no}",
    en="Lease approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """It may be leased out on these terms; nothing has moved yet."""

    approval_no: Code


class LeaseRefused(
    Event,
    name="lease.refused",
    zh="不同意出租：{reason}",
    en="Lease refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """The answer is no; the assets are free again."""

    reason: Text


class LeaseWithdrawn(
    Event,
    name="lease.withdrawn",
    zh="撤回出租：{reason}",
    en="Lease withdrawn: {reason}",
    duty="apply",
):
    """Nothing had been delivered; the assets are free again."""

    reason: Text


class AgreementSigned(
    Event,
    name="lease.agreement_signed",
    zh="签订租赁协议{agreement}，租金{rent}（{per}），至{due}",
    en="Agreement {agreement} signed, rent {rent} for {per}, until {due}",
    duty="execute",
):
    """The lessee is bound; the terms may differ from what was asked, never for the worse."""

    agreement: Code
    rent: Fen
    per: RentPeriod
    due: date


class LeaseDelivered(
    Event,
    name="lease.delivered",
    zh="交付承租方{asset}",
    en="{asset} delivered to the lessee",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """One piece is in the lessee's hands, by the slip that both signed."""

    asset: AssetId
    scanned: Code = ""


class LeaseRestWithdrawn(
    Event,
    name="lease.rest_withdrawn",
    zh="余下物品不再交付：{reason}",
    en="The rest is not delivered: {reason}",
):
    """What still waited is free again; what is out stays out."""

    reason: Text


class LeaseItemReturned(
    Event,
    name="lease.item_returned",
    zh="收回{asset}，验收{result}",
    en="{asset} came back {result}",
    duty="execute",
    papers=(PaperForm.RECEIPT,),
):
    """One piece came back and was inspected; compensation in fen."""

    asset: AssetId
    result: ReturnResult
    note: Text = ""
    compensation: Fen | None = None
    scanned: Code = ""


class RentAssessed(
    Event,
    name="lease.rent_assessed",
    zh="确认应缴租金{amount}（{since}至{until}）",
    en="Rent assessed: {amount} ({since} to {until})",
    duty="bill",
):
    """What the treasury is owed for a period, in fen (国令738 第25条)."""

    amount: Fen
    since: date
    until: date


class RentRemitted(
    Event,
    name="lease.rent_remitted",
    zh="租金上缴国库{amount}，缴款书{voucher}",
    en="Rent remitted to the treasury: {amount}, voucher {voucher}",
    duty="reconcile",
):
    """Money reached the treasury, in fen."""

    amount: Fen
    voucher: Code
    treasury_on: date | None = None


LeaseEvent: TypeAlias = (
    LeaseRequested
    | LeaseTermsCorrected
    | LeaseApproved
    | LeaseRefused
    | LeaseWithdrawn
    | AgreementSigned
    | LeaseDelivered
    | LeaseRestWithdrawn
    | LeaseItemReturned
    | RentAssessed
    | RentRemitted
)


class AssetLeased(
    Event,
    name="asset.leased",
    zh="出租给{lessee}，至{due}",
    en="Leased to {lessee} until {due}",
):
    """The lessee has it; the accounting unit stays."""

    lessee: Name
    due: date
    case: Stream


class LeaseEnded(
    Event,
    name="asset.lease_ended",
    zh="租赁收回，验收{result}",
    en="Back from the lease: {result}",
):
    """It is back where it came from."""

    result: ReturnResult
    note: Text = ""


AssetLeaseEvent: TypeAlias = AssetLeased | LeaseEnded

# Where that leaves us ---------------------------------------------------------


def evolve(lease: Lease, event: LeaseEvent) -> Lease:
    """What an event means. Never refuses: it already happened."""
    match event:
        case LeaseRequested():
            return Lease(
                status=LeaseStatus.REQUESTED,
                applicant=event.applicant,
                lessor=event.lessor,
                lessee=event.lessee,
                due=event.due,
                rent=event.rent,
                per=event.per,
                waiting=frozenset(event.assets),
                dataset=event.dataset,
            )
        case LeaseTermsCorrected(rent=rent, per=per, due=due):
            return replace(lease, rent=rent, per=per, due=due)
        case LeaseApproved():
            return replace(lease, status=LeaseStatus.APPROVED)
        case LeaseRefused():
            return replace(lease, status=LeaseStatus.REFUSED, waiting=frozenset())
        case LeaseWithdrawn():
            return replace(lease, status=LeaseStatus.WITHDRAWN, waiting=frozenset())
        case AgreementSigned(agreement=agreement, rent=rent, per=per, due=due):
            return replace(
                lease,
                status=LeaseStatus.SIGNED,
                agreement=agreement,
                rent=rent,
                per=per,
                due=due,
            )
        case LeaseDelivered(asset=asset):
            return replace(
                lease,
                status=LeaseStatus.RUNNING,
                waiting=lease.waiting - {asset},
                out=lease.out | {asset},
                sent=without(lease.sent, asset),
            )
        case LeaseRestWithdrawn():
            return settled(replace(lease, waiting=lease.waiting & on_the_way(lease)))
        case LeaseItemReturned(asset=asset):
            back, sent = lease.back | {asset}, without(lease.sent, asset)
            return settled(replace(lease, out=lease.out - {asset}, back=back, sent=sent))
        case RentAssessed(amount=amount):
            return replace(lease, rent_assessed=lease.rent_assessed + amount)
        case RentRemitted(amount=amount):
            return replace(lease, rent_remitted=lease.rent_remitted + amount)
        case _:
            assert_never(event)


def settled(lease: Lease) -> Lease:
    """Return a lease that is over when nothing is out and nothing waits."""
    if lease.out or lease.waiting:
        return lease
    return replace(unextended(lease), status=LeaseStatus.CLOSED)


def unextended(lease: Lease) -> Lease:
    """Return a lease for which nobody asks a longer term."""
    return replace(
        lease, extended_due=None, extended_rent=0, extension_applicant="", extension_no=""
    )


def evolve_asset(asset: Asset, event: AssetLeaseEvent) -> Asset:
    """What a lease means for the thing."""
    match event:
        case AssetLeased(due=due, case=case):
            home = asset.home if asset.custody is Custody.TRANSIT else asset.custody
            return replace(
                asset,
                home=home,
                custody=Custody.LEASED,
                lock=Lock.NONE,
                due=due,
                case=case,
                listed=False,
            )
        case LeaseEnded(result=result):
            return replace(
                asset,
                custody=asset.home,
                home=Custody.NONE,
                due=None,
                case="",
                grade=result.words.zh,
            )
        case _:
            assert_never(event)


lifecycle.part(LeaseEvent, evolve)
assets_.lifecycle.part(AssetLeaseEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="lease-exists",
    zh="该出租单已经提出。",
    en="This lease has been requested already.",
    holds=lambda lease, _: lease.status is LeaseStatus.NONE,
)
REQUESTED = Rule(
    slug="lease-not-awaiting-decision",
    zh="该出租单不在待审批状态。",
    en="The lease does not await a decision.",
    holds=lambda lease, _: lease.status is LeaseStatus.REQUESTED,
)
NOT_BEGUN = Rule(
    slug="lease-begun",
    zh="已交付或已办结的出租单不能撤回；请办理收回。",
    en="A lease that began or ended cannot be withdrawn; take the items back instead.",
    holds=lambda lease, _: (
        lease.status in (LeaseStatus.REQUESTED, LeaseStatus.APPROVED, LeaseStatus.SIGNED)
        and not lease.sent
    ),
)
APPROVED = Rule(
    slug="lease-not-approved",
    zh="出租须先获批准才能签订协议；协议只签一次。",
    en="An agreement is signed once, after the lease was approved.",
    law="国管资〔2009〕167号第21条",
    holds=lambda lease, _: lease.status is LeaseStatus.APPROVED,
)
SIGNED = Rule(
    slug="agreement-not-signed",
    zh="签订租赁协议后才能交付。",
    en="Things are delivered only after the agreement was signed.",
    law="国管资〔2009〕167号第22条",
    holds=lambda lease, _: lease.status in (LeaseStatus.SIGNED, LeaseStatus.RUNNING),
)
REST_WAITING = Rule(
    slug="nothing-left-to-deliver",
    zh="没有尚未交付的物品。",
    en="Nothing of this lease still waits to be delivered.",
    holds=lambda lease, _: bool(lease.waiting - on_the_way(lease)),
)
GOING_OUT = Rule(
    slug="nothing-for-the-lessee",
    zh="没有已交出而承租方尚未签收的物品。",
    en="Nothing was given out that the lessee has not signed for yet.",
    holds=lambda lease, _: bool(lease.waiting & on_the_way(lease)),
)
COMING_BACK = Rule(
    slug="nothing-back-from-the-lessee",
    zh="承租方尚未交还物品，没有可验收的。",
    en="The lessee has handed back nothing that is still to be inspected.",
    holds=lambda lease, _: bool(lease.out & on_the_way(lease)),
)
OUT = Rule(
    slug="nothing-leased-out",
    zh="没有在外的出租物品。",
    en="Nothing of this lease is out.",
    holds=lambda lease, _: bool(lease.out - on_the_way(lease)),
)
RUNNING = Rule(
    slug="lease-not-running",
    zh="该出租尚未开始交付，或已收回。",
    en="The lease has not begun, or it is over.",
    holds=lambda lease, _: lease.status is LeaseStatus.RUNNING,
)
HAS_BEGUN = Rule(
    slug="no-rent-yet",
    zh="尚未交付，没有应缴租金。",
    en="Nothing was delivered yet, so no rent is due.",
    holds=lambda lease, _: lease.status in (LeaseStatus.RUNNING, LeaseStatus.CLOSED),
)
RENT_OPEN = Rule(
    slug="no-rent-open",
    zh="没有已确认而未上缴的租金。",
    en="No assessed rent is still to be remitted.",
    holds=lambda lease, _: lease.rent_remitted < lease.rent_assessed,
)
RENT_ASKED = Rule(
    slug="lease-without-rent",
    zh="出租须收取租金；不收租金的请办理借用。",
    en="A lease has a rent; where none is paid, request a loan instead.",
    law="国管资〔2009〕167号第22条",
)
NOT_WORSE = Rule(
    slug="worse-than-approved",
    zh="协议（租金{rent}元，至{due}）不得劣于批准的条件（租金{approved}元，至{until}）；请重新报批。",
    en="The agreement (rent {rent} yuan, until {due}) may not be worse than what was approved"
    " (rent {approved} yuan, until {until}); have it approved again.",
)
NO_MORE_THAN_ASSESSED = Rule(
    slug="more-rent-than-assessed",
    zh="上缴{amount}元超过尚未上缴的应缴租金{open}元。",
    en="{amount} yuan is more than the {open} yuan of assessed rent still to be remitted.",
)
PERIOD_FORWARD = Rule(
    slug="period-backwards",
    zh="截止日期 {until} 早于起始日期 {since}。",
    en="The period ends on {until}, before it begins on {since}.",
)
SLIP_SIGNED = Rule(
    slug="slip-not-attached",
    zh="承租方不在本系统内，须附承租方签字的交接单。",
    en="The lessee is not in this system; attach the slip that the lessee signed.",
)
WITHIN_TERM = Rule(
    slug="lease-too-long",
    zh="按{policy}，租期不得超过 {days} 天。",
    en="By {policy} a lease may last at most {days} days.",
)
AWAITING = Rule(
    slug="lease-awaits-no-decision",
    zh="该出租单及其续租都不在待审批状态。",
    en="Neither the lease nor its extension awaits a decision.",
    holds=lambda lease, _: lease.status is LeaseStatus.REQUESTED or lease.asking,
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
moving(lifecycle)
in_part(lifecycle)
LEASABLE = Rule(
    slug="never-leased",
    zh="此类资产（车辆、房屋等）不得出租。",
    en="Assets of this kind (vehicles, premises) are never leased out.",
    law="《机关事务管理条例》第23、25条",
    holds=lambda asset, occasion: (
        asset.kind not in occasion.policy.never_lent | occasion.policy.never_leased
    ),
)
HOLDER_LEASES = Rule(
    slug="lessor-does-not-hold-it",
    zh="出租单位 {lessor} 不是该资产的保管单位（{custodian}）。",
    en="The lessor {lessor} is not the custodian of the asset ({custodian}).",
)


@lifecycle.verb(NEW, zh="申请出租", en="Request a lease", roles=(Role.CLERK, Role.OFFICE))
def request(
    _: Lease,
    occasion: Occasion,
    *,
    lessor: UnitId,
    lessee: Name,
    assets: tuple[AssetId, ...],
    due: date,
    rent: Fen,
    per: RentPeriod = RentPeriod.MONTH,
    purpose: Given,
) -> tuple[Event | Ask, ...]:
    """Ask to lease out the listed assets; they are reserved until the answer."""
    if due <= occasion.on:
        raise DUE_AHEAD.broken(due=due, after=occasion.on)
    within_term(occasion, due)
    if not rent:
        raise RENT_ASKED.broken()
    form = {"case": occasion.stream, "lessor": lessor}
    return (
        LeaseRequested(
            applicant=occasion.by,
            lessor=lessor,
            lessee=lessee,
            assets=listed(assets),
            due=due,
            rent=rent,
            per=per,
            purpose=purpose,
        ),
        *laid(occasion, route(occasion, Action.LEASE)),
        *(Ask(f"asset/{a}", "hold_for_lease", form) for a in assets),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准出租",
    en="Approve the lease",
    roles=DECIDERS,
)
def approve(
    lease: Lease,
    occasion: Occasion,
    *,
    approval_no: Reference,
    assets: tuple[AssetId, ...] = (),
    reason: Text = "",
) -> tuple[Event | Ask, ...]:
    """Approve the lease, or only the assets named; they move only when they are delivered."""
    return (
        LeaseApproved(approval_no=approval_no),
        *declined(lease, occasion, assets, reason),
    )


@lifecycle.verb(
    REQUESTED, OTHER_PERSON, MY_TURN, zh="不同意出租", en="Refuse the lease", roles=DECIDERS
)
def refuse(lease: Lease, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the lease and free the assets."""
    return (
        LeaseRefused(reason=reason),
        *releases(occasion.stream, tuple(sorted(lease.waiting)), reason),
    )


def resubmit(
    lease: Lease,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
    due: date | None = None,
    rent: Fen | None = None,
    per: RentPeriod | None = None,
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list or terms where they are named."""
    terms = LeaseTermsCorrected(
        rent=lease.rent if rent is None else rent, per=per or lease.per, due=due or last_day(lease)
    )
    before = LeaseTermsCorrected(rent=lease.rent, per=lease.per, due=last_day(lease))
    if (terms != before or add or remove) and lease.status is not LeaseStatus.REQUESTED:
        raise REQUESTED.broken()
    if terms != before:
        refuse_others(lease, occasion)
        if terms.due <= occasion.on:
            raise DUE_AHEAD.broken(due=terms.due, after=occasion.on)
        within_term(occasion, terms.due)
        if not terms.rent:
            raise RENT_ASKED.broken()
    hold = ("hold_for_lease", {"case": occasion.stream, "lessor": lease.lessor})
    return (
        Resubmitted(note=note),
        *([terms] if terms != before else []),
        *relisted(lease, occasion, lease.waiting, add, remove, note, hold),
    )


def last_day(lease: Lease) -> date:
    """Return until when a lease that was requested is asked for."""
    assert lease.due is not None, "a lease is requested until a day"
    return lease.due


def lay_anew(
    lease: Lease, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[RouteLaid, ...]:
    """Say who decides about the corrected list."""
    return laid_anew(lease, occasion, route(occasion, Action.LEASE))


routed(lifecycle, AWAITING, MY_TURN, resubmit)
correctable(lifecycle, REQUESTED, lay_anew)


@lifecycle.verb(NOT_BEGUN, zh="撤回出租", en="Withdraw the lease", roles=(Role.CLERK, Role.OFFICE))
def withdraw(lease: Lease, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the request and free the assets."""
    return (
        LeaseWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(lease.waiting)), reason),
    )


@lifecycle.verb(
    APPROVED, GIVING_SIDE, zh="签订租赁协议", en="Sign the agreement", roles=(Role.CLERK,)
)
def sign(
    lease: Lease,
    _: Occasion,
    *,
    agreement: Reference,
    rent: Fen,
    due: date,
) -> AgreementSigned:
    """Record the agreement the lessee signed, on the approved terms or better."""
    if rent < lease.rent or (lease.due is not None and due > lease.due):
        raise NOT_WORSE.broken(rent=yuan(rent), due=due, approved=yuan(lease.rent), until=lease.due)
    return AgreementSigned(agreement=agreement, rent=rent, per=lease.per, due=due)


@lifecycle.verb(
    SIGNED,
    REST_WAITING,
    GIVING_SIDE,
    zh="交出租赁物品",
    en="Give out",
    roles=(Role.CLERK, Role.KEEPER),
)
def hand_out(
    lease: Lease, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Give out pieces of the list; they are in transit until the lessee has signed for them."""
    return given_out(lease, occasion, assets, scanned, among=lease.waiting, to_unit="")


@lifecycle.verb(
    SOMETHING_SENT,
    GOING_OUT,
    GIVING_SIDE,
    zh="承租方签收",
    en="Confirm delivery",
    roles=(Role.CLERK, Role.KEEPER),
)
def confirm_delivery(
    lease: Lease, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Record that the lessee signed for pieces; another person than who gave them out does."""
    slip_signed(occasion)
    pieces = taken_in(lease, occasion, assets, scanned, among=lease.waiting)
    form = {"lessee": lease.lessee, "due": lease.due, "case": occasion.stream}
    return (
        *(LeaseDelivered(asset=a, scanned=code) for a, code in pieces),
        *(Ask(f"asset/{a}", "lease_out", form | {"scanned": code}) for a, code in pieces),
    )


@lifecycle.verb(
    RUNNING,
    REST_WAITING,
    zh="余下不再交付",
    en="Withdraw the rest",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def withdraw_rest(lease: Lease, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Free what was approved but not delivered; what is out comes back as agreed."""
    rest = tuple(sorted(lease.waiting - on_the_way(lease)))
    return (
        LeaseRestWithdrawn(reason=reason),
        *releases(occasion.stream, rest, reason),
    )


@lifecycle.verb(
    RUNNING,
    OUT,
    GIVING_SIDE,
    zh="承租方交还",
    en="Hand back",
    roles=(Role.KEEPER, Role.CLERK),
)
def hand_back(
    lease: Lease, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Record what the lessee handed back by the signed slip; another person inspects it."""
    slip_signed(occasion)
    return given_out(lease, occasion, assets, scanned, among=lease.out, to_unit=lease.lessor)


@lifecycle.verb(
    RUNNING,
    COMING_BACK,
    GIVING_SIDE,
    zh="收回验收",
    en="Take back",
    roles=(Role.KEEPER, Role.CLERK),
)
def take_back(
    lease: Lease,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    result: ReturnResult,
    note: Text = "",
    compensation: Fen | None = None,
    scanned: Scans = "",
) -> tuple[Event | Ask, ...]:
    """Inspect what the lessee handed back and came back alike; the others stay out."""
    pieces = taken_in(lease, occasion, assets, scanned, among=lease.out)
    if compensation and len(pieces) > 1:
        raise ONE_COMPENSATED.broken(count=len(pieces))
    form = {"case": occasion.stream, "result": result, "note": note}
    return (
        *(
            LeaseItemReturned(
                asset=a, result=result, note=note, compensation=compensation, scanned=code
            )
            for a, code in pieces
        ),
        *(Ask(f"asset/{a}", "end_lease", form | {"scanned": code}) for a, code in pieces),
    )


@lifecycle.verb(HAS_BEGUN, zh="确认应缴租金", en="Assess rent", roles=(Role.ACCOUNTANT,))
def assess_rent(_: Lease, __: Occasion, *, amount: Fen, since: date, until: date) -> RentAssessed:
    """Assess what the treasury is owed for a period of the lease."""
    if until < since:
        raise PERIOD_FORWARD.broken(since=since, until=until)
    return RentAssessed(amount=amount, since=since, until=until)


@lifecycle.verb(
    HAS_BEGUN,
    RENT_OPEN,
    zh="租金上缴国库",
    en="Remit rent",
    roles=(Role.ACCOUNTANT, Role.FINANCE),
)
def remit_rent(
    lease: Lease,
    _: Occasion,
    *,
    amount: Fen,
    voucher: Reference,
    treasury_on: date | None = None,
) -> RentRemitted:
    """Record that rent reached the treasury."""
    left = lease.rent_assessed - lease.rent_remitted
    if amount > left:
        raise NO_MORE_THAN_ASSESSED.broken(amount=yuan(amount), open=yuan(left))
    return RentRemitted(amount=amount, voucher=voucher, treasury_on=treasury_on)


def slip_signed(occasion: Occasion) -> None:
    """Refuse what the lessee's side has not put its name to."""
    if not occasion.docs:
        raise SLIP_SIGNED.broken()


def within_term(occasion: Occasion, due: date) -> None:
    """Refuse a term beyond the policy's limit; where there is none, nothing is refused."""
    policy = occasion.policy
    days = policy.lease_days_max
    if days is not None and due > occasion.on + timedelta(days=days):
        raise WITHIN_TERM.broken(policy=policy.reference, days=days)


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, LEASABLE, LENDABLE_CUSTODY, zh="出租占用", en="Hold for a lease", inner=True
)
def hold_for_lease(asset: Asset, _: Occasion, *, case: Stream, lessor: UnitId) -> HeldForProcess:
    """Reserve the asset for a lease its custodian asks for."""
    if lessor != asset.custodian:
        raise HOLDER_LEASES.broken(lessor=lessor, custodian=asset.custodian)
    return HeldForProcess(case=case, lock=Lock.RESERVED)


@assets_.lifecycle.verb(ON_BOOKS, TAKEN_FROM_TRANSIT, zh="出租", en="Lease out", inner=True)
def lease_out(
    asset: Asset, _: Occasion, *, lessee: Name, due: date, case: Stream, scanned: Code = ""
) -> AssetLeased:
    """Let the asset arrive at a lessee for a time; the books do not move."""
    arrived(asset, case, scanned)
    return AssetLeased(lessee=lessee, due=due, case=case)


@assets_.lifecycle.verb(
    TAKEN_FROM_TRANSIT, zh="租赁收回", en="Come back from the lease", inner=True
)
def end_lease(
    asset: Asset,
    _: Occasion,
    *,
    case: Stream,
    result: ReturnResult,
    note: Text = "",
    scanned: Code = "",
) -> LeaseEnded:
    """Take the asset back to where it was leased from."""
    arrived(asset, case, scanned)
    return LeaseEnded(result=result, note=note)


@step_of(Lease)
def next_step(lease: Lease) -> OpenStep | None:
    """Say who must do what next; rent that is assessed stays open after the lease is over."""
    way, unit = on_the_way(lease), lease.lessor
    match lease.status:
        case LeaseStatus.REQUESTED:
            return decision(lease.approval, (Role.OFFICE, Role.FINANCE), unit)
        case LeaseStatus.APPROVED:
            return OpenStep(verb="sign", roles=(Role.CLERK,), unit=unit)
        case LeaseStatus.SIGNED | LeaseStatus.RUNNING if way:
            verb = "confirm_delivery" if lease.waiting & way else "take_back"
            return OpenStep(verb=verb, roles=CARRIERS, unit=unit)
        case LeaseStatus.RUNNING if lease.asking:
            roles = (Role.OFFICE, Role.FINANCE)
            return decision(lease.approval, roles, unit, verb="approve_extension")
        case LeaseStatus.RUNNING if lease.extended_due is not None:
            return OpenStep(verb="sign_extension", roles=(Role.CLERK,), unit=unit)
        case LeaseStatus.SIGNED | LeaseStatus.RUNNING if lease.waiting:
            return OpenStep(verb="hand_out", roles=CARRIERS, unit=unit)
        case LeaseStatus.RUNNING:
            return OpenStep(verb="hand_back", roles=CARRIERS, unit=unit, due=lease.due)
        case LeaseStatus.CLOSED if lease.rent_remitted < lease.rent_assessed:
            return OpenStep(verb="remit_rent", roles=(Role.ACCOUNTANT,), unit=unit)
        case _:
            return None
