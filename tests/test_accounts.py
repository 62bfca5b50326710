"""Signing in: passwords, floods, sessions, roles, and names that can be forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import select

from api.accounts import Accounts, Post, TooManyTries, account, session_


class Clock:
    """A clock that tests set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: str, clock: Clock) -> Iterator[Accounts]:
    opened = Accounts.open(database, clock=clock)
    # How strong the hash is, one test asks; elsewhere it would only cost time.
    opened._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    opened.create(
        "Keeper", "gongwu-demo", "u_ex_keeper", "仓小管", "o_ex_store", ("keeper", "clerk")
    )
    yield opened
    opened.close()


def test_the_right_password_opens_and_a_wrong_one_does_not(accounts: Accounts) -> None:
    found = accounts.check("KEEPER ", "gongwu-demo")
    assert found is not None
    assert (found.person, found.unit, found.roles) == (
        "u_ex_keeper",
        "o_ex_store",
        ("keeper", "clerk"),
    )
    assert accounts.check("keeper", "gongwu-Demo") is None
    assert accounts.check("nobody", "gongwu-demo") is None


def test_passwords_are_kept_as_argon2id_only(database: str) -> None:
    with closing(Accounts.open(database)) as accounts:
        accounts.create("keeper", "gongwu-demo", "u_ex_keeper", "仓小管", "o_ex_store", ("keeper",))
        with accounts.engine.connect() as connection:
            stored = connection.execute(select(account.c.password)).scalar_one()
    kept = extract_parameters(stored)
    # RFC 9106, 4: the second recommended option, 64 MiB.
    assert (kept.type, kept.time_cost, kept.parallelism) == (Type.ID, 3, 4)
    assert kept.memory_cost == 64 * 1024


def test_a_login_is_given_once_and_short_passwords_are_refused(accounts: Accounts) -> None:
    with pytest.raises(ValueError, match="exists already"):
        accounts.create("keeper", "gongwu-demo", "u_2", "另一人", "o_1", ("clerk",))
    with pytest.raises(ValueError, match="8 to 200"):
        accounts.create("other", "1234567", "u_2", "另一人", "o_1", ("clerk",))


def test_five_wrong_tries_lock_a_login_for_a_quarter_of_an_hour(
    accounts: Accounts, clock: Clock
) -> None:
    for _ in range(5):
        assert accounts.check("keeper", "wrong-wrong") is None
    with pytest.raises(TooManyTries) as refused:
        accounts.check("keeper", "gongwu-demo")
    assert refused.value.minutes == 15
    assert "15" in refused.value.zh and "15" in refused.value.en
    clock.pass_(minutes=15, seconds=1)
    assert accounts.check("keeper", "gongwu-demo") is not None


def test_thirty_wrong_tries_lock_an_address_whatever_the_login(
    accounts: Accounts, clock: Clock
) -> None:
    for number in range(30):
        assert accounts.check(f"guess{number}", "wrong-wrong", "192.0.2.7") is None
    with pytest.raises(TooManyTries):
        accounts.check("keeper", "gongwu-demo", "192.0.2.7")
    assert accounts.check("keeper", "gongwu-demo", "192.0.2.8") is not None


def test_a_right_password_clears_the_count(accounts: Accounts) -> None:
    for _ in range(4):
        accounts.check("keeper", "wrong-wrong")
    assert accounts.check("keeper", "gongwu-demo") is not None
    for _ in range(4):
        accounts.check("keeper", "wrong-wrong")
    assert accounts.check("keeper", "gongwu-demo") is not None


def signed_in(accounts: Accounts) -> str:
    who = accounts.check("keeper", "gongwu-demo")
    assert who is not None
    return accounts.sign_in(who)


def test_a_session_is_256_random_bits_of_which_only_the_hash_is_stored(accounts: Accounts) -> None:
    token = signed_in(accounts)
    with accounts.engine.connect() as connection:
        row = connection.execute(select(session_)).one()
    assert len(token) == 43
    assert token not in "".join(map(str, row))
    assert signed_in(accounts) != token


def test_a_session_ends_after_thirty_idle_minutes(accounts: Accounts, clock: Clock) -> None:
    token = signed_in(accounts)
    for _ in range(3):
        clock.pass_(minutes=29)
        assert accounts.session(token) is not None
    clock.pass_(minutes=30)
    assert accounts.session(token) is None
    clock.pass_(minutes=-30)
    assert accounts.session(token) is None


def test_a_session_ends_after_twelve_hours_however_busy(accounts: Accounts, clock: Clock) -> None:
    token = signed_in(accounts)
    for _ in range(35):
        clock.pass_(minutes=20)
        assert accounts.session(token) is not None
    clock.pass_(minutes=20)
    assert accounts.session(token) is None


def test_signing_out_ends_one_session_and_disabling_ends_all(accounts: Accounts) -> None:
    first, second, third = (signed_in(accounts) for _ in range(3))
    accounts.sign_out(first)
    assert accounts.session(first) is None
    assert accounts.session(second) is not None
    accounts.disable("keeper")
    assert accounts.session(second) is accounts.session(third) is None
    assert accounts.check("keeper", "gongwu-demo") is None


def test_a_session_keeps_what_its_person_acts_as(accounts: Accounts) -> None:
    token = signed_in(accounts)
    before = accounts.session(token)
    assert before is not None and before.post == Post(unit="o_ex_store", role="keeper")
    stead = Post(unit="o_ex_edu", role="head", behalf="u_ex_head")
    accounts.switch(token, stead)
    after = accounts.session(token)
    assert after is not None and after.post == stead


def test_a_post_is_one_word_and_back() -> None:
    for post in (
        Post(unit="o_a", role="head"),
        Post(unit="o_a", role="head", behalf="u_b"),
        Post(unit="", role="head"),
    ):
        assert Post.read(post.slug) == post
    own, other = Post(unit="o_a", role="head"), Post(unit="o_b", role="head")
    acting = Post(unit="o_a", role="head", behalf="u_b")
    posts = (own, other, acting)
    assert [Post.read(s).chosen(posts) for s in ("head", "head@o_b", "head@o_a:u_b")] == [
        own,
        other,
        acting,
    ]
    assert [Post.read(s).chosen(posts) for s in ("clerk", "head@o_c", "head@o_b:u_b", "")] == [
        None
    ] * 4


def test_names_are_told_by_id_and_can_be_forgotten(accounts: Accounts) -> None:
    accounts.introduce("u_ex_wang", "王示例", "Wang (example)")
    assert accounts.name_of("u_ex_wang") == "王示例"
    assert accounts.name_of("u_ex_wang", "en") == "Wang (example)"
    assert accounts.name_of("u_unknown") == "u_unknown"
    accounts.erase("u_ex_wang")
    assert accounts.name_of("u_ex_wang") == "（姓名已删除）"
    assert accounts.name_of("u_ex_wang", "en") == "(name erased)"
    assert "u_ex_wang" not in accounts.names("zh")


@pytest.mark.one_backend("the bytes of a file are read")
@pytest.mark.target("T09")
def test_a_forgotten_name_is_in_no_byte_of_the_file(sqlite_url: str):
    """Names live beside the log so that they can go; free pages of a file would keep them."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(Accounts.open(sqlite_url)) as opened:
        for number in range(8):
            opened.create(f"l{number}", "gongwu-demo", f"u_{number}", f"欧阳{number:04}", "o_1", ())
        for number in range(8):
            opened.erase(f"u_{number}")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert "欧阳".encode() not in file.read_bytes()
