"""Who may sign in, in which unit and roles, and what people are called: outside the log.

The log knows people by id alone. Names live here, so that they can be erased (T09) while every
entry stays what it was. The tables share the ledger's database and never its events.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    String,
    Table,
    and_,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from api.hashing import hashed, stamp
from api.remembering import Remembered
from api.second_factor import SecondFactors
from api.tokens import Tokens
from api.vaulting import Closed, Vault, file_of, key_, metadata, take_turn, value_
from domain.words import Term, Words
from ledger.vault import Sealed

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
SEEN_EVERY = timedelta(seconds=60)  # how exactly idleness is measured: a write a minute, no more
UNFINISHED = timedelta(minutes=10)  # so long a password waits for its second factor
DIRECTORY_SECONDS = 10.0  # how long a name given by another process may stay out of a list
WINDOW = timedelta(minutes=15)
TRIES_PER_LOGIN = 5
TRIES_PER_ADDRESS = 30
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 8, 200
DEVICE_CHARS_MAX = 200
MARK_CHARS = 16  # of the hash of a session's id: enough to name one of a person's
SUBJECTS_AT_ONCE = 500  # a statement holds so many

account = Table(
    "account_login",
    metadata,
    Column("login", String(80), primary_key=True),
    Column("password", String(200), nullable=False),
    Column("person", String(80), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("locale", String(8), nullable=False),
    Column("disabled", Boolean, nullable=False),
)
person_ = Table(
    "account_person",
    metadata,
    Column("person", String(80), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("erased_at", String(32), nullable=False),
)
session_ = Table(
    "account_presence",
    metadata,
    Column("id_sha256", String(64), primary_key=True),
    Column("login", String(80), nullable=False, index=True),
    Column("post", String(250), nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("seen_at", String(32), nullable=False),
    Column("stage", String(16), nullable=False),  # empty: signed in
    Column("proven_at", String(32), nullable=False),  # when a password or code was last given
    Column("device", String(DEVICE_CHARS_MAX), nullable=False),
    Column("address", String(80), nullable=False),
    # Of whoever a provider let in: hashes of whom it calls them and of its own session with them.
    Column("subject_sha256", String(64), nullable=False, index=True),
    Column("sid_sha256", String(64), nullable=False, index=True),
)
one_time = Table(  # log-ins whose password somebody else knows: it opens nothing but its change
    "account_one_time",
    metadata,
    Column("login", String(80), primary_key=True),
)
failure = Table(
    "account_failure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", String(100), nullable=False),
    Column("at", String(32), nullable=False),
    Index("account_failure_what", "what", "at"),
)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody acts as: a role of a unit, perhaps in the stead of who delegated it."""

    unit: str
    role: str
    behalf: str = ""

    @property
    def slug(self) -> str:
        """Return it in one word: `head@o_fin`, `head@o_fin:u_chen` in the stead of u_chen."""
        return f"{self.role}@{self.unit}" + (f":{self.behalf}" if self.behalf else "")

    @classmethod
    def read(cls, slug: str) -> Self:
        """Return the post that a word means; a role alone leaves the unit open."""
        role, _, rest = slug.partition("@")
        unit, _, behalf = rest.partition(":")
        return cls(unit=unit, role=role, behalf=behalf)

    def chosen(self, posts: Sequence[Post]) -> Post | None:
        """Return which of these is meant: the first that fits, or None."""
        return next(
            (
                p
                for p in posts
                if (p.role, p.behalf) == (self.role, self.behalf) and self.unit in ("", p.unit)
            ),
            None,
        )


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One log-in: the person behind it, the unit and the roles it was opened with."""

    login: str
    person: str
    unit: str
    roles: tuple[str, ...]
    locale: str = "zh"

    @property
    def posts(self) -> tuple[Post, ...]:
        """Return what it was opened with as posts; the ledger may have said more since."""
        return tuple(Post(unit=self.unit, role=role) for role in self.roles)


class Stage(Term):
    """What is still missing before somebody is signed in."""

    CODE = "code", "验证码", "code"
    NEW_PASSWORD = "new_password", "修改密码", "new password"
    NEW_FACTOR = "new_factor", "设置第二因素", "set up a second factor"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in account and what it acts as now, as far as it still may."""

    account: Account
    post: Post
    proven_at: str = ""
    started_at: str = ""

    @property
    def proven_again(self) -> bool:
        """Tell whether they gave password or code again since they signed in."""
        return self.proven_at > self.started_at


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One session as its owner and the administrators see it."""

    mark: str
    login: str
    post: Post
    started_at: str
    seen_at: str
    device: str
    address: str


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a provider of identities let in, as hashes: its name of them, its session with them."""

    subject: str = ""
    sid: str = ""


LOCAL: Final = Vouched()


class TooManyTries(Exception):
    """Too many wrong passwords or codes for a log-in or from an address.

    `minutes` says how long to wait.
    """

    def __init__(self, minutes: int) -> None:
        super().__init__(f"wait {minutes} minutes")
        self.minutes = minutes

    @property
    def zh(self) -> str:
        return f"密码或验证码错误次数过多，请 {self.minutes} 分钟后再试，或请系统管理员重设密码。"

    @property
    def en(self) -> str:
        return (
            f"Too many wrong passwords or codes. Wait {self.minutes} minutes, "
            "or ask the system administrator for a new password."
        )


class Accounts:
    """The log-ins, sessions and names of one installation."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], vault: Vault) -> None:
        self.engine, self.clock, self.vault = engine, clock, vault
        self.factors, self.tokens = SecondFactors(engine, clock, vault), Tokens(engine, clock)
        self._hasher = PasswordHasher()  # Argon2id, RFC 9106 low-memory profile
        self._nobody = ""
        # A second old at most, and never older than what this process changed.
        self._accounts: Remembered[str, Account | None] = Remembered()
        self._sessions: Remembered[str, Any] = Remembered()
        self._proofs: Remembered[str, str] = Remembered()
        self._people: Remembered[str, Any] = Remembered()
        self._directory: Remembered[str, Mapping[str, str]] = Remembered(seconds=DIRECTORY_SECONDS)

    @classmethod
    def open(
        cls, url: str, *, clock: Callable[[], datetime] | None = None, vault: Path | None = None
    ) -> Self:
        """Open the tables at `sqlite:///FILE` or `postgresql://…`, creating them when absent.

        `vault` is the file of the master key of names, where it is not where `file_of` says.
        """
        engine = engine_of(url)
        metadata.create_all(engine)
        with engine.begin() as connection:
            _without_statistics(connection)
            # Sessions of earlier releases knew less; whoever had one signs in again.
            for former in ("account_session", "account_acting", "account_sitting"):
                connection.execute(text(f"DROP TABLE IF EXISTS {former}"))
            kept = Vault(vault or file_of(url))
            _move_names(connection, kept)
        opened = cls(engine, clock or (lambda: datetime.now(UTC)), kept)
        if kept.settle(engine):
            opened.scrub()
        return opened

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # Accounts ----------------------------------------------------------------

    def create(
        self,
        login: str,
        password: str,
        person: str,
        name: str,
        unit: str,
        roles: Iterable[str],
        locale: str = "zh",
        *,
        name_en: str = "",
    ) -> Account:
        """Open a log-in for a person of a unit; the first role is the one acted in at sign-in.

        Raise ValueError when the log-in is taken or the password shorter than eight characters.
        """
        fits_password(password)
        new = Account(
            login=login.casefold(), person=person, unit=unit, roles=tuple(roles), locale=locale
        )
        values = {
            "login": new.login,
            "password": self._hasher.hash(password),
            "person": person,
            "unit": unit,
            "roles": " ".join(new.roles),
            "locale": locale,
            "disabled": False,
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(account).values(values))
                self._name(connection, person, name, name_en)
        except IntegrityError:
            raise ValueError(f"{login}: this log-in exists already") from None
        self._accounts.forget()
        self._forget_names()
        return new

    def check(self, login: str, password: str, address: str = "") -> Account | None:
        """Return the account when the password is right, else None; raise TooManyTries.

        Wrong tries are counted per log-in and per address over a quarter of an hour. An unknown
        log-in costs as much time as a known one.
        """
        login = login.strip().casefold()[:80]
        self.refuse_flood(login, address)
        with self.engine.connect() as connection:
            row = connection.execute(select(account).where(account.c.login == login)).first()
        self._nobody = self._nobody or self._hasher.hash(secrets.token_hex())
        try:
            self._hasher.verify(row.password if row else self._nobody, password)
        except VerificationError:
            row = None
        if row is None or row.disabled:
            self.note_failure(login, address)
            return None
        self.forgive(login)
        return account_of(row)

    def all(self) -> list[Account]:
        """Return every enabled log-in, by name."""
        query = select(account).where(account.c.disabled.is_(False)).order_by(account.c.login)
        with self.engine.connect() as connection:
            return [account_of(row) for row in connection.execute(query)]

    def taken(self, login: str) -> bool:
        """Tell whether a log-in exists or existed; a closed one is not used again."""
        query = select(account.c.login).where(account.c.login == login.casefold())
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def find(self, login: str) -> Account | None:
        """Return an enabled account by its log-in."""
        return self._accounts.get(login, self._found)

    def _found(self, login: str) -> Account | None:
        query = select(account).where(account.c.login == login, account.c.disabled.is_(False))
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return account_of(row) if row else None

    def everybody(self) -> list[tuple[Account, bool]]:
        """Return every log-in there ever was, by name, and whether it is closed."""
        query = select(account).order_by(account.c.login)
        with self.engine.connect() as connection:
            return [(account_of(row), row.disabled) for row in connection.execute(query)]

    def disable(self, login: str) -> None:
        """Close a log-in and end all its sessions and tokens at once."""
        login = login.casefold()
        with self.engine.begin() as connection:
            connection.execute(
                update(account).where(account.c.login == login).values(disabled=True)
            )
            connection.execute(delete(session_).where(session_.c.login == login))
        self.tokens.revoke_all(login)
        self._accounts.forget()
        self._sessions.forget()

    def enable(self, login: str) -> None:
        """Open a closed log-in again; its sessions and tokens stay ended."""
        with self.engine.begin() as connection:
            connection.execute(
                update(account).where(account.c.login == login.casefold()).values(disabled=False)
            )
        self._accounts.forget()

    # Passwords ---------------------------------------------------------------

    def set_password(self, login: str, password: str, *, keep: str = "") -> None:
        """Take another password, known to its owner alone; end all sessions but `keep` (its id).

        Raise ValueError when it is too short or too long.
        """
        self._write_password(login, password, keep=keep)
        with self.engine.begin() as connection:
            connection.execute(delete(one_time).where(one_time.c.login == login))
        self._proofs.forget()

    def reset_password(self, login: str) -> str:
        """Give a one-time password, to be told once: it opens nothing but its own change.

        All sessions end; tokens and second factor stay.
        """
        password = self.drawn_password()
        self.mark_one_time(login)
        self._write_password(login, password)
        self.forgive(login)
        return password

    def drawn_password(self) -> str:
        """Return a password that nobody has: 80 bits, easily read out."""
        return "-".join(secrets.token_hex(2) for _ in range(5))

    def mark_one_time(self, login: str) -> None:
        """Let the password of a log-in open nothing but its own change."""
        with self.engine.begin() as connection:
            connection.execute(delete(one_time).where(one_time.c.login == login))
            connection.execute(insert(one_time).values(login=login))
        self._proofs.forget()

    def one_time(self) -> frozenset[str]:
        """Return the log-ins whose password must be changed first."""
        with self.engine.connect() as connection:
            return frozenset(row.login for row in connection.execute(select(one_time)))

    def must_change(self, login: str) -> bool:
        """Tell whether somebody else knows the password, so that it must be changed first."""
        query = select(one_time.c.login).where(one_time.c.login == login)
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def confirm_factor(self, login: str, code: str, address: str = "") -> tuple[str, ...]:
        """Ask for a second factor from now on, if its first code is right; raise TooManyTries.

        Return the recovery codes to show once, or nothing.
        """
        self.refuse_flood(f"code {login}", address)
        codes = self.factors.confirm(login, code)
        if codes:
            self._proofs.forget()
        else:
            self.note_failure(f"code {login}", address)
        return codes

    def forget_factor(self, login: str) -> None:
        """Ask for no second factor any more, until another is set up."""
        self.factors.forget(login)
        self._proofs.forget()

    def is_password(self, login: str, password: str) -> bool:
        """Tell whether this is the password of a log-in now."""
        query = select(account.c.password).where(account.c.login == login)
        with self.engine.connect() as connection:
            stored = connection.execute(query).scalar()
        try:
            return stored is not None and self._hasher.verify(stored, password)
        except VerificationError:
            return False

    def standing(self, login: str) -> str:
        """Return a text that changes with the password and the second factor of a log-in.

        Whoever remembers that a password was right remembers this beside it.
        """
        return self._proofs.get(login, self._standing)

    def _standing(self, login: str) -> str:
        query = select(account.c.password).where(account.c.login == login)
        with self.engine.connect() as connection:
            stored = connection.execute(query).scalar() or ""
        return hashed(f"{stored} {self.factors.since(login)} {self.must_change(login)}")

    def _write_password(self, login: str, password: str, *, keep: str = "") -> None:
        fits_password(password)
        hashed_ = self._hasher.hash(password)
        others = (session_.c.login == login) & (session_.c.id_sha256 != hashed(keep))
        with self.engine.begin() as connection:
            connection.execute(
                update(account).where(account.c.login == login).values(password=hashed_)
            )
            connection.execute(delete(session_).where(others))
        self._sessions.forget()
        self._proofs.forget()

    def passes(self, login: str, code: str, address: str = "") -> bool:
        """Tell whether a code of the second factor is right, and take it; raise TooManyTries.

        Wrong codes are counted apart from wrong passwords: a right password forgives none.
        """
        self.refuse_flood(f"code {login}", address)
        if not self.factors.passes(login, code):
            self.note_failure(f"code {login}", address)
            return False
        self.forgive(f"code {login}")
        return True

    def refuse_flood(self, login: str, address: str) -> None:
        """Raise TooManyTries when a log-in or an address has failed too often of late."""
        now = self.clock()
        since = stamp(now - WINDOW)
        for what, most in (
            (f"login {login}", TRIES_PER_LOGIN),
            (f"from {address}", TRIES_PER_ADDRESS),
        ):
            query = select(func.count(), func.min(failure.c.at)).where(
                failure.c.what == what, failure.c.at > since
            )
            with self.engine.connect() as connection:
                count, first = connection.execute(query).one()
            if count >= most:
                left = datetime.fromisoformat(first) + WINDOW - now
                raise TooManyTries(max(1, -(-int(left.total_seconds()) // 60)))

    def note_failure(self, login: str, address: str) -> None:
        """Count a wrong try against the log-in and the address."""
        now = self.clock()
        rows = [{"what": f"login {login}", "at": stamp(now)}]
        rows += [{"what": f"from {address}", "at": stamp(now)}] if address else []
        with self.engine.begin() as connection:
            connection.execute(delete(failure).where(failure.c.at <= stamp(now - WINDOW)))
            connection.execute(insert(failure), rows)

    def forgive(self, login: str) -> None:
        """Forget the wrong tries of a log-in: somebody gave the right password."""
        with self.engine.begin() as connection:
            connection.execute(delete(failure).where(failure.c.what == f"login {login}"))

    # Sessions ----------------------------------------------------------------

    def sign_in(
        self,
        who: Account,
        post: Post | None = None,
        *,
        stage: str = "",
        device: str = "",
        address: str = "",
        vouched: Vouched = LOCAL,
    ) -> str:
        """Begin a session and return its secret id (256 bits); only its hash is stored.

        With a `stage` it is not signed in yet: something is still to be given within ten minutes,
        and whoever gives it begins another session.
        """
        token, now = secrets.token_urlsafe(32), stamp(self.clock())
        acting = (post or next(iter(who.posts), Post(unit=who.unit, role=""))).slug
        row = {
            "login": who.login,
            "post": acting,
            "started_at": now,
            "seen_at": now,
            "stage": stage,
            "proven_at": now,
            "device": device[:DEVICE_CHARS_MAX],
            "address": address[:80],
            "subject_sha256": vouched.subject,
            "sid_sha256": vouched.sid,
        }
        with self.engine.begin() as connection:
            old = stamp(self.clock() - ABSOLUTE)
            connection.execute(delete(session_).where(session_.c.started_at <= old))
            connection.execute(insert(session_).values(id_sha256=hashed(token), **row))
        return token

    def session(
        self, token: str, before_writing: Callable[[], None] | None = None
    ) -> Session | None:
        """Return who holds this session id; None when unknown, idle 30 minutes or 12 hours old.

        That they were seen is written down now and then; whoever holds the turn to write lets go
        of it in `before_writing`.
        """
        row = self._live(token)
        if row is None or row.stage:
            return None
        now = self.clock()
        if row.seen_at <= stamp(now - SEEN_EVERY):
            if before_writing is not None:
                before_writing()
            self._change(token, seen_at=stamp(now))
        return Session(
            account=account_of(row),
            post=Post.read(row.post),
            proven_at=row.proven_at,
            started_at=row.started_at,
        )

    def unfinished(self, token: str) -> tuple[Account, Stage] | None:
        """Return who gave their password with this session id, and what is still missing."""
        row = self._live(token)
        if row is None or not row.stage:
            return None
        return account_of(row), Stage(row.stage)

    def _live(self, token: str) -> Any:
        """Return the row of a session that is not over; end the one that is."""
        now = self.clock()
        row = self._sessions.get(hashed(token), self._session)
        if row is None:
            return None
        age = UNFINISHED if row.stage else ABSOLUTE
        if row.started_at <= stamp(now - age) or row.seen_at <= stamp(now - IDLE):
            self.sign_out(token)
            return None
        return row

    def _session(self, id_sha256: str) -> Any:
        query = (
            select(session_, account)
            .join(account, account.c.login == session_.c.login)
            .where(session_.c.id_sha256 == id_sha256, account.c.disabled.is_(False))
        )
        with self.engine.connect() as connection:
            return connection.execute(query).first()

    def switch(self, token: str, post: Post) -> None:
        """Act as something else from now on; whether they may is asked at every request."""
        self._change(token, post=post.slug)

    def prove(self, token: str, vouched: Vouched = LOCAL) -> None:
        """Remember that whoever sits there proved just now who they are.

        Where a provider vouched anew for them (`vouched`), its session with them is another.
        """
        anew = {"subject_sha256": vouched.subject, "sid_sha256": vouched.sid}
        self._change(token, proven_at=stamp(self.clock()), **(anew if vouched.subject else {}))

    def sign_out(self, token: str) -> None:
        """End one session."""
        with self.engine.begin() as connection:
            connection.execute(delete(session_).where(session_.c.id_sha256 == hashed(token)))
        self._sessions.forget()

    def sittings(self, login: str = "") -> list[Sitting]:
        """Return the sessions that go on, of a log-in or of all, the last seen first."""
        now = self.clock()
        query = select(session_).where(
            session_.c.stage == "",
            session_.c.started_at > stamp(now - ABSOLUTE),
            session_.c.seen_at > stamp(now - IDLE),
        )
        if login:
            query = query.where(session_.c.login == login)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(session_.c.seen_at.desc())).all()
        return [
            Sitting(
                mark=row.id_sha256[:MARK_CHARS],
                login=row.login,
                post=Post.read(row.post),
                started_at=row.started_at,
                seen_at=row.seen_at,
                device=row.device,
                address=row.address,
            )
            for row in rows
        ]

    def end_sitting(self, login: str, mark: str) -> int:
        """End one session of a log-in by its mark; return how many ended."""
        which = (session_.c.login == login) & session_.c.id_sha256.startswith(mark, autoescape=True)
        return self._end(which) if len(mark) == MARK_CHARS else 0

    def end_sittings(self, login: str, *, keep: str = "") -> int:
        """End all sessions of a log-in but `keep` (its id); return how many ended."""
        return self._end((session_.c.login == login) & (session_.c.id_sha256 != hashed(keep)))

    def vouched(self, token: str) -> Vouched:
        """Return by whose word a session was begun that is not over."""
        row = self._live(token)
        if row is None:
            return LOCAL
        return Vouched(subject=row.subject_sha256, sid=row.sid_sha256)

    def end_vouched(self, gone: Vouched) -> int:
        """End what a provider let in and says is over: one session of its own, or all of a person.

        A session of which it told us no name is any of that person's. Return how many ended.
        """
        c = session_.c
        which = [c.subject_sha256 == gone.subject] if gone.subject else []
        if gone.sid:
            which.append(c.sid_sha256.in_((gone.sid, "") if gone.subject else (gone.sid,)))
        return self._end(and_(*which)) if which else 0

    def _end(self, which: Any) -> int:
        with self.engine.begin() as connection:
            ended = connection.execute(delete(session_).where(which)).rowcount
        self._sessions.forget()
        return ended

    def _change(self, token: str, **values: str) -> None:
        query = update(session_).where(session_.c.id_sha256 == hashed(token)).values(values)
        with self.engine.begin() as connection:
            connection.execute(query)
        self._sessions.forget()

    # People ------------------------------------------------------------------

    def introduce(self, person: str, name: str, name_en: str = "") -> None:
        """Say what a person is called; a later name replaces the earlier one.

        Only what is sealed is written: no byte of a name ever reaches the database. Raise
        `vaulting.Closed` when the master key is not there.
        """
        with self.engine.begin() as connection:
            self._name(connection, person, name, name_en)
        self._forget_names()

    def _name(self, connection: Connection, person: str, name: str, name_en: str) -> None:
        values = {"name": "", "name_en": "", "erased_at": ""}
        take_turn(connection)
        known = connection.execute(update(person_).where(person_.c.person == person).values(values))
        if known.rowcount == 0:
            connection.execute(insert(person_).values(person=person, **values))
        self.vault.keep(connection, person, {"name": name, "name_en": name_en})

    def erase(self, person: str) -> None:
        """Forget what a person was called: key and values go; the log keeps only the id (T09)."""
        values = {"name": "", "name_en": "", "erased_at": stamp(self.clock())}
        with self.engine.begin() as connection:
            self.vault.erase(connection, person)
            connection.execute(update(person_).where(person_.c.person == person).values(values))
        self._forget_names()
        self.scrub()

    def _forget_names(self) -> None:
        self._people.forget()
        self._directory.forget()

    @property
    def closed(self) -> Words | None:
        """Say why names do not open, when some do not for want of the master key."""
        with self.engine.connect() as connection:
            total, opened = self.vault.standing(connection)
        return Closed(self.vault.file).words if opened < total else None

    def rotate(self, cipher: str = "") -> int:
        """Wrap the key of everybody under a new master key; return how many there are."""
        count = self.vault.rotate(self.engine, cipher)
        self.scrub()
        return count

    def renew(self) -> int:
        """Begin again after the master key was lost; return how many people lost their names."""
        count = self.vault.renew(self.engine)
        self._forget_names()
        self.scrub()
        return count

    def scrub(self) -> None:
        """Let the database write over what was deleted, as far as it can be made to.

        SQLite overwrites pages and empties what it wrote ahead. PostgreSQL makes the tables anew;
        what it wrote ahead (WAL, and copies of it) holds destroyed keys until it is used again.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.engine.dialect.name == "sqlite":
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            else:
                # Whoever reads for long is not waited for: the next erasure, or the server, does it.
                with suppress(OperationalError):
                    connection.execute(text("SET lock_timeout = '2s'"))
                    for column in (key_.c.key, value_.c.sealed):
                        connection.execute(text(_written_anew(column)))
                connection.execute(text("RESET lock_timeout"))

    def opening(self, person: str, field: str = "name") -> Sealed | None:
        """Return a value with the key of its commitment; None when it is erased or unknown."""
        with self.engine.connect() as connection:
            return self.vault.opened(connection, [person]).get((person, field))

    def bound_name(self, person: str) -> str:
        """Return the commitment to what a person is called, for an entry; '' when nobody said."""
        known = self.opening(person)
        if known is None:
            return ""
        with self.engine.connect() as connection:
            found = self.vault.bound(connection, person, known.value)
        if found:
            return found
        with self.engine.begin() as connection:
            return self.vault.bind(connection, person, known.value)

    def opens(self, person: str, commitment: str) -> Sealed | None:
        """Return the name that an entry committed to, and the key; None when it is erased."""
        with self.engine.connect() as connection:
            return self.vault.opening(connection, person, commitment)

    def name_of(self, person: str, lang: str = "zh") -> str:
        """Return what a person is called; the id when nobody said, a remark when it was erased."""
        row = self._people.get(person, self._person)
        return named(row, lang) if row else person

    def _person(self, person: str) -> Any:
        with self.engine.connect() as connection:
            row = connection.execute(select(person_).where(person_.c.person == person)).first()
            return self._known(connection, [row])[0] if row else None

    def names(self, lang: str, persons: Iterable[str] | None = None) -> Mapping[str, str]:
        """Return the names of the given persons, or of all who still have one."""
        query = select(person_)
        if persons is None:
            query = query.where(person_.c.erased_at == "").order_by(person_.c.person)
        else:
            query = query.where(person_.c.person.in_(list(persons)))
        with self.engine.connect() as connection:
            rows = self._known(connection, connection.execute(query).all())
        return {row.person: named(row, lang) for row in rows}

    def directory(self, lang: str) -> Mapping[str, str]:
        """Return the names of all who still have one, some seconds old at most.

        Whoever types into a search asks for all of them at every letter, every form offers them,
        and each has to be opened. What this process changes is seen at once.
        """
        return self._directory.get(lang, self.names)

    def _known(self, connection: Connection, rows: Sequence[Any]) -> list[Known]:
        found: dict[tuple[str, str], Sealed] = {}
        for start in range(0, len(rows), SUBJECTS_AT_ONCE):
            page = [row.person for row in rows[start : start + SUBJECTS_AT_ONCE]]
            found |= self.vault.opened(connection, page, ("name", "name_en"))

        def value(person: str, field: str) -> str:
            kept = found.get((person, field))
            return kept.value if kept else ""

        return [
            Known(r.person, value(r.person, "name"), value(r.person, "name_en"), r.erased_at)
            for r in rows
        ]


class Known(msgspec.Struct, frozen=True):
    """A person of the directory, with the names that the vault opened."""

    person: str
    name: str
    name_en: str
    erased_at: str


def _without_statistics(connection: Connection) -> None:
    """Let PostgreSQL take no samples of sealed columns: it keeps them where no erasure comes."""
    if connection.dialect.name != "postgresql":
        return
    for column in (key_.c.key, value_.c.sealed):
        table, name = column.table.name, column.name
        sampled = text(
            "SELECT attstattarget IS DISTINCT FROM 0 FROM pg_attribute"
            " WHERE attrelid = to_regclass(:table) AND attname = :name"
        )
        if connection.execute(sampled, {"table": table, "name": name}).scalar():
            connection.execute(text(f"ALTER TABLE {table} ALTER COLUMN {name} SET STATISTICS 0"))


def _written_anew(column: Column[Any]) -> str:
    """Return the statement by which PostgreSQL writes a table anew with its living rows alone.

    VACUUM (FULL) keeps what was deleted as long as any other reader is older than the deletion,
    be it the server's own statistics of another table; a change of a column's type does not.
    """
    table, name = column.table.name, column.name
    return f"ALTER TABLE {table} ALTER COLUMN {name} TYPE bytea USING {name} || ''::bytea"


def _move_names(connection: Connection, kept: Vault) -> None:
    """Seal the names that an earlier release wrote plainly."""
    plain = connection.execute(select(person_).where(person_.c.name != "")).all()
    for row in plain:
        kept.keep(connection, row.person, {"name": row.name, "name_en": row.name_en})
        connection.execute(
            update(person_).where(person_.c.person == row.person).values(name="", name_en="")
        )


def named(row: Any, lang: str) -> str:
    """Return the name in a row of the directory."""
    if row.erased_at:
        return "（姓名已删除）" if lang == "zh" else "(name erased)"
    return (row.name_en if lang == "en" else "") or row.name or row.person


def account_of(row: Any) -> Account:
    """Read an account from its row."""
    return Account(
        login=row.login,
        person=row.person,
        unit=row.unit,
        roles=tuple(row.roles.split()),
        locale=row.locale,
    )


def mark_of(token: str) -> str:
    """Return the mark by which a session is named."""
    return hashed(token)[:MARK_CHARS]


def fits_password(password: str) -> None:
    """Raise ValueError for what is no password."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise ValueError(f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")


def engine_of(url: str) -> Engine:
    """Return an engine that waits its turn when the ledger is writing."""
    if not url.startswith("sqlite:"):
        scheme, rest = url.split(":", 1)
        driver = "postgresql+psycopg" if scheme in ("postgres", "postgresql") else scheme
        return create_engine(f"{driver}:{rest}", pool_size=2, max_overflow=8, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA busy_timeout=10000")
        # A name that is forgotten must not stay readable in the file's free pages.
        connection.execute("PRAGMA secure_delete=ON")

    return engine
