"""Batch cards split and merge to the fen, and whoever reads them finds where everything went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from domain import asset, splitting, use
from domain.asset import Asset, AssetRegistered, Book, Custody, Kind, Lock
from domain.decider import LIFECYCLES, Ask, Event, Occasion, Refused
from domain.holding import HeldForProcess
from domain.labelling import LabelBound
from domain.lending import AssetLent
from domain.splitting import CardMergedInto, CardsMerged, CardSplit, DepreciationStated
from domain.words import Role
from ledger.book import CONTRADICTED
from ledger.verifying import verify
from projections import history, inventory
from projections.scope import EVERYTHING, Filters
from projections.store import ReadModels

past = partial(given, asset.lifecycle)

chairs = AssetRegistered(
    asset_no="ZC-40",
    name="会议椅",
    kind=Kind.FURNITURE,
    unit="o_a",
    quantity="40",
    measure="把",
    value=1_234_567,
    class_code="A05010301",
    class_scheme="GB/T 14885-2022",
    acquired=date(2021, 3, 8),
)
worn = DepreciationStated(accumulated=333_333, residual=61_729, until=TODAY)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def carried(*cards: Asset) -> tuple[Decimal, int, int, int]:
    """Return what cards carry together: quantity, cost, depreciation, residual value."""
    assert all(c.value is not None and c.accumulated is not None for c in cards)
    return (
        sum((Decimal(c.quantity) for c in cards), Decimal(0)),
        sum(c.value or 0 for c in cards),
        sum(c.accumulated or 0 for c in cards),
        sum(c.residual or 0 for c in cards),
    )


# Sharing out ------------------------------------------------------------------


@each(
    st.integers(0, 2**53 - 1),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=60).filter(any),
)
def test_shares_sum_to_the_whole_and_none_is_a_fen_off(amount: int, weights: list[int]) -> None:
    parts = splitting.shared(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1


@each(st.lists(st.integers(0, 10**9), min_size=1, max_size=60).filter(any), st.data())
def test_nothing_is_depreciated_beyond_its_cost(costs: list[int], data: st.DataObject) -> None:
    cost = sum(costs)
    residual = data.draw(st.integers(0, cost))
    accumulated = data.draw(st.integers(0, cost - residual))
    card = Asset(value=cost, accumulated=accumulated, residual=residual)
    shares = splitting.shared_depreciation(card, costs, [1] * len(costs))
    assert [sum(part or 0 for part in parts) for parts in shares] == [accumulated, residual]
    for value, gone, left in zip(costs, *shares, strict=True):
        assert 0 <= (gone or 0) + (left or 0) <= value


@each(st.from_regex(r"\A(0|[1-9][0-9]{0,14})(\.[0-9]{0,40}[1-9])?\Z"))
def test_a_quantity_of_any_length_keeps_every_digit(text: str) -> None:
    (number,), places = splitting.scaled(text)
    assert splitting.unscaled(number, places) == text


# A batch splits ---------------------------------------------------------------


@pytest.mark.target("T32")
def test_seven_of_forty_chairs_get_a_card_to_the_fen(ledger: Ledger) -> None:
    ledger.ask(
        "u_clerk",
        "asset/C",
        "register_existing",
        **{
            name: value
            for name, value in msgspec.to_builtins(chairs).items()
            if name in asset.lifecycle.verbs["register_existing"].form.__struct_fields__
        },
    )
    ledger.ask("u_book", "asset/C", "state_depreciation", accumulated=333_333, residual=61_729,
               until=TODAY)  # fmt: skip
    before = ledger.state("asset/C")
    ledger.ask("u_clerk", "asset/C", "split", quantity="7", reason="七把调给教育局")
    old, new = ledger.state("asset/C"), ledger.state("asset/C.1")
    assert (old.quantity, new.quantity) == ("33", "7")
    # 1,234,567 × 7 ÷ 40 = 216,049.225; the fen goes where the larger remainder is.
    assert (old.value, new.value) == (1_018_518, 216_049)
    assert carried(old, new) == carried(before)
    assert (new.split_from, new.asset_no, new.name) == ("C", "ZC-40-1", "会议椅")
    assert (new.custody, new.custodian, new.acquired) == (Custody.STORE, "o_a", date(2021, 3, 8))
    assert ledger.facts("asset/C")[-1] == "asset.card_split"
    assert ledger.facts("asset/C.1") == ["asset.card_split_off"]


@pytest.mark.target("T32")
def test_a_part_splits_off_by_its_own_value() -> None:
    """Seven of the chairs were dearer: their cost is stated, wear goes along the cost."""
    then = past(chairs, worn).when(
        splitting.split, quantity="7", value=400_000, asset_no="ZC-41", reason="发票单列"
    )
    fact, ask = then.answers
    assert fact == CardSplit(
        assets=("X.1",),
        quantity="7",
        value=400_000,
        accumulated=108_000,  # (333,333 of 1,234,567 - 61,729) × (400,000 - 20,000)
        residual=20_000,
        reason="发票单列",
    )
    assert isinstance(ask, Ask)
    assert (ask.stream, ask.verb) == ("asset/X.1", "open_split_off")
    assert (ask.form["asset_no"], ask.form["value"]) == ("ZC-41", 400_000)
    then.then_state(quantity="33", value=834_567, accumulated=225_333, residual=41_729)
    past(chairs).when(splitting.split, quantity="7", value=1_234_567, reason="r").then_state(
        value=0
    )
    past(chairs).when(splitting.split, quantity="7", value=1_234_568, reason="r").then_refused(
        splitting.VALUE_WITHIN
    )
    used = msgspec.structs.replace(chairs, used_from=date(2021, 4, 1))
    (_, part) = past(used).when(splitting.split, quantity="7", reason="r").answers
    assert isinstance(part, Ask) and part.form["used_from"] == date(2021, 4, 1)
    unvalued = msgspec.structs.replace(chairs, value=None)
    past(unvalued).when(splitting.split, quantity="7", value=1, reason="r").then_refused(
        splitting.VALUE_WITHIN
    )
    past(unvalued).when(splitting.split, quantity="7", reason="r").then_state(value=None)


@pytest.mark.target("T32")
def test_a_batch_becomes_single_cards_that_differ_by_a_fen_at_most() -> None:
    then = past(chairs, worn).when(splitting.split, quantity="1", copies=39, reason="逐把建卡")
    cards = [a.form for a in then.answers if isinstance(a, Ask)]
    assert len(cards) == 39
    assert [card["asset_no"] for card in cards[:2]] == ["ZC-40-1", "ZC-40-2"]
    assert {card["value"] for card in cards} == {30_864, 30_865}  # 30,864.175 each
    fact = then.answers[0]
    assert isinstance(fact, CardSplit)
    assert fact.value == sum(card["value"] for card in cards)
    then.then_state(quantity="1", value=1_234_567 - (fact.value or 0), split_off=39)


def test_something_stays_on_the_card() -> None:
    past(chairs).when(splitting.split, quantity="39", reason="r").then_granted()
    for quantity, copies in (("40", 1), ("41", 1), ("20", 2), ("0", 1)):
        past(chairs).when(
            splitting.split, quantity=quantity, copies=copies, reason="r"
        ).then_refused(splitting.LESS_THAN_ALL)
    wire = msgspec.structs.replace(chairs, quantity="2.5", measure="千米")
    past(wire).when(splitting.split, quantity="2.499", reason="r").then_state(quantity="0.001")
    past(wire).when(splitting.split, quantity="2.5", reason="r").then_refused(
        splitting.LESS_THAN_ALL
    )


def test_a_step_splits_off_as_many_cards_as_one_entry_can_name() -> None:
    many = msgspec.structs.replace(chairs, quantity="1000")
    most = splitting.CARDS_MAX
    past(many).when(splitting.split, quantity="1", copies=most, reason="r").then_granted()
    for copies in (0, most + 1):
        past(many).when(splitting.split, quantity="1", copies=copies, reason="r").then_refused(
            splitting.COUNT_WITHIN
        )
    long = msgspec.structs.replace(chairs, asset_no="长" * 78)
    past(long).when(splitting.split, quantity="1", copies=9, reason="r").then_granted()
    past(long).when(splitting.split, quantity="1", copies=10, reason="r").then_refused(
        splitting.NUMBERS_FIT
    )


def test_what_is_held_lent_or_away_is_not_split() -> None:
    held = HeldForProcess(case="loan/L", lock=Lock.RESERVED)
    lent = AssetLent(borrower="o_b", due=TODAY, case="loan/L")
    away = use.RepairStarted(fault="断腿")
    for fact, rule in (
        (held, asset.UNLOCKED),
        (lent, splitting.IN_OUR_HANDS),
        (away, splitting.IN_OUR_HANDS),
    ):
        past(chairs, fact).when(splitting.split, quantity="7", reason="r").then_refused(rule)
        past(chairs, fact).when(splitting.merge, assets=("Y",), reason="r").then_refused(rule)


def test_what_is_split_off_stays_where_it_is_in_the_same_hands(ledger: Ledger) -> None:
    ledger.card("C", name="会议椅", kind="furniture", quantity="40", value=400_000, place="p_1")
    ledger.ask("u_clerk", "asset/C", "bind_label", label="L-1")
    ledger.ask("u_clerk", "asset/C", "issue", user="u_li")
    ledger.ask("u_clerk", "asset/C", "split", quantity="10", copies=2, reason="r")
    for card in ("C.1", "C.2"):
        new = ledger.state(f"asset/{card}")
        assert (new.custody, new.user, new.place) == (Custody.IN_USE, "u_li", "p_1")
        assert new.label == ""  # a label stands for one card
    assert ledger.state("asset/C").label == "L-1"
    ledger.ask("u_clerk", "asset/C.1", "split", quantity="3", reason="r")
    assert ledger.state("asset/C.1.1").asset_no == "ZC-C-1-1"
    ledger.ask("u_clerk", "asset/C", "split", quantity="1", reason="r")
    assert ledger.state("asset/C.3").asset_no == "ZC-C-3"


def test_a_split_is_taken_back_whole(ledger: Ledger) -> None:
    ledger.card("C", quantity="40", value=400_001)
    ledger.ask("u_clerk", "asset/C", "split", quantity="7", copies=2, reason="r")
    ledger.book.reverse("asset/C", 2, ledger.occasion("u_clerk"), reason="拆错")
    assert ledger.state("asset/C").quantity == "40"
    assert ledger.state("asset/C").value == 400_001
    assert ledger.state("asset/C.1").book is Book.NONE


@pytest.mark.target("T32")
def test_a_late_split_that_a_later_correction_knew_nothing_of_is_refused(ledger: Ledger) -> None:
    """The correction said what the whole batch is worth; told in order, fen would be made."""
    ledger.on = date(2025, 6, 1)
    ledger.card("C", quantity="40", value=400_000)
    ledger.on = date(2025, 6, 20)
    ledger.ask("u_book", "asset/C", "correct_value", value=480_000, reason="决算")
    ledger.on = date(2025, 6, 10)
    ledger.refuses(CONTRADICTED, "u_clerk", "asset/C", "split", quantity="7", reason="r")
    ledger.on = date(2025, 6, 20)
    ledger.ask("u_clerk", "asset/C", "split", quantity="7", reason="r")
    ledger.on = date(2025, 6, 10)
    ledger.refuses(CONTRADICTED, "u_book", "asset/C", "correct_value", value=1, reason="r")


# Cards merge ------------------------------------------------------------------


@pytest.mark.target("T32")
def test_cards_of_one_sort_merge_and_the_merged_ones_stay_readable(ledger: Ledger) -> None:
    ledger.card("C", quantity="40", value=1_234_567)
    ledger.ask("u_clerk", "asset/C", "split", quantity="7", copies=3, reason="r")
    ledger.ask("u_clerk", "asset/C.2", "merge", assets=["C", "C.3"], reason="并回一张")
    into = ledger.state("asset/C.2")
    assert (into.quantity, into.merged) == ("33", 2)
    assert into.value + ledger.state("asset/C.1").value == 1_234_567
    gone = ledger.state("asset/C")
    assert (gone.book, gone.quantity, gone.value) == (Book.GONE, "0", 0)
    assert "已并入卡片C.2" in gone.describe("zh")
    assert "merged into card C.2" in gone.describe("en")
    assert ledger.facts("asset/C")[-1] == "asset.card_merged_into"
    assert ledger.facts("asset/C.2")[-2:] == ["asset.cards_merged"] * 2
    ledger.refuses(splitting.ON_BOOKS, "u_clerk", "asset/C", "split", quantity="1", reason="r")


@pytest.mark.parametrize(
    ("differ", "zh", "en"),
    [
        ({"kind": "office"}, "资产类别", "kind"),
        ({"class_code": "A05010302"}, "分类代码", "class code"),
        ({"class_scheme": "GB/T 14885-2010"}, "分类标准版本", "class code version"),
        ({"unit": "o_b"}, "入账单位", "accounting unit"),
        ({"measure": "张"}, "计量单位", "unit of measure"),
        ({"value_type": "nominal"}, "价值类型", "value type"),
        ({"value": None}, "原值", "original cost"),
        ({"acquired": "2020-01-01"}, "取得日期", "acquired on"),
        ({"used_from": "2020-01-01"}, "投入使用日期", "in use from"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_cards_that_are_not_alike_do_not_merge(
    database: str, differ: dict[str, Any], zh: str, en: str
) -> None:
    ledger = Ledger(database)
    alike = {"quantity": "4", "value": 400, "measure": "把", "class_code": "A05010301"}
    ledger.card("A", **alike)
    ledger.card("B", **alike | differ)
    refused = ledger.refuses(
        splitting.ALIKE, "u_clerk", "asset/A", "merge", assets=["B"], reason="r"
    )
    assert zh in refused.sentence("zh")
    assert en in refused.sentence("en")
    ledger.card("D", **alike)
    ledger.ask("u_clerk", "asset/A", "merge", assets=["D"], reason="r")
    ledger.close()


def test_a_single_thing_and_a_labelled_card_are_not_merged_away() -> None:
    form = {"asset": "A", "like": splitting.likeness(Asset()), "reason": "r"}
    single = msgspec.structs.replace(chairs, serial="SN1")
    for facts in ([single], [chairs, LabelBound(label="L-1")]):
        past(*facts).when(splitting.merge_into, **form).then_refused(splitting.WITHOUT_MARKS)


def test_a_card_is_merged_once_and_not_with_itself() -> None:
    past(chairs).when(splitting.merge, assets=("X",), reason="r").then_refused(
        splitting.ANOTHER_CARD
    )
    for assets in ((), ("Y", "Y"), tuple(f"Y{n}" for n in range(splitting.CARDS_MAX + 1))):
        past(chairs).when(splitting.merge, assets=assets, reason="r").then_refused(
            splitting.COUNT_WITHIN
        )


def test_a_sum_beyond_what_is_recorded_exactly_is_refused() -> None:
    form = {"asset": "Y", "quantity": "1", "accumulated": None, "residual": None, "reason": "r"}
    most = 2**53 - 1 - (chairs.value or 0)
    past(chairs).when(splitting.take_in, value=most, **form).then_granted()
    past(chairs).when(splitting.take_in, value=most + 1, **form).then_refused(splitting.SUM_FITS)
    past(chairs).when(
        splitting.take_in, value=1, **form | {"quantity": "999999999999960"}
    ).then_refused(splitting.SUM_FITS)


def test_depreciation_is_stated_within_the_cost() -> None:
    past(chairs).when(
        splitting.state_depreciation, accumulated=1_234_566, residual=1, until=TODAY
    ).then(DepreciationStated(accumulated=1_234_566, residual=1, until=TODAY))
    past(chairs).when(
        splitting.state_depreciation, accumulated=1_234_567, residual=1, until=TODAY
    ).then_refused(splitting.WITHIN_COST)


@pytest.mark.target("T32")
def test_the_lists_carry_the_same_before_between_and_after(ledger: Ledger) -> None:
    """Totals of every day are what the card was entered with; a merged card counts for nothing."""
    models = ReadModels.open(ledger.book.url)
    days = [date(2025, 6, day) for day in (1, 10, 20)]
    ledger.on = days[0]
    ledger.card("C", quantity="40", value=1_234_567)
    ledger.on = days[1]
    ledger.ask("u_clerk", "asset/C", "split", quantity="7", copies=3, reason="r")
    ledger.on = days[2]
    ledger.ask("u_clerk", "asset/C.1", "merge", assets=["C.2", "C.3"], reason="r")
    models.catch_up(ledger.book)
    for day, cards in zip(days, (["C"], ["C", "C.1", "C.2", "C.3"], ["C", "C.1"]), strict=True):
        on = day.isoformat()
        then = models.rows(history.as_of(EVERYTHING, Filters(), on=on))
        assert [row["id"] for row in then] == cards
        assert sum(row["value"] for row in then) == 1_234_567
        assert sum(Decimal(row["quantity"]) for row in then) == 40
        (total,) = models.rows(history.totals_as_of(EVERYTHING, Filters(), on=on))
        assert (total["assets"], total["value"]) == (len(cards), 1_234_567)
    (total,) = models.rows(inventory.totals(EVERYTHING, Filters()))
    assert (total["assets"], total["value"]) == (2, 1_234_567)
    (total,) = models.rows(inventory.totals(EVERYTHING, Filters(book="any")))
    assert (total["assets"], total["value"]) == (4, 1_234_567)
    models.close()


@pytest.mark.target("T32")
def test_five_hundred_cards_are_split_off_in_one_act(ledger: Ledger) -> None:
    ledger.card("C", quantity="501", value=10**9 + 7)
    receipt = ledger.ask("u_clerk", "asset/C", "split", quantity="1", copies=500, reason="r")
    assert receipt.count == 501
    cards = ["C", *(f"C.{n}" for n in range(1, 501))]
    assert sum(ledger.state(f"asset/{card}").value for card in cards) == 10**9 + 7
    ledger.ask("u_clerk", "asset/C", "merge", assets=cards[1:], reason="r")
    assert ledger.state("asset/C").value == 10**9 + 7
    assert verify(ledger.book).intact


# Whatever is split and merged -------------------------------------------------


@dataclass
class World:
    """Streams in memory; an act is granted whole or not at all, as the ledger does it."""

    states: dict[str, Asset] = field(default_factory=dict)

    def act(self, card: str, verb: str, form: dict[str, Any]) -> bool:
        moved = dict(self.states)
        try:
            self._grant(moved, Ask(f"asset/{card}", verb, form), asked=False)
        except Refused:
            return False
        self.states = moved
        return True

    def _grant(self, moved: dict[str, Asset], ask: Ask, *, asked: bool) -> None:
        id_ = ask.stream.partition("/")[2]
        occasion = Occasion(by="u_1", on=TODAY, stream=ask.stream, role=Role.CLERK)
        state = moved.get(id_, Asset())
        for answer in LIFECYCLES["asset"].decide(state, ask.verb, occasion, ask.form, asked=asked):
            if isinstance(answer, Ask):
                self._grant(moved, answer, asked=True)
            else:
                assert isinstance(answer, Event)
                moved[id_] = LIFECYCLES["asset"].evolve(moved.get(id_, Asset()), answer)


QUANTITIES = st.sampled_from(["0.001", "0.5", "1", "2", "3", "7", "12.25"])


@pytest.mark.target("T32")
@settings(max_examples=150)
@each(st.integers(0, 10**7), st.data())
def test_no_sequence_of_splits_and_merges_loses_or_makes_a_fen(
    value: int, data: st.DataObject
) -> None:
    residual = data.draw(st.integers(0, value))
    accumulated = data.draw(st.integers(0, value - residual))
    past_ = [
        msgspec.structs.replace(chairs, value=value),
        DepreciationStated(accumulated=accumulated, residual=residual, until=TODAY),
    ]
    world = World({"C": asset.lifecycle.fold(past_)})
    granted = 0
    for _ in range(data.draw(st.integers(1, 12))):
        cards = [id_ for id_, card in world.states.items() if card.book is Book.ON_BOOKS]
        card = data.draw(st.sampled_from(cards))
        others = [other for other in cards if other != card]
        if others and data.draw(st.booleans()):
            chosen = data.draw(st.lists(st.sampled_from(others), min_size=1, unique=True))
            granted += world.act(card, "merge", {"assets": chosen, "reason": "r"})
        else:
            form: dict[str, Any] = {"quantity": data.draw(QUANTITIES), "reason": "r"}
            form["copies"] = data.draw(st.integers(1, 4))
            if data.draw(st.booleans()):
                form["value"] = data.draw(st.integers(0, value))
            granted += world.act(card, "split", form)
        assert carried(*world.states.values()) == (Decimal(40), value, accumulated, residual)
        for state in world.states.values():
            assert min(state.value or 0, state.accumulated or 0, state.residual or 0) >= 0
            assert (state.accumulated or 0) + (state.residual or 0) <= (state.value or 0)
            assert Decimal(state.quantity) > 0 or state.merged_into


def test_facts_of_a_merge_say_the_same_on_both_cards() -> None:
    other = Asset(quantity="3", value=300, accumulated=10, residual=None)
    merged = CardsMerged(
        asset="Y", quantity="3", value=300, accumulated=10, residual=None, reason="r"
    )
    after = splitting.evolve(Asset(quantity="1.5", value=1, accumulated=2), merged)
    assert (after.quantity, after.value, after.accumulated) == ("4.5", 301, 12)
    gone = splitting.evolve(other, CardMergedInto(asset="X", reason="r"))
    assert (gone.quantity, gone.value, gone.accumulated, gone.residual) == ("0", 0, 0, None)
    assert gone.shares == ("0", 0, 0, None)
    assert other.shares is None
