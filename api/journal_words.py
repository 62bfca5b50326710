"""Vouchers as every door tells them: a table, and a text that an independent program can check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from api.changing import told
from api.pages_telling import NameOf
from domain.decider import Lang
from domain.journal import Account, Omitted, Proposed
from domain.vouchers import OCCASIONS, Side
from domain.words import Words

HEADS: Final = (
    Words("日期", "date"),
    Words("位置", "position"),
    Words("单位", "unit"),
    Words("摘要", "occasion"),
    Words("凭证号", "voucher"),
    Words("方向", "side"),
    Words("科目代码", "account"),
    Words("科目", "account name"),
    Words("借方", "debit"),
    Words("贷方", "credit"),
    Words("币种", "currency"),
    Words("卡片数", "cards"),
)
BALANCE: Final = Words("余额（借减贷）", "balance (debit less credit)")
ROOTS: Final = {"1": "Assets", "2": "Liabilities", "3": "Equity", "4": "Income", "5": "Expenses"}


def table(
    proposed: Iterable[Proposed], lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> Iterator[list[Any]]:
    """Yield vouchers as a table to take home, one row for each of their lines."""
    yield [told(words, lang) for words in HEADS]
    for one in proposed:
        voucher = one.voucher
        for line in voucher.lines:
            left = line.side is Side.DEBIT
            yield [
                one.on, str(one.position), name_of("unit", voucher.unit),
                told(OCCASIONS[voucher.occasion], lang), one.reference,
                told(line.side.words, lang), line.code, told(line.account, lang),
                amount(line.amount) if left else None, None if left else amount(line.amount),
                voucher.currency, str(len(voucher.assets)),
            ]  # fmt: skip


def accounts_table(
    found: Iterable[Account], lang: Lang, name_of: NameOf, amount: Callable[[int], Any]
) -> Iterator[list[Any]]:
    """Yield what the accounts come to as a table to take home."""
    heads = (HEADS[2], HEADS[6], HEADS[7], HEADS[8], HEADS[9], BALANCE, HEADS[10])
    yield [told(words, lang) for words in heads]
    for one in found:
        yield [
            name_of("unit", one.unit), one.code, told(one.words, lang), amount(one.debit),
            amount(one.credit), amount(one.balance), one.currency,
        ]  # fmt: skip


def beancount(proposed: Iterable[Proposed], lang: Lang, name_of: NameOf) -> Iterator[str]:
    """Yield vouchers in the plain text of Beancount, whose checker says whether each balances.

    Every account is opened in the name of its unit; what it says of an entry is its position in
    the log. Amounts are written with two decimals.
    """
    listed = list(proposed)
    units = {one.voucher.unit: f"U{n}" for n, one in numbered(listed)}
    yield ";; Vouchers proposed by Gongwu; the accounting system of each unit posts.\n"
    opened: set[str] = set()
    for one in listed:
        for line in one.voucher.lines:
            account = account_of(line.code, units[one.voucher.unit])
            if account not in opened:
                opened.add(account)
                yield f"0001-01-01 open {account}\n"
                yield f"  unit: {quoted(one.voucher.unit)}\n"
                yield f"  name: {quoted(told(line.account, lang))}\n"
    for one in listed:
        said = told(OCCASIONS[one.voucher.occasion], lang)
        yield f"\n{one.on} * {quoted(name_of('unit', one.voucher.unit))} {quoted(said)}\n"
        yield f"  position: {one.position}\n"
        if one.reference:
            yield f"  voucher: {quoted(one.reference)}\n"
        for line in one.voucher.lines:
            sign = "" if line.side is Side.DEBIT else "-"
            whole, cents = divmod(line.amount, 100)
            account = account_of(line.code, units[one.voucher.unit])
            yield f"  {account}  {sign}{whole}.{cents:02} {one.voucher.currency}\n"


def numbered(listed: Iterable[Proposed]) -> Iterator[tuple[int, Proposed]]:
    """Yield the first voucher of every unit with a number, for a name that any checker reads."""
    seen: set[str] = set()
    for one in listed:
        if one.voucher.unit not in seen:
            seen.add(one.voucher.unit)
            yield len(seen), one


def account_of(code: str, unit: str) -> str:
    """Return the name of an account: its class by the first digit, its number, its unit."""
    return f"{ROOTS.get(code[:1], 'Equity')}:{code}:{unit}"


def quoted(text: str) -> str:
    """Return a text as Beancount reads it, on one line."""
    plain = " ".join(text.split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(one: Proposed) -> dict[str, Any]:
    """Return a voucher as values of JSON; amounts in fen or cents."""
    value: dict[str, Any] = msgspec.to_builtins(one)
    value["total"] = one.voucher.total(Side.DEBIT)
    return value


def plain_omitted(one: Omitted) -> dict[str, Any]:
    """Return a movement that needs no entry as values of JSON."""
    value: dict[str, Any] = msgspec.to_builtins(one.leg)
    return value | {"why": one.why.value, "said": {"zh": one.why.words.zh, "en": one.why.words.en}}
