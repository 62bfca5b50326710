"""Read the tables that Chinese banks let people download: CSV, XLS or XLSX, by named layouts.

A layout says which column holds what and how a line tells money in from money out. It is plain
data: an office saves the layout of its bank as JSON and gives it along.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from api.reading_bank_values import (
    AMOUNT,
    BALANCE,
    CURRENCY,
    DAY,
    ENTRIES_MAX,
    Entry,
    Proof,
    Statement,
    bad,
    distinct,
    minor,
    written,
)
from api.reading_problems import Problem, Unreadable, refuse

HEAD_ROWS_MAX: Final = 30
EXCEL_DAY_ONE: Final = date(1899, 12, 30).toordinal()
CURRENCIES: Final = {
    "人民币": "CNY",
    "人民币元": "CNY",
    "RMB": "CNY",
    "美元": "USD",
    "欧元": "EUR",
    "港币": "HKD",
    "港元": "HKD",
    "日元": "JPY",
    "英镑": "GBP",
    "澳门元": "MOP",
}


class Way(StrEnum):
    """How a line tells money in from money out."""

    SIGNED = "signed"  # one column, a minus for money out
    MARKED = "marked"  # one column, and another that says 贷 (in) or 借 (out)
    APART = "apart"  # two columns: in, and out


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column holds what: for each, the names it goes by, the first that is there counts."""

    name: str
    bank: str = ""
    way: Way
    booked: tuple[str, ...]
    amount: tuple[str, ...] = ()
    mark: tuple[str, ...] = ()
    income: tuple[str, ...] = ()
    outgo: tuple[str, ...] = ()
    value_date: tuple[str, ...] = ()
    balance: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    party: tuple[str, ...] = ()
    party_account: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    bank_id: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    """Columns that tell this layout from another of the same bank."""
    totals: str = ""
    """How the closing line of sums begins."""
    currency_if_unsaid: str = "CNY"

    @property
    def required(self) -> tuple[tuple[str, ...], ...]:
        amounts = {
            Way.SIGNED: (self.amount,),
            Way.MARKED: (self.amount, self.mark),
            Way.APART: (self.income, self.outgo),
        }
        return (self.booked, *amounts[self.way], *((name,) for name in self.only_with))

    def fits(self, header: Sequence[str]) -> bool:
        return all(any(name in header for name in names) for names in self.required)


LAYOUTS: Final = (
    Layout(
        name="boc-debit",
        bank="中国银行",
        way=Way.SIGNED,
        booked=("记账日期",),
        amount=("金额",),
        balance=("余额",),
        currency=("币别",),
        party=("对方账户名",),
        party_account=("对方卡号/账号",),
        code=("交易名称",),
        text=("附言", "网点名称"),
        account=("借记卡号",),
        only_with=("对方开户行",),
    ),
    Layout(
        name="abc-debit",
        bank="中国农业银行",
        way=Way.SIGNED,
        booked=("交易日期",),
        amount=("交易金额",),
        balance=("本次余额",),
        party=("对手信息",),
        bank_id=("日志号",),
        code=("交易摘要",),
        text=("交易附言",),
        only_with=("日志号",),
    ),
    Layout(
        name="bocom-debit",
        bank="交通银行",
        way=Way.MARKED,
        booked=("交易日期",),
        amount=("交易金额",),
        mark=("借贷",),
        balance=("余额",),
        party=("对方户名",),
        party_account=("对方账号",),
        code=("交易类型",),
        text=("摘要", "交易地点"),
    ),
    Layout(
        name="icbc-debit-v2",
        bank="中国工商银行",
        way=Way.APART,
        booked=("交易日期",),
        income=("记账金额(收入)",),
        outgo=("记账金额(支出)",),
        balance=("余额",),
        currency=("记账币种",),
        party=("对方户名",),
        party_account=("对方账户",),
        code=("摘要",),
        text=("交易详情", "交易场所"),
        only_with=("对方账户",),
        totals="人民币合计",
    ),
    Layout(
        name="icbc-debit-v1",
        bank="中国工商银行",
        way=Way.APART,
        booked=("交易日期",),
        income=("记账金额(收入)",),
        outgo=("记账金额(支出)",),
        balance=("余额",),
        currency=("记账币种",),
        party=("对方户名",),
        code=("摘要",),
        text=("交易场所",),
        totals="人民币合计",
    ),
    # What most banks call the columns of a business account. To the bank, money in is 贷方.
    Layout(
        name="business",
        way=Way.APART,
        booked=("记账日期", "交易日期", "入账日期", "日期"),
        income=("贷方发生额", "贷方金额", "收入金额", "收入", "转入金额"),
        outgo=("借方发生额", "借方金额", "支出金额", "支出", "转出金额"),
        value_date=("起息日", "起息日期"),
        balance=("余额", "账户余额"),
        currency=("币种", "币别"),
        party=("对方户名", "对方账户名称", "对方单位名称"),
        party_account=("对方账号", "对方账户"),
        references=("缴款码", "缴款识别码", "凭证号", "凭证号码", "业务编号", "企业流水号"),
        bank_id=("交易流水号", "流水号", "银行流水号", "交易流水"),
        code=("交易类型", "业务类型"),
        text=("摘要", "用途", "附言", "备注"),
        account=("本方账号", "账号"),
    ),
)


def table(text: str, file: str = "") -> list[tuple[str, ...]]:
    """Cut text into rows; what stands most often in the busiest of the first lines divides them.

    Raise `Unreadable` for a cell that never ends.
    """
    head = text.splitlines()[:HEAD_ROWS_MAX]
    divider = max(",\t;", key=lambda each: max((line.count(each) for line in head), default=0))
    rows = csv.reader(io.StringIO(text), delimiter=divider)
    try:
        return [tuple(row) for row in rows]
    except csv.Error as error:
        raise refuse(
            file,
            "broken-table",
            "表格有误：某个单元格过长，或引号没有成对。请重新下载。",
            "The table is broken: a cell is too long, or its quotation marks do not pair. "
            "Download it again.",
            rows.line_num or 1,
        ) from error


def statement(
    rows: Sequence[Sequence[str]], file: str, layouts: Sequence[Layout], account: str = ""
) -> tuple[Statement, list[Problem]]:
    """Read one table by the first layout that fits; raise `Unreadable`."""
    cleaned = [[_clean(cell) for cell in row] for row in rows]
    for at, row in enumerate(cleaned[:HEAD_ROWS_MAX]):
        header = [column_name(cell) for cell in row]
        for each in layouts:
            if each.fits(header):
                return _Table(file, each, header, cleaned, at, account).read()
    shown = "；".join(each.name for each in layouts)
    raise refuse(
        file,
        "unknown-layout",
        f"未识别表头（已知格式：{shown}）。请用 JSON 文件说明各列含义后再导入。",
        f"No line names the columns of a known layout ({shown}). Say in a JSON file which column "
        "holds what, and give it along.",
    )


class _Table:
    def __init__(
        self,
        file: str,
        layout: Layout,
        header: list[str],
        rows: list[list[str]],
        at: int,
        account: str,
    ) -> None:
        self.file, self.layout, self.header, self.rows, self.at = file, layout, header, rows, at
        self.account = account
        self.wrong: list[Problem] = []
        self.where: Mapping[str, int] = {name: n for n, name in reversed([*enumerate(header)])}

    def read(self) -> tuple[Statement, list[Problem]]:
        layout, entries = self.layout, []
        currencies: list[str] = []
        totals: tuple[int, list[str]] | None = None
        for number, row in enumerate(self.rows[self.at + 1 :], self.at + 2):
            if not any(row):
                continue
            if layout.totals and row[0].startswith(layout.totals):
                totals = number, row
                continue
            if any(row[len(self.header) :]):
                self.wrong.append(bad(self.file, number, "wrong-cell-count", _CELLS, row[-1]))
                continue
            if len(entries) >= ENTRIES_MAX:
                raise Unreadable([bad(self.file, number, "too-many-entries", _CELLS, "")])
            currency = self._currency(row, number)
            entry = self._entry(row, number, currency)
            if entry is not None:
                entries.append(entry)
                currencies.append(currency)
            if not self.account:
                self.account = self._said(row, layout.account)
        if len(set(currencies)) > 1:
            self.wrong.append(
                bad(
                    self.file, self.at + 1, "several-currencies", CURRENCY, " ".join(currencies[:9])
                )
            )
        if totals is not None:
            self._totals(*totals, entries)
        return self._made(entries, (currencies or [layout.currency_if_unsaid])[0]), self.wrong

    def _made(self, entries: list[Entry], currency: str) -> Statement:
        running = bool(entries) and all(entry.balance is not None for entry in entries)
        if running and _backwards(entries):
            entries.reverse()
        opening = closing = None
        if running and entries[0].balance is not None:
            opening, closing = entries[0].balance - entries[0].minor, entries[-1].balance
        days = [entry.booked for entry in entries]
        return Statement(
            kind=f"table:{self.layout.name}",
            account=self.account or self._preamble(),
            bank=self.layout.bank,
            currency=currency,
            opening=opening,
            closing=closing,
            since=min(days, default=None),
            until=max(days, default=None),
            entries=tuple(entries),
            proof=Proof.RUNNING if running else Proof.NONE,
            file=self.file,
            line=self.at + 1,
        )

    def _preamble(self) -> str:
        """Find the account in the lines above the columns: `卡号: 1234****9876`."""
        for row in self.rows[: self.at]:
            for at, cell in enumerate(row):
                match = re.match(r"(?:卡号|账号|账户|本方账号)\s*[:：]\s*(\S*)", cell)
                if match is not None:
                    return match[1] or (row[at + 1] if at + 1 < len(row) else "")
        return ""

    # Cells --------------------------------------------------------------------------

    def _said(self, row: Sequence[str], names: Sequence[str]) -> str:
        """Return the first cell under any of these names that says something."""
        for name in names:
            at = self.where.get(name)
            if at is not None and at < len(row) and row[at].strip("-"):
                return row[at]
        return ""

    def _all(self, row: Sequence[str], names: Sequence[str]) -> list[str]:
        return [found for name in names if (found := self._said(row, (name,)))]

    def _currency(self, row: Sequence[str], number: int) -> str:
        text = self._said(row, self.layout.currency)
        found = CURRENCIES.get(text, text) if text else self.layout.currency_if_unsaid
        if not re.fullmatch(r"[A-Z]{3}", found):
            self.wrong.append(bad(self.file, number, "bad-currency", CURRENCY, text))
            return self.layout.currency_if_unsaid
        return found

    def _entry(self, row: Sequence[str], number: int, currency: str) -> Entry | None:
        layout = self.layout
        amount, text = self._amount(row, number, currency)
        booked = self._day(self._said(row, layout.booked), number)
        if booked is None and not self._said(row, layout.booked):
            self.wrong.append(bad(self.file, number, "bad-day", DAY, ""))
        balance = self._said(row, layout.balance)
        held = None
        if balance:
            try:
                held = minor(_decimal(balance), currency)
            except ValueError:
                self.wrong.append(bad(self.file, number, "bad-balance", BALANCE, balance))
        if amount is None or booked is None:
            return None
        return Entry(
            booked=booked,
            value_date=self._day(self._said(row, layout.value_date), number),
            minor=amount,
            amount=text,
            references=distinct(self._all(row, layout.references)),
            party=self._said(row, layout.party),
            party_account=self._said(row, layout.party_account),
            code=self._said(row, layout.code),
            text=" ".join(self._all(row, layout.text)),
            bank_id=self._said(row, layout.bank_id).strip("0") and self._said(row, layout.bank_id),
            returned=any(w in self._said(row, layout.code) for w in ("退汇", "冲正", "退票")),
            balance=held,
            line=number,
        )

    def _amount(self, row: Sequence[str], number: int, currency: str) -> tuple[int | None, str]:
        """Return the signed amount and its text; a line says one amount, no more and no less."""
        layout = self.layout
        try:
            if layout.way is Way.APART:
                sides = self._said(row, layout.income), self._said(row, layout.outgo)
                into, out = (minor(_decimal(text), currency) if text else 0 for text in sides)
                if (into and out) or not any(sides):
                    raise ValueError("".join(sides))
                return into - out, sides[0] if into else "-" + sides[1]
            text = self._said(row, layout.amount)
            found = minor(_decimal(text), currency)
            if layout.way is Way.SIGNED:
                return found, text
            mark = self._said(row, layout.mark)
            if found < 0 or not re.match(r"[借贷收付支CD入出]", mark):
                raise ValueError(mark)
            into_account = mark[0] in "贷收C入"
            return (found, text) if into_account else (-found, "-" + text)
        except ValueError as error:
            self.wrong.append(bad(self.file, number, "bad-amount", AMOUNT, str(error)))
            return None, ""

    def _day(self, text: str, number: int) -> date | None:
        if not text:
            return None
        match = re.fullmatch(
            r"([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?(?:[ T].{0,16})?", text
        )
        try:
            if match is not None:
                return date(int(match[1]), int(match[2]), int(match[3]))
            if re.fullmatch(r"[3-7][0-9]{4}(?:\.[0-9]+)?", text):  # as Excel counts days
                return date.fromordinal(EXCEL_DAY_ONE + int(text.partition(".")[0]))
            raise ValueError(text)
        except ValueError:
            self.wrong.append(bad(self.file, number, "bad-day", DAY, text))
            return None

    def _totals(self, number: int, row: Sequence[str], entries: Sequence[Entry]) -> None:
        """Hold the bank's own sums against ours: a file that lost a line shows here."""
        currency = self.layout.currency_if_unsaid
        for names, ours in (
            (self.layout.income, sum(e.minor for e in entries if e.minor > 0)),
            (self.layout.outgo, -sum(e.minor for e in entries if e.minor < 0)),
        ):
            text = self._said(row, names)
            try:
                stated = minor(_decimal(text), currency) if text else 0
            except ValueError:
                self.wrong.append(bad(self.file, number, "bad-amount", AMOUNT, text))
                continue
            if stated != ours:
                said = written(ours, currency), written(stated, currency)
                self.wrong.append(
                    Problem(
                        self.file,
                        number,
                        0,
                        "does-not-add-up",
                        f"各行合计 {said[0]}，合计行写的是 {said[1]}。文件不完整或有误，未导入。",
                        f"The lines make {said[0]}, the line of sums says {said[1]}. The file is "
                        "incomplete or wrong; nothing was taken.",
                    )
                )


_CELLS: Final = ("单元格多于表头", "A line with more cells than columns")


def _backwards(entries: Sequence[Entry]) -> bool:
    """Tell a file that begins with the latest line: by its days, else by which way it adds up."""
    if entries[0].booked != entries[-1].booked:
        return entries[0].booked > entries[-1].booked
    down = up = 0
    for one, other in itertools.pairwise(entries):
        if one.balance is not None and other.balance is not None:
            down += one.balance + other.minor == other.balance
            up += other.balance + one.minor == one.balance
    return up > down


def _clean(cell: str) -> str:
    return cell.replace("\ufeff", "").replace("\u3000", " ").strip().lstrip("'").strip()


def column_name(cell: str) -> str:
    """Return what the head of a column is compared by, however wide its letters and spaces are."""
    return "".join(unicodedata.normalize("NFKC", cell).split())


def _decimal(text: str) -> str:
    """Return an amount as decimal text: `¥1,234.50`, `1，234.50`, `+10`, `(10.00)`."""
    found = unicodedata.normalize("NFKC", text).replace(" ", "").lstrip("¥￥")
    negative = re.fullmatch(r"\((.*)\)", found)
    found = f"-{negative[1]}" if negative else found
    if "," in found and not re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?", found):
        raise ValueError(text)
    return found.replace(",", "")
