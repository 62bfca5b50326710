"""A reorganisation: all property of a unit passes to another by one signed act (#56).

Units merge, split and end; unfinished hand-overs are a standard finding of audits (DOMAIN.md
i.14). So the act is whole or it is not: every card says in its own stream from whom to whom it
passed, and keeps what it was before. What is lent, leased, in use or under repair passes with its
case: the new unit stands where the old one stood, also where it borrowed, planned or had something
to put right (`succession`). An approved disposal passes with its approval. What awaits a decision
or is on its way between two people is finished or withdrawn first: its papers name a unit that is
about to end.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import asset as assets_
from domain import kinds
from domain.approval import DECIDERS, LAST_STEP, Approval, laid, my_turn, route, routed
from domain.asset import Asset, Book, Custody, Lock
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.holding import OTHER_PERSON
from domain.open_steps import OpenStep, decision, step_of
from domain.paper_forms import PaperForm
from domain.policy import Action
from domain.succession import ARRIVALS, DECISIONS
from domain.values import AssetId, Code, Given, PersonId, Reference, Stream, Text, UnitId
from domain.words import Role, Term, Words

MOVED_MAX = 10_000  # cards of one act; a unit with more passes in several, each whole
UNITS_MAX = 50
NAMED_MAX = 20  # cards or cases that a refusal names
CASES_MAX = 500  # open cases that pass in one act; what is beyond leaves no room for as many cards
ROOM = 50  # entries of an act beside its cards


class ReorganisationStatus(Term):
    """Where a reorganisation stands."""

    NONE = "none", "未提出", "not proposed"
    PROPOSED = "proposed", "已提出", "proposed"
    APPROVED = "approved", "已批准，移交中", "approved, handing over"
    REFUSED = "refused", "不同意", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    HANDED_OVER = "handed_over", "已移交，待接收确认", "handed over, not yet confirmed"
    CLOSED = "closed", "已办结", "closed"


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One card that the lists show of a unit, and what may hold it up."""

    asset: str
    asset_no: str
    book: Book
    custody: Custody
    lock: Lock
    case: str = ""  # whose process holds or lent it


class OpenCase(msgspec.Struct, frozen=True, gc=False):
    """One case of a unit that is not over: which step is open, and whether the unit is a side."""

    stream: str
    step: str
    party: bool

    @property
    def passes(self) -> bool:
        """Return whether it can go on with another unit as it is."""
        return not (self.party and self.step in DECISIONS) and self.step not in ARRIVALS


class Held(msgspec.Struct, frozen=True):
    """What a unit has, and what is open with it, as the lists answered; nobody types it."""

    unit: str
    pieces: tuple[Piece, ...]
    cases: tuple[OpenCase, ...] = ()


class Reorganisation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which units hand over to which, who has not yet, and who has not confirmed."""

    status: ReorganisationStatus = ReorganisationStatus.NONE
    applicant: str = ""
    from_units: tuple[str, ...] = ()
    to_units: tuple[str, ...] = ()
    cut_off: date | None = None
    order_no: str = ""
    to_empty: frozenset[str] = frozenset()  # old units that still have something
    unconfirmed: frozenset[str] = frozenset()  # new units that got something
    handers: frozenset[str] = frozenset()  # who handed over, and in whose stead
    count: int = 0
    approval: Approval = Approval()
    dataset: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the reorganisation stands."""
        asked = self.status is ReorganisationStatus.PROPOSED
        step = self.approval.describe(lang) if asked else ""
        counts = (len(self.to_empty), self.count, len(self.unconfirmed))
        if lang == "zh":
            said = "机构变动移交{}，{}个单位待移交，已移交{}项，{}个单位待确认".format(
                self.status.words.zh, *counts
            )
        else:
            said = "The reorganisation is {}: {} units to hand over, {} cards moved, {} units to"
            said = (said + " confirm").format(self.status.words.en, *counts)
        return said + step


lifecycle: Lifecycle[Reorganisation] = Lifecycle(
    "reorganisation", Reorganisation, Words("机构变动移交", "Reorganisation")
)

# What happened ----------------------------------------------------------------


class ReorganisationProposed(
    Event,
    name="reorganisation.proposed",
    zh="按{order_no}提出机构变动移交，基准日{cut_off}",
    en="Reorganisation by {order_no} proposed, cut-off date {cut_off}",
    duty="apply",
):
    """#56 An order changed which units there are; property must follow (国令738 第22条)."""

    applicant: PersonId
    from_units: tuple[UnitId, ...]
    to_units: tuple[UnitId, ...]
    cut_off: date
    order_no: Code
    order_issuer: Code = ""
    dataset: Code = ""


class ReorganisationApproved(
    Event,
    name="reorganisation.approved",
    zh="批准机构变动移交，文号{approval_no}",
    en="Reorganisation approved: {approval_no}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#56 Property may be handed over; nothing has moved yet."""

    approval_no: Code


class ReorganisationRefused(
    Event,
    name="reorganisation.refused",
    zh="不同意机构变动移交：{reason}",
    en="Reorganisation refused: {reason}",
    duty="approve",
    papers=(PaperForm.APPROVAL,),
):
    """#56 The answer is no."""

    reason: Text


class ReorganisationWithdrawn(
    Event,
    name="reorganisation.withdrawn",
    zh="撤回机构变动移交：{reason}",
    en="Reorganisation withdrawn: {reason}",
):
    """It is not wanted any more; nothing had moved."""

    reason: Text


class PropertyHandedOver(
    Event,
    name="reorganisation.property_handed_over",
    zh="{from_unit}向{to_unit}移交{count}项，尚余{left}项",
    en="{from_unit} handed {count} cards over to {to_unit}; {left} are left",
    duty="execute",
    papers=(PaperForm.HANDOVER,),
):
    """#56 One act moved `count` cards; `left` is what the old unit still has of what it had.

    The cards are those whose facts have the same cause; `list_sha256` is the SHA-256 of their ids
    in the order of the act, one a line. `hander_for` is in whose stead the hander acted.
    """

    from_unit: UnitId
    to_unit: UnitId
    count: int
    left: int
    list_sha256: str
    hander: PersonId
    hander_for: PersonId | None = None


class CasesPassedOn(
    Event,
    name="reorganisation.cases_passed_on",
    zh="{from_unit}未办结的事项由{to_unit}承接：{cases}",
    en="{to_unit} goes on with the open cases of {from_unit}: {cases}",
    duty="execute",
):
    """#56 Loans, leases, plans, findings and the like go on with the new unit in this very act."""

    from_unit: UnitId
    to_unit: UnitId
    cases: tuple[Stream, ...]
    hander: PersonId
    hander_for: PersonId | None = None


class NothingWasLeft(
    Event,
    name="reorganisation.nothing_was_left",
    zh="{from_unit}没有资产需要移交",
    en="{from_unit} had nothing to hand over",
    duty="execute",
):
    """#56 The old unit had no property, or none any more."""

    from_unit: UnitId


class PropertyTakenOver(
    Event,
    name="reorganisation.property_taken_over",
    zh="{to_unit}确认接收：{note}",
    en="{to_unit} confirmed what it got: {note}",
    papers=(PaperForm.RECEIPT,),
):
    """#56 The new unit signed; what is missing on the shelf is its stocktake's to say."""

    to_unit: UnitId
    note: Text = ""


ReorganisationEvent: TypeAlias = (
    ReorganisationProposed
    | ReorganisationApproved
    | ReorganisationRefused
    | ReorganisationWithdrawn
    | PropertyHandedOver
    | CasesPassedOn
    | NothingWasLeft
    | PropertyTakenOver
)


class HandedOverInReorganisation(
    Event,
    name="asset.handed_over_in_reorganisation",
    zh="机构变动，由{from_unit}移交{to_unit}",
    en="Passed from {from_unit} to {to_unit} in a reorganisation",
):
    """#56 Wherever the old unit stood on the card (books, custody, title), the new one does."""

    from_unit: UnitId
    to_unit: UnitId
    case: Stream


class BorrowerSucceeded(
    Event,
    name="asset.borrower_succeeded",
    zh="机构变动，借用单位由{from_unit}变为{to_unit}",
    en="In a reorganisation {to_unit} took the place of the borrower {from_unit}",
):
    """#56 The lender is the same, and so are the books; another unit brings it back."""

    from_unit: UnitId
    to_unit: UnitId


AssetReorganisationEvent: TypeAlias = HandedOverInReorganisation | BorrowerSucceeded

# Where that leaves us ---------------------------------------------------------


def evolve(case: Reorganisation, event: ReorganisationEvent) -> Reorganisation:
    """What an event means. Never refuses: it already happened."""
    match event:
        case ReorganisationProposed():
            return Reorganisation(
                status=ReorganisationStatus.PROPOSED,
                applicant=event.applicant,
                from_units=event.from_units,
                to_units=event.to_units,
                cut_off=event.cut_off,
                order_no=event.order_no,
                to_empty=frozenset(event.from_units),
                dataset=event.dataset,
            )
        case ReorganisationApproved():
            return replace(case, status=ReorganisationStatus.APPROVED)
        case ReorganisationRefused():
            return replace(case, status=ReorganisationStatus.REFUSED, to_empty=frozenset())
        case ReorganisationWithdrawn():
            return replace(case, status=ReorganisationStatus.WITHDRAWN, to_empty=frozenset())
        case PropertyHandedOver(from_unit=old):
            to_empty = case.to_empty if event.left else case.to_empty - {old}
            moved = replace(case, to_empty=to_empty, count=case.count + event.count)
            return settled(handed(moved, event))
        case CasesPassedOn():
            return settled(handed(case, event))
        case NothingWasLeft(from_unit=old):
            return settled(replace(case, to_empty=case.to_empty - {old}))
        case PropertyTakenOver(to_unit=new):
            return settled(replace(case, unconfirmed=case.unconfirmed - {new}))
        case _:
            assert_never(event)


def handed(case: Reorganisation, event: PropertyHandedOver | CasesPassedOn) -> Reorganisation:
    """Return a case in which somebody handed over, so that another must confirm the receipt."""
    handers = {event.hander} | ({event.hander_for} if event.hander_for else set())
    return replace(
        case,
        unconfirmed=case.unconfirmed | {event.to_unit},
        handers=case.handers | handers,
    )


def settled(case: Reorganisation) -> Reorganisation:
    """Return a case with the status that what is still to do gives it."""
    if case.to_empty:
        return case
    status = ReorganisationStatus.HANDED_OVER if case.unconfirmed else ReorganisationStatus.CLOSED
    return replace(case, status=status)


def evolve_asset(asset: Asset, event: AssetReorganisationEvent) -> Asset:
    """What a reorganisation means for one card: custody, hold and case stay as they are."""
    match event:
        case HandedOverInReorganisation(from_unit=old, to_unit=new):
            return replace(
                asset,
                accounting_unit=new if asset.accounting_unit == old else asset.accounting_unit,
                custodian=new if asset.custodian == old else asset.custodian,
                owner=new if asset.owner == old else asset.owner,
            )
        case BorrowerSucceeded(to_unit=new):
            return replace(asset, borrower=new)
        case _:
            assert_never(event)


lifecycle.part(ReorganisationEvent, evolve)
assets_.lifecycle.part(AssetReorganisationEvent, evolve_asset)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="reorganisation-exists",
    zh="该机构变动移交已经提出。",
    en="This reorganisation has been proposed already.",
    holds=lambda case, _: case.status is ReorganisationStatus.NONE,
)
PROPOSED = Rule(
    slug="reorganisation-not-awaiting-decision",
    zh="该机构变动移交不在待审批状态。",
    en="The reorganisation does not await a decision.",
    holds=lambda case, _: case.status is ReorganisationStatus.PROPOSED,
)
NOTHING_MOVED = Rule(
    slug="reorganisation-begun",
    zh="已移交或已办结的不能撤回。",
    en="What has begun to be handed over, or is over, cannot be withdrawn.",
    holds=lambda case, _: (
        case.status in (ReorganisationStatus.PROPOSED, ReorganisationStatus.APPROVED)
        and not case.count
    ),
)
APPROVED = Rule(
    slug="reorganisation-not-approved",
    zh="机构变动移交须先获批准。",
    en="A reorganisation is carried out only after it was approved.",
    law="《行政事业性国有资产管理条例》第22条",
    holds=lambda case, _: case.status is ReorganisationStatus.APPROVED,
)
UNCONFIRMED = Rule(
    slug="nothing-to-confirm",
    zh="没有待确认接收的单位。",
    en="No unit has anything to confirm.",
    holds=lambda case, _: bool(case.unconfirmed),
)
MY_TURN = my_turn(Role.OFFICE, Role.FINANCE)
routed(lifecycle, PROPOSED, MY_TURN)
TWO_SIDES = Rule(
    slug="old-is-new",
    zh="移交单位与接收单位各须 1 至 {most} 个，互不相同，且不得重复。",
    en="There are 1 to {most} old and new units, all different from each other.",
)
OF_THIS_CASE = Rule(
    slug="unit-not-in-reorganisation",
    zh="{unit} 不是本次机构变动中待办的单位。",
    en="{unit} is not a unit that has anything left to do in this reorganisation.",
)
CUT_OFF_REACHED = Rule(
    slug="before-cut-off",
    zh="移交基准日为 {cut_off}，在此之前不能移交。",
    en="The cut-off date is {cut_off}; nothing is handed over before.",
)
OWN_SIDE = Rule(
    slug="not-your-side",
    zh="由 {unit} 或其承接单位的人员办理；移交时原单位已无人的，由机关事务管理部门代办。",
    en="Somebody of {unit} or of its successor does this; where nobody is left to hand over, the"
    " offices administration.",
)
ANOTHER_SIGNS = Rule(
    slug="hander-confirms",
    zh="移交人不能自行确认接收；请由接收单位的另一人办理。",
    en="Who handed over does not confirm the receipt; another person of the new unit does.",
    law="《行政事业性国有资产管理条例》第51条",
)
UNDECIDED = Rule(
    slug="held-by-open-processes",
    zh="{count} 项资产正由未办结的事项占用或在途，须先办结或撤销：{assets}。",
    en="{count} cards are held by open processes or on their way; finish or withdraw first:"
    " {assets}.",
    law="《行政事业性国有资产管理条例》第22条",
)
THEIRS = Rule(
    slug="not-of-the-old-unit",
    zh="该资产不属于移交单位 {unit}。",
    en="The asset is not the old unit's ({unit}).",
)
FREE = Rule(
    slug="held-by-a-process-or-on-its-way",
    zh="该资产正由未办结的事项占用或在途，须先办结或撤销。",
    en="An open process holds the asset, or it is on its way; finish or withdraw that first.",
)
STUCK = Rule(
    slug="cases-cannot-pass",
    zh="{count} 件未办结事项不能随同移交（待审批，或者有物品在途），须先审批、撤回或者完成交接："
    "{cases}。",
    en="{count} open cases cannot pass (they await a decision, or have things on their way); have"
    " them decided, withdrawn or taken in first: {cases}.",
    law="《行政事业性国有资产管理条例》第22条",
)
DIVIDED = Rule(
    slug="case-divided",
    zh="事项 {cases} 的物品须一并移交给同一单位；请把其余物品列入清单，或者先办结该事项。",
    en="The things of {cases} pass to one unit together; list the others as well, or finish the"
    " case first.",
)
FEW_CASES = Rule(
    slug="too-many-open-cases",
    zh="未办结事项有 {count} 件，一次至多移交 {most} 件；请先办结一部分，或者按清单分次移交。",
    en="There are {count} open cases; {most} pass in one act. Finish some, or hand over by lists.",
)
BORROWED = Rule(
    slug="not-lent-to-the-old-unit",
    zh="该资产没有借给 {unit}。",
    en="The asset is not lent to {unit}.",
)
STILL_THERE = Rule(
    slug="no-card",
    zh="该资产未登记或已核销，不随机构变动移交。",
    en="The asset is not registered or derecognised; it does not pass in a reorganisation.",
    holds=lambda asset, _: asset.book not in (Book.NONE, Book.GONE),
)
AT_MOST = Rule(
    slug="list-too-long",
    zh="一次至多列明 {most} 项且不得重复；全部移交请不填清单。",
    en="A list has at most {most} different cards; leave it empty to hand everything over.",
)


def passes(book: Book, custody: Custody, lock: Lock) -> bool:
    """Answer whether nothing undecided holds a card: an approved disposal passes with it."""
    undecided = lock is not Lock.NONE and book is not Book.TO_DISPOSE
    return not undecided and custody is not Custody.TRANSIT


@lifecycle.verb(
    NEW, zh="提出机构变动移交", en="Propose", roles=(Role.CLERK, Role.HEAD, Role.OFFICE)
)
def propose(
    _: Reorganisation,
    occasion: Occasion,
    *,
    from_units: tuple[UnitId, ...],
    to_units: tuple[UnitId, ...],
    cut_off: date,
    order_no: Reference,
    order_issuer: Code = "",
) -> tuple[Event | Ask, ...]:
    """Propose that the property of units that change passes to others, by an order."""
    everybody = (*from_units, *to_units)
    few = 1 <= len(from_units) <= UNITS_MAX and 1 <= len(to_units) <= UNITS_MAX
    if not few or len(set(everybody)) != len(everybody):
        raise TWO_SIDES.broken(most=UNITS_MAX)
    return (
        ReorganisationProposed(
            applicant=occasion.by,
            from_units=from_units,
            to_units=to_units,
            cut_off=cut_off,
            order_no=order_no,
            order_issuer=order_issuer,
        ),
        *laid(occasion, route(occasion, Action.REORGANISATION)),
        *(Ask(f"unit/{unit}", "employ", {}) for unit in to_units),
    )


@lifecycle.verb(
    PROPOSED, OTHER_PERSON, MY_TURN, LAST_STEP, zh="批准移交", en="Approve", roles=DECIDERS
)
def approve(_: Reorganisation, __: Occasion, *, approval_no: Reference) -> ReorganisationApproved:
    """Approve; nothing moves before it is handed over."""
    return ReorganisationApproved(approval_no=approval_no)


@lifecycle.verb(PROPOSED, OTHER_PERSON, MY_TURN, zh="不同意移交", en="Refuse", roles=DECIDERS)
def refuse(_: Reorganisation, __: Occasion, *, reason: Given) -> ReorganisationRefused:
    """Refuse the reorganisation."""
    return ReorganisationRefused(reason=reason)


@lifecycle.verb(
    NOTHING_MOVED, zh="撤回移交", en="Withdraw", roles=(Role.CLERK, Role.HEAD, Role.OFFICE)
)
def withdraw(_: Reorganisation, __: Occasion, *, reason: Given) -> ReorganisationWithdrawn:
    """Withdraw it while nothing has moved."""
    return ReorganisationWithdrawn(reason=reason)


@lifecycle.verb(APPROVED, zh="移交", en="Hand over", roles=(Role.HEAD, Role.CLERK, Role.OFFICE))
def hand_over(
    case: Reorganisation,
    occasion: Occasion,
    *,
    from_unit: UnitId,
    to_unit: UnitId,
    assets: tuple[AssetId, ...] = (),
) -> tuple[Event | Ask, ...]:
    """Hand over everything a unit has, all or nothing; with a list, only what it names."""
    for unit, among in ((from_unit, case.to_empty), (to_unit, case.to_units)):
        if unit not in among:
            raise OF_THIS_CASE.broken(unit=unit)
    if case.cut_off is not None and occasion.on < case.cut_off:
        raise CUT_OFF_REACHED.broken(cut_off=case.cut_off)
    if not occasion.acts_for(from_unit) and occasion.role != Role.OFFICE:
        raise OWN_SIDE.broken(unit=from_unit)
    if len(assets) > MOVED_MAX or len(set(assets)) != len(assets):
        raise AT_MOST.broken(most=MOVED_MAX)
    held, open_ = what_is_held(occasion, from_unit), what_is_open(occasion, from_unit)
    moved = assets or tuple(held)[: MOVED_MAX - max(0, len(open_) - ROOM)]
    left = held.keys() - set(moved)
    going = cases_of(moved, held, open_, divide=bool(assets)) if left else tuple(open_.values())
    with_them = {one.stream for one in going if one.passes}
    refuse_undecided([held[a] for a in moved if a in held and held[a].case not in with_them])
    refuse_stuck(going)
    passed = passed_on(occasion, from_unit, to_unit, going)
    if not moved:
        return (*passed[:1], NothingWasLeft(from_unit=from_unit), *passed[1:])
    form = {"from_unit": from_unit, "to_unit": to_unit, "case": occasion.stream}
    return (
        PropertyHandedOver(
            from_unit=from_unit,
            to_unit=to_unit,
            count=len(moved),
            left=len(left),
            list_sha256=digest(moved),
            hander=occasion.by,
            hander_for=occasion.behalf or None,
        ),
        *passed[:1],
        *(Ask(f"asset/{a}", "change_hands", form | held_with(held, a, with_them)) for a in moved),
        *passed[1:],
        kinds.passed_on(from_unit, to_unit, moved),
    )


@lifecycle.verb(
    UNCONFIRMED, zh="确认接收", en="Confirm receipt", roles=(Role.HEAD, Role.CLERK, Role.OFFICE)
)
def take_over(
    case: Reorganisation, occasion: Occasion, *, to_unit: UnitId, note: Text = ""
) -> PropertyTakenOver:
    """Confirm for the new unit what it got; another person than who handed over."""
    if to_unit not in case.unconfirmed:
        raise OF_THIS_CASE.broken(unit=to_unit)
    if not occasion.acts_for(to_unit):
        raise OWN_SIDE.broken(unit=to_unit)
    if {occasion.by, occasion.behalf} & case.handers:
        raise ANOTHER_SIGNS.broken()
    return PropertyTakenOver(to_unit=to_unit, note=note)


@assets_.lifecycle.verb(STILL_THERE, zh="随机构变动移交", en="Change hands", inner=True)
def change_hands(
    asset: Asset,
    occasion: Occasion,
    *,
    from_unit: UnitId,
    to_unit: UnitId,
    case: Stream,
    held_by: Stream | None = None,
) -> HandedOverInReorganisation:
    """Pass from the old unit to the new one wherever the old one stands on the card.

    `held_by` is the case that holds the asset and passes in the same act.
    """
    with_its_case = held_by is not None and asset.case == held_by
    at_rest = asset.custody is not Custody.TRANSIT
    lock = Lock.NONE if asset.free(occasion.on) else asset.lock
    if not (passes(asset.book, asset.custody, lock) or (with_its_case and at_rest)):
        raise FREE.broken()
    if from_unit not in (asset.accounting_unit, asset.custodian, asset.owner):
        raise THEIRS.broken(unit=from_unit)
    return HandedOverInReorganisation(from_unit=from_unit, to_unit=to_unit, case=case)


@assets_.lifecycle.verb(STILL_THERE, zh="借用单位变动", en="Change the borrower", inner=True)
def change_borrower(
    asset: Asset, _: Occasion, *, from_unit: UnitId, to_unit: UnitId
) -> BorrowerSucceeded:
    """Be lent to the new unit as it was to the old one."""
    if asset.borrower != from_unit:
        raise BORROWED.broken(unit=from_unit)
    return BorrowerSucceeded(from_unit=from_unit, to_unit=to_unit)


@step_of(Reorganisation)
def next_step(case: Reorganisation) -> OpenStep | None:
    """Answer what must be done next."""
    match case.status:
        case ReorganisationStatus.PROPOSED:
            return decision(case.approval, (Role.OFFICE, Role.FINANCE), "")
        case ReorganisationStatus.APPROVED:
            unit = min(case.to_empty, default="")
            roles = (Role.HEAD, Role.CLERK, Role.OFFICE)
            return OpenStep(verb="hand_over", roles=roles, unit=unit)
        case ReorganisationStatus.HANDED_OVER:
            unit = min(case.unconfirmed, default="")
            return OpenStep(verb="take_over", roles=(Role.HEAD, Role.CLERK), unit=unit)
        case _:
            return None


def what_is_held(occasion: Occasion, unit: str) -> dict[str, Piece]:
    """Return all cards of a unit as the lists answered, in the order of ids."""
    answers = (seen for seen in occasion.seen if isinstance(seen, Held) and seen.unit == unit)
    return {piece.asset: piece for seen in answers for piece in seen.pieces}


def what_is_open(occasion: Occasion, unit: str) -> dict[str, OpenCase]:
    """Return the open cases of a unit as the lists answered."""
    answers = (seen for seen in occasion.seen if isinstance(seen, Held) and seen.unit == unit)
    return {one.stream: one for seen in answers for one in seen.cases}


def cases_of(
    moved: tuple[str, ...], held: dict[str, Piece], open_: dict[str, OpenCase], *, divide: bool
) -> tuple[OpenCase, ...]:
    """Return the open cases of the cards that move; refuse to part the cards of one."""
    going = dict.fromkeys(held[a].case for a in moved if a in held and held[a].case in open_)
    if divide:
        rest = held.keys() - set(moved)
        parted = sorted({held[a].case for a in rest} & going.keys())
        if parted:
            raise DIVIDED.broken(cases=tuple(parted[:NAMED_MAX]))
    return tuple(open_[stream] for stream in going)


def refuse_stuck(going: tuple[OpenCase, ...]) -> None:
    """Refuse while a case awaits a decision or has things on their way; name them all."""
    if len(going) > CASES_MAX:
        raise FEW_CASES.broken(count=len(going), most=CASES_MAX)
    stuck = [one.stream for one in going if not one.passes]
    if stuck:
        named = tuple(stuck[:NAMED_MAX]) + (("…",) if len(stuck) > NAMED_MAX else ())
        raise STUCK.broken(count=len(stuck), cases=named)


def passed_on(
    occasion: Occasion, from_unit: str, to_unit: str, going: tuple[OpenCase, ...]
) -> tuple[Event | Ask, ...]:
    """Return the fact that open cases pass, and what is asked of each; nothing where none does."""
    if not going:
        return ()
    form = {"from_unit": from_unit, "to_unit": to_unit, "reorganisation": occasion.stream}
    return (
        CasesPassedOn(
            from_unit=from_unit,
            to_unit=to_unit,
            cases=tuple(one.stream for one in going),
            hander=occasion.by,
            hander_for=occasion.behalf or None,
        ),
        *(Ask(one.stream, "succeed_party", form) for one in going),
    )


def held_with(held: dict[str, Piece], asset: str, going: set[str]) -> dict[str, str]:
    """Return which passing case holds a card, as a form says it; nothing where none does."""
    case = held[asset].case if asset in held else ""
    return {"held_by": case} if case in going else {}


def refuse_undecided(pieces: list[Piece]) -> None:
    """Refuse while a process or a hand-over between two people holds a card; name them all."""
    held = [p.asset_no or p.asset for p in pieces if not passes(p.book, p.custody, p.lock)]
    if held:
        named = tuple(held[:NAMED_MAX]) + (("…",) if len(held) > NAMED_MAX else ())
        raise UNDECIDED.broken(count=len(held), assets=named)


def digest(assets: tuple[str, ...]) -> str:
    """Return the SHA-256 of ids, one a line."""
    return sha256("\n".join(assets).encode()).hexdigest()
