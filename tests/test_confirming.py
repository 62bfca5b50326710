"""Who has a thing says that it is with them; nobody else can say it for them."""

from __future__ import annotations

import re
from datetime import date
from functools import partial

from doors import Door, app_of, registered, staffed
from given import given
from test_import_cards import at_page

from domain import asset, confirming
from domain.asset import AssetRegistered, Custody, Kind
from domain.confirming import ConfirmedByHolder
from domain.leaving import Derecognised
from domain.lending import AssetLent
from domain.use import IssuedToUser
from domain.words import Role

past = partial(given, asset.lifecycle)
carded = AssetRegistered(asset_no="ZC-1", name="台式计算机", kind=Kind.COMPUTER, unit="o_a")
issued = IssuedToUser(unit="o_a", user="u_wang")


def test_its_user_says_so_and_nothing_moves() -> None:
    past(carded, issued).at(by="u_wang", role=Role.CLERK).when(
        confirming.confirm_held, condition="可用"
    ).then(ConfirmedByHolder(condition="可用")).then_state(
        custody=Custody.IN_USE, user="u_wang", grade="可用"
    )
    past(carded, issued, ConfirmedByHolder(condition="可用"), ConfirmedByHolder()).then_state(
        grade="可用"
    )


def test_nobody_says_it_for_another() -> None:
    other = past(carded, issued).at(by="u_li", role=Role.KEEPER)
    other.when(confirming.confirm_held).then_refused(confirming.WITH_THEM)


def test_what_nobody_uses_is_with_the_keeper_of_its_store() -> None:
    store = past(carded)
    store.at(by="u_li", role=Role.KEEPER).when(confirming.confirm_held).then_granted()
    for occasion in ({"role": Role.CLERK}, {"role": Role.KEEPER, "unit": "o_b"}):
        store.at(by="u_li", **occasion).when(confirming.confirm_held).then_refused(
            confirming.WITH_THEM
        )
    lent = AssetLent(borrower="o_b", due=date(2025, 12, 1), case="loan/L")
    past(carded, lent).at(by="u_li", role=Role.KEEPER).when(confirming.confirm_held).then_refused(
        confirming.WITH_THEM
    )


def test_what_has_left_the_books_is_with_nobody() -> None:
    gone = past(carded, issued, Derecognised(voucher="记-9"))
    gone.at(by="u_wang", role=Role.CLERK).when(confirming.confirm_held).then_refused(
        asset.STILL_OURS
    )


def test_one_tap_on_my_things_records_it_and_a_second_one_on_the_same_page_does_not(
    database: str,
) -> None:
    with staffed(database) as office:
        door = Door(app_of(office))
        registered(door)
        assert door.post("asset/A1/issue", {"user": "u_head"}).status_code == 200
        client = at_page(office, "head")
        mine = client.get("/my").text
        (form,) = re.findall(
            r'<form method="post" action="(/assets/A1/do/confirm_held)".*?</form>', mine
        )
        assert "在我这里" in mine
        told = dict(re.findall(r'name="(key|version)" value="([^"]+)"', mine.partition(form)[2]))
        for _ in range(2):
            answer = client.post(form, data=told)
            assert answer.status_code == 303 and answer.headers["location"].startswith("/assets/A1")
        entries = office.book.stream("asset/A1").entries
        assert [e.event for e in entries].count(ConfirmedByHolder()) == 1
        assert entries[-1].actor == "u_head"
        assert "在我这里" in client.get("/assets/A1").text
        # And as programs do it; whoever does not have it is refused with the rule.
        assert (
            door.post("asset/A1/confirm_held", {"condition": "完好"}, who="head").status_code == 200
        )
        refused = door.post("asset/A1/confirm_held", who="keeper")
        assert refused.status_code == 409 and refused.json()["slug"] == "not-with-you"
