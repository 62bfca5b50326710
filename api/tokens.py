"""Tokens for programs: `lgr_<id>_<secret>`, shown once, of which the hash is kept.

A token is its owner in what they may do today, narrowed to what it was made for (its scopes) and
to ninety days at most. It never signs in to pages, and makes no further tokens.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Engine, String, Table, insert, select, update

from api.hashing import hashed, stamp
from api.remembering import Remembered
from api.vaulting import metadata
from domain.words import Term, Words

DAYS_MAX: Final = 90
PER_LOGIN_MAX: Final = 50  # that still hold
NAME_CHARS_MAX: Final = 80
PREFIX: Final = "lgr"
USED_EVERY: Final = timedelta(minutes=1)  # how exactly the last use is kept: a write a minute
ID_CHARS: Final = "0123456789abcdefghjkmnpqrstvwxyz"

token_ = Table(
    "account_token",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", String(80), nullable=False, index=True),
    Column("secret_sha256", String(64), nullable=False),
    Column("name", String(NAME_CHARS_MAX), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("until", String(32), nullable=False),
    Column("used_at", String(32), nullable=False),
    Column("revoked_at", String(32), nullable=False),
)


class Scope(Term):
    """What a token is for."""

    READ = "read", "查阅", "read"
    WRITE = "write", "办理", "record"
    EXPORT = "export", "导出", "export"
    FEED = "feed", "事件流", "event feed"
    AUDIT = "audit", "审计接口", "audit interface"
    ACCOUNTS = "accounts", "账号管理", "administer log-ins"


EXPORTED: Final = (".csv", ".xlsx", ".xml", ".zip", ".pdf", ".jsonl", ".txt")
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def scope_of(method: str, path: str) -> Scope:
    """Return what a request must be allowed: told from its method and path alone."""
    if path.startswith("/api/v1/accounts"):
        return Scope.ACCOUNTS
    if path.startswith("/audit/"):
        return Scope.AUDIT
    if path.startswith("/api/v1/feed"):
        return Scope.FEED
    if method not in SAFE:
        return Scope.WRITE
    if path.endswith(EXPORTED) or "/export" in path:
        return Scope.EXPORT
    return Scope.READ


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as its owner and the administrators see it: never its secret."""

    id: str
    login: str
    name: str
    scopes: tuple[str, ...]
    made_at: str
    until: str
    used_at: str = ""
    revoked_at: str = ""

    @property
    def words(self) -> tuple[Words, ...]:
        """Return what it is for, in words."""
        return tuple(Scope(scope).words for scope in self.scopes)


class NotMade(ValueError):
    """A token that cannot be made, and why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Tokens:
    """The tokens of one installation. Threads may share it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine, self.clock = engine, clock
        self._known: Remembered[str, Any] = Remembered()

    def make(self, login: str, name: str, scopes: Iterable[str], days: int) -> tuple[str, Token]:
        """Make a token; return it whole, this once, and as it is listed. Raise NotMade."""
        asked = tuple(scope for scope in Scope if scope.value in set(scopes))
        if not asked:
            raise NotMade(
                "请至少选择一项用途。", "Choose at least one thing that the token is for."
            )
        if not 1 <= days <= DAYS_MAX:
            raise NotMade(
                f"有效期为 1 至 {DAYS_MAX} 天。", f"A token is good for 1 to {DAYS_MAX} days."
            )
        name = name.strip()
        if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
            raise NotMade(
                f"请写明令牌用在哪里，至多 {NAME_CHARS_MAX} 个字符。",
                f"Say where the token is used, in at most {NAME_CHARS_MAX} characters.",
            )
        now = self.clock()
        secret = secrets.token_urlsafe(32).replace("_", "-")  # it is cut at the underscores
        made = Token(
            id="".join(secrets.choice(ID_CHARS) for _ in range(12)),
            login=login,
            name=name,
            scopes=tuple(scope.value for scope in asked),
            made_at=stamp(now),
            until=stamp(now + timedelta(days=days)),
        )
        with self.engine.begin() as connection:
            if len(self._holding(connection, login)) >= PER_LOGIN_MAX:
                raise NotMade(
                    f"一个账号至多有 {PER_LOGIN_MAX} 个有效令牌；请先撤销不用的。",
                    f"A log-in has at most {PER_LOGIN_MAX} tokens; revoke what is not used.",
                )
            row = msgspec.structs.asdict(made) | {
                "scopes": " ".join(made.scopes),
                "secret_sha256": hashed(secret),
            }
            connection.execute(insert(token_).values(row))
        return f"{PREFIX}_{made.id}_{secret}", made

    def find(
        self, presented: str, before_writing: Callable[[], None] | None = None
    ) -> Token | None:
        """Return the token that was presented; None when unknown, revoked or over.

        That it was used is written down; whoever holds the turn to write lets go of it in
        `before_writing`.
        """
        prefix, _, rest = presented.partition("_")
        id_, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        row = self._known.get(id_, self._row)
        now = self.clock()
        if row is None or not compare_digest(row.secret_sha256, hashed(secret)):
            return None
        if row.revoked_at or row.until <= stamp(now):
            return None
        if row.used_at <= stamp(now - USED_EVERY):
            if before_writing is not None:
                before_writing()
            self._change(token_.c.id == id_, used_at=stamp(now))
        return _token(row)

    def of(self, login: str) -> list[Token]:
        """Return the tokens of a log-in, the latest first, those that ended too."""
        query = select(token_).where(token_.c.login == login).order_by(token_.c.made_at.desc())
        with self.engine.connect() as connection:
            return [_token(row) for row in connection.execute(query)]

    def all(self) -> list[Token]:
        """Return every token that still holds, the latest first."""
        with self.engine.connect() as connection:
            return self._holding(connection)

    def revoke(self, id_: str, login: str = "") -> bool:
        """End a token, of this log-in when one is said; tell whether there was one to end."""
        mine = (token_.c.id == id_) & (token_.c.revoked_at == "")
        if login:
            mine &= token_.c.login == login
        return self._change(mine, revoked_at=stamp(self.clock())) == 1

    def revoke_all(self, login: str) -> int:
        """End every token of a log-in; return how many there were."""
        mine = (token_.c.login == login) & (token_.c.revoked_at == "")
        return self._change(mine, revoked_at=stamp(self.clock()))

    def _row(self, id_: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(token_).where(token_.c.id == id_)).first()

    def _holding(self, connection: Connection, login: str = "") -> list[Token]:
        query = select(token_).where(
            token_.c.revoked_at == "", token_.c.until > stamp(self.clock())
        )
        if login:
            query = query.where(token_.c.login == login)
        return [_token(r) for r in connection.execute(query.order_by(token_.c.made_at.desc()))]

    def _change(self, which: Any, **values: str) -> int:
        with self.engine.begin() as connection:
            changed = connection.execute(update(token_).where(which).values(values)).rowcount
        self._known.forget()
        return changed


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        login=row.login,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        made_at=row.made_at,
        until=row.until,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
