"""Packages: a thing is in one at most and moves with it; crates go onto pallets, one level deep."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from given import TODAY, Ledger, given

from domain import asset, package, packing, splitting, use
from domain.asset import AssetRegistered, Kind
from domain.decider import Ask
from domain.fitting import FittedInto, PartFitted
from domain.leaving import Derecognised
from domain.lending import AssetLent
from domain.package import (
    CONTENTS_MAX,
    LoadedOnto,
    PackageBrokenUp,
    PackageKind,
    PackageLoaded,
    PackageMoved,
    PackageReceived,
    PackageSetUp,
    PackageUnloaded,
    ThingsPacked,
    ThingsUnpacked,
    UnloadedFrom,
)
from domain.packing import AssetPacked, AssetUnpacked
from domain.use import Relocated

box = partial(given, package.lifecycle)
thing = partial(given, asset.lifecycle)
crate = PackageSetUp(packaging=PackageKind.CRATE, unit="o_a", place="p_1")
packed = ThingsPacked(assets=("A", "B"))
laptop = AssetRegistered(
    asset_no="ZC-1", name="笔记本", kind=Kind.COMPUTER, unit="o_a", place="p_1"
)
INTO = {"package": "K", "unit": "o_a", "place": "p_1"}

# The package -------------------------------------------------------------------------


def test_things_are_packed_and_go_into_the_package() -> None:
    form = {"package": "X", "unit": "o_a", "place": "p_1"}
    box(crate).when(package.pack, assets=("A", "B")).then(
        packed, Ask("asset/A", "pack_into", form), Ask("asset/B", "pack_into", form)
    ).then_state(contents=frozenset({"A", "B"}))


def test_what_moves_takes_everything_along() -> None:
    inside = box(crate, packed, PackageLoaded(inner="K2"))
    along = {"place": "p_9", "reason": "腾库"}
    inside.when(package.move, place="p_9", reason="腾库").then(
        PackageMoved(place="p_9", reason="腾库"),
        Ask("asset/A", "move_along", along),
        Ask("asset/B", "move_along", along),
        Ask("package/K2", "move_along", along),
    ).then_state(place="p_9")
    inside.at(unit="o_b").when(package.receive, unit="o_b", place="p_5").then(
        PackageReceived(unit="o_b", place="p_5"),
        Ask("asset/A", "move_along", {"place": "p_5", "reason": ""}),
        Ask("asset/B", "move_along", {"place": "p_5", "reason": ""}),
        Ask("package/K2", "receive_along", {"unit": "o_b", "place": "p_5", "note": ""}),
    ).then_state(unit="o_b", place="p_5")


def test_some_or_all_of_it_is_taken_out() -> None:
    out = {"package": "X"}
    box(crate, packed).when(package.unpack, assets=("B",), reason="领用").then(
        ThingsUnpacked(assets=("B",), reason="领用"), Ask("asset/B", "unpack_from", out)
    ).then_state(contents=frozenset({"A"}))
    box(crate, packed).when(package.unpack).then(
        ThingsUnpacked(assets=("A", "B")),
        Ask("asset/A", "unpack_from", out),
        Ask("asset/B", "unpack_from", out),
    ).then_state(contents=frozenset())
    box(crate, packed).when(package.unpack, assets=("C",)).then_refused(package.THERE)
    box(crate).when(package.unpack).then_refused(package.WITH_THINGS)


def test_only_whoever_has_the_package_packs_moves_and_unpacks() -> None:
    others = box(crate, packed).at(unit="o_b")
    others.when(package.pack, assets=("C",)).then_refused(package.THEIRS)
    others.when(package.unpack).then_refused(package.THEIRS)
    others.when(package.move, place="p_2").then_refused(package.THEIRS)
    others.when(package.receive, unit="o_a", place="p_2").then_refused(package.OWN_UNIT)
    box().at(unit="o_b").when(package.set_up, packaging=PackageKind.BOX, unit="o_a").then_refused(
        package.OWN_UNIT
    )


def test_a_package_is_loaded_one_level_deep_so_that_none_is_inside_itself() -> None:
    box(crate).when(package.load_onto, outer="P").then(
        LoadedOnto(outer="P"),
        Ask("package/P", "carry", {"inner": "X", "unit": "o_a", "place": "p_1"}),
    )
    box(crate).when(package.load_onto, outer="X").then_refused(package.NOT_ITSELF)
    box(crate, PackageLoaded(inner="K")).when(package.load_onto, outer="P").then_refused(
        package.CARRIES_NONE
    )
    on = box(crate, LoadedOnto(outer="P"))
    on.when(package.load_onto, outer="Q").then_refused(package.BY_ITSELF)
    on.when(package.move, place="p_2").then_refused(package.BY_ITSELF)
    on.when(package.receive, unit="o_a", place="p_2").then_refused(package.BY_ITSELF)
    ask = {"inner": "K", "unit": "o_a", "place": "p_1"}
    on.when(package.carry, **ask).then_refused(package.BY_ITSELF)
    box(crate).when(package.carry, **ask).then(PackageLoaded(inner="K"))
    box(crate).when(package.carry, **(ask | {"place": "p_2"})).then(
        PackageLoaded(inner="K"),
        Ask("package/K", "move_along", {"place": "p_1", "reason": ""}),
    )
    box(crate).when(package.carry, **(ask | {"unit": "o_b"})).then_refused(package.SAME_UNIT)
    on.when(package.unload, reason="到货").then(
        UnloadedFrom(outer="P", reason="到货"), Ask("package/P", "set_down", {"inner": "X"})
    )
    box(crate).when(package.unload).then_refused(package.LOADED)
    box(crate, PackageLoaded(inner="K")).when(package.set_down, inner="K").then(
        PackageUnloaded(inner="K")
    )
    box(crate).when(package.set_down, inner="K").then_refused(package.THERE)


def test_only_an_empty_package_is_broken_up_and_then_nothing_is_done_with_it() -> None:
    box(crate, packed).when(package.break_up, reason="破损").then_refused(package.EMPTY)
    box(crate).when(package.break_up, reason="破损").then(PackageBrokenUp(reason="破损"))
    gone = box(crate, PackageBrokenUp(reason="破损"))
    gone.when(package.pack, assets=("A",)).then_refused(package.IN_USE)
    gone.when(package.set_up, packaging=PackageKind.BOX, unit="o_a").then_refused(package.NEW)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ({"sscc": "106141412345678908"}, None),
        ({"sscc": "1 0614141 234567890 8"}, None),
        ({"sscc": "106141412345678907"}, package.GOOD_SSCC),
        ({"sscc": "10614141234567890"}, package.GOOD_SSCC),
        ({"sscc": "１０６１４１４１２３４５６７８９０８"}, package.GOOD_SSCC),
        ({"grai": "04012345123456AB1"}, None),
        ({"grai": "04012345123457AB1"}, package.GOOD_GRAI),
        ({"grai": "04012345123456"}, package.GOOD_GRAI),
        ({"sscc": "106141412345678908", "grai": "04012345123456AB1"}, package.ONE_CODE),
        ({}, None),
    ],
)
def test_its_code_is_checked(code: dict[str, str], rule: package.Rule | None) -> None:
    done = box().when(package.set_up, packaging=PackageKind.PALLET, unit="o_a", **code)
    if rule is None:
        done.then_granted()
    else:
        done.then_refused(rule)


def test_a_package_holds_five_hundred_different_things() -> None:
    full = ThingsPacked(assets=tuple(f"A{n}" for n in range(CONTENTS_MAX - 1)))
    box(crate, full).when(package.pack, assets=("B",)).then_granted()
    for wrong in (("B", "C"), (), ("B", "B")):
        box(crate, full).when(package.pack, assets=wrong).then_refused(package.SOME)
    loaded = [PackageLoaded(inner=f"K{n}") for n in range(CONTENTS_MAX)]
    ask = {"inner": "K", "unit": "o_a", "place": "p_1"}
    box(crate, *loaded[1:]).when(package.carry, **ask).then_granted()
    box(crate, *loaded).when(package.carry, **ask).then_refused(package.LOADABLE)


# The thing in it ---------------------------------------------------------------------


def test_a_thing_goes_into_one_package_and_stands_where_that_stands() -> None:
    thing(laptop).when(packing.pack_into, **INTO).then(AssetPacked(package="K"))
    parts = thing(laptop, PartFitted(part="D", reason="扩容"))
    parts.when(packing.pack_into, **(INTO | {"place": "p_2"})).then(
        AssetPacked(package="K"),
        Relocated(place="p_2"),
        Ask("asset/D", "move_along", {"place": "p_2", "reason": ""}),
    )
    thing(laptop, AssetPacked(package="L")).when(packing.pack_into, **INTO).then_refused(
        packing.UNPACKED
    )
    thing(laptop, FittedInto(whole="W")).when(packing.pack_into, **INTO).then_refused(
        use.NOT_FITTED
    )


def test_who_has_a_thing_packs_it_and_premises_are_not_packed() -> None:
    theirs = INTO | {"unit": "o_b"}
    thing(laptop).when(packing.pack_into, **theirs).then_refused(packing.IN_THEIR_HANDS)
    thing(laptop, AssetLent(borrower="o_b", due=TODAY, case="loan/L")).when(
        packing.pack_into, **theirs
    ).then_granted()
    house = AssetRegistered(asset_no="ZC-2", name="楼", kind=Kind.PREMISES, unit="o_a")
    thing(house).when(packing.pack_into, **INTO).then_refused(packing.PORTABLE)


def test_what_is_packed_does_nothing_by_itself() -> None:
    inside = thing(laptop, AssetPacked(package="K"))
    inside.when(use.relocate, place="p_2").then_refused(use.NOT_PACKED)
    inside.when(use.issue, user="u_1").then_refused(use.NOT_PACKED)
    inside.when(use.send_for_repair, fault="坏").then_refused(use.NOT_PACKED)
    inside.when(splitting.split, quantity="1", reason="拆").then_refused(splitting.ALONE)
    inside.when(packing.unpack_from, package="L").then_refused(packing.PACKED_THERE)
    inside.when(packing.unpack_from, package="K").then(AssetUnpacked(package="K")).then_state(
        package=""
    )


def test_it_moves_with_its_package_until_it_left_for_good() -> None:
    along = {"place": "p_2", "reason": ""}
    thing(laptop, AssetPacked(package="K")).when(use.move_along, **along).then(
        Relocated(place="p_2")
    )
    thing(laptop, AssetPacked(package="K"), Derecognised(voucher="记-1")).when(
        use.move_along, **along
    ).then()
    thing(laptop).when(use.move_along, **along).then_refused(use.MOVED_WITH_ANOTHER)


# Together ----------------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(database)
    yield ledger
    ledger.close()


def test_crates_on_a_pallet_take_their_things_to_another_place(ledger: Ledger) -> None:
    for name in ("A", "B", "C"):
        ledger.card(name, place="p_1")
    for name, kind in (("K1", "crate"), ("K2", "crate"), ("P", "pallet")):
        ledger.ask("u_clerk", f"package/{name}", "set_up", packaging=kind, unit="o_a", place="p_1")
    ledger.ask("u_clerk", "package/K1", "pack", assets=["A", "B"])
    ledger.refuses(packing.UNPACKED, "u_clerk", "package/K2", "pack", assets=["C", "B"])
    ledger.ask("u_clerk", "package/K2", "pack", assets=["C"])
    for name in ("K1", "K2"):
        ledger.ask("u_clerk", f"package/{name}", "load_onto", outer="P")
    ledger.refuses(package.CARRIES_NONE, "u_clerk", "package/P", "load_onto", outer="K1")
    ledger.ask("u_clerk", "package/P", "move", place="p_2")
    streams = [f"asset/{name}" for name in ("A", "B", "C")] + ["package/K1", "package/K2"]
    assert [ledger.state(stream).place for stream in streams] == ["p_2"] * 5
    ledger.ask("u_clerk", "package/K1", "unload")
    ledger.ask("u_clerk", "package/P", "move", place="p_3")
    assert [ledger.state(f"asset/{name}").place for name in ("A", "C")] == ["p_2", "p_3"]
    ledger.ask("u_clerk", "package/K1", "unpack", assets=["B"])
    ledger.ask("u_clerk", "asset/B", "relocate", place="p_4")
    assert ledger.state("package/K1").contents == {"A"}
    assert ledger.state("asset/B").package == ""
