"""A page of a list in any order: by a column and the id, after a cursor, never by an offset."""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, func, tuple_

from projections.scope import BadCursor, Rows


def key_of(column: Any) -> ColumnElement[Any]:
    """Return what a list is sorted by: what is not known comes before everything that is."""
    whole = isinstance(column.type, (Integer, BigInteger))
    return func.coalesce(column, -1 if whole else "") if column.nullable else column


def keyset(
    query: Rows, column: Any, id_: Any, *, descending: bool, after: str | None, limit: int | None
) -> Rows:
    """Return a page of a query, sorted by a column, and by the id where it says the same."""
    key = key_of(column)
    if after:
        right = int if isinstance(column.type, (Integer, BigInteger)) else str
        try:
            value, last = json.loads(base64.urlsafe_b64decode(after))
            if type(value) is not right or type(last) is not str:
                raise ValueError(after)
        except (ValueError, TypeError) as error:
            raise BadCursor(after) from error
        place = tuple_(key, id_)
        query = query.where(place < (value, last) if descending else place > (value, last))
    both = (key.desc(), id_.desc()) if descending else (key, id_)
    return query.order_by(*both).limit(limit)


def cursor(row: Any, column: Any) -> str:
    """Return where a list that is sorted by a column goes on after a row."""
    value = row[column.name]
    if value is None:
        value = -1 if isinstance(column.type, (Integer, BigInteger)) else ""
    return base64.urlsafe_b64encode(json.dumps([value, row["id"]]).encode()).decode()
