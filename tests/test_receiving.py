"""What arrives at the warehouse: on which ground, in which bin, and what does not agree (#17, #25)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from given import Ledger, given
from starlette.testclient import TestClient

from api import policies
from api.app import create_app
from api.forms import fields
from api.office import Office
from domain import asset, handover, holding, place, receiving, warehouse
from domain.asset import AssetRegistered, Kind
from domain.decider import LIFECYCLES
from domain.open_steps import open_step
from domain.place import PlaceKind, PlaceOpened
from domain.receiving import (
    FITTING,
    Difference,
    DifferenceFound,
    DifferenceSettled,
    Differing,
    Outcome,
)
from domain.warehouse import (
    Books,
    IntakeApplied,
    IntakeApproved,
    IntakeGround,
    IntakeItemReceived,
    IntakeStatus,
    PutOnShelf,
    ReceivedIntoWarehouse,
)

intake = partial(given, warehouse.lifecycle)
thing = partial(given, asset.lifecycle)

applied = IntakeApplied(
    applicant="u_clerk",
    unit="o_a",
    ground=IntakeGround.IDLE,
    warehouse="p_wh",
    assets=("D1", "D2"),
)
approved = IntakeApproved(keeper_unit="o_wh", virtual=False, books=Books.CUSTODY_ONLY)
received = tuple(IntakeItemReceived(asset=a) for a in ("D1", "D2"))
damaged = DifferenceFound(
    difference=Difference.DAMAGED, found="柜门脱落", finder="u_keeper", asset="D1"
)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# The grounds ------------------------------------------------------------------

SAID = {  # in which words the article names the ground
    IntakeGround.IDLE: {"002-17": "闲置", "003-16": "闲置资产"},
    IntakeGround.UNDER_USED: {"002-17": "低效运行", "003-16": "低效"},
    IntakeGround.OVER_STANDARD: {"002-17": "超标准配置"},
    IntakeGround.EVENT: {"002-17": "召开重大会议、举办大型活动", "003-16": "重要会议、重大活动"},
    IntakeGround.TEMPORARY: {"003-16": "临时机构"},
    IntakeGround.VACATED: {"002-22": "腾退"},
}


def test_every_ground_of_intake_cites_the_articles_that_name_it() -> None:
    """Word by word: what each article says, as the rules of Inner Mongolia quote it."""
    said = {article.id: article for article in policies.shipped()["inner-mongolia"].articles}
    assert set(SAID) == set(IntakeGround)
    for ground, articles in SAID.items():
        assert len(ground.laws) == len(articles)
        for law, (id_, words) in zip(ground.laws, articles.items(), strict=True):
            assert law.endswith(f"第{id_[4:]}条")
            assert law.startswith(said[id_].regulation)
            assert words in said[id_].words


def test_an_application_says_its_ground_and_the_form_shows_the_articles() -> None:
    verb = LIFECYCLES["intake"].verbs["apply"]
    ground = next(f for f in fields(verb) if f.name == "ground")
    assert ground.required
    assert set(ground.cites) == set(dict(ground.choices)) == {g.value for g in IntakeGround}


# What does not agree ----------------------------------------------------------


def test_what_arrives_damaged_or_short_is_told_beside_its_piece() -> None:
    form = {"assets": ["D1"], "scanned": "ZC-1", "differs": "damaged"}
    sent = handover.HandedOut(asset="D1", giver="u_clerk")
    keeper = intake(applied, approved, sent).at(unit="o_wh", by="u_keeper")
    keeper.when(warehouse.take_in, **form).then_refused(warehouse.DIFFERENCE_SAID)
    told = keeper.when(warehouse.take_in, **form, difference="柜门脱落")
    told.then_state(
        received=frozenset({"D1"}),
        differences=(
            Differing(ordinal=1, difference=Difference.DAMAGED, asset="D1", finder="u_keeper"),
        ),
    )


@pytest.mark.parametrize("difference", list(Difference))
def test_what_a_difference_must_say(difference: Difference) -> None:
    """What is over is on no list; all else is about one line of it."""
    keeper = intake(applied, approved, received[0]).at(unit="o_wh", by="u_keeper")
    record = partial(keeper.when, warehouse.lifecycle.verbs["record_difference"].function)
    said = {"difference": difference.value, "found": "与清单不符", "quantity": "2"}
    over = difference is Difference.OVER
    for asset_, allowed in ((None, over), ("D1", not over), ("D2", not over), ("X9", over)):
        answer = record(**said | ({"asset": asset_} if asset_ else {}))
        if allowed:
            answer.then_granted()
        elif over:
            answer.then_refused(receiving.NOT_LISTED)
        else:
            answer.then_refused(holding.ON_THE_LIST if asset_ else receiving.LINE_NAMED)
    other = intake(applied, approved).at(unit="o_a", by="u_clerk")
    other.when(
        warehouse.lifecycle.verbs["record_difference"].function, **said, asset="D1"
    ).then_refused(handover.TAKING_SIDE)
    for history in ((), (applied,)):
        intake(*history).at(unit="o_wh").when(
            warehouse.lifecycle.verbs["record_difference"].function, **said, asset="D1"
        ).then_refused(warehouse.ARRIVED)


@pytest.mark.parametrize("difference", list(Difference))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_difference_ends_by_an_outcome_that_fits(
    difference: Difference, outcome: Outcome
) -> None:
    found = DifferenceFound(difference=difference, found="不符", finder="u_keeper")
    settle = warehouse.lifecycle.verbs["settle_difference"].function
    form = {"ordinal": 1, "outcome": outcome.value, "note": "已核实"}
    answer = intake(applied, approved, *received, found).at(by="u_office").when(settle, **form)
    if outcome in FITTING[difference]:
        answer.then(DifferenceSettled(ordinal=1, outcome=outcome, note="已核实"))
    else:
        answer.then_refused(receiving.FITTING_OUTCOME)


def test_a_difference_is_closed_once_by_somebody_else_and_until_then_stands_open() -> None:
    settle = warehouse.lifecycle.verbs["settle_difference"].function
    form = {"ordinal": 1, "outcome": "as_found", "note": "按待修接收"}
    case = intake(applied, approved, *received, damaged)
    assert case.state.status is IntakeStatus.RECEIVED
    step = open_step(case.state)
    assert step is not None and step.verb == "settle_difference"
    assert "1" in case.state.describe("en") and "待处理差异1项" in case.state.describe("zh")
    case.at(by="u_keeper").when(settle, **form).then_refused(receiving.ANOTHER_SETTLES)
    case.at(by="u_office").when(settle, **form | {"ordinal": 2}).then_refused(receiving.ITS_NUMBER)
    over = DifferenceSettled(ordinal=1, outcome=Outcome.AS_FOUND, note="按待修接收")
    case.at(by="u_office").when(settle, **form).then(over)
    settled = intake(applied, approved, *received, damaged, over)
    assert open_step(settled.state) is None
    settled.at(by="u_office").when(settle, **form).then_refused(receiving.UNSETTLED)


def test_one_delivery_has_so_many_differences_and_no_more() -> None:
    record = warehouse.lifecycle.verbs["record_difference"].function
    form = {"difference": "short", "found": "少一件", "asset": "D1"}
    most = receiving.DIFFERENCES_MAX
    intake(applied, approved, *[damaged] * (most - 1)).at(unit="o_wh").when(
        record, **form
    ).then_granted()
    intake(applied, approved, *[damaged] * most).at(unit="o_wh").when(record, **form).then_refused(
        receiving.FEW_ENOUGH
    )


# Warehouse, branch and bin ----------------------------------------------------


def test_a_branch_belongs_to_a_main_warehouse_and_nothing_comes_into_a_room(
    ledger: Ledger,
) -> None:
    opened = {"name": "示例仓", "unit": "o_wh"}
    ledger.ask("u_office", "place/p_main", "open_place", kind="warehouse", **opened)
    branch = {"kind": "branch", **opened}
    ledger.refuses(place.MAIN_NAMED, "u_office", "place/p_b", "open_place", **branch)
    odd = {"kind": "room", "part_of": "p_main", **opened}
    ledger.refuses(place.MAIN_NAMED, "u_office", "place/p_b", "open_place", **odd)
    for other in ("p_none", "p_virtual"):
        if other == "p_virtual":
            ledger.ask("u_office", f"place/{other}", "open_place", kind="virtual", **opened)
        form = branch | {"part_of": other}
        ledger.refuses(place.IS_MAIN, "u_office", "place/p_b", "open_place", **form)
    ledger.ask("u_office", "place/p_b", "open_place", part_of="p_main", **branch)
    assert ledger.state("place/p_b").part_of == "p_main"
    ledger.ask("u_office", "place/p_room", "open_place", kind="room", **opened)
    for one in ("D1", "D2"):
        ledger.card(one)
    form = {"unit": "o_a", "ground": "idle"}
    ledger.refuses(
        place.TAKES_IN, "u_clerk", "intake/I", "apply", **form, warehouse="p_room", assets=["D1"]
    )
    for n, where in enumerate(("p_b", "p_main")):
        ledger.ask(
            "u_clerk", f"intake/I{n}", "apply", **form, warehouse=where, assets=[f"D{n + 1}"]
        )


def test_only_what_stands_in_a_physical_warehouse_is_moved_between_bins() -> None:
    card = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
    inside = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, shelf="A-01-1")
    thing(card, inside).when(warehouse.put_on_shelf, shelf="B-02-3").then(
        PutOnShelf(shelf="B-02-3")
    ).then_state(shelf="B-02-3", place="p_wh")
    thing(card, inside).when(warehouse.put_on_shelf, shelf="A-01-1").then_refused(
        warehouse.OTHER_SHELF
    )
    virtually = ReceivedIntoWarehouse(warehouse="p_wh", virtual=True)
    for history in ((card,), (card, virtually)):
        thing(*history).when(warehouse.put_on_shelf, shelf="B").then_refused(warehouse.ON_A_SHELF)
    thing().when(warehouse.put_on_shelf, shelf="B").then_refused(asset.ON_BOOKS)


def test_a_branch_is_told_by_the_fact_that_opens_it() -> None:
    opened = PlaceOpened(name="北仓", kind=PlaceKind.BRANCH, unit="o_wh", part_of="p_main")
    given(place.lifecycle, opened).then_state(kind=PlaceKind.BRANCH, part_of="p_main")


# Through the doors ------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_differences_are_recorded_and_settled_through_the_api_and_shown(
    database: str, lang: str
) -> None:
    """Of two pieces one is damaged and one short; another thing comes instead, and one too many."""
    with staffed(database) as office:
        office.accounts.create("store", PASSWORD, "u_store", "示例仓管", "o_b", ["keeper"])
        office.accounts.create("goa", PASSWORD, "u_goa", "示例管理", "o_b", ["office"])
        door = Door(app_of(office))

        def granted(path: str, body: dict[str, Any], who: str = "clerk") -> Any:
            answer = door.post(path, body, who=who)
            assert answer.status_code == 200, answer.text
            return answer.json()

        for id_ in ("A1", "A2"):
            registered(door, id_, asset_no=id_)
        asked = {"unit": "o_a", "ground": "idle", "warehouse": "p_wh", "assets": ["A1", "A2"]}
        missing = door.post("intake/I/apply", {k: v for k, v in asked.items() if k != "ground"})
        assert missing.status_code == 422
        granted("intake/I/apply", asked)
        granted("intake/I/approve", {"keeper_unit": "o_b", "approval_no": "批1"}, "office")
        scans = {"assets": ["A1", "A2"], "scanned": "A1\nA2"}
        granted("intake/I/hand_out", scans)
        hurt = {"differs": "damaged", "difference": "柜门脱落", "condition": "待修"}
        granted("intake/I/take_in", {"assets": ["A1"], "scanned": "A1", **hurt}, "store")
        wrong = door.post("intake/I/take_in", {"assets": ["A2"], "scanned": "A9"}, who="store")
        assert wrong.status_code == 409
        instead = {"difference": "wrong", "asset": "A2", "scanned": "A9", "found": "送来的是另一台"}
        granted("intake/I/record_difference", instead, "store")
        over = {"difference": "over", "scanned": "A8", "found": "清单外的显示器", "quantity": "1"}
        granted("intake/I/record_difference", over, "store")
        granted("intake/I/take_in", {"assets": ["A2"], "scanned": "A2"}, "store")
        short = {"difference": "short", "asset": "A2", "found": "缺电源线", "quantity": "1"}
        granted("intake/I/record_difference", short, "store")
        now = door.get("intake/I").json()["state"]
        assert now["status"] == "received"
        assert [one["difference"] for one in now["differences"]] == [
            "damaged", "wrong", "over", "short",
        ]  # fmt: skip
        (step,) = door.get("open-steps", kind="intake").json()["items"]
        assert step["step"] == "settle_difference"
        page = signed_in(office, "goa").get("/cases/intake/I", params={"lang": lang}).text
        said = {"zh": ("多出", "待处理", "办法》第17条"), "en": ("over", "to settle", "art. 17")}
        for words in said[lang]:
            assert words in page
        for ordinal, outcome in enumerate(("as_found", "made_good", "returned", "made_good"), 1):
            form = {"ordinal": ordinal, "outcome": outcome, "note": "已办"}
            granted("intake/I/settle_difference", form, "goa")
        assert door.get("open-steps", kind="intake").json()["items"] == []


def signed_in(office: Office, who: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client
