"""Templates, blank labels and asset numbers of a unit (T85, T87)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from given import Given, Ledger, given
from hypothesis import given as each
from hypothesis import strategies as st

from domain import label_design
from domain.label_design import (
    AssetNumberGiven,
    NumberRuleSet,
    Overflow,
    StockPrinted,
    StockVoided,
    TemplateDrawn,
    TemplateWithdrawn,
    UnitLabels,
    stock_id,
    stock_serial,
)
from labels import identity
from ledger.book import NUMBER_TAKEN


def past(*facts: Any) -> Given:
    """Say what happened to the labels of the unit whose people ask."""
    return given(label_design.lifecycle, *facts).at(stream="labels/o_a")


SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)
SIZE: dict[str, Any] = {"width": "60", "height": "40", "code_side": "28"}
drawn = TemplateDrawn(
    template="desk",
    title="办公桌椅",
    since=SPRING,
    fields="name place",
    overflow=Overflow.CUT,
    **SIZE,
)
asked = {"template": "desk", "title": "办公桌椅", "since": SPRING, **SIZE}
rule = NumberRuleSet(number_prefix="ZC", digits=4, since=SPRING, yearly=True, check=True)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# Templates --------------------------------------------------------------------


@pytest.mark.target("T85")
def test_a_template_is_drawn_up() -> None:
    past().when(label_design.draw_template, **asked, fields="name place", overflow="cut").then(
        drawn
    )


@pytest.mark.target("T85")
def test_a_changed_template_holds_from_its_day_and_the_earlier_one_until_then() -> None:
    later = TemplateDrawn(
        template="desk", title="办公桌椅", since=SUMMER, fields="name", overflow=Overflow.SHRINK,
        width="70", height="40", code_side="28",
    )  # fmt: skip
    gone = TemplateWithdrawn(template="desk", since=AUTUMN, reason="改用统一模板")
    for order in ([drawn, later, gone], [gone, later, drawn]):
        state = label_design.lifecycle.fold(order)
        widths = [
            (held.width if (held := state.template("desk", on)) else None)
            for on in (date(2026, 2, 28), SPRING, date(2026, 5, 31), SUMMER, AUTUMN)
        ]
        assert widths == [None, "60", "60", "70", None]
        assert [design.width for design in state.templates(SUMMER)] == ["70"]


@pytest.mark.parametrize(
    ("side", "fits"), [("16.99", False), ("17", True), ("33", True), ("33.01", False)]
)
def test_a_code_is_large_enough_to_read_and_leaves_room_for_the_words(
    side: str, fits: bool
) -> None:
    sizes = asked | {"code_side": side}
    tried = past().when(label_design.draw_template, **sizes)
    if fits:
        tried.then_granted()
    else:
        tried.then_refused(label_design.CODE_FITS)


@pytest.mark.parametrize(("side", "fits"), [("19.49", False), ("19.5", True)])
def test_a_whole_signature_needs_a_larger_code(side: str, fits: bool) -> None:
    sizes = asked | {"code_side": side, "code_signed": True}
    tried = past().when(label_design.draw_template, **sizes)
    if fits:
        tried.then_granted()
    else:
        tried.then_refused(label_design.CODE_FITS)


def test_a_template_may_print_everything_a_label_can_say() -> None:
    every = " ".join(label_design.FIELDS)
    past().when(label_design.draw_template, **asked, fields=every).then_granted()


@pytest.mark.parametrize(("left", "fits"), [("10", True), ("10.1", False)])
def test_labels_do_not_hang_over_the_edge_of_the_sheet(left: str, fits: bool) -> None:
    tried = past().when(
        label_design.draw_template, **asked, columns=3, rows=7, gap_across="10", margin_left=left
    )
    if fits:
        tried.then_granted()
    else:
        tried.then_refused(label_design.ON_THE_SHEET)


def test_a_field_stands_on_a_label_once() -> None:
    past().when(label_design.draw_template, **asked, fields="name name").then_refused(
        label_design.FIELDS_ONCE
    )


def test_a_unit_has_a_bounded_number_of_templates() -> None:
    many = [
        TemplateDrawn(
            template=f"t{n}",
            title="标签",
            since=SPRING,
            fields="name",
            overflow=Overflow.CUT,
            **SIZE,
        )
        for n in range(50)
    ]
    past(*many[:49]).when(label_design.draw_template, **asked).then_granted()
    past(*many).when(label_design.draw_template, **asked).then_refused(label_design.TEMPLATES_LEFT)


def test_only_a_template_in_use_is_withdrawn() -> None:
    asks = {"template": "desk", "since": SUMMER, "reason": "停用"}
    past(drawn).when(label_design.withdraw_template, **asks).then(
        TemplateWithdrawn(template="desk", since=SUMMER, reason="停用")
    )
    past().when(label_design.withdraw_template, **asks).then_refused(label_design.KNOWN_TEMPLATE)


# Blank labels -----------------------------------------------------------------


@pytest.mark.target("T87")
def test_blank_labels_are_counted_so_that_none_is_printed_twice() -> None:
    past().when(label_design.print_stock, count=100).then(StockPrinted(first=1, last=100))
    past(StockPrinted(first=1, last=100)).when(label_design.print_stock, count=1).then(
        StockPrinted(first=101, last=101)
    )
    past(StockPrinted(first=1, last=9_999_990)).when(
        label_design.print_stock, count=10
    ).then_refused(label_design.STOCK_LEFT)


def test_only_printed_blanks_are_voided() -> None:
    printed = StockPrinted(first=1, last=10)
    past(printed).when(label_design.void_stock, first=9, last=10, reason="受潮").then(
        StockVoided(first=9, last=10, reason="受潮")
    ).then_state(stock_voided=frozenset({9, 10}))
    for first, last in ((9, 11), (10, 9)):
        past(printed).when(
            label_design.void_stock, first=first, last=last, reason="受潮"
        ).then_refused(label_design.STOCK_KNOWN)


@pytest.mark.target("T87")
def test_a_blank_label_is_bound_to_one_asset_and_a_second_binding_is_refused(
    ledger: Ledger,
) -> None:
    ledger.card("A")
    ledger.card("B")
    ledger.ask("u_clerk", "labels/o_a", "print_stock", count=3)
    blank = stock_id("o_a", 2)
    ledger.ask("u_clerk", "asset/A", "bind_label", label=blank)
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/B", "bind_label", label=blank)
    assert ledger.state("asset/A").label == blank


@each(st.from_regex(r"[a-z0-9][a-z0-9_.~-]{0,39}", fullmatch=True), st.integers(1, 9_999_999))
def test_the_id_of_a_blank_label_is_read_back_whatever_the_case(unit: str, serial: int) -> None:
    label = stock_id(unit, serial)
    assert stock_serial(label) == stock_serial(label.lower()) == (unit.upper(), serial)
    wrong = label[:-1] + ("0" if label[-1] != "0" else "1")
    assert stock_serial(wrong) is None
    assert stock_serial("ZC-2026-0001") is None


# Asset numbers ----------------------------------------------------------------


def test_asset_numbers_follow_the_rule_and_end_in_a_check_character() -> None:
    past(rule).at(on=SUMMER).when(label_design.give_number).then(
        AssetNumberGiven(number="ZC-2026-0001-Y", series="ZC-2026", ordinal=1)
    )
    assert identity.has_valid_check("ZC-2026-0001-Y")


def test_a_rule_without_year_and_check_counts_on() -> None:
    plain = NumberRuleSet(number_prefix="A", digits=3, since=SPRING, yearly=False, check=False)
    first = AssetNumberGiven(number="A-001", series="A", ordinal=1)
    past(plain, first).at(on=SUMMER).when(label_design.give_number).then(
        AssetNumberGiven(number="A-002", series="A", ordinal=2)
    )
    last = AssetNumberGiven(number="A-999", series="A", ordinal=999)
    past(plain, last).at(on=SUMMER).when(label_design.give_number).then_refused(
        label_design.NUMBERS_LEFT
    )


def test_each_year_counts_anew_and_a_former_rule_goes_on_where_it_was() -> None:
    other = NumberRuleSet(number_prefix="GD", digits=4, since=SUMMER, yearly=True, check=False)
    again = NumberRuleSet(number_prefix="ZC", digits=4, since=AUTUMN, yearly=True, check=False)
    given_7 = AssetNumberGiven(number="ZC-2026-0007-X", series="ZC-2026", ordinal=7)
    known = past(rule, other, again, given_7)
    for on, number in (
        (date(2026, 6, 2), "GD-2026-0001"),
        (date(2026, 9, 2), "ZC-2026-0008"),
        (date(2027, 1, 1), "ZC-2027-0001"),
    ):
        series = number[:7]
        known.at(on=on).when(label_design.give_number).then(
            AssetNumberGiven(number=number, series=series, ordinal=int(number[8:]))
        )


def test_without_a_rule_no_number_is_made_up() -> None:
    past().when(label_design.give_number).then_refused(label_design.NUMBER_RULE)
    past(rule).at(on=date(2026, 2, 28)).when(label_design.give_number).then_refused(
        label_design.NUMBER_RULE
    )


def test_our_check_character_is_that_of_the_labels() -> None:
    for text in ("ZC-2026-0001", "A1-2425G-ABC1234002", "B-O_A-0000017"):
        assert label_design.check_character(text) == identity.check_character(text)


def test_it_says_how_far_it_has_come() -> None:
    state = label_design.lifecycle.fold([drawn, StockPrinted(first=1, last=9)])
    assert state.describe("zh") == "自定标签模板1种，已印空白标签9张，已编资产编号0个"
    assert UnitLabels().describe("en").startswith("templates of its own: 0;")
