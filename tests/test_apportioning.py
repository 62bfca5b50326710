"""A lot of several units: each one's share of proceeds and costs, to the fen, in its own name."""

from __future__ import annotations

from functools import partial

import pytest
from given import TODAY, given
from hypothesis import assume
from hypothesis import given as each
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from domain import apportioning, disposal, executing, settling
from domain.apportioning import Basis, IncomeShared, LotShared, UnitPart, UnitsStated
from domain.decider import Event
from domain.disposal import (
    Deduction,
    Disposal,
    DisposalApproved,
    DisposalProposed,
    DisposalStatus,
    ListValued,
    RemittedToTreasury,
    Sold,
)
from domain.leaving import Form, Ground
from domain.requiring import Terms
from domain.selling import PRICE_HOLDS, Appraised

past = partial(given, disposal.lifecycle)
LOT = ("A", "B", "C")
proposed = DisposalProposed(
    applicant="u_clerk",
    unit="o_wh",
    form=Form.AUCTION,
    ground=Ground.IDLE,
    minutes_no="纪1",
    assets=LOT,
)
valued = ListValued(values=(100, 200, 300), kinds=("vehicle",) * 3, amount=600)
stated = UnitsStated(units=("o_1", "o_2", "o_3"), owners=("o_1", "o_2", "o_3"))
approved = DisposalApproved(approval_no="批1", assets=LOT)


def appraised(asset: str, value: int) -> Appraised:
    return Appraised(
        assets=(asset,), appraiser="评", value=value, base_date=TODAY, report_no=f"评-{asset}"
    )


ready = past(proposed, valued, stated, approved)
priced = past(
    proposed,
    valued,
    stated,
    approved,
    *(appraised(a, v) for a, v in zip(LOT, (1, 1, 1), strict=True)),
)
DEAL = {"buyer": "买1", "deal_no": "成1"}


def units_of(then: tuple[object, ...]) -> LotShared:
    [found] = [fact for fact in then if isinstance(fact, LotShared)]
    return found


def test_the_price_is_divided_by_appraisal_and_says_so():
    found = units_of(priced.when(executing.sell_lot, assets=LOT, price=100, **DEAL).answers)
    assert found == LotShared(
        deal_no="成1",
        price=100,
        divided_by=Basis.APPRAISAL,
        parts=(
            UnitPart(unit="o_1", amount=34),
            UnitPart(unit="o_2", amount=33),
            UnitPart(unit="o_3", amount=33),
        ),
    )


def test_without_appraisals_of_all_the_original_values_divide_it():
    """One basis for the whole lot: an appraisal of one piece is not weighed against other costs."""
    half = past(proposed, valued, stated, approved, appraised("A", 10**6))
    for history in (ready, half):
        found = units_of(history.when(executing.sell_lot, assets=LOT, price=60, **DEAL).answers)
        assert found.divided_by is Basis.ORIGINAL
        assert [part.amount for part in found.parts] == [10, 20, 30]
    unknown = past(proposed, stated, approved)
    found = units_of(unknown.when(executing.sell_lot, assets=LOT, price=60, **DEAL).answers)
    assert (found.divided_by, found.parts[0].amount) == (Basis.ALIKE, 20)


def contract(**parts: int) -> tuple[Deduction, ...]:
    return tuple(Deduction(type=unit, amount=amount) for unit, amount in parts.items())


def test_what_the_contract_says_goes_before_any_value():
    split = contract(o_1=50, o_2=30, o_3=20)
    found = units_of(
        priced.when(executing.sell_lot, assets=LOT, price=100, split=split, **DEAL).answers
    )
    assert found.divided_by is Basis.CONTRACT
    assert [part.amount for part in found.parts] == [50, 30, 20]


@pytest.mark.parametrize(
    ("split", "rule"),
    [
        (contract(o_1=50, o_2=50), apportioning.UNITS_OF_LOT),
        (contract(o_1=50, o_2=30, o_3=19), apportioning.SPLIT_WHOLE),
        (contract(o_1=50, o_2=30, o_9=20), apportioning.UNITS_OF_LOT),
        ((*contract(o_1=50, o_2=30), *contract(o_1=20)), apportioning.UNIT_TWICE),
    ],
)
def test_a_contract_names_every_unit_once_and_sums_to_the_price(
    split: tuple[Deduction, ...], rule: object
):
    then = priced.when(executing.sell_lot, assets=LOT, price=100, split=split, **DEAL)
    assert then.refused is not None and then.refused.rule is rule


def test_no_contract_sells_one_units_things_below_their_floor():
    terms = disposal.TermsLaid(policy="p@1", appraisal=True, floor_percent=90)
    floored = past(proposed, valued, stated, terms, approved, *(appraised(a, 100) for a in LOT))
    fair, unfair = contract(o_1=90, o_2=90, o_3=120), contract(o_1=89, o_2=91, o_3=120)
    floored.when(executing.sell_lot, assets=LOT, price=300, split=fair, **DEAL).then_granted()
    floored.when(executing.sell_lot, assets=LOT, price=300, split=unfair, **DEAL).then_refused(
        PRICE_HOLDS
    )
    assert Terms()  # the floor is the policy's, none by itself


def test_the_things_of_one_unit_alone_need_no_division():
    own = past(proposed, valued, approved)
    answers = own.when(executing.sell_lot, assets=LOT, price=60, **DEAL).answers
    assert not [fact for fact in answers if isinstance(fact, LotShared)]
    sold = [Sold(asset=a, price=20, buyer="买", deal_no="成") for a in LOT]
    done = past(proposed, valued, approved, *sold)
    answers = done.when(settling.assess_income, gross=60).answers
    assert not [fact for fact in answers if isinstance(fact, IncomeShared)]


sold = [
    Sold(asset=a, price=p, buyer="买", deal_no="成") for a, p in zip(LOT, (50, 30, 21), strict=True)
]
executed = past(proposed, valued, stated, approved, *sold)


def test_every_cost_is_divided_line_by_line_and_nothing_is_left_over():
    lines = (Deduction(type="评估费", amount=10), Deduction(type="佣金", amount=7))
    then = executed.when(settling.assess_income, gross=101, deductions=lines)
    [shared] = [fact for fact in then.answers if isinstance(fact, IncomeShared)]
    assert [(s.unit, s.gross, s.costs, s.net) for s in shared.shares] == [
        ("o_1", 50, (5, 4), 41),
        ("o_2", 30, (3, 2), 25),
        ("o_3", 21, (2, 1), 18),
    ]
    then.then_state(due_by={"o_1": 41, "o_2": 25, "o_3": 18}, net=84)


def test_money_is_remitted_in_the_name_of_a_unit_up_to_its_share():
    facts = executed.when(settling.assess_income, gross=101).answers
    due = past(
        proposed, valued, stated, approved, *sold, *(f for f in facts if isinstance(f, Event))
    )
    paid = {"voucher": "缴1", "treasury_on": TODAY}
    due.when(settling.remit, amount=50, **paid).then_refused(apportioning.IN_WHOSE_NAME)
    due.when(settling.remit, amount=50, unit="o_9", **paid).then_refused(apportioning.IN_WHOSE_NAME)
    due.when(settling.remit, amount=51, unit="o_1", **paid).then_refused(settling.NOT_TOO_MUCH)
    due.when(settling.remit, amount=50, unit="o_1", **paid).then(
        RemittedToTreasury(amount=50, unit="o_1", **paid)
    ).then_state(remitted_by={"o_1": 50}, remitted=50, status=DisposalStatus.ASSESSED)
    due.at(unit="o_2").when(settling.remit, amount=30, **paid).then_state(remitted_by={"o_2": 30})


def test_what_was_remitted_before_is_read_in_no_name():
    assert disposal.in_no_name({"amount": 1})["unit"] is None


@each(st.data())
def test_a_units_and_the_lots_totals_agree_to_the_fen(data: DataObject):
    """Whatever is sold how, and paid in when: the units' sums are those of the lot, none below 0."""
    assets = tuple(f"A{n}" for n in range(data.draw(st.integers(1, 8))))
    owners = tuple(data.draw(st.sampled_from(("o_1", "o_2", "o_3"))) for _ in assets)
    worth = st.integers(0, 10**9)
    values = tuple(data.draw(worth) for _ in assets)
    history: list[Event] = [
        DisposalProposed(
            applicant="u",
            unit="o_wh",
            form=Form.AUCTION,
            ground=None,
            minutes_no="m",
            assets=assets,
        ),
        ListValued(values=values, kinds=("",) * len(assets), amount=sum(values)),
        UnitsStated(units=tuple(sorted(set(owners))), owners=owners),
        DisposalApproved(approval_no="1", assets=assets),
    ]
    history += [appraised(a, data.draw(worth)) for a in assets if data.draw(st.booleans())]
    case: Disposal = disposal.lifecycle.fold(history)
    cut = data.draw(st.integers(1, len(assets)))
    prices: list[int] = []
    for lot in filter(None, (assets[:cut], assets[cut:])):
        price = data.draw(st.integers(0, 10**9))
        units = sorted({apportioning.owner(case, a) for a in lot})
        split: tuple[Deduction, ...] = ()
        if data.draw(st.booleans()):
            parts = apportioning.shares(price, [data.draw(worth) for _ in units])
            split = contract(**dict(zip(units, parts, strict=True)))
        answers = (
            past(*history)
            .when(executing.sell_lot, assets=lot, price=price, split=split, **DEAL)
            .answers
        )
        assert sum(part.amount for part in units_of(answers).parts) == price
        history += [fact for fact in answers if isinstance(fact, Event)]
        prices.append(price)
    case = disposal.lifecycle.fold(history)
    assert case.proceeds == sum(prices) == sum(case.earned.values())
    assume(case.status is DisposalStatus.EXECUTED)
    left, lines = case.proceeds, []
    for _ in range(data.draw(st.integers(0, 3))):
        amount = data.draw(st.integers(0, left))
        lines.append(Deduction(type="费", amount=amount))
        left -= amount
    answers = (
        past(*history)
        .when(settling.assess_income, gross=case.proceeds, deductions=tuple(lines))
        .answers
    )
    history += [fact for fact in answers if isinstance(fact, Event)]
    [shared] = [fact for fact in answers if isinstance(fact, IncomeShared)]
    assert sum(share.gross for share in shared.shares) == case.proceeds
    assert sum(share.net for share in shared.shares) == left == shared.net
    for n, line in enumerate(lines):
        assert sum(share.costs[n] for share in shared.shares) == line.amount
    for share in shared.shares:
        assert share.gross == case.earned[share.unit]
        assert share.gross - sum(share.costs) == share.net >= 0
    case = disposal.lifecycle.fold(history)
    for unit, net in case.due_by.items():
        for amount in filter(None, (net // 3, net - net // 3)):
            assert case.status is not DisposalStatus.REMITTED
            paid = {"amount": amount, "voucher": "缴", "treasury_on": TODAY, "unit": unit}
            answers = past(*history).when(settling.remit, **paid).answers
            history += [fact for fact in answers if isinstance(fact, Event)]
            case = disposal.lifecycle.fold(history)
    assert case.status is DisposalStatus.REMITTED
    assert case.remitted == case.net == sum(case.remitted_by.values())
    assert case.remitted_by == {unit: net for unit, net in case.due_by.items() if net}
