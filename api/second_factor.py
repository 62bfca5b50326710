"""The second factor of a log-in: codes of a device (TOTP, RFC 6238), and codes for when it is lost.

The secret is sealed in the vault under a key of its own, never in the tables in plain. It counts
only after a first code proved that the device has it. A code is taken once, within one step of
the clock. Ten recovery codes are shown once; their hashes are kept, and each opens once.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from api.hashing import hashed, stamp
from api.vaulting import Closed, Vault, metadata

STEP_SECONDS: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1  # so far the clock of a device may be off, before or behind
SECRET_BYTES: Final = 20  # what RFC 4226 recommends
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10  # 80 bits: 16 letters in four groups
ISSUER: Final = "Gongwu"
FIELD: Final = "totp"

factor = Table(
    "account_factor",
    metadata,
    Column("login", String(80), primary_key=True),
    Column("confirmed_at", String(32), nullable=False),  # empty until a first code was right
    Column("last_step", Integer, nullable=False),  # of the clock: no code up to it is taken again
)
recovery = Table(
    "account_recovery",
    metadata,
    Column("code_sha256", String(64), primary_key=True),
    Column("login", String(80), nullable=False, index=True),
    Column("used_at", String(32), nullable=False),
)


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a device may take over; nothing is asked for before it has."""

    secret: str  # base32, as people type it where no camera helps
    uri: str  # otpauth://, as the picture says it


class SecondFactors:
    """The second factors of one installation. Threads may share it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], vault: Vault) -> None:
        self.engine, self.clock, self.vault = engine, clock, vault

    def since(self, login: str) -> str:
        """Return from when a second factor is asked for (UTC); empty when none is."""
        query = select(factor.c.confirmed_at).where(factor.c.login == login)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar() or ""

    def all_since(self) -> dict[str, str]:
        """Return from when it is asked for, of every log-in that has one."""
        query = select(factor.c.login, factor.c.confirmed_at).where(factor.c.confirmed_at != "")
        with self.engine.connect() as connection:
            return {row.login: row.confirmed_at for row in connection.execute(query)}

    def offer(self, login: str) -> Offered:
        """Return the secret that waits to be confirmed, drawing one when none does.

        It stays the same until it is confirmed or `offer_anew`, so that a page looked at twice
        does not spoil what the device took. Raise Closed when the master key is not there.
        """
        with self.engine.begin() as connection:
            row = connection.execute(select(factor).where(factor.c.login == login)).first()
            kept = self._secret(connection, login) if row and not row.confirmed_at else b""
            key = kept or secrets.token_bytes(SECRET_BYTES)
            if not kept:
                self._forget(connection, login)
                self.vault.keep(connection, _subject(login), {FIELD: _typed(key)})
                values = {"login": login, "confirmed_at": "", "last_step": 0}
                connection.execute(insert(factor).values(values))
        return Offered(secret=_typed(key), uri=uri(login, key))

    def confirm(self, login: str, code: str) -> tuple[str, ...]:
        """Ask for it from now on, if the code is right; return the recovery codes, else nothing."""
        with self.engine.begin() as connection:
            row = connection.execute(select(factor).where(factor.c.login == login)).first()
            if row is None or row.confirmed_at or not self._take(connection, login, code):
                return ()
            now = stamp(self.clock())
            connection.execute(
                update(factor).where(factor.c.login == login).values(confirmed_at=now)
            )
            return self._draw(connection, login)

    def passes(self, login: str, code: str) -> bool:
        """Take a code of the device or a recovery code, if it is right and new; tell whether."""
        with self.engine.begin() as connection:
            row = connection.execute(select(factor).where(factor.c.login == login)).first()
            if row is None or not row.confirmed_at:
                return False
            # Recovery codes first: they open when the master key is away, too.
            return self._recover(connection, login, code) or self._take(connection, login, code)

    def recovery_codes(self, login: str) -> tuple[str, ...]:
        """Draw ten recovery codes in place of those there were; they are shown this once."""
        with self.engine.begin() as connection:
            return self._draw(connection, login)

    def recovery_left(self, login: str) -> int:
        """Return how many recovery codes are not used yet."""
        query = select(func.count()).select_from(recovery)
        query = query.where(recovery.c.login == login, recovery.c.used_at == "")
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def forget(self, login: str) -> None:
        """Ask for none any more: secret and recovery codes are destroyed."""
        with self.engine.begin() as connection:
            self._forget(connection, login)

    # How ------------------------------------------------------------------------------

    def _forget(self, connection: Connection, login: str) -> None:
        self.vault.erase(connection, _subject(login))
        connection.execute(delete(factor).where(factor.c.login == login))
        connection.execute(delete(recovery).where(recovery.c.login == login))

    def _secret(self, connection: Connection, login: str) -> bytes:
        place = (_subject(login), FIELD)
        found = self.vault.opened(connection, [place[0]]).get(place)
        return base64.b32decode(found.value) if found else b""

    def _take(self, connection: Connection, login: str, code: str) -> bool:
        """Take a code of the device; whoever is second with the same one loses the race."""
        key = self._secret(connection, login)
        if not key:
            raise Closed(self.vault.file)
        step = step_of(key, code, self.clock())
        if step is None:
            return False
        newer = update(factor).where(factor.c.login == login, factor.c.last_step < step)
        return connection.execute(newer.values(last_step=step)).rowcount == 1

    def _recover(self, connection: Connection, login: str, code: str) -> bool:
        typed = code.replace("-", "").replace(" ", "").upper()
        mine = (recovery.c.code_sha256 == hashed(typed)) & (recovery.c.login == login)
        used = update(recovery).where(mine, recovery.c.used_at == "")
        return connection.execute(used.values(used_at=stamp(self.clock()))).rowcount == 1

    def _draw(self, connection: Connection, login: str) -> tuple[str, ...]:
        codes = [_typed(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
        connection.execute(delete(recovery).where(recovery.c.login == login))
        rows = [{"code_sha256": hashed(code), "login": login, "used_at": ""} for code in codes]
        connection.execute(insert(recovery), rows)
        return tuple("-".join(code[n : n + 4] for n in range(0, len(code), 4)) for code in codes)


def totp(key: bytes, at: datetime, digits: int = DIGITS) -> str:
    """Return the code of a time (RFC 6238, SHA-1, steps of 30 seconds)."""
    return _code(key, int(at.timestamp()) // STEP_SECONDS, digits)


def step_of(key: bytes, code: str, at: datetime) -> int | None:
    """Return the step of the clock whose code this is, one early or late included; else None."""
    typed = code.replace(" ", "").encode()
    now = int(at.timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if compare_digest(_code(key, step).encode(), typed):
            found = step
    return found


def uri(login: str, key: bytes) -> str:
    """Return the address that authenticator apps read (otpauth://totp/…)."""
    said = {"secret": _typed(key), "issuer": ISSUER, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{ISSUER}:{quote(login, safe='')}?{urlencode(said)}"


def _code(key: bytes, step: int, digits: int = DIGITS) -> str:
    return HOTP(key, digits, SHA1()).generate(step).decode()


def _typed(key: bytes) -> str:
    return base64.b32encode(key).decode().rstrip("=")


def _subject(login: str) -> str:
    """Return whose key it is in the vault: no id of a person looks like it."""
    return f"login/{sha256(login.encode()).hexdigest()[:40]}"
