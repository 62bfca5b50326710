"""The vouchers that a case proposes to both sides, from its entries: for pages, papers and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from api import papers_list
from api.office import Office
from api.papers_words import SAYS
from domain.decider import Lang
from domain.paper_forms import PaperForm
from domain.reallocation import AccountingTransferred
from domain.values import yuan
from domain.vouchers import Piece, Proposal, Side, Voucher, transferred
from domain.warehouse import Books, Intake
from domain.words import in_words
from labels.paper_parts import Column, Row, Table
from ledger.book import Stream
from ledger.entry import Entry

FORMS: Final = (PaperForm.VOUCHER_OUT, PaperForm.VOUCHER_IN)


def approval(stream: Stream) -> Entry | None:
    """Return the entry that lets things pass to another unit; None while nobody approved."""
    found = (
        entry
        for entry in reversed(stream.standing)
        if FORMS[0] in entry.event.papers and not hasattr(entry.event, "asset")
    )
    return next(found, None)


def proposed(office: Office, stream: Stream, entry: Entry, ids: Iterable[str]) -> Proposal:
    """Return what both sides may post for cards of a case, as they stood with an approval.

    What was booked since, is told as it was booked, with the taxes and fees of the taker.
    """
    case = stream.state
    booked = {
        one.event.asset: one.event
        for one in stream.standing
        if isinstance(one.event, AccountingTransferred)
    }
    policy = office.rules.named(entry.beside.via.policy)
    custody_only = isinstance(case, Intake) and case.books is Books.CUSTODY_ONLY
    return transferred(
        (piece(office, id_, entry, booked.get(id_)) for id_ in ids),
        case.taker_unit,
        policy.vouchers if policy is not None else (),
        custody_only=custody_only,
    )


def piece(office: Office, id_: str, entry: Entry, booked: AccountingTransferred | None) -> Piece:
    """Return a card as its books stood with an entry, or as they were moved since."""
    card = papers_list.as_it_was(office, id_, entry)
    return Piece(
        asset=id_,
        kind=card.kind.value,
        books=card.accounting_unit,
        gross=card.value if booked is None else booked.gross,
        accumulated=(card.accumulated or 0) if booked is None else booked.accumulated,
        fees=0 if booked is None else booked.fees,
        currency=card.currency or "CNY",
    )


def table(vouchers: Sequence[Voucher], names: Mapping[str, str], lang: Lang) -> Table | None:
    """Return vouchers as the list of a paper: one line for each of theirs."""

    def head(key: str) -> str:
        return in_words(SAYS[key], lang)

    rows: list[Row] = []
    for voucher in vouchers:
        unit = names[voucher.unit]
        for line in voucher.lines:
            left = line.side is Side.DEBIT
            amount = money(line.amount, voucher.currency)
            account = in_words(line.account, lang)
            cells = (unit, in_words(line.side.words, lang), f"{line.code} {account}")
            rows.append(Row((*cells, amount if left else "", "" if left else amount)))
    columns = (
        Column(head("books"), 22),
        Column(head("side"), 8, "center"),
        Column(head("account-of"), 34),
        Column(in_words(Side.DEBIT.words, lang), 18, "right"),
        Column(in_words(Side.CREDIT.words, lang), 18, "right"),
    )
    return Table(columns, tuple(rows)) if rows else None


def money(amount: int, currency: str) -> str:
    """Return an amount as a voucher writes it; a foreign currency is named."""
    return yuan(amount) if currency == "CNY" else f"{yuan(amount)} {currency}"


def plain(found: Proposal) -> dict[str, Any]:
    """Return a proposal as values of JSON, amounts in fen; both sides' totals are the same number."""

    def one(voucher: Voucher) -> dict[str, Any]:
        value: dict[str, Any] = msgspec.to_builtins(voucher)
        return value | {"total": voucher.total(Side.DEBIT)}

    return {
        "out": [one(voucher) for voucher in found.out],
        "in": [one(voucher) for voucher in found.into],
        "without": [
            {"asset": id_, "why": why.value, "said": {"zh": why.words.zh, "en": why.words.en}}
            for id_, why in found.without
        ],
    }
