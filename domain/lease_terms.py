"""The term of a running lease: extended by a decision and a new agreement, or ended early.

A longer term is asked for, decided on the route of the place like the lease itself, and holds from
the day on which the lessee signs; until then the old term does. Rent and term may come out better
than what was approved, never worse (国管资〔2009〕167号第21、22条).
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain import asset as assets_
from domain.approval import DECIDERS, LAST_STEP, Approval, laid, route
from domain.asset import Asset, Custody
from domain.decider import Ask, Event, Occasion, Rule
from domain.handover import GIVING_SIDE, on_the_way
from domain.holding import OTHER_PERSON, releases
from domain.leasing import (
    MY_TURN,
    NOT_WORSE,
    OUT,
    RENT_ASKED,
    RUNNING,
    Lease,
    lifecycle,
    settled,
    unextended,
    within_term,
)
from domain.lending import DUE_AHEAD
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.values import Code, Fen, Given, PersonId, Reference, Text, yuan
from domain.words import Role

# What happened ----------------------------------------------------------------


class LeaseExtensionRequested(
    Event,
    name="lease.extension_requested",
    zh="申请续租至{due}，租金{rent}：{reason}",
    en="Asked to extend the lease until {due}, rent {rent}: {reason}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
):
    """The lessor wants the lease to go on; rent in fen, for the period that was agreed."""

    applicant: PersonId
    due: date
    rent: Fen
    reason: Text


class LeaseExtensionApproved(
    Event,
    name="lease.extension_approved",
    zh="批准续租，文号{approval_no}",
    en="Extension of the lease approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """The lessee may be offered the longer term; the old one holds until it is signed."""

    approval_no: Code


class LeaseExtensionRefused(
    Event,
    name="lease.extension_refused",
    zh="不同意续租：{reason}",
    en="Extension of the lease refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """The lease ends on the day that was agreed."""

    reason: Text


class LeaseExtensionWithdrawn(
    Event,
    name="lease.extension_withdrawn",
    zh="撤回续租：{reason}",
    en="Extension of the lease withdrawn: {reason}",
    duty="apply",
):
    """Nobody wants the longer term any more."""

    reason: Text


class LeaseExtended(
    Event,
    name="lease.extended",
    zh="签订续租协议{agreement}，租金{rent}，至{due}",
    en="Lease extended by agreement {agreement}: rent {rent}, until {due}",
    duty="execute",
):
    """The lessee signed; from now on these terms hold. Rent in fen."""

    agreement: Code
    rent: Fen
    due: date


class LeaseEndedEarly(
    Event,
    name="lease.ended_early",
    zh="提前终止出租，{last_day}前收回：{reason}",
    en="Lease ended early, to be back by {last_day}: {reason}",
    duty="approve",
):
    """Both sides agreed, or the lessor took it back for a reason the agreement names."""

    last_day: date
    reason: Text


TermEvent: TypeAlias = (
    LeaseExtensionRequested
    | LeaseExtensionApproved
    | LeaseExtensionRefused
    | LeaseExtensionWithdrawn
    | LeaseExtended
    | LeaseEndedEarly
)


class LeaseTermExtended(
    Event, name="asset.lease_term_extended", zh="续租至{due}", en="Lease extended until {due}"
):
    """The lessee may keep it longer."""

    due: date


class LeaseCutShort(
    Event, name="asset.lease_cut_short", zh="租期提前至{due}止", en="Lease cut short to {due}"
):
    """The lessee brings it back sooner than was agreed at first."""

    due: date


AssetTermEvent: TypeAlias = LeaseTermExtended | LeaseCutShort

# Where that leaves us ---------------------------------------------------------


def evolve(lease: Lease, event: TermEvent) -> Lease:
    """What an event means. Never refuses: it already happened."""
    match event:
        case LeaseExtensionRequested(applicant=applicant, due=due, rent=rent):
            return replace(
                unextended(lease),
                extended_due=due,
                extended_rent=rent,
                extension_applicant=applicant,
                approval=Approval(),
            )
        case LeaseExtensionApproved(approval_no=number):
            return replace(lease, extension_no=number)
        case LeaseExtensionRefused() | LeaseExtensionWithdrawn():
            return unextended(lease)
        case LeaseExtended(agreement=agreement, rent=rent, due=due):
            return replace(
                unextended(lease),
                agreement=agreement,
                rent=rent,
                due=due,
                extensions=lease.extensions + 1,
            )
        case LeaseEndedEarly(last_day=last_day):
            waiting = lease.waiting & on_the_way(lease)
            return settled(replace(unextended(lease), due=last_day, waiting=waiting))
        case _:
            assert_never(event)


def evolve_asset(asset: Asset, event: AssetTermEvent) -> Asset:
    """What another term means for the thing."""
    return replace(asset, due=event.due)


lifecycle.part(TermEvent, evolve)
assets_.lifecycle.part(AssetTermEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NOT_ASKED = Rule(
    slug="extension-asked-already",
    zh="已申请续租，尚未办结；请先办结或撤回。",
    en="An extension was asked for already; finish or withdraw it first.",
    holds=lambda lease, _: lease.extended_due is None,
)
ASKED = Rule(
    slug="no-extension-awaits-decision",
    zh="没有待审批的续租申请。",
    en="No extension of this lease awaits a decision.",
    holds=lambda lease, _: lease.asking,
)
OPEN = Rule(
    slug="no-extension-open",
    zh="没有未办结的续租申请。",
    en="No extension of this lease is open.",
    holds=lambda lease, _: lease.extended_due is not None,
)
APPROVED = Rule(
    slug="extension-not-approved",
    zh="续租须先获批准才能签订续租协议。",
    en="An extension is agreed with the lessee only after it was approved.",
    law="国管资〔2009〕167号第21条",
    holds=lambda lease, _: bool(lease.extension_no),
)
OTHERS_EXTENSION = Rule(
    slug="own-extension",
    zh="不能审批自己提出的续租申请；请由另一人办理。",
    en="Nobody approves the extension they asked for; another person must do it.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda lease, occasion: lease.extension_applicant != occasion.by,
)
EXTENSIONS_LEFT = Rule(
    slug="no-lease-extension-left",
    zh="按{policy}，续租次数已满（{most} 次）。",
    en="By {policy} a lease may be extended {most} times, and it was.",
)
EARLIER = Rule(
    slug="not-earlier",
    zh="提前终止日 {last_day} 须不早于 {on}，且早于约定的 {due}。",
    en="An early end on {last_day} must be no earlier than {on} and before the agreed {due}.",
)
END_AGREED = Rule(
    slug="no-paper-of-early-end",
    zh="提前终止须附终止协议，或依协议约定收回的通知。",
    en="Attach the agreement to end it early, or the notice by which the agreement allows it.",
)
ON_LEASE = Rule(
    slug="not-leased-out",
    zh="该资产没有出租。",
    en="The asset is not leased out.",
    holds=lambda asset, _: asset.custody is Custody.LEASED,
)


@lifecycle.verb(
    RUNNING,
    OUT,
    NOT_ASKED,
    GIVING_SIDE,
    zh="申请续租",
    en="Request an extension",
    roles=(Role.CLERK, Role.OFFICE),
)
def request_extension(
    lease: Lease, occasion: Occasion, *, due: date, rent: Fen, reason: Given
) -> tuple[Event, ...]:
    """Ask that the lease goes on until a later day; the place decides it like the lease."""
    most = occasion.policy.lease_extensions_max
    if most is not None and lease.extensions >= most:
        raise EXTENSIONS_LEFT.broken(policy=occasion.policy.reference, most=most)
    if lease.due is not None and due <= lease.due:
        raise DUE_AHEAD.broken(due=due, after=lease.due)
    if not rent:
        raise RENT_ASKED.broken()
    within_term(occasion, due)
    return (
        LeaseExtensionRequested(applicant=occasion.by, due=due, rent=rent, reason=reason),
        *laid(occasion, route(occasion, Action.LEASE)),
    )


@lifecycle.verb(
    ASKED,
    OTHER_PERSON,
    OTHERS_EXTENSION,
    MY_TURN,
    LAST_STEP,
    zh="批准续租",
    en="Approve the extension",
    roles=DECIDERS,
)
def approve_extension(_: Lease, __: Occasion, *, approval_no: Reference) -> LeaseExtensionApproved:
    """Approve the longer term; it holds when the lessee has signed."""
    return LeaseExtensionApproved(approval_no=approval_no)


@lifecycle.verb(
    ASKED,
    OTHER_PERSON,
    OTHERS_EXTENSION,
    MY_TURN,
    zh="不同意续租",
    en="Refuse the extension",
    roles=DECIDERS,
)
def refuse_extension(_: Lease, __: Occasion, *, reason: Given) -> LeaseExtensionRefused:
    """Refuse the longer term; the lease ends as agreed."""
    return LeaseExtensionRefused(reason=reason)


@lifecycle.verb(
    OPEN, GIVING_SIDE, zh="撤回续租", en="Withdraw the extension", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw_extension(_: Lease, __: Occasion, *, reason: Given) -> LeaseExtensionWithdrawn:
    """Withdraw the request for a longer term, or what was approved and never signed."""
    return LeaseExtensionWithdrawn(reason=reason)


@lifecycle.verb(
    APPROVED, GIVING_SIDE, zh="签订续租协议", en="Sign the extension", roles=(Role.CLERK,)
)
def sign_extension(
    lease: Lease, _: Occasion, *, agreement: Reference, rent: Fen, due: date
) -> tuple[Event | Ask, ...]:
    """Record the agreement by which the lessee goes on, on the approved terms or better."""
    until = lease.extended_due
    if rent < lease.extended_rent or (until is not None and due > until):
        raise NOT_WORSE.broken(
            rent=yuan(rent), due=due, approved=yuan(lease.extended_rent), until=until
        )
    if lease.due is not None and due <= lease.due:
        raise DUE_AHEAD.broken(due=due, after=lease.due)
    return (
        LeaseExtended(agreement=agreement, rent=rent, due=due),
        *(Ask(f"asset/{a}", "extend_lease", {"due": due}) for a in with_lessee(lease)),
    )


@lifecycle.verb(
    RUNNING,
    OUT,
    OTHER_PERSON,
    zh="提前终止出租",
    en="End early",
    roles=(Role.HEAD, Role.OFFICE),
)
def end_early(
    lease: Lease, occasion: Occasion, *, last_day: date, reason: Given
) -> tuple[Event | Ask, ...]:
    """Say until which day the lessee brings back what is out; what still waits is let go."""
    if last_day < occasion.on or (lease.due is not None and last_day >= lease.due):
        raise EARLIER.broken(last_day=last_day, on=occasion.on, due=lease.due)
    if not occasion.docs:
        raise END_AGREED.broken()
    rest = tuple(sorted(lease.waiting - on_the_way(lease)))
    return (
        LeaseEndedEarly(last_day=last_day, reason=reason),
        *releases(occasion.stream, rest, reason),
        *(Ask(f"asset/{a}", "cut_lease_short", {"due": last_day}) for a in with_lessee(lease)),
    )


def with_lessee(lease: Lease) -> list[str]:
    """Return the pieces in the lessee's hands; what is on its way back needs no other day."""
    return sorted(lease.out - on_the_way(lease))


@assets_.lifecycle.verb(ON_LEASE, zh="续租", en="Extend the lease", inner=True)
def extend_lease(_: Asset, __: Occasion, *, due: date) -> LeaseTermExtended:
    """Let the lessee keep it longer."""
    return LeaseTermExtended(due=due)


@assets_.lifecycle.verb(ON_LEASE, zh="缩短租期", en="Cut the lease short", inner=True)
def cut_lease_short(_: Asset, __: Occasion, *, due: date) -> LeaseCutShort:
    """Let the lessee bring it back sooner."""
    return LeaseCutShort(due=due)
