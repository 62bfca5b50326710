"""A bank statement in the ledger: its entries as taken in, what each pays, and until when it is agreed.

The ledger holds of an entry what tells it apart and what it is worth: its days, amount and numbers.
Names and free text stay in the file the bank sent, which lies in the statement's folder: people pay,
and nobody's name is kept for ever. An entry is matched with dues, which hear of it in the same act,
or set aside for a reason; both may be undone until the month is agreed (DOMAIN.md h, #49).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Final, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.due import Counts
from domain.values import (
    CaseId,
    Code,
    Currency,
    Fen,
    Given,
    Reference,
    SignedFen,
    Text,
    UnitId,
    yuan,
)
from domain.words import Role, Term, Words

CHUNK_BYTES: Final = 40_000  # of entries in one fact; an entry of the log holds 65,535 in all
ENTRIES_MAX: Final = 120_000
PARTS_MAX: Final = 500
OTHERS_MAX: Final = 5  # possibilities that are kept with a decision
EntryNo: TypeAlias = Annotated[int, Meta(ge=1, le=ENTRIES_MAX)]


class By(Term):
    """The rule that found what an entry pays."""

    CODE = "code", "缴款码一致", "the payment code agrees"
    VOUCHER = "voucher", "凭证号一致", "the voucher's number agrees"
    LIKELY = "likely", "单位、金额、日期相符", "unit, amount and days agree"
    NOTHING = "nothing", "没有依据", "nothing agrees"


class Kind(Term):
    """What kind of finding it is; all but the first four break with what was agreed."""

    WHOLE = "whole", "一笔付清", "paid at once"
    BATCH = "batch", "一笔付多项", "several paid by one line"
    PARTS = "parts", "分多笔付清", "paid by several lines"
    REPAID = "repaid", "退汇后重付", "came back and was paid again"
    RETURNED = "returned", "退汇未重付", "came back and was not paid again"
    SHORT = "short", "少付", "paid short"
    OVER = "over", "多付", "paid too much"
    NETTED = "netted", "坐支抵扣", "netted against costs"
    TWICE = "twice", "重复付款", "paid twice"
    WRONG_REFERENCE = "wrong_reference", "缴款码填错", "wrong reference"
    WRONG_PAYER = "wrong_payer", "付款账户不符", "from another account"
    EARLY = "early", "早于应收日付款", "paid before it was owed"
    OTHER_UNIT = "other_unit", "应入其他单位账户", "another unit's money"
    AMBIGUOUS = "ambiguous", "有多种可能", "several possibilities"
    UNKNOWN = "unknown", "未找到应收款", "belongs to nothing known"
    OUTGOING = "outgoing", "付出款项", "money that left"
    MISSING = "missing", "逾期未到账", "did not arrive"
    AWAITED = "awaited", "尚未到账", "still awaited"


class Side(Term):
    """Whose account it is, and so what money in and out of it shows."""

    COLLECTING = "collecting", "执收单位账户", "account of the collecting unit"
    TREASURY = "treasury", "财政专户或国库", "account of the treasury"


class Proof(Term):
    """What shows that a statement is whole."""

    BALANCES = "balances", "期初加发生额等于期末", "opening and entries make the closing balance"
    RUNNING = "running", "逐行余额相符", "every balance follows from the one before"
    NONE = "none", "文件无从核对", "nothing in the file proves it"


class Ground(Term):
    """Why an entry belongs to no due."""

    FEE = "bank_fee", "银行手续费", "bank fee"
    INTEREST = "interest", "存款利息", "interest"
    RETURNED = "came_back", "退汇冲抵", "payment and its return"
    TRANSFER = "own_transfer", "本单位账户间划转", "between own accounts"
    OVERPAID = "to_give_back", "多付或误付待退", "paid too much or by mistake, to be given back"
    OTHER_UNIT = "to_pass_on", "其他单位款项待转", "another unit's money, to be passed on"
    OTHER = "other_business", "其他业务", "other business"


class Booked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry as it is kept: `no` is its place in the file, `id` the same in every file.

    `amount` is signed, in is positive, in the smallest unit of the currency.
    """

    no: EntryNo
    id: Code
    booked: date
    amount: SignedFen
    value_on: date | None = None
    references: tuple[Code, ...] = ()
    bank_id: Code = ""
    returned: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So much of an entry for one due, in fen; `voucher` names a remittance not recorded before."""

    due: CaseId
    amount: Fen
    counts: Counts = Counts.PAYMENT
    voucher: Code = ""


class Suggested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the search proposed: by which rule, what agrees and differs, and what else it might be.

    `score` is out of 100, `matcher` the name and version of the search.
    """

    kind: Kind
    by: By
    score: int
    matcher: Code
    settled: bool = False
    lines: tuple[Code, ...] = ()
    dues: tuple[Code, ...] = ()
    agreed: tuple[Code, ...] = ()
    differs: tuple[Code, ...] = ()
    others: tuple[tuple[Code, ...], ...] = ()


class ProposalSeen(msgspec.Struct, frozen=True, gc=False):
    """What the search proposed for one entry now; nobody types it (`Occasion.seen`)."""

    stream: str
    entry: int
    parts: tuple[Part, ...]
    suggested: Suggested


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry as it stands: what of it is matched with which dues, what is set aside (fen)."""

    no: int
    id: str
    booked: date
    amount: int
    references: tuple[str, ...] = ()
    returned: bool = False
    parts: tuple[Part, ...] = ()
    aside: int = 0
    ground: Ground | None = None

    @property
    def matched(self) -> int:
        """Return how much of it dues have."""
        return sum(part.amount for part in self.parts)

    @property
    def open(self) -> int:
        """Return what nobody has explained yet."""
        return abs(self.amount) - self.matched - self.aside


class Statement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One statement: whose, its two balances, and its entries in blocks as they were taken in."""

    unit: str = ""
    account: str = ""
    side: Side = Side.COLLECTING
    currency: str = "CNY"
    file_kind: str = ""
    layout: str = ""
    since: date | None = None
    until: date | None = None
    opening: int | None = None
    closing: int | None = None
    in_file: int = 0
    known: int = 0
    known_amount: int = 0
    proof: Proof = Proof.NONE
    file: str = ""
    agreed_before: date | None = None
    agreed_until: date | None = None
    blocks: tuple[tuple[Held, ...], ...] = ()

    def __iter__(self) -> Iterator[Held]:
        return (held for block in self.blocks for held in block)

    def entry(self, no: int) -> Held | None:
        """Return an entry by its number, None when there is none."""
        found = self.place(no)
        return None if found is None else self.blocks[found[0]][found[1]]

    def place(self, no: int) -> tuple[int, int] | None:
        """Return where an entry is kept."""
        block = bisect_right(self.blocks, no, key=lambda some: some[0].no) - 1
        if block < 0:
            return None
        at = bisect_right(self.blocks[block], no, key=lambda held: held.no) - 1
        return (block, at) if at >= 0 and self.blocks[block][at].no == no else None

    def expected(self, held: Held) -> Counts:
        """Return what an entry shows: money from a payer, or money on its way to the treasury."""
        came_in = (held.amount > 0) != held.returned
        collecting = self.side is Side.COLLECTING
        return Counts.PAYMENT if came_in and collecting else Counts.REMITTANCE

    def closed(self, held: Held) -> bool:
        """Tell whether the month of an entry is agreed."""
        return self.agreed_until is not None and held.booked <= self.agreed_until

    def describe(self, lang: Lang) -> str:
        """Say how much of it is explained."""
        if not self.unit:
            return "还没有对账单" if lang == "zh" else "There is no statement"
        waiting = [held.open for held in self if held.open]
        many, money = f"{len(waiting):,}", yuan(sum(waiting))
        if lang == "zh":
            in_all = f"{money}元" if self.currency == "CNY" else f"{self.currency} {money}"
            return f"对账单有{many}笔待说明（{in_all}）"
        in_all = f"{money} yuan" if self.currency == "CNY" else f"{self.currency} {money}"
        return f"{many} entries of the statement wait to be explained ({in_all})"


lifecycle: Lifecycle[Statement] = Lifecycle(
    "statement", Statement, Words("银行对账单", "Bank statement")
)

# What happened ----------------------------------------------------------------


class StatementOpened(
    Event,
    name="statement.opened",
    zh="导入账户{account}的对账单（{since}至{until}），文件中{in_file}笔，其中已有{known}笔",
    en="Statement of account {account} taken in ({since} to {until}): {in_file} entries in the file,"
    " {known} of them known",
):
    """#49 A file of the bank was read and proved by its sums; in the currency's smallest unit.

    What other statements had already is not taken again: `known` entries of `known_amount` in all.
    `agreed_before` is the day until which the account was agreed by then: what is booked until that
    day came late and counts in the next month.
    """

    unit: UnitId
    account: Reference
    side: Side
    currency: Currency
    file_kind: Code
    file: Code
    proof: Proof
    in_file: int
    known: int = 0
    known_amount: SignedFen = 0
    layout: Code = ""
    since: date | None = None
    until: date | None = None
    opening: SignedFen | None = None
    closing: SignedFen | None = None
    agreed_before: date | None = None


class EntriesTaken(
    Event,
    name="statement.entries_taken",
    zh="记入第{first}至{last}号条目，共{count}笔",
    en="Entries {first} to {last} taken in, {count} in all",
):
    """#49 Some of the entries, in the order of the file."""

    first: int
    last: int
    count: int
    entries: tuple[Booked, ...]


class EntryMatched(
    Event,
    name="statement.entry_matched",
    zh="第{entry}笔勾对{amount}，{reason}",
    en="Entry {entry} matched, {amount}: {reason}",
    duty="reconcile",
):
    """#49 A person decided what an entry pays, in fen; `suggested` is what the search had proposed.

    `currency` is that of the account; earlier entries leave it to the statement.

    `as_suggested` says that the person took it as it stood; otherwise the reason is theirs.
    """

    entry: EntryNo
    amount: Fen
    parts: tuple[Part, ...]
    suggested: Suggested | None = None
    as_suggested: bool = False
    reason: Text = ""
    currency: Code = ""


class MatchUndone(
    Event,
    name="statement.match_undone",
    zh="撤销第{entry}笔的勾对{amount}：{reason}",
    en="Match of entry {entry} undone, {amount}: {reason}",
    duty="reconcile",
):
    """#49 The match was wrong; the dues are as if it had not been, and both stay to be read."""

    entry: EntryNo
    amount: Fen
    reason: Text
    currency: Code = ""


class EntrySetAside(
    Event,
    name="statement.entry_set_aside",
    zh="第{entry}笔{amount}另作处理（{ground}）：{reason}",
    en="Entry {entry}, {amount}, set aside ({ground}): {reason}",
    duty="reconcile",
):
    """#49 So much of an entry belongs to no due, in fen; `counterpart` is the entry it cancels."""

    entry: EntryNo
    amount: Fen
    ground: Ground
    reason: Text
    counterpart: Code = ""
    currency: Code = ""


class SetAsideUndone(
    Event,
    name="statement.set_aside_undone",
    zh="第{entry}笔不再另作处理：{reason}",
    en="Entry {entry} no longer set aside: {reason}",
    duty="reconcile",
):
    """#49 The entry waits to be explained again."""

    entry: EntryNo
    reason: Text


class StatementReconciled(
    Event,
    name="statement.reconciled",
    zh="对账至{until}：{count}笔，勾对{matched}，另作处理{aside}",
    en="Reconciled until {until}: {count} entries, {matched} matched, {aside} set aside",
    duty="reconcile",
):
    """T98 Every entry until that day is explained; what is agreed is not changed any more. Fen."""

    until: date
    count: int
    matched: Fen
    aside: Fen
    currency: Code = ""


StatementEvent: TypeAlias = (
    StatementOpened
    | EntriesTaken
    | EntryMatched
    | MatchUndone
    | EntrySetAside
    | SetAsideUndone
    | StatementReconciled
)

# Where that leaves us ---------------------------------------------------------


def evolve(statement: Statement, event: StatementEvent) -> Statement:
    """What an event means. Never refuses: it already happened."""
    match event:
        case StatementOpened():
            return opened(statement, event)
        case EntriesTaken(entries=entries):
            return replace(statement, blocks=with_block(statement.blocks, entries))
        case EntryMatched(entry=no, parts=parts):
            held = statement.entry(no)
            return kept(statement, held and replace(held, parts=(*held.parts, *parts)))
        case MatchUndone(entry=no):
            held = statement.entry(no)
            return kept(statement, held and replace(held, parts=()))
        case EntrySetAside(entry=no, amount=amount, ground=ground):
            held = statement.entry(no)
            return kept(statement, held and replace(held, aside=held.aside + amount, ground=ground))
        case SetAsideUndone(entry=no):
            held = statement.entry(no)
            return kept(statement, held and replace(held, aside=0, ground=None))
        case StatementReconciled(until=until):
            return replace(statement, agreed_until=until)
        case _:
            assert_never(event)


def opened(statement: Statement, event: StatementOpened) -> Statement:
    """Return a statement whose entries are still to come."""
    return replace(
        statement,
        unit=event.unit,
        account=event.account,
        side=event.side,
        currency=event.currency,
        file_kind=event.file_kind,
        layout=event.layout,
        since=event.since,
        until=event.until,
        opening=event.opening,
        closing=event.closing,
        in_file=event.in_file,
        known=event.known,
        known_amount=event.known_amount,
        proof=event.proof,
        file=event.file,
        agreed_before=event.agreed_before,
    )


def with_block(
    blocks: tuple[tuple[Held, ...], ...], entries: Sequence[Booked]
) -> tuple[tuple[Held, ...], ...]:
    """Return the blocks with one more, in order and without gaps between what is told twice."""
    last = blocks[-1][-1].no if blocks else 0
    fresh = {entry.no: entry for entry in entries if entry.no > last}
    some = tuple(
        Held(
            no=entry.no,
            id=entry.id,
            booked=entry.booked,
            amount=entry.amount,
            references=entry.references,
            returned=entry.returned,
        )
        for _, entry in sorted(fresh.items())
    )
    return (*blocks, some) if some else blocks


def kept(statement: Statement, held: Held | None) -> Statement:
    """Return the statement with one entry as it stands now."""
    found = None if held is None else statement.place(held.no)
    if held is None or found is None:
        return statement
    at, inner = found
    block = statement.blocks[at]
    changed = (*block[:inner], held, *block[inner + 1 :])
    return replace(statement, blocks=(*statement.blocks[:at], changed, *statement.blocks[at + 1 :]))


lifecycle.part(StatementEvent, evolve)

# What may be asked ------------------------------------------------------------

RECONCILERS = (Role.ACCOUNTANT, Role.FINANCE)
NEW = Rule(
    slug="statement-taken-already",
    zh="这份对账单已经导入。",
    en="This statement was taken in already.",
    holds=lambda statement, _: not statement.unit,
)
THERE = Rule(
    slug="no-such-statement",
    zh="没有这份对账单。",
    en="There is no such statement.",
    holds=lambda statement, _: bool(statement.unit),
)
OWN = Rule(
    slug="statement-of-another-unit",
    zh="只能核对本单位的对账单；财政部门可以核对各单位的。",
    en="A unit reconciles its own statements; the finance department those of others.",
    holds=lambda statement, occasion: (
        occasion.role == Role.FINANCE or occasion.acts_for(statement.unit)
    ),
)
ENTRY_THERE = Rule(
    slug="no-such-statement-entry",
    zh="对账单中没有第 {entry} 笔，或该笔已在别的对账单中。",
    en="The statement has no entry {entry}, or another statement had it before.",
)
MONTH_OPEN = Rule(
    slug="month-agreed-already",
    zh="第 {entry} 笔所在期间已对账至 {until}，不再改动；更正在下一期间办理。",
    en="The month of entry {entry} is agreed until {until} and stays; put it right in the next one.",
)
SOMETHING = Rule(
    slug="match-without-a-due",
    zh="请列明勾对的应缴款和金额。",
    en="Say which dues the entry pays, and how much of each.",
)
NOT_BEYOND = Rule(
    slug="beyond-the-entry",
    zh="合计 {amount} 元超过该笔尚未说明的 {open} 元。",
    en="{amount} yuan in all is more than the {open} yuan of the entry that wait.",
)
RIGHT_WAY = Rule(
    slug="entry-shows-the-other-way",
    zh="该笔只能作为“{counts}”勾对。",
    en="The entry can only be matched as a {counts}.",
)
WHY = Rule(
    slug="match-without-reason",
    zh="与系统建议不一致，或系统没有建议：请填写理由。",
    en="It is not what was suggested, or nothing was: give the reason.",
)
IS_MATCHED = Rule(
    slug="entry-not-matched",
    zh="第 {entry} 笔没有勾对。",
    en="Entry {entry} is not matched.",
)
IS_ASIDE = Rule(
    slug="entry-not-set-aside",
    zh="第 {entry} 笔没有另作处理。",
    en="Entry {entry} is not set aside.",
)
CANCELS = Rule(
    slug="entries-do-not-cancel",
    zh="第 {entry} 笔与 {counterpart} 不能互相冲抵：请注明方向相反、金额相同的一笔。",
    en="Entry {entry} and {counterpart} do not cancel: name one of the same amount the other way.",
)
ALL_EXPLAINED = Rule(
    slug="entries-unexplained",
    zh="{until} 前还有 {count} 笔（{amount} 元）没有勾对或说明，不能结清。",
    en="Until {until}, {count} entries ({amount} yuan) are neither matched nor set aside; the month"
    " stays open.",
)


def found(statement: Statement, no: int) -> Held:
    """Return an entry that may still be changed; raise `Refused`."""
    held = statement.entry(no)
    if held is None:
        raise ENTRY_THERE.broken(entry=no)
    if statement.closed(held):
        raise MONTH_OPEN.broken(entry=no, until=statement.agreed_until)
    return held


def line_of(stream: str, no: int) -> str:
    """Return how an entry is named elsewhere: `statement/S1` and 7 → `S1.7`."""
    return f"{stream.partition('/')[2]}.{no}"


def proposal(occasion: Occasion, no: int) -> ProposalSeen | None:
    """Return what the search proposed for an entry."""
    return next(
        (
            one
            for one in occasion.seen
            if isinstance(one, ProposalSeen) and (one.stream, one.entry) == (occasion.stream, no)
        ),
        None,
    )


@lifecycle.verb(NEW, zh="记入对账单", en="Hold a statement", inner=True)
def hold(
    _: Statement,
    __: Occasion,
    *,
    unit: UnitId,
    account: Reference,
    side: Side,
    currency: Currency,
    file_kind: Code,
    file: Code,
    proof: Proof,
    in_file: int,
    entries: tuple[Booked, ...],
    known: int = 0,
    known_amount: SignedFen = 0,
    layout: Code = "",
    since: date | None = None,
    until: date | None = None,
    opening: SignedFen | None = None,
    closing: SignedFen | None = None,
    agreed_before: date | None = None,
) -> tuple[StatementOpened | EntriesTaken, ...]:
    """Keep what was read of a file, in facts that are small enough."""
    head = StatementOpened(
        unit=unit,
        account=account,
        side=side,
        currency=currency,
        file_kind=file_kind,
        file=file,
        proof=proof,
        in_file=in_file,
        known=known,
        known_amount=known_amount,
        layout=layout,
        since=since,
        until=until,
        opening=opening,
        closing=closing,
        agreed_before=agreed_before,
    )
    return (head, *(taken(some) for some in chunks(entries)))


def taken(some: Sequence[Booked]) -> EntriesTaken:
    """Return some entries as a fact."""
    return EntriesTaken(first=some[0].no, last=some[-1].no, count=len(some), entries=tuple(some))


def chunks(entries: Sequence[Booked]) -> Iterator[list[Booked]]:
    """Cut entries into pieces that one entry of the log can hold."""
    some: list[Booked] = []
    size = 0
    for entry in entries:
        more = len(msgspec.json.encode(entry)) + 1
        if some and size + more > CHUNK_BYTES:
            yield some
            some, size = [], 0
        some.append(entry)
        size += more
    if some:
        yield some


@lifecycle.verb(THERE, OWN, zh="勾对", en="Match an entry", roles=RECONCILERS)
def match_entry(
    statement: Statement,
    occasion: Occasion,
    *,
    entry: EntryNo,
    parts: Annotated[tuple[Part, ...], Meta(max_length=PARTS_MAX)],
    reason: Text = "",
) -> tuple[EntryMatched | Ask, ...]:
    """Say which dues an entry pays, to the fen; each hears of it in the same act.

    What is suggested may be taken as it stands; anything else needs a reason.
    """
    held = found(statement, entry)
    amount = sum(part.amount for part in parts)
    if not parts or not all(part.amount for part in parts):
        raise SOMETHING.broken()
    if amount > held.open:
        raise NOT_BEYOND.broken(amount=yuan(amount), open=yuan(held.open))
    counts = statement.expected(held)
    if any(part.counts is not counts for part in parts):
        raise RIGHT_WAY.broken(counts=counts)
    proposed = proposal(occasion, entry)
    as_suggested = proposed is not None and same(proposed.parts, parts)
    if not as_suggested and not reason.strip():
        raise WHY.broken()
    fact = EntryMatched(
        entry=entry,
        amount=amount,
        parts=parts,
        suggested=None if proposed is None else proposed.suggested,
        as_suggested=as_suggested,
        reason=reason,
        currency=statement.currency,
    )
    line = line_of(occasion.stream, entry)
    return (
        fact,
        *(
            Ask(
                f"due/{part.due}",
                "confirm",
                {
                    "line": line,
                    "counts": part.counts,
                    "amount": part.amount,
                    "currency": statement.currency,
                    "voucher": part.voucher,
                    "treasury_on": held.booked,
                },
            )
            for part in parts
        ),
    )


def same(proposed: Sequence[Part], parts: Sequence[Part]) -> bool:
    """Tell whether a person decided what was proposed; the voucher is theirs to name."""
    return sorted((part.due, part.amount, part.counts) for part in proposed) == sorted(
        (part.due, part.amount, part.counts) for part in parts
    )


@lifecycle.verb(THERE, OWN, zh="撤销勾对", en="Undo a match", roles=RECONCILERS)
def undo_match(
    statement: Statement, occasion: Occasion, *, entry: EntryNo, reason: Given
) -> tuple[MatchUndone | Ask, ...]:
    """Take a match back: entry and dues are as if it had not been."""
    held = found(statement, entry)
    if not held.parts:
        raise IS_MATCHED.broken(entry=entry)
    line = line_of(occasion.stream, entry)
    return (
        MatchUndone(entry=entry, amount=held.matched, reason=reason, currency=statement.currency),
        *(
            Ask(f"due/{part.due}", "release", {"line": line, "reason": reason})
            for part in held.parts
        ),
    )


@lifecycle.verb(THERE, OWN, zh="另作处理", en="Set an entry aside", roles=RECONCILERS)
def set_aside(
    statement: Statement,
    occasion: Occasion,
    *,
    entry: EntryNo,
    ground: Ground,
    reason: Given,
    amount: Fen | None = None,
    counterpart: Code = "",
) -> EntrySetAside:
    """Say why an entry, or what is left of it, belongs to no due.

    A payment and its return cancel each other: each names the other.
    """
    held = found(statement, entry)
    amount = held.open if amount is None else amount
    if amount == 0 or amount > held.open:
        raise NOT_BEYOND.broken(amount=yuan(amount), open=yuan(held.open))
    if ground is Ground.RETURNED:
        to_cancel(statement, occasion, held, counterpart)
    return EntrySetAside(
        entry=entry,
        amount=amount,
        ground=ground,
        reason=reason,
        counterpart=counterpart,
        currency=statement.currency,
    )


def to_cancel(statement: Statement, occasion: Occasion, held: Held, counterpart: str) -> None:
    """Refuse a return that is none; an entry of another statement is only named."""
    mine, _, no = counterpart.rpartition(".")
    there = bool(mine) and no.isdecimal()
    if there and mine == occasion.stream.partition("/")[2]:
        other = statement.entry(int(no)) if len(no) < 7 else None
        there = other is not None and other.amount == -held.amount
    if not there:
        raise CANCELS.broken(entry=held.no, counterpart=counterpart or None)


@lifecycle.verb(THERE, OWN, zh="撤销另作处理", en="No longer set aside", roles=RECONCILERS)
def undo_set_aside(
    statement: Statement, _: Occasion, *, entry: EntryNo, reason: Given
) -> SetAsideUndone:
    """Let an entry wait to be explained again."""
    if not found(statement, entry).aside:
        raise IS_ASIDE.broken(entry=entry)
    return SetAsideUndone(entry=entry, reason=reason)


@lifecycle.verb(THERE, zh="对账结清", en="Be agreed until a day", inner=True)
def be_agreed(statement: Statement, _: Occasion, *, until: date) -> tuple[StatementReconciled, ...]:
    """Let everything until a day stand; refuse while anything of it is unexplained (T98)."""
    mine = [held for held in statement if held.booked <= until and not statement.closed(held)]
    waiting = [held.open for held in mine if held.open]
    if waiting:
        raise ALL_EXPLAINED.broken(until=until, count=len(waiting), amount=yuan(sum(waiting)))
    if not mine:
        return ()
    return (
        StatementReconciled(
            until=until,
            count=len(mine),
            matched=sum(held.matched for held in mine),
            aside=sum(held.aside for held in mine),
            currency=statement.currency,
        ),
    )
