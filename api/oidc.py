"""One provider of identities (OpenID Connect): people are sent there, and its word is checked.

Authorization code with PKCE (S256), state and nonce. Its addresses and keys come from the
configured issuer alone, its word counts under the pinned algorithms, issuer and audience.
"""

from __future__ import annotations

import json
import logging
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any, TypeGuard
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, Request

import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jws import JWSRegistry

from api.accounts import LOCAL, Vouched
from api.elsewhere import AWAY, DENIED, NOT_ANEW, UNPROVEN, Elsewhere
from api.hashing import hashed
from api.identities import Purpose, Started
from api.notarising import opener
from api.settings_sign import Oidc, is_guarded

log = logging.getLogger("gongwu.oidc")
SECONDS_MAX = 5.0  # a provider that takes longer is away
ANSWER_BYTES_MAX = 1 << 20
SKEW_SECONDS = 30  # how far the provider's clock may be from ours
KNOWN_SECONDS = 3600.0  # addresses and keys are asked for again after this
KEYS_AGAIN_SECONDS = 60.0  # and for an unknown key no sooner than this
GROUPS_MAX = 1_000
# How long after a word of good-bye was written it is taken (Back-Channel Logout 1.0 asks for
# little), and what it says.
ENDED_SECONDS = 300
ENDED = "http://schemas.openid.net/event/backchannel-logout"
TYPES = frozenset({"logout+jwt", "application/logout+jwt", "jwt"})
TEXT_CHARS_MAX = 1_000
TWICE = frozenset({"mfa", "otp", "hwk", "swk", "sc"})  # RFC 8176: more than a password


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for, in which of its groups, and its word as it gave it.

    `twice` when it asked them for a second factor.
    """

    name: str
    groups: tuple[str, ...]
    word: str
    twice: bool
    vouched: Vouched = LOCAL


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says is over: all of a person, by `name` where that is how it names them
    to us, or one session. `once` is the name of its word, which counts once.
    """

    name: str
    gone: Vouched
    once: str


class Provider:
    """The provider of the settings. Threads may share it."""

    def __init__(self, settings: Oidc, clock: Callable[[], datetime]) -> None:
        self.settings, self.clock = settings, clock
        self._http = _Http(settings)
        self._busy = threading.Lock()
        self._known: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    # What people go through --------------------------------------------------------------

    def start(
        self, where: str = "/", purpose: Purpose = Purpose.SIGN_IN, session: str = ""
    ) -> tuple[str, Started]:
        """Return the address to send somebody to, and what the answer is held against.

        Who is signed in here already (`session` is the hash of its id) is asked there anew.
        """
        started = Started(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=where,
            purpose=purpose,
            session=session,
        )
        anew = {"prompt": "login", "max_age": "0"} if purpose is not Purpose.SIGN_IN else {}
        url, _ = self._client().create_authorization_url(
            self._address("authorization_endpoint"),
            state=started.state,
            nonce=started.nonce,
            code_verifier=started.verifier,
            **anew,
        )
        return url, started

    def finish(self, answer: Mapping[str, str], started: Started) -> Identified:
        """Return whom the provider vouches for in its answer; raise Elsewhere."""
        told = answer.get("iss", "")
        must = self.metadata().get("authorization_response_iss_parameter_supported") is True
        if (told or must) and told != self.settings.issuer:  # RFC 9207
            raise Elsewhere(403, UNPROVEN, "the answer names another issuer")
        if "error" in answer:
            raise Elsewhere(403, DENIED, f"the provider refused: {_plain(answer['error'])}")
        if not answer.get("code"):
            raise Elsewhere(403, UNPROVEN, "the answer has no code")
        token = self._redeem(answer["code"], started.verifier)
        word = token.get("id_token")
        if not isinstance(word, str):
            raise Elsewhere(403, UNPROVEN, "the provider gave no id token")
        access = token.get("access_token")
        claims = self._checked(word, started.nonce, access if isinstance(access, str) else "")
        if started.purpose is not Purpose.SIGN_IN:
            self._refuse_stale(claims, started)
        if self.settings.claim not in claims and isinstance(access, str):
            claims |= self._more(access, claims["sub"])
        return Identified(
            name=self._name(claims),
            groups=self._groups(claims),
            word=word,
            twice=self.settings.second_factor or not TWICE.isdisjoint(_texts(claims.get("amr"))),
            vouched=self._vouched(claims),
        )

    def ended(self, word: str) -> Ended:
        """Return who is signed out there, by the provider's own word; raise Elsewhere.

        OpenID Connect Back-Channel Logout 1.0, section 2.6. That a word counts once is for whoever
        remembers those that came.
        """
        token = self._decoded(word)
        kind = token.header.get("typ", "jwt")
        said = jwt.JWTClaimsRegistry(
            now=int(self.clock().timestamp()),
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client},
            iat={"essential": True},
            jti={"essential": True},
        )
        claims = token.claims
        try:
            said.validate(claims)
            old = said.now - claims["iat"] - SKEW_SECONDS
        except (JoseError, ValueError, TypeError) as wrong:
            raise Elsewhere(400, UNPROVEN, f"the word of good-bye does not hold: {wrong}") from None
        events = claims.get("events")
        names = [claims[name] for name in ("sub", "sid", "jti") if name in claims]
        wrong = {
            "it is another kind of word": not isinstance(kind, str) or kind.lower() not in TYPES,
            "it is older than five minutes": old >= ENDED_SECONDS,
            "it tells of nothing that ended": not isinstance(events, dict)
            or not isinstance(events.get(ENDED), dict),
            "it has a nonce, as what lets people in has": "nonce" in claims,
            "it names neither a person nor a session": not {"sub", "sid"} & claims.keys(),
            "a name in it is none": not all(_is_name(name) for name in names),
        }
        if any(wrong.values()):
            why = next(why for why, so in wrong.items() if so)
            raise Elsewhere(400, UNPROVEN, f"the word of good-bye does not hold: {why}")
        # One who is told apart by another claim is found by the sessions that were begun.
        by_name = "sid" not in claims and self.settings.claim == "sub"
        return Ended(
            name=claims["sub"] if by_name else "",
            gone=self._vouched(claims),
            once=claims["jti"],
        )

    def goodbye(self, word: str, lang: str) -> str:
        """Return where somebody ends their log-in at the provider too; '' when it offers no such."""
        end = self.metadata().get("end_session_endpoint", "")
        if not isinstance(end, str) or not is_guarded(end):
            return ""
        told = [
            ("client_id", self.settings.client),
            ("post_logout_redirect_uri", self.settings.after),
            ("ui_locales", "zh-CN" if lang == "zh" else "en"),
        ]
        return add_params_to_uri(end, [("id_token_hint", word), *told] if word else told)

    # What the provider says of itself ----------------------------------------------------

    def metadata(self) -> Mapping[str, Any]:
        """Return what the provider's document says; raise Elsewhere."""
        known, now = self._known, self.clock().timestamp()
        if known is not None and 0 <= now - known[0] < KNOWN_SECONDS:
            return known[1]
        found = self._http.read(get_well_known_url(self.settings.issuer, external=True))
        if found.get("issuer") != self.settings.issuer:
            raise Elsewhere(
                503, AWAY, f"the document of {self.settings.issuer} names {found.get('issuer')!r}"
            )
        self._known = (now, found)
        return found

    def _address(self, name: str) -> str:
        url = self.metadata().get(name)
        if not isinstance(url, str) or not is_guarded(url):
            raise Elsewhere(503, AWAY, f"{name} of the provider is no https address: {url!r}")
        return url

    def _key_set(self, *, again: bool = False) -> KeySet:
        with self._busy:
            known, now = self._keys, self.clock().timestamp()
            enough = KEYS_AGAIN_SECONDS if again else KNOWN_SECONDS
            if known is not None and 0 <= now - known[0] < enough:
                return known[1]
            found = self._http.read(self._address("jwks_uri")).get("keys")
            keys = KeySet([key for one in _list(found) for key in _public(one)])
            self._keys = (now, keys)
            return keys

    # Its word ------------------------------------------------------------------------------

    def _client(self) -> OAuth2Client:
        offered = _list(self.metadata().get("token_endpoint_auth_methods_supported"))
        how = "client_secret_basic"  # what a provider takes that does not say (RFC 8414)
        if offered and how not in offered and "client_secret_post" in offered:
            how = "client_secret_post"
        return OAuth2Client(
            self._http,
            client_id=self.settings.client,
            client_secret=self.settings.secret or None,
            token_endpoint_auth_method=how if self.settings.secret else "none",
            scope=self.settings.scope,
            redirect_uri=self.settings.callback,
            code_challenge_method="S256",
        )

    def _redeem(self, code: str, verifier: str) -> Mapping[str, Any]:
        try:
            return self._client().fetch_token(
                self._address("token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
            )
        except AuthlibBaseError as refused:
            why = f"the provider did not take the code: {_plain(refused.error)}"
            raise Elsewhere(403, UNPROVEN, why) from None
        except ValueError as odd:
            raise Elsewhere(503, AWAY, f"the provider's answer cannot be read: {odd}") from None

    def _decoded(self, word: str) -> jwt.Token:
        """Return what the provider signed; raise Elsewhere."""
        registry = JWSRegistry(algorithms=list(self.settings.algorithms), strict_check_header=False)
        try:
            try:
                return jwt.decode(word, self._key_set(), registry=registry)
            except InvalidKeyIdError:
                return jwt.decode(word, self._key_set(again=True), registry=registry)
        except (JoseError, ValueError, TypeError) as wrong:
            raise Elsewhere(403, UNPROVEN, f"the word is not the provider's: {wrong}") from None

    def _vouched(self, claims: Mapping[str, Any]) -> Vouched:
        """Return what a session remembers of a word: hashes, since names are people's."""

        def kept(name: str) -> str:
            value = claims.get(name)
            return hashed(f"{self.settings.issuer}\n{value}") if _is_name(value) else ""

        return Vouched(subject=kept("sub"), sid=kept("sid"))

    def _checked(self, word: str, nonce: str, access: str) -> dict[str, Any]:
        """Return the claims of an id token whose signature and claims hold; raise Elsewhere."""
        token = self._decoded(word)
        try:
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": self.settings.client, "access_token": access},
            )
            claims.validate(now=int(self.clock().timestamp()), leeway=SKEW_SECONDS)
        except (JoseError, ValueError, TypeError) as wrong:
            raise Elsewhere(403, UNPROVEN, f"the id token does not hold: {wrong}") from None
        return dict(claims)

    def _refuse_stale(self, claims: Mapping[str, Any], started: Started) -> None:
        """Raise Elsewhere unless the provider asked them anew who they are, after they set out."""
        at = claims.get("auth_time")
        if not isinstance(at, int | float) or isinstance(at, bool):
            raise Elsewhere(403, NOT_ANEW, f"the id token does not say auth_time: {_plain(at)}")
        begun = datetime.fromisoformat(started.at).timestamp()
        if not begun - SKEW_SECONDS <= at <= self.clock().timestamp() + SKEW_SECONDS:
            raise Elsewhere(403, NOT_ANEW, f"auth_time is {_plain(at)}, not after {started.at}")

    def _more(self, access: str, subject: str) -> dict[str, Any]:
        """Return what the provider says of the same person when asked; nothing when it offers none."""
        if "userinfo_endpoint" not in self.metadata():
            return {}
        found = self._http.read(self._address("userinfo_endpoint"), f"Bearer {access}")
        if found.get("sub") != subject:
            raise Elsewhere(403, UNPROVEN, "the user info is somebody else's")
        wanted = (self.settings.claim, self.settings.groups_claim, "email_verified")
        return {name: found[name] for name in wanted if name in found}

    def _name(self, claims: Mapping[str, Any]) -> str:
        claim = self.settings.claim
        if claim == "email" and claims.get("email_verified") is not True:
            raise Elsewhere(403, UNPROVEN, "the provider did not verify the e-mail address")
        name = claims.get(claim)
        if not isinstance(name, str) or not name:
            raise Elsewhere(403, UNPROVEN, f"the provider does not say {claim}")
        return name

    def _groups(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        return _texts(claims.get(self.settings.groups_claim))[:GROUPS_MAX]


class _Answer:
    """An answer as the library reads it."""

    def __init__(self, status_code: int, body: bytes) -> None:
        self.status_code, self.body = status_code, body

    def json(self) -> Any:
        """Return the document; raise ValueError for what is none."""
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """Raise Elsewhere for an answer that says something went wrong."""
        if self.status_code >= 400:
            raise Elsewhere(503, AWAY, f"the provider answered {self.status_code}")


class _Http:
    """Asks the provider: over TLS that is checked, at no address but the one given."""

    def __init__(self, settings: Oidc) -> None:
        trusted = ssl.create_default_context(cafile=settings.ca)
        self._open = opener(HTTPSHandler(context=trusted)).open

    def read(self, url: str, authorization: str = "") -> dict[str, Any]:
        """Return the document at an address; raise Elsewhere."""
        headers = {"Accept": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        answer = self._ask(Request(url, headers=headers))
        try:
            answer.raise_for_status()
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Elsewhere(503, AWAY, f"there is no document at {url}")
        return found

    def post(
        self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any
    ) -> _Answer:
        """Send a form, as the library wants it sent: `auth` adds who we are."""
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._ask(Request(url, body.encode(), sent, method="POST"))

    def _ask(self, request: Request) -> _Answer:
        try:
            with self._open(request, timeout=SECONDS_MAX) as answer:
                return _Answer(answer.status, answer.read(ANSWER_BYTES_MAX))
        except HTTPError as answer:
            with answer:
                return _Answer(answer.code, answer.read(ANSWER_BYTES_MAX))
        except (OSError, HTTPException, ValueError) as trouble:
            where = request.full_url.partition("?")[0]
            raise Elsewhere(503, AWAY, f"{where} does not answer: {trouble}") from None


def _public(key: Any) -> list[Any]:
    """Return a key in a list, or none when it is no public key that we know."""
    if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP"):
        return []
    try:
        return [JWKRegistry.import_key(key)]
    except (JoseError, ValueError, TypeError, KeyError):
        return []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in _list(value) if isinstance(text, str))


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= TEXT_CHARS_MAX


def _plain(text: object) -> str:
    """Return what a stranger said as it may stand in a log."""
    return "".join(c if c.isprintable() else "?" for c in str(text))[:200]
