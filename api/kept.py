"""What an installation keeps beside the log that is neither a list nor evidence: log-ins, sealed names.

Declared once, for backups: whatever lies in the database and nobody declared is refused loudly,
so that a new store cannot be left out of a backup in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api import evidence, import_sessions, vaulting
from api.office import Office
from ledger.act import Select
from ledger.beside import KINDS, Beside
from ledger.restoring import Unrestorable
from projections.following import metadata as lists

# The tables of one store each, as it declares them.
STORES: Final = (vaulting.metadata, import_sessions.metadata)
# Whoever was signed in, or was about to be, signs in again, and wrong tries are forgotten: all are
# of one machine.
PASSING: Final = frozenset(
    {
        "account_acting",
        "account_ended",
        "account_failure",
        "account_presence",
        "account_sitting",
        "account_form",
        "account_started",
        "account_under_way",
    }
)


def _sound(_: Mapping[str, Any]) -> str:
    return ""


def _kind(column: Any) -> str:
    """Return how a column is written; an unknown kind is our bug, told when it is declared."""
    found = {bool: "bool", int: "int", bytes: "bytes", str: "text"}.get(column.type.python_type)
    assert found is not None and found in KINDS, f"{column}: {column.type} cannot be taken along"
    return f"{found}?" if column.nullable else found


def tables() -> tuple[Beside, ...]:
    """Return the tables that a backup takes along, those that others refer to first."""
    import api.app  # noqa: F401 - every door, so that every store has declared its tables

    return tuple(
        Beside(
            str(table.name),
            tuple((str(c.name), _kind(c)) for c in table.columns),
            tuple((str(c.name), _kind(c)) for c in table.primary_key.columns),
            _sound,
        )
        for metadata in STORES
        for table in metadata.sorted_tables
        if table.name not in PASSING
    )


def forgotten(select: Select, *, server: bool) -> list[str]:
    """Return the tables of a database that nobody declared."""
    query = (
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        if server
        else "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
    return sorted({str(row[0]) for row in select(query)} - set(_known()), key=str)


def refuse_unless_empty(office: Office) -> None:
    """Refuse a database that has log-ins already; raise Unrestorable."""
    with office.book.log.snapshot() as select:
        taken = [table.name for table in tables() if table.count(select)]
    if taken:
        names = ", ".join(taken)
        raise Unrestorable(
            f"这个数据库里已有账号或姓名（{names}）；只能还原到空库。未写入任何内容。",
            f"This database holds log-ins or names already ({names}); restore into an empty one."
            " Nothing was written.",
        )


def renumber(office: Office) -> None:
    """Let a server number on after what came back; a file does so by itself."""
    if office.book.url.startswith("sqlite:"):
        return
    numbered = [
        (str(table.name), str(column.name))
        for metadata in STORES
        for table in metadata.sorted_tables
        for column in table.columns
        if column is table.autoincrement_column
    ]
    with office.accounts.engine.begin() as c:
        for table, column in numbered:
            c.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column}))"  # noqa: S608 - our own tables
                f" FROM {table} HAVING max({column}) IS NOT NULL"
            )


def _known() -> Iterator[str]:
    yield from (
        "ledger_entry", "ledger_head", "ledger_command", "ledger_claim", "ledger_evidence",
        "ledger_file", "ledger_checkpoint", "ledger_attestation", "ledger_node",
    )  # fmt: skip
    yield from ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4", *PASSING)
    yield from (str(table.name) for table in lists.sorted_tables)
    yield from (table.name for table in (*evidence.DECLARED, *tables()))
