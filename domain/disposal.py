"""Disposal: proposal, approval, execution, derecognition and the income, each its own fact.

Approval, execution, accounting and money are separately dated (DOMAIN.md 0.1 #4); what is
executed is a subset of what was approved, by item and amount (T91). The side of the thing is told
in `leaving`, appraisal, market and price in `selling`, deals and buyers in `dealing`, what is
carried out under the approval in `executing`, papers and titles in `proving`, books and money in
`settling`, what the treasury gives back in `refunding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain import apportioning
from domain.apportioning import SharingEvent, UnitsStated, owner, summed
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
from domain.correcting import ListCorrected, correctable, corrected, refuse_others, relisted
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule, upcaster
from domain.holding import OTHER_PERSON, listed, releases
from domain.leaving import Form, Ground
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.requiring import MINUTES, NO_TERMS, Need, Terms, required
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
    yuan,
)
from domain.watching import counting, stream_of
from domain.words import Role, Term, Words


class DisposalStatus(Term):
    """Where a disposal stands."""

    NONE = "none", "未提议", "not proposed"
    PROPOSED = "proposed", "已提议", "proposed"
    APPROVED = "approved", "已批准", "approved"
    REJECTED = "rejected", "未获批准", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    SUSPENDED = "suspended", "暂停，待重新批准", "suspended until approved again"
    EXECUTED = "executed", "已执行", "executed"
    ASSESSED = "assessed", "收入已确认", "income assessed"
    REMITTED = "remitted", "已上缴国库", "remitted"


class Flag(Term):
    """What an auditor would ask about a case (DOMAIN.md 0.1 #4)."""

    BEYOND_AMOUNT = "beyond_amount", "执行金额超过批准金额", "executed for more than was approved"
    BEYOND_LIST = "beyond_list", "执行了未批准的资产", "executed what was not approved"
    SPLITTING = "splitting", "疑似拆分报批", "possibly split to stay below a limit"
    FAILED_TWICE = "failed_twice", "两次以上流拍未处理", "auctioned in vain more than once"
    DEFAULTED = "buyer_defaulted", "买受人曾违约", "a buyer defaulted"


class Deduction(msgspec.Struct, frozen=True, kw_only=True):
    """One line between gross and net, in fen; never hidden in a total (DOMAIN.md h)."""

    type: Annotated[str, Meta(min_length=1, max_length=80, pattern=PRINTABLE)]
    amount: Fen


class Deal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A deal whose things are still here: what each brings and the deposit left for it, in fen.

    `billed` says that its price is part of an income that was assessed.
    """

    buyer: str
    prices: dict[str, int]
    deposit: int = 0
    pay_by: date | None = None
    contract_no: str = ""
    billed: bool = False


class Disposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was proposed, approved, carried out, derecognised; and the money, in fen.

    `requested_amount`, `approved_amount` and `executed_amount` are original values of cards, None
    where one is not stated. `appraisals` and `floors` are shares of the appraisal and the least
    price, piece by piece. `owners` are the units in whose books each piece stood, where they are
    not all the case's own; `earned`, `due_by` and `remitted_by` what their pieces brought, what they
    owe the treasury and what reached it in their name. `deals` by the number of their confirmation:
    what they bring is among the proceeds. `billed` and `billed_by` are the part of the proceeds
    that was assessed as income.
    """

    status: DisposalStatus = DisposalStatus.NONE
    applicant: str = ""
    unit: str = ""
    form: Form = Form.SCRAP
    ground: Ground | None = None
    remark: str = ""
    minutes_no: str = ""
    proposed: frozenset[str] = frozenset()
    approval_no: str = ""
    valid_until: date | None = None
    approved: frozenset[str] = frozenset()
    executed: frozenset[str] = frozenset()
    derecognised: frozenset[str] = frozenset()
    requested_amount: int | None = None
    approved_amount: int | None = None
    executed_amount: int | None = None
    flags: tuple[Flag, ...] = ()
    proceeds: int = 0
    currency: str = "CNY"
    net: int | None = None
    remitted: int = 0
    approval: Approval = Approval()
    number: str = ""
    values: dict[str, int | None] = {}
    kinds: dict[str, str] = {}
    terms: Terms = NO_TERMS
    watched: bool = False
    excess: frozenset[str] = frozenset()
    appraisals: dict[str, int] = {}
    floors: dict[str, int] = {}
    on_market: bool = False
    rounds_failed: int = 0
    next_step_by: date | None = None
    asked_price: int | None = None
    asked_form: Form | None = None
    titled: frozenset[str] = frozenset()
    destroyed: frozenset[str] = frozenset()
    assessed: bool = False
    dataset: str = ""
    owners: dict[str, str] = {}
    earned: dict[str, int] = {}
    due_by: dict[str, int] = {}
    remitted_by: dict[str, int] = {}
    deductions: tuple[Deduction, ...] = ()
    deals: dict[str, Deal] = {}
    billed: int = 0
    billed_by: dict[str, int] = {}

    @property
    def dealt(self) -> frozenset[str]:
        """Return what is sold and not handed over yet."""
        return frozenset(asset for deal in self.deals.values() for asset in deal.prices)

    @property
    def unsold(self) -> frozenset[str]:
        """Return what was approved and is neither carried out nor under a deal."""
        return self.approved - self.executed - self.dealt

    def describe(self, lang: Lang) -> str:
        """Say where the disposal stands."""
        counts = (len(self.proposed), len(self.approved), len(self.executed))
        step = self.approval.describe(lang) if self.status in AWAITING_STATUS else ""
        if lang == "zh":
            said = "处置单（{}）{}，提议{}项、批准{}项、已执行{}项".format(
                self.form.words.zh, self.status.words.zh, *counts
            )
            flags = "；注意：" + "、".join(f.words.zh for f in self.flags) if self.flags else ""
        else:
            said = "The disposal ({}) is {}: {} proposed, {} approved, {} executed".format(
                self.form.words.en, self.status.words.en, *counts
            )
            flags = "; note: " + ", ".join(f.words.en for f in self.flags) if self.flags else ""
        return said + step + flags


AWAITING_STATUS = (DisposalStatus.PROPOSED, DisposalStatus.SUSPENDED)
lifecycle: Lifecycle[Disposal] = Lifecycle("disposal", Disposal, Words("处置单", "Disposal"))

# What happened ----------------------------------------------------------------


class DisposalProposed(
    Event,
    name="disposal.proposed",
    zh="{unit}提议以{form}方式处置，事由：{ground}（纪要{minutes_no}）{remark}",
    en="{unit} proposes disposal by {form}, ground: {ground} (minutes {minutes_no}) {remark}",
    version=2,
    duty="apply",
    papers=(PaperForm.DISPOSAL,),
    numbered=True,
):
    """#34 A minuted meeting of the unit wants to dispose of the list (国令738 第19条).

    `ground` is None where an older proposal said it in its own words, which `remark` keeps;
    `watched` says that it was counted against splitting.
    """

    applicant: PersonId
    unit: UnitId
    form: Form
    ground: Ground | None
    minutes_no: Code
    assets: tuple[AssetId, ...]
    remark: Text = ""
    watched: bool = False
    dataset: Code = ""


@upcaster("disposal.proposed", 1)
def ground_chosen(body: dict[str, Any]) -> dict[str, Any]:
    """Read a proposal that said its ground in words, and perhaps named it beside them."""
    said = {w: g.value for g in Ground for w in (g.value, g.words.zh, g.words.en)}
    kept = {k: v for k, v in body.items() if k != "circumstance"}
    ground = said.get(body.get("circumstance", ""))
    return kept | {"ground": ground, "remark": body["ground"]}


class ListValued(
    Event,
    name="disposal.list_valued",
    zh="清单账面原值合计{amount}",
    en="The list comes to {amount} at original value",
):
    """#34 What the cards said when the list was proposed, in the order of asset ids, in fen.

    `amount` is None when a card does not state its value; `watched` says whether a corrected list
    is counted against splitting, None where the proposal itself said so.
    """

    values: tuple[Fen | None, ...]
    kinds: tuple[Code, ...]
    amount: Fen | None
    currency: Currency = "CNY"
    watched: bool | None = None


class TermsLaid(
    Event,
    name="disposal.terms_laid",
    zh="按{policy}核对处置方式、事由和材料",
    en="Form, ground and papers checked against {policy}",
):
    """#34 What the rules of the day ask of this case until its end.

    `floor_percent` is the part of the appraisal below which a deal stops.
    """

    policy: Code
    needs: tuple[Need, ...] = ()
    appraisal: bool = False
    floor_percent: int | None = None
    cites: tuple[Code, ...] = ()
    documents: tuple[Code, ...] = ()


class ProposalCorrected(
    Event,
    name="disposal.proposal_corrected",
    zh="提议改为：事由：{ground}（纪要{minutes_no}）{remark}",
    en="Proposed now on the ground: {ground} (minutes {minutes_no}) {remark}",
    duty="apply",
):
    """#34 The applicant names another ground or other minutes, before anything was decided."""

    ground: Ground
    minutes_no: Code
    remark: Text = ""


class SplittingWarned(
    Event,
    name="disposal.splitting_warned",
    zh="提示：{days}天内同类同方式提议合计{amount}，合并后须走另一审批程序（另见{cases}；"
    "提交前已知悉：{acknowledged}）",
    en="Warning: proposals of this kind and form within {days} days come to {amount}; as one list"
    " they would be decided differently (see {cases}; known to the applicant before: {acknowledged})",
    warns=True,
):
    """#34 Small proposals that together cross a limit; who decides must look at it.

    `acknowledged`: the applicant had been shown it and put the proposal forward all the same.
    """

    kind: Code
    amount: Fen
    days: int
    cases: tuple[Stream, ...]
    acknowledged: bool = False


class DisposalApproved(
    Event,
    name="disposal.approved",
    zh="批准处置，批复{approval_no}，核准金额{amount}",
    en="Disposal approved: {approval_no}, amount {amount}",
    duty="approve",
    papers=(PaperForm.DISPOSAL,),
    boundary=True,
):
    """#36 The approval document lists what may go; the rest is let go. Amount in fen."""

    approval_no: Code
    assets: tuple[AssetId, ...]
    amount: Fen | None = None
    valid_until: date | None = None


class DisposalRejected(
    Event,
    name="disposal.rejected",
    zh="不予批准：{reason}",
    en="Disposal rejected: {reason}",
    duty="approve",
):
    """#36 Nothing may be disposed of."""

    reason: Text


class DisposalWithdrawn(
    Event,
    name="disposal.withdrawn",
    zh="撤回处置提议：{reason}",
    en="Disposal withdrawn: {reason}",
    duty="apply",
):
    """#34 The unit keeps the list after all; nobody had decided yet."""

    reason: Text


class RestKept(
    Event,
    name="disposal.rest_kept",
    zh="余下资产不再处置：{reason}",
    en="The rest is kept: {reason}",
    duty="apply",
):
    """#36 What was approved but not carried out stays on the books."""

    reason: Text


class Sold(
    Event,
    name="disposal.sold",
    zh="成交：{asset}，买受人{buyer}，成交价{price}",
    en="Sold: {asset} to {buyer} for {price}",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
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
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """#40 One piece was donated, assigned or exchanged; `boot` (补价) received, in fen."""

    asset: AssetId
    recipient: Name
    agreement: Code
    boot: Fen = 0


class Scrapped(
    Event,
    name="disposal.scrapped",
    zh="报废交售{recycler}：{asset}，证明{certificate}，残值{price}",
    en="Scrapped with {recycler}: {asset}, certificate {certificate}, salvage {price}",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
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
    duty="execute",
):
    """#42 One piece is lost by an authority's ruling (国令738 第38、39条); compensation in fen.

    The file stays open beside the books (账销案存): nothing here deletes a card.
    """

    asset: AssetId
    ruling_no: Code
    evidence: Text
    compensation: Fen = 0


class ExcessFound(
    Event,
    name="disposal.excess_found",
    zh="发现超批准执行：{asset}，原值{value}，{reason}",
    en="Found executed beyond the approval: {asset}, original value {value}, {reason}",
):
    """#43 It was disposed of though the approval did not cover it, by item or by amount, in fen."""

    asset: AssetId
    value: Fen | None
    reason: Text


class ExcessRuledOn(
    Event,
    name="disposal.excess_ruled_on",
    zh="超批准执行已补作处理：{asset}，文号{approval_no}",
    en="The excess was ruled on: {asset}, {approval_no}",
    duty="approve",
):
    """#36 Whoever may approve dealt with it afterwards; that it happened stays flagged."""

    asset: AssetId
    approval_no: Code


class AssetDerecognised(
    Event,
    name="disposal.asset_derecognised",
    zh="核销{asset}，凭证{voucher}",
    en="{asset} derecognised, voucher {voucher}",
    duty="execute",
):
    """#43 The books let one piece go."""

    asset: AssetId
    voucher: Code


class IncomeAssessed(
    Event,
    name="disposal.income_assessed",
    zh="确认处置收入：总额{gross}，应缴净额{net}",
    en="Income assessed: gross {gross}, net {net}",
    duty="bill",
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
    zh="以{unit}名义上缴国库{amount}，缴款书{voucher}",
    en="Remitted to the treasury in the name of {unit}: {amount}, voucher {voucher}",
    duty="reconcile",
    version=2,
):
    """#48 Money reached the treasury in the name of a unit; amount in fen.

    `unit` is None in what was recorded before units were named.
    """

    amount: Fen
    voucher: Code
    treasury_on: date
    unit: UnitId | None = None


@upcaster("disposal.remitted_to_treasury", 1)
def in_no_name(body: dict[str, Any]) -> dict[str, Any]:
    """Read what was remitted before it was recorded in whose name."""
    return {**body, "unit": None}


DisposalEvent: TypeAlias = (
    DisposalProposed
    | ListValued
    | TermsLaid
    | ProposalCorrected
    | SplittingWarned
    | DisposalApproved
    | DisposalRejected
    | DisposalWithdrawn
    | RestKept
    | Sold
    | GivenAway
    | Scrapped
    | LossWrittenOff
    | ExcessFound
    | ExcessRuledOn
    | AssetDerecognised
    | IncomeAssessed
    | RemittedToTreasury
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
                ground=event.ground,
                remark=event.remark,
                minutes_no=event.minutes_no,
                proposed=frozenset(event.assets),
                watched=event.watched,
                dataset=event.dataset,
            )
        case ListValued() | TermsLaid() | ProposalCorrected() | SplittingWarned():
            return informed(case, event)
        case DisposalApproved(assets=assets, amount=amount):
            return replace(
                case,
                status=DisposalStatus.APPROVED,
                approval_no=event.approval_no,
                valid_until=event.valid_until,
                approved=frozenset(assets),
                approved_amount=worth(case, assets) if amount is None else amount,
            )
        case DisposalRejected():
            return replace(case, status=DisposalStatus.REJECTED)
        case DisposalWithdrawn():
            return replace(case, status=DisposalStatus.WITHDRAWN)
        case RestKept():
            kept = replace(
                case, approved=case.approved - case.unsold, next_step_by=None, on_market=False
            )
            if kept.deals:
                return kept
            status = ended(kept) if case.executed else DisposalStatus.WITHDRAWN
            return replace(kept, status=status)
        case Sold(asset=asset, price=price, currency=currency):
            known = replace(case, currency=currency, dataset=event.dataset or case.dataset)
            if asset in case.dealt:  # counted when the deal was struck
                return carried_out(handed_over(known, asset), asset, 0)
            return carried_out(known, asset, price)
        case GivenAway(asset=asset, boot=boot):
            return carried_out(case, asset, boot)
        case Scrapped(asset=asset, price=price):
            return carried_out(case, asset, price)
        case LossWrittenOff(asset=asset, compensation=compensation):
            return carried_out(case, asset, compensation)
        case ExcessFound(asset=asset, value=value):
            known = replace(
                case, excess=case.excess | {asset}, values={**case.values, asset: value}
            )
            return carried_out(known, asset, 0)
        case ExcessRuledOn(asset=asset):
            return replace(case, excess=case.excess - {asset})
        case AssetDerecognised(asset=asset):
            return replace(case, derecognised=case.derecognised | {asset})
        case IncomeAssessed(gross=gross, net=net, currency=currency):
            whole = net if net is None or case.net is None else case.net + net
            done = whole is not None and case.remitted >= whole
            return replace(
                case,
                status=DisposalStatus.REMITTED if done else DisposalStatus.ASSESSED,
                net=whole,
                proceeds=case.proceeds if case.billed else gross,
                currency=currency,
                deductions=event.deductions,
                billed=case.billed + gross,
                deals={no: replace(deal, billed=True) for no, deal in case.deals.items()},
            )
        case RemittedToTreasury(amount=amount, unit=unit):
            remitted = case.remitted + amount
            done = case.net is not None and remitted >= case.net
            waits = case.status is DisposalStatus.APPROVED  # there is more to be sold
            status = DisposalStatus.REMITTED if done and not waits else case.status
            by = added(case.remitted_by, unit, amount) if unit else case.remitted_by
            return replace(case, remitted=remitted, status=status, remitted_by=by)
        case _:
            assert_never(event)


def informed(
    case: Disposal, event: ListValued | TermsLaid | ProposalCorrected | SplittingWarned
) -> Disposal:
    """Keep what else is known of a proposal: values, rules, a warning."""
    match event:
        case ListValued(values=values, kinds=kinds, amount=amount):
            names = sorted(case.proposed)
            return replace(
                case,
                values=dict(zip(names, values, strict=False)),
                kinds=dict(zip(names, kinds, strict=False)),
                requested_amount=amount,
                currency=event.currency,
                watched=case.watched if event.watched is None else event.watched,
            )
        case TermsLaid():
            terms = Terms(
                policy=event.policy,
                needs=event.needs,
                appraisal=event.appraisal,
                floor_percent=event.floor_percent,
                cites=event.cites,
                documents=event.documents,
            )
            return replace(case, terms=terms)
        case ProposalCorrected(ground=ground, minutes_no=minutes_no, remark=remark):
            return replace(case, ground=ground, minutes_no=minutes_no, remark=remark)
        case SplittingWarned():
            return flagged(case, Flag.SPLITTING)
        case _:
            assert_never(event)


def added(sums: dict[str, int], unit: str, amount: int) -> dict[str, int]:
    """Return sums by unit with an amount more."""
    return {**sums, unit: sums.get(unit, 0) + amount}


def evolve_listed(case: Disposal, event: ListCorrected) -> Disposal:
    """What another list means: it is what is proposed now, and valued and watched anew."""
    flags = tuple(flag for flag in case.flags if flag is not Flag.SPLITTING)
    return replace(case, proposed=corrected(case.proposed, event), flags=flags, owners={})


def worth(case: Disposal, assets: Iterable[str]) -> int | None:
    """Return what cards were worth when the list was proposed; None when one is not known."""
    values = [case.values.get(asset) for asset in assets]
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def flagged(case: Disposal, *flags: Flag) -> Disposal:
    """Add flags to a case, each once, in the order of their declaration."""
    return replace(case, flags=tuple(f for f in Flag if f in case.flags or f in flags))


def carried_out(case: Disposal, asset: str, proceeds: int) -> Disposal:
    """Count one piece as executed, and flag what goes beyond the approval.

    A case whose source names no approval is not judged by one.
    """
    executed = case.executed | {asset}
    done = bool(case.approved) and executed >= case.approved
    sold_out = bool(case.approved) and executed | case.dealt >= case.approved
    value = case.values.get(asset)
    amount = case.executed_amount if case.executed else 0
    amount = None if value is None or amount is None else amount + value
    flags: list[Flag] = []
    if case.approved and asset not in case.approved:
        flags.append(Flag.BEYOND_LIST)
    limit = case.approved_amount
    if limit is not None and amount is not None and amount > limit:
        flags.append(Flag.BEYOND_AMOUNT)
    after = replace(
        case,
        status=ended(case, proceeds) if done else case.status,
        executed=executed,
        executed_amount=amount,
        proceeds=case.proceeds + proceeds,
        earned=added(case.earned, owner(case, asset), proceeds) if case.owners else case.earned,
        on_market=case.on_market and not sold_out,
        next_step_by=None if sold_out else case.next_step_by,
    )
    return flagged(after, *flags) if flags else after


def ended(case: Disposal, more: int = 0) -> DisposalStatus:
    """Return where a case stands whose list is carried out; `more` proceeds come with it, in fen."""
    if case.net is None or case.proceeds + more > case.billed:
        return DisposalStatus.EXECUTED
    return DisposalStatus.REMITTED if case.remitted >= case.net else DisposalStatus.ASSESSED


def owing_less(case: Disposal, less: Mapping[str, int]) -> Disposal:
    """Return a case of which units owe so much less, in fen.

    What the treasury gave back for an error counts as remitted in the case until it is owed no more.
    """
    if case.net is None:
        return case
    net = case.net - sum(less.values())
    off = {unit: -amount for unit, amount in less.items()}
    due_by = summed(case.due_by, off) if case.due_by else {}
    sent = {
        unit: min(case.remitted_by[unit], due_by.get(unit, net))
        for unit in less
        if unit in case.remitted_by
    }
    back = sum(case.remitted_by[unit] - amount for unit, amount in sent.items())
    return replace(
        case,
        net=net,
        due_by=due_by,
        remitted=case.remitted - back if due_by else min(case.remitted, net),
        remitted_by={**case.remitted_by, **sent},
    )


def handed_over(case: Disposal, asset: str) -> Disposal:
    """Take a thing out of the deal it was sold by."""
    deals = {
        no: replace(deal, prices={a: p for a, p in deal.prices.items() if a != asset})
        for no, deal in case.deals.items()
    }
    return replace(case, deals={no: deal for no, deal in deals.items() if deal.prices})


lifecycle.part(DisposalEvent, evolve)
lifecycle.part(SharingEvent, apportioning.evolve)

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
AWAITING = Rule(
    slug="nothing-awaits-decision",
    zh="没有等待审批的处置事项。",
    en="Nothing of this disposal awaits a decision.",
    holds=lambda case, _: case.status in AWAITING_STATUS,
)
APPROVED = Rule(
    slug="disposal-not-approved",
    zh="处置须先获批复才能执行。",
    en="A disposal is carried out only after it was approved.",
    law="《新疆维吾尔自治区机关事务管理办法》第19条",
    holds=lambda case, _: case.status is DisposalStatus.APPROVED,
)
APPROVED_PART = Rule(
    slug="approved-beyond-proposed",
    zh="批准清单中有未提议的资产：{assets}。",
    en="The approved list names assets nobody proposed: {assets}.",
)
APPROVED_AMOUNT = Rule(
    slug="approved-amount-beyond-requested",
    zh="核准金额 {amount} 元超过所批资产的账面原值 {value} 元。",
    en="The approved amount, {amount} yuan, is more than the original value of what is approved,"
    " {value} yuan.",
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)


EXCHANGED_BY_ITS_OWN_CASE = Rule(
    slug="exchange-is-its-own-case",
    zh="置换须写明对方、双方评估和补价，请另开“置换单”申请；审批程序按当地对置换的规定，没有另行规定的按处置办理。",
    en="An exchange names the other side, both appraisals and the balance: request it as an"
    " “Exchange”; it is decided as the place says of exchanges, else as a disposal.",
    law="《行政事业性国有资产管理条例》第36条",
)


@lifecycle.verb(NEW, zh="提议处置", en="Propose a disposal", roles=(Role.CLERK, Role.OFFICE))
def propose(
    _: Disposal,
    occasion: Occasion,
    *,
    unit: UnitId,
    form: Form,
    ground: Ground,
    minutes_no: Reference,
    assets: tuple[AssetId, ...],
    remark: Text = "",
    acknowledged: bool = False,
) -> tuple[Event | Ask, ...]:
    """Propose to dispose of the listed assets, on the strength of a minuted decision.

    `acknowledged`: the applicant was shown what would be warned of, and means it all the same.
    """
    if form is Form.EXCHANGE:
        raise EXCHANGED_BY_ITS_OWN_CASE.broken()
    kinds = {asset.kind for asset in occasion.listed}
    terms = required(occasion, form, ground, remark, kinds, (MINUTES,))
    counted = counting(occasion, unit, form, acknowledged=acknowledged)
    hold = {"case": occasion.stream, "unit": unit, "form": form}
    return (
        DisposalProposed(
            applicant=occasion.by,
            unit=unit,
            form=form,
            ground=ground,
            minutes_no=minutes_no,
            assets=listed(assets),
            remark=remark,
            watched=bool(counted),
        ),
        *valued(occasion, assets),
        *owned(occasion, unit, assets),
        *agreed(terms),
        *laid(occasion, route(occasion, Action.DISPOSAL, form=form)),
        *(Ask(f"asset/{a}", "hold_for_disposal", hold) for a in assets),
        *counted,
    )


@lifecycle.verb(PROPOSED, zh="提示疑似拆分", en="Warn of splitting", inner=True)
def warn_of_splitting(
    _: Disposal,
    __: Occasion,
    *,
    kind: Code,
    amount: Fen,
    days: int,
    cases: tuple[Stream, ...],
    acknowledged: bool = False,
) -> SplittingWarned:
    """Warn whoever decides that several small proposals come to a large one."""
    return SplittingWarned(
        kind=kind, amount=amount, days=days, cases=cases, acknowledged=acknowledged
    )


@lifecycle.verb(
    PROPOSED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准处置",
    en="Approve the disposal",
    roles=DECIDERS,
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
    """Approve all, or only the listed part, or only an amount; the rest is let go."""
    chosen = tuple(sorted(set(assets) or disposal.proposed))
    beyond = set(chosen) - disposal.proposed
    if beyond:
        raise APPROVED_PART.broken(assets=tuple(sorted(beyond)))
    value = worth(disposal, chosen)
    if amount is not None and value is not None and amount > value:
        raise APPROVED_AMOUNT.broken(amount=yuan(amount), value=yuan(value))
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
    PROPOSED, OTHER_PERSON, MY_TURN, zh="不予批准", en="Reject the disposal", roles=DECIDERS
)
def reject(disposal: Disposal, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Reject the disposal and free the assets."""
    return (
        DisposalRejected(reason=reason),
        *releases(occasion.stream, tuple(sorted(disposal.proposed)), reason),
        *forgotten(disposal, occasion),
    )


@lifecycle.verb(
    PROPOSED, zh="撤回处置", en="Withdraw the disposal", roles=(Role.CLERK, Role.OFFICE)
)
def withdraw(disposal: Disposal, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the proposal and free the assets; nobody has decided yet."""
    return (
        DisposalWithdrawn(reason=reason),
        *releases(occasion.stream, tuple(sorted(disposal.proposed)), reason),
        *forgotten(disposal, occasion),
    )


def resubmit(
    disposal: Disposal,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
    ground: Ground | None = None,
    minutes_no: Reference | None = None,
    remark: Text | None = None,
    acknowledged: bool = False,
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with another list or ground where they are named."""
    changes = corrections(disposal, occasion, ground, minutes_no, remark)
    if (changes or add or remove) and disposal.status is not DisposalStatus.PROPOSED:
        raise PROPOSED.broken()
    form = {"case": occasion.stream, "unit": disposal.unit, "form": disposal.form}
    hold, again = ("hold_for_disposal", form), {"acknowledged": acknowledged}
    listed_ = relisted(disposal, occasion, disposal.proposed, add, remove, note, hold, again)
    if changes and not listed_:
        whole = {"assets": tuple(sorted(disposal.proposed))}
        listed_ = (Ask(occasion.stream, "lay_anew", whole | again),)
    return (Resubmitted(note=note), *changes, *listed_)


def corrections(
    disposal: Disposal,
    occasion: Occasion,
    ground: Ground | None,
    minutes_no: str | None,
    remark: str | None,
) -> tuple[ProposalCorrected, ...]:
    """Return what a resubmission says of the proposal itself; nothing when it stays as it was."""
    before = (disposal.ground, disposal.minutes_no, disposal.remark)
    after = (
        ground or disposal.ground or Ground.OTHER,
        minutes_no or disposal.minutes_no,
        disposal.remark if remark is None else remark,
    )
    if (ground, minutes_no, remark) == (None, None, None) or after == before:
        return ()
    refuse_others(disposal, occasion)
    return (ProposalCorrected(ground=after[0], minutes_no=after[1], remark=after[2]),)


def lay_anew(
    disposal: Disposal,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    acknowledged: bool = False,
) -> tuple[Event | Ask, ...]:
    """Value the corrected list, hold it to the rules, watch it, and say who decides about it."""
    form, kinds = disposal.form, {asset.kind for asset in occasion.listed}
    shown = (MINUTES, *disposal.terms.documents, *disposal.approval.documents)
    ground = disposal.ground or Ground.OTHER
    terms = required(occasion, form, ground, disposal.remark, kinds, shown)
    counted = counting(occasion, disposal.unit, form, acknowledged=acknowledged)
    return (
        *valued(occasion, assets, watched=bool(counted)),
        *owned(occasion, disposal.unit, assets),
        *agreed(terms),
        *laid_anew(disposal, occasion, route(occasion, Action.DISPOSAL, form=form)),
        *forgotten(disposal, occasion),
        *counted,
    )


routed(lifecycle, AWAITING, MY_TURN, resubmit)
correctable(lifecycle, PROPOSED, lay_anew, evolve_listed)


def valued(
    occasion: Occasion, assets: tuple[str, ...], *, watched: bool | None = None
) -> tuple[ListValued, ...]:
    """Return what the cards of a list say of value and kind; nothing where they are not at hand."""
    if not assets or len(occasion.listed) != len(assets):
        return ()
    cards = dict(zip(assets, occasion.listed, strict=True))
    ordered = [cards[asset] for asset in sorted(cards)]
    values = tuple(card.value for card in ordered)
    known = [value for value in values if value is not None]
    currencies = {card.currency for card in ordered}
    complete = len(known) == len(values) and len(currencies) == 1
    return (
        ListValued(
            values=values,
            kinds=tuple(card.kind.value for card in ordered),
            amount=sum(known) if complete else None,
            currency=min(currencies),
            watched=watched,
        ),
    )


def owned(occasion: Occasion, unit: str, assets: tuple[str, ...]) -> tuple[UnitsStated, ...]:
    """Return in whose books the pieces of a list stand, where not all are the proposing unit's."""
    if len(occasion.listed) != len(assets):
        return ()
    cards = dict(zip(assets, occasion.listed, strict=True))
    owners = tuple(cards[asset].accounting_unit for asset in sorted(cards))
    if set(owners) == {unit}:
        return ()
    return (UnitsStated(units=tuple(sorted(set(owners))), owners=owners),)


def agreed(terms: Terms | None) -> tuple[TermsLaid, ...]:
    """Return the rules that bind a case as a fact; none where the place says nothing."""
    if terms is None:
        return ()
    return (
        TermsLaid(
            policy=terms.policy,
            needs=terms.needs,
            appraisal=terms.appraisal,
            floor_percent=terms.floor_percent,
            cites=terms.cites,
            documents=terms.documents,
        ),
    )


def forgotten(disposal: Disposal, occasion: Occasion) -> tuple[Ask, ...]:
    """Ask that a proposal which came to nothing counts no longer."""
    if not disposal.watched:
        return ()
    return (Ask(stream_of(disposal.unit, disposal.form), "let_go", {"case": occasion.stream}),)
