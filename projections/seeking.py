"""What a person typed, looked for among cards and cases at once: ranked, a few of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy import types as types_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from projections.cases import cases
from projections.inventory import inventory
from projections.scope import Filters, Rows, Scope, in_units, where

# Why a card was found, the best first; a card that left the books comes after all that are on them.
EXACT: Final = ("asset_no", "label", "serial", "plate")
WHYS: Final = (*EXACT, "name", "name_begins", "asset_no_begins", "name_has", "other")
GONE: Final = 100


class _Within(FunctionElement[bool]):
    """Whether a text has another one in it, byte by byte: no patterns, no folding of case."""

    inherit_cache = True
    type = types_.Boolean()


@compiles(_Within, "sqlite")
def _within_on_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **how)}) > 0)"


@compiles(_Within, "postgresql")
def _within_on_a_server(element: Any, compiler: Any, **how: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **how)}) > 0)"


def within(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that a column, folded as it was written, has a folded text in it."""
    return _Within(column, text)


def assets(scope: Scope, words: Sequence[str], *, limit: int) -> Rows:
    """Return the cards that have every word, with `why` as the number of the reason in `WHYS`.

    `words` are folded as cards are (NFKC, case); the ones that were derecognised come last.
    """
    c = inventory.c
    whole = " ".join(words)
    exact = [func.lower(getattr(c, name)) == whole for name in EXACT]
    name = func.lower(c.name)
    number = func.lower(c.asset_no)
    why = case(
        *((condition, at) for at, condition in enumerate(exact)),
        (name == whole, 4),
        (_begins(name, whole), 5),
        (_begins(number, whole), 6),
        (and_(*(within(name, word) for word in words)), 7),
        else_=8,
    )
    shown = (
        c.id, c.asset_no, c.name, c.kind, c.book, c.custody, c.lock, c.held_until, c.accounting_unit,
        c.place, c.model, c.serial, c.plate, c.label, c.dataset,
    )  # fmt: skip
    seen = where(inventory, scope, Filters(book="any"))
    has = and_(*(within(c.search, word) for word in words))
    last = case((c.book == "gone", GONE), else_=0)
    # First which cards, of what the index `inventory_sought` holds; then the few, whole. Whatever
    # has a word is not empty: said, SQLite reads the index, whatever it guesses of its size.
    rank = (why + last).label("rank")
    first = select(c.id, rank).where(c.search > "", has, seen)
    best = first.order_by(rank, c.asset_no, c.id).limit(limit).subquery("best")
    query: Rows = select(*shown, (best.c.rank % GONE).label("why")).join(best, best.c.id == c.id)
    return query.order_by(best.c.rank, c.asset_no, c.id)


def found_cases(scope: Scope, words: Sequence[str], *, limit: int) -> Rows:
    """Return the cases that have every word in number, title, reason or id: by number first."""
    c = cases.c
    whole = " ".join(words)
    columns = (func.lower(c.number), func.lower(c.title), func.lower(c.id), func.lower(c.reason))
    query: Rows = select(cases).where(
        *(or_(*(within(column, word) for column in columns)) for word in words)
    )
    query = query.where(in_units(scope, c.from_unit, c.to_unit, c.step_unit))
    rank = case((columns[0] == whole, 0), (columns[2] == whole, 0), (c.step != "", 1), else_=2)
    return query.order_by(rank, c.changed_on.desc(), c.id).limit(limit)


def _begins(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    return func.substr(column, 1, len(text)) == text
