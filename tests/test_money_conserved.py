"""Money is conserved: over any sequence of splits, payments, refunds, reversals, defaults and
re-auctions no fen of a disposal is made or lost.

Twenty thousand random histories on the domain itself, no database: people ask for whatever comes to
mind, a pencil writes down only what was asked and granted, and what the ledger says must be what the
pencil says, due by due and fen by fen, after every act.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from typing import Any

import pytest

import domain.lives
from domain.apportioning import LotShared, UnitsStated
from domain.decider import LIFECYCLES, Ask, Event, Occasion, Refused
from domain.disposal import Deduction, Disposal, DisposalApproved, DisposalProposed, ListValued
from domain.due import Due, Income
from domain.leaving import Form, Ground

assert domain.lives
HISTORIES, PARTS, STEPS = 20_000, 4, 22
TODAY = date(2025, 6, 30)
CASE = "disposal/D"
UNITS = ("o_1", "o_2", "o_3")
ROUTINE = {"voucher": "凭1", "treasury_on": TODAY}
BACK = {"approval_no": "退1", "voucher": "退书1", "reason": "退付"}
OCCASIONS: dict[str, Occasion] = {}


def occasion(stream: str) -> Occasion:
    if stream not in OCCASIONS:
        OCCASIONS[stream] = Occasion(by="u_1", on=TODAY, stream=stream)
    return OCCASIONS[stream]


class World:
    """One case, its dues, and a pencil that knows only what was asked and granted."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = Random(seed)
        assets = tuple(f"A{n}" for n in range(chance.randint(1, 4)))
        values = tuple(chance.choice((0, 1, 333, chance.randrange(10**6))) for _ in assets)
        began: list[Event] = [
            DisposalProposed(
                applicant="u_0",
                unit="o_1",
                form=Form.AUCTION,
                ground=Ground.IDLE,
                minutes_no="纪1",
                assets=assets,
            ),
            ListValued(values=values, kinds=("vehicle",) * len(assets), amount=sum(values)),
        ]
        if chance.random() < 0.6:
            owners = tuple(chance.choice(UNITS) for _ in assets)
            began.append(UnitsStated(units=tuple(sorted(set(owners))), owners=owners))
        began.append(DisposalApproved(approval_no="批1", assets=assets))
        self.states: dict[str, Any] = {CASE: LIFECYCLES["disposal"].fold(began)}
        self.log: dict[str, list[tuple[int, Event]]] = {CASE: [(0, fact) for fact in began]}
        self.acts = self.numbers = 0
        self.done: Counter[str] = Counter()
        # Of each due: received, given to payers, with the treasury, kept; shown by lines to have come
        # and to have gone; refunded.
        self.pencil: dict[str, list[int]] = {}
        self.lines: dict[tuple[str, str], tuple[int, int, int]] = {}  # amount, first known by it
        self.brought = self.forfeited = 0
        self.undo: list[tuple[str, tuple[str, ...], Any]] = []

    @property
    def case(self) -> Disposal:
        found: Disposal = self.states[CASE]
        return found

    # What is asked ----------------------------------------------------------------

    def ask(self, stream: str, verb: str, **form: Any) -> list[Event] | None:
        """Let it be asked; return the facts that were granted, None when it was refused."""
        granted: list[tuple[str, Event]] = []
        states = dict(self.states)
        try:
            self.grant(Ask(stream, verb, form), states, granted)
        except Refused:
            return None
        before = (
            {name: list(sums) for name, sums in self.pencil.items()},
            dict(self.lines),
            self.brought,
            self.forfeited,
        )
        self.acts += 1
        self.done[verb] += 1
        self.states = states
        for name, fact in granted:
            self.log.setdefault(name, []).append((self.acts, fact))
        self.undo.append((verb, tuple(dict.fromkeys(name for name, _ in granted)), before))
        return [fact for _, fact in granted]

    def grant(self, ask: Ask, states: dict[str, Any], granted: list[tuple[str, Event]]) -> None:
        """Decide as the ledger does: every ask in turn, what follows a fact at once."""
        kind = ask.stream.partition("/")[0]
        if kind in ("asset", "unit"):  # no money is there
            return
        life = LIFECYCLES[kind]
        here = occasion(ask.stream)
        state = states.get(ask.stream) or life.state()
        for answer in life.decide(state, ask.verb, here, ask.form, asked=True):
            if isinstance(answer, Ask):
                self.grant(answer, states, granted)
                continue
            granted.append((ask.stream, answer))
            moved = life.evolve(states.get(ask.stream) or life.state(), answer)
            states[ask.stream] = moved
            for more in life.follow(moved, answer, here):
                self.grant(more, states, granted)

    def reverse(self) -> None:
        """Take the last act back whole: what is left is told again from its facts."""
        if not self.undo:
            return
        _, names, before = self.undo.pop()
        for name in names:
            self.log[name] = [one for one in self.log[name] if one[0] != self.acts]
            life = LIFECYCLES[name.partition("/")[0]]
            self.states[name] = life.fold(fact for _, fact in self.log[name])
        self.pencil, self.lines, self.brought, self.forfeited = before
        self.acts -= 1
        self.done["reversed"] += 1

    # What people do ---------------------------------------------------------------

    def some(self, most: int) -> int:
        """Return an amount somebody could write: nothing, a fen, all of it, a fen too much."""
        chance = self.chance
        return max(0, chance.choice((0, 1, most, most, most + 1, chance.randint(0, max(0, most)))))

    def fresh(self, sign: str) -> str:
        self.numbers += 1
        return f"{sign}{self.numbers}"

    def step(self) -> None:
        chance = self.chance.random()
        if chance < 0.05:
            self.reverse()
        elif chance < 0.35 or len(self.states) == 1:
            self.trade()
        else:
            self.pay(self.chance.choice([name for name in self.states if name != CASE]))

    def trade(self) -> None:
        """Sell, break a deal, hand over, say what is owed, or remit in the case."""
        chance, case = self.chance, self.case
        rest = sorted(case.unsold)
        what = chance.random()
        if not rest and case.proceeds > case.billed and what < 0.6:
            what = 0.86
        if rest and what < 0.6:
            most = chance.choice((1, len(rest), len(rest)))
            lot = chance.sample(rest, chance.randint(1, most))
            price = chance.choice((0, 1, 2, 100, 999, chance.randrange(10**7)))
            form: dict[str, Any] = {"assets": lot, "price": price, "buyer": "买1"}
            form["deal_no"] = self.fresh("成")
            units = sorted({case.owners.get(a, case.unit) for a in lot})
            if chance.random() < 0.3:
                cut = sorted(chance.randint(0, price) for _ in units[1:])
                parts = [b - a for a, b in zip([0, *cut], [*cut, price], strict=True)]
                form["split"] = [
                    {"type": u, "amount": p} for u, p in zip(units, parts, strict=True)
                ]
            deal = chance.random() < 0.7
            if deal:
                form["deposit"] = chance.choice((0, 1, price // 10, 777))
            facts = self.ask(CASE, "strike_deal" if deal else "sell_lot", **form)
            if facts is not None:
                self.brought += price
                split = [fact for fact in facts if isinstance(fact, LotShared)]
                assert all(sum(part.amount for part in one.parts) == price for one in split)
        elif case.deals and what < 0.74:
            no = chance.choice(sorted(case.deals))
            deal_ = case.deals[no]
            if chance.random() < 0.4:
                self.ask(CASE, "hand_over_deal", deal_no=no)
            else:
                forfeited = self.some(deal_.deposit)
                off = {"reason": "违约", "next_step_by": TODAY, "deposit_forfeited": forfeited}
                if self.ask(CASE, "record_buyer_default", deal_no=no, **off) is not None:
                    self.brought -= sum(deal_.prices.values())
                    self.forfeited += forfeited
        elif what < 0.75:
            self.ask(CASE, "keep_rest", reason="不卖了")
        elif what < 0.85:
            amount = self.some(case.remitted)
            before = dict(case.remitted_by)
            ground = chance.choice(("technical_error", "mistaken_payment", "changed_basis"))
            if self.ask(CASE, "refund_lot", amount=amount, ground=ground, **BACK) is not None:
                for unit in before:
                    was, now = self.pencil[f"due/disposal.D.{unit}"], self.due(unit)
                    part = was[2] - now.remitted
                    was[2] -= part
                    was[6] += part
                    amount -= part
                    was[1] += 0 if ground == "technical_error" else part
                assert amount == 0, "a refund was divided and something is left over"
        elif what < 0.93:
            gross, costs = case.proceeds - case.billed, []
            left = gross
            for _ in range(chance.randint(0, 2)):
                costs.append(Deduction(type="费", amount=chance.choice((0, left, left // 7))))
                left -= costs[-1].amount
            self.ask(CASE, "assess_income", gross=gross, deductions=costs)
        else:
            unit = chance.choice(sorted(case.due_by) or [case.unit])
            owed = case.due_by.get(unit, case.net or 0) - case.remitted_by.get(unit, 0)
            amount = self.some(owed)
            name = f"due/disposal.D.{unit}" if case.due_by else "due/disposal.D"
            if self.ask(CASE, "remit", amount=amount, unit=unit, **ROUTINE) is not None:
                self.sums(name)[2] += amount

    def due(self, part: str) -> Due:
        found: Due = self.states[f"due/disposal.D.{part}"]
        return found

    def sums(self, name: str) -> list[int]:
        return self.pencil.setdefault(name, [0] * 7)

    def pay(self, name: str) -> None:
        """Bill, pay, match, give back, remit, refund or keep something of a due."""
        chance = self.chance
        due: Due = self.states[name]
        sums = self.sums(name)
        what = chance.randrange(14)
        if what <= 3:
            verb = ("take_cash", "record_transfer", "offset_deposit", "take_cash")[what]
            amount = self.some(due.unpaid)
            if self.ask(name, verb, amount=amount, payer="买1", reference="收1") is not None:
                self.sums(name)[0] += amount
        elif what == 4:
            line, amount = self.fresh("行"), self.some(due.unpaid)
            known = sums[0] - sums[4]
            form = {"line": line, "counts": "payment", "amount": amount}
            if self.ask(name, "confirm", **form) is not None:
                new = max(0, amount - known)
                sums = self.sums(name)
                sums[0], sums[4] = sums[0] + new, sums[4] + amount
                self.lines[name, line] = (amount, new, 0)
        elif what == 5 and self.lines:
            whose, line = chance.choice(sorted(self.lines))
            if self.ask(whose, "release", line=line, reason="误勾") is not None:
                amount, new, side = self.lines.pop((whose, line))
                sums = self.sums(whose)
                sums[side] -= new
                sums[4 if side == 0 else 5] -= amount
        elif what == 13:
            line, amount = self.fresh("行"), self.some(due.left)
            known = sums[2] + sums[6] - sums[5]
            form = {"line": line, "counts": "remittance", "amount": amount, **ROUTINE}
            if self.ask(name, "confirm", **form) is not None:
                new = max(0, amount - known)
                sums = self.sums(name)
                sums[2], sums[5] = sums[2] + new, sums[5] + amount
                self.lines[name, line] = (amount, new, 2)
        elif what == 6:
            amount = self.some(due.overpaid)
            if self.ask(name, "return_excess", amount=amount, voucher="凭1") is not None:
                self.sums(name)[1] += amount
        elif what in (7, 8):
            amount = self.some(due.left)
            if self.ask(name, "remit", amount=amount, **ROUTINE) is not None:
                self.sums(name)[2] += amount
        elif what in (9, 10):
            amount = self.some(due.remitted)
            ground = chance.choice(("technical_error", "mistaken_payment", "changed_basis"))
            if self.ask(name, "refund", amount=amount, ground=ground, **BACK) is not None:
                self.sums(name)[2] -= amount
                self.sums(name)[6] += amount
                self.sums(name)[1] += 0 if ground == "technical_error" else amount
        elif what == 11 and chance.random() < 0.3:
            amount = self.some(due.left)
            form = {"amount": amount, "basis": "办法", "approval_no": "批3"}
            if self.ask(name, "keep", **form) is not None:
                self.sums(name)[3] += amount
        else:
            code = self.fresh("码")
            self.ask(name, "issue_notice", payment_code=code, payer="买1")

    # What must be so --------------------------------------------------------------

    def check(self) -> None:
        """Hold what the ledger says against the pencil."""
        case = self.case
        assert case.proceeds == self.brought, "what was sold is not what was brought"
        if case.owners:
            assert sum(case.earned.values()) == case.proceeds
        whole = never = forfeited = 0
        for name, due in self.states.items():
            if name == CASE or not due.owed:
                continue
            received, given, sent, kept, come, gone, refunded = self.sums(name)
            assert due.remitted == sent and due.kept == kept and due.given_back == given
            assert due.paid_in + due.overpaid + due.given_back == received
            assert sum(one.amount for one in due.shown_by) == come + gone
            assert due.refunded == refunded and due.remitted >= 0
            assert due.overpaid >= 0 and due.whole >= 0 and due.left >= 0 and due.again >= 0
            assert due.whole == due.remitted + due.kept + due.left
            assert not due.paid_in < 0 < due.overpaid, "too little and too much at once"
            assert sum(one.amount for one in due.owed) == due.net == due.whole + due.reduced
            if due.income is Income.DEPOSIT:
                forfeited += due.net
            else:
                whole += due.whole - due.kept
                never += due.never_remitted
        assert forfeited == self.forfeited, "a forfeited deposit is not all owed"
        if case.net is not None:
            assert case.net == whole, "the case owes another sum than its dues"
            assert case.net - case.remitted == never, "the case waits for another sum than its dues"
            assert 0 <= case.billed <= case.proceeds
            if case.due_by:
                assert sum(case.due_by.values()) == case.net
                assert sum(case.remitted_by.values()) == case.remitted
                assert sum(case.billed_by.values()) == case.billed


@pytest.mark.parametrize("part", range(PARTS))
def test_no_fen_is_made_or_lost_over_any_history(part: int) -> None:
    """Whatever was sold, broken, paid, refunded and taken back: the pencil agrees to the fen."""
    done: Counter[str] = Counter()
    histories = HISTORIES // PARTS
    for seed in range(part * histories, (part + 1) * histories):
        world = World(seed)
        for number in range(STEPS):
            world.step()
            try:
                world.check()
            except AssertionError as wrong:
                told = [verb for verb, _, _ in world.undo]
                raise AssertionError(f"seed {seed}, step {number}: {wrong} after {told}") from wrong
        done += world.done
    print(f"{histories:,} histories, {done.total():,} acts: {dict(done.most_common())}")
    wanted = {"strike_deal", "sell_lot", "hand_over_deal", "record_buyer_default", "assess_income"}
    wanted |= {"take_cash", "record_transfer", "offset_deposit", "confirm", "release", "keep"}
    wanted |= {"return_excess", "remit", "refund", "refund_lot", "issue_notice", "reversed"}
    assert all(done[verb] >= 50 for verb in wanted), "some step was hardly ever granted"
