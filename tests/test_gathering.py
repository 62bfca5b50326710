"""What was bought for a meeting, an event or a temporary body comes home to the public warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from given import TODAY, given

from api.office import Office
from domain import asset, gathering, lending, splitting, use, warehouse
from domain.asset import NOT_OVERDUE_HOME, AssetRegistered, Kind
from domain.decider import Ask
from domain.gathering import (
    BoughtForOccasion,
    GatheringEnlarged,
    GatheringRegistered,
    GatheringStatus,
    HomecomingBegun,
    HomecomingPostponed,
    OccasionProlonged,
    Occasions,
    PieceCameHome,
    PieceLeftOtherwise,
)
from domain.open_steps import open_step
from domain.use import DeclaredIdle
from domain.warehouse import IntakeGround, ReceivedIntoWarehouse
from domain.words import Role

DUE = TODAY + timedelta(days=10)
LIST = "gathering/G1"
expo = partial(given, gathering.lifecycle)
thing = partial(given, asset.lifecycle)
bought = GatheringRegistered(
    applicant="u_clerk", unit="o_a", ground=Occasions.EVENT, purpose="示例博览会", due=DUE,
    warehouse="p_wh", assets=("A1", "A2"),
)  # fmt: skip
card = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
bound = BoughtForOccasion(case=LIST, ground=Occasions.EVENT, due=DUE)
form: dict[str, Any] = {
    "unit": "o_a", "ground": "event", "purpose": "示例博览会", "due": DUE, "warehouse": "p_wh",
    "assets": ["A1", "A2"],
}  # fmt: skip


# What is bought for an occasion -------------------------------------------------


def test_what_was_bought_is_told_with_the_day_by_which_it_comes_home() -> None:
    asked = {"case": LIST, "unit": "o_a", "ground": Occasions.EVENT, "due": DUE}
    expo().at(by="u_clerk", stream=LIST).when(gathering.register, **form).then(
        bought,
        Ask("asset/A1", "bind_to_occasion", asked),
        Ask("asset/A2", "bind_to_occasion", asked),
    )
    expo(bought).when(gathering.register, **form).then_refused(gathering.NEW)
    past = form | {"due": TODAY - timedelta(days=1)}
    expo().when(gathering.register, **past).then_refused(gathering.HOME_AHEAD)
    expo().when(gathering.register, **form | {"due": TODAY}).then_granted()
    expo().at(unit="o_z", role=Role.CLERK).when(gathering.register, **form).then_refused(
        gathering.OWN_OCCASION
    )
    expo().at(unit="o_z", role=Role.OFFICE).when(gathering.register, **form).then_granted()
    expo(bought).when(gathering.enlarge, assets=["A3"]).then(
        GatheringEnlarged(assets=("A3",)), Ask("asset/A3", "bind_to_occasion", asked | {"case": "gathering/X"})
    )  # fmt: skip


def test_a_thing_is_bought_for_one_occasion_by_who_holds_it() -> None:
    asked = {"case": LIST, "unit": "o_a", "ground": Occasions.EVENT, "due": DUE}
    thing(card).when(gathering.bind_to_occasion, **asked).then(bound)
    thing(card, bound).when(gathering.bind_to_occasion, **asked).then_refused(
        gathering.ONE_OCCASION
    )
    thing(card).when(gathering.bind_to_occasion, **asked | {"unit": "o_z"}).then_refused(
        gathering.ONE_OCCASION
    )


def test_after_its_day_nothing_is_used_on_lent_or_passed_on() -> None:
    """Both sides of the day: the last on which it may be used, and the next."""
    issued = {"user": "u_li"}
    thing(card, bound).at(on=DUE).when(use.issue, **issued).then_granted()
    late = thing(card, bound).at(on=DUE + timedelta(days=1))
    late.when(use.issue, **issued).then_refused(NOT_OVERDUE_HOME)
    idle = thing(card, bound, DeclaredIdle()).at(on=DUE + timedelta(days=1))
    idle.when(use.put_back_to_use, reason="想留用").then_refused(NOT_OVERDUE_HOME)
    late.when(lending.hold_for_loan, case="loan/L", lender="o_a").then_refused(NOT_OVERDUE_HOME)
    longer = OccasionProlonged(due=DUE + timedelta(days=5))
    thing(card, bound, longer).at(on=DUE + timedelta(days=1)).when(
        use.issue, **issued
    ).then_granted()
    home = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_w")
    thing(card, bound, home).then_state(bought_for="", bought_for_ground="", home_by=None)
    thing(card, bound).at(role=Role.CLERK).when(
        splitting.split, quantity="1", reason="分"
    ).then_refused(splitting.NOT_BOUGHT_FOR)


def test_it_comes_in_on_its_own_ground() -> None:
    asked = {"case": "intake/I", "unit": "o_a"}
    for ground in (IntakeGround.EVENT, None):
        thing(card, bound).when(warehouse.hold_for_intake, **asked, ground=ground).then_granted()
    thing(card, bound).when(
        warehouse.hold_for_intake, **asked, ground=IntakeGround.IDLE
    ).then_refused(warehouse.ITS_GROUND)


def test_handing_over_applies_for_the_intake_with_the_ground_of_the_occasion() -> None:
    asked = {
        "unit": "o_a", "ground": IntakeGround.EVENT, "warehouse": "p_wh", "assets": ("A1", "A2"),
        "note": "示例博览会",
    }  # fmt: skip
    expo(bought).at(stream=LIST).when(gathering.hand_over).then(
        HomecomingBegun(intake="G1.1", assets=("A1", "A2")), Ask("intake/G1.1", "apply", asked)
    )
    some = expo(bought, HomecomingBegun(intake="G1.1", assets=("A1",))).at(stream=LIST)
    some.when(gathering.hand_over, assets=["A2"], note="余下").then(
        HomecomingBegun(intake="G1.2", assets=("A2",)),
        Ask("intake/G1.2", "apply", asked | {"assets": ("A2",), "note": "余下"}),
    )
    expo(bought).when(gathering.hand_over, assets=["A9"]).then_refused(gathering.ON_THE_LIST)


def test_somebody_else_of_the_administration_gives_it_longer() -> None:
    later = {
        "due": DUE + timedelta(days=5),
        "approval_no": "示机管〔2025〕9号",
        "reason": "延期举办",
    }
    expo(bought).at(by="u_office").when(gathering.postpone, **later).then(
        HomecomingPostponed(**later),
        Ask("asset/A1", "prolong_occasion", {"due": later["due"]}),
        Ask("asset/A2", "prolong_occasion", {"due": later["due"]}),
    )
    expo(bought).at(by="u_clerk").when(gathering.postpone, **later).then_refused(
        gathering.OTHER_PERSON
    )
    expo(bought).at(by="u_office").when(gathering.postpone, **later | {"due": DUE}).then_refused(
        gathering.HOME_AHEAD
    )


def test_the_list_is_open_until_every_piece_is_accounted_for() -> None:
    step = open_step(expo(bought).state)
    assert step is not None
    assert (step.verb, step.unit, step.due) == ("hand_over", "o_a", DUE)
    half = expo(bought, PieceCameHome(asset="A1"))
    half.then_state(status=GatheringStatus.OPEN, home=frozenset({"A1"}))
    half.when(gathering.count_home, asset="A1").then()  # counted before
    gone = PieceLeftOtherwise(asset="A2", reason="火灾损毁，已核销")
    half.at(by="u_office").when(gathering.strike_off, asset="A2", reason="火灾损毁，已核销").then(
        gone, Ask("asset/A2", "be_gone", {})
    )
    over = expo(bought, PieceCameHome(asset="A1"), gone)
    over.then_state(status=GatheringStatus.HOME)
    assert open_step(over.state) is None
    over.when(gathering.hand_over).then_refused(gathering.OPEN)
    for lang in ("zh", "en"):
        assert over.state.describe(lang)


def test_what_the_books_carry_is_not_struck_off() -> None:
    thing(card, bound).when(gathering.be_gone).then_refused(gathering.NOT_TO_KEEP)


# Through the doors --------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database, on=date(2026, 1, 5)) as office:
        office.accounts.create("other", PASSWORD, "u_other", "示例仓管", "o_b", ["keeper"])
        yield office


@pytest.mark.target("T34")
def test_from_the_list_to_the_warehouse_through_the_api(office: Office) -> None:
    door = Door(app_of(office))

    def granted(path: str, body: dict[str, Any], who: str = "clerk") -> Any:
        answer = door.post(path, body, who=who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    place = {"name": "公物仓", "kind": "warehouse", "unit": "o_b"}
    granted("place/p_wh/open_place", place, "admin")
    for id_ in ("A1", "A2"):
        registered(door, id_, asset_no=id_, on="2026-03-01")
    due, later = "2026-05-31", "2026-06-10"
    listed = {"unit": "o_a", "ground": "event", "purpose": "示例论坛", "due": due,
              "warehouse": "p_wh", "assets": ["A1", "A2"], "on": "2026-03-02"}  # fmt: skip
    granted("gathering/G1/register", listed)
    steps = door.get("open-steps", kind="gathering", on=later, overdue="true").json()["items"]
    assert [(s["case"], s["due"]) for s in steps] == [("gathering/G1", due)]
    kept = door.post("asset/A1/issue", {"user": "u_head", "on": later})
    assert (kept.status_code, kept.json()["slug"]) == (409, "due-in-the-warehouse")
    assert "第17条" in kept.json()["law"]
    wrong = {"unit": "o_a", "ground": "idle", "warehouse": "p_wh", "assets": ["A1"], "on": later}
    refused = door.post("intake/I9/apply", wrong)
    assert (refused.status_code, refused.json()["slug"]) == (409, "comes-in-on-another-ground")
    granted("gathering/G1/hand_over", {"on": later})
    intake = door.get("intake/G1.1").json()["state"]
    assert sorted(intake["waiting"]) == ["A1", "A2"]
    agreed = {"keeper_unit": "o_b", "approval_no": "批1", "on": later}
    granted("intake/G1.1/approve", agreed, "office")
    for id_ in ("A1", "A2"):
        granted("intake/G1.1/hand_out", {"assets": [id_], "scanned": id_, "on": later})
        granted("intake/G1.1/take_in", {"assets": [id_], "scanned": id_, "on": later}, "other")
    assert door.get("gathering/G1").json()["state"]["status"] == "home"
    assert door.get("open-steps", kind="gathering", on=later).json()["items"] == []
