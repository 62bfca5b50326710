"""Official vehicles: quotas, uses, costs of each, holidays; none lent, none given."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial

import pytest
from given import TODAY, Ledger, Then, given
from msgspec.structs import replace

from domain import asset, kinds, lending, unit, vehicles, warehouse
from domain.asset import AssetReceived, AssetRegistered, Custody, Kind, Lock, Mode
from domain.decider import Ask, Document, Refused
from domain.holding import HeldForProcess
from domain.policy import GENERIC, Beyond
from domain.use import IssuedToUser
from domain.vehicles import (
    CostKind,
    PlaceGiven,
    PlaceTaken,
    QuotaExceeded,
    QuotaSet,
    SealedForHoliday,
    Unsealed,
    UseQuotaExceeded,
    VehicleCostRecorded,
    VehiclesPassedOn,
    VehiclesTakenOver,
    VehicleUse,
    VehicleUseAssigned,
)
from domain.warehouse import ReceivedIntoWarehouse
from domain.words import Role

past = partial(given, asset.lifecycle)
quota = partial(given, vehicles.lifecycle)
STRICT = replace(GENERIC, name="strict", over_standard=Beyond.REFUSE)
SHANXI = replace(GENERIC, name="shanxi", never_accepted=frozenset({"vehicle"}))

car = AssetRegistered(asset_no="ZC-1", name="轿车", kind=Kind.VEHICLE, unit="o_a")
desk = AssetRegistered(asset_no="ZC-2", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
emergency = QuotaSet(use=VehicleUse.EMERGENCY, places=1, order_no="示管〔2025〕1号")
police = QuotaSet(use=VehicleUse.ENFORCEMENT, places=2, order_no="示财〔2025〕1号")
first = PlaceTaken(asset="C1", use=VehicleUse.EMERGENCY)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    story = Ledger(database)
    story.ask("u_admin", "unit/o_a", "establish", name="甲局", kind="organ")
    story.ask("u_admin", "unit/o_b", "establish", name="乙局", kind="organ")
    yield story
    story.close()


def allow(ledger: Ledger, unit: str, places: int) -> None:
    """Let the offices administration set the quota of a unit for emergency vehicles."""
    form = {"use": "emergency", "places": places, "order_no": f"示管-{unit}"}
    ledger.book.act(
        [Ask(f"quota/{unit}", "set_quota", form)], ledger.occasion("u_goa", Role.OFFICE)
    )


# The quota --------------------------------------------------------------------


def test_the_offices_set_some_quotas_and_the_finance_department_the_others():
    def asked(use: VehicleUse, role: Role) -> Then:
        return quota().at(role=role).when(vehicles.set_quota, use=use, places=3, order_no="文1")

    asked(VehicleUse.EMERGENCY, Role.OFFICE).then(
        QuotaSet(use=VehicleUse.EMERGENCY, places=3, order_no="文1"),
        Ask("unit/X", "have_quota", {}),
    )
    asked(VehicleUse.ENFORCEMENT, Role.FINANCE).then_granted()
    asked(VehicleUse.EMERGENCY, Role.FINANCE).then_refused(vehicles.SETTER)
    asked(VehicleUse.SPECIAL, Role.OFFICE).then_refused(vehicles.SETTER)
    asked(VehicleUse.UNASSIGNED, Role.OFFICE).then_refused(vehicles.FOR_A_USE)


def test_a_later_quota_replaces_the_earlier_one_of_the_same_use():
    more = QuotaSet(use=VehicleUse.EMERGENCY, places=4, order_no="示管〔2025〕9号")
    quota(emergency, police, more).then_state(
        limits=((VehicleUse.EMERGENCY, 4), (VehicleUse.ENFORCEMENT, 2))
    )


@pytest.mark.target("T49")
def test_the_last_place_is_taken_and_the_next_refused_or_flagged_as_the_place_says():
    two = replace(emergency, places=2)
    quota(two, first).when(vehicles.take_place, asset="C2").then(
        PlaceTaken(asset="C2", use=VehicleUse.UNASSIGNED)
    )
    full = quota(emergency, first)
    full.at(policy=STRICT).when(vehicles.take_place, asset="C2").then_refused(vehicles.WITHIN_QUOTA)
    quota(emergency, first).when(vehicles.take_place, asset="C2").then(
        PlaceTaken(asset="C2", use=VehicleUse.UNASSIGNED),
        QuotaExceeded(asset="C2", places=1, count=2),
    )


def test_a_use_has_its_own_quota_beside_the_whole():
    both = (emergency, police, first)
    quota(*both).when(vehicles.take_place, asset="C2", use=VehicleUse.ENFORCEMENT).then(
        PlaceTaken(asset="C2", use=VehicleUse.ENFORCEMENT)
    )
    quota(*both).at(policy=STRICT).when(
        vehicles.take_place, asset="C2", use=VehicleUse.EMERGENCY
    ).then_refused(vehicles.WITHIN_USE)
    quota(*both).at(policy=STRICT).when(  # no quota for a use beside others: none
        vehicles.take_place, asset="C2", use=VehicleUse.SPECIAL
    ).then_refused(vehicles.WITHIN_USE)
    quota(*both).when(vehicles.take_place, asset="C2", use=VehicleUse.EMERGENCY).then(
        PlaceTaken(asset="C2", use=VehicleUse.EMERGENCY),
        UseQuotaExceeded(asset="C2", use=VehicleUse.EMERGENCY, places=1, count=2),
    )


def test_where_nobody_set_a_quota_vehicles_are_counted_and_nothing_is_refused():
    quota(first).at(policy=STRICT).when(vehicles.take_place, asset="C2").then_granted()
    quota(first).then_state(total=None)
    assert "编制未核定" in quota(first).state.describe("zh")


def test_a_place_is_given_back_once_and_by_hand_with_a_reason():
    quota(first).when(vehicles.give_place, asset="C1", reason="核销").then(
        PlaceGiven(asset="C1", reason="核销")
    ).then_state(vehicles=frozenset())
    quota(first).when(vehicles.give_place, asset="C9", reason="核销").then()
    quota(first).when(vehicles.strike_off, asset="C1", reason="重复列编").then_granted()
    quota(first).when(vehicles.strike_off, asset="C9", reason="误").then_refused(vehicles.COUNTED)


# Registering and moving -------------------------------------------------------


def test_a_vehicle_counts_from_its_card_on(ledger: Ledger):
    allow(ledger, "o_a", 1)
    ledger.card("C1", kind="vehicle")
    ledger.card("D1", kind="furniture")
    assert ledger.facts("quota/o_a") == ["quota.set", "quota.place_taken"]
    ledger.policy = STRICT
    refused = ledger.refuses(
        vehicles.WITHIN_QUOTA, "u_clerk", "asset/C2", "register_existing",
        asset_no="ZC-C2", name="轿车", kind="vehicle", unit="o_a",
    )  # fmt: skip
    assert "编制合计 1 辆" in refused.sentence("zh")
    ledger.policy = GENERIC
    ledger.card("C2", kind="vehicle")
    assert ledger.facts("quota/o_a")[-1] == "quota.exceeded"


def test_a_quota_is_for_a_unit_that_exists(ledger: Ledger):
    with pytest.raises(Refused) as caught:
        allow(ledger, "o_nobody", 1)
    assert caught.value.rule is unit.EXISTS


@pytest.mark.target("T49")
def test_of_many_who_want_the_last_place_at_once_one_gets_it(ledger: Ledger):
    allow(ledger, "o_a", 1)
    ledger.policy = STRICT

    def register(number: int) -> str:
        form = {"asset_no": f"ZC-{number}", "name": "轿车", "kind": "vehicle", "unit": "o_a"}
        try:
            ledger.ask("u_clerk", f"asset/C{number}", "register_existing", **form)
        except Refused as refused:
            return refused.rule.slug
        return ""

    with ThreadPoolExecutor(8) as people:
        said = sorted(people.map(register, range(8)))
    assert said == ["", *["beyond-vehicle-quota"] * 7]
    assert len(ledger.state("quota/o_a").vehicles) == 1


@pytest.mark.target("T49")
def test_a_reallocated_vehicle_moves_from_one_quota_to_the_other(ledger: Ledger):
    allow(ledger, "o_a", 1)
    allow(ledger, "o_b", 1)
    ledger.card("C1", kind="vehicle")
    ledger.docs = (Document(type="交接单"),)
    wanted = {"from_unit": "o_a", "to_unit": "o_b", "item": "轿车", "assets": ("C1",)}
    ledger.ask("u_b", "reallocation/R1", "request", scope="departments", **wanted)
    ledger.ask("u_goa", "reallocation/R1", "approve", approval_no="示管〔2025〕2号")
    ledger.ask("u_a", "reallocation/R1", "confirm_out", assets=("C1",))
    assert ledger.state("quota/o_b").vehicles == frozenset()  # approval and sending move nothing
    ledger.ask("u_b", "reallocation/R1", "confirm_in", assets=("C1",))
    assert ledger.state("quota/o_a").vehicles == frozenset()
    assert ledger.state("quota/o_b").use_of("C1") is VehicleUse.UNASSIGNED
    ledger.card("C2", kind="vehicle")
    ledger.policy = STRICT
    ledger.refuses(
        vehicles.WITHIN_QUOTA, "u_b", "reallocation/R2", "request",
        scope="departments", **(wanted | {"assets": ("C2",)}),
    )  # fmt: skip


def test_what_a_vehicle_is_used_for_counts_for_that_use():
    past(car).when(vehicles.assign_use, use=VehicleUse.EMERGENCY).then(
        VehicleUseAssigned(use=VehicleUse.EMERGENCY),
        Ask("quota/o_a", "take_place", {"asset": "X", "use": VehicleUse.EMERGENCY}),
    ).then_state(vehicle_use="emergency")
    assigned = VehicleUseAssigned(use=VehicleUse.EMERGENCY)
    past(car, assigned).when(vehicles.assign_use, use=VehicleUse.EMERGENCY).then_refused(
        vehicles.OTHER_USE
    )
    past(car).when(vehicles.assign_use, use=VehicleUse.UNASSIGNED).then_refused(vehicles.FOR_A_USE)
    past(desk).when(vehicles.assign_use, use=VehicleUse.EMERGENCY).then_refused(kinds.A_VEHICLE)


# Never ------------------------------------------------------------------------


def test_a_donated_vehicle_is_not_taken_up_where_the_rules_forbid_it():
    gift = {"name": "轿车", "kind": Kind.VEHICLE, "unit": "o_a", "mode": Mode.DONATION}
    shanxi = past().at(policy=SHANXI)
    refused = shanxi.when(asset.receive, **gift).then_refused(kinds.ACCEPTED_AS_GIFT)
    assert "《山西省机关事务管理办法》第24条" in refused.sentence("zh")
    shanxi.when(asset.register_existing, asset_no="ZC-9", **gift).then_refused(
        kinds.ACCEPTED_AS_GIFT
    )
    shanxi.when(asset.receive, **(gift | {"kind": Kind.FURNITURE})).then_granted()
    past().when(asset.receive, **gift).then(
        AssetReceived(
            name="轿车", kind=Kind.VEHICLE, unit="o_a", mode=Mode.DONATION, buyer="u_asker"
        )
    )


@pytest.mark.target("T27")
def test_a_vehicle_is_never_lent():
    form = {"case": "loan/L1", "lender": "o_a"}
    past(car).when(lending.hold_for_loan, **form).then_refused(lending.LENDABLE)


# Costs and holidays -----------------------------------------------------------


def test_costs_are_kept_for_each_vehicle_and_added_up_by_year_and_kind():
    spent = [
        VehicleCostRecorded(cost_kind=CostKind.FUEL, amount=10_050, year=2024, month=12),
        VehicleCostRecorded(cost_kind=CostKind.FUEL, amount=20_001, year=2025, month=1),
        VehicleCostRecorded(cost_kind=CostKind.FUEL, amount=30_000, year=2025, month=2),
        VehicleCostRecorded(cost_kind=CostKind.INSURANCE, amount=1, year=2025, month=2),
    ]
    assert vehicles.cost_totals([car, *spent]) == {
        2024: {CostKind.FUEL: 10_050},
        2025: {CostKind.FUEL: 50_001, CostKind.INSURANCE: 1},
    }


def test_a_cost_belongs_to_this_month_or_an_earlier_one():
    form = {"cost_kind": CostKind.FUEL, "amount": 100, "year": TODAY.year}
    past(car).when(vehicles.record_cost, month=TODAY.month, **form).then(
        VehicleCostRecorded(month=TODAY.month, **form)
    )
    past(car).when(vehicles.record_cost, month=TODAY.month + 1, **form).then_refused(
        vehicles.A_MONTH_PAST
    )
    for wrong in (0, 13):
        past(car).when(vehicles.record_cost, month=wrong, **form).then_refused(vehicles.A_MONTH)
    past(desk).when(vehicles.record_cost, month=1, **form).then_refused(kinds.A_VEHICLE)


def test_a_vehicle_is_locked_up_over_a_holiday_and_goes_back_to_where_it_was():
    used = IssuedToUser(unit="o_a", user="u_driver")
    until = TODAY + timedelta(days=7)
    sealed = SealedForHoliday(until=until, reason="国庆节")
    past(car, used).when(vehicles.seal, until=until, reason="国庆节").then(sealed).then_state(
        custody=Custody.SEALED
    )
    past(car, used, sealed).when(vehicles.unseal, reason="节后启用").then(
        Unsealed(reason="节后启用")
    ).then_state(custody=Custody.IN_USE, home=Custody.NONE)
    past(car, sealed).when(vehicles.seal, until=until, reason="再次").then_refused(
        vehicles.ON_THE_ROAD
    )
    past(car).when(vehicles.unseal, reason="误").then_refused(vehicles.LOCKED_UP)


def test_it_is_locked_up_until_today_at_least():
    past(car).when(vehicles.seal, until=TODAY, reason="假日").then_granted()
    past(car).when(
        vehicles.seal, until=date(TODAY.year, TODAY.month, TODAY.day - 1), reason="假日"
    ).then_refused(vehicles.UNTIL_LATER)


def test_a_vehicle_whose_books_go_into_the_warehouse_leaves_the_quota_of_its_unit():
    form = {
        "case": "intake/I1",
        "warehouse": "p_wh",
        "virtual": True,
        "keeper_unit": "o_wh",
    }
    held = HeldForProcess(case="intake/I1", lock=Lock.APPROVAL)
    past(car, held).when(warehouse.enter_warehouse, accounting_unit="o_wh", **form).then(
        ReceivedIntoWarehouse(
            warehouse="p_wh", virtual=True, accounting_unit="o_wh", case="intake/I1"
        ),
        Ask("quota/o_a", "give_place", {"asset": "X", "reason": "入仓"}),
    )
    past(car, held).when(warehouse.enter_warehouse, **form).then(
        ReceivedIntoWarehouse(warehouse="p_wh", virtual=True, case="intake/I1")
    )


def test_vehicles_of_a_reorganised_unit_count_for_its_successor():
    second = PlaceTaken(asset="C2", use=VehicleUse.SPECIAL)
    quota(first, second).when(vehicles.pass_on, to_unit="o_new", assets=("C2", "D1", "C1")).then(
        VehiclesPassedOn(to_unit="o_new", assets=("C1", "C2")),
        Ask(
            "quota/o_new",
            "take_over",
            {
                "from_unit": "X",
                "assets": ("C1", "C2"),
                "uses": (VehicleUse.EMERGENCY, VehicleUse.SPECIAL),
            },
        ),
    ).then_state(vehicles=frozenset())
    quota(first).when(vehicles.pass_on, to_unit="o_new", assets=("D1",)).then()
    both = {"assets": ("C1", "C2"), "uses": (VehicleUse.EMERGENCY, VehicleUse.SPECIAL)}
    quota(emergency).at(policy=STRICT).when(vehicles.take_over, from_unit="o_old", **both).then(
        VehiclesTakenOver(from_unit="o_old", **both)
    ).then_state(vehicles=frozenset({("C1", VehicleUse.EMERGENCY), ("C2", VehicleUse.SPECIAL)}))
