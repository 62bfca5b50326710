"""Units and places: who exists and where things can stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

import pytest
from given import Ledger, given

from domain import place, unit
from domain.place import PlaceKind, PlaceOpened
from domain.unit import UnitDissolved, UnitEstablished, UnitKind, UnitRenamed

past = partial(given, unit.lifecycle)

founded = UnitEstablished(name="示例市教育局", kind=UnitKind.ORGAN, name_en="Education Bureau")
renamed = UnitRenamed(name="示例市教育和体育局", name_en="Education and Sports Bureau")
dissolved = UnitDissolved(reason="机构改革")
opened = PlaceOpened(name="示例市公物仓", kind=PlaceKind.WAREHOUSE, unit="o_wh")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def test_a_unit_is_established_once() -> None:
    past().when(unit.establish, name="示例市教育局", kind="organ", name_en="Education Bureau").then(
        founded
    ).then_state(name="示例市教育局", dissolved=False)
    for history in ([founded], [founded, dissolved]):
        past(*history).when(unit.establish, name="另一局", kind="organ").then_refused(unit.NEW)


def test_a_unit_is_renamed_and_dissolved_while_it_exists() -> None:
    past(founded).when(unit.rename, name="示例市教体局", reason="合并").then(
        UnitRenamed(name="示例市教体局", reason="合并")
    ).then_state(name="示例市教体局", kind=UnitKind.ORGAN)
    past(founded, renamed).when(unit.dissolve, reason="机构改革").then(dissolved).then_state(
        dissolved=True, name="示例市教育和体育局"
    )
    for history in ([], [founded, dissolved]):
        past(*history).when(unit.rename, name="新名").then_refused(unit.EXISTS)
        past(*history).when(unit.dissolve, reason="改革").then_refused(unit.EXISTS)


def test_a_unit_says_where_it_stands() -> None:
    said = {len(h): past(*h).state.describe("zh") for h in ([], [founded], [founded, dissolved])}
    assert said == {0: "单位尚未建立", 1: "示例市教育局正常", 2: "示例市教育局已撤销"}


def test_a_place_is_opened_once() -> None:
    at = partial(given, place.lifecycle)
    at().when(place.open_place, name="示例市公物仓", kind="warehouse", unit="o_wh").then(
        opened
    ).then_state(kind=PlaceKind.WAREHOUSE, unit="o_wh")
    at(opened).when(place.open_place, name="二号仓", kind="yard", unit="o_wh").then_refused(
        place.NEW
    )


def test_a_name_is_the_name_of_that_day(ledger: Ledger) -> None:
    """The name changes on a day; before it the older one is told (T11 in the log itself)."""
    ledger.on = date(2025, 1, 1)
    ledger.ask("u_admin", "unit/o_edu", "establish", name="示例市教育局", kind="organ")
    ledger.on = date(2025, 5, 1)
    ledger.ask("u_admin", "unit/o_edu", "rename", name="示例市教育和体育局")
    told = [ledger.book.state_at("unit/o_edu", on).name for on in ("2025-04-30", "2025-05-01")]
    assert told == ["示例市教育局", "示例市教育和体育局"]
