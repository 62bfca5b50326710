"""What a unit may post for everything that moved its books or its money (DOMAIN.md h).

The accounting system posts; here every movement finds its occasion, and the template of that
occasion (of the place's rules, or of the chart) says the entries. What needs no entry says why.
Accounts of the vouchers together are the general ledger as far as this ledger knows it: what they
come to must be what the cards come to (T104).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from domain import vouchers
from domain.booking import Cause, Leg, Stood
from domain.depreciating import Broken, Disagreement
from domain.due import Due
from domain.leaving import LOST_FORMS, SCRAP_FORMS
from domain.surplus import SurplusRuled
from domain.vouchers import PENDING, Piece, Side, Template, Voucher
from domain.words import Term, Words

THROUGH_PENDING = SCRAP_FORMS | LOST_FORMS  # forms that pass through 1902
CAME: Mapping[Cause, str] = {
    Cause.PURCHASE: vouchers.ACQUIRED,
    Cause.BUILT: vouchers.BUILT,
    Cause.DONATED_IN: vouchers.DONATED_IN,
    Cause.TRANSFERRED_IN: vouchers.TRANSFER_IN,
    Cause.SURPLUS: vouchers.SURPLUS,
    Cause.EXCHANGE: vouchers.EXCHANGED_IN,
    Cause.TRANSFER: vouchers.TRANSFER_IN,
    Cause.REORGANISATION: vouchers.TRANSFER_IN,
    Cause.RECLASSIFIED: vouchers.RECLASSIFIED,
}
WENT: Mapping[Cause, str] = {
    Cause.TRANSFER: vouchers.TRANSFER_OUT,
    Cause.REORGANISATION: vouchers.TRANSFER_OUT,
    Cause.ASSIGNED: vouchers.TRANSFER_OUT,
    Cause.EXCHANGE: vouchers.EXCHANGED_OUT,
    Cause.RECLASSIFIED: vouchers.RECLASSIFIED,
    Cause.SALE: vouchers.SOLD,
    Cause.AUCTION: vouchers.SOLD,
    Cause.DONATED: vouchers.DONATED_OUT,
}
STAYED: Mapping[Cause, str] = {
    Cause.ADDITION: vouchers.ADDITION,
    Cause.SETTLED: vouchers.SETTLED,
    Cause.REVALUED: vouchers.REVALUED,
    Cause.DEPRECIATION: vouchers.DEPRECIATED,
    Cause.RESTATED: vouchers.DEPRECIATED,
}
THROUGH: Mapping[Cause, tuple[str, ...]] = {
    Cause.SCRAPPED: (vouchers.INTO_PENDING, vouchers.PENDING_SETTLED),
    Cause.TAKEN_BACK: (vouchers.INTO_PENDING, vouchers.PENDING_SETTLED),
    Cause.LOST: (vouchers.INTO_PENDING, vouchers.PENDING_SETTLED),
    Cause.UNEXPLAINED: (vouchers.INTO_PENDING,),
    Cause.OTHER: (vouchers.INTO_PENDING,),
}
"""What leaves through 1902; it may wait there already, and the last two wait for a ruling."""


class NoEntry(Term):
    """Why nothing is to be posted for a movement."""

    OPENING = "opening", "建账时已在账，不另记账", "in the books before this ledger began"
    STATED = "stated", "登记账面已有的折旧，不另记账", "the accounts say it already"
    SHARED_OUT = "shared_out", "同一科目内拆分合并，不另记账", "split or merged in one account"


WITHOUT_RULING = frozenset({Cause.SURPLUS, Cause.UNEXPLAINED, Cause.OTHER})
"""What stays in 1902 until somebody rules on it, though no card waits there."""

NO_ENTRY: Mapping[Cause, NoEntry] = {
    Cause.OPENING: NoEntry.OPENING,
    Cause.STATED: NoEntry.STATED,
    Cause.SHARED_OUT: NoEntry.SHARED_OUT,
}


class Part(msgspec.Struct, frozen=True):
    """What one leg adds to a voucher of its unit."""

    occasion: str
    unit: str
    piece: Piece


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher that a unit may post, and the entry it is for; `reference` is what that names."""

    on: str
    position: int
    stream: str
    voucher: Voucher
    reference: str = ""


class Omitted(msgspec.Struct, frozen=True, kw_only=True):
    """A movement for which nothing is to be posted, and why."""

    leg: Leg
    why: NoEntry


def of_card(
    legs: Sequence[Leg], was: Stood | None, now: Stood | None, pending: tuple[bool, bool]
) -> Iterator[Part | Omitted]:
    """Yield what one fact of a card adds to vouchers; `pending`: whether it waited in 1902 before
    and waits there after it."""
    before, after = pending
    if before != after and was is not None and now is not None:
        # Put up for scrapping, or kept after all; nothing else happens in the same fact.
        sign = 1 if after else -1
        yield Part(vouchers.INTO_PENDING, was.unit, piece_of(was, sign))
        return
    for leg in legs:
        went = leg.count < 0
        kind = PENDING if (before if went else after) else leg.kind
        yield from of_leg(leg, kind)


def of_leg(leg: Leg, kind: str) -> Iterator[Part | Omitted]:
    """Yield what one leg adds to vouchers; `kind` is its class, or pending."""
    none = NO_ENTRY.get(leg.cause)
    if none is not None:
        yield Omitted(leg=leg, why=none)
        return
    sign = -1 if leg.count < 0 and leg.cause is not Cause.RECLASSIFIED else 1
    piece = Piece(
        asset=leg.asset,
        kind=kind,
        books=leg.unit,
        gross=leg.cost * sign,
        accumulated=leg.worn * sign,
        currency=leg.currency,
    )
    if leg.count > 0:
        yield Part(CAME.get(leg.cause, vouchers.REVALUED), leg.unit, piece)
    elif not leg.count:
        yield Part(STAYED.get(leg.cause, vouchers.REVALUED), leg.unit, piece)
    elif leg.cause in WENT:
        yield Part(WENT[leg.cause], leg.unit, piece)
    else:
        for occasion in THROUGH.get(leg.cause, THROUGH[Cause.OTHER]):
            if occasion != vouchers.INTO_PENDING or kind != PENDING:
                yield Part(occasion, leg.unit, piece)


def of_ruling(ruled: SurplusRuled, asset: str) -> Part:
    """Return what the ruling on a surplus adds: it leaves 1902 for what it turned out to be."""
    piece = Piece(
        asset=asset,
        kind=ruled.obtained.value,
        books=ruled.unit,
        gross=ruled.amount,
        currency=ruled.currency,
    )
    return Part(vouchers.SURPLUS_RULED, ruled.unit, piece)


def piece_of(stood: Stood, sign: int) -> Piece:
    """Return a card as it stands in the books, or as it goes back there."""
    return Piece(
        asset="",
        kind=stood.kind,
        books=stood.unit,
        gross=stood.cost * sign,
        accumulated=stood.worn * sign,
        currency=stood.currency,
    )


def of_money(was: Due, now: Due, means: str) -> Iterator[Part]:
    """Yield what one fact of a due adds to vouchers: what came, went to the treasury, or is kept."""
    base = Piece(asset="", kind=now.income.value, books=now.unit, currency=now.currency)
    counted, excess = now.paid_in - was.paid_in, now.overpaid - was.overpaid
    if counted or excess:
        piece = msgspec.structs.replace(base, kind=means, money=counted + excess, excess=excess)
        yield Part(vouchers.RECEIVED, now.unit, piece)
    for occasion, amount in (
        (vouchers.REMITTED, now.remitted - was.remitted), (vouchers.KEPT, now.kept - was.kept),
    ):  # fmt: skip
        if amount:
            yield Part(occasion, now.unit, msgspec.structs.replace(base, money=amount))


def together(parts: Iterable[Part], own: Iterable[Template]) -> Iterator[Voucher]:
    """Yield the vouchers of one act: one for each unit, occasion and currency that says anything."""
    own = tuple(own)
    grouped: defaultdict[tuple[str, str, str], list[Piece]] = defaultdict(list)
    for part in parts:
        grouped[part.unit, part.occasion, part.piece.currency].append(part.piece)
    for (unit, occasion, currency), pieces in grouped.items():
        voucher = vouchers.posted(vouchers.template_of(occasion, own), unit, currency, pieces)
        if voucher.lines:
            yield voucher


# The general ledger, as far as this ledger knows it ------------------------------------


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a unit: what its vouchers come to; debit less credit, in fen or cents."""

    unit: str
    code: str
    words: Words
    currency: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Return debit less credit."""
        return self.debit - self.credit


def accounts(proposed: Iterable[Proposed]) -> list[Account]:
    """Return the sums of all accounts of vouchers, by unit, number and currency."""
    sums: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    words: dict[str, Words] = {}
    for one in proposed:
        for line in one.voucher.lines:
            words[line.code] = line.account
            key = (one.voucher.unit, line.code, one.voucher.currency)
            sums[key][0 if line.side is Side.DEBIT else 1] += line.amount
    return [
        Account(
            unit=unit, code=code, words=words[code], currency=currency,
            debit=sums[unit, code, currency][0], credit=sums[unit, code, currency][1],
        )
        for unit, code, currency in sorted(sums)
    ]  # fmt: skip


def carried_accounts(kind: str) -> tuple[str, str]:
    """Return the numbers of the accounts that carry property of a kind, and what is written off."""
    template = vouchers.template_of(vouchers.INTO_PENDING, ())
    return (
        vouchers.account_of(template, "asset", kind).code,
        vouchers.account_of(template, "worn", kind).code,
    )


def tied(
    listed: Mapping[str, tuple[str, int]],
    stood: Mapping[str, Stood],
    waiting: Iterable[str],
    balances: Mapping[str, int],
    open_items: int,
) -> list[Broken]:
    """Hold the cards of a unit, its subsidiary ledger and its accounts against each other (T104).

    `listed` is class and cost of each card as the inventory shows it, `stood` where the facts
    carry it, `waiting` which cards wait in 1902; `balances` are the accounts by number, and
    `open_items` what waits there beside cards, in fen. Every row that disagrees is named.
    """
    found: list[Broken] = []

    def differ(what: Disagreement, row: str, figure: str, here: int, there: int) -> None:
        if here != there:
            found.append(Broken(what=what, row=row, figure=figure, here=here, there=there))

    for id_ in sorted({*listed, *stood}):
        if id_ not in stood:
            differ(Disagreement.MISSING, id_, "cost", listed[id_][1] or 1, 0)
            continue
        one = stood[id_]
        if id_ not in listed:
            differ(Disagreement.EXTRA, id_, "cost", 0, one.cost or 1)
            continue
        differ(Disagreement.CARD, id_, "cost", listed[id_][1], one.cost)
        if listed[id_][0] != one.kind:
            differ(Disagreement.CARD, id_, "kind", 1, 0)
    left = set(waiting)
    sums: defaultdict[str, int] = defaultdict(int)
    names: dict[str, tuple[str, ...]] = {}
    for id_, one in stood.items():
        codes = tuple(dict.fromkeys(carried_accounts(PENDING if id_ in left else one.kind)))
        names["+".join(codes)] = codes
        sums["+".join(codes)] += one.cost - one.worn
    for kind in (PENDING, "software", ""):
        codes = tuple(dict.fromkeys(carried_accounts(kind)))
        names["+".join(codes)] = codes
    pending = "+".join(dict.fromkeys(carried_accounts(PENDING)))
    sums[pending] += open_items
    for name in sorted(names):
        there = sum(balances.get(code, 0) for code in names[name])
        differ(Disagreement.ACCOUNT, name, "net", sums[name], there)
    return found
