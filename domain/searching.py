"""What the lists answered before anything is bought: what a unit has, and what could be had.

A question is put by a step and answered by the system from the inventory, at a position of the
log; nobody types the answer (国令738 第11条). Its digest lets anybody ask the log again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import TypeVar

import msgspec

from domain.asset import Asset, Book, Custody, Kind, Lock
from domain.decider import Occasion
from domain.values import quantity
from domain.words import Term

# Who has it does not need it: it may be reallocated (内蒙古办法 第17条, 保障条例 第16条).
TO_BE_HAD = frozenset({Custody.IDLE, Custody.UNDER_USED, Custody.WAREHOUSE, Custody.VIRTUAL})
FOUND_MAX = 300  # pieces a certificate can name; more need no purchase
# What a search must find. 1 passed over what a claim held that had ended by itself, 2 over what
# carries a code of another version of the standard.
RULES = 3
ALSO_MAX = 2_000  # codes of other versions that a certificate can name


class Unsuitable(Term):
    """Why something that was found does not do."""

    SPECIFICATION = "specification", "规格、性能不符", "wrong specification"
    CONDITION = "condition", "成色不足或损坏", "condition too poor"
    LIFE = "life", "剩余使用年限不足", "too little life left"
    QUANTITY = "quantity", "数量不合适", "wrong quantity"
    TOO_LATE = "too_late", "可用日期晚于需用日期", "free too late"
    TOO_FAR = "too_far", "距离过远、运输不经济", "too far away"
    NOT_YET_OPEN = "not_yet_open", "公示期内不面向本单位", "not offered to this unit yet"
    GIVEN_TO_OTHERS = "given_to_others", "已安排给其他单位", "promised to another unit"
    COST = "cost", "修复费用过高", "too dear to repair"
    OTHER = "other", "其他原因", "another reason"


class Piece(msgspec.Struct, frozen=True):
    """One card that the inventory showed, and how many things are on it."""

    asset: str
    quantity: str


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What one standard in force allows a unit; `cap` is for a post or for the whole unit.

    `held` is what the unit has of all that the standard is about, `price_cap` is in fen. None: the
    standard gives no such limit.
    """

    standard: str
    title: str
    class_code: str = ""
    held: str = "0"
    cap: str | None = None
    each_post: bool = False
    price_cap: int | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What could be reallocated for a line of a plan, as the inventory stood at a position."""

    plan: str
    line: int
    on: date
    position: int
    count: int
    pieces: tuple[Piece, ...]  # FOUND_MAX of them at most
    sha256: str
    also: tuple[str, ...] = ()  # codes of other versions that mean the class


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit has of the kind a line asks for, and which standards are in force for it."""

    plan: str
    line: int
    on: date
    position: int
    cards: int
    held: str
    sha256: str
    limits: tuple[Limit, ...] = ()


class Thing(msgspec.Struct, frozen=True):
    """One card as the inventory shows it; `value` is in fen, of all that is on the card."""

    kind: str
    class_code: str
    quantity: str
    value: int | None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a case brings a unit and takes from it, and by which standards the unit is bound.

    `limits` are the standards in force for what comes, each with its kind.
    """

    case: str
    unit: str
    position: int
    coming: tuple[Thing, ...]
    going: tuple[Thing, ...] = ()
    limits: tuple[tuple[str, Limit], ...] = ()


A = TypeVar("A", Found, Stock)


def answer(occasion: Occasion, kind: type[A], line: int) -> A | None:
    """Return what the lists answered about a line of the plan that is asked, or None."""
    plan = occasion.stream.partition("/")[2]
    for seen in occasion.seen:
        if isinstance(seen, kind) and seen.plan == plan and seen.line == line:
            return seen
    return None


def digest(pieces: Iterable[Piece]) -> str:
    """Return the SHA-256 of a result: every card in the order of ids with its quantity."""
    told = sorted((piece.asset, piece.quantity) for piece in pieces)
    return sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def together(pieces: Iterable[Piece]) -> str:
    """Return how many things are on these cards."""
    return quantity(sum((Decimal(piece.quantity) for piece in pieces), Decimal(0)))


def of_class(asset_class: str, wanted: str) -> bool:
    """Answer whether a card may be of a class; one that states none may be of any."""
    return not asset_class or not wanted or asset_class.startswith(wanted)


def to_be_had(
    asset: Asset,
    kind: Kind,
    class_code: str,
    on: date,
    rules: int = RULES,
    also: Collection[str] = (),
) -> bool:
    """Answer whether a search for a kind and class must find this card on a day.

    What is offered ahead is found before it is free. `rules` are those of the search, `also` the
    codes of other versions of the standard that mean the class.
    """
    free = asset.lock is Lock.NONE if rules == 1 else asset.free(on)
    return (
        asset.book is Book.ON_BOOKS
        and free
        and asset.kind is kind
        and (asset.custody in TO_BE_HAD or asset.listed)
        and (of_class(asset.class_code, class_code) or asset.class_code in also)
    )


def in_stock(asset: Asset, unit: str, kind: Kind, class_code: str) -> bool:
    """Answer whether a card counts as what a unit has of a kind and class."""
    return (
        asset.book is Book.ON_BOOKS
        and asset.accounting_unit == unit
        and asset.kind is kind
        and of_class(asset.class_code, class_code)
    )
