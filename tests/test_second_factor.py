"""The second factor: codes of a device, codes for when it is lost, and who must have one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from doors import PASSWORD, PEOPLE
from httpx import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from api import entrance
from api.accounts import Accounts, Stage, TooManyTries
from api.app import create_app
from api.office import Actor, Office
from api.second_factor import STEP_SECONDS, step_of, totp
from api.settings import Settings
from domain.policy import GENERIC
from domain.words import Role

KEY = b"12345678901234567890"  # of RFC 6238, appendix B
START = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Clock:
    """A clock that tests set by hand."""

    def __init__(self) -> None:
        self.now = START

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
    opened._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    opened.create("head", PASSWORD, "u_head", "示例", "o_a", ("head",))
    yield opened
    opened.close()


def device(accounts: Accounts, login: str = "head") -> bytes:
    """Return the key that a device took from what it was offered."""
    secret = accounts.factors.offer(login).secret
    return base64.b32decode(secret)


def enrolled(accounts: Accounts, login: str = "head") -> tuple[bytes, tuple[str, ...]]:
    """Set up a second factor; return the key of the device and the recovery codes."""
    key = device(accounts, login)
    codes = accounts.confirm_factor(login, totp(key, accounts.clock()))
    assert len(codes) == 10
    return key, codes


# Codes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp(KEY, at, digits=8) == code
    assert totp(KEY, at) == code[-6:]


def test_a_clock_may_be_one_step_off_and_no_more() -> None:
    code = totp(KEY, START)
    here = int(START.timestamp()) // STEP_SECONDS
    for steps, found in ((-2, None), (-1, here), (0, here), (1, here), (2, None)):
        assert step_of(KEY, code, START + steps * timedelta(seconds=STEP_SECONDS)) == found


def test_it_counts_only_after_a_first_code(accounts: Accounts) -> None:
    key = device(accounts)
    assert device(accounts) == key  # looked at twice, it is the same
    assert accounts.factors.since("head") == ""
    assert not accounts.passes("head", totp(key, START))
    assert accounts.confirm_factor("head", "000000") == ()
    assert accounts.factors.since("head") == ""
    assert len(set(accounts.confirm_factor("head", totp(key, START)))) == 10
    assert accounts.factors.since("head").startswith("2026-11-20")


def test_a_code_is_taken_once(accounts: Accounts, clock: Clock) -> None:
    key, _ = enrolled(accounts)
    assert not accounts.passes("head", totp(key, clock.now))  # it confirmed the factor
    clock.pass_(seconds=STEP_SECONDS)
    code = totp(key, clock.now)
    assert accounts.passes("head", code)
    assert not accounts.passes("head", code)
    clock.pass_(seconds=-STEP_SECONDS)
    assert not accounts.passes("head", totp(key, clock.now))  # nor one before the last taken


def test_each_recovery_code_opens_once_and_only_its_log_in(accounts: Accounts) -> None:
    accounts.create("other", PASSWORD, "u_other", "另一", "o_a", ("head",))
    _, codes = enrolled(accounts)
    enrolled(accounts, "other")
    assert not accounts.passes("other", codes[0])
    assert accounts.passes("head", codes[0].lower().replace("-", " "))
    assert not accounts.passes("head", codes[0])
    assert accounts.factors.recovery_left("head") == 9
    fresh = accounts.factors.recovery_codes("head")
    assert not accounts.passes("head", codes[1])
    assert accounts.passes("head", fresh[1])


def test_neither_secret_nor_recovery_codes_lie_in_the_tables(accounts: Accounts) -> None:
    key, codes = enrolled(accounts)
    secret = base64.b32encode(key).decode().rstrip("=").encode()
    found = b""
    with accounts.engine.connect() as connection:
        for name in ("account_factor", "account_recovery", "vault_value", "vault_key"):
            for row in connection.execute(text(f"SELECT * FROM {name}")):
                found += b"".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
    for kept in (secret, key, codes[0].encode(), codes[0].replace("-", "").encode()):
        assert kept not in found


def test_five_wrong_codes_wait_a_quarter_of_an_hour_whatever_the_password(
    accounts: Accounts, clock: Clock
) -> None:
    key, _ = enrolled(accounts)
    for _ in range(5):
        assert not accounts.passes("head", "000000")
        assert accounts.check("head", PASSWORD) is not None  # forgives no wrong code
    with pytest.raises(TooManyTries):
        accounts.passes("head", totp(key, clock.now + timedelta(seconds=STEP_SECONDS)))
    clock.pass_(minutes=15, seconds=1)
    assert accounts.passes("head", totp(key, clock.now))


def test_without_the_master_key_recovery_codes_still_open(
    database: str, tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / "vault.key"
    accounts = Accounts.open(database, clock=clock, vault=file)
    accounts.create("head", PASSWORD, "u_head", "示例", "o_a", ("head",))
    key, codes = enrolled(accounts)
    file.rename(tmp_path / "away")
    clock.pass_(seconds=STEP_SECONDS)
    with pytest.raises(Exception, match="master key"):
        accounts.passes("head", totp(key, clock.now))
    assert accounts.passes("head", codes[0])
    accounts.close()


# Signing in -----------------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    opened = Office.open(Settings(database=database))
    opened.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    for role in PEOPLE:
        opened.accounts.create(role, PASSWORD, f"u_{role}", f"示例{role}", "o_a", [role])
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    opened.ask("unit/o_a", "establish", {"name": "示例市财政局", "kind": "organ"}, admin)
    yield opened
    opened.close()


@pytest.fixture
def demanding(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Put rules in force by which heads and administrators need a second factor."""
    rules = msgspec.structs.replace(GENERIC, second_factor_roles=frozenset({Role.HEAD, Role.ADMIN}))
    monkeypatch.setattr(office, "rules_for", lambda *_: rules)
    return office


def client_of(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), follow_redirects=False)


def sign_in(client: TestClient, login: str, password: str = PASSWORD, where: str = "/") -> Response:
    said: Any = client.post("/login", data={"login": login, "password": password, "next": where})
    return said  # type: ignore[no-any-return] # the test client's own Response is httpx's


def test_a_password_alone_shows_nothing_where_a_code_is_missing(office: Office) -> None:
    key, _ = enrolled(office.accounts)
    client = client_of(office)
    answer = sign_in(client, "head", where="/units")
    assert answer.headers["location"] == "/login/step?next=%2Funits"
    waiting = client.cookies["session"]
    assert client.get("/units").status_code == 303
    assert client.get("/login").headers["location"].startswith("/login/step")
    assert client.get("/api/v1/units").status_code == 401
    assert "恢复码" in client.get("/login/step?next=/units").text
    wrong = client.post("/login/step", data={"code": "000000", "next": "/units"})
    assert wrong.status_code == 403 and "验证码不对" in wrong.text
    later = totp(key, office.accounts.clock() + timedelta(seconds=STEP_SECONDS))
    answer = client.post("/login/step", data={"code": later, "next": "/units"})
    assert answer.headers["location"] == "/units"
    assert client.cookies["session"] != waiting  # ASVS 7.2.4: a new id at every step up
    assert client.get("/units").status_code == 200
    assert office.accounts.unfinished(waiting) is None


def test_a_password_waits_ten_minutes_for_its_code(accounts: Accounts, clock: Clock) -> None:
    who = accounts.check("head", PASSWORD)
    assert who is not None
    token = accounts.sign_in(who, stage=Stage.CODE)
    assert accounts.session(token) is None
    assert accounts.unfinished(token) == (who, Stage.CODE)
    clock.pass_(minutes=10)
    assert accounts.unfinished(token) is None


def test_who_must_have_one_is_led_to_set_it_up(demanding: Office) -> None:
    client = client_of(demanding)
    assert sign_in(client, "clerk").headers["location"] == "/"
    client = client_of(demanding)
    assert sign_in(client, "head").headers["location"].startswith("/login/step")
    page = client.get("/login/step?next=/")
    assert 'src="data:image/png;base64,' in page.text
    found = re.search(r"<code>((?:[A-Z2-7]{4} ?)+)</code>", page.text)
    assert found is not None
    key = base64.b32decode(found[1].replace(" ", ""))
    assert client.get("/units").status_code == 303
    client.post("/login/step", data={"code": "123", "next": "/"})
    assert client.get("/units").status_code == 303
    kept = client.post("/login/step", data={"code": totp(key, demanding.accounts.clock())})
    assert len(re.findall(r"<li><code>[A-Z2-7-]{19}</code>", kept.text)) == 10
    assert client.get("/units").status_code == 200


def test_programs_do_not_get_in_by_the_password_alone(demanding: Office) -> None:
    client = client_of(demanding)
    assert client.get("/api/v1/units", auth=("clerk", PASSWORD)).status_code == 200
    answer = client.get("/api/v1/units", auth=("head", PASSWORD))
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("password-alone")
    assert "Bearer" in answer.json()["detail"]
    # Whoever sets one up ends at once what a minute would remember of their password.
    enrolled(demanding.accounts, "clerk")
    assert client.get("/api/v1/units", auth=("clerk", PASSWORD)).status_code == 403


def test_a_one_time_password_opens_its_change_alone(office: Office) -> None:
    told = office.accounts.reset_password("clerk")
    client = client_of(office)
    assert sign_in(client, "clerk").status_code == 403
    assert client.get("/api/v1/units", auth=("clerk", told)).status_code == 403
    assert sign_in(client, "clerk", told).headers["location"].startswith("/login/step")
    assert client.get("/units").status_code == 303
    for new, again, words in (
        ("short", "short", "8 至 200"),
        ("another long one", "another long 1", "不一致"),
        (told, told, "不能与"),
    ):
        answer = client.post("/login/step", data={"new": new, "again": again})
        assert answer.status_code == 422 and words in answer.text
    good = {"new": "another long one", "again": "another long one", "next": "/units"}
    assert client.post("/login/step", data=good).headers["location"] == "/units"
    assert client.get("/units").status_code == 200
    assert entrance.missing(office, office.accounts.all()[2]) is None
    assert sign_in(client_of(office), "clerk", told).status_code == 403
