"""Money owed to the treasury: one row for each due, how far it has come, since when and until when.

Reads every event of the streams `due/`. Ages are not stored: they depend on the day one asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, or_, select

from domain.due import (
    BasisFellAway,
    ClosedAtZero,
    Due,
    DueBooked,
    DueRemitted,
    DueStatus,
    IncomeKept,
    LineConfirmed,
    NoticeIssued,
    PaymentReceived,
    TransferRecorded,
    TreasuryRefunded,
)
from projections.inventory import metadata

dues = Table(
    "dues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("origin", Text, nullable=False),  # the stream it arises from; empty where there is none
    Column("income", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("collector", Text, nullable=False),
    Column("revenue_item", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gross", BigInteger, nullable=False),  # fen, like all amounts
    Column("deducted", BigInteger, nullable=False),
    Column("withheld", BigInteger, nullable=False),
    Column("unapproved", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),  # what is owed in all
    Column("paid_in", BigInteger, nullable=False),
    Column("overpaid", BigInteger, nullable=False),
    Column("remitted", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("booked", BigInteger, nullable=False),
    Column("left_over", BigInteger, nullable=False),  # neither remitted nor kept
    Column("gap", BigInteger, nullable=False),  # remitted with no receipt on record
    Column("codes", Text, nullable=False),  # payment codes that stand, with spaces
    Column("awaited", BigInteger, nullable=False),  # payments that statements have yet to show
    Column("unshown", BigInteger, nullable=False),  # remittances on record that none has shown
    Column("named", Text, nullable=False),  # JSON: how a statement may name it, see `Named`
    Column("since", Text, nullable=False),  # the day of the oldest assessment still open; or empty
    Column("remit_by", Text, nullable=False),  # by which that is remitted; empty: no day is set
    Column("from_receipt", Integer),  # days that count from each receipt; none: from the assessment
    Column("billed_on", Text, nullable=False),  # the last day of each; empty: not yet
    Column("paid_on", Text, nullable=False),
    Column("remitted_on", Text, nullable=False),
    Column("booked_on", Text, nullable=False),
    Column("closed_on", Text, nullable=False),  # kept by a rule, refunded, closed without income
    Column("opened_on", Text, nullable=False),
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
indexes = (
    Index("dues_by_status", dues.c.status, dues.c.since),
    Index("dues_by_unit", dues.c.unit, dues.c.id),
    Index("dues_by_origin", dues.c.origin),
)


def milestone(fact: Any) -> str:
    """Return which step a fact of a due is; its last day is told."""
    match fact:
        case NoticeIssued():
            return "billed"
        case PaymentReceived() | TransferRecorded():
            return "paid"
        case LineConfirmed(fresh=fresh) if fresh:
            return "paid"
        case DueRemitted():
            return "remitted"
        case DueBooked():
            return "booked"
        case IncomeKept() | TreasuryRefunded() | ClosedAtZero() | BasisFellAway():
            return "closed"
        case _:
            return ""


class Named(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a line of a statement may name a due: its notices, vouchers, and the costs it may lack."""

    notices: tuple[tuple[str, str, int], ...] = ()  # code, payer, amount
    vouchers: tuple[str, ...] = ()
    costs: tuple[int, ...] = ()


def named(due: Due) -> str:
    """Return what matching asks of a due, as JSON."""
    said = Named(
        notices=tuple((one.payment_code, one.payer, one.amount) for one in due.notices),
        vouchers=tuple(dict.fromkeys(due.vouchers)),
        costs=tuple(line.amount for line in due.deductions),
    )
    return msgspec.json.encode(said).decode()


def row(
    id_: str, due: Due, opened_on: str, changed_on: str, version: int, days: Mapping[str, str]
) -> tuple[Any, ...] | None:
    """Return the row of a due, None while nothing is owed."""
    if due.status is DueStatus.NONE:
        return None
    oldest = due.oldest()
    by = due.remit_by()
    return (
        id_,
        due.origin,
        due.income.value,
        due.unit,
        due.collector,
        due.revenue_item,
        due.status.value,
        due.currency,
        due.gross,
        sum(line.amount for line in due.deductions),
        due.withheld,
        due.unapproved,
        due.whole,
        due.paid_in,
        due.overpaid,
        due.remitted,
        due.kept,
        due.booked_out,
        due.left,
        due.gap,
        " ".join(one.payment_code for one in due.notices),
        due.awaited,
        due.unshown,
        named(due),
        oldest.on.isoformat() if oldest is not None else "",
        by.isoformat() if by is not None else "",
        oldest.days if oldest is not None else None,
        *(days.get(step, "") for step in ("billed", "paid", "remitted", "booked", "closed")),
        opened_on,
        changed_on,
        version,
    )


OPEN_MAX = 120_000  # dues that one search looks at


def open_for_statements(unit: str, treasury: bool) -> Any:
    """Return what statements have yet to show: of one unit, or of all for the treasury.

    Payments that others await are there too: money in the wrong account is theirs.
    """
    away = or_(dues.c.unshown > 0, dues.c.left_over > 0)
    if not treasury:
        away = away & or_(dues.c.unit == unit, dues.c.collector == unit)
    return select(dues).where(or_(dues.c.awaited > 0, away)).order_by(dues.c.id).limit(OPEN_MAX)
