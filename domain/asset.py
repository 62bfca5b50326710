"""One piece of public property: where it stands in the books, who has it, what holds it up.

This module is its state and its configuration (DOMAIN.md b.2 #6-#8, #10). The rest of its
life is told in `use`, `labelling`, `splitting`, `classing`, `lending`, `warehouse`,
`reallocation` and `disposal`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import kinds
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.outside import Nature, refuse_outside
from domain.policy import Claiming, Window
from domain.values import (
    CaseId,
    Code,
    Currency,
    Fen,
    Given,
    Name,
    PersonId,
    PlaceId,
    Quantity,
    Reference,
    Text,
    UnitId,
)
from domain.words import Role, Term, Words


class Kind(Term):
    """What sort of thing it is, as far as rules differ (DOMAIN.md e)."""

    COMPUTER = "computer", "计算机设备", "computer equipment"
    OFFICE = "office", "办公设备", "office equipment"
    FURNITURE = "furniture", "家具用具", "furniture"
    VEHICLE = "vehicle", "车辆", "vehicle"
    PREMISES = "premises", "房屋", "premises"
    LAND = "land", "土地", "land"
    INSTRUMENT = "instrument", "仪器设备", "instrument"
    SOFTWARE = "software", "软件", "software"
    RELIC = "relic", "文物陈列品", "relics and exhibits"
    ARCHIVE = "archive", "图书档案", "books and archives"
    OTHER = "other", "其他", "other"


class Book(Term):
    """Dimension A: where it stands in the books (DOMAIN.md b.1)."""

    NONE = "none", "未登记", "not registered"
    PENDING = "pending", "待验收", "pending acceptance"
    ON_BOOKS = "on_books", "在账", "on the books"
    TO_DISPOSE = "to_dispose", "待处置", "pending disposal"
    GONE = "gone", "已核销", "derecognised"


class Custody(Term):
    """Dimension B: who has it, in what use (DOMAIN.md b.1)."""

    NONE = "none", "未到货", "not delivered"
    STORE = "store", "库存", "in store"
    IN_USE = "in_use", "在用", "in use"
    IDLE = "idle", "闲置", "idle"
    UNDER_USED = "under_used", "低效运行", "under-used"
    LENT = "lent", "出借", "lent"
    LEASED = "leased", "出租", "leased out"
    WAREHOUSE = "warehouse", "在仓（实体）", "in the physical warehouse"
    VIRTUAL = "virtual", "在仓（虚拟）", "in the virtual warehouse"
    WAREHOUSE_LENT = "warehouse_lent", "借出（由仓）", "on loan from the warehouse"
    TRANSIT = "transit", "在途", "in transit"
    REPAIR = "repair", "维修", "under repair"
    SEALED = "sealed", "封存", "locked up"
    LEFT = "left", "已离场", "left the site"


class Lock(Term):
    """Dimension C: what holds it up (DOMAIN.md b.1)."""

    NONE = "none", "无", "none"
    RESERVED = "reserved", "预留", "reserved"
    APPROVAL = "approval", "审批中", "in approval"


class ValueType(Term):
    """What the recorded value is (DOMAIN.md s.4)."""

    COST = "cost", "原值", "original cost"
    ESTIMATE = "estimate", "暂估值", "provisional estimate"
    APPRAISAL = "appraisal", "评估值", "appraised value"
    NOMINAL = "nominal", "名义金额", "nominal amount"
    UNKNOWN = "unknown", "未载明", "not stated"


class Mode(Term):
    """How it was obtained (国令738 第9条)."""

    PURCHASE = "purchase", "购置", "purchase"
    TRANSFER = "transfer", "调入", "transfer in"
    DONATION = "donation", "接受捐赠", "donation"
    EXCHANGE = "exchange", "置换", "exchange"
    BUILT = "built", "建设", "built"
    SURPLUS = "surplus", "盘盈", "found in stocktake"
    UNKNOWN = "unknown", "未载明", "not stated"


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """On which terms a thing is offered to other units: what its listing said.

    `windows` and `claiming` are the rules of the place on that day; later ones change nothing.
    """

    listed_on: date | None = None
    description: str = ""
    remaining_life: str = ""
    available_from: date | None = None  # None: at once
    offer_until: date | None = None  # the last day; None: until it is taken off
    delivers: bool = False  # its holder brings it; else whoever gets it fetches it
    windows: tuple[Window, ...] = ()
    claiming: Claiming = Claiming()

    @property
    def screened_until(self) -> date | None:
        """Return the last day of the last window; None where it is kept for nobody first."""
        if self.listed_on is None or not self.windows:
            return None
        return self.listed_on + timedelta(days=sum(window.days for window in self.windows) - 1)


class Contender(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim that waits until it is settled who gets the thing; `rank` 0 comes first."""

    case: str
    unit: str
    rank: int
    entered_on: date
    decided_from: date
    quantity: str = ""  # empty: all of it
    until: date | None = None


class Asset(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Three state dimensions and four parties; defaults mean that nothing happened yet."""

    book: Book = Book.NONE
    custody: Custody = Custody.NONE
    lock: Lock = Lock.NONE
    accounting_unit: str = ""
    custodian: str = ""  # the unit that answers for the thing
    user: str = ""  # the person who uses it
    owner: str = ""  # the unit in whose name title is registered
    asset_no: str = ""
    name: str = ""
    kind: Kind = Kind.OTHER
    class_code: str = ""
    class_scheme: str = ""
    model: str = ""
    serial: str = ""
    plate: str = ""
    value: int | None = None  # fen or cents of `currency`; None is "not stated"
    currency: str = "CNY"
    value_type: ValueType = ValueType.COST
    accumulated: int | None = None  # depreciation as the books state it, in fen or cents
    residual: int | None = None  # what the books expect to be left at the end of its life
    quantity: str = "1"
    measure: str = ""
    place: str = ""
    shelf: str = ""
    mode: Mode = Mode.UNKNOWN
    acquired: date | None = None
    acquired_year: int | None = None
    used_from: date | None = None  # the day its card says it was put to use
    accepted: bool | None = None
    buyer: str = ""  # who took it from the supplier, and does not inspect it
    case: str = ""  # the stream whose process holds it (lock), or moved it last (loan, disposal)
    borrower: str = ""
    due: date | None = None
    home: Custody = Custody.NONE  # where repair, transit and loans come back to
    label: str = ""
    label_issue: int = 0  # of the label in force
    labels_printed: int = 0
    labels_voided: tuple[str, ...] = ()
    giai: str = ""  # its GS1 identity, for life
    tag: str = ""  # the content of its radio tag, hexadecimal
    tag_tid: str = ""  # the serial of that tag's chip
    tags_voided: tuple[str, ...] = ()
    listed: bool = False
    offer: Offer | None = None  # as long as it is listed
    held_until: date | None = None  # the last day of a hold that ends by itself
    contenders: tuple[Contender, ...] = ()
    idle_since: date | None = None
    grade: str = ""
    bought_for: str = ""  # the list of the meeting, event or temporary body it was bought for
    bought_for_ground: str = ""
    home_by: date | None = None  # the day by which it goes to the public warehouse therefore
    appraised: int | None = None
    executed: bool = False  # the disposal has physically happened
    dataset: str = ""
    split_from: str = ""  # the card it was on before it got its own
    split_off: int = 0  # how many cards were split off this one
    merged: int = 0  # how many cards were merged into this one
    merged_into: str = ""  # the card that carries it now
    vehicle_use: str = ""  # what a vehicle counts for against the quota of its unit
    title_no: str = ""  # under which the public register names the owner
    filing_no: str = ""  # under which a title is filed that could not be registered
    area_approved: str = ""  # square metres that the holder may use
    certificate_no: str = ""  # of the use certificate in force
    shared: bool = False  # an instrument others may use
    purpose: str = ""  # what it serves since its use was changed
    package: str = ""  # the box, crate or pallet it is packed in, and moves with
    whole: str = ""  # the asset it is fitted to as a part, and moves with
    fitted: frozenset[str] = frozenset()  # what is fitted to it
    stated_until: date | None = None  # through which day `accumulated` was stated
    life_months: int = 0  # over which it is written off; 0: as the unit's table says
    worn_from: date | None = None  # from which month, when not from its acquisition
    surplus: int | None = None  # what waits in 1902 since it was found in a stocktake
    surplus_unit: str = ""  # in whose books

    def free(self, on: date) -> bool:
        """Answer whether nothing holds it on a day: a claim that expired holds nothing."""
        return self.lock is Lock.NONE or (self.held_until is not None and on > self.held_until)

    @property
    def claimed(self) -> bool:
        """Return whether what holds it is a claim, which moves nothing until it is free."""
        return self.lock is not Lock.NONE and self.held_until is not None

    @property
    def ahead(self) -> bool:
        """Return whether it is offered for a day on which it will be free."""
        return self.listed and self.offer is not None and self.offer.available_from is not None

    @property
    def shares(self) -> tuple[str, int | None, int | None, int | None] | None:
        """Return what splits and merges share out; None where there were none.

        Once it was shared out, nothing earlier may come to another amount.
        """
        if not (self.split_off or self.merged or self.merged_into):
            return None
        return self.quantity, self.value, self.accumulated, self.residual

    def describe(self, lang: Lang) -> str:
        """Say where the asset stands."""
        state = (self.book.words, self.custody.words, self.lock.words)
        title = " ".join(part for part in (self.asset_no, self.name) if part)
        if self.merged_into:
            if lang == "zh":
                return f"资产{title}已并入卡片{self.merged_into}"
            return f"Asset {title} was merged into card {self.merged_into}"
        if self.held_until is not None:
            held = Words(
                f"{state[2].zh}（{self.case}，至{self.held_until}）",
                f"{state[2].en} ({self.case}, until {self.held_until})",
            )
            state = (state[0], state[1], held)
        if lang == "zh":
            lock = "" if self.lock is Lock.NONE else f"、{state[2].zh}"
            return f"资产{title}现为：{state[0].zh}、{state[1].zh}{lock}"
        lock = "" if self.lock is Lock.NONE else f", {state[2].en}"
        return f"Asset {title} is now {state[0].en}, {state[1].en}{lock}".replace("  ", " ")


lifecycle: Lifecycle[Asset] = Lifecycle("asset", Asset, Words("资产", "Asset"))

# What happened ----------------------------------------------------------------


class AssetReceived(
    Event,
    name="asset.received",
    zh="到货：{name}，数量{quantity}{measure}，方式{mode}",
    en="Delivered: {name}, {quantity} {measure}, by {mode}",
    duty="buy",
):
    """#6 The thing arrived; nobody has inspected it yet.

    `acquisition` is the authorised purchase it is from, `buyer` is who took it from the supplier.
    """

    name: Name
    kind: Kind
    unit: UnitId
    mode: Mode = Mode.PURCHASE
    quantity: Quantity = "1"
    measure: Code = ""
    value: Fen | None = None
    currency: Currency = "CNY"
    supplier: Code = ""
    model: Code = ""
    place: PlaceId | None = None
    dataset: Code = ""
    acquisition: CaseId | None = None
    buyer: PersonId | None = None


class AcceptancePassed(
    Event,
    name="asset.acceptance_passed",
    zh="验收合格，验收人{inspector}",
    en="Acceptance passed, inspected by {inspector}",
    duty="inspect",
):
    """#7 The inspectors found what was ordered."""

    inspector: PersonId
    serial: Code = ""
    note: Text = ""


class AcceptanceFailed(
    Event,
    name="asset.acceptance_failed",
    zh="验收不合格，退回供应商：{reason}",
    en="Acceptance failed, returned to the supplier: {reason}",
    duty="inspect",
):
    """#7 The inspectors refused it; it goes back."""

    inspector: PersonId
    reason: Text


class AssetRegistered(
    Event,
    name="asset.registered",
    zh="建卡入账：{asset_no} {name}",
    en="Card opened and entered in the books: {asset_no} {name}",
    claims=("asset_no",),
):
    """#8 The card exists. Fields a source does not state are None or empty, never invented.

    `used_from` is the day on which the thing was put to use (投入使用日期), before this ledger or in it;
    `custodian` is the unit that keeps it, where that is not the unit in whose books it is.
    """

    asset_no: Code
    name: Name
    kind: Kind
    unit: UnitId
    class_code: Code = ""
    class_scheme: Code = ""
    value: Fen | None = None
    currency: Currency = "CNY"
    value_type: ValueType = ValueType.COST
    quantity: Quantity = "1"
    measure: Code = ""
    mode: Mode = Mode.UNKNOWN
    acquired: date | None = None
    acquired_year: int | None = None
    model: Code = ""
    serial: Code = ""
    plate: Code = ""
    custodian: UnitId | None = None
    owner: UnitId | None = None
    place: PlaceId | None = None
    voucher: Code = ""
    dataset: Code = ""
    used_from: date | None = None


class CardCorrected(
    Event,
    name="asset.card_corrected",
    zh="更正卡片：{reason}",
    en="Card corrected: {reason}",
):
    """#10 Named fields get another value; a field that is None stays as it is."""

    reason: Text
    name: Name | None = None
    class_code: Code | None = None
    class_scheme: Code | None = None
    model: Code | None = None
    serial: Code | None = None
    plate: Code | None = None
    owner: UnitId | None = None
    used_from: date | None = None


class ValueCorrected(
    Event,
    name="asset.value_corrected",
    zh="更正价值为{value}（{value_type}）：{reason}",
    en="Value corrected to {value} ({value_type}): {reason}",
):
    """#10 The recorded value was wrong; finance corrects it with a voucher."""

    value: Fen
    value_type: ValueType
    reason: Text
    voucher: Code = ""


class RegisterRowRepeated(
    Event,
    name="asset.register_row_repeated",
    zh="登记册重复列示同一资产：{text}",
    en="The register lists the same asset again: {text}",
):
    """A source lists one thing twice; the second row is kept as evidence, not as an asset."""

    text: Text


class ReplacementPlanned(
    Event,
    name="asset.replacement_planned",
    zh="计划于{year}年更新",
    en="Replacement planned for {year}",
):
    """The holder's plan says in which year the thing is due for replacement."""

    year: int


AssetEvent: TypeAlias = (
    AssetReceived
    | AcceptancePassed
    | AcceptanceFailed
    | AssetRegistered
    | CardCorrected
    | ValueCorrected
    | RegisterRowRepeated
    | ReplacementPlanned
)

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: AssetEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AssetReceived():
            return replace(
                asset,
                book=Book.PENDING,
                custody=Custody.STORE,
                name=event.name,
                kind=event.kind,
                accounting_unit=event.unit,
                custodian=event.unit,
                owner=event.unit,
                mode=event.mode,
                quantity=event.quantity,
                measure=event.measure,
                value=event.value,
                currency=event.currency,
                model=event.model,
                place=event.place or "",
                dataset=event.dataset,
                buyer=event.buyer or "",
            )
        case AcceptancePassed(serial=serial):
            return replace(asset, accepted=True, serial=serial or asset.serial)
        case AcceptanceFailed():
            return replace(asset, accepted=False, custody=Custody.LEFT)
        case AssetRegistered():
            mode = asset.mode if event.mode is Mode.UNKNOWN else event.mode
            return replace(
                asset,
                book=Book.ON_BOOKS,
                custody=Custody.STORE,
                asset_no=event.asset_no,
                name=event.name,
                kind=event.kind,
                accounting_unit=event.unit,
                custodian=event.custodian or event.unit,
                owner=event.owner or event.unit,
                class_code=event.class_code,
                class_scheme=event.class_scheme,
                value=event.value,
                currency=event.currency,
                value_type=event.value_type,
                quantity=event.quantity,
                measure=event.measure,
                mode=mode,
                surplus=(event.value or 0) if mode is Mode.SURPLUS else None,
                surplus_unit=event.unit if mode is Mode.SURPLUS else "",
                acquired=event.acquired,
                acquired_year=event.acquired_year or (event.acquired and event.acquired.year),
                model=event.model or asset.model,
                serial=event.serial or asset.serial,
                plate=event.plate,
                place=event.place or asset.place,
                dataset=event.dataset or asset.dataset,
                used_from=event.used_from,
            )
        case CardCorrected():
            return replace(
                asset,
                name=asset.name if event.name is None else event.name,
                class_code=asset.class_code if event.class_code is None else event.class_code,
                class_scheme=(
                    asset.class_scheme if event.class_scheme is None else event.class_scheme
                ),
                model=asset.model if event.model is None else event.model,
                serial=asset.serial if event.serial is None else event.serial,
                plate=asset.plate if event.plate is None else event.plate,
                owner=asset.owner if event.owner is None else event.owner,
                used_from=event.used_from or asset.used_from,
            )
        case ValueCorrected(value=value, value_type=value_type):
            return replace(asset, value=value, value_type=value_type)
        case RegisterRowRepeated() | ReplacementPlanned():
            return asset
        case _:
            assert_never(event)


lifecycle.part(AssetEvent, evolve)

# What may be asked ------------------------------------------------------------

NOT_YET_KNOWN = Rule(
    slug="already-recorded",
    zh="这项资产已有记录，不能重复登记。",
    en="This asset is already recorded and cannot be recorded again.",
    holds=lambda asset, _: asset.book is Book.NONE,
)
OWN_BOOKS = Rule(
    slug="books-of-others",
    zh="只能为本单位及所属单位建卡登记，{unit} 不在其中。请由该单位自行登记；已有的资产按调剂、划转办理。",
    en="You open cards for your own unit and those below it, which {unit} is not. Let that unit record"
    " it; what is on somebody's books already moves by reallocation.",
    law="《行政事业性国有资产管理条例》第30条",
)
OWN_KEEPER = Rule(
    slug="keeper-of-others",
    zh="保管单位只能是本单位或所属单位，{unit} 不在其中。请留空建卡，再由双方办理交接、借用或入仓。",
    en="Only your own unit, or one below it, can be named as keeping it, which {unit} is not. Leave it"
    " empty, then let both sides hand it over, lend it or take it into the warehouse.",
)
PENDING = Rule(
    slug="not-pending-acceptance",
    zh="只有待验收的资产才能验收。",
    en="Only an asset pending acceptance can be inspected.",
    law="《新疆维吾尔自治区机关事务管理办法》第18条",
    holds=lambda asset, _: asset.book is Book.PENDING and asset.accepted is None,
)
ACCEPTED = Rule(
    slug="not-accepted",
    zh="验收合格后才能建卡入账。",
    en="A card is opened only after acceptance has passed.",
    law="《新疆维吾尔自治区机关事务管理办法》第18条",
    holds=lambda asset, _: asset.book is Book.PENDING and asset.accepted is True,
)
ON_BOOKS = Rule(
    slug="not-on-books",
    zh="只有在账的资产才能办理。",
    en="This can be done only with an asset that is on the books.",
    law="《行政事业性国有资产管理条例》第30条",
    holds=lambda asset, _: asset.book is Book.ON_BOOKS,
)
STILL_OURS = Rule(
    slug="not-ours-any-more",
    zh="只有在账或待处置的资产才能办理。",
    en="This can be done only with an asset on the books or pending disposal.",
    law="《行政事业性国有资产管理条例》第30条",
    holds=lambda asset, _: asset.book in (Book.ON_BOOKS, Book.TO_DISPOSE),
)
UNLOCKED = Rule(
    slug="held-by-a-process",
    zh="该资产正由另一事项占用（预留或审批中），须先办结或撤销该事项。",
    en="Another process holds this asset (reserved or in approval); finish or withdraw it first.",
    holds=lambda asset, occasion: asset.free(occasion.on),
)
NOT_OVERDUE_HOME = Rule(
    slug="due-in-the-warehouse",
    zh="该资产为会议活动或临时机构配置，移交公物仓的期限已过，不得留用、出借或者自行调剂；请办理入仓，"
    "确需延期的由机关事务管理部门批准。",
    en="The asset was bought for a meeting, an event or a temporary body and is due in the public"
    " warehouse: it is not used on, lent or passed on, but handed over; only the offices"
    " administration may give it longer.",
    law="《内蒙古自治区机关事务管理办法》第17条",
    holds=lambda asset, occasion: asset.home_by is None or occasion.on <= asset.home_by,
)
UNDISTURBED = Rule(
    slug="held-by-a-case",
    zh="该资产正由另一事项占用（审批或办理中），须先办结或撤销该事项。",
    en="A case holds this asset; finish or withdraw it first.",
    holds=lambda asset, occasion: asset.free(occasion.on) or asset.claimed,
)
ANOTHER_INSPECTOR = Rule(
    slug="inspector-is-recorder",
    zh="验收人与经办人须为不同的人。",
    en="The inspector and the person who records must be two people.",
    law="《行政事业性国有资产管理条例》第51条",
)
NOT_THE_BUYER = Rule(
    slug="inspector-is-buyer",
    zh="验收人不得为到货登记的经办人；采购与验收须由不同的人办理。",
    en="Who took the delivery may not inspect it: buying and inspecting need two people.",
    law="《行政事业性国有资产管理条例》第51条",
)
SOMETHING_CORRECTED = Rule(
    slug="nothing-corrected",
    zh="没有给出任何要更正的内容。",
    en="Nothing was given to correct.",
)


@lifecycle.verb(NOT_YET_KNOWN, zh="到货登记", en="Record delivery", roles=(Role.CLERK,))
def receive(
    _: Asset,
    occasion: Occasion,
    *,
    name: Name,
    kind: Kind,
    unit: UnitId,
    mode: Mode = Mode.PURCHASE,
    quantity: Quantity = "1",
    measure: Code = "",
    value: Fen | None = None,
    supplier: Code = "",
    model: Code = "",
    place: PlaceId | None = None,
    acquisition: CaseId | None = None,
    nature: Nature = Nature.ASSET,
) -> tuple[AssetReceived | Ask, ...]:
    """Record that something arrived; it waits for acceptance by somebody else."""
    refuse_outside(nature)
    on_own_books(occasion, unit)
    kinds.acceptable(occasion, kind, mode, quantity)
    received = AssetReceived(
        name=name,
        kind=kind,
        unit=unit,
        mode=mode,
        quantity=quantity,
        measure=measure,
        value=value,
        supplier=supplier,
        model=model,
        place=place,
        acquisition=acquisition,
        buyer=occasion.by,
    )
    if acquisition is None:
        return (received,)
    this = occasion.stream.partition("/")[2]
    counted = {"asset": this, "quantity": quantity}
    return (received, Ask(f"acquisition/{acquisition}", "count_delivery", counted))


def on_own_books(occasion: Occasion, unit: str) -> None:
    """Refuse who would open a card in the books of a unit that is not theirs to keep."""
    if not occasion.within(unit):
        raise OWN_BOOKS.broken(unit=unit)


def inspected_by_another(asset: Asset, occasion: Occasion, inspector: str) -> None:
    """Refuse an inspector who records the acceptance, or who bought what is inspected."""
    if inspector == occasion.by:
        raise ANOTHER_INSPECTOR.broken()
    if inspector == asset.buyer:
        raise NOT_THE_BUYER.broken()


@lifecycle.verb(PENDING, zh="验收合格", en="Pass acceptance", roles=(Role.CLERK, Role.KEEPER))
def pass_acceptance(
    asset: Asset, occasion: Occasion, *, inspector: PersonId, serial: Code = "", note: Text = ""
) -> AcceptancePassed:
    """Record that the inspectors found what was ordered."""
    inspected_by_another(asset, occasion, inspector)
    return AcceptancePassed(inspector=inspector, serial=serial, note=note)


@lifecycle.verb(PENDING, zh="验收不合格", en="Fail acceptance", roles=(Role.CLERK, Role.KEEPER))
def fail_acceptance(
    asset: Asset, occasion: Occasion, *, inspector: PersonId, reason: Given
) -> AcceptanceFailed:
    """Record that the inspectors refused the delivery; it goes back to the supplier."""
    inspected_by_another(asset, occasion, inspector)
    return AcceptanceFailed(inspector=inspector, reason=reason)


@lifecycle.verb(ACCEPTED, zh="建卡入账", en="Open the card", roles=(Role.CLERK,))
def register(
    asset: Asset,
    occasion: Occasion,
    *,
    asset_no: Reference,
    class_code: Code = "",
    class_scheme: Code = "GB/T 14885-2022",
    value: Fen | None = None,
    value_type: ValueType = ValueType.COST,
    acquired: date | None = None,
    voucher: Code = "",
) -> tuple[AssetRegistered | Ask, ...]:
    """Open the card of an accepted delivery and enter it in the books."""
    card = AssetRegistered(
        asset_no=asset_no,
        name=asset.name,
        kind=asset.kind,
        unit=asset.accounting_unit,
        class_code=class_code,
        class_scheme=class_scheme,
        value=asset.value if value is None else value,
        currency=asset.currency,
        value_type=value_type,
        quantity=asset.quantity,
        measure=asset.measure,
        mode=asset.mode,
        acquired=acquired,
        model=asset.model,
        serial=asset.serial,
        voucher=voucher,
    )
    return (card, *kinds.counted(asset.kind, asset.accounting_unit, occasion))


@lifecycle.verb(NOT_YET_KNOWN, zh="期初建卡", en="Open an existing card", roles=(Role.CLERK,))
def register_existing(
    _: Asset,
    occasion: Occasion,
    *,
    asset_no: Reference,
    name: Name,
    kind: Kind,
    unit: UnitId,
    class_code: Code = "",
    class_scheme: Code = "GB/T 14885-2022",
    value: Fen | None = None,
    value_type: ValueType = ValueType.COST,
    quantity: Quantity = "1",
    measure: Code = "",
    mode: Mode = Mode.UNKNOWN,
    acquired: date | None = None,
    model: Code = "",
    serial: Code = "",
    plate: Code = "",
    owner: UnitId | None = None,
    place: PlaceId | None = None,
    voucher: Code = "",
    nature: Nature = Nature.ASSET,
    currency: Currency = "CNY",
    used_from: date | None = None,
    custodian: UnitId | None = None,
) -> tuple[AssetRegistered | Ask, ...]:
    """Open a card for something the unit had before this ledger began.

    Who keeps it for the unit is named where it is another unit.
    """
    refuse_outside(nature)
    on_own_books(occasion, unit)
    if custodian is not None and not occasion.within(custodian):
        raise OWN_KEEPER.broken(unit=custodian)
    kinds.acceptable(occasion, kind, mode, quantity)
    card = AssetRegistered(
        asset_no=asset_no,
        name=name,
        kind=kind,
        unit=unit,
        class_code=class_code,
        class_scheme=class_scheme,
        value=value,
        value_type=value_type if value is not None else ValueType.UNKNOWN,
        quantity=quantity,
        measure=measure,
        mode=mode,
        acquired=acquired,
        model=model,
        serial=serial,
        plate=plate,
        owner=owner,
        place=place,
        voucher=voucher,
        currency=currency,
        used_from=used_from,
        custodian=custodian,
    )
    return (card, *kinds.counted(kind, unit, occasion))


@lifecycle.verb(STILL_OURS, zh="更正卡片", en="Correct the card", roles=(Role.CLERK,))
def correct_card(
    _: Asset,
    __: Occasion,
    *,
    reason: Given,
    name: Name | None = None,
    class_code: Code | None = None,
    class_scheme: Code | None = None,
    model: Code | None = None,
    serial: Code | None = None,
    plate: Code | None = None,
    owner: UnitId | None = None,
    used_from: date | None = None,
) -> CardCorrected:
    """Give named fields of the card another value; empty fields stay as they are."""
    fields = (name, class_code, class_scheme, model, serial, plate, owner, used_from)
    if all(field is None for field in fields):
        raise SOMETHING_CORRECTED.broken()
    return CardCorrected(
        reason=reason,
        name=name,
        class_code=class_code,
        class_scheme=class_scheme,
        model=model,
        serial=serial,
        plate=plate,
        owner=owner,
        used_from=used_from,
    )


@lifecycle.verb(
    STILL_OURS, zh="更正价值", en="Correct the value", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def correct_value(
    _: Asset,
    __: Occasion,
    *,
    value: Fen,
    value_type: ValueType = ValueType.COST,
    reason: Given,
    voucher: Code = "",
) -> ValueCorrected:
    """Correct the recorded value; the books need a voucher, so finance does it."""
    return ValueCorrected(value=value, value_type=value_type, reason=reason, voucher=voucher)
