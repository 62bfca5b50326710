"""A unit's bank accounts: which there are, how their tables are read, which statements were taken in,
and until when each is agreed with the dues (T98).

One stream for each unit. A statement is taken in whole with its file, or not at all; what another
file had already is not taken twice, by the file's fingerprint and by each entry's identity. Before
a unit's books are closed, its accounts are agreed until the same day.
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import period
from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.filing import folder_of
from domain.period import CloseProposed, Period
from domain.statement import Booked, Proof, Side
from domain.values import CaseId, Code, Currency, Given, Name, Reference, SignedFen, Text
from domain.words import Role, Term, Words


class Way(Term):
    """How a line of a bank's table tells money in from money out."""

    SIGNED = "signed", "一列金额，支出为负", "one column, a minus for money out"
    MARKED = "marked", "一列金额，另一列写借贷", "one column, and another that says in or out"
    APART = "apart", "收入、支出两列", "two columns: in, and out"


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One account: whose side it is on, until when it is agreed, whether it is used no more."""

    account: str
    bank: str = ""
    currency: str = "CNY"
    side: Side = Side.COLLECTING
    agreed: date | None = None
    ended: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One statement that was taken in, in the order of recording."""

    statement: str
    account: str
    file: str
    since: date | None = None
    until: date | None = None
    opening: int | None = None
    closing: int | None = None
    entries: int = 0
    agreed: bool = False


class Columns(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which column of a bank's table holds what; several names for one are parted by a bar."""

    title: str
    way: Way
    booked: str
    amount: str = ""
    mark: str = ""
    income: str = ""
    outgo: str = ""
    balance: str = ""
    party: str = ""
    party_account: str = ""
    references: str = ""
    bank_id: str = ""
    note: str = ""
    account: str = ""


class StatementSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was read of a file; nobody types it (`Occasion.seen`).

    `after` is how many statements the unit had when its entries were held against them.
    """

    stream: str
    statement: str
    after: int
    account: str
    currency: str
    file_kind: str
    layout: str
    file: str
    media: str
    size_bytes: int
    proof: Proof
    in_file: int
    known: int
    known_amount: int
    entries: tuple[Booked, ...]
    since: date | None = None
    until: date | None = None
    opening: int | None = None
    closing: int | None = None


class Bank(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The accounts of a unit and what is known of them."""

    accounts: tuple[Account, ...] = ()
    layouts: tuple[Columns, ...] = ()
    statements: tuple[Taken, ...] = ()

    def account(self, number: str) -> Account | None:
        """Return an account by its number, None when it is not registered."""
        return next((one for one in self.accounts if one.account == number), None)

    def describe(self, lang: Lang) -> str:
        """Say how many accounts and statements there are."""
        used = sum(not one.ended for one in self.accounts)
        if lang == "zh":
            return f"已登记银行账户{used}个，导入对账单{len(self.statements)}份"
        return f"{used} bank accounts registered, {len(self.statements)} statements taken in"


lifecycle: Lifecycle[Bank] = Lifecycle("bank", Bank, Words("银行账户", "Bank accounts"))

# What happened ----------------------------------------------------------------


class AccountOpened(
    Event,
    name="bank.account_opened",
    zh="登记银行账户{account}（{bank}，{side}）",
    en="Bank account {account} registered ({bank}, {side})",
):
    """#47 Money of this account is held against what is due."""

    account: Reference
    bank: Name
    side: Side
    currency: Currency = "CNY"


class AccountEnded(
    Event,
    name="bank.account_ended",
    zh="银行账户{account}停用：{reason}",
    en="Bank account {account} used no more: {reason}",
):
    """#47 No statement of it is expected any more."""

    account: Reference
    reason: Text


class LayoutKept(
    Event,
    name="bank.layout_kept",
    zh="保存对账表格式“{title}”",
    en="Layout of bank tables kept: {title}",
):
    """#49 Which column of a bank's table holds what; a later one of the same title replaces it."""

    title: Name
    way: Way
    booked: Code
    amount: Code = ""
    mark: Code = ""
    income: Code = ""
    outgo: Code = ""
    balance: Code = ""
    party: Code = ""
    party_account: Code = ""
    references: Code = ""
    bank_id: Code = ""
    note: Code = ""
    account: Code = ""


class StatementTaken(
    Event,
    name="bank.statement_taken",
    zh="导入账户{account}的对账单（{since}至{until}），新记{entries}笔",
    en="Statement of account {account} taken in ({since} to {until}), {entries} new entries",
):
    """#49 A statement was read, proved, and recorded with its file; `entries` are the new ones."""

    statement: CaseId
    account: Reference
    file: Code
    entries: int
    since: date | None = None
    until: date | None = None
    opening: SignedFen | None = None
    closing: SignedFen | None = None


class AccountReconciled(
    Event,
    name="bank.account_reconciled",
    zh="账户{account}已对账至{until}",
    en="Account {account} reconciled until {until}",
    duty="reconcile",
):
    """T98 Every entry until that day is matched or set aside with a reason; later ones come next."""

    account: Reference
    until: date


BankEvent: TypeAlias = (
    AccountOpened | AccountEnded | LayoutKept | StatementTaken | AccountReconciled
)

# Where that leaves us ---------------------------------------------------------


def evolve(bank: Bank, event: BankEvent) -> Bank:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AccountOpened():
            one = Account(
                account=event.account, bank=event.bank, currency=event.currency, side=event.side
            )
            others = tuple(each for each in bank.accounts if each.account != event.account)
            return replace(bank, accounts=(*others, one))
        case AccountEnded(account=number):
            return replace(
                bank,
                accounts=tuple(
                    replace(one, ended=True) if one.account == number else one
                    for one in bank.accounts
                ),
            )
        case LayoutKept(title=title):
            said = {name: getattr(event, name) for name in Columns.__struct_fields__}
            others_ = tuple(each for each in bank.layouts if each.title != title)
            return replace(bank, layouts=(*others_, Columns(**said)))
        case StatementTaken():
            taken = Taken(
                statement=event.statement,
                account=event.account,
                file=event.file,
                since=event.since,
                until=event.until,
                opening=event.opening,
                closing=event.closing,
                entries=event.entries,
            )
            return replace(bank, statements=(*bank.statements, taken))
        case AccountReconciled(account=number, until=until):
            return agreed(bank, number, until)
        case _:
            assert_never(event)


def agreed(bank: Bank, number: str, until: date) -> Bank:
    """Return the accounts, one of them agreed until a day."""
    return replace(
        bank,
        accounts=tuple(
            replace(one, agreed=until) if one.account == number else one for one in bank.accounts
        ),
        statements=tuple(
            replace(one, agreed=True)
            if one.account == number and one.until is not None and one.until <= until
            else one
            for one in bank.statements
        ),
    )


lifecycle.part(BankEvent, evolve)

# What may be asked ------------------------------------------------------------

KEEPERS = (Role.ACCOUNTANT, Role.FINANCE)
TAKERS = (Role.CASHIER, Role.ACCOUNTANT, Role.FINANCE)
OWN = Rule(
    slug="accounts-of-another-unit",
    zh="只能办理本单位的银行账户；财政部门可以办理各单位的。",
    en="A unit handles its own bank accounts; the finance department those of others.",
    holds=lambda _, occasion: (
        occasion.role == Role.FINANCE
        or not occasion.stream
        or occasion.acts_for(occasion.stream.partition("/")[2])
    ),
)
ACCOUNT_NEW = Rule(
    slug="account-registered-already",
    zh="账户 {account} 已登记。",
    en="Account {account} is registered already.",
)
ACCOUNT_KNOWN = Rule(
    slug="account-not-registered",
    zh="账户 {account} 未登记或已停用；请先登记银行账户。",
    en="Account {account} is not registered, or not used any more; register it first.",
)
CURRENCY_SAME = Rule(
    slug="account-in-another-currency",
    zh="账户 {account} 的币种是 {currency}，对账单写的是 {found}。",
    en="Account {account} is in {currency}, the statement in {found}.",
)
FILE_READ = Rule(
    slug="statement-not-read",
    zh="没有读到对账单文件；请通过上传导入。",
    en="No file of the bank was read; upload it.",
)
NOT_MEANWHILE = Rule(
    slug="statement-taken-meanwhile",
    zh="同时有另一份对账单导入；请再导入一次，已有的不会重复。",
    en="Another statement was taken in meanwhile; take this one in again, nothing comes twice.",
)
NOT_TWICE = Rule(
    slug="statement-file-known",
    zh="这份文件或其中全部条目已于此前导入（{statement}），没有重复记入。",
    en="This file, or every entry in it, was taken in before ({statement}); nothing is added.",
)
COLUMNS_SAID = Rule(
    slug="layout-without-amounts",
    zh="“{way}”的表格须写明相应的金额列。",
    en="A table of the sort “{way}” needs the columns of its amounts.",
)
OVER = Rule(
    slug="account-day-not-over",
    zh="{until} 须早于业务日期 {on}，并在已对账至的日期之后。",
    en="{until} must be before {on}, and after the day until which the account is agreed.",
)
COVERED = Rule(
    slug="statements-do-not-reach",
    zh="账户 {account} 的对账单没有覆盖到 {until}；请先导入缺少的对账单。",
    en="The statements of account {account} do not reach {until}; take in what is missing first.",
)
NO_GAP = Rule(
    slug="statements-with-a-gap",
    zh="账户 {account} 在 {before} 与 {after} 之间缺对账单：前期末余额与后期初余额不等。",
    en="Between {before} and {after} a statement of account {account} is missing: the balances do"
    " not follow each other.",
)
RECONCILED = Rule(
    slug="account-not-reconciled",
    zh="账户 {account} 尚未对账至 {until}。这是本系统的规则，法规没有这样规定：登记的账户先对账，后结账。"
    "请导入缺少的对账单，逐笔勾对或者另作处理，再办理“对账结清”；不再使用的账户请先停用。",
    en="Account {account} is not reconciled until {until}. That accounts come first and books after is a"
    " house rule, no law says so: take in what is missing of its statements, match every entry or set it"
    " aside, then have the account agreed. An account that is used no more is ended first.",
)


@lifecycle.verb(OWN, zh="登记银行账户", en="Register a bank account", roles=KEEPERS)
def open_account(
    bank: Bank,
    _: Occasion,
    *,
    account: Reference,
    bank_name: Name,
    side: Side = Side.COLLECTING,
    currency: Currency = "CNY",
) -> AccountOpened:
    """Register an account as the bank's statements call it."""
    known = bank.account(account)
    if known is not None and not known.ended:
        raise ACCOUNT_NEW.broken(account=account)
    return AccountOpened(account=account, bank=bank_name, side=side, currency=currency)


@lifecycle.verb(OWN, zh="停用银行账户", en="Stop using a bank account", roles=KEEPERS)
def end_account(bank: Bank, _: Occasion, *, account: Reference, reason: Given) -> AccountEnded:
    """Say that an account is used no more, and why."""
    in_use(bank, account)
    return AccountEnded(account=account, reason=reason)


def in_use(bank: Bank, number: str) -> Account:
    """Return an account that is in use; raise `Refused`."""
    known = bank.account(number)
    if known is None or known.ended:
        raise ACCOUNT_KNOWN.broken(account=number)
    return known


@lifecycle.verb(OWN, zh="保存对账表格式", en="Keep a layout of bank tables", roles=TAKERS)
def keep_layout(
    _: Bank,
    __: Occasion,
    *,
    title: Name,
    way: Way,
    booked: Reference,
    amount: Code = "",
    mark: Code = "",
    income: Code = "",
    outgo: Code = "",
    balance: Code = "",
    party: Code = "",
    party_account: Code = "",
    references: Code = "",
    bank_id: Code = "",
    note: Code = "",
    account: Code = "",
) -> LayoutKept:
    """Say once which column of the bank's table holds what; later files are read by it.

    Names are those in the head of the table; several for one thing are parted by a bar.
    """
    needed = {Way.SIGNED: (amount,), Way.MARKED: (amount, mark), Way.APART: (income, outgo)}
    if not all(needed[way]):
        raise COLUMNS_SAID.broken(way=way)
    return LayoutKept(
        title=title,
        way=way,
        booked=booked,
        amount=amount,
        mark=mark,
        income=income,
        outgo=outgo,
        balance=balance,
        party=party,
        party_account=party_account,
        references=references,
        bank_id=bank_id,
        note=note,
        account=account,
    )


@lifecycle.verb(OWN, zh="导入对账单", en="Take a statement in", roles=TAKERS)
def take_statement(
    bank: Bank, occasion: Occasion, *, statement: CaseId, title: Name
) -> tuple[StatementTaken | Ask, ...]:
    """Record a statement that was read from a file, its new entries and the file itself."""
    seen = next(
        (
            one
            for one in occasion.seen
            if isinstance(one, StatementSeen)
            and (one.stream, one.statement) == (occasion.stream, statement)
        ),
        None,
    )
    if seen is None:
        raise FILE_READ.broken()
    account = in_use(bank, seen.account)
    if account.currency != seen.currency:
        raise CURRENCY_SAME.broken(
            account=account.account, currency=account.currency, found=seen.currency
        )
    earlier = next((one for one in bank.statements if one.statement == statement), None)
    if earlier is not None or (seen.known and not seen.entries):
        raise NOT_TWICE.broken(statement=statement)
    if len(bank.statements) < seen.after or any(
        one.account == seen.account and one.file != seen.file
        for one in bank.statements[seen.after :]
    ):
        raise NOT_MEANWHILE.broken()
    stream = f"statement/{statement}"
    held = {
        "unit": occasion.stream.partition("/")[2],
        "account": account.account,
        "side": account.side,
        "currency": seen.currency,
        "file_kind": seen.file_kind,
        "layout": seen.layout,
        "file": seen.file,
        "proof": seen.proof,
        "in_file": seen.in_file,
        "known": seen.known,
        "known_amount": seen.known_amount,
        "since": seen.since,
        "until": seen.until,
        "opening": seen.opening,
        "closing": seen.closing,
        "agreed_before": account.agreed,
        "entries": seen.entries,
    }
    file = {
        "sha256": seen.file,
        "media": seen.media,
        "size_bytes": seen.size_bytes,
        "title": title,
    }
    fact = StatementTaken(
        statement=statement,
        account=account.account,
        file=seen.file,
        entries=len(seen.entries),
        since=seen.since,
        until=seen.until,
        opening=seen.opening,
        closing=seen.closing,
    )
    return (fact, Ask(stream, "hold", held), Ask(folder_of(stream), "attach", file))


@lifecycle.verb(OWN, zh="对账结清", en="Agree an account", roles=KEEPERS)
def reconcile(
    bank: Bank, occasion: Occasion, *, account: Reference, until: date
) -> tuple[AccountReconciled | Ask, ...]:
    """Let everything until a day stand; refused while an entry of it is unexplained (T98).

    What is booked by then and comes to light later keeps its day and counts in the next month.
    """
    known = in_use(bank, account)
    if until >= occasion.on or (known.agreed is not None and until <= known.agreed):
        raise OVER.broken(until=until, on=occasion.on)
    mine = [one for one in bank.statements if one.account == account]
    covered(account, mine, until)
    concerned = [
        one for one in mine if not one.agreed and (one.since is None or one.since <= until)
    ]
    return (
        AccountReconciled(account=account, until=until),
        *(Ask(f"statement/{one.statement}", "be_agreed", {"until": until}) for one in concerned),
    )


def covered(account: str, mine: list[Taken], until: date) -> None:
    """Refuse where a statement is missing: before the day, or between two of them."""
    dated = sorted(
        (one for one in mine if one.since is not None and one.until is not None),
        key=lambda one: (one.since or date.min, one.until or date.min),
    )
    last: Taken | None = None
    for one in dated:
        assert one.since is not None
        if one.since > until:
            break
        if last is not None and last.until is not None and one.since > last.until:
            known = last.closing is not None and one.opening is not None
            if known and last.closing != one.opening:
                raise NO_GAP.broken(account=account, before=last.until, after=one.since)
        if last is None or last.until is None or (one.until or date.min) >= last.until:
            last = one
    if last is None or last.until is None or last.until < until:
        raise COVERED.broken(account=account, until=until)


@lifecycle.verb(zh="核对是否结清", en="Answer for a close", inner=True)
def answer_for(bank: Bank, _: Occasion, *, until: date) -> tuple[AccountReconciled, ...]:
    """Refuse to close books over an account that is not agreed until the same day (T98)."""
    for one in bank.accounts:
        if not one.ended and (one.agreed is None or one.agreed < until):
            raise RECONCILED.broken(account=one.account, until=until)
    return ()


@period.lifecycle.followed(CloseProposed)
def when_books_close(_: Period, fact: CloseProposed, occasion: Occasion) -> tuple[Ask, ...]:
    """Ask the unit's accounts whether they are agreed until the same day."""
    unit = occasion.stream.partition("/")[2]
    return (Ask(f"bank/{unit}", "answer_for", {"until": fact.until}),)
