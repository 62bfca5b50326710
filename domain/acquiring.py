"""Acquisition: to buy, build or rent what no reallocation could supply (#5, #6).

A purchase rests on a line of a reviewed plan whose search for something to reallocate is fresh and
answered (国令738 第11条); it is asked again when the purchase is authorised. What is delivered
says which acquisition it is from.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.approval import (
    DECIDERS,
    LAST_STEP,
    Approval,
    Resubmitted,
    laid_anew,
    my_turn,
    routed,
)
from domain.asset import Kind
from domain.correcting import refuse_others
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import OTHER_PERSON
from domain.open_steps import OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.planning import Number
from domain.policy import Action
from domain.values import (
    AssetId,
    CaseId,
    Code,
    Fen,
    Given,
    Name,
    PersonId,
    Quantity,
    Reference,
    Text,
    UnitId,
)
from domain.values import quantity as decimal
from domain.words import Role, Term, Words


class Way(Term):
    """How it is obtained when nothing can be reallocated (国令738 第9、11条)."""

    PURCHASE = "purchase", "购置", "purchase"
    BUILD = "build", "建设", "construction"
    RENT = "rent", "租用", "renting"


class AcquisitionStatus(Term):
    """Where an acquisition stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    AUTHORISED = "authorised", "已批准", "authorised"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    DELIVERED = "delivered", "已到货", "delivered"
    CLOSED = "closed", "已办结", "closed"


class Acquisition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is to be acquired, on which line of which plan; unit price in fen."""

    status: AcquisitionStatus = AcquisitionStatus.NONE
    applicant: str = ""
    plan: str = ""
    line: int = 0
    unit: str = ""
    item: str = ""
    way: Way = Way.PURCHASE
    quantity: str = "0"
    unit_price: int = 0
    delivered: str = "0"
    approval: Approval = Approval()
    number: str = ""
    dataset: str = ""

    @property
    def amount(self) -> int:
        """Return what the request comes to, in fen, half a fen up."""
        return int((Decimal(self.quantity) * self.unit_price + Decimal("0.5")) // 1)

    @property
    def beyond(self) -> bool:
        """Return whether more was delivered than was authorised."""
        return Decimal(self.delivered) > Decimal(self.quantity)

    def describe(self, lang: Lang) -> str:
        """Say where the acquisition stands."""
        awaiting = self.status is AcquisitionStatus.REQUESTED
        step = self.approval.describe(lang) if awaiting else ""
        counts = (self.quantity, self.delivered)
        if lang == "zh":
            flag = "；注意：到货超过批准数量" if self.beyond else ""
            said = "配置申请{}，数量{}、已到货{}".format(self.status.words.zh, *counts)
        else:
            flag = "; note: more delivered than authorised" if self.beyond else ""
            said = "The acquisition is {}: {} asked for, {} delivered".format(
                self.status.words.en, *counts
            )
        return said + step + flag


lifecycle: Lifecycle[Acquisition] = Lifecycle(
    "acquisition", Acquisition, Words("购置申请", "Acquisition")
)

# What happened ----------------------------------------------------------------


class AcquisitionRequested(
    Event,
    name="acquisition.requested",
    zh="依据计划{plan}第{line}行申请{way}，数量{quantity}，单价{unit_price}",
    en="{way} requested on line {line} of plan {plan}: {quantity} at {unit_price}",
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#5 A unit wants to spend money, since nothing could be reallocated. Unit price in fen."""

    applicant: PersonId
    plan: CaseId
    line: Number
    way: Way
    quantity: Quantity
    unit_price: Fen
    budget_line: Code = ""
    dataset: Code = ""


class AcquisitionPutForward(
    Event,
    name="acquisition.put_forward",
    zh="计划核对无误：{unit}，{item}（{kind}）",
    en="Checked against the plan: {item} ({kind}) for {unit}",
):
    """#5 The plan confirmed its line: reviewed, searched, and enough left of it."""

    unit: UnitId
    item: Name
    kind: Kind


class AcquisitionCorrected(
    Event,
    name="acquisition.corrected",
    zh="申请改为：数量{quantity}，单价{unit_price}",
    en="Asked for now: {quantity} at {unit_price}",
    duty="apply",
):
    """#5 The applicant asks for another quantity or price, before anything was decided; fen."""

    quantity: Quantity
    unit_price: Fen


class AcquisitionAuthorised(
    Event,
    name="acquisition.authorised",
    zh="批准配置，文号{approval_no}，采购编号{procurement_ref}",
    en="Acquisition authorised: {approval_no}, procurement {procurement_ref}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#5 It may be bought, built or rented; nothing has been delivered yet."""

    approval_no: Code
    procurement_ref: Code = ""


class AcquisitionRefused(
    Event,
    name="acquisition.refused",
    zh="不同意配置：{reason}",
    en="Acquisition refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#5 The answer is no."""

    reason: Text


class AcquisitionWithdrawn(
    Event,
    name="acquisition.withdrawn",
    zh="撤回配置申请：{reason}",
    en="Acquisition withdrawn: {reason}",
    duty="apply",
):
    """#5 The unit needs it no longer; nothing was delivered."""

    reason: Text


class DeliveryCounted(
    Event,
    name="acquisition.delivery_counted",
    zh="到货{quantity}：{asset}",
    en="{quantity} delivered: {asset}",
):
    """#6 So much arrived; what is more than was authorised stays visible."""

    asset: AssetId
    quantity: Quantity


class AcquisitionClosed(
    Event,
    name="acquisition.closed",
    zh="办结，未到货部分不再购置：{reason}",
    en="Closed, what was not delivered is not acquired: {reason}",
    duty="apply",
):
    """#6 What is still missing is not expected any more."""

    reason: Text


AcquisitionEvent: TypeAlias = (
    AcquisitionRequested
    | AcquisitionPutForward
    | AcquisitionCorrected
    | AcquisitionAuthorised
    | AcquisitionRefused
    | AcquisitionWithdrawn
    | DeliveryCounted
    | AcquisitionClosed
)

# Where that leaves us ---------------------------------------------------------


def evolve(case: Acquisition, event: AcquisitionEvent) -> Acquisition:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AcquisitionRequested():
            return Acquisition(
                status=AcquisitionStatus.REQUESTED,
                applicant=event.applicant,
                plan=event.plan,
                line=event.line,
                way=event.way,
                quantity=event.quantity,
                unit_price=event.unit_price,
                dataset=event.dataset,
            )
        case AcquisitionPutForward(unit=unit, item=item):
            return replace(case, unit=unit, item=item)
        case AcquisitionCorrected(quantity=quantity, unit_price=unit_price):
            return replace(case, quantity=quantity, unit_price=unit_price)
        case AcquisitionAuthorised():
            return replace(case, status=AcquisitionStatus.AUTHORISED)
        case AcquisitionRefused():
            return replace(case, status=AcquisitionStatus.REFUSED)
        case AcquisitionWithdrawn():
            return replace(case, status=AcquisitionStatus.WITHDRAWN)
        case AcquisitionClosed():
            return replace(case, status=AcquisitionStatus.CLOSED)
        case DeliveryCounted(quantity=more):
            delivered = Decimal(case.delivered) + Decimal(more)
            whole = delivered >= Decimal(case.quantity)
            status = AcquisitionStatus.DELIVERED if whole else case.status
            return replace(case, status=status, delivered=decimal(delivered))
        case _:
            assert_never(event)


lifecycle.part(AcquisitionEvent, evolve)


@step_of(Acquisition)
def what_is_next(case: Acquisition) -> OpenStep | None:
    """Return what must be done next with an acquisition."""
    match case.status:
        case AcquisitionStatus.REQUESTED:
            return decision(case.approval, AUTHORISERS, case.unit, verb="authorise")
        case AcquisitionStatus.AUTHORISED:
            return OpenStep(verb="close", roles=(Role.CLERK,), unit=case.unit)
        case _:
            return None


# What may be asked ------------------------------------------------------------

AUTHORISERS = (Role.HEAD, Role.OFFICE, Role.FINANCE)
NEW = Rule(
    slug="acquisition-exists",
    zh="此配置申请已经提出。",
    en="This acquisition has been requested already.",
    holds=lambda case, _: case.status is AcquisitionStatus.NONE,
)
REQUESTED = Rule(
    slug="acquisition-not-requested",
    zh="配置申请没有在审批中。",
    en="The acquisition does not await a decision.",
    holds=lambda case, _: case.status is AcquisitionStatus.REQUESTED,
)
AUTHORISED = Rule(
    slug="acquisition-not-authorised",
    zh="配置申请未经批准，不能据以到货登记。",
    en="Nothing is delivered on an acquisition that was not authorised.",
    law="《行政事业性国有资产管理条例》第24条",
    holds=lambda case, _: (
        case.status in (AcquisitionStatus.AUTHORISED, AcquisitionStatus.DELIVERED)
    ),
)
SOMETHING_ASKED = Rule(
    slug="nothing-to-acquire",
    zh="数量须大于零。",
    en="The quantity must be more than nothing.",
)
EXPECTED = Rule(
    slug="nothing-expected",
    zh="没有等待到货的部分。",
    en="Nothing is being waited for.",
    holds=lambda case, _: case.status is AcquisitionStatus.AUTHORISED,
)
MY_TURN = my_turn(*AUTHORISERS)


@lifecycle.verb(NEW, zh="申请购置", en="Request acquisition", roles=(Role.CLERK,))
def request(
    _: Acquisition,
    occasion: Occasion,
    *,
    plan: CaseId,
    line: Number,
    quantity: Quantity,
    unit_price: Fen,
    way: Way = Way.PURCHASE,
    budget_line: Code = "",
) -> tuple[AcquisitionRequested, Ask]:
    """Ask to buy, build or rent for a line of a reviewed plan that no reallocation met."""
    if not Decimal(quantity):
        raise SOMETHING_ASKED.broken()
    this = occasion.stream.partition("/")[2]
    claim = {"line": line, "acquisition": this, "quantity": quantity, "unit_price": unit_price}
    return (
        AcquisitionRequested(
            applicant=occasion.by,
            plan=plan,
            line=line,
            way=way,
            quantity=quantity,
            unit_price=unit_price,
            budget_line=budget_line,
        ),
        Ask(f"plan/{plan}", "claim_line", claim),
    )


@lifecycle.verb(REQUESTED, zh="计划核对", en="Put forward", inner=True)
def put_forward(
    case: Acquisition, occasion: Occasion, *, unit: UnitId, item: Name, kind: Kind
) -> tuple[Event, ...]:
    """Lay the route for what the plan says this is about."""
    premises = kind in (Kind.PREMISES, Kind.LAND)
    route = occasion.policy.route(
        Action.PREMISES if premises else Action.ACQUISITION,
        form=case.way,
        kinds=(kind,),
        unit_amount=case.unit_price,
        batch_amount=case.amount,
        level=occasion.level,
        unit_kind=occasion.unit_kind,
    )
    put = AcquisitionPutForward(unit=unit, item=item, kind=kind)
    return (put, *laid_anew(case, occasion, route))


@lifecycle.verb(
    REQUESTED, OTHER_PERSON, MY_TURN, LAST_STEP, zh="批准购置", en="Authorise", roles=DECIDERS
)
def authorise(
    case: Acquisition, occasion: Occasion, *, approval_no: Reference, procurement_ref: Code = ""
) -> tuple[AcquisitionAuthorised, Ask]:
    """Let it be acquired; the plan's search must still be fresh and answered."""
    this = occasion.stream.partition("/")[2]
    return (
        AcquisitionAuthorised(approval_no=approval_no, procurement_ref=procurement_ref),
        Ask(f"plan/{case.plan}", "confirm_line", {"line": case.line, "acquisition": this}),
    )


@lifecycle.verb(REQUESTED, OTHER_PERSON, MY_TURN, zh="不同意购置", en="Refuse", roles=DECIDERS)
def refuse(
    case: Acquisition, occasion: Occasion, *, reason: Given
) -> tuple[AcquisitionRefused, Ask]:
    """Refuse the acquisition; its line is free again."""
    return AcquisitionRefused(reason=reason), released(case, occasion)


@lifecycle.verb(REQUESTED, zh="撤回购置申请", en="Withdraw", roles=(Role.CLERK,))
def withdraw(
    case: Acquisition, occasion: Occasion, *, reason: Given
) -> tuple[AcquisitionWithdrawn, Ask]:
    """Take the request back before it is decided; its line is free again."""
    return AcquisitionWithdrawn(reason=reason), released(case, occasion)


def resubmit(
    case: Acquisition,
    occasion: Occasion,
    *,
    note: Given,
    quantity: Quantity | None = None,
    unit_price: Fen | None = None,
) -> tuple[Event | Ask, ...]:
    """Put the corrected request forward again; another quantity or price is held to the plan."""
    wanted = AcquisitionCorrected(
        quantity=case.quantity if quantity is None else quantity,
        unit_price=case.unit_price if unit_price is None else unit_price,
    )
    if (wanted.quantity, wanted.unit_price) == (case.quantity, case.unit_price):
        return (Resubmitted(note=note),)
    refuse_others(case, occasion)
    if not Decimal(wanted.quantity):
        raise SOMETHING_ASKED.broken()
    claim = {
        "line": case.line,
        "acquisition": occasion.stream.partition("/")[2],
        "quantity": wanted.quantity,
        "unit_price": wanted.unit_price,
    }
    return (
        Resubmitted(note=note),
        wanted,
        released(case, occasion),
        Ask(f"plan/{case.plan}", "claim_line", claim),
    )


routed(lifecycle, REQUESTED, MY_TURN, resubmit)


def released(case: Acquisition, occasion: Occasion) -> Ask:
    """Return what frees the line of the plan."""
    form = {"line": case.line, "acquisition": occasion.stream.partition("/")[2]}
    return Ask(f"plan/{case.plan}", "release_line", form)


@lifecycle.verb(AUTHORISED, zh="计入到货", en="Count a delivery", inner=True)
def count_delivery(
    _: Acquisition, __: Occasion, *, asset: AssetId, quantity: Quantity
) -> DeliveryCounted:
    """Count what arrived for this acquisition."""
    return DeliveryCounted(asset=asset, quantity=quantity)


@lifecycle.verb(EXPECTED, zh="办结购置", en="Close", roles=(Role.CLERK,))
def close(_: Acquisition, __: Occasion, *, reason: Given) -> AcquisitionClosed:
    """Say why what is still missing will not be delivered."""
    return AcquisitionClosed(reason=reason)
