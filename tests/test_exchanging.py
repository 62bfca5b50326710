"""Exchange: idle property against what is needed, appraised on both sides, with a balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given
from hypothesis import given as each
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import exchanging
from domain.asset import Book, Custody, Lock, Mode
from domain.decider import Document
from domain.exchanging import (
    Exchange,
    ExchangeApproved,
    ExchangeRequested,
    ExchangeStatus,
    Payer,
    Side,
    SideAppraised,
)
from domain.handover import SOMETHING_SENT, TWO_PEOPLE
from domain.leaving import Ground

past = partial(given, exchanging.lifecycle)
X = "exchange/X"
SLIP = (Document(type="交接单", number="交1"),)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    one = Ledger(database)
    one.docs = SLIP
    yield one
    one.close()


def asked(ledger: Ledger, assets: list[str], **form: Any) -> None:
    rest = {"unit": "o_a", "needed": "会议系统", "ground": "idle", "minutes_no": "纪要1"}
    ledger.ask("u_clerk", X, "request", assets=assets, **rest | form)


def appraised(ledger: Ledger, out: int, into: int) -> None:
    for side, value in (("out", out), ("in", into)):
        ledger.ask(
            "u_clerk", X, "record_appraisal", side=side, value=value, appraiser="示例评估",
            base_date=TODAY, report_no=f"评-{side}",
        )  # fmt: skip


def test_two_units_exchange_things_and_the_balance_reaches_the_treasury(ledger: Ledger):
    for id_, unit, value in (("A", "o_a", 30_001), ("B", "o_a", 10_000), ("C", "o_b", 70_000)):
        ledger.card(id_, unit=unit, value=value)
    asked(ledger, ["A", "B"], partner="o_b", coming=["C"])
    assert {ledger.state(f"asset/{a}").lock for a in "ABC"} == {Lock.APPROVAL}
    ledger.refuses(exchanging.APPROVED, "u_clerk", X, "sign", agreement="协1")
    ledger.ask("u_goa", X, "approve", approval_no="批1")
    assert ledger.state("asset/A").book is Book.ON_BOOKS  # it goes to another unit, not away
    ledger.refuses(exchanging.BOTH_APPRAISED, "u_clerk", X, "sign", agreement="协1")
    appraised(ledger, 50_005, 40_000)
    ledger.refuses(exchanging.BALANCE_FAIR, "u_clerk", X, "sign", agreement="协1", boot=10_004)
    ledger.ask("u_clerk", X, "sign", agreement="协1", boot=10_005)
    for assets, giver, taker in ((["A", "B"], "u_clerk", "u_b"), (["C"], "u_b", "u_clerk")):
        ledger.ask(giver, X, "hand_out", assets=assets)
        assert ledger.state(f"asset/{assets[0]}").custody is Custody.TRANSIT
        ledger.refuses(TWO_PEOPLE, giver, X, "take_in", assets=assets)
        ledger.ask(taker, X, "take_in", assets=assets)
    assert ledger.state(X).status is ExchangeStatus.EXCHANGED
    assert ledger.state("asset/A").custodian == "o_b"
    assert ledger.state("asset/C").custodian == "o_a"
    assert ledger.state("asset/A").accounting_unit == "o_a"  # the books follow by vouchers
    ledger.refuses(exchanging.WHOLE_SIDE, "u_acc", X, "move_books", assets=["A"], out_voucher="记1")
    ledger.ask("u_acc", X, "move_books", assets=["A", "B"], out_voucher="记1", in_voucher="记2")
    ledger.ask("u_acc", X, "move_books", assets=["C"], out_voucher="记3", in_voucher="记4")
    now = {a: ledger.state(f"asset/{a}") for a in "ABC"}
    assert {a: c.accounting_unit for a, c in now.items()} == {"A": "o_b", "B": "o_b", "C": "o_a"}
    # o_b gave 400.00 and paid 100.05 for both; o_a gave 500.05 and was paid 100.05.
    assert now["A"].value + now["B"].value == 50_005
    assert now["C"].value == 40_000
    assert now["A"].value == 37_504  # 50,005 × 30,001 ÷ 40,001 = 37,504.7…; B's rest is larger
    assert {c.mode for c in now.values()} == {Mode.EXCHANGE}
    fee = [{"type": "评估费", "amount": 1_005}]
    ledger.ask("u_acc", X, "assess_balance", deductions=fee)
    ledger.ask("u_fin", X, "remit_balance", amount=9_000, voucher="缴1", treasury_on=TODAY)
    assert ledger.state(X).status is ExchangeStatus.REMITTED


def test_what_comes_from_outside_is_received_inspected_and_entered(ledger: Ledger):
    ledger.card("A", value=90_000)
    asked(ledger, ["A"], outsider="示例科技公司")
    ledger.ask("u_goa", X, "approve", approval_no="批1")
    assert ledger.state("asset/A").book is Book.TO_DISPOSE
    appraised(ledger, 50_000, 60_000)
    ledger.refuses(
        exchanging.PIECES_NAMED, "u_clerk", X, "sign", agreement="协1", boot=10_000, payer="us"
    )
    ledger.refuses(
        exchanging.BALANCE_FAIR, "u_clerk", X, "sign", agreement="协1", boot=10_001, payer="us",
        pieces=1,
    )  # fmt: skip
    ledger.ask("u_clerk", X, "sign", agreement="协1", boot=10_000, payer="us", pieces=1)
    ledger.refuses(SOMETHING_SENT, "u_keeper", X, "deliver", assets=["A"])
    ledger.ask("u_clerk", X, "hand_out", assets=["A"])
    assert ledger.state("asset/A").custody is Custody.TRANSIT
    step = exchanging.next_step(ledger.state(X))
    assert step is not None and step.verb == "deliver"
    ledger.refuses(exchanging.WITH_UNIT, "u_keeper", X, "take_in", assets=["A"])
    ledger.refuses(TWO_PEOPLE, "u_clerk", X, "deliver", assets=["A"])
    ledger.docs = ()
    ledger.refuses(exchanging.SLIP_SIGNED, "u_keeper", X, "deliver", assets=["A"])
    ledger.docs = SLIP
    ledger.ask("u_clerk", X, "call_back", assets=["A"], reason="对方未到场")
    assert ledger.state("asset/A").custody is Custody.STORE
    ledger.ask("u_clerk", X, "hand_out", assets=["A"])
    ledger.ask("u_keeper", X, "deliver", assets=["A"])
    ledger.ask("u_clerk", X, "receive", asset="N", item="会议系统", kind="office")
    ledger.refuses(
        exchanging.SIGNED, "u_clerk", X, "receive", asset="M", item="会议系统", kind="office"
    )
    assert ledger.state("asset/A").custody is Custody.LEFT
    new = ledger.state("asset/N")
    assert (new.book, new.mode, new.value) == (Book.PENDING, Mode.EXCHANGE, 60_000)
    ledger.ask("u_keeper", "asset/N", "pass_acceptance", inspector="u_3")
    ledger.ask("u_clerk", "asset/N", "register", asset_no="ZC-N")
    ledger.ask("u_acc", X, "move_books", assets=["A"], out_voucher="记1")
    assert ledger.state("asset/A").book is Book.GONE
    ledger.refuses(exchanging.BALANCE_DUE, "u_acc", X, "assess_balance")  # we paid it
    assert exchanging.next_step(ledger.state(X)) is None


@pytest.mark.parametrize("stage", ["requested", "approved", "signed"])
@pytest.mark.parametrize("other", ["unit", "outsider"])
def test_until_something_moves_it_can_be_withdrawn(ledger: Ledger, stage: str, other: str):
    ledger.card("A")
    ledger.card("C", unit="o_b")
    side: dict[str, Any] = {"partner": "o_b", "coming": ["C"]}
    asked(ledger, ["A"], **(side if other == "unit" else {"outsider": "示例公司"}))
    if stage != "requested":
        ledger.ask("u_goa", X, "approve", approval_no="批1")
    if stage == "signed":
        appraised(ledger, 1, 1)
        ledger.ask("u_clerk", X, "sign", agreement="协1", pieces=0 if other == "unit" else 1)
    ledger.ask("u_clerk", X, "withdraw", reason="不再需要")
    for id_ in "AC":
        now = ledger.state(f"asset/{id_}")
        assert (now.book, now.lock, now.case) == (Book.ON_BOOKS, Lock.NONE, "")


def test_a_refusal_frees_both_sides(ledger: Ledger):
    ledger.card("A")
    ledger.card("C", unit="o_b")
    asked(ledger, ["A"], partner="o_b", coming=["C"])
    ledger.refuses(exchanging.OTHER_PERSON, "u_clerk", X, "approve", approval_no="批")
    ledger.ask("u_goa", X, "refuse", reason="价值悬殊")
    assert {ledger.state(f"asset/{a}").lock for a in "AC"} == {Lock.NONE}


def test_what_did_not_arrive_is_called_back(ledger: Ledger):
    ledger.card("A")
    ledger.card("C", unit="o_b")
    asked(ledger, ["A"], partner="o_b", coming=["C"])
    ledger.ask("u_goa", X, "approve", approval_no="批1")
    appraised(ledger, 1, 1)
    ledger.ask("u_clerk", X, "sign", agreement="协1")
    ledger.ask("u_clerk", X, "hand_out", assets=["A"])
    ledger.refuses(exchanging.NOTHING_MOVED, "u_clerk", X, "withdraw", reason="不再需要")
    ledger.ask("u_clerk", X, "call_back", assets=["A"], reason="无人接收")
    assert ledger.state("asset/A").custody is Custody.STORE
    ledger.ask("u_clerk", X, "withdraw", reason="不再需要")
    assert ledger.state("asset/A").lock is Lock.NONE


requested = ExchangeRequested(
    applicant="u_clerk", unit="o_a", partner="o_b", assets=("A",), coming=("C",), needed="车位",
    ground=Ground.IDLE, minutes_no="纪1",
)  # fmt: skip
values = tuple(
    SideAppraised(side=s, value=v, appraiser="评", base_date=TODAY, report_no="1")
    for s, v in ((Side.OUT, 50), (Side.IN, 40))
)
signed = exchanging.ExchangeSigned(agreement="协", boot=10, payer=Payer.PARTNER)
under_way = past(requested, ExchangeApproved(approval_no="批"), *values, signed)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"partner": "o_b"},
        {"coming": ("C",)},
        {"outsider": "示例公司", "coming": ("C",)},
        {"partner": "o_b", "coming": ("C",), "outsider": "示例公司"},
    ],
)
def test_the_other_side_is_one_and_named(form: dict[str, Any]):
    said = {
        "unit": "o_a",
        "assets": ("A",),
        "needed": "车位",
        "ground": "idle",
        "minutes_no": "纪1",
    }
    past().when(exchanging.request, **said, **form).then_refused(exchanging.ONE_OTHER_SIDE)
    with_itself = {"partner": "o_a", "coming": ("C",)}
    past().when(exchanging.request, **said, **with_itself).then_refused(exchanging.OTHER_UNIT)


def test_each_side_gives_its_own_and_takes_the_others():
    under_way.at(unit="o_b", docs=SLIP).when(exchanging.hand_out, assets=("A",)).then_refused(
        exchanging.GIVING_SIDE
    )
    under_way.at(unit="o_b", docs=SLIP).when(exchanging.hand_out, assets=("C",)).then_granted()
    under_way.at(unit="o_a", docs=SLIP).when(exchanging.take_in, assets=("A",)).then_refused(
        exchanging.TAKING_SIDE
    )
    under_way.at(docs=SLIP).when(exchanging.hand_out, assets=("A", "C")).then_refused(
        exchanging.ON_THE_LIST
    )


done = past(
    requested, ExchangeApproved(approval_no="批"), *values, signed,
    exchanging.PieceTakenIn(asset="A", unit="o_b"), exchanging.PieceTakenIn(asset="C", unit="o_a"),
)  # fmt: skip


def test_only_who_is_paid_and_finance_assess_and_remit_the_balance():
    done.at(unit="o_b", role="accountant").when(exchanging.assess_balance).then_refused(
        exchanging.PAYEE_ACTS
    )
    done.at(unit="o_b", role="finance").when(exchanging.assess_balance).then_granted()
    done.when(exchanging.assess_balance).then_state(status=ExchangeStatus.ASSESSED, net=10)
    whole = ({"type": "税费", "amount": 10},)
    done.when(exchanging.assess_balance, deductions=whole).then_state(
        status=ExchangeStatus.REMITTED, net=0
    )
    more = ({"type": "税费", "amount": 11},)
    done.when(exchanging.assess_balance, deductions=more).then_refused(exchanging.SUM_RIGHT)


def test_no_more_is_remitted_than_is_due_nor_before_it_happened():
    due = past(
        requested, signed, exchanging.PieceTakenIn(asset="A", unit="o_b"),
        exchanging.PieceTakenIn(asset="C", unit="o_a"),
        exchanging.BalanceAssessed(unit="o_a", gross=10, net=10),
    )  # fmt: skip
    paid = {"voucher": "缴1", "treasury_on": TODAY}
    due.when(exchanging.remit_balance, amount=10, **paid).then_state(status=ExchangeStatus.REMITTED)
    due.when(exchanging.remit_balance, amount=4, **paid).then_state(status=ExchangeStatus.ASSESSED)
    due.when(exchanging.remit_balance, amount=11, **paid).then_refused(exchanging.NOT_TOO_MUCH)
    due.when(exchanging.remit_balance, amount=0, **paid).then_refused(exchanging.SOMETHING_PAID)
    late = {"voucher": "缴1", "treasury_on": TODAY + timedelta(days=1)}
    due.when(exchanging.remit_balance, amount=1, **late).then_refused(exchanging.PAID_ALREADY)


@each(
    out=st.integers(0, 10**12),
    into=st.integers(0, 10**12),
    weights=st.lists(st.integers(0, 10**10), min_size=1, max_size=9),
)
def test_what_a_side_gave_is_what_it_carries_to_the_fen(out: int, into: int, weights: list[int]):
    """The balance moves value from one side's books to the other's; none appears or is lost."""
    boot, payer = abs(out - into), Payer.PARTNER if out >= into else Payer.US
    names = [f"A{n}" for n in range(len(weights))]
    case = replace(
        Exchange(unit="o_a", partner="o_b", boot=boot, payer=payer),
        appraisals={"out": out, "in": into},
        gone=frozenset(names),
        came=frozenset({"C"}),
    )
    facts = list(exchanging.booked(case, dict(zip(names, weights, strict=True)), "1", "2"))
    carried = [f.value for f in facts if isinstance(f, exchanging.BooksExchanged)]
    assert sum(v or 0 for v in carried) == out
    [theirs] = [
        f for f in exchanging.booked(case, {"C": 1}, "1", "2")
        if isinstance(f, exchanging.BooksExchanged)
    ]  # fmt: skip
    assert theirs.value == into
