"""Row-level security behind the scope of every query, on PostgreSQL.

Each question says in its own transaction whose rows it is about (`set_config(…, true)`: a pooler
cannot carry it to the next). A query that forgot its scope shows what the reader may see, and
outside of any request nothing at all unless whoever asks says that it is for the ledger itself.
A role that is above row-level security is above this as well: see `Guard.of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import DDL, Connection, Table, event, text

from projections.scope import EVERYTHING, NOTHING, Scope

ALL: Final = "*"
UNITS, THINGS = "gongwu.units", "gongwu.things"
# The columns of a list that name the units to which a row belongs, by the name of its table.
OF_UNITS: Final = {
    "administration": (),  # of log-ins: for administrators, who see all of it
    "cases": ("from_unit", "to_unit", "step_unit"),
    "disposals": ("unit", "step_unit"),
    "dues": ("unit",),
    "goods": ("unit",),
    "inventory": ("accounting_unit", "custodian"),
    "packages": ("unit",),
    "quota": ("unit",),
    "reads": ("unit",),
    "series": ("unit",),
    "stream": (),  # what is kept of everything: for whoever writes the lists
}
HISTORY: Final = ("accounting_unit", "custodian")


class View:
    """What the reader of one request may see: nothing until somebody said who they are."""

    def __init__(self, scope: Scope = NOTHING) -> None:
        self.scope, self.things = scope, frozenset[str]()

    def settings(self) -> tuple[str, str]:
        """Return units and things as the policies read them."""
        if self.scope.units is None:
            return ALL, ""
        return "\n".join(sorted(self.scope.units)), "\n".join(sorted(self.things))


OF_THE_LEDGER: Final = View(EVERYTHING)
# The ledger's own work sees everything: commands, acts, what is told to the lists.
_view: ContextVar[View] = ContextVar("view", default=OF_THE_LEDGER)


@contextmanager
def viewing(view: View) -> Iterator[View]:
    """Ask for one reader meanwhile; threads that are begun here ask for them as well."""
    token = _view.set(view)
    try:
        yield view
    finally:
        _view.reset(token)


def see_as(scope: Scope, streams: Iterable[str]) -> None:
    """Say who asks in this request, and what they were let see beside; elsewhere change nothing."""
    view = _view.get()
    if view is not OF_THE_LEDGER:
        names = tuple(streams)
        view.scope = scope
        view.things = frozenset((*names, *(name.partition("/")[2] for name in names)))


def guard(tables: Iterable[Table]) -> None:
    """Have PostgreSQL make its policies with the tables that hold what is of one unit."""
    for table in tables:
        columns = HISTORY if table.name.startswith("history") else OF_UNITS.get(table.name)
        if columns is None:
            continue
        for sentence in policies(table, columns):
            made: Any = DDL
            event.listen(table, "after_create", made(sentence).execute_if(dialect="postgresql"))


def policies(table: Table, columns: Iterable[str]) -> Iterator[str]:
    """Yield what lets a table show and take no more than what is in sight."""
    # Asked once a statement, not once a row: hence the inner SELECT.
    mine = f"(SELECT string_to_array(current_setting('{UNITS}', true), E'\\n'))::text[]"
    seen = f"(SELECT string_to_array(current_setting('{THINGS}', true), E'\\n'))::text[]"
    shown = [f"(SELECT current_setting('{UNITS}', true)) = '{ALL}'"]
    shown += [f"{column} = ANY ({mine})" for column in columns]
    if "id" in table.c and columns:
        shown.append(f"id = ANY ({seen})")
    if "listed" in table.c:
        shown.append("listed = 1")
    yield f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY in_sight ON {table.name} USING ({' OR '.join(shown)})"


def setting_up(role: str, database: str) -> tuple[str, ...]:
    """Return what a superuser says once, for a role that the policies hold and its database."""
    return (
        f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
        f'CREATE DATABASE "{database}" OWNER "{role}" ENCODING UTF8 TEMPLATE template0',
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
    )


class Guard:
    """Whether the role that serves is held by the policies, and how a question says for whom."""

    def __init__(self, *, holds: bool) -> None:
        self.holds = holds

    @classmethod
    def of(cls, c: Connection) -> Guard:
        """Ask the server; a superuser, or a role made above it, is not held by anything."""
        if c.dialect.name != "postgresql":
            return cls(holds=False)
        above = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        return cls(holds=not c.execute(text(above)).scalar_one())

    def say(self, c: Connection) -> None:
        """Tell the transaction whose rows it is about."""
        units, things = _view.get().settings()
        c.execute(_SAY, {"units": units, "things": things})


_SAY: Final[Any] = text(
    f"SELECT set_config('{UNITS}', :units, true), set_config('{THINGS}', :things, true)"
)
