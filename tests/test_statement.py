"""Statements in the ledger: taken in once, matched by a person, told to the dues in the same act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, able, given
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from api import pages_telling as telling
from domain import bank, due, period, statement
from domain.bank import (
    AccountOpened,
    AccountReconciled,
    LayoutKept,
    StatementSeen,
    StatementTaken,
    Way,
)
from domain.decider import LIFECYCLES, Ask, Document, Refused
from domain.due import Counts, DueStatus, LineConfirmed
from domain.duties import INCOMPATIBLE
from domain.statement import (
    Booked,
    By,
    EntriesTaken,
    EntryMatched,
    EntrySetAside,
    Ground,
    Held,
    Kind,
    MatchUndone,
    Part,
    Proof,
    ProposalSeen,
    Side,
    Statement,
    StatementOpened,
    StatementReconciled,
    Suggested,
)
from ledger.act import Evidence
from ledger.book import CLOSED_STAYS
from ledger.entry import Draft, encode

MAY = date(2025, 5, 6)
opened = StatementOpened(
    unit="o_a",
    account="6217",
    side=Side.COLLECTING,
    currency="CNY",
    file_kind="table:business",
    file="0" * 64,
    proof=Proof.RUNNING,
    in_file=3,
)


def booked(no: int, amount: int, on: date = MAY, **more: Any) -> Booked:
    return Booked(no=no, id=f"{no:032x}", booked=on, amount=amount, **more)


entries = EntriesTaken(
    first=1,
    last=3,
    count=3,
    entries=(booked(1, 1_000), booked(2, -300), booked(3, -1_000, returned=True)),
)
past = partial(given, statement.lifecycle, opened, entries)
accounts = partial(
    given, bank.lifecycle, AccountOpened(account="6217", bank="示例银行", side=Side.COLLECTING)
)
PAID = {"due": "D", "amount": 1_000, "counts": "payment"}
suggested = Suggested(kind=Kind.WHOLE, by=By.CODE, score=100, matcher="m@1", dues=("D",))


def confirming(line: str, **more: Any) -> dict[str, Any]:
    said = {"line": line, "counts": Counts.PAYMENT, "amount": 1_000, "currency": "CNY"}
    return said | {"voucher": "", "treasury_on": MAY} | more


# Taken in -------------------------------------------------------------------------


def seen(**more: Any) -> StatementSeen:
    said: dict[str, Any] = {
        "stream": "bank/o_a",
        "statement": "S1",
        "after": 0,
        "account": "6217",
        "currency": "CNY",
        "file_kind": "mt940",
        "layout": "",
        "file": "a" * 64,
        "media": "text/plain",
        "size_bytes": 10,
        "proof": Proof.BALANCES,
        "in_file": 1,
        "known": 0,
        "known_amount": 0,
        "entries": (booked(1, 5),),
        "since": MAY,
        "until": MAY,
    }
    return StatementSeen(**said | more)


def taking(*told: StatementSeen, **how: Any) -> Any:
    form = {"statement": "S1", "title": "五月"}
    asker = accounts(*how.pop("facts", ())).at(stream="bank/o_a", seen=told, **how)
    return asker.when(bank.take_statement, **form)


@pytest.mark.target("T94")
def test_a_statement_is_taken_in_with_its_entries_and_its_file() -> None:
    fact, hold, attach = taking(seen()).answers
    assert isinstance(fact, StatementTaken) and (fact.statement, fact.entries) == ("S1", 1)
    assert (hold.stream, hold.verb) == ("statement/S1", "hold")
    assert (attach.stream, attach.form["sha256"]) == ("folder/statement.S1", "a" * 64)
    facts = given(statement.lifecycle).when(statement.hold, **hold.form)
    facts.then_state(unit="o_a", account="6217", in_file=1)
    assert [type(one) for one in facts.answers] == [StatementOpened, EntriesTaken]


@pytest.mark.target("T94")
def test_nothing_is_taken_twice_unread_or_from_an_unknown_account() -> None:
    taking().then_refused(bank.FILE_READ)
    taking(seen(stream="bank/o_b")).then_refused(bank.FILE_READ)
    taking(seen(account="6218")).then_refused(bank.ACCOUNT_KNOWN)
    taking(seen(currency="USD")).then_refused(bank.CURRENCY_SAME)
    taking(seen(), unit="o_b", role="accountant").then_refused(bank.OWN)
    taking(seen(), unit="o_b", role="finance").then_granted()
    before = StatementTaken(statement="S1", account="6217", file="a" * 64, entries=1)
    taking(seen(after=1), facts=[before]).then_refused(bank.NOT_TWICE)
    taking(seen(known=1, entries=()), facts=[]).then_refused(bank.NOT_TWICE)
    other = StatementTaken(statement="S0", account="6217", file="b" * 64, entries=1)
    taking(seen(after=1), facts=[other]).then_granted()
    taking(seen(after=0), facts=[other]).then_refused(bank.NOT_MEANWHILE)
    of_same_file = msgspec.structs.replace(other, file="a" * 64)
    taking(seen(after=0), facts=[of_same_file]).then_granted()


def test_a_long_statement_is_cut_into_facts_that_an_entry_can_hold() -> None:
    many = [
        booked(n, n, references=("缴款识别码" * 16,) * 3, bank_id="流" * 80) for n in range(1, 500)
    ]
    form = {name: getattr(opened, name) for name in opened.__struct_fields__}
    facts: Any = given(statement.lifecycle).when(statement.hold, **form, entries=many).answers
    assert len(facts) > 2
    assert [held for fact in facts[1:] for held in fact.entries] == many
    for seq, fact in enumerate(facts, start=1):
        draft = Draft(
            stream="statement/S", seq=seq, event=fact, actor="u", cause="c",
            effective_at="2025-06-30T00:00:00+08:00", docs=(Document(type="x"),),
        )  # fmt: skip
        assert len(encode(draft, "0" * 32)) < 65_535
    state = statement.lifecycle.fold(facts)
    assert [held.no for held in state] == list(range(1, 500))
    assert state.entry(499) == Held(
        no=499, id=many[-1].id, booked=MAY, amount=499, references=many[-1].references
    )
    assert state.entry(500) is None and state.entry(0) is None


def test_a_unit_registers_its_accounts_and_the_layouts_of_their_tables() -> None:
    form = {"account": "6218", "bank_name": "示例银行", "side": "treasury"}
    accounts().at(stream="bank/o_a").when(bank.open_account, **form).then_granted()
    accounts().at(stream="bank/o_a").when(
        bank.open_account, **form | {"account": "6217"}
    ).then_refused(bank.ACCOUNT_NEW)
    gone: Any = (
        accounts().at(stream="bank/o_a").when(bank.end_account, account="6217", reason="销户")
    )
    gone.then_granted()
    accounts(*gone.answers).at(stream="bank/o_a").when(
        bank.end_account, account="6217", reason="销户"
    ).then_refused(bank.ACCOUNT_KNOWN)
    layout = {
        "title": "某行",
        "way": "apart",
        "booked": "日期|记账日",
        "income": "收",
        "outgo": "付",
    }
    kept: dict[str, Any] = layout | {"way": Way.APART}
    accounts().when(bank.keep_layout, **layout).then(LayoutKept(**kept))
    accounts().when(bank.keep_layout, **layout | {"way": "marked"}).then_refused(bank.COLUMNS_SAID)
    again: Any = kept | {"booked": "日期"}
    twice = accounts(LayoutKept(**kept), LayoutKept(**again))
    assert [one.booked for one in twice.state.layouts] == ["日期"]


# Matched --------------------------------------------------------------------------


@pytest.mark.target("T95")
def test_a_decision_keeps_what_was_proposed_and_whether_it_was_taken() -> None:
    proposed = ProposalSeen("statement/X", 1, (Part(due="D", amount=1_000),), suggested)
    past().at(seen=(proposed,)).when(statement.match_entry, entry=1, parts=[PAID]).then(
        EntryMatched(
            entry=1,
            amount=1_000,
            parts=(Part(due="D", amount=1_000),),
            suggested=suggested,
            as_suggested=True,
            currency="CNY",
        ),
        Ask("due/D", "confirm", confirming("X.1")),
    )
    other = [PAID | {"due": "E"}]
    differing = past().at(seen=(proposed,))
    differing.when(statement.match_entry, entry=1, parts=other).then_refused(statement.WHY)
    decided: Any = differing.when(
        statement.match_entry, entry=1, parts=other, reason="附言写明"
    ).answers
    fact = decided[0]
    assert (fact.suggested, fact.as_suggested, fact.reason) == (suggested, False, "附言写明")
    past().when(statement.match_entry, entry=1, parts=[PAID]).then_refused(statement.WHY)


@pytest.mark.target("T95")
def test_an_entry_is_matched_to_the_fen_and_never_beyond() -> None:
    form = {"entry": 1, "reason": "核对"}
    two = [PAID | {"amount": 400}, PAID | {"due": "E", "amount": 600}]
    past().when(statement.match_entry, parts=two, **form).then_granted()
    beyond = [PAID | {"amount": 1_001}]
    past().when(statement.match_entry, parts=beyond, **form).then_refused(statement.NOT_BEYOND)
    past().when(statement.match_entry, parts=[], **form).then_refused(statement.SOMETHING)
    nothing = [PAID | {"amount": 0}]
    past().when(statement.match_entry, parts=nothing, **form).then_refused(statement.SOMETHING)
    past().when(statement.match_entry, parts=[PAID], **form | {"entry": 9}).then_refused(
        statement.ENTRY_THERE
    )
    part = EntryMatched(entry=1, amount=400, parts=(Part(due="D", amount=400),), reason="核对")
    rest = [PAID | {"due": "E", "amount": 601}]
    past(part).when(statement.match_entry, parts=rest, **form).then_refused(statement.NOT_BEYOND)
    rest = [PAID | {"due": "E", "amount": 600}]
    past(part).when(statement.match_entry, parts=rest, **form).then_granted()


def test_money_that_left_is_a_remittance_and_money_that_came_a_payment() -> None:
    form = {"entry": 2, "reason": "核对"}
    way = [PAID | {"amount": 300}]
    past().when(statement.match_entry, parts=way, **form).then_refused(statement.RIGHT_WAY)
    out = [PAID | {"amount": 300, "counts": "remittance", "voucher": "缴1"}]
    asked = confirming("X.2", amount=300, counts=Counts.REMITTANCE, voucher="缴1")
    matched = past().when(statement.match_entry, parts=out, **form)
    assert matched.answers[1:] == (Ask("due/D", "confirm", asked),)


@pytest.mark.target("T95")
def test_a_match_is_undone_with_a_reason_and_both_stay() -> None:
    part = EntryMatched(entry=1, amount=1_000, parts=(Part(due="D", amount=1_000),), reason="核对")
    form = {"entry": 1, "reason": "付款人不符"}
    past(part).when(statement.undo_match, **form).then(
        MatchUndone(entry=1, amount=1_000, reason="付款人不符", currency="CNY"),
        Ask("due/D", "release", {"line": "X.1", "reason": "付款人不符"}),
    )
    past().when(statement.undo_match, **form).then_refused(statement.IS_MATCHED)
    assert past(part, MatchUndone(entry=1, amount=1_000, reason="x")).state == past().state


def test_what_belongs_to_no_due_is_set_aside_for_a_reason() -> None:
    form = {"entry": 2, "ground": "bank_fee", "reason": "账户管理费"}
    said = {"ground": Ground.FEE, "reason": "账户管理费", "currency": "CNY"}
    fee = EntrySetAside(entry=2, amount=300, **said)
    past().when(statement.set_aside, **form).then(fee)
    past().when(statement.set_aside, **form, amount=301).then_refused(statement.NOT_BEYOND)
    past(fee).when(statement.set_aside, **form).then_refused(statement.NOT_BEYOND)
    again = {"entry": 2, "reason": "误记"}
    past(fee).when(statement.undo_set_aside, **again).then_granted()
    past().when(statement.undo_set_aside, **again).then_refused(statement.IS_ASIDE)


def test_a_payment_and_its_return_cancel_each_other() -> None:
    form = {"entry": 1, "ground": "came_back", "reason": "退汇"}
    past().when(statement.set_aside, **form, counterpart="X.3").then_granted()
    past().when(statement.set_aside, **form, counterpart="Y.9").then_granted()
    for wrong in ("", "X.2", "X.7", "甲"):
        past().when(statement.set_aside, **form, counterpart=wrong).then_refused(statement.CANCELS)


def test_what_is_decided_of_a_statement_is_said_in_its_currency() -> None:
    """Whoever tells the fact alone, without the statement, says the money of the account."""
    dollars = partial(
        given, statement.lifecycle, msgspec.structs.replace(opened, currency="USD"), entries
    )
    parts = [Part(due="D", amount=1_000, counts=Counts.PAYMENT)]
    form = {"entry": 1, "reason": "核对"}
    matched: Any = dollars().when(statement.match_entry, parts=parts, **form).answers[0]
    undone: Any = dollars(matched).when(statement.undo_match, **form).answers[0]
    fee = {"entry": 2, "ground": "bank_fee", "reason": "费"}
    aside: Any = dollars().when(statement.set_aside, **fee).answers[0]
    kept: Any = dollars(matched, aside, gone).when(statement.be_agreed, until=MAY).answers[0]
    for fact, amount in ((matched, "10.00"), (undone, "10.00"), (aside, "3.00"), (kept, "13.00")):
        for lang in ("zh", "en"):
            said = telling.tell(fact, lang, lambda _, id_: id_)
            assert f"US${amount}" in said and "¥" not in said, said
    # An entry of before says no currency: the statement does.
    old = msgspec.structs.replace(matched, currency="")
    assert "US$10.00" in telling.tell(old, "zh", lambda _, id_: id_, "USD")
    assert "USD 13.00" in dollars(gone).state.describe("zh")
    assert "13.00元" in past(gone).state.describe("zh")


# Agreed ---------------------------------------------------------------------------

fee = EntrySetAside(entry=2, amount=300, ground=Ground.FEE, reason="费")
gone = EntrySetAside(entry=3, amount=1_000, ground=Ground.RETURNED, reason="退", counterpart="X.1")
whole = EntryMatched(entry=1, amount=1_000, parts=(Part(due="D", amount=1_000),), reason="核对")


@pytest.mark.target("T98")
def test_a_month_with_an_unexplained_entry_stays_open() -> None:
    past(fee, gone).when(statement.be_agreed, until=MAY).then_refused(statement.ALL_EXPLAINED)
    past(fee, gone, whole).when(statement.be_agreed, until=MAY).then(
        StatementReconciled(until=MAY, count=3, matched=1_000, aside=1_300, currency="CNY")
    )
    past().when(statement.be_agreed, until=MAY - timedelta(days=1)).then()


@pytest.mark.target("T98")
def test_what_is_agreed_is_not_changed_and_what_came_late_counts_next() -> None:
    agreed = StatementReconciled(until=MAY, count=3, matched=1_000, aside=1_300)
    after = past(fee, gone, whole, agreed)
    undo = {"entry": 1, "reason": "误"}
    after.when(statement.undo_match, **undo).then_refused(statement.MONTH_OPEN)
    after.when(statement.undo_set_aside, **undo | {"entry": 2}).then_refused(statement.MONTH_OPEN)
    after.when(statement.be_agreed, until=TODAY).then()
    # Another file with an entry of that month: it keeps its day and waits for the next close.
    late = msgspec.structs.replace(opened, agreed_before=MAY)
    found = given(
        statement.lifecycle, late, EntriesTaken(first=1, last=1, count=1, entries=(booked(1, 5),))
    )
    found.when(
        statement.match_entry, entry=1, parts=[PAID | {"amount": 5}], reason="迟到"
    ).then_granted()
    found.when(statement.be_agreed, until=TODAY).then_refused(statement.ALL_EXPLAINED)


@pytest.mark.target("T98")
def test_an_account_is_agreed_when_its_statements_reach_the_day_without_a_gap() -> None:
    def taken(name: str, since: int, until: int, opening: int, closing: int) -> StatementTaken:
        return StatementTaken(
            statement=name, account="6217", file=name * 64, entries=1, opening=opening,
            closing=closing, since=date(2025, 5, since), until=date(2025, 5, until),
        )  # fmt: skip

    def agreeing(until: int, *facts: Any, on: date = TODAY) -> Any:
        asker = accounts(*facts).at(stream="bank/o_a", on=on)
        return asker.when(bank.reconcile, account="6217", until=date(2025, 5, until))

    one, two = taken("a", 1, 15, 0, 70), taken("b", 16, 31, 70, 90)
    agreeing(31, one, two).then(
        AccountReconciled(account="6217", until=date(2025, 5, 31)),
        Ask("statement/a", "be_agreed", {"until": date(2025, 5, 31)}),
        Ask("statement/b", "be_agreed", {"until": date(2025, 5, 31)}),
    )
    agreeing(31, one).then_refused(bank.COVERED)
    agreeing(31).then_refused(bank.COVERED)
    agreeing(31, one, taken("b", 16, 31, 71, 90)).then_refused(bank.NO_GAP)
    overlapping = taken("b", 10, 31, 5, 90)
    agreeing(31, one, overlapping).then_granted()
    agreeing(15, one, on=date(2025, 5, 15)).then_refused(bank.OVER)
    done = AccountReconciled(account="6217", until=date(2025, 5, 15))
    agreeing(15, one, done).then_refused(bank.OVER)
    agreeing(31, one, two, done).then(
        AccountReconciled(account="6217", until=date(2025, 5, 31)),
        Ask("statement/b", "be_agreed", {"until": date(2025, 5, 31)}),
    )


@pytest.mark.target("T98")
def test_books_are_closed_only_over_accounts_that_are_agreed() -> None:
    done = AccountReconciled(account="6217", until=MAY)
    accounts(done).when(bank.answer_for, until=MAY).then()
    no = accounts(done).when(bank.answer_for, until=TODAY).then_refused(bank.RECONCILED)
    zh, en = no.sentence("zh"), no.sentence("en")
    assert "本系统的规则" in zh and "另作处理" in zh and "停用" in zh
    assert "house rule" in en and "set it aside" in en and "ended" in en
    accounts().when(bank.answer_for, until=MAY).then_refused(bank.RECONCILED)
    given(bank.lifecycle).when(bank.answer_for, until=MAY).then()
    fact = period.CloseProposed(proposer="u", until=MAY)
    occasion = given(period.lifecycle).at(stream="period/o_a").occasion
    asked = period.lifecycle.follow(period.Period(), fact, occasion)
    assert asked == (Ask("bank/o_a", "answer_for", {"until": MAY}),)


@pytest.mark.target("T98")
def test_an_agreed_account_and_its_books_are_closed_in_order_and_stay(database: str) -> None:
    ledger = Ledger(database)
    try:
        stream = with_statement(ledger, 100)
        owing(ledger, "D", 100)
        late = TODAY - timedelta(days=1)
        ledger.refuses(bank.RECONCILED, "u_a", "period/o_a", "propose_close", until=MAY)
        agree = {"account": "6217", "until": MAY}
        ledger.refuses(statement.ALL_EXPLAINED, "u_r", "bank/o_a", "reconcile", **agree)
        match = {"entry": 1, "parts": [part("D", 100)], "reason": "核对"}
        ledger.ask("u_r", stream, "match_entry", **match)
        ledger.refuses(bank.COVERED, "u_r", "bank/o_a", "reconcile", **agree | {"until": late})
        ledger.ask("u_r", "bank/o_a", "reconcile", **agree)
        ledger.refuses(statement.MONTH_OPEN, "u_r", stream, "undo_match", entry=1, reason="误")
        ledger.ask("u_a", "period/o_a", "propose_close", until=MAY)
        for name in ("bank/o_a", stream):
            last = ledger.book.stream(name).version
            with pytest.raises(Refused) as no:
                ledger.book.reverse(name, last, ledger.occasion("u_r", ""), reason="误")
            assert no.value.rule is CLOSED_STAYS
    finally:
        ledger.close()


# Both sides in one act --------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    told = Ledger(database)
    yield told
    told.close()


def asked(ledger: Ledger, by: str, stream: str, verb: str, /, **form: Any) -> None:
    """Ask with what was read of a file, or with nothing."""
    told, kept = form.pop("seen", ()), form.pop("evidence", ())
    known = LIFECYCLES[stream.partition("/")[0]].verbs[verb]
    occasion = msgspec.structs.replace(ledger.occasion(by, ""), seen=told)
    occasion = able(known, ledger.state(stream), occasion)
    ledger.book.act([Ask(stream, verb, form)], occasion, evidence=kept)


def with_statement(ledger: Ledger, *amounts: int, side: str = "collecting") -> str:
    """Let the unit have a statement S1 of these amounts."""
    ledger.ask("u_1", "bank/o_a", "open_account", account="6217", bank_name="行", side=side)
    kept = Evidence("text/plain", repr(amounts).encode(), removable=True)
    told = seen(
        file=kept.sha256,
        in_file=len(amounts),
        entries=tuple(booked(no, amount) for no, amount in enumerate(amounts, start=1)),
    )
    form = {"statement": "S1", "title": "五月"}
    asked(ledger, "u_1", "bank/o_a", "take_statement", seen=(told,), evidence=[kept], **form)
    return "statement/S1"


def owing(ledger: Ledger, name: str, gross: int) -> str:
    ledger.ask("u_biller", f"due/{name}", "record", unit="o_a", gross=gross, note="残值")
    return f"due/{name}"


def part(name: str, amount: int, counts: str = "payment", voucher: str = "") -> dict[str, Any]:
    return {"due": name, "amount": amount, "counts": counts, "voucher": voucher}


@pytest.mark.target("T95")
def test_one_entry_pays_many_and_many_pay_one_in_the_same_act(ledger: Ledger) -> None:
    """Receipts are known from the statement alone, and undoing restores both sides."""
    stream = with_statement(ledger, 900, 60, 40)
    for name, gross in (("D", 400), ("E", 500), ("F", 100)):
        owing(ledger, name, gross)
    before = {s: ledger.state(s) for s in ("due/D", "due/E", "due/F", stream)}
    batch = [part("D", 400), part("E", 500)]
    ledger.ask("u_rec", stream, "match_entry", entry=1, parts=batch, reason="汇总缴款")
    for no, amount in ((2, 60), (3, 40)):
        ledger.ask(
            "u_rec", stream, "match_entry", entry=no, parts=[part("F", amount)], reason="分两笔"
        )
    for name in "DEF":
        assert ledger.state(f"due/{name}").status is DueStatus.PAID
    assert not [held for held in ledger.state(stream) if held.open]
    last = ledger.book.stream("due/E").entries[-1]
    assert last.event == LineConfirmed(
        line="S1.1",
        counts=Counts.PAYMENT,
        amount=500,
        fresh=500,
        received_on=ledger.state(stream).entry(1).booked,
    )
    assert last.cause == ledger.book.stream("due/D").entries[-1].cause
    for no in (3, 1, 2):
        ledger.ask("u_rec", stream, "undo_match", entry=no, reason="误")
    assert {s: ledger.state(s) for s in before} == before


@pytest.mark.target("T95")
def test_a_batched_remittance_is_recorded_on_each_due_and_its_case(ledger: Ledger) -> None:
    """Money that left for the treasury, named by one voucher: the case hears of it, and of the undoing."""
    ledger.card("CAR", name="轿车", kind="vehicle", value=10_000)
    listed = {"unit": "o_a", "form": "sale", "ground": "idle", "minutes_no": "纪要1"}
    ledger.ask("u_clerk", "disposal/D", "propose", assets=["CAR"], **listed)
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")
    ledger.ask("u_clerk", "disposal/D", "sell", asset="CAR", price=800, buyer="买1", deal_no="成1")
    ledger.ask("u_acc", "disposal/D", "derecognise", asset="CAR", voucher="记-1")
    ledger.ask("u_acc", "disposal/D", "assess_income", gross=800)
    ledger.ask("u_keeper", "confiscated/G", "take_in", item="渔船", quantity="1", unit="o_a",
               order_no="罚1", forfeited=True)  # fmt: skip
    ledger.ask("u_office", "confiscated/G", "sell", price=900, deal_no="成2")
    stream = with_statement(ledger, -1_750)
    owing(ledger, "M", 50)
    streams = (
        "disposal/D",
        "confiscated/G",
        "due/disposal.D",
        "due/confiscated.G",
        "due/M",
        stream,
    )
    before = {s: ledger.state(s) for s in streams}
    parts = [
        part("disposal.D", 800, "remittance", "缴1"),
        part("confiscated.G", 900, "remittance", "缴1"),
        part("M", 50, "remittance", "缴1"),
    ]
    nameless = [one | {"voucher": ""} for one in parts]
    form = {"entry": 1, "reason": "汇总上缴"}
    ledger.refuses(due.REMITTANCE_NAMED, "u_rec", stream, "match_entry", parts=nameless, **form)
    ledger.ask("u_rec", stream, "match_entry", parts=parts, **form)
    assert ledger.state("disposal/D").status.value == "remitted"
    assert ledger.state("confiscated/G").status.value == "remitted"
    for name in ("disposal.D", "confiscated.G", "M"):
        state = ledger.state(f"due/{name}")
        assert (state.left, state.unshown, state.vouchers) == (0, 0, ("缴1",))
    ledger.ask("u_rec", stream, "undo_match", entry=1, reason="退票")
    assert {s: ledger.state(s) for s in streams} == before


def test_a_line_confirms_what_is_on_record_and_adds_nothing(ledger: Ledger) -> None:
    stream = with_statement(ledger, 100, -100)
    owing(ledger, "D", 100)
    ledger.ask("u_book", "due/D", "record_transfer", amount=100, payer="买1", reference="回单1")
    ledger.ask("u_fin", "due/D", "remit", amount=100, voucher="缴1", treasury_on=TODAY)
    ledger.ask("u_rec", stream, "match_entry", entry=1, parts=[part("D", 100)], reason="回单")
    out = [part("D", 100, "remittance")]
    ledger.ask("u_rec", stream, "match_entry", entry=2, parts=out, reason="缴款书")
    state = ledger.state("due/D")
    assert (state.paid_in, state.remitted, state.overpaid) == (100, 100, 0)
    assert [one.fresh for one in state.shown_by] == [0, 0]


def test_another_unit_s_due_is_not_paid_by_our_statement(ledger: Ledger) -> None:
    stream = with_statement(ledger, 100)
    ledger.ask("u_b", "due/B", "record", unit="o_b", gross=100, note="残值")
    form = {"entry": 1, "parts": [part("B", 100)], "reason": "误入"}
    ours = msgspec.structs.replace(ledger.occasion("u_rec", "accountant"), unit="o_a")
    with pytest.raises(Refused) as no:
        ledger.book.act([Ask(stream, "match_entry", form)], ours)
    assert no.value.rule is due.OWN
    finance = msgspec.structs.replace(ledger.occasion("u_fin", "finance"), unit="o_f")
    ledger.book.act([Ask(stream, "match_entry", form)], finance)
    assert ledger.state("due/B").status is DueStatus.PAID


@pytest.mark.target("T97")
@pytest.mark.parametrize("duty", ["cash", "transfer", "bill"])
def test_who_took_or_recorded_the_money_does_not_match_it(ledger: Ledger, duty: str) -> None:
    """The Michigan test at the statement: the third duty is refused, whatever the role."""
    stream = with_statement(ledger, 100)
    owing(ledger, "D", 100)
    told = {"amount": 100, "payer": "买1", "reference": "票1"}
    person = {"cash": "u_cash", "transfer": "u_book", "bill": "u_biller"}[duty]
    if duty == "cash":
        ledger.ask("u_cash", "due/D", "take_cash", **told)
    if duty == "transfer":
        ledger.ask("u_book", "due/D", "record_transfer", **told)
    form = {"entry": 1, "parts": [part("D", 100)], "reason": "核对"}
    ledger.refuses(INCOMPATIBLE, person, stream, "match_entry", **form)
    ledger.ask("u_other", stream, "match_entry", **form)
    if duty == "transfer":
        ledger.refuses(
            INCOMPATIBLE, "u_other", "due/D", "book", side="payment", amount=1, voucher="记"
        )


@settings(max_examples=40)
@each(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 600), st.booleans()), max_size=12))
def test_whatever_is_matched_and_undone_no_fen_is_made(steps: list[tuple[int, int, bool]]) -> None:
    """The amounts of an entry always add up: matched, set aside and open."""
    told = past()
    for no, amount, undo in steps:
        form: dict[str, Any] = {"entry": no, "reason": "核对"}
        held: Any = told.state.entry(no)
        counts = told.state.expected(held).value
        if undo and held.parts:
            then = told.when(statement.undo_match, **form)
        else:
            then = told.when(
                statement.match_entry,
                **form,
                parts=[{"due": "D", "amount": amount, "counts": counts}],
            )
        facts = [one for one in then.answers if not isinstance(one, Ask)]
        for fact in facts:
            told.state = statement.lifecycle.evolve(told.state, fact)
        for one in told.state:
            assert one.matched + one.aside + one.open == abs(one.amount) and one.open >= 0
    assert isinstance(told.state, Statement)
