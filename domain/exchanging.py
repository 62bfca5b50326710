"""Exchange (置换): what lies idle against what is needed, at appraised values, with a balance.

With another unit of this ledger both sides' things are named and handed over by both sides; with
somebody outside, what comes is received like any delivery: inspected, then entered in the books.
The balance (补价) that somebody pays us is income of the treasury (内蒙古机关运行保障条例 第17条,
国令738 第36条).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import kinds
from domain.apportioning import shares
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
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Kind, Lock, Mode, ValueType
from domain.correcting import ListCorrected, correctable, evolve_waiting, list_changes
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule, upcaster
from domain.disposal import Deduction, ground_chosen
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
    SOMETHING_SENT,
    TAKING_SIDE,
    Scans,
    given_out,
    moving,
    on_the_way,
    taken_in,
    without,
)
from domain.holding import ON_THE_LIST, OTHER_PERSON, HeldForProcess, listed, releases
from domain.leaving import DISPOSABLE, OURS, Form, Ground
from domain.open_steps import CARRIERS, OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.requiring import (
    LATER,
    MINUTES,
    NO_TERMS,
    SAID_BY_STEP,
    Need,
    Terms,
    refuse_missing,
    required,
)
from domain.settling import MONEY, NOT_TOO_MUCH, PAID_ALREADY, SOMETHING_PAID
from domain.values import (
    AssetId,
    Code,
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

PIECES_MAX = 2000
HAND_OVER_SLIP = "hand_over_slip"


class ExchangeStatus(Term):
    """Where an exchange stands."""

    NONE = "none", "未申请", "not requested"
    REQUESTED = "requested", "已申请", "requested"
    APPROVED = "approved", "已批准", "approved"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    SIGNED = "signed", "已签协议", "agreement signed"
    EXCHANGED = "exchanged", "已置换", "exchanged"
    ASSESSED = "assessed", "补价收入已确认", "balance assessed"
    REMITTED = "remitted", "补价已上缴国库", "balance remitted"


class Side(Term):
    """Which side of an exchange is meant."""

    OUT = "out", "换出", "what goes out"
    IN = "in", "换入", "what comes in"


class Payer(Term):
    """Who pays the balance."""

    PARTNER = "partner", "对方", "the other side"
    US = "us", "我方", "our side"


class Exchange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Two lists, two values, one balance, and how far each piece has come. Amounts in fen.

    `waiting` and `coming` are pieces of the two sides that are not yet in the other's hands,
    `arrived` those that are and whose books are still to follow. With somebody outside, `pieces` is
    how many come and `received` which came.
    """

    status: ExchangeStatus = ExchangeStatus.NONE
    applicant: str = ""
    unit: str = ""
    partner: str = ""
    outsider: str = ""
    needed: str = ""
    ground: Ground | None = None
    remark: str = ""
    documents: tuple[str, ...] = ()
    waiting: frozenset[str] = frozenset()
    coming: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    came: frozenset[str] = frozenset()
    booked: frozenset[str] = frozenset()
    sent: frozenset[tuple[str, str]] = frozenset()
    appraisals: dict[str, int] = {}
    agreement: str = ""
    boot: int = 0
    payer: Payer | None = None
    pieces: int = 0
    received: frozenset[str] = frozenset()
    net: int | None = None
    remitted: int = 0
    approval: Approval = Approval()
    number: str = ""
    reason: str = ""
    dataset: str = ""
    beyond: frozenset[Excess] = frozenset()
    posts: dict[str, int] = {}
    terms: Terms = NO_TERMS

    @property
    def payee(self) -> str:
        """Return the unit that the balance is paid to; empty where nobody here gets any."""
        if not self.boot:
            return ""
        return self.unit if self.payer is Payer.PARTNER else self.partner

    @property
    def unbooked(self) -> frozenset[str]:
        """Return the pieces in new hands whose books are still to follow."""
        return (self.gone | self.came) - self.booked

    @property
    def owed(self) -> int:
        """Return how many pieces from outside have not come yet."""
        return max(0, self.pieces - len(self.received))

    def describe(self, lang: Lang) -> str:
        """Say where the exchange stands."""
        counts = (
            *(len(self.waiting), len(self.gone)),
            *(len(self.coming) + self.owed, len(self.came) + len(self.received)),
        )
        step = self.approval.describe(lang) if self.status is ExchangeStatus.REQUESTED else ""
        if lang == "zh":
            said = "置换单{}，待换出{}项、已换出{}项、待换入{}项、已换入{}项".format(
                self.status.words.zh, *counts
            )
        else:
            said = "The exchange is {}: {} to give, {} given, {} to come, {} came".format(
                self.status.words.en, *counts
            )
        return said + step + told(self, lang)


lifecycle: Lifecycle[Exchange] = Lifecycle("exchange", Exchange, Words("置换单", "Exchange"))

# What happened ----------------------------------------------------------------


class ExchangeRequested(
    Event,
    name="exchange.requested",
    zh="{unit}申请置换：{needed}，事由：{ground}（纪要{minutes_no}）{remark}",
    en="{unit} asks to exchange for {needed}: {ground} (minutes {minutes_no}) {remark}",
    version=2,
    duty="apply",
    papers=(PaperForm.APPLICATION,),
    numbered=True,
):
    """#34 Idle property against what is needed: with a unit (`partner`), or with an `outsider`.

    `coming` are the partner's things; `ground` is None where an older request said it in its own
    words, which `remark` keeps; `documents` are the papers that were demanded, and attached.
    """

    applicant: PersonId
    unit: UnitId
    assets: tuple[AssetId, ...]
    needed: Text
    ground: Ground | None
    minutes_no: Code
    partner: UnitId | None = None
    outsider: Code = ""
    coming: tuple[AssetId, ...] = ()
    remark: Text = ""
    documents: tuple[Code, ...] = ()
    dataset: Code = ""


@upcaster("exchange.requested", 1)
def request_in_words(body: dict[str, Any]) -> dict[str, Any]:
    """Read a request that said its ground in words, and perhaps named it beside them."""
    return ground_chosen(body)


class ExchangeTermsLaid(
    Event,
    name="exchange.terms_laid",
    zh="按{policy}确定置换交接和账务须附的材料",
    en="The papers of handing over and booking are laid down by {policy}",
):
    """#34 What the rules of the day ask of this exchange until its end, for each kind of property."""

    policy: Code
    needs: tuple[Need, ...]
    cites: tuple[Code, ...] = ()


class ComingCorrected(
    Event,
    name="exchange.coming_corrected",
    zh="调整换入清单：增加{added}；移出{removed}",
    en="What comes in corrected: {added} added; {removed} taken out",
    duty="apply",
):
    """The applicant changed what the other side gives, before anything was decided."""

    added: tuple[AssetId, ...] = ()
    removed: tuple[AssetId, ...] = ()


class ExchangeApproved(
    Event,
    name="exchange.approved",
    zh="批准置换，文号{approval_no}",
    en="Exchange approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#36 It may be exchanged; nothing has moved yet."""

    approval_no: Code


class ExchangeRefused(
    Event,
    name="exchange.refused",
    zh="不同意置换：{reason}",
    en="Exchange refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#36 The answer is no; both sides' things are free again."""

    reason: Text


class ExchangeWithdrawn(
    Event,
    name="exchange.withdrawn",
    zh="撤回置换：{reason}",
    en="Exchange withdrawn: {reason}",
    duty="apply",
):
    """Nothing had moved; both sides' things are free again."""

    reason: Text


class SideAppraised(
    Event,
    name="exchange.appraised",
    zh="{side}资产经{appraiser}评估为{value}，基准日{base_date}，报告{report_no}",
    en="Appraised {side} at {value} by {appraiser} as of {base_date}, report {report_no}",
    duty="execute",
):
    """#37 All that one side gives has a value on a day, in fen (国令738 第36条)."""

    side: Side
    value: Fen
    appraiser: Name
    base_date: date
    report_no: Code
    filing_no: Code = ""


class ExchangeSigned(
    Event,
    name="exchange.agreement_signed",
    zh="签订置换协议{agreement}，补价{boot}，由{payer}支付",
    en="Exchange agreement {agreement} signed, balance {boot} paid by {payer}",
    duty="execute",
):
    """#40 Both sides are bound: who pays which balance, in fen; how many pieces an outsider brings."""

    agreement: Code
    boot: Fen
    payer: Payer
    pieces: int = 0


class PieceDelivered(
    Event,
    name="exchange.delivered",
    zh="交付对方{asset}",
    en="{asset} delivered to the other side",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """#40 One piece is in an outsider's hands, by the slip that both signed."""

    asset: AssetId
    scanned: Code = ""


class PieceTakenIn(
    Event,
    name="exchange.taken_in",
    zh="{unit}接收{asset}",
    en="{unit} took in {asset}",
    duty="execute",
    papers=(PaperForm.HANDOVER, PaperForm.RECEIPT),
):
    """#40 One piece is in the hands of the other unit; `scanned` is the code read off it."""

    asset: AssetId
    unit: UnitId
    place: PlaceId | None = None
    scanned: Code = ""


class PieceReceived(
    Event,
    name="exchange.received",
    zh="换入到货{asset}：{item}",
    en="Received in exchange {asset}: {item}",
    duty="execute",
    papers=(PaperForm.RECEIPT,),
):
    """#6 One piece came from outside; it waits for acceptance like any delivery."""

    asset: AssetId
    item: Name


class BooksExchanged(
    Event,
    name="exchange.books_exchanged",
    zh="账务处理：{asset}，换出凭证{out_voucher}，换入凭证{in_voucher}",
    en="Books followed: {asset}, vouchers {out_voucher} and {in_voucher}",
    duty="execute",
):
    """#32, #43 The giver's books let one piece go; a unit that got it carries it at `value`, in fen.

    None: it went to somebody outside.
    """

    asset: AssetId
    out_voucher: Code
    in_voucher: Code = ""
    value: Fen | None = None


class BalanceAssessed(
    Event,
    name="exchange.income_assessed",
    zh="{unit}确认补价收入：总额{gross}，应缴净额{net}",
    en="Balance paid to {unit} assessed: gross {gross}, net {net}",
    duty="bill",
):
    """#45 What the treasury is owed of the balance; each deduction on its own line, in fen."""

    unit: UnitId
    gross: Fen
    net: Fen
    deductions: tuple[Deduction, ...] = ()


class BalanceRemitted(
    Event,
    name="exchange.remitted_to_treasury",
    zh="补价上缴国库{amount}，缴款书{voucher}",
    en="Balance remitted to the treasury: {amount}, voucher {voucher}",
    duty="reconcile",
):
    """#48 Money reached the treasury; amount in fen."""

    amount: Fen
    voucher: Code
    treasury_on: date


ExchangeEvent: TypeAlias = (
    ExchangeRequested
    | ExchangeTermsLaid
    | ComingCorrected
    | ExchangeApproved
    | ExchangeRefused
    | ExchangeWithdrawn
    | SideAppraised
    | ExchangeSigned
    | PieceDelivered
    | PieceTakenIn
    | PieceReceived
    | BooksExchanged
    | BalanceAssessed
    | BalanceRemitted
)


class BookedInExchange(
    Event,
    name="asset.booked_in_exchange",
    zh="置换转入{unit}账，入账价值{value}，凭证{voucher}",
    en="In the books of {unit} by exchange at {value}, voucher {voucher}",
    version=2,
):
    """#32 Another unit accounts for it, at what it gave for it, in fen; its depreciation begins anew.

    It is written off from the month of that day on, over what is left of its life; `on` is None
    where an older entry does not say it.
    """

    unit: UnitId
    value: Fen
    voucher: Code
    on: date | None = None


@upcaster("asset.booked_in_exchange", 1)
def exchanged_some_day(body: dict[str, Any]) -> dict[str, Any]:
    """Read what the first release wrote: the day stood on the entry alone."""
    return body | {"on": None}


AssetExchangeEvent: TypeAlias = BookedInExchange

# Where that leaves us ---------------------------------------------------------


def evolve(case: Exchange, event: ExchangeEvent) -> Exchange:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ExchangeRequested():
            return Exchange(
                status=ExchangeStatus.REQUESTED,
                applicant=event.applicant,
                unit=event.unit,
                partner=event.partner or "",
                outsider=event.outsider,
                needed=event.needed,
                ground=event.ground,
                remark=event.remark,
                documents=event.documents,
                waiting=frozenset(event.assets),
                coming=frozenset(event.coming),
                dataset=event.dataset,
            )
        case ExchangeTermsLaid(policy=policy, needs=needs, cites=cites):
            return replace(case, terms=Terms(policy=policy, needs=needs, cites=cites))
        case ComingCorrected(added=added, removed=removed):
            coming = case.coming.difference(removed).union(added)
            return replace(case, coming=coming, beyond=frozenset())
        case ExchangeApproved():
            return replace(case, status=ExchangeStatus.APPROVED, beyond=frozenset())
        case ExchangeRefused(reason=reason):
            return let_go(replace(case, status=ExchangeStatus.REFUSED, reason=reason))
        case ExchangeWithdrawn(reason=reason):
            return let_go(replace(case, status=ExchangeStatus.WITHDRAWN, reason=reason))
        case SideAppraised(side=side, value=value):
            return replace(case, appraisals={**case.appraisals, side.value: value})
        case ExchangeSigned():
            return replace(
                case,
                status=ExchangeStatus.SIGNED,
                agreement=event.agreement,
                boot=event.boot,
                payer=event.payer,
                pieces=event.pieces,
            )
        case PieceDelivered(asset=asset) | PieceTakenIn(asset=asset) | PieceReceived(asset=asset):
            return moved(case, event, asset)
        case BooksExchanged(asset=asset):
            return replace(case, booked=case.booked | {asset})
        case BalanceAssessed(net=net):
            done = case.remitted >= net
            status = ExchangeStatus.REMITTED if done else ExchangeStatus.ASSESSED
            return replace(case, status=status, net=net)
        case BalanceRemitted(amount=amount):
            remitted = case.remitted + amount
            done = case.net is not None and remitted >= case.net
            status = ExchangeStatus.REMITTED if done else case.status
            return replace(case, remitted=remitted, status=status)
        case _:
            assert_never(event)


def evolve_listed(case: Exchange, event: ListCorrected) -> Exchange:
    """What another list means here: it is held to the standards anew."""
    return replace(evolve_waiting(case, event), beyond=frozenset())


def let_go(case: Exchange) -> Exchange:
    """Let both sides keep what they have."""
    return replace(case, waiting=frozenset(), coming=frozenset())


def moved(
    case: Exchange, event: PieceDelivered | PieceTakenIn | PieceReceived, asset: str
) -> Exchange:
    """Count one piece as in the other side's hands; the last one completes the exchange."""
    if isinstance(event, PieceReceived):
        after = replace(case, received=case.received | {asset})
    elif asset in case.coming:
        after = replace(case, coming=case.coming - {asset}, came=case.came | {asset})
    else:
        after = replace(case, waiting=case.waiting - {asset}, gone=case.gone | {asset})
    after = replace(after, sent=without(case.sent, asset))
    left = after.waiting or after.coming or after.owed
    return after if left else replace(after, status=ExchangeStatus.EXCHANGED)


def evolve_asset(asset: Asset, event: AssetExchangeEvent) -> Asset:
    """What an exchange means for the card."""
    match event:
        case BookedInExchange(unit=unit, value=value, on=on):
            return replace(
                asset,
                accounting_unit=unit,
                value=value,
                value_type=ValueType.COST,
                accumulated=0 if on or asset.accumulated is not None else None,
                stated_until=on.replace(day=1) - timedelta(days=1) if on else None,
                residual=None,
                mode=Mode.EXCHANGE,
            )
        case _:
            assert_never(event)


lifecycle.part(ExchangeEvent, evolve)
assets_.lifecycle.part(AssetExchangeEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="exchange-exists",
    zh="该置换单已经提出。",
    en="This exchange has been requested already.",
    holds=lambda case, _: case.status is ExchangeStatus.NONE,
)
REQUESTED = Rule(
    slug="exchange-not-awaiting-decision",
    zh="该置换单不在待审批状态。",
    en="The exchange does not await a decision.",
    holds=lambda case, _: case.status is ExchangeStatus.REQUESTED,
)
APPROVED = Rule(
    slug="exchange-not-approved",
    zh="置换须先获批准才能签订协议；协议只签一次。",
    en="An agreement is signed once, after the exchange was approved.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda case, _: case.status is ExchangeStatus.APPROVED,
)
OPEN = Rule(
    slug="exchange-not-open",
    zh="只有已申请或已批准、尚未签订协议的置换才登记评估。",
    en="Only an exchange that is requested or approved, and not yet signed, is appraised.",
    holds=lambda case, _: case.status in (ExchangeStatus.REQUESTED, ExchangeStatus.APPROVED),
)
SIGNED = Rule(
    slug="exchange-not-signed",
    zh="签订置换协议后才能交接。",
    en="Things change hands only after the agreement was signed.",
    holds=lambda case, _: case.status is ExchangeStatus.SIGNED,
)
NOTHING_MOVED = Rule(
    slug="exchange-begun-or-over",
    zh="置换已开始交接、已办结或尚未提出，不能撤回。",
    en="An exchange can be withdrawn only before its first piece has moved.",
    holds=lambda case, _: (
        case.status in (ExchangeStatus.REQUESTED, ExchangeStatus.APPROVED, ExchangeStatus.SIGNED)
        and not (case.sent or case.gone or case.came or case.received)
    ),
)
WITH_OUTSIDER = Rule(
    slug="other-side-is-a-unit",
    zh="对方是本账本内的单位，请由对方办理接收。",
    en="The other side is a unit of this ledger; it takes in itself.",
    holds=lambda case, _: not case.partner,
)
WITH_UNIT = Rule(
    slug="other-side-is-outside",
    zh="对方不在本账本内，请办理对方签收、换入到货。",
    en="The other side is not in this ledger; record that it signed, and receive from it, instead.",
    holds=lambda case, _: bool(case.partner),
)
TO_BOOK = Rule(
    slug="nothing-to-book",
    zh="没有已交接而账务尚未处理的资产。",
    en="Nothing has changed hands whose books are still to follow.",
    holds=lambda case, _: bool(case.unbooked),
)
WHOLE_SIDE = Rule(
    slug="part-of-a-side",
    zh="一方换入的资产（{count}项）须一并办理账务，现列{named}项。",
    en="What one side got ({count} pieces) is booked together; {named} are listed.",
)
EXCHANGED = Rule(
    slug="exchange-not-complete",
    zh="置换尚未全部交接完毕，或补价收入已确认。",
    en="Not every piece has changed hands yet, or the balance is assessed already.",
    holds=lambda case, _: case.status is ExchangeStatus.EXCHANGED,
)
BALANCE_DUE = Rule(
    slug="no-balance-received",
    zh="本次置换没有由本账本内单位收取的补价。",
    en="No unit of this ledger is paid a balance in this exchange.",
    law="《内蒙古自治区机关运行保障条例》第17条",
    holds=lambda case, _: bool(case.payee),
)
ASSESSED = Rule(
    slug="balance-not-assessed",
    zh="须先确认补价收入，或补价已全部上缴。",
    en="The balance must be assessed first, or all of it is remitted already.",
    law="《行政事业性国有资产管理条例》第26条",
    holds=lambda case, _: case.status is ExchangeStatus.ASSESSED,
)
ONE_OTHER_SIDE = Rule(
    slug="other-side-not-clear",
    zh="请写明对方：本账本内的单位（并列出换入资产），或者账本外的单位名称（不列换入资产）。",
    en="Name the other side: a unit of this ledger with the assets that come in, or somebody outside"
    " it without any.",
)
OTHER_UNIT = Rule(
    slug="exchange-with-oneself",
    zh="对方单位与本单位相同。",
    en="The other side is the unit itself.",
)
BOTH_APPRAISED = Rule(
    slug="sides-not-appraised",
    zh="换出、换入资产都须先评估，才能签订置换协议。",
    en="What goes out and what comes in are both appraised before the agreement is signed.",
    law="《行政事业性国有资产管理条例》第36条",
)
BALANCE_FAIR = Rule(
    slug="balance-below-appraisals",
    zh="补价与评估差额不符：换出评估 {out} 元，换入评估 {into} 元，我方应净收 {due} 元，协议净收 {got} 元；"
    "低于评估差额的，须重新评估或重新报批。",
    en="The balance falls short of the appraisals: out {out} yuan, in {into} yuan, so {due} yuan net"
    " are due to us and the agreement gives {got}. Have it appraised or approved again.",
    law="《行政事业性国有资产管理条例》第36条",
)
PIECES_NAMED = Rule(
    slug="pieces-not-named",
    zh="与账本外的单位置换，须写明换入件数（1 至 {most}）；与本账本内单位置换的不填。",
    en="With somebody outside, say how many pieces come in (1 to {most}); with a unit leave it out.",
)
SLIP_SIGNED = Rule(
    slug="other-side-slip-not-attached",
    zh="对方不在本系统内，须附对方签字的交接单。",
    en="The other side is not in this system; attach the slip that it signed.",
)
ALL_CAME = Rule(
    slug="all-pieces-came",
    zh="协议约定的换入件数已全部到货。",
    en="All the pieces that were agreed have come.",
    holds=lambda case, _: case.owed > 0,
)
SUM_RIGHT = Rule(
    slug="balance-does-not-add-up",
    zh="扣除合计 {taken} 元超过补价 {gross} 元。",
    en="Deductions of {taken} yuan exceed the balance of {gross} yuan.",
    law="《行政事业性国有资产管理条例》第26条",
)
PAYEE_ACTS = Rule(
    slug="not-the-payee",
    zh="补价由 {payee} 收取，由该单位或者财政部门办理。",
    en="The balance is paid to {payee}; that unit or the finance department records it.",
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
moving(lifecycle)
EXCHANGERS = (Role.OFFICE, Role.CLERK)


@lifecycle.verb(NEW, zh="申请置换", en="Request an exchange", roles=EXCHANGERS)
def request(
    _: Exchange,
    occasion: Occasion,
    *,
    unit: UnitId,
    assets: tuple[AssetId, ...],
    needed: Given,
    ground: Ground,
    minutes_no: Reference,
    partner: UnitId | None = None,
    outsider: Code = "",
    coming: tuple[AssetId, ...] = (),
    remark: Text = "",
    posts: Count | None = None,
    partner_posts: Count | None = None,
) -> tuple[Event | Ask, ...]:
    """Ask to give idle assets for others that are needed; both sides' things are held meanwhile.

    The other side is a unit of this ledger, with the things that come in, or somebody outside.
    `posts` and `partner_posts` are how many posts both units have, where a standard for what they
    get is for each post (T49).
    """
    if bool(partner) is bool(outsider.strip()) or bool(partner) is not bool(coming):
        raise ONE_OTHER_SIDE.broken()
    if partner == unit:
        raise OTHER_UNIT.broken()
    among = {asset.kind for asset in occasion.listed}
    terms = required(occasion, Form.EXCHANGE, ground, remark, among, (MINUTES,))
    hold = {"case": occasion.stream}
    both = listed((*listed(assets), *coming))
    return (
        ExchangeRequested(
            applicant=occasion.by,
            unit=unit,
            partner=partner,
            outsider=outsider,
            assets=assets,
            coming=coming,
            needed=needed,
            ground=ground,
            minutes_no=minutes_no,
            remark=remark,
            documents=terms.documents if terms else (),
        ),
        *agreed(occasion),
        *laid(occasion, route(occasion, Action.EXCHANGE, form=Form.EXCHANGE)),
        *stated(unit, posts),
        *(stated(partner, partner_posts) if partner else ()),
        *within(occasion, unit, partner or "", posts_of(unit, posts, partner, partner_posts)),
        *(
            Ask(
                f"asset/{a}",
                "hold_for_exchange",
                hold | {"unit": unit if n < len(assets) else partner},
            )
            for n, a in enumerate(both)
        ),
    )


@lifecycle.verb(
    REQUESTED,
    OTHER_PERSON,
    MY_TURN,
    LAST_STEP,
    zh="批准置换",
    en="Approve the exchange",
    roles=DECIDERS,
)
def approve(
    case_: Exchange, occasion: Occasion, *, approval_no: Reference
) -> tuple[Event | Ask, ...]:
    """Approve the exchange; what goes to somebody outside is pending disposal from now on."""
    form = {"case": occasion.stream, "approval_no": approval_no}
    leaving = () if case_.partner else sorted(case_.waiting)
    return (
        ExchangeApproved(approval_no=approval_no),
        *within(occasion, case_.unit, case_.partner, case_.posts),
        *(Ask(f"asset/{a}", "put_up_for_disposal", form) for a in leaving),
    )


@lifecycle.verb(
    REQUESTED, OTHER_PERSON, MY_TURN, zh="不同意置换", en="Refuse the exchange", roles=DECIDERS
)
def refuse(case_: Exchange, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Refuse the exchange and free both sides' things."""
    both = tuple(sorted(case_.waiting | case_.coming))
    return (ExchangeRefused(reason=reason), *releases(occasion.stream, both, reason))


def resubmit(
    case_: Exchange,
    occasion: Occasion,
    *,
    note: Given,
    add: tuple[AssetId, ...] = (),
    remove: tuple[AssetId, ...] = (),
    add_coming: tuple[AssetId, ...] = (),
    remove_coming: tuple[AssetId, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Put the corrected case forward again, with other lists of either side where they are named."""
    if add_coming and not case_.partner:
        raise ONE_OTHER_SIDE.broken()
    hold = {"case": occasion.stream}
    ours = ("hold_for_exchange", hold | {"unit": case_.unit})
    theirs = ("hold_for_exchange", hold | {"unit": case_.partner})
    changes = (
        *list_changes(case_, occasion, case_.waiting, add, remove, note, ours),
        *list_changes(
            case_,
            occasion,
            case_.coming,
            add_coming,
            remove_coming,
            note,
            theirs,
            fact=ComingCorrected,
        ),
    )
    whole = sorted(case_.waiting.difference(remove).union(add))
    again = (Ask(occasion.stream, "lay_anew", {"assets": whole}),) if changes else ()
    return (Resubmitted(note=note), *changes, *again)


def lay_anew(
    case_: Exchange, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[Event | Ask, ...]:
    """Hold the corrected lists to the rules, and say who decides about them."""
    among = {asset.kind for asset in occasion.listed}
    shown = (MINUTES, *case_.documents, *case_.approval.documents)
    ground = case_.ground or Ground.OTHER
    required(occasion, Form.EXCHANGE, ground, case_.remark, among, shown)
    way = route(occasion, Action.EXCHANGE, form=Form.EXCHANGE)
    held_to = within(occasion, case_.unit, case_.partner, case_.posts)
    return (*agreed(occasion), *laid_anew(case_, occasion, way), *held_to)


def agreed(occasion: Occasion) -> tuple[ExchangeTermsLaid, ...]:
    """Return the papers that carrying out an exchange rests on; none where the place says nothing.

    For every kind that may be exchanged, since what comes in leaves its owner as well.
    """
    needs: list[Need] = []
    cites: dict[str, None] = {}
    for kind in Kind:
        rules = occasion.policy.disposal_form(Form.EXCHANGE, {kind.value})
        if rules is not None:
            needs.append(Need(kind=kind.value, documents=rules.execution_documents))
            cites |= dict.fromkeys(rules.cites)
    if not needs:
        return ()
    policy = occasion.policy.reference
    return (ExchangeTermsLaid(policy=policy, needs=tuple(needs), cites=tuple(cites)),)


def refuse_paperless(case: Exchange, occasion: Occasion, *said: str, late: bool = False) -> None:
    """Refuse to hand things over, or the books to follow (`late`), without the papers of an exchange.

    `said`: what is on record already.
    """
    given = (*said, *(doc.type for doc in occasion.docs))
    for kind in sorted({card.kind for card in occasion.listed}):
        papers = [paper for paper in case.terms.papers(kind) if (paper in LATER) is late]
        refuse_missing(occasion, papers, given, Form.EXCHANGE, case.terms.cites)


def within(
    occasion: Occasion, unit: str, partner: str, posts: Mapping[str, int]
) -> tuple[Event | Ask, ...]:
    """Hold what both units get to their standards and quotas; somebody outside has none."""
    if not partner:
        return ()
    return (
        *judged(occasion, partner, posts, kinds_of(occasion)),
        *judged(occasion, unit, posts),
    )


def posts_of(
    unit: str, posts: int | None, partner: str | None, partner_posts: int | None
) -> dict[str, int]:
    """Return how many posts each of the units has that says so."""
    said = {unit: posts, partner or "": partner_posts}
    return {one: number for one, number in said.items() if one and number is not None}


def takes(case_: Exchange, verb: str, form: Mapping[str, Any]) -> tuple[Takes, ...]:
    """Return what a step of an exchange brings the two units, and takes from them."""
    unit, partner = case_.unit, case_.partner
    match verb:
        case "request":
            unit, partner = (str(form.get(side) or "") for side in ("unit", "partner"))
            out, into = named(form, "assets"), named(form, "coming")
        case "resubmit":
            out = corrected_list(case_.waiting, form.get("add"), form.get("remove"))
            into = corrected_list(case_.coming, form.get("add_coming"), form.get("remove_coming"))
        case "approve":
            out, into = tuple(sorted(case_.waiting)), tuple(sorted(case_.coming))
        case _:
            return ()
    return (Takes(partner, out, into), Takes(unit, into, out)) if partner else ()


routed(lifecycle, REQUESTED, MY_TURN, resubmit)
correctable(lifecycle, REQUESTED, lay_anew, evolve_listed)
held_to_standards(lifecycle, takes)


@lifecycle.verb(NOTHING_MOVED, zh="撤回置换", en="Withdraw the exchange", roles=EXCHANGERS)
def withdraw(case_: Exchange, occasion: Occasion, *, reason: Given) -> tuple[Event | Ask, ...]:
    """Withdraw the exchange and free both sides' things; nothing has moved yet."""
    form = {"case": occasion.stream, "reason": reason}
    both = tuple(sorted(case_.waiting | case_.coming))
    pending = case_.status is not ExchangeStatus.REQUESTED and not case_.partner
    freed = (
        tuple(Ask(f"asset/{a}", "keep_after_all", form) for a in both)
        if pending
        else releases(occasion.stream, both, reason)
    )
    return (ExchangeWithdrawn(reason=reason), *freed)


@lifecycle.verb(OPEN, zh="登记评估", en="Record an appraisal", roles=EXCHANGERS)
def record_appraisal(
    _: Exchange,
    __: Occasion,
    *,
    side: Side,
    value: Fen,
    appraiser: Name,
    base_date: date,
    report_no: Reference,
    filing_no: Code = "",
) -> SideAppraised:
    """Record what an appraiser says all that one side gives is worth, in fen."""
    return SideAppraised(
        side=side,
        value=value,
        appraiser=appraiser,
        base_date=base_date,
        report_no=report_no,
        filing_no=filing_no,
    )


@lifecycle.verb(APPROVED, zh="签订置换协议", en="Sign the agreement", roles=EXCHANGERS)
def sign(
    case_: Exchange,
    _: Occasion,
    *,
    agreement: Reference,
    boot: Fen = 0,
    payer: Payer = Payer.PARTNER,
    pieces: int = 0,
) -> ExchangeSigned:
    """Record the agreement: the balance, who pays it, and how many pieces an outsider brings.

    The balance makes up at least for the difference of the two appraisals.
    """
    if set(case_.appraisals) != {side.value for side in Side}:
        raise BOTH_APPRAISED.broken()
    out, into = case_.appraisals[Side.OUT], case_.appraisals[Side.IN]
    got = boot if payer is Payer.PARTNER else -boot
    if got < out - into:
        raise BALANCE_FAIR.broken(
            out=yuan(out), into=yuan(into), due=yuan(out - into), got=yuan(got)
        )
    if (not case_.partner) != (1 <= pieces <= PIECES_MAX) or (case_.partner and pieces):
        raise PIECES_NAMED.broken(most=PIECES_MAX)
    return ExchangeSigned(agreement=agreement, boot=boot, payer=payer, pieces=pieces)


@lifecycle.verb(SIGNED, zh="交出", en="Give out", roles=CARRIERS)
def hand_out(
    case_: Exchange, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Give out pieces of one's own side; they are in transit until the other side takes them in."""
    ours = side_of(case_, assets)
    refuse_side(occasion, case_.unit if ours else case_.partner, GIVING_SIDE)
    return given_out(
        case_,
        occasion,
        assets,
        scanned,
        among=case_.waiting if ours else case_.coming,
        to_unit=case_.partner if ours else case_.unit,
    )


@lifecycle.verb(SIGNED, WITH_UNIT, zh="接收", en="Take in", roles=CARRIERS)
def take_in(
    case_: Exchange,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    scanned: Scans = "",
    place: PlaceId | None = None,
) -> tuple[Event | Ask, ...]:
    """Take in what the other side gave out; somebody else than the giver confirms it."""
    ours = side_of(case_, assets)
    unit = case_.partner if ours else case_.unit
    refuse_side(occasion, unit, TAKING_SIDE)
    pieces = taken_in(
        case_, occasion, assets, scanned, among=case_.waiting if ours else case_.coming
    )
    # Both sides have an account here: what one gave out and the other takes in is the slip itself.
    refuse_paperless(case_, occasion, SAID_BY_STEP[Form.EXCHANGE], HAND_OVER_SLIP)
    form = {"unit": unit, "place": place, "case": occasion.stream}
    return (
        *(PieceTakenIn(asset=a, unit=unit, place=place, scanned=code) for a, code in pieces),
        *(Ask(f"asset/{a}", "transfer_in", form | {"scanned": code}) for a, code in pieces),
    )


@lifecycle.verb(
    SIGNED, WITH_OUTSIDER, SOMETHING_SENT, zh="对方签收", en="Confirm delivery", roles=CARRIERS
)
def deliver(
    case_: Exchange, occasion: Occasion, *, assets: tuple[AssetId, ...], scanned: Scans = ""
) -> tuple[Event | Ask, ...]:
    """Record that somebody outside signed for pieces; another person than who gave them out does."""
    refuse_side(occasion, case_.unit, GIVING_SIDE)
    if not occasion.docs:
        raise SLIP_SIGNED.broken()
    pieces = taken_in(case_, occasion, assets, scanned, among=case_.waiting)
    refuse_paperless(case_, occasion, SAID_BY_STEP[Form.EXCHANGE])
    form = {"form": Form.EXCHANGE, "case": occasion.stream}
    return (
        *(PieceDelivered(asset=a, scanned=code) for a, code in pieces),
        *(Ask(f"asset/{a}", "leave_for_good", form) for a in assets),
    )


@lifecycle.verb(
    SIGNED, WITH_OUTSIDER, ALL_CAME, zh="换入到货", en="Receive in exchange", roles=CARRIERS
)
def receive(
    case_: Exchange,
    occasion: Occasion,
    *,
    asset: AssetId,
    item: Name,
    kind: Kind,
    quantity: Quantity = "1",
    value: Fen | None = None,
    model: Code = "",
    place: PlaceId | None = None,
) -> tuple[Event | Ask, ...]:
    """Receive one piece from somebody outside; it is inspected and entered like any delivery.

    A single piece is worth what was given for it unless its value is stated, in fen.
    """
    refuse_side(occasion, case_.unit, TAKING_SIDE)
    if value is None and case_.pieces == 1:
        value = cost_of(case_, Side.IN)
    form = {
        "name": item,
        "kind": kind,
        "unit": case_.unit,
        "mode": Mode.EXCHANGE,
        "quantity": quantity,
        "value": value,
        "supplier": case_.outsider,
        "model": model,
        "place": place,
    }
    return (PieceReceived(asset=asset, item=item), Ask(f"asset/{asset}", "receive", form))


@lifecycle.verb(TO_BOOK, zh="账务处理", en="Move the books", roles=(Role.ACCOUNTANT, Role.FINANCE))
def move_books(
    case_: Exchange,
    occasion: Occasion,
    *,
    assets: tuple[AssetId, ...],
    out_voucher: Reference,
    in_voucher: Code = "",
) -> tuple[Event | Ask, ...]:
    """Let the books follow what changed hands; what one unit got follows as a whole.

    A unit carries what it got at what it gave for it: the appraised value of its own things, with
    the balance it paid, less the balance it was paid; divided by original value to the fen.
    """
    for asset in listed(assets):
        if asset not in case_.unbooked:
            raise ON_THE_LIST.broken(asset=asset)
    refuse_paperless(case_, occasion, late=True)
    if not case_.partner:
        form = {"voucher": out_voucher}
        return (
            *(BooksExchanged(asset=a, out_voucher=out_voucher) for a in assets),
            *(Ask(f"asset/{a}", "derecognise_asset", form) for a in assets),
        )
    cards = occasion.listed
    known = cards if len(cards) == len(assets) else (Asset(),) * len(assets)
    worth = {asset: card.value or 0 for asset, card in zip(assets, known, strict=True)}
    return tuple(booked(case_, worth, out_voucher, in_voucher or out_voucher))


def booked(
    case: Exchange, worth: dict[str, int], out_voucher: str, in_voucher: str
) -> Iterator[Event | Ask]:
    """Yield what the books of two units record of the pieces that changed hands between them."""
    for side, all_, unit in (
        (Side.OUT, case.gone | case.waiting, case.partner),
        (Side.IN, case.came | case.coming, case.unit),
    ):
        named = [asset for asset in worth if asset in all_]
        if not named:
            continue
        if len(named) < len(all_):
            raise WHOLE_SIDE.broken(count=len(all_), named=len(named))
        parts = shares(cost_of(case, side), [worth[asset] for asset in named])
        for asset, value in zip(named, parts, strict=True):
            yield BooksExchanged(
                asset=asset, out_voucher=out_voucher, in_voucher=in_voucher, value=value
            )
            form = {"unit": unit, "value": value, "voucher": in_voucher}
            yield Ask(f"asset/{asset}", "book_in_exchange", form)


def cost_of(case: Exchange, side: Side) -> int:
    """Return what the side that gets these things gave for them, in fen; never below zero."""
    gave = case.appraisals.get(Side.OUT if side is Side.IN else Side.IN, 0)
    boot = case.boot if case.payer is Payer.US else -case.boot
    return max(0, gave + (boot if side is Side.IN else -boot))


@lifecycle.verb(EXCHANGED, BALANCE_DUE, zh="确认补价收入", en="Assess the balance", roles=MONEY)
def assess_balance(
    case_: Exchange, occasion: Occasion, *, deductions: tuple[Deduction, ...] = ()
) -> BalanceAssessed:
    """Say what the treasury is owed of the balance that was paid; every cost on its own line."""
    refuse_other_payee(case_, occasion)
    taken = sum(line.amount for line in deductions)
    if taken > case_.boot:
        raise SUM_RIGHT.broken(taken=yuan(taken), gross=yuan(case_.boot))
    return BalanceAssessed(
        unit=case_.payee, gross=case_.boot, deductions=deductions, net=case_.boot - taken
    )


@lifecycle.verb(ASSESSED, zh="补价上缴国库", en="Remit the balance", roles=MONEY)
def remit_balance(
    case_: Exchange, occasion: Occasion, *, amount: Fen, voucher: Reference, treasury_on: date
) -> BalanceRemitted:
    """Record that the balance reached the treasury; who assessed it does not confirm it."""
    refuse_other_payee(case_, occasion)
    if amount == 0:
        raise SOMETHING_PAID.broken()
    if treasury_on > occasion.on:
        raise PAID_ALREADY.broken(treasury_on=treasury_on, on=occasion.on)
    left = (case_.net or 0) - case_.remitted
    if amount > left:
        raise NOT_TOO_MUCH.broken(amount=amount, left=left)
    return BalanceRemitted(amount=amount, voucher=voucher, treasury_on=treasury_on)


def side_of(case: Exchange, assets: tuple[str, ...]) -> bool:
    """Answer whether pieces are of our side; refuse what is of neither, or of both."""
    ours = set(listed(assets)) & case.waiting
    for asset in assets:
        if asset not in (case.waiting if ours else case.coming):
            raise ON_THE_LIST.broken(asset=asset)
    return bool(ours)


def refuse_side(occasion: Occasion, unit: str, rule: Rule) -> None:
    """Refuse a step that belongs to the other side."""
    if not occasion.acts_for(unit):
        raise rule.broken()


def refuse_other_payee(case: Exchange, occasion: Occasion) -> None:
    """Refuse anybody but the unit that is paid, and the finance department."""
    if occasion.role != Role.FINANCE and not occasion.acts_for(case.payee):
        raise PAYEE_ACTS.broken(payee=case.payee)


@assets_.lifecycle.verb(
    ON_BOOKS, UNLOCKED, DISPOSABLE, zh="置换占用", en="Hold for an exchange", inner=True
)
def hold_for_exchange(
    asset: Asset, occasion: Occasion, *, case: Stream, unit: UnitId
) -> HeldForProcess:
    """Hold the asset while its exchange is decided."""
    if unit not in (asset.accounting_unit, asset.custodian):
        raise OURS.broken(
            unit=unit, accounting_unit=asset.accounting_unit, custodian=asset.custodian
        )
    kinds.refuse_alone(asset, occasion)
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


@assets_.lifecycle.verb(ON_BOOKS, zh="置换入账", en="Enter by exchange", inner=True)
def book_in_exchange(
    _: Asset, occasion: Occasion, *, unit: UnitId, value: Fen, voucher: Code
) -> BookedInExchange:
    """Let another unit account for the asset, at what it gave for it."""
    return BookedInExchange(unit=unit, value=value, voucher=voucher, on=occasion.on)


@step_of(Exchange)
def next_step(case: Exchange) -> OpenStep | None:
    """Say who must do what next: decide, sign, hand over, book, and remit a balance."""
    match case.status:
        case ExchangeStatus.REQUESTED:
            return decision(case.approval, (Role.OFFICE, Role.FINANCE), case.unit)
        case ExchangeStatus.APPROVED:
            both = set(case.appraisals) == {side.value for side in Side}
            return OpenStep(
                verb="sign" if both else "record_appraisal", roles=EXCHANGERS, unit=case.unit
            )
        case ExchangeStatus.SIGNED:
            return carrying(case)
        case ExchangeStatus.EXCHANGED | ExchangeStatus.REMITTED if case.unbooked:
            return OpenStep(verb="move_books", roles=(Role.ACCOUNTANT, Role.FINANCE))
        case ExchangeStatus.EXCHANGED if case.payee:
            return OpenStep(verb="assess_balance", roles=MONEY, unit=case.payee)
        case ExchangeStatus.ASSESSED:
            return OpenStep(verb="remit_balance", roles=MONEY, unit=case.payee)
        case _:
            return None


def carrying(case: Exchange) -> OpenStep:
    """Return whose turn it is while pieces change hands: what is on its way is taken in first."""
    going = on_the_way(case)
    if going and not case.partner:  # the other side has no account here; its slip is recorded
        return OpenStep(verb="deliver", roles=CARRIERS, unit=case.unit)
    if going:
        unit = case.partner if going & case.waiting else case.unit
        return OpenStep(verb="take_in", roles=CARRIERS, unit=unit)
    if not case.partner:
        verb = "hand_out" if case.waiting else "receive"
        return OpenStep(verb=verb, roles=CARRIERS, unit=case.unit)
    unit = case.unit if case.waiting else case.partner
    return OpenStep(verb="hand_out", roles=CARRIERS, unit=unit)
