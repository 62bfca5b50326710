"""Confiscated and seized goods: kept in the same buildings, never in the same ledger of ownership.

They get no asset card and count in no total of public property; whatever they bring goes to the
treasury whole (国令738 第20条; DOMAIN.md e).
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.paper_forms import PaperForm
from domain.values import Code, Fen, Name, PlaceId, Quantity, Reference, Text, UnitId, yuan
from domain.words import Role, Term, Words


class GoodsStatus(Term):
    """Where confiscated or seized goods stand."""

    NONE = "none", "未入库", "not taken in"
    SEIZED = "seized", "涉案保管中", "seized, undecided"
    FORFEITED = "forfeited", "罚没待处置", "forfeited, to be disposed of"
    RETURNED = "returned", "已退还", "returned"
    SOLD = "sold", "已变卖，收入待上缴", "sold, proceeds to be remitted"
    DESTROYED = "destroyed", "已销毁", "destroyed"
    REMITTED = "remitted", "收入已上缴", "proceeds remitted"


class Goods(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What they are, for whom they are kept, and how far their case is. Amounts in fen."""

    status: GoodsStatus = GoodsStatus.NONE
    item: str = ""
    quantity: str = "0"
    measure: str = ""
    unit: str = ""
    order_no: str = ""
    place: str = ""
    price: int = 0
    amount: int = 0  # remitted so far
    number: str = ""

    def describe(self, lang: Lang) -> str:
        """Say where the goods stand."""
        if lang == "zh":
            return f"{self.item}{self.quantity}{self.measure}：{self.status.words.zh}"
        return f"{self.item}, {self.quantity} {self.measure}: {self.status.words.en}"


lifecycle: Lifecycle[Goods] = Lifecycle(
    "confiscated", Goods, Words("罚没（涉案）物品", "Confiscated goods")
)

# What happened ----------------------------------------------------------------


class GoodsTakenIn(
    Event,
    name="confiscated.taken_in",
    zh="接收保管{unit}移交的{item}，数量{quantity}{measure}，文书{order_no}",
    en="Taken into keeping for {unit}: {item}, {quantity} {measure}, by {order_no}",
    papers=(PaperForm.RECORD,),
    numbered=True,
):
    """An enforcing unit handed over what it seized or confiscated; the document says which."""

    item: Name
    quantity: Quantity
    unit: UnitId
    order_no: Code
    forfeited: bool = False
    measure: Code = ""
    place: PlaceId | None = None
    note: Text = ""


class GoodsForfeited(
    Event,
    name="confiscated.forfeited",
    zh="决定没收，文书{order_no}",
    en="Forfeited by {order_no}",
):
    """What was only seized is forfeited now."""

    order_no: Code


class GoodsReturned(
    Event,
    name="confiscated.returned",
    zh="依文书{order_no}退还，收据{receipt}",
    en="Returned by {order_no}, receipt {receipt}",
):
    """What was seized went back to whom it was taken from; the document names them."""

    order_no: Code
    receipt: Code


class GoodsSold(
    Event,
    name="confiscated.sold",
    zh="变卖，成交价{price}，成交确认书{deal_no}",
    en="Sold for {price}, deal {deal_no}",
    duty="execute",
):
    """Forfeited goods were sold; price in fen."""

    price: Fen
    deal_no: Code


class GoodsDestroyed(
    Event,
    name="confiscated.destroyed",
    zh="销毁，方式{method}，证明{certificate}",
    en="Destroyed by {method}, certificate {certificate}",
    duty="execute",
):
    """Forfeited goods that may not be sold were destroyed."""

    method: Code
    certificate: Code


class ProceedsRemitted(
    Event,
    name="confiscated.proceeds_remitted",
    zh="变卖收入{amount}上缴国库，凭证{voucher}，入库{treasury_on}",
    en="Proceeds of {amount} remitted, voucher {voucher}, treasury date {treasury_on}",
):
    """Money reached the treasury, in fen; nothing is taken off."""

    amount: Fen
    voucher: Code
    treasury_on: date


GoodsEvent: TypeAlias = (
    GoodsTakenIn | GoodsForfeited | GoodsReturned | GoodsSold | GoodsDestroyed | ProceedsRemitted
)

# Where that leaves us ---------------------------------------------------------


def evolve(goods: Goods, event: GoodsEvent) -> Goods:
    """What an event means. Never refuses: it already happened."""
    match event:
        case GoodsTakenIn():
            return Goods(
                status=GoodsStatus.FORFEITED if event.forfeited else GoodsStatus.SEIZED,
                item=event.item,
                quantity=event.quantity,
                measure=event.measure,
                unit=event.unit,
                order_no=event.order_no,
                place=event.place or "",
            )
        case GoodsForfeited(order_no=order_no):
            return replace(goods, status=GoodsStatus.FORFEITED, order_no=order_no)
        case GoodsReturned():
            return replace(goods, status=GoodsStatus.RETURNED)
        case GoodsSold(price=price):
            status = GoodsStatus.SOLD if price else GoodsStatus.REMITTED
            return replace(goods, status=status, price=price)
        case GoodsDestroyed():
            return replace(goods, status=GoodsStatus.DESTROYED)
        case ProceedsRemitted(amount=amount):
            whole = goods.amount + amount
            status = GoodsStatus.REMITTED if whole >= goods.price else goods.status
            return replace(goods, amount=whole, status=status)
        case _:
            assert_never(event)


lifecycle.part(GoodsEvent, evolve)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="goods-known",
    zh="该批物品已经接收。",
    en="These goods were taken in already.",
    holds=lambda goods, _: goods.status is GoodsStatus.NONE,
)
SEIZED = Rule(
    slug="goods-not-undecided",
    zh="只有尚未作出决定的涉案物品才能没收或退还。",
    en="Only goods that are seized and undecided are forfeited or returned.",
    holds=lambda goods, _: goods.status is GoodsStatus.SEIZED,
)
FORFEITED = Rule(
    slug="goods-not-forfeited",
    zh="只有决定没收的物品才能变卖或销毁。",
    en="Only forfeited goods are sold or destroyed.",
    law="《行政事业性国有资产管理条例》第20条",
    holds=lambda goods, _: goods.status is GoodsStatus.FORFEITED,
)
UNREMITTED = Rule(
    slug="no-proceeds-to-remit",
    zh="没有待上缴的变卖收入。",
    en="There are no proceeds still to be remitted.",
    law="《行政事业性国有资产管理条例》第20条",
    holds=lambda goods, _: goods.status is GoodsStatus.SOLD,
)
AT_MOST_PRICE = Rule(
    slug="remitted-beyond-price",
    zh="上缴金额须大于零且不超过尚未上缴的 {rest} 元。",
    en="The sum is above zero and at most the {rest} yuan still to be remitted.",
)


@lifecycle.verb(NEW, zh="接收保管", en="Take in", roles=(Role.KEEPER, Role.OFFICE))
def take_in(
    _: Goods,
    __: Occasion,
    *,
    item: Name,
    quantity: Quantity,
    unit: UnitId,
    order_no: Reference,
    forfeited: bool = False,
    measure: Code = "",
    place: PlaceId | None = None,
    note: Text = "",
) -> GoodsTakenIn:
    """Take seized or forfeited goods into keeping; they get no card and count in no total."""
    return GoodsTakenIn(
        item=item,
        quantity=quantity,
        unit=unit,
        order_no=order_no,
        forfeited=forfeited,
        measure=measure,
        place=place,
        note=note,
    )


@lifecycle.verb(SEIZED, zh="登记没收", en="Record forfeiture", roles=(Role.KEEPER, Role.OFFICE))
def forfeit(_: Goods, __: Occasion, *, order_no: Reference) -> GoodsForfeited:
    """Record the decision by which seized goods are forfeited."""
    return GoodsForfeited(order_no=order_no)


@lifecycle.verb(SEIZED, zh="退还", en="Return", roles=(Role.KEEPER,))
def give_back(_: Goods, __: Occasion, *, order_no: Reference, receipt: Reference) -> GoodsReturned:
    """Give seized goods back by a decision, against a receipt."""
    return GoodsReturned(order_no=order_no, receipt=receipt)


@lifecycle.verb(FORFEITED, zh="登记变卖", en="Record a sale", roles=(Role.OFFICE, Role.FINANCE))
def sell(_: Goods, __: Occasion, *, price: Fen, deal_no: Reference) -> GoodsSold:
    """Record what forfeited goods were sold for, in fen."""
    return GoodsSold(price=price, deal_no=deal_no)


@lifecycle.verb(FORFEITED, zh="登记销毁", en="Record destruction", roles=(Role.KEEPER, Role.OFFICE))
def record_destruction(
    _: Goods, __: Occasion, *, method: Reference, certificate: Reference
) -> GoodsDestroyed:
    """Record how forfeited goods were destroyed, and what proves it."""
    return GoodsDestroyed(method=method, certificate=certificate)


@lifecycle.verb(
    UNREMITTED, zh="上缴国库", en="Remit proceeds", roles=(Role.ACCOUNTANT, Role.FINANCE)
)
def remit(
    goods: Goods, _: Occasion, *, amount: Fen, voucher: Reference, treasury_on: date
) -> ProceedsRemitted:
    """Record that proceeds reached the treasury, in fen; nothing may be taken off first."""
    rest = goods.price - goods.amount
    if not 0 < amount <= rest:
        raise AT_MOST_PRICE.broken(rest=yuan(rest))
    return ProceedsRemitted(amount=amount, voucher=voucher, treasury_on=treasury_on)
