"""Signing in through a provider of identities, over HTTP: the way there and back, and every lie."""

from __future__ import annotations

import re
import secrets
import socket
from base64 import b32decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from doors import PASSWORD, staffed
from idp import (
    CLIENT,
    KEY,
    OTHER_KEY,
    SECRET,
    Issuer,
    listening,
    lying,
    signed,
    unsigned,
    with_public_key_as_secret,
)
from serving import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from api import cli, identities
from api.accounts import Accounts, Post
from api.cli_terminal import USAGE
from api.elsewhere import (
    AWAY,
    DENIED,
    ELSEWHERE_ONLY,
    LOST,
    NOT_ANEW,
    ONCE_ALONE,
    SOMEBODY_ELSE,
    UNKNOWN,
    UNPROVEN,
)
from api.identities import Identities, Identity, Started, Taken
from api.office import Office
from api.pages_sso import FLOOD
from api.second_factor import totp
from api.settings import Settings
from api.settings_sign import Oidc
from api.signing_in import SigningIn
from domain import access
from domain.words import Words

pytestmark = pytest.mark.either_backend(
    "how a provider answers; what is kept of its people is kept on both, in the tests here that say so"
)

HERE = "http://127.0.0.1:1/login/oidc/done"  # until the port is known


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


def set_to(office: Office, clock: Clock | None = None, **changed: Any) -> None:
    """Let an office have other settings of its provider, or others of its own."""
    ours = {k: v for k, v in changed.items() if k not in Oidc.__struct_fields__}
    theirs = {k: v for k, v in changed.items() if k in Oidc.__struct_fields__}
    assert office.settings.oidc is not None
    oidc = msgspec.structs.replace(office.settings.oidc, **theirs)
    office.settings = msgspec.structs.replace(office.settings, oidc=oidc, **ours)
    office.signing = SigningIn(office.accounts, office.settings, office.posts)
    if clock is not None:
        office.signing.identities.clock = clock
        assert office.signing.provider is not None
        office.signing.provider.clock = clock


@pytest.fixture(scope="module")
def lying_provider() -> Iterator[Issuer]:
    with lying() as provider:
        yield provider


@pytest.fixture(scope="module")
def site(module_database: str, lying_provider: Issuer) -> Iterator[tuple[str, Office]]:
    """Serve an office that believes the lying provider."""
    with staffed(module_database) as office:
        oidc = Oidc(issuer=lying_provider.issuer, client=CLIENT, secret=SECRET, callback=HERE)
        office.settings = msgspec.structs.replace(office.settings, oidc=oidc)
        bind(office, "wang", "keeper")
        with served(office) as url:
            set_to(office, callback=f"{url}/login/oidc/done")
            yield url, office


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(lying_provider: Issuer, clock: Clock) -> Issuer:
    """Return the provider, honest again."""
    fresh = Issuer(issuer=lying_provider.issuer, now=lambda: int(clock().timestamp()))
    for name in fresh.__dataclass_fields__:
        setattr(lying_provider, name, getattr(fresh, name))
    return lying_provider


@pytest.fixture
def place(site: tuple[str, Office], state: Issuer, clock: Clock) -> Iterator[tuple[str, Office]]:
    """Lend the office with its own settings, where `wang` of the provider is the keeper."""
    url, office = site
    before = office.settings
    set_to(office, clock)
    yield url, office
    office.settings = before


def bind(office: Office, name: str, login: str) -> None:
    signing = SigningIn(office.accounts, office.settings, office.posts)
    identity = signing.identity("oidc", name)
    assert identity is not None
    signing.identities.bind(identity, login)


@pytest.fixture
def visitor() -> Iterator[httpx.Client]:
    """Yield a browser's cookies and its following of redirects."""
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=20) as client:
        yield client


def signs_in(visitor: httpx.Client, url: str, where: str = "/people/u_keeper") -> httpx.Response:
    return visitor.get(f"{url}/login/oidc", params={"next": where})


def who(office: Office, visitor: httpx.Client) -> str:
    """Return the log-in that is signed in; '' when none is."""
    session = office.accounts.session(visitor.cookies.get("session") or "")
    return session.account.login if session is not None else ""


def is_refused(answer: httpx.Response, words: Words, status: int) -> None:
    """Hold that nobody came in, and that the page says why."""
    page = unescape(answer.text)
    assert (answer.status_code, "session" in answer.cookies) == (status, False), page
    assert words.zh in page, re.findall(r'role="alert">.*?</p>', page, re.DOTALL)


# There and back ---------------------------------------------------------------------


@pytest.mark.target("T120")
def test_whom_the_provider_vouches_for_is_signed_in_as_who_they_are_here(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, office = place
    answer = signs_in(visitor, url)
    assert (answer.status_code, answer.url.path) == (200, "/people/u_keeper")
    session = office.accounts.session(visitor.cookies["session"])
    assert session is not None
    assert (session.account.login, session.account.person) == ("keeper", "u_keeper")
    assert session.post == Post(unit="o_a", role="keeper")
    (asked,) = state.seen
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["scope"], asked["redirect_uri"]) == ("openid", f"{url}/login/oidc/done")
    assert len(asked["state"]) == len(asked["nonce"]) == 43


@pytest.mark.parametrize("where", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site_afterwards(
    where: str, place: tuple[str, Office], visitor: httpx.Client
) -> None:
    url, _ = place
    answer = signs_in(visitor, url, where)
    assert str(answer.url) == f"{url}/"


def test_two_tabs_may_sign_in_at_the_same_time(
    place: tuple[str, Office], visitor: httpx.Client
) -> None:
    url, office = place
    first, second = (
        visitor.get(f"{url}/login/oidc", params={"next": f"/{n}"}, follow_redirects=False)
        for n in ("assets", "cases")
    )
    for begun, where in ((second, "/cases"), (first, "/assets")):
        answer = visitor.get(begun.headers["location"])
        assert (answer.url.path, who(office, visitor)) == (where, "keeper")


# What the provider may not say ----------------------------------------------------------

Lie = Callable[[Issuer], object]


def says(**claims: Any) -> Lie:
    """Let the word say something else; None leaves it out."""
    return lambda state: state.claims.update(claims)


def signs(how: Callable[[dict[str, Any]], str]) -> Lie:
    """Let the word be signed in another way."""
    return lambda state: setattr(state, "sign", how)


def answers(**back: str) -> Lie:
    """Let the browser come back with something else."""
    return lambda state: state.answer.update(back)


def publishes(*keys: dict[str, Any]) -> Lie:
    return lambda state: setattr(state, "keys", list(keys))


def under_its_own_key(claims: dict[str, Any]) -> str:
    return signed(claims, OTHER_KEY, jwk=OTHER_KEY.as_dict(private=False))


LIES: dict[str, tuple[Lie, Words, int]] = {
    "alg none": (signs(unsigned), UNPROVEN, 403),
    "a public key as a shared secret": (signs(with_public_key_as_secret), UNPROVEN, 403),
    "a key of somebody else": (signs(lambda c: signed(c, OTHER_KEY)), UNPROVEN, 403),
    "a key that the word brings along": (signs(under_its_own_key), UNPROVEN, 403),
    "a key nobody published": (signs(lambda c: signed(c, kid="two")), UNPROVEN, 403),
    "an algorithm that is not pinned": (signs(lambda c: signed(c, alg="RS512")), UNPROVEN, 403),
    "a shared secret among the keys": (
        publishes({"kty": "oct", "kid": "one", "k": "c2VjcmV0"}),
        UNPROVEN,
        403,
    ),
    "no word at all": (signs(lambda _: ""), UNPROVEN, 403),
    "another audience": (says(aud="another-client"), UNPROVEN, 403),
    "another audience in a list": (says(aud=["another-client"]), UNPROVEN, 403),
    "meant for another among two": (says(aud=[CLIENT, "x"], azp="x"), UNPROVEN, 403),
    "two audiences and nobody in particular": (says(aud=[CLIENT, "x"]), UNPROVEN, 403),
    "another issuer": (says(iss="https://evil.example"), UNPROVEN, 403),
    "no issuer": (says(iss=None), UNPROVEN, 403),
    "a wrong nonce": (says(nonce="another"), UNPROVEN, 403),
    "no nonce": (says(nonce=None), UNPROVEN, 403),
    "no nonce, and a claim that says so": (says(nonce=None, nonce_supported=False), UNPROVEN, 403),
    "no subject": (says(sub=None), UNPROVEN, 403),
    "a subject that is no text": (says(sub=["wang"]), UNPROVEN, 403),
    "never expires": (says(exp=None), UNPROVEN, 403),
    "expires never to be compared": (says(exp="soon"), UNPROVEN, 403),
    "another access token": (says(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), UNPROVEN, 403),
    "an answer of another issuer": (answers(iss="https://evil.example"), UNPROVEN, 403),
    "an answer without a code": (answers(code=""), UNPROVEN, 403),
    "a code that was never given": (answers(code="guessed"), UNPROVEN, 403),
    "the person said no": (answers(error="access_denied", code=""), DENIED, 403),
    "no log-in for this person": (says(sub="li"), UNKNOWN, 403),
    "another spelling is another person": (says(sub="Wang"), UNKNOWN, 403),
    "the provider stumbles": (lambda s: setattr(s, "token_status", 500), AWAY, 503),
    "the document is another's": (lambda s: s.document.update(issuer="https://x"), AWAY, 503),
    "keys in clear": (lambda s: s.document.update(jwks_uri="http://x.example/"), AWAY, 503),
    "tokens in clear": (
        lambda s: s.document.update(token_endpoint="file:///etc/passwd"),
        AWAY,
        503,
    ),
    "no way in": (lambda s: s.document.update(authorization_endpoint=None), AWAY, 503),
}


@pytest.mark.target("T120")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_lets_nobody_in(
    lie: str, place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, office = place
    tell, words, status = LIES[lie]
    tell(state)
    is_refused(signs_in(visitor, url), words, status)
    assert who(office, visitor) == ""


@pytest.mark.parametrize(
    ("claim", "seconds", "holds"),
    [
        ("exp", -29, True),
        ("exp", -30, False),
        ("iat", 30, True),
        ("iat", 31, False),
        ("nbf", 30, True),
        ("nbf", 31, False),
    ],
)
def test_clocks_may_differ_by_half_a_minute(
    claim: str,
    seconds: int,
    holds: bool,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
) -> None:
    url, office = place
    state.claims[claim] = int(clock().timestamp()) + seconds
    signs_in(visitor, url)
    assert who(office, visitor) == ("keeper" if holds else "")


def test_a_new_key_is_fetched_but_not_for_every_word(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    state.keys = [KEY.as_dict(private=False) | {"kid": "two"}]
    state.sign = lambda claims: signed(claims, kid="two")
    clock.pass_(seconds=59)
    is_refused(signs_in(visitor, url), UNPROVEN, 403)
    assert state.asked.count("keys") == 1
    clock.pass_(seconds=1)
    visitor.cookies.clear()
    signs_in(visitor, url)
    assert (who(office, visitor), state.asked.count("keys")) == ("keeper", 2)
    assert state.asked.count("document") == 1


# Whose sign-in it is ----------------------------------------------------------------------


def begun(visitor: httpx.Client, url: str) -> str:
    """Begin signing in; return the address at which the browser would come back."""
    there = visitor.get(f"{url}/login/oidc", follow_redirects=False).headers["location"]
    return httpx.get(there, trust_env=False).headers["location"]


def test_an_answer_is_taken_once(place: tuple[str, Office], visitor: httpx.Client) -> None:
    url, office = place
    back = begun(visitor, url)
    assert visitor.get(back).status_code == 200
    assert who(office, visitor) == "keeper"
    is_refused(visitor.get(back), LOST, 400)


def test_an_answer_is_taken_from_the_browser_that_began(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    """Nobody is signed in as somebody else by following a link (login CSRF)."""
    url, _ = place
    back = begun(visitor, url)
    with httpx.Client(follow_redirects=True, trust_env=False) as victim:
        is_refused(victim.get(back), LOST, 400)
        victim.get(f"{url}/login/oidc", follow_redirects=False)
        is_refused(victim.get(back), LOST, 400)
    assert "token" not in state.asked


@pytest.mark.parametrize("changed", ["state=guessed", "state=", ""])
def test_an_answer_needs_its_state(
    changed: str, place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, _ = place
    back = re.sub(r"state=[^&]+", changed, begun(visitor, url))
    is_refused(visitor.get(back), LOST, 400)
    assert "token" not in state.asked


@pytest.mark.parametrize(("seconds", "holds"), [(599, True), (600, False)])
def test_an_answer_comes_within_ten_minutes(
    seconds: int, holds: bool, place: tuple[str, Office], clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    back = begun(visitor, url)
    clock.pass_(seconds=seconds)
    answer = visitor.get(back)
    assert who(office, visitor) == ("keeper" if holds else "")
    if not holds:
        is_refused(answer, LOST, 400)


def test_a_stolen_code_is_worth_nothing_in_another_sign_in(
    place: tuple[str, Office], visitor: httpx.Client
) -> None:
    """The provider gives a word only to who knows what the code was asked for with (PKCE)."""
    url, office = place
    stolen = parse_qs(urlsplit(begun(visitor, url)).query)["code"][0]
    with httpx.Client(follow_redirects=True, trust_env=False) as thief:
        back = re.sub(r"code=[^&]+", f"code={stolen}", begun(thief, url))
        is_refused(thief.get(back), UNPROVEN, 403)
        assert who(office, thief) == ""


def test_what_is_under_way_has_a_limit(
    place: tuple[str, Office], visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    url, _ = place
    clock.pass_(minutes=10)
    monkeypatch.setattr(identities, "UNDER_WAY_MAX", 1)
    assert begun(visitor, url)
    is_refused(visitor.get(f"{url}/login/oidc"), FLOOD, 503)
    clock.pass_(minutes=10)
    assert signs_in(visitor, url).status_code == 200


# Who they are here ----------------------------------------------------------------------------


def test_a_closed_log_in_stays_closed(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, office = place
    office.accounts.create("gone", PASSWORD, "u_gone", "已离任", "o_a", ["clerk"])
    bind(office, "gone", "gone")
    state.claims["sub"] = "gone"
    assert signs_in(visitor, url, "/").status_code == 200
    office.accounts.disable("gone")
    visitor.cookies.clear()
    is_refused(signs_in(visitor, url), UNKNOWN, 403)


@pytest.mark.parametrize(
    ("claim", "told", "words"),
    [
        ("preferred_username", {"preferred_username": "liming"}, None),
        ("preferred_username", {}, UNPROVEN),
        ("preferred_username", {"preferred_username": 7}, UNPROVEN),
        ("email", {"email": "li@example.cn", "email_verified": True}, None),
        ("email", {"email": "li@example.cn", "email_verified": "true"}, UNPROVEN),
        ("email", {"email": "li@example.cn"}, UNPROVEN),
    ],
)
def test_people_may_be_told_apart_by_another_claim(
    claim: str,
    told: dict[str, Any],
    words: Words | None,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
) -> None:
    url, office = place
    set_to(office, clock, claim=claim)
    bind(office, "liming" if claim == "preferred_username" else "li@example.cn", "clerk")
    state.claims |= told
    answer = signs_in(visitor, url)
    if words is not None:
        is_refused(answer, words, 403)
    assert who(office, visitor) == ("clerk" if words is None else "")


@pytest.mark.parametrize(("sub", "words"), [("wang", None), ("li", UNPROVEN)])
def test_what_the_word_does_not_say_is_asked_for_and_is_the_same_persons(
    sub: str,
    words: Words | None,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
) -> None:
    url, office = place
    set_to(office, clock, claim="preferred_username")
    bind(office, "liming", "clerk")
    state.document["userinfo_endpoint"] = f"{state.issuer}/userinfo"
    state.userinfo = {"sub": sub, "preferred_username": "liming"}
    answer = signs_in(visitor, url)
    if words is not None:
        is_refused(answer, words, 403)
    assert who(office, visitor) == ("clerk" if words is None else "")


def test_a_group_chooses_among_what_somebody_is_and_gives_nothing(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    set_to(office, clock, groups={"auditors": "auditor", "keepers of things": "keeper"})
    office.accounts.create("two", PASSWORD, "u_two", "两岗", "o_a", ["clerk", "keeper"])
    bind(office, "two", "two")
    for groups, role in (
        ([], "clerk"),
        (["keepers of things"], "keeper"),
        (["auditors"], "clerk"),  # the ledger gave no such power, so nobody has it
        ("auditors", "clerk"),
        ([["auditors"], None], "clerk"),
    ):
        visitor.cookies.clear()
        state.claims = {"sub": "two", "groups": groups}
        signs_in(visitor, url, "/")
        session = office.accounts.session(visitor.cookies["session"])
        assert session is not None and session.post == Post(unit="o_a", role=role)
        account = session.account
        assert {post.role for post in office.posts(account)} == {"clerk", "keeper"}


@pytest.fixture
def careful(place: tuple[str, Office]) -> Iterator[Accounts]:
    """Let the keeper have a second factor for a while."""
    _, office = place
    key = b32decode(office.accounts.factors.offer("keeper").secret)
    assert office.accounts.confirm_factor("keeper", totp(key, office.accounts.clock()))
    yield office.accounts
    office.accounts.forget_factor("keeper")


@pytest.mark.parametrize(
    ("says", "trusted", "asked"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"amr": ["pwd", "mfa"]}, False, False),
        ({"amr": ["pwd"]}, False, True),
    ],
)
def test_a_second_factor_is_asked_for_here_unless_the_provider_did(
    says: dict[str, Any],
    trusted: bool,
    asked: bool,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    careful: Accounts,
) -> None:
    url, office = place
    careful.reset_password("keeper")  # whose change nobody asks for who did not give it
    set_to(office, clock, second_factor=trusted)
    state.claims |= says
    answer = signs_in(visitor, url)
    assert answer.url.path == ("/login/step" if asked else "/people/u_keeper")
    assert who(office, visitor) == ("" if asked else "keeper")


# Asked again ---------------------------------------------------------------------------------

TYPED = {"name": "三号楼的报表", "scope": ["read", "export"], "days": "30"}


@pytest.fixture
def later(
    place: tuple[str, Office], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Let sessions grow old with the clock of the test; nobody has a password of ours."""
    _, office = place
    monkeypatch.setattr(office.accounts, "clock", clock)
    set_to(office, clock, local_login=False)
    return clock.pass_


def asked_again(visitor: httpx.Client, url: str) -> str:
    """Ask for a token; return the page that asks who it is."""
    answer = visitor.post(f"{url}/account/tokens", data=TYPED)
    assert answer.url.path == "/confirm", answer.url
    return answer.text


def led_there(text: str) -> str:
    """Return where the page leads to prove who one is; '' when to no provider."""
    found = re.search(r'href="(/login/oidc/again[^"]*)"', text)
    return unescape(found[1]) if found else ""


def proven_at(office: Office, visitor: httpx.Client) -> str:
    session = office.accounts.session(visitor.cookies["session"])
    assert session is not None
    return session.proven_at


def told(answer: httpx.Response) -> str:
    """Return what a page says went wrong."""
    found = re.search(r'role="alert">.*?</svg>(.*?)</p>', answer.text, re.DOTALL)
    return unescape(found[1]).strip() if found else ""


def let_in_now(state: Issuer, clock: Clock) -> None:
    """Let the provider say that it asked for the password just now."""
    state.claims["auth_time"] = int(clock().timestamp())


@pytest.mark.target("T120")
def test_who_has_no_password_here_is_asked_again_by_the_provider_and_loses_nothing(
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
) -> None:
    url, office = place
    signs_in(visitor, url)
    later(minutes=11)
    shown = asked_again(visitor, url)
    assert 'name="password"' not in shown and "您填写的内容留着" in shown
    let_in_now(state, clock)
    state.claims["sid"] = "s-anew"
    kept = visitor.get(url + led_there(shown))
    assert kept.url.path == "/confirm/form" and "查阅" in kept.text
    assert (state.seen[0].get("prompt"), state.seen[0].get("max_age")) == (None, None)
    assert (state.seen[1]["prompt"], state.seen[1]["max_age"]) == ("login", "0")
    hidden: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)"', kept.text
    ):
        hidden.setdefault(name, []).append(unescape(value))
    sent = {name: hidden[name] for name in (*TYPED, "kept")}
    assert {name: hidden[name] for name in TYPED} == {
        name: value if isinstance(value, list) else [value] for name, value in TYPED.items()
    }
    made = visitor.post(f"{url}/confirm/form", data=sent)
    assert made.url.path == "/account/tokens" and "lgr_" in made.text
    assert visitor.post(f"{url}/confirm/form", data=sent).status_code == 404
    (token,) = office.accounts.tokens.of("keeper")
    assert token.name == TYPED["name"]
    # The provider's session with them is another now, and its end is the end of ours.
    assert tells(url, signed(goodbye(state, clock, sid="s-anew", sub=None))).status_code == 200
    assert who(office, visitor) == ""


STALE: dict[str, tuple[Callable[[Issuer, int], object], Words]] = {
    "no time": (lambda s, _: None, NOT_ANEW),
    "before they set out": (lambda s, now: s.claims.update(auth_time=now - 31), NOT_ANEW),
    "in the future": (lambda s, now: s.claims.update(auth_time=now + 31), NOT_ANEW),
    "no number": (lambda s, now: s.claims.update(auth_time=str(now)), UNPROVEN),
    "yes": (lambda s, _: s.claims.update(auth_time=True), NOT_ANEW),
    "somebody else": (lambda s, now: s.claims.update(auth_time=now, sub="li"), SOMEBODY_ELSE),
    "a stranger": (lambda s, now: s.claims.update(auth_time=now, sub="nobody"), SOMEBODY_ELSE),
    "another nonce": (lambda s, now: s.claims.update(auth_time=now, nonce="x"), UNPROVEN),
    "another audience": (lambda s, now: s.claims.update(auth_time=now, aud="x"), UNPROVEN),
    "unsigned": (
        lambda s, now: (s.claims.update(auth_time=now), setattr(s, "sign", unsigned)),
        UNPROVEN,
    ),
    "refused there": (lambda s, _: s.answer.update(error="login_required", code=""), DENIED),
    "another state": (lambda s, _: s.answer.update(state="guessed"), LOST),
}


@pytest.mark.target("T120")
@pytest.mark.parametrize("kind", STALE)
def test_nothing_less_than_the_same_person_asked_anew_confirms(
    kind: str,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
) -> None:
    url, office = place
    bind(office, "li", "clerk")
    signs_in(visitor, url)
    later(minutes=11)
    there = led_there(asked_again(visitor, url))
    before, size = proven_at(office, visitor), office.book.head()[0]
    answers_so, words = STALE[kind]
    answers_so(state, int(clock().timestamp()))
    answer = visitor.get(url + there)
    assert (answer.status_code in (400, 403), told(answer)) == (True, words.zh)
    assert (proven_at(office, visitor), office.book.head()[0]) == (before, size)
    assert who(office, visitor) == "keeper", "whoever it was there, nobody is signed in as them"
    # They try again, and what they filled in is still there.
    state.claims, state.answer, state.sign = {"sub": "wang"}, {}, None
    let_in_now(state, clock)
    page = there if words is LOST else led_there(answer.text)  # an answer of nobody's has no way on
    assert TYPED["name"] in visitor.get(url + page).text


def test_the_same_name_for_another_person_there_confirms_nothing(
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
) -> None:
    url, office = place
    set_to(office, clock, claim="preferred_username")
    bind(office, "liming", "clerk")
    state.claims |= {"sub": "7f3a", "preferred_username": "liming"}
    signs_in(visitor, url)
    later(minutes=11)
    before = proven_at(office, visitor)
    let_in_now(state, clock)
    state.claims["sub"] = "7f3b"
    answer = visitor.get(f"{url}/login/oidc/again", params={"next": "/account"})
    assert answer.status_code == 403 and SOMEBODY_ELSE.zh in answer.text
    assert proven_at(office, visitor) == before
    state.claims["sub"] = "7f3a"
    answer = visitor.get(f"{url}/login/oidc/again", params={"next": "/account"})
    assert answer.url.path == "/account" and proven_at(office, visitor) > before


def test_an_answer_confirms_the_session_that_set_out_and_no_other(
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
) -> None:
    """As when two people share a browser, or one was signed out meanwhile."""
    url, office = place
    signs_in(visitor, url)
    later(minutes=11)
    let_in_now(state, clock)
    account = office.accounts.find("keeper")
    assert account is not None
    for other in (office.accounts.sign_in(account), ""):
        there = visitor.get(f"{url}/login/oidc/again", follow_redirects=False)
        back = httpx.get(there.headers["location"], trust_env=False).headers["location"]
        mine = visitor.cookies["session"]
        visitor.cookies.set("session", other, domain=urlsplit(url).hostname or "")
        first = office.accounts.session(other)
        answer = visitor.get(back)
        assert answer.status_code == 400 and LOST.zh in answer.text
        assert office.accounts.session(other) == first
        visitor.cookies.delete("session")
        visitor.cookies.set("session", mine, domain=urlsplit(url).hostname or "")
    assert "token" not in state.asked[state.asked.index("token") + 1 :]
    with httpx.Client(trust_env=False) as nobody:
        assert nobody.get(f"{url}/login/oidc/again").headers["location"].startswith("/login?")


@pytest.mark.parametrize("where", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site_after_proving(
    where: str,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
) -> None:
    url, _ = place
    signs_in(visitor, url)
    later(minutes=11)
    let_in_now(state, clock)
    answer = visitor.get(f"{url}/login/oidc/again", params={"next": where})
    assert str(answer.url) == f"{url}/"


@pytest.mark.parametrize(("amr", "enough"), [(["pwd"], False), (["pwd", "otp"], True)])
def test_who_has_a_second_factor_is_not_known_again_by_less(
    amr: list[str],
    enough: bool,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    later: Callable[..., None],
    careful: Accounts,
) -> None:
    url, office = place
    state.claims["amr"] = ["mfa"]
    signs_in(visitor, url)
    later(minutes=11)
    shown = asked_again(visitor, url)
    assert led_there(shown) == "" and 'name="code"' in shown
    before = proven_at(office, visitor)
    let_in_now(state, clock)
    state.claims["amr"] = amr
    answer = visitor.get(f"{url}/login/oidc/again", params={"next": "/account"})
    assert (proven_at(office, visitor) > before) == enough
    assert (answer.status_code == 200) == enough
    assert enough or ONCE_ALONE.zh in answer.text


# Tying oneself -------------------------------------------------------------------------------


def tied(office: Office, login: str) -> list[str]:
    return [one.slug for one in office.signing.identities.of(login)]


def setting_out(visitor: httpx.Client, url: str, login: str) -> str:
    """Sign in by password and ask to be tied; return where the page leads."""
    visitor.post(f"{url}/login", data={"login": login, "password": PASSWORD})
    asked = visitor.post(f"{url}/login/oidc/tie")
    # The password of the sign-in may be old news: somebody may sit at a place left open.
    assert asked.url.path == "/confirm"
    where = parse_qs(urlsplit(str(asked.url)).query)["next"][0]
    kept = visitor.post(f"{url}/confirm", data={"password": PASSWORD, "next": where})
    (id_,) = re.findall(r'name="kept" value="([^"]+)"', kept.text)
    page = visitor.post(f"{url}/confirm/form", data={"kept": id_})
    assert page.url.path == "/login/oidc/tie", page.text
    (there,) = re.findall(r'href="(http[^"]+/authorize[^"]+)"', page.text)
    return unescape(there)


@pytest.fixture
def newcomer(place: tuple[str, Office]) -> Iterator[str]:
    """Have a log-in that is tied to nothing yet."""
    _, office = place
    login = f"new-{secrets.token_hex(4)}"
    office.accounts.create(login, PASSWORD, f"u_{login}", "示例新人", "o_a", ["clerk"])
    yield login
    for one in office.signing.identities.of(login):
        office.signing.identities.part(one)


@pytest.mark.target("T120")
def test_people_tie_what_the_provider_says_of_them_to_their_own_log_in(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client, newcomer: str
) -> None:
    url, office = place
    there = setting_out(visitor, url, newcomer)
    asked = parse_qs(urlsplit(there).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    let_in_now(state, clock)
    state.claims["sub"] = "7f3a-new"
    done = visitor.get(there)
    assert done.url.path == "/account" and "已关联，以后可以用它登录" in done.text
    assert tied(office, newcomer) == ["oidc:7f3a-new"]
    entry = list(office.book.entries())[-1]
    assert isinstance(entry.event, access.IdentityTied)
    assert entry.actor == entry.event.person == f"u_{newcomer}"
    assert b"7f3a-new" not in entry.state
    assert "/login/oidc/tie" not in done.text, "one of each kind"
    again = visitor.post(f"{url}/login/oidc/tie")
    assert again.status_code == 409 and "此账号已关联统一身份" in again.text
    with httpx.Client(follow_redirects=True, trust_env=False) as fresh:
        signs_in(fresh, url, "/")
        assert who(office, fresh) == newcomer


UNTIED: dict[str, tuple[Callable[[Issuer, int], object], str]] = {
    name: (lie, words.zh)
    for name, (lie, words) in STALE.items()
    if words is not SOMEBODY_ELSE
} | {
    "another's": (lambda s, now: s.claims.update(auth_time=now, sub="wang"), "已属于另一账号"),
}  # fmt: skip


@pytest.mark.target("T120")
@pytest.mark.parametrize("kind", UNTIED)
def test_nothing_is_tied_that_the_provider_does_not_vouch_for_anew(
    kind: str,
    place: tuple[str, Office],
    state: Issuer,
    clock: Clock,
    visitor: httpx.Client,
    newcomer: str,
) -> None:
    url, office = place
    there = setting_out(visitor, url, newcomer)
    size = office.book.head()[0]
    state.claims["sub"] = "7f3a-other"
    lie, said = UNTIED[kind]
    lie(state, int(clock().timestamp()))
    answer = visitor.get(there)
    assert answer.status_code in (400, 403, 409) and said in told(answer)
    assert tied(office, newcomer) == [] and tied(office, "keeper") == ["oidc:wang"]
    assert office.book.head()[0] == size
    assert who(office, visitor) == newcomer


@pytest.mark.target("T120")
def test_nobody_is_talked_into_tying_somebody_elses_identity(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client, newcomer: str
) -> None:
    """An answer meant for another session, browser or purpose ties nothing."""
    url, office = place
    size = office.book.head()[0]
    let_in_now(state, clock)
    state.claims["sub"] = "7f3a-evil"
    with httpx.Client(follow_redirects=True, trust_env=False) as evil:
        theirs = f"evil-{newcomer}"
        office.accounts.create(theirs, PASSWORD, f"u_{theirs}", "他人", "o_a", ["clerk"])
        mine = setting_out(evil, url, theirs)
        back = httpx.get(mine, trust_env=False).headers["location"]
        code = parse_qs(urlsplit(back).query)["code"][0]
        there = setting_out(visitor, url, newcomer)
        answer = visitor.get(back)  # a link that somebody sent them
        assert answer.status_code == 400 and LOST.zh in answer.text
        own = httpx.get(there, trust_env=False).headers["location"]
        answer = visitor.get(re.sub(r"code=[^&]+", f"code={code}", own))
        assert answer.status_code == 403 and UNPROVEN.zh in answer.text
    for told in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert visitor.post(f"{url}/login/oidc/tie", headers=told).status_code == 403
    assert visitor.get(f"{url}/login/oidc/tie").status_code in (404, 405)
    assert tied(office, newcomer) == [] and tied(office, theirs) == []
    assert office.book.head()[0] == size


# Good-bye ------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_here_and_there(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    token = visitor.cookies["session"]
    assert visitor.get(f"{url}/logout/oidc").url.path == "/", "a link alone signs nobody out"
    answer = visitor.post(f"{url}/logout")
    assert office.accounts.session(token) is None
    there = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert there is not None and answer.url.path == "/logout/oidc"
    came = visitor.get(unescape(there[1]))
    assert came.url.path == "/login"
    end = state.seen[-1]
    assert (end["client_id"], end["post_logout_redirect_uri"]) == (CLIENT, f"{url}/login")
    assert end["id_token_hint"].count(".") == 2
    assert visitor.post(f"{url}/logout").url.path == "/login", "the word was forgotten"


def test_a_provider_without_good_byes_is_not_asked(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, _ = place
    state.document["end_session_endpoint"] = None
    signs_in(visitor, url)
    assert visitor.post(f"{url}/logout").url.path == "/login"


def test_a_word_too_long_for_a_cookie_is_not_kept(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client
) -> None:
    url, office = place
    state.claims["groups"] = ["a group of people" * 20] * 20
    signs_in(visitor, url)
    assert who(office, visitor) == "keeper"
    answer = visitor.post(f"{url}/logout")
    assert answer.url.path == "/logout/oidc" and "id_token_hint" not in answer.text


def test_whoever_signs_in_here_next_does_not_sign_out_there_as_somebody_else(
    place: tuple[str, Office], visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    visitor.post(f"{url}/login", data={"login": "clerk", "password": PASSWORD})
    assert who(office, visitor) == "clerk"
    assert visitor.post(f"{url}/logout").url.path == "/login"


# Who is tied to what ------------------------------------------------------------------------


@pytest.fixture
def admin(place: tuple[str, Office]) -> Iterator[httpx.Client]:
    """Yield an administrator's browser; afterwards `wang` is the keeper again."""
    url, office = place
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False, timeout=20) as client:
        client.post("/login", data={"login": "admin", "password": PASSWORD})
        yield client
    bind(office, "wang", "keeper")


@pytest.mark.target("T120")
def test_an_administrator_sees_who_is_tied_to_what_and_unties_them(
    place: tuple[str, Office], state: Issuer, visitor: httpx.Client, admin: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    own = visitor.get(f"{url}/account").text
    shown = admin.get("/accounts/keeper").text
    for page in (own, shown):
        assert state.issuer in page and ">wang</code>" in page
        assert re.search(r"<time>20\d\d-\d\d-\d\d \d\d:\d\d</time>", page)
    assert "解除统一身份" in shown and "解除统一身份" not in own
    assert visitor.post(f"{url}/accounts/keeper/untie-oidc").status_code == 403
    assert admin.post("/accounts/keeper/untie-oidc", data={}).status_code == 422
    assert admin.post("/accounts/keeper/untie-ldap", data={"reason": "x"}).status_code == 409
    done = admin.post("/accounts/keeper/untie-oidc", data={"reason": "换了单位"})
    assert done.status_code == 200 and "已解除关联" in done.text and "换了单位" in done.text
    assert who(office, visitor) == ""
    is_refused(signs_in(visitor, url), UNKNOWN, 403)
    assert admin.post("/accounts/keeper/untie-oidc", data={"reason": "再试"}).status_code == 409
    entry = list(office.book.entries())[-1]
    assert isinstance(entry.event, access.IdentityUntied)
    assert (entry.event.person, entry.event.kind) == ("u_keeper", "oidc")
    assert (entry.event.provider, entry.event.reason) == (state.issuer, "换了单位")
    assert (entry.actor, entry.beside.via.role) == ("u_admin", "admin")
    assert b"wang" not in entry.state


@pytest.mark.target("T120", "T114")
def test_programs_see_and_untie_them_as_well(
    place: tuple[str, Office], state: Issuer, clock: Clock, admin: httpx.Client
) -> None:
    url, _ = place
    program = httpx.Client(base_url=f"{url}/api/v1", auth=("admin", PASSWORD), trust_env=False)
    with program:

        def tied() -> list[dict[str, Any]]:
            rows = program.get("/accounts").json()["log_ins"]
            return next(row["identities"] for row in rows if row["login"] == "keeper")

        (one,) = tied()
        since = datetime.fromisoformat(one.pop("since"))
        assert abs((since - clock()).total_seconds()) < 600
        assert one == {"kind": "oidc", "provider": state.issuer, "name": "wang", "believed": True}
        asked: dict[str, Any] = {
            "headers": {"Idempotency-Key": "untie-1"},
            "json": {"reason": "换了单位"},
        }
        answer = program.post("/accounts/keeper/untie-oidc", **asked)
        assert (answer.status_code, answer.json()["done"]) == (200, "untie-oidc"), answer.text
        assert tied() == []
        asked["headers"] = {"Idempotency-Key": "untie-2"}
        assert program.post("/accounts/keeper/untie-oidc", **asked).status_code == 409
        acts = program.get("/administration", params={"act": "access.identity_untied"}).json()
        assert acts["acts"][0]["person"] == "u_keeper"


def test_an_identity_of_a_provider_that_is_not_set_opens_nothing_and_says_so(
    place: tuple[str, Office], clock: Clock, admin: httpx.Client
) -> None:
    _, office = place
    assert "不能用来登录" not in admin.get("/accounts/keeper").text
    set_to(office, clock, claim="email")
    assert "不能用来登录" in admin.get("/accounts/keeper").text


# What ended there ends here (OpenID Connect Back-Channel Logout 1.0) ----------------------------

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def goodbye(state: Issuer, clock: Clock, **changed: Any) -> dict[str, Any]:
    """Return what an honest word of good-bye says, but for what a test changes; None leaves out."""
    now = int(clock().timestamp())
    honest: dict[str, Any] = {
        "iss": state.issuer,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(),
        "sub": "wang",
        "events": {EVENT: {}},
    }
    return {k: v for k, v in (honest | changed).items() if v is not None}


def tells(url: str, word: str) -> httpx.Response:
    """Let the provider tell us, as it does: no cookie, no browser."""
    with httpx.Client(trust_env=False, timeout=20) as provider:
        return provider.post(f"{url}/logout/oidc/ended", data={"logout_token": word})


@pytest.mark.target("T120")
def test_who_signs_out_there_is_signed_out_here_everywhere(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    account = office.accounts.find("keeper")
    other = office.accounts.find("clerk")
    assert account is not None and other is not None
    by_password, stays = office.accounts.sign_in(account), office.accounts.sign_in(other)
    signs_in(visitor, url)
    assert who(office, visitor) == "keeper"
    answer = tells(url, signed(goodbye(state, clock), typ="logout+jwt"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert who(office, visitor) == ""
    assert office.accounts.session(by_password) is None
    assert office.accounts.session(stays) is not None
    assert visitor.get(f"{url}/people/u_keeper").url.path == "/login"
    # Nobody who has no session, or no log-in here, is an error.
    for sub in ("wang", "li"):
        assert tells(url, signed(goodbye(state, clock, sub=sub))).status_code == 200


@pytest.mark.target("T120")
def test_one_session_there_is_one_session_here(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=20) as second:
        for browser, sid in ((visitor, "s-1"), (second, "s-2")):
            state.claims["sid"] = sid
            signs_in(browser, url)
        gone = goodbye(state, clock, sid="s-1", sub=None)
        assert tells(url, signed(gone)).status_code == 200
        assert (who(office, visitor), who(office, second)) == ("", "keeper")
        # The same name of a session is another's where it says whose it is.
        assert tells(url, signed(goodbye(state, clock, sid="s-2", sub="li"))).status_code == 200
        assert who(office, second) == "keeper"
        assert tells(url, signed(goodbye(state, clock, sid="s-2"))).status_code == 200
        assert who(office, second) == ""


def test_a_session_whose_name_there_was_not_told_is_any_of_the_persons(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    assert tells(url, signed(goodbye(state, clock, sid="s-9"))).status_code == 200
    assert who(office, visitor) == ""


def test_who_is_told_apart_by_another_claim_is_found_by_the_session(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    set_to(office, clock, claim="preferred_username")
    bind(office, "liming", "clerk")
    state.claims |= {"sub": "7f3a", "preferred_username": "liming"}
    signs_in(visitor, url)
    assert who(office, visitor) == "clerk"
    assert tells(url, signed(goodbye(state, clock, sub="liming"))).status_code == 200
    assert who(office, visitor) == "clerk"
    assert tells(url, signed(goodbye(state, clock, sub="7f3a"))).status_code == 200
    assert who(office, visitor) == ""


def test_a_session_remembers_its_provider_past_the_second_factor(
    careful: Accounts, place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    careful.reset_password("keeper")  # whose change nobody asks for who did not give it
    code = careful.factors.recovery_codes("keeper")[0]
    state.claims["sid"] = "s-3"
    assert signs_in(visitor, url).url.path == "/login/step"
    visitor.post(f"{url}/login/step", data={"code": code, "next": "/"})
    assert who(office, visitor) == "keeper"
    assert tells(url, signed(goodbye(state, clock, sid="s-3", sub=None))).status_code == 200
    assert who(office, visitor) == ""


FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "alg none": unsigned,
    "a public key as a shared secret": with_public_key_as_secret,
    "a key of somebody else": lambda c: signed(c, OTHER_KEY),
    "a key that the word brings along": under_its_own_key,
    "a key nobody published": lambda c: signed(c, kid="two"),
    "an algorithm that is not pinned": lambda c: signed(c, alg="RS512"),
    "another kind of word": lambda c: signed(c, typ="at+jwt"),
    "no word": lambda _: "",
    "no word at all": lambda _: "x" * 30_000,
    "another audience": lambda c: signed(c | {"aud": "another-client"}),
    "another audience in a list": lambda c: signed(c | {"aud": ["another-client"]}),
    "no audience": lambda c: signed(_without(c, "aud")),
    "another issuer": lambda c: signed(c | {"iss": "https://evil.example"}),
    "no issuer": lambda c: signed(_without(c, "iss")),
    "no time": lambda c: signed(_without(c, "iat")),
    "a time that is none": lambda c: signed(c | {"iat": "now"}),
    "written too long ago": lambda c: signed(_without(c, "exp") | {"iat": c["iat"] - 330}),
    "written in the future": lambda c: signed(c | {"iat": c["iat"] + 60}),
    "over": lambda c: signed(c | {"exp": c["iat"] - 60}),
    "no name of its own": lambda c: signed(_without(c, "jti")),
    "a name of its own that is none": lambda c: signed(c | {"jti": ["x"]}),
    "no event": lambda c: signed(_without(c, "events")),
    "another event": lambda c: signed(c | {"events": {"https://x/other": {}}}),
    "an event that is none": lambda c: signed(c | {"events": {EVENT: True}}),
    "events that are none": lambda c: signed(c | {"events": EVENT}),
    "a nonce, as what lets people in": lambda c: signed(c | {"nonce": "n"}),
    "an empty nonce": lambda c: signed(c | {"nonce": None}),
    "nobody": lambda c: signed(_without(c, "sub")),
    "a subject that is no text": lambda c: signed(c | {"sub": ["wang"]}),
    "an empty subject": lambda c: signed(c | {"sub": ""}),
    "a session that is no text": lambda c: signed(c | {"sid": 1}),
}


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in claims.items() if k != name}


@pytest.mark.target("T120")
def test_no_lie_signs_anybody_out(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    for name, forge in FORGED.items():
        answer = tells(url, forge(goodbye(state, clock)))
        assert answer.status_code == 400, name
        assert answer.json()["error"] == "invalid_request", name
        assert who(office, visitor) == "keeper", name
    # What lets people in ends nothing, and what ends a session lets nobody in.
    assert tells(url, state.word("n")).status_code == 400
    assert who(office, visitor) == "keeper"
    visitor.cookies.clear()
    state.sign = lambda claims: signed(goodbye(state, clock, nonce=claims["nonce"], exp=None))
    is_refused(signs_in(visitor, url), UNPROVEN, 403)


@pytest.mark.target("T120")
def test_a_word_of_goodbye_counts_once(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    word = signed(goodbye(state, clock, exp=None))
    assert tells(url, word).status_code == 200
    for seconds in (0, 200, 129):  # up to the last moment at which it is good at all
        clock.pass_(seconds=seconds)
        visitor.cookies.clear()
        signs_in(visitor, url)
        assert tells(url, word).status_code == 400
        assert who(office, visitor) == "keeper"


def test_of_the_same_word_twice_at_once_one_counts(accounts: Accounts) -> None:
    known = Identities(accounts.engine, accounts.clock)
    with ThreadPoolExecutor(8) as crowd:
        told = list(crowd.map(lambda _: known.first("jti-1", timedelta(minutes=6)), range(8)))
    assert sorted(told) == [False] * 7 + [True]


def test_a_provider_that_is_away_signs_nobody_out(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    signs_in(visitor, url)
    set_to(office, clock)  # nothing of it is known yet
    state.document["jwks_uri"] = None
    assert tells(url, signed(goodbye(state, clock))).status_code == 503
    assert who(office, visitor) == "keeper"


def test_cookies_are_for_this_site_and_no_script(
    place: tuple[str, Office], clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    set_to(office, clock, https=True)
    back = begun(visitor, url)
    started = visitor.get(f"{url}/login/oidc", follow_redirects=False).headers["set-cookie"]
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/login/oidc", "Max-Age=600"):
        assert flag in started
    secret = re.search(r"signing-in=([^;]+)", started)
    assert secret is not None
    there = visitor.get(f"{url}/login/oidc", follow_redirects=False, headers={"Cookie": secret[0]})
    back = httpx.get(there.headers["location"], trust_env=False).headers["location"]
    answer = visitor.get(back, follow_redirects=False, headers={"Cookie": secret[0]})
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("__Host-session="))
    word = next(c for c in cookies if c.startswith("provider-word="))
    assert "Path=/logout" in word
    assert all(f in c for c in (session, word) for f in ("HttpOnly", "Secure", "SameSite=lax"))


# Other ways in ---------------------------------------------------------------------------------


def test_a_provider_that_is_away_is_told_and_people_get_in_as_before(
    place: tuple[str, Office], clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever calls is refused
        set_to(office, clock, issuer=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        is_refused(signs_in(visitor, url), AWAY, 503)
        answer = visitor.get(f"{url}/login/oidc", params={"lang": "en"})
        assert AWAY.en in unescape(answer.text)
    visitor.post(f"{url}/login", data={"login": "clerk", "password": PASSWORD})
    assert who(office, visitor) == "clerk"


def test_a_provider_that_sends_us_elsewhere_is_not_followed(
    place: tuple[str, Office], state: Issuer, clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place

    def elsewhere(_: Request) -> Response:
        return RedirectResponse(f"{state.issuer}/.well-known/openid-configuration", 302)

    with listening(Starlette(routes=[Route("/{path:path}", elsewhere)])) as moved:
        set_to(office, clock, issuer=moved)
        is_refused(signs_in(visitor, url), AWAY, 503)
    assert state.asked == []


def test_without_passwords_of_ours_only_the_emergency_administrator_has_one(
    place: tuple[str, Office], clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place

    def tries(login: str) -> httpx.Response:
        return visitor.post(f"{url}/login", data={"login": login, "password": PASSWORD})

    set_to(office, clock, local_login=False, break_glass="admin")
    is_refused(tries("clerk"), ELSEWHERE_ONLY, 403)
    basic = visitor.get(f"{url}/api/v1/inventory", auth=("clerk", PASSWORD))
    assert (basic.status_code, basic.json()["slug"]) == (403, "sign-in-elsewhere")
    assert tries("admin").status_code == 200
    assert who(office, visitor) == "admin"
    visitor.cookies.clear()
    set_to(office, clock, local_login=False, break_glass="clerk")
    is_refused(tries("clerk"), ELSEWHERE_ONLY, 403)  # no administrator
    set_to(office, clock, local_login=False, break_glass="")
    is_refused(tries("admin"), ELSEWHERE_ONLY, 403)
    signs_in(visitor, url)
    assert who(office, visitor) == "keeper"


def test_the_sign_in_page_shows_the_ways_there_are(
    place: tuple[str, Office], clock: Clock, visitor: httpx.Client
) -> None:
    url, office = place

    def shown(lang: str = "zh") -> str:
        return unescape(
            visitor.get(f"{url}/login", params={"next": "/assets?a=b&c=d", "lang": lang}).text
        )

    assert 'href="/login/oidc?next=/assets%3Fa%3Db%26c%3Dd"' in shown()
    assert "用统一身份认证登录" in shown() and "Sign in with your organisation" in shown("en")
    set_to(office, clock, title="市数字身份|City identity")
    assert "市数字身份" in shown() and "City identity" in shown("en")
    assert 'name="password"' in shown() and "系统管理员应急登录" not in shown()
    set_to(office, clock, local_login=False, break_glass="admin")
    assert "系统管理员应急登录" in shown()
    set_to(office, clock, local_login=False, break_glass="")
    assert 'name="password"' not in shown()


# Whose an identity is -----------------------------------------------------------------------


WANG = Identity(kind="oidc", name="wang", source="https://id.example#sub")


@pytest.fixture
def accounts(database: str) -> Iterator[Accounts]:
    with closing(Accounts.open(database)) as opened:
        yield opened


@pytest.mark.target("T120")
def test_two_log_ins_never_share_an_identity(accounts: Accounts) -> None:
    kept = Identities(accounts.engine, accounts.clock)
    kept.bind(WANG, "Keeper")
    kept.bind(WANG, "keeper")
    with pytest.raises(Taken):
        kept.bind(WANG, "clerk")
    with pytest.raises(Taken):
        kept.bind(msgspec.structs.replace(WANG, name="wang2"), "keeper")
    assert kept.login_of(WANG) == "keeper"
    for other in ("kind", "name", "source"):
        assert kept.login_of(msgspec.structs.replace(WANG, **{other: "ldap"})) == ""
    kept.bind(Identity(kind="ldap", name="wang", source="dc=x#uid"), "keeper")
    assert [i.slug for i in kept.of("keeper")] == ["ldap:wang", "oidc:wang"]
    kept.part(WANG)
    kept.bind(WANG, "clerk")
    assert {login: [i.slug for i in found] for login, found in kept.all().items()} == {
        "clerk": ["oidc:wang"],
        "keeper": ["ldap:wang"],
    }


def test_of_many_who_bind_one_identity_at_once_one_has_it(accounts: Accounts) -> None:
    kept = Identities(accounts.engine, accounts.clock)

    def binds(login: str) -> bool:
        try:
            kept.bind(WANG, login)
        except Taken:
            return False
        return True

    with ThreadPoolExecutor(8) as people:
        bound = list(people.map(binds, [f"l{n}" for n in range(8)]))
    assert bound.count(True) == 1
    assert kept.login_of(WANG) == f"l{bound.index(True)}"


def test_of_two_answers_at_once_one_is_taken(accounts: Accounts) -> None:
    kept = Identities(accounts.engine, accounts.clock)
    kept.begin(Started(state="s", nonce="n", verifier="v", next="/"), "browser")
    with ThreadPoolExecutor(8) as answers_:
        taken = list(answers_.map(lambda _: kept.take("s", "browser"), range(8)))
    assert len([one for one in taken if one is not None]) == 1


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "zh", "en"),
    [
        ({"ISSUER": "http://id.example"}, "GONGWU_OIDC_ISSUER", "GONGWU_OIDC_ISSUER"),
        ({"ISSUER": "https://id.example#x"}, "GONGWU_OIDC_ISSUER", "GONGWU_OIDC_ISSUER"),
        ({"CALLBACK": ""}, "GONGWU_OIDC_CALLBACK 须为", "GONGWU_OIDC_CALLBACK must be"),
        ({"CLIENT": ""}, "缺少 GONGWU_OIDC_CLIENT", "GONGWU_OIDC_CLIENT is missing"),
        ({"CLAIM": "name"}, "GONGWU_OIDC_CLAIM 须为", "GONGWU_OIDC_CLAIM is one of"),
        ({"ALGORITHMS": "RS256 HS256"}, "非对称", "private key alone"),
        ({"ALGORITHMS": "none"}, "非对称", "private key alone"),
        ({"GROUPS": "a=king"}, "没有岗位 king", "no role king"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told(
    changed: dict[str, str], zh: str, en: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"ISSUER": "https://id.example", "CLIENT": "c", "CALLBACK": "https://us.example/back"}
    for name, value in (given | changed).items():
        monkeypatch.setenv(f"GONGWU_OIDC_{name}", value)
    for lang, told in (("zh", zh), ("en", en)):
        result = CliRunner().invoke(cli.app, ["--lang", lang, "account", "list"])
        assert (result.exit_code, told in result.output) == (USAGE, True), result.output


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "OIDC_ISSUER": "https://id.example/realms/city",
        "OIDC_CLIENT": "gongwu",
        "OIDC_SECRET": "s",
        "OIDC_CALLBACK": "https://us.example/login/oidc/done",
        "OIDC_CLAIM": "email",
        "OIDC_SCOPE": "openid email",
        "OIDC_ALGORITHMS": "ES256 EdDSA",
        "OIDC_TITLE": "市|City",
        "OIDC_CA": "ca.pem",
        "OIDC_GROUPS": "cn=keepers,ou=groups=keeper; 审计组=auditor",
        "OIDC_GROUPS_CLAIM": "roles",
        "LOCAL_LOGIN": "false",
        "BREAK_GLASS": "Admin",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"GONGWU_{name}", value)
    read = Settings.from_env()
    assert read.oidc == Oidc(
        issuer="https://id.example/realms/city",
        client="gongwu",
        secret="s",
        callback="https://us.example/login/oidc/done",
        claim="email",
        scope="openid email",
        algorithms=("ES256", "EdDSA"),
        title="市|City",
        ca=Path("ca.pem"),
        groups={"cn=keepers,ou=groups": "keeper", "审计组": "auditor"},
        groups_claim="roles",
    )
    assert (read.local_login, read.break_glass) == (False, "admin")


def test_a_service_nobody_could_sign_in_to_does_not_start(
    monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    Office.open(Settings(database=database)).close()
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_LOCAL_LOGIN", "no")
    result = CliRunner().invoke(cli.app, ["--lang", "en", "serve", "--port", "0"])
    assert (result.exit_code, "nobody could sign in" in result.output) == (USAGE, True)
