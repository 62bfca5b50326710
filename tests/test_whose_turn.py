"""Whose turn it is, what is free, and what there is room for: ranking and the proposal keep to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, staffed
from given import given
from httpx import Response
from starlette.testclient import TestClient

from api import seeing
from api.allocating import Document
from api.app import create_app
from api.office import Actor, Office, class_tables
from api.reading_records import SAMPLE
from domain import asset, reorganisation
from domain.asset import Kind
from domain.demand import OfferAhead
from domain.reorganisation import passes
from projections import (
    cases,
    fitting,
    history,
    inventory,
    offers,
    public,
    searching,
    wants,
)
from projections.matching import Terms
from projections.scope import EVERYTHING, Filters
from projections.wants_met import wanted

DAY = timedelta(days=1)
SCREENED = {
    "title": {"zh": "示例规则（虚构）", "en": "Invented rules"},
    "routes": [
        {"action": a, "steps": [{"role": "office", "body": "own"}]}
        for a in ("disposal", "reallocation")
    ],
    "screening": [
        {"scope": "own_unit", "days": 7},
        {"scope": "same_level", "days": 14},
        {"scope": "others", "days": 5},
    ],
    "claiming": {"hold_days": 10},
}
DESK: dict[str, Any] = {"name": "办公桌", "kind": "furniture", "class_code": "A05010201"}
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
OFFICE = Actor(person="u_office", unit="o_a", role="office")


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Response, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text
    return answer.text


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """The holder o_a, a unit of its level and place, and one of the level above."""
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for id_, level in (("o_a", "county"), ("o_peer", "county"), ("o_far", "prefecture")):
            if id_ != "o_a":
                form = {"name": f"示例{id_}", "kind": "organ"}
                office.ask(f"unit/{id_}", "establish", form, admin)
                office.accounts.create(id_, PASSWORD, f"u_{id_}", f"示例{id_}", id_, ["clerk"])
            office.ask(f"unit/{id_}", "belong", {"level": level, "region": "150102"}, admin)
        yield office


def publish(door: Door, office: Office, **rules: Any) -> None:
    content = json.dumps(SCREENED | rules, ensure_ascii=False)
    granted(door.post("policy/example/propose", {"content": content}, who="admin"))
    today = office.today().isoformat()
    granted(door.post("policy/example/publish", {"in_force_from": today}, who="finance"))


def listed(office: Office, id_: str, **card: Any) -> None:
    said = DESK | {"asset_no": f"ZC-{id_}", "unit": "o_a", "quantity": "4"} | card
    office.ask(f"asset/{id_}", "register_existing", said, CLERK)
    office.ask(f"asset/{id_}", "declare_idle", {}, CLERK)
    office.ask(f"asset/{id_}", "list_for_reuse", {}, CLERK)


def want(office: Office, id_: str, unit: str, **more: Any) -> None:
    said = {"to_unit": unit, "kind": "furniture", "item": "办公桌", "quantity": "2"}
    day = {"needed_by": office.today() + 90 * DAY}
    office.ask(f"demand/{id_}", "publish", said | day | more, OFFICE)


def ranked(office: Office, id_: str) -> list[str]:
    (row,) = office.rows(wants.one(id_))
    today = office.today()
    rooms = office.rooms(today)
    found = fitting.for_want(office.rows, row, office.terms(today), allowed=rooms.allowed)
    return [fit.match.listing for fit in found]


def proposed(office: Office, name: str) -> Document:
    office.ask(f"allocation/{name}", "propose", {}, OFFICE)
    return office.proposals.document(office.book.stream(f"allocation/{name}").state.sha256)


@pytest.mark.target("T45")
def test_nothing_is_proposed_told_or_claimed_before_its_window_opens(office: Office) -> None:
    """Own unit 7 days, then its level 14, then others 5, then disposal; by the clock, at the doors."""
    door, begun, now = Door(app_of(office)), office.book.clock(), 0
    office.book.clock = lambda: begun + now * DAY
    publish(door, office)
    first = office.today()
    want(office, "FAR", "o_far")  # waits longest, and is asked last all the same
    want(office, "PEER", "o_peer")
    listed(office, "D")
    for id_ in ("FAR", "PEER"):
        assert office.book.stream(f"demand/{id_}").state.offered == ()
    claim = {"asset": "D", "quantity": "1", "purpose": "会议室"}
    taken = {"unit": "o_a", "form": "scrap", "ground": "beyond_repair"}
    scrap = taken | {"minutes_no": "纪要1", "assets": ["D"]}
    for now, gets, far, peer in (
        (6, set(), "21", "7"),
        (7, {"PEER"}, "21", ""),
        (20, {"PEER"}, "21", ""),
        (21, {"PEER", "FAR"}, "", ""),
    ):
        document = proposed(office, f"P{now}")
        assert {line.demand for line in document.lines} == gets, now
        assert {one.demand for one in document.unserved} == {"PEER", "FAR"} - gets
        for id_ in ("PEER", "FAR"):
            assert ranked(office, id_) == (["D"] if id_ in gets else [])
        for unit, opens in (("o_far", far), ("o_peer", peer)):
            form = claim | {"to_unit": unit}
            if opens:
                answer = door.post(f"claim/{unit}-{now}/claim", form, who=unit)
                assert (first + int(opens) * DAY).isoformat() in refused(answer, "tier-not-open")
    granted(door.post("claim/K/claim", claim | {"to_unit": "o_far"}, who="o_far"))
    granted(door.post("claim/K/release_claim", {"reason": "不再需要"}, who="o_far"))
    now = 25
    refused(door.post("disposal/X/propose", scrap), "screening-not-over")
    now = 26
    granted(door.post("disposal/X/propose", scrap))


@pytest.mark.target("T45")
@pytest.mark.target("T42")
def test_a_want_has_an_open_step_from_the_day_its_window_opens(office: Office) -> None:
    """Nobody records that the day came; before it nothing is asked of the unit."""
    door, begun, now = Door(app_of(office)), office.book.clock(), 0
    office.book.clock = lambda: begun + now * DAY
    publish(door, office)
    first = office.today()
    want(office, "FAR", "o_far")  # others: from day 21
    want(office, "LATE", "o_peer", needed_by=first + 6 * DAY)  # needed before its turn
    listed(office, "D")
    want(office, "PEER", "o_peer")  # published after the listing, open to its level from day 7
    position = office.book.log.head()[0]

    def steps() -> dict[str, str]:
        rows = office.rows(cases.open_steps(EVERYTHING, office.today(), kind="demand"))
        return {row["id"][7:]: row["step_since"] for row in rows}

    peer, far = ((first + days * DAY).isoformat() for days in (7, 21))
    for now, due in (
        (6, {}),
        (7, {"PEER": peer, "LATE": peer}),
        (20, {"PEER": peer, "LATE": peer}),
        (21, {"PEER": peer, "LATE": peer, "FAR": far}),
    ):
        assert steps() == due, now
        said = granted(door.get("open-steps?kind=demand"))["items"]
        assert {one["case"][7:]: one["since"] for one in said} == due
        for id_ in ("FAR", "PEER", "LATE"):
            assert ranked(office, id_) == (["D"] if id_ in due else [])
        if now == 6:
            page = pages(office, "office").get("/cases/demand/PEER?lang=zh").text
            assert f"{peer} 起对本单位开放申领" in page
    assert office.book.log.head()[0] == position  # nothing was written
    told = office.book.stream("demand/FAR").entries[-1].event
    assert isinstance(told, OfferAhead) and told.opens_on.isoformat() == far
    met = wanted("demand/FAR", office.book.stream("demand/FAR").entries, far)
    assert met is not None and met.offered == far
    before = wanted("demand/FAR", office.book.stream("demand/FAR").entries, peer)
    assert before is not None and before.offered == ""
    office.ask("demand/PEER", "turn_down", {"asset": "D", "reason": "太小"}, OFFICE)
    office.ask("demand/LATE", "withdraw", {"reason": "已租用"}, OFFICE)
    assert steps() == {"FAR": far}
    form = {"asset": "D", "to_unit": "o_far", "quantity": "2", "demand": "FAR"}
    office.ask("claim/K", "claim", form, OFFICE)
    office.ask("claim/K", "turn_into_request", {}, OFFICE)
    assert steps() == {}


@pytest.mark.target("T45")
def test_later_rules_alter_only_what_is_listed_later(office: Office) -> None:
    door = Door(app_of(office))
    publish(door, office)
    want(office, "PEER", "o_peer", quantity="9")
    listed(office, "D1")
    publish(door, office, screening=[], claiming={"hold_days": 3})
    assert ranked(office, "PEER") == []
    listed(office, "D2")
    assert ranked(office, "PEER") == ["D2"]
    assert [id_ for id_, _ in office.book.stream("demand/PEER").state.offered] == ["D2"]
    until = {}
    for id_, unit in (("D1", "o_a"), ("D2", "o_far")):
        form = {"asset": id_, "to_unit": unit}
        granted(door.post(f"claim/{id_}/claim", form, who="clerk" if unit == "o_a" else unit))
        until[id_] = office.book.stream(f"asset/{id_}").state.held_until
    assert until == {"D1": office.today() + 10 * DAY, "D2": office.today() + 3 * DAY}


@pytest.mark.target("T47")
def test_a_hold_that_ended_frees_the_thing_in_every_list_though_nobody_acts(
    office: Office,
) -> None:
    door, begun, now = Door(app_of(office)), office.book.clock(), 0
    office.book.clock = lambda: begun + now * DAY
    publish(door, office, screening=[])
    listed(office, "D", quantity="1")
    want(office, "W", "o_peer")
    first = office.today()
    granted(door.post("claim/K/claim", {"asset": "D", "to_unit": "o_far"}, who="o_far"))
    for now, lock in ((10, "reserved"), (11, "none")):
        free = lock == "none"
        (card,) = granted(door.get("inventory"))["items"]
        assert (card["lock"], bool(card["case"])) == (lock, not free)
        assert len(granted(door.get("inventory", lock=lock))["items"]) == 1
        assert granted(door.get("inventory", lock="reserved"))["items"] == ([] if free else [card])
        counted = granted(door.get("inventory/totals", by="lock"))["counts"]
        assert [(row["key"], row["assets"]) for row in counted] == [(lock, 1)]
        assert ranked(office, "W") == (["D"] if free else [])
        assert len(proposed(office, f"P{now}").lines) == int(free)
    # As of a day: on its last day it is held, on the next it is not, whatever day it is now.
    now = 40
    for days, lock in ((10, "reserved"), (11, "none")):
        day = (first + days * DAY).isoformat()
        (card,) = granted(door.get("inventory", as_of=day))["items"]
        assert card["lock"] == lock
        assert len(granted(door.get("inventory", as_of=day, lock=lock))["items"]) == 1
        counted = granted(door.get("inventory/totals", by="lock", as_of=day))["counts"]
        assert [row["key"] for row in counted] == [lock]
    assert office.book.stream("claim/K").state.status.value == "held"  # nobody told it


@pytest.mark.target("T42")
def test_a_want_by_the_new_codes_finds_what_is_listed_by_the_old_ones(
    database: str,
) -> None:
    table = SAMPLE / "class_codes_2010_2022_example.csv"
    with staffed(database) as office:
        office.classes = class_tables([table])
        old = {"class_code": "2010105", "class_scheme": "GB/T 14885-2010"}
        new = {"class_code": "A02010108", "item": "便携式计算机", "kind": "computer"}
        want(office, "W", "o_b", **new)
        listed(office, "D", name="笔记本", kind="computer", **old)
        (offer,) = office.book.stream("demand/W").state.offered
        assert offer[0] == "D" and ranked(office, "W") == ["D"]
        document = proposed(office, "P")
        assert [(line.demand, line.asset) for line in document.lines] == [("W", "D")]
        assert document.terms == Terms(on=document.on, classes=office.classes)
        # Without the table it is another thing.
        office.classes = class_tables([])
        assert ranked(office, "W") == []


def bound(office: Office, id_: str = "S", **limits: Any) -> None:
    """Publish a standard for furniture."""
    door = Door(app_of(office))
    norm = {"title": "示例家具标准", "kind": "furniture"} | limits
    granted(door.post(f"standard/{id_}/draft", norm, who="office"))
    today = {"in_force_from": office.today().isoformat()}
    granted(door.post(f"standard/{id_}/publish", today, who="finance"))


@pytest.mark.target("T49")
def test_a_proposal_keeps_every_standard_of_a_want_at_once(office: Office) -> None:
    """What states no class counts against desks and against cabinets; neither is exceeded."""
    publish(Door(app_of(office)), office, screening=[], over_standard="refuse")
    desks, cabinets = DESK["class_code"], "A05010502"
    want(office, "ANY", "o_peer", quantity="4", class_scheme="")
    want(office, "DESKS", "o_peer", class_code=desks)
    want(office, "CABINETS", "o_peer", item="文件柜", class_code=cabinets)
    listed(office, "D", quantity="9")
    listed(office, "C", quantity="9", name="文件柜", class_code=cabinets)
    bound(office, "S", quantity="3", class_code=desks, unit="o_peer")
    bound(office, "T", quantity="2", class_code=cabinets, unit="o_peer", title="示例柜类标准")
    document = proposed(office, "P")
    gets: dict[str, int] = dict.fromkeys(("ANY", "DESKS", "CABINETS"), 0)
    for line in document.lines:
        gets[line.demand] += int(line.quantity)
    assert gets["ANY"] + gets["DESKS"] <= 3 and gets["ANY"] + gets["CABINETS"] <= 2
    assert (sum(gets.values()), document.gap) == (4, 0)
    short = {one.demand: {title.zh for title in one.beyond} for one in document.unserved}
    full = {"示例家具标准", "示例柜类标准"}
    assert "ANY" in short and all(said and said <= full for said in short.values())
    office.ask("allocation/P", "confirm_rest", {}, OFFICE)  # what is proposed is granted


@pytest.mark.target("T49")
@pytest.mark.parametrize("what", ["flag", "refuse"])
def test_a_proposal_gives_nobody_more_than_its_standards_leave_or_flags_it(
    office: Office, what: str
) -> None:
    """o_peer wants two and two, and may have three; dearer desks than the standard allows wait."""
    door = Door(app_of(office))
    publish(door, office, screening=[], over_standard=what)
    want(office, "W1", "o_peer")
    want(office, "W2", "o_peer")
    want(office, "W3", "o_far")
    listed(office, "CHEAP", quantity="5", value=500_00)
    listed(office, "DEAR", quantity="5", value=5_000_00)
    bound(office, quantity="3", price_cap=100_00, unit="o_peer")
    document = proposed(office, "P")
    gets = {"W1": 0, "W2": 0, "W3": 0}
    for line in document.lines:
        gets[line.demand] += int(line.quantity)
    assert gets["W3"] == 2
    flagged = [line for line in document.lines if line.beyond]
    (row,) = office.rows(inventory.one("DEAR"))
    assert fitting.price_of(row) == 1_000_00
    if what == "flag":
        assert gets["W1"] + gets["W2"] == 4
        assert flagged and {title.zh for line in flagged for title in line.beyond} == {
            "示例家具标准"
        }
        return
    assert (gets["W1"] + gets["W2"], flagged) == (3, [])
    assert {line.asset for line in document.lines if line.to_unit == "o_peer"} == {"CHEAP"}
    (short,) = document.unserved
    assert short.lacking == 1 and [title.zh for title in short.beyond] == ["示例家具标准"]
    assert "DEAR" not in ranked(office, "W1")
    page = pages(office, "office")
    assert "没有余额：示例家具标准" in page.get("/cases/allocation/P?lang=zh").text
    assert "no room left" in page.get("/cases/allocation/P?lang=en").text
    office.ask("allocation/P", "confirm_rest", {}, OFFICE)  # what is proposed is granted


def pages(office: Office, login: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == login))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


@pytest.mark.target("T49")
def test_a_unit_without_a_place_for_another_vehicle_is_proposed_none(office: Office) -> None:
    door = Door(app_of(office))
    publish(door, office, screening=[], over_standard="refuse")
    want(office, "W", "o_peer", kind="vehicle", item="轿车", quantity="2")
    listed(office, "CAR", kind="vehicle", name="轿车", class_code="A02030501", quantity="1")
    listed(office, "VAN", kind="vehicle", name="轿车", class_code="A02030501", quantity="1")
    places = {"use": "confidential", "places": 1, "order_no": "编1"}
    office.ask("quota/o_peer", "set_quota", places, OFFICE)
    document = proposed(office, "P")
    assert [line.quantity for line in document.lines] == ["1"]
    (short,) = document.unserved
    assert [title.zh for title in short.beyond] == ["公务用车编制"]


@pytest.mark.target("T42")
def test_a_claim_made_for_a_want_meets_it(office: Office) -> None:
    door = Door(app_of(office))
    publish(door, office, screening=[])
    want(office, "W", "o_peer")
    listed(office, "D")
    claim = {"asset": "D", "to_unit": "o_peer", "quantity": "2", "demand": "W"}
    granted(door.post("claim/K/claim", claim, who="o_peer"))
    granted(door.post("claim/K/turn_into_request", {}, who="o_peer"))
    state = office.book.stream("demand/W").state
    assert (state.left, state.coming) == (0, 2)
    assert office.book.stream("reallocation/K").state.demand == "W"
    # Another claim for the same want finds nothing left to meet.
    granted(door.post("claim/L/claim", claim, who="o_peer"))
    refused(door.post("claim/L/turn_into_request", {}, who="o_peer"), "more-than-wanted")


@pytest.mark.target("T47")
def test_every_list_agrees_on_what_is_free_on_any_day(office: Office) -> None:
    """A hold that ended holds nothing, whether or not anybody recorded that, wherever one looks."""
    door, begun, now = Door(app_of(office)), office.book.clock(), 0
    office.book.clock = lambda: begun + now * DAY
    publish(door, office, screening=[], claiming={"hold_days": 9})
    for id_ in ("D1", "D2", "D3"):
        listed(office, id_)
    for id_, days in (("D1", 3), ("D2", 6)):
        form = {"asset": id_, "to_unit": "o_peer", "until": office.today() + days * DAY}
        office.ask(f"claim/{id_}", "claim", form, OFFICE)
    kind, code = Kind.FURNITURE, DESK["class_code"]
    for now in (0, 3, 4, 6, 7):
        on, day = office.today(), office.today().isoformat()
        cards = [f"D{n}" for n in (1, 2, 3)]
        free = {id_ for id_ in cards if office.book.stream(f"asset/{id_}").state.free(on)}
        assert free == {"D3"} | ({"D1"} if now > 3 else set()) | ({"D2"} if now > 6 else set())
        unlocked = Filters(lock="none", today=day)
        lists = {
            "inventory": inventory.listing(EVERYTHING, unlocked, limit=9),
            "any day": history.as_of(EVERYTHING, unlocked, on=day, known=None, after=None, limit=9),
            "offers": offers.listing(EVERYTHING, on, free=True),
            "the public": public.listing(public.offered(on), skip=0, limit=9),
            "ranking": fitting.offers(on),
            "search": searching.to_be_had(kind, code, on),
        }
        for name, query in lists.items():
            assert {row["id"] for row in office.rows(query)} == free, (name, now)
        held = seeing.held("o_a", office.rows, on)
        passing = {p.asset for p in held.pieces if passes(p.book, p.custody, p.lock)}
        assert passing == free, now
        for id_ in cards:
            hands = {"from_unit": "o_a", "to_unit": "o_peer", "case": "reorganisation/R"}
            events = (entry.event for entry in office.book.stream(f"asset/{id_}").entries)
            past = given(asset.lifecycle, *events).at(on=on)
            answer = past.when(reorganisation.change_hands, **hands)
            if id_ in free:
                answer.then_granted()
            else:
                answer.then_refused(reorganisation.FREE)
