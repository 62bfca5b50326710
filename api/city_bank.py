"""A month of the example city's bank: what most of a cashier's statement looks like, and what does not fit.

The education bureau's account in September 2026: payments with their code, one for several notices,
one by its amount alone, one short, one that came back and was paid again, cash paid in, a remittance,
a fee, interest, and money nobody waits for. Some of it is reconciled; the rest waits at the workbench.
Everything is invented, as all of the city.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from api import banking
from api.city_people import Person, who
from api.office import Actor, Office
from domain.due import Income
from domain.statement import Ground
from domain.words import Role
from ledger.book import Book

UNIT: Final = "o_ex_edu"
ACCOUNT: Final = "示0010 0200 0000 0017"
OWED_ON: Final = date(2026, 8, 28)
CASH_ON: Final = date(2026, 9, 11)
TAKEN_ON: Final = date(2026, 10, 9)
# What is owed: its stream, what for, fen, the code of its notice, the payer.
DUES: Final = (
    ("EXB-01", Income.RENT, 1_860_000, "990000202608000011", "示例便民服务有限公司"),
    ("EXB-02", Income.DISPOSAL, 845_000, "990000202608000012", "示例再生资源有限公司"),
    ("EXB-03", Income.DISPOSAL, 132_650, "990000202608000013", "示例再生资源有限公司"),
    ("EXB-04", Income.COMPENSATION, 46_800, "990000202608000014", "示例会展服务有限公司"),
    ("EXB-05", Income.DISPOSAL, 2_300_000, "990000202608000015", "示例二手车交易有限公司"),
    ("EXB-06", Income.RENT, 720_000, "990000202608000016", "示例印务有限公司"),
    ("EXB-07", Income.OTHER, 3_500, "990000202608000017", "交款人"),
    ("EXB-08", Income.OTHER, 2_750, "990000202608000018", "交款人"),
)
HEAD: Final = "记账日期,收入,支出,余额,对方户名,对方账号,凭证号,摘要,交易类型,交易流水号"
# What the bank booked: day, fen, payer, account, reference, text, type.
LINES: Final = (
    ("2026-09-02", 1_860_000, "示例便民服务有限公司", "示5301", "990000202608000011", "三季度租金", "转账"),
    ("2026-09-03", 977_650, "示例再生资源有限公司", "示5302", "", "990000202608000012 990000202608000013 处置款", "转账"),
    ("2026-09-07", 46_800, "示例会展服务有限公司", "示5303", "", "赔偿款", "转账"),
    ("2026-09-09", 2_250_000, "示例二手车交易有限公司", "示5304", "990000202608000015", "车辆成交款", "转账"),
    ("2026-09-11", 6_250, "示例市教育局", "", "", "现金缴存", "现金"),
    ("2026-09-14", 720_000, "示例印务有限公司", "示5305", "990000202608000016", "场地租金", "转账"),
    ("2026-09-15", -720_000, "示例印务有限公司", "示5305", "990000202608000016", "户名不符退回", "退汇"),
    ("2026-09-17", 720_000, "示例印务有限公司", "示5305", "990000202608000016", "场地租金", "转账"),
    ("2026-09-21", -1_860_000, "示例市财政专户", "示9001", "示缴2026-0917", "上缴非税收入", "转账"),
    ("2026-09-21", 1_213, "示例银行", "", "", "结息", "利息"),
    ("2026-09-24", 88_000, "某单位", "示5399", "", "款项性质待查", "转账"),
    ("2026-09-29", -1_500, "示例银行", "", "", "账户管理费", "手续费"),
)  # fmt: skip


def taken(book: Book) -> bool:
    """Tell whether the month is in the book."""
    return bool(book.stream(f"bank/{UNIT}").state.statements)


def take(office: Office) -> None:
    """Bill, take the statement in, and reconcile what a morning allows."""
    finance, accountant = who("o_ex_fin", Role.FINANCE, 2), who(UNIT, Role.ACCOUNTANT)
    cashier = who(UNIT, Role.CASHIER)
    account = {"account": ACCOUNT, "bank_name": "示例银行（虚构）"}
    ask(office, accountant, f"bank/{UNIT}", "open_account", "account", OWED_ON, **account)
    for name, income, amount, code, payer in DUES:
        due = f"due/{name}"
        form = {"unit": UNIT, "gross": amount, "income": income, "note": "示例：核定应缴"}
        ask(office, finance, due, "record", f"{name}-owed", OWED_ON, **form)
        notice = {"payment_code": code, "payer": payer}
        ask(office, finance, due, "issue_notice", f"{name}-billed", OWED_ON, **notice)
    for name, _, amount, code, payer in DUES[-2:]:
        cash = {"amount": amount, "payer": payer, "reference": f"示收{name[-2:]}"}
        cash |= {"payment_code": code}
        ask(office, cashier, f"due/{name}", "take_cash", f"{name}-cash", CASH_ON, **cash)
    content = statement()
    plans = office.banking.plans(UNIT, content, "示例银行2026年9月.csv")
    asks, seen, kept = banking.taking(plans, content, "示例银行2026年9月.csv")
    if asks:
        how: dict[str, Any] = {"on": TAKEN_ON, "key": "example-bank-taken", "channel": "demo"}
        office.ask_many(asks, acting(cashier), seen=seen, evidence=kept, **how)
    reconcile(office, accountant)


def reconcile(office: Office, by: Person) -> None:
    """Take what agrees in everything, and say what fee and interest are."""
    keys = office.banking.bench(UNIT).settled
    how: dict[str, Any] = {"on": TAKEN_ON, "channel": "demo"}
    if keys:
        asks = office.banking.accepting(UNIT, keys)
        office.ask_many(asks, acting(by), key="example-bank-matched", **how)
    grounds = {"账户管理费": Ground.FEE, "结息": Ground.INTEREST}
    for row in office.banking.bench(UNIT).waiting:
        ground = next((g for said, g in grounds.items() if said in row.text), None)
        if ground is not None:
            stream, no = banking.place_of(row.ref)
            form = {"entry": no, "ground": ground, "reason": "银行回单"}
            ask(office, by, stream, "set_aside", f"aside-{no}", TAKEN_ON, **form)


def statement() -> bytes:
    """Return the file as the bank would send it: every balance follows from the one before."""
    held = 5_000_00
    rows = [f"账号：,{ACCOUNT}", HEAD]
    for number, (day, amount, party, account, reference, text, kind) in enumerate(LINES, start=1):
        held += amount
        into, out = (yuan(amount), "") if amount > 0 else ("", yuan(-amount))
        cells = (day, into, out, yuan(held), party, account, reference, text, kind)
        rows.append(",".join((*cells, f"示流{number:06}")))
    return ("\r\n".join(rows) + "\r\n").encode("gb18030")


def yuan(amount: int) -> str:
    """Return fen as a bank prints them."""
    return f"{amount // 100}.{amount % 100:02}"


def acting(by: Person) -> Actor:
    """Return a person of the city at work."""
    return Actor(person=by.id, unit=by.unit, role=by.role, name=by.name)


def ask(
    office: Office, by: Person, stream: str, verb: str, key: str, on: date, **form: Any
) -> None:
    """Have a person ask for something once."""
    office.ask(stream, verb, form, acting(by), on=on, key=f"example-bank-{key}", channel="demo")
