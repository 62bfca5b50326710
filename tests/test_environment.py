"""The databases under test are what they are said to be: real, fresh and apart."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest


def test_every_test_gets_an_empty_database(database: str, backend: str) -> None:
    assert database.startswith(f"{backend}:///" if backend == "sqlite" else "postgresql://")
    if backend == "sqlite":
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            tables = connection.execute("select name from sqlite_schema").fetchall()
    else:
        with psycopg.connect(database) as connection:
            tables = connection.execute(
                "select tablename from pg_tables where schemaname = 'public'"
            ).fetchall()
    assert tables == []


def test_two_tests_never_share_a_database(postgresql_url: str, postgresql_server: str) -> None:
    assert postgresql_url != postgresql_server
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("create table mark (n int)")
    with psycopg.connect(postgresql_server) as connection:
        found = connection.execute("select to_regclass('public.mark')").fetchone()
    assert found == (None,)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_the_test_server_writes_as_durably_as_production(
    postgresql_server: str, setting: str
) -> None:
    with psycopg.connect(postgresql_server) as connection:
        found = connection.execute("select current_setting(%s)", [setting]).fetchone()
    assert found == ("on",)
