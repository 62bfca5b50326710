"""What a bank says of an account: statements and entries, read exactly and proved by their sums."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from typing import Final

import msgspec

from api.reading_problems import Problem

ENTRIES_MAX: Final = 120_000
"""So many entries of one file; an office's busiest month is a few thousand."""

WHOLE: Final = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
        *("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
THOUSANDTHS: Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
_MONEY: Final = re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]{0,20}))?")


class Proof(Enum):
    """What shows that nothing is missing between the first entry and the last."""

    BALANCES = "balances"  # opening + entries = closing
    RUNNING = "running"  # every line states the balance after it
    NONE = "none"  # the file has nothing to check against, which is said wherever it is shown


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One booked line. `minor` is signed (in is positive) in the currency's smallest unit.

    `amount` is the text the bank wrote, `bank_id` its own number for the line, `party` whoever
    paid (or was paid), `balance` what the account held after it, where lines say so. `id` is the
    same in every file that holds this line: taking a file in twice adds nothing.
    """

    booked: date
    value_date: date | None = None
    minor: int
    amount: str
    references: tuple[str, ...] = ()
    party: str = ""
    party_account: str = ""
    code: str = ""
    text: str = ""
    bank_id: str = ""
    returned: bool = False
    balance: int | None = None
    line: int = 0
    id: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank says of one account: two balances and every line between them."""

    kind: str
    account: str
    bank: str = ""
    currency: str
    opening: int | None = None
    closing: int | None = None
    since: date | None = None
    until: date | None = None
    sequence: str = ""
    reference: str = ""
    entries: tuple[Entry, ...] = ()
    proof: Proof = Proof.BALANCES
    file: str = ""
    sha256: str = ""
    line: int = 1
    page: int = 0  # of a statement that the bank sends in pages; 0 where it does not say
    last_page: bool = True

    @property
    def total(self) -> int:
        """Add up all entries."""
        return sum(entry.minor for entry in self.entries)

    @property
    def closes(self) -> bool:
        """Tell whether opening + entries = closing."""
        return (
            self.opening is not None
            and self.closing is not None
            and self.opening + self.total == self.closing
        )


def decimals(currency: str) -> int:
    """Return how many decimals a currency has (ISO 4217)."""
    return 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2


def minor(text: str, currency: str) -> int:
    """Return decimal text (a point, no thousands) in the smallest unit of its currency.

    Idle zeros beyond the currency's decimals are nothing (`8.850`); anything else there cannot be
    paid, so it is refused and never rounded. Raises ValueError.
    """
    match = _MONEY.fullmatch(text)
    places = decimals(currency)
    if match is None:
        raise ValueError(text)
    part = match[3] or ""
    if part[places:].strip("0"):
        raise ValueError(text)
    found = int(match[2] + part[:places].ljust(places, "0"))
    return -found if match[1] == "-" else found


def written(amount: int, currency: str) -> str:
    """Return an amount in the smallest unit as decimal text with its currency."""
    places = decimals(currency)
    sign, whole = ("-", -amount) if amount < 0 else ("", amount)
    part = f".{whole % 10**places:0{places}}" if places else ""
    return f"{sign}{whole // 10**places:,}{part} {currency}"


# Identity ---------------------------------------------------------------------------


def identified(statement: Statement) -> Statement:
    """Give every entry its identity.

    A bank's own number decides where there is one; else what the line says, together with its
    place: the statement, where statements are numbered, or the balance after it. Lines that agree
    in all of that are counted: two equal payments on one day are two entries.
    """
    numbered = (statement.sequence, statement.reference, statement.opening, statement.closing)
    place = numbered if statement.proof is Proof.BALANCES else ()
    seen: Counter[bytes] = Counter()
    entries = []
    for entry in statement.entries:
        said = (
            (entry.bank_id,)
            if entry.bank_id
            else (
                *place,
                entry.value_date,
                *entry.references,
                *(entry.party, entry.party_account, entry.code, entry.text, entry.balance),
            )
        )
        what = msgspec.json.encode(
            (statement.account, statement.currency, entry.booked, entry.minor, said)
        )
        seen[what] += 1
        digest = hashlib.sha256(what + b"#%d" % seen[what]).hexdigest()
        entries.append(msgspec.structs.replace(entry, id=digest[:32]))
    return msgspec.structs.replace(statement, entries=tuple(entries))


def added(statements: Iterable[Statement], known: Iterable[str] = ()) -> list[Entry]:
    """Return the entries that are not known yet, in the order of the file."""
    there = set(known)
    fresh = []
    for entry in (entry for statement in statements for entry in statement.entries):
        if entry.id not in there:
            there.add(entry.id)
            fresh.append(entry)
    return fresh


# What does not add up ---------------------------------------------------------------


def faults(statement: Statement) -> list[Problem]:
    """Return every reason not to believe a statement; none means that its sums prove it."""
    match statement.proof:
        case Proof.RUNNING:
            return _running(statement)
        case Proof.BALANCES:
            return _balances(statement)
        case Proof.NONE:
            return []


def _balances(statement: Statement) -> list[Problem]:
    if (
        statement.page
        and not (statement.page == 1 and statement.last_page)
        and (statement.opening is None or statement.closing is None)
    ):
        return [
            problem(
                statement,
                "page-missing",
                f"这是分页对账单的第 {statement.page} 页，其余各页不在文件中，期初或期末余额缺失。"
                "请向银行下载包含全部各页的文件。",
                f"This is page {statement.page} of a statement whose other pages are not in the file, so"
                " a balance is missing. Ask the bank for one file with every page.",
            )
        ]
    if statement.opening is None or statement.closing is None:
        return [
            problem(
                statement,
                "no-balances",
                "对账单缺少期初或期末余额，无法核对是否完整。请向银行重新下载完整的对账单。",
                "The statement has no opening or no closing balance, so nothing shows that it is "
                "whole. Ask the bank for a complete one.",
            )
        ]
    if statement.closes:
        return []
    found, stated = statement.opening + statement.total, statement.closing
    return [_apart(statement, found, stated, statement.line)]


def _running(statement: Statement) -> list[Problem]:
    """Check every balance against the one before it; the file may run either way in time."""
    wrong = []
    held: int | None = None
    for entry in statement.entries:
        if held is not None and entry.balance is not None and held + entry.minor != entry.balance:
            wrong.append(_apart(statement, held + entry.minor, entry.balance, entry.line))
        held = entry.balance
    return wrong


def _apart(statement: Statement, found: int, stated: int, line: int) -> Problem:
    currency = statement.currency
    said = written(found, currency), written(stated, currency), written(stated - found, currency)
    return problem(
        statement,
        "does-not-close",
        f"账户 {statement.account}：期初加发生额为 {said[0]}，对账单写的余额是 {said[1]}，"
        f"相差 {said[2]}。文件不完整或有误，未导入。",
        f"Account {statement.account}: opening and entries make {said[0]}, the statement says "
        f"{said[1]}, {said[2]} apart. The file is incomplete or wrong; nothing was taken.",
        line,
    )


def problem(statement: Statement, slug: str, zh: str, en: str, line: int = 0) -> Problem:
    """Say what is wrong with a statement, at its first line unless another is named."""
    return Problem(statement.file, line or statement.line, 0, slug, zh, en)


def bad(file: str, line: int, slug: str, what: tuple[str, str], found: str) -> Problem:
    """Say that a value is none of its kind: an amount, a date, a currency."""
    shown = found[:60]
    return Problem(
        file,
        line,
        0,
        slug,
        f"{what[0]}有误，读到的是“{shown}”。文件不完整或有误，未导入。",
        f"{what[1]} is wrong: “{shown}”. The file is incomplete or wrong; nothing was taken.",
    )


AMOUNT: Final = ("金额（须能以该币种的最小单位表示）", "An amount (in whole minor units)")
DAY: Final = ("日期", "A date")
CURRENCY: Final = ("币种", "A currency")
BALANCE: Final = ("余额", "A balance")


def first(*texts: str | None) -> str:
    """Return the first text that is not empty."""
    return next((text for text in texts if text), "")


def distinct(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts once each, in their order, without those that say nothing."""
    return tuple(dict.fromkeys(t for t in texts if t.strip("-") and t not in NO_REFERENCE))


NO_REFERENCE: Final = frozenset(
    (
        *("NONREF", "NOTPROVIDED", "EREF", "EREF+", "KREF", "KREF+"),
        *("PREF", "PREF+", "MREF", "MREF+", "MARF", "MARF+"),
    )
)
"""What stands where a reference would, and says that there is none, or that it is elsewhere."""
