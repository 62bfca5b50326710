"""对账 · Reconciling: what is owed against the lines of a bank statement, read from its file."""

from __future__ import annotations

import csv
import io
import multiprocessing
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from api import reading_bank
from benchmarks.measuring import Bar, Figure, short
from benchmarks.places import Place
from projections.matching_money import found
from projections.money_terms import Kind, Line, Owed

SIZES = (10_000, 30_000, 100_000)
SEED = 20260101
DAY_ONE = date(2026, 1, 1)
# In a thousand payments so many break; the rest pay one due at once. One in five gives no code.
BREAKS = {"missing": 10, "short": 10, "twice": 5, "parts": 15, "batch": 60, "wrong": 10, "back": 5}
PAYER_DUES = 40  # a buyer has so many dues in a year
UNIT = "o_treasury"
HEAD = ("交易日期", "收入", "支出", "余额", "对方户名", "对方账号", "摘要", "交易类型", "流水号")


class _Payment(msgspec.Struct):
    on: date
    fen: int
    payer: int
    text: str
    type: str = ""


def market(count: int, seed: int = SEED) -> tuple[list[Owed], bytes]:
    """Draw so many dues and a statement of as many lines, more or less; a seed draws the same."""
    some = random.Random(seed)
    payers = max(1, count // PAYER_DUES)
    dues = [
        Owed(
            id=f"D{at:06}",
            amount=round(10 ** some.uniform(4, 7.3)),
            since=DAY_ONE + timedelta(some.randrange(365)),
            unit=UNIT,
            codes=(f"33{at:010}{some.randrange(10**6):06}",),
            payer=f"买受人{some.randrange(payers):05}",
        )
        for at in range(count)
    ]
    payments = list(_payments(dues, some))
    payments.sort(key=lambda each: each.on)
    return dues, _statement(payments)


def _payments(dues: list[Owed], some: random.Random) -> Iterator[_Payment]:
    waiting: dict[str, _Payment] = {}  # of a buyer who pays it together with the next purchase
    for due in sorted(dues, key=lambda each: each.since):
        payer, code = int(due.payer[-5:]), due.codes[0] if some.random() < 0.8 else "拍卖款"
        one = _Payment(due.since + timedelta(some.randrange(1, 12)), due.amount, payer, code)
        again = msgspec.structs.replace(one, on=one.on + timedelta(3))
        held = waiting.pop(due.payer, None)
        if held is not None and due.since - held.on < timedelta(8):
            one.fen += held.fen
            one.text = f"{held.text} {code}" if some.random() < 0.5 else code
            yield one
            continue
        if held is not None:
            yield held
        match _drawn(some.randrange(1000)):
            case "missing":
                continue
            case "short":
                one.fen -= some.randrange(1, 5000)
            case "twice":
                yield again
            case "parts":
                one.fen, again.fen = one.fen // 3, due.amount - one.fen // 3
                yield again
            case "batch":
                waiting[due.payer] = one
                continue
            case "wrong":
                one.text = due.codes[0][:-1] + str(9 - int(due.codes[0][-1]))
            case "back":
                yield msgspec.structs.replace(again, fen=-due.amount, type="退汇")
                yield msgspec.structs.replace(again, on=again.on + timedelta(4))
        yield one
    yield from waiting.values()


def _drawn(number: int) -> str:
    for kind, share in BREAKS.items():
        if number < share:
            return kind
        number -= share
    return "whole"


def _statement(payments: list[_Payment]) -> bytes:
    held, balance = io.StringIO(), 0
    rows = csv.writer(held)
    rows.writerow(HEAD)
    for at, each in enumerate(payments):
        balance += each.fen
        sides = (_yuan(each.fen), "") if each.fen > 0 else ("", _yuan(-each.fen))
        who = f"买受人{each.payer:05}", f"6217{each.payer:012}"
        rows.writerow((each.on, *sides, _yuan(balance), *who, each.text, each.type, f"F{at:07}"))
    return held.getvalue().encode("gb18030")


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"


class Run(msgspec.Struct):
    """What one reconciliation took."""

    name: str
    reading: float
    matching: float
    joining: float
    megabytes: float
    kinds: dict[str, int]

    def figures(self, judged: bool) -> Iterator[Figure]:
        """Yield the lines of the table."""
        told = ", ".join(f"{kind} {n:,}" for kind, n in sorted(self.kinds.items()))
        yield Figure(
            work=f"file to findings, {self.name} ({told})",
            ours=self.reading + self.matching,
            unit="s",
            bar=Bar(most=30) if judged else Bar(),
        )
        yield Figure(
            work=f"of it reading and proving the file, {self.name}", ours=self.reading, unit="s"
        )
        yield Figure(
            work=f"of it matching, {self.name}",
            ours=self.matching,
            unit="s",
            floor=self.joining,
            beside="a join on code and amount alone",
        )
        bar = Bar(most=1024) if judged else Bar()
        yield Figure(work=f"memory, {self.name}", ours=self.megabytes, unit="MB", bar=bar)


def run(place: Place) -> Iterator[Figure]:
    """Yield three sizes, each in a process of its own."""
    for size in SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            made = alone.apply(measure, (place.size(size),))
        yield from made.figures(size == SIZES[-1])


def measure(count: int) -> Run:
    """Reconcile once, in this process."""
    dues, statement = market(count)
    start = time.perf_counter()
    (read,) = reading_bank.statements(statement, account="3300")
    reading = time.perf_counter() - start
    lines = [
        Line(
            id=entry.id,
            amount=entry.minor,
            booked=entry.booked,
            unit=UNIT,
            text=entry.text,
            payer=entry.party,
            payer_account=entry.party_account,
            returned=entry.returned,
        )
        for entry in read.entries
    ]
    start = time.perf_counter()
    findings = found(dues, lines, until=DAY_ONE + timedelta(500))
    matching = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    codes = {(due.codes[0], due.amount): due.id for due in dues}
    joined = {line.id: codes.get((line.text, line.amount)) for line in lines}
    joining = time.perf_counter() - start
    # Every line and every due is told; nothing is settled that a code does not name to the fen.
    assert sum(len(each.lines) for each in findings) == len(lines) == len(joined)
    amounts = {due.id: due.amount for due in dues}
    paid: Counter[str] = Counter()
    for each in findings:
        for part in each.parts if each.settled else ():
            paid[part.due] += part.amount
    assert all(amounts[due] == paid[due] for due in paid)
    assert sum(each.kind is Kind.WHOLE for each in findings) > count // 2
    return Run(
        name=f"{short(count)} × {short(len(lines))}",
        reading=reading,
        matching=matching,
        joining=joining,
        megabytes=peak / (2**20 if sys.platform == "darwin" else 2**10),
        kinds=dict(Counter(each.kind.value for each in findings)),
    )
