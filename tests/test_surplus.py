"""A surplus found in a stocktake waits in 1902 until somebody who did not find it rules on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

import pytest
from booked import City
from given import given
from msgspec.structs import replace

from api.office import Office
from api.settings import Settings
from domain import asset, surplus, vouchers
from domain.asset import (
    AcceptancePassed,
    Asset,
    AssetReceived,
    AssetRegistered,
    Kind,
    Mode,
    ValueCorrected,
    ValueType,
)
from domain.decider import EntryReversed, Event
from domain.journal import accounts, of_ruling, together
from domain.leaving import Derecognised
from domain.reallocation import BooksMoved
from domain.surplus import Obtained, SurplusRuled
from domain.words import Role
from projections.changes import Only, Span
from projections.scope import EVERYTHING

past = partial(given, asset.lifecycle)

came = AssetReceived(
    name="投影仪", kind=Kind.OFFICE, unit="o_a", mode=Mode.SURPLUS, buyer="u_finder"
)
passed = AcceptancePassed(inspector="u_other")
card = AssetRegistered(
    asset_no="ZC-1", name="投影仪", kind=Kind.OFFICE, unit="o_a", value=1_800_00, mode=Mode.SURPLUS
)
bought = replace(card, asset_no="ZC-2", mode=Mode.PURCHASE)
form = {"ruling_no": "示资核1号", "obtained": Obtained.EARLIER_YEARS}
ruled = SurplusRuled(
    ruling_no="示资核1号", obtained=Obtained.EARLIER_YEARS, unit="o_a", amount=1_800_00
)


# The ruling -------------------------------------------------------------------


def test_the_ruling_clears_what_was_entered_and_is_given_once() -> None:
    past(came, passed, card).then_state(surplus=1_800_00, surplus_unit="o_a").when(
        surplus.rule_on_surplus, **form
    ).then(ruled).then_state(surplus=None, mode=Mode.SURPLUS)
    past(card, ruled).when(surplus.rule_on_surplus, **form).then_refused(surplus.WAITING)
    past(bought).when(surplus.rule_on_surplus, **form).then_refused(surplus.WAITING)
    past(came, passed).when(surplus.rule_on_surplus, **form).then_refused(surplus.WAITING)


def test_a_value_corrected_meanwhile_changes_nothing_of_what_waits() -> None:
    lower = ValueCorrected(value=1_00, value_type=ValueType.COST, reason="更正")
    past(card, lower).when(surplus.rule_on_surplus, **form).then(ruled)
    unknown = replace(card, value=None, value_type=ValueType.UNKNOWN)
    past(unknown).when(surplus.rule_on_surplus, **form).then(replace(ruled, amount=0))


def test_who_found_it_does_not_rule_in_person_or_for_somebody_else() -> None:
    told = past(came, passed, card)
    told.at(by="u_finder").when(surplus.rule_on_surplus, **form).then_refused(
        surplus.NOT_THE_FINDER
    )
    told.at(by="u_x", behalf="u_finder").when(surplus.rule_on_surplus, **form).then_refused(
        surplus.NOT_THE_FINDER
    )
    told.at(by="u_x", behalf="u_y").when(surplus.rule_on_surplus, **form).then_granted()


def test_a_head_rules_for_the_own_unit_and_finance_for_every_one() -> None:
    for role, unit, may in (
        (Role.HEAD, "o_a", True), (Role.HEAD, "o_b", False), (Role.FINANCE, "o_b", True),
        (Role.DEPARTMENT, "o_b", True), (Role.OFFICE, "o_b", True),
    ):  # fmt: skip
        said = past(card).at(role=role, unit=unit).when(surplus.rule_on_surplus, **form)
        if may:
            said.then_granted()
        else:
            said.then_refused(surplus.OWN_HEAD)


def test_what_has_moved_on_must_come_back_first() -> None:
    for after in (BooksMoved(unit="o_b", gross=1_800_00), Derecognised(voucher="记-1")):
        past(card, after).when(surplus.rule_on_surplus, **form).then_refused(surplus.WHERE_FOUND)


def test_the_history_says_it_in_both_languages_and_the_paper_can_be_printed() -> None:
    assert [SurplusRuled.zh[:4], SurplusRuled.en[:7]] == ["盘盈处理", "Surplus"]
    assert SurplusRuled.papers
    assert isinstance(asset.lifecycle.fold([card, ruled]), Asset)


# The voucher ------------------------------------------------------------------


def test_the_voucher_clears_1902_to_what_it_turned_out_to_be() -> None:
    clears = {
        Obtained.EARLIER_YEARS: "3501", Obtained.PURCHASE: "2302", Obtained.DONATION: "4603",
        Obtained.TRANSFER: "3401",
    }  # fmt: skip
    assert set(clears) == set(Obtained)
    for obtained, code in clears.items():
        (voucher,) = together([of_ruling(replace(ruled, obtained=obtained), "A")], ())
        assert [(li.side.value, li.code, li.amount) for li in voucher.lines] == [
            ("debit", "1902", 1_800_00), ("credit", code, 1_800_00),
        ]  # fmt: skip
    own = replace(
        vouchers.template_of(vouchers.SURPLUS_RULED, ()),
        accounts=(vouchers.Account(slug="found", code="4609", zh="其他收入", en="Other income"),),
    )
    assert list(vouchers.contradictions((own,))) == []
    (voucher,) = together([of_ruling(ruled, "A")], (own,))
    assert [line.code for line in voucher.lines] == ["1902", "4609"]


# The books --------------------------------------------------------------------

JAN = date(2024, 1, 10)
YEAR = Span(start="2023-12-31", end="2024-12-31")


@pytest.fixture
def city(database: str) -> Iterator[tuple[Office, City]]:
    office = Office.open(Settings(database=database))
    yield office, City(office.book, office.models)
    office.close()


def test_1902_names_what_nobody_has_ruled_on_and_nothing_else(city: tuple[Office, City]) -> None:
    office, told = city
    unit = told.units[0]
    mine = [
        replace(card, unit=unit, asset_no=""),
        replace(card, unit=unit, asset_no="", value=9_00),
    ]
    streams = [f"asset/{told.dataset}{n}" for n in range(2)]
    for stream, one in zip(streams, mine, strict=True):
        told.append(stream, [(one, JAN)])
    decided: Event = replace(ruled, unit=unit)
    told.append(streams[0], [(decided, JAN + timedelta(days=60))])

    def waits(on: str) -> tuple[list[str], int]:
        office.show(office.book.head()[0])
        found = office.journals.checked(unit, on)
        assert found.broken == (), on
        journal = office.journals.of(EVERYTHING, Span(start="2023-12-31", end=on), Only(unit=unit))
        balance = sum(a.balance for a in accounts(journal.proposed) if a.code == "1902")
        assert balance == journal.open_items == -sum(leg.net for leg in found.waiting)
        return [leg.asset for leg in found.waiting], balance

    both = [stream.partition("/")[2] for stream in streams]
    assert waits("2024-03-09") == (both, -1_809_00)
    assert waits("2024-03-10") == (both[1:], -9_00)
    assert waits("2024-12-31") == (both[1:], -9_00)
    # A month after the finding has the ruling alone, and the table of movements knows nothing of it.
    march = Span(start="2024-02-29", end="2024-03-31")
    (only,) = office.journals.of(EVERYTHING, march, Only(unit=unit)).proposed
    assert (only.voucher.occasion, only.voucher.assets) == (vouchers.SURPLUS_RULED, (both[0],))
    assert list(office.booking.legs(EVERYTHING, march, Only(unit=unit))) == []
    # A ruling entered by mistake is reversed: the item waits again.
    told.append(streams[0], [(EntryReversed(seq=2, reason="误登"), date(2024, 6, 1))])
    assert waits("2024-12-31") == (both, -1_809_00)
