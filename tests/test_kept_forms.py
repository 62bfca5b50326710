"""What somebody filled in is kept for their session alone, sealed, for ten minutes, and taken once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from api import kept_forms
from api.accounts import Accounts
from api.kept_forms import BYTES_MAX, OF_ONE_MAX, find, form_, keep, take

FIELDS = [("name", "三号楼的报表"), ("scope", "read"), ("scope", "export")]


@pytest.fixture
def accounts(database: str) -> Iterator[Accounts]:
    with closing(Accounts.open(database)) as opened:
        yield opened


@pytest.mark.target("T120")
def test_a_form_is_its_sessions_alone_and_nobody_reads_it_in_the_database(
    accounts: Accounts,
) -> None:
    id_ = keep(accounts, "mine", "/account/tokens", FIELDS)
    for other in ("", "other", "Mine"):
        assert find(accounts, other, id_) is None
        assert take(accounts, other, id_) is None
    assert find(accounts, "mine", "") is None
    found = find(accounts, "mine", id_)
    assert found is not None
    assert (found.path, list(found.fields)) == ("/account/tokens", FIELDS)
    with accounts.engine.connect() as connection:
        (row,) = connection.execute(select(form_)).all()
    said = "".join(str(bytes(v) if isinstance(v, bytes | memoryview) else v) for v in row)
    for secret in (id_, "mine", "tokens", "export"):
        assert secret not in said
    assert take(accounts, "mine", id_) == found
    assert take(accounts, "mine", id_) is None


def test_of_many_who_take_it_at_once_one_does(accounts: Accounts) -> None:
    id_ = keep(accounts, "mine", "/a", FIELDS)
    with ThreadPoolExecutor(8) as crowd:
        taken = list(crowd.map(lambda _: take(accounts, "mine", id_), range(8)))
    assert len([one for one in taken if one is not None]) == 1


def test_it_goes_after_ten_minutes_and_the_oldest_of_many_first(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = accounts.clock()
    names = []
    for n in range(OF_ONE_MAX + 1):
        monkeypatch.setattr(accounts, "clock", lambda n=n: now + timedelta(seconds=n))
        names.append(keep(accounts, "mine", "/a", FIELDS))
    theirs = keep(accounts, "theirs", "/a", FIELDS)
    assert [find(accounts, "mine", id_) is None for id_ in names] == [True] + [False] * OF_ONE_MAX
    last = now + timedelta(seconds=OF_ONE_MAX) + kept_forms.KEPT
    monkeypatch.setattr(accounts, "clock", lambda: last - timedelta(microseconds=1))
    assert find(accounts, "theirs", theirs) is not None
    assert (
        find(accounts, "mine", names[-1]) is not None and find(accounts, "mine", names[1]) is None
    )
    monkeypatch.setattr(accounts, "clock", lambda: last)
    assert find(accounts, "theirs", theirs) is None and take(accounts, "theirs", theirs) is None
    keep(accounts, "mine", "/a", FIELDS)
    with accounts.engine.connect() as connection:
        assert len(connection.execute(select(form_)).all()) == 1, "what is over is gone"


def test_what_is_too_long_is_not_kept(accounts: Accounts) -> None:
    assert keep(accounts, "mine", "/a", [("reason", "x" * BYTES_MAX)]) == ""
    with accounts.engine.connect() as connection:
        assert connection.execute(select(form_)).all() == []
