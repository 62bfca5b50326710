"""What units want: open until met, in part or whole, and tried on whatever is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from doors import Door, app_of, registered, staffed
from given import TODAY, Ledger, given
from httpx import Response

from api.office import Actor, Office
from domain import demand
from domain.asset import Kind
from domain.decider import Ask, Refused
from domain.demand import (
    DemandAmended,
    DemandClaimed,
    DemandLapsed,
    DemandMet,
    DemandMetInPart,
    DemandPublished,
    DemandReopened,
    DemandStatus,
    DemandWithdrawn,
    OfferFound,
    OfferTurnedDown,
)
from domain.open_steps import open_step
from domain.policy import GENERIC, Policy, Precedence, Priority, Unfit, read
from domain.searching import Piece
from domain.unit import STANDING, UNEXPIRED
from projections import registers, wants
from projections.scope import EVERYTHING, Scope

past = partial(given, demand.lifecycle)
DAY = timedelta(days=1)
FRIDAY = TODAY + 4 * DAY
wanted = DemandPublished(
    applicant="u_asker",
    to_unit="o_a",
    kind=Kind.FURNITURE,
    item="办公桌",
    quantity="30",
    measure="张",
    needed_by=FRIDAY,
    need=None,
    rank=0,
)
claimed = DemandClaimed(case="reallocation/R", assets=("D1", "D2"), quantities=("12", "10"))
came = DemandMetInPart(case="reallocation/R", asset="D1", quantity="12")
FORM: dict[str, Any] = {
    "to_unit": "o_a",
    "kind": "furniture",
    "item": "办公桌",
    "quantity": "30",
    "measure": "张",
    "needed_by": FRIDAY,
}
FIRST = Policy(
    name="p",
    version=1,
    priorities=(
        Precedence(ground=Priority.MEETING, rank=0),
        Precedence(ground=Priority.TEMPORARY, rank=1),
    ),
    demand_days=10,
)


# The want itself --------------------------------------------------------------


def test_a_unit_says_what_it_needs_and_the_rules_say_how_early() -> None:
    past().when(demand.publish, **FORM).then(wanted)
    meeting = msgspec.structs.replace(wanted, need=Priority.MEETING, rank=0)
    past().at(policy=FIRST).when(demand.publish, need="meeting", **FORM).then(meeting)
    past().at(policy=FIRST).when(demand.publish, **FORM).then(
        msgspec.structs.replace(wanted, rank=2)
    )
    assert GENERIC.precedence("meeting") == 0  # a place that names none lets none go first


def test_after_how_many_days_a_want_lapses_is_a_positive_number() -> None:
    title = {"zh": "示例", "en": "example"}
    assert read(json.dumps({"title": title, "demand_days": 1}), "p", 1).demand_days == 1
    with pytest.raises(Unfit):
        read(json.dumps({"title": title, "demand_days": 0}), "p", 1)


def test_nothing_is_wanted_in_no_quantity_or_for_a_day_that_is_past() -> None:
    past().when(demand.publish, **FORM | {"quantity": "0"}).then_refused(demand.SOMETHING_WANTED)
    past().when(demand.publish, **FORM | {"needed_by": TODAY}).then_granted()
    past().when(demand.publish, **FORM | {"needed_by": TODAY - DAY}).then_refused(demand.AHEAD)
    past(wanted).when(demand.publish, **FORM).then_refused(demand.NEW)


def test_a_clerk_speaks_for_their_own_unit_and_the_offices_administration_for_any() -> None:
    other = FORM | {"to_unit": "o_b"}
    past().at(role="clerk").when(demand.publish, **other).then_refused(demand.OWN_NEED)
    past().at(role="office").when(demand.publish, **other).then_granted()
    past().at(role="clerk", succeeds=("o_b",)).when(demand.publish, **other).then_granted()
    past(wanted).at(role="clerk", unit="o_b").when(demand.withdraw, reason="x").then_refused(
        demand.OWN_NEED
    )


def test_a_want_names_a_line_of_the_units_own_plan() -> None:
    answer = past().when(demand.publish, plan="P1", plan_line=2, **FORM)
    said = {"line": 2, "demand": "X", "unit": "o_a"}
    answer.then(
        msgspec.structs.replace(wanted, plan="P1", plan_line=2), Ask("plan/P1", "name_want", said)
    )
    past().when(demand.publish, plan="P1", **FORM).then_refused(demand.PLAN_WHOLE)


def test_a_want_is_amended_never_below_what_came() -> None:
    more = DemandAmended(quantity="40", needed_by=FRIDAY, reason="增编")
    past(wanted).when(demand.revise, reason="增编", quantity="40").then(more).then_state(
        quantity="40", needed_by=FRIDAY
    )
    story = past(wanted, claimed, came)
    story.when(demand.revise, reason="x", quantity="22").then_granted()
    story.when(demand.revise, reason="x", quantity="21").then_refused(demand.NOT_BELOW)
    past(wanted, DemandWithdrawn(reason="x")).when(demand.revise, reason="y").then_refused(
        demand.OPEN
    )


def test_a_want_is_claimed_met_in_part_opened_again_and_met() -> None:
    now = past(wanted, claimed)
    assert (now.state.left, now.state.coming, now.state.came) == (8, 22, 0)
    now = past(wanted, claimed, came)
    now.then_state(status=DemandStatus.PARTLY)
    assert (now.state.left, now.state.coming, now.state.came) == (8, 10, 12)
    failed = DemandReopened(case="reallocation/R", assets=("D2",), reason="破损")
    now.when(
        demand.want_again, case="reallocation/R", assets=("D1", "D2", "D9"), reason="破损"
    ).then(failed)
    again = past(wanted, claimed, came, failed)
    assert (again.state.left, again.state.status) == (18, DemandStatus.PARTLY)
    again.when(demand.want_again, case="reallocation/R", assets=("D2",)).then()
    rest = DemandClaimed(case="reallocation/S", assets=("D3",), quantities=("18",))
    last = past(wanted, claimed, came, failed, rest)
    last.when(demand.deliver, case="reallocation/S", assets=("D3", "D9")).then(
        DemandMet(case="reallocation/S", asset="D3", quantity="18")
    ).then_state(status=DemandStatus.MET)


def test_what_comes_together_meets_it_card_by_card() -> None:
    past(msgspec.structs.replace(wanted, quantity="22"), claimed).when(
        demand.deliver, case="reallocation/R", assets=("D1", "D2")
    ).then(came, DemandMet(case="reallocation/R", asset="D2", quantity="10"))


def claim(*pieces: Piece, kind: Kind = Kind.FURNITURE, unit: str = "o_a") -> dict[str, Any]:
    return {
        "case": "reallocation/R",
        "to_unit": unit,
        "pieces": pieces,
        "kinds": (kind,) * len(pieces),
    }


def test_no_more_is_claimed_than_is_wanted_and_only_for_whom_and_what() -> None:
    past(wanted).when(demand.claim, **claim(Piece("D1", "30"))).then_granted()
    past(wanted).when(demand.claim, **claim(Piece("D1", "31"))).then_refused(demand.NOT_BEYOND)
    past(wanted).when(demand.claim, **claim(Piece("D1", "1"), unit="o_b")).then_refused(
        demand.FOR_THE_UNIT
    )
    past(wanted).when(demand.claim, **claim(Piece("D1", "1"), kind=Kind.COMPUTER)).then_refused(
        demand.OF_THE_KIND
    )
    # A corrected list takes the place of the list before.
    past(wanted, claimed).when(demand.claim, **claim(Piece("D1", "12"), Piece("D3", "18"))).then(
        DemandReopened(case="reallocation/R", assets=("D2",)),
        DemandClaimed(case="reallocation/R", assets=("D1", "D3"), quantities=("12", "18")),
    )


def test_what_fits_is_offered_once_and_a_reason_ends_it() -> None:
    found = OfferFound(asset="D1", score=870, rules="ranking@1")
    told = {"asset": "D1", "score": 870, "rules": "ranking@1"}
    past(wanted).when(demand.note_offer, **told).then(found)
    past(wanted, found).when(demand.note_offer, **told).then()
    step = open_step(past(wanted, found).state)
    assert step is not None and (step.verb, step.unit, step.due) == ("turn_down", "o_a", FRIDAY)
    assert open_step(past(wanted).state) is None
    no = OfferTurnedDown(asset="D1", reason="太高")
    past(wanted, found).when(demand.turn_down, asset="D1", reason="太高").then(no).then_state(
        offered=(), declined=frozenset({"D1"})
    )
    past(wanted, found, no).when(demand.note_offer, **told).then()
    full = msgspec.structs.replace(claimed, quantities=("20", "10"))
    past(wanted, full).when(demand.note_offer, **told | {"asset": "D7"}).then()
    assert past(wanted, found, claimed).state.offered == ()  # what is claimed waits for no answer


def test_a_want_lapses_only_where_and_when_the_rules_say_so() -> None:
    lapsing = past(wanted).at(policy=FIRST, role="office")
    lapsing.at(on=FRIDAY + 10 * DAY).when(demand.lapse).then_refused(demand.TIME_TO_LAPSE)
    lapsing.at(on=FRIDAY + 11 * DAY).when(demand.lapse).then(
        DemandLapsed(needed_by=FRIDAY, days=11)
    ).then_state(status=DemandStatus.LAPSED, offered=())
    past(wanted).at(on=FRIDAY + 999 * DAY).when(demand.lapse).then_refused(demand.NEVER_LAPSES)


# With reallocations, on both databases -------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    book.on = date(2020, 1, 1)
    for unit in ("o_a", "o_b"):
        book.ask("u_admin", f"unit/{unit}", "establish", name=f"示例{unit}局", kind="organ")
    book.on = TODAY
    for card, many in (("D1", "12"), ("D2", "10"), ("D3", "9")):
        book.card(card, name="办公桌", kind="furniture", quantity=many)
    book.ask("u_clerk", "demand/W", "publish", **FORM | {"to_unit": "o_b"})
    yield book
    book.close()


def request(ledger: Ledger, case: str, *assets: str) -> None:
    ledger.ask(
        "u_asker", f"reallocation/{case}", "request", from_unit="o_a", to_unit="o_b",
        item="办公桌", assets=assets, scope="departments", demand="W",
    )  # fmt: skip


@pytest.mark.target("T42")
def test_reallocations_meet_a_want_in_part_and_what_is_refused_is_wanted_again(
    ledger: Ledger,
) -> None:
    request(ledger, "R", "D1", "D2")
    assert ledger.state("demand/W").left == 8
    ledger.ask(
        "u_office", "reallocation/R", "approve", approval_no="调1", assets=["D1"], reason="破损"
    )
    assert ledger.state("demand/W").left == 18
    ledger.ask("u_keeper", "reallocation/R", "confirm_out", assets=["D1"], scanned="ZC-D1")
    assert ledger.state("demand/W").status is DemandStatus.OPEN  # approved and sent is not met
    ledger.ask("u_other", "reallocation/R", "confirm_in", assets=["D1"], scanned="ZC-D1")
    assert ledger.state("demand/W").status is DemandStatus.PARTLY
    with pytest.raises(Refused) as caught:
        request(ledger, "S", "D2", "D3")  # 19, one more than is still wanted
    assert caught.value.rule is demand.NOT_BEYOND


def test_a_reallocation_says_which_want_it_meets(ledger: Ledger) -> None:
    request(ledger, "R", "D1")
    assert ledger.state("reallocation/R").demand == "W"
    ledger.ask("u_asker", "reallocation/R", "withdraw", reason="另有安排")
    assert ledger.state("demand/W").left == 30
    request(ledger, "S", "D1")
    ledger.ask("u_office", "reallocation/S", "refuse", reason="不同意")
    assert ledger.facts("demand/W")[-2:] == ["demand.claimed", "demand.reopened"]


# Through the doors: who may ask, what they are held to, and the list ---------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        yield opened


def form(office: Office, **more: Any) -> dict[str, Any]:
    day = (office.today() + timedelta(days=30)).isoformat()
    return FORM | {"needed_by": day} | more


def refused(answer: Response, slug: str) -> None:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.target("T51")
def test_only_a_unit_that_exists_and_goes_on_may_want_and_the_check_is_recorded(
    office: Office,
) -> None:
    door = Door(app_of(office))
    granted(door.post("demand/W/publish", form(office)))
    told = granted(door.get("demand/W/history"))["items"]
    (check,) = [e["body"] for e in told if e["type"] == "case.units_verified"]
    assert (check["units"], len(check["entries"])) == (["o_a"], 1)
    asks = partial(door.post, who="office")
    refused(asks("demand/X/publish", form(office, to_unit="o_none")), "unit-unknown")
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    yesterday = (office.today() - DAY).isoformat()
    body = {"name": "临时办", "ends_on": yesterday, "approval_no": "示编1"}
    office.ask("unit/o_t", "establish_temporary", body, admin, on=office.today() - 9 * DAY)
    refused(asks("demand/X/publish", form(office, to_unit="o_t")), UNEXPIRED.slug)
    office.ask("unit/o_b", "dissolve", {"reason": "撤并"}, admin)
    refused(asks("demand/X/publish", form(office, to_unit="o_b")), STANDING.slug)
    assert not office.book.stream("demand/X").entries


@pytest.mark.target("T49")
@pytest.mark.parametrize("refuses", [False, True])
def test_a_want_beyond_the_standard_or_the_quota_is_flagged_or_refused_as_configured(
    office: Office, refuses: bool
) -> None:
    door = Door(app_of(office))
    rules = {
        "title": {"zh": "示例市规则", "en": "Rules"},
        "over_standard": "refuse" if refuses else "flag",
    }
    today = office.today().isoformat()
    granted(door.post("policy/example/propose", {"content": json.dumps(rules)}, who="admin"))
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))
    norm = {
        "title": "桌",
        "kind": "furniture",
        "quantity": "2",
        "basis": "post",
        "class_code": "A05",
    }
    granted(door.post("standard/S/draft", norm, who="office"))
    granted(door.post("standard/S/publish", {"in_force_from": today}, who="finance"))
    quota = {"use": "emergency", "places": 1, "order_no": "示编〔2025〕9号"}
    granted(door.post("quota/o_a/set_quota", quota, who="office"))
    registered(door, "D", kind="furniture", quantity="5", class_code="A0501")
    desks = form(office, class_code="A0501", quantity="15", posts=10)
    granted(door.post("demand/W/publish", desks))  # 5 and 15 are what 10 posts may have
    assert granted(door.get("demand/W"))["state"]["beyond"] == []
    refused(door.post("demand/X/publish", desks | {"posts": None}), "taker-posts-not-stated")
    cars = form(office, kind="vehicle", item="越野车", quantity="2")
    for name, many, slug, flag in (
        ("D16", desks | {"quantity": "16"}, "taker-over-standard", "standard"),
        ("CARS", cars, "beyond-vehicle-quota", "quota"),
    ):
        answer = door.post(f"demand/{name}/publish", many)
        if refuses:
            refused(answer, slug)
            continue
        granted(answer)
        assert granted(door.get(f"demand/{name}"))["state"]["beyond"] == [flag]
    granted(door.post("demand/W/revise", {"quantity": "14", "reason": "减员"}))
    more = door.post("demand/W/revise", {"quantity": "16", "reason": "增员"})
    if refuses:
        refused(more, "taker-over-standard")
    else:
        assert granted(door.get("demand/W"))["state"]["beyond"] == ["standard"]


def test_the_list_shows_who_goes_first_and_what_is_still_wanted(office: Office) -> None:
    door = Door(app_of(office))
    granted(door.post("demand/W1/publish", form(office)))
    granted(door.post("demand/W2/publish", form(office, item="投影仪", kind="office", place="P")))
    granted(door.post("demand/W3/publish", form(office, to_unit="o_b"), who="office"))
    granted(door.post("demand/W2/withdraw", {"reason": "已有"}))
    listed = granted(door.get("wants"))["items"]
    assert [(r["id"], r["remaining"]) for r in listed] == [("W3", "30"), ("W2", "0"), ("W1", "30")]
    for asked, found in (
        ({"status": "open"}, ["W3", "W1"]),
        ({"text": "投影"}, ["W2"]),
        ({"unit": "o_b"}, ["W3"]),
        ({"kind": "office", "place": "P"}, ["W2"]),
        ({"need": "meeting"}, []),
    ):
        assert [r["id"] for r in granted(door.get("wants", **asked))["items"]] == found
    assert door.get("wants", status="eaten").status_code == 422
    then = granted(door.get("wants", as_of=(office.today() - DAY).isoformat()))["items"]
    assert then == []
    open_ = [row["id"] for row in office.rows(wants.still_wanted())]
    assert open_ == ["W1", "W3"]
    mine = Scope(units=frozenset({"o_b"}))
    assert [row["id"] for row in office.rows(wants.still_wanted(mine))] == ["W3"]
    # Whoever can spare something sees what all others want.
    everybodys = office.rows(registers.listing("demand", mine, {}))
    assert [row["id"] for row in everybodys] == ["W3", "W2", "W1"]
    assert office.rows(wants.still_wanted(EVERYTHING, kind="office")) == []
