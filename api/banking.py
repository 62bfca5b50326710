"""Statements for every door: a file taken in, what its entries pay, and the decision of a person.

What a bank says of a payer stays in the file it sent, kept in the statement's folder. It is read
again when somebody looks, and remembered for a moment; where a file was removed, matching goes by
what the ledger holds.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.bank import Account, Bank, Columns, StatementSeen, Taken
from domain.bank import Way as WayTerm
from domain.decider import Ask, Occasion
from domain.due import Counts
from domain.filing import FILE_BYTES_MAX
from domain.statement import (
    OTHERS_MAX,
    Booked,
    Ground,
    Held,
    Kind,
    Part,
    Proof,
    ProposalSeen,
    Side,
    Statement,
    Suggested,
)
from ledger.act import Evidence
from ledger.book import Book
from projections import income
from projections.depreciating import Look
from projections.matching_money import WINDOW_DAYS
from projections.matching_money import found as findings_of
from projections.money_terms import MATCHER, Finding, Line, Owed, score

if TYPE_CHECKING:
    from api.reading_bank_tables import Layout
    from api.reading_bank_values import Entry
    from api.reading_bank_values import Statement as Read

REMITTED_DAYS: Final = (
    366  # money may be remitted that long after it was owed and is suggested still
)
FILES_KEPT: Final = 8
CODE_CHARS: Final = 80
ID_CHARS: Final = 24
REFERENCES_MAX: Final = 6
AT_ONCE: Final = 2_000  # proposals of one request: an act has room for 10,000 entries
MEDIA: Final = {
    b"PK\x03\x04": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"\xd0\xcf\x11\xe0": "application/vnd.ms-excel",
    b"<": "application/xml",
}


class Plan(msgspec.Struct, frozen=True):
    """One statement of a file, ready to be taken in, or known already."""

    seen: StatementSeen
    known_as: str = ""  # the statement that had this file, or all of its entries

    @property
    def adds(self) -> bool:
        return not self.known_as


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a statement for whoever looks at it."""

    ref: str
    statement: str
    no: int
    account: str
    held: Held
    counts: Counts
    currency: str = "CNY"
    payer: str = ""
    text: str = ""
    references: tuple[str, ...] = ()
    closed: bool = False
    late: bool = False


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A finding about some entries, with what each would be matched with."""

    key: str
    finding: Finding
    score: int
    parts: Mapping[str, tuple[Part, ...]] = {}
    cancel: Mapping[str, str] = {}  # a payment and its return, by their entries

    @property
    def lines(self) -> tuple[str, ...]:
        return self.finding.lines

    @property
    def dues(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(whole(due) for due in self.finding.dues))

    @property
    def ready(self) -> bool:
        """Tell whether a person may take it as it stands."""
        return bool(self.parts or self.cancel)


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one unit that waits to be matched, with what is proposed."""

    unit: str
    bank: Bank
    rows: tuple[Row, ...]
    dues: tuple[Any, ...]
    proposed: tuple[Proposed, ...]
    file_gone: tuple[str, ...] = ()

    @property
    def by_line(self) -> dict[str, Proposed]:
        return {line: one for one in self.proposed for line in one.lines}

    @property
    def settled(self) -> list[str]:
        """Return the proposals that agree in everything, as many as one request takes."""
        return [one.key for one in self.proposed if one.finding.settled and one.ready][:AT_ONCE]

    @property
    def waiting(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.held.open)

    @property
    def open_money(self) -> dict[str, int]:
        """Return how much waits, by currency, in its smallest unit."""
        sums: dict[str, int] = {}
        for row in self.waiting:
            sums[row.currency] = sums.get(row.currency, 0) + row.held.open
        return sums


class NoSuch(Exception):
    """What was named is not there, or not any more."""


class Banking:
    """Whoever takes statements in and proposes what they pay, for one office."""

    def __init__(self, book: Book, rows: Look) -> None:
        self.book, self.rows = book, rows
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[str, str], tuple[Read, ...]] = OrderedDict()
        self._benches: OrderedDict[tuple[str, int], Bench] = OrderedDict()

    # A file ----------------------------------------------------------------------

    def bank(self, unit: str) -> Bank:
        """Return the accounts of a unit."""
        state: Bank = self.book.stream(f"bank/{unit}").state
        return state

    def statement(self, id_: str) -> Statement:
        """Return a statement; raise `NoSuch`."""
        state: Statement = self.book.stream(f"statement/{id_}").state
        if not state.unit:
            raise NoSuch(id_)
        return state

    def plans(
        self, unit: str, content: bytes, name: str, *, account: str = "", layout: Any = None
    ) -> list[Plan]:
        """Read a file and hold it against what is known; raise `Unreadable`."""
        from api import reading_bank  # the parsers of statements are large

        bank = self.bank(unit)
        saved = [layout_of(one) for one in bank.layouts]
        found = reading_bank.statements(
            content, file=name, layout=layout, saved=saved, account=self._only(bank, account)
        )
        sha256 = hashlib.sha256(content).hexdigest()
        known = {one.statement: one for one in bank.statements}
        ids: dict[str, dict[str, str]] = {}
        made = []
        for number, read in enumerate(found, start=1):
            called = registered(bank, read.account)
            id_ = hashlib.sha256(f"{unit} {number} {sha256}".encode()).hexdigest()[:ID_CHARS]
            there = ids.setdefault(called, {})
            there.update(self._ids(bank, called, read))
            fresh = tuple(
                booked(entry, no)
                for no, entry in enumerate(read.entries, start=1)
                if entry.id not in there
            )
            old = [entry for entry in read.entries if entry.id in there]
            seen = StatementSeen(
                stream=f"bank/{unit}",
                statement=id_,
                after=len(bank.statements),
                account=called,
                currency=read.currency,
                file_kind=read.kind,
                layout=read.kind.partition(":")[2],
                file=sha256,
                media=media_of(content),
                size_bytes=len(content),
                proof=Proof(read.proof.value),
                in_file=len(read.entries),
                known=len(old),
                known_amount=sum(entry.minor for entry in old),
                entries=fresh,
                since=read.since or min((e.booked for e in read.entries), default=None),
                until=read.until or max((e.booked for e in read.entries), default=None),
                opening=read.opening,
                closing=read.closing,
            )
            known_as = id_ if id_ in known else there[old[0].id] if old and not fresh else ""
            there.update((entry.id, id_) for entry in read.entries)
            made.append(Plan(seen, known_as))
        return made

    def _only(self, bank: Bank, account: str) -> str:
        """Return whose a table is that names no account: the unit's only one."""
        used = [one.account for one in bank.accounts if not one.ended]
        return account or (used[0] if len(used) == 1 else "")

    def _ids(self, bank: Bank, account: str, read: Read) -> Iterator[tuple[str, str]]:
        """Yield the identities of entries that statements of the same account and days have."""
        days = [entry.booked for entry in read.entries]
        for one in bank.statements:
            apart = (
                days
                and one.since is not None
                and one.until is not None
                and (one.until < min(days) or one.since > max(days))
            )
            if one.account == account and not apart:
                for held in self.statement(one.statement):
                    yield held.id, one.statement

    # What waits ------------------------------------------------------------------

    def bench(self, unit: str) -> Bench:
        """Return what waits in a unit and what is proposed, as the log stands."""
        size = self.book.head()[0]
        with self._lock:
            known = self._benches.get((unit, size))
        if known is None:
            known = self._bench(unit)
            with self._lock:
                self._benches[unit, size] = known
                while len(self._benches) > FILES_KEPT:
                    self._benches.popitem(last=False)
        return known

    def _bench(self, unit: str) -> Bench:
        bank = self.bank(unit)
        gone: list[str] = []
        rows: list[Row] = []
        lines: dict[Counts, list[Line]] = {Counts.PAYMENT: [], Counts.REMITTANCE: []}
        treasury = False
        for taken in bank.statements:
            state = self.statement(taken.statement)
            said = self._said(taken, state, bank)
            if said is None:
                gone.append(taken.statement)
            treasury = treasury or state.side is Side.TREASURY
            for held in state:
                entry = said.get(held.id) if said else None
                row = row_of(taken.statement, state, held, entry)
                rows.append(row)
                if held.open and not row.closed:
                    lines[row.counts].append(line_of(row, state, entry))
        dues = [dict(row) for row in self.rows(income.open_for_statements(unit, treasury))]
        proposed = [
            *proposals(owed_in(dues, treasury, unit), lines[Counts.PAYMENT], Counts.PAYMENT),
            *proposals(owed_out(dues, treasury, unit), lines[Counts.REMITTANCE], Counts.REMITTANCE),
        ]
        mine = [row for row in dues if treasury or unit in (row["unit"], row["collector"])]
        return Bench(
            unit=unit,
            bank=bank,
            rows=tuple(rows),
            dues=tuple(mine),
            proposed=tuple(proposed),
            file_gone=tuple(gone),
        )

    def _said(self, taken: Taken, state: Statement, bank: Bank) -> dict[str, Entry] | None:
        """Return the entries of a file by identity; None where the file is not there any more."""
        from api import reading_bank
        from api.reading_problems import Unreadable

        key = (taken.file, state.layout)
        with self._lock:
            found = self._files.get(key)
        if found is None:
            kept = self.book.log.file(taken.file)
            if kept is None:
                return None
            saved = [layout_of(one) for one in bank.layouts]
            try:
                found = reading_bank.statements(kept[1], saved=saved, account=state.account)
            except Unreadable:  # its layout was changed since
                return None
            with self._lock:
                self._files[key] = found
                while len(self._files) > FILES_KEPT:
                    self._files.popitem(last=False)
        return {
            entry.id: entry
            for one in found
            if one.account == state.account
            for entry in one.entries
        }

    # A decision ------------------------------------------------------------------

    def informed(self, occasion: Occasion, asks: Iterable[Ask]) -> Occasion:
        """Return the occasion with what is proposed for the entries that are to be matched."""
        told: list[ProposalSeen] = []
        whose: dict[str, str] = {}  # by statement: many entries of one are asked for at once
        lines: dict[str, dict[str, Proposed]] = {}
        for ask in asks:
            kind, _, id_ = ask.stream.partition("/")
            no = ask.form.get("entry")
            if kind != "statement" or ask.verb != "match_entry" or not isinstance(no, int):
                continue
            if id_ not in whose:
                whose[id_] = self.book.stream(ask.stream).state.unit
            unit = whose[id_]
            if unit and unit not in lines:
                lines[unit] = self.bench(unit).by_line
            one = lines[unit].get(f"{id_}.{no}") if unit else None
            if one is not None:
                parts = one.parts.get(f"{id_}.{no}", ())
                told.append(ProposalSeen(ask.stream, no, parts, suggested(one)))
        if not told:
            return occasion
        return msgspec.structs.replace(occasion, seen=(*occasion.seen, *told))

    def accepting(
        self, unit: str, keys: Sequence[str], vouchers: Mapping[str, str] | None = None
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the requests that take proposals as they stand; raise `NoSuch`.

        `vouchers` names, by key, the voucher of a remittance that is not on record.
        """
        there = {one.key: one for one in self.bench(unit).proposed}
        asks: list[tuple[str, str, dict[str, Any]]] = []
        for key in keys:
            one = there.get(key)
            if one is None or not one.ready:
                raise NoSuch(key)
            voucher = (vouchers or {}).get(key, "")
            for line, parts in one.parts.items():
                statement, _, no = line.rpartition(".")
                form = {
                    "entry": int(no),
                    "parts": [
                        msgspec.to_builtins(part) | ({"voucher": voucher} if voucher else {})
                        for part in parts
                    ],
                }
                asks.append((f"statement/{statement}", "match_entry", form))
            for line, other in one.cancel.items():
                statement, _, no = line.rpartition(".")
                reason = f"退汇冲抵 {other} · payment and its return"
                asks.append(
                    (
                        f"statement/{statement}",
                        "set_aside",
                        {
                            "entry": int(no),
                            "ground": Ground.RETURNED.value,
                            "reason": reason,
                            "counterpart": other,
                        },
                    )
                )
        return asks


def registered(bank: Bank, number: str) -> str:
    """Return an account as it is registered: blanks and hyphens are not part of a number."""
    plain = "".join(letter for letter in number if letter.isalnum())
    return next(
        (
            one.account
            for one in bank.accounts
            if "".join(letter for letter in one.account if letter.isalnum()) == plain
        ),
        number,
    )


def taking(
    plans: Sequence[Plan], content: bytes, name: str
) -> tuple[list[tuple[str, str, dict[str, Any]]], list[StatementSeen], list[Evidence]]:
    """Return the requests that take statements in, with what was read and the file itself."""
    fresh = [plan.seen for plan in plans if plan.adds]
    asks = [
        (seen.stream, "take_statement", {"statement": seen.statement, "title": titled(name)})
        for seen in fresh
    ]
    kept = [Evidence(media_of(content), content, removable=True)] if fresh else []
    return asks, fresh, kept


def titled(name: str) -> str:
    """Return what to call the file."""
    from api.filing import titled as title

    return title(name)


def media_of(content: bytes) -> str:
    """Return what sort of file it is, told from its first bytes."""
    assert len(content) <= FILE_BYTES_MAX
    head = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:4]
    return next((media for start, media in MEDIA.items() if head.startswith(start)), "text/plain")


def booked(entry: Entry, no: int) -> Booked:
    """Return an entry as the ledger holds it: no names and no free text of a person."""
    return Booked(
        no=no,
        id=entry.id,
        booked=entry.booked,
        amount=entry.minor,
        value_on=entry.value_date,
        references=tuple(filter(None, map(number, entry.references)))[:REFERENCES_MAX],
        bank_id=number(entry.bank_id),
        returned=entry.returned,
    )


def number(text: str) -> str:
    """Return a reference that is a number or code, and nothing of one that is words."""
    plain = unicodedata.normalize("NFC", text).strip()
    code = len(plain) <= CODE_CHARS and plain.isascii() and plain.isprintable()
    return plain if code and any(letter.isdigit() for letter in plain) else ""


def layout_of(columns: Columns) -> Layout:
    """Return a saved layout as tables are read by it."""
    from api.reading_bank_tables import Layout, Way, column_name

    def names(text: str) -> tuple[str, ...]:
        return tuple(filter(None, (column_name(one) for one in text.replace("｜", "|").split("|"))))

    return Layout(
        name=columns.title,
        way=Way(WayTerm(columns.way).value),
        booked=names(columns.booked),
        amount=names(columns.amount),
        mark=names(columns.mark),
        income=names(columns.income),
        outgo=names(columns.outgo),
        balance=names(columns.balance),
        party=names(columns.party),
        party_account=names(columns.party_account),
        references=names(columns.references),
        bank_id=names(columns.bank_id),
        text=names(columns.note),
        account=names(columns.account),
    )


# What the search is asked ---------------------------------------------------------


def row_of(id_: str, state: Statement, held: Held, entry: Entry | None) -> Row:
    """Return one entry for whoever looks at it."""
    return Row(
        ref=f"{id_}.{held.no}",
        statement=id_,
        no=held.no,
        account=state.account,
        held=held,
        counts=state.expected(held),
        currency=state.currency,
        payer=entry.party if entry else "",
        text=" ".join(filter(None, (entry.text, entry.code))) if entry else "",
        references=entry.references if entry else held.references,
        closed=state.closed(held),
        late=state.agreed_before is not None and held.booked <= state.agreed_before,
    )


def line_of(row: Row, state: Statement, entry: Entry | None) -> Line:
    """Return an entry as the search looks at it: what is left of it, in is positive."""
    held = row.held
    amount = held.open if held.amount > 0 else -held.open
    if state.side is Side.COLLECTING and row.counts is Counts.REMITTANCE:
        amount = -amount  # what left us is what came in at the treasury
    return Line(
        id=row.ref,
        amount=amount,
        booked=held.booked,
        unit="" if state.side is Side.TREASURY else state.unit,
        currency=state.currency,
        references=row.references,
        text=row.text,
        payer=row.payer,
        payer_account=entry.party_account if entry else "",
        returned=held.returned,
    )


def owed_in(dues: Sequence[Mapping[str, Any]], treasury: bool, unit: str) -> list[Owed]:
    """Return what payers owe: one for each notice that stands, so that instalments are found."""
    made: list[Owed] = []
    for row in dues:
        left = int(row["awaited"])
        if left <= 0 or treasury:
            continue
        said = msgspec.json.decode(row["named"], type=income.Named)
        common: dict[str, Any] = {
            "since": date.fromisoformat(row["opened_on"]),
            "unit": unit if unit in (row["unit"], row["collector"]) else row["unit"],
            "currency": row["currency"],
            "costs": said.costs,
        }
        # What is billed first is paid first: the last notices are those that are still open.
        for at, (code, payer, amount) in reversed([*enumerate(said.notices)]):
            part = min(left, amount)
            if part <= 0:
                continue
            left -= part
            id_ = row["id"] if not at else f"{row['id']}#{at}"
            made.append(Owed(id=id_, amount=part, codes=(code,), payer=payer, **common))
        if left > 0:
            id_ = f"{row['id']}#rest" if said.notices else row["id"]
            made.append(Owed(id=id_, amount=left, **common))
    return made


def owed_out(dues: Sequence[Mapping[str, Any]], treasury: bool, unit: str) -> list[Owed]:
    """Return what is on its way to the treasury: remittances on record, else what has come in."""
    made = []
    for row in dues:
        received = int(row["paid_in"]) - int(row["remitted"]) - int(row["kept"])
        left = int(row["unshown"]) or min(max(0, received), int(row["left_over"]))
        mine = treasury or unit in (row["unit"], row["collector"])
        if left <= 0 or not mine:
            continue
        said = msgspec.json.decode(row["named"], type=income.Named)
        made.append(
            Owed(
                id=row["id"],
                amount=left,
                since=date.fromisoformat(row["opened_on"]),
                unit="" if treasury else unit,
                currency=row["currency"],
                codes=tuple(code for code, _, _ in said.notices),
                vouchers=said.vouchers,
            )
        )
    return made


def whole(owed: str) -> str:
    """Return the due of what is owed: `D1#2` is an instalment of `D1`."""
    return owed.partition("#")[0]


def proposals(owed: Sequence[Owed], lines: Sequence[Line], counts: Counts) -> list[Proposed]:
    """Return what the search finds about these entries, and nothing about dues alone."""
    days = REMITTED_DAYS if counts is Counts.REMITTANCE else WINDOW_DAYS
    found = findings_of(owed, lines, window_days=days)
    amounts = {line.id: line.amount for line in lines}
    made = []
    for finding in found:
        if not finding.lines:
            continue
        parts: dict[str, list[Part]] = {}
        for part in finding.parts:
            mine = parts.setdefault(part.line, [])
            same = next((one for one in mine if one.due == whole(part.due)), None)
            if same is not None:
                mine.remove(same)
            amount = part.amount + (same.amount if same else 0)
            mine.append(Part(due=whole(part.due), amount=amount, counts=counts))
        made.append(
            Proposed(
                key=finding.lines[0],
                finding=finding,
                score=score(finding),
                parts={line: tuple(some) for line, some in parts.items()},
                cancel=cancelling(finding, amounts),
            )
        )
    return made


def cancelling(finding: Finding, amounts: Mapping[str, int]) -> dict[str, str]:
    """Return a payment and its return, each naming the other."""
    if finding.kind not in (Kind.REPAID, Kind.RETURNED):
        return {}
    backs = [line for line in finding.lines if amounts[line] < 0]
    paying = {part.line for part in finding.parts}
    found: dict[str, str] = {}
    for back in backs:
        other = next(
            (
                line
                for line in finding.lines
                if line not in found and line not in paying and amounts[line] == -amounts[back]
            ),
            None,
        )
        if other is not None:
            found |= {other: back, back: other}
    return found


def suggested(one: Proposed) -> Suggested:
    """Return what was proposed as a decision keeps it."""
    finding = one.finding
    return Suggested(
        kind=finding.kind,
        by=finding.by,
        score=one.score,
        matcher=MATCHER,
        settled=finding.settled,
        lines=finding.lines[:OTHERS_MAX],
        dues=one.dues[:OTHERS_MAX],
        agreed=tuple(dict.fromkeys(finding.agreed)),
        differs=tuple(dict.fromkeys(finding.differs)),
        others=tuple(tuple(map(whole, each)) for each in finding.others[:OTHERS_MAX]),
    )


def place_of(ref: str) -> tuple[str, int]:
    """Return stream and number of an entry by its name: `S1.7`; raise `NoSuch`."""
    statement, _, no = ref.rpartition(".")
    if not statement or not no.isdecimal() or len(no) > 6:
        raise NoSuch(ref)
    return f"statement/{statement}", int(no)


def laid_out(
    bench: Bench, lines: Sequence[str], dues: Sequence[str], *, reason: str, voucher: str = ""
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the requests that lay entries on dues in order, until one side is used up."""
    rows = {row.ref: row for row in bench.waiting}
    owed = {row["id"]: row for row in bench.dues}
    if not all(due in owed for due in dues) or not all(line in rows for line in lines):
        raise NoSuch(" ".join((*lines, *dues)))
    left: dict[tuple[str, Counts], int] = {}
    for due in dues:
        row = owed[due]
        received = max(0, int(row["paid_in"]) - int(row["remitted"]) - int(row["kept"]))
        out = int(row["unshown"]) or min(received, int(row["left_over"])) or int(row["left_over"])
        left |= {(due, Counts.PAYMENT): int(row["awaited"]), (due, Counts.REMITTANCE): out}
    asks: list[tuple[str, str, dict[str, Any]]] = []
    for line in lines:
        money = rows[line].held.open
        parts: list[dict[str, Any]] = []
        for due in dues:
            key = (due, rows[line].counts)
            amount = min(money, left[key])
            if amount > 0:
                left[key] -= amount
                money -= amount
                part = {"due": due, "amount": amount, "counts": key[1].value, "voucher": voucher}
                parts.append(part)
        if parts:
            stream, no = place_of(line)
            asks.append((stream, "match_entry", {"entry": no, "parts": parts, "reason": reason}))
    return asks


def accounts_of(bank: Bank) -> Iterator[tuple[Account, list[Taken]]]:
    """Yield the accounts in use with their statements, the latest first."""
    for account in bank.accounts:
        if not account.ended:
            mine = [one for one in bank.statements if one.account == account.account]
            yield account, mine[::-1]
