"""A want and what is on offer find each other at once: ranking, offers, and the pages of both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import staffed
from starlette.testclient import TestClient

from api.app import create_app
from api.office import Actor, Office
from domain.demand import TOLD_MAX
from domain.open_steps import open_step
from projections import cases, fitting, inventory, wants
from projections.matching import FACTORS
from projections.scope import EVERYTHING

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
OFFICE = Actor(person="u_office", unit="o_a", role="office")
DESK: dict[str, Any] = {"name": "办公桌", "kind": "furniture", "class_code": "A05010201"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        yield opened


def card(office: Office, id_: str, *, listed: bool = True, **more: Any) -> None:
    said = DESK | {"asset_no": f"ZC-{id_}", "unit": "o_a", "quantity": "10"} | more
    office.ask(f"asset/{id_}", "register_existing", said, CLERK)
    office.ask(f"asset/{id_}", "declare_idle", {}, CLERK)
    if listed:
        office.ask(f"asset/{id_}", "list_for_reuse", {"description": "九成新"}, CLERK)


def want(office: Office, id_: str, **more: Any) -> None:
    day = office.today() + timedelta(days=30)
    said = {"to_unit": "o_b", "kind": "furniture", "item": "办公桌", "quantity": "30"}
    office.ask(f"demand/{id_}", "publish", said | {"needed_by": day} | more, OFFICE)


def signed_in(office: Office, who: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


@pytest.mark.target("T42")
def test_whatever_is_listed_is_tried_on_the_wants_that_are_open(office: Office) -> None:
    """No supply: the want stays open; a listing that fits is an open step of who wants it."""
    want(office, "W")
    want(office, "X", item="越野车", kind="vehicle")
    want(office, "OWN", to_unit="o_a")
    assert open_step(office.book.stream("demand/W").state) is None
    card(office, "D1")
    state = office.book.stream("demand/W").state
    (offer,) = state.offered
    assert offer[0] == "D1" and state.left == 30
    for other in ("X", "OWN"):
        assert office.book.stream(f"demand/{other}").state.offered == ()
    (row,) = office.rows(cases.open_steps(EVERYTHING, office.today(), kind="demand"))
    assert (row["id"], row["step"], row["step_unit"]) == ("demand/W", "turn_down", "o_b")
    # A part of what is wanted: the rest stays open and is tried on the next listing.
    form = {"from_unit": "o_a", "to_unit": "o_b", "item": "办公桌", "assets": ["D1"]}
    more = {"scope": "departments", "demand": "W"}
    office.ask("reallocation/R", "request", form | more, OFFICE)
    card(office, "D2", quantity="5")
    state = office.book.stream("demand/W").state
    assert ([asset for asset, _ in state.offered], state.left) == (["D2"], 20)
    office.ask("demand/W", "turn_down", {"asset": "D2", "reason": "太小"}, OFFICE)
    office.ask("asset/D2", "delist", {"reason": "重新登记"}, CLERK)
    office.ask("asset/D2", "list_for_reuse", {}, CLERK)
    assert office.book.stream("demand/W").state.offered == ()


def test_few_hear_of_one_thing_at_once_and_all_find_it(office: Office) -> None:
    for number in range(TOLD_MAX + 2):
        want(office, f"W{number:02}")
    card(office, "D1")
    heard = [row["id"] for row in office.rows(wants.still_wanted()) if row["offered"]]
    assert len(heard) == TOLD_MAX and heard[0] == "W00"
    (last,) = office.rows(wants.one(f"W{TOLD_MAX + 1}"))
    assert [
        f.match.listing for f in fitting.for_want(office.rows, last, office.terms(office.today()))
    ] == ["D1"]


@pytest.mark.target("T43")
def test_the_page_of_a_want_ranks_what_is_on_offer_with_every_score(office: Office) -> None:
    want(office, "W", specification="1.4米 实木", class_code="A05010201")
    card(office, "D1", model="1.4米 实木")
    card(office, "D2", model="1.2米 钢制")
    card(office, "D3", listed=False)
    (row,) = office.rows(wants.one("W"))
    fits = fitting.for_want(office.rows, row, office.terms(office.today()))
    assert [fit.match.listing for fit in fits] == ["D1", "D2"]
    client = signed_in(office, "office")
    for lang, asks in (("zh", "申请调剂"), ("en", "Request it")):
        page = client.get("/cases/demand/W", params={"lang": lang}).text
        assert asks in page and page.index("ZC-D1") < page.index("ZC-D2") and "ZC-D3" not in page
        for fit in fits:
            assert f"<strong>{fit.match.total}</strong>" in page
        for factor in FACTORS:
            assert (factor.words.zh if lang == "zh" else factor.words.en) in page
    # From the ranking one asks for it; the form is filled in.
    begun = client.get(
        "/cases/new?kind=reallocation&asset=D1&from_unit=o_a&to_unit=o_b&item=办公桌&demand=W"
    ).text
    assert 'value="W"' in begun and "ZC-D1" in begun
    # What is on offer shows whom it fits.
    assert "/cases/demand/W" in client.get("/assets/D1").text
    assert "上架后即告知" not in client.get("/assets/D1?lang=zh").text
    # Who declared something idle sees the minute it is that others want it.
    idle = client.get("/assets/D3?lang=zh").text
    assert "/cases/demand/W" in idle and "上架后即告知" in idle


def test_a_want_without_anything_on_offer_says_so_and_the_list_begins_one(office: Office) -> None:
    client = signed_in(office, "clerk")
    assert "/cases/new?kind=demand" in client.get("/wants").text
    assert client.get("/cases/new?kind=demand").status_code == 200
    want(office, "W")
    assert "目前没有合适的上架资产" in client.get("/cases/demand/W?lang=zh").text
    assert "/cases/demand/W" in client.get("/wants").text


def test_what_an_offer_says_in_words_is_ranked_as_months(office: Office) -> None:
    for said, months in (("36个月", 36), ("3年", 36), ("2 years", 24), ("不详", None), ("", None)):
        assert fitting.life_months(said) == months
    card(office, "D1")
    (row,) = office.rows(inventory.one("D1"))
    listing = fitting.listing_of({**row, "available_from": "2030-02-30"}, {})
    assert listing.available_from is None and listing.region == ""


@pytest.mark.target("T43")
def test_what_its_holder_brings_scores_more_for_transport(office: Office) -> None:
    want(office, "W")
    for id_, brought in (("D1", False), ("D2", True)):
        card(office, id_, listed=False)
        office.ask(f"asset/{id_}", "list_for_reuse", {"delivers": brought}, CLERK)
    (row,) = office.rows(wants.one("W"))
    fits = fitting.for_want(office.rows, row, office.terms(office.today()))
    points = {
        fit.match.listing: {score.factor: score.points for score in fit.match.scores}["transport"]
        for fit in fits
    }
    assert (list(points), points) == (["D2", "D1"], {"D1": 500, "D2": 1000})
    page = signed_in(office, "office").get("/offers?lang=zh").text
    assert page.count("送货上门") == 1
