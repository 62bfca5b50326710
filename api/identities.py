"""What people are called elsewhere, and log-ins elsewhere that are under way: beside the log.

An identity is what a provider or a directory calls one person. It belongs to one log-in at most;
a log-in may have one of each kind. It names no power: unit and roles stay what they are here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Index,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from api.accounts import hashed, stamp
from api.vaulting import metadata

KINDS = ("oidc", "ldap")
NAME_CHARS_MAX = 255  # of a subject, OpenID Connect Core section 2
UNDER_WAY = timedelta(minutes=10)
UNDER_WAY_MAX = 10_000

identity_ = Table(
    "account_identity",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("source", String(500), primary_key=True),
    Column("name", String(NAME_CHARS_MAX), primary_key=True),
    Column("login", String(80), nullable=False),
    Column("since", String(32), nullable=False, server_default=""),  # UTC; empty: not known
    Index("account_identity_of", "login", "kind", "source", unique=True),
)
started_ = Table(
    "account_started",
    metadata,
    Column("state_sha256", String(64), primary_key=True),
    Column("browser_sha256", String(64), nullable=False),
    Column("nonce", String(100), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("next", String(2000), nullable=False),
    Column("at", String(32), nullable=False, index=True),
)
ended_ = Table(  # words by which a provider ended sessions: each counts once
    "account_ended",
    metadata,
    Column("once_sha256", String(64), primary_key=True),
    Column("at", String(32), nullable=False, index=True),
)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What one person is called in one place: `kind` of place, which one, and the name there."""

    kind: str
    name: str
    source: str
    since: str = ""  # when it was tied (UTC); empty where nobody knows

    @property
    def place(self) -> str:
        """Return whose name it is: the provider's address, or where the directory keeps people."""
        return self.source.rpartition("#")[0]

    @property
    def slug(self) -> str:
        """Return it in one word: `oidc:SUBJECT`, `ldap:UID`."""
        return f"{self.kind}:{self.name}"


class Taken(Exception):
    """The identity is another log-in's, or the log-in has another identity of this kind."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that waits for the provider's answer: what it is held against, and where to go."""

    state: str
    nonce: str
    verifier: str
    next: str = "/"


class TooMany(Exception):
    """More log-ins are under way than people could have begun."""


class Identities:
    """The identities of one installation, and what is under way. Threads may share it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock
        metadata.create_all(engine, tables=[identity_, started_, ended_])
        with engine.begin() as connection:
            _tell_since(connection)

    # Whose they are ------------------------------------------------------------------

    def bind(self, identity: Identity, login: str) -> None:
        """Tie an identity to a log-in; raise Taken. The same again changes nothing."""
        row = {**msgspec.structs.asdict(identity), "login": login.casefold()}
        row["since"] = stamp(self.clock())
        if self.login_of(identity) == row["login"]:
            return
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(identity_).values(row))
        except IntegrityError:
            raise Taken from None

    def part(self, identity: Identity) -> None:
        """Untie an identity from whichever log-in has it."""
        with self.engine.begin() as connection:
            connection.execute(delete(identity_).where(*_same(identity)))

    def login_of(self, identity: Identity) -> str:
        """Return the log-in that has an identity; '' when none has."""
        with self.engine.connect() as connection:
            query = select(identity_.c.login).where(*_same(identity))
            return str(connection.execute(query).scalar() or "")

    def of(self, login: str) -> list[Identity]:
        """Return the identities of a log-in."""
        return list(self.all([login.casefold()]).get(login.casefold(), []))

    def all(self, logins: Iterable[str] | None = None) -> Mapping[str, list[Identity]]:
        """Return the identities of some log-ins, or of all, by log-in."""
        query = select(identity_).order_by(*identity_.primary_key)
        if logins is not None:
            query = query.where(identity_.c.login.in_(list(logins)))
        found: dict[str, list[Identity]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                one = Identity(kind=row.kind, name=row.name, source=row.source, since=row.since)
                found.setdefault(row.login, []).append(one)
        return found

    # What is under way -----------------------------------------------------------------

    def begin(self, started: Started, browser: str) -> None:
        """Keep a log-in until its answer comes; raise TooMany. Who began it is the browser alone."""
        now = self.clock()
        with self.engine.begin() as connection:
            connection.execute(delete(started_).where(started_.c.at <= stamp(now - UNDER_WAY)))
            if connection.execute(select(func.count()).select_from(started_)).scalar_one() >= (
                UNDER_WAY_MAX
            ):
                raise TooMany
            connection.execute(
                insert(started_).values(
                    state_sha256=hashed(started.state),
                    browser_sha256=hashed(browser),
                    nonce=started.nonce,
                    verifier=started.verifier,
                    next=started.next,
                    at=stamp(now),
                )
            )

    def take(self, state: str, browser: str) -> Started | None:
        """Return the log-in that this answer belongs to, once; None when this browser began none."""
        key = started_.c.state_sha256 == hashed(state)
        with self.engine.begin() as connection:
            row = connection.execute(select(started_).where(key)).first()
            # Only who deletes the row goes on: of two answers at the same moment, one.
            if row is None or connection.execute(delete(started_).where(key)).rowcount != 1:
                return None
        fresh = row.at > stamp(self.clock() - UNDER_WAY)
        if not fresh or not hmac.compare_digest(row.browser_sha256, hashed(browser)):
            return None
        return Started(state=state, nonce=row.nonce, verifier=row.verifier, next=row.next)

    def first(self, once: str, kept: timedelta) -> bool:
        """Tell whether a word of good-bye comes for the first time within as long as it is good."""
        now = self.clock()
        try:
            with self.engine.begin() as connection:
                connection.execute(delete(ended_).where(ended_.c.at <= stamp(now - kept)))
                connection.execute(insert(ended_).values(once_sha256=hashed(once), at=stamp(now)))
        except IntegrityError:
            return False
        return True


def _tell_since(connection: Connection) -> None:
    """Add the column that tables of earlier releases have not."""
    if "since" not in {
        column["name"] for column in inspect(connection).get_columns(identity_.name)
    }:
        connection.execute(
            text(f"ALTER TABLE {identity_.name} ADD COLUMN since VARCHAR(32) NOT NULL DEFAULT ''")
        )


def _same(identity: Identity) -> tuple[Any, ...]:
    return (
        identity_.c.kind == identity.kind,
        identity_.c.source == identity.source,
        identity_.c.name == identity.name,
    )
