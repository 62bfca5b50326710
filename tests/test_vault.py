"""The vault: names sealed per person, erased by destroying a key, with no trace left to find."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import ADMIN, opened, unit
from doors import PASSWORD, staffed
from sqlalchemy import text
from typer.testing import CliRunner

from api import bundling, cli
from api.accounts import Accounts
from api.notarising import Place
from api.office import Actor
from api.vaulting import Closed, file_of
from domain.decider import Refused
from domain.person import NAME_KNOWN, NAME_NEW
from ledger import restoring, vault, verify_bundle
from ledger.notes import Unproven
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


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "sm4-gcm"])
def test_a_key_opens_only_with_its_master_and_for_its_subject(cipher: str) -> None:
    master = vault.draw(cipher)
    key = vault.new_key(len(master.key))
    wrapped = master.wrap("u_1", key)
    assert (master.cipher, master.unwrap("u_1", wrapped)) == (cipher, key)
    assert key not in wrapped
    sealed = vault.seal(key, "u_1", "name", "王示例")
    assert vault.unseal(key, "u_1", "name", sealed).value == "王示例"
    other = vault.draw(cipher)
    broken = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for who, subject, what in (
        (other, "u_1", wrapped),
        (master, "u_2", wrapped),
        (master, "u_1", broken),
    ):
        with pytest.raises(Unreadable):
            who.unwrap(subject, what)
    with pytest.raises(Unreadable):
        vault.unseal(vault.new_key(len(key)), "u_1", "name", sealed)


def test_a_master_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "vault.key"
    assert vault.masters(file) == []
    first, second = vault.draw(), vault.draw("sm4-gcm")
    assert vault.keep_masters(file, [first], new=True)
    assert not vault.keep_masters(file, [second], new=True)
    assert vault.masters(file) == [first]
    vault.keep_masters(file, [second, first])
    assert vault.masters(file) == [second, first]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["vault.key"]
    file.chmod(0o640)
    with pytest.raises(Unproven, match="chmod 600"):
        vault.masters(file)
    file.chmod(0o600)
    for wrong in ("", "x\n", f"{vault.HEADING}\n", f"{vault.HEADING}\nsm4-gcm AAAA\n", "é"):
        file.write_text(wrong)
        with pytest.raises(Unproven):
            vault.masters(file)


def test_what_opens_and_is_no_value_is_unreadable() -> None:
    """A key wrapped for a person opens with the same key, and is still no name."""
    master = vault.draw()
    wrapped = master.wrap("u_1", vault.new_key())
    with pytest.raises(Unreadable):
        vault.unseal(master.key, "u_1", "", wrapped[vault.ID_BYTES :])


def test_a_key_wrapped_by_another_master_is_unreadable() -> None:
    master, key = vault.draw(), vault.new_key()
    wrapped = master.wrap("u_1", key)
    assert master.unwrap("u_1", wrapped) == key and len(wrapped) == master.wrapped_bytes
    with pytest.raises(Unreadable):
        vault.draw().unwrap("u_1", wrapped)


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


def content_of(path: Path) -> bytes:
    """Return what a file of a living server holds; one it removes meanwhile holds nothing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def found_in(database: str, *wanted: bytes) -> list[str]:
    return [
        str(path)
        for path in files_of(database)
        for content in [content_of(path)]
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
        assert len(set(keys)) == len(NAMES)
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
        with psycopg.connect(postgresql_url, autocommit=True) as server:
            server.execute("ANALYZE")  # as the server does by itself, and keeps what it sampled
        with psycopg.connect(postgresql_url) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM account_person")
            for number in range(1, len(NAMES)):
                accounts.erase(f"u_{number}")
            assert found_beside_wal(postgresql_url, *keys[1:]) == []
            assert accounts.name_of("u_0") == NAMES[0]


@pytest.mark.target("T09")
def test_a_copy_of_the_database_alone_opens_nothing(database: str, tmp_path: Path) -> None:
    """Whoever has a backup, or all the tables, has no name; the ledger still verifies."""
    file = tmp_path / "outside" / "vault.key"
    with opened(database) as book, closing(Accounts.open(database, vault=file)) as accounts:
        accounts.introduce("u_1", "王示例")
        assert accounts.closed is None
        book.act([unit("o_1")], ADMIN)
        (master,) = vault.masters(file)
        assert found_in(database, master.key, "王示例".encode()) == []
        with accounts.engine.connect() as connection:
            (wrapped,) = connection.execute(text("SELECT key FROM vault_key")).scalars()
        assert found_in(database, master.unwrap("u_1", bytes(wrapped))) == []
    away = tmp_path / "elsewhere.key"
    with opened(database) as book, closing(Accounts.open(database, vault=away)) as accounts:
        assert accounts.name_of("u_1") == "u_1"
        assert accounts.closed is not None
        assert accounts.names("zh") == {"u_1": "u_1"}
        assert verify(book).intact
        for refused in (lambda: accounts.introduce("u_2", "李示例"), accounts.rotate):
            with pytest.raises(Closed):
                refused()
        with pytest.raises(Closed):
            accounts.create("li", PASSWORD, "u_2", "李示例", "o_1", ["clerk"])
        assert not accounts.taken("li")
        assert not away.exists()
        assert accounts.renew() == 1
        accounts.introduce("u_2", "李示例")
        assert accounts.name_of("u_2") == "李示例"


def test_a_new_master_key_opens_what_the_old_one_did_and_copies_of_before_nothing(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "vault.key"
    with (
        closing(Accounts.open(database, vault=file)) as accounts,
        closing(Accounts.open(database, vault=file)) as elsewhere,
    ):
        accounts.introduce("u_1", "甲", "Jia")
        elsewhere.introduce("u_2", "乙")
        before = opening_of(accounts)
        (old,) = vault.masters(file)
        with accounts.engine.connect() as connection:
            copies = [
                bytes(k) for k in connection.execute(text("SELECT key FROM vault_key")).scalars()
            ]
        assert accounts.rotate("sm4-gcm") == 2
        (new,) = vault.masters(file)
        assert (new.cipher, old.key != new.key) == ("sm4-gcm", True)
        assert found_beside_wal(database, *copies) == []
        assert opening_of(accounts) == before  # what an entry committed to is opened still
        elsewhere.introduce("u_3", "丙")  # a process that knew the old key alone
        assert elsewhere.name_of("u_1", "en") == "Jia"
        assert accounts.rotate() == 3
        assert vault.masters(file)[0].cipher == "sm4-gcm"
        assert accounts.rotate("aes-256-gcm") == 3
        assert dict(accounts.names("zh")) == {"u_1": "甲", "u_2": "乙", "u_3": "丙"}


def opening_of(accounts: Accounts) -> str:
    found = accounts.opening("u_1")
    assert found is not None
    return found.commitment


@pytest.mark.parametrize("after", ["file", "tables"])
def test_a_rotation_that_was_cut_short_is_ended_at_the_next_start(
    database: str, tmp_path: Path, after: str
) -> None:
    """The new key is in the file first; the old one leaves it last."""
    file, fresh = tmp_path / "vault.key", vault.draw()
    with closing(Accounts.open(database, vault=file)) as accounts:
        accounts.introduce("u_1", "甲")
        (old,) = vault.masters(file)
        if after == "tables":
            accounts.rotate()
            (fresh,) = vault.masters(file)
        vault.keep_masters(file, [fresh, old])
    with closing(Accounts.open(database, vault=file)) as accounts:
        assert vault.masters(file) == [fresh]
        assert accounts.name_of("u_1") == "甲"


def test_keys_that_an_earlier_release_left_plain_are_wrapped_at_the_next_start(
    database: str, tmp_path: Path
) -> None:
    file, key = tmp_path / "vault.key", vault.new_key()
    with closing(Accounts.open(database, vault=file)) as accounts:
        accounts.introduce("u_1", "")
        sealed = vault.seal(key, "u_1", "name", "旧示例")
        with accounts.engine.begin() as connection:
            connection.execute(text("UPDATE vault_key SET key=:key"), {"key": key})
            row = {"subject": "u_1", "field": "name", "sealed": sealed}
            connection.execute(
                text("INSERT INTO vault_value VALUES (:subject, :field, :sealed)"), row
            )
    with closing(Accounts.open(database, vault=file)) as accounts:
        assert accounts.name_of("u_1") == "旧示例"
        assert found_beside_wal(database, key) == []


@pytest.mark.one_backend("the key lies beside the file")
def test_where_the_master_key_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGWU_VAULT", "/secure/key")
    assert file_of("sqlite:////data/gongwu.db") == Path("/secure/key")
    monkeypatch.delenv("GONGWU_VAULT")
    assert file_of("sqlite:////data/gongwu.db") == Path("/data/gongwu.vault-key")
    assert file_of("postgresql://server/gongwu") == Path("gongwu.vault-key")


def test_the_vault_on_the_command_line(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_VAULT", str(tmp_path / "vault.key"))

    def gongwu(*words: str, code: int = 0) -> str:
        asked = ["--lang", "en", "--database", database, *words]
        result = CliRunner().invoke(cli.app, asked)
        assert result.exit_code == code, result.output
        return result.output

    with closing(Accounts.open(database)), opened(database):
        pass
    gongwu("account", "name", "u_1", "--name", "王示例")
    gongwu("account", "name", "u_1", "--name", "王示例")  # nothing new to bind
    assert "opens 1 of 1" in gongwu("vault", "status")
    assert "keys of 1" in gongwu("vault", "rotate", "--cipher", "sm4-gcm")
    assert "aes-256-gcm" in gongwu("vault", "rotate", "--cipher", "rot13", code=2)
    (tmp_path / "vault.key").unlink()
    assert "opens 0 of 1" in gongwu("vault", "status", code=1)
    assert "renew" in gongwu("account", "name", "u_2", "--name", "李示例", code=1)
    assert "--lost" in gongwu("vault", "renew", code=2)
    assert "1 people" in gongwu("vault", "renew", "--lost")
    gongwu("account", "name", "u_2", "--name", "李示例")


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


@pytest.mark.target("T09")
def test_an_entry_binds_a_name_that_can_be_shown_and_then_never_guessed(
    database: str, tmp_path: Path
) -> None:
    """Ten thousand guesses, every key that is left: nothing tells which name an entry meant."""
    place = Place(tmp_path / "notary")
    place.make("ledger.example.gov.cn/1")
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        office.accounts.introduce("u_x", NAMES[7])
        with pytest.raises(Refused) as unknown:
            office.ask("person/u_nobody", "record_name", {}, admin)
        assert unknown.value.rule is NAME_KNOWN
        office.ask("person/u_x", "record_name", {}, admin)
        first = office.book.stream("person/u_x").state.name
        with pytest.raises(Refused) as again:
            office.ask("person/u_x", "record_name", {}, admin)
        assert again.value.rule is NAME_NEW
        office.accounts.introduce("u_x", NAMES[8])  # what was bound stays what it was
        office.ask("person/u_x", "record_name", {}, admin)
        assert found_in(database, NAMES[7].encode(), NAMES[8].encode()) == []
        place.notary().sign(office.book)
        shown = bundling.bundle(office, "person/u_x", names=True)
        assert told(shown, place, tmp_path) == [NAMES[7], NAMES[8]]
        assert told(bundling.bundle(office, "person/u_x"), place, tmp_path) == []
        office.accounts.erase("u_x")
        erased = bundling.bundle(office, "person/u_x", names=True)
        assert told(erased, place, tmp_path) == []
        assert told(shown, place, tmp_path) == [NAMES[7], NAMES[8]]  # whoever was shown, knows
        assert verify(office.book).intact
        entry = office.book.stream("person/u_x").entries[0]
        salt = json.loads(entry.state)["salt"]
        with office.accounts.engine.connect() as connection:
            rows = connection.execute(text("SELECT subject, key FROM vault_key")).all()
        (master,) = office.accounts.vault._masters().values()
        left = [master.unwrap(row.subject, bytes(row.key)) for row in rows]
        left += [b"", bytes(32), base64.b64decode(salt), master.key]
        guesses = (f"欧阳示例{number:04}" for number in range(10_000))
        assert first not in {vault.committed(key, name) for name in guesses for key in left}


def told(made: bundling.Bundle, place: Place, folder: Path) -> list[str]:
    """Check a bundle as its reader would, and return the names that it shows."""
    file = folder / "evidence.zip"
    file.write_bytes(made.content)
    said: list[str] = []
    arguments = [str(file), "--policy", str(place.policy)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert verify_bundle.main(arguments) == 0, out.getvalue()
    said += re.findall(r"Opened commitment: (\S+)", out.getvalue())
    return said


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
