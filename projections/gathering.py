"""What is written to the lists after one act, gathered so that a server hears it as one statement.

A statement costs a server more than the few rows it writes. Inside one statement no row may be
written twice and nothing can be read in between: who needs that writes the ordinary way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any


class Apart(Exception):
    """These writes cannot be one statement."""


class Gathered:
    """Stands where a cursor stands; reads at once, keeps what is to be written until `send`."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._parts: list[str] = []
        self._values: list[Any] = []
        self._rows: set[tuple[str, Any]] = set()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Read at once, or keep a write; raise Apart for what must not be put together."""
        verb, _, rest = sql.partition(" ")
        if verb == "SELECT":
            if self._parts:
                raise Apart(sql)
            self._cursor.execute(sql, values, prepare=True)
            return
        table = rest.removeprefix("INTO ").removeprefix("FROM ").split(" ", 1)[0]
        keys = {"INSERT": values[:1], "UPDATE": values[-1:], "DELETE": values[0]}[verb]
        for key in keys:
            if isinstance(key, list) or (table, key) in self._rows:
                raise Apart(sql)
            self._rows.add((table, key))
        self._parts.append(sql)
        self._values += values

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Keep several writes of one kind."""
        for row in rows:
            self.execute(sql, row)

    def fetchall(self) -> list[Any]:
        """Return what was read."""
        found: list[Any] = self._cursor.fetchall()
        return found

    def send(self, first: str, values: Sequence[Any]) -> None:
        """Write everything, and with it what is said here."""
        parts = ",".join(f"p{n} AS ({sql})" for n, sql in enumerate((first, *self._parts)))
        from psycopg import RawCursor  # a file needs no driver of a server

        # The driver's own reading of so many places for values is not remembered, and it is long.
        with RawCursor(self._cursor.connection) as raw:
            raw.execute(_numbered(f"WITH {parts} SELECT"), (*values, *self._values), prepare=True)


@lru_cache(1_000)
def _numbered(sql: str) -> bytes:
    """Return a statement with $1, $2, … in the places for values."""
    first, *others = sql.split("%s")
    return "".join([first, *(f"${n}{part}" for n, part in enumerate(others, 1))]).encode()
