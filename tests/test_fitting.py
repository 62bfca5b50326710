"""Parts: fitted to one whole at a time, moved with it, removed before anything else happens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from given import Ledger, given

from domain import asset, fitting, splitting, use
from domain.asset import AssetRegistered, Custody, Kind
from domain.decider import Ask
from domain.fitting import FittedInto, PartFitted, PartRemoved, RemovedFromWhole
from domain.use import Relocated, RepairStarted

past = partial(given, asset.lifecycle)
server = AssetRegistered(
    asset_no="ZC-1", name="服务器", kind=Kind.COMPUTER, unit="o_a", place="p_1"
)
disk = AssetRegistered(asset_no="ZC-2", name="硬盘", kind=Kind.COMPUTER, unit="o_a", place="p_2")
chairs = AssetRegistered(
    asset_no="ZC-3", name="椅子", kind=Kind.FURNITURE, unit="o_a", quantity="40"
)
house = AssetRegistered(asset_no="ZC-4", name="办公楼", kind=Kind.PREMISES, unit="o_a")
fitted = PartFitted(part="D", reason="扩容")


def test_a_part_is_fitted_and_stands_where_the_whole_stands() -> None:
    past(server).when(fitting.fit_part, part="D", reason="扩容", order_no="修-1").then(
        PartFitted(part="D", reason="扩容", order_no="修-1"),
        Ask("asset/D", "fit_into", {"whole": "X", "unit": "o_a", "place": "p_1"}),
    ).then_state(fitted=frozenset({"D"}))
    past(disk).when(fitting.fit_into, whole="X", unit="o_a", place="p_1").then(
        FittedInto(whole="X"), Relocated(place="p_1")
    ).then_state(whole="X", place="p_1")


def test_a_part_belongs_to_one_whole_and_has_no_parts_of_its_own() -> None:
    ask = {"whole": "Y", "unit": "o_a", "place": None}
    past(disk, FittedInto(whole="X")).when(fitting.fit_into, **ask).then_refused(use.NOT_FITTED)
    past(server, fitted).when(fitting.fit_into, **ask).then_refused(fitting.WITHOUT_PARTS)
    past(disk, FittedInto(whole="Y")).when(fitting.fit_part, part="D", reason="装").then_refused(
        use.NOT_FITTED
    )
    past(server).when(fitting.fit_part, part="X", reason="装").then_refused(fitting.ANOTHER_ASSET)


def test_only_single_movable_things_in_the_same_hands_become_parts() -> None:
    ask = {"whole": "Y", "unit": "o_a", "place": None}
    past(chairs).when(fitting.fit_into, **ask).then_refused(fitting.ONE_PIECE)
    past(chairs).when(fitting.fit_part, part="D", reason="装").then_refused(fitting.ONE_PIECE)
    past(house).when(fitting.fit_into, **ask).then_refused(fitting.MOVABLE)
    past(house).when(fitting.fit_part, part="D", reason="安装电梯").then_granted()
    past(disk).when(fitting.fit_into, **(ask | {"unit": "o_b"})).then_refused(
        fitting.IN_THE_SAME_HANDS
    )
    past(server, RepairStarted(fault="坏")).when(
        fitting.fit_part, part="D", reason="装"
    ).then_refused(fitting.FITTED_AT_HAND)


def test_at_most_two_hundred_parts() -> None:
    many = [PartFitted(part=f"D{n}", reason="装") for n in range(fitting.PARTS_MAX - 1)]
    past(server, *many).when(fitting.fit_part, part="D", reason="装").then_granted()
    past(server, *many, fitted).when(fitting.fit_part, part="E", reason="装").then_refused(
        fitting.PARTS_LEFT
    )


def test_a_fitted_part_does_nothing_by_itself() -> None:
    part = past(disk, FittedInto(whole="X"))
    part.when(use.relocate, place="p_9").then_refused(use.NOT_FITTED)
    part.when(use.issue, user="u_1").then_refused(use.NOT_FITTED)
    part.when(use.send_for_repair, fault="坏").then_refused(use.NOT_FITTED)
    past(server, fitted).when(splitting.merge, assets=("B",), reason="并").then_refused(
        splitting.ALONE
    )


def test_what_is_removed_is_a_thing_by_itself_again() -> None:
    past(server, fitted).when(fitting.detach_part, part="D", reason="报废").then(
        PartRemoved(part="D", reason="报废"),
        Ask("asset/D", "detach_from_whole", {"whole": "X"}),
    ).then_state(fitted=frozenset())
    past(server, fitted).when(fitting.detach_part, part="E", reason="拆").then_refused(
        fitting.FITTED_HERE
    )
    past(server).when(fitting.detach_part, part="D", reason="拆").then_refused(fitting.WITH_PARTS)
    past(disk, FittedInto(whole="X")).when(fitting.detach_from_whole, whole="X").then(
        RemovedFromWhole(whole="X")
    ).then_state(whole="")
    past(disk, FittedInto(whole="X")).when(fitting.detach_from_whole, whole="Y").then_refused(
        fitting.FITTED_HERE
    )


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(database)
    yield ledger
    ledger.close()


def test_parts_go_where_their_whole_goes(ledger: Ledger) -> None:
    for name in ("S", "D1", "D2", "R"):
        ledger.card(name, place="p_1")
    for part in ("D1", "D2"):
        ledger.ask("u_clerk", "asset/S", "fit_part", part=part, reason="扩容")
    ledger.refuses(
        fitting.WITHOUT_PARTS, "u_clerk", "asset/R", "fit_part", part="S", reason="装入机柜"
    )
    ledger.refuses(use.NOT_FITTED, "u_clerk", "asset/R", "fit_part", part="D1", reason="装")
    ledger.ask("u_clerk", "asset/S", "relocate", place="p_2")
    assert [ledger.state(f"asset/{n}").place for n in ("S", "D1", "D2")] == ["p_2"] * 3
    ledger.ask("u_clerk", "asset/S", "issue", user="u_1", place="p_3")
    ledger.ask("u_clerk", "asset/S", "detach_part", part="D2", reason="损坏")
    ledger.ask("u_clerk", "asset/S", "take_back", place="p_4")
    assert ledger.state("asset/D1").place == "p_4"
    assert ledger.state("asset/D2").place == "p_3"
    assert ledger.state("asset/D2").whole == ""
    assert ledger.state("asset/D1").custody is Custody.STORE
