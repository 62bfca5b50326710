"""Evidence that lies beside the log until an entry names it: what goes out, comes back, is checked.

Half a million scans are no half a million entries. They lie in tables of their own, in the same
database; whoever takes the ledger out takes them along, row by row, in the same snapshot.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from ledger.act import Select

ROWS: Final = 2_000
PICTURES: Final = 20  # rows with bytes in them are large
Insert: TypeAlias = Callable[[str, Sequence[tuple[Any, ...]]], Any]
KINDS: Final[Mapping[str, type]] = {"text": str, "int": int, "bool": bool, "bytes": bytes}


class Beside(msgspec.Struct, frozen=True):
    """One table. `columns` are names and kinds (text, int, bool, bytes; `?` behind: or nothing).

    `order` are columns that together name a row: integers, or texts. `wrong` says what does not
    hold of a row by itself, '' when all of it does.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    order: tuple[tuple[str, str], ...]
    wrong: Callable[[Mapping[str, Any]], str]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that go out."""
        return tuple(name for name, _ in self.columns)

    @property
    def heavy(self) -> bool:
        """Tell whether rows may be large."""
        return any(kind.startswith("bytes") for _, kind in self.columns)

    def count(self, select: Select) -> int:
        """Return how many rows there are."""
        return int(select(f"SELECT count(*) FROM {self.name}")[0][0])  # noqa: S608 - our own tables

    def rows(self, select: Select, *, server: bool) -> Iterator[dict[str, Any]]:
        """Yield every row, in an order that is the same on every database."""
        # A server may sort texts by a language; here they stand by their bytes.
        key = ", ".join(
            f'{name} COLLATE "C"' if server and kind == "text" else name
            for name, kind in self.order
        )
        head = ", ".join((*self.names, *(name for name, _ in self.order)))
        marks = ", ".join("?" for _ in self.order)
        last: tuple[Any, ...] = ()
        while True:
            where = f" WHERE ({key}) > ({marks})" if last else ""
            query = f"SELECT {head} FROM {self.name}{where} ORDER BY {key} LIMIT ?"  # noqa: S608 - our own tables
            page = select(query, *last, PICTURES if self.heavy else ROWS)
            if not page:
                return
            for row in page:
                yield {
                    name: _plain(kind, value)
                    for (name, kind), value in zip(self.columns, row, strict=False)
                }
            last = tuple(page[-1][len(self.columns) :])

    def told(self, row: Mapping[str, Any]) -> list[Any]:
        """Return a row as a line carries it: bytes in base64."""
        return [
            b64encode(row[name]).decode() if isinstance(row[name], bytes) else row[name]
            for name, _ in self.columns
        ]

    def heard(self, values: Sequence[Any]) -> dict[str, Any]:
        """Read a row back; raise ValueError for what is none."""
        if len(values) != len(self.columns):
            raise ValueError(f"{self.name} has {len(self.columns)} columns")
        row: dict[str, Any] = {}
        for (name, kind), value in zip(self.columns, values, strict=True):
            sort, optional, _ = kind.partition("?")
            if value is None:
                if not optional:
                    raise ValueError(f"{self.name}.{name}")
                row[name] = None
                continue
            read = b64decode(value, validate=True) if sort == "bytes" else value
            if type(read) is not KINDS[sort]:
                raise ValueError(f"{self.name}.{name}")
            row[name] = read
        if why := self.wrong(row):
            raise ValueError(f"{self.name}: {why}")
        return row

    def insert(self, insert: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        marks = ",".join("?" for _ in self.columns)
        into = f"INSERT INTO {self.name} ({','.join(self.names)}) VALUES ({marks})"  # noqa: S608 - our own tables
        insert(into, [tuple(row[name] for name in self.names) for row in rows])


def _plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind.startswith("bytes"):
        return bytes(value)
    return bool(value) if kind.startswith("bool") else value
