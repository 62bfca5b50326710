"""Units and places: who exists and where things can stand."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from given import TODAY, Ledger, given
from hypothesis import given as each
from hypothesis import strategies as st

from domain import place, unit, uscc
from domain.decider import Ask, Event, Refused, Rule
from domain.place import PlaceKind, PlaceOpened
from domain.unit import (
    CreditCodeDoubted,
    CreditCodeRecorded,
    Level,
    PredecessorSucceeded,
    TemporaryBodyEstablished,
    TemporaryTermExtended,
    UnitDissolved,
    UnitEstablished,
    UnitKind,
    UnitMerged,
    UnitPlaced,
    UnitRenamed,
    UnitSplit,
)
from domain.uscc import Doubt

past = partial(given, unit.lifecycle)

founded = UnitEstablished(name="示例市教育局", kind=UnitKind.ORGAN, name_en="Education Bureau")
renamed = UnitRenamed(name="示例市教育和体育局", name_en="Education and Sports Bureau")
dissolved = UnitDissolved(reason="机构改革")
expo = TemporaryBodyEstablished(
    name="示例博览会筹备办", ends_on=TODAY, approval_no="示编〔2025〕1号"
)
GOOD = "11500000009276871K"  # a body of a municipality; published
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


# Where it belongs ---------------------------------------------------------------


def test_level_region_and_department_hold_from_a_day_on() -> None:
    at = {"level": "county", "region": "150122", "competent": "o_edu"}
    placed = UnitPlaced(level=Level.COUNTY, region="150122", competent="o_edu")
    past(founded).when(unit.belong, **at).then(placed)
    past().when(
        unit.establish, name="示例市教育局", kind="organ", name_en="Education Bureau", **at
    ).then(founded, placed).then_state(level=Level.COUNTY, region="150122", competent="o_edu")
    past(founded, placed).when(unit.belong, level="prefecture").then_state(
        level=Level.PREFECTURE, region="", competent=""
    )


@pytest.mark.parametrize("region", ["15012", "1501222", "15012A", "呼和浩特"])
def test_a_division_is_six_digits(region: str) -> None:
    past(founded).when(unit.belong, level="county", region=region).then_refused(unit.DIVISION)


# Credit codes (GB 32100-2015) -----------------------------------------------------


def test_a_doubtful_credit_code_warns_and_refuses_nobody() -> None:
    wrong = GOOD[:-1] + "J"
    past(founded).when(unit.record_credit_code, uscc=GOOD).then(CreditCodeRecorded(uscc=GOOD))
    doubted = past(founded).when(unit.record_credit_code, uscc=wrong)
    doubted.then(
        CreditCodeRecorded(uscc=wrong), CreditCodeDoubted(uscc=wrong, doubt=Doubt.CHECK)
    ).then_state(uscc=wrong, doubt=Doubt.CHECK)
    now = past(founded, CreditCodeDoubted(uscc=wrong, doubt=Doubt.CHECK)).state
    assert "校验码不符" in now.describe("zh") and "check character" in now.describe("en")
    mended = unit.lifecycle.evolve(now, CreditCodeRecorded(uscc=GOOD))
    assert mended.doubt is None


@pytest.mark.parametrize(
    ("code", "doubt"),
    [
        ("", None),
        (GOOD, None),
        (GOOD[:-1], Doubt.LENGTH),
        (GOOD + "0", Doubt.LENGTH),
        (GOOD.lower(), Doubt.LETTER),
        (GOOD.replace("5", "S"), Doubt.LETTER),
        ("91350203M0001QAY9B", Doubt.CHECK),  # genuine, of the first years
    ],
)
def test_each_doubt_has_its_name(code: str, doubt: Doubt | None) -> None:
    assert uscc.doubt(code) is doubt


@each(st.text(uscc.LETTERS, min_size=17, max_size=17), st.integers(0, 17), st.data())
def test_one_mistyped_character_is_noticed(body: str, place_: int, data: st.DataObject) -> None:
    """31 is prime and no weight is a multiple of it."""
    code = body + uscc.check_character(body)
    other = data.draw(st.sampled_from(uscc.LETTERS.replace(code[place_], "")))
    assert uscc.doubt(code) is None
    assert uscc.doubt(code[:place_] + other + code[place_ + 1 :]) is Doubt.CHECK


def test_published_codes_pass(shared_file: Callable[[str], Path]) -> None:
    with shared_file("cn_uscc/uscc_valid.csv").open(encoding="utf-8") as file:
        codes = [row["uscc"] for row in csv.DictReader(file)]
    assert len(codes) > 5
    assert [code for code in codes if uscc.doubt(code)] == []
    with shared_file("cn_uscc/uscc_examples_labelled.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert (uscc.doubt(row["uscc"]) is None) == (row["valid"] == "yes"), row


# What becomes of it ----------------------------------------------------------------


def test_a_temporary_body_has_a_last_day_and_a_document() -> None:
    form = {"name": "示例博览会筹备办", "approval_no": "示编〔2025〕1号"}
    past().when(unit.establish_temporary, ends_on=TODAY, **form).then(expo).then_state(
        kind=UnitKind.TEMPORARY, ends_on=TODAY
    )
    yesterday = TODAY - timedelta(days=1)
    past().when(unit.establish_temporary, ends_on=yesterday, **form).then_refused(unit.ENDS_AHEAD)
    tomorrow = TODAY + timedelta(days=1)
    longer = {"ends_on": tomorrow, "approval_no": "示编〔2025〕9号"}
    past(expo).when(unit.extend_term, **longer).then(TemporaryTermExtended(**longer))
    past(expo).when(unit.extend_term, ends_on=TODAY, approval_no="9号").then_refused(
        unit.ENDS_AHEAD
    )
    past(founded).when(unit.extend_term, **longer).then_refused(unit.TEMPORARY)


def test_a_unit_ends_in_another_or_in_several() -> None:
    at = {"stream": "unit/o_tour"}
    past(founded).at(**at).when(unit.merge, into="o_cul", order_no="示委〔2025〕3号").then(
        UnitMerged(into="o_cul", order_no="示委〔2025〕3号"),
        Ask("unit/o_cul", "succeed", {"predecessor": "o_tour", "order_no": "示委〔2025〕3号"}),
    ).then_state(dissolved=True, successors=("o_cul",))
    past(founded).at(**at).when(unit.split, into=("o_cul", "o_sport"), order_no="3号").then_state(
        dissolved=True, successors=("o_cul", "o_sport")
    )
    for into in (("o_tour", "o_cul"), ("o_cul", "o_cul")):
        past(founded).at(**at).when(unit.split, into=into, order_no="3号").then_refused(
            unit.ANOTHER_UNIT
        )
    past(founded).at(**at).when(unit.split, into=("o_cul",), order_no="3号").then_refused(
        unit.TWO_SUCCESSORS
    )
    past(founded).at(**at).when(unit.merge, into="o_tour", order_no="3号").then_refused(
        unit.ANOTHER_UNIT
    )
    past(founded, UnitSplit(into=("o_cul", "o_sport"), order_no="3号")).when(
        unit.rename, name="新名"
    ).then_refused(unit.EXISTS)


def test_a_successor_must_exist_and_remembers(ledger: Ledger) -> None:
    for id_ in ("o_tour", "o_cul"):
        ledger.ask("u_admin", f"unit/{id_}", "establish", name=f"示例{id_}", kind="organ")
    form = {"order_no": "示委〔2025〕3号"}
    ledger.refuses(unit.EXISTS, "u_admin", "unit/o_tour", "merge", into="o_nowhere", **form)
    ledger.ask("u_admin", "unit/o_tour", "merge", into="o_cul", **form)
    assert ledger.facts("unit/o_cul") == ["unit.established", "unit.predecessor_succeeded"]
    last = ledger.book.stream("unit/o_cul").entries[-1].event
    assert last == PredecessorSucceeded(predecessor="o_tour", **form)


# Who may request (T51) --------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "on", "rule"),
    [
        ([], TODAY, unit.REGISTERED),
        ([founded, dissolved], TODAY, unit.STANDING),
        ([expo], TODAY + timedelta(days=1), unit.UNEXPIRED),
        ([expo], TODAY, None),
        ([founded], TODAY, None),
    ],
)
def test_only_a_unit_that_exists_on_the_day_requests(
    history: list[Event], on: date, rule: Rule | None
) -> None:
    state = past(*history).state
    if rule is None:
        unit.entitled(state, "o_x", on)
        return
    with pytest.raises(Refused) as caught:
        unit.entitled(state, "o_x", on)
    assert caught.value.rule is rule
    assert "{" not in caught.value.sentence("zh") + caught.value.sentence("en")
