"""Confiscated goods are kept apart: no card, no total, all the money to the treasury."""

from __future__ import annotations

from functools import partial

from doors import Door, app_of, staffed
from given import TODAY, given

from api.office import Actor
from domain import asset, confiscated, outside
from domain.asset import Kind
from domain.confiscated import (
    GoodsDestroyed,
    GoodsForfeited,
    GoodsReturned,
    GoodsSold,
    GoodsStatus,
    GoodsTakenIn,
    ProceedsRemitted,
)
from domain.outside import Nature

past = partial(given, confiscated.lifecycle)

KEEPER = Actor(person="u_keeper", unit="o_a", role="keeper")
seized = GoodsTakenIn(item="摩托车", quantity="3", unit="o_police", order_no="扣〔2025〕1号")
ruled = GoodsForfeited(order_no="罚〔2025〕9号")
sold = GoodsSold(price=500_000, deal_no="成-1")


def test_what_is_seized_is_forfeited_or_returned():
    past(seized).then_state(status=GoodsStatus.SEIZED)
    past(seized).when(confiscated.forfeit, order_no="罚〔2025〕9号").then(ruled).then_state(
        status=GoodsStatus.FORFEITED
    )
    past(seized).when(confiscated.give_back, order_no="退〔2025〕2号", receipt="收-1").then(
        GoodsReturned(order_no="退〔2025〕2号", receipt="收-1")
    )
    past(seized).when(confiscated.sell, price=1, deal_no="成-1").then_refused(confiscated.FORFEITED)
    past(seized, ruled).when(
        confiscated.give_back, order_no="退〔2025〕2号", receipt="收-1"
    ).then_refused(confiscated.SEIZED)


def test_all_proceeds_go_to_the_treasury_in_one_or_several_sums():
    form = {"voucher": "缴-1", "treasury_on": TODAY}
    past(seized, ruled, sold).when(confiscated.remit, amount=500_000, **form).then(
        ProceedsRemitted(amount=500_000, **form)
    ).then_state(status=GoodsStatus.REMITTED)
    part = ProceedsRemitted(amount=499_999, **form)
    past(seized, ruled, sold, part).then_state(status=GoodsStatus.SOLD)
    for wrong in (0, 2):
        past(seized, ruled, sold, part).when(confiscated.remit, amount=wrong, **form).then_refused(
            confiscated.AT_MOST_PRICE
        )
    past(seized, ruled, sold, part).when(confiscated.remit, amount=1, **form).then_state(
        status=GoodsStatus.REMITTED
    )
    past(seized, ruled).when(confiscated.remit, amount=1, **form).then_refused(
        confiscated.UNREMITTED
    )


def test_what_may_not_be_sold_is_destroyed_with_proof():
    past(seized, ruled).when(
        confiscated.record_destruction, method="熔化", certificate="销-1"
    ).then(GoodsDestroyed(method="熔化", certificate="销-1")).then_state(
        status=GoodsStatus.DESTROYED
    )


def test_they_are_in_no_list_and_no_total_of_public_property(database: str):
    with staffed(database) as office:
        form = {"item": "香烟", "quantity": "200", "unit": "o_a", "order_no": "罚〔2025〕3号"}
        office.ask("confiscated/G1", "take_in", form, KEEPER)
        door = Door(app_of(office))
        assert door.get("inventory").json()["items"] == []
        assert door.get("confiscated/G1").json()["state"]["item"] == "香烟"
        told = door.get("confiscated/G1/history").json()["items"]
        assert [line["type"] for line in told] == ["confiscated.taken_in"]


def test_nobody_opens_an_asset_card_for_them():
    card = {"asset_no": "ZC-1", "name": "摩托车", "kind": Kind.VEHICLE, "unit": "o_police"}
    given(asset.lifecycle).when(
        asset.register_existing, nature=Nature.CONFISCATED, **card
    ).then_refused(outside.NOT_CONFISCATED)
