"""The vault: names sealed per person, erased by destroying a key, with no trace left to find."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import ADMIN, opened, unit
from sqlalchemy import text

from api.accounts import Accounts
from ledger import restoring, vault
from ledger.vault import Unreadable
from ledger.verifying import verify

NAMES = [f"欧阳示例{number:04}" for number in range(50)]


def test_a_value_opens_only_in_its_place_and_with_its_key() -> None:
    key = vault.new_key()
    sealed = vault.seal(key, "u_1", "name", "王示例")
    assert vault.unseal(key, "u_1", "name", sealed).value == "王示例"
    assert "王示例".encode() not in sealed
    assert vault.seal(key, "u_1", "name", "王示例") != sealed
    for wrong in (
        (vault.new_key(), "u_1", "name", sealed),
        (key, "u_2", "name", sealed),
        (key, "u_1", "name_en", sealed),
        (key, "u_1", "name", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, "u_1", "name", b""),
    ):
        with pytest.raises(Unreadable):
            vault.unseal(*wrong)


def test_a_commitment_binds_and_cannot_be_guessed() -> None:
    """A plain hash of an id number falls to guessing; a keyed one does not, the key being gone."""
    key = vault.new_key()
    kept = vault.unseal(key, "u_1", "id", vault.seal(key, "u_1", "id", "110101199001010018"))
    assert kept.commitment == vault.committed(kept.key, kept.value)
    assert kept.commitment != vault.committed(kept.key, "110101199001010026")
    guesses = {vault.committed(bytes(32), f"11010119900101{n:04}") for n in range(10_000)}
    assert kept.commitment not in guesses


def files_of(database: str) -> list[Path]:
    """Return every file in which the database could keep something."""
    if database.startswith("sqlite:"):
        path = Path(database.removeprefix("sqlite:///"))
        return list(path.parent.glob(f"{path.name}*"))
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("CHECKPOINT")
        row = server.execute("SHOW data_directory").fetchone()
    assert row is not None
    return [p for p in Path(row[0]).rglob("*") if p.is_file() and p.name != "postmaster.pid"]


def found_in(database: str, *wanted: bytes) -> list[str]:
    return [
        str(path)
        for path in files_of(database)
        for content in [path.read_bytes() if path.exists() else b""]
        if any(text_ in content for text_ in wanted)
    ]


def found_beside_wal(database: str, *wanted: bytes) -> list[str]:
    """Look everywhere but in what PostgreSQL wrote ahead, which is its own to use again."""
    return [path for path in found_in(database, *wanted) if "pg_wal" not in path]


@pytest.mark.reliability("R19")
@pytest.mark.target("T09")
def test_an_erased_person_is_found_in_no_byte_and_every_proof_holds(database: str) -> None:
    """Database, what it wrote ahead, exports: searched as bytes for fifty names, before and after."""
    seeded = [name.encode() for name in NAMES]
    with opened(database) as book, closing(Accounts.open(database)) as accounts:
        for number, name in enumerate(NAMES):
            accounts.introduce(f"u_{number}", name, f"Ouyang-{name[-4:]}")
            book.act([unit(f"o_{number}")], ADMIN)
        assert accounts.name_of("u_7") == NAMES[7]
        assert accounts.names("zh")["u_49"] == NAMES[49]
        assert found_in(database, *seeded) == []  # not even while they are known
        with accounts.engine.connect() as connection:
            keys = [bytes(row[0]) for row in connection.execute(text("SELECT key FROM vault_key"))]
        before = book.head()
        for number in range(len(NAMES)):
            accounts.erase(f"u_{number}")
        assert accounts.name_of("u_7") == "（姓名已删除）"
        assert accounts.names("zh") == {}
        assert accounts.opening("u_7") is None
        assert verify(book).intact
        assert book.head() == before
        assert not any(name in line for line in restoring.lines(book) for name in seeded)
    assert found_beside_wal(database, *keys) == []
    assert found_in(database, *seeded) == []


@pytest.mark.postgresql
@pytest.mark.target("T09")
def test_keys_are_gone_although_somebody_reads_since_before(postgresql_url: str) -> None:
    """A reader older than the erasure keeps deleted rows alive wherever PostgreSQL vacuums."""
    with closing(Accounts.open(postgresql_url)) as accounts:
        for number, name in enumerate(NAMES):
            accounts.introduce(f"u_{number}", name)
        with accounts.engine.connect() as connection:
            keys = [bytes(row[0]) for row in connection.execute(text("SELECT key FROM vault_key"))]
        with psycopg.connect(postgresql_url) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM account_person")
            for number in range(1, len(NAMES)):
                accounts.erase(f"u_{number}")
            assert found_beside_wal(postgresql_url, *keys[1:]) == []
            assert accounts.name_of("u_0") == NAMES[0]


def test_names_written_plainly_by_an_earlier_release_are_sealed_at_the_next_start(
    database: str,
) -> None:
    with closing(Accounts.open(database)) as accounts:
        accounts.introduce("u_old", "")
        with accounts.engine.begin() as connection:
            connection.execute(text("UPDATE account_person SET name='旧示例', name_en='Old'"))
    with closing(Accounts.open(database)) as accounts:
        assert accounts.name_of("u_old") == "旧示例"
        assert accounts.name_of("u_old", "en") == "Old"
        with accounts.engine.connect() as connection:
            row: Any = connection.execute(text("SELECT name FROM account_person")).first()
        assert row[0] == ""


def test_a_new_name_replaces_the_old_and_an_erased_person_may_come_back(database: str) -> None:
    with closing(Accounts.open(database)) as accounts:
        accounts.introduce("u_1", "甲", "Jia")
        first = accounts.opening("u_1")
        accounts.introduce("u_1", "乙")
        assert (accounts.name_of("u_1"), accounts.name_of("u_1", "en")) == ("乙", "乙")
        second = accounts.opening("u_1")
        assert first is not None
        assert second is not None
        assert first.commitment != second.commitment
        accounts.erase("u_1")
        accounts.introduce("u_1", "丙")
        assert accounts.name_of("u_1") == "丙"
