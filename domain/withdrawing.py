"""A remittance that never was: taken back in the case that was told of it, when a match is undone.

What reached the treasury is told to a case by its due (`owing`); when the statement line that showed
it turns out to show something else, both are as if it had not been, and both facts stay to be read.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from domain import confiscated, disposal, exchanging, leasing
from domain.confiscated import Goods, GoodsStatus
from domain.decider import Event, Occasion
from domain.disposal import Disposal, DisposalStatus
from domain.exchanging import Exchange, ExchangeStatus
from domain.leasing import Lease
from domain.values import Code, Fen, Given, Text, UnitId

# What happened ----------------------------------------------------------------


class RemittanceWithdrawn(
    Event,
    name="case.remittance_withdrawn",
    zh="撤回误记的上缴{amount}（缴款书{voucher}）：{reason}",
    en="Remittance of {amount} was recorded by mistake ({voucher}) and is taken back: {reason}",
    duty="reconcile",
):
    """#48 What was thought to have reached the treasury did not, in fen; `unit` whose share it was."""

    amount: Fen
    voucher: Code
    reason: Text
    unit: UnitId | None = None


# Where that leaves us ---------------------------------------------------------


def of_disposal(case: Disposal, event: RemittanceWithdrawn) -> Disposal:
    """Return a disposal of which less has reached the treasury."""
    done = case.status is DisposalStatus.REMITTED
    by = dict(case.remitted_by)
    if event.unit and event.unit in by:
        left = by.pop(event.unit) - event.amount
        by |= {event.unit: left} if left else {}
    return replace(
        case,
        remitted=case.remitted - event.amount,
        remitted_by=by,
        status=DisposalStatus.ASSESSED if done else case.status,
    )


def of_lease(lease: Lease, event: RemittanceWithdrawn) -> Lease:
    """Return a lease of whose rent less has reached the treasury."""
    return replace(lease, rent_remitted=lease.rent_remitted - event.amount)


def of_exchange(case: Exchange, event: RemittanceWithdrawn) -> Exchange:
    """Return an exchange of whose balance less has reached the treasury."""
    done = case.status is ExchangeStatus.REMITTED
    status = ExchangeStatus.ASSESSED if done else case.status
    return replace(case, remitted=case.remitted - event.amount, status=status)


def of_goods(goods: Goods, event: RemittanceWithdrawn) -> Goods:
    """Return forfeited goods of whose proceeds less has reached the treasury."""
    done = goods.status is GoodsStatus.REMITTED
    status = GoodsStatus.SOLD if done else goods.status
    return replace(goods, amount=goods.amount - event.amount, status=status)


disposal.lifecycle.part(RemittanceWithdrawn, of_disposal)
leasing.lifecycle.part(RemittanceWithdrawn, of_lease)
exchanging.lifecycle.part(RemittanceWithdrawn, of_exchange)
confiscated.lifecycle.part(RemittanceWithdrawn, of_goods)

# What may be asked ------------------------------------------------------------


def withdraw_remittance(
    _: Any,
    __: Occasion,
    *,
    amount: Fen,
    voucher: Code,
    reason: Given,
    unit: UnitId | None = None,
) -> RemittanceWithdrawn:
    """Hear from the due that a remittance was recorded by mistake."""
    return RemittanceWithdrawn(amount=amount, voucher=voucher, reason=reason, unit=unit)


for life in (disposal.lifecycle, leasing.lifecycle, exchanging.lifecycle, confiscated.lifecycle):
    life.verb(zh="撤回上缴", en="Take a remittance back", inner=True)(withdraw_remittance)
