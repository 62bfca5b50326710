"""What could be reallocated, and what a unit has of a kind: asked before anything is bought.

Every answer says the position of the log that the lists had reached when they gave it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import ColumnElement, and_, literal_column, or_, select

from domain.asset import Book, Kind, Lock
from domain.searching import TO_BE_HAD
from domain.standards import StandardStatus
from projections.cases import cases
from projections.history import history
from projections.inventory import inventory
from projections.scope import Rows, among, free
from projections.store import progress_table
from projections.temporal import at


def to_be_had(kind: Kind, class_code: str, on: date, also: Collection[str] = ()) -> Rows:
    """Return the position, and each card that may be reallocated on a day, in the order of ids.

    What a claim held that ended by itself may be had; `also` are codes of other versions that mean
    the class. One row without a card when there is none.
    """
    c = inventory.c
    somewhere = or_(c.custody.in_(sorted(TO_BE_HAD)), c.listed == 1)
    return _cards(and_(_of(kind, class_code, also), free(inventory, on.isoformat()), somewhere))


def in_stock(unit: str, kind: Kind, class_code: str) -> Rows:
    """Return the position, and each card of a kind and class that a unit has on its books."""
    return _cards(and_(_of(kind, class_code), inventory.c.accounting_unit == unit))


def cards(ids: Iterable[str], unit: str = "") -> Rows:
    """Return what a standard must know of some cards; without those a unit has already."""
    c = inventory.c
    query = select(c.kind, c.class_code, c.quantity, c.value).where(c.id.in_(sorted(ids)))
    return (query.where(c.accounting_unit != unit) if unit else query).order_by(c.id)


def position() -> Rows:
    """Return the position that the lists have reached."""
    return select(progress_table.c.position)


def published() -> Rows:
    """Return the streams of all standards that were ever published."""
    c = cases.c
    was = c.status.in_([StandardStatus.PUBLISHED.value, StandardStatus.ENDED.value])
    return select(c.id).where(c.kind == "standard", was).order_by(c.id)


def _of(kind: Kind, class_code: str, also: Collection[str] = ()) -> ColumnElement[bool]:
    c = inventory.c
    of_class = or_(c.class_code == "", c.class_code.startswith(class_code, autoescape=True))
    if also:
        of_class = or_(of_class, among(c.class_code, also))
    return and_(c.book == Book.ON_BOOKS.value, c.kind == kind.value, of_class)


def _cards(condition: ColumnElement[bool]) -> Rows:
    # One statement: the position and the cards are of the same moment.
    c = inventory.c
    return (
        select(progress_table.c.position, c.id, c.quantity)
        .select_from(progress_table.outerjoin(inventory, condition))
        .order_by(c.id)
    )


def candidates(kind: Kind, on: str, known: int) -> Rows:
    """Return the cards of a kind that may have been had on a day, as known at a position.

    The list of what was keeps no class codes and no end of a hold: whoever asks looks at each card
    itself.
    """
    c = history.c
    somewhere = or_(c.custody.in_(sorted(TO_BE_HAD)), c.listed == 1)
    locks = (Lock.NONE.value, Lock.RESERVED.value)  # a claim reserves
    there = and_(c.kind == kind.value, c.book == Book.ON_BOOKS.value, c.lock.in_(locks))
    return (
        select(c.id).where(at(history, on, known), there, somewhere).order_by(literal_column("id"))
    )
