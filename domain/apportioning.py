"""Whose share of a lot is whose: things of several units sold as one, to the fen (DOMAIN.md h).

What a lot brings belongs to the units whose books carried its pieces. The basis is declared: the
appraised values, else the original ones, or what the contract says; whole fen go to the largest
remainders. Each unit's part of the proceeds and of every cost is recorded, and what reaches the
treasury is recorded in a unit's name (国令738 第25、26条).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Occasion, Rule
from domain.values import Code, Fen, UnitId, yuan
from domain.words import Term


class Basis(Term):
    """By what the price of a lot is divided."""

    APPRAISAL = "appraisal", "评估价值", "appraised values"
    ORIGINAL = "original", "账面原值", "original values"
    CONTRACT = "contract", "合同约定", "what the contract says"
    ALIKE = "alike", "均分（价值均未载明）", "alike, as no value is stated"


class UnitPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit gets of a price, in fen."""

    unit: UnitId
    amount: Fen


class UnitShare(msgspec.Struct, frozen=True, kw_only=True):
    """One unit's share of an income: `costs` are its parts of the deductions, line by line, in fen."""

    unit: UnitId
    gross: Fen
    costs: tuple[Fen, ...]
    net: Fen


# What happened ----------------------------------------------------------------


class UnitsStated(
    Event,
    name="disposal.units_stated",
    zh="清单资产分属：{units}",
    en="The list is carried in the books of {units}",
):
    """#34 In whose books each piece stood when it was proposed, in the order of asset ids."""

    units: tuple[UnitId, ...]
    owners: tuple[UnitId, ...]


class LotShared(
    Event,
    name="disposal.lot_shared",
    zh="整批成交价{price}按{divided_by}分配到各单位",
    en="The price of the lot, {price}, divided among the units by {divided_by}",
):
    """#39 What each unit gets of the price of a lot, in fen; the parts sum to it."""

    deal_no: Code
    price: Fen
    divided_by: Basis
    parts: tuple[UnitPart, ...]


class IncomeShared(
    Event,
    name="disposal.income_shared",
    zh="收入总额{gross}、应缴净额{net}按各单位所得分摊",
    en="Gross {gross} and net {net} divided by what each unit got",
    duty="bill",
):
    """#45 Each unit's proceeds, its part of every cost, and what it owes the treasury, in fen.

    Gross, costs and net of the units sum to those of the case.
    """

    gross: Fen
    net: Fen
    shares: tuple[UnitShare, ...]


SharingEvent: TypeAlias = UnitsStated | LotShared | IncomeShared

# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)


def evolve(case: C, event: SharingEvent) -> C:
    """What an event means for a disposal: whose each piece is, and what each unit owes."""
    match event:
        case UnitsStated(owners=owners):
            return replace(case, owners=dict(zip(sorted(case.proposed), owners, strict=False)))
        case LotShared():
            return case  # what each piece brought says the same
        case IncomeShared(shares=shared):
            return replace(
                case,
                due_by=summed(case.due_by, {share.unit: share.net for share in shared}),
                billed_by=summed(case.billed_by, {share.unit: share.gross for share in shared}),
            )
        case _:
            assert_never(event)


def summed(sums: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return sums by unit with more amounts added; an amount below zero takes off."""
    return {**sums, **{unit: sums.get(unit, 0) + amount for unit, amount in more.items()}}


# Dividing -----------------------------------------------------------------------


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide fen by weights, the fen that are left to the largest remainders, then the first.

    Where no weight is known all are alike.
    """
    if not weights:
        return []
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % whole), n))
    for n in by_rest[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def weighed(case: Any, assets: Sequence[str]) -> tuple[Basis, list[int]]:
    """Return by what pieces are weighed, and their weights: one basis for all of them."""
    if all(asset in case.appraisals for asset in assets):
        return Basis.APPRAISAL, [case.appraisals[asset] for asset in assets]
    known = [case.values.get(asset) or 0 for asset in assets]
    return (Basis.ORIGINAL if any(known) else Basis.ALIKE), known


def owner(case: Any, asset: str) -> str:
    """Return the unit in whose books a piece of a case stood."""
    unit: str = case.owners.get(asset, case.unit)
    return unit


def by_unit(case: Any, amounts: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of the pieces' amounts for each unit, in the order of the units."""
    sums: dict[str, int] = {}
    for asset, amount in amounts.items():
        unit = owner(case, asset)
        sums[unit] = sums.get(unit, 0) + amount
    return dict(sorted(sums.items()))


def priced(
    case: Any, assets: tuple[str, ...], price: int, contract: Mapping[str, int]
) -> tuple[Basis, dict[str, int]]:
    """Return the basis and what each piece brings of a price; a contract divides it by unit first.

    Refuse a contract that does not name the units of the lot, or does not sum to the price.
    """
    basis, weights = weighed(case, assets)
    if not contract:
        return basis, dict(zip(assets, shares(price, weights), strict=True))
    weight = dict(zip(assets, weights, strict=True))
    units = sorted({owner(case, asset) for asset in assets})
    if sorted(contract) != units:
        raise UNITS_OF_LOT.broken(units=tuple(units), named=tuple(sorted(contract)))
    if sum(contract.values()) != price:
        raise SPLIT_WHOLE.broken(total=yuan(sum(contract.values())), price=yuan(price))
    prices: dict[str, int] = {}
    for unit in units:
        own = [asset for asset in assets if owner(case, asset) == unit]
        parts = shares(contract[unit], [weight[asset] for asset in own])
        prices |= dict(zip(own, parts, strict=True))
    return Basis.CONTRACT, {asset: prices[asset] for asset in assets}


def lot_shared(
    case: Any, deal_no: str, basis: Basis, prices: Mapping[str, int]
) -> tuple[LotShared, ...]:
    """Return what each unit gets of a lot as a fact; none where all of it is the case's unit's."""
    if not case.owners:
        return ()
    parts = tuple(
        UnitPart(unit=unit, amount=amount) for unit, amount in by_unit(case, prices).items()
    )
    return (LotShared(deal_no=deal_no, price=sum(prices.values()), divided_by=basis, parts=parts),)


def income_shared(case: Any, deductions: Iterable[int]) -> tuple[IncomeShared, ...]:
    """Return each unit's share of proceeds and costs as a fact; none where one unit has it all.

    Every cost is divided by what is left to each unit of its proceeds, so that none goes below
    zero.
    """
    if not case.owners:
        return ()
    gross = {
        unit: amount - case.billed_by.get(unit, 0)
        for unit, amount in sorted(case.earned.items())
        if unit not in case.billed_by or amount > case.billed_by[unit]
    }
    left = list(gross.values())
    lines: list[list[int]] = []
    for amount in deductions:
        parts = shares(amount, left) if amount else [0] * len(left)
        left = [rest - part for rest, part in zip(left, parts, strict=True)]
        lines.append(parts)
    shared = tuple(
        UnitShare(unit=unit, gross=gross[unit], costs=tuple(line[n] for line in lines), net=left[n])
        for n, unit in enumerate(gross)
    )
    return (IncomeShared(gross=sum(gross.values()), net=sum(left), shares=shared),)


# What may be asked ------------------------------------------------------------

UNITS_OF_LOT = Rule(
    slug="split-not-by-units-of-lot",
    zh="合同约定的分配须写明本批资产所属的各单位（{units}），现写的是：{named}。",
    en="The split of the contract names the units whose things the lot holds ({units}); it names"
    " {named}.",
)
SPLIT_WHOLE = Rule(
    slug="split-does-not-sum-to-price",
    zh="合同约定的分配合计 {total} 元，与成交价 {price} 元不一致。",
    en="The split of the contract comes to {total} yuan, and the price is {price} yuan.",
)
UNIT_TWICE = Rule(
    slug="unit-named-twice",
    zh="单位 {unit} 在分配中重复。",
    en="The unit {unit} is named twice in the split.",
)
IN_WHOSE_NAME = Rule(
    slug="remitted-in-whose-name",
    zh="收入以资产所属单位的名义上缴，须写明是其中哪个单位：{units}。",
    en="Income is remitted in the name of the unit whose things were sold; say which: {units}.",
    law="《行政事业性国有资产管理条例》第26条",
)


def split_of(lines: Iterable[Any]) -> dict[str, int]:
    """Return what a contract gives each unit, by lines of a form (`type` is the unit)."""
    found: dict[str, int] = {}
    for line in lines:
        if line.type in found:
            raise UNIT_TWICE.broken(unit=line.type)
        found[line.type] = line.amount
    return found


def in_name_of(case: Any, occasion: Occasion, unit: str | None) -> str | None:
    """Return in whose name money is remitted, or refuse a unit that has no share of it.

    Whoever pays it in, the unit is named where a lot was of several; alone it goes without saying.
    """
    entitled = list(case.due_by) or [case.unit]
    named = unit or (entitled[0] if len(entitled) == 1 else None)
    if named is None and occasion.unit in entitled:
        named = occasion.unit
    if named not in entitled:
        raise IN_WHOSE_NAME.broken(units=tuple(entitled))
    return named or None
