"""What people are called elsewhere, and log-ins elsewhere that are under way: beside the log.

An identity is what a provider or a directory calls one person. It belongs to one log-in at most;
a log-in may have one of each kind. It names no power: unit and roles stay what they are here.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
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
proposed_ = Table(  # what one person proposed to tie and another has not confirmed yet
    "account_identity_proposed",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("source", String(500), nullable=False),
    Column("name", String(NAME_CHARS_MAX), nullable=False),
    Column("login", String(80), nullable=False),
    Column("proposer", String(80), nullable=False),
    Column("at", String(32), nullable=False),  # UTC
    Index("account_identity_proposed_of", "login", "kind", unique=True),
)
started_ = Table(
    "account_under_way",
    metadata,
    Column("state_sha256", String(64), primary_key=True),
    Column("browser_sha256", String(64), nullable=False),
    Column("nonce", String(100), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("next", String(2000), nullable=False),
    Column("purpose", String(8), nullable=False),  # of `Purpose`
    Column("session_sha256", String(64), nullable=False),  # who went, where they were signed in
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


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that a person proposed for a log-in and that waits for another's word."""

    id: str
    identity: Identity
    login: str
    proposer: str
    at: str


class Taken(Exception):
    """The identity is another log-in's, or the log-in has another identity of this kind."""


class Purpose(StrEnum):
    """Why somebody goes to the provider."""

    SIGN_IN = "sign_in"
    AGAIN = "again"  # they are signed in, and prove again who they are
    TIE = "tie"  # they are signed in, and tie what they are called there to their log-in


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A way to the provider that waits for its answer: what it is held against, and where to go.

    Whoever was signed in when they went has a `session` (the hash of its id): the answer counts
    for that one alone. `at` is when they went (UTC).
    """

    state: str
    nonce: str
    verifier: str
    next: str = "/"
    purpose: Purpose = Purpose.SIGN_IN
    session: str = ""
    at: str = ""


class TooMany(Exception):
    """More log-ins are under way than people could have begun."""


class Identities:
    """The identities of one installation, and what is under way. Threads may share it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock
        metadata.create_all(engine, tables=[identity_, proposed_, started_, ended_])
        with engine.begin() as connection:
            _tell_since(connection)
            # Earlier releases knew one purpose; whoever was under way begins again.
            connection.execute(text("DROP TABLE IF EXISTS account_started"))

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

    # What waits for a second person ---------------------------------------------------

    def propose(self, identity: Identity, login: str, proposer: str) -> Waiting:
        """Keep what one person proposed; a later proposal for the log-in replaces the earlier.

        Each has an id of its own, so that nobody confirms another than they were shown.
        """
        one = Waiting(
            id=secrets.token_hex(16),
            identity=identity,
            login=login.casefold(),
            proposer=proposer,
            at=stamp(self.clock()),
        )
        with self.engine.begin() as connection:
            c = proposed_.c
            same = (c.login == one.login) & (c.kind == identity.kind)
            connection.execute(delete(proposed_).where(same))
            connection.execute(insert(proposed_).values(_row(one)))
        return one

    def waiting(self, login: str | None = None) -> list[Waiting]:
        """Return what waits, for a log-in or for all, the oldest first."""
        query = select(proposed_).order_by(proposed_.c.at, proposed_.c.id)
        if login is not None:
            query = query.where(proposed_.c.login == login.casefold())
        with self.engine.connect() as connection:
            return [
                Waiting(
                    id=row.id,
                    identity=Identity(kind=row.kind, name=row.name, source=row.source),
                    login=row.login,
                    proposer=row.proposer,
                    at=row.at,
                )
                for row in connection.execute(query)
            ]

    def settle(self, one: Waiting) -> bool:
        """Let a proposal wait no longer; of two who settle it at the same moment, one does."""
        with self.engine.begin() as connection:
            gone = delete(proposed_).where(proposed_.c.id == one.id)
            return connection.execute(gone).rowcount == 1

    def resume(self, one: Waiting) -> None:
        """Let a proposal wait again whose settling was not recorded, unless another came since."""
        with suppress(IntegrityError), self.engine.begin() as connection:
            connection.execute(insert(proposed_).values(_row(one)))

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
                    purpose=started.purpose.value,
                    session_sha256=started.session,
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
        return Started(
            state=state,
            nonce=row.nonce,
            verifier=row.verifier,
            next=row.next,
            purpose=Purpose(row.purpose),
            session=row.session_sha256,
            at=row.at,
        )

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


def _row(one: Waiting) -> dict[str, str]:
    of = one.identity
    row = {"id": one.id, "login": one.login, "proposer": one.proposer, "at": one.at}
    return row | {"kind": of.kind, "source": of.source, "name": of.name}


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
