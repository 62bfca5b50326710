"""The vault in its tables: keys of persons wrapped under the master key, and what they seal.

The tables lie in the ledger's database, the master key in a file outside. Whoever has the one
without the other opens nothing. A vault whose file is away still lets the ledger be read and
verified: people are then called by their ids, and nobody new is named.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from ledger import vault
from ledger.notes import Unproven
from ledger.vault import ID_BYTES, KEY_BYTES, Master, Sealed

logger = logging.getLogger(__name__)
IN_ENVIRONMENT = "GONGWU_VAULT"
FILE, SUFFIX = "gongwu.vault-key", ".vault-key"
BOUND = "bound:"  # values that an entry commits to stay under the beginning of the commitment
BOUND_CHARS = 32

metadata = MetaData()
key_ = Table(
    "vault_key",
    metadata,
    Column("subject", String(80), primary_key=True),
    Column("key", LargeBinary, nullable=False),  # wrapped; 32 bytes are a plain one of before
)
value_ = Table(
    "vault_value",
    metadata,
    Column("subject", String(80), primary_key=True),
    Column("field", String(40), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


class Closed(Unproven):
    """The master key that wraps the keys of this database is not there."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"姓名保管库的主密钥不在 {file}（环境变量 {IN_ENVIRONMENT}）：姓名打不开，也不能登记新姓名。"
            "请放回主密钥文件；若确已丢失，运行 gongwu vault renew。",
            f"The master key of the vault is not at {file} ({IN_ENVIRONMENT}): no name opens, and no"
            " new one is kept. Put the file back; if it is lost for ever, run gongwu vault renew.",
        )


def file_of(url: str) -> Path:
    """Return where the master key lies: where it is said, else beside a SQLite file, or here."""
    said = os.environ.get(IN_ENVIRONMENT)
    if said:
        return Path(said)
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///")).with_suffix(SUFFIX)
    return Path(FILE)


class Vault:
    """The sealed values of one database, and the file of its master key. Threads may share it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[bytes, Master] = {}
        self._read: tuple[int, int, int] | None = None
        self._busy = threading.Lock()

    # Keys -----------------------------------------------------------------------------

    def _masters(self) -> dict[bytes, Master]:
        """Return the keys of the file by id, read again when it was changed; the first is in use."""
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return {}
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        with self._busy:
            if state != self._read:
                self._known = {m.id: m for m in vault.masters(self.file)}
                self._read = state
            return self._known

    def _in_use(self, connection: Connection) -> Master:
        """Return the master key to wrap with; draw it when nothing was ever wrapped here.

        The caller holds the turn: a rotation is over, or has not begun.
        """
        known = self._masters()
        strangers = select(key_.c.subject).where(self._not_under(known)).limit(1)
        if known and not any(True for _ in connection.execute(strangers)):
            return next(iter(known.values()))
        if known or connection.execute(strangers).first() is not None:
            raise Closed(self.file)
        vault.keep_masters(self.file, [vault.draw()], new=True)
        return next(iter(self._masters().values()))

    def _not_under(self, known: Iterable[bytes]) -> Any:
        """Return the condition for keys that are wrapped, and by none of these."""
        return (func.length(key_.c.key) > KEY_BYTES) & func.substr(key_.c.key, 1, ID_BYTES).not_in(
            list(known)
        )

    def _key(
        self, subject: str, stored: bytes, masters: Mapping[bytes, Master] | None = None
    ) -> bytes:
        if len(stored) == KEY_BYTES:
            return stored  # of an earlier release, until it is wrapped
        master = (self._masters() if masters is None else masters).get(stored[:ID_BYTES])
        if master is None:
            raise Closed(self.file)
        return master.unwrap(subject, stored)

    # Values ---------------------------------------------------------------------------

    def keep(self, connection: Connection, subject: str, values: Mapping[str, str]) -> None:
        """Seal values of a subject under the key it has, or a new one; others of it stay.

        Raise Closed when the master key is not there.
        """
        take_turn(connection)
        key = self._key_for(connection, subject)
        fields = list(values)
        mine = (value_.c.subject == subject) & value_.c.field.in_(fields)
        connection.execute(delete(value_).where(mine))
        rows = [
            {"subject": subject, "field": field, "sealed": vault.seal(key, subject, field, value)}
            for field, value in values.items()
            if value
        ]
        if rows:
            connection.execute(insert(value_), rows)

    def _key_for(self, connection: Connection, subject: str) -> bytes:
        query = select(key_.c.key).where(key_.c.subject == subject)
        found = connection.execute(query).scalar()
        if found is not None:
            return self._key(subject, bytes(found))
        master = self._in_use(connection)
        key = vault.new_key(len(master.key))
        connection.execute(insert(key_).values(subject=subject, key=master.wrap(subject, key)))
        return key

    def opened(
        self, connection: Connection, subjects: Sequence[str], fields: Collection[str] = ()
    ) -> dict[tuple[str, str], Sealed]:
        """Open what is kept of subjects, by subject and field; what does not open is left out.

        Only some `fields`, where they are said.
        """
        query = (
            select(value_.c.subject, value_.c.field, value_.c.sealed, key_.c.key)
            .join(key_, key_.c.subject == value_.c.subject)
            .where(value_.c.subject.in_(subjects))
        )
        if fields:
            query = query.where(value_.c.field.in_(sorted(fields)))
        found: dict[tuple[str, str], Sealed] = {}
        masters = self._masters()
        for row in connection.execute(query):
            try:
                key = self._key(row.subject, bytes(row.key), masters)
            except Closed:
                continue
            place = (row.subject, row.field)
            found[place] = vault.unseal(key, *place, bytes(row.sealed))
        return found

    def bind(self, connection: Connection, subject: str, value: str) -> str:
        """Keep a value that an entry is to commit to, and return the commitment.

        It stays when the subject gets another name, until the subject is erased. The same value
        has one commitment, however often it is bound.
        """
        take_turn(connection)
        key = self._key_for(connection, subject)
        if found := self.bound(connection, subject, value):
            return found
        secret = vault.new_key()
        commitment = vault.committed(secret, value)
        place = f"{BOUND}{commitment[:BOUND_CHARS]}"
        sealed = vault.seal(key, subject, place, value, commitment_key=secret)
        connection.execute(insert(value_).values(subject=subject, field=place, sealed=sealed))
        return commitment

    def bound(self, connection: Connection, subject: str, value: str) -> str:
        """Return the commitment to a value that is bound; '' when it is not."""
        for (_, field), kept in self.opened(connection, [subject]).items():
            if field.startswith(BOUND) and kept.value == value:
                return kept.commitment
        return ""

    def opening(self, connection: Connection, subject: str, commitment: str) -> Sealed | None:
        """Return what opens a commitment; None when it is erased, or not of this subject."""
        place = (subject, f"{BOUND}{commitment[:BOUND_CHARS]}")
        found = self.opened(connection, [subject]).get(place)
        return found if found is not None and found.commitment == commitment else None

    def erase(self, connection: Connection, subject: str) -> None:
        """Destroy the key of a subject and all that it sealed."""
        take_turn(connection)
        connection.execute(delete(key_).where(key_.c.subject == subject))
        connection.execute(delete(value_).where(value_.c.subject == subject))

    # The file -------------------------------------------------------------------------

    def standing(self, connection: Connection) -> tuple[int, int]:
        """Return how many subjects are kept, and how many of them the file opens."""
        total = connection.execute(select(func.count()).select_from(key_)).scalar_one()
        closed = select(func.count()).select_from(key_).where(self._not_under(self._masters()))
        return total, total - connection.execute(closed).scalar_one()

    def settle(self, engine: Engine) -> bool:
        """Wrap what an earlier release left plain, and end a rotation that was cut short.

        Return whether keys were rewritten: whoever calls lets the database write over them.
        """
        known = self._masters()
        waiting = select(key_.c.subject).where(
            or_(
                func.length(key_.c.key) <= KEY_BYTES,
                func.substr(key_.c.key, 1, ID_BYTES).in_(list(known)[1:]),
            )
        )
        with engine.connect() as connection:
            some = connection.execute(waiting.limit(1)).first() is not None
        if not some and len(known) <= 1:
            return False
        try:
            with engine.begin() as connection:
                take_turn(connection, alone=True)
                master = self._in_use(connection)
                self._rewrap(connection, master)
        except Closed as why:
            logger.warning("%s", why)
            return False
        vault.keep_masters(self.file, [master])
        return some

    def rotate(self, engine: Engine, cipher: str = "") -> int:
        """Wrap every key under a new master key and destroy the old; return how many there are.

        Cut short at any point, it is ended by the next `settle`. Raise Closed when the old one is
        not there.
        """
        with engine.begin() as connection:
            take_turn(connection, alone=True)
            old = self._in_use(connection)
            fresh = vault.draw(cipher or old.cipher)
            vault.keep_masters(self.file, [fresh, *self._masters().values()])
            count = self._rewrap(connection, fresh)
        vault.keep_masters(self.file, [fresh])
        return count

    def renew(self, engine: Engine) -> int:
        """Begin again after the master key was lost: what nobody can open any more is destroyed.

        Return how many subjects lost their names.
        """
        with engine.begin() as connection:
            take_turn(connection, alone=True)
            lost = select(key_.c.subject).where(self._not_under(self._masters()))
            subjects = [row.subject for row in connection.execute(lost)]
            for subject in subjects:
                self.erase(connection, subject)
            self._in_use(connection)
        return len(subjects)

    def _rewrap(self, connection: Connection, master: Master) -> int:
        """Wrap every key of a subject anew; keys of another cipher are drawn, and values resealed."""
        rows = connection.execute(select(key_)).all()
        for row in rows:
            key = self._key(row.subject, bytes(row.key))
            if len(key) != len(master.key):
                key = self._resealed(connection, row.subject, vault.new_key(len(master.key)))
            wrapped = master.wrap(row.subject, key)
            connection.execute(
                update(key_).where(key_.c.subject == row.subject).values(key=wrapped)
            )
        return len(rows)

    def _resealed(self, connection: Connection, subject: str, key: bytes) -> bytes:
        for (_, field), kept in self.opened(connection, [subject]).items():
            sealed = vault.seal(key, subject, field, kept.value, commitment_key=kept.key)
            mine = (value_.c.subject == subject) & (value_.c.field == field)
            connection.execute(update(value_).where(mine).values(sealed=sealed))
        return key


def take_turn(connection: Connection, *, alone: bool = False) -> None:
    """Wait until nobody rewrites the keys; `alone`, until nobody writes any."""
    if alone and connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE vault_key IN EXCLUSIVE MODE"))
    # A statement that writes, and finds nothing, is enough to take SQLite's one turn.
    connection.execute(update(key_).where(key_.c.subject == "").values(subject=""))
