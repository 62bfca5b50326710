"""Write the bank statement that nobody published: by rule, from real sales, with labelled breaks.

The sales are the City of Seattle's, the other side is made. The rule: one payment per day of sale
and auction house, ten bank days later, of all prices less 8 % commission (cents rounded down); the
house is the payer, the text gives the payment code and the number of lots. One in six gives no
code. Then breaks of every kind are put in, the last of each kind without a code; what each line is
stands in a second file. Strangers pay into the account too, and so do the houses for other reasons.

`python tests/income_breaks.py` writes both again; a test holds them to the rule and the seed.
"""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from api import reading_seattle as seattle
from api.reading_records import SAMPLE
from projections.money_terms import Kind, Owed

SEED = 20130129
COMMISSION_PERCENT = 8
BANK_DAYS = 10
OF_EACH = 4
OTHERS = 12
UNIT, OTHER_UNIT = "FAS", "SPU"
ACCOUNTS = {"MURPHYS AUCTION": "5300000017", "BIDADOO ONLINE AUCTION": "5300000025"}
HEAD = [
    "交易日期",
    "收入",
    "支出",
    "余额",
    "对方户名",
    "对方账号",
    "摘要",
    "交易类型",
    "交易流水号",
]
KINDS = (
    *(Kind.SHORT, Kind.BATCH, Kind.PARTS, Kind.TWICE, Kind.REPAID, Kind.WRONG_REFERENCE),
    *(Kind.WRONG_PAYER, Kind.EARLY, Kind.MISSING, Kind.OTHER_UNIT, Kind.NETTED),
)


class Sale(msgspec.Struct, frozen=True):
    """All that one house sold on one day."""

    on: date
    house: str
    lots: int
    cents: int


class Answer(msgspec.Struct, frozen=True, order=True):
    """What some lines and dues truly are to each other."""

    kind: str
    lines: tuple[str, ...]
    dues: tuple[str, ...]


class Made(msgspec.Struct):
    """What is owed, the statement as the bank would send it, and the answers."""

    dues: list[Owed]
    statement: str
    answers: list[Answer]


class _Payment(msgspec.Struct):
    on: date
    cents: int
    payer: str
    account: str
    text: str
    type: str = "转账"


def sales() -> list[Sale]:
    """Return the batches of the published sales; the row that is there twice counts once."""
    batches: dict[tuple[date, str], dict[str, int]] = defaultdict(dict)
    for row in seattle.sold(SAMPLE / "sold_fleet_equipment.tsv.gz"):
        if row.sold_on is not None:
            batches[row.sold_on, row.auction_house][row.equip_id] = row.sale_price.cents
    return [
        Sale(on, house, len(prices), sum(prices.values()))
        for (on, house), prices in sorted(batches.items())
    ]


def later(day: date, bank_days: int) -> date:
    """Return the day so many bank days later (Monday to Friday)."""
    step = 1 if bank_days > 0 else -1
    while bank_days:
        day += timedelta(days=step)
        bank_days -= step * (day.weekday() < 5)
    return day


def made(batches: list[Sale], seed: int = SEED) -> Made:
    """Write statement and answers; the same batches and seed give the same bytes."""
    return _Writer(batches, seed).write()


def _forget(payment: _Payment, *dues: Owed) -> None:
    for due in dues:
        payment.text = payment.text.replace(f"{due.codes[0]} ", "")


NAMELESS = (Kind.SHORT, Kind.BATCH, Kind.PARTS, Kind.TWICE, Kind.REPAID, Kind.NETTED)


class _Writer:
    def __init__(self, batches: list[Sale], seed: int) -> None:
        self.some = random.Random(seed)
        self.batches = batches
        self.dues: list[Owed] = []
        for n, sale in enumerate(batches):
            code = f"53{sale.on:%y%m%d}{n:03d}{self.some.randrange(10**5):05d}"
            self.dues.append(
                Owed(
                    id=f"D{n:03d}",
                    amount=sale.cents - sale.cents * COMMISSION_PERCENT // 100,
                    since=sale.on,
                    unit=UNIT,
                    currency="USD",
                    codes=(code,),
                    payer=sale.house,
                    payer_account=ACCOUNTS[sale.house],
                    costs=(self.some.randrange(150_00, 900_00),),
                )
            )
        self.whole: list[tuple[str, tuple[_Payment, ...], tuple[str, ...]]] = []

    # The breaks ---------------------------------------------------------------------

    def write(self) -> Made:
        free = list(range(len(self.batches)))
        self.some.shuffle(free)
        for _ in range(OF_EACH):  # two neighbours of one house, paid in one
            one, other = self._neighbours(free)
            free.remove(one)
            free.remove(other)
            self._batch(one, other)
        for kind in KINDS:
            if kind is not Kind.BATCH:
                for n in range(OF_EACH):
                    self._broken(kind, free.pop(), n, free)
        for at in free:
            due = self.dues[at]
            self._told(Kind.WHOLE, (self._payment(at, due, code=self.some.randrange(6) > 0),), due)
        self._nameless()
        self._noise()
        return self._made()

    def _neighbours(self, free: list[int]) -> tuple[int, int]:
        for one in free:
            for other in range(one + 1, min(one + 6, len(self.batches))):
                a, b = self.batches[one], self.batches[other]
                if other in free and a.house == b.house and (b.on - a.on).days <= 10:
                    return one, other
        raise ValueError("no two sales of one house within ten days are left")

    def _payment(self, at: int, due: Owed, *, code: bool = True, days: int = 0) -> _Payment:
        sale = self.batches[at]
        text = f"{sale.lots} LOTS SOLD {sale.on:%m/%d/%Y}"
        return _Payment(
            on=later(later(sale.on, BANK_DAYS), days),
            cents=due.amount,
            payer=due.payer,
            account=due.payer_account,
            text=f"{due.codes[0]} {text}" if code else text,
        )

    def _told(self, kind: Kind, payments: tuple[_Payment, ...], *dues: Owed) -> None:
        self.whole.append((kind.value, payments, tuple(due.id for due in dues)))

    def _batch(self, one: int, other: int) -> None:
        a, b = self.dues[one], self.dues[other]
        payment = self._payment(other, b)
        payment.cents = a.amount + b.amount
        if self.some.random() < 0.5:
            payment.text = f"{a.codes[0]} {payment.text}"
        self._told(Kind.BATCH, (payment,), a, b)

    def _broken(self, kind: Kind, at: int, n: int, free: list[int]) -> None:
        due = self.dues[at]
        first = self._payment(at, due)
        match kind:
            case Kind.SHORT:
                first.cents -= self.some.randrange(1_00, 140_00)
                self._told(kind, (first,), due)
            case Kind.PARTS:
                part = due.amount * self.some.randrange(20, 80) // 100
                second = self._payment(at, due, days=3)
                first.cents, second.cents = part, due.amount - part
                self._told(kind, (first, second), due)
            case Kind.TWICE:
                self._told(Kind.WHOLE, (first,), due)
                self._told(kind, (self._payment(at, due, days=5),), due)
            case Kind.REPAID:
                back = self._payment(at, due, days=1)
                back.cents, back.type = -back.cents, "退汇"
                self._told(kind, (first, back, self._payment(at, due, days=6)), due)
            case Kind.WRONG_REFERENCE:
                code = due.codes[0]
                wrong = self.dues[free[n]].codes[0] if n % 2 else code[:-1] + str(9 - int(code[-1]))
                first.text = first.text.replace(code, wrong)
                self._told(kind, (first,), due)
            case Kind.WRONG_PAYER:
                first.account = f"99{self.some.randrange(10**8):08d}"
                self._told(kind, (first,), due)
            case Kind.EARLY:
                first.on = later(due.since, -3)
                self._told(kind, (first,), due)
            case Kind.MISSING:
                self._told(kind, (), due)
            case Kind.OTHER_UNIT:
                self.dues[at] = msgspec.structs.replace(due, unit=OTHER_UNIT)
                first = self._payment(at, due, code=n % 2 == 0)
                self._told(kind, (first,), due)
            case Kind.NETTED:
                first.cents -= due.costs[0]
                first.text += " LESS TOWING" if n % 2 else ""
                self._told(kind, (first,), due)
            case _:
                raise AssertionError(kind)

    def _nameless(self) -> None:
        """Take the codes out of the last of each kind; what names another due keeps doing so."""
        last = {kind: (some, dues) for kind, some, dues in self.whole if kind in NAMELESS}
        for kind, (some, dues) in last.items():
            for each in some:
                _forget(each, *(due for due in self.dues if due.id in dues))
            if kind == Kind.TWICE:  # the first payment too
                for other, others, same in self.whole:
                    if other == Kind.WHOLE and same == dues:
                        _forget(others[0], *(due for due in self.dues if due.id in dues))

    def _noise(self) -> None:
        """Put in what an account holds besides: interest, fees, deposits of strangers."""
        days = [sale.on for sale in self.batches]
        for n in range(OTHERS):
            on = later(self.some.choice(days), 2)
            cents = self.some.randrange(1_00, 20_000_00)
            if n % 3:
                house = self.some.choice(sorted(ACCOUNTS)) if n % 6 == 1 else ""
                payer = (house, ACCOUNTS[house]) if house else (f"PAYER {n}", f"77{n:08d}")
                payment = _Payment(on, cents, *payer, "DEPOSIT")
                self._told(Kind.UNKNOWN, (payment,))
            else:
                payment = _Payment(on, -cents, "BANK", "", "FEE", "收费")
                self._told(Kind.OUTGOING, (payment,))

    # As the bank writes it -------------------------------------------------------------

    def _made(self) -> Made:
        payments = [each for _, some, _ in self.whole for each in some]
        payments.sort(key=lambda each: (each.on, each.text, each.cents))
        number = {id(each): f"F{n:05d}" for n, each in enumerate(payments, 1)}
        held = io.StringIO()
        rows = csv.writer(held, lineterminator="\n")
        rows.writerow(HEAD)
        rows.writerows(_rows(payments, number))
        answers = sorted(
            Answer(kind, tuple(sorted(number[id(each)] for each in some)), tuple(sorted(dues)))
            for kind, some, dues in self.whole
        )
        return Made(self.dues, held.getvalue(), answers)


def _rows(payments: list[_Payment], number: dict[int, str]) -> Iterator[list[str]]:
    balance = 0
    for each in payments:
        balance += each.cents
        sides = [_dollars(each.cents), ""] if each.cents > 0 else ["", _dollars(-each.cents)]
        yield [
            *(each.on.isoformat(), *sides, _dollars(balance), each.payer, each.account, each.text),
            *(each.type, number[id(each)]),
        ]


def _dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def answers_csv(answers: list[Answer]) -> str:
    """Return the answers as the file that is kept beside the statement."""
    held = io.StringIO()
    rows = csv.writer(held, lineterminator="\n")
    rows.writerow(("kind", "lines", "dues"))
    rows.writerows((a.kind, " ".join(a.lines), " ".join(a.dues)) for a in answers)
    return held.getvalue()


FOLDER = Path(__file__).parent / "income_breaks"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    written = made(sales())
    (FOLDER / "statement.csv").write_text(written.statement, encoding="utf-8")
    (FOLDER / "answers.csv").write_text(answers_csv(written.answers), encoding="utf-8")
