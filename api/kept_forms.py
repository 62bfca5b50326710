"""What somebody filled in before they were asked again who they are: nothing of it is lost meanwhile.

It is sealed under a key that only the session has, so the database alone tells nobody what was
typed. It is sent once, by whoever filled it in, within ten minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import msgspec
from sqlalchemy import Column, ColumnElement, LargeBinary, String, Table, delete, insert, select

from api.accounts import Accounts
from api.hashing import hashed, stamp
from api.vaulting import metadata
from ledger import vault

KEPT: timedelta = timedelta(minutes=10)
OF_ONE_MAX = 5  # forms of one session; the oldest goes
BYTES_MAX = 1 << 18
PLACE = "form"

form_ = Table(
    "account_form",
    metadata,
    Column("id_sha256", String(64), primary_key=True),
    Column("session_sha256", String(64), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", String(32), nullable=False, index=True),  # UTC
)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form as it was sent: to which address of ours, and what was in it."""

    path: str
    fields: tuple[tuple[str, str], ...]


def keep(accounts: Accounts, session: str, path: str, fields: Sequence[tuple[str, str]]) -> str:
    """Keep a form for the session of this id; return its name, empty where it is too long."""
    plain = msgspec.json.encode(Form(path=path, fields=tuple(fields)))
    if len(plain) > BYTES_MAX:
        return ""
    id_, now = secrets.token_urlsafe(16), accounts.clock()
    sealed = vault.seal(_key(id_, session), PLACE, "", plain.decode())
    c, owner = form_.c, hashed(session)
    older = select(c.id_sha256).where(c.session_sha256 == owner).order_by(c.at.desc())
    with accounts.engine.begin() as connection:
        connection.execute(delete(form_).where(c.at <= stamp(now - KEPT)))
        gone = connection.execute(older.offset(OF_ONE_MAX - 1)).scalars().all()
        connection.execute(delete(form_).where(c.id_sha256.in_(gone)))
        row = {"id_sha256": hashed(id_), "session_sha256": owner, "sealed": sealed}
        connection.execute(insert(form_).values(row | {"at": stamp(now)}))
    return id_


def find(accounts: Accounts, session: str, id_: str) -> Form | None:
    """Return a form of this session by its name; None for another's, and after ten minutes."""
    with accounts.engine.connect() as connection:
        sealed = connection.execute(select(form_.c.sealed).where(_of(accounts, session, id_)))
        return _opened(sealed.scalar(), id_, session)


def take(accounts: Accounts, session: str, id_: str) -> Form | None:
    """Return a form as `find` does and keep it no longer; of two who take it at once, one does."""
    query = delete(form_).where(_of(accounts, session, id_)).returning(form_.c.sealed)
    with accounts.engine.begin() as connection:
        return _opened(connection.execute(query).scalar(), id_, session)


def _of(accounts: Accounts, session: str, id_: str) -> ColumnElement[bool]:
    c = form_.c
    fresh = c.at > stamp(accounts.clock() - KEPT)
    return (c.id_sha256 == hashed(id_)) & (c.session_sha256 == hashed(session)) & fresh


def _opened(sealed: bytes | None, id_: str, session: str) -> Form | None:
    if sealed is None:
        return None
    try:
        opened = vault.unseal(_key(id_, session), PLACE, "", bytes(sealed))
    except vault.Unreadable:
        return None
    return msgspec.json.decode(opened.value, type=Form)


def _key(id_: str, session: str) -> bytes:
    return sha256(f"form\n{id_}\n{session}".encode()).digest()
