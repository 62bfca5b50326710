"""How property leaves: held for a disposal, put up, carried out, let go by the books (#34-#44).

This is the side of the thing; what the case decides is told in `disposal` and `selling`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain import kinds
from domain.asset import ON_BOOKS, UNLOCKED, Asset, Book, Custody, Kind, Lock, lifecycle
from domain.decider import Ask, Event, Occasion, Rule
from domain.holding import HeldForProcess, held_by
from domain.use import STILL_HERE
from domain.values import Code, Stream, Text, UnitId
from domain.words import Term


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


class Ground(Term):
    """Why it may be disposed of: what 国令738 第21条 names, and what others need more."""

    IDLE = "idle", "闲置", "idle"
    UNDER_USED = "under_used", "低效运行", "under-used"
    OVER_STANDARD = "over_standard", "超标准配置", "over standard"
    REORGANISATION = "reorganisation", "机构变动移交", "reorganisation"
    EVENT_OVER = (
        "event_over",
        "大型会议活动或者临时机构结束",
        "event or temporary body over",
    )
    BEYOND_REPAIR = (
        "beyond_repair",
        "因技术原因淘汰或者无维修价值",
        "obsolete or beyond repair",
    )
    LIFE_OVER = (
        "life_over",
        "超过使用年限且不能满足工作需要",
        "past its service life and no longer fit",
    )
    LOSS = "loss", "盘亏等非正常损失", "shortage or other abnormal loss"
    DISASTER = "disaster", "不可抗力造成毁损、灭失", "destroyed by force majeure"
    OTHER = "other_ground", "其他情形（在备注中写明）", "another ground (say which in the remark)"


TO_SPARE = (Ground.IDLE, Ground.UNDER_USED, Ground.OVER_STANDARD)
HANDED_ON = (*TO_SPARE, Ground.REORGANISATION, Ground.EVENT_OVER)
WORN_OUT = (Ground.BEYOND_REPAIR, Ground.LIFE_OVER, Ground.DISASTER)
GROUNDS: dict[Form, tuple[Ground, ...]] = {
    Form.ASSIGNMENT: (*HANDED_ON, Ground.OTHER),
    Form.DONATION: (*TO_SPARE, Ground.EVENT_OVER, Ground.OTHER),
    Form.SALE: (*HANDED_ON, Ground.LIFE_OVER, Ground.OTHER),
    Form.AUCTION: (*HANDED_ON, Ground.LIFE_OVER, Ground.OTHER),
    Form.EXCHANGE: (*TO_SPARE, Ground.OTHER),
    Form.SCRAP: (*WORN_OUT, Ground.OTHER),
    Form.WRITE_OFF: (Ground.LOSS, Ground.DISASTER, Ground.OTHER),
    Form.TAKE_BACK: (Ground.BEYOND_REPAIR, Ground.LIFE_OVER, Ground.IDLE, Ground.OTHER),
}
"""The grounds of each form where the rules of the place name none of their own (T90)."""

_738 = "《行政事业性国有资产管理条例》"
GROUND_LAWS: dict[Ground, str] = {
    Ground.IDLE: "《新疆维吾尔自治区机关事务管理办法》第18条",
    Ground.UNDER_USED: "《新疆维吾尔自治区机关事务管理办法》第18条",
    Ground.OVER_STANDARD: "《内蒙古自治区机关事务管理办法》第17条",
    Ground.REORGANISATION: f"{_738}第22条",
    Ground.EVENT_OVER: "《新疆维吾尔自治区机关事务管理办法》第18条",
    Ground.BEYOND_REPAIR: f"{_738}第21条",
    Ground.LIFE_OVER: f"{_738}第21条",
    Ground.LOSS: f"{_738}第21条",
    Ground.DISASTER: f"{_738}第21条",
}

SOLD_FORMS = frozenset({Form.SALE, Form.AUCTION})
GIVEN_FORMS = frozenset({Form.ASSIGNMENT, Form.DONATION, Form.EXCHANGE})
SCRAP_FORMS = frozenset({Form.SCRAP, Form.TAKE_BACK})
LOST_FORMS = frozenset({Form.WRITE_OFF})
PRICED_FORMS = SOLD_FORMS | {Form.EXCHANGE}  # appraised first (国令738 第36条)

# What happened ----------------------------------------------------------------


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


class LeftWithoutApproval(
    Event,
    name="asset.left_without_approval",
    zh="未经批准或超出批准处置，已离场：{reason}",
    en="It left without approval or beyond it: {reason}",
):
    """#43 It is gone though no approval covers it; the books keep it until that is ruled on."""

    case: Stream
    reason: Text


class DepartureRuledOn(
    Event,
    name="asset.departure_ruled_on",
    zh="超批准处置已补作处理，文号{approval_no}",
    en="The unapproved departure was ruled on: {approval_no}",
):
    """#36 Whoever may approve dealt with it afterwards; now the books can let go."""

    case: Stream
    approval_no: Code


class KeptAfterAll(
    Event,
    name="asset.kept_after_all",
    zh="不再处置，恢复在账：{reason}",
    en="Not disposed of after all, on the books again: {reason}",
):
    """#36 The approval lapsed or was given up before anything happened to it."""

    case: Stream
    reason: Text


class TitleGivenUp(
    Event,
    name="asset.title_given_up",
    zh="权属注销（变更），{registry}，证明{certificate}",
    en="Title cancelled or passed on at {registry}: {certificate}",
):
    """#44 The register no longer names us as its owner (国令738 第40条)."""

    registry: Code
    certificate: Code


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


LeavingEvent: TypeAlias = (
    PutUpForDisposal
    | ConsignedForAuction
    | LeftForGood
    | LeftWithoutApproval
    | DepartureRuledOn
    | KeptAfterAll
    | TitleGivenUp
    | Derecognised
    | LeftBook
)

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: LeavingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PutUpForDisposal(case=case):
            return replace(asset, book=Book.TO_DISPOSE, lock=Lock.NONE, case=case, listed=False)
        case ConsignedForAuction():
            return replace(asset, custody=Custody.WAREHOUSE)
        case LeftForGood():
            return replace(asset, custody=Custody.LEFT, user="", executed=True)
        case LeftWithoutApproval(case=case):
            return replace(
                asset, custody=Custody.LEFT, user="", lock=Lock.NONE, case=case, listed=False
            )
        case DepartureRuledOn(case=case):
            return replace(asset, book=Book.TO_DISPOSE, lock=Lock.NONE, case=case, executed=True)
        case KeptAfterAll():
            return replace(asset, book=Book.ON_BOOKS, lock=Lock.NONE, case="")
        case TitleGivenUp():
            return replace(asset, owner="")
        case Derecognised() | LeftBook():
            return replace(
                asset, book=Book.GONE, custody=Custody.LEFT, user="", lock=Lock.NONE, listed=False
            )
        case _:
            assert_never(event)


lifecycle.part(LeavingEvent, evolve)

# What may be asked ------------------------------------------------------------

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
LIFE_OVER = Rule(
    slug="service-life-not-over",
    zh="资产{asset_no}取得日期{acquired}，未确认达到最低使用年限（{years}年）；"
    "未达年限又能修复的不得报废，确已毁损的须附损坏证明。",
    en="Asset {asset_no}, acquired {acquired}, is not shown to have reached its minimum service"
    " life of {years} years; before that it is not scrapped unless proof of damage is attached.",
)
OFFERED_FIRST = Rule(
    slug="not-offered-for-reuse",
    zh="资产{asset_no}尚可使用，须先入仓、上架或者附调剂查询结果，无法调剂利用的才能出让。",
    en="Asset {asset_no} can still be used: it is offered for reuse first (in the warehouse,"
    " listed, or with the result of a search), and sold only when nobody needs it.",
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
KNOWN = Rule(
    slug="no-such-card",
    zh="没有这项资产的卡片，或已核销。",
    en="There is no card of this asset, or it was derecognised.",
    holds=lambda asset, _: asset.book in (Book.ON_BOOKS, Book.TO_DISPOSE),
)
TITLED = Rule(
    slug="kind-without-title",
    zh="只有车辆、房屋、土地才有权属登记可以注销或变更。",
    en="Only vehicles, premises and land have a registered title to cancel or pass on.",
    holds=lambda asset, _: asset.kind in (Kind.VEHICLE, Kind.PREMISES, Kind.LAND),
)
LEFT_UNRULED = Rule(
    slug="no-departure-to-rule-on",
    zh="该资产没有待补作处理的超批准处置。",
    en="There is no unapproved departure of this asset to rule on.",
    holds=lambda asset, _: asset.custody is Custody.LEFT and not asset.executed,
)
SCREENED = Rule(
    slug="screening-not-over",
    zh="该资产正在公示调剂，至 {until} 各轮期满后无单位取得的，才能申请处置。",
    en="It is still offered to other units: only what nobody took by {until} may be disposed of.",
    law="《内蒙古自治区机关运行保障条例》第17条",
)
# Papers that prove what the two rules ask for, by the types that people write on them.
DAMAGE_PROOF = ("damage_proof", "损坏证明", "proof of damage")
SEARCHED = ("reallocation_search", "调剂查询结果", "reallocation search")


@lifecycle.verb(ON_BOOKS, UNLOCKED, DISPOSABLE, zh="处置占用", en="Hold for disposal", inner=True)
def hold_for_disposal(
    asset: Asset, occasion: Occasion, *, case: Stream, unit: UnitId, form: Form
) -> HeldForProcess:
    """Hold the asset while its disposal is decided."""
    if unit not in (asset.accounting_unit, asset.custodian):
        raise OURS.broken(
            unit=unit, accounting_unit=asset.accounting_unit, custodian=asset.custodian
        )
    kinds.refuse_alone(asset, occasion)
    until = asset.offer.screened_until if asset.listed and asset.offer else None
    if until is not None and occasion.on <= until:
        raise SCREENED.broken(until=until)
    if form in SCRAP_FORMS:
        refuse_early(asset, occasion)
    if form in SOLD_FORMS and occasion.policy.waterfall:
        refuse_unoffered(asset, occasion)
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


@lifecycle.verb(ON_BOOKS, zh="列入待处置", en="Put up for disposal", inner=True)
def put_up_for_disposal(
    asset: Asset, _: Occasion, *, case: Stream, approval_no: Code
) -> PutUpForDisposal:
    """Mark the asset as pending disposal under its approval document."""
    held_by(asset, case)
    return PutUpForDisposal(case=case, approval_no=approval_no)


@lifecycle.verb(TO_DISPOSE, STILL_HERE, zh="离场", en="Leave", inner=True)
def leave_for_good(_: Asset, __: Occasion, *, form: Form, case: Stream) -> LeftForGood:
    """Let the asset leave for good."""
    return LeftForGood(form=form, case=case)


@lifecycle.verb(KNOWN, STILL_HERE, zh="登记未批离场", en="Find gone", inner=True)
def find_gone(_: Asset, __: Occasion, *, case: Stream, reason: Text) -> LeftWithoutApproval:
    """Record that the asset is gone though no approval covers it."""
    return LeftWithoutApproval(case=case, reason=reason)


@lifecycle.verb(KNOWN, LEFT_UNRULED, zh="补作处理", en="Rule on the departure", inner=True)
def rule_on_departure(
    _: Asset, __: Occasion, *, case: Stream, approval_no: Code
) -> DepartureRuledOn:
    """Let the books go of what left without approval, after it was dealt with."""
    return DepartureRuledOn(case=case, approval_no=approval_no)


@lifecycle.verb(TO_DISPOSE, STILL_HERE, zh="恢复在账", en="Keep after all", inner=True)
def keep_after_all(_: Asset, __: Occasion, *, case: Stream, reason: Text) -> KeptAfterAll:
    """Put the asset back on the books: nothing happened to it under its approval."""
    return KeptAfterAll(case=case, reason=reason)


@lifecycle.verb(KNOWN, TITLED, zh="权属注销（变更）", en="Give up title", inner=True)
def give_up_title(_: Asset, __: Occasion, *, registry: Code, certificate: Code) -> TitleGivenUp:
    """Record that the register no longer names us."""
    return TitleGivenUp(registry=registry, certificate=certificate)


@lifecycle.verb(TO_DISPOSE, GONE, zh="核销", en="Derecognise", inner=True)
def derecognise_asset(
    asset: Asset, occasion: Occasion, *, voucher: Code
) -> tuple[Derecognised | Ask, ...]:
    """Let the books go of the asset; a vehicle leaves its place on the quota."""
    units, me = (asset.custodian, asset.accounting_unit), occasion.stream.partition("/")[2]
    return (Derecognised(voucher=voucher), *kinds.uncounted(asset.kind, units, me, "核销"))


def refuse_early(asset: Asset, occasion: Occasion) -> None:
    """Refuse to scrap before the minimum service life without proof of damage."""
    years = occasion.policy.life_years(asset.kind, asset.class_code)
    if years is None or any(doc.type in DAMAGE_PROOF for doc in occasion.docs):
        return
    if not served(asset, years, occasion.on):
        raise LIFE_OVER.broken(
            asset_no=asset.asset_no, years=years, acquired=asset.acquired or asset.acquired_year
        )


def served(asset: Asset, years: int, on: date) -> bool:
    """Answer whether the asset is shown to have served so many years on a day."""
    if asset.acquired is not None:
        then = asset.acquired
        year = then.year + years
        last = min(then.day, monthrange(year, then.month)[1]) if year <= date.max.year else 1
        return year <= date.max.year and date(year, then.month, last) <= on
    return asset.acquired_year is not None and asset.acquired_year + years < on.year


def refuse_unoffered(asset: Asset, occasion: Occasion) -> None:
    """Refuse to sell what nobody was offered, where the rules tell what is tried first."""
    offered = asset.listed or asset.custody in (Custody.WAREHOUSE, Custody.VIRTUAL)
    if not offered and not any(doc.type in SEARCHED for doc in occasion.docs):
        raise OFFERED_FIRST.broken(asset_no=asset.asset_no)
