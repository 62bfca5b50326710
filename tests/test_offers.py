"""What is on offer, as people see it: photos, from when, for whom, and how it is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import CARD, staffed
from fastapi.testclient import TestClient

from api.app import create_app
from api.offers import Asking, Market
from api.office import Actor, Office
from domain.decider import Ask, Occasion
from domain.policy import Claiming, Policy, Window
from projections.scope import EVERYTHING

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
DAY = timedelta(days=1)
PLACE = Policy(
    name="place",
    version=1,
    screening=(Window(scope="own_unit", days=7), Window(scope="others", days=5)),
    claiming=Claiming(hold_days=5),
)


def put(office: Office, id_: str, days_ago: int, listing: dict[str, Any], **card: Any) -> None:
    """Offer a card of unit o_a, so many days ago, under the rules of the example place."""
    on = office.today() - days_ago * DAY
    asks = [
        Ask(f"asset/{id_}", "register_existing", CARD | {"asset_no": f"SL-{id_}"} | card),
        Ask(f"asset/{id_}", "declare_idle", {}),
        Ask(f"asset/{id_}", "list_for_reuse", listing),
    ]
    office.book.act(asks, Occasion(by="u_clerk", on=on, role="clerk", policy=PLACE))


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office with three offers: one of today, one open to all, one whose windows ended."""
    with staffed(database) as one:
        put(one, "A1", 0, {"description": "九成新"}, class_code="A02010105", name="笔记本电脑")
        put(one, "A2", 8, {"remaining_life": "3年"}, kind="furniture", name="会议椅", quantity="40")
        put(one, "A3", 30, {}, name="旧打印机", kind="office")
        put(one, "A4", 9, {"offer_until": one.today() - DAY}, name="过期")
        yield one


def shown(office: Office, unit: str, **asked: Any) -> dict[str, Any]:
    market = Market(office, Asking(unit=unit, on=office.today(), **asked))
    found, more = market.page(EVERYTHING, None, 24)
    assert more == ""
    return {one.row["id"]: one for one in found}


@pytest.mark.target("T45")
def test_who_may_claim_today_is_shown_with_the_day_on_which_it_opens(office: Office) -> None:
    today = office.today()
    ours, theirs = shown(office, "o_a"), shown(office, "o_b")
    assert list(ours) == ["A1", "A2", "A3"]  # what ended yesterday is not there
    assert all(one.open for one in ours.values())
    assert {id_: one.mine_from for id_, one in theirs.items()} == {
        "A1": today + 7 * DAY,
        "A2": today - DAY,
        "A3": today - 23 * DAY,
    }
    assert [one.open for one in theirs.values()] == [False, True, True]
    assert [one.over for one in theirs.values()] == [False, False, True]
    assert list(shown(office, "o_b", mine=True)) == ["A2", "A3"]


def test_the_offers_are_found_by_words_class_kind_and_day(office: Office) -> None:
    put(office, "A5", 0, {"available_from": office.today() + 9 * DAY}, name="投影仪")
    assert list(shown(office, "o_a", class_code="A0201")) == ["A1"]
    assert list(shown(office, "o_a", kind="furniture")) == ["A2"]
    assert list(shown(office, "o_a", text="打印")) == ["A3"]
    assert list(shown(office, "o_a", available=office.today())) == ["A1", "A2", "A3"]
    assert "A5" in shown(office, "o_a", available=office.today() + 9 * DAY)


def test_pages_follow_one_another_and_leave_nothing_out(office: Office) -> None:
    market = Market(office, Asking(unit="o_b", on=office.today(), mine=True))
    first, more = market.page(EVERYTHING, None, 1)
    second, end = market.page(EVERYTHING, more, 1)
    assert ([one.row["id"] for one in (*first, *second)], end) == (["A2", "A3"], "")


def test_a_clerk_sees_a_photo_claims_a_part_and_finds_it_held(office: Office) -> None:
    http = signed_in(office, "clerk")
    files = {"file": ("椅.png", PNG, "image/png")}
    assert http.post("/files/asset/A2", files=files, data={"key": "p"}).status_code == 200
    page = http.get("/offers").text
    assert "/files/asset/A2/" in page
    assert "九成新" in page
    assert 'name="asset" value="A2"' in page
    form = http.get("/cases/new?kind=claim&asset=A2").text
    assert 'value="A2"' in form
    until = (office.today() + 3 * DAY).isoformat()
    asked = {"asset": "A2", "to_unit": "o_a", "quantity": "12", "until": until, "key": "c"}
    answer = http.post("/cases/claim/K1/do/claim", data=asked)
    assert answer.status_code == 200, answer.text
    assert "保留中" in answer.text
    page = http.get("/offers").text
    assert f"保留至 {until}" in page
    assert page.count("/files/asset/A2/") == 2  # of the part too
    part = shown(office, "o_a")["A2.1"]
    assert (part.held, part.held_until, part.row["quantity"]) == (True, until, "12")
    assert "A2.1" not in shown(office, "o_a", mine=True)


def test_the_page_speaks_english_says_what_is_wrong_and_is_empty_in_words(office: Office) -> None:
    http = signed_in(office, "auditor")
    page = http.get("/offers?lang=en&available=yesterday")
    assert page.status_code == 422
    assert "YYYY-MM-DD" in page.text
    assert "On offer" in page.text
    assert "kind=claim" not in page.text  # an auditor claims nothing
    assert "Nothing on offer fits" in http.get("/offers?text=zzz").text
    assert http.get("/offers?after=x").status_code == 404


def signed_in(office: Office, who: str) -> TestClient:
    """Return a browser in which a person is signed in."""
    http = TestClient(create_app(office.settings, office))
    account = next(a for a in office.accounts.all() if a.login == who)
    http.cookies.set("session", office.accounts.sign_in(account))
    return http


def test_what_was_on_offer_is_shown_as_of_a_day(office: Office) -> None:
    """Each card as it was told then: windows, holds, and what was taken off the list since."""
    today = office.today()
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    office.ask("asset/A2", "delist", {"reason": "自用"}, clerk)
    assert "A2" not in shown(office, "o_b")

    def then(days_ago: int, **asked: Any) -> dict[str, Any]:
        asking = Asking(unit="o_b", on=today - days_ago * DAY, past=True, **asked)
        return {one.row["id"]: one for one in Market(office, asking).page(EVERYTHING, None, 9)[0]}

    past = then(2)
    assert list(past) == ["A2", "A3", "A4"]
    assert [one.open for one in past.values()] == [False, True, True]
    assert past["A2"].row["quantity"] == "40"
    assert list(then(9)) == ["A3", "A4"] and list(then(31)) == []
    assert list(then(2, class_code="A0201")) == []
    assert list(then(2, kind="furniture")) == ["A2"]
    page = signed_in(office, "clerk").get(f"/offers?on={today - 2 * DAY}")
    assert page.status_code == 200 and "会议椅" in page.text and "kind=claim" not in page.text
    assert signed_in(office, "clerk").get("/offers?on=yesterday").status_code == 422
