"""Writing rows fast on both databases: plain tuples in the order of a table's columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

CHUNK = 400
COPY_FROM = 20  # rows of one table from which COPY is the faster way
_dialect: Any = postgresql.dialect
POSTGRESQL = _dialect()  # how it calls its types


class Writer:
    """One transaction's writes; the statements are those of SQLite or PostgreSQL."""

    def __init__(self, cursor: Any, *, sqlite: bool, guarded: bool = False) -> None:
        """`guarded`: row-level security holds the role, and COPY fills none of its tables."""
        self.cursor, self.sqlite, self.guarded = cursor, sqlite, guarded
        self.mark = "?" if sqlite else "%s"

    @contextmanager
    def together(self, rows: int) -> Iterator[None]:
        """Send a few writes without waiting for each answer; many go by COPY, one by one."""
        if self.sqlite or rows >= COPY_FROM:
            yield
            return
        with self.cursor.connection.pipeline():
            yield

    def reached(self, position: int) -> None:
        """Say how far the lists have come."""
        self.cursor.execute(f"UPDATE projected SET position={self.mark}", (position,))

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows that are not there."""
        if not rows:
            return
        if self.sqlite or len(rows) < COPY_FROM:
            marks = ",".join([self.mark] * len(table.columns))
            sql = f"INSERT INTO {table.name} VALUES ({marks})"
            self.cursor.executemany(sql, rows)
            return
        into = f"copied_{table.name}" if self.guarded else table.name
        if self.guarded:
            self.cursor.execute(f"CREATE TEMP TABLE {into} (LIKE {table.name}) ON COMMIT DROP")
        with self.cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if self.guarded:
            self.cursor.execute(f"INSERT INTO {table.name} SELECT * FROM {into}")
            self.cursor.execute(f"DROP TABLE {into}")

    def replace(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Put rows in the place of those with the same key, the table's first column."""
        if not rows:
            return
        if self.sqlite or len(rows) < COPY_FROM:
            names = [f'"{column.name}"' for column in table.columns]
            kept = ",".join(f"{name}=excluded.{name}" for name in names[1:])
            marks = ",".join([self.mark] * len(names))
            self.cursor.executemany(
                f"INSERT INTO {table.name} VALUES ({marks})"
                f" ON CONFLICT ({names[0]}) DO UPDATE SET {kept}",
                rows,
            )
            return
        self.delete(table, [row[0] for row in rows])
        self.insert(table, rows)

    def take_over(self, table: Table, file: str) -> None:
        """Fill an empty table and its indexes with those of an attached file, page by page."""
        self.cursor.execute(f"INSERT INTO main.{table.name} SELECT * FROM {file}.{table.name}")

    def merge(self, table: Table, files: Sequence[str]) -> None:
        """Add the rows that attached files hold of a table, in the order of its key."""
        key = next(iter(table.columns)).name
        all_ = " UNION ALL ".join(f"SELECT * FROM {file}.{table.name}" for file in files)
        self.cursor.execute(f'INSERT INTO main.{table.name} {all_} ORDER BY "{key}"')

    def update(self, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Change named columns of rows that are there; each row ends with the key."""
        if not rows:
            return
        key = next(iter(table.columns))
        if self.sqlite or len(rows) < COPY_FROM:
            said = ",".join(f'"{name}"={self.mark}' for name in names)
            sql = f"UPDATE {table.name} SET {said} WHERE {key.name}={self.mark}"
            self.cursor.executemany(sql, rows)
            return
        columns = [table.columns[name] for name in names] + [key]
        arrays = ",".join(f"%s::{column.type.compile(POSTGRESQL)}[]" for column in columns)
        said = ",".join(f'"{name}"=v."{name}"' for name in names)
        listed = ",".join(f'"{column.name}"' for column in columns)
        self.cursor.execute(
            f"UPDATE {table.name} t SET {said} FROM unnest({arrays}) AS v({listed})"
            f" WHERE t.{key.name}=v.{key.name}",
            [list(values) for values in zip(*rows, strict=True)],
        )

    def delete(self, table: Table, keys: Iterable[str], key: str = "") -> None:
        """Remove rows by key: a column, the table's first when none is named."""
        key, all_ = key or next(iter(table.columns)).name, list(keys)
        if not all_:
            return
        if self.sqlite:
            some = "SELECT value FROM json_each(?)"
            sql = f"DELETE FROM {table.name} WHERE {key} IN ({some})"
            self.cursor.execute(sql, (json.dumps(all_),))
        else:
            self.cursor.execute(f"DELETE FROM {table.name} WHERE {key} = ANY(%s)", (all_,))

    def supersede(self, table: Table, known_to: int, rows: Sequence[int]) -> None:
        """Say that rows are what was known only until `known_to`."""
        sql = f'UPDATE {table.name} SET known_to={self.mark} WHERE "row"={self.mark}'
        self.cursor.executemany(sql, [(known_to, row) for row in rows])

    def select(self, columns: str, table: Table, key: str, keys: Sequence[str]) -> list[Any]:
        """Return named columns of the rows with one of these keys."""
        found: list[Any] = []
        cursor = self.cursor
        for start in range(0, len(keys), CHUNK):
            some = list(keys[start : start + CHUNK])
            if self.sqlite:
                marks = ",".join("?" * len(some))
                cursor.execute(f"SELECT {columns} FROM {table.name} WHERE {key} IN ({marks})", some)
            else:
                cursor.execute(f"SELECT {columns} FROM {table.name} WHERE {key} = ANY(%s)", (some,))
            found += cursor.fetchall()
        return found
