"""Disposals as the income board and the register tell them: one row for each case, with the last
day of every step and what was requested, approved, carried out, brought and remitted.

Reads every event of `disposal/` streams. Amounts in fen or cents of `currency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from domain.dealing import BuyerDefaulted, ContractSigned, DealStruck
from domain.disposal import (
    AssetDerecognised,
    Disposal,
    DisposalApproved,
    DisposalStatus,
    GivenAway,
    IncomeAssessed,
    LossWrittenOff,
    RemittedToTreasury,
    Scrapped,
    Sold,
)
from domain.open_steps import open_step
from domain.progress import MoneyStep, step_of
from domain.selling import Appraised, AuctionFailed, PutOnMarket, TakenOffMarket
from projections.inventory import metadata

STEPS = (
    "approved",
    "appraised",
    "listed",
    "failed",
    "sold",
    "derecognised",
    "assessed",
    "remitted",
)
# What a step begins with besides its own milestone: what was appraised before it was approved waits
# since the approval, what a buyer gave back since the default.
ALSO = {MoneyStep.APPRAISED: "approved", MoneyStep.FAILED: "defaulted"}
disposals = Table(
    "disposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("units", Integer, nullable=False),  # in whose books the pieces stand
    Column("form", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Text, nullable=False),  # empty: nothing approved, or nothing came of it
    Column("since", Text, nullable=False),  # of that step
    Column("items", Integer, nullable=False),
    Column("done", Integer, nullable=False),  # of them carried out
    Column("requested", BigInteger),  # original values; NULL where a card does not state one
    Column("approved", BigInteger),
    Column("executed", BigInteger),
    Column("appraised", BigInteger),
    Column("proceeds", BigInteger, nullable=False),
    Column("billed", BigInteger, nullable=False),  # of the proceeds, assessed as income
    Column("net", BigInteger),  # what is owed; NULL while not assessed or not stated
    Column("remitted", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("rounds", Integer, nullable=False),  # auctions in vain
    Column("next_by", Text, nullable=False),
    Column("flags", Text, nullable=False),  # with spaces
    Column("approval_no", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("verb", Text, nullable=False),  # what is next
    Column("roles", Text, nullable=False),  # with commas
    Column("step_unit", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("requested_on", Text, nullable=False),
    *(Column(f"{step}_on", Text, nullable=False) for step in STEPS),  # the last day of each
    Column("changed_on", Text, nullable=False),
    Column("version", Integer, nullable=False),
)
indexes = (
    Index("disposals_by_step", disposals.c.step, disposals.c.since),
    Index("disposals_by_stream", disposals.c.stream),
)


def milestone(fact: Any) -> str:
    """Return which step a fact of a disposal is; its last day is told."""
    match fact:
        case DisposalApproved():
            return "approved"
        case Appraised():
            return "appraised"
        case PutOnMarket():
            return "listed"
        case AuctionFailed():
            return "failed"
        case TakenOffMarket():
            return "withdrawn"
        case DealStruck():
            return "dealt"
        case BuyerDefaulted():
            return "defaulted"
        case ContractSigned():
            return "contract"
        case Sold() | GivenAway() | Scrapped() | LossWrittenOff():
            return "sold"
        case AssetDerecognised():
            return "derecognised"
        case IncomeAssessed():
            return "assessed"
        case RemittedToTreasury():
            return "remitted"
        case _:
            return ""


def row(
    id_: str, case: Disposal, opened_on: str, changed_on: str, version: int, days: Mapping[str, str]
) -> tuple[Any, ...] | None:
    """Return the row of a disposal, None while nobody proposed it or carried it out."""
    if case.status is DisposalStatus.NONE and not case.executed:
        return None
    listed = case.approved or case.proposed or case.executed
    step, next_ = step_of(case), open_step(case)
    sold = days.get("dealt") or days.get("sold", "")  # handed over later, it was sold all the same
    sold = sold if case.executed or case.deals else ""  # the only deal there was is off
    failed = max(days.get(end, "") for end in ("failed", "defaulted", "withdrawn"))
    days = {**days, "sold": sold, "failed": failed}
    since = "" if step is None else days.get(step.value, "")
    if step is not None and step in ALSO:
        since = max(since, days.get(ALSO[step], ""))
    since = since or (changed_on if step else "")
    known = [case.appraisals[asset] for asset in listed if asset in case.appraisals]
    return (
        id_,
        f"disposal/{id_}",
        case.unit,
        len(set(case.owners.values())) or 1,
        case.form.value if case.proposed else "",  # a source may tell of the sale alone
        case.status.value,
        step.value if step else "",
        since,
        len(listed),
        len(case.executed),
        case.requested_amount,
        case.approved_amount,
        case.executed_amount,
        sum(known) if known else None,
        case.proceeds,
        case.billed,
        case.net,
        case.remitted,
        case.currency,
        case.rounds_failed,
        case.next_step_by.isoformat() if case.next_step_by else "",
        " ".join(flag.value for flag in case.flags),
        case.approval_no,
        case.number,
        next_.verb if next_ else "",
        ",".join(str(role) for role in next_.roles) if next_ else "",
        next_.unit if next_ else "",
        case.dataset,
        opened_on,
        *(days.get(step, "") for step in STEPS),
        changed_on,
        version,
    )
